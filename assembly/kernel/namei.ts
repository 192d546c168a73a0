// From a path to an inode: one directory at a time, following symbolic links.
//
//   "/bin/sh"   /  --lookup "bin"-->  dir  --lookup "sh"-->  symlink to "dash"
//                                                              |
//               the rest of the path is appended to the target, and the walk goes on
//
//   path_lookup     to the end: the file that is there
//   path_parentat   to the directory before the last name, for calls that make, remove
//                   or rename that name:
//
//     "/tmp/new"  parent /tmp, last "new"      NORM
//     "/tmp/a/"   parent /tmp, last "a", and slashes after it
//     ".", ".."   DOT, DOTDOT; "/" alone is ROOT: nothing that can be made or removed
//
// In Linux: fs/namei.c link_path_walk(), walk_component(), filename_parentat() (6.12).
// Left out: the dentry cache (directories are taken to be in memory), mounts, ".."
// above the root, access control lists.
import { DISK_ROOT_INO, KBUF, PROC_INO } from "../abi";
import { disk_block } from "../hw/disk";
import { ext2_inode_by_name } from "./dir";
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "./errno";
import { bmap, extent_data } from "./extents";
import { note_last_name } from "./file_table";
import {
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  iget,
  inode,
  inode_at,
  is_dir,
  iput,
  touch_atime,
} from "./fs";
import { proc_jump_link, proc_link_pipe, proc_readlink } from "./proc_link";
import { is_proc, is_proc_mountpoint, proc_lookup } from "./procfs";
import { current } from "./sched";

export const PATH_MAX: u32 = 4096;
export const NAME_MAX: usize = 255;
const MAXSYMLINKS: u32 = 40;
export const MAY_EXEC: u32 = 1;
export const MAY_WRITE: u32 = 2;
export const MAY_READ: u32 = 4;

/** What the last part of a path is. */
export const LAST_NORM: u32 = 0;
export const LAST_ROOT: u32 = 1;
export const LAST_DOT: u32 = 2;
export const LAST_DOTDOT: u32 = 3;

/** Two buffers for the path being walked: a link's target goes before what is left. */
const PATH_A: usize = KBUF + 0x4000;
const PATH_B: usize = KBUF + 0x6000;

/** A walk, and where it stands. */
@unmanaged
export class nameidata {
  /** The directory reached, with a reference. */
  dir!: u32;
  /** Address of the last name in the path; what its kind and length are. */
  last!: u32;
  last_len!: u32;
  last_type!: u32;
  /** 1 when slashes follow it. */
  slashes!: u32;
  /** Links followed so far. */
  depth!: u32;
  /** Address of the next part of the path. */
  at!: u32;
  pad!: u32;
}

/** The walk at hand: there is one at a time. */
// @nomark
export function the_nameidata(): nameidata {
  return changetype<nameidata>(KBUF + 0x21000);
}

/** Do the mode bits let a process with these ids do `mask` (MAY_*) to the file? */
// @nomark
export function generic_permission(node: inode, mask: u32, uid: u32, gid: u32): bool {
  if (uid == 0) {
    // Root may do all, but execute only what somebody may.
    return (mask & MAY_EXEC) == 0 || is_dir(node) || (node.i_mode & 0o111) != 0;
  }
  let bits = node.i_mode;
  if (uid == node.i_uid) bits >>= 6;
  else if (gid == node.i_gid) bits >>= 3;
  return (bits & mask) == mask;
}

/** Do the mode bits let the running process do `mask` (MAY_*) to the file? */
export function inode_permission(node: inode, mask: u32): bool {
  return generic_permission(node, mask, current().euid, current().egid);
}

// @nomark
export function strlen(p: usize): usize {
  let n: usize = 0;
  while (load<u8>(p + n) != 0) n++;
  return n;
}

/**
 * Begins a walk of `path`, a C string, from the root or from the directory `start` (an
 * inode number).
 * => 0, -ENOENT or -ENAMETOOLONG.
 */
