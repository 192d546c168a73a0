// Enhanced second chance: a dirty page must be written before its frame is free, so a
// clean one that was not used goes first. The hand may go around four times.
//
//                          clean     dirty
//     not used lately        1st       2nd        the order in which pages go
//     used lately            3rd       4th        (once their bits are cleared)
//
//   A  look for a page not used and clean; clear nothing
//   B  look for one not used and dirty; clear the used bit of every page passed
//   C  all used bits are clear now: A again, then B again, which must find one
//
// The used bit is kept here as a copy (page.age), because asking for the hardware's
// clears it, and A must not. When A has found nothing it is left out until B has
// cleared the bit of a clean page: before that it could find nothing again. (A dirty
// page that was written to the disk meanwhile is noticed after the next tick.)
//
// Sources: Stallings, Operating Systems, "Clock policy" (the variant that looks at the
// modify bit, used in an earlier version of Macintosh's virtual memory); Silberschatz,
// Galvin, Gagne, Operating System Concepts, "Enhanced Second-Chance Algorithm".
// In Linux: not used; dirty pages are given to writeback and met again.
// Left out: nothing.
import { POLICY_VARS } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { page_dirty, test_and_clear_referenced } from "./accessors";
import { lru_size, lru_to_page, lruvec_add_page, lruvec_rotate } from "./lruvec";

const RING: u32 = 0;
/** u32: 1 when no page can be clean and not used. */
const NO_CLEAN: usize = POLICY_VARS;

/** A page came, just behind the hand. */
// @nomark
export function enhanced_clock_insert(pfn: u32): void {
  lruvec_add_page(RING, pfn);
  mem_map(pfn).age = 0;
}

/** Was the page used since its copy of the bit was cleared? */
// @nomark
function used(pfn: u32): bool {
  if (test_and_clear_referenced(pfn)) mem_map(pfn).age = 1;
  return mem_map(pfn).age != 0;
}

/** A: once around for a page not used and clean. => it, or NO_PAGE. */
function scan_clean(): u32 {
  if (load<u32>(NO_CLEAN)) return NO_PAGE;
  for (let left = lru_size(RING); left > 0; left--) {
    const pfn = lru_to_page(RING);
    if (!used(pfn) && !page_dirty(pfn)) return pfn;
    lruvec_rotate(RING);
  }
  store<u32>(NO_CLEAN, 1);
  return NO_PAGE;
}

/** B: once around for a page not used and dirty. => it, or NO_PAGE. */
function scan_dirty(): u32 {
  for (let left = lru_size(RING); left > 0; left--) {
    const pfn = lru_to_page(RING);
    const dirty = page_dirty(pfn);
    if (!used(pfn) && dirty) return pfn;
    mem_map(pfn).age = 0;
    if (!dirty) store<u32>(NO_CLEAN, 0);
    lruvec_rotate(RING);
  }
  return NO_PAGE;
}

/** The clock interrupt: what was dirty may be clean. */
// @nomark
export function enhanced_clock_tick(): void {
  store<u32>(NO_CLEAN, 0);
}

/** => the page of the first class that has one, or NO_PAGE. */
export function enhanced_clock_victim(): u32 {
  let pfn = scan_clean();
  if (pfn == NO_PAGE) pfn = scan_dirty();
  if (pfn == NO_PAGE) pfn = scan_clean(); // C
  if (pfn == NO_PAGE) pfn = scan_dirty();
  return pfn;
}
