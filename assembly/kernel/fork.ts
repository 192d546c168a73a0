// A new process: a copy of the one that asks, but for the number it gets back.
//
//   fork     CLONE none        its own address space: every area copied, every page
//                              shared until somebody writes (copy on write)
//   vfork    CLONE_VM | VFORK  the parent's address space, lent; the parent sleeps
//                              until the child execs or ends
//
//   A  registers      as they are, with 0 as the answer of the call
//   B  areas          dup_mmap: a vm_area_struct each, the same pages
//   C  page tables    private pages become read-only on both sides; what a file can
//                     give again is not copied at all, it comes back by faults
//   D  descriptors    the same open files, positions included
//   E  signals        handlers and mask as they are, nothing pending
//
// In Linux: kernel/fork.c kernel_clone(), copy_process(), dup_mmap(); mm/memory.c
// copy_page_range() (6.12).
// Left out: threads (CLONE_THREAD, CLONE_FILES, CLONE_SIGHAND without VFORK), clone3,
// namespaces, pid reuse.
import {
  Ev,
  PG,
  TASK_CGROUP,
  TASK_CLOEXEC,
  TASK_FDS,
  TASK_NICE,
  TASK_NR_FDS,
  TASK_OOM_SCORE_ADJ,
  TASK_RLIMITS,
  TASK_SIGACTION,
  TASK_SIGACTION_SIZE,
  TaskState,
  VM,
  WaitKind,
} from "../abi";
import { sfence_vma_asid } from "../hw/tlb";
import { emit } from "../log";
import { anon_vma_fork } from "./anon_vma";
import { EAGAIN, EINVAL, ENOMEM } from "./errno";
import { mmput } from "./exit";
import { expand_files, fd_slot, get_file } from "./file_table";
import { VM_LOCKED_MASK } from "./mlock";
import {
  mm_serial,
  mm_slot,
  mm_struct,
  vm_area_alloc,
  vm_area_free,
  vm_area_struct,
} from "./mm_types";
import { alloc_page, clear_page } from "./page_alloc";
import { copy_page_range } from "./pgtable";
import { rseq_fork } from "./rseq";
import {
  current,
  current_mm,
  save_registers,
  task_field,
  task_slot,
  task_struct,
} from "./sched";
import { sas_ss_reset } from "./sigaltstack";
import { put_user_u32 } from "./uaccess";
import { vm_acct_memory, vm_enough_memory } from "./util";
import { vm_stat_account, vma_link } from "./vma";

const CSIGNAL: u64 = 0xff;
const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_SETTLS: u64 = 0x80000;
const CLONE_PARENT_SETTID: u64 = 0x100000;
const CLONE_CHILD_CLEARTID: u64 = 0x200000;
const CLONE_CHILD_SETTID: u64 = 0x1000000;
/** What makes a thread, or shares more than this kernel can. */
const CLONE_THREADS: u64 = 0x10000 | 0x800 | 0x400 | 0x200;

/**
 * clone(2): fork, vfork, and what posix_spawn makes of them.
 * => the child's pid; -EINVAL for threads, -EAGAIN without a free task_struct, -ENOMEM.
 */
export function sys_clone(
  flags: u64, newsp: u64, parent_tid: u64, tls: u64, child_tid: u64,
): i64 {
  if (flags & CLONE_THREADS) return -EINVAL;
  const shares = (flags & CLONE_VM) != 0;
  const child = task_slot();
  if (child == null) return -EAGAIN;
  const error = copy_process(child, shares, (flags & CLONE_VFORK) != 0);
  if (error != 0) {
    child.state = TaskState.unused;
    return error;
  }
  child.parent_signal = <u32>(flags & CSIGNAL);
  copy_thread(child, newsp, flags & CLONE_SETTLS ? tls : 0); // A
  if (flags & CLONE_CHILD_SETTID) child.set_child_tid = child_tid;
  if (flags & CLONE_CHILD_CLEARTID) child.clear_child_tid = child_tid;
  emit(Ev.Fork, <u64>current().pid | (<u64>child.pid << 32), flags, 0);
  if (flags & CLONE_PARENT_SETTID) put_user_u32(parent_tid, child.pid);
  if (flags & CLONE_VFORK) {
    child.vfork_done = 1;
    wait_for_vfork_done(child);
  }
  return child.pid;
}

