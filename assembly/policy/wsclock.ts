// WSClock: the working set without looking at every page on every fault. A hand goes
// around and stops at the first clean page outside the set; dirty ones outside it are
// sent to the disk on the way, to be clean when the hand comes again.
//
//              hand
//               v
//        +-> [ R=1 ] -> [ R=0 in set ] -> [ R=0 old dirty ] -> [ R=0 old clean ] -+
//        +--- stamp ------- pass -------- write, pass ------------- goes ---------+
//
//   A  referenced:               stamp it with now, clear the bit, pass
//   B  not used within tau:      clean: this one; dirty: start writing it, pass
//   C  in the working set:       pass
//   D  once around, none found:  the first clean page; none is clean: the hand's page
//
// Sources: Carr, Hennessy, "WSClock: a simple and effective algorithm for virtual
// memory management", SOSP 1981; Tanenbaum, Modern Operating Systems, "The WSClock Page
// Replacement Algorithm".
// In Linux: not used; that a scan starts writes on its way is like pageout().
// Left out: a limit on the writes that one scan starts; load control.
import { POLICY_CLOCK, POLICY_PARAMS, PolicyParam } from "../abi";
import { mem_map } from "../kernel/mm_types";
import { page_dirty, start_writeback, test_and_clear_referenced } from "./accessors";
import { lru_size, lru_to_page, lruvec_add_page, lruvec_rotate } from "./lruvec";

const RING: u32 = 0;

/** A page came, just behind the hand, with its first use. */
// @nomark
export function wsclock_insert(pfn: u32): void {
  lruvec_add_page(RING, pfn);
  mem_map(pfn).stamp = load<u32>(POLICY_CLOCK);
}

/** => the first clean page outside the working set, or what D says, or NO_PAGE. */
export function wsclock_victim(): u32 {
  const now = load<u32>(POLICY_CLOCK);
  const tau = load<u32>(POLICY_PARAMS + PolicyParam.tau * 4);
  for (let left = lru_size(RING); left > 0; left--) {
    const pfn = lru_to_page(RING);
    if (test_and_clear_referenced(pfn)) {
      mem_map(pfn).stamp = now; // A
    } else if (now - mem_map(pfn).stamp > tau) {
      if (!page_dirty(pfn)) return pfn; // B
      start_writeback(pfn);
    }
    lruvec_rotate(RING); // C
  }
  // D: the writes started above may be done
  for (let left = lru_size(RING); left > 0; left--) {
    const pfn = lru_to_page(RING);
    if (!page_dirty(pfn)) return pfn;
    lruvec_rotate(RING);
  }
  return lru_to_page(RING);
}
