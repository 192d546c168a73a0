// Expressions, by precedence: the parser of an operator asks for operands that
// bind tighter, and goes on while operators of its own level follow.
#include "perl.h"

enum { LEVEL_LIST = 0, LEVEL_ASSIGN = 1, LEVEL_TERNARY, LEVEL_RANGE, LEVEL_OR, LEVEL_AND,
       LEVEL_COMPARE = 9, LEVEL_UNARY = 10, LEVEL_MATCH = 14, LEVEL_POWER = 16 };

static struct op *parse_binary(int level);
static struct op *parse_unary(void);

struct op *op_new(const struct op_info *info, int kids, ...) {
  struct op *o = arena_take(sizeof *o);
  va_list args;
  o->info = info;
  o->line = src.line;
  va_start(args, kids);
  for (int i = 0; i < kids; i++)
    op_add_kid(o, va_arg(args, struct op *));
  va_end(args);
  return o;
}

void op_add_kid(struct op *o, struct op *kid) {
  if ((o->kids & (o->kids + 1)) == 0 || !o->kid) { // room is a power of two, less one
    struct op **more = arena_take((size_t)(2 * o->kids + 1) * sizeof *more);
    memcpy(more, o->kid, (size_t)o->kids * sizeof *more);
    o->kid = more;
  }
  o->kid[o->kids++] = kid;
}

struct op *constant_op(struct value v) {
  struct op *o = op_new(&op_constant, 0);
  o->v = v;
  return o;
}

static struct op *binary_op(const struct binary *b, struct op *l, struct op *r) {
  struct op *o = op_new(&op_binary, 2, l, r);
  o->binary = b;
  if (b->value && b->symbol[0] == 'x' && (l->flags & FLAG_PARENS))
    o->info = &op_repeat_list;
  else if (l->info == &op_my_scalar && r->info == &op_my_scalar && !l->intro && !r->intro)
    o->info = &op_binary_mine;
  else if (l->info == &op_my_scalar && r->info == &op_constant && !l->intro &&
           (r->v.kind == INT || r->v.kind == NUM || r->v.kind == STR)) {
    o->info = &op_binary_constant;
    o->slot = r->v.kind == INT ? CONSTANT_INT : r->v.kind == NUM ? CONSTANT_NUM : CONSTANT_STR;
  }
  return o;
}

static struct op *assign_op(struct op *l, struct op *r) {
  if (l->info == &op_list || (l->info == &op_slice) || l->info == &op_hash_slice)
    return op_new(&op_assign_list, 2, l, r);
  if (is_array(l) || is_hash(l) || (l->info == &op_local && is_list(l->kid[0])))
    return op_new(l->info == &op_local ? &op_assign_list : &op_assign_array, 2, l, r);
  return op_new(&op_assign, 2, l, r);
}

static struct op *number_literal(void) {
  const char *s = src.s;
  if (src.end - s > 1 && *s == '0' && ((s[1] | 32) == 'x' || (s[1] | 32) == 'b')) {
    for (s += 2; s < src.end && (uni_class[(unsigned char)*s] & UNI_WORD); s++)
      ;
    unsigned long v = digits_parse(src.s + 2, s, (src.s[1] | 32) == 'x' ? 16 : 2);
    src.s = s;
    return constant_op(value_unsigned(v));
  }
  char digits[64];
  size_t n = 0;
  for (int seen = 0; s < src.end && n < sizeof digits - 1; s++) {
    if (*s == '_')
      continue;
    int range = *s == '.' && s + 1 < src.end && s[1] == '.';
    int sign = (*s == '-' || *s == '+') && n && (digits[n - 1] | 32) == 'e';
    if (range || (*s == '.' && seen) || !((*s >= '0' && *s <= '9') || *s == '.' || (*s | 32) == 'e' || sign))
      break;
    if ((*s | 32) == 'e' &&
        !(s + 1 < src.end && ((s[1] >= '0' && s[1] <= '9') || s[1] == '-' || s[1] == '+')))
      break;
    seen |= *s == '.';
    digits[n++] = *s;
  }
  src.s = s;
  if (n > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '7')
    return constant_op(value_unsigned(digits_parse(digits, digits + n, 8)));
  struct parsed p = number_parse(digits, digits + n);
  return constant_op(p.is == FRACTION ? number(p.fraction) : value_unsigned((unsigned long)p.whole));
}

