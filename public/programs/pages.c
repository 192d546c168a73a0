// pages: touch every page of an area once, in an order of your choice.
//
//   pages [sequential|stride|reverse|random] [pages]
//
// Each first touch is one page fault, whatever the order: anonymous memory is
// filled on demand. What the order changes is everything around the fault:
//
//   sequential   one page-table page serves 512 faults in a row
//   stride       every 8th page, then the next ones between them
//   reverse      nothing that reads ahead would help
//   random       each address a surprise, to a TLB as to a disk
//
// The second pass touches the same pages again in the same order. There is no
// fault in it, unless memory was so short that pages had to go out to swap.
#include "libc/libc.h"

enum order { SEQUENTIAL, STRIDE, REVERSE, RANDOM, ORDERS };

static const char *const names[ORDERS] = {"sequential", "stride", "reverse",
                                          "random"};

// The page visited i-th of n, with `last` visited before it. n is a power of
// two and at least 8, so that every order visits every page exactly once.
static unsigned long visit(enum order order, unsigned long i, unsigned long n,
                           unsigned long last) {
  switch (order) {
  case STRIDE:
    return i * 8 % n + i * 8 / n;
  case REVERSE:
    return n - 1 - i;
  case RANDOM: // a linear congruential generator of full period
    return (last * 13 + 7) % n;
  default:
    return i;
  }
}

int main(int argc, char **argv) {
  enum order order = SEQUENTIAL;
  if (argc > 1)
    while (order < ORDERS && strcmp(argv[1], names[order]) != 0)
      order++;
  unsigned long wanted = argc > 2 ? (unsigned long)atol(argv[2]) : 16, n = 8;
  while (n < wanted && n < 1 << 20)
    n *= 2;
  if (order == ORDERS) {
    puts("usage: pages [sequential|stride|reverse|random] [pages]");
    return 2;
  }

  char *area = mmap(0, n * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(area)) {
    puts("mmap: no memory");
    return 1;
  }
  unsigned long page = 0, sum = 0;
  for (unsigned long i = 0; i < n; i++) {
    page = visit(order, i, n, page);
    *(unsigned long *)(area + page * PAGE) = page + 1; // a fault each
  }
  page = 0;
  for (unsigned long i = 0; i < n; i++) {
    page = visit(order, i, n, page);
    sum += *(unsigned long *)(area + page * PAGE); // no fault
  }
  printf("%s: %lu pages, sum %lu\n", names[order], n, sum);
  return sum == n * (n + 1) / 2 ? 0 : 1;
}
