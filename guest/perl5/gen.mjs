// Writes the parts of perl5 that follow from rules, as C:
//
//   node guest/perl5/gen.mjs FOLDER
//
//   perl/op-NAME.c      an operator: a function for each pair of kinds of value
//   perl/operators.c    registers them
//   perl/diagnostics.c  the warnings, with explanations
//   perl/config.c       what -V tells
//   unicode/tables.c    from unicode/data.json
//   digest/constants.c  roots of primes and values of sine
//
// The same inputs give the same bytes: nothing here asks the time or the machine.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("usage: gen.mjs FOLDER");
const write = (file, text) => {
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), text);
};

// Kinds of value, in the order of `enum kind` in scalar.h.
const kinds = ["undef", "int", "uint", "num", "str", "ref", "code"];

// symbol, name, description, precedence, family
const operators = [
  ["**", "pow", "exponentiation (**)", 16, "arithmetic"],
  ["*", "mul", "multiplication (*)", 13, "arithmetic"],
  ["/", "div", "division (/)", 13, "arithmetic"],
  ["%", "mod", "modulus (%)", 13, "arithmetic"],
  ["x", "repeat", "repeat (x)", 13, "repeat"],
  ["+", "add", "addition (+)", 12, "arithmetic"],
  ["-", "sub", "subtraction (-)", 12, "arithmetic"],
  [".", "concat", "concatenation (.) or string", 12, "concat"],
  ["<<", "shl", "left bitshift (<<)", 11, "shift"],
  [">>", "shr", "right bitshift (>>)", 11, "shift"],
  ["<", "lt", "numeric lt (<)", 9, "compare"],
  [">", "gt", "numeric gt (>)", 9, "compare"],
  ["<=", "le", "numeric le (<=)", 9, "compare"],
  [">=", "ge", "numeric ge (>=)", 9, "compare"],
  ["lt", "slt", "string lt", 9, "text"],
  ["gt", "sgt", "string gt", 9, "text"],
  ["le", "sle", "string le", 9, "text"],
  ["ge", "sge", "string ge", 9, "text"],
  ["==", "eq", "numeric eq (==)", 8, "compare"],
  ["!=", "ne", "numeric ne (!=)", 8, "compare"],
  ["<=>", "ncmp", "numeric comparison (<=>)", 8, "compare"],
  ["eq", "seq", "string eq", 8, "text"],
  ["ne", "sne", "string ne", 8, "text"],
  ["cmp", "scmp", "string comparison (cmp)", 8, "text"],
  ["&", "bit_and", "bitwise and (&)", 7, "bits"],
  ["|", "bit_or", "bitwise or (|)", 6, "bits"],
  ["^", "bit_xor", "bitwise xor (^)", 6, "bits"],
];

// ---------------------------------------------------------------- diagnostics

const diagnostics = [
  [
    "uninitialized",
    "Use of uninitialized value in print",
    'An undefined value was printed as if it were an empty string. It was interpreted as "".',
  ],
  [
    "uninitialized",
    "Use of uninitialized value in concatenation (.) or string",
    "An undefined value became part of a longer string, where it adds nothing.",
  ],
];
const diagnostic = (category, text, explanation) =>
  diagnostics.push([category, text, explanation]) - 1;

const aboutOperator = {};
for (const [symbol, name, description, , family] of operators) {
  const numeric = ["arithmetic", "compare", "shift", "bits"].includes(family);
  aboutOperator[name] = {
    uninitialized: diagnostic(
      "uninitialized",
      `Use of uninitialized value in ${description}`,
      `An undefined value was an operand of ${description}. It was taken for ${numeric ? "0" : "an empty string"}, which may be a mistake; assign a value before, or test it with defined.`,
    ),
    numeric: diagnostic(
      "numeric",
      `Argument "%s" isn't numeric in ${description}`,
      `The text shown was an operand of ${description}, which wants a number. What stands at its front was used as far as it is one, and 0 if nothing is.`,
    ),
  };
  diagnostic(
    "void",
    `Useless use of ${description} in void context`,
    `The result of ${description} is not used: the statement does nothing else, so either a part of it is missing, or it can go.`,
  );
  diagnostic(
    "precedence",
    `Possible precedence problem on ${description}`,
    `The operator ${symbol} binds tighter than what stands beside it seems to expect. Parentheses say which operands belong to ${description}.`,
  );
  diagnostic(
    "misc",
    `Reference found where a value was expected in ${description}`,
    `A reference was an operand of ${description}; what was used is the address of the thing referred to, which is another one in each run.`,
  );
  diagnostic(
    "overflow",
    `Integer overflow in ${description}`,
    `The operands of ${description} are whole numbers, and their result does not fit into 64 bits: it is a floating-point number now, good to about 15 digits.`,
  );
}

