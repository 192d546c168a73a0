// What QEMU's user mode cannot tell: causes and values of traps, the state that they leave, the
// counters, reservations. Expected values are from the manual, and the exact loop and the fast one
// must agree on everything.
import { beforeAll, describe, expect, it } from "vitest";
import { HART_FFLAGS, HART_X, TLB_ACCESSES } from "../../../assembly/abi.ts";
import { compileHw, HwMachine, R, W, X } from "../hw-machine.ts";
import { FRAME, forms, kindOf, part } from "./pairs.ts";
import { Random } from "./random.ts";
import { decode, disassemble, encode, instructions, named, type Operands } from "./table.ts";
import { double, doubles, integers } from "./values.ts";

const CODE = 0x10000n;
/** Two pages to read and write, then nothing; one to read only, then nothing. */
const MEMORY = 0x20000n;
const READ_ONLY = 0x30000n;
const NOWHERE = 0x40000n;
const C_NOP = 0x0001;
const [EXACT, FAST] = [1, 4000];

const [FETCH_FAULT, LOAD_FAULT, STORE_FAULT] = [12, 13, 15];
const [LOAD_MISALIGNED, STORE_MISALIGNED] = [4, 6];
const [ILLEGAL, BREAKPOINT, ECALL] = [2, 3, 8];

let hw: WebAssembly.Module;

beforeAll(async () => {
  hw = await compileHw();
}, 120_000);

function newMachine(options: ConstructorParameters<typeof HwMachine>[1] = {}): HwMachine {
  const machine = new HwMachine(hw, options);
  machine.map(CODE, R | W | X);
  machine.map(CODE + 4096n, R | W | X);
  machine.map(MEMORY, R | W);
  machine.map(MEMORY + 4096n, R | W);
  machine.map(READ_ONLY, R);
  return machine;
}

const asm = (name: string, operands: Operands = {}) => encode(named(name), operands);
/** As HwMachine.assemble() wants it. */
const word = (bits: number) => ((bits & 3) === 3 ? bits : `c${bits.toString(16)}`);

/** The bytes of the two pages at MEMORY. */
function contents(machine: HwMachine): Buffer {
  const pages = [MEMORY, MEMORY + 4096n].map((va) => {
    const at = machine.address(Number(machine.pte(va) >> 10n));
    return machine.bytes.subarray(at, at + 4096);
  });
  return Buffer.concat(pages);
}

/** Everything of the processor that a program could see, and what it counts. */
function state(machine: HwMachine) {
  const registers: Record<string, bigint | number> = {};
  for (let i = 0; i < 32; i++) {
    registers[`x${i}`] = machine.x(i);
    registers[`f${i}`] = machine.f(i);
  }
  const { pc, fflags, frm, instret, accesses, misses } = machine;
  return { ...registers, pc, fflags, frm, instret, accesses, misses };
}

/** Runs from `pc` to a trap: by the fast loop, or one instruction at a time. */
function runToTrap(machine: HwMachine, pc: bigint, budget: number) {
  machine.setPc(pc);
  for (let i = 0; i < 10_000; i++) if (!machine.step(budget)) return machine.trap;
  throw new Error("no trap");
}

