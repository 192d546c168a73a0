// Decoded code. Each halfword of a frame that was executed has an 8-byte record, filled
// when an instruction is first executed there. Records say nothing about addresses, so
// they hold however often and wherever the frame is mapped.
//
//    0      2   3   4              8
//   +------+---+---+----------------+
//   |  op  | a | b |      imm       |     a, b: register number * 8
//   +------+---+---+----------------+
//
//   op 0        not decoded yet
//   op          2 * Op + (1 if the instruction has 4 bytes), or a pair (see below)
//   registers   a = rd, b = rs1, imm = rs2 * 8
//   immediates  a = rd, b = rs1, imm
//   loads       a = rd, b = rs1, imm;   stores: a = rs2, b = rs1, imm
//   branches    a = rs1, b = rs2, imm = distance in bytes of records; BRANCH_FAR, whose
//               target is in another page: imm = distance in bytes << 3 | funct3
//   FP          a = rd, b = rs1, imm = rs2 * 8 | rs3 * 8 << 8 | rm << 16 | Fp << 24
//   the rest    imm = the instruction's bits
//
// A pair is two instructions in a row that one handler executes: the first record's op
// tells so, all else in both records is as it would be alone. So a jump to the second
// finds it, and whoever executes one at a time finds the first (first_op).
//
// An instruction whose second half lies in the next page cannot have a record here, as
// the halves' frames are paired by the page tables: STRADDLE looks each time.
import { decode_fma, decode_fp } from "./decode_fp";
import { Op, fuse } from "./interp";
import { SPARE_RECORD, code_begin, code_block_of, code_block_pfn } from "./private";
import { frame_addr } from "./bus";
import { expand } from "./rvc";

/** The slot of an instruction that is not in a page of records. */
const NO_SLOT: i32 = -1;
const SLOTS: i32 = 2048;

// Fields of an instruction.

export function rd(insn: u32): u32 {
  return (insn >> 7) & 31;
}

export function rs1(insn: u32): u32 {
  return (insn >> 15) & 31;
}

export function rs2(insn: u32): u32 {
  return (insn >> 20) & 31;
}

export function funct3(insn: u32): u32 {
  return (insn >> 12) & 7;
}

function funct7(insn: u32): u32 {
  return insn >> 25;
}

function i_imm(insn: u32): i32 {
  return <i32>insn >> 20;
}

function s_imm(insn: u32): i32 {
  return ((<i32>insn >> 25) << 5) | <i32>((insn >> 7) & 31);
}

function b_imm(insn: u32): i32 {
  return ((<i32>insn >> 31) << 12) | <i32>(((insn >> 7) & 1) << 11)
    | <i32>(((insn >> 25) & 63) << 5) | <i32>(((insn >> 8) & 15) << 1);
}

function j_imm(insn: u32): i32 {
  return ((<i32>insn >> 31) << 20) | <i32>(insn & 0xff000)
    | <i32>(((insn >> 20) & 1) << 11) | <i32>(((insn >> 21) & 0x3ff) << 1);
}

/** Writes a record. @param a, b register numbers. */
export function put(record: usize, op: u32, len: u32, a: u32, b: u32, imm: i32): void {
  store<u32>(record, (op << 1) | (len >> 2) | (a << 19) | (b << 27));
  store<i32>(record, imm, 4);
}

/** The op of funct3 among `lb`, `lh` ... in the order of the list. */
function load_op(insn: u32): u32 {
  switch (funct3(insn)) {
    case 0: return Op.LB;
    case 1: return Op.LH;
    case 2: return Op.LW;
    case 3: return Op.LD;
    case 4: return Op.LBU;
    case 5: return Op.LHU;
    case 6: return Op.LWU;
    default: return Op.ILLEGAL;
  }
}

function store_op(insn: u32): u32 {
  switch (funct3(insn)) {
    case 0: return Op.SB;
    case 1: return Op.SH;
    case 2: return Op.SW;
    case 3: return Op.SD;
    default: return Op.ILLEGAL;
  }
}

