// What /proc says to a program about itself, in the parts that are the same on any machine. Recorded
// on a riscv64 Linux 6.12 as proc.linux.txt.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096ul
static char text[1 << 18];

static int slurp(const char *path, size_t chunk) {
  int fd = open(path, O_RDONLY);
  int n = 0, got;
  if (fd < 0) return -errno;
  while ((got = read(fd, text + n, chunk)) > 0) n += got;
  close(fd);
  text[n] = 0;
  return got < 0 ? -errno : n;
}

static int spit(const char *path, const char *what) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -errno;
  int n = write(fd, what, strlen(what));
  int error = n < 0 ? -errno : n;
  close(fd);
  return error;
}

// The record of the area at `start`, its inode number replaced.
static void area(const char *path, void *start, int lines) {
  slurp(path, 65536);
  char want[32];
  sprintf(want, "%08lx-", (unsigned long)start);
  char *at = strstr(text, want);
  for (int i = 0; at && i < lines; i++) {
    char *end = strchr(at, '\n');
    *end = 0;
    unsigned long s, e, off, ino;
    unsigned major, minor;
    char perm[8];
    int used = 0;
    if (sscanf(at, "%lx-%lx %7s %lx %x:%x %lu%n", &s, &e, perm, &off, &major, &minor, &ino, &used) == 7) {
      char *name = at + used;
      while (*name == ' ') name++;
      printf("%.*s %s at column %d: %s\n", 40, at, ino ? "inode" : "none", (int)(name - at), name);
    } else if (strncmp(at, "THPeligible", 11)) {
      printf("%s\n", at);
    }
    at = end + 1;
  }
}

static void touch(char *p, int pages) {
  for (int i = 0; i < pages; i++) p[i * PG] = i + 1;
}

static void field(const char *path, const char *name) {
  slurp(path, 65536);
  size_t len = strlen(name);
  for (char *line = text; line && *line;) {
    char *end = strchr(line, '\n');
    if (end) *end = 0;
    if (!strncmp(line, name, len) && line[len] == ':') printf("%s\n", line);
    line = end ? end + 1 : 0;
  }
}

static void names(const char *path) {
  slurp(path, 65536);
  for (char *line = text; *line;) {
    char *end = strchr(line, '\n');
    printf("%.*s ", (int)strcspn(line, ":"), line);
    line = end + 1;
  }
  printf("\n");
}

static void pagemap(const char *what, char *p, int pages) {
  uint64_t word;
  int fd = open("/proc/self/pagemap", O_RDONLY);
  printf("%s:", what);
  for (int i = 0; i < pages; i++) {
    if (pread(fd, &word, 8, ((uintptr_t)p / PG + i) * 8) != 8) printf(" short");
    printf(" %x%s", (unsigned)(word >> 55), word & ((1ull << 55) - 1) ? "+pfn" : "");
  }
  printf("\n");
  close(fd);
}

