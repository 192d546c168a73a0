// Scratch mappings of /data, a file whose page n begins with the word n. Does the steps that it is
// given as arguments, one after the other, and says what each answered. An area has a letter; its
// pages are counted from 0, N and M stand for a first page and a number of them:
//
//   map A PAGES FLAGS PROT   mmap of /data from page 0 on: flags and prot as numbers (base 16)
//   anon A PAGES FLAGS       mmap of nobody's memory
//   fill A N M               stores MARK | page into the second word of each
//   look A N M               how each page is found: . the file's, # as filled, ? anything else
//   advise A N M ADVICE      madvise, base 16;  protect A N M PROT;  lock, unlock, unmap A N M
//   move A B PAGES           mremap, elsewhere (B is the new name)
//   hog PAGES                memory of its own, filled twice, checked, given back
//   fork                     all that follows in a child, which is waited for; not here
//   child N                  the next N steps in a child, which is waited for; not here
//   keep PAGES               memory of its own, which stays; its first word of each is checked
//                            at the end
//   smaps A                  the VmFlags of the area's first page
//   trunc PAGES              ftruncate of /data;  put N: page n of the file is written
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 512
#define MARK 0x5c5a7c4ed1570000ull

static uint64_t *area[26];
static long length[26];
static uint64_t *kept;
static long kept_pages;

static void answer(const char *what, long result) {
  if (result == -1) printf("%s: errno %d\n", what, errno);
  else printf("%s\n", what);
}

static uint64_t *own(long pages) {
  return mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void hog(long n) {
  uint64_t *p = own(n);
  long bad = p == MAP_FAILED;
  for (int round = 0; !bad && round < 2; round++) {
    for (long i = 0; i < n; i++) p[i * WORDS] = p[i * WORDS + 1 + i % 511] = i + round;
  }
  for (long i = 0; !bad && i < n; i++) bad += p[i * WORDS] != (uint64_t)i + 1;
  printf("hog: %ld wrong\n", bad);
  if (p != MAP_FAILED) munmap(p, n * 4096);
}

static void look(volatile uint64_t *p, long from, long n) {
  for (long i = from; i < from + n; i++) {
    uint64_t first = p[i * WORDS], second = p[i * WORDS + 1];
    char c = '?';
    if (first == (uint64_t)i && second == 0) c = '.';
    if (first == (uint64_t)i && second == (MARK | i)) c = '#';
    putchar(c);
  }
  putchar('\n');
}

static void smaps(void *at) {
  char line[256], start[32];
  FILE *f = fopen("/proc/self/smaps", "r");
  int inside = 0;
  snprintf(start, sizeof start, "%08lx-", (unsigned long)at);
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, start, strlen(start)) == 0) inside = 1;
    if (inside && strncmp(line, "VmFlags:", 8) == 0) {
      fputs(line, stdout);
      break;
    }
  }
  if (f) fclose(f);
}

// => 1 in the child; 0 when it has ended
static int in_child(void) {
  int status = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child != 0) {
    if (waitpid(child, &status, 0) != child) answer("wait", -1);
    else if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  int fd = open("/data", O_RDWR);
  for (int i = 1; i < argc; i++) {
    char *words[8] = {0};
    int n = 0;
    for (char *w = strtok(argv[i], " "); w && n < 8; w = strtok(0, " ")) words[n++] = w;
    int a = n > 1 ? (words[1][0] - 'a') & 31 : 0;
    long from = n > 2 ? strtol(words[2], 0, 0) : 0, pages = n > 3 ? strtol(words[3], 0, 0) : 0;
    unsigned long last = n > 4 ? strtoul(words[4], 0, 16) : 0;
    uint64_t *p = area[a % 26];
    char *at = (char *)p + from * 4096;
    const char *verb = words[0];
    if (!strcmp(verb, "map") || !strcmp(verb, "anon")) {
      int flags = strtoul(words[3], 0, 16), file = verb[0] == 'm';
      int prot = file && n > 4 ? (int)last : PROT_READ | PROT_WRITE;
      if (!file) flags |= MAP_ANONYMOUS;
      p = (uint64_t *)syscall(SYS_mmap, 0, from * 4096, prot, flags, file ? fd : -1, 0);
      answer(verb, p == MAP_FAILED ? -1 : 0);
      area[a % 26] = p;
      length[a % 26] = from;
    } else if (!strcmp(verb, "fill")) {
      for (long k = from; k < from + pages; k++) p[k * WORDS + 1] = MARK | k;
    } else if (!strcmp(verb, "look")) {
      look(p, from, pages);
    } else if (!strcmp(verb, "advise")) {
      answer(verb, madvise(at, pages * 4096, last));
    } else if (!strcmp(verb, "protect")) {
      answer(verb, mprotect(at, pages * 4096, last));
    } else if (!strcmp(verb, "lock")) {
      answer(verb, mlock(at, pages * 4096));
    } else if (!strcmp(verb, "unlock")) {
      answer(verb, munlock(at, pages * 4096));
    } else if (!strcmp(verb, "unmap")) {
      answer(verb, munmap(at, pages * 4096));
    } else if (!strcmp(verb, "move")) {
      int b = words[2][0] - 'a';
      uint64_t *room = own(pages);
      munmap(room, pages * 4096);
      void *to = mremap(p, length[a] * 4096, pages * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, room);
      answer(verb, to == MAP_FAILED ? -1 : 0);
      area[b] = to;
      length[b] = pages;
    } else if (!strcmp(verb, "hog")) {
      hog(strtol(words[1], 0, 0));
    } else if (!strcmp(verb, "fork")) {
      if (!in_child()) break;
    } else if (!strcmp(verb, "child")) {
      if (in_child()) argc = i + 1 + strtol(words[1], 0, 0);
      else i += strtol(words[1], 0, 0);
    } else if (!strcmp(verb, "keep")) {
      kept_pages = strtol(words[1], 0, 0);
      kept = own(kept_pages);
      for (long k = 0; k < kept_pages; k++) kept[k * WORDS] = k;
    } else if (!strcmp(verb, "smaps")) {
      smaps(p);
    } else if (!strcmp(verb, "trunc")) {
      answer(verb, ftruncate(fd, strtol(words[1], 0, 0) * 4096));
    } else if (!strcmp(verb, "put")) {
      long page = strtol(words[1], 0, 0);
      uint64_t two[2] = {page, MARK | page};
      answer(verb, pwrite(fd, two, 16, page * 4096) == 16 ? 0 : -1);
    } else {
      printf("no step: %s\n", verb);
    }
    fflush(stdout);
  }
  for (long k = 0; k < kept_pages; k++) {
    if (kept[k * WORDS] != (uint64_t)k) return 3;
  }
  return 0;
}
