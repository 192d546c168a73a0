// Numbers as text and back, and the functions of a calculator. Doubles are
// read and written exactly: what is printed with 17 digits reads as the same.
#ifndef NUMBER_H
#define NUMBER_H

#include "../../libc/libc.h"

enum { NUMBER_TEXT = 1200 }; // room for any number in any format, precision <= 40

// text.c: digits into `out`, without a NUL; each returns how many characters.
size_t int_text(char *out, long value);
size_t uint_text(char *out, unsigned long value, unsigned base);
size_t num_text(char *out, double value); // as "%.15g"
// conversion: 'e', 'f' or 'g'; `keep` leaves the zeros at the end of %g.
size_t num_format(char *out, double value, char conversion, int precision, int keep);

// parse.c: the longest number at the front of a text.
struct parsed {
  enum { NO_NUMBER, WHOLE, WHOLE_UNSIGNED, FRACTION } is;
  long whole;
  double fraction;
  const char *end; // where the number stops
};
struct parsed number_parse(const char *text, const char *end);
unsigned long digits_parse(const char *text, const char *end, unsigned base);
double scale_by_ten(unsigned long digits, int exponent); // digits * 10^exponent

// math.c
double m_sqrt(double x);
double m_floor(double x);
double m_ceil(double x);
double m_trunc(double x);
double m_fmod(double x, double y);
double m_exp(double x);
double m_log(double x);
double m_sin(double x);
double m_cos(double x);
double m_atan2(double y, double x);
double m_pow(double x, double y);
double m_abs(double x);
int m_is_nan(double x);
int m_is_finite(double x);
double m_scale(double x, int exponent); // x * 2^exponent

#endif
