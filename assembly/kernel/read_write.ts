// read(2), write(2) and their relatives: between a program's memory and an open file.
//
//   read, write          at the file's position, which moves on
//   pread64, pwrite64    at a position given; the file's own stays
//   readv, writev ...    the same for a list of pieces, one after the other until one
//                        comes out short
//
//   vfs_read, vfs_write  choose by the kind of file: regular, device, console ...
//
// In Linux: fs/read_write.c, mm/filemap.c filemap_read() (6.12).
// Left out: locks on the position, RWF_* flags.
import {
  EXTENT_BLOCKS,
  EXTENT_PAGE,
  FileKind,
  KBUF,
  PG,
  TASK_RESTART_DONE,
  TaskState,
} from "../abi";
import { frame_addr } from "../hw/bus";
import { folio_test_uptodate } from "./bio";
import { console_read, console_write } from "./console";
import {
  EBADF,
  EFAULT,
  EINVAL,
  EIO,
  EISDIR,
  ENOMEM,
  ENOTCONN,
  ENXIO,
  EOPNOTSUPP,
  EOVERFLOW,
  ERESTARTSYS,
  ESPIPE,
} from "./errno";
import { first_extent, next_extent } from "./extents";
import { O_NOATIME, f_readable, f_writable, fget, file, file_at } from "./file_table";
import { MAX_FILE_SIZE, generic_file_write, write_pos } from "./file_write";
import { note_read_end, read_cache_page } from "./filemap";
import { inode, inode_at, touch_atime } from "./fs";
import { chrdev_read, chrdev_write } from "./mem";
import { NO_PAGE, mem_map } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { folio_wait_sleeping } from "./page_io";
import { pipe_read, pipe_write } from "./pipe";
import { proc_read, proc_write } from "./proc_file";
import { current, task_field } from "./sched";
import { seq_lseek } from "./seq_file";
import { access_ok, copy_from_user, copy_to_user } from "./uaccess";

/** Most bytes that one call reads or writes. */
export const MAX_RW_COUNT: u64 = 0x7ffff000;
const IOV: usize = KBUF + 0x24000;
const IOV_MAX: u64 = 1024;

/** read(2). => bytes read, 0 at the end, or negative errno. */
export function sys_read(fd: u32, buf: u64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const error = rw_verify_area(f, f_readable(f), buf, count, f.f_pos);
  if (error != 0) return error;
  // A position that others share would move on while this call sleeps.
  return read_on(f, buf, min<u64>(count, MAX_RW_COUNT), f.f_count == 1);
}

/** Reads at the file's position, which moves on. */
// @nomark
function read_on(f: file, buf: u64, count: u64, sleeps: bool): i64 {
  const done = vfs_read(f, buf, count, f.f_pos, sleeps);
  if (done > 0) f.f_pos += done;
  return done;
}

/** write(2). => bytes written or negative errno. */
export function sys_write(fd: u32, buf: u64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const error = rw_verify_area(f, f_writable(f), buf, count, f.f_pos);
  if (error != 0) return error;
  return write_on(f, buf, min<u64>(count, MAX_RW_COUNT));
}

/** Writes at the file's position, which moves on. */
// @nomark
function write_on(f: file, buf: u64, count: u64): i64 {
  const pos = f.f_kind == FileKind.regular ? write_pos(f, f.f_pos) : f.f_pos;
  const done = vfs_write(f, buf, count, pos);
  if (done > 0) f.f_pos = pos + done;
  return done;
}

/** pread64(2). */
export function sys_pread64(fd: u32, buf: u64, count: u64, pos: u64): i64 {
  const opened = fget(fd);
  if (<i64>pos < 0) return -EINVAL;
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (!f_seekable(f)) return -ESPIPE;
  const error = rw_verify_area(f, f_readable(f), buf, count, pos);
  if (error != 0) return error;
  return vfs_read(f, buf, min<u64>(count, MAX_RW_COUNT), pos, true);
}

/** pwrite64(2). */
export function sys_pwrite64(fd: u32, buf: u64, count: u64, pos: u64): i64 {
  const opened = fget(fd);
  if (<i64>pos < 0) return -EINVAL;
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (!f_seekable(f)) return -ESPIPE;
  const error = rw_verify_area(f, f_writable(f), buf, count, pos);
  if (error != 0) return error;
  // As in Linux, a file opened to append is appended to whatever the position.
  const at = f.f_kind == FileKind.regular ? write_pos(f, pos) : pos;
  return vfs_write(f, buf, min<u64>(count, MAX_RW_COUNT), at);
}

