// The areas of an address space: a sorted list of ranges that do not overlap, each with
// one set of permissions. Here areas are found, linked, split and merged.
//
//   mm.mmap -> [ r-x hello | rw- hello |   | rw- heap ]  ...  [ rw- stack ] -> null
//
//   find_vma     the first area that ends above an address: it holds it, or lies above
//   vma_link     puts an area into the list, and on the list of its file's areas
//   split_vma    one area becomes two that mean the same (vma_merge.ts: the opposite)
//
// In Linux: mm/vma.c, mm/mmap.c (6.12): find_vma, vma_link, split_vma. A maple tree
// there; a sorted list, as here, until 6.0.
// Left out: locks.
import { CONF_BASE, Conf, PAGE_SIZE, VM } from "../abi";
import { anon_vma_clone, unlink_anon_vmas } from "./anon_vma";
import { ENOMEM } from "./errno";
import { file_at, fput, get_file } from "./file_table";
import { inode_at } from "./fs";
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
  if (vma.vm_file != 0) vma_link_file(vma);
}

/** Puts `vma` at the head of its inode's list of areas. */
// @nomark
function vma_link_file(vma: vm_area_struct): void {
  const node = inode_at(file_at(vma.vm_file).f_inode);
  const first = node.i_mmap;
  vma.i_mmap_prev = null;
  vma.i_mmap_next = first;
  if (first != null) first.i_mmap_prev = vma;
  node.i_mmap = vma;
}

/** Takes `vma` off its inode's list. */
// @nomark
function unlink_file_vma(vma: vm_area_struct): void {
  const next = vma.i_mmap_next;
  const prev = vma.i_mmap_prev;
  if (prev == null) inode_at(file_at(vma.vm_file).f_inode).i_mmap = next;
  else prev.i_mmap_next = next;
  if (next != null) next.i_mmap_prev = prev;
}

/** Takes `vma` off its lists, drops its file and its chains, and frees it. */
// @nomark
export function vma_unlink(mm: mm_struct, vma: vm_area_struct): void {
  const prev = vma.vm_prev;
  const next = vma.vm_next;
  if (prev == null) mm.mmap = next;
  else prev.vm_next = next;
  if (next != null) next.vm_prev = prev;
  mm.map_count--;
  mm.mmap_cache = null;
  unlink_anon_vmas(vma);
  if (vma.vm_file != 0) {
    unlink_file_vma(vma);
    fput(vma.vm_file);
  }
  vm_area_free(vma);
}

/** Books `pages` more (or, negative, fewer) of `vm_flags` in the address space. */
// @nomark
export function vm_stat_account(mm: mm_struct, vm_flags: u32, pages: i64): void {
  mm.hiwater_vm = max<u64>(mm.hiwater_vm, mm.total_vm);
  mm.total_vm += pages;
  if (is_data_mapping(vm_flags)) mm.data_vm += pages;
}

/** Private memory that may be written, stacks aside: what RLIMIT_DATA is about. */
// @nomark
export function is_data_mapping(vm_flags: u32): bool {
  return (vm_flags & (VM.WRITE | VM.SHARED | VM.GROWSDOWN)) == VM.WRITE;
}

/**
 * Cuts `vma` in two at `addr`, which lies strictly inside. `vma` keeps the lower part.
 * => 0, or -ENOMEM when there is no vm_area_struct or anon_vma_chain left.
 */
export function __split_vma(mm: mm_struct, vma: vm_area_struct, addr: u64): i64 {
  const upper = vm_area_alloc(mm);
  if (upper == null) return -ENOMEM;
  upper.vm_start = addr;
  upper.vm_end = vma.vm_end;
  upper.vm_pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> 12);
  upper.vm_flags = vma.vm_flags;
  upper.anon_vma = vma.anon_vma;
  if (!anon_vma_clone(upper, vma)) {
    vm_area_free(upper);
    return -ENOMEM;
  }
  upper.vm_file = vma.vm_file;
  if (upper.vm_file != 0) get_file(upper.vm_file);
  vma.vm_end = addr;
  vma_link(mm, upper, vma);
  mm.mmap_cache = null;
  return 0;
}

/** The same, unless the process has as many areas as it may. => 0 or -ENOMEM. */
// @nomark
export function split_vma(mm: mm_struct, vma: vm_area_struct, addr: u64): i64 {
  const limit = load<u32>(CONF_BASE + Conf.vm_max_map_count * 8);
  return mm.map_count >= limit ? -ENOMEM : __split_vma(mm, vma, addr);
}
