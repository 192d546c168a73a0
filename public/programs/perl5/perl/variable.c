// Variables: from an op to the scalar, array or hash it names.
#include "perl.h"

// `my` makes a new variable each time it is passed; the first time it takes the
// one that a closure or a named sub may have captured already.
static void *slot_of(struct op *o, size_t size) {
  struct frame *f = perl.frame;
  void **slot = &f->slot[o->slot];
  if (!*slot || (o->intro && f->used[o->slot]))
    *slot = arena_take(size);
  if (o->intro)
    f->used[o->slot] = 1;
  return *slot;
}

struct value *my_scalar_cell(struct op *o) { return slot_of(o, sizeof(struct value)); }
struct value my_scalar_run(struct op *o) {
  struct value *v = perl.frame->slot[o->slot];
  return v && !o->intro ? *v : *my_scalar_cell(o);
}
struct value *scalar_cell(struct op *o) { return glob_scalar(o->glob); }
struct value scalar_run(struct op *o) { return *glob_scalar(o->glob); }

// A scalar that is to be used as a reference: an undefined one becomes one.
static void *follow(struct op *o, enum target target) {
  static const char *const what[] = {"a SCALAR", "an ARRAY", "a HASH", "a GLOB"};
  struct value v = eval(o);
  if (v.kind == UNDEF) {
    struct value *cell = o->info->cell ? cell_of(o) : 0;
    v = reference(target, target == TO_ARRAY  ? (void *)array_new()
                          : target == TO_HASH ? (void *)hash_new()
                                              : arena_take(sizeof v));
    if (cell)
      *cell = v;
  }
  if (v.kind != REF || v.target != target)
    die("Not %s reference at %s line %d.\n", what[target], perl.script, perl.line);
  return v.p;
}

struct value *deref_scalar_cell(struct op *o) { return follow(o->kid[0], TO_SCALAR); }
struct value deref_scalar_run(struct op *o) { return *deref_scalar_cell(o); }

struct array *array_of(struct op *o) {
  if (o->info == &op_my_array)
    return slot_of(o, sizeof(struct array));
  if (o->info == &op_array)
    return o->glob->name[0] == '_' && !o->glob->name[1] ? perl.frame->args : glob_array(o->glob);
  if (o->info == &op_deref_array)
    return follow(o->kid[0], TO_ARRAY);
  if (o->info == &op_local)
    return array_of(o->kid[0]);
  die("Not an array at %s line %d.\n", perl.script, perl.line);
}

struct hash *hash_of_op(struct op *o) {
  if (o->info == &op_my_hash)
    return slot_of(o, sizeof(struct hash));
  if (o->info == &op_hash)
    return glob_hash(o->glob);
  if (o->info == &op_deref_hash)
    return follow(o->kid[0], TO_HASH);
  if (o->info == &op_local)
    return hash_of_op(o->kid[0]);
  die("Not a hash at %s line %d.\n", perl.script, perl.line);
}

int is_array(const struct op *o) {
  return o->info == &op_my_array || o->info == &op_array || o->info == &op_deref_array;
}
int is_hash(const struct op *o) {
  return o->info == &op_my_hash || o->info == &op_hash || o->info == &op_deref_hash;
}
int is_list(const struct op *o) {
  return o->info == &op_list || is_array(o) || is_hash(o) || o->info == &op_slice ||
         o->info == &op_hash_slice;
}

struct value array_run(struct op *o) { return whole(array_of(o)->count); }
void array_list(struct op *o, struct array *out) {
  struct array *a = array_of(o);
  for (long i = 0; i < a->count; i++)
    array_push(out, a->at[i]);
}

struct value hash_run(struct op *o) { return whole(hash_of_op(o)->count); }
void hash_list(struct op *o, struct array *out) {
  for (struct entry *e = hash_of_op(o)->first; e; e = e->after) {
    array_push(out, string_new(e->key, e->len));
    array_push(out, e->value);
  }
}

struct value element_run(struct op *o) {
  struct array *a = array_of(o->kid[0]);
  return array_get(a, value_long(eval(o->kid[1])));
}
struct value *element_cell(struct op *o) {
  struct array *a = array_of(o->kid[0]);
  struct value *cell = array_cell(a, value_long(eval(o->kid[1])));
  if (!cell)
    die("Modification of non-creatable array value attempted at %s line %d.\n", perl.script, perl.line);
  return cell;
}

struct value hash_element_run(struct op *o) {
  struct hash *h = hash_of_op(o->kid[0]);
  return hash_get(h, eval(o->kid[1]));
}
struct value *hash_element_cell(struct op *o) {
  struct hash *h = hash_of_op(o->kid[0]);
  struct value key = value_text(eval(o->kid[1]));
  return hash_cell(h, key.s->text, key.len);
}

void slice_list(struct op *o, struct array *out) {
  struct array *a = array_of(o->kid[0]), at = {0};
  eval_list(o->kid[1], &at);
  for (long i = 0; i < at.count; i++)
    array_push(out, array_get(a, value_long(at.at[i])));
}
void hash_slice_list(struct op *o, struct array *out) {
  struct hash *h = hash_of_op(o->kid[0]);
  struct array keys = {0};
  eval_list(o->kid[1], &keys);
  for (long i = 0; i < keys.count; i++)
    array_push(out, hash_get(h, keys.at[i]));
}
struct value last_of_list(struct op *o) {
  struct array all = {0};
  eval_list(o, &all);
  return array_get(&all, -1);
}

