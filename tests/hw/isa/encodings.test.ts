import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { HART_FFLAGS, HART_X } from "../../../assembly/abi.ts";
import { needs } from "../../needs.ts";
import { compileHw, HwMachine, X } from "../hw-machine.ts";
import { Random } from "./random.ts";
import { type Decoded, decode, disassemble } from "./table.ts";

const CODE = 0x40000n;
const EBREAK = 0x00100073;
const C_EBREAK = 0x9002;
const ILLEGAL = 2;

/**
 * 32-bit encodings: each major opcode with all values of funct3, funct7 and the rs2 field, twice
 * with other registers; each CSR number with each funct3; and random bits.
 */
function* words(): Generator<number> {
  const random = new Random(32n);
  for (const registers of [0, 0xf8f80]) {
    for (let opcode = 3; opcode < 128; opcode += 4) {
      for (let i = 0; i < 8 * 128 * 32; i++) {
        const rest = random.next32() & registers;
        yield (opcode | ((i & 7) << 12) | ((i >> 3) << 20) | rest) >>> 0;
      }
    }
  }
  for (let csr = 0; csr < 4096; csr++) {
    for (let funct3 = 0; funct3 < 8; funct3++) {
      const head = 0x73 | (funct3 << 12) | (csr << 20);
      yield head >>> 0;
      yield (head | 0x80) >>> 0;
      yield (head | (random.next32() & 0xf8f80)) >>> 0;
    }
  }
  for (let i = 0; i < 300_000; i++) yield (random.next32() | 3) >>> 0;
}

function* halves(): Generator<number> {
  for (let bits = 0; bits < 0x10000; bits++) if ((bits & 3) !== 3) yield bits;
}

/** What the disassembler of GNU binutils says: name, registers in order, last number. */
interface Line {
  name: string;
  registers: string[];
  number: number | undefined;
  text: string;
}

