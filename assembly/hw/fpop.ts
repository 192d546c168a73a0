// Floating-point instructions by their records: operands from the registers, the
// rounding mode, the NaN box, and the arithmetic of fpu.ts. The fast loop does the most
// common double operations itself when they cannot raise anything new (see
// gen-interp.mjs).
//
// A single lives in the low half of a 64-bit register with ones above (NaN-boxed). A
// register that is not boxed so reads as the canonical NaN ("Unprivileged
// Architecture", "NaN Boxing of Narrower Values"), except for the transfers fmv.x.w and
// fsw.
import { HART_F, HART_FRM, HART_X } from "../abi";
import {
  f32_add, f32_class, f32_div, f32_eq, f32_fma, f32_le, f32_lt, f32_max, f32_min,
  f32_mul, f32_sqrt, f32_sub, f32_to_f64, f32_to_i32, f32_to_i64, f32_to_u32,
  f32_to_u64, f64_add, f64_class, f64_div, f64_eq, f64_fma, f64_le, f64_lt, f64_max,
  f64_min, f64_mul, f64_sqrt, f64_sub, f64_to_f32, f64_to_i32, f64_to_i64, f64_to_u32,
  f64_to_u64, i32_to_f32, i32_to_f64, i64_to_f32, i64_to_f64, u32_to_f32, u32_to_f64,
  u64_to_f32, u64_to_f64,
} from "./fpu";
import { Fp } from "./interp";

const SIGN: u64 = 0x8000000000000000;
const SIGN_S: u32 = 0x80000000;
const NAN_S: u32 = 0x7fc00000;
const BOX: u64 = 0xffffffff00000000;
const DYN: u32 = 7;

/** A single from its register. @param r register number * 8 */
function single(r: usize): u32 {
  const bits = load<u64>(r, HART_F);
  return bits >= BOX ? <u32>bits : NAN_S;
}

function double(r: usize): u64 {
  return load<u64>(r, HART_F);
}

// Each returns 1, "done".
function put_single(rd: usize, bits: u32): i32 {
  store<u64>(rd, BOX | <u64>bits, HART_F);
  return 1;
}

function put_double(rd: usize, bits: u64): i32 {
  store<u64>(rd, bits, HART_F);
  return 1;
}

/** Writes an integer register; x0 stays 0. */
function put_x(rd: usize, value: u64): i32 {
  if (rd != 0) store<u64>(rd, value, HART_X);
  return 1;
}

/** fsgnj, fsgnjn, fsgnjx of singles: `b` gives the sign. */
function sign_single(a: u32, sign: u32): u32 {
  return (a & ~SIGN_S) | (sign & SIGN_S);
}

function sign_double(a: u64, sign: u64): u64 {
  return (a & ~SIGN) | (sign & SIGN);
}

/** Operations that do not round. @returns -1 if `fp` rounds, else 1 */
function unrounded(fp: i32, rd: usize, r1: usize, r2: usize): i32 {
  switch (fp) {
    case Fp.SGNJ_S: return put_single(rd, sign_single(single(r1), single(r2)));
    case Fp.SGNJ_D: return put_double(rd, sign_double(double(r1), double(r2)));
    case Fp.SGNJN_S: return put_single(rd, sign_single(single(r1), ~single(r2)));
    case Fp.SGNJN_D: return put_double(rd, sign_double(double(r1), ~double(r2)));
    case Fp.SGNJX_S: return put_single(rd, single(r1) ^ (single(r2) & SIGN_S));
    case Fp.SGNJX_D: return put_double(rd, double(r1) ^ (double(r2) & SIGN));
    case Fp.MIN_S: return put_single(rd, f32_min(single(r1), single(r2)));
    case Fp.MIN_D: return put_double(rd, f64_min(double(r1), double(r2)));
    case Fp.MAX_S: return put_single(rd, f32_max(single(r1), single(r2)));
    case Fp.MAX_D: return put_double(rd, f64_max(double(r1), double(r2)));
    case Fp.LE_S: return put_x(rd, f32_le(single(r1), single(r2)));
    case Fp.LE_D: return put_x(rd, f64_le(double(r1), double(r2)));
    case Fp.LT_S: return put_x(rd, f32_lt(single(r1), single(r2)));
    case Fp.LT_D: return put_x(rd, f64_lt(double(r1), double(r2)));
    case Fp.EQ_S: return put_x(rd, f32_eq(single(r1), single(r2)));
    case Fp.EQ_D: return put_x(rd, f64_eq(double(r1), double(r2)));
    case Fp.CLASS_S: return put_x(rd, f32_class(single(r1)));
    case Fp.CLASS_D: return put_x(rd, f64_class(double(r1)));
    case Fp.MV_X_W: return put_x(rd, <u64><i64>load<i32>(r1, HART_F));
    case Fp.MV_X_D: return put_x(rd, double(r1));
    case Fp.MV_W_X: return put_single(rd, load<u32>(r1, HART_X));
    case Fp.MV_D_X: return put_double(rd, load<u64>(r1, HART_X));
    default: return -1;
  }
}

