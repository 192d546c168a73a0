// A handler runs: the state of the program is put on its stack, and brought back.
//
//   sp before -> |                      |          registers in the handler
//                +----------------------+
//                | FP state, extensions |          ra  __vdso_rt_sigreturn
//                | pc, x1 .. x31        |          a0  the signal's number
//                | signal mask          |
//                | alternate stack      |
//        uc ->   | flags, link          |  <- a2
//        info -> | siginfo, 128 bytes   |  <- a1, sp (a multiple of 16)
//                +----------------------+
//
//   the stack   A the program's own    B the alternate one (SA_ONSTACK), from its top
//               C already on that: further down on it, and out of it is a bad frame
//   the call that the signal interrupted
//               D is made again after the handler (SA_RESTART)    E answers EINTR
//   no handler  F it goes on waiting, as if nothing had been
//
// A frame that cannot be written or read back is SIGSEGV.
//
// In Linux: arch/riscv/kernel/signal.c setup_rt_frame(), arch_do_signal_or_restart(),
// rt_sigreturn; arch/riscv/include/uapi/asm/ucontext.h, ptrace.h (6.12).
// Left out: the vector state.
import {
  Ev,
  HART_F,
  HART_FFLAGS,
  HART_FRM,
  HART_PC,
  HART_X,
  KBUF,
  TaskState,
} from "../abi";
import { emit } from "../log";
import { EFAULT, EINTR, EINVAL, ERESTARTSYS } from "./errno";
import { rseq_signal_deliver } from "./rseq";
import { current, current_mm, task_struct } from "./sched";
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESTART,
  SIGINFO_KERNEL_SIZE,
  SIGINFO_SIZE,
  SIGSEGV,
  sigmask,
} from "./siginfo";
import {
  KSIG_ACTION,
  KSIG_INFO,
  force_sig,
  force_sigsegv,
  get_signal,
  log_signal,
  set_current_blocked,
} from "./signal";
import {
  SS_AUTODISARM,
  on_sig_stack,
  restore_altstack,
  sas_ss_reset,
} from "./sigaltstack";
import { access_ok, copy_from_user, copy_to_user } from "./uaccess";
import { VDSO_RT_SIGRETURN } from "./vdso";

/** struct rt_sigframe as it is being made. */
const FRAME: usize = KBUF + 0x900;
const FRAME_SIZE: u64 = 1088;
const UC: u64 = SIGINFO_SIZE;
const UC_STACK: u64 = UC + 16;
const UC_SIGMASK: u64 = UC + 40;
const SC_REGS: u64 = UC + 176;
const SC_FPREGS: u64 = SC_REGS + 256;
/** f0 to f31, fcsr and 4 bytes of nothing. */
const D_EXT_SIZE: u64 = 264;
/** A reserved word; then magic and size of the last extension: END is 0, 0. */
const SC_RESERVED: u64 = SC_FPREGS + 516;

/** Signals on the way back to user mode, and the call they may have interrupted. */
export function do_signal(): void {
  const task = current();
  const signo = get_signal();
  if (signo != 0) {
    if (task.restarted != 0) end_interrupted_syscall(task);
    handle_signal(task, signo);
    return;
  }
  if (task.state == TaskState.running) restore_saved_sigmask(); // F
}

/** The mask that a call had set for as long as it waits is taken back. */
// @nomark
export function restore_saved_sigmask(): void {
  const task = current();
  if (task.restore_sigmask != 0) set_current_blocked(task.saved_sigmask);
  task.restore_sigmask = 0;
}

/** D, E. The program counter is still at the ECALL. */
function end_interrupted_syscall(task: task_struct): void {
  const restart =
    <i64>task.restart_kind == ERESTARTSYS &&
    (load<u64>(KSIG_ACTION, 8) & SA_RESTART) != 0;
  const nr = load<u64>(HART_X + 17 * 8) & 0xffffffff;
  const answer = <i64>task.restart_kind;
  emit(Ev.SyscallDone, nr | (<u64>task.pid << 32), -answer, 0);
  task.restarted = 0;
  task.wake_at = u64.MAX_VALUE;
  if (restart) return; // D
  store<u64>(HART_X + 10 * 8, -EINTR); // E
  store<u64>(HART_PC, load<u64>(HART_PC) + 4);
}

/** Puts the frame on the stack, and has the handler run next. */
function handle_signal(task: task_struct, signo: u32): void {
  const handler = load<u64>(KSIG_ACTION);
  rseq_signal_deliver(task);
  const restore = task.restore_sigmask != 0;
  const oldset = restore ? task.saved_sigmask : task.blocked;
  const frame = setup_rt_frame(task, oldset);
  if (frame == 0) {
    force_sigsegv(signo);
    return;
  }
  log_signal(Ev.Handler, task, KSIG_INFO, handler);
  store<u64>(HART_X + 1 * 8, current_mm().vdso + VDSO_RT_SIGRETURN);
  store<u64>(HART_X + 2 * 8, frame);
  store<u64>(HART_X + 10 * 8, signo);
  store<u64>(HART_X + 11 * 8, frame);
  store<u64>(HART_X + 12 * 8, frame + UC);
  store<u64>(HART_PC, handler & ~(<u64>1));
  signal_delivered(task, signo);
}

