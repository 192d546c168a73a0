// /proc/vmstat: how many pages there are of a kind, and how often something happened to
// one. /proc/buddyinfo: how free memory is cut up.
//
//   nr_*     pages now, see proc_meminfo.ts
//   others   events since boot, see vmstat.ts
//
// Names and order of the lines are Linux's; the lines are those that can differ from 0
// here. At the end stand six counters that Linux does not have.
//
// In Linux: mm/vmstat.c vmstat_show(), frag_show(), pagetypeinfo_show() (6.12).
// Left out: zones. Free memory is a list of frames and not a buddy system, so buddyinfo
// says into which blocks one would have joined them.
import {
  CONF_BASE,
  Conf,
  NR_FREE,
  PAGE_SIZE,
  PG,
  SEQ_BUF,
  VM_EVENTS,
  VmEvent,
  WMARK_HIGH,
  WMARK_LOW,
  WMARK_MIN,
} from "../abi";
import { mem_map } from "./mm_types";
import { totalram_pages } from "./page_alloc";
import { count_pages } from "./proc_meminfo";
import {
  seq_file,
  seq_put_decimal_ull,
  seq_put_decimal_ull_width,
  seq_put_field,
  seq_putc,
  seq_puts,
} from "./seq_file";
import { proposal_vmstat_show } from "../proposal/proposal";

/** A record of vmstat: "name value". => false behind the last. */
// @nomark
export function vmstat_show(m: seq_file): bool {
  m.next = m.index + 1;
  return m.index < 21 ? vmstat_state(m, <u32>m.index) : vmstat_event(m, <u32>m.index);
}

// @nomark
function state_line(m: seq_file, name: string, value: u64): bool {
  seq_puts(m, name);
  seq_put_field(m, value);
  seq_putc(m, 0x0a);
  return true;
}

// @nomark
export function event_line(m: seq_file, name: string, event: i32): bool {
  return state_line(m, name, load<u64>(VM_EVENTS + (<usize>event << 3)));
}

/** The lines that say how many pages there are of a kind. */
// @nomark
function vmstat_state(m: seq_file, line: u32): bool {
  const pages = count_pages();
  switch (line) {
    case 0: return state_line(m, "nr_free_pages", load<u32>(NR_FREE));
    case 1: return state_line(m, "nr_inactive_anon", pages.lru0);
    case 2: return state_line(m, "nr_active_anon", pages.lru1);
    case 3: return state_line(m, "nr_inactive_file", pages.lru2);
    case 4: return state_line(m, "nr_active_file", pages.lru3);
    case 5: return state_line(m, "nr_unevictable", pages.lru4);
    case 6: return state_line(m, "nr_mlock", pages.mlocked);
    case 7:
      return event_line(m, "workingset_refault_anon", VmEvent.WORKINGSET_REFAULT_ANON);
    case 8:
      return event_line(m, "workingset_refault_file", VmEvent.WORKINGSET_REFAULT_FILE);
    case 9:
      return event_line(
        m, "workingset_activate_anon", VmEvent.WORKINGSET_ACTIVATE_ANON,
      );
    case 10:
      return event_line(
        m, "workingset_activate_file", VmEvent.WORKINGSET_ACTIVATE_FILE,
      );
    case 11:
      return event_line(m, "workingset_restore_anon", VmEvent.WORKINGSET_RESTORE_ANON);
    case 12:
      return event_line(m, "workingset_restore_file", VmEvent.WORKINGSET_RESTORE_FILE);
    case 13: return state_line(m, "nr_anon_pages", pages.anon);
    case 14: return state_line(m, "nr_mapped", pages.mapped);
    case 15: return state_line(m, "nr_file_pages", pages.file);
    case 16: return state_line(m, "nr_dirty", pages.dirty);
    case 17: return state_line(m, "nr_writeback", pages.writeback);
    case 18: return state_line(m, "nr_shmem", pages.shmem);
    case 19: return state_line(m, "nr_page_table_pages", pages.tables);
    case 20: return state_line(m, "nr_swapcached", pages.swapcached);
    default: return false;
  }
}

