// Files as the kernel knows them: the inode in memory, made from the inode on the disk
// when somebody first uses the file.
//
//   disk   superblock | bitmaps | inode table | extent table | data blocks ...
//                                      |             |
//   inode (in core) <----- iget -------+             +--> where pages lie: extents.ts
//      |
//      +-- pages of the file that are in memory: the page cache (filemap.ts)
//
//   i_count   openings, walks and working directories that use it. The last iput of an
//             inode without a name (i_nlink is 0) frees its blocks and its number
//
// A change is written to the inode table at once (mark_inode_dirty): the table is taken
// to be in memory. Other inodes have no table: i_kind says whose they are.
//
// In Linux: include/linux/fs.h, fs/inode.c iget_locked(), iput_final(),
// atime_needs_update(), fs/ext4/inode.c ext4_iget(), ext4_do_update_inode() (6.12).
// Left out: writing the tables to the disk costs nothing, the journal.
import {
  CONF_BASE,
  Conf,
  DI_ATIME,
  DI_BLOCKS,
  DI_BTIME,
  DI_CTIME,
  DI_EXTENT,
  DI_GID,
  DI_MODE,
  DI_MTIME,
  DI_NLINK,
  DI_NR_EXTENTS,
  DI_RDEV,
  DI_SIZE,
  DI_UID,
  DISK_INODE_SIZE,
  DISK_MAGIC,
  INODES,
  INODE_ATIME,
  INODE_BLOCKS,
  INODE_BTIME,
  INODE_CTIME,
  INODE_I_MMAP,
  INODE_KIND,
  INODE_MTIME,
  INODE_NLINK,
  INODE_NRPAGES,
  INODE_PRIVATE,
  INODE_RDEV,
  INODE_SIZE,
  INODE_SIZE_OF,
  InodeKind,
  NR_INODES,
  PROC_INO,
  SB_INODES,
  SB_INODE_BLOCK,
  SB_MAGIC,
} from "../abi";
import { now_ps } from "../hw/clock";
import { disk_base, disk_block, disk_written } from "../hw/disk";
import { is_pwd } from "./fs_struct";
import { ext2_evict_inode } from "./ialloc";
import { filemap_write_and_wait_range } from "./page_writeback";
import { truncate_inode_pages } from "./truncate";
import { xa_forget_mapping } from "./xa_values";
import { vm_area_struct } from "./mm_types";
import { proc_fill_inode } from "./procfs";
import { shmem_evict_inode } from "./shmem";
import { proposal_file_changed } from "../proposal/proposal";

export const S_IFMT: u32 = 0xf000;
export const S_IFCHR: u32 = 0x2000;
export const S_IFDIR: u32 = 0x4000;
export const S_IFREG: u32 = 0x8000;
export const S_IFLNK: u32 = 0xa000;

@unmanaged
export class inode {
  i_ino!: u32;
  i_count!: u32; // files, walks and working directories that use it
  i_mode!: u32;
  i_uid!: u32;
  i_gid!: u32;
  i_nrpages!: u32; // of its pages in the page cache
  i_size!: u64;
  i_extent!: u32; // its first extent's record + 1, 0 none
  i_nr_extents!: u32;
  i_nlink!: u32; // names
  i_kind!: u32; // InodeKind
  i_rdev!: u32; // of a device: major << 8 | minor
  i_blocks!: u32; // blocks of the disk it has
  i_mtime!: u64; // ns since 1970: contents changed
  i_ctime!: u64; // anything changed
  i_atime!: u64; // read
  i_btime!: u64; // made
  i_mmap!: vm_area_struct | null; // the areas that map it, see rmap.ts
  /** What a filesystem without a disk keeps for it. */
  i_private!: u32;
  /** 1 when a write of its pages has failed and nobody has been told yet. */
  i_wb_err!: u32;
  pad0!: u32;
  pad1!: u64;
  pad2!: u64;
  pad3!: u64;
}

/** No such inode. */
export const NO_INODE: u32 = 0;

// @nomark
export function inode_at(address: u32): inode {
  return changetype<inode>(<usize>address);
}

/** The kind of file: S_IFREG and so on. */
// @nomark
export function file_type(node: inode): u32 {
  return node.i_mode & S_IFMT;
}

// @nomark
export function is_dir(node: inode): bool {
  return (node.i_mode & S_IFMT) == S_IFDIR;
}

/** Is there a disk with a filesystem on it? */
// @nomark
export function disk_is_formatted(): bool {
  return load<u32>(disk_base(), SB_MAGIC) == DISK_MAGIC;
}

