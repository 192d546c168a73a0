// Start-up work of a position-independent program: it was linked at 0 and sits
// somewhere else, so every pointer stored in its data is wrong by that distance.
//
// The linker lists those places. Adding the distance to each makes the page it
// lies in private to this process: relocation is paid in copied pages.
#include "libc.h"

struct dynamic {
  long tag;
  unsigned long value;
};

struct rela {
  unsigned long offset, info;
  long addend;
};

enum { DT_NULL = 0, DT_RELA = 7, DT_RELASZ = 8, R_RISCV_RELATIVE = 3 };

void relocate(char *base, const struct dynamic *dynamic) {
  const struct rela *rela = 0;
  unsigned long size = 0;
  for (; dynamic->tag != DT_NULL; dynamic++) {
    if (dynamic->tag == DT_RELA)
      rela = (const struct rela *)(base + dynamic->value);
    if (dynamic->tag == DT_RELASZ)
      size = dynamic->value;
  }
  for (unsigned long i = 0; i < size / sizeof *rela; i++)
    if ((rela[i].info & 0xffffffff) == R_RISCV_RELATIVE)
      *(char **)(base + rela[i].offset) = base + rela[i].addend;
}
