// Evaluation: operators, conditions and statements.
#include "perl.h"

struct interpreter perl;

void eval_list(struct op *o, struct array *out) {
  if (o->info->list)
    o->info->list(o, out);
  else
    array_push(out, o->info->run(o));
}

struct value *cell_of(struct op *o) {
  if (!o->info->cell)
    die("Can't modify %s in assignment at %s line %d.\n", o->info->description, perl.script, perl.line);
  return o->info->cell(o);
}

struct array *arguments(struct op *o, int from) {
  struct array *all = array_new();
  for (int i = from; i < o->kids; i++)
    eval_list(o->kid[i], all);
  return all;
}

struct value topic_or(struct op *o, int kid) {
  return kid < o->kids ? eval(o->kid[kid]) : *glob_scalar(perl.topic);
}

struct value *my_scalar_cell(struct op *o);
static inline const struct value *mine(struct op *o) {
  const struct value *v = perl.frame->slot[o->slot];
  return v ? v : my_scalar_cell(o);
}

int condition(struct op *o) {
  if (o->info == &op_binary && o->binary->test) {
    struct value l = eval(o->kid[0]), r = eval(o->kid[1]);
    return o->binary->test[l.kind][r.kind](l, r);
  }
  if (o->info == &op_binary_mine && o->binary->mine_test) {
    const struct value *l = mine(o->kid[0]), *r = mine(o->kid[1]);
    return o->binary->mine_test[l->kind][r->kind](l, r);
  }
  if (o->info == &op_binary_constant && o->binary->constant_test) {
    const struct value *l = mine(o->kid[0]);
    return o->binary->constant_test[l->kind][o->slot](l, &o->kid[1]->v);
  }
  return value_true(eval(o));
}

struct value constant_run(struct op *o) { return o->v; }

struct value concat_list_run(struct op *o) {
  struct value all = string_empty(48);
  for (int i = 0; i < o->kids; i++) {
    struct op *kid = o->kid[i];
    if (kid->info->list && (is_array(kid) || is_list(kid))) {
      struct array values = {0};
      eval_list(kid, &values);
      string_append_value(&all, string_join(*glob_scalar(perl.quote), values.at, values.count));
    } else {
      struct value v = eval(kid);
      if (v.kind == UNDEF)
        warn_about(1); // in concatenation
      string_append_value(&all, v);
    }
  }
  return all;
}

void list_list(struct op *o, struct array *out) {
  for (int i = 0; i < o->kids; i++)
    eval_list(o->kid[i], out);
}
struct value list_run(struct op *o) {
  struct value v = undef();
  for (int i = 0; i < o->kids; i++)
    v = eval(o->kid[i]);
  return v;
}

struct value binary_run(struct op *o) {
  struct value l = eval(o->kid[0]), r = eval(o->kid[1]);
  return o->binary->value[l.kind][r.kind](l, r);
}

struct value binary_mine_run(struct op *o) {
  const struct value *l = mine(o->kid[0]), *r = mine(o->kid[1]);
  return o->binary->mine[l->kind][r->kind](l, r);
}

struct value binary_constant_run(struct op *o) {
  const struct value *l = mine(o->kid[0]);
  return o->binary->constant[l->kind][o->slot](l, &o->kid[1]->v);
}
struct value *mine_assign_cell(struct op *o) {
  struct value *l = (struct value *)mine(o->kid[0]);
  const struct value *r = mine(o->kid[1]);
  o->binary->mine_assign[l->kind][r->kind](l, r);
  return l;
}
struct value mine_assign_run(struct op *o) { return *mine_assign_cell(o); }

struct value *binary_assign_cell(struct op *o) {
  struct value r = eval(o->kid[1]), *l = cell_of(o->kid[0]);
  o->binary->assign[l->kind][r.kind](l, r);
  return l;
}
struct value binary_assign_run(struct op *o) {
  if (is_array(o->kid[0]))
    die("Can't modify array in %s at %s line %d.\n", o->binary->description, perl.script,
        perl.line);
  return *binary_assign_cell(o);
}

