// Small system calls: who am I, what time is it, what are my limits.
//
// In Linux: kernel/sys.c, kernel/time/, kernel/signal.c (6.12).
// Left out: setting limits and names, clocks other than real and monotonic time.
import { CONF_BASE, Conf, DISK_ROOT_INO, KBUF } from "../abi";
import { now_ps, time_csr } from "../hw/clock";
import { EFAULT, EINVAL, EPERM, ERANGE } from "./errno";
import { do_exit } from "./exit";
import { nr_free_pages, totalram_pages } from "./page_alloc";
import { get_random_bytes } from "./random";
import { current } from "./sched";
import {
  SI_TKILL,
  SI_USER,
  force_sig_fault,
  sig_kernel_ignore,
} from "./signal";
import { copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
const RLIM_INFINITY: u64 = u64.MAX_VALUE;
const ESRCH: i64 = 3;

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

/**
 * clock_gettime(2): real time is the machine's epoch plus simulated time, in the same
 * ticks in which the vDSO counts it.
 */
export function sys_clock_gettime(clock: u32, buf: u64): i64 {
  const ns = time_csr() * 100;
  let seconds = ns / 1000000000;
  if (clock == 0 || clock == 5) seconds += load<u64>(CONF_BASE + Conf.epoch * 8);
  else if (clock > 7) return -EINVAL;
  store<u64>(SCRATCH, seconds);
  store<u64>(SCRATCH, ns % 1000000000, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** clock_getres(2): what Linux says of its high-resolution clocks. */
export function sys_clock_getres(clock: u32, buf: u64): i64 {
  if (clock > 7) return -EINVAL;
  store<u64>(SCRATCH, 0);
  store<u64>(SCRATCH, 1, 8);
  if (buf == 0) return 0;
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** getcpu(2): there is one, on one node. */
export function sys_getcpu(cpu: u64, node: u64): i64 {
  store<u32>(SCRATCH, 0);
  if (cpu != 0 && copy_to_user(cpu, SCRATCH, 4) != 0) return -EFAULT;
  if (node != 0 && copy_to_user(node, SCRATCH, 4) != 0) return -EFAULT;
  return 0;
}

/** gettimeofday(2). */
export function sys_gettimeofday(buf: u64): i64 {
  const us = now_ps() / 1000000;
  store<u64>(SCRATCH, us / 1000000 + load<u64>(CONF_BASE + Conf.epoch * 8));
  store<u64>(SCRATCH, us % 1000000, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** getrusage(2): fault counts, and all the time as the program's own. */
export function sys_getrusage(who: i32, buf: u64): i64 {
  if (who < -1 || who > 1) return -EINVAL;
  memory.fill(SCRATCH, 0, 144);
  if (who != -1) {
    const us = now_ps() / 1000000;
    store<u64>(SCRATCH, us / 1000000);
    store<u64>(SCRATCH, us % 1000000, 8);
    store<u64>(SCRATCH, current().min_flt, 64);
    store<u64>(SCRATCH, current().maj_flt, 72);
  }
  return copy_to_user(buf, SCRATCH, 144) == 0 ? 0 : -EFAULT;
}

/** prlimit64(2), asking only: the stack has a limit, the rest has none. */
export function sys_prlimit64(pid: u32, resource: u32, wanted: u64, buf: u64): i64 {
  if (resource > 15) return -EINVAL;
  if (pid != 0 && pid != current().pid) return -ESRCH;
  if (wanted != 0) return -EPERM;
  if (buf == 0) return 0;
  let soft = RLIM_INFINITY;
  let hard = RLIM_INFINITY;
  if (resource == 3) soft = current().rlim_stack;
  if (resource == 7) {
    soft = 256; // RLIMIT_NOFILE
    hard = 256;
  }
  store<u64>(SCRATCH, soft);
  store<u64>(SCRATCH, hard, 8);
  return copy_to_user(buf, SCRATCH, 16) == 0 ? 0 : -EFAULT;
}

/** getrandom(2). */
export function sys_getrandom(buf: u64, count: u64): i64 {
  let done: u64 = 0;
  while (done < count) {
    const chunk = min<u64>(count - done, 256);
    get_random_bytes(SCRATCH, chunk);
    if (copy_to_user(buf + done, SCRATCH, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    done += chunk;
  }
  return <i64>done;
}

/** sysinfo(2). */
export function sys_sysinfo(buf: u64): i64 {
  memory.fill(SCRATCH, 0, 112);
  store<u64>(SCRATCH, now_ps() / 1000000000000);
  store<u64>(SCRATCH, <u64>totalram_pages() << 12, 32);
  store<u64>(SCRATCH, <u64>nr_free_pages() << 12, 40);
  store<u16>(SCRATCH, 1, 80); // procs
  store<u32>(SCRATCH, 1, 104); // mem_unit
  return copy_to_user(buf, SCRATCH, 112) == 0 ? 0 : -EFAULT;
}

/** getcwd(2), for the root; elsewhere the path would have to be searched upward. */
export function sys_getcwd(buf: u64, size: u64): i64 {
  if (current().cwd != DISK_ROOT_INO) return -38;
  if (size < 2) return -ERANGE;
  store<u16>(SCRATCH, 0x2f);
  return copy_to_user(buf, SCRATCH, 2) == 0 ? 2 : -EFAULT;
}

/** kill(2), tkill(2), tgkill(2) of the process itself: there is no other. */
export function sys_kill(pid: i32, signo: u32, to_thread: bool): i64 {
  if (signo > 64) return -EINVAL;
  const own = <u32>pid == current().pid || (!to_thread && (pid == 0 || pid == -1));
  if (!own) return -ESRCH;
  if (signo == 0 || sig_kernel_ignore(signo)) return 0;
  force_sig_fault(signo, to_thread ? SI_TKILL : SI_USER, 0);
  return 0;
}

/** exit(2), exit_group(2): with one thread they are the same. */
export function sys_exit_group(code: u32): i64 {
  do_exit(code & 0xff);
  return 0;
}
