// A process traced by another: it stops at every signal, and only its tracer, which can
// read and write its memory and registers, lets it go on.
//
//            a signal to deliver, or execve           wait4: signal << 8 | 0x7f
//   running -----------------------------> TRACED ----------------------------> tracer
//           <-----------------------------   |      PEEK, POKE, GETREGSET ...
//              CONT, DETACH: that signal,    |
//              another one, or none          +---> SIGKILL ends it even here
//
//   A  traced      by its own wish (TRACEME: by its parent), or attached to by one who
//                  may look into it; SIGSTOP makes it stop soon
//   B  stopped     with a signal in hand, which the tracer may change or take away
//   C  a stop signal is delivered after all: it stops again, with none in hand
//   D  let go      by CONT; by DETACH, or its tracer's end: it is traced no more, and
//                  stops in the ordinary way if a stop signal is still in force
//
// Who may look into a process: root; and who has all its user and group ids, unless
// they are borrowed: an address space that a set-user-id program has, or that has held
// what its user may not read, is not dumpable.
//
// In Linux: kernel/ptrace.c ptrace_attach(), ptrace_request(), __ptrace_may_access(),
// exit_ptrace(); kernel/signal.c ptrace_stop(), ptrace_signal() (6.12).
// Left out: SEIZE, system-call stops, events and options, GETSIGINFO's relatives,
// SETREGSET of floating point. A call that the stop interrupts has its pc at the ecall.
// Linux has the tracer in task->parent and the parent in real_parent; here parent is
// always the real one.
import { KBUF, TASK_PTRACE, TASK_REGS, TASK_SIGACTION, TaskState } from "../abi";
import { access_process_vm } from "./access_vm";
import { EFAULT, EINVAL, EIO, EPERM, ESRCH } from "./errno";
import { do_notify_parent } from "./exit";
import { notify_cldstop } from "./job_control";
import {
  current,
  find_task_by_vpid,
  nr_task_slots,
  task_at,
  task_field,
  task_struct,
} from "./sched";
import {
  CLD_STOPPED,
  CLD_TRAPPED,
  NSIG,
  SIGINFO_KERNEL_SIZE,
  SIGINFO_SIZE,
  SIGKILL,
  SIGSTOP,
  SIGTRAP,
  SI_AT_PID,
  SI_AT_UID,
  SI_KERNEL,
  SI_USER,
  sigmask,
} from "./siginfo";
import { new_siginfo, send_sig, send_signal_locked } from "./signal";
import { SIGNAL_STOP_STOPPED, signal_of } from "./sigqueue";
import { copy_from_user, copy_to_user, put_user } from "./uaccess";

/** What is kept of a traced process; all zero in one that is not. */
@unmanaged
export class ptrace_state {
  /** Who traces it; null: nobody. */
  tracer!: task_struct | null;
  /** 1: who began it was root, so a set-user-id execve gives its rights after all. */
  ptracer_cap!: u32;
  /** The signal it has stopped for; then the one the tracer wants delivered. */
  exit_code!: u32;
  /** 1: B, it has a signal in hand, told of in last_siginfo. */
  in_hand!: u32;
  /** 1: D, a stop signal is in force that it has to obey now. */
  stop_pending!: u32;
  pad0!: u32;
  pad1!: u64;
  // last_siginfo follows
}

const LAST_SIGINFO: usize = TASK_PTRACE + 32;
if (offsetof<ptrace_state>() != 32) ERROR("abi: TASK_PTRACE");
if (TASK_PTRACE + 32 + 48 > TASK_SIGACTION) ERROR("abi: TASK_PTRACE");

