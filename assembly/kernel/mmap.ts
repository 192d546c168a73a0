// Where mappings go, and what becomes of what was there. Nothing here touches a frame:
// pages come when they are touched.
//
//   0 ........ program, bss, heap -> ...... <- mappings ...... <- stack  TASK_SIZE
//                                brk           mmap_base
//
//   do_mmap      a new area, A over whatever was there; unmapped_area.ts says where
//   do_munmap    D cuts the areas at both ends, E unlinks what lies between
//
// In Linux: mm/mmap.c, mm/vma.c (6.12): do_mmap, mmap_region, do_vmi_munmap.
// Left out: hugetlb, MAP_DROPPABLE.
import { CONF_BASE, Conf, Ev, PAGE_SIZE, VM } from "../abi";
import { emit } from "../log";
import {
  EAGAIN,
  EEXIST,
  EINVAL,
  ENOMEM,
  EOVERFLOW,
  EPERM,
  IS_ERR_VALUE,
} from "./errno";
import { file_at, fput, get_file } from "./file_table";
import { lru_add_drain } from "./madvise_free";
import { can_do_mlock, mlock_future_ok } from "./mlock";
import { mmap_vm_flags } from "./mmap_file";
import { mm_struct, vm_area_alloc, vm_area_struct } from "./mm_types";
import { TASK_SIZE, free_pgd_range, unmap_page_range } from "./pgtable";
import { RLIMIT_AS, RLIMIT_DATA } from "./rlimit";
import { rlimit } from "./sched";
import { shmem_mapping, shmem_zero_setup } from "./shmem";
import { get_unmapped_area } from "./unmapped_area";
import { vm_acct_memory, vm_enough_memory, vm_unacct_memory } from "./util";
import {
  find_vma,
  find_vma_intersection,
  is_data_mapping,
  __split_vma,
  vm_stat_account,
  vma_before,
  vma_link,
  vma_unlink,
} from "./vma";
import { the_vmg, vma_merge_new_range } from "./vma_merge";
import {
  proposal_exit_mmap,
  proposal_mmap,
  proposal_mmap_flags,
  proposal_scratch_gone,
} from "../proposal/proposal";

export const PROT_READ: u32 = 1;
export const PROT_WRITE: u32 = 2;
export const PROT_EXEC: u32 = 4;
export const MAP_SHARED: u32 = 1;
export const MAP_PRIVATE: u32 = 2;
export const MAP_SHARED_VALIDATE: u32 = 3;
export const MAP_TYPE: u32 = 15;
export const MAP_FIXED: u32 = 0x10;
export const MAP_ANONYMOUS: u32 = 0x20;
export const MAP_GROWSDOWN: u32 = 0x100;
export const MAP_LOCKED: u32 = 0x2000;
export const MAP_NORESERVE: u32 = 0x4000;
export const MAP_POPULATE: u32 = 0x8000;
export const MAP_NONBLOCK: u32 = 0x10000;
export const MAP_STACK: u32 = 0x20000;
export const MAP_HUGETLB: u32 = 0x40000;
export const MAP_SYNC: u32 = 0x80000;
export const MAP_FIXED_NOREPLACE: u32 = 0x100000;
/** A proposal; two of the bits that say how large MAP_HUGETLB's pages are. */
export const MAP_SCRATCH: u32 = 0x8000000;
export const VM_DATA_FLAGS: u32 =
  VM.READ | VM.WRITE | VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
const VM_ACCESS: u32 = VM.READ | VM.WRITE | VM.EXEC;

// @nomark
export function PAGE_ALIGN(x: u64): u64 {
  return (x + (PAGE_SIZE - 1)) & ~(<u64>PAGE_SIZE - 1);
}

// @nomark
export function offset_in_page(x: u64): u64 {
  return x & (PAGE_SIZE - 1);
}

// @nomark
function conf(key: Conf): u64 {
  return load<u64>(CONF_BASE + (<usize>key << 3));
}

/**
 * A private writable mapping may need a frame or swap for every page: it is counted.
 * One whose pages its file has needs neither.
 */
// @nomark
function accountable_mapping(vm_flags: u32): bool {
  const uncounted: u32 = VM.NORESERVE | VM.SHARED | VM.SCRATCH;
  return (vm_flags & (uncounted | VM.WRITE)) == VM.WRITE;
}

/** May `pages` more of `vm_flags` be mapped, under RLIMIT_AS and RLIMIT_DATA? */
export function may_expand_vm(mm: mm_struct, vm_flags: u32, pages: u64): bool {
  if (<i64>(mm.total_vm + pages) > <i64>(rlimit(RLIMIT_AS) >> 12)) return false;
  if (!is_data_mapping(vm_flags)) return true;
  return <i64>(mm.data_vm + pages) <= <i64>(rlimit(RLIMIT_DATA) >> 12);
}

/** Pages of [start, end) that are mapped; of areas with any of `flags`, if given. */
// @nomark
function mapped_pages(mm: mm_struct, start: u64, end: u64, flags: u32): u64 {
  let pages: u64 = 0;
  let vma = find_vma(mm, start);
  for (; vma != null; vma = vma!.vm_next) {
    if (vma.vm_start >= end) break;
    if (flags != 0 && (vma.vm_flags & flags) == 0) continue;
    pages += (min<u64>(vma.vm_end, end) - max<u64>(vma.vm_start, start)) >> 12;
  }
  return pages;
}

