import { createHash } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as abi from "../../assembly/abi.ts";
import {
  compile,
  DATA,
  kernel,
  lines,
  load,
  Refused,
  stackOf,
  stopAt,
  trace,
} from "./marks-harness.ts";

afterEach(() => vi.unstubAllEnvs());

/** The stops of `run(...args)` in a kernel of one file. */
async function traceOf(text: string, ...args: (number | bigint)[]) {
  return trace(await compile(kernel(text)), args);
}

describe("the order of marks", () => {
  test("each statement is one stop on the line where it begins", async () => {
    const stops = await traceOf(`// line 1
export function run(a: i32): i32 {
  let b = a + 1;
  b = b * 2;
  store<i32>(${DATA}, b);
  return b;
}`);
    expect(lines(stops)).toEqual(["declare@3", "4", "5", "return@6"]);
  });

  test("a statement over several lines is one stop that knows its last line", async () => {
    const stops = await traceOf(`export function run(a: i32): i32 {
  const b = a
    + 1
    + 2;
  return b;
}`);
    expect(stops.map(({ line, endLine }) => [line, endLine])).toEqual([
      [2, 4],
      [5, 5],
    ]);
  });

  test("statements on one line are stops of their own, told apart by the column", async () => {
    const text =
      "export function run(a: i32): i32 {\n  a += 1; a += 2; if (a > 9) return a; return 0;\n}";
    const columns = async (a: number) =>
      (await traceOf(text, a)).map(({ line, column }) => `${line}:${column}`);
    expect(await columns(0)).toEqual(["2:3", "2:11", "2:19", "2:40"]);
    expect(await columns(9)).toEqual(["2:3", "2:11", "2:19", "2:30"]);
  });

  test("a for loop stops at its init once, at its condition and step on every turn", async () => {
    const stops = await traceOf(
      `export function run(n: i32): i32 {
  let sum = 0;
  for (
    let i = 0;
    i < n;
    i++
  ) {
    if (i == 1) continue;
    sum += i;
  }
  return sum;
}`,
      3,
    );
    expect(lines(stops)).toEqual([
      ...["declare@2", "init@3"],
      ...["condition@5", "if@8", "9", "step@6"],
      ...["condition@5", "if@8", "continue@8", "step@6"],
      ...["condition@5", "if@8", "9", "step@6"],
      ...["condition@5", "return@11"],
    ]);
  });

  test("a while loop stops at its header before each evaluation", async () => {
    const stops = await traceOf(
      `export function run(n: i32): i32 {
  while (n > 0) {
    n--;
  }
  return n;
}`,
      2,
    );
    expect(lines(stops)).toEqual([
      ...["condition@2", "3", "condition@2", "3", "condition@2", "return@5"],
    ]);
  });

  test("a do loop stops at its condition, after the body, also after continue", async () => {
    const stops = await traceOf(
      `export function run(n: i32): i32 {
  do {
    if (n == 2) { n--; continue; }
    n--;
  } while (n > 0);
  return n;
}`,
      2,
    );
    expect(lines(stops)).toEqual([
      ...["if@3", "3", "continue@3", "condition@5", "if@3", "4", "condition@5", "return@6"],
    ]);
  });

  test("an endless loop stops at its header on every turn", async () => {
    const text = (header: string) => `export function run(n: i32): i32 {
  ${header} {
    if (--n < 0) break;
  }
  return n;
}`;
    for (const header of ["while (true)", "for (;;)", "while (1)"]) {
      expect(lines(await traceOf(text(header), 1)), header).toEqual([
        ...["condition@2", "if@3", "condition@2", "if@3", "break@3", "return@5"],
      ]);
    }
  });

  test("each else-if is a stop before its condition is evaluated", async () => {
    const text = `export function run(a: i32): i32 {
  if (a == 0) return 10;
  else if (a == 1)
    return 11;
  else if (a == 2) {
    return 12;
  } else return 13;
}`;
    expect(lines(await traceOf(text, 0))).toEqual(["if@2", "return@2"]);
    expect(lines(await traceOf(text, 1))).toEqual(["if@2", "else-if@3", "return@4"]);
    const both = ["if@2", "else-if@3", "else-if@5"];
    expect(lines(await traceOf(text, 2))).toEqual([...both, "return@6"]);
    expect(lines(await traceOf(text, 3))).toEqual([...both, "return@7"]);
  });

  test("a switch stops at its expression and then in the chosen case, falling through", async () => {
    const text = `export function run(a: i32): i32 {
  let r = 0;
  switch (a) {
    case 0:
      r = 1;
    case 1: {
      r += 2;
      break;
    }
    default:
      r = 9;
  }
  return r;
}`;
    const head = ["declare@2", "switch@3"];
    expect(lines(await traceOf(text, 0))).toEqual([...head, "5", "7", "break@8", "return@13"]);
    expect(lines(await traceOf(text, 1))).toEqual([...head, "7", "break@8", "return@13"]);
    expect(lines(await traceOf(text, 5))).toEqual([...head, "11", "return@13"]);
  });

  test("a declaration without a value and a bare block are no stops", async () => {
    const stops = await traceOf(`export function run(): i32 {
  let a: i32;
  {
    a = 3;
  }
  return a;
}`);
    expect(lines(stops)).toEqual(["4", "return@6"]);
  });
});

