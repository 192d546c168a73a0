// mincore: which pages of a range are in memory? A byte a page, 1 for yes.
//
//   A  mapped now                               1
//   B  not mapped, of a file                    is it in the page cache?
//   C  not mapped, anonymous                    0
//   E  in swap                                  is it in the swap cache?
//   D  a file that is not the asker's own       1, whatever is true: whose pages are in
//                                               memory tells what others have read
//
// In Linux: mm/mincore.c (6.12). Left out: huge pages.
import { KBUF, PAGE_SIZE, VM } from "../abi";
import { EFAULT, EINVAL, ENOMEM } from "./errno";
import { file_at } from "./file_table";
import { find_get_page } from "./filemap";
import { inode_at } from "./fs";
import { offset_in_page } from "./mmap";
import { find_vma } from "./vma";
import { NO_PAGE, vm_area_struct, vma_is_anonymous } from "./mm_types";
import { MAY_WRITE, inode_permission } from "./namei";
import { pte_offset, pte_present } from "./pgtable";
import { current, current_mm } from "./sched";
import { swap_has_cache } from "./swapfile";
import { pte_to_swp_offset } from "./swapops";
import { access_ok, copy_to_user } from "./uaccess";

/** The answer for at most a page's worth of pages, before it is copied. */
const ANSWER: usize = KBUF + 0x9000;

/** mincore(2). => 0; -EINVAL, -ENOMEM (a hole in the range), -EFAULT. */
export function sys_mincore(start: u64, len: u64, vec: u64): i64 {
  if (offset_in_page(start)) return -EINVAL;
  if (!access_ok(start, len)) return -ENOMEM;
  let pages = (len + (PAGE_SIZE - 1)) >> 12;
  if (!access_ok(vec, pages)) return -EFAULT;
  while (pages > 0) {
    const vma = find_vma(current_mm(), start);
    if (vma == null || vma.vm_start > start) return -ENOMEM;
    let chunk = min<u64>(pages, (vma.vm_end - start) >> 12);
    chunk = min<u64>(chunk, PAGE_SIZE);
    do_mincore(vma, start, chunk);
    if (copy_to_user(vec, ANSWER, chunk) != 0) return -EFAULT;
    pages -= chunk;
    vec += chunk;
    start += chunk << 12;
  }
  return 0;
}

/** The bytes for `pages` pages from `start`, all in `vma`, to ANSWER. */
export function do_mincore(vma: vm_area_struct, start: u64, pages: u64): void {
  const tell = can_do_mincore(vma);
  for (let i: u64 = 0; i < pages; i++) {
    const va = start + (i << 12);
    store<u8>(ANSWER + <usize>i, !tell || page_is_resident(vma, va) ? 1 : 0); // D
  }
}

/** D: anonymous memory, or a file that the process owns or might write. */
function can_do_mincore(vma: vm_area_struct): bool {
  if (vma.vm_flags & VM.DONTEXPAND) return false;
  if (vma_is_anonymous(vma)) return true;
  const node = inode_at(file_at(vma.vm_file).f_inode);
  const euid = current().euid;
  return euid == 0 || euid == node.i_uid || inode_permission(node, MAY_WRITE);
}

function page_is_resident(vma: vm_area_struct, va: u64): bool {
  const slot = pte_offset(current_mm(), va);
  const pte = slot == 0 ? 0 : load<u64>(slot);
  if (pte_present(pte)) return true; // A
  if (pte != 0) return swap_has_cache(pte_to_swp_offset(pte)); // E
  if (vma_is_anonymous(vma)) return false; // C
  const index = vma.vm_pgoff + ((va - vma.vm_start) >> 12);
  return find_get_page(file_at(vma.vm_file).f_inode, index) != NO_PAGE; // B
}
