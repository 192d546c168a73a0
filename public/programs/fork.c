// fork: two processes, one set of frames, until somebody writes.
//
// fork copies the page table's entries, not the pages, and only those that could
// not be had again: a writable private page becomes read only in both processes,
// and its frame is counted twice. Then, in an order the scheduler chooses,
//
//   * the parent writes to its stack: the frame is copied;
//   * the child fetches its first instruction and faults: the text is the
//     file's, so fork did not bother to copy its entries;
//   * the child writes to `shared`: the frame is copied;
//   * the child writes to its stack. The parent has moved to a copy, the frame is
//     used once only, and the fault just makes it writable again: no copy;
//   * the parent writes to `shared` when the child is gone: no copy either.
//
// Whoever writes first pays for the copy; the last user keeps the original.
#include "libc/libc.h"

static char shared[PAGE] __attribute__((aligned(PAGE))) = "before fork";

int main(void) {
  shared[PAGE - 1] = 1; // make the page ours before there are two of us
  long child = fork();
  if (child == 0) {
    memcpy(shared, "child's own", 12);
    printf("child:  %s\n", shared);
    return 7;
  }
  int status = 0;
  if (wait4(child, &status, 0, 0) != child)
    return 1;
  printf("parent: %s\n", shared);
  shared[0] = 'B';
  printf("parent: %s, child exited with %d\n", shared, status >> 8 & 0xff);
  return 0;
}
