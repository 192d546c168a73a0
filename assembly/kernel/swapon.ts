// swapon, swapoff: the swap area is taken into use, and brought back into memory.
//
//   swapoff   A  every page in swap needs a frame: refused when there is no room
//             B  each address space's swap entries become frames again, as if all of
//                them had been touched
//                Those of shared memory come back to their inode.
//             C  what is left in the swap cache, used by nobody, goes
//
// The area has a name, /dev/swap, and no file.
//
// In Linux: mm/swapfile.c SYSCALL_DEFINE1(swapoff), try_to_unuse(), unuse_mm(),
// unuse_pte(), SYSCALL_DEFINE2(swapon) (6.12).
// Left out: other areas, priorities, mkswap's header, files of swap, SWAP_FLAG_DISCARD.
import {
  FAULT_BASE,
  KBUF,
  MMS,
  MM_SIZE_OF,
  NR_MMS,
  OOM_ORIGIN,
  SWAP_FLAGS,
  SWAP_INUSE,
  SWAP_MAX,
} from "../abi";
import { disk_run_queue } from "../hw/disk";
import { EBUSY, EINTR, EINVAL, ENOMEM, EPERM } from "./errno";
import { vm_fault } from "./memory";
import { map_swapped_page } from "./memory_swap";
import { NO_PAGE, mm_struct, vm_area_struct } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { folio_wait, folio_wait_writeback } from "./page_io";
import { is_swap_pte, pte_offset } from "./pgtable";
import { current, current_is_root } from "./sched";
import { seq_file, seq_put_decimal_ll, seq_puts } from "./seq_file";
import { shmem_unuse } from "./shmem_swap";
import { read_swap_cache_async } from "./swap_state";
import {
  folio_free_swap,
  swap_has_cache,
  swap_is_on,
  swap_slot_value,
  swapon_area,
  total_swap_pages,
} from "./swapfile";
import { pte_to_swp_offset } from "./swapops";
import { strncpy_from_user } from "./uaccess";
import { vm_enough_memory } from "./util";

const NAME: usize = KBUF + 0x600;
/** "/dev/swa" and "p": as two words. */
const NAME_LOW: u64 = 0x6177732f7665642f;
const NAME_HIGH: u64 = 0x70;

/** Is the path at `path` the area's? => 0, -EINVAL, -EFAULT, -ENAMETOOLONG. */
function check_name(path: u64): i64 {
  memory.fill(NAME, 0, 64);
  const len = strncpy_from_user(NAME, path, 64);
  if (len < 0) return len;
  const same = load<u64>(NAME) == NAME_LOW && load<u64>(NAME, 8) == NAME_HIGH;
  return same ? 0 : -EINVAL;
}

/** swapon(2). => 0; -EPERM, -EBUSY (in use already), -EINVAL (no such area). */
export function sys_swapon(path: u64): i64 {
  if (!current_is_root()) return -EPERM;
  const error = check_name(path);
  return error != 0 ? error : swap_on();
}

/** Takes the area into use. => 0, -EBUSY or -EINVAL. */
export function swap_on(): i64 {
  if (swap_is_on()) return -EBUSY;
  return swapon_area() ? 0 : -EINVAL;
}

/**
 * swapoff(2). => 0; -EPERM, -EINVAL (not in use); -ENOMEM, -EINTR: there is no room,
 * and it stays in use.
 */
export function sys_swapoff(path: u64): i64 {
  if (!current_is_root()) return -EPERM;
  const error = check_name(path);
  return error != 0 ? error : swap_off();
}

/** Takes it out of use, A, B. => 0, -EINVAL or -ENOMEM. */
export function swap_off(): i64 {
  if (!swap_is_on()) return -EINVAL;
  if (!vm_enough_memory(load<u32>(SWAP_INUSE))) return -ENOMEM; // A
  store<u32>(SWAP_FLAGS, 0); // nothing more goes out
  store<u32>(OOM_ORIGIN, <u32>changetype<usize>(current()));
  const empty = try_to_unuse();
  store<u32>(OOM_ORIGIN, 0);
  if (!empty) {
    store<u32>(SWAP_FLAGS, 1);
    return -EINTR; // and SIGKILL is waiting
  }
  assert(load<u32>(SWAP_INUSE) == 0);
  return 0;
}

/** Brings every page back. => false when memory is out. */
export function try_to_unuse(): bool {
  // B
  for (let i: u32 = 0; i < <u32>NR_MMS; i++) {
    const mm = changetype<mm_struct>(MMS + <usize>i * MM_SIZE_OF);
    if (mm.mm_users != 0 && !unuse_mm(mm)) return false;
  }
  if (!shmem_unuse()) return false;
  // C
  for (let offset: u32 = 1; offset < load<u32>(SWAP_MAX); offset++) {
    if (!swap_has_cache(offset)) continue;
    const pfn = swap_slot_value(offset);
    folio_wait_writeback(pfn); // its write may end, and take the page with it
    if (swap_has_cache(offset)) folio_free_swap(pfn);
  }
  return true;
}

/** The one line of /proc/swaps. */
export function swap_show(m: seq_file): bool {
  if (m.index > 1) return false;
  if (m.index == 0) {
    seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    m.next = 1;
    return true;
  }
  if (!swap_is_on()) return false;
  seq_puts(m, "/dev/swap                               partition\t");
  put_kb(m, total_swap_pages());
  put_kb(m, load<u32>(SWAP_INUSE));
  seq_puts(m, "-2\n");
  return true;
}

/** Pages as KiB, and the tabs that put the next column in its place. */
// @nomark
function put_kb(m: seq_file, pages: u32): void {
  seq_put_decimal_ll(m, <u64>pages << 2);
  seq_puts(m, pages << 2 < 10000000 ? "\t\t" : "\t");
}

/** B: one address space. */
function unuse_mm(mm: mm_struct): bool {
  for (let vma = mm.mmap; vma != null; vma = vma!.vm_next) {
    if (mm.swapents == 0) return true;
    for (let va = vma.vm_start; va < vma.vm_end; va += 4096) {
      const slot = pte_offset(mm, va);
      if (slot == 0) va |= 0x1ff000; // no table: nothing below it
      else if (is_swap_pte(load<u64>(slot)) && !unuse_pte(mm, vma, va)) return false;
    }
  }
  return true;
}

/** B: one page, as if it had been read. */
function unuse_pte(mm: mm_struct, vma: vm_area_struct, va: u64): bool {
  const slot = pte_offset(mm, va);
  const offset = pte_to_swp_offset(load<u64>(slot));
  const pfn = read_swap_cache_async(offset, true);
  if (pfn == NO_PAGE) return false;
  get_page(pfn);
  disk_run_queue();
  folio_wait(pfn);
  const vmf = changetype<vm_fault>(FAULT_BASE);
  vmf.address = va;
  vmf.flags = 0;
  vmf.vma = vma;
  vmf.pgoff = vma.vm_pgoff + ((va - vma.vm_start) >> 12);
  vmf.pte = <u32>slot;
  vmf.orig_pte = load<u64>(slot);
  map_swapped_page(mm, vmf, offset, pfn);
  put_page(pfn);
  folio_free_swap(pfn);
  return true;
}
