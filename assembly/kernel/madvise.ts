// madvise: what a program will do with a range, or no longer needs.
//
//   A  about the area     RANDOM SEQUENTIAL NORMAL     how a file is read ahead
//                         DONTFORK DOFORK WIPEONFORK KEEPONFORK   what a child gets
//                         DONTDUMP DODUMP HUGEPAGE NOHUGEPAGE MERGEABLE UNMERGEABLE
//   B  DONTNEED           the pages go now; the next touch brings zeros, or the file's
//   C  FREE COLD PAGEOUT  they may go when memory is short, or now (madvise_free.ts)
//   D  POPULATE_*         they come now, as by reading or writing each
//   E  WILLNEED           a file's pages are read into the page cache
//   F  REMOVE             a shared file's pages go from the file too: a hole
//   G  SCRATCH NOSCRATCH  a proposal: a private mapping of a file becomes one whose
//                         written pages may be dropped, or is none any more
//
// A range may cross areas. A hole in it is an error in the end, but the rest is done.
//
// In Linux: mm/madvise.c (6.12).
// Left out: COLLAPSE (there are no huge pages), poisoning of frames, process_madvise.
import { VM } from "../abi";
import { EACCES, EAGAIN, EINVAL, ENOMEM } from "./errno";
import { file_at } from "./file_table";
import { inode_at } from "./fs";
import { madvise_populate } from "./gup";
import { lru_add_drain, madvise_cold, madvise_free_single_vma } from "./madvise_free";
import { PAGE_ALIGN, offset_in_page } from "./mmap";
import { mm_struct, vm_area_struct } from "./mm_types";
import { unmap_page_range } from "./pgtable";
import { force_page_cache_readahead } from "./fadvise";
import { current_mm } from "./sched";
import { proposal_scratch, proposal_scratch_convert } from "../proposal/proposal";
import { shmem_mapping } from "./shmem";
import { truncate_hole } from "./truncate";
import { find_vma } from "./vma";
import { vma_modify_flags } from "./vma_merge";

const MADV_NORMAL: u32 = 0;
const MADV_RANDOM: u32 = 1;
const MADV_SEQUENTIAL: u32 = 2;
const MADV_WILLNEED: u32 = 3;
const MADV_DONTNEED: u32 = 4;
const MADV_FREE: u32 = 8;
const MADV_REMOVE: u32 = 9;
const MADV_DONTFORK: u32 = 10;
const MADV_DOFORK: u32 = 11;
const MADV_MERGEABLE: u32 = 12;
const MADV_UNMERGEABLE: u32 = 13;
const MADV_HUGEPAGE: u32 = 14;
const MADV_NOHUGEPAGE: u32 = 15;
const MADV_DONTDUMP: u32 = 16;
const MADV_DODUMP: u32 = 17;
const MADV_WIPEONFORK: u32 = 18;
const MADV_KEEPONFORK: u32 = 19;
const MADV_COLD: u32 = 20;
const MADV_PAGEOUT: u32 = 21;
const MADV_POPULATE_READ: u32 = 22;
const MADV_POPULATE_WRITE: u32 = 23;
const MADV_DONTNEED_LOCKED: u32 = 24;
const MADV_COLLAPSE: u32 = 25;
/** In no Linux: "SCR\0" and the number after it. */
const MADV_SCRATCH: u32 = 0x53435200;
const MADV_NOSCRATCH: u32 = 0x53435201;
const READ_HINTS: u32 = VM.RAND_READ | VM.SEQ_READ;
const VM_SPECIAL: u32 = VM.PFNMAP | VM.DONTEXPAND;

/** madvise(2). => 0; -EINVAL; -ENOMEM when there is a hole (the rest is done). */
export function sys_madvise(start: u64, len: u64, advice: u32): i64 {
  if (!madvise_behavior_valid(advice)) return -EINVAL;
  if (offset_in_page(start)) return -EINVAL;
  const bytes = PAGE_ALIGN(len);
  const end = start + bytes;
  if ((len != 0 && bytes == 0) || end < start) return -EINVAL;
  if (end == start) return 0;
  if (advice == MADV_POPULATE_READ) return madvise_populate(start, end, false);
  if (advice == MADV_POPULATE_WRITE) return madvise_populate(start, end, true);
  return madvise_walk_vmas(start, end, advice);
}

// @nomark
function madvise_behavior_valid(advice: u32): bool {
  if (advice <= MADV_DONTNEED) return true;
  if (advice == MADV_SCRATCH || advice == MADV_NOSCRATCH) return proposal_scratch();
  return advice >= MADV_FREE && advice <= MADV_COLLAPSE;
}

/** Every area of [start, end) in turn. */
export function madvise_walk_vmas(start: u64, end: u64, advice: u32): i64 {
  let unmapped: i64 = 0;
  let at = start;
  let vma = find_vma(current_mm(), start);
  while (at < end) {
    if (vma == null) return -ENOMEM;
    if (vma.vm_start > at) {
      unmapped = -ENOMEM;
      at = vma.vm_start;
      if (at >= end) break;
    }
    const stop = min<u64>(end, vma.vm_end);
    const error = madvise_vma_behavior(vma, at, stop, advice);
    if (error != 0) return error;
    at = stop;
    vma = find_vma(current_mm(), at);
  }
  return unmapped;
}

