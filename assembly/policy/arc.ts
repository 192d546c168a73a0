// ARC: recency or frequency? Two LRU lists share the memory, one of pages used once
// lately, one of pages used at least twice. Each has a ghost list of the names of the
// pages it lost; a fault on a ghost says which list was too short, and the border p
// moves that way.
//
//          L1: seen once lately               L2: seen at least twice lately
//      +-----------+-----------+           +-----------+-----------+
//      | B1 ghosts | T1 pages  | newest  newest | T2 pages | B2 ghosts |
//      +-----------+-----------+           +-----------+-----------+
//                    |T1| wants to be p         |T2| the rest of c
//
//   I    use of a page in T1 or T2        to T2's newest end
//   II   fault, name in B1                p up by max(1, |B2| / |B1|); into T2
//   III  fault, name in B2                p down by max(1, |B1| / |B2|); into T2
//   IV   fault, else                      into T1; ghosts are forgotten so that
//                                         |L1| <= c and |L1| + |L2| <= 2c
//   REPLACE  T1's oldest if |T1| > p (or |T1| = p and the name was in B2), else T2's;
//            its name goes to that list's ghosts
//
// Sources: Megiddo, Modha, "ARC: a self-tuning, low overhead replacement cache", FAST
// 2003, figure 4; c is POLICY_FRAMES.
// In Linux: not used (patented until 2024); ZFS's cache is a variant.
// Left out: fractions of p (the quotients are rounded down).
import { POLICY_FRAMES, POLICY_VARS } from "../abi";
import {
  history_add,
  history_del,
  history_drop_oldest,
  history_find,
  history_list,
  history_size,
} from "./history";
import {
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
  page_lru,
} from "./lruvec";

const T1: u32 = 0;
const T2: u32 = 1;
const B1: u32 = 0;
const B2: u32 = 1;
/** u32: the size that T1 should have. */
const P: usize = POLICY_VARS;
/** u32: where the name of the page that comes was found, see below. */
const FOUND: usize = POLICY_VARS + 4;
const NOWHERE: u32 = 0;
const IN_B1: u32 = 1;
const IN_B2: u32 = 2;
/** Nowhere, and T1 fills L1: its oldest page leaves no ghost. */
const T1_IS_FULL: u32 = 3;

/** A page is missed: the border moves, or ghosts are forgotten. */
export function arc_miss(key: u64): void {
  const c = load<u32>(POLICY_FRAMES);
  const p = load<u32>(P);
  const b1 = history_size(B1);
  const b2 = history_size(B2);
  const name = history_find(key);
  if (name != 0 && history_list(name) == B1) {
    store<u32>(P, min<u32>(p + max<u32>(b2 / b1, 1), c)); // II
    store<u32>(FOUND, IN_B1);
    return;
  }
  if (name != 0) {
    const step = max<u32>(b1 / b2, 1); // III
    store<u32>(P, p > step ? p - step : 0);
    store<u32>(FOUND, IN_B2);
    return;
  }
  // IV
  store<u32>(FOUND, NOWHERE);
  const t1 = lru_size(T1);
  if (t1 + b1 >= c) {
    if (t1 < c) history_drop_oldest(B1);
    else store<u32>(FOUND, T1_IS_FULL);
  } else if (t1 + b1 + lru_size(T2) + b2 >= 2 * c) {
    history_drop_oldest(B2);
  }
}

/** A page came; arc_miss has seen it. */
export function arc_insert(pfn: u32, key: u64): void {
  const found = load<u32>(FOUND);
  store<u32>(FOUND, NOWHERE);
  if (found != IN_B1 && found != IN_B2) {
    lruvec_add_page(T1, pfn);
    return;
  }
  const name = history_find(key);
  if (name != 0) history_del(name);
  lruvec_add_page(T2, pfn);
}

/** I: a page was used. */
// @nomark
export function arc_access(pfn: u32): void {
  lruvec_move_page(T2, pfn);
}

/** REPLACE. => the oldest page of the list that is longer than it should be. */
export function arc_victim(): u32 {
  const found = load<u32>(FOUND);
  const t1 = lru_size(T1);
  const p = load<u32>(P);
  const above = t1 > p || (found == IN_B2 && t1 == p);
  if (t1 > 0 && (found == T1_IS_FULL || above)) return lru_to_page(T1);
  return lru_to_page(lru_size(T2) > 0 ? T2 : T1);
}

/** A page goes, and leaves a ghost. It is still on its list. */
export function arc_evict(pfn: u32, key: u64): void {
  if (load<u32>(FOUND) == T1_IS_FULL) return;
  history_add(page_lru(pfn) == T1 ? B1 : B2, key);
}
