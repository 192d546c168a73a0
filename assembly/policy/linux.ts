// Linux's two lists: a page that was used once may never be used again; only a second
// use makes it active. Scans of much data run through the inactive list and leave the
// active pages alone.
//
//   new page                       reclaim looks here
//      |                                   |
//      v  newest    inactive     coldest   v
//      +--[ ]--[ ]--[ ]--[ ]--[ ]--[ ]--> not used: goes
//           ^                   |
//           | too few           | used twice: activated
//           |                   v
//      <--[ ]--[ ]--[ ]--[ ]--[ ]--+      come back soon after eviction: active at
//         coldest   active    newest      once (workingset.ts)
//
// There is one such pair for file pages and one for anonymous ones (swap-backed).
//
//   page_check_references, the inactive list's coldest page:
//     ACTIVATE  used, and it had been found used before, or through several mappings,
//               or it is a file's code
//     KEEP      used, for the first time: once more around, marked PG_referenced
//     RECLAIM   not used
//   inactive_is_low: fewer inactive than active / ratio; then the active list's coldest
//     pages become inactive, used or not, but for a file's code that was used
//   get_scan_count: which pair? By vm.swappiness, and by what each cost lately; file
//     pages alone while enough of them are inactive (cache_trim_mode), or without swap
//
// In Linux: mm/vmscan.c, mm/swap.c, Documentation/mm/multigen_lru.rst for the other
// policy (6.12). DEF_PRIORITY is 12, SWAP_CLUSTER_MAX 32 as here.
// Left out: the unevictable list (such pages are not given to a policy); batches of 32
// taken off before they are judged; deactivation after refaults; proportional scans of
// the active list.
import { POLICY_PARAMS, POLICY_VARS, PolicyParam, VmEvent } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import {
  can_reclaim_anon_pages,
  count_policy_event,
  page_is_file_lru,
  referenced_exec,
  test_and_clear_referenced,
} from "./accessors";
import {
  lru_size,
  lru_to_page,
  lruvec_add_page,
  lruvec_move_page,
  page_lru,
} from "./lruvec";
import {
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  PAGE_REFERENCED,
  PAGE_WORKINGSET,
  workingset_age_nonresident,
  workingset_refault,
} from "./workingset";

const SWAP_CLUSTER_MAX: u32 = 32;
const DEF_PRIORITY: u32 = 12;
/** Added to an inactive list's number. */
const LRU_ACTIVE: u32 = 1;
/** u32 each: what reclaim of each kind cost lately, in pages. */
const ANON_COST: usize = POLICY_VARS + 4;
const FILE_COST: usize = POLICY_VARS + 8;
/** i64: which kind is behind its share; positive: anonymous pages are. */
const SCAN_BALANCE: usize = POLICY_VARS + 16;

/** A page came. @param shadow what its eviction left, or 0 */
export function linux_insert(pfn: u32, shadow: u32): void {
  const file = page_is_file_lru(pfn);
  const lru = file ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;
  mem_map(pfn).age = 0;
  const active = shadow != 0 && workingset_refault(pfn, shadow, file);
  lruvec_add_page(active ? lru + LRU_ACTIVE : lru, pfn);
  if (active && (mem_map(pfn).age & PAGE_WORKINGSET)) lru_note_cost(file);
}

/** Reclaiming pages of one kind turned out to cost a page of work. */
// @nomark
function lru_note_cost(file: bool): void {
  const at = file ? FILE_COST : ANON_COST;
  store<u32>(at, load<u32>(at) + 1);
  const anon = load<u32>(ANON_COST);
  const cost = load<u32>(FILE_COST);
  let pages: u32 = 0;
  for (let lru = LRU_INACTIVE_ANON; lru <= LRU_ACTIVE_FILE; lru++) {
    pages += lru_size(lru);
  }
  // What counts is the recent past: old costs decay.
  if (anon + cost <= pages / 4) return;
  store<u32>(ANON_COST, anon / 2);
  store<u32>(FILE_COST, cost / 2);
}

/**
 * The kernel saw a use that no referenced bit records, as read(2) makes:
 * inactive -> inactive, referenced -> active -> active, referenced.
 */
export function mark_page_accessed(pfn: u32): void {
  const page = mem_map(pfn);
  if ((page.age & PAGE_REFERENCED) == 0) {
    page.age |= PAGE_REFERENCED;
  } else if ((page_lru(pfn) & LRU_ACTIVE) == 0) {
    page.age &= ~PAGE_REFERENCED;
    activate_page(pfn);
  }
}

/** Moves an inactive page to the active list of its kind. */
// @nomark
function activate_page(pfn: u32): void {
  lruvec_move_page(page_lru(pfn) | LRU_ACTIVE, pfn);
  workingset_age_nonresident(1);
  count_policy_event(VmEvent.PGACTIVATE);
}

/** Moves a page to the coldest end of its kind's inactive list; its uses are past. */
// @nomark
export function linux_inactive_lru(pfn: u32): u32 {
  mem_map(pfn).age = 0;
  test_and_clear_referenced(pfn);
  return page_lru(pfn) & ~LRU_ACTIVE;
}

