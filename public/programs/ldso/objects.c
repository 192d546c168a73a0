// From an open file to an object in memory.
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
// Nothing in a file is believed: every address in it is checked against the
// span once, here, and lists are followed forward only. A damaged library ends
// the program with one sentence; it does not lead the linker about for ever.
//
// In Linux: glibc's elf/dl-load.c and dl-map-segments.h.
// Left out: dlopen; alignment above a page; executable stacks.
#include "ldso.h"

struct object *first_object, *last_object, linker_object;

static struct object pool[MAX_OBJECTS], *by_index[MAX_OBJECTS];
static int pool_used, edges_used;
static struct object *edges[8 * MAX_OBJECTS];
static char kept[16 * 1024];
static size_t kept_used;

// For what must outlive the stack it was found on.
const char *keep_string(const char *s) {
  size_t n = strlen(s) + 1;
  if (kept_used + n > sizeof kept)
    fail("the libraries' paths take more than %d bytes", sizeof kept);
  char *copy = memcpy(kept + kept_used, s, n);
  kept_used += n;
  return copy;
}

void *in_object(const struct object *o, uint64_t address, uint64_t size, const char *what) {
  uint64_t at = o->base + address;
  if (at < o->start || at > o->end || size > o->end - at)
    fail("%s is damaged: its %s lies outside it", o->path, what);
  return (void *)at;
}

const char *string_in(const struct object *o, uint64_t offset) {
  if (offset >= o->strings_size)
    fail("%s is damaged: a name lies outside its names", o->path);
  return o->strings + offset;
}

struct object *object_at(int index) { return by_index[index]; }

// --- the dynamic section ---------------------------------------------------

static void read_gnu_hash(struct object *o, uint64_t address) {
  const uint32_t *h = in_object(o, address, 16, "hash table");
  uint32_t buckets = h[0], words = h[2];
  in_object(o, address, 16 + 8 * (uint64_t)words + 4 * (uint64_t)buckets, "hash table");
  if (!words || words & (words - 1) || h[3] > 63)
    fail("%s is damaged: its hash table has no filter", o->path);
  o->hash.bucket_count = buckets;
  o->hash.first = h[1];
  o->hash.bloom_mask = words - 1;
  o->hash.shift = h[3];
  o->hash.bloom = (const uint64_t *)(h + 4);
  o->hash.buckets = h + 4 + 2 * words;
  o->hash.chain = o->hash.buckets + buckets;
  o->hash.end = (const uint32_t *)(o->end & -4UL);
}

static void read_flags(struct object *o, const struct dynamic *d) {
  if ((d->tag == DT_FLAGS && d->value & DF_BIND_NOW) ||
      (d->tag == DT_FLAGS_1 && d->value & DF_1_NOW) || d->tag == DT_BIND_NOW)
    o->bind_now = true;
  if (d->tag == DT_SYMBOLIC || (d->tag == DT_FLAGS && d->value & DF_SYMBOLIC))
    o->symbolic = true;
}

