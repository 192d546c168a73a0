// Matching: node after node; where there is a choice, each in turn, and what a
// failed choice has noted of groups and loops is put back.
#include "node.h"

struct matcher {
  const char *text, *end;
  long *at;
  struct {
    int count;
    const char *last; // where this turn of the loop began
  } loop[GROUPS];
  int depth;
};

enum { DEEPEST = 20000 };
static unsigned long steps;

unsigned long pattern_steps(void) { return steps; }

static int try(struct matcher *m, const struct node *n, const char *s);

int set_takes(const struct set *set, const char *s, const char *end) {
  if (s >= end)
    return 0;
  unsigned char byte = (unsigned char)*s;
  if (byte < 128 || !set->properties)
    return ((set->bits[byte >> 5] >> (byte & 31)) & 1) != (unsigned)set->negated;
  const char *after = s;
  unsigned c = utf8_decode(&after, end);
  int in = 0;
  for (int i = 0; i < set->properties; i++)
    in |= uni_is(set->property[i], c) != set->property_negated[i];
  return in != set->negated ? (int)(after - s) : 0;
}

static int is_word(const struct matcher *m, const char *s) {
  return s >= m->text && s < m->end && (uni_class[(unsigned char)*s] & UNI_WORD);
}

// Length of what a node takes of the text that is one character long, or 0.
static int one(const struct matcher *m, const struct node *n, const char *s) {
  if (s >= m->end)
    return 0;
  switch (n->type) {
  case NODE_ANY:
    return *s != '\n';
  case NODE_ANY_NL:
    return 1;
  case NODE_CLASS:
    return set_takes(n->set, s, m->end);
  case NODE_TEXT:
    return *s == *n->text;
  default:
    return uni_lower((unsigned char)*s) == uni_lower((unsigned char)*n->text);
  }
}

static int repeat(struct matcher *m, const struct node *n, const char *s) {
  int count = 0, length;
  for (; count < n->min; count++, s += length)
    if (!(length = one(m, n->child, s)))
      return 0;
  if (!n->greedy) {
    for (;; count++, s += length) {
      if (try(m, n->next, s))
        return 1;
      if (count >= n->max || !(length = one(m, n->child, s)))
        return 0;
    }
  }
  const char *least = s;
  for (; count < n->max && (length = one(m, n->child, s)); count++)
    s += length;
  for (;;) {
    if (try(m, n->next, s))
      return 1;
    if (s == least)
      return 0;
    do
      s--;
    while (n->child->type == NODE_CLASS && n->child->set->properties && s > least &&
           (*s & 0xc0) == 0x80);
  }
}

// At the start of a loop and after each turn of it.
static int loop(struct matcher *m, const struct node *n, const char *s) {
  int count = m->loop[n->index].count;
  const char *last = m->loop[n->index].last;
  int more = count < n->max && !(count >= n->min && s == last); // an empty turn ends it
  if (!n->greedy && count >= n->min) {
    if (try(m, n->next, s))
      return 1;
    m->loop[n->index].count = count;
  }
  if (more) {
    m->loop[n->index].count = count + 1;
    m->loop[n->index].last = s;
    if (try(m, n->child, s))
      return 1;
    m->loop[n->index].count = count;
    m->loop[n->index].last = last;
  }
  if (n->greedy && count >= n->min)
    return try(m, n->next, s);
  return 0;
}

static int behind(struct matcher *m, const struct node *n, const char *s) {
  for (const char *from = s; from >= m->text; from--) {
    struct matcher shorter = *m;
    shorter.end = s;
    long at[2 * GROUPS];
    memcpy(at, m->at, sizeof at);
    shorter.at = at;
    at[1] = -1;
    if (try(&shorter, n->child, from) && at[1] == s - m->text)
      return 1;
  }
  return 0;
}

static int text_is(const struct node *n, const char *s, const char *end) {
  if ((size_t)(end - s) < n->length)
    return 0;
  if (n->type == NODE_TEXT)
    return !memcmp(s, n->text, n->length);
  for (size_t i = 0; i < n->length; i++)
    if (uni_lower((unsigned char)s[i]) != uni_lower((unsigned char)n->text[i]))
      return 0;
  return 1;
}

