// Where in an ELF file its bitmaps are, and what they tell of.
//
//   program headers  | LOAD | LOAD | GNU_STACK flags 8 |    in the first page, which
//                                            |              execve has read already
//                              "load my section headers"
//                                            v
//   section headers  | ... | 0x6ffffc18: sh_addr, sh_offset, sh_size | ...
//                    mostly at the file's end: that is one seek
//
//   A  PT_PAGE_BITMAP      a program header of its own, as a linker could make it
//                          (Drepper's wish): p_vaddr, p_offset, p_filesz. Its bits lie
//                          in the first page, too, and cost no seek
//   B  SHT_PRESENT_BITMAP  a section, which a tool can add to any file
//
//   a program  its segments are mapped: the area at sh_addr tells where the pages are
//              in the file. The address is moved by the load bias
//   a library  is mapped segment by segment by the dynamic linker. The first of them
//              tells the bias; the program headers, what the others will be. All is
//              read at once, and each segment's pages are mapped when it is
//
// What does not fit is not used, and the log says why; a bitmap is never needed. As it
// will be written, it may not lie where anything else of the file is: the prototype had
// no such check, and a header with a wrong offset cost the program its text.
//
// Proposed: Andi Kleen, 2008: elf_read_pb_shdr(), elf_read_pb_phdr(), pbitmap_load().
// Libraries are this project's: he had none, and thought of help by the C library.
// Left out: other than 64-bit files.
import {
  Conf,
  Ev,
  FileKind,
  PAGE_SIZE,
  PBITMAP_BUF,
  PbitmapDefect,
  PbitmapFlag,
  PbitmapRefusal,
} from "../abi";
import {
  ELFCLASS64,
  ELFMAG,
  ELF_HDR_SIZE,
  ELF_PHDR_SIZE,
  ELF_SHDR_SIZE,
  PT_GNU_RELRO,
  PT_GNU_STACK,
  PT_LOAD,
  elf64_hdr,
  elf64_phdr,
  elf64_shdr,
} from "../kernel/elf";
import { ELF_PAGEOFFSET, ELF_PAGESTART, phdr } from "../kernel/elf_load";
import { file_at } from "../kernel/file_table";
import { find_get_page, kernel_read } from "../kernel/filemap";
import { inode_at } from "../kernel/fs";
import { PAGE_ALIGN } from "../kernel/mmap";
import { NO_PAGE, mm_struct } from "../kernel/mm_types";
import { current_mm } from "../kernel/sched";
import { ktime_get } from "../kernel/time";
import { find_vma } from "../kernel/vma";
import { emit } from "../log";
import {
  alloc_pb,
  backing,
  bits_to_bytes,
  has_defect,
  pbitmap,
  pbitmap_at,
} from "./pbitmap";
import { BITS, pbitmap_early_fault, pbitmap_prefetch } from "./pbitmap_prefetch";
import { proposal_conf } from "./proposal";

/** Kleen's SHT_LOPROC - 1000. */
export const SHT_PRESENT_BITMAP: u32 = 0x6ffffc18;
/** A number of nobody's; his was PT_GNU_RELRO's. */
export const PT_PAGE_BITMAP: u32 = 0x65504249;
const SHT_NOBITS: u32 = 8;
const PF_PLEASE_LOAD_SHDRS: u32 = 8;
const HDR: usize = PBITMAP_BUF + 0x4000;
const PHDRS: usize = PBITMAP_BUF;
const SHDRS: usize = PBITMAP_BUF + 0x1000;

// @nomark
function ehdr(): elf64_hdr {
  return changetype<elf64_hdr>(HDR);
}

// @nomark
function shdr(i: u32): elf64_shdr {
  return changetype<elf64_shdr>(SHDRS + <usize>i * ELF_SHDR_SIZE);
}

/** Says that a bitmap is not used, and why. => null */
// @nomark
function ignore(file: u32, vaddr: u64, why: PbitmapRefusal): pbitmap | null {
  const ino = inode_at(file_at(file).f_inode).i_ino;
  emit(Ev.PbitmapIgnored, vaddr, <u64>ino | (<u64>why << 32), 0);
  return null;
}

