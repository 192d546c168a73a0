// Signals from a program's side: each case prints what it saw, and prints the same on Linux.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
static char order[4000];
static volatile int count;
static sigjmp_buf back;
static char *area;

static void note(const char *what) { strcat(order, what); }
static void said(const char *title) {
  printf("%s:%s\n", title, order);
  fflush(stdout);
  order[0] = 0;
}
static void notef(const char *format, ...) {
  char text[200];
  __builtin_va_list list;
  __builtin_va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  __builtin_va_end(list);
  note(text);
}
static void on(int signo, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  if (sigaction(signo, &action, 0)) notef(" sigaction(%d) %d", signo, errno);
}
static void on_masked(int signo, void (*handler)(int, siginfo_t *, void *), uint64_t mask) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  memcpy(&action.sa_mask, &mask, 8);
  sigaction(signo, &action, 0);
}
static uint64_t mask_now(void) {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
  return mask;
}
static void mask_set(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8); }
#define BIT(signo) (1ull << ((signo) - 1))

static void tell(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  uint64_t mask;
  memcpy(&mask, &uc->uc_sigmask, 8);
  notef(" %d/%d", signo, info->si_code);
  if (info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE)
    notef("%s%s", info->si_pid == getpid() ? "self" : info->si_pid == getppid() ? "parent" : "other",
          info->si_uid == getuid() ? "" : "!uid");
  if (info->si_code == SI_QUEUE) notef("=%d", info->si_value.sival_int);
  notef("[%llx was %llx]", (unsigned long long)mask_now(), (unsigned long long)mask);
  count++;
}
static void nested(int signo, siginfo_t *info, void *context) {
  (void)context;
  notef(" <%d", signo);
  if (signo == SIGUSR1) raise(SIGUSR2);
  notef(" %d>", signo);
  (void)info;
}
static void masks_and_order(void) {
  on(SIGUSR1, tell, 0);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  said("raise and kill");
  on(SIGUSR1, tell, SA_NODEFER);
  raise(SIGUSR1);
  on_masked(SIGUSR1, tell, BIT(SIGHUP) | BIT(SIGKILL) | BIT(40));
  raise(SIGUSR1);
  said("masks in handlers");
  on(SIGUSR1, nested, 0);
  on(SIGUSR2, nested, 0);
  raise(SIGUSR1);
  on_masked(SIGUSR1, nested, BIT(SIGUSR2));
  raise(SIGUSR1);
  said("nested, and held back");
  on(SIGUSR1, tell, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction old;
  sigaction(SIGUSR1, 0, &old);
  notef(" handler %d flags %x", old.sa_handler == SIG_DFL, old.sa_flags);
  said("once");

  int all[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, 34, 35, SIGSEGV, SIGCHLD};
  for (int i = 0; i < 8; i++) on(all[i], tell, 0);
  mask_set(~0ull);
  notef(" mask %llx", (unsigned long long)mask_now());
  kill(getpid(), SIGTERM);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  kill(getpid(), 35);
  kill(getpid(), SIGSEGV);
  raise(SIGUSR2);
  sigqueue(getpid(), 35, (union sigval){.sival_int = 7});
  sigqueue(getpid(), 34, (union sigval){.sival_int = 1});
  sigqueue(getpid(), 34, (union sigval){.sival_int = 2});
  sigqueue(getpid(), SIGHUP, (union sigval){.sival_int = 3});
  sigqueue(getpid(), SIGHUP, (union sigval){.sival_int = 4});
  uint64_t pending = 0;
  syscall(SYS_rt_sigpending, &pending, 8);
  notef(" pending %llx", (unsigned long long)pending);
  mask_set(0);
  said("order");
  on_masked(34, tell, ~0ull);
  on_masked(35, tell, ~0ull);
  mask_set(~0ull);
  for (int i = 0; i < 20; i++) sigqueue(getpid(), 34 + i % 2, (union sigval){.sival_int = i});
  mask_set(0);
  said("queued");

  mask_set(BIT(SIGUSR1));
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_IGN);
  pending = 1;
  syscall(SYS_rt_sigpending, &pending, 8);
  notef(" ignored %llx", (unsigned long long)pending);
  raise(SIGUSR1);
  syscall(SYS_rt_sigpending, &pending, 8);
  notef(" blocked and ignored %llx", (unsigned long long)pending);
  on(SIGUSR1, tell, 0);
  mask_set(0);
  said("ignoring");
}

