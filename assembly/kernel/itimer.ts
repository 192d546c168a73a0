// Interval timers: SIGALRM after a while, once or again and again.
//
//   setitimer --> running --- it expires: SIGALRM --> A single shot: off
//                   ^                                 B with a period: waits until the
//                   |                                   signal has been taken
//                   +------- to the next multiple ------+
//
// So a process that blocks SIGALRM is not flooded with it. alarm(2) is setitimer.
//
// In Linux: kernel/time/itimer.c do_setitimer(), it_real_fn(); kernel/signal.c
// dequeue_signal() (6.12).
// Left out: ITIMER_VIRTUAL and ITIMER_PROF, which count a process's own time;
// timer_create.
import { KBUF } from "../abi";
import { now_ps } from "../hw/clock";
import { EFAULT, EINVAL, ENOSYS } from "./errno";
import { current, task_struct } from "./sched";
import { SIGALRM, SI_KERNEL } from "./siginfo";
import { new_siginfo, send_signal_locked } from "./signal";
import { signal_of, signal_struct } from "./sigqueue";
import { ns_to_ps } from "./time";
import { copy_from_user, copy_to_user } from "./uaccess";

const ITIMER_REAL: u32 = 0;
const ITIMER_PROF: u32 = 2;
/** struct itimerval: interval and value, each { seconds, microseconds }. */
const NEW: usize = KBUF + 0xee0;
const OLD: usize = KBUF + 0xf00;
const PS_PER_US: u64 = 1000000;
const USEC_PER_SEC: u64 = 1000000;
/** More seconds than this are as good as for ever. */
const MAX_SECONDS: u64 = 1 << 33;

/** When the timer of `task` expires, in ps; u64.MAX_VALUE when it is off. */
// @nomark
export function itimer_deadline(task: task_struct): u64 {
  const signal = signal_of(task);
  return signal.it_real_active != 0 ? signal.it_real_expires : u64.MAX_VALUE;
}

/** It has expired. B is for posixtimer_rearm_itimer. */
export function it_real_fn(task: task_struct): void {
  signal_of(task).it_real_active = 0;
  send_signal_locked(task, SIGALRM, new_siginfo(SIGALRM, SI_KERNEL), true);
}

/** B: its signal has been taken; the next multiple of the period that is to come. */
export function posixtimer_rearm_itimer(task: task_struct): void {
  const signal = signal_of(task);
  const period = signal.it_real_incr;
  if (period == 0 || signal.it_real_active != 0) return;
  const now = now_ps();
  let next = signal.it_real_expires + period;
  if (next <= now) next += ((now - next) / period + 1) * period;
  signal.it_real_expires = next;
  signal.it_real_active = 1;
}

/** getitimer(2). */
export function sys_getitimer(which: u32, value: u64): i64 {
  if (which > ITIMER_PROF) return -EINVAL;
  if (which != ITIMER_REAL) return -ENOSYS;
  fill_itimerval(signal_of(current()));
  return copy_to_user(value, OLD, 32) == 0 ? 0 : -EFAULT;
}

/** setitimer(2); without a new value it is switched off. */
export function sys_setitimer(which: u32, value: u64, ovalue: u64): i64 {
  memory.fill(NEW, 0, 32);
  if (value != 0 && copy_from_user(NEW, value, 32) != 0) return -EFAULT;
  if (!timeval_valid(NEW) || !timeval_valid(NEW + 16)) return -EINVAL;
  if (which > ITIMER_PROF) return -EINVAL;
  if (which != ITIMER_REAL) return -ENOSYS;
  const signal = signal_of(current());
  fill_itimerval(signal);
  const first = timeval_ns(NEW + 16);
  signal.it_real_active = first != 0 ? 1 : 0;
  signal.it_real_expires = ns_to_ps(first + now_ps() / 1000);
  signal.it_real_incr = first != 0 ? ns_to_ps(timeval_ns(NEW)) : 0;
  return ovalue == 0 || copy_to_user(ovalue, OLD, 32) == 0 ? 0 : -EFAULT;
}

/** The timer as it is, to OLD. One that is about to expire has a microsecond left. */
// @nomark
function fill_itimerval(signal: signal_struct): void {
  const now = now_ps();
  let left: u64 = 0;
  if (signal.it_real_active != 0) {
    const ps = signal.it_real_expires > now ? signal.it_real_expires - now : 0;
    left = max<u64>(ps / PS_PER_US, 1);
  }
  put_timeval(OLD, signal.it_real_incr / PS_PER_US);
  put_timeval(OLD + 16, left);
}

// @nomark
function put_timeval(at: usize, us: u64): void {
  store<u64>(at, us / USEC_PER_SEC);
  store<u64>(at, us % USEC_PER_SEC, 8);
}

// @nomark
function timeval_valid(at: usize): bool {
  return load<i64>(at) >= 0 && load<u64>(at, 8) < USEC_PER_SEC;
}

// @nomark
function timeval_ns(at: usize): u64 {
  const seconds = min<u64>(load<u64>(at), MAX_SECONDS);
  return (seconds * USEC_PER_SEC + load<u64>(at, 8)) * 1000;
}
