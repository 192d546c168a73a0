// null: follow a null pointer.
//
// Nothing is mapped at address 0: the walk ends at an empty entry, find_vma
// finds no area that contains the address, and there is no fault to resolve:
// SIGSEGV with SEGV_MAPERR and si_addr = 16, the offset of the member we
// wanted. An array index would have to pass 64 KiB to reach this program.
#include "libc/libc.h"

struct node {
  long key, count;
  struct node *next;
};

static __attribute__((noipa)) struct node *find(struct node *list, long key) {
  while (list && list->key != key)
    list = list->next;
  return list; // null if there is none
}

int main(void) {
  struct node list = {.key = 1, .count = 10, .next = 0};
  printf("key 1 has a next: %s\n", find(&list, 1)->next ? "yes" : "no");
  printf("key 2 has a next: %s\n", find(&list, 2)->next ? "yes" : "no");
  puts("not reached");
  return 0;
}
