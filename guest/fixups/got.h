# The same library as an ordinary one: what the macros of pages.h stand for when
# functions are called through the procedure linkage table. Its slots are words of
# data, one for each function, whatever page calls it (guest/ldso/plt.c).

        .macro  page number
        .text
        .balign 4096
        .endm

        .macro  function number
        .balign 4
        .type   function\number, @function
function\number:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        .endm

        .macro  step page, name
        call    step_\name\()@plt
        .endm

        .macro  end
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret
        .endm

        .macro  slot page, name
        .endm

        .macro  tables_end
        .endm
