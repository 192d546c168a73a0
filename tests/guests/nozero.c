// Memory that is not cleared, step by step. Each argument is a list of steps, apart by ';':
//
//   fill C N       N pages of new memory get the letter C everywhere, and are unmapped
//   keep C N       the same, and they stay until the process ends
//   look N         maps N pages with MAP_NOZERO, writes the first word of each, and says what
//                  is in the rest, a character a page: '.' zeros, C that letter, '?' a mixture
//   seen N         the same, and says for which user
//   read-first N   the same, but each page is read before it is written
//   plain N        the same without MAP_NOZERO; brk N, brk2 N from the heap; shared N, stack N
//   as UID         the rest in a process of this user's: fork, setuid, execve
//   fork           the rest in a child, and wait
//   exec PATH      the rest in the program PATH (this one, with another mode); run PATH: in a
//                  child
//   setuid UID, dumpable 0|1, sysctl NAME VALUE, write PATH C N, read PATH, chmod PATH MODE,
//   chown PATH UID, unlink PATH, brk2-flags N: what they say
//   poked UID      the rest in a process of this user's, which is traced, and into which one
//                  word is written when it stops itself (step: stop)
//   areas          makes MAP_NOZERO areas, cuts, moves and joins them, and says what is one
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define NOZERO 0x04000000
#define BRK2 603

static char line[8192];
static char page[PAGE];

static void say(const char *what, const char *more) {
  unsigned length = strlen(what), rest = strlen(more);
  memcpy(line, what, length);
  line[length] = ' ';
  memcpy(line + length + 1, more, rest);
  line[length + 1 + rest] = '\n';
  if (write(1, line, length + rest + 2) < 0) _exit(99);
}

static void failed(const char *what) {
  char number[8];
  int n = errno, at = sizeof number;
  number[--at] = 0;
  for (; n; n /= 10) number[--at] = '0' + n % 10;
  say(what, number + at);
}

static void check(const char *what, long answer) {
  if (answer < 0) failed(what);
}

static char *map(unsigned pages, int flags) {
  char *at = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
  if (at != MAP_FAILED) return at;
  failed("mmap");
  _exit(98);
}

static char *filled(char letter, unsigned pages) {
  char *at = map(pages, MAP_PRIVATE);
  memset(at, letter, pages * PAGE);
  return at;
}

/** What `pages` pages have behind their first word, once that was written. */
static void tell(const char *what, char *at, unsigned pages, int read_first) {
  static char seen[4096];
  for (unsigned i = 0; i < pages; i++, at += PAGE) {
    if (read_first && *(volatile char *)at) _exit(97);
    *(volatile long *)at = 1;
    char first = at[sizeof(long)];
    unsigned same = sizeof(long);
    while (same < PAGE && at[same] == first) same++;
    seen[i] = same < PAGE ? '?' : first ? first : '.';
  }
  seen[pages] = 0;
  say(what, seen);
}

static void look(const char *what, unsigned pages) {
  if (!strcmp(what, "brk") || !strcmp(what, "brk2")) {
    char *end = sbrk(0);
    char *from = (char *)(((unsigned long)end + PAGE - 1) & -(unsigned long)PAGE);
    char *to = from + pages * PAGE;
    long answer = what[3] ? syscall(BRK2, to, NOZERO) : syscall(SYS_brk, to);
    if (answer < 0) return failed(what);
    tell(what, from, pages, 0);
    return;
  }
  if (!strcmp(what, "stack")) {
    // The lower part: nothing was ever there.
    char *deep = __builtin_alloca((pages + 8) * PAGE);
    tell(what, (char *)(((unsigned long)deep + PAGE - 1) & -(unsigned long)PAGE), pages, 0);
    return;
  }
  char who[32];
  if (!strcmp(what, "seen")) {
    sprintf(who, "seen %d", getuid());
    what = who;
  }
  int shared = !strcmp(what, "shared"), plain = !strcmp(what, "plain");
  int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (plain ? 0 : NOZERO);
  char *at = map(pages, flags);
  tell(what, at, pages, !strcmp(what, "read-first"));
  munmap(at, pages * PAGE);
}

static void write_file(const char *path, char letter, unsigned pages) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  memset(page, letter, PAGE);
  for (unsigned i = 0; i < pages; i++) check("write", write(fd, page, PAGE));
  memset(page, 0, PAGE);
  check("close", close(fd));
}

static void read_file(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return failed("open");
  while (read(fd, page, PAGE) > 0) continue;
  memset(page, 0, PAGE);
  close(fd);
}

static void sysctl(const char *name, const char *value) {
  static char path[256] = "/proc/sys/vm/";
  strcpy(path + 13, name);
  int fd = open(path, O_WRONLY);
  check("sysctl", fd < 0 ? -1 : write(fd, value, strlen(value)));
  if (fd >= 0) close(fd);
}