static struct op *variable_named(char sigil, const char *name) {
  int slot = scope_find(sigil, name);
  const struct op_info *lexical = sigil == '$' ? &op_my_scalar : sigil == '@' ? &op_my_array : &op_my_hash;
  const struct op_info *global = sigil == '$' ? &op_scalar : sigil == '@' ? &op_array : &op_hash;
  struct op *o = op_new(slot >= 0 ? lexical : global, 0);
  o->slot = slot;
  o->text = name;
  if (slot < 0) {
    o->glob = glob_of(name);
    o->flags |= FLAG_GLOBAL;
  }
  return o;
}

// In { }: a word stands for itself, everything else is an expression.
static struct op *hash_key(void) {
  skip_space();
  size_t n = word_length();
  const char *s = src.s + n;
  int minus = 0;
  if (!n && src.s < src.end && *src.s == '-') {
    minus = 1;
    src.s++;
    n = word_length();
    s = src.s + n;
  }
  while (s < src.end && *s == ' ')
    s++;
  if (n && s < src.end && *s == '}') {
    struct op *o = constant_op(string_new(src.s - minus, n + (size_t)minus));
    src.s = s + 1;
    return o;
  }
  src.s -= minus;
  struct op *key = parse_expression();
  expect("}");
  return key;
}

static struct op *subscript_array(struct op *array) {
  struct op *index = parse_expression();
  expect("]");
  return op_new(&op_element, 2, array, index);
}

static int subscript_follows(int interpolating) {
  if (!interpolating)
    return peek();
  if (src.s >= src.end)
    return 0;
  if (*src.s == '{')
    return '{';
  if (*src.s != '[' || src.end - src.s < 2)
    return 0;
  char c = src.s[1];
  return c == '$' || c == '-' || (c >= '0' && c <= '9') ? '[' : 0;
}

static struct op *arrows(struct op *o, int interpolating, int subscripted) {
  for (;;) {
    const char *before = src.s;
    int arrow = interpolating ? src.end - src.s > 2 && src.s[0] == '-' && src.s[1] == '>' &&
                                    (src.s[2] == '[' || src.s[2] == '{')
                              : looking_at("->");
    if (arrow)
      src.s += 2;
    if (!arrow && !subscripted)
      return o;
    int next = subscript_follows(interpolating && !arrow);
    if (next == '[') {
      src.s++;
      o = subscript_array(op_new(&op_deref_array, 1, o));
    } else if (next == '{') {
      src.s++;
      o = op_new(&op_hash_element, 2, op_new(&op_deref_hash, 1, o), hash_key());
    } else if (next == '(' && !interpolating) {
      src.s++;
      o = op_new(&op_call_ref, 1, o);
      if (!accept(")")) {
        op_add_kid(o, parse_expression());
        expect(")");
      }
    } else if (arrow && accept("@*"))
      o = op_new(&op_deref_array, 1, o);
    else if (arrow && accept("%*"))
      o = op_new(&op_deref_hash, 1, o);
    else {
      src.s = before;
      return o;
    }
    subscripted = 1;
  }
}

