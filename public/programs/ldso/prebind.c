// Prebinding, after Matthew Dodd (DragonFly, 2003): remember what every symbol
// was found to be, and where nothing has changed do not look it up again.
//
//     LD_PREBIND_REGISTER=1 program      writes /var/db/prebind/ID.program
//     program                            uses it, if every object is the same
//
//     header   version, ID of the program, numbers of objects and groups, name
//     objects  ID and path, in search order
//     groups   (object, kind, number of entries), then the entries:
//              (r_info, r_offset, number of the defining object, st_value, st_size)
//
// What is saved is the search. Every word is written in every start as before,
// so as many pages become private; RELATIVE, which has no symbol, is not in the
// file; and all functions are bound, used or not. Hence the modest gain.
//
// The file says where calls go, so it is believed only if root wrote it and
// nobody else can. It is stale if an object's path or ID differs, or their
// number: one warning, and everything is looked up.
//
// ID: a 32-bit FNV-1a hash of the file's build id, if the static linker left
// one; if not, of its dynamic section and symbol table, which hold all that the
// entries were made from. (DragonFly's linker wrote a number at link time.)
#include "ldso.h"

static const char folder[] = "/var/db/prebind";
static const char *const folders[] = {"/var", "/var/db", folder};

enum { VERSION = 2003052500, NON_PLT = 0, PLT = 1, COPY = 2, KINDS = 3 };
enum { NOBODY = 0xffff, FUNCTION_CHOICE = 0x10000, ABSOLUTE = 0x20000 };

struct header {
  uint32_t version, id, object_count, group_count;
  char name[48];
};
struct saved_object {
  uint32_t id;
  char path[252];
};
struct group {
  uint32_t object, kind, count, unused;
};
struct entry {
  uint32_t type, symbol; // r_info
  uint64_t offset;
  uint32_t definer, unused; // its index, and how to read the value
  uint64_t value, size;     // value: st_value + r_addend
};

static struct {
  const struct group *groups;
  uint32_t count;
} found; // by find_prebinding, for this start

// --- identity --------------------------------------------------------------

enum { FNV_START = 0x811c9dc5, FNV_PRIME = 0x01000193 };

static uint32_t mix(uint32_t h, const void *p, uint64_t n) {
  const uint8_t *bytes = p;
  while (n--)
    h = (h ^ *bytes++) * FNV_PRIME;
  return h;
}

// By words, for tables: four bytes a step.
static uint32_t mix_words(uint32_t h, const void *p, uint64_t n) {
  const uint32_t *words = p;
  for (n /= 4; n--;)
    h = (h ^ *words++) * FNV_PRIME;
  return h;
}

// The build id's hash, or 0.
static uint32_t hash_of_build_id(const struct object *o,
                                 const struct program_header *p) {
  uint32_t size;
  const void *id = find_note(o, p, "GNU", NT_GNU_BUILD_ID, &size);
  return id ? mix(FNV_START, id, size) : 0;
}

uint32_t unique_id(const struct object *o) {
  uint32_t h = 0;
  for (int i = 0; i < o->header_count && !h; i++)
    if (o->headers[i].type == PT_NOTE)
      h = hash_of_build_id(o, &o->headers[i]);
  if (h)
    return h;
  h = FNV_START;
  const struct dynamic *end = o->dynamic + o->dynamic_size / sizeof *end;
  for (const struct dynamic *d = o->dynamic; d < end && d->tag != DT_NULL; d++)
    if (!is_prelink_tag(d->tag) && d->tag != DT_DEBUG)
      h = mix_words(h, d, sizeof *d);
  if (o->symbols && (const char *)o->symbols < o->strings)
    h = mix_words(h, o->symbols, (uint64_t)(o->strings - (const char *)o->symbols));
  return h;
}

// --- writing ---------------------------------------------------------------

