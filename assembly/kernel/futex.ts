// Futexes: sleep on a word of memory as long as it holds what was expected.
//
//   FUTEX_WAIT    A the word has another value: EAGAIN
//                 B sleep until a wake, a signal, or the timeout
//   FUTEX_WAKE    C the longest sleepers first; the answer is how many
//   FUTEX_REQUEUE D so many are woken, the others sleep on another word from now on
//
//   which word is it?   PRIVATE, or private memory    address space and address
//                       memory shared with others     inode and offset in it
//
// So processes meet on a shared mapping wherever each of them has it.
//
// In Linux: kernel/futex/core.c get_futex_key(), waitwake.c, requeue.c (6.12).
// Left out: FUTEX_WAKE_OP, priority inheritance, robust lists; threads, for which all
// this was made.
import { Access, KBUF, PG, VM, WaitKind } from "../abi";
import { frame_addr } from "../hw/bus";
import { now_ps } from "../hw/clock";
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ETIMEDOUT } from "./errno";
import { file_at } from "./file_table";
import { mem_map } from "./mm_types";
import {
  current,
  current_mm,
  nr_task_slots,
  task_at,
  task_struct,
  try_to_wake_up,
  wait_on,
  wait_on_nohand,
} from "./sched";
import { signal_of, signal_struct } from "./sigqueue";
import { get_timespec, timespec_deadline, timespec_until } from "./time";
import { access_ok, copy_from_user, user_page } from "./uaccess";
import { find_vma } from "./vma";

const FUTEX_WAIT: u32 = 0;
const FUTEX_WAKE: u32 = 1;
const FUTEX_REQUEUE: u32 = 3;
const FUTEX_CMP_REQUEUE: u32 = 4;
const FUTEX_WAIT_BITSET: u32 = 9;
const FUTEX_WAKE_BITSET: u32 = 10;
const FUTEX_PRIVATE_FLAG: u32 = 128;
const FUTEX_CLOCK_REALTIME: u32 = 256;
const FUTEX_BITSET_MATCH_ANY: u32 = 0xffffffff;
/** Two keys: { u64 object, u64 offset }; and a word of the program's. */
const KEY: usize = KBUF + 0xf20;
const KEY2: usize = KBUF + 0xf30;
const WORD: usize = KBUF + 0xf40;
/** The kinds of objects are told apart by bits above any address of the kernel's. */
const KEY_MM: u64 = 1 << 32;
const KEY_MM_SHARED: u64 = 2 << 32;
const KEY_INODE: u64 = 3 << 32;

