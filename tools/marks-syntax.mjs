// Questions that tools/marks.mjs asks of one syntax node or comment.
import { LiteralKind, NodeKind as K, Token } from "assemblyscript";
import { isAssignment, textOf } from "./marks-types.mjs";

/** Whether a false `e` tells asc more about null than a true one does. */
export function falseNarrows(e) {
  if (e.kind === K.Parenthesized) return falseNarrows(e.expression);
  if (e.kind === K.UnaryPrefix && e.operator === Token.Exclamation) return !falseNarrows(e.operand);
  if (e.kind !== K.Binary) return false;
  return [Token.Bar_Bar, Token.Equals_Equals, Token.Equals_Equals_Equals].includes(e.operator);
}

/** Whether a loop's condition is absent or plainly true, so that asc sees an endless loop. */
export function alwaysTrue(e) {
  if (!e || e.kind === K.True) return true;
  return e.kind === K.Literal && e.literalKind === LiteralKind.Integer && Number(textOf(e)) !== 0;
}

/** Names of the variables that evaluating `e` may give a value. */
export function assigned(e, found = new Set()) {
  if (!e) return found;
  const target = (t) => {
    while (t.kind === K.Parenthesized) t = t.expression;
    if (t.kind === K.Identifier) found.add(t.text);
  };
  switch (e.kind) {
    case K.Binary:
      assigned(e.left, found);
      assigned(e.right, found);
      if (isAssignment(e.operator)) target(e.left);
      break;
    case K.UnaryPrefix:
    case K.UnaryPostfix:
      assigned(e.operand, found);
      if (e.operator === Token.Plus_Plus || e.operator === Token.Minus_Minus) target(e.operand);
      break;
    case K.Call:
      assigned(e.expression, found);
      for (const a of e.args) assigned(a, found);
      break;
    case K.Comma:
      for (const part of e.expressions) assigned(part, found);
      break;
    case K.ElementAccess:
      assigned(e.expression, found);
      assigned(e.elementExpression, found);
      break;
    case K.Ternary:
      for (const part of [e.condition, e.ifThen, e.ifElse]) assigned(part, found);
      break;
    case K.Assertion:
    case K.InstanceOf:
    case K.Parenthesized:
    case K.PropertyAccess:
      assigned(e.expression, found);
      break;
  }
  return found;
}

/** The comments from the statement before up to `start`, less those that a blank line cuts off. */
function commentAbove(text, start) {
  const lines = text.slice(0, start).split(/\r?\n/);
  lines.pop();
  const block = [];
  for (let inside = false; lines.length > 0; ) {
    const line = lines.pop().trim();
    if (line.endsWith("*/")) inside = true;
    if (!inside && !line.startsWith("//")) break;
    block.unshift(line);
    if (line.includes("/*")) inside = false;
  }
  return block.join("\n");
}

/** The comment a file begins with, unless it belongs to the declaration right below it. */
function commentOnTop({ text, statements: [first] }) {
  const top =
    text.match(/^(?:[ \t]*\/\/.*(?:\r?\n|$)|\/\*[\s\S]*?\*\/[ \t]*(?:\r?\n|$))+/)?.[0] ?? "";
  return first && first.kind !== K.Import && first.range.start === top.length ? "" : top;
}

const directive = /@nomark\b/;

/** Whether the comment directly above the declaration that starts at `start` says @nomark. */
export const leftAlone = (text, start) => directive.test(commentAbove(text, start));

/** Whether the comment at the top of `source` says @nomark for the whole file. */
export const leftAloneAtTop = (source) => directive.test(commentOnTop(source));
