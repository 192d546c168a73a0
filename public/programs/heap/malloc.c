// malloc: blocks of a heap that brk grows and shrinks; a mapping for what is large.
//
//     heap:    | block | free | block | block | free | top ............ |
//              ^ start                               ^ top        brk ^
//     mapping: | size, 1 | payload ...                          |  one a block
//
// Where a block comes from decides what the kernel has to clear:
//
//   (a) small, freed before: from the list of its size, last in, first out. Its
//       page is there already: no fault, nothing to clear.
//   (b) the heap's other free blocks: an address-ordered list, first fit.
//   (c) the top: pages nobody has touched since brk gave them. Each costs a fault
//       and a clear_page, unless the heap is MAP_NOZERO.
//   (d) from `mmap_threshold` on: a mapping. It is unmapped when it is freed, so
//       its pages are faulted in and cleared again for every such block.
//
// A program that allocates and frees large blocks in a loop would live in (d). So,
// like glibc since 2006, the first free of a mapping raises the threshold to its
// size: the next block of that size is the heap's. And the heap is given back only
// when its top exceeds `trim_threshold`, which is then twice as much.
//
// With `nozero`, brk2 and mmap are asked for memory that may still hold what was
// in it. malloc never promised zeros. calloc does: it usually leaves alone what is
// fresh from the kernel (above `fresh`, or a mapping); with `nozero` it clears all.
//
// Left out: threads, bins between (a) and (b), small blocks that grow together.
#include "heap.h"

struct block {
  size_t size;        // of the whole block, a multiple of 16; + MAPPED
  struct block *next; // free blocks only
};

enum { HEADER = 16, MAPPED = 1, SMALL = 1024, MREMAP_MAYMOVE = 1 };
enum { MAX_THRESHOLD = 32 << 20 };

long syscall(long number, ...);

static struct block *bins[SMALL / 16]; // (a), by size / 16
static struct block *free_list;        // (b)
static char *top, *heap_end;           // (c): between them nothing is in use
static char *fresh;                    // nothing above was ever written to

static size_t mmap_threshold = 128 << 10, trim_threshold = 128 << 10;
static size_t top_pad = 128 << 10;
static long mmap_max = 65536, mapped_blocks;
static int fixed_thresholds; // set by mallopt: they stay as they are
static int nozero;

static size_t pages_for(size_t n) { return (n + PAGE - 1) & -(size_t)PAGE; }

// ---- from the kernel and back ----

// Sets the break; 0 when it was refused.
static int set_break(char *end) {
  static int no_brk2;
  if (nozero && !no_brk2) {
    char *now = (char *)syscall(SYS_brk2, end, MAP_NOZERO);
    if (!is_error(now))
      return now == end;
    no_brk2 = 1;
  }
  return brk(end) == end;
}

static void *map(size_t length) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (nozero ? MAP_NOZERO : 0);
  return mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static struct block *map_block(size_t size) {
  size = pages_for(size);
  struct block *b = map(size);
  if (is_error(b))
    return 0;
  b->size = size | MAPPED;
  mapped_blocks++;
  return b;
}

static void unmap_block(struct block *b) {
  size_t size = b->size & ~(size_t)MAPPED;
  if (!fixed_thresholds && size > mmap_threshold && size <= MAX_THRESHOLD) {
    mmap_threshold = size;
    trim_threshold = 2 * size;
  }
  mapped_blocks--;
  munmap(b, size);
}

static void discard(struct block *b);

// Makes the top at least `size` long. Where somebody else has moved the break, the heap
// goes on behind what is his, and the old top is a free block like others.
static int grow(size_t size) {
  char *now = brk(0);
  if (now != heap_end) {
    struct block *rest = (struct block *)top;
    size_t length = (size_t)(heap_end - top);
    top = now + (-(uintptr_t)now & 15);
    fresh = heap_end = top;
    if (length >= 2 * HEADER) {
      rest->size = length;
      discard(rest);
    }
  }
  char *end = (char *)pages_for((uintptr_t)top + size + top_pad);
  if (!set_break(end))
    return 0;
  heap_end = end;
  return 1;
}

// Takes a block from the top, which grows if it must.
static struct block *from_top(size_t size) {
  if ((size_t)(heap_end - top) < size && !grow(size))
    return 0;
  struct block *b = (struct block *)top;
  top += size;
  b->size = size;
  if (fresh < top)
    fresh = top;
  return b;
}

// Gives the top back when it is large. What brk takes and gives again is fresh.
static void trim(void) {
  if ((size_t)(heap_end - top) < trim_threshold)
    return;
  char *end = (char *)pages_for((uintptr_t)top + top_pad);
  if (end >= heap_end || brk(0) != heap_end || !set_break(end))
    return;
  heap_end = end;
  if (fresh > end)
    fresh = end;
}

// ---- the free list, by address ----

// Takes `b`'s successor into `b` if the two touch.
static void join(struct block *b) {
  struct block *next = b->next;
  if (next && (char *)b + b->size == (char *)next) {
    b->size += next->size;
    b->next = next->next;
  }
}

