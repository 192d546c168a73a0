// The swap cache: pages that are in memory and have a slot of the swap area.
//
//   going out   the page gets a slot and enters; its entries become swap entries; it is
//               written; and when that is done, it leaves
//   coming in   the page enters, is read, and each process that has the slot finds it
//               here: one frame for all, and only the first one's fault is major
//
//   A page that has come back may stay: while nobody writes to it, the disk's copy is
//   good, and it can go again without being written.
//
// Reading ahead: pages that went together were given neighbouring slots, so they are
// read together: the window of 2^page_cluster slots, aligned, about the one wanted. How
// large it is follows how many pages of the last windows were used.
//
// In Linux: mm/swap_state.c add_to_swap_cache(), swap_cluster_readahead(),
// __swapin_nr_pages(), read_swap_cache_async() (6.12). The cache is an xarray there,
// and the swap map here. Left out: readahead by virtual address (that is for disks
// without an arm).
import {
  CONF_BASE,
  Conf,
  NR_SWAPCACHE,
  PG,
  SWAPIN_RA_HITS,
  SWAPIN_RA_PREV,
  SWAPIN_RA_WIN,
  SWAP_MAX,
  VmEvent,
} from "../abi";
import { policy_miss } from "../policy/policy";
import { folio_test_uptodate } from "./bio";
import { NO_PAGE, mem_map } from "./mm_types";
import { alloc_page, alloc_page_noretry, get_page, put_page } from "./page_alloc";
import { swap_read_folio } from "./page_io";
import { folio_add_lru, swap_key } from "./swap";
import {
  put_swap_folio,
  swap_count,
  swap_has_cache,
  swap_slot_set_cache,
  swap_slot_value,
} from "./swapfile";
import { count_vm_event } from "./vmstat";

/** => the frame of the slot's page, or NO_PAGE. No reference is taken. */
// @nomark
export function swap_cache_get_folio(offset: u32): u32 {
  return swap_has_cache(offset) ? swap_slot_value(offset) : NO_PAGE;
}

/** The page in `pfn` is that of slot `offset`; the cache has a reference of its own. */
// @nomark
export function add_to_swap_cache(pfn: u32, offset: u32): void {
  const p = mem_map(pfn);
  assert((p.flags & PG.swapcache) == 0);
  p.flags |= PG.swapcache;
  p.private_ = offset;
  swap_slot_set_cache(offset, pfn);
  get_page(pfn);
  store<u32>(NR_SWAPCACHE, load<u32>(NR_SWAPCACHE) + 1);
}

/** The page leaves the cache, and its slot keeps `shadow`. The frame may be freed. */
export function delete_from_swap_cache(pfn: u32, shadow: u32): void {
  const p = mem_map(pfn);
  const offset = p.private_;
  assert((p.flags & PG.swapcache) != 0 && (p.flags & PG.writeback) == 0);
  p.flags &= ~PG.swapcache;
  p.private_ = 0;
  store<u32>(NR_SWAPCACHE, load<u32>(NR_SWAPCACHE) - 1);
  put_swap_folio(offset, shadow);
  put_page(pfn);
}

/**
 * => the slot's page if it is in memory, or NO_PAGE. One that was read ahead has proved
 * to be wanted: the next window may be larger.
 */
export function lookup_swap_cache(offset: u32): u32 {
  const pfn = swap_cache_get_folio(offset);
  if (pfn == NO_PAGE) return NO_PAGE;
  const p = mem_map(pfn);
  if (p.flags & PG.readahead) {
    p.flags &= ~PG.readahead;
    count_vm_event(VmEvent.SWAP_RA_HIT);
    store<u32>(SWAPIN_RA_HITS, load<u32>(SWAPIN_RA_HITS) + 1);
  }
  return pfn;
}

/**
 * The slot's page, from the cache or into it: then its read is queued.
 * @param needed it may cost reclaim, and somebody his life; else it is only a guess
 * => its frame, or NO_PAGE when there is no memory for it.
 */
export function read_swap_cache_async(offset: u32, needed: bool): u32 {
  const cached = swap_cache_get_folio(offset);
  if (cached != NO_PAGE) {
    if (folio_test_uptodate(cached)) return cached;
    mem_map(cached).flags |= PG.uptodate; // the disk has failed: once more
    swap_read_folio(cached, offset);
    return cached;
  }
  const flags: u32 = PG.anon | PG.swapbacked | PG.uptodate;
  const key = swap_key(offset);
  policy_miss(key);
  const pfn = needed ? alloc_page(flags, 0, 0) : alloc_page_noretry(flags, 0, 0);
  if (pfn == NO_PAGE) return NO_PAGE;
  const shadow = swap_slot_value(offset);
  add_to_swap_cache(pfn, offset);
  put_page(pfn); // the cache's reference is the only one
  swap_read_folio(pfn, offset);
  folio_add_lru(pfn, shadow);
  return pfn;
}

/**
 * Queues the read of slot `target` and of its neighbours in the window.
 * => the frame of `target`'s page, or NO_PAGE.
 */
export function swap_cluster_readahead(target: u32): u32 {
  const mask = swapin_nr_pages(target) - 1;
  const end = min<u32>(target | mask, load<u32>(SWAP_MAX) - 1);
  const wanted = read_swap_cache_async(target, true);
  if (wanted == NO_PAGE) return NO_PAGE;
  get_page(wanted); // making room for the others must not take it
  for (let offset = max<u32>(1, target & ~mask); offset <= end; offset++) {
    if (offset == target || swap_count(offset) == 0) continue;
    if (swap_has_cache(offset)) continue;
    const pfn = read_swap_cache_async(offset, false);
    if (pfn == NO_PAGE) break;
    mem_map(pfn).flags |= PG.readahead;
    count_vm_event(VmEvent.SWAP_RA);
  }
  put_page(wanted);
  return wanted;
}

/** How many slots to read about `offset`: a power of two, 1 for no readahead. */
function swapin_nr_pages(offset: u32): u32 {
  const max_pages: u32 = 1 << load<u32>(CONF_BASE + Conf.vm_page_cluster * 8);
  if (max_pages <= 1) return 1;
  const hits = load<u32>(SWAPIN_RA_HITS);
  const prev = load<u32>(SWAPIN_RA_PREV);
  const win = load<u32>(SWAPIN_RA_WIN);
  const pages = __swapin_nr_pages(prev, offset, hits, max_pages, win);
  if (hits == 0) store<u32>(SWAPIN_RA_PREV, offset);
  store<u32>(SWAPIN_RA_WIN, pages);
  store<u32>(SWAPIN_RA_HITS, 0);
  return pages;
}

/**
 * The window after `hits` pages of the last one, which had `prev_win`, were used. One
 * without any is worth it only beside the last one; it shrinks by halves.
 */
export function __swapin_nr_pages(
  prev: u32, offset: u32, hits: u32, max_pages: u32, prev_win: u32,
): u32 {
  let pages = hits + 2;
  if (pages == 2) {
    if (offset != prev + 1 && offset != prev - 1) pages = 1;
  } else {
    let roundup: u32 = 4;
    while (roundup < pages) roundup <<= 1;
    pages = roundup;
  }
  return max<u32>(min<u32>(pages, max_pages), prev_win / 2);
}
