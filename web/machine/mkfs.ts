// mkfs: a tree of files becomes the simulated disk. Two things are laid out, and they differ:
// the image (what the bytes are, packed, at DISK_BASE) and the disk (where the head must go:
// each extent's lba). See the DISK part of assembly/abi.ts for the records.
//
// Placement follows ext2's block groups: a directory has a group of 128 MiB to itself, its files
// follow each other in it with gaps, so a file's blocks are near each other and two files are
// a seek apart. What is free lies in one piece where there is room for it.
import {
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
  DISK_EXTENT_SIZE,
  DISK_INODE_SIZE,
  DISK_MAGIC,
  DISK_ROOT_INO,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_LBA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  PAGE_SIZE,
  SB_BLOCK_BITMAP,
  SB_BLOCKS,
  SB_DATA_BLOCK,
  SB_EXTENT_BLOCK,
  SB_EXTENTS,
  SB_EXTENTS_USED,
  SB_FREE_BLOCKS,
  SB_FREE_INODES,
  SB_INODE_BITMAP,
  SB_INODE_BLOCK,
  SB_INODES,
  SB_LBA_BLOCK,
  SB_LBAS,
  SB_MAGIC,
} from "../../assembly/abi.ts";
import { type Extent, type Layout, MkfsError, Placement } from "./placement.ts";

export { type Extent, type Layout, MkfsError } from "./placement.ts";

/** A file whose bytes are fetched when the image is written: a host file need not fit twice. */
export interface LazyData {
  size: number;
  /** Fills `into`, which is `size` bytes of zeros. */
  read(into: Uint8Array): void;
}

interface Attributes {
  /** Permission bits, 0o7777 at most. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds since 1970. */
  mtime?: number;
  /** The same to the nanosecond, where it is known so (kept-disk.ts). */
  mtimeNs?: bigint;
  /** Its number on the disk it comes from; without one it gets the next that is free. */
  ino?: number;
  /** Where pages of it already lie (kept-disk.ts); those in none of them are placed as new. */
  extents?: readonly Extent[];
}
export interface FileNode extends Attributes {
  kind: "file";
  data: Uint8Array | LazyData;
  layout?: Layout;
}
export interface LinkNode extends Attributes {
  kind: "symlink";
  target: string;
}
export interface DirectoryNode extends Attributes {
  kind: "directory";
  /** By name; the order is the order on the disk. */
  entries: Map<string, TreeNode>;
}
/** A character device, /dev/null for one. */
export interface DeviceNode extends Attributes {
  kind: "device";
  major: number;
  minor: number;
}
export type TreeNode = FileNode | LinkNode | DirectoryNode | DeviceNode;

export interface MkfsOptions {
  /** Size of the simulated disk in blocks of 4 KiB; 10,485,760 are 40 GiB, a disk of 2004. */
  lbas?: number;
  /** For files that do not say. */
  layout?: Layout;
  /** For nodes that do not say; seconds since 1970. */
  mtime?: number;
  /** Blocks and inodes for what programs will write; 1024 (4 MiB) and 512. */
  freeBlocks?: number;
  freeInodes?: number;
  /** The tree as given: without the files of `standardTree`. */
  bare?: boolean;
}

/** A planned disk: write() fills exactly `blocks` blocks. */
export interface DiskImage {
  /** Where the blocks of each path lie. */
  extents: Map<string, readonly Extent[]>;
  blocks: number;
  lbas: number;
  /** Blocks behind the files, all zeros. */
  freeBlocks: number;
  /** Inode of each path ("/", "/hello"): for looking a file up again. */
  inodes: Map<string, number>;
  /** @param into `blocks * 4096` bytes of zeros */
  write(into: Uint8Array): void;
  /** What write() puts into one block: to undo what a program did to it. */
  original(block: number): Uint8Array;
}

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const NAME_MAX = 255;
const FILE_TYPE = { file: 1, directory: 2, device: 3, symlink: 7 } as const;
const PATH_MAX = 4096;

