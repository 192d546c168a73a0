// madvise: what a program will do with a range, or no longer needs.
//
//   DONTNEED    the pages go now; the next touch brings zeros, or the file's page
//   RANDOM, SEQUENTIAL, NORMAL    how a mapped file should be read ahead
//
// In Linux: mm/madvise.c (6.12). Left out, in this first part: every other advice.
import { VM } from "../abi";
import { EINVAL, ENOMEM } from "./errno";
import { PAGE_ALIGN, offset_in_page } from "./mmap";
import { find_vma } from "./vma";
import { vm_area_struct } from "./mm_types";
import { mprotect_fixup } from "./mprotect";
import { unmap_page_range } from "./pgtable";
import { current_mm } from "./sched";

const MADV_NORMAL: u32 = 0;
const MADV_RANDOM: u32 = 1;
const MADV_SEQUENTIAL: u32 = 2;
const MADV_DONTNEED: u32 = 4;
const READ_HINTS: u32 = VM.RAND_READ | VM.SEQ_READ;

/** madvise(2). => 0; -EINVAL; -ENOMEM when there is a hole (the rest is done). */
export function sys_madvise(start: u64, len: u64, advice: u32): i64 {
  if (advice > MADV_SEQUENTIAL && advice != MADV_DONTNEED) return -EINVAL;
  if (offset_in_page(start)) return -EINVAL;
  const end = start + PAGE_ALIGN(len);
  if (end < start) return -EINVAL;
  if (end == start) return 0;
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
    const error = madvise_vma(vma, at, stop, advice);
    if (error != 0) return error;
    at = stop;
    vma = find_vma(current_mm(), at);
  }
  return unmapped;
}

/** The part of the range inside one area. */
export function madvise_vma(
  vma: vm_area_struct, start: u64, end: u64, advice: u32,
): i64 {
  const mm = current_mm();
  if (advice == MADV_DONTNEED) {
    if (vma.vm_flags & (VM.LOCKED | VM.PFNMAP)) return -EINVAL;
    unmap_page_range(mm, start, end);
    return 0;
  }
  let flags = vma.vm_flags & ~READ_HINTS;
  if (advice == MADV_RANDOM) flags |= VM.RAND_READ;
  else if (advice == MADV_SEQUENTIAL) flags |= VM.SEQ_READ;
  else assert(advice == MADV_NORMAL);
  return mprotect_fixup(mm, vma, start, end, flags);
}
