// Counters of what the memory manager did, as /proc/vmstat shows them.
//
//   VM_EVENTS   pgfault | pgmajfault | pgalloc | ...      a u64 each, by VmEvent
//
// And one that Linux lacks: how many pages the disk gave that nobody wanted. A page is
// `unused` from when the disk is asked for it; any use that the kernel sees ends that:
// read(2), a copy, a write, or A in a page-table entry that goes. One that is freed
// while it still is, was read for nothing.
//
// In Linux: mm/vmstat.c, count_vm_event() (6.12). Left out: per-CPU counters.
import { VM_EVENTS, VmEvent } from "../abi";
import { mem_map } from "./mm_types";

// @nomark
export function count_vm_event(event: i32): void {
  const p = VM_EVENTS + (<usize>event << 3);
  store<u64>(p, load<u64>(p) + 1);
}

/** The disk is asked for the page. */
// @nomark
export function folio_mark_unused(pfn: u32): void {
  mem_map(pfn).unused = 1;
}

/** Somebody wants what is in the page. => pfn */
// @nomark
export function folio_mark_used(pfn: u32): u32 {
  mem_map(pfn).unused = 0;
  return pfn;
}

/** The frame is given back. */
// @nomark
export function count_unused(pfn: u32): void {
  const p = mem_map(pfn);
  if (p.unused != 0) count_vm_event(VmEvent.PGPGIN_UNUSED);
  p.unused = 0;
}
