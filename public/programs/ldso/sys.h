// System calls, made here: the linker cannot call a libc that it has yet to
// load. Each returns what the kernel returns: a result, or -errno.
#ifndef LDSO_SYS_H
#define LDSO_SYS_H

#include <stddef.h>
#include <stdint.h>

// `ecall` with the number in a7 and the arguments in a0 to a5.
static inline long syscall(long number, long a, long b, long c, long d, long e,
                           long f) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d, a4 __asm__("a4") = e, a5 __asm__("a5") = f;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                   : "memory");
  return a0;
}
static inline long syscall3(long number, long a, long b, long c) {
  return syscall(number, a, b, c, 0, 0, 0);
}

enum {
  SYS_mkdirat = 34,
  SYS_faccessat = 48,
  SYS_openat = 56,
  SYS_close = 57,
  SYS_read = 63,
  SYS_write = 64,
  SYS_pread64 = 67,
  SYS_readlinkat = 78,
  SYS_fstat = 80,
  SYS_exit_group = 94,
  SYS_getpid = 172,
  SYS_getuid = 174,
  SYS_geteuid = 175,
  SYS_getgid = 176,
  SYS_getegid = 177,
  SYS_munmap = 215,
  SYS_mmap = 222,
  SYS_mprotect = 226,
  SYS_madvise = 233,
  SYS_riscv_hwprobe = 258,
  SYS_renameat2 = 276,
  SYS_getrandom = 278,
  // Pagewalk's own, ENOSYS where their proposal is off.
  SYS_exec_sys_register = 600,
  SYS_exec_sys_unregister = 601,
  SYS_madvise_bitmap = 602,
};

enum { AT_FDCWD = -100 };
enum {
  O_RDONLY = 0,
  O_WRONLY = 1,
  O_CREAT = 0100,
  O_TRUNC = 01000,
  O_CLOEXEC = 02000000
};
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum {
  MAP_PRIVATE = 2,
  MAP_FIXED = 0x10,
  MAP_ANONYMOUS = 0x20,
  MAP_FIXED_NOREPLACE = 0x100000,
  MAP_SCRATCH = 0x08000000, // Pagewalk's own, ignored where its proposal is off
};
enum { MADV_WILLNEED = 3 };
enum { ENOENT = 2, ENOSYS = 38 };

struct stat { // asm-generic's, 128 bytes
  uint64_t dev, ino;
  uint32_t mode, nlink, uid, gid;
  uint64_t rdev, pad1;
  int64_t size;
  int32_t blksize, pad2;
  int64_t blocks, atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
  uint32_t unused[2];
};

static inline long open_file(const char *path, int flags, int mode) {
  return syscall(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}
static inline long rename_file(const char *from, const char *to) {
  return syscall(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0, 0);
}
static inline long close_file(int fd) { return syscall3(SYS_close, fd, 0, 0); }
static inline long read_at(int fd, void *to, size_t n, uint64_t offset) {
  return syscall(SYS_pread64, fd, (long)to, (long)n, (long)offset, 0, 0);
}
static inline long write_some(int fd, const void *from, size_t n) {
  return syscall3(SYS_write, fd, (long)from, (long)n);
}
static inline long file_status(int fd, struct stat *s) {
  return syscall3(SYS_fstat, fd, (long)s, 0);
}
static inline long map(uint64_t at, size_t n, int prot, int flags, int fd,
                       uint64_t offset) {
  return syscall(SYS_mmap, (long)at, (long)n, prot, flags, fd, (long)offset);
}
static inline long protect(uint64_t at, size_t n, int prot) {
  return syscall3(SYS_mprotect, (long)at, (long)n, prot);
}
static inline _Noreturn void leave(int status) {
  for (;;)
    syscall3(SYS_exit_group, status, 0, 0);
}

// The kernel puts -errno into the top 4095 values.
static inline int is_error(long result) { return (unsigned long)result > -4096UL; }

#endif
