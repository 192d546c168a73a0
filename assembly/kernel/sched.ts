// Processes: task_struct, which one runs, and how one takes its turn after another.
//
// A task that can run is on no list: the next one in the table whose state is `running`
// has the turn, for a quantum of instructions or until it must wait.
//
//          fork           schedule           wait_on
//   unused ----> running ----------> CURRENT -------> interruptible, uninterruptible
//      ^            ^                   |                    |
//      |            +-------------------|----- wake_up ------+
//      |                   do_exit      v
//      +----------- wait4 ---------- dead, a zombie
//
// Kernel code has no stack of its own that could be left in the middle: a system call
// that must wait says so (wait_on), answers -ERESTARTSYS and has had no effect. When
// the task has been woken and has its turn, the call is made again, and looks again.
//
// In Linux: include/linux/sched.h, kernel/sched/core.c __schedule(), try_to_wake_up()
// (6.12).
// Left out: priorities and fairness (round robin), more than one hart, threads, a
// wakeup that preempts.
import {
  CONF_BASE,
  CPU_IDLE,
  CURRENT,
  Conf,
  CostKind,
  Ev,
  HART_F,
  HART_FFLAGS,
  HART_INSTRET,
  HART_PC,
  HART_RESERVATION,
  HART_X,
  KTHREADS_WOKEN,
  NEED_RESCHED,
  NEXT_PID,
  NR_SWITCHES,
  NR_TASKS,
  NR_TASKS_USED,
  QUANTUM_END,
  SYSTEM_STATE,
  TASKS,
  TASK_CLOEXEC,
  TASK_COMM,
  TASK_CWD,
  TASK_F,
  TASK_FCSR,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TASK_PARENT,
  TASK_NIVCSW,
  TASK_NVCSW,
  TASK_PENDING,
  TASK_PGRP,
  TASK_REGS,
  TASK_RESTARTED,
  TASK_RLIMITS,
  TASK_RUN_INSTRET,
  TASK_SIZE_OF,
  TASK_SUID,
  TASK_SI_ADDR,
  TASK_UID,
  TASK_WAIT_KIND,
  TASK_WAKE_AT,
  TaskState,
  WaitKind,
} from "../abi";
import { charge, now_ps } from "../hw/clock";
import { emit } from "../log";
import { ERESTARTNOHAND, ERESTARTSYS } from "./errno";
import { schedule_tail } from "./fork";
import { run_kthreads } from "./kthread";
import { mm_struct } from "./mm_types";
import { blk_done } from "./page_io";
import { switch_mm } from "./pgtable";
import { rseq_preempt } from "./rseq";
import { SIGKILL, sigmask } from "./siginfo";
import { signal_pending } from "./signal";
import { pending_set } from "./sigqueue";
import { next_timer, run_timers } from "./tick";

@unmanaged
export class task_struct {
  state!: u32;
  pid!: u32;
  mm!: mm_struct | null;
  exit_code!: i32;
  exit_signal!: u32; // the signal that killed it
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
  parent!: task_struct | null;
  pgrp!: u32;
  session!: u32;
  parent_signal!: u32; // what the parent is sent when it ends: SIGCHLD, or 0
  wait_kind!: u32; // WaitKind
  wait_on!: u32;
  /** Simulated time at which it is woken; u64.MAX_VALUE when only an event does. */
  wake_at!: u64;
  vfork_done!: u32; // 1 while a vfork parent waits for it
  /** 1 while its system call waits, to be executed again when it wakes; 2 when it has
   *  to look at its signals first. */
  restarted!: u32;
  /** The answer its interrupted call gave: ERESTARTSYS or ERESTARTNOHAND. */
  restart_kind!: u32;
  kthread!: u32; // 0, or which kernel thread it is
  /** Instructions it has retired, and the count at its last switch in. */
  run_instret!: u64;
  switched_in!: u64;
  start_ps!: u64;
  stime_ps!: u64;
  set_child_tid!: u64;
  clear_child_tid!: u64;
  suid!: u32;
  sgid!: u32;
  pending!: u64;
  blocked!: u64;
  saved_sigmask!: u64;
  restore_sigmask!: u32;
  sas_ss_flags!: u32;
  sas_ss_sp!: u64;
  sas_ss_size!: u64;
  /** Of the children it has waited for. */
  cmin_flt!: u32;
  cmaj_flt!: u32;
  cinstret!: u64;
}

