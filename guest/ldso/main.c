// From the kernel's entry to the program's, in order.
//
//     self-relocation       until then: no pointer in our data is right
//     environment           what the user asks for
//     objects               the program, LD_PRELOAD, everything needed
//     thread-local layout   relocations want the distances
//     relocation            by symbol, or from one of three memories of it
//     constructors
//
// The three memories differ in what they keep. Prebinding: which definition each
// symbol has; every word is still written. Prelink: the words, in the files. A
// resident image: all of memory.
//
// In Linux: glibc's elf/rtld.c, dl_main. Left out: the debugger's list of
// objects (r_debug), audit libraries, running the linker as a program.
#include "ldso.h"

uint64_t hwcap;

// What a stack protector writes between a function's buffers and its return
// address, and compares at the end: it must differ from run to run.
EXPORTED uint64_t stack_guard __asm__("__stack_chk_guard");
static uint64_t *guard_in_use; // a program may have a COPY of it

enum { AUX_KNOWN = 32 };

// The kernel's notes to a new process, by type.
static void read_auxv(const uint64_t *at, uint64_t *aux) {
  memset(aux, 0, AUX_KNOWN * sizeof *aux);
  for (; *at != AT_NULL; at += 2)
    if (at[0] < AUX_KNOWN)
      aux[at[0]] = at[1];
}

static bool is_secure(const uint64_t *at) {
  for (; *at != AT_NULL; at += 2)
    if (at[0] == AT_SECURE)
      return at[1];
  return false;
}

// The lowest byte stays 0: a string copied over the guard ends there.
static void set_guard(uint64_t *guard, const void *random) {
  *guard = *(const uint64_t *)random << 8;
}

// The path of the program's file. Where it was started by a relative path, /proc
// has the whole one.
static const char *program_path(const char *as_started) {
  char path[PATH_SIZE];
  if (as_started && *as_started == '/')
    return keep_string(as_started);
  long n = syscall(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)path,
                   sizeof path - 1, 0, 0);
  if (n <= 0)
    return keep_string(as_started ? as_started : "the program");
  path[n] = 0;
  return keep_string(path);
}

// LD_TRACE_LOADED_OBJECTS, as ldd shows it.
static _Noreturn void list_objects(void) {
  for (struct object *o = first_object->next; o; o = o->next)
    print("\t%s => %s (0x%x)\n", o->soname ? o->soname : after_last_slash(o->path),
          o->path, o->start);
  leave(0);
}

static enum relocation choose(void) {
  if (environment.prelink || environment.prebind_register)
    return BY_SYMBOL;
  if (first_object->checksum)
    return is_prelinked() ? PRELINKED : BY_SYMBOL;
  return find_prebinding() ? PREBOUND : BY_SYMBOL;
}

static void load(const uint64_t *aux) {
  struct moment from = now();
  adopt_program((const struct program_header *)aux[AT_PHDR], (int)aux[AT_PHNUM],
                program_path((const char *)aux[AT_EXECFN]));
  load_all();
  lay_out_tls();
  statistics.load = since(&from);
}

static void relocate(void) {
  static const char *const names[] = {"relocated by symbol", "prebound", "prelinked"};
  struct moment from = now();
  enum relocation how = choose();
  statistics.how = names[how];
  relocate_all(how);
  fill_tls();
  statistics.relocate = since(&from);
}

// What was asked for besides running the program.
static void do_other_work(void) {
  if (environment.prelink)
    write_prelinked(environment.prelink);
  if (environment.prebind_register)
    register_prebinding();
  if (environment.resident_register) {
    struct definition guard = find_name("__stack_chk_guard", 0, 0, LOOKUP_ANY);
    guard_in_use = (uint64_t *)address_of(&guard); // the next start sets it again
    register_resident();
  }
}

static void first_start(const uint64_t *auxv) {
  uint64_t aux[AUX_KNOWN];
  read_auxv(auxv, aux);
  hwcap = aux[AT_HWCAP];
  program_entry = aux[AT_ENTRY];
  if (aux[AT_RANDOM])
    set_guard(&stack_guard, (const void *)aux[AT_RANDOM]);
  load(aux);
  if (environment.trace)
    list_objects();
  relocate();
  for (struct object *o = first_object; o; o = o->next)
    protect_relro(o);
  do_other_work();
}

static bool has_more_rights_than_its_caller(void) {
  return syscall3(SYS_getuid, 0, 0, 0) != syscall3(SYS_geteuid, 0, 0, 0) ||
         syscall3(SYS_getgid, 0, 0, 0) != syscall3(SYS_getegid, 0, 0, 0);
}

// In a saved image everything is in its place but what belongs to this process:
// its environment, its guard, its registers. There may be no auxv to ask.
static void next_start(void) {
  uint64_t random = 0;
  statistics.how = "resident";
  if (syscall3(SYS_getrandom, (long)&random, sizeof random, 0) == sizeof random)
    set_guard(guard_in_use, &random);
}

// From start.S. Returns the program's first instruction.
uint64_t link_program(uint64_t *stack, uint64_t base, struct dynamic *dynamic) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1), **envp = argv + argc + 1, **end = envp;
  while (*end)
    end++;
  const uint64_t *auxv = (const uint64_t *)(end + 1);
  bool again = ld_resident;
  if (!again)
    relocate_self(base, dynamic);
  read_environment(envp, again ? has_more_rights_than_its_caller() : is_secure(auxv));
  struct moment from = now();
  if (environment.resident_unregister)
    unregister_resident();
  if (again && environment.resident_register)
    register_resident(); // the kernel says that there is one: EEXIST
  memset(&statistics, 0, sizeof statistics);
  if (again) {
    next_start();
  } else {
    adopt_linker(base);
    first_start(auxv);
  }
  start_thread_pointer();
  statistics.total = since(&from);
  report_start();
  run_constructors(argc, argv, envp);
  return program_entry;
}
