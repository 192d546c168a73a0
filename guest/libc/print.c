// Formatted output without any state: a line is put together in a buffer on
// the stack, and leaves in one write when the buffer is full or the call ends.
#include "libc.h"

struct out {
  size_t used;
  int total;
  char text[128];
};

static void flush(struct out *o) {
  write(1, o->text, o->used);
  o->used = 0;
}

static void put(struct out *o, char c) {
  if (o->used == sizeof o->text)
    flush(o);
  o->text[o->used++] = c;
  o->total++;
}

// One conversion: `n` characters of `s`, filled up to `width`.
static void pad(struct out *o, const char *s, size_t n, int width, char fill,
                int left) {
  int missing = width - (int)n;
  if (fill == '0' && *s == '-' && n--)
    put(o, *s++); // the sign comes before the zeros
  for (; !left && missing > 0; missing--)
    put(o, fill);
  while (n--)
    put(o, *s++);
  for (; missing > 0; missing--)
    put(o, ' ');
}

// The digits of `value`, last first, into the end of a buffer.
static char *digits(char *end, unsigned long value, unsigned base) {
  do
    *--end = "0123456789abcdef"[value % base];
  while (value /= base);
  return end;
}

int puts(const char *s) { return printf("%s\n", s); }

int printf(const char *f, ...) {
  struct out o = {.used = 0, .total = 0};
  va_list args;
  va_start(args, f);
  for (; *f; f++) {
    if (*f != '%') {
      put(&o, *f);
      continue;
    }
    int left = 0, width = 0, is_long = 0;
    char fill = ' ', buf[24], *end = buf + sizeof buf, *s = end;
    for (f++; *f == '-' || *f == '0'; f++)
      *f == '-' ? (left = 1) : (fill = '0');
    if (left)
      fill = ' ';
    for (; *f >= '0' && *f <= '9'; f++)
      width = width * 10 + (*f - '0');
    for (; *f == 'l'; f++)
      is_long = 1;
    if (!*f)
      break; // a lone % at the end
    switch (*f) {
    case 'd': {
      long v = is_long ? va_arg(args, long) : va_arg(args, int);
      s = digits(end, v < 0 ? -(unsigned long)v : (unsigned long)v, 10);
      if (v < 0)
        *--s = '-';
      break;
    }
    case 'u':
    case 'x': {
      unsigned long v =
          is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned);
      s = digits(end, v, *f == 'u' ? 10 : 16);
      break;
    }
    case 'p':
      s = digits(end, (unsigned long)va_arg(args, void *), 16);
      *--s = 'x', *--s = '0';
      break;
    case 's':
      s = va_arg(args, char *);
      end = s + strlen(s);
      break;
    case 'c':
      *--s = (char)va_arg(args, int);
      break;
    default: // %%, and whatever we do not know, as it stands
      *--s = *f;
    }
    pad(&o, s, (size_t)(end - s), width, fill, left);
  }
  va_end(args);
  flush(&o);
  return o.total;
}