describe("the call stack", () => {
  const calls = `function leaf(x: i32): i32 {
  return x + 1;
}
function quiet(x: i32): void {
  if (x > 5) return;
  store<i32>(${DATA}, x);
}
export function run(a: i32): i32 {
  quiet(a);
  const b = leaf(leaf(a)) + leaf(a);
  return leaf(b);
}`;

  test("calls in one expression are called by its line, not by one another", async () => {
    const stops = await traceOf(calls, 1);
    expect(stops.map(({ stack }) => stack.map((f) => `${f.function}:${f.line}`).join(" "))).toEqual(
      [
        "run:9",
        "run:9 quiet:5",
        "run:9 quiet:6",
        "run:10",
        "run:10 leaf:2",
        "run:10 leaf:2",
        "run:10 leaf:2",
        "run:11",
        "run:11 leaf:2",
      ],
    );
  });

  test("an early return of a void function gives the stack back", async () => {
    const stops = await traceOf(calls, 9);
    expect(stops.slice(0, 4).map(({ stack }) => stack.map((f) => f.line))).toEqual([
      [9],
      [9, 5],
      [9, 5],
      [10],
    ]);
  });

  test("a caller's frame keeps its line and variables while a callee runs", async () => {
    const stops = await traceOf(calls, 1);
    const inside = stops.at(-1);
    expect(inside?.stack).toEqual([
      { function: "run", line: 11, kind: "return", vars: { a: 1n, b: 5n } },
      { function: "leaf", line: 2, kind: "return", vars: { x: 5n } },
    ]);
  });

  test("a method shows this, and is named with its class", async () => {
    const compiled = await compile(
      kernel(`@unmanaged
class list_head {
  next: usize;
  prev: usize;
  static empty(at: usize): bool { return load<usize>(at) == at; }
  is_head(entry: usize): bool {
    return this.next == entry;
  }
}
export function run(at: usize): bool {
  const head = changetype<list_head>(at);
  return head.is_head(7) || list_head.empty(at);
}`),
    );
    const stops = trace(compiled, [DATA]);
    expect(stops[2]?.stack[1]).toEqual({
      function: "list_head.is_head",
      line: 7,
      kind: "return",
      vars: { this: BigInt(DATA), entry: 7n },
    });
    expect(stops[3]?.stack[1]).toMatchObject({
      function: "list_head.empty",
      vars: { at: BigInt(DATA) },
    });
    expect(compiled.map.functions[1]?.slots[0]).toMatchObject({ name: "this", type: "list_head" });
  });

  test("calls deeper than the frames are counted, and disturb neither frames nor memory", async () => {
    const compiled = await compile(
      kernel(`function down(n: i32): i32 {
  if (n == 0) return 0;
  const below = down(n - 1);
  return below + 1;
}
export function run(n: i32): i32 {
  return down(n);
}`),
    );
    const { exports, memory } = load(compiled);
    expect(exports.run?.(100)).toBe(100);
    expect(memory.getUint32(abi.MARK_DEPTH, true)).toBe(0);
    const end = abi.MARK_FRAMES + abi.MARK_NR_FRAMES * abi.MARK_FRAME_SIZE;
    for (let at = end; at < abi.TLB_BASE; at += 8) expect(memory.getBigUint64(at, true)).toBe(0n);

    const total = Number(memory.getBigUint64(abi.MARK_COUNT, true));
    const deepest = 1 + 2 * 100 + 1;
    const at = load(compiled);
    at.memory.setBigUint64(abi.MARK_STOP, BigInt(deepest), true);
    expect(() => at.exports.run?.(100)).toThrow(WebAssembly.RuntimeError);
    expect(at.memory.getUint32(abi.MARK_DEPTH, true)).toBe(102);
    const stack = stackOf(compiled.map, at.memory);
    expect(stack.map((f) => f.vars.n)).toEqual(
      Array.from({ length: abi.MARK_NR_FRAMES }, (_, i) => BigInt(100 - Math.max(0, i - 1))),
    );
    const last = stopAt(load(compiled), compiled.map, total, [100]);
    expect(last?.stack).toHaveLength(2);
    expect(last?.vars).toEqual({ n: 100n, below: 99n });
  });

  test("marks_begin empties the stack a stop left, and counts on at the same instruction", async () => {
    const compiled = await compile(kernel(calls));
    const { exports, memory } = load(compiled);
    const begin = (instret: bigint) => exports.marks_begin?.(instret);
    begin(5n);
    memory.setBigUint64(abi.MARK_STOP, 2n, true);
    expect(() => exports.run?.(1)).toThrow(WebAssembly.RuntimeError);
    expect(memory.getUint32(abi.MARK_DEPTH, true)).toBe(2);
    begin(5n);
    expect(memory.getUint32(abi.MARK_DEPTH, true)).toBe(0);
    expect(memory.getBigUint64(abi.MARK_COUNT, true)).toBe(2n);
    exports.run?.(1);
    expect(memory.getBigUint64(abi.MARK_COUNT, true)).toBe(11n);
    begin(6n);
    expect(memory.getBigUint64(abi.MARK_COUNT, true)).toBe(0n);
  });
});

