// Statements: blocks, loops and conditions, and what may stand behind an
// expression.
#include "perl.h"

static struct op *statement(void);

struct op *parse_statements(char until) {
  struct op *block = op_new(&op_block, 0);
  scope_enter();
  for (;;) {
    int c = peek();
    if (c == 0 && !until)
      break;
    if (c == until && until)
      break;
    if (c == 0)
      syntax_error("Missing right curly");
    if (c == '}')
      syntax_error("Unmatched right curly bracket");
    if (looking_at("__END__") || looking_at("__DATA__")) {
      while (src.s < src.end && *src.s != '\n')
        src.s++;
      struct file *data = file_open(-1);
      data->in = (char *)src.s + (src.s < src.end);
      data->in_used = (int)(src.end - data->in);
      data->at_end = 1;
      glob_of("DATA")->file = data;
      src.s = src.end;
      break;
    }
    struct op *s = statement();
    if (s)
      op_add_kid(block, s);
  }
  scope_leave();
  return block;
}

struct op *parse_block(void) {
  expect("{");
  struct op *block = parse_statements('}');
  expect("}");
  return block;
}

static struct op *parenthesised(void) {
  expect("(");
  struct op *o = parse_expression();
  expect(")");
  return o;
}

static struct op *if_statement(int negated) {
  struct op *test = parenthesised();
  struct op *o = op_new(&op_if, 2, negated ? op_new(&op_not, 1, test) : test, parse_block());
  if (accept_word("elsif"))
    op_add_kid(o, if_statement(0));
  else if (accept_word("else"))
    op_add_kid(o, parse_block());
  return o;
}

static struct op *foreach_statement(struct op *variable) {
  expect("(");
  struct op *list = op_new(&op_list, 0);
  if (!accept(")")) {
    op_add_kid(list, parse_expression());
    expect(")");
  }
  return op_new(&op_foreach, 3, variable, list, parse_block());
}

static struct op *for_statement(void) {
  if (accept_word("my")) {
    expect("$");
    struct op *v = op_new(&op_my_scalar, 0);
    v->slot = scope_declare('$', take_word(word_length()));
    return foreach_statement(v);
  }
  if (looking_at("$")) {
    struct op *v = parse_variable(0);
    return foreach_statement(v);
  }
  expect("(");
  struct op *first = looking_at(";")   ? op_new(&op_nothing, 0)
                     : looking_at(")") ? op_new(&op_list, 0)
                                       : parse_expression();
  if (accept(")")) {
    struct op *topic = op_new(&op_scalar, 0);
    topic->glob = perl.topic;
    return op_new(&op_foreach, 3, topic, op_new(&op_list, 1, first), parse_block());
  }
  expect(";");
  struct op *test = looking_at(";") ? constant_op(whole(1)) : parse_expression();
  expect(";");
  struct op *step = looking_at(")") ? op_new(&op_nothing, 0) : parse_expression();
  expect(")");
  return op_new(&op_for, 4, first, test, step, parse_block());
}

// while (<FH>) means while (defined($_ = <FH>)), and so with a variable.
static struct op *loop_test(struct op *test) {
  const struct op_info *defined = builtin_named("defined", 7);
  if (test->info == &op_read_line) {
    struct op *topic = op_new(&op_scalar, 0);
    topic->glob = perl.topic;
    return op_new(defined, 1, op_new(&op_assign, 2, topic, test));
  }
  if (test->info == &op_assign && (test->kid[1]->info == &op_read_line ||
                                   !strcmp(test->kid[1]->info->name, "shift")))
    return op_new(defined, 1, test);
  return test;
}

static struct op *while_statement(int negated) {
  expect("(");
  struct op *test = looking_at(")") ? constant_op(whole(1)) : loop_test(parse_expression());
  expect(")");
  struct op *o = op_new(&op_while, 2, negated ? op_new(&op_not, 1, test) : test, parse_block());
  if (accept_word("continue"))
    op_add_kid(o, parse_block());
  return o;
}