/** Everything but the registers. => 0, or -ENOMEM with nothing left behind. */
export function copy_process(child: task_struct, shares: bool, vfork: bool): i64 {
  const parent = current();
  copy_creds(child, parent);
  copy_signals(child, parent);
  // Two that run at once on one memory cannot have one stack for their handlers.
  if (shares && !vfork) sas_ss_reset(child);
  rseq_fork(child, parent, shares);
  const error = copy_mm(child, shares);
  if (error != 0) return error;
  copy_files(child, parent);
  return 0;
}

/** Who the child is, and its limits: as the parent. */
// @nomark
function copy_creds(child: task_struct, parent: task_struct): void {
  child.uid = parent.uid;
  child.gid = parent.gid;
  child.euid = parent.euid;
  child.egid = parent.egid;
  child.suid = parent.suid;
  child.sgid = parent.sgid;
  child.comm0 = parent.comm0;
  child.comm1 = parent.comm1;
  const adj = load<i32>(task_field(parent, TASK_OOM_SCORE_ADJ));
  store<i32>(task_field(child, TASK_OOM_SCORE_ADJ), adj);
  store<i32>(task_field(child, TASK_NICE), load<i32>(task_field(parent, TASK_NICE)));
  const group = load<u32>(task_field(parent, TASK_CGROUP));
  store<u32>(task_field(child, TASK_CGROUP), group);
  child.cwd = parent.cwd;
  child.umask = parent.umask;
  child.pgrp = parent.pgrp;
  child.session = parent.session;
  child.parent = parent;
  memory.copy(task_field(child, TASK_RLIMITS), task_field(parent, TASK_RLIMITS), 256);
}

/** E: what it does with signals, not the signals themselves. */
// @nomark
function copy_signals(child: task_struct, parent: task_struct): void {
  const actions = task_field(parent, TASK_SIGACTION);
  memory.copy(task_field(child, TASK_SIGACTION), actions, TASK_SIGACTION_SIZE);
  child.blocked = parent.blocked;
  child.sas_ss_sp = parent.sas_ss_sp;
  child.sas_ss_size = parent.sas_ss_size;
  child.sas_ss_flags = parent.sas_ss_flags;
}

/** D: the same open files under the same numbers. */
// @nomark
function copy_files(child: task_struct, parent: task_struct): void {
  for (let fd: u32 = 0; fd < <u32>TASK_NR_FDS; fd++) {
    const opened = load<u32>(fd_slot(fd));
    if (opened == 0) continue;
    get_file(opened);
    expand_files(child, fd);
    store<u32>(task_field(child, TASK_FDS + (<usize>fd << 2)), opened);
  }
  memory.copy(task_field(child, TASK_CLOEXEC), task_field(parent, TASK_CLOEXEC), 32);
}

/**
 * A: the child returns from the same call, with 0, on its own stack if it was given
 * one.
 */
function copy_thread(child: task_struct, newsp: u64, tls: u64): void {
  save_registers(child);
  const regs = task_field(child, 512);
  store<u64>(regs, 0, 10 * 8);
  if (newsp != 0) store<u64>(regs, newsp, 2 * 8);
  if (tls != 0) store<u64>(regs, tls, 4 * 8);
}

/** The parent's address space, or a copy of it. => 0 or -ENOMEM. */
export function copy_mm(child: task_struct, shares: bool): i64 {
  const oldmm = current_mm();
  if (shares) {
    oldmm.mm_users++;
    child.mm = oldmm;
    return 0;
  }
  child.mm = dup_mm(oldmm);
  return child.mm == null ? -ENOMEM : 0;
}

/** A copy of an address space, with one user. => null without memory for it. */
export function dup_mm(oldmm: mm_struct): mm_struct | null {
  const mm = mm_slot();
  if (mm == null || !mm_init(mm, oldmm)) return null;
  const error = dup_mmap(mm, oldmm);
  // Private pages of the parent have become read-only.
  sfence_vma_asid(oldmm.asid);
  if (error == 0) return mm;
  mmput(mm);
  return null;
}

