// Checksums, and base 64: three bytes as four characters.
#include "digest.h"

unsigned crc32_of(const char *data, size_t n) {
  static unsigned table[256];
  if (!table[1])
    for (unsigned i = 0; i < 256; i++) {
      unsigned c = i;
      for (int bit = 0; bit < 8; bit++)
        c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
      table[i] = c;
    }
  unsigned crc = ~0u;
  while (n--)
    crc = table[(crc ^ (unsigned char)*data++) & 255] ^ crc >> 8;
  return ~crc;
}

unsigned adler32_of(const char *data, size_t n) {
  unsigned a = 1, b = 0;
  while (n--) {
    a = (a + (unsigned char)*data++) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *out, const char *data, size_t n) {
  const unsigned char *d = (const unsigned char *)data;
  char *o = out;
  for (size_t i = 0; i < n; i += 3) {
    unsigned v = (unsigned)d[i] << 16 | (i + 1 < n ? (unsigned)d[i + 1] << 8 : 0) |
                 (i + 2 < n ? d[i + 2] : 0);
    *o++ = letters[v >> 18];
    *o++ = letters[v >> 12 & 63];
    *o++ = i + 1 < n ? letters[v >> 6 & 63] : '=';
    *o++ = i + 2 < n ? letters[v & 63] : '=';
  }
  return (size_t)(o - out);
}

size_t base64_decode(char *out, const char *text, size_t n) {
  char *o = out;
  unsigned v = 0;
  int bits = 0;
  for (; n--; text++) {
    const char *at = letters;
    while (*at && *at != *text)
      at++;
    if (!*at)
      continue;
    v = v << 6 | (unsigned)(at - letters);
    bits += 6;
    if (bits >= 8)
      *o++ = (char)(v >> (bits -= 8));
  }
  return (size_t)(o - out);
}
