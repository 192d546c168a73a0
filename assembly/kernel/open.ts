// Opening files: what O_CREAT, O_EXCL, O_TRUNC and the others mean, in the order in
// which they can go wrong.
//
//   the name is there       A  O_CREAT|O_EXCL: EEXIST
//                           B  a directory cannot be made or written: EISDIR
//                           C  may it be read, written? is it running (ETXTBSY)?
//                           D  O_TRUNC: it is empty from now on
//   it is not               E  O_CREAT: the directory must be writable; a new inode
//                           F  else ENOENT
//
// In Linux: fs/open.c do_sys_openat2(), build_open_flags(), fs/namei.c path_openat(),
// do_open(), may_open() (6.12).
// Left out: openat2, leases, O_DIRECT, devices other than mem.ts's.
import { FileKind, InodeKind, KBUF } from "../abi";
import { ext2_add_link } from "./dir";
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  EPERM,
  ETXTBSY,
} from "./errno";
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_TRUNC,
  __O_TMPFILE,
  alloc_file,
  close_fd,
  fd_install,
  fget_raw,
  file_at,
  file_inode,
  get_unused_fd,
  inode_is_running,
  set_close_on_exec,
} from "./file_table";
import {
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  iget,
  inode,
  inode_at,
  ihold,
  iput,
  is_dir,
} from "./fs";
import { file_remove_privs } from "./file_write";
import { ext2_new_inode } from "./ialloc";
import { chrdev_open } from "./mem";
import {
  LAST_NORM,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  PATH_MAX,
  drop_walk,
  inode_permission,
  is_text_link,
  link_path_walk,
  lookup_last,
  nameidata,
  path_init,
  path_lookup,
  pick_link,
  the_nameidata,
} from "./namei";
import { pipe_reopen } from "./pipe";
import { proc_open } from "./proc_file";
import { proc_jump_link, proc_link_pipe } from "./proc_link";
import { is_proc } from "./procfs";
import { current, current_is_root } from "./sched";
import { ext4_setsize } from "./truncate";
import { proposal_force_write } from "../proposal/proposal";
import { strncpy_from_user } from "./uaccess";

export const AT_FDCWD: i32 = -100;
export const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
export const AT_EMPTY_PATH: u32 = 0x1000;
/** The path of the call at hand. */
export const PATH: usize = KBUF + 0xa000;

/**
 * Copies a path from the program to PATH. "" is allowed only with AT_EMPTY_PATH.
 * => its length, -EFAULT, -ENAMETOOLONG or -ENOENT.
 */
export function getname(path: u64, flags: u32): i64 {
  const len = strncpy_from_user(PATH, path, PATH_MAX);
  return len == 0 && (flags & AT_EMPTY_PATH) == 0 ? -ENOENT : len;
}

/**
 * The directory that the path in PATH begins at, for the descriptor `dfd`.
 * => its inode number, -EBADF or -ENOTDIR.
 */
export function start_at(dfd: i32): i64 {
  if (dfd == AT_FDCWD || load<u8>(PATH) == 0x2f) return current().cwd;
  const opened = fget_raw(dfd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const node = file_inode(f);
  if (node == 0 || !is_dir(inode_at(node))) return -ENOTDIR;
  return inode_at(node).i_ino;
}

/**
 * The inode that a call's (dfd, path) names.
 * => in-core inode with a reference, or negative errno.
 */
export function user_path_at(dfd: i32, path: u64, flags: u32): i64 {
  const len = getname(path, flags);
  if (len < 0) return len;
  if (len == 0 && dfd != AT_FDCWD) return opened_inode(dfd);
  // Without a path the working directory itself is meant.
  if (len == 0) return iget(current().cwd);
  const start = start_at(dfd);
  if (start < 0) return start;
  return path_lookup(PATH, <u32>start, (flags & AT_SYMLINK_NOFOLLOW) == 0);
}

/** The inode of an open file. => in-core inode with a reference, -EBADF or -ENOENT. */
export function opened_inode(fd: u32): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  const node = file_inode(file_at(opened));
  if (node == 0) return -ENOENT;
  ihold(node);
  return node;
}

