// The filesystem /proc: names and numbers of files that exist nowhere. An inode number
// says which process and which file; there is nothing else to look up.
//
//    31 30 29          15 14       8 7        0
//   +-----+--------------+----------+----------+
//   | 0 1 |     pid      |   file   |    sub   |     from PROC_INO on
//   +-----+--------------+----------+----------+
//      pid 0: a file of the machine (/proc/meminfo); else one of the process
//      file 0: the directory itself
//      sub: which descriptor in fd, which knob in sys
//
//   /proc       lookup: a name of the table, or a number that is a living pid
//   /proc/PID   lookup: a name of the other table
//   exe, cwd, root, fd/N   links that lead to an inode, not to a path
//
// It is mounted at /proc whether or not the disk has such a directory.
//
// In Linux: fs/proc/root.c, fs/proc/base.c tgid_base_stuff, proc_pid_make_inode(),
// fs/proc/generic.c (6.12).
// Left out: threads' own files, hidepid, namespaces; most of the files of the machine
// that are not about memory.
import {
  DISK_ROOT_INO,
  INODE_SIZE_OF,
  InodeKind,
  PROC_INO,
  TASK_FDS,
  TASK_NR_FDS,
} from "../abi";
import { file_at } from "./file_table";
import { current_time, inode } from "./fs";
import { proc_sys_mode, proc_sys_name } from "./proc_sysctl";
import { find_task_by_vpid, task_field, task_struct } from "./sched";

/** Files of the machine, in the order of their names. */
export enum ProcRoot {
  root = 0,
  buddyinfo,
  cmdline,
  cpuinfo,
  filesystems,
  kpagecount,
  kpageflags,
  loadavg,
  meminfo,
  mounts,
  pagetypeinfo,
  self,
  stat,
  swaps,
  sys,
  thread_self,
  uptime,
  version,
  vmstat,
  zoneinfo,
  /** Directories below sys; their knobs are the subs from 1 on. */
  sys_kernel,
  sys_vm,
}

/** The name of a file of /proc; "" behind the last. */
// @nomark
export function root_name(nr: u32): string {
  switch (nr) {
    case ProcRoot.buddyinfo: return "buddyinfo";
    case ProcRoot.cmdline: return "cmdline";
    case ProcRoot.cpuinfo: return "cpuinfo";
    case ProcRoot.filesystems: return "filesystems";
    case ProcRoot.kpagecount: return "kpagecount";
    case ProcRoot.kpageflags: return "kpageflags";
    case ProcRoot.loadavg: return "loadavg";
    case ProcRoot.meminfo: return "meminfo";
    case ProcRoot.mounts: return "mounts";
    case ProcRoot.pagetypeinfo: return "pagetypeinfo";
    case ProcRoot.self: return "self";
    case ProcRoot.stat: return "stat";
    case ProcRoot.swaps: return "swaps";
    case ProcRoot.sys: return "sys";
    case ProcRoot.thread_self: return "thread-self";
    case ProcRoot.uptime: return "uptime";
    case ProcRoot.version: return "version";
    case ProcRoot.vmstat: return "vmstat";
    case ProcRoot.zoneinfo: return "zoneinfo";
    default: return "";
  }
}
const ROOT_MODES: usize = memory.data<u16>([
  0o40555, 0o100444, 0o100444, 0o100444, 0o100444, 0o100400, 0o100400, 0o100444,
  0o100444, 0o120777, 0o100400, 0o120777, 0o100444, 0o100444, 0o40555, 0o120777,
  0o100444, 0o100444, 0o100444, 0o100444, 0o40555, 0o40555,
]);

/** Files of a process, in Linux's order. */
export enum ProcPid {
  dir = 0,
  task,
  fd,
  environ,
  auxv,
  status,
  limits,
  comm,
  cmdline,
  stat,
  statm,
  maps,
  cwd,
  root,
  exe,
  mounts,
  mountinfo,
  clear_refs,
  smaps,
  smaps_rollup,
  pagemap,
  wchan,
  oom_score,
  oom_score_adj,
  /** A link in fd; its sub is the descriptor. */
  fd_link,
}