/** The part of the range inside one area. */
export function madvise_vma_behavior(
  vma: vm_area_struct, start: u64, end: u64, advice: u32,
): i64 {
  const mm = current_mm();
  switch (advice) {
    case MADV_DONTNEED: // B
      if (vma.vm_flags & (VM.LOCKED | VM.PFNMAP)) return -EINVAL;
      lru_add_drain();
      unmap_page_range(mm, start, end);
      return 0;
    case MADV_FREE: // C
      return madvise_free_single_vma(mm, vma, start, end);
    case MADV_COLD:
      return madvise_cold(mm, vma, start, end, false);
    case MADV_PAGEOUT:
      return madvise_cold(mm, vma, start, end, true);
    case MADV_DONTNEED_LOCKED:
      if (vma.vm_flags & VM.PFNMAP) return -EINVAL;
      unmap_page_range(mm, start, end);
      return 0;
    case MADV_WILLNEED: // E
      return madvise_willneed(vma, start, end);
    case MADV_REMOVE: // F
      return madvise_remove(vma, start, end);
    case MADV_SCRATCH: // G
    case MADV_NOSCRATCH:
      return proposal_scratch_convert(mm, vma, start, end, advice == MADV_SCRATCH);
    default: { // A
      const flags = advised_flags(vma, advice);
      if (flags < 0) return flags;
      return madvise_update_vma(mm, vma, start, end, <u32>flags);
    }
  }
}

/** A: the flags that `vma` gets, or -EINVAL. */
function advised_flags(vma: vm_area_struct, advice: u32): i64 {
  const flags = vma.vm_flags;
  switch (advice) {
    case MADV_NORMAL: return flags & ~READ_HINTS;
    case MADV_RANDOM: return (flags & ~READ_HINTS) | VM.RAND_READ;
    case MADV_SEQUENTIAL: return (flags & ~READ_HINTS) | VM.SEQ_READ;
    case MADV_DONTFORK: return flags | VM.DONTCOPY;
    case MADV_DOFORK: return flags & ~VM.DONTCOPY;
    case MADV_WIPEONFORK:
      if (vma.vm_file != 0 || (flags & VM.SHARED) != 0) return -EINVAL;
      return flags | VM.WIPEONFORK;
    case MADV_KEEPONFORK: return flags & ~VM.WIPEONFORK;
    case MADV_DONTDUMP: return flags | VM.DONTDUMP;
    case MADV_DODUMP:
      return flags & VM_SPECIAL ? -EINVAL : <i64>(flags & ~VM.DONTDUMP);
    case MADV_HUGEPAGE: return (flags & ~VM.NOHUGEPAGE) | VM.HUGEPAGE;
    case MADV_NOHUGEPAGE: return (flags & ~VM.HUGEPAGE) | VM.NOHUGEPAGE;
    case MADV_MERGEABLE:
      if (flags & (VM.SHARED | VM.MAYSHARE | VM_SPECIAL)) return flags;
      return flags | VM.MERGEABLE;
    case MADV_UNMERGEABLE: return flags & ~VM.MERGEABLE;
    default: return -EINVAL; // COLLAPSE: no area can have huge pages
  }
}

/** A: [start, end), inside `vma`, gets other flags. => 0 or -EAGAIN: no memory. */
function madvise_update_vma(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, flags: u32,
): i64 {
  if (flags == vma.vm_flags) return 0;
  const part = vma_modify_flags(mm, vma, start, end, flags);
  if (part == null) return -EAGAIN;
  part.vm_flags = flags;
  return 0;
}

/** E: nothing is waited for but the disk. */
function madvise_willneed(vma: vm_area_struct, start: u64, end: u64): i64 {
  if (vma.vm_file == 0) return 0;
  const first = vma.vm_pgoff + ((start - vma.vm_start) >> 12);
  const last = first + ((end - start) >> 12) - 1;
  if (!shmem_mapping(file_at(vma.vm_file).f_inode)) {
    force_page_cache_readahead(file_at(vma.vm_file), first, last);
  }
  return 0;
}

/** F: fallocate's hole, with what is in memory of it. */
function madvise_remove(vma: vm_area_struct, start: u64, end: u64): i64 {
  if (vma.vm_flags & VM.LOCKED) return -EINVAL;
  if (vma.vm_file == 0 || (vma.vm_flags & VM_SPECIAL) != 0) return -EINVAL;
  const both: u32 = VM.SHARED | VM.MAYWRITE;
  if ((vma.vm_flags & both) != both) return -EACCES;
  const first = vma.vm_pgoff + ((start - vma.vm_start) >> 12);
  const node = inode_at(file_at(vma.vm_file).f_inode);
  truncate_hole(node, first, first + ((end - start) >> 12) - 1);
  return 0;
}