const PTRACE_TRACEME: u32 = 0;
const PTRACE_PEEKTEXT: u32 = 1;
const PTRACE_PEEKDATA: u32 = 2;
const PTRACE_POKETEXT: u32 = 4;
const PTRACE_POKEDATA: u32 = 5;
const PTRACE_CONT: u32 = 7;
const PTRACE_KILL: u32 = 8;
const PTRACE_ATTACH: u32 = 16;
const PTRACE_DETACH: u32 = 17;
const PTRACE_GETSIGINFO: u32 = 0x4202;
const PTRACE_GETREGSET: u32 = 0x4204;
const PTRACE_SETREGSET: u32 = 0x4205;
const NT_PRSTATUS: u64 = 1;
/** struct user_regs_struct: pc, x1 to x31. */
const USER_REGS_SIZE: u64 = 256;

const WORD: usize = KBUF + 0xf00;
/** Of ptrace_resumed_signal: it has not been stopped with a signal in hand. */
export const NOT_RESUMED: u32 = u32.MAX_VALUE;

// @nomark
export function ptrace_of(task: task_struct): ptrace_state {
  return changetype<ptrace_state>(task_field(task, TASK_PTRACE));
}

/** => who traces `task`, or null */
// @nomark
export function tracer_of(task: task_struct): task_struct | null {
  return ptrace_of(task).tracer;
}

// @nomark
function is_traced_by(task: task_struct, tracer: task_struct): bool {
  if (task.state == TaskState.unused) return false;
  return changetype<usize>(tracer_of(task)) == changetype<usize>(tracer);
}

/**
 * May the running process look into `task`? `uid`, `gid`: the ones it asks with, the
 * effective ones for a file of /proc, the real ones for attaching.
 */
function __ptrace_may_access(task: task_struct, uid: u32, gid: u32): bool {
  const self = current();
  if (self.euid == 0 || self.pid == task.pid) return true;
  const mm = task.mm;
  if (mm != null && mm.undumpable != 0) return false;
  if (uid != task.uid || uid != task.euid || uid != task.suid) return false;
  return gid == task.gid && gid == task.egid && gid == task.sgid;
}

/** For a file of /proc (PTRACE_MODE_READ_FSCREDS). */
// @nomark
export function ptrace_may_access(task: task_struct): bool {
  return __ptrace_may_access(task, current().euid, current().egid);
}

/** For ptrace itself (PTRACE_MODE_ATTACH_REALCREDS). */
// @nomark
export function ptrace_may_attach(task: task_struct): bool {
  return __ptrace_may_access(task, current().uid, current().gid);
}

/**
 * May a program that `task` execs have rights that `task` has not? Not while somebody
 * watches who has not got them either.
 */
// @nomark
export function ptracer_capable(task: task_struct): bool {
  return tracer_of(task) == null || ptrace_of(task).ptracer_cap != 0;
}

/** A: from now on `tracer` traces `task`. */
function ptrace_link(task: task_struct, tracer: task_struct): void {
  const p = ptrace_of(task);
  p.tracer = tracer;
  p.ptracer_cap = current().euid == 0 ? 1 : 0;
}

/** PTRACE_TRACEME: the parent traces. => 0 or -EPERM. */
function ptrace_traceme(): i64 {
  const task = current();
  const parent = task.parent;
  if (tracer_of(task) != null) return -EPERM;
  // Init, which the parentless have in thought, lets everybody go on at once.
  if (parent == null) return 0;
  if (task.euid == 0 && parent.euid != 0) return -EPERM;
  ptrace_link(task, parent);
  return 0;
}

/** PTRACE_ATTACH: the running process traces `task`. => 0 or -EPERM. */
function ptrace_attach(task: task_struct): i64 {
  const self = current();
  if (task.kthread != 0 || task.pid == self.pid) return -EPERM;
  if (!ptrace_may_attach(task)) return -EPERM;
  if (task.state == TaskState.dead || tracer_of(task) != null) return -EPERM;
  ptrace_link(task, self);
  send_signal_locked(task, SIGSTOP, new_siginfo(SIGSTOP, SI_KERNEL), true);
  // One that is stopped already stays so, but is now stopped for its tracer.
  if (task.state == TaskState.stopped) {
    ptrace_stop(task, SIGSTOP, CLD_STOPPED);
  }
  return 0;
}

