// Memory that is only ever taken: from the front of a chunk, and a new chunk
// from brk when it is used up. The kernel's pages are zero already.
#include "scalar.h"

enum { CHUNK = 64 << 10 };

static char *next, *limit;
static size_t taken;

size_t arena_taken(void) { return taken; }

void *arena_take(size_t bytes) {
  bytes = (bytes + 15) & -(size_t)16;
  taken += bytes;
  if ((size_t)(limit - next) < bytes) {
    size_t size = bytes > CHUNK ? (bytes + PAGE - 1) & -(size_t)PAGE : CHUNK;
    char *start = brk(0);
    start += -(uintptr_t)start & 15;
    if (brk(start + size) != start + size) {
      static const char text[] = "Out of memory!\n";
      write(2, text, sizeof text - 1);
      exit(1);
    }
    if (start != limit) // else it goes on where the last chunk ended
      next = start;
    limit = start + size;
  }
  char *block = next;
  next += bytes;
  return block;
}