describe("an exception", () => {
  interface Case {
    name: string;
    /** Encodings; the last is the one that traps, unless it is said otherwise. */
    code: number[];
    registers?: [number, bigint][];
    cause: number;
    value: bigint | "bits" | "pc";
  }

  const loads = instructions.filter(({ name }) => /^f?l[bhwd]u?$/.test(name));
  const stores = instructions.filter(({ name }) => /^f?s[bhwd]$/.test(name));
  const bytesOf = (name: string) =>
    ({ b: 1n, h: 2n, w: 4n, d: 8n })[/([bhwd])u?$/.exec(name)![1]!]!;
  const atomics = instructions.filter(({ name }) => /^(amo|lr|sc)/.test(name));
  const access = (name: string): Operands =>
    name[0] === "f" ? { fd: 3, fs2: 3 } : { rd: 3, rs2: 3 };

  function* cases(): Generator<Case> {
    yield { name: "ecall", code: [asm("ecall")], cause: ECALL, value: 0n };
    yield { name: "ebreak", code: [asm("ebreak")], cause: BREAKPOINT, value: "pc" };
    yield { name: "c.ebreak", code: [asm("c.ebreak")], cause: BREAKPOINT, value: "pc" };
    for (const { name } of [...loads, ...stores]) {
      const isLoad = loads.includes(named(name));
      const cause = isLoad ? LOAD_FAULT : STORE_FAULT;
      const code = [asm(name, { ...access(name), rs1: 10, imm: -5 })];
      yield {
        name: `${name} of nothing`,
        code,
        registers: [[10, NOWHERE + 5n]],
        cause,
        value: NOWHERE,
      };
      yield {
        name: `${name} of an address that is not canonical`,
        code,
        registers: [[10, (1n << 38n) + 5n]],
        cause,
        value: 1n << 38n,
      };
      if (!isLoad) {
        const registers: [number, bigint][] = [[10, READ_ONLY + 13n]];
        yield { name: `${name} of a page to read`, code, registers, cause, value: READ_ONLY + 8n };
      }
      const size = bytesOf(name);
      for (let before = 1n; before < size; before++) {
        // The second page is not there: its first byte is what faults.
        const end = MEMORY + 8192n;
        const registers: [number, bigint][] = [[10, end - before + 5n]];
        yield {
          name: `${name}, ${before} before a page's end`,
          code,
          registers,
          cause,
          value: end,
        };
        // Neither is.
        const at = NOWHERE + 4096n - before;
        const both: [number, bigint][] = [[10, at + 5n]];
        yield { name: `${name} of two that are not`, code, registers: both, cause, value: at };
      }
    }
    for (const { name } of atomics) {
      const isLoad = name.startsWith("lr");
      const size = name.endsWith("d") ? 8n : 4n;
      for (const order of [0, 1, 2, 3]) {
        const code = [asm(name, { order, rd: 3, rs1: 10, rs2: 4 })];
        const cause = isLoad ? LOAD_FAULT : STORE_FAULT;
        const misaligned = isLoad ? LOAD_MISALIGNED : STORE_MISALIGNED;
        yield {
          name: `${name} of nothing`,
          code,
          registers: [[10, NOWHERE]],
          cause,
          value: NOWHERE,
        };
        if (!isLoad) {
          const registers: [number, bigint][] = [[10, READ_ONLY]];
          yield { name: `${name} of a page to read`, code, registers, cause, value: READ_ONLY };
        }
        for (let off = 1n; off < size; off++) {
          for (const page of [MEMORY, READ_ONLY, NOWHERE]) {
            const registers: [number, bigint][] = [[10, page + off]];
            const name_ = `${name}, misaligned by ${off}`;
            yield { name: name_, code, registers, cause: misaligned, value: page + off };
          }
        }
      }
    }
    for (const bits of [
      0, 0xffffffff, 0x30200073, 0x10500073, 0x12000073, 0xc0001073, 0x0000006b,
    ]) {
      yield { name: disassemble(bits), code: [bits >>> 0], cause: ILLEGAL, value: "bits" };
    }
    for (const target of [NOWHERE, MEMORY, 1n << 38n, (1n << 64n) - 4n]) {
      yield {
        name: `a jump to 0x${target.toString(16)}`,
        code: [asm("jalr", { rd: 0, rs1: 10 })],
        registers: [[10, target]],
        cause: FETCH_FAULT,
        value: target,
      };
    }
  }

  for (const [how, budget] of [
    ["exact", EXACT],
    ["fast", FAST],
  ] as const) {
    it(`has the cause and the value that the manual gives it, and changes nothing (${how} loop)`, () => {
      const machine = newMachine();
      const differences: string[] = [];
      let number = 0;
      for (const { name, code, registers = [], cause, value } of cases()) {
        for (const pc of [CODE + 0x100n, CODE + 0xffan]) {
          number++;
          const all = [C_NOP, C_NOP, ...code];
          const end = machine.assemble(pc, all.map(word));
          const bits = code.at(-1)!;
          const at =
            cause === FETCH_FAULT
              ? BigInt.asUintN(64, registers[0]![1])
              : end - ((bits & 3) === 3 ? 4n : 2n);
          for (let i = 1; i < 32; i++) machine.setX(i, BigInt(i) * 0x1111n);
          for (const [register, content] of registers) machine.setX(register, content);
          const memory = contents(machine);
          const before = state(machine);
          const trap = runToTrap(machine, pc, budget);
          const after = state(machine);
          const expected = {
            cause,
            value:
              value === "bits"
                ? BigInt((bits & 3) === 3 ? bits : bits & 0xffff)
                : value === "pc"
                  ? at
                  : value,
            pc: at,
          };
          const executed = BigInt(cause === FETCH_FAULT ? 3 : 2);
          const kept = { ...before, pc: at, instret: before.instret + executed };
          const { accesses: _1, misses: _2, ...got } = after;
          const { accesses: _3, misses: _4, ...wanted } = kept;
          const text = (object: object) =>
            JSON.stringify(object, (_, item) =>
              typeof item === "bigint" ? `0x${item.toString(16)}` : item,
            );
          if (text(trap) !== text(expected)) {
            differences.push(
              `${name} at 0x${pc.toString(16)}: ${text(trap)}, not ${text(expected)}`,
            );
          }
          if (text(got) !== text(wanted))
            differences.push(`${name}: ${text(got)}, not ${text(wanted)}`);
          if (!memory.equals(contents(machine))) differences.push(`${name} wrote`);
        }
      }
      expect(differences.slice(0, 10)).toEqual([]);
      expect(number).toBeGreaterThan(1_000);
    });
  }

  it("of an instruction whose second half is not there is that half's", () => {
    for (const budget of [EXACT, FAST]) {
      const machine = newMachine();
      const end = CODE + 8192n;
      machine.assemble(end - 4n, ["c0001", `c${(asm("addi", { rd: 1 }) & 0xffff).toString(16)}`]);
      expect(runToTrap(machine, end - 4n, budget)).toEqual({
        cause: FETCH_FAULT,
        value: end,
        pc: end - 2n,
      });
      expect(machine.instret).toBe(1n);
    }
  });

  it("of an illegal instruction over the end of a page has all its bits", () => {
    for (const budget of [EXACT, FAST]) {
      const machine = newMachine();
      machine.assemble(CODE + 4094n, [0xdeadbeeb]);
      const pc = CODE + 4094n;
      expect(runToTrap(machine, pc, budget)).toEqual({ cause: ILLEGAL, value: 0xdeadbeebn, pc });
    }
  });

  it("of the second of two instructions leaves the first done, in both loops", () => {
    const random = new Random(5n);
    const seconds: [string, number, number][] = [
      ["a load of nothing", asm("ld", { rd: 7, rs1: 16 }), LOAD_FAULT],
      ["a compressed load of nothing", asm("c.lw", { rd: 8, rs1: 15, imm: 4 }), LOAD_FAULT],
      ["a load into x0", asm("lb", { rd: 0, rs1: 16 }), LOAD_FAULT],
      ["a floating-point load", asm("fld", { fd: 8, rs1: 16 }), LOAD_FAULT],
      ["a store to nothing", asm("sb", { rs2: 8, rs1: 16 }), STORE_FAULT],
      ["a compressed store to nothing", asm("c.sd", { rs2: 9, rs1: 15, imm: 8 }), STORE_FAULT],
      ["a store half of which is nowhere", asm("sd", { rs2: 8, rs1: 17 }), STORE_FAULT],
      ["a misaligned AMO", asm("amoadd.w", { rd: 7, rs1: 18, rs2: 8 }), STORE_MISALIGNED],
      ["an illegal instruction", 0, ILLEGAL],
      ["a multiplication, rounded by no mode", asm("fmul.d", { fd: 8, rm: 7 }), ILLEGAL],
      ["a system call", asm("ecall"), ECALL],
      ["a breakpoint", asm("c.ebreak"), BREAKPOINT],
    ];
    let number = 0;
    // Both go through the same, so that their counts stay the same.
    const machines = [newMachine(), newMachine()];
    for (const first of forms) {
      const kind = kindOf(first.instruction.name);
      if (kind !== "plain" && kind !== "memory") continue;
      for (const [name, second, cause] of seconds) {
        const { bits, setup } = part(random, first, 14);
        const modeless = name.includes("no mode");
        if (modeless && decode(bits)!.operands.rm === 7) continue;
        const pc = CODE + BigInt(random.pick([0x100, 0xff0, 0xfe8, 0xfec]));
        const code = [...setup, C_NOP, bits, second];
        const [exact, fast] = [EXACT, FAST].map((budget, which) => {
          const machine = machines[which]!;
          const end = machine.assemble(pc, code.map(word));
          for (let i = 1; i < 32; i++) {
            machine.setX(i, integers[(i * 7) % integers.length]!);
            machine.setF(i, doubles[(i * 5) % doubles.length]!);
          }
          machine.fflags = 0;
          machine.frm = modeless ? 5 : 0;
          // x15, which compressed ones can have for a base, is an address of nothing too.
          machine.setX(15, NOWHERE);
          machine.setX(16, NOWHERE);
          machine.setX(17, MEMORY + 8192n - 4n);
          machine.setX(18, MEMORY + 2n);
          machine.setX(FRAME.S, MEMORY + 4096n - 1024n);
          const before = machine.instret;
          const trap = runToTrap(machine, pc, budget);
          const at = end - ((second & 3) === 3 ? 4n : 2n);
          const what = [name, disassemble(bits)];
          const executed = machine.instret - before;
          expect([...what, trap.cause, trap.pc, executed]).toEqual([
            ...what,
            cause,
            at,
            BigInt(code.length - 1),
          ]);
          return { what, trap, ...state(machine), memory: contents(machine).toString("latin1") };
        });
        expect(fast).toEqual(exact);
        number++;
      }
    }
    expect(number).toBeGreaterThan(700);
  }, 60_000);
});

