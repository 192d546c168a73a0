// Who may have an anonymous page? Memory that is nobody's file has no inode to ask, and
// after forks and copies a page may be mapped by some of a family of processes and not
// by others. An anon_vma is the meeting point: the pages name it, and it lists every
// area that may map one of them.
//
//   page --mapping--> anon_vma <-- anon_vma_chain --> vma
//                        ^               |
//                        |               +-- same_vma: the area's other chains
//                        +-- the other areas of this anon_vma
//
//   parent's area   chain: P               pages from before the fork name P
//   child's area    chain: C, P            pages that the child makes name C, and
//                                          the parent is not looked through for them
//
//   A  the first page       a neighbour's anon_vma if the two could ever be one area,
//                           else a new one
//   B  split, mremap        the copy gets the same chains
//   C  fork                 the same chains and an anon_vma of its own; or one that no
//                           area calls its own any more and that has at most one child:
//                           else a line of forks would never stop growing
//   D  the area goes        chains go; with its last area an anon_vma goes
//
// In Linux: mm/rmap.c __anon_vma_prepare(), anon_vma_clone(), anon_vma_fork(),
// unlink_anon_vmas(); mm/vma.c find_mergeable_anon_vma(); include/linux/rmap.h (6.12).
// Left out: locks, the interval tree of an anon_vma (a list here).
import {
  ANON_VMAS,
  ANON_VMA_SIZE_OF,
  AVCS,
  AVC_SIZE_OF,
  NR_ANON_VMAS,
  ANON_VMA_RB_ROOT,
  AVC_RB_NEXT,
  AVC_VMA,
  NR_AVCS,
  VM,
} from "../abi";
import { vm_area_struct } from "./mm_types";

@unmanaged
export class anon_vma {
  root!: u32; // the eldest of the family
  parent!: anon_vma | null;
  /** Users: areas through a chain or, for the eldest, the family's other members. */
  refcount!: u32;
  num_children!: u32; // the eldest counts itself
  num_active_vmas!: u32; // areas whose anon_vma it is
  rb_root!: anon_vma_chain | null; // first of its chains
  pad!: u64;
}

/** One area that may map pages of one anon_vma. */
@unmanaged
export class anon_vma_chain {
  vma!: vm_area_struct;
  anon_vma!: anon_vma;
  same_vma_older!: anon_vma_chain | null;
  same_vma_newer!: anon_vma_chain | null;
  rb_next!: anon_vma_chain | null;
  rb_prev!: anon_vma_chain | null;
  pad!: u64;
}

/**
 * Takes a record from the pool at `pool`, whose first record is { free, used }.
 * => its address, zeroed, or 0 when all are in use.
 */
// @nomark
function pool_alloc(pool: usize, size: usize, nr: u32): usize {
  let p: usize = load<u32>(pool);
  if (p != 0) {
    store<u32>(pool, load<u32>(p));
  } else {
    const used = load<u32>(pool, 4);
    if (used + 1 >= nr) return 0;
    store<u32>(pool, used + 1, 4);
    p = pool + <usize>(used + 1) * size;
  }
  memory.fill(p, 0, size);
  return p;
}

// @nomark
function pool_free(pool: usize, p: usize, size: usize): void {
  memory.fill(p, 0, size);
  store<u32>(p, load<u32>(pool));
  store<u32>(pool, <u32>p);
}

/** A new anon_vma, the eldest of a family. => null when all are in use. */
// @nomark
function anon_vma_alloc(): anon_vma | null {
  const p = pool_alloc(ANON_VMAS, ANON_VMA_SIZE_OF, NR_ANON_VMAS);
  if (p == 0) return null;
  const anon = changetype<anon_vma>(p);
  anon.root = <u32>p;
  anon.parent = anon;
  anon.refcount = 1;
  return anon;
}

/** One user less; with the last one it goes, and its hold on the eldest with it. */
function put_anon_vma(anon: anon_vma): void {
  anon.refcount--;
  if (anon.refcount != 0) return;
  const root = anon.root;
  pool_free(ANON_VMAS, changetype<usize>(anon), ANON_VMA_SIZE_OF);
  if (root != <u32>changetype<usize>(anon)) {
    put_anon_vma(changetype<anon_vma>(<usize>root));
  }
}

/** Joins an area and an anon_vma. => false when all chains are in use. */
function anon_vma_chain_link(vma: vm_area_struct, anon: anon_vma): bool {
  const p = pool_alloc(AVCS, AVC_SIZE_OF, NR_AVCS);
  if (p == 0) return false;
  const avc = changetype<anon_vma_chain>(p);
  avc.vma = vma;
  avc.anon_vma = anon;
  const newest = vma.anon_vma_chain;
  avc.same_vma_older = newest;
  if (newest != null) newest.same_vma_newer = avc;
  else vma.anon_vma_chain_last = avc;
  vma.anon_vma_chain = avc;
  const first = anon.rb_root;
  avc.rb_next = first;
  if (first != null) first.rb_prev = avc;
  anon.rb_root = avc;
  return true;
}

/** Takes a chain off its anon_vma's list; it stays its area's. */
// @nomark
function interval_tree_remove(avc: anon_vma_chain): void {
  const next = avc.rb_next;
  const prev = avc.rb_prev;
  if (prev == null) avc.anon_vma.rb_root = next;
  else prev.rb_next = next;
  if (next != null) next.rb_prev = prev;
}

