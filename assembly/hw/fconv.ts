/**
 * Conversions of the F and D extensions.
 *
 * To an integer: the host rounds to an integral number exactly in every mode, and every
 * bound is a binary64, so no integer path is needed. Out of range saturates with NV and
 * without NX; a NaN counts as too large. 32-bit results, the unsigned ones too, are
 * returned sign-extended to 64 bits, as the register holds them.
 *
 * From an integer: exact when the magnitude's significant bits fit; otherwise the host
 * rounds to nearest even in one step, and the other modes take the exact path.
 */
import {
  F32_SIGN, F32_TINY, F64_NAN, F64_SIGN, FFLAG_NV, FFLAG_NX, RDN, RMM, RNE,
  RTZ, f32_is_nan, f32_is_snan, inexact_known, raise,
} from "./fbits";
import { f32_narrow, integer_exact } from "./fexact";

/** fcvt.s.d. @param rm 0..4. @returns a rounded to binary32. Raises NV, OF, UF, NX. */
export function f64_to_f32(a: u64, rm: u32): u32 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const r = <f32>x;
    if (abs(r) > F32_TINY && abs(r) < <f32>Infinity) {
      if (!inexact_known() && <f64>r != x) raise(FFLAG_NX);
      return reinterpret<u32>(r);
    }
  }
  return f32_narrow(a, rm);
}

/** fcvt.d.s. @returns the binary64 of the same value. Raises NV (signalling NaN). */
export function f32_to_f64(a: u32): u64 {
  if (f32_is_nan(a)) {
    if (f32_is_snan(a)) raise(FFLAG_NV);
    return F64_NAN;
  }
  return reinterpret<u64>(<f64>reinterpret<f32>(a));
}

/** x rounded to an integral number in mode `rm`; NaN and infinities stay. No flags. */
function round_integral(x: f64, rm: u32): f64 {
  if (rm == RTZ) return trunc<f64>(x);
  if (rm == RNE) return nearest<f64>(x);
  if (rm != RMM) return rm == RDN ? floor<f64>(x) : ceil<f64>(x);
  const whole = trunc<f64>(x);
  // The fraction x - whole is exact. Ties go away from zero.
  return abs(x - whole) >= 0.5 ? whole + copysign<f64>(1, x) : whole;
}

/** Raises NX if rounding x to an integral number changed it. */
function flag_inexact(x: f64, integral: f64): void {
  if (integral != x) raise(FFLAG_NX);
}

function to_i32(x: f64, rm: u32): u64 {
  const r = round_integral(x, rm);
  if (r >= -2147483648 && r <= 2147483647) {
    flag_inexact(x, r);
    return <u64><i64><i32>r;
  }
  raise(FFLAG_NV);
  return <u64><i64>(r < 0 ? i32.MIN_VALUE : i32.MAX_VALUE);
}

function to_u32(x: f64, rm: u32): u64 {
  const r = round_integral(x, rm);
  if (r >= 0 && r <= 4294967295) {
    flag_inexact(x, r);
    return <u64><i64><i32><u32>r;
  }
  raise(FFLAG_NV);
  return r < 0 ? 0 : u64.MAX_VALUE;
}

function to_i64(x: f64, rm: u32): u64 {
  const r = round_integral(x, rm);
  if (r >= -9223372036854775808.0 && r < 9223372036854775808.0) {
    flag_inexact(x, r);
    return <u64><i64>r;
  }
  raise(FFLAG_NV);
  return <u64>(r < 0 ? i64.MIN_VALUE : i64.MAX_VALUE);
}

function to_u64(x: f64, rm: u32): u64 {
  const r = round_integral(x, rm);
  if (r >= 0 && r < 18446744073709551616.0) {
    flag_inexact(x, r);
    return <u64>r;
  }
  raise(FFLAG_NV);
  return r < 0 ? 0 : u64.MAX_VALUE;
}

