// Shared anonymous memory in swap. Such a page belongs to its inode, not to a
// page-table entry: so it is the inode's place for it that says in which slot it is
// (xa_values.ts), and no entry does.
//
//   page cache [ 0 | 1 | - | 3 ]     page 2 was written out: its place names a slot
//                        |
//                        +--> slot 7, count 1
//
//   A  out     the page leaves the page cache for the swap cache, and is written
//   B  in      and comes back the same way: a major fault if it has to be read
//   C  the inode, or a part of it, goes: its slots are free
//   D  swapoff: all of them come in
//   E  the disk cannot read it: SIGBUS, and the slot keeps it
//
// A page that nobody has written to is all zeros, and is dropped like a file's.
//
// In Linux: mm/shmem.c shmem_writepage(), shmem_swapin_folio(), shmem_free_swap(),
// shmem_unuse() (6.12).
// Left out: sleeping for a page that is being read (the kernel waits in place).
import { PG, VmEvent } from "../abi";
import { policy_remove } from "../policy/policy";
import { add_to_page_cache, remove_from_page_cache } from "./filemap";
import { inode, inode_at, inode_pages } from "./fs";
import { VM_FAULT_MAJOR, VM_FAULT_OOM, VM_FAULT_SIGBUS } from "./memory";
import { NO_PAGE, mem_map } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { folio_wait, folio_wait_writeback, run_queue } from "./page_io";
import { shmem_get_folio } from "./shmem";
import {
  add_to_swap_cache,
  delete_from_swap_cache,
  lookup_swap_cache,
  swap_cluster_readahead,
} from "./swap_state";
import {
  folio_alloc_swap,
  free_swap_and_cache,
  swap_duplicate,
  swap_free,
} from "./swapfile";
import { NO_SWAP } from "./swapops";
import { count_vm_event } from "./vmstat";
import {
  xa_erase,
  xa_load_swap,
  xa_next_swap,
  xa_record_index,
  xa_record_mapping,
  xa_store_swap,
} from "./xa_values";

/**
 * A: gives a page that nobody maps, and that the caller holds, a slot. It is in the
 * swap cache then, still to be written.
 * => false when swap is full.
 */
export function shmem_writepage(pfn: u32): bool {
  const p = mem_map(pfn);
  const offset = folio_alloc_swap();
  if (offset == NO_SWAP) return false;
  const mapping = p.mapping;
  const index = p.index;
  p.flags &= ~PG.dirty; // the page cache lets no dirty page go
  remove_from_page_cache(pfn);
  add_to_swap_cache(pfn, offset);
  p.flags |= PG.dirty;
  swap_duplicate(offset);
  xa_store_swap(mapping, index, offset);
  p.mapping = 0;
  p.index = 0;
  return true;
}

/**
 * B: brings page `index` of the inode, which is in slot `offset`, into the page cache.
 * => 0, VM_FAULT_MAJOR when it had to be read, VM_FAULT_OOM, VM_FAULT_SIGBUS.
 */
export function shmem_swapin_folio(node: inode, index: u64, offset: u32): u32 {
  const mapping = <u32>changetype<usize>(node);
  let major: u32 = 0;
  let pfn = lookup_swap_cache(offset);
  if (pfn == NO_PAGE || !is_uptodate(pfn)) {
    pfn = swap_cluster_readahead(offset);
    if (pfn == NO_PAGE) return VM_FAULT_OOM;
    count_vm_event(VmEvent.PGMAJFAULT);
    major = VM_FAULT_MAJOR;
    run_queue();
  }
  get_page(pfn);
  folio_wait(pfn);
  folio_wait_writeback(pfn);
  if (!is_uptodate(pfn)) {
    put_page(pfn);
    return VM_FAULT_SIGBUS; // E
  }
  const p = mem_map(pfn);
  if (p.lru != 0) policy_remove(pfn);
  delete_from_swap_cache(pfn, 0);
  swap_free(offset);
  xa_erase(mapping, index);
  p.flags = (p.flags & ~(PG.anon | PG.readahead)) | PG.swapbacked | PG.dirty;
  p.mapping = mapping;
  p.index = index;
  add_to_page_cache(mapping, index, pfn); // our reference is the cache's now
  return major;
}

/** Are its bytes those of its slot? */
// @nomark
function is_uptodate(pfn: u32): bool {
  return (mem_map(pfn).flags & PG.uptodate) != 0;
}

/** C: the slots of the pages first..last are free. */
export function shmem_free_swap(node: inode, first: u64, last: u64): void {
  const mapping = <u32>changetype<usize>(node);
  const end = min<u64>(inode_pages(node), last + 1);
  for (let index = first; index < end; index++) {
    const offset = xa_load_swap(mapping, index);
    if (offset == NO_SWAP) continue;
    xa_erase(mapping, index);
    free_swap_and_cache(offset);
  }
}

/** D: => false when memory is out. */
export function shmem_unuse(): bool {
  for (let i = xa_next_swap(0); i != 0; i = xa_next_swap(i)) {
    const node = inode_at(xa_record_mapping(i));
    if (shmem_get_folio(node, xa_record_index(i)) == NO_PAGE) return false;
  }
  return true;
}