const functions = [
  ...readFileSync(join(here, "perl/optable.c"), "utf8").matchAll(
    /^ {4}\{"(\w+)", "[^"]*", \w+, \w+, \w+, \w+, (\d+), (-?\d+), /gm,
  ),
].map(([, name, least, most]) => ({ name, least: Number(least), most: Number(most) }));
const ops = [
  ...readFileSync(join(here, "perl/optable.c"), "utf8").matchAll(
    /^const struct op_info op_(\w+) = \{"(\w+)", "([^"]*)"/gm,
  ),
].map(([, name, , description]) => ({ name, description }));
const many = (n) => (n === 1 ? "one argument" : `${n} arguments`);

for (const { name, least, most } of functions) {
  const upTo = most < 0 ? "any number of arguments" : most === 0 ? "no argument" : many(most);
  diagnostic(
    "syntax",
    `Not enough arguments for ${name}`,
    `The function ${name} needs at least ${many(least)}. Perhaps a comma is missing, or an operator took what was meant for ${name}.`,
  );
  diagnostic(
    "syntax",
    `Too many arguments for ${name}`,
    `The function ${name} takes ${upTo}. What follows may belong to the expression around it; parentheses behind ${name} tell them apart.`,
  );
  diagnostic(
    "uninitialized",
    `Use of uninitialized value in ${name}`,
    `The function ${name} was given an undefined value. It went on with an empty string, or with 0 where it wants a number.`,
  );
  diagnostic(
    "void",
    `Useless use of ${name} in void context`,
    `What ${name} returns is not used here. If it was called for its result, assign it; if for what it does, see whether it does that.`,
  );
  diagnostic(
    "numeric",
    `Argument "%s" isn't numeric in ${name}`,
    `The function ${name} was given a text where it wants a number; what stands at the front of it was used as far as it is one.`,
  );
  diagnostic(
    "syntax",
    `Type of argument 1 to ${name} must be another one`,
    `The first argument of ${name} has to be of another kind: an array where it wants an array, and so on. A reference has to be followed first, as in @$reference.`,
  );
  diagnostic(
    "ambiguous",
    `Ambiguous use of ${name} resolved as a function`,
    `The word ${name} could be a function or a hash key here, and was taken for the function. Quotes make it a key, and a + before it keeps it a function.`,
  );
  diagnostic(
    "redefine",
    `Subroutine ${name} hides a function of the language`,
    `A sub with the name ${name} was defined. A call of ${name} still means the function of the language; &${name} means the sub.`,
  );
}
for (const { name, description } of ops) {
  diagnostic(
    "internal",
    `Can't modify ${description} (${name}) in assignment`,
    `The left side of an assignment is ${description}, which is no place that could hold a value.`,
  );
  diagnostic(
    "internal",
    `Can't return ${description} (${name}) from lvalue context`,
    `What is to be changed in place is ${description}, which is computed anew each time it is looked at.`,
  );
  diagnostic(
    "debugging",
    `Running ${description} (${name})`,
    `The op ${name} is about to be evaluated, which stands for ${description} in the tree of the program.`,
  );
  diagnostic(
    "deprecated",
    `Use of ${description} (${name}) as a condition`,
    `A condition that is ${description} is true or false by its value: everything is true but undef, "", 0 and "0".`,
  );
}

const quoted = (text) => JSON.stringify(text);
write(
  "perl/diagnostics.c",
  `#include "perl.h"

const struct diagnostic diagnostics[] = {
${diagnostics.map((d) => `  {${d.map(quoted).join(", ")}},`).join("\n")}
};
const int diagnostic_count = ${diagnostics.length};
`,
);

// ------------------------------------------------------------------ operators

// How an operand becomes what the family works on. Each returns statements that
// leave a number of kind int, uint or num in the parameter, and that kind.
const otherwise = (side, name, left, right, kind) =>
  ({
    // A text: most are short and whole, and need no conversion by the library.
    str: `  long ${side}_whole;
  if (!quick_whole(${side}, &${side}_whole))
    return ${name}_redo(${left}, ${right});
  ${side} = whole(${side}_whole);`,
    undef: `  warn_about(${aboutOperator[name].uninitialized});\n  ${side} = whole(0);`,
    ref: `  ${side} = whole(${side}.i);`,
    code: `  ${side} = whole(${side}.i);`,
  })[kind];
