// as and ld: lines to words of machine code, and objects to a sum of them.
//
// An object is its code, a 32-bit word a line, with the labels' places in it.
#include "compile.h"

int assemble(int words, char **word) {
  struct text in, out = {0, 0, 0};
  if (!read_text(&in, word[1]))
    return 1;
  // Twice: a label may be used before its line.
  for (int pass = 0; pass < 2; pass++) {
    unsigned place = 0;
    for (const char *at = in.bytes; *at;) {
      unsigned code = 0;
      int label = *at != '\t';
      for (; *at && *at != '\n'; at++) {
        if (!is_word(*at))
          continue;
        const char *first = at;
        while (is_word(at[1]))
          at++;
        struct symbol *s = symbol_of(first, (size_t)(at + 1 - first));
        s->uses++;
        if (label)
          s->value = place;
        code = code * 33 + (s->value ? (unsigned)s->value : s->hash);
      }
      at += *at == '\n';
      if (label)
        continue;
      place += 4;
      if (pass)
        put_bytes(&out, (const char *)&code, 4);
    }
  }
  return !write_text(&out, word[words - 1]);
}

int link_objects(int words, char **word) {
  unsigned long bytes = 0;
  unsigned sum = 1;
  for (int i = 1; i < words; i++) {
    struct text object;
    if (!read_text(&object, word[i]))
      return 1;
    bytes += object.length;
    for (size_t at = 0; at < object.length; at++)
      sum = sum * 31 + (unsigned char)object.bytes[at];
    free(object.bytes);
  }
  printf("%d objects, %lu bytes, sum %x\n", words - 1, bytes, sum);
  return 0;
}
