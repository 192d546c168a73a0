// What can be asked about a file, a link and the filesystem.
//
//   stat, statx   what the inode says: kind, permissions, owner, length, times, blocks
//   readlink      a link's target, as it stands
//   statfs        how large the disk is, and how much of it is free
//
// In Linux: fs/stat.c, fs/statfs.c, fs/ext4/inode.c ext4_getattr() (6.12).
// Left out: device numbers of more than one disk, mount and inode attributes.
import {
  FileKind,
  KBUF,
  PAGE_SIZE,
  SB_BLOCKS,
  SB_DATA_BLOCK,
  SB_FREE_INODES,
  SB_INODES,
  SEQ_BUF,
} from "../abi";
import { disk_base } from "../hw/disk";
import { ext2_count_free_blocks } from "./balloc";
import { EBADF, EFAULT, EINVAL } from "./errno";
import { fget_raw, file_at, file_inode } from "./file_table";
import { S_IFLNK, S_IFMT, inode, inode_at, iput } from "./fs";
import { read_link } from "./namei";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  PATH,
  getname,
  user_path_at,
} from "./open";
import { proc_link_pipe } from "./proc_link";
import { is_proc } from "./procfs";
import { copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
/** What a link says. */
const TARGET: usize = SEQ_BUF;
const S_IFIFO: u32 = 0o10600;
const S_IFSOCK: u32 = 0o140777;
const STAT_SIZE: u64 = 128;
const STATX_SIZE: u64 = 256;
const STATFS_SIZE: u64 = 120;
const AT_NO_AUTOMOUNT: u32 = 0x800;
const AT_STATX_SYNC_TYPE: u32 = 0x6000;
/** What statx says: everything old, the time of birth, and the mount. */
const STATX_MASK: u32 = 0x1fff;
const EXT4_SUPER_MAGIC: u64 = 0xef53;
const NS: i64 = 1000000000;
/** The disk's device number: major 254, minor 0. */
const ST_DEV: u64 = 0xfe00;
/** /proc's: device number, what statfs calls it, its block size. */
const PROC_DEV: u64 = 0x16;
const PROC_SUPER_MAGIC: u64 = 0x9fa0;
const PROC_BLKSIZE: u32 = 1024;

/** newfstatat(2). */
export function sys_newfstatat(dfd: i32, path: u64, buf: u64, flags: u32): i64 {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) return -EINVAL;
  if (is_fd_alone(dfd, path, flags)) return sys_fstat(dfd, buf);
  const found = user_path_at(dfd, path, flags);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  const pipe = stat_pipe(node, flags);
  const error = pipe ? cp_pipe_stat(buf, S_IFIFO) : cp_new_stat(node, buf);
  iput(<u32>found);
  return error;
}

/** Is the file meant that `dfd` is, whatever it is? */
// @nomark
function is_fd_alone(dfd: i32, path: u64, flags: u32): bool {
  if (dfd < 0 || (flags & AT_EMPTY_PATH) == 0) return false;
  return path == 0 || getname(path, flags) == 0;
}

/**
 * fstat(2). The console is a pipe too, as it is for a program whose output is
 * collected.
 */
export function sys_fstat(fd: u32, buf: u64): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const node = file_inode(f);
  if (node != 0) return cp_new_stat(inode_at(node), buf);
  return cp_pipe_stat(buf, f.f_kind == FileKind.socket ? S_IFSOCK : S_IFIFO);
}

/** Was a link of /proc followed to a pipe? */
// @nomark
function stat_pipe(node: inode, flags: u32): bool {
  return (flags & AT_SYMLINK_NOFOLLOW) == 0 && proc_link_pipe(node) != 0;
}

