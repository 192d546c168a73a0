// Encodings of the few instructions that the processor's tests are written with.

/** Register-register operations of opcode 0x33: funct7 and funct3. */
const REGISTER = {
  add: [0, 0],
  sub: [0x20, 0],
  sltu: [0, 3],
  xor: [0, 4],
  mul: [1, 0],
} as const;

const iType = (op: number, funct3: number, rd: number, rs1: number, imm: number) =>
  (((imm & 0xfff) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | op) >>> 0;

const sType = (op: number, funct3: number, rs2: number, rs1: number, imm: number) =>
  ((((imm >> 5) & 127) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (funct3 << 12) |
    ((imm & 31) << 7) |
    op) >>>
  0;

/** An R-type instruction. */
export function word(name: keyof typeof REGISTER, rd: number, rs1: number, rs2: number) {
  const [funct7, funct3] = REGISTER[name];
  return ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | 0x33) >>> 0;
}

export const addi = (rd: number, rs1: number, imm: number) => iType(0x13, 0, rd, rs1, imm);
export const lw = (rd: number, rs1: number, imm: number) => iType(0x03, 2, rd, rs1, imm);
export const ld = (rd: number, rs1: number, imm: number) => iType(0x03, 3, rd, rs1, imm);
export const sw = (rs2: number, rs1: number, imm: number) => sType(0x23, 2, rs2, rs1, imm);
export const sd = (rs2: number, rs1: number, imm: number) => sType(0x23, 3, rs2, rs1, imm);
export const jalr = (rd: number, rs1: number, imm: number) => iType(0x67, 0, rd, rs1, imm);
export const lui = (rd: number, upper: number) => ((upper << 12) | (rd << 7) | 0x37) >>> 0;
export const auipc = (rd: number, upper: number) => ((upper << 12) | (rd << 7) | 0x17) >>> 0;
export const ecall = 0x73;
export const ebreak = 0x100073;
export const fenceI = 0x100f;

function branch(funct3: number, rs1: number, rs2: number, distance: number) {
  const bits = (high: number, low: number) => (distance >> low) & ((1 << (high - low + 1)) - 1);
  const upper = (bits(12, 12) << 31) | (bits(10, 5) << 25);
  const lower = (bits(4, 1) << 8) | (bits(11, 11) << 7);
  return (upper | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | lower | 0x63) >>> 0;
}

export const beq = (rs1: number, rs2: number, distance: number) => branch(0, rs1, rs2, distance);
export const bne = (rs1: number, rs2: number, distance: number) => branch(1, rs1, rs2, distance);

export function jal(rd: number, distance: number) {
  const bits = (high: number, low: number) => (distance >> low) & ((1 << (high - low + 1)) - 1);
  const imm = (bits(20, 20) << 31) | (bits(10, 1) << 21) | (bits(11, 11) << 20);
  return (imm | (bits(19, 12) << 12) | (rd << 7) | 0x6f) >>> 0;
}

/** lr, sc and AMOs of 4 or 8 bytes by funct5. */
export const amo = (funct5: number, size: 4 | 8, rd: number, rs1: number, rs2: number) =>
  ((funct5 << 27) | (rs2 << 20) | (rs1 << 15) | ((size === 8 ? 3 : 2) << 12) | (rd << 7) | 0x2f) >>>
  0;

/** csrrw (1), csrrs (2), csrrc (3) and the immediate forms (5, 6, 7). */
export const csr = (funct3: number, number: number, rd: number, rs1: number) =>
  iType(0x73, funct3, rd, rs1, number);
