import { beforeAll, describe, expect, it } from "vitest";
import { compileHw, HwMachine, X } from "../hw-machine.ts";
import { Random } from "./random.ts";
import { encode, type Operands, named } from "./table.ts";

const EBREAK = 3;
const C_EBREAK = 0x9002;
const MIDDLE = 0x400000n;
const REACH = 0x102000n;
const u64 = (value: bigint) => BigInt.asUintN(64, value);

let machine: HwMachine;

/** Breakpoints as far as a jump can go, so that a jump ends where it went. */
beforeAll(async () => {
  machine = new HwMachine(await compileHw(), { ramFrames: 1024 });
  const page = new Uint8Array(new Uint16Array(2048).fill(C_EBREAK).buffer);
  for (let va = MIDDLE - REACH; va < MIDDLE + REACH; va += 4096n) {
    machine.map(va, X);
    machine.poke(va, page);
  }
}, 120_000);

/** Within a page, first and last in it, and over its end. */
const places = [0x230n, 0n, 0xffcn, 0xffen, 0xffan].map((offset) => MIDDLE + offset);

/**
 * Executes one jump or branch, alone and in the fast loop.
 *
 * @returns what is not as expected
 */
function check(
  pc: bigint,
  [name, operands]: [string, Operands],
  registers: [number, bigint][],
  target: bigint,
): string[] {
  const instruction = named(name);
  const { size } = instruction;
  const bits = encode(instruction, operands);
  const link = name === "c.jalr" ? 1 : (operands.rd ?? 0);
  const differences: string[] = [];
  const original = machine.peek(pc, size);
  machine.assemble(pc, [size === 4 ? bits : `c${bits.toString(16)}`]);
  const inCode = target > MIDDLE - REACH && target < MIDDLE + REACH;
  const itself = target >= pc && target < pc + BigInt(size);
  for (const budget of inCode && !itself ? [1, 4000] : [1]) {
    for (let i = 1; i < 32; i++) machine.setX(i, BigInt(i) << 40n);
    for (const [register, value] of registers) machine.setX(register, value);
    machine.setPc(pc);
    const before = machine.instret;
    const ran = machine.step(budget);
    const expected: Record<string, bigint> = { pc: target, instret: 1n };
    const got: Record<string, bigint> = { pc: machine.pc, instret: machine.instret - before };
    if (budget > 1 && (ran || machine.trap.cause !== EBREAK)) differences.push("no breakpoint");
    for (let i = 1; i < 32; i++) {
      const last = registers.findLast(([register]) => register === i)?.[1] ?? BigInt(i) << 40n;
      expected[`x${i}`] = i === link ? pc + BigInt(size) : u64(last);
      got[`x${i}`] = machine.x(i);
    }
    for (const [what, value] of Object.entries(expected)) {
      if (got[what] === value) continue;
      differences.push(
        `${name} ${JSON.stringify(operands)} at 0x${pc.toString(16)}, budget ${budget}: ` +
          `${what} is 0x${got[what]!.toString(16)}, not 0x${value.toString(16)}`,
      );
    }
  }
  machine.poke(pc, original);
  return differences;
}

/** The steps of an immediate's range: its ends, those about 0 and about each power of two. */
function distances(name: string): number[] {
  const { bits, step } = named(name).imm!;
  const end = 2 ** (bits - 1);
  const all = new Set([-end, end - step, -end + step, end - 2 * step, 0, step, -step]);
  for (let power = step; power < end; power *= 2) {
    for (const near of [power - step, power, power + step]) all.add(near).add(-near);
  }
  return [...all].filter((distance) => distance >= -end && distance < end);
}

