// A disk that fills up: what is refused, and that everything can be had back.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static sigjmp_buf back;
static int code;
static void bus(int signo, siginfo_t *info, void *context) { code = info->si_code; siglongjmp(back, 1); }
static long room(void) { struct statfs f; statfs("/", &f); return f.f_bfree; }
static long inodes(void) { struct statfs f; statfs("/", &f); return f.f_ffree; }
static const char *why(long r) { return r < 0 ? strerrorname_np(errno) : "done"; }
static char page[4096];

int main(void) {
  struct sigaction a = {.sa_sigaction = bus, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &a, 0);
  mkdir("/w", 0755);
  chdir("/w");
  long before = room(), names = inodes();
  int hole = open("hole", O_CREAT | O_RDWR, 0644), part = open("part", O_CREAT | O_RDWR, 0644);
  ftruncate(hole, 8 * 4096);
  write(part, "keep", 4);
  char *p = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hole, 0);
  p[0] = 1;
  int fd = open("fill", O_CREAT | O_RDWR, 0644);
  memset(page, 'f', sizeof page);
  long n = 0, r;
  while ((r = write(fd, page, 4096)) == 4096) n++;
  printf("filled to the last block %d: %s\n", n == before - 2 && room() == 0, why(r));
  printf("a write over two pages, one of them there: %ld\n", (long)pwrite(part, page, 4096, 4092 - 4000));
  printf("no block for a directory: %s\n", why(mkdir("d", 0755)));
  printf("none for a link's target: %s\n", why(symlink("target", "l")));
  int empty = open("empty", O_CREAT | O_RDWR, 0644);
  printf("an empty file needs none: %d\n", empty >= 0);
  printf("its first byte does: %s\n", why(write(empty, "x", 1)));
  printf("nor by fallocate: %s\n", why(fallocate(empty, 0, 0, 4096)));
  printf("a page that has a block is written: %s\n", why(pwrite(fd, "x", 1, 0)));
  p[1] = 2;
  if (!sigsetjmp(back, 1)) p[4096] = 1, printf("no SIGBUS\n");
  else printf("a store to a hole: SIGBUS %d\n", code);
  printf("it still reads as zeros: %d\n", p[4096]);
  fsync(hole);
  struct stat s;
  fstat(hole, &s);
  printf("blocks of the hole: %ld\n", (long)s.st_blocks);
  unlink("fill");
  printf("an open file keeps its blocks: %ld free\n", room());
  close(fd);
  printf("closed, they are back: %d\n", room() == n);
  p[4096] = 1;
  printf("now the store goes through: %d\n", room() == n - 1);
  munmap(p, 8 * 4096);
  close(hole), close(part), close(empty);
  unlink("hole"), unlink("part"), unlink("empty");
  printf("all blocks are back: %d, all inodes: %d\n", room() == before, inodes() == names);
  char name[20];
  for (n = 0;; n++) {
    sprintf(name, "n%ld", n);
    if ((r = open(name, O_CREAT | O_RDWR, 0644)) < 0) break;
    close(r);
  }
  printf("as many files as inodes %d: %s\n", n == names, why(r));
  printf("nor a directory: %s\n", why(mkdir("d", 0755)));
  printf("nor one without a name: %s\n", why(open(".", O_TMPFILE | O_RDWR, 0600)));
  while (n-- > 0) sprintf(name, "n%ld", n), unlink(name);
  printf("the directory keeps its blocks: %ld\n", before - room());
  chdir("/");
  rmdir("/w");
  printf("removed: %d\n", room() == before + 1);
  return 0;
}