describe("variables", () => {
  const vars = async (text: string, ...args: (number | bigint)[]) =>
    (await traceOf(text, ...args)).map(({ line, vars }) => ({ line, ...vars }));

  test("a variable is not shown before it has a value, nor what an earlier call left", async () => {
    const stops = await vars(
      `function f(a: u64): u64 {
  let late: u64;
  const b = a * 2;
  if (a == 1) late = 5;
  return b;
}
export function run(): u64 {
  return f(1) + f(2);
}`,
    );
    expect(stops).toEqual([
      { line: 8 },
      { line: 3, a: 1n },
      { line: 4, a: 1n, b: 2n },
      { line: 4, a: 1n, b: 2n },
      { line: 5, a: 1n, b: 2n, late: 5n },
      { line: 3, a: 2n },
      { line: 4, a: 2n, b: 4n },
      { line: 5, a: 2n, b: 4n },
    ]);
  });

  test("a variable declared without a value in a loop is unset again on each turn", async () => {
    const stops = await vars(
      `export function run(n: i32): i32 {
  for (let i = 0; i < n; i++) {
    let odd: bool;
    if (i & 1) continue;
    odd = false;
  }
  return n;
}`,
      2,
    );
    expect(stops).toEqual([
      { line: 2, n: 2n },
      { line: 2, n: 2n, i: 0n },
      { line: 4, n: 2n, i: 0n },
      { line: 5, n: 2n, i: 0n },
      { line: 2, n: 2n, i: 0n, odd: 0n },
      { line: 2, n: 2n, i: 1n, odd: 0n },
      { line: 4, n: 2n, i: 1n },
      { line: 4, n: 2n, i: 1n },
      { line: 2, n: 2n, i: 1n },
      { line: 2, n: 2n, i: 2n },
      { line: 7, n: 2n, i: 2n },
    ]);
  });

  test("every way to assign is recorded: =, op=, ++, --, inside expressions too", async () => {
    const stops = await vars(
      `export function run(a: i32): i32 {
  let b = 0, c = a;
  b = 5;
  b += 2;
  b++;
  --b;
  c = b = 3;
  store<i32>(${DATA}, b++);
  const d = c--;
  if ((c = a + 1) > 100) b = 0;
  else
    b <<= 1;
  while ((a = a - 1) > 0)
    b |= 1;
  for (a = 0, c = 7; a < 1; a++, c--) b = 20;
  return a++;
}`,
      2,
    );
    expect(stops).toEqual([
      { line: 2, a: 2n },
      { line: 3, a: 2n, b: 0n, c: 2n },
      { line: 4, a: 2n, b: 5n, c: 2n },
      { line: 5, a: 2n, b: 7n, c: 2n },
      { line: 6, a: 2n, b: 8n, c: 2n },
      { line: 7, a: 2n, b: 7n, c: 2n },
      { line: 8, a: 2n, b: 3n, c: 3n },
      { line: 9, a: 2n, b: 4n, c: 3n },
      { line: 10, a: 2n, b: 4n, c: 2n, d: 3n },
      { line: 12, a: 2n, b: 4n, c: 3n, d: 3n },
      { line: 13, a: 2n, b: 8n, c: 3n, d: 3n },
      { line: 14, a: 1n, b: 8n, c: 3n, d: 3n },
      { line: 13, a: 1n, b: 9n, c: 3n, d: 3n },
      { line: 15, a: 0n, b: 9n, c: 3n, d: 3n },
      { line: 15, a: 0n, b: 9n, c: 7n, d: 3n },
      { line: 15, a: 0n, b: 9n, c: 7n, d: 3n },
      { line: 15, a: 0n, b: 20n, c: 7n, d: 3n },
      { line: 15, a: 1n, b: 20n, c: 6n, d: 3n },
      { line: 16, a: 1n, b: 20n, c: 6n, d: 3n },
    ]);
  });

  test("what a condition assigns is shown where it is sure to be set, and nowhere else", async () => {
    const text = `export function run(n: i32): i32 {
  let a: i32, b: i32;
  if (n > 0 && (a = n * 2) > 2) {
    n += a;
  } else {
    n = 50;
  }
  while (n < 9 || (b = n - 4) > 90) {
    n++;
  }
  return n;
}`;
    expect(await vars(text, 2)).toEqual([
      { line: 3, n: 2n },
      { line: 4, n: 2n, a: 4n },
      { line: 8, n: 6n, a: 4n },
      { line: 9, n: 6n, a: 4n },
      { line: 8, n: 7n, a: 4n },
      { line: 9, n: 7n, a: 4n },
      { line: 8, n: 8n, a: 4n },
      { line: 9, n: 8n, a: 4n },
      { line: 8, n: 9n, a: 4n },
      { line: 11, n: 9n, a: 4n },
    ]);
    expect((await vars(text, -1)).slice(0, 2)).toEqual([
      { line: 3, n: -1n },
      { line: 6, n: -1n },
    ]);
  });

  test("a name declared again in an inner block or another case has a slot of its own", async () => {
    const text = `export function run(x: i32): i32 {
  const a = x;
  if (x > 0) {
    const a = x + 10;
    store<i32>(${DATA}, a);
  }
  switch (x) {
    case 1:
      const a: u64 = 7;
      return <i32>a;
    default:
      break;
  }
  return a;
}`;
    const compiled = await compile(kernel(text));
    const stops = trace(compiled, [1]).map(({ line, vars }) => ({ line, ...vars }));
    expect(stops).toEqual([
      { line: 2, x: 1n },
      { line: 3, x: 1n, a: 1n },
      { line: 4, x: 1n, a: 1n },
      { line: 5, x: 1n, a: 1n, "a#2": 11n },
      { line: 7, x: 1n, a: 1n, "a#2": 11n },
      { line: 9, x: 1n, a: 1n, "a#2": 11n },
      { line: 10, x: 1n, a: 1n, "a#2": 11n, "a#3": 7n },
    ]);
    const slots = compiled.map.functions[0]?.slots ?? [];
    expect(
      slots.map(({ name, occurrence, line, endLine }) => [name, occurrence, line, endLine]),
    ).toEqual([
      ["x", 1, 1, 15],
      ["a", 1, 2, 15],
      ["a", 2, 4, 6],
      ["a", 3, 9, 13],
    ]);
  });

  test("signed values are sign-extended, unsigned are not, floats are f64 bits", async () => {
    const stops = await vars(`export function run(): i32 {
  const a: i8 = -1;
  const b: u8 = 255;
  let c: u32 = 0xffffffff;
  let d: f32 = 1.5;
  const e: bool = true;
  return 0;
}`);
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, 1.5);
    expect(stops.at(-1)).toEqual({
      ...{ line: 7, a: -1n, b: 255n, c: 0xffffffffn, d: bits.getBigInt64(0), e: 1n },
    });
  });

  test("twenty-four variables of a frame are recorded, further ones are named as left out", async () => {
    const names = Array.from({ length: 27 }, (_, i) => `v${i}`);
    const text = `export function run(): i32 {
${names.map((name, i) => `  let ${name} = ${i};`).join("\n")}
  v26++;
  return v26;
}`;
    const compiled = await compile(kernel(text));
    const stop = trace(compiled).at(-1);
    expect(Object.keys(stop?.vars ?? {})).toEqual(names.slice(0, 24));
    expect(compiled.map.functions[0]?.unrecorded).toEqual(["v24", "v25", "v26"]);
    const { exports } = load(compiled);
    expect(exports.run?.()).toBe(27);
  });
});

