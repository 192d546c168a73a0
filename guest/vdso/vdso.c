// The vDSO's functions: what a program may ask the kernel without entering it. The clock
// is a counter that user mode reads itself; what turns its ticks into time lies in
// vdso_data. All else is passed on as the system call it stands for.
//
// In Linux: lib/vdso/gettimeofday.c, arch/riscv/kernel/vdso/.
#include "vdso_data.h"

#define NR_clock_gettime 113
#define NR_clock_getres 114
#define NR_getcpu 168
#define NR_riscv_hwprobe 258
#define NR_riscv_flush_icache 259

#define CLOCK_REALTIME 0
#define CLOCK_BOOTTIME 7
#define NSEC_PER_SEC 1000000000UL

// Realtime 0, monotonic 1, raw 4, realtime coarse 5, monotonic coarse 6, boottime 7.
#define CLOCKS 0xf3u
#define CLOCKS_OF_THE_DAY 0x21u

struct timespec {
  long tv_sec;
  long tv_nsec;
};

struct riscv_hwprobe {
  long key;
  unsigned long value;
};

static long syscall5(long nr, long a, long b, long c, long d, long e) {
  register long a7 asm("a7") = nr;
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  register long a3 asm("a3") = d;
  register long a4 asm("a4") = e;
  asm volatile("ecall"
               : "+r"(a0)
               : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
               : "memory");
  return a0;
}

// Is it one of the clocks that are made of the counter?
static int counted(int clock, unsigned which) {
  return (unsigned)clock <= CLOCK_BOOTTIME && (which >> clock & 1);
}

static unsigned long nanoseconds_since_boot(void) {
  unsigned long ticks;
  asm volatile("rdtime %0" : "=r"(ticks));
  return ticks * vdso_data.ns_per_tick;
}

int __vdso_clock_gettime(int clock, struct timespec *ts) {
  if (!counted(clock, CLOCKS))
    return syscall5(NR_clock_gettime, clock, (long)ts, 0, 0, 0);
  unsigned long ns = nanoseconds_since_boot();
  unsigned long base = counted(clock, CLOCKS_OF_THE_DAY) ? vdso_data.epoch : 0;
  ts->tv_sec = base + ns / NSEC_PER_SEC;
  ts->tv_nsec = ns % NSEC_PER_SEC;
  return 0;
}

int __vdso_gettimeofday(struct timespec *tv, int *tz) {
  if (tv) {
    __vdso_clock_gettime(CLOCK_REALTIME, tv);
    tv->tv_nsec /= 1000;
  }
  if (tz)
    tz[0] = tz[1] = 0;
  return 0;
}

int __vdso_clock_getres(int clock, struct timespec *res) {
  if (!counted(clock, CLOCKS))
    return syscall5(NR_clock_getres, clock, (long)res, 0, 0, 0);
  unsigned long ns = vdso_data.hrtimer_res;
  if (res) {
    res->tv_sec = 0;
    res->tv_nsec = ns;
  }
  return 0;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused) {
  return syscall5(NR_getcpu, (long)cpu, (long)node, (long)unused, 0, 0);
}

long __vdso_flush_icache(void *start, void *end, unsigned long flags) {
  return syscall5(NR_riscv_flush_icache, (long)start, (long)end, flags, 0, 0);
}

// A question about all processors is answered from vdso_data, any other by the kernel.
int __vdso_riscv_hwprobe(struct riscv_hwprobe *pairs, unsigned long count,
                         unsigned long cpusetsize, unsigned long *cpus, unsigned flags) {
  if (flags != 0 || cpusetsize != 0 || cpus)
    return syscall5(NR_riscv_hwprobe, (long)pairs, count, cpusetsize, (long)cpus, flags);
  for (unsigned long i = 0; i < count; i++) {
    if ((unsigned long)pairs[i].key < HWPROBE_KEYS) {
      pairs[i].value = vdso_data.hwprobe[pairs[i].key];
    } else {
      pairs[i].key = -1;
      pairs[i].value = 0;
    }
  }
  return 0;
}
