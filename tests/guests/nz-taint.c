// Byte-level taint of MAP_NOZERO: many processes of several users map, write, free, fork, exec and
// trace at random, and load bytes at random from what they have. The label of a byte is its value:
//
//   high nibble   whose it is: see the classes below       low nibble   15 in memory that is
//   00            zero, nobody's                                        always cleared (F), else 1-14
//   anything else what a kernel or a program has written: nobody may see it
//
// A byte that is neither zero, nor what the process may have, nor what it has written itself has
// leaked: it is reported with all that is needed to find it again, and everybody ends.
//
// For the labels to be whole, no anonymous page may hold anything else. So nothing here has a C
// library; stacks and what processes know of each other lie in a file that all of them map shared;
// the stack that execve makes is wiped and given back at once.
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t i64;
typedef uint32_t u32;
typedef uint8_t u8;

enum { USERS = 3, ROOT = 3, FIRST_UID = 1001 };
// Classes. Users: 1001, 1002, 1003 and root. Files: of mode 0 but owned by a user; of mode 0600;
// root's of mode 0600; everybody's. And the data of a program that may only be executed.
enum { C_USER = 1, C_UNREADABLE = 5, C_PRIVATE = 9, C_ROOT_FILE = 12, C_PUBLIC = 13, C_EXEC_ONLY = 14 };
enum { FILES = 8 };
enum { F_GROUPS = 1, F_MOVES = 2, F_NO_SETUID = 4, F_NO_UNREADABLE = 8, F_FILES = 16 };

enum { SLOTS = 14, AREAS = 6, STACK = 4096, MAX_PAGES = 16 };
enum { NOTHING, NOZERO, PLAIN, FILE_, STACK_MADE };
#define AREA_AT(i) (0x20000000ul + (u64)(i) * 0x100000)
#define CONTROL 0x10000000ul
#define STACK_TOP 0x4000000000ul

struct area {
  u32 kind;
  u32 pages; // a power of two
};
struct slot {
  u32 busy;
  u32 ready; // it may be traced, and killed
  u32 pid;
  u32 may;   // classes it may see: bit by bit
  u32 class; // what it writes
  u32 steps; // left
  u64 rng;
  u64 brk0;
  struct area areas[AREAS];
  struct area heap;
};
struct control {
  // Given by the host.
  u64 seed, loads_wanted, steps_wanted;
  u32 processes, flags;
  // Counted.
  u64 steps, loads, execs, forks, setuids, attaches, kills, nozero_maps, faults;
  // What leaked.
  u32 leaked, lock;
  u64 leak_step, leak_load, leak_pid, leak_uid, leak_euid, leak_at, leak_byte, leak_may, leak_kind;
  u64 generation;
  struct slot slots[SLOTS];
};
#define the ((struct control *)CONTROL)
_Static_assert(sizeof(struct control) <= 8192, "control");
#define STACK_OF(s) (CONTROL + 8192 + ((u64)(s) + 1) * STACK)
#define CONTROL_SIZE (8192 + SLOTS * STACK)

/** A program's own data: a page and most of another, from its file; the rest of it is bss. */
u8 program_data[8000] __attribute__((aligned(4096), section(".data"))) = {
    [0 ... 7999] = C_PUBLIC << 4 | 5};
u8 program_bss[8192 + 192] __attribute__((section(".bss")));

static i64 call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  register u64 a0 __asm__("a0") = a;
  register u64 a1 __asm__("a1") = b;
  register u64 a2 __asm__("a2") = c;
  register u64 a3 __asm__("a3") = d;
  register u64 a4 __asm__("a4") = e;
  register u64 a5 __asm__("a5") = f;
  register u64 a7 __asm__("a7") = nr;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
  return (i64)a0;
}
#define CALL0(n) call(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) call(n, (u64)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) call(n, (u64)(a), (u64)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call(n, (u64)(a), (u64)(b), (u64)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) call(n, (u64)(a), (u64)(b), (u64)(c), (u64)(d), 0, 0)
enum {
  OPENAT = 56, CLOSE = 57, PIPE2 = 59, READ = 63, WRITE = 64, EXIT = 93, PTRACE = 117, YIELD = 124,
  SETRESUID = 147, GETRESUID = 148, SETRESGID = 149, GETPID = 172, GETUID = 174, GETEUID = 175, BRK = 214,
  MUNMAP = 215, CLONE = 220, EXECVE = 221, MMAP = 222, MADVISE = 233, WAIT4 = 260, BRK2 = 603
};
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32, MAP_NOZERO = 0x4000000 };
enum { TRACEME = 0, PEEKDATA = 2, POKEDATA = 5, CONT = 7, P_KILL = 8, ATTACH = 16, DETACH = 17 };
enum { WNOHANG = 1, WALL = 0x40000000, SIGSTOP = 19 };

