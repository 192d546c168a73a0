// Stopped and continued jobs, limits of queues, frames that cannot be: as on Linux.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(signo) (1ull << ((signo) - 1))
static char order[4000];
static int status;

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
static void mask_set(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8); }
static void on(int signo, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigaction(signo, &action, 0);
}
static void wait_for(pid_t child, int options) {
  status = 0xabcd;
  pid_t got = waitpid(child, &status, options);
  notef(" %s%x", got == child ? "" : got < 0 ? "error " : got == 0 ? "none " : "other ", status);
}
static void forever(void) {
  for (;;) pause();
}

static void groups(void) {
  // In the group of its parent, which nobody else is there to continue.
  pid_t child = fork();
  if (child == 0) {
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    _exit(3);
  }
  wait_for(child, WUNTRACED);
  said("a stop in an orphaned group");
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    raise(SIGSTOP);
    _exit(4);
  }
  setpgid(child, child);
  for (int i = 0; i < 4; i++) {
    wait_for(-child, WUNTRACED);
    kill(-child, SIGCONT);
    wait_for(child, WCONTINUED);
  }
  wait_for(child, 0);
  said("stops in a group of its own");
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    signal(SIGTSTP, SIG_IGN);
    raise(SIGTSTP);
    mask_set(BIT(SIGTTIN));
    raise(SIGTTIN);
    // Throws the stop away that waits.
    raise(SIGCONT);
    mask_set(0);
    _exit(5);
  }
  wait_for(child, WUNTRACED);
  said("stops that are not");

  // Its parent ends: the stopped one is orphaned, and told so.
  int fds[2];
  pipe(fds);
  child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      setpgid(0, 0);
      close(fds[0]);
      kill(getpid(), SIGSTOP);
      write(fds[1], "not reached", 11);
      _exit(0);
    }
    waitpid(grandchild, &status, WUNTRACED);
    write(fds[1], "stopped ", 8);
    _exit(WIFSTOPPED(status) ? 6 : 7);
  }
  close(fds[1]);
  wait_for(child, 0);
  char text[100] = "";
  int n, at = 0;
  while ((n = read(fds[0], text + at, 50)) > 0) at += n;
  notef(" %s", text);
  close(fds[0]);
  said("left stopped");

  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    if (fork() == 0) forever();
    if (fork() == 0) forever();
    forever();
  }
  nap(20);
  notef(" %d", kill(-child, 0));
  notef(" %d", kill(-child, SIGTERM));
  wait_for(child, 0);
  nap(20);
  said("a whole group");
}

static void quiet(int signo, siginfo_t *info, void *context) {
  (void)context, (void)info;
  notef(" h%d", signo);
}
static void stopped_calls(void) {
  int fds[2];
  char byte;
  pipe(fds);
  for (int handled = 0; handled < 2; handled++) {
    pid_t child = fork();
    if (child == 0) {
      if (handled) on(SIGCONT, quiet, 0);
      long got = read(fds[0], &byte, 1);
      notef(" read %ld %d", got, got < 0 ? errno : 0);
      struct timespec left = {7, 7};
      int slept = nanosleep(&(struct timespec){0, 80000000}, &left);
      notef(" slept %d %d", slept, left.tv_sec == 0 ? left.tv_nsec > 0 : (int)left.tv_sec);
      said(handled ? "in calls, handled" : "in calls");
      _exit(0);
    }
    nap(30);
    kill(child, SIGSTOP);
    wait_for(child, WUNTRACED);
    write(fds[1], "x", 1);
    nap(10);
    kill(child, SIGCONT);
    nap(20);
    kill(child, SIGSTOP);
    nap(10);
    kill(child, SIGCONT);
    wait_for(child, 0);
    said("stopped in calls");
    if (handled) read(fds[0], &byte, 1);
  }
}

static void deadly(void) {
  pid_t child = fork();
  if (child == 0) {
    kill(getpid(), SIGSTOP);
    _exit(1);
  }
  wait_for(child, WUNTRACED);
  kill(child, SIGTERM);
  nap(10);
  wait_for(child, WNOHANG);
  kill(child, SIGKILL);
  wait_for(child, 0);
  said("killed while stopped");
  // SIGHUP has a handler and a lower number, and still it does not run.
  child = fork();
  if (child == 0) {
    on(SIGHUP, quiet, 0);
    mask_set(BIT(SIGHUP) | BIT(SIGTERM));
    raise(SIGHUP);
    raise(SIGTERM);
    mask_set(0);
    said("unblocked");
    _exit(1);
  }
  wait_for(child, 0);
  child = fork();
  if (child == 0) {
    mask_set(~0ull);
    raise(SIGKILL);
    _exit(1);
  }
  wait_for(child, 0);
  said("ends");
}

