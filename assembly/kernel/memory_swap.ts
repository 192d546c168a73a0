// A fault on a page that is in swap.
//
//   the entry names a slot --> A  its page is in the swap cache: a minor fault
//                              B  it is not: a major fault, read with its neighbours
//
//   then the entry names the frame, and the slot has one user less
//
//   C  nobody else has the page (the entry said so, or it turned out so): it can be
//      written at once
//   D  others have it, and this is a write: it is copied, as after a fork
//   E  the disk cannot read it: SIGBUS, and the entry stays as it is
//
// The slot is kept while the page is only read: it can go again without being written.
// It is given up when the page is written to, or when swap is more than half full.
//
// In Linux: mm/memory.c do_swap_page(), should_try_to_free_swap() (6.12).
// Left out: entries that are no swap, large folios, devices that are faster without the
// swap cache.
import { Ev, FaultKind, PG, VM, VmEvent } from "../abi";
import { emit } from "../log";
import {
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  do_wp_page,
  vm_fault,
} from "./memory";
import { folio_test_uptodate } from "./bio";
import { NO_PAGE, mem_map, mm_struct } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { folio_lock_or_retry, read_queued_pages } from "./page_io";
import { mk_pte, page_add_rmap, pte_mkdirty, pte_mkwrite, set_pte } from "./pgtable";
import { folio_add_lru } from "./swap";
import { lookup_swap_cache, swap_cluster_readahead } from "./swap_state";
import { folio_free_swap, swap_free, vm_swap_full } from "./swapfile";
import { pte_swp_exclusive, pte_to_swp_offset } from "./swapops";
import { proposal_swapped_in } from "../proposal/proposal";
import { count_vm_event } from "./vmstat";

/** The page that vmf.orig_pte says is in swap. => as handle_mm_fault */
export function do_swap_page(mm: mm_struct, vmf: vm_fault): u32 {
  const offset = pte_to_swp_offset(vmf.orig_pte);
  let major: u32 = 0;
  let pfn = lookup_swap_cache(offset); // A
  if (pfn == NO_PAGE || !folio_test_uptodate(pfn)) {
    // B
    pfn = swap_cluster_readahead(offset);
    if (pfn == NO_PAGE) return VM_FAULT_OOM;
    count_vm_event(VmEvent.PGMAJFAULT);
    major = VM_FAULT_MAJOR;
    vmf.blocks = read_queued_pages(vmf);
  }
  if (!folio_test_uptodate(pfn)) return VM_FAULT_SIGBUS; // E
  vmf.page = pfn;
  if (!folio_lock_or_retry(vmf, pfn)) return VM_FAULT_RETRY | major;
  map_swapped_page(mm, vmf, offset, pfn);
  vmf.kind = major ? FaultKind.major : FaultKind.minor;
  if ((vmf.flags & FAULT_FLAG_WRITE) == 0) return major;
  // D
  const ret = do_wp_page(mm, vmf);
  if (major) vmf.kind = FaultKind.major;
  return major | (ret & VM_FAULT_ERROR);
}

/** The entry names the frame, the slot has one user less, a write may be done (C). */
export function map_swapped_page(
  mm: mm_struct, vmf: vm_fault, offset: u32, pfn: u32,
): void {
  const p = mem_map(pfn);
  const vma = vmf.vma;
  let exclusive = pte_swp_exclusive(vmf.orig_pte);
  emit(Ev.SwapIn, <u64>pfn | (<u64>offset << 32), vmf.address, 0);
  get_page(pfn);
  swap_free(offset);
  mm.swapents--;
  if (should_try_to_free_swap(pfn, vmf)) folio_free_swap(pfn);
  if (p.refcount == 1) exclusive = true;
  let pte = mk_pte(pfn, vma.vm_flags);
  if (exclusive) {
    // C
    p.flags |= PG.anon_exclusive;
    if (vma.vm_flags & VM.WRITE) {
      pte = pte_mkwrite(pte);
      if (vmf.flags & FAULT_FLAG_WRITE) pte = pte_mkdirty(pte);
      vmf.flags &= ~FAULT_FLAG_WRITE;
    }
  }
  proposal_swapped_in(pfn);
  folio_add_anon_rmap(vmf, pfn, exclusive);
  page_add_rmap(mm, pfn);
  put_page(pfn);
  set_pte(mm, vmf.address, vmf.pte, pte);
  vmf.orig_pte = pte;
  folio_add_lru(pfn, 0);
}

/**
 * Where the page's other mappings are to be looked for: its own area's anon_vma, or the
 * eldest of the family when others have the page as well.
 */
// @nomark
function folio_add_anon_rmap(vmf: vm_fault, pfn: u32, exclusive: bool): void {
  const p = mem_map(pfn);
  if (p.mapcount > 0) return;
  const anon = vmf.vma.anon_vma;
  assert(anon != null);
  p.mapping = exclusive ? <u32>changetype<usize>(anon) : anon!.root;
  p.index = vmf.pgoff;
}

/** Is the slot better given up than kept? */
// @nomark
function should_try_to_free_swap(pfn: u32, vmf: vm_fault): bool {
  const p = mem_map(pfn);
  if ((p.flags & PG.swapcache) == 0) return false;
  if (vm_swap_full() || (vmf.vma.vm_flags & VM.LOCKED) != 0) return true;
  if (p.flags & PG.mlocked) return true;
  // The cache's reference, and ours.
  return (vmf.flags & FAULT_FLAG_WRITE) != 0 && p.refcount == 2;
}
