import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { needs } from "../needs.ts";
import { compileHw, HwMachine, type HwOptions, R, W, X } from "./hw-machine.ts";
import {
  addi,
  amo,
  auipc,
  beq,
  bne,
  csr,
  ebreak,
  ecall,
  fenceI,
  jal,
  jalr,
  ld,
  lui,
  sd,
  sw,
  word,
} from "./insn.ts";

const CODE = 0x10000n;
const DATA = 0x400000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileHw();
}, 60_000);

function machine(code: (number | string)[], options: HwOptions = {}) {
  const m = new HwMachine(module, options);
  m.map(CODE, R | W | X);
  m.map(CODE + 0x1000n, R | W | X);
  m.map(DATA, R | W);
  m.assemble(CODE, code);
  m.setPc(CODE);
  m.setX(10, DATA);
  return m;
}

const paths = [{}, { slowPath: true }];

describe("a run stops at the instruction it is told to", () => {
  test("in the middle of straight code, of a pair, and of a loop", () => {
    // addi + addi is a pair; so is addi + bne.
    const loop = [addi(5, 5, 1), addi(6, 6, 1), addi(7, 7, 1), bne(7, 0, -12)];
    const whole = machine(loop);
    expect(whole.step(100_000)).toBe(true);
    for (const n of [1, 2, 3, 5, 2099, 2100, 2101, 2103, 4199, 8191, 30_001]) {
      const m = machine(loop);
      expect(m.step(n)).toBe(true);
      expect(m.instret).toBe(BigInt(n));
      const [rounds, rest] = [Math.floor(n / 4), n % 4];
      const done = [1, 2, 3].map((i) => BigInt(rounds + (rest >= i ? 1 : 0)));
      expect([m.x(5), m.x(6), m.x(7), m.pc]).toEqual([...done, CODE + BigInt(rest * 4)]);
      expect(m.step(100_000 - n)).toBe(true);
      expect([m.x(5), m.x(6), m.x(7), m.pc]).toEqual([
        whole.x(5),
        whole.x(6),
        whole.x(7),
        whole.pc,
      ]);
    }
  });

  test("at once, when it is there already", () => {
    const m = machine([addi(5, 5, 1)]);
    expect(m.step(0)).toBe(true);
    expect([m.pc, m.x(5)]).toEqual([CODE, 0n]);
  });

  test("after a page of straight code, exactly", () => {
    const m = machine(Array.from({ length: 1500 }, () => addi(5, 5, 1)));
    expect(m.step(1400)).toBe(true);
    expect([m.x(5), m.pc]).toEqual([1400n, CODE + 5600n]);
  });
});

describe("a trap", () => {
  test.each([
    ["an environment call", ecall, 8, 0n],
    ["a breakpoint", ebreak, 3, CODE + 4n],
    ["a word of ones", 0xffffffff, 2, 0xffffffffn],
    ["the compressed word of zeros", "c0000", 2, 0n],
    ["a reserved compressed encoding", "c8002", 2, 0x8002n],
    ["a write to a counter", csr(1, 0xc02, 5, 6), 2, BigInt(csr(1, 0xc02, 5, 6))],
    ["a supervisor's register", csr(2, 0x180, 5, 0), 2, BigInt(csr(2, 0x180, 5, 0))],
    ["a rounding mode that is reserved", 0x02735053, 2, 0x02735053n],
  ])("of %s keeps the pc and the count before it", (_what, insn, cause, value) => {
    for (const options of paths) {
      const m = machine([addi(5, 0, 1), insn], options);
      expect(m.step(5000)).toBe(false);
      expect(m.trap).toEqual({ cause, value, pc: CODE + 4n });
      expect([m.pc, m.instret, m.x(5)]).toEqual([CODE + 4n, 1n, 1n]);
    }
  });

  test("in the second half of a pair leaves the first half done", () => {
    for (const options of paths) {
      const m = machine([addi(11, 10, 0), addi(11, 11, 8), ld(6, 11, 2047), ecall], options);
      m.setX(10, DATA + 0x1000n);
      expect(m.step(5000)).toBe(false);
      expect(m.trap).toEqual({ cause: 13, value: DATA + 0x1807n, pc: CODE + 8n });
      expect([m.instret, m.x(11)]).toEqual([2n, DATA + 0x1008n]);
    }
  });

  test("of dynamic rounding with a reserved frm shows the instruction's bits", () => {
    const fadd = 0x02737053; // fadd.d f0, f6, f7, dyn
    for (const options of paths) {
      const m = machine([fadd, ecall], options);
      m.frm = 5;
      expect(m.step(5000)).toBe(false);
      expect(m.trap).toEqual({ cause: 2, value: BigInt(fadd), pc: CODE });
      m.frm = 4;
      expect(m.step(5000)).toBe(false);
      expect(m.trap.cause).toBe(8);
    }
  });
});

