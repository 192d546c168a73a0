// LFU: the page used least often since it came goes. It keeps what is used steadily
// through a scan of pages used once; it is slow to see that yesterday's favourite is
// not used any more.
//
//   uses    1       [ ] <-> [ ] <-> [ ]          one list for each count;
//           2       [ ] <-> [ ]                  each use moves a page down one list,
//           ...                                  to its newest end
//           15 up   [ 17 ] <-> [ 15 ] <-> [ 40 ]
//
//   A  the coldest page of the first list that is not empty
//   B  only the last list has pages: the lowest count in it
//
// Among pages of one count, the one used longest ago goes. A page that left and comes
// back begins again at 1.
//
// Sources: Tanenbaum, Modern Operating Systems, "Simulating LRU in Software" (NFU);
// Silberschatz et al., "Counting-Based Page Replacement". The lists by count are those
// of Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction
// scheme", 2010.
// In Linux: not used.
// Left out: aging of the counts.
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import {
  lru_newer,
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
} from "./lruvec";

/** The list of the pages used this often or more. */
const LAST: u32 = 14;

/** A page came, with its first use. */
// @nomark
export function lfu_insert(pfn: u32): void {
  lruvec_add_page(0, pfn);
  mem_map(pfn).stamp = 1;
}

/** A page was used. */
// @nomark
export function lfu_access(pfn: u32): void {
  const page = mem_map(pfn);
  if (page.stamp != u32.MAX_VALUE) page.stamp++;
  lruvec_move_page(min<u32>(page.stamp - 1, LAST), pfn);
}

/** Its uses are past: it counts as used once. => the list it is to be on */
// @nomark
export function lfu_forget(pfn: u32): u32 {
  mem_map(pfn).stamp = 1;
  return 0;
}

/** => the page used least often, or NO_PAGE. */
export function lfu_victim(): u32 {
  // A: counts below 15
  for (let lru: u32 = 0; lru < LAST; lru++) {
    if (lru_size(lru) > 0) return lru_to_page(lru);
  }
  // B: counts above
  let pfn = lru_to_page(LAST);
  let best = pfn;
  for (let left = lru_size(LAST); left > 0; left--) {
    if (mem_map(pfn).stamp < mem_map(best).stamp) best = pfn;
    pfn = lru_newer(pfn);
  }
  return lru_size(LAST) > 0 ? best : NO_PAGE;
}
