// Patterns at work: match, substitute, split, translate.
#include "../perl/perl.h"

static int has(const char *letters, char letter) {
  for (; letters && *letters; letters++)
    if (*letters == letter)
      return 1;
  return 0;
}

static int pattern_flags(const char *letters) {
  return (has(letters, 'i') ? PATTERN_CASELESS : 0) | (has(letters, 'm') ? PATTERN_LINES : 0) |
         (has(letters, 's') ? PATTERN_DOT_ALL : 0) | (has(letters, 'x') ? PATTERN_SPACED : 0);
}

// Compiled patterns by their text and flags: a variable pattern in a loop is
// compiled once.
static struct hash *compiled;

static struct pattern *compile(struct value text, int flags) {
  struct value key = string_new("", 0);
  const char *error;
  string_append_char(&key, (char)flags);
  string_append_value(&key, text);
  if (!compiled)
    compiled = hash_new();
  struct value *cell = hash_cell(compiled, key.s->text, key.len);
  if (cell->kind == UNDEF) {
    struct pattern *p = pattern_compile(text.s->text, text.len, flags, &error);
    if (!p) {
      char *shown = string_terminated(text);
      die("%s in regex; marked by <-- HERE in m/%s/ at %s line %d.\n", error, shown, perl.script, perl.line);
    }
    *cell = reference(TO_SCALAR, p);
  }
  return cell->p;
}

static struct pattern *pattern_of(struct op *o) {
  if (o->pattern)
    return o->pattern;
  struct pattern *p = compile(value_text(eval(o->kid[0])), pattern_flags(o->text));
  if (o->kid[0]->info == &op_constant)
    o->pattern = p;
  return p;
}

void match_remember(struct value text, const long *at, const struct pattern *p) {
  perl.matched = text;
  perl.groups = pattern_groups(p);
  perl.last_pattern = p;
  memcpy(perl.at, at, (size_t)perl.groups * 2 * sizeof *at);
}

static struct op *target_of(struct op *o) { return o->intro ? o->kid[o->kids - 1] : 0; }

static struct value *target_cell(struct op *o) {
  struct op *t = target_of(o);
  return t ? cell_of(t) : glob_scalar(perl.topic);
}
static struct value target_text(struct op *o) {
  struct op *t = target_of(o);
  return value_text(t ? eval(t) : *glob_scalar(perl.topic));
}

// pos(): where the next match with /g begins, kept with the variable's address.
static struct position {
  const void *cell;
  const struct buf *text;
  long at;
} positions[16];
static int next_position;

static struct position *position_of(const struct value *cell) {
  for (int i = 0; i < 16; i++)
    if (positions[i].cell == cell)
      return &positions[i];
  struct position *p = &positions[next_position++ & 15];
  *p = (struct position){.cell = cell};
  return p;
}

static void push_groups(struct array *out, struct value text, const long *at, int groups) {
  for (int i = groups > 1; i < groups; i++)
    array_push(out, at[2 * i] < 0 ? undef()
                                  : string_new(text.s->text + at[2 * i],
                                               (size_t)(at[2 * i + 1] - at[2 * i])));
}

static long after_match(const long *at) { return at[1] > at[0] ? at[1] : at[1] + 1; }

struct value match_run(struct op *o) {
  if (o->slot == 1 && !o->intro) { // qr//: flags in front, so that it can be part of another
    struct value s = string_of("(?^"), body = value_text(eval(o->kid[0]));
    string_append(&s, o->text, strlen(o->text));
    string_append_char(&s, ':');
    string_append_value(&s, body);
    string_append_char(&s, ')');
    return s;
  }
  struct pattern *p = pattern_of(o);
  long at[2 * GROUPS], from = 0;
  struct position *position = 0;
  struct value text;
  if (has(o->text, 'g') && (!target_of(o) || target_of(o)->info->cell)) {
    struct value *cell = target_cell(o);
    text = value_text(*cell);
    position = position_of(cell);
    from = position->text == text.s ? position->at : 0;
  } else
    text = target_text(o);
  int found = from <= (long)text.len && pattern_match(p, text.s->text, text.len, from, at);
  if (found)
    match_remember(text, at, p);
  if (position) {
    position->text = found ? text.s : 0;
    position->at = found ? after_match(at) : 0;
  }
  return truth(found != ((o->flags & FLAG_NEGATED) != 0));
}

void match_list(struct op *o, struct array *out) {
  if (o->slot == 1 || (o->flags & FLAG_NEGATED)) {
    array_push(out, match_run(o));
    return;
  }
  struct pattern *p = pattern_of(o);
  struct value text = target_text(o);
  long at[2 * GROUPS], from = 0;
  int global = has(o->text, 'g');
  while (from <= (long)text.len && pattern_match(p, text.s->text, text.len, from, at)) {
    match_remember(text, at, p);
    if (pattern_groups(p) > 1 || global)
      push_groups(out, text, at, pattern_groups(p));
    else
      array_push(out, whole(1));
    if (!global)
      return;
    from = after_match(at);
  }
}

