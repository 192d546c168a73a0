// What becomes of a page that the replacement policy would let go.
//
//   A  locked, being read or written, held by somebody, or brought in for the very
//      instruction that needs memory now                    it stays
//   H  of a file that no disk stands behind                 it stays
//   B  in an area that is locked in memory                  it stays, out of sight
//   I  anonymous, and every mapping of it is a scratch mapping (a proposal: scratch.ts)
//                                dropped: the file has what it was copied from
//   C  anonymous, shared memory a slot of swap; without one it stays
//   D  anonymous, MADV_FREE     dropped, unless it was written to since
//   E  mapped                   out of every page table (rmap.ts)
//   F  dirty, not in swap yet   written; its frame is free when that is done
//   G  clean                    free at once; what the policy wants to remember of it
//                               is kept where it was
//
// A page that is written is off the policy's lists: its turn has come. If somebody
// takes it up again before the disk is done, it is put back.
//
// In Linux: mm/vmscan.c shrink_folio_list(), __remove_mapping(), pageout();
// mm/swap_state.c add_to_swap(); mm/filemap.c folio_end_writeback() (6.12).
// Left out: batches. Linux keeps a page that is being written on its list, and leaves
// dirty pages of files to the flusher.
import {
  DISK_QUEUED,
  FRESH_INSTRET,
  FRESH_MAX,
  FRESH_NR,
  FRESH_PAGES,
  HART_INSTRET,
  InodeKind,
  NR_UNEVICTABLE,
  NR_WRITEBACK,
  PG,
  SCAN_KEPT,
  SCAN_KEPT_NR,
  VM,
  VmEvent,
} from "../abi";
import { policy_evict, policy_keep, policy_remove } from "../policy/policy";
import { remove_from_page_cache } from "./filemap";
import { inode_at } from "./fs";
import { mem_map, page } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { blk_start, swap_writepage } from "./page_io";
import { writepage } from "./page_writeback";
import { folio_clean_ptes, folio_has_dirty_pte, the_walk, try_to_unmap } from "./rmap";
import { the_scan } from "./vmscan";
import { folio_add_lru, folio_key } from "./swap";
import { folio_is_shmem } from "./shmem";
import { shmem_writepage } from "./shmem_swap";
import { add_to_swap_cache, delete_from_swap_cache } from "./swap_state";
import { folio_alloc_swap, folio_free_swap } from "./swapfile";
import { NO_SWAP, swp_offset_to_pte } from "./swapops";
import { count_vm_event } from "./vmstat";
import { xa_store_shadow } from "./xa_values";
import { proposal_is_scratch, proposal_scratch_drop } from "../proposal/proposal";

/** Writes that are collected before the disk is given them. */
const WRITES_MAX: u32 = 128;

/**
 * Takes the page in `pfn`, which the policy has on a list, away if that is possible.
 * => whether its frame is free, or will be when its write is done; if not, the policy
 * has been told.
 */
export function shrink_folio(pfn: u32): bool {
  const p = mem_map(pfn);
  const busy = (p.flags & (PG.locked | PG.writeback)) != 0;
  if (busy || is_pinned(p) || is_fresh(pfn)) {
    keep_folio(pfn); // A
    return false;
  }
  if (p.flags & PG.mlocked) {
    cull_unevictable(pfn); // B
    return false;
  }
  if (!has_backing(p)) {
    keep_folio(pfn); // H
    return false;
  }
  const anon = (p.flags & PG.anon) != 0;
  if (anon && proposal_is_scratch(pfn)) return shrink_scratch(pfn); // I
  if (anon && (p.flags & PG.swapbacked) == 0) return shrink_lazyfree(pfn); // D
  if (anon && !add_to_swap(pfn)) {
    keep_folio(pfn); // C
    return false;
  }
  get_page(pfn);
  unmap_folio(pfn); // E
  const mapped = p.mapcount > 0;
  let gone = !mapped;
  if (mapped) cull_unevictable(pfn); // B
  else if ((p.flags & PG.dirty) == 0) {
    remove_mapping(pfn, policy_evict(pfn, folio_key(pfn))); // G
  } else if (folio_is_shmem(pfn) && !shmem_writepage(pfn)) {
    keep_folio(pfn); // C
    gone = false;
  } else pageout(pfn); // F
  put_page(pfn);
  return gone;
}

