// Two neighbouring areas that mean the same become one. Every call that makes or
// changes areas tries it, for a process that maps a thousand pages one by one should
// not end up with a thousand areas.
//
//   A  a new range between prev and next
//        prev |new| next       =>  |------- prev -------|      next goes
//        prev |new|   next     =>  |-- prev --|   next         or next grows down
//
//   B  a part of an area, whose flags change
//        prev [vma   ] next    =>  |------- prev -------|      vma and next go
//        prev [va|   ]         =>  |- prev --|vma|             or prev grows, vma goes
//             [  |ma] next     =>       |vma|-- next --|       or the same from above
//        anything else             the area is cut at the range's ends
//
//   C  what "the same" is: flags, file, and the page of the file going on; and pages
//      that can be looked up in the same anon_vma. An area that a fork copied has
//      several, and is then left alone, unless both have the very same.
//
// In Linux: mm/vma.c vma_merge_new_range(), vma_merge_existing_range(), vma_modify(),
// vma_expand(), is_mergeable_anon_vma() (6.12).
// Left out: policies, names, userfaultfd contexts of areas.
import { VM, VMG_BASE } from "../abi";
import { anon_vma, anon_vma_clone, list_is_singular } from "./anon_vma";
import { mm_struct, vm_area_struct } from "./mm_types";
import { split_vma, vma_unlink } from "./vma";

const VM_SPECIAL: u32 = VM.PFNMAP | VM.DONTEXPAND;

/** The merge at hand: a range, what it is to be, and its neighbours. */
@unmanaged
export class vma_merge_struct {
  mm!: mm_struct;
  prev!: vm_area_struct | null;
  next!: vm_area_struct | null;
  start!: u64;
  end!: u64;
  pgoff!: u64;
  flags!: u32;
  file!: u32;
  anon_vma!: anon_vma | null;
}

/** A merge never begins another: one record serves them all. */
// @nomark
export function the_vmg(): vma_merge_struct {
  return changetype<vma_merge_struct>(VMG_BASE);
}

/** Describes a merge of [start, end) with the meaning of `vma`. */
// @nomark
export function vmg_of_vma(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64,
): vma_merge_struct {
  const vmg = the_vmg();
  vmg.mm = mm;
  vmg.prev = vma.vm_prev;
  vmg.next = null;
  vmg.start = start;
  vmg.end = end;
  vmg.pgoff = vma.vm_pgoff + ((start - vma.vm_start) >> 12);
  vmg.flags = vma.vm_flags;
  vmg.file = vma.vm_file;
  vmg.anon_vma = vma.anon_vma;
  return vmg;
}

/**
 * C: can their pages be looked up in one place? `vma` is the area that would grow, or
 * null when only the two are compared. An area without any pages does not grow over
 * one that has some: so it has always been, by mistake (mended in 6.15).
 */
function is_mergeable_anon_vma(
  a: anon_vma | null, b: anon_vma | null, vma: vm_area_struct | null,
): bool {
  if (a == null || b == null) {
    if (vma == null || list_is_singular(vma)) return true;
  }
  return changetype<usize>(a) == changetype<usize>(b);
}

/** C: may the range become part of `vma`? */
// @nomark
function is_mergeable_vma(vmg: vma_merge_struct, vma: vm_area_struct): bool {
  if (vma.vm_flags != vmg.flags || vma.vm_file != vmg.file) return false;
  return is_mergeable_anon_vma(vmg.anon_vma, vma.anon_vma, vma);
}

/** C: does the range go on where `prev` ends? */
function can_vma_merge_left(vmg: vma_merge_struct): bool {
  const prev = vmg.prev;
  if (prev == null || prev.vm_end != vmg.start) return false;
  if (!is_mergeable_vma(vmg, prev)) return false;
  return prev.vm_pgoff + ((prev.vm_end - prev.vm_start) >> 12) == vmg.pgoff;
}

/** C: does `next` go on where the range ends? `left`: prev takes part too. */
function can_vma_merge_right(vmg: vma_merge_struct, left: bool): bool {
  const next = vmg.next;
  if (next == null || next.vm_start != vmg.end) return false;
  if (!is_mergeable_vma(vmg, next)) return false;
  if (next.vm_pgoff != vmg.pgoff + ((vmg.end - vmg.start) >> 12)) return false;
  const prev = vmg.prev;
  if (!left || prev == null) return true;
  // Each fits the range; do they fit each other?
  return is_mergeable_anon_vma(prev.anon_vma, next.anon_vma, null);
}