/** openat(2). => descriptor or negative errno. */
export function sys_openat(dfd: i32, path: u64, flags: u32, mode: u32): i64 {
  flags = build_open_flags(flags);
  if (flags == 0) return -EINVAL;
  const len = getname(path, 0);
  if (len < 0) return len;
  if (get_unused_fd(0) < 0) return -EMFILE;
  const start = start_at(dfd);
  if (start < 0) return start;
  mode &= 0o7777 & ~current().umask;
  const found = flags & __O_TMPFILE
    ? do_tmpfile(<u32>start, mode) : path_openat(<u32>start, flags, mode);
  if (found < 0) return found;
  const opened = open_inode(<u32>found, flags);
  if (opened < 0) {
    iput(<u32>found);
    return opened;
  }
  const fd = fd_install(<u32>opened, 0);
  set_close_on_exec(<u32>fd, (flags & O_CLOEXEC) != 0);
  return fd;
}

/** What the flags come to; every file is a large one. => 0 when they contradict. */
// @nomark
function build_open_flags(flags: u32): u32 {
  if (flags & O_PATH) return flags & (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC);
  if ((flags & O_DIRECTORY) != 0 && (flags & O_CREAT) != 0) return 0;
  if (flags & __O_TMPFILE) {
    if ((flags & O_DIRECTORY) == 0 || (flags & O_ACCMODE) == 0) return 0;
  }
  return flags | O_LARGEFILE;
}

/**
 * Finds, or makes, the file that PATH names, checks what the flags ask, and truncates.
 * => in-core inode with a reference, or negative errno.
 */
function path_openat(start: u32, flags: u32, mode: u32): i64 {
  const nd = the_nameidata();
  const begun = path_init(PATH, start);
  if (begun != 0) return begun;
  while (true) {
    const error = link_path_walk(nd);
    if (error != 0) return error;
    if (nd.last_type != LAST_NORM || (flags & O_CREAT) == 0) {
      // A slash behind the name: only a directory will do.
      if (nd.slashes != 0) flags |= O_DIRECTORY;
    } else if (nd.slashes != 0) {
      return drop_walk(nd, -EISDIR);
    }
    const found = open_last(nd, flags);
    if (found == -ENOENT && (flags & O_CREAT) != 0) {
      return drop_walk(nd, create_last(nd, mode)); // E
    }
    if (found < 0) return drop_walk(nd, found); // F
    if (!is_text_link(inode_at(<u32>found)) || !through(nd, flags)) {
      iput(nd.dir);
      return do_open(<u32>found, flags);
    }
    const failed = pick_link(nd, <u32>found);
    if (failed != 0) return failed;
  }
}

/** => the inode of the path's last part, with a reference, or negative errno. */
// @nomark
function open_last(nd: nameidata, flags: u32): i64 {
  if (nd.last_len == 0) {
    ihold(nd.dir);
    return nd.dir;
  }
  const found = lookup_last(nd);
  return found > 0 && through(nd, flags) ? proc_jump_link(<u32>found) : found;
}

/** Is a link at the path's end followed? A name that must be new is not behind one. */
// @nomark
function through(nd: nameidata, flags: u32): bool {
  const fresh = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  return nd.slashes != 0 || ((flags & O_NOFOLLOW) == 0 && !fresh);
}

/** E: a new, empty file called nd.last. => it with a reference, or negative errno. */
export function create_last(nd: nameidata, mode: u32): i64 {
  const dir = inode_at(nd.dir);
  if (dir.i_nlink == 0) return -ENOENT;
  if (!inode_permission(dir, MAY_WRITE | MAY_EXEC)) return -EACCES;
  return ext2_create(nd, S_IFREG | mode);
}

/** A new inode under the name nd.last. => it with a reference, -EACCES or -ENOSPC. */
export function ext2_create(nd: nameidata, mode: u32): i64 {
  const dir = inode_at(nd.dir);
  if (dir.i_kind != InodeKind.disk) return -EACCES;
  const made = ext2_new_inode(dir, mode);
  if (made == 0) return -ENOSPC;
  const node = inode_at(made);
  const error = ext2_add_link(dir, nd.last, nd.last_len, node.i_ino, mode);
  if (error == 0) return made;
  node.i_nlink = 0;
  iput(made);
  return error;
}

