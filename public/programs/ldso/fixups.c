// Functions called through slots in text: what MAP_SCRATCH was proposed for (Andy
// Isaacson, 2004). A library of this kind has a slot of 8 aligned bytes for each
// function that a page of its text calls, on that page:
//
//     page of text   | ... call slot ... | ... call slot ... | slot | slot | slot |
//                             |___________________________________^
//
//                in the file                once fixed up
//     slot       jal   t3, trampoline       auipc t1, the function's address
//     slot + 4   jal   x0, slot             jalr  x0, t1
//
// The file's form needs no relocation, wherever the library lies: both jumps stay
// inside it. The trampoline goes through two words in data (`hook`: our entry and
// the object) to first_fixup, and that to bind_fixup, which looks the function up,
// writes the slot's other form and goes on to the function. From the second call
// on the slot leads straight there, two instructions and no load: less than a PLT
// entry costs. The price is a private copy of each page of text that is used.
//
// That is why the text is mapped MAP_SCRATCH: when memory runs short, the kernel
// throws such a copy away instead of writing it to swap, and the next call finds
// the file's form, which leads to the resolver again. Nothing else remembers that
// the slot was fixed up, so nothing can be wrong about it. Three rules follow:
//
//     one store        Both words change at once. The kernel drops pages only between
//                      two instructions, so an aligned store of 8 bytes is whole.
//     no memory        What is known of a page's slots is on that page.
//     no reading       A slot is written from what is known elsewhere, never from
//                      what it held before.
//
// Fetches are of 4 bytes, and the page may go between the two. Then the processor
// has executed auipc, and slot + 4 is `jal x0, slot` again: back to the slot, and to
// the resolver. Therefore the file's form has a second word.
//
// LD_FIXUPS says what to do instead (environment.c), for comparison:
//
//     private      the same text without MAP_SCRATCH: copies go to swap
//     dontneed     the same: the program itself drops its text, by madvise
//     got, eager   another build of the library, with an ordinary PLT (search.c)
//
// and breaks a rule on request, each below at its sequence:
//
//     two_stores, flag, rmw
//
// A library tells us of its slots by a note, as it tells its build id: five
// distances, each from its own word, to
//
//     table, its end   a pair of distances for each slot, in order: slot, name
//     names, their end
//     hook             two words in data
//
// Under Linux there is no such flag: an unknown one is ignored by mmap, and the
// text is private. Writable text needs a system that allows it.
//
// Two threads that call at once store the same 8 bytes. Left out: versions of the
// functions called, and protecting the text again between two fixups, which would
// be two system calls and an area more for each.
#include "ldso.h"

enum { NT_FIXUPS = 1 };

struct fixup {
  int32_t slot, name; // each from where it stands
};

extern const char first_fixup[] __attribute__((visibility("hidden"))); // fixups.S

static uint64_t follow(const int32_t *distance) {
  return (uint64_t)distance + (uint64_t)(int64_t)*distance;
}

// --- the note --------------------------------------------------------------

// The distance's target, if `size` bytes from there on lie in the object.
static void *part(const struct object *o, const int32_t *distance, uint64_t size) {
  return in_object(o, follow(distance) - o->base, size, "table of fixups");
}

void read_fixups(struct object *o, const struct program_header *p) {
  uint32_t size;
  const int32_t *d = find_note(o, p, "Pagewalk", NT_FIXUPS, &size);
  if (!d || size < 5 * sizeof *d)
    return;
  o->fixups = part(o, d, 0);
  o->fixups_end = part(o, d + 1, 0);
  o->fixup_names = part(o, d + 2, 0);
  o->fixup_names_end = part(o, d + 3, 0);
  o->hook = part(o, d + 4, 2 * sizeof *o->hook);
  if (o->fixups > o->fixups_end || o->fixup_names >= o->fixup_names_end ||
      o->fixup_names_end[-1])
    fail("%s is damaged: its table of fixups has no end", o->path);
}

