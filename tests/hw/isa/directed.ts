// Programs that hold each form of an instruction once: every compressed encoding, and every load
// and store at each distance from a page's end.
import { Maker } from "./maker.ts";
import { type Frame, type Item, type Program, programOf } from "./program.ts";
import { Random } from "./random.ts";
import { decode, encode, type Instruction, instructions, named } from "./table.ts";

/** No two have a register in common, so each pair of registers is free in one of them. */
const frames: Frame[] = [
  { T: 28, U: 29, S: 30 },
  { T: 18, U: 19, S: 20 },
  { T: 5, U: 6, S: 7 },
];

const control = /^c\.(j|b|ebreak)/;

function itemOf(maker: Maker, instruction: Instruction, bits: number): Item | undefined {
  const step = maker.step(instruction, decode(bits)!.operands);
  if (!step) return undefined;
  return { kind: "steps", steps: [step], name: "", operands: {}, setup: [] };
}

/** Every 16-bit instruction that is no jump, branch or breakpoint, once, HINTs among them. */
export function compressedPrograms(passes: number): { programs: Program[]; encodings: number } {
  const left = new Map<number, Instruction>();
  for (let bits = 0; bits < 0x10000; bits++) {
    const decoded = (bits & 3) === 3 ? undefined : decode(bits);
    if (decoded && !control.test(decoded.instruction.name)) left.set(bits, decoded.instruction);
  }
  const encodings = left.size;
  const programs = frames.map((frame, i) => {
    const random = new Random(BigInt(100 + i));
    const maker = new Maker(random, frame);
    const items: Item[] = [];
    for (const [bits, instruction] of left) {
      const item = itemOf(maker, instruction, bits);
      if (!item) continue;
      items.push(item);
      left.delete(bits);
    }
    return programOf(random, frame, items, passes);
  });
  if (left.size > 0) throw new Error(`no frame for ${left.size} encodings`);
  return { programs, encodings };
}

const sizes: [RegExp, number][] = [
  [/bu?$/, 1],
  [/hu?$/, 2],
  [/wu?$/, 4],
  [/d$/, 8],
];

/** The 32-bit loads and stores, with the number of bytes each moves. */
export const memory = instructions
  .filter(({ name }) => /^f?[ls][bhwd]u?$/.test(name))
  .map((instruction) => {
    const [, size] = sizes.find(([end]) => end.test(instruction.name))!;
    return { instruction, size };
  });

/**
 * Every load and store at each place about the end of a page (1024 of the scratch memory), with
 * the least, greatest and other immediates, and with each alias of its registers.
 */
export function memoryProgram(passes: number): Program {
  const random = new Random(200n);
  const frame = frames[0]!;
  const items: Item[] = [];
  for (const { instruction, size } of memory) {
    const { name } = instruction;
    const loads = /^f?l/.test(name);
    const data = loads ? (name[0] === "f" ? "fd" : "rd") : name[0] === "f" ? "fs2" : "rs2";
    for (let place = 1024 - 17; place <= 1024 + 9; place++) {
      for (const imm of [0, 1, -1, 2047, -1024, 1000]) {
        if (place - imm < -2048 || place - imm > 2047) continue;
        // rd = x0 or rs1 = rd among them; a store of its own base.
        for (const [base, register] of [
          [10, 11],
          [10, 10],
          [10, 0],
          [31, 31],
        ]) {
          const operands = { rs1: base!, [data]: register!, imm };
          const step = {
            setup: [encode(named("addi"), { rd: base!, rs1: frame.S, imm: place - imm })],
            bits: encode(instruction, operands),
            after: [],
            changes: loads
              ? [`${data[0] === "f" ? "f" : "x"}${register!}` as const]
              : [`memory ${place & ~7}` as const, `memory ${(place + size - 1) & ~7}` as const],
          };
          items.push({ kind: "steps", steps: [step], name: "", operands: {}, setup: [] });
        }
      }
    }
  }
  return programOf(random, frame, items, passes);
}
