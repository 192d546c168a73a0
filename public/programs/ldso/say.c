// Messages, on stderr but for print's. One call is one write, so that the lines of
// several processes do not mix; what does not fit into the buffer leaves before.
#include <stdarg.h>

#include "ldso.h"

struct line {
  int fd;
  size_t used;
  char text[256];
};

static void put(struct line *l, char c) {
  if (l->used == sizeof l->text) {
    write_some(l->fd, l->text, l->used);
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

static void write_line(int fd, const char *before, const char *format, va_list args,
                       const char *after) {
  struct line l;
  l.fd = fd, l.used = 0;
  while (*before)
    put(&l, *before++);
  put_all(&l, format, args);
  while (*after)
    put(&l, *after++);
  write_some(fd, l.text, l.used);
}

void print(const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(1, "", format, args, "");
  va_end(args);
}

void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(2, "", format, args, "");
  va_end(args);
}

void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(2, "ld-pagewalk: ", format, args, "\n");
  va_end(args);
  leave(127);
}
