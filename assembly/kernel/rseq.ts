// Restartable sequences: a program may do a few instructions as if nobody could come in
// between, without a system call and without an atomic.
//
//   struct rseq, in the program's memory        struct rseq_cs, one a sequence
//    +----------------+                          +------------------+
//    | cpu_id_start   |  the kernel writes       | start_ip         |
//    | cpu_id         |  the processor and       | length           |
//    | node, mm_cid   |  the node                | abort_ip         |
//    | rseq_cs -------+-- the program writes --> +------------------+
//    +----------------+
//
// Whenever the task comes back to user mode after it gave the hart away (or a signal is
// delivered):
//
//   A  no sequence, or the pc is not in it    nothing but the numbers is written
//   B  the pc is in it                        the pc becomes abort_ip
//   C  the structure is broken                SIGSEGV
//
// glibc registers one for every process when it starts. The write is an access of the
// kernel's, and so one more page fault after fork, for the page is shared then.
//
// In Linux: kernel/rseq.c (6.12).
// Left out: more than one processor (every number is 0), the deprecated flags.
import { HART_PC, KBUF, TASK_RSEQ } from "../abi";
import { EBUSY, EFAULT, EINVAL, EPERM } from "./errno";
import { TASK_SIZE } from "./pgtable";
import { current, task_field, task_struct } from "./sched";
import { SIGSEGV } from "./siginfo";
import { force_sig } from "./signal";
import { access_ok, copy_from_user, copy_to_user } from "./uaccess";

/** What a task has registered. */
@unmanaged
class rseq_state {
  rseq!: u64; // address of struct rseq, 0 none
  len!: u32;
  sig!: u32; // the word that stands before each abort_ip
  /** 1: numbers to be written, and a sequence perhaps restarted, before user mode. */
  notify_resume!: u32;
  /** 1: it has been away: a sequence that it was in is aborted. */
  event!: u32;
}

const SCRATCH: usize = KBUF + 0xd00;
const RSEQ_FLAG_UNREGISTER: u32 = 1;
const ORIG_RSEQ_SIZE: u32 = 32;
const RSEQ_ALIGN: u64 = 32;
/** Where struct rseq's fields end. */
const RSEQ_END: u32 = 28;
const RSEQ_CS: u64 = 8;
const RSEQ_NODE_ID: u64 = 20;
const RSEQ_CPU_ID_UNINITIALIZED: u32 = 0xffffffff;

// @nomark
function rseq_of(task: task_struct): rseq_state {
  return changetype<rseq_state>(task_field(task, TASK_RSEQ));
}

/** rseq(2): registers the structure at `rseq`, or takes it back. => 0 or an errno. */
export function sys_rseq(rseq: u64, len: u32, flags: u32, sig: u32): i64 {
  const t = rseq_of(current());
  if (flags & RSEQ_FLAG_UNREGISTER) {
    if (flags & ~RSEQ_FLAG_UNREGISTER) return -EINVAL;
    if (t.rseq == 0 || t.rseq != rseq || t.len != len) return -EINVAL;
    if (t.sig != sig) return -EPERM;
    if (!write_ids(rseq, RSEQ_CPU_ID_UNINITIALIZED)) return -EFAULT;
    t.rseq = 0;
    return 0;
  }
  if (flags != 0) return -EINVAL;
  if (t.rseq != 0) {
    if (t.rseq != rseq || t.len != len) return -EINVAL;
    return t.sig != sig ? -EPERM : -EBUSY;
  }
  const small = len < ORIG_RSEQ_SIZE || len < RSEQ_END;
  if (small || (rseq & (RSEQ_ALIGN - 1)) != 0) return -EINVAL;
  if (!access_ok(rseq, len)) return -EFAULT;
  t.rseq = rseq;
  t.len = len;
  t.sig = sig;
  t.event = 0;
  t.notify_resume = 1;
  return 0;
}

/** Processor 0 of node 0, or `cpu` where there is to be none. */
// @nomark
function write_ids(rseq: u64, cpu: u32): bool {
  store<u64>(SCRATCH, <u64>cpu << 32);
  if (copy_to_user(rseq, SCRATCH, 8) != 0) return false;
  store<u64>(SCRATCH, 0);
  return copy_to_user(rseq + RSEQ_NODE_ID, SCRATCH, 8) == 0;
}

/** The task gives the hart away: its sequence, if it is in one, will not hold. */
// @nomark
export function rseq_preempt(task: task_struct): void {
  const t = rseq_of(task);
  if (t.rseq == 0) return;
  t.event = 1;
  t.notify_resume = 1;
}

/** fork: the child has the parent's registration, unless it shares its memory. */
// @nomark
export function rseq_fork(child: task_struct, parent: task_struct, shares: bool): void {
  const t = rseq_of(child);
  memory.copy(changetype<usize>(t), changetype<usize>(rseq_of(parent)), 24);
  if (shares) t.rseq = 0;
  t.notify_resume = t.rseq != 0 ? 1 : 0;
}

/** execve: the new program has registered nothing. */
// @nomark
export function rseq_execve(task: task_struct): void {
  memory.fill(task_field(task, TASK_RSEQ), 0, 24);
}

// @nomark
export function rseq_wants_resume(task: task_struct): bool {
  return rseq_of(task).notify_resume != 0;
}

/** Before user mode, or before a signal's frame is built: A, B, C. */
export function rseq_handle_notify_resume(): void {
  const t = rseq_of(current());
  t.notify_resume = 0;
  if (t.rseq == 0) return;
  if (rseq_ip_fixup(t) && write_ids(t.rseq, 0)) return;
  force_sig(SIGSEGV); // C
}

/** A handler is to run: a sequence that it comes into is aborted first. */
export function rseq_signal_deliver(task: task_struct): void {
  const t = rseq_of(task);
  if (t.rseq == 0) return;
  t.event = 1;
  rseq_handle_notify_resume();
}

/** A, B. => false when the structures cannot be read or make no sense. */
function rseq_ip_fixup(t: rseq_state): bool {
  const event = t.event;
  t.event = 0;
  if (copy_from_user(SCRATCH, t.rseq + RSEQ_CS, 8) != 0) return false;
  const cs = load<u64>(SCRATCH);
  if (cs == 0) return true; // A
  // { u32 version, u32 flags, u64 start_ip, u64 post_commit_offset, u64 abort_ip }
  if (copy_from_user(SCRATCH, cs, 32) != 0) return false;
  const flags = load<u32>(SCRATCH, 4);
  const start_ip = load<u64>(SCRATCH, 8);
  const length = load<u64>(SCRATCH, 16);
  const abort_ip = load<u64>(SCRATCH, 24);
  const outside = start_ip >= TASK_SIZE || start_ip + length >= TASK_SIZE;
  if (outside || abort_ip >= TASK_SIZE || load<u32>(SCRATCH) != 0) return false;
  if (abort_ip - start_ip < length) return false;
  if (copy_from_user(SCRATCH, abort_ip - 4, 4) != 0) return false;
  if (load<u32>(SCRATCH) != t.sig) return false;
  const within = load<u64>(HART_PC) - start_ip < length;
  if (within && flags != 0) return false;
  if (within && event == 0) return true;
  store<u64>(SCRATCH, 0);
  if (copy_to_user(t.rseq + RSEQ_CS, SCRATCH, 8) != 0) return false;
  if (within) store<u64>(HART_PC, abort_ip); // B
  return true;
}
