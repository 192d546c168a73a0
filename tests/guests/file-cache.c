// Files, the page cache and mappings: who sees what, which pages are in memory, what faults. What
// is printed was recorded on a real Linux (ext4).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096
static char text[65536];
static int used, pass;
#define P(...) (used += pass ? snprintf(text + used, sizeof text - used, __VA_ARGS__) : 0)
static const char *name(void) { return errno ? strerrorname_np(errno) : "ok"; }
#define T(call) do { errno = 0; long r_ = (long)(call); if (r_ < 0) P("%d %s: %s\n", __LINE__, #call, name()); else P("%d %s: %ld\n", __LINE__, #call, r_); } while (0)

static sigjmp_buf back;
static volatile int signo, code;
static void handler(int s, siginfo_t *i, void *u) { signo = s; code = i->si_code; siglongjmp(back, 1); }
#define TOUCH(what) do { signo = 0; if (!sigsetjmp(back, 1)) { what; P("%d %s: fine\n", __LINE__, #what); } else P("%d %s: signal %d code %d\n", __LINE__, #what, signo, code); } while (0)
static long minor(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); return r.ru_minflt; }
static long before_;
#define FAULTS(what) do { before_ = minor(); what; before_ = minor() - before_; P("%d %s: %ld faults\n", __LINE__, #what, before_); } while (0)

/** Which of the file's first n pages are in memory. */
static char *cached(int fd, int n) {
  static char s[100]; unsigned char v[100];
  char *p = mmap(0, n * PG, PROT_READ, MAP_SHARED, fd, 0);
  mincore(p, n * PG, v);
  for (int i = 0; i < n; i++) s[i] = v[i] & 1 ? '1' : '.';
  s[n] = 0;
  munmap(p, n * PG);
  return s;
}
static int make(const char *path, int pages) {
  static char b[PG];
  int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
  for (int i = 0; i < pages; i++) { memset(b, 'a' + i, PG); write(fd, b, PG); }
  return fd;
}
static volatile char *map(int fd, int pages, int prot, int flags) {
  static unsigned long at = 0x1000000000ul;
  at += 0x800000;
  return mmap((void *)at, pages * PG, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);
}
static long blocks(int fd) { struct stat s; fstat(fd, &s); return s.st_blocks; }

