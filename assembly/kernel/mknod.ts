// New names: directories, files, symbolic links, and second names for old files.
//
//   mkdir    an inode with "." and "..", and the parent has a link more (its "..")
//   mknod    an empty regular file (devices only for root)
//   symlink  an inode whose data is the target
//   link     a name more for an inode, of the same directory tree and no directory
//
//   A file of somebody else gets no second name from who could not write to it (Linux
//   with fs.protected_hardlinks, as Debian has it).
//
//   All of them: the last part of the path must be a name (not ".", ".." or "/":
//   EEXIST) that is not there (EEXIST), in a directory that can be written (EACCES) and
//   that still has a name itself (ENOENT).
//
// In Linux: fs/namei.c filename_create(), may_create(), vfs_mkdir(), vfs_link() (6.12).
// Left out: FIFOs and sockets in the filesystem, link counts above 65000.
import { KBUF } from "../abi";
import { disk_block, disk_written } from "../hw/disk";
import {
  ext2_add_link,
  ext2_delete_entry,
  ext2_find_entry,
  ext2_make_empty,
} from "./dir";
import {
  EACCES,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOSPC,
  EOPNOTSUPP,
  EPERM,
  EMLINK,
} from "./errno";
import { ext_get_block, extent_data } from "./extents";
import {
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  current_time,
  inode,
  inode_at,
  is_dir,
  iput,
  mark_inode_dirty,
} from "./fs";
import {
  LAST_NORM,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  PATH_MAX,
  drop_walk,
  inode_permission,
  lookup_last,
  nameidata,
  path_parentat,
  strlen,
  the_nameidata,
} from "./namei";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  PATH,
  ext2_create,
  getname,
  start_at,
  user_path_at,
} from "./open";
import { current, current_is_root } from "./sched";
import { strncpy_from_user } from "./uaccess";

const AT_SYMLINK_FOLLOW: u32 = 0x400;
const EXT4_LINK_MAX: u32 = 65000;
const S_ISVTX: u32 = 0o1000;
/** The target of the link being made. */
const TARGET: usize = KBUF + 0x20000;

/**
 * Walks to where the name of a call's (dfd, path) is to be made. `want_dir`: slashes
 * may follow it.
 * => 0, with a reference to nd.dir, or negative errno.
 */
export function filename_create(dfd: i32, path: u64, want_dir: bool): i64 {
  const len = getname(path, 0);
  if (len < 0) return len;
  const start = start_at(dfd);
  if (start < 0) return start;
  const error = path_parentat(PATH, <u32>start);
  if (error != 0) return error;
  const nd = the_nameidata();
  if (nd.last_type != LAST_NORM) return drop_walk(nd, -EEXIST);
  if (inode_at(nd.dir).i_nlink == 0) return drop_walk(nd, -ENOENT);
  const found = lookup_last(nd);
  if (found >= 0) {
    iput(<u32>found);
    return drop_walk(nd, -EEXIST);
  }
  if (found != -ENOENT) return drop_walk(nd, found);
  return nd.slashes != 0 && !want_dir ? drop_walk(nd, -ENOENT) : 0;
}

/** May the process make a name in this directory? => 0 or -EACCES. */
// @nomark
function may_create(dir: inode): i64 {
  return inode_permission(dir, MAY_WRITE | MAY_EXEC) ? 0 : -EACCES;
}

/** mkdirat(2). */
export function sys_mkdirat(dfd: i32, path: u64, mode: u32): i64 {
  const error = filename_create(dfd, path, true);
  if (error != 0) return error;
  const nd = the_nameidata();
  return drop_walk(nd, vfs_mkdir(nd, mode & (0o777 | S_ISVTX) & ~current().umask));
}

/** A directory called nd.last. => 0 or negative errno. */
export function vfs_mkdir(nd: nameidata, mode: u32): i64 {
  const dir = inode_at(nd.dir);
  const refused = may_create(dir);
  if (refused != 0) return refused;
  const made = ext2_create(nd, S_IFDIR | mode);
  if (made < 0) return made;
  const node = inode_at(<u32>made);
  const error = ext2_make_empty(node, dir.i_ino);
  if (error != 0) {
    undo_create(nd, node);
  } else {
    node.i_nlink = 2;
    mark_inode_dirty(node);
    dir.i_nlink++;
    mark_inode_dirty(dir);
  }
  iput(<u32>made);
  return error;
}

/** The disk is full after all: the name that was just made goes again. */
// @nomark
function undo_create(nd: nameidata, node: inode): void {
  const dir = inode_at(nd.dir);
  ext2_delete_entry(dir, ext2_find_entry(dir, nd.last, nd.last_len));
  node.i_nlink = 0;
}

