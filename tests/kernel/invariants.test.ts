import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { FRAMES, PAGE_SIZE_OF, PG, RAM_BASE, VM_COMMITTED } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { addi, ecall, ld, lui, sb, t0, t1, writeElf, code, zero } from "./elf-writer.ts";
import { violations } from "./invariants.ts";
import { Linux, loadCore } from "./linux.ts";

const machine = new Linux(loadCore(inject("core")));
const programs = join(inject("root"), "public/programs");

/** Runs to the end and sweeps before every kernel entry. */
function sweep(): { verdict: string; sweeps: number } {
  let sweeps = 0;
  const between = () => {
    if (!machine.started) return;
    sweeps++;
    expect(violations(machine.core)).toEqual([]);
  };
  const { verdict } = machine.run({ between, limit: 100_000_000 });
  expect(violations(machine.core)).toEqual([]);
  return { verdict, sweeps };
}

describe("every invariant holds at every kernel entry of", () => {
  test.each([
    ["hello"],
    ["hello-pie"],
    ["pages", "random", "64"],
    ["bss-heap"],
    ["stack", "100"],
    ["rodata"],
    ["null"],
    ["sort"],
    ["cow"],
    ["residency"],
  ])("%s", (program, ...args) => {
    const root = directory();
    place(root, `/${program}`, file(readFileSync(join(programs, program)), 0o755));
    const conf = { ram_frames: 2048 };
    machine.boot({ root, path: `/${program}`, argv: [program, ...args], conf });
    const { sweeps } = sweep();
    expect(sweeps).toBeGreaterThan(1);
  });
});

// A program that reads its acts from a table: a system call with its arguments, or a touch.
const TABLE = 0x800000;
const ARENA = 0x10000000;
const READ = 1000;
const WRITE = 1001;
const branch = (rs1: number, rs2: number, to: number) =>
  (((to >> 5) & 0x3f) << 25) | (rs2 << 20) | (rs1 << 15) | (((to >> 1) & 15) << 8) | 0x63;
const jump = (by: number) => {
  const imm = by & 0x1fffff;
  const high = (((imm >> 20) & 1) << 31) | (((imm >> 1) & 0x3ff) << 21);
  return (high | (((imm >> 11) & 1) << 20) | (((imm >> 12) & 0xff) << 12) | 0x6f) >>> 0;
};
const S0 = 8;
const lb = (rd: number, rs1: number) => ((rs1 << 15) | (rd << 7) | 3) >>> 0;
const interpreter = code(
  lui(S0, TABLE >>> 12),
  ...[17, 10, 11, 12, 13, 14, 15].map((reg, i) => ld(reg, S0, 8 * i)),
  addi(S0, S0, 64),
  addi(t0, zero, READ),
  branch(17, t0, 20),
  addi(t0, zero, WRITE),
  branch(17, t0, 20),
  ecall,
  jump(-52),
  lb(t1, 10),
  jump(-60),
  sb(17, 10, 0),
  jump(-68),
);

type Act = [nr: number, ...args: (number | bigint)[]];

function acting(acts: Act[]): Uint8Array {
  const table = new Uint8Array(64 * (acts.length + 1));
  const view = new DataView(table.buffer);
  [...acts, [93, 0] as Act].forEach((act, i) => {
    act.forEach((word, k) => {
      view.setBigUint64(i * 64 + k * 8, BigInt.asUintN(64, BigInt(word)), true);
    });
  });
  const end = 0x2000 + table.length;
  return writeElf({
    entry: 0x401000,
    size: Math.max(end, 0xa000),
    phdrs: [
      { flags: 5, offset: 0x1000, vaddr: 0x401000, filesz: 0x100, memsz: 0x100, align: 4096 },
      {
        flags: 6,
        offset: 0x2000,
        vaddr: TABLE,
        filesz: table.length,
        memsz: table.length,
        align: 4096,
      },
    ],
    contents: [
      [0x1000, interpreter],
      [0x2000, table],
    ],
  });
}

