// Lexical variables at parse time: each `my` gets a slot of its sub's frame. A
// name that belongs to an enclosing sub is captured: it gets a slot here too,
// and whoever makes the closure copies the pointer.
#include "perl.h"

struct name {
  char sigil;
  const char *text;
  int slot, level;
  struct name *next;
};

struct sub {
  struct name *names;
  int level, slots, captures, room;
  int *from, *to;
  struct sub *outer;
};

static struct sub *now;

void scope_begin_sub(void) {
  struct sub *s = arena_take(sizeof *s);
  s->outer = now;
  now = s;
}

void scope_end_sub(struct code *code) {
  code->slots = now->slots;
  code->captures = now->captures;
  code->from = now->from;
  code->to = now->to;
  now = now->outer;
}

int scope_slots(void) { return now->slots; }
void scope_enter(void) { now->level++; }

void scope_leave(void) {
  now->level--;
  while (now->names && now->names->level > now->level)
    now->names = now->names->next;
}

static int declare(struct sub *s, char sigil, const char *text, int level) {
  struct name *n = arena_take(sizeof *n);
  *n = (struct name){sigil, text, s->slots++, level, s->names};
  s->names = n;
  return n->slot;
}

int scope_declare(char sigil, const char *text) {
  return declare(now, sigil, text, now->level);
}

static int find(struct sub *s, char sigil, const char *text) {
  if (!s)
    return -1;
  for (struct name *n = s->names; n; n = n->next)
    if (n->sigil == sigil && !strcmp(n->text, text))
      return n->slot;
  int outer = find(s->outer, sigil, text);
  if (outer < 0)
    return -1;
  if (s->captures == s->room) {
    int room = s->room * 2 + 4;
    int *from = arena_take((size_t)room * sizeof *from), *to = arena_take((size_t)room * sizeof *to);
    memcpy(from, s->from, (size_t)s->captures * sizeof *from);
    memcpy(to, s->to, (size_t)s->captures * sizeof *to);
    s->from = from, s->to = to, s->room = room;
  }
  // At level 0, and last in the list, so that it lives as long as the sub does.
  struct name *n = arena_take(sizeof *n), **last = &s->names;
  *n = (struct name){sigil, text, s->slots++, 0, 0};
  while (*last)
    last = &(*last)->next;
  *last = n;
  s->from[s->captures] = outer;
  s->to[s->captures++] = n->slot;
  return n->slot;
}

int scope_find(char sigil, const char *text) { return find(now, sigil, text); }
