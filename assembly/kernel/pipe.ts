// Pipes: 16 pages of memory between those who write and those who read.
//
//     write --> [page|page|page| ... ] --> read           head - tail bytes are in it
//               ^tail          ^head
//
//   read     A bytes are there: as many as are wanted, at once
//            B empty, somebody could still write: sleep, or EAGAIN
//            C empty, no writer left: 0, the end
//   write    D room: as much as fits; up to PIPE_BUF bytes all or nothing
//            E full: sleep, or EAGAIN
//            F no reader left: SIGPIPE and EPIPE
//
// A page is taken when the first byte goes into it and given back when the last one has
// been read.
//
// In Linux: fs/pipe.c pipe_read(), pipe_write() (6.12).
// Left out: splice, packets (O_DIRECT), F_SETPIPE_SZ, named pipes.
import {
  FileKind,
  NR_PIPES,
  PG,
  PIPES,
  PIPE_SIZE_OF,
  TASK_RESTART_DONE,
  WaitKind,
} from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOMEM,
  EPIPE,
} from "./errno";
import {
  O_CLOEXEC,
  O_NONBLOCK,
  O_WRONLY,
  alloc_file,
  f_readable,
  f_writable,
  fd_install,
  fd_slot,
  file,
  file_at,
  fput,
  set_close_on_exec,
} from "./file_table";
import { NO_PAGE } from "./mm_types";
import { alloc_page, put_page } from "./page_alloc";
import { current, task_field, wait_on, wake_up } from "./sched";
import { SIGPIPE } from "./siginfo";
import { send_sig, signal_pending } from "./signal";
import { copy_from_user, copy_to_user, put_user_u32 } from "./uaccess";

const PIPE_BUF: u64 = 4096;
const PIPE_PAGES: u64 = 16;
/** What a pipe holds. */
export const PIPE_BYTES: u64 = PIPE_PAGES << 12;

@unmanaged
export class pipe_inode_info {
  used!: u32;
  readers!: u32; // open files
  writers!: u32;
  ino!: u32;
  tail!: u64; // bytes ever read
  head!: u64; // bytes ever written
  mtime!: u64;
}

/** Frame of the page that byte `pos` lies in: 16 u32 after the class. */
// @nomark
function page_slot(pipe: pipe_inode_info, pos: u64): usize {
  const slot = <usize>((pos >> 12) & (PIPE_PAGES - 1));
  return changetype<usize>(pipe) + 64 + (slot << 2);
}

// @nomark
export function pipe_of(f: file): pipe_inode_info {
  return changetype<pipe_inode_info>(<usize>f.f_inode);
}

/** Bytes that wait to be read. */
// @nomark
export function pipe_bytes(pipe: pipe_inode_info): u64 {
  return pipe.head - pipe.tail;
}

/** pipe2(2). => 0 with two descriptors at `fds`, or negative errno. */
export function sys_pipe2(fds: u64, flags: u32): i64 {
  if (flags & ~(O_NONBLOCK | O_CLOEXEC | 0x4000)) return -EINVAL;
  const pipe = alloc_pipe();
  if (pipe == 0) return -ENFILE;
  const mode = flags & O_NONBLOCK;
  const reader = alloc_file(pipe, mode, FileKind.pipe);
  if (reader == 0) {
    store<u32>(pipe, 0);
    return -ENFILE;
  }
  const writer = alloc_file(pipe, mode | O_WRONLY, FileKind.pipe);
  if (writer == 0) {
    fput(reader);
    return -ENFILE;
  }
  return install_both(reader, writer, fds, flags);
}

/** The two ends become descriptors, or neither does. */
function install_both(reader: u32, writer: u32, fds: u64, flags: u32): i64 {
  const read_fd = fd_install(reader, 0);
  const write_fd = read_fd < 0 ? read_fd : fd_install(writer, 0);
  let error: i64 = write_fd < 0 ? -EMFILE : 0;
  if (error == 0) error = put_user_u32(fds, <u32>read_fd);
  if (error == 0) error = put_user_u32(fds + 4, <u32>write_fd);
  if (error != 0) {
    if (read_fd >= 0) store<u32>(fd_slot(<u32>read_fd), 0);
    if (write_fd >= 0) store<u32>(fd_slot(<u32>write_fd), 0);
    fput(reader);
    fput(writer);
    return error;
  }
  if (flags & O_CLOEXEC) {
    set_close_on_exec(<u32>read_fd, true);
    set_close_on_exec(<u32>write_fd, true);
  }
  return 0;
}

/** A pipe with one reader and one writer to come. => its address, or 0. */
// @nomark
function alloc_pipe(): u32 {
  for (let i: u32 = 0; i < <u32>NR_PIPES; i++) {
    const p = PIPES + i * PIPE_SIZE_OF;
    if (load<u32>(p) != 0) continue;
    memory.fill(p, 0, PIPE_SIZE_OF);
    const pipe = changetype<pipe_inode_info>(<usize>p);
    pipe.used = 1;
    pipe.readers = 1;
    pipe.writers = 1;
    pipe.ino = 0x30000000 + i;
    return p;
  }
  return 0;
}

