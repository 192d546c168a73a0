// Prefetching as Ulrich Drepper proposed it (2008): the static linker leaves
// room for a bitmap in the program headers, one bit a page of a segment; a tool
// sets the bits that a start needs; and the dynamic linker asks for those pages
// before they are missed one after the other.
//
//     bitmap   1 1 0 0 0 1 0 1 1        LD_PREFETCH=madvise: three calls,
//              |---|     |   |---|      one a run of pages
//                                       LD_PREFETCH=bitmap: one call with all
//
// The bits lie in the file's first page, beside the headers that name them, so
// reading them costs no seek; and they are read before any page behind them is
// looked at. madvise(MADV_WILLNEED) reads into the page cache and does not wait.
// The call that takes a bitmap is Pagewalk's own (602); a kernel without it says
// ENOSYS, and then the runs go one by one.
#include "ldso.h"

// Where the file's bytes [offset, offset + n) are in memory, or null.
static const uint8_t *file_bytes(const struct object *o, uint64_t offset,
                                 uint64_t n) {
  for (int i = 0; i < o->header_count; i++) {
    const struct program_header *p = &o->headers[i];
    if (p->type == PT_LOAD && offset >= p->offset && n <= p->filesz &&
        offset - p->offset <= p->filesz - n)
      return (const uint8_t *)(o->base + p->vaddr + (offset - p->offset));
  }
  return 0;
}

static bool bit(const uint8_t *bits, uint64_t i) { return bits[i / 8] >> i % 8 & 1; }

// The first page from `i` on whose bit is `wanted`, or `pages`.
static uint64_t next(const uint8_t *bits, uint64_t i, uint64_t pages, bool wanted) {
  while (i < pages && bit(bits, i) != wanted)
    i++;
  return i;
}

static void advise_runs(uint64_t start, uint64_t pages, const uint8_t *bits) {
  uint64_t from = next(bits, 0, pages, true);
  while (from < pages) {
    uint64_t end = next(bits, from, pages, false);
    syscall3(SYS_madvise, (long)(start + from * PAGE), (long)((end - from) * PAGE),
             MADV_WILLNEED);
    from = next(bits, end, pages, true);
  }
}

static bool advise_at_once(uint64_t start, uint64_t pages, const uint8_t *bits) {
  long size = (long)(pages * PAGE), bytes = (long)((pages + 7) / 8);
  return !is_error(
      syscall(SYS_madvise_bitmap, (long)start, size, (long)bits, bytes, 0, 0));
}

// Drops what of the bitmap lies past the object: a bit may not name a stranger.
static uint64_t pages_within(const struct object *o, uint64_t start, uint64_t pages) {
  if (start < o->start || start >= o->end)
    return 0;
  uint64_t most = (o->end - start) / PAGE;
  return pages < most ? pages : most;
}

void prefetch(const struct object *o) {
  if (!environment.prefetch)
    return;
  bool at_once = same(environment.prefetch, "bitmap");
  if (!at_once && !same(environment.prefetch, "madvise"))
    return;
  for (int i = 0; i < o->header_count; i++) {
    const struct program_header *p = &o->headers[i];
    if (p->type != PT_PAGE_BITMAP)
      continue;
    const uint8_t *bits = file_bytes(o, p->offset, p->filesz);
    uint64_t start = page_down(o->base + p->vaddr);
    uint64_t pages = bits ? pages_within(o, start, 8 * p->filesz) : 0;
    if (next(bits, 0, pages, true) == pages)
      continue; // nothing is wanted of this segment
    if (!at_once || !advise_at_once(start, pages, bits))
      advise_runs(start, pages, bits);
  }
}
