// Open files: struct file is one opening of one inode, with a position and a readahead
// state; a process's descriptors point to them, and so do the areas that map them.
//
//   task  fds [ 0 | 1 | 2 | 3 | ... ]
//               \   |   /    |
//              console file  file --> inode      f_count: descriptors and areas
//
// In Linux: fs/file_table.c, fs/file.c (6.12). Left out: descriptor tables shared
// between threads, more than 256 descriptors.
import {
  FILES,
  FILE_DIR,
  FILE_FLAGS,
  FILE_INODE,
  FILE_KIND,
  FILE_NAME,
  FILE_POS,
  FILE_RA_MODE,
  FILE_SIZE_OF,
  FileKind,
  MMS,
  MM_SIZE_OF,
  NR_FILES,
  NR_MMS,
  PAGE_SIZE,
  SEQ_BUF,
  TASK_CLOEXEC,
  TASK_FDS,
  TASK_MAX_FDS,
  TASK_NR_FDS,
} from "../abi";
import { EBADF, EMFILE } from "./errno";
import { inode, inode_at, iput } from "./fs";
import { mm_struct } from "./mm_types";
import { pipe_release } from "./pipe";
import { RLIMIT_NOFILE } from "./rlimit";
import { current, rlimit, task_struct } from "./sched";

const NR_OPEN_DEFAULT: u32 = 64;
export const O_ACCMODE: u32 = 3;
export const O_WRONLY: u32 = 1;
export const O_RDWR: u32 = 2;
export const O_CREAT: u32 = 0o100;
export const O_EXCL: u32 = 0o200;
export const O_NOCTTY: u32 = 0o400;
export const O_TRUNC: u32 = 0o1000;
export const O_APPEND: u32 = 0o2000;
export const O_NONBLOCK: u32 = 0o4000;
export const O_LARGEFILE: u32 = 0o100000;
export const O_DIRECTORY: u32 = 0o200000;
export const O_NOFOLLOW: u32 = 0o400000;
export const O_NOATIME: u32 = 0o1000000;
export const O_CLOEXEC: u32 = 0o2000000;
/** The descriptor only names the file: it can be neither read nor written. */
export const O_PATH: u32 = 0o10000000;
export const __O_TMPFILE: u32 = 0o20000000;

@unmanaged
export class file {
  f_count!: u32;
  f_inode!: u32; // in-core inode, or the pipe; 0 for the console
  f_pos!: u64;
  f_flags!: u32; // O_*
  f_kind!: u32; // FileKind
  /** Readahead: the window last read, and where in it the next one is to begin. */
  ra_start!: u32;
  ra_size!: u32;
  ra_async_size!: u32;
  /** Faults on pages not in memory, less those that were. */
  mmap_miss!: u32;
  /** Page where the last read ended, plus one (and RA_PREV_ALIGNED); 0: none yet. */
  ra_prev!: u32;
  /** The directory it was found in; its name there follows, see file_name. Of the
   *  console: the stream. */
  f_dir!: u32;
}

/** Longest name that a struct file keeps. */
export const FILE_NAME_MAX: usize = 79;

/** The last name that a path walk looked up: what the next file is opened as. */
@unmanaged
class last_name {
  dir!: u32;
  ino!: u32; // 0: there was none, it will be created
  len!: u32;
  pad!: u32;
}
const LAST_NAME: usize = SEQ_BUF + PAGE_SIZE + 0x300;

/** A path walk asked directory `dir` for this name and found `ino`, or 0. */
// @nomark
export function note_last_name(dir: u32, name: usize, len: usize, ino: u32): void {
  const last = changetype<last_name>(LAST_NAME);
  last.dir = dir;
  last.ino = ino;
  last.len = <u32>min<usize>(len, FILE_NAME_MAX + 1);
  memory.copy(LAST_NAME + 16, name, last.len);
}

/** Where the name of a file is: a C string, empty when it was too long. */
// @nomark
export function file_name(f: file): usize {
  return changetype<usize>(f) + FILE_NAME;
}

