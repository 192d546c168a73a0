// Which pages did this program use? As it ends, two files of /proc know:
//
//   /proc/self/maps      10000-14000 r-xp 00000000 ... /bin/program
//                        14000-15000 rw-p 00003000 ... /bin/program      an area a line: where
//                        3fe8000-... r-xp 00000000 ... /lib/libc.so      it is, of which file
//
//   /proc/self/pagemap   | 10 | 11 | 12 | 13 | 14 | ...   8 bytes a page of the address space:
//                           x         x    x              bit 63 present, bit 62 swapped out
//
// So page (address - start + offset) / 4096 of the file was used. Present is not the same as
// touched: where the kernel maps pages around a fault, they count, too.
//
// The hook needs no help from the program. As a library it is loaded by LD_PRELOAD and runs among
// the destructors; what is linked statically takes it in with exit.c. It uses no libc: it has to
// run in programs of any, and must not hide their functions by its own. A program that is killed,
// or leaves by _exit, leaves no trace.
#include "train.h"

// One at a time: areas of one file stand together in maps.
static struct {
  char path[PATH_MAX];
  struct shadow shadow;
} now;

static struct {
  char home[256];
  int training;
  char program[PATH_MAX], hook[PATH_MAX]; // the program's file, and the one that this code is in
  char list[1 << 14];                     // paths, a line each
  size_t listed;
} run;

