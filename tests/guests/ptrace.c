// One process traced by another, as on Linux: stops, memory, registers, and who may.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char order[4000];
static int status;
static char *self;

static void notef(const char *format, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, format);
  vsnprintf(order + strlen(order), sizeof order - strlen(order), format, list);
  __builtin_va_end(list);
}
static void said(const char *title) {
  printf("%s:%s\n", title, order);
  fflush(stdout);
  order[0] = 0;
}
static void nap(int ms) { nanosleep(&(struct timespec){0, ms * 1000000L}, 0); }
/** The call itself: 0 or an errno, and what a PEEK reads in *word. */
static long ask(int request, pid_t pid, uintptr_t addr, uintptr_t data) {
  return syscall(SYS_ptrace, request, pid, addr, data) < 0 ? errno : 0;
}
static uint64_t word;
static long peek(pid_t pid, const void *addr) {
  word = 0;
  return ask(PTRACE_PEEKDATA, pid, (uintptr_t)addr, (uintptr_t)&word);
}
static long poke(pid_t pid, const void *addr, uint64_t value) {
  return ask(PTRACE_POKEDATA, pid, (uintptr_t)addr, value);
}
static void wait_for(pid_t child, int options) {
  status = 0xabcd;
  pid_t got = waitpid(child, &status, options);
  if (got < 0) notef(" error %d", errno);
  else notef(" %s%x", got == child ? "" : got == 0 ? "none " : "other ", status);
}
static void on(int signo, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(signo, &action, 0);
}
static void forever(void) {
  for (;;) pause();
}
/** A child that stops for its parent before it does `work`. */
static pid_t traced(void (*work)(void)) {
  pid_t child = fork();
  if (child != 0) return child;
  ask(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  work();
  _exit(0);
}
static void finish(pid_t child) {
  kill(child, SIGKILL);
  while (waitpid(child, &status, __WALL) == child && !WIFSIGNALED(status)) {
  }
}

static void done(void) { _exit(7); }
static volatile int heard;
static void hear(int signo, siginfo_t *info, void *context) {
  heard = signo * 1000 + (info->si_pid == getppid() ? 100 : 0) + info->si_code;
}
static void listen_(void) {
  on(SIGUSR1, hear);
  on(SIGUSR2, hear);
  raise(SIGUSR1);
  _exit(heard == 0 ? 1 : heard / 1000 + (heard % 1000 != 0 ? 100 : 0));
}

static void stops(void) {
  pid_t child = traced(done);
  wait_for(child, 0);
  wait_for(child, WNOHANG);
  notef(" cont %ld", ask(PTRACE_CONT, child, 0, 0));
  wait_for(child, 0);
  said("TRACEME, SIGSTOP, and on to the end");

  child = traced(listen_);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, SIGUSR1);
  wait_for(child, 0);
  said("a signal is seen, and then delivered");

  child = traced(listen_);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  said("a signal taken away");

  child = traced(listen_);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, SIGUSR2);
  wait_for(child, 0);
  said("another signal in its place");

  child = traced(forever);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  kill(child, SIGCHLD);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, SIGTERM);
  wait_for(child, 0);
  said("an ignored signal stops, a deadly one in its place");

  child = traced(forever);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, SIGSTOP);
  wait_for(child, 0);
  siginfo_t info;
  notef(" info %ld", ask(PTRACE_GETSIGINFO, child, 0, (uintptr_t)&info));
  ask(PTRACE_CONT, child, 0, 0);
  kill(child, SIGTERM);
  wait_for(child, 0);
  notef(" info %ld", ask(PTRACE_GETSIGINFO, child, 0, (uintptr_t)&info));
  notef(" %d %d %d", info.si_signo, info.si_code, info.si_pid == getpid());
  ask(PTRACE_CONT, child, 0, SIGTERM);
  wait_for(child, 0);
  said("SIGSTOP delivered: it stops once more, with nothing in hand");

  child = traced(forever);
  wait_for(child, 0);
  kill(child, SIGCONT);
  nap(20);
  wait_for(child, WNOHANG);
  notef(" kill %d", kill(child, SIGKILL));
  wait_for(child, 0);
  said("SIGCONT does not wake it, SIGKILL does");

  child = traced(forever);
  wait_for(child, 0);
  notef(" kill %ld", ask(PTRACE_KILL, child, 0, 0));
  wait_for(child, 0);
  said("PTRACE_KILL");
}

