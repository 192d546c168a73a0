// Compressed instructions (extension C, RV64 with D): each stands for one 32-bit
// instruction, and expand() gives that one. "The RISC-V Instruction Set Manual, Volume
// I: Unprivileged Architecture", chapter "C"; immediates are scattered as in its
// tables.

const OP_LOAD: u32 = 0x03;
const OP_LOAD_FP: u32 = 0x07;
const OP_IMM: u32 = 0x13;
const OP_IMM_32: u32 = 0x1b;
const OP_STORE: u32 = 0x23;
const OP_STORE_FP: u32 = 0x27;
const OP: u32 = 0x33;
const OP_LUI: u32 = 0x37;
const OP_32: u32 = 0x3b;
const OP_BRANCH: u32 = 0x63;
const OP_JALR: u32 = 0x67;
const OP_JAL: u32 = 0x6f;
const EBREAK: u32 = 0x00100073;

/** Bits [high:low] of `c`, moved to start at `to`. */
function bits(c: u32, high: u32, low: u32, to: u32): u32 {
  return ((c >> low) & ((1 << (high - low + 1)) - 1)) << to;
}

function i_type(op: u32, funct3: u32, rd: u32, rs1: u32, imm: u32): u32 {
  return op | (rd << 7) | (funct3 << 12) | (rs1 << 15) | (imm << 20);
}

function s_type(op: u32, funct3: u32, rs1: u32, rs2: u32, imm: u32): u32 {
  return op | ((imm & 31) << 7) | (funct3 << 12) | (rs1 << 15) | (rs2 << 20)
    | ((imm >> 5) << 25);
}

function r_type(op: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32): u32 {
  return op | (rd << 7) | (funct3 << 12) | (rs1 << 15) | (rs2 << 20) | (funct7 << 25);
}

/** c.beqz and c.bnez. */
function branch(funct3: u32, c: u32): u32 {
  const imm = bits(c, 11, 10, 3) | bits(c, 6, 5, 6) | bits(c, 4, 3, 1)
    | bits(c, 2, 2, 5) | (c & 0x1000 ? 0x1f00 : 0);
  const rs1 = 8 + bits(c, 9, 7, 0);
  return OP_BRANCH | bits(imm, 11, 11, 7) | bits(imm, 4, 1, 8) | (funct3 << 12)
    | (rs1 << 15) | bits(imm, 10, 5, 25) | bits(imm, 12, 12, 31);
}

/** c.j: jal x0. */
function jump(c: u32): u32 {
  const imm = bits(c, 11, 11, 4) | bits(c, 10, 9, 8) | bits(c, 8, 8, 10)
    | bits(c, 7, 7, 6) | bits(c, 6, 6, 7) | bits(c, 5, 3, 1) | bits(c, 2, 2, 5)
    | (c & 0x1000 ? 0x1ff800 : 0);
  return OP_JAL | bits(imm, 19, 12, 12) | bits(imm, 11, 11, 20) | bits(imm, 10, 1, 21)
    | bits(imm, 20, 20, 31);
}

/** The sign-extended 6-bit immediate, as the upper 12 bits of an I-type want it. */
function imm6(c: u32): u32 {
  const imm = bits(c, 12, 12, 5) | bits(c, 6, 2, 0);
  return imm & 32 ? imm | 0xfc0 : imm;
}

function shamt(c: u32): u32 {
  return bits(c, 12, 12, 5) | bits(c, 6, 2, 0);
}

/** Quadrant 0: loads and stores of the registers x8..x15, and c.addi4spn. */
function quadrant0(c: u32): u32 {
  const rd = 8 + bits(c, 4, 2, 0);
  const rs1 = 8 + bits(c, 9, 7, 0);
  const uimm_d = bits(c, 12, 10, 3) | bits(c, 6, 5, 6);
  const uimm_w = bits(c, 12, 10, 3) | bits(c, 6, 6, 2) | bits(c, 5, 5, 6);
  switch (c >> 13) {
    case 0: {
      const imm = bits(c, 12, 11, 4) | bits(c, 10, 7, 6) | bits(c, 6, 6, 2)
        | bits(c, 5, 5, 3);
      return imm == 0 ? 0 : i_type(OP_IMM, 0, rd, 2, imm);
    }
    case 1: return i_type(OP_LOAD_FP, 3, rd, rs1, uimm_d);
    case 2: return i_type(OP_LOAD, 2, rd, rs1, uimm_w);
    case 3: return i_type(OP_LOAD, 3, rd, rs1, uimm_d);
    case 5: return s_type(OP_STORE_FP, 3, rs1, rd, uimm_d);
    case 6: return s_type(OP_STORE, 2, rs1, rd, uimm_w);
    case 7: return s_type(OP_STORE, 3, rs1, rd, uimm_d);
    default: return 0;
  }
}

