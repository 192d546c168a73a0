// Memory and strings, byte by byte: slow, and exactly what they say. Watching
// memset walk over a page boundary is the clearest demand fault there is.
#include "libc.h"

void *memcpy(void *to, const void *from, size_t n) {
  char *t = to;
  const char *f = from;
  while (n--)
    *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  char *t = to;
  const char *f = from;
  if (t <= f)
    return memcpy(to, from, n); // ours goes forward
  while (n--)
    t[n] = f[n]; // from the end: the areas may overlap
  return to;
}

void *memset(void *to, int byte, size_t n) {
  char *t = to;
  while (n--)
    *t++ = (char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (; n; n--, x++, y++)
    if (*x != *y)
      return *x - *y;
  return 0;
}

size_t strlen(const char *s) {
  const char *end = s;
  while (*end)
    end++;
  return (size_t)(end - s);
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

long atol(const char *digits) {
  int negative = *digits == '-';
  long value = 0;
  for (digits += negative; *digits >= '0' && *digits <= '9'; digits++)
    value = value * 10 + (*digits - '0');
  return negative ? -value : value;
}
