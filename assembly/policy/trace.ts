// The trace driver's memory: what the simulator of a recorded reference string
// (assembly/sim.ts) knows about each page, and the answers to a policy's questions.
//
//   a page's entry (u32, by page id):   pfn << 2 | dirty << 1 | accessed    resident
//                                       shadow << 2 | 0                     not, and
//                                       bit 31 says that it is a shadow
//   a frame's owner (u32, by pfn):      the page id in it
//   next use (u32, by reference):       the number of the next reference to that page
//
// Like the hardware's PTE, an entry holds the bits that an access sets, and when the
// page is away it holds what its eviction left behind (Linux's shadow entry).
//
// In Linux: nothing; the nearest is tools that replay block traces.
// Left out: address spaces (all references are of one), huge pages.
import {
  TRACE_AT,
  TRACE_CLEANED,
  TRACE_ENTRIES,
  TRACE_FUTURE,
  TRACE_OWNERS,
} from "../abi";

/** Entry bits, as the hardware sets them. */
export const TRACE_ACCESSED: u32 = 1;
export const TRACE_DIRTY: u32 = 2;
/** Not resident: bits 30..2 are the shadow that eviction left. */
export const TRACE_SHADOW: u32 = 0x80000000;

// @nomark
function entry(pfn: u32): usize {
  const id = load<u32>(<usize>load<u32>(TRACE_OWNERS) + (<usize>pfn << 2));
  return <usize>load<u32>(TRACE_ENTRIES) + (<usize>id << 2);
}

/** Tests and clears the accessed bit. => 1 or 0 */
// @nomark
export function trace_referenced(pfn: u32): u32 {
  const at = entry(pfn);
  const bits = load<u32>(at);
  store<u32>(at, bits & ~TRACE_ACCESSED);
  return bits & TRACE_ACCESSED;
}

// @nomark
export function trace_dirty(pfn: u32): bool {
  return (load<u32>(entry(pfn)) & TRACE_DIRTY) != 0;
}

/** The page's bytes go to the disk at once. => true */
// @nomark
export function trace_clean(pfn: u32): bool {
  const at = entry(pfn);
  store<u32>(at, load<u32>(at) & ~TRACE_DIRTY);
  store<u64>(TRACE_CLEANED, load<u64>(TRACE_CLEANED) + 1);
  return true;
}

/** When the page that reference TRACE_AT is of will be referenced again. */
// @nomark
export function trace_next_use(pfn: u32): u32 {
  const future = <usize>load<u32>(TRACE_FUTURE);
  if (future == 0) return u32.MAX_VALUE;
  return load<u32>(future + (<usize>load<u32>(TRACE_AT) << 2));
}