/** Reads a file's header and program headers. => is it an ELF file? */
function read_headers(file: u32): bool {
  const hdr = ehdr();
  if (kernel_read(file_at(file), HDR, ELF_HDR_SIZE, 0) != ELF_HDR_SIZE) return false;
  if (<u32>hdr.e_ident0 != ELFMAG) return false;
  if (((hdr.e_ident0 >> 32) & 0xff) != ELFCLASS64) return false;
  const size = <u64>hdr.e_phnum * ELF_PHDR_SIZE;
  if (hdr.e_phentsize != ELF_PHDR_SIZE || size > <u64>PAGE_SIZE) return false;
  return kernel_read(file_at(file), PHDRS, size, hdr.e_phoff) == <i64>size;
}

/** Have the `bytes` bytes at `offset` any with [from, from + len) in common? */
// @nomark
function overlaps(offset: u64, bytes: u64, from: u64, len: u64): bool {
  return offset < from + len && from < offset + bytes;
}

/** Do they lie in the ELF header or in the program headers? */
// @nomark
function hits_headers(offset: u64, bytes: u64): bool {
  const hdr = ehdr();
  if (overlaps(offset, bytes, 0, ELF_HDR_SIZE)) return true;
  return overlaps(offset, bytes, hdr.e_phoff, <u64>hdr.e_phnum * ELF_PHDR_SIZE);
}

/** A: it must lie behind the program headers, in the file's first page. */
// @nomark
function phdr_overlaps(ph: elf64_phdr): bool {
  // As posted it is whatever PT_GNU_RELRO names.
  if (ph.p_type != PT_PAGE_BITMAP) return false;
  const end = ph.p_offset + ph.p_filesz;
  if (end < ph.p_offset || end > <u64>PAGE_SIZE) return true;
  return hits_headers(ph.p_offset, ph.p_filesz);
}

/** B: it must lie in no header, no segment, and no other section but bitmaps. */
function shdr_overlaps(sh: elf64_shdr): bool {
  const hdr = ehdr();
  const offset = sh.sh_offset;
  const bytes = sh.sh_size;
  if (offset + bytes < offset || hits_headers(offset, bytes)) return true;
  const table = <u64>hdr.e_shnum * ELF_SHDR_SIZE;
  if (overlaps(offset, bytes, hdr.e_shoff, table)) return true;
  for (let i: u32 = 0; i < hdr.e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type != PT_LOAD) continue;
    if (overlaps(offset, bytes, ph.p_offset, ph.p_filesz)) return true;
  }
  for (let i: u32 = 0; i < hdr.e_shnum; i++) {
    const type = shdr(i).sh_type;
    if (type == 0 || type == SHT_NOBITS || type == SHT_PRESENT_BITMAP) continue;
    if (overlaps(offset, bytes, shdr(i).sh_offset, shdr(i).sh_size)) return true;
  }
  return false;
}

/** Does the first PT_GNU_STACK ask for the section headers to be looked at? */
// @nomark
function wants_shdrs(): bool {
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type == PT_GNU_STACK) return (ph.p_flags & PF_PLEASE_LOAD_SHDRS) != 0;
  }
  return false;
}

/** A: is it a bitmap's program header? */
// @nomark
function is_bitmap_phdr(ph: elf64_phdr): bool {
  if (ph.p_type == PT_PAGE_BITMAP) return true;
  return ph.p_type == PT_GNU_RELRO && has_defect(PbitmapDefect.relro_collision);
}

/** Has the file bitmaps, as far as its first page tells? */
// @nomark
function may_have_bitmaps(): bool {
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    if (is_bitmap_phdr(phdr(PHDRS, i))) return true;
  }
  return wants_shdrs();
}

/** execve: the program's bitmaps are read, then their pages, then those are mapped. */
export function pbitmap_exec(file: u32, load_bias: u64): void {
  const mm = current_mm();
  const window = proposal_conf(Conf.vm_pbitmap_window_ms);
  if (window != 0) mm.pbitmap_until = (ktime_get() + window * 1000000) * 1000;
  if (!read_headers(file) || !may_have_bitmaps()) return;
  const bias = has_defect(PbitmapDefect.no_load_bias) ? 0 : load_bias;
  load_bitmaps(mm, file, bias, 0);
  map_bitmaps(mm, file, 0, u64.MAX_VALUE);
}

