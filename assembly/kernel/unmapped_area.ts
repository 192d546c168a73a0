// Where does a new mapping go, if the program does not say? As high as it fits, below
// the stack and the room the stack may grow into.
//
//   0 ..... program, heap -> ......... | gap | lib | gap | vdso |  ...  <- stack
//                                                               mmap_base
//
//   A  MAP_FIXED          exactly there
//   B  a hint             there, if that is free and clear of a stack's guard gap
//   C  none               the end of the highest gap below mmap_base that is large
//                         enough; of 2 MiB and more, placed as huge pages need it
//   D  no such gap        the lowest above a third of the address space
//
// In Linux: mm/mmap.c __get_unmapped_area(), arch_get_unmapped_area_topdown(),
// vm_unmapped_area(); mm/huge_memory.c thp_get_unmapped_area() (6.12).
// Left out: the limit of mmap_base by address randomisation.
import { CONF_BASE, Conf, PAGE_SIZE } from "../abi";
import { EINVAL, ENOMEM, EPERM, IS_ERR_VALUE } from "./errno";
import {
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_TYPE,
  PAGE_ALIGN,
  offset_in_page,
} from "./mmap";
import { mm_struct } from "./mm_types";
import { PMD_SIZE, TASK_SIZE } from "./pgtable";
import { current_is_root } from "./sched";
import { find_vma, vm_start_gap } from "./vma";

// @nomark
function mmap_min_addr(): u64 {
  return load<u64>(CONF_BASE + Conf.vm_mmap_min_addr * 8);
}

/** D: where the search goes on, upwards, when there is no room below mmap_base. */
// @nomark
function task_unmapped_base(): u64 {
  return (TASK_SIZE / 3 + 4095) & ~(<u64>4095);
}

/**
 * C, D: the highest free range of `len` bytes below mmap_base; when there is none, the
 * lowest above task_unmapped_base().
 * => its address, or -ENOMEM.
 */
export function vm_unmapped_area(mm: mm_struct, len: u64): u64 {
  const found = highest_gap(mm, len, mm.mmap_base);
  if (found != 0) return found;
  const above = lowest_gap(mm, len, task_unmapped_base());
  return above != 0 ? above : <u64>-ENOMEM;
}

/** => start of the lowest gap of `len` bytes at or above `from`, or 0. */
function lowest_gap(mm: mm_struct, len: u64, from: u64): u64 {
  let gap_start = from;
  for (let vma = find_vma(mm, from); vma != null; vma = vma!.vm_next) {
    const gap_end = vm_start_gap(vma);
    if (gap_end > gap_start && gap_end - gap_start >= len) return gap_start;
    gap_start = max<u64>(gap_start, vma.vm_end);
  }
  return TASK_SIZE - gap_start >= len ? gap_start : 0;
}

/** => start of the highest gap of `len` bytes ending at or below `limit`, or 0. */
function highest_gap(mm: mm_struct, len: u64, limit: u64): u64 {
  let best: u64 = 0;
  let gap_start: u64 = PAGE_SIZE;
  for (let vma = mm.mmap; vma != null; vma = vma!.vm_next) {
    const gap_end = min<u64>(vm_start_gap(vma), limit);
    if (gap_end > gap_start && gap_end - gap_start >= len) best = gap_end - len;
    gap_start = vma.vm_end;
  }
  if (limit > gap_start && limit - gap_start >= len) best = limit - len;
  return best;
}

/** A, B, C. => an address, which the caller has yet to check, or -ENOMEM. */
function arch_get_unmapped_area_topdown(
  mm: mm_struct, addr: u64, len: u64, flags: u32,
): u64 {
  if (len > TASK_SIZE - mmap_min_addr()) return <u64>-ENOMEM;
  if (flags & MAP_FIXED) return addr;
  // B: the hint, if the range is free and clear of a stack's guard gap
  if (addr != 0) {
    addr = PAGE_ALIGN(addr);
    const vma = find_vma(mm, addr);
    const fits = addr >= mmap_min_addr() && addr <= TASK_SIZE - len;
    if (fits && (vma == null || addr + len <= vm_start_gap(vma))) return addr;
  }
  return vm_unmapped_area(mm, len);
}

/**
 * C for a large area: `off`, its place in the file, and its address are congruent to
 * each other modulo PMD_SIZE. This kernel has no huge pages, but Linux's addresses.
 * => 0 when it is too small for that, or there is no such place.
 */
function thp_get_unmapped_area(
  mm: mm_struct, addr: u64, len: u64, off: u64, flags: u32,
): u64 {
  const first_huge = (off + PMD_SIZE - 1) & ~(PMD_SIZE - 1);
  const end = off + len;
  if (end <= first_huge || end - first_huge < PMD_SIZE) return 0;
  const found = arch_get_unmapped_area_topdown(mm, addr, len + PMD_SIZE, flags);
  if (IS_ERR_VALUE(found)) return 0;
  if (found == addr) return addr;
  const sub = (off - found) & (PMD_SIZE - 1);
  return sub == 0 ? found + PMD_SIZE : found + sub;
}

/**
 * Where a mapping of `len` bytes goes, of page `pgoff` of `file` or of nothing (0).
 * `len` is page aligned and not 0.
 * => an address, or -ENOMEM, -EINVAL (MAP_FIXED off a page boundary), -EPERM (below
 * mmap_min_addr).
 */
export function get_unmapped_area(
  mm: mm_struct, file: u32, addr: u64, len: u64, pgoff: u64, flags: u32,
): u64 {
  if (len > TASK_SIZE) return <u64>-ENOMEM;
  const off = file == 0 ? 0 : pgoff << 12;
  const anonymous = (flags & MAP_TYPE) == MAP_PRIVATE && addr == 0;
  const huge = file != 0 || (anonymous && (len & (PMD_SIZE - 1)) == 0);
  let at = huge ? thp_get_unmapped_area(mm, addr, len, off, flags) : 0;
  if (at == 0) at = arch_get_unmapped_area_topdown(mm, addr, len, flags);
  if (IS_ERR_VALUE(at)) return at;
  addr = at;
  if (addr > TASK_SIZE - len) return <u64>-ENOMEM;
  if (offset_in_page(addr)) return <u64>-EINVAL;
  if (addr < mmap_min_addr() && !current_is_root()) return <u64>-EPERM;
  return addr;
}
