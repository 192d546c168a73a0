// Directories: blocks of entries, each a name and an inode number.
//
//   | 12 "." | 2 ".." | 15 "notes"      | 0 ........ |     a block; rec_len leads from
//   +--------+--------+-----------------+------------+     one entry to the next, and
//      rec_len ->                                          the last reaches to the end
//
//   find     entry by entry
//   add      in what an entry does not need of its rec_len, else in a block more
//   delete   the entry before it takes its place over; the first of a block says ino 0
//
// A directory's blocks never become fewer. They are taken to be in memory: only file
// pages cost disk reads.
//
// In Linux: fs/ext2/dir.c (6.12).
// Left out: ext4 finds names by a hash, and lists them in its order.
import { PAGE_SIZE } from "../abi";
import { disk_block, disk_written } from "../hw/disk";
import { ENOSPC } from "./errno";
import { bmap, ext_get_block, extent_data } from "./extents";
import {
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  file_update_time,
  inode,
  mark_inode_dirty,
} from "./fs";

export const DIRENT_INO: usize = 0;
export const DIRENT_REC_LEN: usize = 4;
export const DIRENT_NAME_LEN: usize = 6;
export const DIRENT_TYPE: usize = 7;
export const DIRENT_NAME: usize = 8;
/** An entry without a name, and what any rec_len is a multiple of. */
const DIRENT_MIN: usize = 8;
const DIR_PAD: usize = 3;

/** Where block `page` of the directory is in the image, 0 in a hole. */
// @nomark
export function dir_block(dir: inode, page: u64): usize {
  const extent = bmap(dir, page);
  return extent == 0 ? 0 : disk_block(extent_data(extent, page));
}

/** Bytes an entry with a name of `len` needs. */
// @nomark
function dir_rec_len(len: usize): usize {
  return (DIRENT_MIN + len + DIR_PAD) & ~DIR_PAD;
}

/** What an entry says of a file of this mode. */
// @nomark
export function dirent_file_type(mode: u32): u8 {
  const type = mode & S_IFMT;
  if (type == S_IFREG) return 1;
  if (type == S_IFDIR) return 2;
  if (type == S_IFCHR) return 3;
  return type == S_IFLNK ? 7 : 0;
}

/** => address of the entry called `name`, of `len` bytes, or 0. */
export function ext2_find_entry(dir: inode, name: usize, len: usize): usize {
  for (let at: u64 = 0; at < dir.i_size; at += PAGE_SIZE) {
    const block = dir_block(dir, at >> 12);
    if (block == 0) continue;
    let offset: usize = 0;
    while (offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
      if (rec_len < DIRENT_MIN) break;
      if (load<u32>(entry) != 0 && load<u8>(entry, DIRENT_NAME_LEN) == len) {
        if (memory.compare(entry + DIRENT_NAME, name, len) == 0) return entry;
      }
      offset += rec_len;
    }
  }
  return 0;
}

/** => inode number of `name` in the directory, or 0. */
// @nomark
export function ext2_inode_by_name(dir: inode, name: usize, len: usize): u32 {
  const entry = ext2_find_entry(dir, name, len);
  return entry == 0 ? 0 : load<u32>(entry);
}

/** Writes an entry into `rec_len` bytes at `at`. */
// @nomark
function set_entry(
  at: usize, rec_len: usize, ino: u32, mode: u32, name: usize, len: usize,
): void {
  disk_written(at);
  store<u32>(at, ino);
  store<u16>(at, <u16>rec_len, DIRENT_REC_LEN);
  store<u8>(at, <u8>len, DIRENT_NAME_LEN);
  store<u8>(at, dirent_file_type(mode), DIRENT_TYPE);
  memory.copy(at + DIRENT_NAME, name, len);
}

/**
 * Adds the name `name` of `len` bytes for inode `ino`, which is not there yet.
 * => 0, or -ENOSPC when the directory must grow and the disk is full.
 */
