// Signals: how one is sent, and what becomes of it on the way back to user mode.
//
//   kill, sigqueue      a process or a group    --+
//   the kernel itself   SIGCHLD, SIGPIPE, ...   --+--> pending --> get_signal
//   a fault             the thread, by force    --+
//
//   sent:       A ignored, not blocked: thrown away     B blocked: it waits
//               C deadly: the process is ending, whatever else waits
//               D a sleeper that may be disturbed wakes
//   delivered:  E ignored    F a handler, see sigframe.ts
//               G stops the process, see job_control.ts    H ends it
//               P a traced process stops first, see ptrace.ts
//
// Force means that the fault's signal is not to be blocked or ignored: if it is, the
// default is put back, and the process ends. Its instruction would only fault again.
//
// In Linux: kernel/signal.c __send_signal_locked(), complete_signal(),
// force_sig_info_to_task(), dequeue_signal(), get_signal() (6.12).
// Left out: core dumps, signalfd; process 1 has no protection here.
import {
  Ev,
  HART_PC,
  KBUF,
  TaskState,
} from "../abi";
import { emit } from "../log";
import { EAGAIN } from "./errno";
import { do_exit } from "./exit";
import { posixtimer_rearm_itimer } from "./itimer";
import {
  continue_task,
  do_signal_stop,
  notify_continued,
  stop_is_ignored,
} from "./job_control";
import {
  NOT_RESUMED,
  ptrace_obey_stop,
  ptrace_resumed_signal,
  ptrace_signal,
  ptrace_work,
  tracer_of,
} from "./ptrace";
import {
  current,
  fatal_signal_pending,
  task_struct,
  try_to_wake_up,
} from "./sched";
import {
  SA_RESETHAND,
  SI_AT_ADDR,
  SI_AT_CODE,
  SI_AT_PID,
  SI_AT_STATUS,
  SI_AT_UID,
  SI_KERNEL,
  SI_USER,
  SIGALRM,
  SIGCONT,
  SIGINFO_KERNEL_SIZE,
  SIGKILL,
  SIGRTMIN,
  SIGSEGV,
  SIG_DFL,
  SIG_IGN,
  SIG_KERNEL_COREDUMP,
  SIG_KERNEL_IGNORE,
  SIG_KERNEL_ONLY,
  SIG_KERNEL_STOP,
  SYNCHRONOUS_MASK,
  sa_flags,
  sig_handler,
  sigaction_of,
  sigmask,
} from "./siginfo";
import {
  SIGNAL_CLD_CONTINUED,
  SIGNAL_GROUP_EXIT,
  collect_signal,
  flush_sigqueue_mask,
  legacy_queue,
  next_signal,
  next_synchronous,
  pending_set,
  signal_of,
  sigpending_add,
  sigqueue_alloc,
  sigqueue_find,
  sigqueue_info,
} from "./sigqueue";

/** A kernel_siginfo on its way out. */
const INFO: usize = KBUF + 0x800;
/** The one of the signal that get_signal has found. */
export const KSIG_INFO: usize = KBUF + 0x840;
/** What the program wants done with it: handler, sa_flags, sa_mask. */
export const KSIG_ACTION: usize = KBUF + 0x870;

/** Is there a signal that the running task must deal with? */
// @nomark
export function signal_pending(task: task_struct): bool {
  return ((task.pending | signal_of(task).shared_pending) & ~task.blocked) != 0;
}

/** Has it something to do before it goes on in user mode? */
// @nomark
export function signal_work(task: task_struct): bool {
  const told = (signal_of(task).flags & SIGNAL_CLD_CONTINUED) == 0;
  return signal_pending(task) || !told || ptrace_work(task);
}

/** Changes what is held back; SIGKILL and SIGSTOP never are. */
// @nomark
export function set_current_blocked(mask: u64): void {
  current().blocked = mask & ~SIG_KERNEL_ONLY;
}

/** An empty kernel_siginfo. => where it is, until the next one is begun. */
// @nomark
export function new_siginfo(signo: u32, code: i32): usize {
  memory.fill(INFO, 0, <usize>SIGINFO_KERNEL_SIZE);
  store<u32>(INFO, signo);
  store<i32>(INFO, code, SI_AT_CODE);
  return INFO;
}

/** One that says who sends it: the running process. */
// @nomark
export function prepare_kill_siginfo(signo: u32, code: i32): usize {
  const info = new_siginfo(signo, code);
  store<u32>(info, current().pid, SI_AT_PID);
  store<u32>(info, current().uid, SI_AT_UID);
  return info;
}

/** To a thread, in the name of the running process: SIGPIPE for what it just did. */
// @nomark
export function send_sig(task: task_struct, signo: u32): void {
  send_signal_locked(task, signo, prepare_kill_siginfo(signo, SI_USER), false);
}

/**
 * Sends a signal with what is told of it, to the process (`shared`) or the thread.
 * => 0, or -EAGAIN: there is no room for something that may not get lost.
 */