const asNumber = {
  undef: "int",
  int: "int",
  uint: "uint",
  num: "num",
  str: "int",
  ref: "int",
  code: "int",
};
const asDouble = {
  int: (v) => `(double)${v}.i`,
  uint: (v) => `(double)${v}.u`,
  num: (v) => `${v}.n`,
};

const integers = {
  add: {
    "int int": `  long s;
  if (!__builtin_add_overflow(l.i, r.i, &s))
    return whole(s);
  if (l.i >= 0)
    return value_unsigned(l.u + r.u);
  return number((double)l.i + (double)r.i);`,
    "uint int": `  unsigned long s;
  if (r.i < 0)
    return value_unsigned(l.u - -r.u);
  if (!__builtin_add_overflow(l.u, r.u, &s))
    return value_unsigned(s);
  return number((double)l.u + (double)r.i);`,
    "int uint": `  unsigned long s;
  if (l.i < 0)
    return value_unsigned(r.u - -l.u);
  if (!__builtin_add_overflow(l.u, r.u, &s))
    return value_unsigned(s);
  return number((double)l.i + (double)r.u);`,
  },
  sub: {
    "int int": `  long s;
  if (!__builtin_sub_overflow(l.i, r.i, &s))
    return whole(s);
  if (l.i >= 0)
    return value_unsigned(l.u - r.u);
  return number((double)l.i - (double)r.i);`,
    "uint int": `  unsigned long s;
  if (r.i >= 0)
    return value_unsigned(l.u - r.u);
  if (!__builtin_add_overflow(l.u, -r.u, &s))
    return value_unsigned(s);
  return number((double)l.u - (double)r.i);`,
    "int uint": `  if (l.i >= 0 && r.u - l.u <= 1UL << 63)
    return whole((long)(l.u - r.u));
  return number((double)l.i - (double)r.u);`,
    "uint uint": `  if (l.u >= r.u)
    return value_unsigned(l.u - r.u);
  if (r.u - l.u <= 1UL << 63)
    return whole((long)(l.u - r.u));
  return number((double)l.u - (double)r.u);`,
  },
  mul: {
    "int int": `  long s;
  unsigned long u;
  if (!__builtin_mul_overflow(l.i, r.i, &s))
    return whole(s);
  if (l.i > 0 && r.i > 0 && !__builtin_mul_overflow(l.u, r.u, &u))
    return value_unsigned(u);
  return number((double)l.i * (double)r.i);`,
    "uint int": `  unsigned long u;
  if (r.i >= 0 && !__builtin_mul_overflow(l.u, r.u, &u))
    return value_unsigned(u);
  return number((double)l.u * (double)r.i);`,
  },
  div: {
    "int int": `  if (r.i == 0)
    die("Illegal division by zero at %s line %d.\\n", perl.script, perl.line);
  if (r.i != -1 && l.i % r.i == 0)
    return whole(l.i / r.i);
  return number((double)l.i / (double)r.i);`,
    "uint int": `  if (r.i == 0)
    die("Illegal division by zero at %s line %d.\\n", perl.script, perl.line);
  if (r.i > 0 && l.u % r.u == 0)
    return value_unsigned(l.u / r.u);
  return number((double)l.u / (double)r.i);`,
  },
  mod: {
    "int int": `  if (r.i == 0)
    die("Illegal modulus zero at %s line %d.\\n", perl.script, perl.line);
  if (r.i == -1)
    return whole(0);
  long rest = l.i % r.i;
  return whole(rest && (rest < 0) != (r.i < 0) ? rest + r.i : rest);`,
    "uint int": `  if (r.i == 0)
    die("Illegal modulus zero at %s line %d.\\n", perl.script, perl.line);
  unsigned long by = r.i < 0 ? -r.u : r.u, rest = l.u % by;
  return r.i < 0 && rest ? whole((long)(rest - by)) : value_unsigned(rest);`,
    "int uint": `  unsigned long rest = l.i < 0 ? -l.u % r.u : l.u % r.u;
  return value_unsigned(l.i < 0 && rest ? r.u - rest : rest);`,
    "uint uint": "  return value_unsigned(l.u % r.u);",
  },
  pow: {
    "int int": `  long result = 1, base = l.i;
  if (r.i < 0 || r.i > 63)
    return number(m_pow((double)l.i, (double)r.i));
  if ((l.u & (l.u - 1)) == 0) { // of 2, 4, 8, ...: exact as a double
    double power = m_pow((double)l.i, (double)r.i);
    return power < 0x1p53 ? whole((long)power) : number(power);
  }
  for (long n = r.i; n; n >>= 1) {
    if ((n & 1) && __builtin_mul_overflow(result, base, &result))
      return number(m_pow((double)l.i, (double)r.i));
    if (n > 1 && __builtin_mul_overflow(base, base, &base))
      return number(m_pow((double)l.i, (double)r.i));
  }
  return whole(result);`,
  },
};
const doubles = {
  add: (l, r) => `  return number(${l} + ${r});`,
  sub: (l, r) => `  return number(${l} - ${r});`,
  mul: (l, r) => `  return number(${l} * ${r});`,
  div: (l, r) => `  double by = ${r};
  if (by == 0)
    die("Illegal division by zero at %s line %d.\\n", perl.script, perl.line);
  return number(${l} / by);`,
  mod: (l, r) => `  double by = ${r};
  if (m_abs(by) < 1)
    die("Illegal modulus zero at %s line %d.\\n", perl.script, perl.line);
  double rest = m_fmod(m_trunc(${l}), m_trunc(by));
  if (rest != 0 && (rest < 0) != (by < 0))
    rest += m_trunc(by);
  return m_abs(rest) < 0x1p63 ? whole((long)rest) : number(rest);`,
  pow: (l, r) => `  return number(m_pow(${l}, ${r}));`,
};
const relation = { lt: "<", gt: ">", le: "<=", ge: ">=", eq: "==", ne: "!=" };