/** c.srli, c.srai, c.andi and the register operations of x8..x15. */
function arithmetic(c: u32): u32 {
  const rd = 8 + bits(c, 9, 7, 0);
  const rs2 = 8 + bits(c, 4, 2, 0);
  switch ((c >> 10) & 3) {
    case 0: return i_type(OP_IMM, 5, rd, rd, shamt(c));
    case 1: return i_type(OP_IMM, 5, rd, rd, shamt(c) | 0x400);
    case 2: return i_type(OP_IMM, 7, rd, rd, imm6(c));
    default:
  }
  switch (((c >> 10) & 4) | ((c >> 5) & 3)) {
    case 0: return r_type(OP, 0, 0x20, rd, rd, rs2);
    case 1: return r_type(OP, 4, 0, rd, rd, rs2);
    case 2: return r_type(OP, 6, 0, rd, rd, rs2);
    case 3: return r_type(OP, 7, 0, rd, rd, rs2);
    case 4: return r_type(OP_32, 0, 0x20, rd, rd, rs2);
    case 5: return r_type(OP_32, 0, 0, rd, rd, rs2);
    default: return 0;
  }
}

/** Quadrant 1: constants, arithmetic, jumps and branches. */
function quadrant1(c: u32): u32 {
  const rd = bits(c, 11, 7, 0);
  switch (c >> 13) {
    case 0: return i_type(OP_IMM, 0, rd, rd, imm6(c));
    case 1: return rd == 0 ? 0 : i_type(OP_IMM_32, 0, rd, rd, imm6(c));
    case 2: return i_type(OP_IMM, 0, rd, 0, imm6(c));
    case 3: {
      if (shamt(c) == 0) return 0;
      if (rd != 2) {
        // lui's 20 bits; those above the sign are copies of it.
        const upper = imm6(c) & 0x800 ? imm6(c) | 0xff000 : imm6(c);
        return OP_LUI | (rd << 7) | (upper << 12);
      }
      const imm = bits(c, 6, 6, 4) | bits(c, 5, 5, 6) | bits(c, 4, 3, 7)
        | bits(c, 2, 2, 5) | (c & 0x1000 ? 0xe00 : 0);
      return i_type(OP_IMM, 0, 2, 2, imm);
    }
    case 4: return arithmetic(c);
    case 5: return jump(c);
    case 6: return branch(0, c);
    default: return branch(1, c);
  }
}

/** Quadrant 2: stack-relative loads and stores, moves, jumps to registers. */
function quadrant2(c: u32): u32 {
  const rd = bits(c, 11, 7, 0);
  const rs2 = bits(c, 6, 2, 0);
  const load_d = bits(c, 12, 12, 5) | bits(c, 6, 5, 3) | bits(c, 4, 2, 6);
  const store_d = bits(c, 12, 10, 3) | bits(c, 9, 7, 6);
  switch (c >> 13) {
    case 0: return i_type(OP_IMM, 1, rd, rd, shamt(c));
    case 1: return i_type(OP_LOAD_FP, 3, rd, 2, load_d);
    case 2: {
      const imm = bits(c, 12, 12, 5) | bits(c, 6, 4, 2) | bits(c, 3, 2, 6);
      return rd == 0 ? 0 : i_type(OP_LOAD, 2, rd, 2, imm);
    }
    case 3: return rd == 0 ? 0 : i_type(OP_LOAD, 3, rd, 2, load_d);
    case 4: {
      if ((c & 0x1000) == 0) {
        if (rs2 != 0) return r_type(OP, 0, 0, rd, 0, rs2); // c.mv
        return rd == 0 ? 0 : i_type(OP_JALR, 0, 0, rd, 0); // c.jr
      }
      if (rs2 != 0) return r_type(OP, 0, 0, rd, rd, rs2); // c.add
      return rd == 0 ? EBREAK : i_type(OP_JALR, 0, 1, rd, 0); // c.jalr
    }
    case 5: return s_type(OP_STORE_FP, 3, 2, rs2, store_d);
    case 6: return s_type(OP_STORE, 2, 2, rs2, bits(c, 12, 9, 2) | bits(c, 8, 7, 6));
    default: return s_type(OP_STORE, 3, 2, rs2, store_d);
  }
}

/**
 * The 32-bit instruction that a compressed one stands for.
 * @param c 16 bits, of which the low two are not both set
 * @returns 0, which is not an instruction, for a reserved or illegal encoding
 */
export function expand(c: u32): u32 {
  switch (c & 3) {
    case 0: return quadrant0(c);
    case 1: return quadrant1(c);
    default: return quadrant2(c);
  }
}
