// The end of a process, or of the time that counts: what it used is written down.
//
//   page tables    present? 1 0 1 1 0 ...       a walk over the areas that still show
//                  touched? 1 0 0 1 0 ...       the same file at the same place
//                                |
//   file           the bytes of the bitmap, through the page cache, as a write of the
//                  kernel's: nobody else may write to a program that runs (ETXTBSY)
//
//   record     present    what is mapped. What was prefetched is mapped, used or not:
//                         so such a bitmap only grows, as long as early_fault is on
//              accessed   what has its A bit set: prefetched pages begin without
//
//   update     overwrite  the last run's; who exits last, wins
//              or         any run's, for ever
//              and        every run's; an empty bitmap is no run
//              age        any of the last n runs'. The section has room for 1 + n:
//
//                         | union of them | last run | the one before | ...
//
//                         The first is all that the loader looks at. Without room for
//                         more than one this is overwrite
//
//   It is not written when the user may not write the file, when the last write is not
//   update_interval seconds ago, when the file has lost its name or, of a library, is
//   another by now, and of a process that was killed for its memory. A program that
//   execs ends here, too; a fork's child has no record.
//
// Every write changes the file's mtime, and the file.
//
// Proposed: Andi Kleen, 2008: pbitmap_update(), pbitmap_walk_vmas(), no_update(). The
// accessed bit, or, and, ageing and the window are ideas from the discussion.
// In Linux: nowhere. Left out: a buffer for bitmaps beyond a page; it goes by pages.
import {
  Conf,
  Ev,
  PAGE_SIZE,
  PBITMAP_BUF,
  PbitmapDefect,
  PbitmapFlag,
  PbitmapRecord,
  PbitmapRefusal,
  PbitmapUpdate,
} from "../abi";
import { file_at } from "../kernel/file_table";
import { file_size_limit, kernel_write } from "../kernel/file_write";
import { kernel_read } from "../kernel/filemap";
import { current_time, inode } from "../kernel/fs";
import { mm_struct, vm_area_struct } from "../kernel/mm_types";
import { MAY_WRITE, inode_permission } from "../kernel/namei";
import {
  _PAGE_ACCESSED,
  next_table,
  pte_offset,
  pte_present,
} from "../kernel/pgtable";
import { find_vma } from "../kernel/vma";
import { emit } from "../log";
import {
  backing,
  bit_count,
  bits_to_bytes,
  free_pbs,
  has_defect,
  pbitmap,
  pbitmap_at,
  pbitmap_file,
  set_bit,
} from "./pbitmap";
import { is_still_there } from "./pbitmap_elf";
import { proposal_conf } from "./proposal";

/** What was used; what the file says of earlier runs. A page each. */
const NEW: usize = PBITMAP_BUF + 0x2000;
const OLD: usize = PBITMAP_BUF + 0x3000;
/** Most runs that a section remembers. */
const MAX_HISTORY: u64 = 15;
const NSEC_PER_SEC: u64 = 1000000000;

/** The address space ends: its bitmaps are written, and its records given back. */
export function pbitmap_update(mm: mm_struct): void {
  record_all(mm);
  free_pbs(mm);
}

/** The time that is recorded is over; the records stay, for what is to be mapped. */
export function pbitmap_snapshot(mm: mm_struct): void {
  record_all(mm);
  mm.pbitmap_until = u64.MAX_VALUE;
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    pbitmap_at(p).flags |= PbitmapFlag.unrecorded;
  }
}

/** Asks of all of them before the first is written: a write makes its file young. */
function record_all(mm: mm_struct): void {
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    const pb = pbitmap_at(p);
    if (pb.flags & PbitmapFlag.unrecorded) continue;
    const why = may_not_update(mm, pb);
    if (why == PbitmapRefusal.none) continue;
    pb.flags |= PbitmapFlag.unrecorded;
    ignore(pb, why);
  }
  let first = true;
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    const pb = pbitmap_at(p);
    if (pb.flags & PbitmapFlag.unrecorded) continue;
    record(mm, pb, first);
    first = false;
  }
}

/** Says that a bitmap is not written, and why. */
// @nomark
function ignore(pb: pbitmap, why: PbitmapRefusal): void {
  emit(Ev.PbitmapIgnored, pb.start, <u64>backing(pb).i_ino | (<u64>why << 32), 1);
}

/** May the bitmap be written? => PbitmapRefusal.none, or why not. */
function may_not_update(mm: mm_struct, pb: pbitmap): PbitmapRefusal {
  // Its pages were taken when it was killed for memory: nothing can be seen any more.
  if (mm.oom_skip != 0) return PbitmapRefusal.unmapped;
  const node = backing(pb);
  if (node.i_nlink == 0) return PbitmapRefusal.replaced;
  const asked = !has_defect(PbitmapDefect.no_permission_check);
  if (asked && !inode_permission(node, MAY_WRITE)) return PbitmapRefusal.permission;
  if (no_update(node)) return PbitmapRefusal.throttled;
  const library = (pb.flags & PbitmapFlag.library) != 0;
  if (library && !is_still_there(pb)) return PbitmapRefusal.replaced;
  return PbitmapRefusal.none;
}

/** Was the file written less than update_interval seconds ago? */
// @nomark
function no_update(node: inode): bool {
  const interval = proposal_conf(Conf.vm_pbitmap_update_interval);
  if (interval == 0) return false;
  const due = node.i_mtime / NSEC_PER_SEC + interval;
  const now = current_time() / NSEC_PER_SEC;
  if (has_defect(PbitmapDefect.throttle_inverted)) return due < now;
  return now < due;
}