static void errors(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  notef(" %d%d", sigaction(SIGKILL, &action, 0), errno);
  notef(" %d%d", sigaction(SIGSTOP, &action, 0), errno);
  notef(" %d%d", sigaction(65, &action, 0), errno);
  notef(" %d", sigaction(SIGKILL, 0, &action));
  notef(" %ld%d", syscall(SYS_rt_sigaction, 0, 0, 0, 8), errno);
  notef(" %ld%d", syscall(SYS_rt_sigaction, 1, 0, 0, 4), errno);
  notef(" %ld%d", syscall(SYS_rt_sigaction, 1, 8, 0, 8), errno);
  notef(" %ld%d", syscall(SYS_rt_sigprocmask, 5, &action, 0, 8), errno);
  notef(" %ld", syscall(SYS_rt_sigprocmask, 5, 0, 0, 8));
  notef(" %ld%d", syscall(SYS_rt_sigprocmask, 0, 8, 0, 8), errno);
  notef(" %ld%d", syscall(SYS_rt_sigpending, &action, 16), errno);
  notef(" %d%d", kill(getpid(), 65), errno);
  notef(" %d%d", kill(99999, 0), errno);
  notef(" %d", kill(getpid(), 0));
  notef(" %d%d", kill(-99999, 0), errno);
  notef(" %ld%d", syscall(SYS_tgkill, getpid(), 0, 0), errno);
  notef(" %ld%d", syscall(SYS_tgkill, getpid() + 1, getpid(), 0), errno);
  notef(" %ld%d", syscall(SYS_tkill, 99999, 0), errno);
  siginfo_t info = {.si_code = SI_USER};
  pid_t child = fork();
  if (child == 0) {
    int ok = syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &info);
    _exit(ok == 0 ? 99 : errno);
  }
  int status;
  waitpid(child, &status, 0);
  notef(" forged %x", status);
  action.sa_handler = SIG_IGN;
  action.sa_flags = 0x12345678 | 0x400 | 0x800;
  sigaction(SIGURG, &action, 0);
  sigaction(SIGURG, 0, &action);
  notef(" flags %x", action.sa_flags);
  signal(SIGURG, SIG_DFL);
  said("errors");
}

static void fault_jump(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  (void)uc;
  notef(" %d/%d@%ld", signo, info->si_code, (long)((char *)info->si_addr - area));
  siglongjmp(back, 1);
}
static void fault_mend(int signo, siginfo_t *info, void *context) {
  (void)context;
  notef(" %d/%d@%ld", signo, info->si_code, (long)((char *)info->si_addr - area));
  mprotect(area, PAGE, PROT_READ | PROT_WRITE);
}
static void fault_skip(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  notef(" %d/%d%s", signo, info->si_code,
        (uintptr_t)info->si_addr == uc->uc_mcontext.__gregs[REG_PC] ? " at pc" : "");
  uint16_t low;
  memcpy(&low, (void *)uc->uc_mcontext.__gregs[REG_PC], 2);
  uc->uc_mcontext.__gregs[REG_PC] += (low & 3) == 3 ? 4 : 2;
  uc->uc_mcontext.__gregs[REG_A0] = 4711;
}
static void faults(void) {
  area = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(area + 2 * PAGE, PAGE);
  on(SIGSEGV, fault_jump, 0);
  on(SIGBUS, fault_jump, 0);
  on(SIGILL, fault_jump, 0);
  if (!sigsetjmp(back, 1)) note(((volatile char *)area)[2 * PAGE + 5] ? "!" : "?");
  if (!sigsetjmp(back, 1)) ((volatile char *)area)[2 * PAGE + 6] = 1;
  mprotect(area, PAGE, PROT_READ);
  if (!sigsetjmp(back, 1)) ((volatile char *)area)[7] = 1;
  mprotect(area, PAGE, PROT_NONE);
  if (!sigsetjmp(back, 1)) note(((volatile char *)area)[8] ? "!" : "?");
  if (!sigsetjmp(back, 1)) ((void (*)(void))(area + PAGE))();
  said("faults");
  on(SIGSEGV, fault_mend, 0);
  mprotect(area, PAGE, PROT_NONE);
  ((volatile char *)area)[9] = 42;
  notef(" then %d", area[9]);
  said("mended");
  on(SIGILL, fault_skip, 0);
  on(SIGTRAP, fault_skip, 0);
  on(SIGSEGV, fault_skip, 0);
  register long a0 asm("a0") = 1;
  asm volatile(".word 0" : "+r"(a0)::"memory");
  long seen = a0;
  notef(" got %ld", seen);
  a0 = 2;
  asm volatile("ebreak" : "+r"(a0)::"memory");
  seen = a0;
  notef(" got %ld", seen);
  a0 = 3;
  asm volatile("lw a0, 0(zero)" : "+r"(a0)::"memory");
  seen = a0;
  notef(" got %ld", seen);
  said("skipped");
}

