// Stores words into page 1 of /data, mapped MAP_SCRATCH, in a fixed order; then a mark (system call
// 999); then, when it goes on, reads the page and stores one word; a mark; and ends.
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAP_SCRATCH 0x8000000
#define MARK 0x5c5a7c4e00000000ull

static const int order[] = {300, 7, 511, 8, 0, 42};

static void mark(void) { syscall(999); }

int main(void) {
  int fd = open("/data", O_RDWR);
  volatile uint64_t *p =
      mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_SCRATCH, fd, 0);
  if (p == MAP_FAILED) return 1;
  volatile uint64_t *page = p + 512;
  if (page[1]) return 2;
  for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
    page[order[i]] = MARK | (unsigned)order[i];
    // Some time passes between two patches.
    for (volatile int pause = 0; pause < 100; pause++) {}
  }
  mark();
  if (page[1]) return 2;
  page[42] = MARK;
  mark();
  return 0;
}
