import { beforeAll, describe, expect, it } from "vitest";
import { CODE_BASE, CODE_END } from "../../../assembly/abi.ts";
import { ops } from "../../../tools/isa/ops.mjs";
import { pairNames } from "../../../tools/isa/pairs.mjs";
import { needs } from "../../needs.ts";
import { compileHw, type HwMachine } from "../hw-machine.ts";
import { compressedPrograms, memoryProgram } from "./directed.ts";
import { atomicOperations, computed, grid } from "./grid.ts";
import { compare, report, sameRun, shrink } from "./lockstep.ts";
import { pageEndProgram, pairsProgram } from "./pairs.ts";
import { build, type Program } from "./program.ts";
import { Random } from "./random.ts";
import { emulate, simulate } from "./run.ts";

let hw: WebAssembly.Module;
const ours = (elf: Uint8Array) => simulate(hw, elf);
const slowly = (elf: Uint8Array) => simulate(hw, elf, { slowPath: true });

beforeAll(async () => {
  hw = await compileHw();
}, 120_000);

/** Compares the outputs of a grid, 8 bytes each. */
async function gridDifferences(list: Parameters<typeof grid>[0]) {
  const { elf, describe: at, vectors } = grid(list);
  const expecting = emulate(elf);
  const fast = ours(elf);
  const slow = slowly(elf);
  const expected = await expecting;
  const differences: string[] = [];
  if (!fast.output.equals(expected.output)) {
    for (let i = 0; i + 8 <= expected.output.length && differences.length < 20; i += 8) {
      if (i + 8 > fast.output.length) {
        differences.push(`${at(i)}: nothing, the program ended (${fast.status})`);
        break;
      }
      const [a, b] = [fast.output.readBigUint64LE(i), expected.output.readBigUint64LE(i)];
      if (a === b) continue;
      // A few of each instruction.
      const text = `${at(i)}: 0x${a.toString(16)}, want 0x${b.toString(16)}`;
      const alike = differences.filter((other) => other.split(" ")[0] === text.split(" ")[0]);
      if (alike.length < 3) differences.push(text);
    }
  }
  return {
    differences,
    vectors,
    status: [fast.status, expected.status],
    other: sameRun(fast, slow),
  };
}

/**
 * Fails with a small program if a run here differs from QEMU's, or from one that goes through the
 * modelled TLB with every access, or stops in odd places.
 */
async function same(program: Program): Promise<void> {
  const random = new Random(1n);
  const built = build(program);
  const expecting = emulate(built.elf);
  const fast = ours(built.elf);
  const slow = slowly(built.elf);
  if (compare(built, fast, await expecting)) {
    expect.fail(await report(await shrink(program, ours, emulate), ours, emulate));
  }
  expect(sameRun(fast, slow)).toBeUndefined();
  const slice = () => (random.oneIn(2) ? 1n : BigInt(1 + random.below(6000)));
  expect(sameRun(fast, simulate(hw, built.elf, { slice }))).toBeUndefined();
}

it("the programs of pairs make the fast loop use each of its handlers of two", () => {
  const first = (ops.length + 1) * 2; // numbered after those of one, see tools/gen-interp.mjs
  const used = new Set<number>();
  const inspect = (machine: HwMachine) => {
    // The decoded records: 8 bytes each, the handler's number in the first two.
    const records = new Uint16Array(machine.bytes.buffer, CODE_BASE, (CODE_END - CODE_BASE) / 2);
    for (let i = 0; i < records.length; i += 4) {
      if (records[i]! >= first && records[i]! < first + pairNames.length) used.add(records[i]!);
    }
  };
  for (const program of [pairsProgram(301n, 2), pairsProgram(302n, 2), pageEndProgram(310n, 2)]) {
    expect(simulate(hw, build(program).elf, { inspect }).status).toBe(0);
  }
  const missing = pairNames.filter((_: string, i: number) => !used.has(first + i));
  expect(missing).toHaveLength(0);
}, 60_000);

describe.skipIf(needs("qemu-riscv64"))("with edge operands, as under QEMU,", () => {
  const parts: [string, RegExp, number][] = [
    ["integer instructions", /^[^f]/, 250_000],
    ["floating-point instructions but the fused", /^f(?!n?m(add|sub)\.)/, 600_000],
    ["fused multiply-add", /^fn?m(add|sub)\./, 200_000],
  ];
  for (const [name, which, least] of parts) {
    it(`${name} give the same results and flags`, async () => {
      const list = computed.filter((instruction) => which.test(instruction.name));
      const { differences, vectors, status, other } = await gridDifferences(list);
      expect(differences).toEqual([]);
      expect(status).toEqual([0, 0]);
      expect(other).toBeUndefined();
      expect(vectors).toBeGreaterThan(least);
    }, 120_000);
  }

  it("atomic memory operations give the same results and memory", async () => {
    expect(atomicOperations.length).toBe(18);
    const { differences, vectors, status, other } = await gridDifferences(atomicOperations);
    expect(differences).toEqual([]);
    expect(status).toEqual([0, 0]);
    expect(other).toBeUndefined();
    expect(vectors).toBeGreaterThan(100_000);
  }, 60_000);

  it("loads and stores do the same about the end of a page", async () => {
    await same(memoryProgram(2));
  }, 60_000);

  for (const seed of [1, 2]) {
    it(`each instruction followed by each does the same (registers ${seed})`, async () => {
      const program = pairsProgram(BigInt(300 + seed), 2);
      expect(program.items.length).toBeGreaterThan(40_000);
      await same(program);
    }, 60_000);
  }

  it("jumps and what precedes them do the same where a page of code ends", async () => {
    const program = pageEndProgram(310n, 2);
    expect(program.items.length).toBeGreaterThan(500);
    await same(program);
  }, 60_000);

  it("each of the compressed encodings that are no jumps does the same", async () => {
    const { programs, encodings } = compressedPrograms(2);
    expect(encodings).toBe(49_152 - 2409 - 3 * 2048 - 2 * 31 - 1);
    for (const program of programs) await same(program);
  }, 120_000);
});
