// From a name to its definition: the first object in search order that has it.
//
// Asking an object costs a Bloom filter, 64 bits that say "not here" for most
// names without a look at the table; then a bucket, and its chain:
//
//     hash of "write"  -> bloom word: both bits set?  no: next object
//            |
//            v mod buckets
//     buckets | 0 | 7 | 12 | ...       index of the chain's first symbol
//                   |
//                   v
//     chain   | h7 | h8 | h9|1 |       a hash each; bit 0 ends the chain
//     symbols | s7 | s8 | s9   |       hash equal: compare the names
//
// A lookup that fails in ten libraries and succeeds in the eleventh is why the
// number of libraries matters as much as that of symbols.
//
// In Linux: glibc's elf/dl-lookup.c, do_lookup_x. Left out: the older DT_HASH
// tables, STB_GNU_UNIQUE's process-wide table, LD_DYNAMIC_WEAK.
#include "ldso.h"

static uint32_t hash_of(const char *name) {
  uint32_t h = 5381;
  for (; *name; name++)
    h = h * 33 + (uint8_t)*name;
  return h;
}

static const struct symbol *symbol_at(const struct object *o, uint32_t i) {
  const struct symbol *s = o->symbols + i;
  if (!o->symbols || (uint64_t)(s + 1) > o->end)
    fail("%s is damaged: it has no symbol %d", o->path, (uint64_t)i);
  return s;
}

// May this symbol be the definition? An undefined one with a value is a place
// to call in a program of fixed address: the function's address, for everyone
// who takes it, but of no use to the one who looks for what to call there.
static bool defines(const struct symbol *s, enum lookup how) {
  if (s->section == SHN_UNDEF && (s->value == 0 || (how & LOOKUP_CALL)))
    return false;
  return s->info >> 4 != STB_LOCAL;
}

// An object's definition of a name, or null.
static const struct symbol *ask(const struct object *o, const char *name, uint32_t h,
                                const char *version, enum lookup how) {
  statistics.probes++;
  if (!o->hash.bucket_count)
    return 0;
  uint64_t bloom = o->hash.bloom[(h / 64) & o->hash.bloom_mask];
  if (!((bloom >> (h % 64)) & (bloom >> ((h >> o->hash.shift) % 64)) & 1))
    return 0;
  uint32_t i = o->hash.buckets[h % o->hash.bucket_count];
  if (i < o->hash.first)
    return 0; // an empty chain
  const uint32_t *c = o->hash.chain + (i - o->hash.first);
  for (; c < o->hash.end; c++, i++) {
    if ((*c | 1) == (h | 1)) {
      const struct symbol *s = symbol_at(o, i);
      if (defines(s, how) && same(string_in(o, s->name), name) &&
          version_fits(o, i, version))
        return s;
    }
    if (*c & 1)
      break;
  }
  return 0;
}

static struct definition definition_in(const struct object *o,
                                       const struct symbol *s) {
  return (struct definition){
      .object = o,
      .value = s->value,
      .size = s->size,
      .is_function_choice = (s->info & 15) == STT_GNU_IFUNC,
      .is_absolute = s->section == SHN_ABS,
  };
}

struct definition find_name(const char *name, const char *version,
                            const struct object *user, enum lookup how) {
  uint32_t h = hash_of(name);
  statistics.lookups++;
  const struct symbol *s;
  if (user && user->symbolic && !(how & LOOKUP_COPY) &&
      (s = ask(user, name, h, version, how)))
    return definition_in(user, s);
  for (const struct object *o = first_object; o; o = o->next) {
    if ((how & LOOKUP_COPY) && o == user)
      continue; // what is to be copied is another's
    if ((s = ask(o, name, h, version, how)))
      return definition_in(o, s);
  }
  return (struct definition){.object = 0};
}

struct definition find_definition(const struct object *user, uint32_t symbol,
                                  enum lookup how) {
  const struct symbol *s = symbol_at(user, symbol);
  bool mine = s->info >> 4 == STB_LOCAL ||
              ((s->other & 3) != STV_DEFAULT && s->section != SHN_UNDEF);
  if (mine)
    return definition_in(user, s);
  const char *name = string_in(user, s->name);
  const char *version = version_wanted(user, symbol);
  struct definition d = find_name(name, version, user, how);
  if (!d.object && s->info >> 4 != STB_WEAK)
    fail("%s%s%s, which %s uses, is defined nowhere", name, version ? "@" : "",
         version ? version : "", user->path);
  return d;
}
