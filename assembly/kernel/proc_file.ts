// Opening and reading what is in /proc: who may, and which function writes the text.
//
//   open    the mode bits, and for a process's memory the right to debug it
//   read    pagemap   words, see pagemap.ts
//           others    text, made record by record, see seq_file.ts
//
// A file outlives its process: reading it then says ESRCH.
//
// In Linux: fs/proc/base.c (6.12).
// Left out: the address space is the one at the time of the read, not of the open.
import { SEQ_BUF } from "../abi";
import { EACCES, EFAULT, EINVAL, ENOENT, ESRCH } from "./errno";
import { O_ACCMODE, file } from "./file_table";
import { inode, inode_at } from "./fs";
import { MAY_READ, MAY_WRITE, inode_permission } from "./namei";
import { kpage_read, pagemap_read } from "./pagemap";
import { do_task_stat, proc_pid_statm, proc_pid_status } from "./proc_array";
import {
  clear_refs_write,
  comm_show,
  comm_write,
  oom_score_adj_show,
  oom_score_adj_write,
  proc_oom_score,
  proc_pid_auxv,
  proc_pid_cmdline,
  proc_pid_environ,
  proc_pid_limits,
} from "./proc_base";
import { meminfo_proc_show } from "./proc_meminfo";
import {
  c_show,
  constant_show,
  loadavg_proc_show,
  show_stat,
  uptime_proc_show,
} from "./proc_misc";
import { proc_sys_show, proc_sys_write } from "./proc_sysctl";
import {
  frag_show,
  pagetypeinfo_show,
  vmstat_show,
  zoneinfo_show,
} from "./proc_vmstat";
import { ProcPid, ProcRoot, proc_nr, proc_pid, proc_sub, proc_task } from "./procfs";
import { ptrace_may_access } from "./ptrace";
import { seq_file, seq_read } from "./seq_file";
import { swap_show } from "./swapon";
import { show_map, show_smap, show_smaps_rollup } from "./task_mmu";
import { copy_from_user } from "./uaccess";

/** The longest text that a file of /proc takes. */
const TEXT_MAX: u64 = 128;
const MOUNTS: string =
  "/dev/vda / ext2 rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n";
const MOUNTINFO: string = `1 0 254:0 / / rw,relatime - ext2 /dev/vda rw
2 1 0:2 / /proc rw,relatime - proc proc rw
`;
const VERSION: string =
  "Linux version 6.12.0 (pagewalk) (asc) #1 Sat Jan  1 00:00:00 UTC 2005\n";

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
  const nr = proc_nr(ino);
  if (proc_pid(ino) != 0) {
    if (nr == ProcPid.pagemap) return pagemap_read(ino, buf, count, pos);
  } else if (nr == ProcRoot.kpagecount || nr == ProcRoot.kpageflags) {
    return kpage_read(nr == ProcRoot.kpageflags, buf, count, pos);
  }
  return seq_read(f, ino, buf, count, pos);
}

/** Writes the record of the file at m.index. => false when there is none. */
// @nomark
export function proc_show(m: seq_file): bool {
  if (proc_pid(m.ino) == 0) return proc_root_show(m);
  const task = proc_task(m.ino);
  if (task == null) {
    m.error = -ESRCH;
    return false;
  }
  switch (proc_nr(m.ino)) {
    case ProcPid.environ: return proc_pid_environ(m, task);
    case ProcPid.auxv: return proc_pid_auxv(m, task);
    case ProcPid.status: return proc_pid_status(m, task);
    case ProcPid.limits: return proc_pid_limits(m, task);
    case ProcPid.comm: return comm_show(m, task);
    case ProcPid.cmdline: return proc_pid_cmdline(m, task);
    case ProcPid.stat: return do_task_stat(m, task);
    case ProcPid.statm: return proc_pid_statm(m, task);
    case ProcPid.mounts: return constant_show(m, MOUNTS);
    case ProcPid.mountinfo: return constant_show(m, MOUNTINFO);
    case ProcPid.wchan: return constant_show(m, "0");
    case ProcPid.oom_score: return proc_oom_score(m, task);
    case ProcPid.oom_score_adj: return oom_score_adj_show(m, task);
    case ProcPid.maps: return show_map(m, task);
    case ProcPid.smaps: return show_smap(m, task);
    case ProcPid.smaps_rollup: return show_smaps_rollup(m, task);
    default: return false;
  }
}

