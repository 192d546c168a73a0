// System calls about processes, pipes, descriptors, limits and time, with right and wrong
// arguments: each prints its answer, and prints the same on Linux.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PG = 4096 };
static int st;
static pid_t k;
static int p[2], fd;
static char b[70000];
static struct pollfd pf, pw;
static struct timespec ts;

static int ex(pid_t child) {
  waitpid(child, &st, 0);
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

#define E(what, call) \
  do { \
    errno = 0; \
    long r = (long)(call); \
    printf("%s = %ld %s\n", what, r < 0 ? -1 : r, r < 0 ? strerror(errno) : "ok"); \
    fflush(stdout); \
  } while (0)

static void wrn(char *at, int n) {
  for(int i = 0; i < n; i++)
    ((volatile char *) at)[i * PG] = 1;
}

static void waiting(void) {
  E("wait4 bad opts", wait4(-1, &st, 0x100, 0));
  E("waitpid none", waitpid(-1, &st, 0));
  E("waitpid WNOHANG none", waitpid(-1, &st, WNOHANG));
  fflush(stdout);
  k = fork();
  if(!k) {
    setpgid(0, 0);
    _exit(getpgid(0) == getpid()? 11 : 12);
  }
  printf("setpgid self %d\n", ex(k));
  fflush(stdout);
  k = fork();
  if(!k) {
    pid_t s = setsid();
    _exit(s == getpid() && getsid(0) == s && getpgrp() == s ? 13 : 14);
  }
  printf("setsid %d\n", ex(k));
  fflush(stdout);
  k = fork();
  if(!k) {
    setsid();
    _exit(setsid() == -1 && errno == EPERM ? 15 : 16);
  }
  printf("setsid twice %d\n", ex(k));
  siginfo_t si;
  memset(&si, 0, sizeof si);
  fflush(stdout);
  k = fork();
  if(!k)
    _exit(21);
  E("waitid NOWAIT", waitid(P_PID, k, &si, WEXITED | WNOWAIT));
  printf("code %d status %d pid %d\n", si.si_code, si.si_status, si.si_pid == k);
  E("waitid", waitid(P_PID, k, &si, WEXITED));
  E("waitid again", waitid(P_PID, k, &si, WEXITED));
  fflush(stdout);
  k = fork();
  if(!k) {
    kill(getpid(), SIGABRT);
  }
  waitid(P_ALL, 0, &si, WEXITED);
  printf("code %d status %d\n", si.si_code, si.si_status);
  E("waitid no opts", waitid(P_ALL, 0, &si, 0));
}

static void pipes(void) {
  E("pipe", pipe(p));
  E("getpipesz", fcntl(p[0], 1032));
  E("F_GETFL r", fcntl(p[0], F_GETFL) & 3);
  E("F_GETFL w", fcntl(p[1], F_GETFL) & 3);
  fcntl(p[1], F_SETFL, O_NONBLOCK);
  fcntl(p[0], F_SETFL, O_NONBLOCK);
  E("read empty nonblock", read(p[0], b, 1));
  E("write 70000", write(p[1], b, 70000));
  E("write 1 full", write(p[1], b, 1));
  E("read 1", read(p[0], b, 1));
  E("write after 1", write(p[1], b, 1));
  E("read 4095", read(p[0], b, 4095));
  E("write 4096", write(p[1], b, 4096));
  E("write 1", write(p[1], b, 1));
  E("read all", read(p[0], b, 70000));
  E("write 100", write(p[1], b, 100));
  E("write 5000", write(p[1], b, 5000));
  E("read", read(p[0], b, 70000));
  E("write to read end", write(p[0], b, 1));
  E("read from write end", read(p[1], b, 1));
  E("lseek pipe", lseek(p[0], 0, SEEK_CUR));
  E("pread pipe", pread(p[0], b, 1, 0));
  E("ftruncate pipe", ftruncate(p[1], 0));
  E("mmap pipe", mmap(0, 4096, PROT_READ, MAP_PRIVATE, p[0], 0) == MAP_FAILED ? -1 : 0);
  pf = (struct pollfd) { p[0], POLLIN, 0 };
  printf("poll empty %d %x\n", poll(&pf, 1, 0), pf.revents);
  write(p[1], "x", 1);
  printf("poll one %d %x\n", poll(&pf, 1, 0), pf.revents);
  pw = (struct pollfd) { p[1], POLLOUT, 0 };
  printf("poll out %d %x\n", poll(&pw, 1, 0), pw.revents);
  close(p[1]);
  printf("poll hup %d %x\n", poll(&pf, 1, 0), pf.revents);
  read(p[0], b, 10);
  printf("poll hup2 %d %x\n", poll(&pf, 1, 0), pf.revents);
  E("read eof", read(p[0], b, 1));
  close(p[0]);
  pipe(p);
  close(p[0]);
  signal(SIGPIPE, SIG_IGN);
  E("write no reader", write(p[1], b, 1));
  pw.fd = p[1];
  printf("poll err %d %x\n", poll(&pw, 1, 0), pw.revents);
  close(p[1]);
  signal(SIGPIPE, SIG_DFL);
  fflush(stdout);
  k = fork();
  if(!k) {
    pipe(p);
    close(p[0]);
    write(p[1], b, 1);
    _exit(0);
  }
  printf("sigpipe death %d\n", ex(k));
}

static void duplicates(void) {
  fd = dup(1);
  E("dup closed", dup(77));
  E("dup2 same bad", dup2(77, 77));
  E("dup2 same", dup2(fd, fd) == fd);
  E("dup3 same", dup3(fd, fd, 0));
  E("dup3 bad flag", dup3(fd, 50, 1));
  E("dup2 50", dup2(fd, 50));
  E("cloexec 50", fcntl(50, F_GETFD));
  E("dup3 cloexec", dup3(fd, 51, O_CLOEXEC));
  E("cloexec 51", fcntl(51, F_GETFD));
  E("dupfd 40", fcntl(fd, F_DUPFD, 40));
  E("dupfd_cloexec", fcntl(fd, F_DUPFD_CLOEXEC, 40));
  close(40);
  close(41);
  close(50);
  close(51);
  close(fd);
  E("close twice", close(fd));
  E("fcntl bad cmd", fcntl(1, 9999));
  E("dupfd huge", fcntl(1, F_DUPFD, 1 << 20));
}

static void exec_errors(void) {
  char *av[] = { "x", 0 }, *ev[] = { 0 };
  E("exec missing", execve("/nonexistent", av, ev));
  E("exec dir", execve("/", av, ev));
  E("exec bad argv", execve("/nonexistent", (char **) 8, ev));
  E("exec empty", execve("", av, ev));
}

static void limits(void) {
  struct rlimit l;
  getrlimit(RLIMIT_STACK, &l);
  printf("stack %ld %d\n", (long) l.rlim_cur, l.rlim_max == RLIM_INFINITY);
  getrlimit(RLIMIT_DATA, &l);
  printf("data %d\n", l.rlim_cur == RLIM_INFINITY);
  l.rlim_cur = 100;
  l.rlim_max = 50;
  E("soft>hard", setrlimit(RLIMIT_DATA, &l));
  E("bad res", getrlimit(99, &l));
}

static void clocks(void) {
  ts = (struct timespec) { 0, 1000000000 };
  E("nanosleep bad", nanosleep(&ts, 0));
  ts.tv_sec = -1;
  ts.tv_nsec = 0;
  E("nanosleep neg", nanosleep(&ts, 0));
  E("clock bad", clock_gettime(77, &ts));
  E("getres", clock_getres(CLOCK_MONOTONIC, &ts));
  printf("res %ld %ld\n", ts.tv_sec, ts.tv_nsec);
  struct timespec a, c2;
  clock_gettime(CLOCK_MONOTONIC, &a);
  ts = (struct timespec) { 0, 20000000 };
  nanosleep(&ts, 0);
  clock_gettime(CLOCK_MONOTONIC, &c2);
  long d = (c2.tv_sec - a.tv_sec) * 1000000000 + c2.tv_nsec - a.tv_nsec;
  printf("slept enough %d\n", d >= 20000000);
}

static void children_use(void) {
  struct rusage r1, r2, ru;
  getrusage(RUSAGE_CHILDREN, &r1);
  fflush(stdout);
  k = fork();
  if(!k) {
    char *q = mmap(0, 64 * PG, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wrn(q, 64);
    _exit(0);
  }
  wait4(k, &st, 0, &ru);
  getrusage(RUSAGE_CHILDREN, &r2);
  printf("child faults counted %d, same as children %d\n", ru.ru_minflt >= 64
         && ru.ru_minflt < 100, r2.ru_minflt - r1.ru_minflt == ru.ru_minflt);
  E("getrusage bad", getrusage(5, &ru));
}

static void orphans(void) {
  int q[2];
  pipe(q);
  fflush(stdout);
  k = fork();
  if(!k) {
    if(!fork()) {
      while(getppid() != 1)
        usleep(1000);
      write(q[1], "o", 1);
      _exit(0);
    }
    _exit(0);
  }
  waitpid(k, &st, 0);
  char o = 0;
  read(q[0], &o, 1);
  printf("orphan has parent 1: %c\n", o);
  close(q[0]);
  close(q[1]);
}

static void killing(void) {
  E("kill missing", kill(99999, 0));
  E("kill bad sig", kill(getpid(), 65));
  E("kill 0", kill(getpid(), 0));
  fflush(stdout);
  k = fork();
  if(!k) {
    for(;;)
      pause();
  }
  E("kill child", kill(k, SIGTERM));
  printf("%d\n", ex(k));
  E("kill reaped", kill(k, 0));
  fflush(stdout);
  k = fork();
  if(!k)
    _exit(300);
  printf("exit 300 -> %d\n", ex(k));
  fflush(stdout);
  k = fork();
  if(!k)
    _exit(-1);
  printf("exit -1 -> %d\n", ex(k));
}

static void reaped_at_once(void) {
  signal(SIGCHLD, SIG_IGN);
  fflush(stdout);
  k = fork();
  if(!k)
    _exit(1);
  E("wait autoreaped", waitpid(k, &st, 0));
  signal(SIGCHLD, SIG_DFL);
  struct sysinfo sy;
  E("sysinfo", sysinfo(&sy));
  printf("unit %d\n", sy.mem_unit);
  char nm[16] = { 0 };
  prctl(PR_SET_NAME, "averyveryverylongname", 0, 0, 0);
  prctl(PR_GET_NAME, nm, 0, 0, 0);
  printf("name %s\n", nm);
  char cwd[100];
  E("getcwd small", syscall(SYS_getcwd, cwd, 1));
  E("chdir missing", chdir("/missing"));
  E("umask", umask(077));
  E("umask", umask(022));
}

int main(void) {
  waiting();
  pipes();
  duplicates();
  exec_errors();
  limits();
  clocks();
  children_use();
  orphans();
  killing();
  reaped_at_once();
  return 0;
}
