// Shared memory that is nobody's file: mmap with MAP_SHARED and MAP_ANONYMOUS. The
// processes of a family must see one and the same page at the same place, whoever
// touches it first and whatever becomes of the first one's mapping. A file would do
// that: so it is one, without a name, and without a disk.
//
//   area --> struct file "/dev/zero" --> inode (i_kind shmem)
//   area --------^   (the child's)          |
//                                           +-- page cache: page 0, page 3, ...
//
//   A  a touch of a page that nobody touched yet      a cleared frame, in the cache
//   B  the last mapping goes                          the inode goes, and its pages
//   C  MADV_REMOVE                                    some of the pages go: zeros again
//
// The promise is made for the whole of it at once, however many processes map it, and
// kept by the inode (i_private: pages).
//
// In Linux: mm/shmem.c shmem_zero_setup(), shmem_fault(), shmem_evict_inode() (6.12).
// A page that is in swap: shmem_swap.ts.
// Left out: tmpfs, memfd_create, System V segments, huge pages.
import { DISK_PAGES, FileKind, InodeKind, PG, VM } from "../abi";
import { O_RDWR, alloc_file, file_at } from "./file_table";
import { add_to_page_cache, find_get_page } from "./filemap";
import { NO_INODE, S_IFREG, inode, inode_at, new_inode } from "./fs";
import { VM_FAULT_ERROR, VM_FAULT_OOM, VM_FAULT_SIGBUS, vm_fault } from "./memory";
import { NO_PAGE, mem_map } from "./mm_types";
import { account_clear_page, alloc_page, clear_page } from "./page_alloc";
import { current } from "./sched";
import { shmem_swapin_folio } from "./shmem_swap";
import { truncate_inode_pages } from "./truncate";
import { vm_acct_memory, vm_enough_memory, vm_unacct_memory } from "./util";
import { xa_forget_mapping, xa_load_swap } from "./xa_values";

/** Is the mapping of a page of the cache such an inode? */
// @nomark
export function shmem_mapping(mapping: u32): bool {
  return mapping != 0 && inode_at(mapping).i_kind == InodeKind.shmem;
}

/** Is the frame a page of shared memory? */
// @nomark
export function folio_is_shmem(pfn: u32): bool {
  const p = mem_map(pfn);
  return (p.flags & PG.pagecache) != 0 && shmem_mapping(p.mapping);
}

/**
 * A file for `len` bytes of shared memory; VM_NORESERVE makes no promise for it.
 * => its struct file with one reference, or 0 when there is no memory.
 */
export function shmem_zero_setup(len: u64, vm_flags: u32): u32 {
  const pages: u32 = vm_flags & VM.NORESERVE ? 0 : <u32>(len >> 12);
  if (pages != 0 && !vm_enough_memory(pages)) return 0;
  const address = new_inode();
  if (address == NO_INODE) return 0;
  const node = inode_at(address);
  node.i_ino = address;
  node.i_kind = InodeKind.shmem;
  node.i_count = 1;
  node.i_mode = S_IFREG | 0o777;
  node.i_uid = current().euid;
  node.i_gid = current().egid;
  node.i_size = len;
  const opened = alloc_file(address, O_RDWR, FileKind.regular);
  if (opened == 0) {
    memory.fill(address, 0, offsetof<inode>());
    return 0;
  }
  node.i_private = pages;
  vm_acct_memory(pages);
  return opened;
}

/** B: nobody maps it any more. */
export function shmem_evict_inode(node: inode): void {
  truncate_inode_pages(node, 0);
  xa_forget_mapping(<u32>changetype<usize>(node));
  vm_unacct_memory(node.i_private);
  memory.fill(changetype<usize>(node), 0, offsetof<inode>());
}

/** A fault. => 0 with the frame in vmf.page, VM_FAULT_SIGBUS or VM_FAULT_OOM. */
export function shmem_fault(vmf: vm_fault): u32 {
  const node = inode_at(file_at(vmf.vma.vm_file).f_inode);
  if (vmf.pgoff >= node.i_size >> 12) return VM_FAULT_SIGBUS;
  const before = load<u64>(DISK_PAGES);
  const major = shmem_swapin(node, vmf.pgoff);
  vmf.blocks = <u32>(load<u64>(DISK_PAGES) - before);
  if (major & VM_FAULT_ERROR) return major & VM_FAULT_ERROR;
  vmf.page = shmem_get_folio(node, vmf.pgoff);
  return vmf.page == NO_PAGE ? VM_FAULT_OOM : major;
}

/** Brings page `index` in, if it is in swap. => as shmem_swapin_folio */
// @nomark
function shmem_swapin(node: inode, index: u64): u32 {
  const offset = xa_load_swap(<u32>changetype<usize>(node), index);
  return offset == 0 ? 0 : shmem_swapin_folio(node, index, offset);
}

/** A: page `index`, made or brought in if need be. => its frame, or NO_PAGE. */
export function shmem_get_folio(node: inode, index: u64): u32 {
  const mapping = <u32>changetype<usize>(node);
  const cached = find_get_page(mapping, index);
  if (cached != NO_PAGE) return cached;
  if (xa_load_swap(mapping, index) != 0) {
    if (shmem_swapin(node, index) & VM_FAULT_ERROR) return NO_PAGE;
    return find_get_page(mapping, index);
  }
  const pfn = alloc_page(PG.uptodate | PG.swapbacked, mapping, index);
  if (pfn == NO_PAGE) return NO_PAGE;
  clear_page(pfn);
  account_clear_page(pfn);
  add_to_page_cache(mapping, index, pfn);
  return pfn;
}