// After a sigil: a name, or what is to be dereferenced.
static const char *name_after_sigil(struct op **reference, int interpolating) {
  static const char special[] = "&!@/\\,;.0\"";
  *reference = 0;
  if (!interpolating)
    skip_space();
  if (src.s >= src.end)
    syntax_error("syntax error");
  char c = *src.s;
  if (c == '$') {
    int more = src.end - src.s > 1 && (src.s[1] == '$' || src.s[1] == '{' || src.s[1] == '_' ||
                                       (uni_class[(unsigned char)src.s[1]] & UNI_WORD));
    if (!more)
      return take_word(1); // $$
    src.s++;
    struct op *inner;
    const char *name = name_after_sigil(&inner, interpolating);
    *reference = name ? variable_named('$', name) : op_new(&op_deref_scalar, 1, inner);
    return 0;
  }
  if (c == '{') {
    src.s++;
    size_t n = word_length();
    if (n && src.s[n] == '}') {
      const char *name = take_word(n);
      src.s++;
      return name;
    }
    while (*src.s != '{') // word_length may have gone over spaces
      src.s--;
    *reference = parse_block();
    struct op *block = *reference;
    if (block->kids == 1 && !block->kid[0]->info->exec) // @{ $x{y} } may have to make the array
      *reference = block->kid[0];
    else
      block->info = &op_do_block;
    return 0;
  }
  size_t n = 0;
  if (c >= '0' && c <= '9') {
    while (src.s + n < src.end && src.s[n] >= '0' && src.s[n] <= '9')
      n++;
    return take_word(n);
  }
  n = uni_class[(unsigned char)c] & UNI_WORD ? word_length() : 0;
  if (n)
    return take_word(n);
  for (const char *s = special; *s; s++)
    if (*s == c)
      return take_word(1);
  syntax_error("syntax error");
}

static struct op *array_op(const char *name, struct op *ref) {
  return name ? variable_named('@', name) : op_new(&op_deref_array, 1, ref);
}

static struct op *hash_op(const char *name, struct op *ref) {
  return name ? variable_named('%', name) : op_new(&op_deref_hash, 1, ref);
}

static struct op *scalar_variable(int interpolating) {
  struct op *ref, *o;
  if (src.end - src.s > 1 && *src.s == '#' && (src.s[1] == '{' || src.s[1] == '$' ||
                                               (uni_class[(unsigned char)src.s[1]] & UNI_WORD))) {
    src.s++;
    const char *name = name_after_sigil(&ref, interpolating);
    return op_new(&op_last_index, 1, array_op(name, ref));
  }
  const char *name = name_after_sigil(&ref, interpolating);
  int next = subscript_follows(interpolating);
  if (next == '[') {
    src.s++;
    return arrows(subscript_array(array_op(name, ref)), interpolating, 1);
  }
  if (next == '{') {
    src.s++;
    o = op_new(&op_hash_element, 2, hash_op(name, ref), hash_key());
    return arrows(o, interpolating, 1);
  }
  if (!name)
    o = op_new(&op_deref_scalar, 1, ref);
  else if ((*name >= '1' && *name <= '9') || !strcmp(name, "&")) {
    o = op_new(&op_capture, 0);
    o->slot = (int)digits_parse(name, name + strlen(name), 10);
  } else
    o = variable_named('$', name);
  return arrows(o, interpolating, 0);
}

struct op *parse_variable(int interpolating) {
  char sigil = *src.s++;
  struct op *ref;
  if (sigil == '$')
    return scalar_variable(interpolating);
  const char *name = name_after_sigil(&ref, interpolating);
  if (sigil == '%')
    return hash_op(name, ref);
  int next = subscript_follows(interpolating);
  if (next == '[') {
    src.s++;
    struct op *o = op_new(&op_slice, 2, array_op(name, ref), parse_expression());
    expect("]");
    return o;
  }
  if (next == '{') {
    src.s++;
    return op_new(&op_hash_slice, 2, hash_op(name, ref), hash_key());
  }
  return array_op(name, ref);
}

static struct op *my_variable(int global) {
  char sigil = (char)peek();
  if (sigil != '$' && sigil != '@' && sigil != '%')
    syntax_error("No such variable");
  src.s++;
  const char *name = take_word(word_length());
  struct op *o = op_new(sigil == '$' ? &op_my_scalar : sigil == '@' ? &op_my_array : &op_my_hash, 0);
  o->text = name;
  if (global) {
    o->info = sigil == '$' ? &op_scalar : sigil == '@' ? &op_array : &op_hash;
    o->glob = glob_of(name);
    return o;
  }
  o->intro = 1;
  o->slot = -1 - sigil; // a slot once the statement is read: `my $x = $x`
  return o;
}

