// What a bitmap is for: its pages come before they are asked for.
//
//   bits            0 1 1 0 0 0 1 1 0 1        1  the page is wanted
//   in memory       - - x - - - - - - -
//   1 read            r         r r   r        ascending, but for what is there already
//   2 map             m m       m m   m        a run of 1s at a time, read-only: a page
//                                              that is to be written is copied then
//
//   1  in batches of ra_max_pinned bytes. Their order is the file's; the disk's own may
//      be another, and the elevator sorts a batch by that
//   2  each page by what a fault would do, but without an exception; pages of the cache
//      around it come with it, as by any fault
//
//   in the background   the disk is asked, and nobody waits. The program runs; who
//                       needs a page that is under way waits for that one. What has
//                       come by the next entry into the kernel is mapped then
//
// Proposed: Andi Kleen, 2008: readahead_bitmap() [4/8], pbitmap_prefetch() [6/8], where
// each bitmap is read and mapped before the next; the background is among the things
// he left to others.
// In Linux: nowhere; mm/gup.c get_user_pages().
// Left out: a thread that does it, as he thought of for large programs.
import {
  Conf,
  Ev,
  PAGE_SIZE,
  PBITMAP_BUF,
  PG,
  PbitmapDefect,
  PbitmapFlag,
  VM,
} from "../abi";
import { folio_test_uptodate } from "../kernel/bio";
import { faultin_vma } from "../kernel/fault";
import { file, file_at } from "../kernel/file_table";
import { find_get_page, kernel_read, page_cache_queue } from "../kernel/filemap";
import { inode_at, inode_pages } from "../kernel/fs";
import { VM_FAULT_ERROR } from "../kernel/memory";
import { NO_PAGE, mem_map, mm_struct, vm_area_struct } from "../kernel/mm_types";
import { blk_drain, blk_start } from "../kernel/page_io";
import { pte_offset, pte_present } from "../kernel/pgtable";
import { current } from "../kernel/sched";
import { ktime_get } from "../kernel/time";
import { find_vma } from "../kernel/vma";
import { emit } from "../log";
import {
  backing,
  bit_count,
  bits_to_bytes,
  has_defect,
  pbitmap,
  pbitmap_at,
  pbitmap_file,
  test_bit,
} from "./pbitmap";
import { pbitmap_snapshot } from "./pbitmap_update";
import { proposal_conf } from "./proposal";
import { max_sane_readahead, ra_max_pinned } from "./slurp";

/** A page of a bitmap, while it is looked at. */
export const BITS: usize = PBITMAP_BUF + 0x2000;

/** The disk is given what is queued; nobody waits for it in the background. */
// @nomark
function start_batch(background: bool): void {
  if (background) blk_start();
  else blk_drain();
}

/**
 * 1: reads those of the pages pgoff + i, for which bit i of `nbits` is 1, that are not
 * in memory, as long as there is room for them.
 * => how many were asked of the disk.
 */
export function readahead_bitmap(
  f: file, pgoff: u64, bits: usize, nbits: u32, background: bool,
): u32 {
  let end = inode_pages(inode_at(f.f_inode));
  if (has_defect(PbitmapDefect.last_page) && end > 0) end--;
  const batch = <u32>ra_max_pinned();
  const most = max_sane_readahead(nbits);
  let asked: u32 = 0;
  for (let i: u32 = 0; i < nbits; i++) {
    if (!test_bit(bits, i)) continue;
    const index = pgoff + i;
    if (index >= end || asked >= most) break;
    const pfn = find_get_page(f.f_inode, index);
    if (pfn != NO_PAGE && folio_test_uptodate(pfn)) continue;
    if (page_cache_queue(f.f_inode, index, false) == NO_PAGE) break;
    asked++;
    if (asked % batch == 0) start_batch(background);
  }
  start_batch(background);
  return asked;
}

/**
 * 1: reads the bitmap, a page of it at a time, to `buf`, and the pages that it wants.
 */
export function pbitmap_prefetch(pb: pbitmap, buf: usize): void {
  const f = pbitmap_file(pb);
  const background = proposal_conf(Conf.vm_pbitmap_background) != 0;
  let left = bits_to_bytes(pb.npages);
  let done: u64 = 0;
  let wanted: u64 = 0;
  let asked: u64 = 0;
  while (left > 0) {
    const n = min<u64>(left, PAGE_SIZE);
    if (kernel_read(f, buf, n, pb.file_offset + done / 8) != <i64>n) return;
    left -= n;
    let pgoff = pb.pgoff + done;
    // Bytes, and already counted down: it begins behind the segment.
    if (has_defect(PbitmapDefect.readahead_base)) pgoff = pb.pgoff + pb.npages - left;
    const nbits = <u32>min<u64>(n * 8, pb.npages - done);
    wanted += bit_count(buf, n);
    asked += readahead_bitmap(f, pgoff, buf, nbits, background);
    done += n * 8;
  }
  emit(Ev.PbitmapPrefetch, pb.start, wanted | (asked << 32), backing(pb).i_ino);
}

