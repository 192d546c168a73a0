// Runs the steps it is given as arguments, one after the other, and says how each ended. A step is
// one argument, its words apart by blanks; %20 in a word is a blank, and % alone an empty word:
//
//   run PATH ARG...        fork, execve, wait: "exit N" or "signal N"
//   env NAME=VALUE         for those that are run from now on; "env NAME" takes it away
//   as UID STEP            the step as somebody else, in a process of its own
//   unregister ID          exec_sys_unregister
//   cat PATH               the file's text
//   put PATH TEXT          the file is cut to nothing, then TEXT is written (no new file)
//   poke PATH OFFSET BYTE  one byte of the file is overwritten
//   copy FROM TO           as cp does: TO is cut to nothing first; move FROM TO
//   over FROM TO           TO keeps its length, its bytes are written over
//   share PATH BYTE        a store through a shared mapping of the file, which stays mapped
//   swapoff                the swap area goes out of use
//   mem PAGES              touches so many pages of its own, and keeps them
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void answer(const char *what, long result) {
  if (result < 0) printf("%s: errno %d\n", what, errno);
  else printf("%s: %ld\n", what, result);
}

static void run(char **argv) {
  int status = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    execve(argv[0], argv, environ);
    printf("execve: errno %d\n", errno);
    fflush(stdout);
    _exit(127);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) answer("run", -1);
  else if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
  else printf("exit %d\n", WEXITSTATUS(status));
}

static void cat(const char *path) {
  char buffer[4096];
  int fd = open(path, O_RDONLY);
  long n = fd;
  while (fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, n, stdout);
  if (n < 0) answer("cat", n);
  if (fd >= 0) close(fd);
}

static void copy(const char *from, const char *to, int cut) {
  static char buffer[65536];
  struct stat st;
  int in = open(from, O_RDONLY), out = -1;
  if (in >= 0 && fstat(in, &st) == 0) out = open(to, O_WRONLY | O_CREAT | cut, st.st_mode);
  long n = out;
  while (out >= 0 && (n = read(in, buffer, sizeof buffer)) > 0) n = write(out, buffer, n);
  answer("copy", n);
  close(in);
  close(out);
}

static void step(char **words);

static void as(int uid, char **words) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (setgid(uid) || setuid(uid)) _exit(126);
    step(words);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, 0, 0);
}

static void step(char **words) {
  if (!words[0]) return;
  if (!strcmp(words[0], "run")) run(words + 1);
  else if (!strcmp(words[0], "env")) {
    if (strchr(words[1], '=')) putenv(words[1]);
    else unsetenv(words[1]);
  } else if (!strcmp(words[0], "as")) as(atoi(words[1]), words + 2);
  else if (!strcmp(words[0], "unregister"))
    answer("unregister", syscall(601, atol(words[1])));
  else if (!strcmp(words[0], "cat")) cat(words[1]);
  else if (!strcmp(words[0], "put")) {
    int fd = open(words[1], O_WRONLY | O_TRUNC);
    answer("put", fd < 0 ? fd : write(fd, words[2], strlen(words[2])));
    close(fd);
  } else if (!strcmp(words[0], "poke")) {
    char byte = (char)atoi(words[3]);
    int fd = open(words[1], O_WRONLY);
    answer("poke", fd < 0 ? fd : pwrite(fd, &byte, 1, atol(words[2])));
    close(fd);
  } else if (!strcmp(words[0], "copy")) copy(words[1], words[2], O_TRUNC);
  else if (!strcmp(words[0], "over")) copy(words[1], words[2], 0);
  else if (!strcmp(words[0], "move")) answer("move", rename(words[1], words[2]));
  else if (!strcmp(words[0], "share")) {
    static char *mapping;
    int fd = mapping ? -1 : open(words[1], O_RDWR);
    if (!mapping) mapping = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    mapping[100] = (char)atoi(words[2]);
    close(fd);
  } else if (!strcmp(words[0], "swapoff")) answer("swapoff", swapoff("/dev/swap"));
  else if (!strcmp(words[0], "mem")) {
    long pages = atol(words[1]);
    char *p = mmap(0, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) answer("mem", -1);
    else for (long i = 0; i < pages; i++) p[i << 12] = 1;
  }
}

/** %xx in a word, in place; % alone is nothing. */
static void decode(char *word) {
  char *to = word, digits[3] = {0};
  for (char *at = word; *at; at++) {
    if (*at != '%') *to++ = *at;
    else if (at[1]) {
      memcpy(digits, at + 1, 2);
      *to++ = (char)strtol(digits, 0, 16);
      at += 2;
    }
  }
  *to = 0;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    char *words[32];
    int n = 0;
    for (char *w = strtok(argv[i], " "); w && n < 31; w = strtok(0, " ")) words[n++] = w;
    words[n] = 0;
    for (int k = 0; k < n; k++) decode(words[k]);
    step(words);
  }
  fflush(stdout);
  return 0;
}