/** While the handler runs, its sa_mask and the signal itself are held back. */
function signal_delivered(task: task_struct, signo: u32): void {
  task.restore_sigmask = 0;
  let blocked = task.blocked | load<u64>(KSIG_ACTION, 16);
  if ((load<u64>(KSIG_ACTION, 8) & SA_NODEFER) == 0) blocked |= sigmask(signo);
  set_current_blocked(blocked);
  if (task.sas_ss_flags & SS_AUTODISARM) sas_ss_reset(task);
}

/** Where the frame goes: a multiple of 16 below the stack pointer; or a bad address. */
function get_sigframe(task: task_struct): u64 {
  let sp = load<u64>(HART_X + 2 * 8);
  // C
  if (on_sig_stack(task, sp) && !on_sig_stack(task, sp - FRAME_SIZE)) {
    return u64.MAX_VALUE;
  }
  const wanted = (load<u64>(KSIG_ACTION, 8) & SA_ONSTACK) != 0;
  const there = task.sas_ss_size == 0 || on_sig_stack(task, sp);
  if (wanted && !there) sp = task.sas_ss_sp + task.sas_ss_size; // B
  return (sp - FRAME_SIZE) & ~(<u64>15);
}

/**
 * Writes struct rt_sigframe to the program's stack; it may fault like the program's own
 * stores.
 * => its address, or 0 when it cannot be written.
 */
export function setup_rt_frame(task: task_struct, oldset: u64): u64 {
  const frame = get_sigframe(task);
  if (!access_ok(frame, FRAME_SIZE)) return 0;
  memory.fill(FRAME, 0, <usize>FRAME_SIZE);
  memory.copy(FRAME, KSIG_INFO, <usize>SIGINFO_KERNEL_SIZE);
  store<u64>(FRAME + <usize>UC_STACK, task.sas_ss_sp);
  store<u32>(FRAME + <usize>UC_STACK + 8, task.sas_ss_flags);
  store<u64>(FRAME + <usize>UC_STACK + 16, task.sas_ss_size);
  store<u64>(FRAME + <usize>UC_SIGMASK, oldset);
  save_sigcontext(FRAME + <usize>SC_REGS);
  // What lies between these three pieces is left as it was on the stack.
  if (!put_frame(frame, 0, UC_SIGMASK + 8)) return 0;
  if (!put_frame(frame, SC_REGS, 256 + D_EXT_SIZE)) return 0;
  return put_frame(frame, SC_RESERVED, 12) ? frame : 0;
}

// @nomark
function put_frame(frame: u64, offset: u64, bytes: u64): bool {
  return copy_to_user(frame + offset, FRAME + <usize>offset, bytes) == 0;
}

/** struct user_regs_struct: pc, x1 .. x31; then struct __riscv_d_ext_state. */
// @nomark
function save_sigcontext(at: usize): void {
  memory.copy(at, HART_X, 256);
  store<u64>(at, load<u64>(HART_PC)); // x0 needs no room
  memory.copy(at + 256, HART_F, 256);
  const fcsr = load<u32>(HART_FFLAGS) | (load<u32>(HART_FRM) << 5);
  store<u32>(at + 512, fcsr);
}

/** rt_sigreturn(2): the handler has returned. => the a0 that the frame holds. */
export function sys_rt_sigreturn(): i64 {
  const task = current();
  const frame = load<u64>(HART_X + 2 * 8);
  if (restore_frame(task, frame) != 0) {
    force_sig(SIGSEGV);
    return 0;
  }
  return <i64>load<u64>(HART_X + 10 * 8);
}

/**
 * Brings mask, registers and alternate stack back, whatever the handler made of them.
 * => 0, -EFAULT, or -EINVAL for an extension that this processor does not have.
 */
export function restore_frame(task: task_struct, frame: u64): i64 {
  if (!access_ok(frame, FRAME_SIZE)) return -EFAULT;
  if (!get_frame(frame, UC_SIGMASK, 8)) return -EFAULT;
  set_current_blocked(load<u64>(FRAME + <usize>UC_SIGMASK));
  if (!get_frame(frame, SC_REGS, 256)) return -EFAULT;
  const regs = FRAME + <usize>SC_REGS;
  memory.copy(HART_X + 8, regs + 8, 248);
  store<u64>(HART_PC, load<u64>(regs) & ~(<u64>1));
  if (!get_frame(frame, SC_FPREGS, D_EXT_SIZE)) return -EFAULT;
  memory.copy(HART_F, regs + 256, 256);
  const fcsr = load<u32>(regs + 512);
  store<u32>(HART_FFLAGS, fcsr & 31);
  store<u32>(HART_FRM, (fcsr >> 5) & 7);
  if (!get_frame(frame, SC_RESERVED, 12)) return -EFAULT;
  const end = FRAME + <usize>SC_RESERVED;
  if ((load<u32>(end) | load<u32>(end, 4) | load<u32>(end, 8)) != 0) return -EINVAL;
  if (!get_frame(frame, UC_STACK, 24)) return -EFAULT;
  restore_altstack(FRAME + <usize>UC_STACK);
  return 0;
}

// @nomark
function get_frame(frame: u64, offset: u64, bytes: u64): bool {
  return copy_from_user(FRAME + <usize>offset, frame + offset, bytes) == 0;
}