/** Has the area exactly one chain: was it never copied by a fork? */
// @nomark
export function list_is_singular(vma: vm_area_struct): bool {
  const newest = vma.anon_vma_chain;
  return newest != null && newest.same_vma_older == null;
}

/**
 * A: `vma` is about to get an anonymous page of its own.
 * => false when there is no memory for the records.
 */
export function anon_vma_prepare(vma: vm_area_struct): bool {
  if (vma.anon_vma != null) return true;
  let anon = find_mergeable_anon_vma(vma);
  const found = anon != null;
  if (!found) anon = anon_vma_alloc();
  if (anon == null) return false;
  if (!found) anon.num_children = 1;
  if (!anon_vma_chain_link(vma, anon)) {
    if (!found) put_anon_vma(anon);
    return false;
  }
  vma.anon_vma = anon;
  anon.num_active_vmas++;
  return true;
}

/** A: that of the next or the previous area, when it can be shared; or null. */
export function find_mergeable_anon_vma(vma: vm_area_struct): anon_vma | null {
  const next = vma.vm_next;
  if (next != null && anon_vma_compatible(vma, next)) {
    if (next.anon_vma != null && list_is_singular(next)) return next.anon_vma;
  }
  const prev = vma.vm_prev;
  if (prev != null && anon_vma_compatible(prev, vma)) {
    if (prev.anon_vma != null && list_is_singular(prev)) return prev.anon_vma;
  }
  return null;
}

/** Could mprotect make `a` and `b`, which follows it, one area? */
function anon_vma_compatible(a: vm_area_struct, b: vm_area_struct): bool {
  if (a.vm_end != b.vm_start || a.vm_file != b.vm_file) return false;
  const access: u32 = VM.READ | VM.WRITE | VM.EXEC;
  if ((a.vm_flags ^ b.vm_flags) & ~access) return false;
  return b.vm_pgoff == a.vm_pgoff + ((b.vm_start - a.vm_start) >> 12);
}

/**
 * B: gives `dst` the chains of `src`, the eldest first. Where dst.anon_vma is null (a
 * fork), one that can be used again becomes it.
 * => false when there is no memory; `dst` then has no chains.
 */
export function anon_vma_clone(dst: vm_area_struct, src: vm_area_struct): bool {
  let avc = src.anon_vma_chain_last;
  for (; avc != null; avc = avc!.same_vma_newer) {
    const anon = avc.anon_vma;
    if (!anon_vma_chain_link(dst, anon)) {
      // Not counted as active yet, so unlink_anon_vmas must not uncount it.
      dst.anon_vma = null;
      unlink_anon_vmas(dst);
      return false;
    }
    const idle = anon.num_children < 2 && anon.num_active_vmas == 0;
    if (dst.anon_vma == null && src.anon_vma != null && idle) dst.anon_vma = anon;
  }
  const own = dst.anon_vma;
  if (own != null) own.num_active_vmas++;
  return true;
}

/** C: the chains of a child's area `vma`, a copy of `pvma`. => false: no memory. */
export function anon_vma_fork(vma: vm_area_struct, pvma: vm_area_struct): bool {
  const parent = pvma.anon_vma;
  vma.anon_vma = null;
  if (parent == null) return true;
  if (!anon_vma_clone(vma, pvma)) return false;
  if (vma.anon_vma != null) return true;
  const anon = anon_vma_alloc();
  if (anon == null || !anon_vma_chain_link(vma, anon)) {
    if (anon != null) put_anon_vma(anon);
    unlink_anon_vmas(vma);
    return false;
  }
  anon.num_active_vmas = 1;
  anon.root = parent.root;
  anon.parent = parent;
  changetype<anon_vma>(<usize>anon.root).refcount++;
  parent.num_children++;
  vma.anon_vma = anon;
  return true;
}

/** D: the area gives up its chains. */
export function unlink_anon_vmas(vma: vm_area_struct): void {
  // Off every list first: a parent must outlive the children that count in it.
  let avc = vma.anon_vma_chain;
  for (; avc != null; avc = avc!.same_vma_older) {
    const anon = avc.anon_vma;
    interval_tree_remove(avc);
    if (anon.rb_root != null) continue;
    const parent = anon.parent;
    if (parent != null) parent.num_children--;
  }
  const own = vma.anon_vma;
  if (own != null) own.num_active_vmas--;
  vma.anon_vma = null;
  avc = vma.anon_vma_chain;
  vma.anon_vma_chain = null;
  vma.anon_vma_chain_last = null;
  while (avc != null) {
    const older = avc.same_vma_older;
    const anon = avc.anon_vma;
    pool_free(AVCS, changetype<usize>(avc), AVC_SIZE_OF);
    if (anon.rb_root == null) put_anon_vma(anon);
    avc = older;
  }
}

if (offsetof<anon_vma>("rb_root") != ANON_VMA_RB_ROOT) ERROR("abi: RB_ROOT");
if (offsetof<anon_vma_chain>("vma") != AVC_VMA) ERROR("abi: AVC_VMA");
if (offsetof<anon_vma_chain>("rb_next") != AVC_RB_NEXT) ERROR("abi: AVC_RB_NEXT");
if (offsetof<anon_vma>() != ANON_VMA_SIZE_OF) ERROR("abi: ANON_VMA_SIZE_OF");
if (offsetof<anon_vma_chain>() != AVC_SIZE_OF) ERROR("abi: AVC_SIZE_OF");
