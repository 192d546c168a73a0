// bss-heap: three ways to get memory that starts as zero, and what each costs.
//
//   1. .bss: the file only says how long it is. Reading a page of it maps the
//      one zero page that all processes share; the later write to the same page
//      faults again and brings a frame of our own. Writing at once is one fault.
//   2. The heap: brk moves the end of the heap and maps nothing. malloc then
//      touches pages as it writes its block headers.
//   3. mmap: a new area, and after munmap it is gone: frames return to the
//      kernel at once, page tables too if nothing else needs them.
#include "libc/libc.h"

static char area[4 * PAGE] __attribute__((aligned(PAGE)));

int main(void) {
  // 1. Read, then write: two faults a page. Write at once: one.
  int sum = 0;
  for (int page = 0; page < 4; page += 2)
    sum += *(volatile char *)(area + page * PAGE); // pages 0, 2: the zero page
  printf("bss reads as %d\n", sum);
  for (int page = 0; page < 4; page++)
    area[page * PAGE] = (char)('a' + page); // 0, 2 again; 1, 3 first
  printf("bss holds %c%c%c%c\n", area[0], area[PAGE], area[2 * PAGE],
         area[3 * PAGE]);

  // 2. One page of heap holds many small blocks; a large block is untouched
  // but for its header, until its owner writes to it.
  char *before = brk(0);
  char *small[8];
  for (int i = 0; i < 8; i++)
    small[i] = malloc(100);
  char *large = malloc(8 * PAGE);
  printf("heap grew by %ld pages\n", ((char *)brk(0) - before) / PAGE);
  memset(large, 'x', 8 * PAGE); // a fault at every page boundary
  for (int i = 0; i < 8; i++)
    free(small[i]);
  free(large);
  printf("a freed block is used again: %s\n",
         malloc(100) == (void *)small[0] ? "yes" : "no");

  // 3. Memory that comes and goes.
  for (int round = 0; round < 2; round++) {
    char *fresh = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(fresh))
      return 1;
    int zero = fresh[PAGE] == 0; // the last round's byte must not be here
    memset(fresh, 'y', 4 * PAGE);
    munmap(fresh, 4 * PAGE);
    printf("mapping %d began %s\n", round, zero ? "zero" : "dirty");
  }
  return 0;
}
