// The end of a process: its files are closed, its areas removed, its page tables freed.
//
// In Linux: kernel/exit.c do_exit(), mm/mmap.c exit_mmap(), kernel/fork.c mmput()
// (6.12).
// Left out, in this first part: parents to tell, children to hand over, threads.
import {
  Ev,
  NR_TASKS,
  SYSTEM_STATE,
  TASKS,
  TASK_NR_FDS,
  TASK_SIZE_OF,
  TASK_STATE,
  TaskState,
} from "../abi";
import { emit } from "../log";
import { fd_slot, fput } from "./file_table";
import { mm_struct } from "./mm_types";
import { exit_mmap } from "./mmap";
import { free_pgtables } from "./pgtable";
import { current } from "./sched";

/** Ends the running process with exit status `code`; a signal was noted before. */
export function do_exit(code: i32): void {
  const task = current();
  if (task.state == TaskState.dead) return;
  task.exit_code = code;
  exit_files();
  const mm = task.mm;
  if (mm != null) mmput(mm);
  task.mm = null;
  task.state = TaskState.dead;
  const how = <u64>(<u32>code) | (<u64>task.exit_signal << 32);
  emit(Ev.Exit, task.pid, how, <u64>(<u32>task.si_code));
  if (nobody_runs()) store<u32>(SYSTEM_STATE, 2);
}

/** Closes every open descriptor. */
// @nomark
function exit_files(): void {
  for (let fd: u32 = 0; fd < <u32>TASK_NR_FDS; fd++) {
    const file = load<u32>(fd_slot(fd));
    if (file == 0) continue;
    store<u32>(fd_slot(fd), 0);
    fput(file);
  }
}

/** One user of the address space less; the last one takes it down. */
export function mmput(mm: mm_struct): void {
  mm.mm_users--;
  if (mm.mm_users > 0) return;
  exit_mmap(mm);
  free_pgtables(mm);
  if (mm.exe_file != 0) fput(mm.exe_file);
  mm.exe_file = 0;
}

// @nomark
function nobody_runs(): bool {
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const state = load<u32>(TASKS + <usize>i * TASK_SIZE_OF, TASK_STATE);
    if (state == TaskState.running) return false;
  }
  return true;
}
