// hello: the shortest way to three different page faults.
//
// The file is smaller than a page, so both its segments live in the same page
// of the file. It is mapped twice: at 0x10000 to run, at 0x11000 to change.
//
//   1. Fetch: the first instruction is not present. The page is not in memory
//      at all, so it is read from the disk: a major fault.
//   2. Load: `line` is at 0x11000 and up. The page is in the page cache by now,
//      so it is only mapped: a minor fault, on the very same frame.
//   3. Store: that frame belongs to the file and we may not change the file.
//      The kernel copies the frame and we write to the copy: copy on write.
#include "libc/libc.h"

static char line[] = "hello, world\n";

int main(void) {
  line[0] += 'A' - 'a'; // a load (2), then a store (3)
  write(1, line, sizeof line - 1);
  return 0;
}