static void declare(struct op *o) {
  if (o->intro)
    o->slot = scope_declare((char)(-1 - o->slot), o->text);
}

struct op *parse_my(int global) {
  if (!accept("(")) {
    struct op *o = my_variable(global);
    declare(o);
    return o;
  }
  struct op *list = op_new(&op_list, 0);
  list->flags |= FLAG_PARENS;
  while (!accept(")")) {
    if (accept_word("undef"))
      op_add_kid(list, constant_op(undef()));
    else {
      struct op *o = my_variable(global);
      declare(o);
      op_add_kid(list, o);
    }
    if (!accept(",") && !looking_at(")"))
      syntax_error("syntax error");
  }
  return list;
}

static struct op *anonymous_hash(void) {
  struct op *o = op_new(&op_new_hash, 0);
  if (!accept("}")) {
    op_add_kid(o, parse_expression());
    expect("}");
  }
  return o;
}

struct op *parse_sub(const char *name) {
  struct code *code = arena_take(sizeof *code);
  code->name = name;
  scope_begin_sub();
  scope_enter();
  struct op *parameters = 0;
  if (looking_at("(")) {
    const char *s = src.s + 1;
    while (s < src.end && *s == ' ')
      s++;
    if (src.end - s > 1 && (uni_class[(unsigned char)s[1]] & UNI_WORD))
      parameters = parse_my(0); // ($x, @rest): a signature
    else { // ($$@): how calls were to be read; the arguments come all the same
      size_t n;
      src.s++;
      take_delimited('(', &n);
    }
  }
  code->body = parse_block();
  if (parameters) {
    struct op *args = op_new(&op_array, 0), *body = op_new(&op_block, 0);
    args->glob = glob_of("_");
    op_add_kid(body, op_new(&op_assign_list, 2, parameters, args));
    op_add_kid(body, code->body);
    code->body = body;
  }
  scope_leave();
  scope_end_sub(code);
  struct op *o = op_new(name ? &op_sub : &op_anonymous_sub, 0);
  o->code = code;
  if (name)
    o->glob = glob_of(name);
  return o;
}

static int begins_term(void) {
  int c = peek();
  if (c == 0 || c == ')' || c == ']' || c == '}' || c == ';' || c == ',' || c == ':' || c == '?' ||
      c == '=' || c == '|' || c == '.' || c == '*' || c == '>' || c == '^')
    return 0;
  if (c == '<')
    return src.end - src.s > 1 &&
           (src.s[1] == '$' || src.s[1] == '<' || (src.s[1] >= 'A' && src.s[1] <= 'Z'));
  if (c == '&' || c == '/' || c == '%' || c == '+' || c == '-')
    return src.end - src.s > 1 && src.s[1] != ' ' && src.s[1] != '&' && src.s[1] != '=';
  if (c == '!')
    return src.end - src.s > 1 && src.s[1] != '=' && src.s[1] != '~';
  static const char *const words[] = {"if", "unless", "while", "until", "for", "foreach", "or",
                                      "and", "x", "eq", "ne", "lt", "gt", "le", "ge", "cmp", "xor"};
  size_t n = word_length();
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (n == strlen(words[i]) && !memcmp(src.s, words[i], n))
      return 0;
  return 1;
}

static void add_arguments(struct op *o, struct op *list) {
  if (list->info == &op_list && !list->intro)
    for (int i = 0; i < list->kids; i++)
      op_add_kid(o, list->kid[i]);
  else
    op_add_kid(o, list);
}

