# The first instruction of a dynamic program is not in the program: the kernel
# has mapped the linker it names (PT_INTERP) and starts here, as if this were a
# program with its own stack:
#
#     sp -> argc, argv[], NULL, envp[], NULL, auxv pairs up to AT_NULL
#
# A saved image (resident.c) is entered here too. It finds its data as they were
# saved, and a new stack: so nothing of the stack may be remembered.

        .hidden __ehdr_start
        .hidden _DYNAMIC
        .hidden link_program
        .hidden run_destructors

        .text
        .globl  _dl_start
        .type   _dl_start, @function
_dl_start:
        li      fp, 0                   # no caller: the frame chain ends here
        mv      a0, sp
        lla     a1, __ehdr_start        # where this file is
        lla     a2, _DYNAMIC
        call    link_program            # a0: the program's first instruction
        mv      t0, a0
        lla     a0, run_destructors     # for the program to call as it ends
        jr      t0
        .size   _dl_start, . - _dl_start

        .section .note.GNU-stack, "", @progbits