describe("a stop", () => {
  test("leaves memory as it is before the line it stopped at", async () => {
    const text = `function step(n: u32): u32 {
  store<u32>(${DATA} + 4 * n, n + 1);
  return n + 1;
}
export function run(): u32 {
  let n: u32 = 0;
  store<u32>(${DATA} + 4 * n, n + 1); n++;
  while (n < 4) {
    n = step(n);
  }
  store<u32>(${DATA} + 4 * n, step(n + 1));
  return n;
}`;
    const stored = (stop: { data: DataView }) =>
      Array.from({ length: 6 }, (_, i) => stop.data.getUint32(4 * i, true));
    const stops = await traceOf(text);
    const states = stops.map((stop) => `${stop.line}: ${stored(stop).join(" ")}`);
    const turn = (a: string, b: string) => [`9: ${a}`, `2: ${a}`, `3: ${b}`, `8: ${b}`];
    expect(states).toEqual([
      "6: 0 0 0 0 0 0",
      "7: 0 0 0 0 0 0",
      "7: 1 0 0 0 0 0",
      "8: 1 0 0 0 0 0",
      ...turn("1 0 0 0 0 0", "1 2 0 0 0 0"),
      ...turn("1 2 0 0 0 0", "1 2 3 0 0 0"),
      ...turn("1 2 3 0 0 0", "1 2 3 4 0 0"),
      "11: 1 2 3 4 0 0",
      "2: 1 2 3 4 0 0",
      "3: 1 2 3 4 0 6",
      "12: 1 2 3 4 6 6",
    ]);
  });

  test("never happens when MARK_STOP is 0, and past the last mark the run completes", async () => {
    const compiled = await compile(
      kernel("export function run(a: i32): i32 {\n  a++;\n  return a;\n}"),
    );
    expect(stopAt(load(compiled), compiled.map, 3, [1])).toBeUndefined();
    const { exports, memory } = load(compiled);
    expect(exports.run?.(1)).toBe(2);
    expect(memory.getBigUint64(abi.MARK_COUNT, true)).toBe(2n);
  });
});

