// MD5, RFC 1321: four rounds of sixteen steps a block.
#include "digest.h"

static void block(unsigned *state, const unsigned char *b) {
  static const unsigned char by[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
  unsigned w[16], a = state[0], x = state[1], y = state[2], z = state[3];
  for (int i = 0; i < 16; i++, b += 4)
    w[i] = b[0] | (unsigned)b[1] << 8 | (unsigned)b[2] << 16 | (unsigned)b[3] << 24;
  for (int i = 0; i < 64; i++) {
    unsigned f = i < 16   ? (x & y) | (~x & z)
                 : i < 32 ? (z & x) | (~z & y)
                 : i < 48 ? x ^ y ^ z
                          : y ^ (x | ~z);
    int at = i < 16 ? i : i < 32 ? 5 * i + 1 : i < 48 ? 3 * i + 5 : 7 * i;
    unsigned next = x + turn(a + f + md5_constants[i] + w[at & 15], by[i / 16 * 4 + i % 4]);
    a = z, z = y, y = x, x = next;
  }
  state[0] += a, state[1] += x, state[2] += y, state[3] += z;
}

void md5_hex(char out[DIGEST_TEXT], const char *data, size_t n) {
  unsigned state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  digest_blocks(data, n, 0, block, state);
  digest_print(out, state, 4, 0);
}
