// Dirty pages: file pages that were written and not yet put on the disk.
//
//   clean ---- write(2), or a fault on a shared mapping ----> dirty
//     ^                                                         |
//     +---- written back: fsync, msync, sync, the flusher ------+
//
//   writing back   1  nobody may go on writing unseen: every mapping of the page
//                     becomes read-only and clean (page_mkclean)
//                  2  the page is no longer dirty
//                  3  its block is written
//
// The flusher begins when more than dirty_background_ratio percent of what memory could
// hold of files is dirty, and writes until nothing is. A page is never dropped dirty.
//
// In Linux: mm/page-writeback.c balance_dirty_pages(), folio_clear_dirty_for_io(),
// write_cache_pages(), fs/fs-writeback.c (6.12).
// Left out: dirty_ratio (the flusher is never slower than who writes), the timers that
// write back what is older than 30 seconds, a flusher that runs beside the writer.
import {
  CONF_BASE,
  Conf,
  InodeKind,
  NR_FILE_PAGES,
  PG,
  VmEvent,
} from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { disk_run_queue } from "../hw/disk";
import { filemap_check_errors, submit_bio_write } from "./bio";
import { bmap, extent_data, extent_lba } from "./extents";
import { find_get_page, next_cached_page } from "./filemap";
import { inode, inode_at, inode_pages } from "./fs";
import { NO_PAGE, mem_map } from "./mm_types";
import { nr_free_pages } from "./page_alloc";
import { folio_cancel_dirty, nr_dirty_pages } from "./page_dirty";
import { folio_wait_writeback } from "./page_io";
import { page_mkclean } from "./rmap";
import { count_vm_event } from "./vmstat";

/** 1, 2: from here on a write to the page is seen. */
export function folio_clear_dirty_for_io(pfn: u32): void {
  page_mkclean(pfn);
  folio_cancel_dirty(pfn);
}

/**
 * 3: queues the write of a dirty page of the disk's filesystem. What it holds behind
 * the file's end (a program may have written there through a mapping) becomes zeros.
 * => false when the disk has failed.
 */
export function writepage(pfn: u32): bool {
  const p = mem_map(pfn);
  const node = inode_at(p.mapping);
  folio_clear_dirty_for_io(pfn);
  const end = node.i_size - (p.index << 12);
  if (end < 4096) {
    frame_written(pfn);
    memory.fill(frame_addr(pfn) + <usize>end, 0, 4096 - <usize>end);
  }
  const extent = bmap(node, p.index);
  assert(extent != 0);
  count_vm_event(VmEvent.PGPGOUT);
  const lba = extent_lba(extent, p.index);
  return submit_bio_write(lba, extent_data(extent, p.index), pfn);
}

/**
 * Writes back what is dirty of the file's pages first..last, and waits for it.
 * => 0, or -EIO when a write of the file has failed, now or before.
 */
export function filemap_write_and_wait_range(node: inode, first: u64, last: u64): i64 {
  if (node.i_kind != InodeKind.disk || inode_pages(node) == 0) return 0;
  const end = min<u64>(last, inode_pages(node) - 1);
  let pfn = next_cached_page(node, first, end);
  while (pfn != NO_PAGE) {
    const p = mem_map(pfn);
    const index = p.index;
    // Begun by reclaim: not dirty any more, and not on the disk yet.
    if (p.flags & PG.writeback) folio_wait_writeback(pfn);
    else if (p.flags & PG.dirty) writepage(pfn);
    // What it waited for may be gone, or dirty again.
    if (find_get_page(<u32>changetype<usize>(node), index) != pfn) pfn = NO_PAGE;
    const again = pfn != NO_PAGE && (p.flags & PG.dirty) != 0;
    pfn = next_cached_page(node, again ? index : index + 1, end);
  }
  disk_run_queue();
  return filemap_check_errors(node);
}

/** Writes back every dirty page there is: sync(2), and what the flusher does. */
export function sync_inodes(): void {
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  for (let pfn: u32 = 0; pfn < frames && nr_dirty_pages() > 0; pfn++) {
    const flags = mem_map(pfn).flags;
    if ((flags & (PG.pagecache | PG.dirty)) != <u32>(PG.pagecache | PG.dirty)) continue;
    if (inode_at(mem_map(pfn).mapping).i_kind == InodeKind.disk) writepage(pfn);
  }
  disk_run_queue();
}

/** Whoever has made a page dirty asks here whether it is time to write some back. */
export function balance_dirty_pages(): void {
  const percent = load<u64>(CONF_BASE + Conf.vm_dirty_background_ratio * 8);
  const dirtyable: u64 = nr_free_pages() + load<u32>(NR_FILE_PAGES);
  if (<u64>nr_dirty_pages() * 100 <= dirtyable * percent) return;
  sync_inodes();
}
