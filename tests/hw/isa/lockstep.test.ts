import { beforeAll, describe, expect, it } from "vitest";
import { TlbPolicy } from "../../../assembly/abi.ts";
import { needs } from "../../needs.ts";
import { compileHw, type HwOptions } from "../hw-machine.ts";
import { compare, differs, report, sameRun, shrink } from "./lockstep.ts";
import { randomProgram } from "./maker.ts";
import { build, namesIn } from "./program.ts";
import { Random } from "./random.ts";
import { emulate, simulate } from "./run.ts";
import { decode, encode, instructions, named } from "./table.ts";

// PAGEWALK_LONG=1 runs ten times as many; PAGEWALK_SEED=n begins at another program.
const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
const firstSeed = Number(process.env.PAGEWALK_SEED ?? 1);
const PROGRAM_SIZE = 20_000;
const PASSES = 20;
const WANTED = long ? 100_000_000 : 10_000_000;

let hw: WebAssembly.Module;
const ours = (elf: Uint8Array) => simulate(hw, elf);
const programOf = (seed: number, size = PROGRAM_SIZE, passes = PASSES) =>
  randomProgram(new Random(BigInt(seed)), size, passes);

beforeAll(async () => {
  hw = await compileHw();
}, 120_000);

describe.skipIf(needs("qemu-riscv64"))("random programs", () => {
  it("do with every instruction what they do under QEMU", async () => {
    const names = new Map<string, number>();
    let executed = 0;
    for (let seed = firstSeed; executed < WANTED; seed++) {
      const program = programOf(seed);
      const built = build(program);
      const expecting = emulate(built.elf);
      const got = ours(built.elf);
      if (compare(built, got, await expecting)) {
        const small = await shrink(program, ours, emulate);
        expect.fail(`PAGEWALK_SEED=${seed}\n${await report(small, ours, emulate)}`);
      }
      expect(got.status).toBe(0);
      for (const name of namesIn(program)) names.set(name, (names.get(name) ?? 0) + PASSES);
      executed += built.instructions * PASSES;
    }
    console.info(`${executed} random instructions`);
    // System calls and breakpoints have tests of their own.
    const missing = instructions.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    expect(missing).toEqual(["ecall", "ebreak", "c.ebreak"]);
    expect(Math.min(...names.values())).toBeGreaterThan(5_000);
  }, 1_800_000);
});

describe("the same program", () => {
  const random = new Random(77n);
  const tlbs: [string, HwOptions][] = [
    ["64 entries in 4 ways", { tlbEntries: 64, tlbWays: 4 }],
    ["4 entries in one way", { tlbEntries: 4, tlbWays: 1 }],
    ["3 entries, all one set", { tlbEntries: 3, tlbWays: 3 }],
    [
      "16 entries, random replacement",
      { tlbWays: 16, tlbEntries: 16, tlbPolicy: TlbPolicy.Random },
    ],
    ["8 entries, the least recently used replaced", { tlbEntries: 8, tlbPolicy: TlbPolicy.Lru }],
  ];
  for (const [name, tlb] of tlbs) {
    it(`writes and counts the same however it is run (TLB: ${name})`, () => {
      for (const seed of [501, 502, 503]) {
        const { elf } = build(programOf(seed, 6_000, 3));
        const fast = simulate(hw, elf, tlb);
        expect(fast.status).toBe(0);
        expect(fast.instret).toBeGreaterThan(60_000n);
        const others = {
          slowPath: simulate(hw, elf, { ...tlb, slowPath: true }),
          single: simulate(hw, elf, { ...tlb, slice: () => 1n }),
          slices: simulate(hw, elf, { ...tlb, slice: () => BigInt(1 + random.below(6_000)) }),
        };
        for (const [way, other] of Object.entries(others)) {
          expect([seed, way, sameRun(fast, other)]).toEqual([seed, way, undefined]);
        }
      }
    }, 60_000);
  }
});

describe("the comparison", () => {
  /** As if a processor took every sub for an add. */
  function broken(elf: Uint8Array) {
    const wrong = elf.slice();
    const view = new DataView(wrong.buffer);
    const end = 0x1000 + Number(view.getBigUint64(64 + 32, true));
    for (let at = 0x1000; at < end; ) {
      const size = (view.getUint16(at, true) & 3) === 3 ? 4 : 2;
      if (size === 4 && at + 4 <= end) {
        const decoded = decode(view.getUint32(at, true));
        if (decoded?.instruction.name === "sub") {
          view.setUint32(at, encode(named("add"), decoded.operands), true);
        }
      }
      at += size;
    }
    return simulate(hw, wrong);
  }

  it("finds a wrong instruction and shrinks the program to it", async () => {
    const program = programOf(601, 2_000, 3);
    expect(await differs(program, ours, ours)).toBeUndefined();
    expect(await differs(program, broken, ours)).toBeDefined();
    const small = await shrink(program, broken, ours);
    const steps = small.items.flatMap(({ steps }) => steps);
    expect(small.passes).toHaveLength(1);
    expect(steps.length).toBeLessThanOrEqual(2);
    expect(steps.map(({ bits }) => decode(bits)!.instruction.name)).toContain("sub");
    const text = await report(small, broken, ours);
    expect(text).toMatch(/got 0x[\da-f]+, expected 0x[\da-f]+\nbefore it: x\d+ = 0x/);
    expect(text).toMatch(/ {2}sub rd=x\d+ rs1=x\d+ rs2=x\d+/);
  }, 60_000);
});
