// nzmmap-test [-n ROUNDS] [-s PAGES] [-v]: a mapping with MAP_NOZERO, and one without.
//
// For each: map, write to every page's word 0 first, look at all other words, write
// all of them, unmap; ROUNDS (20) times. What a plain mapping holds must be zero
// every time. What the other one holds is what this same program wrote before, or
// zero: both are right, and anything else is somebody's data that leaked.
//
// -v says what differs from kernel to kernel: the time of the first writes, which is
// where the clearing happens, and how many pages came as they were.
#include "../heap/user.h"

struct result {
  long ns, full, zero, wrong;
};

static const uint64_t mark = 0x6d6d6170;

static struct result pass(int nozero, long rounds, long pages) {
  struct result r = {0, 0, 0, 0};
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (nozero ? MAP_NOZERO : 0);
  size_t length = (size_t)pages * PAGE, words = length / sizeof(uint64_t);
  for (long round = 0; round < rounds; round++) {
    uint64_t *area = mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (is_error(area)) {
      complain("nzmmap-test", "cannot map that many pages", "");
      exit(1);
    }
    long start = now_ns();
    for (size_t i = 0; i < words; i += PAGE / sizeof *area)
      *(volatile uint64_t *)&area[i] = mark;
    r.ns += now_ns() - start;
    for (long page = 0; page < pages; page++) {
      long full = 0, zero = 0, per_page = PAGE / sizeof *area;
      for (long i = 1; i < per_page; i++) {
        uint64_t word = area[page * per_page + i];
        full += word == mark;
        zero += word == 0;
      }
      r.full += full == per_page - 1;
      r.zero += zero == per_page - 1;
      r.wrong += per_page - 1 - full - zero;
    }
    for (size_t i = 0; i < words; i++)
      area[i] = mark;
    munmap(area, length);
  }
  return r;
}

int main(int argc, char **argv) {
  long rounds = 20, pages = 128;
  int verbose = 0, failed = 0;
  for (int at = 1; at < argc; at++) {
    switch (argv[at][0] == '-' ? argv[at][1] : 0) {
    case 'n': rounds = number(argv, &at); break;
    case 's': pages = number(argv, &at); break;
    case 'v': verbose = 1; break;
    default:
      puts("usage: nzmmap-test [-n ROUNDS] [-s PAGES] [-v]");
      return 2;
    }
  }
  for (int nozero = 0; nozero < 2; nozero++) {
    struct result r = pass(nozero, rounds, pages);
    const char *name = nozero ? "MAP_NOZERO" : "plain";
    // A plain page must be zero; so must what MAP_NOZERO gives and we did not write.
    long bad = r.wrong + (nozero ? 0 : rounds * pages - r.zero);
    printf("%-10s %ld rounds of %ld pages, %ld words of others\n", name, rounds, pages, bad);
    if (verbose)
      printf("%-10s %ld ns a page, %ld pages zero, %ld as they were\n", name,
             r.ns / (rounds * pages), r.zero, r.full);
    failed |= bad != 0;
  }
  return failed;
}
