// handler: page faults that the program serves itself.
//
// The table has an area but no permission: the first access to each of its pages
// is a fault that the kernel will not put right, SIGSEGV, SEGV_ACCERR. It does not
// kill the program, for there is a handler:
//
//   * the kernel writes a frame onto the stack, with every register in it, and has
//     the handler run. Its own stores may fault, as any other;
//   * the handler allows the page (mprotect) and fills it; that store faults too,
//     and this time there is a cleared frame for it;
//   * it returns, to where the kernel has put two instructions for it: a system
//     call that takes all registers back out of the frame;
//   * the load that has faulted runs again, and never knows.
//
// Garbage collectors and database caches are built on this.
#include "libc/libc.h"

enum { PAGES = 4 };
static char *table;

static void fill(int signal, struct siginfo *info, void *context) {
  (void)context;
  char *page = (char *)((uintptr_t)info->si_addr & -PAGE);
  long n = (page - table) / PAGE;
  printf("signal %d, code %d: page %ld is wanted\n", signal, info->si_code, n);
  mprotect(page, PAGE, PROT_READ | PROT_WRITE);
  memset(page, (int)n + 1, PAGE);
}

int main(void) {
  table = mmap(0, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {fill, SA_SIGINFO, 0};
  if (is_error(table) || rt_sigaction(SIGSEGV, &action, 0, 8) != 0)
    return 1;
  long sum = 0;
  for (long at = 0; at < 2 * PAGES * PAGE; at += PAGE)
    sum += table[at * 3 % (PAGES * PAGE)];
  printf("every page twice: %ld\n", sum);
  return 0;
}