static void child_told(int signo, siginfo_t *info, void *context) {
  notef(" (%d %d %d)", signo, info->si_code, info->si_status);
}
static void told(void) {
  on(SIGCHLD, child_told);
  sigset_t set;
  sigemptyset(&set);
  pid_t child = traced(forever);
  wait_for(child, 0);
  while (strchr(order, '(') == 0) nap(5);
  siginfo_t info;
  ask(PTRACE_CONT, child, 0, SIGSTOP);
  int got = waitid(P_PID, child, &info, WSTOPPED);
  notef(" waitid %d %d %d", got, info.si_code, info.si_status);
  ask(PTRACE_KILL, child, 0, 0);
  got = waitid(P_PID, child, &info, WEXITED);
  notef(" waitid %d %d %d", got, info.si_code, info.si_status);
  signal(SIGCHLD, SIG_DFL);
  said("what SIGCHLD and waitid say");
}

static int variable = 1;
static const uint64_t constant[2] = {0x1111222233334444, 0x5555666677778888};
static void use(void) {
  if (variable != 42) _exit(1);
  _exit(((volatile const uint64_t *)constant)[0] == 99 ? 3 : 2);
}
static char *area;
static void use_area(void) { _exit(area[0] + area[5000]); }

static void memory(void) {
  pid_t child = traced(use);
  wait_for(child, 0);
  notef(" peek %ld", peek(child, constant));
  notef(" %lx", word);
  notef(" peek %ld", peek(child, (char *)constant + 3));
  notef(" %lx", word);
  long error = peek(child, &variable);
  notef(" poke %ld %ld", error, poke(child, &variable, (word & ~0xffffffffull) | 42));
  notef(" constant %ld", poke(child, constant, 99));
  notef(" own %lx", constant[0]);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  said("words of data and of read-only data");

  area = mmap(0, 12288, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(area, 8192, PROT_READ);
  child = traced(use_area);
  wait_for(child, 0);
  notef(" %ld %ld", poke(child, area, 4), poke(child, area + 5000, 5));
  notef(" across %ld", poke(child, area + 4092, 0x0102030405060708));
  notef(" %ld", peek(child, area + 4092));
  notef(" %lx", word);
  notef(" none %ld", peek(child, area + 8192));
  notef(" end %ld", peek(child, area + 12285));
  notef(" nothing %ld %ld", peek(child, (void *)8), poke(child, (void *)8, 1));
  notef(" mine %x", area[4095]);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  said("memory that its owner may not write, or may not read");
  munmap(area, 12288);

  area = mmap(0, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  child = traced(use_area);
  wait_for(child, 0);
  notef(" %ld %ld", peek(child, area), poke(child, area, 4));
  finish(child);
  said("a shared area that nobody may write");
  munmap(area, 8192);
}

static volatile uint64_t counter;
static void registers(void) {
  pid_t child = traced(done);
  wait_for(child, 0);
  uint64_t regs[34];
  memset(regs, 0xee, sizeof regs);
  struct iovec iovec = {regs, sizeof regs};
  notef(" get %ld", ask(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&iovec));
  notef(" %zu %lx", iovec.iov_len, regs[32]);
  uint64_t sp = (uint64_t)__builtin_frame_address(0);
  notef(" sp %d a7 %ld", regs[2] < sp && regs[2] > sp - 65536, regs[17]);
  iovec.iov_len = 12;
  notef(" odd %ld", ask(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&iovec));
  iovec.iov_len = 16;
  regs[0] = 0;
  notef(" two %ld", ask(PTRACE_GETREGSET, child, NT_PRSTATUS, (uintptr_t)&iovec));
  notef(" %zu %d", iovec.iov_len, regs[0] != 0);
  iovec.iov_len = 256;
  notef(" set %ld", ask(PTRACE_GETREGSET, child, 9999, (uintptr_t)&iovec));
  regs[0] = (uint64_t)done;
  iovec.iov_len = 8;
  notef(" jump %ld", ask(PTRACE_SETREGSET, child, NT_PRSTATUS, (uintptr_t)&iovec));
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  said("registers");
}

static void attaching(void) {
  pid_t child = fork();
  if (child == 0) forever();
  nap(10);
  notef(" untraced %ld", peek(child, &variable));
  notef(" attach %ld", ask(PTRACE_ATTACH, child, 0, 0));
  wait_for(child, __WALL);
  notef(" again %ld", ask(PTRACE_ATTACH, child, 0, 0));
  notef(" peek %ld", peek(child, &variable));
  notef(" %lx", word & 0xffffffff);
  notef(" bad %ld", ask(PTRACE_CONT, child, 0, 65));
  notef(" what %ld", ask(12345, child, 0, 0));
  notef(" cont %ld", ask(PTRACE_CONT, child, 0, 0));
  notef(" running %ld", peek(child, &variable));
  kill(child, SIGUSR1);
  wait_for(child, 0);
  notef(" detach %ld", ask(PTRACE_DETACH, child, 0, 0));
  notef(" %ld", peek(child, &variable));
  nap(10);
  wait_for(child, WNOHANG | WUNTRACED);
  kill(child, SIGTERM);
  wait_for(child, 0);
  said("ATTACH, CONT and DETACH");

  child = fork();
  if (child == 0) forever();
  kill(child, SIGSTOP);
  wait_for(child, WUNTRACED);
  notef(" attach %ld", ask(PTRACE_ATTACH, child, 0, 0));
  wait_for(child, 0);
  notef(" peek %ld", peek(child, &variable));
  notef(" detach %ld", ask(PTRACE_DETACH, child, 0, 0));
  nap(10);
  wait_for(child, WNOHANG | WUNTRACED);
  kill(child, SIGCONT);
  kill(child, SIGTERM);
  wait_for(child, 0);
  said("one that is stopped already stays so");

  notef(" self %ld", ask(PTRACE_ATTACH, getpid(), 0, 0));
  notef(" nobody %ld", ask(PTRACE_ATTACH, 99999, 0, 0));
  child = fork();
  if (child == 0) _exit(5);
  nap(10);
  notef(" ended %ld", ask(PTRACE_ATTACH, child, 0, 0));
  wait_for(child, 0);
  said("whom nobody attaches to");
}

/** Runs `work` in a process of user `uid` and takes what it has noted. */
static void as(uid_t uid, void (*work)(void)) {
  int pipes[2];
  pipe(pipes);
  pid_t child = fork();
  if (child == 0) {
    setresgid(uid, uid, uid);
    setresuid(uid, uid, uid);
    order[0] = 0;
    work();
    write(pipes[1], order, strlen(order));
    _exit(0);
  }
  waitpid(child, &status, 0);
  close(pipes[1]);
  char text[4000] = "";
  ssize_t got = read(pipes[0], text, sizeof text - 1);
  close(pipes[0]);
  if (got > 0) notef("%s", text);
}
static pid_t target;
static void try_target(void) {
  notef(" %ld", ask(PTRACE_ATTACH, target, 0, 0));
  if (waitpid(target, &status, WNOHANG) == 0) waitpid(target, &status, 0);
  ask(PTRACE_DETACH, target, 0, 0);
}
static pid_t of_user(uid_t real, uid_t effective, uid_t gid, int dumpable) {
  pid_t child = fork();
  if (child == 0) {
    setresgid(gid, gid, gid);
    setresuid(real, effective, effective);
    prctl(PR_SET_DUMPABLE, dumpable);
    forever();
  }
  nap(20);
  return child;
}
static void who_may(void) {
  static const struct { const char *who; uid_t real, effective, gid; int dumpable; } cases[] = {
      {"the same user", 1001, 1001, 1001, 1},
      {"another group", 1001, 1001, 1002, 1},
      {"another user", 1002, 1002, 1001, 1},
      {"another effective user", 1001, 1002, 1001, 1},
      {"not dumpable", 1001, 1001, 1001, 0},
      {"root's", 0, 0, 0, 1}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    target = of_user(cases[i].real, cases[i].effective, cases[i].gid, cases[i].dumpable);
    as(1001, try_target);
    notef(" root");
    try_target();
    kill(target, SIGKILL);
    waitpid(target, &status, 0);
    char title[80];
    snprintf(title, sizeof title, "who may attach to one of: %s", cases[i].who);
    said(title);
  }
}

static void exec_as(const char *file, const char *what) {
  execl(file, file, what, NULL);
  _exit(99);
}
static const char *exec_file;
static void do_exec(void) { exec_as(exec_file, "who"); }
static void trace_exec(void) {
  pid_t child = traced(do_exec);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  siginfo_t info;
  notef(" info %ld", ask(PTRACE_GETSIGINFO, child, 0, (uintptr_t)&info));
  notef(" %d %d %d", info.si_signo, info.si_code, info.si_pid == child);
  notef(" peek %ld", peek(child, &variable));
  notef(" cont %ld", ask(PTRACE_CONT, child, 0, 0));
  wait_for(child, 0);
}
static void plain_exec(void) {
  pid_t child = fork();
  if (child == 0) do_exec();
  wait_for(child, 0);
}
static void untraced_then_attach(void) {
  pid_t child = fork();
  if (child == 0) exec_as(exec_file, "sleep");
  nap(60);
  notef(" attach %ld", ask(PTRACE_ATTACH, child, 0, 0));
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}
static void copy(const char *to, uid_t uid, mode_t mode) {
  int from = open(self, O_RDONLY);
  int fd = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  static char buffer[65536];
  for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;) write(fd, buffer, n);
  close(from);
  close(fd);
  chown(to, uid, 0);
  chmod(to, mode);
}
static void execs(void) {
  copy("/tmp/plain", 0, 0755);
  copy("/tmp/suid", 1002, 04755);
  copy("/tmp/unread", 0, 0711);
  static const char *const files[] = {"/tmp/plain", "/tmp/suid", "/tmp/unread"};
  for (int i = 0; i < 3; i++) {
    exec_file = files[i];
    as(1001, plain_exec);
    notef(" traced:");
    as(1001, trace_exec);
    notef(" by root:");
    trace_exec();
    notef(" attach:");
    as(1001, untraced_then_attach);
    char title[80];
    snprintf(title, sizeof title, "execve of %s", files[i]);
    said(title);
    unlink(files[i]);
  }
}

static void ends(void) {
  // The tracer is not the parent: it hears of the end first.
  int pipes[2], told[2];
  pipe(pipes);
  pipe(told);
  pid_t child = fork();
  if (child == 0) forever();
  pid_t tracer = fork();
  char c;
  if (tracer == 0) {
    ask(PTRACE_ATTACH, child, 0, 0);
    waitpid(child, &status, __WALL);
    write(told[1], "a", 1);
    read(pipes[0], &c, 1);
    ask(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, __WALL);
    write(told[1], "b", 1);
    read(pipes[0], &c, 1);
    _exit(WIFSIGNALED(status) ? WTERMSIG(status) : 99);
  }
  read(told[0], &c, 1);
  wait_for(child, WNOHANG | WUNTRACED);
  kill(child, SIGKILL);
  nap(20);
  wait_for(child, WNOHANG);
  write(pipes[1], "x", 1);
  read(told[0], &c, 1);
  wait_for(child, WNOHANG);
  write(pipes[1], "x", 1);
  wait_for(tracer, 0);
  said("the end of another's tracee");

  child = fork();
  if (child == 0) forever();
  tracer = fork();
  if (tracer == 0) {
    ask(PTRACE_ATTACH, child, 0, 0);
    waitpid(child, &status, __WALL);
    _exit(0);
  }
  wait_for(tracer, 0);
  nap(10);
  wait_for(child, WNOHANG | WUNTRACED);
  kill(child, SIGTERM);
  wait_for(child, 0);
  said("the end of the tracer: it goes on");

  child = fork();
  if (child == 0) {
    pid_t grandchild = traced(done);
    waitpid(grandchild, &status, 0);
    pid_t untraced = fork();
    if (untraced == 0) {
      nap(10);
      _exit(ask(PTRACE_CONT, grandchild, 0, 0));
    }
    waitpid(untraced, &status, 0);
    notef(" stranger %d", WEXITSTATUS(status));
    ask(PTRACE_CONT, grandchild, 0, 0);
    waitpid(grandchild, &status, 0);
    notef(" %x", status);
    said("only the tracer may");
    _exit(0);
  }
  waitpid(child, &status, 0);

  child = traced(forever);
  wait_for(child, 0);
  ask(PTRACE_CONT, child, 0, 0);
  pid_t other = fork();
  if (other == 0) _exit(3);
  wait_for(other, 0);
  kill(child, SIGKILL);
  wait_for(-1, 0);
  said("a fork is not traced, and what is killed is reaped");
}

/** process_vm_readv and _writev: bytes, or an errno. */
static void vm_rw(int write, pid_t pid, struct iovec *local, int nl, struct iovec *remote, int nr) {
  long call = write ? SYS_process_vm_writev : SYS_process_vm_readv;
  long got = syscall(call, pid, local, nl, remote, nr, 0);
  if (got < 0) notef(" error %d", errno);
  else notef(" %ld", got);
}
static void vm_read_target(void) {
  char byte;
  vm_rw(0, target, &(struct iovec){&byte, 1}, 1, &(struct iovec){&variable, 1}, 1);
}
static void vm_calls(void) {
  char *pages = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 12288; i++) pages[i] = (char)(i >> 8);
  mprotect(pages + 8192, 4096, PROT_READ);
  munmap(pages + 12288, 4096);
  pid_t child = fork();
  if (child == 0) forever();
  memset(pages, 0, 8192);
  char *own = calloc(1, 20000);
  struct iovec local[2] = {{own, 100}, {own + 5000, 6000}};
  struct iovec remote[2] = {{pages + 4000, 300}, {pages + 1000, 9000}};
  vm_rw(0, child, local, 2, remote, 2);
  notef(" %d %d %d %d %d", own[0], own[99], own[5000], own[5200], own[10999]);
  said("process_vm_readv, from pieces to pieces");
  memset(own, 'w', 20000);
  vm_rw(1, child, local, 2, remote, 2);
  notef(" mine %d", pages[4000]);
  memset(own, 0, 20000);
  vm_rw(0, child, local, 1, remote, 1);
  notef(" there %c", own[99]);
  said("process_vm_writev");
  struct iovec far[3] = {{pages + 8190, 4}, {pages + 12286, 4}, {(void *)8, 4}};
  struct iovec some[1] = {{own, 4}}, none[1] = {{own, 0}}, bad[1] = {{(void *)8, 4}};
  for (int i = 0; i < 3; i++) {
    vm_rw(0, child, some, 1, far + i, 1);
    vm_rw(1, child, some, 1, far + i, 1);
  }
  vm_rw(0, child, bad, 1, far, 1);
  vm_rw(0, child, none, 1, far, 1);
  vm_rw(0, child, some, 1, far, 0);
  vm_rw(0, child, some, 0, far, 1);
  vm_rw(0, child, some, 2000, far, 1);
  vm_rw(0, 99999, some, 1, far, 1);
  vm_rw(0, getpid(), some, 1, far, 1);
  notef(" flags %ld", syscall(SYS_process_vm_readv, child, some, 1, far, 1, 1) < 0 ? errno : 0);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  said("where process_vm_readv and process_vm_writev end");
  static const struct { uid_t real, effective; int dumpable; } cases[] = {
      {1001, 1001, 1}, {1001, 1001, 0}, {1001, 1002, 1}, {0, 0, 1}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    target = of_user(cases[i].real, cases[i].effective, 1001, cases[i].dumpable);
    as(1001, vm_read_target);
    vm_read_target();
    notef(";");
    kill(target, SIGKILL);
    waitpid(target, &status, 0);
  }
  said("who may read another's memory");
}

/** Root's pokes to a page that fork shares reach one process only. */
static void shared_pages(void) {
  char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(page, 'a', 4096);
  pid_t child = fork();
  if (child == 0) {
    ask(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(page[0]);
  }
  wait_for(child, 0);
  notef(" poke %ld", poke(child, page, 'b'));
  notef(" mine %c", page[0]);
  ask(PTRACE_CONT, child, 0, 0);
  wait_for(child, 0);
  said("a poke into a page that fork shares copies it");
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 1 && strcmp(argv[1], "sleep") == 0) {
    sleep(1);
    return 0;
  }
  if (argc > 1) {
    // Who it is: real and effective user, and whether it may be looked into.
    int code = (getuid() % 10) | ((geteuid() % 10) << 2) | (prctl(PR_GET_DUMPABLE) << 4);
    return code;
  }
  alarm(60);
  stops();
  told();
  memory();
  registers();
  attaching();
  who_may();
  execs();
  ends();
  vm_calls();
  shared_pages();
  return 0;
}
