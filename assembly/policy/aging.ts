// Aging: LRU in software, from one bit that hardware gives. At each clock tick a page's
// 8-bit register moves right and its referenced bit comes in at the left.
//
//     tick    1  2  3  4         register after tick 4
//     R       1  0  1  1         1 1 0 1 0 0 0 0         read as a number: 208
//                                ^ now  ^ 3 ticks ago
//
// The page with the lowest number goes: the one used longest ago, as far as ticks can
// tell, and among those of one tick, the one used less before. A page used since the
// last tick is above all others; its register does not know yet.
//
// Sources: Tanenbaum, Modern Operating Systems, "Simulating LRU in Software".
// In Linux: 2.2 aged pages by numbers; MGLRU's generations count ticks of another kind.
// Left out: nothing. (In the book a page not yet seen by a tick counts as 0, and may
// go at once.)
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { test_and_clear_referenced } from "./accessors";
import { lru_newer, lru_size, lru_to_page, lruvec_add_page } from "./lruvec";

const PAGES: u32 = 0;

/** A page came. page.stamp is its referenced bit since the last tick. */
// @nomark
export function aging_insert(pfn: u32): void {
  lruvec_add_page(PAGES, pfn);
  mem_map(pfn).age = 0;
  mem_map(pfn).stamp = 0;
}

/** Was the page used since the last tick? */
// @nomark
function used(pfn: u32): u32 {
  if (test_and_clear_referenced(pfn)) mem_map(pfn).stamp = 1;
  return mem_map(pfn).stamp;
}

/** The clock interrupt. */
export function aging_tick(): void {
  let pfn = lru_to_page(PAGES);
  for (let left = lru_size(PAGES); left > 0; left--) {
    const page = mem_map(pfn);
    page.age = <u8>((<u32>page.age >> 1) | (used(pfn) << 7));
    page.stamp = 0;
    pfn = lru_newer(pfn);
  }
}

/** => the page with the lowest register, of several the one that came first. */
export function aging_victim(): u32 {
  let best = NO_PAGE;
  let lowest: u32 = u32.MAX_VALUE;
  let pfn = lru_to_page(PAGES);
  for (let left = lru_size(PAGES); left > 0; left--) {
    const age = (used(pfn) << 8) | <u32>mem_map(pfn).age;
    if (age < lowest) {
      best = pfn;
      lowest = age;
    }
    if (lowest == 0) break;
    pfn = lru_newer(pfn);
  }
  return best;
}