function arithmeticCore(name, l, r) {
  return integers[name]?.[`${l} ${r}`] ?? doubles[name](asDouble[l]("l"), asDouble[r]("r"));
}

function compareCore(name, l, r) {
  const [x, y] =
    l === "int" && r === "int"
      ? ["l.i", "r.i"]
      : l === "uint" && r === "uint"
        ? ["l.u", "r.u"]
        : l === "int" && r === "uint"
          ? ["0", "1"] // a uint is above every int
          : l === "uint" && r === "int"
            ? ["1", "0"]
            : [asDouble[l]("l"), asDouble[r]("r")];
  const plain = (v) => (v.length === 1 ? `  (void)l, (void)r;\n` : "");
  if (name !== "ncmp") return `${plain(x)}  return ${x} ${relation[name]} ${y};`;
  return `${plain(x)}  return ${x} < ${y} ? -1 : ${x} > ${y} ? 1 : ${x} == ${y} ? 0 : 2;`;
}

// The text of an operand: where it is and how long.
function textOf(side, kind, name) {
  const digits = (call) => `  char ${side}_digits[64];
  const char *${side}_text = ${side}_digits;
  size_t ${side}_length = ${call};`;
  switch (kind) {
    case "int":
      return digits(`int_text(${side}_digits, ${side}.i)`);
    case "uint":
      return digits(`uint_text(${side}_digits, ${side}.u, 10)`);
    case "num":
      return digits(`num_text(${side}_digits, ${side}.n)`);
    case "undef":
      return `  warn_about(${aboutOperator[name].uninitialized});
  const char *${side}_text = "";
  size_t ${side}_length = 0;
  (void)${side};`;
    case "str":
      return `  const char *${side}_text = ${side}.s->text;\n  size_t ${side}_length = ${side}.len;`;
    default:
      return `  struct value ${side}_shown = value_text(${side});
  const char *${side}_text = ${side}_shown.s->text;
  size_t ${side}_length = ${side}_shown.len;`;
  }
}

// An operand as 64 bits, or as a count.
function bitsOf(side, kind, name) {
  const long = `long ${side}_bits`;
  switch (kind) {
    case "int":
    case "uint":
      return `  ${long} = ${side}.i;`;
    case "num":
      return `  ${long} = ${side}.n >= 0x1p63 ? (long)(unsigned long)${side}.n : value_long(${side});`;
    case "undef":
      return `  warn_about(${aboutOperator[name].uninitialized});\n  (void)${side};\n  ${long} = 0;`;
    case "str":
      return `  ${long};
  if (!quick_whole(${side}, &${side}_bits)) {
    struct value ${side}_number = text_number(${side}, ${aboutOperator[name].numeric});
    ${side}_bits = ${side}_number.kind == NUM ? value_long(${side}_number) : ${side}_number.i;
  }`;
    default:
      return `  ${long} = ${side}.i;`;
  }
}

const bitSymbol = { bit_and: "&", bit_or: "|", bit_xor: "^" };

