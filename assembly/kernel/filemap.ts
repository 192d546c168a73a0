// The page cache: every page of a file that is in memory is here once, however many
// processes map or read it.
//
//   (inode, page of the file) --hash--> pfn -> pfn -> ...        struct page, hash_next
//
//   filemap_fault      1 in the cache: a minor fault
//                      2 not there: a major fault; read it, and what readahead adds
//                      3 past the end of the file: SIGBUS
//                      4 the disk cannot read it: SIGBUS
//   filemap_map_pages  maps the cached neighbours of a read fault
//   filemap_read       read(2) and the kernel's own reads of headers
//
// In Linux: mm/filemap.c (6.12). The index is an xarray in the inode there; a hash over
// all files, as here, was Linux's way until 2.4.
// Writing is in file_write.ts, what is dirty in page_writeback.ts.
// Left out: large folios.
import {
  CONF_BASE,
  Conf,
  NR_FILE_PAGES,
  PAGE_HASH,
  PAGE_HASH_NR,
  PG,
  VmEvent,
} from "../abi";
import { frame_addr } from "../hw/bus";
import { disk_run_queue } from "../hw/disk";
import { policy_miss } from "../policy/policy";
import { folio_test_uptodate, submit_bio_read } from "./bio";
import { EIO, ENOMEM } from "./errno";
import { file, file_at } from "./file_table";
import { bmap, extent_data, extent_lba } from "./extents";
import { inode, inode_at, inode_pages } from "./fs";
import {
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  vm_fault,
  vma_mk_pte,
} from "./memory";
import { NO_PAGE, mem_map, mm_struct } from "./mm_types";
import {
  alloc_page,
  alloc_page_noretry,
  clear_page,
  get_page,
  put_page,
} from "./page_alloc";
import {
  blk_start,
  folio_lock_or_retry,
  folio_wait,
  read_queued_pages,
} from "./page_io";
import { page_add_rmap, pte_offset, set_pte } from "./pgtable";
import {
  RA_PREV_ALIGNED,
  do_async_mmap_readahead,
  do_sync_mmap_readahead,
  page_cache_async_ra,
  page_cache_sync_ra,
} from "./readahead";
import { others_can_run } from "./sched";
import { file_key, folio_add_lru, folio_mark_accessed } from "./swap";
import { count_vm_event, folio_mark_used } from "./vmstat";
import { xa_take_shadow } from "./xa_values";
import { proposal_scratch_mapped } from "../proposal/proposal";

// @nomark
function page_hash(mapping: u32, index: u64): usize {
  const key = (<u64>mapping >> 6) * 0x9e3779b97f4a7c15 + index * 0xbf58476d1ce4e5b9;
  return PAGE_HASH + (<usize>((key >> 32) & (PAGE_HASH_NR - 1)) << 2);
}

/**
 * => the frame that holds page `index` of the file, or NO_PAGE. No reference is taken.
 */
// @nomark
export function find_get_page(mapping: u32, index: u64): u32 {
  let pfn = load<u32>(page_hash(mapping, index));
  while (pfn != NO_PAGE) {
    const p = mem_map(pfn);
    if (p.mapping == mapping && p.index == index) return pfn;
    pfn = p.hash_next;
  }
  return NO_PAGE;
}

/**
 * Enters a frame; the cache's own reference is the one alloc_page gave. The policy gets
 * back what it left when the page went.
 */
// @nomark
export function add_to_page_cache(mapping: u32, index: u64, pfn: u32): void {
  const bucket = page_hash(mapping, index);
  const p = mem_map(pfn);
  p.flags |= PG.pagecache;
  p.hash_next = load<u32>(bucket);
  store<u32>(bucket, pfn);
  inode_at(mapping).i_nrpages++;
  store<u32>(NR_FILE_PAGES, load<u32>(NR_FILE_PAGES) + 1);
  folio_add_lru(pfn, xa_take_shadow(mapping, index));
}

/**
 * The first of the file's pages from..last that is in the cache.
 * => its frame, or NO_PAGE when none is.
 */
export function next_cached_page(node: inode, from: u64, last: u64): u32 {
  if (node.i_nrpages == 0 || from > last) return NO_PAGE;
  const mapping = <u32>changetype<usize>(node);
  // It is mostly near. If not, it is quicker to look at every frame.
  const near = min<u64>(last, from + 63);
  for (let index = from; index <= near; index++) {
    const pfn = find_get_page(mapping, index);
    if (pfn != NO_PAGE) return pfn;
  }
  let found: u32 = NO_PAGE;
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  for (let pfn: u32 = 0; pfn < frames; pfn++) {
    const p = mem_map(pfn);
    if (p.mapping != mapping || (p.flags & PG.pagecache) == 0) continue;
    if (p.index < from || p.index > last) continue;
    if (found == NO_PAGE || p.index < mem_map(found).index) found = pfn;
  }
  return found;
}