int main(int argc, char **argv) {
  setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16);
  const char *dir = argc > 1 ? argv[1] : "/tmp";
  char path[256], other[256], link[512];
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);

  // ---- maps and smaps
  char *a = mmap((void *)0x1000000000, 8 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  touch(a, 3);
  volatile char c = a[5 * PG];
  area("/proc/self/maps", a, 1);
  area("/proc/self/smaps", a, 25);
  snprintf(path, sizeof path, "%s/proc-file", dir);
  snprintf(other, sizeof other, "%s/proc-file-renamed", dir);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0640);
  for (int i = 0; i < 4; i++) write(fd, text, PG);
  fsync(fd);
  char *f = mmap((void *)0x1000800000, 4 * PG, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, PG);
  char *s = mmap((void *)0x1001000000, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  area("/proc/self/maps", f, 1);
  touch(s, 2);
  area("/proc/self/maps", s, 1);
  area("/proc/self/smaps", s, 25);
  rename(path, other);
  area("/proc/self/maps", f, 1);
  unlink(other);
  area("/proc/self/maps", f, 1);
  int shared[2];
  pipe(shared);
  pid_t child = fork();
  if (child == 0) {
    char go;
    a[0] = 9;
    read(shared[0], &go, 1);
    _exit(0);
  }
  usleep(20000);
  area("/proc/self/smaps", a, 25);
  write(shared[1], "x", 1);
  waitpid(child, 0, 0);

  // ---- read in pieces, lseek, pread
  int whole = slurp("/proc/self/maps", 65536);
  char *copy = strdup(text);
  int pieces = slurp("/proc/self/maps", 7);
  printf("read in pieces of 7: %d, the same: %d\n", whole == pieces, !strcmp(copy, text));
  int m = open("/proc/self/maps", O_RDONLY);
  char part[33] = {0};
  pread(m, part, 32, 100);
  printf("pread: %d, position %ld\n", !strncmp(part, copy + 100, 32), (long)lseek(m, 0, SEEK_CUR));
  lseek(m, 100, SEEK_SET);
  read(m, part, 32);
  printf("after lseek: %d, SEEK_END %ld %s\n", !strncmp(part, copy + 100, 32), (long)lseek(m, 0, SEEK_END), strerror(errno));
  close(m);

  // ---- pagemap
  pagemap("anonymous", a, 8);
  pagemap("shared file", s, 4);
  errno = 0;
  int pm = open("/proc/self/pagemap", O_RDONLY);
  printf("odd sizes: %d %d\n", (int)pread(pm, part, 7, 0), (int)pread(pm, part, 8, 4));
  close(pm);

  // ---- used or not
  spit("/proc/self/clear_refs", "1");
  field("/proc/self/smaps_rollup", "Swap");
  slurp("/proc/self/smaps", 65536);
  char *at = strstr(text, "1000000000-");
  at = at ? strstr(at, "Referenced") : 0;
  printf("%.27s\n", at ? at : "none");
  c = a[2 * PG];
  slurp("/proc/self/smaps", 65536);
  at = strstr(strstr(text, "1000000000-"), "Referenced");
  printf("%.27s\n", at);
  printf("clear_refs 9: %d\n", spit("/proc/self/clear_refs", "9"));

  // ---- status, stat, statm, limits, comm
  names("/proc/self/status");
  names("/proc/self/smaps_rollup");
  prctl(PR_SET_NAME, "a b)\\c", 0, 0, 0);
  field("/proc/self/status", "Name");
  field("/proc/self/status", "State");
  field("/proc/self/status", "Threads");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  raise(SIGUSR1);
  signal(SIGUSR2, SIG_IGN);
  field("/proc/self/status", "SigBlk");
  field("/proc/self/status", "SigPnd");
  field("/proc/self/status", "SigIgn");
  slurp("/proc/self/stat", 65536);
  printf("%s", strchr(text, '(') ? "" : "no name ");
  at = strrchr(text, ')');
  *at = 0;
  printf("stat name: %s)\n", strchr(text, '('));
  int fields = 2;
  for (char *t = strtok(at + 1, " \n"); t; t = strtok(0, " \n")) fields++;
  printf("stat fields: %d\n", fields);
  slurp("/proc/self/statm", 65536);
  fields = 0;
  for (char *t = strtok(text, " \n"); t; t = strtok(0, " \n")) fields++;
  printf("statm fields: %d\n", fields);
  slurp("/proc/self/limits", 65536);
  printf("%.*s\n", (int)strcspn(text, "\n"), text);
  at = strstr(text, "Max stack");
  printf("%.*s|\n", (int)strcspn(at, "\n"), at);
  at = strstr(text, "Max nice");
  printf("%.*s|\n", (int)strcspn(at, "\n"), at);
  printf("write comm: %d\n", spit("/proc/self/comm", "a-very-long-new-name\n"));
  slurp("/proc/self/comm", 65536);
  printf("comm: %s", text);
  printf("oom_score_adj: %d %d %d\n", spit("/proc/self/oom_score_adj", "500\n"), spit("/proc/self/oom_score_adj", "1001"), spit("/proc/self/oom_score_adj", "x"));
  slurp("/proc/self/oom_score_adj", 65536);
  printf("now %s", text);
  int n = slurp("/proc/self/cmdline", 65536);
  printf("cmdline ends with a NUL: %d, begins with argv[0]: %d\n", text[n - 1] == 0, !strcmp(text, argv[0]));

  // ---- links and directories
  chdir("/");
  n = readlink("/proc/self/cwd", link, sizeof link - 1);
  printf("cwd %.*s\n", n, link);
  n = readlink("/proc/self/root", link, sizeof link - 1);
  printf("root %.*s\n", n, link);
  n = readlink("/proc/self/exe", link, sizeof link - 1);
  link[n < 0 ? 0 : n] = 0;
  printf("exe %s\n", strrchr(link, '/') ? strrchr(link, '/') : link);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  n = readlink(path, link, sizeof link - 1);
  link[n < 0 ? 0 : n] = 0;
  printf("fd %s\n", strrchr(link, '/') ? strrchr(link, '/') : link);
  int again = open(path, O_RDONLY);
  printf("opened again, removed as it is: %d bytes\n", (int)lseek(again, 0, SEEK_END));
  close(again);
  struct stat st;
  lstat(path, &st);
  printf("lstat %o %d\n", st.st_mode, (int)st.st_size);
  stat("/proc/self/maps", &st);
  printf("maps %o %d %d\n", st.st_mode, (int)st.st_size, (int)st.st_nlink);
  stat("/proc/self/pagemap", &st);
  printf("pagemap %o\n", st.st_mode);
  stat("/proc/self/fd", &st);
  printf("fd %o\n", st.st_mode);
  DIR *d = opendir("/proc/self/task");
  int tasks = 0;
  for (struct dirent *e; (e = readdir(d));) tasks += e->d_name[0] != '.' && atoi(e->d_name) == getpid();
  closedir(d);
  printf("tasks %d\n", tasks);
  printf("%d %d %d\n", slurp("/proc/self/nothing", 9), slurp("/proc/99999/maps", 9), slurp("/proc/self/fd/77", 9));

  // ---- knobs
  printf("overcommit 1: %d, 7: %d, x: %d\n", spit("/proc/sys/vm/overcommit_memory", "1\n"), spit("/proc/sys/vm/overcommit_memory", "7"), spit("/proc/sys/vm/overcommit_memory", "x"));
  slurp("/proc/sys/vm/overcommit_memory", 65536);
  printf("now %s", text);
  spit("/proc/sys/vm/overcommit_memory", "0");
  printf("drop_caches 1: %d, 9: %d\n", spit("/proc/sys/vm/drop_caches", "1"), spit("/proc/sys/vm/drop_caches", "9"));
  slurp("/proc/sys/kernel/ostype", 65536);
  printf("ostype %s", text);
  setuid(65534);
  printf("as nobody: %d\n", spit("/proc/sys/vm/overcommit_memory", "1"));
  printf("open pagemap: %d, maps: %d\n", slurp("/proc/self/pagemap", 8), slurp("/proc/self/maps", 64) > 0);
  return 0;
}