function coreOf([, name, , , family], l, r) {
  switch (family) {
    case "arithmetic":
    case "compare": {
      const lines = [];
      for (const [side, kind] of [
        ["l", l],
        ["r", r],
      ]) {
        const before = otherwise(side, name, "l", "r", kind);
        if (before) lines.push(before);
      }
      const core = family === "arithmetic" ? arithmeticCore : compareCore;
      return [...lines, core(name, asNumber[l], asNumber[r])].join("\n");
    }
    case "text": {
      const how = relation[name.slice(1)];
      return `${textOf("l", l, name)}
${textOf("r", r, name)}
  int order = memcmp(l_text, r_text, l_length < r_length ? l_length : r_length);
  if (!order)
    order = l_length < r_length ? -1 : l_length > r_length;
  return ${how ? `order ${how} 0` : "order < 0 ? -1 : order > 0"};`;
    }
    case "concat":
      return `${textOf("l", l, name)}
${textOf("r", r, name)}
  struct value s = string_empty(l_length + r_length);
  string_append(&s, l_text, l_length);
  string_append(&s, r_text, r_length);
  return s;`;
    case "repeat":
      return `${textOf("l", l, name)}
${bitsOf("r", r, name)}
  struct value s = string_empty(r_bits > 0 ? l_length * (size_t)r_bits : 0);
  for (long i = 0; i < r_bits; i++)
    string_append(&s, l_text, l_length);
  return s;`;
    case "shift": {
      const [one, other] = name === "shl" ? ["<<", ">>"] : [">>", "<<"];
      return `${bitsOf("l", l, name)}
${bitsOf("r", r, name)}
  unsigned long v = (unsigned long)l_bits;
  if (r_bits <= -64 || r_bits >= 64)
    return whole(0);
  return value_unsigned(r_bits >= 0 ? v ${one} r_bits : v ${other} -r_bits);`;
    }
    default: {
      const symbol = bitSymbol[name];
      if (l === "undef" && r === "undef")
        // neither is a number: an empty text
        return `  warn_about(${aboutOperator[name].uninitialized});\n  (void)l, (void)r;\n  return string_new("", 0);`;
      if (l === "str" && r === "str") {
        const length = name === "bit_and" ? "l.len < r.len" : "l.len > r.len";
        return `  unsigned n = ${length} ? l.len : r.len;
  struct value s = string_empty(n);
  for (unsigned i = 0; i < n; i++) {
    char a = i < l.len ? l.s->text[i] : 0, b = i < r.len ? r.s->text[i] : 0;
    string_append_char(&s, (char)(a ${symbol} b));
  }
  return s;`;
      }
      return `${bitsOf("l", l, name)}
${bitsOf("r", r, name)}
  return value_unsigned((unsigned long)l_bits ${symbol} (unsigned long)r_bits);`;
    }
  }
}

const constants = ["int", "num", "str"];
const table = (type, name, what, rights = kinds) =>
  `static ${type} *const ${name}_${what}s[KINDS][${rights === kinds ? "KINDS" : "CONSTANTS"}] = {
${kinds.map((l) => `  {${rights.map((r) => `${name}_${what}_${l}_${r}`).join(", ")}},`).join("\n")}
};
`;

// An undefined left side counts as 0 or nothing, without a warning: $n += 1.
function assignment(name, l, r, left, right) {
  if (name === "concat") {
    const start = l === "undef" ? `${left} = string_new("", 0);\n  ` : "";
    return `${start}${left} = concat_core_${l === "undef" ? "str" : l}_${r}(${left}, ${right});`;
  }
  const from = l === "undef" && name !== "mul" ? "int" : l;
  const start = from === l ? "" : `${left} = whole(0);\n  `;
  return `${start}${left} = ${name}_core_${from}_${r}(${left}, ${right});`;
}

