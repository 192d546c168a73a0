// Numbers to text. A double is a whole number times a power of two: written in
// base 10^9 it has finitely many digits, so rounding to any place is exact.
#include "number.h"

size_t uint_text(char *out, unsigned long value, unsigned base) {
  char buf[64], *end = buf + sizeof buf, *s = end;
  do
    *--s = "0123456789abcdef"[value % base];
  while (value /= base);
  memcpy(out, s, (size_t)(end - s));
  return (size_t)(end - s);
}

size_t int_text(char *out, long value) {
  if (value >= 0)
    return uint_text(out, (unsigned long)value, 10);
  *out = '-';
  return 1 + uint_text(out + 1, -(unsigned long)value, 10);
}

enum { LIMBS = 128, BILLION = 1000000000 };

// Decimal digits of a positive finite double, first one not 0. Returns how
// many; *point is how many of them stand before the decimal point.
static int exact_digits(char *digits, double value, int *point) {
  unsigned limb[LIMBS + 1] = {0}; // base 10^9, point between WHOLE and WHOLE + 1
  enum { WHOLE = 36 };
  int exponent = 0, low = WHOLE, high = WHOLE, n = 0;
  for (; value >= 0x1p62; exponent += 60)
    value *= 0x1p-60;
  for (; value < 0x1p53; exponent--) // until it is a whole number
    value *= 2;
  unsigned long whole = (unsigned long)value;
  for (; whole; whole /= BILLION)
    limb[high--] = (unsigned)(whole % BILLION);
  for (; exponent > 0; exponent--) {
    unsigned carry = 0;
    for (int i = WHOLE; i > high; i--) {
      unsigned twice = limb[i] * 2 + carry;
      carry = twice >= BILLION;
      limb[i] = carry ? twice - BILLION : twice;
    }
    if (carry)
      limb[high--] = carry;
  }
  for (; exponent < 0; exponent += 9) { // nine halvings at a time: one more limb
    int by = exponent < -9 ? 9 : -exponent;
    unsigned rest = 0;
    for (int i = high + 1; i <= low; i++) {
      unsigned long at = (unsigned long)rest * BILLION + limb[i];
      limb[i] = (unsigned)(at >> by);
      rest = (unsigned)(at & ((1u << by) - 1));
    }
    if (rest)
      limb[++low] = (unsigned)(((unsigned long)rest * BILLION) >> by);
    while (high < low && !limb[high + 1])
      high++;
  }
  *point = (WHOLE - high) * 9;
  for (int i = high + 1; i <= low; i++)
    for (unsigned unit = BILLION / 10; unit; unit /= 10) {
      char digit = (char)('0' + limb[i] / unit % 10);
      if (n || digit != '0')
        digits[n++] = digit;
      else
        --*point;
    }
  return n;
}

// Rounds half to even at `keep` digits; returns 1 if that made a digit more.
static int round_digits(char *digits, int *n, int keep) {
  if (keep >= *n)
    return 0;
  int up = 0;
  if (keep >= 0) {
    int rest = 0;
    for (int i = keep + 1; i < *n; i++)
      rest |= digits[i] != '0';
    int odd = keep > 0 && (digits[keep - 1] & 1);
    up = digits[keep] > '5' || (digits[keep] == '5' && (rest || odd));
  }
  *n = keep > 0 ? keep : 0;
  if (!up)
    return 0;
  for (int i = *n - 1; i >= 0; i--) {
    if (digits[i]++ != '9')
      return 0;
    digits[i] = '0';
  }
  memmove(digits + 1, digits, (size_t)*n);
  *digits = '1';
  if (*n == 0 || *n < keep + 1)
    ++*n;
  return 1;
}

static size_t scientific(char *out, const char *digits, int n, int exponent, int places) {
  char *o = out;
  *o++ = n ? *digits : '0';
  if (places > 0)
    *o++ = '.';
  for (int i = 1; i <= places; i++)
    *o++ = i < n ? digits[i] : '0';
  *o++ = 'e';
  *o++ = exponent < 0 ? '-' : '+';
  if (exponent < 0)
    exponent = -exponent;
  if (exponent < 10)
    *o++ = '0';
  return (size_t)(o - out) + int_text(o, exponent);
}

static size_t positional(char *out, const char *digits, int n, int point, int places) {
  char *o = out;
  if (point <= 0)
    *o++ = '0';
  for (int i = 0; i < point; i++)
    *o++ = i < n ? digits[i] : '0';
  if (places > 0)
    *o++ = '.';
  for (int i = point; i < point + places; i++)
    *o++ = i >= 0 && i < n ? digits[i] : '0';
  return (size_t)(o - out);
}

size_t num_format(char *out, double value, char conversion, int precision, int keep) {
  static const char *const special[] = {"NaN", "Inf", "-Inf"};
  if (!m_is_finite(value)) {
    const char *s = special[m_is_nan(value) ? 0 : value > 0 ? 1 : 2];
    memcpy(out, s, strlen(s));
    return strlen(s);
  }
  char digits[LIMBS * 9 + 8], *o = out;
  int n = 0, point = 1;
  if (value < 0)
    *o++ = '-', value = -value;
  if (value > 0)
    n = exact_digits(digits, value, &point);
  if (conversion == 'f') {
    point += round_digits(digits, &n, point + precision);
    return (size_t)(o - out) + positional(o, digits, n, point, precision);
  }
  if (conversion == 'e') {
    point += round_digits(digits, &n, precision + 1);
    return (size_t)(o - out) + scientific(o, digits, n, point - 1, precision);
  }
  if (precision == 0)
    precision = 1;
  point += round_digits(digits, &n, precision);
  if (!keep)
    while (n > 0 && digits[n - 1] == '0')
      n--;
  int shown = keep ? precision : n > 0 ? n : 1;
  if (value > 0 && (point - 1 < -4 || point - 1 >= precision))
    return (size_t)(o - out) + scientific(o, digits, n, point - 1, shown - 1);
  return (size_t)(o - out) + positional(o, digits, n, point, shown > point ? shown - point : 0);
}

size_t num_text(char *out, double value) { return num_format(out, value, 'g', 15, 0); }
