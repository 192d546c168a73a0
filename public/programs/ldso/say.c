// Messages. One call is one write, so that the lines of several processes do
// not mix; what does not fit into the buffer leaves in a second one.
#include <stdarg.h>

#include "ldso.h"

struct line {
  size_t used;
  char text[256];
};

static void put(struct line *l, char c) {
  if (l->used == sizeof l->text) {
    write_some(2, l->text, l->used);
    l->used = 0;
  }
  l->text[l->used++] = c;
}

static void put_number(struct line *l, uint64_t value, unsigned base) {
  char digits[24], *at = digits + sizeof digits;
  do
    *--at = "0123456789abcdef"[value % base];
  while (value /= base);
  while (at < digits + sizeof digits)
    put(l, *at++);
}

static void put_all(struct line *l, const char *f, va_list args) {
  for (; *f; f++) {
    if (*f != '%') {
      put(l, *f);
      continue;
    }
    switch (*++f) {
    case 's':
      for (const char *s = va_arg(args, const char *); *s; s++)
        put(l, *s);
      break;
    case 'd':
      put_number(l, va_arg(args, uint64_t), 10);
      break;
    case 'x':
      put_number(l, va_arg(args, uint64_t), 16);
      break;
    }
  }
}

void say(const char *format, ...) {
  struct line l;
  l.used = 0;
  va_list args;
  va_start(args, format);
  put_all(&l, format, args);
  va_end(args);
  write_some(2, l.text, l.used);
}

void fail(const char *format, ...) {
  struct line l;
  l.used = 0;
  va_list args;
  va_start(args, format);
  for (const char *s = "ld-pagewalk: "; *s; s++)
    put(&l, *s);
  put_all(&l, format, args);
  put(&l, '\n');
  va_end(args);
  write_some(2, l.text, l.used);
  leave(127);
}
