// MRU: the page used last goes. On a loop that is a little larger than memory LRU
// throws out each page just before its next use and hits nothing; MRU keeps most of
// the loop and hits nearly always. On almost anything else it is the worst choice.
//
//   coldest  [ ] <-> [ ] <-> [ ]  newest: goes
//
// Sources: Chou, DeWitt, "An evaluation of buffer management strategies for relational
// database systems", VLDB 1985, for loops over a relation.
// In Linux: not used; MADV_SEQUENTIAL lets used pages go early.
// Left out: nothing.
import {
  lru_newest,
  lruvec_add_page,
  lruvec_add_page_tail,
  lruvec_del_page,
  lruvec_move_page,
} from "./lruvec";

const LRU: u32 = 0;

/** A page came, with its first use. */
// @nomark
export function mru_insert(pfn: u32): void {
  lruvec_add_page(LRU, pfn);
}

/** A page was used. */
// @nomark
export function mru_access(pfn: u32): void {
  lruvec_move_page(LRU, pfn);
}

/** A refused victim goes to the other end, or it would be chosen again. */
// @nomark
export function mru_keep(pfn: u32): void {
  lruvec_del_page(pfn);
  lruvec_add_page_tail(LRU, pfn);
}

/** => the page used last, or NO_PAGE. */
export function mru_victim(): u32 {
  return lru_newest(LRU);
}
