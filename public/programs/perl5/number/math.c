// Elementary functions: reduce the argument to a short interval, sum a series
// there, and undo the reduction. Good to about 15 digits.
#include "number.h"

union bits {
  double d;
  unsigned long u;
};

static const double LN2_HIGH = 0x1.62e42fefa38p-1, LN2_LOW = 0x1.ef35793c7673p-45;
static const double PI_2_HIGH = 0x1.921fb544p0, PI_2_LOW = 0x1.0b4611a626331p-34;

int m_is_nan(double x) { return x != x; }
int m_is_finite(double x) { return x - x == 0; }
double m_abs(double x) { return __builtin_fabs(x); }
double m_sqrt(double x) { return __builtin_sqrt(x); }

double m_scale(double x, int exponent) {
  for (; exponent > 1000; exponent -= 1000)
    x *= 0x1p1000;
  for (; exponent < -1000; exponent += 1000)
    x *= 0x1p-1000;
  union bits two = {.u = (unsigned long)(exponent + 1023) << 52};
  return x * two.d;
}

double m_trunc(double x) {
  if (!(m_abs(x) < 0x1p52)) // whole already, or no number
    return x;
  return (double)(long)x;
}

double m_floor(double x) {
  double whole = m_trunc(x);
  return whole > x ? whole - 1 : whole;
}

double m_ceil(double x) { return -m_floor(-x); }

// Exact: subtracts y, times a power of two, from x for as long as it fits.
double m_fmod(double x, double y) {
  double rest = m_abs(x), by = m_abs(y);
  if (!m_is_finite(x) || m_is_nan(y) || by == 0)
    return (x - x) / (x - x);
  while (rest >= by) {
    double step = by;
    while (step <= rest / 2)
      step *= 2;
    rest -= step;
  }
  return x < 0 ? -rest : rest;
}

double m_exp(double x) {
  if (m_is_nan(x) || x > 709.8)
    return x > 0 ? x * 0x1p1023 : x;
  if (x < -745.2)
    return 0;
  double k = m_floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
  double r = (x - k * LN2_HIGH) - k * LN2_LOW, term = 1, sum = 0;
  for (int i = 1; i < 20; i++)
    sum += term *= r / i;
  return m_scale(1 + sum, (int)k);
}

double m_log(double x) {
  if (!(x > 0) || !m_is_finite(x))
    return x < 0 ? (x - x) / (x - x) : x == 0 ? -1 / m_abs(x) : x;
  union bits b = {.d = x};
  int exponent = 0;
  if (b.u >> 52 == 0)
    b.d *= 0x1p54, exponent = -54;
  exponent += (int)(b.u >> 52) - 1023;
  b.u = (b.u & ~(0x7ffUL << 52)) | 1023UL << 52;
  if (b.d > 1.4142135623730951)
    b.d /= 2, exponent++;
  // log m = 2 atanh((m - 1) / (m + 1))
  double s = (b.d - 1) / (b.d + 1), z = s * s, sum = 0;
  for (int i = 21; i > 1; i -= 2)
    sum = (sum + 1.0 / i) * z;
  return exponent * LN2_HIGH + (2 * s + (2 * s * sum + exponent * LN2_LOW));
}

// sin (odd = 1) or cos (odd = 0) of a small angle.
static double series(double x, int odd) {
  double z = -x * x, term = odd ? x : 1, sum = term;
  for (int i = odd + 1; i < 26; i += 2)
    sum += term *= z / (i * (i + 1));
  return sum;
}

static double turned(double x, long quarter) {
  if (!m_is_finite(x))
    return x - x;
  double k = m_floor(x / (PI_2_HIGH + PI_2_LOW) + 0.5);
  double r = (x - k * PI_2_HIGH) - k * PI_2_LOW;
  quarter += (long)k;
  double y = series(r, !(quarter & 1));
  return quarter & 2 ? -y : y;
}

double m_sin(double x) { return turned(x, 0); }
double m_cos(double x) { return turned(x, 1); }

static double arc(double t) { // 0 <= t <= 1
  int halved = 0;
  for (; t > 0.1; halved++)
    t = t / (1 + m_sqrt(1 + t * t));
  double z = -t * t, power = t, sum = t;
  for (int i = 3; i < 24; i += 2)
    sum += (power *= z) / i;
  return m_scale(sum, halved);
}

double m_atan2(double y, double x) {
  double a = m_abs(y), b = m_abs(x), pi = 2 * (PI_2_HIGH + PI_2_LOW);
  if (m_is_nan(x) || m_is_nan(y))
    return x + y;
  double angle = a == 0 && b == 0 ? 0 : a <= b ? arc(a / b) : pi / 2 - arc(b / a);
  if (x < 0)
    angle = pi - angle;
  return y < 0 ? -angle : angle;
}

double m_pow(double x, double y) {
  if (y == 0 || x == 1)
    return 1;
  double whole = m_trunc(y);
  if (m_abs(y) <= 1024 && (whole == y || x > 0)) {
    double result = 1, square = x; // squares and products: exact while it can be
    for (long n = (long)m_abs(y); n; n >>= 1, square *= square)
      if (n & 1)
        result *= square;
    double rest = m_abs(y - whole);
    result *= rest == 0 ? 1 : rest == 0.5 ? m_sqrt(x) : m_exp(rest * m_log(x));
    return y < 0 ? 1 / result : result;
  }
  if (x == 0)
    return y < 0 ? 1 / m_abs(x) : 0;
  if (x > 0)
    return m_exp(y * m_log(x));
  if (whole != y)
    return (x - x) / (x - x);
  double size = m_exp(y * m_log(-x));
  return m_fmod(y, 2) != 0 ? -size : size;
}