// The tables whose size is another entry's.
static void read_tables(struct object *o, const uint64_t *v) {
  o->strings = in_object(o, v[DT_STRTAB], v[DT_STRSZ], "string table");
  o->strings_size = v[DT_STRSZ];
  if (!o->strings_size || o->strings[o->strings_size - 1])
    fail("%s is damaged: its string table does not end", o->path);
  if (v[DT_SYMTAB])
    o->symbols = in_object(o, v[DT_SYMTAB], sizeof *o->symbols, "symbol table");
  struct {
    int at, size;
    const void **table;
    uint64_t *count;
    size_t each;
  } tables[] = {
      {DT_RELA, DT_RELASZ, (const void **)&o->rela, &o->rela_count, sizeof *o->rela},
      {DT_JMPREL, DT_PLTRELSZ, (const void **)&o->jmprel, &o->jmprel_count, sizeof *o->rela},
      {DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, (const void **)&o->preinit_array,
       &o->preinit_count, 8},
      {DT_INIT_ARRAY, DT_INIT_ARRAYSZ, (const void **)&o->init_array, &o->init_count, 8},
      {DT_FINI_ARRAY, DT_FINI_ARRAYSZ, (const void **)&o->fini_array, &o->fini_count, 8},
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (v[tables[i].size]) {
      *tables[i].table = in_object(o, v[tables[i].at], v[tables[i].size], "table");
      *tables[i].count = v[tables[i].size] / tables[i].each;
    }
  if (v[DT_PLTGOT])
    o->got = in_object(o, v[DT_PLTGOT], 16, "table of functions");
  o->init = v[DT_INIT] ? o->base + v[DT_INIT] : 0;
  o->fini = v[DT_FINI] ? o->base + v[DT_FINI] : 0;
}

static void read_dynamic(struct object *o) {
  uint64_t v[DT_PREINIT_ARRAYSZ + 1], soname = 0, runpath = 0;
  memset(v, 0, sizeof v);
  const struct dynamic *end = o->dynamic + o->dynamic_size / sizeof *end;
  for (const struct dynamic *d = o->dynamic; d < end && d->tag != DT_NULL; d++) {
    read_flags(o, d);
    if (d->tag > 0 && d->tag <= DT_PREINIT_ARRAYSZ)
      v[d->tag] = d->value;
    switch (d->tag) {
    case DT_SONAME:
      soname = d->value;
      break;
    case DT_RUNPATH:
      runpath = d->value;
      break;
    case DT_GNU_HASH:
      read_gnu_hash(o, d->value);
      break;
    case DT_VERSYM:
      o->versym = in_object(o, d->value, 2, "version table");
      break;
    case DT_VERNEED:
      o->verneed = in_object(o, d->value, sizeof(struct verneed), "version list");
      break;
    case DT_VERDEF:
      o->verdef = in_object(o, d->value, sizeof(struct verdef), "version list");
      break;
    case DT_RELACOUNT:
      o->relative_count = d->value;
      break;
    case DT_CHECKSUM:
      o->checksum = d->value;
      break;
    case DT_PRELINK_REST:
      o->rest_first = (uint32_t)d->value & 0x7fffffff;
      o->rest_end = d->value >> 32 & 0x7fffffff;
      o->plt_resolvers = d->value >> 63;
      break;
    }
  }
  read_tables(o, v);
  if (o->relative_count > o->rela_count)
    o->relative_count = o->rela_count;
  if (o->rest_end > o->rela_count)
    fail("%s is damaged: it has fewer relocations than prelinking left", o->path);
  o->soname = soname ? string_in(o, soname) : 0;
  o->runpath = runpath ? string_in(o, runpath) : 0;
}

// --- the program headers ---------------------------------------------------

// Finds the span and what else the headers name; `base` is known.
static void read_headers(struct object *o, const struct program_header *p, int n) {
  uint64_t low = -1UL, high = 0;
  o->headers = p;
  o->header_count = n;
  for (int i = 0; i < n; i++)
    if (p[i].type == PT_LOAD) {
      low = p[i].vaddr < low ? p[i].vaddr : low;
      high = p[i].vaddr + p[i].memsz > high ? p[i].vaddr + p[i].memsz : high;
    }
  o->start = page_down(o->base + low);
  o->end = page_up(o->base + high);
  for (int i = 0; i < n; i++)
    switch (p[i].type) {
    case PT_DYNAMIC:
      o->dynamic = in_object(o, p[i].vaddr, p[i].memsz, "dynamic section");
      o->dynamic_size = p[i].memsz;
      break;
    case PT_GNU_RELRO:
      o->relro = (uint64_t)in_object(o, p[i].vaddr, p[i].memsz, "read-only data");
      o->relro_size = p[i].memsz;
      break;
    case PT_TLS:
      o->tls_image = (uint64_t)in_object(o, p[i].vaddr, p[i].filesz, "thread-local data");
      o->tls_filesz = p[i].filesz;
      o->tls_memsz = p[i].memsz;
      o->tls_align = p[i].align ? p[i].align : 1;
      if (p[i].filesz > p[i].memsz || o->tls_align & (o->tls_align - 1))
        fail("%s is damaged: its thread-local data have no size", o->path);
      break;
    }
  if (!o->dynamic)
    fail("%s has no dynamic section", o->path);
  read_dynamic(o);
}

static void append(struct object *o) {
  o->index = last_object ? last_object->index + 1 : 0;
  if (last_object)
    last_object->next = o;
  else
    first_object = o;
  last_object = o;
  by_index[o->index] = o;
  statistics.objects++;
}

static struct object *new_object(const char *path) {
  if (pool_used == MAX_OBJECTS - 1) // one place is the linker's
    fail("more than %d libraries are needed", (long)MAX_OBJECTS);
  struct object *o = &pool[pool_used++];
  o->path = path;
  return o;
}

void adopt_linker(uint64_t base) {
  const struct elf_header *h = (const struct elf_header *)base;
  linker_object.path = "the dynamic linker";
  linker_object.base = base;
  read_headers(&linker_object, (const struct program_header *)(base + h->phoff), h->phnum);
}

// The kernel has mapped the program. Where: PT_PHDR says where its headers were
// linked to be, AT_PHDR where they are.
void adopt_program(const struct program_header *headers, int count, const char *path) {
  struct object *o = new_object(path);
  for (int i = 0; i < count; i++)
    if (headers[i].type == PT_PHDR)
      o->base = (uint64_t)headers - headers[i].vaddr;
  read_headers(o, headers, count);
  append(o);
}

// --- mapping a library -----------------------------------------------------

static int protection(uint32_t flags) {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
         (flags & PF_X ? PROT_EXEC : 0);
}

static void map_segment(const struct object *o, const struct program_header *p, int fd) {
  uint64_t start = page_down(o->base + p->vaddr), file_end = o->base + p->vaddr + p->filesz;
  uint64_t end = page_up(o->base + p->vaddr + p->memsz);
  int prot = protection(p->flags);
  if (p->filesz && is_error(map(start, page_up(file_end) - start, prot,
                                MAP_PRIVATE | MAP_FIXED, fd, page_down(p->offset))))
    fail("%s cannot be mapped", o->path);
  uint64_t zero = p->filesz ? page_up(file_end) : start;
  if (p->memsz > p->filesz && p->filesz && p->flags & PF_W) // .bss begins in the last page
    memset((void *)file_end, 0,
           (zero < o->base + p->vaddr + p->memsz ? zero : o->base + p->vaddr + p->memsz) -
               file_end);
  if (end > zero && is_error(protect(zero, end - zero, prot)))
    fail("%s cannot be mapped", o->path);
}

// Are the PT_LOADs in order, without overlap, and of a sane size?
static bool loads_are_sane(const struct program_header *p, int n, uint64_t *low, uint64_t *high) {
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

static struct object *map_library(int fd, const char *path) {
  struct {
    struct elf_header header;
    struct program_header table[MAX_HEADERS];
  } head;
  long n = read_at(fd, &head, sizeof head, 0);
  const struct elf_header *h = &head.header;
  if (n < (long)sizeof *h || *(const uint32_t *)h->ident != 0x464c457f || h->ident[4] != 2 ||
      h->machine != EM_RISCV || h->type != ET_DYN)
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
  read_headers(o, in_object(o, low + h->phoff, (uint64_t)size, "program headers"), h->phnum);
  return o;
}

// --- all of them -----------------------------------------------------------

static bool is_called(const struct object *o, const char *name) {
  return (o->soname && same(o->soname, name)) || same(o->path, name);
}

// Programs built for glibc name its linker, for what every linker defines.
static bool names_the_linker(const char *name) {
  return same(name, "ld-linux-riscv64-lp64d.so.1") || is_called(&linker_object, name);
}

static bool is_in_order(const struct object *wanted) {
  for (const struct object *o = first_object; o; o = o->next)
    if (o == wanted)
      return true;
  return false;
}

static struct object *find_or_load(const char *name, const struct object *wanter) {
  for (struct object *o = first_object; o; o = o->next)
    if (is_called(o, name))
      return o;
  if (names_the_linker(name)) {
    if (!is_in_order(&linker_object))
      append(&linker_object);
    return &linker_object;
  }
  char path[PATH_SIZE];
  struct stat s;
  int fd = open_library(name, wanter, path);
  if (is_error(file_status(fd, &s)))
    fail("%s has no status", path);
  struct object *o = first_object;
  while (o && (o->dev != s.dev || o->ino != s.ino || !o->ino))
    o = o->next; // another name of one that is here?
  if (!o) {
    o = map_library(fd, keep_string(path));
    o->dev = s.dev, o->ino = s.ino;
    append(o);
    prefetch(o);
  }
  close_file(fd);
  return o;
}

// LD_PRELOAD: names between spaces or colons.
static void load_preloaded(void) {
  for (const char *at = environment.preload; at && *at;) {
    char name[PATH_SIZE];
    size_t n = 0;
    for (; *at && *at != ' ' && *at != ':' && n < sizeof name - 1; at++)
      name[n++] = *at;
    name[n] = 0;
    if (n)
      find_or_load(name, first_object);
    while (*at == ' ' || *at == ':')
      at++;
  }
}

void load_all(void) {
  load_preloaded();
  // Breadth first: what an object needs goes to the end of the list, whose
  // front we are walking along.
  for (struct object *o = first_object; o; o = o->next) {
    o->needs = edges + edges_used;
    const struct dynamic *end = o->dynamic + o->dynamic_size / sizeof *end;
    for (const struct dynamic *d = o->dynamic; d < end && d->tag != DT_NULL; d++)
      if (d->tag == DT_NEEDED) {
        if (edges_used == sizeof edges / sizeof *edges)
          fail("%s needs too many libraries", o->path);
        edges[edges_used++] = find_or_load(string_in(o, d->value), o);
        o->need_count++;
      }
  }
  if (!is_in_order(&linker_object))
    append(&linker_object); // its definitions count when nobody else has any
}
