// compile: what the passes share. Every pass is a process of its own.
#ifndef COMPILE_H
#define COMPILE_H

#include "../heap/user.h"
#include "../libc/files.h"

// One pass: words[1] is what it reads, the last one what it writes. 0 when it did.
int preprocess(int words, char **word);   // cpp
int translate(int words, char **word);    // cc1
int assemble(int words, char **word);     // as
int link_objects(int words, char **word); // ld

// text.c: a file's bytes, or bytes that are going to be one.
struct text {
  char *bytes;
  size_t length, room;
};
int read_text(struct text *text, const char *path);  // 0 when it cannot be read
int write_text(struct text *text, const char *path); // 0 when it cannot be written
void put_bytes(struct text *text, const char *bytes, size_t length);
void put_string(struct text *text, const char *string);
void put_number(struct text *text, unsigned long number);
void *have(void *p); // what malloc gave, or the end

// symbols.c: names, each kept once. A word is a run of letters, digits and `_`.
struct symbol {
  struct symbol *next;
  unsigned hash;
  int uses;
  long value;            // a macro's text, a label's place
  const char *text;      // of a macro
  size_t length, text_length;
  char name[];
};
struct symbol *symbol_of(const char *name, size_t length);
int is_word(char c);

#endif
