import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { Access, TlbPolicy } from "../../assembly/abi.ts";
import { A, compileHw, D, G, HwMachine, type HwOptions, R, U, V, W, X } from "./hw-machine.ts";
import { addi, beq, ebreak, ld, lw, sd, word } from "./insn.ts";

const CODE = 0x10000n;
const DATA = 0x400000n;
const page = (n: number) => DATA + BigInt(n) * 0x1000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileHw();
}, 60_000);

function machine(options: HwOptions = {}) {
  const m = new HwMachine(module, options);
  m.map(CODE, R | X);
  m.setPc(CODE);
  return m;
}

/** Misses of user reads of these pages, one after the other, through translate(). */
function missesOf(m: HwMachine, pages: number[]): boolean[] {
  return pages.map((n) => {
    const before = m.misses;
    expect(m.hw.translate(page(n), Access.Read, true)).not.toBe(0);
    return m.misses !== before;
  });
}

describe("the modelled TLB", () => {
  test("takes a page's set from the low bits of its number", () => {
    const m = new HwMachine(module, { tlbEntries: 8, tlbWays: 2 });
    for (let n = 0; n < 16; n++) m.map(page(n), R);
    // 4 sets of 2: pages 0, 4 and 8 share one, page 1 has another.
    expect(missesOf(m, [0, 4, 1, 0, 4, 1])).toEqual([true, true, true, false, false, false]);
    expect(missesOf(m, [8, 4, 0])).toEqual([true, false, true]);
  });

  test("replaces in turn under round-robin, whatever was used last", () => {
    const m = new HwMachine(module, { tlbEntries: 4, tlbWays: 4 });
    for (let n = 0; n < 8; n++) m.map(page(n), R);
    missesOf(m, [0, 1, 2, 3, 0]);
    expect(missesOf(m, [4, 0])).toEqual([true, true]); // 4 put 0 out, then 0 puts 1 out
    expect(missesOf(m, [2, 3, 4, 1])).toEqual([false, false, false, true]);
  });

  test("replaces the least recently used page under LRU", () => {
    const m = new HwMachine(module, { tlbEntries: 4, tlbWays: 4, tlbPolicy: TlbPolicy.Lru });
    for (let n = 0; n < 8; n++) m.map(page(n), R);
    missesOf(m, [0, 1, 2, 3, 0]);
    expect(missesOf(m, [4, 0, 2, 3, 1])).toEqual([true, false, false, false, true]);
  });

  test("replaces at random, the same way in every run", () => {
    const run = () => {
      const options = { tlbEntries: 4, tlbWays: 4, tlbPolicy: TlbPolicy.Random };
      const m = new HwMachine(module, options);
      for (let n = 0; n < 16; n++) m.map(page(n), R);
      return missesOf(
        m,
        Array.from({ length: 200 }, (_, i) => (i * 7) % 11),
      );
    };
    expect(run()).toEqual(run());
    expect(run().filter(Boolean).length).toBeGreaterThan(20);
    expect(
      run()
        .slice(11)
        .filter((miss) => !miss).length,
    ).toBeGreaterThan(10);
  });

  test("keeps the pages of two address spaces apart by ASID", () => {
    const m = new HwMachine(module);
    const [one, first] = [m.map(page(0), R), m.satp & 0xfffffffffffn];
    m.hw.translate(page(0), Access.Read, true);
    m.switchTo(2);
    const two = m.map(page(0), R);
    expect(m.hw.translate(page(0), Access.Read, true)).toBe(m.address(two));
    m.switchTo(1, Number(first));
    expect(missesOf(m, [0])).toEqual([false]);
    expect(m.hw.translate(page(0), Access.Read, true)).toBe(m.address(one));
  });

  test("lets a global page answer in every address space, and fences it with all", () => {
    const m = new HwMachine(module);
    m.map(page(0), R | G);
    missesOf(m, [0]);
    m.switchTo(2);
    expect(missesOf(m, [0])).toEqual([false]);
    m.hw.sfence_vma(page(0), 1);
    m.hw.sfence_vma_asid(1);
    m.hw.sfence_vma_asid(2);
    expect(missesOf(m, [0])).toEqual([false]);
    m.hw.sfence_vma_all();
    m.map(page(0), R);
    expect(missesOf(m, [0])).toEqual([true]);
  });

  test("forgets one page, one address space, or all, as the fence says", () => {
    const m = new HwMachine(module);
    for (let n = 0; n < 3; n++) m.map(page(n), R);
    missesOf(m, [0, 1, 2]);
    m.hw.sfence_vma(page(1), 1);
    expect(missesOf(m, [0, 1, 2])).toEqual([false, true, false]);
    m.hw.sfence_vma(page(1), 2);
    m.hw.sfence_vma_asid(2);
    expect(missesOf(m, [0, 1, 2])).toEqual([false, false, false]);
    m.hw.sfence_vma_asid(1);
    expect(missesOf(m, [0, 1, 2])).toEqual([true, true, true]);
    m.hw.sfence_vma_all();
    expect(missesOf(m, [0, 1, 2])).toEqual([true, true, true]);
  });

  test("holds a superpage piece by piece, and a fence of one address drops them all", () => {
    const m = new HwMachine(module, { ramFrames: 2048 });
    const base = 0x40000000n;
    m.setPte(base, (512n << 10n) | V | U | R | A, 1);
    const read = (va: bigint) => {
      const before = m.misses;
      expect(m.hw.translate(va, Access.Read, true)).toBe(m.address(512) + Number(va - base));
      return m.misses !== before;
    };
    expect([base + 0x5008n, base + 0x5010n, base + 0x1ff000n].map(read)).toEqual([
      true,
      false,
      true,
    ]);
    m.hw.sfence_vma(base, 1);
    expect([base + 0x5008n, base + 0x1ff000n].map(read)).toEqual([true, true]);
  });

  test("never holds an entry that is not valid", () => {
    const m = new HwMachine(module);
    m.pteAddress(page(0));
    expect(m.hw.translate(page(0), Access.Read, true)).toBe(0);
    // No fence: a missing entry that appears needs none.
    m.view.setBigUint64(m.pteAddress(page(0)), (5n << 10n) | V | R | U | A, true);
    expect(m.hw.translate(page(0), Access.Read, true)).toBe(m.address(5));
  });
});

