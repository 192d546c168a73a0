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
//
// In Linux: init/main.c, arch/riscv/kernel/traps.c (6.12); the causes are in the
// privileged manual, table "mcause". Left out: interrupts.
import {
  Access,
  BOOT_BASE,
  BOOT_ERRNO,
  CONF_BASE,
  CURRENT,
  Conf,
  DISK_ROOT_INO,
  FileKind,
  HART_PC,
  HART_RESERVATION,
  NEXT_PID,
  SYSTEM_STATE,
} from "../abi";
import { do_exit } from "./exit";
import { do_execve } from "./exec";
import { do_page_fault } from "./fault";
import { O_RDWR, alloc_file, fd_slot, get_file } from "./file_table";
import { disk_is_formatted } from "./fs";
import { mem_init } from "./page_alloc";
import { task_slot } from "./sched";
import {
  BUS_ADRALN,
  ILL_ILLOPC,
  SEGV_ACCERR,
  SIGBUS,
  SIGILL,
  SIGSEGV,
  SIGTRAP,
  TRAP_BRKPT,
  force_sig_fault,
} from "./signal";
import { do_trap_ecall_u } from "./syscall";
import { vdso_init } from "./vdso";

/** Memory, process 1 with a console on 0, 1 and 2, and the program of the request. */
export function start_kernel(): void {
  store<u32>(NEXT_PID, 1);
  mem_init();
  vdso_init();
  const task = task_slot();
  store<u32>(CURRENT, <u32>changetype<usize>(task));
  store<u32>(SYSTEM_STATE, 1);
  task.uid = load<u32>(CONF_BASE + Conf.uid * 8);
  task.gid = load<u32>(CONF_BASE + Conf.gid * 8);
  task.euid = task.uid;
  task.egid = task.gid;
  task.cwd = DISK_ROOT_INO;
  task.rlim_stack = default_rlimit_stack();
  open_console();
  assert(disk_is_formatted());
  const error = do_execve(BOOT_BASE);
  if (error < 0) {
    store<i32>(BOOT_ERRNO, <i32>-error);
    do_exit(127);
  }
}

/** A machine without a stack limit in its settings has Linux's 8 MiB. */
// @nomark
function default_rlimit_stack(): u64 {
  const set = load<u64>(CONF_BASE + Conf.rlimit_stack * 8);
  return set != 0 ? set : 8 << 20;
}

/** Descriptors 0, 1 and 2 are one open file, as a shell leaves them. */
// @nomark
function open_console(): void {
  const console = alloc_file(0, O_RDWR, FileKind.console);
  for (let fd: u32 = 0; fd < 3; fd++) {
    store<u32>(fd_slot(fd), console);
    if (fd > 0) get_file(console);
  }
}

/**
 * One exception; pc is the instruction that trapped, and it runs again unless moved.
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
      force_sig_fault(SIGSEGV, SEGV_ACCERR, stval);
  }
}