function operatorFile(operator) {
  const [symbol, name, description, precedence, family] = operator;
  const tests = family === "compare" || family === "text";
  const ordering = name === "ncmp" || name === "scmp";
  const type = tests ? "int" : "struct value";
  const parts = [
    `// ${description}: one function for each pair of kinds.
#include "perl.h"
#include "quick.h"
`,
  ];
  if (family === "arithmetic" || family === "compare") {
    const result = family === "compare" ? "test" : "value";
    parts.push(`static ${tests ? "test_fn" : "binary_fn"} *const ${name}_${result}s[KINDS][KINDS];

// A text that is no short whole number: converted, and again by its new kind.
static ${type} ${name}_redo(struct value l, struct value r) {
  if (l.kind == STR)
    l = text_number(l, ${aboutOperator[name].numeric});
  if (r.kind == STR)
    r = text_number(r, ${aboutOperator[name].numeric});
  return ${name}_${result}s[l.kind][r.kind](l, r);
}
`);
  }
  for (const l of kinds)
    for (const r of kinds) {
      const pair = `${l}_${r}`;
      const core = coreOf(operator, l, r);
      if (tests) {
        parts.push(
          `static int ${name}_test_${pair}(struct value l, struct value r) {\n${core}\n}\n`,
        );
        if (ordering)
          parts.push(`static struct value ${name}_value_${pair}(struct value l, struct value r) {
  int order = ${name}_test_${pair}(l, r);
  return order == 2 ? not_a_number() : whole(order);
}
`);
        else
          parts.push(`static struct value ${name}_value_${pair}(struct value l, struct value r) {
  return truth(${name}_test_${pair}(l, r));
}
`);
      } else {
        parts.push(`static inline __attribute__((always_inline)) struct value
${name}_core_${pair}(struct value l, struct value r) {\n${core}\n}
static struct value ${name}_value_${pair}(struct value l, struct value r) {
  return ${name}_core_${pair}(l, r);
}
`);
        if (name === "concat" && l === "str")
          parts.push(`static void ${name}_assign_${pair}(struct value *l, struct value r) {
${textOf("r", r, name)}
  string_append(l, r_text, r_length);
}
`);
        else
          parts.push(`static void ${name}_assign_${pair}(struct value *l, struct value r) {
  ${assignment(name, l, r, "*l", "r")}
}
`);
      }
    }
  for (const l of kinds)
    for (const r of kinds) {
      const pair = `${l}_${r}`;
      const take = "  struct value l = *left, r = *right;\n";
      const head = (type, what) =>
        `static ${type} ${name}_${what}_${pair}(const struct value *left, const struct value *right) {\n`;
      if (!tests)
        parts.push(`${head(type, "mine")}  return ${name}_core_${pair}(*left, *right);\n}\n`);
      else if (ordering)
        parts.push(`${head("struct value", "mine")}  int order = ${name}_test_${pair}(*left, *right);
  return order == 2 ? not_a_number() : whole(order);\n}\n`);
      else {
        parts.push(`${head("int", "mine_test")}${take}${coreOf(operator, l, r)}\n}\n`);
        parts.push(
          `${head("struct value", "mine")}  return truth(${name}_mine_test_${pair}(left, right));\n}\n`,
        );
      }
    }
  for (const l of kinds)
    for (const r of tests ? [] : kinds)
      parts.push(`static void ${name}_mine_assign_${l}_${r}(struct value *left, const struct value *right) {
  ${assignment(name, l, r, "*left", "*right")}\n}\n`);
  for (const l of kinds)
    for (const r of constants) {
      const pair = `${l}_${r}`;
      const values = "(const struct value *left, const struct value *right)";
      const take = "  struct value l = *left, r = *right;\n";
      if (!tests)
        parts.push(`static struct value ${name}_constant_${pair}${values} {
  return ${name}_core_${pair}(*left, *right);\n}\n`);
      else {
        parts.push(
          `static int ${name}_constant_test_${pair}${values} {\n${take}${coreOf(operator, l, r)}\n}\n`,
        );
        parts.push(`static struct value ${name}_constant_${pair}${values} {
  int order = ${name}_constant_test_${pair}(left, right);
  return ${ordering ? "order == 2 ? not_a_number() : whole(order)" : "truth(order)"};\n}\n`);
      }
    }
  // An inline core of a later pair may be named by an earlier one.
  parts.sort(
    (a, b) =>
      Number(b.includes("_core_") && b.startsWith("static inline")) -
        Number(a.includes("_core_") && a.startsWith("static inline")) || 0,
  );
  const head = parts.findIndex((p) => p.startsWith("//"));
  parts.unshift(...parts.splice(head, 1));
  if (family === "arithmetic" || family === "compare") {
    const redo = parts.findIndex((p) =>
      p.includes(`${name}_redo(struct value l, struct value r) {`),
    );
    parts.splice(1, 0, ...parts.splice(redo, 1));
  }
  parts.push(table("binary_fn", name, "value"));
  if (tests && name !== "scmp") parts.push(table("test_fn", name, "test"));
  if (!tests) parts.push(table("assign_fn", name, "assign"));
  parts.push(table("mine_fn", name, "mine"));
  if (tests && !ordering) parts.push(table("mine_test_fn", name, "mine_test"));
  if (!tests) parts.push(table("mine_assign_fn", name, "mine_assign"));
  parts.push(table("mine_fn", name, "constant", constants));
  if (tests && !ordering) parts.push(table("mine_test_fn", name, "constant_test", constants));
  parts.push(`static struct binary ${name} = {
  .symbol = ${quoted(symbol)}, .name = "${name}", .description = ${quoted(description)},
  .precedence = ${precedence}, .value = ${name}_values,
  .mine = ${name}_mines, .constant = ${name}_constants,
  ${tests ? (ordering ? "" : `.mine_test = ${name}_mine_tests, .constant_test = ${name}_constant_tests,`) : `.mine_assign = ${name}_mine_assigns,`}
  ${tests ? (ordering ? "" : `.test = ${name}_tests,`) : `.assign = ${name}_assigns,`}
};

void ${name}_init(void) { operator_register(&${name}); }
`);
  return parts.join("\n");
}