describe("what is left alone", () => {
  const marked = async (text: string) =>
    (await compile(kernel(text))).map.functions.map((fn) => fn.name);

  test("functions, methods and classes with @nomark in the comment directly above", async () => {
    const names = await marked(`// The file's own words.
import { PAGE_SHIFT } from "../abi";

/** Documented. */
// @nomark
function a(x: i32): i32 { return x >> PAGE_SHIFT; }
/**
 * A bit. @nomark
 */
export function b(x: i32): i32 { return x & 1; }
// @nomark

function c(x: i32): i32 { return x; }
// @nomarkable is another word
function d(x: i32): i32 { return x; }
@unmanaged class E {
  x: i32;
  // @nomark
  get low(): i32 { return this.x & 1; }
  get high(): i32 { return this.x >> 1; }
}
// @nomark
@unmanaged class F {
  y: i32;
  get low(): i32 { return this.y & 1; }
}
export function run(x: i32): i32 {
  const e = changetype<E>(${DATA}), f = changetype<F>(${DATA});
  return a(x) + b(x) + c(x) + d(x) + e.low + e.high + f.low;
}`);
    expect(names).toEqual(["c", "d", "E.high", "run"]);
  });

  test("a whole file with @nomark in the comment it begins with", async () => {
    const body = "export function run(x: i32): i32 {\n  return x;\n}";
    expect(await marked(`// What this is.\n// @nomark\n\n${body}`)).toEqual([]);
    const first = `// @nomark\nfunction f(): i32 { return 1; }\n${body}`;
    expect(await marked(first), "the comment of the first function is no file comment").toEqual([
      "run",
    ]);
  });

  test("files outside kernel, policy and proposal", async () => {
    const compiled = await compile({
      "assembly/hw/mmu.ts": "export function walk(x: i32): i32 {\n  return x;\n}",
      "assembly/policy/fifo.ts": "export function victim(x: i32): i32 {\n  return x;\n}",
      "assembly/proposal/deep/zero.ts": "export function hook(x: i32): i32 {\n  return x;\n}",
      "assembly/index.ts": `import { walk } from "./hw/mmu";
import { victim } from "./policy/fifo";
import { hook } from "./proposal/deep/zero";
export function run(x: i32): i32 { return walk(x) + victim(x) + hook(x); }`,
    });
    expect(compiled.map.functions.map((fn) => fn.name)).toEqual(["victim", "hook"]);
    expect(load(compiled).exports.run?.(1)).toBe(3);
  });
});

