// Readahead: a disk that has moved its arm reads the neighbours for almost nothing, so
// the kernel guesses which it will need.
//
//   a fault on a page that is not in memory       read-around, the window about it:
//
//            start            fault                  start + size
//              |----------------x---------------------|
//                                          ^ mark: start + size - async_size
//
//   read(2) of pages that are not in memory
//     A  at the start, or where the last read ended: somebody goes on in order. The
//        window is small at first
//     B  behind pages that are in memory: as if in order, as far as they reach back
//     C  anywhere else: what was asked, and no more
//
//   D  the marked page is reached: the next window is read, before it is needed; it
//      doubles each time. E without knowing its window, after the pages in memory
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
/** In file.ra_prev: the last read ended with a whole page. */
export const RA_PREV_ALIGNED: u32 = 0x80000000;
/** Pages of the largest transfer that the disk takes: one read(2) may want as many. */
export const IO_PAGES: u32 = 320;

/** read_ahead_kb in pages: the largest window. 0 turns readahead off. */
// @nomark
function ra_pages(f: file): u32 {
  const pages = load<u32>(CONF_BASE + Conf.vm_read_ahead_kb * 8) >> 2;
  return f_ra_mode(f) == <u32>VM.SEQ_READ ? 2 * pages : pages;
}

/** The same for a request of `req` pages, which may be more. */
// @nomark
function ractl_max_pages(f: file, req: u32): u32 {
  const pages = ra_pages(f);
  return req > pages && IO_PAGES > pages ? min<u32>(req, IO_PAGES) : pages;
}

/** A read fault missed: queue the window around it. The caller runs the queue. */
export function do_sync_mmap_readahead(vmf: vm_fault, f: file): void {
  const max = ra_pages(f);
  if (vmf.vma.vm_flags & VM.RAND_READ) return;
  if (max == 0) return;
  if (vmf.vma.vm_flags & VM.SEQ_READ) {
    page_cache_sync_ra(f, <u32>vmf.pgoff, max);
    return;
  }
  if (f.mmap_miss < MMAP_LOTSAMISS * 10) f.mmap_miss++;
  if (f.mmap_miss > MMAP_LOTSAMISS) return;
  const half = max / 2;
  f.ra_start = vmf.pgoff > half ? <u32>vmf.pgoff - half : 0;
  f.ra_size = max;
  f.ra_async_size = max / 4;
  do_page_cache_ra(f, f.ra_start, f.ra_size, f.ra_async_size);
}

/**
 * A fault found its page: was it the marked one, and is it time for the next window?
 */
export function do_async_mmap_readahead(vmf: vm_fault, f: file, pfn: u32): void {
  if (vmf.vma.vm_flags & VM.RAND_READ) return;
  if (ra_pages(f) == 0) return;
  if (f.mmap_miss > 0) f.mmap_miss--;
  if (mem_map(pfn).flags & PG.readahead) page_cache_async_ra(f, pfn, ra_pages(f));
}

/** D, E: the marked page was reached, and `req` pages from it on are wanted. */
export function page_cache_async_ra(f: file, pfn: u32, req: u32): void {
  const index = <u32>mem_map(pfn).index;
  mem_map(pfn).flags &= ~PG.readahead;
  if (ra_pages(f) == 0) return;
  const limit = ractl_max_pages(f, req);
  if (index == f.ra_start + f.ra_size - f.ra_async_size) {
    f.ra_start += f.ra_size; // D
    f.ra_size = max<u32>(f.ra_size, get_next_ra_size(f.ra_size, limit));
  } else {
    const start = page_cache_next_miss(f, index + 1, limit); // E
    if (start - index > limit) return;
    f.ra_start = start;
    f.ra_size = get_next_ra_size(start - index + req, limit);
  }
  f.ra_async_size = f.ra_size;
  do_page_cache_ra(f, f.ra_start, f.ra_size, f.ra_async_size);
  // It is not needed yet: with somebody else to run nobody waits for it.
  if (others_can_run()) blk_start();
  else disk_run_queue();
}

/**
 * A, B, C: page `index`, and `req` pages from it on, are wanted, and it is not in
 * memory. What is read is queued; the caller runs the queue.
 */
export function page_cache_sync_ra(f: file, index: u32, req: u32): void {
  const random = f_ra_mode(f) == <u32>VM.RAND_READ;
  if (ra_pages(f) == 0 || random) {
    do_page_cache_ra(f, index, random ? min<u32>(req, IO_PAGES) : 1, 0);
    return;
  }
  const max = ractl_max_pages(f, req);
  const prev = f.ra_prev & ~RA_PREV_ALIGNED;
  const in_order = prev != 0 && index - (prev - 1) <= 1;
  if (index == 0 || req > max || in_order) {
    f.ra_start = index; // A
    f.ra_size = get_init_ra_size(req, max);
    f.ra_async_size = f.ra_size > req ? f.ra_size - req : f.ra_size >> 1;
  } else {
    let before = pages_before(f, index, max);
    if (before <= req) {
      do_page_cache_ra(f, index, req, 0); // C
      return;
    }
    if (before == index) before *= 2; // from the file's very start
    f.ra_start = index; // B
    f.ra_size = min<u32>(before + req, max);
    f.ra_async_size = 1;
  }
  do_page_cache_ra(f, f.ra_start, f.ra_size, f.ra_async_size);
}

/** B: how many pages right before `index` are in memory, at most `max`. */
// @nomark
function pages_before(f: file, index: u32, max: u32): u32 {
  let found: u32 = 0;
  while (found < max && found < index) {
    if (find_get_page(f.f_inode, index - 1 - found) == NO_PAGE) break;
    found++;
  }
  return found;
}

/** E: the first page from `index` on that is not in memory, or index + max. */
// @nomark
function page_cache_next_miss(f: file, index: u32, max: u32): u32 {
  for (let i: u32 = 0; i < max; i++) {
    if (find_get_page(f.f_inode, index + i) == NO_PAGE) return index + i;
  }
  return index + max;
}

/** First window for a read of `req` pages: four times a small one, at most `max`. */
// @nomark
function get_init_ra_size(req: u32, max: u32): u32 {
  const size: u32 = req <= 1 ? 1 : 1 << (32 - clz<u32>(req - 1)); // a power of two
  if (size <= max / 32) return size * 4;
  if (size <= max / 4) return size * 2;
  return max;
}

/** Next window: four times a small one, twice a larger, at most `max`. */
// @nomark
function get_next_ra_size(size: u32, max: u32): u32 {
  if (size < max / 16) return size * 4;
  if (size <= max / 2) return size * 2;
  return max;
}

/**
 * Queues those of `nr` pages from `start` on that are not in memory, up to the file's
 * end, and marks the one that leaves `async_size` behind it.
 */
export function do_page_cache_ra(
  f: file, start: u32, nr: u32, async_size: u32,
): void {
  const end = inode_pages(inode_at(f.f_inode));
  const stop = min<u64>(end, <u64>start + nr);
  const mark = stop - min<u64>(async_size, stop);
  for (let index: u64 = start; index < stop; index++) {
    if (find_get_page(f.f_inode, index) != NO_PAGE) continue;
    const pfn = page_cache_queue(f.f_inode, index, false);
    if (pfn == NO_PAGE) return;
    if (index == mark) mem_map(pfn).flags |= PG.readahead;
  }
}
