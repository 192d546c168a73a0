// Futexes between processes: what it prints is what it prints on Linux.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** The words lie in the program's own file, which every process maps for itself. */
static const volatile uint32_t in_file[8] = {7, 7, 7, 7, 7, 7, 7, 7};
static const char *name;
static uint32_t *word;
static uint32_t own = 5;

static uint32_t *map(void) {
  const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
  unsigned long at = (unsigned long)in_file;
  while (phdr->p_type != PT_LOAD || at - phdr->p_vaddr >= phdr->p_filesz) phdr++;
  at = at - phdr->p_vaddr + phdr->p_offset;
  int fd = open(name, O_RDONLY);
  char *page = mmap(0, 8192, PROT_READ, MAP_SHARED, fd, at & -4096);
  close(fd);
  return (uint32_t *)(page + at % 4096);
}

static long futex(uint32_t *at, int op, uint32_t value, void *four, uint32_t *other, uint32_t last) {
  long answer = syscall(SYS_futex, at, op, value, four, other, last);
  return answer < 0 ? -errno : answer;
}
static void nap(int ms) { nanosleep(&(struct timespec){0, ms * 1000000L}, 0); }
static void nothing(int signo) { (void)signo; }

/** A child that waits on a word and exits with its number when it is woken. */
static pid_t waiter(uint32_t *at, int op, uint32_t bits, int number) {
  pid_t child = fork();
  if (child) {
    nap(20);
    return child;
  }
  // The same word, somewhere else.
  long answer = futex(map() + (at - word), op, 7, 0, 0, bits);
  _exit(answer == 0 ? number : 99);
}
static int ended(void) {
  int status = 0;
  return waitpid(-1, &status, WNOHANG) > 0 ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv) {
  (void)argc;
  name = argv[0];
  word = map();
  struct timespec little = {0, 20000000}, bad = {0, 1000000000}, now;
  printf("other value %ld\n", futex(&own, FUTEX_WAIT, 6, 0, 0, 0));
  printf("timeout %ld\n", futex(&own, FUTEX_WAIT, 5, &little, 0, 0));
  printf("no time %ld\n", futex(&own, FUTEX_WAIT, 5, &bad, 0, 0));
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("past %ld\n", futex(&own, FUTEX_WAIT_BITSET, 5, &now, 0, 1));
  printf("no bits %ld\n", futex(&own, FUTEX_WAIT_BITSET, 5, 0, 0, 0));
  printf("odd %ld\n", futex((uint32_t *)((char *)word + 1), FUTEX_WAKE, 1, 0, 0, 0));
  printf("nowhere %ld\n", futex((uint32_t *)8, FUTEX_WAIT, 1, 0, 0, 0));
  printf("nobody %ld\n", futex(&own, FUTEX_WAKE, 1, 0, 0, 0));
  printf("wall clock %ld\n", futex(&own, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 5, &little, 0, 0));
  printf("unknown %ld\n", futex(&own, 77, 5, 0, 0, 0));
  fflush(stdout);

  waiter(word, FUTEX_WAIT, 0, 1);
  waiter(word, FUTEX_WAIT, 0, 2);
  waiter(word, FUTEX_WAIT, 0, 3);
  printf("private finds %ld\n", futex(word, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0));
  printf("another word finds %ld\n", futex(word + 4, FUTEX_WAKE, 9, 0, 0, 0));
  printf("woken %ld\n", futex(word, FUTEX_WAKE, 1, 0, 0, 0));
  nap(20);
  printf("it was %d\n", ended());
  printf("moved %ld\n", futex(word, FUTEX_CMP_REQUEUE, 0, (void *)1, word + 4, 7));
  printf("not equal %ld\n", futex(word, FUTEX_CMP_REQUEUE, 0, (void *)1, word + 4, 8));
  printf("woken %ld\n", futex(word + 4, FUTEX_WAKE, 9, 0, 0, 0));
  nap(20);
  printf("it was %d\n", ended());
  printf("woken %ld\n", futex(word, FUTEX_WAKE, 9, 0, 0, 0));
  nap(20);
  printf("it was %d\n", ended());
  fflush(stdout);

  waiter(word, FUTEX_WAIT_BITSET, 2, 4);
  waiter(word, FUTEX_WAIT_BITSET, 4, 5);
  printf("bit 2 %ld\n", futex(word, FUTEX_WAKE_BITSET, 9, 0, 0, 4));
  nap(20);
  printf("it was %d\n", ended());
  printf("every bit %ld\n", futex(word, FUTEX_WAKE, 9, 0, 0, 0));
  nap(20);
  printf("it was %d\n", ended());
  fflush(stdout);

  struct sigaction action = {.sa_handler = nothing};
  for (int again = 0; again < 2; again++) {
    action.sa_flags = again ? SA_RESTART : 0;
    sigaction(SIGUSR1, &action, 0);
    pid_t child = fork();
    if (child == 0) {
      nap(20);
      kill(getppid(), SIGUSR1);
      nap(20);
      futex(word, FUTEX_WAKE, 1, 0, 0, 0);
      _exit(0);
    }
    printf("a signal %ld\n", futex(word, FUTEX_WAIT, 7, 0, 0, 0));
    fflush(stdout);
    waitpid(child, 0, 0);
  }
  return 0;
}
