// /proc/PID/maps and smaps: the areas of a process, and what of them is in memory.
//
//   maps    one line an area: where, what is allowed, which file
//   smaps   the same, and for every page that is mapped there:
//
//             PTE present -> struct page:   anonymous or of a file? who else maps it?
//                                           dirty?  used?
//             PTE of swap -> swapped out;   no PTE -> counts as nothing
//
//   Pss     a page that n address spaces map counts for a n-th part. The sum is kept
//           with 12 bits behind the point (PSS_SHIFT), else n times the n-th part would
//           lose a byte each
//
// A page whose frame nobody counts (the zero page, the vDSO's data) is in no sum.
//
// In Linux: fs/proc/task_mmu.c show_map_vma(), smap_gather_stats(), smaps_pte_entry(),
// smaps_account() (6.12).
// Left out: huge pages, KSM, soft-dirty bits, protection keys: their lines are there,
// and 0.
import { InodeKind, PAGE_SIZE, PG, SEQ_BUF, VM } from "../abi";
import { seq_file_path } from "./d_path";
import { file_at } from "./file_table";
import { inode_at } from "./fs";
import { mem_map, mm_struct, vm_area_struct } from "./mm_types";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  next_table,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_special,
} from "./pgtable";
import { task_struct } from "./sched";
import { get_nr_swap_pages, swap_count, total_swap_pages } from "./swapfile";
import { NO_SWAP, pte_to_swp_offset } from "./swapops";
import { xa_load_swap } from "./xa_values";
import {
  SEQ_END,
  seq_file,
  seq_pad,
  seq_putc,
  seq_put_decimal_ull,
  seq_put_hex_ll,
  seq_put_kb,
  seq_puts,
  seq_setwidth,
} from "./seq_file";
import { shmem_mapping } from "./shmem";

/** Bits behind the point of the proportional sums. */
const PSS_SHIFT: u64 = 12;
/** Column at which the name of an area begins. */
const NAME_COLUMN: u32 = 72;
/** Device numbers, major << 8 | minor: the disk's, and shared memory's. */
const DISK_DEV: u32 = 0xfe00;
const SHMEM_DEV: u32 = 1;

/** What smaps counts, in bytes; the proportional ones shifted left by PSS_SHIFT. */
@unmanaged
class mem_size_stats {
  resident!: u64;
  shared_clean!: u64;
  shared_dirty!: u64;
  private_clean!: u64;
  private_dirty!: u64;
  referenced!: u64;
  anonymous!: u64;
  lazyfree!: u64;
  swap!: u64;
  pss!: u64;
  pss_anon!: u64;
  pss_file!: u64;
  pss_shmem!: u64;
  pss_dirty!: u64;
  pss_locked!: u64;
  swap_pss!: u64;
}

// @nomark
function the_stats(): mem_size_stats {
  return changetype<mem_size_stats>(SEQ_BUF + PAGE_SIZE + 0x100);
}

/** The area that the record at m.index is about; m.next is then the one after. */
// @nomark
function m_start(m: seq_file, task: task_struct): vm_area_struct | null {
  const mm = task.mm;
  if (mm == null) return null;
  let vma = mm.mmap;
  while (vma != null && vma.vm_end <= m.index) vma = vma.vm_next;
  if (vma == null) return null;
  const next = vma.vm_next;
  m.next = next == null ? SEQ_END : next.vm_start;
  return vma;
}

/** A record of maps: one line. => false when there is no area left. */
// @nomark
export function show_map(m: seq_file, task: task_struct): bool {
  const vma = m_start(m, task);
  if (vma == null) return false;
  show_map_vma(m, vma);
  return true;
}

/** "00010000-00191000 r-xp 00000000 fe:00 19      /bin/busybox\n" */
// @nomark
function show_map_vma(m: seq_file, vma: vm_area_struct): void {
  let ino: u32 = 0;
  let pgoff: u64 = 0;
  let dev: u32 = 0;
  if (vma.vm_file != 0) {
    const node = inode_at(file_at(vma.vm_file).f_inode);
    ino = node.i_ino;
    pgoff = vma.vm_pgoff << 12;
    dev = node.i_kind == InodeKind.shmem ? SHMEM_DEV : DISK_DEV;
  }
  show_vma_header_prefix(m, vma.vm_start, vma.vm_end, vma.vm_flags, pgoff, dev);
  seq_put_decimal_ull(m, ino);
  seq_putc(m, 0x20);
  show_vma_name(m, vma);
  seq_putc(m, 0x0a);
}