// print {$fh} LIST, print STDERR LIST, print $fh LIST
static void file_argument(struct op *o) {
  const char *before = src.s;
  int c = peek();
  size_t n = word_length();
  o->slot = 0;
  if (c == '{') {
    src.s++;
    op_add_kid(o, parse_expression());
    expect("}");
    o->slot = 1;
    return;
  }
  if (n && src.s[0] >= 'A' && src.s[0] <= 'Z' && (src.s[n] == ' ' || src.s[n] == ';') &&
      !builtin_named(src.s, n)) {
    const char *s = src.s;
    int upper = 1;
    for (size_t i = 0; i < n; i++)
      upper &= !(s[i] >= 'a' && s[i] <= 'z');
    if (upper) {
      op_add_kid(o, constant_op(reference(TO_FILE, glob_of(take_word(n)))));
      o->slot = 1;
      return;
    }
  }
  if (c == '$' && src.end - src.s > 1) {
    src.s++;
    n = word_length();
    const char *s = src.s + n;
    if (n && s + 1 < src.end && *s == ' ' &&
        (s[1] == '"' || s[1] == '$' || s[1] == '\'' || s[1] == '@' ||
         ((s[1] | 32) >= 'a' && (s[1] | 32) <= 'z' && s[1] != 'x' && memcmp(s + 1, "if", 2) &&
          memcmp(s + 1, "for", 3) && memcmp(s + 1, "eq", 2) && memcmp(s + 1, "un", 2)))) {
      op_add_kid(o, variable_named('$', take_word(n)));
      o->slot = 1;
      return;
    }
  }
  src.s = before;
}

static struct op *block_list(const struct op_info *info) { // sort, map, grep
  struct op *o = op_new(info, 0);
  int parens = accept("(");
  struct op *body = 0;
  if (looking_at("{")) {
    body = parse_block();
    body->info = &op_do_block;
    accept(",");
  } else if (info == &op_sort) {
    size_t n = word_length();
    const char *s = src.s + n;
    while (s < src.end && *s == ' ')
      s++;
    if (n && s < src.end && (*s == '@' || *s == '$' || (*s | 32) == 'k') && !builtin_named(src.s, n))
      body = op_new(&op_call, 0), body->glob = glob_of(take_word(n));
    else if (looking_at("$") && src.s[1] != '_') {
      struct op *v = parse_variable(0);
      if (accept(","))
        syntax_error("syntax error");
      body = op_new(&op_call_ref, 1, v);
    }
  } else {
    body = parse_assignment();
    expect(",");
  }
  op_add_kid(o, body);
  struct op *list = op_new(&op_list, 0);
  if (parens ? !looking_at(")") : begins_term())
    add_arguments(list, parse_expression());
  if (parens)
    expect(")");
  op_add_kid(o, list);
  return o;
}

static struct op *function(const struct op_info *info) {
  if (info == &op_sort || info == &op_map || info == &op_grep)
    return block_list(info);
  struct op *o = op_new(info, 0);
  int prints = info == &op_print || info == &op_printf || info == &op_say;
  if (looking_at("(")) {
    src.s++;
    if (prints)
      file_argument(o);
    if (!accept(")")) {
      add_arguments(o, parse_expression());
      expect(")");
    }
  } else if (info->most != 0) {
    if (prints)
      file_argument(o);
    if (begins_term() && !(info->unary && looking_at("//"))) {
      if (info->unary)
        op_add_kid(o, parse_binary(LEVEL_UNARY));
      else {
        struct op *list = op_new(&op_list, 0);
        do {
          int c = peek();
          if (c == ')' || c == ']' || c == '}' || c == ';' || c == 0) // a comma at the end
            break;
          op_add_kid(list, parse_assignment());
        } while (accept("=>") || accept(","));
        add_arguments(o, list);
      }
    }
  }
  if (!prints && info->most >= 0 && (o->kids > info->most || o->kids < info->least)) {
    static char text[96];
    const char *how = o->kids > info->most ? "Too many arguments for " : "Not enough arguments for ";
    memcpy(text, how, strlen(how) + 1);
    memcpy(text + strlen(text), info->name, strlen(info->name) + 1);
    syntax_error(text);
  }
  return o;
}

static struct op *call_named(const char *name) {
  struct op *o = op_new(&op_call, 0);
  o->glob = glob_of(name);
  if (accept("(")) {
    if (!accept(")")) {
      add_arguments(o, parse_expression());
      expect(")");
    }
  } else if (begins_term())
    add_arguments(o, parse_expression());
  return o;
}

