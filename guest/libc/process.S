# System calls on processes and the clock, as in syscall.S, and one for every
# call that has no function of its own.

#include "syscall.h"

        .text
        syscall clock_gettime, 113
        syscall getppid, 173
        syscall getuid, 174
        syscall geteuid, 175
        syscall execve, 221

# syscall(number, up to six arguments): each argument moves down one register.
        .globl  syscall
        .type   syscall, @function
syscall:
        mv      a7, a0
        mv      a0, a1
        mv      a1, a2
        mv      a2, a3
        mv      a3, a4
        mv      a4, a5
        mv      a5, a6
        ecall
        ret
        .size   syscall, . - syscall

        .section .note.GNU-stack, "", @progbits
