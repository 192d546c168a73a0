// cc1: a tree of the whole file, and a list of instructions for each function.
//
// It understands as much C as it takes to have a compiler's memory: brackets nest,
// words are looked up, and what stands at the outermost level up to `;` or `}` is a
// declaration; one with a body after its parameters is a function. Nothing is freed
// before the process ends: GCC's collector does not begin either while there is less
// to collect than some megabytes (its parameter ggc-min-heapsize).
//
// Each pass over the instructions is an optimiser's in form: values that are the
// same get the same number (forward), and what nobody uses is dead (backward).
#include "compile.h"

struct node {
  struct node *next, *inside; // what follows, and what is in these brackets
  struct symbol *symbol;      // of a word
  char kind;                  // a punctuation mark, 'a' a word, '0' a number, '"'
  int line;
  long value;
  struct insn *made;
  long type, scope, spare[2]; // what a real one has, and this one only carries
};

struct insn {
  struct insn *next, *before;
  struct insn *left, *right; // whose values it uses
  struct node *node;
  unsigned op, number;
  int live, uses;
};

static const char *at;
static int line = 1;
static unsigned labels;

static struct node *node_of(char kind) {
  struct node *n = have(malloc(sizeof *n));
  *n = (struct node){.kind = kind, .line = line};
  return n;
}

static void skip_space(void) {
  for (; *at && *at <= ' '; at++)
    line += *at == '\n';
}

// One node; brackets with all that is in them.
static struct node *parse(void) {
  struct node *n = node_of(*at);
  if (is_word(*at)) {
    const char *first = at;
    while (is_word(*at))
      at++;
    n->kind = *first <= '9' ? '0' : 'a';
    n->value = atol(first);
    n->symbol = symbol_of(first, (size_t)(at - first));
    n->symbol->uses++;
  } else if (*at == '"' || *at == '\'') {
    const char *first = at++;
    for (; *at && *at != *first; at++) {
      n->value = n->value * 31 + *at;
      at += *at == '\\' && at[1];
    }
    n->kind = '"';
    at += *at != 0;
  } else if (*at == '(' || *at == '[' || *at == '{') {
    char closing = *at == '(' ? ')' : (char)(*at + 2);
    struct node **link = &n->inside;
    for (at++, skip_space(); *at && *at != closing; skip_space()) {
      *link = parse();
      link = &(*link)->next;
    }
    at += *at != 0;
  } else {
    at++;
  }
  return n;
}

// ---- instructions ----

static struct insn *first_insn, *last_insn;

static struct insn *emit(unsigned op, struct node *node, struct insn *left,
                         struct insn *right) {
  struct insn *i = have(malloc(sizeof *i));
  *i = (struct insn){.before = last_insn, .left = left, .right = right, .node = node, .op = op};
  if (last_insn)
    last_insn->next = i;
  else
    first_insn = i;
  return last_insn = i;
}

// A list of nodes: an address, a load and what combines it with what came before.
static struct insn *lower(struct node *n) {
  struct insn *value = 0;
  for (; n; n = n->next) {
    struct insn *own;
    if (n->inside)
      own = lower(n->inside);
    else if (n->kind == 'a')
      own = emit('l', n, emit('a', n, 0, 0), 0);
    else
      own = emit((unsigned char)n->kind, n, value, 0);
    n->made = value = emit('+', n, value, own);
  }
  return value;
}

enum { VALUES = 1024 };
static struct insn *values[VALUES];

static unsigned number_of(const struct insn *i) { return i ? i->number : 0; }

// What computes the same from the same has the same number.
static int same_value(const struct insn *a, const struct insn *b) {
  return a->op == b->op && a->node->symbol == b->node->symbol &&
         a->node->value == b->node->value && number_of(a->left) == number_of(b->left) &&
         number_of(a->right) == number_of(b->right);
}

static void number_values(void) {
  unsigned last = 0;
  for (struct insn *i = first_insn; i; i = i->next) {
    unsigned name = i->node->symbol ? i->node->symbol->hash : (unsigned)i->node->value;
    unsigned hash = (i->op * 31 + number_of(i->left)) * 31 + number_of(i->right);
    struct insn **known = &values[((hash ^ name) * 2654435761u) >> 22];
    i->live = i->uses = 0;
    if (*known && same_value(*known, i)) {
      i->number = (*known)->number;
      continue;
    }
    i->number = ++last;
    *known = i;
  }
}

static void find_live(void) {
  for (struct insn *i = last_insn; i; i = i->before) {
    if (i->op == '+' || i->uses)
      i->live = 1;
    if (i->left)
      i->left->uses += i->live;
    if (i->right)
      i->right->uses += i->live;
  }
}

static void optimise(int passes) {
  for (int pass = 0; pass < passes; pass++) {
    for (int i = 0; i < VALUES; i++)
      values[i] = 0;
    number_values();
    find_live();
  }
}

static void write_insns(struct text *out) {
  put_string(out, "L");
  put_number(out, labels++);
  put_string(out, ":\n");
  for (struct insn *i = first_insn; i; i = i->next) {
    if (!i->live)
      continue;
    put_bytes(out, i->op == '+' ? "\tadd v" : "\tld v", i->op == '+' ? 6 : 5);
    put_number(out, i->number);
    put_bytes(out, ",", 1);
    if (i->node->symbol)
      put_bytes(out, i->node->symbol->name, i->node->symbol->length);
    else
      put_number(out, (unsigned long)i->node->value);
    put_bytes(out, "\n", 1);
  }
}

static void compile_function(struct node *declaration, int passes, struct text *out) {
  first_insn = last_insn = 0;
  lower(declaration);
  optimise(passes);
  write_insns(out);
}

// cc1 FILE.i -O<passes> FILE.s
int translate(int words, char **word) {
  struct text in, out = {0, 0, 0};
  if (words < 4 || !read_text(&in, word[1]))
    return 1;
  int passes = (int)atol(word[2] + 2);
  for (at = in.bytes, skip_space(); *at;) {
    struct node *declaration = 0, **link = &declaration;
    char kind = 0, before;
    do {
      before = kind;
      *link = parse();
      kind = (*link)->kind;
      link = &(*link)->next;
      skip_space();
    } while (*at && kind != ';' && !(kind == '{' && before == '('));
    if (kind == '{')
      compile_function(declaration, passes, &out);
  }
  return !write_text(&out, word[words - 1]);
}
