// 2Q: a page must prove itself. A new page waits in a FIFO; if it is wanted again after
// it fell out of there, while its name is still remembered, it is a page that comes
// back, and goes to the LRU list of the proven. A scan of pages used once passes
// through the FIFO and disturbs nothing else.
//
//   new --> A1in  FIFO, a quarter of memory --falls out--> A1out  names, half as
//                                                            |    many as pages fit
//           Am    LRU, the rest           <-- wanted again --+
//
//   use of a page in Am      to Am's newest end
//   use of a page in A1in    nothing: uses close together count once
//   fault, name in A1out     into Am
//   fault, else              into A1in
//   victim                   A1in's oldest while A1in is above its share (its name goes
//                            to A1out), else Am's oldest (which is forgotten)
//
// Sources: Johnson, Shasha, "2Q: a low overhead high performance buffer management
// replacement algorithm", VLDB 1994: the full version, with Kin = 25 % and Kout = 50 %.
// In Linux: the inactive and active lists are akin (mm/workingset.c).
// Left out: tuning of Kin and Kout.
import { POLICY_FRAMES, POLICY_VARS } from "../abi";
import {
  history_add,
  history_del,
  history_drop_oldest,
  history_find,
  history_size,
} from "./history";
import {
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
  page_lru,
} from "./lruvec";

const A1IN: u32 = 0;
const AM: u32 = 1;
const A1OUT: u32 = 0;
/** u32: 1 when the page that comes was remembered when it was missed. */
const REMEMBERED: usize = POLICY_VARS;

/** Kin: pages that A1in may hold before it gives. */
// @nomark
function two_q_kin(): u32 {
  return max<u32>(load<u32>(POLICY_FRAMES) / 4, 1);
}

/** Kout: names that A1out may hold. */
// @nomark
function two_q_kout(): u32 {
  return max<u32>(load<u32>(POLICY_FRAMES) / 2, 1);
}

/** A page is missed: does A1out know it? */
export function two_q_miss(key: u64): void {
  store<u32>(REMEMBERED, history_find(key) != 0 ? 1 : 0);
}

/** A page came; two_q_miss has seen it. */
export function two_q_insert(pfn: u32, key: u64): void {
  if (load<u32>(REMEMBERED) == 0) {
    lruvec_add_page(A1IN, pfn);
    return;
  }
  // Making room for it may have pushed its own name out.
  const name = history_find(key);
  if (name != 0) history_del(name);
  lruvec_add_page(AM, pfn);
}

/** A page was used. */
// @nomark
export function two_q_access(pfn: u32): void {
  if (page_lru(pfn) == AM) lruvec_move_page(AM, pfn);
}

/** => A1in's oldest page while it holds more than its share, else Am's. */
export function two_q_victim(): u32 {
  if (lru_size(A1IN) > two_q_kin() || lru_size(AM) == 0) return lru_to_page(A1IN);
  return lru_to_page(AM);
}

/** A page goes: A1out remembers those of A1in. It is still on its list. */
export function two_q_evict(pfn: u32, key: u64): void {
  if (page_lru(pfn) != A1IN) return;
  history_add(A1OUT, key);
  if (history_size(A1OUT) > two_q_kout()) history_drop_oldest(A1OUT);
}
