// Writing to a file: into the page cache, a page at a time; the disk hears of it later
// (page_writeback.ts).
//
//   write(fd, buf, 6000) at 5000
//
//   page 1   [ 904 bytes stay | 3192 new ]    not in memory: read first, for the 904
//   page 2   [ 2808 new | rest ]              behind the file's end: the rest is zeros
//
//   A page gets its block when it is first written, so a full disk is noticed now.
//   B a page that is overwritten whole, or that no block stands for, is not read
//   C a store to a shared mapping (page_mkwrite) does the same for a whole page
//
// In Linux: mm/filemap.c generic_perform_write(), fs/ext4/file.c
// ext4_buffered_write_iter(), fs/ext4/inode.c ext4_page_mkwrite() (6.12).
// kernel_write() is fs/read_write.c's, for what the kernel itself writes into a file.
// Left out: delayed allocation (ext4 gives a block when the page is written back),
// O_DIRECT and O_SYNC (as if not given).
import { InodeKind, KBUF, PG } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { disk_run_queue } from "../hw/disk";
import { folio_test_uptodate } from "./bio";
import { EFAULT, EFBIG, EIO, ENOMEM, ENOSPC } from "./errno";
import { bmap, ext_get_block } from "./extents";
import { O_APPEND, file } from "./file_table";
import { add_to_page_cache, find_get_page, page_cache_queue } from "./filemap";
import {
  S_IFDIR,
  file_update_time,
  inode,
  inode_at,
  inode_update_time,
  mark_inode_dirty,
} from "./fs";
import { VM_FAULT_SIGBUS } from "./memory";
import { NO_PAGE, mem_map } from "./mm_types";
import { alloc_page, clear_page } from "./page_alloc";
import { folio_mark_dirty } from "./page_dirty";
import { folio_wait } from "./page_io";
import { balance_dirty_pages } from "./page_writeback";
import { RLIMIT_FSIZE } from "./rlimit";
import { current, current_is_root, rlimit } from "./sched";
import { SIGXFSZ } from "./siginfo";
import { send_sig } from "./signal";
import { folio_mark_accessed } from "./swap";
import { copy_from_user } from "./uaccess";

/** Most bytes of a file: a page number has 32 bits. */
export const MAX_FILE_SIZE: u64 = 0xffffffff000;
/** Where a page of what is written waits. */
const BOUNCE: usize = KBUF + 0x22000;

/**
 * write(2) of `count` bytes at `pos`: from the program's memory at `buf`, or from the
 * simulator's if `kernel`. f_pos is left alone.
 * => bytes written, or -EFAULT, -EFBIG, -ENOSPC, -ENOMEM.
 */
export function generic_file_write(
  f: file, buf: u64, count: u64, pos: u64, kernel: bool,
): i64 {
  const node = inode_at(f.f_inode);
  if (count == 0) return 0;
  const limit = file_size_limit();
  if (pos >= limit) return too_big(limit);
  count = min<u64>(count, limit - pos);
  file_remove_privs(node);
  file_update_time(node);
  let done: u64 = 0;
  while (done < count) {
    const at = pos + done;
    const chunk = min<u64>(4096 - (at & 4095), count - done);
    const written = write_page(node, buf + done, at, chunk, kernel);
    if (written < 0) return done > 0 ? <i64>done : written;
    done += written;
    balance_dirty_pages();
    if (<u64>written < chunk) break;
  }
  return <i64>done;
}

/**
 * The kernel writes `count` bytes that it has at `from` into a file that is as long
 * already, whoever runs it and whatever rights it gives.
 * => bytes written, or -EFBIG (it would become longer), -ENOSPC, -ENOMEM, -EIO.
 */
export function kernel_write(node: inode, from: usize, count: u64, pos: u64): i64 {
  if (pos + count > node.i_size) return -EFBIG;
  inode_update_time(node);
  let done: u64 = 0;
  while (done < count) {
    const at = pos + done;
    const chunk = min<u64>(4096 - (at & 4095), count - done);
    const pfn = write_begin(node, at, chunk);
    if (pfn < 0) return pfn;
    frame_written(<u32>pfn);
    const to = frame_addr(<u32>pfn) + <usize>(at & 4095);
    memory.copy(to, from + <usize>done, <usize>chunk);
    folio_mark_dirty(<u32>pfn);
    done += chunk;
  }
  balance_dirty_pages();
  return <i64>done;
}