static char *hole, *page;
static void again(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info, (void)context;
  *(volatile int *)16 = 1;
}
static void ended(int signo, siginfo_t *info, void *context) {
  (void)context;
  _exit(signo * 10 + info->si_code % 100);
}
static void frames(void) {
  // The stack is not there: no frame for SIGUSR1, and a second stack for SIGSEGV.
  for (int way = 0; way < 5; way++) {
    pid_t child = fork();
    if (child == 0) {
      stack_t stack = {.ss_sp = page, .ss_size = 4096};
      on(SIGUSR1, quiet, 0);
      if (way == 1) {
        sigaltstack(&stack, 0);
        on(SIGSEGV, ended, SA_ONSTACK);
      }
      if (way == 2) on(SIGSEGV, ended, 0);
      if (way == 3) {
        on(SIGSEGV, again, 0);
        *(volatile int *)8 = 1;
      }
      if (way == 4) {
        on(SIGSEGV, again, SA_NODEFER);
        struct rlimit small = {65536, 65536};
        setrlimit(RLIMIT_STACK, &small);
        *(volatile int *)8 = 1;
      }
      register long a0 asm("a0") = getpid();
      register long a1 asm("a1") = SIGUSR1;
      register long a7 asm("a7") = SYS_kill;
      asm volatile("mv sp, %0\necall\nebreak" ::"r"(hole + 2048), "r"(a0), "r"(a1), "r"(a7));
    }
    wait_for(child, 0);
  }
  said("no room for a frame");
}

static void change(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)info;
  ucontext_t *uc = context;
  uint64_t mask = BIT(SIGUSR2) | BIT(SIGKILL);
  memcpy(&uc->uc_sigmask, &mask, 8);
  uc->uc_mcontext.__gregs[REG_A0] = -512;
  uc->uc_stack.ss_sp = page;
  uc->uc_stack.ss_size = 4096;
  uc->uc_stack.ss_flags = 0;
}
static int which;
static void spoil(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  uint32_t *end = (uint32_t *)((char *)info + 128 + 176 + 256 + 516);
  end[which] = 1;
}
static void contexts(void) {
  on(SIGUSR1, change, 0);
  long answer = syscall(SYS_kill, getpid(), SIGUSR1);
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
  stack_t stack;
  sigaltstack(0, &stack);
  notef(" a0 %ld %d mask %llx stack %d %lu", answer, errno, (unsigned long long)mask,
        stack.ss_sp == page, stack.ss_size);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, 0);
  mask_set(0);
  for (which = 0; which < 3; which++) {
    pid_t child = fork();
    if (child == 0) {
      on(SIGUSR1, spoil, 0);
      on(SIGSEGV, ended, 0);
      raise(SIGUSR1);
      _exit(1);
    }
    wait_for(child, 0);
  }
  said("contexts");
}

static void disarmed(int signo, siginfo_t *info, void *context) {
  (void)info, (void)signo;
  ucontext_t *uc = context;
  stack_t now;
  sigaltstack(0, &now);
  char here;
  notef(" %s now %x %lu was %x %lu", &here > page && &here < page + 4096 ? "alt" : "own",
        now.ss_flags, now.ss_size, uc->uc_stack.ss_flags, uc->uc_stack.ss_size);
}
static void autodisarm(void) {
  stack_t stack = {.ss_sp = page, .ss_size = 4096, .ss_flags = (int)0x80000000};
  notef(" %d", sigaltstack(&stack, 0));
  on(SIGUSR1, disarmed, SA_ONSTACK);
  syscall(SYS_kill, getpid(), SIGUSR1);
  sigaltstack(0, &stack);
  notef(" after %x %lu", stack.ss_flags, stack.ss_size);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, 0);
  said("disarmed");
}

static void queue_limit(void) {
  pid_t child = fork();
  if (child == 0) {
    struct rlimit few = {4, 4};
    setrlimit(RLIMIT_SIGPENDING, &few);
    on(40, quiet, 0);
    on(SIGUSR1, quiet, 0);
    mask_set(~0ull);
    for (int i = 0; i < 7; i++) {
      int answer = sigqueue(getpid(), 40, (union sigval){.sival_int = i});
      notef(" %d", answer < 0 ? -errno : answer);
    }
    notef(" kill %d", kill(getpid(), 41));
    notef(" kill %d", kill(getpid(), SIGUSR1));
    notef(" queue %d", sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 1}));
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, 41);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    for (int i = 0; i < 3; i++) {
      memset(&info, 0, sizeof info);
      int got = sigtimedwait(&set, &info, &(struct timespec){0, 0});
      notef(" %d:%d,%d", got, info.si_code, info.si_pid == getpid());
    }
    mask_set(0);
    said("a full queue");
    _exit(0);
  }
  wait_for(child, 0);
  order[0] = 0;
}

