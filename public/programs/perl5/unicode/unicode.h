// Characters: UTF-8, case, and properties by name, for U+0000 to U+2FFF.
#ifndef UNICODE_H
#define UNICODE_H

#include "../../libc/libc.h"

enum { UNI_LIMIT = 0x3000 };

struct uni_range {
  unsigned short first, last;
};
struct uni_property {
  const char *name, *short_name;
  const struct uni_range *range; // ascending
  int count;
};

// utf8.c: a byte that belongs to no character stands for itself.
unsigned utf8_decode(const char **s, const char *end); // moves *s past the character
int utf8_encode(char *out, unsigned c);                // up to 4 bytes
long utf8_length(const char *s, const char *end);

// case.c
unsigned uni_upper(unsigned c);
unsigned uni_lower(unsigned c);
unsigned uni_title(unsigned c);
int uni_category(unsigned c); // index into uni_categories

// property.c
int uni_is(const struct uni_property *p, unsigned c);
const struct uni_property *uni_property(const char *name, size_t n);
int uni_is_word(unsigned c);
int uni_is_space(unsigned c);
int uni_is_digit(unsigned c);

// Classes of the first 256 characters, bit by bit, filled by uni_init.
enum { UNI_WORD = 1, UNI_SPACE = 2, UNI_DIGIT = 4, UNI_UPPER = 8, UNI_LOWER = 16, UNI_PUNCT = 32 };
extern unsigned char uni_class[256];
void uni_init(void);

// tables.c, generated from data.json
extern const struct uni_property uni_categories[], uni_scripts[];
extern const int uni_category_count, uni_script_count;
extern const short *const uni_upper_page[], *const uni_lower_page[], *const uni_title_page[];
extern const unsigned char *const uni_category_page[];

#endif
