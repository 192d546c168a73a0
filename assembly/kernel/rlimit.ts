// Limits of a process: how large its stack, its heap, its files may become.
//
//   RLIM_INFINITY   no limit
//   soft            what is enforced, and the process may change up to ...
//   hard            ... which only root raises
//
// In Linux: kernel/sys.c do_prlimit(), include/asm-generic/resource.h (6.12).
// Left out: RLIMIT_CPU, RLIMIT_NPROC and the queue limits are kept but not enforced.
import { CONF_BASE, Conf, KBUF, NR_SIGQUEUES, TASK_RLIMITS } from "../abi";
import { EFAULT, EINVAL, EPERM, ESRCH } from "./errno";
import { totalram_pages } from "./page_alloc";
import {
  current,
  current_is_root,
  find_task_by_vpid,
  task_field,
  task_struct,
} from "./sched";
import { copy_from_user, copy_to_user } from "./uaccess";

export const RLIMIT_FSIZE: u32 = 1;
export const RLIMIT_DATA: u32 = 2;
export const RLIMIT_STACK: u32 = 3;
export const RLIMIT_NOFILE: u32 = 7;
export const RLIMIT_MEMLOCK: u32 = 8;
export const RLIMIT_AS: u32 = 9;
export const RLIMIT_SIGPENDING: u32 = 11;
const RLIMIT_CORE: u32 = 4;
const RLIMIT_NPROC: u32 = 6;
const RLIMIT_MSGQUEUE: u32 = 12;
const RLIMIT_NICE: u32 = 13;
const RLIMIT_RTPRIO: u32 = 14;
const RLIM_NLIMITS: u32 = 16;
export const RLIM_INFINITY: u64 = u64.MAX_VALUE;
const SCRATCH: usize = KBUF + 0x600;

/** Where limit `resource` of `task` is: soft, then hard. */
// @nomark
function rlimit_at(task: task_struct, resource: u32): usize {
  return task_field(task, TASK_RLIMITS + (<usize>resource << 4));
}

// @nomark
function set(task: task_struct, resource: u32, soft: u64, hard: u64): void {
  const at = rlimit_at(task, resource);
  store<u64>(at, soft);
  store<u64>(at, hard, 8);
}

/** Soft limit number `resource` of `task`; sched.ts has the running task's. */
// @nomark
export function rlimit_of(task: task_struct, resource: u32): u64 {
  return load<u64>(rlimit_at(task, resource));
}

/** The limits of the first process, as Linux gives them to its own (INIT_RLIMITS). */
export function init_rlimits(task: task_struct): void {
  for (let i: u32 = 0; i < RLIM_NLIMITS; i++) {
    set(task, i, RLIM_INFINITY, RLIM_INFINITY);
  }
  const stack = load<u64>(CONF_BASE + Conf.rlimit_stack * 8);
  set(task, RLIMIT_STACK, stack != 0 ? stack : 8 << 20, RLIM_INFINITY);
  set(task, RLIMIT_CORE, 0, RLIM_INFINITY);
  set(task, RLIMIT_NOFILE, 256, 256);
  set(task, RLIMIT_SIGPENDING, NR_SIGQUEUES, NR_SIGQUEUES);
  set(task, RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
  const processes = <u64>totalram_pages() / 64;
  set(task, RLIMIT_NPROC, processes, processes);
  set(task, RLIMIT_MSGQUEUE, 819200, 819200);
  set(task, RLIMIT_NICE, 0, 0);
  set(task, RLIMIT_RTPRIO, 0, 0);
}

/** prlimit64(2): tells the old limit, sets the new one. */
export function sys_prlimit64(pid: u32, resource: u32, wanted: u64, old: u64): i64 {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const task = pid == 0 ? current() : find_task_by_vpid(pid);
  if (task == null) return -ESRCH;
  if (pid != 0 && task.uid != current().uid && !current_is_root()) return -EPERM;
  const at = rlimit_at(task, resource);
  const soft = load<u64>(at);
  const hard = load<u64>(at, 8);
  if (wanted != 0) {
    if (copy_from_user(SCRATCH, wanted, 16) != 0) return -EFAULT;
    const new_soft = load<u64>(SCRATCH);
    const new_hard = load<u64>(SCRATCH, 8);
    if (new_soft > new_hard) return -EINVAL;
    if (new_hard > hard && !current_is_root()) return -EPERM;
    if (resource == RLIMIT_NOFILE && new_hard > 256) return -EPERM;
    set(task, resource, new_soft, new_hard);
  }
  if (old == 0) return 0;
  store<u64>(SCRATCH, soft);
  store<u64>(SCRATCH, hard, 8);
  return copy_to_user(old, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}