/** Has the file positions? A console, a pipe and a socket have none. */
// @nomark
export function f_seekable(f: file): bool {
  const kind = f.f_kind;
  if (kind == FileKind.socket) return false;
  return kind != FileKind.console && kind != FileKind.pipe;
}

/**
 * What is looked at before a byte moves. `allowed`: was it opened for this?
 * => 0, -EBADF, -EFAULT, -EINVAL (a count or position below 0) or -EOVERFLOW.
 */
function rw_verify_area(f: file, allowed: bool, buf: u64, count: u64, pos: u64): i64 {
  if (!allowed) return -EBADF;
  if (!access_ok(buf, count)) return -EFAULT;
  if (<i64>count < 0 || <i64>pos < 0) return -EINVAL;
  if (f.f_kind == FileKind.regular && <i64>(pos + count) < 0) return -EOVERFLOW;
  return 0;
}

/** Reads from any kind of file. => bytes or negative errno. */
export function vfs_read(
  f: file, buf: u64, count: u64, pos: u64, sleeps: bool = false,
): i64 {
  switch (f.f_kind) {
    case FileKind.regular:
      return filemap_read(f, buf, count, pos, sleeps);
    case FileKind.directory:
      return -EISDIR;
    case FileKind.console:
      return console_read(buf, count);
    case FileKind.proc:
      return proc_read(f, buf, count, pos);
    case FileKind.pipe:
      return pipe_read(f, buf, count);
    case FileKind.device:
      return chrdev_read(f, buf, count);
    default:
      return -EINVAL;
  }
}

/** Writes to any kind of file. */
export function vfs_write(f: file, buf: u64, count: u64, pos: u64): i64 {
  switch (f.f_kind) {
    case FileKind.regular:
      return generic_file_write(f, buf, count, pos, false);
    case FileKind.console:
      return console_write(f, buf, count);
    case FileKind.pipe:
      return pipe_write(f, buf, count);
    case FileKind.socket:
      return -ENOTCONN;
    case FileKind.device:
      return chrdev_write(f, count);
    case FileKind.proc:
      return proc_write(f, buf, count);
    default:
      return -EINVAL;
  }
}

/**
 * Copies file bytes at `pos` to the program, a page of the cache at a time. With
 * `sleeps` the call may wait for the disk by giving the hart away, while it has read
 * nothing yet; once begun it waits in place.
 */
export function filemap_read(
  f: file, buf: u64, count: u64, pos: u64, sleeps: bool = false,
): i64 {
  const node = inode_at(f.f_inode);
  const task = current();
  let done: u64 = 0;
  if ((f.f_flags & O_NOATIME) == 0 && count > 0) touch_atime(node);
  while (done < count && pos + done < node.i_size) {
    const at = pos + done;
    const offset = at & 4095;
    const chunk = min<u64>(min<u64>(4096 - offset, count - done), node.i_size - at);
    const wanted = ((pos + count + 4095) >> 12) - (at >> 12);
    const may_sleep = sleeps && done == 0 && task.restarted == 0;
    const pfn = read_cache_page(f, at >> 12, wanted, may_sleep);
    if (pfn == NO_PAGE) return done > 0 ? <i64>done : -ENOMEM;
    if (!folio_test_uptodate(pfn)) return done > 0 ? <i64>done : -EIO;
    if (mem_map(pfn).flags & PG.locked) {
      folio_wait_sleeping(pfn);
      return -ERESTARTSYS;
    }
    // The program's page may have to be made room for: not with this one.
    get_page(pfn);
    const left = copy_to_user(buf + done, frame_addr(pfn) + <usize>offset, chunk);
    put_page(pfn);
    done += chunk - left;
    if (left != 0) return done > 0 ? <i64>done : -EFAULT;
  }
  if (done > 0) note_read_end(f, pos + done);
  return <i64>done;
}

/**
 * readv(2), writev(2), preadv(2) and pwritev(2): each piece in turn, until one comes
 * out short. `pos` is -1 for the file's own position.
 */
