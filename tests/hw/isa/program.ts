// Programs of random instructions that record what each of them did.
//
// Registers: three of x1..x31, other ones in each program, belong to the frame of the program:
// T points into the trace, U is free between instructions, S points to the scratch memory.
// All others belong to the instructions under test.
//
//   S - 2048          S                    S + 1024           S + 2048
//   +-----------------+--------------------+-------------------+
//   | 256 operands    | scratch: loads, stores and AMOs         |
//   +-----------------+--------------------+-------------------+
//                                          a page ends here
//
// A pass of the program sets every register from a table, executes its items, and writes the
// trace and the scratch memory to standard output. An item is a few instructions and what they
// may have changed, which goes to the trace after them.
import { Code, DATA, elf, TEXT } from "./guest.ts";
import type { Random } from "./random.ts";
import { decode, disassemble, type Operands } from "./table.ts";
import { doubles, integers, randomDouble, randomInteger, randomSingle, singles } from "./values.ts";

export const FCSR = 3;
export const POOL = { integers: [0, 96], doubles: [96, 176], singles: [176, 256] } as const;
export const SCRATCH_SIZE = 2048;
/** Bytes of registers that a pass begins with: fcsr, x1 to x31, f0 to f31. */
const STATE_SIZE = 512;

/** What a trace entry tells: an x or f register, 8 bytes of scratch, or fcsr. */
export type Place = `x${number}` | `f${number}` | `memory ${number}` | "fcsr";

/** One instruction under test. */
export interface Step {
  /** Encodings before it, which give it operands or an address. */
  setup: number[];
  bits: number;
  /** And after it, such as putting a rounding mode in place again. */
  after: number[];
  changes: Place[];
}

export interface Item {
  kind: "steps" | "branch" | "jump" | "indirect" | "back" | "loop" | "dump";
  steps: Step[];
  /** The control transfer of the item and its registers. */
  name: string;
  operands: Operands;
  setup: number[];
  /** An encoding right before the control transfer, and what it changes. */
  before?: { bits: number; changes: Place[] };
  /** Code ends on a page this many bytes after the item's setup: no-ops before it. */
  pageEnd?: number;
}

/** Which registers the program keeps for itself. */
export interface Frame {
  T: number;
  U: number;
  S: number;
}

export interface Program {
  frame: Frame;
  items: Item[];
  /** 256 operands, then for each pass fcsr, x1..x31 and f0..f31. */
  pool: bigint[];
  passes: bigint[][];
}

/** Operands: the special ones of each format, and random ones. */
function makePool(random: Random): bigint[] {
  const fill = (from: number, to: number, special: readonly bigint[], any: () => bigint) =>
    Array.from({ length: to - from }, (_, i) => special[i] ?? any());
  return [
    ...fill(...POOL.integers, integers, () => randomInteger(random)),
    ...fill(...POOL.doubles, doubles, () => randomDouble(random)),
    ...fill(...POOL.singles, singles, () => randomSingle(random)),
  ];
}

function makePass(random: Random): bigint[] {
  const fcsr = BigInt(random.below(32) | (random.below(5) << 5));
  const x = () => (random.oneIn(2) ? random.pick(integers) : randomInteger(random));
  const f = () =>
    random.oneIn(2)
      ? random.oneIn(2)
        ? random.pick(doubles)
        : randomDouble(random)
      : random.oneIn(2)
        ? random.pick(singles)
        : randomSingle(random);
  return [fcsr, ...Array.from({ length: 31 }, x), ...Array.from({ length: 32 }, f)];
}

export const dump: Item = { kind: "dump", steps: [], name: "", operands: {}, setup: [] };

/** A program around items that are given. */
export function programOf(random: Random, frame: Frame, items: Item[], passes: number): Program {
  const pool = makePool(random);
  return { frame, items, pool, passes: Array.from({ length: passes }, () => makePass(random)) };
}