for (const operator of operators) write(`perl/op-${operator[1]}.c`, operatorFile(operator));

write(
  "perl/quick.h",
  `// A short text of nothing but digits, as most numbers are that were read.
#ifndef QUICK_H
#define QUICK_H

static inline __attribute__((always_inline)) int quick_whole(struct value v, long *out) {
  const char *s = v.s->text;
  long n = 0;
  if (v.len == 0 || v.len > 9)
    return 0;
  for (unsigned i = 0; i < v.len; i++) {
    unsigned digit = (unsigned)(s[i] - '0');
    if (digit > 9)
      return 0;
    n = n * 10 + (long)digit;
  }
  *out = n;
  return 1;
}

#endif
`,
);

write(
  "perl/operators.c",
  `// Operators by the character they begin with, the longest first.
#include "perl.h"

${operators.map(([, name]) => `void ${name}_init(void);`).join("\n")}

static struct binary *by_first[128];

struct value not_a_number(void) { return undef(); }

void operator_register(struct binary *b) {
  struct binary **at = &by_first[(unsigned char)b->symbol[0] & 127];
  while (*at && strlen((*at)->symbol) >= strlen(b->symbol))
    at = &(*at)->next;
  b->next = *at;
  *at = b;
}

const struct binary *operator_at(const char *s, const char *end, int *length) {
  if (s >= end)
    return 0;
  for (const struct binary *b = by_first[(unsigned char)*s & 127]; b; b = b->next) {
    size_t n = strlen(b->symbol);
    if ((size_t)(end - s) < n || memcmp(s, b->symbol, n))
      continue;
    if ((uni_class[(unsigned char)*s] & UNI_WORD) && s + n < end &&
        (uni_class[(unsigned char)s[n]] & UNI_WORD) && !(n == 1 && s[n] >= '0' && s[n] <= '9'))
      continue;
    *length = (int)n;
    return b;
  }
  return 0;
}

// By precedence, as a table of them would be written.
void operators_init(void) {
${operators.map(([, name]) => `  ${name}_init();`).join("\n")}
}
`,
);

// --------------------------------------------------------------------- config

const config = {
  archname: "riscv64-linux",
  osname: "linux",
  version: "5.36.0",
  api_revision: "5",
  api_version: "36",
  api_subversion: "0",
  byteorder: "12345678",
  cc: "riscv64-linux-gnu-gcc",
  d_longdbl: "undef",
  d_setlocale: "undef",
  d_fork: "undef",
  doublesize: "8",
  intsize: "4",
  longsize: "8",
  ptrsize: "8",
  shortsize: "2",
  sizesize: "8",
  ivsize: "8",
  ivtype: "long",
  uvsize: "8",
  uvtype: "unsigned long",
  nvsize: "8",
  nvtype: "double",
  nv_preserves_uv_bits: "53",
  nv_overflows_integers_at: "256.0*256.0*256.0*256.0*256.0*256.0*2.0*2.0*2.0*2.0*2.0",
  path_sep: ":",
  perlpath: "/bin/perl5",
  startperl: "#!/bin/perl5",
  so: "so",
  usethreads: "undef",
  useithreads: "undef",
  usemymalloc: "undef",
  uselongdouble: "undef",
  use64bitint: "define",
  use64bitall: "define",
  useshrplib: "define",
  sig_count: "65",
  unicode_limit: "U+2FFF",
  ...Object.fromEntries(functions.map(({ name }) => [`d_op_${name}`, "define"])),
};
write(
  "perl/config.c",
  `// What -V tells: how this interpreter was built.
#include "perl.h"

static const struct {
  const char *key, *value;
} config[] = {
${Object.entries(config)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map((pair) => `  {${pair.map(quoted).join(", ")}},`)
  .join("\n")}
};

int config_show(const char *key) {
  int shown = 0;
  for (size_t i = 0; i < sizeof config / sizeof *config; i++)
    if (!*key || !strcmp(config[i].key, key)) {
      printf("%s='%s'\\n", config[i].key, config[i].value);
      shown++;
    }
  if (!shown)
    printf("%s='UNKNOWN'\\n", key);
  return 0;
}
`,
);