const page = fc.nat(40).map((n) => ARENA + n * 4096);
const pages = fc.integer({ min: 1, max: 12 }).map((n) => n * 4096);
const prot = fc.nat(7);
const NEVER = 2 ** 20;
const mmapFlags = fc.constantFrom(0x22, 0x32, 0x100022, 0x8022, 0x8032, 0x122);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constant(222), page, pages, prot, mmapFlags, fc.constant(-1), fc.constant(0)),
  fc.tuple(
    fc.constant(222),
    page,
    pages,
    prot,
    fc.constantFrom(2, 0x12, 1, 0x8012),
    fc.constant(3),
    fc.nat(4).map((n) => n * 4096),
  ),
  fc.tuple(fc.constant(215), page, pages),
  fc.tuple(fc.constant(226), page, pages, prot),
  fc.tuple(
    fc.constant(214),
    fc.nat(40).map((n) => TABLE + 0x2000 + n * 1024),
  ),
  fc.tuple(fc.constant(233), page, pages, fc.constantFrom(0, 1, 2, 4)),
  fc.tuple(fc.constant(216), page, pages, pages, fc.constantFrom(0, 1, 3), page),
  fc.tuple(fc.constant(232), page, pages, fc.constant(TABLE + 0x1800)),
  fc.tuple(fc.constantFrom(READ, WRITE), page),
  fc.tuple(fc.constantFrom(READ, WRITE), page),
) as fc.Arbitrary<Act>;

/** What every sequence begins with: the arena, so that touches mostly succeed, and a file. */
const opening: Act[] = [
  [222, ARENA, 24 * 4096, 3, 0x32, -1, 0],
  [56, -100, TABLE + 0x1f00, 0, 0],
];

test("every invariant holds after every step of random memory calls", { timeout: 300_000 }, () => {
  const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
  const deaths = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), fc.constantFrom(256, 64), (acts, frames) => {
      const bytes = acting([...opening, ...acts]);
      bytes.set(new TextEncoder().encode("/acts\0"), 0x2000 + 0x1f00);
      const root = directory({ acts: file(bytes, 0o755) });
      machine.boot({
        root,
        path: "/acts",
        conf: { ram_frames: frames, vm_fault_around_bytes: 16384 },
      });
      const { verdict } = sweep();
      const kind = verdict.split(" ").slice(0, 2).join(" ");
      deaths.set(kind, (deaths.get(kind) ?? 0) + 1);
      expect(machine.core.getNumber(VM_COMMITTED)).toBe(0);
      expect(machine.instret).toBeLessThan(NEVER);
    }),
    { numRuns: long ? 20_000 : 400, seed: 20261120 },
  );
  expect(deaths.get("exit 0") ?? 0).toBeGreaterThan(20);
});

test("a sweep sees a wrong count, a writable page of the cache, a lost frame", () => {
  const root = directory({ hello: file(readFileSync(join(programs, "hello")), 0o755) });
  machine.boot({ root, path: "/hello", conf: { ram_frames: 256 } });
  const { core } = machine;
  let tried = 0;
  const between = () => {
    if (tried > 0 || machine.instret < 10) return;
    tried++;
    for (let pfn = 0; pfn < 256; pfn++) {
      const at = FRAMES + pfn * PAGE_SIZE_OF + 4;
      const before = core.getU32(at);
      core.setU32(at, before + 1);
      expect(violations(core), `refcount of frame ${pfn}`).not.toEqual([]);
      core.setU32(at, before);
    }
    let leaves = 0;
    for (let at = RAM_BASE; at < RAM_BASE + 256 * 4096; at += 8) {
      const pte = core.getU64(at);
      const flags = core.getU32(FRAMES + Math.floor((at - RAM_BASE) / 4096) * PAGE_SIZE_OF);
      // A user page of code, which the program cannot write.
      if ((flags & PG.table) === 0 || (pte & 0xffc00000000003ffn) !== 0x5bn) continue;
      leaves++;
      core.setU64(at, pte | 4n);
      expect(violations(core)).not.toEqual([]);
      core.setU64(at, pte);
    }
    expect(leaves).toBeGreaterThan(0);
    expect(violations(core)).toEqual([]);
  };
  machine.run({ between });
  expect(tried).toBe(1);
});