describe("a store over the instructions that follow it", () => {
  const stores: [string, Operands][] = [
    ["sw", { rs2: 7, rs1: 10 }],
    ["sd", { rs2: 7, rs1: 10 }],
    ["fsw", { fs2: 7, rs1: 10 }],
    ["fsd", { fs2: 7, rs1: 10 }],
    ["c.sw", { rs2: 8, rs1: 10 }],
    ["c.sd", { rs2: 8, rs1: 10 }],
    ["amoswap.w", { rd: 0, rs2: 7, rs1: 10 }],
    ["amoswap.d", { rd: 0, rs2: 7, rs1: 10 }],
    ["sh", { rs2: 7, rs1: 10, imm: 2 }],
    ["sb", { rs2: 7, rs1: 10, imm: 3 }],
  ];
  for (const between of [0, 1, 2]) {
    it(`is what executes, with fence.i and without, ${between} instructions on`, () => {
      for (const [name, operands] of stores) {
        for (const fence of [true, false]) {
          for (const start of [0x200n, 0xff0n, 0xff4n, 0xff8n, 0xffcn]) {
            const results = [EXACT, FAST].map((budget) => {
              const machine = newMachine();
              const old = [
                asm("addi", { rd: 5, rs1: 5, imm: 1 }),
                asm("addi", { rd: 6, rs1: 6, imm: 1 }),
              ];
              const fresh = [
                asm("addi", { rd: 5, rs1: 5, imm: 0x101 }),
                asm("addi", { rd: 6, rs1: 6, imm: 0x201 }),
              ];
              const head = [
                asm(name, operands),
                ...(fence ? [asm("fence.i")] : []),
                ...Array.from({ length: between }, () => asm("addi", { rd: 9, rs1: 9, imm: 1 })),
              ];
              // The target is aligned for the AMOs.
              const size = head.reduce((sum, bits) => sum + ((bits & 3) === 3 ? 4n : 2n), 0n);
              const target = (CODE + start + size + 7n) & ~7n;
              const pc = target - size;
              machine.assemble(pc, [...head, ...old, asm("ebreak")].map(word));
              const run = ([first, second]: number[]) => {
                const value = BigInt(first!) | (BigInt(second!) << 32n);
                const shift = name === "sh" ? 16n : name === "sb" ? 24n : 0n;
                for (const i of [7, 8]) {
                  machine.setX(i, value >> shift);
                  machine.setF(i, value >> shift);
                }
                machine.setX(10, target);
                runToTrap(machine, pc, budget);
                return [machine.x(5), machine.x(6), machine.x(9)];
              };
              // The same bytes first, twice: whatever is kept of the code by then must go.
              run(old);
              run(old);
              const after = run(fresh);
              const both = /d$/.test(name);
              expect([name, after]).toEqual([
                name,
                [0x103n, both ? 0x203n : 3n, 3n * BigInt(between)],
              ]);
              return [state(machine), run(old)];
            });
            expect([name, start, results[1]]).toEqual([name, start, results[0]]);
          }
        }
      }
    });
  }
});

