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
// Each class is a list, of the pages as they were last seen. Between two ticks a page
// can only rise; so a page that is met at the front of its list is looked at again, and
// either it has risen, and joins the list where it belongs, or there is none lower.
//
// Sources: Tanenbaum, Modern Operating Systems, "The Not Recently Used Page Replacement
// Algorithm".
// In Linux: not used.
// Left out: choosing within the class at random; the one longest on its list goes. A
// page written to the disk in the background falls a class at the next tick only.
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { page_dirty, test_and_clear_referenced } from "./accessors";
import {
  lru_newer,
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
  page_lru,
} from "./lruvec";

const REFERENCED: u32 = 2;
const CLASSES: u32 = 4;

/** A page came, and is being used. page.age is its referenced bit since the tick. */
// @nomark
export function nru_insert(pfn: u32): void {
  lruvec_add_page(REFERENCED, pfn);
  mem_map(pfn).age = 1;
}

/** The page's class now. */
function nru_class(pfn: u32): u32 {
  if (test_and_clear_referenced(pfn)) mem_map(pfn).age = 1;
  return (mem_map(pfn).age ? REFERENCED : 0) | (page_dirty(pfn) ? 1 : 0);
}

/** The clock interrupt: nothing counts as referenced. */
export function nru_tick(): void {
  for (let its_class: u32 = 0; its_class < CLASSES; its_class++) {
    let pfn = lru_to_page(its_class);
    for (let left = lru_size(its_class); left > 0; left--) {
      const newer = lru_newer(pfn);
      test_and_clear_referenced(pfn);
      mem_map(pfn).age = 0;
      const now: u32 = page_dirty(pfn) ? 1 : 0;
      if (now != its_class) lruvec_move_page(now, pfn);
      pfn = newer;
    }
  }
}

/** => the first page of the lowest class that is not empty, or NO_PAGE. */
export function nru_victim(): u32 {
  for (let its_class: u32 = 0; its_class < CLASSES; its_class++) {
    while (lru_size(its_class) > 0) {
      const pfn = lru_to_page(its_class);
      const now = nru_class(pfn);
      if (now <= page_lru(pfn)) return pfn;
      lruvec_move_page(now, pfn);
    }
  }
  return NO_PAGE;
}
