// residency: an area of eight pages, and which of them are really there.
//
// mincore asks the kernel, without touching the pages. Below, `#` is a page
// that is in memory and `.` one that would fault.
//
//   1. mmap promises eight pages and brings none.
//   2. Touching three of them brings three.
//   3. MADV_DONTNEED throws one out: the next read of it faults again, and the
//      byte that was there is gone: an anonymous page is born zero.
//   4. mprotect takes the right to write away. The page stays; only the
//      permission in its page-table entry goes.
#include "libc/libc.h"

enum { PAGES = 8 };

static void show(const char *what, char *area) {
  unsigned char resident[PAGES];
  char picture[PAGES + 1] = {0};
  mincore(area, PAGES * PAGE, resident);
  for (int i = 0; i < PAGES; i++)
    picture[i] = resident[i] & 1 ? '#' : '.';
  printf("%-14s %s\n", what, picture);
}

int main(void) {
  char *area = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(area))
    return 1;
  show("mapped", area);
  area[0] = area[2 * PAGE] = area[5 * PAGE] = 'x';
  show("touched 0 2 5", area);
  madvise(area + 2 * PAGE, PAGE, MADV_DONTNEED);
  show("dropped 2", area);
  printf("page 2 holds   %d\n", *(volatile char *)(area + 2 * PAGE));
  mprotect(area, PAGES * PAGE, PROT_READ);
  show("read only", area);
  printf("page 5 holds   %c\n", area[5 * PAGE]);
  return 0;
}
