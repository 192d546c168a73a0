// poll and select: which of these descriptors could be read or written now?
//
//   ppoll       a list of { fd, what is asked, what holds }
//   pselect6    three sets of bits: to read, to write, exceptional
//
//   A some are ready     the answer is their number, at once
//   B none, no timeout   sleep until a pipe changes, then look at all of them again
//   C none, a timeout    the same, but the clock wakes it too: 0
//   D a signal           EINTR; it is let through by the mask given for the call's time
//
// A file on the disk is always ready. So is the console: whether more input is to come
// is seen when it is read.
//
// In Linux: fs/select.c do_sys_poll(), core_sys_select(), poll_select_finish() (6.12).
// Left out: descriptors above 256, epoll, edge-triggered waiting, exceptional
// conditions (nothing here has any).
import { FileKind, KBUF, TASK_NR_FDS, WaitKind } from "../abi";
import { now_ps } from "../hw/clock";
import { EBADF, EFAULT, EINVAL } from "./errno";
import { f_writable, fdt_max_fds, fget, file, file_at } from "./file_table";
import { pipe_bytes, pipe_of, pipe_room } from "./pipe";
import { current, wait_on_nohand } from "./sched";
import { set_user_sigmask } from "./sigaction";
import { restore_saved_sigmask } from "./sigframe";
import { signal_pending } from "./signal";
import { copy_from_user, copy_to_user } from "./uaccess";

const POLLIN: u32 = 1;
const POLLOUT: u32 = 4;
const POLLERR: u32 = 8;
const POLLHUP: u32 = 16;
const POLLNVAL: u32 = 32;
const POLLRDNORM: u32 = 0x40;
const POLLWRNORM: u32 = 0x100;
const READABLE: u32 = POLLIN | POLLRDNORM;
const WRITABLE: u32 = POLLOUT | POLLWRNORM;
const POLLFD_SIZE: u64 = 8;
const NSEC_PER_SEC: u64 = 1000000000;
const PS_PER_NS: u64 = 1000;
const MAX_SECONDS: u64 = 1 << 33;
const SCRATCH: usize = KBUF + 0xc00;
/** pselect6: three sets asked, three answered. */
const SETS: usize = KBUF + 0xc20;
const SET_SIZE: usize = 32;

/** What holds of the open file now, as POLL* bits. */
export function vfs_poll(f: file): u32 {
  if (f.f_kind == FileKind.socket) return POLLOUT | POLLHUP;
  if (f.f_kind != FileKind.pipe) return READABLE | WRITABLE;
  const pipe = pipe_of(f);
  if (f_writable(f)) {
    const room = pipe_room(pipe) > 0 ? WRITABLE : 0;
    return room | (pipe.readers == 0 ? POLLERR : 0);
  }
  const bytes = pipe_bytes(pipe) > 0 ? READABLE : 0;
  return bytes | (pipe.writers == 0 ? POLLHUP : 0);
}

/**
 * Notes, at the call's first time, until when it waits: `ts` is a relative struct
 * timespec, 0 for ever.
 * => 0, -EFAULT or -EINVAL.
 */
function poll_select_set_timeout(ts: u64): i64 {
  if (ts == 0) return 0;
  if (copy_from_user(SCRATCH, ts, 16) != 0) return -EFAULT;
  const seconds = load<u64>(SCRATCH);
  const ns = load<u64>(SCRATCH, 8);
  if (<i64>seconds < 0 || ns >= NSEC_PER_SEC) return -EINVAL;
  const span = min<u64>(seconds, MAX_SECONDS) * NSEC_PER_SEC + ns;
  const never = u64.MAX_VALUE - 1;
  const until = now_ps() / PS_PER_NS + span;
  current().wake_at = until < never / PS_PER_NS ? until * PS_PER_NS : never;
  return 0;
}

/**
 * For the call's time the mask at `mask` (0: none given) is the task's.
 * => 0, -EFAULT or -EINVAL.
 */
function begin_sigmask(mask: u64, size: u64): i64 {
  if (mask == 0) return 0;
  if (size != 8) return -EINVAL;
  if (copy_from_user(SCRATCH, mask, 8) != 0) return -EFAULT;
  set_user_sigmask(load<u64>(SCRATCH));
  return 0;
}

/** The call is over: its own mask again, and what is left of the time to `ts`. */
// @nomark
function poll_select_finish(ts: u64, answer: i64): i64 {
  restore_saved_sigmask();
  put_time_left(ts);
  return answer;
}

/** Linux does not say either when this cannot be written. */
function put_time_left(ts: u64): void {
  if (ts == 0) return;
  const now = now_ps();
  const until = current().wake_at;
  const left = until > now ? (until - now) / PS_PER_NS : 0;
  store<u64>(SCRATCH, left / NSEC_PER_SEC);
  store<u64>(SCRATCH, left % NSEC_PER_SEC, 8);
  copy_to_user(ts, SCRATCH, 16);
}

/** B, C; and D, when a signal is there: the mask goes back when it is delivered. */
function poll_schedule_timeout(ts: u64): i64 {
  if (signal_pending(current())) put_time_left(ts);
  return wait_on_nohand(WaitKind.poll, 0);
}

/** B, C: is the time up? A call that may sleep no longer answers what it has. */
// @nomark
function timed_out(): bool {
  return current().wake_at <= now_ps();
}

