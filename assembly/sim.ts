// The trace-driven simulator: a recorded string of references against one policy. It is
// a module of its own (build/sim.wasm) over the same policy files as the core, compiled
// without marks: nobody steps through ten million references, and without them it is
// several times as fast.
//
//   host: page numbers --sim_intern--> ids 0, 1, 2 ... in order of first use
//         sim_reset(policy, frames)
//         sim_run over all chunks of ids           counts at SIM_REFERENCES ...
//
// A reference is a u32: id << 1 | write. What a page's entry holds: policy/trace.ts.
// The host gives the tables their places (SIM_*, TRACE_*) and may choose where the
// policies' history lies.
import {
  ABI_VERSION,
  FRAMES,
  PAGE_SIZE_OF,
  POLICY_CLOCK,
  POLICY_HIST_AT,
  POLICY_HIST_NR,
  POLICY_FRAMES,
  POLICY_NR,
  Policy,
  PolicyNeed,
  SIM_EVICTIONS,
  SIM_FAULTS,
  SIM_PAGES,
  SIM_REFERENCES,
  SIM_SLOTS,
  SIM_SLOT_SIZE,
  SIM_TABLE,
  SIM_TICK,
  SIM_TICK_LEFT,
  SIM_USED,
  SIM_WRITEBACKS,
  TRACE_AT,
  TRACE_CLEANED,
  TRACE_ENTRIES,
  TRACE_FUTURE,
  TRACE_OWNERS,
} from "./abi";
import {
  policy_access,
  policy_evict,
  policy_init,
  policy_insert,
  policy_miss,
  policy_need,
  policy_switch,
  policy_tick,
  policy_victim,
} from "./policy/policy";
import { page_on_lru } from "./policy/lruvec";
import { TRACE_ACCESSED, TRACE_DIRTY, TRACE_SHADOW } from "./policy/trace";

export function abi_version(): i32 {
  return ABI_VERSION;
}

/** The slot of page number `vpn`, or the empty one where it belongs. */
function slot(vpn: u64): usize {
  const table = <usize>load<u32>(SIM_TABLE);
  const mask = load<u32>(SIM_SLOTS) - 1;
  let i = <u32>((vpn * 0x9e3779b97f4a7c15) >> 32) & mask;
  while (true) {
    const at = table + <usize>i * SIM_SLOT_SIZE;
    const name = load<u64>(at);
    if (name == 0 || name == vpn + 1) return at;
    i = (i + 1) & mask;
  }
}

/**
 * Turns page numbers into ids.
 * @param raw n x u64: page number << 1 | write
 * @param out n x u32: id << 1 | write
 * @returns how many were done: fewer than n when the table is more than half full
 */
export function sim_intern(raw: usize, n: u32, out: usize): u32 {
  const limit = load<u32>(SIM_SLOTS) >> 1;
  let pages = load<u32>(SIM_PAGES);
  let done: u32 = 0;
  for (; done < n; done++) {
    const word = load<u64>(raw + (<usize>done << 3));
    const at = slot(word >> 1);
    if (load<u64>(at) == 0) {
      if (pages == limit) break;
      store<u64>(at, (word >> 1) + 1);
      store<u32>(at, pages, 8);
      pages++;
    }
    store<u32>(out + (<usize>done << 2), (load<u32>(at, 8) << 1) | (<u32>word & 1));
  }
  store<u32>(SIM_PAGES, pages);
  return done;
}

/** Copies the names of a table of `slots` slots at `old` into SIM_TABLE, all zeros. */
export function sim_rehash(old: usize, slots: u32): void {
  const end = old + <usize>slots * SIM_SLOT_SIZE;
  for (let p = old; p < end; p += SIM_SLOT_SIZE) {
    const name = load<u64>(p);
    if (name == 0) continue;
    const at = slot(name - 1);
    store<u64>(at, name);
    store<u32>(at, load<u32>(p, 8), 8);
  }
}

/**
 * Finds the next use of each reference of a chunk. Chunks are given from the last to
 * the first.
 * @param at n x u32 references; the first one's number is `base`
 * @param out n x u32: number of the next reference to the same page
 * @param last by id: number of the first reference seen so far, u32.MAX_VALUE none
 */
export function sim_future(
  at: usize, n: u32, base: u32, out: usize, last: usize,
): void {
  for (let i = n; i > 0; i--) {
    const offset = <usize>(i - 1) << 2;
    const seen = last + <usize>((load<u32>(at + offset) >> 1) << 2);
    store<u32>(out + offset, load<u32>(seen));
    store<u32>(seen, base + i - 1);
  }
}

