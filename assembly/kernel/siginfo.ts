// Signals by number and name, and the record of what is told about one.
//
//   kernel_siginfo   48 bytes, as a handler gets them (then zeros up to 128)
//
//      0 si_signo   4 si_errno   8 si_code   12 nothing
//     16 by kill       pid, uid                        SI_USER, SI_TKILL
//        by sigqueue   pid, uid, value                 SI_QUEUE and below
//        a child       pid, uid, status, utime, stime  CLD_*
//        a fault       the address                     SEGV_*, BUS_*, ILL_*, TRAP_*
//
// In Linux: include/uapi/asm-generic/signal.h, siginfo.h; include/linux/signal.h
// (6.12).
// Left out: what timers, SIGIO and SIGSYS would tell.
import { TASK_SIGACTION } from "../abi";
import { task_field, task_struct } from "./sched";

export const SIGHUP: u32 = 1;
export const SIGILL: u32 = 4;
export const SIGTRAP: u32 = 5;
export const SIGBUS: u32 = 7;
export const SIGFPE: u32 = 8;
export const SIGKILL: u32 = 9;
export const SIGSEGV: u32 = 11;
export const SIGPIPE: u32 = 13;
export const SIGALRM: u32 = 14;
export const SIGCHLD: u32 = 17;
export const SIGCONT: u32 = 18;
export const SIGSTOP: u32 = 19;
export const SIGXFSZ: u32 = 25;
export const SIGVTALRM: u32 = 26;
export const SIGPROF: u32 = 27;
/** The first of the kind that queues, as the kernel counts. */
export const SIGRTMIN: u32 = 32;
/** Signals are numbered from 1 to here. */
export const NSIG: u32 = 64;

/** si_code: sent by kill(2), by the kernel, by sigqueue(3), by tgkill(2). */
export const SI_USER: i32 = 0;
export const SI_KERNEL: i32 = 0x80;
export const SI_QUEUE: i32 = -1;
export const SI_TKILL: i32 = -6;
/** si_code of a fault: why. */
export const SEGV_MAPERR: i32 = 1;
export const SEGV_ACCERR: i32 = 2;
export const BUS_ADRALN: i32 = 1;
export const BUS_ADRERR: i32 = 2;
export const ILL_ILLOPC: i32 = 1;
export const TRAP_BRKPT: i32 = 1;
/** si_code of SIGCHLD: what became of the child. */
export const CLD_EXITED: i32 = 1;
export const CLD_KILLED: i32 = 2;
export const CLD_TRAPPED: i32 = 4;
export const CLD_STOPPED: i32 = 5;
export const CLD_CONTINUED: i32 = 6;

/** Where in the record it is. */
export const SI_AT_CODE: usize = 8;
export const SI_AT_PID: usize = 16;
export const SI_AT_UID: usize = 20;
export const SI_AT_STATUS: usize = 24;
export const SI_AT_UTIME: usize = 32;
export const SI_AT_STIME: usize = 40;
export const SI_AT_ADDR: usize = 16;
export const SIGINFO_KERNEL_SIZE: u64 = 48;
export const SIGINFO_SIZE: u64 = 128;

export const SIG_DFL: u64 = 0;
export const SIG_IGN: u64 = 1;

export const SA_NOCLDSTOP: u64 = 1;
export const SA_NOCLDWAIT: u64 = 2;
export const SA_ONSTACK: u64 = 0x08000000;
export const SA_RESTART: u64 = 0x10000000;
export const SA_NODEFER: u64 = 0x40000000;
export const SA_RESETHAND: u64 = 0x80000000;
/** The flags that exist, with SA_SIGINFO and SA_EXPOSE_TAGBITS. */
export const UAPI_SA_FLAGS: u64 = 0xd8000807;

// @nomark
export function sigmask(signo: u32): u64 {
  return <u64>1 << (signo - 1);
}

/** SIGKILL and SIGSTOP: nobody blocks, handles or ignores them. */
export const SIG_KERNEL_ONLY: u64 = 1 << 8 | 1 << 18;
/** Thrown away unless there is a handler. */
export const SIG_KERNEL_IGNORE: u64 = 1 << 16 | 1 << 17 | 1 << 22 | 1 << 27;
/** Stop the process unless there is a handler. */
export const SIG_KERNEL_STOP: u64 = 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21;
/** What an instruction can cause: they are delivered before all others. */
export const SYNCHRONOUS_MASK: u64 =
  1 << 10 | 1 << 6 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 30;
/** Those, and the others that would leave a core: QUIT, ABRT, XCPU, XFSZ. */
export const SIG_KERNEL_COREDUMP: u64 =
  SYNCHRONOUS_MASK | 1 << 2 | 1 << 5 | 1 << 23 | 1 << 24;

/** { u64 handler, u64 flags, u64 mask } of a signal. */
// @nomark
export function sigaction_of(task: task_struct, signo: u32): usize {
  return task_field(task, TASK_SIGACTION) + <usize>(signo - 1) * 24;
}

// @nomark
export function sig_handler(task: task_struct, signo: u32): u64 {
  return load<u64>(sigaction_of(task, signo));
}

// @nomark
export function sa_flags(task: task_struct, signo: u32): u64 {
  return load<u64>(sigaction_of(task, signo), 8);
}

// @nomark
export function sa_mask(task: task_struct, signo: u32): u64 {
  return load<u64>(sigaction_of(task, signo), 16);
}
