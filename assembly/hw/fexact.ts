/**
 * The exact path of binary64 arithmetic: integers only, every rounding mode, every
 * operand. f64.ts and f32.ts come here when they cannot prove that the host's own
 * instruction gives the same result and the same flags.
 *
 * `rm` is 0..4, or one of these with TO_ODD for a binary32 operation in progress: its
 * operands come from f32_widen() and its result goes to f32_narrow(), which rounds it
 * once more. No binary32 operation leaves the normal range of binary64, so the first
 * rounding never sets UF or OF, and it sets NX only where the second one does.
 */
import {
  F32_FRACTION, F32_INF, F32_NAN, F32_SIGN, F64_INF, F64_NAN, F64_SIGN, FFLAG_DZ,
  FFLAG_NV, f32_is_nan, f64_exponent, f64_is_inf, f64_is_nan, f64_is_snan,
  f64_is_zero, f64_round, f64_significand, f64_zero_sum, mul_high, raise, round_pack,
  shift_right_jam,
} from "./fbits";

/** The result of an operation on operands of which one is a NaN. */
function nan_of(a: u64, b: u64): u64 {
  if (f64_is_snan(a) || f64_is_snan(b)) raise(FFLAG_NV);
  return F64_NAN;
}

/** The result of an invalid operation on numbers. */
function invalid(): u64 {
  raise(FFLAG_NV);
  return F64_NAN;
}

/** a + b. */
export function add_exact(a: u64, b: u64, rm: u32): u64 {
  if (f64_is_nan(a) || f64_is_nan(b)) return nan_of(a, b);
  if (f64_is_inf(a)) return f64_is_inf(b) && a != b ? invalid() : a;
  if (f64_is_inf(b)) return b;
  if ((a & ~F64_SIGN) < (b & ~F64_SIGN)) {
    const larger = b;
    b = a;
    a = larger;
  }
  const sign = a & F64_SIGN;
  const exponent = f64_exponent(a);
  // Leading ones at bit 61: room for the carry above, nine guard bits below.
  const big = f64_significand(a) << 9;
  const small = shift_right_jam(f64_significand(b) << 9, exponent - f64_exponent(b));
  const alike = sign == (b & F64_SIGN);
  const sum = alike ? big + small : big - small;
  if (sum == 0) return alike ? sign : f64_zero_sum(rm);
  return f64_round(sign, exponent + 1, sum, rm);
}

/** a * b. */
export function mul_exact(a: u64, b: u64, rm: u32): u64 {
  if (f64_is_nan(a) || f64_is_nan(b)) return nan_of(a, b);
  const sign = (a ^ b) & F64_SIGN;
  if (f64_is_inf(a)) return f64_is_zero(b) ? invalid() : sign | F64_INF;
  if (f64_is_inf(b)) return f64_is_zero(a) ? invalid() : sign | F64_INF;
  if (f64_is_zero(a) || f64_is_zero(b)) return sign;
  const x = f64_significand(a) << 10;
  const y = f64_significand(b) << 11;
  // 1.x * 1.y lies in [1, 4): its leading one is at bit 61 or 62 of the upper half.
  const product = mul_high(x, y) | u64(x * y != 0);
  return f64_round(sign, f64_exponent(a) + f64_exponent(b) - 1022, product, rm);
}

/** a / b. */
export function div_exact(a: u64, b: u64, rm: u32): u64 {
  if (f64_is_nan(a) || f64_is_nan(b)) return nan_of(a, b);
  const sign = (a ^ b) & F64_SIGN;
  if (f64_is_inf(a)) return f64_is_inf(b) ? invalid() : sign | F64_INF;
  if (f64_is_inf(b)) return sign;
  if (f64_is_zero(b)) {
    if (f64_is_zero(a)) return invalid();
    raise(FFLAG_DZ);
    return sign | F64_INF;
  }
  if (f64_is_zero(a)) return sign;
  const divisor = f64_significand(b);
  // Long division, eleven bits of quotient a step: the remainder stays below 2^53, so
  // the next dividend fits in 64 bits. 2^55 * x / y has 55 or 56 bits: two to spare.
  let rest = f64_significand(a);
  let quotient = rest / divisor;
  rest -= quotient * divisor;
  for (let step = 0; step < 5; step++) {
    const dividend = rest << 11;
    const digit = dividend / divisor;
    rest = dividend - digit * divisor;
    quotient = (quotient << 11) | digit;
  }
  const exponent = f64_exponent(a) - f64_exponent(b) + 1023;
  return f64_round(sign, exponent, (quotient << 7) | u64(rest != 0), rm);
}