describe("a store into one of two instructions that have run", () => {
  it("is seen when they run again, whatever they are and whichever of its bytes change", () => {
    const random = new Random(8n);
    const pieces = forms.filter(({ instruction }) => /plain|memory/.test(kindOf(instruction.name)));
    const STORE = CODE + 0x1800n;
    const machines = [newMachine(), newMachine()];
    for (const machine of machines) {
      for (const [i, name] of ["sb", "sh", "sw"].entries()) {
        machine.assemble(STORE + BigInt(i * 16), [asm(name, { rs1: 10, rs2: 7 }), asm("ebreak")]);
      }
    }
    let number = 0;
    const differences: string[] = [];
    for (const first of pieces) {
      for (const second of pieces) {
        const one = part(random, first, 14);
        const two = part(random, second, 15);
        const code = [...one.setup, ...two.setup, C_NOP, one.bits, two.bits];
        const pc = CODE + BigInt(random.pick([0x200, 0x300, 0xfe0, 0xfe4, 0xfe6, 0xfec]));
        // One bit of an operand changes; the store is of the bytes that hold it, or of more.
        const full = (two.bits & 3) === 3;
        const bit = full ? random.pick([7, 8, 15, 16, 20, 21, 24, 25, 31]) : 2 + random.below(11);
        const changed = (two.bits ^ (1 << bit)) >>> 0;
        const size = full ? random.below(3) : random.below(2);
        const byte = size === 0 ? bit >> 3 : size === 1 ? (bit >> 4) * 2 : 0;
        const seen = [EXACT, FAST].map((budget, which) => {
          const machine = machines[which]!;
          const end = machine.assemble(pc, [...code, asm("ebreak")].map(word)) - 4n;
          const run = (from: bigint) => {
            for (let i = 1; i < 32; i++) {
              machine.setX(i, integers[(i * 7) % integers.length]!);
              machine.setF(i, doubles[(i * 5) % doubles.length]!);
            }
            machine.setX(FRAME.S, MEMORY + 4096n - 1024n);
            if (from === STORE) {
              machine.setX(7, BigInt(changed >>> (byte * 8)));
              machine.setX(10, end - (full ? 4n : 2n) + BigInt(byte));
            }
            runToTrap(machine, from === STORE ? STORE + BigInt(size * 16) : from, budget);
            // Registers, pc, trap, instret, fcsr.
            return Buffer.from(machine.bytes.slice(HART_X, HART_FFLAGS + 8)).toString("hex");
          };
          return [run(pc), run(pc), run(STORE), run(pc), contents(machine).toString("latin1")];
        });
        number++;
        const same = seen[0]!.every((text, i) => text === seen[1]![i]);
        if (!same) differences.push(`${code.slice(-2).map(disassemble).join("; ")}, bit ${bit}`);
      }
    }
    expect(differences.slice(0, 10)).toEqual([]);
    expect(number).toBeGreaterThan(10_000);
  }, 60_000);
});

