// Reclaim: memory is short, so pages that can be had again are taken away.
//
//     free frames
//     high  ------------------------------------------  kswapd stops
//     low   ------------------------------------------  kswapd is woken
//     min   ------------------------------------------  whoever asks must reclaim first
//     0     (the reserve: for reclaim itself, and for who is about to die)
//
// The replacement policy says which page goes next (policy/policy.ts), and what becomes
// of it is in shrink_folio.ts. A reclaim goes in rounds, harder and harder: of all
// pages that the policy has, one in 2^12 is looked at, then one in 2^11 ... then all.
//
// kswapd starts writes and sleeps until the disk is done; a process that reclaims for
// itself has to wait for them where it is.
//
// In Linux: mm/vmscan.c shrink_lruvec(), balance_pgdat(), kswapd(), wakeup_kswapd(),
// try_to_free_pages() (6.12).
// Left out: memory cgroups, NUMA, compaction, slab shrinkers (the kernel's own memory
// does not grow), throttling.
import {
  CONF_BASE,
  Conf,
  Ev,
  HART_INSTRET,
  KSWAPD_FAILURES,
  KSWAPD_TASK,
  NR_WRITEBACK,
  PF_MEMALLOC,
  PG,
  POLICY_CLOCK,
  POLICY_NR,
  POLICY_PARAMS,
  POLICY_RESIDENT,
  POLICY_TICK_AT,
  PolicyParam,
  SCAN_CONTROL,
  TaskState,
  VmEvent,
  WMARK_HIGH,
  WMARK_LOW,
} from "../abi";
import { disk_busy_until, disk_wait } from "../hw/disk";
import { emit } from "../log";
import {
  policy_switch,
  policy_tick,
  policy_victim,
} from "../policy/policy";
import { shrink_folio } from "./shrink_folio";
import { kthread_sleep } from "./kthread";
import { lru_add_drain } from "./madvise_free";
import { NO_PAGE, mem_map } from "./mm_types";
import { nr_free_pages } from "./page_alloc";
import { blk_done, blk_start } from "./page_io";
import { current, task_struct, try_to_wake_up } from "./sched";
import { folio_add_lru, watch_for_policy } from "./swap";
import { count_vm_event } from "./vmstat";

const DEF_PRIORITY: i32 = 12;
const SWAP_CLUSTER_MAX: u32 = 32;
const MAX_RECLAIM_RETRIES: u32 = 16;

/** The reclaim at hand. */
@unmanaged
export class scan_control {
  nr_to_reclaim!: u32;
  nr_reclaimed!: u32; // frames that are free, or will be when their write is done
  nr_scanned!: u32;
  priority!: i32;
  kswapd!: u32; // 1: by kswapd, 0: by who wants memory
  nr_kept!: u32; // pages in SCAN_KEPT
  aside!: u32; // first page that was set aside, linked by lru_next
}

// @nomark
export function the_scan(): scan_control {
  return changetype<scan_control>(SCAN_CONTROL);
}

/**
 * Instructions to a unit of the policies' virtual time, and units between two ticks.
 */
const POLICY_CLOCK_INSNS: u64 = 1000;
const POLICY_TICK: u32 = 100;

/**
 * The policies' time goes on with the instructions that programs retire; at a tick
 * those that sample referenced bits collect them. Another policy that was asked for
 * meanwhile takes over here.
 */
// @nomark
export function policy_clock(): void {
  const wanted = load<u32>(CONF_BASE + Conf.policy * 8);
  if (wanted != load<u32>(POLICY_NR)) {
    policy_switch(wanted);
    watch_for_policy();
  }
  const now = <u32>(load<u64>(HART_INSTRET) / POLICY_CLOCK_INSNS);
  const swappiness = load<u32>(CONF_BASE + Conf.vm_swappiness * 8);
  store<u32>(POLICY_PARAMS + PolicyParam.swappiness * 4, swappiness);
  store<u32>(POLICY_CLOCK, now);
  if (now - load<u32>(POLICY_TICK_AT) < POLICY_TICK) return;
  store<u32>(POLICY_TICK_AT, now);
  policy_tick();
}

/** Begins a reclaim that is to give `pages` frames. */
// @nomark
function begin_scan(pages: u32, kswapd: u32): scan_control {
  const sc = the_scan();
  sc.nr_to_reclaim = pages;
  sc.nr_reclaimed = 0;
  sc.nr_scanned = 0;
  sc.kswapd = kswapd;
  sc.nr_kept = 0;
  sc.aside = NO_PAGE;
  store<u32>(PF_MEMALLOC, 1);
  policy_clock();
  return sc;
}

/** Ends it: the writes that it queued begin. */
// @nomark
function end_scan(sc: scan_control): void {
  store<u32>(PF_MEMALLOC, 0);
  blk_start();
  while (sc.aside != NO_PAGE) {
    const pfn = sc.aside;
    sc.aside = mem_map(pfn).lru_next;
    folio_add_lru(pfn, 0);
  }
  const what = <u64>sc.nr_scanned | (<u64>sc.nr_reclaimed << 32);
  emit(Ev.Reclaim, what, sc.kswapd, nr_free_pages());
}