describe("code that is written while it runs", () => {
  const bump = (n: number) => addi(5, 5, n);

  test.each([
    ["with fence.i", [fenceI]],
    ["without", []],
  ])("is fetched as written, %s", (_what, between) => {
    for (const options of paths) {
      // A loop rewrites its own addi, alternately to add 1 and 256.
      const body = [sw(11, 10, 0), ...between, bump(0), word("xor", 11, 11, 12), addi(9, 9, -1)];
      const m = machine([...body, bne(9, 0, -4 * body.length), ecall], options);
      m.setX(10, CODE + 4n + BigInt(between.length * 4));
      m.setX(11, BigInt(bump(1)));
      m.setX(12, BigInt((bump(1) ^ bump(256)) >>> 0));
      m.setX(9, 2000n);
      expect(m.step(1_000_000)).toBe(false);
      expect(m.trap.cause).toBe(8);
      expect(m.x(5)).toBe(1000n * 257n);
    }
  });

  test("is fetched as written when it was the second half of a pair", () => {
    for (const options of paths) {
      // First run: addi + addi. Then the second becomes a subtraction.
      const m = machine([addi(6, 6, 1), bump(1), ecall], options);
      m.step(5000);
      m.setPc(CODE);
      m.assemble(CODE + 4n, [word("sub", 5, 5, 6)]);
      m.step(5000);
      expect(m.x(5)).toBe(BigInt.asUintN(64, -1n));
      m.setPc(CODE + 0x100n);
      m.assemble(CODE + 0x100n, [sw(7, 10, 4), jal(0, -0x104)]);
      m.setX(10, CODE);
      m.setX(7, BigInt(bump(3)));
      m.step(5000);
      expect(m.x(5)).toBe(2n);
    }
  });

  test("right behind a pair leaves its second half as it is", () => {
    for (const options of paths) {
      // addi + add is a pair; the word behind it is written in each round.
      const loop = [addi(9, 9, -1), word("add", 5, 5, 6), addi(7, 7, 1), sw(11, 10, 8)];
      const m = machine([...loop, bne(9, 0, -16), ecall], options);
      m.setX(6, 1n);
      m.setX(10, CODE);
      m.setX(11, BigInt(addi(7, 7, 2)));
      m.setX(9, 10n);
      expect(m.step(5000)).toBe(false);
      expect([m.x(9), m.x(5), m.x(7)]).toEqual([0n, 10n, 19n]);
    }
  });

  test("beside data in one page stays as it is", () => {
    for (const options of paths) {
      const m = machine(
        [sd(9, 10, 256), ld(8, 10, 256), word("add", 5, 5, 8), addi(9, 9, -1), bne(9, 0, -16)],
        options,
      );
      m.setX(10, CODE);
      m.setX(9, 1000n);
      expect(m.step(5000)).toBe(true);
      expect(m.x(5)).toBe(500500n);
    }
  });

  test("through another page of the same frame is seen", () => {
    for (const options of paths) {
      const m = machine([bump(1), sw(11, 10, 0), addi(9, 9, -1), bne(9, 0, -12), ecall], options);
      m.map(DATA, R | W, Number((m.pte(CODE) >> 10n) & 0xfffffn));
      m.setX(11, BigInt(bump(16)));
      m.setX(9, 10n);
      expect(m.step(5000)).toBe(false);
      expect(m.x(5)).toBe(1n + 9n * 16n);
    }
  });

  test("by the kernel is seen after it says so", () => {
    const m = machine([bump(1), jal(0, -4)]);
    m.step(6000);
    m.assemble(CODE, [bump(2)]);
    m.step(6000);
    expect(m.x(5)).toBe(3000n + 6000n);
  });

  test("is decoded again for each frame that takes the page's place", () => {
    const m = machine([bump(1), jal(0, -4)]);
    m.step(6000);
    m.map(CODE, R | X);
    m.assemble(CODE, [bump(5), jal(0, -4)]);
    m.step(6000);
    expect(m.x(5)).toBe(3000n + 15000n);
  });
});

