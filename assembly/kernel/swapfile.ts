// The swap area: slots of a page each, on the disk, and who uses them.
//
//   slot    0        1      2      3      4      5   ...
//        +--------+------+------+------+------+------+
//        | header |  2   |  1 C |  0 C |  0   |  1   |    the swap map
//        +--------+------+------+------+------+------+
//
//   a number  page-table entries (and shmem's slots) that name it: swap_duplicate,
//             swap_free
//   C         its page is in memory too: the swap cache (swap_state.ts)
//   0 and no C: free
//
// Pages that go one after the other should lie one after the other, for one sweep of
// the arm writes them and one reads them again. So slots are given out cluster by
// cluster:
//
//   A  the slot after the last one given, while the cluster of 256 lasts
//   B  a cluster in which nothing is used
//   C  there is none: the first free slot, from where the last one was, and around
//
// In Linux: mm/swapfile.c scan_swap_map_slots(), __swap_duplicate(), swap_entry_free(),
// free_swap_and_cache(), folio_free_swap() (6.12; the rotating-disk allocator).
// Left out: more than one area and their priorities, swap files (extents), discard,
// slots kept back per CPU, bad pages.
import {
  CONF_BASE,
  Conf,
  FRAMES,
  PAGE_SIZE_OF,
  PG,
  SWAP_CLUSTER_NEXT,
  SWAP_CLUSTER_NR,
  SWAP_FLAGS,
  SWAP_HIGHEST,
  SWAP_INUSE,
  SWAP_LOWEST,
  SWAP_MAP_AT,
  SWAP_MAX,
  SWAP_SLOT_SIZE,
} from "../abi";
import { mem_map } from "./mm_types";
import { delete_from_swap_cache } from "./swap_state";
import { NO_SWAP } from "./swapops";

const SWAPFILE_CLUSTER: u32 = 256;
/** Flag of a slot: its page is in the swap cache. */
const SWAP_HAS_CACHE: u32 = 1;

/** The record of slot `offset`: { u16 count, u16 flags, u32 pfn or shadow }. */
// @nomark
function slot(offset: u32): usize {
  return <usize>load<u32>(SWAP_MAP_AT) + <usize>offset * SWAP_SLOT_SIZE;
}

/** At power-on: where the swap map is. The area is used from swapon_area() on. */
// @nomark
export function swap_init(): void {
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  store<u32>(SWAP_MAP_AT, FRAMES + frames * PAGE_SIZE_OF);
}

/**
 * Takes the area of the settings into use, empty. A header and one slot are the least.
 * => whether there is one.
 */
export function swapon_area(): bool {
  const pages = load<u32>(CONF_BASE + Conf.swap_blocks * 8);
  if (pages < 2) return false;
  memory.fill(slot(0), 0, <usize>pages * SWAP_SLOT_SIZE);
  store<u32>(SWAP_MAX, pages);
  store<u32>(SWAP_INUSE, 0);
  store<u32>(SWAP_LOWEST, 1);
  store<u32>(SWAP_HIGHEST, pages - 1);
  store<u32>(SWAP_CLUSTER_NEXT, 1);
  store<u32>(SWAP_CLUSTER_NR, 0);
  store<u32>(SWAP_FLAGS, 1);
  return true;
}

/** Is there a swap area in use? */
// @nomark
export function swap_is_on(): bool {
  return load<u32>(SWAP_FLAGS) != 0;
}

/** Pages that swap can hold: all slots but the header. 0 without swap. */
// @nomark
export function total_swap_pages(): u32 {
  return swap_is_on() ? load<u32>(SWAP_MAX) - 1 : 0;
}

/** Slots that are free. */
// @nomark
export function get_nr_swap_pages(): u32 {
  return swap_is_on() ? total_swap_pages() - load<u32>(SWAP_INUSE) : 0;
}

/** More than half full: pages in memory had better not keep their slots. */
// @nomark
export function vm_swap_full(): bool {
  return get_nr_swap_pages() * 2 < total_swap_pages();
}

/** Page-table entries that name the slot. */
// @nomark
export function swap_count(offset: u32): u32 {
  return load<u16>(slot(offset));
}

// @nomark
function slot_is_free(offset: u32): bool {
  return load<u32>(slot(offset)) == 0;
}

/** Is the slot's page in the swap cache? */
// @nomark
export function swap_has_cache(offset: u32): bool {
  return (load<u16>(slot(offset), 2) & SWAP_HAS_CACHE) != 0;
}

/** What the slot keeps: the pfn of its page in the swap cache, else a shadow. */
// @nomark
export function swap_slot_value(offset: u32): u32 {
  return load<u32>(slot(offset), 4);
}

