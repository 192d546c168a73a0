// How the files of /proc come about: nobody stores them. Each read makes the text anew,
// record by record, and a program gets the part of it that it asked for.
//
//   record 0      record 1              record 2
//   |------------|---------------------|--------------|      the text, made in order
//                        ^             ^
//                        from          as many whole records more as fit a page
//
//   A  part of a record is left from the last read: the rest of it comes first
//   B  then whole records, while they fit the buffer: a page
//   C  a record larger than the buffer: a page of it after the other
//
// A show function writes with seq_putc and its kin. What lies before the window is only
// counted, what lies behind it too: no buffer grows with the text.
//
// In Linux: fs/seq_file.c seq_read_iter() (6.12).
// Left out: what was made but not yet asked for is not kept; the record is made again,
// and may have changed. Linux's buffer grows until one record fits.
import { FILE_POS, PAGE_SIZE, SEQ_BUF } from "../abi";
import { EFAULT, EINVAL } from "./errno";
import { file } from "./file_table";
import { proc_show } from "./proc_file";
import { copy_to_user } from "./uaccess";

/** A file being written, and the window of it that is wanted. */
@unmanaged
export class seq_file {
  /** Where the window's bytes go, and how many fit. */
  buf!: u32;
  size!: u32;
  /** Bytes of text before the window; bytes of text so far. */
  from!: u64;
  count!: u64;
  /** The record at hand, and the one after it: SEQ_END when there is none. */
  index!: u64;
  next!: u64;
  /** 0 or the negative errno that a show function met. */
  error!: i64;
  /** Inode number of the file. */
  ino!: u32;
  file!: u32;
  /** seq_setwidth: the column that seq_pad fills up to. */
  pad_until!: u64;
}

/** No record. */
export const SEQ_END: u64 = u64.MAX_VALUE;

/** What a struct file of /proc keeps in place of readahead's numbers. */
@unmanaged
class seq_position {
  /** The record that comes next, and what of it was already given. */
  index!: u64;
  from!: u64;
  /** The position in the file where that is. */
  read_pos!: u64;
}

/** The file being written: there is one at a time. */
// @nomark
export function the_seq_file(): seq_file {
  return changetype<seq_file>(SEQ_BUF + PAGE_SIZE);
}

// @nomark
function position_of(f: file): seq_position {
  return changetype<seq_position>(changetype<usize>(f) + FILE_POS + 16);
}

/**
 * Makes the record at m.index; its bytes from number `from` on go to `to`, at most
 * `size`.
 * => false when there is no such record.
 */
// @nomark
function make_record(m: seq_file, to: usize, size: u32, from: u64): bool {
  m.buf = <u32>to;
  m.size = size;
  m.from = from;
  m.count = 0;
  m.next = SEQ_END;
  m.error = 0;
  return m.index != SEQ_END && proc_show(m);
}

/** Bytes of the record at hand that are in the window. */
// @nomark
function in_window(m: seq_file): u64 {
  return m.count <= m.from ? 0 : min<u64>(m.count - m.from, m.size);
}

/**
 * read(2) of a made file: up to `count` bytes at `pos` to the program. Like Linux it
 * gives whole records up to a page, so a long file takes several reads.
 * => bytes, 0 at the end, -EFAULT, or what the file answers.
 */
export function seq_read(f: file, ino: u32, buf: u64, count: u64, pos: u64): i64 {
  const m = the_seq_file();
  const at = position_of(f);
  m.ino = ino;
  m.file = <u32>changetype<usize>(f);
  if (pos == 0 || pos != at.read_pos) traverse(m, at, pos);
  let done: i64 = 0;
  if (at.from != 0) {
    // A: the rest of the record that was begun
    done = rest_of_record(m, at, buf, count);
    if (done < 0 || at.from != 0) return done;
  }
  if (<u64>done == count) return done;
  const more = whole_records(m, at, buf + done, count - done);
  return more < 0 && done > 0 ? done : done + more;
}

/** For a text that is no file's: what is written goes to `to`, at most `size`. */
// @nomark
export function seq_window(m: seq_file, to: usize, size: u32): void {
  m.buf = <u32>to;
  m.size = size;
  m.from = 0;
  m.count = 0;
}

/** => bytes that were written into the window. */
// @nomark
export function seq_length(m: seq_file): i64 {
  return <i64>in_window(m);
}

/** Finds the record that holds byte `pos` of the text. */
function traverse(m: seq_file, at: seq_position, pos: u64): void {
  at.index = 0;
  at.from = 0;
  at.read_pos = pos;
  let left = pos;
  while (left > 0) {
    m.index = at.index;
    if (!make_record(m, SEQ_BUF, 0, 0)) return;
    if (left < m.count) {
      at.from = left;
      return;
    }
    left -= m.count;
    at.index = m.next;
  }
}

