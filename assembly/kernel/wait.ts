// A parent asks what has become of its children: wait4 and waitid.
//
//   A  one has ended (WEXITED)       its status, once; then it is gone, or stays a
//                                    zombie for the next question (WNOWAIT)
//   B  one has stopped (WUNTRACED)   by which signal, once a stop
//   C  one goes on (WCONTINUED)      once a continuation
//   D  children, but no news         sleep, or 0 with WNOHANG
//   E  no such child                 ECHILD
//   F  a tracer asks                 as a parent, and of every stop, WUNTRACED or not;
//                                    of an end it is told before the parent is
//
// A status word of wait4:   exit code << 8 | 0
//                                        0 | signal that killed
//                                   signal | 0x7f             stopped
//                                     0xff | 0xff             continued
//
// In Linux: kernel/exit.c do_wait(), wait_task_zombie(), wait_task_stopped(),
// wait_task_continued(), kernel_waitid() (6.12).
// Left out: threads, pidfds.
import { KBUF, TaskState, WaitKind } from "../abi";
import { EBADF, ECHILD, EFAULT, EINVAL, ESRCH } from "./errno";
import { do_notify_parent, release_task } from "./exit";
import { ptrace_of, ptrace_unlink, tracer_of } from "./ptrace";
import { RUSAGE_BOTH, put_user_rusage } from "./rusage";
import { current, nr_task_slots, task_at, task_struct, wait_on } from "./sched";
import {
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  SIGCHLD,
  SIGCONT,
} from "./siginfo";
import {
  SIGNAL_STOP_CONTINUED,
  SIGNAL_STOP_STOPPED,
  signal_of,
} from "./sigqueue";
import { copy_to_user, put_user_u32 } from "./uaccess";

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x01000000;
const WCLONE: u32 = 0x80000000;
const WALL: u32 = 0x40000000;
const WNOTHREAD: u32 = 0x20000000;
const WKINDS: u32 = WCLONE | WALL | WNOTHREAD;

const P_ALL: u32 = 0;
const P_PID: u32 = 1;
const P_PGID: u32 = 2;
const P_PIDFD: u32 = 3;

/** What a wait asks for, and what it found. There is one at a time. */
@unmanaged
class wait_opts {
  which!: u32; // P_*
  id!: u32;
  options!: u32;
  code!: i32; // CLD_*
  status!: u32; // as in siginfo
  stat!: u32; // the status word
  child!: task_struct | null;
}

// @nomark
function the_wait(): wait_opts {
  return changetype<wait_opts>(KBUF + 0xe80);
}

/**
 * wait4(2): `pid` is a child's, -1 any, 0 any of the own process group, below that any
 * of group -pid.
 * => the child's pid, 0, or negative errno.
 */
export function sys_wait4(pid: i32, status: u64, options: u32, rusage: u64): i64 {
  if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WKINDS)) return -EINVAL;
  if (pid == i32.MIN_VALUE) return -ESRCH;
  const wo = the_wait();
  wo.which = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
  wo.id = pid > 0 ? <u32>pid : pid == 0 ? current().pgrp : <u32>-pid;
  wo.options = options | WEXITED;
  const answer = do_wait(wo);
  if (answer <= 0) return answer;
  // It has been told and cannot be taken back, even if nobody could read it.
  if (status != 0 && put_user_u32(status, wo.stat) != 0) return -EFAULT;
  return put_rusage(wo, rusage) ? answer : -EFAULT;
}

/** waitid(2): the news as a siginfo. => 0, -ECHILD, or another negative errno. */
export function sys_waitid(
  which: u32, id: i32, infop: u64, options: u32, rusage: u64,
): i64 {
  const wanted = WEXITED | WUNTRACED | WCONTINUED;
  if (options & ~(wanted | WNOHANG | WNOWAIT | WKINDS)) return -EINVAL;
  if ((options & wanted) == 0 || which > P_PIDFD) return -EINVAL;
  if (which == P_PID ? id <= 0 : which != P_ALL && id < 0) return -EINVAL;
  if (which == P_PIDFD) return -EBADF;
  const wo = the_wait();
  wo.which = which;
  wo.id = which == P_PGID && id == 0 ? current().pgrp : <u32>id;
  wo.options = options;
  const answer = do_wait(wo);
  if (answer < -511) return answer;
  if (answer > 0 && !put_rusage(wo, rusage)) return -EFAULT;
  if (infop != 0 && !put_child_info(wo, infop, answer > 0)) return -EFAULT;
  return min<i64>(answer, 0);
}

// @nomark
function put_rusage(wo: wait_opts, rusage: u64): bool {
  const child = changetype<task_struct>(changetype<usize>(wo.child));
  return rusage == 0 || put_user_rusage(child, RUSAGE_BOTH, rusage) == 0;
}