/** Takes a clean frame out of the cache and drops the cache's reference. */
export function remove_from_page_cache(pfn: u32): void {
  const p = mem_map(pfn);
  assert((p.flags & PG.dirty) == 0);
  store<u32>(NR_FILE_PAGES, load<u32>(NR_FILE_PAGES) - 1);
  const bucket = page_hash(p.mapping, p.index);
  let at = load<u32>(bucket);
  if (at == pfn) {
    store<u32>(bucket, p.hash_next);
  } else {
    while (mem_map(at).hash_next != pfn) at = mem_map(at).hash_next;
    mem_map(at).hash_next = p.hash_next;
  }
  inode_at(p.mapping).i_nrpages--;
  p.hash_next = NO_PAGE;
  p.flags &= ~PG.pagecache;
  put_page(pfn);
}

/**
 * Queues the read of page `index` unless the cache has it already; one that is not
 * `needed` is only a guess.
 * => its frame, or NO_PAGE when there is no memory. The bytes are there after
 * disk_run_queue.
 */
export function page_cache_queue(
  mapping: u32, index: u64, needed: bool = true,
): u32 {
  let pfn = find_get_page(mapping, index);
  if (pfn != NO_PAGE) {
    if (folio_test_uptodate(pfn)) return pfn;
    mem_map(pfn).flags |= PG.uptodate; // once more
  } else {
    policy_miss(file_key(mapping, index));
    pfn = needed
      ? alloc_page(PG.uptodate, mapping, index)
      : alloc_page_noretry(PG.uptodate, mapping, index);
    if (pfn == NO_PAGE) return NO_PAGE;
    add_to_page_cache(mapping, index, pfn);
  }
  const extent = bmap(inode_at(mapping), index);
  if (extent == 0) {
    clear_page(pfn);
  } else {
    submit_bio_read(extent_lba(extent, index), extent_data(extent, index), pfn);
    count_vm_event(VmEvent.PGPGIN);
  }
  return pfn;
}

/**
 * Finds page vmf.pgoff of the file, reading it if need be; vmf.page is then its frame
 * (the cache's: take a reference before mapping it).
 * => 0 minor, VM_FAULT_MAJOR, VM_FAULT_SIGBUS (3, 4), VM_FAULT_OOM.
 */
export function filemap_fault(vmf: vm_fault): u32 {
  const f = file_at(vmf.vma.vm_file);
  const mapping = f.f_inode;
  // 3: no such page
  if (vmf.pgoff >= inode_pages(inode_at(mapping))) return VM_FAULT_SIGBUS;
  let pfn = find_get_page(mapping, vmf.pgoff);
  if (pfn != NO_PAGE && folio_test_uptodate(pfn)) {
    // 1: here already
    get_page(pfn); // making room for what is read ahead must not take it
    do_async_mmap_readahead(vmf, f, pfn);
    put_page(pfn);
    vmf.page = pfn;
    return folio_lock_or_retry(vmf, pfn) ? 0 : VM_FAULT_RETRY;
  }
  // 2: read it, and with it what readahead thinks will be wanted
  count_vm_event(VmEvent.PGMAJFAULT);
  do_sync_mmap_readahead(vmf, f);
  pfn = page_cache_queue(mapping, vmf.pgoff);
  vmf.blocks = read_queued_pages(vmf);
  if (pfn == NO_PAGE) return VM_FAULT_OOM;
  // 4: the disk could not read it
  if (!folio_test_uptodate(pfn)) return VM_FAULT_SIGBUS;
  vmf.page = pfn;
  if (!folio_lock_or_retry(vmf, pfn)) return VM_FAULT_RETRY | VM_FAULT_MAJOR;
  return VM_FAULT_MAJOR;
}

/**
 * Maps those of the pages first..last of the file that are in the cache and not mapped
 * yet, around vmf.address (whose page is vmf.pgoff). Pages that carry the readahead
 * mark are left for a fault of their own, which starts the next read.
 */
