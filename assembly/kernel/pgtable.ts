// The page tables of an address space: the only file of the kernel that writes PTEs.
//
// Sv39: three levels of 512 entries, each table one frame.
//
//   63      54 53                               10 9 8 7 6 5 4 3 2 1 0
//  +----------+-----------------------------------+---+-+-+-+-+-+-+-+-+
//  | must be 0|        physical frame number      |RSW|D|A|G|U|X|W|R|V|
//  +----------+-----------------------------------+---+-+-+-+-+-+-+-+-+
//
//  V without R, W or X points to the next table; with any of them it is a leaf.
//  D and A are set by the hardware (see hw/mmu.ts). The two RSW bits are ours: bit 8
//  marks a special page (the zero page), whose frame is not counted. A page that
//  mprotect took every permission from keeps its frame but not its V: it has G instead.
//
//    pgd (level 2) -> pmd (level 1) -> pte (level 0) -> frame
//
// In Linux: arch/riscv/include/asm/pgtable*.h, mm/memory.c __pte_alloc() (6.12). Linux
// names five levels and folds the ones that Sv39 lacks (p4d, pud).
// Left out: huge pages, page-table locks.
import { Ev, HART_SATP, PG, VM } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { sfence_vma, sfence_vma_asid } from "../hw/tlb";
import { emit } from "../log";
import { NO_PAGE, mem_map, mm_struct, vm_area_struct } from "./mm_types";
import { alloc_page, clear_page, get_page, put_page } from "./page_alloc";
import { folio_mark_dirty } from "./page_dirty";
import { folio_is_shmem } from "./shmem";
import { folio_rescue } from "./shrink_folio";
import { folio_mark_accessed } from "./swap";
import { folio_free_swap, free_swap_and_cache, swap_duplicate } from "./swapfile";
import { pte_swp_clear_exclusive, pte_to_swp_offset } from "./swapops";
import { folio_mark_used } from "./vmstat";
import { proposal_unmapping } from "../proposal/proposal";

export const _PAGE_PRESENT: u64 = 1;
export const _PAGE_READ: u64 = 2;
export const _PAGE_WRITE: u64 = 4;
export const _PAGE_EXEC: u64 = 8;
export const _PAGE_USER: u64 = 16;
export const _PAGE_GLOBAL: u64 = 32;
export const _PAGE_ACCESSED: u64 = 64;
export const _PAGE_DIRTY: u64 = 128;
export const _PAGE_SPECIAL: u64 = 256;
/** Mapped, but with no permission: V is clear, and G (unused by user pages) says so. */
export const _PAGE_PROT_NONE: u64 = _PAGE_GLOBAL;
/**
 * A swap entry: V, R, W, X and G clear, the swap area in bits 7 to 11, the slot from
 * bit 12 on. This bit says that no other entry names the page.
 */
export const _PAGE_SWP_EXCLUSIVE: u64 = _PAGE_ACCESSED;
export const PTRS_PER_PTE: u32 = 512;
/** What one entry of a level-1 table maps, and one of the root. */
export const PMD_SIZE: u64 = 0x200000;
const PGDIR_SIZE: u64 = 0x40000000;
export { TASK_SIZE } from "./mm_types";

// @nomark
export function pte_present(pte: u64): bool {
  return (pte & (_PAGE_PRESENT | _PAGE_PROT_NONE)) != 0;
}

/** Is it in the swap area? */
// @nomark
export function is_swap_pte(pte: u64): bool {
  return pte != 0 && !pte_present(pte);
}

// @nomark
export function pte_write(pte: u64): bool {
  return (pte & _PAGE_WRITE) != 0;
}

// @nomark
export function pte_special(pte: u64): bool {
  return (pte & _PAGE_SPECIAL) != 0;
}

// @nomark
export function pte_pfn(pte: u64): u32 {
  return <u32>(pte >> 10);
}

/** Entry for `pfn` with what the area allows, without write (see pte_mkwrite). */
// @nomark
export function mk_pte(pfn: u32, vm_flags: u32): u64 {
  const frame = (<u64>pfn) << 10;
  if ((vm_flags & (VM.READ | VM.WRITE | VM.EXEC)) == 0) return frame | _PAGE_PROT_NONE;
  let pte = frame | _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;
  // The ISA reserves W without R, so an area with only VM_WRITE is readable too.
  if (vm_flags & (VM.READ | VM.WRITE)) pte |= _PAGE_READ;
  if (vm_flags & VM.EXEC) pte |= _PAGE_EXEC;
  return pte;
}

