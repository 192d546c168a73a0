// Signals that wait: which ones, in what order, and what is told about each.
//
// A task has two sets of them. Kill sends to the process, a fault and tgkill to the
// thread; with one thread a process the difference is only who comes first.
//
//   pending          private: |  bit set | -> sigqueue -> sigqueue -> ...
//   shared_pending   shared:  |  bit set | -> sigqueue -> ...
//
//   1..31    A one of a number waits at most; what comes meanwhile says nothing new
//   32..64   B every one is queued, and delivered in the order it came
//   no room  C kill: the bit alone, nothing is told; sigqueue: EAGAIN
//
// In Linux: kernel/signal.c __sigqueue_alloc(), collect_signal(),
// flush_sigqueue_mask(); include/linux/sched/signal.h (6.12).
// Left out: threads; a queue of more than 512 for all processes together.
import {
  NR_SIGQUEUES,
  SIGQUEUES,
  SIGQUEUE_SIZE_OF,
  TASK_RSEQ,
  TASK_SIGNAL,
} from "../abi";
import { RLIMIT_SIGPENDING, rlimit_of } from "./rlimit";
import { task_field, task_struct } from "./sched";
import {
  SIGINFO_KERNEL_SIZE,
  SIGRTMIN,
  SYNCHRONOUS_MASK,
  SI_AT_CODE,
  sigmask,
} from "./siginfo";

/** What the threads of a process would share. */
@unmanaged
export class signal_struct {
  shared_pending!: u64;
  /** The mask that rt_sigtimedwait has set aside while it sleeps, else 0. */
  real_blocked!: u64;
  pending_list!: u32; // the first sigqueue, 0 none
  shared_list!: u32;
  /** ITIMER_REAL: when it expires, or did last; its period, 0 for a single shot. */
  it_real_expires!: u64; // ps
  it_real_incr!: u64; // ps
  it_real_active!: u32; // 1 while it is running
  /** ITIMER_VIRTUAL, ITIMER_PROF: when, in its own time, they expire; 0: off. */
  it_virt_expires!: u64; // ps
  it_virt_incr!: u64;
  it_prof_expires!: u64;
  it_prof_incr!: u64;
  /** The signal that stopped it or is ending it, until somebody has been told. */
  group_exit_code!: u32;
  flags!: u32; // SIGNAL_*
  futex_woken!: u32;
  /** What the process is sent when its parent ends, 0: nothing (prctl). */
  pdeath_signal!: u32;
  pad!: u32;
  /** What a futex waiter waits for, see futex.ts. */
  futex_object!: u64;
  futex_offset!: u64;
  futex_since!: u64; // ps
  futex_bitset!: u32;
}

/** group_exit_code is a deadly signal: the process ends at its next chance. */
export const SIGNAL_GROUP_EXIT: u32 = 1;
/** SIGCONT has ended a stop, and no wait has asked yet. */
export const SIGNAL_STOP_CONTINUED: u32 = 2;
/** The parent is still to be sent SIGCHLD because of that. */
export const SIGNAL_CLD_CONTINUED: u32 = 4;
/** A signal has stopped it, and no SIGCONT has come since. */
export const SIGNAL_STOP_STOPPED: u32 = 8;

@unmanaged
export class sigqueue {
  next!: u32;
  signo!: u32; // 0: free
  uid!: u32; // whose limit it counts in
  pad!: u32;
  // kernel_siginfo follows
}

// @nomark
export function signal_of(task: task_struct): signal_struct {
  return changetype<signal_struct>(task_field(task, TASK_SIGNAL));
}

// @nomark
function sigqueue_at(address: u32): sigqueue {
  return changetype<sigqueue>(<usize>address);
}

/** The kernel_siginfo of a struct sigqueue. */
// @nomark
export function sigqueue_info(address: u32): usize {
  return <usize>address + offsetof<sigqueue>();
}

/**
 * A struct sigqueue, counted in the limit of the user that `task` belongs to.
 * => its address, or 0: C. Faults and the kernel's own are not held to the limit.
 */
export function sigqueue_alloc(task: task_struct, override_rlimit: bool): u32 {
  let free: u32 = 0;
  let used: u64 = 0;
  for (let i: u32 = 0; i < <u32>NR_SIGQUEUES; i++) {
    const at = <u32>SIGQUEUES + i * <u32>SIGQUEUE_SIZE_OF;
    const q = sigqueue_at(at);
    if (q.signo == 0) free = free == 0 ? at : free;
    else if (q.uid == task.uid) used++;
  }
  const limit = rlimit_of(task, RLIMIT_SIGPENDING);
  if (free == 0 || (!override_rlimit && used >= limit)) return 0;
  sigqueue_at(free).uid = task.uid;
  return free;
}

