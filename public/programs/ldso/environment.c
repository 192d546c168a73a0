// What the user may ask of the linker, by variables of the environment:
//
//   LD_LIBRARY_PATH   folders to search first, separated by colons
//   LD_PRELOAD        libraries to put right after the program, so that their
//                     definitions hide everybody else's
//   LD_BIND_NOW       look every function up at the start, not at its first call
//   LD_DEBUG          statistics: what the start cost, cycles: in these, too;
//                     bindings: each first call of a function
//   LD_TRACE_LOADED_OBJECTS   say what would be loaded, and run nothing
//   LD_PREFETCH       madvise or bitmap: see prefetch.c
//   LD_PRELINK=FOLDER see prelink.c
//   LD_FIXUPS         how functions are called that are called through slots in text:
//                     scratch (the default), private, dontneed, got, eager, prelink;
//                     two_stores, flag, rmw: wrong on purpose. See fixups.c
//   LD_FIXUPS_STATISTICS   how often, at the end
//   LD_PREBIND_REGISTER, LD_RESIDENT_REGISTER_NOW, LD_RESIDENT_UNREGISTER_NOW
//
// A program that runs with more rights than its caller (setuid) takes none of
// these: any of the first three would let the caller put code into it.
#include "ldso.h"

struct environment environment;

// The value, if `entry` is NAME=value.
static const char *value_of(const char *entry, const char *name) {
  while (*name && *entry == *name)
    entry++, name++;
  return *name == 0 && *entry == '=' ? entry + 1 : 0;
}

static bool separates(char c) { return c == ',' || c == ':' || c == ' ' || c == 0; }

static bool has_word(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *at = list; *at; at++) {
    size_t i = 0;
    while (i < n && at[i] == word[i])
      i++;
    if (i == n && separates(at[i]) && (at == list || separates(at[-1])))
      return true;
  }
  return false;
}

static void read_fixups_wish(struct environment *e, const char *v) {
  static const struct {
    const char *name;
    enum fixups how;
  } names[] = {
      {"scratch", FIXUPS_SCRATCH},       {"private", FIXUPS_PRIVATE},
      {"dontneed", FIXUPS_PRIVATE},      {"got", FIXUPS_GOT},
      {"eager", FIXUPS_GOT},             {"prelink", FIXUPS_GOT},
      {"two_stores", FIXUPS_TWO_STORES}, {"flag", FIXUPS_FLAG},
      {"rmw", FIXUPS_RMW},
  };
  size_t i = 0;
  while (i < sizeof names / sizeof *names && !same(v, names[i].name))
    i++;
  if (i == sizeof names / sizeof *names)
    fail("LD_FIXUPS=%s is not known", v);
  e->fixups = names[i].how;
  if (same(v, "eager"))
    e->bind_now = true;
}

static void read_entry(const char *entry) {
  struct environment *e = &environment;
  const char *v;
  if ((v = value_of(entry, "LD_LIBRARY_PATH")))
    e->library_path = v;
  else if ((v = value_of(entry, "LD_PRELOAD")))
    e->preload = v;
  else if ((v = value_of(entry, "LD_BIND_NOW")))
    e->bind_now |= *v != 0;
  else if ((v = value_of(entry, "LD_TRACE_LOADED_OBJECTS")))
    e->trace = *v != 0;
  else if ((v = value_of(entry, "LD_PREFETCH")))
    e->prefetch = v;
  else if ((v = value_of(entry, "LD_PRELINK")))
    e->prelink = *v ? v : 0;
  else if (value_of(entry, "LD_PREBIND_REGISTER"))
    e->prebind_register = true;
  else if (value_of(entry, "LD_RESIDENT_REGISTER_NOW"))
    e->resident_register = true;
  else if (value_of(entry, "LD_RESIDENT_UNREGISTER_NOW"))
    e->resident_unregister = true;
  else if ((v = value_of(entry, "LD_FIXUPS")))
    read_fixups_wish(e, v);
  else if ((v = value_of(entry, "LD_FIXUPS_STATISTICS")))
    e->fixups_statistics = *v != 0;
  else if ((v = value_of(entry, "LD_DEBUG"))) {
    e->statistics = has_word(v, "statistics");
    e->cycles = has_word(v, "cycles");
    e->bindings = has_word(v, "bindings");
  }
}

void read_environment(char **envp, bool secure) {
  memset(&environment, 0, sizeof environment);
  for (; !secure && *envp; envp++)
    if ((*envp)[0] == 'L' && (*envp)[1] == 'D' && (*envp)[2] == '_')
      read_entry(*envp);
}
