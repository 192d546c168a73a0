// Files as the kernel knows them: the inode in memory, made from the inode on the disk
// when somebody first uses the file, and where on the disk each of its pages lies.
//
//   disk   superblock | inode table | extent table | data blocks ...
//                            |             |
//   inode (in core) <--------+             +--> { first page, blocks, lba, block }
//      |
//      +-- pages of the file that are in memory: the page cache (filemap.ts)
//
// In Linux: include/linux/fs.h, fs/inode.c iget_locked(), fs/ext4/extents.c (6.12).
// Left out, in this first part: writing to files, timestamps; the inode and extent
// tables are taken to be in memory already (their disk reads are not simulated).
import {
  DI_EXTENT,
  DI_GID,
  DI_MODE,
  DI_NR_EXTENTS,
  DI_SIZE,
  DI_UID,
  DISK_EXTENT_SIZE,
  DISK_INODE_SIZE,
  DISK_MAGIC,
  INODES,
  INODE_I_MMAP,
  INODE_NRPAGES,
  INODE_SIZE,
  INODE_SIZE_OF,
  NR_INODES,
  PROC_INO,
  SB_EXTENT_BLOCK,
  SB_INODES,
  SB_INODE_BLOCK,
  SB_MAGIC,
} from "../abi";
import { disk_base, disk_block } from "../hw/disk";
import { vm_area_struct } from "./mm_types";
import { proc_fill_inode } from "./procfs";

export const S_IFMT: u32 = 0xf000;
export const S_IFDIR: u32 = 0x4000;
export const S_IFREG: u32 = 0x8000;
export const S_IFLNK: u32 = 0xa000;

@unmanaged
export class inode {
  i_ino!: u32;
  i_count!: u32; // files and walks that use it
  i_mode!: u32;
  i_uid!: u32;
  i_gid!: u32;
  i_nrpages!: u32; // of its pages in the page cache
  i_size!: u64;
  i_extent!: u32; // first of its extents in the extent table
  i_nr_extents!: u32;
  i_mmap!: vm_area_struct | null; // the areas that map it, see rmap.ts
  pad0!: u32;
  pad1!: u64;
  pad2!: u64;
}

/** No such inode. */
export const NO_INODE: u32 = 0;

// @nomark
export function inode_at(address: u32): inode {
  return changetype<inode>(<usize>address);
}

/** Is there a disk with a filesystem on it? */
// @nomark
export function disk_is_formatted(): bool {
  return load<u32>(disk_base(), SB_MAGIC) == DISK_MAGIC;
}

/**
 * The in-core inode of number `ino`, read from the disk when it is not in memory.
 * => its address with one reference more, or NO_INODE when the number does not exist or
 * all in-core inodes are in use.
 */
export function iget(ino: u32): u32 {
  const in_proc = ino >= <u32>PROC_INO;
  if (ino == 0) return NO_INODE;
  if (!in_proc && ino > load<u32>(disk_base(), SB_INODES)) return NO_INODE;
  let free: u32 = NO_INODE;
  for (let i: u32 = 0; i < <u32>NR_INODES; i++) {
    const p = INODES + <usize>i * INODE_SIZE_OF;
    if (load<u32>(p) == ino) {
      inode_at(<u32>p).i_count++;
      if (in_proc) proc_fill_inode(inode_at(<u32>p), ino);
      return <u32>p;
    }
    // One without users and without pages in memory may be forgotten.
    if (free == NO_INODE && inode_is_unused(p)) free = <u32>p;
    if (load<u32>(p) == 0) break;
  }
  if (free == NO_INODE) return NO_INODE;
  if (in_proc) return proc_new_inode(free, ino);
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

// @nomark
function inode_is_unused(p: usize): bool {
  return changetype<inode>(p).i_count == 0 && changetype<inode>(p).i_nrpages == 0;
}

/** Fills the in-core inode at `p` from the inode table. */
// @nomark
function read_inode(p: u32, ino: u32): void {
  const table = disk_block(load<u32>(disk_base(), SB_INODE_BLOCK));
  const di = table + <usize>(ino - 1) * DISK_INODE_SIZE;
  const node = inode_at(p);
  memory.fill(p, 0, INODE_SIZE_OF);
  node.i_ino = ino;
  node.i_count = 1;
  node.i_mode = load<u32>(di, DI_MODE);
  node.i_uid = load<u32>(di, DI_UID);
  node.i_gid = load<u32>(di, DI_GID);
  node.i_size = load<u64>(di, DI_SIZE);
  node.i_extent = load<u32>(di, DI_EXTENT);
  node.i_nr_extents = load<u32>(di, DI_NR_EXTENTS);
}

/** Drops a reference taken by iget. The inode stays known while it has pages. */
// @nomark
export function iput(p: u32): void {
  const node = inode_at(p);
  assert(node.i_count > 0);
  node.i_count--;
}

/**
 * Where page `index` of the file lies.
 * => address of the extent record { first page, blocks, lba, image block }, or 0: a
 * hole, which reads as zeros.
 */
export function bmap(node: inode, index: u64): usize {
  const table = disk_block(load<u32>(disk_base(), SB_EXTENT_BLOCK));
  let at = table + <usize>node.i_extent * DISK_EXTENT_SIZE;
  for (let i: u32 = 0; i < node.i_nr_extents; i++, at += DISK_EXTENT_SIZE) {
    const first: u64 = load<u32>(at);
    const blocks: u64 = load<u32>(at, 4);
    if (index >= first && index < first + blocks) return at;
  }
  return 0;
}

/** Disk address of page `index` in the extent at `at`. */
// @nomark
export function extent_lba(at: usize, index: u64): u32 {
  return load<u32>(at, 8) + <u32>index - load<u32>(at);
}

/** Image block of page `index` in the extent at `at`. */
// @nomark
export function extent_data(at: usize, index: u64): u32 {
  return load<u32>(at, 12) + <u32>index - load<u32>(at);
}

/** Pages a file of this size has, its last one perhaps partly. */
// @nomark
export function inode_pages(node: inode): u64 {
  return (node.i_size + 4095) >> 12;
}

if (offsetof<inode>() != INODE_SIZE_OF) ERROR("abi: INODE_SIZE_OF");
if (offsetof<inode>("i_nrpages") != INODE_NRPAGES) ERROR("abi: INODE_NRPAGES");
if (offsetof<inode>("i_size") != INODE_SIZE) ERROR("abi: INODE_SIZE");
if (offsetof<inode>("i_mmap") != INODE_I_MMAP) ERROR("abi: INODE_I_MMAP");