/** Bytes that the process may make a file long. */
// @nomark
export function file_size_limit(): u64 {
  return min<u64>(rlimit(RLIMIT_FSIZE), MAX_FILE_SIZE);
}

/** A file would become longer than `limit`. => -EFBIG, with SIGXFSZ if it is ours. */
export function too_big(limit: u64): i64 {
  if (limit < MAX_FILE_SIZE) send_sig(current(), SIGXFSZ);
  return -EFBIG;
}

/** Where the next write goes: with O_APPEND to the file's end. */
// @nomark
export function write_pos(f: file, pos: u64): u64 {
  return f.f_flags & O_APPEND ? inode_at(f.f_inode).i_size : pos;
}

/** The part of a write that lies in one page. => bytes written or negative errno. */
function write_page(node: inode, buf: u64, pos: u64, len: u64, kernel: bool): i64 {
  // The program's page first: it may have to be read, and that may take the other's
  // frame.
  let left: u64 = 0;
  if (kernel) memory.copy(BOUNCE, <usize>buf, <usize>len);
  else left = copy_from_user(BOUNCE, buf, len);
  if (left == len) return -EFAULT;
  len -= left;
  const pfn = write_begin(node, pos, len);
  if (pfn < 0) return pfn;
  frame_written(<u32>pfn);
  memory.copy(frame_addr(<u32>pfn) + <usize>(pos & 4095), BOUNCE, <usize>len);
  if (pos + len > node.i_size) {
    node.i_size = pos + len;
    mark_inode_dirty(node);
  }
  folio_mark_dirty(<u32>pfn);
  return <i64>len;
}

/**
 * The page of the cache that `len` bytes at `pos` will be written to, holding what the
 * file has around them, and a block for it.
 * => its frame, -ENOSPC, -ENOMEM or -EIO.
 */
export function write_begin(node: inode, pos: u64, len: u64): i64 {
  const mapping = <u32>changetype<usize>(node);
  const index = pos >> 12;
  const hole = bmap(node, index) == 0;
  if (hole && ext_get_block(node, index) == 0) return -ENOSPC;
  let pfn = find_get_page(mapping, index);
  if (pfn != NO_PAGE && folio_test_uptodate(pfn)) {
    folio_wait(pfn);
    folio_mark_accessed(pfn);
    return pfn;
  }
  const beyond = index << 12 >= node.i_size;
  const whole = (pos & 4095) == 0 && len == 4096;
  if (!hole && !beyond && !whole) {
    pfn = page_cache_queue(mapping, index);
    disk_run_queue();
    if (pfn == NO_PAGE) return -ENOMEM;
    folio_wait(pfn);
    return folio_test_uptodate(pfn) ? <i64>pfn : -EIO;
  }
  // B: nothing to be read
  if (pfn == NO_PAGE) {
    pfn = alloc_page(PG.uptodate, mapping, index);
    if (pfn == NO_PAGE) return -ENOMEM;
    add_to_page_cache(mapping, index, pfn);
  }
  mem_map(pfn).flags |= PG.uptodate;
  clear_page(pfn);
  return pfn;
}

/**
 * C: a shared mapping of the page is about to be written through. It becomes dirty, and
 * has a block from now on.
 * => 0, or VM_FAULT_SIGBUS when the disk is full.
 */
export function page_mkwrite(pfn: u32): u32 {
  const p = mem_map(pfn);
  const node = inode_at(p.mapping);
  if (node.i_kind == InodeKind.disk) {
    // Before this page counts: else the flusher would take it away again at once.
    balance_dirty_pages();
    file_update_time(node);
    if (ext_get_block(node, p.index) == 0) return VM_FAULT_SIGBUS;
  }
  folio_mark_dirty(pfn);
  return 0;
}

/** Who writes to a program with set-user-id takes that right from it, but for root. */
export function file_remove_privs(node: inode): void {
  if (current_is_root() || (node.i_mode & S_IFDIR) == S_IFDIR) return;
  let mode = node.i_mode & ~(<u32>0o4000);
  if ((mode & 0o2010) == 0o2010) mode &= ~(<u32>0o2000);
  if (mode == node.i_mode) return;
  node.i_mode = mode;
  mark_inode_dirty(node);
}