/** The same for a file of the machine. */
// @nomark
function proc_root_show(m: seq_file): bool {
  if (proc_sub(m.ino) != 0) return proc_sys_show(m);
  switch (proc_nr(m.ino)) {
    case ProcRoot.buddyinfo: return frag_show(m);
    case ProcRoot.cmdline: return constant_show(m, "norandmaps no4lvl\n");
    case ProcRoot.cpuinfo: return c_show(m);
    case ProcRoot.filesystems: return constant_show(m, "nodev\tproc\n\text2\n");
    case ProcRoot.loadavg: return loadavg_proc_show(m);
    case ProcRoot.meminfo: return meminfo_proc_show(m);
    case ProcRoot.pagetypeinfo: return pagetypeinfo_show(m);
    case ProcRoot.stat: return show_stat(m);
    case ProcRoot.swaps: return swap_show(m);
    case ProcRoot.uptime: return uptime_proc_show(m);
    case ProcRoot.version: return constant_show(m, VERSION);
    case ProcRoot.vmstat: return vmstat_show(m);
    case ProcRoot.zoneinfo: return zoneinfo_show(m);
    default: return false;
  }
}

/**
 * write(2) to a file of /proc: a short text, the whole of it in one call.
 * => `count`, -EFAULT, or -EINVAL, -EACCES as the file says.
 */
export function proc_write(f: file, buf: u64, count: u64): i64 {
  const len = min<u64>(count, TEXT_MAX);
  if (copy_from_user(SEQ_BUF, buf, len) != 0) return -EFAULT;
  let end = <usize>len;
  while (end > 0 && load<u8>(SEQ_BUF + end - 1) <= 0x20) end--;
  store<u8>(SEQ_BUF + end, 0);
  const error = write_text(inode_at(f.f_inode).i_ino, end);
  return error < 0 ? error : <i64>count;
}

/** The text in SEQ_BUF to the file. => 0 or negative errno. */
function write_text(ino: u32, len: usize): i64 {
  if (proc_pid(ino) != 0) {
    const task = proc_task(ino);
    if (task == null) return -ESRCH;
    if (proc_nr(ino) == ProcPid.comm) return comm_write(task, SEQ_BUF, len);
    if (!is_number(SEQ_BUF, len)) return -EINVAL;
    const value = kstrtol(SEQ_BUF);
    if (proc_nr(ino) == ProcPid.clear_refs) return clear_refs_write(task, value);
    return oom_score_adj_write(task, value);
  }
  return is_number(SEQ_BUF, len) ? proc_sys_write(ino, kstrtol(SEQ_BUF)) : -EINVAL;
}

/** Blanks, a sign perhaps, digits, at most 18 of them. */
// @nomark
function is_number(text: usize, len: usize): bool {
  let at = text;
  while (load<u8>(at) == 0x20 || load<u8>(at) == 9) at++;
  if (load<u8>(at) == 0x2d) at++;
  const digits = text + len - at;
  if (at >= text + len || digits > 18) return false;
  for (; at < text + len; at++) {
    if (<u32>load<u8>(at) - 0x30 > 9) return false;
  }
  return true;
}

/** The number that such a text means. */
// @nomark
function kstrtol(text: usize): i64 {
  let at = text;
  while (load<u8>(at) == 0x20 || load<u8>(at) == 9) at++;
  const negative = load<u8>(at) == 0x2d;
  if (negative) at++;
  let n: i64 = 0;
  for (; load<u8>(at) != 0; at++) n = n * 10 + (load<u8>(at) - 0x30);
  return negative ? -n : n;
}
