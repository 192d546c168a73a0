// Digests and checksums, each of a whole text at once.
#ifndef DIGEST_H
#define DIGEST_H

#include "../../libc/libc.h"

enum { DIGEST_TEXT = 65 };

// Hexadecimal digits into `out`, with a NUL.
void md5_hex(char out[DIGEST_TEXT], const char *data, size_t n);
void sha1_hex(char out[DIGEST_TEXT], const char *data, size_t n);
void sha256_hex(char out[DIGEST_TEXT], const char *data, size_t n);
unsigned crc32_of(const char *data, size_t n);
unsigned adler32_of(const char *data, size_t n);
size_t base64_encode(char *out, const char *data, size_t n); // 4 characters for 3 bytes
size_t base64_decode(char *out, const char *text, size_t n);

// By name, as scripts call them: each takes a text and gives one.
struct digest {
  const char *name;
  void (*hex)(char out[DIGEST_TEXT], const char *data, size_t n);
};
extern const struct digest digests[];
extern const int digest_count;

// Constants of the algorithms, generated: roots of primes and values of sine.
extern const unsigned md5_constants[64], sha256_constants[64], sha256_start[8];
// The blocks of a text with its padding: calls `block` for each 64 bytes.
void digest_blocks(const char *data, size_t n, int big_endian,
                   void (*block)(unsigned *state, const unsigned char *bytes), unsigned *state);
void digest_print(char *out, const unsigned *state, int words, int big_endian);
static inline unsigned turn(unsigned x, int by) { return x << by | x >> (32 - by); }

#endif