/** The name of a file of a process; "" behind the last. */
// @nomark
export function pid_name(nr: u32): string {
  switch (nr) {
    case ProcPid.task: return "task";
    case ProcPid.fd: return "fd";
    case ProcPid.environ: return "environ";
    case ProcPid.auxv: return "auxv";
    case ProcPid.status: return "status";
    case ProcPid.limits: return "limits";
    case ProcPid.comm: return "comm";
    case ProcPid.cmdline: return "cmdline";
    case ProcPid.stat: return "stat";
    case ProcPid.statm: return "statm";
    case ProcPid.maps: return "maps";
    case ProcPid.cwd: return "cwd";
    case ProcPid.root: return "root";
    case ProcPid.exe: return "exe";
    case ProcPid.mounts: return "mounts";
    case ProcPid.mountinfo: return "mountinfo";
    case ProcPid.clear_refs: return "clear_refs";
    case ProcPid.smaps: return "smaps";
    case ProcPid.smaps_rollup: return "smaps_rollup";
    case ProcPid.pagemap: return "pagemap";
    case ProcPid.wchan: return "wchan";
    case ProcPid.oom_score: return "oom_score";
    case ProcPid.oom_score_adj: return "oom_score_adj";
    default: return "";
  }
}
const PID_MODES: usize = memory.data<u16>([
  0o40555, 0o40555, 0o40500, 0o100400, 0o100400, 0o100444, 0o100444, 0o100644,
  0o100444, 0o100444, 0o100444, 0o100444, 0o120777, 0o120777, 0o120777, 0o100444,
  0o100444, 0o100200, 0o100444, 0o100444, 0o100400, 0o100444, 0o100444,
  0o100644, 0o120500,
]);
/** Process 0 is nobody: its files are the machine's. */
const PID_MAX: u32 = 0x7fff;

// @nomark
export function proc_ino(pid: u32, file: u32, sub: u32): u32 {
  return <u32>PROC_INO | (pid << 15) | (file << 8) | sub;
}

// @nomark
export function proc_pid(ino: u32): u32 {
  return (ino >> 15) & PID_MAX;
}

// @nomark
export function proc_nr(ino: u32): u32 {
  return (ino >> 8) & 0x7f;
}

// @nomark
export function proc_sub(ino: u32): u32 {
  return ino & 0xff;
}

/** Is this a file of /proc? */
// @nomark
export function is_proc(node: inode): bool {
  return node.i_ino >= <u32>PROC_INO;
}

/** Is this the name that /proc has in the root directory? */
// @nomark
export function is_proc_mountpoint(dir: u32, name: usize, len: usize): bool {
  return dir == <u32>DISK_ROOT_INO && len == 4 && load<u32>(name) == 0x636f7270;
}

/** The task whose file it is, or null when it is gone. */
// @nomark
export function proc_task(ino: u32): task_struct | null {
  return find_task_by_vpid(proc_pid(ino));
}

/** Type and permissions of a file, as its table says. */
// @nomark
export function proc_mode(ino: u32): u32 {
  if (proc_pid(ino) == 0 && proc_sub(ino) != 0) {
    return proc_sys_mode(proc_nr(ino), proc_sub(ino));
  }
  const modes = proc_pid(ino) == 0 ? ROOT_MODES : PID_MODES;
  return load<u16>(modes + (<usize>proc_nr(ino) << 1));
}

/**
 * Fills the in-core inode of a number of /proc, except its count.
 * => false when there is no such file, or no longer.
 */
export function proc_fill_inode(node: inode, ino: u32): bool {
  const pid = proc_pid(ino);
  const nr = proc_nr(ino);
  const count = node.i_count;
  memory.fill(changetype<usize>(node), 0, INODE_SIZE_OF);
  node.i_ino = ino;
  node.i_count = count;
  node.i_kind = InodeKind.proc;
  node.i_nlink = 1;
  node.i_mtime = current_time();
  node.i_ctime = node.i_mtime;
  node.i_atime = node.i_mtime;
  if (pid == 0) {
    node.i_mode = proc_mode(ino);
    return true;
  }
  const task = find_task_by_vpid(pid);
  if (task == null) return false;
  node.i_mode = proc_mode(ino);
  const mm = task.mm;
  if (nr == ProcPid.dir || (mm != null && mm.undumpable == 0)) {
    node.i_uid = task.euid;
    node.i_gid = task.egid;
  }
  if (nr == ProcPid.fd_link) {
    const opened = task_fd(task, proc_sub(ino));
    if (opened == 0) return false;
    const access = (file_at(opened).f_flags + 1) & 3;
    node.i_mode = 0o120100 | (access & 1 ? 0o400 : 0) | (access & 2 ? 0o200 : 0);
    node.i_size = 64;
  }
  return true;
}

// @nomark
export function task_fd(task: task_struct, fd: u32): u32 {
  return load<u32>(task_field(task, TASK_FDS + (<usize>fd << 2)));
}

