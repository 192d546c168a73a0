# How a program calls a library of this kind, whatever functions it has:
#
#     unsigned fix_count(void)                        how many
#     unsigned fix_pages(void)                        on how many pages of text
#     void *fix_text(void)                            where these begin
#     uint64_t fix_call(unsigned number, uint64_t x)
#
# The list holds distances, not addresses: nothing in it has to be relocated.

        .text
        .balign 4096
        .globl  fix_count, fix_pages, fix_text, fix_call
        .type   fix_count, @function
        .type   fix_pages, @function
        .type   fix_text, @function
        .type   fix_call, @function
fix_count:
        li      a0, FUNCTIONS
        ret
fix_pages:
        li      a0, PAGES
        ret
fix_text:
        lla     a0, function0
        ret
fix_call:
        lla     t0, functions
        slli    a0, a0, 2
        add     t0, t0, a0
        lw      t1, 0(t0)
        add     t1, t1, t0
        mv      a0, a1
        jr      t1

        .section .rodata
        .balign 4
functions:
        .set    number, 0
        .altmacro
        .macro  distance number
        .word   function\number - .
        .endm
        .rept   FUNCTIONS
        distance %number
        .set    number, number + 1
        .endr
        .noaltmacro
