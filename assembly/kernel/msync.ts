// Writing a mapping back: what was stored through a shared mapping of a file goes to
// the disk now.
//
//   MS_SYNC    the dirty pages of the range are written; then every mapping of them is
//              read-only, so that the next store faults and makes the page dirty again
//   MS_ASYNC   nothing: dirty pages are known to the flusher since they were written
//   MS_INVALIDATE   nothing, but it refuses locked areas: all mappings of a page are
//                   one frame, none can be out of date
//
//   A hole in the range does not stop it; the answer is ENOMEM all the same.
//
// In Linux: mm/msync.c (6.12). Left out: errors of the disk found while writing.
import { VM } from "../abi";
import { EBUSY, EINVAL, ENOMEM } from "./errno";
import { file_at } from "./file_table";
import { inode_at } from "./fs";
import { PAGE_ALIGN, offset_in_page } from "./mmap";
import { vm_area_struct } from "./mm_types";
import { filemap_write_and_wait_range } from "./page_writeback";
import { current_mm } from "./sched";
import { find_vma } from "./vma";

const MS_ASYNC: u32 = 1;
const MS_INVALIDATE: u32 = 2;
const MS_SYNC: u32 = 4;

/**
 * msync(2).
 * => 0; -EINVAL (flags, start off a page), -ENOMEM (a hole), -EBUSY (MS_INVALIDATE of a
 * locked area).
 */
export function sys_msync(start: u64, len: u64, flags: u32): i64 {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) return -EINVAL;
  if (offset_in_page(start)) return -EINVAL;
  if ((flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0) return -EINVAL;
  const end = start + PAGE_ALIGN(len);
  if (end < start) return -ENOMEM;
  let answer: i64 = 0;
  const mm = current_mm();
  while (start < end) {
    const vma = find_vma(mm, start);
    if (vma == null) return -ENOMEM;
    if (start < vma.vm_start) {
      answer = -ENOMEM;
      if (flags == MS_ASYNC || vma.vm_start >= end) return answer;
      start = vma.vm_start;
    }
    if ((flags & MS_INVALIDATE) != 0 && (vma.vm_flags & VM.LOCKED) != 0) return -EBUSY;
    const stop = min<u64>(end, vma.vm_end);
    if (flags & MS_SYNC) msync_vma(vma, start, stop);
    start = stop;
  }
  return answer;
}

/** MS_SYNC of [start, end), inside one area. */
function msync_vma(vma: vm_area_struct, start: u64, end: u64): void {
  if (vma.vm_file == 0 || (vma.vm_flags & VM.SHARED) == 0) return;
  const node = inode_at(file_at(vma.vm_file).f_inode);
  const first = vma.vm_pgoff + ((start - vma.vm_start) >> 12);
  const last = vma.vm_pgoff + ((end - vma.vm_start) >> 12) - 1;
  filemap_write_and_wait_range(node, first, last);
}