struct value substitute_run(struct op *o) {
  struct pattern *p = pattern_of(o);
  struct value *cell = target_cell(o), text = value_text(*cell), out = string_empty(text.len + 16);
  long at[2 * GROUPS], from = 0, copied = 0, times = 0;
  int global = has(o->text, 'g');
  while (from <= (long)text.len && pattern_match(p, text.s->text, text.len, from, at)) {
    match_remember(text, at, p);
    string_append(&out, text.s->text + copied, (size_t)(at[0] - copied));
    string_append_value(&out, eval(o->kid[1]));
    copied = at[1];
    from = after_match(at);
    times++;
    if (!global)
      break;
  }
  if (times)
    string_append(&out, text.s->text + copied, text.len - (size_t)copied);
  if (has(o->text, 'r'))
    return times ? out : text;
  if (times)
    *cell = out;
  return times ? whole(times) : truth(0);
}

// "a-e" as the five letters.
static struct value spread(struct value v) {
  struct value out = string_empty(32);
  for (unsigned i = 0; i < v.len; i++) {
    const char *s = v.s->text;
    if (i + 2 < v.len && s[i + 1] == '-') {
      for (int c = (unsigned char)s[i]; c <= (unsigned char)s[i + 2]; c++)
        string_append_char(&out, (char)c);
      i += 2;
    } else
      string_append_char(&out, s[i]);
  }
  return out;
}

struct value translate_run(struct op *o) {
  struct value from = spread(o->kid[0]->v), to = spread(o->kid[1]->v);
  short map[256];
  int deletes = has(o->text, 'd'), squeeze = has(o->text, 's'), complement = has(o->text, 'c'), last = -1;
  for (int i = 0; i < 256; i++)
    map[i] = -1;
  if (to.len == 0 && !deletes)
    to = from;
  for (unsigned i = 0; i < from.len; i++) {
    short *m = &map[(unsigned char)from.s->text[i]];
    if (*m == -1)
      *m = i < to.len ? (short)(unsigned char)to.s->text[i]
           : deletes  ? -2
                      : (short)(unsigned char)to.s->text[to.len - 1];
  }
  if (complement)
    for (int i = 0; i < 256; i++)
      map[i] = map[i] != -1         ? -1
               : deletes            ? -2
               : o->kid[1]->v.len ? (short)(unsigned char)to.s->text[to.len - 1]
                                    : (short)i;
  struct value text = target_text(o), out = string_empty(text.len);
  long count = 0;
  for (unsigned i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.s->text[i];
    if (map[c] == -1) {
      string_append_char(&out, (char)c);
      last = -1;
      continue;
    }
    count++;
    if (map[c] >= 0 && !(squeeze && last == map[c]))
      string_append_char(&out, (char)map[c]);
    last = map[c];
  }
  if (has(o->text, 'r'))
    return out;
  if (count && !value_equal(text, out))
    *target_cell(o) = out;
  return whole(count);
}

void split_list(struct op *o, struct array *out) {
  static struct op space;
  if (!space.info)
    space = (struct op){.info = &op_constant, .v = string_of(" ")};
  struct op *by = o->kids ? o->kid[0] : &space;
  struct value text = value_text(topic_or(o, 1));
  long limit = o->kids > 2 ? value_long(eval(o->kid[2])) : 0, at[2 * GROUPS], from = 0, piece = 0;
  long first = out->count;
  int awk = by->info == &op_constant && value_equal(by->v, string_of(" "));
  struct pattern *p = awk ? compile(string_of("\\s+"), 0)
                      : by->info == &op_match && by->slot != 1 ? pattern_of(by)
                                              : compile(value_text(eval(by)), 0);
  if (awk)
    while (piece < (long)text.len && (uni_class[(unsigned char)text.s->text[piece]] & UNI_SPACE))
      from = ++piece;
  while (from < (long)text.len && (limit <= 0 || out->count - first < limit - 1) &&
         pattern_match(p, text.s->text, text.len, from, at)) {
    if (at[1] == at[0]) { // between two characters
      if (at[0] >= (long)text.len)
        break;
      if (at[0] == piece) {
        from++;
        if (at[0] == 0 && from == 1 && piece == 0 && text.len > 1) {
          at[0] = at[1] = 1;
          if (!pattern_match(p, text.s->text, text.len, 1, at) || at[0] >= (long)text.len)
            break;
        } else
          continue;
      }
    }
    if (!(at[1] == 0) && !(at[0] == 0 && at[1] > 0 && at[0] == at[1]))
      array_push(out, string_new(text.s->text + piece, (size_t)(at[0] - piece)));
    if (pattern_groups(p) > 1)
      push_groups(out, text, at, pattern_groups(p));
    piece = at[1];
    from = at[1] > at[0] ? at[1] : at[1] + 1;
  }
  if (text.len)
    array_push(out, string_new(text.s->text + piece, text.len - (size_t)piece));
  if (limit == 0)
    while (out->count > first && (out->at[out->count - 1].kind == UNDEF || out->at[out->count - 1].len == 0))
      out->count--;
}
struct value split_run(struct op *o) {
  struct array all = {0};
  split_list(o, &all);
  return whole(all.count);
}

// join, and pos
struct value pos_run(struct op *o) {
  struct value *cell = o->kids ? cell_of(o->kid[0]) : glob_scalar(perl.topic);
  struct position *p = position_of(cell);
  return p->text && p->text == cell->s ? whole(p->at) : undef();
}
struct value quotemeta_run(struct op *o) {
  struct value s = value_text(topic_or(o, 0)), out = string_empty(s.len * 2);
  for (unsigned i = 0; i < s.len; i++) {
    char c = s.s->text[i];
    if (!(uni_class[(unsigned char)c] & UNI_WORD) && (unsigned char)c < 128)
      string_append_char(&out, '\\');
    string_append_char(&out, c);
  }
  return out;
}
