// First in, first out: the page that has been here longest goes, used or not. Nothing
// needs to be known about a page but when it came; and a page in constant use goes as
// surely as any other.
//
//   coldest  [ first in ] <-> [ ... ] <-> [ last in ]  newest
//
// More frames can mean more faults (Belady's anomaly): 1 2 3 4 1 2 5 1 2 3 4 5 takes 9
// faults with three frames and 10 with four, because the set kept by four frames need
// not contain the set kept by three.
//
// Sources: Belady, "A study of replacement algorithms for a virtual-storage computer",
// IBM Systems Journal 5(2), 1966; Belady, Nelson, Shedler, "An anomaly in space-time
// characteristics of certain programs running in a paging machine", CACM 12(6), 1969.
// In Linux: never used alone; VMS kept FIFO lists and forgave by its free-page lists.
// Left out: nothing.
import { lru_to_page, lruvec_add_page } from "./lruvec";

const FIFO: u32 = 0;

/** A page came. */
// @nomark
export function fifo_insert(pfn: u32): void {
  lruvec_add_page(FIFO, pfn);
}

/** => the page that came first, or NO_PAGE. */
export function fifo_victim(): u32 {
  return lru_to_page(FIFO);
}
