// The end of a process, and how its parent hears of it.
//
//   do_exit    files closed, areas removed, page tables freed; what is left is a
//              zombie: a task_struct with an exit status, until the parent has asked
//   A told     SIGCHLD, and one that sleeps in a wait wakes (wait.ts)
//   B ignored  the parent has said that it will not ask: the zombie goes at once
//   C traced   its tracer is told, and has to ask before its parent may
//
// A process whose parent ends first becomes a child of init, which reaps whoever ends.
// There is one only in thought: such a process has no parent here, and its zombie goes
// at once. Process 1 is whoever was started first, and is nobody's init.
//
// In Linux: kernel/exit.c do_exit(), exit_notify(); kernel/signal.c
// do_notify_parent(); mm/mmap.c exit_mmap(); kernel/fork.c mmput() (6.12).
// Left out: an init, threads, process accounting, core dumps.
import {
  Ev,
  SYSTEM_STATE,
  TASK_NR_FDS,
  TaskState,
  WaitKind,
} from "../abi";
import { emit } from "../log";
import { fd_slot, fput } from "./file_table";
import { set_fs_pwd } from "./fs_struct";
import { futex_wake_tid } from "./futex";
import { mm_struct } from "./mm_types";
import { exit_mmap } from "./mmap";
import { child_siginfo, kill_orphaned_pgrp } from "./job_control";
import { free_pgtables } from "./pgtable";
import { exit_ptrace, tracer_of } from "./ptrace";
import {
  account_instret,
  current,
  nr_task_slots,
  somebody_lives,
  task_at,
  task_struct,
  wake_up,
} from "./sched";
import {
  CLD_EXITED,
  CLD_KILLED,
  SA_NOCLDWAIT,
  SIGCHLD,
  SIG_IGN,
  SI_USER,
  sa_flags,
  sig_handler,
} from "./siginfo";
import { prepare_kill_siginfo, send_signal_locked } from "./signal";
import { flush_sigqueue_mask, signal_of } from "./sigqueue";
import { put_user_u32 } from "./uaccess";

/** Ends the running process with exit status `code`; a signal was noted before. */
export function do_exit(code: i32): void {
  const task = current();
  if (task.state == TaskState.dead) return;
  account_instret(task);
  task.exit_code = code;
  exit_mm(task);
  exit_files();
  forget_original_parent(task);
  flush_sigqueue_mask(task, u64.MAX_VALUE);
  signal_of(task).it_real_active = 0;
  task.state = TaskState.dead;
  task.wake_at = u64.MAX_VALUE;
  set_fs_pwd(task, 0);
  const how = <u64>(<u32>code) | (<u64>task.exit_signal << 32);
  emit(Ev.Exit, task.pid, how, <u64>(<u32>task.si_code));
  exit_notify(task);
  if (!somebody_lives()) store<u32>(SYSTEM_STATE, 2);
}

/** Gives the address space back; whoever lent it may go on. */
function exit_mm(task: task_struct): void {
  const mm = task.mm;
  if (mm == null) return;
  if (task.clear_child_tid != 0 && mm.mm_users > 1) {
    put_user_u32(task.clear_child_tid, 0);
    futex_wake_tid(task.clear_child_tid);
  }
  complete_vfork_done(task);
  mmput(mm);
  task.mm = null;
}

/** The parent of a vfork has its address space back. */
export function complete_vfork_done(task: task_struct): void {
  if (task.vfork_done == 0) return;
  task.vfork_done = 0;
  wake_up(WaitKind.vfork, <u32>changetype<usize>(task));
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

/** What it traces goes on; its children become init's, which waits for everybody. */
function forget_original_parent(task: task_struct): void {
  exit_ptrace(task);
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const child = task_at(i);
    if (child.state == TaskState.unused) continue;
    if (changetype<usize>(child.parent) != changetype<usize>(task)) continue;
    const farewell = signal_of(child).pdeath_signal;
    if (farewell != 0) {
      const info = prepare_kill_siginfo(farewell, SI_USER);
      send_signal_locked(child, farewell, info, true);
    }
    child.parent = null;
    child.parent_signal = SIGCHLD;
    const ended = child.state == TaskState.dead && tracer_of(child) == null;
    if (ended) do_notify_parent(child);
    kill_orphaned_pgrp(child, task, false);
  }
}

/** The group it leaves, and its parent. */
// @nomark
function exit_notify(task: task_struct): void {
  kill_orphaned_pgrp(task, task.parent, true);
  do_notify_parent(task);
}

/** A, B, C: tells the parent; a zombie that nobody will ask for is freed. */
export function do_notify_parent(task: task_struct): void {
  const tracer = tracer_of(task);
  const parent = tracer != null ? tracer : task.parent;
  if (parent == null) {
    if (task.pid != 1) release_task(task);
    return;
  }
  const adopted = changetype<usize>(parent) != changetype<usize>(task.parent);
  const signo = adopted ? SIGCHLD : task.parent_signal;
  const may_refuse = signo == SIGCHLD && tracer == null; // C: a tracer must ask
  const deaf = may_refuse && sig_handler(parent, SIGCHLD) == SIG_IGN;
  const reaped = may_refuse && (sa_flags(parent, SIGCHLD) & SA_NOCLDWAIT) != 0;
  if (signo != 0 && !deaf) {
    const killed = task.exit_signal;
    const code = killed != 0 ? CLD_KILLED : CLD_EXITED;
    const status = killed != 0 ? killed : <u32>task.exit_code;
    const info = child_siginfo(task, signo, code, status);
    send_signal_locked(parent, signo, info, true); // A
  }
  if (deaf || reaped) release_task(task); // B
  wake_up(WaitKind.child, <u32>changetype<usize>(parent));
}

/** The last of a process: its number and its task_struct. */
export function release_task(task: task_struct): void {
  task.state = TaskState.unused;
}
