// Which free frame. Libenzi's patch left the allocator alone: the free list gives what
// was freed last, and that is one's own only as long as nobody else frees, or asks, in
// between. What the idea would have needed: frames found by their tag.
//
//   free list    head -> pfn -> pfn -> ... -> 0        frames that are nobody's
//
//   tagged       newest <-> pfn <-> ... <-> oldest     all others, by when they were
//                                                      freed (lru_prev, lru_next)
//   bucket[tag]  pfn <-> pfn <-> ...                   and by tag, the newest first
//                                                      (hash_next, private_)
//
//   A  who asks for his own gets the newest with his tag
//   B  anybody else: the head of the free list, while there is one
//   C  then the oldest tagged: the one least likely to be asked for again
//
// Each of these is a few steps, whatever is free: a bucket holds the tags that are
// equal modulo NOZERO_NR_BUCKETS. A frame that is chosen becomes the head of the free
// list, and the allocator takes it from there as ever.
//
// In Linux: nothing. Kamezawa (2012): it would need a pool of its own, as for huge
// pages.
// Left out: a limit to what one owner keeps from others' use; C is the only one.
import {
  Conf,
  FREE_HEAD,
  NOZERO_ASKED,
  NOZERO_BUCKETS,
  NOZERO_NEWEST,
  NOZERO_NR_BUCKETS,
  NOZERO_OLDEST,
  NozeroList,
} from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { nozero_tag } from "./nozero";
import { proposal_conf } from "./proposal";

// @nomark
function bucket_of(tag: u32): usize {
  return NOZERO_BUCKETS + (<usize>(tag & (NOZERO_NR_BUCKETS - 1)) << 2);
}

/** Takes a tagged frame off both its lists. */
// @nomark
function unlink(pfn: u32): void {
  const p = mem_map(pfn);
  if (p.lru_prev != NO_PAGE) mem_map(p.lru_prev).lru_next = p.lru_next;
  else store<u32>(NOZERO_NEWEST, p.lru_next);
  if (p.lru_next != NO_PAGE) mem_map(p.lru_next).lru_prev = p.lru_prev;
  else store<u32>(NOZERO_OLDEST, p.lru_prev);
  if (p.private_ != NO_PAGE) mem_map(p.private_).hash_next = p.hash_next;
  else store<u32>(bucket_of(nozero_tag(pfn)), p.hash_next);
  if (p.hash_next != NO_PAGE) mem_map(p.hash_next).private_ = p.private_;
  p.private_ = NO_PAGE;
  p.hash_next = NO_PAGE;
}

/** Makes a tagged frame the head of the free list. */
// @nomark
function to_head(pfn: u32): void {
  unlink(pfn);
  mem_map(pfn).lru_next = load<u32>(FREE_HEAD);
  store<u32>(FREE_HEAD, pfn);
}

/** A, B, C. => the head of the free list, or NO_PAGE */
// @nomark
export function nozero_rmqueue(head: u32): u32 {
  const oldest = load<u32>(NOZERO_OLDEST);
  if (oldest == NO_PAGE) return head;
  const tag = load<u32>(NOZERO_ASKED);
  let pfn = tag == 0 ? NO_PAGE : load<u32>(bucket_of(tag));
  while (pfn != NO_PAGE && nozero_tag(pfn) != tag) pfn = mem_map(pfn).hash_next;
  if (pfn == NO_PAGE) {
    if (head != NO_PAGE) return head; // B
    pfn = oldest; // C
  }
  to_head(pfn);
  return pfn;
}

/** The head of the free list was just freed: one with a tag belongs elsewhere. */
// @nomark
export function nozero_freed(pfn: u32): void {
  if (proposal_conf(Conf.vm_nozero_list) != NozeroList.owner_aware) return;
  const tag = nozero_tag(pfn);
  if (tag == 0) return;
  const p = mem_map(pfn);
  store<u32>(FREE_HEAD, p.lru_next);
  const newest = load<u32>(NOZERO_NEWEST);
  p.lru_prev = NO_PAGE;
  p.lru_next = newest;
  if (newest != NO_PAGE) mem_map(newest).lru_prev = pfn;
  else store<u32>(NOZERO_OLDEST, pfn);
  store<u32>(NOZERO_NEWEST, pfn);
  const bucket = bucket_of(tag);
  const first = load<u32>(bucket);
  p.private_ = NO_PAGE;
  p.hash_next = first;
  if (first != NO_PAGE) mem_map(first).private_ = pfn;
  store<u32>(bucket, pfn);
}

/**
 * All tagged frames go to the free list, the one freed last as its head. Where their
 * tags are may have changed already, so nothing is looked for by tag.
 */
// @nomark
export function nozero_untag_list(): void {
  for (let pfn = load<u32>(NOZERO_OLDEST); pfn != NO_PAGE; ) {
    const p = mem_map(pfn);
    const newer = p.lru_prev;
    p.hash_next = NO_PAGE;
    p.private_ = NO_PAGE;
    p.lru_next = load<u32>(FREE_HEAD);
    store<u32>(FREE_HEAD, pfn);
    pfn = newer;
  }
  store<u32>(NOZERO_NEWEST, NO_PAGE);
  store<u32>(NOZERO_OLDEST, NO_PAGE);
  memory.fill(NOZERO_BUCKETS, 0, NOZERO_NR_BUCKETS * 4);
}
