// Processes that write, map, truncate and check files in too little memory.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define PG 4096
static unsigned seed;
static unsigned rnd(unsigned n) { seed = seed * 1103515245 + 12345; return (seed >> 8) % n; }
static char model[200 * PG], b[40 * PG];
static int fail(int id, int step, const char *what, long at) { printf("process %d step %d: %s at %ld\n", id, step, what, at); fflush(stdout); return 1; }
static int work(int id) {
  char name[20]; sprintf(name, "f%d", id); seed = id * 7919 + 1;
  int fd = open(name, O_CREAT | O_RDWR, 0644); long size = 0;
  for (int step = 0; step < 300; step++) {
    long at = rnd(180 * PG), n = 1 + rnd(10 * PG); if (at + n > (long)sizeof model) n = sizeof model - at;
    switch (rnd(9)) {
      case 0: case 1: case 2: for (long i = 0; i < n; i++) b[i] = rnd(256); if (pwrite(fd, b, n, at) != n) return fail(id, step, "short write", at); memcpy(model + at, b, n); if (at + n > size) size = at + n; break;
      case 3: case 4: { long want = at >= size ? 0 : at + n > size ? size - at : n; if (pread(fd, b, n, at) != want) return fail(id, step, "short read", at); if (memcmp(b, model + at, want)) return fail(id, step, "wrong read", at); break; }
      case 5: if (at < size) memset(model + at, 0, size - at); ftruncate(fd, at); size = at; break;
      case 6: if (size > PG) { char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); for (int i = 0; i < 30; i++) { long o = rnd(size); if (p[o] != model[o]) return fail(id, step, "wrong mapping", o); p[o] = model[o] = rnd(256); } if (rnd(2)) msync(p, size, MS_SYNC); munmap(p, size); } break;
      case 7: if (size > PG) { char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); for (int i = 0; i < 30; i++) { long o = rnd(size); p[o] ^= 1; } munmap(p, size); } break;
      case 8: if (rnd(3) == 0) fsync(fd); else if (rnd(4) == 0) { close(fd); fd = open(name, O_RDWR); } else posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); break;
    }
  }
  if (lseek(fd, 0, SEEK_END) != size) return fail(id, 999, "size", size);
  for (long at = 0; at < size; at += PG) { long n = size - at < PG ? size - at : PG; if (pread(fd, b, n, at) != n || memcmp(b, model + at, n)) return fail(id, 999, "at the end", at); }
  if (id % 2) unlink(name);
  return 0;
}
int main(int argc, char **argv) {
  int n = 4, bad = 0, s; chdir("/tmp");
  for (int i = 0; i < n; i++) if (!fork()) _exit(work(i));
  while (wait(&s) > 0) bad += s != 0;
  printf("failed %d\n", bad); return bad;
}
