// ebizzy: what a web server does to memory, after Valerie Henson's program.
//
// Some chunks of memory lie there, full of records in order. Again and again: take
// memory for a copy, copy one of the chunks into it, look for one record in the copy,
// free it. The memory is hardly used, so what matters is what getting it costs: a
// fault and a clear_page for each page, of which the copy then overwrites every byte.
//
//   -i N  do that N times (200; the original works for ten seconds instead)
//   -n N  chunks (10)               -s N  bytes in each (524288)
//   -m    map every copy            -M    never map: blocks of the heap only
//   -N    ask for memory that need not be cleared (Davide Libenzi's addition)
//   -R    copies of random length   -T    only touch the copy's pages
//   -t N  that many processes (1)   -z    look from the start on, do not bisect
//   -r N  a random state that works, starting with N
//
// The original's random numbers come from `state *= 1103515245 + 12345`, which lacks
// the parentheses that would make it `state = state * 1103515245 + 12345`; and its
// state starts as 0. So it is 0 for ever: always chunk 0, always record 0, always
// the shortest length with -R. That is what was measured in 2007, so it is what this
// program does, unless -r is given.
//
// The original's -t starts threads, which share one address space. This machine has
// none: here they are processes, which share the chunks' frames and nothing else. A
// process that maps and unmaps does not make the others wait for mmap_sem.
#include "../heap/user.h"

typedef uint64_t record;

static long iterations = 200, chunks = 10, workers = 1;
static size_t chunk_size = 65536 * sizeof(record);
static int always_map, nozero, random_size, touch_only, linear, works;
static unsigned seed;
static record **memory;

static unsigned random_below(unsigned max, unsigned *state) {
  if (works)
    *state = *state * 1103515245 + 12345;
  else
    *state *= 1103515245 + 12345;
  return *state / 65536 % max;
}

static void *take(size_t size) {
  void *p;
  if (always_map) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (nozero ? MAP_NOZERO : 0);
    p = mmap(0, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (is_error(p))
      p = 0;
  } else {
    p = malloc(size);
  }
  if (!p) {
    complain("ebizzy", "out of memory", "");
    exit(1);
  }
  return p;
}

static void give_back(void *p, size_t size) {
  if (always_map)
    munmap(p, size);
  else
    free(p);
}

// A word at a time: libc's memcpy goes byte by byte, to be watched.
static void copy(record *to, const record *from, size_t size) {
  for (const record *end = from + size / sizeof *from; from < end;)
    *to++ = *from++;
}

static const record *find(const record *records, size_t n, record key) {
  if (linear) {
    for (const record *end = records + n; records < end; records++)
      if (*records == key)
        return records;
    return 0;
  }
  while (n > 0) {
    const record *middle = records + n / 2;
    if (*middle == key)
      return middle;
    if (*middle < key) {
      n -= n / 2 + 1;
      records = middle + 1;
    } else {
      n /= 2;
    }
  }
  return 0;
}

static void make_chunks(void) {
  memory = take((size_t)chunks * sizeof *memory);
  for (long chunk = 0; chunk < chunks; chunk++) {
    memory[chunk] = take(chunk_size);
    for (size_t i = 0; i < chunk_size / sizeof(record); i++)
      memory[chunk][i] = i;
  }
}

// One worker's loop; returns the sum of the records it looked for.
static record search(void) {
  unsigned state = seed;
  record sum = 0;
  for (long i = 0; i < iterations; i++) {
    unsigned chunk = random_below((unsigned)chunks, &state);
    size_t size = chunk_size;
    if (random_size)
      size = (random_below((unsigned)(size / sizeof(record)), &state) + 1) * sizeof(record);
    record *mine = take(size);
    if (touch_only) {
      for (char *page = (char *)mine; page < (char *)mine + size; page += PAGE)
        *(volatile char *)page = (char)0xff;
    } else {
      copy(mine, memory[chunk], size);
      record key = random_below((unsigned)(size / sizeof(record)), &state);
      const record *found = find(mine, size / sizeof(record), key);
      if (!found) { // memory has changed, which must not happen
        complain("ebizzy", "a record is missing", "");
        exit(1);
      }
      sum += *found;
    }
    give_back(mine, size);
  }
  return sum;
}

static int options(int argc, char **argv) {
  for (int at = 1; at < argc; at++) {
    switch (argv[at][0] == '-' ? argv[at][1] : 0) {
    case 'i': iterations = number(argv, &at); break;
    case 'n': chunks = number(argv, &at); break;
    case 's': chunk_size = (size_t)number(argv, &at) & -sizeof(record); break;
    case 't': workers = number(argv, &at); break;
    case 'r': works = 1, seed = (unsigned)number(argv, &at); break;
    case 'm': always_map = 1; break;
    case 'M': mallopt(M_MMAP_MAX, 0); break;
    case 'N': nozero = mallopt(M_NOZERO, 1); break;
    case 'R': random_size = 1; break;
    case 'T': touch_only = 1; break;
    case 'z': linear = 1; break;
    default: return 0;
    }
  }
  return chunks > 0 && chunk_size > 0 && workers > 0;
}

int main(int argc, char **argv, char **envp) {
  heap_environment(envp);
  if (!options(argc, argv)) {
    puts("usage: ebizzy [-i N] [-n CHUNKS] [-s BYTES] [-t N] [-r N] [-mMNRTz]");
    return 2;
  }
  make_chunks();
  int failed = 0;
  for (long i = 1; i < workers; i++) {
    long child = fork();
    if (child < 0)
      failed = 1;
    if (child == 0)
      return search() == ~(record)0;
  }
  record sum = search();
  for (int status; wait4(-1, &status, 0, 0) > 0;)
    failed |= status != 0;
  printf("%ld records of %ld bytes, %ld at a time, sum %lx\n", iterations * workers,
         (long)chunk_size, workers, sum);
  return failed;
}
