// A disk that outlives its machine: after a run the files are as the guest has left them, with
// what is still dirty in the page cache, and lie where they lay. The next machine boots with
// them: so what one run has recorded reaches the next, which starts cold.
import { DI_RDEV, DISK_INODE_SIZE, DISK_ROOT_INO, PAGE_SIZE } from "../../assembly/abi.ts";
import { Conf, RAM_BASE, SB_INODE_BLOCK } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import { type DirectoryNode, type Extent, mkfs, standardTree, type TreeNode } from "./mkfs.ts";
import type { Settings } from "./settings.ts";
import { diskFile } from "./views/disk.ts";
import { type FileInfo, Files, S_IFDIR, S_IFLNK, S_IFREG } from "./views/files.ts";

const NS = 1_000_000_000n;

function rdev(core: Core, ino: number): number {
  const disk = RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE;
  const table = disk + core.getU32(disk + SB_INODE_BLOCK) * PAGE_SIZE;
  return core.getU32(table + (ino - 1) * DISK_INODE_SIZE + DI_RDEV);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The disk of a machine as a tree for the next one.
 *
 * @param core of a machine that stands between two instructions, or has ended
 * @param before the tree that it was booted with: contents that did not change are shared with it
 * @returns a new tree; every file in it says where it lies
 */
export function keptDisk(core: Core, before: DirectoryNode): DirectoryNode {
  const files = new Files(core);
  const made = new Map<number, TreeNode>();

  const data = (info: FileInfo, old: TreeNode | undefined) => {
    const known = old?.kind === "file" ? old.data : undefined;
    // What is read only when a disk is written is compared by the time of its last change.
    if (known && !(known instanceof Uint8Array)) {
      const before = old?.mtimeNs ?? BigInt(old?.mtime ?? -1) * NS;
      const untouched = info.size === known.size && info.mtime === before;
      if (untouched) return known;
    }
    const bytes = files.read(info);
    return known instanceof Uint8Array && same(known, bytes) ? known : bytes;
  };
  const build = (info: FileInfo, old: TreeNode | undefined): TreeNode => {
    const known = made.get(info.ino);
    if (known) return known;
    const node = nodeOf(info, old);
    made.set(info.ino, node);
    return node;
  };
  const nodeOf = (info: FileInfo, old: TreeNode | undefined): TreeNode => {
    const { mode, uid, gid, mtime, ino, type } = info;
    const { extents } = diskFile(core, ino) as { extents: Extent[] };
    const times = { mtime: Number(mtime / NS), mtimeNs: mtime };
    const own = ino === DISK_ROOT_INO ? {} : { ino };
    const common = { mode: mode & 0o7777, uid, gid, ...times, ...own, extents };
    if (type === S_IFREG) return { kind: "file", data: data(info, old), ...common };
    if (type === S_IFLNK) return { kind: "symlink", target: files.target(info), ...common };
    if (type !== S_IFDIR) {
      const device = rdev(core, ino);
      return { kind: "device", major: device >> 8, minor: device & 255, ...common };
    }
    const children = old?.kind === "directory" ? old.entries : new Map<string, TreeNode>();
    const entries = new Map<string, TreeNode>();
    for (const { name, ino: child } of files.entries(info)) {
      if (name === "." || name === "..") continue;
      const found = files.info(child);
      if (found) entries.set(name, build(found, children.get(name)));
    }
    return { kind: "directory", entries, ...common };
  };
  const root = files.info(DISK_ROOT_INO) as FileInfo;
  return build(root, before) as DirectoryNode;
}

/**
 * A tree whose files all say where they lie: as a machine with these settings would find them.
 * Changes to its contents then leave the rest of the disk as it is.
 *
 * @throws MkfsError when no disk holds the tree.
 */
export function settledDisk(root: DirectoryNode, { layout }: Settings): DirectoryNode {
  const tree = standardTree(root);
  const { extents } = mkfs(tree, { layout, freeBlocks: 0 });
  const settled = new Map<TreeNode, TreeNode>();
  const settle = (node: TreeNode, path: string): TreeNode => {
    const known = settled.get(node);
    if (known) return known;
    const lies = extents.get(path);
    const copy: TreeNode = lies && lies.length > 0 ? { ...node, extents: lies } : { ...node };
    settled.set(node, copy);
    if (copy.kind === "directory") {
      const children = [...copy.entries].map(([name, child]) => {
        return [name, settle(child, `${path === "/" ? "" : path}/${name}`)] as const;
      });
      copy.entries = new Map(children);
    }
    return copy;
  };
  return settle(tree, "/") as DirectoryNode;
}

/** A tree of its own whose files can be replaced; contents are shared. */
export function cloneTree(root: DirectoryNode): DirectoryNode {
  const made = new Map<TreeNode, TreeNode>();
  const clone = (node: TreeNode): TreeNode => {
    const known = made.get(node);
    if (known) return known;
    const copy: TreeNode = { ...node };
    made.set(node, copy);
    if (copy.kind === "directory") {
      copy.entries = new Map([...copy.entries].map(([name, child]) => [name, clone(child)]));
    }
    return copy;
  };
  return clone(root) as DirectoryNode;
}