// @nomark
function show_vma_header_prefix(
  m: seq_file, start: u64, end: u64, flags: u32, pgoff: u64, dev: u32,
): void {
  seq_setwidth(m, NAME_COLUMN);
  seq_put_hex_ll(m, start, 8);
  seq_putc(m, 0x2d);
  seq_put_hex_ll(m, end, 8);
  seq_putc(m, 0x20);
  seq_putc(m, flags & VM.READ ? 0x72 : 0x2d);
  seq_putc(m, flags & VM.WRITE ? 0x77 : 0x2d);
  seq_putc(m, flags & VM.EXEC ? 0x78 : 0x2d);
  seq_putc(m, flags & VM.MAYSHARE ? 0x73 : 0x70);
  seq_putc(m, 0x20);
  seq_put_hex_ll(m, pgoff, 8);
  seq_putc(m, 0x20);
  seq_put_hex_ll(m, dev >> 8, 2);
  seq_putc(m, 0x3a);
  seq_put_hex_ll(m, dev & 255, 2);
  seq_putc(m, 0x20);
}

/** What the area is, in the last column: a path, or a word in brackets, or nothing. */
// @nomark
function show_vma_name(m: seq_file, vma: vm_area_struct): void {
  const mm = changetype<mm_struct>(<usize>vma.vm_mm);
  if (vma.vm_file != 0) {
    const f = file_at(vma.vm_file);
    seq_pad(m, 0x20);
    if (shmem_mapping(f.f_inode)) seq_puts(m, "/dev/zero (deleted)");
    else seq_file_path(m, f);
    return;
  }
  let name = "";
  if (vma.vm_flags & VM.PFNMAP) name = "[vvar]";
  else if (vma.vm_start == mm.vdso && vma.vm_flags & VM.DONTEXPAND) name = "[vdso]";
  else if (vma.vm_start < mm.brk && vma.vm_end > mm.start_brk) name = "[heap]";
  else if (is_initial_stack(mm, vma)) name = "[stack]";
  if (name.length == 0) return;
  seq_pad(m, 0x20);
  seq_puts(m, name);
}

// @nomark
function is_initial_stack(mm: mm_struct, vma: vm_area_struct): bool {
  return vma.vm_start <= mm.start_stack && vma.vm_end >= mm.start_stack;
}

/** A record of smaps: the line of maps and the counts. => false at the end. */
// @nomark
export function show_smap(m: seq_file, task: task_struct): bool {
  const vma = m_start(m, task);
  if (vma == null) return false;
  const mss = the_stats();
  memory.fill(changetype<usize>(mss), 0, offsetof<mem_size_stats>());
  smap_gather_stats(vma, mss);
  show_map_vma(m, vma);
  seq_put_kb(m, "Size:           ", vma.vm_end - vma.vm_start);
  seq_put_kb(m, "KernelPageSize: ", PAGE_SIZE);
  seq_put_kb(m, "MMUPageSize:    ", PAGE_SIZE);
  show_smap_stats(m, mss, false);
  seq_puts(m, "THPeligible:           0\n");
  show_smap_vma_flags(m, vma);
  return true;
}

/** smaps_rollup: one record, the sums over all areas. */
// @nomark
export function show_smaps_rollup(m: seq_file, task: task_struct): bool {
  const mm = task.mm;
  if (m.index != 0 || mm == null) return false;
  const mss = the_stats();
  memory.fill(changetype<usize>(mss), 0, offsetof<mem_size_stats>());
  const first = mm.mmap;
  if (first == null) return false;
  let end: u64 = 0;
  let vma: vm_area_struct | null = first;
  while (vma != null) {
    smap_gather_stats(vma, mss);
    end = vma.vm_end;
    vma = vma.vm_next;
  }
  show_vma_header_prefix(m, first.vm_start, end, 0, 0, 0);
  seq_puts(m, "0 ");
  seq_pad(m, 0x20);
  seq_puts(m, "[rollup]\n");
  show_smap_stats(m, mss, true);
  return true;
}

/** Adds what is mapped in the area to the sums. */
function smap_gather_stats(vma: vm_area_struct, mss: mem_size_stats): void {
  if (vma.vm_flags & VM.PFNMAP) return;
  const mm = changetype<mm_struct>(<usize>vma.vm_mm);
  const locked = (vma.vm_flags & VM.LOCKED) != 0;
  if (vma.vm_file != 0) {
    const mapping = file_at(vma.vm_file).f_inode;
    if (shmem_mapping(mapping)) mss.swap += shmem_swap_usage(vma, mapping);
  }
  let va = vma.vm_start;
  while (va < vma.vm_end) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    const pte = load<u64>(slot);
    if (!pte_present(pte)) smaps_swap_account(mss, pte);
    else if (!pte_special(pte)) smaps_account(mss, pte, locked);
    va += PAGE_SIZE;
  }
}

/** Bytes of the shared memory behind the area that are in swap: no entry says so. */
// @nomark
function shmem_swap_usage(vma: vm_area_struct, mapping: u32): u64 {
  if (get_nr_swap_pages() == total_swap_pages()) return 0;
  const pages = (vma.vm_end - vma.vm_start) >> 12;
  let swapped: u64 = 0;
  for (let i: u64 = 0; i < pages; i++) {
    if (xa_load_swap(mapping, vma.vm_pgoff + i) != NO_SWAP) swapped += PAGE_SIZE;
  }
  return swapped;
}

