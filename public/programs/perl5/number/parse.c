// Text to numbers. Nineteen digits or more fit into 64 bits; where a double cannot be
// had from them by one exact step, a number of 1,300 bits decides the rounding.
#include "number.h"

unsigned long digits_parse(const char *s, const char *end, unsigned base) {
  unsigned long value = 0;
  for (; s < end; s++) {
    unsigned digit = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
                     : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
                     : *s >= 'A' && *s <= 'F' ? (unsigned)(*s - 'A') + 10
                     : 99;
    if (*s == '_')
      continue;
    if (digit >= base)
      break;
    value = value * base + digit;
  }
  return value;
}

enum { WORDS = 48 };
struct big { // little-endian words of 32 bits
  int n;
  unsigned at[WORDS];
};

static void big_multiply(struct big *b, unsigned by) {
  unsigned long carry = 0;
  for (int i = 0; i < b->n; i++) {
    carry += (unsigned long)b->at[i] * by;
    b->at[i] = (unsigned)carry;
    carry >>= 32;
  }
  if (carry && b->n < WORDS)
    b->at[b->n++] = (unsigned)carry;
}

static void big_shift(struct big *b, int bits) {
  for (; bits >= 16; bits -= 16)
    big_multiply(b, 1u << 16);
  big_multiply(b, 1u << bits);
}

static int big_compare(const struct big *a, const struct big *b) {
  if (a->n != b->n)
    return a->n < b->n ? -1 : 1;
  for (int i = a->n - 1; i >= 0; i--)
    if (a->at[i] != b->at[i])
      return a->at[i] < b->at[i] ? -1 : 1;
  return 0;
}

static void big_set(struct big *b, unsigned long value) {
  b->n = 0;
  for (; value; value >>= 32)
    b->at[b->n++] = (unsigned)value;
}

// Is digits * 10^exponent below, at or above mantissa * 2^power?
static int compare_with(unsigned long digits, int exponent, unsigned long mantissa, int power) {
  struct big left, right;
  big_set(&left, digits);
  big_set(&right, mantissa);
  for (int i = 0; i < exponent; i++)
    big_multiply(&left, 10);
  for (int i = 0; i > exponent; i--)
    big_multiply(&right, 10);
  big_shift(power < 0 ? &left : &right, power < 0 ? -power : power);
  return big_compare(&left, &right);
}

double scale_by_ten(unsigned long digits, int exponent) {
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (digits == 0 || exponent < -345)
    return 0;
  if (exponent > 310)
    return 0x1p1023 * 2;
  if (digits < 1UL << 53 && exponent >= -22 && exponent <= 22) // both exact: one rounding
    return exponent < 0 ? (double)digits / ten[-exponent] : (double)digits * ten[exponent];
  double guess = (double)digits;
  for (int e = exponent; e > 0; e -= e > 22 ? 22 : e)
    guess *= ten[e > 22 ? 22 : e];
  for (int e = -exponent; e > 0; e -= e > 22 ? 22 : e)
    guess /= ten[e > 22 ? 22 : e];
  if (!m_is_finite(guess) || guess < 0x1p-1000)
    return guess; // at the edges the guess has to do
  for (;;) { // move by one unit in the last place until the text is nearest
    union {
      double d;
      unsigned long u;
    } bits = {.d = guess};
    unsigned long mantissa = (bits.u & ((1UL << 52) - 1)) | 1UL << 52;
    int power = (int)(bits.u >> 52) - 1075;
    int above = compare_with(digits, exponent, 2 * mantissa + 1, power - 1);
    int below = compare_with(digits, exponent, 2 * mantissa - 1, power - 1);
    if (above > 0 || (above == 0 && (mantissa & 1)))
      bits.u++;
    else if (below < 0 || (below == 0 && (mantissa & 1)))
      bits.u--;
    else
      return guess;
    guess = bits.d;
  }
}

static int is_digit(const char *s, const char *end) { return s < end && *s >= '0' && *s <= '9'; }

struct parsed number_parse(const char *text, const char *end) {
  struct parsed result = {.is = NO_NUMBER, .end = text};
  const char *s = text;
  while (s < end && (*s == ' ' || (*s >= '\t' && *s <= '\r')))
    s++;
  int negative = s < end && *s == '-', exponent = 0, full = 0, any = 0, fraction = 0;
  if (s < end && (*s == '-' || *s == '+'))
    s++;
  if (end - s >= 3 && (*s | 32) == 'i' && (s[1] | 32) == 'n' && (s[2] | 32) == 'f') {
    result = (struct parsed){.is = FRACTION, .fraction = 0x1p1023 * 2, .end = s + 3};
    if (negative)
      result.fraction = -result.fraction;
    return result;
  }
  unsigned long digits = 0;
  for (; is_digit(s, end) || (!fraction && s < end && *s == '.'); s++) {
    if (*s == '.') {
      fraction = 1;
      continue;
    }
    any = 1;
    unsigned long more;
    if (!full && !__builtin_mul_overflow(digits, 10, &more) &&
        !__builtin_add_overflow(more, (unsigned long)(*s - '0'), &more)) {
      digits = more;
      exponent -= fraction;
    } else { // what does not fit is a power of ten
      full = 1;
      exponent += !fraction;
    }
  }
  if (!any)
    return result;
  result.end = s;
  if (s < end && (*s | 32) == 'e') {
    const char *e = s + 1;
    int minus = e < end && *e == '-', power = 0;
    if (e < end && (*e == '-' || *e == '+'))
      e++;
    if (is_digit(e, end)) {
      for (; is_digit(e, end); e++)
        if (power < 10000)
          power = power * 10 + (*e - '0');
      exponent += minus ? -power : power;
      result.end = e;
      fraction = 1;
    }
  }
  if (!fraction && exponent == 0 && digits <= 1UL << 63) {
    if (digits < 1UL << 63 || negative) {
      result.is = WHOLE;
      result.whole = negative ? (long)-digits : (long)digits;
      return result;
    }
  }
  if (!fraction && exponent == 0 && !negative) {
    result.is = WHOLE_UNSIGNED;
    result.whole = (long)digits;
    return result;
  }
  result.is = FRACTION;
  result.fraction = scale_by_ten(digits, exponent);
  if (negative)
    result.fraction = -result.fraction;
  return result;
}