/** The lines that say how often something happened. */
// @nomark
function vmstat_event(m: seq_file, line: u32): bool {
  switch (line) {
    case 21: return event_line(m, "pgpgin", VmEvent.PGPGIN);
    case 22: return event_line(m, "pgpgout", VmEvent.PGPGOUT);
    case 23: return event_line(m, "pswpin", VmEvent.PSWPIN);
    case 24: return event_line(m, "pswpout", VmEvent.PSWPOUT);
    case 25: return event_line(m, "pgalloc_normal", VmEvent.PGALLOC);
    case 26: return event_line(m, "allocstall_normal", VmEvent.ALLOCSTALL);
    case 27: return event_line(m, "pgfree", VmEvent.PGFREE);
    case 28: return event_line(m, "pgactivate", VmEvent.PGACTIVATE);
    case 29: return event_line(m, "pgdeactivate", VmEvent.PGDEACTIVATE);
    case 30: return event_line(m, "pglazyfree", VmEvent.PGLAZYFREE);
    case 31: return event_line(m, "pgfault", VmEvent.PGFAULT);
    case 32: return event_line(m, "pgmajfault", VmEvent.PGMAJFAULT);
    case 33: return event_line(m, "pglazyfreed", VmEvent.PGLAZYFREED);
    case 34: return event_line(m, "pgrefill", VmEvent.PGREFILL);
    case 35: return event_line(m, "pgreuse", VmEvent.PGREUSE);
    case 36: return event_line(m, "pgsteal_kswapd", VmEvent.PGSTEAL_KSWAPD);
    case 37: return event_line(m, "pgsteal_direct", VmEvent.PGSTEAL_DIRECT);
    case 38: return event_line(m, "pgscan_kswapd", VmEvent.PGSCAN_KSWAPD);
    case 39: return event_line(m, "pgscan_direct", VmEvent.PGSCAN_DIRECT);
    case 40: return event_line(m, "pgscan_anon", VmEvent.PGSCAN_ANON);
    case 41: return event_line(m, "pgscan_file", VmEvent.PGSCAN_FILE);
    case 42: return event_line(m, "pgsteal_anon", VmEvent.PGSTEAL_ANON);
    case 43: return event_line(m, "pgsteal_file", VmEvent.PGSTEAL_FILE);
    case 44:
      return event_line(
        m, "kswapd_low_wmark_hit_quickly", VmEvent.KSWAPD_LOW_WMARK_HIT_QUICKLY,
      );
    case 45: return event_line(m, "pageoutrun", VmEvent.PAGEOUTRUN);
    case 46: return event_line(m, "pgrotated", VmEvent.PGROTATED);
    case 47: return event_line(m, "drop_pagecache", VmEvent.DROP_PAGECACHE);
    case 48: return event_line(m, "oom_kill", VmEvent.OOM_KILL);
    case 49:
      return event_line(m, "unevictable_pgs_culled", VmEvent.UNEVICTABLE_PGS_CULLED);
    case 50:
      return event_line(m, "unevictable_pgs_rescued", VmEvent.UNEVICTABLE_PGS_RESCUED);
    case 51: return event_line(m, "swap_ra", VmEvent.SWAP_RA);
    case 52: return event_line(m, "swap_ra_hit", VmEvent.SWAP_RA_HIT);
    case 53: return event_line(m, "zero_page", VmEvent.ZERO_PAGE);
    case 54: return event_line(m, "cow", VmEvent.COW);
    case 55: return event_line(m, "fault_around", VmEvent.FAULT_AROUND);
    case 56: return event_line(m, "syscall", VmEvent.SYSCALL);
    case 57: return event_line(m, "scratch_drop", VmEvent.SCRATCH_DROP);
    case 58: return event_line(m, "scratch_reread", VmEvent.SCRATCH_REREAD);
    default: return proposal_vmstat_show(m, line - 59);
  }
}

