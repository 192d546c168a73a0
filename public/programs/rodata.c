// rodata: a store to a page that is there, and may not be written.
//
// `text` is const, so the linker puts it beside the code, in a segment the
// kernel maps without write permission. Reading it does not even fault: the code
// in the same page has brought it. The store faults, finds an area without
// VM_WRITE, and copying would be wrong here: SIGSEGV with SEGV_ACCERR, "you may
// not", where a null pointer gets SEGV_MAPERR, "nothing there".
#include "libc/libc.h"

static const char text[] = "constant";

int main(void) {
  char *p = (char *)text; // the cast that C allows and the page does not
  __asm__("" : "+r"(p));  // hide from the compiler where p points
  printf("read: %s\n", p);
  p[0] = 'C';
  puts("not reached");
  return 0;
}
