// Bringing pages in before anybody touches them: MAP_POPULATE, mlock and
// MADV_POPULATE_* make every page of a range present, each by a fault of its own.
//
//   for each page          A  there already, and writable if it has to be: nothing
//                          B  a fault, as a touch would take; it counts as one
//                          C  the area forbids it, no such page, no memory: it ends
//
//   write faults           private areas that may be written get their own pages at
//                          once; shared ones are only read, not to make them dirty
//   mlock, MAP_POPULATE    need only some permission, whichever it is (FOLL_FORCE)
//
// In Linux: mm/gup.c __get_user_pages(), populate_vma_page_range(),
// faultin_page_range(), __mm_populate() (6.12).
// Left out: pinning pages for a device, which is what the rest of gup.c is for.
import { PAGE_SIZE, VM } from "../abi";
import { EFAULT, EINVAL, ENOMEM } from "./errno";
import { faultin_vma } from "./fault";
import { VM_FAULT_ERROR, VM_FAULT_OOM } from "./memory";
import { mm_struct, vm_area_struct } from "./mm_types";
import { pte_offset, pte_present, pte_write } from "./pgtable";
import { current_mm } from "./sched";
import { find_vma, find_vma_intersection } from "./vma";

const VM_ACCESS: u32 = VM.READ | VM.WRITE | VM.EXEC;

/** A: is the page at `va` mapped, for writing if `write`? */
// @nomark
function follow_page(mm: mm_struct, va: u64, write: bool): bool {
  const slot = pte_offset(mm, va);
  if (slot == 0) return false;
  const pte = load<u64>(slot);
  return pte_present(pte) && (!write || pte_write(pte));
}

/**
 * Makes the pages of [start, end), inside `vma`, present.
 * => how many were made so before the first that could not be; when that is none at
 * all, -EFAULT (no such page) or -ENOMEM.
 */
export function get_user_pages(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, write: bool,
): i64 {
  for (let va = start; va < end; va += PAGE_SIZE) {
    if (follow_page(mm, va, write)) continue; // A
    const fault = faultin_vma(mm, vma, va, write); // B
    if ((fault & VM_FAULT_ERROR) == 0) continue;
    const done = <i64>((va - start) >> 12); // C
    if (done > 0) return done;
    return fault & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
  }
  return <i64>((end - start) >> 12);
}

/**
 * What mlock and MAP_POPULATE do with [start, end), inside `vma`. Areas that are locked
 * page by page (MLOCK_ONFAULT) are left to their faults.
 * => pages, -EFAULT or -ENOMEM.
 */
export function populate_vma_page_range(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64,
): i64 {
  if (vma.vm_flags & VM.LOCKONFAULT) return <i64>((end - start) >> 12);
  if ((vma.vm_flags & VM_ACCESS) == 0) return -EFAULT; // C
  const write = (vma.vm_flags & (VM.WRITE | VM.SHARED)) == VM.WRITE;
  return get_user_pages(mm, vma, start, end, write);
}

/**
 * Every area of [start, start + len) as above; holes are passed over.
 * => 0, or, unless errors are ignored, -EFAULT or -ENOMEM.
 */
export function __mm_populate(start: u64, len: u64, ignore_errors: bool): i64 {
  const mm = current_mm();
  const end = start + len;
  let at = start;
  while (at < end) {
    const vma = find_vma_intersection(mm, at, end);
    if (vma == null) break;
    const stop = min<u64>(end, vma.vm_end);
    at = max<u64>(at, vma.vm_start);
    if (vma.vm_flags & VM.PFNMAP) {
      at = stop;
      continue;
    }
    const pages = populate_vma_page_range(mm, vma, at, stop);
    if (pages < 0 && !ignore_errors) return pages;
    at = pages < 0 ? stop : at + (<u64>pages << 12);
  }
  return 0;
}

/** The same for MAP_POPULATE, which does not say what it could not do. */
// @nomark
export function mm_populate(start: u64, len: u64): void {
  __mm_populate(start, len, true);
}

/**
 * MADV_POPULATE_READ and _WRITE: the permissions must allow it.
 * => 0; -EINVAL where they do not, -EFAULT past a file's end, -ENOMEM (a hole too).
 */
export function madvise_populate(start: u64, end: u64, write: bool): i64 {
  const mm = current_mm();
  let at = start;
  while (at < end) {
    const vma = find_vma(mm, at);
    if (vma == null || vma.vm_start > at) return -ENOMEM;
    const needed: u32 = write ? VM.WRITE : VM.READ;
    if (vma.vm_flags & VM.PFNMAP) return -EINVAL;
    if ((vma.vm_flags & needed) == 0) return -EINVAL;
    const stop = min<u64>(end, vma.vm_end);
    const pages = get_user_pages(mm, vma, at, stop, write);
    if (pages < 0) return pages;
    at += <u64>pages << 12;
  }
  return 0;
}