/**
 * The policy is told that the page stays. If it then names the same page again, it has
 * no other way of thinking: the page is hidden from it until this reclaim ends.
 */
function keep_folio(pfn: u32): void {
  const sc = the_scan();
  let again = sc.nr_kept == <u32>SCAN_KEPT_NR;
  for (let i: u32 = 0; i < sc.nr_kept && !again; i++) {
    again = load<u32>(SCAN_KEPT + (<usize>i << 2)) == pfn;
  }
  if (!again) {
    store<u32>(SCAN_KEPT + (<usize>sc.nr_kept << 2), pfn);
    sc.nr_kept++;
    policy_keep(pfn);
    return;
  }
  policy_remove(pfn);
  mem_map(pfn).lru_next = sc.aside;
  sc.aside = pfn;
}

/**
 * Begins to write a dirty page while it stays where it is, so that it can go without
 * waiting when it has to: what a policy does that looks ahead.
 * => whether it could be begun.
 */
export function start_page_writeback(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & (PG.locked | PG.writeback | PG.mlocked)) != 0) return false;
  if (is_pinned(p) || !has_backing(p)) return false;
  const file = (p.flags & PG.pagecache) != 0;
  if (file && folio_is_shmem(pfn)) return false;
  if (!file && proposal_is_scratch(pfn)) return false; // I
  if (!file && ((p.flags & PG.swapbacked) == 0 || !add_to_swap(pfn))) return false;
  if (!file) folio_clean_ptes(pfn);
  write_folio(pfn);
  blk_start();
  return true;
}

/** I: dropped, unless it is locked (B). */
function shrink_scratch(pfn: u32): bool {
  if (the_walk().vm_flags & VM.LOCKED) {
    cull_unevictable(pfn); // B
    return false;
  }
  proposal_scratch_drop(pfn);
  return true;
}

/** Would the page have to be written before its frame is free? */
// @nomark
export function folio_needs_write(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & PG.dirty) == 0 && !folio_has_dirty_pte(pfn)) return false;
  return (p.flags & PG.anon) == 0 || !proposal_is_scratch(pfn); // I
}

/** H: is there a place for what is in it? */
// @nomark
function has_backing(p: page): bool {
  if ((p.flags & PG.pagecache) == 0) return true;
  const kind = inode_at(p.mapping).i_kind;
  return kind == InodeKind.disk || kind == InodeKind.shmem;
}

/** A: has somebody a reference who is neither a page table nor a cache? */
// @nomark
export function is_pinned(p: page): bool {
  const cached: i32 = (p.flags & (PG.pagecache | PG.swapcache)) != 0 ? 1 : 0;
  return p.refcount != p.mapcount + cached;
}

/**
 * A: was the page faulted in since an instruction was last retired? An instruction
 * needs a handful of pages at once; taking one for the other, it would never get on.
 */
// @nomark
function is_fresh(pfn: u32): bool {
  if (load<u64>(FRESH_INSTRET) != load<u64>(HART_INSTRET)) return false;
  for (let i: u32 = 0; i < load<u32>(FRESH_NR); i++) {
    if (load<u32>(FRESH_PAGES + (<usize>i << 2)) == pfn) return true;
  }
  return false;
}

/** A: a fault has brought in `pfn`, or found it. */
// @nomark
export function note_fresh(pfn: u32): void {
  if (load<u64>(FRESH_INSTRET) != load<u64>(HART_INSTRET)) {
    store<u64>(FRESH_INSTRET, load<u64>(HART_INSTRET));
    store<u32>(FRESH_NR, 0);
  }
  const nr = load<u32>(FRESH_NR);
  if (nr == FRESH_MAX) return;
  store<u32>(FRESH_PAGES + (<usize>nr << 2), pfn);
  store<u32>(FRESH_NR, nr + 1);
}

/** B: the policy does not see it until munlock (folio_rescue). */
export function cull_unevictable(pfn: u32): void {
  const p = mem_map(pfn);
  policy_remove(pfn);
  p.flags |= PG.unevictable;
  store<u32>(NR_UNEVICTABLE, load<u32>(NR_UNEVICTABLE) + 1);
  count_vm_event(VmEvent.UNEVICTABLE_PGS_CULLED);
}

