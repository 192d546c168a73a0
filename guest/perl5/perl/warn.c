// Warnings: what may be wrong, and goes on. The texts are generated.
#include "perl.h"

static void finish(struct value s) {
  char digits[24];
  string_append(&s, " at ", 4);
  string_append(&s, perl.script, strlen(perl.script));
  string_append(&s, " line ", 6);
  string_append(&s, digits, int_text(digits, perl.line));
  string_append(&s, ".\n", 2);
  file_flush(perl.standard[1]);
  write(2, s.s->text, s.len);
}

void warning(const char *text, size_t n) { finish(string_new(text, n)); }

void warn_about(int diagnostic) {
  if (perl.warn)
    finish(string_of(diagnostics[diagnostic].text));
}

void warn_value(int diagnostic, struct value v) {
  if (!perl.warn)
    return;
  struct value one = value_text(v);
  finish(format_values(string_of(diagnostics[diagnostic].text), &one, 1));
}

struct value text_number(struct value v, int diagnostic) {
  if (perl.warn) {
    struct parsed p = number_parse(v.s->text, v.s->text + v.len);
    const char *end = v.s->text + v.len;
    while (p.end < end && (uni_class[(unsigned char)*p.end] & UNI_SPACE))
      p.end++;
    if (p.is == NO_NUMBER || p.end != end)
      warn_value(diagnostic, v);
  }
  return value_number(v);
}

// --explain: every diagnostic with this in its text.
int explain(const char *part) {
  struct value wanted = string_of(part);
  int found = 0;
  for (int i = 0; i < diagnostic_count; i++) {
    const struct diagnostic *d = &diagnostics[i];
    if (string_index(string_of(d->text), wanted, 0) < 0)
      continue;
    found++;
    printf("%s\n    (%s) %s\n", d->text, d->category, d->explanation);
  }
  return found;
}