// folder/ID.name; `path` has PATH_SIZE bytes.
static void cache_path(char *path, uint32_t id, const char *name) {
  char *at = path + sizeof folder - 1;
  memcpy(path, folder, sizeof folder - 1);
  *at++ = '/';
  for (int shift = 28; shift >= 0; shift -= 4)
    *at++ = "0123456789abcdef"[id >> shift & 15];
  *at++ = '.';
  memcpy(at, name, strlen(name) + 1);
}

static uint32_t kind_of(const struct rela *r, bool in_plt) {
  return r->type == R_RISCV_COPY ? COPY : in_plt ? PLT : NON_PLT;
}

static void add_entry(struct entry *e, const struct object *o, const struct rela *r) {
  struct definition d = {.object = o, .is_absolute = r->type == R_RISCV_64};
  if (r->symbol)
    d = find_definition(o, r->symbol, lookup_for(r->type));
  if (d.is_function_choice && r->addend)
    fail("%s cannot be prebound: it adds to a chosen function", o->path);
  e->type = r->type, e->symbol = r->symbol, e->offset = r->offset;
  e->definer = d.object ? (uint32_t)d.object->index : NOBODY;
  e->definer |= d.is_function_choice ? FUNCTION_CHOICE : 0;
  e->definer |= d.is_absolute ? ABSOLUTE : 0;
  e->value = d.value + (uint64_t)r->addend, e->size = d.size;
}

// Writes the entries of one kind of one object, their group first, and returns
// the place after them. Nothing is written for none.
static char *add_group(char *at, const struct object *o, uint32_t kind) {
  struct group *g = (struct group *)at;
  struct entry *e = (struct entry *)(g + 1);
  const struct rela *const tables[] = {o->rela, o->jmprel};
  const uint64_t counts[] = {o->rela_count, o->jmprel_count};
  for (int t = 0; t < 2; t++)
    for (const struct rela *r = tables[t]; r < tables[t] + counts[t]; r++) {
      bool in_plt = r >= o->jmprel && r < o->jmprel + o->jmprel_count;
      if (needs_symbol(r->type) && in_plt == (t == 1) && kind_of(r, in_plt) == kind)
        add_entry(e++, o, r);
    }
  uint32_t count = (uint32_t)(e - (struct entry *)(g + 1));
  *g = (struct group){(uint32_t)o->index, kind, count, 0};
  return count ? (char *)e : at;
}

void register_prebinding(void) {
  const char *name = after_last_slash(first_object->path);
  uint64_t size = sizeof(struct header);
  for (struct object *o = first_object; o; o = o->next)
    size += sizeof(struct saved_object) + KINDS * sizeof(struct group) +
            (o->rela_count + o->jmprel_count) * sizeof(struct entry);
  int prot = PROT_READ | PROT_WRITE;
  long area = map(0, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(area) || strlen(name) >= sizeof((struct header *)0)->name)
    fail("%s cannot be prebound: not enough memory, or its name is too long", name);
  struct header *h = (struct header *)area;
  h->version = VERSION;
  h->id = unique_id(first_object);
  memcpy(h->name, name, strlen(name) + 1);
  struct saved_object *s = (struct saved_object *)(h + 1);
  for (struct object *o = first_object; o; o = o->next, s++) {
    if (strlen(o->path) >= sizeof s->path)
      fail("%s cannot be prebound: the path %s is too long", name, o->path);
    s->id = unique_id(o);
    memcpy(s->path, o->path, strlen(o->path) + 1);
    h->object_count++;
  }
  char *at = (char *)s;
  for (uint32_t kind = 0; kind < KINDS; kind++)
    for (struct object *o = first_object; o; o = o->next) {
      char *after = o == &linker_object ? at : add_group(at, o, kind);
      h->group_count += after != at;
      at = after;
    }
  for (int i = 0; i < 3; i++)
    syscall3(SYS_mkdirat, AT_FDCWD, (long)folders[i], 0755);
  char path[PATH_SIZE];
  cache_path(path, h->id, name);
  write_file(path, (const char *)h, (size_t)(at - (char *)h), 0644);
  leave(0);
}