/** Pages of the areas of VM_NOZERO, each area's apart. */
static void areas(const char *what) {
  static char text[65536], found[256];
  int fd = open("/proc/self/smaps", O_RDONLY), length = 0, n, at = 0;
  while ((n = read(fd, text + length, sizeof text - 1 - length)) > 0) length += n;
  close(fd);
  text[length] = 0;
  long kbytes = 0;
  for (char *l = strtok(text, "\n"); l; l = strtok(0, "\n")) {
    if (!strncmp(l, "Size:", 5)) kbytes = atol(l + 5);
    if (!strncmp(l, "VmFlags:", 8) && strstr(l, " nz")) at += sprintf(found + at, " %ld", kbytes / 4);
  }
  say(what, at ? found + 1 : "none");
}

static void many_areas(void) {
  char *at = map(16, MAP_PRIVATE | NOZERO);
  areas("mapped");
  mprotect(at + 4 * PAGE, 4 * PAGE, PROT_READ);
  areas("cut");
  mprotect(at + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE);
  areas("joined");
  mmap(at + 8 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, -1, 0);
  areas("plain between");
  at = mremap(at, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  areas("moved");
  fflush(stdout);
  int child = fork();
  if (child == 0) {
    areas("child");
    _exit(0);
  }
  waitpid(child, 0, 0);
  munmap(at, 64 * PAGE);
}

static void wait_for(int child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return failed("wait");
  if (status != 0) say("ended", "badly");
}

static void become(const char *path, char *rest) {
  char *argv[] = {"nozero", rest, 0};
  execve(path, argv, environ);
  failed("execve");
  _exit(127);
}

/** A tracer writes into its memory. */
static void poke(int child) {
  int status = 0;
  if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return failed("stop");
  check("attach", ptrace(PTRACE_ATTACH, child, 0, 0));
  waitpid(child, &status, 0);
  check("poke", ptrace(PTRACE_POKEDATA, child, line, 1));
  kill(child, SIGCONT);
  check("detach", ptrace(PTRACE_DETACH, child, 0, 0));
  wait_for(child);
}

static char **words(char *step) {
  static char *found[8];
  int n = 0;
  for (char *word = strtok(step, " "); word && n < 7; word = strtok(0, " ")) found[n++] = word;
  found[n] = 0;
  return found;
}

static void steps(char *list);

/** @returns 1 when the rest was done elsewhere */
static int step(char **w, char *rest) {
  const char *what = w[0];
  if (!strcmp(what, "poked")) {
    int child = fork();
    if (child != 0) return poke(child), 1;
    if (setgid(atoi(w[1])) || setuid(atoi(w[1]))) _exit(126);
    become("/nozero", rest);
  }
  if (!strcmp(what, "stop")) return raise(SIGSTOP), 0;
  if (!strcmp(what, "fill") || !strcmp(what, "keep")) {
    unsigned pages = atoi(w[2]);
    char *at = filled(*w[1], pages);
    if (*what == 'f') munmap(at, pages * PAGE);
  } else if (!strcmp(what, "as") || !strcmp(what, "fork") || !strcmp(what, "run")) {
    int child = fork();
    if (child != 0) return wait_for(child), 1;
    if (*what == 'f') {
      steps(rest);
      _exit(0);
    }
    int uid = *what == 'a' ? atoi(w[1]) : -1;
    if (uid >= 0 && (setgid(uid) || setuid(uid))) _exit(126);
    become(*what == 'r' ? w[1] : "/nozero", rest);
  } else if (!strcmp(what, "exec")) become(w[1], rest);
  else if (!strcmp(what, "setuid")) check(what, setuid(atoi(w[1])));
  else if (!strcmp(what, "dumpable")) check(what, prctl(PR_SET_DUMPABLE, atoi(w[1])));
  else if (!strcmp(what, "sysctl")) sysctl(w[1], w[2]);
  else if (!strcmp(what, "write")) write_file(w[1], *w[2], atoi(w[3]));
  else if (!strcmp(what, "read")) read_file(w[1]);
  else if (!strcmp(what, "chmod")) check(what, chmod(w[1], strtol(w[2], 0, 8)));
  else if (!strcmp(what, "chown")) check(what, chown(w[1], atoi(w[2]), -1));
  else if (!strcmp(what, "unlink")) check(what, unlink(w[1]));
  else if (!strcmp(what, "areas")) many_areas();
  else if (!strcmp(what, "brk2-flags")) check(what, syscall(BRK2, sbrk(0), atoi(w[1])));
  else look(what, atoi(w[1]));
  return 0;
}

static void steps(char *list) {
  while (*list) {
    char *end = strchr(list, ';'), *rest = list + strlen(list);
    if (end) *end = 0, rest = end + 1;
    if (step(words(list), rest)) return;
    list = rest;
  }
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) steps(argv[i]);
  return 0;
}
