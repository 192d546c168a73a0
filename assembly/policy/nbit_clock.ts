// N-bit clock: a page that is used often deserves more than one second chance. Each
// page counts its uses up to 2^n - 1; the hand takes one off, and a page at zero goes.
//
//              hand
//               v
//        +-> [ 2 ] -> [ 1 ] -> [ 0 ] -> [ 3 ] -+      n = 2: counts from 0 to 3
//        +---- 1 ------ 0 ----- goes ----------+
//
//   A  count above 0:  take one off, the hand moves on
//   B  count 0:        this one
//
// A page comes with a count of 1, its first use; so with n = 1 this is clock.ts.
//
// Sources: Smith, "Sequentiality and prefetching in database systems", ACM TODS 3(3),
// 1978 (generalized clock, GCLOCK); Nicola, Dan, Dias, "Analysis of the generalized
// clock buffer replacement scheme", SIGMETRICS 1992.
// In Linux: not used; PostgreSQL's buffers have it, with counts up to 5.
// Left out: weights by kind of page.
import { POLICY_PARAMS, PolicyParam } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { lru_to_page, lruvec_add_page, lruvec_rotate } from "./lruvec";

const RING: u32 = 0;

/** A page came, with its first use. */
// @nomark
export function nbit_clock_insert(pfn: u32): void {
  lruvec_add_page(RING, pfn);
  mem_map(pfn).age = 1;
}

/** A page was used. */
// @nomark
export function nbit_clock_access(pfn: u32): void {
  const bits = load<u32>(POLICY_PARAMS + PolicyParam.clock_bits * 4);
  const page = mem_map(pfn);
  if (<u32>page.age < (<u32>1 << bits) - 1) page.age++;
}

/** => the first page whose count is used up, or NO_PAGE. */
export function nbit_clock_victim(): u32 {
  let pfn = lru_to_page(RING);
  // A: it has a chance left
  while (pfn != NO_PAGE && mem_map(pfn).age > 0) {
    mem_map(pfn).age--;
    lruvec_rotate(RING);
    pfn = lru_to_page(RING);
  }
  // B: this one
  return pfn;
}
