// sprintf: %[flags][width][.precision]conversion
#include "../perl/perl.h"

struct field {
  int left, zero, plus, space, alternate, width, precision;
};

static void put_field(struct value *out, const struct field *f, const char *s, size_t n, int numeric) {
  long missing = f->width - (long)n;
  size_t sign = numeric && n && (*s == '-' || *s == '+' || *s == ' ') ? 1 : 0;
  if (f->zero && numeric && !f->left) {
    string_append(out, s, sign);
    for (; missing > 0; missing--)
      string_append_char(out, '0');
    string_append(out, s + sign, n - sign);
    return;
  }
  for (; !f->left && missing > 0; missing--)
    string_append_char(out, ' ');
  string_append(out, s, n);
  for (; missing > 0; missing--)
    string_append_char(out, ' ');
}

static size_t with_sign(char *text, size_t n, const struct field *f) {
  if (*text == '-' || (!f->plus && !f->space))
    return n;
  memmove(text + 1, text, n);
  *text = f->plus ? '+' : ' ';
  return n + 1;
}

static void put_integer(struct value *out, struct field *f, char conversion, struct value v) {
  char text[128], digits[80];
  size_t n, at = 0;
  v = value_number(v);
  if (v.kind == NUM && !m_is_finite(v.n)) {
    n = num_text(text, v.n);
    put_field(out, f, text, n, 0);
    return;
  }
  if (conversion == 'd' || conversion == 'i') {
    n = v.kind == UINT ? uint_text(digits, v.u, 10) : int_text(digits, value_long(v));
  } else {
    unsigned base = conversion == 'b' || conversion == 'B' ? 2
                    : conversion == 'o'                    ? 8
                    : conversion == 'u'                    ? 10
                                                           : 16;
    unsigned long u = v.kind == NUM ? (unsigned long)value_long(v) : v.u;
    n = uint_text(digits, u, base);
    if (f->alternate && u && base != 10) {
      text[at++] = '0';
      if (base != 8)
        text[at++] = conversion;
    }
    if (conversion == 'X')
      for (size_t i = 0; i < n; i++)
        digits[i] = (char)uni_upper((unsigned char)digits[i]);
  }
  size_t minus = *digits == '-';
  if (minus)
    text[at++] = '-';
  for (long i = (long)(n - minus); i < f->precision && at < 60; i++)
    text[at++] = '0';
  memcpy(text + at, digits + minus, n - minus);
  n = with_sign(text, at + n - minus, f);
  if (f->precision >= 0)
    f->zero = 0;
  put_field(out, f, text, n, 1);
}

static void put_double(struct value *out, const struct field *f, char conversion, struct value v) {
  char text[NUMBER_TEXT];
  int precision = f->precision < 0 ? 6 : f->precision > 40 ? 40 : f->precision;
  char kind = (char)(conversion | 32);
  double d = value_double(v);
  size_t n = num_format(text, d, kind, precision, f->alternate);
  struct field plain = *f;
  if (!m_is_finite(d))
    plain.zero = 0;
  if (conversion < 'a')
    for (size_t i = 0; i < n; i++)
      text[i] = (char)uni_upper((unsigned char)text[i]);
  n = with_sign(text, n, f);
  put_field(out, &plain, text, n, 1);
}

static int count_of(const char **s, const char *end, const struct value *v, long n, long *used) {
  int count = 0;
  if (*s < end && **s == '*') {
    ++*s;
    return *used < n ? (int)value_long(v[(*used)++]) : 0;
  }
  while (*s < end && **s >= '0' && **s <= '9')
    count = count * 10 + (*(*s)++ - '0');
  return count;
}

struct value format_values(struct value format, const struct value *v, long n) {
  format = value_text(format);
  struct value out = string_empty(format.len + 32);
  const char *s = format.s->text, *end = s + format.len;
  long used = 0;
  while (s < end) {
    if (*s != '%') {
      string_append_char(&out, *s++);
      continue;
    }
    const char *start = s++;
    struct field f = {.precision = -1};
    for (; s < end; s++) {
      if (*s == '-')
        f.left = 1;
      else if (*s == '0')
        f.zero = 1;
      else if (*s == '+')
        f.plus = 1;
      else if (*s == ' ')
        f.space = 1;
      else if (*s == '#')
        f.alternate = 1;
      else
        break;
    }
    f.width = count_of(&s, end, v, n, &used);
    if (f.width < 0)
      f.left = 1, f.width = -f.width;
    if (s < end && *s == '.') {
      s++;
      f.precision = count_of(&s, end, v, n, &used);
    }
    while (s < end && (*s == 'l' || *s == 'h' || *s == 'q'))
      s++;
    char conversion = s < end ? *s++ : '%';
    if (conversion == '%') {
      string_append_char(&out, '%');
      continue;
    }
    struct value one = used < n ? v[used] : undef();
    used++;
    switch (conversion) {
    case 'd': case 'i': case 'u': case 'x': case 'X': case 'o': case 'b': case 'B':
      put_integer(&out, &f, conversion, one);
      break;
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
      put_double(&out, &f, conversion, one);
      break;
    case 's': {
      struct value t = value_text(one);
      size_t len = f.precision >= 0 && f.precision < (int)t.len ? (size_t)f.precision : t.len;
      put_field(&out, &f, t.s->text, len, 0);
      break;
    }
    case 'c': {
      char bytes[4];
      size_t len = (size_t)utf8_encode(bytes, (unsigned)value_long(one));
      put_field(&out, &f, bytes, len, 0);
      break;
    }
    case 'v': { // %vd: the characters' numbers with points between
      struct value t = value_text(one), text = string_empty(16);
      char digits[24];
      for (unsigned i = 0; i < t.len; i++) {
        if (i)
          string_append_char(&text, '.');
        string_append(&text, digits, uint_text(digits, (unsigned char)t.s->text[i], 10));
      }
      s += s < end;
      put_field(&out, &f, text.s->text, text.len, 0);
      break;
    }
    default:
      string_append(&out, start, (size_t)(s - start));
      used--;
    }
  }
  return out;
}
