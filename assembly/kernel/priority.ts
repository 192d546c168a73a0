// nice: how much of the processor a process leaves to others, -20 to 19.
//
//   A one process    B a process group    C all processes of a user
//
// Asking gives the most favoured of them, as 20 - nice, so that no answer is negative.
//
// In Linux: kernel/sys.c set_one_prio(), sys_getpriority() (6.12).
// Left out: the scheduler does not look at it; RLIMIT_NICE.
import { NR_TASKS, TASK_NICE, TaskState } from "../abi";
import { EACCES, EINVAL, EPERM, ESRCH } from "./errno";
import { current, current_is_root, task_at, task_field, task_struct } from "./sched";

const PRIO_PROCESS: u32 = 0;
const PRIO_PGRP: u32 = 1;
const PRIO_USER: u32 = 2;

// @nomark
export function task_nice(task: task_struct): i32 {
  return load<i32>(task_field(task, TASK_NICE));
}

/** A, B, C: is the task among those that (which, who) means? */
function is_meant(task: task_struct, which: u32, who: u32): bool {
  const me = current();
  if (task.state == TaskState.unused || task.state == TaskState.dead) return false;
  if (which == PRIO_PROCESS) return task.pid == (who == 0 ? me.pid : who);
  if (which == PRIO_PGRP) return task.pgrp == (who == 0 ? me.pgrp : who);
  return task.uid == (who == 0 ? me.uid : who);
}

/** getpriority(2). => 20 - nice of the most favoured, -EINVAL or -ESRCH. */
export function sys_getpriority(which: u32, who: u32): i64 {
  if (which > PRIO_USER) return -EINVAL;
  let best: i64 = -ESRCH;
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = task_at(i);
    if (!is_meant(task, which, who)) continue;
    best = max<i64>(best, 20 - task_nice(task));
  }
  return best;
}

/** setpriority(2). => 0, -EINVAL, -ESRCH, -EPERM (another's) or -EACCES (favour). */
export function sys_setpriority(which: u32, who: u32, niceval: i32): i64 {
  if (which > PRIO_USER) return -EINVAL;
  const nice = min<i32>(max<i32>(niceval, -20), 19);
  let error: i64 = -ESRCH;
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = task_at(i);
    if (!is_meant(task, which, who)) continue;
    const one = set_one_prio(task, nice);
    if (error == -ESRCH || one != 0) error = one;
  }
  return error;
}

function set_one_prio(task: task_struct, nice: i32): i64 {
  const me = current();
  if (!current_is_root()) {
    if (me.euid != task.uid && me.euid != task.euid) return -EPERM;
    if (nice < task_nice(task)) return -EACCES;
  }
  store<i32>(task_field(task, TASK_NICE), nice);
  return 0;
}
