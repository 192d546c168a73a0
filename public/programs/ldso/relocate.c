// Relocation: the words in data that hold an address were linked as if their
// object lay at 0, or not known at all. Each entry of an object's tables names
// such a word and says what belongs there (psABI for RISC-V, chapter 8):
//
//     RELATIVE        base + addend                  nothing to look up
//     64              S + addend                     S: the symbol's address
//     JUMP_SLOT       S                              may wait: plt.c
//     COPY            the bytes at S, size of the symbol
//     TLS_DTPMOD64    number of the object that has S
//     TLS_DTPREL64    S + addend - 0x800             within its thread's block
//     TLS_TPREL64     S + addend + block's offset    from the thread pointer
//     IRELATIVE       what the function at base + addend returns
//
// Each store makes a page of data private to this process. The page is paid for
// once; the lookups are paid for one by one.
//
// The order: libraries before what was linked against them, so that a COPY finds
// finished bytes and an IRELATIVE function may call; COPY after all words, and
// IRELATIVE after all else.
//
// A trap: DT_RELASZ of some linkers (GNU ld 2.40, for PIEs) covers .rela.plt as
// well, which DT_JMPREL names once more. What lies in both is JMPREL's.
//
// In Linux: glibc's sysdeps/riscv/dl-machine.h, elf_machine_rela.
// Left out: 32-bit forms, TLSDESC, DT_RELR, words in read-only text: Debian's
// libraries have none.
#include "ldso.h"

enum { TLS_DTV_OFFSET = 0x800 };

// The linker's own, before anything else: it has no symbols to look up.
void relocate_self(uint64_t base, const struct dynamic *dynamic) {
  const struct rela *r = 0;
  uint64_t size = 0;
  for (; dynamic->tag != DT_NULL; dynamic++) {
    if (dynamic->tag == DT_RELA)
      r = (const struct rela *)(base + dynamic->value);
    if (dynamic->tag == DT_RELASZ)
      size = dynamic->value;
  }
  for (const struct rela *end = r + size / sizeof *r; r < end; r++)
    if (r->type == R_RISCV_RELATIVE)
      *(uint64_t *)(base + r->offset) = base + (uint64_t)r->addend;
}

// Asks the processor's features of the kernel, for those who choose by them.
static long hwprobe(void *pairs, size_t n, size_t cpus, void *set, unsigned flags) {
  // As libc's function of this name, it returns a positive error number.
  return -syscall(SYS_riscv_hwprobe, (long)pairs, (long)n, (long)cpus, (long)set,
                  flags, 0);
}

static uint64_t call_resolver(uint64_t address) {
  uint64_t (*resolver)(uint64_t, void *, void *) = (void *)address;
  return resolver(hwcap, (void *)hwprobe, 0);
}

uint64_t address_of(const struct definition *d) {
  if (!d->object)
    return 0;
  uint64_t address = (d->is_absolute ? 0 : d->object->base) + d->value;
  return d->is_function_choice ? call_resolver(address) : address;
}

enum lookup lookup_for(uint32_t type) {
  switch (type) {
  case R_RISCV_JUMP_SLOT:
    return LOOKUP_CALL;
  case R_RISCV_COPY:
    return LOOKUP_COPY;
  default:
    return LOOKUP_ANY;
  }
}

bool needs_symbol(uint32_t type) {
  return type != R_RISCV_NONE && type != R_RISCV_RELATIVE &&
         type != R_RISCV_IRELATIVE;
}

static void *target(const struct object *o, const struct rela *r, uint64_t size) {
  return in_object(o, r->offset, size, "relocation");
}

static void copy(const struct object *o, const struct rela *r,
                 const struct definition *d) {
  const struct symbol *mine = o->symbols + r->symbol;
  uint64_t size = mine->size < d->size ? mine->size : d->size;
  memcpy(target(o, r, size), (const void *)address_of(d), size);
}

void apply(const struct object *o, const struct rela *r, const struct definition *d) {
  uint64_t *word = target(o, r, 8), addend = (uint64_t)r->addend;
  switch (r->type) {
  case R_RISCV_NONE:
    break;
  case R_RISCV_64:
  case R_RISCV_JUMP_SLOT:
    *word = address_of(d) + addend;
    break;
  case R_RISCV_COPY:
    copy(o, r, d);
    break;
  case R_RISCV_TLS_DTPMOD64:
    *word = d->object ? (uint64_t)d->object->tls_module : 0;
    break;
  case R_RISCV_TLS_DTPREL64:
    *word = d->object ? d->value + addend - TLS_DTV_OFFSET : 0;
    break;
  case R_RISCV_TLS_TPREL64:
    *word = d->object ? d->value + addend + d->object->tls_offset : addend;
    break;
  default:
    fail("%s has a relocation of type %d, which is not known here", o->path,
         (uint64_t)r->type);
  }
}

