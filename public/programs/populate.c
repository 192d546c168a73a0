// populate [FILE...] -- PROGRAM [ARG...]: has whole files read, then becomes PROGRAM.
//
// MAP_POPULATE makes every page of a mapping present before mmap returns: the
// kernel takes the faults itself, one page after the other, in the order of the
// file. So a program's files are read whole, at the cost of no trap at all; and the
// pages stay in memory when the mapping is gone.
//
// It is the plainest of all ways to read ahead, and the one that asks nobody which
// pages are needed.
#include "libc/files.h"
#include "libc/process.h"

enum { MAP_POPULATE = 0x8000 };

static int populate(const char *path) {
  int fd = (int)openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  struct stat file;
  int done = 0;
  if (fstat(fd, &file) == 0 && file.st_size > 0) {
    size_t length = (size_t)file.st_size;
    void *at = mmap(0, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    done = !is_error(at);
    if (done)
      munmap(at, length);
  }
  close(fd);
  return done;
}

static void complain(const char *what, const char *name) {
  write(2, "populate: ", 10);
  write(2, what, strlen(what));
  write(2, name, strlen(name));
  write(2, "\n", 1);
}

int main(int argc, char **argv, char **envp) {
  int at = 1;
  for (; at < argc && strcmp(argv[at], "--"); at++)
    if (!populate(argv[at]))
      complain("cannot map ", argv[at]);
  if (at + 1 >= argc) {
    puts("usage: populate [FILE...] -- PROGRAM [ARG...]");
    return 2;
  }
  execve(argv[at + 1], argv + at + 1, envp);
  complain("cannot run ", argv[at + 1]);
  return 127;
}
