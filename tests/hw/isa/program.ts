// Programs of random instructions that record what each of them did.
//
// Registers: three of x1..x31, other ones in each program, belong to the frame of the program:
// T points into the trace, U is free between instructions, S points to the scratch memory.
// All others belong to the instructions under test.
//
//        S - 2048         S        S + 1024        S + 2048
//   +----+----------------+------------+---------------+
//   |    | operands, 256  | scratch: loads, stores, AMOs |     a page ends in its middle
//   +----+----------------+------------+---------------+
//
// A pass of the program sets every register from a table, executes its items, and writes the
// trace and the scratch memory to standard output. An item is a few instructions and what they
// may have changed, which goes to the trace after them.
import { Code, DATA, elf, TEXT } from "./guest.ts";
import type { Random } from "./random.ts";
import {
  decode,
  disassemble,
  encode,
  type Instruction,
  instructions,
  named,
  type Operands,
} from "./table.ts";
import { doubles, integers, randomDouble, randomInteger, randomSingle, singles } from "./values.ts";

const FCSR = 3;
const FRM = 2;
const POOL = { integers: [0, 96], doubles: [96, 176], singles: [176, 256] } as const;
const SCRATCH_SIZE = 2048;
/** Bytes of registers that a pass begins with: fcsr, x1 to x31, f0 to f31. */
const STATE_SIZE = 512;

/** What a trace entry tells: an x or f register, 8 bytes of scratch, or fcsr. */
export type Place = `x${number}` | `f${number}` | `memory ${number}` | "fcsr";

/** One instruction under test. */
interface Step {
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

// ------------------------------------------------------------------- generation ----

const isMemory = (name: string) => /^c?\.?f?[ls][bhwd]u?(sp)?$/.test(name);
const isControl = ({ name }: Instruction) => /^(b(eq|ne|lt|ge)|jal|c\.(b|j))/.test(name);
const isAtomic = ({ name }: Instruction) => /^(amo|lr|sc)/.test(name);

/** What a random step is made of. System calls and traps are for other tests. */
const straight = instructions.filter(
  (row) => !isControl(row) && !/^(ecall|c?\.?ebreak|lr|sc|csr)/.test(row.name),
);
const classes: Instruction[][] = [
  straight.filter(({ name }) => !isMemory(name) && !/^(c\.|f(?!ence)|amo)/.test(name)),
  straight.filter(({ name }) => /^f(?!ence)/.test(name) && !isMemory(name)),
  straight.filter(({ name }) => /^c\./.test(name)),
  straight.filter(({ name }) => isMemory(name)),
  straight.filter(isAtomic),
  straight.filter(({ name }) => /^(mul|div|rem)/.test(name)),
];

/** Bytes that a load or store moves. */
function accessSize(name: string): number {
  const width = /[ls]([bhwd])u?(sp)?$/.exec(name)![1]!;
  return { b: 1, h: 2, w: 4, d: 8 }[width]!;
}

/** Registers that an instruction reads or writes without naming them. */
function implied(name: string): number[] {
  if (/sp/.test(name)) return [2];
  return name === "c.jalr" ? [1] : [];
}

/** Makes steps for a frame. */
export class Maker {
  readonly #random: Random;
  readonly #frame: Frame;
  readonly #reserved: Set<number>;
  /** Registers written lately, which the next instructions read more often. */
  readonly #recent = { r: [5, 6, 7, 8], f: [0, 1, 2, 8] };

  constructor(random: Random, frame: Frame) {
    this.#random = random;
    this.#frame = frame;
    this.#reserved = new Set([frame.T, frame.U, frame.S]);
  }

  #register(field: { name: string; width: number; base: number; not: number[] }): number {
    const recent = this.#recent[field.name[0] as "r" | "f"];
    for (;;) {
      const value = this.#random.oneIn(3)
        ? this.#random.pick(recent)
        : field.base + this.#random.below(2 ** field.width);
      if (value < field.base || value >= field.base + 2 ** field.width) continue;
      if (field.not.includes(value)) continue;
      if (field.name[0] === "r" && this.#reserved.has(value)) continue;
      return value;
    }
  }

  /** Random operands of an instruction, none of them a register of the frame. */
  operands(instruction: Instruction): Operands {
    const random = this.#random;
    const operands: Operands = {};
    for (const field of instruction.fields) {
      if (field.name === "imm") operands.imm = this.#immediate(instruction);
      else if (field.name === "rm") operands.rm = random.pick([0, 1, 2, 3, 4, 7, 7, 7]);
      else if (/^[rf][ds]/.test(field.name)) operands[field.name] = this.#register(field);
      else operands[field.name] = random.below(2 ** field.width);
    }
    return operands;
  }