/** The struct stat of a pipe or a socket: its mode is all there is. */
// @nomark
function cp_pipe_stat(buf: u64, mode: u32): i64 {
  memory.fill(SCRATCH, 0, <usize>STAT_SIZE);
  store<u32>(SCRATCH, mode, 16);
  store<u32>(SCRATCH, 1, 20);
  store<u32>(SCRATCH, PAGE_SIZE, 56);
  return copy_to_user(buf, SCRATCH, STAT_SIZE) == 0 ? 0 : -EFAULT;
}

/** Blocks of 512 bytes. A short link's target lies in the inode in ext4. */
// @nomark
function stat_blocks(node: inode): u64 {
  if ((node.i_mode & S_IFMT) == S_IFLNK && node.i_size < 60) return 0;
  return <u64>node.i_blocks << 3;
}

/** Seconds and nanoseconds at `at`, as two u64. */
// @nomark
function put_time(at: usize, ns: i64): void {
  const rest = ((ns % NS) + NS) % NS;
  store<i64>(at, (ns - rest) / NS);
  store<i64>(at, rest, 8);
}

/** Fills a struct stat (include/uapi/asm-generic/stat.h). */
export function cp_new_stat(node: inode, buf: u64): i64 {
  memory.fill(SCRATCH, 0, <usize>STAT_SIZE);
  store<u64>(SCRATCH, is_proc(node) ? PROC_DEV : ST_DEV);
  store<u64>(SCRATCH, node.i_ino, 8);
  store<u32>(SCRATCH, node.i_mode, 16);
  store<u32>(SCRATCH, node.i_nlink, 20);
  store<u32>(SCRATCH, node.i_uid, 24);
  store<u32>(SCRATCH, node.i_gid, 28);
  store<u64>(SCRATCH, node.i_rdev, 32);
  store<u64>(SCRATCH, node.i_size, 48);
  store<u32>(SCRATCH, is_proc(node) ? PROC_BLKSIZE : PAGE_SIZE, 56); // st_blksize
  store<u64>(SCRATCH, stat_blocks(node), 64);
  put_time(SCRATCH + 72, node.i_atime);
  put_time(SCRATCH + 88, node.i_mtime);
  put_time(SCRATCH + 104, node.i_ctime);
  return copy_to_user(buf, SCRATCH, STAT_SIZE) == 0 ? 0 : -EFAULT;
}

/** statx(2). */
export function sys_statx(dfd: i32, path: u64, flags: u32, mask: u32, buf: u64): i64 {
  if (mask & 0x80000000) return -EINVAL;
  if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) return -EINVAL;
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
  if (flags & ~(known | AT_STATX_SYNC_TYPE)) return -EINVAL;
  if (is_fd_alone(dfd, path, flags)) {
    const opened = fget_raw(dfd);
    if (opened == 0) return -EBADF;
    return cp_statx(file_inode(file_at(opened)), buf);
  }
  const found = user_path_at(dfd, path, flags);
  if (found < 0) return found;
  const pipe = stat_pipe(inode_at(<u32>found), flags);
  const error = cp_statx(pipe ? 0 : <u32>found, buf);
  iput(<u32>found);
  return error;
}

/** Fills a struct statx; inode 0 is a pipe. */
function cp_statx(found: u32, buf: u64): i64 {
  memory.fill(SCRATCH, 0, <usize>STATX_SIZE);
  store<u32>(SCRATCH, found == 0 ? 0x7ff : STATX_MASK);
  store<u32>(SCRATCH, PAGE_SIZE, 4); // stx_blksize
  store<u32>(SCRATCH, 1, 16);
  store<u16>(SCRATCH, 0o10600, 28);
  if (found != 0) {
    const node = inode_at(found);
    store<u32>(SCRATCH, node.i_nlink, 16);
    store<u32>(SCRATCH, node.i_uid, 20);
    store<u32>(SCRATCH, node.i_gid, 24);
    store<u16>(SCRATCH, <u16>node.i_mode, 28);
    store<u64>(SCRATCH, node.i_ino, 32);
    store<u64>(SCRATCH, node.i_size, 40);
    store<u64>(SCRATCH, stat_blocks(node), 48);
    put_time(SCRATCH + 64, node.i_atime);
    put_time(SCRATCH + 80, node.i_btime);
    put_time(SCRATCH + 96, node.i_ctime);
    put_time(SCRATCH + 112, node.i_mtime);
    store<u32>(SCRATCH, node.i_rdev >> 8, 128);
    store<u32>(SCRATCH, node.i_rdev & 0xff, 132);
    store<u32>(SCRATCH, <u32>(ST_DEV >> 8), 136);
    store<u64>(SCRATCH, 1, 144); // stx_mnt_id
  }
  return copy_to_user(buf, SCRATCH, STATX_SIZE) == 0 ? 0 : -EFAULT;
}