// --- the mapping -----------------------------------------------------------

static int scratch(void) {
  return environment.fixups == FIXUPS_PRIVATE ? 0 : MAP_SCRATCH;
}

// Text with slots is mapped once more, to be written to.
void map_fixups(const struct object *o, int fd) {
  const struct program_header *p = o->headers;
  for (int i = 0; o->fixups && i < o->header_count; i++)
    if (p[i].type == PT_LOAD && p[i].flags & PF_X) {
      uint64_t start = page_down(o->base + p[i].vaddr);
      uint64_t end = page_up(o->base + p[i].vaddr + p[i].filesz);
      int prot = PROT_READ | PROT_WRITE | PROT_EXEC;
      int flags = MAP_PRIVATE | MAP_FIXED | scratch();
      if (is_error(map(start, end - start, prot, flags, fd, page_down(p[i].offset))))
        fail("%s cannot be mapped with text to write to", o->path);
    }
}

// --- the slots -------------------------------------------------------------

static const struct fixup *fixup_of(const struct object *o, uint64_t slot) {
  const struct fixup *low = o->fixups, *high = o->fixups_end;
  while (low < high) {
    const struct fixup *middle = low + (high - low) / 2;
    if (follow(&middle->slot) == slot)
      return middle;
    if (follow(&middle->slot) < slot)
      low = middle + 1;
    else
      high = middle;
  }
  fail("%s called through a slot that it does not have", o->path);
}

static const char *name_of(const struct object *o, const struct fixup *f) {
  const char *name = (const char *)follow(&f->name);
  if (name < o->fixup_names || name >= o->fixup_names_end)
    fail("%s is damaged: a fixup has no name", o->path);
  return name;
}

static uint64_t function_of(const struct object *o, const struct fixup *f) {
  struct definition d = find_name(name_of(o, f), 0, o, LOOKUP_CALL);
  if (!d.object)
    fail("%s, which %s uses, is defined nowhere", name_of(o, f), o->path);
  return address_of(&d);
}

// The second form: its upper 20 bits go to auipc, which adds them to its own
// address, the lower 12 to jalr, which adds them as a signed number.
struct pair {
  uint32_t auipc, jalr;
};
enum { AUIPC_T1 = 0x317, JALR_X0_T1 = 0x30067 };

static struct pair lead(const struct object *o, uint64_t slot, uint64_t function) {
  int64_t distance = (int64_t)(function - slot), upper = (distance + 0x800) >> 12;
  if (upper != upper << 44 >> 44)
    fail("%s calls a function that is more than 2 GiB away", o->path);
  return (struct pair){
      .auipc = (uint32_t)upper << 12 | AUIPC_T1,
      .jalr = (uint32_t)(distance - upper * 4096) << 20 | JALR_X0_T1,
  };
}

// fence.i: the instructions fetched from here on are those just stored.
static void fetch_again(void) { __asm__ volatile("fence.i" ::: "memory"); }

static void write_slot(uint64_t slot, struct pair p) {
  *(volatile uint64_t *)slot = (uint64_t)p.jalr << 32 | p.auipc;
}

// --- the rules, broken -----------------------------------------------------

// LD_FIXUPS=two_stores: the second word first, so that the entry changes when all
// else is in its place. Among threads that is the right order, and it is wrong here:
//
//     sw  jalr  -> slot + 4
//                              the kernel drops the page
//     sw  auipc -> slot        reads the page again, makes a copy of that
//
//     slot: auipc t1, ...; jal x0, slot       the call goes round for ever
//
// The other order would only be back at the file's first word, and harmless; until
// a second thread calls between the stores.
static void write_in_two_stores(uint64_t slot, struct pair p) {
  volatile uint32_t *word = (volatile uint32_t *)slot;
  word[1] = p.jalr;
  word[0] = p.auipc;
}