/** futex(2). => by operation; or a negative errno. */
export function sys_futex(
  uaddr: u64, op: u32, val: u32, timeout: u64, uaddr2: u64, val3: u32,
): i64 {
  const cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
  const own = (op & FUTEX_PRIVATE_FLAG) != 0;
  const wall = (op & FUTEX_CLOCK_REALTIME) != 0;
  if (wall && cmd != FUTEX_WAIT_BITSET) return -ENOSYS;
  switch (cmd) {
    case FUTEX_WAIT:
      return futex_wait(uaddr, own, val, timeout, false, wall, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
      return futex_wait(uaddr, own, val, timeout, true, wall, val3);
    case FUTEX_WAKE:
      return futex_wake(uaddr, own, <i32>val, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
      return futex_wake(uaddr, own, <i32>val, val3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      // What is a timeout elsewhere is a number here.
      return futex_requeue(
        uaddr, own, <i32>val, <i32>timeout, uaddr2, cmd == FUTEX_CMP_REQUEUE, val3,
      );
    default:
      return -ENOSYS;
  }
}

/**
 * Which word `uaddr` is, to `key`. One that may be shared must be there to be known.
 * => 0, -EINVAL: not a multiple of 4, or -EFAULT.
 */
export function get_futex_key(uaddr: u64, own: bool, key: usize): i64 {
  if (uaddr & 3) return -EINVAL;
  if (!access_ok(uaddr, 4)) return -EFAULT;
  const mm = current_mm();
  store<u64>(key, changetype<usize>(mm) | (own ? KEY_MM : KEY_MM_SHARED));
  store<u64>(key, uaddr, 8);
  if (own) return 0;
  // A private page of a file must become the process's own before it is waited on.
  const vma = find_vma(mm, uaddr);
  if (vma == null) return -EFAULT;
  const access = vma.vm_flags & VM.WRITE ? Access.Write : Access.Read;
  const at = user_page(uaddr, access);
  if (at == 0) return -EFAULT;
  const anon = mem_map(<u32>((at - frame_addr(0)) >> 12)).flags & PG.anon;
  if (anon) return access == Access.Write ? 0 : -EFAULT;
  // The zero page is everybody's and nobody's.
  if (vma.vm_file == 0) return -EFAULT;
  store<u64>(key, <u64>file_at(vma.vm_file).f_inode | KEY_INODE);
  store<u64>(key, (vma.vm_pgoff << 12) + (uaddr - vma.vm_start), 8);
  return 0;
}

/** What wait_on calls this key. */
// @nomark
function key_hash(key: usize): u32 {
  return <u32>load<u64>(key) ^ <u32>load<u64>(key, 8);
}

/**
 * A, B. `timeout` leads to a timespec, relative or a time (`absolute`); 0 is for ever.
 * => 0 woken, -EAGAIN, -ETIMEDOUT, -EFAULT, -EINVAL.
 */
export function futex_wait(
  uaddr: u64, own: bool, val: u32, timeout: u64, absolute: bool, wall: bool,
  bitset: u32,
): i64 {
  const task = current();
  const signal = signal_of(task);
  if (task.restarted == 0) {
    const error = futex_wait_setup(task, timeout, absolute, wall);
    if (error != 0) return error;
    if (bitset == 0) return -EINVAL;
    const bad = get_futex_key(uaddr, own, KEY);
    if (bad != 0) return bad;
    if (copy_from_user(WORD, uaddr, 4) != 0) return -EFAULT;
    if (load<u32>(WORD) != val) return -EAGAIN; // A
    set_waiter_key(signal, KEY);
    signal.futex_bitset = bitset;
    signal.futex_since = now_ps();
    signal.futex_woken = 0;
  }
  if (signal.futex_woken != 0) return 0;
  if (task.wake_at <= now_ps()) return -ETIMEDOUT;
  set_key_of(signal, KEY);
  const on = key_hash(KEY);
  if (timeout != 0) return wait_on_nohand(WaitKind.futex, on); // B
  return wait_on(WaitKind.futex, on); // B
}

/** The timeout, noted in wake_at. => 0, -EFAULT, -EINVAL. */
// @nomark
function futex_wait_setup(
  task: task_struct, timeout: u64, absolute: bool, wall: bool,
): i64 {
  if (timeout == 0) return 0;
  const error = get_timespec(timeout);
  if (error != 0) return error;
  task.wake_at = absolute ? timespec_deadline(wall) : timespec_until();
  return 0;
}

// @nomark
function set_waiter_key(signal: signal_struct, key: usize): void {
  signal.futex_object = load<u64>(key);
  signal.futex_offset = load<u64>(key, 8);
}

// @nomark
function set_key_of(signal: signal_struct, key: usize): void {
  store<u64>(key, signal.futex_object);
  store<u64>(key, signal.futex_offset, 8);
}

/** => the task that has slept longest on this key with a bit of `bitset`, or null. */
function futex_top_waiter(key: usize, bitset: u32): task_struct | null {
  let found: task_struct | null = null;
  let since = u64.MAX_VALUE;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.wait_kind != WaitKind.futex) continue;
    const signal = signal_of(task);
    if (signal.futex_object != load<u64>(key)) continue;
    if (signal.futex_offset != load<u64>(key, 8)) continue;
    if ((signal.futex_bitset & bitset) == 0 || signal.futex_since >= since) continue;
    since = signal.futex_since;
    found = task;
  }
  return found;
}

/** C. => how many were woken; at least one if there is any, even of none wanted. */
export function futex_wake(uaddr: u64, own: bool, nr: i32, bitset: u32): i64 {
  if (bitset == 0) return -EINVAL;
  const error = get_futex_key(uaddr, own, KEY);
  return error != 0 ? error : wake_waiters(KEY, max<i32>(nr, 1), bitset);
}

function wake_waiters(key: usize, nr: i32, bitset: u32): i64 {
  let woken = 0;
  while (woken < nr) {
    const task = futex_top_waiter(key, bitset);
    if (task == null) break;
    signal_of(task).futex_woken = 1;
    try_to_wake_up(task);
    woken++;
  }
  return woken;
}

/**
 * D: `nr` of those on `uaddr` wake, `more` others move to `uaddr2`; with `compare` only
 * if the word still holds `val3`.
 * => how many of both, or -EAGAIN and the errors of a key.
 */
export function futex_requeue(
  uaddr: u64, own: bool, nr: i32, more: i32, uaddr2: u64, compare: bool, val3: u32,
): i64 {
  if (nr < 0 || more < 0) return -EINVAL;
  let error = get_futex_key(uaddr, own, KEY);
  if (error == 0) error = get_futex_key(uaddr2, own, KEY2);
  if (error != 0) return error;
  if (compare) {
    if (copy_from_user(WORD, uaddr, 4) != 0) return -EFAULT;
    if (load<u32>(WORD) != val3) return -EAGAIN;
  }
  let done = nr > 0 ? wake_waiters(KEY, nr, FUTEX_BITSET_MATCH_ANY) : 0;
  for (let moved = 0; moved < more; moved++) {
    const task = futex_top_waiter(KEY, FUTEX_BITSET_MATCH_ANY);
    if (task == null) break;
    set_waiter_key(signal_of(task), KEY2);
    task.wait_on = key_hash(KEY2);
    done++;
  }
  return done;
}

/** A task that shares its address space ends: who waits for its number may go on. */
// @nomark
export function futex_wake_tid(uaddr: u64): void {
  futex_wake(uaddr, false, 1, FUTEX_BITSET_MATCH_ANY);
}