/** Register-immediate arithmetic, 64 bits. */
function imm_op(insn: u32): u32 {
  const funct6 = insn >> 26;
  switch (funct3(insn)) {
    case 0: return Op.ADDI;
    case 1: return funct6 == 0 ? Op.SLLI : Op.ILLEGAL;
    case 2: return Op.SLTI;
    case 3: return Op.SLTIU;
    case 4: return Op.XORI;
    case 5: return funct6 == 0 ? Op.SRLI : funct6 == 0x10 ? Op.SRAI : Op.ILLEGAL;
    case 6: return Op.ORI;
    default: return Op.ANDI;
  }
}

/** Register-immediate arithmetic, 32 bits. */
function imm_32_op(insn: u32): u32 {
  switch (funct3(insn)) {
    case 0: return Op.ADDIW;
    case 1: return funct7(insn) == 0 ? Op.SLLIW : Op.ILLEGAL;
    case 5:
      if (funct7(insn) == 0) return Op.SRLIW;
      return funct7(insn) == 0x20 ? Op.SRAIW : Op.ILLEGAL;
    default: return Op.ILLEGAL;
  }
}

/** Register-register arithmetic, 64 bits. */
function reg_op(insn: u32): u32 {
  switch ((funct7(insn) << 3) | funct3(insn)) {
    case 0x000: return Op.ADD;
    case 0x001: return Op.SLL;
    case 0x002: return Op.SLT;
    case 0x003: return Op.SLTU;
    case 0x004: return Op.XOR;
    case 0x005: return Op.SRL;
    case 0x006: return Op.OR;
    case 0x007: return Op.AND;
    case 0x008: return Op.MUL;
    case 0x009: return Op.MULH;
    case 0x00a: return Op.MULHSU;
    case 0x00b: return Op.MULHU;
    case 0x00c: return Op.DIV;
    case 0x00d: return Op.DIVU;
    case 0x00e: return Op.REM;
    case 0x00f: return Op.REMU;
    case 0x100: return Op.SUB;
    case 0x105: return Op.SRA;
    default: return Op.ILLEGAL;
  }
}

/** Register-register arithmetic, 32 bits. */
function reg_32_op(insn: u32): u32 {
  switch ((funct7(insn) << 3) | funct3(insn)) {
    case 0x000: return Op.ADDW;
    case 0x001: return Op.SLLW;
    case 0x005: return Op.SRLW;
    case 0x008: return Op.MULW;
    case 0x00c: return Op.DIVW;
    case 0x00d: return Op.DIVUW;
    case 0x00e: return Op.REMW;
    case 0x00f: return Op.REMUW;
    case 0x100: return Op.SUBW;
    case 0x105: return Op.SRAW;
    default: return Op.ILLEGAL;
  }
}

/** Is every operand field of this A-extension instruction defined? */
function amo_valid(insn: u32): bool {
  if (funct3(insn) != 2 && funct3(insn) != 3) return false;
  switch (insn >> 27) {
    case 2: return rs2(insn) == 0; // lr
    case 0: case 1: case 3: case 4: case 8: case 12: case 16: case 20: case 24: case 28:
      return true;
    default: return false;
  }
}

/** Arithmetic whose only effect is on rd: with rd = x0 a no-op, whatever it was. */
function arithmetic(record: usize, insn: u32, len: u32, op: u32, imm: i32): bool {
  if (op == Op.ILLEGAL) return false;
  if (rd(insn) == 0) put(record, Op.NOP, len, 0, 0, 0);
  else if (op == Op.ADDI && rs1(insn) == 0) put(record, Op.LI, len, rd(insn), 0, imm);
  else if (op == Op.ADDI && imm == 0) {
    put(record, Op.MV, len, rd(insn), rs1(insn), 0);
  } else put(record, op, len, rd(insn), rs1(insn), imm);
  return true;
}

function decode_load(record: usize, insn: u32, len: u32): bool {
  const op = load_op(insn);
  if (op == Op.ILLEGAL) return false;
  // The access happens for x0 too; a is then the width.
  if (rd(insn) == 0) {
    put(record, Op.LOAD_X0, len, funct3(insn) & 3, rs1(insn), i_imm(insn));
  } else put(record, op, len, rd(insn), rs1(insn), i_imm(insn));
  return true;
}

