// The heap: one anonymous area after the program's data, moved by its end.
//
//   data, bss | start_brk ......... brk |   free   | guard gap | next area
//
//   A  the end moves within its page       nothing to map
//   B  the end moves down                  the pages above it go
//   C  the end moves up                    refused if it would come too near the next
//
// In Linux: mm/mmap.c sys_brk(), vm_brk_flags(); mm/vma.c do_brk_flags() (6.12).
// Left out: RLIMIT_DATA, address randomisation of the heap.
import { PAGE_SIZE } from "../abi";
import { ENOMEM, IS_ERR_VALUE } from "./errno";
import {
  MAP_FIXED,
  PAGE_ALIGN,
  VM_DATA_FLAGS,
  do_munmap,
  find_vma,
  get_unmapped_area,
  mmap_region,
  vm_start_gap,
} from "./mmap";
import { mm_struct } from "./mm_types";
import { current_mm } from "./sched";

/**
 * An anonymous area at exactly [addr, addr + request), replacing what is there; how the
 * bss of a program is mapped.
 * => 0, or -ENOMEM, -EINVAL, -EPERM.
 */
export function vm_brk_flags(mm: mm_struct, addr: u64, request: u64, flags: u32): i64 {
  const len = PAGE_ALIGN(request);
  if (len < request) return -ENOMEM;
  if (len == 0) return 0;
  const at = get_unmapped_area(mm, addr, len, MAP_FIXED);
  if (IS_ERR_VALUE(at)) return <i64>at;
  return do_brk_flags(mm, addr, len, flags);
}

/** The area itself; `addr` and `len` are page aligned. => 0 or -ENOMEM. */
export function do_brk_flags(mm: mm_struct, addr: u64, len: u64, flags: u32): i64 {
  const at = mmap_region(mm, 0, addr, len, VM_DATA_FLAGS | flags, addr >> 12);
  return IS_ERR_VALUE(at) ? <i64>at : 0;
}

/**
 * brk(2): moves the end of the heap to `brk`.
 * => the end as it is afterwards; the old one when the move was refused.
 */
export function sys_brk(brk: u64): u64 {
  const mm = current_mm();
  if (brk < mm.start_brk) return mm.brk;
  const newbrk = PAGE_ALIGN(brk);
  const oldbrk = PAGE_ALIGN(mm.brk);
  // A: same page
  if (oldbrk == newbrk) {
    mm.brk = brk;
    return brk;
  }
  // B: down
  if (brk <= mm.brk) {
    if (do_munmap(mm, newbrk, oldbrk - newbrk) != 0) return mm.brk;
    mm.brk = brk;
    return brk;
  }
  // C: up
  const len = newbrk - oldbrk;
  if (IS_ERR_VALUE(get_unmapped_area(mm, oldbrk, len, MAP_FIXED))) return mm.brk;
  const next = find_vma(mm, oldbrk);
  if (next != null && newbrk + PAGE_SIZE > vm_start_gap(next)) return mm.brk;
  if (do_brk_flags(mm, oldbrk, len, 0) != 0) return mm.brk;
  mm.brk = brk;
  return brk;
}

