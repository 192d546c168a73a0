// Resident programs, after Matthew Dillon (DragonFly, 2004): do all the work of
// linking once, let the kernel keep the memory that holds its result, and start
// the program from a copy of that.
//
//     LD_RESIDENT_REGISTER_NOW=1 program
//         load, relocate, copy  ->  ld_resident = 1  ->  exec_sys_register
//                                                              |
//                                          the kernel copies this address space
//     program                                                  |
//         exec: a copy of the copy, a new stack  <-------------+
//         _dl_start -> ld_resident is 1 -> constructors -> the program
//
// The flag is a variable of this file. It is set in the process that registers,
// saved with the rest, and read as 1 by all that start from the saved image.
//
// What that brings with it: constructors have not run yet, and run in each; the
// addresses are the same in each; LD_PRELOAD and LD_LIBRARY_PATH come too late;
// functions not bound when the image was saved are bound again by each process
// (register under LD_BIND_NOW to save that); and a library that is replaced on
// disk goes on living in the image.
//
// The status of a registering process is the system call's errno: the resident
// command reads it there. In DragonFly: libexec/rtld-elf/rtld.c,
// sys/kern/imgact_resident.c.
#include "ldso.h"

bool ld_resident;
uint64_t program_entry;

extern const char entry[] __asm__("_dl_start") __attribute__((visibility("hidden")));

static _Noreturn void leave_with(long result) {
  if (result == -ENOSYS)
    say("ld-pagewalk: this kernel keeps no resident programs\n");
  leave(is_error(result) ? (int)-result : 0);
}

void register_resident(void) {
  ld_resident = true;
  memset(&environment, 0, sizeof environment); // it is of whoever registers
  leave_with(syscall3(SYS_exec_sys_register, (long)entry, 0, 0));
}

// This program's image, whoever started it: the kernel knows it by its file.
void unregister_resident(void) {
  leave_with(syscall3(SYS_exec_sys_unregister, -1, 0, 0));
}
