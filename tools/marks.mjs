// An asc transform that makes a line of the kernel something one can stop at.
//
//   asc assembly/index.ts --transform ./tools/marks.mjs ...
//
// It rewrites the syntax trees of assembly/{kernel,policy,proposal}/ and no text: before each
// statement, and each evaluation of a loop's condition and step, a call of assembly/mark.ts counts
// the mark; parameters and locals are recorded when they are given a value; enter and leave keep
// the call stack. What a mark, a function and a slot stand for goes to build/marks.json (or
// MARKS_OUT), whose format is below. The same sources give the same map, byte for byte.
//
//   version     1
//   files       [{ path, sha256 }]                  of the text that was compiled
//   functions   [{ name, file, line, returnType, slots, unrecorded }]; id = index + 1
//               name is "f" or "Class.f"; slots [{ name, type, kind, occurrence, line, endLine }],
//               kind "this" | "param" | "local", line..endLine where the name means this slot
//   marks       [{ file, function, kind, line, column, endLine, endColumn }]; id = index + 1
//               file is an index, function an id; columns from 1, the end one past the last
//   constants   { path: { name: "decimal" } }       enums as "Enum.Member"
//
// Left alone: what has `@nomark` in the comment directly above it (function, method, class), or
// in the comment a file begins with; constructors, function expressions and nested functions.
import { createHash } from "node:crypto";
import { CommonFlags, Node, NodeKind as K, Range, Token } from "assemblyscript";
import { Transform } from "assemblyscript/transform";
import { alwaysTrue, assigned, leftAlone, leftAloneAtTop, markFirst } from "./marks-syntax.mjs";
import { Names, typeText } from "./marks-types.mjs";

const MARKED = /^assembly\/(kernel|policy|proposal)\//;
const RUNTIME = "assembly/mark";
const MAX_SLOTS = 24; // MARK_NR_SLOTS of assembly/abi.ts
const CALLS = ["enter", "mark", "test", "fail", "let", "unset", "end", "leave"];
const KINDS = { [K.Break]: "break", [K.Continue]: "continue" };

export default class Marks extends Transform {
  #map;
  #names;
  #source;
  #fn;
  #scopes;
  #loops;
  #declarations = [];

  afterParse(parser) {
    this.#map = { version: 1, files: [], functions: [], marks: [], constants: {} };
    this.#names = new Names(parser.sources);
    const own = parser.sources
      .filter((source) => source.internalPath.startsWith("assembly/"))
      .sort((a, b) => (a.internalPath < b.internalPath ? -1 : 1));
    for (const source of own) {
      const marked = MARKED.test(source.internalPath);
      const constants = this.#names.constants(source.internalPath, !marked);
      if (constants.size > 0) {
        this.#map.constants[source.normalizedPath] = Object.fromEntries(
          [...constants].map(([name, value]) => [name, String(value)]),
        );
      }
      if (!marked) continue;
      this.#source = source;
      const sha256 = createHash("sha256").update(source.text).digest("hex");
      this.#map.files.push({ path: source.normalizedPath, sha256 });
      if (leftAloneAtTop(source)) continue;
      const before = this.#map.functions.length;
      for (const statement of source.statements) this.#top(statement, "");
      if (this.#map.functions.length > before) this.#import(parser, source);
    }
  }

