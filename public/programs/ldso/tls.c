// Thread-local variables. Each thread has a block with a part for every object
// that has some; the thread pointer tp points at the first part, the program's:
//
//     tp - 16      tp
//     | our words | program | libA   |  libB   |
//                 ^offset 0 ^offset  ^offset
//
// Code finds its variable in one of three ways: at a distance from tp that the
// static linker knew (the program's own); at a distance it reads from its GOT
// (TLS_TPREL64); or by calling __tls_get_addr with the object's number and the
// place within (TLS_DTPMOD64, TLS_DTPREL64). All objects come before the first
// instruction of the program, so the three lead to the same block.
//
// In Linux: glibc's elf/dl-tls.c and sysdeps/riscv/dl-tls.h.
// Left out: blocks for libraries loaded later (dlopen), more threads than one.
#include "ldso.h"

enum { BELOW = 16 }; // bytes before tp, for a thread library's own use

static uint64_t block_size, block_align = 16;
static uint64_t block; // where tp points

static struct object *with_tls(struct object *o) {
  while (o && !o->tls_module)
    o = o->next;
  return o;
}

void lay_out_tls(void) {
  long module = 0;
  for (struct object *o = first_object; o; o = o->next) {
    if (!o->tls_memsz)
      continue;
    o->tls_module = ++module;
    o->tls_offset = (block_size + o->tls_align - 1) & -o->tls_align;
    block_size = o->tls_offset + o->tls_memsz;
    block_align = o->tls_align > block_align ? o->tls_align : block_align;
    if (block_size >> 32)
      fail("%s has more thread-local data than fit into memory", o->path);
  }
}

void fill_tls(void) {
  if (!block_size)
    return;
  long area = map(0, BELOW + block_align + block_size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(area))
    fail("the thread-local data do not fit into memory");
  block = ((uint64_t)area + BELOW + block_align - 1) & -block_align;
  for (struct object *o = with_tls(first_object); o; o = with_tls(o->next))
    memcpy((void *)(block + o->tls_offset), (const void *)o->tls_image,
           o->tls_filesz);
}

void start_thread_pointer(void) { __asm__ volatile("mv tp, %0" : : "r"(block)); }

struct tls_index {
  uint64_t module, offset;
};

// Where a variable of this thread is. The 0x800 lets code reach either side of
// it; the relocation has taken it off.
EXPORTED void *__tls_get_addr(const struct tls_index *i) {
  uint64_t tp;
  __asm__("mv %0, tp" : "=r"(tp));
  struct object *o = with_tls(first_object);
  while (o && o->tls_module != (long)i->module)
    o = with_tls(o->next);
  if (!o)
    fail("a variable of a thread is in object %d, which is not there", i->module);
  return (void *)(tp + o->tls_offset + i->offset + 0x800);
}