describe("jumps", () => {
  test("between pages return to where they came from", () => {
    for (const options of paths) {
      const m = machine([jal(1, 0x1000), addi(9, 9, -1), bne(9, 0, -8), ecall], options);
      m.assemble(CODE + 0x1000n, [addi(5, 5, 1), jalr(0, 1, 0)]);
      m.setX(9, 3000n);
      expect(m.step(100_000)).toBe(false);
      expect([m.x(5), m.instret]).toEqual([3000n, 15_000n]);
    }
  });

  test("to a link register that is also the base use its old value", () => {
    for (const options of paths) {
      const m = machine([auipc(1, 0), jalr(1, 1, 12), ebreak, ecall], options);
      expect(m.step(100)).toBe(false);
      expect([m.trap.cause, m.x(1)]).toEqual([8, CODE + 8n]);
    }
  });

  test("into the middle of an instruction execute what stands there", () => {
    for (const options of paths) {
      // The upper half of this lui is c.addi x5, 1; then the loop jumps to it.
      const m = machine([lui(6, 0x02850), jal(0, -2), ecall], options);
      m.poke(CODE + 2n, Uint8Array.of(0x85, 0x02));
      expect(m.step(1)).toBe(true);
      expect(m.step(2)).toBe(true);
      expect(m.x(5)).toBe(1n);
    }
  });

  test("out of the address space fault at their target", () => {
    const m = machine([jalr(1, 10, 1)]);
    m.setX(10, 1n << 40n);
    expect(m.step(2)).toBe(false);
    expect(m.trap).toEqual({ cause: 12, value: 1n << 40n, pc: 1n << 40n });
    expect([m.instret, m.x(1)]).toEqual([1n, CODE + 4n]);
  });
});

describe("counters and CSRs", () => {
  test("instret counts the instructions before its own", () => {
    for (const options of paths) {
      const read = csr(2, 0xc02, 5, 0);
      const m = machine([addi(6, 6, 1), beq(6, 0, 8), read, csr(2, 0xc02, 7, 0), ecall], options);
      expect(m.step(5000)).toBe(false);
      expect([m.x(5), m.x(7)]).toEqual([2n, 3n]);
    }
  });

  test("time goes on with instructions, and is the same on both paths", () => {
    const [fast, slow] = paths.map((options) => {
      const m = machine([csr(2, 0xc01, 5, 0), addi(9, 9, -1), bne(9, 0, -8), ecall], options);
      m.setX(9, 5000n);
      expect(m.step(100_000)).toBe(false);
      return [m.x(5), m.hw.time_csr()];
    }) as [bigint[], bigint[]];
    expect(fast).toEqual(slow);
    expect(fast[0]).toBeGreaterThan(0n);
  });

  test("fcsr is frm and fflags", () => {
    const m = machine([csr(5, 3, 0, 31), csr(1, 3, 5, 6), csr(2, 2, 7, 0), csr(7, 1, 8, 1), ecall]);
    m.setX(6, 0xffn);
    expect(m.step(10)).toBe(false);
    expect([m.x(5), m.x(7), m.x(8), m.fflags, m.frm]).toEqual([31n, 7n, 31n, 30, 7]);
  });
});

describe("a conversion that is always exact", () => {
  test.each([
    [0xd20300d3, 5, 8], // fcvt.d.w f1, x6, rne
    [0xd20370d3, 5, 2], // the same, dyn, with a reserved frm
    [0xd20370d3, 4, 8],
  ])("0x%x still checks its rounding mode, frm %i", (insn, frm, cause) => {
    for (const options of paths) {
      const m = machine([insn, ecall], options);
      m.frm = frm;
      m.setX(6, -5n);
      expect(m.step(5000)).toBe(false);
      expect(m.trap.cause).toBe(cause);
      if (cause === 8) expect(m.f(1)).toBe(0xc014000000000000n);
    }
  });
});

describe("LR and SC", () => {
  const [lr, sc] = [amo(2, 8, 5, 10, 0), amo(3, 8, 6, 10, 7)];

  test("store once, and only where the reservation is", () => {
    for (const options of paths) {
      const m = machine([lr, sc, sc, ecall], options);
      m.setX(7, 9n);
      m.poke64(DATA, 4n);
      expect(m.step(10)).toBe(false);
      expect([m.x(5), m.x(6), m.peek64(DATA)]).toEqual([4n, 1n, 9n]);
      const other = machine([lr, addi(10, 10, 8), sc, ecall], options);
      expect(other.step(10)).toBe(false);
      expect(other.x(6)).toBe(1n);
    }
  });
});

describe.skipIf(needs("qemu-riscv64"))("the benches", () => {
  const program = (name: string) => join(inject("root"), "public/programs/bench", name);

  test.each(["int", "chase", "fp"])(
    "%s prints what it prints under QEMU, on both paths",
    (name) => {
      const expected = execFileSync("qemu-riscv64", [program(name), "1"], { encoding: "latin1" });
      const [fast, slow] = paths.map((options) => {
        const m = new HwMachine(module, { ramFrames: 8192, tlbEntries: 256, ...options });
        m.load(readFileSync(program(name)), [program(name), "1"]);
        expect(m.runProgram()).toBe(0);
        expect(m.output).toBe(expected);
        return [m.instret, m.accesses, m.misses];
      }) as [bigint[], bigint[]];
      expect(fast).toEqual(slow);
    },
  );
});