/** 2: maps the pages of the runs of 1s. */
export function pbitmap_early_fault(mm: mm_struct, pb: pbitmap): void {
  if (proposal_conf(Conf.vm_pbitmap_background) != 0) {
    pb.flags |= PbitmapFlag.pending;
    map_what_is_there(mm, pb);
    return;
  }
  const f = pbitmap_file(pb);
  let mapped: u64 = 0;
  for (let done: u64 = 0; done < pb.npages; done += PAGE_SIZE * 8) {
    const nbits = <u32>min<u64>(PAGE_SIZE * 8, pb.npages - done);
    const n = bits_to_bytes(nbits);
    if (kernel_read(f, BITS, n, pb.file_offset + done / 8) != <i64>n) break;
    let bit: u32 = 0;
    while (bit < nbits) {
      let run: u32 = 0;
      while (bit + run < nbits && test_bit(BITS, bit + run)) run++;
      if (run > 0) mapped += map_run(mm, pb.start + ((done + bit) << 12), run);
      bit += run + 1;
    }
  }
  emit(Ev.PbitmapMap, pb.start, mapped, backing(pb).i_ino);
}

/**
 * Makes those of the `nr` pages from `start` on present, for reading, that are in
 * memory.
 * => how many were not present.
 */
function map_run(mm: mm_struct, start: u64, nr: u64): u64 {
  // The argument is a number of pages; posted was one of bytes.
  if (has_defect(PbitmapDefect.gup_bytes)) nr *= PAGE_SIZE;
  let mapped: u64 = 0;
  const end = start + (nr << 12);
  for (let va = start; va < end; va += PAGE_SIZE) {
    const vma = find_vma(mm, va);
    if (vma == null || vma.vm_start > va) break;
    if ((vma.vm_flags & VM.READ) == 0 || (vma.vm_flags & VM.PFNMAP) != 0) break;
    const slot = pte_offset(mm, va);
    if (slot != 0 && pte_present(load<u64>(slot))) continue;
    if (!is_cached(vma, va) && !has_defect(PbitmapDefect.gup_bytes)) continue;
    const fault = faultin_vma(mm, vma, va, false);
    if (fault & VM_FAULT_ERROR) break;
    mapped++;
  }
  return mapped;
}

/** Is the page in memory? Reclaim may have taken it again, where there is little. */
// @nomark
function is_cached(vma: vm_area_struct, va: u64): bool {
  if (vma.vm_file == 0) return false;
  const pgoff = vma.vm_pgoff + ((va - vma.vm_start) >> 12);
  return find_get_page(file_at(vma.vm_file).f_inode, pgoff) != NO_PAGE;
}

/** In the background: maps what the disk has brought; what is under way comes later. */
function map_what_is_there(mm: mm_struct, pb: pbitmap): void {
  const f = pbitmap_file(pb);
  let mapped: u64 = 0;
  let waiting: u32 = 0;
  for (let done: u64 = 0; done < pb.npages; done += PAGE_SIZE * 8) {
    const nbits = <u32>min<u64>(PAGE_SIZE * 8, pb.npages - done);
    const n = bits_to_bytes(nbits);
    if (kernel_read(f, BITS, n, pb.file_offset + done / 8) != <i64>n) break;
    for (let bit: u32 = 0; bit < nbits; bit++) {
      if (!test_bit(BITS, bit)) continue;
      const pfn = find_get_page(f.f_inode, pb.pgoff + done + bit);
      if (pfn == NO_PAGE || !folio_test_uptodate(pfn)) continue;
      if (mem_map(pfn).flags & PG.locked) waiting++;
      else mapped += map_run(mm, pb.start + ((done + bit) << 12), 1);
    }
  }
  if (waiting == 0) pb.flags &= ~PbitmapFlag.pending;
  if (mapped != 0) emit(Ev.PbitmapMap, pb.start, mapped, backing(pb).i_ino);
}

/** An entry into the kernel ends: has the disk brought something, is it time? */
export function pbitmap_entry(): void {
  const mm = current().mm;
  if (mm == null || mm.pbitmaps == 0) return;
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    const pb = pbitmap_at(p);
    if (pb.flags & PbitmapFlag.pending) map_what_is_there(mm, pb);
  }
  if (mm.pbitmap_until != 0 && ktime_get() * 1000 >= mm.pbitmap_until) {
    pbitmap_snapshot(mm);
  }
}