/** It stops until its tracer lets it go on; the tracer is told. `code`: a CLD_*. */
function ptrace_stop(task: task_struct, exit_code: u32, code: i32): void {
  const tracer = tracer_of(task);
  if (tracer == null) return;
  ptrace_of(task).exit_code = exit_code;
  // When it goes on it first looks at its signals, then at what it waited for.
  if (task.restarted != 0) task.restarted = 2;
  task.state = TaskState.traced;
  notify_cldstop(task, tracer, code, exit_code);
}

/** B: the signal in `info` is about to be delivered, if the tracer likes. */
export function ptrace_signal(task: task_struct, info: usize): void {
  const last = task_field(task, LAST_SIGINFO);
  memory.copy(last, info, <usize>SIGINFO_KERNEL_SIZE);
  ptrace_of(task).in_hand = 1;
  ptrace_stop(task, load<u32>(info), CLD_TRAPPED);
}

/** C: a stop signal is delivered to a traced process; its parent has been told. */
// @nomark
export function ptrace_group_stop(task: task_struct, signo: u32): void {
  ptrace_stop(task, signo, CLD_STOPPED);
}

/**
 * What the tracer wants delivered in place of the signal in hand; `info` is told what
 * is known of it. One that is blocked now waits.
 * => its number; 0: nothing; NOT_RESUMED: there was none in hand.
 */
export function ptrace_resumed_signal(task: task_struct, info: usize): u32 {
  const p = ptrace_of(task);
  if (p.in_hand == 0) return NOT_RESUMED;
  p.in_hand = 0;
  const signo = p.exit_code;
  p.exit_code = 0;
  if (signo == 0) return 0;
  const last = task_field(task, LAST_SIGINFO);
  if (signo != load<u32>(last)) {
    memory.fill(last, 0, <usize>SIGINFO_KERNEL_SIZE);
    store<u32>(last, signo);
    store<i32>(last, SI_USER, 8);
    const tracer = tracer_of(task);
    if (tracer != null) {
      store<u32>(last, tracer.pid, SI_AT_PID);
      store<u32>(last, tracer.uid, SI_AT_UID);
    }
  }
  memory.copy(info, last, <usize>SIGINFO_KERNEL_SIZE);
  if ((task.blocked & sigmask(signo)) == 0) return signo;
  send_signal_locked(task, signo, info, false);
  return 0;
}

/** Has it something to do with its tracer before it goes on in user mode? */
// @nomark
export function ptrace_work(task: task_struct): bool {
  const p = ptrace_of(task);
  return (p.in_hand | p.stop_pending) != 0;
}

/** D: a stop signal was in force when its tracer let it go: it stops for its parent. */
// @nomark
export function ptrace_obey_stop(task: task_struct): bool {
  const p = ptrace_of(task);
  if (p.stop_pending == 0) return false;
  p.stop_pending = 0;
  if ((signal_of(task).flags & SIGNAL_STOP_STOPPED) == 0) return false;
  if (task.restarted != 0) task.restarted = 2;
  task.state = TaskState.stopped;
  return true;
}

/** D: it is nobody's tracee any more, and runs again if it was stopped for that. */
export function ptrace_unlink(task: task_struct): void {
  const p = ptrace_of(task);
  p.tracer = null;
  p.ptracer_cap = 0;
  if (task.state == TaskState.dead) return;
  if (signal_of(task).flags & SIGNAL_STOP_STOPPED) p.stop_pending = 1;
  if (task.state == TaskState.traced) task.state = TaskState.running;
}

/** D: `tracer` ends. What it traced goes on; its dead are their parents' to ask for. */
export function exit_ptrace(tracer: task_struct): void {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!is_traced_by(task, tracer)) continue;
    ptrace_unlink(task);
    const own = changetype<usize>(task.parent) == changetype<usize>(tracer);
    if (task.state == TaskState.dead && !own) do_notify_parent(task);
  }
}

