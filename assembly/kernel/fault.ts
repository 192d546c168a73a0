// Where a page fault arrives: which area was touched, and may it be touched that way?
//
//            stval, scause
//                 |
//            find_vma(address)
//        none /       \ found
//       A: MAPERR      |-- below a stack: B grow it, or MAPERR
//                      |-- not allowed:   C ACCERR
//                      |-- allowed:       D handle_mm_fault
//                                           |-- page there: return, retry
//                                           |-- E past the file's end: BUS_ADRERR
//                                           |-- F no memory: OOM
//                                           |-- G the disk is reading it, and
//                                                 somebody else can run: sleep, retry
//
// The kernel touches user memory too (system calls read and write buffers). Its faults
// come here like the program's own; one that cannot be served makes the call fail with
// EFAULT instead of killing the process.
//
// In Linux: arch/riscv/mm/fault.c handle_page_fault(), access_error(); mm/mmap.c
// expand_downwards() (6.12).
// Left out: vmalloc faults, kprobes, the fixup table (the caller is told instead).
import {
  Access,
  CLOCK_PS,
  CONF_BASE,
  Conf,
  CostKind,
  Ev,
  FaultKind,
  HART_INSTRET,
  HART_PC,
  MARK_COUNT,
  PAGE_SIZE,
  TASK_FAULTING,
  VM,
  VmEvent,
} from "../abi";
import { Cost, charge, cost } from "../hw/clock";
import { emit } from "../log";
import { anon_vma_prepare } from "./anon_vma";
import { file_at } from "./file_table";
import { inode_at } from "./fs";
import {
  FAULT_FLAG_INSTRUCTION,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_USER,
  FAULT_FLAG_WRITE,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  handle_mm_fault,
  the_fault,
} from "./memory";
import { mlock_future_ok } from "./mlock";
import { may_expand_vm } from "./mmap";
import { find_vma, vm_stat_account } from "./vma";
import { mm_struct, vm_area_struct } from "./mm_types";
import { folio_wait_sleeping } from "./page_io";
import { RLIMIT_STACK } from "./rlimit";
import { current, current_mm, rlimit, task_field } from "./sched";
import {
  BUS_ADRERR,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SIGBUS,
  SIGKILL,
  SIGSEGV,
} from "./siginfo";
import { force_sig_fault } from "./signal";
import { vm_acct_memory, vm_enough_memory } from "./util";
import { note_fresh } from "./shrink_folio";
import { count_vm_event } from "./vmstat";

/**
 * The door of a page fault: counts what it costs, has it served, and tells the log.
 * `access` is an Access; `user` says whose access it was: the program's, or the
 * kernel's own to user memory.
 * => true when the access can be retried. When not, a program has been sent a signal,
 * and the kernel's caller must give up with -EFAULT.
 */
// @nomark
export function do_page_fault(address: u64, access: u32, user: bool): bool {
  const before = load<u64>(CLOCK_PS);
  const mark = load<u64>(MARK_COUNT);
  emit(Ev.FaultEnter, load<u64>(HART_INSTRET), address, load<u64>(HART_PC));
  charge(CostKind.Exception, cost(Cost.Exception));
  charge(CostKind.Kernel, cost(Cost.FaultPath));
  reset_fault(FaultKind.sigsegv);
  the_fault().mm = current_mm();
  const served = handle_page_fault(address, access, user);
  log_fault(address, mark, access, user ? 0 : 1, load<u64>(CLOCK_PS) - before);
  if (served) return true;
  const vmf = the_fault();
  if (user || vmf.signo == SIGKILL) force_sig_fault(vmf.signo, vmf.si_code, address);
  return false;
}

/**
 * A page fault: sorts it into the cases above and has it served.
 * => true when the access can be retried; else the_fault() says which signal it is.
 */