interface Inode {
  ino: number;
  node: TreeNode;
  path: string;
  data: Uint8Array | LazyData;
  size: number;
  nlink: number;
  extents: Extent[];
}

/** A new, empty directory. */
export function directory(entries: Record<string, TreeNode> = {}, mode = 0o755): DirectoryNode {
  return { kind: "directory", mode, entries: new Map(Object.entries(entries)) };
}

/** A regular file; 0755 lets it be executed. */
export function file(data: Uint8Array | LazyData, mode = 0o755, layout?: Layout): FileNode {
  return layout ? { kind: "file", data, mode, layout } : { kind: "file", data, mode };
}

/**
 * Puts a node at a path, making the directories on the way.
 *
 * @throws MkfsError when a part of the path is there and is no directory.
 */
export function place(root: DirectoryNode, path: string, node: TreeNode): void {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const last = names.pop();
  if (last === undefined) throw new MkfsError(`"${path}" names no file`);
  let folder = root;
  for (const name of names) {
    let next = folder.entries.get(name);
    if (!next) {
      next = directory();
      folder.entries.set(name, next);
    }
    if (next.kind !== "directory") throw new MkfsError(`"${name}" in "${path}" is no directory`);
    folder = next;
  }
  folder.entries.set(last, node);
}

/** The node at a path without following symbolic links, or undefined. */
export function find(root: DirectoryNode, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
    node = node?.kind === "directory" ? node.entries.get(name) : undefined;
  }
  return node;
}

/** The devices that programs take for granted, by name: major and minor number. */
const DEVICES: Record<string, [number, number]> = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};
const DEVICE_LINKS: Record<string, string> = {
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
};

/**
 * What every machine has, whatever is put on its disk: /dev with its devices, a /tmp that
 * anybody may write to, and the empty directory /proc. What the tree has already stays.
 *
 * @returns a copy where it differs from `root`.
 */
export function standardTree(root: DirectoryNode): DirectoryNode {
  const entries = new Map(root.entries);
  const old = entries.get("dev");
  if (!old || old.kind === "directory") {
    const dev: DirectoryNode = old ? { ...old, entries: new Map(old.entries) } : directory();
    for (const [name, [major, minor]] of Object.entries(DEVICES)) {
      if (dev.entries.has(name)) continue;
      dev.entries.set(name, { kind: "device", mode: 0o666, major, minor });
    }
    for (const [name, target] of Object.entries(DEVICE_LINKS)) {
      if (!dev.entries.has(name)) dev.entries.set(name, { kind: "symlink", target });
    }
    entries.set("dev", dev);
  }
  if (!entries.has("tmp")) entries.set("tmp", directory({}, 0o1777));
  if (!entries.has("proc")) entries.set("proc", directory({}, 0o555));
  return { ...root, entries };
}

/**
 * Plans a disk that holds a tree.
 *
 * @param root becomes "/" (inode 2).
 * @throws MkfsError when a name or a link's target is not possible, or the disk is too small.
 */