export function path_init(path: usize, start: u32): i64 {
  const nd = the_nameidata();
  if (load<u8>(path) == 0) return -ENOENT;
  if (strlen(path) >= PATH_MAX) return -ENAMETOOLONG;
  memory.copy(PATH_A, path, strlen(path) + 1);
  nd.at = <u32>PATH_A;
  nd.depth = 0;
  nd.dir = iget(load<u8>(path) == 0x2f ? <u32>DISK_ROOT_INO : start);
  return nd.dir == 0 ? -ENOENT : 0;
}

/**
 * Walks every part of the path but the last, which is described in nd.last.
 * => 0; on an error the directory's reference is dropped.
 */
export function link_path_walk(nd: nameidata): i64 {
  while (true) {
    next_component(nd);
    if (nd.last_type == LAST_ROOT) return 0;
    const error = may_lookup(inode_at(nd.dir));
    if (error != 0) return drop_walk(nd, error);
    if (load<u8>(nd.at) == 0) return 0;
    const next = walk_component(nd);
    if (next < 0) return next;
    const node = inode_at(<u32>next);
    if ((node.i_mode & S_IFMT) == S_IFLNK) {
      const failed = pick_link(nd, <u32>next);
      if (failed != 0) return failed;
    } else {
      iput(nd.dir);
      nd.dir = <u32>next;
      if (!is_dir(node)) return drop_walk(nd, -ENOTDIR);
    }
  }
}

/** Cuts the next name off the path; nd.at is then behind it and its slashes. */
// @nomark
function next_component(nd: nameidata): void {
  let at: usize = nd.at;
  while (load<u8>(at) == 0x2f) at++;
  nd.last = <u32>at;
  while (load<u8>(at) != 0x2f && load<u8>(at) != 0) at++;
  const len = <u32>at - nd.last;
  nd.last_len = len;
  const dots = load<u8>(nd.last) == 0x2e;
  const dotdot = dots && load<u8>(nd.last + 1) == 0x2e;
  if (len == 0) nd.last_type = LAST_ROOT;
  else if (dots && len == 1) nd.last_type = LAST_DOT;
  else if (dotdot && len == 2) nd.last_type = LAST_DOTDOT;
  else nd.last_type = LAST_NORM;
  nd.slashes = load<u8>(at) == 0x2f ? 1 : 0;
  while (load<u8>(at) == 0x2f) at++;
  nd.at = <u32>at;
}

/** May the process look a name up in this? => 0, -ENOTDIR or -EACCES. */
// @nomark
function may_lookup(dir: inode): i64 {
  if ((dir.i_mode & S_IFMT) != S_IFDIR) return -ENOTDIR;
  return inode_permission(dir, MAY_EXEC) ? 0 : -EACCES;
}

/** Ends a walk that failed. => `error` */
// @nomark
export function drop_walk(nd: nameidata, error: i64): i64 {
  iput(nd.dir);
  return error;
}

/**
 * The file called nd.last in nd.dir.
 * => its in-core inode with a reference, or -ENOENT, -ENAMETOOLONG; nd.dir is kept.
 */
export function lookup_last(nd: nameidata): i64 {
  const dir = inode_at(nd.dir);
  if (nd.last_len > <u32>NAME_MAX) return -ENAMETOOLONG;
  const ino = lookup_name(dir, nd.last, nd.last_len);
  const found = ino == 0 ? 0 : iget(ino);
  return found == 0 ? -ENOENT : <i64>found;
}

/**
 * => inode number of `name` in the directory, whatever filesystem it is of, or 0.
 * /proc is mounted on the root directory.
 */
function lookup_name(dir: inode, name: usize, len: usize): u32 {
  let ino: u32 = 0;
  if (is_proc(dir)) ino = proc_lookup(dir, name, len);
  else if (is_proc_mountpoint(dir.i_ino, name, len)) ino = PROC_INO;
  else ino = ext2_inode_by_name(dir, name, len);
  note_last_name(dir.i_ino, name, len, ino);
  return ino;
}

/**
 * One step; a link of /proc to an inode leads there at once.
 * => the inode with a reference; on an error nd.dir's is dropped.
 */
// @nomark
export function walk_component(nd: nameidata): i64 {
  let next = lookup_last(nd);
  if (next > 0) next = proc_jump_link(<u32>next);
  return next < 0 ? drop_walk(nd, next) : next;
}

