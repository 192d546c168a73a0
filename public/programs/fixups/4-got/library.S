# The pages of libfix4.so, with their calls through the procedure linkage table.

#include "got.h"
#include "pages.h" // gen.mjs has written it
#include "entry.h"

        tables_end

        .section .note.GNU-stack, "", @progbits
