// The end of a process, and how its parent hears of it.
//
//   do_exit    files closed, areas removed, page tables freed; what is left is a
//              zombie: a task_struct with an exit status, until the parent has asked
//   wait4      A a child has ended: its status, and its task_struct is free
//              B children, but none has: sleep, or 0 with WNOHANG
//              C no such child: ECHILD
//
// A process whose parent ends first becomes a child of process 1, if that still lives;
// a zombie that nobody will ever ask for goes at once.
//
// In Linux: kernel/exit.c do_exit(), exit_notify(), do_wait(); mm/mmap.c exit_mmap();
// kernel/fork.c mmput() (6.12).
// Left out: threads, ptrace, process accounting, core dumps.
import {
  Ev,
  SYSTEM_STATE,
  TASK_NR_FDS,
  TaskState,
  WaitKind,
} from "../abi";
import { emit } from "../log";
import { ECHILD, EFAULT, EINVAL, ESRCH } from "./errno";
import { fd_slot, fput } from "./file_table";
import { set_fs_pwd } from "./fs_struct";
import { mm_struct } from "./mm_types";
import { exit_mmap } from "./mmap";
import { free_pgtables } from "./pgtable";
import {
  account_instret,
  current,
  find_task_by_vpid,
  somebody_lives,
  nr_task_slots, task_at,
  task_struct,
  wait_on,
  wake_up,
} from "./sched";
import { SIGCHLD, ignores_children, send_sigchld } from "./signal";
import { put_user_rusage, RUSAGE_BOTH } from "./rusage";
import { put_user_u32 } from "./uaccess";

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WCONTINUED: u32 = 8;
/** Options of wait4 that exist: the three above, and which kinds of clones count. */
const WAIT_OPTIONS: u32 = WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000;

/** Ends the running process with exit status `code`; a signal was noted before. */
export function do_exit(code: i32): void {
  const task = current();
  if (task.state == TaskState.dead) return;
  account_instret(task);
  task.exit_code = code;
  exit_mm(task);
  exit_files();
  forget_original_parent(task);
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

/** The children of `task` become those of process 1, or nobody's. */
function forget_original_parent(task: task_struct): void {
  const init = find_task_by_vpid(1);
  const lives = init != null && init.state != TaskState.dead;
  const reaper = lives && init!.pid != task.pid ? init : null;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const child = task_at(i);
    if (child.state == TaskState.unused || child.pid == 1) continue;
    if (changetype<usize>(child.parent) != changetype<usize>(task)) continue;
    child.parent = reaper;
    if (child.state == TaskState.dead) exit_notify(child);
  }
}

/** Tells the parent; a zombie that nobody will ask for is freed. */
function exit_notify(task: task_struct): void {
  const parent = task.parent;
  if (parent == null) {
    if (task.pid != 1) release_task(task);
    return;
  }
  if (task.parent_signal == SIGCHLD && ignores_children(parent)) {
    release_task(task);
  } else if (task.parent_signal != 0) {
    send_sigchld(parent, task);
  }
  wake_up(WaitKind.child, <u32>changetype<usize>(parent));
}

/** The last of a process: its number and its task_struct. */
function release_task(task: task_struct): void {
  task.state = TaskState.unused;
}

/**
 * wait4(2): `pid` is a child's, -1 any, 0 any of the own process group, below that any
 * of group -pid.
 * => the child's pid, 0, or negative errno.
 */
export function sys_wait4(pid: i32, status: u64, options: u32, rusage: u64): i64 {
  if (options & ~WAIT_OPTIONS) return -EINVAL;
  if (pid == i32.MIN_VALUE) return -ESRCH;
  const task = current();
  let children = false;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const child = task_at(i);
    if (!eligible_child(task, child, pid)) continue;
    children = true;
    if (child.state == TaskState.dead) {
      return wait_task_zombie(child, status, rusage); // A
    }
  }
  if (!children) return -ECHILD; // C
  if (options & WNOHANG) return 0; // B
  return wait_on(WaitKind.child, <u32>changetype<usize>(task));
}

/** Is `child` one that this wait asks for? */
// @nomark
function eligible_child(task: task_struct, child: task_struct, pid: i32): bool {
  if (child.state == TaskState.unused) return false;
  if (changetype<usize>(child.parent) != changetype<usize>(task)) return false;
  if (pid > 0) return child.pid == <u32>pid;
  if (pid == 0) return child.pgrp == task.pgrp;
  return pid == -1 || child.pgrp == <u32>-pid;
}

/** A: the status word, the child's use of the machine, and then it is gone. */
function wait_task_zombie(child: task_struct, status: u64, rusage: u64): i64 {
  if (rusage != 0 && put_user_rusage(child, RUSAGE_BOTH, rusage) != 0) return -EFAULT;
  if (status != 0) {
    const word = child.exit_signal != 0 ? child.exit_signal : <u32>child.exit_code << 8;
    if (put_user_u32(status, word) != 0) return -EFAULT;
  }
  const task = current();
  task.cmin_flt += <u32>child.min_flt + child.cmin_flt;
  task.cmaj_flt += <u32>child.maj_flt + child.cmaj_flt;
  task.cinstret += child.run_instret + child.cinstret;
  const pid = child.pid;
  release_task(child);
  return pid;
}
