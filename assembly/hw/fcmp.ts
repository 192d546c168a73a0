/**
 * Comparisons, minimum, maximum and classification of the F and D extensions.
 *
 * Without a NaN the host's comparison is the ISA's. With one: feq is a quiet comparison
 * (NV only for a signalling NaN), flt and fle are signalling ones (NV for any NaN).
 */
import {
  F32_FRACTION, F32_INF, F32_NAN, F32_SIGN, F64_FRACTION, F64_INF, F64_NAN, F64_SIGN,
  FFLAG_NV, f32_is_nan, f32_is_snan, f64_is_nan, f64_is_snan, raise,
} from "./fbits";

/** feq.d. @returns 1 if a = b, else 0. Raises NV. */
export function f64_eq(a: u64, b: u64): u64 {
  if (f64_is_snan(a) || f64_is_snan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f64>(a) == reinterpret<f64>(b));
}

/** flt.d. @returns 1 if a < b, else 0. Raises NV. */
export function f64_lt(a: u64, b: u64): u64 {
  if (f64_is_nan(a) || f64_is_nan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f64>(a) < reinterpret<f64>(b));
}

/** fle.d. @returns 1 if a <= b, else 0. Raises NV. */
export function f64_le(a: u64, b: u64): u64 {
  if (f64_is_nan(a) || f64_is_nan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f64>(a) <= reinterpret<f64>(b));
}

/** feq.s. @returns 1 if a = b, else 0. Raises NV. */
export function f32_eq(a: u32, b: u32): u64 {
  if (f32_is_snan(a) || f32_is_snan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f32>(a) == reinterpret<f32>(b));
}

/** flt.s. @returns 1 if a < b, else 0. Raises NV. */
export function f32_lt(a: u32, b: u32): u64 {
  if (f32_is_nan(a) || f32_is_nan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f32>(a) < reinterpret<f32>(b));
}

/** fle.s. @returns 1 if a <= b, else 0. Raises NV. */
export function f32_le(a: u32, b: u32): u64 {
  if (f32_is_nan(a) || f32_is_nan(b)) raise(FFLAG_NV);
  return u64(reinterpret<f32>(a) <= reinterpret<f32>(b));
}

/** The result of min or max with a NaN operand: the other one (IEEE minimumNumber). */
function f64_number_of(a: u64, b: u64): u64 {
  if (f64_is_snan(a) || f64_is_snan(b)) raise(FFLAG_NV);
  if (!f64_is_nan(a)) return a;
  return f64_is_nan(b) ? F64_NAN : b;
}

/** fmin.d. -0 is below +0. @returns the smaller operand. Raises NV. */
export function f64_min(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x < y) return a;
  if (y < x) return b;
  // Equal numbers differ at most in the sign of zero; the minimum has every sign bit.
  return x == y ? a | b : f64_number_of(a, b);
}

/** fmax.d. -0 is below +0. @returns the larger operand. Raises NV. */
export function f64_max(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x > y) return a;
  if (y > x) return b;
  return x == y ? a & b : f64_number_of(a, b);
}

/** The result of min or max with a NaN operand: the other one (IEEE minimumNumber). */
function f32_number_of(a: u32, b: u32): u32 {
  if (f32_is_snan(a) || f32_is_snan(b)) raise(FFLAG_NV);
  if (!f32_is_nan(a)) return a;
  return f32_is_nan(b) ? F32_NAN : b;
}

/** fmin.s. -0 is below +0. @returns the smaller operand. Raises NV. */
export function f32_min(a: u32, b: u32): u32 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x < y) return a;
  if (y < x) return b;
  return x == y ? a | b : f32_number_of(a, b);
}

/** fmax.s. -0 is below +0. @returns the larger operand. Raises NV. */
export function f32_max(a: u32, b: u32): u32 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x > y) return a;
  if (y > x) return b;
  return x == y ? a & b : f32_number_of(a, b);
}

/**
 * The one-hot class, bits 0 to 9 in the ISA's order:
 *
 *    0       1         2      3   4   5      6         7       8     9
 *  -inf  -normal  -subnormal  -0  +0  +sub  +normal  +inf  sNaN  qNaN
 */
function class_bit(
  negative: bool, zero: bool, subnormal: bool, infinite: bool,
): u64 {
  if (zero) return negative ? 1 << 3 : 1 << 4;
  if (subnormal) return negative ? 1 << 2 : 1 << 5;
  if (infinite) return negative ? 1 << 0 : 1 << 7;
  return negative ? 1 << 1 : 1 << 6;
}

/** fclass.d. @returns the one-hot class of a. No flags. */
export function f64_class(a: u64): u64 {
  if (f64_is_nan(a)) return f64_is_snan(a) ? 1 << 8 : 1 << 9;
  const magnitude = a & ~F64_SIGN;
  const subnormal = magnitude <= F64_FRACTION;
  return class_bit(
    (a & F64_SIGN) != 0, magnitude == 0, subnormal, magnitude == F64_INF,
  );
}

/** fclass.s. @returns the one-hot class of a. No flags. */
export function f32_class(a: u32): u64 {
  if (f32_is_nan(a)) return f32_is_snan(a) ? 1 << 8 : 1 << 9;
  const magnitude = a & ~F32_SIGN;
  const subnormal = magnitude <= F32_FRACTION;
  return class_bit(
    (a & F32_SIGN) != 0, magnitude == 0, subnormal, magnitude == F32_INF,
  );
}