static void cache(void) {
  int fd = make("c", 10);
  P("%s\n", cached(fd, 10)); fsync(fd);
  T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(readahead(fd, 0, 10 * PG)); usleep(100000); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, PG, 3 * PG, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 4 * PG + 1, PG, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 4 * PG + 1, 2 * PG, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 7 * PG, PG - 1, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 7 * PG, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  ftruncate(fd, 9 * PG + 100); pwrite(fd, "x", 1, 9 * PG); fsync(fd);
  T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); readahead(fd, 0, 10 * PG); usleep(100000);
  T(posix_fadvise(fd, 8 * PG, PG + 50, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  readahead(fd, 0, 10 * PG); usleep(100000);
  T(posix_fadvise(fd, 8 * PG, PG + 100, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 0, 100, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(posix_fadvise(fd, 100, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  // What is mapped stays.
  pwrite(fd, "dirty", 5, 2 * PG); fsync(fd);
  T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  char b[6] = {0}; pread(fd, b, 5, 2 * PG); P("%s\n", b);
  T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); T(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
  volatile char *p = map(fd, 10, PROT_READ, MAP_SHARED); madvise((void *)p, 10 * PG, MADV_RANDOM);
  TOUCH(b[0] = p[3 * PG]); TOUCH(b[1] = p[5 * PG]); P("%s %c%c\n", cached(fd, 10), b[0], b[1]);
  T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  munmap((void *)p, 10 * PG); T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); P("%s\n", cached(fd, 10));
  T(pread(fd, b, 1, 4 * PG)); P("%s\n", cached(fd, 10));
  T(ftruncate(fd, 4 * PG)); P("%s\n", cached(fd, 4)); ftruncate(fd, 8 * PG); T(pread(fd, b, 1, 6 * PG)); P("%d %s %ld\n", b[0], cached(fd, 8), blocks(fd));
  close(fd);
}

static void truncated(void) {
  int fd = make("t", 6);
  volatile char *s = map(fd, 6, PROT_READ | PROT_WRITE, MAP_SHARED), *q = map(fd, 6, PROT_READ | PROT_WRITE, MAP_PRIVATE); volatile char c;
  s[5 * PG] = 'S'; q[5 * PG + 1] = 'Q'; q[2 * PG] = 'Q'; q[2 * PG + 200] = 'R'; c = q[4 * PG];
  T(ftruncate(fd, 2 * PG + 100));
  TOUCH(c = s[5 * PG]); TOUCH(c = q[5 * PG]); TOUCH(c = s[3 * PG]); TOUCH(s[3 * PG] = 1); TOUCH(q[3 * PG] = 1);
  TOUCH(c = s[2 * PG + 99]); P("%c\n", c); TOUCH(c = s[2 * PG + 100]); P("%d\n", c); TOUCH(c = q[2 * PG]); P("%c %c\n", c, q[2 * PG + 200]);
  s[2 * PG + 3000] = 'x';
  T(ftruncate(fd, 6 * PG)); TOUCH(c = s[5 * PG]); P("%d\n", c); TOUCH(c = q[5 * PG + 1]); P("%d\n", c); TOUCH(s[4 * PG] = 'n'); P("%ld blocks\n", blocks(fd)); T(fsync(fd)); P("%ld blocks\n", blocks(fd));
  T(ftruncate(fd, 0)); TOUCH(c = s[0]); TOUCH(c = q[0]); TOUCH(c = q[2 * PG]);
  T(pwrite(fd, "new", 3, 0)); TOUCH(c = s[0]); P("%c %d\n", c, s[3]); TOUCH(c = q[1]); P("%c\n", c);
  int again = open("t", O_RDWR | O_TRUNC); TOUCH(c = s[0]); close(again);
  munmap(s, 6 * PG); munmap(q, 6 * PG); close(fd);
}

static void shared(void) {
  int fd = make("s", 8); fsync(fd);
  volatile char *s = map(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED); volatile char c; madvise((void *)s, 8 * PG, MADV_RANDOM);
  FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'S');
  FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'T');
  T(msync(s, 4 * PG, MS_SYNC)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'U');
  T(msync(s, 8 * PG, MS_ASYNC)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'V');
  T(fsync(fd)); FAULTS(for (int i = 0; i < 8; i++) c = s[i * PG]); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'W');
  T(fdatasync(fd)); FAULTS(s[0] = 1); FAULTS(s[0] = 2);
  T(sync_file_range(fd, PG, 2 * PG, 7)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'X');
  sync(); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'Y');
  fsync(fd); T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'Z');
  T(pwrite(fd, "w", 1, 0)); FAULTS(s[0] = 'Z');
  fsync(fd); T(pwrite(fd, "w", 1, 0)); FAULTS(s[0] = 'Z');
  pid_t k = fork(); if (!k) { s[PG] = 'k'; msync(s, 8 * PG, MS_SYNC); _exit(0); } waitpid(k, 0, 0); P("%c\n", s[PG]); FAULTS(s[PG] = 'p'); FAULTS(s[2 * PG] = 'p');
  T(mprotect(s, 8 * PG, PROT_READ)); T(mprotect(s, 8 * PG, PROT_READ | PROT_WRITE)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'Z'); fsync(fd); T(mprotect(s, 8 * PG, PROT_READ)); T(mprotect(s, 8 * PG, PROT_READ | PROT_WRITE)); FAULTS(for (int i = 0; i < 8; i++) s[i * PG] = 'Z');
  T(msync(s + 1, 8, MS_SYNC)); T(msync(s, 8, 8)); T(msync(s, 8, 5)); T(msync(s, 9 * PG, MS_SYNC)); T(msync(s - PG, 8, MS_ASYNC)); T(msync(s - PG, 9 * PG, MS_SYNC)); T(msync(s, 0, MS_SYNC)); T(msync(s, -1, MS_SYNC));
  munmap(s, 8 * PG); close(fd);
  // Holes get blocks when they are written through the mapping.
  fd = open("h", O_CREAT | O_TRUNC | O_RDWR, 0644); ftruncate(fd, 8 * PG); s = map(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED); c = s[3 * PG]; P("%ld\n", blocks(fd)); s[3 * PG] = 1; s[5 * PG] = 1; fsync(fd); P("%ld\n", blocks(fd)); c = s[6 * PG]; fsync(fd); P("%ld\n", blocks(fd));
  int ro = open("h", O_RDONLY); T(mmap(0, PG, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED); P("%s\n", name()); char *r = mmap(0, PG, PROT_READ, MAP_SHARED, ro, 0); T(mprotect(r, PG, PROT_READ | PROT_WRITE)); int wo = open("h", O_WRONLY); T(mmap(0, PG, PROT_WRITE, MAP_SHARED, wo, 0) == MAP_FAILED); P("%s\n", name()); T(mmap(0, PG, PROT_READ, MAP_PRIVATE, wo, 0) == MAP_FAILED); P("%s\n", name());
  munmap(s, 8 * PG); munmap(r, PG); close(fd); close(ro); close(wo);
}

