// nzmalloc-test [-n ROUNDS] [-N] [-v]: what malloc, calloc and realloc promise.
//
// malloc may give memory that holds anything; calloc may not; realloc keeps what was
// there and promises nothing of the rest. The sizes go through every way in which
// the heap gets its memory: small blocks, the top of the heap, mappings, and blocks
// that grow from the one to the other. Every block is written full before it is
// freed, so that what comes back is not zero by chance.
//
//   -N  ask for memory that is not cleared, as MALLOC_NOZERO=1 does
//   -v  says what differs from kernel to kernel: the time, and how many words of
//       malloc's blocks were not zero
#include "../heap/user.h"

static const size_t sizes[] = {16, 24, 200, 1000, 1024, 4000, 5000, 20000, 70000,
                               131072, 140000, 300000, 600000, 1200000};
enum { SIZES = sizeof sizes / sizeof *sizes, BLOCKS = 3 };

static long used, dirty, wrong;

static uint64_t *checked(void *p) {
  if (!p) {
    complain("nzmalloc-test", "out of memory", "");
    exit(1);
  }
  return p;
}

static long not_zero(const uint64_t *p, size_t words) {
  long found = 0;
  for (size_t i = 0; i < words; i++)
    found += p[i] != 0;
  return found;
}

static void fill(uint64_t *p, size_t words, uint64_t mark) {
  for (size_t i = 0; i < words; i++)
    p[i] = mark;
}

// A few blocks of a size by each of the three calls, in use at the same time.
static void turn(size_t size, uint64_t mark) {
  size_t words = size / 8;
  uint64_t *by_malloc[BLOCKS], *by_calloc[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) {
    uint64_t *p = by_malloc[i] = checked(malloc(size));
    p[0] = 0; // the write comes first, as everywhere
    dirty += not_zero(p, words);
    fill(p, words, mark);
    p = by_calloc[i] = checked(calloc(words, 8));
    wrong += not_zero(p, words);
    fill(p, words, mark + 1);
    used += 2;
  }
  for (int i = 0; i < BLOCKS; i++) {
    uint64_t *p = by_malloc[i] = checked(realloc(by_malloc[i], 2 * size));
    for (size_t word = 0; word < words; word++)
      wrong += p[word] != mark;
    fill(p, 2 * words, mark + 2);
    for (size_t word = 0; word < words; word++)
      wrong += by_calloc[i][word] != mark + 1;
  }
  for (int i = 0; i < BLOCKS; i++) {
    free(by_malloc[i]);
    free(by_calloc[BLOCKS - 1 - i]);
  }
}

int main(int argc, char **argv, char **envp) {
  long rounds = 4;
  int verbose = 0;
  heap_environment(envp);
  for (int at = 1; at < argc; at++) {
    switch (argv[at][0] == '-' ? argv[at][1] : 0) {
    case 'n': rounds = number(argv, &at); break;
    case 'N': mallopt(M_NOZERO, 1); break;
    case 'v': verbose = 1; break;
    default:
      puts("usage: nzmalloc-test [-n ROUNDS] [-N] [-v]");
      return 2;
    }
  }
  long start = now_ns();
  for (long round = 0; round < rounds; round++)
    for (int i = 0; i < SIZES; i++)
      turn(sizes[i], 0x6d616c6c6f630000 + (uint64_t)(SIZES * round + i) * 4);
  printf("nzmalloc-test: %ld blocks, %ld words wrong\n", used, wrong);
  if (verbose)
    printf("nzmalloc-test: %ld us, %ld words of malloc's not zero\n",
           (now_ns() - start) / 1000, dirty);
  return wrong != 0;
}
