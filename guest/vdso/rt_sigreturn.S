// Where a signal handler returns to. Unwinders know a signal frame by these two
// instructions.
.text
.global __vdso_rt_sigreturn
.type __vdso_rt_sigreturn, @function
__vdso_rt_sigreturn:
  li a7, 139
  ecall
.size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn
