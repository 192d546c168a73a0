// recursion: three functions that call themselves, and what the stack sees.
//
//   fib        many calls, little depth: the whole run fits the pages that exec
//              left present: no faults at all.
//   ackermann  goes up and down: the deepest page is faulted in once, and kept
//   depth      straight down: a fault each time the frames cross into a new page
#include "libc/libc.h"

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int ackermann(int m, int n) {
  if (m == 0)
    return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

// Returns n, leaving a frame on the stack for every one counted.
static __attribute__((noinline)) int depth(volatile int *n) {
  if (*n == 0)
    return 0;
  int rest = *n - 1;
  return 1 + depth(&rest);
}

int main(int argc, char **argv) {
  int n = argc > 1 ? (int)atol(argv[1]) : 1000;
  printf("fib(16) = %d\n", fib(16));
  printf("ackermann(2, 60) = %d\n", ackermann(2, 60));
  printf("depth(%d) = %d\n", n, depth(&n));
  return 0;
}
