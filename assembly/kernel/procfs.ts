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
import { inode, } from "./fs";
import { find_task_by_vpid, task_field, task_struct } from "./sched";

/** Files of the machine, by their place in root_names. */
export enum ProcRoot {
  root = 0,
  self,
  thread_self,
}
// @nomark
export function root_names(): string {
  return "self thread-self";
}
const ROOT_MODES: usize = memory.data<u16>([0o40555, 0o120777, 0o120777]);

/** Files of a process, by their place in pid_names, Linux's order. */
export enum ProcPid {
  dir = 0,
  task,
  fd,
  maps,
  cwd,
  root,
  exe,
  smaps,
  smaps_rollup,
  pagemap,
  /** A link in fd; its sub is the descriptor. */
  fd_link,
}
// @nomark
export function pid_names(): string {
  return "task fd maps cwd root exe smaps smaps_rollup pagemap";
}
const PID_MODES: usize = memory.data<u16>([
  0o40555, 0o40555, 0o40500, 0o100444, 0o120777, 0o120777, 0o120777, 0o100444,
  0o100444, 0o100400, 0o120500,
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
  if (pid == 0) {
    node.i_mode = proc_mode(ino);
    return true;
  }
  const task = find_task_by_vpid(pid);
  if (task == null) return false;
  node.i_mode = proc_mode(ino);
  node.i_uid = task.euid;
  node.i_gid = task.egid;
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

/** The number of word `nr` (from 1) of a blank-separated list that equals the name. */
// @nomark
function word_index(words: string, name: usize, len: usize): u32 {
  const p = changetype<usize>(words);
  const end = words.length;
  let nr: u32 = 1;
  let begin = 0;
  for (let i = 0; i <= end; i++) {
    if (i < end && load<u16>(p + (<usize>i << 1)) != 0x20) continue;
    if (<usize>(i - begin) == len) {
      let same = true;
      for (let k: usize = 0; k < len && same; k++) {
        same = load<u16>(p + ((<usize>begin + k) << 1)) == <u16>load<u8>(name + k);
      }
      if (same) return nr;
    }
    begin = i + 1;
    nr++;
  }
  return 0;
}

/** Copies word `nr` (from 1) to `to`. => its length, 0 when there is none. */
// @nomark
export function copy_word(words: string, nr: u32, to: usize): usize {
  const p = changetype<usize>(words);
  let at: u32 = 1;
  let len: usize = 0;
  for (let i = 0; i < words.length && at <= nr; i++) {
    const c = load<u16>(p + (<usize>i << 1));
    if (c == 0x20) at++;
    else if (at == nr) store<u8>(to + len++, <u8>c);
  }
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
  if (pid == 0) return 0;
  if (nr == ProcPid.dir) {
    const found = word_index(pid_names(), name, len);
    return found == 0 ? 0 : proc_ino(pid, found, 0);
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
  const found = word_index(root_names(), name, len);
  return found == 0 ? 0 : proc_ino(0, found, 0);
}

/** The directory above one of /proc. */
// @nomark
export function proc_parent(ino: u32): u32 {
  const nr = proc_nr(ino);
  if (proc_pid(ino) != 0) return proc_ino(nr == 0 ? 0 : proc_pid(ino), 0, 0);
  return nr == ProcRoot.root ? <u32>DISK_ROOT_INO : <u32>PROC_INO;
}