static void alarm_after(void) {
  struct itimerval soon = {.it_value = {0, 50000}}, now;
  on(SIGALRM, quiet, 0);
  setitimer(ITIMER_REAL, &soon, 0);
  pid_t child = fork();
  if (child == 0) {
    getitimer(ITIMER_REAL, &now);
    _exit(now.it_value.tv_usec != 0);
  }
  waitpid(child, &status, 0);
  notef(" child's %x", status);
  nap(80);
  child = fork();
  if (child == 0) {
    setitimer(ITIMER_REAL, &soon, 0);
    execl("/proc/self/exe", "jobs", "sleep", (char *)0);
    execl("/jobs", "jobs", "sleep", (char *)0);
    _exit(1);
  }
  wait_for(child, 0);
  said("alarms");
  signal(SIGVTALRM, SIG_DFL);
  for (int kind = ITIMER_VIRTUAL; kind <= ITIMER_PROF; kind++) {
    child = fork();
    if (child == 0) {
      setitimer(kind, &(struct itimerval){.it_value = {0, 20000}}, 0);
      for (volatile long spins = 0;; spins++) {}
    }
    wait_for(child, 0);
  }
  said("timers of the process's own time");
}

static void clones(void) {
  pid_t child = syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (child == 0) _exit(2);
  nap(20);
  wait_for(child, WNOHANG);
  wait_for(child, __WCLONE);
  on(SIGUSR2, quiet, SA_RESTART);
  child = syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
  if (child == 0) _exit(2);
  wait_for(child, __WALL);
  siginfo_t info;
  memset(&info, 0x55, sizeof info);
  int answer = waitid(P_PID, 77777, &info, WEXITED);
  notef(" %d %d pid %d", answer, errno, info.si_pid);
  notef(" %d", waitid(P_PID, 0, &info, WEXITED));
  notef(" %d", errno);
  notef(" %d", waitid(9, 1, &info, WEXITED));
  notef(" %d", errno);
  notef(" %d", wait4(-1, 0, 0x10, 0));
  notef(" %d", errno);
  child = fork();
  if (child == 0) _exit(9);
  nap(10);
  notef(" bad %d", waitpid(child, (int *)8, 0));
  notef(" %d", errno);
  wait_for(child, 0);
  said("clones");
}

static int tell_fd;
static void parted(int signo, siginfo_t *info, void *context) {
  (void)context;
  char text[80];
  int n = sprintf(text, " signal %d code %d parent %d", signo, info->si_code, getppid() == 1);
  write(tell_fd, text, n);
}
static void orphans(void) {
  int fds[2], wish = 77;
  pipe(fds);
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      close(fds[0]);
      tell_fd = fds[1];
      on(SIGHUP, parted, 0);
      mask_set(BIT(SIGHUP));
      notef(" bad %d", prctl(PR_SET_PDEATHSIG, 65));
      prctl(PR_SET_PDEATHSIG, SIGHUP);
      prctl(PR_GET_PDEATHSIG, &wish);
      notef(" wish %d", wish);
      said("asked for");
      write(fds[1], "!", 1);
      nap(60);
      mask_set(0);
      _exit(0);
    }
    char byte;
    read(fds[0], &byte, 1);
    _exit(8);
  }
  close(fds[1]);
  wait_for(child, 0);
  char text[100] = "";
  int n, at = 0;
  while ((n = read(fds[0], text + at, 50)) > 0) at += n;
  close(fds[0]);
  notef("%s", text);
  child = fork();
  if (child == 0) forever();
  notef(" kill %d", kill(-1, 0));
  kill(child, SIGKILL);
  wait_for(child, 0);
  notef(" restart %ld", syscall(SYS_restart_syscall));
  notef(" %d", errno);
  said("a parent ends");
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    forever();
  }
  alarm(20);
  hole = mmap(0, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  groups();
  stopped_calls();
  deadly();
  frames();
  contexts();
  autodisarm();
  queue_limit();
  clones();
  orphans();
  alarm_after();
  return 0;
}
