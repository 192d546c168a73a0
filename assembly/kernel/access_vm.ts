// Another process's memory, page by page: not through the hart's translation, which
// knows only the running process, but by walking the other's page tables.
//
//   area allows it         present?   yes: the frame      no: a fault on its behalf
//   area forbids it        refused, or, for a debugger (force):
//     reading                read if the mapping could ever be made readable
//     writing                a private page is copied, as any first write would, and
//                            stays read-only for its owner: breakpoints in program text
//                            never reach the file
//                            a shared page: refused
//
// In Linux: mm/memory.c __access_remote_vm(); mm/gup.c check_vma_flags(),
// can_follow_write_pte() (6.12).
// Left out: devices' memory; pages that stay pinned between two calls.
import { HART_WATCH, PAGE_SIZE, PG, VM } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { expand_stack, faultin_vma } from "./fault";
import { VM_FAULT_ERROR } from "./memory";
import { NO_PAGE, mem_map, mm_struct, vm_area_struct } from "./mm_types";
import {
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_write,
  set_pte,
} from "./pgtable";
import { current } from "./sched";
import { tell_access } from "./uaccess";
import { find_vma } from "./vma";

/** May the area be read or written; by `force`, although its own process may not? */
// @nomark
function check_vma_flags(vma: vm_area_struct, write: bool, force: bool): bool {
  const flags = vma.vm_flags;
  if (flags & VM.PFNMAP) return false;
  if (!write) {
    if (flags & VM.READ) return true;
    return force && (flags & VM.MAYREAD) != 0;
  }
  if (flags & VM.WRITE) return true;
  return force && (flags & (VM.SHARED | VM.MAYWRITE)) == VM.MAYWRITE;
}

/** Is the page the process's own, so that a write by force harms nobody else? */
// @nomark
function can_follow_write_pte(pte: u64, vma: vm_area_struct): bool {
  if (pte_write(pte)) return true;
  if (vma.vm_flags & VM.WRITE) return false;
  const own: u32 = PG.anon | PG.anon_exclusive;
  return (mem_map(pte_pfn(pte)).flags & own) == own;
}

/**
 * The frame that `mm` has at `va`, after faults were served on its behalf; for a write
 * it is one that may be written, and its entry says dirty.
 * => pfn, or NO_PAGE.
 */
export function get_user_page_remote(
  mm: mm_struct, va: u64, write: bool, force: bool,
): u32 {
  const vma = find_vma(mm, va);
  if (vma == null) return NO_PAGE;
  if (vma.vm_start > va && !expand_stack(mm, vma, va)) return NO_PAGE;
  if (!check_vma_flags(vma, write, force)) return NO_PAGE;
  while (true) {
    const slot = pte_offset(mm, va);
    const pte = slot == 0 ? 0 : load<u64>(slot);
    if (pte_present(pte) && (!write || can_follow_write_pte(pte, vma))) {
      const used = write ? _PAGE_ACCESSED | _PAGE_DIRTY : _PAGE_ACCESSED;
      if ((pte & used) != used) set_pte(mm, va, slot, pte | used);
      return pte_pfn(pte);
    }
    if (faultin_vma(mm, vma, va, write) & VM_FAULT_ERROR) return NO_PAGE;
  }
}

/** With somebody else's bytes in it, it is not its owner's alone any more. */
// @nomark
function mm_written_by(mm: mm_struct, uid: u32): void {
  if (mm.owner != uid + 1) mm.owner = 0;
}

/**
 * Copies `len` bytes between `buf` and `addr` in `mm`, into it if `write`.
 * => bytes copied, fewer than `len` when a page could not be had.
 */
export function access_process_vm(
  mm: mm_struct, addr: u64, buf: usize, len: u64, write: bool, force: bool,
): u64 {
  let done: u64 = 0;
  if (write) mm_written_by(mm, current().euid);
  while (done < len) {
    const va = addr + done;
    const chunk = min<u64>(PAGE_SIZE - (va & (PAGE_SIZE - 1)), len - done);
    const pfn = get_user_page_remote(mm, va & ~(<u64>PAGE_SIZE - 1), write, force);
    if (pfn == NO_PAGE) break;
    const at = frame_addr(pfn) + <usize>(va & (PAGE_SIZE - 1));
    if (write) {
      frame_written(pfn);
      memory.copy(at, buf + <usize>done, <usize>chunk);
    } else {
      memory.copy(buf + <usize>done, at, <usize>chunk);
    }
    if (load<u32>(HART_WATCH) != 0) tell_access(at, <u32>chunk);
    done += chunk;
  }
  return done;
}
