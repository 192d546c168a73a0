// What MD5 and the SHAs share: 64-byte blocks, a 1 bit and zeros behind the
// text, and its length in bits at the end of the last block.
#include "digest.h"

void digest_blocks(const char *data, size_t n, int big_endian,
                   void (*block)(unsigned *state, const unsigned char *bytes), unsigned *state) {
  size_t rest = n;
  for (; rest >= 64; rest -= 64, data += 64)
    block(state, (const unsigned char *)data);
  unsigned char last[128] = {0};
  size_t size = rest < 56 ? 64 : 128;
  memcpy(last, data, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++)
    last[size - 8 + (size_t)(big_endian ? 7 - i : i)] = (unsigned char)(n * 8 >> (8 * i));
  block(state, last);
  if (size == 128)
    block(state, last + 64);
}

void digest_print(char *out, const unsigned *state, int words, int big_endian) {
  for (int i = 0; i < words * 4; i++) {
    unsigned byte = state[i / 4] >> (big_endian ? 24 - i % 4 * 8 : i % 4 * 8) & 255;
    *out++ = "0123456789abcdef"[byte >> 4];
    *out++ = "0123456789abcdef"[byte & 15];
  }
  *out = 0;
}

const struct digest digests[] = {
    {"md5_hex", md5_hex}, {"sha1_hex", sha1_hex}, {"sha256_hex", sha256_hex}};
const int digest_count = sizeof digests / sizeof *digests;