/** It is no longer locked in memory: the policy may choose it again. */
export function folio_rescue(pfn: u32): void {
  const p = mem_map(pfn);
  if ((p.flags & PG.unevictable) == 0) return;
  p.flags &= ~PG.unevictable;
  store<u32>(NR_UNEVICTABLE, load<u32>(NR_UNEVICTABLE) - 1);
  count_vm_event(VmEvent.UNEVICTABLE_PGS_RESCUED);
  folio_add_lru(pfn, 0);
}

/** C: gives an anonymous page a slot, if it has none. => false when swap is full. */
export function add_to_swap(pfn: u32): bool {
  const p = mem_map(pfn);
  if (p.flags & PG.swapcache) return true;
  const offset = folio_alloc_swap();
  if (offset == NO_SWAP) return false;
  add_to_swap_cache(pfn, offset);
  p.flags |= PG.dirty; // the slot holds nothing yet
  return true;
}

/** D: nobody has written to it since MADV_FREE: it goes, and is not kept anywhere. */
function shrink_lazyfree(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & PG.dirty) != 0 || folio_has_dirty_pte(pfn)) {
    p.flags |= PG.swapbacked;
    keep_folio(pfn);
    return false;
  }
  get_page(pfn);
  try_to_unmap(pfn, 0);
  const gone = p.mapcount == 0;
  if (!gone) keep_folio(pfn);
  else count_vm_event(VmEvent.PGLAZYFREED);
  put_page(pfn);
  return gone;
}

/** E: no page table maps it any more, but for areas that are locked. */
function unmap_folio(pfn: u32): void {
  const p = mem_map(pfn);
  const swaps = (p.flags & PG.swapcache) != 0;
  try_to_unmap(pfn, swaps ? swp_offset_to_pte(p.private_) : 0);
}

/** F: queues the write of a page to its slot, or to its file. => false: it failed. */
// @nomark
function write_folio(pfn: u32): bool {
  if (mem_map(pfn).flags & PG.pagecache) return writepage(pfn);
  return swap_writepage(pfn);
}

/** F: queues its write. The policy has let it go; what it remembers waits with it. */
function pageout(pfn: u32): void {
  const p = mem_map(pfn);
  const shadow = policy_evict(pfn, folio_key(pfn));
  if (load<u32>(DISK_QUEUED) >= WRITES_MAX) blk_start();
  if (!write_folio(pfn)) {
    folio_add_lru(pfn, shadow);
    return;
  }
  p.stamp = shadow;
  p.flags |= PG.reclaim;
  store<u32>(NR_WRITEBACK, load<u32>(NR_WRITEBACK) + 1);
}

/**
 * G: takes a clean page that nobody maps out of its cache, where its shadow stays. The
 * caller has a reference.
 */
export function remove_mapping(pfn: u32, shadow: u32): void {
  const p = mem_map(pfn);
  if (p.flags & PG.swapcache) {
    delete_from_swap_cache(pfn, shadow);
    return;
  }
  const mapping = p.mapping;
  const index = p.index;
  remove_from_page_cache(pfn);
  xa_store_shadow(mapping, index, shadow);
}

/**
 * The write of a page is done. If its frame is wanted and nobody has taken the page up
 * meanwhile, it goes; else it is one of the policy's again.
 */
export function folio_end_writeback(pfn: u32): void {
  const p = mem_map(pfn);
  p.flags &= ~PG.writeback;
  if ((p.flags & PG.reclaim) == 0) {
    // Whoever took it up may have ended before the write did, or need it no more.
    if (p.mapcount == 0 || proposal_is_scratch(pfn)) folio_free_swap(pfn);
    return;
  }
  p.flags &= ~PG.reclaim;
  store<u32>(NR_WRITEBACK, load<u32>(NR_WRITEBACK) - 1);
  const shadow = p.stamp;
  p.stamp = 0;
  if ((p.flags & (PG.swapcache | PG.pagecache)) == 0) return; // freed meanwhile
  // The cache and the request that has just ended.
  const unused = p.mapcount == 0 && p.refcount == 2;
  if (!unused || (p.flags & (PG.dirty | PG.locked)) != 0) {
    folio_add_lru(pfn, shadow);
    return;
  }
  count_vm_event(VmEvent.PGROTATED);
  remove_mapping(pfn, shadow);
}
