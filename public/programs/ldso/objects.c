// All the objects of a process: the program, which the kernel has mapped, and
// what it needs, and what that needs, breadth first:
//
//     program --> libA --> libC             search order:
//             --> libB --> libC, libD       program, libA, libB, libC, libD, linker
//
// An object has several names (what it was asked for by, its own DT_SONAME, its
// path), and a file several paths: the file's number decides whether two are one.
//
// In Linux: glibc's elf/dl-deps.c, dl-object.c. Left out: dlopen.
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

struct object *object_at(int index) { return by_index[index]; }

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

struct object *new_object(const char *path) {
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
  const void *headers = (const void *)(base + h->phoff);
  set_headers(&linker_object, headers, h->phnum);
  read_headers(&linker_object);
}

// The kernel has mapped the program. Where: PT_PHDR says where its headers were
// linked to be, AT_PHDR where they are.
void adopt_program(const struct program_header *headers, int count,
                   const char *path) {
  struct object *o = new_object(path);
  for (int i = 0; i < count; i++)
    if (headers[i].type == PT_PHDR)
      o->base = (uint64_t)headers - headers[i].vaddr;
  set_headers(o, headers, count);
  prefetch(o);
  read_headers(o);
  append(o);
}

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
