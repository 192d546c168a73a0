// Bytes from one process to another, without a file between them: many pieces on either
// side, by one call.
//
//   local   |  a  |     b     |  c |        the running process, as by its own accesses
//               ^ ^         ^
//   remote  |   d   |    e    |    f   |    the other's page tables, see access_vm.ts
//
// Who may: as for attaching (ptrace.ts), but what the other may not write or read, it
// may not be helped to. The call ends at the first page that cannot be had; the bytes
// before it have been copied.
//
// In Linux: mm/process_vm_access.c process_vm_rw() (6.12).
// Left out: more than one page is held at a time.
import { KBUF, PAGE_SIZE } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { get_user_page_remote } from "./access_vm";
import { EFAULT, EINVAL, EPERM, ESRCH } from "./errno";
import { NO_PAGE, mm_struct } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { ptrace_may_attach } from "./ptrace";
import { current, find_task_by_vpid } from "./sched";
import { access_ok, copy_from_user, copy_to_user } from "./uaccess";

const UIO_MAXIOV: u64 = 1024;

/** Where the call is in a vector: the entry, and the bytes of it that are done. */
@unmanaged
class iov_iter {
  base!: u64;
  len!: u64; // bytes left of the entry at hand
  next!: u64; // address of the next entry
  left!: u64; // entries from there on
}

const LOCAL: usize = KBUF + 0xf00;
const REMOTE: usize = LOCAL + offsetof<iov_iter>();
const IOVEC: usize = REMOTE + offsetof<iov_iter>();

/**
 * Looks at a vector from end to end; `own` says that its pieces are the caller's.
 * => its bytes, -EINVAL or -EFAULT.
 */
function import_iovec(vec: u64, nr: u64, own: bool): i64 {
  if (nr > UIO_MAXIOV) return -EINVAL;
  let total: u64 = 0;
  for (let i: u64 = 0; i < nr; i++) {
    if (copy_from_user(IOVEC, vec + (i << 4), 16) != 0) return -EFAULT;
    const len = load<u64>(IOVEC, 8);
    if (<i64>len < 0) return -EINVAL;
    if (own && !access_ok(load<u64>(IOVEC), len)) return -EFAULT;
    total += len;
  }
  return <i64>min<u64>(total, i64.MAX_VALUE);
}

/** Goes on to an entry that has bytes left. => false behind the last one. */
// @nomark
function iov_advance(iter: iov_iter): bool {
  while (iter.len == 0) {
    if (iter.left == 0) return false;
    if (copy_from_user(IOVEC, iter.next, 16) != 0) return false;
    iter.base = load<u64>(IOVEC);
    iter.len = load<u64>(IOVEC, 8);
    iter.next += 16;
    iter.left--;
  }
  return true;
}

// @nomark
function iov_begin(at: usize, vec: u64, nr: u64): iov_iter {
  const iter = changetype<iov_iter>(at);
  iter.len = 0;
  iter.next = vec;
  iter.left = nr;
  return iter;
}

/** Inside one page of the other, and one piece of either. => bytes copied */
function copy_chunk(
  mm: mm_struct, local: iov_iter, remote: iov_iter, write: bool,
): u64 {
  const offset = remote.base & (PAGE_SIZE - 1);
  const len = min<u64>(min<u64>(local.len, remote.len), PAGE_SIZE - offset);
  const pfn = get_user_page_remote(mm, remote.base - offset, write, false);
  if (pfn == NO_PAGE) return 0;
  get_page(pfn); // the caller's own faults may want the frame
  const at = frame_addr(pfn) + <usize>offset;
  if (write) frame_written(pfn);
  const failed = write
    ? copy_from_user(at, local.base, len)
    : copy_to_user(local.base, at, len);
  put_page(pfn);
  return len - failed;
}

/**
 * process_vm_readv(2), and with `write` process_vm_writev(2).
 * => bytes copied; -EFAULT when there are none, -EINVAL, -EPERM, -ESRCH.
 */
export function sys_process_vm_rw(
  pid: u32, lvec: u64, liovcnt: u64, rvec: u64, riovcnt: u64, flags: u64, write: bool,
): i64 {
  if (flags != 0) return -EINVAL;
  const wanted = import_iovec(lvec, liovcnt, true);
  if (wanted <= 0) return wanted;
  const there = import_iovec(rvec, riovcnt, false);
  if (there <= 0) return there;
  const task = find_task_by_vpid(pid);
  if (task == null || task.mm == null) return -ESRCH;
  const mm = changetype<mm_struct>(changetype<usize>(task.mm));
  const own = changetype<usize>(mm) == changetype<usize>(current().mm);
  if (!own && !ptrace_may_attach(task)) return -EPERM;
  const local = iov_begin(LOCAL, lvec, liovcnt);
  const remote = iov_begin(REMOTE, rvec, riovcnt);
  let done: i64 = 0;
  while (iov_advance(local) && iov_advance(remote)) {
    const chunk = copy_chunk(mm, local, remote, write);
    if (chunk == 0) return done > 0 ? done : -EFAULT;
    done += <i64>chunk;
    local.base += chunk;
    local.len -= chunk;
    remote.base += chunk;
    remote.len -= chunk;
  }
  return done;
}
