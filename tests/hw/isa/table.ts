// Every RV64GC user-mode instruction, copied from the instruction listings of "The RISC-V
// Instruction Set Manual, Volume I: Unprivileged Architecture" and from nothing of the
// simulator: the tests decode, generate and disassemble with this table only.
//
// A row is a name and the fields of the encoding from the most significant bit down, as the
// manual prints them:
//
//   0, 1        fixed bits
//   rd rs1 rs2  integer registers; fd fs1 fs2 fs3 floating-point ones; ' is x8..x15 or f8..f15
//   rd!=0,2     a register that must be none of these
//   imm[..]     which bits of the immediate, signed; uimm[..] unsigned; "nz" in front: not all 0
//   rm          a rounding mode, 0 to 4 or 7
//   name:width  bits that the instruction ignores or takes whatever they are
//
// The first row that fits is the instruction; what fits none is illegal.

const full = `
lui       imm[31:12] rd 0110111
auipc     imm[31:12] rd 0010111
jal       imm[20|10:1|11|19:12] rd 1101111
jalr      imm[11:0] rs1 000 rd 1100111
beq       imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011
bne       imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011
blt       imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011
bge       imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011
bltu      imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011
bgeu      imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011
lb        imm[11:0] rs1 000 rd 0000011
lh        imm[11:0] rs1 001 rd 0000011
lw        imm[11:0] rs1 010 rd 0000011
ld        imm[11:0] rs1 011 rd 0000011
lbu       imm[11:0] rs1 100 rd 0000011
lhu       imm[11:0] rs1 101 rd 0000011
lwu       imm[11:0] rs1 110 rd 0000011
sb        imm[11:5] rs2 rs1 000 imm[4:0] 0100011
sh        imm[11:5] rs2 rs1 001 imm[4:0] 0100011
sw        imm[11:5] rs2 rs1 010 imm[4:0] 0100011
sd        imm[11:5] rs2 rs1 011 imm[4:0] 0100011
addi      imm[11:0] rs1 000 rd 0010011
slti      imm[11:0] rs1 010 rd 0010011
sltiu     imm[11:0] rs1 011 rd 0010011
xori      imm[11:0] rs1 100 rd 0010011
ori       imm[11:0] rs1 110 rd 0010011
andi      imm[11:0] rs1 111 rd 0010011
slli      000000 uimm[5:0] rs1 001 rd 0010011
srli      000000 uimm[5:0] rs1 101 rd 0010011
srai      010000 uimm[5:0] rs1 101 rd 0010011
addiw     imm[11:0] rs1 000 rd 0011011
slliw     0000000 uimm[4:0] rs1 001 rd 0011011
srliw     0000000 uimm[4:0] rs1 101 rd 0011011
sraiw     0100000 uimm[4:0] rs1 101 rd 0011011
add       0000000 rs2 rs1 000 rd 0110011
sub       0100000 rs2 rs1 000 rd 0110011
sll       0000000 rs2 rs1 001 rd 0110011
slt       0000000 rs2 rs1 010 rd 0110011
sltu      0000000 rs2 rs1 011 rd 0110011
xor       0000000 rs2 rs1 100 rd 0110011
srl       0000000 rs2 rs1 101 rd 0110011
sra       0100000 rs2 rs1 101 rd 0110011
or        0000000 rs2 rs1 110 rd 0110011
and       0000000 rs2 rs1 111 rd 0110011
addw      0000000 rs2 rs1 000 rd 0111011
subw      0100000 rs2 rs1 000 rd 0111011
sllw      0000000 rs2 rs1 001 rd 0111011
srlw      0000000 rs2 rs1 101 rd 0111011
sraw      0100000 rs2 rs1 101 rd 0111011
fence     fm:4 pred:4 succ:4 any1:5 000 any2:5 0001111
fence.i   any3:12 any1:5 001 any2:5 0001111
ecall     000000000000 00000 000 00000 1110011
ebreak    000000000001 00000 000 00000 1110011
csrrw     csr:12 rs1 001 rd 1110011
csrrs     csr:12 rs1 010 rd 1110011
csrrc     csr:12 rs1 011 rd 1110011
csrrwi    csr:12 zimm:5 101 rd 1110011
csrrsi    csr:12 zimm:5 110 rd 1110011
csrrci    csr:12 zimm:5 111 rd 1110011
mul       0000001 rs2 rs1 000 rd 0110011
mulh      0000001 rs2 rs1 001 rd 0110011
mulhsu    0000001 rs2 rs1 010 rd 0110011
mulhu     0000001 rs2 rs1 011 rd 0110011
div       0000001 rs2 rs1 100 rd 0110011
divu      0000001 rs2 rs1 101 rd 0110011
rem       0000001 rs2 rs1 110 rd 0110011
remu      0000001 rs2 rs1 111 rd 0110011
mulw      0000001 rs2 rs1 000 rd 0111011
divw      0000001 rs2 rs1 100 rd 0111011
divuw     0000001 rs2 rs1 101 rd 0111011
remw      0000001 rs2 rs1 110 rd 0111011
remuw     0000001 rs2 rs1 111 rd 0111011
lr.w      00010 order:2 00000 rs1 010 rd 0101111
sc.w      00011 order:2 rs2 rs1 010 rd 0101111
amoswap.w 00001 order:2 rs2 rs1 010 rd 0101111
amoadd.w  00000 order:2 rs2 rs1 010 rd 0101111
amoxor.w  00100 order:2 rs2 rs1 010 rd 0101111
amoand.w  01100 order:2 rs2 rs1 010 rd 0101111
amoor.w   01000 order:2 rs2 rs1 010 rd 0101111
amomin.w  10000 order:2 rs2 rs1 010 rd 0101111
amomax.w  10100 order:2 rs2 rs1 010 rd 0101111
amominu.w 11000 order:2 rs2 rs1 010 rd 0101111
amomaxu.w 11100 order:2 rs2 rs1 010 rd 0101111
lr.d      00010 order:2 00000 rs1 011 rd 0101111
sc.d      00011 order:2 rs2 rs1 011 rd 0101111
amoswap.d 00001 order:2 rs2 rs1 011 rd 0101111
amoadd.d  00000 order:2 rs2 rs1 011 rd 0101111
amoxor.d  00100 order:2 rs2 rs1 011 rd 0101111
amoand.d  01100 order:2 rs2 rs1 011 rd 0101111
amoor.d   01000 order:2 rs2 rs1 011 rd 0101111
amomin.d  10000 order:2 rs2 rs1 011 rd 0101111
amomax.d  10100 order:2 rs2 rs1 011 rd 0101111
amominu.d 11000 order:2 rs2 rs1 011 rd 0101111
amomaxu.d 11100 order:2 rs2 rs1 011 rd 0101111
flw       imm[11:0] rs1 010 fd 0000111
fsw       imm[11:5] fs2 rs1 010 imm[4:0] 0100111
fld       imm[11:0] rs1 011 fd 0000111
fsd       imm[11:5] fs2 rs1 011 imm[4:0] 0100111
fmadd.s   fs3 00 fs2 fs1 rm fd 1000011
fmsub.s   fs3 00 fs2 fs1 rm fd 1000111
fnmsub.s  fs3 00 fs2 fs1 rm fd 1001011
fnmadd.s  fs3 00 fs2 fs1 rm fd 1001111
fmadd.d   fs3 01 fs2 fs1 rm fd 1000011
fmsub.d   fs3 01 fs2 fs1 rm fd 1000111
fnmsub.d  fs3 01 fs2 fs1 rm fd 1001011
fnmadd.d  fs3 01 fs2 fs1 rm fd 1001111
fadd.s    0000000 fs2 fs1 rm fd 1010011
fsub.s    0000100 fs2 fs1 rm fd 1010011
fmul.s    0001000 fs2 fs1 rm fd 1010011
fdiv.s    0001100 fs2 fs1 rm fd 1010011
fsqrt.s   0101100 00000 fs1 rm fd 1010011
fsgnj.s   0010000 fs2 fs1 000 fd 1010011
fsgnjn.s  0010000 fs2 fs1 001 fd 1010011
fsgnjx.s  0010000 fs2 fs1 010 fd 1010011
fmin.s    0010100 fs2 fs1 000 fd 1010011
fmax.s    0010100 fs2 fs1 001 fd 1010011
fcvt.w.s  1100000 00000 fs1 rm rd 1010011
fcvt.wu.s 1100000 00001 fs1 rm rd 1010011
fcvt.l.s  1100000 00010 fs1 rm rd 1010011
fcvt.lu.s 1100000 00011 fs1 rm rd 1010011
fmv.x.w   1110000 00000 fs1 000 rd 1010011
feq.s     1010000 fs2 fs1 010 rd 1010011
flt.s     1010000 fs2 fs1 001 rd 1010011
fle.s     1010000 fs2 fs1 000 rd 1010011
fclass.s  1110000 00000 fs1 001 rd 1010011
fcvt.s.w  1101000 00000 rs1 rm fd 1010011
fcvt.s.wu 1101000 00001 rs1 rm fd 1010011
fcvt.s.l  1101000 00010 rs1 rm fd 1010011
fcvt.s.lu 1101000 00011 rs1 rm fd 1010011
fmv.w.x   1111000 00000 rs1 000 fd 1010011
fadd.d    0000001 fs2 fs1 rm fd 1010011
fsub.d    0000101 fs2 fs1 rm fd 1010011
fmul.d    0001001 fs2 fs1 rm fd 1010011
fdiv.d    0001101 fs2 fs1 rm fd 1010011
fsqrt.d   0101101 00000 fs1 rm fd 1010011
fsgnj.d   0010001 fs2 fs1 000 fd 1010011
fsgnjn.d  0010001 fs2 fs1 001 fd 1010011
fsgnjx.d  0010001 fs2 fs1 010 fd 1010011
fmin.d    0010101 fs2 fs1 000 fd 1010011
fmax.d    0010101 fs2 fs1 001 fd 1010011
fcvt.s.d  0100000 00001 fs1 rm fd 1010011
fcvt.d.s  0100001 00000 fs1 rm fd 1010011
feq.d     1010001 fs2 fs1 010 rd 1010011
flt.d     1010001 fs2 fs1 001 rd 1010011
fle.d     1010001 fs2 fs1 000 rd 1010011
fclass.d  1110001 00000 fs1 001 rd 1010011
fcvt.w.d  1100001 00000 fs1 rm rd 1010011
fcvt.wu.d 1100001 00001 fs1 rm rd 1010011
fcvt.l.d  1100001 00010 fs1 rm rd 1010011
fcvt.lu.d 1100001 00011 fs1 rm rd 1010011
fmv.x.d   1110001 00000 fs1 000 rd 1010011
fcvt.d.w  1101001 00000 rs1 rm fd 1010011
fcvt.d.wu 1101001 00001 rs1 rm fd 1010011
fcvt.d.l  1101001 00010 rs1 rm fd 1010011
fcvt.d.lu 1101001 00011 rs1 rm fd 1010011
fmv.d.x   1111001 00000 rs1 000 fd 1010011
`;

