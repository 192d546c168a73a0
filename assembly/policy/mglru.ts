// Generations: how long ago a page was last seen used, in periods that are as long as
// the need for memory makes them. When only two are left, everything found used moves
// to the youngest and a new generation begins; the oldest is where pages go from.
//
//     min_seq                              max_seq
//     oldest   [gen] --- [gen] --- [gen]   youngest         2 to 4 generations,
//       |                                    ^   ^          list number seq & 3
//       |                                    |   new pages
//       +-- found used ----------------------+
//       +-- not: goes
//
//   aging      fewer than 3 generations: look at all pages; those used go to the
//              youngest, which is then followed by a new, empty one (max_seq + 1)
//   eviction   the oldest generation's coldest page: used, it becomes youngest; not,
//              it goes; an empty generation is given up (min_seq + 1)
//
// Under pressure generations are short, and "old" is seconds; without it nothing ages.
//
// In Linux: mm/vmscan.c, "multi-gen LRU": inc_min_seq(), inc_max_seq(),
// should_run_aging(), sort_folio(), evict_folios() (6.12; since 6.1). MAX_NR_GENS is 4
// and MIN_NR_GENS 2 as here.
// Left out: tiers of pages read through files and the controller that compares their
// refaults; Bloom filters and page-table walks (every page is asked here); looking
// around a used page; generations by type, anonymous and file; min_ttl_ms.
import { POLICY_VARS } from "../abi";
import { NO_PAGE } from "../kernel/mm_types";
import { test_and_clear_referenced } from "./accessors";
import {
  lru_newer,
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
} from "./lruvec";

const MIN_NR_GENS: u32 = 2;
const MAX_NR_GENS: u32 = 4;
/** u32 each. */
const MIN_SEQ: usize = POLICY_VARS;
const MAX_SEQ: usize = POLICY_VARS + 4;

/** The list of generation `seq`. */
// @nomark
export function lru_gen_from_seq(seq: u32): u32 {
  return seq % MAX_NR_GENS;
}

/** Begins with four empty generations. */
// @nomark
export function mglru_init(): void {
  store<u32>(MIN_SEQ, 0);
  store<u32>(MAX_SEQ, MIN_NR_GENS + 1);
}

/** => the oldest generation's number. */
// @nomark
export function mglru_min_seq(): u32 {
  return load<u32>(MIN_SEQ);
}

// @nomark
function nr_gens(): u32 {
  return load<u32>(MAX_SEQ) - load<u32>(MIN_SEQ) + 1;
}

/** A page came through a fault: it is of the youngest generation. */
// @nomark
export function mglru_insert(pfn: u32): void {
  lruvec_add_page(lru_gen_from_seq(load<u32>(MAX_SEQ)), pfn);
}

/** A page was used: it becomes one of the youngest. */
// @nomark
export function mglru_access(pfn: u32): void {
  lruvec_move_page(lru_gen_from_seq(load<u32>(MAX_SEQ)), pfn);
}

/** Gives up oldest generations that are empty, but for two. */
function inc_min_seq(): void {
  while (nr_gens() > MIN_NR_GENS && lru_size(lru_gen_from_seq(mglru_min_seq())) == 0) {
    store<u32>(MIN_SEQ, mglru_min_seq() + 1);
  }
}

/** Aging: what was used becomes youngest, and a new generation begins. */
function inc_max_seq(): void {
  for (let seq = mglru_min_seq(); seq < load<u32>(MAX_SEQ); seq++) {
    const lru = lru_gen_from_seq(seq);
    let pfn = lru_to_page(lru);
    for (let left = lru_size(lru); left > 0; left--) {
      const newer = lru_newer(pfn);
      if (test_and_clear_referenced(pfn)) mglru_access(pfn);
      pfn = newer;
    }
  }
  const youngest = lru_gen_from_seq(load<u32>(MAX_SEQ));
  let pfn = lru_to_page(youngest);
  for (let left = lru_size(youngest); left > 0; left--) {
    test_and_clear_referenced(pfn);
    pfn = lru_newer(pfn);
  }
  store<u32>(MAX_SEQ, load<u32>(MAX_SEQ) + 1);
}

/** => the coldest page of the oldest generation that was not used, or NO_PAGE. */
export function mglru_victim(pages: u32): u32 {
  if (pages == 0) return NO_PAGE;
  while (true) {
    inc_min_seq();
    if (nr_gens() <= MIN_NR_GENS) inc_max_seq();
    const pfn = lru_to_page(lru_gen_from_seq(mglru_min_seq()));
    if (pfn == NO_PAGE) continue;
    if (test_and_clear_referenced(pfn) == 0) return pfn;
    mglru_access(pfn);
  }
}
