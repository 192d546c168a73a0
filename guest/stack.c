// stack: the one area that grows by being used.
//
//   stack [frames]     go that many frames of a page each down, and come back
//   stack overflow     go down for ever
//
// A store below the stack's area, above its limit, makes the kernel lower
// vm_start and then treat the fault as any other anonymous one: every frame
// here is one such fault. Coming back is free, and going down again too: the
// pages stay. Past the limit (8 MiB) the fault has no area to grow, and the
// process ends with SIGSEGV (SEGV_MAPERR), its stack full of pages.
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
  long frames = argc > 1 ? atol(argv[1]) : 32;
  printf("first time: %ld frames\n", descend(frames)); // a fault a frame
  printf("again: %ld frames\n", descend(frames));      // none
  return 0;
}