/** One page that is swapped out; a slot that n entries name counts for a n-th part. */
// @nomark
function smaps_swap_account(mss: mem_size_stats, pte: u64): void {
  if (pte == 0) return;
  mss.swap += PAGE_SIZE;
  const count = swap_count(pte_to_swp_offset(pte));
  const whole = <u64>PAGE_SIZE << PSS_SHIFT;
  mss.swap_pss += count >= 2 ? whole / count : whole;
}

/** One mapped page. */
// @nomark
function smaps_account(mss: mem_size_stats, pte: u64, locked: bool): void {
  const p = mem_map(pte_pfn(pte));
  const pte_dirty = (pte & _PAGE_DIRTY) != 0;
  const dirty = pte_dirty || (p.flags & PG.dirty) != 0;
  const anon = (p.flags & PG.anon) != 0;
  const swapbacked = (p.flags & PG.swapbacked) != 0;
  if (anon) mss.anonymous += PAGE_SIZE;
  if (anon && !swapbacked && !dirty) mss.lazyfree += PAGE_SIZE;
  mss.resident += PAGE_SIZE;
  if ((pte & _PAGE_ACCESSED) != 0 || (p.flags & PG.referenced) != 0) {
    mss.referenced += PAGE_SIZE;
  }
  const alone = p.refcount == 1 || p.mapcount < 2;
  let pss = <u64>PAGE_SIZE << PSS_SHIFT;
  if (!alone) pss /= p.mapcount;
  if (anon) mss.pss_anon += pss;
  else if (swapbacked) mss.pss_shmem += pss;
  else mss.pss_file += pss;
  smaps_page_accumulate(mss, pss, dirty, locked, alone);
}

// @nomark
function smaps_page_accumulate(
  mss: mem_size_stats, pss: u64, dirty: bool, locked: bool, alone: bool,
): void {
  mss.pss += pss;
  if (locked) mss.pss_locked += pss;
  if (dirty) {
    mss.pss_dirty += pss;
    if (alone) mss.private_dirty += PAGE_SIZE;
    else mss.shared_dirty += PAGE_SIZE;
  } else if (alone) {
    mss.private_clean += PAGE_SIZE;
  } else {
    mss.shared_clean += PAGE_SIZE;
  }
}

/** The lines that smaps and smaps_rollup share. */
// @nomark
function show_smap_stats(m: seq_file, mss: mem_size_stats, rollup: bool): void {
  seq_put_kb(m, "Rss:            ", mss.resident);
  seq_put_kb(m, "Pss:            ", mss.pss >> PSS_SHIFT);
  seq_put_kb(m, "Pss_Dirty:      ", mss.pss_dirty >> PSS_SHIFT);
  if (rollup) {
    seq_put_kb(m, "Pss_Anon:       ", mss.pss_anon >> PSS_SHIFT);
    seq_put_kb(m, "Pss_File:       ", mss.pss_file >> PSS_SHIFT);
    seq_put_kb(m, "Pss_Shmem:      ", mss.pss_shmem >> PSS_SHIFT);
  }
  seq_put_kb(m, "Shared_Clean:   ", mss.shared_clean);
  seq_put_kb(m, "Shared_Dirty:   ", mss.shared_dirty);
  seq_put_kb(m, "Private_Clean:  ", mss.private_clean);
  seq_put_kb(m, "Private_Dirty:  ", mss.private_dirty);
  seq_put_kb(m, "Referenced:     ", mss.referenced);
  seq_put_kb(m, "Anonymous:      ", mss.anonymous);
  seq_put_kb(m, "KSM:            ", 0);
  seq_put_kb(m, "LazyFree:       ", mss.lazyfree);
  seq_put_kb(m, "AnonHugePages:  ", 0);
  seq_put_kb(m, "ShmemPmdMapped: ", 0);
  seq_put_kb(m, "FilePmdMapped:  ", 0);
  seq_puts(m, "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n");
  seq_put_kb(m, "Swap:           ", mss.swap);
  seq_put_kb(m, "SwapPss:        ", mss.swap_pss >> PSS_SHIFT);
  seq_put_kb(m, "Locked:         ", mss.pss_locked >> PSS_SHIFT);
}

/**
 * The two-letter names of vm_flags, by bit number; "??" is a bit without a meaning.
 * "nz" is VM_NOZERO, a proposal's, in the place of "sd".
 */
// @nomark
function vma_flag_names(): string {
  return "rdwrexshmrmwmemsgdumpf??uwloiosrrrdcdelfacnrhtsfarwfddnzschgnhmg";
}

// @nomark
function show_smap_vma_flags(m: seq_file, vma: vm_area_struct): void {
  const names = changetype<usize>(vma_flag_names());
  seq_puts(m, "VmFlags: ");
  for (let bit: u32 = 0; bit < 32; bit++) {
    if (((vma.vm_flags >> bit) & 1) == 0) continue;
    seq_putc(m, load<u16>(names + (<usize>bit << 2)));
    seq_putc(m, load<u16>(names + (<usize>bit << 2), 2));
    seq_putc(m, 0x20);
  }
  seq_putc(m, 0x0a);
}
