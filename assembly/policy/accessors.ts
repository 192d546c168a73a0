// What a policy may ask about a page. Two drivers work the policies, and each answers
// in its own way; the policies cannot tell the difference.
//
//   question                    kernel (mm/vmscan)       trace (sim.ts)
//   referenced since last       PTE accessed bits, by    the accessed bit of the
//     asked?                    the reverse map          page's one entry
//   would evicting it cost a    PG_dirty, PTE dirty      the dirty bit of that entry
//     write?                    bits
//   clean it in the background  writeback begins         counted, the bit is cleared
//   file page or anonymous?     PG_swapbacked            all are file pages
//   when is it used next?       not known                the recorded future
//
// Which driver it is, is known when this is compiled: the simulator is built with
// TRACE_DRIVEN defined (tools/build-core.mjs), the core without.
//
// In Linux: folio_referenced() in mm/rmap.c, folio_test_dirty(), pageout() in
// mm/vmscan.c (6.12).
// Left out: nothing a policy here would ask for.
import { PG, VM } from "../abi";
import { mem_map } from "../kernel/mm_types";
import { folio_referenced, the_walk } from "../kernel/rmap";
import { get_nr_swap_pages } from "../kernel/swapfile";
import { folio_needs_write, start_page_writeback } from "../kernel/shrink_folio";
import { count_vm_event } from "../kernel/vmstat";
import {
  trace_clean,
  trace_dirty,
  trace_next_use,
  trace_referenced,
} from "./trace";

/**
 * Was the page used since this was last asked? Its referenced bits are cleared.
 * => PTEs through which it was; 0 none.
 */
// @nomark
export function test_and_clear_referenced(pfn: u32): u32 {
  if (isDefined(TRACE_DRIVEN)) return trace_referenced(pfn);
  return folio_referenced(pfn);
}

/** Was the use that test_and_clear_referenced has just found one of code? */
// @nomark
export function referenced_exec(): bool {
  if (isDefined(TRACE_DRIVEN)) return false;
  return (the_walk().vm_flags & VM.EXEC) != 0;
}

/** Would its contents have to be written before its frame is free? */
// @nomark
export function page_dirty(pfn: u32): bool {
  if (isDefined(TRACE_DRIVEN)) return trace_dirty(pfn);
  return folio_needs_write(pfn);
}

/**
 * Starts writing a dirty page to the disk, so that a later scan finds it clean.
 * => whether it could be started.
 */
// @nomark
export function start_writeback(pfn: u32): bool {
  if (isDefined(TRACE_DRIVEN)) return trace_clean(pfn);
  return start_page_writeback(pfn);
}

/** Something that /proc/vmstat counts has happened. */
// @nomark
export function count_policy_event(event: i32): void {
  if (isDefined(TRACE_DRIVEN)) return;
  count_vm_event(event);
}

/** A page of a file (not shmem), as against one that only swap could take? */
// @nomark
export function page_is_file_lru(pfn: u32): bool {
  if (isDefined(TRACE_DRIVEN)) return true;
  return (mem_map(pfn).flags & PG.swapbacked) == 0;
}

/** Is there anywhere to put an anonymous page? */
// @nomark
export function can_reclaim_anon_pages(): bool {
  if (isDefined(TRACE_DRIVEN)) return false;
  return get_nr_swap_pages() > 0;
}

/**
 * Number of the reference that uses the page next; u32.MAX_VALUE when none will.
 * Only a recorded trace knows (PolicyNeed.future).
 */
// @nomark
export function next_use(pfn: u32): u32 {
  if (isDefined(TRACE_DRIVEN)) return trace_next_use(pfn);
  return u32.MAX_VALUE;
}

/** Does next_use know anything? */
// @nomark
export function knows_future(): bool {
  return isDefined(TRACE_DRIVEN);
}