/**
 * A file other than the program itself is mapped: is it a library, and does it have
 * bitmaps? What is to be known of it must be in memory already: its header was read.
 */
export function pbitmap_mmap(file: u32, addr: u64, len: u64, pgoff: u64): void {
  const mm = current_mm();
  const f = file_at(file);
  if (f.f_kind != FileKind.regular || mm.exe_file == 0) return;
  if (file_at(mm.exe_file).f_inode == f.f_inode) return;
  if (!is_loaded(mm, f.f_inode)) {
    if (find_get_page(f.f_inode, 0) == NO_PAGE) return;
    if (!read_headers(file) || !may_have_bitmaps()) return;
    const first = segment_at(pgoff);
    if (first == null) return;
    load_bitmaps(mm, file, addr - ELF_PAGESTART(first.p_vaddr), PbitmapFlag.library);
  }
  map_bitmaps(mm, file, addr, addr + len);
}

/** Has the address space a record of this file's bitmaps? */
// @nomark
function is_loaded(mm: mm_struct, mapping: u32): bool {
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    if (file_at(pbitmap_at(p).file).f_inode == mapping) return true;
  }
  return false;
}

/** The first segment whose first page is page `pgoff` of the file, or null. */
// @nomark
function segment_at(pgoff: u64): elf64_phdr | null {
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type == PT_LOAD && ph.p_offset >> 12 == pgoff) return ph;
  }
  return null;
}

/** The segment that begins in the page at `vaddr`, or null. */
// @nomark
function segment_of(vaddr: u64): elf64_phdr | null {
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type == PT_LOAD && ELF_PAGESTART(ph.p_vaddr) == vaddr) return ph;
  }
  return null;
}

/** A, then B: every bitmap of the file, and the pages that it tells of. */
function load_bitmaps(mm: mm_struct, file: u32, bias: u64, flags: u32): void {
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (!is_bitmap_phdr(ph)) continue;
    if (phdr_overlaps(ph)) {
      ignore(file, ph.p_vaddr, PbitmapRefusal.overlaps);
      continue;
    }
    const how = flags | PbitmapFlag.phdr;
    pbitmap_load(mm, file, bias, how, ph.p_vaddr, ph.p_offset, ph.p_filesz, BITS);
  }
  if (!wants_shdrs() || !read_shdrs(file)) return;
  // Without a buffer of its own the bits replace the headers that come first.
  const buf = has_defect(PbitmapDefect.shdr_buffer) ? SHDRS : BITS;
  for (let i: u32 = 0; i < ehdr().e_shnum; i++) {
    const sh = shdr(i);
    if (sh.sh_type != SHT_PRESENT_BITMAP) continue;
    if (shdr_overlaps(sh)) {
      ignore(file, sh.sh_addr, PbitmapRefusal.overlaps);
      continue;
    }
    pbitmap_load(mm, file, bias, flags, sh.sh_addr, sh.sh_offset, sh.sh_size, buf);
  }
}

/** Reads the section headers, less than a page of them. => are they there? */
export function read_shdrs(file: u32): bool {
  const hdr = ehdr();
  const nr: u32 = hdr.e_shnum;
  const right = hdr.e_shentsize == ELF_SHDR_SIZE;
  if (right && nr > 0 && nr < <u32>PAGE_SIZE / ELF_SHDR_SIZE && <i64>hdr.e_shoff > 0) {
    const size = <u64>nr * ELF_SHDR_SIZE;
    if (kernel_read(file_at(file), SHDRS, size, hdr.e_shoff) == <i64>size) return true;
  }
  ignore(file, 0, PbitmapRefusal.section_headers);
  return false;
}

/**
 * One bitmap of `bytes` bytes at `offset` in the file, which tells of what is mapped
 * from the page of `vaddr` on: a record is made, and what it wants is read.
 */
