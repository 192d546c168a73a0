// What a program says about how it will read a file.
//
//   NORMAL, SEQUENTIAL, RANDOM   how far readahead goes for this opening
//   WILLNEED                     read it now
//   DONTNEED                     write what is dirty, then drop what nobody uses:
//
//        first whole page            last whole page (a part of it counts only at the
//            v                              v        file's end)
//     |  [ . | . . . . | . . . . | . . . . | . ]  |
//
// In Linux: mm/fadvise.c generic_fadvise(), mm/readahead.c ksys_readahead() (6.12).
// Left out: NOREUSE does nothing.
import { FileKind, VM } from "../abi";
import { disk_run_queue } from "../hw/disk";
import { EBADF, EINVAL, ESPIPE } from "./errno";
import { f_readable, fget, file, file_at, set_ra_mode } from "./file_table";
import { page_cache_queue } from "./filemap";
import { inode, inode_at, inode_pages } from "./fs";
import { NO_PAGE } from "./mm_types";
import { lru_add_drain } from "./madvise_free";
import { filemap_write_and_wait_range } from "./page_writeback";
import { IO_PAGES } from "./readahead";
import { invalidate_mapping_pages } from "./truncate";

const POSIX_FADV_NORMAL: u32 = 0;
const POSIX_FADV_RANDOM: u32 = 1;
const POSIX_FADV_SEQUENTIAL: u32 = 2;
const POSIX_FADV_WILLNEED: u32 = 3;
const POSIX_FADV_DONTNEED: u32 = 4;
const POSIX_FADV_NOREUSE: u32 = 5;

/** fadvise64(2); `len` 0 is to the end of the file. */
export function sys_fadvise64(fd: u32, offset: i64, len: i64, advice: u32): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (f.f_kind == FileKind.pipe || f.f_kind == FileKind.console) return -ESPIPE;
  if (len < 0) return -EINVAL;
  if (advice > POSIX_FADV_NOREUSE) return -EINVAL;
  if (f.f_kind != FileKind.regular) return 0;
  let end: u64 = u64.MAX_VALUE;
  if (len != 0 && <u64>offset + <u64>len >= <u64>len) end = <u64>offset + len - 1;
  switch (advice) {
    case POSIX_FADV_NORMAL:
      set_ra_mode(f, 0);
      break;
    case POSIX_FADV_RANDOM:
      set_ra_mode(f, VM.RAND_READ);
      break;
    case POSIX_FADV_SEQUENTIAL:
      set_ra_mode(f, VM.SEQ_READ);
      break;
    case POSIX_FADV_WILLNEED:
      force_page_cache_readahead(f, offset >> 12, end >> 12);
      break;
    case POSIX_FADV_DONTNEED:
      fadvise_dontneed(inode_at(f.f_inode), offset, end);
      break;
  }
  return 0;
}

/** DONTNEED for the bytes offset..end, end included. */
function fadvise_dontneed(node: inode, offset: u64, end: u64): void {
  lru_add_drain();
  // Both ends to pages, wider: what is dirty in them is written.
  filemap_write_and_wait_range(node, offset >> 12, end >> 12);
  // Narrower: a page that is only partly meant stays.
  const first = (offset + 4095) >> 12;
  let last = end >> 12;
  const partly = (end & 4095) != 4095;
  if (partly && end != node.i_size - 1) {
    if (last == 0) return;
    last--;
  }
  if (last < first) return;
  invalidate_mapping_pages(node, first, min<u64>(last, u32.MAX_VALUE));
}

/**
 * Reads those of the pages first..last of the file that are not in memory, but no more
 * than one transfer of the disk.
 */
export function force_page_cache_readahead(f: file, first: u64, last: u64): void {
  const pages = inode_pages(inode_at(f.f_inode));
  last = min<u64>(last, first + IO_PAGES - 1);
  for (let index = first; index <= last && index < pages; index++) {
    if (page_cache_queue(f.f_inode, index) == NO_PAGE) break;
  }
  disk_run_queue();
}

/** readahead(2). */
export function sys_readahead(fd: u32, offset: i64, count: u64): i64 {
  const opened = fget(fd);
  if (opened == 0) return -EBADF;
  const f = file_at(opened);
  if (!f_readable(f)) return -EBADF;
  if (f.f_kind != FileKind.regular) return -EINVAL;
  return sys_fadvise64(fd, offset, count, POSIX_FADV_WILLNEED);
}
