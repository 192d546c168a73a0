// pipe: more than a pipe holds, so that both sides have to wait.
//
// A pipe is 16 pages of the kernel's memory. The child writes 24 pages into it
// with one call, the parent reads them one by one.
//
//   * The pipe is full after 16 pages: the child's write waits, and the parent
//     gets its turn.
//   * The parent empties a page of the pipe: there is room, and the child's call
//     is made again and goes on where it stopped.
//   * The pipe is empty: the parent's read waits. When the child has ended and
//     the pipe is empty, it answers 0, the end.
//
// Nobody of the two ever fails to get a byte, and neither knows that it waited.
#include "libc/libc.h"

enum { PAGES = 24 };

// Two system calls that only this program makes: close, 57, and pipe2, 59.
static long call(long number, long a, long b) {
  register long a0 asm("a0") = a, a1 asm("a1") = b, a7 asm("a7") = number;
  asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}
static long close(int fd) { return call(57, fd, 0); }
static long pipe2(int ends[2], int flags) { return call(59, (long)ends, flags); }

static char sent[PAGES][PAGE], got[PAGE];

int main(void) {
  int ends[2];
  if (pipe2(ends, 0) != 0)
    return 1;
  long child = fork();
  if (child == 0) {
    close(ends[0]);
    for (int page = 0; page < PAGES; page++)
      memset(sent[page], 'a' + page, PAGE);
    long n = write(ends[1], sent, sizeof sent);
    return n == sizeof sent ? 0 : 1;
  }
  close(ends[1]);
  long total = 0, n, wrong = 0;
  while ((n = read(ends[0], got, PAGE)) > 0) {
    for (long i = 0; i < n; i++)
      wrong += got[i] != 'a' + (total + i) / PAGE;
    total += n;
  }
  int status = 0;
  wait4(child, &status, 0, 0);
  printf("%ld bytes came through the pipe, %ld wrong; the child ended with %d\n",
         total, wrong, status >> 8 & 0xff);
  return 0;
}
