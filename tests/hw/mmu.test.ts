import { beforeAll, describe, expect, test } from "vitest";
import { Access, FRAME_META, META_DIRTY, RUN_FLAGS } from "../../assembly/abi.ts";
import { A, compileHw, D, HwMachine, type HwOptions, R, U, V, W, X } from "./hw-machine.ts";
import { addi, amo, jal, ld, lw, sd, sw } from "./insn.ts";

const CODE = 0x10000n;
const DATA = 0x400000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileHw();
}, 60_000);

function machine(options: HwOptions = {}) {
  const m = new HwMachine(module, options);
  m.map(CODE, R | X);
  m.setPc(CODE);
  m.setX(10, DATA);
  return m;
}

/** The trap that one instruction at CODE takes, or undefined. */
function trapOf(m: HwMachine, insn: number) {
  m.assemble(CODE, [insn]);
  m.setPc(CODE);
  return m.step(1) ? undefined : m.trap;
}

const leaf = (pfn: number, flags: bigint) => (BigInt(pfn) << 10n) | flags;

describe("the Sv39 walk refuses", () => {
  const load = { cause: 13, value: DATA, pc: CODE };
  const store = { cause: 15, value: DATA, pc: CODE };

  test.each([
    ["an entry that is not valid", R | U | A | D],
    ["write without read, which is reserved", V | W | U | A | D],
    ["a page without the U bit", V | R | W | A | D],
    ["reserved bits above the page number", V | R | W | U | A | D | (1n << 54n)],
    ["the N bit", V | R | W | U | A | D | (1n << 63n)],
    ["a pointer where only a leaf can be", V],
  ])("%s", (_what, flags) => {
    const m = machine();
    m.setPte(DATA, leaf(m.allocate(), flags));
    expect(trapOf(m, ld(5, 10, 0))).toEqual(load);
    expect(trapOf(m, sd(5, 10, 0))).toEqual(store);
    // A page that is not the user's is well-formed all the same.
    expect(m.hw.walk_leaf(m.satp, DATA) !== 0n).toBe(flags === (V | R | W | A | D));
  });

  test("reading what may only be executed, and writing what may only be read", () => {
    const m = machine();
    m.map(DATA, X);
    expect(trapOf(m, ld(5, 10, 0))).toEqual(load);
    m.map(DATA, R);
    expect(trapOf(m, ld(5, 10, 0))).toBeUndefined();
    expect(trapOf(m, sd(5, 10, 0))).toEqual(store);
  });

  test("executing what may only be read, at the pc", () => {
    const m = machine();
    m.map(DATA, R | W);
    m.setPc(DATA);
    expect(m.step(1)).toBe(false);
    expect(m.trap).toEqual({ cause: 12, value: DATA, pc: DATA });
    expect(m.pc).toBe(DATA);
    expect(m.instret).toBe(0n);
  });

  test.each([
    ["A", A],
    ["D", D],
    ["U", U],
  ])("a pointer with its %s bit set", (_name, bit) => {
    const m = machine();
    m.map(DATA, R);
    const at = m.pteAddress(DATA, 1);
    m.view.setBigUint64(at, m.pte(DATA, 1) | bit, true);
    m.hw.sfence_vma_all();
    expect(trapOf(m, ld(5, 10, 0))).toEqual(load);
  });

  test("a superpage whose frame is not aligned", () => {
    const m = machine({ ramFrames: 2048 });
    m.setX(10, 0x40000000n);
    m.setPte(0x40000000n, leaf(513, V | R | U | A | D), 1);
    expect(trapOf(m, ld(5, 10, 0))).toEqual({ cause: 13, value: 0x40000000n, pc: CODE });
    m.setPte(0x40000000n, leaf(512, V | R | U | A | D), 1);
    expect(trapOf(m, ld(5, 10, 0))).toBeUndefined();
    m.setX(10, 0x80000000n);
    m.setPte(0x80000000n, leaf(512, V | R | U | A | D), 2);
    expect(trapOf(m, ld(5, 10, 0))?.cause).toBe(13);
  });

  test.each([1n << 38n, 1n << 39n, 1n << 63n, DATA | (1n << 62n), 0xffffffbffffff000n])(
    "the address 0x%s, whose upper bits are not all equal",
    (va) => {
      const m = machine();
      m.map(DATA, R | W);
      const load = { cause: 13, value: va, pc: CODE };
      m.setX(10, va);
      expect(trapOf(m, ld(5, 10, 0))).toEqual(load);
      expect(trapOf(m, sd(5, 10, 0))).toEqual({ ...load, cause: 15 });
      expect(m.hw.walk_leaf(m.satp, va)).toBe(0n);
    },
  );

  test("frames that are not RAM, with an access fault", () => {
    const m = machine({ ramFrames: 256 });
    m.setPte(DATA, leaf(256, V | R | W | U | A | D));
    expect(trapOf(m, ld(5, 10, 0))).toEqual({ cause: 5, value: DATA, pc: CODE });
    expect(trapOf(m, sd(5, 10, 0))).toEqual({ cause: 7, value: DATA, pc: CODE });
    m.setPte(DATA, leaf(2 ** 40, V | R | X | U | A));
    m.setPc(DATA);
    expect(m.step(1)).toBe(false);
    expect(m.trap).toEqual({ cause: 1, value: DATA, pc: DATA });
    // A pointer out of RAM: there is no table to read.
    m.view.setBigUint64(m.pteAddress(0x80000000n, 2), leaf(300, V), true);
    m.setX(10, 0x80000000n);
    expect(trapOf(m, ld(5, 10, 0))).toEqual({ cause: 5, value: 0x80000000n, pc: CODE });
  });
});