/** The file was just found by a path walk: it keeps directory and name. */
// @nomark
export function file_path_init(f: file, ino: u32): void {
  const last = changetype<last_name>(LAST_NAME);
  if (last.ino != 0 && last.ino != ino) return;
  f.f_dir = last.dir;
  memory.fill(file_name(f), 0, FILE_NAME_MAX + 1);
  if (<usize>last.len > FILE_NAME_MAX) return;
  memory.copy(file_name(f), LAST_NAME + 16, last.len);
}

/** How the program said it would read the file: 0, VM.RAND_READ or VM.SEQ_READ. */
// @nomark
export function f_ra_mode(f: file): u32 {
  return load<u32>(changetype<usize>(f), FILE_RA_MODE);
}

// @nomark
export function set_ra_mode(f: file, mode: u32): void {
  store<u32>(changetype<usize>(f), mode, FILE_RA_MODE);
}

// @nomark
export function file_at(address: u32): file {
  return changetype<file>(<usize>address);
}

/**
 * A struct file over `node` (its reference is taken over).
 * => its address with one reference, or 0 when all are in use.
 */
// @nomark
export function alloc_file(node: u32, flags: u32, kind: FileKind): u32 {
  for (let i: u32 = 0; i < <u32>NR_FILES; i++) {
    const p = FILES + <usize>i * FILE_SIZE_OF;
    if (load<u32>(p) != 0) continue;
    memory.fill(p, 0, FILE_SIZE_OF);
    const f = changetype<file>(p);
    f.f_count = 1;
    f.f_inode = node;
    f.f_flags = flags;
    f.f_kind = kind;
    if (node != 0 && kind != FileKind.pipe) file_path_init(f, inode_at(node).i_ino);
    return <u32>p;
  }
  return 0;
}

// @nomark
export function get_file(address: u32): void {
  file_at(address).f_count++;
}

/** Drops a reference; the last one closes the file. */
// @nomark
export function fput(address: u32): void {
  const f = file_at(address);
  assert(f.f_count > 0);
  f.f_count--;
  if (f.f_count > 0) return;
  if (f.f_kind == FileKind.pipe) pipe_release(f);
  else if (f.f_inode != 0) iput(f.f_inode);
}

// @nomark
export function fd_slot(fd: u32): usize {
  return changetype<usize>(current()) + TASK_FDS + (<usize>fd << 2);
}

/** => the struct file of descriptor `fd`, or 0 when it is not open or only a path. */
// @nomark
export function fget(fd: u32): u32 {
  const opened = fget_raw(fd);
  return opened == 0 || (file_at(opened).f_flags & O_PATH) != 0 ? 0 : opened;
}

/** => the struct file of descriptor `fd`, or 0 when it is not open. */
// @nomark
export function fget_raw(fd: u32): u32 {
  if (fd >= <u32>TASK_NR_FDS) return 0;
  return load<u32>(fd_slot(fd));
}

/** The inode behind an open file, or 0: the console and pipes have none. */
// @nomark
export function file_inode(f: file): u32 {
  return f.f_kind == FileKind.pipe ? 0 : f.f_inode;
}

/** The word of the running task that holds descriptor `fd`'s close-on-exec bit. */
// @nomark
function cloexec_word(fd: u32): usize {
  return changetype<usize>(current()) + TASK_CLOEXEC + (<usize>(fd >> 5) << 2);
}

/** Will execve close the descriptor? */
// @nomark
export function close_on_exec(fd: u32): bool {
  return (load<u32>(cloexec_word(fd)) & (1 << (fd & 31))) != 0;
}

// @nomark
export function set_close_on_exec(fd: u32, set: bool): void {
  const word = cloexec_word(fd);
  const bit: u32 = 1 << (fd & 31);
  store<u32>(word, set ? load<u32>(word) | bit : load<u32>(word) & ~bit);
}

/** execve: the descriptors that were marked for it are closed. */
export function do_close_on_exec(): void {
  for (let fd: u32 = 0; fd < <u32>TASK_NR_FDS; fd++) {
    if (!close_on_exec(fd)) continue;
    set_close_on_exec(fd, false);
    close_fd(fd);
  }
}

