// Counters of what the memory manager did, as /proc/vmstat shows them.
//
//   VM_EVENTS   pgfault | pgmajfault | pgalloc | ...      a u64 each, by VmEvent
//
// In Linux: mm/vmstat.c, count_vm_event() (6.12). Left out: per-CPU counters.
import { VM_EVENTS } from "../abi";

// @nomark
export function count_vm_event(event: i32): void {
  const p = VM_EVENTS + (<usize>event << 3);
  store<u64>(p, load<u64>(p) + 1);
}
