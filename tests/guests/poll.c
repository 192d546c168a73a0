// poll and select on pipes: who is ready, who waits, and until when.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *what, int n, struct pollfd *p, int nr) {
  printf("%s: %d", what, n);
  for (int i = 0; i < nr; i++) printf(" %x", p[i].revents);
  printf("\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);  // a child prints what it says, not its parent's lines again
  int one[2], two[2];
  if (pipe(one) || pipe(two)) return 1;
  struct pollfd p[4] = {
      {one[0], POLLIN, 0}, {one[1], POLLOUT, 0}, {-1, POLLIN, 0}, {99, POLLIN, 0}};
  say("empty", poll(p, 4, 0), p, 4);
  char page[4096];
  memset(page, 'x', sizeof page);
  for (int i = 0; i < 16; i++)
    if (write(one[1], page, sizeof page) != sizeof page) return 1;
  say("full", poll(p, 2, 0), p, 2);

  long before = ms();
  p[0].fd = two[0];
  int n = poll(p, 1, 30);
  say("timeout", n, p, 1);
  printf("waited %d\n", ms() - before >= 30);

  pid_t child = fork();
  if (child == 0) {
    struct timespec little = {0, 5000000};
    nanosleep(&little, NULL);
    return write(two[1], "hello", 5) != 5;
  }
  n = poll(p, 1, -1);
  say("from a child", n, p, 1);
  waitpid(child, NULL, 0);

  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(one[0], &in);
  FD_SET(two[0], &in);
  FD_SET(one[1], &out);
  FD_SET(two[1], &out);
  n = select(two[1] + 1, &in, &out, NULL, NULL);
  printf("select: %d %d%d%d%d\n", n, FD_ISSET(one[0], &in), FD_ISSET(two[0], &in),
         FD_ISSET(one[1], &out), FD_ISSET(two[1], &out));
  for (int i = 0; i < 16; i++)
    if (read(one[0], page, sizeof page) != sizeof page) return 1;
  FD_ZERO(&in);
  FD_SET(one[0], &in);
  struct timespec little = {0, 20000000};
  before = ms();
  n = pselect(one[0] + 1, &in, NULL, NULL, &little, NULL);
  printf("pselect: %d %d %d\n", n, FD_ISSET(one[0], &in), ms() - before >= 20);
  // The table has 64 slots at first: what lies beyond is not looked at. So this would
  // wait for ever without a timeout, unless whoever started it had left more open.
  struct timeval now = {0, 0};
  FD_SET(98, &in);
  n = select(99, &in, NULL, NULL, &now);
  printf("beyond the table: %d %d\n", n, FD_ISSET(98, &in));
  dup2(0, 100);
  close(100);
  FD_SET(98, &in);
  n = select(99, &in, NULL, NULL, NULL);
  printf("closed: %d %s\n", n, strerror(errno));
  FD_CLR(98, &in);
  FD_SET(128, &in);
  n = select(129, &in, NULL, NULL, &now);
  printf("beyond 128: %d\n", n);
  dup2(0, 128);
  close(128);
  FD_SET(200, &in);
  n = select(201, &in, NULL, NULL, &now);
  printf("closed: %d %s\n", n, strerror(errno));
  child = fork();
  if (child == 0) {
    FD_ZERO(&in);
    FD_SET(98, &in);
    n = select(99, &in, NULL, NULL, &now);
    printf("beyond the child's table: %d\n", n);
    return 0;
  }
  waitpid(child, NULL, 0);

  close(one[1]);
  p[0].fd = one[0];
  say("no writer", poll(p, 1, -1), p, 1);
  close(two[0]);
  p[0].fd = two[1];
  p[0].events = POLLOUT;
  say("no reader", poll(p, 1, -1), p, 1);
  p[0].events = 0;
  say("asked nothing", poll(p, 1, 0), p, 1);
  return 0;
}
