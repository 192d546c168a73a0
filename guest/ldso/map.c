// From an open file to memory.
//
//     file     | headers, text | data |          page 0 is the ELF header
//                  |              |
//                  v  MAP_PRIVATE v
//     memory   | r-x           | rw-  | bss |    at `base`, one distance for all
//
// The whole span is reserved first, so that the parts keep their distances;
// then each PT_LOAD replaces its part. A shared page is the page cache's own
// frame; a page of data becomes private at the first write, which is mostly a
// relocation.
//
// In Linux: glibc's elf/dl-load.c, dl-map-segments.h.
// Left out: alignment above a page; executable stacks.
#include "ldso.h"

static int protection(uint32_t flags) {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
         (flags & PF_X ? PROT_EXEC : 0);
}

static void map_segment(const struct object *o, const struct program_header *p,
                        int fd) {
  uint64_t start = page_down(o->base + p->vaddr);
  uint64_t file_end = o->base + p->vaddr + p->filesz;
  uint64_t memory_end = o->base + p->vaddr + p->memsz;
  uint64_t zero = p->filesz ? page_up(file_end) : start; // no file from here on
  int prot = protection(p->flags);
  int flags = MAP_PRIVATE | MAP_FIXED;
  if (p->filesz &&
      is_error(map(start, zero - start, prot, flags, fd, page_down(p->offset))))
    fail("%s cannot be mapped", o->path);
  // .bss begins in the last page of the file.
  if (p->filesz && memory_end > file_end && p->flags & PF_W)
    memset((void *)file_end, 0, (memory_end < zero ? memory_end : zero) - file_end);
  if (page_up(memory_end) > zero &&
      is_error(protect(zero, page_up(memory_end) - zero, prot)))
    fail("%s cannot be mapped", o->path);
}

// Are the PT_LOADs in order, without overlap, and of a sane size?
static bool loads_are_sane(const struct program_header *p, int n, uint64_t *low,
                           uint64_t *high) {
  *low = -1UL, *high = 0;
  for (int i = 0; i < n; i++) {
    if (p[i].type != PT_LOAD)
      continue;
    if (p[i].memsz < p[i].filesz || p[i].vaddr >> 38 || p[i].memsz >> 38 ||
        (p[i].vaddr - p[i].offset) % PAGE || page_down(p[i].vaddr) < *high)
      return false;
    if (*low == -1UL)
      *low = page_down(p[i].vaddr);
    *high = page_up(p[i].vaddr + p[i].memsz);
  }
  return *high > *low;
}

// The address a prelinked file wants; an ordinary one leaves the choice to the
// kernel. p_paddr, of no other use under Linux, holds it: see prelink.c.
static uint64_t wanted_address(const struct program_header *p, uint64_t size) {
  if (environment.prelink)
    return prelink_address(size);
  while (p->type != PT_LOAD)
    p++;
  return p->paddr == p->vaddr ? 0 : page_down(p->paddr); // a hint, no more
}

// "\177ELF", for 64 bits, for this machine, and for any address.
static bool is_library(const struct elf_header *h) {
  return *(const uint32_t *)h->ident == 0x464c457f && h->ident[4] == 2 &&
         h->machine == EM_RISCV && h->type == ET_DYN;
}

struct object *map_library(int fd, const char *path) {
  struct {
    struct elf_header header;
    struct program_header table[MAX_HEADERS];
  } head;
  long n = read_at(fd, &head, sizeof head, 0);
  const struct elf_header *h = &head.header;
  if (n < (long)sizeof *h || !is_library(h))
    fail("%s is not a library for this machine", path);
  if (h->phentsize != sizeof *head.table || h->phnum > MAX_HEADERS)
    fail("%s has program headers of an unknown size or number", path);
  long size = h->phnum * (long)sizeof *head.table;
  if (h->phoff != sizeof *h || n < (long)sizeof *h + size)
    if (read_at(fd, head.table, (size_t)size, h->phoff) != size)
      fail("%s is shorter than its program headers say", path);
  uint64_t low, high;
  if (!loads_are_sane(head.table, h->phnum, &low, &high))
    fail("%s is damaged: its segments are in disorder", path);
  struct object *o = new_object(path);
  uint64_t wanted = wanted_address(head.table, high - low);
  long at = map(wanted, high - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(at))
    fail("%s does not fit into memory", path);
  if (environment.prelink && (uint64_t)at != wanted)
    fail("%s cannot be prelinked: its address is taken", path);
  o->base = (uint64_t)at - low;
  for (int i = 0; i < h->phnum; i++)
    if (head.table[i].type == PT_LOAD)
      map_segment(o, &head.table[i], fd);
  // From here on the headers are read where they are mapped.
  o->start = (uint64_t)at, o->end = (uint64_t)at + (high - low);
  const void *headers =
      in_object(o, low + h->phoff, (uint64_t)size, "program headers");
  set_headers(o, headers, h->phnum);
  prefetch(o);
  read_headers(o);
  map_fixups(o, fd);
  return o;
}