describe("a rounding mode", () => {
  const rounding = instructions.filter(({ fields }) => fields.some(({ name }) => name === "rm"));
  const others = instructions.filter(({ name }) => /^f(sgnj|min|max|eq|lt|le|class|mv)/.test(name));
  const operands = { rd: 5, rs1: 6, fd: 1, fs1: 2, fs2: 3, fs3: 4 };

  it("that frm does not have makes each instruction that rounds by it illegal", () => {
    const machine = newMachine();
    for (const budget of [EXACT, FAST]) {
      for (const frm of [5, 6, 7]) {
        for (const instruction of rounding) {
          const bits = encode(instruction, { ...operands, rm: 7 });
          const pc = CODE + 0x40n;
          machine.assemble(pc, [bits, asm("ebreak")]);
          machine.frm = frm;
          machine.fflags = 0;
          for (let i = 1; i < 8; i++) machine.setF(i, double(i / 3));
          const { pc: _, ...before } = state(machine);
          const name = instruction.name;
          const trap = runToTrap(machine, pc, budget);
          expect([name, frm, trap]).toEqual([
            name,
            frm,
            { cause: ILLEGAL, value: BigInt(bits), pc },
          ]);
          const { pc: at, ...after } = state(machine);
          const { accesses, misses } = before;
          expect([name, { ...after, accesses, misses }]).toEqual([name, before]);
          expect(at).toBe(pc);
        }
        // With a mode of their own, or without one, they do not look at frm.
        for (const instruction of [...rounding, ...others]) {
          machine.assemble(CODE, [encode(instruction, { ...operands, rm: 1 }), asm("ebreak")]);
          machine.frm = frm;
          const { cause } = runToTrap(machine, CODE, budget);
          expect([instruction.name, cause]).toEqual([instruction.name, BREAKPOINT]);
        }
      }
    }
    expect(rounding).toHaveLength(36);
  });

  it("is written whole by csrrw and its kin, valid or not", () => {
    const machine = newMachine();
    for (const [csr, value, fflags, frm] of [
      [1, 0xffn, 31, 0],
      [2, 0xffn, 0, 7],
      [3, 0x1ffn, 31, 7],
      [3, 0xa5n, 5, 5],
    ] as const) {
      machine.fflags = 0;
      machine.frm = 0;
      machine.setX(6, value);
      machine.assemble(CODE, [
        asm("csrrw", { rd: 5, rs1: 6, csr }),
        asm("csrrs", { rd: 7, rs1: 0, csr: 3 }),
      ]);
      machine.setPc(CODE);
      expect(machine.step(2)).toBe(true);
      expect([csr, machine.fflags, machine.frm]).toEqual([csr, fflags, frm]);
      expect(machine.x(5)).toBe(0n);
      expect(machine.x(7)).toBe(BigInt(fflags | (frm << 5)));
    }
  });
});