// The definition a relocation refers to; the last answer serves a repetition.
static struct definition definition_for(const struct object *o,
                                        const struct rela *r) {
  static const struct object *last_user;
  static uint32_t last_symbol;
  static enum lookup last_how;
  static struct definition last;
  enum lookup how = lookup_for(r->type);
  if (o == last_user && r->symbol == last_symbol && how == last_how) {
    statistics.cached++;
    return last;
  }
  // Without a symbol: a place in the object itself, as local TLS has it.
  last = (struct definition){.object = o, .is_absolute = r->type == R_RISCV_64};
  if (r->symbol)
    last = find_definition(o, r->symbol, how);
  last_user = o, last_symbol = r->symbol, last_how = how;
  statistics.relocations++;
  return last;
}

static bool in_both(const struct object *o, const struct rela *r) {
  return r >= o->jmprel && r < o->jmprel + o->jmprel_count;
}

// The static linker sorts: most tables begin with a run of RELATIVE, thousands of
// them, and says how many. Returns what follows.
static const struct rela *relocate_relative(const struct object *o) {
  const struct rela *r = o->rela, *end = r + o->relative_count;
  uint64_t base = o->base, low = o->start - base, high = o->end - base - 8;
  for (; r < end && r->type == R_RISCV_RELATIVE; r++) {
    if (r->offset - low > high - low)
      target(o, r, 8); // says so
    *(uint64_t *)(base + r->offset) = base + (uint64_t)r->addend;
  }
  statistics.relative += (uint64_t)(r - o->rela);
  return r;
}

static void note_rest(struct object *o, uint32_t i) {
  if (o->rest_first == o->rest_end)
    o->rest_first = i;
  o->rest_end = i + 1;
}

// Everything but COPY and IRELATIVE, of which it only notes where they are.
static void relocate_words(struct object *o, bool by_symbol) {
  const struct rela *end = o->rela + o->rela_count;
  for (const struct rela *r = relocate_relative(o); r < end; r++) {
    if (r->type == R_RISCV_RELATIVE) {
      *(uint64_t *)target(o, r, 8) = o->base + (uint64_t)r->addend;
      statistics.relative++;
    } else if (r->type == R_RISCV_IRELATIVE || r->type == R_RISCV_COPY) {
      note_rest(o, (uint32_t)(r - o->rela));
    } else if (by_symbol && r->type != R_RISCV_NONE && !in_both(o, r)) {
      struct definition d = definition_for(o, r);
      apply(o, r, &d);
    }
  }
  for (const struct rela *r = o->jmprel; r < o->jmprel + o->jmprel_count; r++)
    if (r->type == R_RISCV_IRELATIVE)
      o->plt_resolvers = true;
  if (!by_symbol)
    return;
  if (o->bind_now || environment.bind_now || environment.prelink)
    bind_plt(o);
  else
    prepare_plt(o);
}

static void run_copies(const struct object *o) {
  for (uint32_t i = o->rest_first; i < o->rest_end; i++)
    if (o->rela[i].type == R_RISCV_COPY) {
      struct definition d = definition_for(o, &o->rela[i]);
      apply(o, &o->rela[i], &d);
    }
}

static void resolve(const struct object *o, const struct rela *r) {
  if (r->type == R_RISCV_IRELATIVE)
    *(uint64_t *)target(o, r, 8) = call_resolver(o->base + (uint64_t)r->addend);
}

static void run_resolvers(const struct object *o) {
  for (uint32_t i = o->rest_first; i < o->rest_end; i++)
    if (!in_both(o, &o->rela[i]))
      resolve(o, &o->rela[i]);
  for (uint64_t i = 0; o->plt_resolvers && i < o->jmprel_count; i++)
    resolve(o, &o->jmprel[i]);
}

void relocate_all(enum relocation how) {
  for (int i = last_object->index; i >= 0 && how != PRELINKED; i--)
    if (object_at(i) != &linker_object)
      relocate_words(object_at(i), how == BY_SYMBOL);
  if (how == PREBOUND)
    use_prebinding(false);
  for (struct object *o = first_object; o && how != PREBOUND; o = o->next)
    run_copies(o);
  if (how == PREBOUND)
    use_prebinding(true);
  for (int i = last_object->index; i >= 0; i--) {
    run_resolvers(object_at(i));
    prepare_fixups(object_at(i));
  }
}

void protect_relro(const struct object *o) {
  uint64_t start = page_down(o->relro), end = page_down(o->relro + o->relro_size);
  if (end > start)
    protect(start, end - start, PROT_READ);
}
