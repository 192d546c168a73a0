// fixups [-n PROCESSES] [-r ROUNDS] [-m KBYTES] [-i KBYTES] [-p PAGES] [-s SEED] [-x]:
// processes that share a library whose functions are called through slots in text.
//
// Each process calls the library's functions, all of them, ROUNDS times in another order each time;
// between two rounds it goes through KBYTES of memory of its own, so that the kernel runs short of
// frames and takes those of the library's text. A process changes every page of text it uses: what
// becomes of its copies is what LD_FIXUPS (guest/ldso/fixups.c) is to compare. Under
// LD_FIXUPS=dontneed a process gives them back itself after each round, which is all that a program
// can do today.
//
//   -i  between two rounds all of them are idle (stopped), while something else, the program they
//       were started by, goes through KBYTES of its own, once: what a desktop's processes are to
//       each other that wait for their user in turn
//   -n  so many processes, forked before the first call; one works without a fork
//   -p  only the functions of the first PAGES pages of text
//   -x  each process starts the program afresh, and so has been linked by itself
//
// What each has computed comes through a pipe, and is printed in the order of their numbers: the
// output depends on the arguments only, whoever ran when, and whatever was fixed up how often.
#include "../libc/files.h"
#include "../libc/process.h"

// The library: entry.h.
unsigned fix_count(void), fix_pages(void);
void *fix_text(void);
uint64_t fix_call(unsigned number, uint64_t x);

enum { MOST_PROCESSES = 64, MOST_FUNCTIONS = 256 };
enum { SIGCONT = 18, SIGSTOP = 19, WUNTRACED = 2, AT_EXECFN = 31 };

struct wish {
  unsigned processes, rounds, kbytes, idle_kbytes, pages, seed;
  int afresh, give_back;
};

struct result {
  uint64_t process, sum;
};

static uint64_t next(uint64_t *state) { // xorshift64*, S. Vigna 2016
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545f4914f6cdd1d;
}

static void shuffle(uint8_t *list, unsigned n, uint64_t *state) {
  for (unsigned i = n - 1; i > 0; i--) {
    unsigned j = (unsigned)(next(state) >> 33) % (i + 1);
    uint8_t other = list[j];
    list[j] = list[i];
    list[i] = other;
  }
}

// Changes a word of each page, and depends on what was there.
static uint64_t press(uint64_t *memory, unsigned pages, uint64_t x) {
  for (unsigned i = 0; i < pages; i++) {
    uint64_t *word = memory + i * (PAGE / sizeof *memory);
    *word += x ^ i;
    x = (x << 7 | x >> 57) + *word;
  }
  return x;
}

static uint64_t work(const struct wish *w, unsigned process) {
  uint8_t order[MOST_FUNCTIONS];
  unsigned functions = fix_count() / fix_pages() * w->pages, pages = w->kbytes * 1024 / PAGE;
  uint64_t state = (w->seed + 1) * 0x9e3779b97f4a7c15 + process, x = state;
  uint64_t *memory = 0;
  if (pages)
    memory = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (is_error(memory))
    return 0;
  for (unsigned i = 0; i < functions; i++)
    order[i] = (uint8_t)i;
  for (unsigned round = 0; round < w->rounds; round++) {
    shuffle(order, functions, &state);
    for (unsigned i = 0; i < functions; i++)
      x = fix_call(order[i], x);
    if (w->give_back)
      madvise(fix_text(), fix_pages() * PAGE, MADV_DONTNEED);
    x = press(memory, pages, x);
    if (w->idle_kbytes && round + 1 < w->rounds)
      kill(getpid(), SIGSTOP);
  }
  return x;
}

static void report(int pipe, const struct wish *w, unsigned process) {
  struct result r = {process, work(w, process)};
  write(pipe, &r, sizeof r);
}

static char *decimal(char *end, unsigned long n) {
  *--end = 0;
  do
    *--end = (char)('0' + n % 10);
  while (n /= 10);
  return end;
}

