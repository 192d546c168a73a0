/**
 * Bits of IEEE-754 numbers: fields, predicates, flags and the one rounding step.
 *
 *          63 62        52 51                                     0
 *  binary64 s | exponent  |               fraction
 *                       31 30     23 22                           0
 *  binary32              s | exponent |          fraction
 *
 * The exact path takes every number apart into a sign, a biased exponent and a
 * significand whose leading one stands at a known bit, does integer arithmetic, and
 * puts the number together again in round_pack(). What does not fit below the result
 * is *jammed*: its bits are ORed into bit 0 of what remains, so that "exactly half way"
 * and "a little more than half way" stay different.
 *
 * Specifications: IEEE 754-2019; RISC-V unprivileged ISA, chapters "F" and "D". The
 * method (leading one at bit 62, jamming) is that of J. Hauser's Berkeley SoftFloat.
 */
import { HART_FFLAGS } from "../abi";

/** Accrued exception bits, as in the fflags CSR. */
export const FFLAG_NX: u32 = 1;
export const FFLAG_UF: u32 = 2;
export const FFLAG_OF: u32 = 4;
export const FFLAG_DZ: u32 = 8;
export const FFLAG_NV: u32 = 16;

/** Rounding modes, as in the frm CSR. */
export const RNE: u32 = 0;
export const RTZ: u32 = 1;
export const RDN: u32 = 2;
export const RUP: u32 = 3;
export const RMM: u32 = 4;
/**
 * ORed into a rounding mode: round to odd (an inexact result gets its last bit set). A
 * binary32 result may be rounded to odd in binary64 and then again in the wanted mode,
 * and is the same as if rounded once, because 53 >= 24 + 2 (Boldo and Melquiond, 2008).
 * The mode itself stays in the low bits for the sign of an exact zero sum.
 */
export const TO_ODD: u32 = 8;

export const F64_SIGN: u64 = 0x8000000000000000;
export const F64_INF: u64 = 0x7ff0000000000000;
export const F64_NAN: u64 = 0x7ff8000000000000;
export const F64_FRACTION: u64 = 0x000fffffffffffff;
export const F64_HIDDEN: u64 = 0x0010000000000000;
/** Smallest normal number, 2^-1022. */
export const F64_TINY: f64 = 2.2250738585072014e-308;

export const F32_SIGN: u32 = 0x80000000;
export const F32_INF: u32 = 0x7f800000;
export const F32_NAN: u32 = 0x7fc00000;
export const F32_FRACTION: u32 = 0x007fffff;
/** Smallest normal number, 2^-126. */
export const F32_TINY: f32 = 1.1754943508222875e-38;

/** Sets accrued exception bits. @param flags OR of FFLAG_*. */
export function raise(flags: u32): void {
  store<u32>(HART_FFLAGS, load<u32>(HART_FFLAGS) | flags);
}

/** Is NX already set, so that an inexact result leaves fflags as it is? */
export function inexact_known(): bool {
  return (load<u32>(HART_FFLAGS) & FFLAG_NX) != 0;
}

/** Is the binary64 `a` any NaN? */
export function f64_is_nan(a: u64): bool {
  return (a & ~F64_SIGN) > F64_INF;
}

/** Is the binary64 `a` a signalling NaN (top fraction bit clear)? */
export function f64_is_snan(a: u64): bool {
  return (a & F64_NAN) == F64_INF && (a & F64_FRACTION) != 0;
}

/** Is the binary64 `a` an infinity of either sign? */
export function f64_is_inf(a: u64): bool {
  return (a & ~F64_SIGN) == F64_INF;
}

/** Is the binary64 `a` a zero of either sign? */
export function f64_is_zero(a: u64): bool {
  return (a & ~F64_SIGN) == 0;
}

/** Is the binary32 `a` any NaN? */
export function f32_is_nan(a: u32): bool {
  return (a & ~F32_SIGN) > F32_INF;
}

/** Is the binary32 `a` a signalling NaN? */
export function f32_is_snan(a: u32): bool {
  return (a & F32_NAN) == F32_INF && (a & F32_FRACTION) != 0;
}

/**
 * Biased exponent of a finite nonzero binary64 as if the format had no subnormals (zero
 * or negative for a subnormal; -52 for zero, so that it adds as a very small number).
 */
