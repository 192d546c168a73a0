# rt_sigaction(signal, new, old, size of a mask): what to do with a signal. When
# a handler returns it does so into the vDSO, which calls rt_sigreturn.

        .text
        .globl  rt_sigaction
        .type   rt_sigaction, @function
rt_sigaction:
        li      a7, 134
        ecall
        ret
        .size   rt_sigaction, . - rt_sigaction

        .section .note.GNU-stack, "", @progbits
