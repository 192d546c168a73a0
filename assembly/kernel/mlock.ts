// Locked memory: pages that must never be looked for on a disk. A locked area's pages
// are brought in at once, and reclaim passes over them.
//
//   mlock      |--- area ---|  =>  |-- --|LOCKED|-- --|     cut, marked, populated
//   mlock2     MLOCK_ONFAULT: marked, each page stays from its first touch on
//   munlock    the mark goes, the pages stay until somebody needs their frames
//   mlockall   A every area there is (MCL_CURRENT), B every area to come (MCL_FUTURE)
//
// mm.locked_vm counts the pages of locked areas, present or not: RLIMIT_MEMLOCK is
// about what was asked for.
//
// In Linux: mm/mlock.c do_mlock(), apply_vma_lock_flags(), mlock_fixup() (6.12).
// Left out: moving pages to the unevictable list here: reclaim does when it meets one.
import { VM } from "../abi";
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "./errno";
import { __mm_populate, mm_populate } from "./gup";
import { PAGE_ALIGN, offset_in_page } from "./mmap";
import { mm_struct, vm_area_struct } from "./mm_types";
import { TASK_SIZE, pte_offset, pte_pfn, pte_present } from "./pgtable";
import { RLIMIT_MEMLOCK } from "./rlimit";
import { current_is_root, current_mm, rlimit } from "./sched";
import { folio_rescue } from "./shrink_folio";
import { find_vma } from "./vma";
import { vma_modify_flags } from "./vma_merge";

const MLOCK_ONFAULT: u32 = 1;
const MCL_CURRENT: u32 = 1;
const MCL_FUTURE: u32 = 2;
const MCL_ONFAULT: u32 = 4;
export const VM_LOCKED_MASK: u32 = VM.LOCKED | VM.LOCKONFAULT;
const VM_SPECIAL: u32 = VM.PFNMAP | VM.DONTEXPAND;

/** May this process lock any memory at all? */
// @nomark
export function can_do_mlock(): bool {
  return rlimit(RLIMIT_MEMLOCK) != 0 || current_is_root();
}

/** May `len` more bytes with these flags be mapped, as far as locking goes? */
// @nomark
export function mlock_future_ok(mm: mm_struct, vm_flags: u32, len: u64): bool {
  if ((vm_flags & VM.LOCKED) == 0 || current_is_root()) return true;
  return (len >> 12) + mm.locked_vm <= rlimit(RLIMIT_MEMLOCK) >> 12;
}

/** Pages of [start, start + len) in areas that are locked already. */
// @nomark
function count_mm_mlocked_page_nr(mm: mm_struct, start: u64, len: u64): u64 {
  let pages: u64 = 0;
  for (let vma = find_vma(mm, start); vma != null; vma = vma!.vm_next) {
    if (vma.vm_start >= start + len) break;
    if ((vma.vm_flags & VM.LOCKED) == 0) continue;
    const end = min<u64>(vma.vm_end, start + len);
    pages += (end - max<u64>(vma.vm_start, start)) >> 12;
  }
  return pages;
}

/**
 * mlock(2), mlock2(2): `lock` is what the areas become.
 * => 0; -EPERM, -ENOMEM (a hole, the limit, no permission at all), -EINVAL, -EAGAIN.
 */
export function do_mlock(start: u64, len: u64, lock: u32): i64 {
  if (!can_do_mlock()) return -EPERM;
  const mm = current_mm();
  len = PAGE_ALIGN(len + offset_in_page(start));
  start -= offset_in_page(start);
  const limit = rlimit(RLIMIT_MEMLOCK) >> 12;
  let locked = (len >> 12) + mm.locked_vm;
  if (locked > limit && !current_is_root()) {
    locked -= count_mm_mlocked_page_nr(mm, start, len);
    if (locked > limit) return -ENOMEM;
  }
  let error = apply_vma_lock_flags(mm, start, len, lock);
  if (error != 0) return error;
  error = __mm_populate(start, len, false);
  // What POSIX calls them.
  if (error == -EFAULT) return -ENOMEM;
  return error == -ENOMEM ? -EAGAIN : error;
}

