// Clock: FIFO with a second chance. A page found used since the hand last passed is
// let off once, and its bit cleared; the first one found unused goes.
//
//              hand
//               v
//        +-> [ R=1 ] -> [ R=1 ] -> [ R=0 ] -> [ R=1 ] -+
//        +----- cleared --- cleared --- goes ----------+
//
//   A  R is set:    clear it, the hand moves on
//   B  R is clear:  this one; the page that comes takes its place behind the hand
//
// With every bit set the hand goes once around and the policy is FIFO.
//
// Sources: Corbato, "A paging experiment with the Multics system", MIT Project MAC
// report MAC-M-384, 1968; Tanenbaum, Modern Operating Systems, "The Clock Page
// Replacement Algorithm".
// In Linux: the second chance of the inactive list is one, see linux.ts.
// Left out: nothing.
import { test_and_clear_referenced } from "./accessors";
import { NO_PAGE } from "../kernel/mm_types";
import { lru_to_page, lruvec_add_page, lruvec_rotate } from "./lruvec";

const RING: u32 = 0;

/** A page came: just behind the hand, which will be there last. */
// @nomark
export function clock_insert(pfn: u32): void {
  lruvec_add_page(RING, pfn);
}

/** => the first page that was not used since the hand passed it, or NO_PAGE. */
export function clock_victim(): u32 {
  let pfn = lru_to_page(RING);
  // A: used, so let it off once
  while (pfn != NO_PAGE && test_and_clear_referenced(pfn) != 0) {
    lruvec_rotate(RING);
    pfn = lru_to_page(RING);
  }
  // B: this one
  return pfn;
}