describe("accessed and dirty bits", () => {
  test("a read sets A, a write sets A and D, and the table's frame is dirty for it", () => {
    const m = machine();
    const pfn = m.allocate();
    m.setPte(DATA, leaf(pfn, V | R | W | U));
    const table = (m.pteAddress(DATA) - m.address(0)) >> 12;
    m.view.setUint8(FRAME_META + table, 0);
    expect(trapOf(m, ld(5, 10, 0))).toBeUndefined();
    expect(m.pte(DATA)).toBe(leaf(pfn, V | R | W | U | A));
    expect(m.view.getUint8(FRAME_META + table) & META_DIRTY).toBe(META_DIRTY);
    expect(trapOf(m, sd(5, 10, 0))).toBeUndefined();
    expect(m.pte(DATA)).toBe(leaf(pfn, V | R | W | U | A | D));
    m.setPte(DATA, leaf(pfn, V | R | W | U));
    expect(trapOf(m, sd(5, 10, 0))).toBeUndefined();
    expect(m.pte(DATA)).toBe(leaf(pfn, V | R | W | U | A | D));
  });

  test("a fetch sets A, and a refused access sets nothing", () => {
    const m = machine();
    const pfn = m.allocate();
    m.setPte(DATA, leaf(pfn, V | R | X | U));
    expect(trapOf(m, sd(5, 10, 0))?.cause).toBe(15);
    expect(m.pte(DATA)).toBe(leaf(pfn, V | R | X | U));
    m.assemble(DATA, [addi(5, 0, 1)]);
    m.setPc(DATA);
    expect(m.step(1)).toBe(true);
    expect(m.pte(DATA)).toBe(leaf(pfn, V | R | X | U | A));
  });

  test("looking on sets nothing and counts nothing", () => {
    const m = machine();
    const pte = leaf(m.allocate(), V | R | W | U);
    m.setPte(DATA, pte);
    expect(m.hw.walk_leaf(m.satp, DATA + 8n)).toBe(pte);
    expect(m.pte(DATA)).toBe(pte);
    expect([m.accesses, m.misses]).toEqual([0n, 0n]);
  });

  test("an AMO needs both permissions and reports a store's fault", () => {
    const m = machine();
    m.map(DATA, R);
    expect(trapOf(m, amo(0, 8, 5, 10, 6))).toEqual({ cause: 15, value: DATA, pc: CODE });
    expect(trapOf(m, amo(2, 8, 5, 10, 0))).toBeUndefined(); // lr
    m.setX(10, DATA + 4n);
    expect(trapOf(m, amo(2, 8, 5, 10, 0))).toEqual({ cause: 4, value: DATA + 4n, pc: CODE });
    expect(trapOf(m, amo(0, 8, 5, 10, 6))).toEqual({ cause: 6, value: DATA + 4n, pc: CODE });
  });
});

describe("a superpage", () => {
  test("of 2 MiB or 1 GiB maps each of its pages", () => {
    const m = machine({ ramFrames: 2048 });
    m.setPte(0x40000000n, leaf(1024, V | R | W | U | A | D), 1);
    m.setPte(0x80000000n, leaf(0, V | R | W | U | A | D), 2);
    for (const offset of [0n, 8n, 0x1238n, 0x1ffff8n]) {
      m.setX(10, 0x40000000n + offset);
      m.setX(6, offset + 7n);
      expect(trapOf(m, sd(6, 10, 0))).toBeUndefined();
      // Frame 1024 lies 4 MiB into the gigabyte that begins at frame 0.
      m.setX(10, 0x80000000n + 0x400000n + offset);
      expect(trapOf(m, ld(5, 10, 0))).toBeUndefined();
      expect(m.x(5)).toBe(offset + 7n);
    }
    expect(m.hw.walk_leaf(m.satp, 0x80401000n) >> 62n).toBe(-2n); // level 2, as a signed i64
  });
});

