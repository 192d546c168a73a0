// What a start cost, on stderr when LD_DEBUG has `statistics`, in the words of
// glibc's report. Time is rdtime's: ticks of the machine's timer.
//
// A cached lookup is one for the symbol of the relocation before, in the same
// object: the answer is still at hand. A probe is one object's hash table asked.
#include "ldso.h"

struct statistics statistics;

uint64_t ticks(void) {
  uint64_t now;
  __asm__ volatile("rdtime %0" : "=r"(now));
  return now;
}

static void count(const char *what, uint64_t n) { say("%s: %d\n", what, n); }

void report_start(void) {
  const struct statistics *s = &statistics;
  if (!environment.statistics)
    return;
  say("runtime linker statistics: %s\n", s->how);
  count("  total startup time in dynamic loader, ticks", s->total_ticks);
  count("            time needed for relocation, ticks", s->relocate_ticks);
  count("           time needed to load objects, ticks", s->load_ticks);
  count("                             number of objects", s->objects);
  count("                         number of relocations", s->relocations);
  count("              number of relocations from cache", s->cached);
  count("                number of relative relocations", s->relative);
  count("                      number of symbol lookups", s->lookups);
  count("                       number of object probes", s->probes);
}

void report_end(void) {
  if (!environment.statistics)
    return;
  say("final number of functions bound at their first call: %d\n",
      statistics.bound_later);
}