export function send_signal_locked(
  task: task_struct, signo: u32, info: usize, shared: bool,
): i64 {
  if (task.state == TaskState.unused || task.state == TaskState.dead) return 0;
  if (!prepare_signal(task, signo)) return 0; // A
  if (legacy_queue(pending_set(task, shared), signo)) return 0;
  const pending_before = signal_pending(task);
  let q: u32 = 0;
  const code = load<i32>(info, SI_AT_CODE);
  // Nobody will look at what is told of SIGKILL.
  if (signo != SIGKILL) {
    q = sigqueue_alloc(task, signo < SIGRTMIN && code >= 0);
    if (q == 0 && signo >= SIGRTMIN && code != SI_USER) return -EAGAIN;
  }
  if (q != 0) memory.copy(sigqueue_info(q), info, <usize>SIGINFO_KERNEL_SIZE);
  sigpending_add(task, shared, signo, q);
  complete_signal(task, signo, pending_before);
  return 0;
}

/**
 * Stop and continue cancel each other, whether or not they are blocked or handled.
 * => false when the signal is to be thrown away.
 */
function prepare_signal(task: task_struct, signo: u32): bool {
  if (signal_of(task).flags & SIGNAL_GROUP_EXIT) return false;
  if (sigmask(signo) & SIG_KERNEL_STOP) {
    flush_sigqueue_mask(task, sigmask(SIGCONT));
  } else if (signo == SIGCONT) {
    flush_sigqueue_mask(task, SIG_KERNEL_STOP);
    continue_task(task);
  }
  return !sig_ignored(task, signo);
}

/** C, D: whoever must act on it at once. `disturbed`: it had one to act on before. */
function complete_signal(task: task_struct, signo: u32, disturbed: bool): void {
  const mask = sigmask(signo);
  if (task.blocked & mask) return; // B
  const stopped =
    task.state == TaskState.stopped || task.state == TaskState.traced;
  const busy = disturbed && changetype<usize>(task) != changetype<usize>(current());
  if (signo != SIGKILL && (stopped || busy)) return;
  const signal = signal_of(task);
  const spared = signo != SIGKILL && tracer_of(task) != null;
  const deadly =
    !spared && sig_fatal(task, signo) && (mask & SIG_KERNEL_COREDUMP) == 0;
  if (deadly && (signal.real_blocked & mask) == 0) {
    // C
    signal.flags = SIGNAL_GROUP_EXIT;
    signal.group_exit_code = signo;
    task.pending |= sigmask(SIGKILL);
  }
  signal_wake_up(task, fatal_signal_pending(task)); // D
}

/** Is its default, and what it will do here, to end the process? */
// @nomark
function sig_fatal(task: task_struct, signo: u32): bool {
  if (sigmask(signo) & (SIG_KERNEL_IGNORE | SIG_KERNEL_STOP)) return false;
  return sig_handler(task, signo) == SIG_DFL;
}

/** A sleeper looks at its signals; only death wakes one that is not to be disturbed. */
// @nomark
export function signal_wake_up(task: task_struct, kill: bool): void {
  if (task.state == TaskState.interruptible || kill) try_to_wake_up(task);
  if (!kill) return;
  const state = task.state;
  const held = state == TaskState.stopped || state == TaskState.traced;
  if (held) task.state = TaskState.running;
}

/**
 * Would it be thrown away on arrival? One that is blocked waits in any case, and a
 * tracer is told of all.
 */
// @nomark
export function sig_ignored(task: task_struct, signo: u32): bool {
  if (signo != SIGKILL && tracer_of(task) != null) return false;
  const held = task.blocked | signal_of(task).real_blocked;
  return (held & sigmask(signo)) == 0 && sig_handler_ignored(task, signo);
}

/** Is it ignored, by wish or by default? */
// @nomark
export function sig_handler_ignored(task: task_struct, signo: u32): bool {
  const handler = sig_handler(task, signo);
  if (handler == SIG_IGN) return true;
  return handler == SIG_DFL && (sigmask(signo) & SIG_KERNEL_IGNORE) != 0;
}

/** The running program has faulted: `signo`, which it cannot put off. */
export function force_sig_fault(signo: u32, si_code: i32, si_addr: u64): void {
  const info = new_siginfo(signo, si_code);
  store<u64>(info, si_addr, SI_AT_ADDR);
  force_sig_info_to_task(info, false);
}

/** The kernel cannot let the program go on as it is. */
// @nomark
export function force_sig(signo: u32): void {
  force_sig_info_to_task(new_siginfo(signo, SI_KERNEL), false);
}

/** The same, and no handler will be asked. */
// @nomark
export function force_fatal_sig(signo: u32): void {
  force_sig_info_to_task(new_siginfo(signo, SI_KERNEL), true);
}

/** The frame of a handler for `signo` could not be written. */
// @nomark
export function force_sigsegv(signo: u32): void {
  if (signo == SIGSEGV) force_fatal_sig(SIGSEGV);
  else force_sig(SIGSEGV);
}

