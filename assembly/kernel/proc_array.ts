// /proc/PID/stat, statm and status: what a process is, in one line or in many.
//
//   stat     52 fields on one line, for ps and top
//   statm    7 numbers of pages
//   status   the same and more, with names, for people
//
//   state    R running   S sleeping   D waits for the disk   T stopped   t traced
//            Z zombie
//
// In Linux: fs/proc/array.c do_task_stat(), proc_pid_statm(), proc_pid_status();
// fs/proc/task_mmu.c task_mem() (6.12).
// Left out: what has no counterpart here is printed as Linux prints it when it is not
// in use: terminals, capabilities, seccomp, namespaces, a process's system time.
import {
  TASK_COMM,
  TASK_NIVCSW,
  TASK_NVCSW,
  TASK_RLIMITS,
  TASK_SHARED_PENDING,
  TaskState,
  VM,
} from "../abi";
import { Cost, cost } from "../hw/clock";
import { fdt_max_fds } from "./file_table";
import { mm_struct } from "./mm_types";
import { ptrace_may_access, tracer_of } from "./ptrace";
import { strlen } from "./namei";
import { RLIMIT_SIGPENDING, rlimit_of } from "./rlimit";
import { sigaction_of } from "./siginfo";
import { task_field, task_ppid_nr, task_struct } from "./sched";
import {
  seq_file,
  seq_put_field,
  seq_put_hex_ll,
  seq_put_kb,
  seq_putc,
  seq_puts,
  seq_put_decimal_ull,
} from "./seq_file";

/** Picoseconds of a clock tick as programs count them (USER_HZ is 100). */
const PS_PER_TICK: u64 = 10000000000;
const RLIMIT_RSS: usize = 5;

/** The letter of a task's state. */
// @nomark
function task_state_char(task: task_struct): u32 {
  switch (task.state) {
    case TaskState.running: return 0x52; // R
    case TaskState.uninterruptible: return 0x44; // D
    case TaskState.stopped: return 0x54; // T
    case TaskState.traced: return 0x74; // t
    case TaskState.dead: return 0x5a; // Z
    default: return 0x53; // S
  }
}

/** The name; in status with what could break a line written as \n and \\. */
// @nomark
function proc_task_name(m: seq_file, task: task_struct, escape: bool): void {
  const comm = task_field(task, TASK_COMM);
  const len = min<usize>(strlen(comm), 15);
  for (let i: usize = 0; i < len; i++) {
    const c = <u32>load<u8>(comm + i);
    if (escape && c == 0x0a) seq_puts(m, "\\n");
    else if (escape && c == 0x5c) seq_puts(m, "\\\\");
    else seq_putc(m, c);
  }
}

// @nomark
function to_ticks(instret: u64): u64 {
  return instret * cost(Cost.Insn) / PS_PER_TICK;
}

/** Resident pages of an address space. */
// @nomark
export function get_mm_rss(mm: mm_struct): u64 {
  return <u64>mm.rss_file + mm.rss_anon + mm.rss_shmem;
}

/** A run of zeros in stat. */
// @nomark
function put_zeros(m: seq_file, n: u32): void {
  for (let i: u32 = 0; i < n; i++) seq_put_field(m, 0);
}

/** Which signals are ignored (handler 1), or caught: a bit each. */
// @nomark
function signal_set(task: task_struct, caught: bool): u64 {
  let set: u64 = 0;
  for (let signo: u32 = 1; signo <= 64; signo++) {
    const handler = load<u64>(sigaction_of(task, signo));
    if (caught ? handler > 1 : handler == 1) set |= <u64>1 << (signo - 1);
  }
  return set;
}

/** The one record of stat. => false for another. */
// @nomark
export function do_task_stat(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  seq_put_decimal_ull(m, task.pid);
  seq_puts(m, " (");
  proc_task_name(m, task, false);
  seq_puts(m, ") ");
  seq_putc(m, task_state_char(task));
  seq_put_field(m, task_ppid_nr(task));
  seq_put_field(m, task.pgrp);
  seq_put_field(m, task.session);
  seq_puts(m, " 0 -1 0"); // no terminal, its group, flags
  seq_put_field(m, task.min_flt);
  seq_put_field(m, task.cmin_flt);
  seq_put_field(m, task.maj_flt);
  seq_put_field(m, task.cmaj_flt);
  seq_put_field(m, to_ticks(task.run_instret));
  seq_puts(m, " 0");
  seq_put_field(m, to_ticks(task.cinstret));
  seq_puts(m, " 0 20 0 1 0"); // priority, nice, threads
  seq_put_field(m, task.start_ps / PS_PER_TICK);
  stat_memory(m, task);
  return true;
}

