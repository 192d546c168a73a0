// Values of the language: what a variable holds, and strings, arrays and hashes
// of them. Memory comes from an arena and goes back when the program ends.
#ifndef SCALAR_H
#define SCALAR_H

#include "../../libc/libc.h"

enum kind { UNDEF, INT, UINT, NUM, STR, REF, CODE, KINDS }; // UINT: above LONG_MAX
enum target { TO_SCALAR, TO_ARRAY, TO_HASH, TO_FILE };

// Text of strings. Several values may share one: a string is the first `len`
// bytes, and only the one that ends where the text ends may be longer in place.
struct buf {
  size_t room, used;
  char text[];
};

struct value {
  unsigned char kind, target; // of a reference: what it leads to
  unsigned len;               // of a string
  union {
    long i;
    unsigned long u;
    double n;
    struct buf *s;
    void *p;
  };
};

struct array {
  struct value *at;
  long count, room, start; // `start` values before `at` were shifted out
};

struct entry {
  unsigned hash, len;
  struct entry *chain, *before, *after; // same bucket; order of insertion
  struct value value;
  char key[];
};

struct hash {
  struct entry **bucket, *first, *last, *each; // each: the next one of each()
  long count, buckets;
};

// arena.c
void *arena_take(size_t bytes); // zeroed, never freed
size_t arena_taken(void);

// value.c
struct value value_text(struct value v);   // as a string
struct value value_number(struct value v); // as INT, UINT or NUM
struct value value_unsigned(unsigned long u);
double value_double(struct value v);
long value_long(struct value v);
int value_true(struct value v);
int value_equal(struct value a, struct value b);
int value_compare_text(struct value a, struct value b);
int value_compare_numbers(struct value a, struct value b); // 2: one of them is no number
const char *value_kind_name(struct value v);

// string.c
struct value string_new(const char *text, size_t n);
struct value string_empty(size_t room);
struct value string_of(const char *text);
void string_append(struct value *s, const char *text, size_t n);
void string_append_value(struct value *s, struct value v);
void string_append_char(struct value *s, char c);
struct value string_join(struct value between, const struct value *parts, long n);
struct value string_repeat(struct value s, long times);
struct value string_reverse(struct value s);
long string_index(struct value s, struct value part, long from);
long string_rindex(struct value s, struct value part, long from);
char *string_terminated(struct value s); // a copy with a NUL
struct value string_increment(struct value s); // "az" -> "ba", "Zz" -> "AAa"

// array.c
struct array *array_new(void);
void array_push(struct array *a, struct value v);
struct value array_pop(struct array *a);
struct value array_shift(struct array *a);
void array_unshift(struct array *a, const struct value *v, long n);
struct value array_get(const struct array *a, long index);
struct value *array_cell(struct array *a, long index); // makes it; null before the start
void array_resize(struct array *a, long count);
void array_splice(struct array *a, long from, long remove, const struct value *with, long n);
void array_reverse(struct array *a);

// hash.c
struct hash *hash_new(void);
unsigned hash_of(const char *key, size_t n);
struct entry *hash_find(const struct hash *h, const char *key, size_t n);
struct value *hash_cell(struct hash *h, const char *key, size_t n); // makes it
struct value hash_get(const struct hash *h, struct value key);
struct value hash_delete(struct hash *h, struct value key);
int hash_has(const struct hash *h, struct value key);
void hash_clear(struct hash *h);
void hash_keys(const struct hash *h, struct array *out);
void hash_values(const struct hash *h, struct array *out);

// sort.c: stable; `order` is below 0 when a comes first.
void values_sort(struct value *v, long n, int (*order)(void *with, struct value a, struct value b),
                 void *with);
int order_text(void *with, struct value a, struct value b);
int order_numbers(void *with, struct value a, struct value b);

static inline struct value undef(void) { return (struct value){.kind = UNDEF}; }
static inline struct value whole(long i) { return (struct value){.kind = INT, .i = i}; }
static inline struct value number(double n) { return (struct value){.kind = NUM, .n = n}; }
static inline struct value truth(int yes) {
  return yes ? whole(1) : string_new("", 0);
}
static inline struct value reference(enum target target, void *p) {
  return (struct value){.kind = REF, .target = target, .p = p};
}

#endif
