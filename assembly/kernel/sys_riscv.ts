// System calls that only RISC-V has: what can this processor do, and "I wrote code".
//
//   riscv_hwprobe       pairs of key and value; the program gives keys, the kernel
//                       values: A known, B unknown (the key becomes -1)
//   riscv_flush_icache  instructions fetched from now on are what was stored before
//
// In Linux: arch/riscv/kernel/sys_hwprobe.c, sys_riscv.c (6.12).
// Left out: asking which processors have a value (RISCV_HWPROBE_WHICH_CPUS): there is
// one, and glibc does not ask.
import { KBUF } from "../abi";
import { EFAULT, EINVAL } from "./errno";
import { copy_from_user, copy_to_user } from "./uaccess";
import { RISCV_HWPROBE_KEYS, hwprobe_value } from "./vdso";

const PAIR: usize = KBUF + 0x6a0;

/**
 * riscv_hwprobe(2) of `count` pairs at `pairs`, for the processors of a set.
 * => 0, -EINVAL (flags, a set of none), -EFAULT.
 */
export function sys_riscv_hwprobe(
  pairs: u64, count: u64, cpusetsize: u64, cpus: u64, flags: u32,
): i64 {
  if (flags != 0) return -EINVAL;
  if (cpusetsize != 0 || cpus != 0) {
    const size = min<u64>(cpusetsize, 8);
    store<u64>(PAIR, 0);
    if (copy_from_user(PAIR, cpus, size) != 0) return -EFAULT;
    if ((load<u8>(PAIR) & 1) == 0) return -EINVAL;
  }
  for (let i: u64 = 0; i < count; i++) {
    const at = pairs + i * 16;
    if (copy_from_user(PAIR, at, 8) != 0) return -EFAULT;
    const key = load<u64>(PAIR);
    const known = key < RISCV_HWPROBE_KEYS;
    store<u64>(PAIR, known ? key : u64.MAX_VALUE); // A, B
    store<u64>(PAIR, known ? hwprobe_value(key) : 0, 8);
    if (copy_to_user(at, PAIR, 16) != 0) return -EFAULT;
  }
  return 0;
}

/** riscv_flush_icache(2): stores are seen by fetches at once on this machine. */
export function sys_riscv_flush_icache(flags: u64): i64 {
  return flags & ~(<u64>1) ? -EINVAL : 0;
}