/** Is the constant text `word` the same as the name of `len` bytes? */
// @nomark
function is_name(word: string, name: usize, len: usize): bool {
  if (<usize>word.length != len) return false;
  for (let i: usize = 0; i < len; i++) {
    const c = load<u16>(changetype<usize>(word) + (i << 1));
    if (c != <u16>load<u8>(name + i)) return false;
  }
  return true;
}

/** Writes a constant text as a C string. => its length */
// @nomark
export function copy_name(word: string, to: usize): usize {
  const len = <usize>word.length;
  for (let i: usize = 0; i < len; i++) {
    store<u8>(to + i, <u8>load<u16>(changetype<usize>(word) + (i << 1)));
  }
  store<u8>(to + len, 0);
  return len;
}

/** A decimal number without a leading zero. => it, or 0 when the name is none. */
// @nomark
function name_to_int(name: usize, len: usize): u32 {
  let n: u32 = 0;
  if (len == 0 || len > 8 || (len > 1 && load<u8>(name) == 0x30)) return u32.MAX_VALUE;
  for (let i: usize = 0; i < len; i++) {
    const digit = <u32>load<u8>(name + i) - 0x30;
    if (digit > 9) return u32.MAX_VALUE;
    n = n * 10 + digit;
  }
  return n;
}

/** => number of the file called `name` in the directory, or 0. */
export function proc_lookup(dir: inode, name: usize, len: usize): u32 {
  const ino = dir.i_ino;
  const pid = proc_pid(ino);
  const nr = proc_nr(ino);
  const dots = load<u8>(name) == 0x2e;
  if (dots && len == 1) return ino;
  if (dots && len == 2 && load<u8>(name + 1) == 0x2e) return proc_parent(ino);
  if (pid == 0 && nr == ProcRoot.root) return lookup_root(name, len);
  if (pid == 0) return lookup_sys(nr, name, len);
  if (nr == ProcPid.dir) {
    for (let i: u32 = 1; i < <u32>ProcPid.fd_link; i++) {
      if (is_name(pid_name(i), name, len)) return proc_ino(pid, i, 0);
    }
    return 0;
  }
  const number = name_to_int(name, len);
  if (nr == ProcPid.task) return number == pid ? proc_ino(pid, 0, 0) : 0;
  const task = find_task_by_vpid(pid);
  if (task == null || number >= <u32>TASK_NR_FDS) return 0;
  return task_fd(task, number) == 0 ? 0 : proc_ino(pid, ProcPid.fd_link, number);
}

/** A file of /proc itself, or the directory of a living process. */
// @nomark
function lookup_root(name: usize, len: usize): u32 {
  const number = name_to_int(name, len);
  if (number != u32.MAX_VALUE) {
    if (number == 0 || find_task_by_vpid(number) == null) return 0;
    return proc_ino(number, ProcPid.dir, 0);
  }
  for (let i: u32 = 1; i < <u32>ProcRoot.sys_kernel; i++) {
    if (is_name(root_name(i), name, len)) return proc_ino(0, i, 0);
  }
  return 0;
}

/** "kernel" and "vm" in sys, and the knobs in them. */
// @nomark
function lookup_sys(nr: u32, name: usize, len: usize): u32 {
  for (let i: u32 = 1; sys_name(nr, i).length > 0; i++) {
    if (is_name(sys_name(nr, i), name, len)) return sys_ino(nr, i);
  }
  return 0;
}

/** Entry `i`, from 1, of a directory of sys; "" behind the last. */
// @nomark
export function sys_name(nr: u32, i: u32): string {
  if (nr != ProcRoot.sys) return proc_sys_name(nr, i);
  return i == 1 ? "kernel" : i == 2 ? "vm" : "";
}

/** The inode number of that entry. */
// @nomark
export function sys_ino(nr: u32, i: u32): u32 {
  const dir = proc_ino(0, ProcRoot.sys_kernel - 1 + i, 0);
  return nr == ProcRoot.sys ? dir : proc_ino(0, nr, i);
}

/** The directory above one of /proc. */
// @nomark
export function proc_parent(ino: u32): u32 {
  const nr = proc_nr(ino);
  if (proc_pid(ino) != 0) return proc_ino(nr == 0 ? 0 : proc_pid(ino), 0, 0);
  if (nr == ProcRoot.root) return DISK_ROOT_INO;
  return nr == ProcRoot.sys ? <u32>PROC_INO : proc_ino(0, ProcRoot.sys, 0);
}

