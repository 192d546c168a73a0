// Descriptors: copying them, their flags, and questions to what is behind them.
//
//   descriptor 3 --+
//                  +--> struct file (position, O_APPEND, O_NONBLOCK) --> inode
//   descriptor 4 --+      dup: two descriptors, one position
//
//   close-on-exec belongs to the descriptor, the other flags to the struct file
//
// In Linux: fs/fcntl.c, fs/file.c, fs/ioctl.c (6.12).
// Left out: locks (every F_SETLK and flock succeeds), owners and signals of a file.
import { FileKind, KBUF, TASK_NR_FDS } from "../abi";
import { console_readable } from "./console";
import { EBADF, EFAULT, EINVAL, ENOTTY } from "./errno";
import {
  O_APPEND,
  O_CLOEXEC,
  O_NOATIME,
  O_NONBLOCK,
  O_PATH,
  close_fd,
  close_on_exec,
  expand_files,
  fd_install,
  fd_slot,
  fget,
  fget_raw,
  file_at,
  fput,
  get_file,
  nr_fds,
  set_close_on_exec,
} from "./file_table";
import { inode_at } from "./fs";
import { PIPE_BYTES, pipe_bytes, pipe_of } from "./pipe";
import { current } from "./sched";
import { copy_from_user, copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
const F_DUPFD: u32 = 0;
const F_GETFD: u32 = 1;
const F_SETFD: u32 = 2;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const F_GETLK: u32 = 5;
const F_SETLK: u32 = 6;
const F_SETLKW: u32 = 7;
const F_SETOWN: u32 = 8;
const F_GETOWN: u32 = 9;
const F_OFD_GETLK: u32 = 36;
const F_OFD_SETLK: u32 = 37;
const F_OFD_SETLKW: u32 = 38;
const F_DUPFD_CLOEXEC: u32 = 1030;
const F_GETPIPE_SZ: u32 = 1032;
/** What F_SETFL may change. */
const SETFL_MASK: u32 = O_APPEND | O_NONBLOCK | O_NOATIME | 0o20000 | 0o40000;
const FIONREAD: u32 = 0x541b;
const FIONBIO: u32 = 0x5421;
const FIONCLEX: u32 = 0x5450;
const FIOCLEX: u32 = 0x5451;
const FIGETBSZ: u32 = 2;
const CLOSE_RANGE_UNSHARE: u32 = 2;
const CLOSE_RANGE_CLOEXEC: u32 = 4;

/** dup(2), and F_DUPFD of fcntl(2): the lowest free descriptor >= `from`. */
export function sys_dup(fd: u32, from: u32): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  get_file(opened);
  const copy = fd_install(opened, from);
  if (copy < 0) fput(opened);
  return copy;
}

/** dup3(2). */
export function sys_dup3(fd: u32, to: u32, flags: u32): i64 {
  if ((flags & ~O_CLOEXEC) != 0 || fd == to) return -EINVAL;
  if (to >= nr_fds()) return -EBADF;
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  get_file(opened);
  close_fd(to);
  expand_files(current(), to);
  store<u32>(fd_slot(to), opened);
  set_close_on_exec(to, (flags & O_CLOEXEC) != 0);
  return to;
}

/** close_range(2). */
export function sys_close_range(first: u32, last: u32, flags: u32): i64 {
  if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return -EINVAL;
  if (first > last) return -EINVAL;
  for (let fd = first; fd <= last && fd < <u32>TASK_NR_FDS; fd++) {
    if ((flags & CLOSE_RANGE_CLOEXEC) == 0) close_fd(fd);
    else if (fget_raw(fd) != 0) set_close_on_exec(fd, true);
  }
  return 0;
}

/** fcntl(2). */
export function sys_fcntl(fd: u32, cmd: u32, arg: u64): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      if (arg >= nr_fds()) return -EINVAL;
      const copy = sys_dup(fd, <u32>arg);
      if (copy >= 0) set_close_on_exec(<u32>copy, cmd == F_DUPFD_CLOEXEC);
      return copy;
    }
    case F_GETFD:
      return close_on_exec(fd) ? 1 : 0;
    case F_SETFD:
      set_close_on_exec(fd, (arg & 1) != 0);
      return 0;
    case F_GETFL:
      return f.f_flags;
    default:
  }
  if (f.f_flags & O_PATH) return -EBADF;
  switch (cmd) {
    case F_SETFL:
      f.f_flags = (f.f_flags & ~SETFL_MASK) | (<u32>arg & SETFL_MASK);
      return 0;
    case F_GETPIPE_SZ:
      return f.f_kind == FileKind.pipe ? <i64>PIPE_BYTES : -EBADF;
    case F_GETLK:
    case F_OFD_GETLK:
      return getlk(arg);
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_SETOWN:
    case F_GETOWN:
      return 0;
    default:
      return -EINVAL;
  }
}

/** F_GETLK: nobody holds a lock, so this one could be taken. */
// @nomark
function getlk(flock: u64): i64 {
  if (copy_from_user(SCRATCH, flock, 2) != 0) return -EFAULT;
  store<u16>(SCRATCH, 2); // F_UNLCK
  return copy_to_user(flock, SCRATCH, 2) == 0 ? 0 : -EFAULT;
}

/** flock(2): nobody else ever holds one. */
export function sys_flock(fd: u32, operation: u32): i64 {
  if (fget(fd) == 0) return -EBADF;
  const what = operation & ~<u32>4;
  return what == 1 || what == 2 || what == 8 ? 0 : -EINVAL;
}

/** ioctl(2): the console is no terminal, so what asks for one is told ENOTTY. */
export function sys_ioctl(fd: u32, cmd: u32, arg: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  const regular = f.f_kind == FileKind.regular;
  switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
      set_close_on_exec(fd, cmd == FIOCLEX);
      return 0;
    case FIONBIO:
      if (copy_from_user(SCRATCH, arg, 4) != 0) return -EFAULT;
      f.f_flags &= ~O_NONBLOCK;
      if (load<u32>(SCRATCH) != 0) f.f_flags |= O_NONBLOCK;
      return 0;
    case FIONREAD:
      if (regular) return put_int(arg, <u32>(inode_at(f.f_inode).i_size - f.f_pos));
      if (f.f_kind == FileKind.console) return put_int(arg, console_readable());
      if (f.f_kind == FileKind.pipe) return put_int(arg, <u32>pipe_bytes(pipe_of(f)));
      return -ENOTTY;
    case FIGETBSZ:
      return regular || f.f_kind == FileKind.directory ? put_int(arg, 4096) : -ENOTTY;
    default:
      return -ENOTTY;
  }
}

// @nomark
function put_int(to: u64, value: u32): i64 {
  store<u32>(SCRATCH, value);
  return copy_to_user(to, SCRATCH, 4) == 0 ? 0 : -EFAULT;
}