export function ext2_add_link(
  dir: inode, name: usize, len: usize, ino: u32, mode: u32,
): i64 {
  const needed = dir_rec_len(len);
  for (let at: u64 = 0; at < dir.i_size; at += PAGE_SIZE) {
    const block = dir_block(dir, at >> 12);
    let offset: usize = 0;
    while (block != 0 && offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
      if (rec_len < DIRENT_MIN) break;
      const free = load<u32>(entry) == 0;
      const own = free ? 0 : dir_rec_len(load<u8>(entry, DIRENT_NAME_LEN));
      if (rec_len - own >= needed) {
        if (!free) store<u16>(entry, <u16>own, DIRENT_REC_LEN);
        set_entry(entry + own, rec_len - own, ino, mode, name, len);
        file_update_time(dir);
        return 0;
      }
      offset += rec_len;
    }
  }
  const extent = ext_get_block(dir, dir.i_size >> 12);
  if (extent == 0) return -ENOSPC;
  const fresh = disk_block(extent_data(extent, dir.i_size >> 12));
  set_entry(fresh, PAGE_SIZE, ino, mode, name, len);
  dir.i_size += PAGE_SIZE;
  file_update_time(dir);
  mark_inode_dirty(dir);
  return 0;
}

/** Takes the entry at `entry` out of the directory. */
export function ext2_delete_entry(dir: inode, entry: usize): void {
  disk_written(entry);
  const block = entry & ~(<usize>PAGE_SIZE - 1);
  const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
  let before: usize = 0;
  for (let at = block; at < entry; ) {
    before = at;
    at += <usize>load<u16>(at, DIRENT_REC_LEN);
  }
  if (before != 0) {
    store<u16>(before, <u16>(entry - before + rec_len), DIRENT_REC_LEN);
  }
  store<u32>(entry, 0);
  file_update_time(dir);
}

/** The name of the entry at `entry` is of inode `ino` from now on. */
export function ext2_set_link(dir: inode, entry: usize, ino: u32, mode: u32): void {
  disk_written(entry);
  store<u32>(entry, ino);
  store<u8>(entry, dirent_file_type(mode), DIRENT_TYPE);
  file_update_time(dir);
}

/** The first block of a new directory: "." and "..". => 0 or -ENOSPC. */
export function ext2_make_empty(dir: inode, parent: u32): i64 {
  const extent = ext_get_block(dir, 0);
  if (extent == 0) return -ENOSPC;
  const block = disk_block(extent_data(extent, 0));
  disk_written(block);
  store<u32>(block, dir.i_ino);
  store<u16>(block, 12, DIRENT_REC_LEN);
  store<u8>(block, 1, DIRENT_NAME_LEN);
  store<u8>(block, 2, DIRENT_TYPE);
  store<u8>(block, 0x2e, DIRENT_NAME);
  store<u32>(block + 12, parent);
  store<u16>(block + 12, PAGE_SIZE - 12, DIRENT_REC_LEN);
  store<u8>(block + 12, 2, DIRENT_NAME_LEN);
  store<u8>(block + 12, 2, DIRENT_TYPE);
  store<u16>(block + 12, 0x2e2e, DIRENT_NAME);
  dir.i_size = PAGE_SIZE;
  mark_inode_dirty(dir);
  return 0;
}

/** The entry ".." of a directory: the second of its first block. */
// @nomark
export function ext2_dotdot(dir: inode): usize {
  const block = dir_block(dir, 0);
  return block + <usize>load<u16>(block, DIRENT_REC_LEN);
}

/** Is there nothing but "." and ".."? */
export function ext2_empty_dir(dir: inode): bool {
  for (let at: u64 = 0; at < dir.i_size; at += PAGE_SIZE) {
    const block = dir_block(dir, at >> 12);
    let offset: usize = 0;
    while (block != 0 && offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
      if (rec_len < DIRENT_MIN) break;
      if (load<u32>(entry) != 0 && !is_dot_or_dotdot(entry)) return false;
      offset += rec_len;
    }
  }
  return true;
}

// @nomark
function is_dot_or_dotdot(entry: usize): bool {
  const len = load<u8>(entry, DIRENT_NAME_LEN);
  if (load<u8>(entry, DIRENT_NAME) != 0x2e || len > 2) return false;
  return len == 1 || load<u8>(entry, DIRENT_NAME + 1) == 0x2e;
}
