// Which inode numbers are free: a bitmap, a bit an inode, number 1 first.
//
//   a file is made       the lowest free number, and an in-core inode for it
//   it has no name left, and nobody has it open, maps it or works in it
//                        its pages leave the page cache, its blocks and its number are
//                        free again
//
// In Linux: fs/ext2/ialloc.c ext2_new_inode(), ext2_free_inode(), fs/ext2/inode.c
// ext2_evict_inode() (6.12).
// Left out: choosing a block group (Orlov), the list of orphans for the next mount.
import { SB_FREE_INODES, SB_INODES, SB_INODE_BITMAP } from "../abi";
import { disk_base, disk_block, disk_written } from "../hw/disk";
import { ext_remove } from "./extents";
import {
  NO_INODE,
  S_IFDIR,
  S_IFMT,
  current_time,
  inode,
  inode_at,
  mark_inode_dirty,
  new_inode,
} from "./fs";
import { current } from "./sched";
import { truncate_inode_pages } from "./truncate";
import { xa_forget_mapping } from "./xa_values";

const S_ISGID: u32 = 0o2000;

/** Address of the bitmap's byte for inode `ino`. */
// @nomark
function bitmap_byte(ino: u32): usize {
  const bitmap = disk_block(load<u32>(disk_base(), SB_INODE_BITMAP));
  return bitmap + (<usize>(ino - 1) >> 3);
}

/** => the lowest free number, taken, or 0. */
function alloc_ino(): u32 {
  const sb = disk_base();
  if (load<u32>(sb, SB_FREE_INODES) == 0) return 0;
  const nr = load<u32>(sb, SB_INODES);
  for (let ino: u32 = 1; ino <= nr; ino++) {
    const byte = bitmap_byte(ino);
    const bit = <u8>1 << <u8>((ino - 1) & 7);
    if (load<u8>(byte) & bit) continue;
    disk_written(byte);
    store<u8>(byte, load<u8>(byte) | bit);
    disk_written(sb);
    store<u32>(sb, load<u32>(sb, SB_FREE_INODES) - 1, SB_FREE_INODES);
    return ino;
  }
  return 0;
}

/** Gives an inode number back. */
// @nomark
function ext2_free_inode(ino: u32): void {
  const sb = disk_base();
  const byte = bitmap_byte(ino);
  disk_written(byte);
  store<u8>(byte, load<u8>(byte) & ~(<u8>1 << <u8>((ino - 1) & 7)));
  disk_written(sb);
  store<u32>(sb, load<u32>(sb, SB_FREE_INODES) + 1, SB_FREE_INODES);
}

/**
 * A new file of the running process in the directory `dir`: empty, with one name (which
 * the caller must write). In a directory with S_ISGID it is of that group.
 * => in-core inode with a reference, or NO_INODE when there is none free.
 */
export function ext2_new_inode(dir: inode, mode: u32): u32 {
  const p = new_inode();
  if (p == NO_INODE) return NO_INODE;
  const ino = alloc_ino();
  if (ino == 0) return NO_INODE;
  const task = current();
  const node = inode_at(p);
  node.i_ino = ino;
  node.i_count = 1;
  node.i_mode = mode;
  node.i_uid = task.euid;
  node.i_gid = task.egid;
  if (dir.i_mode & S_ISGID) {
    node.i_gid = dir.i_gid;
    if ((mode & S_IFMT) == S_IFDIR) node.i_mode |= S_ISGID;
  }
  node.i_nlink = 1;
  const now = current_time();
  node.i_mtime = now;
  node.i_ctime = now;
  node.i_atime = now;
  node.i_btime = now;
  mark_inode_dirty(node);
  return p;
}

/** The last of a file: pages, blocks, number. Its in-core inode is left without one. */
export function ext2_evict_inode(node: inode): void {
  truncate_inode_pages(node, 0);
  ext_remove(node, 0, u32.MAX_VALUE);
  xa_forget_mapping(<u32>changetype<usize>(node));
  assert(node.i_blocks == 0 && node.i_nrpages == 0);
  const ino = node.i_ino;
  node.i_mode = 0;
  node.i_size = 0;
  mark_inode_dirty(node);
  ext2_free_inode(ino);
  // The number may be another file's soon: this record must not be taken for it.
  node.i_ino = u32.MAX_VALUE;
}
