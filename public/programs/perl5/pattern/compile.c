// Text of a pattern -> nodes. A descent by precedence: alternatives, sequences,
// a piece with its quantifier, an atom.
#include "../scalar/scalar.h"
#include "node.h"

struct compiler {
  const char *s, *end, *error;
  struct pattern *p;
  int flags;
};

static struct node *alternatives(struct compiler *c);

static struct node *node(enum node_type type) {
  struct node *n = arena_take(sizeof *n);
  n->type = type;
  return n;
}

static void set_byte(struct set *set, unsigned byte) { set->bits[byte >> 5] |= 1u << (byte & 31); }

static void set_range(struct set *set, unsigned first, unsigned last, int fold) {
  for (unsigned b = first; b <= last && b < 256; b++) {
    set_byte(set, b);
    if (fold && b < 128) {
      set_byte(set, uni_upper(b));
      set_byte(set, uni_lower(b));
    }
  }
}

// \d \w \s and their opposites into a set.
static void set_escape(struct set *set, char letter) {
  unsigned char mask = (letter | 32) == 'd'   ? UNI_DIGIT
                       : (letter | 32) == 'w' ? UNI_WORD
                                              : UNI_SPACE;
  int wanted = letter >= 'a';
  for (unsigned b = 0; b < 256; b++)
    if (((uni_class[b] & mask) != 0) == wanted)
      set_byte(set, b);
}

static int is_class_letter(char l) {
  return l == 'd' || l == 'D' || l == 'w' || l == 'W' || l == 's' || l == 'S';
}

static void set_property(struct compiler *c, struct set *set, int negated) {
  const char *name = c->s, *stop = name;
  if (name < c->end && *name == '{') {
    for (stop = ++name; stop < c->end && *stop != '}'; stop++)
      ;
    c->s = stop + 1;
  } else {
    stop = ++c->s;
  }
  const struct uni_property *p = uni_property(name, (size_t)(stop - name));
  if (!p || set->properties == 4) {
    c->error = "Can't find Unicode property definition";
    return;
  }
  set->property[set->properties] = p;
  set->property_negated[set->properties++] = (char)negated;
  for (unsigned b = 0; b < 128; b++)
    if (uni_is(p, b) != negated)
      set_byte(set, b);
}

static unsigned escaped(struct compiler *c) {
  char letter = *c->s++;
  switch (letter) {
  case 'n':
    return '\n';
  case 't':
    return '\t';
  case 'r':
    return '\r';
  case 'f':
    return '\f';
  case 'e':
    return 27;
  case 'x': {
    unsigned value = 0;
    for (int i = 0; i < 2 && c->s < c->end; i++, c->s++) {
      char d = *c->s;
      if (d >= '0' && d <= '9')
        value = value * 16 + (unsigned)(d - '0');
      else if ((d | 32) >= 'a' && (d | 32) <= 'f')
        value = value * 16 + (unsigned)((d | 32) - 'a') + 10;
      else
        break;
    }
    return value;
  }
  default:
    return (unsigned char)letter;
  }
}

static const struct {
  const char *name;
  unsigned char mask;
} posix[] = {{"alpha", UNI_UPPER | UNI_LOWER}, {"digit", UNI_DIGIT}, {"space", UNI_SPACE},
             {"upper", UNI_UPPER},             {"lower", UNI_LOWER}, {"punct", UNI_PUNCT},
             {"word", UNI_WORD},               {"alnum", UNI_UPPER | UNI_LOWER | UNI_DIGIT}};

static int set_posix(struct compiler *c, struct set *set) {
  for (size_t i = 0; i < sizeof posix / sizeof *posix; i++) {
    size_t n = strlen(posix[i].name);
    if ((size_t)(c->end - c->s) < n + 4 || memcmp(c->s + 2, posix[i].name, n) || c->s[n + 2] != ':')
      continue;
    for (unsigned b = 0; b < 128; b++)
      if (uni_class[b] & posix[i].mask)
        set_byte(set, b);
    c->s += n + 4;
    return 1;
  }
  return 0;
}

