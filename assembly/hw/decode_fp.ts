// Decoding of the F and D extensions: major opcodes 0x43 to 0x4f and 0x53. The records
// are described in decode.ts.
import { funct3, put, rd, rs1, rs2 } from "./decode";
import { Fp, Op } from "./interp";

/** FP arithmetic's imm. */
function fp_imm(insn: u32, fp: u32): i32 {
  const rs3 = insn >> 27;
  return <i32>((rs2(insn) << 3) | (rs3 << 11) | (funct3(insn) << 16) | (fp << 24));
}

/** Is the rounding-mode field a mode or "dynamic"? */
function rounds(insn: u32): bool {
  return funct3(insn) < 5 || funct3(insn) == 7;
}

/** May the operation be done in place when frm is RNE? */
function nearest(insn: u32): bool {
  return funct3(insn) == 0 || funct3(insn) == 7;
}

/** Major opcodes 0x43 to 0x4f. @returns false if there is no such instruction */
export function decode_fma(record: usize, insn: u32): bool {
  const format = (insn >> 25) & 3;
  if (format > 1 || !rounds(insn)) return false;
  const fp = Fp.MADD_S + (((insn >> 2) & 3) << 1) + format;
  const quick = fp == Fp.MADD_D && nearest(insn);
  put(record, quick ? Op.FMADD_D : Op.FP, 4, rd(insn), rs1(insn), fp_imm(insn, fp));
  return true;
}

/** The Fp of the single form of an OP-FP instruction, or -1 if there is none. */
function fp_of(insn: u32): i32 {
  const f = funct3(insn);
  const r = rs2(insn);
  switch (insn >> 27) {
    case 0x00: return rounds(insn) ? Fp.ADD_S : -1;
    case 0x01: return rounds(insn) ? Fp.SUB_S : -1;
    case 0x02: return rounds(insn) ? Fp.MUL_S : -1;
    case 0x03: return rounds(insn) ? Fp.DIV_S : -1;
    case 0x04: return f < 3 ? Fp.SGNJ_S + (<i32>f << 1) : -1;
    case 0x05: return f < 2 ? Fp.MIN_S + (<i32>f << 1) : -1;
    case 0x0b: return rounds(insn) && r == 0 ? Fp.SQRT_S : -1;
    case 0x14: return f < 3 ? Fp.LE_S + (<i32>f << 1) : -1;
    case 0x18: return rounds(insn) && r < 4 ? Fp.W_S + (<i32>r << 1) : -1;
    case 0x1a: return rounds(insn) && r < 4 ? Fp.S_W + (<i32>r << 1) : -1;
    case 0x1c:
      if (r != 0 || f > 1) return -1;
      return f == 0 ? Fp.MV_X_W : Fp.CLASS_S;
    case 0x1e: return r == 0 && f == 0 ? Fp.MV_W_X : -1;
    default: return -1;
  }
}

/** Which FP operations have a handler of their own in the fast loop. */
function quick_fp(insn: u32, fp: u32): u32 {
  switch (fp) {
    case Fp.ADD_D: return nearest(insn) ? Op.FADD_D : Op.FP;
    case Fp.SUB_D: return nearest(insn) ? Op.FSUB_D : Op.FP;
    case Fp.MUL_D: return nearest(insn) ? Op.FMUL_D : Op.FP;
    case Fp.DIV_D: return nearest(insn) ? Op.FDIV_D : Op.FP;
    case Fp.SQRT_D: return nearest(insn) ? Op.FSQRT_D : Op.FP;
    case Fp.SGNJ_D: return rs1(insn) == rs2(insn) ? Op.FMV_D : Op.FSGNJ_D;
    case Fp.SGNJN_D: return rs1(insn) == rs2(insn) ? Op.FNEG_D : Op.FP;
    case Fp.SGNJX_D: return rs1(insn) == rs2(insn) ? Op.FABS_D : Op.FP;
    case Fp.MV_W_X: return Op.FMV_W_X;
    case Fp.MV_D_X: return Op.FMV_D_X;
    // Exact in every mode, but a dynamic one must be checked.
    case Fp.D_W: return funct3(insn) != 7 ? Op.FCVT_D_W : Op.FP;
    default:
  }
  // These write an integer register, which the fast loop takes not to be x0.
  if (rd(insn) == 0) return Op.FP;
  switch (fp) {
    case Fp.LE_D: return Op.FLE_D;
    case Fp.LT_D: return Op.FLT_D;
    case Fp.EQ_D: return Op.FEQ_D;
    case Fp.MV_X_D: return Op.FMV_X_D;
    case Fp.MV_X_W: return Op.FMV_X_W;
    default: return Op.FP;
  }
}

/** Major opcode 0x53. @returns false if there is no such instruction */
export function decode_fp(record: usize, insn: u32): bool {
  const format = (insn >> 25) & 3;
  let fp: i32;
  if (insn >> 27 == 8) {
    // fcvt.s.d, fcvt.d.s: rs2 names the source's format.
    if (!rounds(insn) || format > 1 || rs2(insn) != 1 - format) return false;
    fp = format == 0 ? Fp.S_D : Fp.D_S;
  } else {
    fp = fp_of(insn);
    if (fp < 0 || format > 1) return false;
    fp += <i32>format;
  }
  put(record, quick_fp(insn, fp), 4, rd(insn), rs1(insn), fp_imm(insn, fp));
  return true;
}