// -------------------------------------------------------------------- unicode

const unicode = JSON.parse(readFileSync(join(here, "unicode/data.json"), "utf8"));
const spread = (runs) => {
  const all = [];
  for (let i = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i + 1]; n++) all.push(runs[i]);
  return all;
};
const rangesOf = (values, wanted) => {
  const ranges = [];
  values.forEach((value, c) => {
    if (value !== wanted) return;
    const last = ranges.at(-1);
    if (last && last[1] === c - 1) last[1] = c;
    else ranges.push([c, c]);
  });
  return ranges;
};
const distances = (packed) => {
  const d = new Array(unicode.limit).fill(0);
  for (let i = 0; i < packed.length; i += 4) {
    const [first, last, step, by] = packed.slice(i, i + 4);
    for (let c = first; c <= last; c += step || 1) d[c] = by;
  }
  return d;
};
const hex = (n) => `0x${n.toString(16)}`;
const rows = (items) => {
  const lines = [];
  for (let i = 0; i < items.length; i += 16) lines.push(`  ${items.slice(i, i + 16).join(", ")},`);
  return lines.join("\n");
};
const category = spread(unicode.category);
const script = spread(unicode.script);
const tables = [`#include "unicode.h"\n`];

/** Tables of 64 characters, and the table of these tables; equal ones are one. */
function pages(name, type, values) {
  const known = new Map();
  const list = [];
  for (let page = 0; page * 64 < unicode.limit; page++) {
    const part = values.slice(page * 64, page * 64 + 64);
    const key = part.join();
    if (part.every((v) => v === 0)) list.push("0");
    else {
      if (!known.has(key)) {
        const own = `${name}_${page.toString(16).padStart(2, "0")}`;
        known.set(key, own);
        tables.push(`static const ${type} ${own}[64] = {\n${rows(part)}\n};\n`);
      }
      list.push(known.get(key));
    }
  }
  tables.push(`const ${type} *const uni_${name}_page[] = {\n${rows(list)}\n};\n`);
}

function properties(kind, names, values) {
  const entries = names.map((both, index) => {
    const [name, short] = both.split(" ");
    const ranges = rangesOf(values, index);
    tables.push(
      `static const struct uni_range ${kind}_${name}[] = {\n${rows(ranges.map(([a, b]) => `{${hex(a)}, ${hex(b)}}`))}\n};\n`,
    );
    return `  {"${name}", "${short}", ${kind}_${name}, ${ranges.length}},`;
  });
  const plural = kind === "category" ? "categories" : "scripts";
  tables.push(`const struct uni_property uni_${plural}[] = {\n${entries.join("\n")}\n};
const int uni_${kind}_count = ${names.length};\n`);
}

properties("category", unicode.categories, category);
properties("script", unicode.scripts, script);
pages("category", "unsigned char", category);
const upper = distances(unicode.upper);
const title = [...upper];
for (let i = 0; i < unicode.title.length; i += 2)
  title[unicode.title[i]] = unicode.title[i + 1] - unicode.title[i];
pages("upper", "short", upper);
pages("lower", "short", distances(unicode.lower));
pages("title", "short", title);
write("unicode/tables.c", tables.join("\n"));

// --------------------------------------------------------------------- digest

const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
/** The first 32 bits behind the point of the k-th root of n, by whole numbers. */
function rootBits(n, k) {
  const target = BigInt(n) << BigInt(32 * k);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** BigInt(k) <= target) low = middle;
    else high = middle;
  }
  return low & 0xffffffffn;
}
const words = (values) => rows(values.map((v) => `0x${v.toString(16).padStart(8, "0")}`));
const sines = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));
write(
  "digest/constants.c",
  `#include "digest.h"

// 2^32 |sin i|, RFC 1321.
const unsigned md5_constants[64] = {
${words(sines)}
};

// Cube and square roots of the first primes, FIPS 180-4.
const unsigned sha256_constants[64] = {
${words(primes.map((p) => rootBits(p, 3)))}
};
const unsigned sha256_start[8] = {
${words(primes.slice(0, 8).map((p) => rootBits(p, 2)))}
};
`,
);
