// The heart of a page fault: the area allows the access, the page table does not. Which
// page must be there?
//
//                        entry empty                         entry there
//               anonymous            file                  but not for a write
//   read     1A zero page       2A the cached page        (only a stale translation: 4)
//   write    1B cleared frame   2B a private copy          3A copy
//                               2C the cached page         3B reuse: nobody shares it
//                                  (shared mapping)        3C shared file: mark dirty
//
// In Linux: mm/memory.c (6.12): handle_mm_fault, handle_pte_fault, do_anonymous_page,
// do_read_fault, do_cow_fault, do_shared_fault, do_wp_page, wp_page_copy.
// A page in swap: memory_swap.ts. A page that the disk is still reading, while somebody
// else could run: the fault ends without it (VM_FAULT_RETRY), and is taken again.
// Left out: huge pages, userfaultfd, NUMA hints, memory cgroups.
import {
  CONF_BASE,
  Conf,
  CostKind,
  FAULT_BASE,
  FaultKind,
  PAGE_SIZE,
  PG,
  VM,
  VmEvent,
  ZERO_PFN,
} from "../abi";
import { Cost, charge, cost } from "../hw/clock";
import { sfence_vma } from "../hw/tlb";
import { anon_vma_prepare } from "./anon_vma";
import { page_mkwrite } from "./file_write";
import { file_at } from "./file_table";
import { filemap_fault, filemap_map_pages } from "./filemap";
import { vma_wants_writenotify } from "./mmap";
import {
  NO_PAGE,
  mem_map,
  mm_struct,
  vm_area_struct,
  vma_is_anonymous,
} from "./mm_types";
import { do_swap_page } from "./memory_swap";
import {
  account_clear_page,
  alloc_page_of,
  clear_page,
  copy_page,
  get_page,
  put_page,
} from "./page_alloc";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  mk_pte,
  page_add_rmap,
  pte_alloc,
  pte_mkdirty,
  pte_mkspecial,
  pte_mkwrite,
  pte_pfn,
  pte_present,
  pte_special,
  pte_write,
  set_pte,
  zap_page,
} from "./pgtable";
import { shmem_fault, shmem_mapping } from "./shmem";
import { folio_add_lru } from "./swap";
import { folio_free_swap } from "./swapfile";
import { special_mapping_fault } from "./vdso";
import {
  proposal_keeps_page,
  proposal_page_owner,
  proposal_prefault,
  proposal_scratch_mapped,
} from "../proposal/proposal";
import { count_vm_event } from "./vmstat";

export const VM_FAULT_OOM: u32 = 1;
export const VM_FAULT_SIGBUS: u32 = 2;
export const VM_FAULT_MAJOR: u32 = 4;
/** It waits for vmf.page, and has done nothing: take it again. */
export const VM_FAULT_RETRY: u32 = 0x400;
/** The entry is written already. */
export const VM_FAULT_NOPAGE: u32 = 0x100;
export const VM_FAULT_ERROR: u32 = VM_FAULT_OOM | VM_FAULT_SIGBUS;

export const FAULT_FLAG_WRITE: u32 = 1;
/** It was taken before, and waited. */
export const FAULT_FLAG_TRIED: u32 = 32;
export const FAULT_FLAG_USER: u32 = 64;
export const FAULT_FLAG_INSTRUCTION: u32 = 256;

/** The fault at hand: what was asked, and what has been worked out so far. */
@unmanaged
export class vm_fault {
  address!: u64; // page aligned
  flags!: u32; // FAULT_FLAG_*
  pte!: u32; // slot of the level-0 entry
  pgoff!: u64; // page of the file
  orig_pte!: u64; // the entry as it was
  vma!: vm_area_struct;
  page!: u32; // pfn found by filemap_fault
  kind!: u32; // FaultKind: how it ended
  blocks!: u32; // pages read from the disk for it
  mm!: mm_struct;
  signo!: u32; // when it cannot be served: the signal, and its code
  si_code!: i32;
}

/** There is one hart and a fault does not fault: one record serves them all. */
// @nomark
export function the_fault(): vm_fault {
  return changetype<vm_fault>(FAULT_BASE);
}

/**
 * Makes `address` usable for the access in `flags`; the area allows it.
 * => VM_FAULT_MAJOR when the disk was needed, 0 when not, or an error bit.
 */
