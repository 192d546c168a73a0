// hello-pie: the same greeting from a program that can be loaded anywhere.
//
// It was linked at address 0. `words` holds pointers, and a pointer cannot be
// right before the address is known: libc/relocate.c corrects each of them
// before main runs. The corrections go to the data page, which belongs to the
// file, so before this program has done anything it has copied a page:
//
//   * a load fault when relocate reads the list's place from .dynamic, then
//   * a store fault at the first correction: copy on write.
//
// Compare with hello, which pays for neither until it wants to.
#include "libc/libc.h"

const char *words[] = {"hello", "from", "anywhere"};

// The ELF header, where the file begins in memory; the linker's name for it.
extern const char file_start[] __asm__("__ehdr_start")
    __attribute__((visibility("hidden")));

int main(void) {
  for (int i = 0; i < 3; i++)
    printf("%s%c", words[i], i < 2 ? ' ' : '\n');
  printf("words[0] points into page %ld of the file\n",
         (words[0] - file_start) / PAGE);
  return 0;
}