  #immediate({ imm }: Instruction): number {
    const { signed, nonzero, bits, step } = imm!;
    const random = this.#random;
    const count = 2 ** bits / step;
    for (;;) {
      let value = random.below(count);
      if (random.oneIn(4)) value = random.pick([0, 1, count / 2 - 1, count / 2, count - 1]);
      value *= step;
      if (signed && value >= 2 ** (bits - 1)) value -= 2 ** bits;
      if (value !== 0 || !nonzero) return value;
    }
  }

  /** An encoding that loads an operand from the pool into a source register. */
  #fresh(field: string, register: number, name: string): number[] {
    const wanted = field[0] === "r" ? "integers" : /\.s/.test(name) ? "singles" : "doubles";
    const [from, to] = this.#random.oneIn(8) ? [0, 256] : POOL[wanted];
    const imm = (from + this.#random.below(to - from)) * 8 - SCRATCH_SIZE;
    const load = field[0] === "r" ? "ld" : "fld";
    const operand = { [field[0] === "r" ? "rd" : "fd"]: register, rs1: this.#frame.S, imm };
    return [encode(named(load), operand)];
  }

  /** A place in the scratch memory, often at the end of a page. */
  #place(size: number): number {
    const random = this.#random;
    const room = SCRATCH_SIZE - size;
    switch (random.below(4)) {
      case 0:
        return 1024 - size + random.below(size + 1);
      case 1:
        return random.below(room);
      default:
        return random.below(room / size) * size;
    }
  }

