// mkfs: a tree of files becomes the simulated disk. Two things are laid out, and they differ:
// the image (what the bytes are, packed, at DISK_BASE) and the disk (where the head must go:
// each extent's lba). See the DISK part of assembly/abi.ts for the records.
//
// Placement follows ext2's block groups: a directory has a group of 128 MiB to itself, its files
// follow each other in it with gaps, so a file's blocks are near each other and two files are
// a seek apart.
import {
  DI_EXTENT,
  DI_GID,
  DI_MODE,
  DI_MTIME,
  DI_NLINK,
  DI_NR_EXTENTS,
  DI_SIZE,
  DI_UID,
  DISK_EXTENT_SIZE,
  DISK_INODE_SIZE,
  DISK_MAGIC,
  DISK_ROOT_INO,
  PAGE_SIZE,
  SB_BLOCKS,
  SB_EXTENT_BLOCK,
  SB_EXTENTS,
  SB_INODE_BLOCK,
  SB_INODES,
  SB_LBAS,
  SB_MAGIC,
} from "../../assembly/abi.ts";

/** How a file's blocks lie on the disk: see `placement`. */
export type Layout = "copied" | "linked";

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
export type TreeNode = FileNode | LinkNode | DirectoryNode;

export interface MkfsOptions {
  /** Size of the simulated disk in blocks of 4 KiB; 10,485,760 are 40 GiB, a disk of 2004. */
  lbas?: number;
  /** For files that do not say. */
  layout?: Layout;
  /** For nodes that do not say; seconds since 1970. */
  mtime?: number;
}

/** A planned disk: write() fills exactly `blocks` blocks. */
export interface DiskImage {
  blocks: number;
  lbas: number;
  /** Inode of each path ("/", "/hello"): for looking a file up again. */
  inodes: Map<string, number>;
  /** @param into `blocks * 4096` bytes of zeros */
  write(into: Uint8Array): void;
}

export class MkfsError extends Error {}

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const FILE_TYPE = { file: 1, directory: 2, symlink: 7 } as const;
const NAME_MAX = 255;
const PATH_MAX = 4096;
/** ext2 with 4 KiB blocks: one bitmap block covers 32768 blocks. */
const BLOCKS_PER_GROUP = 32768;

interface Extent {
  page: number;
  blocks: number;
  lba: number;
}

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

/**
 * Plans a disk that holds a tree.
 *
 * @param root becomes "/" (inode 2).
 * @throws MkfsError when a name or a link's target is not possible, or the disk is too small.
 */
export function mkfs(root: DirectoryNode, options: MkfsOptions = {}): DiskImage {
  const lbas = options.lbas ?? 10 * 1024 * 1024;
  const inodes = number(root);
  const where = new Placement(lbas);
  for (const inode of inodes) {
    const layout = (inode.node.kind === "file" && inode.node.layout) || options.layout;
    inode.extents = where.place(inode, layout ?? "copied");
  }
  const nrInodes = Math.max(DISK_ROOT_INO, ...inodes.map(({ ino }) => ino));
  const nrExtents = inodes.reduce((sum, inode) => sum + inode.extents.length, 0);
  const inodeBlock = 1;
  const extentBlock = inodeBlock + blocksOf(nrInodes * DISK_INODE_SIZE);
  const dataBlock = extentBlock + blocksOf(nrExtents * DISK_EXTENT_SIZE);
  const dataBlocks = inodes.reduce((sum, inode) => sum + blocksOf(inode.size), 0);
  const blocks = dataBlock + dataBlocks;

  const write = (into: Uint8Array) => {
    if (into.length !== blocks * PAGE_SIZE) throw new RangeError("the image has another size");
    const view = new DataView(into.buffer, into.byteOffset, into.length);
    const u32 = (at: number, value: number) => view.setUint32(at, value, true);
    for (const [at, value] of [
      [SB_MAGIC, DISK_MAGIC],
      [SB_BLOCKS, blocks],
      [SB_INODES, nrInodes],
      [SB_INODE_BLOCK, inodeBlock],
      [SB_EXTENT_BLOCK, extentBlock],
      [SB_EXTENTS, nrExtents],
      [SB_LBAS, lbas],
    ] as const) {
      u32(at, value);
    }
    let extent = 0;
    let block = dataBlock;
    for (const inode of inodes) {
      const { node } = inode;
      const at = inodeBlock * PAGE_SIZE + (inode.ino - 1) * DISK_INODE_SIZE;
      u32(at + DI_MODE, modeOf(node));
      u32(at + DI_UID, node.uid ?? 0);
      u32(at + DI_GID, node.gid ?? 0);
      u32(at + DI_NLINK, inode.nlink);
      view.setBigUint64(at + DI_SIZE, BigInt(inode.size), true);
      u32(at + DI_EXTENT, extent);
      u32(at + DI_NR_EXTENTS, inode.extents.length);
      view.setBigUint64(at + DI_MTIME, BigInt(node.mtime ?? options.mtime ?? 0), true);
      for (const { page, blocks: length, lba } of inode.extents) {
        const record = extentBlock * PAGE_SIZE + extent++ * DISK_EXTENT_SIZE;
        u32(record, page);
        u32(record + 4, length);
        u32(record + 8, lba);
        u32(record + 12, block + page);
      }
      const room = into.subarray(block * PAGE_SIZE, block * PAGE_SIZE + inode.size);
      if (inode.data instanceof Uint8Array) room.set(inode.data);
      else inode.data.read(room);
      block += blocksOf(inode.size);
    }
  };
  return { blocks, lbas, write, inodes: new Map(inodes.map(({ path, ino }) => [path, ino])) };
}

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