/** The memory of a task that its class does not name, at `offset`. */
// @nomark
export function task_field(task: task_struct, offset: usize): usize {
  return changetype<usize>(task) + offset;
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

/** Soft limit number `resource` of the running task (RLIMIT_*). */
// @nomark
export function rlimit(resource: u32): u64 {
  return load<u64>(task_field(current(), TASK_RLIMITS + (<usize>resource << 4)));
}

// @nomark
export function task_at(i: u32): task_struct {
  return changetype<task_struct>(TASKS + <usize>i * TASK_SIZE_OF);
}

/** As far as the table of tasks was ever used. */
// @nomark
export function nr_task_slots(): u32 {
  return load<u32>(NR_TASKS_USED);
}

/** Takes a task_struct, zeroed but for its pid. => null when all are in use. */
// @nomark
export function task_slot(): task_struct | null {
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = task_at(i);
    if (task.state != TaskState.unused) continue;
    memory.fill(changetype<usize>(task), 0, TASK_SIZE_OF);
    const pid = load<u32>(NEXT_PID);
    store<u32>(NEXT_PID, pid + 1);
    task.pid = pid;
    if (i >= load<u32>(NR_TASKS_USED)) store<u32>(NR_TASKS_USED, i + 1);
    task.state = TaskState.running;
    task.start_ps = now_ps();
    task.wake_at = u64.MAX_VALUE;
    return task;
  }
  return null;
}

/** => the task that has this pid, zombies included, or null. */
// @nomark
export function find_task_by_vpid(pid: u32): task_struct | null {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state != TaskState.unused && task.pid == pid) return task;
  }
  return null;
}

/** Has the task been sent SIGKILL, which it will find on its way to user mode? */
// @nomark
export function fatal_signal_pending(task: task_struct): bool {
  const pending = pending_set(task, false) | pending_set(task, true);
  return (pending & sigmask(SIGKILL)) != 0;
}

/** Its parent's pid: 0 for the first process, init's for one whose parent has ended. */
// @nomark
export function task_ppid_nr(task: task_struct): u32 {
  const parent = task.parent;
  if (parent != null) return parent.pid;
  return task.pid == 1 || task.kthread != 0 ? 0 : 1;
}

/** Does anybody have a user mode to return to, now or later? */
// @nomark
export function somebody_lives(): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.kthread != 0 || task.state == TaskState.unused) continue;
    if (task.state != TaskState.dead) return true;
  }
  return false;
}

/** Is there a task besides the running one that could run now? */
// @nomark
export function others_can_run(): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state != TaskState.running || task.kthread != 0) continue;
    if (changetype<usize>(task) != <usize>load<u32>(CURRENT)) return true;
  }
  return false;
}

/**
 * The running task is to sleep until wake_up(kind, on), a signal or its wake_at. With a
 * signal pending it does not sleep at all.
 * => -ERESTARTSYS, what its system call has to answer now.
 */
export function wait_on(kind: WaitKind, on: u32): i64 {
  const task = current();
  task.restart_kind = <u32>ERESTARTSYS;
  if (signal_pending(task)) return -ERESTARTSYS;
  task.wait_kind = kind;
  task.wait_on = on;
  task.state = TaskState.interruptible;
  return -ERESTARTSYS;
}

/** The same for a call that a handler always ends: no SA_RESTART helps it. */
export function wait_on_nohand(kind: WaitKind, on: u32): i64 {
  wait_on(kind, on);
  current().restart_kind = <u32>ERESTARTNOHAND;
  return -ERESTARTNOHAND;
}

/** Wakes every task that sleeps for (kind, on). */
export function wake_up(kind: WaitKind, on: u32): void {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.wait_kind != kind || task.wait_on != on) continue;
    try_to_wake_up(task);
  }
}

// @nomark
export function is_asleep(task: task_struct): bool {
  const state = task.state;
  return state == TaskState.interruptible || state == TaskState.uninterruptible;
}

/** Makes a sleeping task runnable; what it slept for is forgotten. */
// @nomark
export function try_to_wake_up(task: task_struct): void {
  if (!is_asleep(task)) return;
  task.state = TaskState.running;
  task.wait_kind = WaitKind.none;
  task.wait_on = 0;
  if (task.kthread != 0) store<u32>(KTHREADS_WOKEN, 1);
}

/**
 * Gives the hart to the next task that can run, the running one perhaps. With nobody to
 * run, time passes to the next timer; with no timer either, the machine is idle for
 * ever.
 */
export function schedule(): void {
  store<u32>(NEED_RESCHED, 0);
  while (true) {
    blk_done();
    run_kthreads();
    const next = pick_next_task();
    if (next == null) {
      if (!cpu_idle()) return;
      continue;
    }
    context_switch(next);
    return;
  }
}

/** The next runnable task after the running one, round the table; or null. */
export function pick_next_task(): task_struct | null {
  const here = (load<u32>(CURRENT) - TASKS) / TASK_SIZE_OF;
  const nr = nr_task_slots();
  for (let i: u32 = 1; i <= nr; i++) {
    const task = task_at((here + i) % nr);
    if (task.state == TaskState.running && task.kthread == 0) return task;
  }
  return null;
}

