// Refault distance: a page comes back. Was it thrown out only because the inactive list
// was too short to see its second use? Then it belongs on the active list at once.
//
//   time = evictions + activations (nonresident_age)
//
//        evicted at E                      comes back at R
//   ---------|--------------------------------|-------->
//            |<------ refault distance ------>|
//
//   With (R - E) more frames it would still be here. Those frames exist if it may take
//   them from the active pages:
//
//            R - E  <=  active pages     -->  activate
//
//   shadow (29 bits):   28 ........... 2      1             0
//                       nonresident_age   workingset    1 (there is one)
//
// "workingset" says that the page had been active before: it is one that thrashes.
//
// In Linux: mm/workingset.c, workingset_eviction(), workingset_test_recent(),
// workingset_refault(), workingset_age_nonresident() (6.12).
// Left out: memory cgroups and nodes in the shadow; the shrinker that drops shadows.
import { POLICY_VARS, VmEvent } from "../abi";
import { mem_map } from "../kernel/mm_types";
import { can_reclaim_anon_pages, count_policy_event } from "./accessors";
import { lru_size } from "./lruvec";

export const LRU_INACTIVE_ANON: u32 = 0;
export const LRU_ACTIVE_ANON: u32 = 1;
export const LRU_INACTIVE_FILE: u32 = 2;
export const LRU_ACTIVE_FILE: u32 = 3;

/** page.age of the linux policy: PG_referenced and PG_workingset. */
export const PAGE_REFERENCED: u8 = 1;
export const PAGE_WORKINGSET: u8 = 2;

/** u32: evictions and activations so far (mod 2^27 in a shadow). */
const NONRESIDENT_AGE: usize = POLICY_VARS;
const AGE_MASK: u32 = (1 << 27) - 1;

/** Time passes: `pages` more were evicted or activated. */
// @nomark
export function workingset_age_nonresident(pages: u32): void {
  store<u32>(NONRESIDENT_AGE, load<u32>(NONRESIDENT_AGE) + pages);
}

/** A page is evicted. => its shadow */
export function workingset_eviction(pfn: u32): u32 {
  const eviction = load<u32>(NONRESIDENT_AGE) & AGE_MASK;
  const thrashes: u32 = mem_map(pfn).age & PAGE_WORKINGSET ? 2 : 0;
  workingset_age_nonresident(1);
  return (eviction << 2) | thrashes | 1;
}

/** Was the page evicted so lately that active pages are worth less than it? */
export function workingset_test_recent(shadow: u32, file: bool): bool {
  const distance = (load<u32>(NONRESIDENT_AGE) - (shadow >> 2)) & AGE_MASK;
  let workingset_size = lru_size(LRU_ACTIVE_FILE);
  if (!file) workingset_size += lru_size(LRU_INACTIVE_FILE);
  if (can_reclaim_anon_pages()) {
    workingset_size += lru_size(LRU_ACTIVE_ANON);
    if (file) workingset_size += lru_size(LRU_INACTIVE_ANON);
  }
  return distance <= workingset_size;
}

/**
 * Page `pfn`, on no list yet, came back and left `shadow` when it went.
 * => whether it is to be active.
 */
export function workingset_refault(pfn: u32, shadow: u32, file: bool): bool {
  const kind: u32 = file ? 1 : 0;
  count_policy_event(VmEvent.WORKINGSET_REFAULT_ANON + kind);
  if (!workingset_test_recent(shadow, file)) return false;
  workingset_age_nonresident(1);
  count_policy_event(VmEvent.WORKINGSET_ACTIVATE_ANON + kind);
  if ((shadow & 2) == 0) return true;
  mem_map(pfn).age |= PAGE_WORKINGSET;
  count_policy_event(VmEvent.WORKINGSET_RESTORE_ANON + kind);
  return true;
}