describe("the counters", () => {
  it("instret counts what came before it, in whatever way it is run", () => {
    for (const [options, budget] of [
      [{}, EXACT],
      [{}, FAST],
      [{ slowPath: true }, FAST],
    ] as const) {
      const machine = newMachine(options);
      const read = (rd: number) => asm("csrrs", { rd, rs1: 0, csr: 0xc02 });
      const loop = asm("bne", { rs1: 9, rs2: 0, imm: -6 });
      const code = [
        ...[C_NOP, read(5), C_NOP, C_NOP, read(6), asm("addi", { rd: 9, rs1: 0, imm: 100 })],
        ...[asm("c.addi", { rd: 9, imm: -1 }), asm("addi", { rd: 8, rs1: 8, imm: 1 })],
        ...[loop, read(7), asm("ebreak")],
      ];
      machine.assemble(CODE, code.map(word));
      runToTrap(machine, CODE, budget);
      expect([machine.x(5), machine.x(6), machine.x(7)]).toEqual([1n, 4n, 306n]);
      expect(machine.x(8)).toBe(100n);
      expect(machine.instret).toBe(307n);
    }
  });

  it("cycle and time are the simulated clock's, and no program can write them", () => {
    const machine = newMachine();
    for (const csr of [0xc00, 0xc01]) {
      const read = asm("csrrs", { rd: 5, rs1: 0, csr });
      machine.assemble(CODE, [...Array<string>(500).fill("c0001"), word(read)]);
      machine.setPc(CODE);
      machine.step(500);
      const clock = csr === 0xc00 ? machine.hw.cycle_csr() : machine.hw.time_csr();
      expect(machine.step()).toBe(true);
      expect(machine.x(5)).toBe(clock);
      for (const name of ["csrrw", "csrrs", "csrrc"]) {
        for (const rs1 of name === "csrrw" ? [0, 6] : [6]) {
          const bits = asm(name, { rd: 0, rs1, csr });
          machine.assemble(CODE, [bits]);
          expect(runToTrap(machine, CODE, 1)).toEqual({
            cause: ILLEGAL,
            value: BigInt(bits),
            pc: CODE,
          });
        }
      }
    }
    expect(machine.hw.cycle_csr()).toBeGreaterThan(0n);
  });
});

