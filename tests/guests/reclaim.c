// Programs that need more memory than there is. Each checks its own bytes, and says what it found:
// reclaim.test.ts runs them on machines of different sizes and under every policy.
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

static uint64_t *pages(long n) {
  void *p = mmap(0, n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    printf("no memory promised: %d\n", errno);
    exit(9);
  }
  return p;
}

// Every page has a word at its start, and one at a place of its own.
static void fill(uint64_t *p, long n, uint64_t salt) {
  for (long i = 0; i < n; i++) {
    p[i * WORDS] = i * 7 + salt;
    p[i * WORDS + 1 + i % 511] = i * 13 ^ salt;
  }
}

static long wrong(volatile uint64_t *p, long n, uint64_t salt) {
  long bad = 0;
  for (long i = 0; i < n; i++) {
    bad += p[i * WORDS] != i * 7 + salt;
    bad += p[i * WORDS + 1 + i % 511] != (i * 13 ^ salt);
  }
  return bad;
}

static int end_of(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Written, read, written again; then by a child as well, which changes every third page.
static void anon(long n) {
  uint64_t *p = pages(n);
  for (uint64_t round = 1; round <= 2; round++) {
    fill(p, n, round);
    printf("round %d: %ld wrong\n", (int)round, wrong(p, n, round));
  }
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (long i = 0; i < n; i += 3) p[i * WORDS] = i * 7 + 3;
    long bad = 0;
    for (long i = 0; i < n; i++) bad += p[i * WORDS] != i * 7 + (i % 3 == 0 ? 3 : 2);
    printf("child: %ld wrong\n", bad);
    exit(bad != 0);
  }
  int ended = end_of(child);
  printf("parent: %ld wrong, child ended with %d\n", wrong(p, n, 2), ended);
}