/** mknodat(2). */
export function sys_mknodat(dfd: i32, path: u64, mode: u32, dev: u32): i64 {
  const type = mode & S_IFMT;
  if (type == S_IFDIR) return -EPERM;
  const device = type == S_IFCHR || type == 0x6000;
  const special = device || type == 0x1000 || type == 0xc000;
  if (type != 0 && type != S_IFREG && !special) return -EINVAL;
  const error = filename_create(dfd, path, false);
  if (error != 0) return error;
  const nd = the_nameidata();
  let refused = may_create(inode_at(nd.dir));
  if (refused == 0 && device && !current_is_root()) refused = -EPERM;
  if (refused == 0 && special && type != S_IFCHR) refused = -EOPNOTSUPP;
  if (refused != 0) return drop_walk(nd, refused);
  const permissions = mode & 0o7777 & ~current().umask;
  const made = ext2_create(nd, (type == 0 ? S_IFREG : type) | permissions);
  if (made >= 0) {
    if (device) inode_at(<u32>made).i_rdev = dev & 0xffff;
    mark_inode_dirty(inode_at(<u32>made));
    iput(<u32>made);
  }
  return drop_walk(nd, made < 0 ? made : 0);
}

/** symlinkat(2): `target` is whatever it is; nobody looks whether it exists. */
export function sys_symlinkat(target: u64, dfd: i32, path: u64): i64 {
  const len = strncpy_from_user(TARGET, target, PATH_MAX);
  if (len < 0) return len;
  if (len == 0) return -ENOENT;
  const error = filename_create(dfd, path, false);
  if (error != 0) return error;
  const nd = the_nameidata();
  return drop_walk(nd, vfs_symlink(nd));
}

/** A link called nd.last to TARGET. => 0 or negative errno. */
function vfs_symlink(nd: nameidata): i64 {
  const refused = may_create(inode_at(nd.dir));
  if (refused != 0) return refused;
  const made = ext2_create(nd, S_IFLNK | 0o777);
  if (made < 0) return made;
  const node = inode_at(<u32>made);
  const extent = ext_get_block(node, 0);
  if (extent == 0) {
    undo_create(nd, node);
  } else {
    const len = strlen(TARGET);
    const block = disk_block(extent_data(extent, 0));
    disk_written(block);
    memory.copy(block, TARGET, len);
    node.i_size = len;
    mark_inode_dirty(node);
  }
  iput(<u32>made);
  return extent == 0 ? -ENOSPC : 0;
}

/** linkat(2). */
export function sys_linkat(
  olddfd: i32, oldpath: u64, newdfd: i32, newpath: u64, flags: u32,
): i64 {
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  let how = flags & AT_EMPTY_PATH;
  if (how != 0 && !current_is_root()) return -ENOENT;
  if ((flags & AT_SYMLINK_FOLLOW) == 0) how |= AT_SYMLINK_NOFOLLOW;
  const found = user_path_at(olddfd, oldpath, how);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  let error = filename_create(newdfd, newpath, false);
  if (error == 0) {
    const nd = the_nameidata();
    error = drop_walk(nd, may_linkat(node) ? vfs_link(node, nd) : -EPERM);
  }
  iput(<u32>found);
  return error;
}

/**
 * fs.protected_hardlinks: who does not own a file may give it another name only if they
 * could write to it anyway, and nobody gains rights by running it.
 */
function may_linkat(node: inode): bool {
  const euid = current().euid;
  if (euid == 0 || euid == node.i_uid) return true;
  if ((node.i_mode & S_IFMT) != S_IFREG) return false;
  if ((node.i_mode & 0o4000) != 0 || (node.i_mode & 0o2010) == 0o2010) return false;
  return inode_permission(node, MAY_READ | MAY_WRITE);
}

/** The name nd.last for the inode. => 0 or negative errno. */
function vfs_link(node: inode, nd: nameidata): i64 {
  const dir = inode_at(nd.dir);
  const refused = may_create(dir);
  if (refused != 0) return refused;
  if (is_dir(node)) return -EPERM;
  if (node.i_nlink == 0) return -ENOENT;
  if (node.i_nlink >= EXT4_LINK_MAX) return -EMLINK;
  const mode = node.i_mode;
  const error = ext2_add_link(dir, nd.last, nd.last_len, node.i_ino, mode);
  if (error != 0) return error;
  node.i_nlink++;
  node.i_ctime = current_time();
  mark_inode_dirty(node);
  return 0;
}