  /** @returns undefined if the instruction cannot be without a register of the frame */
  step(instruction: Instruction, chosen?: Operands): Step | undefined {
    const { name } = instruction;
    if (implied(name).some((register) => this.#reserved.has(register))) return undefined;
    const operands = chosen ?? this.operands(instruction);
    const used = Object.entries(operands);
    if (used.some(([key, value]) => /^r[ds]/.test(key) && this.#reserved.has(value))) {
      return undefined;
    }
    const setup: number[] = [];
    const changes: Place[] = [];
    const after: number[] = [];
    const { S } = this.#frame;
    const sources = used.filter(([key]) => /^[rf]s/.test(key));
    for (const [key, register] of sources) {
      if (this.#random.oneIn(2) && register !== 0) setup.push(...this.#fresh(key, register, name));
    }
    const atomic = isAtomic(instruction);
    if (isMemory(name) || atomic) {
      const base = /sp$/.test(name) ? 2 : operands.rs1!;
      const size = atomic ? (name.endsWith("d") ? 8 : 4) : accessSize(name);
      if (base === 0) return undefined;
      const place = atomic ? this.#random.below(SCRATCH_SIZE / size) * size : this.#place(size);
      // An immediate that brings the base's own offset into addi's range.
      let imm = operands.imm ?? 0;
      if (place - imm > 2047) {
        if (chosen) imm = operands.imm!;
        else imm = operands.imm = Math.min(-imm, 2047);
      }
      if (place - imm > 2047 || place - imm < -2048) return undefined;
      setup.push(encode(named("addi"), { rd: base, rs1: S, imm: place - imm }));
      if (/^(c\.)?f?s/.test(name) || atomic) {
        changes.push(`memory ${place & ~7}`);
        if ((place & 7) + size > 8) changes.push(`memory ${(place & ~7) + 8}`);
      }
      if (base !== operands.rd) changes.push(`x${base}`);
    }
    if (operands.rd !== undefined) changes.push(`x${operands.rd}`);
    if (operands.fd !== undefined) changes.push(`f${operands.fd}`);
    if (name === "c.addi16sp") changes.push("x2");
    this.#note(operands);
    return { setup, bits: encode(instruction, operands), after, changes };
  }

  #note({ rd, fd }: Operands): void {
    if (rd) this.#recent.r[this.#random.below(4)] = rd;
    if (fd !== undefined) this.#recent.f[this.#random.below(4)] = fd;
  }

  /** csrrw and its kin on fflags, frm and fcsr, with a valid frm again after it. */
  #csrStep(): Step {
    const random = this.#random;
    const name = random.pick(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"]);
    const instruction = named(name);
    const operands: Operands = { ...this.operands(instruction), csr: 1 + random.below(3) };
    const { rd: seen } = this.operands(named("lui")) as { rd: number };
    const frm = { rd: 0, csr: FRM, zimm: random.below(5) };
    return {
      setup: [],
      bits: encode(instruction, operands),
      after: [
        encode(named("csrrs"), { rd: seen, csr: FCSR, rs1: 0 }),
        encode(named("csrrwi"), frm),
      ],
      changes: [...new Set<Place>([`x${operands.rd!}`, `x${seen}`])],
    };
  }

  /**
   * LR, perhaps something between, and SC, often of the same address. Both of one width: whether
   * another one's SC succeeds is the implementation's choice.
   */
  #reservation(): Step[] {
    const random = this.#random;
    const width = random.pick(["w", "d"]);
    const load = this.step(named(`lr.${width}`));
    const between = random.oneIn(2) ? [] : [this.step(random.pick(random.pick(classes)))];
    const store = this.step(named(`sc.${width}`));
    if (!load || !store) return [];
    if (!random.oneIn(4)) {
      const { imm: place } = decode(load.setup.at(-1)!)!.operands;
      const { rd } = decode(store.setup.at(-1)!)!.operands;
      const address = { rd: rd!, rs1: this.#frame.S, imm: place! };
      store.setup[store.setup.length - 1] = encode(named("addi"), address);
      store.changes = store.changes.filter((change) => !change.startsWith("memory"));
      store.changes.push(`memory ${place! & ~7}`);
    }
    return [load, ...between, store].filter((step) => step !== undefined);
  }

  /** One or a few instructions in a row. */
  steps(count: number): Step[] {
    const random = this.#random;
    const steps: Step[] = [];
    while (steps.length < count) {
      const kind = random.below(24);
      if (kind === 0) steps.push(this.#csrStep());
      else if (kind === 1) steps.push(...this.#reservation());
      else {
        const step = this.step(random.pick(random.pick(classes)));
        if (step) steps.push(step);
      }
    }
    return steps;
  }

  item(): Item {
    const random = this.#random;
    const count = random.oneIn(2) ? 1 : 2 + random.below(4);
    const item: Item = {
      kind: "steps",
      steps: this.steps(count),
      name: "",
      operands: {},
      setup: [],
    };
    if (!random.oneIn(6)) return item;
    item.kind = random.pick(["branch", "branch", "jump", "indirect", "back", "loop"]);
    const conditional = ["beq", "bne", "blt", "bge", "bltu", "bgeu", "c.beqz", "c.bnez"];
    if (item.kind === "jump") item.name = random.pick(["jal", "c.j"]);
    else if (item.kind === "indirect") item.name = random.pick(["jalr", "c.jr", "c.jalr"]);
    else item.name = random.pick(conditional);
    if (implied(item.name).some((register) => this.#reserved.has(register))) item.name = "c.jr";
    do item.operands = this.operands(named(item.name));
    while (item.kind === "indirect" && item.operands.rs1 === 0);
    // Not one without the other.
    const half = ({ bits }: Step) => /^(lr|sc)/.test(decode(bits)!.instruction.name);
    if (item.kind === "loop") item.steps = item.steps.filter((step) => !half(step));
    if (item.kind === "loop") {
      item.name = "bne";
      const counter = this.#register({ name: "rs1", width: 5, base: 0, not: [0] });
      item.operands = { rs1: counter, rs2: 0 };
      const touches = ({ setup, after, bits }: Step) =>
        [...setup, bits, ...after].some((insn) => {
          const { instruction, operands } = decode(insn)!;
          return operands.rd === counter || implied(instruction.name).includes(counter);
        });
      item.steps = item.steps.filter((step) => !touches(step));
      item.setup = [encode(named("addi"), { rd: counter, rs1: 0, imm: 1 + random.below(4) })];
    }
    for (const [key, register] of Object.entries(item.operands)) {
      const fresh = random.oneIn(2) && register !== 0 && item.kind !== "loop";
      if (fresh && /^rs/.test(key)) item.setup.push(...this.#fresh(key, register, item.name));
    }
    return item;
  }
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

/** Three different registers for the frame. */
export function randomFrame(random: Random): Frame {
  const registers = Array.from({ length: 31 }, (_, i) => i + 1);
  const take = () => registers.splice(random.below(registers.length), 1)[0]!;
  return { T: take(), U: take(), S: take() };
}

/**
 * A random program.
 *
 * @param size how many instructions under test it has at least
 */
export function randomProgram(random: Random, size: number, passes: number): Program {
  const frame = randomFrame(random);
  const maker = new Maker(random, frame);
  const items: Item[] = [];
  for (let count = 0; count < size; ) {
    const before = Math.floor(count / 500);
    const item = maker.item();
    items.push(item);
    count += item.steps.length + (item.name === "" ? 0 : 1);
    if (Math.floor(count / 500) !== before) items.push(dump);
  }
  items.push(dump);
  return programOf(random, frame, items, passes);
}

// --------------------------------------------------------------------- emission ----

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
