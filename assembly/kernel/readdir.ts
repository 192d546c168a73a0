// Listing a directory, some entries at a time, while others change it.
//
//   f_pos   an offset into the directory's blocks: where the next entry begins
//
//     | "." | ".." | a | b | c |          a, b read; b and c removed, d added:
//                          ^f_pos
//     | "." | ".." | a | d     |          goes on at the first entry at or behind f_pos
//                          ^
//
//   So what was there all the time comes exactly once.
//
// In Linux: fs/readdir.c, fs/ext2/dir.c ext2_readdir() (6.12).
// Left out: ext4 lists in the order of a hash of the names; here it is the order of the
// entries.
import { FileKind, KBUF, PAGE_SIZE } from "../abi";
import {
  DIRENT_NAME,
  DIRENT_NAME_LEN,
  DIRENT_REC_LEN,
  DIRENT_TYPE,
  dir_block,
} from "./dir";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR } from "./errno";
import { fget, file, file_at } from "./file_table";
import { inode, inode_at, touch_atime } from "./fs";
import { proc_getdents } from "./proc_readdir";
import { is_proc } from "./procfs";
import { copy_to_user } from "./uaccess";

const DIRENT: usize = KBUF + 0x600;

/** getdents64(2): whole entries while they fit. => bytes, 0 at the end. */
export function sys_getdents64(fd: u32, buf: u64, count: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind != FileKind.directory) return -ENOTDIR;
  const dir = inode_at(f.f_inode);
  if (dir.i_nlink == 0) return -ENOENT;
  if (is_proc(dir)) return proc_getdents(f, dir.i_ino, buf, count);
  touch_atime(dir);
  let done: u64 = 0;
  while (f.f_pos < dir.i_size) {
    const entry = next_entry(dir, f);
    if (entry == 0) continue;
    const size = filldir64(entry, next_pos(f.f_pos, entry));
    if (done + size > count) return done > 0 ? <i64>done : -EINVAL;
    if (copy_to_user(buf + done, DIRENT, size) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    done += size;
    f.f_pos = next_pos(f.f_pos, entry);
  }
  return <i64>done;
}

/** Where the entry after the one at `entry`, in the block of `pos`, begins. */
// @nomark
function next_pos(pos: u64, entry: usize): u64 {
  const offset: u64 = entry & (PAGE_SIZE - 1);
  return (pos & ~<u64>4095) + offset + load<u16>(entry, DIRENT_REC_LEN);
}

/**
 * The first entry with a name at or behind f_pos in its block.
 * => its address, or 0: there is none, and f_pos is the next block's begin.
 */
function next_entry(dir: inode, f: file): usize {
  const block = dir_block(dir, f.f_pos >> 12);
  const from = <usize>(f.f_pos & 4095);
  let offset: usize = 0;
  while (block != 0 && offset < <usize>PAGE_SIZE) {
    const entry = block + offset;
    const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
    if (rec_len == 0) break;
    if (offset >= from && load<u32>(entry) != 0) return entry;
    offset += rec_len;
  }
  f.f_pos = (f.f_pos | 4095) + 1;
  return 0;
}

/** Makes a struct linux_dirent64 of the entry; `next` is its d_off. => its bytes. */
// @nomark
function filldir64(entry: usize, next: u64): u64 {
  const name_len: usize = load<u8>(entry, DIRENT_NAME_LEN);
  const size = (<u64>19 + name_len + 1 + 7) & ~(<u64>7);
  memory.fill(DIRENT, 0, <usize>size);
  store<u64>(DIRENT, load<u32>(entry));
  store<u64>(DIRENT, next, 8);
  store<u16>(DIRENT, <u16>size, 16);
  store<u8>(DIRENT, dirent_type(load<u8>(entry, DIRENT_TYPE)), 18);
  memory.copy(DIRENT + 19, entry + DIRENT_NAME, name_len);
  return size;
}

/** ext2's file type to DT_*: regular 1 -> 8, directory 2 -> 4, device 3 -> 2, link 7 ->
 *  10. */
// @nomark
function dirent_type(type: u8): u8 {
  if (type == 1) return 8;
  if (type == 2) return 4;
  if (type == 3) return 2;
  return type == 7 ? 10 : 0;
}
