// Stop and continue: a process that is neither running nor sleeping until it is told.
//
//             SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
//   running --------------------------------------> stopped     parent: CLD_STOPPED
//           <--------------------------------------
//                  SIGCONT, or SIGKILL                          parent: CLD_CONTINUED
//
//   A  continue    when SIGCONT is sent, whether or not it is handled or blocked; its
//                  handler runs afterwards
//   B  orphaned    a group whose parents are all in it, or in another session: nobody
//                  is there to continue it, so the terminal's stops are ignored
//   C  left alone  a group becomes orphaned with stopped processes in it: they get
//                  SIGHUP and SIGCONT
//
// In Linux: kernel/signal.c do_signal_stop(), prepare_signal(),
// do_notify_parent_cldstop(); kernel/exit.c will_become_orphaned_pgrp() (6.12).
// Left out: threads, terminals. Stops of a traced process: ptrace.ts.
import { TaskState, WaitKind } from "../abi";
import { Cost, cost } from "../hw/clock";
import { ptrace_group_stop, tracer_of } from "./ptrace";
import {
  account_instret,
  nr_task_slots,
  task_at,
  task_struct,
  wake_up,
} from "./sched";
import {
  CLD_CONTINUED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SI_AT_PID,
  SI_AT_STATUS,
  SI_AT_UID,
  SI_AT_UTIME,
  SI_KERNEL,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGSTOP,
  SIG_IGN,
  sa_flags,
  sig_handler,
} from "./siginfo";
import { new_siginfo, send_signal_locked } from "./signal";
import {
  SIGNAL_CLD_CONTINUED,
  SIGNAL_STOP_CONTINUED,
  SIGNAL_STOP_STOPPED,
  signal_of,
} from "./sigqueue";

/** A tick of clock_t: 10 ms. */
const USER_HZ_PS: u64 = 10000000000;

/** The kernel_siginfo of SIGCHLD. `code` is a CLD_*. */
export function child_siginfo(
  child: task_struct, signo: u32, code: i32, status: u32,
): usize {
  account_instret(child);
  const info = new_siginfo(signo, code);
  store<u32>(info, child.pid, SI_AT_PID);
  store<u32>(info, child.uid, SI_AT_UID);
  store<u32>(info, status, SI_AT_STATUS);
  store<u64>(info, child.run_instret * cost(Cost.Insn) / USER_HZ_PS, SI_AT_UTIME);
  return info;
}

/** The running task stops by `signo`: it has no turn until it is continued. */
export function do_signal_stop(task: task_struct, signo: u32): void {
  const signal = signal_of(task);
  signal.group_exit_code = signo;
  signal.flags &= ~(SIGNAL_STOP_CONTINUED | SIGNAL_CLD_CONTINUED);
  signal.flags |= SIGNAL_STOP_STOPPED;
  const tracer = tracer_of(task);
  if (tracer != null) {
    if (changetype<usize>(tracer) != changetype<usize>(task.parent)) {
      notify_parent_cldstop(task, CLD_STOPPED, signo);
    }
    ptrace_group_stop(task, signo);
    return;
  }
  // When it goes on it first looks at its signals, then at what it waited for.
  if (task.restarted != 0) task.restarted = 2;
  task.state = TaskState.stopped;
  notify_parent_cldstop(task, CLD_STOPPED, signo);
}

/** A: SIGCONT has been sent to it; one that is traced waits for its tracer as well. */
export function continue_task(task: task_struct): void {
  const signal = signal_of(task);
  if ((signal.flags & SIGNAL_STOP_STOPPED) == 0) return;
  signal.flags &= ~SIGNAL_STOP_STOPPED;
  signal.flags |= SIGNAL_STOP_CONTINUED | SIGNAL_CLD_CONTINUED;
  signal.group_exit_code = 0;
  if (task.state == TaskState.stopped) task.state = TaskState.running;
}

/** It runs again: now its parent is told. */
// @nomark
export function notify_continued(task: task_struct): void {
  const signal = signal_of(task);
  if ((signal.flags & SIGNAL_CLD_CONTINUED) == 0) return;
  signal.flags &= ~SIGNAL_CLD_CONTINUED;
  notify_parent_cldstop(task, CLD_CONTINUED, SIGCONT);
}

/** Tells the parent of a stop or its end. */
// @nomark
function notify_parent_cldstop(task: task_struct, code: i32, status: u32): void {
  const parent = task.parent;
  if (parent != null) notify_cldstop(task, parent, code, status);
}

/** SIGCHLD, unless the parent, or tracer, does not want it; a wait wakes anyway. */
export function notify_cldstop(
  task: task_struct, parent: task_struct, code: i32, status: u32,
): void {
  const ignored = sig_handler(parent, SIGCHLD) == SIG_IGN;
  if (!ignored && (sa_flags(parent, SIGCHLD) & SA_NOCLDSTOP) == 0) {
    const info = child_siginfo(task, SIGCHLD, code, status);
    send_signal_locked(parent, SIGCHLD, info, true);
  }
  wake_up(WaitKind.child, <u32>changetype<usize>(parent));
}

/** B: nobody could continue it, and it is not SIGSTOP, which leaves no choice. */
// @nomark
export function stop_is_ignored(task: task_struct, signo: u32): bool {
  return signo != SIGSTOP && will_become_orphaned_pgrp(task.pgrp, null);
}

/** B, with `ignored` left out of account. */
function will_become_orphaned_pgrp(pgrp: u32, ignored: task_struct | null): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!in_group(task, pgrp)) continue;
    if (changetype<usize>(task) == changetype<usize>(ignored)) continue;
    const parent = task.parent;
    if (task.state == TaskState.dead || parent == null) continue;
    if (parent.pgrp != pgrp && parent.session == task.session) return false;
  }
  return true;
}

// @nomark
function in_group(task: task_struct, pgrp: u32): bool {
  return task.state != TaskState.unused && task.kthread == 0 && task.pgrp == pgrp;
}

/**
 * C: the link between `task` and `parent` goes; `exiting` says that it is `task` that
 * ends.
 */
export function kill_orphaned_pgrp(
  task: task_struct, parent: task_struct | null, exiting: bool,
): void {
  if (parent == null || parent.pgrp == task.pgrp) return;
  if (parent.session != task.session) return;
  if (!will_become_orphaned_pgrp(task.pgrp, exiting ? task : null)) return;
  if (!has_stopped_jobs(task.pgrp)) return;
  kernel_kill_pgrp(task.pgrp, SIGHUP);
  kernel_kill_pgrp(task.pgrp, SIGCONT);
}

// @nomark
function has_stopped_jobs(pgrp: u32): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!in_group(task, pgrp)) continue;
    if (signal_of(task).flags & SIGNAL_STOP_STOPPED) return true;
  }
  return false;
}

/** The kernel itself sends `signo` to every process of a group. */
// @nomark
function kernel_kill_pgrp(pgrp: u32, signo: u32): void {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!in_group(task, pgrp)) continue;
    send_signal_locked(task, signo, new_siginfo(signo, SI_KERNEL), true);
  }
}
