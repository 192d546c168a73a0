// xorshift64*: the tests' programs are the same in every run, and a seed names one.

/** A deterministic source of numbers. */
export class Random {
  #high: number;
  #low: number;

  /** @param seed any number but 0 */
  constructor(seed: bigint) {
    // Spreads small seeds (splitmix64's finalizer).
    let x = BigInt.asUintN(64, seed * 0x9e3779b97f4a7c15n);
    x = BigInt.asUintN(64, (x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
    x ^= x >> 31n;
    this.#high = Number(x >> 32n) >>> 0;
    this.#low = Number(x & 0xffffffffn) >>> 0 || 1;
  }

  /** 32 random bits, as a number from 0. */
  next32(): number {
    // xorshift64 on two halves (13, 7, 17), then a mix of both.
    let high = this.#high;
    let low = this.#low;
    high ^= (high << 13) | (low >>> 19);
    low ^= low << 13;
    low ^= (low >>> 7) | (high << 25);
    high ^= high >>> 7;
    high ^= (high << 17) | (low >>> 15);
    low ^= low << 17;
    this.#high = high >>> 0;
    this.#low = low >>> 0;
    return (Math.imul(high, 0x2545f491) ^ Math.imul(low, 0x4f6cdd1d) ^ (high >>> 15)) >>> 0;
  }

  /** 64 random bits. */
  next64(): bigint {
    return (BigInt(this.next32()) << 32n) | BigInt(this.next32());
  }

  /** A whole number from 0, less than `n`. */
  below(n: number): number {
    return Math.floor((this.next32() / 2 ** 32) * n);
  }

  /** True one time in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
