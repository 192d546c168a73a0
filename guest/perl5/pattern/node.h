// The program of a pattern. `next` is what has to match after a node.
#ifndef NODE_H
#define NODE_H

#include "../unicode/unicode.h"
#include "pattern.h"

enum node_type {
  NODE_END,
  NODE_TEXT,       // these bytes
  NODE_TEXT_FOLD,  // these bytes, in either case
  NODE_ANY,        // any byte but newline
  NODE_ANY_NL,     // any byte
  NODE_CLASS,      // one of a set
  NODE_LINE_START, // ^
  NODE_LINE_END,   // $
  NODE_TEXT_START, // \A
  NODE_TEXT_END,   // \z
  NODE_WORD_EDGE,  // \b
  NODE_WORD_INNER, // \B
  NODE_OPEN,       // group begins
  NODE_CLOSE,
  NODE_BRANCH,   // one of several: `child` and then `other`
  NODE_REPEAT,   // `child`, one character, so many times
  NODE_LOOP,     // `child`, anything, so many times
  NODE_LOOP_END, // back to the loop, in `child`
  NODE_BACK,     // the text of a group again
  NODE_AHEAD,    // (?= )
  NODE_NOT_AHEAD,
  NODE_BEHIND, // (?<= ), of a fixed length
  NODE_NOT_BEHIND,
  NODE_TYPES
};

struct set {
  unsigned bits[8]; // bytes
  int negated, properties;
  const struct uni_property *property[4]; // of characters beyond ASCII
  char property_negated[4];
};

struct node {
  enum node_type type;
  int index; // of a group or loop
  int min, max, greedy, multiline;
  struct node *next, *child, *other;
  const char *text;
  size_t length;
  struct set *set;
};

struct group_name {
  const char *name;
  size_t length;
  int index;
  struct group_name *next;
};

struct pattern {
  struct node *start;
  int groups, loops, flags;
  int anchored;         // can only match where the text starts
  unsigned first[8];    // bytes that a match can begin with
  int any_first;
  struct group_name *names;
};

// One character of `s` in a set? Returns its length in bytes, or 0.
int set_takes(const struct set *set, const char *s, const char *end);

#endif
