// bench/touch: page faults and little else.
//
//   bench/touch [pages] [rounds]
//
// Map, write a byte in each page, unmap: a fault, a frame cleared and a frame
// freed for every few instructions. 1024 pages, 100 times, unless you say
// otherwise: 102,400 faults.
#include "../libc/libc.h"

int main(int argc, char **argv) {
  long pages = argc > 1 ? atol(argv[1]) : 1024;
  long rounds = argc > 2 ? atol(argv[2]) : 100;
  unsigned long checksum = 0;
  for (long round = 0; round < rounds; round++) {
    char *area = mmap(0, (size_t)pages * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(area))
      return 1;
    for (long i = 0; i < pages; i++)
      area[i * PAGE] = (char)(i + round); // the fault
    for (long i = 0; i < pages; i += 64)
      checksum = checksum * 31 + (unsigned char)area[i * PAGE] +
                 (unsigned char)area[i * PAGE + 1]; // the second must be zero
    munmap(area, (size_t)pages * PAGE);
  }
  printf("touch %ld pages, %ld times: checksum %016lx\n", pages, rounds,
         checksum);
  return 0;
}