// The same program with the same wishes, as this one process of them: -c PROCESS -w PIPE.
static void start_afresh(char **argv, char **envp, unsigned process, int pipe) {
  char number[24], end[24], *copy[24];
  int n = 0;
  for (; argv[n] && n < 16; n++)
    copy[n] = argv[n];
  copy[n++] = "-c";
  copy[n++] = decimal(number + sizeof number, process);
  copy[n++] = "-w";
  copy[n++] = decimal(end + sizeof end, (unsigned long)pipe);
  copy[n] = 0;
  // By its name and not as /proc/self/exe: beside it lie the libraries that are prelinked for it.
  execve((const char *)getauxval(envp, AT_EXECFN), copy, envp);
  exit(127);
}

// All of them have done a round and have stopped: now the memory is somebody else's, once.
static void work_meanwhile(const struct wish *w, const long *processes) {
  for (unsigned round = 1; round < w->rounds; round++) {
    for (unsigned i = 0; i < w->processes; i++)
      wait4(processes[i], 0, WUNTRACED, 0);
    unsigned pages = w->idle_kbytes * 1024 / PAGE;
    int prot = PROT_READ | PROT_WRITE;
    uint64_t *memory = mmap(0, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!is_error(memory)) {
      press(memory, pages, round);
      munmap(memory, pages * PAGE);
    }
    for (unsigned i = 0; i < w->processes; i++)
      kill(processes[i], SIGCONT);
  }
}

static int run_all(const struct wish *w, char **argv, char **envp) {
  static uint64_t sums[MOST_PROCESSES];
  static long processes[MOST_PROCESSES];
  int ends[2];
  if (pipe2(ends, 0) != 0)
    return 1;
  for (unsigned i = 0; i < w->processes; i++)
    if ((processes[i] = fork()) == 0) {
      close(ends[0]);
      if (w->afresh)
        start_afresh(argv, envp, i, ends[1]);
      report(ends[1], w, i);
      return 0;
    }
  close(ends[1]);
  if (w->idle_kbytes)
    work_meanwhile(w, processes);
  struct result r;
  unsigned got = 0, failed = 0;
  for (; read(ends[0], &r, sizeof r) == sizeof r; got++)
    sums[r.process] = r.sum;
  int status;
  while (wait4(-1, &status, 0, 0) > 0)
    failed += status != 0;
  for (unsigned i = 0; i < w->processes && got == w->processes; i++)
    printf("process %u: %016lx\n", i, sums[i]);
  if (failed || got != w->processes)
    printf("%u of %u processes failed\n", failed, w->processes);
  return failed != 0;
}

static int has_entry(char **envp, const char *entry) {
  while (*envp && strcmp(*envp, entry) != 0)
    envp++;
  return *envp != 0;
}

static int usage(void) {
  puts("usage: fixups [-n PROCESSES] [-r ROUNDS] [-m KBYTES] [-i KBYTES] [-p PAGES] [-s SEED] [-x]");
  return 2;
}

int main(int argc, char **argv, char **envp) {
  struct wish w = {.processes = 1, .rounds = 2, .pages = fix_pages(), .seed = 1};
  long process = -1, pipe = 0;
  for (int i = 1; i < argc; i++) {
    const char *value = argv[i][0] == '-' && argv[i][2] == 0 ? argv[i + 1] : 0;
    if (strcmp(argv[i], "-x") == 0) {
      w.afresh = 1;
      continue;
    }
    if (!value)
      return usage();
    switch (argv[i++][1]) {
    case 'n':
      w.processes = (unsigned)atol(value);
      break;
    case 'r':
      w.rounds = (unsigned)atol(value);
      break;
    case 'm':
      w.kbytes = (unsigned)atol(value);
      break;
    case 'i':
      w.idle_kbytes = (unsigned)atol(value);
      break;
    case 'p':
      w.pages = (unsigned)atol(value);
      break;
    case 's':
      w.seed = (unsigned)atol(value);
      break;
    case 'c':
      process = atol(value);
      break;
    case 'w':
      pipe = atol(value);
      break;
    default:
      return usage();
    }
  }
  if (w.processes < 1 || w.processes > MOST_PROCESSES || w.pages < 1 || w.pages > fix_pages())
    return usage();
  w.give_back = has_entry(envp, "LD_FIXUPS=dontneed");
  if (process >= 0) {
    report((int)pipe, &w, (unsigned)process);
    return 0;
  }
  if (w.processes > 1 || w.afresh || w.idle_kbytes)
    return run_all(&w, argv, envp);
  printf("process 0: %016lx\n", work(&w, 0));
  return 0;
}
