// How the kernel reads and writes a program's memory: through the same page tables, so
// its accesses fault like the program's own, and are counted like them.
//
//   copy_to_user(0x10ffe, from, 6)     two pages, so two accesses:
//       translate 0x10ffe .. 0x10fff     may fault: do_page_fault, then again
//       translate 0x11000 .. 0x11003     may fault
//
// In Linux: arch/riscv/include/asm/uaccess.h, lib/usercopy.c, lib/strnlen_user.c
// (6.12).
// Left out: the exception table that lets a single load fail (translate answers
// instead).
import { Access, HART_WATCH, KBUF, WatchFor } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { cache_access, cache_is_on } from "../hw/cache";
import { translate } from "../hw/mmu";
import { EFAULT, ENAMETOOLONG } from "./errno";
import { do_page_fault } from "./fault";
import { TASK_SIZE } from "./pgtable";
import { mark_access } from "./swap";

const PUT_SCRATCH: usize = KBUF + 0x7f8;

/** Is [va, va + len) inside the half of the address space that programs have? */
// @nomark
export function access_ok(va: u64, len: u64): bool {
  return len <= TASK_SIZE && va <= TASK_SIZE - len;
}

/**
 * `len` bytes at `va`, all in one page, are to be read or written.
 * => where they lie in the simulator's memory, after faults were served; 0 if never.
 */
export function user_page(va: u64, access: u32, len: u64 = 1): usize {
  let p = translate(va, access, true);
  while (p == 0) {
    if (!do_page_fault(va, access, false)) return 0;
    p = translate(va, access, true);
  }
  if (load<u32>(HART_WATCH) != 0) tell_access(p, <u32>len);
  return p;
}

/** `len` bytes at `p` are used: those who must know every access are told. */
// @nomark
export function tell_access(p: usize, len: u32): void {
  const at = p - frame_addr(0);
  if (load<u32>(HART_WATCH) & WatchFor.policy) mark_access(<u32>(at >> 12));
  if (cache_is_on()) cache_access(<u32>(at >> 12), <u32>at & 4095, len);
}

/** Bytes from `va` to the end of its page, at most `len`. */
// @nomark
function chunk_at(va: u64, len: u64): u64 {
  return min<u64>(4096 - (va & 4095), len);
}

/** Copies `len` bytes to user memory. => bytes NOT copied: 0 is success. */
export function copy_to_user(va: u64, from: usize, len: u64): u64 {
  if (!access_ok(va, len)) return len;
  while (len > 0) {
    const chunk = chunk_at(va, len);
    const p = user_page(va, Access.Write, chunk);
    if (p == 0) return len;
    frame_written(<u32>((p - frame_addr(0)) >> 12));
    memory.copy(p, from, <usize>chunk);
    va += chunk;
    from += <usize>chunk;
    len -= chunk;
  }
  return 0;
}

/** Copies `len` bytes from user memory. => bytes NOT copied: 0 is success. */
export function copy_from_user(to: usize, va: u64, len: u64): u64 {
  if (!access_ok(va, len)) return len;
  while (len > 0) {
    const chunk = chunk_at(va, len);
    const p = user_page(va, Access.Read, chunk);
    if (p == 0) return len;
    memory.copy(to, p, <usize>chunk);
    va += chunk;
    to += <usize>chunk;
    len -= chunk;
  }
  return 0;
}

/** Writes zeros to user memory. => bytes NOT cleared. */
export function clear_user(va: u64, len: u64): u64 {
  if (!access_ok(va, len)) return len;
  while (len > 0) {
    const chunk = chunk_at(va, len);
    const p = user_page(va, Access.Write, chunk);
    if (p == 0) return len;
    frame_written(<u32>((p - frame_addr(0)) >> 12));
    memory.fill(p, 0, <usize>chunk);
    va += chunk;
    len -= chunk;
  }
  return 0;
}

/** Writes one 64-bit word. => 0 or -EFAULT. */
// @nomark
export function put_user(va: u64, value: u64, scratch: usize): i64 {
  store<u64>(scratch, value);
  return copy_to_user(va, scratch, 8) == 0 ? 0 : -EFAULT;
}

/** Writes one 32-bit word. => 0 or -EFAULT. */
// @nomark
export function put_user_u32(va: u64, value: u32): i64 {
  store<u32>(PUT_SCRATCH, value);
  return copy_to_user(va, PUT_SCRATCH, 4) == 0 ? 0 : -EFAULT;
}

/**
 * Bytes of the string at `va` with its NUL.
 * => 0 when it cannot be read; more than `max` when it does not end within `max`.
 */
export function strnlen_user(va: u64, max: u64): u64 {
  let done: u64 = 0;
  while (done < max) {
    if (!access_ok(va + done, 1)) return 0;
    const chunk = chunk_at(va + done, max - done);
    const p = user_page(va + done, Access.Read);
    if (p == 0) return 0;
    for (let i: u64 = 0; i < chunk; i++) {
      if (load<u8>(p + <usize>i) == 0) return done + i + 1;
    }
    done += chunk;
  }
  return max + 1;
}

/**
 * Copies a NUL-terminated string, at most `max` bytes with its NUL, to `to`.
 * => its length without the NUL, -EFAULT, or -ENAMETOOLONG when it does not end.
 */
export function strncpy_from_user(to: usize, va: u64, max: u64): i64 {
  let done: u64 = 0;
  while (done < max) {
    if (!access_ok(va + done, 1)) return -EFAULT;
    const chunk = chunk_at(va + done, max - done);
    const p = user_page(va + done, Access.Read);
    if (p == 0) return -EFAULT;
    for (let i: u64 = 0; i < chunk; i++) {
      const c = load<u8>(p + <usize>i);
      store<u8>(to + <usize>(done + i), c);
      if (c == 0) return <i64>(done + i);
    }
    done += chunk;
  }
  return -ENAMETOOLONG;
}