/** A buffer that ends in the middle of a piece is left out: this Linux goes round in circles there. */
static void torn(void) {
  int fd = make("w", 1); char b[300] = {0}; ftruncate(fd, 0);
  char *p = mmap((void *)0x2000000000, 3 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); munmap(p + PG, PG); memset(p, 'p', PG); memset(p + 2 * PG, 'q', PG);
  T(write(fd, p, 2 * PG)); T(write(fd, p + PG, 10)); struct stat s; fstat(fd, &s); P("%ld\n", (long)s.st_size);
  lseek(fd, 0, SEEK_SET); T(read(fd, p, 2 * PG)); T(lseek(fd, 0, SEEK_CUR)); T(read(fd, p + PG, 1)); T(pread(fd, p + 2 * PG - 1, 1, 0)); mprotect(p, PG, PROT_READ); T(read(fd, p, 10)); T(write(fd, p, 10)); mprotect(p, PG, PROT_NONE); T(write(fd, p, 10));
  // From a mapping of the file itself, over its own end.
  ftruncate(fd, 0); write(fd, "0123456789", 10); char *m = mmap(0, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); T(write(fd, m, 10)); T(pwrite(fd, m + 5, 10, 3)); T(pread(fd, b, 40, 0)); P("%s\n", b); T(pread(fd, m + 2, 5, 0)); P("%.20s\n", m); munmap(m, PG); munmap(p, PG); munmap(p + 2 * PG, PG); close(fd);
}

static void processes(const char *self) {
  T(open(self, O_WRONLY)); T(open(self, O_RDWR | O_TRUNC)); T(open(self, O_RDONLY | O_TRUNC)); T(truncate(self, 0)); T(open(self, O_RDONLY) >= 0); T(chmod(self, 0755)); T(access(self, W_OK));
  static char b[1 << 20]; int in = open(self, O_RDONLY); int n = read(in, b, sizeof b); close(in); unlink("copy"); int fd = open("copy", O_CREAT | O_WRONLY, 0755); T(write(fd, b, n) == n);
  int status; pid_t k = fork(); if (!k) { execl("copy", "copy", "exec", (char *)0); _exit(errno); } waitpid(k, &status, 0); P("exec: %s\n", strerrorname_np(WEXITSTATUS(status)));
  close(fd); fd = open("copy", O_RDONLY); close(fd); T(rename("copy", "copy2"));
  int keep = fcntl(0, F_DUPFD, 60), gone = fcntl(0, F_DUPFD_CLOEXEC, 61), later = fcntl(0, F_DUPFD, 62); fcntl(later, F_SETFD, FD_CLOEXEC); dup3(keep, 63, O_CLOEXEC); int end[2]; pipe(end);
  k = fork(); if (!k) { dup2(end[1], 64); execl("copy2", "copy2", "exec", (char *)0); _exit(99); } close(end[1]); memset(b, 0, 200); read(end[0], b, 199); waitpid(k, &status, 0); P("exec: %d %s\n", WEXITSTATUS(status), b); close(end[0]); T(unlink("copy2"));
  fd = open("f", O_CREAT | O_TRUNC | O_RDWR, 0644); T(write(fd, "parent ", 7)); k = fork(); if (!k) { write(fd, "child ", 6); _exit(0); } waitpid(k, 0, 0); T(write(fd, "parent", 6)); memset(b, 0, 100); T(pread(fd, b, 100, 0)); P("%s\n", b); close(fd);
}

static void scenario(const char *self) { cache(); truncated(); shared(); torn(); processes(self); }
int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "exec")) { char b[200]; int n = 0; for (int i = 3; i < 70; i++) if (fcntl(i, F_GETFD) >= 0 && (i >= 60)) n += sprintf(b + n, "%d ", i); write(64, b, n); return 7; }
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}; sigaction(SIGSEGV, &a, 0); sigaction(SIGBUS, &a, 0);
  if (mkdir(argv[1], 0755) < 0 && errno != EEXIST) return 1;
  if (chdir(argv[1]) < 0) return 2;
  // The first time warms up the program's own pages.
  for (pass = 0; pass < 2; pass++) scenario(argv[0]);
  write(1, text, used);
  return 0;
}