/** Is memory short enough for kswapd? Then it has its turn when this entry ends. */
// @nomark
export function wakeup_kswapd(): void {
  const at = load<u32>(KSWAPD_TASK);
  if (at == 0 || load<u32>(KSWAPD_FAILURES) >= MAX_RECLAIM_RETRIES) return;
  const task = changetype<task_struct>(<usize>at);
  // One that sleeps until the disk is done looks again by itself.
  if (task.state == TaskState.running || task.wake_at != u64.MAX_VALUE) return;
  emit(Ev.KswapdWake, nr_free_pages(), load<u32>(WMARK_LOW), current().pid);
  try_to_wake_up(task);
}

/**
 * kswapd's work: balances memory, and sleeps until it is wanted or the disk is done.
 */
export function kswapd(task: task_struct): void {
  balance_pgdat();
  const waits = nr_free_pages() <= load<u32>(WMARK_HIGH) && load<u32>(NR_WRITEBACK) > 0;
  kthread_sleep(task, waits ? disk_busy_until() : u64.MAX_VALUE);
}

/** Frames that are free, or will be when what is being written for that is done. */
// @nomark
function free_soon(): u32 {
  return nr_free_pages() + load<u32>(NR_WRITEBACK);
}

/** Reclaims until more than the high watermark is free: harder and harder. */
export function balance_pgdat(): void {
  const high = load<u32>(WMARK_HIGH);
  if (free_soon() > high) return;
  count_vm_event(VmEvent.PAGEOUTRUN);
  const sc = begin_scan(high + 1 - free_soon(), 1);
  for (sc.priority = DEF_PRIORITY; sc.priority > 0; sc.priority--) {
    if (sc.nr_reclaimed >= sc.nr_to_reclaim) break;
    shrink_lruvec(sc);
  }
  end_scan(sc);
  const failures = load<u32>(KSWAPD_FAILURES);
  store<u32>(KSWAPD_FAILURES, sc.nr_reclaimed > 0 ? 0 : failures + 1);
}

/**
 * Direct reclaim: who wants a frame and finds none makes some free, and waits for the
 * disk if it must.
 * => frames made free.
 */
export function try_to_free_pages(): u32 {
  count_vm_event(VmEvent.ALLOCSTALL);
  blk_start(); // pages whose read is only queued would look idle
  const free = nr_free_pages();
  const high = load<u32>(WMARK_HIGH);
  const wanted = high > free ? high - free : 1;
  const sc = begin_scan(min<u32>(wanted, SWAP_CLUSTER_MAX), 0);
  for (sc.priority = DEF_PRIORITY; sc.priority >= 0; sc.priority--) {
    if (sc.nr_reclaimed >= sc.nr_to_reclaim) break;
    shrink_lruvec(sc);
  }
  end_scan(sc);
  while (load<u32>(NR_WRITEBACK) > 0) {
    disk_wait();
    blk_done();
  }
  if (sc.nr_reclaimed > 0) store<u32>(KSWAPD_FAILURES, 0);
  return nr_free_pages() > free ? nr_free_pages() - free : 0;
}

/**
 * MADV_PAGEOUT: pages that somebody names are taken away between reclaim_begin and
 * reclaim_end, one reclaim_page each, whatever the policy thinks of them.
 */
export function reclaim_begin(): void {
  begin_scan(u32.MAX_VALUE, 0);
}

/** => whether the page's frame is free, or will be when its write is done. */
export function reclaim_page(pfn: u32): bool {
  const sc = the_scan();
  if (mem_map(pfn).lru == 0) return false;
  sc.nr_scanned++;
  if (!shrink_folio(pfn)) return false;
  sc.nr_reclaimed++;
  return true;
}

/** The writes begin; nobody waits for them. => pages taken */
export function reclaim_end(): u32 {
  const sc = the_scan();
  end_scan(sc);
  return sc.nr_reclaimed;
}

/**
 * One round: of the pages that the policy has, one in 2^priority at most. So all rounds
 * of a reclaim together look at twice as many pages as there are, no more.
 */
export function shrink_lruvec(sc: scan_control): void {
  lru_add_drain();
  let budget = load<u32>(POLICY_RESIDENT) >> sc.priority;
  while (budget > 0 && sc.nr_reclaimed < sc.nr_to_reclaim) {
    const pfn = policy_victim();
    if (pfn == NO_PAGE) return;
    budget--;
    sc.nr_scanned++;
    const swaps = (mem_map(pfn).flags & PG.swapbacked) != 0;
    count_vm_event(sc.kswapd ? VmEvent.PGSCAN_KSWAPD : VmEvent.PGSCAN_DIRECT);
    count_vm_event(swaps ? VmEvent.PGSCAN_ANON : VmEvent.PGSCAN_FILE);
    if (!shrink_folio(pfn)) continue;
    sc.nr_reclaimed++;
    count_vm_event(sc.kswapd ? VmEvent.PGSTEAL_KSWAPD : VmEvent.PGSTEAL_DIRECT);
    count_vm_event(swaps ? VmEvent.PGSTEAL_ANON : VmEvent.PGSTEAL_FILE);
  }
}
