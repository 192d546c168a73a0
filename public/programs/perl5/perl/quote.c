// What stands between quotes: strings with variables in them, patterns,
// substitutions, translations and here-documents.
#include "perl.h"

static int starts_variable(const char *s, const char *end, int pattern) {
  if (end - s < 2)
    return 0;
  unsigned char c = (unsigned char)s[1];
  if (*s == '@')
    return c == '{' || c == '$' || c == '_' || (c | 32) == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
  if (c == '#' && !pattern && end - s > 2)
    return s[2] == '{' || s[2] == '$' || (uni_class[(unsigned char)s[2]] & UNI_WORD);
  if (c == '{' || c == '$' || (uni_class[c] & UNI_WORD))
    return 1;
  return !pattern && (c == '&' || c == '!' || c == '@' || c == ',' || c == ';' || c == '/' || c == '\\');
}

struct op *parse_interpolated(const char *s, const char *end, int pattern) {
  struct op *all = op_new(&op_concat_list, 0);
  struct source saved = src;
  while (s < end) {
    const char *start = s;
    while (s < end && !((*s == '$' || *s == '@') && starts_variable(s, end, pattern)))
      s += *s == '\\' && s + 1 < end ? 2 : 1;
    if (s > start) {
      struct value text = pattern ? string_new(start, (size_t)(s - start)) : unescape(start, s, 0);
      op_add_kid(all, constant_op(text));
    }
    if (s >= end)
      break;
    src.s = s;
    src.end = end;
    op_add_kid(all, parse_variable(1));
    s = src.s;
  }
  src = saved;
  if (all->kids == 0)
    return constant_op(string_new("", 0));
  if (all->kids == 1 && all->kid[0]->info == &op_constant)
    return all->kid[0];
  return all;
}

static const char *letters(void) {
  size_t n = 0;
  while (src.s + n < src.end && src.s[n] >= 'a' && src.s[n] <= 'z')
    n++;
  return take_word(n);
}

// kid 0: the pattern's text; `text`: the letters behind it.
struct op *parse_match(char open) {
  size_t n;
  skip_space();
  src.s++;
  const char *s = take_delimited(open, &n);
  struct op *o = op_new(&op_match, 1,
                        open == '\'' ? constant_op(string_new(s, n))
                                     : parse_interpolated(s, s + n, 1));
  o->text = letters();
  return o;
}

static const char *second_part(char open, size_t *n) {
  if (open == '{' || open == '(' || open == '[' || open == '<') {
    open = (char)peek();
    src.s++;
  }
  return take_delimited(open, n);
}

static int has_letter(const char *text, char letter) {
  for (; *text; text++)
    if (*text == letter)
      return 1;
  return 0;
}

struct op *parse_substitution(void) {
  size_t n, m;
  char open = (char)peek();
  src.s++;
  int line = src.line;
  const char *s = take_delimited(open, &n), *r = second_part(open, &m), *flags = letters();
  struct op *o = op_new(&op_substitute, 1, parse_interpolated(s, s + n, 1));
  if (has_letter(flags, 'e')) {
    struct source saved = src;
    src.s = r;
    src.end = r + m;
    src.line = line;
    op_add_kid(o, parse_expression());
    src = saved;
  } else
    op_add_kid(o, parse_interpolated(r, r + m, 0));
  o->text = flags;
  return o;
}

struct op *parse_translation(void) {
  size_t n, m;
  char open = (char)peek();
  src.s++;
  const char *s = take_delimited(open, &n), *r = second_part(open, &m);
  struct op *o = op_new(&op_translate, 2, constant_op(unescape(s, s + n, 0)),
                        constant_op(unescape(r, r + m, 0)));
  o->text = letters();
  return o;
}

struct op *parse_quote_like(const char *name, size_t n) {
  size_t m;
  const char *before = src.s;
  src.s += n;
  char open = (char)peek();
  int is_word_open = (uni_class[(unsigned char)open] & UNI_WORD) != 0;
  if (is_word_open || open == '=' || open == ',' || open == 0) {
    src.s = before;
    return 0;
  }
  if (n == 1 && *name == 'm')
    return parse_match(open);
  if (n == 1 && *name == 's')
    return parse_substitution();
  if ((n == 1 && *name == 'y') || (n == 2 && !memcmp(name, "tr", 2)))
    return parse_translation();
  if (n == 2 && !memcmp(name, "qr", 2)) {
    struct op *o = parse_match(open);
    o->slot = 1; // the pattern itself
    return o;
  }
  int single = n == 1 && *name == 'q', doubled = n == 2 && !memcmp(name, "qq", 2);
  if (!single && !doubled) {
    src.s = before;
    return 0;
  }
  src.s++;
  const char *s = take_delimited(open, &m);
  return single ? constant_op(unescape(s, s + m, 1)) : parse_interpolated(s, s + m, 0);
}

struct op *parse_heredoc(void) {
  src.s += 2;
  int indented = accept("~"), single = looking_at("'"), quoted = single || looking_at("\"");
  src.s += quoted;
  size_t n = word_length();
  const char *tag = take_word(n);
  src.s += quoted;
  const char *body = src.heredoc;
  if (!body) {
    for (body = src.s; body < src.end && *body != '\n'; body++)
      ;
    body += body < src.end;
  }
  struct value text = string_empty(64);
  const char *line = body;
  while (line < src.end) {
    const char *stop = line, *first = line;
    while (stop < src.end && *stop != '\n')
      stop++;
    while (indented && first < stop && (*first == ' ' || *first == '\t'))
      first++;
    if ((size_t)(stop - first) == n && !memcmp(first, tag, n)) {
      src.heredoc = stop + (stop < src.end);
      return single ? constant_op(text) : parse_interpolated(text.s->text, text.s->text + text.len, 0);
    }
    string_append(&text, first, (size_t)(stop - first) + (stop < src.end));
    line = stop + 1;
  }
  syntax_error("Can't find here-document terminator");
}
