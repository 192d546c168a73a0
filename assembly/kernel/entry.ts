// The kernel's two doors: the machine starts, and the hart traps.
//
//   start_kernel   once: memory, the first process, and its execve
//   do_trap        every exception of the program, by its cause:
//
//     8           ECALL                       a system call
//     12 13 15    page fault on X, R, W       fault.ts
//     2           illegal instruction         SIGILL
//     3           EBREAK                      SIGTRAP
//     1 5 7       access fault                SIGSEGV
//     4 6         misaligned LR, SC, AMO      SIGBUS
//     interrupt   the timer                   another task's turn
//
//   exit_to_user_mode   after each: is it this task that goes on?
//
// In Linux: init/main.c, arch/riscv/kernel/traps.c (6.12); the causes are in the
// privileged manual, table "mcause". Left out: other interrupts.
import {
  Access,
  BOOT_BASE,
  BOOT_ERRNO,
  CONF_BASE,
  CPU_IDLE,
  CURRENT,
  Conf,
  CostKind,
  DISK_ROOT_INO,
  Ev,
  FileKind,
  HART_PC,
  HART_RESERVATION,
  NEED_RESCHED,
  NEXT_PID,
  SYSTEM_STATE,
  TaskState,
} from "../abi";
import { Cost, charge, cost } from "../hw/clock";
import { emit } from "../log";
import { policy_init } from "../policy/policy";
import { watch_for_policy } from "./swap";
import { do_exit } from "./exit";
import { do_execve } from "./exec";
import { do_page_fault } from "./fault";
import { O_RDWR, alloc_file, fd_slot, file_at } from "./file_table";
import { disk_is_formatted } from "./fs";
import { path_lookup } from "./namei";
import { PATH } from "./open";
import { kthreads_init, run_kthreads } from "./kthread";
import { mem_init, totalram_pages } from "./page_alloc";
import { blk_done, blk_drain } from "./page_io";
import { init_rlimits } from "./rlimit";
import { current, schedule, task_slot, task_struct } from "./sched";
import { rseq_handle_notify_resume, rseq_wants_resume } from "./rseq";
import { do_signal } from "./sigframe";
import {
  BUS_ADRALN,
  ILL_ILLOPC,
  SEGV_ACCERR,
  SIGBUS,
  SIGILL,
  SIGSEGV,
  SIGTRAP,
  TRAP_BRKPT,
} from "./siginfo";
import { force_sig_fault, signal_work } from "./signal";
import { swap_init, swapon_area } from "./swapfile";
import { do_trap_ecall_u } from "./syscall";
import { arm_tick, sched_tick } from "./tick";
import { vdso_init } from "./vdso";
import { xa_init } from "./xa_values";
import { proposal_entry, proposals_init } from "../proposal/proposal";

/** Memory, process 1 with a console on 0, 1 and 2, and the program of the request. */
export function start_kernel(): void {
  store<u32>(NEXT_PID, 1);
  mem_init();
  reclaim_init();
  vdso_init();
  proposals_init();
  const task = changetype<task_struct>(changetype<usize>(task_slot()));
  store<u32>(CURRENT, <u32>changetype<usize>(task));
  store<u32>(SYSTEM_STATE, 1);
  task.uid = load<u32>(CONF_BASE + Conf.uid * 8);
  task.gid = load<u32>(CONF_BASE + Conf.gid * 8);
  task.euid = task.uid;
  task.egid = task.gid;
  task.cwd = DISK_ROOT_INO;
  task.suid = task.uid;
  task.sgid = task.gid;
  task.pgrp = task.pid;
  task.session = task.pid;
  task.umask = 0o22;
  init_rlimits(task);
  kthreads_init();
  assert(disk_is_formatted());
  open_console();
  const error = do_execve(BOOT_BASE);
  if (error < 0) {
    store<i32>(BOOT_ERRNO, <i32>-error);
    do_exit(127);
  }
  exit_to_user_mode();
}