static struct op *qw_list(void) {
  size_t n;
  char open = (char)peek();
  src.s++;
  const char *s = take_delimited(open, &n), *end = s + n;
  struct op *list = op_new(&op_list, 0);
  list->flags |= FLAG_PARENS;
  while (s < end) {
    while (s < end && (uni_class[(unsigned char)*s] & UNI_SPACE))
      s++;
    const char *word = s;
    while (s < end && !(uni_class[(unsigned char)*s] & UNI_SPACE))
      s++;
    if (s > word)
      op_add_kid(list, constant_op(string_new(word, (size_t)(s - word))));
  }
  return list;
}

static struct op *leaving(const struct op_info *info) {
  struct op *o = op_new(info, 0);
  size_t n = word_length();
  if (info == &op_return) {
    if (begins_term())
      op_add_kid(o, parse_expression());
  } else if (n && src.s[0] >= 'A' && src.s[0] <= 'Z')
    o->text = take_word(n);
  return o;
}

static struct op *word(void) {
  size_t n = word_length();
  const char *s = src.s + n;
  while (s < src.end && (*s == ' ' || *s == '\n'))
    s++;
  if (src.end - s > 1 && s[0] == '=' && s[1] == '>')
    return constant_op(string_of(take_word(n)));
  int quote = s < src.end && *s != ',' && *s != ';' && *s != ')' &&
              !(src.end - s > 1 && s[0] == '=' && s[1] != '=');
  if (quote && n <= 2) {
    struct op *o = parse_quote_like(src.s, n);
    if (o)
      return o;
  }
  if (accept_word("qw"))
    return qw_list();
  if (accept_word("my") || accept_word("state"))
    return parse_my(0);
  if (accept_word("our"))
    return parse_my(1);
  if (accept_word("local"))
    return op_new(&op_local, 1, parse_unary());
  if (accept_word("sub"))
    return parse_sub(0);
  if (accept_word("return"))
    return leaving(&op_return);
  if (accept_word("next"))
    return leaving(&op_next);
  if (accept_word("last"))
    return leaving(&op_last);
  if (n == 2 && !memcmp(src.s, "do", 2) && *s == '{') {
    src.s += 2;
    struct op *o = parse_block();
    o->info = &op_do_block;
    return o;
  }
  if (n == 4 && !memcmp(src.s, "eval", 4) && *s == '{') {
    src.s += 4;
    return op_new(&op_eval_block, 1, parse_block());
  }
  if (accept_word("__FILE__"))
    return constant_op(string_of(perl.script));
  if (accept_word("__LINE__"))
    return constant_op(whole(src.line));
  if (accept_word("__PACKAGE__"))
    return constant_op(string_of("main"));
  int upper = n > 0;
  for (size_t i = 0; i < n; i++)
    upper &= (src.s[i] >= 'A' && src.s[i] <= 'Z') || src.s[i] == '_';
  if (upper && s < src.end && *s != '(' && !(src.end - s > 1 && s[0] == ':' && s[1] == ':')) // a file handle
    return constant_op(reference(TO_FILE, glob_of(take_word(n))));
  const struct op_info *info = builtin_named(src.s, n);
  const char *name = take_word(n);
  if (info)
    return function(info);
  if (looking_at("::"))
    src.s += 2;
  return call_named(name);
}

static struct op *angle(void) { // <STDIN> <$fh> <>
  src.s++;
  struct op *o = op_new(&op_read_line, 0);
  if (*src.s == '$') {
    src.s++;
    op_add_kid(o, variable_named('$', take_word(word_length())));
  } else {
    size_t n = word_length();
    op_add_kid(o, constant_op(reference(TO_FILE, glob_of(n ? take_word(n) : "STDIN"))));
  }
  expect(">");
  return o;
}

static struct op *parenthesised(void) {
  struct op *list = op_new(&op_list, 0);
  if (!accept(")")) {
    add_arguments(list, parse_expression());
    expect(")");
  }
  list->flags |= FLAG_PARENS;
  if (accept("[")) {
    struct op *o = op_new(&op_slice, 2, op_new(&op_deref_array, 1, op_new(&op_new_array, 1, list)),
                          parse_expression());
    expect("]");
    return o;
  }
  return list;
}