static int same(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static void copy(char *to, const char *from, size_t room) {
  size_t i = 0;
  for (; i + 1 < room && from[i]; i++)
    to[i] = from[i];
  to[i] = 0;
}

// ---------------------------------------------------------------------- a text file, by lines ----

struct lines {
  int fd;
  size_t used, filled;
  char buffer[4096];
};

// The next piece up to `end`, cut at PATH_MAX + 128; null behind the last.
static const char *next(struct lines *in, char end) {
  static char line[PATH_MAX + 128];
  size_t n = 0;
  for (;;) {
    if (in->used == in->filled) {
      long got = syscall3(SYS_read, in->fd, (long)in->buffer, sizeof in->buffer);
      in->used = 0;
      in->filled = got > 0 ? (size_t)got : 0;
      if (got <= 0 && n == 0)
        return 0;
      if (got <= 0)
        break;
    }
    char c = in->buffer[in->used++];
    if (c == end)
      break;
    if (n < sizeof line - 1)
      line[n++] = c;
  }
  line[n] = 0;
  return line;
}

static void each_line(const char *file, char end, void (*use)(const char *line)) {
  static struct lines in;
  in.fd = (int)open_file(file, O_RDONLY | O_CLOEXEC, 0);
  in.used = in.filled = 0;
  if (in.fd < 0)
    return;
  for (const char *line; (line = next(&in, end));)
    use(line);
  close_file(in.fd);
}

static uint64_t hexadecimal(const char **at) {
  uint64_t value = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9')
      value = value << 4 | (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | (uint64_t)(c - 'a' + 10);
    else
      return value;
  }
}

// ----------------------------------------------------------------------------- writing shadows ----

static int make_folders(char *path) {
  for (char *s = path + 1; *s; s++) {
    if (*s != '/')
      continue;
    *s = 0;
    long made = syscall3(SYS_mkdirat, AT_FDCWD, (long)path, 0755);
    *s = '/';
    if (made < 0 && made != -EEXIST)
      return 0;
  }
  return 1;
}

// Replaces a file as a whole: whoever reads it meanwhile sees the old one or the new one.
static void write_file(const char *path, const char *suffix, const void *data, size_t n) {
  static char to[PATH_MAX], beside[PATH_MAX];
  if (!shadow_path(to, run.home, path, suffix) || !shadow_path(beside, run.home, path, ".new"))
    return;
  if (!make_folders(to))
    return;
  int fd = (int)open_file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    return;
  size_t done = 0;
  while (done < n) {
    long put = write_some(fd, (const char *)data + done, n - done);
    if (put <= 0)
      break;
    done += (size_t)put;
  }
  close_file(fd);
  if (done == n)
    syscall(SYS_renameat2, AT_FDCWD, (long)beside, AT_FDCWD, (long)to, 0, 0);
}

// A training run adds to those before it: a program with several ways to run is trained in each.
// But only while the file is the same.
static void add_trained_before(struct shadow *shadow) {
  static char path[PATH_MAX];
  static struct shadow old;
  if (!shadow_path(path, run.home, now.path, ""))
    return;
  int fd = (int)open_file(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return;
  long got = read_at(fd, &old, sizeof old, 0);
  close_file(fd);
  if (got < SHADOW_HEADER || old.magic != shadow->magic || old.size != shadow->size ||
      old.mtime != shadow->mtime || old.mtime_nsec != shadow->mtime_nsec ||
      old.inode != shadow->inode || old.pages != shadow->pages)
    return;
  for (long i = 0; i < got - SHADOW_HEADER; i++)
    shadow->bits[i] |= old.bits[i];
}

static void finish_file(void) {
  if (!now.path[0])
    return;
  struct shadow *s = &now.shadow;
  add_trained_before(s);
  write_file(now.path, "", s, SHADOW_HEADER + (s->pages + 7) / 8);
  now.path[0] = 0;
}

// Puts a path into the program's list, once.
static void list(const char *path) {
  size_t at = 0, n = 0;
  while (at < run.listed) {
    for (n = 0; path[n] && run.list[at + n] == path[n];)
      n++;
    if (!path[n] && run.list[at + n] == '\n')
      return;
    while (run.list[at++] != '\n')
      ;
  }
  for (n = 0; path[n];)
    n++;
  if (n + 1 > sizeof run.list - run.listed)
    return;
  for (size_t i = 0; i < n; i++)
    run.list[run.listed++] = path[i];
  run.list[run.listed++] = '\n';
}

// Begins with a file that is mapped; false where there is nothing to describe.
static int begin_file(const char *path, uint64_t inode) {
  struct shadow *s = &now.shadow;
  finish_file();
  int fd = (int)open_file(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  struct stat status;
  long got = file_status(fd, &status);
  close_file(fd);
  uint64_t pages = ((uint64_t)status.size + PAGE - 1) / PAGE;
  // Another file has its name by now: what is mapped has none.
  if (got < 0 || status.ino != inode || pages > MOST_PAGES)
    return 0;
  for (uint64_t i = 0; i < (pages + 7) / 8; i++)
    s->bits[i] = 0;
  s->magic = SHADOW_MAGIC;
  s->size = (uint64_t)status.size;
  s->mtime = (uint64_t)status.mtime;
  s->mtime_nsec = (uint64_t)status.mtime_nsec;
  s->inode = inode;
  s->pages = pages;
  copy(now.path, path, sizeof now.path);
  list(path);
  return 1;
}

static void add_area(uint64_t start, uint64_t end, uint64_t offset) {
  static uint64_t entries[512];
  int fd = (int)open_file("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return;
  for (uint64_t page = start / PAGE; page < end / PAGE;) {
    long got = read_at(fd, entries, sizeof entries, page * 8);
    if (got < 8)
      break;
    for (long i = 0; i < got / 8 && page < end / PAGE; i++, page++) {
      uint64_t at = (offset + page * PAGE - start) / PAGE;
      if (entries[i] >> 62 && at < now.shadow.pages) // present or swapped
        now.shadow.bits[at / 8] |= (uint8_t)(1 << at % 8);
    }
  }
  close_file(fd);
}

// --------------------------------------------------------------------------- reading about us ----

struct area {
  uint64_t start, end, offset, inode;
  const char *path; // "" for memory of no file
};

// "10000-14000 r-xp 00000000 00:01 12         /bin/program"
static struct area read_area(const char *line) {
  struct area a = {.path = ""};
  a.start = hexadecimal(&line);
  if (*line++ != '-')
    return a;
  a.end = hexadecimal(&line);
  int field = 0;
  for (; *line && field < 4; field++) {
    while (*line == ' ')
      line++;
    if (field == 1)
      a.offset = hexadecimal(&line);
    else if (field == 3)
      for (; *line >= '0' && *line <= '9'; line++)
        a.inode = 10 * a.inode + (uint64_t)(*line - '0');
    while (*line && *line != ' ')
      line++;
  }
  while (*line == ' ')
    line++;
  a.path = *line == '/' && a.inode ? line : "";
  return a;
}

static void note_hook(const char *line) {
  struct area a = read_area(line);
  uint64_t here = (uint64_t)(uintptr_t)&note_hook;
  if (a.start <= here && here < a.end)
    copy(run.hook, a.path, sizeof run.hook);
}

static void use_area(const char *line) {
  struct area a = read_area(line);
  // The next run, which is no training, does not load the hook.
  if (!*a.path || (same(a.path, run.hook) && !same(a.path, run.program)))
    return;
  if (same(a.path, now.path) || begin_file(a.path, a.inode))
    add_area(a.start, a.end, a.offset);
}

static const char *value_of(const char *entry, const char *name) {
  while (*name && *entry == *name)
    entry++, name++;
  return *name == 0 && *entry == '=' ? entry + 1 : 0;
}

static void use_variable(const char *entry) {
  const char *v;
  if ((v = value_of(entry, "HOME")))
    copy(run.home, v, sizeof run.home);
  else if ((v = value_of(entry, "BITMAP_TRAINING_RUN")))
    run.training = *v && !same(v, "0");
}

void train(void) {
  each_line("/proc/self/environ", 0, use_variable);
  if (!run.training || run.home[0] != '/')
    return;
  syscall(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)run.program,
          sizeof run.program - 1, 0, 0);
  each_line("/proc/self/maps", '\n', note_hook);
  each_line("/proc/self/maps", '\n', use_area);
  finish_file();
  // What only another run loads (dlopen) stays in the list.
  static char path[PATH_MAX];
  if (shadow_path(path, run.home, run.program, ".mapped"))
    each_line(path, '\n', list);
  write_file(run.program, ".mapped", run.list, run.listed);
}