static char altstack[32768], bigger[65536];
static void where(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  char here;
  stack_t now;
  sigaltstack(0, &now);
  (void)info;
  notef(" %d:%s flags %x uc %x", signo,
        &here > altstack && &here < altstack + sizeof altstack ? "alt" : "own", now.ss_flags,
        uc->uc_stack.ss_flags);
  if (signo == SIGUSR1) {
    stack_t other = {.ss_sp = bigger, .ss_size = sizeof bigger};
    int error = sigaltstack(&other, 0) ? errno : 0;
    notef(" set %d", error);
    raise(SIGUSR2);
  }
}
static void deep(int signo, siginfo_t *info, void *context) {
  (void)context;
  notef(" %d/%d", signo, info->si_code);
  char here;
  notef(&here > altstack && &here < altstack + sizeof altstack ? " alt" : " own");
  siglongjmp(back, 1);
}
static void leave(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  _exit(info->si_code);
}
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int recurse(int n) {
  volatile char frame[1000];
  frame[n % 1000] = n;
  return recurse(n + 1) + frame[(n + 1) % 1000];
}
static void alternate(void) {
  stack_t stack = {.ss_sp = altstack, .ss_size = 100};
  notef(" small %d%d", sigaltstack(&stack, 0), errno);
  stack.ss_size = sizeof altstack;
  stack.ss_flags = 77;
  notef(" flags %d%d", sigaltstack(&stack, 0), errno);
  stack.ss_flags = 0;
  notef(" ok %d", sigaltstack(&stack, 0));
  on(SIGUSR1, where, SA_ONSTACK);
  on(SIGUSR2, where, SA_ONSTACK);
  raise(SIGUSR1);
  on(SIGUSR2, where, 0);
  raise(SIGUSR2);
  said("altstack");
  stack.ss_flags = SS_DISABLE;
  stack_t old_stack;
  sigaltstack(&stack, &old_stack);
  stack = old_stack;
  notef(" was %d %lu", stack.ss_sp == altstack, stack.ss_size);
  sigaltstack(0, &stack);
  notef(" now %d %d %lu", stack.ss_sp == 0, stack.ss_flags, stack.ss_size);
  said("disabled");
  stack = (stack_t){.ss_sp = altstack, .ss_size = sizeof altstack};
  sigaltstack(&stack, 0);
  on(SIGSEGV, deep, SA_ONSTACK);
  if (!sigsetjmp(back, 1)) recurse(0);
  said("stack overflow");
  pid_t child = fork();
  if (child == 0) {
    on(SIGSEGV, deep, 0);
    recurse(0);
  }
  int status;
  waitpid(child, &status, 0);
  notef(" %x", status);
  child = fork();
  if (child == 0) {
    mask_set(BIT(SIGSEGV));
    *(volatile int *)8 = 1;
  }
  waitpid(child, &status, 0);
  notef(" %x", status);
  child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_IGN);
    *(volatile int *)8 = 1;
  }
  waitpid(child, &status, 0);
  notef(" %x", status);
  // A return from no handler at all: nothing at sp is a frame.
  for (int handled = 0; handled < 2; handled++) {
    child = fork();
    if (child == 0) {
      if (handled) on(SIGSEGV, leave, SA_ONSTACK);
      else signal(SIGSEGV, SIG_DFL);
      asm volatile("li sp, 64\nli a7, 139\necall");
    }
    waitpid(child, &status, 0);
    notef(" %x", status);
  }
  said("no way out");
}

