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
  FileKind,
  INODE_SIZE_OF,
  NR_TASKS,
  PAGE_SIZE,
  PROC_INO,
  SEQ_BUF,
  TASK_FDS,
  TASK_NR_FDS,
  TaskState,
} from "../abi";
import { seq_dir_path, seq_file_path } from "./d_path";
import { EACCES, EFAULT, EINVAL, ENOENT, ENXIO, ESRCH } from "./errno";
import { O_ACCMODE, file, file_at } from "./file_table";
import { S_IFLNK, S_IFMT, iget, inode, inode_at, iput } from "./fs";
import { MAY_READ, MAY_WRITE, inode_permission, strlen } from "./namei";
import { current, find_task_by_vpid, task_at, task_field, task_struct } from "./sched";
import {
  seq_file,
  seq_length,
  seq_put_decimal_ull,
  seq_putc,
  seq_puts,
  seq_read,
  seq_window,
  the_seq_file,
} from "./seq_file";
import { pagemap_read } from "./pagemap";
import { show_map, show_smap, show_smaps_rollup } from "./task_mmu";
import { copy_to_user } from "./uaccess";

/** Files of the machine, by their place in root_names. */
export enum ProcRoot {
  root = 0,
  self,
  thread_self,
}
// @nomark
function root_names(): string {
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
function pid_names(): string {
  return "task fd maps cwd root exe smaps smaps_rollup pagemap";
}
const PID_MODES: usize = memory.data<u16>([
  0o40555, 0o40555, 0o40500, 0o100444, 0o120777, 0o120777, 0o120777, 0o100444,
  0o100444, 0o100400, 0o120500,
]);
/** An entry of getdents64 on its way out. */
const DIRENT: usize = SEQ_BUF + PAGE_SIZE + 0x400;
/** Positions of a directory listing from here on are processes. */
const FIRST_PROCESS_ENTRY: u32 = 256;
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
  if (pid == 0) {
    node.i_mode = load<u16>(ROOT_MODES + (<usize>nr << 1));
    return true;
  }
  const task = find_task_by_vpid(pid);
  if (task == null) return false;
  node.i_mode = load<u16>(PID_MODES + (<usize>nr << 1));
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
function task_fd(task: task_struct, fd: u32): u32 {
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
function proc_parent(ino: u32): u32 {
  const nr = proc_nr(ino);
  if (proc_pid(ino) != 0) return proc_ino(nr == 0 ? 0 : proc_pid(ino), 0, 0);
  return nr == ProcRoot.root ? <u32>DISK_ROOT_INO : <u32>PROC_INO;
}

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
    if (copy_word(pid_names(), pos - 1, to) == 0) return 0;
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
    if (copy_word(root_names(), i, to) != 0) return entry(proc_ino(0, i, 0), pos + 1);
    return readdir_root(nr, FIRST_PROCESS_ENTRY, to);
  }
  if (nr == ProcRoot.root) {
    const pid = next_tgid(pos - FIRST_PROCESS_ENTRY);
    if (pid == 0) return 0;
    int_to_name(pid, to);
    return entry(proc_ino(pid, ProcPid.dir, 0), FIRST_PROCESS_ENTRY + pid + 1);
  }
  return 0;
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

/** DT_*: what getdents says of a file of this mode. */
// @nomark
function proc_dirent_type(ino: u32): u8 {
  if (ino < <u32>PROC_INO) return 4;
  const pid = proc_pid(ino);
  const nr = proc_nr(ino);
  if (pid == 0 && proc_sub(ino) != 0) return 8;
  const modes = pid == 0 ? ROOT_MODES : PID_MODES;
  return <u8>(load<u16>(modes + (<usize>nr << 1)) >> 12);
}

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

/**
 * Where a link of /proc leads when it is followed and names an inode.
 * => the in-core inode with a reference; 0 when the link is a text; -ENOENT, -EACCES.
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
  if (f.f_kind == FileKind.console || f.f_kind == FileKind.pipe) return -ENXIO;
  inode_at(f.f_inode).i_count++;
  return f.f_inode;
}

/**
 * A path goes on through `found`: if that is a link of /proc to an inode, at once there.
 * => `found`, or the inode it leads to, with a reference in its place; or an errno.
 */
// @nomark
export function proc_jump_link(found: u32): i64 {
  const node = inode_at(found);
  if (node.i_ino < <u32>PROC_INO || (node.i_mode & S_IFMT) != S_IFLNK) return found;
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