/** It is the one with this asid, and no other there ever was. */
// @nomark
function mm_renumber(mm: mm_struct, asid: u32): void {
  mm.asid = asid;
  mm.serial = mm_serial();
}

/** An empty address space with the numbers of `oldmm` and an empty root table. */
function mm_init(mm: mm_struct, oldmm: mm_struct): bool {
  const asid = mm.asid;
  const pgd = alloc_page(PG.table, <u32>changetype<usize>(mm), 2);
  if (pgd == 0) return false;
  memory.copy(changetype<usize>(mm), changetype<usize>(oldmm), offsetof<mm_struct>());
  clear_page(pgd);
  mm.mm_users = 1;
  mm_renumber(mm, asid);
  mm.pgd = pgd;
  mm.pgtables = 1;
  mm.map_count = 0;
  mm.hiwater_vm = 0;
  mm.hiwater_rss = 0;
  mm.mmap = null;
  mm.mmap_cache = null;
  mm.total_vm = 0;
  mm.data_vm = 0;
  mm.rss_file = 0;
  mm.rss_anon = 0;
  mm.rss_shmem = 0;
  mm.swapents = 0;
  mm.locked_vm = 0;
  mm.def_flags = 0;
  mm.pbitmaps = 0; // what it does is nobody's record
  mm.pbitmap_until = 0;
  if (mm.exe_file != 0) get_file(mm.exe_file);
  return true;
}

/** B: every area, and the pages that must be shared now. => 0 or -ENOMEM. */
export function dup_mmap(mm: mm_struct, oldmm: mm_struct): i64 {
  let prev: vm_area_struct | null = null;
  for (let mpnt = oldmm.mmap; mpnt != null; mpnt = mpnt!.vm_next) {
    if (mpnt.vm_flags & VM.DONTCOPY) continue;
    const pages = (mpnt.vm_end - mpnt.vm_start) >> 12;
    const counted = (mpnt.vm_flags & VM.ACCOUNT) != 0;
    if (counted && !vm_enough_memory(pages)) return -ENOMEM;
    const vma = vm_area_dup(mm, mpnt);
    if (vma == null) return -ENOMEM;
    vma_link(mm, vma, prev);
    if (counted) vm_acct_memory(pages);
    vm_stat_account(mm, vma.vm_flags, pages);
    prev = vma;
    if (!vma_needs_copy(mpnt)) continue;
    if (!copy_page_range(mm, oldmm, vma, mpnt)) return -ENOMEM;
  }
  return 0;
}

/** C: pages of its own are in it. What has none can be found again by faults. */
// @nomark
function vma_needs_copy(vma: vm_area_struct): bool {
  if (vma.vm_flags & VM.WIPEONFORK) return false;
  return vma.anon_vma != null || (vma.vm_flags & VM.PFNMAP) != 0;
}

/** A copy of `mpnt` for `mm`, on no list. => null without a free vm_area_struct. */
function vm_area_dup(mm: mm_struct, mpnt: vm_area_struct): vm_area_struct | null {
  const vma = vm_area_alloc(mm);
  if (vma == null) return null;
  vma.vm_start = mpnt.vm_start;
  vma.vm_end = mpnt.vm_end;
  vma.vm_pgoff = mpnt.vm_pgoff;
  vma.vm_flags = mpnt.vm_flags & ~VM_LOCKED_MASK;
  const wiped = (mpnt.vm_flags & VM.WIPEONFORK) != 0;
  if (!wiped && !anon_vma_fork(vma, mpnt)) {
    vm_area_free(vma);
    return null;
  }
  vma.vm_file = mpnt.vm_file;
  if (vma.vm_file != 0) get_file(vma.vm_file);
  return vma;
}

/** The first thing a new task does, in its own address space: its pid goes there. */
export function schedule_tail(task: task_struct): void {
  put_user_u32(task.set_child_tid, task.pid);
  task.set_child_tid = 0;
}

/** The parent sleeps, with the call's answer already given. */
function wait_for_vfork_done(child: task_struct): void {
  const parent = current();
  parent.wait_kind = WaitKind.vfork;
  parent.wait_on = <u32>changetype<usize>(child);
  parent.state = TaskState.uninterruptible;
}
