// The alternate signal stack: where a handler runs when the program's own stack is what
// has failed.
//
//   sas_ss_sp                        sas_ss_sp + sas_ss_size
//      |<------- on_sig_stack -------------->|
//      |  ... frame 2 | frame 1              |      the first frame is at the top
//
// In Linux: kernel/signal.c do_sigaltstack(); include/linux/sched/signal.h
// on_sig_stack() (6.12). Left out: nothing.
import { HART_X, KBUF } from "../abi";
import { EFAULT, EINVAL, ENOMEM, EPERM } from "./errno";
import { current, task_struct } from "./sched";
import { copy_from_user, copy_to_user } from "./uaccess";

const SS_ONSTACK: u32 = 1;
const SS_DISABLE: u32 = 2;
/** The stack is forgotten while a handler runs, so that it may be left for good. */
export const SS_AUTODISARM: u32 = 0x80000000;
const MINSIGSTKSZ: u64 = 2048;
/** struct stack_t: u64 sp, u32 flags, u64 size; the new one, then the old one. */
const NEW: usize = KBUF + 0xe00;
const OLD: usize = KBUF + 0xe20;

/** Is `sp` on the alternate stack, so that a further handler goes on from there? */
// @nomark
export function on_sig_stack(task: task_struct, sp: u64): bool {
  if (task.sas_ss_flags & SS_AUTODISARM) return false;
  return sp > task.sas_ss_sp && sp - task.sas_ss_sp <= task.sas_ss_size;
}

// @nomark
export function sas_ss_reset(task: task_struct): void {
  task.sas_ss_sp = 0;
  task.sas_ss_size = 0;
  task.sas_ss_flags = SS_DISABLE;
}

/** sigaltstack(2). */
export function sys_sigaltstack(uss: u64, uoss: u64): i64 {
  if (uss != 0 && copy_from_user(NEW, uss, 24) != 0) return -EFAULT;
  const task = current();
  const sp = load<u64>(HART_X + 2 * 8);
  let flags: u32 = 0;
  if (task.sas_ss_size == 0) flags = SS_DISABLE;
  else if (on_sig_stack(task, sp)) flags = SS_ONSTACK;
  store<u64>(OLD, task.sas_ss_sp);
  store<u64>(OLD, flags | (task.sas_ss_flags & SS_AUTODISARM), 8);
  store<u64>(OLD, task.sas_ss_size, 16);
  if (uss != 0) {
    const error = set_altstack(task, NEW, sp);
    if (error != 0) return error;
  }
  return uoss == 0 || copy_to_user(uoss, OLD, 24) == 0 ? 0 : -EFAULT;
}

/** What a handler's frame says; a bad one is left out without a word. */
// @nomark
export function restore_altstack(stack: usize): void {
  set_altstack(current(), stack, load<u64>(HART_X + 2 * 8));
}

/** => 0, -EPERM on the stack in question, -EINVAL, or -ENOMEM: too small. */
function set_altstack(task: task_struct, stack: usize, sp: u64): i64 {
  if (on_sig_stack(task, sp)) return -EPERM;
  const flags = load<u32>(stack, 8);
  const mode = flags & ~SS_AUTODISARM;
  if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return -EINVAL;
  const off = mode == SS_DISABLE;
  const size = load<u64>(stack, 16);
  if (!off && size < MINSIGSTKSZ && !same_altstack(task, stack)) return -ENOMEM;
  task.sas_ss_sp = off ? 0 : load<u64>(stack);
  task.sas_ss_size = off ? 0 : size;
  task.sas_ss_flags = flags;
  return 0;
}

/** Setting what is set already always succeeds. */
// @nomark
function same_altstack(task: task_struct, stack: usize): bool {
  return task.sas_ss_sp == load<u64>(stack)
    && task.sas_ss_size == load<u64>(stack, 16)
    && task.sas_ss_flags == load<u32>(stack, 8);
}