/** The page of the slot is in the swap cache: in frame `pfn`. */
// @nomark
export function swap_slot_set_cache(offset: u32, pfn: u32): void {
  store<u16>(slot(offset), SWAP_HAS_CACHE, 2);
  store<u32>(slot(offset), pfn, 4);
}

/**
 * It no longer is: the slot remembers `shadow`, and is free when no entry names it.
 */
export function put_swap_folio(offset: u32, shadow: u32): void {
  store<u16>(slot(offset), 0, 2);
  store<u32>(slot(offset), shadow, 4);
  if (swap_count(offset) == 0) swap_range_free(offset);
}

/**
 * A slot for a page, with no entry naming it and nothing in the swap cache: the caller
 * puts its page there at once.
 * => slot, or NO_SWAP when the area is full or there is none.
 */
export function folio_alloc_swap(): u32 {
  if (get_nr_swap_pages() == 0) return NO_SWAP;
  const offset = scan_swap_map();
  assert(slot_is_free(offset));
  store<u32>(SWAP_CLUSTER_NEXT, offset + 1);
  store<u32>(SWAP_INUSE, load<u32>(SWAP_INUSE) + 1);
  if (offset == load<u32>(SWAP_LOWEST)) store<u32>(SWAP_LOWEST, offset + 1);
  if (offset == load<u32>(SWAP_HIGHEST)) store<u32>(SWAP_HIGHEST, offset - 1);
  return offset;
}

/** A free slot; there is one. */
export function scan_swap_map(): u32 {
  let offset = load<u32>(SWAP_CLUSTER_NEXT);
  let left = load<u32>(SWAP_CLUSTER_NR);
  if (left == 0) {
    // B
    const cluster = free_cluster();
    if (cluster != NO_SWAP) offset = cluster;
    left = SWAPFILE_CLUSTER;
  }
  store<u32>(SWAP_CLUSTER_NR, left - 1); // A
  return next_free_slot(offset); // A, C
}

/** B: => the first slot of the lowest cluster without a used slot, or NO_SWAP. */
function free_cluster(): u32 {
  const pages = load<u32>(SWAP_HIGHEST) + 1;
  let start = load<u32>(SWAP_LOWEST);
  let run: u32 = 0;
  for (let offset = start; offset < pages; offset++) {
    if (!slot_is_free(offset)) {
      run = 0;
      start = offset + 1;
    } else if (++run == SWAPFILE_CLUSTER) return start;
  }
  return NO_SWAP;
}

/** C: => the first free slot from `offset` on, around the end. */
function next_free_slot(offset: u32): u32 {
  const highest = load<u32>(SWAP_HIGHEST);
  const lowest = load<u32>(SWAP_LOWEST);
  if (offset < lowest || offset > highest) offset = lowest;
  while (!slot_is_free(offset)) offset = offset < highest ? offset + 1 : lowest;
  return offset;
}

/** Nobody needs the slot any more. */
function swap_range_free(offset: u32): void {
  store<u32>(slot(offset), 0);
  store<u32>(slot(offset), 0, 4);
  store<u32>(SWAP_INUSE, load<u32>(SWAP_INUSE) - 1);
  store<u32>(SWAP_LOWEST, min<u32>(load<u32>(SWAP_LOWEST), offset));
  store<u32>(SWAP_HIGHEST, max<u32>(load<u32>(SWAP_HIGHEST), offset));
}

/** One page-table entry more names the slot. */
// @nomark
export function swap_duplicate(offset: u32): void {
  assert(offset != NO_SWAP && offset < load<u32>(SWAP_MAX));
  store<u16>(slot(offset), <u16>(swap_count(offset) + 1));
}

/** One less. The slot is free when that was the last and its page is not cached. */
export function swap_free(offset: u32): void {
  const count = swap_count(offset);
  assert(count > 0);
  store<u16>(slot(offset), <u16>(count - 1));
  if (count == 1 && !swap_has_cache(offset)) swap_range_free(offset);
}

/**
 * An entry that named the slot is gone without having been used (munmap, exit): a page
 * in the swap cache that nobody else wants goes with it.
 */
export function free_swap_and_cache(offset: u32): void {
  swap_free(offset);
  if (swap_count(offset) > 0 || !swap_has_cache(offset)) return;
  const pfn = swap_slot_value(offset);
  if (mem_map(pfn).mapcount == 0) folio_free_swap(pfn);
}

/**
 * Takes a page out of the swap cache if only it needs its slot. It then differs from
 * everything on the disk: it is dirty. One that is being written keeps its slot.
 * => whether it was done.
 */
export function folio_free_swap(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & PG.swapcache) == 0) return false;
  if (p.flags & PG.writeback) return false;
  if (swap_count(p.private_) > 0) return false;
  p.flags |= PG.dirty;
  delete_from_swap_cache(pfn, 0);
  return true;
}