/** The names of the instructions under test, once for each time they stand in the program. */
export function namesIn({ items }: Program): string[] {
  return items.flatMap(({ name, steps }) => [
    ...(name === "" ? [] : [name]),
    ...steps.map(({ bits }) => decode(bits)!.instruction.name),
  ]);
}

export interface Slot {
  /** Index among the items. */
  item: number;
  place: Place;
}

export interface Built {
  elf: Uint8Array;
  /** What the trace of a pass holds, 8 bytes each; the scratch memory follows it. */
  slots: Slot[];
  /** Bytes that a pass writes. */
  passSize: number;
  /** Where in the code each item begins, and where the last ends. */
  starts: number[];
  code: Uint8Array;
  /** Instructions under test in a pass, not counting those that a branch may skip. */
  instructions: number;
}

const align = (size: number) => (size + 4095) & ~4095;

/** Emits one item's code, without its trace. */
function emitItem(code: Code, item: Item): void {
  const emitSteps = () => {
    for (const { setup, bits, after } of item.steps) {
      for (const insn of [...setup, bits, ...after]) code.raw(insn);
    }
  };
  for (const insn of item.setup) code.raw(insn);
  if (item.pageEnd !== undefined) while ((code.size + item.pageEnd) % 4096) code.op("c.addi");
  const { name, operands } = item;
  switch (item.kind) {
    case "branch":
    case "jump": {
      const end = code.label();
      if (item.before) code.raw(item.before.bits);
      code.to(end, name, operands);
      emitSteps();
      code.here(end);
      break;
    }
    case "indirect": {
      // auipc and addi make the target, minus the jump's immediate, odd every other time.
      const { rs1 = 5, imm = 0 } = operands;
      const start = code.size;
      const end = code.label();
      const base = (distance: number) => {
        const low = ((distance - imm) << 20) >> 20;
        code.op("auipc", { rd: rs1, imm: distance - imm - low });
        code.op("addi", { rd: rs1, rs1, imm: low });
      };
      base(0);
      if (item.before) code.raw(item.before.bits);
      code.op(name, operands);
      emitSteps();
      code.here(end);
      const size = code.size;
      code.size = start;
      base(size - start + (start & 2 ? 1 : 0));
      code.size = size;
      break;
    }
    case "back": {
      const body = code.label();
      const test = code.label();
      const end = code.label();
      code.to(test, "jal", { rd: 0 });
      code.here(body);
      emitSteps();
      code.to(end, "jal", { rd: 0 });
      code.here(test);
      code.to(body, name, operands);
      code.here(end);
      break;
    }
    case "loop": {
      const body = code.label();
      code.here(body);
      emitSteps();
      code.op("addi", { rd: operands.rs1!, rs1: operands.rs1!, imm: -1 });
      code.to(body, name, operands);
      break;
    }
    default:
      emitSteps();
  }
}

/** What an item may have changed. */
function changesOf(item: Item, frame: Frame): Place[] {
  if (item.kind === "dump") {
    const all: Place[] = ["fcsr"];
    for (let i = 0; i < 32; i++) {
      all.push(`f${i}`);
      if (i !== frame.T && i !== frame.U && i !== frame.S) all.push(`x${i}`);
    }
    return all;
  }
  const { rd, rs1 } = item.operands;
  const changes = new Set<Place>(item.steps.flatMap((step) => step.changes));
  changes.add("fcsr");
  for (const place of item.before?.changes ?? []) changes.add(place);
  if (rd !== undefined) changes.add(`x${rd}`);
  if (item.kind === "indirect" || item.kind === "loop") changes.add(`x${rs1!}`);
  if (item.name === "c.jalr") changes.add("x1");
  return [...changes];
}