/** The second half of stat, from vsize on. */
// @nomark
function stat_memory(m: seq_file, task: task_struct): void {
  const mm = task.mm;
  seq_put_field(m, mm == null ? 0 : mm.total_vm << 12);
  seq_put_field(m, mm == null ? 0 : get_mm_rss(mm));
  seq_put_field(m, load<u64>(task_field(task, TASK_RLIMITS + RLIMIT_RSS * 16)));
  const told = mm != null && ptrace_may_access(task);
  seq_put_field(m, mm == null ? 0 : told ? mm.start_code : 1);
  seq_put_field(m, mm == null ? 0 : told ? mm.end_code : 1);
  seq_put_field(m, mm != null && told ? mm.start_stack : 0);
  seq_puts(m, " 0 0"); // stack and instruction pointer
  seq_put_field(m, task.pending & 0x7fffffff);
  seq_put_field(m, task.blocked & 0x7fffffff);
  seq_put_field(m, signal_set(task, false) & 0x7fffffff);
  seq_put_field(m, signal_set(task, true) & 0x7fffffff);
  put_zeros(m, 3);
  seq_put_field(m, task.parent_signal);
  put_zeros(m, 6);
  if (mm != null && told) {
    seq_put_field(m, mm.start_data);
    seq_put_field(m, mm.end_data);
    seq_put_field(m, mm.start_brk);
    seq_put_field(m, mm.arg_start);
    seq_put_field(m, mm.arg_end);
    seq_put_field(m, mm.env_start);
    seq_put_field(m, mm.env_end);
  } else {
    put_zeros(m, 7);
  }
  seq_put_field(m, told ? (<u64>(<u32>task.exit_code) << 8) | task.exit_signal : 0);
  seq_putc(m, 0x0a);
}

/** Pages of the program's own code, of libraries' code, and of the stack. */
// @nomark
function text_pages(mm: mm_struct): u64 {
  return ((mm.end_code + 4095) >> 12) - (mm.start_code >> 12);
}

// @nomark
function pages_with(mm: mm_struct, mask: u32, wanted: u32): u64 {
  let pages: u64 = 0;
  let vma = mm.mmap;
  while (vma != null) {
    if ((vma.vm_flags & mask) == wanted) pages += (vma.vm_end - vma.vm_start) >> 12;
    vma = vma.vm_next;
  }
  return pages;
}

// @nomark
function exec_pages(mm: mm_struct): u64 {
  return pages_with(mm, VM.EXEC | VM.WRITE | VM.GROWSDOWN, VM.EXEC);
}

// @nomark
function stack_pages(mm: mm_struct): u64 {
  return pages_with(mm, VM.GROWSDOWN, VM.GROWSDOWN);
}

/** The one record of statm: size, resident, shared, text, 0, data, 0. */
// @nomark
export function proc_pid_statm(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  const mm = task.mm;
  if (mm == null) {
    seq_puts(m, "0 0 0 0 0 0 0\n");
    return true;
  }
  seq_put_decimal_ull(m, mm.total_vm);
  seq_put_field(m, get_mm_rss(mm));
  seq_put_field(m, <u64>mm.rss_file + mm.rss_shmem);
  seq_put_field(m, text_pages(mm));
  seq_puts(m, " 0");
  seq_put_field(m, mm.data_vm + stack_pages(mm));
  seq_puts(m, " 0\n");
  return true;
}

