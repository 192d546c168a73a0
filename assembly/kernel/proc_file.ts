// Opening and reading what is in /proc: who may, and which function writes the text.
//
//   open    the mode bits, and for a process's memory the right to debug it
//   read    pagemap   words, see pagemap.ts
//           others    text, made record by record, see seq_file.ts
//
// A file outlives its process: reading it then says ESRCH.
//
// In Linux: fs/proc/base.c, kernel/ptrace.c __ptrace_may_access() (6.12).
// Left out: the address space is the one at the time of the read, not of the open;
// PR_SET_DUMPABLE.
import { EACCES, ENOENT, ESRCH } from "./errno";
import { O_ACCMODE, file } from "./file_table";
import { inode, inode_at } from "./fs";
import { MAY_READ, MAY_WRITE, inode_permission } from "./namei";
import { pagemap_read } from "./pagemap";
import { ProcPid, proc_nr, proc_pid, proc_task } from "./procfs";
import { current, task_struct } from "./sched";
import { seq_file, seq_read } from "./seq_file";
import { show_map, show_smap, show_smaps_rollup } from "./task_mmu";

/** May the running process look into the task as a debugger could? */
// @nomark
export function ptrace_may_access(task: task_struct): bool {
  const self = current();
  if (self.euid == 0) return true;
  return self.uid == task.euid && self.uid == task.uid && self.uid == task.suid;
}

/** Is this a file that only a debugger may open, whatever its mode says? */
// @nomark
function needs_ptrace(nr: u32): bool {
  switch (nr) {
    case ProcPid.maps:
    case ProcPid.smaps:
    case ProcPid.smaps_rollup:
    case ProcPid.pagemap: return true;
    default: return false;
  }
}

/** open(2) of a file of /proc. => 0 or negative errno. */
export function proc_open(node: inode, flags: u32): i64 {
  const access = (flags + 1) & O_ACCMODE;
  const mask = (access & 1 ? MAY_READ : 0) | (access & 2 ? MAY_WRITE : 0);
  if (!inode_permission(node, mask)) return -EACCES;
  if (proc_pid(node.i_ino) == 0) return 0;
  const task = proc_task(node.i_ino);
  if (task == null) return -ENOENT;
  if (!needs_ptrace(proc_nr(node.i_ino))) return 0;
  return ptrace_may_access(task) ? 0 : -EACCES;
}

/** read(2) and pread64(2) of a file of /proc. => bytes or negative errno. */
export function proc_read(f: file, buf: u64, count: u64, pos: u64): i64 {
  const ino = inode_at(f.f_inode).i_ino;
  if (proc_pid(ino) != 0 && proc_nr(ino) == ProcPid.pagemap) {
    return pagemap_read(ino, buf, count, pos);
  }
  return seq_read(f, ino, buf, count, pos);
}

/** Writes the record of the file at m.index. => false when there is none. */
// @nomark
export function proc_show(m: seq_file): bool {
  const task = proc_task(m.ino);
  if (task == null) {
    m.error = -ESRCH;
    return false;
  }
  switch (proc_nr(m.ino)) {
    case ProcPid.maps: return show_map(m, task);
    case ProcPid.smaps: return show_smap(m, task);
    case ProcPid.smaps_rollup: return show_smaps_rollup(m, task);
    default: return false;
  }
}