/** mlock2(2). */
export function sys_mlock2(start: u64, len: u64, flags: u32): i64 {
  if (flags & ~MLOCK_ONFAULT) return -EINVAL;
  return do_mlock(start, len, flags != 0 ? VM_LOCKED_MASK : VM.LOCKED);
}

/** munlock(2). */
export function sys_munlock(start: u64, len: u64): i64 {
  len = PAGE_ALIGN(len + offset_in_page(start));
  return apply_vma_lock_flags(current_mm(), start - offset_in_page(start), len, 0);
}

/** Gives the areas of a range the flags `lock`. => 0, -EINVAL, -ENOMEM (a hole). */
export function apply_vma_lock_flags(
  mm: mm_struct, start: u64, len: u64, lock: u32,
): i64 {
  const end = start + len;
  if (end < start) return -EINVAL;
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == null || vma.vm_start > at) return -ENOMEM;
    const stop = min<u64>(end, vma.vm_end);
    const flags = (vma.vm_flags & ~VM_LOCKED_MASK) | lock;
    const error = mlock_fixup(mm, vma, at, stop, flags);
    if (error != 0) return error;
    at = stop;
  }
  return 0;
}

/** Gives [start, end), inside `vma`, the flags `newflags`. => 0 or -ENOMEM. */
export function mlock_fixup(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, newflags: u32,
): i64 {
  const oldflags = vma.vm_flags;
  if (newflags == oldflags || (oldflags & VM_SPECIAL) != 0) return 0;
  const part = vma_modify_flags(mm, vma, start, end, newflags);
  if (part == null) return -ENOMEM;
  const pages = (end - start) >> 12;
  if ((newflags & VM.LOCKED) == 0) mm.locked_vm -= pages;
  else if ((oldflags & VM.LOCKED) == 0) mm.locked_vm += pages;
  part.vm_flags = newflags;
  if ((newflags & VM.LOCKED) == 0) munlock_vma_pages_range(mm, start, end);
  return 0;
}

/** The pages of [start, end) may be reclaimed again. */
function munlock_vma_pages_range(mm: mm_struct, start: u64, end: u64): void {
  for (let va = start; va < end; va += 4096) {
    const slot = pte_offset(mm, va);
    if (slot == 0) va |= 0x1ff000; // no table: nothing below it
    else if (pte_present(load<u64>(slot))) folio_rescue(pte_pfn(load<u64>(slot)));
  }
}

/** mlockall(2). => 0, -EINVAL, -EPERM, -ENOMEM. */
export function sys_mlockall(flags: u32): i64 {
  if (flags == 0 || flags == MCL_ONFAULT) return -EINVAL;
  if (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) return -EINVAL;
  if (!can_do_mlock()) return -EPERM;
  const fits = current_mm().total_vm <= rlimit(RLIMIT_MEMLOCK) >> 12;
  if ((flags & MCL_CURRENT) != 0 && !fits && !current_is_root()) return -ENOMEM;
  apply_mlockall_flags(flags);
  if (flags & MCL_CURRENT) mm_populate(0, TASK_SIZE);
  return 0;
}

/** munlockall(2). */
export function sys_munlockall(): i64 {
  apply_mlockall_flags(0);
  return 0;
}

/** B, then A; areas that cannot be changed stay as they are. */
function apply_mlockall_flags(flags: u32): void {
  const mm = current_mm();
  const onfault: u32 = flags & MCL_ONFAULT ? VM.LOCKONFAULT : 0;
  mm.def_flags &= ~VM_LOCKED_MASK;
  if (flags & MCL_FUTURE) {
    mm.def_flags |= VM.LOCKED | onfault;
    if ((flags & MCL_CURRENT) == 0) return;
  }
  const lock: u32 = flags & MCL_CURRENT ? VM.LOCKED | onfault : 0;
  let at: u64 = 0;
  for (let vma = find_vma(mm, at); vma != null; vma = find_vma(mm, at)) {
    at = vma.vm_end;
    const newflags = (vma.vm_flags & ~VM_LOCKED_MASK) | lock;
    mlock_fixup(mm, vma, vma.vm_start, vma.vm_end, newflags);
  }
}
