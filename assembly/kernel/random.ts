// Random bytes that are the same in every run: a machine that can be rewound must not
// be surprised. The generator is seeded from the settings and its state is in memory.
//
//   seed --> state --> state --> state ...       xorshift64* (Vigna 2016)
//              |         |         |
//            byte      byte      byte            the upper 8 bits of a product
//
// In Linux: drivers/char/random.c get_random_bytes() (6.12), a ChaCha20 stream cipher.
// Left out: entropy, and secrecy: these bytes can be told in advance.
import { CONF_BASE, Conf, RANDOM_STATE } from "../abi";

/** Fills `len` bytes at `to`. */
// @nomark
export function get_random_bytes(to: usize, len: u64): void {
  let state = load<u64>(RANDOM_STATE);
  if (state == 0) state = load<u64>(CONF_BASE + Conf.seed * 8) | 1;
  for (let i: u64 = 0; i < len; i++) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    store<u8>(to + <usize>i, <u8>((state * 0x2545f4914f6cdd1d) >> 56));
  }
  store<u64>(RANDOM_STATE, state);
}
