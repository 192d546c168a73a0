# The first call through a slot in text comes by here (fixups.c). As in plt.S, the
# caller thinks it has called the function: arguments are in a0-a7 and fa0-fa7, the
# return address in ra, and all of that must be the same when we get there.
#
#     in:  t0 = the slot's object
#          t3 = slot + 4: the slot's first word was `jal t3`
#
# What a fixup costs is what lies between first_fixup and first_fixup_end, both
# included, and the six instructions before: the slot's and the trampoline's. No
# system call is among them, so a process that runs alone counts exactly that.

        .hidden bind_fixup

        .equ    FRAME, 144              # 9 integers, 8 doubles, 16-byte aligned

        .text
        .globl  first_fixup
        .hidden first_fixup
        .type   first_fixup, @function
first_fixup:
        addi    sp, sp, -FRAME
        sd      ra, 0(sp)
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        sd      a\i, 8 + 8 * \i(sp)
        fsd     fa\i, 72 + 8 * \i(sp)
        .endr
        mv      a0, t0
        mv      a1, t3
        call    bind_fixup
        mv      t1, a0
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        ld      a\i, 8 + 8 * \i(sp)
        fld     fa\i, 72 + 8 * \i(sp)
        .endr
        ld      ra, 0(sp)
        addi    sp, sp, FRAME
        .globl  first_fixup_end
        .hidden first_fixup_end
first_fixup_end:                        # the last instruction of a run
        jr      t1
        .size   first_fixup, . - first_fixup

        .section .note.GNU-stack, "", @progbits