/**
 * The way back to user mode, of whichever task has the hart then: one that has to wait
 * or whose turn is over gives way, a call that waited looks again, signals are acted
 * on. A call that was interrupted, but by no handler, goes on waiting.
 */
export function exit_to_user_mode(): void {
  while (load<u32>(SYSTEM_STATE) == 1) {
    blk_done();
    run_kthreads();
    const task = proposal_entry(current());
    if (task.state != TaskState.running || load<u32>(NEED_RESCHED) != 0) {
      schedule();
      if (load<u32>(CPU_IDLE) != 0) return;
      if (current().restarted == 1) do_trap_ecall_u();
    } else if (signal_work(task)) {
      do_signal();
    } else if (task.restarted != 0) {
      do_trap_ecall_u();
    } else if (rseq_wants_resume(task)) {
      rseq_handle_notify_resume();
    } else {
      break;
    }
  }
  if (load<u32>(SYSTEM_STATE) == 2) blk_drain();
  else arm_tick();
}

/** Swap, and who chooses the page that goes; no page is on a list yet. */
function reclaim_init(): void {
  swap_init();
  xa_init();
  swapon_area();
  const frames = totalram_pages();
  const max_pfn = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  const seed = load<u64>(CONF_BASE + Conf.seed * 8);
  const policy = load<u32>(CONF_BASE + Conf.policy * 8);
  policy_init(policy, frames, max_pfn, seed);
  watch_for_policy();
}

/** The timer interrupt: nobody's instruction caused it, and none is lost by it. */
export function do_irq(): void {
  emit(Ev.Tick, current().pid, load<u64>(HART_PC), 0);
  charge(CostKind.Exception, cost(Cost.Exception));
  sched_tick();
}

/** /dev/null, as a shell would open it. => struct file, or 0 when the disk has none. */
// @nomark
function open_null(): u32 {
  store<u64>(PATH, 0x6c756e2f7665642f); // "/dev/nul"
  store<u16>(PATH, 0x6c, 8);
  const found = path_lookup(PATH, DISK_ROOT_INO, true);
  return found < 0 ? 0 : alloc_file(<u32>found, O_RDWR, FileKind.device);
}

/** Descriptors 0, 1 and 2: a pipe each, as when input is given and output collected. */
// @nomark
function open_console(): void {
  const nulls = load<u32>(CONF_BASE + Conf.null_streams * 8);
  for (let fd: u32 = 0; fd < 3; fd++) {
    let opened = (nulls >> fd) & 1 ? open_null() : 0;
    if (opened == 0) {
      opened = alloc_file(0, O_RDWR, FileKind.console);
      file_at(opened).f_dir = fd;
    }
    store<u32>(fd_slot(fd), opened);
  }
}

/**
 * One exception or interrupt, and the way back to user mode; pc is the instruction that
 * trapped, and it runs again unless moved.
 */
export function do_trap(cause: u64, stval: u64): void {
  store<u64>(HART_RESERVATION, u64.MAX_VALUE);
  const pc = load<u64>(HART_PC);
  switch (<u32>cause) {
    case 8:
      do_trap_ecall_u();
      break;
    case 12:
      do_page_fault(stval, Access.Fetch, true);
      break;
    case 13:
      do_page_fault(stval, Access.Read, true);
      break;
    case 15:
      do_page_fault(stval, Access.Write, true);
      break;
    case 2:
      force_sig_fault(SIGILL, ILL_ILLOPC, pc);
      break;
    case 3:
      force_sig_fault(SIGTRAP, TRAP_BRKPT, pc);
      break;
    case 4:
    case 6:
      force_sig_fault(SIGBUS, BUS_ADRALN, stval);
      break;
    default:
      if (<i64>cause < 0) do_irq();
      else force_sig_fault(SIGSEGV, SEGV_ACCERR, stval);
  }
  exit_to_user_mode();
}
