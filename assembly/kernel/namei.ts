// From a path to an inode: one directory at a time, following symbolic links.
//
//   "/bin/sh"   /  --lookup "bin"-->  dir  --lookup "sh"-->  symlink to "dash"
//                                                              |
//               the rest of the path is appended to the target, and the walk goes on
//
// In Linux: fs/namei.c link_path_walk(), fs/ext2/dir.c (6.12).
// Left out: the dentry cache (directories are taken to be in memory), mounts, ".."
// above the root, access control lists.
import {
  DISK_ROOT_INO,
  KBUF,
  PAGE_SIZE,
  PROC_INO,
} from "../abi";
import { disk_block } from "../hw/disk";
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "./errno";
import { note_last_name } from "./file_table";
import {
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  bmap,
  extent_data,
  iget,
  inode,
  inode_at,
  iput,
} from "./fs";
import { proc_jump_link, proc_readlink } from "./proc_link";
import { is_proc, is_proc_mountpoint, proc_lookup } from "./procfs";
import { current } from "./sched";

export const PATH_MAX: u32 = 4096;
const NAME_MAX: usize = 255;
const MAXSYMLINKS: u32 = 40;
export const MAY_EXEC: u32 = 1;
export const MAY_WRITE: u32 = 2;
export const MAY_READ: u32 = 4;

/** Two buffers for the path being walked: a link's target goes before what is left. */
const PATH_A: usize = KBUF + 0x4000;
const PATH_B: usize = KBUF + 0x6000;

/** Do the mode bits let the running process do `mask` (MAY_*) to the file? */
export function inode_permission(node: inode, mask: u32): bool {
  const task = current();
  if (task.euid == 0) {
    // Root may do all, but execute only what somebody may.
    const is_dir = (node.i_mode & S_IFMT) == S_IFDIR;
    return (mask & MAY_EXEC) == 0 || is_dir || (node.i_mode & 0o111) != 0;
  }
  let bits = node.i_mode;
  if (task.euid == node.i_uid) bits >>= 6;
  else if (task.egid == node.i_gid) bits >>= 3;
  return (bits & mask) == mask;
}

// @nomark
export function strlen(p: usize): usize {
  let n: usize = 0;
  while (load<u8>(p + n) != 0) n++;
  return n;
}

/** => inode number of `name` (of `len` bytes) in the directory, or 0. */
export function dir_lookup(dir: inode, name: usize, len: usize): u32 {
  for (let at: u64 = 0; at < dir.i_size; at += PAGE_SIZE) {
    const extent = bmap(dir, at >> 12);
    if (extent == 0) continue;
    const block = disk_block(extent_data(extent, at >> 12));
    let offset: usize = 0;
    while (offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      const rec_len: usize = load<u16>(entry, 4);
      if (rec_len < 8) break;
      if (load<u32>(entry) != 0 && load<u8>(entry, 6) == len) {
        if (memory.compare(entry + 8, name, len) == 0) return load<u32>(entry);
      }
      offset += rec_len;
    }
  }
  return 0;
}

/**
 * => inode number of `name` in the directory, whatever filesystem it is of, or 0.
 * /proc is mounted on the root directory.
 */
function lookup_name(dir: inode, name: usize, len: usize): u32 {
  let ino: u32 = 0;
  if (is_proc(dir)) ino = proc_lookup(dir, name, len);
  else if (is_proc_mountpoint(dir.i_ino, name, len)) ino = PROC_INO;
  else ino = dir_lookup(dir, name, len);
  note_last_name(dir.i_ino, name, len, ino);
  return ino;
}

/**
 * Walks `path`, a C string of less than PATH_MAX bytes, from the root or from the
 * directory `start` (an inode number). The last link is followed if `follow`.
 * => an in-core inode's address with a reference, or -ENOENT, -ENOTDIR, -EACCES,
 * -ELOOP, -ENAMETOOLONG.
 */
export function path_lookup(path: usize, start: u32, follow: bool): i64 {
  if (load<u8>(path) == 0) return -ENOENT;
  if (strlen(path) >= PATH_MAX) return -ENAMETOOLONG;
  memory.copy(PATH_A, path, strlen(path) + 1);
  let at = PATH_A;
  let links: u32 = 0;
  let dir = iget(load<u8>(at) == 0x2f ? <u32>DISK_ROOT_INO : start);
  if (dir == 0) return -ENOENT;
  while (true) {
    while (load<u8>(at) == 0x2f) at++;
    let len: usize = 0;
    while (load<u8>(at + len) != 0x2f && load<u8>(at + len) != 0) len++;
    if (len == 0) return whole_path(at, dir);
    let next = step_into(dir, at, len);
    if (next < 0) return next;
    at += len;
    const last = load<u8>(at) == 0;
    if (follow || !last) next = proc_jump_link(<u32>next);
    if (next < 0) {
      iput(dir);
      return next;
    }
    if ((inode_at(<u32>next).i_mode & S_IFMT) == S_IFLNK && (follow || !last)) {
      links++;
      const error = links > MAXSYMLINKS ? -ELOOP : follow_link(inode_at(<u32>next), at);
      iput(<u32>next);
      if (error != 0) {
        iput(dir);
        return error;
      }
      at = PATH_A;
      if (load<u8>(at) == 0x2f) {
        iput(dir);
        dir = iget(DISK_ROOT_INO);
      }
    } else {
      iput(dir);
      dir = <u32>next;
    }
  }
}

/** What the walk to `end` found; after a last slash only a directory will do. */
// @nomark
function whole_path(end: usize, found: u32): i64 {
  const slash = load<u8>(end - 1) == 0x2f;
  if (!slash || (inode_at(found).i_mode & S_IFMT) == S_IFDIR) return found;
  iput(found);
  return -ENOTDIR;
}

/** One component. => the inode with a reference; on an error `dir`'s is dropped. */
function step_into(dir: u32, name: usize, len: usize): i64 {
  const node = inode_at(dir);
  let error: i64 = 0;
  if ((node.i_mode & S_IFMT) != S_IFDIR) error = -ENOTDIR;
  else if (!inode_permission(node, MAY_EXEC)) error = -EACCES;
  else if (len > NAME_MAX) error = -ENAMETOOLONG;
  let found: u32 = 0;
  if (error == 0) {
    const ino = lookup_name(node, name, len);
    found = ino == 0 ? 0 : iget(ino);
    if (found == 0) error = -ENOENT;
  }
  if (error == 0) return found;
  iput(dir);
  return error;
}

/** Copies a link's target, without a NUL, to `to`. => its length, 0: it has none. */
// @nomark
export function read_link(link: inode, to: usize): usize {
  if (is_proc(link)) {
    return <usize>max<i64>(proc_readlink(link, to, PATH_MAX), 0);
  }
  const extent = bmap(link, 0);
  if (extent == 0) return 0;
  memory.copy(to, disk_block(extent_data(extent, 0)), <usize>link.i_size);
  return <usize>link.i_size;
}

/** Puts a link's target before `rest`, in PATH_A. => 0, -ENOENT or -ENAMETOOLONG. */
function follow_link(link: inode, rest: usize): i64 {
  const size = read_link(link, PATH_B);
  const tail = strlen(rest);
  if (size == 0) return -ENOENT;
  if (size + tail + 1 > PATH_MAX) return -ENAMETOOLONG;
  memory.copy(PATH_B + size, rest, tail + 1);
  memory.copy(PATH_A, PATH_B, size + tail + 1);
  return 0;
}
