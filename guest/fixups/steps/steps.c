// libsteps.so: 256 functions, step_00 to step_ff, each a little different. They are
// what the libraries of this folder call, by name.
#include <stdint.h>

#define STEP(high, low)                                                                \
  uint64_t step_##high##low(uint64_t x) {                                              \
    x = x * 5 + 0x##high##low;                                                         \
    return x ^ x >> (0x##low + 7);                                                     \
  }
#define STEPS(h)                                                                       \
  STEP(h, 0) STEP(h, 1) STEP(h, 2) STEP(h, 3) STEP(h, 4) STEP(h, 5) STEP(h, 6)         \
  STEP(h, 7) STEP(h, 8) STEP(h, 9) STEP(h, a) STEP(h, b) STEP(h, c) STEP(h, d)         \
  STEP(h, e) STEP(h, f)

STEPS(0) STEPS(1) STEPS(2) STEPS(3) STEPS(4) STEPS(5) STEPS(6) STEPS(7)
STEPS(8) STEPS(9) STEPS(a) STEPS(b) STEPS(c) STEPS(d) STEPS(e) STEPS(f)
