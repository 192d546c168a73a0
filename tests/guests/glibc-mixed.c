// A tour of glibc for comparing one RISC-V machine with another: everything
// printed depends on the program alone, not on time, addresses or the host.
// Each part exercises instructions or system calls that the freestanding
// samples do not: the long paths of printf and strtod, libm's tables and fused
// multiply-adds, malloc's arenas and mmap threshold, 128-bit division, setjmp,
// atomic operations, indirect calls, and rounding modes.
#include <ctype.h>
#include <errno.h>
#include <fenv.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// FNV-1a over everything that is too long to print.
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t n) {
  const unsigned char *p = data;
  while (n--)
    hash = (hash ^ *p++) * 1099511628211u;
  return hash;
}

enum { FNV_START = 0x811c9dc5 };

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) { // xorshift64
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

// Values the compiler must not compute for us.
static volatile double one = 1, zero = 0, three = 3;
static volatile int64_t minimum = INT64_MIN, minus_one = -1, nothing = 0;

static void integers(void) {
  printf("-- integers\n");
  // RISC-V division has no traps: the two odd cases have defined results, but
  // C leaves them undefined, so they are asked for in assembly.
  int64_t quotient, remainder;
  __asm__("div %0, %1, %2" : "=r"(quotient) : "r"(minimum), "r"(minus_one));
  __asm__("rem %0, %1, %2" : "=r"(remainder) : "r"(minimum), "r"(minus_one));
  printf("min / -1 = %" PRId64 " rem %" PRId64 "\n", quotient, remainder);
  __asm__("div %0, %1, %2" : "=r"(quotient) : "r"(minimum), "r"(nothing));
  __asm__("remu %0, %1, %2" : "=r"(remainder) : "r"(minimum), "r"(nothing));
  printf("min / 0 = %" PRId64 " remu %" PRIx64 "\n", quotient,
         (uint64_t)remainder);

  unsigned __int128 product = (unsigned __int128)UINT64_MAX * UINT64_MAX;
  printf("max * max = %016" PRIx64 "%016" PRIx64 "\n",
         (uint64_t)(product >> 64), (uint64_t)product);
  __int128 big = (__int128)INT64_MIN * 1000000007;
  printf("wide / 998244353 = %" PRId64 " rem %" PRId64 "\n",
         (int64_t)(big / 998244353), (int64_t)(big % 998244353));

  uint64_t hash = FNV_START;
  for (int i = 0; i < 20000; i++) {
    int64_t a = (int64_t)next_random(), b = (int64_t)next_random() >> (i % 63);
    if (b == 0 || (a == INT64_MIN && b == -1))
      continue;
    int32_t c = (int32_t)a, d = (int32_t)b | 1;
    int64_t results[] = {
        a / b,
        a % b,
        (int64_t)((uint64_t)a / (uint64_t)b),
        (int64_t)((uint64_t)a % (uint64_t)b),
        (int64_t)((uint64_t)a * (uint64_t)b),
        (int64_t)(((__int128)a * b) >> 64),
        c == INT32_MIN && d == -1 ? 0 : c / d,
        (int64_t)((uint32_t)c % (uint32_t)d),
        a << (b & 63),
        a >> (b & 63),
        (int64_t)((uint64_t)a >> (b & 63)),
        __builtin_popcountll((uint64_t)a),
        __builtin_clzll((uint64_t)a | 1),
        __builtin_ctzll((uint64_t)a | 1ull << 63),
        (int64_t)__builtin_bswap64((uint64_t)a),
    };
    hash = hash_bytes(hash, results, sizeof results);
  }
  printf("20000 rounds: %016" PRIx64 "\n", hash);
}

static void formats(void) {
  printf("-- formats\n");
  printf("[%d] [%5d] [%-5d] [%05d] [%+d] [% d]\n", 42, 42, 42, 42, 42, 42);
  printf("[%i] [%u] [%o] [%#o] [%x] [%#X]\n", -7, 7u, 8u, 8u, 255u, 255u);
  printf("[%hhd] [%hd] [%ld] [%lld] [%zu] [%jd]\n", (signed char)-1, (short)-2,
         LONG_MIN, LLONG_MAX, sizeof(long), (intmax_t)-3);
  printf("[%c] [%5c] [%-5c] [%s] [%10s] [%-10s] [%.3s]\n", 'a', 'b', 'c',
         "text", "right", "left", "truncated");
  printf("[%*d] [%-*d] [%.*f] [%%]\n", 8, 1, 8, 2, 3, 3.14159265);
  printf("[%f] [%.0f] [%10.3f] [%-10.2f] [%+.1f] [%010.2f]\n", one / three, 2.5,
         3.14159, 2.71828, 1.05, -9.995);
  printf("[%e] [%.3E] [%g] [%G] [%g] [%g]\n", 12345.6789, 0.000123456, 1e-5,
         1e20, 100000.0, 1000000.0);
  printf("[%a] [%A] [%a] [%.2a]\n", one, -0.1, DBL_MIN / 8, 1.999);
  printf("[%f] [%F] [%g] [%e]\n", one / zero, -one / zero, fabs(zero / zero),
         -zero);
  printf("[%.17g] [%.17g] [%.17g]\n", 0.1, DBL_MAX, DBL_TRUE_MIN);
  printf("[%.50f]\n", 0.1);
  printf("[%Lf] [%.30Lg]\n", (long double)one / 3, (long double)1 / 7);
  static const char *volatile longer = "longer than that";
  char small[8];
  int wanted = snprintf(small, sizeof small, "%s", longer);
  printf("snprintf: %d wanted, [%s] kept\n", wanted, small);
  int a = 0, b = 0;
  float f = 0;
  char word[16] = "";
  int got = sscanf("12 0x1f 3.5 word", "%d %i %f %15s", &a, &b, &f, word);
  printf("sscanf: %d items: %d %d %.2f %s\n", got, a, b, (double)f, word);
}

static void conversions(void) {
  printf("-- conversions\n");
  static const char *const texts[] = {
      "0",         "1e308",     "1.7976931348623157e308",
      "1e309",     "4.9e-324",  "2.4703282292062327e-324",
      "0x1.8p3",   "-inf",      "nan",
      "  12.5abc", "123456789012345678901234567890",
      "0.1",       "9007199254740993",
      "2.2250738585072011e-308", // once sent parsers into an endless loop
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *end;
    errno = 0;
    double value = strtod(texts[i], &end);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("strtod(%s) = %016" PRIx64 " errno %d rest [%s]\n", texts[i],
           isnan(value) ? 0 : bits, errno, end);
  }
  errno = 0;
  printf("strtol: %ld", strtol("-9223372036854775809", NULL, 10));
  printf(" errno %d\n", errno);
  printf("strtoul: %lu %lu\n", strtoul("zz", NULL, 36),
         strtoul("0777", NULL, 0));
  static const double values[] = {0.5,  1.5,   2.5,   -0.5,   -1.5,
                                  1e10, -1e10, 3e18, 0.999999, 123456.789};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    double v = values[i];
    printf("%g: %" PRId64 " %ld %.0f %.0f %.0f %.0f %.0f\n", v, (int64_t)v,
           lrint(v), rint(v), round(v), floor(v), ceil(v), trunc(v));
  }
  uint64_t hash = FNV_START;
  for (int i = 0; i < 300; i++) { // there and back: printf and strtod agree
    uint64_t bits = next_random();
    double value, back;
    char text[40];
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
      continue;
    snprintf(text, sizeof text, "%.17g", value);
    back = strtod(text, NULL);
    if (memcmp(&value, &back, sizeof value) != 0)
      printf("lost: %s\n", text);
    hash = hash_bytes(hash, text, strlen(text));
  }
  printf("300 doubles there and back: %016" PRIx64 "\n", hash);
}

