// Changing what a range may be used for: areas are split at its ends, their flags
// change, and the pages already there follow.
//
//   before   |----- r-x -----|----- rw- -----|
//   mprotect          [ r-- over this ]
//   after    |- r-x -|r--|r--|---- rw- ------|     then equal neighbours merge
//
//   A  a page loses a permission at once
//   B  it gains read or execute at once
//   C  it gains write at once only if it is private and nobody else's, or of a shared
//      file and dirty already; otherwise the next write faults and decides
//
// In Linux: mm/mprotect.c, do_mprotect_pkey(), mprotect_fixup(), change_pte_range()
// (6.12). Left out: protection keys, hugetlb, userfaultfd.
import { PAGE_SIZE, PG, VM } from "../abi";
import { EACCES, EINVAL, ENOMEM } from "./errno";
import { populate_vma_page_range } from "./gup";
import {
  PAGE_ALIGN,
  calc_vm_prot_bits,
  may_expand_vm,
  offset_in_page,
  vma_wants_writenotify,
} from "./mmap";
import { find_vma, vm_stat_account } from "./vma";
import { vma_modify_flags } from "./vma_merge";
import { mem_map, mm_struct, vm_area_struct } from "./mm_types";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  mk_pte,
  pte_mkspecial,
  pte_mkwrite,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_special,
  set_pte,
} from "./pgtable";
import { current_mm } from "./sched";
import { vm_acct_memory, vm_enough_memory, vm_unacct_memory } from "./util";

const VM_ACCESS: u32 = VM.READ | VM.WRITE | VM.EXEC;
const PROT_SEM: u32 = 8;
/** The change reaches to the start of the stack's area, or to its end. */
const PROT_GROWSDOWN: u32 = 0x1000000;
const PROT_GROWSUP: u32 = 0x2000000;

/**
 * mprotect(2).
 * => 0; -EINVAL (start off a page, unknown bits), -ENOMEM (a hole in the range: the
 * areas before it are changed), -EACCES (the file was not opened for that).
 */
export function sys_mprotect(start: u64, len: u64, prot: u32): i64 {
  const mm = current_mm();
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  prot &= ~grows;
  if (grows == (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
  if (offset_in_page(start)) return -EINVAL;
  if (len == 0) return 0;
  len = PAGE_ALIGN(len);
  const end = start + len;
  if (end <= start) return -ENOMEM;
  if (prot & ~(VM_ACCESS | PROT_SEM)) return -EINVAL;
  let vma = find_vma(mm, start);
  if (vma == null || vma.vm_start >= end) return -ENOMEM;
  if (grows == PROT_GROWSDOWN) {
    start = vma.vm_start;
    if ((vma.vm_flags & VM.GROWSDOWN) == 0) return -EINVAL;
  } else if (vma.vm_start > start) {
    return -ENOMEM;
  } else if (grows != 0) {
    return -EINVAL; // no stack here grows up
  }
  let at = start;
  while (at < end) {
    if (vma == null || vma.vm_start > at) return -ENOMEM;
    const flags = calc_vm_prot_bits(prot) | (vma.vm_flags & ~VM_ACCESS);
    // Each VM_MAYx bit lies four above its VM_x bit.
    if (flags & ~(flags >> 4) & VM_ACCESS) return -EACCES;
    const stop = min<u64>(end, vma.vm_end);
    const error = mprotect_fixup(mm, vma, at, stop, flags);
    if (error != 0) return error;
    at = stop;
    if (at < end) vma = find_vma(mm, at);
  }
  return 0;
}

/**
 * Gives [start, end), inside `vma`, the flags `newflags`.
 * => 0 or -ENOMEM, then nothing has changed.
 */
export function mprotect_fixup(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, newflags: u32,
): i64 {
  const oldflags = vma.vm_flags;
  if (newflags == oldflags) return 0;
  const pages = (end - start) >> 12;
  const counted: u32 =
    VM.ACCOUNT | VM.WRITE | VM.SHARED | VM.NORESERVE | VM.SCRATCH;
  let charged: u64 = 0;
  let returned: u64 = 0;
  if (newflags & VM.WRITE) {
    // It turns into data, of which there may be only so much.
    if (!may_expand_vm(mm, newflags, pages) && may_expand_vm(mm, oldflags, pages)) {
      return -ENOMEM;
    }
    if ((oldflags & counted) == 0) {
      if (!vm_enough_memory(pages)) return -ENOMEM;
      charged = pages;
      newflags |= VM.ACCOUNT;
    }
  } else if ((oldflags & VM.ACCOUNT) != 0 && vma.vm_file == 0 && vma.anon_vma == null) {
    // Nothing was ever written there, and now nothing can be.
    newflags &= ~VM.ACCOUNT;
    returned = pages;
  }
  const part = vma_modify_flags(mm, vma, start, end, newflags);
  if (part == null) return -ENOMEM;
  vm_acct_memory(charged);
  vm_unacct_memory(returned);
  vm_stat_account(mm, oldflags, -(<i64>pages));
  vm_stat_account(mm, newflags, pages);
  part.vm_flags = newflags;
  change_protection(mm, part, start, end);
  // Locked memory that may now be written is copied before somebody has to wait for it.
  const private_locked = oldflags & (VM.WRITE | VM.SHARED | VM.LOCKED);
  if (private_locked == VM.LOCKED && (newflags & VM.WRITE) != 0) {
    populate_vma_page_range(mm, part, start, end);
  }
  return 0;
}

/** Brings the pages of [start, end), mapped in `vma`, in line with its flags. */
export function change_protection(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64,
): void {
  let va = start;
  while (va < end) {
    let slot = pte_offset(mm, va);
    const table_end = min<u64>(end, (va | 0x1fffff) + 1);
    if (slot == 0) {
      va = table_end;
      continue;
    }
    for (; va < table_end; va += PAGE_SIZE, slot += 8) {
      const old = load<u64>(slot);
      if (!pte_present(old)) continue; // one in swap takes them when it comes back
      set_pte(mm, va, slot, changed_pte(vma, old));
    }
  }
}

/** C: is there nothing that the next write would have to do first? */
function can_change_pte_writable(vma: vm_area_struct, pfn: u32, old: u64): bool {
  if ((vma.vm_flags & VM.WRITE) == 0) return false;
  if ((vma.vm_flags & VM.SHARED) == 0) {
    return (mem_map(pfn).flags & PG.anon_exclusive) != 0;
  }
  return !vma_wants_writenotify(vma) || (old & _PAGE_DIRTY) != 0;
}

/** The entry that `old` becomes under the area's present flags. */
function changed_pte(vma: vm_area_struct, old: u64): u64 {
  const pfn = pte_pfn(old);
  // A, B: permissions as the area says, accessed and dirty as they were
  let pte = mk_pte(pfn, vma.vm_flags) & ~_PAGE_ACCESSED;
  pte |= old & (_PAGE_ACCESSED | _PAGE_DIRTY);
  if (pte_special(old)) return pte_mkspecial(pte);
  return can_change_pte_writable(vma, pfn, old) ? pte_mkwrite(pte) : pte;
}

