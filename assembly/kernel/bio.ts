// One page between memory and the disk, and what becomes of the page if that fails.
//
//   read    fails: the page is not up to date. It stays in the cache, empty, and the
//                  next who wants it tries again (page_cache_queue)
//   write   fails: the page is clean all the same, for else it could never go; the
//                  inode remembers, and tells the next fsync (EIO, once). A page that
//                  was to go to swap stays dirty, and in memory
//
// In Linux: block/bio.c submit_bio(), bio_endio(); mm/filemap.c folio_end_read(),
// mapping_set_error(), filemap_check_errors(); mm/page_io.c end_swap_bio_write()
// (6.12).
// Left out: a disk that fails by itself: here it does when told to (fault_inject.ts),
// and at once, without having moved.
import { Ev, PG } from "../abi";
import { disk_submit, disk_submit_write } from "../hw/disk";
import { emit } from "../log";
import { EIO } from "./errno";
import { should_fail_bio } from "./fault_inject";
import { inode, inode_at } from "./fs";
import { mem_map } from "./mm_types";
import { folio_mark_unused } from "./vmstat";

/**
 * Queues the read of image block `data`, lying at `lba`, into frame `pfn`, which is
 * already marked as up to date: it is once the queue has been served.
 */
export function submit_bio_read(lba: u32, data: u32, pfn: u32): void {
  if (!should_fail_bio()) {
    queue_read(lba, data, pfn);
    return;
  }
  mem_map(pfn).flags &= ~PG.uptodate;
  emit(Ev.DiskError, <u64>lba | (<u64>pfn << 32), 0, 0);
}

// @nomark
function queue_read(lba: u32, data: u32, pfn: u32): void {
  folio_mark_unused(pfn);
  disk_submit(lba, data, pfn);
}

/**
 * Queues the write of frame `pfn` to image block `data`.
 * => false when it has failed: of a file, the inode knows; to swap, the page is dirty.
 */
export function submit_bio_write(lba: u32, data: u32, pfn: u32): bool {
  if (!should_fail_bio()) {
    disk_submit_write(lba, data, pfn);
    return true;
  }
  const p = mem_map(pfn);
  if (p.flags & PG.swapcache) p.flags |= PG.dirty;
  else inode_at(p.mapping).i_wb_err = 1;
  emit(Ev.DiskError, <u64>lba | (<u64>pfn << 32), 1, 0);
  return false;
}

/** Are the page's bytes those of its file? */
// @nomark
export function folio_test_uptodate(pfn: u32): bool {
  return (mem_map(pfn).flags & PG.uptodate) != 0;
}

/** Has a write of the file failed since this was last asked? => 0 or -EIO */
export function filemap_check_errors(node: inode): i64 {
  if (node.i_wb_err == 0) return 0;
  node.i_wb_err = 0;
  return -EIO;
}