const compressed = `
c.addi4spn 000 nzuimm[5:4|9:6|2|3] rd' 00
c.fld      001 uimm[5:3] rs1' uimm[7:6] fd' 00
c.lw       010 uimm[5:3] rs1' uimm[2|6] rd' 00
c.ld       011 uimm[5:3] rs1' uimm[7:6] rd' 00
c.fsd      101 uimm[5:3] rs1' uimm[7:6] fs2' 00
c.sw       110 uimm[5:3] rs1' uimm[2|6] rs2' 00
c.sd       111 uimm[5:3] rs1' uimm[7:6] rs2' 00
c.addi     000 imm[5] rd imm[4:0] 01
c.addiw    001 imm[5] rd!=0 imm[4:0] 01
c.li       010 imm[5] rd imm[4:0] 01
c.addi16sp 011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01
c.lui      011 nzimm[17] rd!=2 nzimm[16:12] 01
c.srli     100 uimm[5] 00 rd' uimm[4:0] 01
c.srai     100 uimm[5] 01 rd' uimm[4:0] 01
c.andi     100 imm[5] 10 rd' imm[4:0] 01
c.sub      100 0 11 rd' 00 rs2' 01
c.xor      100 0 11 rd' 01 rs2' 01
c.or       100 0 11 rd' 10 rs2' 01
c.and      100 0 11 rd' 11 rs2' 01
c.subw     100 1 11 rd' 00 rs2' 01
c.addw     100 1 11 rd' 01 rs2' 01
c.j        101 imm[11|4|9:8|10|6|7|3:1|5] 01
c.beqz     110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01
c.bnez     111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01
c.slli     000 uimm[5] rd uimm[4:0] 10
c.fldsp    001 uimm[5] fd uimm[4:3|8:6] 10
c.lwsp     010 uimm[5] rd!=0 uimm[4:2|7:6] 10
c.ldsp     011 uimm[5] rd!=0 uimm[4:3|8:6] 10
c.jr       100 0 rs1!=0 00000 10
c.mv       100 0 rd rs2!=0 10
c.ebreak   100 1 00000 00000 10
c.jalr     100 1 rs1!=0 00000 10
c.add      100 1 rd rs2!=0 10
c.fsdsp    101 uimm[5:3|8:6] fs2 10
c.swsp     110 uimm[5:2|7:6] rs2 10
c.sdsp     111 uimm[5:3|8:6] rs2 10
`;

