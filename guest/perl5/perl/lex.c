// The text under the cursor: spaces, words, numbers, and what stands between
// delimiters. What a character means depends on where it stands (a `/` divides
// after a term and begins a pattern before one), so the parser asks, and there
// is no list of tokens.
#include "perl.h"

struct source src;

void syntax_error(const char *what) {
  char near[24];
  size_t n = 0;
  for (const char *s = src.s; s < src.end && *s != '\n' && n < sizeof near - 1; s++)
    near[n++] = *s;
  near[n] = 0;
  perl.line = src.line;
  die("%s at %s line %d, near \"%s\"\n", what, perl.script, src.line, near);
}

// At the end of a line: behind the here-documents that began on it.
static void newline(void) {
  src.line++;
  src.s++;
  if (src.heredoc) {
    for (const char *s = src.s; s < src.heredoc; s++)
      src.line += *s == '\n';
    src.s = src.heredoc;
    src.heredoc = 0;
  }
}

static void skip_pod(void) {
  while (src.s < src.end) {
    int cut = src.end - src.s >= 4 && !memcmp(src.s, "=cut", 4);
    while (src.s < src.end && *src.s != '\n')
      src.s++;
    if (src.s < src.end)
      newline();
    if (cut)
      return;
  }
}

void skip_space(void) {
  for (; src.s < src.end;) {
    char c = *src.s;
    if (c == '\n') {
      newline();
      if (src.s < src.end - 1 && *src.s == '=' && (src.s[1] | 32) >= 'a' && (src.s[1] | 32) <= 'z')
        skip_pod();
    } else if (c == ' ' || c == '\t' || c == '\r')
      src.s++;
    else if (c == '#')
      while (src.s < src.end && *src.s != '\n')
        src.s++;
    else
      return;
  }
}

int peek(void) {
  skip_space();
  return src.s < src.end ? (unsigned char)*src.s : 0;
}

int looking_at(const char *text) {
  skip_space();
  size_t n = strlen(text);
  return (size_t)(src.end - src.s) >= n && !memcmp(src.s, text, n);
}

int accept(const char *text) {
  if (!looking_at(text))
    return 0;
  src.s += strlen(text);
  return 1;
}

void expect(const char *text) {
  if (!accept(text))
    syntax_error("syntax error");
}

static int is_word(char c) { return (uni_class[(unsigned char)c] & UNI_WORD) != 0; }

size_t word_length(void) {
  skip_space();
  const char *s = src.s;
  if (s >= src.end || !is_word(*s) || (*s >= '0' && *s <= '9'))
    return 0;
  while (s < src.end && (is_word(*s) || (*s == ':' && src.end - s > 2 && s[1] == ':' && is_word(s[2]))))
    s += *s == ':' ? 2 : 1;
  return (size_t)(s - src.s);
}

const char *take_word(size_t n) {
  char *word = arena_take(n + 1);
  memcpy(word, src.s, n);
  src.s += n;
  return word;
}

int accept_word(const char *word) {
  size_t n = word_length();
  if (n != strlen(word) || memcmp(src.s, word, n))
    return 0;
  src.s += n;
  return 1;
}

static char closing(char open) {
  return open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : open == '<' ? '>' : open;
}

const char *take_delimited(char open, size_t *n) {
  const char *start = src.s;
  char close = closing(open);
  int depth = 1;
  for (; src.s < src.end; src.s++) {
    if (*src.s == '\n')
      src.line++;
    if (*src.s == '\\' && src.s + 1 < src.end)
      src.s++;
    else if (*src.s == close && --depth == 0) {
      *n = (size_t)(src.s++ - start);
      return start;
    } else if (*src.s == open && close != open)
      depth++;
  }
  src.s = start;
  syntax_error("Can't find string terminator");
}

static void unescape_one(struct value *out, const char **at, const char *end) {
  const char *s = *at;
  char c = *s++;
  switch (c) {
  case 'n':
    string_append_char(out, '\n');
    break;
  case 't':
    string_append_char(out, '\t');
    break;
  case 'r':
    string_append_char(out, '\r');
    break;
  case 'e':
    string_append_char(out, 27);
    break;
  case 'a':
    string_append_char(out, 7);
    break;
  case '0':
    string_append_char(out, 0);
    break;
  case 'x': {
    const char *digits = s, *stop;
    char bytes[4];
    if (s < end && *s == '{') {
      for (stop = ++digits; stop < end && *stop != '}'; stop++)
        ;
      s = stop + 1;
    } else {
      for (stop = s; stop < end && stop < digits + 2 && (is_word(*stop) && (*stop | 32) <= 'f');
           stop++)
        ;
      s = stop;
    }
    unsigned long value = digits_parse(digits, stop, 16);
    if (*digits && digits[-1] != '{' && value < 256) {
      string_append_char(out, (char)value);
      break;
    }
    string_append(out, bytes, (size_t)utf8_encode(bytes, (unsigned)value));
    break;
  }
  default:
    string_append_char(out, c);
  }
  *at = s;
}

struct value unescape(const char *s, const char *end, int single) {
  struct value out = string_empty((size_t)(end - s));
  while (s < end) {
    if (*s != '\\' || s + 1 == end) {
      string_append_char(&out, *s++);
      continue;
    }
    s++;
    if (single) {
      if (*s != '\\' && *s != '\'')
        string_append_char(&out, '\\');
      string_append_char(&out, *s++);
    } else
      unescape_one(&out, &s, end);
  }
  return out;
}
