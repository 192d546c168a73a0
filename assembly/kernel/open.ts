// Opening files, asking about them, and the working directory.
//
//   (dfd, path)  --user_path_at-->  inode  --open-->  struct file  -->  descriptor
//                                     |
//                                     +--stat, access, chdir, readlink
//
// In Linux: fs/open.c, fs/stat.c, fs/readdir.c (6.12).
// Left out, in this first part: everything that changes a file or a directory (the disk
// is read-only: EROFS).
import { FileKind, KBUF, PAGE_SIZE, SEQ_BUF } from "../abi";
import { disk_block } from "../hw/disk";
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  ENFILE,
  ENOENT,
  ENOTDIR,
  EROFS,
} from "./errno";
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_TRUNC,
  alloc_file,
  close_on_exec,
  fd_install,
  fd_slot,
  fget,
  file_at,
  fput,
  get_file,
  set_close_on_exec,
} from "./file_table";
import {
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  bmap,
  extent_data,
  inode,
  inode_at,
  iput,
} from "./fs";
import { MAY_READ, PATH_MAX, inode_permission, path_lookup, read_link } from "./namei";
import { O_CLOEXEC } from "./pipe";
import { proc_open } from "./proc_file";
import { proc_getdents } from "./proc_readdir";
import { is_proc } from "./procfs";
import { current } from "./sched";
import { copy_to_user, strncpy_from_user } from "./uaccess";

const AT_FDCWD: i32 = -100;
const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const AT_EMPTY_PATH: u32 = 0x1000;
/** The path of the call at hand. */
const PATH: usize = KBUF + 0xa000;
const SCRATCH: usize = KBUF + 0x600;
/** What a link says. */
const TARGET: usize = SEQ_BUF;
const STAT_SIZE: u64 = 128;

/**
 * The inode that a call's (dfd, path) names.
 * => in-core inode with a reference, or negative errno.
 */
export function user_path_at(dfd: i32, path: u64, flags: u32): i64 {
  const len = strncpy_from_user(PATH, path, PATH_MAX);
  if (len < 0) return len;
  let start = current().cwd;
  if (dfd != AT_FDCWD && load<u8>(PATH) != 0x2f) {
    const opened = fget(dfd);
    if (opened == 0) return -EBADF;
    const f = file_at(opened);
    if (len == 0 && (flags & AT_EMPTY_PATH) != 0) {
      if (f.f_inode == 0) return -ENOENT;
      inode_at(f.f_inode).i_count++;
      return f.f_inode;
    }
    if (f.f_kind != FileKind.directory) return -ENOTDIR;
    start = inode_at(f.f_inode).i_ino;
  }
  return path_lookup(PATH, start, (flags & AT_SYMLINK_NOFOLLOW) == 0);
}

/** openat(2). => descriptor or negative errno. */
export function sys_openat(dfd: i32, path: u64, flags: u32): i64 {
  const nofollow = flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
  const found = user_path_at(dfd, path, nofollow);
  if (found < 0) {
    return found == -ENOENT && (flags & O_CREAT) != 0 ? -EROFS : found;
  }
  const node = inode_at(<u32>found);
  const kind = node.i_mode & S_IFMT;
  let error: i64 = 0;
  if (kind == S_IFLNK) error = -ELOOP;
  else if (kind != S_IFDIR && (flags & O_DIRECTORY) != 0) error = -ENOTDIR;
  else if (kind != S_IFDIR && is_proc(node)) error = proc_open(node, flags);
  else if ((flags & O_ACCMODE) != 0) error = kind == S_IFDIR ? -EISDIR : -EROFS;
  else if (flags & O_TRUNC) error = -EROFS;
  else if (!inode_permission(node, MAY_READ)) error = -EACCES;
  let fd: i64 = error;
  if (error == 0) {
    let what = is_proc(node) ? FileKind.proc : FileKind.regular;
    if (kind == S_IFDIR) what = FileKind.directory;
    const opened = alloc_file(<u32>found, flags & ~O_CLOEXEC, what);
    fd = opened == 0 ? -ENFILE : fd_install(opened, 0);
    if (fd >= 0 && (flags & O_CLOEXEC) != 0) set_close_on_exec(<u32>fd, true);
    if (opened != 0 && fd < 0) {
      fput(opened);
      return fd;
    }
  }
  if (fd < 0) iput(<u32>found);
  return fd;
}

