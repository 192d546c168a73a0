// bench/chase: follow pointers, about 1 G instructions at scale 100.
//
//   bench/chase [scale]
//
// One node a page, linked in random order: every step is a load and a store to
// a page that the last step says nothing about. 32 pages fit any TLB, 512 need
// a good one and all of one page-table page, 4096 (16 MiB) miss nearly always:
// the three sizes show what a translation costs when it is kept, and when not.
#include "../libc/libc.h"

struct node {
  struct node *next;
  uint64_t visits;
};

enum { MOST = 4096 };

// Sattolo's shuffle: the result is a single cycle through all the pages.
static struct node *link_pages(char *area, uint32_t pages) {
  static uint32_t order[MOST];
  uint32_t seed = 1;
  for (uint32_t i = 0; i < pages; i++)
    order[i] = i;
  for (uint32_t i = pages - 1; i > 0; i--) {
    seed = seed * 1664525 + 1013904223;
    uint32_t j = (seed >> 8) % i, swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  // The offset within the page moves too, so that nodes do not all fall into
  // the same set of a cache.
  for (uint32_t i = 0; i < pages; i++) {
    uint32_t from = order[i], to = order[(i + 1) % pages];
    struct node *node = (struct node *)(area + from * PAGE + from % 64 * 64);
    node->next = (struct node *)(area + to * PAGE + to % 64 * 64);
    node->visits = 0;
  }
  return (struct node *)(area + order[0] * PAGE + order[0] % 64 * 64);
}

// Six instructions a step: load, add, store, load, count, branch.
static struct node *chase(struct node *node, long steps) {
  for (; steps > 0; steps--) {
    node->visits++;
    node = node->next;
  }
  return node;
}

int main(int argc, char **argv) {
  static const uint32_t sizes[] = {32, 512, MOST};
  long scale = argc > 1 ? atol(argv[1]) : 100;
  char *area = mmap(0, MOST * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(area))
    return 1;
  for (int i = 0; i < 3; i++) {
    struct node *node = link_pages(area, sizes[i]);
    node = chase(node, scale * 555555);
    printf("chase %4u pages: at page %4lu, visits %lu\n", sizes[i],
           (unsigned long)((char *)node - area) / PAGE,
           (unsigned long)node->visits);
  }
  return 0;
}
