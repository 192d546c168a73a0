// Programs of two instructions in a row, every one followed by every other: an implementation may
// execute two in one step, and this one does so with common ones. Nothing stands between the two
// but what both need, and registers that the second has from the first are as likely as others.
import type { Item, Place, Program } from "./program.ts";
import { dump, programOf } from "./program.ts";
import { Random } from "./random.ts";
import { encode, type Instruction, instructions, named, type Operands } from "./table.ts";

/** An instruction, perhaps with some operands given: what assemblers know by another name. */
export interface Form {
  instruction: Instruction;
  fixed: Operands;
}

const idioms: [string, Operands][] = [
  ["addi", { imm: 0 }],
  ["addi", { rs1: 0 }],
  ["add", { rs1: 0 }],
  ["addiw", { imm: 0 }],
  ["c.addiw", { imm: 0 }],
  ["c.addi", { imm: 0 }],
  ["addi", { rd: 0 }],
  ["sub", { rs1: 0 }],
  ["xori", { imm: -1 }],
  ["andi", { imm: 255 }],
  ...["beq", "bne", "blt", "bge"].map((name): [string, Operands] => [name, { rs2: 0 }]),
  ...["blt", "bge"].map((name): [string, Operands] => [name, { rs1: 0 }]),
  ["jal", { rd: 0 }],
];

const left = /^(ecall|c?\.?ebreak|csr|lr|sc|amo|fence|f\w*\.s|fcvt\.[lws]|fclass|fm(in|ax)|jalr$)/;
const plain = instructions.filter(({ name }) => !left.test(name));

export const forms: readonly Form[] = [
  ...plain.map((instruction) => ({ instruction, fixed: {} })),
  ...idioms.map(([name, fixed]) => ({ instruction: named(name), fixed })),
];

export const FRAME = { T: 28, U: 29, S: 30 };
/** Few registers, so that they often meet; all of them are those of compressed instructions. */
const X = [8, 9, 10, 11, 12, 13];
const F = [8, 9, 10];
/** Only addresses are here. */
const [BASE_1, BASE_2] = [14, 15];
const SP = 2;

export const kindOf = (name: string) => {
  if (/^(b|c\.b)/.test(name)) return "branch";
  if (/^(jal|c\.j)$/.test(name)) return "jump";
  if (/^c\.j(al)?r$/.test(name)) return "indirect";
  return /^(c\.)?f?[ls][bhwd]u?(sp)?$/.test(name) ? "memory" : "plain";
};

export interface Part {
  bits: number;
  setup: number[];
  changes: Place[];
  operands: Operands;
}

/** Which of the second's sources is the first's result. */
type Relation = "none" | "first" | "second" | "pointer";