describe("an access that lies in two pages", () => {
  test("faults at the first byte it may not reach, and changes nothing", () => {
    const m = machine();
    m.map(DATA, R | W);
    m.setX(10, DATA + 0x1000n - 3n);
    m.setX(6, -1n);
    expect(trapOf(m, sd(6, 10, 0))).toEqual({ cause: 15, value: DATA + 0x1000n, pc: CODE });
    expect(trapOf(m, ld(6, 10, 0))).toEqual({ cause: 13, value: DATA + 0x1000n, pc: CODE });
    expect(m.peek(DATA + 0xff8n, 8)).toEqual(new Uint8Array(8));
    m.setPte(DATA, 0n);
    m.map(DATA + 0x1000n, R | W);
    expect(trapOf(m, ld(6, 10, 0))).toEqual({ cause: 13, value: DATA + 0xffdn, pc: CODE });
  });

  test("reads and writes frames that are not neighbours, at every offset", () => {
    const m = machine();
    m.map(DATA, R | W);
    m.allocate();
    m.map(DATA + 0x1000n, R | W);
    for (let offset = 0xff0n; offset < 0x1008n; offset++) {
      m.setX(10, DATA + offset);
      m.setX(6, 0x8182838485868788n + offset);
      expect(trapOf(m, sd(6, 10, 0))).toBeUndefined();
      expect(trapOf(m, ld(5, 10, 0))).toBeUndefined();
      expect(m.x(5)).toBe(0x8182838485868788n + offset);
      expect(trapOf(m, sw(10, 10, 2))).toBeUndefined();
      expect(trapOf(m, lw(5, 10, 2))).toBeUndefined();
      expect(m.x(5)).toBe(DATA + offset);
    }
  });

  test("an instruction that does faults at its second half", () => {
    const m = machine();
    m.assemble(CODE + 0xffcn, ["c0001"]);
    m.poke(CODE + 0xffen, Uint8Array.of(0x13, 0x05));
    m.setPc(CODE + 0xffcn);
    expect(m.step(2)).toBe(false);
    expect(m.trap).toEqual({ cause: 12, value: CODE + 0x1000n, pc: CODE + 0xffen });
    expect(m.instret).toBe(1n);
    m.map(CODE + 0x1000n, R | X);
    m.assemble(CODE + 0xffen, [addi(5, 0, 77)]);
    expect(m.step(1)).toBe(true);
    expect(m.x(5)).toBe(77n);
    expect(m.pc).toBe(CODE + 0x1002n);
  });

  test("a jump that lies in two pages goes where it says", () => {
    for (const slowPath of [false, true]) {
      const m = machine({ slowPath });
      m.map(CODE + 0x1000n, R | X);
      m.assemble(CODE + 0xffen, [jal(1, -0x20)]);
      m.assemble(CODE + 0xfden, [addi(5, 5, 1), jal(0, 0x1c)]);
      m.setPc(CODE + 0xffen);
      expect(m.step(10_000)).toBe(true);
      expect(m.x(1)).toBe(CODE + 0x1002n);
      expect(m.x(5)).toBe(3333n);
    }
  });
});

describe("the kernel's accesses", () => {
  test("reach user pages, never execute them, and are counted", () => {
    const m = machine();
    const pfn = m.map(DATA, R | W | X);
    expect(m.hw.translate(DATA + 9n, Access.Read, true)).toBe(m.address(pfn) + 9);
    expect(m.hw.translate(DATA + 9n, Access.Write, true)).toBe(m.address(pfn) + 9);
    expect(m.hw.translate(DATA, Access.Fetch, true)).toBe(0);
    expect(m.trap.cause).toBe(12);
    expect([m.accesses, m.misses]).toEqual([3n, 1n]);
  });

  test("fault where a user's would, in the cause of the access", () => {
    const m = machine();
    m.map(DATA, R);
    expect(m.hw.translate(DATA + 5n, Access.Write, true)).toBe(0);
    expect(m.trap).toMatchObject({ cause: 15, value: DATA + 5n });
    expect(m.hw.translate(DATA + 0x1005n, Access.Read, true)).toBe(0);
    expect(m.trap).toMatchObject({ cause: 13, value: DATA + 0x1005n });
  });
});

describe("the first write to a page after a checkpoint", () => {
  test.each([false, true])("marks its frame dirty (slow path: %s)", (slowPath) => {
    const m = machine({ slowPath });
    const pfn = m.map(DATA, R | W);
    m.assemble(CODE, [sd(5, 10, 0), sd(5, 10, 8), ld(6, 10, 0), jal(0, -12)]);
    const meta = () => m.view.getUint8(FRAME_META + pfn);
    for (let i = 0; i < 3; i++) {
      expect(m.step(4000)).toBe(true);
      expect(meta() & META_DIRTY).toBe(META_DIRTY);
      m.view.setUint8(FRAME_META + pfn, meta() & ~META_DIRTY);
      m.hw.private_flush_writes();
    }
  });

  test("is seen though only reads came before it", () => {
    const m = machine();
    const pfn = m.map(DATA, R | W);
    m.assemble(CODE, [ld(6, 10, 0), addi(7, 7, 1), jal(0, -8)]);
    expect(m.step(9000)).toBe(true);
    expect(m.view.getUint8(FRAME_META + pfn) & META_DIRTY).toBe(0);
    expect(m.view.getUint32(RUN_FLAGS, true)).toBe(0);
  });
});
