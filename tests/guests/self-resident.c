// A static program that makes its own image: no linker, so that what the kernel does is seen alone.
//
// Its first start is with the argument "register": it writes to its data, to its heap, to a
// mapping, and registers itself to be entered at `again`. A later start finds the data as they
// were. Built with -nostdlib -static: the image has no constructor and no auxiliary vector to ask.
typedef unsigned long u64;

static long call(long nr, long a, long b, long c, long d, long e, long f) {
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c,
      a3 __asm__("a3") = d, a4 __asm__("a4") = e, a5 __asm__("a5") = f, a7 __asm__("a7") = nr;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                   : "memory");
  return a0;
}

static u64 length(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}
static void say(const char *s) { call(64, 1, (long)s, length(s), 0, 0, 0); }
static void number(u64 n) {
  char text[24];
  char *at = text + 23;
  *at = 0;
  do *--at = (char)('0' + n % 10);
  while (n /= 10);
  say(at);
}
static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/** Pages of data: one is written before the image is made, one after, one never. */
static char data[4][4096] __attribute__((aligned(4096))) = {"before", "after", "never", "file"};
static int starts = 0;
static char *mapping, *library;
static char big[300][4096];

__attribute__((used)) static void begin(u64 *sp) {
  u64 argc = *sp;
  char **argv = (char **)(sp + 1), **envp = argv + argc + 1;
  char **end = envp;
  while (*end) end++;
  if (argc > 1 && same(argv[1], "register") && !starts) {
    extern const char again[];
    data[0][0] = 'B';
    starts = 1;
    char *heap = (char *)call(214, 0, 0, 0, 0, 0, 0);
    call(214, (long)heap + 8192, 0, 0, 0, 0, 0);
    for (int i = 0; envp[0] && i < 8; i++) heap[i] = envp[0][i];
    mapping = (char *)call(222, 0, 4096, 3, 0x22, -1, 0);
    mapping[0] = 'm';
    for (int i = 0; argc > 2 && same(argv[2], "big") && i < 300; i++) big[i][0] = (char)i;
    if (argc > 2 && !same(argv[2], "big")) { // a library of two pages, the first of which is relocated
      long fd = call(56, -100, (long)argv[2], 2, 0, 0, 0);
      library = (char *)call(222, 0, 8192, 3, 2, fd, 0);
      library[1] = 'R';
      char *shared = (char *)call(222, 0, 4096, 3, 1, fd, 0); // must not be in the image
      mapping[1] = shared[0];
    }
    long error = call(600, (long)again, 0, 0, 0, 0, 0);
    call(93, -error, 0, 0, 0, 0, 0);
  }
  if (argc > 1 && same(argv[1], "bad-entry"))
    call(93, -call(600, 16, 0, 0, 0, 0, 0), 0, 0, 0, 0, 0);
  if (argc > 1 && same(argv[1], "once-more"))
    call(93, -call(600, 1, 0, 0, 0, 0, 0), 0, 0, 0, 0, 0);
  if (argc > 1 && same(argv[1], "unregister")) {
    long count = call(601, -1, 0, 0, 0, 0, 0);
    call(93, count < 0 ? -count : 100 + count, 0, 0, 0, 0, 0);
  }
  say(starts ? "resident" : "fresh");
  starts++;
  say(" starts ");
  number(starts);
  say(" data ");
  say(data[0]);
  data[1][0] = 'A';
  say(data[1]);
  say(data[2]);
  say(" mapping ");
  say(mapping ? mapping : "none");
  if (library) {
    say(" library ");
    library[3] = library[4099] = 0;
    say(library);
    say(library + 4096);
  }
  if (big[299][0]) {
    u64 sum = 0;
    for (int i = 0; i < 300; i++) sum += (unsigned char)big[i][0];
    say(" big ");
    number(sum);
  }
  say(" brk ");
  u64 brk = call(214, 0, 0, 0, 0, 0, 0);
  number(brk & 4095);
  say(" auxv ");
  number(end[1] ? 1 : 0);
  say(" uid ");
  number(call(174, 0, 0, 0, 0, 0, 0));
  say(" euid ");
  number(call(175, 0, 0, 0, 0, 0, 0));
  for (u64 i = 1; i < argc; i++) {
    say(" ");
    say(argv[i]);
  }
  say("\n");
  call(93, argc > 1 ? 40 + (argc & 7) : 0, 0, 0, 0, 0, 0);
}

__asm__(".globl _start\n"
        "_start:\n"
        "  li fp, 0\n"
        "again: .globl again\n"
        "  .option push\n  .option norelax\n  la gp, __global_pointer$\n  .option pop\n"
        "  mv a0, sp\n"
        "  tail begin\n");