/** Turns a program into an ELF. */
export function build(program: Program): Built {
  const { frame, items, pool, passes } = program;
  const { T, U, S } = frame;
  const code = new Code();
  const slots: Slot[] = [];
  const starts: number[] = [];
  const states = 4096;
  const scratch = align(states + passes.length * STATE_SIZE) + 4096 - 1024;
  const trace = align(scratch + SCRATCH_SIZE) + 4096;
  const at = (offset: number) => Number(DATA) + offset;

  // The pass's number is the first word of the data.
  code.constant(S, at(0));
  code.op("ld", { rd: U, rs1: S });
  code.op("slli", { rd: U, rs1: U, imm: Math.log2(STATE_SIZE) });
  code.constant(S, at(states));
  code.op("add", { rd: S, rs1: S, rs2: U });
  code.op("ld", { rd: U, rs1: S });
  code.op("csrrw", { rd: 0, csr: FCSR, rs1: U });
  for (let i = 0; i < 32; i++) {
    if (i !== 0 && i !== T && i !== U && i !== S) code.op("ld", { rd: i, rs1: S, imm: i * 8 });
    code.op("fld", { fd: i, rs1: S, imm: 256 + i * 8 });
  }
  code.constant(S, at(scratch));
  code.constant(T, at(trace));

  let position = 0;
  let counted = 0;
  items.forEach((item, index) => {
    starts.push(code.size);
    emitItem(code, item);
    counted += item.kind === "branch" || item.kind === "jump" ? 0 : item.steps.length;
    counted += item.name === "" ? 0 : 1;
    const record = (place: Place, store: string, operand: Operands) => {
      code.op(store, { ...operand, rs1: T, imm: position });
      slots.push({ item: index, place });
      position += 8;
    };
    for (const place of changesOf(item, frame)) {
      if (place === "fcsr") {
        code.op("csrrs", { rd: U, csr: FCSR, rs1: 0 });
        record(place, "sd", { rs2: U });
      } else if (place.startsWith("memory ")) {
        code.op("ld", { rd: U, rs1: S, imm: Number(place.slice(7)) });
        record(place, "sd", { rs2: U });
      } else if (place[0] === "x") record(place, "sd", { rs2: Number(place.slice(1)) });
      else record(place, "fsd", { fs2: Number(place.slice(1)) });
    }
    if (position > 1024) {
      code.op("addi", { rd: T, rs1: T, imm: 2040 });
      position -= 2040;
    }
  });
  starts.push(code.size);

  const size = slots.length * 8;
  code.write(DATA + BigInt(trace), size);
  code.write(DATA + BigInt(scratch), SCRATCH_SIZE);
  code.constant(5, at(0));
  code.op("ld", { rd: 6, rs1: 5 });
  code.op("addi", { rd: 6, rs1: 6, imm: 1 });
  code.op("sd", { rs2: 6, rs1: 5 });
  code.constant(7, passes.length);
  const done = code.label();
  code.to(done, "beq", { rs1: 6, rs2: 7 });
  code.constant(5, Number(TEXT));
  code.op("jalr", { rd: 0, rs1: 5 });
  code.here(done);
  code.exit(0);

  const data = new Uint8Array(scratch);
  const view = new DataView(data.buffer);
  passes.forEach((pass, i) => {
    pass.forEach((value, k) => {
      view.setBigUint64(states + i * STATE_SIZE + k * 8, value, true);
    });
  });
  pool.forEach((value, i) => {
    view.setBigUint64(scratch - SCRATCH_SIZE + i * 8, value, true);
  });
  return {
    elf: elf(code.bytes(), data, trace + size),
    slots,
    passSize: size + SCRATCH_SIZE,
    starts,
    code: code.bytes(),
    instructions: counted,
  };
}

/** The code of one item, disassembled, without its trace. */
export function listing(item: Item): string[] {
  const code = new Code();
  emitItem(code, item);
  const bytes = code.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const low = view.getUint16(at, true);
    const size = (low & 3) === 3 ? 4 : 2;
    const bits = size === 4 ? view.getUint32(at, true) : low;
    lines.push(
      `${bits
        .toString(16)
        .padStart(size * 2, "0")
        .padStart(8)}  ${disassemble(bits)}`,
    );
    at += size;
  }
  return lines;
}