static struct node *bracket(struct compiler *c) {
  struct node *n = node(NODE_CLASS);
  struct set *set = n->set = arena_take(sizeof *set);
  int first = 1;
  if (c->s < c->end && *c->s == '^')
    set->negated = 1, c->s++;
  for (; c->s < c->end && (*c->s != ']' || first); first = 0) {
    if (*c->s == '[' && c->s + 1 < c->end && c->s[1] == ':' && set_posix(c, set))
      continue;
    unsigned from = (unsigned char)*c->s++;
    if (from == '\\' && c->s < c->end) {
      if (is_class_letter(*c->s)) {
        set_escape(set, *c->s++);
        continue;
      }
      if ((*c->s | 32) == 'p') {
        int negated = *c->s++ == 'P';
        set_property(c, set, negated);
        continue;
      }
      from = *c->s == 'b' ? (c->s++, 8u) : escaped(c);
    }
    unsigned to = from;
    if (c->end - c->s > 1 && *c->s == '-' && c->s[1] != ']') {
      to = (unsigned char)*++c->s;
      c->s++;
      if (to == '\\')
        to = escaped(c);
      if (to < from)
        c->error = "Invalid [] range";
    }
    set_range(set, from, to, c->flags & PATTERN_CASELESS);
  }
  if (c->s >= c->end)
    c->error = "Unmatched [";
  else
    c->s++;
  return n;
}

static struct node *simple(enum node_type type, struct compiler *c) {
  struct node *n = node(type);
  n->multiline = (c->flags & PATTERN_LINES) != 0;
  return n;
}

static struct node *literal(struct compiler *c, unsigned byte) {
  struct node *n = node(c->flags & PATTERN_CASELESS ? NODE_TEXT_FOLD : NODE_TEXT);
  char *text = arena_take(2);
  text[0] = (char)byte;
  n->text = text;
  n->length = 1;
  return n;
}

static struct node *escape(struct compiler *c) {
  if (c->s >= c->end) {
    c->error = "Trailing \\";
    return node(NODE_END);
  }
  char letter = *c->s;
  if (is_class_letter(letter) || (letter | 32) == 'p') {
    struct node *n = node(NODE_CLASS);
    n->set = arena_take(sizeof *n->set);
    c->s++;
    if ((letter | 32) == 'p')
      set_property(c, n->set, letter == 'P');
    else
      set_escape(n->set, letter);
    return n;
  }
  if (letter >= '1' && letter <= '9') {
    struct node *n = node(NODE_BACK);
    n->index = letter - '0';
    c->s++;
    return n;
  }
  c->s++;
  switch (letter) {
  case 'b':
    return node(NODE_WORD_EDGE);
  case 'B':
    return node(NODE_WORD_INNER);
  case 'A':
    return node(NODE_TEXT_START);
  case 'z':
    return node(NODE_TEXT_END);
  case 'Z':
    return node(NODE_LINE_END);
  }
  c->s--;
  return literal(c, escaped(c));
}

// Appends to the end of a chain of nodes.
static void chain(struct node **first, struct node **last, struct node *n) {
  if (*last)
    (*last)->next = n;
  else
    *first = n;
  while (n->next)
    n = n->next;
  *last = n;
}

static void name_group(struct compiler *c, int index, char close) {
  struct group_name *g = arena_take(sizeof *g);
  g->name = c->s;
  while (c->s < c->end && *c->s != close)
    c->s++;
  g->length = (size_t)(c->s++ - g->name);
  g->index = index;
  g->next = c->p->names;
  c->p->names = g;
}

static struct node *look(struct compiler *c, enum node_type type, int skip) {
  c->s += skip;
  struct node *n = node(type);
  n->child = alternatives(c);
  return n;
}

