// NRU, not recently used: two bits that the hardware keeps sort the pages into four
// classes, and any page of the lowest class will do.
//
//     class    referenced since    dirty
//              the last tick
//       0           no              no
//       1           no              yes        (a clock tick made it so from class 3)
//       2           yes             no
//       3           yes             yes
//
//   tick: all referenced bits are cleared
//
// It is better to lose a dirty page unused for a tick than a clean one in heavy use.
//
// Sources: Tanenbaum, Modern Operating Systems, "The Not Recently Used Page Replacement
// Algorithm".
// In Linux: not used.
// Left out: choosing within the class at random; the first one met is taken, and the
// next search begins where this one ended.
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { page_dirty, test_and_clear_referenced } from "./accessors";
import {
  lru_newer,
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_rotate,
} from "./lruvec";

const RING: u32 = 0;

/** A page came. */
// @nomark
export function nru_insert(pfn: u32): void {
  lruvec_add_page(RING, pfn);
  mem_map(pfn).age = 0;
}

/** The page's class. page.age holds its referenced bit since the last tick. */
function nru_class(pfn: u32): u32 {
  if (test_and_clear_referenced(pfn)) mem_map(pfn).age = 1;
  return ((<u32>mem_map(pfn).age) << 1) | (page_dirty(pfn) ? 1 : 0);
}

/** The clock interrupt: nothing counts as referenced. */
export function nru_tick(): void {
  let pfn = lru_to_page(RING);
  for (let left = lru_size(RING); left > 0; left--) {
    test_and_clear_referenced(pfn);
    mem_map(pfn).age = 0;
    pfn = lru_newer(pfn);
  }
}

/** => the first page of the lowest class that is not empty, or NO_PAGE. */
export function nru_victim(): u32 {
  let best = NO_PAGE;
  let best_class: u32 = 4;
  for (let left = lru_size(RING); left > 0; left--) {
    const pfn = lru_to_page(RING);
    const its_class = nru_class(pfn);
    if (its_class < best_class) {
      best = pfn;
      best_class = its_class;
    }
    if (best_class == 0) break;
    lruvec_rotate(RING);
  }
  return best;
}