/** Operands for a form. @param from the first one's rd and fd, for the second to use */
export function part(
  random: Random,
  form: Form,
  base: number,
  from: Operands = {},
  relation: Relation = "none",
): Part {
  const { instruction, fixed } = form;
  const { name, imm } = instruction;
  const operands: Operands = {};
  const memory = kindOf(name) === "memory";
  const given = { r: X.find((register) => register === from.rd), f: from.fd };
  // A store's first source is its address.
  const related = relation === "first" ? ["rs1", "fs1"] : ["rs2", "fs2", "fs3"];
  for (const { name: key } of instruction.fields) {
    if (key === "imm" || fixed[key] !== undefined) continue;
    if (key === "rm") operands.rm = random.pick([0, 7, 7, random.below(5)]);
    else if (memory && key === "rs1") operands.rs1 = base;
    else {
      const bank = key[0] as "r" | "f";
      const shared = /^.d/.test(key)
        ? random.oneIn(4)
        : relation !== "none" && related.includes(key);
      operands[key] = (shared ? given[bank] : undefined) ?? random.pick(bank === "r" ? X : F);
    }
  }
  if (imm && fixed.imm === undefined) {
    const { signed, nonzero, bits, step } = imm;
    do {
      const value = random.below(2 ** bits / step) * step;
      operands.imm = signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
    } while (nonzero && operands.imm === 0);
  }
  Object.assign(operands, fixed);
  const setup: number[] = [];
  const changes: Place[] = [];
  const stackPointer = /sp/.test(name);
  if (memory) {
    const size = { b: 1, h: 2, w: 4, d: 8 }[/([bhwd])u?(sp)?$/.exec(name)![1]!]!;
    // Mostly aligned; sometimes over the end of a page.
    const place = random.oneIn(8) ? 1024 - random.below(size) : random.below(1024 / size) * size;
    const register = stackPointer ? SP : base;
    if (operands.imm! < 0) operands.imm = -1 - operands.imm!;
    setup.push(encode(named("addi"), { rd: register, rs1: FRAME.S, imm: place - operands.imm! }));
    if (/^(c\.)?f?s/.test(name)) {
      changes.push(`memory ${place & ~7}`);
      if ((place & 7) + size > 8) changes.push(`memory ${(place & ~7) + 8}`);
    }
  } else if (stackPointer) {
    setup.push(encode(named("addi"), { rd: SP, rs1: FRAME.S, imm: 16 }));
    changes.push(`x${SP}`);
  }
  if (operands.rd !== undefined) changes.push(`x${operands.rd}`);
  if (operands.fd !== undefined) changes.push(`f${operands.fd}`);
  return { bits: encode(instruction, operands), setup, changes, operands };
}

