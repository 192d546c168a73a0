// touch ROUNDS PAGES LINES FLAGS: each round maps so many pages, writes to the first so many of
// the 64 lines of each, in order, and unmaps them. FLAGS: of mmap, besides private and anonymous.
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  int rounds = atoi(argv[1]), pages = atoi(argv[2]), lines = atoi(argv[3]);
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | atoi(argv[4]);
  for (int round = 0; round < rounds; round++) {
    char *at = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED) return 1;
    for (int page = 0; page < pages; page++)
      for (int line = 0; line < lines; line++) *(volatile char *)(at + page * 4096 + line * 64) = 1;
    munmap(at, pages * 4096);
  }
  return 0;
}
