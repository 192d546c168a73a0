// cpp: comments out, included files in, macros that are words replaced.
//
// It knows #include "file", #define NAME text, #ifndef NAME and #endif; any other line
// that begins with # goes away. A header is looked for beside the file that names it,
// then, without its folder, where that file is.
#include "compile.h"

enum { DEEP = 16 };
static int skipping; // conditions that do not hold, of those we are in

static const char *word_end(const char *at) {
  while (is_word(*at))
    at++;
  return at;
}

static void expand(struct text *out, const char *at, const char *end, int depth);

static void put_word(struct text *out, const char *at, size_t length, int depth) {
  struct symbol *s = symbol_of(at, length);
  if (s->text && depth < DEEP)
    expand(out, s->text, s->text + s->text_length, depth + 1);
  else
    put_bytes(out, at, length);
}

// A literal's end, behind its second quote.
static const char *literal_end(const char *at, const char *end) {
  char quote = *at++;
  for (; at < end && *at != quote && *at != '\n'; at++)
    at += *at == '\\';
  return at < end ? at + 1 : end;
}

static void expand(struct text *out, const char *at, const char *end, int depth) {
  while (at < end) {
    if (is_word(*at)) {
      const char *behind = word_end(at);
      put_word(out, at, (size_t)(behind - at), depth);
      at = behind;
    } else if (*at == '"' || *at == '\'') {
      const char *behind = literal_end(at, end);
      put_bytes(out, at, (size_t)(behind - at));
      at = behind;
    } else {
      const char *first = at;
      while (at < end && !is_word(*at) && *at != '"' && *at != '\'')
        at++;
      put_bytes(out, first, (size_t)(at - first));
    }
  }
}

static int include(struct text *out, const char *path, int depth);

// `name` beside `path`: with its folder, then without.
static void include_beside(struct text *out, const char *path, const char *name,
                           size_t length, int depth) {
  size_t folder = 0;
  for (size_t i = 0; path[i]; i++)
    if (path[i] == '/')
      folder = i + 1;
  char *other = have(malloc(folder + length + 1));
  for (int tries = 0; tries < 2; tries++) {
    memcpy(other, path, folder);
    memcpy(other + folder, name, length);
    other[folder + length] = 0;
    if (include(out, other, depth + 1))
      break;
    const char *last = name;
    for (size_t i = 0; i < length; i++)
      if (name[i] == '/')
        last = name + i + 1;
    length -= (size_t)(last - name);
    name = last;
  }
  free(other);
}

static int starts(const char *at, const char *word) {
  return !memcmp(at, word, strlen(word));
}

// A line that begins with #, from the character behind it.
static void directive(struct text *out, const char *at, const char *end,
                      const char *path, int depth) {
  if (starts(at, "if")) {
    const char *name = at + 7;
    int holds = starts(at, "ifndef ") &&
                !symbol_of(name, (size_t)(word_end(name) - name))->text;
    skipping += skipping > 0 || !holds;
  } else if (starts(at, "endif")) {
    skipping -= skipping > 0;
  } else if (skipping) {
    return;
  } else if (starts(at, "define ")) {
    const char *name = at + 7, *behind = word_end(name);
    if (*behind == '(')
      return;
    struct symbol *s = symbol_of(name, (size_t)(behind - name));
    s->text = behind;
    s->text_length = (size_t)(end - behind);
  } else if (starts(at, "include \"") && depth < DEEP) {
    const char *name = at + 9, *behind = literal_end(at + 8, end) - 1;
    include_beside(out, path, name, (size_t)(behind - name), depth);
  }
}

// The text without comments. Macros point into it: it stays until the end.
static void strip(struct text *text) {
  char *to = text->bytes;
  for (const char *at = to, *end = at + text->length; at < end;) {
    if (at[0] == '/' && at[1] == '/') {
      while (at < end && *at != '\n')
        at++;
    } else if (at[0] == '/' && at[1] == '*') {
      for (at += 2; at < end && !(at[-1] == '*' && at[0] == '/'); at++)
        ;
      at++;
    } else if (*at == '"' || *at == '\'') {
      for (const char *behind = literal_end(at, end); at < behind;)
        *to++ = *at++;
    } else {
      *to++ = *at++;
    }
  }
  *to = 0;
  text->length = (size_t)(to - text->bytes);
}

static int include(struct text *out, const char *path, int depth) {
  struct text text;
  if (!read_text(&text, path))
    return 0;
  strip(&text);
  for (const char *at = text.bytes, *last = at + text.length; at < last;) {
    const char *end = at;
    while (end < last && *end != '\n')
      end++;
    if (*at == '#')
      directive(out, at + 1, end, path, depth);
    else if (!skipping && end > at) {
      expand(out, at, end, 0);
      put_bytes(out, "\n", 1);
    }
    at = end + 1;
  }
  return 1;
}

int preprocess(int words, char **word) {
  struct text out = {0, 0, 0};
  if (!include(&out, word[1], 0)) {
    complain("cpp", "cannot read ", word[1]);
    return 1;
  }
  return !write_text(&out, word[words - 1]);
}
