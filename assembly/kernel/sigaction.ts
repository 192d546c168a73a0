// What a process wants done with its signals: handlers, masks, and waiting for one.
//
//   rt_sigaction      A a handler, or ignore it: those that wait are thrown away
//   rt_sigprocmask    which are held back
//   rt_sigpending     which of those wait
//   rt_sigsuspend     B another mask, until a handler has run
//   rt_sigtimedwait   C one of a set, taken from the queue: no handler runs
//                     D none within the time: EAGAIN; another signal: EINTR
//
// In Linux: kernel/signal.c do_sigaction(), sigprocmask(), sigsuspend(),
// do_sigtimedwait() (6.12).
// Left out: threads that share the handlers.
import { KBUF, WaitKind } from "../abi";
import { now_ps } from "../hw/clock";
import { EAGAIN, EFAULT, EINTR, EINVAL } from "./errno";
import { current, wait_on, wait_on_nohand } from "./sched";
import {
  NSIG,
  SIGINFO_KERNEL_SIZE,
  SIGINFO_SIZE,
  SIG_KERNEL_ONLY,
  UAPI_SA_FLAGS,
  sigaction_of,
  sigmask,
} from "./siginfo";
import {
  KSIG_INFO,
  dequeue_signal,
  set_current_blocked,
  sig_handler_ignored,
  signal_pending,
} from "./signal";
import { flush_sigqueue_mask, signal_of } from "./sigqueue";
import { get_timespec, timespec_until } from "./time";
import { clear_user, copy_from_user, copy_to_user } from "./uaccess";

/** Scratch: a struct sigaction, or a mask. */
const ACT: usize = KBUF + 0xe40;
const OLD: usize = KBUF + 0xe60;
const SIGSET_SIZE: u64 = 8;
const SIG_BLOCK: u32 = 0;
const SIG_UNBLOCK: u32 = 1;
const SIG_SETMASK: u32 = 2;

/** rt_sigaction(2): struct sigaction is { handler, u64 flags, u64 mask }. */
export function sys_rt_sigaction(signo: u32, act: u64, oact: u64, size: u64): i64 {
  if (size != SIGSET_SIZE) return -EINVAL;
  if (act != 0 && copy_from_user(ACT, act, 24) != 0) return -EFAULT;
  if (signo < 1 || signo > NSIG) return -EINVAL;
  if (act != 0 && (sigmask(signo) & SIG_KERNEL_ONLY) != 0) return -EINVAL;
  const action = sigaction_of(current(), signo);
  memory.copy(OLD, action, 24);
  if (act != 0) do_sigaction(signo, action);
  return oact == 0 || copy_to_user(oact, OLD, 24) == 0 ? 0 : -EFAULT;
}

/** A: puts ACT in the place of `action`. */
function do_sigaction(signo: u32, action: usize): void {
  memory.copy(action, ACT, 24);
  store<u64>(action, load<u64>(ACT, 8) & UAPI_SA_FLAGS, 8);
  store<u64>(action, load<u64>(ACT, 16) & ~SIG_KERNEL_ONLY, 16);
  if (!sig_handler_ignored(current(), signo)) return;
  flush_sigqueue_mask(current(), sigmask(signo));
}

/** rt_sigprocmask(2). */
export function sys_rt_sigprocmask(how: u32, set: u64, oset: u64, size: u64): i64 {
  if (size != SIGSET_SIZE) return -EINVAL;
  const task = current();
  store<u64>(OLD, task.blocked);
  if (set != 0) {
    if (copy_from_user(ACT, set, 8) != 0) return -EFAULT;
    const mask = load<u64>(ACT);
    if (how == SIG_BLOCK) set_current_blocked(task.blocked | mask);
    else if (how == SIG_UNBLOCK) set_current_blocked(task.blocked & ~mask);
    else if (how == SIG_SETMASK) set_current_blocked(mask);
    else return -EINVAL;
  }
  return oset == 0 || copy_to_user(oset, OLD, 8) == 0 ? 0 : -EFAULT;
}

/** rt_sigpending(2). */
export function sys_rt_sigpending(set: u64, size: u64): i64 {
  if (size > SIGSET_SIZE) return -EINVAL;
  const task = current();
  store<u64>(OLD, (task.pending | signal_of(task).shared_pending) & task.blocked);
  return copy_to_user(set, OLD, size) == 0 ? 0 : -EFAULT;
}

/** B: rt_sigsuspend(2). It only ever ends by a handler, with EINTR. */
export function sys_rt_sigsuspend(set: u64, size: u64): i64 {
  if (size != SIGSET_SIZE) return -EINVAL;
  if (current().restore_sigmask == 0) {
    if (copy_from_user(ACT, set, 8) != 0) return -EFAULT;
    set_user_sigmask(load<u64>(ACT));
  }
  return wait_on_nohand(WaitKind.signal, 0);
}

/** Another mask until the call ends; do_signal or the call itself takes it back. */
// @nomark
export function set_user_sigmask(mask: u64): void {
  const task = current();
  task.saved_sigmask = task.blocked;
  task.restore_sigmask = 1;
  set_current_blocked(mask);
}

/** rt_sigtimedwait(2). => the signal's number, -EAGAIN, -EINTR, or another errno. */
export function sys_rt_sigtimedwait(
  set: u64, uinfo: u64, timeout: u64, size: u64,
): i64 {
  if (size != SIGSET_SIZE) return -EINVAL;
  if (copy_from_user(ACT, set, 8) != 0) return -EFAULT;
  const wanted = load<u64>(ACT) & ~SIG_KERNEL_ONLY;
  const task = current();
  const signal = signal_of(task);
  if (task.restarted == 0) {
    if (timeout != 0) {
      const error = get_timespec(timeout);
      if (error != 0) return error;
      task.wake_at = timespec_until();
    }
  } else {
    task.blocked = signal.real_blocked;
    signal.real_blocked = 0;
  }
  const signo = dequeue_signal(task, ~wanted, KSIG_INFO); // C
  if (signo != 0) {
    return uinfo == 0 || put_siginfo(uinfo) ? <i64>signo : -EFAULT;
  }
  const expired = task.wake_at <= now_ps();
  if (expired) return -EAGAIN; // D
  if (task.restarted != 0 || signal_pending(task)) return -EINTR; // D
  signal.real_blocked = task.blocked;
  task.blocked &= ~wanted;
  return wait_on(WaitKind.signal, 0);
}

/** KSIG_INFO to the program: 48 bytes of it, and zeros. => false: it cannot be. */
// @nomark
function put_siginfo(uinfo: u64): bool {
  if (copy_to_user(uinfo, KSIG_INFO, SIGINFO_KERNEL_SIZE) != 0) return false;
  const rest = SIGINFO_SIZE - SIGINFO_KERNEL_SIZE;
  return clear_user(uinfo + SIGINFO_KERNEL_SIZE, rest) == 0;
}