static struct op *modifiers(struct op *o) {
  for (;;) {
    if (accept_word("if"))
      o = op_new(&op_if, 2, parse_expression(), o);
    else if (accept_word("unless"))
      o = op_new(&op_if, 2, op_new(&op_not, 1, parse_expression()), o);
    else if (accept_word("while"))
      o = op_new(&op_while, 2, loop_test(parse_expression()), o);
    else if (accept_word("until"))
      o = op_new(&op_while, 2, op_new(&op_not, 1, parse_expression()), o);
    else if (accept_word("foreach") || accept_word("for")) {
      struct op *topic = op_new(&op_scalar, 0);
      topic->glob = perl.topic;
      o = op_new(&op_foreach, 3, topic, op_new(&op_list, 1, parse_expression()), o);
    } else
      return o;
    if (o->info == &op_while && o->kid[1]->info == &op_do_block)
      o->flags |= FLAG_PREFIX; // do { } while: the block first
  }
}

static void use_statement(int on) {
  if (accept_word("warnings"))
    perl.warn = on;
  while (src.s < src.end && *src.s != ';')
    src.s++;
  expect(";");
}

static struct op *labelled(const char *label) {
  struct op *o = statement();
  if (o)
    o->text = label;
  return o;
}

// { where a statement begins: does a hash follow? { word => or { $name => or { "text" =>
static int hash_follows(void) {
  const char *s = src.s + 1;
  while (s < src.end && (*s == ' ' || *s == '\n'))
    s++;
  const char *first = s;
  if (s < src.end && (*s == '$' || *s == '"' || *s == '\''))
    s++;
  while (s < src.end && (uni_class[(unsigned char)*s] & UNI_WORD))
    s++;
  if (s < src.end && s > first && (*s == '"' || *s == '\''))
    s++;
  while (s < src.end && *s == ' ')
    s++;
  return s > first && src.end - s > 1 && s[0] == '=' && s[1] == '>';
}

static struct op *statement(void) {
  int c = peek(), line = src.line;
  if (c == ';') {
    src.s++;
    return 0;
  }
  if (c == '{' && !hash_follows())
    return op_new(&op_for, 4, op_new(&op_nothing, 0), constant_op(undef()),
                  op_new(&op_nothing, 0), parse_block());
  size_t n = word_length();
  struct op *o = 0;
  if (n > 0 && src.s[0] >= 'A' && src.s[0] <= 'Z') {
    const char *s = src.s + n;
    while (s < src.end && *s == ' ')
      s++;
    if (s + 1 < src.end && *s == ':' && s[1] != ':') {
      const char *label = take_word(n);
      expect(":");
      return labelled(label);
    }
    if (accept_word("BEGIN") || accept_word("END"))
      return parse_block();
  }
  if (accept_word("use"))
    return use_statement(1), (struct op *)0;
  if (accept_word("no"))
    return use_statement(0), (struct op *)0;
  if (accept_word("package")) {
    take_word(word_length());
    expect(";");
    return 0;
  }
  const char *before = src.s;
  if (accept_word("sub") && word_length())
    return parse_sub(take_word(word_length()));
  src.s = before;
  scope_enter();
  if (accept_word("if"))
    o = if_statement(0);
  else if (accept_word("unless"))
    o = if_statement(1);
  else if (accept_word("while"))
    o = while_statement(0);
  else if (accept_word("until"))
    o = while_statement(1);
  else if (accept_word("foreach") || accept_word("for"))
    o = for_statement();
  scope_leave();
  if (!o) {
    o = modifiers(parse_expression());
    if (peek() != '}' && peek() != 0)
      expect(";");
  }
  o->line = line;
  return o;
}

struct op *parse_program(const char *text, const char *end) {
  src = (struct source){.s = text, .end = end, .begin = text, .line = 1};
  if (end - text > 1 && text[0] == '#' && text[1] == '!')
    skip_space();
  return parse_statements(0);
}