/** O_TMPFILE: a file without a name in the directory PATH. */
function do_tmpfile(start: u32, mode: u32): i64 {
  const found = path_lookup(PATH, start, true);
  if (found < 0) return found;
  const dir = inode_at(<u32>found);
  let made: i64 = -ENOTDIR;
  if (is_dir(dir)) {
    const allowed = inode_permission(dir, MAY_WRITE | MAY_EXEC);
    made = allowed ? <i64>ext2_new_inode(dir, S_IFREG | mode) : -EACCES;
    if (made == 0) made = -ENOSPC;
    if (made > 0) inode_at(<u32>made).i_nlink = 0;
  }
  iput(<u32>found);
  return made;
}

/** A to D for a file that was there. => it, or negative errno without its reference. */
function do_open(found: u32, flags: u32): i64 {
  const node = inode_at(found);
  const error = may_open(node, flags);
  if (error == 0) {
    if ((flags & O_TRUNC) != 0 && (node.i_mode & S_IFMT) == S_IFREG) {
      file_remove_privs(node);
      ext4_setsize(node, 0); // D
    }
    return found;
  }
  iput(found);
  return error;
}

/** A, B, C. => 0 or negative errno. */
function may_open(node: inode, flags: u32): i64 {
  const type = node.i_mode & S_IFMT;
  if (flags & O_CREAT) {
    if (flags & O_EXCL) return -EEXIST; // A
    if (type == S_IFDIR) return -EISDIR; // B
  }
  if ((flags & O_DIRECTORY) != 0 && type != S_IFDIR) return -ENOTDIR;
  if (flags & O_PATH) return 0;
  if (type == S_IFLNK) return opens_pipe(node, flags) ? 0 : -ELOOP;
  let wanted = (flags & O_ACCMODE) == 0 ? MAY_READ : MAY_WRITE;
  if ((flags & O_ACCMODE) > 1) wanted |= MAY_READ;
  if (flags & O_TRUNC) wanted |= MAY_WRITE;
  if (type == S_IFDIR && (wanted & MAY_WRITE) != 0) return -EISDIR; // B
  if (is_proc(node) && type != S_IFDIR) return proc_open(node, flags);
  if (!inode_permission(node, wanted)) return -EACCES; // C
  if ((flags & O_NOATIME) != 0 && !current_is_root()) {
    if (current().euid != node.i_uid) return -EPERM;
  }
  if ((wanted & MAY_WRITE) != 0 && inode_is_running(node)) {
    if (!proposal_force_write(flags)) return -ETXTBSY;
  }
  return type == S_IFCHR ? chrdev_open(node.i_rdev) : 0;
}

/** Is it a link of /proc that was followed to a pipe or the console? */
// @nomark
function opens_pipe(node: inode, flags: u32): bool {
  return (flags & (O_NOFOLLOW | O_PATH)) == 0 && proc_link_pipe(node) != 0;
}

/** A struct file over `found`, whose reference it takes. => it, or -ENFILE. */
function open_inode(found: u32, flags: u32): i64 {
  const type = inode_at(found).i_mode & S_IFMT;
  const kept = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
  if (opens_pipe(inode_at(found), flags)) {
    const again = pipe_reopen(file_at(proc_link_pipe(inode_at(found))), kept);
    if (again != 0) iput(found);
    return again == 0 ? -ENFILE : <i64>again;
  }
  let kind = is_proc(inode_at(found)) ? FileKind.proc : FileKind.regular;
  if (type == S_IFDIR) kind = FileKind.directory;
  else if (type == S_IFCHR) kind = FileKind.device;
  const opened = alloc_file(found, kept, kind);
  return opened == 0 ? -ENFILE : <i64>opened;
}

/** close(2). */
export function sys_close(fd: u32): i64 {
  return close_fd(fd);
}