// The first instructions: no stack but the one in the file is touched. a0: this stack, with argc
// and argv; the slot is the first letter of argv[1].
__asm__(".globl _start\n"
        "_start:\n"
        "  mv s0, sp\n"
        "  li a0, -100\n  la a1, control_path\n  li a2, 2\n  li a7, 56\n  ecall\n"
        "  mv a4, a0\n  li a0, 0x10000000\n  li a1, 65536\n  li a2, 3\n  li a3, 17\n  li a5, 0\n"
        "  li a7, 222\n  ecall\n"
        "  mv a0, a4\n  li a7, 57\n  ecall\n"
        "  ld t0, 16(s0)\n  lbu t0, 0(t0)\n  addi s1, t0, -'a'\n"
        "  slli t1, s1, 12\n  li t2, 0x10000000 + 8192 + 4096\n  add sp, t1, t2\n"
        "  mv a0, s1\n  mv a1, s0\n  tail begin\n"
        // fork_to(slot, sp): the child goes on in child(slot), on a stack of its own.
        ".globl fork_to\n"
        "fork_to:\n"
        "  mv t3, a0\n  li a0, 17\n  li a2, 0\n  li a3, 0\n  li a4, 0\n  li a7, 220\n  ecall\n"
        "  bnez a0, 1f\n  mv a0, t3\n  tail child\n1: ret\n"
        // leave(slot's busy): the last instructions, when somebody else may have the stack.
        ".globl leave\n"
        "leave:\n"
        "  fence\n  sw zero, 0(a0)\n  li a0, 0\n  li a7, 93\n  ecall\n  unimp\n"
        ".section .rodata\ncontrol_path: .asciz \"/control\"\n.text\n");
i64 fork_to(u64 slot, u64 sp);
void leave(u32 *busy) __attribute__((noreturn));
_Static_assert(CONTROL_SIZE <= 65536, "the size that _start maps");

static u64 next(struct slot *s) {
  u64 x = s->rng;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return s->rng = x;
}
static u32 below(struct slot *s, u32 n) { return (u32)((next(s) >> 20) % n); }
static void add(u64 *to, u64 n) { __atomic_fetch_add(to, n, __ATOMIC_RELAXED); }

/** Classes that a user may have in front of him: his own, and of files he may read. */
static u32 classes_of(u32 user) {
  u32 may = 1u << (C_USER + user) | 1u << C_PUBLIC;
  if (user < USERS) return may | 1u << (C_PRIVATE + user);
  return may | 7u << C_UNREADABLE | 7u << C_PRIVATE | 1u << C_ROOT_FILE | 1u << C_EXEC_ONLY;
}
static u32 user_of(u64 uid) { return uid == 0 ? ROOT : (u32)(uid - FIRST_UID); }

