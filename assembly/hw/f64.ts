/**
 * Arithmetic of the D extension. See fpu.ts for the contract and for the proofs that
 * the quick returns below are sound.
 */
import {
  F64_FRACTION, F64_HIDDEN, F64_INF, F64_SIGN, F64_TINY, FFLAG_NX, RNE, inexact_known,
  raise,
} from "./fbits";
import { add_exact, div_exact, fma_exact, mul_exact, sqrt_exact } from "./fexact";

/** Bounds inside which the fused path's products and sums are free of range trouble. */
const FMA_FACTOR_MIN: f64 = 3.4395525670743494e-136; // 2^-450
const FMA_FACTOR_MAX: f64 = 2.9073548971824276e135; // 2^450
const FMA_ADDEND_MAX: f64 = 9.7453140114e288; // 2^960
/** 2^27 + 1 splits a significand into two halves of 26 bits (Veltkamp). */
const SPLITTER: f64 = 134217729;

/**
 * The rounding error of a finite sum = x + y, exactly (Knuth's TwoSum). At the very
 * top of the range it may be an infinity or a NaN instead of a nonzero error; it is 0
 * if and only if the sum is exact, for then every step here is.
 */
function sum_error(x: f64, y: f64, sum: f64): f64 {
  const from_y = sum - x;
  return x - (sum - from_y) + (y - from_y);
}

/** The significand as an integer without its trailing zeros. @param a nonzero. */
function odd_part(a: u64): u64 {
  const fraction = a & F64_FRACTION;
  const integer = (a & F64_INF) != 0 ? fraction | F64_HIDDEN : fraction;
  return integer >> ctz(integer);
}

/** Has the product of two finite nonzero numbers at most 53 significant bits? */
function product_fits(a: u64, b: u64): bool {
  const x = odd_part(a);
  const y = odd_part(b);
  // Odd numbers of m and n bits have a product of m + n or m + n - 1 bits.
  const spare = clz(x) + clz(y);
  return spare >= 128 - 53 || (spare == 128 - 54 && clz(x * y) >= 64 - 53);
}

/** fadd.d. @param rm 0..4. @returns a + b. Raises NV, OF, NX. */
export function f64_add(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const sum = x + y;
    if (abs(sum) < Infinity) {
      if (!inexact_known() && sum_error(x, y, sum) != 0) raise(FFLAG_NX);
      return reinterpret<u64>(sum);
    }
  }
  return add_exact(a, b, rm);
}

/** fsub.d. @param rm 0..4. @returns a - b. Raises NV, OF, NX. */
export function f64_sub(a: u64, b: u64, rm: u32): u64 {
  return f64_add(a, b ^ F64_SIGN, rm);
}

/** fmul.d. @param rm 0..4. @returns a * b. Raises NV, OF, UF, NX. */
export function f64_mul(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const product = x * y;
    if (abs(product) > F64_TINY && abs(product) < Infinity) {
      if (!inexact_known() && !product_fits(a, b)) raise(FFLAG_NX);
      return reinterpret<u64>(product);
    }
    if (product == 0 && (x == 0 || y == 0)) return reinterpret<u64>(product);
  }
  return mul_exact(a, b, rm);
}

/** fdiv.d. @param rm 0..4. @returns a / b. Raises NV, DZ, OF, UF, NX. */
export function f64_div(a: u64, b: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const quotient = x / y;
    if (abs(quotient) > F64_TINY && abs(quotient) < Infinity) {
      // quotient * y differs from x by less than the spacing of 53-bit numbers, so if
      // it is one, it is x. (A spacing is least below a power of two; but where the
      // product is a power of two so is y, and the quotient is exact.)
      const bits = reinterpret<u64>(quotient);
      if (!inexact_known() && !product_fits(bits, b)) raise(FFLAG_NX);
      return bits;
    }
    if (x == 0 && quotient == 0) return reinterpret<u64>(quotient);
  }
  return div_exact(a, b, rm);
}

/** fsqrt.d. @param rm 0..4. @returns the square root of a. Raises NV, NX. */
export function f64_sqrt(a: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const root = sqrt<f64>(x);
    if (root < Infinity) {
      const bits = reinterpret<u64>(root);
      if (inexact_known() || root == 0) return bits;
      // A subnormal x can be the rounded square of an inexact root: exact path.
      if (x >= F64_TINY) {
        if (root * root != x || !product_fits(bits, bits)) raise(FFLAG_NX);
        return bits;
      }
    }
  }
  return sqrt_exact(a, rm);
}

/**
 * fmadd.d, fused. The interpreter gets the other three by flipping sign bits first:
 * fmsub.d c; fnmsub.d a; fnmadd.d a and c. The ISA negates the product (and subtracts
 * c) *before* the one rounding, so this is right in the directed modes too, and for
 * zeros; a flipped NaN is still the same kind of NaN and the result is canonical.
 *
 * @param rm 0..4. @returns a * b + c, rounded once. Raises NV, OF, UF, NX.
 */
export function f64_fma(a: u64, b: u64, c: u64, rm: u32): u64 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const z = reinterpret<f64>(c);
    if (abs(x) > FMA_FACTOR_MIN && abs(x) < FMA_FACTOR_MAX
      && abs(y) > FMA_FACTOR_MIN && abs(y) < FMA_FACTOR_MAX
      && abs(z) < FMA_ADDEND_MAX) {
      // Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved
      // algorithms using rounding to odd" (2008), algorithm Fmac:
      // x * y = product + error exactly (Dekker), then two TwoSums, then the two small
      // errors are added with rounding to odd, so that the last sum rounds correctly.
      const product = x * y;
      const xs = x * SPLITTER;
      const xh = xs - (xs - x);
      const xl = x - xh;
      const ys = y * SPLITTER;
      const yh = ys - (ys - y);
      const yl = y - yh;
      const error = xl * yl - (product - xh * yh - xl * yh - xh * yl);
      const low = z + error;
      const low_error = sum_error(z, error, low);
      const high = product + low;
      const high_error = sum_error(product, low, high);
      let tail = high_error + low_error;
      const tail_error = sum_error(high_error, low_error, tail);
      if (tail_error != 0) {
        const bits = reinterpret<u64>(tail);
        if ((bits & 1) == 0) {
          // The true value lies on the error's side of `tail`: one step outward if
          // the two have the same sign, one step inward otherwise.
          const outward = (tail_error > 0) == (tail > 0);
          tail = reinterpret<f64>(outward ? bits + 1 : bits - 1);
        }
      }
      const sum = high + tail;
      // A tail made odd makes this sum inexact, and so is the true one. Proof: if
      // product and low cancelled, `high` is exact and the tail is low_error, never
      // made odd. If not, `high` is far larger than the tail, so their sum needs more
      // than 53 bits; and were the true value a binary64, then its difference from
      // `high` would be one (Sterbenz), and nothing would have been made odd.
      if (!inexact_known() && sum_error(high, tail, sum) != 0) raise(FFLAG_NX);
      return reinterpret<u64>(sum);
    }
  }
  return fma_exact(a, b, c, rm);
}