function modeOf(node: TreeNode): number {
  if (node.kind === "symlink") return S_IFLNK | 0o777;
  if (node.kind === "directory") return S_IFDIR | (node.mode ?? 0o755);
  return S_IFREG | (node.mode ?? 0o644);
}

/** Numbers the tree, root first with inode 2 (1 is the bad-block inode of ext2 and unused). */
function number(root: DirectoryNode): Inode[] {
  const inodes: Inode[] = [];
  const seen = new Map<TreeNode, Inode>();
  let next = DISK_ROOT_INO;
  const add = (node: TreeNode, path: string, parent: number): Inode => {
    const known = seen.get(node);
    // The same node under two names is a hard link; a directory can only be in one place.
    if (known && node.kind !== "directory") {
      known.nlink++;
      return known;
    }
    if (known) throw new MkfsError(`${path}: the same directory twice`);
    const ino = next;
    // 3 to 10 are reserved in ext2: the first file is inode 11.
    next = ino === DISK_ROOT_INO ? 11 : ino + 1;
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
    } else {
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

/** Numbers that look random and are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Gives out places on the disk. */
class Placement {
  readonly #lbas: number;
  /** By directory: where its next file may begin. */
  readonly #next = new Map<string, number>();
  /** What is given out, sorted by start; none overlap. */
  readonly #used: { start: number; end: number }[] = [];

  constructor(lbas: number) {
    this.#lbas = lbas;
  }

  place(inode: Inode, layout: Layout): Extent[] {
    const blocks = blocksOf(inode.size);
    if (blocks === 0) return [];
    const own = inode.node.kind === "directory";
    const folder = own ? inode.path : inode.path.slice(0, inode.path.lastIndexOf("/")) || "/";
    const next = random(hash(inode.path));
    // Other files have come and gone: half a megabyte to eight between two of ours.
    const gap = own ? 0 : 128 + Math.floor(next() * 1920);
    const room = layout === "linked" ? blocks * 4 : blocks;
    const start = this.#take((this.#next.get(folder) ?? this.#group(folder)) + gap, room);
    this.#next.set(folder, start + room);
    if (layout === "copied") return [{ page: 0, blocks, lba: start }];
    return linked(blocks, start, room, next);
  }

  /** Where a directory's group begins: behind its superblock copy, bitmaps and inode table. */
  #group(folder: string): number {
    // Half of the disk is in use: the groups of one machine lie in one half of it.
    const groups = Math.max(1, Math.floor(this.#lbas / BLOCKS_PER_GROUP) >> 1);
    return (hash(folder) % groups) * BLOCKS_PER_GROUP + 514;
  }

  /** The first free room at or behind `wish`, else the first on the disk. */
  #take(wish: number, room: number): number {
    const start = this.#free(wish, room) ?? this.#free(0, room);
    if (start === null) throw new MkfsError("the files do not fit on the simulated disk");
    const behind = this.#used.findIndex((one) => one.start > start);
    this.#used.splice(behind < 0 ? this.#used.length : behind, 0, { start, end: start + room });
    return start;
  }

  #free(wish: number, room: number): number | null {
    let at = wish;
    for (const { start, end } of this.#used) {
      if (start >= at + room) break;
      if (end > at) at = end;
    }
    return at + room <= this.#lbas ? at : null;
  }
}

/**
 * "As linked": ld writes sections as it finishes them, with seeks, and the allocator takes blocks
 * as they come, so a fresh executable lies in short runs out of order. Runs of 1 to 4 blocks,
 * shuffled over four times the file's size.
 */
function linked(blocks: number, start: number, room: number, next: () => number): Extent[] {
  const runs: Extent[] = [];
  for (let page = 0; page < blocks; ) {
    const length = Math.min(1 + Math.floor(next() * 4), blocks - page);
    runs.push({ page, blocks: length, lba: 0 });
    page += length;
  }
  const order = runs.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j] as Extent, order[i] as Extent];
  }
  // The holes between the runs share what is left of the room.
  const slack = Math.floor((room - blocks) / order.length);
  let lba = start;
  for (const run of order) {
    lba += Math.floor(next() * (slack + 1));
    run.lba = lba;
    lba += run.blocks;
  }
  return runs;
}