static struct node *group(struct compiler *c) {
  int capture = 1, saved = c->flags;
  struct node *n = 0;
  if (c->end - c->s > 1 && *c->s == '?') {
    char kind = c->s[1], after = c->end - c->s > 2 ? c->s[2] : 0;
    capture = 0;
    if (kind == '=')
      n = look(c, NODE_AHEAD, 2);
    else if (kind == '!')
      n = look(c, NODE_NOT_AHEAD, 2);
    else if (kind == '<' && after == '=')
      n = look(c, NODE_BEHIND, 3);
    else if (kind == '<' && after == '!')
      n = look(c, NODE_NOT_BEHIND, 3);
    else if (kind == '<') {
      c->s += 2;
      capture = 1;
      name_group(c, c->p->groups, '>');
    } else {
      for (c->s++; c->s < c->end && *c->s != ':' && *c->s != ')'; c->s++)
        c->flags |= *c->s == 'i'   ? PATTERN_CASELESS
                    : *c->s == 'm' ? PATTERN_LINES
                    : *c->s == 's' ? PATTERN_DOT_ALL
                    : *c->s == 'x' ? PATTERN_SPACED
                                   : 0;
      if (c->s < c->end && *c->s == ')') { // to the end of the enclosing group
        c->s++;
        return 0;
      }
      c->s++;
    }
  }
  if (!n) {
    struct node *first = 0, *last = 0;
    int index = capture ? c->p->groups++ : 0;
    if (index >= GROUPS)
      c->error = "Too many groups";
    if (capture)
      chain(&first, &last, node(NODE_OPEN));
    struct node *inner = alternatives(c);
    if (inner)
      chain(&first, &last, inner);
    if (capture) {
      chain(&first, &last, node(NODE_CLOSE));
      first->index = last->index = index;
    }
    n = first ? first : literal(c, 0);
    if (!first)
      n->length = 0;
  }
  if (c->s >= c->end || *c->s != ')')
    c->error = "Unmatched (";
  c->s++;
  c->flags = saved;
  return n;
}

static void skip_spaces(struct compiler *c) {
  if (!(c->flags & PATTERN_SPACED))
    return;
  while (c->s < c->end) {
    if (*c->s == '#')
      while (c->s < c->end && *c->s != '\n')
        c->s++;
    else if (*c->s == ' ' || (*c->s >= '\t' && *c->s <= '\r'))
      c->s++;
    else
      return;
  }
}

static struct node *atom(struct compiler *c) {
  unsigned char byte = (unsigned char)*c->s++;
  switch (byte) {
  case '.':
    return node(c->flags & PATTERN_DOT_ALL ? NODE_ANY_NL : NODE_ANY);
  case '^':
    return simple(NODE_LINE_START, c);
  case '$':
    return simple(NODE_LINE_END, c);
  case '[':
    return bracket(c);
  case '(':
    return group(c);
  case '\\':
    return escape(c);
  case '*':
  case '+':
  case '?':
    c->error = "Quantifier follows nothing";
    return node(NODE_END);
  default:
    return literal(c, byte);
  }
}

static int count(struct compiler *c) {
  int n = 0;
  while (c->s < c->end && *c->s >= '0' && *c->s <= '9')
    n = n * 10 + (*c->s++ - '0');
  return n;
}

// {3} {3,} {3,5}; anything else in braces stands for itself.
static int braces(struct compiler *c, int *min, int *max) {
  const char *before = c->s++;
  int digits = c->s < c->end && *c->s >= '0' && *c->s <= '9';
  *min = *max = count(c);
  if (c->s < c->end && *c->s == ',') {
    c->s++;
    *max = c->s < c->end && *c->s != '}' ? count(c) : -1;
  }
  if (digits && c->s < c->end && *c->s == '}') {
    c->s++;
    return 1;
  }
  c->s = before;
  return 0;
}

static int is_single(const struct node *n) {
  if (n->next)
    return 0;
  return n->type == NODE_ANY || n->type == NODE_ANY_NL || n->type == NODE_CLASS ||
         ((n->type == NODE_TEXT || n->type == NODE_TEXT_FOLD) && n->length == 1);
}

static struct node *quantified(struct compiler *c, struct node *n) {
  for (;;) {
    int min, max;
    skip_spaces(c);
    if (c->s >= c->end)
      return n;
    if (*c->s == '*')
      min = 0, max = -1, c->s++;
    else if (*c->s == '+')
      min = 1, max = -1, c->s++;
    else if (*c->s == '?')
      min = 0, max = 1, c->s++;
    else if (*c->s != '{' || !braces(c, &min, &max))
      return n;
    struct node *repeat = node(is_single(n) ? NODE_REPEAT : NODE_LOOP);
    repeat->min = min;
    repeat->max = max < 0 ? 0x7fffffff : max;
    repeat->greedy = 1;
    if (c->s < c->end && (*c->s == '?' || *c->s == '+'))
      repeat->greedy = *c->s++ != '?';
    repeat->child = n;
    if (repeat->type == NODE_LOOP) {
      struct node *back = node(NODE_LOOP_END), *last = n;
      repeat->index = c->p->loops++;
      back->child = repeat;
      while (last->next)
        last = last->next;
      last->next = back;
    }
    n = repeat;
  }
}