function objdump(encodings: number[], size: 2 | 4): Line[] {
  const directory = mkdtempSync(join(tmpdir(), "isa-"));
  try {
    const bytes = Buffer.alloc(encodings.length * size);
    encodings.forEach((bits, i) => {
      bytes.writeUIntLE(bits, i * size, size);
    });
    const file = join(directory, "code");
    writeFileSync(file, bytes);
    const form = ["-z", "-D", "-b", "binary", "-m", "riscv:rv64", "-M", "no-aliases,numeric"];
    const text = execFileSync("riscv64-linux-gnu-objdump", [...form, file], {
      encoding: "utf8",
      maxBuffer: 1 << 30,
    });
    return text
      .split("\n")
      .filter((line) => /^ *[\da-f]+:/.test(line))
      .map((line) => {
        const [place, , name = "", operands = ""] = line.split("\t").map((part) => part.trim());
        const plain = operands.replace(/ *[#<].*/, "");
        const registers = plain.match(/\b[xf]\d+\b/g) ?? [];
        // A jump's is its target, which stands without 0x.
        const jump = /^(c\.)?(j|jal|b\w+)$/.test(name);
        const digits = plain.match(jump ? /0x[\da-f]+$|[\da-f]+$/g : /(?<![\w])-?(0x)?[\da-f]+\b/g);
        const last = digits?.at(-1);
        let number = last === undefined ? undefined : Number(last);
        if (jump && last !== undefined) {
          const offset = BigInt(last.startsWith("0x") ? last : `0x${last}`);
          const from = BigInt(`0x${place!.replace(":", "")}`);
          number = Number(BigInt.asIntN(64, offset - from));
        }
        return { name: name.replace(/\.(aq|rl|aqrl)$/, ""), registers, number, text: line };
      });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The names that binutils has for some HINTs, and for the encoding that is all zeros. */
const otherNames = new Map([
  ["c.nop", "c.addi"],
  ["c.slli64", "c.slli"],
  ["c.srli64", "c.srli"],
  ["c.srai64", "c.srai"],
  ["fence.tso", "fence"],
  ["pause", "fence"],
]);

/** What there is to see of an instruction in a disassembly, in the same order. */
function expectedLine({ instruction: { name, fields }, operands }: Decoded) {
  const registers = fields
    .filter(({ name: field }) => /^[rf][ds]/.test(field))
    .map(({ name: field }) => `${field[0] === "r" ? "x" : "f"}${operands[field]}`);
  if (/sp/.test(name)) registers.push(...(name === "c.addi16sp" ? ["x2", "x2"] : ["x2"]));
  let number = operands.imm;
  if (/lui|auipc/.test(name)) number = Math.floor(number! / 4096) & 0xfffff;
  return { registers: registers.sort(), number };
}

let hw: WebAssembly.Module;

beforeAll(async () => {
  hw = await compileHw();
}, 120_000);

describe("illegal instructions", () => {
  /**
   * Executes each encoding with all registers 0 and nothing mapped but the code: whatever is an
   * instruction goes on, or traps with another cause.
   */
  function sweep(encodings: Generator<number>, size: 2 | 4, budget: number) {
    const machine = new HwMachine(hw);
    const pages = [machine.map(CODE, X), machine.map(CODE + 4096n, X)];
    const page = machine.address(pages[0]!);
    const registers = new Uint32Array(machine.bytes.buffer, HART_X, 128);
    const { view } = machine;
    const differences: string[] = [];
    const seen = { legal: 0, illegal: 0 };
    const pairs = 2048 / size;
    const batch: number[] = [];
    const check = () => {
      batch.forEach((bits, i) => {
        const at = page + i * size * 2;
        if (size === 2) view.setUint32(at, bits | (C_EBREAK << 16), true);
        else {
          view.setUint32(at, bits, true);
          view.setUint32(at + 4, EBREAK, true);
        }
      });
      machine.hw.frame_written(pages[0]!);
      batch.forEach((bits, i) => {
        const pc = CODE + BigInt(i * size * 2);
        registers.fill(0);
        view.setBigUint64(HART_FFLAGS, 0n, true);
        machine.setPc(pc);
        const before = machine.instret;
        const ran = machine.step(budget);
        const { trap } = machine;
        const refused = !ran && trap.cause === ILLEGAL && trap.pc === pc;
        const legal = decode(bits) !== undefined;
        let got = refused ? "illegal" : "legal";
        if (refused) {
          const clean = registers.every((word) => word === 0) && machine.instret === before;
          if (trap.value !== BigInt(bits) || machine.pc !== pc || !clean) {
            got = `illegal with stval ${trap.value.toString(16)}, instret + ${
              machine.instret - before
            }, registers ${clean ? "kept" : "changed"}`;
          }
        }
        seen[legal ? "legal" : "illegal"] += 1;
        if (got !== (legal ? "legal" : "illegal") && differences.length < 20) {
          differences.push(`${disassemble(bits)} (${bits.toString(16)}) is ${got}`);
        }
      });
      batch.length = 0;
    };
    for (const bits of encodings) {
      batch.push(bits);
      if (batch.length === pairs) check();
    }
    check();
    return { differences, ...seen };
  }

  // Exactly one instruction, and a budget with which the fast loop runs.
  for (const [name, budget] of [
    ["one instruction at a time", 1],
    ["in the fast loop", 4000],
  ] as const) {
    it(`are exactly the reserved ones of all 49,152 16-bit encodings, ${name}`, () => {
      const { differences, legal, illegal } = sweep(halves(), 2, budget);
      expect(differences).toEqual([]);
      expect(legal + illegal).toBe(49_152);
      expect(illegal).toBeGreaterThan(2_000);
    });
  }

  it("are exactly the unlisted ones of two million 32-bit encodings", () => {
    const { differences, legal, illegal } = sweep(words(), 4, 1);
    expect(differences).toEqual([]);
    expect(legal).toBeGreaterThan(500_000);
    expect(illegal).toBeGreaterThan(1_000_000);
  }, 60_000);

  it("are the same in the fast loop, on a tenth of them", () => {
    function* tenth() {
      let i = 0;
      for (const bits of words()) if (i++ % 10 === 0) yield bits;
    }
    const { differences, legal } = sweep(tenth(), 4, 4000);
    expect(differences).toEqual([]);
    expect(legal).toBeGreaterThan(50_000);
  }, 60_000);
});

describe.skipIf(needs("riscv64-linux-gnu-objdump"))("the table of instructions", () => {
  /** Compares names, registers and immediates; `accepts`: what binutils knows beyond user mode. */
  function compare(encodings: number[], size: 2 | 4) {
    const lines = objdump(encodings, size);
    expect(lines.length).toBe(encodings.length);
    const differences: string[] = [];
    let same = 0;
    encodings.forEach((bits, i) => {
      const line = lines[i]!;
      const decoded = decode(bits);
      const unknown = line.name.startsWith(".") || line.text.includes("unknown");
      const name = decoded?.instruction.name ?? "illegal";
      const report = () => differences.push(`${disassemble(bits)}, but ${line.text}`);
      if (!decoded) {
        const privileged = /^(csr|[msudh]ret$|wfi|sfence|c\.unimp|unimp|dret)/.test(line.name);
        // Its immediate of 0 is reserved.
        const nothing = line.name === "c.addi16sp" && line.number === 0;
        if (!unknown && !privileged && !nothing) report();
        return;
      }
      if (unknown) {
        // binutils wants the ignored fields of a fence to be 0, and no rounding mode where
        // nothing is ever rounded.
        if (!/^(fence|fcvt\.d\.(s|wu?)$)/.test(name)) report();
        return;
      }
      same++;
      if ((otherNames.get(line.name) ?? line.name) !== name) report();
      else if (!/^(fence|csr|e|c\.(ebreak|nop))/.test(line.name)) {
        const { registers, number } = expectedLine(decoded);
        const seen = [...line.registers];
        if (line.name === "c.addi16sp" && seen.length === 1) seen.push("x2");
        if (line.name === "c.addi4spn" && seen.length === 1) seen.push("x2");
        const numbers = number === undefined || /64$/.test(line.name) || number === line.number;
        if (seen.sort().join() !== registers.join() || !numbers) report();
      }
    });
    return { differences: differences.slice(0, 20), same };
  }

  it("agrees with binutils on all 16-bit encodings", () => {
    const { differences, same } = compare([...halves()], 2);
    expect(differences).toEqual([]);
    expect(same).toBeGreaterThan(46_000);
  }, 60_000);

  it("agrees with binutils on a quarter of a million 32-bit encodings", () => {
    // Encodings of 48 bits and more would put the disassembler out of step.
    const some: number[] = [];
    let i = 0;
    for (const bits of words()) if ((bits & 0x1f) !== 0x1f && i++ % 8 === 0) some.push(bits);
    const { differences, same } = compare(some, 4);
    expect(differences).toEqual([]);
    expect(some.length).toBeGreaterThan(250_000);
    expect(same).toBeGreaterThan(90_000);
  }, 60_000);
});