function decode_branch(record: usize, insn: u32, len: u32, slot: i32): bool {
  const f = funct3(insn);
  if (f == 2 || f == 3) return false;
  const distance = b_imm(insn);
  const target = slot + (distance >> 1);
  let a = rs1(insn);
  let b = rs2(insn);
  if (slot == NO_SLOT || target < 0 || target >= SLOTS) {
    put(record, Op.BRANCH_FAR, len, a, b, (distance << 3) | <i32>f);
    return true;
  }
  let op: u32;
  switch (f) {
    case 0: op = b == 0 ? Op.BEQZ : Op.BEQ; break;
    case 1: op = b == 0 ? Op.BNEZ : Op.BNE; break;
    case 4: op = b == 0 ? Op.BLTZ : a == 0 ? Op.BGTZ : Op.BLT; break;
    case 5: op = b == 0 ? Op.BGEZ : a == 0 ? Op.BLEZ : Op.BGE; break;
    case 6: op = Op.BLTU; break;
    default: op = Op.BGEU;
  }
  if (op == Op.BGTZ || op == Op.BLEZ) {
    a = b;
    b = 0;
  }
  put(record, op, len, a, b, distance << 2);
  return true;
}

function decode_jump(record: usize, insn: u32, len: u32, slot: i32): bool {
  const distance = j_imm(insn);
  const target = slot + (distance >> 1);
  const far = slot == NO_SLOT || target < 0 || target >= SLOTS;
  if (rd(insn) == 0) {
    if (far) put(record, Op.J_FAR, len, 0, 0, distance);
    else put(record, Op.J, len, 0, 0, distance << 2);
  } else {
    if (far) put(record, Op.JAL_FAR, len, rd(insn), 0, distance);
    else put(record, Op.JAL, len, rd(insn), 0, distance << 2);
  }
  return true;
}

/** ECALL, EBREAK and the CSR instructions; nothing else of SYSTEM is for user mode. */
function decode_system(record: usize, insn: u32, len: u32): bool {
  if (funct3(insn) == 0) {
    if (insn == 0x00000073) put(record, Op.ECALL, len, 0, 0, 0);
    else if (insn == 0x00100073) put(record, Op.EBREAK, len, 0, 0, 0);
    else return false;
    return true;
  }
  if (funct3(insn) == 4) return false;
  put(record, Op.CSR, len, 0, 0, <i32>insn);
  return true;
}

/** Decodes by major opcode. @returns false if there is no such instruction */
function decode_32(record: usize, insn: u32, len: u32, slot: i32): bool {
  switch (insn & 0x7f) {
    case 0x03: return decode_load(record, insn, len);
    case 0x07:
      if (funct3(insn) != 2 && funct3(insn) != 3) return false;
      put(record, funct3(insn) == 2 ? Op.FLW : Op.FLD, len, rd(insn), rs1(insn),
        i_imm(insn));
      return true;
    case 0x0f: // fence, and fence.i: stores are seen by fetches at once
      if (funct3(insn) > 1) return false;
      put(record, Op.NOP, len, 0, 0, 0);
      return true;
    case 0x13: {
      const op = imm_op(insn);
      const shift = op == Op.SLLI || op == Op.SRLI || op == Op.SRAI;
      return arithmetic(record, insn, len, op, shift ? i_imm(insn) & 63 : i_imm(insn));
    }
    case 0x17:
      if (rd(insn) == 0) put(record, Op.NOP, len, 0, 0, 0);
      else put(record, Op.AUIPC, len, rd(insn), 0, <i32>(insn & 0xfffff000));
      return true;
    case 0x1b: {
      const op = imm_32_op(insn);
      const imm = op == Op.ADDIW ? i_imm(insn) : i_imm(insn) & 31;
      if (op == Op.ADDIW && imm == 0) {
        return arithmetic(record, insn, len, Op.SEXT_W, 0);
      }
      return arithmetic(record, insn, len, op, imm);
    }
    case 0x23: {
      const op = store_op(insn);
      if (op == Op.ILLEGAL) return false;
      put(record, op, len, rs2(insn), rs1(insn), s_imm(insn));
      return true;
    }
    case 0x27:
      if (funct3(insn) != 2 && funct3(insn) != 3) return false;
      put(record, funct3(insn) == 2 ? Op.FSW : Op.FSD, len, rs2(insn), rs1(insn),
        s_imm(insn));
      return true;
    case 0x2f:
      if (!amo_valid(insn)) return false;
      put(record, Op.AMO, len, 0, 0, <i32>insn);
      return true;
    case 0x33: {
      const op = reg_op(insn);
      if (op == Op.ADD && rs1(insn) == 0 && rd(insn) != 0) {
        put(record, Op.MV, len, rd(insn), rs2(insn), 0);
        return true;
      }
      return arithmetic(record, insn, len, op, <i32>(rs2(insn) << 3));
    }
    case 0x37:
      if (rd(insn) == 0) put(record, Op.NOP, len, 0, 0, 0);
      else put(record, Op.LI, len, rd(insn), 0, <i32>(insn & 0xfffff000));
      return true;
    case 0x3b:
      return arithmetic(record, insn, len, reg_32_op(insn), <i32>(rs2(insn) << 3));
    case 0x43: case 0x47: case 0x4b: case 0x4f: return decode_fma(record, insn);
    case 0x53: return decode_fp(record, insn);
    case 0x63: return decode_branch(record, insn, len, slot);
    case 0x67:
      if (funct3(insn) != 0) return false;
      if (rd(insn) == 0) put(record, Op.JR, len, 0, rs1(insn), i_imm(insn));
      else put(record, Op.JALR, len, rd(insn), rs1(insn), i_imm(insn));
      return true;
    case 0x6f: return decode_jump(record, insn, len, slot);
    case 0x73: return decode_system(record, insn, len);
    default: return false;
  }
}