describe("a reservation", () => {
  const A = MEMORY + 64n;
  /** Runs instructions on x10 = A, x11 = another place, x7 = 1; => rd of SC (x5) and memory. */
  function reserve(code: [string, Operands][], content = 5n, width: "w" | "d" = "d") {
    const results = [EXACT, FAST].map((budget) => {
      const machine = newMachine();
      machine.poke64(A, content);
      machine.poke64(A + 8n, content);
      machine.setX(10, A);
      machine.setX(11, A + 8n);
      machine.setX(7, 9n);
      machine.setX(5, 77n);
      const bits = code.map(([name, operands]) =>
        asm(name.replace(/^(lr|sc|amo\w+)$/, `$1.${width}`), { order: 0, ...operands }),
      );
      machine.assemble(CODE, [...bits, asm("ebreak")].map(word));
      expect(runToTrap(machine, CODE, budget).cause).toBe(BREAKPOINT);
      return [machine.x(5), machine.peek64(A), machine.x(6)];
    });
    expect(results[1]).toEqual(results[0]);
    return results[0];
  }
  const lr: [string, Operands] = ["lr", { rd: 6, rs1: 10 }];
  const sc: [string, Operands] = ["sc", { rd: 5, rs2: 7, rs1: 10 }];

  it("lets SC store, once", () => {
    for (const width of ["w", "d"] as const) {
      for (const order of [0, 1, 2, 3]) {
        const ordered: [string, Operands][] = [
          ["lr", { ...lr[1], order }],
          ["sc", { ...sc[1], order }],
        ];
        expect(reserve(ordered, 5n, width)).toEqual([0n, 9n, 5n]);
      }
      expect(reserve([lr, sc, sc], 5n, width)).toEqual([1n, 9n, 5n]);
      expect(reserve([lr, ["sc", { rd: 0, rs2: 7, rs1: 10 }]], 5n, width)).toEqual([77n, 9n, 5n]);
      expect(reserve([lr, ["sc", { rd: 10, rs2: 7, rs1: 10 }]], 5n, width)).toEqual([77n, 9n, 5n]);
    }
  });

  it("is needed, and must be of the same address", () => {
    expect(reserve([sc])).toEqual([1n, 5n, 0n]);
    expect(reserve([["lr", { rd: 6, rs1: 11 }], sc])).toEqual([1n, 5n, 5n]);
    expect(reserve([lr, ["lr", { rd: 6, rs1: 11 }], sc])).toEqual([1n, 5n, 5n]);
  });

  it("ends with an SC that fails", () => {
    expect(reserve([lr, ["sc", { rd: 6, rs2: 7, rs1: 11 }], sc])).toEqual([1n, 5n, 1n]);
  });

  it("does not survive a store that changes the word", () => {
    const change: [string, Operands] = ["sd", { rs2: 10, rs1: 10 }];
    expect(reserve([lr, change, sc])?.[0]).toBe(1n);
    expect(reserve([lr, change, sc])?.[1]).toBe(A);
    expect(reserve([lr, ["amoadd", { rd: 0, rs1: 10, rs2: 7 }], sc])).toEqual([1n, 14n, 5n]);
  });

  it("is of sign-extended words", () => {
    expect(reserve([lr, sc], 0x80000000n, "w")).toEqual([0n, 9n, 0xffffffff80000000n]);
    const half = reserve([lr, sc], 0x1_80000000n, "w");
    expect(half).toEqual([0n, 0x1_00000009n, 0xffffffff80000000n]);
  });
});

