// The modelled TLB: the architecture's, visible and counted.
//
//   set = vpn & (sets - 1)          ways entries a set, sets = entries / ways
//
//            way 0                way 1                 ...
//   set 0   | tag | pte | stamp | tag | pte | stamp |
//   set 1   | ...
//
//   tag   63 valid | 44..43 level | 42..27 ASID | 26..0 virtual page number
//   pte   the leaf as it stood in memory after the walk (A set, and D if a store came)
//
// An entry translates 4 KiB. A leaf of level 1 or 2 (2 MiB, 1 GiB) is cached piece by
// piece, as hardware with one page size in its TLB does; `level` remembers it, because
// a fence for one address of a superpage must catch all its pieces. Entries of a global
// mapping (G) match every address space. PTEs that are not valid are never cached.
//
// Replacement in a full set (TlbPolicy): round-robin by a counter a set, random by a
// xorshift generator, or least recently used by stamps. A free way is taken first.
//
// Every entry that goes takes its page out of the private caches (private.ts) with it.
// Only this file writes TLB entries.
import {
  CONF_BASE,
  Conf,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  TLB_MAX,
  TLB_NEXT,
  TLB_RANDOM,
  TLB_TICK,
  TlbPolicy,
} from "../abi";
import {
  TLB_POLICY,
  TLB_SET_MASK,
  TLB_SUPERPAGES,
  TLB_WAYS,
  path_entry,
  paths_flush,
  private_drop_code,
  private_drop_data,
  private_flush_all,
} from "./private";

const ASID_SHIFT: u64 = 27;
const LEVEL_SHIFT: u64 = 43;
const VALID: u64 = 0x8000000000000000;
const VPN_MASK: u64 = 0x7ffffff;
const ASID_MASK: u64 = 0xffff << ASID_SHIFT;
const LEVEL_MASK: u64 = 3 << LEVEL_SHIFT;
const PTE_X: u64 = 8;
const PTE_G: u64 = 32;

/** Reads the TLB's shape from CONF; entries / ways must be a power of two. */
export function tlb_configure(): void {
  const entries = load<u32>(CONF_BASE + Conf.tlb_entries * 8);
  const ways = load<u32>(CONF_BASE + Conf.tlb_ways * 8);
  store<u32>(TLB_SET_MASK, entries / ways - 1);
  store<u32>(TLB_WAYS, ways);
  store<u32>(TLB_POLICY, load<u32>(CONF_BASE + Conf.tlb_policy * 8));
}

/** The TLB after power-on: empty, its random generator seeded from CONF. */
export function tlb_reset(): void {
  tlb_configure();
  memory.fill(TLB_BASE, 0, TLB_MAX * TLB_ENTRY_SIZE);
  memory.fill(TLB_NEXT, 0, TLB_MAX * 2);
  // A xorshift generator must not start at zero.
  store<u64>(TLB_RANDOM, load<u64>(CONF_BASE + Conf.seed * 8) ^ 0x9e3779b97f4a7c15 | 1);
  store<u64>(TLB_TICK, 0);
  private_flush_all();
}

/** First entry of the set that virtual page `vpn` belongs to. */
function set_of(vpn: u64): usize {
  const set = <usize>vpn & <usize>load<u32>(TLB_SET_MASK);
  return TLB_BASE + set * <usize>load<u32>(TLB_WAYS) * TLB_ENTRY_SIZE;
}

/**
 * Looks for virtual page `vpn` (27 bits) in address space `asid`.
 * @returns the entry's address, or 0 on a miss
 */
export function tlb_lookup(vpn: u64, asid: u64): usize {
  const want = VALID | (asid << ASID_SHIFT) | vpn;
  let entry = set_of(vpn);
  const end = entry + <usize>load<u32>(TLB_WAYS) * TLB_ENTRY_SIZE;
  for (; entry < end; entry += TLB_ENTRY_SIZE) {
    const differs = (load<u64>(entry) ^ want) & ~LEVEL_MASK;
    if (differs == 0) return entry;
    if ((differs & ~ASID_MASK) == 0 && (load<u64>(entry, 8) & PTE_G) != 0) return entry;
  }
  return 0;
}

/** The leaf PTE of an entry. */
export function tlb_pte(entry: usize): u64 {
  return load<u64>(entry, 8);
}

/** Level of the leaf of an entry: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
export function tlb_level(entry: usize): u32 {
  return <u32>((load<u64>(entry) & LEVEL_MASK) >> LEVEL_SHIFT);
}

/** Notes that an entry was used, for LRU. */
export function tlb_touch(entry: usize): void {
  if (load<u32>(TLB_POLICY) != TlbPolicy.Lru) return;
  const tick = load<u64>(TLB_TICK) + 1;
  store<u64>(TLB_TICK, tick);
  store<u64>(entry, tick, 16);
}

/** The way of a full set that makes room. */
function victim(set: usize, vpn: u64): usize {
  const ways = load<u32>(TLB_WAYS);
  switch (load<u32>(TLB_POLICY)) {
    case TlbPolicy.Random: {
      let x = load<u64>(TLB_RANDOM);
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      store<u64>(TLB_RANDOM, x);
      return set + <usize>((x >> 33) % <u64>ways) * TLB_ENTRY_SIZE;
    }
    case TlbPolicy.Lru: {
      let oldest = set;
      for (let way: u32 = 1; way < ways; way++) {
        const entry = set + <usize>way * TLB_ENTRY_SIZE;
        if (load<u64>(entry, 16) < load<u64>(oldest, 16)) oldest = entry;
      }
      return oldest;
    }
    default: {
      const index = <usize>vpn & <usize>load<u32>(TLB_SET_MASK);
      const next = TLB_NEXT + (index << 1);
      const way = <u32>load<u16>(next);
      store<u16>(next, <u16>(way + 1 == ways ? 0 : way + 1));
      return set + <usize>way * TLB_ENTRY_SIZE;
    }
  }
}