// @nomark
export function pte_mkwrite(pte: u64): u64 {
  return pte | _PAGE_WRITE | _PAGE_READ;
}

// @nomark
export function pte_mkdirty(pte: u64): u64 {
  return pte | _PAGE_DIRTY;
}

// @nomark
export function pte_mkspecial(pte: u64): u64 {
  return pte | _PAGE_SPECIAL;
}

/** Index of `va` in the table of `level` (2, 1 or 0). */
// @nomark
export function pte_index(va: u64, level: u32): u32 {
  return <u32>(va >> (12 + 9 * level)) & (PTRS_PER_PTE - 1);
}

/** Address, in the simulator's memory, of entry `index` of the table in frame `pfn`. */
// @nomark
export function pte_slot(pfn: u32, index: u32): usize {
  return frame_addr(pfn) + (<usize>index << 3);
}

/**
 * Finds the slot of `va`'s level-0 entry.
 * => its address, or 0 when a table on the way does not exist.
 */
export function pte_offset(mm: mm_struct, va: u64): usize {
  let table = mm.pgd;
  for (let level: u32 = 2; level > 0; level--) {
    const entry = load<u64>(pte_slot(table, pte_index(va, level)));
    if (!pte_present(entry)) return 0;
    table = pte_pfn(entry);
  }
  return pte_slot(table, pte_index(va, 0));
}

/**
 * The same, building the tables that are missing.
 * => 0 only when there is no frame left for one.
 */
export function pte_alloc(mm: mm_struct, va: u64): usize {
  let table = mm.pgd;
  for (let level: u32 = 2; level > 0; level--) {
    const slot = pte_slot(table, pte_index(va, level));
    const entry = load<u64>(slot);
    if (pte_present(entry)) {
      table = pte_pfn(entry);
    } else {
      const pfn = pgtable_alloc(mm, va, level - 1);
      if (pfn == NO_PAGE) return 0;
      pmd_populate(mm, va, slot, pfn);
      table = pfn;
    }
  }
  return pte_slot(table, pte_index(va, 0));
}

/** Points the entry at `slot` to the table in frame `pfn`. */
// @nomark
function pmd_populate(mm: mm_struct, va: u64, slot: usize, pfn: u32): void {
  const old = load<u64>(slot);
  frame_written(pfn_of_slot(slot));
  store<u64>(slot, ((<u64>pfn) << 10) | _PAGE_PRESENT);
  emit(Ev.SetPte, va | (<u64>mm.asid << 48), old, load<u64>(slot));
}

/** A cleared frame for a page table of `level`; NO_PAGE when there is none. */
export function pgtable_alloc(mm: mm_struct, va: u64, level: u32): u32 {
  const pfn = alloc_page(PG.table, <u32>changetype<usize>(mm), va >> 12);
  if (pfn == NO_PAGE) return NO_PAGE;
  mem_map(pfn).private_ = level;
  clear_page(pfn);
  mm.pgtables++;
  return pfn;
}

/**
 * Writes one level-0 entry: every change of what is mapped passes here. A translation
 * that the TLB may still hold is fenced; an entry that was not valid cannot be there.
 */
// @nomark
export function set_pte(mm: mm_struct, va: u64, slot: usize, pte: u64): void {
  const old = load<u64>(slot);
  frame_written(pfn_of_slot(slot));
  store<u64>(slot, pte);
  emit(Ev.SetPte, va | (<u64>mm.asid << 48), old, pte);
  if (!pte_present(old)) return;
  sfence_vma(va, mm.asid);
  if (old & _PAGE_ACCESSED) folio_mark_used(pte_pfn(old));
}

/** The frame that holds a slot. */
// @nomark
function pfn_of_slot(slot: usize): u32 {
  return <u32>((slot - frame_addr(0)) >> 12);
}

/** Points the hart at this address space. */
// @nomark
export function switch_mm(mm: mm_struct): void {
  store<u64>(HART_SATP, (<u64>8 << 60) | (<u64>mm.asid << 44) | <u64>mm.pgd);
}

