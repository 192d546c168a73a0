// Who a process is: user and group, real, effective and saved; its process group and
// session.
//
//   real        who started it
//   effective   whose rights it has now (of a set-user-id program: the file owner's)
//   saved       whose rights it may take again
//
// Root may become anybody. Anybody else may only move between the three it has.
//
// In Linux: kernel/sys.c, kernel/groups.c (6.12).
// Left out: capabilities, supplementary groups (there are none), filesystem ids, user
// namespaces.
import { KBUF, TaskState } from "../abi";
import { EFAULT, EINVAL, EPERM, ESRCH } from "./errno";
import {
  current,
  current_is_root,
  find_task_by_vpid,
  nr_task_slots,
  task_at, task_struct } from "./sched";
import { copy_to_user } from "./uaccess";

const SCRATCH: usize = KBUF + 0x600;
/** "Leave it as it is." */
const KEEP: u32 = u32.MAX_VALUE;

// @nomark
function may_be_uid(uid: u32): bool {
  const task = current();
  if (uid == KEEP || current_is_root()) return true;
  return uid == task.uid || uid == task.euid || uid == task.suid;
}

// @nomark
function may_be_gid(gid: u32): bool {
  const task = current();
  if (gid == KEEP || current_is_root()) return true;
  return gid == task.gid || gid == task.egid || gid == task.sgid;
}

/** A process that acts as somebody else keeps its memory from who it was. */
// @nomark
function set_euid(task: task_struct, uid: u32): void {
  if (task.euid != uid) keep_memory(task);
  task.euid = uid;
}

// @nomark
function set_egid(task: task_struct, gid: u32): void {
  if (task.egid != gid) keep_memory(task);
  task.egid = gid;
}

/** Whatever it has in memory is from now on more than one user's. */
// @nomark
function keep_memory(task: task_struct): void {
  const mm = task.mm;
  if (mm == null) return;
  mm.undumpable = 1;
  mm.owner = 0;
}

/** setuid(2): root changes all three, anybody else the effective one. */
export function sys_setuid(uid: u32): i64 {
  const task = current();
  if (uid == KEEP) return -EINVAL;
  if (current_is_root()) {
    task.uid = uid;
    task.suid = uid;
  } else if (uid != task.uid && uid != task.suid) return -EPERM;
  set_euid(task, uid);
  return 0;
}

/** setgid(2). */
export function sys_setgid(gid: u32): i64 {
  const task = current();
  if (gid == KEEP) return -EINVAL;
  if (current_is_root()) {
    task.gid = gid;
    task.sgid = gid;
  } else if (gid != task.gid && gid != task.sgid) return -EPERM;
  set_egid(task, gid);
  return 0;
}

/** setreuid(2): the saved one follows the effective one when the real one is set. */
export function sys_setreuid(ruid: u32, euid: u32): i64 {
  const task = current();
  const old = task.uid;
  if (!current_is_root()) {
    if (ruid != KEEP && ruid != task.uid && ruid != task.euid) return -EPERM;
    if (!may_be_uid(euid)) return -EPERM;
  }
  if (ruid != KEEP) task.uid = ruid;
  if (euid != KEEP) set_euid(task, euid);
  if (ruid != KEEP || (euid != KEEP && euid != old)) task.suid = task.euid;
  return 0;
}

/** setregid(2). */
export function sys_setregid(rgid: u32, egid: u32): i64 {
  const task = current();
  const old = task.gid;
  if (!current_is_root()) {
    if (rgid != KEEP && rgid != task.gid && rgid != task.egid) return -EPERM;
    if (!may_be_gid(egid)) return -EPERM;
  }
  if (rgid != KEEP) task.gid = rgid;
  if (egid != KEEP) set_egid(task, egid);
  if (rgid != KEEP || (egid != KEEP && egid != old)) task.sgid = task.egid;
  return 0;
}

/** setresuid(2). */
export function sys_setresuid(ruid: u32, euid: u32, suid: u32): i64 {
  if (!may_be_uid(ruid) || !may_be_uid(euid) || !may_be_uid(suid)) return -EPERM;
  const task = current();
  if (ruid != KEEP) task.uid = ruid;
  if (euid != KEEP) set_euid(task, euid);
  if (suid != KEEP) task.suid = suid;
  return 0;
}

/** setresgid(2). */
export function sys_setresgid(rgid: u32, egid: u32, sgid: u32): i64 {
  if (!may_be_gid(rgid) || !may_be_gid(egid) || !may_be_gid(sgid)) return -EPERM;
  const task = current();
  if (rgid != KEEP) task.gid = rgid;
  if (egid != KEEP) set_egid(task, egid);
  if (sgid != KEEP) task.sgid = sgid;
  return 0;
}

/** Three ids to three places, for getresuid(2) and getresgid(2). */
function put_three(a: u32, b: u32, c: u32, pa: u64, pb: u64, pc: u64): i64 {
  store<u32>(SCRATCH, a);
  store<u32>(SCRATCH, b, 4);
  store<u32>(SCRATCH, c, 8);
  if (copy_to_user(pa, SCRATCH, 4) != 0) return -EFAULT;
  if (copy_to_user(pb, SCRATCH + 4, 4) != 0) return -EFAULT;
  return copy_to_user(pc, SCRATCH + 8, 4) == 0 ? 0 : -EFAULT;
}

/** getresuid(2). */
export function sys_getresuid(ruid: u64, euid: u64, suid: u64): i64 {
  const task = current();
  return put_three(task.uid, task.euid, task.suid, ruid, euid, suid);
}

/** getresgid(2). */
export function sys_getresgid(rgid: u64, egid: u64, sgid: u64): i64 {
  const task = current();
  return put_three(task.gid, task.egid, task.sgid, rgid, egid, sgid);
}

/** setgroups(2): the empty list is the only one. */
export function sys_setgroups(nr: i32): i64 {
  if (!current_is_root()) return -EPERM;
  return nr == 0 ? 0 : -EINVAL;
}

/** setpgid(2): joins a group of the own session, or begins one. */
export function sys_setpgid(pid: u32, pgid: i32): i64 {
  if (pgid < 0) return -EINVAL;
  const self = current();
  const task = pid == 0 ? self : find_task_by_vpid(pid);
  if (task == null) return -ESRCH;
  const own = changetype<usize>(task) == changetype<usize>(self);
  const child = changetype<usize>(task.parent) == changetype<usize>(self);
  if (!own && !child) return -ESRCH;
  if (task.session != self.session) return -EPERM;
  if (task.session == task.pid) return -EPERM;
  const group: u32 = pgid == 0 ? task.pid : <u32>pgid;
  if (group != task.pid && !group_of_session(group, self.session)) return -EPERM;
  task.pgrp = group;
  return 0;
}

/** Is there such a process group in the session? */
function group_of_session(group: u32, session: u32): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state == TaskState.unused) continue;
    if (task.pgrp == group && task.session == session) return true;
  }
  return false;
}

/** getpgid(2), and getsid(2) when `session` is asked for. */
export function sys_getpgid(pid: u32, session: bool): i64 {
  const task = pid == 0 ? current() : find_task_by_vpid(pid);
  if (task == null) return -ESRCH;
  return session ? task.session : task.pgrp;
}

/** setsid(2): a session and a group of one's own. */
export function sys_setsid(): i64 {
  const task = current();
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const other = task_at(i);
    if (other.state != TaskState.unused && other.pgrp == task.pid) return -EPERM;
  }
  task.session = task.pid;
  task.pgrp = task.pid;
  return task.pid;
}
