// The interpreter: text -> tree of ops -> values. Every op knows the function
// that evaluates it; evaluating the tree is calling these functions.
#ifndef PERL_H
#define PERL_H

#include "../../libc/files.h"
#include "../../libc/process.h"
#include "../digest/digest.h"
#include "../number/number.h"
#include "../pattern/pattern.h"
#include "../scalar/scalar.h"
#include "../unicode/unicode.h"

struct op;
enum want { WANT_NOTHING, WANT_SCALAR, WANT_LIST };

// What there is to know of a kind of op.
struct op_info {
  const char *name, *description;
  struct value (*run)(struct op *o);                  // its value
  void (*list)(struct op *o, struct array *out);      // its values; 0: just the one
  struct value *(*cell)(struct op *o);                // where it can be assigned to
  void (*exec)(struct op *o, struct array *out);      // a statement; `out` may be 0
  signed char least, most;                            // arguments of a function; -1: any
  char unary;                                         // binds tighter than a comparison
  char topic;                                         // without argument it takes $_
};

// Operators with two operands: a function for each pair of kinds of value.
typedef struct value binary_fn(struct value l, struct value r);
typedef void assign_fn(struct value *l, struct value r);
typedef int test_fn(struct value l, struct value r);
typedef struct value mine_fn(const struct value *l, const struct value *r); // of two variables
typedef int mine_test_fn(const struct value *l, const struct value *r);
typedef void mine_assign_fn(struct value *l, const struct value *r);
enum { CONSTANT_INT, CONSTANT_NUM, CONSTANT_STR, CONSTANTS };
struct binary {
  const char *symbol, *name, *description;
  int precedence;
  binary_fn *const (*value)[KINDS];
  assign_fn *const (*assign)[KINDS]; // for +=; may be 0
  test_fn *const (*test)[KINDS];     // for conditions; may be 0
  mine_fn *const (*mine)[KINDS];     // for `my` variables, without copying them
  mine_test_fn *const (*mine_test)[KINDS];
  mine_assign_fn *const (*mine_assign)[KINDS];
  // With a constant on the right: a whole number, a fraction or a text.
  mine_fn *const (*constant)[CONSTANTS];
  mine_test_fn *const (*constant_test)[CONSTANTS];
  struct binary *next;
};

struct op {
  const struct op_info *info;
  struct op **kid;
  short kids;
  unsigned char intro, flags; // intro: `my` stands before it
  int line, slot;
  struct value v;
  struct glob *glob;
  const struct binary *binary;
  struct pattern *pattern;
  struct code *code;
  const char *text;
};
enum {
  FLAG_GLOBAL = 1,  // a variable without `my`
  FLAG_NEGATED = 2, // !~
  FLAG_PARENS = 4,  // a list in parentheses
  FLAG_PREFIX = 8   // ++$i, &f, do { } while
};

struct file {
  int fd, at_end;
  char *in;
  int in_at, in_used, in_room;
  char *out;
  int out_used;
  long line;
};

// A name: one thing of each sort may have it.
struct glob {
  const char *name;
  struct value *scalar;
  struct array *array;
  struct hash *hash;
  struct code *code;
  struct file *file;
};

struct code {
  const char *name;
  struct op *body;
  int slots, captures;
  int *from, *to; // captured: slot outside, slot inside
  void **captured;
};

struct frame {
  void **slot;
  unsigned char *used;
  struct array *args, returned;
  enum want want;
  struct frame *caller;
  struct code *code;
  int line;
};

enum leaving { STAYING, LEAVE_NEXT, LEAVE_LAST, LEAVE_RETURN };

struct handler { // of die: where to go on
  long registers[26];
  struct handler *outer;
  struct frame *frame;
  long saved;
};

struct interpreter {
  struct frame *frame;
  enum leaving leaving;
  const char *label; // of the loop that next or last means; 0: the innermost
  struct handler *handler;
  struct value error; // what was died with
  int line, warn, depth;
  const char *script;
  struct glob *topic, *a, *b, *at_error, *comma, *backslash, *quote, *os_error;
  struct file *standard[3], *selected;
  struct value matched; // text of the last match
  long at[2 * GROUPS];
  int groups;
  const struct pattern *last_pattern;
  struct hash *globs;
};
extern struct interpreter perl;

