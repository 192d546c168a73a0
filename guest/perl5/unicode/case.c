// Case: what to add to a character, in tables of 64 characters each. Most
// stretches have no case and no table.
#include "unicode.h"

static unsigned mapped(const short *const *pages, unsigned c) {
  if (c >= UNI_LIMIT || !pages[c >> 6])
    return c;
  return c + (unsigned)(int)pages[c >> 6][c & 63];
}

unsigned uni_upper(unsigned c) { return mapped(uni_upper_page, c); }
unsigned uni_lower(unsigned c) { return mapped(uni_lower_page, c); }
unsigned uni_title(unsigned c) { return mapped(uni_title_page, c); }

int uni_category(unsigned c) {
  return c < UNI_LIMIT && uni_category_page[c >> 6] ? uni_category_page[c >> 6][c & 63] : 0;
}
