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
// A policy that needs every access (policy_need) gets them in the kernel too, from a
// hart that notes each one (watch_for_policy in kernel/swap.ts): no real one does that.
//
// In Linux: mm/vmscan.c, mm/workingset.c, mm/swap.c (6.12); one policy, or MGLRU.
// Left out: a choice of policy for each cgroup.
import {
  NR_POLICIES,
  POLICY_BASE,
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
  POLICY_RESIDENT,
  POLICY_VARS,
  Policy,
  PolicyNeed,
  PolicyParam,
} from "../abi";
import { knows_future } from "./accessors";
import { aging_insert, aging_tick, aging_victim } from "./aging";
import { arc_access, arc_evict, arc_insert, arc_miss, arc_victim } from "./arc";
import { clock_insert, clock_victim } from "./clock";
import {
  enhanced_clock_insert,
  enhanced_clock_tick,
  enhanced_clock_victim,
} from "./enhanced_clock";
import { fifo_insert, fifo_victim } from "./fifo";
import { history_init } from "./history";
import { lfu_access, lfu_forget, lfu_insert, lfu_victim } from "./lfu";
import {
  linux_inactive_lru,
  linux_insert,
  linux_keep,
  linux_victim,
  mark_page_accessed,
} from "./linux";
import { lru_access, lru_insert, lru_victim } from "./lru";
import {
  lru_size,
  lru_to_page,
  lruvec_add_page_tail,
  lruvec_del_page,
  lruvec_move_page,
  page_lru,
  page_on_lru,
} from "./lruvec";
import {
  lru_gen_from_seq,
  mglru_access,
  mglru_init,
  mglru_insert,
  mglru_min_seq,
  mglru_victim,
} from "./mglru";
import { mru_access, mru_insert, mru_keep, mru_victim } from "./mru";
import { nbit_clock_access, nbit_clock_insert, nbit_clock_victim } from "./nbit_clock";
import { nru_insert, nru_tick, nru_victim } from "./nru";
import { opt_access, opt_insert, opt_keep, opt_remove, opt_victim } from "./opt";
import { random_insert, random_victim } from "./random";
import {
  s3_fifo_access,
  s3_fifo_evict,
  s3_fifo_insert,
  s3_fifo_victim,
} from "./s3_fifo";
import {
  sieve_access,
  sieve_insert,
  sieve_keep,
  sieve_remove,
  sieve_victim,
} from "./sieve";
import {
  two_q_access,
  two_q_evict,
  two_q_insert,
  two_q_miss,
  two_q_victim,
} from "./two_q";
import {
  working_set_insert,
  working_set_tick,
  working_set_victim,
} from "./working_set";
import { workingset_eviction } from "./workingset";
import { wsclock_insert, wsclock_victim } from "./wsclock";

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
  policy: Policy, frames: u32, max_pfn: u32, seed: u64,
): void {
  memory.fill(POLICY_BASE, 0, 448);
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

/** Clears what one policy keeps, for the next one. No page is on a list of it. */
// @nomark
function policy_begin(policy: Policy): void {
  store<u32>(POLICY_NR, policy);
  store<u64>(POLICY_INCOMING, 0);
  memory.fill(POLICY_VARS, 0, 128);
  switch (policy) {
    case Policy.two_q:
    case Policy.arc:
    case Policy.s3_fifo: history_init(); break;
    case Policy.mglru: mglru_init(); break;
  }
}

/** => what `policy` must be told to be what its authors meant. */
// @nomark
export function policy_need(policy: Policy): PolicyNeed {
  switch (policy) {
    case Policy.lru:
    case Policy.nbit_clock:
    case Policy.lfu:
    case Policy.mru:
    case Policy.two_q:
    case Policy.arc:
    case Policy.sieve:
    case Policy.s3_fifo: return PolicyNeed.accesses;
    case Policy.opt: return PolicyNeed.future;
    default: return PolicyNeed.bits;
  }
}

/** A page named `key` will be brought in next. Optional; some choose better by it. */
export function policy_miss(key: u64): void {
  store<u64>(POLICY_INCOMING, key + 1);
  switch (load<u32>(POLICY_NR)) {
    case Policy.two_q: two_q_miss(key); break;
    case Policy.arc: arc_miss(key); break;
  }
}

/**
 * Page `key` is in frame `pfn` now, and used.
 * @param shadow what policy_evict left when it went, or 0
 */
export function policy_insert(pfn: u32, key: u64, shadow: u32): void {
  assert(!page_on_lru(pfn));
  if (load<u64>(POLICY_INCOMING) != key + 1) policy_miss(key);
  store<u64>(POLICY_INCOMING, 0);
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: linux_insert(pfn, shadow); break;
    case Policy.fifo: fifo_insert(pfn); break;
    case Policy.lru: lru_insert(pfn); break;
    case Policy.clock: clock_insert(pfn); break;
    case Policy.nbit_clock: nbit_clock_insert(pfn); break;
    case Policy.enhanced_clock: enhanced_clock_insert(pfn); break;
    case Policy.nru: nru_insert(pfn); break;
    case Policy.aging: aging_insert(pfn); break;
    case Policy.lfu: lfu_insert(pfn); break;
    case Policy.mru: mru_insert(pfn); break;
    case Policy.random: random_insert(pfn); break;
    case Policy.working_set: working_set_insert(pfn); break;
    case Policy.wsclock: wsclock_insert(pfn); break;
    case Policy.two_q: two_q_insert(pfn, key); break;
    case Policy.arc: arc_insert(pfn, key); break;
    case Policy.mglru: mglru_insert(pfn); break;
    case Policy.sieve: sieve_insert(pfn); break;
    case Policy.s3_fifo: s3_fifo_insert(pfn, key); break;
    case Policy.opt: opt_insert(pfn); break;
  }
}