  async afterCompile() {
    for (const [id, declaration] of this.#declarations.entries())
      this.#compiledTypes(id, declaration);
    const lines = (list) => `[\n${list.map((entry) => JSON.stringify(entry)).join(",\n")}\n]`;
    const map = this.#map;
    const text = `{"version":${map.version},
"files":${lines(map.files)},
"functions":${lines(map.functions)},
"marks":${lines(map.marks)},
"constants":${JSON.stringify(map.constants, null, 1)}}\n`;
    await this.writeFile(process.env.MARKS_OUT || "build/marks.json", text, this.baseDir);
  }

  /** Fills in a local's type from the compiler where the text did not tell. */
  #compiledTypes(index, declaration) {
    const prototype = this.program.elementsByDeclaration.get(declaration);
    const instances = [...(prototype?.instances?.values() ?? [])];
    if (instances.length !== 1) return;
    for (const slot of this.#map.functions[index].slots) {
      if (slot.type) continue;
      const locals = instances[0].localsByIndex.filter((local) => local.name === slot.name);
      const types = new Set(locals.map((local) => local.type.toString()));
      if (types.size === 1) slot.type = [...types][0].replace(/[\w/~.-]*\//g, "");
    }
  }

  /** import { __mark, ... } from the run-time half, as if the file had said so. */
  #import(parser, source) {
    const range = source.range;
    const up = "../".repeat(source.internalPath.split("/").length - 2);
    const path = Node.createStringLiteralExpression(`${up || "./"}mark`, range);
    const names = CALLS.map((name) =>
      Node.createImportDeclaration(this.#id(`__${name}`, range), null, range),
    );
    const statement = Node.createImportStatement(names, path, range);
    source.statements.unshift(statement);
    if (!parser.seenlog.has(RUNTIME)) {
      parser.seenlog.add(RUNTIME);
      parser.backlog.push(RUNTIME);
    }
  }

  #top(s, owner) {
    if (s.kind === K.ExportDefault) s = s.declaration;
    if (leftAlone(this.#source.text, s.range.start)) return;
    if (s.kind === K.ClassDeclaration || s.kind === K.NamespaceDeclaration) {
      for (const member of s.members) this.#top(member, `${owner}${s.name.text}.`);
    } else if (s.kind === K.FunctionDeclaration || s.kind === K.MethodDeclaration) {
      if (s.body?.kind === K.Block && !s.is(CommonFlags.Constructor)) this.#function(s, owner);
    }
  }

  #function(s, owner) {
    const returnType = typeText(s.signature.returnType);
    const fn = { name: owner + s.name.text, file: this.#map.files.length - 1 };
    fn.line = this.#at(s.name.range.start).line;
    fn.returnType = returnType === "" ? "void" : returnType;
    fn.slots = [];
    fn.unrecorded = [];
    this.#fn = { entry: fn, id: this.#map.functions.push(fn), returnType: s.signature.returnType };
    this.#declarations.push(s);
    this.#scopes = [];
    this.#loops = 0;
    const range = s.name.range;
    const enter = this.#call("__enter", [this.#num(this.#fn.id, range)], range);
    const frame = Node.createVariableDeclaration(
      ...[this.#id("__f", range), null, CommonFlags.Const, null, enter, range],
    );
    const head = [Node.createVariableStatement(null, [frame], range)];
    s.body.statements = this.#scoped(s.body.range, () => {
      if (s.is(CommonFlags.Instance)) {
        this.#declare("this", owner.slice(0, -1), "this", range);
        head.push(this.#let("this", range));
      }
      for (const p of s.signature.parameters) {
        this.#declare(p.name.text, typeText(p.type), "param", range);
        head.push(this.#let(p.name.text, range));
      }
      const body = this.#scoped(s.body.range, () => this.#list(s.body.statements));
      return [...head.filter(Boolean), ...body];
    });
    if (fn.returnType === "void") s.body.statements.push(this.#end(range));
    if (fn.unrecorded.length === 0) delete fn.unrecorded;
  }

  // ---------------------------------------------------------------------- statements --

  #list(statements) {
    return statements.flatMap((s) => this.#statement(s));
  }

  /** Records what evaluating `expression` gave to variables. */
  #after(expression, range) {
    const names = assigned(expression);
    return this.#lets(names, names.always, range);
  }

  /** What stands for a statement: its mark, itself, and the values it gave to variables. */
  #statement(s) {
    const { range } = s;
    switch (s.kind) {
      case K.Block:
        s.statements = this.#scoped(range, () => this.#list(s.statements));
        return [s];
      case K.Variable:
        return this.#variable(s);
      case K.Expression:
        return [this.#mark("statement", range), s, ...this.#after(s.expression, range)];
      case K.Return:
        return this.#return(s);
      case K.If:
        return this.#if(s, "if");
      case K.For:
        return [this.#for(s)];
      case K.While:
        return this.#while(s);
      case K.Do:
        return this.#doWhile(s);
      case K.Switch:
        return this.#switch(s);
      case K.Break:
      case K.Continue:
      case K.Throw:
      case K.Void:
        return [this.#mark(KINDS[s.kind] ?? "statement", range), s];
      default:
        return [s];
    }
  }

  #variable(s, kind = "declare", span = s.range) {
    const after = [];
    for (const d of s.declarations) {
      // The initializer is still in the scope without the name.
      const inferred = d.initializer ? this.#typeOf(d.initializer) : "";
      if (d.initializer) after.push(...this.#after(d.initializer, d.range));
      const type = d.type ? typeText(d.type) : inferred;
      this.#declare(d.name.text, type, "local", d.range, Boolean(d.initializer));
      if (d.initializer) after.push(this.#let(d.name.text, d.range));
      else if (this.#loops > 0) after.push(this.#unset(d.name.text, d.range));
    }
    const computes = s.declarations.some((d) => d.initializer);
    const list = computes ? [this.#mark(kind, span), s] : [s];
    return [...list, ...after.filter(Boolean)];
  }

  #return(s) {
    const { range } = s;
    const mark = this.#mark("return", range);
    if (this.#fn.entry.returnType !== "void") {
      if (s.value) s.value = this.#call("__leave", [s.value], range, [this.#fn.returnType]);
      return [mark, s];
    }
    if (!s.value) return [mark, this.#end(range), s];
    const value = Node.createExpressionStatement(s.value);
    return [mark, value, this.#end(range), Node.createReturnStatement(null, range)];
  }

  #if(s, kind) {
    const { condition, range } = s;
    const names = assigned(condition);
    const mark = this.#mark(kind, this.#header(s, condition));
    s.ifTrue = this.#block(s.ifTrue, this.#lets(names, names.ifTrue, range));
    if (s.ifFalse?.kind === K.If) {
      const lets = this.#lets(names, names.ifFalse, range);
      s.ifFalse = Node.createBlockStatement(
        [...lets, ...this.#if(s.ifFalse, "else-if")],
        s.ifFalse.range,
      );
    } else if (s.ifFalse) {
      s.ifFalse = this.#block(s.ifFalse, this.#lets(names, names.ifFalse, range));
    }
    return [mark, s, ...(s.ifFalse ? [] : this.#lets(names, names.always, range))];
  }

  #switch(s) {
    const mark = this.#mark("switch", this.#header(s, s.condition));
    this.#scoped(s.range, () => {
      for (const c of s.cases) {
        // An empty case falls into the next one, which records the same.
        const lets = c.statements.length > 0 ? this.#after(s.condition, s.range) : [];
        c.statements = [...lets, ...this.#list(c.statements)];
      }
    });
    return [mark, s, ...this.#after(s.condition, s.range)];
  }

  /** Moves the initializer into a block around the loop, to record what it sets. */
  #for(s) {
    const { condition, incrementor: step, initializer: init, range } = s;
    return this.#scoped(range, () => {
      const before = [];
      if (init) {
        const span = this.#span(range.start, init.range.end);
        if (init.kind === K.Variable) before.push(...this.#variable(init, "init", span));
        else before.push(this.#mark("init", span), init, ...this.#after(init.expression, range));
        s.initializer = null;
      }
      const names = assigned(condition);
      const top = [];
      if (alwaysTrue(condition)) {
        const span = condition?.range ?? this.#span(range.start, range.start + "for".length);
        top.push(this.#mark("condition", span));
      } else s.condition = this.#tested(condition, condition.range);
      this.#loops++;
      s.body = this.#block(s.body, [...this.#lets(names, names.ifTrue, range), ...top]);
      if (step) {
        const parts = step.kind === K.Comma ? step.expressions : [step];
        const calls = this.#after(step, step.range);
        s.incrementor = Node.createCommaExpression(
          [this.#mark("step", step.range).expression, ...parts, ...calls.map((c) => c.expression)],
          step.range,
        );
      }
      this.#loops--;
      return Node.createBlockStatement(
        [...before, s, ...this.#lets(names, names.always, range)],
        range,
      );
    });
  }

  #while(s) {
    const names = assigned(s.condition);
    const span = this.#header(s, s.condition);
    const top = [];
    if (alwaysTrue(s.condition)) top.push(this.#mark("condition", span));
    else s.condition = this.#tested(s.condition, span);
    this.#loops++;
    s.body = this.#block(s.body, [...this.#lets(names, names.ifTrue, s.range), ...top]);
    this.#loops--;
    return [s, ...this.#lets(names, names.always, s.range)];
  }

  #doWhile(s) {
    const { condition } = s;
    this.#loops++;
    s.body = this.#block(s.body);
    this.#loops--;
    if (!alwaysTrue(condition)) {
      const start = this.#source.text.lastIndexOf("while", condition.range.start);
      s.condition = this.#tested(condition, this.#span(start, s.range.end));
    }
    return [s, ...this.#after(condition, s.range)];
  }

  /** A body as a block of its own scope, with the statements `top` before it. */
  #block(body, top = []) {
    const { range } = body;
    const inner = body.kind === K.Block ? body.statements : [body];
    const statements = this.#scoped(range, () => this.#list(inner));
    return Node.createBlockStatement([...top, ...statements], range);
  }

  // --------------------------------------------------------------------------- scopes --

  #scoped(range, work) {
    this.#scopes.push({ names: new Map(), end: this.#at(range.end).line });
    const result = work();
    this.#scopes.pop();
    return result;
  }

  /** @param valued whether it has a value from the start, so that asc lets it be read anywhere. */
  #declare(name, type, kind, range, valued = true) {
    const { slots, unrecorded } = this.#fn.entry;
    const scope = this.#scopes.at(-1);
    if (slots.length === MAX_SLOTS) {
      unrecorded.push(name);
      scope.names.set(name, { slot: -1, type, valued });
      return;
    }
    const occurrence = 1 + slots.filter((s) => s.name === name).length;
    const line = this.#at(range.start).line;
    slots.push({ name, type, kind, occurrence, line, endLine: scope.end });
    scope.names.set(name, { slot: slots.length - 1, type, valued });
  }

  #lookup(name) {
    return this.#scopes.findLast((scope) => scope.names.has(name))?.names.get(name);
  }

  #typeOf(expression) {
    return this.#names.typeOf(this.#source.internalPath, expression, (n) => this.#lookup(n)?.type);
  }

  // ---------------------------------------------------------------------------- nodes --

  #at(position) {
    const line = this.#source.lineAt(position);
    return { line, column: this.#source.columnAt() };
  }

  #span(start, end) {
    const range = new Range(start, end);
    range.source = this.#source;
    return range;
  }

  /** From a statement's first character to the parenthesis that closes its header. */
  #header(s, condition) {
    return this.#span(s.range.start, this.#source.text.indexOf(")", condition.range.end) + 1);
  }

  #markId(kind, { start, end }) {
    const from = this.#at(start);
    const to = this.#at(end);
    return this.#map.marks.push({
      ...{ file: this.#fn.entry.file, function: this.#fn.id, kind },
      ...{ line: from.line, column: from.column, endLine: to.line, endColumn: to.column },
    });
  }

  #mark(kind, range) {
    return this.#do("__mark", [this.#num(this.#markId(kind, range), range)], range);
  }

  /** `condition` with a mark before each evaluation. */
  #tested(condition, range) {
    const id = this.#markId("condition", range);
    const mark = (name) => this.#call(name, [this.#id("__f", range), this.#num(id, range)], range);
    const or = Token.Bar_Bar;
    const and = Token.Ampersand_Ampersand;
    return markFirst(condition, {
      test: (e) => Node.createBinaryExpression(and, mark("__test"), e, e.range),
      fail: (e) => Node.createBinaryExpression(or, mark("__fail"), e, e.range),
      comma: (e) => Node.createCommaExpression([mark("__mark"), e], e.range),
    });
  }

  /** Records `names.all`, of those without a value at first only the `known` to have one now. */
  #lets(names, known, range) {
    return [...names.all]
      .map((name) => {
        const local = this.#lookup(name);
        if (!local) return undefined;
        return local.valued || known.has(name) ? this.#let(name, range) : this.#unset(name, range);
      })
      .filter(Boolean);
  }

  /** Records variable `name`; undefined when it is no local or has no slot. */
  #let(name, range) {
    const slot = this.#lookup(name)?.slot ?? -1;
    if (slot < 0) return undefined;
    const value = name === "this" ? Node.createThisExpression(range) : this.#id(name, range);
    return this.#do("__let", [this.#num(slot, range), value], range);
  }

  #unset(name, range) {
    const { slot } = this.#lookup(name);
    return slot < 0 ? undefined : this.#do("__unset", [this.#num(slot, range)], range);
  }

  #end(range) {
    return Node.createExpressionStatement(this.#call("__end", [], range));
  }

  #do(name, args, range) {
    const all = [this.#id("__f", range), ...args];
    return Node.createExpressionStatement(this.#call(name, all, range));
  }

  #call(name, args, range, types = null) {
    return Node.createCallExpression(this.#id(name, range), types, args, range);
  }

  #id(name, range) {
    return Node.createIdentifierExpression(name, range);
  }

  #num(value, range) {
    return Node.createIntegerLiteralExpression(i64_new(value), range);
  }
}