// jump.S
int save_here(long registers[26]) __attribute__((returns_twice));
void go_back(long registers[26]) __attribute__((noreturn));

// parse.c and its parts
struct op *parse_program(const char *text, const char *end);
struct op *parse_block(void);
struct op *parse_statements(char until);
struct op *parse_expression(void);
struct op *parse_assignment(void);
struct op *parse_interpolated(const char *s, const char *end, int pattern);
struct op *parse_variable(int interpolating);
struct op *parse_my(int local);
struct op *parse_sub(const char *name);
struct op *parse_quote_like(const char *name, size_t n);
struct op *parse_match(char open);
struct op *parse_substitution(void);
struct op *parse_translation(void);
struct op *parse_heredoc(void);
struct op *op_new(const struct op_info *info, int kids, ...);
void op_add_kid(struct op *o, struct op *kid);
struct op *constant_op(struct value v);

// lex.c: the text under the cursor
struct source {
  const char *s, *end, *begin;
  int line;
  const char *heredoc; // where the text of the next here-document begins
};
extern struct source src;
void skip_space(void);
int peek(void);
int looking_at(const char *text);
int accept(const char *text);
int accept_word(const char *word);
void expect(const char *text);
size_t word_length(void);
const char *take_word(size_t n);
const char *take_delimited(char open, size_t *n); // past the closing one
struct value unescape(const char *s, const char *end, int single);
void syntax_error(const char *what) __attribute__((noreturn));

// scope.c: names of `my` variables at parse time
void scope_enter(void);
void scope_leave(void);
int scope_declare(char sigil, const char *name);
int scope_find(char sigil, const char *name); // -1: none
void scope_begin_sub(void);
void scope_end_sub(struct code *code);
int scope_slots(void);

// glob.c
struct glob *glob_named(const char *name, size_t n);
struct glob *glob_of(const char *name);
struct value *glob_scalar(struct glob *g);
struct array *glob_array(struct glob *g);
struct hash *glob_hash(struct glob *g);

// run.c
static inline struct value eval(struct op *o) { return o->info->run(o); }
void eval_list(struct op *o, struct array *out);
struct value *cell_of(struct op *o);
void exec(struct op *o, struct array *out);
int condition(struct op *o);
struct array *array_of(struct op *o);
struct hash *hash_of_op(struct op *o);
struct array *arguments(struct op *o, int from);
struct value topic_or(struct op *o, int kid);
void assign_list(struct op *left, const struct array *values);
int is_list(const struct op *o);
int is_array(const struct op *o);
int is_hash(const struct op *o);

// call.c
void call(struct code *code, struct array *args, enum want want, struct array *result);
void die_value(struct value v) __attribute__((noreturn));
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void save_scalar(struct value **where);
long saved_count(void);
void restore_saved(long mark);
int attempt(void (*action)(void *with), void *with); // 1: it died

// warn.c and diagnostics, generated
struct diagnostic {
  const char *category, *text, *explanation;
};
extern const struct diagnostic diagnostics[];
extern const int diagnostic_count;
void warn_about(int diagnostic);                // if warnings are on
void warn_value(int diagnostic, struct value v); // the same, with the value's text
void warning(const char *text, size_t n);
int explain(const char *part);
struct value text_number(struct value v, int diagnostic); // of a string, or warns

// regex.c, format.c, io.c
struct value format_values(struct value format, const struct value *v, long n);
struct file *file_open(int fd);
struct file *file_of(struct op *o);
void file_write(struct file *f, const char *text, size_t n);
void file_flush(struct file *f);
int file_line(struct file *f, struct value *line);
void flush_all(void);
void match_remember(struct value text, const long *at, const struct pattern *p);

// operators, generated; tables of the builtins
void operators_init(void);
void operator_register(struct binary *b);
const struct binary *operator_at(const char *s, const char *end, int *length);
const struct op_info *builtin_named(const char *name, size_t n);
void builtins_init(void);
int signal_number(const char *name);
const char *signal_name(int number);
const char *error_text(int number);
int config_show(const char *key);
void perl_construct(int argc, char **argv, char **envp);
struct value not_a_number(void);

// Kinds of ops: optable.c
#define OP(name) extern const struct op_info op_##name;
#include "ops.h"
#undef OP

#endif