static int try_child(struct matcher *m, const struct node *child, const char *s) {
  long at[2 * GROUPS];
  memcpy(at, m->at, sizeof at);
  int found = try(m, child, s);
  if (!found)
    memcpy(m->at, at, sizeof at);
  return found;
}

static int step(struct matcher *m, const struct node *n, const char *s) {
  for (; n; n = n->next) {
    steps++;
    switch (n->type) {
    case NODE_END:
      m->at[1] = s - m->text;
      return 1;
    case NODE_TEXT:
    case NODE_TEXT_FOLD:
      if (!text_is(n, s, m->end))
        return 0;
      s += n->length;
      break;
    case NODE_ANY:
    case NODE_ANY_NL:
    case NODE_CLASS: {
      int length = one(m, n, s);
      if (!length)
        return 0;
      s += length;
      break;
    }
    case NODE_LINE_START:
      if (s != m->text && !(n->multiline && s[-1] == '\n'))
        return 0;
      break;
    case NODE_LINE_END:
      if (s != m->end && !(*s == '\n' && (n->multiline || s + 1 == m->end)))
        return 0;
      break;
    case NODE_TEXT_START:
      if (s != m->text)
        return 0;
      break;
    case NODE_TEXT_END:
      if (s != m->end)
        return 0;
      break;
    case NODE_WORD_EDGE:
    case NODE_WORD_INNER:
      if ((is_word(m, s - 1) != is_word(m, s)) != (n->type == NODE_WORD_EDGE))
        return 0;
      break;
    case NODE_OPEN:
    case NODE_CLOSE: {
      long *where = &m->at[2 * n->index + (n->type == NODE_CLOSE)], before = *where;
      *where = s - m->text;
      if (try(m, n->next, s))
        return 1;
      *where = before;
      return 0;
    }
    case NODE_BRANCH:
      for (const struct node *b = n; b; b = b->other)
        if (try_child(m, b->child, s))
          return 1;
      return 0;
    case NODE_REPEAT:
      return repeat(m, n, s);
    case NODE_LOOP: {
      int count = m->loop[n->index].count; // of an enclosing turn of the same loop
      const char *last = m->loop[n->index].last;
      m->loop[n->index].count = 0;
      m->loop[n->index].last = 0;
      if (loop(m, n, s))
        return 1;
      m->loop[n->index].count = count;
      m->loop[n->index].last = last;
      return 0;
    }
    case NODE_LOOP_END:
      return loop(m, n->child, s);
    case NODE_BACK: {
      long from = m->at[2 * n->index], length = m->at[2 * n->index + 1] - from;
      if (from < 0 || m->end - s < length || memcmp(m->text + from, s, (size_t)length))
        return 0;
      s += length;
      break;
    }
    case NODE_AHEAD:
    case NODE_NOT_AHEAD: {
      long end = m->at[1];
      int found = try_child(m, n->child, s);
      m->at[1] = end;
      if (found != (n->type == NODE_AHEAD))
        return 0;
      break;
    }
    case NODE_BEHIND:
    case NODE_NOT_BEHIND:
      if (behind(m, n, s) != (n->type == NODE_BEHIND))
        return 0;
      break;
    default:
      return 0;
    }
  }
  m->at[1] = s - m->text; // the end of a look-around
  return 1;
}

static int try(struct matcher *m, const struct node *n, const char *s) {
  if (m->depth > DEEPEST)
    return 0;
  m->depth++;
  int found = step(m, n, s);
  m->depth--;
  return found;
}

int pattern_match(const struct pattern *p, const char *text, size_t n, long from,
                  long at[2 * GROUPS]) {
  struct matcher m = {.text = text, .end = text + n, .at = at};
  for (const char *s = text + from; s <= m.end; s++) {
    if (!p->any_first) {
      while (s < m.end && !(p->first[(unsigned char)*s >> 5] >> (*s & 31) & 1))
        s++;
      if (s == m.end)
        return 0;
    }
    for (int i = 0; i < 2 * p->groups; i++)
      at[i] = -1;
    if (try(&m, p->start, s)) {
      at[0] = s - text;
      return 1;
    }
    if (p->anchored)
      return 0;
  }
  return 0;
}
