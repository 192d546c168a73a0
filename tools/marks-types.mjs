// What the sources say about names, for the map that tools/marks.mjs writes: the declared or
// inferable type of a variable, and the values of named constants. It reads asc's syntax trees and
// never guesses: what cannot be told from the text is "" (type) or absent (value).
import { AssertionKind, CommonFlags, LiteralKind, NodeKind as K, Token } from "assemblyscript";

const bits = {
  ...{ bool: 1, i8: 8, u8: 8, i16: 16, u16: 16, i32: 32, u32: 32, isize: 32, usize: 32 },
  ...{ i64: 64, u64: 64, f32: 32, f64: 64 },
};
const comparisons = new Set([
  ...[Token.LessThan, Token.GreaterThan, Token.LessThan_Equals, Token.GreaterThan_Equals],
  ...[Token.Equals_Equals, Token.Exclamation_Equals],
  ...[Token.Equals_Equals_Equals, Token.Exclamation_Equals_Equals, Token.Exclamation],
]);
const shifts = new Set([
  Token.LessThan_LessThan,
  Token.GreaterThan_GreaterThan,
  Token.GreaterThan_GreaterThan_GreaterThan,
]);

/** Whether asc's Token `operator` stores into its operand. */
export const isAssignment = (operator) =>
  operator >= Token.Equals && operator <= Token.Caret_Equals;

/** The text of a syntax node as it stands in its file. */
export const textOf = (node) => node.range.source.text.slice(node.range.start, node.range.end);

/** The text of a type as written, one space for any white space; "" when it was omitted. */
export const typeText = (type) =>
  !type || (type.kind === K.NamedType && !type.name.identifier.text)
    ? ""
    : textOf(type).replace(/\s+/g, " ");

const withoutNull = (type) =>
  type
    .split("|")
    .map((part) => part.trim())
    .filter((part) => part !== "null")
    .join(" | ");
const isLiteral = (e) =>
  e.kind === K.Literal || (e.kind === K.UnaryPrefix && e.operand.kind === K.Literal);
const unwrap = (e) => {
  while (e.kind === K.Parenthesized) e = e.expression;
  return e;
};

/** An integer of the width and sign of `type`, the way the core would hold it. */
function wrap(value, type) {
  const width = bits[type];
  if (!width) return value;
  return type.startsWith("i") ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}

/** The names that every file of a program declares and imports. */
export class Names {
  #files = new Map();
  #values = new Map();

  /** @param sources asc's parsed sources; those of its library are left out. */
  constructor(sources) {
    for (const source of sources) {
      if (source.internalPath.startsWith("~lib")) continue;
      const file = { source, declared: new Map(), imported: new Map() };
      this.#files.set(source.internalPath, file);
      for (const statement of source.statements) this.#declare(file, statement);
    }
  }

