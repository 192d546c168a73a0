// Page replacement: memory is full, a page is wanted, which one must go? One contract;
// the kernel's reclaim and the trace simulator both work through it, and every policy
// is one file beside this one, chosen by number (policy_switch) while running.
//
//            policy_miss(key)              about to bring a page in
//                 |
//     +-> policy_victim() --> pfn          the candidate; it stays on its list
//     |           |
//     |   driver: can it go?
//     |      no: policy_keep(pfn)          back, as if just used: ask again
//     +-----------+
//            yes: policy_evict(pfn, key)   => shadow, for the driver to keep
//                 |
//            policy_insert(pfn, key, shadow)   the new page is in memory and used
//
//   policy_access(pfn)       a use that the driver saw (PolicyNeed.accesses: all uses)
//   policy_deactivate(pfn)   not wanted soon: the next candidate of its list
//   policy_remove(pfn)       its contents are gone (freed, truncated): no memory of it
//   policy_tick()            time passes: referenced bits are collected
//
// `key` names a page wherever it is: (mapping, index) in the kernel, so that a policy
// can remember it after it went. A `shadow` is 29 bits that an eviction leaves with
// the driver, who keeps it where the page was (page-cache slot) and gives it back when
// the page returns; 0 is none. POLICY_CLOCK is the driver's to move on.
//
// A policy that needs every access (policy_need) still works in the kernel, where only
// bits are known: policy_harvest() makes one access of each bit found set.
//
// In Linux: mm/vmscan.c, mm/workingset.c, mm/swap.c (6.12); one policy, or MGLRU.
// Left out: a choice of policy for each cgroup.
import {
  NR_POLICIES,
  POLICY_BASE,
  POLICY_DRIVER,
  POLICY_FRAMES,
  POLICY_HISTORY,
  POLICY_HISTORY_NR,
  POLICY_HIST_AT,
  POLICY_HIST_NR,
  POLICY_INCOMING,
  POLICY_MAX_PFN,
  POLICY_NR,
  POLICY_NR_LISTS,
  POLICY_PARAMS,
  POLICY_RANDOM,
  POLICY_VARS,
  Policy,
  PolicyDriver,
  PolicyNeed,
  PolicyParam,
} from "../abi";
import { test_and_clear_referenced } from "./accessors";
import { clock_insert, clock_victim } from "./clock";
import { fifo_insert, fifo_victim } from "./fifo";
import { lru_access, lru_insert, lru_victim } from "./lru";
import {
  lru_newer,
  lru_size,
  lru_to_page,
  lruvec_add_page_tail,
  lruvec_del_page,
  lruvec_move_page,
  page_lru,
  page_on_lru,
} from "./lruvec";
import { opt_access, opt_insert, opt_keep, opt_remove, opt_victim } from "./opt";

/** The list on which a change of policy hands the pages over. */
const HANDOVER: u32 = POLICY_NR_LISTS - 1;

/**
 * Starts with no page resident. The parameters (POLICY_PARAMS) get their defaults.
 * @param frames pages that may be resident
 * @param max_pfn frame numbers are below it
 * @param seed of random replacement
 */
// @nomark
export function policy_init(
  driver: PolicyDriver, policy: Policy, frames: u32, max_pfn: u32, seed: u64,
): void {
  memory.fill(POLICY_BASE, 0, 448);
  store<u32>(POLICY_DRIVER, driver);
  store<u32>(POLICY_FRAMES, frames);
  store<u32>(POLICY_MAX_PFN, max_pfn);
  store<u64>(POLICY_RANDOM, seed);
  store<u32>(POLICY_HIST_AT, POLICY_HISTORY);
  store<u32>(POLICY_HIST_NR, POLICY_HISTORY_NR);
  store<u32>(POLICY_PARAMS + PolicyParam.clock_bits * 4, 2);
  store<u32>(POLICY_PARAMS + PolicyParam.tau * 4, 1000);
  store<u32>(POLICY_PARAMS + PolicyParam.swappiness * 4, 60);
  policy_begin(policy);
}

