# System calls on files, as in syscall.S: a result or -errno. A directory file
# descriptor of AT_FDCWD (-100) means: paths begin where the process is.

#include "syscall.h"

        .text
        syscall getcwd, 17
        syscall dup3, 24
        syscall ioctl, 29
        syscall mkdirat, 34
        syscall unlinkat, 35
        syscall ftruncate, 46
        syscall faccessat, 48
        syscall openat, 56
        syscall close, 57
        syscall pipe2, 59
        syscall getdents64, 61
        syscall lseek, 62
        syscall pread64, 67
        syscall pwrite64, 68
        syscall readlinkat, 78
        syscall newfstatat, 79
        syscall fstat, 80
        syscall sync, 81
        syscall fsync, 82
        syscall readahead, 213
        syscall fadvise64, 223
        syscall renameat2, 276

        .section .note.GNU-stack, "", @progbits
