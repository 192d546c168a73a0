// again [-q] [-d] N PROGRAM [ARG...]: fork, exec and wait, N times.
//
// How often a program starts decides what a cheaper start is worth. The second
// run finds in memory what the first one read: the difference between
// `again 2 P` and `again 1 P` is one warm start. With -d the page cache is
// emptied before each run, so that every one of them is a cold start; only root
// may do that.
//
//   -q  the program's output goes to /dev/null
//   -d  write 3 to /proc/sys/vm/drop_caches before each run
//
// A name without a slash is looked for in /bin. The exit status is that of the
// first run that failed, which is also the last: 128 + signal if it was killed.
#include "libc/files.h"
#include "libc/process.h"

static void complain(const char *what, const char *name) {
  write(2, "again: ", 7);
  write(2, what, strlen(what));
  write(2, name, strlen(name));
  write(2, "\n", 1);
}

static int drop_caches(void) {
  static const char knob[] = "/proc/sys/vm/drop_caches";
  sync(); // a dirty page cannot be dropped
  long fd = openat(AT_FDCWD, knob, O_WRONLY), n = -1;
  if (fd >= 0) {
    n = write((int)fd, "3", 1);
    close((int)fd);
  }
  if (n != 1)
    complain("only root may write to ", knob);
  return n == 1;
}

// In the child: becomes the program.
static void become(const char *path, char **argv, char **envp, int quiet) {
  if (quiet) {
    long null = openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup3((int)null, 1, 0) < 0) {
      complain("cannot write to ", "/dev/null");
      exit(127);
    }
  }
  execve(path, argv, envp);
  complain("cannot run ", path);
  exit(127);
}

int main(int argc, char **argv, char **envp) {
  int quiet = 0, drop = 0, at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (!strcmp(argv[at], "-q"))
      quiet = 1;
    else if (!strcmp(argv[at], "-d"))
      drop = 1;
    else
      break;
  }
  if (argc - at < 2 || argv[at][0] < '0' || argv[at][0] > '9') {
    puts("usage: again [-q] [-d] N PROGRAM [ARG...]");
    return 2;
  }
  long times = atol(argv[at]);
  char **program = argv + at + 1;
  char path[256] = "/bin/";
  size_t length = strlen(*program), before = 5;
  for (const char *s = *program; *s; s++)
    if (*s == '/')
      before = 0;
  if (before + length >= sizeof path) {
    complain("too long a name: ", *program);
    return 2;
  }
  memcpy(path + before, *program, length + 1);
  for (long i = 0; i < times; i++) {
    if (drop && !drop_caches())
      return 1;
    long child = fork();
    if (child == 0)
      become(path, program, envp, quiet);
    int status = 0;
    if (child < 0 || wait4(child, &status, 0, 0) != child) {
      complain("cannot start ", path);
      return 1;
    }
    if (status)
      return status & 127 ? 128 + (status & 127) : status >> 8;
  }
  return 0;
}