export function filemap_map_pages(
  mm: mm_struct, vmf: vm_fault, first: u64, last: u64,
): void {
  const f = file_at(vmf.vma.vm_file);
  const end = inode_pages(inode_at(f.f_inode));
  let hits: u32 = 0;
  for (let index = first; index <= last && index < end; index++) {
    const pfn = find_get_page(f.f_inode, index);
    if (pfn == NO_PAGE || !folio_test_uptodate(pfn)) continue;
    if (mem_map(pfn).flags & (PG.readahead | PG.locked)) continue;
    hits++;
    const address = vmf.address + ((index - vmf.pgoff) << 12);
    const slot = pte_offset(mm, address);
    if (load<u64>(slot) != 0) continue;
    page_add_rmap(mm, pfn);
    set_pte(mm, address, slot, vma_mk_pte(vmf.vma, pfn));
    proposal_scratch_mapped(mm, vmf.vma, address, pfn, false);
    if (index != vmf.pgoff) count_vm_event(VmEvent.FAULT_AROUND);
  }
  f.mmap_miss -= min<u32>(f.mmap_miss, hits);
}

/**
 * Page `index` of a file for a read that wants `wanted` pages from it on, through
 * read(2)'s readahead. With `sleeps` and somebody else to run it may still be locked:
 * the caller sleeps.
 * => its frame, or NO_PAGE when there is no memory; it may not be up to date, when the
 * disk failed. `index` lies inside the file.
 */
export function read_cache_page(
  f: file, index: u64, wanted: u64, sleeps: bool = false,
): u32 {
  const again = read_ended_in(f, <u32>index);
  sleeps = sleeps && others_can_run();
  let pfn = find_get_page(f.f_inode, index);
  if (pfn == NO_PAGE || !folio_test_uptodate(pfn)) {
    page_cache_sync_ra(f, <u32>index, <u32>wanted);
    pfn = page_cache_queue(f.f_inode, index);
    if (sleeps) blk_start();
    else disk_run_queue();
  }
  if (pfn == NO_PAGE) return NO_PAGE;
  if (mem_map(pfn).flags & PG.readahead) {
    get_page(pfn); // making room for what is read ahead must not take it
    page_cache_async_ra(f, pfn, <u32>wanted);
    put_page(pfn);
  }
  if (!sleeps) folio_wait(pfn);
  if (!again) folio_mark_accessed(pfn);
  return folio_mark_used(pfn);
}

/** A read has ended at `pos`: the next one may go on there. */
// @nomark
export function note_read_end(f: file, pos: u64): void {
  f.ra_prev = (<u32>(pos >> 12) + 1) | ((pos & 4095) == 0 ? RA_PREV_ALIGNED : 0);
}

/** Did the last read end in page `index`, with its last byte? */
// @nomark
function read_ended_in(f: file, index: u32): bool {
  const end = f.ra_prev & ~RA_PREV_ALIGNED;
  return end == index + (f.ra_prev & RA_PREV_ALIGNED ? 2 : 1);
}

/**
 * Copies up to `len` bytes of the file at `pos` to `to`, in the simulator's memory.
 * => bytes copied (fewer at the end of the file), or -ENOMEM, -EIO.
 */
export function kernel_read(f: file, to: usize, len: u64, pos: u64): i64 {
  const node = inode_at(f.f_inode);
  let done: u64 = 0;
  while (done < len && pos + done < node.i_size) {
    const at = pos + done;
    const offset = at & 4095;
    const chunk = min<u64>(min<u64>(4096 - offset, len - done), node.i_size - at);
    const pfn = read_cache_page(f, at >> 12, ((pos + len + 4095) >> 12) - (at >> 12));
    if (pfn == NO_PAGE) return -ENOMEM;
    if (!folio_test_uptodate(pfn)) return done > 0 ? <i64>done : -EIO;
    memory.copy(to + <usize>done, frame_addr(pfn) + <usize>offset, <usize>chunk);
    done += chunk;
  }
  if (done > 0) note_read_end(f, pos + done);
  return <i64>done;
}

/**
 * Drops every clean page of the cache that nobody maps: /proc/sys/vm/drop_caches.
 * => nothing; mapped and dirty pages stay.
 */
export function drop_pagecache(): void {
  for (let i: u32 = 0; i < <u32>PAGE_HASH_NR; i++) {
    let pfn = load<u32>(PAGE_HASH + (<usize>i << 2));
    while (pfn != NO_PAGE) {
      const next = mem_map(pfn).hash_next;
      const clean = (mem_map(pfn).flags & PG.dirty) == 0;
      if (clean && mem_map(pfn).refcount == 1) remove_from_page_cache(pfn);
      pfn = next;
    }
  }
}
