// Predictive bitmaps: an executable says which of its pages the last run used, a bit
// each, and the next run has them before it asks.
//
//   file     | headers | text ......... | data ... | bitmap | bitmap | section headers
//                                                       |
//      bit i of it, LSB first: the page at sh_addr + i * 4096   0 1 1 0 0 1 0 ...
//
//   at exec      all pages with a 1 that are not in memory are read, in the order of
//                the file, and mapped        (pbitmap_elf.ts, pbitmap_prefetch.ts)
//   in between   nothing: what has no 1 comes by faults, as ever
//   at the end   the page tables are walked, and the bits written into the file
//                                            (pbitmap_update.ts)
//
// So the disk's arm goes over the file once, in one direction, instead of following the
// program; and the pages are mapped in one go, not by an exception each.
//
// This file: what an address space keeps of each bitmap it was started by, and the
// defects of the prototype as posted. Each is a switch, a bit of
// vm.pbitmap_as_posted (PbitmapDefect in abi.ts):
//
//   throttle_inverted    a file is written when its last write is recent, not old
//   readahead_base       reads from behind the segment on, not from its begin
//   gup_bytes            asks for as many pages as a run has bytes
//   last_page            the file's last page is never prefetched
//   shdr_buffer          bits are read over the section headers not yet looked at
//   exit_buffer          bits of one segment are found in the next one's bitmap, too
//   relro_collision      PT_GNU_RELRO is taken for a program header of a bitmap
//   forcewrite_cloexec   O_CLOEXEC lets a running program be written by anybody who may
//   no_load_bias         position-independent programs: addresses are not moved
//   no_permission_check  the bitmap is written whoever runs the program
//
// To be seen from outside: the records of an address space (MM_PBITMAPS and PBITMAP_*
// in abi.ts: which file, where the bits are in it, which pages they are for); the bits
// themselves, which are bytes of the file; and the events PbitmapLoad, then
// PbitmapPrefetch (wanted, and asked of the disk), PbitmapMap, at the end PbitmapWrite,
// and PbitmapIgnored with a PbitmapRefusal.
//
// Proposed: Andi Kleen, linux-mm, 18 March 2008, "[PATCH prototype] [0/8] Predictive
// bitmaps for ELF executables"; not merged. In Linux: nowhere; his mm/pbitmap.c.
// Left out: what he left out is here (libraries, background, OR and ageing), each by a
// switch of its own; his numbers are, where taken by somebody else, replaced.
import {
  Conf,
  NR_PBITMAPS,
  PBITMAPS,
  PBITMAP_BYTES,
  PBITMAP_FILE,
  PBITMAP_FLAGS,
  PBITMAP_NEXT,
  PBITMAP_NPAGES,
  PBITMAP_OFFSET,
  PBITMAP_PGOFF,
  PBITMAP_SIZE_OF,
  PBITMAP_START,
  PbitmapDefect,
} from "../abi";
import { file, file_at, fput, get_file } from "../kernel/file_table";
import { inode, inode_at } from "../kernel/fs";
import { mm_struct } from "../kernel/mm_types";
import { proposal_conf } from "./proposal";

/** A bitmap that an address space was started by, and will be recorded in. */
@unmanaged
export class pbitmap {
  next!: u32;
  /** struct file whose pages it tells of, and that has it; 0: this record is free. */
  file!: u32;
  /** Address of bit 0's page. */
  start!: u64;
  /** Bits that mean something: never more than the area has pages. */
  npages!: u32;
  flags!: u32; // PbitmapFlag
  file_offset!: u64;
  /** Page of the file that bit 0 stands for. */
  pgoff!: u64;
  /** Of its section: there may be more than the bits of one run (age). */
  bytes!: u64;
  /** As its section or program header has it: to find that again. */
  vaddr!: u64;
  pad!: u64;
}

