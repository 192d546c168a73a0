// What the nodes are called in messages, and the classes they are made of.
#include "node.h"

static const char *const names[NODE_TYPES] = {
    [NODE_END] = "END",
    [NODE_TEXT] = "EXACT",
    [NODE_TEXT_FOLD] = "EXACTF",
    [NODE_ANY] = "REG_ANY",
    [NODE_ANY_NL] = "SANY",
    [NODE_CLASS] = "ANYOF",
    [NODE_LINE_START] = "BOL",
    [NODE_LINE_END] = "EOL",
    [NODE_TEXT_START] = "SBOL",
    [NODE_TEXT_END] = "EOS",
    [NODE_WORD_EDGE] = "BOUND",
    [NODE_WORD_INNER] = "NBOUND",
    [NODE_OPEN] = "OPEN",
    [NODE_CLOSE] = "CLOSE",
    [NODE_BRANCH] = "BRANCH",
    [NODE_REPEAT] = "CURLY",
    [NODE_LOOP] = "CURLYX",
    [NODE_LOOP_END] = "WHILEM",
    [NODE_BACK] = "REF",
    [NODE_AHEAD] = "IFMATCH",
    [NODE_NOT_AHEAD] = "UNLESSM",
    [NODE_BEHIND] = "LOOKBEHIND",
    [NODE_NOT_BEHIND] = "NLOOKBEHIND",
};

const char *pattern_node_name(int type) {
  return type >= 0 && type < NODE_TYPES ? names[type] : "OPTIMIZED";
}

void pattern_init(void) { uni_init(); }
