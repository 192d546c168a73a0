// noise [-u UID] [-n ROUNDS] [-s PAGES] [-p USEC] [-N]: a neighbour.
//
// Maps PAGES (64), fills every word with a number that says whose they are, unmaps
// them, and again: ROUNDS times, or for ever. What it frees lies on top of the
// allocator's list, so the next page anybody asks for is one of its own, with its data
// in it. A process of another user that hoped to find its own pages there finds these:
// they have to be cleared.
//
//   -N  asks for MAP_NOZERO itself
//   -p  sleeps between two rounds
//   -u  becomes that user first, if root starts it
#include "../heap/user.h"

int main(int argc, char **argv, char **envp) {
  long rounds = 0, pages = 64, pause = 0;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  for (int at = 1; at < argc; at++) {
    switch (argv[at][0] == '-' ? argv[at][1] : 0) {
    case 'n': rounds = number(argv, &at); break;
    case 's': pages = number(argv, &at); break;
    case 'p': pause = number(argv, &at); break;
    case 'N': flags |= MAP_NOZERO; break;
    case 'u': become_user(number(argv, &at), argv, envp); break;
    default:
      puts("usage: noise [-u UID] [-n ROUNDS] [-s PAGES] [-p USEC] [-N]");
      return 2;
    }
  }
  uint64_t mark = 0x10000000000u + (uint64_t)getuid();
  size_t length = (size_t)pages * PAGE;
  for (long round = 0; !rounds || round < rounds; round++) {
    uint64_t *area = mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (is_error(area)) {
      complain("noise", "cannot map that many pages", "");
      return 1;
    }
    for (size_t i = 0; i < length / sizeof *area; i++)
      area[i] = mark;
    munmap(area, length);
    if (pause)
      sleep_us(pause);
  }
  printf("noise: %ld rounds of %ld pages\n", rounds, pages);
  return 0;
}