/**
 * Makes the area itself; `addr` and `len` are settled, what was there is replaced.
 * => addr, or -ENOMEM. On success the file has one reference more.
 */
export function mmap_region(
  mm: mm_struct, file: u32, addr: u64, len: u64, vm_flags: u32, pgoff: u64,
): u64 {
  // What is replaced gives back its addresses, and its promise.
  const extra = (len >> 12) - mapped_pages(mm, addr, addr + len, 0);
  if (!may_expand_vm(mm, vm_flags, extra)) return <u64>-ENOMEM;
  if (accountable_mapping(vm_flags)) {
    const more = (len >> 12) - mapped_pages(mm, addr, addr + len, VM.ACCOUNT);
    if (more != 0 && !vm_enough_memory(more)) return <u64>-ENOMEM;
    vm_flags |= VM.ACCOUNT;
  }
  let shmem: u32 = 0;
  if (file == 0 && (vm_flags & VM.SHARED) != 0) {
    shmem = shmem_zero_setup(len, vm_flags);
    if (shmem == 0) return <u64>-ENOMEM;
    file = shmem;
    pgoff = 0;
  }
  // A: whatever was mapped there goes
  let made = do_munmap(mm, addr, len) == 0;
  if (made && merge_new_area(mm, file, addr, len, vm_flags, pgoff) == null) {
    made = insert_area(mm, file, addr, len, vm_flags, pgoff) != null;
  }
  if (shmem != 0) fput(shmem); // the area has its own reference
  return made ? addr : <u64>-ENOMEM;
}

/**
 * Where nothing is mapped, makes a neighbour cover [addr, addr + len) too, booked.
 * => the neighbour, or null when none means the same.
 */
function merge_new_area(
  mm: mm_struct, file: u32, addr: u64, len: u64, vm_flags: u32, pgoff: u64,
): vm_area_struct | null {
  const vmg = the_vmg();
  vmg.mm = mm;
  vmg.prev = vma_before(mm, addr);
  vmg.next = find_vma(mm, addr);
  vmg.start = addr;
  vmg.end = addr + len;
  vmg.pgoff = pgoff;
  vmg.flags = vm_flags;
  vmg.file = file;
  vmg.anon_vma = null;
  const vma = vma_merge_new_range(vmg);
  if (vma != null) book_area(mm, addr, len, vm_flags);
  return vma;
}

/**
 * A new area where nothing is mapped, booked; its neighbours stay as they are.
 * => null when there is no vm_area_struct left.
 */
// @nomark
export function insert_area(
  mm: mm_struct, file: u32, addr: u64, len: u64, vm_flags: u32, pgoff: u64,
): vm_area_struct | null {
  const vma = vm_area_alloc(mm);
  if (vma == null) return null;
  vma.vm_start = addr;
  vma.vm_end = addr + len;
  vma.vm_pgoff = pgoff;
  vma.vm_flags = vm_flags;
  vma.vm_file = file;
  if (file != 0) get_file(file);
  vma_link(mm, vma, vma_before(mm, addr));
  book_area(mm, addr, len, vm_flags);
  return vma;
}

/** Counts, promises and logs [addr, addr + len), which has just become mapped. */
// @nomark
export function book_area(mm: mm_struct, addr: u64, len: u64, vm_flags: u32): void {
  vm_stat_account(mm, vm_flags, len >> 12);
  if (vm_flags & VM.ACCOUNT) vm_acct_memory(len >> 12);
  if (vm_flags & VM.LOCKED) mm.locked_vm += len >> 12;
  emit(Ev.Vma, addr, addr + len, <u64>vm_flags | (<u64>1 << 32));
}

/**
 * Must the first write to each page of a shared mapping be noticed, for its file?
 * Memory that no file is behind has nothing to be told.
 */
// @nomark
export function vma_wants_writenotify(vma: vm_area_struct): bool {
  const both: u32 = VM.WRITE | VM.SHARED;
  if ((vma.vm_flags & both) != both) return false;
  return !shmem_mapping(file_at(vma.vm_file).f_inode);
}

/** PROT_* to VM_*: the bits are the same three. */
// @nomark
export function calc_vm_prot_bits(prot: u32): u32 {
  return prot & VM_ACCESS;
}

/**
 * mmap of `file`, a struct file, or of nobody's memory (0): finds the place, then asks
 * whether this file may be mapped so.
 * => the address, or a negative errno.
 */
