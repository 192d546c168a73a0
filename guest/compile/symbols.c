// The table of names: chains from a hash, one block of memory a name.
#include "compile.h"

enum { CHAINS = 2048 };
static struct symbol *chains[CHAINS];

int is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

struct symbol *symbol_of(const char *name, size_t length) {
  unsigned hash = 0;
  for (size_t i = 0; i < length; i++)
    hash = hash * 31 + (unsigned char)name[i];
  struct symbol **chain = &chains[hash % CHAINS], *s;
  for (s = *chain; s; s = s->next)
    if (s->hash == hash && s->length == length && !memcmp(s->name, name, length))
      return s;
  s = have(malloc(sizeof *s + length + 1));
  *s = (struct symbol){.next = *chain, .hash = hash, .length = length};
  memcpy(s->name, name, length);
  s->name[length] = 0;
  return *chain = s;
}