// A file larger than memory, read through a private mapping again and again.
static void file(void) {
  int fd = open("/data", O_RDONLY);
  long n = lseek(fd, 0, SEEK_END) / 4096;
  volatile uint64_t *p = mmap(0, n * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  long bad = 0;
  for (int round = 0; round < 3; round++) {
    for (long i = 0; i < n; i++) bad += p[i * WORDS] != (uint64_t)i;
  }
  printf("file: %ld wrong of %ld pages\n", bad, n);
}

// A shared mapping of a file, written while memory is short; then read(2) must say the same.
static void shared(long n) {
  int fd = open("/out", O_RDWR | O_CREAT, 0644);
  if (fd < 0 || ftruncate(fd, n * 4096) != 0) printf("no file: %d\n", errno);
  uint64_t *p = mmap(0, n * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  fill(p, n, 5);
  uint64_t *hog = pages(n);
  fill(hog, n, 6);
  printf("mapping: %ld wrong\n", wrong(p, n, 5));
  long bad = 0;
  for (long i = 0; i < n; i++) {
    uint64_t page[WORDS];
    if (pread(fd, page, 4096, i * 4096) != 4096) bad += 1000;
    bad += page[0] != i * 7 + 5 || page[1 + i % 511] != (uint64_t)(i * 13 ^ 5);
  }
  printf("read: %ld wrong, hog: %ld wrong\n", bad, wrong(hog, n, 6));
}

// A child takes what it can get; its parent, who has little, must outlive it.
static void hog(long n) {
  uint64_t *own = pages(8);
  fill(own, 8, 1);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (long done = 0; done < n; done += 64) {
      uint64_t *p = mmap(0, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (p == MAP_FAILED) _exit(2);
      fill(p, 64, done);
    }
    _exit(0);
  }
  printf("hog ended with %d\n", end_of(child));
  printf("parent: %ld wrong\n", wrong(own, 8, 1));
}

// Everything comes back from swap when it is taken away.
static void off(long n) {
  uint64_t *p = pages(n);
  fill(p, n, 4);
  uint64_t *more = pages(n);
  fill(more, n, 5);
  munmap(more, n * 4096);
  printf("swapoff: %ld, %d\n", syscall(SYS_swapoff, "/dev/swap"), errno);
  printf("%ld wrong\n", wrong(p, n, 4));
  printf("again: %ld", syscall(SYS_swapoff, "/dev/swap"));
  printf(", %d\n", errno);
  printf("swapon: %ld\n", syscall(SYS_swapon, "/dev/swap", 0));
  fill(p, n, 7);
  printf("%ld wrong\n", wrong(p, n, 7));
}

// Locked pages stay, whoever wants memory; unlocked they go like others.
static void lock(long n) {
  uint64_t *kept = pages(8);
  fill(kept, 8, 1);
  printf("mlock: %d\n", mlock(kept, 8 * 4096));
  uint64_t *p = pages(n);
  fill(p, n, 2);
  unsigned char in[8];
  int resident = 0;
  mincore(kept, 8 * 4096, in);
  for (int i = 0; i < 8; i++) resident += in[i] & 1;
  printf("locked: %d of 8 in memory\n", resident);
  munlock(kept, 8 * 4096);
  fill(p, n, 3);
  fill(p, n, 4);
  printf("%ld wrong, %ld wrong\n", wrong(kept, 8, 1), wrong(p, n, 4));
}

static int in_memory(void *p, long n) {
  unsigned char in[n];
  int resident = 0;
  mincore(p, n * 4096, in);
  for (long i = 0; i < n; i++) resident += in[i] & 1;
  return resident;
}

// What a program says of its pages: to swap with them; free them if you like.
static void advice(long n) {
  uint64_t *p = pages(n);
  fill(p, n, 1);
  printf("before: %d of %ld\n", in_memory(p, n), n);
  printf("pageout: %d", madvise(p, n * 4096, MADV_PAGEOUT));
  usleep(3000000);
  printf(", %d of %ld\n", in_memory(p, n), n);
  printf("%ld wrong\n", wrong(p, n, 1));
  printf("free: %d\n", madvise(p, n * 4096, MADV_FREE));
  p[0] = 77;
  uint64_t *hog = pages(4 * n);
  for (uint64_t round = 1; round < 4; round++) fill(hog, 4 * n, round);
  long kept = 0, zeros = 0, bad = 0;
  for (long i = 1; i < n; i++) {
    if (p[i * WORDS] == (uint64_t)(i * 7 + 1)) kept++;
    else if (p[i * WORDS] == 0 && p[i * WORDS + 1 + i % 511] == 0) zeros++;
    else bad++;
  }
  printf("written again: %ld, kept or zero: %d, zero: %d, else: %ld\n", (long)p[0],
         kept + zeros == n - 1, zeros > 0, bad);
}

// Memory that a child shares: what it writes is there for its parent, out of swap as well.
static void shmem(long n) {
  uint64_t *p = mmap(0, n * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fill(p, n, 1);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    long bad = wrong(p, n, 1);
    fill(p, n, 2);
    uint64_t *own = pages(n);
    fill(own, n, 3);
    _exit(bad + wrong(own, n, 3) != 0);
  }
  int ended = end_of(child);
  uint64_t *own = pages(n);
  fill(own, n, 4);
  printf("shared: %ld wrong, own: %ld wrong, child ended with %d\n", wrong(p, n, 2),
         wrong(own, n, 4), ended);
  fflush(stdout);
  printf("swapoff: %ld, %ld wrong\n", syscall(SYS_swapoff, "/dev/swap"), wrong(p, n, 2));
}

// Two processes read two files that nobody has read: each waits for the disk by itself.
static void two(int by_read) {
  fflush(stdout);
  pid_t child[2];
  for (int i = 0; i < 2; i++) {
    child[i] = fork();
    if (child[i] != 0) continue;
    int fd = open(i ? "/data" : "/data2", O_RDONLY);
    long n = lseek(fd, 0, SEEK_END) / 4096;
    long bad = 0;
    if (by_read) {
      lseek(fd, 0, SEEK_SET);
      static uint64_t buf[16 * WORDS];
      for (long j = 0; j < n;) {
        long got = read(fd, buf, sizeof buf) / 4096;
        for (long k = 0; k < got; k++) bad += buf[k * WORDS] != (uint64_t)(j + k);
        if (got <= 0) _exit(2);
        j += got;
      }
      _exit(bad != 0);
    }
    volatile uint64_t *p = mmap(0, n * 4096, PROT_READ, MAP_SHARED, fd, 0);
    for (long j = 0; j < n; j += 40) bad += p[j * WORDS] != (uint64_t)j;
    _exit(bad != 0);
  }
  int first = end_of(child[0]), second = end_of(child[1]);
  printf("ended with %d and %d\n", first, second);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  long n = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(what, "anon")) anon(n);
  if (!strcmp(what, "file")) file();
  if (!strcmp(what, "shared")) shared(n);
  if (!strcmp(what, "hog")) hog(n);
  if (!strcmp(what, "off")) off(n);
  if (!strcmp(what, "lock")) lock(n);
  if (!strcmp(what, "advice")) advice(n);
  if (!strcmp(what, "shmem")) shmem(n);
  if (!strcmp(what, "two")) two(0);
  if (!strcmp(what, "read")) two(1);
  return 0;
}