export function handle_mm_fault(
  mm: mm_struct, vma: vm_area_struct, address: u64, flags: u32,
): u32 {
  const vmf = describe_fault(vma, address, flags);
  const pte = pte_alloc(mm, vmf.address);
  if (pte == 0) return VM_FAULT_OOM;
  vmf.pte = <u32>pte;
  vmf.orig_pte = load<u64>(pte);
  return handle_pte_fault(mm, vmf);
}

/** Fills in what is known before the page tables are looked at. */
// @nomark
function describe_fault(vma: vm_area_struct, address: u64, flags: u32): vm_fault {
  const vmf = the_fault();
  vmf.address = address & ~(<u64>PAGE_SIZE - 1);
  vmf.flags = flags;
  vmf.vma = vma;
  vmf.pgoff = vma.vm_pgoff + ((vmf.address - vma.vm_start) >> 12);
  vmf.page = NO_PAGE;
  vmf.blocks = 0;
  vmf.kind = FaultKind.none;
  return vmf;
}

/** Sorts the fault into one of the cases above. */
export function handle_pte_fault(mm: mm_struct, vmf: vm_fault): u32 {
  if (vmf.orig_pte == 0) {
    if (vma_is_anonymous(vmf.vma)) return do_anonymous_page(mm, vmf);
    return do_fault(mm, vmf);
  }
  if (!pte_present(vmf.orig_pte)) return do_swap_page(mm, vmf);
  if (vmf.flags & FAULT_FLAG_WRITE) {
    if (!pte_write(vmf.orig_pte)) return do_wp_page(mm, vmf);
  }
  // 4: the entry already allows it, the TLB had an older one
  vmf.kind = FaultKind.spurious;
  set_pte(mm, vmf.address, vmf.pte, vmf.orig_pte | _PAGE_ACCESSED);
  sfence_vma(vmf.address, mm.asid);
  return 0;
}

/** 1: memory that is nobody's file. */
export function do_anonymous_page(mm: mm_struct, vmf: vm_fault): u32 {
  const vma = vmf.vma;
  if ((vmf.flags & FAULT_FLAG_WRITE) == 0) {
    // 1A: one page of zeros serves every reader until somebody writes
    const zero = mk_pte(load<u32>(ZERO_PFN), vma.vm_flags);
    set_pte(mm, vmf.address, vmf.pte, pte_mkspecial(zero));
    vmf.kind = FaultKind.zero;
    count_vm_event(VmEvent.ZERO_PAGE);
    return 0;
  }
  // 1B: a frame of its own, cleared, so that nobody reads what another left there
  const pfn = alloc_anon_page(vmf, proposal_page_owner(mm, vma));
  if (pfn == NO_PAGE) return VM_FAULT_OOM;
  vmf.kind = proposal_keeps_page(mm, vma) ? FaultKind.kept : FaultKind.anon;
  if (vmf.kind == FaultKind.anon) clear_anon_page(pfn);
  map_anon_page(mm, vmf, pfn);
  return 0;
}

/**
 * A frame for a page of its own, which the area's anon_vma will know; or NO_PAGE.
 * Rather one that was `owner`'s, if that matters to anybody.
 */
function alloc_anon_page(vmf: vm_fault, owner: u32 = 0): u32 {
  if (!anon_vma_prepare(vmf.vma)) return NO_PAGE;
  const anon = <u32>changetype<usize>(vmf.vma.anon_vma);
  let flags: u32 = PG.anon | PG.anon_exclusive | PG.swapbacked | PG.uptodate;
  if (vmf.vma.vm_flags & VM.SCRATCH) flags &= ~PG.swapbacked; // its file backs it
  return alloc_page_of(owner, flags, anon, vmf.pgoff);
}

// @nomark
function clear_anon_page(pfn: u32): void {
  clear_page(pfn);
  account_clear_page(pfn);
}

/**
 * Maps a private frame, writable if the area is; the caller's reference becomes its.
 */
function map_anon_page(mm: mm_struct, vmf: vm_fault, pfn: u32): void {
  const pte = maybe_mkwrite(pte_mkdirty(mk_pte(pfn, vmf.vma.vm_flags)), vmf.vma);
  page_add_rmap(mm, pfn);
  put_page(pfn);
  set_pte(mm, vmf.address, vmf.pte, pte);
  folio_add_lru(pfn, 0);
  vmf.page = pfn;
}

/** 2: a page of a file. */
export function do_fault(mm: mm_struct, vmf: vm_fault): u32 {
  if ((vmf.flags & FAULT_FLAG_WRITE) == 0) return do_read_fault(mm, vmf);
  if ((vmf.vma.vm_flags & VM.SHARED) == 0) return do_cow_fault(mm, vmf);
  return do_shared_fault(mm, vmf);
}

