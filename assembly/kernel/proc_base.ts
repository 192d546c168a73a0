// The small files of a process: how it was called, with what environment and limits,
// and how much the OOM killer likes it.
//
//   cmdline, environ, auxv   bytes of the process's own stack, which it may change:
//                            argc | argv .. | 0 | envp .. | 0 | auxv .. | strings
//   comm, oom_score_adj      can be written
//   clear_refs               written: 1 all pages, 2 anonymous ones, 3 those of files
//                            count as unused from now on; 5 the peak is forgotten
//
// In Linux: fs/proc/base.c, fs/proc/task_mmu.c clear_refs_write() (6.12).
// Left out: the auxiliary vector is kept apart there, and cannot be changed by the
// process; soft-dirty bits (4).
import {
  PAGE_SIZE,
  PG,
  TASK_COMM,
  TASK_OOM_SCORE_ADJ,
  TASK_RLIMITS,
  VM,
} from "../abi";
import { frame_addr } from "../hw/bus";
import { EACCES, EINVAL } from "./errno";
import { mem_map, mm_struct, } from "./mm_types";
import { strlen } from "./namei";
import { oom_badness, oom_score_adj } from "./oom_kill";
import { totalram_pages } from "./page_alloc";
import {
  _PAGE_ACCESSED,
  next_table,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_special,
  set_pte,
} from "./pgtable";
import { get_mm_rss } from "./proc_array";
import { total_swap_pages } from "./swapfile";
import { current_is_root, task_field, task_struct } from "./sched";
import {
  seq_file,
  seq_pad,
  seq_put_decimal_ll,
  seq_put_decimal_ull,
  seq_putc,
  seq_puts,
  seq_setwidth,
  seq_write,
} from "./seq_file";

const OOM_SCORE_ADJ_MAX: i64 = 1000;
const RLIM_NLIMITS: u32 = 16;

/** Where byte `va` of an address space is, without a fault; 0 when it is not there. */
// @nomark
function remote_byte(mm: mm_struct, va: u64): usize {
  const slot = pte_offset(mm, va);
  const pte = slot == 0 ? 0 : load<u64>(slot);
  return pte_present(pte) ? frame_addr(pte_pfn(pte)) + <usize>(va & 4095) : 0;
}

/** The bytes [start, end) of the process. One record. */
// @nomark
function access_remote_vm(m: seq_file, mm: mm_struct, start: u64, end: u64): void {
  for (let va = start; va < end; va++) {
    const at = remote_byte(mm, va);
    if (at == 0) return;
    seq_putc(m, load<u8>(at));
  }
}

// @nomark
function remote_u64(mm: mm_struct, va: u64): u64 {
  const at = remote_byte(mm, va);
  return at == 0 ? 0 : load<u64>(at);
}

/** The arguments, a NUL after each. */
// @nomark
export function proc_pid_cmdline(m: seq_file, task: task_struct): bool {
  const mm = task.mm;
  if (m.index != 0 || mm == null) return false;
  access_remote_vm(m, mm, mm.arg_start, mm.arg_end);
  return true;
}

// @nomark
export function proc_pid_environ(m: seq_file, task: task_struct): bool {
  const mm = task.mm;
  if (m.index != 0 || mm == null) return false;
  access_remote_vm(m, mm, mm.env_start, mm.env_end);
  return true;
}

/** The auxiliary vector: behind the pointers to the environment, up to AT_NULL. */
// @nomark
export function proc_pid_auxv(m: seq_file, task: task_struct): bool {
  const mm = task.mm;
  if (m.index != 0 || mm == null) return false;
  let at = mm.start_stack + 8 * (remote_u64(mm, mm.start_stack) + 2);
  while (remote_u64(mm, at) != 0) at += 8;
  const start = at + 8;
  let end = start;
  while (remote_u64(mm, end) != 0) end += 16;
  access_remote_vm(m, mm, start, end + 16);
  return true;
}

// @nomark
export function comm_show(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  const comm = task_field(task, TASK_COMM);
  seq_write(m, comm, min<usize>(strlen(comm), 15));
  seq_putc(m, 0x0a);
  return true;
}

/** comm is written: the process gets another name. */
// @nomark
export function comm_write(task: task_struct, text: usize, len: usize): i64 {
  const comm = task_field(task, TASK_COMM);
  memory.fill(comm, 0, 16);
  memory.copy(comm, text, min<usize>(len, 15));
  return 0;
}

// @nomark
export function oom_score_adj_show(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  seq_put_decimal_ll(m, oom_score_adj(task));
  seq_putc(m, 0x0a);
  return true;
}

