// Readahead: a disk that has moved its arm reads the neighbours for almost nothing, so
// the kernel guesses which it will need.
//
//   a fault on a page that is not in memory       read-around, the window about it:
//
//            start            fault                  start + size
//              |----------------x---------------------|
//                                          ^ mark: start + size - async_size
//
//   a fault on, or a read of, the marked page     the next window is read, before it is
//                                                 needed; the window doubles each time
//   read(2)                                       small at first, doubling for a reader
//                                                 who goes on in order
//
// Too many misses (MMAP_LOTSAMISS) and read-around gives up: the access is random.
//
// In Linux: mm/readahead.c, mm/filemap.c do_sync_mmap_readahead() (6.12).
// A window that is not needed yet is only begun when somebody else could run.
// Left out: congestion, large folios.
import { CONF_BASE, Conf, PG, VM } from "../abi";
import { f_ra_mode, file } from "./file_table";
import { disk_run_queue } from "../hw/disk";
import { find_get_page, page_cache_queue } from "./filemap";
import { inode_at, inode_pages } from "./fs";
import { vm_fault } from "./memory";
import { NO_PAGE, mem_map } from "./mm_types";
import { blk_start } from "./page_io";
import { others_can_run } from "./sched";

const MMAP_LOTSAMISS: u32 = 100;

/** read_ahead_kb in pages: the largest window. 0 turns readahead off. */
// @nomark
function ra_pages(): u32 {
  return load<u32>(CONF_BASE + Conf.vm_read_ahead_kb * 8) >> 2;
}

/** A read fault missed: queue the window around it. The caller runs the queue. */
export function do_sync_mmap_readahead(vmf: vm_fault, f: file): void {
  const max = ra_pages();
  if (vmf.vma.vm_flags & VM.RAND_READ) return;
  if (max == 0) return;
  if (vmf.vma.vm_flags & VM.SEQ_READ) {
    page_cache_sync_ra(f, vmf.pgoff);
    return;
  }
  if (f.mmap_miss < MMAP_LOTSAMISS * 10) f.mmap_miss++;
  if (f.mmap_miss > MMAP_LOTSAMISS) return;
  const half = max / 2;
  f.ra_start = vmf.pgoff > half ? <u32>vmf.pgoff - half : 0;
  f.ra_size = max;
  f.ra_async_size = max / 4;
  do_page_cache_ra(f);
}

/**
 * A fault found its page: was it the marked one, and is it time for the next window?
 */
export function do_async_mmap_readahead(vmf: vm_fault, f: file, pfn: u32): void {
  if (vmf.vma.vm_flags & VM.RAND_READ) return;
  if (ra_pages() == 0) return;
  if (f.mmap_miss > 0) f.mmap_miss--;
  if (mem_map(pfn).flags & PG.readahead) page_cache_async_ra(f, pfn);
}

/** The marked page was reached: move the window on, and double it. */
export function page_cache_async_ra(f: file, pfn: u32): void {
  const p = mem_map(pfn);
  p.flags &= ~PG.readahead;
  if (<u32>p.index == f.ra_start + f.ra_size - f.ra_async_size) {
    f.ra_start += f.ra_size;
    f.ra_size = get_next_ra_size(f.ra_size);
  } else {
    f.ra_start = <u32>p.index + 1;
    f.ra_size = get_init_ra_size(1);
  }
  f.ra_async_size = f.ra_size;
  do_page_cache_ra(f);
  // It is not needed yet: with somebody else to run nobody waits for it.
  if (others_can_run()) blk_start();
  else disk_run_queue();
}

/** read(2) wants page `index`: queue a window if it is not in memory. */
export function page_cache_sync_ra(f: file, index: u64): void {
  const cached = find_get_page(f.f_inode, index);
  if (cached != NO_PAGE) {
    if (mem_map(cached).flags & PG.readahead) page_cache_async_ra(f, cached);
    f.ra_prev = <u32>index + 1;
    return;
  }
  if (ra_pages() == 0) return;
  const random = f_ra_mode(f) == <u32>VM.RAND_READ;
  const sequential = !random && (index == 0 || <u32>index == f.ra_prev);
  f.ra_prev = <u32>index + 1;
  // A single page in the middle of nowhere: random access, no window.
  if (!sequential) return;
  f.ra_start = <u32>index;
  f.ra_size = get_init_ra_size(1);
  f.ra_async_size = f.ra_size > 1 ? f.ra_size - 1 : f.ra_size;
  do_page_cache_ra(f);
}

/** First window for a read of `req` pages: four times a small one, at most all. */
// @nomark
function get_init_ra_size(req: u32): u32 {
  const max = ra_pages();
  if (req <= max / 32) return req * 4;
  if (req <= max / 4) return req * 2;
  return max;
}

/** Next window: four times a small one, twice a larger, at most all. */
// @nomark
function get_next_ra_size(size: u32): u32 {
  const max = ra_pages();
  if (size < max / 16) return size * 4;
  if (size <= max / 2) return size * 2;
  return max;
}

/** Reads `nr` pages from page `index` on, whatever the window is, and no further. */
export function force_page_cache_readahead(f: file, index: u64, nr: u64): void {
  const end = min<u64>(index + nr, inode_pages(inode_at(f.f_inode)));
  for (let at = index; at < end; at++) {
    if (page_cache_queue(f.f_inode, at) == NO_PAGE) break;
  }
  disk_run_queue();
}

/** Queues the window's pages that are not in memory, and marks the one that asks on. */
export function do_page_cache_ra(f: file): void {
  const end = inode_pages(inode_at(f.f_inode));
  const start: u64 = f.ra_start;
  const stop = min<u64>(end, start + f.ra_size);
  const mark = stop - min<u64>(f.ra_async_size, stop);
  for (let index = start; index < stop; index++) {
    if (find_get_page(f.f_inode, index) != NO_PAGE) continue;
    const pfn = page_cache_queue(f.f_inode, index, false);
    if (pfn == NO_PAGE) return;
    if (index == mark) mem_map(pfn).flags |= PG.readahead;
  }
}