export function handle_page_fault(address: u64, access: u32, user: bool): bool {
  const mm = current_mm();
  const vma = find_vma(mm, address);
  if (vma == null) {
    return bad_area(SEGV_MAPERR); // A
  }
  if (vma.vm_start > address) {
    if (!expand_stack(mm, vma, address)) return bad_area(SEGV_MAPERR); // A, B
  }
  if (access_error(access, vma)) {
    return bad_area(SEGV_ACCERR); // C
  }
  const flags = fault_flags(access, user) | fault_tried(address, user);
  const fault = handle_mm_fault(mm, vma, address, flags); // D
  if (fault & VM_FAULT_RETRY) {
    wait_for_page(address); // G
    return true;
  }
  mm_account_fault(fault, flags);
  if (fault & VM_FAULT_ERROR) {
    return mm_fault_error(fault); // E, F
  }
  note_fresh(the_fault().page);
  return true;
}

/** A, C: nothing can make this access right. => false */
function bad_area(si_code: i32): bool {
  const vmf = the_fault();
  vmf.signo = SIGSEGV;
  vmf.si_code = si_code;
  return false;
}

/** E, F: the area allows it, but there is no such page, or no memory. => false */
function mm_fault_error(fault: u32): bool {
  const vmf = the_fault();
  const oom = (fault & VM_FAULT_OOM) != 0;
  vmf.signo = oom ? SIGKILL : SIGBUS;
  vmf.si_code = oom ? 0 : BUS_ADRERR;
  vmf.kind = oom ? FaultKind.oom : FaultKind.sigbus;
  return false;
}

/**
 * C: does the area forbid this? A writable area is readable: the ISA has no write-only.
 */
export function access_error(access: u32, vma: vm_area_struct): bool {
  if (access == Access.Fetch) return (vma.vm_flags & VM.EXEC) == 0;
  if (access == Access.Write) return (vma.vm_flags & VM.WRITE) == 0;
  return (vma.vm_flags & (VM.READ | VM.WRITE)) == 0;
}

/**
 * B: `vma` lies above `address`: if it is a stack it may grow down to it.
 * => false when it is none, would pass RLIMIT_STACK, would come within the guard gap of
 * the area below, or the memory cannot be promised.
 */
export function expand_stack(mm: mm_struct, vma: vm_area_struct, address: u64): bool {
  if ((vma.vm_flags & VM.GROWSDOWN) == 0) return false;
  const start = address & ~(<u64>PAGE_SIZE - 1);
  if (start < load<u64>(CONF_BASE + Conf.vm_mmap_min_addr * 8)) return false;
  const gap = load<u64>(CONF_BASE + Conf.stack_guard_gap * 8) * PAGE_SIZE;
  const prev = vma.vm_prev;
  if (prev != null) {
    const accessible = (prev.vm_flags & (VM.READ | VM.WRITE | VM.EXEC)) != 0;
    const stack = (prev.vm_flags & VM.GROWSDOWN) != 0;
    if (!stack && accessible && start - prev.vm_end < gap) return false;
  }
  if (vma.vm_end - start > rlimit(RLIMIT_STACK)) return false;
  const grow = (vma.vm_start - start) >> 12;
  if (grow > vma.vm_pgoff) return false;
  if (!may_expand_vm(mm, vma.vm_flags, grow)) return false;
  if (!mlock_future_ok(mm, vma.vm_flags, grow << 12)) return false;
  if (!vm_enough_memory(grow)) return false;
  if (!anon_vma_prepare(vma)) return false;
  // Linux counts it always, and never gives back what a read-only area grew by.
  if (vma.vm_flags & VM.ACCOUNT) vm_acct_memory(grow);
  vm_stat_account(mm, vma.vm_flags, grow);
  if (vma.vm_flags & VM.LOCKED) mm.locked_vm += grow;
  vma.vm_start = start;
  vma.vm_pgoff -= grow;
  return true;
}

// @nomark
export function fault_flags(access: u32, user: bool): u32 {
  let flags: u32 = user ? FAULT_FLAG_USER : 0;
  if (access == Access.Write) flags |= FAULT_FLAG_WRITE;
  if (access == Access.Fetch) flags |= FAULT_FLAG_INSTRUCTION;
  return flags;
}

