// Operands on which instructions go wrong: the boundaries of every integer and floating-point
// format, and random ones between.
import type { Random } from "./random.ts";

const shared = new DataView(new ArrayBuffer(8));

/** Bits of a binary64. */
export function double(value: number): bigint {
  shared.setFloat64(0, value);
  return shared.getBigUint64(0);
}

/** Bits of the nearest binary32, NaN-boxed. */
export function single(value: number): bigint {
  shared.setFloat32(0, value);
  return boxed(shared.getUint32(0));
}

export const boxed = (bits: number) => 0xffffffff00000000n | BigInt(bits >>> 0);

const u64 = (value: bigint) => BigInt.asUintN(64, value);

/** Zero, one, all ones, sign boundaries of 8 to 64 bits, shift amounts, patterns. */
export const integers: readonly bigint[] = [
  ...[0n, 1n, -1n, 2n, -2n, 3n, 7n, 10n, -10n],
  ...[31n, 32n, 33n, 63n, 64n, 65n],
  ...[0x7fn, 0x80n, 0xffn, -0x80n, -0x81n, 0x7fffn, 0x8000n, 0xffffn, -0x8000n],
  ...[0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, -0x80000000n, -0x80000001n],
  ...[0x7fffffff00000000n, 0x80000000ffffffffn, 0x7fffffffffffffffn, 0x7ffffffffffffffen],
  ...[-0x8000000000000000n, -0x7fffffffffffffffn],
  ...[0x5555555555555555n, -0x5555555555555556n, 0x0123456789abcdefn, 0x00000000deadbeefn],
].map(u64);

const around = (x: number) => [x, -x, x + 0.5, -x - 0.5, x - 0.5, 0.5 - x, x - 1, 1 - x];
const numbers = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, 3.5, -2.5, 0.1, 1 / 3, Math.PI],
  ...[Infinity, -Infinity],
];

/** Zeros, infinities, NaNs, subnormals, the ends of the formats and of the integers. */
export const doubles: readonly bigint[] = [
  ...[...numbers, ...around(2 ** 31), ...around(2 ** 32), 2 ** 53, 2 ** 53 - 1].map(double),
  ...[2 ** 63, -(2 ** 63), 2 ** 64, -(2 ** 64), 2 ** 63 - 1024, 2 ** 64 - 2048].map(double),
  ...[1n, 0x000fffffffffffffn, 0x0010000000000000n, 0x0010000000000001n, 0x7fefffffffffffffn],
  ...[0x8000000000000001n, 0x800fffffffffffffn, 0x8010000000000000n, 0xffefffffffffffffn],
  ...[0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff0000000000001n, 0xfff7ffffffffffffn],
  ...[0x7fffffffffffffffn, 0x7ff8000000000123n, 0x3ff0000000000001n, 0x3fefffffffffffffn],
  // Where a conversion to binary32 rounds, overflows or underflows.
  ...[0x47efffffe0000000n, 0x47efffffefffffffn, 0x47effffff0000000n, 0x3810000000000000n],
  ...[0x380fffffffffffffn, 0x36a0000000000000n, 0x3690000000000000n, 0x3690000000000001n],
];

/** The same for binary32, boxed; the last few break the box. */
export const singles: readonly bigint[] = [
  ...[...numbers, 2 ** 24, 2 ** 24 - 1, 2 ** 31, -(2 ** 31), 2 ** 31 - 128, 2 ** 32].map(single),
  ...[2 ** 32 - 256, 2 ** 63, -(2 ** 63), 2 ** 64, 2 ** 63 - 2 ** 39, 2 ** 64 - 2 ** 40].map(
    single,
  ),
  ...[1, 0x007fffff, 0x00800000, 0x00800001, 0x7f7fffff, 0x80000001, 0x807fffff].map(boxed),
  ...[0x80800000, 0xff7fffff, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff].map(boxed),
  ...[0x7fffffff, 0x7fc00123, 0x3f800001, 0x3f7fffff].map(boxed),
  ...[0x3f800000n, 0xfffffffe3f800000n, 0x7fffffff7f800000n, 0x00000000ffc00000n],
];

/** A random value of an integer format, often of few bits or near a power of two. */
export function randomInteger(random: Random): bigint {
  const bits = random.next64();
  switch (random.below(4)) {
    case 0:
      return bits;
    case 1:
      return u64(BigInt.asIntN(32, bits));
    case 2:
      return bits >> BigInt(random.below(64));
    default:
      return u64((1n << BigInt(random.below(64))) + BigInt(random.below(5) - 2));
  }
}

/** A random binary64, often with few bits set and an exponent near the others'. */
export function randomDouble(random: Random): bigint {
  const bits = random.next64();
  if (random.oneIn(4)) return bits;
  const sparse = random.oneIn(2) ? 0xfff0000000000000n >> BigInt(random.below(52)) : -1n;
  const exponent = BigInt(1023 - 40 + random.below(80));
  return u64((bits & 0x800fffffffffffffn & u64(sparse | (1n << 63n))) | (exponent << 52n));
}

/** A random binary32, boxed most of the time. */
export function randomSingle(random: Random): bigint {
  const bits = random.next32();
  if (random.oneIn(16)) return random.next64();
  if (random.oneIn(4)) return boxed(bits);
  const sparse = random.oneIn(2) ? 0xff800000 >> random.below(23) : -1;
  const exponent = 127 - 20 + random.below(40);
  return boxed((bits & 0x807fffff & (sparse | 0x80000000)) | (exponent << 23));
}