/** statfs(2): the file only has to be there. */
export function sys_statfs(path: u64, buf: u64): i64 {
  const found = user_path_at(AT_FDCWD, path, 0);
  if (found < 0) return found;
  const proc = is_proc(inode_at(<u32>found));
  iput(<u32>found);
  return proc ? proc_statfs(buf) : do_statfs(buf);
}

/** fstatfs(2). */
export function sys_fstatfs(fd: u32, buf: u64): i64 {
  return fget_raw(fd) == 0 ? -EBADF : do_statfs(buf);
}

/** What statfs says of /proc: it holds nothing. */
function proc_statfs(buf: u64): i64 {
  memory.fill(SCRATCH, 0, <usize>STATFS_SIZE);
  store<u64>(SCRATCH, PROC_SUPER_MAGIC);
  store<u64>(SCRATCH, PAGE_SIZE, 8); // f_bsize
  store<u64>(SCRATCH, 255, 64); // f_namelen
  store<u64>(SCRATCH, PAGE_SIZE, 72); // f_frsize
  store<u64>(SCRATCH, 0x1020, 80); // f_flags: ST_VALID, ST_RELATIME
  return copy_to_user(buf, SCRATCH, STATFS_SIZE) == 0 ? 0 : -EFAULT;
}

/** Fills a struct statfs: how full the disk is. */
function do_statfs(buf: u64): i64 {
  const sb = disk_base();
  memory.fill(SCRATCH, 0, <usize>STATFS_SIZE);
  const free: u64 = ext2_count_free_blocks();
  store<u64>(SCRATCH, EXT4_SUPER_MAGIC);
  store<u64>(SCRATCH, PAGE_SIZE, 8); // f_bsize
  store<u64>(SCRATCH, load<u32>(sb, SB_BLOCKS) - load<u32>(sb, SB_DATA_BLOCK), 16);
  store<u64>(SCRATCH, free, 24); // f_bfree
  store<u64>(SCRATCH, free, 32); // f_bavail
  store<u64>(SCRATCH, load<u32>(sb, SB_INODES), 40);
  store<u64>(SCRATCH, load<u32>(sb, SB_FREE_INODES), 48);
  store<u64>(SCRATCH, 255, 64); // f_namelen
  store<u64>(SCRATCH, PAGE_SIZE, 72); // f_frsize
  store<u64>(SCRATCH, 0x1020, 80); // f_flags: ST_VALID, ST_RELATIME
  return copy_to_user(buf, SCRATCH, STATFS_SIZE) == 0 ? 0 : -EFAULT;
}

/** readlinkat(2). => bytes of the target. */
export function sys_readlinkat(dfd: i32, path: u64, buf: u64, size: i32): i64 {
  if (size <= 0) return -EINVAL;
  const found = user_path_at(dfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  // Of an open file that is no link, "no such file": there is no path to be read.
  let done: i64 = load<u8>(PATH) == 0 ? -2 : -EINVAL;
  if ((node.i_mode & S_IFMT) == S_IFLNK) {
    const len = min<u64>(read_link(node, TARGET), size);
    done = copy_to_user(buf, TARGET, len) == 0 ? <i64>len : -EFAULT;
  }
  iput(<u32>found);
  return done;
}