static uint64_t hash_double(uint64_t hash, double value) {
  if (isnan(value)) // which NaN is not the point
    value = 0.12345;
  return hash_bytes(hash, &value, sizeof value);
}

static void mathematics(void) {
  printf("-- mathematics\n");
  printf("sin %.17g cos %.17g tan %.17g\n", sin(one), cos(one), tan(one));
  printf("exp %.17g log %.17g pow %.17g\n", exp(one), log(three),
         pow(three, 0.5));
  printf("sqrt %.17g cbrt %.17g hypot %.17g\n", sqrt(three), cbrt(three),
         hypot(three, 4));
  printf("fmod %.17g remainder %.17g fma %.17g\n", fmod(10.5, three),
         remainder(10.5, three), fma(one / three, three, -1));
  printf("atan2 %.17g asin %.17g sinh %.17g\n", atan2(-one, -three),
         asin(one / three), sinh(three));
  printf("gamma %.17g erf %.17g\n", tgamma(three + one / 2), erf(one / 2));
  printf("sin of a large number %.17g\n", sin(1e22));
  int exponent;
  double whole, mantissa = frexp(1234.5, &exponent);
  double fraction = modf(-3.75, &whole);
  printf("frexp %g %d ldexp %g modf %g %g\n", mantissa, exponent,
         ldexp(0.75, -1070), whole, fraction);
  printf("floats %.9g %.9g %.9g\n", (double)sinf(1), (double)sqrtf(3),
         (double)powf(1.5f, 2.5f));
  printf("nextafter %a %a copysign %g\n", nextafter(1, 2), nextafter(0, -1),
         copysign(3, -0.0));

  uint64_t hash = FNV_START;
  for (int i = -400; i <= 400; i++) {
    double x = i / 16.0;
    hash = hash_double(hash, sin(x) * cos(x));
    hash = hash_double(hash, exp(x));
    hash = hash_double(hash, log(fabs(x) + 0.001));
    hash = hash_double(hash, pow(fabs(x), x / 8));
    hash = hash_double(hash, sqrt(x));
    hash = hash_double(hash, fmod(x * 1e6, 7.25));
    hash = hash_double(hash, (double)((float)x / 3.0f));
    hash = hash_double(hash, fmin(x, zero / zero) + fmax(x, 2));
  }
  printf("801 arguments: %016" PRIx64 "\n", hash);
}