/**
 * The in-core inode of number `ino`, read from the disk when it is not in memory.
 * => its address with one reference more, or NO_INODE when there is no such file or all
 * in-core inodes are in use.
 */
export function iget(ino: u32): u32 {
  const in_proc = ino >= <u32>PROC_INO;
  const kind: u32 = in_proc ? InodeKind.proc : InodeKind.disk;
  if (ino == 0) return NO_INODE;
  if (!in_proc && ino > load<u32>(disk_base(), SB_INODES)) return NO_INODE;
  let free: u32 = NO_INODE;
  for (let i: u32 = 0; i < <u32>NR_INODES; i++) {
    const p = INODES + <usize>i * INODE_SIZE_OF;
    if (load<u32>(p) == ino && changetype<inode>(p).i_kind == kind) {
      inode_at(<u32>p).i_count++;
      if (in_proc) proc_fill_inode(inode_at(<u32>p), ino);
      return <u32>p;
    }
    // One without users and without pages in memory may be forgotten.
    if (free == NO_INODE && inode_is_unused(p)) free = <u32>p;
    if (load<u32>(p) == 0) break;
  }
  if (free == NO_INODE) free = prune_icache();
  if (free == NO_INODE) return NO_INODE;
  if (in_proc) return proc_new_inode(free, ino);
  if (load<u32>(raw_inode(ino), DI_MODE) == 0) return NO_INODE;
  read_inode(free, ino);
  return free;
}

/** => the in-core inode at `p`, now that of a file of /proc, or NO_INODE. */
// @nomark
function proc_new_inode(p: u32, ino: u32): u32 {
  const node = inode_at(p);
  if (!proc_fill_inode(node, ino)) return NO_INODE;
  node.i_count = 1;
  return p;
}

/** A cleared in-core inode that nobody uses. => its address, or NO_INODE. */
export function new_inode(): u32 {
  for (let i: u32 = 0; i < <u32>NR_INODES; i++) {
    const p = INODES + <usize>i * INODE_SIZE_OF;
    if (inode_is_unused(p)) return clear_inode(<u32>p);
  }
  const freed = prune_icache();
  return freed == NO_INODE ? NO_INODE : clear_inode(freed);
}

/** Nothing is left of the file that was in-core inode `p`. => `p` */
// @nomark
function clear_inode(p: u32): u32 {
  memory.fill(p, 0, INODE_SIZE_OF);
  xa_forget_mapping(p);
  return p;
}

/**
 * All in-core inodes have pages in memory, or users: one without users loses its pages.
 * => its address, or NO_INODE.
 */
function prune_icache(): u32 {
  for (let i: u32 = 0; i < <u32>NR_INODES; i++) {
    const p = INODES + <usize>i * INODE_SIZE_OF;
    const node = changetype<inode>(p);
    if (node.i_count != 0 || node.i_kind != InodeKind.disk) continue;
    filemap_write_and_wait_range(node, 0, u32.MAX_VALUE);
    truncate_inode_pages(node, 0);
    return <u32>p;
  }
  return NO_INODE;
}

// @nomark
function inode_is_unused(p: usize): bool {
  return changetype<inode>(p).i_count == 0 && changetype<inode>(p).i_nrpages == 0;
}

/** Address of inode number `ino` in the table. */
// @nomark
function raw_inode(ino: u32): usize {
  const table = disk_block(load<u32>(disk_base(), SB_INODE_BLOCK));
  return table + <usize>(ino - 1) * DISK_INODE_SIZE;
}

/** Fills the in-core inode at `p` from the inode table. */
// @nomark
function read_inode(p: u32, ino: u32): void {
  const di = raw_inode(ino);
  const node = inode_at(p);
  clear_inode(p);
  node.i_ino = ino;
  node.i_count = 1;
  node.i_mode = load<u32>(di, DI_MODE);
  node.i_uid = load<u32>(di, DI_UID);
  node.i_gid = load<u32>(di, DI_GID);
  node.i_nlink = load<u32>(di, DI_NLINK);
  node.i_size = load<u64>(di, DI_SIZE);
  node.i_extent = load<u32>(di, DI_EXTENT);
  node.i_nr_extents = load<u32>(di, DI_NR_EXTENTS);
  node.i_rdev = load<u32>(di, DI_RDEV);
  node.i_blocks = load<u32>(di, DI_BLOCKS);
  node.i_mtime = load<u64>(di, DI_MTIME);
  node.i_ctime = load<u64>(di, DI_CTIME);
  node.i_atime = load<u64>(di, DI_ATIME);
  node.i_btime = load<u64>(di, DI_BTIME);
}