describe("an instruction without effect", () => {
  /** 32-bit ones with rd = x0 and all compressed HINTs: only the pc moves, and perhaps fflags. */
  function* hints(): Generator<number> {
    const random = new Random(3n);
    const registers = () => 1 + random.below(31);
    for (const instruction of instructions) {
      const { name, fields, imm, size } = instruction;
      const has = (field: string) => fields.some((other) => other.name === field);
      if (size === 2 || !has("rd") || /^(l[bhwd]|jal|csr|amo|lr|sc)/.test(name)) continue;
      for (let i = 0; i < 40; i++) {
        const operands: Operands = { rd: 0, rm: random.below(5) };
        for (const field of ["rs1", "rs2", "fs1", "fs2"])
          if (has(field)) operands[field] = registers();
        if (imm) operands.imm = random.below(2 ** 5) * imm.step;
        yield encode(instruction, operands);
      }
    }
    for (let i = 0; i < 300; i++)
      yield asm("fence", {
        fm: random.below(16),
        pred: random.below(16),
        succ: random.below(16),
        any1: random.below(32),
        any2: random.below(32),
      });
    for (let i = 0; i < 300; i++)
      yield asm("fence.i", {
        any1: random.below(32),
        any2: random.below(32),
        any3: random.below(4096),
      });
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 3) === 3) continue;
      const decoded = decode(bits);
      if (!decoded) continue;
      const { instruction, operands } = decoded;
      const { name } = instruction;
      const noOperation =
        (/^c\.(addi|li|lui|mv|add|slli)$/.test(name) && operands.rd === 0) ||
        (/^c\.(addi|slli|srli|srai)$/.test(name) && operands.imm === 0);
      if (noOperation) yield bits;
    }
  }

  it("changes no register, whatever its other fields are", () => {
    const machine = newMachine();
    const differences: string[] = [];
    let number = 0;
    for (const budget of [EXACT, FAST]) {
      for (const bits of hints()) {
        machine.assemble(CODE, [word(bits), asm("ebreak")]);
        for (let i = 1; i < 32; i++) {
          machine.setX(i, integers[(i * 11) % integers.length]!);
          machine.setF(i, doubles[(i * 13) % doubles.length]!);
        }
        machine.fflags = 31;
        const before = state(machine);
        const { cause } = runToTrap(machine, CODE, budget);
        const after = state(machine);
        const { accesses, misses } = after;
        const size = (bits & 3) === 3 ? 4n : 2n;
        const expected = {
          ...before,
          accesses,
          misses,
          pc: CODE + size,
          instret: before.instret + 1n,
        };
        const same = Object.entries(expected).every(
          ([key, value]) => after[key as keyof typeof after] === value,
        );
        if (!same || cause !== BREAKPOINT) differences.push(disassemble(bits));
        number++;
      }
    }
    expect(differences).toEqual([]);
    expect(number).toBeGreaterThan(5_000);
  });

  it("a load into x0 reads all the same", () => {
    const machine = newMachine();
    for (const { name } of instructions.filter((row) => /^l[bhwd]u?$/.test(row.name))) {
      machine.assemble(CODE, [asm(name, { rd: 0, rs1: 10, imm: 8 })]);
      machine.setX(10, MEMORY);
      machine.setPc(CODE);
      const before = machine.accesses;
      expect(machine.step()).toBe(true);
      // The fetch and the load.
      expect([name, machine.x(0), machine.accesses - before]).toEqual([name, 0n, 2n]);
    }
    expect(machine.view.getBigUint64(TLB_ACCESSES, true)).toBe(machine.accesses);
  });
});
