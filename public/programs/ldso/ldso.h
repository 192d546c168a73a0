// The dynamic linker's one header: what an object is, and what each file does.
//
//   start.S, main.c   from the kernel's entry to the program's
//   environment.c     what the user asks for by LD_* variables
//   search.c          from a library's name to an open file
//   map.c             from an open file to memory
//   dynamic.c         what is in there, and where
//   objects.c         all objects of the process, in search order
//   symbols.c         from a name to a definition, by hash table
//   versions.c        which of several definitions of one name
//   relocate.c        from definitions to words in data
//   plt.c, plt.S      functions' addresses, at their first call
//   fixups.c, .S      the same in text: what MAP_SCRATCH is for
//   tls.c             variables that each thread has its own copy of
//   init.c            constructors and destructors, in order
//   resident.c        skip all of that: DragonFly's saved images
//   prebind.c         skip the lookups: DragonFly's prebinding
//   prelink.c         skip the relocation: prelink's fixed addresses
//   output.c          files that the last two write
//   prefetch.c        ask for the pages that the last start used
//   statistics.c      what all this cost
//   say.c, string.c   messages, and what a libc would have given us
#ifndef LDSO_H
#define LDSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf.h"
#include "sys.h"

// Our own names are ours alone: no table, and no word to relocate, stands between
// a use here and its definition. What programs may use says so.
#define EXPORTED __attribute__((visibility("default")))
#pragma GCC visibility push(hidden)

enum {
  PAGE = 4096,
  MAX_OBJECTS = 64,
  MAX_HEADERS = 32, // program headers of an object
  PATH_SIZE = 512,
};

static inline uint64_t page_down(uint64_t a) { return a & -(uint64_t)PAGE; }
static inline uint64_t page_up(uint64_t a) { return page_down(a + PAGE - 1); }

// An object is a file in memory: the program, a library, or this linker.
struct object {
  struct object *next; // search order: the program, LD_PRELOAD, then breadth first
  const char *path;    // where it was found
  const char *soname;  // what it calls itself, or null
  int index;           // in search order

  uint64_t base;       // what is added to every address in the file
  uint64_t start, end; // the memory it covers
  uint64_t dev, ino;   // which file it is, whatever its name
  const struct program_header *headers;
  int header_count;

  // From its dynamic section, as addresses here; null where it has none.
  struct dynamic *dynamic;
  uint64_t dynamic_size;
  const char *strings;
  uint64_t strings_size;
  const struct symbol *symbols;
  struct { // DT_GNU_HASH, taken apart: symbols.c
    uint32_t bucket_count, first, bloom_mask, shift;
    const uint64_t *bloom;
    const uint32_t *buckets, *chain, *end;
  } hash;
  const uint16_t *versym;
  const char *verneed, *verdef;
  const struct rela *rela, *jmprel;
  uint64_t rela_count, jmprel_count;
  uint64_t *got; // .got.plt: two words of ours, then a slot for each function
  // Slots in text, if there are any: fixups.c
  const struct fixup *fixups, *fixups_end;
  const char *fixup_names, *fixup_names_end;
  uint64_t *hook;
  const uint64_t *preinit_array, *init_array, *fini_array;
  uint64_t preinit_count, init_count, fini_count;
  uint64_t init, fini; // 0: none
  const char *runpath;
  bool symbolic, bind_now;
  uint64_t relative_count; // that many of `rela` come first and are RELATIVE
  // Which of `rela` are COPY or IRELATIVE, and are not done in the first pass;
  // are there some of the second kind in `jmprel`?
  uint32_t rest_first, rest_end;
  bool plt_resolvers;
  uint64_t checksum; // of the set it was prelinked in, or 0

  uint64_t relro, relro_size; // read only once relocated

  // Thread-local storage: the image to copy, and where from the thread pointer.
  uint64_t tls_image, tls_filesz, tls_memsz, tls_align, tls_offset;
  long tls_module; // 1 for the first that has any

  struct object **needs; // what it names, in its order
  int need_count;
  bool constructed, visited;
};

// What a symbol stands for. No object: undefined and weak, so the value is 0.
struct definition {
  const struct object *object;
  uint64_t value, size; // as in the object's symbol table
  bool is_function_choice; // STT_GNU_IFUNC: call it, and it returns the address
  bool is_absolute;        // SHN_ABS: the value is not an offset
};

