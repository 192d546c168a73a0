// Asks for the time with and without a system call; they must agree.
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ns(struct timespec t) { return t.tv_sec * 1000000000L + t.tv_nsec; }

int main(void) {
  static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
  for (int i = 0; i < 3; i++) {
    struct timespec before, called, after;
    clock_gettime(clocks[i], &before);
    syscall(SYS_clock_gettime, clocks[i], &called);
    clock_gettime(clocks[i], &after);
    printf("%d %d\n", clocks[i], ns(before) <= ns(called) && ns(called) <= ns(after));
  }
  struct timeval day;
  gettimeofday(&day, NULL);
  printf("day %d\n", day.tv_sec == time(NULL));
  struct timespec res;
  printf("res %d %ld\n", clock_getres(CLOCK_MONOTONIC, &res), res.tv_nsec);
  printf("bad %d\n", clock_gettime(12345, &res));
  printf("vdso %d\n", getauxval(AT_SYSINFO_EHDR) % 4096 == 0 && getauxval(AT_SYSINFO_EHDR) > 0);
  return 0;
}
