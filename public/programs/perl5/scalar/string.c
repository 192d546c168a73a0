// Strings: bytes with a length. Appending to one is cheap when nothing else has
// been appended to the same text before.
#include "scalar.h"

struct value string_empty(size_t room) {
  struct buf *b = arena_take(sizeof *b + room);
  b->room = room;
  return (struct value){.kind = STR, .s = b};
}

struct value string_new(const char *text, size_t n) {
  struct value s = string_empty(n);
  memcpy(s.s->text, text, n);
  s.s->used = s.len = (unsigned)n;
  return s;
}

struct value string_of(const char *text) { return string_new(text, strlen(text)); }

void string_append(struct value *s, const char *text, size_t n) {
  struct buf *b = s->s;
  if (b->used != s->len || b->room - b->used < n) {
    size_t room = (s->len + n) * 2 < 32 ? 32 : (s->len + n) * 2;
    struct value longer = string_empty(room);
    memcpy(longer.s->text, b->text, s->len);
    longer.s->used = longer.len = s->len;
    *s = longer;
    b = longer.s;
  }
  memcpy(b->text + b->used, text, n);
  b->used += n;
  s->len += (unsigned)n;
}

void string_append_char(struct value *s, char c) { string_append(s, &c, 1); }

void string_append_value(struct value *s, struct value v) {
  v = value_text(v);
  string_append(s, v.s->text, v.len);
}

struct value string_join(struct value between, const struct value *parts, long n) {
  between = value_text(between);
  struct value s = string_empty(32);
  for (long i = 0; i < n; i++) {
    if (i)
      string_append(&s, between.s->text, between.len);
    string_append_value(&s, parts[i]);
  }
  return s;
}

struct value string_repeat(struct value s, long times) {
  s = value_text(s);
  struct value all = string_empty(times > 0 ? s.len * (size_t)times : 0);
  for (long i = 0; i < times; i++)
    string_append(&all, s.s->text, s.len);
  return all;
}

struct value string_reverse(struct value s) {
  s = value_text(s);
  struct value back = string_empty(s.len);
  for (unsigned i = s.len; i > 0; i--)
    string_append_char(&back, s.s->text[i - 1]);
  return back;
}

static int stands_at(struct value s, struct value part, long at) {
  return memcmp(s.s->text + at, part.s->text, part.len) == 0;
}

long string_index(struct value s, struct value part, long from) {
  s = value_text(s), part = value_text(part);
  for (long at = from < 0 ? 0 : from; at + (long)part.len <= (long)s.len; at++)
    if (stands_at(s, part, at))
      return at;
  return -1;
}

long string_rindex(struct value s, struct value part, long from) {
  s = value_text(s), part = value_text(part);
  long last = (long)s.len - (long)part.len;
  for (long at = from < last ? from : last; at >= 0; at--)
    if (stands_at(s, part, at))
      return at;
  return -1;
}

char *string_terminated(struct value s) {
  s = value_text(s);
  char *copy = arena_take(s.len + 1);
  memcpy(copy, s.s->text, s.len);
  return copy;
}

struct value string_increment(struct value s) {
  struct value next = string_new(s.s->text, s.len);
  for (long i = (long)s.len - 1; i >= 0; i--) {
    char *c = &next.s->text[i];
    if (*c != 'z' && *c != 'Z' && *c != '9') {
      ++*c;
      return next;
    }
    *c = *c == 'z' ? 'a' : *c == 'Z' ? 'A' : '0';
  }
  char first = s.s->text[0] == '9' ? '1' : s.s->text[0] == 'z' ? 'a' : 'A';
  struct value longer = string_new(&first, 1);
  string_append_value(&longer, next);
  return longer;
}
