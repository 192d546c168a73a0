// Out of memory: every page that can be had again was taken, and it was not enough. One
// process is killed, so that the others can go on.
//
//   badness = pages in memory + pages in swap + page tables
//             + oom_score_adj * (memory + swap) / 1000
//
//   A  the one with the most badness; the first of equals
//   B  never: kernel threads, who has oom_score_adj -1000, who was chosen before and
//      has given its pages already
//   D  whoever runs swapoff before everybody else: it asks for all that memory
//   C  process 1 only when there is no other: it is the program that the machine was
//      started for. (Linux never kills init, and panics instead.)
//
// The victim gets SIGKILL. It cannot always die at once: it may be waiting for
// something. But its private pages can be taken at once, for it will never use them
// again: that is what the OOM reaper does. When the victim is who asks, it dies on its
// way back to user mode, and until then may use half of the reserve.
//
// In Linux: mm/oom_kill.c out_of_memory(), oom_badness(), select_bad_process(),
// oom_kill_process(), __oom_reap_task_mm() (6.12).
// Left out: cgroups, cpusets, panic_on_oom, oom_kill_allocating_task, the report.
import { Ev, OOM_ORIGIN, TASK_OOM_SCORE_ADJ, TaskState, VM, VmEvent } from "../abi";
import { emit } from "../log";
import { mm_struct } from "./mm_types";
import { totalram_pages } from "./page_alloc";
import { unmap_page_range } from "./pgtable";
import {
  current,
  fatal_signal_pending,
  nr_task_slots,
  task_at,
  task_field,
  task_struct,
} from "./sched";
import { SIGKILL } from "./siginfo";
import { send_sig } from "./signal";
import { total_swap_pages } from "./swapfile";
import { count_vm_event } from "./vmstat";
import { proposal_out_of_memory } from "../proposal/proposal";

export const OOM_SCORE_ADJ_MIN: i32 = -1000;
/** Not to be killed. */
const LONG_MIN: i64 = i64.MIN_VALUE;

/** B: may the task be killed for its memory? */
// @nomark
function oom_unkillable_task(task: task_struct): bool {
  if (task.state == TaskState.unused || task.state == TaskState.dead) return true;
  return task.kthread != 0 || task.mm == null;
}

/** How much the task is to be preferred, or spared: /proc/PID/oom_score_adj. */
// @nomark
export function oom_score_adj(task: task_struct): i32 {
  return load<i32>(task_field(task, TASK_OOM_SCORE_ADJ));
}

/** How bad a task is for memory, in pages; LONG_MIN when it is not to be killed. */
export function oom_badness(task: task_struct): i64 {
  if (oom_unkillable_task(task)) return LONG_MIN;
  const mm = changetype<mm_struct>(changetype<usize>(task.mm));
  const adj = oom_score_adj(task);
  if (adj == OOM_SCORE_ADJ_MIN || mm.oom_skip != 0) return LONG_MIN;
  const rss = mm.rss_anon + mm.rss_file + mm.rss_shmem;
  const points: i64 = rss + mm.swapents + mm.pgtables;
  const total: i64 = totalram_pages() + total_swap_pages();
  return points + (<i64>adj * total) / 1000;
}

/** A, C, D: => the task to kill, or null. */
export function select_bad_process(): task_struct | null {
  const origin = load<u32>(OOM_ORIGIN);
  if (origin != 0) return changetype<task_struct>(<usize>origin); // D
  let chosen: task_struct | null = null;
  let most = LONG_MIN;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    const points = oom_badness(task);
    if (points == LONG_MIN || task.pid == 1) continue;
    if (points <= most) continue;
    most = points;
    chosen = task;
  }
  if (chosen != null) return chosen;
  const init = task_at(0);
  return oom_badness(init) == LONG_MIN ? null : init;
}

/**
 * Kills somebody for memory.
 * => false when there is nobody; else there is more memory, or the running process is
 * to die.
 */
export function out_of_memory(): bool {
  if (fatal_signal_pending(current())) return true;
  if (load<u32>(OOM_ORIGIN) == 0 && proposal_out_of_memory()) return true;
  const victim = select_bad_process();
  if (victim == null) return false;
  oom_kill_process(victim);
  return true;
}

/** Everybody who lives in the victim's address space dies, and its pages go. */
export function oom_kill_process(victim: task_struct): void {
  const mm = changetype<mm_struct>(changetype<usize>(victim.mm));
  const who = <u64>victim.pid | (<u64>current().pid << 32);
  const pages = <u64>mm.rss_anon | (<u64>mm.swapents << 32);
  emit(Ev.OomKill, who, oom_badness(victim), pages);
  count_vm_event(VmEvent.OOM_KILL);
  let running = false;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (oom_unkillable_task(task)) continue;
    if (changetype<usize>(task.mm) != changetype<usize>(mm)) continue;
    send_sig(task, SIGKILL);
    if (changetype<usize>(task) == changetype<usize>(current())) running = true;
  }
  // What the kernel works on for the running process must stay until it is done.
  if (!running) oom_reap_task_mm(mm);
}

/** The private pages of a process that will not run again. */
export function oom_reap_task_mm(mm: mm_struct): void {
  mm.oom_skip = 1;
  for (let vma = mm.mmap; vma != null; vma = vma!.vm_next) {
    if (vma.vm_flags & (VM.PFNMAP | VM.SHARED)) continue;
    unmap_page_range(mm, vma.vm_start, vma.vm_end);
  }
}