/** close(2). */
export function sys_close(fd: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  store<u32>(fd_slot(fd), 0);
  fput(opened);
  return 0;
}

/** dup(2), and F_DUPFD of fcntl(2): the lowest free descriptor >= `from`. */
export function sys_dup(fd: u32, from: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  get_file(opened);
  const copy = fd_install(opened, from);
  if (copy < 0) fput(opened);
  return copy;
}

/** dup3(2). */
export function sys_dup3(fd: u32, to: u32, flags: u32): i64 {
  const opened = fget(fd);
  if (opened == 0 || to >= 256) return -EBADF;
  if (fd == to || (flags & ~O_CLOEXEC) != 0) return -EINVAL;
  get_file(opened);
  if (fget(to) != 0) sys_close(to);
  store<u32>(fd_slot(to), opened);
  set_close_on_exec(to, (flags & O_CLOEXEC) != 0);
  return to;
}

/** fcntl(2): duplicate, and the flags. */
export function sys_fcntl(fd: u32, cmd: u32, arg: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  switch (cmd) {
    case 0: // F_DUPFD
      return sys_dup(fd, <u32>arg);
    case 1030: { // F_DUPFD_CLOEXEC
      const copy = sys_dup(fd, <u32>arg);
      if (copy >= 0) set_close_on_exec(<u32>copy, true);
      return copy;
    }
    case 1: // F_GETFD
      return close_on_exec(fd) ? 1 : 0;
    case 2: // F_SETFD
      set_close_on_exec(fd, (arg & 1) != 0);
      return 0;
    case 3: // F_GETFL
      return file_at(opened).f_flags;
    default:
      return -EINVAL;
  }
}

/** newfstatat(2). */
export function sys_newfstatat(dfd: i32, path: u64, buf: u64, flags: u32): i64 {
  if (dfd != AT_FDCWD && (flags & AT_EMPTY_PATH) != 0) {
    const len = strncpy_from_user(PATH, path, PATH_MAX);
    if (len < 0) return len;
    if (len == 0) return sys_fstat(dfd, buf);
  }
  const found = user_path_at(dfd, path, flags);
  if (found < 0) return found;
  const error = cp_new_stat(inode_at(<u32>found), buf);
  iput(<u32>found);
  return error;
}

/**
 * fstat(2). The console is a pipe, as it is for a program whose output is collected.
 */
export function sys_fstat(fd: u32, buf: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const pipe = f.f_kind == FileKind.pipe;
  if (f.f_inode != 0 && !pipe) return cp_new_stat(inode_at(f.f_inode), buf);
  memory.fill(SCRATCH, 0, <usize>STAT_SIZE);
  store<u32>(SCRATCH, 0o10600, 16);
  store<u32>(SCRATCH, 1, 20);
  store<u32>(SCRATCH, PAGE_SIZE, 56);
  return copy_to_user(buf, SCRATCH, STAT_SIZE) == 0 ? 0 : -EFAULT;
}