static void fp_handler(int signo, siginfo_t *info, void *context) {
  (void)info;
  (void)signo;
  ucontext_t *uc = context;
  notef(" fs0 %llx fcsr %x", uc->uc_mcontext.__fpregs.__d.__f[8], uc->uc_mcontext.__fpregs.__d.__fcsr);
  asm volatile("fcvt.d.l fs0, zero\nfcvt.d.l ft3, zero\nfsflags zero" ::: "memory");
  uc->uc_mcontext.__fpregs.__d.__f[9] = 0x4045000000000000;
}
static void floating(void) {
  on(SIGUSR1, fp_handler, 0);
  double in = 1.5, out8, out9, out3;
  long pid = getpid(), flags;
  asm volatile(
      "fmv.d fs0, %4\nfmv.d fs1, %4\nfmv.d ft3, %4\nfsflagsi 5\n"
      "mv a0, %5\nli a1, 10\nli a7, 129\necall\n"
      "fmv.d %0, fs0\nfmv.d %1, fs1\nfmv.d %2, ft3\nfrflags %3"
      : "=f"(out8), "=f"(out9), "=f"(out3), "=r"(flags)
      : "f"(in), "r"(pid)
      : "a0", "a1", "a7", "fs0", "fs1", "ft3", "memory");
  notef(" %g %g %g %ld", out8, out9, out3, flags);
  said("floating point");
}

static void *frame_at;
static void look(int signo, siginfo_t *info, void *context) {
  (void)signo;
  char *here = (char *)info;
  notef(" aligned %d uc +%ld", (int)((uintptr_t)info % 16), (long)((char *)context - here));
  ucontext_t *uc = context;
  notef(" mc +%ld sp %d", (long)((char *)&uc->uc_mcontext - here),
        uc->uc_mcontext.__gregs[REG_SP] - (uintptr_t)info >= 1088 &&
            uc->uc_mcontext.__gregs[REG_SP] - (uintptr_t)info < 1088 + 16);
  int rest = 0;
  for (int i = 48; i < 128; i++) rest |= here[i];
  notef(" rest %d link %d flags %ld", rest, uc->uc_link == 0, (long)uc->__uc_flags);
  uint32_t *end = (uint32_t *)(here + 128 + 176 + 256 + 516);
  notef(" end %x %x %x", end[0], end[1], end[2]);
  frame_at = info;
}
static void frame(void) {
  on(SIGUSR1, look, 0);
  raise(SIGUSR1);
  said("frame");
}

static void quiet(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info, (void)context;
  note(" h");
}
static void nap(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, 0); }
/** A child that sends a signal when the parent sleeps, and writes to a pipe later. */
static pid_t disturb(int signo, int fd) {
  pid_t child = fork();
  if (child) return child;
  nap(50);
  kill(getppid(), signo);
  nap(50);
  if (fd >= 0) write(fd, "x", 1);
  _exit(0);
}
static void interrupted(void) {
  int fds[2];
  char byte;
  pipe(fds);
  signal(SIGCHLD, SIG_DFL);
  on(SIGUSR1, quiet, 0);
  pid_t child = disturb(SIGUSR1, fds[1]);
  notef(" read %ld", read(fds[0], &byte, 1));
  notef(" %d", errno);
  waitpid(child, 0, 0);
  notef(" again %ld", read(fds[0], &byte, 1));
  on(SIGUSR1, quiet, SA_RESTART);
  child = disturb(SIGUSR1, fds[1]);
  notef(" restarted %ld", read(fds[0], &byte, 1));
  waitpid(child, 0, 0);
  signal(SIGUSR1, SIG_IGN);
  child = disturb(SIGUSR1, fds[1]);
  notef(" ignored %ld", read(fds[0], &byte, 1));
  waitpid(child, 0, 0);
  said("a read");
  on(SIGUSR1, quiet, SA_RESTART);
  child = disturb(SIGUSR1, -1);
  struct timespec left = {0, 0}, five = {5, 0};
  notef(" sleep %d", nanosleep(&five, &left));
  notef(" %d left %d", errno, left.tv_sec == 4);
  waitpid(child, 0, 0);
  child = disturb(SIGUSR1, -1);
  notef(" pause %d", pause());
  notef(" %d", errno);
  waitpid(child, 0, 0);
  child = disturb(SIGUSR1, -1);
  int status = 0;
  notef(" wait %d", waitpid(child, &status, 0) == child);
  on(SIGUSR1, quiet, 0);
  child = fork();
  if (child == 0) {
    nap(200);
    _exit(0);
  }
  pid_t other = disturb(SIGUSR1, -1);
  notef(" wait %d", waitpid(child, &status, 0));
  notef(" %d", errno);
  waitpid(child, 0, 0);
  waitpid(other, 0, 0);
  said("sleeps");

  static char much[200000];
  on(SIGUSR1, quiet, 0);
  child = disturb(SIGUSR1, -1);
  notef(" write %ld", write(fds[1], much, sizeof much));
  waitpid(child, 0, 0);
  child = disturb(SIGUSR1, -1);
  long wrote = write(fds[1], much, 1);
  notef(" full %ld %d", wrote, errno);
  waitpid(child, 0, 0);
  close(fds[0]);
  on(SIGPIPE, tell, 0);
  wrote = write(fds[1], much, 1);
  notef(" broken %ld %d", wrote, errno);
  close(fds[1]);
  said("writes");
}

