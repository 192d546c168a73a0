// The heap: one anonymous area after the program's data, moved by its end.
//
//   data, bss | start_brk ......... brk |   free   | guard gap | next area
//
//   A  the end moves within its page       nothing to map
//   B  the end moves down                  the pages above it go
//   C  the end moves up                    refused if it would come too near the next
//
// The heap begins as an area of its own, next to the bss, and then grows in place.
//
// In Linux: mm/mmap.c sys_brk(), vm_brk_flags(); mm/vma.c do_brk_flags() (6.12).
// Left out: address randomisation of the heap.
import { CONF_BASE, Conf, PAGE_SIZE, VM } from "../abi";
import { ENOMEM, IS_ERR_VALUE } from "./errno";
import { mm_populate } from "./gup";
import { mlock_future_ok } from "./mlock";
import {
  MAP_FIXED,
  PAGE_ALIGN,
  VM_DATA_FLAGS,
  book_area,
  do_munmap,
  insert_area,
  may_expand_vm,
} from "./mmap";
import { get_unmapped_area } from "./unmapped_area";
import { find_vma, find_vma_intersection, vm_start_gap, vma_before } from "./vma";
import { mm_struct, vm_area_struct } from "./mm_types";
import { vma_merge_new_range, vmg_of_vma } from "./vma_merge";
import { RLIMIT_DATA, RLIM_INFINITY } from "./rlimit";
import { current_mm, rlimit } from "./sched";
import { vm_enough_memory } from "./util";

/**
 * An anonymous area at exactly [addr, addr + request), replacing what is there; how the
 * bss of a program is mapped.
 * => 0, or -ENOMEM, -EINVAL, -EPERM.
 */
export function vm_brk_flags(mm: mm_struct, addr: u64, request: u64, flags: u32): i64 {
  const len = PAGE_ALIGN(request);
  if (len < request) return -ENOMEM;
  if (len == 0) return 0;
  const at = get_unmapped_area(mm, 0, addr, len, 0, MAP_FIXED);
  if (IS_ERR_VALUE(at)) return <i64>at;
  const error = do_munmap(mm, addr, len);
  if (error != 0) return error;
  return do_brk_flags(mm, vma_before(mm, addr), addr, len, flags);
}

/**
 * The area itself, where nothing is mapped: `prev` grows when it ends there and means
 * the same. `addr` and `len` are page aligned.
 * => 0 or -ENOMEM.
 */
export function do_brk_flags(
  mm: mm_struct, prev: vm_area_struct | null, addr: u64, len: u64, flags: u32,
): i64 {
  const vm_flags = VM_DATA_FLAGS | VM.ACCOUNT | mm.def_flags | flags;
  if (!may_expand_vm(mm, vm_flags, len >> 12)) return -ENOMEM;
  if (mm.map_count > load<u32>(CONF_BASE + Conf.vm_max_map_count * 8)) return -ENOMEM;
  if (!vm_enough_memory(len >> 12)) return -ENOMEM;
  if (prev != null && prev.vm_end == addr) {
    const vmg = vmg_of_vma(mm, prev, addr, addr + len);
    vmg.prev = prev;
    vmg.flags = vm_flags;
    vmg.pgoff = addr >> 12;
    vmg.file = 0;
    vmg.anon_vma = null;
    if (vma_merge_new_range(vmg) != null) {
      book_area(mm, addr, len, vm_flags);
      return 0;
    }
  }
  const vma = insert_area(mm, 0, addr, len, vm_flags, addr >> 12);
  return vma == null ? -ENOMEM : 0;
}

/**
 * brk(2): moves the end of the heap to `brk`; a new part of it has `flags` besides.
 * => the end as it is afterwards; the old one when the move was refused.
 */
export function sys_brk(brk: u64, flags: u32 = 0): u64 {
  const mm = current_mm();
  if (brk < mm.start_brk) return mm.brk;
  // The heap and the program's data together
  const data = mm.end_data - mm.start_data;
  const limit = rlimit(RLIMIT_DATA);
  if (limit != RLIM_INFINITY && brk - mm.start_brk + data > limit) return mm.brk;
  const newbrk = PAGE_ALIGN(brk);
  const oldbrk = PAGE_ALIGN(mm.brk);
  // A: same page
  if (oldbrk == newbrk) {
    mm.brk = brk;
    return brk;
  }
  // B: down
  if (brk <= mm.brk) {
    if (find_vma_intersection(mm, newbrk, oldbrk) == null) return mm.brk;
    if (do_munmap(mm, newbrk, oldbrk - newbrk) != 0) return mm.brk;
    mm.brk = brk;
    return brk;
  }
  // C: up
  const len = newbrk - oldbrk;
  if (IS_ERR_VALUE(get_unmapped_area(mm, 0, oldbrk, len, 0, MAP_FIXED))) return mm.brk;
  if (!mlock_future_ok(mm, mm.def_flags, len)) return mm.brk;
  const next = find_vma(mm, oldbrk);
  if (next != null && newbrk + PAGE_SIZE > vm_start_gap(next)) return mm.brk;
  // The bss, before the heap, is not a part of it.
  let heap = vma_before(mm, oldbrk);
  if (heap != null && heap.vm_end <= mm.start_brk) heap = null;
  if (do_brk_flags(mm, heap, oldbrk, len, flags) != 0) return mm.brk;
  mm.brk = brk;
  if (mm.def_flags & VM.LOCKED) mm_populate(oldbrk, len);
  return brk;
}

