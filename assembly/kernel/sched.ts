// Processes: task_struct, and which one runs.
//
// In Linux: include/linux/sched.h, kernel/cred.c (6.12).
// Left out, in this first part: more than one process, scheduling, signal handlers.
import {
  CURRENT,
  NEXT_PID,
  NR_TASKS,
  TASKS,
  TASK_COMM,
  TASK_CWD,
  TASK_FDS,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TASK_SIZE_OF,
  TASK_SI_ADDR,
  TASK_UID,
  TaskState,
} from "../abi";
import { mm_struct } from "./mm_types";

@unmanaged
export class task_struct {
  state!: u32;
  pid!: u32;
  mm!: mm_struct | null;
  exit_code!: i32;
  exit_signal!: u32;
  si_code!: i32;
  si_addr!: u64;
  uid!: u32;
  gid!: u32;
  euid!: u32;
  egid!: u32;
  comm0!: u64; // 16 bytes of name
  comm1!: u64;
  min_flt!: u64;
  maj_flt!: u64;
  cwd!: u32; // ino
  umask!: u32;
  clear_child_tid!: u64;
  blocked!: u64;
  rlim_stack!: u64;
}

// @nomark
export function current(): task_struct {
  return changetype<task_struct>(<usize>load<u32>(CURRENT));
}

/** The running process's address space; it has one from execve to its exit. */
// @nomark
export function current_mm(): mm_struct {
  return changetype<mm_struct>(changetype<usize>(current().mm));
}

/** Without capabilities, what Linux asks CAP_SYS_RAWIO and the like for is root. */
// @nomark
export function current_is_root(): bool {
  return current().euid == 0;
}

/** Takes a task_struct, zeroed but for its pid. Asserts that one is free. */
// @nomark
export function task_slot(): task_struct {
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = changetype<task_struct>(TASKS + <usize>i * TASK_SIZE_OF);
    if (task.state != TaskState.unused) continue;
    memory.fill(changetype<usize>(task), 0, TASK_SIZE_OF);
    const pid = load<u32>(NEXT_PID);
    store<u32>(NEXT_PID, pid + 1);
    task.pid = pid;
    task.state = TaskState.running;
    return task;
  }
  assert(false);
  return changetype<task_struct>(0);
}

if (offsetof<task_struct>("si_addr") != TASK_SI_ADDR) ERROR("abi: TASK_SI_ADDR");
if (offsetof<task_struct>("uid") != TASK_UID) ERROR("abi: TASK_UID");
if (offsetof<task_struct>("comm0") != TASK_COMM) ERROR("abi: TASK_COMM");
if (offsetof<task_struct>("min_flt") != TASK_MIN_FLT) ERROR("abi: TASK_MIN_FLT");
if (offsetof<task_struct>("maj_flt") != TASK_MAJ_FLT) ERROR("abi: TASK_MAJ_FLT");
if (offsetof<task_struct>("cwd") != TASK_CWD) ERROR("abi: TASK_CWD");
if (offsetof<task_struct>() > <usize>TASK_FDS) ERROR("abi: TASK_FDS");
