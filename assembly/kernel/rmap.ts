// The way back: from a frame to every page-table entry that maps it. A page table
// answers "which frame is at this address?"; to take a frame away, or to see whether
// anybody has used it, the kernel must ask the opposite.
//
//   anonymous page    mapping -> anon_vma -> chain -> area, area, ...
//   page of a file    mapping -> inode.i_mmap ------> area, area, ...
//
//   in each area the page can only be at one address, whatever is mapped there now:
//
//     vm_start + (index - vm_pgoff) pages       index: page.index, the linear index
//
//     |<------------------ area ------------------->|
//     vm_pgoff              index
//                             ^ is the entry here, and does it name this frame?
//
// An anonymous page's index counts as if its area were a file, vm_pgoff included: a
// moved area (mremap) keeps its vm_pgoff, and its pages are still found.
//
//   folio_referenced      A  through how many entries was it used since last asked?
//   try_to_unmap          B  every entry goes: to nothing, or to a swap entry
//   page_mkclean          C  no entry may write any more: the next write will fault,
//                            and so be noticed
//   unmap_mapping_pages   D  a range of a file goes, wherever it is mapped
//
// In Linux: mm/rmap.c rmap_walk(), folio_referenced(), try_to_unmap(), folio_mkclean();
// mm/memory.c unmap_mapping_pages(); mm/page_vma_mapped.c (6.12).
// Left out: locks, walks that give up, huge pages, KSM. Linux does not flush the TLB
// when it clears an accessed bit; here it does, so that the next use is seen.
import { PG, RMAP_WALK_BASE, VM } from "../abi";
import { anon_vma, anon_vma_chain } from "./anon_vma";
import { inode, inode_at } from "./fs";
import { mem_map, mm_struct, vm_area_struct } from "./mm_types";
import { folio_mark_dirty } from "./page_dirty";
import { swap_duplicate } from "./swapfile";
import { pte_to_swp_offset } from "./swapops";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  _PAGE_SWP_EXCLUSIVE,
  _PAGE_WRITE,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_special,
  set_pte,
  unmap_page_range,
  zap_page,
} from "./pgtable";

/** A walk over the entries that map one frame: where it is. */
@unmanaged
export class rmap_walk_control {
  pfn!: u32;
  /** Where the next area is to be looked for. */
  next_avc!: anon_vma_chain | null;
  next_vma!: vm_area_struct | null;
  /** The entry that was found: its area, its address, its slot. */
  vma!: vm_area_struct;
  address!: u64;
  pte!: u32;
  /** VM_LOCKED when one of the areas seen is; folio_referenced adds the flags of those
   *  through which the page was used. */
  vm_flags!: u32;
}

/** A walk never begins another: one record serves them all. */
// @nomark
export function the_walk(): rmap_walk_control {
  return changetype<rmap_walk_control>(RMAP_WALK_BASE);
}

/** Begins a walk over the entries that map `pfn`. */
export function rmap_walk(pfn: u32): rmap_walk_control {
  const rwc = the_walk();
  const p = mem_map(pfn);
  rwc.pfn = pfn;
  rwc.vm_flags = 0;
  rwc.next_avc = null;
  rwc.next_vma = null;
  // Nobody maps it: what it names may be gone already.
  if (p.mapcount == 0 || p.mapping == 0) return rwc;
  if (p.flags & PG.anon) rwc.next_avc = changetype<anon_vma>(<usize>p.mapping).rb_root;
  else rwc.next_vma = inode_at(p.mapping).i_mmap;
  return rwc;
}

/** Takes the walk on to the next area that could map the page, or to null. */
function next_area(rwc: rmap_walk_control): vm_area_struct | null {
  const avc = rwc.next_avc;
  if (avc != null) {
    rwc.next_avc = avc.rb_next;
    return avc.vma;
  }
  const vma = rwc.next_vma;
  if (vma != null) rwc.next_vma = vma.i_mmap_next;
  return vma;
}

/**
 * Takes the walk to the next entry that maps the page: rwc.vma, address and pte.
 * => false when there is none left. The entry may be changed before the next step.
 */
export function rmap_walk_next(rwc: rmap_walk_control): bool {
  const p = mem_map(rwc.pfn);
  if (p.mapcount == 0) return false;
  for (let vma = next_area(rwc); vma != null; vma = next_area(rwc)) {
    if (p.index < vma.vm_pgoff) continue;
    const address = vma.vm_start + ((p.index - vma.vm_pgoff) << 12);
    if (address < vma.vm_start || address >= vma.vm_end) continue;
    const slot = pte_offset(vma_mm(vma), address);
    if (slot == 0) continue;
    const pte = load<u64>(slot);
    if (!pte_present(pte) || pte_pfn(pte) != rwc.pfn || pte_special(pte)) continue;
    rwc.vma = vma;
    rwc.address = address;
    rwc.pte = <u32>slot;
    rwc.vm_flags |= vma.vm_flags & VM.LOCKED;
    return true;
  }
  return false;
}

/** Was the page written to through one of the entries that map it, since it was clean?
 */
export function folio_has_dirty_pte(pfn: u32): bool {
  const rwc = rmap_walk(pfn);
  while (rmap_walk_next(rwc)) {
    if (load<u64>(rwc.pte) & _PAGE_DIRTY) return true;
  }
  return false;
}

