// Who owns each frame of memory, and which are free.
//
//   free list:  head -> pfn -> pfn -> ... -> 0      (struct page, lru_next)
//
//   alloc_page   takes from the head
//   free_page    puts back at the head: a frame just used is still in the caches
//
//   watermarks   while more than `low` are free, that is all. Below, kswapd is woken;
//                at `min`, whoever asks has to reclaim first (vmscan.ts), and when that
//                frees nothing, somebody is killed (oom_kill.ts). What is left belongs
//                to reclaim itself, and half of it to who is about to die.
//
//        A  fast: above low           C  direct reclaim, again while it helps
//        B  kswapd woken, above min   D  out of memory
//
// A frame's reference count says how many hold it: one for each PTE that maps it, one
// for the page cache. At zero it goes back to the list. Only this file changes
// reference counts. At boot the first frames are set aside for the kernel itself, the
// vDSO (vdso.ts) among them.
//
// In Linux: mm/page_alloc.c, rmqueue(), __alloc_pages_slowpath(),
// setup_per_zone_wmarks() and __free_pages() (6.12); per-CPU lists.
// Left out: orders above 0 (the buddy system), zones, migration types.
import {
  CONF_BASE,
  Conf,
  CostKind,
  Ev,
  FREE_HEAD,
  NOZERO_ASKED,
  NR_FREE,
  NR_KERNEL,
  PAGE_SIZE,
  PF_MEMALLOC,
  PG,
  VmEvent,
  WMARK_HIGH,
  WMARK_LOW,
  WMARK_MIN,
  ZERO_PFN,
} from "../abi";
import { frame_addr, frame_dropped, frame_written } from "../hw/bus";
import { cache_is_on, cache_page, cost_of_clear } from "../hw/cache";
import { Cost, charge, cost } from "../hw/clock";
import { emit } from "../log";
import { should_fail_alloc_page } from "./fault_inject";
import { NO_PAGE, mem_map } from "./mm_types";
import { out_of_memory } from "./oom_kill";
import { blk_wait_for_one } from "./page_io";
import { current, fatal_signal_pending } from "./sched";
import { __page_cache_release } from "./swap";
import { try_to_free_pages, wakeup_kswapd } from "./vmscan";
import { count_unused, count_vm_event, folio_mark_used } from "./vmstat";
import {
  proposal_cleared,
  proposal_copied,
  proposal_free_page,
  proposal_freed,
  proposal_new_page,
  proposal_rmqueue,
  struct_page_bytes,
} from "../proposal/proposal";

/** Rounds of direct reclaim without a frame freed before memory is out. */
const MAX_RECLAIM_RETRIES: u32 = 2;

/** Frames the machine has. */
// @nomark
export function totalram_pages(): u32 {
  return load<u32>(CONF_BASE + Conf.ram_frames * 8) - load<u32>(NR_KERNEL);
}

/** Frames on the free list. */
// @nomark
export function nr_free_pages(): u32 {
  return load<u32>(NR_FREE);
}

/**
 * Builds the free list: ascending, so that the first frames given out are neighbours.
 * The first frames stay with the kernel: its text, and struct page for every frame (64
 * bytes each in Linux, more where a proposal adds to it).
 */
// @nomark
export function mem_init(): void {
  const nr = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  const kernel: u32 = 4 + ((nr * struct_page_bytes() + 4095) >> 12);
  assert(kernel + 8 < nr);
  store<u32>(NR_KERNEL, kernel);
  for (let pfn: u32 = 0; pfn < nr; pfn++) {
    const p = mem_map(pfn);
    if (pfn < kernel) {
      p.flags = PG.reserved;
      p.refcount = 1;
    } else {
      p.flags = PG.free;
      p.lru_next = pfn + 1 < nr ? pfn + 1 : NO_PAGE;
    }
  }
  store<u32>(FREE_HEAD, kernel);
  store<u32>(NR_FREE, nr - kernel);
  // One frame of zeros stands for every page that was read and never written.
  const zero = alloc_page(PG.zero | PG.reserved, 0, 0);
  clear_page(zero);
  store<u32>(ZERO_PFN, zero);
  setup_per_zone_wmarks();
}

/**
 * The watermarks, by min_free_kbytes or, where that is 0, by Linux's rule: 4 times the
 * square root of memory in KiB, from 128 KiB to 256 MiB. A machine of less than 4 MiB,
 * which Linux does not run on, keeps a sixteenth.
 */
// @nomark
export function setup_per_zone_wmarks(): void {
  const managed: u64 = totalram_pages();
  const set = load<u64>(CONF_BASE + Conf.vm_min_free_kbytes * 8);
  const root = <u64>sqrt<f64>(<f64>(managed * 4 * 16));
  const kbytes = set != 0 ? set : min<u64>(max<u64>(root, 128), 262144);
  const least = max<u64>(1, min<u64>(kbytes >> 2, managed / (set != 0 ? 4 : 16)));
  const scale = load<u64>(CONF_BASE + Conf.vm_watermark_scale_factor * 8);
  const step = max<u64>(1, max<u64>(least / 4, (managed * scale) / 10000));
  store<u32>(WMARK_MIN, <u32>least);
  store<u32>(WMARK_LOW, <u32>(least + step));
  store<u32>(WMARK_HIGH, <u32>(least + 2 * step));
}

/**
 * Takes one frame, contents as its last owner left them. Pages may be reclaimed for it:
 * what the caller still needs of others it must hold (get_page).
 * => pfn with a reference count of 1; NO_PAGE when the running process is to die for
 * lack of memory, or nobody can.
 */
