// UTF-8: the first byte says how many follow, and each that follows is 10xxxxxx.
#include "unicode.h"

unsigned utf8_decode(const char **s, const char *end) {
  const unsigned char *u = (const unsigned char *)*s;
  unsigned c = *u;
  int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;
  ++*s;
  if (c < 0x80 || !more || end - *s < more || c > 0xf4)
    return c;
  c &= 0x3fu >> more;
  for (int i = 1; i <= more; i++) {
    if ((u[i] & 0xc0) != 0x80)
      return *u;
    c = c << 6 | (u[i] & 0x3f);
  }
  *s += more;
  return c;
}

int utf8_encode(char *out, unsigned c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  out[0] = (char)((0xff00u >> (more + 1) & 0xff) | c >> (6 * more));
  for (int i = 1; i <= more; i++)
    out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
  return more + 1;
}

long utf8_length(const char *s, const char *end) {
  long n = 0;
  for (; s < end; n++)
    utf8_decode(&s, end);
  return n;
}
