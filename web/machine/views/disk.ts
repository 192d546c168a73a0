// The inodes and the head of the simulated disk.
import {
  Conf,
  DISK_EXTENT_SIZE,
  DISK_HEAD,
  DISK_INODE_SIZE,
  DISK_LAST_LBA,
  DISK_LAST_NR,
  DISK_PAGES,
  DISK_PAGES_WRITTEN,
  DISK_READS,
  DISK_SEEKS,
  DI_EXTENT,
  DI_MODE,
  DI_NR_EXTENTS,
  DI_SIZE,
  DISK_WRITES,
  EXTENT_BLOCKS,
  EXTENT_LBA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  INODE_INO,
  INODE_SIZE,
  PAGE_SIZE,
  RAM_BASE,
  SB_EXTENT_BLOCK,
  SB_INODES,
  SB_INODE_BLOCK,
  SB_LBAS,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";

const S_IFMT = 0xf000;
const S_IFDIR = 0x4000;
const S_IFREG = 0x8000;

function diskBase(core: Core): number {
  return RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE;
}

export interface DiskFile {
  ino: number;
  mode: number;
  regular: boolean;
  directory: boolean;
  size: number;
  /** First page, blocks, lba. */
  extents: { page: number; blocks: number; lba: number }[];
}

/** An inode as it is on the disk, or null when there is none of this number. */
export function diskFile(core: Core, ino: number): DiskFile | null {
  const base = diskBase(core);
  if (ino < 1 || ino > core.getU32(base + SB_INODES)) return null;
  const at = base + core.getU32(base + SB_INODE_BLOCK) * PAGE_SIZE + (ino - 1) * DISK_INODE_SIZE;
  const mode = core.getU32(at + DI_MODE);
  if (mode === 0) return null;
  const table = base + core.getU32(base + SB_EXTENT_BLOCK) * PAGE_SIZE;
  let next = core.getU32(at + DI_EXTENT);
  const extents = Array.from({ length: core.getU32(at + DI_NR_EXTENTS) }, () => {
    const record = table + (next - 1) * DISK_EXTENT_SIZE;
    next = core.getU32(record + EXTENT_NEXT);
    return {
      page: core.getU32(record + EXTENT_PAGE),
      blocks: core.getU32(record + EXTENT_BLOCKS),
      lba: core.getU32(record + EXTENT_LBA),
    };
  });
  return {
    ino,
    mode,
    regular: (mode & S_IFMT) === S_IFREG,
    directory: (mode & S_IFMT) === S_IFDIR,
    size: core.getNumber(at + DI_SIZE),
    extents,
  };
}

/** Where page `index` of a file lies on the disk, -1 in a hole. */
export function lbaOf(file: DiskFile, index: number): number {
  const extent = file.extents.find(({ page, blocks }) => index >= page && index < page + blocks);
  return extent ? extent.lba + index - extent.page : -1;
}

export function disk(core: Core) {
  return {
    head: core.getU32(DISK_HEAD),
    lbas: core.getU32(diskBase(core) + SB_LBAS),
    reads: core.getNumber(DISK_READS),
    pages: core.getNumber(DISK_PAGES),
    seeks: core.getNumber(DISK_SEEKS),
    writes: core.getNumber(DISK_WRITES),
    pagesWritten: core.getNumber(DISK_PAGES_WRITTEN),
    lastLba: core.getU32(DISK_LAST_LBA),
    lastNr: core.getU32(DISK_LAST_NR),
  };
}

/** Size of a file in core. @param inode address of the struct inode */
export function inodeSize(core: Core, inode: number): number {
  return core.getNumber(inode + INODE_SIZE);
}

export function inodeNumber(core: Core, inode: number): number {
  return core.getU32(inode + INODE_INO);
}
