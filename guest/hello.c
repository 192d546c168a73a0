// hello: the shortest way to three different page faults.
//
// The file has three pages: headers, code, data. The kernel maps each at an
// address of its own, and reads none of the last two before they are touched.
//
//   1. Fetch: the first instruction lies in page 1 of the file, which is not in
//      memory. It is read from the disk: a major fault.
//   2. Load: `line` lies in page 2, which is not in memory either: another.
//   3. Store: that frame belongs to the file, and we may not change the file.
//      The kernel copies the frame and we write to the copy: copy on write.
//
// With readahead (vm.read_ahead_kb above 0) the kernel has fetched all three
// pages with the first one, when execve read the headers: then 1 and 2 are
// minor faults.
#include "libc/libc.h"

static char line[] = "hello, world\n";

int main(void) {
  line[0] += 'A' - 'a'; // a load (2), then a store (3)
  write(1, line, sizeof line - 1);
  return 0;
}