static void rounding(void) {
  printf("-- rounding\n");
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD};
  static const char *const names[] = {"nearest", "zero", "down", "up"};
  for (int i = 0; i < 4; i++) {
    fesetround(modes[i]);
    volatile double third = one / three, minus = -one / three;
    volatile double sum = one + DBL_EPSILON / 2, half = 2.5 * one;
    long rounded = lrint(half);
    fesetround(FE_TONEAREST);
    printf("%s: %a %a %a %ld\n", names[i], third, minus, sum, rounded);
  }
  feclearexcept(FE_ALL_EXCEPT);
  volatile double sink = one / zero;
  printf("1/0 %g:%s%s%s\n", sink, fetestexcept(FE_DIVBYZERO) ? " divbyzero" : "",
         fetestexcept(FE_INEXACT) ? " inexact" : "",
         fetestexcept(FE_INVALID) ? " invalid" : "");
  feclearexcept(FE_ALL_EXCEPT);
  sink = DBL_MIN * (one / three);
  sink = DBL_MAX * three;
  sink = sqrt(-one);
  printf("flags:%s%s%s%s%s\n", fetestexcept(FE_DIVBYZERO) ? " divbyzero" : "",
         fetestexcept(FE_INEXACT) ? " inexact" : "",
         fetestexcept(FE_INVALID) ? " invalid" : "",
         fetestexcept(FE_OVERFLOW) ? " overflow" : "",
         fetestexcept(FE_UNDERFLOW) ? " underflow" : "");
  feclearexcept(FE_ALL_EXCEPT);
}

