// Listing the directories of /proc.
//
//   /proc       pos 2 ..    its files, in the order of their names
//               pos 256 ..  the processes: 256 + pid
//   /proc/PID   pos 2 ..    the files of a process
//   fd          pos 2 + N   the open descriptors
//
// A position stays right when processes come and go between two calls.
//
// In Linux: fs/proc/generic.c proc_readdir(), fs/proc/base.c proc_pid_readdir(),
// fs/proc/fd.c proc_readfd_common() (6.12).
// Left out: threads.
import {
  NR_TASKS,
  PAGE_SIZE,
  PROC_INO,
  SEQ_BUF,
  TASK_NR_FDS,
  TaskState,
} from "../abi";
import { EFAULT, EINVAL } from "./errno";
import { file } from "./file_table";
import { strlen } from "./namei";
import {
  ProcPid,
  ProcRoot,
  copy_name,
  pid_name,
  proc_ino,
  proc_mode,
  proc_nr,
  proc_parent,
  proc_pid,
  root_name,
  sys_ino,
  sys_name,
  task_fd,
} from "./procfs";
import { find_task_by_vpid, task_at } from "./sched";
import { copy_to_user } from "./uaccess";

/** An entry of getdents64 on its way out. */
const DIRENT: usize = SEQ_BUF + PAGE_SIZE + 0x400;
/** Positions of a directory listing from here on are processes. */
const FIRST_PROCESS_ENTRY: u32 = 256;

/**
 * The entry of a directory at position `pos`; its name, NUL-terminated, goes to `to`.
 * => its inode number, and in the upper half the position of the next entry; 0 when
 * there are no more.
 */
export function proc_readdir(ino: u32, pos: u32, to: usize): u64 {
  const pid = proc_pid(ino);
  const nr = proc_nr(ino);
  memory.fill(to, 0, 64);
  if (pos < 2) {
    store<u16>(to, pos == 0 ? 0x2e : 0x2e2e);
    return entry(pos == 0 ? ino : proc_parent(ino), pos + 1);
  }
  if (pid == 0) return readdir_root(nr, pos, to);
  if (nr == ProcPid.dir) {
    if (copy_name(pid_name(pos - 1), to) == 0) return 0;
    return entry(proc_ino(pid, pos - 1, 0), pos + 1);
  }
  if (nr == ProcPid.task) {
    if (pos != 2) return 0;
    int_to_name(pid, to);
    return entry(proc_ino(pid, ProcPid.dir, 0), 3);
  }
  return readdir_fd(pid, pos - 2, to);
}

// @nomark
function entry(ino: u32, next: u32): u64 {
  return <u64>ino | (<u64>next << 32);
}

/** /proc: its files, then the processes by number; sys and what is below. */
function readdir_root(nr: u32, pos: u32, to: usize): u64 {
  const i = pos - 1;
  if (nr == ProcRoot.root && pos < FIRST_PROCESS_ENTRY) {
    if (copy_name(root_name(i), to) != 0) return entry(proc_ino(0, i, 0), pos + 1);
    return readdir_root(nr, FIRST_PROCESS_ENTRY, to);
  }
  if (nr == ProcRoot.root) {
    const pid = next_tgid(pos - FIRST_PROCESS_ENTRY);
    if (pid == 0) return 0;
    int_to_name(pid, to);
    return entry(proc_ino(pid, ProcPid.dir, 0), FIRST_PROCESS_ENTRY + pid + 1);
  }
  if (copy_name(sys_name(nr, i), to) == 0) return 0;
  return entry(sys_ino(nr, i), pos + 1);
}

/** => the lowest pid from `from` on that somebody has, or 0. */
// @nomark
function next_tgid(from: u32): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = task_at(i);
    if (task.state == TaskState.unused || task.pid < from) continue;
    if (found == 0 || task.pid < found) found = task.pid;
  }
  return found;
}

/** The open descriptors of a process. */
function readdir_fd(pid: u32, from: u32, to: usize): u64 {
  const task = find_task_by_vpid(pid);
  if (task == null) return 0;
  for (let fd = from; fd < <u32>TASK_NR_FDS; fd++) {
    if (task_fd(task, fd) == 0) continue;
    int_to_name(fd, to);
    return entry(proc_ino(pid, ProcPid.fd_link, fd), fd + 3);
  }
  return 0;
}

/** Writes `n` in decimal, with a NUL. */
// @nomark
function int_to_name(n: u32, to: usize): void {
  let power: u32 = 1;
  while (n / power >= 10) power *= 10;
  for (; power > 0; power /= 10) store<u8>(to++, <u8>(0x30 + (n / power) % 10));
  store<u8>(to, 0);
}

/** getdents64(2) of a directory of /proc. => bytes, 0 at the end. */
export function proc_getdents(f: file, ino: u32, buf: u64, count: u64): i64 {
  let done: u64 = 0;
  while (true) {
    const found = proc_readdir(ino, <u32>f.f_pos, DIRENT + 19);
    if (found == 0) return <i64>done;
    const len = strlen(DIRENT + 19);
    const size = (<u64>19 + len + 1 + 7) & ~(<u64>7);
    if (done + size > count) return done > 0 ? <i64>done : -EINVAL;
    store<u64>(DIRENT, <u32>found);
    store<u64>(DIRENT, found >> 32, 8);
    store<u16>(DIRENT, <u16>size, 16);
    store<u8>(DIRENT, proc_dirent_type(<u32>found), 18);
    if (copy_to_user(buf + done, DIRENT, size) != 0) return -EFAULT;
    done += size;
    f.f_pos = found >> 32;
  }
}

/** DT_*: what getdents says of the file. */
// @nomark
function proc_dirent_type(ino: u32): u8 {
  return ino < <u32>PROC_INO ? 4 : <u8>(proc_mode(ino) >> 12);
}
