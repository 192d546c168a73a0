// Making a file shorter or longer, and taking pages out of the cache.
//
//   truncate to 5000   page 0   page 1               page 2   page 3
//                      stays    bytes from 904 on    leave the cache and every page
//                               become zeros         table; their blocks are free
//
//   A private mapping loses its own copies of those pages too: a touch is SIGBUS.
//   A file that becomes longer gets a hole: pages of zeros without blocks.
//
// In Linux: mm/truncate.c truncate_pagecache(), invalidate_mapping_pages(),
// fs/ext4/inode.c ext4_setattr(), ext4_block_truncate_page() (6.12).
// Left out: orphans for the next mount, waiting for pages being written.
import { InodeKind, PG } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { disk_run_queue } from "../hw/disk";
import { folio_test_uptodate } from "./bio";
import { bmap, ext_remove } from "./extents";
import {
  next_cached_page,
  page_cache_queue,
  remove_from_page_cache,
} from "./filemap";
import { file_update_time, inode, inode_pages } from "./fs";
import { NO_PAGE, mem_map } from "./mm_types";
import { folio_cancel_dirty, folio_mark_dirty } from "./page_dirty";
import { unmap_mapping_pages } from "./rmap";
import { shmem_free_swap } from "./shmem_swap";

/** A page index behind every file's end. */
const LAST_PAGE: u64 = 0xffffffff;

/** Drops the file's pages from `first` on from the cache, dirty or not; none is mapped.
 */
// @nomark
export function truncate_inode_pages(node: inode, first: u64): void {
  truncate_inode_pages_range(node, first, LAST_PAGE);
}

/** The same for the pages first..last. */
export function truncate_inode_pages_range(node: inode, first: u64, last: u64): void {
  let pfn = next_cached_page(node, first, last);
  while (pfn != NO_PAGE) {
    const index = mem_map(pfn).index;
    folio_cancel_dirty(pfn);
    remove_from_page_cache(pfn);
    pfn = next_cached_page(node, index + 1, last);
  }
  if (node.i_kind == InodeKind.shmem) shmem_free_swap(node, first, last);
}

/** Makes a hole of the pages first..last: they read as zeros, and have no blocks. */
export function truncate_hole(node: inode, first: u64, last: u64): void {
  unmap_mapping_pages(node, first, last - first + 1, false);
  truncate_inode_pages_range(node, first, last);
  if (node.i_kind != InodeKind.disk) return;
  ext_remove(node, first, last);
  file_update_time(node);
}

/**
 * Makes the file `size` bytes long. Its pages, mappings and blocks behind that go.
 */
export function ext4_setsize(node: inode, size: u64): void {
  const old = node.i_size;
  node.i_size = size;
  if (size < old) {
    unmap_mapping_pages(node, inode_pages(node), 0, true);
    truncate_inode_pages(node, inode_pages(node));
    ext4_block_truncate_page(node);
  }
  // Blocks behind the end may have been there before (fallocate).
  if (size <= old) ext_remove(node, inode_pages(node), LAST_PAGE);
  node.i_mtime = 0;
  file_update_time(node);
}

/** Zeros from the file's end to the end of its last page, in the cache. */
export function ext4_block_truncate_page(node: inode): void {
  const offset = <usize>(node.i_size & 4095);
  const index = node.i_size >> 12;
  if (offset == 0) return;
  if (bmap(node, index) == 0) {
    const pfn = next_cached_page(node, index, index);
    if (pfn != NO_PAGE) zero_tail(pfn, offset);
    return;
  }
  const pfn = page_cache_queue(<u32>changetype<usize>(node), index);
  // Without memory for it the block keeps what it has: a write of the page mends it.
  if (pfn == NO_PAGE) return;
  disk_run_queue();
  if (!folio_test_uptodate(pfn)) return;
  zero_tail(pfn, offset);
  folio_mark_dirty(pfn);
}

/** Fills the page with zeros from `offset` on. */
// @nomark
function zero_tail(pfn: u32, offset: usize): void {
  frame_written(pfn);
  memory.fill(frame_addr(pfn) + offset, 0, 4096 - offset);
}

/**
 * Drops those of the pages first..last from the cache that are clean and that nobody
 * maps or uses.
 */
export function invalidate_mapping_pages(node: inode, first: u64, last: u64): void {
  let pfn = next_cached_page(node, first, last);
  while (pfn != NO_PAGE) {
    const p = mem_map(pfn);
    const index = p.index;
    if (p.refcount == 1 && (p.flags & PG.dirty) == 0) remove_from_page_cache(pfn);
    if (index == last) return;
    pfn = next_cached_page(node, index + 1, last);
  }
}
