// read(2), write(2) and their relatives: between a program's memory and a file's pages,
// or the console.
//
//   write to the console   the bytes go to the output ring, a record a page
//   read from a file       through the page cache, with readahead
//   read from the console  from the input that was given to the machine before it ran
//
// In Linux: fs/read_write.c, mm/filemap.c filemap_read() (6.12).
// Left out, in this first part: writing to files (the disk is read-only: EROFS), pipes.
import {
  FileKind,
  INPUT_BASE,
  INPUT_NR,
  INPUT_POS,
  KBUF,
  OUT_BASE,
  OUT_POS,
  OUT_SIZE,
  TaskState,
} from "../abi";
import { frame_addr } from "../hw/bus";
import { EBADF, EFAULT, EINVAL, EISDIR, ENOMEM, EROFS, ESPIPE } from "./errno";
import { f_readable, f_writable, fget, file, file_at } from "./file_table";
import { read_cache_page } from "./filemap";
import { inode_at } from "./fs";
import { NO_PAGE } from "./mm_types";
import { pipe_read, pipe_write } from "./pipe";
import { proc_read } from "./proc_file";
import { current } from "./sched";
import { seq_lseek } from "./seq_file";
import { copy_from_user, copy_to_user } from "./uaccess";


/**
 * A write to the console takes at most this much at once; the rest is written again.
 */
export const CONSOLE_MAX: u64 = 0x10000;
const SCRATCH: usize = KBUF + 0x600;
const IOV_MAX: u64 = 1024;

/** read(2). => bytes read, 0 at the end, or negative errno. */
export function sys_read(fd: u32, buf: u64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (!f_readable(f)) return -EBADF;
  if (f.f_kind == FileKind.console) return console_read(buf, count);
  if (f.f_kind == FileKind.pipe) return pipe_read(f, buf, count);
  const done = file_read(f, buf, count, f.f_pos);
  if (done > 0) f.f_pos += done;
  return done;
}

/** pread64(2). */
export function sys_pread64(fd: u32, buf: u64, count: u64, pos: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (<i64>pos < 0) return -EINVAL;
  if (f.f_kind == FileKind.console || f.f_kind == FileKind.pipe) return -ESPIPE;
  if (!f_readable(f)) return -EBADF;
  return file_read(f, buf, count, pos);
}

/** Copies file bytes at `pos` to the program, a page of the cache at a time. */
export function file_read(f: file, buf: u64, count: u64, pos: u64): i64 {
  if (f.f_kind == FileKind.directory) return -EISDIR;
  if (f.f_kind == FileKind.proc) return proc_read(f, buf, count, pos);
  const node = inode_at(f.f_inode);
  let done: u64 = 0;
  while (done < count && pos + done < node.i_size) {
    const at = pos + done;
    const offset = at & 4095;
    const chunk = min<u64>(min<u64>(4096 - offset, count - done), node.i_size - at);
    const pfn = read_cache_page(f, at >> 12);
    if (pfn == NO_PAGE) return done > 0 ? <i64>done : -ENOMEM;
    const left = copy_to_user(buf + done, frame_addr(pfn) + <usize>offset, chunk);
    done += chunk - left;
    if (left != 0) return done > 0 ? <i64>done : -EFAULT;
  }
  return <i64>done;
}

/** Standard input: what was given, until it ends. */
function console_read(buf: u64, count: u64): i64 {
  const pos = load<u32>(INPUT_POS);
  const chunk = min<u64>(count, load<u32>(INPUT_NR) - pos);
  if (copy_to_user(buf, INPUT_BASE + pos, chunk) != 0) return -EFAULT;
  store<u32>(INPUT_POS, pos + <u32>chunk);
  return <i64>chunk;
}

/** write(2). => bytes written or negative errno. */
export function sys_write(fd: u32, buf: u64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (!f_writable(f)) return -EBADF;
  if (f.f_kind == FileKind.pipe) return pipe_write(f, buf, count);
  if (f.f_kind != FileKind.console) return -EROFS;
  return console_write(fd, buf, count);
}

/** To the output ring, a page of the program's memory at a time. */
function console_write(fd: u32, buf: u64, count: u64): i64 {
  const total = min<u64>(count, CONSOLE_MAX);
  let done: u64 = 0;
  while (done < total) {
    const chunk = min<u64>(4096 - ((buf + done) & 4095), total - done);
    if (copy_from_user(SCRATCH_PAGE, buf + done, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    put_output(<u32>fd | (<u32>chunk << 8), SCRATCH_PAGE, <u32>chunk);
    done += chunk;
  }
  return <i64>done;
}

/** Where a page of output waits. */
const SCRATCH_PAGE: usize = KBUF + 0x9000;

/** Appends a record to the ring, byte by byte: it may wrap anywhere. */
// @nomark
function put_output(head: u32, from: usize, len: u32): void {
  store<u32>(SCRATCH, head);
  let pos = load<u32>(OUT_POS);
  for (let i: u32 = 0; i < 4 + len; i++, pos++) {
    const byte = i < 4 ? load<u8>(SCRATCH + i) : load<u8>(from + i - 4);
    store<u8>(OUT_BASE + (pos & (OUT_SIZE - 1)), byte);
  }
  store<u32>(OUT_POS, pos);
}

/** readv(2) and writev(2): each piece in turn, until one comes out short. */
export function sys_vector(fd: u32, iov: u64, nr: u64, is_write: bool): i64 {
  if (nr > IOV_MAX) return -EINVAL;
  let total: i64 = 0;
  for (let i: u64 = 0; i < nr; i++) {
    if (copy_from_user(SCRATCH + 16, iov + i * 16, 16) != 0) return -EFAULT;
    const base = load<u64>(SCRATCH + 16);
    const len = load<u64>(SCRATCH + 24);
    if (<i64>len < 0) return -EINVAL;
    if (len == 0) continue;
    const done = is_write ? sys_write(fd, base, len) : sys_read(fd, base, len);
    if (done < 0) {
      // What is written or read already cannot be taken back: it is the answer.
      if (total > 0) current().state = TaskState.running;
      return total > 0 ? total : done;
    }
    total += done;
    if (<u64>done < len) break;
  }
  return total;
}

/** lseek(2). => the new position or negative errno. */
export function sys_lseek(fd: u32, offset: i64, whence: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind == FileKind.console || f.f_kind == FileKind.pipe) return -ESPIPE;
  if (f.f_kind == FileKind.proc) return seq_lseek(f, offset, whence);
  let pos = offset;
  if (whence == 1) pos += f.f_pos;
  else if (whence == 2) pos += inode_at(f.f_inode).i_size;
  else if (whence != 0) return -EINVAL;
  if (pos < 0) return -EINVAL;
  f.f_pos = pos;
  return pos;
}
