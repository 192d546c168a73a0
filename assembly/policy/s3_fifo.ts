// S3-FIFO: most pages are used once and never again; let them go quickly. Three FIFO
// queues: a small one on trial, the main one, and the names of those that failed.
//
//   new -----> S  small, a tenth of memory --used twice or more--> M  main, the rest
//                |                                                 ^  (clock, 2 bits)
//                +-- not --> gone, its name to G                   |
//   new, its name in G --------------------------------------------+
//
//   use of a page         its count up by one, at most 3
//   victim: S has its tenth or more
//     A  its oldest was used more than once since it came: to M, count 0
//     B  else it goes, and G remembers it (as many names as M has pages)
//   victim: else M
//     C  its oldest has a count: one off, back to the newest end
//     D  else it goes, and is forgotten
//
// Sources: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache
// eviction", SOSP 2023, algorithm 1.
// In Linux: not used.
// Left out: nothing. (Where moving a page to M overfills it, the paper's loop takes one
// page out of M and one out of S; here one is wanted, and M gives it.)
import { POLICY_FRAMES } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
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
  lruvec_rotate,
  page_lru,
} from "./lruvec";

const SMALL: u32 = 0;
const MAIN: u32 = 1;
const GHOST: u32 = 0;
const MAX_FREQ: u8 = 3;

/** The size of S. */
// @nomark
function small_target(): u32 {
  return max<u32>(load<u32>(POLICY_FRAMES) / 10, 1);
}

/** The number of names that G holds, which is the size of M. */
// @nomark
function ghost_target(): u32 {
  return max<u32>(load<u32>(POLICY_FRAMES) - small_target(), 1);
}

/** A page came; its first use does not count. */
export function s3_fifo_insert(pfn: u32, key: u64): void {
  mem_map(pfn).age = 0;
  const name = history_find(key);
  if (name != 0) history_del(name);
  lruvec_add_page(name != 0 ? MAIN : SMALL, pfn);
}

/** A page was used. */
// @nomark
export function s3_fifo_access(pfn: u32): void {
  const page = mem_map(pfn);
  if (page.age < MAX_FREQ) page.age++;
}

/** => the oldest page that has not earned its stay, or NO_PAGE. */
export function s3_fifo_victim(): u32 {
  while (true) {
    if (lru_size(MAIN) == 0 || lru_size(SMALL) >= small_target()) {
      const pfn = lru_to_page(SMALL);
      if (pfn == NO_PAGE) return NO_PAGE;
      if (mem_map(pfn).age <= 1) return pfn; // B
      mem_map(pfn).age = 0; // A
      lruvec_move_page(MAIN, pfn);
    } else {
      const pfn = lru_to_page(MAIN);
      if (mem_map(pfn).age == 0) return pfn; // D
      mem_map(pfn).age--; // C
      lruvec_rotate(MAIN);
    }
  }
}

/** A page goes: G remembers those of S. It is still on its list. */
export function s3_fifo_evict(pfn: u32, key: u64): void {
  if (page_lru(pfn) != SMALL) return;
  history_add(GHOST, key);
  if (history_size(GHOST) > ghost_target()) history_drop_oldest(GHOST);
}