struct value and_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  return value_true(v) ? eval(o->kid[1]) : v;
}
void and_list(struct op *o, struct array *out) {
  struct value v = eval(o->kid[0]);
  if (value_true(v))
    eval_list(o->kid[1], out);
  else
    array_push(out, v);
}
struct value or_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  return value_true(v) ? v : eval(o->kid[1]);
}
void or_list(struct op *o, struct array *out) {
  struct value v = eval(o->kid[0]);
  if (value_true(v))
    array_push(out, v);
  else
    eval_list(o->kid[1], out);
}
struct value defined_or_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  return v.kind != UNDEF ? v : eval(o->kid[1]);
}
struct value and_assign_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  if (!value_true(v))
    return v;
  v = eval(o->kid[1]);
  return *cell_of(o->kid[0]) = v;
}
struct value or_assign_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  if (value_true(v))
    return v;
  v = eval(o->kid[1]);
  return *cell_of(o->kid[0]) = v;
}
struct value defined_assign_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  if (v.kind != UNDEF)
    return v;
  v = eval(o->kid[1]);
  return *cell_of(o->kid[0]) = v;
}
struct value not_run(struct op *o) { return truth(!condition(o->kid[0])); }

struct value negate_run(struct op *o) {
  struct value v = eval(o->kid[0]);
  if (v.kind == STR && v.len && (uni_class[(unsigned char)v.s->text[0]] & (UNI_UPPER | UNI_LOWER))) {
    struct value s = string_new("-", 1);
    string_append_value(&s, v);
    return s;
  }
  v = value_number(v);
  if (v.kind == INT && v.i != (long)(1UL << 63))
    return whole(-v.i);
  return number(-value_double(v));
}
struct value complement_run(struct op *o) {
  struct value v = value_number(eval(o->kid[0]));
  return value_unsigned(~(v.kind == NUM ? (unsigned long)v.n : v.u));
}
struct value plus_run(struct op *o) { return eval(o->kid[0]); }

struct value ternary_run(struct op *o) { return eval(o->kid[condition(o->kid[0]) ? 1 : 2]); }
void ternary_list(struct op *o, struct array *out) {
  eval_list(o->kid[condition(o->kid[0]) ? 1 : 2], out);
}
struct value *ternary_cell(struct op *o) { return cell_of(o->kid[condition(o->kid[0]) ? 1 : 2]); }

void range_list(struct op *o, struct array *out) {
  struct value from = eval(o->kid[0]), to = eval(o->kid[1]);
  if (from.kind == STR && from.len && !(uni_class[(unsigned char)from.s->text[0]] & UNI_DIGIT) &&
      from.s->text[0] != '-') {
    to = value_text(to);
    for (struct value s = from; s.len <= to.len; s = string_increment(s)) {
      array_push(out, s);
      if (value_equal(s, to))
        break;
    }
    return;
  }
  for (long i = value_long(from), end = value_long(to); i <= end; i++)
    array_push(out, whole(i));
}
struct value range_run(struct op *o) { return eval(o->kid[1]); }

void repeat_list_list(struct op *o, struct array *out) {
  struct array one = {0};
  eval_list(o->kid[0], &one);
  for (long times = value_long(eval(o->kid[1])); times > 0; times--)
    for (long i = 0; i < one.count; i++)
      array_push(out, one.at[i]);
}

static struct value stepped(struct op *o, int by) {
  struct value *cell = cell_of(o->kid[0]), before = *cell;
  if (by > 0 && before.kind == STR && before.len &&
      (uni_class[(unsigned char)before.s->text[0]] & (UNI_UPPER | UNI_LOWER)))
    *cell = string_increment(before);
  else {
    struct value v = value_number(before);
    if (v.kind == INT && v.i != (long)(~0UL >> 1) && v.i != (long)(1UL << 63))
      *cell = whole(v.i + by);
    else
      *cell = number(value_double(v) + by);
    if (before.kind == UNDEF)
      before = whole(0);
  }
  return o->flags & FLAG_PREFIX ? *cell : before;
}
struct value increment_run(struct op *o) { return stepped(o, 1); }
struct value decrement_run(struct op *o) { return stepped(o, -1); }

// Statements

void exec(struct op *o, struct array *out) {
  if (o->info->exec) {
    o->info->exec(o, out);
    return;
  }
  perl.line = o->line;
  if (out && perl.frame->want == WANT_LIST) {
    long before = out->count;
    eval_list(o, out);
    if (perl.leaving == LEAVE_NEXT || perl.leaving == LEAVE_LAST)
      out->count = before;
    return;
  }
  struct value v = eval(o);
  if (out && !perl.leaving) // return has put its value there itself
    array_push(out, v);
}