/** execve has succeeded: the tracer sees the new program before it begins. */
// @nomark
export function ptrace_event_exec(): void {
  if (tracer_of(current()) != null) send_sig(current(), SIGTRAP);
}

/** ptrace(2). => 0 or negative errno; what is read goes to *data. */
export function sys_ptrace(request: u32, pid: u32, addr: u64, data: u64): i64 {
  if (request == PTRACE_TRACEME) return ptrace_traceme();
  const child = find_task_by_vpid(pid);
  if (child == null) return -ESRCH;
  if (request == PTRACE_ATTACH) return ptrace_attach(child);
  if (!is_traced_by(child, current())) return -ESRCH;
  if (request == PTRACE_KILL) {
    send_signal_locked(child, SIGKILL, new_siginfo(SIGKILL, SI_USER), true);
    return 0;
  }
  if (child.state != TaskState.traced) return -ESRCH;
  return ptrace_request(child, request, addr, data);
}

/** A request that only a stopped tracee is asked. => 0 or negative errno. */
function ptrace_request(child: task_struct, request: u32, addr: u64, data: u64): i64 {
  switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      if (!ptrace_access_vm(child, addr, false)) return -EIO;
      return put_user(data, load<u64>(WORD), WORD);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      store<u64>(WORD, data);
      return ptrace_access_vm(child, addr, true) ? 0 : -EIO;
    case PTRACE_CONT:
    case PTRACE_DETACH:
      if (data > NSIG) return -EIO;
      ptrace_of(child).exit_code = <u32>data;
      if (request == PTRACE_DETACH) ptrace_unlink(child);
      child.state = TaskState.running;
      return 0;
    case PTRACE_GETSIGINFO: return ptrace_getsiginfo(child, data);
    case PTRACE_GETREGSET: return ptrace_regset(child, addr, data, false);
    case PTRACE_SETREGSET: return ptrace_regset(child, addr, data, true);
    default: return -EIO;
  }
}

/** One word between WORD and the tracee, whose memory may have closed since. */
// @nomark
function ptrace_access_vm(child: task_struct, addr: u64, write: bool): bool {
  const mm = child.mm;
  if (mm == null || (mm.undumpable != 0 && !ptracer_capable(child))) return false;
  return access_process_vm(mm, addr, WORD, 8, write, true) == 8;
}

/** What is told of the signal in hand. => 0, -EINVAL (there is none), -EFAULT. */
function ptrace_getsiginfo(child: task_struct, data: u64): i64 {
  if (ptrace_of(child).in_hand == 0) return -EINVAL;
  memory.fill(WORD, 0, <usize>SIGINFO_SIZE);
  memory.copy(WORD, task_field(child, LAST_SIGINFO), <usize>SIGINFO_KERNEL_SIZE);
  return copy_to_user(data, WORD, SIGINFO_SIZE) == 0 ? 0 : -EFAULT;
}

/** The integer registers, by a struct iovec. => 0, -EINVAL (no such set), -EFAULT. */
function ptrace_regset(child: task_struct, set: u64, iovec: u64, write: bool): i64 {
  if (copy_from_user(WORD, iovec, 16) != 0) return -EFAULT;
  if (set != NT_PRSTATUS || (load<u64>(WORD, 8) & 7) != 0) return -EINVAL;
  const base = load<u64>(WORD);
  const len = min<u64>(load<u64>(WORD, 8), USER_REGS_SIZE);
  const regs = task_field(child, TASK_REGS);
  if (write) {
    if (copy_from_user(regs, base, len) != 0) return -EFAULT;
    // Its interrupted call is not made again behind the new registers' back.
    child.restarted = 0;
  } else if (copy_to_user(base, regs, len) != 0) return -EFAULT;
  store<u64>(WORD, len);
  return copy_to_user(iovec + 8, WORD, 8) == 0 ? 0 : -EFAULT;
}