static void put_back(struct block *b) {
  struct block **link = &free_list, *before = 0;
  while (*link && *link < b) {
    before = *link;
    link = &before->next;
  }
  b->next = *link;
  *link = b;
  join(b);
  if (before && (char *)before + before->size == (char *)b) {
    join(before);
    b = before;
  }
  if ((char *)b + b->size != top)
    return;
  for (link = &free_list; *link != b;) // the last one: it is the top's now
    link = &(*link)->next;
  *link = 0;
  top = (char *)b;
  trim();
}

static void discard(struct block *b) {
  if (b->size >= SMALL) {
    put_back(b);
    return;
  }
  b->next = bins[b->size / 16];
  bins[b->size / 16] = b;
}

// Gives what `b` has beyond `size` back.
static void cut(struct block *b, size_t size) {
  size_t rest = b->size - size;
  if (rest < 2 * HEADER)
    return;
  struct block *other = (struct block *)((char *)b + size);
  other->size = rest;
  b->size = size;
  discard(other);
}

static struct block *first_fit(size_t size) {
  struct block **link = &free_list;
  while (*link && (*link)->size < size)
    link = &(*link)->next;
  struct block *b = *link;
  if (b) {
    *link = b->next;
    cut(b, size);
  }
  return b;
}

// ---- what programs call ----

static struct block *block_of(void *p) { return (struct block *)((char *)p - HEADER); }

static size_t room_of(struct block *b) { return (b->size & ~(size_t)MAPPED) - HEADER; }

static size_t size_for(size_t n) {
  size_t size = HEADER + ((n + 15) & -(size_t)16);
  return size < 2 * HEADER ? 2 * HEADER : size;
}

void *malloc(size_t n) {
  if (n > (size_t)1 << 38) // more than the address space: would overflow below
    return 0;
  size_t size = size_for(n);
  struct block *b = 0;
  if (size >= mmap_threshold && mapped_blocks < mmap_max) {
    b = map_block(size);
  } else if (size < SMALL && (b = bins[size / 16])) {
    bins[size / 16] = b->next;
  } else if (!(b = first_fit(size))) {
    b = from_top(size);
  }
  if (!b && mapped_blocks < mmap_max) // brk has met another mapping, or its limit
    b = map_block(size);
  return b ? (char *)b + HEADER : 0;
}

void free(void *p) {
  if (!p)
    return;
  struct block *b = block_of(p);
  if (b->size & MAPPED)
    unmap_block(b);
  else
    discard(b);
}

void *calloc(size_t count, size_t size) {
  if (size && count > ((size_t)1 << 38) / size)
    return 0;
  char *used = fresh; // below it the heap has been used before
  size_t n = (count * size + 7) & -(size_t)8;
  char *p = malloc(n);
  if (!p)
    return 0;
  char *end = p + n;
  if (!nozero) {
    if (block_of(p)->size & MAPPED)
      return p;
    if (end > used)
      end = p < used ? used : p;
  }
  for (uint64_t *word = (uint64_t *)p; (char *)word < end; word++)
    *word = 0;
  return p;
}

void *realloc(void *p, size_t n) {
  if (!p)
    return malloc(n);
  if (n > (size_t)1 << 38)
    return 0;
  struct block *b = block_of(p);
  if (b->size & MAPPED && n + HEADER >= mmap_threshold) {
    size_t old = b->size & ~(size_t)MAPPED, new = pages_for(n + HEADER);
    // mremap: the pages move with their contents, and the area keeps its flags.
    struct block *moved = (struct block *)syscall(216, b, old, new, MREMAP_MAYMOVE);
    if (is_error(moved))
      return 0;
    moved->size = new | MAPPED;
    return (char *)moved + HEADER;
  }
  size_t room = room_of(b);
  if (n <= room)
    return p;
  uint64_t *new = malloc(n), *old = p;
  if (!new)
    return 0;
  for (size_t i = 0; i < room / 8; i++)
    new[i] = old[i];
  free(p);
  return new;
}

int mallopt(int what, long value) {
  switch (what) {
  case M_TRIM_THRESHOLD: trim_threshold = (size_t)value; break;
  case M_TOP_PAD: top_pad = (size_t)value; break;
  case M_MMAP_THRESHOLD: mmap_threshold = (size_t)value; break;
  case M_MMAP_MAX: mmap_max = value; break;
  case M_NOZERO: nozero = value != 0; return 1;
  default: return 0;
  }
  fixed_thresholds = 1; // who sets one of them knows better
  return 1;
}

void heap_environment(char **envp) {
  static const char name[] = "MALLOC_NOZERO=";
  for (; *envp; envp++)
    if (!memcmp(*envp, name, sizeof name - 1))
      mallopt(M_NOZERO, atol(*envp + sizeof name - 1));
}

// A library's: the dynamic linker calls it before main.
__attribute__((constructor)) static void start(int argc, char **argv, char **envp) {
  (void)argc, (void)argv;
  heap_environment(envp);
}
