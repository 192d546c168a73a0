// Who may send a signal to whom: kill(2) and its relatives.
//
//   kill       pid > 0     A one process
//              0, -pgid    B a process group
//              -1          C everybody but oneself (Linux spares its init as well)
//   tkill, tgkill          D exactly that thread
//   rt_sigqueueinfo        E one process, and the sender fills in what is told
//
//   allowed: to oneself; to root; when one's user is that of the target; SIGCONT within
//   one's session. Signal 0 sends nothing and only asks.
//
// In Linux: kernel/signal.c check_kill_permission(), kill_something_info(),
// do_rt_sigqueueinfo() (6.12).
// Left out: pidfd_send_signal, capabilities beyond "is root".
import { KBUF, TaskState } from "../abi";
import { EFAULT, EINVAL, EPERM, ESRCH } from "./errno";
import {
  current,
  find_task_by_vpid,
  nr_task_slots,
  task_at,
  task_struct,
} from "./sched";
import {
  NSIG,
  SIGCONT,
  SIGINFO_KERNEL_SIZE,
  SI_AT_CODE,
  SI_TKILL,
  SI_USER,
} from "./siginfo";
import { prepare_kill_siginfo, send_signal_locked } from "./signal";
import { copy_from_user } from "./uaccess";

/** What rt_sigqueueinfo is given. */
const INFO: usize = KBUF + 0x8c0;

/** May the running task send signals to `task`? */
// @nomark
function kill_ok_by_cred(task: task_struct): bool {
  const from = current();
  if (from.euid == 0) return true;
  const own = from.euid == task.suid || from.euid == task.uid;
  return own || from.uid == task.suid || from.uid == task.uid;
}

/** => 0, -EINVAL for a signal that does not exist, or -EPERM. */
// @nomark
function check_kill_permission(signo: u32, task: task_struct): i64 {
  if (signo > NSIG) return -EINVAL;
  if (changetype<usize>(task) == changetype<usize>(current())) return 0;
  if (kill_ok_by_cred(task)) return 0;
  return signo == SIGCONT && task.session == current().session ? 0 : -EPERM;
}

/** Sends what `info` says, if that is allowed. => 0 or negative errno. */
function group_send_sig_info(
  task: task_struct, signo: u32, info: usize, shared: bool,
): i64 {
  const error = check_kill_permission(signo, task);
  if (error != 0 || signo == 0) return error;
  return send_signal_locked(task, signo, info, shared);
}

/** kill(2). */
export function sys_kill(pid: i32, signo: u32): i64 {
  if (pid == i32.MIN_VALUE) return -ESRCH;
  if (pid > 0) {
    const task = find_task_by_vpid(<u32>pid);
    if (task == null) return -ESRCH;
    const info = prepare_kill_siginfo(signo, SI_USER);
    return group_send_sig_info(task, signo, info, true); // A
  }
  let sent = false;
  let answer: i64 = -ESRCH;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (!kill_means(pid, task)) continue;
    const info = prepare_kill_siginfo(signo, SI_USER);
    const error = group_send_sig_info(task, signo, info, true);
    if (error == 0) sent = true;
    // Of everybody some may be others' without that being an error.
    if (pid != -1 || error != -EPERM) answer = error;
    else if (answer == -ESRCH) answer = 0;
  }
  return sent && pid != -1 ? 0 : answer;
}

/** B, C: is it one of those that `pid` stands for? */
// @nomark
function kill_means(pid: i32, task: task_struct): bool {
  if (task.state == TaskState.unused || task.kthread != 0) return false;
  if (pid == 0) return task.pgrp == current().pgrp;
  if (pid == -1) return task.pid != current().pid;
  return task.pgrp == <u32>-pid;
}

/** D: tkill(2), and tgkill(2), which says of which process it is (-1: of any). */
export function sys_tgkill(tgid: i32, pid: i32, signo: u32): i64 {
  if (pid <= 0 || tgid == 0 || tgid < -1) return -EINVAL;
  const task = find_task_by_vpid(<u32>pid);
  if (task == null || (tgid > 0 && tgid != pid)) return -ESRCH;
  const info = prepare_kill_siginfo(signo, SI_TKILL);
  return group_send_sig_info(task, signo, info, false);
}

/**
 * E: rt_sigqueueinfo(2), and rt_tgsigqueueinfo(2) for a thread. Only oneself can be
 * told that it was the kernel, or kill(2).
 */
export function sys_rt_sigqueueinfo(
  pid: i32, signo: u32, uinfo: u64, shared: bool,
): i64 {
  if (copy_from_user(INFO, uinfo, SIGINFO_KERNEL_SIZE) != 0) return -EFAULT;
  store<u32>(INFO, signo);
  const code = load<i32>(INFO, SI_AT_CODE);
  if ((code >= 0 || code == SI_TKILL) && <u32>pid != current().pid) return -EPERM;
  const task = pid > 0 ? find_task_by_vpid(<u32>pid) : null;
  if (task == null) return -ESRCH;
  return group_send_sig_info(task, signo, INFO, shared);
}
