// stack: the one area that grows by being used.
//
//   stack [frames]     go that many frames of a page each down, and come back
//   stack overflow     go down for ever
//
// Every frame reaches into a page that was never touched: a fault each. Linux
// makes the area 132 KiB long at exec, so the first 31 are ordinary anonymous
// faults inside it. A store below the area, but above its limit, makes the
// kernel lower vm_start first: watch the area grow with each fault from there.
//
// Coming back is free, and going down again too: the pages stay. Past the limit
// (8 MiB) the area may not grow, the address belongs to nothing, and the process
// ends with SIGSEGV (SEGV_MAPERR), its stack full of pages.
#include "libc/libc.h"

// Uses one page of stack a call. The result depends on every frame, so that no
// compiler turns this into a loop.
static __attribute__((noinline)) long descend(long frames) {
  volatile char frame[PAGE];
  frame[0] = (char)frames; // the lowest byte of the frame: the new page
  long below = frames > 1 ? descend(frames - 1) : 0;
  return below + (frame[0] == (char)frames);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "overflow") == 0) {
    puts("going down");
    descend(1L << 40);
  }
  long frames = argc > 1 ? atol(argv[1]) : 64;
  printf("first time: %ld frames\n", descend(frames)); // a fault a frame
  printf("again: %ld frames\n", descend(frames));      // none
  return 0;
}