/** Maps a counted frame: one reference and one mapping more, and the RSS. */
// @nomark
export function page_add_rmap(mm: mm_struct, pfn: u32): void {
  const p = mem_map(pfn);
  p.mapcount++;
  get_page(pfn);
  if (p.flags & PG.anon) mm.rss_anon++;
  else if (folio_is_shmem(pfn)) mm.rss_shmem++;
  else mm.rss_file++;
}

/** Undoes page_add_rmap; the frame may be freed by it. */
// @nomark
export function page_remove_rmap(mm: mm_struct, pfn: u32): void {
  const p = mem_map(pfn);
  assert(p.mapcount > 0);
  p.mapcount--;
  if (p.flags & PG.anon) mm.rss_anon--;
  else if (folio_is_shmem(pfn)) mm.rss_shmem--;
  else mm.rss_file--;
  proposal_unmapping(mm);
  put_page(pfn);
  proposal_unmapping(null);
}

/**
 * Takes the pages of [start, end) out of the page tables and drops their references;
 * without even_cows, only those that are the file's own. Whole missing tables are
 * stepped over.
 */
export function unmap_page_range(
  mm: mm_struct, start: u64, end: u64, even_cows: bool = true,
): void {
  const rss = <u64>mm.rss_file + mm.rss_anon + mm.rss_shmem;
  mm.hiwater_rss = max<u64>(mm.hiwater_rss, rss);
  let va = start;
  while (va < end) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    const last = min<u64>(end, (va | 0x1fffff) + 1);
    zap_pte_range(mm, va, last, slot, even_cows);
    va = last;
  }
}

/** Start of the region that the next existing step of the tree could map. */
// @nomark
export function next_table(mm: mm_struct, va: u64): u64 {
  const entry = load<u64>(pte_slot(mm.pgd, pte_index(va, 2)));
  const span: u64 = pte_present(entry) ? 0x1fffff : 0x3fffffff;
  return (va | span) + 1;
}

/** The part of unmap_page_range inside one level-0 table; `slot` is that of `va`. */
export function zap_pte_range(
  mm: mm_struct, va: u64, end: u64, slot: usize, even_cows: bool,
): void {
  for (; va < end; va += 4096, slot += 8) {
    const pte = load<u64>(slot);
    if (pte == 0) continue;
    const swapped = is_swap_pte(pte);
    if (!even_cows && (swapped || pte_special(pte) || is_anon(pte_pfn(pte)))) continue;
    set_pte(mm, va, slot, 0);
    if (swapped) zap_swap(mm, pte);
    else if (!pte_special(pte)) zap_page(mm, pte);
  }
}

// @nomark
function is_anon(pfn: u32): bool {
  return (mem_map(pfn).flags & PG.anon) != 0;
}

/** The page of an entry that was taken out loses this mapping. */
export function zap_page(mm: mm_struct, pte: u64): void {
  const pfn = pte_pfn(pte);
  // A shared file page written through this mapping must reach its file.
  if ((pte & _PAGE_DIRTY) != 0 && !is_anon(pfn)) folio_mark_dirty(pfn);
  if ((pte & _PAGE_ACCESSED) != 0 && !is_anon(pfn)) folio_mark_accessed(pfn);
  if (mem_map(pfn).flags & PG.unevictable) folio_rescue(pfn);
  const cached = (mem_map(pfn).flags & PG.swapcache) != 0;
  page_remove_rmap(mm, pfn);
  // Nobody wants what is in its slot either.
  if (cached && mem_map(pfn).mapcount == 0) folio_free_swap(pfn);
}

/** The page in swap that an entry named loses it. */
// @nomark
function zap_swap(mm: mm_struct, pte: u64): void {
  mm.swapents--;
  free_swap_and_cache(pte_to_swp_offset(pte));
}

/**
 * fork: what `src` has of `src_vma` becomes mapped in `mm` too, at the same addresses.
 * Pages of a private mapping can be written by neither side until one of them copies.
 * => false when there is no frame left for a table.
 */
