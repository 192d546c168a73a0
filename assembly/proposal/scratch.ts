// MAP_SCRATCH: pages of a private mapping that need not be kept, for what was written
// there can be worked out again. Memory that is short takes them without a write.
//
//   private mapping of a file          no write          written (a copy, ours alone)
//     MAP_PRIVATE                      page cache's      memory short: to swap, and
//                                                        back from there
//     MAP_PRIVATE | MAP_SCRATCH        the same          memory short: DROPPED; the
//                                                        next touch reads the file
//
//        file copy --store--> written --store--> written --drop--> nothing
//            ^                                                        |
//            +----------------------- touch --------------------------+
//
// The use it was invented for: code that a dynamic linker has fixed up. A page goes
// back to the unresolved form, which calls the linker again; the page is fixed up
// twice, but was never written to swap "once for every process that has it fixed up".
//
//   A  what may be a scratch mapping: private, and of a file
//   B  which page is dropped: an anonymous one that scratch mappings alone map, all of
//      them, whatever their processes (a fork shares them). A page that any other area
//      maps too is swapped as ever, but leaves no swap entry in a scratch mapping
//   C  which stays: locked in memory, or in use by the disk. One whose slot of swap
//      somebody else still needs is not B: its mappings are not all known
//
// Invariant: a drop happens between two instructions, never within one (at a fault, in
// another entry of the kernel, by an act). So aligned loads and stores of up to eight
// bytes are atomic against it: what is read is the file's or what was stored, whole;
// what is stored is there, whole, or gone. Nothing holds for two of them: a patch of
// two stores is torn by a drop between them. The TLB is flushed and the hart's decoded
// code of the frame forgotten with the entry, so the next fetch is the file's as well.
//
// Such pages are no pages for swap: like those of MADV_FREE they lack PG_swapbacked, so
// they are on the lists of file pages, to go with swappiness 0 and with no swap at all;
// and no policy counts them as dirty. They need no promise of memory or swap either
// (VM_ACCOUNT): what can always be taken back was never promised.
//
// Source: A. Isaacson, "avoiding dirty code pages with fixups", LKML, 3 February 2004,
// and J. Lokier's answers of the 7th. No code was posted: this is a reconstruction.
// In Linux: nowhere. Near to it are MADV_FREE, of anonymous memory only, and
// MADV_DONTNEED, which takes private pages of files at once.
// Left out: telling the program of a drop (the RFC of volatile ranges, 2012, would).
import { Ev, PG, ScratchWhy, VM, VmEvent } from "../abi";
import { emit } from "../log";
import { EINVAL, EOPNOTSUPP } from "../kernel/errno";
import { file_at } from "../kernel/file_table";
import { inode_at } from "../kernel/fs";
import {
  MAP_PRIVATE,
  MAP_SCRATCH,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
} from "../kernel/mmap";
import { mem_map, mm_struct, vm_area_struct } from "../kernel/mm_types";
import { get_page, put_page } from "../kernel/page_alloc";
import { rmap_walk, rmap_walk_next, try_to_unmap, vma_mm } from "../kernel/rmap";
import { swap_count } from "../kernel/swapfile";
import { count_vm_event } from "../kernel/vmstat";
import { scratch_remember } from "./scratch_dropped";

/**
 * A: what the flags of an mmap say of it; `file` 0 is nobody's memory.
 * => VM_SCRATCH or 0; -EINVAL, or -EOPNOTSUPP to who asked for what is not known.
 */
// @nomark
export function scratch_mmap_flags(file: u32, flags: u32): i64 {
  if ((flags & MAP_SCRATCH) == 0) return 0;
  if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE) return -EOPNOTSUPP;
  return file == 0 || (flags & MAP_TYPE) != MAP_PRIVATE ? -EINVAL : <i64>VM.SCRATCH;
}

/** A: may an area that is there already become one? */
// @nomark
export function may_be_scratch(vma: vm_area_struct): bool {
  const others: u32 = VM.SHARED | VM.MAYSHARE | VM.PFNMAP | VM.DONTEXPAND;
  return vma.vm_file != 0 && (vma.vm_flags & others) == 0;
}

/**
 * B: is the page in `pfn` one that may be dropped? It is looked for in every area that
 * maps it; the_walk() then says whether one is locked (C).
 */
export function is_scratch(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & PG.anon) == 0 || p.mapcount == 0) return false;
  // C: somebody has not come back for it yet, and is in no list of mappings
  if ((p.flags & PG.swapcache) != 0 && swap_count(p.private_) > 0) return false;
  const rwc = rmap_walk(pfn);
  let found: i32 = 0;
  while (rmap_walk_next(rwc)) {
    if ((rwc.vma.vm_flags & VM.SCRATCH) == 0) return false;
    found++;
  }
  return found == p.mapcount;
}

/**
 * Drops the page in `pfn`, of which is_scratch holds and which nobody has locked: every
 * entry goes, and what was written with it. A slot of swap that it still had is free.
 */
export function scratch_drop(pfn: u32, why: ScratchWhy): void {
  get_page(pfn);
  const rwc = rmap_walk(pfn);
  while (rmap_walk_next(rwc)) {
    scratch_dropped(vma_mm(rwc.vma), rwc.vma, rwc.address, pfn, why);
  }
  try_to_unmap(pfn, 0);
  assert(mem_map(pfn).mapcount == 0);
  count_vm_event(VmEvent.SCRATCH_DROP);
  put_page(pfn);
}

/** One entry of a dropped page: the log tells of it, and the touch will be known. */
export function scratch_dropped(
  mm: mm_struct, vma: vm_area_struct, va: u64, pfn: u32, why: ScratchWhy,
): void {
  const what = <u64>pfn | (<u64>why << 32);
  emit(Ev.ScratchDrop, va | (<u64>mm.asid << 48), what, scratch_origin(vma, va));
  scratch_remember(mm, va);
}

/** Which page of which file is at `va` of the area: ino | page << 32. */
// @nomark
export function scratch_origin(vma: vm_area_struct, va: u64): u64 {
  const page = vma.vm_pgoff + ((va - vma.vm_start) >> 12);
  return <u64>inode_at(file_at(vma.vm_file).f_inode).i_ino | (page << 32);
}