/**
 * Resident page `pfn` was used. A driver that only has bits calls this for uses that
 * leave no bit, as read(2) (Linux's mark_page_accessed).
 */
export function policy_access(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: mark_page_accessed(pfn); break;
    case Policy.lru: lru_access(pfn); break;
    case Policy.nbit_clock: nbit_clock_access(pfn); break;
    case Policy.lfu: lfu_access(pfn); break;
    case Policy.mru: mru_access(pfn); break;
    case Policy.two_q: two_q_access(pfn); break;
    case Policy.arc: arc_access(pfn); break;
    case Policy.mglru: mglru_access(pfn); break;
    case Policy.sieve: sieve_access(pfn); break;
    case Policy.s3_fifo: s3_fifo_access(pfn); break;
    case Policy.opt: opt_access(pfn); break;
  }
}

/**
 * The page that should go first. It stays until policy_evict, policy_remove or
 * policy_keep.
 * => pfn, or NO_PAGE when no page is resident that could go.
 */
export function policy_victim(): u32 {
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: return linux_victim();
    case Policy.fifo: return fifo_victim();
    case Policy.lru: return lru_victim();
    case Policy.clock: return clock_victim();
    case Policy.nbit_clock: return nbit_clock_victim();
    case Policy.enhanced_clock: return enhanced_clock_victim();
    case Policy.nru: return nru_victim();
    case Policy.aging: return aging_victim();
    case Policy.lfu: return lfu_victim();
    case Policy.mru: return mru_victim();
    case Policy.random: return random_victim();
    case Policy.working_set: return working_set_victim();
    case Policy.wsclock: return wsclock_victim();
    case Policy.two_q: return two_q_victim();
    case Policy.arc: return arc_victim();
    case Policy.mglru: return mglru_victim(load<u32>(POLICY_RESIDENT));
    case Policy.sieve: return sieve_victim();
    case Policy.s3_fifo: return s3_fifo_victim();
    default: return opt_victim();
  }
}

/** The candidate cannot go: it counts as just used; another one may be asked for. */
export function policy_keep(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: linux_keep(pfn); break;
    case Policy.lfu: lfu_access(pfn); break;
    case Policy.mru: mru_keep(pfn); break;
    case Policy.mglru: mglru_access(pfn); break;
    case Policy.sieve: sieve_keep(pfn); break;
    case Policy.opt: opt_keep(pfn); break;
    default: lruvec_move_page(page_lru(pfn), pfn);
  }
}

/** Page `pfn` is not wanted soon: it becomes the coldest of its list. */
export function policy_deactivate(pfn: u32): void {
  let lru = page_lru(pfn);
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: lru = linux_inactive_lru(pfn); break;
    case Policy.lfu: lru = lfu_forget(pfn); break;
    case Policy.mglru: lru = lru_gen_from_seq(mglru_min_seq()); break;
    case Policy.sieve: sieve_remove(pfn); break;
  }
  lruvec_del_page(pfn);
  lruvec_add_page_tail(lru, pfn);
}

/**
 * Page `key` leaves frame `pfn` because its room is wanted.
 * => its shadow: give it to policy_insert when the page returns; 0 when none.
 */
export function policy_evict(pfn: u32, key: u64): u32 {
  let shadow: u32 = 0;
  switch (load<u32>(POLICY_NR)) {
    case Policy.linux: shadow = workingset_eviction(pfn); break;
    case Policy.two_q: two_q_evict(pfn, key); break;
    case Policy.arc: arc_evict(pfn, key); break;
    case Policy.s3_fifo: s3_fifo_evict(pfn, key); break;
  }
  policy_remove(pfn);
  return shadow;
}

/** Frame `pfn` no longer holds a page that could return. It must be on a list. */
export function policy_remove(pfn: u32): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.sieve: sieve_remove(pfn); break;
    case Policy.opt: opt_remove(pfn); break;
  }
  lruvec_del_page(pfn);
}

/** The driver's clock interrupt: policies that sample bits collect them. */
export function policy_tick(): void {
  switch (load<u32>(POLICY_NR)) {
    case Policy.enhanced_clock: enhanced_clock_tick(); break;
    case Policy.nru: nru_tick(); break;
    case Policy.aging: aging_tick(); break;
    case Policy.working_set: working_set_tick(); break;
  }
}

/** The i-th list, as the policy at work would look at them: coldest first. */
// @nomark
function list_in_order(i: u32): u32 {
  const mglru = load<u32>(POLICY_NR) == Policy.mglru && i < 4;
  return mglru ? lru_gen_from_seq(mglru_min_seq() + i) : i;
}

/**
 * Another policy takes over the resident pages, coldest first, and knows nothing else
 * of the past: shadows and names of the old one mean nothing to it.
 * => whether there is such a policy, and all it needs.
 */
export function policy_switch(policy: u32): bool {
  if (policy >= <u32>NR_POLICIES) return false;
  if (policy_need(policy) == PolicyNeed.future && !knows_future()) return false;
  for (let i: u32 = 0; i < HANDOVER; i++) {
    const lru = list_in_order(i);
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