/** The address of an entry's page: its number, sign-extended from address bit 38. */
function page_of(entry: usize): u64 {
  return <u64>(<i64>(load<u64>(entry) << 37) >> 25);
}

/** Takes an entry out, and its page out of the private caches. */
function evict(entry: usize): void {
  const page = page_of(entry);
  private_drop_data(page);
  private_drop_code(page);
  store<u64>(entry, 0);
}

/** A way of a set for another page: the first that is free, or one that is vacated. */
function make_room(set: usize, vpn: u64): usize {
  const end = set + <usize>load<u32>(TLB_WAYS) * TLB_ENTRY_SIZE;
  for (let way = set; way < end; way += TLB_ENTRY_SIZE) {
    if (load<i64>(way) >= 0) return way;
  }
  return vacate(set, vpn);
}

/** Chooses a way of a full set and takes its page out of the private caches. */
function vacate(set: usize, vpn: u64): usize {
  const entry = victim(set, vpn);
  const page = page_of(entry);
  private_drop_data(page);
  if ((load<u64>(entry, 8) & PTE_X) != 0) private_drop_code(page);
  return entry;
}

/**
 * Caches a leaf.
 * @param entry the entry to write over, or 0 to choose a way
 * @param pte the leaf, bit G also set when a table above it was global
 */
export function tlb_insert(
  entry: usize, vpn: u64, asid: u64, pte: u64, level: u32,
): void {
  if (entry == 0) entry = make_room(set_of(vpn), vpn);
  if (level != 0) store<u32>(TLB_SUPERPAGES, 1);
  const tag = VALID | (<u64>level << LEVEL_SHIFT) | (asid << ASID_SHIFT) | vpn;
  store<u64>(entry, tag);
  store<u64>(entry, pte, 8);
  store<u64>(entry, 0, 16);
  tlb_touch(entry);
}

/**
 * tlb_lookup() and, on a miss, tlb_insert() of a 4 KiB leaf, in one pass over four
 * ways. Not for LRU.
 * @returns false, with nothing done, if the page may be there, or the TLB has another
 * shape
 */
export function tlb_enter(vpn: u64, asid: u64, pte: u64): bool {
  if (load<u32>(TLB_WAYS) != 4) return false;
  const set = set_of(vpn);
  const t0 = load<u64>(set);
  const t1 = load<u64>(set, 24);
  const t2 = load<u64>(set, 48);
  const t3 = load<u64>(set, 72);
  if ((t0 & VPN_MASK) == vpn || (t1 & VPN_MASK) == vpn) return false;
  if ((t2 & VPN_MASK) == vpn || (t3 & VPN_MASK) == vpn) return false;
  const full = <i64>(t0 & t1 & t2 & t3) < 0;
  const entry = full ? vacate(set, vpn) : make_room(set, vpn);
  store<u64>(entry, VALID | (asid << ASID_SHIFT) | vpn);
  store<u64>(entry, pte, 8);
  return true;
}

/** Address behind the last entry. */
function tlb_end(): usize {
  return TLB_BASE + load<u32>(CONF_BASE + Conf.tlb_entries * 8) * TLB_ENTRY_SIZE;
}

/** Is this an entry of `asid` that is not global? */
function owned_by(entry: usize, asid: u32): bool {
  const tag = load<u64>(entry);
  return <i64>tag < 0 && (tag & ASID_MASK) >> ASID_SHIFT == <u64>asid
    && (load<u64>(entry, 8) & PTE_G) == 0;
}

/**
 * sfence.vma with an address and an ASID: entries of `asid` that translate `va` go, and
 * every piece of a superpage that contains it; global ones stay.
 */
export function sfence_vma(va: u64, asid: u32): void {
  const vpn = (va >> 12) & VPN_MASK;
  store<i64>(path_entry(va), -1);
  if (load<u32>(TLB_SUPERPAGES) == 0) {
    let way = set_of(vpn);
    const last = way + <usize>load<u32>(TLB_WAYS) * TLB_ENTRY_SIZE;
    for (; way < last; way += TLB_ENTRY_SIZE) {
      const same = (load<u64>(way) & VPN_MASK) == vpn;
      if (same && owned_by(way, asid)) evict(way);
    }
    return;
  }
  store<u32>(TLB_SUPERPAGES, 0);
  const end = tlb_end();
  for (let entry: usize = TLB_BASE; entry < end; entry += TLB_ENTRY_SIZE) {
    const shift = <u64>tlb_level(entry) * 9;
    const same = ((load<u64>(entry) & VPN_MASK) ^ vpn) >> shift == 0;
    if (same && owned_by(entry, asid)) evict(entry);
    else if (shift != 0) store<u32>(TLB_SUPERPAGES, 1);
  }
}

/** sfence.vma with an ASID alone: all its entries go, global ones stay. */
export function sfence_vma_asid(asid: u32): void {
  paths_flush();
  const end = tlb_end();
  for (let entry: usize = TLB_BASE; entry < end; entry += TLB_ENTRY_SIZE) {
    if (owned_by(entry, asid)) evict(entry);
  }
}

/** sfence.vma without operands: every entry goes. */
export function sfence_vma_all(): void {
  const end = tlb_end();
  for (let entry: usize = TLB_BASE; entry < end; entry += TLB_ENTRY_SIZE) {
    store<u64>(entry, 0);
  }
  private_flush_all();
}