export function mkfs(root: DirectoryNode, options: MkfsOptions = {}): DiskImage {
  const lbas = options.lbas ?? 10 * 1024 * 1024;
  const inodes = number(options.bare ? root : standardTree(root));
  const where = new Placement(lbas);
  where.reserve(inodes.flatMap((inode) => keptExtents(inode)));
  for (const inode of inodes) {
    const layout = (inode.node.kind === "file" && inode.node.layout) || options.layout;
    const directory = inode.node.kind === "directory";
    const blocks = blocksOf(inode.size);
    const kept = keptExtents(inode);
    inode.extents =
      kept.length > 0
        ? where.complete(kept, blocks)
        : where.place(inode.path, directory, blocks, layout ?? "copied");
  }
  const free = where.takeFree(options.freeBlocks ?? 1024);
  // The root is one of the first ten.
  const usedInodes = 10 + inodes.length - 1;
  const lastInode = inodes.reduce((last, { ino }) => Math.max(last, ino), 10);
  const nrInodes = lastInode + (options.freeInodes ?? 512);
  const nrExtents = inodes.reduce((sum, inode) => sum + inode.extents.length, 0);
  const dataBlocks = inodes.reduce((sum, inode) => sum + blocksOf(inode.size), 0);
  // Every extent has a block, so there are never more of them than blocks.
  const extentRoom = dataBlocks + free.length;
  const tables = layTables(dataBlocks + free.length, nrInodes, extentRoom);
  const dataBlock = tables.data;
  const blocks = dataBlock + dataBlocks + free.length;

  const writeTables = (into: Uint8Array) => {
    const view = new DataView(into.buffer, into.byteOffset, into.length);
    const u32 = (at: number, value: number) => view.setUint32(at, value, true);
    const time = ({ mtime, mtimeNs }: TreeNode) =>
      mtimeNs ?? BigInt(mtime ?? options.mtime ?? 0) * 1_000_000_000n;
    const use = (bitmap: number, from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const at = bitmap * PAGE_SIZE + (i >> 3);
        into[at] = (into[at] as number) | (1 << (i & 7));
      }
    };
    for (const [at, value] of [
      [SB_MAGIC, DISK_MAGIC],
      [SB_BLOCKS, blocks],
      [SB_INODES, nrInodes],
      [SB_INODE_BLOCK, tables.inodes],
      [SB_EXTENT_BLOCK, tables.extents],
      [SB_EXTENTS, extentRoom],
      [SB_LBAS, lbas],
      [SB_BLOCK_BITMAP, tables.blockBitmap],
      [SB_INODE_BITMAP, tables.inodeBitmap],
      [SB_LBA_BLOCK, tables.lbas],
      [SB_DATA_BLOCK, dataBlock],
      [SB_FREE_BLOCKS, free.length],
      [SB_FREE_INODES, nrInodes - usedInodes],
      [SB_EXTENTS_USED, nrExtents],
    ] as const) {
      u32(at, value);
    }
    use(tables.blockBitmap, 0, blocks - free.length);
    use(tables.inodeBitmap, 0, 10);
    for (const { ino } of inodes) use(tables.inodeBitmap, ino - 1, ino);
    const lieAt = (block: number, lba: number) => u32(tables.lbas * PAGE_SIZE + block * 4, lba);
    free.forEach((lba, i) => {
      lieAt(dataBlock + dataBlocks + i, lba);
    });
    let extent = 0;
    let block = dataBlock;
    for (const inode of inodes) {
      const { node } = inode;
      const at = tables.inodes * PAGE_SIZE + (inode.ino - 1) * DISK_INODE_SIZE;
      u32(at + DI_MODE, modeOf(node));
      u32(at + DI_UID, node.uid ?? 0);
      u32(at + DI_GID, node.gid ?? 0);
      u32(at + DI_NLINK, inode.nlink);
      view.setBigUint64(at + DI_SIZE, BigInt(inode.size), true);
      u32(at + DI_EXTENT, inode.extents.length > 0 ? extent + 1 : 0);
      u32(at + DI_NR_EXTENTS, inode.extents.length);
      u32(at + DI_BLOCKS, blocksOf(inode.size));
      if (node.kind === "device") u32(at + DI_RDEV, (node.major << 8) | node.minor);
      for (const field of [DI_MTIME, DI_CTIME, DI_ATIME, DI_BTIME]) {
        view.setBigUint64(at + field, time(node), true);
      }
      inode.extents.forEach(({ page, blocks: length, lba }, i) => {
        const record = tables.extents * PAGE_SIZE + extent++ * DISK_EXTENT_SIZE;
        u32(record + EXTENT_PAGE, page);
        u32(record + EXTENT_BLOCKS, length);
        u32(record + EXTENT_LBA, lba);
        u32(record + EXTENT_DATA, block + page);
        u32(record + EXTENT_NEXT, i + 1 < inode.extents.length ? extent + 1 : 0);
        for (let b = 0; b < length; b++) lieAt(block + page + b, lba + b);
      });
      block += blocksOf(inode.size);
    }
  };
  const write = (into: Uint8Array) => {
    if (into.length !== blocks * PAGE_SIZE) throw new RangeError("the image has another size");
    writeTables(into);
    let at = dataBlock * PAGE_SIZE;
    for (const { data, size } of inodes) {
      const room = into.subarray(at, at + size);
      if (data instanceof Uint8Array) room.set(data);
      else data.read(room);
      at += blocksOf(size) * PAGE_SIZE;
    }
  };
  let tableBytes: Uint8Array | null = null;
  const original = (block: number) => {
    if (block < dataBlock) {
      if (!tableBytes) {
        tableBytes = new Uint8Array(dataBlock * PAGE_SIZE);
        writeTables(tableBytes);
      }
      return tableBytes.slice(block * PAGE_SIZE, (block + 1) * PAGE_SIZE);
    }
    const page = new Uint8Array(PAGE_SIZE);
    let first = dataBlock;
    for (const { data, size } of inodes) {
      const at = (block - first) * PAGE_SIZE;
      if (at >= 0 && at < size) {
        const bytes = data instanceof Uint8Array ? data : new Uint8Array(size);
        if (!(data instanceof Uint8Array)) data.read(bytes);
        page.set(bytes.subarray(at, at + PAGE_SIZE));
        break;
      }
      first += blocksOf(size);
    }
    return page;
  };
  return {
    blocks,
    lbas,
    freeBlocks: free.length,
    write,
    original,
    inodes: new Map(inodes.map(({ path, ino }) => [path, ino])),
    extents: new Map(inodes.map(({ path, extents }) => [path, extents])),
  };
}

