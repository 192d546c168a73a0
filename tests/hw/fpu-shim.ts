// @ts-nocheck AssemblyScript: compiled by fpu.test.ts with asc, not part of the core.
/**
 * Feeds recorded vectors to assembly/hw/fpu.ts and compares results and flags; also times
 * it. The op numbers are those of fpu-oracle.c: the binary32 form is + 32.
 */
import { HART_FFLAGS } from "../../assembly/abi";
import { FFLAG_NX, TO_ODD } from "../../assembly/hw/fbits";
import {
  add_exact, div_exact, f32_narrow, f32_widen, fma_exact, mul_exact, sqrt_exact,
} from "../../assembly/hw/fexact";
import {
  f32_add, f32_class, f32_div, f32_eq, f32_fma, f32_le, f32_lt, f32_max, f32_min, f32_mul,
  f32_sqrt, f32_sub, f32_to_f64, f32_to_i32, f32_to_i64, f32_to_u32, f32_to_u64, f64_add,
  f64_class, f64_div, f64_eq, f64_fma, f64_le, f64_lt, f64_max, f64_min, f64_mul, f64_sqrt,
  f64_sub, f64_to_f32, f64_to_i32, f64_to_i64, f64_to_u32, f64_to_u64, i32_to_f32,
  i32_to_f64, i64_to_f32, i64_to_f64, u32_to_f32, u32_to_f64, u64_to_f32, u64_to_f64,
} from "../../assembly/hw/fpu";

const SIGN: u64 = 0x8000000000000000;
const SIGN32: u64 = 0x80000000;

/** One operation on register bits. The fmadd family flips signs as the interpreter does. */
export function apply(op: u32, rm: u32, a: u64, b: u64, c: u64): u64 {
  const s = <u32>a;
  const t = <u32>b;
  switch (op) {
    case 0: return f64_add(a, b, rm);
    case 1: return f64_sub(a, b, rm);
    case 2: return f64_mul(a, b, rm);
    case 3: return f64_div(a, b, rm);
    case 4: return f64_sqrt(a, rm);
    case 5: return f64_fma(a, b, c, rm);
    case 6: return f64_fma(a, b, c ^ SIGN, rm);
    case 7: return f64_fma(a ^ SIGN, b, c, rm);
    case 8: return f64_fma(a ^ SIGN, b, c ^ SIGN, rm);
    case 9: return f64_min(a, b);
    case 10: return f64_max(a, b);
    case 11: return f64_eq(a, b);
    case 12: return f64_lt(a, b);
    case 13: return f64_le(a, b);
    case 14: return f64_class(a);
    case 15: return f64_to_f32(a, rm);
    case 16: return f64_to_i32(a, rm);
    case 17: return f64_to_u32(a, rm);
    case 18: return f64_to_i64(a, rm);
    case 19: return f64_to_u64(a, rm);
    case 20: return i32_to_f64(a, rm);
    case 21: return u32_to_f64(a, rm);
    case 22: return i64_to_f64(a, rm);
    case 23: return u64_to_f64(a, rm);
    case 32: return f32_add(s, t, rm);
    case 33: return f32_sub(s, t, rm);
    case 34: return f32_mul(s, t, rm);
    case 35: return f32_div(s, t, rm);
    case 36: return f32_sqrt(s, rm);
    case 37: return f32_fma(s, t, <u32>c, rm);
    case 38: return f32_fma(s, t, <u32>(c ^ SIGN32), rm);
    case 39: return f32_fma(<u32>(a ^ SIGN32), t, <u32>c, rm);
    case 40: return f32_fma(<u32>(a ^ SIGN32), t, <u32>(c ^ SIGN32), rm);
    case 41: return f32_min(s, t);
    case 42: return f32_max(s, t);
    case 43: return f32_eq(s, t);
    case 44: return f32_lt(s, t);
    case 45: return f32_le(s, t);
    case 46: return f32_class(s);
    case 47: return f32_to_f64(s);
    case 48: return f32_to_i32(s, rm);
    case 49: return f32_to_u32(s, rm);
    case 50: return f32_to_i64(s, rm);
    case 51: return f32_to_u64(s, rm);
    case 52: return i32_to_f32(a, rm);
    case 53: return u32_to_f32(a, rm);
    case 54: return i64_to_f32(a, rm);
    case 55: return u64_to_f32(a, rm);
    default: unreachable();
  }
  return 0;
}

