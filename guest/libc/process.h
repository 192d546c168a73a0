// process.S: other programs, who we are, the clock, and any call by number.
#ifndef PROCESS_H
#define PROCESS_H

#include "libc.h"

struct timespec {
  long tv_sec, tv_nsec;
};
long execve(const char *path, char *const argv[], char *const envp[]);
long clock_gettime(int clock, struct timespec *now);
long getppid(void);
long getuid(void);
long geteuid(void);
long syscall(long number, ...);
enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };

#endif