/** Nobody can run: the clock goes on to the next timer. => false when there is none. */
export function cpu_idle(): bool {
  const first = next_timer();
  if (first == u64.MAX_VALUE) {
    if (somebody_lives()) store<u32>(CPU_IDLE, 1);
    else store<u32>(SYSTEM_STATE, 2);
    return false;
  }
  const now = now_ps();
  if (first > now) charge(CostKind.Idle, first - now);
  run_timers(now_ps());
  return true;
}

/** The registers of `next` for those of the running task, and its address space. */
export function context_switch(next: task_struct): void {
  const prev = current();
  store<u64>(QUANTUM_END, load<u64>(HART_INSTRET) + sched_quantum());
  if (changetype<usize>(prev) == changetype<usize>(next)) return;
  account_instret(prev);
  if (prev.state != TaskState.unused) {
    rseq_preempt(prev);
    save_registers(prev);
  }
  const who = <u64>prev.pid | (<u64>next.pid << 32);
  restore_registers(next);
  emit(Ev.Switch, who, load<u64>(HART_PC), prev.state);
  store<u64>(NR_SWITCHES, load<u64>(NR_SWITCHES) + 1);
  const forced = prev.state == TaskState.running;
  const switches = task_field(prev, forced ? TASK_NIVCSW : TASK_NVCSW);
  store<u64>(switches, load<u64>(switches) + 1);
  store<u32>(CURRENT, <u32>changetype<usize>(next));
  store<u64>(HART_RESERVATION, u64.MAX_VALUE);
  next.switched_in = load<u64>(HART_INSTRET);
  if (next.mm != null) switch_mm(current_mm());
  if (next.set_child_tid != 0) schedule_tail(next);
}

/** How long a turn is, in instructions. */
// @nomark
export function sched_quantum(): u64 {
  const set = load<u64>(CONF_BASE + Conf.sched_quantum * 8);
  return set != 0 ? set : 100000;
}

/** Adds to a task what it has retired since its turn began. */
// @nomark
export function account_instret(task: task_struct): void {
  const now = load<u64>(HART_INSTRET);
  task.run_instret += now - task.switched_in;
  task.switched_in = now;
}

// @nomark
export function save_registers(task: task_struct): void {
  const at = task_field(task, TASK_REGS);
  memory.copy(at, HART_X, 256);
  store<u64>(at, load<u64>(HART_PC)); // x0 needs no room
  memory.copy(task_field(task, TASK_F), HART_F, 256);
  store<u64>(task_field(task, TASK_FCSR), load<u64>(HART_FFLAGS));
}

// @nomark
function restore_registers(task: task_struct): void {
  const at = task_field(task, TASK_REGS);
  memory.copy(HART_X, at, 256);
  store<u64>(HART_PC, load<u64>(at));
  store<u64>(HART_X, 0);
  memory.copy(HART_F, task_field(task, TASK_F), 256);
  store<u64>(HART_FFLAGS, load<u64>(task_field(task, TASK_FCSR)));
}

if (offsetof<task_struct>("si_addr") != TASK_SI_ADDR) ERROR("abi: TASK_SI_ADDR");
if (offsetof<task_struct>("uid") != TASK_UID) ERROR("abi: TASK_UID");
if (offsetof<task_struct>("comm0") != TASK_COMM) ERROR("abi: TASK_COMM");
if (offsetof<task_struct>("min_flt") != TASK_MIN_FLT) ERROR("abi: TASK_MIN_FLT");
if (offsetof<task_struct>("maj_flt") != TASK_MAJ_FLT) ERROR("abi: TASK_MAJ_FLT");
if (offsetof<task_struct>("cwd") != TASK_CWD) ERROR("abi: TASK_CWD");
if (offsetof<task_struct>("parent") != TASK_PARENT) ERROR("abi: TASK_PARENT");
if (offsetof<task_struct>("pgrp") != TASK_PGRP) ERROR("abi: TASK_PGRP");
if (offsetof<task_struct>("wait_kind") != TASK_WAIT_KIND) ERROR("abi: TASK_WAIT_KIND");
if (offsetof<task_struct>("wake_at") != TASK_WAKE_AT) ERROR("abi: TASK_WAKE_AT");
if (offsetof<task_struct>("restarted") != TASK_RESTARTED) ERROR("abi: TASK_RESTARTED");
if (offsetof<task_struct>("run_instret") != TASK_RUN_INSTRET) ERROR("abi: RUN_INSTRET");
if (offsetof<task_struct>("suid") != TASK_SUID) ERROR("abi: TASK_SUID");
if (offsetof<task_struct>("pending") != TASK_PENDING) ERROR("abi: TASK_PENDING");
if (offsetof<task_struct>() > <usize>TASK_RLIMITS) ERROR("abi: TASK_RLIMITS");
if (TASK_CLOEXEC + 32 > 8192) ERROR("abi: TASK_CLOEXEC");
