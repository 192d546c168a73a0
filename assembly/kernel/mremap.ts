// mremap: an area becomes longer, shorter, or lies elsewhere, with its pages.
//
//   before   |--- old ---|          | other |
//   A shorter  |- old -|              the rest is unmapped
//   B longer   |--- old ---|++++|     in place, when the addresses after it are free
//   C moved                           |--- old ---|++++|     the PTEs change tables,
//                                                            the frames do not move
//   D DONTUNMAP  |.. empty ..|        |--- old ---|          moved, and the old area
//                                                            stays, without its pages
//   E old_len 0                       a second mapping of the same shared pages
//
// Moving costs a PTE a page, copying would cost a page a page: that is why realloc of a
// large block is cheap.
//
// In Linux: mm/mremap.c, sys_mremap(), mremap_to(), vma_to_resize(), move_vma(),
// move_page_tables(); mm/vma.c copy_vma() (6.12).
// Left out: moving whole page tables, userfaultfd.
import { CONF_BASE, Conf, VM } from "../abi";
import { anon_vma_clone, unlink_anon_vmas } from "./anon_vma";
import { EAGAIN, EFAULT, EINVAL, ENOMEM, IS_ERR_VALUE } from "./errno";
import { mm_populate } from "./gup";
import { VM_LOCKED_MASK, mlock_future_ok } from "./mlock";
import {
  MAP_FIXED,
  PAGE_ALIGN,
  book_area,
  do_munmap,
  insert_area,
  may_expand_vm,
  offset_in_page,
} from "./mmap";
import { get_unmapped_area } from "./unmapped_area";
import { mm_struct, vm_area_struct } from "./mm_types";
import { TASK_SIZE, next_table, pte_alloc, pte_offset, set_pte } from "./pgtable";
import { current_mm } from "./sched";
import { vm_enough_memory } from "./util";
import { find_vma, find_vma_intersection, vma_before } from "./vma";
import { vma_merge_extend, vma_merge_new_range, vmg_of_vma } from "./vma_merge";

const MREMAP_MAYMOVE: u32 = 1;
const MREMAP_FIXED: u32 = 2;
const MREMAP_DONTUNMAP: u32 = 4;

// @nomark
function max_map_count(): u32 {
  return load<u32>(CONF_BASE + Conf.vm_max_map_count * 8);
}

/** Are these flags, and the lengths with them, a question at all? */
// @nomark
function valid_request(flags: u32, old_len: u64, new_len: u64): bool {
  if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) return false;
  const moves = (flags & MREMAP_MAYMOVE) != 0;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 && !moves) return false;
  return (flags & MREMAP_DONTUNMAP) == 0 || old_len == new_len;
}

/** mremap(2). => the new address or negative errno. */
export function sys_mremap(
  addr: u64, old_len: u64, new_len: u64, flags: u32, new_addr: u64,
): u64 {
  const mm = current_mm();
  if (!valid_request(flags, old_len, new_len)) return <u64>-EINVAL;
  if (offset_in_page(addr)) return <u64>-EINVAL;
  old_len = PAGE_ALIGN(old_len);
  new_len = PAGE_ALIGN(new_len);
  if (new_len == 0) return <u64>-EINVAL;
  const vma = find_vma(mm, addr);
  if (vma == null || vma.vm_start > addr) return <u64>-EFAULT;
  const locked = (vma.vm_flags & VM.LOCKED) != 0;
  const moved = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
  const at = moved != 0
    ? mremap_to(mm, addr, old_len, new_addr, new_len, flags)
    : resize_vma(mm, vma, addr, old_len, new_len, flags);
  // What is new of a locked area comes at once.
  if (!IS_ERR_VALUE(at) && locked && new_len > old_len) {
    mm_populate(at + old_len, new_len - old_len);
  }
  return at;
}

