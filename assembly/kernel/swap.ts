// Between the memory manager and the replacement policy: which pages it knows of, by
// what name, and when they were used. (The file has Linux's name, and is no more about
// swap than Linux's is.)
//
//   folio_add_lru         a page is in memory, and the policy may choose it
//   folio_mark_accessed   it was used in a way that no page-table entry shows: read(2)
//   mark_access           every use, for a policy that must know them all
//   __page_cache_release  its frame is free: the policy forgets it
//   lru_deactivate        it is not wanted soon (MADV_COLD)
//
// A page that a policy is to recognise when it returns has a name that lasts: a file's
// page (mapping, index), an anonymous one the slot that it had in swap.
//
// In Linux: mm/swap.c (6.12).
// Left out: batches per CPU.
import {
  HART_WATCH,
  NR_UNEVICTABLE,
  NR_WRITEBACK,
  PG,
  POLICY_NR,
  PolicyNeed,
  VmEvent,
  WatchFor,
} from "../abi";
import {
  policy_access,
  policy_deactivate,
  policy_insert,
  policy_need,
  policy_remove,
} from "../policy/policy";
import { mem_map } from "./mm_types";
import { count_vm_event } from "./vmstat";

const SWAP_SPACE: u64 = (<u64>1) << 60;
const ANON_SPACE: u64 = (<u64>1) << 61;

/** The name of the page in slot `offset`. */
// @nomark
export function swap_key(offset: u32): u64 {
  return SWAP_SPACE | <u64>offset;
}

/** The name of page `index` of a file. */
// @nomark
export function file_key(mapping: u32, index: u64): u64 {
  return (<u64>mapping << 32) | index;
}

/** The name of the page in frame `pfn`. */
// @nomark
export function folio_key(pfn: u32): u64 {
  const p = mem_map(pfn);
  if (p.flags & PG.pagecache) return file_key(p.mapping, p.index);
  if (p.flags & PG.swapcache) return swap_key(p.private_);
  return ANON_SPACE | <u64>pfn; // it was never away
}

/**
 * The policy may choose the page from now on. One that is locked in memory is not
 * shown to it.
 * @param shadow what the policy left when the page went, or 0
 */
// @nomark
export function folio_add_lru(pfn: u32, shadow: u32): void {
  const p = mem_map(pfn);
  if (p.lru != 0) return;
  if (p.flags & PG.unevictable) return;
  if (p.flags & PG.reclaim) {
    // It was on its way out, and is taken up again.
    p.flags &= ~PG.reclaim;
    store<u32>(NR_WRITEBACK, load<u32>(NR_WRITEBACK) - 1);
    shadow = p.stamp;
    p.stamp = 0;
  }
  policy_insert(pfn, folio_key(pfn), shadow);
  if (load<u32>(HART_WATCH) & WatchFor.policy) p.flags |= PG.fresh;
}

/** The kernel itself used the page for a program. */
// @nomark
export function folio_mark_accessed(pfn: u32): void {
  if (mem_map(pfn).lru != 0) policy_access(pfn);
}

/**
 * The policy at work has changed: if it is defined by every access, the hart notes them
 * down from now on, which no real one does, and runs slower for it.
 */
// @nomark
export function watch_for_policy(): void {
  const need = policy_need(load<u32>(POLICY_NR));
  const others = load<u32>(HART_WATCH) & ~(<u32>WatchFor.policy);
  const policy: u32 = need == PolicyNeed.accesses ? WatchFor.policy : 0;
  store<u32>(HART_WATCH, others | policy);
}

/** An access to frame `pfn` that the policy is to know of. */
// @nomark
export function mark_access(pfn: u32): void {
  const p = mem_map(pfn);
  if (p.lru == 0) return;
  if (p.flags & PG.fresh) p.flags &= ~PG.fresh;
  else policy_access(pfn);
}

/** The frame is about to be free. */
// @nomark
export function __page_cache_release(pfn: u32): void {
  const p = mem_map(pfn);
  if (p.lru != 0) policy_remove(pfn);
  if ((p.flags & PG.unevictable) == 0) return;
  store<u32>(NR_UNEVICTABLE, load<u32>(NR_UNEVICTABLE) - 1);
}

/** Whether swap is to keep the anonymous page: that is also which list it is on. */
// @nomark
export function folio_set_swapbacked(pfn: u32, on: bool): void {
  const p = mem_map(pfn);
  if (((p.flags & PG.swapbacked) != 0) == on) return;
  const listed = p.lru != 0;
  if (listed) policy_remove(pfn);
  if (on) p.flags |= PG.swapbacked;
  else p.flags &= ~PG.swapbacked;
  if (listed) folio_add_lru(pfn, 0);
}

/** The page becomes the next to go. */
// @nomark
export function lru_deactivate(pfn: u32): void {
  if (mem_map(pfn).lru == 0) return;
  policy_deactivate(pfn);
  count_vm_event(VmEvent.PGDEACTIVATE);
}
