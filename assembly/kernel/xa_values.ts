// What the page cache remembers of pages that it does not have: an index of a file may
// hold a page, nothing, or one of these words.
//
//   shadow       bit 31 set: what the replacement policy left when it took the page
//                (workingset.ts), for the day it comes back
//   swap entry   bit 31 clear: the page of shared anonymous memory is in that slot
//
//   hash of (mapping, index) -> record -> record          newest <-> ... <-> oldest
//
// A shadow is worth something only for so long: there are never more of them than
// frames (and 16,384), and the oldest one makes room. A swap entry is the page itself,
// and stays; there is a record for each slot.
//
// In Linux: value entries of the xarray in struct address_space (xa_mk_value()), and
// the shrinker of their nodes in mm/workingset.c (6.12). Left out: the tree: here is
// one hash for all files.
import {
  CONF_BASE,
  Conf,
  SWAP_MAP_AT,
  SWAP_SLOT_SIZE,
  XA_FREE,
  XA_HASH,
  XA_HASH_NR,
  XA_NEWEST,
  XA_OLDEST,
  XA_SHADOWS,
  XA_SHADOWS_MAX,
  XA_USED,
  XA_VALUES_AT,
  XA_VALUES_NR,
  XA_VALUE_SIZE,
} from "../abi";

const SHADOW: u32 = 0x80000000;

@unmanaged
class xa_value {
  mapping!: u32;
  index!: u32;
  value!: u32;
  next!: u32; // record of the same bucket
  newer!: u32; // shadows only
  older!: u32;
}

// @nomark
function record(i: u32): xa_value {
  const at = <usize>load<u32>(XA_VALUES_AT) + <usize>i * XA_VALUE_SIZE;
  return changetype<xa_value>(at);
}

/** At power-on, after swap_init: the records lie behind the swap map. */
// @nomark
export function xa_init(): void {
  const slots = load<u32>(CONF_BASE + Conf.swap_blocks * 8);
  store<u32>(XA_VALUES_AT, load<u32>(SWAP_MAP_AT) + slots * SWAP_SLOT_SIZE);
  store<u32>(XA_VALUES_NR, max_shadows() + slots);
}

// @nomark
function max_shadows(): u32 {
  return min<u32>(load<u32>(CONF_BASE + Conf.ram_frames * 8), XA_SHADOWS_MAX);
}

// @nomark
function bucket(mapping: u32, index: u32): usize {
  const key = (<u64>mapping << 32) | index;
  const hash = (key * 0x9e3779b97f4a7c15) >> 40;
  return XA_HASH + ((<usize>hash & (XA_HASH_NR - 1)) << 2);
}

/** => the record of (mapping, index), or 0. */
// @nomark
function find(mapping: u32, index: u32): u32 {
  let i = load<u32>(bucket(mapping, index));
  while (i != 0) {
    const r = record(i);
    if (r.mapping == mapping && r.index == index) return i;
    i = r.next;
  }
  return 0;
}

/** Takes record `i` off the list of shadows. */
// @nomark
function unlink_shadow(i: u32): void {
  const r = record(i);
  if (r.newer != 0) record(r.newer).older = r.older;
  else store<u32>(XA_NEWEST, r.older);
  if (r.older != 0) record(r.older).newer = r.newer;
  else store<u32>(XA_OLDEST, r.newer);
  store<u32>(XA_SHADOWS, load<u32>(XA_SHADOWS) - 1);
}

/** Frees record `i`. */
function erase(i: u32): void {
  const r = record(i);
  const head = bucket(r.mapping, r.index);
  if (load<u32>(head) == i) {
    store<u32>(head, r.next);
  } else {
    let before = load<u32>(head);
    while (record(before).next != i) before = record(before).next;
    record(before).next = r.next;
  }
  if (r.value & SHADOW) unlink_shadow(i);
  memory.fill(changetype<usize>(r), 0, XA_VALUE_SIZE);
  r.next = load<u32>(XA_FREE);
  store<u32>(XA_FREE, i);
}