/** Clears what one policy keeps, for the next one. No page is on a list. */
// @nomark
function policy_begin(policy: Policy): void {
  store<u32>(POLICY_NR, policy);
  store<u64>(POLICY_INCOMING, 0);
  memory.fill(POLICY_VARS, 0, 128);
}

/** => what `policy` must be told to be what its authors meant. */
// @nomark
export function policy_need(policy: Policy): PolicyNeed {
  switch (policy) {
    case Policy.lru: return PolicyNeed.accesses;
    case Policy.opt: return PolicyNeed.future;
    default: return PolicyNeed.bits;
  }
}

/** A page named `key` will be brought in next. Optional; some choose better by it. */
export function policy_miss(key: u64): void {
  store<u64>(POLICY_INCOMING, key + 1);
}

/**
 * Page `key` is in frame `pfn` now, and used.
 * @param shadow what policy_evict left when it went, or 0
 */
export function policy_insert(pfn: u32, key: u64, shadow: u32): void {
  assert(!page_on_lru(pfn));
  switch (load<u32>(POLICY_NR)) {
    case Policy.lru: lru_insert(pfn); break;
    case Policy.clock: clock_insert(pfn); break;
    case Policy.opt: opt_insert(pfn); break;
    default: fifo_insert(pfn);
  }
  store<u64>(POLICY_INCOMING, 0);
}

/** Resident page `pfn` was used. */
export function policy_access(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.lru: lru_access(pfn); break;
    case Policy.opt: opt_access(pfn); break;
  }
}

/**
 * The page that should go first. It stays until policy_evict, policy_remove or
 * policy_keep.
 * => pfn, or NO_PAGE when no page is resident.
 */
export function policy_victim(): u32 {
  switch (load<u32>(POLICY_NR)) {
    case Policy.lru: return lru_victim();
    case Policy.clock: return clock_victim();
    case Policy.opt: return opt_victim();
    default: return fifo_victim();
  }
}

/** The candidate cannot go: it counts as just used; another one may be asked for. */
export function policy_keep(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.opt: opt_keep(pfn); break;
    default: lruvec_move_page(page_lru(pfn), pfn);
  }
}

/** Page `pfn` is not wanted soon: it becomes the coldest of its list. */
export function policy_deactivate(pfn: u32): void {
  const lru = page_lru(pfn);
  lruvec_del_page(pfn);
  lruvec_add_page_tail(lru, pfn);
}

/**
 * Page `key` leaves frame `pfn` because its room is wanted.
 * => its shadow: give it to policy_insert when the page returns; 0 when none.
 */
export function policy_evict(pfn: u32, key: u64): u32 {
  switch (load<u32>(POLICY_NR)) {
    case Policy.opt: opt_remove(pfn); break;
  }
  lruvec_del_page(pfn);
  return 0;
}

/** Frame `pfn` no longer holds a page that could return. It must be on a list. */
export function policy_remove(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.opt: opt_remove(pfn); break;
  }
  lruvec_del_page(pfn);
}

/** The driver's clock interrupt. */
export function policy_tick(): void {
}

/**
 * For a driver that sees only bits, and a policy that needs each access: one access of
 * every page found referenced, from the coldest to the newest.
 */
export function policy_harvest(): void {
  for (let lru: u32 = 0; lru < <u32>POLICY_NR_LISTS; lru++) {
    let pfn = lru_to_page(lru);
    for (let left = lru_size(lru); left > 0; left--) {
      const newer = lru_newer(pfn);
      if (test_and_clear_referenced(pfn)) policy_access(pfn);
      pfn = newer;
    }
  }
}

/**
 * Another policy takes over the resident pages, coldest first: list by list as the old
 * one would have looked at them.
 * => whether there is such a policy.
 */
export function policy_switch(policy: u32): bool {
  if (policy >= <u32>NR_POLICIES) return false;
  for (let lru: u32 = 0; lru < HANDOVER; lru++) {
    while (lru_size(lru) > 0) lruvec_move_page(HANDOVER, lru_to_page(lru));
  }
  policy_begin(policy);
  while (lru_size(HANDOVER) > 0) {
    const pfn = lru_to_page(HANDOVER);
    lruvec_del_page(pfn);
    policy_insert(pfn, 0, 0);
  }
  return true;
}