  #declare(file, s) {
    if (s.kind === K.ExportDefault) s = s.declaration;
    if (s.kind === K.Import) {
      for (const d of s.declarations ?? []) {
        file.imported.set(d.name.text, { path: s.internalPath, name: d.foreignName.text });
      }
    } else if (s.kind === K.Variable) {
      for (const d of s.declarations) file.declared.set(d.name.text, d);
    } else if (s.name) file.declared.set(s.name.text, s);
  }

  /** The declaration that `name` means in the file of `path`, or undefined. */
  find(path, name, hops = 8) {
    const file = this.#files.get(path) ?? this.#files.get(`${path}/index`);
    const imported = file?.imported.get(name);
    if (imported && hops > 0) return this.find(imported.path, imported.name, hops - 1);
    return file?.declared.get(name);
  }

  /** The class or alias that a type's text names; its file need not be imported in this one. */
  #type(path, name) {
    const near = this.find(path, name);
    if (near) return near;
    const kinds = [K.ClassDeclaration, K.TypeDeclaration];
    const far = [...this.#files.values()]
      .map((file) => file.declared.get(name))
      .filter((declaration) => kinds.includes(declaration?.kind));
    return far.length === 1 ? far[0] : undefined;
  }

  #plain(path, type) {
    for (let hops = 8; hops > 0 && !(type in bits); hops--) {
      const declaration = this.#type(path, type);
      if (declaration?.kind !== K.TypeDeclaration) break;
      type = typeText(declaration.type);
    }
    return type;
  }

  #member(path, object, name, locals) {
    const type = withoutNull(this.typeOf(path, object, locals));
    let cls = this.#type(path, type);
    for (let hops = 8; cls?.kind === K.ClassDeclaration && hops > 0; hops--) {
      const member = cls.members.find((m) => m.name.text === name && !m.is(CommonFlags.Set));
      if (member) return member;
      cls = cls.extendsType && this.#type(cls.range.source.internalPath, typeText(cls.extendsType));
    }
    return undefined;
  }

  /**
   * The type of an expression as far as the text tells.
   *
   * @param path asc's internal path of the file.
   * @param locals function from a local's name to its type text, undefined when not a local.
   * @returns {string} such as "u64", "pfn_t" or "vm_area_struct | null"; "" when unknown.
   */
  typeOf(path, expression, locals) {
    const e = unwrap(expression);
    const of = (part) => this.typeOf(path, part, locals);
    switch (e.kind) {
      case K.Assertion:
        if (e.assertionKind === AssertionKind.NonNull) return withoutNull(of(e.expression));
        return e.toType ? typeText(e.toType) : of(e.expression);
      case K.Identifier:
        return locals(e.text) ?? this.#ofDeclaration(this.find(path, e.text));
      case K.This:
        return locals("this") ?? "";
      case K.True:
      case K.False:
      case K.InstanceOf:
        return "bool";
      case K.Literal:
        if (e.literalKind === LiteralKind.Float) return "f64";
        if (e.literalKind !== LiteralKind.Integer) return "";
        return this.#literal(e).type;
      case K.Call:
        return this.#ofCall(path, e, locals);
      case K.PropertyAccess: {
        const object = unwrap(e.expression);
        if (object.kind === K.Identifier && locals(object.text) === undefined) {
          const named = this.find(path, object.text);
          if (named?.kind === K.EnumDeclaration) return "i32";
        }
        const member = this.#member(path, object, e.property.text, locals);
        return typeText(member?.type ?? member?.signature?.returnType);
      }
      case K.Ternary:
        return this.#common(path, e.ifThen, e.ifElse, locals);
      case K.UnaryPrefix:
        return comparisons.has(e.operator) ? "bool" : of(e.operand);
      case K.UnaryPostfix:
        return of(e.operand);
      case K.Binary:
        if (comparisons.has(e.operator)) return "bool";
        if (isAssignment(e.operator) || shifts.has(e.operator)) return of(e.left);
        return this.#common(path, e.left, e.right, locals);
      default:
        return "";
    }
  }

  #ofDeclaration(declaration) {
    if (declaration?.kind !== K.VariableDeclaration) return "";
    const there = declaration.range.source.internalPath;
    if (declaration.type) return typeText(declaration.type);
    return declaration.initializer
      ? this.typeOf(there, declaration.initializer, () => undefined)
      : "";
  }

  #ofCall(path, call, locals) {
    const callee = unwrap(call.expression);
    if (callee.kind === K.PropertyAccess) {
      const member = this.#member(path, callee.expression, callee.property.text, locals);
      if (member) return typeText(member.signature?.returnType);
      // load<T>() and its relatives also stand as i32.load8_u(...) and the like.
      return callee.expression.kind === K.Identifier && callee.expression.text in bits
        ? callee.expression.text
        : "";
    }
    if (callee.kind !== K.Identifier) return "";
    const name = callee.text;
    const declared = this.find(path, name);
    if (declared) return declared.typeParameters ? "" : typeText(declared.signature?.returnType);
    if (name in bits) return name;
    if (["changetype", "load", "select", "min", "max"].includes(name) && call.typeArguments) {
      return typeText(call.typeArguments[0]);
    }
    if (["sizeof", "offsetof", "alignof"].includes(name)) return "usize";
    if (["clz", "ctz", "popcnt", "rotl", "rotr", "bswap"].includes(name)) {
      return call.typeArguments
        ? typeText(call.typeArguments[0])
        : this.typeOf(path, call.args[0], locals);
    }
    return "";
  }

  /** The type two operands meet in; asc reads a literal on the right as the left one's type. */
  #common(path, left, right, locals) {
    const a = this.typeOf(path, left, locals);
    const b = this.typeOf(path, right, locals);
    if (a === b) return a;
    const [wide, narrow] = [bits[this.#plain(path, a)], bits[this.#plain(path, b)]];
    if (wide && narrow) {
      if (isLiteral(unwrap(right))) return a;
      if (isLiteral(unwrap(left)) && narrow >= wide) return b;
      if (wide !== narrow) return wide > narrow ? a : b;
      return "";
    }
    if (unwrap(right).kind === K.Null && a) return `${withoutNull(a)} | null`;
    if (unwrap(left).kind === K.Null && b) return `${withoutNull(b)} | null`;
    return a && b && withoutNull(a) === withoutNull(b) ? `${withoutNull(a)} | null` : "";
  }

  #literal(e) {
    const value = BigInt(textOf(e).replaceAll("_", ""));
    if (value === BigInt.asIntN(32, value)) return { value, type: "i32" };
    if (value === BigInt.asUintN(32, value)) return { value, type: "u32" };
    if (value === BigInt.asIntN(64, value)) return { value, type: "i64" };
    return { value, type: "u64" };
  }

  /**
   * The named integer constants of a file: `const` with a value and each enum's members (as
   * "Enum.Member"), in source order.
   *
   * @param exportedOnly leave out what the file keeps to itself.
   * @returns {Map<string, bigint>}
   */
  constants(path, exportedOnly) {
    const found = new Map();
    for (const [name, d] of this.#files.get(path).declared) {
      if (exportedOnly && !d.is(CommonFlags.Export)) continue;
      if (d.kind === K.EnumDeclaration) {
        for (const [member, value] of this.#members(d)) found.set(`${name}.${member}`, value);
      } else if (d.kind === K.VariableDeclaration && d.is(CommonFlags.Const)) {
        const value = this.#valueOf(d)?.value;
        if (value !== undefined) found.set(name, value);
      }
    }
    return found;
  }

  #members(declaration) {
    if (this.#values.has(declaration)) return this.#values.get(declaration);
    const members = new Map();
    this.#values.set(declaration, members);
    let next = 0n;
    for (const d of declaration.values) {
      const path = d.range.source.internalPath;
      const given = d.initializer && this.#evaluate(path, d.initializer, members);
      if (d.initializer && !given) next = undefined;
      else if (given) next = given.value;
      if (next === undefined) continue;
      members.set(d.name.text, next);
      next = BigInt.asIntN(32, next + 1n);
    }
    return members;
  }

  #valueOf(d) {
    if (this.#values.has(d)) return this.#values.get(d);
    this.#values.set(d, undefined); // a cycle has no value
    const path = d.range.source.internalPath;
    const found = d.initializer ? this.#evaluate(path, d.initializer) : undefined;
    const type = d.type && this.#plain(path, typeText(d.type));
    const value = found && type in bits ? { value: wrap(found.value, type), type } : found;
    this.#values.set(d, value);
    return value;
  }

  #evaluate(path, expression, siblings) {
    const e = unwrap(expression);
    const of = (part) => this.#evaluate(path, part, siblings);
    switch (e.kind) {
      case K.Literal:
        return e.literalKind === LiteralKind.Integer ? this.#literal(e) : undefined;
      case K.Identifier: {
        if (siblings?.has(e.text)) return { value: siblings.get(e.text), type: "i32" };
        const d = this.find(path, e.text);
        return d?.kind === K.VariableDeclaration && d.is(CommonFlags.Const)
          ? this.#valueOf(d)
          : undefined;
      }
      case K.PropertyAccess: {
        const named = e.expression.kind === K.Identifier && this.find(path, e.expression.text);
        if (!named || named.kind !== K.EnumDeclaration) return undefined;
        const value = this.#members(named).get(e.property.text);
        return value === undefined ? undefined : { value, type: "i32" };
      }
      case K.Assertion:
        return e.toType ? this.#converted(path, typeText(e.toType), of(e.expression)) : undefined;
      case K.Call:
        return e.expression.kind === K.Identifier && e.args.length === 1
          ? this.#converted(path, e.expression.text, of(e.args[0]))
          : undefined;
      case K.UnaryPrefix:
        return this.#unary(e.operator, of(e.operand));
      case K.Binary:
        return this.#binary(e.operator, of(e.left), of(e.right));
      default:
        return undefined;
    }
  }

  #converted(path, name, operand) {
    const type = this.#plain(path, name);
    if (!operand || !(type in bits) || type.startsWith("f")) return undefined;
    return { value: wrap(operand.value, type), type };
  }

  #unary(operator, operand) {
    if (!operand) return undefined;
    const { value, type } = operand;
    if (operator === Token.Minus) {
      // -2147483648 is an i32 although its digits alone are not.
      const plain = type === "u32" && value === 2147483648n ? "i32" : type;
      return { value: wrap(-value, plain), type: plain };
    }
    if (operator === Token.Tilde) return { value: wrap(~value, type), type };
    return operator === Token.Plus ? operand : undefined;
  }

  #binary(operator, left, right) {
    if (!left || !right) return undefined;
    const [a, b] = [left.value, right.value];
    const [x, y] = [bits[left.type], bits[right.type]];
    const unsigned = left.type.startsWith("u") ? left.type : right.type;
    const wider = x > y ? left.type : right.type;
    const type = shifts.has(operator) ? left.type : x === y ? unsigned : wider;
    const shift = b & BigInt(bits[type] - 1);
    const operations = {
      [Token.Plus]: () => a + b,
      [Token.Minus]: () => a - b,
      [Token.Asterisk]: () => a * b,
      [Token.Slash]: () => (b ? a / b : undefined),
      [Token.Percent]: () => (b ? a % b : undefined),
      [Token.LessThan_LessThan]: () => a << shift,
      [Token.GreaterThan_GreaterThan]: () => a >> shift,
      [Token.Ampersand]: () => a & b,
      [Token.Bar]: () => a | b,
      [Token.Caret]: () => a ^ b,
    };
    const value = operations[operator]?.();
    return value === undefined ? undefined : { value: wrap(value, type), type };
  }
}
