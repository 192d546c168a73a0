// What an object says of itself: program headers, dynamic section, symbol table.
//
//     program headers --> PT_DYNAMIC --> DT_STRTAB, DT_STRSZ    names
//                     --> PT_TLS         DT_SYMTAB              symbols
//                     --> PT_GNU_RELRO   DT_GNU_HASH            from name to symbol
//                     --> PT_NOTE        DT_RELA, DT_RELASZ     what to relocate
//                                        DT_JMPREL, DT_PLTRELSZ the same, lazily
//                                        DT_INIT_ARRAY ...      constructors
//
// Nothing in a file is believed: every address in it is checked against the
// memory it was mapped to, once, here; and lists are followed forward only. A
// damaged library ends the program with one sentence; it does not lead the
// linker about for ever.
//
// In Linux: glibc's elf/dynamic-link.h, get-dynamic-info.h.
#include "ldso.h"

void *in_object(const struct object *o, uint64_t address, uint64_t size,
                const char *what) {
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

// What a note of that owner and type says, and how many bytes, or null.
const void *find_note(const struct object *o, const struct program_header *p,
                      const char *owner, uint32_t type, uint32_t *size) {
  const char *at = in_object(o, p->vaddr, p->filesz, "notes"), *end = at + p->filesz;
  while ((uint64_t)(end - at) >= sizeof(struct note)) {
    const struct note *n = (const struct note *)at;
    uint64_t name = (n->namesz + 3ul) & -4ul, desc = (n->descsz + 3ul) & -4ul;
    at += sizeof *n;
    if ((uint64_t)(end - at) < name + desc)
      break;
    *size = n->descsz;
    if (n->type == type && n->namesz == strlen(owner) + 1 && same(at, owner))
      return at + name;
    at += name + desc;
  }
  return 0;
}

static void read_gnu_hash(struct object *o, uint64_t address) {
  const uint32_t *h = in_object(o, address, 16, "hash table");
  uint32_t buckets = h[0], words = h[2];
  uint64_t size = 16 + 8 * (uint64_t)words + 4 * (uint64_t)buckets;
  in_object(o, address, size, "hash table");
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

// A table whose size is another entry's: its address to `*table`, a pointer to
// entries of `each` bytes, and their number to `count`.
static void read_table(const struct object *o, const uint64_t *v, int at, int size,
                       void *table, uint64_t *count, size_t each) {
  if (!v[size])
    return;
  *(void **)table = in_object(o, v[at], v[size], "table");
  *count = v[size] / each;
}

static void read_tables(struct object *o, const uint64_t *v) {
  o->strings = in_object(o, v[DT_STRTAB], v[DT_STRSZ], "string table");
  o->strings_size = v[DT_STRSZ];
  if (!o->strings_size || o->strings[o->strings_size - 1])
    fail("%s is damaged: its string table does not end", o->path);
  if (v[DT_SYMTAB])
    o->symbols = in_object(o, v[DT_SYMTAB], sizeof *o->symbols, "symbol table");
  read_table(o, v, DT_RELA, DT_RELASZ, &o->rela, &o->rela_count, sizeof *o->rela);
  read_table(o, v, DT_JMPREL, DT_PLTRELSZ, &o->jmprel, &o->jmprel_count,
             sizeof *o->jmprel);
  read_table(o, v, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, &o->preinit_array,
             &o->preinit_count, 8);
  read_table(o, v, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, &o->init_array, &o->init_count, 8);
  read_table(o, v, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, &o->fini_array, &o->fini_count, 8);
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

// Notes where the headers are, and the memory they cover; `base` is known.
void set_headers(struct object *o, const struct program_header *p, int n) {
  uint64_t low = -1UL, high = 0;
  for (int i = 0; i < n; i++)
    if (p[i].type == PT_LOAD) {
      low = p[i].vaddr < low ? p[i].vaddr : low;
      high = p[i].vaddr + p[i].memsz > high ? p[i].vaddr + p[i].memsz : high;
    }
  o->headers = p;
  o->header_count = n;
  o->start = page_down(o->base + low);
  o->end = page_up(o->base + high);
}

// Follows the headers to all else: the first look at the object's own pages.
void read_headers(struct object *o) {
  const struct program_header *p = o->headers;
  int n = o->header_count;
  for (int i = 0; i < n; i++)
    switch (p[i].type) {
    case PT_DYNAMIC:
      o->dynamic = in_object(o, p[i].vaddr, p[i].memsz, "dynamic section");
      o->dynamic_size = p[i].memsz;
      break;
    case PT_NOTE:
      read_fixups(o, &p[i]);
      break;
    case PT_GNU_RELRO:
      o->relro = (uint64_t)in_object(o, p[i].vaddr, p[i].memsz, "read-only data");
      o->relro_size = p[i].memsz;
      break;
    case PT_TLS:
      o->tls_image = (uint64_t)in_object(o, p[i].vaddr, p[i].filesz, "TLS image");
      o->tls_filesz = p[i].filesz;
      o->tls_memsz = p[i].memsz;
      o->tls_align = p[i].align ? p[i].align : 1;
      if (p[i].filesz > p[i].memsz || o->tls_align & (o->tls_align - 1))
        fail("%s is damaged: its TLS image has no size", o->path);
      break;
    }
  if (!o->dynamic)
    fail("%s has no dynamic section", o->path);
  read_dynamic(o);
}
