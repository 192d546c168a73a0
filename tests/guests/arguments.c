// A dynamic program whose every kind of memory depends on its arguments: data, a heap that it
// allocates and frees in, a mapping, and its stack. What it prints is a sum over all of them.
#include "libc/libc.h"

static unsigned long sum = 0x9e3779b97f4a7c15;
static char table[3][PAGE] = {"one", "two", "three"};
static const char *words[] = {"copied", "relocated", "said"};
int constructed;

__attribute__((constructor)) static void construct(void) { constructed++; }

static void add(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3;
}

static int down(int depth, const char *text) {
  char own[200];
  memset(own, depth, sizeof own);
  add(own, strlen(text) % sizeof own);
  return depth ? down(depth - 1, text) + own[7] : 0;
}

int main(int argc, char **argv, char **envp) {
  char *kept[16] = {0};
  for (int i = 1; i < argc; i++) {
    size_t n = strlen(argv[i]) + 1;
    char *copy = malloc(n * 40);
    for (size_t k = 0; k < 40; k++)
      memcpy(copy + k * n, argv[i], n);
    free(kept[i % 16]);
    kept[i % 16] = copy;
    add(copy, n * 40);
    table[sum % 3][(sum >> 8) % PAGE] = (char)i;
    words[sum % 3] = table[i % 3];
    down((int)(n % 20), argv[i]);
    char *page = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, argv[i], n < PAGE ? n : PAGE);
    if (i & 1)
      munmap(page, PAGE);
  }
  int variables = 0;
  for (; envp[variables]; variables++)
    add(envp[variables], strlen(envp[variables]));
  add(table[0], sizeof table);
  printf("%d arguments, %d variables, %d constructed, %s: %lx\n", argc, variables, constructed,
         words[0], sum);
  return (int)(sum % 100);
}
