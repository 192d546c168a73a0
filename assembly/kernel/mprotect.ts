// Changing what a range may be used for: areas are split at its ends, their flags
// change, and the pages already there follow.
//
//   before   |----- r-x -----|----- rw- -----|
//   mprotect          [ r-- over this ]
//   after    |- r-x -|r--|r--|---- rw- ------|     then equal neighbours merge
//
//   A  a page loses a permission at once
//   B  it gains read or execute at once
//   C  it gains write at once only if it is private and nobody else's; otherwise the
//      next write faults and decides (copy, or reuse)
//
// In Linux: mm/mprotect.c, do_mprotect_pkey(), mprotect_fixup(), change_pte_range()
// (6.12). Left out: protection keys, PROT_GROWSDOWN, hugetlb, userfaultfd.
import { PAGE_SIZE, PG, VM } from "../abi";
import { EACCES, EINVAL, ENOMEM } from "./errno";
import { PAGE_ALIGN, calc_vm_prot_bits, offset_in_page } from "./mmap";
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
  pte_special,
  set_pte,
} from "./pgtable";
import { current_mm } from "./sched";
import { vm_acct_memory, vm_enough_memory, vm_unacct_memory } from "./util";

const VM_ACCESS: u32 = VM.READ | VM.WRITE | VM.EXEC;

/**
 * mprotect(2).
 * => 0; -EINVAL (start off a page, unknown bits), -ENOMEM (a hole in the range: the
 * areas before it are changed), -EACCES (the file was not opened for that).
 */
export function sys_mprotect(start: u64, len: u64, prot: u32): i64 {
  const mm = current_mm();
  if (offset_in_page(start)) return -EINVAL;
  if (len == 0) return 0;
  len = PAGE_ALIGN(len);
  const end = start + len;
  if (end <= start) return -ENOMEM;
  if (prot & ~(VM_ACCESS | 8)) return -EINVAL;
  let vma = find_vma(mm, start);
  if (vma == null || vma.vm_start > start) return -ENOMEM;
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
  const counted: u32 = VM.ACCOUNT | VM.WRITE | VM.SHARED | VM.NORESERVE;
  let charged: u64 = 0;
  let returned: u64 = 0;
  if (newflags & VM.WRITE) {
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
      if (old == 0) continue;
      set_pte(mm, va, slot, changed_pte(vma, old));
    }
  }
}

/** The entry that `old` becomes under the area's present flags. */
function changed_pte(vma: vm_area_struct, old: u64): u64 {
  const pfn = pte_pfn(old);
  // A, B: permissions as the area says, accessed and dirty as they were
  let pte = mk_pte(pfn, vma.vm_flags) & ~_PAGE_ACCESSED;
  pte |= old & (_PAGE_ACCESSED | _PAGE_DIRTY);
  if (pte_special(old)) return pte_mkspecial(pte);
  // C: write at once only on a private page that nobody shares
  const writable = (vma.vm_flags & (VM.WRITE | VM.SHARED)) == VM.WRITE;
  const exclusive = (mem_map(pfn).flags & PG.anon_exclusive) != 0;
  if (writable && exclusive) return pte_mkwrite(pte);
  return pte;
}