// LD_FIXUPS=rmw: the slot gets its instructions, then their immediates, as linkers
// and Linux's loader of modules do it (arch/riscv/kernel/module.c, riscv_insn_rmw):
// read the instruction, keep the opcode, set the rest.
//
//     sd  auipc t1, 0; jalr x0, 0(t1)
//                              the kernel drops the page
//     lw  slot                 reads jal t3: that opcode is kept
//     sw  slot                 jal t3, with a part of auipc's immediate
//
// The call goes to an address that nobody has computed.
static void insert(uint64_t at, uint32_t keep, uint32_t set) {
  volatile uint32_t *word = (volatile uint32_t *)at;
  *word = (*word & keep) | (set & ~keep);
}

static void read_modify_write(uint64_t slot, struct pair p) {
  write_slot(slot, (struct pair){.auipc = AUIPC_T1, .jalr = JALR_X0_T1});
  insert(slot + 4, 0xfffff, p.jalr);
  insert(slot, 0xfff, p.auipc);
}

// LD_FIXUPS=flag: a list, in data, of the slots that have been fixed up. A slot that
// is on it and called all the same has been fixed up since that call, by another
// thread: so no lookup, the slot itself says where it leads.
//
//     bind_fixup               writes the slot, sets its flag
//                              the kernel drops the page; the flag is elsewhere, and stays
//     bind_fixup               the flag is set: takes jal t3 and jal x0 for auipc and jalr
//
// The call goes to an address made of two jumps. A resolver that only says "done, call
// again" would be called again, for ever.
enum { MOST_FLAGS = 4096 };
static uint8_t flags[MOST_FLAGS / 8];

static bool has_flag(uint64_t i) {
  return i < MOST_FLAGS && flags[i / 8] >> i % 8 & 1;
}

static void set_flag(uint64_t i) {
  if (i < MOST_FLAGS)
    flags[i / 8] |= (uint8_t)(1 << i % 8);
}

static uint64_t where_it_leads(uint64_t slot) {
  uint64_t both = *(volatile uint64_t *)slot;
  int32_t upper = (int32_t)(both & 0xfffff000), lower = (int32_t)(both >> 32) >> 20;
  return slot + (uint64_t)(int64_t)upper + (uint64_t)(int64_t)lower;
}

// --- fixing up -------------------------------------------------------------

static uint64_t fix_up(const struct object *o, const struct fixup *f) {
  uint64_t slot = follow(&f->slot), function = function_of(o, f);
  struct pair p = lead(o, slot, function);
  switch (environment.fixups) {
  case FIXUPS_TWO_STORES:
    write_in_two_stores(slot, p);
    break;
  case FIXUPS_RMW:
    read_modify_write(slot, p);
    break;
  default:
    write_slot(slot, p);
  }
  fetch_again();
  statistics.fixups++;
  return function;
}

// From fixups.S. Returns the function's address.
uint64_t bind_fixup(const struct object *o, uint64_t second_word) {
  uint64_t slot = second_word - 4;
  const struct fixup *f = fixup_of(o, slot);
  statistics.resolver_runs++;
  if (environment.fixups == FIXUPS_FLAG) {
    if (has_flag((uint64_t)(f - o->fixups)))
      return where_it_leads(slot);
    set_flag((uint64_t)(f - o->fixups));
  }
  uint64_t function = fix_up(o, f);
  if (environment.bindings)
    say("fixup %s: %s\n", o->path, name_of(o, f));
  return function;
}

// Lets the trampoline find us; under LD_BIND_NOW fixes all slots up at once. What
// is thrown away of that is fixed up again by the calls that miss it.
void prepare_fixups(const struct object *o) {
  if (!o->fixups)
    return;
  o->hook[0] = (uint64_t)first_fixup;
  o->hook[1] = (uint64_t)o;
  if (environment.bind_now)
    for (const struct fixup *f = o->fixups; f < o->fixups_end; f++) {
      part(o, &f->slot, 8); // nobody has come from there, who would know it
      fix_up(o, f);
    }
}
