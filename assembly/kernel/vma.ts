// The areas of an address space: a sorted list of ranges that do not overlap, each with
// one set of permissions. Here areas are found, linked, split and merged.
//
//   mm.mmap -> [ r-x hello | rw- hello |   | rw- heap ]  ...  [ rw- stack ] -> null
//
//   find_vma     the first area that ends above an address: it holds it, or lies above
//   split_vma    one area becomes two that mean the same
//   vma_merge    F: two neighbours that mean the same become one
//
// In Linux: mm/vma.c, mm/mmap.c (6.12): find_vma, split_vma, vma_merge. A maple tree
// there; a sorted list, as here, until 6.0.
// Left out: the anon_vma test when merging (two neighbours of one process nearly always
// share theirs).
import { CONF_BASE, Conf, PAGE_SIZE, VM } from "../abi";
import { ENOMEM } from "./errno";
import { fput, get_file } from "./file_table";
import { mm_struct, vm_area_alloc, vm_area_free, vm_area_struct } from "./mm_types";

/** => the first area that ends above `addr` (it may start above it too), or null. */
export function find_vma(mm: mm_struct, addr: u64): vm_area_struct | null {
  const cached = mm.mmap_cache;
  if (cached != null && cached.vm_start <= addr && addr < cached.vm_end) return cached;
  let vma = mm.mmap;
  while (vma != null && vma.vm_end <= addr) vma = vma.vm_next;
  if (vma != null) mm.mmap_cache = vma;
  return vma;
}

/** => the first area that overlaps [start, end), or null. */
export function find_vma_intersection(
  mm: mm_struct, start: u64, end: u64,
): vm_area_struct | null {
  const vma = find_vma(mm, start);
  if (vma == null || vma.vm_start >= end) return null;
  return vma;
}

/**
 * The last area that ends at or below `addr`: the one a new area there would follow.
 */
export function vma_before(mm: mm_struct, addr: u64): vm_area_struct | null {
  let prev: vm_area_struct | null = null;
  let vma = mm.mmap;
  while (vma != null && vma.vm_end <= addr) {
    prev = vma;
    vma = vma.vm_next;
  }
  return prev;
}

/** A stack keeps a guard gap free below itself, which nothing else may use. */
// @nomark
export function vm_start_gap(vma: vm_area_struct): u64 {
  if ((vma.vm_flags & VM.GROWSDOWN) == 0) return vma.vm_start;
  const gap = load<u64>(CONF_BASE + Conf.stack_guard_gap * 8) * PAGE_SIZE;
  return vma.vm_start > gap ? vma.vm_start - gap : 0;
}

/** Puts `vma` into the sorted list after `prev` (null: first). */
// @nomark
export function vma_link(
  mm: mm_struct, vma: vm_area_struct, prev: vm_area_struct | null,
): void {
  const next = prev == null ? mm.mmap : prev.vm_next;
  vma.vm_prev = prev;
  vma.vm_next = next;
  if (prev == null) mm.mmap = vma;
  else prev.vm_next = vma;
  if (next != null) next.vm_prev = vma;
  mm.map_count++;
}

/** Takes `vma` off the list, drops its file and frees it. */
// @nomark
export function vma_unlink(mm: mm_struct, vma: vm_area_struct): void {
  const prev = vma.vm_prev;
  const next = vma.vm_next;
  if (prev == null) mm.mmap = next;
  else prev.vm_next = next;
  if (next != null) next.vm_prev = prev;
  mm.map_count--;
  mm.mmap_cache = null;
  if (vma.vm_file != 0) fput(vma.vm_file);
  vm_area_free(vma);
}

/** Books `pages` more (or, negative, fewer) of `vm_flags` in the address space. */
// @nomark
export function vm_stat_account(mm: mm_struct, vm_flags: u32, pages: i64): void {
  mm.total_vm += pages;
  const data: u32 = VM.WRITE | VM.SHARED | VM.GROWSDOWN;
  if ((vm_flags & data) == VM.WRITE) mm.data_vm += pages;
}

/**
 * Cuts `vma` in two at `addr`, which lies strictly inside.
 * => 0, or -ENOMEM when there is no vm_area_struct left. `vma` keeps the lower part.
 */
export function split_vma(mm: mm_struct, vma: vm_area_struct, addr: u64): i64 {
  const upper = vm_area_alloc(mm);
  if (upper == null) return -ENOMEM;
  upper.vm_start = addr;
  upper.vm_end = vma.vm_end;
  upper.vm_pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> 12);
  upper.vm_flags = vma.vm_flags;
  upper.vm_file = vma.vm_file;
  upper.anon_vma = vma.anon_vma;
  if (upper.vm_file != 0) get_file(upper.vm_file);
  vma.vm_end = addr;
  vma_link(mm, upper, vma);
  mm.mmap_cache = null;
  return 0;
}

/** F: may `next`, which starts where `vma` ends, become part of it? */
// @nomark
function can_vma_merge(vma: vm_area_struct, next: vm_area_struct): bool {
  if (vma.vm_end != next.vm_start) return false;
  if (vma.vm_flags != next.vm_flags) return false;
  if (vma.vm_file != next.vm_file) return false;
  if (vma.vm_flags & VM.DONTEXPAND) return false;
  return vma.vm_pgoff + ((vma.vm_end - vma.vm_start) >> 12) == next.vm_pgoff;
}

/**
 * F: joins `vma` with the neighbours that mean the same.
 * => the area that now covers it.
 */
export function vma_merge(mm: mm_struct, vma: vm_area_struct): vm_area_struct {
  const next = vma.vm_next;
  if (next != null && can_vma_merge(vma, next)) {
    vma.vm_end = next.vm_end;
    vma.anon_vma |= next.anon_vma;
    vma_unlink(mm, next);
  }
  const prev = vma.vm_prev;
  if (prev != null && can_vma_merge(prev, vma)) {
    prev.vm_end = vma.vm_end;
    prev.anon_vma |= vma.anon_vma;
    vma_unlink(mm, vma);
    return prev;
  }
  return vma;
}
