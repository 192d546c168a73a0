// Changing what a file is, not what it is called: length, permissions, owner, times.
//
//   truncate    who may write to it
//   chmod       its owner, and root
//   chown       root; the owner may give it to a group of their own
//   utimensat   to now: who may write to it; to another time: its owner, and root
//
// In Linux: fs/attr.c setattr_prepare(), fs/open.c do_truncate(), chmod_common(),
// chown_common(), fs/utimes.c (6.12).
// Left out: supplementary groups, capabilities (root has all of them).
import { FileKind, KBUF } from "../abi";
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EOPNOTSUPP,
  EPERM,
  ETXTBSY,
} from "./errno";
import {
  O_PATH,
  f_writable,
  fget,
  fget_raw,
  file_at,
  inode_is_running,
} from "./file_table";
import { file_remove_privs, file_size_limit, too_big } from "./file_write";
import {
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
import { MAY_WRITE, inode_permission } from "./namei";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  opened_inode,
  user_path_at,
} from "./open";
import { current, current_is_root } from "./sched";
import { ext4_setsize } from "./truncate";
import { copy_from_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
const KEEP: u32 = u32.MAX_VALUE;
const UTIME_NOW: i64 = 0x3fffffff;
const UTIME_OMIT: i64 = 0x3ffffffe;

/** truncate(2). */
export function sys_truncate(path: u64, length: i64): i64 {
  if (length < 0) return -EINVAL;
  const found = user_path_at(AT_FDCWD, path, 0);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  let error: i64 = 0;
  if (is_dir(node)) error = -EISDIR;
  else if ((node.i_mode & S_IFMT) != S_IFREG) error = -EINVAL;
  else if (!inode_permission(node, MAY_WRITE)) error = -EACCES;
  else if (inode_is_running(node)) error = -ETXTBSY;
  else error = do_truncate(node, length);
  iput(<u32>found);
  return error;
}

/** ftruncate(2). */
export function sys_ftruncate(fd: u32, length: i64): i64 {
  if (length < 0) return -EINVAL;
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind != FileKind.regular || !f_writable(f)) return -EINVAL;
  return do_truncate(inode_at(f.f_inode), length);
}

/** => 0 or -EFBIG. */
function do_truncate(node: inode, length: u64): i64 {
  const limit = file_size_limit();
  if (length > node.i_size && length > limit) return too_big(limit);
  file_remove_privs(node);
  ext4_setsize(node, length);
  return 0;
}

/** Is the process the file's owner, or root? */
// @nomark
function inode_owner_or_capable(node: inode): bool {
  return current_is_root() || current().euid == node.i_uid;
}

/** fchmodat(2), fchmodat2(2). */
export function sys_fchmodat(dfd: i32, path: u64, mode: u32, flags: u32): i64 {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const found = user_path_at(dfd, path, flags);
  if (found < 0) return found;
  return chmod_common(<u32>found, mode);
}

/** fchmod(2). */
export function sys_fchmod(fd: u32, mode: u32): i64 {
  if (fget(fd) == 0) return -EBADF;
  const found = opened_inode(fd);
  return found < 0 ? 0 : chmod_common(<u32>found, mode);
}

/** Sets the permission bits, and drops the reference. => 0, -EPERM, -EOPNOTSUPP. */
function chmod_common(found: u32, mode: u32): i64 {
  const node = inode_at(found);
  const link = (node.i_mode & S_IFMT) == S_IFLNK;
  const allowed = inode_owner_or_capable(node);
  if (allowed && !link) {
    mode &= 0o7777;
    // Who is not in the file's group cannot lend its rights.
    if (!current_is_root() && current().egid != node.i_gid) mode &= ~<u32>0o2000;
    node.i_mode = (node.i_mode & S_IFMT) | mode;
    node.i_ctime = current_time();
    mark_inode_dirty(node);
  }
  iput(found);
  if (link) return -EOPNOTSUPP;
  return allowed ? 0 : -EPERM;
}

/** fchownat(2). */
export function sys_fchownat(
  dfd: i32, path: u64, uid: u32, gid: u32, flags: u32,
): i64 {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const found = user_path_at(dfd, path, flags);
  return found < 0 ? found : chown_common(<u32>found, uid, gid);
}