/**
 * Empties memory and starts a policy. TRACE_ENTRIES and TRACE_OWNERS have their places.
 * @param history where the policies' history lies, for `remembered` pages
 */
export function sim_reset(
  policy: u32, frames: u32, seed: u64, history: usize, remembered: u32,
): void {
  memory.fill(load<u32>(TRACE_ENTRIES), 0, <usize>load<u32>(SIM_PAGES) << 2);
  memory.fill(SIM_REFERENCES, 0, 32);
  store<u64>(TRACE_CLEANED, 0);
  memory.fill(FRAMES, 0, <usize>(frames + 1) * PAGE_SIZE_OF);
  store<u32>(SIM_USED, 0);
  store<u32>(SIM_TICK_LEFT, load<u32>(SIM_TICK));
  policy_init(Policy.fifo, frames, frames + 1, seed);
  store<u32>(POLICY_HIST_AT, <u32>history);
  store<u32>(POLICY_HIST_NR, remembered);
  policy_switch(policy);
}

/**
 * Makes `n` references.
 * @param at n x u32 references
 * @param future n x u32 from sim_future, or 0
 */
export function sim_run(at: usize, n: u32, future: usize): void {
  const entries = <usize>load<u32>(TRACE_ENTRIES);
  const exact = policy_need(load<u32>(POLICY_NR)) != PolicyNeed.bits;
  const clock = load<u32>(POLICY_CLOCK);
  let left = load<u32>(SIM_TICK_LEFT);
  store<u32>(TRACE_FUTURE, <u32>future);
  for (let i: u32 = 0; i < n; i++) {
    const reference = load<u32>(at + (<usize>i << 2));
    const p = entries + <usize>((reference >> 1) << 2);
    const entry = load<u32>(p);
    const bits = TRACE_ACCESSED | ((reference & 1) << 1);
    if (<i32>entry > 0) {
      if ((entry & bits) != bits) store<u32>(p, entry | bits);
      if (exact) {
        store<u32>(POLICY_CLOCK, clock + i);
        store<u32>(TRACE_AT, i);
        policy_access(entry >> 2);
      }
    } else {
      store<u32>(POLICY_CLOCK, clock + i);
      store<u32>(TRACE_AT, i);
      fault(p, reference >> 1, entry, bits);
    }
    if (--left == 0) {
      store<u32>(POLICY_CLOCK, clock + i + 1);
      policy_tick();
      left = load<u32>(SIM_TICK);
    }
  }
  store<u32>(SIM_TICK_LEFT, left);
  store<u32>(POLICY_CLOCK, clock + n);
  store<u64>(SIM_REFERENCES, load<u64>(SIM_REFERENCES) + n);
}

// @nomark
function count(counter: usize): void {
  store<u64>(counter, load<u64>(counter) + 1);
}

/** Page `id`, whose entry at `p` is `entry`, is not in memory: bring it in. */
function fault(p: usize, id: u32, entry: u32, bits: u32): void {
  count(SIM_FAULTS);
  policy_miss(id);
  let pfn = load<u32>(SIM_USED) + 1;
  if (pfn <= load<u32>(POLICY_FRAMES)) store<u32>(SIM_USED, pfn);
  else pfn = evict();
  store<u32>(p, (pfn << 2) | bits);
  store<u32>(<usize>load<u32>(TRACE_OWNERS) + (<usize>pfn << 2), id);
  policy_insert(pfn, id, (entry & ~TRACE_SHADOW) >> 2);
}

/** Has the policy choose a page, and puts that page out. => its frame */
function evict(): u32 {
  const pfn = policy_victim();
  assert(page_on_lru(pfn));
  const id = load<u32>(<usize>load<u32>(TRACE_OWNERS) + (<usize>pfn << 2));
  const p = <usize>load<u32>(TRACE_ENTRIES) + (<usize>id << 2);
  assert(load<u32>(p) >> 2 == pfn);
  if (load<u32>(p) & TRACE_DIRTY) count(SIM_WRITEBACKS);
  count(SIM_EVICTIONS);
  const shadow = policy_evict(pfn, id);
  store<u32>(p, shadow == 0 ? 0 : TRACE_SHADOW | (shadow << 2));
  return pfn;
}