/** fmadd, fmsub, fnmsub, fnmadd: the fused one with operands' signs flipped. */
function fused(fp: i32, rd: usize, r1: usize, r2: usize, r3: usize, rm: u32): i32 {
  const which = (fp - Fp.MADD_S) >> 1;
  const minus_c = which == 1 || which == 3;
  const minus_a = which >= 2;
  if (fp & 1) {
    const a = double(r1) ^ (minus_a ? SIGN : 0);
    const c = double(r3) ^ (minus_c ? SIGN : 0);
    return put_double(rd, f64_fma(a, double(r2), c, rm));
  }
  const a = single(r1) ^ (minus_a ? SIGN_S : 0);
  const c = single(r3) ^ (minus_c ? SIGN_S : 0);
  return put_single(rd, f32_fma(a, single(r2), c, rm));
}

/** Conversions. */
function convert(fp: i32, rd: usize, r1: usize, rm: u32): i32 {
  const x = load<u64>(r1, HART_X);
  switch (fp) {
    case Fp.W_S: return put_x(rd, f32_to_i32(single(r1), rm));
    case Fp.W_D: return put_x(rd, f64_to_i32(double(r1), rm));
    case Fp.WU_S: return put_x(rd, f32_to_u32(single(r1), rm));
    case Fp.WU_D: return put_x(rd, f64_to_u32(double(r1), rm));
    case Fp.L_S: return put_x(rd, f32_to_i64(single(r1), rm));
    case Fp.L_D: return put_x(rd, f64_to_i64(double(r1), rm));
    case Fp.LU_S: return put_x(rd, f32_to_u64(single(r1), rm));
    case Fp.LU_D: return put_x(rd, f64_to_u64(double(r1), rm));
    case Fp.S_W: return put_single(rd, i32_to_f32(x, rm));
    case Fp.D_W: return put_double(rd, i32_to_f64(x, rm));
    case Fp.S_WU: return put_single(rd, u32_to_f32(x, rm));
    case Fp.D_WU: return put_double(rd, u32_to_f64(x, rm));
    case Fp.S_L: return put_single(rd, i64_to_f32(x, rm));
    case Fp.D_L: return put_double(rd, i64_to_f64(x, rm));
    case Fp.S_LU: return put_single(rd, u64_to_f32(x, rm));
    case Fp.D_LU: return put_double(rd, u64_to_f64(x, rm));
    case Fp.S_D: return put_single(rd, f64_to_f32(double(r1), rm));
    default: return put_double(rd, f32_to_f64(single(r1)));
  }
}

/**
 * Executes the floating-point instruction of a record.
 * @returns 0, with nothing changed, if it is illegal: dynamic rounding with an frm
 * that is not a mode
 */
export function fp_op(record: usize): i32 {
  const rd = <usize>load<u8>(record, 2);
  const r1 = <usize>load<u8>(record, 3);
  const r2 = <usize>load<u8>(record, 4);
  const fp = <i32>load<u8>(record, 7);
  if (unrounded(fp, rd, r1, r2) >= 0) return 1;
  let rm = <u32>load<u8>(record, 6);
  if (rm == DYN) rm = load<u32>(HART_FRM);
  if (rm > 4) return 0;
  switch (fp) {
    case Fp.ADD_S: return put_single(rd, f32_add(single(r1), single(r2), rm));
    case Fp.ADD_D: return put_double(rd, f64_add(double(r1), double(r2), rm));
    case Fp.SUB_S: return put_single(rd, f32_sub(single(r1), single(r2), rm));
    case Fp.SUB_D: return put_double(rd, f64_sub(double(r1), double(r2), rm));
    case Fp.MUL_S: return put_single(rd, f32_mul(single(r1), single(r2), rm));
    case Fp.MUL_D: return put_double(rd, f64_mul(double(r1), double(r2), rm));
    case Fp.DIV_S: return put_single(rd, f32_div(single(r1), single(r2), rm));
    case Fp.DIV_D: return put_double(rd, f64_div(double(r1), double(r2), rm));
    case Fp.SQRT_S: return put_single(rd, f32_sqrt(single(r1), rm));
    case Fp.SQRT_D: return put_double(rd, f64_sqrt(double(r1), rm));
    default:
      if (fp >= Fp.MADD_S && fp <= Fp.NMADD_D) {
        return fused(fp, rd, r1, r2, <usize>load<u8>(record, 5), rm);
      }
      return convert(fp, rd, r1, rm);
  }
}