/** ppoll(2). => how many of the descriptors have something to say. */
export function sys_ppoll(
  fds: u64, nfds: u64, ts: u64, mask: u64, mask_size: u64,
): i64 {
  if (current().restarted == 0) {
    if (nfds > <u64>TASK_NR_FDS) return -EINVAL;
    let error = poll_select_set_timeout(ts);
    if (error == 0) error = begin_sigmask(mask, mask_size);
    if (error != 0) return error;
  }
  const ready = do_poll(fds, nfds, false);
  if (ready == 0 && !timed_out()) return poll_schedule_timeout(ts); // B, C, D
  const answer = ready < 0 ? ready : do_poll(fds, nfds, true);
  return poll_select_finish(ts, answer); // A, C
}

/** One look at every descriptor; `tell` writes what was seen. => how many, -EFAULT. */
export function do_poll(fds: u64, nfds: u64, tell: bool): i64 {
  let ready: i64 = 0;
  for (let i: u64 = 0; i < nfds; i++) {
    const at = fds + i * POLLFD_SIZE;
    if (copy_from_user(SCRATCH, at, POLLFD_SIZE) != 0) return -EFAULT;
    const revents = do_pollfd(load<i32>(SCRATCH), load<u16>(SCRATCH, 4));
    if (revents != 0) ready++;
    if (!tell) continue;
    store<u16>(SCRATCH, <u16>revents);
    if (copy_to_user(at + 6, SCRATCH, 2) != 0) return -EFAULT;
  }
  return ready;
}

/** What is to be said about one descriptor; a negative one is passed over. */
function do_pollfd(fd: i32, events: u32): u32 {
  if (fd < 0) return 0;
  const opened = fget(<u32>fd);
  if (opened == 0) return POLLNVAL;
  return vfs_poll(file_at(opened)) & (events | POLLERR | POLLHUP);
}

/** pselect6(2); `sig` leads to the address and the size of a mask. => bits set. */
export function sys_pselect6(
  n: i32, inp: u64, outp: u64, exp: u64, ts: u64, sig: u64,
): i64 {
  if (n < 0) return -EINVAL;
  const nr = min<u32>(n, fdt_max_fds(current()));
  if (current().restarted == 0) {
    const error = begin_select(ts, sig);
    if (error != 0) return error;
  }
  const bytes = <u64>((nr + 63) & ~63) >> 3;
  memory.fill(SETS, 0, 6 * SET_SIZE);
  let ready: i64 = 0;
  if (!get_fd_set(inp, 0, bytes)) ready = -EFAULT;
  else if (!get_fd_set(outp, 1, bytes)) ready = -EFAULT;
  else if (!get_fd_set(exp, 2, bytes)) ready = -EFAULT;
  else ready = do_select(nr);
  if (ready == 0 && !timed_out()) return poll_schedule_timeout(ts); // B, C, D
  if (ready >= 0) {
    const told = set_fd_set(inp, 3, bytes) && set_fd_set(outp, 4, bytes);
    if (!told || !set_fd_set(exp, 5, bytes)) ready = -EFAULT;
  }
  return poll_select_finish(ts, ready); // A, C
}

/** pselect6's timeout and mask, at its first time. => 0 or negative errno. */
function begin_select(ts: u64, sig: u64): i64 {
  let mask: u64 = 0;
  let size: u64 = 0;
  if (sig != 0) {
    if (copy_from_user(SCRATCH, sig, 16) != 0) return -EFAULT;
    mask = load<u64>(SCRATCH);
    size = load<u64>(SCRATCH, 8);
  }
  const error = poll_select_set_timeout(ts);
  return error != 0 ? error : begin_sigmask(mask, size);
}

// @nomark
function get_fd_set(from: u64, which: usize, bytes: u64): bool {
  return from == 0 || copy_from_user(SETS + which * SET_SIZE, from, bytes) == 0;
}

// @nomark
function set_fd_set(to: u64, which: usize, bytes: u64): bool {
  return to == 0 || copy_to_user(to, SETS + which * SET_SIZE, bytes) == 0;
}

/** One look at every descriptor asked about. => bits answered, or -EBADF. */
export function do_select(nr: u32): i64 {
  let ready: i64 = 0;
  for (let fd: u32 = 0; fd < nr; fd++) {
    const byte = SETS + (fd >> 3);
    const bit: u32 = 1 << (fd & 7);
    const read = (load<u8>(byte) & bit) != 0;
    const write = (load<u8>(byte, SET_SIZE) & bit) != 0;
    const other = (load<u8>(byte, 2 * SET_SIZE) & bit) != 0;
    if (!read && !write && !other) continue;
    const opened = fget(fd);
    if (opened == 0) return -EBADF;
    const mask = vfs_poll(file_at(opened));
    if (read && (mask & (READABLE | POLLHUP | POLLERR)) != 0) {
      store<u8>(byte, <u8>(load<u8>(byte, 3 * SET_SIZE) | bit), 3 * SET_SIZE);
      ready++;
    }
    if (write && (mask & (WRITABLE | POLLERR)) != 0) {
      store<u8>(byte, <u8>(load<u8>(byte, 4 * SET_SIZE) | bit), 4 * SET_SIZE);
      ready++;
    }
  }
  return ready;
}
