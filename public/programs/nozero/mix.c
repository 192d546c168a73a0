// mix USER PROGRAM [ARG...] [-- USER PROGRAM [ARG...]]...: programs side by side.
//
// Starts all of them, each as its user, and waits for the first one. The others are
// its neighbours: they are killed when it is done. Only root may start programs as
// other users; anybody may as himself.
//
//     mix 1000 smiffy -n 100 -- 1001 noise
//
// USER is a number, or UID:GROUP for one in a control group of that number, if root
// asks for it and the kernel has them (only the MAP_NOZERO of 2012 looks at it).
//
// One processor runs them in turns, a quantum of instructions each (the setting
// sched_quantum): who had a page before is the same in every run.
//
// A name without a slash is looked for in /bin. The exit status is the first
// program's; 128 + signal if it was killed.
#include "../heap/user.h"
#include "../libc/files.h"

enum { MAX_PROGRAMS = 16, SIGKILL = 9 };

// Moves this process into the control group behind the user's colon, if there is one.
static void join_group(const char *user) {
  while (*user && *user != ':')
    user++;
  if (!*user)
    return;
  user++;
  int fd = (int)openat(AT_FDCWD, "/proc/sys/vm/nozero_cgroup", O_WRONLY | O_CLOEXEC);
  if (fd == -ENOENT)
    return;
  if (fd < 0 || write(fd, user, strlen(user)) < 0) {
    complain("mix", "only root may choose control group ", user);
    exit(126);
  }
  close(fd);
}

// In the child: becomes the user, then the program, whose words end with a null.
static void become(char **words, char **envp) {
  if (!words[0] || !words[1]) {
    complain("mix", "a user and a program must be named", "");
    exit(2);
  }
  join_group(words[0]);
  long uid = atol(words[0]);
  if (getuid() != uid && (syscall(SYS_setgid, uid) || syscall(SYS_setuid, uid))) {
    complain("mix", "only root may start a program as user ", words[0]);
    exit(126);
  }
  char path[256] = "/bin/";
  size_t before = 5, length = strlen(words[1]);
  for (const char *s = words[1]; *s; s++)
    if (*s == '/')
      before = 0;
  if (before + length < sizeof path) {
    memcpy(path + before, words[1], length + 1);
    execve(path, words + 1, envp);
  }
  complain("mix", "cannot run ", words[1]);
  exit(127);
}

int main(int argc, char **argv, char **envp) {
  long children[MAX_PROGRAMS];
  int programs = 0, status = 0;
  if (argc < 3) {
    puts("usage: mix USER PROGRAM [ARG...] [-- USER PROGRAM [ARG...]]...");
    return 2;
  }
  for (int at = 1; at < argc && programs < MAX_PROGRAMS; at++) {
    char **words = argv + at;
    while (at < argc && strcmp(argv[at], "--"))
      at++;
    if (at < argc)
      argv[at] = 0;
    long child = fork();
    if (child == 0)
      become(words, envp);
    if (child < 0) {
      complain("mix", "cannot start ", words[1]);
      return 1;
    }
    children[programs++] = child;
  }
  if (wait4(children[0], &status, 0, 0) != children[0])
    return 1;
  for (int i = 1; i < programs; i++) {
    kill(children[i], SIGKILL);
    wait4(children[i], 0, 0, 0);
  }
  return status & 127 ? 128 + (status & 127) : status >> 8;
}
