// sort: quicksort over an array that spans pages.
//
//   sort [numbers]     4096 of them, 8 bytes each, unless you say otherwise
//
// Filling the array faults its pages in, one after the other. Partitioning then
// walks two pointers towards each other: two pages at a time are enough, until
// the halves are smaller than a page and all work stays in one. With fewer
// frames than pages you see which replacement policy understands that.
#include "libc/libc.h"

static void sort(long *from, long *to) { // `to` is the last element
  while (from < to) {
    long pivot = from[(to - from) / 2], *i = from, *j = to;
    while (i <= j) {
      while (*i < pivot)
        i++;
      while (*j > pivot)
        j--;
      if (i <= j) {
        long swap = *i;
        *i++ = *j;
        *j-- = swap;
      }
    }
    if (j - from < to - i) { // the shorter part first: the stack stays shallow
      sort(from, j);
      from = i;
    } else {
      sort(i, to);
      to = j;
    }
  }
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 4096;
  long *numbers = malloc((size_t)n * sizeof *numbers);
  if (n < 1 || !numbers)
    return 2;
  unsigned long seed = 1, before = 0, after = 0;
  for (long i = 0; i < n; i++) {
    seed = seed * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX
    numbers[i] = (long)(seed >> 40);
    before += (unsigned long)numbers[i];
  }
  sort(numbers, numbers + n - 1);
  int sorted = 1;
  for (long i = 0; i < n; i++) {
    after += (unsigned long)numbers[i];
    sorted &= i == 0 || numbers[i - 1] <= numbers[i];
  }
  printf("%ld numbers %s, checksum %lx\n", n, sorted ? "sorted" : "NOT sorted",
         after);
  return sorted && before == after ? 0 : 1;
}
