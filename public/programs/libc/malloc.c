// malloc: one free list, ordered by address, first fit, on top of brk.
//
//     brk grows the heap by whole pages; none of them is in memory until it is
//     touched. malloc touches a page when it writes a block's header there, and
//     free touches it again: an allocator has a page-fault pattern of its own.
//
//     | size | payload ...      | size | next -> | ...   | size | payload |
//       in use                    free: `next` lies in the payload
#include "libc.h"

struct block {
  size_t size;        // of the whole block, a multiple of 16
  struct block *next; // free blocks only
};

enum { HEADER = 16 }; // keeps payloads 16-byte aligned, as the ABI asks

static struct block *free_list;

static struct block *grow(size_t size) {
  size = (size + PAGE - 1) & -(size_t)PAGE;
  char *start = brk(0), *end;
  start += -(uintptr_t)start & 15;
  end = start + size;
  if (brk(end) != end)
    return 0;
  struct block *b = (struct block *)start;
  b->size = size;
  return b;
}

void *malloc(size_t n) {
  if (n > (size_t)1 << 38) // more than the address space: would overflow below
    return 0;
  size_t size = HEADER + ((n + 15) & -(size_t)16);
  struct block **link = &free_list;
  while (*link && (*link)->size < size)
    link = &(*link)->next;
  struct block *b = *link;
  if (b)
    *link = b->next;
  else if (!(b = grow(size)))
    return 0;
  if (b->size - size >= 2 * HEADER) { // give the rest back
    struct block *rest = (struct block *)((char *)b + size);
    rest->size = b->size - size;
    b->size = size;
    free((char *)rest + HEADER);
  }
  return (char *)b + HEADER;
}

// Takes `b`'s successor into `b` if the two touch.
static void join(struct block *b) {
  struct block *next = b->next;
  if (next && (char *)b + b->size == (char *)next) {
    b->size += next->size;
    b->next = next->next;
  }
}

void free(void *p) {
  if (!p)
    return;
  struct block *b = (struct block *)((char *)p - HEADER), *before = 0;
  for (struct block *f = free_list; f && f < b; f = f->next)
    before = f;
  b->next = before ? before->next : free_list;
  if (before)
    before->next = b;
  else
    free_list = b;
  join(b);
  if (before)
    join(before);
}