/** To the running task; blocked, ignored or `fatal`, the default is put back first. */
export function force_sig_info_to_task(info: usize, fatal: bool): void {
  const task = current();
  const signo = load<u32>(info);
  const blocked = (task.blocked & sigmask(signo)) != 0;
  if (blocked || fatal || sig_handler(task, signo) == SIG_IGN) {
    store<u64>(sigaction_of(task, signo), SIG_DFL);
    task.blocked &= ~sigmask(signo);
  }
  send_signal_locked(task, signo, info, false);
}

/** execve: handlers go with the program they were in; what is ignored stays ignored. */
// @nomark
export function flush_signal_handlers(task: task_struct): void {
  for (let signo: u32 = 1; signo <= 64; signo++) {
    const ignored = sig_handler(task, signo) == SIG_IGN;
    memory.fill(sigaction_of(task, signo), 0, 24);
    if (ignored) store<u64>(sigaction_of(task, signo), SIG_IGN);
  }
}

/**
 * Takes the next signal that `mask` does not hold back: the thread's before the
 * process's. What is told of it goes to `info`.
 * => its number, or 0.
 */
export function dequeue_signal(task: task_struct, mask: u64, info: usize): u32 {
  let shared = false;
  let signo = next_signal(task.pending & ~mask);
  if (signo == 0) {
    shared = true;
    signo = next_signal(signal_of(task).shared_pending & ~mask);
  }
  if (signo == 0) return 0;
  collect_signal(task, shared, signo, info);
  if (shared && signo == SIGALRM) posixtimer_rearm_itimer(task);
  return signo;
}

/** A fault's own signal comes before all that others sent. => its number, or 0. */
// @nomark
function dequeue_synchronous_signal(task: task_struct): u32 {
  const signo = next_synchronous(task);
  if (signo != 0) collect_signal(task, false, signo, KSIG_INFO);
  return signo;
}

/**
 * Acts on the signals that wait, up to the first one that has a handler.
 * => its number, with KSIG_INFO and KSIG_ACTION; 0 when there is none, or the task has
 * stopped or ended.
 */
export function get_signal(): u32 {
  const task = current();
  notify_continued(task);
  while (true) {
    if (signal_of(task).flags & SIGNAL_GROUP_EXIT) return end_by_group_exit(task); // C
    if (ptrace_obey_stop(task)) return 0;
    let signo = ptrace_resumed_signal(task, KSIG_INFO);
    if (signo == NOT_RESUMED) {
      signo = dequeue_synchronous_signal(task);
      if (signo == 0) signo = dequeue_signal(task, task.blocked, KSIG_INFO);
      if (signo == 0) return 0;
      if (tracer_of(task) != null && signo != SIGKILL) {
        // P
        ptrace_signal(task, KSIG_INFO);
        return 0;
      }
    }
    if (signo == 0) continue;
    const handler = sig_handler(task, signo);
    if (handler == SIG_IGN) continue; // E
    if (handler != SIG_DFL) {
      // F
      const action = sigaction_of(task, signo);
      memory.copy(KSIG_ACTION, action, 24);
      if (sa_flags(task, signo) & SA_RESETHAND) store<u64>(action, SIG_DFL);
      return signo;
    }
    if (sigmask(signo) & SIG_KERNEL_IGNORE) continue; // E
    if (sigmask(signo) & SIG_KERNEL_STOP) {
      if (stop_is_ignored(task, signo)) continue;
      do_signal_stop(task, signo); // G
      return 0;
    }
    do_group_exit(task, signo, KSIG_INFO); // H
    return 0;
  }
}

/** C: the deadly signal may still be in its queue, or was SIGKILL. */
function end_by_group_exit(task: task_struct): u32 {
  const signo = signal_of(task).group_exit_code;
  let q = sigqueue_find(task, false, signo);
  if (q == 0) q = sigqueue_find(task, true, signo);
  do_group_exit(task, signo, q != 0 ? sigqueue_info(q) : new_siginfo(signo, SI_USER));
  return 0;
}

/** The process ends by `signo`; the log is told why. */
function do_group_exit(task: task_struct, signo: u32, info: usize): void {
  task.exit_signal = signo;
  task.si_code = load<i32>(info, SI_AT_CODE);
  task.si_addr = is_fault(info) ? load<u64>(info, SI_AT_ADDR) : 0;
  log_signal(Ev.Signal, task, info, load<u64>(HART_PC));
  do_exit(0);
}

/** Only a fault has an address in its siginfo; from others it is who sent it. */
// @nomark
function is_fault(info: usize): bool {
  const code = load<i32>(info, SI_AT_CODE);
  if (code <= 0 || code == SI_KERNEL) return false;
  return (sigmask(load<u32>(info)) & SYNCHRONOUS_MASK) != 0;
}

/** One of the two events of a signal; see Ev for what they hold. */
// @nomark
export function log_signal(kind: Ev, task: task_struct, info: usize, where: u64): void {
  const code = load<u32>(info, SI_AT_CODE);
  const what = <u64>load<u32>(info) | (<u64>task.pid << 8) | (<u64>code << 32);
  let told = load<u64>(info, SI_AT_ADDR);
  if (!is_fault(info)) {
    told &= 0xffffffffffff;
    told |= <u64>load<u16>(info, SI_AT_STATUS) << 48;
  }
  emit(kind, what, told, where);
}
