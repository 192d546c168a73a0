// The first program of every C course, against the C library everybody has.
// Linked statically it is 500 KB, of which starting up and printing a line
// touch a third: see how much there is between _start and main.
#include <stdio.h>

int main(void) {
  printf("hello from glibc\n");
  return 0;
}