/** 2A: map the page cache's own frame, and its cached neighbours with it. */
export function do_read_fault(mm: mm_struct, vmf: vm_fault): u32 {
  if (should_fault_around(vmf.vma)) {
    do_fault_around(mm, vmf);
    if (load<u64>(vmf.pte) != 0) {
      vmf.page = pte_pfn(load<u64>(vmf.pte));
      vmf.kind = FaultKind.minor;
      return 0;
    }
  }
  const ret = __do_fault(mm, vmf);
  if (ret & VM_FAULT_RETRY) return ret;
  if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) return ret & VM_FAULT_ERROR;
  // What waited for the disk is taken again: now the neighbours are there too.
  const again = (ret & VM_FAULT_MAJOR) != 0 && should_fault_around(vmf.vma);
  if (again) do_fault_around(mm, vmf);
  if (load<u64>(vmf.pte) == 0) finish_fault(mm, vmf);
  vmf.kind = ret & VM_FAULT_MAJOR ? FaultKind.major : FaultKind.minor;
  return ret & VM_FAULT_MAJOR;
}

/** Finds the page: in the page cache, on the disk, or in the kernel (the vDSO). */
function __do_fault(mm: mm_struct, vmf: vm_fault): u32 {
  if (vmf.vma.vm_flags & VM.DONTEXPAND) return special_mapping_fault(mm, vmf);
  if (shmem_mapping(file_at(vmf.vma.vm_file).f_inode)) return shmem_fault(vmf);
  return filemap_fault(vmf);
}

// @nomark
function should_fault_around(vma: vm_area_struct): bool {
  if (vma.vm_flags & VM.DONTEXPAND) return false;
  return load<u64>(CONF_BASE + Conf.vm_fault_around_bytes * 8) >> 12 > 1;
}

/**
 * Maps what the page cache holds around the address: a window of fault_around_bytes,
 * aligned by virtual address, inside the area and inside one page table. A neighbour
 * that is mapped now costs nothing; the same neighbour by a fault costs an exception.
 */
export function do_fault_around(mm: mm_struct, vmf: vm_fault): void {
  const nr_pages = load<u64>(CONF_BASE + Conf.vm_fault_around_bytes * 8) >> 12;
  const vma = vmf.vma;
  const vma_off = vmf.pgoff - vma.vm_pgoff;
  const pte_off = (vmf.address >> 12) & 511;
  const aligned = pte_off - (pte_off % nr_pages);
  const from_pte = max<u64>(aligned, pte_off - min<u64>(pte_off, vma_off));
  const vma_pages = (vma.vm_end - vma.vm_start) >> 12;
  const last = min<u64>(512, pte_off + vma_pages - vma_off);
  const to_pte = min<u64>(from_pte + nr_pages, last) - 1;
  const first_pgoff = vmf.pgoff + from_pte - pte_off;
  const last_pgoff = vmf.pgoff + to_pte - pte_off;
  filemap_map_pages(mm, vmf, first_pgoff, last_pgoff);
}

/**
 * Puts the found file page into the page table. A write here means a shared mapping.
 */
function finish_fault(mm: mm_struct, vmf: vm_fault): void {
  let pte = vma_mk_pte(vmf.vma, vmf.page);
  if (vmf.flags & FAULT_FLAG_WRITE) pte = pte_mkwrite(pte_mkdirty(pte));
  page_add_rmap(mm, vmf.page);
  set_pte(mm, vmf.address, vmf.pte, pte);
  proposal_scratch_mapped(mm, vmf.vma, vmf.address, vmf.page, vmf.blocks != 0);
}

/**
 * Entry for a file's page in `vma`: writable at once where nobody has to be told of the
 * first write.
 */
// @nomark
export function vma_mk_pte(vma: vm_area_struct, pfn: u32): u64 {
  const pte = proposal_prefault(mk_pte(pfn, vma.vm_flags));
  const both: u32 = VM.WRITE | VM.SHARED;
  if ((vma.vm_flags & both) != both || vma_wants_writenotify(vma)) return pte;
  return pte_mkwrite(pte);
}