static struct op *primary(void) {
  int c = peek();
  size_t n;
  switch (c) {
  case '$':
  case '@':
    return parse_variable(0);
  case '%':
    return parse_variable(0);
  case '&': {
    src.s++;
    struct op *ref;
    const char *name = name_after_sigil(&ref, 0);
    if (name) {
      struct op *o = call_named(name);
      o->flags |= FLAG_PREFIX;
      return o;
    }
    struct op *o = op_new(&op_call_ref, 1, ref);
    if (accept("(") && !accept(")")) {
      op_add_kid(o, parse_expression());
      expect(")");
    }
    return o;
  }
  case '(':
    src.s++;
    return parenthesised();
  case '[': {
    src.s++;
    struct op *o = op_new(&op_new_array, 0);
    if (!accept("]")) {
      op_add_kid(o, parse_expression());
      expect("]");
    }
    return o;
  }
  case '{':
    src.s++;
    return anonymous_hash();
  case '"': {
    src.s++;
    const char *s = take_delimited('"', &n);
    return parse_interpolated(s, s + n, 0);
  }
  case '\'': {
    src.s++;
    const char *s = take_delimited('\'', &n);
    return constant_op(unescape(s, s + n, 1));
  }
  case '/':
    return parse_match('/');
  case '<':
    return looking_at("<<") ? parse_heredoc() : angle();
  }
  if ((c >= '0' && c <= '9') || (c == '.' && src.s[1] >= '0' && src.s[1] <= '9'))
    return number_literal();
  if (word_length())
    return word();
  syntax_error("syntax error");
}

static struct op *postfix(void) {
  int subscripts;
  struct op *o = primary();
  subscripts = o->info == &op_call_ref;
  o = arrows(o, 0, subscripts);
  const struct op_info *step = looking_at("++") ? &op_increment : looking_at("--") ? &op_decrement : 0;
  if (step) {
    src.s += 2;
    o = op_new(step, 1, o);
  }
  return o;
}

static struct op *power(void) {
  struct op *o = postfix();
  int n;
  if (looking_at("**") && !looking_at("**=")) {
    const struct binary *b = operator_at(src.s, src.end, &n);
    src.s += 2;
    o = binary_op(b, o, parse_unary());
  }
  return o;
}

static struct op *file_test(void) {
  static const char tests[] = "edfrwxsz";
  for (const char *t = tests; *t; t++)
    if (src.s[1] == *t && src.end - src.s > 2 && !(uni_class[(unsigned char)src.s[2]] & UNI_WORD) &&
        src.s[2] != '=' && src.s[2] != '}') {
      src.s += 2;
      struct op *o = op_new(&op_file_test, 1, parse_unary());
      o->slot = *t;
      return o;
    }
  return 0;
}

static struct op *parse_unary(void) {
  int c = peek();
  struct op *o;
  if (c == '!' && !looking_at("!~")) {
    src.s++;
    return op_new(&op_not, 1, parse_unary());
  }
  if (c == '~') {
    src.s++;
    return op_new(&op_complement, 1, parse_unary());
  }
  if (c == '\\') {
    src.s++;
    return op_new(&op_make_ref, 1, parse_unary());
  }
  if (looking_at("++") || looking_at("--")) {
    const struct op_info *step = c == '+' ? &op_increment : &op_decrement;
    src.s += 2;
    o = op_new(step, 1, parse_unary());
    o->flags |= FLAG_PREFIX;
    return o;
  }
  if (c == '+') {
    src.s++;
    return parse_unary();
  }
  if (c == '-') {
    if ((o = file_test()))
      return o;
    src.s++;
    return op_new(&op_negate, 1, parse_unary());
  }
  return power();
}

static struct op *match_against(struct op *left, int negated) {
  struct op *right = parse_unary();
  if (right->info != &op_match && right->info != &op_substitute && right->info != &op_translate) {
    struct op *m = op_new(&op_match, 1, right); // a pattern made at run time
    m->slot = 0;
    m->text = "";
    right = m;
  }
  if (left->info == &op_list && left->kids == 1) // (my $copy = $text) =~ s/...//
    left = left->kid[0];
  // The target stands last.
  op_add_kid(right, left);
  right->intro = 1; // it has one
  if (negated)
    right->flags |= FLAG_NEGATED;
  return right;
}

