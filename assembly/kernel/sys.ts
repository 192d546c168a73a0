// Small system calls: which system is this, what has it, and give me random bytes.
//
//   uname      Linux pagewalk 6.12.0 #1 riscv64
//   sysinfo    uptime, memory, processes
//   prctl      the process's name, what it is sent when its parent ends; switches that
//              change nothing here are taken
//
// In Linux: kernel/sys.c, drivers/char/random.c (6.12).
// Left out: setting names.
import { KBUF, TASK_COMM, TaskState } from "../abi";
import { now_ps } from "../hw/clock";
import { EFAULT, EINVAL } from "./errno";
import { do_exit } from "./exit";
import { urandom_read } from "./mem";
import { nr_free_pages, totalram_pages } from "./page_alloc";
import { current, current_mm, nr_task_slots, task_at, task_field } from "./sched";
import { get_nr_swap_pages, total_swap_pages } from "./swapfile";
import { NSIG } from "./siginfo";
import { signal_of } from "./sigqueue";
import { copy_to_user, put_user_u32, strncpy_from_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;

/** Puts an ASCII name into one of uname's 65-byte fields, eight letters at a time. */
// @nomark
function uts_field(nr: usize, low: u64, high: u64): void {
  store<u64>(SCRATCH + nr * 65, low);
  store<u64>(SCRATCH + nr * 65, high, 8);
}

/** uname(2): Linux, pagewalk, 6.12.0, #1, riscv64. */
export function sys_newuname(buf: u64): i64 {
  memory.fill(SCRATCH, 0, 6 * 65);
  uts_field(0, 0x78756e694c, 0); // "Linux"
  uts_field(1, 0x6b6c617765676170, 0); // "pagewalk"
  uts_field(2, 0x302e32312e36, 0); // "6.12.0"
  uts_field(3, 0x3123, 0); // "#1"
  uts_field(4, 0x34367663736972, 0); // "riscv64"
  uts_field(5, 0x29656e6f6e28, 0); // "(none)"
  return copy_to_user(buf, SCRATCH, 6 * 65) == 0 ? 0 : -EFAULT;
}

/** getcpu(2): there is one, on one node. */
export function sys_getcpu(cpu: u64, node: u64): i64 {
  store<u32>(SCRATCH, 0);
  if (cpu != 0 && copy_to_user(cpu, SCRATCH, 4) != 0) return -EFAULT;
  if (node != 0 && copy_to_user(node, SCRATCH, 4) != 0) return -EFAULT;
  return 0;
}

/** getrandom(2). */
export function sys_getrandom(buf: u64, count: u64): i64 {
  return urandom_read(buf, count);
}

/** sysinfo(2). */
export function sys_sysinfo(buf: u64): i64 {
  memory.fill(SCRATCH, 0, 112);
  store<u64>(SCRATCH, now_ps() / 1000000000000);
  store<u64>(SCRATCH, <u64>totalram_pages() << 12, 32);
  store<u64>(SCRATCH, <u64>nr_free_pages() << 12, 40);
  store<u64>(SCRATCH, <u64>total_swap_pages() << 12, 64);
  store<u64>(SCRATCH, <u64>get_nr_swap_pages() << 12, 72);
  store<u16>(SCRATCH, nr_processes(), 80);
  store<u32>(SCRATCH, 1, 104); // mem_unit
  return copy_to_user(buf, SCRATCH, 112) == 0 ? 0 : -EFAULT;
}

// @nomark
function nr_processes(): u16 {
  let nr: u16 = 0;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    if (task_at(i).state != TaskState.unused) nr++;
  }
  return nr;
}

/**
 * prctl(2): the name of the process (PR_SET_NAME 15, PR_GET_NAME 16); switches that
 * change nothing here are taken (PR_SET_NO_NEW_PRIVS 38, PR_SET_THP_DISABLE 41).
 * PR_SET_PDEATHSIG 1 and PR_GET_PDEATHSIG 2: the signal of a parent's end.
 * PR_GET_DUMPABLE 3 and PR_SET_DUMPABLE 4: may others look?
 */
export function sys_prctl(option: u32, arg: u64): i64 {
  const comm = task_field(current(), TASK_COMM);
  switch (option) {
    case 15: {
      memory.fill(SCRATCH, 0, 16);
      const len = strncpy_from_user(SCRATCH, arg, 15);
      if (len == -EFAULT) return -EFAULT;
      memory.copy(comm, SCRATCH, 16);
      store<u8>(comm, 0, 15);
      return 0;
    }
    case 16: return copy_to_user(arg, comm, 16) == 0 ? 0 : -EFAULT;
    case 3: return 1 - current_mm().undumpable;
    case 4:
      if (arg > 1) return -EINVAL;
      current_mm().undumpable = 1 - <u32>arg;
      return 0;
    case 1:
      if (arg > NSIG) return -EINVAL;
      signal_of(current()).pdeath_signal = <u32>arg;
      return 0;
    case 2: return put_user_u32(arg, signal_of(current()).pdeath_signal);
    case 38:
    case 41: return 0;
    default: return -EINVAL;
  }
}

/** sched_getaffinity(2): there is one hart. => bytes written. */
export function sys_sched_getaffinity(len: u64, mask: u64): i64 {
  if (len < 8 || (len & 7) != 0) return -EINVAL;
  store<u64>(SCRATCH, 1);
  return copy_to_user(mask, SCRATCH, 8) == 0 ? 8 : -EFAULT;
}

/** exit(2), exit_group(2): with one thread they are the same. */
export function sys_exit_group(code: u32): i64 {
  do_exit(code & 0xff);
  return 0;
}
