// Runs programs here and under qemu-riscv64, finds the first thing that differs, and makes the
// program as small as it can be while something still does.
import { type Built, build, dump, type Item, listing, type Program } from "./program.ts";
import type { Counts, Result } from "./run.ts";
import { decode } from "./table.ts";

export type Runner = (elf: Uint8Array) => Result | Promise<Result>;

export interface Difference {
  pass: number;
  /** Index among the items; undefined if it is the scratch memory or how the program ended. */
  item?: number;
  what: string;
}

/** The first difference of two runs of a program. */
export function compare(built: Built, got: Result, expected: Result): Difference | undefined {
  const { slots, passSize } = built;
  if (!got.output.equals(expected.output)) {
    const length = Math.min(got.output.length, expected.output.length) & ~7;
    for (let at = 0; at < length; at += 8) {
      const [a, b] = [got.output.readBigUint64LE(at), expected.output.readBigUint64LE(at)];
      if (a === b) continue;
      const pass = Math.floor(at / passSize);
      const slot = slots[(at % passSize) / 8];
      const values = `got 0x${a.toString(16)}, expected 0x${b.toString(16)}`;
      if (slot) return { pass, item: slot.item, what: `${slot.place}: ${values}` };
      const place = (at % passSize) - slots.length * 8;
      return { pass, what: `memory ${place} at the end: ${values}` };
    }
  }
  if (got.status !== expected.status || got.output.length !== expected.output.length) {
    const ended = (result: Result) => `${result.output.length} bytes, then ${result.status}`;
    return {
      pass: Math.floor(Math.min(got.output.length, expected.output.length) / passSize),
      what: `the end: got ${ended(got)}, expected ${ended(expected)}`,
    };
  }
  return undefined;
}

/** Runs a program on both. */
export async function differs(
  program: Program,
  ours: Runner,
  theirs: Runner,
): Promise<Difference | undefined> {
  const built = build(program);
  const expected = theirs(built.elf);
  return compare(built, await ours(built.elf), await expected);
}

/**
 * Leaves out passes, items and instructions that do not matter to a difference.
 *
 * @param tries runs of a program at most
 */
export async function shrink(
  program: Program,
  ours: Runner,
  theirs: Runner,
  tries = 300,
): Promise<Program> {
  let best = program;
  const attempt = async (smaller: Program): Promise<boolean> => {
    if (tries-- <= 0 || !(await differs(smaller, ours, theirs))) return false;
    best = smaller;
    return true;
  };
  const first = await differs(program, ours, theirs);
  if (!first) return program;
  const pass = best.passes[first.pass];
  const upTo = first.item === undefined ? best.items : best.items.slice(0, first.item + 1);
  if (pass) await attempt({ ...best, passes: [pass] });
  await attempt({ ...best, items: upTo });
  for (let size = Math.ceil(best.items.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = best.items.length - size; from > -size; from -= size) {
      const start = Math.max(0, from);
      const items = best.items.filter((_, i) => i < start || i >= from + size);
      if (items.length < best.items.length) await attempt({ ...best, items });
    }
  }
  for (let i = 0; i < best.items.length; i++) {
    for (let k = best.items[i]!.steps.length - 1; k >= 0; k--) {
      const item = best.items[i]!;
      const steps = item.steps.filter((_, index) => index !== k);
      await attempt({ ...best, items: best.items.with(i, { ...item, steps }) });
    }
  }
  return best;
}

/** The registers that an item reads, with what they hold before it. */
function sources(item: Item, before: Map<string, bigint>): string {
  const names = new Set<string>();
  const encodings = item.steps.flatMap(({ setup, bits }) => [...setup, bits]);
  const all = encodings.map((bits) => decode(bits)!.operands);
  for (const operands of [item.operands, ...all]) {
    for (const [key, register] of Object.entries(operands)) {
      if (/^[rf]s/.test(key)) names.add(`${key[0] === "r" ? "x" : "f"}${register}`);
      if (/^rd/.test(key)) names.add(`x${register}`);
    }
  }
  names.add("fcsr");
  return [...names]
    .filter((name) => before.has(name))
    .map((name) => `${name} = 0x${before.get(name)!.toString(16)}`)
    .join(", ");
}

/** A difference, for a person to read: the program, what it began with, what came out. */
export async function report(program: Program, ours: Runner, theirs: Runner): Promise<string> {
  const found = await differs(program, ours, theirs);
  if (!found) return "the difference is gone";
  const { items } = program;
  const index = found.item ?? items.length - 1;
  // Once more, with all registers written out before the item.
  const shown = { ...program, items: items.toSpliced(index, 0, dump) };
  const { elf, slots, passSize } = build(shown);
  const { output } = await theirs(elf);
  const before = new Map<string, bigint>();
  slots.forEach(({ item, place }, i) => {
    const at = found.pass * passSize + i * 8;
    if (item === index && at + 8 <= output.length) before.set(place, output.readBigUint64LE(at));
  });
  const code = items.flatMap((item, i) => [
    `${i === index ? ">" : " "} item ${i} (${item.kind})`,
    ...listing(item).map((line) => `      ${line}`),
  ]);
  const { T, U, S } = program.frame;
  return [
    `pass ${found.pass}, ${found.what}`,
    `before it: ${sources(items[index]!, before)}`,
    `frame: trace x${T}, free x${U}, scratch x${S}`,
    ...code,
  ].join("\n");
}

/** The same program run here in another way: output, end and counts must be equal. */
export function sameRun(a: Result & Counts, b: Result & Counts): string | undefined {
  if (!a.output.equals(b.output)) return "other output";
  if (a.status !== b.status) return `status ${a.status}, ${b.status}`;
  for (const count of ["instret", "accesses", "misses"] as const) {
    if (a[count] !== b[count]) return `${count}: ${a[count]}, ${b[count]}`;
  }
  return undefined;
}