export function do_mmap(
  mm: mm_struct, file: u32, addr: u64, len: u64, prot: u32, flags: u32, pgoff: u64,
): u64 {
  if (len == 0) return <u64>-EINVAL;
  if (flags & MAP_FIXED_NOREPLACE) flags |= MAP_FIXED;
  if ((flags & MAP_FIXED) == 0) addr = round_hint_to_min(addr);
  len = PAGE_ALIGN(len);
  if (len == 0) return <u64>-ENOMEM;
  if (pgoff + (len >> 12) < pgoff) return <u64>-EOVERFLOW;
  if (mm.map_count > <u32>conf(Conf.vm_max_map_count)) return <u64>-ENOMEM;
  addr = get_unmapped_area(mm, file, addr, len, pgoff, flags);
  if (IS_ERR_VALUE(addr)) return addr;
  if (flags & MAP_FIXED_NOREPLACE) {
    if (find_vma_intersection(mm, addr, addr + len) != null) return <u64>-EEXIST;
  }
  if ((flags & MAP_LOCKED) != 0 && !can_do_mlock()) return <u64>-EPERM;
  let vm_flags = calc_vm_prot_bits(prot) | calc_vm_flag_bits(flags) | mm.def_flags;
  if (!mlock_future_ok(mm, vm_flags, len)) return <u64>-EAGAIN;
  const may = mmap_vm_flags(file, prot, flags, pgoff, len >> 12);
  if (may < 0) return <u64>may;
  vm_flags |= <u32>may;
  const proposed = proposal_mmap_flags(file, flags);
  if (proposed < 0) return <u64>proposed;
  vm_flags |= <u32>proposed;
  if ((flags & MAP_NORESERVE) != 0 && conf(Conf.vm_overcommit_memory) != 2) {
    vm_flags |= VM.NORESERVE;
  }
  if (file == 0) pgoff = addr >> 12;
  addr = mmap_region(mm, file, addr, len, vm_flags, pgoff);
  return proposal_mmap(file, addr, len, pgoff);
}

/** MAP_* to VM_*: the ones that are the area's own business. */
// @nomark
function calc_vm_flag_bits(flags: u32): u32 {
  let vm_flags: u32 = 0;
  if (flags & MAP_GROWSDOWN) vm_flags |= VM.GROWSDOWN;
  if (flags & MAP_LOCKED) vm_flags |= VM.LOCKED;
  if (flags & MAP_STACK) vm_flags |= VM.NOHUGEPAGE;
  return vm_flags;
}

/** A hint that is not 0 but too low is meant as "as low as may be". */
// @nomark
function round_hint_to_min(addr: u64): u64 {
  addr &= ~(<u64>PAGE_SIZE - 1);
  const lowest = conf(Conf.vm_mmap_min_addr);
  return addr != 0 && addr < lowest ? PAGE_ALIGN(lowest) : addr;
}

/**
 * Removes [start, start + len) from the address space, with its pages.
 * => 0 (also when nothing was mapped), -EINVAL, or -ENOMEM when a cut needs an area
 * more than there are.
 */
export function do_munmap(mm: mm_struct, start: u64, len: u64): i64 {
  if (offset_in_page(start) || start > TASK_SIZE || len > TASK_SIZE - start) {
    return -EINVAL;
  }
  const end = start + PAGE_ALIGN(len);
  if (end == start) return -EINVAL;
  let vma = find_vma_intersection(mm, start, end);
  if (vma == null) return 0;
  // D: cut at both ends
  if (vma.vm_start < start) {
    const inside = end < vma.vm_end;
    if (inside && mm.map_count >= <u32>conf(Conf.vm_max_map_count)) return -ENOMEM;
    if (__split_vma(mm, vma, start) != 0) return -ENOMEM;
    vma = vma.vm_next;
  }
  const last = find_vma_intersection(mm, end - 1, end);
  if (last != null && last.vm_end > end) {
    if (__split_vma(mm, last, end) != 0) return -ENOMEM;
  }
  lru_add_drain();
  // E: unlink what lies between, then the tables that nothing needs any more
  const from = vma == null ? start : vma.vm_start;
  const floor = vma == null || vma.vm_prev == null ? 0 : vma.vm_prev!.vm_end;
  while (vma != null && vma.vm_start < end) {
    const next = vma.vm_next;
    remove_vma(mm, vma);
    vma = next;
  }
  free_pgd_range(mm, from, end, floor, vma == null ? TASK_SIZE : vma.vm_start);
  return 0;
}

/** Unmaps one whole area: its pages, its accounting, itself. */
function remove_vma(mm: mm_struct, vma: vm_area_struct): void {
  const pages = (vma.vm_end - vma.vm_start) >> 12;
  unmap_page_range(mm, vma.vm_start, vma.vm_end);
  if (vma.vm_flags & VM.ACCOUNT) vm_unacct_memory(pages);
  if (vma.vm_flags & VM.LOCKED) mm.locked_vm -= pages;
  vm_stat_account(mm, vma.vm_flags, -(<i64>pages));
  proposal_scratch_gone(mm, vma);
  emit(Ev.Vma, vma.vm_start, vma.vm_end, <u64>vma.vm_flags | (<u64>2 << 32));
  vma_unlink(mm, vma);
}

/** Removes every area of `mm`. */
export function exit_mmap(mm: mm_struct): void {
  proposal_exit_mmap(mm);
  lru_add_drain();
  let vma = mm.mmap;
  while (vma != null) {
    const next = vma.vm_next;
    remove_vma(mm, vma);
    vma = next;
  }
}