/** C: gives a record page by page, from at.from on. => bytes or -EFAULT. */
function rest_of_record(m: seq_file, at: seq_position, buf: u64, count: u64): i64 {
  let done: u64 = 0;
  while (done < count) {
    m.index = at.index;
    const room = <u32>min<u64>(PAGE_SIZE, count - done);
    if (!make_record(m, SEQ_BUF, room, at.from)) {
      at.from = 0;
      return <i64>done;
    }
    const got = in_window(m);
    if (copy_to_user(buf + done, SEQ_BUF, got) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    done += got;
    at.from += got;
    at.read_pos += got;
    if (at.from >= m.count) {
      at.from = 0;
      at.index = m.next;
      break;
    }
  }
  return <i64>done;
}

/** B: whole records, the last one perhaps cut by `count`. => bytes or an errno. */
function whole_records(m: seq_file, at: seq_position, buf: u64, count: u64): i64 {
  let filled: u64 = 0;
  while (filled < count) {
    m.index = at.index;
    const room = <u32>PAGE_SIZE - <u32>filled;
    if (!make_record(m, SEQ_BUF + <usize>filled, room, 0)) {
      if (filled == 0 && m.error != 0) return m.error;
      break;
    }
    if (m.count >= room) {
      if (filled == 0) return rest_of_record(m, at, buf, count);
      break;
    }
    filled += m.count;
    if (filled > count) {
      at.from = m.count - (filled - count);
      filled = count;
      break;
    }
    at.index = m.next;
  }
  if (copy_to_user(buf, SEQ_BUF, filled) != 0) return -EFAULT;
  at.read_pos += filled;
  return <i64>filled;
}

/** lseek(2): a made file has no end to count from. => the position or -EINVAL. */
export function seq_lseek(f: file, offset: i64, whence: u32): i64 {
  let pos = offset;
  if (whence == 1) pos += f.f_pos;
  else if (whence != 0) return -EINVAL;
  if (pos < 0) return -EINVAL;
  f.f_pos = pos;
  return pos;
}

// ---- writing ----

/** One byte of text. */
// @nomark
export function seq_putc(m: seq_file, c: u32): void {
  const at = m.count - m.from;
  if (m.count >= m.from && at < m.size) store<u8>(<usize>m.buf + <usize>at, <u8>c);
  m.count++;
}

/** A constant text, ASCII: two bytes a letter. */
// @nomark
export function seq_puts(m: seq_file, s: string): void {
  put_letters(m, changetype<usize>(s), s.length, 1);
}

/** `len` bytes. */
// @nomark
export function seq_write(m: seq_file, from: usize, len: usize): void {
  put_letters(m, from, <u32>len, 0);
}

/** `len` letters from `from` on, each of 1 << `wide` bytes; only the window's count. */
// @nomark
function put_letters(m: seq_file, from: usize, len: u32, wide: u32): void {
  const begin = m.count;
  const end = begin + len;
  m.count = end;
  if (end <= m.from || begin >= m.from + m.size) return;
  const first = m.from > begin ? m.from - begin : 0;
  const last = min<u64>(len, m.from + m.size - begin);
  let to = <usize>m.buf + <usize>(begin + first - m.from);
  for (let i = <usize>first; i < <usize>last; i++, to++) {
    store<u8>(to, load<u8>(from + (i << wide)));
  }
}

/** A number, right-aligned in `width` columns: "%*llu". */
// @nomark
export function seq_put_decimal_ull_width(m: seq_file, n: u64, width: u32): void {
  let digits: u32 = 1;
  let power: u64 = 1;
  while (n / power >= 10) {
    power *= 10;
    digits++;
  }
  for (let i = digits; i < width; i++) seq_putc(m, 0x20);
  for (; power > 0; power /= 10) seq_putc(m, 0x30 + <u32>((n / power) % 10));
}

// @nomark
export function seq_put_decimal_ull(m: seq_file, n: u64): void {
  seq_put_decimal_ull_width(m, n, 0);
}

/** A blank and a number: what stat files are made of. */
// @nomark
export function seq_put_field(m: seq_file, n: u64): void {
  seq_putc(m, 0x20);
  seq_put_decimal_ull_width(m, n, 0);
}

// @nomark
export function seq_put_decimal_ll(m: seq_file, n: i64): void {
  if (n < 0) seq_putc(m, 0x2d);
  seq_put_decimal_ull_width(m, n < 0 ? <u64>-n : n, 0);
}

/** A number in hex with at least `width` digits: "%0*llx". */
// @nomark
export function seq_put_hex_ll(m: seq_file, n: u64, width: u32): void {
  let digits: u32 = 1;
  while (digits < 16 && n >> (digits * 4) != 0) digits++;
  if (digits < width) digits = width;
  for (let i: u32 = digits; i > 0; i--) {
    const shift = (i - 1) * 4;
    const d = shift < 64 ? <u32>(n >> shift) & 15 : 0;
    seq_putc(m, d < 10 ? 0x30 + d : 0x57 + d);
  }
}

/** "name value\n" with the value in kB, in a column of 8 after the name. */
// @nomark
export function seq_put_kb(m: seq_file, name: string, bytes: u64): void {
  seq_puts(m, name);
  seq_put_decimal_ull_width(m, bytes >> 10, 8);
  seq_puts(m, " kB\n");
}

/** What follows is to begin in column `size` of the record's text from here. */
// @nomark
export function seq_setwidth(m: seq_file, size: u32): void {
  m.pad_until = m.count + size;
}

// @nomark
export function seq_pad(m: seq_file, c: u32): void {
  while (m.count < m.pad_until) seq_putc(m, 0x20);
  seq_putc(m, c);
}

if (offsetof<seq_position>() > 24) ERROR("seq_position: more than readahead's room");
