# System calls: the number in a7, arguments in a0 to a5, where C has put them
# already; the result, or -errno, comes back in a0. `ecall` traps as a page
# fault does, only on purpose. Numbers: include/uapi/asm-generic/unistd.h.

#include "syscall.h"

        .text
        syscall read, 63
        syscall write, 64
        syscall exit, 94                # exit_group: does not come back
        syscall kill, 129
        syscall getpid, 172
        syscall brk, 214
        syscall munmap, 215
        syscall clone, 220
        syscall mmap, 222
        syscall mprotect, 226
        syscall mincore, 232
        syscall madvise, 233
        syscall wait4, 260

# riscv64 Linux has no fork: it is a clone that shares nothing.
        .globl  fork
        .type   fork, @function
fork:   li      a0, 17                  # SIGCHLD when the child ends
        li      a1, 0                   # on a copy of this stack
        j       .Lclone                 # ours, whoever else defines a clone
        .size   fork, . - fork

        .section .note.GNU-stack, "", @progbits