/** The two in a row. @returns undefined for two that cannot be */
function pair(random: Random, first: Form, second: Form, relation: Relation): Item | undefined {
  const one = part(random, first, BASE_1);
  const two = part(random, second, BASE_2, one.operands, relation);
  const kinds = [kindOf(first.instruction.name), kindOf(second.instruction.name)] as const;
  // Setting up the second's stack pointer must not be what the first has for a base.
  const setup = [...one.setup, ...two.setup];
  const written = one.operands.rd;
  // A pointer that the first gives to the second.
  if (relation === "pointer") {
    if (kinds[1] !== "memory" || two.operands.rs1 !== BASE_2 || written === undefined) {
      return undefined;
    }
    const name = first.instruction.name;
    const address = encode(named("addi"), { rd: BASE_2, rs1: FRAME.S, imm: 512 });
    if (/^(c\.mv|c\.add)$/.test(name) || (name === "add" && first.fixed.rs1 === 0)) {
      const sum = { ...one.operands, rd: BASE_2, rs1: name === "add" ? 0 : BASE_2, rs2: 13 };
      const other = encode(named("addi"), { rd: 13, rs1: name === "c.add" ? 0 : FRAME.S, imm: 64 });
      one.bits = encode(first.instruction, name[0] === "c" ? { rd: BASE_2, rs2: 13 } : sum);
      setup.push(address, other);
    } else if (name === "c.addi") {
      one.bits = encode(first.instruction, { rd: BASE_2, imm: first.fixed.imm ?? 8 });
      setup.push(address);
    } else if (name === "addi" && first.fixed.rs1 === undefined && first.fixed.rd === undefined) {
      one.bits = encode(first.instruction, { rd: BASE_2, rs1: BASE_2, imm: first.fixed.imm ?? 8 });
      setup.push(address);
    } else if (name === "ld" || name === "c.ld") {
      // It loads the second's address from the place of the first's.
      const imm = 256;
      const place = { rs2: 13, rs1: FRAME.S, imm };
      setup.push(encode(named("addi"), { rd: 13, rs1: FRAME.S, imm: 512 }));
      setup.push(encode(named("sd"), place));
      const at = { rd: BASE_1, rs1: FRAME.S, imm: imm - one.operands.imm! };
      setup.push(encode(named("addi"), at));
      one.bits = encode(first.instruction, { ...one.operands, rd: BASE_2, rs1: BASE_1 });
    } else if (name === "auipc" && !/^(c\.)?f?s/.test(second.instruction.name)) {
      one.bits = encode(first.instruction, { rd: BASE_2, imm: 0 });
    } else return undefined;
    one.changes.push(`x${BASE_2}`);
    two.changes.push(`memory 512`, `memory 520`);
  }
  // So that the last of the setup is not itself taken together with the first.
  setup.push(encode(named("c.addi"), {}));
  const step = { setup: [], bits: two.bits, after: [], changes: two.changes };
  const transfer = (form: Form, operands: Operands) => {
    const { name } = form.instruction;
    const full: Operands = { ...operands };
    delete full.imm;
    return { name, operands: full };
  };
  if (kinds[0] === "branch" && kinds[1] === "jump") {
    // Taken: to the end. Else over one instruction, and then another.
    const size = second.instruction.size;
    const { rd } = two.operands;
    const bits = encode(second.instruction, { ...(rd === undefined ? {} : { rd }), imm: size + 2 });
    const add = encode(named("c.addi"), { rd: X[0]!, imm: 1 });
    const jump = { ...step, bits, changes: [...two.changes, `x${X[0]!}` as const] };
    const steps = [jump, ...[add, add].map((insn) => ({ ...step, bits: insn, changes: [] }))];
    return { kind: "branch", steps, setup, ...transfer(first, one.operands) };
  }
  if (kinds[1] === "branch" || kinds[1] === "jump") {
    if (kinds[0] !== "plain" && kinds[0] !== "memory") return undefined;
    const control = transfer(second, two.operands);
    const before = { bits: one.bits, changes: one.changes };
    return { kind: kinds[1], steps: [], setup, before, ...control };
  }
  if (kinds[1] === "indirect") {
    // The first may not change the target.
    if (kinds[0] !== "plain" && kinds[0] !== "memory") return undefined;
    const before = { bits: one.bits, changes: one.changes };
    const operands = { rs1: BASE_2 };
    return { kind: "indirect", steps: [], setup, before, name: second.instruction.name, operands };
  }
  if (kinds[0] === "branch" || kinds[0] === "jump") {
    return { kind: kinds[0], steps: [step], setup, ...transfer(first, one.operands) };
  }
  if (kinds[0] === "indirect") {
    const operands = { rs1: BASE_1 };
    return { kind: "indirect", steps: [step], setup, name: first.instruction.name, operands };
  }
  const alone = { setup, bits: one.bits, after: [], changes: one.changes };
  return { kind: "steps", steps: [alone, step], name: "", operands: {}, setup: [] };
}

/** Each form followed by each, with each relation of their registers that they can have. */
export function pairsProgram(seed: bigint, passes: number): Program {
  const random = new Random(seed);
  const items: Item[] = [];
  for (const first of forms) {
    for (const second of forms) {
      for (const relation of ["none", "first", "second", "pointer"] as const) {
        const item = pair(random, first, second, relation);
        if (item) items.push(item);
      }
    }
    items.push(dump);
  }
  return programOf(random, FRAME, items, passes);
}

/** Each form before a jump or branch, where a page of code ends: within, between or after them. */
export function pageEndProgram(seed: bigint, passes: number): Program {
  const random = new Random(seed);
  const items: Item[] = [];
  const transfers = forms.filter(({ instruction: { name } }) =>
    /^(jal|c\.j|c\.jr|beq|bge|c\.bnez)$/.test(name),
  );
  for (const first of forms) {
    for (const second of transfers) {
      const item = pair(random, first, second, "none");
      if (!item) continue;
      // A target in the next page needs something to go over.
      const over = pair(random, { instruction: named("addi"), fixed: {} }, second, "none")!.before!;
      const step = { setup: [], after: [], ...over };
      const steps = item.steps.length > 0 ? item.steps : [step, step];
      items.push({ ...item, steps, pageEnd: random.pick([2, 4, 6, 8]) });
    }
  }
  return programOf(random, FRAME, items, passes);
}