/** Does a signal of this number wait in the set already, so that A holds? */
// @nomark
export function legacy_queue(set: u64, signo: u32): bool {
  return signo < SIGRTMIN && (set & sigmask(signo)) != 0;
}

/** The signals of one set. */
// @nomark
export function pending_set(task: task_struct, shared: bool): u64 {
  return shared ? signal_of(task).shared_pending : task.pending;
}

/** Puts a signal into a set, its record `q` last in line; 0 when it has none. */
export function sigpending_add(
  task: task_struct, shared: bool, signo: u32, q: u32,
): void {
  if (shared) signal_of(task).shared_pending |= sigmask(signo);
  else task.pending |= sigmask(signo);
  if (q == 0) return;
  sigqueue_at(q).signo = signo;
  sigqueue_at(q).next = 0;
  let link = list_head(task, shared);
  while (load<u32>(link) != 0) link = <usize>load<u32>(link);
  store<u32>(link, q);
}

/** Where the first of a list is named; `next` is a sigqueue's first word. */
// @nomark
function list_head(task: task_struct, shared: bool): usize {
  const at = changetype<usize>(signal_of(task));
  return shared
    ? at + offsetof<signal_struct>("shared_list")
    : at + offsetof<signal_struct>("pending_list");
}

/** => the oldest record of `signo` in the set, or 0. */
// @nomark
export function sigqueue_find(task: task_struct, shared: bool, signo: u32): u32 {
  let q = load<u32>(list_head(task, shared));
  while (q != 0 && sigqueue_at(q).signo != signo) q = sigqueue_at(q).next;
  return q;
}

/**
 * Takes the oldest `signo` out of the set, and what is told of it to `info` (48 bytes).
 * The bit goes with the last one of its number.
 */
export function collect_signal(
  task: task_struct, shared: bool, signo: u32, info: usize,
): void {
  let link = list_head(task, shared);
  while (load<u32>(link) != 0 && sigqueue_at(load<u32>(link)).signo != signo) {
    link = <usize>load<u32>(link);
  }
  const q = load<u32>(link);
  memory.fill(info, 0, <usize>SIGINFO_KERNEL_SIZE);
  store<u32>(info, signo);
  if (q != 0) {
    memory.copy(info, sigqueue_info(q), <usize>SIGINFO_KERNEL_SIZE);
    store<u32>(link, sigqueue_at(q).next);
    sigqueue_at(q).signo = 0;
  }
  if (q != 0 && sigqueue_find(task, shared, signo) != 0) return;
  if (shared) signal_of(task).shared_pending &= ~sigmask(signo);
  else task.pending &= ~sigmask(signo);
}

/** => the first fault's own signal among the thread's, in order of arrival; or 0. */
export function next_synchronous(task: task_struct): u32 {
  const candidates = task.pending & ~task.blocked & SYNCHRONOUS_MASK;
  if (candidates == 0) return 0;
  let q = load<u32>(list_head(task, false));
  for (; q != 0; q = sigqueue_at(q).next) {
    const signo = sigqueue_at(q).signo;
    const code = load<i32>(sigqueue_info(q), SI_AT_CODE);
    if (code > 0 && (candidates & sigmask(signo)) != 0) return signo;
  }
  return 0;
}

/** => the signal of `set` that comes first: a synchronous one, then by number; or 0. */
// @nomark
export function next_signal(set: u64): u32 {
  if (set == 0) return 0;
  const first = set & SYNCHRONOUS_MASK;
  return <u32>ctz(first != 0 ? first : set) + 1;
}

/** Throws away every signal of `mask` that waits. */
export function flush_sigqueue_mask(task: task_struct, mask: u64): void {
  task.pending &= ~mask;
  signal_of(task).shared_pending &= ~mask;
  flush_list(list_head(task, false), mask);
  flush_list(list_head(task, true), mask);
}

// @nomark
function flush_list(link: usize, mask: u64): void {
  while (load<u32>(link) != 0) {
    const q = sigqueue_at(load<u32>(link));
    if ((mask & sigmask(q.signo)) == 0) {
      link = changetype<usize>(q);
      continue;
    }
    store<u32>(link, q.next);
    q.signo = 0;
  }
}

if (offsetof<sigqueue>() != <usize>(SIGQUEUE_SIZE_OF - 48)) ERROR("abi: SIGQUEUES");
const SIGNAL_ROOM: usize = TASK_RSEQ - TASK_SIGNAL;
if (offsetof<signal_struct>() > SIGNAL_ROOM) ERROR("abi: TASK_SIGNAL");
