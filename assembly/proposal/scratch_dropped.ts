// Which pages of scratch mappings were dropped and are not back yet. Their page-table
// entries say nothing: an entry is empty before the first touch, and after a drop.
//
//   set     { way 0, way 1, way 2, way 3 }      newest first; a fifth ends the oldest
//   way     address space (6 bits) | page of the address (26 bits)
//
//   remembered  when the page is dropped, for each address space that had it
//   A  found    when the page is mapped again, by a fault of its own or as a neighbour
//               of one (fault-around): that was a re-read
//   B  gone     with the mapping
//
// It is bounded and may forget, so that re-reads are counted too low, never too high;
// nothing else depends on it.
//
// In Linux: nowhere. It leaves such things in the empty entry itself (PTE markers).
// Left out: the child of a fork is not told what its parent had dropped.
import {
  Ev,
  SCRATCH_DROPPED,
  SCRATCH_SETS,
  SCRATCH_WAYS,
  VmEvent,
} from "../abi";
import { emit } from "../log";
import { mm_struct, vm_area_struct } from "../kernel/mm_types";
import { count_vm_event } from "../kernel/vmstat";
import { scratch_origin } from "./scratch";

/** User addresses have 38 bits. */
const PAGE_BITS: u32 = 26;

// @nomark
function key_of(mm: mm_struct, va: u64): u32 {
  return ((mm.asid - 1) << PAGE_BITS) | (<u32>(va >> 12) & ((1 << PAGE_BITS) - 1));
}

/** Address of the first way of a key's set. */
// @nomark
function set_of(key: u32): usize {
  const set = (key * 0x9e3779b1) >> 22;
  return SCRATCH_DROPPED + <usize>(set & (SCRATCH_SETS - 1)) * (SCRATCH_WAYS * 4);
}

/** The page at `va` is dropped. */
export function scratch_remember(mm: mm_struct, va: u64): void {
  let key = key_of(mm, va);
  const set = set_of(key);
  scratch_take(mm, va); // it is the newest now
  for (let way: u32 = 0; way < <u32>SCRATCH_WAYS && key != 0; way++) {
    const at = set + (<usize>way << 2);
    const older = load<u32>(at);
    store<u32>(at, key);
    key = older;
  }
}

/** Forgets the page at `va`. => was it known? */
// @nomark
function scratch_take(mm: mm_struct, va: u64): bool {
  const key = key_of(mm, va);
  const set = set_of(key);
  for (let way: u32 = 0; way < <u32>SCRATCH_WAYS; way++) {
    const at = set + (<usize>way << 2);
    if (load<u32>(at) != key) continue;
    store<u32>(at, 0);
    return true;
  }
  return false;
}

/** A: a page of the file is mapped at `va`, from the disk if `major`. */
export function scratch_mapped(
  mm: mm_struct, vma: vm_area_struct, va: u64, pfn: u32, major: bool,
): void {
  if (!scratch_take(mm, va)) return;
  count_vm_event(VmEvent.SCRATCH_REREAD);
  const what = <u64>pfn | (<u64>(major ? 1 : 0) << 32);
  emit(Ev.ScratchReread, va | (<u64>mm.asid << 48), what, scratch_origin(vma, va));
}

/** B: [start, end) is no scratch mapping of `mm` any more. */
// @nomark
export function scratch_forget(mm: mm_struct, start: u64, end: u64): void {
  const first = key_of(mm, start);
  const last = key_of(mm, end - 1);
  for (let i: u32 = 0; i < <u32>(SCRATCH_SETS * SCRATCH_WAYS); i++) {
    const at = SCRATCH_DROPPED + (<usize>i << 2);
    const key = load<u32>(at);
    if (key >= first && key <= last) store<u32>(at, 0);
  }
}
