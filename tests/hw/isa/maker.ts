// Random instructions with operands that they can work with, one after the other, in branches and
// in loops.
import {
  FCSR,
  type Frame,
  type Item,
  dump,
  type Place,
  POOL,
  type Program,
  programOf,
  SCRATCH_SIZE,
  type Step,
} from "./program.ts";
import type { Random } from "./random.ts";
import { decode, encode, type Instruction, instructions, named, type Operands } from "./table.ts";

const FRM = 2;

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