/** Bits [low, low + width) of an encoding. */
export interface Field {
  name: string;
  low: number;
  width: number;
  /** Immediates: which bit of the immediate each bit of the field is, from the lowest. */
  places?: number[];
  /** Registers: 8 for those that are named with 3 bits. */
  base: number;
  /** Values that make another instruction of it, or none. */
  not: number[];
}

export interface Instruction {
  name: string;
  /** Bytes. */
  size: 2 | 4;
  mask: number;
  match: number;
  fields: Field[];
  /** The immediate, if there is one. */
  imm?: { signed: boolean; nonzero: boolean; bits: number; step: number };
}

/** "20|10:1|11" as the bits it lists, from the lowest of the field. */
function listBits(text: string): number[] {
  return text
    .split("|")
    .flatMap((range) => {
      const [high, low = high] = range.split(":").map(Number) as [number, number?];
      return Array.from({ length: high! - low! + 1 }, (_, i) => high! - i);
    })
    .reverse();
}

function parseField(token: string): Omit<Field, "low"> & { kind: string } {
  const immediate = /^(n?z?)(u?)imm\[(.*)\]$/.exec(token);
  if (immediate) {
    const places = listBits(immediate[3]!);
    const kind = immediate[1]! + immediate[2]!;
    return { kind, name: "imm", width: places.length, places, base: 0, not: [] };
  }
  const sized = /^(\w+):(\d+)$/.exec(token);
  if (sized) return { kind: "", name: sized[1]!, width: Number(sized[2]), base: 0, not: [] };
  if (token === "rm") return { kind: "", name: token, width: 3, base: 0, not: [5, 6] };
  const register = /^([rf][ds][123]?)('?)(?:!=([\d,]+))?$/.exec(token);
  if (!register) throw new Error(`unknown field ${token}`);
  const not = register[3]?.split(",").map(Number) ?? [];
  const short = register[2] !== "";
  return { kind: "", name: register[1]!, width: short ? 3 : 5, base: short ? 8 : 0, not };
}

function parseRow(size: 2 | 4, row: string): Instruction {
  const [name, ...tokens] = row.split(/\s+/) as [string, ...string[]];
  const result: Instruction = { name, size, mask: 0, match: 0, fields: [] };
  let low = 0;
  for (const token of tokens.reverse()) {
    if (/^[01]+$/.test(token)) {
      result.mask += (2 ** token.length - 1) * 2 ** low;
      result.match += Number.parseInt(token, 2) * 2 ** low;
      low += token.length;
      continue;
    }
    const { kind, ...field } = parseField(token);
    result.fields.push({ ...field, low });
    low += field.width;
    if (field.places) {
      const bits = Math.max(result.imm?.bits ?? 0, ...field.places.map((place) => place + 1));
      const lowest = Math.min(...field.places);
      const step = Math.min(result.imm?.step ?? 2 ** 31, 2 ** lowest);
      result.imm = { signed: !kind.endsWith("u"), nonzero: kind.startsWith("nz"), bits, step };
    }
  }
  if (low !== size * 8) throw new Error(`${name} has ${low} bits`);
  return result;
}

const rows = (size: 2 | 4, text: string) =>
  text
    .trim()
    .split("\n")
    .map((row) => parseRow(size, row));

/** All instructions, 32-bit ones first. */
export const instructions: readonly Instruction[] = [...rows(4, full), ...rows(2, compressed)];

const byName = new Map(instructions.map((instruction) => [instruction.name, instruction]));

/** The instruction of this name. */
export function named(name: string): Instruction {
  const found = byName.get(name);
  if (!found) throw new Error(`no instruction ${name}`);
  return found;
}

/** An encoding's registers (x or f numbers), immediate (`imm`) and other fields, by name. */
export type Operands = Record<string, number>;

function operandsOf(instruction: Instruction, bits: number): Operands {
  const operands: Operands = {};
  for (const { name, low, width, places, base } of instruction.fields) {
    const value = Math.floor(bits / 2 ** low) % 2 ** width;
    if (!places) operands[name] = value + base;
    else {
      operands[name] ??= 0;
      places.forEach((place, i) => {
        if ((value >> i) & 1) operands[name]! += 2 ** place;
      });
    }
  }
  const { imm } = instruction;
  if (imm?.signed && operands.imm! >= 2 ** (imm.bits - 1)) operands.imm! -= 2 ** imm.bits;
  return operands;
}

const counters = [0xc00, 0xc01, 0xc02];
const writable = [0x001, 0x002, 0x003];

/** Zicsr: does the register exist in user mode, and may this instruction do that to it? */
function csrAllowed(name: string, operands: Operands): boolean {
  const csr = operands.csr!;
  if (writable.includes(csr)) return true;
  if (!counters.includes(csr)) return false;
  const source = operands.rs1 ?? operands.zimm;
  return !name.startsWith("csrrw") && source === 0;
}

const byOpcode = new Map<number, Instruction[]>();
for (const instruction of instructions) {
  // The low 7 bits of a 32-bit instruction, the low 2 of a compressed one are always fixed.
  const keys = instruction.size === 4 ? [instruction.match & 127] : [instruction.match & 3];
  for (const key of keys) byOpcode.set(key, [...(byOpcode.get(key) ?? []), instruction]);
}

export interface Decoded {
  instruction: Instruction;
  operands: Operands;
}

/**
 * Decodes one instruction of user mode.
 *
 * @param bits 32 bits, of which a compressed instruction uses the low 16.
 * @returns undefined for an illegal or reserved encoding; HINTs are instructions.
 */
export function decode(bits: number): Decoded | undefined {
  const short = (bits & 3) !== 3;
  const encoding = short ? bits & 0xffff : bits >>> 0;
  for (const instruction of byOpcode.get(encoding & (short ? 3 : 127)) ?? []) {
    if ((encoding & instruction.mask) >>> 0 !== instruction.match) continue;
    const operands = operandsOf(instruction, encoding);
    if (instruction.imm?.nonzero && operands.imm === 0) continue;
    if (instruction.fields.some(({ name, not }) => not.includes(operands[name]!))) continue;
    if (instruction.name.startsWith("csr") && !csrAllowed(instruction.name, operands)) continue;
    return { instruction, operands };
  }
  return undefined;
}

/**
 * The encoding of an instruction.
 *
 * @param operands by field name; what is left out is 0 (registers of 3 bits: 8).
 * @throws when an operand does not fit.
 */
export function encode(instruction: Instruction, operands: Operands): number {
  const { imm } = instruction;
  const immediate = operands.imm ?? 0;
  if (imm) {
    const end = imm.signed ? 2 ** (imm.bits - 1) : 2 ** imm.bits;
    const first = imm.signed ? -end : 0;
    if (immediate < first || immediate >= end || immediate % imm.step !== 0) {
      throw new Error(`${instruction.name}: immediate ${immediate} does not fit`);
    }
  }
  let bits = instruction.match;
  for (const { name, low, width, places, base } of instruction.fields) {
    let value = 0;
    if (!places) value = (operands[name] ?? base) - base;
    else for (let i = 0; i < width; i++) value += ((immediate >> places[i]!) & 1) * 2 ** i;
    if (value < 0 || value >= 2 ** width) {
      throw new Error(`${instruction.name}: ${name} = ${operands[name]} does not fit`);
    }
    bits += value * 2 ** low;
  }
  return bits;
}

/** An encoding for people to read; 16- and 32-bit words that are no instruction in hex. */
export function disassemble(bits: number): string {
  const decoded = decode(bits);
  if (!decoded) {
    const short = (bits & 3) !== 3;
    return `.${short ? "half" : "word"} 0x${(short ? bits & 0xffff : bits >>> 0).toString(16)}`;
  }
  const { instruction, operands } = decoded;
  const shown = [...new Set(instruction.fields.map(({ name }) => name))].map((name) => {
    const value = operands[name]!;
    if (/^r[ds]/.test(name)) return `${name}=x${value}`;
    if (/^f[ds]/.test(name)) return `${name}=f${value}`;
    return `${name}=${name === "csr" ? `0x${value.toString(16)}` : value}`;
  });
  return [instruction.name, shown.join(" ")].join(" ").trim();
}
