// What a policy remembers of pages that are gone: only their names. A page that comes
// back while its name is still here was thrown out too early, and the policy learns.
//
//             oldest                     newest
//   list ---> [ key ] <-> [ key ] <-> [ key ] <-> (back to the oldest)
//                |
//   bucket[hash(key)] -> [ key ] -> [ key ] -> 0         to find a name
//
// Names cost 24 bytes, a page 4096: remembering as many pages as memory holds costs
// less than a hundredth of it. When the room is used up, the oldest name of the list
// that grows goes.
//
// Sources: the ghost lists of arc.ts, two_q.ts and s3_fifo.ts.
// In Linux: shadow entries in the page cache's xarray (mm/workingset.c) are found
// where the page was, and so need no list and no hash.
// Left out: nothing.
import {
  POLICY_HISTORY_ENTRY,
  POLICY_HIST_AT,
  POLICY_HIST_FREE,
  POLICY_HIST_LISTS,
  POLICY_HIST_NR,
  POLICY_HIST_USED,
} from "../abi";

/** Offsets in an entry. */
const NEWER: usize = 8;
const OLDER: usize = 12;
const CHAIN: usize = 16;
const LIST: usize = 20;

/** A power of two, at most half as many as names. */
// @nomark
function nr_buckets(): u32 {
  const half = load<u32>(POLICY_HIST_NR) >> 1;
  return half < 2 ? 2 : <u32>1 << (31 - clz(half));
}

// @nomark
function bucket(key: u64): usize {
  const hash = <u32>((key * 0x9e3779b97f4a7c15) >> 32) & (nr_buckets() - 1);
  return <usize>load<u32>(POLICY_HIST_AT) + (<usize>hash << 2);
}

// @nomark
function entry(i: u32): usize {
  const first = <usize>load<u32>(POLICY_HIST_AT) + (<usize>nr_buckets() << 2);
  return first + <usize>(i - 1) * POLICY_HISTORY_ENTRY;
}

// @nomark
function list_at(list: u32): usize {
  return POLICY_HIST_LISTS + (<usize>list << 3);
}

/** Forgets everything. */
// @nomark
export function history_init(): void {
  store<u32>(POLICY_HIST_USED, 0);
  store<u32>(POLICY_HIST_FREE, 0);
  memory.fill(POLICY_HIST_LISTS, 0, 32);
  memory.fill(<usize>load<u32>(POLICY_HIST_AT), 0, <usize>nr_buckets() << 2);
}

/** Names on `list`. */
// @nomark
export function history_size(list: u32): u32 {
  return load<u32>(list_at(list), 4);
}

/** => the entry of page `key`, or 0. */
// @nomark
export function history_find(key: u64): u32 {
  let i = load<u32>(bucket(key));
  while (i != 0 && load<u64>(entry(i)) != key) i = load<u32>(entry(i), CHAIN);
  return i;
}

/** => the list that entry `i` is on. */
// @nomark
export function history_list(i: u32): u32 {
  return load<u32>(entry(i), LIST);
}

/** Forgets entry `i`. */
// @nomark
export function history_del(i: u32): void {
  const e = entry(i);
  const list = list_at(load<u32>(e, LIST));
  const newer = load<u32>(e, NEWER);
  const older = load<u32>(e, OLDER);
  if (newer == i) {
    store<u32>(list, 0);
  } else {
    store<u32>(entry(older), newer, NEWER);
    store<u32>(entry(newer), older, OLDER);
    if (load<u32>(list) == i) store<u32>(list, newer);
  }
  store<u32>(list, load<u32>(list, 4) - 1, 4);
  let link = bucket(load<u64>(e));
  while (load<u32>(link) != i) link = entry(load<u32>(link)) + CHAIN;
  store<u32>(link, load<u32>(e, CHAIN));
  store<u32>(e, load<u32>(POLICY_HIST_FREE), CHAIN);
  store<u32>(POLICY_HIST_FREE, i);
}

/** Forgets the oldest name of `list`, if it has one. */
// @nomark
export function history_drop_oldest(list: u32): void {
  const i = load<u32>(list_at(list));
  if (i != 0) history_del(i);
}

/** => a free entry, or 0. */
// @nomark
function take(): u32 {
  const free = load<u32>(POLICY_HIST_FREE);
  if (free != 0) {
    store<u32>(POLICY_HIST_FREE, load<u32>(entry(free), CHAIN));
    return free;
  }
  const used = load<u32>(POLICY_HIST_USED);
  if (used == load<u32>(POLICY_HIST_NR)) return 0;
  store<u32>(POLICY_HIST_USED, used + 1);
  return used + 1;
}

/** Remembers page `key`, which is not remembered yet, as the newest of `list`. */
// @nomark
export function history_add(list: u32, key: u64): void {
  let i = take();
  if (i == 0) {
    // All room is used: by this list, or by the only other one.
    history_drop_oldest(history_size(list) > 0 ? list : list ^ 1);
    i = take();
  }
  const e = entry(i);
  const at = list_at(list);
  const oldest = load<u32>(at);
  store<u64>(e, key);
  store<u32>(e, list, LIST);
  if (oldest == 0) {
    store<u32>(e, i, NEWER);
    store<u32>(e, i, OLDER);
    store<u32>(at, i);
  } else {
    // The ring's newest is the one that is "older" than its oldest.
    const newest = load<u32>(entry(oldest), OLDER);
    store<u32>(e, oldest, NEWER);
    store<u32>(e, newest, OLDER);
    store<u32>(entry(newest), i, NEWER);
    store<u32>(entry(oldest), i, OLDER);
  }
  store<u32>(at, load<u32>(at, 4) + 1, 4);
  const head = bucket(key);
  store<u32>(e, load<u32>(head), CHAIN);
  store<u32>(head, i);
}
