// Hashes: chains in buckets, four entries a bucket at most on average. Keys are
// given in the order in which they came, so that every run prints the same.
#include "scalar.h"

struct hash *hash_new(void) { return arena_take(sizeof(struct hash)); }

// FNV-1a
unsigned hash_of(const char *key, size_t n) {
  unsigned h = 2166136261u;
  while (n--)
    h = (h ^ (unsigned char)*key++) * 16777619u;
  return h;
}

static struct entry **link_to(const struct hash *h, unsigned hash, const char *key, size_t n) {
  struct entry **link = &h->bucket[hash & (unsigned)(h->buckets - 1)];
  while (*link && !((*link)->hash == hash && (*link)->len == n && !memcmp((*link)->key, key, n)))
    link = &(*link)->chain;
  return link;
}

static void grow(struct hash *h) {
  h->buckets = h->buckets ? h->buckets * 4 : 8;
  h->bucket = arena_take((size_t)h->buckets * sizeof *h->bucket);
  for (struct entry *e = h->first; e; e = e->after) {
    struct entry **slot = &h->bucket[e->hash & (unsigned)(h->buckets - 1)];
    e->chain = *slot;
    *slot = e;
  }
}

struct entry *hash_find(const struct hash *h, const char *key, size_t n) {
  return h->buckets ? *link_to(h, hash_of(key, n), key, n) : 0;
}

struct value *hash_cell(struct hash *h, const char *key, size_t n) {
  if (h->count >= h->buckets * 4)
    grow(h);
  unsigned hash = hash_of(key, n);
  struct entry **link = link_to(h, hash, key, n), *e = *link;
  if (e)
    return &e->value;
  *link = e = arena_take(sizeof *e + n + 1);
  e->hash = hash;
  e->len = (unsigned)n;
  memcpy(e->key, key, n);
  e->before = h->last;
  *(h->last ? &h->last->after : &h->first) = e;
  h->last = e;
  h->count++;
  return &e->value;
}

struct value hash_get(const struct hash *h, struct value key) {
  key = value_text(key);
  struct entry *e = hash_find(h, key.s->text, key.len);
  return e ? e->value : undef();
}

int hash_has(const struct hash *h, struct value key) {
  key = value_text(key);
  return hash_find(h, key.s->text, key.len) != 0;
}

struct value hash_delete(struct hash *h, struct value key) {
  key = value_text(key);
  if (!h->buckets)
    return undef();
  struct entry **link = link_to(h, hash_of(key.s->text, key.len), key.s->text, key.len);
  struct entry *e = *link;
  if (!e)
    return undef();
  *link = e->chain;
  *(e->before ? &e->before->after : &h->first) = e->after;
  *(e->after ? &e->after->before : &h->last) = e->before;
  h->count--;
  return e->value;
}

void hash_clear(struct hash *h) { *h = (struct hash){0}; }

void hash_keys(const struct hash *h, struct array *out) {
  for (struct entry *e = h->first; e; e = e->after)
    array_push(out, string_new(e->key, e->len));
}

void hash_values(const struct hash *h, struct array *out) {
  for (struct entry *e = h->first; e; e = e->after)
    array_push(out, e->value);
}