static void memory(void) {
  printf("-- memory\n");
  enum { SLOTS = 64 };
  unsigned char *slot[SLOTS] = {0};
  size_t size[SLOTS] = {0};
  uint64_t hash = FNV_START;
  int bad = 0;
  for (int i = 0; i < 4000; i++) {
    uint64_t r = next_random();
    unsigned k = r % SLOTS;
    // Mostly small; sometimes beyond the threshold where malloc uses mmap.
    size_t n = (r >> 8) % (r % 97 == 0 ? 300000 : 2000) + 1;
    for (size_t j = 0; j < size[k]; j += 97)
      bad += slot[k][j] != (unsigned char)(k + size[k]);
    switch ((r >> 40) % 4) {
    case 0:
      free(slot[k]);
      slot[k] = malloc(n);
      break;
    case 1:
      free(slot[k]);
      slot[k] = calloc(n, 1);
      for (size_t j = 0; j < n; j += 61)
        bad += slot[k][j] != 0;
      break;
    case 2: {
      unsigned char expect = (unsigned char)(k + size[k]);
      size_t kept = size[k] < n ? size[k] : n;
      slot[k] = realloc(slot[k], n);
      for (size_t j = 0; j < kept; j++)
        bad += slot[k][j] != expect;
      break;
    }
    default:
      free(slot[k]);
      slot[k] = NULL;
      n = 0;
    }
    size[k] = n;
    if (n)
      memset(slot[k], (int)(k + n), n);
    hash = hash_bytes(hash, &n, sizeof n);
  }
  for (int k = 0; k < SLOTS; k++)
    free(slot[k]);
  printf("4000 operations, %d wrong bytes: %016" PRIx64 "\n", bad, hash);
  void *aligned = aligned_alloc(4096, 8192);
  printf("aligned: %d\n", (int)((uintptr_t)aligned & 4095));
  free(aligned);
  errno = 0;
  volatile size_t too_much = PTRDIFF_MAX;
  void *refused = malloc(too_much);
  printf("too much: %s errno %d\n", refused ? "given" : "refused", errno);
}

struct record {
  char name[12];
  int key;
  double weight;
};

static int by_key(const void *a, const void *b) {
  const struct record *x = a, *y = b;
  return x->key != y->key ? (x->key > y->key) - (x->key < y->key)
                          : strcmp(x->name, y->name);
}

static int by_weight(const void *a, const void *b) {
  const struct record *x = a, *y = b;
  return (x->weight > y->weight) - (x->weight < y->weight);
}

static void sorting(void) {
  printf("-- sorting\n");
  enum { RECORDS = 2000 };
  struct record *records = calloc(RECORDS, sizeof *records);
  for (int i = 0; i < RECORDS; i++) {
    snprintf(records[i].name, sizeof records[i].name, "r%d", i);
    records[i].key = (int)(next_random() % 500);
    records[i].weight = (double)next_random() / 7;
  }
  qsort(records, RECORDS, sizeof *records, by_key);
  printf("first %s %d, last %s %d\n", records[0].name, records[0].key,
         records[RECORDS - 1].name, records[RECORDS - 1].key);
  struct record wanted = records[1234];
  struct record *found =
      bsearch(&wanted, records, RECORDS, sizeof *records, by_key);
  printf("found at %d\n", found ? (int)(found - records) : -1);
  qsort(records, RECORDS, sizeof *records, by_weight);
  int ordered = 1;
  for (int i = 1; i < RECORDS; i++)
    ordered &= records[i - 1].weight <= records[i].weight;
  printf("by weight: %s, lightest %.6e\n", ordered ? "ordered" : "NOT ordered",
         records[0].weight);
  free(records);
}

