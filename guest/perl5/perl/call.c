// Calls, closures, and dying: what changes the frame.
#include "perl.h"

enum { DEEPEST = 5000 };

static struct saved {
  struct value **where, *old;
} saved[256];
static long saves;

long saved_count(void) { return saves; }

// local: another variable takes the place of this one until the block ends.
void save_scalar(struct value **where) {
  if (saves == sizeof saved / sizeof *saved)
    die("Too many local variables at %s line %d.\n", perl.script, perl.line);
  saved[saves++] = (struct saved){where, *where};
  *where = arena_take(sizeof **where);
}

void restore_saved(long mark) {
  while (saves > mark) {
    saves--;
    *saved[saves].where = saved[saves].old;
  }
}

void call(struct code *code, struct array *args, enum want want, struct array *result) {
  struct frame f = {.args = args, .want = want, .caller = perl.frame, .code = code,
                    .line = perl.line};
  if (!code->body)
    die("Undefined subroutine &main::%s called at %s line %d.\n", code->name, perl.script, perl.line);
  if (++perl.depth > DEEPEST)
    die("Deep recursion limit exceeded at %s line %d.\n", perl.script, perl.line);
  f.slot = arena_take((size_t)code->slots * (sizeof *f.slot + 1) + 1);
  f.used = (unsigned char *)(f.slot + code->slots);
  for (int i = 0; i < code->captures; i++)
    f.slot[code->to[i]] = code->captured[i];
  perl.frame = &f;
  exec(code->body, result);
  if (perl.leaving == LEAVE_RETURN) {
    perl.leaving = STAYING;
    *result = f.returned;
  }
  perl.frame = f.caller;
  perl.line = f.line;
  perl.depth--;
}

// The closure of a sub: it keeps the variables of the frame that makes it.
static struct code *closure(const struct code *from) {
  struct code *c = arena_take(sizeof *c);
  *c = *from;
  c->captured = arena_take((size_t)c->captures * sizeof *c->captured);
  for (int i = 0; i < c->captures; i++) {
    void **slot = &perl.frame->slot[c->from[i]];
    if (!*slot)
      *slot = arena_take(sizeof(struct hash)); // the largest that a variable can be
    c->captured[i] = *slot;
  }
  return c;
}

struct value anonymous_sub_run(struct op *o) {
  return (struct value){.kind = CODE, .p = closure(o->code)};
}
void sub_exec(struct op *o, struct array *out) { // done before the program runs
  (void)o, (void)out;
}
struct value sub_run(struct op *o) {
  o->glob->code = closure(o->code);
  return undef();
}

// Which sub a call means; its arguments go into `args`.
static struct code *code_of(struct op *o, struct array *args) {
  int by_name = o->info == &op_call;
  struct code *code = by_name ? o->glob->code : 0;
  if (!by_name) {
    struct value v = eval(o->kid[0]);
    if (v.kind != CODE)
      die("Not a CODE reference at %s line %d.\n", perl.script, perl.line);
    code = v.p;
  } else if (!code)
    die("Undefined subroutine &main::%s called at %s line %d.\n", o->glob->name, perl.script,
        perl.line);
  for (int i = !by_name; i < o->kids; i++)
    eval_list(o->kid[i], args);
  return code;
}

struct value call_run(struct op *o) {
  struct array *args = array_new(), result = {0};
  call(code_of(o, args), args, WANT_SCALAR, &result);
  return array_get(&result, -1);
}
void call_list(struct op *o, struct array *out) {
  struct array *args = array_new(), result = {0};
  call(code_of(o, args), args, WANT_LIST, &result);
  for (long i = 0; i < result.count; i++)
    array_push(out, result.at[i]);
}

// Dying

void die_value(struct value v) {
  perl.error = v;
  if (perl.handler)
    go_back(perl.handler->registers);
  flush_all();
  v = value_text(v);
  write(2, v.s->text, v.len);
  exit(255);
}

static void put_message(struct value *s, const char *format, va_list args) {
  char digits[24];
  for (; *format; format++) {
    if (*format != '%')
      string_append_char(s, *format);
    else if (*++format == 's') {
      const char *text = va_arg(args, const char *);
      string_append(s, text, strlen(text));
    } else
      string_append(s, digits, int_text(digits, va_arg(args, int)));
  }
}

void die(const char *format, ...) {
  struct value s = string_empty(80);
  va_list args;
  va_start(args, format);
  put_message(&s, format, args);
  die_value(s);
}

int attempt(void (*action)(void *with), void *with) {
  struct handler h = {.outer = perl.handler, .frame = perl.frame, .saved = saves};
  int depth = perl.depth;
  perl.handler = &h;
  int died = save_here(h.registers);
  if (!died)
    action(with);
  perl.handler = h.outer;
  perl.frame = h.frame;
  if (died) {
    perl.depth = depth;
    perl.leaving = STAYING;
    restore_saved(h.saved);
  }
  return died;
}

struct evaluation {
  struct op *block;
  enum want want;
  struct array *out;
};

static void evaluate(void *with) {
  struct evaluation *e = with;
  enum want before = perl.frame->want;
  perl.frame->want = e->want;
  exec(e->block, e->out);
  perl.frame->want = before;
}

static void eval_values(struct op *o, enum want want, struct array *out) {
  struct evaluation e = {o->kid[0], want, out};
  enum want before = perl.frame->want;
  if (attempt(evaluate, &e)) {
    perl.frame->want = before;
    out->count = 0;
    *glob_scalar(perl.at_error) = perl.error;
  } else
    *glob_scalar(perl.at_error) = string_new("", 0);
}
struct value eval_block_run(struct op *o) {
  struct array values = {0};
  eval_values(o, WANT_SCALAR, &values);
  return array_get(&values, -1);
}
void eval_block_list(struct op *o, struct array *out) {
  struct array values = {0};
  eval_values(o, WANT_LIST, &values);
  for (long i = 0; i < values.count; i++)
    array_push(out, values.at[i]);
}