/** The last descriptor of one end was closed: the other end has to know. */
export function pipe_release(f: file): void {
  const pipe = pipe_of(f);
  if (f_writable(f)) pipe.writers--;
  if (f_readable(f)) pipe.readers--;
  pipe_changed(f.f_inode);
  if (pipe.readers + pipe.writers > 0) return;
  for (let i: u64 = 0; i < PIPE_PAGES; i++) {
    const pfn = load<u32>(page_slot(pipe, i << 12));
    if (pfn != NO_PAGE) put_page(pfn);
  }
  pipe.used = 0;
}

/**
 * Another opening of the pipe, or console, that `f` is: by its link in /proc.
 * => struct file, or 0.
 */
export function pipe_reopen(f: file, flags: u32): u32 {
  const opened = alloc_file(f.f_inode, flags, f.f_kind);
  if (opened != 0) file_at(opened).f_dir = f.f_dir;
  if (opened == 0 || f.f_kind != FileKind.pipe) return opened;
  const pipe = pipe_of(f);
  if (f_writable(file_at(opened))) pipe.writers++;
  if (f_readable(file_at(opened))) pipe.readers++;
  return opened;
}

/** Whoever sleeps on this pipe looks again. */
// @nomark
function pipe_changed(address: u32): void {
  wake_up(WaitKind.pipe, address);
  wake_up(WaitKind.poll, 0);
}

/** => bytes read, 0 at the end, or negative errno. */
export function pipe_read(f: file, buf: u64, count: u64): i64 {
  if (count == 0) return 0;
  const pipe = pipe_of(f);
  if (pipe_bytes(pipe) == 0) {
    if (pipe.writers == 0) return 0; // C
    if (f.f_flags & O_NONBLOCK) return -EAGAIN;
    return wait_on(WaitKind.pipe, f.f_inode); // B
  }
  // A
  let done: u64 = 0;
  while (done < count && pipe_bytes(pipe) > 0) {
    const offset = pipe.tail & 4095;
    const here = min<u64>(4096 - offset, pipe_bytes(pipe));
    const chunk = min<u64>(here, count - done);
    const slot = page_slot(pipe, pipe.tail);
    const from = frame_addr(load<u32>(slot)) + <usize>offset;
    if (copy_to_user(buf + done, from, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    pipe.tail += chunk;
    done += chunk;
    if ((pipe.tail & 4095) == 0 || pipe_bytes(pipe) == 0) drop_page(pipe, slot);
  }
  pipe_changed(f.f_inode);
  return <i64>done;
}

/** Everything in the page at `slot` has been read. */
// @nomark
function drop_page(pipe: pipe_inode_info, slot: usize): void {
  put_page(load<u32>(slot));
  store<u32>(slot, NO_PAGE);
  // The next byte begins a new page, so that none is half used and half gone.
  if (pipe_bytes(pipe) != 0) return;
  pipe.tail = (pipe.tail + 4095) & ~(<u64>4095);
  pipe.head = pipe.tail;
}

/** => bytes written, or negative errno. */
export function pipe_write(f: file, buf: u64, count: u64): i64 {
  const pipe = pipe_of(f);
  if (count == 0) return 0;
  const before = restart_done();
  if (pipe.readers == 0) {
    // F
    send_sig(current(), SIGPIPE);
    return before > 0 ? <i64>before : -EPIPE;
  }
  const room = pipe_room(pipe);
  if (room == 0 || (count <= PIPE_BUF && room < count)) {
    if (f.f_flags & O_NONBLOCK) return -EAGAIN;
    return wait_with(f, before); // E
  }
  // D
  const total = min<u64>(count, before + room);
  let done = before;
  while (done < total) {
    const offset = pipe.head & 4095;
    const chunk = min<u64>(4096 - offset, total - done);
    const slot = page_slot(pipe, pipe.head);
    if (load<u32>(slot) == NO_PAGE) {
      const pfn = alloc_page(PG.uptodate, 0, pipe.head >> 12);
      if (pfn == NO_PAGE) return done > 0 ? <i64>done : -ENOMEM;
      store<u32>(slot, pfn);
    }
    const pfn = load<u32>(slot);
    frame_written(pfn);
    if (copy_from_user(frame_addr(pfn) + <usize>offset, buf + done, chunk) != 0) {
      return done > 0 ? <i64>done : -EFAULT;
    }
    pipe.head += chunk;
    done += chunk;
  }
  pipe_changed(f.f_inode);
  if (done == count || (f.f_flags & O_NONBLOCK) != 0) return <i64>done;
  return wait_with(f, done); // E
}

/**
 * Bytes that can be written now. A page that is partly read still takes its place.
 */
// @nomark
export function pipe_room(pipe: pipe_inode_info): u64 {
  return (((pipe.tail >> 12) + PIPE_PAGES) << 12) - pipe.head;
}

/** What this call wrote before it had to wait for room. */
// @nomark
function restart_done(): u64 {
  const task = current();
  return task.restarted ? load<u64>(task_field(task, TASK_RESTART_DONE)) : 0;
}

/**
 * E: sleeps until there is room for what is left; `done` bytes are in the pipe. A
 * signal ends the call there.
 */
// @nomark
function wait_with(f: file, done: u64): i64 {
  if (done > 0 && signal_pending(current())) return <i64>done;
  store<u64>(task_field(current(), TASK_RESTART_DONE), done);
  return wait_on(WaitKind.pipe, f.f_inode);
}