describe("what the kernel computes", () => {
  // Constructs whose meaning or type-checking a careless rewrite would change.
  const constructs = `type pfn_t = u32;
@unmanaged class Node { value: i32; next: Node | null; }
function low(x: i32): i8 { return <i8>x; }
function wide(x: i32): u64 { return -1; }
function half(x: i32): f64 { return <f64>x / 2; }
function is_odd(x: i32): bool { return (x & 1) != 0; }
function first(n: i32): Node | null {
  if (n <= 0) return null;
  return changetype<Node>(${DATA});
}
function skip(from: Node | null): Node | null {
  let node = from;
  while (node != null) {
    if (node.value > 2) return node;
    node = node.next;
  }
  return node;
}
function last(from: Node): Node {
  let node = from, next: Node | null;
  while ((next = node.next) != null) node = next;
  return node;
}
function some(n: i32): i32 {
  let node: Node | null = null;
  while (node == null) {
    if (n < 0) return -9;
    node = first(n + 1);
    n--;
  }
  const found = node!;
  let other: Node | null = null;
  while (other == null) other = found;
  let third: Node | null = null;
  while (!third || n < 0) { third = other; n++; }
  return node!.value + other.value + third.value;
}
function late(n: i32): i32 {
  let p: Node | null, q: Node | null, k: i32, m: i32, o: i32;
  if (n > 30 && (p = first(n)) != null) return p.value;
  if (n < -3 || (k = n + 1) > 25) return 5;
  while (n < 3 && (m = n++) < 2) k += m;
  while ((o = n - 2) > 6 || k < -100) n--;
  do n++; while ((q = first(n)) == null && n < 0);
  for (p = q; (m = n) > 0 && (q = p) != null; n -= q!.value < 0 ? 2 : 1) {
    if (!(m > 3)) continue;
    else if ((o = m) == 5) k++;
    k ^= o;
  }
  const r: i32 = (k > 3 ? (m = 4) : (m = 5)) + m;
  switch (o = r & 3) { case 1: k += o; case 2: k -= o; }
  return k * 31 + o * 7 + r + (q == null ? 1 : 0);
}
function narrow(n: i32): u32 {
  let byte: u8 = 250, sum: u32 = 0;
  for (let i: u8 = 0; i < <u8>n; i += 3) { byte += i; sum += byte; }
  do { byte++; if (byte == 3) continue; sum ^= byte; } while (byte < 200);
  while (true) { byte = byte << 1; if (byte == 0) return sum; sum += <u32>byte; }
}
function grade<T>(x: T): T {
  const kind = x % 5;
  switch (<i32>kind) {
    case 0: return x + 1;
    case 1:
      x *= 2;
    case 2: { const kind = x; return kind; }
    case 3: break;
    default: x = 0;
  }
  return x;
}
function nothing(n: i32): void {
  if (is_odd(n)) return;
  store<u32>(${DATA} + 100, load<u32>(${DATA} + 100) + <u32>n);
}
export function run(n: i32): u64 {
  for (let i = 0; i < 4; i++) {
    const node = changetype<Node>(${DATA} + i * 8);
    node.value = i + n;
    node.next = i == 3 ? null : changetype<Node>(${DATA} + (i + 1) * 8);
  }
  for (let i = 0, j = n; i < j; i++, j--) nothing(i * j);
  const start = first(n);
  let sum: u64 = <u64>low(n * 77) ^ wide(n) ^ <u64>half(n) ^ narrow(n);
  if (start == null) return sum + <u64>some(n);
  const found = skip(start);
  sum += found ? <u64>found.value : <u64>999;
  sum = sum * 31 + <u64>last(start).value;
  sum = sum * 31 + <u64>some(n);
  sum = sum * 31 + <u64>late(n);
  const pfn: pfn_t = n > 3 && is_odd(n) || n == 2 ? grade<u32>(n) : <u32>grade<i64>(n);
  return sum * 31 + pfn;
}`;

  test("is the same with and without marks, optimized and not", async () => {
    const outside = (memory: DataView) => {
      const bytes = new Uint8Array(memory.buffer.slice(0));
      bytes.fill(0, abi.MARK_COUNT, abi.MARK_DEPTH + 4);
      bytes.fill(0, abi.MARK_FRAMES, abi.MARK_FRAMES + abi.MARK_NR_FRAMES * abi.MARK_FRAME_SIZE);
      return createHash("sha256").update(bytes).digest("hex");
    };
    const results = async (options: { marks: boolean; level: number }) => {
      const { exports, memory } = load(await compile(kernel(constructs), options));
      return Array.from({ length: 40 }, (_, n) => [exports.run?.(n - 5), outside(memory)]);
    };
    const plain = await results({ marks: false, level: 3 });
    expect(new Set(plain.map(([value]) => value)).size, "the inputs matter").toBeGreaterThan(30);
    for (const level of [0, 1, 3]) {
      expect(await results({ marks: true, level }), `-O${level}`).toEqual(plain);
    }
    expect(await results({ marks: false, level: 0 })).toEqual(plain);
  });

  test("asc's diagnostics keep their text and place", async () => {
    const wrong = `export function run(n: i32): i32 {
  for (let i = 0; i < n; i++) {
    const a: u64 = missing(i);
  }
  return "text";
}`;
    const refusal = async (marks: boolean) => {
      const error = await compile(kernel(wrong), { marks }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Refused);
      return (error as Refused).message;
    };
    const plain = await refusal(false);
    expect(plain).toContain("assembly/kernel/k.ts(3,20)");
    expect(await refusal(true)).toBe(plain);
  });

  test("without the transform no byte of the core comes from the marks", async () => {
    const text = "export function run(x: i32): i32 {\n  return x;\n}";
    const only = {
      "assembly/kernel/k.ts": text,
      "assembly/index.ts": 'export { run } from "./kernel/k";',
    };
    const plain = await compile(only, { marks: false });
    expect(plain.mapText).toBeUndefined();
    const left = await compile({ ...only, "assembly/kernel/k.ts": `// @nomark\n\n${text}` });
    expect(left.wasm).toEqual(plain.wasm);
  });
});