/** Bytes of the instruction that starts with this halfword. */
export function length_of(halfword: u32): u32 {
  return (halfword & 3) == 3 ? 4 : 2;
}

/**
 * Decodes one instruction.
 * @param bits its 2 or 4 bytes
 * @param slot its halfword's number in the page; -1 keeps records from being distances
 */
export function decode(record: usize, bits: u32, slot: i32): void {
  const len = length_of(bits);
  const insn = len == 2 ? expand(bits & 0xffff) : bits;
  if (!decode_32(record, insn, len, slot)) {
    put(record, Op.ILLEGAL, len, 0, 0, <i32>(len == 2 ? bits & 0xffff : bits));
  }
}

/** Decodes the instruction at `slot` of frame `pfn`. @returns its length */
function decode_at(record: usize, pfn: u32, slot: i32): u32 {
  const at = frame_addr(pfn) + (<usize>slot << 1);
  const halfword = <u32>load<u16>(at);
  const len = length_of(halfword);
  if (len == 2) decode(record, halfword, slot);
  else if (slot + 1 == SLOTS) put(record, Op.STRADDLE, 4, 0, 0, 0);
  else decode(record, halfword | (<u32>load<u16>(at, 2) << 16), slot);
  return len;
}

/** Fills a record that the interpreter found empty, as a pair where it can be one. */
export function decode_record(record: usize): void {
  const block = code_block_of(record);
  const pfn = code_block_pfn(block);
  const slot = <i32>((record - block) >> 3);
  code_begin(pfn);
  const len = decode_at(record, pfn, slot);
  const next_slot = slot + <i32>(len >> 1);
  if (next_slot >= SLOTS) return;
  decode_at(SPARE_RECORD, pfn, next_slot);
  const pair = fuse(record, SPARE_RECORD);
  if (pair == 0) return;
  store<u16>(record, <u16>pair);
  // The pair reads its second half's operands there. Left without an op, that record is
  // decoded, and may become a pair itself, if it is ever executed on its own.
  const next = block + (<usize>next_slot << 3);
  if (load<u16>(next) == 0) {
    store<u16>(next, load<u16>(SPARE_RECORD, 2), 2);
    store<u32>(next, load<u32>(SPARE_RECORD, 4), 4);
  }
}

/** The bits of the instruction whose record is in a block of decoded code. */
export function instruction_bits(record: usize): u32 {
  const block = code_block_of(record);
  const slot = (record - block) >> 3;
  const at = frame_addr(code_block_pfn(block)) + (slot << 1);
  const halfword = <u32>load<u16>(at);
  return length_of(halfword) == 2 ? halfword : halfword | (<u32>load<u16>(at, 2) << 16);
}