/** First blocks of the tables of a disk with so many blocks of data, inodes and extents. */
function layTables(dataBlocks: number, nrInodes: number, nrExtents: number) {
  const inodeBitmap = 1;
  const inodes = inodeBitmap + blocksOf(nrInodes / 8);
  const extents = inodes + blocksOf(nrInodes * DISK_INODE_SIZE);
  const blockBitmap = extents + blocksOf(nrExtents * DISK_EXTENT_SIZE);
  // The last two tables have room for every block, their own ones too.
  const others = blockBitmap + dataBlocks;
  const lbas = blockBitmap + blocksOf(others / 8) + 1;
  const data = lbas + blocksOf((others + others / 512) * 4) + 1;
  return { inodeBitmap, inodes, extents, blockBitmap, lbas, data };
}

/** Those of the extents that a node brings which its size still reaches, cut to it. */
function keptExtents({ node, size }: Inode): Extent[] {
  const end = blocksOf(size);
  return (node.extents ?? []).flatMap(({ page, blocks, lba }) => {
    const left = Math.min(blocks, end - page);
    return left > 0 ? [{ page, blocks: left, lba }] : [];
  });
}

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

function modeOf(node: TreeNode): number {
  if (node.kind === "symlink") return S_IFLNK | 0o777;
  if (node.kind === "directory") return S_IFDIR | (node.mode ?? 0o755);
  if (node.kind === "device") return S_IFCHR | (node.mode ?? 0o600);
  return S_IFREG | (node.mode ?? 0o644);
}

/** The numbers that nodes of the tree bring along. */
function inosTaken(root: DirectoryNode): Set<number> {
  const taken = new Set<number>();
  const visited = new Set<TreeNode>();
  const visit = (node: TreeNode, path: string) => {
    if (visited.has(node)) return;
    visited.add(node);
    if (node.ino !== undefined && node !== root) {
      if (node.ino < 11 || taken.has(node.ino)) {
        throw new MkfsError(`${path}: inode ${node.ino} cannot be its number`);
      }
      taken.add(node.ino);
    }
    if (node.kind !== "directory") return;
    for (const [name, child] of node.entries) visit(child, `${path}/${name}`);
  };
  visit(root, "");
  return taken;
}

