// Where on the disk each page of a file lies: its extents, runs of blocks.
//
//   inode -> { page 0, 3 blocks, lba 700 } -> { page 5, 2 blocks, lba 900 } -> 0
//
//   page     0   1   2   3   4   5   6
//   lba     700 701 702  (hole) 900 901      a hole has no blocks and reads as zeros
//
//   ext_get_block   A  the page has a block
//                   B  next to an extent, in the file and on the disk: that one grows
//                   C  an extent of its own
//   ext_remove      frees what lies in some pages: extents go, shrink, or are cut
//
// The records are of a table that all files share. An extent has two addresses: `lba`,
// where the head must go, and `data`, the image's block that holds the bytes.
//
// In Linux: fs/ext4/extents.c ext4_ext_map_blocks(), ext4_ext_remove_space() (6.12).
// Left out: the tree (a list here), unwritten extents (a fresh block is zeros),
// allocation that waits until the pages are written.
import {
  DISK_EXTENT_SIZE,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_LBA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  SB_EXTENTS,
  SB_EXTENTS_USED,
  SB_EXTENT_BLOCK,
  SB_EXTENT_FREE,
} from "../abi";
import { disk_base, disk_block, disk_written } from "../hw/disk";
import { block_lba, ext2_free_blocks, ext2_new_block } from "./balloc";
import { inode, mark_inode_dirty } from "./fs";

/** Address of the record number `nr` (from 1). */
// @nomark
function extent_record(nr: u32): usize {
  const table = disk_block(load<u32>(disk_base(), SB_EXTENT_BLOCK));
  return table + <usize>(nr - 1) * DISK_EXTENT_SIZE;
}

/** => address of the file's first extent, or 0. */
// @nomark
export function first_extent(node: inode): usize {
  return node.i_extent == 0 ? 0 : extent_record(node.i_extent);
}

/** => address of the extent after the one at `at`, or 0. */
// @nomark
export function next_extent(at: usize): usize {
  const nr = load<u32>(at, EXTENT_NEXT);
  return nr == 0 ? 0 : extent_record(nr);
}

/** The page after an extent's last. */
// @nomark
function extent_end(at: usize): u64 {
  return <u64>load<u32>(at, EXTENT_PAGE) + load<u32>(at, EXTENT_BLOCKS);
}

/**
 * Where page `index` of the file lies.
 * => address of the extent, or 0: a hole, which reads as zeros.
 */
export function bmap(node: inode, index: u64): usize {
  for (let at = first_extent(node); at != 0; at = next_extent(at)) {
    if (index < <u64>load<u32>(at, EXTENT_PAGE)) return 0;
    if (index < extent_end(at)) return at;
  }
  return 0;
}

/** Disk address of page `index` in the extent at `at`. */
// @nomark
export function extent_lba(at: usize, index: u64): u32 {
  return load<u32>(at, EXTENT_LBA) + <u32>index - load<u32>(at);
}

/** Image block of page `index` in the extent at `at`. */
// @nomark
export function extent_data(at: usize, index: u64): u32 {
  return load<u32>(at, EXTENT_DATA) + <u32>index - load<u32>(at);
}

/** Takes a record. => its number, or 0 when the table is full. */
// @nomark
function alloc_extent(): u32 {
  const sb = disk_base();
  disk_written(sb);
  const free = load<u32>(sb, SB_EXTENT_FREE);
  if (free != 0) {
    store<u32>(sb, load<u32>(extent_record(free), EXTENT_NEXT), SB_EXTENT_FREE);
    return free;
  }
  const used = load<u32>(sb, SB_EXTENTS_USED);
  if (used == load<u32>(sb, SB_EXTENTS)) return 0;
  store<u32>(sb, used + 1, SB_EXTENTS_USED);
  return used + 1;
}

/** Gives the record back that follows `before` (0: the file's first). */
// @nomark
function drop_extent(node: inode, before: usize): void {
  const nr = before == 0 ? node.i_extent : load<u32>(before, EXTENT_NEXT);
  const at = extent_record(nr);
  set_next(node, before, load<u32>(at, EXTENT_NEXT));
  node.i_nr_extents--;
  const sb = disk_base();
  disk_written(at);
  disk_written(sb);
  store<u32>(at, load<u32>(sb, SB_EXTENT_FREE), EXTENT_NEXT);
  store<u32>(sb, nr, SB_EXTENT_FREE);
}