static void leak(struct slot *s, u64 at, u8 byte, u32 may, u32 kind, u64 load) {
  u32 none = 0;
  if (!__atomic_compare_exchange_n(&the->leaked, &none, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  the->leak_step = the->steps;
  the->leak_load = the->loads + load;
  the->leak_pid = s->pid;
  the->leak_uid = CALL0(GETUID);
  the->leak_euid = CALL0(GETEUID);
  the->leak_at = at;
  the->leak_byte = byte;
  the->leak_may = may;
  the->leak_kind = kind;
}

/** What may stand in an area: bits 0-15 by class; 16: only what is marked as plain. */
static u32 rule(struct slot *s, u32 kind) {
  if (kind != PLAIN) return s->may;
  return (s->may & 0x1f) | 0x10000;
}
static int fine(u8 byte, u32 may) {
  if (byte == 0) return 1;
  if ((may & 0x10000) != 0 && (byte & 15) != 15) return 0;
  return (byte & 15) != 0 && (may >> (byte >> 4) & 1) != 0;
}

static u32 loads_from(struct slot *s, u64 base, u64 bytes, u32 kind, u32 n) {
  u32 may = rule(s, kind);
  u64 x = s->rng;
  for (u32 i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    u64 at = base + (x >> 11) % bytes;
    u8 byte = *(volatile u8 *)at;
    if (!fine(byte, may)) leak(s, at, byte, may, kind, i);
  }
  s->rng = x;
  return n;
}
static u64 area_base(struct slot *s, u32 i) { return i < AREAS ? AREA_AT(i) : s->brk0; }
static struct area *area_of(struct slot *s, u32 i) { return i < AREAS ? &s->areas[i] : &s->heap; }

/** Random loads, from all it has. */
static void loads(struct slot *s) {
  u32 n = 0;
  for (u32 i = 0; i <= AREAS; i++) {
    struct area *a = area_of(s, i);
    if (a->kind != NOTHING) n += loads_from(s, area_base(s, i), (u64)a->pages << 12, a->kind, 40);
  }
  n += loads_from(s, (u64)program_data, sizeof program_data, FILE_, 8);
  n += loads_from(s, (u64)program_bss, sizeof program_bss, PLAIN, 8);
  add(&the->loads, n);
}

static u8 label(struct slot *s, u32 kind) {
  u32 low = kind == PLAIN ? 15 : 1 + below(s, 14);
  return (u8)(s->class << 4 | low);
}
/** Writes first, then looks at what else is in the page. */
static void stores_to(struct slot *s, u64 base, u64 bytes, u32 kind) {
  u8 byte = label(s, kind);
  if (below(s, 3) == 0) {
    u64 word = byte * 0x0101010101010101ul;
    u64 from = base + (below(s, (u32)(bytes >> 12)) << 12);
    if (from + 4096 <= base + bytes)
      for (u64 at = from; at < from + 4096; at += 8) *(volatile u64 *)at = word;
    return;
  }
  for (u32 i = 0; i < 12; i++) *(volatile u8 *)(base + (next(s) >> 11) % bytes) = byte;
}
static void stores(struct slot *s) {
  u32 i = below(s, AREAS + 3);
  if (i == AREAS + 1) stores_to(s, (u64)program_data, sizeof program_data, FILE_);
  else if (i == AREAS + 2) stores_to(s, (u64)program_bss, sizeof program_bss, PLAIN);
  else if (area_of(s, i)->kind != NOTHING)
    stores_to(s, area_base(s, i), (u64)area_of(s, i)->pages << 12, area_of(s, i)->kind);
}

static const char *const files[FILES] = {"/unreadable-0", "/unreadable-1", "/unreadable-2",
                                         "/private-0",    "/private-1",    "/private-2",
                                         "/root-file",    "/public"};
static const char *const setuids[USERS + 2] = {"/setuid-0", "/setuid-1", "/setuid-2", "/setuid-root",
                                               "/exec-only"};

static void map(struct slot *s, u32 kind) {
  u32 i = below(s, AREAS);
  struct area *a = &s->areas[i];
  if (a->kind != NOTHING) {
    a->kind = NOTHING;
    CALL2(MUNMAP, AREA_AT(i), MAX_PAGES << 12);
    return;
  }
  u32 pages = 1u << below(s, 5);
  u32 flags = MAP_PRIVATE | MAP_FIXED | (kind == FILE_ ? 0 : MAP_ANONYMOUS);
  i64 fd = -1;
  if (kind == FILE_) {
    u32 first = the->flags & F_NO_UNREADABLE ? 3 : 0;
    fd = CALL3(OPENAT, -100, files[first + below(s, FILES - first)], 0);
    if (fd < 0) return;
    pages = 4;
  }
  if (kind == NOZERO) flags |= MAP_NOZERO, add(&the->nozero_maps, 1);
  i64 at = call(MMAP, AREA_AT(i), (u64)pages << 12, 3, flags, (u64)fd, 0);
  if (fd >= 0) CALL1(CLOSE, fd);
  if (at < 0) return;
  a->pages = pages;
  a->kind = kind;
  u32 writes = 1 + below(s, 6);
  for (u32 n = 0; n < writes; n++) stores_to(s, AREA_AT(i), (u64)pages << 12, kind);
}

static void heap(struct slot *s) {
  if (s->heap.kind != NOTHING) {
    s->heap.kind = NOTHING;
    CALL1(BRK, s->brk0);
    return;
  }
  u32 pages = 1u << below(s, 4);
  u32 kind = below(s, 2) ? NOZERO : PLAIN;
  u64 end = s->brk0 + ((u64)pages << 12);
  i64 got = kind == NOZERO ? CALL2(BRK2, end, MAP_NOZERO) : CALL1(BRK, end);
  if ((u64)got != end) return;
  s->heap.pages = pages;
  s->heap.kind = kind;
  stores_to(s, s->brk0, (u64)pages << 12, kind);
}

static void advise(struct slot *s) {
  u32 i = below(s, AREAS);
  if (s->areas[i].kind == NOTHING) return;
  u32 from = below(s, s->areas[i].pages);
  // DONTNEED, FREE, PAGEOUT
  static const u8 advice[4] = {4, 4, 8, 21};
  CALL3(MADVISE, AREA_AT(i) + ((u64)from << 12), (u64)(s->areas[i].pages - from) << 12, advice[below(s, 4)]);
}

/** What it has goes through a kernel's buffer, and comes back elsewhere. */
static void through_pipe(struct slot *s) {
  u32 from = below(s, AREAS), to = below(s, AREAS);
  if (s->areas[from].kind != NOZERO || s->areas[to].kind != NOZERO) return;
  u32 fds[2];
  if (CALL2(PIPE2, fds, 0) != 0) return;
  i64 n = CALL3(WRITE, fds[1], AREA_AT(from), 4096);
  if (n > 0) CALL3(READ, fds[0], AREA_AT(to), n);
  CALL1(CLOSE, fds[0]);
  CALL1(CLOSE, fds[1]);
}

/** A free slot, taken; or -1. */
static i64 take_slot(void) {
  for (u32 i = 1; i < SLOTS && i <= the->processes; i++) {
    u32 none = 0;
    if (__atomic_compare_exchange_n(&the->slots[i].busy, &none, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return i;
  }
  return -1;
}
static u64 seed_of(u64 n) {
  u64 x = (the->seed + 1) * 0x9e3779b97f4a7c15ul + n * 0xbf58476d1ce4e5b9ul;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
  x = (x ^ x >> 27) * 0x94d049bb133111ebul;
  return (x ^ x >> 31) | 1;
}

/** A copy of itself. => its slot, or -1; the child is in child(). */
static i64 fork_copy(struct slot *s) {
  i64 n = take_slot();
  if (n < 0) return -1;
  struct slot *c = &the->slots[n];
  c->ready = 0;
  c->may = s->may;
  c->class = s->class;
  c->brk0 = s->brk0;
  for (u32 i = 0; i < AREAS; i++) c->areas[i] = s->areas[i];
  c->heap = s->heap;
  c->steps = 20 + below(s, 100);
  c->rng = seed_of(__atomic_fetch_add(&the->generation, 1, __ATOMIC_RELAXED));
  if (fork_to((u64)n, STACK_OF(n)) < 0) {
    c->busy = 0;
    return -1;
  }
  add(&the->forks, 1);
  return n;
}

static void run_program(u32 slot, const char *path) {
  char letter[2] = {(char)('a' + slot), 0};
  const char *argv[3] = {"nz", letter, 0};
  const char *envp[1] = {0};
  struct slot *s = &the->slots[slot];
  s->ready = 0;
  add(&the->execs, 1);
  CALL3(EXECVE, path, argv, envp);
  s->ready = 1; // it could not be
}
static void exec_something(struct slot *s, u32 slot) {
  u32 n = below(s, USERS + 4);
  if ((the->flags & F_NO_SETUID) != 0 || n >= USERS + 2) {
    run_program(slot, "/nz");
    return;
  }
  add(&the->setuids, 1);
  run_program(slot, setuids[n]);
}

/**
 * Of a set-user-id program: acts as whom it was started by, or as its owner again. Of root's:
 * becomes somebody else for good, with all that it has in memory.
 */
static void change_user(struct slot *s) {
  u32 ruid, euid, suid;
  if (CALL3(GETRESUID, &ruid, &euid, &suid) != 0) return;
  if (ruid == suid && ruid == 0) {
    u32 user = below(s, USERS);
    u64 uid = FIRST_UID + user;
    if (CALL3(SETRESUID, uid, uid, uid) != 0) return;
    s->may |= classes_of(user);
    s->class = C_USER + user;
    return;
  }
  if (ruid == suid) return;
  u32 to = euid == ruid ? suid : ruid;
  if (CALL3(SETRESUID, -1, to, -1) != 0) return;
  s->may |= classes_of(user_of(to));
  s->class = C_USER + user_of(to);
}

/** Looks into another process, leaves something there; or ends it. */
static void trace(struct slot *s, u32 me) {
  u32 n = 1 + below(s, SLOTS - 1);
  struct slot *t = &the->slots[n];
  u32 free = 0;
  if (n == me || !t->busy || !t->ready) return;
  if (!__atomic_compare_exchange_n(&the->lock, &free, me + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  u32 pid = t->pid;
  if (CALL4(PTRACE, ATTACH, pid, 0, 0) == 0) {
    u32 status = 0;
    i64 got = CALL4(WAIT4, pid, &status, WALL, 0);
    // A traced process stops at signals that it ignores, too; SIGSTOP may come after them.
    while (got == (i64)pid && (status & 0xff) == 0x7f && status >> 8 != SIGSTOP) {
      CALL4(PTRACE, CONT, pid, 0, 0);
      got = CALL4(WAIT4, pid, &status, WALL, 0);
    }
    int stopped = got == (i64)pid && (status & 0xff) == 0x7f;
    int same = stopped && t->busy && t->ready && t->pid == pid;
    if (same) {
      add(&the->attaches, 1);
      for (u32 i = 0; i < AREAS; i++) {
        struct area *a = &t->areas[i];
        if (a->kind != NOZERO && a->kind != PLAIN) continue;
        u64 word = 0, at = AREA_AT(i) + ((next(s) >> 11) % ((u64)a->pages << 12) & ~7ul);
        if (CALL4(PTRACE, PEEKDATA, pid, at, &word) != 0) continue;
        for (u32 b = 0; b < 8; b++)
          if (!fine((u8)(word >> 8 * b), rule(t, a->kind))) leak(t, at + b, (u8)(word >> 8 * b), rule(t, a->kind), a->kind, 0);
        add(&the->loads, 8);
        u8 byte = (u8)(t->class << 4 | (a->kind == PLAIN ? 15 : 7));
        CALL4(PTRACE, POKEDATA, pid, at, byte * 0x0101010101010101ul);
      }
    }
    if (same && below(s, 6) == 0) {
      CALL4(PTRACE, P_KILL, pid, 0, 0);
      CALL4(WAIT4, pid, &status, WALL, 0);
      add(&the->kills, 1);
      t->busy = 0;
    } else if (stopped) {
      CALL4(PTRACE, DETACH, pid, 0, 0);
    }
  }
  the->lock = 0;
}

static void step(struct slot *s, u32 slot) {
  u32 what = below(s, 64);
  if (what < 5 && (the->flags & F_FILES) != 0) map(s, FILE_);
  else if (what < 16) map(s, NOZERO);
  else if (what < 20) map(s, PLAIN);
  else if (what < 25) map(s, FILE_);
  else if (what < 30) heap(s);
  else if (what < 42) stores(s);
  else if (what < 47) advise(s);
  else if (what < 49) through_pipe(s);
  else if (what < 53) fork_copy(s);
  else if (what < 54) exec_something(s, slot);
  else if (what < 57) change_user(s);
  else if (what < 60) trace(s, slot);
  else if (what < 62) CALL0(YIELD);
  else stores(s);
  loads(s);
  add(&the->steps, 1);
}

static int over(void) {
  return the->leaked || the->loads >= the->loads_wanted || the->steps >= the->steps_wanted;
}
static void work(u32 slot) __attribute__((noreturn));
static void work(u32 slot) {
  struct slot *s = &the->slots[slot];
  s->pid = (u32)CALL0(GETPID);
  s->ready = 1;
  while (s->steps > 0 && !over()) {
    s->steps--;
    step(s, slot);
    CALL4(WAIT4, -1, 0, WNOHANG, 0);
  }
  // From here on nobody traces it: who does already has the lock.
  s->ready = 0;
  leave(&s->busy);
}

static void number(char **to, u64 n) {
  char digits[20];
  u32 len = 0;
  do digits[len++] = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  while (len > 0) *(*to)++ = digits[--len];
  *(*to)++ = ' ';
}
static void say_all(void) {
  char text[400], *to = text;
  u64 counts[] = {the->leaked, the->steps, the->loads, the->forks, the->execs, the->setuids, the->attaches, the->kills,
                  the->nozero_maps, the->leak_step, the->leak_load, the->leak_pid, the->leak_uid, the->leak_euid,
                  the->leak_at, the->leak_byte, the->leak_may, the->leak_kind};
  for (u32 i = 0; i < sizeof counts / sizeof *counts; i++) number(&to, counts[i]);
  CALL3(WRITE, 1, text, to - text);
}

static void write_file(const char *path, u32 n) {
  char text[2] = {(char)('0' + n), '\n'};
  i64 fd = CALL3(OPENAT, -100, path, 1);
  CALL3(WRITE, fd, text, 2);
  CALL1(CLOSE, fd);
}

/** Brings a file into the page cache, as root may. */
static void read_file(const char *path) {
  i64 fd = CALL3(OPENAT, -100, path, 0);
  call(MMAP, AREA_AT(0), 4 << 12, 1, MAP_SHARED | MAP_FIXED, (u64)fd, 0);
  CALL1(CLOSE, fd);
  for (u32 page = 0; page < 4; page++) (void)*(volatile u8 *)(AREA_AT(0) + (page << 12));
  CALL2(MUNMAP, AREA_AT(0), 4 << 12);
}

/** Process 1, root's: keeps so many others running, of all users, until it is over. */
static void init(void) __attribute__((noreturn));
static void init(void) {
  struct slot *s = &the->slots[0];
  s->rng = seed_of(0);
  the->generation = 1;
  while (!over()) {
    while (CALL4(WAIT4, -1, 0, WNOHANG, 0) > 0) {
    }
    s->class = 0; // says to child() that it is to begin a new life
    s->may = 0;
    fork_copy(s);
    if (the->flags & F_FILES)
      for (u32 user = 0; user < USERS; user++) read_file(files[user]);
    if ((the->flags & F_FILES) != 0 || below(s, 10) == 0) write_file("/proc/sys/vm/drop_caches", 1);
    CALL0(YIELD);
  }
  while (CALL4(WAIT4, -1, 0, 0, 0) > 0) {
  }
  // Others' children, who are nobody's.
  for (u32 i = 1; i < SLOTS; i++)
    while (the->slots[i].busy) CALL0(YIELD);
  say_all();
  CALL1(EXIT, 0);
  for (;;) {
  }
}

void child(u64 slot) {
  struct slot *s = &the->slots[slot];
  if (s->class == 0) {
    u32 user = below(s, 7) / 2; // each user twice as often as root
    u64 uid = user == ROOT ? 0 : FIRST_UID + user;
    if (the->flags & F_GROUPS) {
      int moved = (the->flags & F_MOVES) != 0 && below(s, 4) == 0;
      write_file("/proc/sys/vm/nozero_cgroup", 1 + (moved ? below(s, USERS + 1) : user));
    }
    CALL3(SETRESGID, uid, uid, uid);
    CALL3(SETRESUID, uid, uid, uid);
    run_program((u32)slot, "/nz");
    leave(&s->busy);
  }
  work((u32)slot);
}

/** Every execve comes here: what it left is wiped first. `sp` is the stack it made. */
void begin(u64 slot, u64 sp) {
  struct slot *s = &the->slots[slot];
  u64 page = sp & ~4095ul;
  // Below its strings there is nothing, and where it grows to neither.
  *(volatile u8 *)(page - 4096 + (s->rng >> 7 & 4095)) = 0;
  for (u64 at = page - 4096; at < sp; at++)
    if (*(volatile u8 *)at != 0 && slot != 0) leak(s, at, *(volatile u8 *)at, 0, STACK_MADE, 0);
  for (u64 at = page; at < STACK_TOP; at += 8) *(volatile u64 *)at = 0;
  CALL2(MUNMAP, STACK_TOP - 0x40000, 0x40000);
  if (slot == 0) init();
  u32 user = user_of(CALL0(GETEUID));
  s->class = C_USER + user;
  s->may = classes_of(user);
  // Its own text says whether it is the program that may only be executed.
  if (program_data[0] >> 4 == C_EXEC_ONLY) s->may |= 1u << C_EXEC_ONLY;
  s->brk0 = (u64)(CALL1(BRK, 0) + 4095) & ~4095ul;
  CALL1(BRK, s->brk0);
  for (u32 i = 0; i < AREAS; i++) s->areas[i].kind = NOTHING;
  s->heap.kind = NOTHING;
  s->steps = 30 + below(s, 120);
  work((u32)slot);
}