export function f64_exponent(a: u64): i32 {
  const field = <i32>(a >> 52) & 0x7ff;
  return field != 0 ? field : 12 - <i32>clz(a & F64_FRACTION);
}

/** The significand that goes with f64_exponent(): leading one at bit 52; 0 for zero. */
export function f64_significand(a: u64): u64 {
  const fraction = a & F64_FRACTION;
  if ((a & F64_INF) != 0) return fraction | F64_HIDDEN;
  return fraction != 0 ? fraction << (clz(fraction) - 11) : 0;
}

/** Shifts right by `n` >= 0; the bits lost are jammed into bit 0. */
export function shift_right_jam(x: u64, n: i32): u64 {
  if (n == 0) return x;
  if (n > 63) return u64(x != 0);
  return (x >> n) | u64(x << (64 - n) != 0);
}

/** Upper 64 bits of the 128-bit product (schoolbook, 32-bit digits). */
export function mul_high(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const low = a1 * b0 + ((a0 * b0) >> 32);
  const mid = a0 * b1 + (low & 0xffffffff);
  return a1 * b1 + (low >> 32) + (mid >> 32);
}

/**
 * What is added before truncation to round in mode `rm`: half a unit, nothing, or just
 * under a whole unit. 0 for TO_ODD, which round_pack() finishes itself.
 */
function round_increment(negative: bool, rm: u32, unit: u64): u64 {
  if (rm == RNE || rm == RMM) return unit >> 1;
  return rm == (negative ? RDN : RUP) ? unit - 1 : 0;
}

/**
 * Rounds and encodes a nonzero number, raising NX, UF (tininess after rounding) and OF.
 *
 * @param exponent biased exponent, for a leading one at bit 62 of `significand`.
 * @param significand leading one at bit 62, inexactness jammed into bit 0.
 * @param rm rounding mode 0..4, or with TO_ODD (then the result must be in range).
 * @param fraction_bits 52 or 23.
 * @param top exponent field of the infinities, 0x7ff or 0xff.
 * @returns the encoding without its sign bit.
 */
export function round_pack(
  negative: bool, exponent: i32, significand: u64, rm: u32,
  fraction_bits: u64, top: u64,
): u64 {
  const drop = 62 - fraction_bits;
  const unit: u64 = (<u64>1) << drop;
  const increment = round_increment(negative, rm, unit);
  let tiny = false;
  if (exponent < 1) {
    // Tiny after rounding: with an unbounded exponent the rounded number would still be
    // below the smallest normal. Only exponent 0 can be carried up to it.
    tiny = exponent < 0 || significand + increment < 0x8000000000000000;
    significand = shift_right_jam(significand, 1 - exponent);
    exponent = 1;
  }
  const rest = significand & (unit - 1);
  let magnitude = (significand + increment) >> drop;
  if (rest != 0) {
    if (rm == RNE && rest == unit >> 1) magnitude &= ~(<u64>1);
    else if ((rm & TO_ODD) != 0) magnitude |= 1;
  }
  // The hidden bit counts once more in the exponent field, hence - 1. A carry out of
  // the fraction and a subnormal (hidden bit clear) both come out right untested.
  const bits = ((<u64>(exponent - 1)) << fraction_bits) + magnitude;
  const infinity = top << fraction_bits;
  if (bits >= infinity) {
    raise(FFLAG_OF | FFLAG_NX);
    return increment != 0 ? infinity : infinity - 1;
  }
  if (rest != 0) raise(tiny ? FFLAG_UF | FFLAG_NX : FFLAG_NX);
  return bits;
}

/**
 * round_pack() to binary64 for a leading one at any bit.
 *
 * @param sign F64_SIGN or 0.
 * @param exponent biased exponent if the leading one is at bit 62.
 * @param significand nonzero; bits below the result's may be jammed.
 */
export function f64_round(sign: u64, exponent: i32, significand: u64, rm: u32): u64 {
  const zeros = <i32>clz(significand);
  if (zeros == 0) {
    significand = (significand >> 1) | (significand & 1);
    exponent += 1;
  } else {
    significand <<= zeros - 1;
    exponent -= zeros - 1;
  }
  return sign | round_pack(sign != 0, exponent, significand, rm, 52, 0x7ff);
}

/** The sign IEEE 754 section 6.3 gives to an exact zero sum of unlike signs. */
export function f64_zero_sum(rm: u32): u64 {
  return (rm & 7) == RDN ? F64_SIGN : 0;
}