export function alloc_page(flags: u32, mapping: u32, index: u64): u32 {
  if (should_fail_alloc_page()) return NO_PAGE;
  let pfn = rmqueue(load<u32>(WMARK_LOW)); // A
  if (pfn == NO_PAGE) pfn = __alloc_pages_slowpath(true);
  if (pfn == NO_PAGE) return NO_PAGE;
  prep_new_page(pfn, flags, mapping, index);
  return pfn;
}

/** The same for a guess (readahead): not worth anybody's life. */
export function alloc_page_noretry(flags: u32, mapping: u32, index: u64): u32 {
  if (should_fail_alloc_page()) return NO_PAGE;
  let pfn = rmqueue(load<u32>(WMARK_LOW));
  if (pfn == NO_PAGE) pfn = __alloc_pages_slowpath(false);
  if (pfn == NO_PAGE) return NO_PAGE;
  prep_new_page(pfn, flags, mapping, index);
  return pfn;
}

/** B, C, D: memory is short. => pfn, or NO_PAGE. */
export function __alloc_pages_slowpath(may_oom: bool): u32 {
  if (load<u32>(PF_MEMALLOC) != 0) return rmqueue(0);
  wakeup_kswapd();
  let pfn = rmqueue(load<u32>(WMARK_MIN)); // B
  let without: u32 = 0;
  while (pfn == NO_PAGE) {
    if (fatal_signal_pending(current())) return rmqueue(load<u32>(WMARK_MIN) / 2);
    // C
    const progress = try_to_free_pages();
    pfn = rmqueue(load<u32>(WMARK_MIN));
    if (pfn != NO_PAGE) return pfn;
    without = progress > 0 ? 0 : without + 1;
    if (!may_oom) return NO_PAGE;
    if (without < MAX_RECLAIM_RETRIES) continue;
    // What the disk is reading or writing cannot go yet, but soon.
    if (blk_wait_for_one()) continue;
    // D
    if (!out_of_memory()) return NO_PAGE;
    pfn = rmqueue(load<u32>(WMARK_MIN));
    without = 0;
  }
  return pfn;
}

/** Takes the head of the free list if more than `mark` are free. => pfn, or NO_PAGE. */
function rmqueue(mark: u32): u32 {
  if (load<u32>(NR_FREE) <= mark) return NO_PAGE;
  const pfn = proposal_rmqueue(load<u32>(FREE_HEAD));
  if (pfn == NO_PAGE) return NO_PAGE;
  const next = mem_map(pfn).lru_next;
  store<u32>(FREE_HEAD, next);
  store<u32>(NR_FREE, load<u32>(NR_FREE) - 1);
  return pfn;
}

/** Writes down who has the frame now. */
// @nomark
function prep_new_page(pfn: u32, flags: u32, mapping: u32, index: u64): void {
  const p = mem_map(pfn);
  proposal_new_page(pfn, flags, mapping);
  p.flags = flags;
  p.refcount = 1;
  p.mapcount = 0;
  p.mapping = mapping;
  p.index = index;
  p.lru_next = NO_PAGE;
  p.lru_prev = NO_PAGE;
  count_vm_event(VmEvent.PGALLOC);
  emit(Ev.PageAlloc, pfn, flags, <u64>mapping | (index << 32));
}

/** Another holder of `pfn`. */
// @nomark
export function get_page(pfn: u32): void {
  const p = mem_map(pfn);
  assert(p.refcount > 0);
  p.refcount++;
}

/** One holder less; the last one gives the frame back to the free list. */
export function put_page(pfn: u32): void {
  const p = mem_map(pfn);
  assert(p.refcount > 0);
  p.refcount--;
  if (p.refcount == 0) free_page(pfn);
}

/** Back to the head of the free list. Nothing may map it or hold it. */
// @nomark
function free_page(pfn: u32): void {
  const p = mem_map(pfn);
  assert(p.mapcount == 0);
  assert((p.flags & (PG.pagecache | PG.swapcache)) == 0);
  __page_cache_release(pfn);
  count_unused(pfn);
  emit(Ev.PageFree, pfn, p.flags, 0);
  frame_dropped(pfn);
  proposal_free_page(pfn);
  p.flags = PG.free;
  p.mapping = 0;
  p.index = 0;
  p.private_ = 0;
  p.stamp = 0;
  p.age = 0;
  p.lru_next = load<u32>(FREE_HEAD);
  store<u32>(FREE_HEAD, pfn);
  store<u32>(NR_FREE, load<u32>(NR_FREE) + 1);
  proposal_freed(pfn);
  count_vm_event(VmEvent.PGFREE);
}

/** Fills a frame with zeros. */
// @nomark
export function clear_page(pfn: u32): void {
  frame_written(pfn);
  memory.fill(frame_addr(pfn), 0, PAGE_SIZE);
  proposal_cleared(pfn);
}

/** What it has cost to clear frame `pfn` for a program. */
// @nomark
export function account_clear_page(pfn: u32): void {
  const on = cache_is_on();
  charge(CostKind.Clear, on ? cost_of_clear(cache_page(pfn)) : cost(Cost.ClearPage));
  count_vm_event(VmEvent.CLEAR_PAGE);
}

/** The same as alloc_page, and rather a frame that was `owner`'s (see nozero_list.ts).
 */
// @nomark
export function alloc_page_of(
  owner: u32, flags: u32, mapping: u32, index: u64,
): u32 {
  store<u32>(NOZERO_ASKED, owner);
  const pfn = alloc_page(flags, mapping, index);
  store<u32>(NOZERO_ASKED, 0);
  return pfn;
}

/** Copies one frame onto another. */
// @nomark
export function copy_page(to: u32, from: u32): void {
  frame_written(to);
  memory.copy(frame_addr(to), frame_addr(folio_mark_used(from)), PAGE_SIZE);
  proposal_copied(to, from);
  if (cache_is_on()) {
    cache_page(from);
    cache_page(to);
  }
}
