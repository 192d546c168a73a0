// What a start cost, on stderr when LD_DEBUG has `statistics`, in the words of
// glibc's report. Time is rdtime's: ticks of the machine's timer. With `cycles` as
// well it counts cycles and instructions, from where the environment is read on;
// a kernel that keeps those counters to itself, as Linux does by default, ends the
// program with SIGILL for that.
//
// A cached lookup is one for the symbol of the relocation before, in the same
// object: the answer is still at hand. A probe is one object's hash table asked.
#include "ldso.h"

struct statistics statistics;

struct moment now(void) {
  struct moment m = {0, 0, 0};
  __asm__ volatile("rdtime %0" : "=r"(m.ticks));
  if (environment.cycles) {
    __asm__ volatile("rdcycle %0" : "=r"(m.cycles));
    __asm__ volatile("rdinstret %0" : "=r"(m.instructions));
  }
  return m;
}

struct moment since(const struct moment *from) {
  struct moment m = now();
  m.ticks -= from->ticks;
  m.cycles -= from->cycles;
  m.instructions -= from->instructions;
  return m;
}

static void count(const char *what, uint64_t n) { say("%s: %d\n", what, n); }

static void time(const char *what, const struct moment *m) {
  if (environment.cycles)
    say("%s, ticks: %d, cycles: %d, instructions: %d\n", what, m->ticks, m->cycles,
        m->instructions);
  else
    say("%s, ticks: %d\n", what, m->ticks);
}

void report_start(void) {
  const struct statistics *s = &statistics;
  if (!environment.statistics)
    return;
  say("runtime linker statistics: %s\n", s->how);
  time("  total startup time in dynamic loader", &s->total);
  time("            time needed for relocation", &s->relocate);
  time("           time needed to load objects", &s->load);
  count("                      number of objects", s->objects);
  count("                  number of relocations", s->relocations);
  count("       number of relocations from cache", s->cached);
  count("         number of relative relocations", s->relative);
  count("               number of symbol lookups", s->lookups);
  count("                number of object probes", s->probes);
}

// In one line, so that each process has its own.
static void report_fixups(void) {
  say("fixups of process %d: %d in text by %d resolver runs, %d in tables\n",
      (uint64_t)syscall3(SYS_getpid, 0, 0, 0), statistics.fixups,
      statistics.resolver_runs, statistics.bound_later);
}

void report_end(void) {
  if (environment.fixups_statistics)
    report_fixups();
  if (!environment.statistics)
    return;
  say("final number of functions bound at their first call: %d\n",
      statistics.bound_later);
}