describe("a branch", () => {
  const max = 2n ** 63n - 1n;
  const values = [0n, 1n, -1n, max, -max - 1n, 0x80000000n, -0x80000000n].map(u64);
  const signed = (value: bigint) => BigInt.asIntN(64, value);
  const conditions: Record<string, (a: bigint, b: bigint) => boolean> = {
    beq: (a, b) => a === b,
    bne: (a, b) => a !== b,
    blt: (a, b) => signed(a) < signed(b),
    bge: (a, b) => signed(a) >= signed(b),
    bltu: (a, b) => a < b,
    bgeu: (a, b) => a >= b,
  };
  for (const [name, taken] of Object.entries(conditions)) {
    it(`${name} goes where its immediate says, or on`, () => {
      const differences: string[] = [];
      for (const pc of places) {
        for (const imm of distances(name)) {
          for (const [a, b] of [
            [0n, 0n],
            [1n, 2n],
            [u64(-1n), 1n],
          ] as const) {
            const target = taken(a, b) ? pc + BigInt(imm) : pc + 4n;
            const registers: [number, bigint][] = [
              [5, a],
              [6, b],
            ];
            differences.push(...check(pc, [name, { rs1: 5, rs2: 6, imm }], registers, target));
          }
        }
      }
      expect(differences).toEqual([]);
    });

    it(`${name} compares all of both registers, also with x0 and itself`, () => {
      const differences: string[] = [];
      const pc = places[0]!;
      for (const a of values) {
        for (const b of values) {
          for (const [rs1, rs2] of [
            [5, 6],
            [0, 6],
            [5, 0],
            [5, 5],
            [0, 0],
          ] as const) {
            const left = rs1 === 0 ? 0n : a;
            const right = rs2 === 0 ? 0n : rs2 === 5 ? a : b;
            const target = pc + (taken(left, right) ? 64n : 4n);
            const registers: [number, bigint][] = [
              [6, b],
              [5, a],
            ];
            differences.push(...check(pc, [name, { rs1, rs2, imm: 64 }], registers, target));
          }
        }
      }
      expect(differences).toEqual([]);
    });
  }

  it("c.beqz and c.bnez go to each of their targets", () => {
    const differences: string[] = [];
    for (let imm = -256; imm < 256; imm += 2) {
      for (const value of [0n, 1n, 1n << 63n, 1n << 32n]) {
        for (const pc of [places[0]!, places[3]!]) {
          const rs1 = 8 + ((imm >> 1) & 7);
          const [zero, other] =
            value === 0n ? [pc + BigInt(imm), pc + 2n] : [pc + 2n, pc + BigInt(imm)];
          const registers: [number, bigint][] = [[rs1, value]];
          differences.push(...check(pc, ["c.beqz", { rs1, imm }], registers, zero));
          differences.push(...check(pc, ["c.bnez", { rs1, imm }], registers, other));
        }
      }
    }
    expect(differences).toEqual([]);
  });
});

describe("a jump", () => {
  it("c.j goes to each of its targets", () => {
    const differences: string[] = [];
    for (let imm = -2048; imm < 2048; imm += 2) {
      differences.push(...check(places[0]!, ["c.j", { imm }], [], places[0]! + BigInt(imm)));
    }
    expect(differences).toEqual([]);
  });

  it("jal goes a mebibyte either way and links, unless to x0", () => {
    const random = new Random(9n);
    const differences: string[] = [];
    const some = Array.from({ length: 500 }, () => random.below(2 ** 20) * 2 - 2 ** 20);
    for (const pc of places) {
      for (const imm of [...distances("jal"), ...some]) {
        for (const rd of [0, 1, 31]) {
          differences.push(...check(pc, ["jal", { rd, imm }], [], pc + BigInt(imm)));
        }
      }
    }
    expect(differences).toEqual([]);
  });

  it("jalr clears bit 0 of the sum, which wraps, and reads rs1 before it links", () => {
    const differences: string[] = [];
    const bases = [MIDDLE, MIDDLE + 1n, MIDDLE + 0x1002n, 0n, 1n, u64(-1n), u64(-2048n), 1n << 63n];
    for (const pc of places) {
      for (const base of bases) {
        for (const imm of [0, 1, -1, 2, -2, 3, 2047, 2046, -2048, -2047]) {
          for (const [rd, rs1] of [
            [1, 5],
            [5, 5],
            [0, 5],
            [1, 1],
            [31, 30],
          ] as const) {
            const target = u64(base + BigInt(imm)) & ~1n;
            differences.push(...check(pc, ["jalr", { rd, rs1, imm }], [[rs1, base]], target));
          }
        }
      }
      for (const imm of [0, 1, 2047, -2048]) {
        const target = u64(BigInt(imm)) & ~1n;
        differences.push(...check(pc, ["jalr", { rd: 1, rs1: 0, imm }], [], target));
      }
    }
    expect(differences).toEqual([]);
  });

  it("c.jr and c.jalr do the same by any register but x0", () => {
    const differences: string[] = [];
    for (const pc of places) {
      for (let rs1 = 1; rs1 < 32; rs1++) {
        for (const base of [MIDDLE + 0x100n, MIDDLE + 0x1101n, MIDDLE - 0xffffn]) {
          for (const name of ["c.jr", "c.jalr"]) {
            differences.push(...check(pc, [name, { rs1 }], [[rs1, base]], base & ~1n));
          }
        }
      }
    }
    expect(differences).toEqual([]);
  });
});

describe("auipc and lui", () => {
  it("take the ends of their immediate, and wrap", () => {
    const got: string[] = [];
    const expected: string[] = [];
    for (const pc of places) {
      for (const imm of [0, 4096, -4096, 0x7ffff000, -0x80000000, 0x12345000]) {
        for (const name of ["lui", "auipc"]) {
          const original = machine.peek(pc, 4);
          machine.assemble(pc, [encode(named(name), { rd: 7, imm })]);
          machine.setPc(pc);
          machine.step();
          const value = u64(BigInt(imm) + (name === "auipc" ? pc : 0n));
          got.push(`${name} ${imm}: ${machine.x(7).toString(16)}`);
          expected.push(`${name} ${imm}: ${value.toString(16)}`);
          machine.poke(pc, original);
        }
      }
    }
    expect(got).toEqual(expected);
  });
});