describe("the map", () => {
  const files = {
    "assembly/kernel/mm_types.ts": `export type pfn_t = u32;
export const VM_WRITE: u64 = 1 << 1;
export const VM_MASK = ~(0xfff);
const SECRET = 0x10 + 0b11;
export const LONG: u64 = 0xffff_ffff_ffff_f000;
export const TOP = 1 << 31;
export const DERIVED = (VM_MASK & 0x1fff) | SECRET;
export const NOT_KNOWN = load<u32>(8);
export enum Fault { NONE, MAJOR = 4, RETRY, BOTH = MAJOR | 2 }
@unmanaged export class vm_area_struct {
  vm_start: u64;
  vm_next: vm_area_struct | null;
  pages(): u64 { return this.vm_start >> 12; }
}`,
    "assembly/kernel/page.ts": `type count_t = u16;
@unmanaged export class page { refcount: count_t; }
export function mem_map(at: u32): page { return changetype<page>(at); }`,
    "assembly/kernel/memory.ts": `import { pfn_t, VM_WRITE, Fault, vm_area_struct } from "./mm_types";
import { mem_map } from "./page";
import { PAGE_SHIFT } from "../abi";
function alloc(order: u32): pfn_t { return <pfn_t>order; }
export function run(addr: u64, vma: vm_area_struct): u64 {
  const pfn = alloc(1);
  const next = vma.vm_next;
  const start = next!.vm_start;
  const pages = vma.pages();
  const entry = changetype<vm_area_struct>(0x100);
  const cast = <u16>addr, as_cast = addr as pfn_t;
  const loaded = load<u64>(0x100), also = u8(addr);
  const page = addr >> PAGE_SHIFT;
  const more = pfn + 1, write = page & VM_WRITE;
  const both = addr < start, chosen = both ? vma : entry;
  let unknown = (<u64>cast) + (<u32>cast);
  let small = 3, kind = Fault.MAJOR;
  const pick = max(addr, start);
  const count = mem_map(8).refcount, counted = count + 1;
  let typed: vm_area_struct | null = null, plain: u32;
  plain = 3;
  return chosen.pages() + also + more + write + unknown + small + kind + pick + counted
    + loaded + as_cast + plain + pages;
}`,
    "assembly/index.ts": `export { run } from "./kernel/memory";`,
  };

  test("gives a variable's type as written or as its value says", async () => {
    const { map } = await compile(files);
    const run = map.functions.find((fn) => fn.name === "run");
    expect(Object.fromEntries((run?.slots ?? []).map((s) => [s.name, s.type]))).toEqual({
      addr: "u64",
      vma: "vm_area_struct",
      pfn: "pfn_t",
      next: "vm_area_struct | null",
      start: "u64",
      pages: "u64",
      entry: "vm_area_struct",
      cast: "u16",
      as_cast: "pfn_t",
      loaded: "u64",
      also: "u8",
      page: "u64",
      more: "pfn_t",
      write: "u64",
      both: "bool",
      chosen: "vm_area_struct",
      unknown: "u64",
      small: "i32",
      kind: "i32",
      pick: "u64",
      count: "count_t",
      counted: "count_t",
      typed: "vm_area_struct | null",
      plain: "u32",
    });
    expect(run?.returnType).toBe("u64");
  });

  test("gives the values of named constants and enums, per file, as the core computes them", async () => {
    const { map } = await compile(files);
    expect(map.constants["assembly/kernel/mm_types.ts"]).toEqual({
      VM_WRITE: "2",
      VM_MASK: "-4096",
      SECRET: "19",
      LONG: "18446744073709547520",
      TOP: "-2147483648",
      DERIVED: "4115",
      "Fault.NONE": "0",
      "Fault.MAJOR": "4",
      "Fault.RETRY": "5",
      "Fault.BOTH": "6",
    });
    const listed = map.constants["assembly/abi.ts"] ?? {};
    const host: Record<string, string> = {};
    for (const [name, value] of Object.entries(abi)) {
      if (typeof value === "number") host[name] = String(value);
      else if (typeof value === "object") {
        for (const [member, n] of Object.entries(value)) {
          if (typeof n === "number") host[`${name}.${member}`] = String(n);
        }
      }
    }
    expect(listed).toEqual(host);
  });

  test("is the same for the same sources, in whatever order they are imported", async () => {
    const once = await compile(files);
    const again = await compile(files);
    expect(again.mapText).toBe(once.mapText);
    expect(again.wasm).toEqual(once.wasm);
    const turned = await compile({
      ...files,
      "assembly/index.ts": `import "./kernel/mm_types";\n${files["assembly/index.ts"]}`,
    });
    expect(turned.mapText).toBe(once.mapText);
    const text = files["assembly/kernel/memory.ts"];
    expect(once.map.files).toContainEqual({
      path: "assembly/kernel/memory.ts",
      sha256: createHash("sha256").update(text).digest("hex"),
    });
  });

  test("points from a mark to exactly the text it stands before", async () => {
    const text = `export function run(a: i32): i32 {
  for (let i = 0; i < 2; i++) a += i;
  if (a == 1 && (a > 0)) { a = 2; } else if (a == 3) a++;
  while (a < 9) a *= 2;
  do a--; while (a > 4);
  switch (a) { case 4: return a + 1; }
  return 0;
}`;
    const { map } = await compile(kernel(text));
    const rows = text.split("\n");
    expect(
      map.marks.map((m) => {
        expect(m.endLine).toBe(m.line);
        return `${m.kind}: ${rows[m.line - 1]?.slice(m.column - 1, m.endColumn - 1)}`;
      }),
    ).toEqual([
      "init: for (let i = 0",
      "condition: i < 2",
      "statement: a += i",
      "step: i++",
      "if: if (a == 1 && (a > 0))",
      "statement: a = 2",
      "else-if: if (a == 3)",
      "statement: a++",
      "condition: while (a < 9)",
      "statement: a *= 2",
      "statement: a--",
      "condition: while (a > 4)",
      "switch: switch (a)",
      "return: return a + 1",
      "return: return 0",
    ]);
  });

  test("goes to the file that MARKS_OUT names", async () => {
    vi.stubEnv("MARKS_OUT", "elsewhere/map.json");
    const { mapText, written } = await compile(files);
    expect(mapText).toBeUndefined();
    expect(Object.keys(written)).toContain("elsewhere/map.json");
  });
});
