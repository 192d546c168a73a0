// Constructors and destructors. An object's constructors may use all it needs,
// so what it needs goes first; destructors go in the opposite order.
//
//     program -> libA -> libC         constructors  libC libA libB program
//             -> libB -> libC         destructors   program libB libA libC
//
// Two libraries that need each other have no right order: the one met first
// goes second. The program's DT_PREINIT_ARRAY goes before everything.
//
// In Linux: glibc's elf/dl-init.c, dl-sort-maps.c, dl-fini.c. There the program's
// own constructors are its libc's business; here they are ours, as in musl.
#include "ldso.h"

typedef void constructor(int argc, char **argv, char **envp);
typedef void destructor(void);

static struct object *order[MAX_OBJECTS];
static int ordered;

// Depth first, each object once. Deep, but not deeper than there are objects.
static void visit(struct object *o) {
  if (o->visited)
    return;
  o->visited = true;
  for (int i = 0; i < o->need_count; i++)
    visit(o->needs[i]);
  order[ordered++] = o;
}

// Arrays end with, or begin with, entries that mean nothing: 0 and -1.
static bool is_function(uint64_t address) { return address && address != -1UL; }

static void construct(struct object *o, int argc, char **argv, char **envp) {
  o->constructed = true;
  if (o->init)
    ((constructor *)o->init)(argc, argv, envp);
  for (uint64_t i = 0; i < o->init_count; i++)
    if (is_function(o->init_array[i]))
      ((constructor *)o->init_array[i])(argc, argv, envp);
}

void run_constructors(int argc, char **argv, char **envp) {
  struct object *program = first_object;
  for (uint64_t i = 0; i < program->preinit_count; i++)
    if (is_function(program->preinit_array[i]))
      ((constructor *)program->preinit_array[i])(argc, argv, envp);
  // Preloaded libraries are nobody's need, and go before the program's.
  for (struct object *o = first_object->next; o; o = o->next)
    visit(o);
  visit(program);
  for (int i = 0; i < ordered; i++)
    construct(order[i], argc, argv, envp);
}

// The program calls this as it ends; its address was in a0 at its entry.
void run_destructors(void) {
  while (ordered) {
    struct object *o = order[--ordered];
    if (!o->constructed)
      continue;
    o->constructed = false; // a destructor may end the program: not twice
    for (uint64_t i = o->fini_count; i-- > 0;)
      if (is_function(o->fini_array[i]))
        ((destructor *)o->fini_array[i])();
    if (o->fini)
      ((destructor *)o->fini)();
  }
  report_end();
}
