// Regular expressions of the Perl kind: compiled to a program of nodes, matched
// by trying and going back.
#ifndef PATTERN_H
#define PATTERN_H

#include "../../libc/libc.h"

enum { PATTERN_CASELESS = 1, PATTERN_LINES = 2, PATTERN_DOT_ALL = 4, PATTERN_SPACED = 8 };
enum { GROUPS = 32 }; // including group 0, the whole match

struct pattern;

// Compiles `n` bytes; on a mistake returns 0 and says in *error what it is.
struct pattern *pattern_compile(const char *text, size_t n, int flags, const char **error);
int pattern_groups(const struct pattern *p); // including group 0
// The number of a named group, or 0.
int pattern_named(const struct pattern *p, const char *name, size_t n);

// Looks for the first match at or after `from`. at[2k], at[2k+1]: where group k
// begins and ends, -1 when it took no part. Returns whether there is one.
int pattern_match(const struct pattern *p, const char *text, size_t n, long from,
                  long at[2 * GROUPS]);
unsigned long pattern_steps(void); // nodes tried since the program began
const char *pattern_node_name(int type);
void pattern_init(void);

#endif