/** Numbers the tree, root first with inode 2 (1 is the bad-block inode of ext2 and unused). */
function number(root: DirectoryNode): Inode[] {
  const inodes: Inode[] = [];
  const seen = new Map<TreeNode, Inode>();
  const taken = inosTaken(root);
  let next = 11;
  // 3 to 10 are reserved in ext2: the first file is inode 11.
  const number = (node: TreeNode): number => {
    if (node === root) return DISK_ROOT_INO;
    if (node.ino !== undefined) return node.ino;
    while (taken.has(next)) next++;
    return next++;
  };
  const add = (node: TreeNode, path: string, parent: number): Inode => {
    const known = seen.get(node);
    // The same node under two names is a hard link; a directory can only be in one place.
    if (known && node.kind !== "directory") {
      known.nlink++;
      return known;
    }
    if (known) throw new MkfsError(`${path}: the same directory twice`);
    const ino = number(node);
    const inode: Inode = { ino, node, path, data: NOTHING, size: 0, nlink: 1, extents: [] };
    seen.set(node, inode);
    inodes.push(inode);
    if (node.kind === "file") {
      inode.data = node.data;
      inode.size = node.data instanceof Uint8Array ? node.data.length : node.data.size;
    } else if (node.kind === "symlink") {
      inode.data = encode(node.target);
      inode.size = inode.data.length;
      if (inode.size === 0 || inode.size >= PATH_MAX) {
        throw new MkfsError(`${path}: a link's target has 1 to ${PATH_MAX - 1} bytes`);
      }
    } else if (node.kind === "directory") {
      const children: [string, number, number][] = [];
      for (const [name, child] of node.entries) {
        const entry = add(child, `${path === "/" ? "" : path}/${name}`, ino);
        children.push([name, entry.ino, FILE_TYPE[child.kind]]);
        if (child.kind === "directory") inode.nlink++;
      }
      inode.nlink++; // its own "."
      inode.data = entriesOf(ino, parent, children, path);
      inode.size = inode.data.length;
    }
    return inode;
  };
  add(root, "/", DISK_ROOT_INO);
  return inodes;
}

const NOTHING = new Uint8Array(0);

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The blocks of a directory: ext2 entries, the last of each block reaching to its end. */
function entriesOf(
  ino: number,
  parent: number,
  children: [name: string, ino: number, type: number][],
  path: string,
): Uint8Array {
  const all: [string, number, number][] = [
    [".", ino, FILE_TYPE.directory],
    ["..", parent, FILE_TYPE.directory],
    ...children,
  ];
  const blocks: Uint8Array[] = [];
  let view: DataView | null = null;
  let at = 0;
  let last = 0;
  const finish = () => view?.setUint16(last + 4, PAGE_SIZE - last, true);
  for (const [name, child, type] of all) {
    const bytes = encode(name);
    if (bytes.length === 0 || bytes.length > NAME_MAX || /[/\0]/.test(name)) {
      throw new MkfsError(`${path}: "${name}" cannot be a file's name`);
    }
    const length = (8 + bytes.length + 3) & ~3;
    if (!view || at + length > PAGE_SIZE) {
      finish();
      const block = new Uint8Array(PAGE_SIZE);
      blocks.push(block);
      view = new DataView(block.buffer);
      at = 0;
    }
    last = at;
    view.setUint32(at, child, true);
    view.setUint16(at + 4, length, true);
    view.setUint8(at + 6, bytes.length);
    view.setUint8(at + 7, type);
    (blocks[blocks.length - 1] as Uint8Array).set(bytes, at + 8);
    at += length;
  }
  finish();
  const data = new Uint8Array(blocks.length * PAGE_SIZE);
  blocks.forEach((block, i) => {
    data.set(block, i * PAGE_SIZE);
  });
  return data;
}