/** signo, errno, code; pid, uid, status: zeros when there was no news. */
function put_child_info(wo: wait_opts, infop: u64, found: bool): bool {
  const at = KBUF + 0xec0;
  memory.fill(at, 0, 28);
  if (found) {
    const child = changetype<task_struct>(changetype<usize>(wo.child));
    store<u32>(at, SIGCHLD);
    store<i32>(at, wo.code, 8);
    store<u32>(at, child.pid, 16);
    store<u32>(at, child.uid, 20);
    store<u32>(at, wo.status, 24);
  }
  if (copy_to_user(infop, at, 12) != 0) return false;
  return copy_to_user(infop + 16, at + 16, 12) == 0;
}

/**
 * The first news, of the oldest child that has any.
 * => its pid, 0, -ECHILD, or -ERESTARTSYS: it sleeps.
 */
function do_wait(wo: wait_opts): i64 {
  const task = current();
  let children = false;
  let found: task_struct | null = null;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const child = task_at(i);
    if (!eligible_child(task, child, wo)) continue;
    children = true;
    if (found != null && found.pid < child.pid) continue;
    if (has_news(child, wo.options)) found = child;
  }
  if (found != null) return wait_consider_child(found, wo);
  if (!children) return -ECHILD; // E
  if (wo.options & WNOHANG) return 0; // D
  return wait_on(WaitKind.child, <u32>changetype<usize>(task));
}

/** Is `child` one that this wait asks for? */
function eligible_child(task: task_struct, child: task_struct, wo: wait_opts): bool {
  if (child.state == TaskState.unused) return false;
  const traced = is_tracer(task, child);
  const own = changetype<usize>(child.parent) == changetype<usize>(task);
  if (!own && !traced) return false;
  const clone = child.parent_signal != SIGCHLD;
  const asked = (wo.options & WCLONE) != 0;
  if (clone != asked && (wo.options & WALL) == 0 && !traced) return false;
  if (wo.which == P_PID) return child.pid == wo.id;
  return wo.which == P_ALL || child.pgrp == wo.id;
}

// @nomark
function is_tracer(task: task_struct, child: task_struct): bool {
  return changetype<usize>(tracer_of(child)) == changetype<usize>(task);
}

// @nomark
function has_news(child: task_struct, options: u32): bool {
  if (child.state == TaskState.dead) {
    const others = tracer_of(child) != null && !is_tracer(current(), child); // F
    return (options & WEXITED) != 0 && !others;
  }
  return stop_news(child, options) || continue_news(child, options);
}

// @nomark
function stop_news(child: task_struct, options: u32): bool {
  if (is_tracer(current(), child)) {
    return child.state == TaskState.traced && ptrace_of(child).exit_code != 0;
  }
  if ((options & WUNTRACED) == 0) return false;
  const signal = signal_of(child);
  return (signal.flags & SIGNAL_STOP_STOPPED) != 0 && signal.group_exit_code != 0;
}

// @nomark
function continue_news(child: task_struct, options: u32): bool {
  if ((options & WCONTINUED) == 0) return false;
  return (signal_of(child).flags & SIGNAL_STOP_CONTINUED) != 0;
}

/** A, B, C: takes the news. => the child's pid */
function wait_consider_child(child: task_struct, wo: wait_opts): i64 {
  const keep = (wo.options & WNOWAIT) != 0;
  const signal = signal_of(child);
  wo.child = child;
  if (child.state == TaskState.dead) {
    wait_task_zombie(child, wo, keep); // A
  } else if (stop_news(child, wo.options)) {
    // B, F
    const traced = is_tracer(current(), child);
    wo.code = traced ? CLD_TRAPPED : CLD_STOPPED;
    wo.status = traced ? ptrace_of(child).exit_code : signal.group_exit_code;
    wo.stat = (wo.status << 8) | 0x7f;
    if (!keep && traced) ptrace_of(child).exit_code = 0;
    else if (!keep) signal.group_exit_code = 0;
  } else {
    // C
    wo.code = CLD_CONTINUED;
    wo.status = SIGCONT;
    wo.stat = 0xffff;
    if (!keep) signal.flags &= ~SIGNAL_STOP_CONTINUED;
  }
  return child.pid;
}

/** A: how it ended; what it used becomes its parent's, and then it is gone. */
function wait_task_zombie(child: task_struct, wo: wait_opts, keep: bool): void {
  const killed = child.exit_signal != 0;
  wo.code = killed ? CLD_KILLED : CLD_EXITED;
  wo.status = killed ? child.exit_signal : <u32>child.exit_code;
  wo.stat = killed ? child.exit_signal : <u32>child.exit_code << 8;
  if (keep) return;
  const task = current();
  if (changetype<usize>(child.parent) != changetype<usize>(task)) {
    // F: now it is its parent's to ask for.
    ptrace_unlink(child);
    do_notify_parent(child);
    return;
  }
  task.cmin_flt += <u32>child.min_flt + child.cmin_flt;
  task.cmaj_flt += <u32>child.maj_flt + child.cmaj_flt;
  task.cinstret += child.run_instret + child.cinstret;
  release_task(child);
}
