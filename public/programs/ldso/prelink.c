// Prelinking, after Jakub Jelinek's prelink (2003): give every library an
// address, relocate once, and keep the relocated words in the files. A start
// that finds everything where it was has nothing to write, so the pages of data
// stay the file's own, shared by all until somebody writes to them for himself.
//
//     LD_PRELINK=FOLDER program    writes FOLDER/program and FOLDER/libX.so,
//                                  relocated for the addresses they have here
//     FOLDER/program               runs without relocation
//
// A copy differs from its file in three places:
//
//     program headers   p_paddr of each PT_LOAD: where it was, and is to be again
//     data              the words, relocated
//     dynamic section   DT_CHECKSUM: a number for this set of files and addresses
//                       DT_PRELINK_REST: which relocations are left to each start
//                       (COPY: its target is in no file; IRELATIVE: the choice is
//                       the machine's), in the room that ld leaves for such tags
//
// At a start the set's number must be the same in all objects, and each must lie
// where its headers say. If one does not (a library was replaced, LD_PRELOAD put
// one between, the kernel chose other addresses), one warning, and everything is
// relocated as ever; only the lazy slots of the PLT are lost, so all functions
// are looked up at once.
//
// The price is in the idea: addresses are the same in every run and for all, and
// each update of a library has to be followed by another prelinking.
//
// Left out: prelink's sharing of one library between programs that resolve its
// symbols differently (conflicts); here each folder is one program's set.
#include "ldso.h"

// Between the program and its heap, far below what mmap gives out.
static uint64_t next_address = 0x1000000000;

bool is_prelink_tag(int64_t tag) {
  return tag == DT_CHECKSUM || tag == DT_PRELINK_REST;
}

// The address for a library of this size, while the set is being made.
uint64_t prelink_address(uint64_t size) {
  uint64_t at = next_address;
  next_address += page_up(size) + PAGE;
  return at;
}

static uint64_t mix(uint64_t h, uint64_t value) {
  for (int i = 0; i < 64; i += 8)
    h = (h ^ (value >> i & 255)) * 0x100000001b3; // FNV-1a
  return h;
}

// The linker is in no folder, but its addresses are in the files' words.
static uint64_t mix_linker(uint64_t h) {
  return mix(mix(h, linker_object.base), unique_id(&linker_object));
}

// --- the check -------------------------------------------------------------

static bool is_where_it_was(const struct object *o) {
  const struct program_header *p = o->headers;
  while (p->type != PT_LOAD)
    p++;
  return p->paddr == o->base + p->vaddr;
}

bool is_prelinked(void) {
  const struct object *program = first_object;
  if (environment.preload) {
    say("ld-pagewalk: the prelinking of %s is not used: LD_PRELOAD\n", program->path);
    return false;
  }
  for (const struct object *o = first_object; o; o = o->next) {
    bool fits = o == &linker_object
                    ? (uint32_t)mix_linker(0) == (uint32_t)(program->checksum >> 32)
                    : o->checksum == program->checksum && is_where_it_was(o);
    if (!fits) {
      say("ld-pagewalk: the prelinking of %s is not used: %s has changed or moved\n",
          program->path, o->path);
      return false;
    }
  }
  return true;
}

// --- the writing -----------------------------------------------------------

// High half: the linker, which is in no folder. Low half: all others.
static uint64_t checksum_of_set(void) {
  uint64_t h = 0;
  for (const struct object *o = first_object; o; o = o->next)
    if (o != &linker_object)
      h = mix(mix(h, unique_id(o)), o->base);
  return mix_linker(0) << 32 | (uint32_t)h | 1;
}

static uint64_t rest_of(const struct object *o) {
  return (uint64_t)o->plt_resolvers << 63 | (uint64_t)o->rest_end << 32 |
         o->rest_first;
}

// Sets a tag in the copy's dynamic section, in place or in the room at its end.
static void set_tag(const struct object *o, struct dynamic *d,
                    const struct dynamic *end, int64_t tag, uint64_t value) {
  while (d < end && d->tag != DT_NULL && d->tag != tag)
    d++;
  if (d + 1 >= end)
    fail("%s cannot be prelinked: its dynamic section has no room", o->path);
  d->tag = tag;
  d->value = value;
}

// Changes a copy of o's file, which is at `file`.
static void relocate_copy(const struct object *o, char *file, uint64_t size,
                          uint64_t checksum) {
  struct program_header *p =
      (struct program_header *)(file + ((struct elf_header *)file)->phoff);
  if ((char *)(p + o->header_count) > file + size)
    fail("%s has become shorter", o->path);
  for (int i = 0; i < o->header_count; i++) {
    if (p[i].type == PT_LOAD) {
      if (p[i].offset > size || p[i].filesz > size - p[i].offset)
        fail("%s has become shorter", o->path);
      p[i].paddr = o->base + p[i].vaddr;
      if (p[i].flags & PF_W)
        memcpy(file + p[i].offset, (const void *)(o->base + p[i].vaddr), p[i].filesz);
    }
  }
  for (int i = 0; i < o->header_count; i++)
    if (p[i].type == PT_DYNAMIC && p[i].offset <= size &&
        p[i].filesz <= size - p[i].offset) {
      struct dynamic *d = (struct dynamic *)(file + p[i].offset);
      const struct dynamic *end = d + p[i].filesz / sizeof *d;
      set_tag(o, d, end, DT_CHECKSUM, checksum);
      set_tag(o, d, end, DT_PRELINK_REST, rest_of(o));
    }
}

static void write_copy(const struct object *o, const char *folder,
                       uint64_t checksum) {
  char path[PATH_SIZE];
  const char *name = after_last_slash(o->path);
  size_t n = strlen(folder);
  if (n + strlen(name) + 2 > sizeof path)
    fail("%s has too long a path", name);
  memcpy(path, folder, n);
  path[n] = '/';
  memcpy(path + n + 1, name, strlen(name) + 1);
  struct stat s;
  long from = open_file(o->path, O_RDONLY | O_CLOEXEC, 0);
  if (is_error(from) || is_error(file_status((int)from, &s)))
    fail("%s cannot be read", o->path);
  int prot = PROT_READ | PROT_WRITE;
  long file = map(0, (size_t)s.size, prot, MAP_PRIVATE, (int)from, 0);
  if (is_error(file))
    fail("%s does not fit into memory", o->path);
  relocate_copy(o, (char *)file, (uint64_t)s.size, checksum);
  write_file(path, (const char *)file, (size_t)s.size, (int)s.mode & 0777);
  close_file((int)from);
  syscall3(SYS_munmap, file, s.size, 0);
}

void write_prelinked(const char *folder) {
  syscall3(SYS_mkdirat, AT_FDCWD, (long)folder, 0755);
  uint64_t checksum = checksum_of_set();
  for (const struct object *o = first_object; o; o = o->next)
    if (o != &linker_object)
      write_copy(o, folder, checksum);
  leave(0);
}
