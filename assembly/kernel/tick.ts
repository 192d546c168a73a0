// The timer: when does it interrupt next, and what is due then?
//
//   due     a sleeper's wake_at, an interval timer, the end of a turn
//
//   now --------- a turn's end ----------- a sleeper's time ------------>
//                      ^ TICK_AT: the first of them, in instructions from now; never,
//                        when nobody waits for the hart or the time
//
// A machine with one program that never sleeps is never interrupted.
//
// In Linux: kernel/time/tick-sched.c, hrtimer.c hrtimer_interrupt();
// kernel/sched/core.c sched_tick() (6.12).
// Left out: a tick that comes when nobody needs it.
import {
  HART_INSTRET,
  NEED_RESCHED,
  QUANTUM_END,
  TICK_AT,
  TaskState,
} from "../abi";
import { Cost, cost, now_ps } from "../hw/clock";
import {
  cpu_timer_left,
  it_real_fn,
  itimer_deadline,
  run_posix_cpu_timers,
} from "./itimer";
import {
  current,
  is_asleep,
  nr_task_slots,
  others_can_run,
  sched_quantum,
  task_at,
  try_to_wake_up,
} from "./sched";
import { proposal_timer } from "../proposal/proposal";

/** The timer: wakes the tasks whose time has come, and ends a turn that is over. */
export function sched_tick(): void {
  run_timers(now_ps());
  run_posix_cpu_timers(current());
  if (load<u64>(HART_INSTRET) < load<u64>(QUANTUM_END)) return;
  if (others_can_run()) store<u32>(NEED_RESCHED, 1);
}

/** Wakes the sleepers whose wake_at has passed, and sends the alarms that are due. */
// @nomark
export function run_timers(now: u64): void {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state == TaskState.unused) continue;
    if (task.wake_at <= now) try_to_wake_up(task);
    if (itimer_deadline(task) <= now) it_real_fn(task);
  }
}

/** => the earliest wake_at of all sleepers, or interval timer; or u64.MAX_VALUE. */
// @nomark
export function next_timer(): u64 {
  let first = u64.MAX_VALUE;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state == TaskState.unused) continue;
    first = min<u64>(first, itimer_deadline(task));
    if (is_asleep(task)) first = min<u64>(first, task.wake_at);
  }
  return first;
}

/**
 * Arms the timer for the way back to user mode: it is needed while somebody waits for
 * the hart or for the time. Walks and faults on the way take time too, so that a timer
 * is noticed late by no more than they last.
 */
// @nomark
export function arm_tick(): void {
  const ps = now_ps();
  let first = next_timer();
  const left_ps = cpu_timer_left(current());
  if (left_ps != u64.MAX_VALUE) first = min<u64>(first, ps + left_ps);
  first = min<u64>(first, proposal_timer());
  if (!others_can_run() && first == u64.MAX_VALUE) {
    store<u64>(TICK_AT, u64.MAX_VALUE);
    return;
  }
  const now = load<u64>(HART_INSTRET);
  if (load<u64>(QUANTUM_END) <= now) store<u64>(QUANTUM_END, now + sched_quantum());
  const insns = first > ps ? (first - ps) / cost(Cost.Insn) + 1 : 1;
  const left = load<u64>(QUANTUM_END) - now;
  store<u64>(TICK_AT, now + min<u64>(insns, left));
}