static void suspend(void) {
  sigset_t empty;
  sigemptyset(&empty);
  on(SIGUSR1, tell, SA_RESTART);
  mask_set(BIT(SIGUSR1) | BIT(SIGHUP));
  raise(SIGUSR1);
  uint64_t other = BIT(SIGHUP);
  long ended = syscall(SYS_rt_sigsuspend, &other, 8);
  notef(" %ld %d mask %llx", ended, errno, (unsigned long long)mask_now());
  pid_t child = disturb(SIGUSR1, -1);
  int answer = sigsuspend(&empty);
  notef(" %d %d mask %llx", answer, errno, (unsigned long long)mask_now());
  waitpid(child, 0, 0);
  said("sigsuspend");

  siginfo_t info;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  struct timespec zero = {0, 0}, little = {0, 20000000};
  answer = sigtimedwait(&set, &info, &zero);
  notef(" none %d %d", answer, errno);
  answer = sigtimedwait(&set, &info, &little);
  notef(" late %d %d", answer, errno);
  sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77});
  memset(&info, 0xff, sizeof info);
  answer = sigwaitinfo(&set, &info);
  int rest = 0;
  for (int i = 48; i < 128; i++) rest |= ((char *)&info)[i];
  notef(" took %d %d %d %d", answer, info.si_code, info.si_value.sival_int, rest);
  child = disturb(SIGUSR1, -1);
  answer = sigwaitinfo(&set, &info);
  notef(" waited %d %d %d", answer, info.si_code, info.si_pid == child);
  waitpid(child, 0, 0);
  on(SIGTERM, quiet, SA_RESTART);
  child = disturb(SIGTERM, -1);
  answer = sigwaitinfo(&set, &info);
  notef(" other %d %d mask %llx", answer, errno, (unsigned long long)mask_now());
  waitpid(child, 0, 0);
  mask_set(0);
  said("sigtimedwait");
}

static void child_news(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  notef(" {%d %d%s}", info->si_code, info->si_status, info->si_pid > 0 ? "" : "!pid");
}
static void children(void) {
  signal(SIGTERM, SIG_DFL);
  on(SIGCHLD, child_news, SA_RESTART);
  pid_t child = fork();
  if (child == 0) _exit(3);
  int status;
  waitpid(child, &status, 0);
  notef(" %x", status);
  child = fork();
  if (child == 0) pause();
  kill(child, SIGTERM);
  waitpid(child, &status, 0);
  notef(" %x", status);
  child = fork();
  if (child == 0) raise(SIGABRT);
  waitpid(child, &status, 0);
  notef(" %x", status & 0x7f);
  said("children");
  child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  kill(child, SIGSTOP);
  notef(" stop %d", waitpid(child, &status, WUNTRACED) == child);
  notef(" %x", status);
  notef(" none %d", waitpid(child, &status, WUNTRACED | WNOHANG));
  kill(child, SIGUSR1);
  kill(child, SIGCONT);
  nap(20);
  notef(" cont %d", waitpid(child, &status, WCONTINUED) == child);
  notef(" %x", status);
  kill(child, SIGSTOP);
  nap(20);
  siginfo_t info = {0};
  notef(" id %d", waitid(P_PID, child, &info, WSTOPPED | WNOWAIT));
  notef(" %d %d %d", info.si_signo, info.si_code, info.si_status);
  notef(" id %d", waitid(P_ALL, 0, &info, WSTOPPED));
  notef(" %d", info.si_pid == child);
  signal(SIGCHLD, SIG_DFL);
  kill(child, SIGTERM);
  info.si_pid = 5;
  notef(" id %d %d", waitid(P_PID, child, &info, WEXITED | WNOHANG), info.si_pid);
  kill(child, SIGCONT);
  notef(" id %d", waitid(P_PID, child, &info, WEXITED | WNOWAIT));
  notef(" %d %d", info.si_code, info.si_status);
  notef(" id %d", waitid(P_PGID, 0, &info, WEXITED));
  notef(" %d %d", info.si_code, info.si_status);
  notef(" id %d", waitid(P_PGID, 0, &info, WEXITED));
  notef(" %d", errno);
  notef(" id %d", waitid(P_ALL, 0, &info, 0));
  notef(" %d", errno);
  said("stop and continue");
  child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  on(SIGCHLD, child_news, SA_RESTART | SA_NOCLDSTOP);
  kill(child, SIGSTOP);
  waitpid(child, &status, WUNTRACED);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  notef(" %x", status);
  on(SIGCHLD, child_news, SA_RESTART | SA_NOCLDWAIT);
  child = fork();
  if (child == 0) _exit(9);
  notef(" %d", waitpid(child, &status, 0));
  notef(" %d", errno);
  signal(SIGCHLD, SIG_IGN);
  child = fork();
  if (child == 0) _exit(9);
  notef(" %d", waitpid(child, &status, 0));
  notef(" %d", errno);
  signal(SIGCHLD, SIG_DFL);
  said("no zombies");
}