/** A free record: there are as many as there can be values. */
// @nomark
function alloc_record(): u32 {
  const free = load<u32>(XA_FREE);
  if (free != 0) {
    store<u32>(XA_FREE, record(free).next);
    return free;
  }
  const used = load<u32>(XA_USED) + 1;
  assert(used <= load<u32>(XA_VALUES_NR));
  store<u32>(XA_USED, used);
  return used;
}

/** Puts `value` where page `index` was; there is none yet. */
function store_value(mapping: u32, index: u64, value: u32): u32 {
  const i = alloc_record();
  const r = record(i);
  const head = bucket(mapping, <u32>index);
  r.mapping = mapping;
  r.index = <u32>index;
  r.value = value;
  r.next = load<u32>(head);
  r.newer = 0;
  r.older = 0;
  store<u32>(head, i);
  return i;
}

/**
 * The page was taken, and this is what the policy left: nothing when it is 0. The
 * oldest shadow of all goes when there are too many.
 */
export function xa_store_shadow(mapping: u32, index: u64, shadow: u32): void {
  const old = find(mapping, <u32>index);
  if (old != 0) erase(old);
  if (shadow == 0) return;
  if (load<u32>(XA_SHADOWS) >= max_shadows()) erase(load<u32>(XA_OLDEST));
  const i = store_value(mapping, index, shadow | SHADOW);
  const newest = load<u32>(XA_NEWEST);
  record(i).older = newest;
  if (newest != 0) record(newest).newer = i;
  else store<u32>(XA_OLDEST, i);
  store<u32>(XA_NEWEST, i);
  store<u32>(XA_SHADOWS, load<u32>(XA_SHADOWS) + 1);
}

/** The page of shared anonymous memory is in swap slot `offset`. */
export function xa_store_swap(mapping: u32, index: u64, offset: u32): void {
  const old = find(mapping, <u32>index);
  if (old != 0) erase(old);
  store_value(mapping, index, offset);
}

/** => the shadow that a page left when it was taken, or 0; it is forgotten. */
export function xa_take_shadow(mapping: u32, index: u64): u32 {
  const i = find(mapping, <u32>index);
  if (i == 0 || (record(i).value & SHADOW) == 0) return 0;
  const shadow = record(i).value & ~SHADOW;
  erase(i);
  return shadow;
}

/** => the swap slot of a page of shared anonymous memory, or 0. */
// @nomark
export function xa_load_swap(mapping: u32, index: u64): u32 {
  const i = find(mapping, <u32>index);
  if (i == 0 || (record(i).value & SHADOW) != 0) return 0;
  return record(i).value;
}

/** => the number of the first record after `i` that is a swap entry, or 0. */
// @nomark
export function xa_next_swap(i: u32): u32 {
  for (i++; i <= load<u32>(XA_USED); i++) {
    if (record(i).mapping != 0 && (record(i).value & SHADOW) == 0) return i;
  }
  return 0;
}

// @nomark
export function xa_record_mapping(i: u32): u32 {
  return record(i).mapping;
}

// @nomark
export function xa_record_index(i: u32): u64 {
  return record(i).index;
}

/** Forgets what is kept for page `index`. */
// @nomark
export function xa_erase(mapping: u32, index: u64): void {
  const i = find(mapping, <u32>index);
  if (i != 0) erase(i);
}

/** The inode is to be another file's: its shadows go, the oldest first. */
export function xa_forget_mapping(mapping: u32): void {
  let i = load<u32>(XA_OLDEST);
  while (i != 0) {
    const newer = record(i).newer;
    if (record(i).mapping == mapping) erase(i);
    i = newer;
  }
}

if (offsetof<xa_value>() != XA_VALUE_SIZE) ERROR("abi: XA_VALUE_SIZE");
