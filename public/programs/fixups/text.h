# A library whose functions call others through slots in text: what the macros of
# pages.h stand for. The dynamic linker's guest/ldso/fixups.c says what happens to a
# slot, and why it has this form.

# A page of text. Code beyond what we put there would be the library's own work.
        .macro  page number
        .text
        .balign 4096
        .endm

# A function calls its steps one after the other, each with the result of the one
# before.
        .macro  function number
        .balign 4
        .type   function\number, @function
function\number:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        .endm

        .macro  step page, name
        jal     ra, fix\page\().\name
        .endm

        .macro  end
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret
        .endm

# A slot: 8 bytes, aligned, two whole instructions of 4 bytes, on the page of its
# callers; and its line in the table.
        .macro  slot page, name
        .balign 8
        .option push
        .option norvc
fix\page\().\name:
        jal     t3, trampoline          # t3 tells the slot
        jal     x0, fix\page\().\name
        .option pop
        .pushsection .fixups, "a"
        .word   fix\page\().\name - .
        .word   name.\name - .
        .popsection
        .ifndef name.\name
        .pushsection .fixups.names, "a"
name.\name:
        .asciz  "step_\name"
        .popsection
        .endif
        .endm

        .option norelax                 # what is aligned stays so
        .section .fixups, "a"
        .balign 4
fixup_table:
        .section .fixups.names, "a"
fixup_names:

# The way out of the library: two words that the dynamic linker writes at the start.
        .data
        .balign 8
hook:   .dword  0                       # where to go
        .dword  0                       # the number we are known by there

        .text
        .balign 4096
        .type   trampoline, @function
trampoline:
        lla     t1, hook
        ld      t0, 8(t1)
        ld      t1, 0(t1)
        jr      t1

# By this note the dynamic linker finds all that: five distances.
        .section .note.pagewalk.fixups, "a", @note
        .balign 4
        .word   2f - 1f, 4f - 3f, 1     # lengths of name and content, type
1:      .asciz  "Pagewalk"
2:      .balign 4
3:      .word   fixup_table - ., fixup_table_end - .
        .word   fixup_names - ., fixup_names_end - .
        .word   hook - .
4:

        .macro  tables_end
        .section .fixups, "a"
fixup_table_end:
        .section .fixups.names, "a"
fixup_names_end:
        .endm
