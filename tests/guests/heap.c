// heap [SEED] [OPS]: random calls of malloc, calloc, realloc and free, each block checked.
//
// Every block is full of its own mark while it is in use: who gives the same byte out
// twice, or writes into a block, is found. calloc's must be zero when it comes.
#include "heap/user.h"

enum { BLOCKS = 200 };
static struct {
  unsigned char *at;
  size_t size;
  unsigned char mark;
} blocks[BLOCKS];

static unsigned long state;
static unsigned dice(unsigned sides) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % sides;
}

static size_t any_size(void) {
  size_t limit = (size_t)16 << dice(dice(8) ? 9 : 15);
  return dice((unsigned)limit);
}

static long wrong;

enum { OTHERS = 100 };
static char *theirs[OTHERS];
static int others;

static void fill(int i, size_t from) {
  for (size_t k = from; k < blocks[i].size; k++)
    blocks[i].at[k] = blocks[i].mark;
}
static void check(int i, size_t size) {
  for (size_t k = 0; k < size; k++)
    wrong += blocks[i].at[k] != blocks[i].mark;
}

int main(int argc, char **argv, char **envp) {
  heap_environment(envp);
  state = argc > 1 ? (unsigned long)atol(argv[1]) : 1;
  long ops = argc > 2 ? atol(argv[2]) : 20000, zeroed = 0, moved = 0;
  if (argc > 3)
    mallopt(M_MMAP_MAX, atol(argv[3]));
  if (argc > 4)
    mallopt(M_TRIM_THRESHOLD, atol(argv[4]));
  for (long op = 0; op < ops; op++) {
    int i = (int)dice(BLOCKS);
    size_t size = any_size(), old = blocks[i].size;
    unsigned char *at = blocks[i].at;
    if (at)
      check(i, old);
    if (dice(500) == 0) { // somebody else's heap, above this one
      char *end = brk(0);
      wrong += brk(end + 5000) != end + 5000;
      for (int k = 0; k < 5000; k++)
        wrong += end[k] != 0;
      memset(end, 'x', 5000);
      theirs[others++ % OTHERS] = end;
    }
    if (at && dice(3)) {
      free(at);
      blocks[i].at = 0;
      continue;
    }
    if (at) {
      blocks[i].at = realloc(at, size);
      check(i, size < old ? size : old);
      moved += blocks[i].at != at;
    } else if (dice(2)) {
      blocks[i].at = calloc(1, size);
      for (size_t k = 0; k < size; k++)
        wrong += blocks[i].at[k] != 0;
      zeroed++;
    } else {
      blocks[i].at = malloc(size);
    }
    wrong += !blocks[i].at || (uintptr_t)blocks[i].at % 16;
    blocks[i].size = size;
    blocks[i].mark = (unsigned char)(1 + dice(255));
    fill(i, 0);
  }
  for (int i = 0; i < BLOCKS; i++)
    if (blocks[i].at)
      check(i, blocks[i].size);
  for (int i = 0; i < OTHERS && theirs[i]; i++)
    for (int k = 0; k < 5000; k++)
      wrong += theirs[i][k] != 'x';
  // More than there is, and what multiplies to less than it says.
  wrong += malloc(~(size_t)0) != 0 || malloc((size_t)1 << 40) != 0;
  wrong += calloc((size_t)1 << 33, (size_t)1 << 33) != 0;
  printf("%ld calls, %ld zeroed, %ld moved, %ld wrong\n", ops, zeroed, moved, wrong);
  return wrong != 0;
}
