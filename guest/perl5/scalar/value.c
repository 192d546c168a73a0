// Conversions: every value has a text, a number and a truth.
#include "../number/number.h"
#include "scalar.h"

static const char *const target_names[] = {"SCALAR", "ARRAY", "HASH", "GLOB"};

const char *value_kind_name(struct value v) {
  return v.kind == REF ? target_names[v.target] : v.kind == CODE ? "CODE" : "";
}

static struct value address_text(struct value v) {
  char out[48];
  const char *name = value_kind_name(v);
  size_t n = strlen(name);
  memcpy(out, name, n);
  memcpy(out + n, "(0x", 3);
  n += 3;
  n += uint_text(out + n, v.u, 16);
  out[n++] = ')';
  return string_new(out, n);
}

struct value value_text(struct value v) {
  char out[64];
  switch (v.kind) {
  case INT:
    return string_new(out, int_text(out, v.i));
  case UINT:
    return string_new(out, uint_text(out, v.u, 10));
  case NUM:
    return string_new(out, num_text(out, v.n));
  case STR:
    return v;
  case REF:
  case CODE:
    return address_text(v);
  default:
    return string_new("", 0);
  }
}

struct value value_unsigned(unsigned long u) {
  return u >> 63 ? (struct value){.kind = UINT, .u = u} : whole((long)u);
}

struct value value_number(struct value v) {
  switch (v.kind) {
  case INT:
  case UINT:
  case NUM:
    return v;
  case STR: {
    struct parsed p = number_parse(v.s->text, v.s->text + v.len);
    return p.is == FRACTION         ? number(p.fraction)
           : p.is == WHOLE_UNSIGNED ? value_unsigned((unsigned long)p.whole)
                                    : whole(p.whole);
  }
  case REF:
  case CODE:
    return whole(v.i);
  default:
    return whole(0);
  }
}

double value_double(struct value v) {
  v = value_number(v);
  return v.kind == INT ? (double)v.i : v.kind == UINT ? (double)v.u : v.n;
}

long value_long(struct value v) {
  v = value_number(v);
  if (v.kind != NUM)
    return v.i;
  if (m_is_nan(v.n))
    return 0;
  return v.n >= 0x1p63 ? (long)(~0UL >> 1) : v.n <= -0x1p63 ? (long)(1UL << 63) : (long)v.n;
}

int value_true(struct value v) {
  switch (v.kind) {
  case UNDEF:
    return 0;
  case STR:
    return v.len > 1 || (v.len == 1 && v.s->text[0] != '0');
  case NUM:
    return v.n != 0;
  default:
    return v.i != 0;
  }
}

int value_compare_text(struct value a, struct value b) {
  a = value_text(a), b = value_text(b);
  size_t n = a.len < b.len ? a.len : b.len;
  int order = memcmp(a.s->text, b.s->text, n);
  return order ? (order < 0 ? -1 : 1) : a.len < b.len ? -1 : a.len > b.len;
}

int value_equal(struct value a, struct value b) { return value_compare_text(a, b) == 0; }

int value_compare_numbers(struct value a, struct value b) {
  a = value_number(a), b = value_number(b);
  if (a.kind == INT && b.kind == INT)
    return a.i < b.i ? -1 : a.i > b.i;
  double x = value_double(a), y = value_double(b);
  return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}
