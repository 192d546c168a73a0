// What must be zero, whatever MAP_NOZERO lets a mapping hold: counts bytes that are not.
//
// Before each probe the process dirties many pages of a MAP_NOZERO mapping and unmaps
// them: the next frames the kernel takes are full of 0xa5, and their tag is this user's.
// Every byte of it is odd: as entries of a page table they would be valid ones.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 48, SOIL = 256, MAP_NOZERO = 0x04000000 };
enum { PLAIN = MAP_PRIVATE | MAP_ANONYMOUS };

static char bss[PAGES * PAGE] __attribute__((aligned(PAGE)));

static char *map(size_t length, int flags) {
  char *p = mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (p == MAP_FAILED)
    exit(3);
  return p;
}

static void soil(void) {
  char *p = map(SOIL * PAGE, PLAIN | MAP_NOZERO);
  memset(p, 0xa5, SOIL * PAGE);
  munmap(p, SOIL * PAGE);
}

// Bytes of `pages` pages from `p` on that are not zero, when each is written to first.
static long written_first(volatile char *p, long pages) {
  long found = 0;
  for (volatile char *page = p; page < p + pages * PAGE; page += PAGE) {
    page[0] = 1;
    for (int i = 1; i < PAGE; i++)
      found += page[i] != 0;
  }
  return found;
}

static long read_first(volatile char *p, long pages) {
  long found = 0;
  for (long i = 0; i < pages * PAGE; i++)
    found += p[i] != 0;
  return found + written_first(p, pages);
}

static void say(const char *what, long found) { printf("%s: %ld\n", what, found); }

// Pages of a page table that would not be empty have entries for neighbours.
static long table(void) {
  const size_t step = (size_t)1 << 30;
  long found = 0;
  char *p = mmap(0, 4 * step, PROT_READ | PROT_WRITE, PLAIN | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    exit(3);
  madvise(p, 4 * step, MADV_NOHUGEPAGE); // where there are huge ones, pages come in 512s
  for (int i = 0; i < 4; i++) {
    soil();
    found += written_first(p + (size_t)i * step, 1);
    found += read_first(p + (size_t)i * step + 5 * PAGE, 4);
    unsigned char there[16];
    if (mincore(p + (size_t)i * step, 16 * PAGE, there))
      exit(3);
    for (int page = 0; page < 16; page++)
      found += (there[page] & 1) != (page == 0 || (page >= 5 && page < 9));
  }
  munmap(p, 4 * step);
  return found;
}

// What lies behind a file's end on its last page, and in a hole of it.
static long file_pages(int shared) {
  char path[] = "/tmp/zerosXXXXXX";
  int fd = mkstemp(path);
  long found = 0;
  soil();
  if (fd < 0 || write(fd, "0123456789", 10) != 10)
    exit(3);
  soil();
  char *p = mmap(0, PAGE, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED)
    exit(3);
  for (int i = 10; i < PAGE; i++)
    found += p[i] != 0;
  p[0] = 'x';
  for (int i = 10; i < PAGE; i++)
    found += p[i] != 0;
  munmap(p, PAGE);
  if (ftruncate(fd, 4 * PAGE))
    exit(3);
  static char buffer[4 * PAGE];
  memset(buffer, 0x11, sizeof buffer);
  soil();
  if (pread(fd, buffer, sizeof buffer, 0) != sizeof buffer)
    exit(3);
  for (size_t i = 10; i < sizeof buffer; i++)
    found += buffer[i] != 0;
  close(fd);
  unlink(path);
  return found;
}

static long through_a_pipe(void) {
  int ends[2];
  static char buffer[2 * PAGE];
  long found = 0;
  memset(buffer, 0, sizeof buffer);
  soil();
  if (pipe(ends) || write(ends[1], "0123456789", 10) != 10)
    exit(3);
  long n = read(ends[0], buffer, sizeof buffer);
  for (size_t i = 10; i < sizeof buffer; i++)
    found += buffer[i] != 0;
  return found + (n != 10);
}

int main(void) {
  soil();
  say("bss", written_first(bss, PAGES));
  soil();
  say("brk", written_first(sbrk(PAGES * PAGE), PAGES));
  soil();
  volatile char *here = (volatile char *)((size_t)__builtin_frame_address(0) & -(size_t)PAGE);
  say("stack", written_first(here - (PAGES + 16) * PAGE, PAGES));
  soil();
  char *plain = map(PAGES * PAGE, PLAIN);
  say("mmap", written_first(plain, PAGES));
  soil();
  char *longer = mremap(plain, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
  if (longer == MAP_FAILED)
    return 3;
  say("mremap", written_first(longer + PAGES * PAGE, PAGES));
  soil();
  say("shared memory", written_first(map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS), PAGES));
  soil();
  say("shared memory, marked", written_first(
    map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS | MAP_NOZERO), PAGES));
  soil();
  say("read first", read_first(map(PAGES * PAGE, PLAIN | MAP_NOZERO), PAGES));
  say("page tables", table());
  say("private file", file_pages(0));
  say("shared file", file_pages(1));
  say("pipe", through_a_pipe());
  soil();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char *p = map(PAGES * PAGE, PLAIN);
    _exit(written_first(p, PAGES) != 0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  say("child", status);
  soil();
  long left = written_first(map(PAGES * PAGE, PLAIN | MAP_NOZERO), PAGES);
  fprintf(stderr, "%ld bytes were left in a marked mapping\n", left);
  return 0;
}
