// Names that go. The file goes with its last name, but not before whoever has it open,
// maps it or works in it is done (iput in fs.ts).
//
//   unlink   a name of anything but a directory
//   rmdir    an empty directory's only name; the parent has a link less
//
// In Linux: fs/namei.c do_unlinkat(), do_rmdir(), may_delete() (6.12).
// Left out: mount points, files marked immutable.
import { DISK_ROOT_INO } from "../abi";
import { ext2_delete_entry, ext2_empty_dir, ext2_find_entry } from "./dir";
import {
  EACCES,
  EBUSY,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
} from "./errno";
import {
  current_time,
  inode,
  inode_at,
  is_dir,
  iput,
  mark_inode_dirty,
} from "./fs";
import {
  LAST_DOT,
  LAST_DOTDOT,
  LAST_NORM,
  MAY_EXEC,
  MAY_WRITE,
  drop_walk,
  inode_permission,
  lookup_last,
  nameidata,
  path_parentat,
  the_nameidata,
} from "./namei";
import { PATH, getname, start_at } from "./open";
import { current } from "./sched";
import { proposal_file_changed } from "../proposal/proposal";

const AT_REMOVEDIR: u32 = 0x200;
const S_ISVTX: u32 = 0o1000;

/** unlinkat(2). */
export function sys_unlinkat(dfd: i32, path: u64, flags: u32): i64 {
  if (flags & ~AT_REMOVEDIR) return -EINVAL;
  const len = getname(path, 0);
  if (len < 0) return len;
  const start = start_at(dfd);
  if (start < 0) return start;
  const error = path_parentat(PATH, <u32>start);
  if (error != 0) return error;
  const nd = the_nameidata();
  return drop_walk(nd, flags & AT_REMOVEDIR ? do_rmdir(nd) : do_unlink(nd));
}

/**
 * May the process take `victim` out of the directory? `isdir`: as a directory.
 * => 0, -EACCES, -EPERM (a sticky directory, and neither is its own), -ENOTDIR,
 * -EISDIR, -EBUSY (the root), -ENOENT (the directory itself is gone).
 */
export function may_delete(dir: inode, victim: inode, isdir: bool): i64 {
  if (!inode_permission(dir, MAY_WRITE | MAY_EXEC)) return -EACCES;
  if (check_sticky(dir, victim)) return -EPERM;
  if (isdir) {
    if (!is_dir(victim)) return -ENOTDIR;
    if (victim.i_ino == DISK_ROOT_INO) return -EBUSY;
  } else if (is_dir(victim)) {
    return -EISDIR;
  }
  return dir.i_nlink == 0 ? -ENOENT : 0;
}

/**
 * In a directory like /tmp a file can be removed only by its owner, or the directory's.
 */
// @nomark
function check_sticky(dir: inode, victim: inode): bool {
  const uid = current().euid;
  if ((dir.i_mode & S_ISVTX) == 0 || uid == 0) return false;
  return uid != victim.i_uid && uid != dir.i_uid;
}

/** unlink: the name nd.last. => 0 or negative errno. */
function do_unlink(nd: nameidata): i64 {
  if (nd.last_type != LAST_NORM) return -EISDIR;
  const found = lookup_last(nd);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  let error: i64 = 0;
  if (nd.slashes != 0) error = is_dir(node) ? -EISDIR : -ENOTDIR;
  else error = may_delete(inode_at(nd.dir), node, false);
  if (error == 0) {
    const dir = inode_at(nd.dir);
    ext2_delete_entry(dir, ext2_find_entry(dir, nd.last, nd.last_len));
    drop_nlink(node);
  }
  iput(<u32>found);
  return error;
}

/** A name less. */
export function drop_nlink(node: inode): void {
  assert(node.i_nlink > 0);
  node.i_nlink--;
  proposal_file_changed(node);
  node.i_ctime = current_time();
  mark_inode_dirty(node);
}

/** rmdir: the directory nd.last. => 0 or negative errno. */
function do_rmdir(nd: nameidata): i64 {
  if (nd.last_type == LAST_DOTDOT) return -ENOTEMPTY;
  if (nd.last_type == LAST_DOT) return -EINVAL;
  if (nd.last_type != LAST_NORM) return -EBUSY;
  const found = lookup_last(nd);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  const dir = inode_at(nd.dir);
  let error = may_delete(dir, node, true);
  if (error == 0 && !ext2_empty_dir(node)) error = -ENOTEMPTY;
  if (error == 0) {
    ext2_delete_entry(dir, ext2_find_entry(dir, nd.last, nd.last_len));
    dir.i_nlink--;
    mark_inode_dirty(dir);
    clear_nlink(node);
  }
  iput(<u32>found);
  return error;
}

/** The last name and "." are gone. */
export function clear_nlink(node: inode): void {
  node.i_nlink = 0;
  node.i_ctime = current_time();
  mark_inode_dirty(node);
}
