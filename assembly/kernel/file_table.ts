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
  FILE_SIZE_OF,
  FileKind,
  NR_FILES,
  PAGE_SIZE,
  SEQ_BUF,
  TASK_CLOEXEC,
  TASK_FDS,
  TASK_NR_FDS,
} from "../abi";
import { EMFILE } from "./errno";
import { inode_at, iput } from "./fs";
import { pipe_release } from "./pipe";
import { current } from "./sched";

export const O_ACCMODE: u32 = 3;
export const O_WRONLY: u32 = 1;
export const O_RDWR: u32 = 2;
export const O_CREAT: u32 = 0x40;
export const O_TRUNC: u32 = 0x200;
export const O_DIRECTORY: u32 = 0x10000;
export const O_NOFOLLOW: u32 = 0x20000;

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
  /** Page after the one read last, to see a sequential reader. */
  ra_prev!: u32;
  /** The directory it was found in; its name there follows, see file_name. */
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
function file_path_init(f: file, ino: u32): void {
  const last = changetype<last_name>(LAST_NAME);
  if (last.ino != 0 && last.ino != ino) return;
  f.f_dir = last.dir;
  if (<usize>last.len > FILE_NAME_MAX) return;
  memory.copy(file_name(f), LAST_NAME + 16, last.len);
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

/** => the struct file of descriptor `fd`, or 0 when it is not open. */
// @nomark
export function fget(fd: u32): u32 {
  if (fd >= <u32>TASK_NR_FDS) return 0;
  return load<u32>(fd_slot(fd));
}

/** Installs `address` in the lowest free descriptor >= `from`. => fd or -EMFILE. */
// @nomark
export function fd_install(address: u32, from: u32): i64 {
  for (let fd = from; fd < <u32>TASK_NR_FDS; fd++) {
    if (load<u32>(fd_slot(fd)) != 0) continue;
    store<u32>(fd_slot(fd), address);
    set_close_on_exec(fd, false);
    return fd;
  }
  return -EMFILE;
}

/** Does execve close this descriptor? */
// @nomark
export function close_on_exec(fd: u32): bool {
  return ((<u32>load<u8>(cloexec_byte(fd)) >> (fd & 7)) & 1) != 0;
}

// @nomark
export function set_close_on_exec(fd: u32, on: bool): void {
  const at = cloexec_byte(fd);
  const bit = <u32>1 << (fd & 7);
  const byte = <u32>load<u8>(at);
  store<u8>(at, <u8>(on ? byte | bit : byte & ~bit));
}

// @nomark
function cloexec_byte(fd: u32): usize {
  return changetype<usize>(current()) + TASK_CLOEXEC + (fd >> 3);
}

/** execve: closes what asked for it. */
// @nomark
export function do_close_on_exec(): void {
  for (let fd: u32 = 0; fd < <u32>TASK_NR_FDS; fd++) {
    if (!close_on_exec(fd)) continue;
    set_close_on_exec(fd, false);
    const opened = fget(fd);
    store<u32>(fd_slot(fd), 0);
    if (opened != 0) fput(opened);
  }
}

/** May the file be read, written? */
// @nomark
export function f_readable(f: file): bool {
  return (f.f_flags & O_ACCMODE) != O_WRONLY;
}

// @nomark
export function f_writable(f: file): bool {
  return (f.f_flags & O_ACCMODE) != 0;
}

if (offsetof<file>() != FILE_NAME) ERROR("abi: FILE_NAME");
if (FILE_NAME + 80 != FILE_SIZE_OF) ERROR("abi: FILE_SIZE_OF");
if (offsetof<file>("f_dir") != FILE_DIR) ERROR("abi: FILE_DIR");
if (offsetof<file>("f_inode") != FILE_INODE) ERROR("abi: FILE_INODE");
if (offsetof<file>("f_pos") != FILE_POS) ERROR("abi: FILE_POS");
if (offsetof<file>("f_flags") != FILE_FLAGS) ERROR("abi: FILE_FLAGS");
if (offsetof<file>("f_kind") != FILE_KIND) ERROR("abi: FILE_KIND");
