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
// reading them costs no seek. madvise(MADV_WILLNEED) reads into the page cache
// and does not wait. The call that takes a bitmap is Pagewalk's own (602); a
// kernel without it says ENOSYS, and then the runs go one by one.
#include "ldso.h"

// Where the file's bytes [offset, offset + n) are in memory, or null.
static const uint8_t *file_bytes(const struct object *o, uint64_t offset, uint64_t n) {
  for (int i = 0; i < o->header_count; i++) {
    const struct program_header *p = &o->headers[i];
    if (p->type == PT_LOAD && offset >= p->offset && n <= p->filesz &&
        offset - p->offset <= p->filesz - n)
      return (const uint8_t *)(o->base + p->vaddr + (offset - p->offset));
  }
  return 0;
}

static bool bit(const uint8_t *bits, uint64_t i) { return bits[i / 8] >> i % 8 & 1; }

static void advise_runs(uint64_t start, uint64_t pages, const uint8_t *bits) {
  for (uint64_t i = 0, end; i < pages; i = end + 1) {
    for (end = i; end < pages && bit(bits, end);)
      end++;
    if (end > i)
      syscall3(SYS_madvise, (long)(start + i * PAGE), (long)((end - i) * PAGE), MADV_WILLNEED);
  }
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
    if (pages && (!at_once || is_error(syscall(SYS_madvise_bitmap, (long)start,
                                               (long)(pages * PAGE), (long)bits,
                                               (long)((pages + 7) / 8), 0, 0))))
      advise_runs(start, pages, bits);
  }
}
