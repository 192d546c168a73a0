// Functions of other objects are called through the procedure linkage table:
// each has a few instructions there that jump where its slot in .got.plt says.
// At first all slots lead to the table's head, and that leads here:
//
//     call write   ->  PLT entry: ld t3, slot; jalr t1, t3
//                           |
//     slot = PLT0  ->  PLT0: t0 = got[1], t1 = slot's number * 8, jump got[0]
//                           |
//     got[0] = first_call   ->  bind_call: look `write` up, store its address
//                                          into the slot, and go there
//
// From the second call on the slot leads straight to the function. Programs use
// few of the functions they could call, so most lookups never happen; and each
// that does is paid by the process that does it, even if a saved image of the
// program (resident.c) has all else done.
//
// There is no lock: two threads that call at once find the same, and store the same.
//
// In Linux: glibc's elf/dl-runtime.c, _dl_fixup.
#include "ldso.h"

// A slot that cannot wait: its function takes arguments in registers that
// first_call does not save (the psABI's variant calling convention).
static bool cannot_wait(const struct object *o, const struct rela *r) {
  const struct symbol *s = o->symbols + r->symbol;
  return (uint64_t)(s + 1) <= o->end && s->other & STO_RISCV_VARIANT_CC;
}

static uint64_t bind(const struct object *o, const struct rela *r) {
  struct definition d = find_definition(o, r->symbol, LOOKUP_CALL);
  apply(o, r, &d);
  return *(uint64_t *)(o->base + r->offset);
}

void bind_plt(struct object *o) {
  for (const struct rela *r = o->jmprel; r < o->jmprel + o->jmprel_count; r++)
    if (r->type == R_RISCV_JUMP_SLOT) {
      bind(o, r);
      statistics.relocations++;
    }
}

// Unbound slots hold PLT0's address in the file: it moves with the object.
void prepare_plt(struct object *o) {
  if (!o->jmprel_count)
    return;
  if (!o->got || o->checksum) { // prelink.c has written over what they held
    bind_plt(o);
    return;
  }
  o->got[0] = (uint64_t)first_call;
  o->got[1] = (uint64_t)o;
  for (const struct rela *r = o->jmprel; r < o->jmprel + o->jmprel_count; r++) {
    uint64_t *slot = in_object(o, r->offset, 8, "slot");
    if (r->type == R_RISCV_JUMP_SLOT && !cannot_wait(o, r))
      *slot += o->base;
    else if (r->type == R_RISCV_JUMP_SLOT)
      bind(o, r);
  }
}

// From plt.S. Returns the function's address.
uint64_t bind_call(const struct object *o, uint64_t slot_offset) {
  uint64_t index = slot_offset / 8;
  if (index >= o->jmprel_count)
    fail("%s called through slot %d, which it does not have", o->path, index);
  const struct rela *r = o->jmprel + index;
  statistics.bound_later++;
  uint64_t address = bind(o, r);
  if (environment.bindings)
    say("binding %s: %s\n", o->path, string_in(o, o->symbols[r->symbol].name));
  return address;
}