/** fcvt.w.d. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f64_to_i32(a: u64, rm: u32): u64 {
  return to_i32(reinterpret<f64>(a), rm);
}

/** fcvt.wu.d. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f64_to_u32(a: u64, rm: u32): u64 {
  return to_u32(reinterpret<f64>(a), rm);
}

/** fcvt.l.d. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f64_to_i64(a: u64, rm: u32): u64 {
  return to_i64(reinterpret<f64>(a), rm);
}

/** fcvt.lu.d. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f64_to_u64(a: u64, rm: u32): u64 {
  return to_u64(reinterpret<f64>(a), rm);
}

/** fcvt.w.s. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f32_to_i32(a: u32, rm: u32): u64 {
  return to_i32(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.wu.s. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f32_to_u32(a: u32, rm: u32): u64 {
  return to_u32(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.l.s. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f32_to_i64(a: u32, rm: u32): u64 {
  return to_i64(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.lu.s. @param rm 0..4. @returns the register value. Raises NV or NX. */
export function f32_to_u64(a: u32, rm: u32): u64 {
  return to_u64(<f64>reinterpret<f32>(a), rm);
}

/** Significant bits of a magnitude, from its first one to its last; 0 or less for 0. */
function width(magnitude: u64): i32 {
  return 64 - <i32>clz(magnitude) - <i32>ctz(magnitude);
}

/** |x| of a two's complement number; right for the most negative one too. */
function magnitude_of(x: u64): u64 {
  return <i64>x < 0 ? 0 - x : x;
}

/** fcvt.d.w. @param x its low 32 bits count. @returns the binary64. Always exact. */
export function i32_to_f64(x: u64, rm: u32): u64 {
  return reinterpret<u64>(<f64><i32>x);
}

/** fcvt.d.wu. @param x its low 32 bits count. @returns the binary64. Always exact. */
export function u32_to_f64(x: u64, rm: u32): u64 {
  return reinterpret<u64>(<f64><u32>x);
}

/** fcvt.d.l. @param rm 0..4. @returns the binary64. Raises NX. */
export function i64_to_f64(x: u64, rm: u32): u64 {
  const exact = width(magnitude_of(x)) <= 53;
  if (exact || rm == RNE) {
    if (!exact) raise(FFLAG_NX);
    return reinterpret<u64>(<f64><i64>x);
  }
  const negative = <i64>x < 0;
  const bits = integer_exact(negative, magnitude_of(x), rm, 52, 0x7ff);
  return negative ? bits | F64_SIGN : bits;
}

/** fcvt.d.lu. @param rm 0..4. @returns the binary64. Raises NX. */
export function u64_to_f64(x: u64, rm: u32): u64 {
  const exact = width(x) <= 53;
  if (exact || rm == RNE) {
    if (!exact) raise(FFLAG_NX);
    return reinterpret<u64>(<f64>x);
  }
  return integer_exact(false, x, rm, 52, 0x7ff);
}

/** fcvt.s.w. @param x its low 32 bits count. @param rm 0..4. Raises NX. */
export function i32_to_f32(x: u64, rm: u32): u32 {
  return i64_to_f32(<u64><i64><i32>x, rm);
}

/** fcvt.s.wu. @param x its low 32 bits count. @param rm 0..4. Raises NX. */
export function u32_to_f32(x: u64, rm: u32): u32 {
  return u64_to_f32(<u64><u32>x, rm);
}

/** fcvt.s.l. @param rm 0..4. @returns the binary32. Raises NX. */
export function i64_to_f32(x: u64, rm: u32): u32 {
  const exact = width(magnitude_of(x)) <= 24;
  if (exact || rm == RNE) {
    if (!exact) raise(FFLAG_NX);
    return reinterpret<u32>(<f32><i64>x);
  }
  const negative = <i64>x < 0;
  const bits = <u32>integer_exact(negative, magnitude_of(x), rm, 23, 0xff);
  return negative ? bits | F32_SIGN : bits;
}

/** fcvt.s.lu. @param rm 0..4. @returns the binary32. Raises NX. */
export function u64_to_f32(x: u64, rm: u32): u32 {
  const exact = width(x) <= 24;
  if (exact || rm == RNE) {
    if (!exact) raise(FFLAG_NX);
    return reinterpret<u32>(<f32>x);
  }
  return <u32>integer_exact(false, x, rm, 23, 0xff);
}
