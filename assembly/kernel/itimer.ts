// Interval timers: SIGALRM after a while, once or again and again.
//
//   setitimer --> running --- it expires: SIGALRM --> A single shot: off
//                   ^                                 B with a period: waits until the
//                   |                                   signal has been taken
//                   +------- to the next multiple ------+
//
// So a process that blocks SIGALRM is not flooded with it. alarm(2) is setitimer.
//
//   ITIMER_REAL      by the clock              SIGALRM
//   ITIMER_VIRTUAL   by its own user time      SIGVTALRM    C looked at when it is
//   ITIMER_PROF      user and system time      SIGPROF        interrupted
//
// In Linux: kernel/time/itimer.c do_setitimer(), it_real_fn(); kernel/signal.c
// dequeue_signal(); kernel/time/posix-cpu-timers.c check_cpu_itimer() (6.12).
// Left out: timer_create; system time, which nobody is charged with here.
import { KBUF } from "../abi";
import { Cost, cost, now_ps } from "../hw/clock";
import { EFAULT, EINVAL } from "./errno";
import { account_instret, current, task_struct } from "./sched";
import { SIGALRM, SIGPROF, SIGVTALRM, SI_KERNEL } from "./siginfo";
import { new_siginfo, send_signal_locked } from "./signal";
import { signal_of } from "./sigqueue";
import { ns_to_ps } from "./time";
import { copy_from_user, copy_to_user } from "./uaccess";

const ITIMER_REAL: u32 = 0;
const ITIMER_VIRTUAL: u32 = 1;
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
  send_itimer(task, SIGALRM);
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
  get_itimer(which);
  return copy_to_user(value, OLD, 32) == 0 ? 0 : -EFAULT;
}

/** setitimer(2); without a new value it is switched off. */
export function sys_setitimer(which: u32, value: u64, ovalue: u64): i64 {
  memory.fill(NEW, 0, 32);
  if (value != 0 && copy_from_user(NEW, value, 32) != 0) return -EFAULT;
  if (!timeval_valid(NEW) || !timeval_valid(NEW + 16)) return -EINVAL;
  if (which > ITIMER_PROF) return -EINVAL;
  get_itimer(which);
  set_itimer(which);
  return ovalue == 0 || copy_to_user(ovalue, OLD, 32) == 0 ? 0 : -EFAULT;
}

/** NEW becomes the timer. Without a first time there is no period either. */
function set_itimer(which: u32): void {
  const signal = signal_of(current());
  const first = timeval_ns(NEW + 16);
  const period = first != 0 ? ns_to_ps(timeval_ns(NEW)) : 0;
  if (which == ITIMER_REAL) {
    signal.it_real_active = first != 0 ? 1 : 0;
    signal.it_real_expires = ns_to_ps(first + now_ps() / 1000);
    signal.it_real_incr = period;
    return;
  }
  const expires = first != 0 ? own_time(current()) + ns_to_ps(first) : 0;
  if (which == ITIMER_VIRTUAL) {
    signal.it_virt_expires = expires;
    signal.it_virt_incr = period;
  } else {
    signal.it_prof_expires = expires;
    signal.it_prof_incr = period;
  }
}

/** The timer as it is, to OLD. One that is about to expire has a microsecond left. */
function get_itimer(which: u32): void {
  const signal = signal_of(current());
  if (which == ITIMER_REAL) {
    const active = signal.it_real_active != 0;
    const expires = active ? signal.it_real_expires : 0;
    put_itimerval(signal.it_real_incr, expires, now_ps());
  } else if (which == ITIMER_VIRTUAL) {
    put_itimerval(signal.it_virt_incr, signal.it_virt_expires, own_time(current()));
  } else {
    put_itimerval(signal.it_prof_incr, signal.it_prof_expires, own_time(current()));
  }
}

// @nomark
function put_itimerval(period: u64, expires: u64, now: u64): void {
  const ps = expires > now ? expires - now : 0;
  put_timeval(OLD, period / PS_PER_US);
  put_timeval(OLD + 16, expires == 0 ? 0 : max<u64>(ps / PS_PER_US, 1));
}

/** User time, in ps. */
// @nomark
function own_time(task: task_struct): u64 {
  account_instret(task);
  return task.run_instret * cost(Cost.Insn);
}

/** C: sends what the running task's own time has brought about. */
export function run_posix_cpu_timers(task: task_struct): void {
  const signal = signal_of(task);
  const now = own_time(task);
  if (has_expired(signal.it_virt_expires, now)) {
    const period = signal.it_virt_incr;
    signal.it_virt_expires = period != 0 ? signal.it_virt_expires + period : 0;
    send_itimer(task, SIGVTALRM);
  }
  if (has_expired(signal.it_prof_expires, now)) {
    const period = signal.it_prof_incr;
    signal.it_prof_expires = period != 0 ? signal.it_prof_expires + period : 0;
    send_itimer(task, SIGPROF);
  }
}

// @nomark
function has_expired(expires: u64, now: u64): bool {
  return expires != 0 && expires <= now;
}

// @nomark
function send_itimer(task: task_struct, signo: u32): void {
  send_signal_locked(task, signo, new_siginfo(signo, SI_KERNEL), true);
}

/** How much longer `task` can run until C, in ps; u64.MAX_VALUE without a timer. */
// @nomark
export function cpu_timer_left(task: task_struct): u64 {
  const signal = signal_of(task);
  if (signal.it_virt_expires + signal.it_prof_expires == 0) return u64.MAX_VALUE;
  const virt = signal.it_virt_expires != 0 ? signal.it_virt_expires : u64.MAX_VALUE;
  const prof = signal.it_prof_expires != 0 ? signal.it_prof_expires : u64.MAX_VALUE;
  const first = min<u64>(virt, prof);
  const now = own_time(task);
  return first > now ? first - now : 0;
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