/** apply() by the exact path alone; the other ops have no second path and use apply(). */
export function apply_exact(op: u32, rm: u32, a: u64, b: u64, c: u64): u64 {
  const odd = rm | TO_ODD;
  const x = f32_widen(<u32>a);
  const y = f32_widen(<u32>b);
  switch (op) {
    case 0: return add_exact(a, b, rm);
    case 1: return add_exact(a, b ^ SIGN, rm);
    case 2: return mul_exact(a, b, rm);
    case 3: return div_exact(a, b, rm);
    case 4: return sqrt_exact(a, rm);
    case 5: return fma_exact(a, b, c, rm);
    case 6: return fma_exact(a, b, c ^ SIGN, rm);
    case 7: return fma_exact(a ^ SIGN, b, c, rm);
    case 8: return fma_exact(a ^ SIGN, b, c ^ SIGN, rm);
    case 15: return f32_narrow(a, rm);
    case 32: return f32_narrow(add_exact(x, y, odd), rm);
    case 33: return f32_narrow(add_exact(x, y ^ SIGN, odd), rm);
    case 34: return f32_narrow(mul_exact(x, y, odd), rm);
    case 35: return f32_narrow(div_exact(x, y, odd), rm);
    case 36: return f32_narrow(sqrt_exact(x, odd), rm);
    case 37: return f32_narrow(fma_exact(x, y, f32_widen(<u32>c), odd), rm);
    case 38: return f32_narrow(fma_exact(x, y, f32_widen(<u32>c) ^ SIGN, odd), rm);
    case 39: return f32_narrow(fma_exact(x ^ SIGN, y, f32_widen(<u32>c), odd), rm);
    case 40: return f32_narrow(fma_exact(x ^ SIGN, y, f32_widen(<u32>c) ^ SIGN, odd), rm);
    default: return apply(op, rm, a, b, c);
  }
}

/** Where fflags live: vectors must be stored elsewhere. */
export function fflags_address(): usize {
  return HART_FFLAGS;
}

/** fflags after the last operation run through this module. */
export function fflags(): u32 {
  return load<u32>(HART_FFLAGS);
}

/** Sets fflags. */
export function set_fflags(flags: u32): void {
  store<u32>(HART_FFLAGS, flags);
}

/**
 * Runs the 40-byte records [base, base + 40 * count) from record `from` on.
 *
 * @param preset fflags before each operation; they must still be there after it.
 * @param exact use apply_exact().
 * @returns index of the first record that differs, or `count`.
 */
export function check(base: usize, from: u32, count: u32, preset: u32, exact: bool): u32 {
  for (let i = from; i < count; i++) {
    const record = base + <usize>i * 40;
    const op = <u32>load<u8>(record);
    const rm = <u32>load<u8>(record, 1);
    store<u32>(HART_FFLAGS, preset);
    const a = load<u64>(record, 8);
    const b = load<u64>(record, 16);
    const c = load<u64>(record, 24);
    const result = exact ? apply_exact(op, rm, a, b, c) : apply(op, rm, a, b, c);
    if (result != load<u64>(record, 32)) return i;
    if (load<u32>(HART_FFLAGS) != (<u32>load<u8>(record, 2) | preset)) return i;
  }
  return count;
}

/**
 * Runs one binary64 operation `n` times on 256 operand pairs that the caller stored from
 * `base` on (16 bytes a pair), as one chain through the third operand's place.
 *
 * @param op 0 add, 1 mul, 2 fma, 3 div; + 8 clears NX before each operation.
 * @returns a checksum.
 */
export function bench(op: u32, rm: u32, base: usize, n: u32): u64 {
  const clear = (op & 8) != 0;
  let sum: u64 = 0;
  store<u32>(HART_FFLAGS, FFLAG_NX);
  for (let i: u32 = 0; i < n; i++) {
    if (clear) store<u32>(HART_FFLAGS, 0);
    const at = base + (<usize>(i & 255) << 4);
    const a = load<u64>(at);
    const b = load<u64>(at, 8);
    switch (op & 7) {
      case 0: sum ^= f64_add(a, b, rm); break;
      case 1: sum ^= f64_mul(a, b, rm); break;
      case 2: sum ^= f64_fma(a, b, a, rm); break;
      default: sum ^= f64_div(a, b, rm);
    }
  }
  return sum;
}
