// A library may define a name several times, each for the programs linked when
// that was its meaning: exp@GLIBC_2.27 and exp@@GLIBC_2.29. Each symbol has a
// number beside it; two lists turn numbers into names:
//
//     user:     versym[symbol] = 3  -> verneed: 3 is "GLIBC_2.29"
//     definer:  versym[symbol] = 5  -> verdef:  5 is "GLIBC_2.29": it fits
//
// Who asks for no version gets the default (@@), not the hidden ones. Who asks
// for one gets it, or a definition without any: a stand-in need not be versioned.
//
// In Linux: glibc's elf/dl-lookup.c, check_match. Left out: the check at load
// time that a library has every version asked of it; here a missing one shows
// as a missing symbol, when that is looked up.
#include "ldso.h"

enum { VERSYM_GLOBAL = 1, VER_FLG_BASE = 1 };

// Reads at `at`, or ends: these lists are offsets, and may lead anywhere.
static const void *in_list(const struct object *o, const char *at, size_t size) {
  if ((uint64_t)at < o->start || (uint64_t)at + size > o->end)
    fail("%s is damaged: its version lists leave it", o->path);
  return at;
}

const char *version_wanted(const struct object *o, uint32_t symbol) {
  if (!o->versym || !o->verneed)
    return 0;
  const uint16_t *index = in_list(o, (const char *)(o->versym + symbol), 2);
  uint16_t wanted = *index & VERSYM_INDEX;
  if (wanted <= VERSYM_GLOBAL)
    return 0;
  // Every step goes forward, so a list ends, however its offsets are.
  for (const char *at = o->verneed;;) {
    const struct verneed *n = in_list(o, at, sizeof *n);
    const char *aux = at + n->aux;
    for (uint16_t i = 0; i < n->count; i++) {
      const struct vernaux *a = in_list(o, aux, sizeof *a);
      if (a->other == wanted)
        return string_in(o, a->name);
      if (!a->next)
        break;
      aux += a->next;
    }
    if (!n->next)
      return 0;
    at += n->next;
  }
}

// The name of a version this object defines; null for the base, which is none.
static const char *version_defined(const struct object *o, uint16_t index) {
  for (const char *at = o->verdef; at;) {
    const struct verdef *d = in_list(o, at, sizeof *d);
    if ((d->index & VERSYM_INDEX) == index) {
      if (d->flags & VER_FLG_BASE)
        return 0;
      const struct verdaux *a = in_list(o, at + d->aux, sizeof *a);
      return string_in(o, a->name);
    }
    if (!d->next)
      break;
    at += d->next;
  }
  return 0;
}

bool version_fits(const struct object *o, uint32_t symbol, const char *wanted) {
  if (!o->versym || !o->verdef)
    return true;
  uint16_t v = *(const uint16_t *)in_list(o, (const char *)(o->versym + symbol), 2);
  if (!wanted)
    return !(v & VERSYM_HIDDEN);
  const char *has = version_defined(o, v & VERSYM_INDEX);
  return has ? same(has, wanted) : !(v & VERSYM_HIDDEN);
}