export function pbitmap_load(
  mm: mm_struct, file: u32, bias: u64, flags: u32, vaddr: u64, offset: u64, bytes: u64,
  buf: usize,
): void {
  const pb = make_pb(mm, file, bias, flags, vaddr, offset, bytes);
  if (pb == null) return;
  const ino = backing(pb).i_ino;
  const how = offset | (<u64>pb.flags << 56);
  emit(Ev.PbitmapLoad, pb.start, <u64>ino | (<u64>pb.npages << 32), how);
  pbitmap_prefetch(pb, buf);
}

/** A record of the bitmap. => null when it does not fit the file or what is mapped. */
function make_pb(
  mm: mm_struct, file: u32, bias: u64, flags: u32, vaddr: u64, offset: u64, bytes: u64,
): pbitmap | null {
  const library = (flags & PbitmapFlag.library) != 0;
  const start = ELF_PAGESTART(vaddr) + bias;
  let pages: u64 = 0;
  let pgoff: u64 = 0;
  if (library) {
    const ph = segment_of(ELF_PAGESTART(vaddr));
    if (ph == null) return ignore(file, vaddr, PbitmapRefusal.address);
    pages = PAGE_ALIGN(ELF_PAGEOFFSET(ph.p_vaddr) + ph.p_filesz) >> 12;
    pgoff = ph.p_offset >> 12;
  } else {
    const vma = find_vma(mm, start);
    if (vma == null || vma.vm_file == 0) {
      return ignore(file, vaddr, PbitmapRefusal.address);
    }
    const posted = has_defect(PbitmapDefect.no_load_bias);
    const same = file_at(vma.vm_file).f_inode == file_at(file).f_inode;
    if (!posted && (vma.vm_start > start || !same)) {
      return ignore(file, vaddr, PbitmapRefusal.address);
    }
    pages = (vma.vm_end - max<u64>(start, vma.vm_start)) >> 12;
    pgoff = vma.vm_pgoff + (<u64>(<i64>(start - vma.vm_start) >> 12));
  }
  if (bytes < bits_to_bytes(pages)) pages = bytes * 8;
  const end = offset + bits_to_bytes(pages);
  const size = inode_at(file_at(file).f_inode).i_size;
  if (pages == 0 || end < offset || end > size) {
    return ignore(file, vaddr, PbitmapRefusal.short);
  }
  const pb = alloc_pb(mm, file);
  if (pb == null) return ignore(file, vaddr, PbitmapRefusal.no_memory);
  pb.start = start;
  pb.npages = <u32>pages;
  // Whoever comes when the time to be recorded is over is only prefetched.
  const late = mm.pbitmap_until == u64.MAX_VALUE;
  pb.flags = late ? flags | PbitmapFlag.unrecorded : flags;
  pb.file_offset = offset;
  pb.pgoff = pgoff;
  pb.bytes = min<u64>(bytes, size - offset);
  pb.vaddr = vaddr;
  return pb;
}

/** Maps what the file's bitmaps want of [from, end), if that is to be done early. */
function map_bitmaps(mm: mm_struct, file: u32, from: u64, end: u64): void {
  if (proposal_conf(Conf.vm_pbitmap_early_fault) == 0) return;
  const mapping = file_at(file).f_inode;
  for (let p = mm.pbitmaps; p != 0; p = pbitmap_at(p).next) {
    const pb = pbitmap_at(p);
    if (file_at(pb.file).f_inode != mapping) continue;
    if (pb.start >= from && pb.start < end) pbitmap_early_fault(mm, pb);
  }
}

/** Is the library still as it was: a bitmap for the same address at the same place? */
export function is_still_there(pb: pbitmap): bool {
  if (!read_headers(pb.file)) return false;
  for (let i: u32 = 0; i < ehdr().e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type != PT_PAGE_BITMAP || ph.p_vaddr != pb.vaddr) continue;
    if (ph.p_offset == pb.file_offset && ph.p_filesz >= pb.bytes) return true;
  }
  if (!wants_shdrs() || !read_shdrs(pb.file)) return false;
  for (let i: u32 = 0; i < ehdr().e_shnum; i++) {
    const sh = shdr(i);
    if (sh.sh_type != SHT_PRESENT_BITMAP || sh.sh_addr != pb.vaddr) continue;
    if (sh.sh_offset == pb.file_offset && sh.sh_size >= pb.bytes) return true;
  }
  return false;
}
