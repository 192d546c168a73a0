// Time: what the clock says, and sleeping until it says something else.
//
// There is one clock, simulated picoseconds since boot. Real time is that plus the
// machine's epoch, so that a run is the same whenever it is made.
//
//   nanosleep   A first time: note when to wake, sleep
//               B woken by the clock: 0
//               C woken by a signal's handler: EINTR, with what is left
//
// In Linux: kernel/time/posix-timers.c, hrtimer.c hrtimer_nanosleep() (6.12).
// Left out: clocks of processes, setting the clock.
import { CONF_BASE, Conf, KBUF, WaitKind } from "../abi";
import { now_ps, time_csr } from "../hw/clock";
import { EFAULT, EINVAL } from "./errno";
import { current, wait_on_nohand } from "./sched";
import { signal_pending } from "./signal";
import { copy_from_user, copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_REALTIME_COARSE: u32 = 5;
const TIMER_ABSTIME: u32 = 1;
const NSEC_PER_SEC: u64 = 1000000000;
export const PS_PER_NS: u64 = 1000;
/** More seconds than this are as good as for ever. */
const MAX_SECONDS: u64 = 1 << 33;

// @nomark
function is_wall_clock(clock: u32): bool {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

// @nomark
function epoch(): u64 {
  return load<u64>(CONF_BASE + Conf.epoch * 8);
}

/** Nanoseconds since boot. */
// @nomark
export function ktime_get(): u64 {
  return now_ps() / PS_PER_NS;
}

/** Seconds since 1970, by the machine's clock. */
// @nomark
export function current_time(): u64 {
  return epoch() + now_ps() / (NSEC_PER_SEC * PS_PER_NS);
}

/** clock_gettime(2), in the same ticks in which the vDSO counts. */
export function sys_clock_gettime(clock: u32, buf: u64): i64 {
  if (clock > 7) return -EINVAL;
  const ns = time_csr() * 100;
  const base = is_wall_clock(clock) ? epoch() : 0;
  return put_timespec(buf, base * NSEC_PER_SEC + ns);
}

/** `ns` nanoseconds as a struct timespec. => 0 or -EFAULT. */
// @nomark
function put_timespec(buf: u64, ns: u64): i64 {
  store<u64>(SCRATCH, ns / NSEC_PER_SEC);
  store<u64>(SCRATCH, ns % NSEC_PER_SEC, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** clock_getres(2): a nanosecond, and 4 ms for the coarse clocks. */
export function sys_clock_getres(clock: u32, buf: u64): i64 {
  if (clock > 7) return -EINVAL;
  if (buf == 0) return 0;
  store<u64>(SCRATCH, 0);
  store<u64>(SCRATCH, clock == 5 || clock == 6 ? 4000000 : 1, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** gettimeofday(2). */
export function sys_gettimeofday(buf: u64): i64 {
  const us = now_ps() / (PS_PER_NS * 1000);
  store<u64>(SCRATCH, us / 1000000 + epoch());
  store<u64>(SCRATCH, us % 1000000, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** Reads a struct timespec for timespec_ns. => 0, -EFAULT, or -EINVAL: not a time. */
export function get_timespec(va: u64): i64 {
  if (copy_from_user(SCRATCH, va, 16) != 0) return -EFAULT;
  const bad = load<i64>(SCRATCH) < 0 || load<u64>(SCRATCH, 8) >= NSEC_PER_SEC;
  return bad ? -EINVAL : 0;
}

/** The nanoseconds that get_timespec has read. */
// @nomark
export function timespec_ns(): u64 {
  const seconds = min<u64>(load<u64>(SCRATCH), MAX_SECONDS);
  return seconds * NSEC_PER_SEC + load<u64>(SCRATCH, 8);
}

/** The simulated time, in ps, at which they will be over. */
// @nomark
export function timespec_until(): u64 {
  return ns_to_ps(timespec_ns() + now_ps() / PS_PER_NS);
}

/** The same for a time, of the wall clock or since boot. */
// @nomark
export function timespec_deadline(wall: bool): u64 {
  const base = wall ? epoch() * NSEC_PER_SEC : 0;
  const ns = timespec_ns();
  return ns > base ? ns_to_ps(ns - base) : 0;
}

/** The clock's picoseconds last 200 days; longer is for ever. */
// @nomark
export function ns_to_ps(ns: u64): u64 {
  const never = u64.MAX_VALUE - 1;
  return ns < never / PS_PER_NS ? ns * PS_PER_NS : never;
}

/** nanosleep(2) and clock_nanosleep(2). */
export function sys_clock_nanosleep(
  clock: u32, flags: u32, request: u64, remain: u64,
): i64 {
  if (clock > 7) return -EINVAL;
  const task = current();
  if (task.restarted) {
    const now = now_ps();
    if (now >= task.wake_at) return 0; // B
    const relative = (flags & TIMER_ABSTIME) == 0;
    if (signal_pending(task) && relative && remain != 0) {
      const left = put_timespec(remain, (task.wake_at - now) / PS_PER_NS); // C
      if (left != 0) return left;
    }
    return wait_on_nohand(WaitKind.timer, 0);
  }
  const error = get_timespec(request);
  if (error != 0) return error;
  task.wake_at = timespec_until(); // A
  if (flags & TIMER_ABSTIME) {
    task.wake_at = timespec_deadline(is_wall_clock(clock));
    if (task.wake_at <= now_ps()) return 0;
  }
  return wait_on_nohand(WaitKind.timer, 0);
}
