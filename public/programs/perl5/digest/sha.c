// SHA-1 and SHA-256, FIPS 180-4.
#include "digest.h"

static void words(unsigned *w, const unsigned char *b) {
  for (int i = 0; i < 16; i++, b += 4)
    w[i] = (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

static void block1(unsigned *state, const unsigned char *b) {
  static const unsigned k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  unsigned w[80], v[5];
  words(w, b);
  for (int i = 16; i < 80; i++)
    w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 80; i++) {
    unsigned f = i < 20             ? (v[1] & v[2]) | (~v[1] & v[3])
                 : i >= 40 && i < 60 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])
                                     : v[1] ^ v[2] ^ v[3];
    unsigned next = turn(v[0], 5) + f + v[4] + k[i / 20] + w[i];
    v[4] = v[3], v[3] = v[2], v[2] = turn(v[1], 30), v[1] = v[0], v[0] = next;
  }
  for (int i = 0; i < 5; i++)
    state[i] += v[i];
}

void sha1_hex(char out[DIGEST_TEXT], const char *data, size_t n) {
  unsigned state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  digest_blocks(data, n, 1, block1, state);
  digest_print(out, state, 5, 1);
}

static unsigned right(unsigned x, int by) { return turn(x, 32 - by); }

static void block256(unsigned *state, const unsigned char *b) {
  unsigned w[64], v[8];
  words(w, b);
  for (int i = 16; i < 64; i++) {
    unsigned s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3;
    unsigned s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    unsigned s1 = right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25);
    unsigned choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
    unsigned t1 = v[7] + s1 + choose + sha256_constants[i] + w[i];
    unsigned s0 = right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22);
    unsigned majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + s0 + majority;
  }
  for (int i = 0; i < 8; i++)
    state[i] += v[i];
}

void sha256_hex(char out[DIGEST_TEXT], const char *data, size_t n) {
  unsigned state[8];
  memcpy(state, sha256_start, sizeof state);
  digest_blocks(data, n, 1, block256, state);
  digest_print(out, state, 8, 1);
}
