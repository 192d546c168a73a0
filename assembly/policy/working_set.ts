// Working set: the pages used within the last tau units of time are what the program
// needs now; a page outside may go.
//
//       now - tau                now
//   --------|--------------------|        stamp: when the page was last seen used
//     goes        working set
//
// On a fault every page is looked at:
//   A  referenced:                    stamp it with now, clear the bit
//   B  not, and older than tau:       this one goes (the rest is still looked at)
//   C  not, and in the working set:   remember the oldest
// If no page is B the oldest C goes; if all were referenced, a clean one, or the first.
//
// Sources: Denning, "The working set model for program behavior", CACM 11(5), 1968; the
// algorithm with bits is Tanenbaum, Modern Operating Systems, "The Working Set Page
// Replacement Algorithm".
// In Linux: not used; mm/workingset.c measures a distance, see linux.ts.
// Left out: time that counts only while the page's process runs; Denning's own rule,
// by which a page leaves as soon as it leaves the set, wanted or not.
import { POLICY_CLOCK, POLICY_PARAMS, PolicyParam } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { page_dirty, test_and_clear_referenced } from "./accessors";
import { lru_newer, lru_size, lru_to_page, lruvec_add_page } from "./lruvec";

const PAGES: u32 = 0;

/** A page came, with its first use. */
// @nomark
export function working_set_insert(pfn: u32): void {
  lruvec_add_page(PAGES, pfn);
  mem_map(pfn).stamp = load<u32>(POLICY_CLOCK);
}

/** The clock interrupt: what was used since the last one was used now. */
export function working_set_tick(): void {
  let pfn = lru_to_page(PAGES);
  for (let left = lru_size(PAGES); left > 0; left--) {
    if (test_and_clear_referenced(pfn)) {
      mem_map(pfn).stamp = load<u32>(POLICY_CLOCK);
    }
    pfn = lru_newer(pfn);
  }
}

/** => a page outside the working set, or the best there is, or NO_PAGE. */
export function working_set_victim(): u32 {
  const now = load<u32>(POLICY_CLOCK);
  const tau = load<u32>(POLICY_PARAMS + PolicyParam.tau * 4);
  let outside = NO_PAGE;
  let oldest = NO_PAGE;
  let oldest_age: u32 = 0;
  let clean = NO_PAGE;
  let pfn = lru_to_page(PAGES);
  for (let left = lru_size(PAGES); left > 0; left--) {
    const page = mem_map(pfn);
    if (test_and_clear_referenced(pfn)) {
      page.stamp = now; // A
      if (clean == NO_PAGE && !page_dirty(pfn)) clean = pfn;
    } else {
      const age = now - page.stamp;
      if (age > tau) {
        if (outside == NO_PAGE) outside = pfn; // B
      } else if (oldest == NO_PAGE || age > oldest_age) {
        oldest = pfn; // C
        oldest_age = age;
      }
    }
    pfn = lru_newer(pfn);
  }
  if (outside != NO_PAGE) return outside;
  if (oldest != NO_PAGE) return oldest;
  return clean != NO_PAGE ? clean : lru_to_page(PAGES);
}
