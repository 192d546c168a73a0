// heap: a malloc that asks for memory and gives it back as a large C library's does,
// and that may ask for memory which is not cleared (MAP_NOZERO).
//
// A static program calls `heap_environment(envp)` first; linked at start, or put
// before a program's own malloc with LD_PRELOAD=libheap.so.1, it does so itself.
#ifndef HEAP_H
#define HEAP_H

#include "../libc/libc.h"

// Looks for MALLOC_NOZERO=1, which is mallopt(M_NOZERO, 1).
void heap_environment(char **envp);

void *calloc(size_t count, size_t size); // always zeros
void *realloc(void *p, size_t n);

// As glibc's, but for the last one, which is ours. 1 when it could be done.
int mallopt(int what, long value);
enum {
  M_TRIM_THRESHOLD = -1, // free bytes at the heap's end that are given back
  M_TOP_PAD = -2,        // bytes asked for, and kept, beyond what is needed
  M_MMAP_THRESHOLD = -3, // from this size on a block is a mapping of its own
  M_MMAP_MAX = -4,       // how many of those there may be; 0: none
  M_NOZERO = -64,        // 1: memory need not be cleared
};

// Davide Libenzi's flag for anonymous mappings (2007), and a brk that takes it. A
// kernel without them ignores the one and answers -ENOSYS to the other.
enum { MAP_NOZERO = 0x04000000, SYS_brk2 = 603 };

#endif
