// Getting written data to the disk, and making room for it beforehand.
//
//   fsync, fdatasync   the dirty pages of one file
//   sync, syncfs       those of all files
//   fallocate          blocks for a range, so that no later write finds the disk full
//
// In Linux: fs/sync.c, fs/open.c vfs_fallocate(), fs/ext4/extents.c ext4_fallocate()
// (6.12).
// Left out: the inode's own write, barriers; fallocate's modes but FALLOC_FL_KEEP_SIZE;
// a block so taken holds zeros at once (ext4 marks it unwritten).
import { FileKind } from "../abi";
import {
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  ENODEV,
  ENOSPC,
  EOPNOTSUPP,
  ESPIPE,
} from "./errno";
import { ext_get_block } from "./extents";
import { f_writable, fget, file_at } from "./file_table";
import {
  MAX_FILE_SIZE,
  file_remove_privs,
  file_size_limit,
  too_big,
} from "./file_write";
import { file_update_time, inode_at, mark_inode_dirty } from "./fs";
import { filemap_write_and_wait_range, sync_inodes } from "./page_writeback";

const FALLOC_FL_KEEP_SIZE: u32 = 1;

/** fsync(2), fdatasync(2). */
export function sys_fsync(fd: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind == FileKind.directory) return 0;
  if (f.f_kind != FileKind.regular) return -EINVAL;
  return filemap_write_and_wait_range(inode_at(f.f_inode), 0, u32.MAX_VALUE);
}

/** sync(2). */
export function sys_sync(): i64 {
  sync_inodes();
  return 0;
}

/** syncfs(2): there is one filesystem. */
export function sys_syncfs(fd: u32): i64 {
  if (fget(fd) == 0) return -EBADF;
  sync_inodes();
  return 0;
}

/** sync_file_range(2): `flags` 1 wait before, 2 write, 4 wait after. */
export function sys_sync_file_range(fd: u32, pos: i64, len: i64, flags: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  if (flags & ~7 || pos < 0 || len < 0 || pos + len < 0) return -EINVAL;
  const f = file_at(opened);
  if (f.f_kind != FileKind.regular) return f.f_kind == FileKind.pipe ? -ESPIPE : 0;
  const last = len == 0 ? u32.MAX_VALUE : (<u64>(pos + len) - 1) >> 12;
  if (flags & 2) filemap_write_and_wait_range(inode_at(f.f_inode), pos >> 12, last);
  return 0;
}

/** fallocate(2). => 0 or negative errno. */
export function sys_fallocate(fd: u32, mode: u32, offset: i64, len: i64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (offset < 0 || len <= 0) return -EINVAL;
  if (mode & ~<u32>0x7f) return -EOPNOTSUPP;
  if (!f_writable(f)) return -EBADF;
  if (f.f_kind == FileKind.pipe || f.f_kind == FileKind.console) return -ESPIPE;
  if (f.f_kind == FileKind.directory) return -EISDIR;
  if (f.f_kind != FileKind.regular) return -ENODEV;
  const end: u64 = offset + len;
  if (end > MAX_FILE_SIZE) return -EFBIG;
  if (mode & ~FALLOC_FL_KEEP_SIZE) return -EOPNOTSUPP;
  const node = inode_at(f.f_inode);
  const grows = (mode & FALLOC_FL_KEEP_SIZE) == 0 && end > node.i_size;
  if (grows && end > file_size_limit()) return too_big(file_size_limit());
  file_remove_privs(node);
  for (let index: u64 = offset >> 12; index < (end + 4095) >> 12; index++) {
    if (ext_get_block(node, index) == 0) return -ENOSPC;
  }
  if (grows) {
    node.i_size = end;
    mark_inode_dirty(node);
  }
  file_update_time(node);
  return 0;
}
