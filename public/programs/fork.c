// fork: two processes, one set of frames, until somebody writes.
//
// fork copies the page tables, not the pages: every private writable page
// becomes read only in both, and its frame is counted twice. Then
//
//   1. the child writes to `shared`: its fault copies the frame;
//   2. the parent writes to the same page afterwards: its fault finds that
//      nobody else uses the frame any more, and just makes it writable again;
//   3. both go on with a stack that was shared too: each return address written
//      is a fault of the same kind.
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