// environment.c
enum fixups { // what LD_FIXUPS asks for: fixups.c
  FIXUPS_SCRATCH,
  FIXUPS_PRIVATE,
  FIXUPS_GOT,
  FIXUPS_TWO_STORES,
  FIXUPS_FLAG,
  FIXUPS_RMW,
};
struct environment {
  const char *library_path, *preload, *prefetch, *prelink;
  bool bind_now, trace, statistics, cycles, bindings;
  enum fixups fixups;
  bool fixups_statistics;
  bool resident_register, resident_unregister, prebind_register;
};
extern struct environment environment;
void read_environment(char **envp, bool secure);

// search.c: an open file, its path written to `path`, or the end of everything.
int open_library(const char *name, const struct object *wanter, char *path);

// objects.c
extern struct object *first_object, *last_object, linker_object;
void adopt_linker(uint64_t base);
void adopt_program(const struct program_header *headers, int count, const char *path);
void load_all(void); // LD_PRELOAD and everything needed, breadth first
struct object *new_object(const char *path);
struct object *object_at(int index);
const char *keep_string(const char *s);

// dynamic.c; the first two end everything if what they are asked for is outside.
void *in_object(const struct object *o, uint64_t address, uint64_t size,
                const char *what);
const char *string_in(const struct object *o, uint64_t offset);
const void *find_note(const struct object *o, const struct program_header *p,
                      const char *owner, uint32_t type, uint32_t *size);
void set_headers(struct object *o, const struct program_header *p, int n);
void read_headers(struct object *o);

// map.c
struct object *map_library(int fd, const char *path);

// symbols.c
enum lookup { LOOKUP_ANY = 0, LOOKUP_CALL = 1, LOOKUP_COPY = 2 };
struct definition find_name(const char *name, const char *version,
                            const struct object *user, enum lookup how);
struct definition find_definition(const struct object *user, uint32_t symbol,
                                  enum lookup how);

// versions.c
bool version_fits(const struct object *definer, uint32_t symbol, const char *wanted);
const char *version_wanted(const struct object *user, uint32_t symbol);

// relocate.c
void relocate_self(uint64_t base, const struct dynamic *dynamic);
enum relocation { BY_SYMBOL, PREBOUND, PRELINKED };
void relocate_all(enum relocation how);
void protect_relro(const struct object *o);
uint64_t address_of(const struct definition *d);
void apply(const struct object *o, const struct rela *r, const struct definition *d);
enum lookup lookup_for(uint32_t type);
bool needs_symbol(uint32_t type);

// plt.c
void prepare_plt(struct object *o);
void bind_plt(struct object *o);
void first_call(void); // plt.S

// fixups.c
void read_fixups(struct object *o, const struct program_header *p);
void map_fixups(const struct object *o, int fd);
void prepare_fixups(const struct object *o);

// tls.c
void lay_out_tls(void);
void start_thread_pointer(void);
void fill_tls(void);

// init.c
void run_constructors(int argc, char **argv, char **envp);
void run_destructors(void);

// resident.c
extern bool ld_resident;
extern uint64_t program_entry;
void register_resident(void);
void unregister_resident(void);

// prebind.c
bool find_prebinding(void);
void use_prebinding(bool copies); // all that have a symbol, or only COPY
void register_prebinding(void);
uint32_t unique_id(const struct object *o);

// prelink.c
bool is_prelinked(void);
bool is_prelink_tag(int64_t tag);
uint64_t prelink_address(uint64_t size);
void write_prelinked(const char *folder);

// output.c
void write_file(const char *path, const char *from, size_t n, int mode);

// prefetch.c
void prefetch(const struct object *o);

// statistics.c: counted since this start.
struct moment {
  uint64_t ticks, cycles, instructions; // the last two only under LD_DEBUG=cycles
};
struct statistics {
  uint64_t relocations, relative, cached, lookups, probes, bound_later, objects;
  uint64_t fixups, resolver_runs; // since the process was started or forked
  struct moment load, relocate, total; // how long each took
  const char *how;
};
extern struct statistics statistics;
struct moment now(void);
struct moment since(const struct moment *from);
void report_start(void);
void report_end(void);

// main.c
extern uint64_t hwcap;

// say.c: %s, %d and %x, each for a long or a pointer.
void print(const char *format, ...); // on stdout
void say(const char *format, ...);
_Noreturn void fail(const char *format, ...); // one sentence, exit status 127

// string.c
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
size_t strlen(const char *s);
bool same(const char *a, const char *b);
const char *after_last_slash(const char *path);

#pragma GCC visibility pop

#endif