/** A page that could not go stays, inactive, and costs. */
// @nomark
export function linux_keep(pfn: u32): void {
  const lru = page_lru(pfn);
  lruvec_move_page(lru, pfn);
  lru_note_cost(lru >= LRU_INACTIVE_FILE);
}

/** The largest whole number whose square is at most x. */
// @nomark
function int_sqrt(x: u32): u32 {
  return <u32>sqrt<f64>(<f64>x);
}

/** Is an inactive list too short against its active one? Large memory affords more. */
// @nomark
function inactive_is_low(inactive_lru: u32): bool {
  const inactive = lru_size(inactive_lru);
  const active = lru_size(inactive_lru + LRU_ACTIVE);
  const gb = (inactive + active) >> 18;
  const inactive_ratio = gb ? int_sqrt(10 * gb) : 1;
  return inactive * inactive_ratio < active;
}

/** The active list's coldest pages become inactive. */
function shrink_active_list(active_lru: u32): void {
  const nr = min<u32>(lru_size(active_lru), SWAP_CLUSTER_MAX);
  for (let left = nr; left > 0; left--) {
    const pfn = lru_to_page(active_lru);
    count_policy_event(VmEvent.PGREFILL);
    // Code that is in use goes around once more: programs run better for it.
    const used = test_and_clear_referenced(pfn) != 0;
    if (used && active_lru == LRU_ACTIVE_FILE && referenced_exec()) {
      lruvec_move_page(active_lru, pfn);
      continue;
    }
    mem_map(pfn).age |= PAGE_WORKINGSET;
    lruvec_move_page(active_lru - LRU_ACTIVE, pfn);
    count_policy_event(VmEvent.PGDEACTIVATE);
  }
}

/** Decides from which kind the next page comes. => its inactive list */
function get_scan_count(): u32 {
  const swappiness = load<u32>(POLICY_PARAMS + PolicyParam.swappiness * 4);
  const anon = lru_size(LRU_INACTIVE_ANON) + lru_size(LRU_ACTIVE_ANON);
  const file = lru_size(LRU_INACTIVE_FILE) + lru_size(LRU_ACTIVE_FILE);
  if (!can_reclaim_anon_pages() || anon == 0) return LRU_INACTIVE_FILE;
  if (file == 0) return LRU_INACTIVE_ANON;
  if (swappiness == 0 || cache_trim_mode()) return LRU_INACTIVE_FILE;
  // What one kind cost lately speaks for the other; both keep at least a third.
  const anon_cost: u64 = load<u32>(ANON_COST);
  const file_cost: u64 = load<u32>(FILE_COST);
  const sum = anon_cost + file_cost;
  const total = sum + anon_cost + (sum + file_cost);
  const ap = (<u64>swappiness * (total + 1)) / (sum + anon_cost + 1);
  const fp = (<u64>(200 - swappiness) * (total + 1)) / (sum + file_cost + 1);
  const balance = load<i64>(SCAN_BALANCE) + <i64>ap;
  const scan_anon = balance > 0;
  store<i64>(SCAN_BALANCE, scan_anon ? balance - <i64>(ap + fp) : balance);
  return scan_anon ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE;
}

/**
 * Are there inactive file pages enough to leave everything else alone? Linux scans
 * size >> priority of each list, with the first priority that gives a page anywhere.
 */
function cache_trim_mode(): bool {
  if (inactive_is_low(LRU_INACTIVE_FILE)) return false;
  let largest: u32 = 1;
  for (let lru = LRU_INACTIVE_ANON; lru <= LRU_ACTIVE_FILE; lru++) {
    largest = max<u32>(largest, lru_size(lru));
  }
  const priority = min<u32>(31 - clz(largest), DEF_PRIORITY);
  return lru_size(LRU_INACTIVE_FILE) >> priority > 0;
}

/** Is the inactive page to go? If not, it has been given another place. => whether */
function page_check_references(pfn: u32): bool {
  const page = mem_map(pfn);
  const referenced_ptes = test_and_clear_referenced(pfn);
  const referenced_page = (page.age & PAGE_REFERENCED) != 0;
  page.age &= ~PAGE_REFERENCED;
  if (referenced_ptes == 0) return true; // RECLAIM
  page.age |= PAGE_REFERENCED;
  const lru = page_lru(pfn);
  const exec = lru == LRU_INACTIVE_FILE && referenced_exec();
  if (referenced_page || referenced_ptes > 1 || exec) {
    activate_page(pfn); // ACTIVATE
  } else {
    lruvec_move_page(lru, pfn); // KEEP
  }
  lru_note_cost(lru >= LRU_INACTIVE_FILE);
  return false;
}

/** => the first inactive page that was not used, or NO_PAGE. */
export function linux_victim(): u32 {
  while (true) {
    const lru = get_scan_count();
    if (inactive_is_low(lru)) shrink_active_list(lru + LRU_ACTIVE);
    const pfn = lru_to_page(lru);
    if (pfn == NO_PAGE) return NO_PAGE;
    if (page_check_references(pfn)) return pfn;
  }
}
