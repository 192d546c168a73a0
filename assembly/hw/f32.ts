/**
 * Arithmetic of the F extension on unboxed binary32 operands. See fpu.ts for the
 * contract and for the proofs that the quick returns below are sound.
 *
 * Everything that is not quick goes through binary64: widen (exact), do the operation
 * rounding to odd, narrow in the wanted mode. fbits.ts says why that rounds only once.
 */
import {
  F32_SIGN, F32_TINY, FFLAG_NX, RNE, TO_ODD, inexact_known, raise,
} from "./fbits";
import {
  add_exact, div_exact, f32_narrow, f32_widen, fma_exact, mul_exact, sqrt_exact,
} from "./fexact";

/** fadd.s. @param rm 0..4. @returns a + b. Raises NV, OF, NX. */
export function f32_add(a: u32, b: u32, rm: u32): u32 {
  if (rm == RNE) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const sum = x + y;
    if (abs(sum) < <f32>Infinity) {
      if (!inexact_known()) {
        // TwoSum; see sum_error() in f64.ts.
        const from_y = sum - x;
        if (x - (sum - from_y) + (y - from_y) != 0) raise(FFLAG_NX);
      }
      return reinterpret<u32>(sum);
    }
  }
  return f32_narrow(add_exact(f32_widen(a), f32_widen(b), rm | TO_ODD), rm);
}

/** fsub.s. @param rm 0..4. @returns a - b. Raises NV, OF, NX. */
export function f32_sub(a: u32, b: u32, rm: u32): u32 {
  return f32_add(a, b ^ F32_SIGN, rm);
}

/** fmul.s. @param rm 0..4. @returns a * b. Raises NV, OF, UF, NX. */
export function f32_mul(a: u32, b: u32, rm: u32): u32 {
  if (rm == RNE) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const product = x * y;
    if (abs(product) > F32_TINY && abs(product) < <f32>Infinity) {
      // 24 + 24 bits: the binary64 product is exact.
      if (!inexact_known() && <f64>x * <f64>y != <f64>product) raise(FFLAG_NX);
      return reinterpret<u32>(product);
    }
    if (product == 0 && (x == 0 || y == 0)) return reinterpret<u32>(product);
  }
  return f32_narrow(mul_exact(f32_widen(a), f32_widen(b), rm | TO_ODD), rm);
}

/** fdiv.s. @param rm 0..4. @returns a / b. Raises NV, DZ, OF, UF, NX. */
export function f32_div(a: u32, b: u32, rm: u32): u32 {
  if (rm == RNE) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const quotient = x / y;
    if (abs(quotient) > F32_TINY && abs(quotient) < <f32>Infinity) {
      if (!inexact_known() && <f64>quotient * <f64>y != <f64>x) raise(FFLAG_NX);
      return reinterpret<u32>(quotient);
    }
    if (x == 0 && quotient == 0) return reinterpret<u32>(quotient);
  }
  return f32_narrow(div_exact(f32_widen(a), f32_widen(b), rm | TO_ODD), rm);
}

/** fsqrt.s. @param rm 0..4. @returns the square root of a. Raises NV, NX. */
export function f32_sqrt(a: u32, rm: u32): u32 {
  if (rm == RNE) {
    const x = reinterpret<f32>(a);
    const root = sqrt<f32>(x);
    if (root < <f32>Infinity) {
      if (!inexact_known() && <f64>root * <f64>root != <f64>x) raise(FFLAG_NX);
      return reinterpret<u32>(root);
    }
  }
  return f32_narrow(sqrt_exact(f32_widen(a), rm | TO_ODD), rm);
}

/**
 * fmadd.s, fused; the other three by flipping sign bits first, see f64_fma().
 *
 * @param rm 0..4. @returns a * b + c, rounded once. Raises NV, OF, UF, NX.
 */
export function f32_fma(a: u32, b: u32, c: u32, rm: u32): u32 {
  if (rm == RNE) {
    // The product is exact in binary64. Only the sum can round; made odd, it may be
    // rounded again (fbits.ts, TO_ODD).
    const product = <f64>reinterpret<f32>(a) * <f64>reinterpret<f32>(b);
    const z = <f64>reinterpret<f32>(c);
    let sum = product + z;
    const from_z = sum - product;
    const error = product - (sum - from_z) + (z - from_z);
    if (error != 0) {
      const bits = reinterpret<u64>(sum);
      if ((bits & 1) == 0) {
        sum = reinterpret<f64>((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
      }
    }
    const result = <f32>sum;
    if (abs(result) > F32_TINY && abs(result) < <f32>Infinity) {
      if (!inexact_known() && <f64>result != sum) raise(FFLAG_NX);
      return reinterpret<u32>(result);
    }
    if (sum == 0) return reinterpret<u32>(result);
  }
  const sum = fma_exact(f32_widen(a), f32_widen(b), f32_widen(c), rm | TO_ODD);
  return f32_narrow(sum, rm);
}
