# What every system call looks like; `.Lname` is the same for callers in its file.

        .macro  syscall name, number
        .globl  \name
        .type   \name, @function
\name:
.L\name: li     a7, \number
        ecall
        ret
        .size   \name, . - \name
        .endm