/** G: the task sleeps for the page; its instruction will fault once more. */
function wait_for_page(address: u64): void {
  const vmf = the_fault();
  vmf.kind = FaultKind.retry;
  const page = (address & ~(<u64>PAGE_SIZE - 1)) | 1;
  store<u64>(task_field(current(), TASK_FAULTING), page);
  folio_wait_sleeping(vmf.page);
}

/** Is it the fault that the task has waited for? => FAULT_FLAG_TRIED or 0 */
// @nomark
function fault_tried(address: u64, user: bool): u32 {
  const task = current();
  if (!user) return 0;
  const waited = load<u64>(task_field(task, TASK_FAULTING));
  if (waited == 0) return 0;
  store<u64>(task_field(task, TASK_FAULTING), 0);
  task.wake_at = u64.MAX_VALUE;
  const same = waited == ((address & ~(<u64>PAGE_SIZE - 1)) | 1);
  return same ? FAULT_FLAG_TRIED : 0;
}

/**
 * A fault that was served counts for the process, as minor or as major: major, too,
 * when it had to wait for what another had asked of the disk.
 */
// @nomark
function mm_account_fault(ret: u32, flags: u32): void {
  count_vm_event(VmEvent.PGFAULT);
  if (ret & VM_FAULT_ERROR) return;
  const task = current();
  if ((ret & VM_FAULT_MAJOR) != 0 || (flags & FAULT_FLAG_TRIED) != 0) task.maj_flt++;
  else task.min_flt++;
}

/** A fault begins: nothing is known of it yet. */
// @nomark
function reset_fault(kind: u32): void {
  const vmf = the_fault();
  vmf.page = 0;
  vmf.blocks = 0;
  vmf.kind = kind;
}

/**
 * Tells the log how the fault ended, and where. `whose`: 0 the program's access, 1 the
 * kernel's, 3 nobody's: the kernel asked for the page before it was touched.
 */
// @nomark
function log_fault(
  address: u64, mark: u64, access: u32, whose: u32, ps: u64,
): void {
  const vmf = the_fault();
  const task = current();
  let how = <u64>vmf.page | (<u64>(vmf.blocks & 0xffff) << 32);
  how |= (<u64>vmf.kind << 48) | (<u64>access << 56) | (<u64>whose << 60);
  emit(Ev.FaultDone, (mark & 0xffffffff) | (<u64>task.pid << 32), how, ps);
  const vma = find_vma(vmf.mm, address);
  if (vma == null || vma.vm_start > address) {
    emit(Ev.FaultVma, 0, 0, 0);
    return;
  }
  const ino = vma.vm_file == 0 ? 0 : inode_at(file_at(vma.vm_file).f_inode).i_ino;
  emit(Ev.FaultVma, vma.vm_start, vma.vm_end, <u64>vma.vm_flags | (<u64>ino << 32));
}

/**
 * The kernel makes a page present, for writing or for reading, as execve does with the
 * pages of the new stack and mmap with MAP_POPULATE.
 * => false when that is not possible.
 */
export function faultin_page(mm: mm_struct, address: u64, write: bool): bool {
  const vma = find_vma(mm, address);
  if (vma == null) return false;
  if (vma.vm_start > address) {
    if (!expand_stack(mm, vma, address)) return false;
  }
  return (faultin_vma(mm, vma, address, write) & VM_FAULT_ERROR) == 0;
}

/**
 * The fault itself, at `address` in `vma`, counted and logged.
 * => what handle_mm_fault says of it.
 */
export function faultin_vma(
  mm: mm_struct, vma: vm_area_struct, address: u64, write: bool,
): u32 {
  const before = load<u64>(CLOCK_PS);
  const mark = load<u64>(MARK_COUNT);
  emit(Ev.FaultEnter, load<u64>(HART_INSTRET), address, 0);
  charge(CostKind.Kernel, cost(Cost.FaultPath));
  reset_fault(FaultKind.oom);
  the_fault().mm = mm;
  const access = write ? Access.Write : Access.Read;
  const flags = fault_flags(access, false);
  const fault = handle_mm_fault(mm, vma, address, flags);
  mm_account_fault(fault, flags);
  log_fault(address, mark, access, 3, load<u64>(CLOCK_PS) - before);
  return fault;
}
