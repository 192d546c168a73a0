// The devices that every program takes for granted, by their numbers:
//
//   1,3 null   reads as the end of a file, swallows what is written
//   1,5 zero   reads as zeros, swallows
//   1,7 full   reads as zeros, and is always full: ENOSPC
//   1,8 random, 1,9 urandom   random bytes of the machine's seed
//   5,0 tty    the terminal of the session: there is none, so it cannot be opened
//
// In Linux: drivers/char/mem.c, drivers/char/random.c, drivers/tty/tty_io.c (6.12).
// Left out: every other device.
import { KBUF } from "../abi";
import { EFAULT, ENOSPC, ENXIO } from "./errno";
import { file, file_at, file_inode } from "./file_table";
import { inode_at } from "./fs";
import { get_random_bytes } from "./random";
import { clear_user, copy_to_user } from "./uaccess";

export const DEV_NULL: u32 = 0x103;
export const DEV_ZERO: u32 = 0x105;
const DEV_FULL: u32 = 0x107;
const DEV_RANDOM: u32 = 0x108;
const DEV_URANDOM: u32 = 0x109;
const SCRATCH: usize = KBUF + 0x600;

/** May a device of this number be opened? => 0 or -ENXIO. */
export function chrdev_open(rdev: u32): i64 {
  switch (rdev) {
    case DEV_NULL:
    case DEV_ZERO:
    case DEV_FULL:
    case DEV_RANDOM:
    case DEV_URANDOM:
      return 0;
    default:
      return -ENXIO;
  }
}

/** Is the open file /dev/zero, whose mappings are anonymous memory? */
// @nomark
export function is_dev_zero(opened: u32): bool {
  const node = file_inode(file_at(opened));
  return node != 0 && inode_at(node).i_rdev == DEV_ZERO;
}

/** read(2) of a device. */
export function chrdev_read(f: file, buf: u64, count: u64): i64 {
  switch (inode_at(f.f_inode).i_rdev) {
    case DEV_NULL:
      return 0;
    case DEV_RANDOM:
    case DEV_URANDOM:
      return urandom_read(buf, count);
    default: {
      const left = clear_user(buf, count);
      return left == count && count > 0 ? -EFAULT : <i64>(count - left);
    }
  }
}

/** Random bytes to the program. => bytes, or -EFAULT when there were none. */
export function urandom_read(buf: u64, count: u64): i64 {
  let done: u64 = 0;
  while (done < count) {
    const chunk = min<u64>(count - done, 256);
    get_random_bytes(SCRATCH, chunk);
    if (copy_to_user(buf + done, SCRATCH, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    done += chunk;
  }
  return <i64>done;
}

/** write(2) to a device. */
export function chrdev_write(f: file, count: u64): i64 {
  return inode_at(f.f_inode).i_rdev == DEV_FULL ? -ENOSPC : <i64>count;
}
