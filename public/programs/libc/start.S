# The first instruction of every program. exec has mapped the file and built
# the stack, but no page of the text is present: fetching `la` is the first fault.
#
# The stack as the kernel leaves it, sp at the bottom:
#
#     sp -> argc
#           argv[0] ... argv[argc-1], NULL
#           envp[0] ..., NULL
#           auxv: pairs (type, value), ending with AT_NULL

        .globl  _start
        .type   _start, @function
_start:
        .option push
        .option norelax                 # relaxing this would use gp to set gp
        la      gp, __global_pointer$   # data within 2 KiB of gp: one instruction
        .option pop
        li      fp, 0                   # no caller: the frame chain ends here
#if defined __PIC__ && !defined DYNAMIC   // else there is nothing left to relocate
        mv      s1, sp
        lla     a0, __ehdr_start        # where the file is: all our addresses
        lla     a1, _DYNAMIC            # are offsets from it until we relocate
        call    relocate
        mv      sp, s1
#endif
#ifdef DYNAMIC
        mv      s1, a0                  # what the dynamic linker wants to do last
#endif
        ld      a0, 0(sp)               # argc
        addi    a1, sp, 8               # argv
        slli    a2, a0, 3
        add     a2, a2, a1
        addi    a2, a2, 8               # envp: past argv and its NULL
        call    main
#ifdef DYNAMIC
        mv      s2, a0
        beqz    s1, 1f
        jalr    s1                      # the libraries' destructors, unless main
1:      mv      a0, s2                  # has called exit itself
#endif
        call    exit                    # main's result is the exit status
        .size   _start, . - _start

        .section .note.GNU-stack, "", @progbits   # the stack need not execute
