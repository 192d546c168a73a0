// Names of the program: variables without `my`, subs and file handles.
#include "perl.h"

struct glob *glob_named(const char *name, size_t n) {
  if (n > 6 && !memcmp(name, "main::", 6))
    name += 6, n -= 6;
  struct value *cell = hash_cell(perl.globs, name, n);
  if (cell->kind == UNDEF) {
    struct glob *g = arena_take(sizeof *g);
    char *copy = arena_take(n + 1);
    memcpy(copy, name, n);
    g->name = copy;
    *cell = reference(TO_SCALAR, g);
  }
  return cell->p;
}

struct glob *glob_of(const char *name) { return glob_named(name, strlen(name)); }

struct value *glob_scalar(struct glob *g) {
  if (!g->scalar)
    g->scalar = arena_take(sizeof *g->scalar);
  return g->scalar;
}

struct array *glob_array(struct glob *g) {
  if (!g->array)
    g->array = array_new();
  return g->array;
}

struct hash *glob_hash(struct glob *g) {
  if (!g->hash)
    g->hash = hash_new();
  return g->hash;
}