/** 2B: a write to a private mapping: the file's page is copied before it is written. */
export function do_cow_fault(mm: mm_struct, vmf: vm_fault): u32 {
  const cow_page = alloc_anon_page(vmf);
  if (cow_page == NO_PAGE) return VM_FAULT_OOM;
  const ret = __do_fault(mm, vmf);
  if (ret & (VM_FAULT_ERROR | VM_FAULT_RETRY)) {
    put_page(cow_page);
    return ret;
  }
  copy_page(cow_page, vmf.page);
  charge(CostKind.Memory, cost(Cost.CopyPage));
  count_vm_event(VmEvent.COW);
  map_anon_page(mm, vmf, cow_page);
  const major = (ret & VM_FAULT_MAJOR) != 0;
  proposal_scratch_mapped(mm, vmf.vma, vmf.address, cow_page, major);
  vmf.kind = ret & VM_FAULT_MAJOR ? FaultKind.major : FaultKind.cow;
  return ret & VM_FAULT_MAJOR;
}

/**
 * 2C: a write to a shared mapping goes to the page cache, which owes it to the file.
 */
export function do_shared_fault(mm: mm_struct, vmf: vm_fault): u32 {
  const ret = __do_fault(mm, vmf);
  if (ret & (VM_FAULT_ERROR | VM_FAULT_RETRY)) return ret;
  const refused = page_mkwrite(vmf.page);
  if (refused != 0) return refused;
  finish_fault(mm, vmf);
  vmf.kind = ret & VM_FAULT_MAJOR ? FaultKind.major : FaultKind.minor;
  return ret & VM_FAULT_MAJOR;
}

/** 3: the page is mapped, but not for writing. */
export function do_wp_page(mm: mm_struct, vmf: vm_fault): u32 {
  const pfn = pte_pfn(vmf.orig_pte);
  if (pte_special(vmf.orig_pte)) return wp_page_copy(mm, vmf);
  if (vmf.vma.vm_flags & VM.SHARED) {
    // 3C: shared with the file: it becomes dirty
    const refused = page_mkwrite(pfn);
    if (refused == 0) wp_page_reuse(mm, vmf);
    return refused;
  }
  if ((mem_map(pfn).flags & PG.anon) != 0 && wp_can_reuse_anon_page(pfn, vmf.vma)) {
    // 3B: the last user keeps the frame
    mem_map(pfn).flags |= PG.anon_exclusive;
    wp_page_reuse(mm, vmf);
    return 0;
  }
  return wp_page_copy(mm, vmf);
}

/**
 * 3B: has nobody else the page? It is then the area's own, and need not be looked for
 * in the areas of the process that it came from.
 */
function wp_can_reuse_anon_page(pfn: u32, vma: vm_area_struct): bool {
  const p = mem_map(pfn);
  if (p.flags & PG.anon_exclusive) return true;
  if (p.mapcount != 1) return false;
  if ((p.flags & PG.swapcache) != 0 && !folio_free_swap(pfn)) return false;
  if (p.refcount != 1) return false;
  p.mapping = <u32>changetype<usize>(vma.anon_vma);
  return true;
}

/** The entry allows writes where the area does; a debugger may write elsewhere. */
// @nomark
function maybe_mkwrite(pte: u64, vma: vm_area_struct): u64 {
  return vma.vm_flags & VM.WRITE ? pte_mkwrite(pte) : pte;
}

/** 3B, 3C: only the entry changes. */
function wp_page_reuse(mm: mm_struct, vmf: vm_fault): void {
  const pte = maybe_mkwrite(pte_mkdirty(vmf.orig_pte), vmf.vma) | _PAGE_ACCESSED;
  set_pte(mm, vmf.address, vmf.pte, pte);
  vmf.page = pte_pfn(pte);
  vmf.kind = FaultKind.reuse;
  count_vm_event(VmEvent.PGREUSE);
}

/** 3A: a frame of its own with the old contents; the old one loses a user. */
export function wp_page_copy(mm: mm_struct, vmf: vm_fault): u32 {
  const old = pte_pfn(vmf.orig_pte);
  get_page(old); // it stays mapped while room is made for the copy
  const pfn = alloc_anon_page(vmf);
  put_page(old);
  if (pfn == NO_PAGE) return VM_FAULT_OOM;
  if (pte_special(vmf.orig_pte)) {
    clear_page(pfn);
    account_clear_page(pfn);
  } else {
    copy_page(pfn, old);
    charge(CostKind.Memory, cost(Cost.CopyPage));
  }
  map_anon_page(mm, vmf, pfn);
  if (!pte_special(vmf.orig_pte)) zap_page(mm, vmf.orig_pte & ~_PAGE_DIRTY);
  count_vm_event(VmEvent.COW);
  vmf.kind = FaultKind.cow;
  return 0;
}
