// madvise with a bitmap: one call says of many pages which will be needed.
//
//   madvise(addr, len, MADV_WILLNEED)      one call a range, in user space's order
//   madvise_bitmap(addr, len, bits, n)     one call; bit i: the page addr + i * 4096
//
//   bits    1 1 0 0 1 | 0 1 1 ...          A  a file's pages are read, in its order, an
//           area      | area                  area after the other; nothing is mapped
//                                          B  memory that no file is behind: nothing
//
// Proposed: Ulrich Drepper, and Andrew Morton ("sounds pretty easy"), linux-mm, March
// 2008, in answer to Kleen's bitmaps: user space then decides, and knows, what is read.
// The number, 602, and the errors, which are madvise's, are this project's.
// In Linux: nowhere; mm/madvise.c madvise_willneed().
// Left out: other advice than WILLNEED.
import { PAGE_SIZE, PBITMAP_BUF } from "../abi";
import { EFAULT, EINVAL, ENOMEM } from "../kernel/errno";
import { file_at } from "../kernel/file_table";
import { PAGE_ALIGN, offset_in_page } from "../kernel/mmap";
import { current_mm } from "../kernel/sched";
import { shmem_mapping } from "../kernel/shmem";
import { copy_from_user } from "../kernel/uaccess";
import { find_vma } from "../kernel/vma";
import { bits_to_bytes, set_bit, test_bit } from "./pbitmap";
import { readahead_bitmap } from "./pbitmap_prefetch";

/** The program's bits, and those of them that one area has. A page each. */
const GIVEN: usize = PBITMAP_BUF + 0x2000;
const PART: usize = PBITMAP_BUF + 0x3000;

/**
 * madvise_bitmap(2): of the pages of [addr, addr + len) those will be needed that have
 * a 1 in the `bytes` bytes at `bitmap`; bits that are not given are 0.
 * => 0; -EINVAL (addr is no page's), -EFAULT, -ENOMEM (a hole: up to it all is done).
 */
export function sys_madvise_bitmap(
  addr: u64, len: u64, bitmap: u64, bytes: u64,
): i64 {
  if (offset_in_page(addr)) return -EINVAL;
  const size = PAGE_ALIGN(len);
  if ((len != 0 && size == 0) || addr + size < addr) return -EINVAL;
  const pages = size >> 12;
  let error: i64 = 0;
  for (let done: u64 = 0; done < pages; done += PAGE_SIZE * 8) {
    const nbits = <u32>min<u64>(PAGE_SIZE * 8, pages - done);
    memory.fill(GIVEN, 0, PAGE_SIZE);
    const at = done / 8;
    const given = min<u64>(bits_to_bytes(nbits), bytes > at ? bytes - at : 0);
    if (given == 0) break;
    if (copy_from_user(GIVEN, bitmap + at, given) != 0) return -EFAULT;
    if (!will_need(addr + (done << 12), nbits)) error = -ENOMEM;
  }
  return error;
}

/** The areas of `nbits` pages from `start` on in turn. => false: there is a hole. */
function will_need(start: u64, nbits: u32): bool {
  const end = start + (<u64>nbits << 12);
  let at = start;
  while (at < end) {
    const vma = find_vma(current_mm(), at);
    if (vma == null) return false;
    const from = max<u64>(at, vma.vm_start);
    const stop = min<u64>(end, vma.vm_end);
    if (from < stop && vma.vm_file != 0) {
      const f = file_at(vma.vm_file);
      const pgoff = vma.vm_pgoff + ((from - vma.vm_start) >> 12);
      const nr = part(<u32>((from - start) >> 12), <u32>((stop - from) >> 12));
      if (!shmem_mapping(f.f_inode)) readahead_bitmap(f, pgoff, PART, nr, false); // A
    }
    if (from > at) return false;
    at = stop;
  }
  return true;
}

/** `nr` of the given bits from number `first` on become PART. => nr */
// @nomark
function part(first: u32, nr: u32): u32 {
  memory.fill(PART, 0, PAGE_SIZE);
  for (let i: u32 = 0; i < nr; i++) {
    if (test_bit(GIVEN, first + i)) set_bit(PART, i);
  }
  return nr;
}
