// Signals: what a fault raises, what kill(2) sends, and what becomes of them.
//
//   send_sig          the signal is pending, and a sleeper wakes for it
//   force_sig_fault   the fault's own: it cannot be waited for, or survived, unhandled
//   do_signal         on the way back to user mode: a pending signal is
//                       A ignored     B deadly
//
// In Linux: kernel/signal.c force_sig_fault(), send_signal_locked(), get_signal();
// include/uapi/asm-generic/siginfo.h (6.12).
// Left out, in this first part: handlers, stopping.
import {
  Ev,
  HART_PC,
  TASK_SIGACTION,
  TASK_SIGINFO,
  TASK_SIGINFO_SIZE,
  TaskState,
} from "../abi";
import { emit } from "../log";
import { EINVAL, EPERM, ESRCH } from "./errno";
import { do_exit } from "./exit";
import {
  current,
  nr_task_slots,
  task_at,
  task_field,
  task_struct,
  try_to_wake_up,
} from "./sched";

export const SIGILL: u32 = 4;
export const SIGTRAP: u32 = 5;
export const SIGBUS: u32 = 7;
export const SIGFPE: u32 = 8;
export const SIGKILL: u32 = 9;
export const SIGSEGV: u32 = 11;
export const SIGPIPE: u32 = 13;
export const SIGCHLD: u32 = 17;

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
const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;
const SIG_IGN: u64 = 1;
const SA_NOCLDWAIT: u64 = 2;

// @nomark
function sigbit(signo: u32): u64 {
  return <u64>1 << (signo - 1);
}

/** { u64 handler, u64 flags, u64 mask } of a signal. */
// @nomark
export function sigaction_of(task: task_struct, signo: u32): usize {
  return task_field(task, TASK_SIGACTION) + <usize>(signo - 1) * 24;
}

/** What is told of a pending signal: see TASK_SIGINFO. */
// @nomark
export function siginfo_of(task: task_struct, signo: u32): usize {
  return task_field(task, TASK_SIGINFO) + <usize>(signo - 1) * TASK_SIGINFO_SIZE;
}

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

/** Is there a signal that the running task must deal with? */
// @nomark
export function signal_pending(task: task_struct): bool {
  return (task.pending & ~task.blocked) != 0;
}

/** Makes `signo` pending for `task`, from the kernel itself. */
export function send_sig(task: task_struct, signo: u32): void {
  send_signal(task, signo, SI_KERNEL, 0);
}

/** The same with who sent it. A second one while it is pending says nothing new. */
export function send_signal(task: task_struct, signo: u32, code: i32, from: u32): void {
  if (task.state == TaskState.unused || task.state == TaskState.dead) return;
  if (sig_ignored(task, signo)) return;
  if (task.pending & sigbit(signo)) return;
  const info = siginfo_of(task, signo);
  memory.fill(info, 0, TASK_SIGINFO_SIZE);
  store<i32>(info, code);
  store<u32>(info, from, 4);
  if (from != 0) store<u32>(info, current().uid, 8);
  task.pending |= sigbit(signo);
  if (signal_pending(task)) signal_wake_up(task, signo == SIGKILL);
}

/** A sleeper looks at its signals; only death wakes one that waits for an event. */
// @nomark
export function signal_wake_up(task: task_struct, kill: bool): void {
  if (task.state == TaskState.interruptible || kill) try_to_wake_up(task);
}

/** SIGCHLD: how `child` ended. */
export function send_sigchld(parent: task_struct, child: task_struct): void {
  const signo = child.parent_signal;
  const killed = child.exit_signal != 0;
  send_signal(parent, signo, killed ? CLD_KILLED : CLD_EXITED, child.pid);
  if ((parent.pending & sigbit(signo)) == 0) return;
  const status: u32 = killed ? child.exit_signal : child.exit_code;
  store<u32>(siginfo_of(parent, signo), status, 12);
}

/** Would it be thrown away on arrival? One that is blocked waits in any case. */
// @nomark
export function sig_ignored(task: task_struct, signo: u32): bool {
  if (task.blocked & sigbit(signo)) return false;
  const handler = load<u64>(sigaction_of(task, signo));
  return handler == SIG_IGN || (handler == 0 && sig_kernel_ignore(signo));
}

/** Does a parent not want to hear of its children's ends? */
// @nomark
export function ignores_children(parent: task_struct): bool {
  const action = sigaction_of(parent, SIGCHLD);
  return load<u64>(action) == SIG_IGN || (load<u64>(action, 8) & SA_NOCLDWAIT) != 0;
}

/** execve: handlers go with the program they were in; what is ignored stays ignored. */
// @nomark
export function flush_signal_handlers(task: task_struct): void {
  for (let signo: u32 = 1; signo <= 64; signo++) {
    const action = sigaction_of(task, signo);
    const ignored = load<u64>(action) == SIG_IGN;
    memory.fill(action, 0, 24);
    if (ignored) store<u64>(action, SIG_IGN);
  }
}

/** Takes the first pending signal that is not blocked and acts on it. */
export function do_signal(): void {
  const task = current();
  const signo = <u32>ctz(task.pending & ~task.blocked) + 1;
  task.pending &= ~sigbit(signo);
  if (sig_ignored(task, signo)) return; // A
  force_sig_fault(signo, load<i32>(siginfo_of(task, signo)), 0); // B
}

/** Signals whose default is to be ignored (SIGCHLD, SIGCONT, SIGURG, SIGWINCH). */
// @nomark
export function sig_kernel_ignore(signo: u32): bool {
  return signo == 17 || signo == 18 || signo == 23 || signo == 28;
}

/** May the running task send signals to `task`? */
// @nomark
function kill_ok_by_cred(task: task_struct): bool {
  const from = current();
  if (from.euid == 0) return true;
  const own = from.euid == task.suid || from.euid == task.uid;
  return own || from.uid == task.suid || from.uid == task.uid;
}

/**
 * kill(2): one process, the own group (0), everybody (-1), or a group (-pgid). With
 * `to_thread` tkill(2) and tgkill(2): exactly that one.
 */
export function sys_kill(pid: i32, signo: u32, to_thread: bool): i64 {
  if (signo > 64) return -EINVAL;
  if (to_thread && pid <= 0) return -EINVAL;
  let found = false;
  let allowed = false;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!kill_means(pid, task)) continue;
    found = true;
    if (!kill_ok_by_cred(task)) continue;
    allowed = true;
    if (signo == 0) continue;
    send_signal(task, signo, to_thread ? SI_TKILL : SI_USER, current().pid);
  }
  if (!found) return -ESRCH;
  return allowed ? 0 : -EPERM;
}

// @nomark
function kill_means(pid: i32, task: task_struct): bool {
  if (task.state == TaskState.unused || task.kthread != 0) return false;
  if (pid > 0) return task.pid == <u32>pid;
  if (pid == 0) return task.pgrp == current().pgrp;
  if (pid == -1) return task.pid != 1 && task.pid != current().pid;
  return task.pgrp == <u32>-pid;
}
