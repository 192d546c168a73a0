// Properties: which characters are letters, or Greek. A list of ranges each,
// searched by halves.
#include "unicode.h"

unsigned char uni_class[256];

int uni_is(const struct uni_property *p, unsigned c) {
  int low = 0, high = p->count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (c > p->range[middle].last)
      low = middle + 1;
    else if (c < p->range[middle].first)
      high = middle;
    else
      return 1;
  }
  return 0;
}

static int same(const char *a, const char *name, size_t n) {
  return strlen(a) == n && memcmp(a, name, n) == 0;
}

static const struct uni_property *among(const struct uni_property *p, int count, const char *name,
                                        size_t n) {
  for (; count--; p++)
    if (same(p->name, name, n) || same(p->short_name, name, n))
      return p;
  return 0;
}

const struct uni_property *uni_property(const char *name, size_t n) {
  const struct uni_property *p = among(uni_categories, uni_category_count, name, n);
  return p ? p : among(uni_scripts, uni_script_count, name, n);
}

// The first letter of a category's short name is its group: L for letters.
static char group(unsigned c) { return uni_categories[uni_category(c)].short_name[0]; }

int uni_is_word(unsigned c) {
  char g = group(c);
  return c == '_' || g == 'L' || g == 'M' || uni_is_digit(c);
}

int uni_is_digit(unsigned c) {
  const char *name = uni_categories[uni_category(c)].short_name;
  return name[0] == 'N' && name[1] == 'd';
}

int uni_is_space(unsigned c) {
  return (c >= '\t' && c <= '\r') || c == 0x85 || group(c) == 'Z';
}

void uni_init(void) {
  for (unsigned c = 0; c < 128; c++)
    uni_class[c] =
        (unsigned char)((uni_is_word(c) ? UNI_WORD : 0) | (uni_is_space(c) ? UNI_SPACE : 0) |
                        (uni_is_digit(c) ? UNI_DIGIT : 0) | (uni_lower(c) != c ? UNI_UPPER : 0) |
                        (uni_upper(c) != c ? UNI_LOWER : 0) |
                        (group(c) == 'P' || group(c) == 'S' ? UNI_PUNCT : 0));
}