// --- reading ---------------------------------------------------------------

static bool stale(const char *why, const char *what) {
  say("ld-pagewalk: the prebinding of %s is not used: %s%s\n", first_object->path,
      what, why);
  return false;
}

// Is every object what and where it was?
static bool objects_agree(const struct header *h, const struct saved_object *s) {
  if (h->object_count != (uint32_t)last_object->index + 1)
    return stale("the number of libraries has changed", "");
  for (const struct object *o = first_object; o; o = o->next, s++)
    if (s->path[sizeof s->path - 1] || !same(s->path, o->path) ||
        s->id != unique_id(o))
      return stale(" has changed", o->path);
  return true;
}

// Do the groups fill the file exactly?
static bool groups_fit(const char *at, const char *end, uint32_t count) {
  for (; count; count--) {
    const struct group *g = (const struct group *)at;
    if ((uint64_t)(end - at) < sizeof *g ||
        (uint64_t)(end - at) - sizeof *g < g->count * sizeof(struct entry) ||
        g->object > (uint32_t)last_object->index)
      return false;
    at += sizeof *g + g->count * sizeof(struct entry);
  }
  return at == end;
}

static bool is_valid(const struct header *h, const struct stat *s, uint32_t id) {
  if (s->uid || s->gid || s->mode & 022)
    return stale("others than root could have written it", "");
  const struct saved_object *objects = (const struct saved_object *)(h + 1);
  uint64_t before_groups = sizeof *h + h->object_count * sizeof *objects;
  if ((uint64_t)s->size < sizeof *h || h->version != VERSION || h->id != id ||
      (uint64_t)s->size < before_groups)
    return stale("it is of another version", "");
  if (!objects_agree(h, objects))
    return false;
  const char *groups = (const char *)h + before_groups;
  const char *end = (const char *)h + s->size;
  if (!groups_fit(groups, end, h->group_count))
    return stale("it is damaged", "");
  found.groups = (const struct group *)groups;
  found.count = h->group_count;
  return true;
}

bool find_prebinding(void) {
  // Nobody prebinds here: do not even compute the name.
  if (is_error(syscall3(SYS_faccessat, AT_FDCWD, (long)folder, 0)))
    return false;
  const char *name = after_last_slash(first_object->path);
  uint32_t id = unique_id(first_object);
  char path[PATH_SIZE];
  if (strlen(name) >= sizeof((struct header *)0)->name)
    return false;
  cache_path(path, id, name);
  long fd = open_file(path, O_RDONLY | O_CLOEXEC, 0);
  if (is_error(fd))
    return false;
  struct stat s;
  bool valid = false;
  if (!is_error(file_status((int)fd, &s)) && s.size > 0) {
    long at = map(0, (size_t)s.size, PROT_READ, MAP_PRIVATE, (int)fd, 0);
    valid = !is_error(at) && is_valid((const struct header *)at, &s, id);
  }
  close_file((int)fd);
  return valid;
}

void use_prebinding(bool copies) {
  const struct group *g = found.groups;
  for (uint32_t n = 0; n < found.count; n++) {
    const struct entry *e = (const struct entry *)(g + 1), *end = e + g->count;
    const struct object *o = object_at((int)g->object);
    bool now = (g->kind == COPY) == copies; // the others have their own turn
    for (; now && e < end; e++) {
      struct rela r = {e->offset, e->type, e->symbol, 0};
      uint32_t definer = e->definer & NOBODY;
      struct definition d = {
          .object = definer < MAX_OBJECTS ? object_at((int)definer) : 0,
          .value = e->value,
          .size = e->size,
          .is_function_choice = e->definer & FUNCTION_CHOICE,
          .is_absolute = e->definer & ABSOLUTE,
      };
      apply(o, &r, &d);
      statistics.cached++;
    }
    g = (const struct group *)end;
  }
}
