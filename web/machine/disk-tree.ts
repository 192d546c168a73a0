// The files on the disk as it is now, read out of its directories: programs make, rename and remove
// files. See the DISK part of assembly/abi.ts for the records.
import {
  Conf,
  DI_EXTENT,
  DI_MODE,
  DI_SIZE,
  DISK_EXTENT_SIZE,
  DISK_INODE_SIZE,
  DISK_ROOT_INO,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_NEXT,
  PAGE_SIZE,
  RAM_BASE,
  SB_EXTENT_BLOCK,
  SB_INODE_BLOCK,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
/** Directories inside each other that are followed. */
const MAX_DEPTH = 64;

/** The first path of each inode that has one: "/" first, then directory by directory. */
export function diskPaths(core: Core): Map<number, string> {
  const paths = new Map<number, string>([[DISK_ROOT_INO, "/"]]);
  const disk = RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE;
  const table = (at: number) => disk + core.getU32(disk + at) * PAGE_SIZE;
  const inodes = table(SB_INODE_BLOCK);
  const extents = table(SB_EXTENT_BLOCK);
  const text = new TextDecoder();

  const list = (ino: number, path: string, depth: number) => {
    const at = inodes + (ino - 1) * DISK_INODE_SIZE;
    const below: [number, string][] = [];
    let left = core.getNumber(at + DI_SIZE);
    for (let next = core.getU32(at + DI_EXTENT); next !== 0 && left > 0; ) {
      const record = extents + (next - 1) * DISK_EXTENT_SIZE;
      const first = disk + core.getU32(record + EXTENT_DATA) * PAGE_SIZE;
      const end = first + Math.min(left, core.getU32(record + EXTENT_BLOCKS) * PAGE_SIZE);
      left -= end - first;
      for (let entry = first, length = 0; entry < end; entry += length) {
        length = core.getU16(entry + 4);
        if (length < 8) break;
        const child = core.getU32(entry);
        const bytes = core.bytes.subarray(entry + 8, entry + 8 + core.getU8(entry + 6));
        const name = text.decode(bytes);
        if (child === 0 || name === "." || name === ".." || paths.has(child)) continue;
        const full = `${path === "/" ? "" : path}/${name}`;
        paths.set(child, full);
        const mode = core.getU32(inodes + (child - 1) * DISK_INODE_SIZE + DI_MODE);
        if ((mode & S_IFMT) === S_IFDIR && depth < MAX_DEPTH) below.push([child, full]);
      }
      next = core.getU32(record + EXTENT_NEXT);
    }
    for (const [child, full] of below) list(child, full, depth + 1);
  };
  list(DISK_ROOT_INO, "/", 0);
  return paths;
}
