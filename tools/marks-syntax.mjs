// Questions that tools/marks.mjs asks of one syntax node or comment.
import { LiteralKind, NodeKind as K, Token } from "assemblyscript";
import { isAssignment, textOf } from "./marks-types.mjs";

/** Whether a false `e` tells asc more about null than a true one does. */
function falseNarrows(e) {
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

/** The operands of `e` in the order in which they are evaluated. */
function operands(e) {
  switch (e.kind) {
    case K.Binary:
      return [e.left, e.right];
    case K.UnaryPrefix:
    case K.UnaryPostfix:
      return [e.operand];
    case K.Call:
      return [e.expression, ...e.args];
    case K.Comma:
      return e.expressions;
    case K.ElementAccess:
      return [e.expression, e.elementExpression];
    case K.Ternary:
      return [e.condition, e.ifThen, e.ifElse];
    case K.Assertion:
    case K.InstanceOf:
    case K.Parenthesized:
    case K.PropertyAccess:
      return [e.expression];
    default:
      return [];
  }
}

/** The name of the variable that `e` itself, not an operand, gives a value. */
function target(e) {
  const unary = e.kind === K.UnaryPrefix || e.kind === K.UnaryPostfix;
  const steps = e.operator === Token.Plus_Plus || e.operator === Token.Minus_Minus;
  let to;
  if (e.kind === K.Binary && isAssignment(e.operator)) to = e.left;
  else if (unary && steps) to = e.operand;
  while (to?.kind === K.Parenthesized) to = to.expression;
  return to?.kind === K.Identifier ? to.text : undefined;
}

/**
 * Names of the variables that evaluating `e` gives a value: `all` that it may, those that it
 * `always` does, and those it does when it turns out true or false, as far as asc can tell: a
 * variable declared without a value may only be read where asc knows that it has one.
 */
export function assigned(e) {
  if (e?.kind === K.Parenthesized) return assigned(e.expression);
  const parts = e ? operands(e).map(assigned) : [];
  const all = new Set(parts.flatMap((part) => [...part.all]));
  const [first, second] = parts;
  if (e?.kind === K.Binary && e.operator === Token.Ampersand_Ampersand) {
    const ifTrue = new Set([...first.ifTrue, ...second.always]);
    return { all, always: first.always, ifTrue, ifFalse: first.always };
  }
  if (e?.kind === K.Binary && e.operator === Token.Bar_Bar) {
    const ifFalse = new Set([...first.ifFalse, ...second.always]);
    return { all, always: first.always, ifTrue: first.always, ifFalse };
  }
  const certain = e?.kind === K.Ternary ? [first] : parts;
  const always = new Set(certain.flatMap((part) => [...part.always]));
  const name = e && target(e);
  if (name !== undefined) {
    all.add(name);
    always.add(name);
  }
  return { all, always, ifTrue: always, ifFalse: always };
}

/**
 * Puts `mark`, a call, before everything that `e` computes, where that hides from asc neither an
 * assignment nor what a condition says about null.
 *
 * @param node `{ test(e), fail(e), comma(e) }` make `mark && e`, `mark || e` and `(mark, e)`.
 * @returns the expression to stand for `e`.
 */
export function markFirst(e, node) {
  if (e.kind === K.Parenthesized) {
    e.expression = markFirst(e.expression, node);
    return e;
  }
  const logical = [Token.Ampersand_Ampersand, Token.Bar_Bar];
  if (e.kind === K.Binary && logical.includes(e.operator)) {
    e.left = markFirst(e.left, node);
    return e;
  }
  if (assigned(e).always.size === 0) return falseNarrows(e) ? node.fail(e) : node.test(e);
  if (e.kind === K.Binary) {
    // Reading or naming a variable computes nothing; what it is given is computed first.
    const side = target(e) === undefined ? "left" : "right";
    e[side] = commaFirst(e[side], node);
    return e;
  }
  return node.comma(e);
}

function commaFirst(e, node) {
  if (e.kind === K.Parenthesized) {
    e.expression = commaFirst(e.expression, node);
    return e;
  }
  return assigned(e).always.size > 0 && e.kind === K.Binary ? markFirst(e, node) : node.comma(e);
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
