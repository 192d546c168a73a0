// SIEVE: a FIFO whose hand does not bring the pages it spares to the front. It moves
// from old to new, sparing the visited; new pages come in at the front behind its back,
// so those never used again are sifted out soon, and the proven keep their places.
//
//   coldest  [ 1 ] <-> [ 0 ] <-> [ 1 ] <-> [ 0 ] <-> [ 0 ]  newest: new pages
//                                  ^
//                                 hand --> moves to newer pages, then from the coldest
//
//   A  visited:    clear it, the hand moves on; the page stays where it is
//   B  not:        this one; the hand stays there, on its newer neighbour
//
// A use sets the visited bit and moves nothing.
//
// Sources: Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler than LRU: an
// efficient turn-key eviction algorithm for web caches", NSDI 2024, algorithm 1.
// In Linux: not used.
// Left out: nothing.
import { POLICY_VARS } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { lru_newer, lru_to_page, lruvec_add_page } from "./lruvec";

const QUEUE: u32 = 0;
/** u32: the page the hand points at; NO_PAGE: at the coldest. */
const HAND: usize = POLICY_VARS;

/** A page came: not visited, its first use does not count. */
// @nomark
export function sieve_insert(pfn: u32): void {
  lruvec_add_page(QUEUE, pfn);
  mem_map(pfn).age = 0;
}

/** A page was used. */
// @nomark
export function sieve_access(pfn: u32): void {
  mem_map(pfn).age = 1;
}

/** A page is about to leave the queue: the hand leaves it. */
export function sieve_remove(pfn: u32): void {
  if (load<u32>(HAND) != pfn) return;
  const newer = lru_newer(pfn);
  const wraps = newer == lru_to_page(QUEUE);
  store<u32>(HAND, wraps ? NO_PAGE : newer);
}

/** A refused victim: as if visited. */
// @nomark
export function sieve_keep(pfn: u32): void {
  sieve_remove(pfn);
  mem_map(pfn).age = 1;
}

/** => the first page from the hand on that was not visited, or NO_PAGE. */
export function sieve_victim(): u32 {
  let pfn = load<u32>(HAND);
  if (pfn == NO_PAGE) pfn = lru_to_page(QUEUE);
  // A: visited; from the newest the ring leads to the coldest
  while (pfn != NO_PAGE && mem_map(pfn).age != 0) {
    mem_map(pfn).age = 0;
    pfn = lru_newer(pfn);
  }
  // B: this one
  store<u32>(HAND, pfn);
  return pfn;
}