describe("what the TLB counts", () => {
  test("a fetch is an access, a load or store one more", () => {
    const m = machine();
    m.map(page(0), R | W);
    m.setX(10, page(0));
    m.assemble(CODE, [addi(5, 0, 1), ld(6, 10, 0), sd(6, 10, 8), addi(5, 5, 1)]);
    expect(m.step(4)).toBe(true);
    expect(m.accesses).toBe(6n);
    expect(m.misses).toBe(2n); // the code page, the data page
  });

  test("an access or an instruction that lies in two pages is two accesses", () => {
    const m = machine();
    m.map(CODE + 0x1000n, R | X);
    m.map(page(0), R | W);
    m.map(page(1), R | W);
    m.setX(10, page(1) - 4n);
    m.setX(7, 0x1122334455667788n);
    m.assemble(CODE + 0xffan, [sd(7, 10, 0), ld(6, 10, 0), addi(5, 0, 9)]);
    m.setPc(CODE + 0xffan);
    expect(m.step(3)).toBe(true);
    expect(m.x(6)).toBe(0x1122334455667788n);
    expect(m.x(5)).toBe(9n);
    // 3 fetches, one of them in two pages; a store and a load in two pages each.
    expect(m.accesses).toBe(3n + 1n + 4n);
    expect(m.misses).toBe(4n);
  });

  test("the accesses of an instruction that traps are counted, though it does not retire", () => {
    const m = machine();
    m.setX(10, page(0));
    m.assemble(CODE, [addi(5, 0, 1), ld(6, 10, 0)]);
    expect(m.step(2)).toBe(false);
    expect(m.trap).toEqual({ cause: 13, value: page(0), pc: CODE + 4n });
    expect([m.instret, m.accesses, m.misses]).toEqual([1n, 3n, 2n]);
    m.assemble(CODE, [addi(5, 0, 1), ebreak]);
    m.setPc(CODE);
    expect(m.step(2)).toBe(false);
    expect([m.instret, m.accesses, m.misses]).toEqual([2n, 5n, 2n]);
  });

  test("a write that finds D clear walks again, once", () => {
    const m = machine();
    const pfn = m.map(page(0), 0n);
    m.setPte(page(0), (BigInt(pfn) << 10n) | V | U | R | W);
    m.setX(10, page(0));
    m.assemble(CODE, [ld(6, 10, 0), sd(6, 10, 0), sd(6, 10, 8), ld(6, 10, 8)]);
    expect(m.step(1)).toBe(true);
    expect(m.pte(page(0)) & (A | D)).toBe(A);
    expect(m.misses).toBe(2n);
    expect(m.step(3)).toBe(true);
    expect(m.pte(page(0)) & (A | D)).toBe(A | D);
    expect(m.misses).toBe(3n);
  });

  test("an instruction whose data push its own page out is fetched anew", () => {
    for (const slowPath of [false, true]) {
      const m = machine({ tlbEntries: 1, tlbWays: 1, slowPath });
      m.map(page(0), R | W);
      m.setX(10, page(0));
      m.assemble(CODE, [lw(6, 10, 0), lw(6, 10, 0), addi(5, 0, 1), addi(5, 5, 1)]);
      expect(m.step(4)).toBe(true);
      expect(m.accesses).toBe(6n);
      expect(m.misses).toBe(5n); // code, data, code, data, code; the last fetch hits
      expect(m.x(5)).toBe(2n);
    }
  });
});

