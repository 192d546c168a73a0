// The console: what a process has as 0, 1 and 2 when the machine starts. It is a pipe
// to whoever runs the machine, as it is for a program whose output is collected.
//
//   write   the bytes go to the output ring, a record a page, with the number of the
//           stream: 1 standard output, 2 standard error, wherever it was duplicated to
//   read    the input that was given to the machine before it ran
//
// In Linux: a terminal's driver, or a pipe (fs/pipe.c, 6.12).
// Left out: waiting for room or for input, terminal settings.
import {
  INPUT_BASE,
  INPUT_NR,
  INPUT_POS,
  KBUF,
  OUT_BASE,
  OUT_POS,
  OUT_SIZE,
} from "../abi";
import { EFAULT } from "./errno";
import { file } from "./file_table";
import { copy_from_user, copy_to_user } from "./uaccess";

/**
 * A write to the console takes at most this much at once; the rest is written again.
 */
export const CONSOLE_MAX: u64 = 0x10000;
const HEAD: usize = KBUF + 0x600;
/** Where a page of output waits. */
const PAGE: usize = KBUF + 0x9000;

/** Standard input: what was given, until it ends. */
export function console_read(buf: u64, count: u64): i64 {
  const pos = load<u32>(INPUT_POS);
  const chunk = min<u64>(count, load<u32>(INPUT_NR) - pos);
  if (copy_to_user(buf, INPUT_BASE + pos, chunk) != 0) return -EFAULT;
  store<u32>(INPUT_POS, pos + <u32>chunk);
  return <i64>chunk;
}

/** Bytes of standard input that can be read at once. */
// @nomark
export function console_readable(): u32 {
  return load<u32>(INPUT_NR) - load<u32>(INPUT_POS);
}

/** Which of its streams an opening of the console is: 0, 1 or 2. */
// @nomark
export function console_stream(f: file): u32 {
  return f.f_dir;
}

/** To the output ring, a page of the program's memory at a time. */
export function console_write(f: file, buf: u64, count: u64): i64 {
  const total = min<u64>(count, CONSOLE_MAX);
  let done: u64 = 0;
  while (done < total) {
    const chunk = min<u64>(4096 - ((buf + done) & 4095), total - done);
    if (copy_from_user(PAGE, buf + done, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    put_output(console_stream(f), PAGE, <u32>chunk);
    done += chunk;
  }
  return <i64>done;
}

/** Appends a record of `len` bytes for a stream to the ring. */
// @nomark
export function put_output(stream: u32, from: usize, len: u32): void {
  store<u32>(HEAD, stream | (len << 8));
  let pos = load<u32>(OUT_POS);
  // Byte by byte: it may wrap anywhere.
  for (let i: u32 = 0; i < 4 + len; i++, pos++) {
    const byte = i < 4 ? load<u8>(HEAD + i) : load<u8>(from + i - 4);
    store<u8>(OUT_BASE + (pos & (OUT_SIZE - 1)), byte);
  }
  store<u32>(OUT_POS, pos);
}
