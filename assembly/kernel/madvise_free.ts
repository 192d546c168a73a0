// Pages that a program no longer needs, but may write again: giving them back at once
// would cost a fault and a cleared frame each, should it change its mind.
//
//   MADV_FREE    the entry stays, but clean and unused (D and A off). The page is no
//                longer "backed by swap": reclaim may drop it without writing it
//     written again    D is on: the page is kept as if nothing had been said
//     memory short     the frame goes; the next touch finds zeros
//
//   MADV_COLD    only A goes: the page is the next to be looked at
//   MADV_PAGEOUT it is looked at now, and goes: to swap, or back to its file
//
// Taking the mark off many pages one by one would be slow, so they wait in a batch
// until it is full, or until something drains it; until then they count as before.
//
// In Linux: mm/madvise.c madvise_free_pte_range(), madvise_cold_or_pageout_pte_range();
// mm/swap.c folio_mark_lazyfree(), lru_lazyfree(), lru_add_drain() (6.12).
// Left out: the batches of the other moves between lists.
import { LAZYFREE_BATCH, PG, VM, VmEvent } from "../abi";
import { policy_remove } from "../policy/policy";
import { EINVAL } from "./errno";
import { mem_map, mm_struct, vm_area_struct, vma_is_anonymous } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { folio_cancel_dirty } from "./page_dirty";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  is_swap_pte,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_special,
  set_pte,
} from "./pgtable";
import { folio_add_lru, lru_deactivate } from "./swap";
import { folio_free_swap, free_swap_and_cache } from "./swapfile";
import { pte_to_swp_offset } from "./swapops";
import { reclaim_begin, reclaim_end, reclaim_page } from "./vmscan";
import { count_vm_event } from "./vmstat";

/** Pages that one batch holds. */
export const PAGEVEC_SIZE: u32 = 31;

/** MADV_FREE of [start, end), inside `vma`. => 0, or -EINVAL: it is not anonymous. */
export function madvise_free_single_vma(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64,
): i64 {
  if (vma.vm_flags & (VM.LOCKED | VM.PFNMAP)) return -EINVAL;
  if (!vma_is_anonymous(vma)) return -EINVAL;
  lru_add_drain();
  for (let va = start; va < end; va += 4096) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va |= 0x1ff000; // to the last page of the table that is missing
      continue;
    }
    madvise_free_pte(mm, va, slot);
  }
  return 0;
}

/** The page of one entry; one that others map too stays as it is if it is dirty. */
function madvise_free_pte(mm: mm_struct, va: u64, slot: usize): void {
  const pte = load<u64>(slot);
  if (is_swap_pte(pte)) {
    set_pte(mm, va, slot, 0);
    mm.swapents--;
    free_swap_and_cache(pte_to_swp_offset(pte));
    return;
  }
  if (pte == 0 || pte_special(pte)) return;
  const pfn = pte_pfn(pte);
  if (mem_map(pfn).flags & (PG.dirty | PG.swapcache)) {
    if (mem_map(pfn).mapcount != 1) return;
    if ((mem_map(pfn).flags & PG.swapcache) != 0 && !folio_free_swap(pfn)) return;
    folio_cancel_dirty(pfn);
  }
  const used = _PAGE_ACCESSED | _PAGE_DIRTY;
  if (pte & used) set_pte(mm, va, slot, pte & ~used);
  folio_mark_lazyfree(pfn);
}

/** Puts an anonymous page into the batch of those that swap need not keep. */
function folio_mark_lazyfree(pfn: u32): void {
  const both: u32 = PG.anon | PG.swapbacked;
  if ((mem_map(pfn).flags & both) != both) return;
  const nr = load<u32>(LAZYFREE_BATCH);
  get_page(pfn);
  store<u32>(LAZYFREE_BATCH + 4 + (<usize>nr << 2), pfn);
  store<u32>(LAZYFREE_BATCH, nr + 1);
  if (nr + 1 == PAGEVEC_SIZE) lru_add_drain();
}

/** Empties the batch: what was asked of its pages is done now. */
export function lru_add_drain(): void {
  const nr = load<u32>(LAZYFREE_BATCH);
  store<u32>(LAZYFREE_BATCH, 0);
  for (let i: u32 = 0; i < nr; i++) {
    const pfn = load<u32>(LAZYFREE_BATCH + 4 + (<usize>i << 2));
    lru_lazyfree(pfn);
    put_page(pfn);
  }
}

/** Nobody has to keep what is in the page: it is like one of a file, and clean. */
function lru_lazyfree(pfn: u32): void {
  const p = mem_map(pfn);
  if ((p.flags & PG.swapbacked) == 0 || (p.flags & PG.swapcache) != 0) return;
  const listed = p.lru != 0;
  if (listed) policy_remove(pfn);
  p.flags &= ~(PG.swapbacked | PG.referenced);
  if (listed) folio_add_lru(pfn, 0);
  count_vm_event(VmEvent.PGLAZYFREE);
}

/**
 * MADV_COLD, or MADV_PAGEOUT, of [start, end), inside `vma`: pages that nobody else
 * maps. => 0, or -EINVAL: it is locked.
 */
export function madvise_cold(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, pageout: bool,
): i64 {
  if (vma.vm_flags & (VM.LOCKED | VM.PFNMAP)) return -EINVAL;
  lru_add_drain();
  if (pageout) reclaim_begin();
  for (let va = start; va < end; va += 4096) {
    const slot = pte_offset(mm, va);
    if (slot == 0) continue;
    const pte = load<u64>(slot);
    if (!pte_present(pte) || pte_special(pte)) continue;
    const pfn = pte_pfn(pte);
    if (mem_map(pfn).mapcount != 1) continue;
    if (pte & _PAGE_ACCESSED) set_pte(mm, va, slot, pte & ~_PAGE_ACCESSED);
    if (pageout) reclaim_page(pfn);
    else lru_deactivate(pfn);
  }
  if (pageout) reclaim_end();
  return 0;
}
