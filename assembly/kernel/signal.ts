// Signals, as far as a fault raises them: without handlers, each of these is death, and
// what remains of the process is the signal's number, its code and its address.
//
// In Linux: kernel/signal.c force_sig_fault(), include/uapi/asm-generic/siginfo.h
// (6.12).
// Left out, in this first part: handlers, masks, pending signals.
import { Ev, HART_PC } from "../abi";
import { emit } from "../log";
import { do_exit } from "./exit";
import { current } from "./sched";

export const SIGILL: u32 = 4;
export const SIGTRAP: u32 = 5;
export const SIGBUS: u32 = 7;
export const SIGFPE: u32 = 8;
export const SIGKILL: u32 = 9;
export const SIGSEGV: u32 = 11;

export const SEGV_MAPERR: i32 = 1;
export const SEGV_ACCERR: i32 = 2;
export const BUS_ADRALN: i32 = 1;
export const BUS_ADRERR: i32 = 2;
export const ILL_ILLOPC: i32 = 1;
export const TRAP_BRKPT: i32 = 1;
/** Sent by the kernel itself, with no fault behind it. */
export const SI_KERNEL: i32 = 0x80;
/** Sent by kill(2), and by tgkill(2). */
export const SI_USER: i32 = 0;
export const SI_TKILL: i32 = -6;

/** The running process dies of `signo`; it does not come back from this. */
export function force_sig_fault(signo: u32, si_code: i32, si_addr: u64): void {
  const task = current();
  task.exit_signal = signo;
  task.si_code = si_code;
  task.si_addr = si_addr;
  const what = <u64>signo | (<u64>(<u32>si_code) << 32);
  emit(Ev.Signal, what, si_addr, load<u64>(HART_PC));
  do_exit(0);
}

/** Signals whose default is to be ignored (SIGCHLD, SIGCONT, SIGURG, SIGWINCH). */
// @nomark
export function sig_kernel_ignore(signo: u32): bool {
  return signo == 17 || signo == 18 || signo == 23 || signo == 28;
}