static void strings(void) {
  printf("-- strings\n");
  char buffer[64] = "one,two;;three four";
  char *save, *token = strtok_r(buffer, ",; ", &save);
  for (; token; token = strtok_r(NULL, ",; ", &save))
    printf("<%s>", token);
  printf("\n");
  printf("strstr %s strchr %s strrchr %s strspn %zu strcspn %zu strpbrk %s\n",
         strstr("needle in a haystack", "in a"), strchr("a.b.c", '.'),
         strrchr("a.b.c", '.'), strspn("aabbc", "ab"), strcspn("hello", "l"),
         strpbrk("hello", "ol"));
  char copy[16];
  memset(copy, '#', sizeof copy);
  strncpy(copy, "abc", 6);
  copy[15] = 0;
  printf("strncpy %s|%c strncmp %d memcmp %d\n", copy, copy[7],
         strncmp("abcdef", "abcxyz", 3), memcmp("ab", "ac", 2) < 0);
  char overlap[] = "0123456789";
  memmove(overlap + 2, overlap, 6);
  printf("memmove %s", overlap);
  memmove(overlap, overlap + 3, 6);
  printf(" %s\n", overlap);
  char upper[] = "Mixed Case 123";
  for (char *c = upper; *c; c++)
    *c = (char)(isupper((unsigned char)*c) ? tolower((unsigned char)*c)
                                           : toupper((unsigned char)*c));
  printf("%s; error 2 is %s\n", upper, strerror(ENOENT));
  // Every alignment and length: the word-at-a-time loops and their edges.
  static char from[80], to[80];
  uint64_t hash = FNV_START;
  for (int i = 0; i < 80; i++)
    from[i] = (char)(i * 7 + 1);
  for (int start = 0; start < 8; start++)
    for (int length = 0; length < 40; length++) {
      memset(to, 0, sizeof to);
      memcpy(to + 8 - start, from + start, (size_t)length);
      hash = hash_bytes(hash, to, sizeof to);
      hash = hash * 31 + strlen(to + 8 - start);
      hash = hash * 31 + (memchr(from + start, 64, (size_t)length) != NULL);
    }
  printf("320 copies: %016" PRIx64 "\n", hash);
}

static jmp_buf landing;
static volatile bool may_land = true;

static void leap(int depth) {
  volatile char frame[256];
  frame[0] = (char)depth;
  if (depth == 0) {
    if (may_land)
      longjmp(landing, 42 + frame[0]);
    return;
  }
  leap(depth - 1);
  frame[1] = 0;
}

static double average(int n, ...) {
  va_list args;
  va_start(args, n);
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += i % 2 ? va_arg(args, double) : va_arg(args, int);
  va_end(args);
  return sum / n;
}

static void control(void) {
  printf("-- control\n");
  volatile double kept = 1.5; // a saved f register must not undo this
  int value = setjmp(landing);
  if (value == 0) {
    kept = 2.5;
    leap(20);
    printf("not reached\n");
  }
  printf("longjmp brought %d, kept %g\n", value, kept);
  printf("average %g\n",
         average(10, 1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.5));
  _Atomic int32_t word = 5;
  _Atomic uint64_t wide = 5;
  int32_t expected = 8;
  atomic_fetch_add(&word, 3);
  bool swapped = atomic_compare_exchange_strong(&word, &expected, -9);
  bool again = atomic_compare_exchange_strong(&word, &expected, 1);
  atomic_fetch_or(&wide, 0xf0);
  atomic_fetch_and(&wide, ~(uint64_t)1);
  atomic_fetch_xor(&wide, UINT64_MAX);
  uint64_t old = atomic_exchange(&wide, 77);
  printf("atomics %d %d %d %d %016" PRIx64 " %" PRIu64 "\n", word, swapped,
         again, expected, old, (uint64_t)wide);
  double (*const functions[])(double) = {sin, floor, sqrt, fabs};
  double sum = 0;
  for (int i = 0; i < 16; i++)
    sum += functions[i % 4](i + 0.5);
  printf("called through pointers: %.15g\n", sum);
}

static void at_the_end(void) { printf("-- atexit, after main\n"); }

int main(void) {
  atexit(at_the_end);
  integers();
  formats();
  conversions();
  mathematics();
  rounding();
  memory();
  sorting();
  strings();
  control();
  fprintf(stderr, "to standard error\n");
  return 3;
}