/** Fills a struct stat (include/uapi/asm-generic/stat.h). */
function cp_new_stat(node: inode, buf: u64): i64 {
  memory.fill(SCRATCH, 0, <usize>STAT_SIZE);
  store<u64>(SCRATCH, 0xfe00); // st_dev
  store<u64>(SCRATCH, node.i_ino, 8);
  store<u32>(SCRATCH, node.i_mode, 16);
  store<u32>(SCRATCH, 1, 20); // st_nlink
  store<u32>(SCRATCH, node.i_uid, 24);
  store<u32>(SCRATCH, node.i_gid, 28);
  store<u64>(SCRATCH, node.i_size, 48);
  store<u32>(SCRATCH, PAGE_SIZE, 56); // st_blksize
  store<u64>(SCRATCH, ((node.i_size + 4095) >> 12) << 3, 64); // st_blocks
  return copy_to_user(buf, SCRATCH, STAT_SIZE) == 0 ? 0 : -EFAULT;
}

/** readlinkat(2). => bytes of the target. */
export function sys_readlinkat(dfd: i32, path: u64, buf: u64, size: i64): i64 {
  if (size <= 0) return -EINVAL;
  const found = user_path_at(dfd, path, AT_SYMLINK_NOFOLLOW);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  let done: i64 = -EINVAL;
  if ((node.i_mode & S_IFMT) == S_IFLNK) {
    const len = min<u64>(read_link(node, TARGET), size);
    done = copy_to_user(buf, TARGET, len) == 0 ? <i64>len : -EFAULT;
  }
  iput(<u32>found);
  return done;
}

/**
 * faccessat(2): `mode` is 0 (does it exist?) or a mask of 4 read, 2 write, 1 execute.
 */
export function sys_faccessat(dfd: i32, path: u64, mode: u32): i64 {
  if (mode > 7) return -EINVAL;
  const found = user_path_at(dfd, path, 0);
  if (found < 0) return found;
  let error: i64 = 0;
  if (mode & 2) error = -EROFS;
  if (!inode_permission(inode_at(<u32>found), mode)) error = -EACCES;
  iput(<u32>found);
  return error;
}

/** chdir(2). */
export function sys_chdir(path: u64): i64 {
  const found = user_path_at(AT_FDCWD, path, 0);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  let error: i64 = 0;
  if ((node.i_mode & S_IFMT) != S_IFDIR) error = -ENOTDIR;
  else if (!inode_permission(node, 1)) error = -EACCES;
  else current().cwd = node.i_ino;
  iput(<u32>found);
  return error;
}

/** getdents64(2): whole entries while they fit. => bytes, 0 at the end. */
export function sys_getdents64(fd: u32, buf: u64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind != FileKind.directory) return -ENOTDIR;
  const dir = inode_at(f.f_inode);
  if (is_proc(dir)) return proc_getdents(f, dir.i_ino, buf, count);
  let done: u64 = 0;
  while (f.f_pos < dir.i_size) {
    const extent = bmap(dir, f.f_pos >> 12);
    const block = disk_block(extent_data(extent, f.f_pos >> 12));
    const entry = block + <usize>(f.f_pos & 4095);
    const rec_len: u64 = load<u16>(entry, 4);
    const name_len: usize = load<u8>(entry, 6);
    const size = (<u64>19 + name_len + 1 + 7) & ~(<u64>7);
    if (load<u32>(entry) != 0) {
      if (done + size > count) return done > 0 ? <i64>done : -EINVAL;
      memory.fill(SCRATCH, 0, <usize>size);
      store<u64>(SCRATCH, load<u32>(entry));
      store<u64>(SCRATCH, f.f_pos + rec_len, 8);
      store<u16>(SCRATCH, <u16>size, 16);
      store<u8>(SCRATCH, dirent_type(load<u8>(entry, 7)), 18);
      memory.copy(SCRATCH + 19, entry + 8, name_len);
      if (copy_to_user(buf + done, SCRATCH, size) != 0) return -EFAULT;
      done += size;
    }
    f.f_pos += rec_len;
  }
  return <i64>done;
}

/** ext2's file type to DT_*: regular 1 -> 8, directory 2 -> 4, link 7 -> 10. */
// @nomark
function dirent_type(type: u8): u8 {
  if (type == 1) return 8;
  if (type == 2) return 4;
  return type == 7 ? 10 : 0;
}
