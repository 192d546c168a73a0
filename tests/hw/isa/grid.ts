// Programs that execute one instruction on every combination of edge operands, in loops of the
// guest's own, and write what it gave.
//
//   for a in pool: for b in pool: [for c in pool:]  fflags; instruction; (result, fcsr) out
import { Code, DATA, elf } from "./guest.ts";
import { type Instruction, instructions, type Operands } from "./table.ts";
import { doubles, integers, singles } from "./values.ts";

const FFLAGS = 1;
const FRM = 2;
const FCSR = 3;

// The program's own registers; those under test are below.
const T = 28;
const U = 29;
const [A, B, C] = [18, 19, 20];
const [A_END, B_END, C_END] = [21, 22, 23];
const MEMORY = 24;

const modes = [0, 1, 2, 3, 4];

/** One loop: an instruction with its registers, in a rounding mode. */
interface Case {
  instruction: Instruction;
  operands: Operands;
  /** frm, for a dynamic rounding mode. */
  frm: number;
  /** fflags before it: with NX set already, an implementation can spare itself much. */
  fflags: number;
}

const NX = 1;

/** Every alias of destination and sources, and x0 in each place. */
function registerChoices(instruction: Instruction): Operands[] {
  const names = instruction.fields.map(({ name }) => name);
  const has = (name: string) => names.includes(name);
  if (has("rd") && has("rs1") && has("rs2")) {
    return [
      { rd: 5, rs1: 6, rs2: 7 },
      { rd: 6, rs1: 6, rs2: 7 },
      { rd: 7, rs1: 6, rs2: 7 },
      { rd: 5, rs1: 6, rs2: 6 },
      { rd: 6, rs1: 6, rs2: 6 },
      { rd: 0, rs1: 6, rs2: 7 },
      { rd: 5, rs1: 0, rs2: 7 },
      { rd: 5, rs1: 6, rs2: 0 },
      { rd: 31, rs1: 1, rs2: 2 },
    ];
  }
  if (has("rd") && has("rs1")) {
    return [
      { rd: 5, rs1: 6 },
      { rd: 6, rs1: 6 },
      { rd: 0, rs1: 6 },
      { rd: 5, rs1: 0 },
    ];
  }
  if (has("fs3")) return [{ fd: 1, fs1: 2, fs2: 3, fs3: 4 }];
  if (has("fd") && has("fs2")) {
    return [
      { fd: 1, fs1: 2, fs2: 3 },
      { fd: 2, fs1: 2, fs2: 2 },
    ];
  }
  if (has("fd") && has("fs1")) {
    return [
      { fd: 1, fs1: 2 },
      { fd: 31, fs1: 31 },
    ];
  }
  if (has("fd")) {
    return [
      { fd: 1, rs1: 6 },
      { fd: 1, rs1: 0 },
    ];
  }
  const comparison: Operands = has("fs2") ? { fs1: 2, fs2: 3 } : { fs1: 2 };
  return [
    { rd: 5, ...comparison },
    { rd: 0, ...comparison },
  ];
}

/** Immediates with which a 12-bit one goes wrong, or all shift amounts. */
function immediates({ imm }: Instruction): number[] {
  if (!imm) return [0];
  if (!imm.signed) return Array.from({ length: 2 ** imm.bits }, (_, i) => i);
  return [0, 1, -1, 2, 31, 32, 63, 64, 255, 0x555, -0x556, 2047, -2047, -2048];
}

const skipped = /^(c\.|lui|auipc|jal|b|f?l[bhwd]u?$|f?s[bhwd]$|fence|e|csr|lr|sc|amo)/;

/** The instructions that are computed from registers and immediates only, without RVC. */
export const computed = instructions.filter(({ name }) => !skipped.test(name));

function* casesOf(instruction: Instruction): Generator<Case> {
  const rounds = instruction.fields.some(({ name }) => name === "rm");
  for (const registers of registerChoices(instruction)) {
    for (const imm of immediates(instruction)) {
      const operands: Operands = instruction.imm ? { ...registers, imm } : registers;
      if (!rounds) yield { instruction, operands, frm: 0, fflags: 0 };
      else {
        for (const fflags of [0, NX]) {
          const rest = { instruction, fflags };
          for (const rm of modes) yield { ...rest, operands: { ...operands, rm }, frm: rm ^ 1 };
          for (const frm of modes) yield { ...rest, operands: { ...operands, rm: 7 }, frm };
        }
      }
    }
  }
}

/** The values that each source register takes: [register, bank, pool] in the loops' order. */
function sourcesOf({ instruction: { name }, operands }: Case) {
  const pool = name !== "fcvt.s.d" && /\.s|fmv\.x\.w/.test(name) ? singles : doubles;
  const sources: { register: number; bank: "x" | "f"; values: readonly bigint[] }[] = [];
  for (const [key, register] of Object.entries(operands)) {
    if (!/^[rf]s/.test(key)) continue;
    const bank = key[0] === "r" ? "x" : "f";
    if (sources.some((other) => other.register === register && other.bank === bank)) continue;
    const values = bank === "x" ? integers : pool;
    if (register === 0 && bank === "x") continue;
    sources.push({ register, bank, values });
  }
  // Three operands of all values would be half a million runs for each mode.
  if (sources.length < 3) return sources;
  return sources.map((source) => ({
    ...source,
    values: source.values.filter((_, i) => i % 4 === 1),
  }));
}