export function copy_page_range(
  mm: mm_struct, src: mm_struct, vma: vm_area_struct, src_vma: vm_area_struct,
): bool {
  const cow = (src_vma.vm_flags & (VM.SHARED | VM.MAYWRITE)) == VM.MAYWRITE;
  let va = vma.vm_start;
  while (va < vma.vm_end) {
    const slot = pte_offset(src, va);
    if (slot == 0) {
      va = next_table(src, va);
      continue;
    }
    if (load<u64>(slot) != 0) {
      const to = pte_alloc(mm, va);
      if (to == 0) return false;
      copy_present_pte(mm, src, va, slot, to, cow);
    }
    va += 4096;
  }
  return true;
}

/** One page of copy_page_range. The child has not used it yet: its A is clear. */
function copy_present_pte(
  mm: mm_struct, src: mm_struct, va: u64, slot: usize, to: usize, cow: bool,
): void {
  let pte = load<u64>(slot);
  if (pte == 0) return; // reclaimed, while room was made for the table
  if (is_swap_pte(pte)) {
    copy_nonpresent_pte(mm, src, va, slot, to);
    return;
  }
  if (cow && pte_write(pte)) {
    pte &= ~_PAGE_WRITE;
    set_pte(src, va, slot, pte);
  }
  if (!cow) pte &= ~_PAGE_DIRTY; // the parent's entry owes the write to the file
  if (!pte_special(pte)) {
    mem_map(pte_pfn(pte)).flags &= ~PG.anon_exclusive;
    page_add_rmap(mm, pte_pfn(pte));
  }
  set_pte(mm, va, to, pte & ~_PAGE_ACCESSED);
}

/**
 * Frees the tables that [addr, end) needed and nothing else does: `floor` is where the
 * mapping before it ends, `ceiling` where the next one begins.
 */
export function free_pgd_range(
  mm: mm_struct, addr: u64, end: u64, floor: u64, ceiling: u64,
): void {
  let va = addr & ~(PGDIR_SIZE - 1);
  for (; va < end; va += PGDIR_SIZE) {
    const slot = pte_slot(mm.pgd, pte_index(va, 2));
    if (!pte_present(load<u64>(slot))) continue;
    const table = pte_pfn(load<u64>(slot));
    let at = max<u64>(va, addr) & ~(PMD_SIZE - 1);
    for (; at < min<u64>(end, va + PGDIR_SIZE); at += PMD_SIZE) {
      if (at < floor || at + PMD_SIZE > ceiling) continue;
      pgtable_free(mm, at, pte_slot(table, pte_index(at, 1)));
    }
    if (va >= floor && va + PGDIR_SIZE <= ceiling) pgtable_free(mm, va, slot);
  }
}

/** Frees the table that the entry at `slot` points to, if there is one. */
function pgtable_free(mm: mm_struct, va: u64, slot: usize): void {
  const entry = load<u64>(slot);
  if (!pte_present(entry)) return;
  frame_written(pfn_of_slot(slot));
  store<u64>(slot, 0);
  emit(Ev.SetPte, va | (<u64>mm.asid << 48), entry, 0);
  put_page(pte_pfn(entry));
  mm.pgtables--;
}

/** A page in swap is named by two from now on, and is neither's own. */
function copy_nonpresent_pte(
  mm: mm_struct, src: mm_struct, va: u64, slot: usize, to: usize,
): void {
  const pte = pte_swp_clear_exclusive(load<u64>(slot));
  swap_duplicate(pte_to_swp_offset(pte));
  mm.swapents++;
  set_pte(src, va, slot, pte);
  set_pte(mm, va, to, pte);
}

/** Frees every page table of `mm`; nothing may be mapped any more. */
export function free_pgtables(mm: mm_struct): void {
  free_table(mm, mm.pgd, 2);
  mm.pgd = NO_PAGE;
  sfence_vma_asid(mm.asid);
}

/** Frees the table of `level` in frame `pfn`, and first those below it. */
// @nomark
function free_table(mm: mm_struct, pfn: u32, level: u32): void {
  for (let i: u32 = 0; level > 0 && i < PTRS_PER_PTE; i++) {
    const entry = load<u64>(pte_slot(pfn, i));
    if (pte_present(entry)) free_table(mm, pte_pfn(entry), level - 1);
  }
  put_page(pfn);
  mm.pgtables--;
}
