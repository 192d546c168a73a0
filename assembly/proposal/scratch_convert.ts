// A private mapping becomes a scratch mapping, and back: so that an allocator can offer
// a block that it has freed, and take it back with what is left of it.
//
//   madvise(MADV_SCRATCH)     what is in the mapping       from now on
//     A  not written          the page cache's page        the same
//     B  written              stays                        may be dropped
//     C  written, in swap     GOES, and its slot           read from the file
//     D  written, on its way  stays; its slot goes, unless the write has begun or a
//        to swap, or back     relative still needs it      (then reclaim decides)
//     E  shared by a fork     stays in swap's care until all who map it are converted
//
//   madvise(MADV_NOSCRATCH)   F  what is there stays, and is kept as ever; what was
//                                dropped is the file's again
//
// C is what MADV_FREE does too. So a scratch mapping has no page in swap, from its
// first moment on: nothing ever needs to be read from there for it.
//
//   G  the promise (VM_ACCOUNT) is given back, and asked for again: MADV_NOSCRATCH can
//      fail with ENOMEM, then nothing has changed
//
// Source: J. Lokier, LKML, 7 February 2004: "convert a region from MAP_PRIVATE to
// MAP_SCRATCH and back". The names and numbers of the advices are ours.
// In Linux: nowhere; MADV_FREE (4.5) does this for anonymous memory, and its way back
// is to write.
// Left out: anonymous memory, which has MADV_FREE.
import { PG, ScratchWhy, VM, VmEvent } from "../abi";
import { EAGAIN, EINVAL, ENOMEM } from "../kernel/errno";
import { mem_map, mm_struct, vm_area_struct } from "../kernel/mm_types";
import {
  is_swap_pte,
  pte_offset,
  pte_pfn,
  pte_special,
  set_pte,
} from "../kernel/pgtable";
import { folio_set_swapbacked } from "../kernel/swap";
import { folio_free_swap, free_swap_and_cache } from "../kernel/swapfile";
import { pte_to_swp_offset } from "../kernel/swapops";
import { vm_acct_memory, vm_enough_memory, vm_unacct_memory } from "../kernel/util";
import { vma_modify_flags } from "../kernel/vma_merge";
import { count_vm_event } from "../kernel/vmstat";
import { is_scratch, may_be_scratch, scratch_dropped } from "./scratch";
import { scratch_forget } from "./scratch_dropped";

/**
 * Makes [start, end), inside `vma`, a scratch mapping, or none (`to` false).
 * => 0; -EINVAL: it cannot be one; -ENOMEM: no promise left (G); -EAGAIN: no memory.
 */
export function scratch_convert(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, to: bool,
): i64 {
  if (to && !may_be_scratch(vma)) return -EINVAL;
  const old = vma.vm_flags;
  if (((old & VM.SCRATCH) != 0) == to) return 0;
  const pages = (end - start) >> 12;
  let flags = to ? old | VM.SCRATCH : old & ~VM.SCRATCH;
  const returned = to && (old & VM.ACCOUNT) != 0;
  const charged = !to && counts(vma);
  if (returned) flags &= ~VM.ACCOUNT; // G
  if (charged) {
    if (!vm_enough_memory(pages)) return -ENOMEM;
    flags |= VM.ACCOUNT;
  }
  const part = vma_modify_flags(mm, vma, start, end, flags);
  if (part == null) return -EAGAIN;
  if (returned) vm_unacct_memory(pages);
  if (charged) vm_acct_memory(pages);
  part.vm_flags = flags;
  if (!to) scratch_forget(mm, start, end);
  convert_pages(mm, part, start, end, to);
  return 0;
}

/** G: would the area, as an ordinary one, have been counted? */
// @nomark
function counts(vma: vm_area_struct): bool {
  if (vma.vm_flags & (VM.NORESERVE | VM.SHARED | VM.ACCOUNT)) return false;
  return (vma.vm_flags & VM.WRITE) != 0 || vma.anon_vma != null;
}

/** Every page that [start, end) has somewhere. */
function convert_pages(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, to: bool,
): void {
  for (let va = start; va < end; va += 4096) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va |= 0x1ff000; // to the last page of the table that is missing
      continue;
    }
    const pte = load<u64>(slot);
    if (pte == 0) continue;
    if (is_swap_pte(pte)) {
      if (to) give_up_slot(mm, vma, va, slot);
    } else if (!pte_special(pte) && (mem_map(pte_pfn(pte)).flags & PG.anon) != 0) {
      if (to) into_scratch(pte_pfn(pte));
      else folio_set_swapbacked(pte_pfn(pte), true); // F
    }
  }
}

/** C: what is in swap of the area goes. */
function give_up_slot(
  mm: mm_struct, vma: vm_area_struct, va: u64, slot: usize,
): void {
  const pte = load<u64>(slot);
  set_pte(mm, va, slot, 0);
  mm.swapents--;
  free_swap_and_cache(pte_to_swp_offset(pte));
  scratch_dropped(mm, vma, va, 0, ScratchWhy.converted);
  count_vm_event(VmEvent.SCRATCH_DROP);
}

/** B, D, E: a written page that is in memory. */
function into_scratch(pfn: u32): void {
  if (mem_map(pfn).flags & PG.swapcache) folio_free_swap(pfn); // D
  if (mem_map(pfn).flags & PG.swapcache) return;
  if (is_scratch(pfn)) folio_set_swapbacked(pfn, false); // B
}