/** fchown(2). */
export function sys_fchown(fd: u32, uid: u32, gid: u32): i64 {
  if (fget(fd) == 0) return -EBADF;
  const found = opened_inode(fd);
  return found < 0 ? 0 : chown_common(<u32>found, uid, gid);
}

/** The mode after a change of owner, who did not mean to lend their rights. */
// @nomark
function without_suid(node: inode): u32 {
  if (is_dir(node)) return node.i_mode;
  const mode = node.i_mode & ~<u32>0o4000;
  return mode & 0o10 ? mode & ~<u32>0o2000 : mode;
}

/** Gives the file away, and drops the reference. -1 keeps an id. => 0 or -EPERM. */
function chown_common(found: u32, uid: u32, gid: u32): i64 {
  const node = inode_at(found);
  const task = current();
  const own = task.euid == node.i_uid;
  let allowed = current_is_root();
  if (!allowed) {
    const same_uid = uid == KEEP || (own && uid == node.i_uid);
    const same_gid = gid == KEEP || (own && (gid == node.i_gid || gid == task.egid));
    // That the mode changes with it is only the owner's to have.
    allowed = same_uid && same_gid && (own || without_suid(node) == node.i_mode);
  }
  if (allowed) {
    if (uid != KEEP) node.i_uid = uid;
    if (gid != KEEP) node.i_gid = gid;
    node.i_mode = without_suid(node);
    node.i_ctime = current_time();
    mark_inode_dirty(node);
  }
  iput(found);
  return allowed ? 0 : -EPERM;
}

/** utimensat(2): `times` is two timespecs, atime and mtime, or 0 for now. */
export function sys_utimensat(dfd: i32, path: u64, times: u64, flags: u32): i64 {
  store<i64>(SCRATCH, UTIME_NOW, 8);
  store<i64>(SCRATCH, UTIME_NOW, 24);
  if (times != 0) {
    if (copy_from_user(SCRATCH, times, 32) != 0) return -EFAULT;
    const omit_atime = load<i64>(SCRATCH, 8) == UTIME_OMIT;
    if (omit_atime && load<i64>(SCRATCH, 24) == UTIME_OMIT) return 0;
  }
  const atime_ns = load<i64>(SCRATCH, 8);
  const mtime_ns = load<i64>(SCRATCH, 24);
  const atime = load<i64>(SCRATCH) * 1000000000 + atime_ns;
  const mtime = load<i64>(SCRATCH, 16) * 1000000000 + mtime_ns;
  if (!nsec_valid(atime_ns) || !nsec_valid(mtime_ns)) return -EINVAL;
  let found: i64 = 0;
  if (path == 0 && dfd != AT_FDCWD) {
    if (flags != 0) return -EINVAL;
    const opened = fget_raw(dfd);
    if (opened == 0 || (file_at(opened).f_flags & O_PATH) != 0) return -EBADF;
    found = opened_inode(dfd);
    if (found < 0) return 0;
  } else {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
    found = user_path_at(dfd, path, flags);
  }
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  const both_now = atime_ns == UTIME_NOW && mtime_ns == UTIME_NOW;
  let error: i64 = 0;
  if (!inode_owner_or_capable(node)) {
    if (!both_now) error = -EPERM;
    else if (!inode_permission(node, MAY_WRITE)) error = -EACCES;
  }
  if (error == 0) set_times(node, atime, atime_ns, mtime, mtime_ns);
  iput(<u32>found);
  return error;
}

// @nomark
function nsec_valid(ns: i64): bool {
  return ns == UTIME_NOW || ns == UTIME_OMIT || (ns >= 0 && ns < 1000000000);
}

/** Sets both times, each to what was given, to now, or not at all. */
function set_times(
  node: inode, atime: i64, atime_ns: i64, mtime: i64, mtime_ns: i64,
): void {
  const now = current_time();
  if (atime_ns != UTIME_OMIT) node.i_atime = atime_ns == UTIME_NOW ? now : <u64>atime;
  if (mtime_ns != UTIME_OMIT) node.i_mtime = mtime_ns == UTIME_NOW ? now : <u64>mtime;
  node.i_ctime = now;
  mark_inode_dirty(node);
}