/** Closes a descriptor. => 0 or -EBADF. */
// @nomark
export function close_fd(fd: u32): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  store<u32>(fd_slot(fd), 0);
  fput(opened);
  return 0;
}

/** Descriptors the process may have: RLIMIT_NOFILE, and what a task has room for. */
// @nomark
export function nr_fds(): u32 {
  return <u32>min<u64>(rlimit(RLIMIT_NOFILE), TASK_NR_FDS);
}

/**
 * Slots of a task's table of descriptors: 64, and when a higher one is asked for 128,
 * then 256. It never shrinks, but a child's is as small as it can be. What lies beyond
 * is not even bad: select(2) passes over it.
 */
// @nomark
export function fdt_max_fds(task: task_struct): u32 {
  return max<u32>(load<u32>(changetype<usize>(task), TASK_MAX_FDS), NR_OPEN_DEFAULT);
}

/** The table gets a slot for descriptor `fd`. */
// @nomark
export function expand_files(task: task_struct, fd: u32): void {
  if (fd < fdt_max_fds(task)) return;
  const slots = fd < 2 * NR_OPEN_DEFAULT ? 2 * NR_OPEN_DEFAULT : <u32>TASK_NR_FDS;
  store<u32>(changetype<usize>(task), slots, TASK_MAX_FDS);
}

/** => the lowest free descriptor >= `from`, or -EMFILE. */
// @nomark
export function get_unused_fd(from: u32): i64 {
  for (let fd = from; fd < nr_fds(); fd++) {
    if (load<u32>(fd_slot(fd)) != 0) continue;
    expand_files(current(), fd);
    return fd;
  }
  return -EMFILE;
}

/** Does a process run this file? Then nobody may write to it. */
export function inode_is_running(node: inode): bool {
  for (let i: u32 = 0; i < <u32>NR_MMS; i++) {
    const mm = changetype<mm_struct>(MMS + <usize>i * MM_SIZE_OF);
    if (mm.mm_users == 0 || mm.exe_file == 0) continue;
    if (file_at(mm.exe_file).f_inode == <u32>changetype<usize>(node)) return true;
  }
  return false;
}

/** Is the file open for writing? Then nobody may run it. */
export function inode_is_written(node: inode): bool {
  for (let i: u32 = 0; i < <u32>NR_FILES; i++) {
    const f = changetype<file>(FILES + <usize>i * FILE_SIZE_OF);
    if (f.f_count == 0 || !f_writable(f)) continue;
    if (f.f_inode == <u32>changetype<usize>(node)) return true;
  }
  return false;
}

/** Installs `address` in the lowest free descriptor >= `from`. => fd or -EMFILE. */
// @nomark
export function fd_install(address: u32, from: u32): i64 {
  const fd = get_unused_fd(from);
  if (fd < 0) return fd;
  store<u32>(fd_slot(<u32>fd), address);
  set_close_on_exec(<u32>fd, false);
  return fd;
}

/** May the file be read, written? */
// @nomark
export function f_readable(f: file): bool {
  return (f.f_flags & O_WRONLY) == 0;
}

// @nomark
export function f_writable(f: file): bool {
  const mode = f.f_flags & O_ACCMODE;
  return mode == O_WRONLY || mode == O_RDWR;
}

if (offsetof<file>() != FILE_NAME) ERROR("abi: FILE_NAME");
if (FILE_NAME + 80 != FILE_RA_MODE) ERROR("abi: FILE_RA_MODE");
if (offsetof<file>("f_dir") != FILE_DIR) ERROR("abi: FILE_DIR");
if (offsetof<file>("f_inode") != FILE_INODE) ERROR("abi: FILE_INODE");
if (offsetof<file>("f_pos") != FILE_POS) ERROR("abi: FILE_POS");
if (offsetof<file>("f_flags") != FILE_FLAGS) ERROR("abi: FILE_FLAGS");
if (offsetof<file>("f_kind") != FILE_KIND) ERROR("abi: FILE_KIND");
