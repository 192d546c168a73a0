// Kernel threads: tasks without a user mode. Each sleeps until it is woken for its
// work, does it in one go, and says for what, or until when, it sleeps again.
//
//   kswapd0    makes memory free before anybody has to wait for it (vmscan.ts)
//
// The program that was running goes on afterwards: a kernel thread has no registers
// that would have to be put on the hart, and no address space.
//
// In Linux: kernel/kthread.c, mm/vmscan.c kswapd_run() (6.12). There a kernel thread
// has a stack, and is preempted like everybody. Left out: kthreadd and every other
// thread that Linux starts.
import {
  CURRENT,
  KSWAPD_TASK,
  KTHREADS_WOKEN,
  NR_TASKS,
  TaskState,
  WaitKind,
} from "../abi";
import { current, task_at, task_slot, task_struct } from "./sched";
import { kswapd } from "./vmscan";

/** task_struct.kthread: which one it is. */
export const KTHREAD_KSWAPD: u32 = 1;

/** At boot, after process 1: the kernel's own tasks, asleep. */
export function kthreads_init(): void {
  const task = changetype<task_struct>(changetype<usize>(task_slot()));
  task.kthread = KTHREAD_KSWAPD;
  task.comm0 = 0x3064706177736b; // "kswapd0"
  store<u32>(KSWAPD_TASK, <u32>changetype<usize>(task));
  kthread_sleep(task, u64.MAX_VALUE);
}

/** `task` has done its work; it is woken for more, or at `until`. */
// @nomark
export function kthread_sleep(task: task_struct, until: u64): void {
  task.state = TaskState.interruptible;
  task.wait_kind = WaitKind.kthread;
  task.wait_on = <u32>changetype<usize>(task);
  task.wake_at = until;
}

/** Lets every kernel thread that was woken do its work. */
export function run_kthreads(): void {
  const before = load<u32>(CURRENT);
  while (load<u32>(KTHREADS_WOKEN) != 0) {
    store<u32>(KTHREADS_WOKEN, 0);
    for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
      const task = task_at(i);
      if (task.kthread == 0 || task.state != TaskState.running) continue;
      store<u32>(CURRENT, <u32>changetype<usize>(task));
      kswapd(current());
    }
  }
  store<u32>(CURRENT, before);
}
