// What /proc says of areas of every kind: locked, free to take, swapped out, shared without a file,
// advised. Recorded on a riscv64 Linux 6.12 with swap on as proc-areas.linux.txt. (LazyFree is not
// compared: Linux tells of a page only when its batch of 15 is full.)
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096ul
static char text[1 << 18];
static unsigned long slot;

static void slurp(const char *path) {
  int fd = open(path, O_RDONLY), n = 0, got;
  while ((got = read(fd, text + n, 65536)) > 0) n += got;
  close(fd);
  text[n < 0 ? 0 : n] = 0;
}

// Of the area at `start`: mode, name, what is not 0, and its flags; its pagemap.
static void show(const char *what, char *start) {
  char want[32];
  slurp("/proc/self/smaps");
  sprintf(want, "%08lx-", (unsigned long)start);
  char *at = strstr(text, want);
  printf("%s:", what);
  if (!at) {
    printf(" none\n");
    return;
  }
  unsigned long s, e, off, ino;
  unsigned major, minor;
  char perm[8];
  int used;
  sscanf(at, "%lx-%lx %7s %lx %x:%x %lu%n", &s, &e, perm, &off, &major, &minor, &ino, &used);
  char *name = at + used;
  while (*name == ' ') name++;
  printf(" %lu pages %s %lx %x:%x %s %.*s\n ", (e - s) / PG, perm, off, major, minor, ino ? "inode" : "0", (int)strcspn(name, "\n"), name);
  for (at = strchr(at, '\n') + 1; strncmp(at, "VmFlags", 7); at = strchr(at, '\n') + 1) {
    char field[32];
    unsigned long kb;
    if (sscanf(at, "%31[^:]: %lu kB", field, &kb) == 2 && kb && !strstr(field, "PageSize") && strcmp(field, "LazyFree")) printf(" %s=%lu", field, kb);
  }
  printf("\n  %.*s\n  pagemap", (int)strcspn(at, "\n"), at);
  int fd = open("/proc/self/pagemap", O_RDONLY);
  for (unsigned long i = 0; i < (e - s) / PG && i < 16; i++) {
    uint64_t word;
    pread(fd, &word, 8, (s / PG + i) * 8);
    printf(" %x", (unsigned)(word >> 55));
  }
  printf("\n");
  close(fd);
}

static void status(const char *name) {
  slurp("/proc/self/status");
  char *at = strstr(text, name);
  printf("%.*s\n", (int)strcspn(at, "\n"), at);
}

static char *map(int pages, int prot, int flags, int fd, long off) {
  void *at = (void *)(0x1000000000ul + 0x800000ul * slot++);
  return mmap(at, pages * PG, prot, flags | MAP_FIXED_NOREPLACE, fd, off);
}

static void touch(char *p, int pages) {
  for (int i = 0; i < pages; i++) p[i * PG] = i + 1;
}

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

int main(int argc, char **argv) {
  char path[256];
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16);

  char *p = map(8, RW, ANON, -1, 0);
  touch(p, 2);
  mlock(p, 4 * PG);
  show("locked", p);
  show("not locked", p + 4 * PG);
  status("VmLck");
  munlock(p, 4 * PG);
  show("unlocked", p);

  p = map(8, RW, ANON, -1, 0);
  touch(p, 8);
  madvise(p, 4 * PG, MADV_FREE);
  show("free to take", p);
  p[0] = 1;
  show("one written again", p);

  p = map(8, RW, ANON, -1, 0);
  touch(p, 8);
  madvise(p, 3 * PG, MADV_PAGEOUT);
  show("paged out", p);
  status("VmSwap");
  volatile char c = p[PG];
  fflush(stdout);
  if (fork() == 0) {
    show("paged out, in a child", p);
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  p[0] = 7;
  show("one back", p);
  madvise(p, 8 * PG, MADV_DONTNEED);
  show("given up", p);

  p = map(8, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  touch(p, 3);
  c = p[5 * PG];
  show("shared memory", p);
  status("RssShmem");
  fflush(stdout);
  if (fork() == 0) {
    c = p[0];
    p[7 * PG] = 1;
    show("shared memory, in a child", p);
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  show("shared memory, alone again", p);

  snprintf(path, sizeof path, "%s/areas", argc > 1 ? argv[1] : "/tmp");
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int i = 0; i < 8; i++) write(fd, text, PG);
  fsync(fd);
  p = map(8, RW, MAP_PRIVATE, fd, 0);
  c = p[0];
  touch(p, 2);
  show("file, private", p);
  mprotect(p, 4 * PG, PROT_READ);
  show("read only", p);
  show("the rest", p + 4 * PG);
  p = map(4, PROT_READ, MAP_SHARED, fd, 4 * PG);
  c = p[0];
  show("file, shared", p);
  int ro = open(path, O_RDONLY);
  p = map(4, PROT_READ, MAP_SHARED, ro, 0);
  c = p[0];
  show("read only, shared", p);

  p = map(4, PROT_NONE, ANON, -1, 0);
  show("no access", p);
  p = map(4, RW, ANON, -1, 0);
  touch(p, 4);
  mprotect(p, 4 * PG, PROT_NONE);
  show("no access any more", p);
  p = map(4, RW, ANON | MAP_NORESERVE, -1, 0);
  show("no reserve", p);
  p = map(4, RW, ANON | MAP_GROWSDOWN, -1, 0);
  show("grows down", p);
  p = map(4, RW | PROT_EXEC, ANON, -1, 0);
  show("executable", p);
  p = map(4, RW, ANON, -1, 0);
  madvise(p, 4 * PG, MADV_SEQUENTIAL);
  show("sequential", p);
  madvise(p, 4 * PG, MADV_RANDOM);
  show("random", p);
  madvise(p, 4 * PG, MADV_NORMAL);
  madvise(p, 4 * PG, MADV_DONTFORK);
  show("not for children", p);
  p = map(4, RW, ANON | MAP_LOCKED, -1, 0);
  show("locked from the start", p);
  status("VmLck");

  // The lines of maps are in order, and none overlaps the next.
  slurp("/proc/self/maps");
  unsigned long last = 0, s, e;
  int good = 1;
  for (char *l = text; *l; l = strchr(l, '\n') + 1) {
    sscanf(l, "%lx-%lx", &s, &e);
    good &= s >= last && e > s;
    last = e;
  }
  printf("in order: %d\n", good);
  unlink(path);
  return 0;
}
