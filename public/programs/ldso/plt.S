# The first call of a function through its PLT entry comes by here. The caller
# thinks it has called the function: arguments are in a0-a7 and fa0-fa7, the
# return address in ra. All of that must be the same when we get there.
#
#     in:  t0 = got[1], the caller's object      (psABI, "Program linkage table")
#          t1 = 8 * index of its slot

        .hidden bind_call

        .equ    FRAME, 144              # 9 integers, 8 doubles, 16-byte aligned

        .text
        .globl  first_call
        .hidden first_call
        .type   first_call, @function
first_call:
        addi    sp, sp, -FRAME
        sd      ra, 0(sp)
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        sd      a\i, 8 + 8 * \i(sp)
        fsd     fa\i, 72 + 8 * \i(sp)
        .endr
        mv      a0, t0
        mv      a1, t1
        call    bind_call
        mv      t1, a0
        .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
        ld      a\i, 8 + 8 * \i(sp)
        fld     fa\i, 72 + 8 * \i(sp)
        .endr
        ld      ra, 0(sp)
        addi    sp, sp, FRAME
        jr      t1
        .size   first_call, . - first_call

        .section .note.GNU-stack, "", @progbits
