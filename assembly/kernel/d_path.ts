// The path of an open file, for those who ask /proc: which name, in which directory.
//
//   struct file   { f_dir: the directory's number, f_name: what it was opened as }
//                      |
//        "/usr/lib" + "/" + "libc.so.6"      and " (deleted)" when that directory has
//                                            no such name for this inode any more
//
// A directory's own path is found upward: its ".." says which directory holds it, and
// that one has its name.
//
// In Linux: fs/d_path.c d_path(), prepend_path() (6.12). Names are kept in dentries
// there; here the directory is read again.
// Left out: a name of more than 79 bytes is looked up by its inode, so after its
// removal it is not known; a file with several names in one directory.
import {
  DISK_ROOT_INO,
  FILES,
  FILE_SIZE_OF,
  FileKind,
  InodeKind,
  NR_FILES,
  PAGE_SIZE,
  PROC_INO,
  SEQ_BUF,
} from "../abi";
import { disk_block } from "../hw/disk";
import { ext2_inode_by_name } from "./dir";
import { bmap, extent_data } from "./extents";
import { FILE_NAME_MAX, file, file_name, file_path_init } from "./file_table";
import { iget, inode, inode_at, iput } from "./fs";
import { strlen } from "./namei";
import { proc_readdir } from "./proc_readdir";
import {
  seq_file,
  seq_put_decimal_ull,
  seq_putc,
  seq_puts,
  seq_write,
} from "./seq_file";

/** Directories above each other that a path is followed through. */
const MAX_DEPTH: u32 = 64;
const PROC_NAME: usize = SEQ_BUF + PAGE_SIZE + 0x200;

/** Address of the directory's entry for inode `ino` other than "." and "..", or 0. */
// @nomark
function entry_of(dir: inode, ino: u32): usize {
  for (let at: u64 = 0; at < dir.i_size; at += PAGE_SIZE) {
    const extent = bmap(dir, at >> 12);
    if (extent == 0) continue;
    const block = disk_block(extent_data(extent, at >> 12));
    let offset: usize = 0;
    while (offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      const rec_len: usize = load<u16>(entry, 4);
      if (rec_len < 8) break;
      if (load<u32>(entry) == ino && load<u8>(entry, 6) != 0) {
        if (!is_dots(entry + 8, load<u8>(entry, 6))) return entry;
      }
      offset += rec_len;
    }
  }
  return 0;
}

// @nomark
function is_dots(name: usize, len: usize): bool {
  if (load<u8>(name) != 0x2e) return false;
  return len == 1 || (len == 2 && load<u8>(name, 1) == 0x2e);
}

/** Writes the path of directory number `ino`. */
// @nomark
export function seq_dir_path(m: seq_file, ino: u32): void {
  if (ino == <u32>DISK_ROOT_INO) seq_putc(m, 0x2f);
  else prepend_dir(m, ino, 0);
}

/** The same without a slash for the root: what a name is put behind. */
// @nomark
function prepend_dir(m: seq_file, ino: u32, depth: u32): void {
  if (ino == <u32>DISK_ROOT_INO || depth > MAX_DEPTH) return;
  if (ino >= <u32>PROC_INO) {
    prepend_proc(m, ino);
    return;
  }
  const found = iget(ino);
  if (found == 0) return;
  const parent = ext2_inode_by_name(inode_at(found), DOTS, 2);
  iput(found);
  prepend_dir(m, parent, depth + 1);
  const dir = iget(parent);
  if (dir == 0) return;
  const entry = entry_of(inode_at(dir), ino);
  iput(dir);
  seq_putc(m, 0x2f);
  if (entry != 0) seq_write(m, entry + 8, load<u8>(entry, 6));
  else seq_puts(m, " (deleted)");
}

const DOTS: usize = memory.data<u8>([0x2e, 0x2e]);

/** The path of a directory of /proc, by the list of the one above. */
// @nomark
function prepend_proc(m: seq_file, ino: u32): void {
  if (ino == <u32>PROC_INO) {
    seq_puts(m, "/proc");
    return;
  }
  const parent = <u32>proc_readdir(ino, 1, PROC_NAME);
  prepend_proc(m, parent);
  let pos: u32 = 2;
  while (true) {
    const found = proc_readdir(parent, pos, PROC_NAME);
    if (found == 0) return;
    if (<u32>found == ino) break;
    pos = <u32>(found >> 32);
  }
  seq_putc(m, 0x2f);
  seq_write(m, PROC_NAME, strlen(PROC_NAME));
}

/** Writes the path of an open file, as /proc shows it. */
// @nomark
export function seq_file_path(m: seq_file, f: file): void {
  if (f.f_kind == FileKind.socket) {
    seq_puts(m, "socket:[0]");
    return;
  }
  if (f.f_kind == FileKind.pipe || f.f_kind == FileKind.console) {
    seq_puts(m, "pipe:[");
    seq_put_decimal_ull(m, f.f_kind == FileKind.pipe ? f.f_inode : f.f_dir);
    seq_putc(m, 0x5d);
    return;
  }
  const node = inode_at(f.f_inode);
  if (node.i_kind == InodeKind.shmem) {
    seq_puts(m, "/dev/zero (deleted)");
    return;
  }
  if (f.f_kind == FileKind.directory) {
    seq_dir_path(m, node.i_ino);
    return;
  }
  prepend_dir(m, f.f_dir, 0);
  seq_putc(m, 0x2f);
  const dir = iget(f.f_dir);
  if (dir == 0) return;
  const name = file_name(f);
  const len = strlen(name);
  if (len > 0 && len <= FILE_NAME_MAX) {
    seq_write(m, name, len);
    if (!still_there(inode_at(dir), name, len, node.i_ino)) seq_puts(m, " (deleted)");
  } else {
    const entry = entry_of(inode_at(dir), node.i_ino);
    if (entry != 0) seq_write(m, entry + 8, load<u8>(entry, 6));
    else seq_puts(m, " (deleted)");
  }
  iput(dir);
}

/** Has the directory that name for this inode? A file of /proc is never removed. */
// @nomark
function still_there(dir: inode, name: usize, len: usize, ino: u32): bool {
  return ino >= <u32>PROC_INO || ext2_inode_by_name(dir, name, len) == ino;
}

/**
 * rename(2): files that were opened as `name` in directory `dir`, and are `ino`, are
 * called what the path walk found last from now on.
 */
export function d_move(dir: u32, name: usize, len: usize, ino: u32): void {
  for (let i: usize = 0; i < <usize>NR_FILES; i++) {
    const p = FILES + i * FILE_SIZE_OF;
    const f = changetype<file>(p);
    if (f.f_count == 0 || f.f_inode == 0 || f.f_dir != dir) continue;
    if (f.f_kind != FileKind.regular || inode_at(f.f_inode).i_ino != ino) continue;
    const own = file_name(f);
    if (strlen(own) != len || memory.compare(own, name, len) != 0) continue;
    file_path_init(f, ino);
  }
}