/** Writes the in-core inode back to the table, if it is one of the disk. */
// @nomark
export function mark_inode_dirty(node: inode): void {
  if (node.i_kind != InodeKind.disk) return;
  const di = raw_inode(node.i_ino);
  disk_written(di);
  store<u32>(di, node.i_mode, DI_MODE);
  store<u32>(di, node.i_uid, DI_UID);
  store<u32>(di, node.i_gid, DI_GID);
  store<u32>(di, node.i_nlink, DI_NLINK);
  store<u64>(di, node.i_size, DI_SIZE);
  store<u32>(di, node.i_extent, DI_EXTENT);
  store<u32>(di, node.i_nr_extents, DI_NR_EXTENTS);
  store<u32>(di, node.i_rdev, DI_RDEV);
  store<u32>(di, node.i_blocks, DI_BLOCKS);
  store<u64>(di, node.i_mtime, DI_MTIME);
  store<u64>(di, node.i_ctime, DI_CTIME);
  store<u64>(di, node.i_atime, DI_ATIME);
  store<u64>(di, node.i_btime, DI_BTIME);
}

/** Another user of the inode. */
// @nomark
export function ihold(p: u32): void {
  inode_at(p).i_count++;
}

/**
 * Drops a reference taken by iget. The inode stays known while it has pages; without a
 * name it goes with its last user, and its blocks with it.
 */
export function iput(p: u32): void {
  const node = inode_at(p);
  assert(node.i_count > 0);
  node.i_count--;
  if (node.i_count > 0 || node.i_nlink > 0) return;
  if (node.i_kind == InodeKind.shmem) {
    shmem_evict_inode(node);
    return;
  }
  if (node.i_kind != InodeKind.disk) return;
  if (!is_pwd(node.i_ino)) ext2_evict_inode(node);
}

/** Pages a file of this size has, its last one perhaps partly. */
// @nomark
export function inode_pages(node: inode): u64 {
  return (node.i_size + 4095) >> 12;
}

/**
 * The time that files are stamped with: ns since 1970, of the last tick (250 a second).
 */
// @nomark
export function current_time(): u64 {
  const epoch = load<u64>(CONF_BASE + Conf.epoch * 8);
  const now = epoch * 1000000000 + now_ps() / 1000;
  return now - (now % 4000000);
}

/** The contents change now: both times say so. */
// @nomark
export function file_update_time(node: inode): void {
  proposal_file_changed(node);
  inode_update_time(node);
}

/** The same for what the kernel writes of its own, which no program is made of. */
// @nomark
export function inode_update_time(node: inode): void {
  const now = current_time();
  if (node.i_mtime == now && node.i_ctime == now) return;
  node.i_mtime = now;
  node.i_ctime = now;
  mark_inode_dirty(node);
}

/**
 * The file was read. As mounted by default (relatime), that is written down when it was
 * changed since, or a day ago.
 */
// @nomark
export function touch_atime(node: inode): void {
  const now = current_time();
  const day: u64 = 86400000000000;
  const stale = node.i_atime <= node.i_mtime || node.i_atime <= node.i_ctime;
  if (!stale && now - node.i_atime < day) return;
  if (node.i_atime == now) return;
  node.i_atime = now;
  mark_inode_dirty(node);
}

if (offsetof<inode>() != INODE_SIZE_OF) ERROR("abi: INODE_SIZE_OF");
if (offsetof<inode>("i_nrpages") != INODE_NRPAGES) ERROR("abi: INODE_NRPAGES");
if (offsetof<inode>("i_size") != INODE_SIZE) ERROR("abi: INODE_SIZE");
if (offsetof<inode>("i_mmap") != INODE_I_MMAP) ERROR("abi: INODE_I_MMAP");
if (offsetof<inode>("i_private") != INODE_PRIVATE) ERROR("abi: INODE_PRIVATE");
if (offsetof<inode>("i_nlink") != INODE_NLINK) ERROR("abi: INODE_NLINK");
if (offsetof<inode>("i_kind") != INODE_KIND) ERROR("abi: INODE_KIND");
if (offsetof<inode>("i_rdev") != INODE_RDEV) ERROR("abi: INODE_RDEV");
if (offsetof<inode>("i_blocks") != INODE_BLOCKS) ERROR("abi: INODE_BLOCKS");
if (offsetof<inode>("i_mtime") != INODE_MTIME) ERROR("abi: INODE_MTIME");
if (offsetof<inode>("i_ctime") != INODE_CTIME) ERROR("abi: INODE_CTIME");
if (offsetof<inode>("i_atime") != INODE_ATIME) ERROR("abi: INODE_ATIME");
if (offsetof<inode>("i_btime") != INODE_BTIME) ERROR("abi: INODE_BTIME");
