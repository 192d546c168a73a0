// Exact LRU: the page not used for the longest time goes, on the bet that the near
// future looks like the near past. It never suffers from Belady's anomaly: the pages
// that n frames keep are among those that n + 1 keep (LRU is a stack algorithm).
//
//   coldest  [ used longest ago ] <-> [ ... ] <-> [ used last ]  newest
//                     any access moves its page -----^
//
// No real hardware tells the kernel of every access, which is why this one stands here
// only to be compared with. The simulated hart does tell it (HART_WATCH).
//
// Sources: Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage
// hierarchies", IBM Systems Journal 9(2), 1970.
// In Linux: approximated, see linux.ts.
// Left out: nothing.
import { lru_to_page, lruvec_add_page, lruvec_move_page } from "./lruvec";

const LRU: u32 = 0;

/** A page came, with its first use. */
// @nomark
export function lru_insert(pfn: u32): void {
  lruvec_add_page(LRU, pfn);
}

/** A page was used. */
// @nomark
export function lru_access(pfn: u32): void {
  lruvec_move_page(LRU, pfn);
}

/** => the page used longest ago, or NO_PAGE. */
export function lru_victim(): u32 {
  return lru_to_page(LRU);
}
