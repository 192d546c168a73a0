// prefetch [-f] [-v] [-g PAGES] PROGRAM [ARG...]: asks for a program's pages, then becomes it.
//
//   BITMAP_TRAINING_RUN=1 prefetch PROGRAM    runs it, and writes down which pages it used: under
//                                             ~/.bitmaps, by a hook that LD_PRELOAD puts into it
//   prefetch PROGRAM                          reads that, and asks for these pages in the order in
//                                             which they lie in their files, before the first of
//                                             them is missed
//
//   -f  use what was written down of a file that has been replaced since. Its pages are others now:
//       the wrong ones are read, and the program's own faults come on top.
//   -g  read over holes of up to so many pages: a request more can cost more than they do
//   -v  say what was done
//
// Every run of set bits is one readahead(2). Linux starts the read and goes on, so that its elevator
// sorts what several calls ask for; Pagewalk's kernel waits, and sorts within a call: there -g, which
// makes fewer and larger calls, counts for more. What each page costs at its first touch stays: the
// kernel finds it in memory then, but has yet to map it.
#include "libc/files.h"
#include "libc/process.h"
#include "train/shadow.h"

enum { TEXT = 1 << 14 };

static int forced, verbose;
static uint64_t gap;
static char home[256];

static void say(const char *a, const char *b) {
  write(2, "prefetch: ", 10);
  write(2, a, strlen(a));
  write(2, b, strlen(b));
  write(2, "\n", 1);
}

static const char *value_of(const char *entry, const char *name) {
  size_t n = strlen(name);
  return strlen(entry) >= n && memcmp(entry, name, n) == 0 ? entry + n : 0;
}

static const char *environment(char **envp, const char *name) {
  const char *value = 0;
  for (; *envp && !value; envp++)
    value = value_of(*envp, name);
  return value;
}

// The file that `name` leads to, links followed: that is how the kernel names it in maps.
static int canonical(const char *name, char path[PATH_MAX]) {
  static const char folder[] = "/bin/";
  static char tried[PATH_MAX];
  size_t n = 0, length = strlen(name);
  int slash = 0;
  for (const char *s = name; *s; s++)
    slash |= *s == '/';
  if (!slash)
    memcpy(tried, folder, n = sizeof folder - 1);
  if (n + length >= PATH_MAX)
    return 0;
  memcpy(tried + n, name, length + 1);
  int fd = (int)openat(AT_FDCWD, tried, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  char link[32] = "/proc/self/fd/", *at = link + strlen(link);
  for (int digits = fd, place = 1000; place; place /= 10)
    if (fd >= place || place == 1)
      *at++ = (char)('0' + digits / place % 10);
  *at = 0;
  long got = readlinkat(AT_FDCWD, link, path, PATH_MAX - 1);
  close(fd);
  if (got <= 0)
    return 0;
  path[got] = 0;
  return 1;
}

static long read_file(const char *path, void *to, size_t room) {
  int fd = (int)openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fd;
  long n = 0, got;
  while ((size_t)n < room && (got = read(fd, (char *)to + n, room - (size_t)n)) > 0)
    n += got;
  close(fd);
  return n;
}

static int bit(const struct shadow *s, uint64_t page) {
  return s->bits[page / 8] >> page % 8 & 1;
}

// The end of the run that begins at a page whose bit is set, holes of up to `gap` pages included.
static uint64_t run_end(const struct shadow *s, uint64_t page) {
  uint64_t end = page + 1;
  for (uint64_t at = end; at < s->pages && at - end <= gap; at++)
    if (bit(s, at))
      end = at + 1;
  return end;
}

// Asks for a file's pages, a call a run of them.
static void ask(int fd, const struct shadow *s, const char *path) {
  unsigned long runs = 0, pages = 0;
  for (uint64_t page = 0; page < s->pages; page++) {
    if (!bit(s, page))
      continue;
    uint64_t end = run_end(s, page);
    readahead(fd, (long)(page * PAGE), (end - page) * PAGE);
    runs++;
    pages += end - page;
    page = end;
  }
  if (verbose)
    printf("prefetch: %s: %lu pages in %lu runs\n", path, pages, runs);
}

static int is_of(const struct shadow *s, const struct stat *file) {
  return s->size == (uint64_t)file->st_size && s->mtime == file->st_mtime &&
         s->mtime_nsec == file->st_mtime_nsec && s->inode == file->st_ino;
}

static void prefetch(const char *path) {
  static char where[PATH_MAX];
  static struct shadow shadow;
  if (!shadow_path(where, home, path, ""))
    return;
  long got = read_file(where, &shadow, sizeof shadow);
  // A shadow that was cut short, or is none, says nothing.
  if (got < SHADOW_HEADER || shadow.magic != SHADOW_MAGIC || shadow.pages > MOST_PAGES ||
      (uint64_t)(got - SHADOW_HEADER) < (shadow.pages + 7) / 8)
    return;
  int fd = (int)openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  struct stat file;
  fstat(fd, &file);
  int fits = is_of(&shadow, &file);
  if (!fits && !forced)
    say(path, " has changed since its training run; -f uses the bitmap all the same");
  if (fits || forced)
    ask(fd, &shadow, path);
  close(fd);
}

static void prefetch_all(const char *program) {
  static char where[PATH_MAX], list[TEXT];
  if (!shadow_path(where, home, program, ".mapped"))
    return;
  long n = read_file(where, list, sizeof list - 1);
  if (n < 0) {
    if (verbose)
      say("no training run yet of ", program);
    return;
  }
  char *line = list;
  for (long i = 0; i < n; i++) {
    if (list[i] != '\n')
      continue;
    list[i] = 0;
    prefetch(line);
    line = list + i + 1;
  }
}

// A copy of the environment with the hook in it, before what else is to be preloaded.
static char **with_hook(char **envp) {
  static char *copy[512], preload[PATH_MAX] = "LD_PRELOAD=/lib/libtrain.so";
  int n = 0;
  for (; *envp && n < 510; envp++) {
    const char *other = value_of(*envp, "LD_PRELOAD=");
    if (!other) {
      copy[n++] = *envp;
      continue;
    }
    size_t used = strlen(preload), length = strlen(other);
    if (used + 1 + length >= sizeof preload)
      continue;
    preload[used] = ':';
    memcpy(preload + used + 1, other, length + 1);
  }
  copy[n++] = preload;
  copy[n] = 0;
  return copy;
}

int main(int argc, char **argv, char **envp) {
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (strcmp(argv[at], "-f") == 0)
      forced = 1;
    else if (strcmp(argv[at], "-v") == 0)
      verbose = 1;
    else if (strcmp(argv[at], "-g") == 0 && at + 1 < argc)
      gap = (uint64_t)atol(argv[++at]);
    else
      break;
  }
  if (at >= argc || argv[at][0] == '-') {
    puts("usage: prefetch [-f] [-v] [-g PAGES] PROGRAM [ARG...]");
    return 2;
  }
  static char program[PATH_MAX];
  if (!canonical(argv[at], program)) {
    say("there is no program ", argv[at]);
    return 127;
  }
  const char *folder = environment(envp, "HOME=");
  const char *training = environment(envp, "BITMAP_TRAINING_RUN=");
  if (training && *training && strcmp(training, "0") != 0)
    envp = with_hook(envp);
  else if (folder && *folder == '/' && strlen(folder) < sizeof home) {
    memcpy(home, folder, strlen(folder) + 1);
    prefetch_all(program);
  } else
    say("HOME is no folder; ", "nothing is known of earlier runs");
  execve(program, argv + at, envp);
  say("cannot run ", program);
  return 126;
}