// Neighbouring bytes without quantifiers become one text.
static int merge(struct node *last, const struct node *n) {
  if (!last || last->type != n->type || n->next ||
      (n->type != NODE_TEXT && n->type != NODE_TEXT_FOLD))
    return 0;
  char *text = arena_take(last->length + n->length);
  memcpy(text, last->text, last->length);
  memcpy(text + last->length, n->text, n->length);
  last->text = text;
  last->length += n->length;
  return 1;
}

static struct node *sequence(struct compiler *c) {
  struct node *first = 0, *last = 0;
  for (;;) {
    skip_spaces(c);
    if (c->error || c->s >= c->end || *c->s == '|' || *c->s == ')')
      break;
    struct node *n = atom(c);
    if (n)
      n = quantified(c, n);
    if (n && !merge(last, n))
      chain(&first, &last, n);
  }
  if (!first)
    first = literal(c, 0), first->length = 0;
  return first;
}

// Every chain of `n` and its alternatives goes on with `next`.
static void continue_with(struct node *n, struct node *next) {
  while (n->next)
    n = n->next;
  n->next = next;
}

static struct node *alternatives(struct compiler *c) {
  struct node *first = sequence(c);
  if (c->s >= c->end || *c->s != '|')
    return first;
  struct node *join = literal(c, 0), *branch = node(NODE_BRANCH), *top = branch;
  join->length = 0;
  branch->child = first;
  while (c->s < c->end && *c->s == '|') {
    c->s++;
    struct node *other = node(NODE_BRANCH);
    other->child = sequence(c);
    branch->other = other;
    branch = other;
  }
  for (struct node *b = top; b; b = b->other)
    continue_with(b->child, join);
  top->next = 0;
  // The chain of a branch runs through `join`: what follows is hung there.
  struct node *wrap = node(NODE_BRANCH);
  *wrap = *top;
  wrap->next = join;
  wrap->index = 1;
  return wrap;
}

// Which bytes can a match begin with?
static void first_bytes(struct pattern *p, const struct node *n) {
  for (; n; n = n->next) {
    switch (n->type) {
    case NODE_OPEN:
    case NODE_CLOSE:
    case NODE_WORD_EDGE:
      continue;
    case NODE_TEXT:
      if (!n->length)
        continue;
      p->first[(unsigned char)*n->text >> 5] |= 1u << (*n->text & 31);
      return;
    case NODE_CLASS:
      for (int i = 0; i < 8; i++)
        p->first[i] |= n->set->negated ? ~n->set->bits[i] : n->set->bits[i];
      for (int i = 4; n->set->properties && i < 8; i++)
        p->first[i] = ~0u;
      return;
    case NODE_BRANCH:
      for (const struct node *b = n; b; b = b->other)
        first_bytes(p, b->child);
      return;
    case NODE_REPEAT:
    case NODE_LOOP:
      if (n->min > 0) {
        first_bytes(p, n->child);
        return;
      }
      p->any_first = 1;
      return;
    default:
      p->any_first = 1;
      return;
    }
  }
  p->any_first = 1;
}

struct pattern *pattern_compile(const char *text, size_t n, int flags, const char **error) {
  struct pattern *p = arena_take(sizeof *p);
  char *copy = arena_take(n + 1);
  memcpy(copy, text, n);
  struct compiler c = {copy, copy + n, 0, p, flags};
  p->groups = 1;
  p->flags = flags;
  p->start = alternatives(&c);
  if (!c.error && c.s < c.end)
    c.error = "Unmatched )";
  *error = c.error;
  if (c.error)
    return 0;
  continue_with(p->start, node(NODE_END));
  const struct node *start = p->start;
  p->anchored = start->type == NODE_TEXT_START || (start->type == NODE_LINE_START && !start->multiline);
  first_bytes(p, start);
  return p;
}

int pattern_groups(const struct pattern *p) { return p->groups; }

int pattern_named(const struct pattern *p, const char *name, size_t n) {
  for (const struct group_name *g = p->names; g; g = g->next)
    if (g->length == n && !memcmp(g->name, name, n))
      return g->index;
  return 0;
}
