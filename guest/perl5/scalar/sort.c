// Merge sort: runs of one, then two, four, ... merged from one array into the
// other. Stable, and n log n whatever the order to begin with.
#include "scalar.h"

int order_text(void *with, struct value a, struct value b) {
  (void)with;
  return value_compare_text(a, b);
}

int order_numbers(void *with, struct value a, struct value b) {
  (void)with;
  int order = value_compare_numbers(a, b);
  return order == 2 ? 0 : order;
}

void values_sort(struct value *v, long n, int (*order)(void *with, struct value a, struct value b),
                 void *with) {
  struct value *from = v, *to = arena_take((size_t)n * sizeof *v);
  for (long run = 1; run < n; run *= 2) {
    for (long start = 0; start < n; start += 2 * run) {
      long a = start, b = start + run < n ? start + run : n;
      long middle = b, end = b + run < n ? b + run : n;
      for (long i = start; i < end; i++)
        to[i] = b >= end || (a < middle && order(with, from[a], from[b]) <= 0) ? from[a++]
                                                                              : from[b++];
    }
    struct value *other = from;
    from = to;
    to = other;
  }
  if (from != v)
    memcpy(v, from, (size_t)n * sizeof *v);
}