static struct op *parse_binary(int level) {
  struct op *left = parse_unary();
  for (;;) {
    int length, c = peek();
    if (c == 0 || c == ';' || c == ')')
      return left;
    if (level <= LEVEL_MATCH && (looking_at("=~") || looking_at("!~"))) {
      src.s += 2;
      left = match_against(left, c == '!');
      continue;
    }
    if (looking_at("&&") || looking_at("||") || looking_at("//")) {
      int own = c == '&' ? LEVEL_AND : LEVEL_OR;
      if (level > own || (src.end - src.s > 2 && src.s[2] == '='))
        return left;
      src.s += 2;
      const struct op_info *info = c == '&' ? &op_and : c == '|' ? &op_or : &op_defined_or;
      left = op_new(info, 2, left, parse_binary(own + 1));
      continue;
    }
    if (looking_at("..")) {
      if (level > LEVEL_RANGE)
        return left;
      src.s += 2;
      accept(".");
      left = op_new(&op_range, 2, left, parse_binary(LEVEL_RANGE + 1));
      continue;
    }
    const struct binary *b = operator_at(src.s, src.end, &length);
    if (!b || b->precedence < level)
      return left;
    const char *after = src.s + length;
    if (b->assign && after < src.end && *after == '=' &&
        !(after + 1 < src.end && (after[1] == '=' || after[1] == '~')))
      return left;
    src.s = after;
    left = binary_op(b, left, parse_binary(b->precedence + 1));
  }
}

static struct op *ternary(void) {
  struct op *o = parse_binary(LEVEL_RANGE);
  if (!looking_at("?"))
    return o;
  src.s++;
  struct op *yes = parse_assignment();
  expect(":");
  return op_new(&op_ternary, 3, o, yes, parse_assignment());
}

struct op *parse_assignment(void) {
  struct op *left = ternary();
  int length;
  if (looking_at("=") && !looking_at("==") && !looking_at("=~") && !looking_at("=>")) {
    src.s++;
    return assign_op(left, parse_assignment());
  }
  if (looking_at("&&=") || looking_at("||=") || looking_at("//=")) {
    int c = peek();
    src.s += 3;
    const struct op_info *info = c == '&' ? &op_and_assign : c == '|' ? &op_or_assign : &op_defined_assign;
    return op_new(info, 2, left, parse_assignment());
  }
  const struct binary *b = operator_at(src.s, src.end, &length);
  if (b && b->assign && src.s[length] == '=' && src.s[length + 1] != '=') {
    src.s += length + 1;
    struct op *o = op_new(&op_binary_assign, 2, left, parse_assignment());
    o->binary = b;
    if (left->info == &op_my_scalar && o->kid[1]->info == &op_my_scalar && !left->intro)
      o->info = &op_mine_assign;
    return o;
  }
  return left;
}

static struct op *comma_list(void) {
  struct op *first = parse_assignment();
  if (!looking_at(",") && !looking_at("=>"))
    return first;
  struct op *list = op_new(&op_list, 1, first);
  while (accept(",") || accept("=>")) {
    int c = peek();
    if (c == ')' || c == ']' || c == '}' || c == ';' || c == 0)
      break;
    if (c == ',')
      continue;
    op_add_kid(list, parse_assignment());
  }
  return list;
}

static struct op *logical_not(void) {
  return accept_word("not") ? op_new(&op_not, 1, logical_not()) : comma_list();
}

static struct op *logical_and(void) {
  struct op *o = logical_not();
  while (accept_word("and"))
    o = op_new(&op_and, 2, o, logical_not());
  return o;
}

struct op *parse_expression(void) {
  struct op *o = logical_and();
  for (;;) {
    if (accept_word("or"))
      o = op_new(&op_or, 2, o, logical_and());
    else
      return o;
  }
}