void block_exec(struct op *o, struct array *out) {
  long mark = saved_count();
  for (int i = 0; i < o->kids && !perl.leaving; i++)
    exec(o->kid[i], i == o->kids - 1 ? out : 0);
  restore_saved(mark);
}

void if_exec(struct op *o, struct array *out) {
  perl.line = o->line;
  if (condition(o->kid[0]))
    exec(o->kid[1], out);
  else if (o->kids > 2)
    exec(o->kid[2], out);
}

// After the body of a loop: does it go on? `next` and `last` end here, unless
// they name another loop.
static int goes_on(struct op *o) {
  if (!perl.leaving)
    return 1;
  if (perl.leaving == LEAVE_RETURN)
    return 0;
  if (perl.label && !(o->text && !strcmp(o->text, perl.label)))
    return 0;
  int next = perl.leaving == LEAVE_NEXT;
  perl.leaving = STAYING;
  perl.label = 0;
  return next;
}

void while_exec(struct op *o, struct array *out) {
  (void)out;
  int body_first = o->flags & FLAG_PREFIX;
  for (;;) {
    perl.line = o->line;
    if (!body_first && !condition(o->kid[0]))
      break;
    body_first = 0;
    exec(o->kid[1], 0);
    if (!goes_on(o))
      break;
    if (o->kids > 2)
      exec(o->kid[2], 0);
  }
}

void for_exec(struct op *o, struct array *out) {
  int once = o->kid[1]->info == &op_constant && o->kid[1]->v.kind == UNDEF; // a bare block
  exec(o->kid[0], 0);
  for (;;) {
    perl.line = o->line;
    if (!once && !condition(o->kid[1]))
      break;
    exec(o->kid[3], once ? out : 0);
    if (!goes_on(o) || once)
      break;
    exec(o->kid[2], 0);
  }
}

void foreach_exec(struct op *o, struct array *out) {
  (void)out;
  struct op *v = o->kid[0], *list = o->kid[1];
  perl.line = o->line;
  struct array values = {0}, *all = &values;
  if (list->kids == 1 && is_array(list->kid[0]))
    all = array_of(list->kid[0]); // its elements themselves, not copies
  else
    eval_list(list, all);
  int lexical = v->info == &op_my_scalar;
  struct frame *f = perl.frame;
  void *before = lexical ? f->slot[v->slot] : (void *)v->glob->scalar;
  for (long i = 0; i < all->count; i++) {
    if (lexical)
      f->slot[v->slot] = &all->at[i];
    else
      v->glob->scalar = &all->at[i];
    exec(o->kid[2], 0);
    if (!goes_on(o))
      break;
  }
  if (lexical)
    f->slot[v->slot] = before;
  else
    v->glob->scalar = before;
}

void nothing_exec(struct op *o, struct array *out) { (void)o, (void)out; }
struct value nothing_run(struct op *o) { return (void)o, undef(); }

struct value return_run(struct op *o) {
  struct array values = {0};
  struct frame *f = perl.frame;
  if (o->kids && f->want == WANT_LIST)
    eval_list(o->kid[0], &values);
  else if (o->kids)
    array_push(&values, eval(o->kid[0]));
  f->returned = values;
  perl.leaving = LEAVE_RETURN;
  return undef();
}
struct value next_run(struct op *o) {
  perl.leaving = LEAVE_NEXT;
  perl.label = o->text;
  return undef();
}
struct value last_run(struct op *o) {
  perl.leaving = LEAVE_LAST;
  perl.label = o->text;
  return undef();
}

// do { }: the value of its last statement, in the context asked for.
static void block_values(struct op *o, enum want want, struct array *out) {
  enum want before = perl.frame->want;
  perl.frame->want = want;
  block_exec(o, out);
  perl.frame->want = before;
}
struct value do_block_run(struct op *o) {
  struct array values = {0};
  block_values(o, WANT_SCALAR, &values);
  return array_get(&values, -1);
}
void do_block_list(struct op *o, struct array *out) { block_values(o, WANT_LIST, out); }