describe("the private caches change nothing that can be seen", () => {
  const policies = [TlbPolicy.RoundRobin, TlbPolicy.Random, TlbPolicy.Lru];
  const shapes = [
    [1, 1],
    [2, 2],
    [8, 1],
    [8, 2],
    [16, 4],
    [24, 3],
    [64, 64],
    [1024, 4],
  ] as const;
  const grid = policies.flatMap((tlbPolicy) =>
    shapes.map(([tlbEntries, tlbWays]) => ({ tlbPolicy, tlbEntries, tlbWays })),
  );

  // x10 walks through 40 pages in steps of 0x1238 bytes, some accesses lying in two pages, and the
  // loop itself lies in two pages with an instruction across the border.
  function walk(m: HwMachine) {
    for (let n = 0; n < 40; n++) m.map(page(n), R | W);
    m.map(CODE + 0x1000n, R | X);
    const body = [
      ld(6, 10, 0),
      addi(6, 6, 1),
      sd(6, 10, 0),
      ld(7, 11, 0),
      word("add", 7, 7, 6),
      sd(7, 11, 0),
      word("add", 10, 10, 13),
      word("sltu", 14, 10, 12),
      beq(14, 15, 8),
      word("sub", 10, 10, 16),
      addi(9, 9, -1),
    ];
    const at = CODE + 0x1000n - 20n;
    m.assemble(at, ["c0001", ...body]);
    m.assemble(at + 2n + BigInt(body.length * 4), [beq(9, 0, 8), beq(0, 0, -44 - 4), ebreak]);
    m.setPc(at);
    const values = { 9: 5000n, 10: page(0), 11: page(39), 12: page(38), 13: 0x1234n, 15: 1n };
    for (const [i, value] of Object.entries(values)) m.setX(Number(i), value);
    m.setX(16, page(37) - page(0));
  }

  function outcome(m: HwMachine) {
    const registers = Array.from({ length: 32 }, (_, i) => m.x(i));
    const ram = m.bytes.subarray(m.address(0), m.address(80));
    const memory = createHash("sha256").update(ram).digest("hex");
    const { instret, accesses, misses, pc, trap } = m;
    return { registers, memory, instret, accesses, misses, pc, trap };
  }

  test.each(grid)("%o", (options) => {
    const [fast, slow, stopping] = [{}, { slowPath: true }, {}].map((more) => {
      const m = machine({ ...options, ...more });
      walk(m);
      return m;
    }) as [HwMachine, HwMachine, HwMachine];
    expect(fast.step(1_000_000)).toBe(false);
    expect(slow.step(1_000_000)).toBe(false);
    for (let n = 1; stopping.step(n); n = (n * 5) % 9001);
    expect(fast.trap.cause).toBe(3);
    expect(outcome(slow)).toEqual(outcome(fast));
    expect(outcome(stopping)).toEqual(outcome(fast));
  });
});