struct value last_index_run(struct op *o) { return whole(array_of(o->kid[0])->count - 1); }

struct value capture_run(struct op *o) {
  long from = perl.at[2 * o->slot], to = perl.at[2 * o->slot + 1];
  if (o->slot >= perl.groups || from < 0)
    return undef();
  return string_new(perl.matched.s->text + from, (size_t)(to - from));
}

struct value new_array_run(struct op *o) {
  struct array *a = array_new();
  for (int i = 0; i < o->kids; i++)
    eval_list(o->kid[i], a);
  return reference(TO_ARRAY, a);
}

void hash_fill(struct hash *h, const struct array *pairs) {
  for (long i = 0; i < pairs->count; i += 2) {
    struct value key = value_text(pairs->at[i]);
    *hash_cell(h, key.s->text, key.len) = i + 1 < pairs->count ? pairs->at[i + 1] : undef();
  }
}

struct value new_hash_run(struct op *o) {
  struct hash *h = hash_new();
  struct array pairs = {0};
  for (int i = 0; i < o->kids; i++)
    eval_list(o->kid[i], &pairs);
  hash_fill(h, &pairs);
  return reference(TO_HASH, h);
}

static struct value code_value(struct code *c) { return (struct value){.kind = CODE, .p = c}; }

struct value make_ref_run(struct op *o) {
  struct op *of = o->kid[0];
  if (is_array(of))
    return reference(TO_ARRAY, array_of(of));
  if (is_hash(of))
    return reference(TO_HASH, hash_of_op(of));
  if (of->info == &op_call && (of->flags & FLAG_PREFIX) && of->glob->code)
    return code_value(of->glob->code);
  if (of->info->cell)
    return reference(TO_SCALAR, cell_of(of));
  struct value *copy = arena_take(sizeof *copy);
  *copy = eval(of);
  return reference(TO_SCALAR, copy);
}

// What is assigned to a list of variables, in order; an array takes the rest.
void assign_list(struct op *left, const struct array *values) {
  long at = 0;
  for (int i = 0; i < left->kids; i++) {
    struct op *to = left->kid[i];
    struct array rest = {.at = values->at + at, .count = values->count > at ? values->count - at : 0};
    if (is_array(to)) {
      struct array *a = array_of(to);
      a->count = 0;
      for (long k = 0; k < rest.count; k++)
        array_push(a, rest.at[k]);
      at = values->count;
    } else if (is_hash(to)) {
      struct hash *h = hash_of_op(to);
      hash_clear(h);
      hash_fill(h, &rest);
      at = values->count;
    } else {
      struct value v = rest.count ? *rest.at : undef();
      if (to->info->cell)
        *cell_of(to) = v;
      at++;
    }
  }
}

struct value assign_run(struct op *o) {
  struct value v = eval(o->kid[1]);
  if (o->kid[0]->info == &op_last_index) {
    array_resize(array_of(o->kid[0]->kid[0]), value_long(v) + 1);
    return v;
  }
  return *cell_of(o->kid[0]) = v;
}
struct value *assign_cell(struct op *o) {
  assign_run(o);
  struct op *to = o->kid[0];
  if (to->intro) { // evaluating it again must not make another
    to->intro = 0;
    struct value *cell = cell_of(to);
    to->intro = 1;
    return cell;
  }
  return cell_of(to);
}

static long assign_all(struct op *o) {
  struct array values = {0};
  struct op *left = o->kid[0];
  eval_list(o->kid[1], &values);
  if (left->info == &op_slice || left->info == &op_hash_slice) {
    struct array at = {0};
    eval_list(left->kid[1], &at);
    for (long i = 0; i < at.count; i++) {
      struct value v = i < values.count ? values.at[i] : undef(), key = value_text(at.at[i]);
      if (left->info == &op_slice)
        *array_cell(array_of(left->kid[0]), value_long(key)) = v;
      else
        *hash_cell(hash_of_op(left->kid[0]), key.s->text, key.len) = v;
    }
  } else if (left->info == &op_list)
    assign_list(left, &values);
  else {
    struct op *one[1] = {left}, list = {.info = &op_list, .kid = one, .kids = 1};
    if (left->info == &op_local) {
      eval(left);
      one[0] = left->kid[0];
      if (left->kid[0]->info == &op_list)
        list = *left->kid[0];
    }
    assign_list(&list, &values);
  }
  return values.count;
}

struct value assign_list_run(struct op *o) { return whole(assign_all(o)); }
void assign_list_list(struct op *o, struct array *out) {
  assign_all(o);
  struct op *left = o->kid[0];
  unsigned char intro = left->intro;
  left->intro = 0;
  if (left->info != &op_list)
    eval_list(left, out);
  else
    for (int i = 0; i < left->kids; i++) {
      unsigned char was = left->kid[i]->intro;
      left->kid[i]->intro = 0;
      eval_list(left->kid[i], out);
      left->kid[i]->intro = was;
    }
  left->intro = intro;
}

struct value local_run(struct op *o) {
  struct op *of = o->kid[0];
  if (of->info == &op_scalar) {
    save_scalar(&of->glob->scalar);
    return undef();
  }
  if (of->info->cell) { // an element: its value comes back
    struct value *cell = cell_of(of);
    return *cell;
  }
  return undef();
}
struct value *local_cell(struct op *o) {
  local_run(o);
  return cell_of(o->kid[0]);
}