export interface Grid {
  elf: Uint8Array;
  /** What is at a place of the output. */
  describe(at: number): string;
  /** Instructions under test that it executes. */
  vectors: number;
}

const RECORD = 16;

/** A program for some instructions; AMOs act on a memory word that holds the first operand. */
export function grid(list: readonly Instruction[]): Grid {
  const code = new Code();
  const pools = [integers, doubles, singles];
  const quarter = pools.map((pool) => pool.filter((_, i) => i % 4 === 1));
  const tables = [...pools, ...quarter];
  const offsets: number[] = [];
  let size = 4096;
  for (const table of tables) {
    offsets.push(size);
    size += table.length * 8;
  }
  const addressOf = (values: readonly bigint[]) => {
    const index = tables.findIndex(
      (table) => table.length === values.length && table.every((v, i) => v === values[i]),
    );
    return Number(DATA) + offsets[index]!;
  };
  const trace = (size + 4095) & ~4095;
  const starts: { from: number; test: Case; sources: ReturnType<typeof sourcesOf> }[] = [];
  let total = 0;
  let largest = 0;
  code.constant(MEMORY, Number(DATA));
  const pointers = [A, B, C];
  const ends = [A_END, B_END, C_END];
  for (const instruction of list) {
    for (const test of instruction.name.startsWith("amo")
      ? atomics(instruction)
      : casesOf(instruction)) {
      const sources = sourcesOf(test);
      const vectors = sources.reduce((product, { values }) => product * values.length, 1);
      starts.push({ from: total * RECORD, test, sources });
      total += vectors;
      largest = Math.max(largest, vectors * RECORD);
      code.constant(T, Number(DATA) + trace);
      code.op("csrrwi", { rd: 0, csr: FRM, zimm: test.frm });
      const loops = sources.map(({ values }, i) => {
        code.constant(pointers[i]!, addressOf(values));
        code.constant(ends[i]!, addressOf(values) + values.length * 8);
        const loop = code.label();
        code.here(loop);
        return loop;
      });
      emitCase(code, test, sources);
      for (let i = loops.length - 1; i >= 0; i--) {
        code.op("addi", { rd: pointers[i]!, rs1: pointers[i]!, imm: 8 });
        code.to(loops[i]!, "bne", { rs1: pointers[i]!, rs2: ends[i]! });
      }
      code.write(DATA + BigInt(trace), vectors * RECORD);
    }
  }
  code.exit(0);
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  tables.forEach((table, i) => {
    table.forEach((value, k) => {
      view.setBigUint64(offsets[i]! + k * 8, value, true);
    });
  });
  return {
    elf: elf(code.bytes(), data, trace + largest),
    vectors: total,
    describe(at) {
      const { from, test, sources } = starts.findLast((start) => start.from <= at)!;
      let index = Math.floor((at - from) / RECORD);
      const values = sources.toReversed().map(({ register, bank, values: pool }) => {
        const value = pool[index % pool.length]!;
        index = Math.floor(index / pool.length);
        return `${bank}${register} = 0x${value.toString(16)}`;
      });
      const { instruction, operands, frm, fflags } = test;
      const shown = `${instruction.name} ${JSON.stringify(operands)}, frm ${frm}, fflags ${fflags}`;
      return `${shown}, ${values.join(", ")}: ${at % RECORD < 8 ? "result" : "fcsr or memory"}`;
    },
  };
}

/** aq and rl in all ways; the address in another register than both others. */
function* atomics(instruction: Instruction): Generator<Case> {
  for (const order of [0, 1, 2, 3]) {
    for (const [rd, rs2] of [
      [5, 7],
      [7, 7],
      [0, 7],
      [5, 0],
      [MEMORY_COPY, 7],
    ]) {
      yield {
        instruction,
        operands: { order, rd: rd!, rs1: MEMORY_COPY, rs2: rs2! },
        frm: 0,
        fflags: 0,
      };
    }
  }
}
const MEMORY_COPY = 8;

/** The innermost of the loops. */
function emitCase(code: Code, test: Case, sources: ReturnType<typeof sourcesOf>): void {
  const { instruction, operands } = test;
  const pointers = [A, B, C];
  const atomic = instruction.name.startsWith("amo");
  sources.forEach(({ register, bank }, i) => {
    // An AMO's rs1 names the memory word, which the loop over it gives its value.
    if (atomic && register === operands.rs1) {
      code.op("ld", { rd: U, rs1: pointers[i]! });
      code.op("sd", { rs2: U, rs1: MEMORY });
      code.op("addi", { rd: register, rs1: MEMORY, imm: 0 });
    } else if (bank === "x") code.op("ld", { rd: register, rs1: pointers[i]! });
    else code.op("fld", { fd: register, rs1: pointers[i]! });
  });
  code.op("csrrwi", { rd: 0, csr: FFLAGS, zimm: test.fflags });
  code.op(instruction.name, operands);
  if (operands.rd !== undefined) code.op("sd", { rs2: operands.rd, rs1: T });
  else code.op("fsd", { fs2: operands.fd!, rs1: T });
  if (atomic) code.op("ld", { rd: U, rs1: MEMORY });
  else code.op("csrrs", { rd: U, csr: FCSR, rs1: 0 });
  code.op("sd", { rs2: U, rs1: T, imm: 8 });
  code.op("addi", { rd: T, rs1: T, imm: RECORD });
}

export const atomicOperations = instructions.filter(({ name }) => name.startsWith("amo"));