/** A, B, C: where nobody said where to. => the address or negative errno. */
export function resize_vma(
  mm: mm_struct, vma: vm_area_struct, addr: u64, old_len: u64, new_len: u64, flags: u32,
): u64 {
  // A
  if (old_len >= new_len) {
    if (old_len == new_len) return addr;
    const error = do_munmap(mm, addr + new_len, old_len - new_len);
    return error != 0 ? <u64>error : addr;
  }
  const error = vma_to_resize(mm, vma, addr, old_len, new_len, flags);
  if (error != 0) return <u64>error;
  // B
  const more = new_len - old_len;
  if (old_len == vma.vm_end - addr && vma_expandable(mm, vma, more)) {
    if ((vma.vm_flags & VM.ACCOUNT) != 0 && !vm_enough_memory(more >> 12)) {
      return <u64>-ENOMEM;
    }
    const from = vma.vm_end;
    const vm_flags = vma.vm_flags;
    if (vma_merge_extend(mm, vma, more) == null) return <u64>-ENOMEM;
    book_area(mm, from, more, vm_flags);
    return addr;
  }
  // C
  if ((flags & MREMAP_MAYMOVE) == 0) return <u64>-ENOMEM;
  const pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> 12);
  const found = get_unmapped_area(mm, vma.vm_file, 0, new_len, pgoff, 0);
  if (IS_ERR_VALUE(found)) return found;
  return move_vma(mm, vma, addr, old_len, found, new_len, flags);
}

/** May [addr, addr + old_len) of `vma` become `new_len` bytes? => 0 or errno. */
export function vma_to_resize(
  mm: mm_struct, vma: vm_area_struct, addr: u64, old_len: u64, new_len: u64, flags: u32,
): i64 {
  const special = (vma.vm_flags & (VM.DONTEXPAND | VM.PFNMAP)) != 0;
  // E: of private memory it would only be an empty area.
  if (old_len == 0 && (vma.vm_flags & (VM.SHARED | VM.MAYSHARE)) == 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) != 0 && special) return -EINVAL;
  if (old_len > vma.vm_end - addr) return -EFAULT;
  if (new_len == old_len) return 0;
  const pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> 12);
  if (pgoff + (new_len >> 12) < pgoff) return -EINVAL;
  if (special) return -EFAULT;
  if (!mlock_future_ok(mm, vma.vm_flags, new_len - old_len)) return -EAGAIN;
  const more = <i64>(new_len - old_len) >> 12;
  return may_expand_vm(mm, vma.vm_flags, more) ? 0 : -ENOMEM;
}

/** B: are `more` bytes after `vma` free? */
// @nomark
function vma_expandable(mm: mm_struct, vma: vm_area_struct, more: u64): bool {
  const end = vma.vm_end + more;
  if (end < vma.vm_end || end > TASK_SIZE) return false;
  if (find_vma_intersection(mm, vma.vm_end, end) != null) return false;
  const at = get_unmapped_area(mm, 0, vma.vm_start, end - vma.vm_start, 0, MAP_FIXED);
  return !IS_ERR_VALUE(at);
}

/**
 * C, D with a place of the caller's choice (MREMAP_FIXED: what was mapped there goes)
 * or anywhere (DONTUNMAP alone). => the address or negative errno.
 */
export function mremap_to(
  mm: mm_struct, addr: u64, old_len: u64, new_addr: u64, new_len: u64, flags: u32,
): u64 {
  const fixed = (flags & MREMAP_FIXED) != 0;
  if (offset_in_page(new_addr)) return <u64>-EINVAL;
  if (new_len > TASK_SIZE || new_addr > TASK_SIZE - new_len) return <u64>-EINVAL;
  if (addr + old_len > new_addr && new_addr + new_len > addr) return <u64>-EINVAL;
  if (mm.map_count + 2 >= max_map_count() - 3) return <u64>-ENOMEM;
  let error = fixed ? do_munmap(mm, new_addr, new_len) : 0;
  if (error != 0) return <u64>error;
  if (old_len > new_len) {
    error = do_munmap(mm, addr + new_len, old_len - new_len);
    if (error != 0) return <u64>error;
    old_len = new_len;
  }
  const vma = find_vma(mm, addr);
  if (vma == null || vma.vm_start > addr) return <u64>-EFAULT;
  error = vma_to_resize(mm, vma, addr, old_len, new_len, flags);
  if (error != 0) return <u64>error;
  const keeps = (flags & MREMAP_DONTUNMAP) != 0;
  if (keeps && !may_expand_vm(mm, vma.vm_flags, old_len >> 12)) return <u64>-ENOMEM;
  const pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> 12);
  const how = fixed ? MAP_FIXED : 0;
  const at = get_unmapped_area(mm, vma.vm_file, new_addr, new_len, pgoff, how);
  if (IS_ERR_VALUE(at)) return at;
  return move_vma(mm, vma, addr, old_len, at, new_len, flags);
}