static void in_child(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info, (void)context;
  pid_t child = fork();
  if (child == 0) {
    note(" child");
    return;
  }
  int status;
  waitpid(child, &status, 0);
  notef(" parent %x", status);
}
static void fork_inside(void) {
  on(SIGUSR1, in_child, 0);
  pid_t self = getpid();
  mask_set(BIT(SIGUSR2));
  raise(SIGUSR1);
  if (getpid() != self) {
    uint64_t pending = 0;
    raise(SIGUSR2);
    syscall(SYS_rt_sigpending, &pending, 8);
    _exit(mask_now() == BIT(SIGUSR2) && pending == BIT(SIGUSR2) ? 5 : 6);
  }
  mask_set(0);
  said("fork inside a handler");
}

static volatile int alarms;
static void on_alarm(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  alarms++;
  if (alarms == 1) notef(" code %d", info->si_code);
}
static void timers(void) {
  on(SIGALRM, on_alarm, 0);
  struct itimerval once = {.it_value = {0, 20000}}, old;
  notef(" set %d", setitimer(ITIMER_REAL, &once, 0));
  notef(" pause %d %d", pause(), alarms);
  getitimer(ITIMER_REAL, &old);
  notef(" left %ld %ld", old.it_value.tv_sec, old.it_value.tv_usec);
  struct itimerval often = {.it_value = {0, 10000}, .it_interval = {0, 10000}};
  alarms = 0;
  setitimer(ITIMER_REAL, &often, 0);
  while (alarms < 5) pause();
  mask_set(BIT(SIGALRM));
  nap(50);
  int before = alarms;
  mask_set(0);
  notef(" held %d", alarms - before);
  getitimer(ITIMER_REAL, &old);
  notef(" every %ld", old.it_interval.tv_usec);
  setitimer(ITIMER_REAL, 0, &old);
  notef(" off %ld", old.it_interval.tv_usec);
  before = alarms;
  nap(30);
  notef(" %d", alarms - before);
  // One that computes is interrupted as well.
  alarms = 0;
  setitimer(ITIMER_REAL, &once, 0);
  volatile long spins = 0;
  while (!alarms) spins++;
  notef(" computing %d", spins > 0);
  alarm(100);
  notef(" alarm %u", alarm(0));
  once.it_value.tv_usec = 1000000;
  notef(" bad %d", setitimer(ITIMER_REAL, &once, 0));
  notef(" %d", errno);
  notef(" bad %d", setitimer(7, &often, 0));
  notef(" %d", errno);
  said("timers");
}

static void kept_over_exec(char *self) {
  pid_t child = fork();
  if (child == 0) {
    mask_set(BIT(SIGUSR1) | BIT(SIGUSR2));
    raise(SIGUSR2);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    execl(self, self, "exec", (char *)0);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  notef(" %x", status);
  said("parent");
}
static int after_exec(void) {
  struct sigaction action;
  uint64_t pending = 0;
  syscall(SYS_rt_sigpending, &pending, 8);
  notef(" mask %llx pending %llx", (unsigned long long)mask_now(), (unsigned long long)pending);
  sigaction(SIGHUP, 0, &action);
  notef(" HUP %d", action.sa_handler == SIG_IGN);
  sigaction(SIGALRM, 0, &action);
  notef(" ALRM %d", action.sa_handler == SIG_DFL);
  stack_t stack;
  sigaltstack(0, &stack);
  notef(" alt %lu", stack.ss_size);
  said("exec");
  return 4;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "exec")) return after_exec();
  alarm(20);
  masks_and_order();
  errors();
  faults();
  alternate();
  floating();
  frame();
  interrupted();
  suspend();
  children();
  fork_inside();
  timers();
  kept_over_exec(argv[0]);
  said("last");
  raise(SIGTERM);
  return 1;
}