/** Is the prototype to be as posted, in this point? */
// @nomark
export function has_defect(defect: PbitmapDefect): bool {
  return (proposal_conf(Conf.vm_pbitmap_as_posted) & defect) != 0;
}

// @nomark
export function pbitmap_at(address: u32): pbitmap {
  return changetype<pbitmap>(<usize>address);
}

// @nomark
export function pbitmap_file(pb: pbitmap): file {
  return file_at(pb.file);
}

/** The file's inode. */
// @nomark
export function backing(pb: pbitmap): inode {
  return inode_at(file_at(pb.file).f_inode);
}

/** Bytes of the bits of one run. */
// @nomark
export function bits_to_bytes(npages: u64): u64 {
  return (npages + 7) / 8;
}

// @nomark
export function test_bit(bits: usize, i: u32): bool {
  return ((<u32>load<u8>(bits + (i >> 3)) >> (i & 7)) & 1) != 0;
}

// @nomark
export function set_bit(bits: usize, i: u32): void {
  const at = bits + (i >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) | (<u32>1 << (i & 7))));
}

/** Bits that are 1 in `bytes` bytes. */
// @nomark
export function bit_count(bits: usize, bytes: u64): u32 {
  let n: u32 = 0;
  for (let i: usize = 0; i < <usize>bytes; i++) {
    n += popcnt<u32>(<u32>load<u8>(bits + i));
  }
  return n;
}

/**
 * A record for `file`, which it holds, at the end of the address space's list.
 * => null when all are in use.
 */
export function alloc_pb(mm: mm_struct, file: u32): pbitmap | null {
  for (let i: u32 = 0; i < <u32>NR_PBITMAPS; i++) {
    const p = <u32>PBITMAPS + i * <u32>PBITMAP_SIZE_OF;
    if (load<u32>(p, PBITMAP_FILE) != 0) continue;
    const pb = pbitmap_at(p);
    pb.file = file;
    pb.next = 0;
    get_file(file);
    list_add_tail(mm, p);
    return pb;
  }
  return null;
}

// @nomark
function list_add_tail(mm: mm_struct, p: u32): void {
  if (mm.pbitmaps == 0) {
    mm.pbitmaps = p;
    return;
  }
  let last = mm.pbitmaps;
  while (pbitmap_at(last).next != 0) last = pbitmap_at(last).next;
  pbitmap_at(last).next = p;
}

/** All records of the address space are given back, and their files. */
export function free_pbs(mm: mm_struct): void {
  let p = mm.pbitmaps;
  mm.pbitmaps = 0;
  mm.pbitmap_until = 0;
  while (p != 0) {
    const pb = pbitmap_at(p);
    p = pb.next;
    fput(pb.file);
    pb.file = 0;
  }
}

// The host draws from these bytes: a layout that drifts must not build.
if (offsetof<pbitmap>() != PBITMAP_SIZE_OF) ERROR("abi: PBITMAP_SIZE_OF");
if (offsetof<pbitmap>("next") != PBITMAP_NEXT) ERROR("abi: PBITMAP_NEXT");
if (offsetof<pbitmap>("file") != PBITMAP_FILE) ERROR("abi: PBITMAP_FILE");
if (offsetof<pbitmap>("start") != PBITMAP_START) ERROR("abi: PBITMAP_START");
if (offsetof<pbitmap>("npages") != PBITMAP_NPAGES) ERROR("abi: PBITMAP_NPAGES");
if (offsetof<pbitmap>("flags") != PBITMAP_FLAGS) ERROR("abi: PBITMAP_FLAGS");
if (offsetof<pbitmap>("file_offset") != PBITMAP_OFFSET) ERROR("abi: PBITMAP_OFFSET");
if (offsetof<pbitmap>("pgoff") != PBITMAP_PGOFF) ERROR("abi: PBITMAP_PGOFF");
if (offsetof<pbitmap>("bytes") != PBITMAP_BYTES) ERROR("abi: PBITMAP_BYTES");
