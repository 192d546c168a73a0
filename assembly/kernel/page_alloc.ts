// Who owns each frame of memory, and which are free.
//
//   free list:  head -> pfn -> pfn -> ... -> 0      (struct page, lru_next)
//
//   alloc_page   takes from the head
//   free_page    puts back at the head: a frame just used is still in the caches
//
// A frame's reference count says how many hold it: one for each PTE that maps it, one
// for the page cache. At zero it goes back to the list. Only this file changes
// reference counts. At boot the first frames are set aside for the kernel itself, the
// vDSO (vdso.ts) among them.
//
// In Linux: mm/page_alloc.c, rmqueue() and __free_pages() (6.12); per-CPU lists.
// Left out: orders above 0 (the buddy system), zones, watermarks, migration types.
import {
  CONF_BASE,
  Conf,
  Ev,
  FREE_HEAD,
  NR_FREE,
  NR_KERNEL,
  PAGE_SIZE,
  PG,
  VmEvent,
  ZERO_PFN,
} from "../abi";
import { frame_addr, frame_dropped, frame_written } from "../hw/bus";
import { emit } from "../log";
import { NO_PAGE, mem_map } from "./mm_types";
import { count_vm_event } from "./vmstat";

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
 * bytes each in Linux).
 */
// @nomark
export function mem_init(): void {
  const nr = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  const kernel: u32 = 4 + ((nr * 64 + 4095) >> 12);
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
}

/**
 * Takes one frame, contents as its last owner left them.
 * => pfn with a reference count of 1, or NO_PAGE when none is free.
 */
export function alloc_page(flags: u32, mapping: u32, index: u64): u32 {
  const pfn = rmqueue();
  if (pfn == NO_PAGE) return NO_PAGE;
  prep_new_page(pfn, flags, mapping, index);
  return pfn;
}

/** Takes the head of the free list. => pfn, or NO_PAGE. */
function rmqueue(): u32 {
  const pfn = load<u32>(FREE_HEAD);
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
  p.flags = flags;
  p.refcount = 1;
  p.mapcount = 0;
  p.mapping = mapping;
  p.index = index;
  p.lru_next = NO_PAGE;
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
  assert((p.flags & PG.pagecache) == 0);
  emit(Ev.PageFree, pfn, p.flags, 0);
  frame_dropped(pfn);
  p.flags = PG.free;
  p.mapping = 0;
  p.index = 0;
  p.private_ = 0;
  p.lru_next = load<u32>(FREE_HEAD);
  store<u32>(FREE_HEAD, pfn);
  store<u32>(NR_FREE, load<u32>(NR_FREE) + 1);
  count_vm_event(VmEvent.PGFREE);
}

/** Fills a frame with zeros. */
// @nomark
export function clear_page(pfn: u32): void {
  frame_written(pfn);
  memory.fill(frame_addr(pfn), 0, PAGE_SIZE);
}

/** Copies one frame onto another. */
// @nomark
export function copy_page(to: u32, from: u32): void {
  frame_written(to);
  memory.copy(frame_addr(to), frame_addr(from), PAGE_SIZE);
}