/** Walks, and writes, a page of bits at a time. */
function record(mm: mm_struct, pb: pbitmap, first: bool): void {
  let bits: u64 = 0;
  for (let done: u64 = 0; done < pb.npages; done += PAGE_SIZE * 8) {
    const nbits = min<u64>(PAGE_SIZE * 8, pb.npages - done);
    const bytes = bits_to_bytes(nbits);
    // One buffer for all: it must be cleared for each.
    const leaks = has_defect(PbitmapDefect.exit_buffer) && !first;
    if (!leaks) memory.fill(NEW, 0, PAGE_SIZE);
    const shown = walk_vmas(mm, pb, done, nbits);
    if (!shown && !has_defect(PbitmapDefect.no_load_bias)) {
      ignore(pb, PbitmapRefusal.unmapped);
      return;
    }
    if (!update(pb, done / 8, bytes)) {
      ignore(pb, PbitmapRefusal.io);
      return;
    }
    bits += bit_count(NEW, bytes);
  }
  const ino = backing(pb).i_ino;
  emit(Ev.PbitmapWrite, pb.start, <u64>ino | (bits << 32), pb.file_offset);
}

/** Does the area show the bitmap's file, at the same place as when it began? */
// @nomark
function vma_in_file(vma: vm_area_struct, pb: pbitmap): bool {
  if (vma.vm_file == 0) return false;
  if (file_at(vma.vm_file).f_inode != pbitmap_file(pb).f_inode) return false;
  return vma.vm_pgoff - (vma.vm_start >> 12) == pb.pgoff - (pb.start >> 12);
}

/** Sets the bits of the pages done..done + nbits in use. => is any of them mapped? */
function walk_vmas(mm: mm_struct, pb: pbitmap, done: u64, nbits: u64): bool {
  const from = pb.start + (done << 12);
  const end = from + (nbits << 12);
  let shown = false;
  for (let vma = find_vma(mm, from); vma != null; vma = vma!.vm_next) {
    if (vma.vm_start >= end) break;
    if (!vma_in_file(vma, pb)) continue;
    shown = true;
    const last = min<u64>(end, vma.vm_end);
    pbitmap_page_range(mm, from, max<u64>(from, vma.vm_start), last);
  }
  return shown;
}

/** Bit 0 is the page at `base`. */
function pbitmap_page_range(mm: mm_struct, base: u64, from: u64, end: u64): void {
  const accessed = proposal_conf(Conf.vm_pbitmap_record) == PbitmapRecord.accessed;
  let va = from;
  while (va < end) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    const pte = load<u64>(slot);
    const used = !accessed || (pte & _PAGE_ACCESSED) != 0;
    if (pte_present(pte) && used) set_bit(NEW, <u32>((va - base) >> 12));
    va += PAGE_SIZE;
  }
}

/**
 * Puts what NEW says of this run into the file, `at` bytes into the bitmap. NEW holds
 * afterwards what the next run will go by.
 * => false when it could not be read or written.
 */
function update(pb: pbitmap, at: u64, bytes: u64): bool {
  const how = proposal_conf(Conf.vm_pbitmap_update);
  if (how == PbitmapUpdate.age) {
    if (!age(pb, at, bytes)) return false;
  } else if (how != PbitmapUpdate.overwrite) {
    if (!read_bits(pb, at, bytes)) return false;
    const empty = bit_count(OLD, bytes) == 0;
    for (let i: usize = 0; i < <usize>bytes; i++) {
      const before = load<u8>(OLD + i);
      const now = load<u8>(NEW + i);
      if (how == PbitmapUpdate.or) store<u8>(NEW + i, before | now);
      else if (!empty) store<u8>(NEW + i, before & now);
    }
  }
  return write_bits(pb, NEW, at, bytes);
}

/** Reads bytes of the section to OLD. */
// @nomark
function read_bits(pb: pbitmap, at: u64, bytes: u64): bool {
  return kernel_read(pbitmap_file(pb), OLD, bytes, pb.file_offset + at) == <i64>bytes;
}

/** Writes bytes of the section. */
// @nomark
function write_bits(pb: pbitmap, from: usize, at: u64, bytes: u64): bool {
  const pos = pb.file_offset + at;
  if (pos + bytes > file_size_limit()) return false;
  return kernel_write(backing(pb), from, bytes, pos) == <i64>bytes;
}

/**
 * Every run that the section remembers becomes one older, the oldest is forgotten, and
 * this one is the youngest. NEW becomes the union.
 */
function age(pb: pbitmap, at: u64, bytes: u64): bool {
  const plane = bits_to_bytes(pb.npages);
  const history = min<u64>(MAX_HISTORY, pb.bytes / plane - 1);
  if (history == 0) return true;
  for (let k = history - 1; k > 0; k--) {
    if (!read_bits(pb, k * plane + at, bytes)) return false;
    if (!write_bits(pb, OLD, (k + 1) * plane + at, bytes)) return false;
  }
  if (!write_bits(pb, NEW, plane + at, bytes)) return false;
  for (let k: u64 = 2; k <= history; k++) {
    if (!read_bits(pb, k * plane + at, bytes)) return false;
    for (let i: usize = 0; i < <usize>bytes; i++) {
      store<u8>(NEW + i, load<u8>(NEW + i) | load<u8>(OLD + i));
    }
  }
  return true;
}
