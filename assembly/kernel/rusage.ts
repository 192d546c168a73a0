// What a process has used: time and faults.
//
//   RUSAGE_SELF       its own
//   RUSAGE_CHILDREN   of those it has waited for, and of those they have waited for
//   RUSAGE_BOTH       what its parent is told when it waits for it
//
// User time is the instructions it has retired, at the era's price of one; system time
// is not told apart by process and is given as 0.
//
// In Linux: kernel/sys.c getrusage(), do_sys_times() (6.12).
// Left out: maximum resident size, context switches, block operations of a process.
import { KBUF } from "../abi";
import { Cost, cost, now_ps } from "../hw/clock";
import { EFAULT, EINVAL } from "./errno";
import { account_instret, current, task_struct } from "./sched";
import { copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
const RUSAGE_SELF: i32 = 0;
const RUSAGE_CHILDREN: i32 = -1;
const RUSAGE_THREAD: i32 = 1;
/** Its own and its children's, as a parent that waits for it is told. */
export const RUSAGE_BOTH: i32 = -2;

/** Fills a struct rusage (144 bytes). => 0 or -EFAULT. */
export function put_user_rusage(task: task_struct, who: i32, buf: u64): i64 {
  let instret: u64 = 0;
  let minor: u64 = 0;
  let major: u64 = 0;
  if (who != RUSAGE_CHILDREN) {
    instret = task.run_instret;
    minor = task.min_flt;
    major = task.maj_flt;
  }
  if (who == RUSAGE_CHILDREN || who == RUSAGE_BOTH) {
    instret += task.cinstret;
    minor += task.cmin_flt;
    major += task.cmaj_flt;
  }
  const us = instret * cost(Cost.Insn) / 1000000;
  memory.fill(SCRATCH, 0, 144);
  store<u64>(SCRATCH, us / 1000000);
  store<u64>(SCRATCH, us % 1000000, 8);
  store<u64>(SCRATCH, minor, 64);
  store<u64>(SCRATCH, major, 72);
  return copy_to_user(buf, SCRATCH, 144) == 0 ? 0 : -EFAULT;
}

/** getrusage(2). */
export function sys_getrusage(who: i32, buf: u64): i64 {
  if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) {
    return -EINVAL;
  }
  account_instret(current());
  return put_user_rusage(current(), who, buf);
}

/** times(2), in ticks of 10 ms. => ticks since boot. */
export function sys_times(buf: u64): i64 {
  const task = current();
  account_instret(task);
  const tick: u64 = 10000000000; // ps
  memory.fill(SCRATCH, 0, 32);
  store<u64>(SCRATCH, task.run_instret * cost(Cost.Insn) / tick);
  store<u64>(SCRATCH, task.cinstret * cost(Cost.Insn) / tick, 16);
  if (buf != 0 && copy_to_user(buf, SCRATCH, 32) != 0) return -EFAULT;
  return now_ps() / tick;
}