/** Square root of a. */
export function sqrt_exact(a: u64, rm: u32): u64 {
  if (f64_is_nan(a)) return nan_of(a, a);
  if (f64_is_zero(a) || a == F64_INF) return a;
  if ((a & F64_SIGN) != 0) return invalid();
  const power = f64_exponent(a) - 1023;
  const odd = power & 1;
  // a = m * 2^(power - odd - 52), m in [2^52, 2^54). The root of m * 2^56 has 55 bits.
  let radicand = f64_significand(a) << (10 + odd);
  let root: u64 = 0;
  let rest: u64 = 0;
  // Digit by digit from the top: two bits of m * 2^56 in, one bit of root out. The low
  // 56 of its 110 bits are zero, which is what shifting zeros into `radicand` gives.
  for (let digit = 0; digit < 55; digit++) {
    rest = (rest << 2) | (radicand >> 62);
    radicand <<= 2;
    const trial = (root << 2) | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  const exponent = ((power - odd) >> 1) + 1023;
  return f64_round(0, exponent, (root << 8) | u64(rest != 0), rm);
}

/** a * b + c when an operand is special; see fma_exact(). */
function fma_special(a: u64, b: u64, c: u64, rm: u32): u64 {
  // Infinity times zero is invalid even when c is a quiet NaN (RISC-V "F", section on
  // fused multiply-add).
  if (f64_is_inf(a) && f64_is_zero(b)) return invalid();
  if (f64_is_zero(a) && f64_is_inf(b)) return invalid();
  if (f64_is_nan(a) || f64_is_nan(b) || f64_is_nan(c)) {
    return f64_is_snan(c) ? invalid() : nan_of(a, b);
  }
  const sign = (a ^ b) & F64_SIGN;
  if (f64_is_inf(a) || f64_is_inf(b)) {
    return f64_is_inf(c) && (c & F64_SIGN) != sign ? invalid() : sign | F64_INF;
  }
  // c is infinite, or the product is zero and c is the sum unless both are zero.
  if (!f64_is_zero(c)) return c;
  return (c & F64_SIGN) == sign ? sign : f64_zero_sum(rm);
}

/** a * b + c, rounded once. */
export function fma_exact(a: u64, b: u64, c: u64, rm: u32): u64 {
  const special = (a & F64_INF) == F64_INF || (b & F64_INF) == F64_INF
    || (c & F64_INF) == F64_INF || f64_is_zero(a) || f64_is_zero(b);
  if (special) return fma_special(a, b, c, rm);
  let sign = (a ^ b) & F64_SIGN;
  // Both terms are 128-bit numbers high:low with the leading one at bit 126.
  const x = f64_significand(a) << 10;
  const y = f64_significand(b) << 11;
  let high = mul_high(x, y);
  let low = x * y;
  let exponent = f64_exponent(a) + f64_exponent(b) - 1022;
  if (high >> 62 == 0) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    exponent -= 1;
  }
  if (!f64_is_zero(c)) {
    let high2 = f64_significand(c) << 10;
    let low2: u64 = 0;
    let distance = exponent - f64_exponent(c);
    const alike = (c & F64_SIGN) == sign;
    if (distance < 0 || (distance == 0 && high2 > high)) {
      // c is the larger term: exchange the two.
      const high1 = high;
      low2 = low;
      low = 0;
      high = high2;
      high2 = high1;
      exponent -= distance;
      distance = -distance;
      sign = c & F64_SIGN;
    }
    // Align the smaller term, jamming what leaves at the bottom. A difference can lose
    // its leading bits only if distance <= 1, and then nothing was jammed: the product
    // ends twenty zero bits above the bottom, c sixty-four.
    if (distance > 127) {
      low2 = 1;
      high2 = 0;
    } else if (distance > 63) {
      low2 = shift_right_jam(high2, distance - 64) | u64(low2 != 0);
      high2 = 0;
    } else if (distance > 0) {
      low2 = (high2 << (64 - distance)) | shift_right_jam(low2, distance);
      high2 >>= distance;
    }
    if (alike) {
      low += low2;
      high += high2 + u64(low < low2);
    } else {
      high -= high2 + u64(low < low2);
      low -= low2;
      if ((high | low) == 0) return f64_zero_sum(rm);
    }
  }
  if (high == 0) {
    high = low;
    low = 0;
    exponent -= 64;
  }
  const zeros = <i32>clz(high);
  if (zeros > 1) {
    const shift = zeros - 1;
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
    exponent -= shift;
  }
  return f64_round(sign, exponent, high | u64(low != 0), rm);
}

/**
 * Rounds a binary64 number to binary32.
 *
 * @param a any binary64; a signalling NaN raises NV, every NaN becomes canonical.
 * @returns the binary32.
 */
export function f32_narrow(a: u64, rm: u32): u32 {
  if (f64_is_nan(a)) {
    nan_of(a, a);
    return F32_NAN;
  }
  const sign = <u32>(a >> 32) & F32_SIGN;
  if (f64_is_inf(a)) return sign | F32_INF;
  if (f64_is_zero(a)) return sign;
  const exponent = f64_exponent(a) - 1023 + 127;
  const significand = f64_significand(a) << 10;
  return sign | <u32>round_pack(sign != 0, exponent, significand, rm, 23, 0xff);
}

/** The binary64 of the same value; a NaN stays quiet or signalling. No flags. */
export function f32_widen(a: u32): u64 {
  if (f32_is_nan(a)) return F64_INF | ((<u64>(a & F32_FRACTION)) << 29);
  return reinterpret<u64>(<f64>reinterpret<f32>(a));
}

/**
 * Rounds the integer `magnitude` with a sign.
 *
 * @param fraction_bits 52 or 23.
 * @param top 0x7ff or 0xff.
 * @returns the encoding without its sign bit; 0 for zero.
 */
export function integer_exact(
  negative: bool, magnitude: u64, rm: u32, fraction_bits: u64, top: u64,
): u64 {
  if (magnitude == 0) return 0;
  const zeros = <i32>clz(magnitude);
  const significand = zeros == 0
    ? (magnitude >> 1) | (magnitude & 1)
    : magnitude << (zeros - 1);
  // The leading one has weight 2^(63 - zeros); the bias is half of `top`, rounded down.
  const exponent = <i32>(top >> 1) + 63 - zeros;
  return round_pack(negative, exponent, significand, rm, fraction_bits, top);
}
