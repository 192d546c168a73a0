# Two programs. The caller fills its registers and becomes the other one, which writes down what
# it finds: x0 to x31, f0 to f31, fcsr.
        .globl  _start
_start:
#ifdef CALLER
        li      a0, 7
        fcvt.d.l f9, a0
        fsflagsi 3
        la      a0, path
        la      a1, argv
        li      a2, 0
        .irp    r, 1, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16
        li      x\r, 0x1100 + \r
        .endr
        .irp    r, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        li      x\r, 0x1100 + \r
        .endr
        li      a7, 221
        ecall
        ebreak
        .data
path:   .asciz  "/callee"
        .align  3
argv:   .dword  path, 0
#else
        .option norelax
        sd      t0, -8(sp)
        la      t0, found
        .irp    r, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
        sd      x\r, 8 * \r(t0)
        .endr
        .irp    r, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        sd      x\r, 8 * \r(t0)
        .endr
        .irp    r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        fsd     f\r, 256 + 8 * \r(t0)
        .endr
        .irp    r, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        fsd     f\r, 256 + 8 * \r(t0)
        .endr
        frcsr   t1
        sd      t1, 512(t0)
        ld      t1, -8(sp)
        sd      t1, 40(t0)
        li      a0, 1
        mv      a1, t0
        li      a2, 520
        li      a7, 64
        ecall
        li      a0, 0
        li      a7, 94
        ecall
        .bss
        .align  3
found:  .skip   520
#endif