/**
 * C, D: a copy of the area at `new_addr`, the pages moved to it, the old range unmapped
 * or left empty.
 * => new_addr or -ENOMEM, then nothing has moved.
 */
export function move_vma(
  mm: mm_struct, vma: vm_area_struct, addr: u64, old_len: u64, new_addr: u64,
  new_len: u64, flags: u32,
): u64 {
  if (mm.map_count >= max_map_count() - 3) return <u64>-ENOMEM;
  const keeps = (flags & MREMAP_DONTUNMAP) != 0;
  const account = keeps ? new_len >> 12 : <u64>(<i64>(new_len - old_len) >> 12);
  const accounted = (vma.vm_flags & VM.ACCOUNT) != 0;
  if (accounted && !vm_enough_memory(account)) return <u64>-ENOMEM;
  if (!pte_alloc_range(mm, addr, old_len, new_addr)) return <u64>-ENOMEM;
  const copy = copy_vma(mm, vma, addr, new_addr, new_len);
  if (copy == null) return <u64>-ENOMEM;
  move_ptes(mm, addr, new_addr, old_len);
  if (keeps) {
    leave_empty(mm, copy, addr, old_len);
    return new_addr;
  }
  if (old_len == 0) return new_addr; // E
  const error = do_munmap(mm, addr, old_len);
  return error != 0 ? <u64>error : new_addr;
}

/**
 * Builds the tables that move_ptes will need for [from, from + len) at `to`.
 * => false when there is no frame left for one.
 */
function pte_alloc_range(mm: mm_struct, from: u64, len: u64, to: u64): bool {
  let va = from;
  while (va < from + len) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    if (load<u64>(slot) != 0 && pte_alloc(mm, va - from + to) == 0) return false;
    va += 4096;
  }
  return true;
}

/**
 * Moves the pages of [from, from + len) to `to`, where nothing is mapped and the tables
 * are there. Their frames and counts stay as they are.
 */
export function move_ptes(mm: mm_struct, from: u64, to: u64, len: u64): void {
  let va = from;
  while (va < from + len) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    if (load<u64>(slot) != 0) move_pte(mm, va, slot, va - from + to);
    va += 4096;
  }
}

/** One page of move_ptes. */
function move_pte(mm: mm_struct, va: u64, slot: usize, to: u64): void {
  const pte = load<u64>(slot);
  set_pte(mm, va, slot, 0);
  set_pte(mm, to, pte_offset(mm, to), pte);
}

/**
 * D: the pages of the range have left its area; so do its lock, and its anon_vma. The
 * area may have become one with `copy` in the meantime: then it keeps that.
 */
function leave_empty(
  mm: mm_struct, copy: vm_area_struct, addr: u64, len: u64,
): void {
  const vma = find_vma(mm, addr);
  if (vma == null) return;
  if (vma.vm_flags & VM.LOCKED) mm.locked_vm -= len >> 12;
  vma.vm_flags &= ~VM_LOCKED_MASK;
  if (changetype<usize>(vma) == changetype<usize>(copy)) return;
  if (vma.vm_start == addr && vma.vm_end == addr + len) unlink_anon_vmas(vma);
}

/**
 * An area, or a part of a neighbour, at [addr, addr + len) that means what `vma` means
 * from `from` on. Pages that are there keep their index, and so their place in the
 * file or in the anon_vma; an area without any may fit its new neighbours better.
 * => the area, or null when there is no memory for it.
 */
export function copy_vma(
  mm: mm_struct, vma: vm_area_struct, from: u64, addr: u64, len: u64,
): vm_area_struct | null {
  const vmg = vmg_of_vma(mm, vma, from, addr);
  if (vma.vm_file == 0 && vma.anon_vma == null) vmg.pgoff = addr >> 12;
  vmg.prev = vma_before(mm, addr);
  vmg.next = find_vma(mm, addr);
  vmg.start = addr;
  vmg.end = addr + len;
  const pgoff = vmg.pgoff;
  const flags = vma.vm_flags;
  const merged = vma_merge_new_range(vmg);
  if (merged != null) {
    book_area(mm, addr, len, flags);
    return merged;
  }
  const copy = insert_area(mm, vma.vm_file, addr, len, flags, pgoff);
  if (copy == null) return null;
  copy.anon_vma = vma.anon_vma;
  if (anon_vma_clone(copy, vma)) return copy;
  do_munmap(mm, addr, len);
  return null;
}
