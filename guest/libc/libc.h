// A C library small enough to read in one sitting. Every program in guest/ is
// this and nothing else: no dynamic linker, no start-up work, no hidden state.
//
// System calls return what the kernel returns: a result, or -errno.
#ifndef LIBC_H
#define LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE = 4096 };

// syscall.S: one `ecall` each, with riscv64 Linux numbers.
long read(int fd, void *buf, size_t n);
long write(int fd, const void *buf, size_t n);
void exit(int status) __attribute__((noreturn));
long getpid(void);
long fork(void);
long wait4(long pid, int *status, int options, void *rusage);
long kill(long pid, int signal);
void *brk(void *end); // returns the break in force: unchanged if refused
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long offset);
long munmap(void *addr, size_t len);
long mprotect(void *addr, size_t len, int prot);
long madvise(void *addr, size_t len, int advice);
long mincore(void *addr, size_t len, unsigned char *resident);

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };
enum { MADV_DONTNEED = 4 };
enum { SIGSEGV = 11 };

// True for the top 4095 values, where the kernel puts -errno.
static inline int is_error(const void *p) { return (uintptr_t)p > -4096UL; }

// signal.S: a handler gets the signal, what the kernel tells of it, and the
// registers it interrupted.
struct siginfo {
  int si_signo, si_errno, si_code;
  void *si_addr; // of a fault
};
struct sigaction {
  void (*handler)(int signal, struct siginfo *info, void *context);
  unsigned long flags, mask;
};
enum { SA_SIGINFO = 4 };
long rt_sigaction(int signal, const struct sigaction *new, struct sigaction *old, size_t size);

// string.c
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
long atol(const char *digits); // stops at the first character it cannot use

// print.c: %d %u %x %c %s %p %%, with `-`, `0`, a width, and `l` for 64 bits.
int puts(const char *s); // adds the newline
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

// malloc.c: a first-fit free list on brk.
void *malloc(size_t n);
void free(void *p);

// auxv.c: what the kernel says about the process, above envp on the stack.
unsigned long getauxval(char **envp, unsigned long type);
enum { AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_ENTRY = 9 };

#endif