/** Makes every entry that maps `pfn` clean: the next write sets its dirty bit again. */
export function folio_clean_ptes(pfn: u32): void {
  const rwc = rmap_walk(pfn);
  while (rmap_walk_next(rwc)) {
    const pte = load<u64>(rwc.pte);
    if ((pte & _PAGE_DIRTY) == 0) continue;
    set_pte(vma_mm(rwc.vma), rwc.address, rwc.pte, pte & ~_PAGE_DIRTY);
  }
}

/** The address space of an area. */
// @nomark
export function vma_mm(vma: vm_area_struct): mm_struct {
  return changetype<mm_struct>(<usize>vma.vm_mm);
}

/**
 * A: clears the accessed bit of every entry that maps `pfn`. Areas that are read in
 * order, or in none, do not count: being used once says nothing there.
 * => how many entries had it; the_walk().vm_flags says whether an area is locked.
 */
export function folio_referenced(pfn: u32): u32 {
  const rwc = rmap_walk(pfn);
  let referenced: u32 = 0;
  while (rmap_walk_next(rwc)) {
    const pte = load<u64>(rwc.pte);
    if ((pte & _PAGE_ACCESSED) == 0) continue;
    if ((rwc.vma.vm_flags & (VM.SEQ_READ | VM.RAND_READ)) == 0) {
      referenced++;
      rwc.vm_flags |= rwc.vma.vm_flags & ~VM.LOCKED;
    }
    set_pte(vma_mm(rwc.vma), rwc.address, rwc.pte, pte & ~_PAGE_ACCESSED);
  }
  return referenced;
}

/**
 * B: takes `pfn`, which the caller holds, out of every page table, but for areas that
 * are locked. Its dirty bits go to the page. An anonymous page leaves `swap` behind, a
 * swap entry without the exclusive bit; 0 leaves nothing, and so does a scratch area.
 * => how many entries went; nobody maps it now if its mapcount is 0.
 */
export function try_to_unmap(pfn: u32, swap: u64): u32 {
  const rwc = rmap_walk(pfn);
  let unmapped: u32 = 0;
  while (rmap_walk_next(rwc)) {
    if (rwc.vma.vm_flags & VM.LOCKED) continue;
    try_to_unmap_one(rwc, swap);
    unmapped++;
  }
  return unmapped;
}

/** B, for the entry that the walk has found. */
function try_to_unmap_one(rwc: rmap_walk_control, swap: u64): void {
  const mm = vma_mm(rwc.vma);
  const pte = load<u64>(rwc.pte);
  // A scratch mapping finds the page in its file, whatever others need of swap.
  let left = rwc.vma.vm_flags & VM.SCRATCH ? 0 : swap;
  if (left != 0) {
    mm.swapents++;
    swap_duplicate(pte_to_swp_offset(swap));
    if (mem_map(rwc.pfn).flags & PG.anon_exclusive) left |= _PAGE_SWP_EXCLUSIVE;
  }
  mem_map(rwc.pfn).flags &= ~PG.anon_exclusive;
  set_pte(mm, rwc.address, rwc.pte, left);
  if (pte & _PAGE_DIRTY) folio_mark_dirty(rwc.pfn);
  zap_page(mm, pte);
}

/**
 * C: makes every entry that maps `pfn` of a shared mapping clean and read-only.
 * => how many were not.
 */
export function page_mkclean(pfn: u32): u32 {
  const rwc = rmap_walk(pfn);
  let cleaned: u32 = 0;
  while (rmap_walk_next(rwc)) {
    if ((rwc.vma.vm_flags & VM.SHARED) == 0) continue;
    const pte = load<u64>(rwc.pte);
    if ((pte & (_PAGE_DIRTY | _PAGE_WRITE)) == 0) continue;
    const clean = pte & ~(_PAGE_DIRTY | _PAGE_WRITE);
    set_pte(vma_mm(rwc.vma), rwc.address, rwc.pte, clean);
    cleaned++;
  }
  return cleaned;
}

/**
 * D: takes `nr` pages of the file from page `start` on out of every page table (nr 0:
 * all that follow). even_cows: the private copies of them too, as truncation must.
 */
export function unmap_mapping_pages(
  node: inode, start: u64, nr: u64, even_cows: bool,
): void {
  const last = nr == 0 || start + nr < start ? u64.MAX_VALUE : start + nr - 1;
  for (let vma = node.i_mmap; vma != null; vma = vma!.i_mmap_next) {
    const pages = (vma.vm_end - vma.vm_start) >> 12;
    const vma_last = vma.vm_pgoff + pages - 1;
    if (vma_last < start || vma.vm_pgoff > last) continue;
    const first = max<u64>(start, vma.vm_pgoff) - vma.vm_pgoff;
    const end = min<u64>(last, vma_last) - vma.vm_pgoff + 1;
    const from = vma.vm_start + (first << 12);
    unmap_page_range(vma_mm(vma), from, vma.vm_start + (end << 12), even_cows);
  }
}

if (offsetof<rmap_walk_control>() > 64) ERROR("abi: RMAP_WALK_BASE");