/**
 * Goes on with the target of `link` before the rest of the path; the link's reference
 * is dropped.
 * => 0; -ELOOP, -ENOENT, -EACCES or -ENAMETOOLONG, then nd.dir's reference is
 * dropped too.
 */
export function pick_link(nd: nameidata, link: u32): i64 {
  nd.depth++;
  let error: i64 = -ELOOP;
  if (!may_follow_link(inode_at(nd.dir), inode_at(link))) error = -EACCES;
  else if (nd.depth <= MAXSYMLINKS) error = splice_link(nd, inode_at(link));
  iput(link);
  if (error != 0) return drop_walk(nd, error);
  if (load<u8>(nd.at) == 0x2f) {
    iput(nd.dir);
    nd.dir = iget(DISK_ROOT_INO);
  }
  return 0;
}

/** Copies a link's target, without a NUL, to `to`. => its length, 0: it has none. */
// @nomark
export function read_link(link: inode, to: usize): usize {
  if (is_proc(link)) {
    return <usize>max<i64>(proc_readlink(link, to, PATH_MAX), 0);
  }
  touch_atime(link);
  const extent = bmap(link, 0);
  if (extent == 0) return 0;
  memory.copy(to, disk_block(extent_data(extent, 0)), <usize>link.i_size);
  return <usize>link.i_size;
}

/**
 * fs.protected_symlinks, as Debian has it: in a sticky directory that anybody may write
 * to, as /tmp is, a link is followed only if it is the process's own or the
 * directory's owner's.
 */
// @nomark
function may_follow_link(dir: inode, link: inode): bool {
  if (is_proc(link) || current().euid == link.i_uid) return true;
  return (dir.i_mode & 0o1002) != 0o1002 || dir.i_uid == link.i_uid;
}

/** Puts a link's target before the rest, in PATH_A. => 0, -ENOENT or -ENAMETOOLONG. */
function splice_link(nd: nameidata, link: inode): i64 {
  const size = read_link(link, PATH_B);
  if (size == 0) return -ENOENT;
  const rest: usize = nd.at;
  const tail = strlen(rest);
  if (size + tail + 2 > PATH_B - PATH_A) return -ENAMETOOLONG;
  // The slashes that stood between the link's name and the rest.
  store<u8>(PATH_B + size, 0x2f);
  const slash: usize = nd.slashes;
  memory.copy(PATH_B + size + slash, rest, tail + 1);
  memory.copy(PATH_A, PATH_B, size + slash + tail + 1);
  nd.at = <u32>PATH_A;
  return 0;
}

/** Is it a link whose text says where the path goes on? */
// @nomark
export function is_text_link(node: inode): bool {
  return (node.i_mode & S_IFMT) == S_IFLNK && proc_link_pipe(node) == 0;
}

/**
 * Walks `path`, a C string of less than PATH_MAX bytes, from the root or from the
 * directory `start` (an inode number). The last link is followed if `follow`.
 * => an in-core inode's address with a reference, or -ENOENT, -ENOTDIR, -EACCES,
 * -ELOOP, -ENAMETOOLONG.
 */
export function path_lookup(path: usize, start: u32, follow: bool): i64 {
  const nd = the_nameidata();
  const begun = path_init(path, start);
  if (begun != 0) return begun;
  while (true) {
    const error = link_path_walk(nd);
    if (error != 0) return error;
    if (nd.last_type == LAST_ROOT) return nd.dir;
    const through = follow || nd.slashes != 0;
    const found = through ? walk_component(nd) : lookup_last(nd);
    if (found < 0) return through ? found : drop_walk(nd, found);
    const node = inode_at(<u32>found);
    if (!is_text_link(node) || !through) {
      iput(nd.dir);
      if (nd.slashes == 0 || is_dir(node)) return found;
      iput(<u32>found);
      return -ENOTDIR;
    }
    const failed = pick_link(nd, <u32>found);
    if (failed != 0) return failed;
  }
}

/**
 * Walks to the directory that holds, or would hold, the last name of `path`: nd.dir,
 * with a reference, and nd.last.
 * => 0 or the errors of path_lookup.
 */
export function path_parentat(path: usize, start: u32): i64 {
  const begun = path_init(path, start);
  return begun != 0 ? begun : link_path_walk(the_nameidata());
}
