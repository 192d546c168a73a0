// Copying from file to file without a buffer of the program: sendfile(2) and
// copy_file_range(2).
//
//   source page --> a page of the kernel --> the target's page, or the console
//
// In Linux: fs/splice.c do_splice_direct(), fs/read_write.c do_sendfile(),
// vfs_copy_file_range() (6.12): there the pages go through a pipe.
// Left out: sharing blocks between files (reflink), pipes and sockets as targets.
import { FileKind, KBUF } from "../abi";
import { console_stream, put_output } from "./console";
import {
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EOVERFLOW,
} from "./errno";
import { O_APPEND, f_readable, f_writable, fget, file, file_at } from "./file_table";
import { MAX_FILE_SIZE, generic_file_write } from "./file_write";
import { kernel_read } from "./filemap";
import { inode_at, touch_atime } from "./fs";
import { chrdev_write } from "./mem";
import { MAX_RW_COUNT } from "./read_write";
import { copy_from_user, copy_to_user } from "./uaccess";

const PAGE: usize = KBUF + 0x23000;
const WORD: usize = KBUF + 0x600;

/** Reads the position at `at` in the program's memory. => it, -EFAULT or -EINVAL. */
// @nomark
function get_pos(at: u64): i64 {
  if (copy_from_user(WORD, at, 8) != 0) return -EFAULT;
  const pos = load<i64>(WORD);
  return pos < 0 ? -EINVAL : pos;
}

// @nomark
function put_pos(at: u64, pos: u64): i64 {
  store<u64>(WORD, pos);
  return copy_to_user(at, WORD, 8) == 0 ? 0 : -EFAULT;
}

/**
 * Copies up to `count` bytes from `from` at `in_pos` to `to` at `out_pos`.
 * => bytes, or negative errno when there were none.
 */
function do_splice_direct(
  from: file, in_pos: u64, to: file, out_pos: u64, count: u64,
): i64 {
  let done: u64 = 0;
  while (done < count) {
    const at = in_pos + done;
    const chunk = min<u64>(4096 - (at & 4095), count - done);
    const read = kernel_read(from, PAGE, chunk, at);
    if (read < 0) return done > 0 ? <i64>done : read;
    if (read == 0) break;
    const written = splice_out(to, <u64>read, out_pos + done);
    if (written < 0) return done > 0 ? <i64>done : written;
    done += written;
    if (written < read) break;
  }
  if (done > 0) touch_atime(inode_at(from.f_inode));
  return <i64>done;
}

/** The page in the kernel to the target. => bytes or negative errno. */
function splice_out(to: file, len: u64, pos: u64): i64 {
  if (to.f_kind == FileKind.regular) {
    return generic_file_write(to, <u64>PAGE, len, pos, true);
  }
  if (to.f_kind == FileKind.device) return chrdev_write(to, len);
  if (to.f_kind != FileKind.console) return -EINVAL;
  put_output(console_stream(to), PAGE, <u32>len);
  return <i64>len;
}

/** sendfile(2). => bytes or negative errno. */
export function sys_sendfile(out_fd: u32, in_fd: u32, offset: u64, count: u64): i64 {
  let pos: i64 = 0;
  if (offset != 0) {
    pos = get_pos(offset);
    if (pos == -EFAULT) return pos;
  }
  const opened = fget(in_fd);
  if (opened == 0 || !f_readable(file_at(opened))) return -EBADF;
  const from = file_at(opened);
  if (offset == 0) pos = from.f_pos;
  if (pos < 0 || <i64>count < 0) return -EINVAL;
  const target = fget(out_fd);
  if (target == 0 || !f_writable(file_at(target))) return -EBADF;
  const to = file_at(target);
  if (from.f_kind != FileKind.regular) return -EINVAL;
  if (to.f_flags & O_APPEND) return -EINVAL;
  // A pipe and the console have a limited room: the program asks again for the rest.
  const most: u64 = to.f_kind == FileKind.regular ? MAX_RW_COUNT : 0x10000;
  count = min<u64>(count, most);
  const done = do_splice_direct(from, pos, to, to.f_pos, count);
  if (done <= 0) return done;
  to.f_pos += done;
  if (offset != 0) return put_pos(offset, pos + done) == 0 ? done : -EFAULT;
  from.f_pos = pos + done;
  return done;
}

/** copy_file_range(2). => bytes or negative errno. */
export function sys_copy_file_range(
  in_fd: u32, off_in: u64, out_fd: u32, off_out: u64, len: u64, flags: u32,
): i64 {
  const opened = fget(in_fd);
  const target = fget(out_fd);
  if (opened == 0 || target == 0) return -EBADF;
  const from = file_at(opened);
  const to = file_at(target);
  const in_pos: i64 = off_in != 0 ? get_pos(off_in) : from.f_pos;
  if (in_pos < 0) return in_pos;
  const out_pos: i64 = off_out != 0 ? get_pos(off_out) : to.f_pos;
  if (out_pos < 0) return out_pos;
  if (flags != 0) return -EINVAL;
  const checked = copy_file_checks(from, in_pos, to, out_pos, len);
  if (checked <= 0) return checked;
  const done = do_splice_direct(from, in_pos, to, out_pos, checked);
  if (done <= 0) return done;
  if (off_in == 0) from.f_pos = in_pos + done;
  else if (put_pos(off_in, in_pos + done) != 0) return -EFAULT;
  if (off_out == 0) to.f_pos = out_pos + done;
  else if (put_pos(off_out, out_pos + done) != 0) return -EFAULT;
  return done;
}

/** => bytes that can be copied, or negative errno. */
function copy_file_checks(
  from: file, in_pos: u64, to: file, out_pos: u64, len: u64,
): i64 {
  if (from.f_kind == FileKind.directory) return -EISDIR;
  if (to.f_kind == FileKind.directory) return -EISDIR;
  if (from.f_kind != FileKind.regular) return -EINVAL;
  if (to.f_kind != FileKind.regular) return -EINVAL;
  if (!f_readable(from) || !f_writable(to)) return -EBADF;
  if (to.f_flags & O_APPEND) return -EBADF;
  if (in_pos + len < in_pos || out_pos + len < out_pos) return -EOVERFLOW;
  const size = inode_at(from.f_inode).i_size;
  if (in_pos >= size) return 0;
  let count = min<u64>(min<u64>(len, size - in_pos), MAX_RW_COUNT);
  if (from.f_inode == to.f_inode) {
    const apart = out_pos > in_pos ? out_pos - in_pos : in_pos - out_pos;
    if (apart < count) return -EINVAL;
  }
  if (out_pos >= MAX_FILE_SIZE) return 0;
  count = min<u64>(count, MAX_FILE_SIZE - out_pos);
  return <i64>count;
}