/** The one record of status. */
// @nomark
export function proc_pid_status(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  seq_puts(m, "Name:\t");
  proc_task_name(m, task, true);
  status_ids(m, task);
  if (task.mm != null) task_mem(m, changetype<mm_struct>(changetype<usize>(task.mm)));
  seq_puts(m, "Threads:\t1\nSigQ:\t0/");
  seq_put_decimal_ull(m, rlimit_of(task, RLIMIT_SIGPENDING));
  put_mask(m, "\nSigPnd:\t", task.pending);
  put_mask(m, "\nShdPnd:\t", load<u64>(task_field(task, TASK_SHARED_PENDING)));
  put_mask(m, "\nSigBlk:\t", task.blocked);
  put_mask(m, "\nSigIgn:\t", signal_set(task, false));
  put_mask(m, "\nSigCgt:\t", signal_set(task, true));
  const all: u64 = 0x1ffffffffff;
  put_mask(m, "\nCapInh:\t", 0);
  const root = task.euid == 0 || task.uid == 0 || task.suid == 0;
  put_mask(m, "\nCapPrm:\t", root ? all : 0);
  put_mask(m, "\nCapEff:\t", task.euid == 0 ? all : 0);
  put_mask(m, "\nCapBnd:\t", all);
  put_mask(m, "\nCapAmb:\t", 0);
  seq_puts(m, "\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n");
  seq_puts(m, "Speculation_Store_Bypass:\tunknown\n");
  seq_puts(m, "SpeculationIndirectBranch:\tunsupported\n");
  seq_puts(m, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\n");
  seq_puts(m, "Mems_allowed_list:\t0\nvoluntary_ctxt_switches:\t");
  seq_put_decimal_ull(m, load<u64>(task_field(task, TASK_NVCSW)));
  seq_puts(m, "\nnonvoluntary_ctxt_switches:\t");
  seq_put_decimal_ull(m, load<u64>(task_field(task, TASK_NIVCSW)));
  seq_putc(m, 0x0a);
  return true;
}

// @nomark
function put_mask(m: seq_file, name: string, mask: u64): void {
  seq_puts(m, name);
  seq_put_hex_ll(m, mask, 16);
}

// @nomark
function put_id(m: seq_file, name: string, value: u64): void {
  seq_puts(m, name);
  seq_put_decimal_ull(m, value);
}

// @nomark
function put_ids(m: seq_file, name: string, real: u32, e: u32, saved: u32): void {
  put_id(m, name, real);
  put_id(m, "\t", e);
  put_id(m, "\t", saved);
  put_id(m, "\t", e); // for files: as the effective one
}

/** status from Umask to Kthread. */
// @nomark
function status_ids(m: seq_file, task: task_struct): void {
  seq_puts(m, "\nUmask:\t0");
  for (let shift: i32 = 6; shift >= 0; shift -= 3) {
    seq_putc(m, 0x30 + ((task.umask >> shift) & 7));
  }
  seq_puts(m, "\nState:\t");
  put_state(m, task_state_char(task));
  put_id(m, "\nTgid:\t", task.pid);
  put_id(m, "\nNgid:\t", 0);
  put_id(m, "\nPid:\t", task.pid);
  put_id(m, "\nPPid:\t", task_ppid_nr(task));
  const tracer = tracer_of(task);
  put_id(m, "\nTracerPid:\t", tracer != null ? tracer.pid : 0);
  put_ids(m, "\nUid:\t", task.uid, task.euid, task.suid);
  put_ids(m, "\nGid:\t", task.gid, task.egid, task.sgid);
  put_id(m, "\nFDSize:\t", fdt_max_fds(task));
  seq_puts(m, "\nGroups:\t ");
  put_id(m, "\nNStgid:\t", task.pid);
  put_id(m, "\nNSpid:\t", task.pid);
  put_id(m, "\nNSpgid:\t", task.pgrp);
  put_id(m, "\nNSsid:\t", task.session);
  put_id(m, "\nKthread:\t", task.kthread != 0 ? 1 : 0);
  seq_putc(m, 0x0a);
}

// @nomark
function put_state(m: seq_file, state: u32): void {
  if (state == 0x52) seq_puts(m, "R (running)");
  else if (state == 0x44) seq_puts(m, "D (disk sleep)");
  else if (state == 0x54) seq_puts(m, "T (stopped)");
  else if (state == 0x74) seq_puts(m, "t (tracing stop)");
  else if (state == 0x5a) seq_puts(m, "Z (zombie)");
  else seq_puts(m, "S (sleeping)");
}

/** status from VmPeak to untag_mask. */
// @nomark
function task_mem(m: seq_file, mm: mm_struct): void {
  const rss = get_mm_rss(mm);
  const text = min<u64>(text_pages(mm), exec_pages(mm));
  seq_put_kb(m, "VmPeak:\t", max<u64>(mm.hiwater_vm, mm.total_vm) << 12);
  seq_put_kb(m, "VmSize:\t", mm.total_vm << 12);
  seq_put_kb(m, "VmLck:\t", mm.locked_vm << 12);
  seq_put_kb(m, "VmPin:\t", 0);
  seq_put_kb(m, "VmHWM:\t", max<u64>(mm.hiwater_rss, rss) << 12);
  seq_put_kb(m, "VmRSS:\t", rss << 12);
  seq_put_kb(m, "RssAnon:\t", <u64>mm.rss_anon << 12);
  seq_put_kb(m, "RssFile:\t", <u64>mm.rss_file << 12);
  seq_put_kb(m, "RssShmem:\t", <u64>mm.rss_shmem << 12);
  seq_put_kb(m, "VmData:\t", mm.data_vm << 12);
  seq_put_kb(m, "VmStk:\t", stack_pages(mm) << 12);
  seq_put_kb(m, "VmExe:\t", text << 12);
  seq_put_kb(m, "VmLib:\t", (exec_pages(mm) - text) << 12);
  seq_put_kb(m, "VmPTE:\t", <u64>(mm.pgtables - 1) << 12); // the root is not counted
  seq_put_kb(m, "VmSwap:\t", <u64>mm.swapents << 12);
  seq_put_kb(m, "HugetlbPages:\t", 0);
  seq_puts(m, "CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n");
}
