// The little of a libc that the linker uses; the compiler calls the first two
// of its own accord, to copy or clear a structure.
#include "ldso.h"

void *memcpy(void *to, const void *from, size_t n) {
  char *t = to;
  const char *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0)
    for (; n >= 8; n -= 8, t += 8, f += 8)
      *(uint64_t *)t = *(const uint64_t *)f;
  while (n--)
    *t++ = *f++;
  return to;
}

void *memset(void *to, int byte, size_t n) {
  char *t = to;
  for (; n && (uintptr_t)t & 7; n--)
    *t++ = (char)byte;
  for (uint64_t word = (uint8_t)byte * 0x0101010101010101; n >= 8; n -= 8, t += 8)
    *(uint64_t *)t = word;
  while (n--)
    *t++ = (char)byte;
  return to;
}

size_t strlen(const char *s) {
  const char *end = s;
  while (*end)
    end++;
  return (size_t)(end - s);
}

bool same(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

const char *after_last_slash(const char *path) {
  const char *name = path;
  for (; *path; path++)
    if (*path == '/')
      name = path + 1;
  return name;
}