/** Only root may make a process less likely to be killed. => 0 or negative errno. */
export function oom_score_adj_write(task: task_struct, value: i64): i64 {
  if (value < -OOM_SCORE_ADJ_MAX || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
  if (value < oom_score_adj(task) && !current_is_root()) return -EACCES;
  store<i32>(task_field(task, TASK_OOM_SCORE_ADJ), <i32>value);
  return 0;
}

/** oom_score: 0 to 2000, what killing it would bring. */
// @nomark
export function proc_oom_score(m: seq_file, task: task_struct): bool {
  if (m.index != 0) return false;
  const total: i64 = totalram_pages() + total_swap_pages();
  const badness = oom_badness(task);
  let score: i64 = 0;
  if (badness != i64.MIN_VALUE) score = ((1000 + (badness * 1000) / total) * 2) / 3;
  seq_put_decimal_ll(m, max<i64>(score, 0));
  seq_putc(m, 0x0a);
  return true;
}

/** The name and the unit of limit `i`, in two columns of 26 and, at the end, 10. */
// @nomark
function limit_name(i: u32): string {
  switch (i) {
    case 0: return "Max cpu time";
    case 1: return "Max file size";
    case 2: return "Max data size";
    case 3: return "Max stack size";
    case 4: return "Max core file size";
    case 5: return "Max resident set";
    case 6: return "Max processes";
    case 7: return "Max open files";
    case 8: return "Max locked memory";
    case 9: return "Max address space";
    case 10: return "Max file locks";
    case 11: return "Max pending signals";
    case 12: return "Max msgqueue size";
    case 13: return "Max nice priority";
    case 14: return "Max realtime priority";
    default: return "Max realtime timeout";
  }
}

// @nomark
function limit_unit(i: u32): string {
  switch (i) {
    case 0: return "seconds";
    case 6: return "processes";
    case 7: return "files";
    case 10: return "locks";
    case 11: return "signals";
    case 13:
    case 14: return "";
    case 15: return "us";
    default: return "bytes";
  }
}

// @nomark
function put_limit(m: seq_file, value: u64): void {
  seq_setwidth(m, 20);
  if (value == u64.MAX_VALUE) seq_puts(m, "unlimited");
  else seq_put_decimal_ull(m, value);
  seq_pad(m, 0x20);
}

/** A record a limit, after the heading. */
// @nomark
export function proc_pid_limits(m: seq_file, task: task_struct): bool {
  const i = <u32>m.index;
  if (i > RLIM_NLIMITS) return false;
  m.next = m.index + 1;
  if (i == 0) {
    seq_puts(m, "Limit                     Soft Limit           ");
    seq_puts(m, "Hard Limit           Units     \n");
    return true;
  }
  const at = task_field(task, TASK_RLIMITS + (<usize>(i - 1) << 4));
  seq_setwidth(m, 25);
  seq_puts(m, limit_name(i - 1));
  seq_pad(m, 0x20);
  put_limit(m, load<u64>(at));
  put_limit(m, load<u64>(at, 8));
  const unit = limit_unit(i - 1);
  if (unit.length > 0) {
    seq_setwidth(m, 10);
    seq_puts(m, unit);
    seq_pad(m, 0x0a);
  } else {
    seq_putc(m, 0x0a);
  }
  return true;
}

/** clear_refs is written. => 0 or -EINVAL. */
export function clear_refs_write(task: task_struct, what: i64): i64 {
  if (what < 1 || what > 5 || what == 4) return -EINVAL;
  const mm = task.mm;
  if (mm == null) return 0;
  if (what == 5) {
    mm.hiwater_rss = get_mm_rss(mm);
    return 0;
  }
  let vma = mm.mmap;
  while (vma != null) {
    const of_file = vma.vm_file != 0;
    const wanted = what == 1 || (what == 2) == !of_file;
    if (wanted && (vma.vm_flags & VM.PFNMAP) == 0) {
      clear_refs_range(mm, vma.vm_start, vma.vm_end);
    }
    vma = vma.vm_next;
  }
  return 0;
}

/** Takes the accessed bits of [start, end) away. */
function clear_refs_range(mm: mm_struct, start: u64, end: u64): void {
  let va = start;
  while (va < end) {
    const slot = pte_offset(mm, va);
    if (slot == 0) {
      va = next_table(mm, va);
      continue;
    }
    const pte = load<u64>(slot);
    if (pte_present(pte) && !pte_special(pte)) {
      if (pte & _PAGE_ACCESSED) set_pte(mm, va, slot, pte & ~_PAGE_ACCESSED);
      mem_map(pte_pfn(pte)).flags &= ~PG.referenced;
    }
    va += PAGE_SIZE;
  }
}
