# libfix4.so: 32 pages of text, 4 fixups on each.

#include "text.h"
#include "pages.h" // gen.mjs has written it
#include "entry.h"

        tables_end

        .section .note.GNU-stack, "", @progbits