export function sys_vector(fd: u32, iov: u64, nr: u64, pos: u64, is_write: bool): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const own = pos == u64.MAX_VALUE;
  if (!own && !f_seekable(f)) return -ESPIPE;
  if (!(is_write ? f_writable(f) : f_readable(f))) return -EBADF;
  const checked = import_iovec(iov, nr);
  if (checked < 0) return checked;
  const task = current();
  let total: i64 = 0;
  for (let i: u64 = 0; i < nr; i++) {
    if (copy_from_user(IOV, iov + i * 16, 16) != 0) return -EFAULT;
    const base = load<u64>(IOV);
    const len = min<u64>(load<u64>(IOV, 8), MAX_RW_COUNT - total);
    if (len == 0) continue;
    let done: i64 = 0;
    if (is_write) {
      done = own ? write_on(f, base, len)
        : vfs_write(f, base, len, write_pos(f, pos + total));
    } else {
      done = own ? read_on(f, base, len, false) : vfs_read(f, base, len, pos + total);
    }
    if (done < 0 && total > 0) {
      // What is written or read already cannot be taken back: it is the answer.
      task.state = TaskState.running;
      return total + load<u64>(task_field(task, TASK_RESTART_DONE));
    }
    if (done < 0) return done;
    store<u64>(task_field(task, TASK_RESTART_DONE), 0);
    total += done;
    if (<u64>done < len) break;
  }
  return total;
}

/** Are the pieces in order? => their bytes, -EINVAL or -EFAULT. */
function import_iovec(iov: u64, nr: u64): i64 {
  if (nr > IOV_MAX) return -EINVAL;
  let total: u64 = 0;
  for (let i: u64 = 0; i < nr; i++) {
    if (copy_from_user(IOV, iov + i * 16, 16) != 0) return -EFAULT;
    const len = load<u64>(IOV, 8);
    if (<i64>len < 0) return -EINVAL;
    if (!access_ok(load<u64>(IOV), len)) return -EFAULT;
    total += len;
  }
  return <i64>total;
}

/** preadv(2), pwritev(2). */
export function sys_pvector(
  fd: u32, iov: u64, nr: u64, pos: u64, is_write: bool,
): i64 {
  return <i64>pos < 0 ? -EINVAL : sys_vector(fd, iov, nr, pos, is_write);
}

/** preadv2(2), pwritev2(2): position -1 is the file's own; no flag is known. */
export function sys_pvector2(
  fd: u32, iov: u64, nr: u64, pos: u64, flags: u32, is_write: bool,
): i64 {
  if (<i64>pos < -1) return -EINVAL;
  if (flags != 0) return -EOPNOTSUPP;
  return sys_vector(fd, iov, nr, pos, is_write);
}

/** lseek(2). => the new position or negative errno. */
export function sys_lseek(fd: u32, offset: i64, whence: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (whence > 4) return -EINVAL;
  if (!f_seekable(f)) return -ESPIPE;
  if (f.f_kind == FileKind.device) return 0;
  if (f.f_kind == FileKind.proc) return seq_lseek(f, offset, whence);
  const node = inode_at(f.f_inode);
  let pos = offset;
  if (f.f_kind == FileKind.directory) return dir_llseek(f, offset, whence);
  if (whence == 1) pos += f.f_pos;
  else if (whence == 2) pos += node.i_size;
  else if (whence != 0) {
    if (offset < 0 || <u64>offset >= node.i_size) return -ENXIO;
    pos = seek_data_hole(node, offset, whence == 3);
    if (pos < 0) return pos;
  }
  if (pos < 0 || <u64>pos > MAX_FILE_SIZE) return -EINVAL;
  f.f_pos = pos;
  return pos;
}

/**
 * A directory's positions are hashes of names in ext4: its end is the largest of them.
 * => the new position or -EINVAL.
 */
function dir_llseek(f: file, offset: i64, whence: u32): i64 {
  if (whence > 2) return -EINVAL;
  let pos: u64 = offset;
  if (whence == 1) pos += f.f_pos;
  else if (whence == 2) pos += i64.MAX_VALUE;
  if (<i64>pos < 0) return -EINVAL;
  f.f_pos = pos;
  return <i64>pos;
}

/**
 * The next byte from `pos` on that is data, or that is in a hole; the end of the file
 * counts as a hole.
 * => its position, or -ENXIO when no data follows.
 */
function seek_data_hole(node: inode, pos: i64, data: bool): i64 {
  let at: u64 = pos;
  for (let e = first_extent(node); e != 0 && at < node.i_size; e = next_extent(e)) {
    const start = <u64>load<u32>(e, EXTENT_PAGE) << 12;
    const end = start + (<u64>load<u32>(e, EXTENT_BLOCKS) << 12);
    if (end <= at) continue;
    if (data) {
      const next = max<u64>(at, start);
      return next < node.i_size ? <i64>next : -ENXIO;
    }
    if (at < start) return <i64>at;
    at = end;
  }
  if (data) return -ENXIO;
  return <i64>min<u64>(at, node.i_size);
}
