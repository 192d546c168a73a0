// What the programs around MAP_NOZERO share: options, and becoming another user.
#ifndef USER_H
#define USER_H

#include "../libc/process.h"
#include "heap.h"

enum { AT_EXECFN = 31, SYS_nanosleep = 101, SYS_setgid = 144, SYS_setuid = 146 };

static inline void complain(const char *who, const char *what, const char *name) {
  write(2, who, strlen(who));
  write(2, ": ", 2);
  write(2, what, strlen(what));
  write(2, name, strlen(name));
  write(2, "\n", 1);
}

// The number of an option at argv[*at], from `-n5` or `-n 5`; moves to its last word.
static inline long number(char **argv, int *at) {
  const char *text = argv[*at] + 2;
  if (!*text)
    text = argv[*at + 1] ? argv[++*at] : "";
  return atol(text);
}

// Goes on as another user, with memory that has never been anybody else's: as login
// and su do, it changes who it is and starts itself again. (A process that changes
// its user keeps what it had in memory from that user: the kernel lets nobody look
// at it, and does not tag what it frees as the new user's.) Only root may do this.
// Returns at once when it is that user already.
static inline void become_user(long uid, char **argv, char **envp) {
  if (getuid() == uid && geteuid() == uid)
    return;
  if (syscall(SYS_setgid, uid) || syscall(SYS_setuid, uid)) {
    complain(argv[0], "only root may become another user", "");
    exit(1);
  }
  execve((const char *)getauxval(envp, AT_EXECFN), argv, envp);
  complain(argv[0], "cannot start again as another user", "");
  exit(1);
}

static inline void sleep_us(long us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  syscall(SYS_nanosleep, &time, 0);
}

static inline long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
