// Which blocks of the disk are free: a bitmap, a bit a block.
//
//   bitmap   1 1 1 1 0 1 1 0 0 0 0      goal: the block after the file's last one, so
//                    ^goal    ^         that a file that grows stays in one piece
//                    taken    else the next free one behind it, else the first at all
//
// In Linux: fs/ext2/balloc.c ext2_new_blocks(), ext2_free_blocks() (6.12).
// Left out: block groups (the bitmap is one), reserved blocks for root, preallocation,
// reading and writing the bitmap costs nothing.
import {
  PAGE_SIZE,
  SB_BLOCKS,
  SB_BLOCK_BITMAP,
  SB_DATA_BLOCK,
  SB_FREE_BLOCKS,
  SB_LBA_BLOCK,
} from "../abi";
import { disk_base, disk_block, disk_written } from "../hw/disk";

/** Where on the disk image block `block` lies. */
// @nomark
export function block_lba(block: u32): u32 {
  const table = disk_block(load<u32>(disk_base(), SB_LBA_BLOCK));
  return load<u32>(table + (<usize>block << 2));
}

/** Address of the bitmap's byte for block `block`. */
// @nomark
function bitmap_byte(block: u32): usize {
  return disk_block(load<u32>(disk_base(), SB_BLOCK_BITMAP)) + (<usize>block >> 3);
}

/** Blocks that are free. */
// @nomark
export function ext2_count_free_blocks(): u32 {
  return load<u32>(disk_base(), SB_FREE_BLOCKS);
}

/** First free block in [from, to), or 0. */
export function bitmap_search_next_usable_block(from: u32, to: u32): u32 {
  let block = from;
  while (block < to) {
    const byte = load<u8>(bitmap_byte(block));
    // A whole byte of blocks in use is passed in one step.
    if ((block & 7) == 0 && byte == 0xff) block += 8;
    else if (byte & (<u8>1 << <u8>(block & 7))) block++;
    else return block;
  }
  return 0;
}

/**
 * Takes a free block, `goal` or the next one that is free, and fills it with zeros.
 * => the block, or 0 when the disk is full.
 */
export function ext2_new_block(goal: u32): u32 {
  const sb = disk_base();
  if (load<u32>(sb, SB_FREE_BLOCKS) == 0) return 0;
  const blocks = load<u32>(sb, SB_BLOCKS);
  const data = load<u32>(sb, SB_DATA_BLOCK);
  const from = goal < data || goal >= blocks ? data : goal;
  let block = bitmap_search_next_usable_block(from, blocks);
  if (block == 0) block = bitmap_search_next_usable_block(data, from);
  assert(block != 0);
  const byte = bitmap_byte(block);
  disk_written(byte);
  store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(block & 7)));
  disk_written(sb);
  store<u32>(sb, load<u32>(sb, SB_FREE_BLOCKS) - 1, SB_FREE_BLOCKS);
  const at = disk_block(block);
  disk_written(at);
  memory.fill(at, 0, PAGE_SIZE);
  return block;
}

/** Gives `count` blocks from `block` on back. */
export function ext2_free_blocks(block: u32, count: u32): void {
  const sb = disk_base();
  for (let i: u32 = 0; i < count; i++) {
    const byte = bitmap_byte(block + i);
    const bit = <u8>1 << <u8>((block + i) & 7);
    assert((load<u8>(byte) & bit) != 0);
    disk_written(byte);
    store<u8>(byte, load<u8>(byte) & ~bit);
  }
  disk_written(sb);
  store<u32>(sb, load<u32>(sb, SB_FREE_BLOCKS) + count, SB_FREE_BLOCKS);
}
