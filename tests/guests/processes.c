// fork, wait, pipes and sleep: what it prints is what it prints on Linux.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char sent[200000], got[300000];

static void say(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
}

static int exit_status(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    say("child");
    _exit(7);
  }
  printf("exit %d\n", exit_status(child));

  // More than a pipe holds: both sides have to wait for each other.
  int fds[2];
  pipe(fds);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    close(fds[0]);
    for (int i = 0; i < (int)sizeof sent; i++) sent[i] = i;
    _exit(write(fds[1], sent, sizeof sent) == sizeof sent ? 3 : 4);
  }
  close(fds[1]);
  int total = 0, n, bad = 0;
  while ((n = read(fds[0], got + total, 1000)) > 0) total += n;
  for (int i = 0; i < total; i++) bad += got[i] != (char)i;
  printf("got %d, bad %d, end %d, exit %d\n", total, bad, n, exit_status(child));

  struct timespec pause_for = {0, 50000000};
  fflush(stdout);
  child = fork();
  if (child == 0) {
    nanosleep(&pause_for, 0);
    say("slept");
    _exit(0);
  }
  for (volatile int i = 0; i < 1000000; i++) {}
  say("worked");
  printf("exit %d\n", exit_status(child));

  child = vfork();
  if (child == 0) _exit(9);
  printf("vfork exit %d\n", exit_status(child));

  fflush(stdout);
  child = fork();
  if (child == 0) {
    nanosleep(&(struct timespec){1000, 0}, 0);
    _exit(1);
  }
  kill(child, SIGKILL);
  printf("killed %d\n", exit_status(child));
  printf("no child %d\n", waitpid(-1, 0, 0));
  return 5;
}