const COUNTS: usize = SEQ_BUF + PAGE_SIZE + 0x700;
/** Orders that a buddy system would keep lists of. */
const NR_PAGE_ORDERS: u32 = 11;

/** Is [pfn, pfn + 2^order) all free? */
// @nomark
function block_is_free(pfn: u32, order: u32, frames: u32): bool {
  const end = pfn + (<u32>1 << order);
  if (end > frames) return false;
  for (let i = pfn; i < end; i++) {
    if ((mem_map(i).flags & PG.free) == 0) return false;
  }
  return true;
}

/** Counts the largest aligned free blocks, by order, to `counts` (u32 each). */
// @nomark
function fill_contig_page_info(counts: usize): void {
  memory.fill(counts, 0, NR_PAGE_ORDERS * 4);
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  let pfn: u32 = 0;
  while (pfn < frames) {
    if ((mem_map(pfn).flags & PG.free) == 0) {
      pfn++;
      continue;
    }
    let order: u32 = 0;
    while (order + 1 < NR_PAGE_ORDERS && (pfn & (((<u32>2) << order) - 1)) == 0) {
      if (!block_is_free(pfn, order + 1, frames)) break;
      order++;
    }
    const at = counts + (<usize>order << 2);
    store<u32>(at, load<u32>(at) + 1);
    pfn += <u32>1 << order;
  }
}

/** /proc/buddyinfo: how many free blocks of 1, 2, 4, .. 1024 pages there are. */
// @nomark
export function frag_show(m: seq_file): bool {
  if (m.index != 0) return false;
  seq_puts(m, "Node 0, zone   Normal ");
  frag_counts(m);
  return true;
}

// @nomark
function frag_counts(m: seq_file): void {
  fill_contig_page_info(COUNTS);
  for (let order: u32 = 0; order < NR_PAGE_ORDERS; order++) {
    seq_put_decimal_ull_width(m, load<u32>(COUNTS + (<usize>order << 2)), 6);
    seq_putc(m, 0x20);
  }
  seq_putc(m, 0x0a);
}

/** /proc/pagetypeinfo: the same by what the blocks are for: all are movable. */
// @nomark
export function pagetypeinfo_show(m: seq_file): bool {
  if (m.index != 0) return false;
  seq_puts(m, "Page block order: 9\nPages per block:  512\n\n");
  seq_puts(m, "Free pages count per migrate type at order  ");
  for (let order: u32 = 0; order < NR_PAGE_ORDERS; order++) {
    seq_put_decimal_ull_width(m, order, 6);
    seq_putc(m, 0x20);
  }
  seq_puts(m, "\nNode    0, zone   Normal, type      Movable ");
  frag_counts(m);
  return true;
}

/** /proc/zoneinfo: the watermarks of the one zone, and what it has. */
// @nomark
export function zoneinfo_show(m: seq_file): bool {
  if (m.index != 0) return false;
  const frames = load<u64>(CONF_BASE + Conf.ram_frames * 8);
  seq_puts(m, "Node 0, zone   Normal\n  pages free     ");
  seq_put_decimal_ull(m, load<u32>(NR_FREE));
  zone_line(m, "boost    ", 0);
  zone_line(m, "min      ", load<u32>(WMARK_MIN));
  zone_line(m, "low      ", load<u32>(WMARK_LOW));
  zone_line(m, "high     ", load<u32>(WMARK_HIGH));
  zone_line(m, "spanned  ", frames);
  zone_line(m, "present  ", frames);
  zone_line(m, "managed  ", totalram_pages());
  zone_line(m, "cma      ", 0);
  seq_puts(m, "\n  start_pfn:           0\n");
  return true;
}

// @nomark
function zone_line(m: seq_file, name: string, value: u64): void {
  seq_puts(m, "\n        ");
  seq_puts(m, name);
  seq_put_decimal_ull(m, value);
}