/** What follows `before` (0: the file's begin) is record `nr` from now on. */
// @nomark
function set_next(node: inode, before: usize, nr: u32): void {
  if (before == 0) {
    node.i_extent = nr;
  } else {
    disk_written(before);
    store<u32>(before, nr, EXTENT_NEXT);
  }
}

/** Puts an extent after `before`. => false when there is no record for it. */
// @nomark
function insert_extent(
  node: inode, before: usize, page: u32, blocks: u32, data: u32,
): bool {
  const nr = alloc_extent();
  if (nr == 0) return false;
  const at = extent_record(nr);
  disk_written(at);
  store<u32>(at, page, EXTENT_PAGE);
  store<u32>(at, blocks, EXTENT_BLOCKS);
  store<u32>(at, block_lba(data), EXTENT_LBA);
  store<u32>(at, data, EXTENT_DATA);
  const next = before == 0 ? node.i_extent : load<u32>(before, EXTENT_NEXT);
  store<u32>(at, next, EXTENT_NEXT);
  set_next(node, before, nr);
  node.i_nr_extents++;
  return true;
}

/**
 * The extent that holds page `index`, with a block taken for it (of zeros) when it is a
 * hole.
 * => its address, or 0 when the disk is full.
 */
export function ext_get_block(node: inode, index: u64): usize {
  let before: usize = 0;
  let at = first_extent(node);
  while (at != 0 && <u64>load<u32>(at, EXTENT_PAGE) <= index) {
    if (index < extent_end(at)) return at; // A
    before = at;
    at = next_extent(at);
  }
  // After the block before it, as far from it as the pages are apart.
  const goal = before == 0 ? 0 : extent_data(before, index);
  const block = ext2_new_block(goal);
  if (block == 0) return 0;
  if (before != 0 && can_grow(before, index, block)) {
    disk_written(before);
    store<u32>(before, load<u32>(before, EXTENT_BLOCKS) + 1, EXTENT_BLOCKS); // B
  } else if (!insert_extent(node, before, <u32>index, 1, block)) { // C
    ext2_free_blocks(block, 1);
    return 0;
  }
  node.i_blocks++;
  mark_inode_dirty(node);
  return bmap(node, index);
}

/** Does `block` follow the extent, in the file as page `index` and on the disk? */
// @nomark
function can_grow(at: usize, index: u64, block: u32): bool {
  if (index != extent_end(at) || block != extent_data(at, index)) return false;
  return block_lba(block) == extent_lba(at, index);
}

/**
 * Frees the blocks of the pages first..last.
 * => false when an extent had to be cut in two and there is no record for it; nothing
 * is lost then.
 */
export function ext_remove(node: inode, first: u64, last: u64): bool {
  let before: usize = 0;
  let at = first_extent(node);
  let done = true;
  while (at != 0) {
    const next = next_extent(at);
    const page: u64 = load<u32>(at, EXTENT_PAGE);
    const end = extent_end(at);
    const from = max<u64>(page, first);
    const to = min<u64>(end - 1, last) + 1;
    if (from >= to) {
      before = at;
    } else if (!cut_extent(node, before, at, <u32>from, <u32>to)) {
      done = false;
      break;
    } else if (from > page) {
      before = at;
    }
    at = next;
  }
  mark_inode_dirty(node);
  return done;
}

/** Takes the pages from..to - 1 out of the extent at `at`, all of them inside it. */
function cut_extent(node: inode, before: usize, at: usize, from: u32, to: u32): bool {
  const page = load<u32>(at, EXTENT_PAGE);
  const end = <u32>extent_end(at);
  const data = extent_data(at, from);
  if (to < end) {
    const rest = extent_data(at, to);
    if (!insert_extent(node, at, to, end - to, rest)) return false;
  }
  if (from == page) {
    drop_extent(node, before);
  } else {
    disk_written(at);
    store<u32>(at, from - page, EXTENT_BLOCKS);
  }
  ext2_free_blocks(data, to - from);
  node.i_blocks -= to - from;
  return true;
}