/** `dst` is about to cover pages of `src`: it must know their anon_vma. */
// @nomark
function dup_anon_vma(dst: vm_area_struct, src: vm_area_struct): bool {
  if (src.anon_vma == null || dst.anon_vma != null) return true;
  dst.anon_vma = src.anon_vma;
  return anon_vma_clone(dst, src);
}

/** Moves the start of `vma`, and the page of the file that is there. */
// @nomark
function move_start(vma: vm_area_struct, start: u64): void {
  vma.vm_pgoff += <i64>(start - vma.vm_start) >> 12;
  vma.vm_start = start;
}

/**
 * A: gives the new range, where nothing is mapped, to its neighbours.
 * => the area that now covers it, or null: it needs one of its own.
 */
export function vma_merge_new_range(vmg: vma_merge_struct): vm_area_struct | null {
  const prev = vmg.prev;
  const next = vmg.next;
  if (vmg.flags & VM_SPECIAL) return null;
  const left = can_vma_merge_left(vmg);
  const right = can_vma_merge_right(vmg, left);
  vmg.mm.mmap_cache = null;
  if (left && prev != null) {
    if (!right || next == null) {
      prev.vm_end = vmg.end;
      return prev;
    }
    if (!dup_anon_vma(prev, next)) return null;
    prev.vm_end = next.vm_end;
    vma_unlink(vmg.mm, next);
    return prev;
  }
  if (right && next != null) {
    move_start(next, vmg.start);
    return next;
  }
  return null;
}

/**
 * B: gives a part of vmg.vma, as what vmg says it is to be, to the neighbours.
 * => the area that now covers it, or null: no neighbour fits, or no memory.
 */
export function vma_merge_existing_range(
  vmg: vma_merge_struct, vma: vm_area_struct,
): vm_area_struct | null {
  const whole_left = vmg.start == vma.vm_start;
  const whole_right = vmg.end == vma.vm_end;
  if (vmg.flags & VM_SPECIAL) return null;
  vmg.next = whole_right ? vma.vm_next : null;
  const prev = whole_left && can_vma_merge_left(vmg) ? vmg.prev : null;
  const next = can_vma_merge_right(vmg, prev != null) ? vmg.next : null;
  const mm = vmg.mm;
  mm.mmap_cache = null;
  if (prev != null) {
    const known = next != null && next.anon_vma != null ? next : vma;
    if (!dup_anon_vma(prev, known)) return null;
    prev.vm_end = next != null ? next.vm_end : vmg.end;
    if (next != null) vma_unlink(mm, next);
    if (whole_right) vma_unlink(mm, vma);
    else move_start(vma, vmg.end);
    return prev;
  }
  if (next == null) return null;
  if (!dup_anon_vma(next, vma)) return null;
  move_start(next, vmg.start);
  if (whole_left) vma_unlink(mm, vma);
  else vma.vm_end = vmg.start;
  return next;
}

/**
 * B: makes the part [vmg.start, vmg.end) of `vma` an area of its own, or a part of a
 * neighbour. Its flags are still the caller's to set.
 * => that area, or null when there is no memory; nothing may then rely on the cuts.
 */
export function vma_modify(
  vmg: vma_merge_struct, vma: vm_area_struct,
): vm_area_struct | null {
  const merged = vma_merge_existing_range(vmg, vma);
  if (merged != null) return merged;
  const start = vmg.start;
  const end = vmg.end;
  let part = vma;
  if (part.vm_start < start) {
    if (split_vma(vmg.mm, part, start) != 0) return null;
    part = changetype<vm_area_struct>(changetype<usize>(part.vm_next));
  }
  if (part.vm_end > end && split_vma(vmg.mm, part, end) != 0) return null;
  return part;
}

/** vma_modify for other flags. => the area that now covers the range, or null. */
// @nomark
export function vma_modify_flags(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, flags: u32,
): vm_area_struct | null {
  const vmg = vmg_of_vma(mm, vma, start, end);
  vmg.flags = flags;
  return vma_modify(vmg, vma);
}

/** `vma` is to be `delta` bytes longer, where nothing is. => the area, or null. */
// @nomark
export function vma_merge_extend(
  mm: mm_struct, vma: vm_area_struct, delta: u64,
): vm_area_struct | null {
  const vmg = vmg_of_vma(mm, vma, vma.vm_end, vma.vm_end + delta);
  vmg.prev = vma;
  vmg.next = vma.vm_next;
  return vma_merge_new_range(vmg);
}

if (offsetof<vma_merge_struct>() > 64) ERROR("abi: VMG_BASE");
