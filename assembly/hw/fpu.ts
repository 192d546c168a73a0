/**
 * The arithmetic of the F and D extensions, exact to the bit and to the flag.
 *
 * A result is what IEEE 754-2019 defines, with RISC-V's choices where the standard
 * leaves one: every NaN result is the canonical quiet NaN, underflow is detected after
 * rounding, min and max are minimumNumber and maximumNumber with -0 < +0, conversions
 * to integers saturate, and infinity * 0 + quiet NaN is invalid.
 *
 * The contract of every function here:
 *
 *  - Operands and results are raw bits: u64 for binary64, u32 for binary32. NaN boxing
 *    is the caller's: it passes F32_NAN for a register that is not properly boxed, and
 *    boxes results. Integer results are whole registers, 32-bit ones sign-extended.
 *  - `rm` is a resolved rounding mode, 0 RNE, 1 RTZ, 2 RDN, 3 RUP, 4 RMM. The caller
 *    has replaced 7 (dynamic) by frm, and trapped on 5 and 6.
 *  - Exceptions are ORed into the 32-bit word at HART_FFLAGS: NX 1, UF 2, OF 4, DZ 8,
 *    NV 16. Nothing else is written; there is no other state.
 *  - fmadd is f*_fma(a, b, c). For the others flip sign bits of operands first: fmsub
 *    c, fnmsub a, fnmadd a and c. The ISA negates the product before the one rounding
 *    ("multiplies, negates the product, and adds or subtracts rs3").
 *
 *   fast path   the host's instruction, where its result and the flags are provably
 *      |        right (f64.ts, f32.ts, fcmp.ts, fconv.ts)
 *      v
 *   exact path  integers, every mode and every operand (fexact.ts, fbits.ts)
 *
 * When is the host enough? It rounds to nearest even, so rm must be RNE. Then its r is
 * right unless it is a NaN, and only the flags are left to know. With NX accrued:
 *
 *   operation    take the host's r if             because
 *   fadd, fsub   |r| < inf                        no subnormal sum is inexact
 *   fmul, fdiv   TINY < |r| < inf                 neither OF nor UF, see below
 *   fsqrt        r < inf                          no root is subnormal
 *   fmul         r = 0 and (a = 0 or b = 0)       exact
 *   fdiv         r = 0 and a = 0                  exact
 *   fcvt.s.d     TINY < |r| < inf, or a = 0
 *
 * TINY is 2^-1022 in binary64 and 2^-126 in binary32; the table holds for both, each
 * with the host's instructions of its own width. |r| < inf excludes OF (it rounds to
 * infinity), DZ, NV, every infinite operand and every NaN. Strictly more than TINY: a
 * number may be rounded up *to* TINY and still raise UF. With UF accrued as well as NX,
 * |r| < inf is enough for fmul and fdiv too. An interpreter may inline exactly this
 * table and call in here for the rest. Whatever is accrued, it may inline
 *
 *   feq, flt, fle   the host's comparison, if a = a and b = b (a true one implies it)
 *   fmin, fmax      a or b by the host's a < b and b < a, if either holds
 *   fcvt.d.w[u]     the host's conversion, always
 *   fcvt.d.l[u]     the host's conversion, if the integer is in [-2^53, 2^53], any rm
 *   fcvt.d.s        the host's conversion r, if r = r
 *
 * With NX clear the functions test exactness: a sum by TwoSum (Knuth), a product by
 * counting significant bits, a quotient or a root by multiplying back, binary32 by its
 * exact binary64 product. So programs that never round (integers kept in floating
 * point) stay fast, and the others accrue NX once.
 */
export { f64_add, f64_div, f64_fma, f64_mul, f64_sqrt, f64_sub } from "./f64";
export { f32_add, f32_div, f32_fma, f32_mul, f32_sqrt, f32_sub } from "./f32";
export {
  f32_class, f32_eq, f32_le, f32_lt, f32_max, f32_min, f64_class, f64_eq, f64_le,
  f64_lt, f64_max, f64_min,
} from "./fcmp";
export {
  f32_to_f64, f32_to_i32, f32_to_i64, f32_to_u32, f32_to_u64, f64_to_f32, f64_to_i32,
  f64_to_i64, f64_to_u32, f64_to_u64, i32_to_f32, i32_to_f64, i64_to_f32, i64_to_f64,
  u32_to_f32, u32_to_f64, u64_to_f32, u64_to_f64,
} from "./fconv";
