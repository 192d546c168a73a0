// cow: write to a page of the file, and the file does not change.
//
// .data is mapped private: we read the page cache's own frames until we write.
//
//   1. Reading the three pages maps three frames of the page cache, read only.
//      The first read brings the page from disk (and its neighbours, if the
//      kernel reads ahead); no frame is ours yet.
//   2. The first store into page 1 faults: the frame is copied, and the copy is
//      ours to write. A second store to it does not fault.
//   3. A store to page 2 that nobody had read yet would fault once, not twice.
//      Here it was read, so its mapping is replaced.
//
// Page 0 stays the page cache's. Run the program again: page 1 is as it was.
#include "libc/libc.h"

static char data[3][PAGE] __attribute__((aligned(PAGE))) = {
    "page 0, from the file", "page 1, from the file", "page 2, from the file"};

int main(void) {
  for (int page = 0; page < 3; page++)
    printf("%s\n", data[page]); // read faults
  memcpy(data[1], "PAGE 1, our own copy", 21); // one copy for the whole page
  data[2][5] = '!';                            // and another
  for (int page = 0; page < 3; page++)
    printf("%s\n", data[page]);
  return 0;
}
