// Arrays: room is doubled when it runs out; shifting moves the front.
#include "scalar.h"

struct array *array_new(void) { return arena_take(sizeof(struct array)); }

static void reserve(struct array *a, long count) {
  if (count <= a->room)
    return;
  long room = count * 2 < 8 ? 8 : count * 2;
  struct value *at = arena_take((size_t)room * sizeof *at);
  memcpy(at, a->at, (size_t)a->count * sizeof *at);
  a->at = at;
  a->room = room;
  a->start = 0;
}

void array_push(struct array *a, struct value v) {
  reserve(a, a->count + 1);
  a->at[a->count++] = v;
}

struct value array_pop(struct array *a) { return a->count ? a->at[--a->count] : undef(); }

struct value array_shift(struct array *a) {
  if (!a->count)
    return undef();
  a->count--, a->room--, a->start++;
  return *a->at++;
}

void array_unshift(struct array *a, const struct value *v, long n) {
  if (n <= a->start) { // into the place of what was shifted out
    a->at -= n, a->start -= n, a->room += n, a->count += n;
    memcpy(a->at, v, (size_t)n * sizeof *v);
    return;
  }
  array_splice(a, 0, 0, v, n);
}

struct value array_get(const struct array *a, long index) {
  if (index < 0)
    index += a->count;
  return index >= 0 && index < a->count ? a->at[index] : undef();
}

void array_resize(struct array *a, long count) {
  reserve(a, count);
  for (long i = a->count; i < count; i++)
    a->at[i] = undef();
  a->count = count;
}

struct value *array_cell(struct array *a, long index) {
  if (index < 0)
    index += a->count;
  if (index < 0)
    return 0;
  if (index >= a->count)
    array_resize(a, index + 1);
  return &a->at[index];
}

void array_splice(struct array *a, long from, long remove, const struct value *with, long n) {
  long rest = a->count - from - remove;
  reserve(a, a->count - remove + n);
  memmove(a->at + from + n, a->at + from + remove, (size_t)rest * sizeof *a->at);
  memcpy(a->at + from, with, (size_t)n * sizeof *with);
  a->count += n - remove;
}

void array_reverse(struct array *a) {
  for (long i = 0, j = a->count - 1; i < j; i++, j--) {
    struct value v = a->at[i];
    a->at[i] = a->at[j];
    a->at[j] = v;
  }
}
