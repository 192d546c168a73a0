// The links of /proc. Most lead to an inode, not to a path: following them works even
// when the file has lost its name, or never had one.
//
//   self, thread-self       a text: the number of whoever asks
//   PID/exe, cwd, root      an inode; readlink makes up a path for it
//   PID/fd/N                what descriptor N has open; a pipe or the console, which
//                           have no inode here, is opened by the link itself
//
// In Linux: fs/proc/self.c, fs/proc/base.c proc_pid_get_link(), proc_fd_link() (6.12).
// Left out: permissions of a pipe that is opened so.
import { DISK_ROOT_INO, FileKind } from "../abi";
import { seq_dir_path, seq_file_path } from "./d_path";
import { EACCES, ENOENT, ENXIO } from "./errno";
import { file, file_at } from "./file_table";
import { S_IFLNK, S_IFMT, iget, inode, inode_at, iput } from "./fs";
import { ptrace_may_access } from "./ptrace";
import {
  ProcPid,
  ProcRoot,
  is_proc,
  proc_nr,
  proc_pid,
  proc_sub,
  proc_task,
  task_fd,
} from "./procfs";
import { current, task_struct } from "./sched";
import {
  seq_length,
  seq_put_decimal_ull,
  seq_putc,
  seq_puts,
  seq_window,
  the_seq_file,
} from "./seq_file";

/**
 * Where a link of /proc leads when it is followed and names an inode.
 * => the in-core inode with a reference; 0 when the link is a text, or leads to what
 * has no inode; -ENOENT, -EACCES.
 */
export function proc_get_link(node: inode): i64 {
  const ino = node.i_ino;
  if (proc_pid(ino) == 0) return 0;
  const task = proc_task(ino);
  if (task == null) return -ENOENT;
  if (!ptrace_may_access(task)) return -EACCES;
  const nr = proc_nr(ino);
  if (nr == ProcPid.cwd) return iget(task.cwd);
  if (nr == ProcPid.root) return iget(DISK_ROOT_INO);
  const opened = link_file(task, ino);
  if (opened == 0) return -ENOENT;
  const f = file_at(opened);
  if (f.f_kind == FileKind.socket) return -ENXIO;
  if (has_no_inode(f)) return 0;
  inode_at(f.f_inode).i_count++;
  return f.f_inode;
}

// @nomark
function has_no_inode(f: file): bool {
  return f.f_kind == FileKind.console || f.f_kind == FileKind.pipe;
}

/**
 * The struct file of the pipe or console that a link of /proc leads to, where following
 * it ends at the link; 0 for every other inode.
 */
// @nomark
export function proc_link_pipe(node: inode): u32 {
  if (!is_proc(node) || proc_nr(node.i_ino) != ProcPid.fd_link) return 0;
  const task = proc_task(node.i_ino);
  if (task == null) return 0;
  const opened = task_fd(task, proc_sub(node.i_ino));
  return opened != 0 && has_no_inode(file_at(opened)) ? opened : 0;
}

/**
 * A path goes on through `found`; from a link of /proc to an inode, at once there.
 * => `found`, or the inode it leads to, with a reference in its place; or an errno.
 */
// @nomark
export function proc_jump_link(found: u32): i64 {
  const node = inode_at(found);
  if (!is_proc(node) || (node.i_mode & S_IFMT) != S_IFLNK) return found;
  const target = proc_get_link(node);
  if (target == 0) return found;
  iput(found);
  return target;
}

/** The struct file that exe or fd/N stands for, or 0. */
// @nomark
function link_file(task: task_struct, ino: u32): u32 {
  if (proc_nr(ino) == ProcPid.fd_link) return task_fd(task, proc_sub(ino));
  const mm = task.mm;
  return mm == null ? 0 : mm.exe_file;
}

/**
 * The text of a link of /proc, for readlink(2) and for those that are followed as a
 * text: it goes to `to`, at most `size` bytes.
 * => its length, or negative errno.
 */
export function proc_readlink(node: inode, to: usize, size: u32): i64 {
  const m = the_seq_file();
  const ino = node.i_ino;
  seq_window(m, to, size);
  const nr = proc_nr(ino);
  if (proc_pid(ino) == 0) {
    if (nr == ProcRoot.mounts) {
      seq_puts(m, "self/mounts");
      return seq_length(m);
    }
    const pid = current().pid;
    seq_put_decimal_ull(m, pid);
    if (nr == ProcRoot.thread_self) {
      seq_puts(m, "/task/");
      seq_put_decimal_ull(m, pid);
    }
    return seq_length(m);
  }
  const task = proc_task(ino);
  if (task == null) return -ENOENT;
  if (!ptrace_may_access(task)) return -EACCES;
  if (nr == ProcPid.cwd) seq_dir_path(m, task.cwd);
  else if (nr == ProcPid.root) seq_putc(m, 0x2f);
  else {
    const opened = link_file(task, ino);
    if (opened == 0) return -ENOENT;
    seq_file_path(m, file_at(opened));
  }
  return seq_length(m);
}
