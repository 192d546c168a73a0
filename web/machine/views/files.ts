// The files of the simulated disk as they are now: a page that is in the page cache counts as it
// is there, dirty or not; other pages as they lie on the disk.
import {
  Conf,
  DI_GID,
  DI_MODE,
  DI_MTIME,
  DI_NLINK,
  DI_SIZE,
  DI_UID,
  DISK_INODE_SIZE,
  DISK_ROOT_INO,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  DI_EXTENT,
  DISK_EXTENT_SIZE,
  INODE_INO,
  INODE_KIND,
  INODES,
  INODE_SIZE_OF,
  InodeKind,
  NR_INODES,
  PAGE_SIZE,
  RAM_BASE,
  SB_EXTENT_BLOCK,
  SB_INODE_BLOCK,
  SB_INODES,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { pageCache } from "../views.ts";

const S_IFMT = 0xf000;
export const S_IFDIR = 0x4000;
export const S_IFREG = 0x8000;
export const S_IFLNK = 0xa000;
const MAX_LINKS = 40;

export interface FileInfo {
  ino: number;
  mode: number;
  type: number;
  uid: number;
  gid: number;
  nlink: number;
  size: number;
  /** ns since 1970. */
  mtime: bigint;
}

export interface Entry {
  name: string;
  ino: number;
}

/** All files at one moment; it is to be thrown away when the machine moves. */
export class Files {
  readonly #core: Core;
  readonly #disk: number;
  #cache: Map<number, Map<number, number>> | null = null;

  constructor(core: Core) {
    this.#core = core;
    this.#disk = RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE;
  }

  /** What the inode table says, or null when there is no such file. */
  info(ino: number): FileInfo | null {
    const core = this.#core;
    if (ino < 1 || ino > core.getU32(this.#disk + SB_INODES)) return null;
    const at = this.#inode(ino);
    const mode = core.getU32(at + DI_MODE);
    if (mode === 0) return null;
    return {
      ino,
      mode,
      type: mode & S_IFMT,
      uid: core.getU32(at + DI_UID),
      gid: core.getU32(at + DI_GID),
      nlink: core.getU32(at + DI_NLINK),
      size: core.getNumber(at + DI_SIZE),
      mtime: core.getU64(at + DI_MTIME),
    };
  }

  #inode(ino: number): number {
    const table = this.#disk + this.#core.getU32(this.#disk + SB_INODE_BLOCK) * PAGE_SIZE;
    return table + (ino - 1) * DISK_INODE_SIZE;
  }

  /** Frames of the file's pages that are in memory, by page. */
  cached(ino: number): Map<number, number> {
    const core = this.#core;
    this.#cache ??= pageCache(core);
    for (let i = 0; i < NR_INODES; i++) {
      const at = INODES + i * INODE_SIZE_OF;
      if (core.getU32(at + INODE_INO) !== ino) continue;
      if (core.getU32(at + INODE_KIND) === InodeKind.disk) return this.#cache.get(at) ?? new Map();
    }
    return new Map();
  }

  /** Where page `page` of the file lies in the image, 0 in a hole. */
  #block(ino: number, page: number): number {
    const core = this.#core;
    const table = this.#disk + core.getU32(this.#disk + SB_EXTENT_BLOCK) * PAGE_SIZE;
    let next = core.getU32(this.#inode(ino) + DI_EXTENT);
    while (next !== 0) {
      const record = table + (next - 1) * DISK_EXTENT_SIZE;
      const first = core.getU32(record + EXTENT_PAGE);
      if (page >= first && page < first + core.getU32(record + EXTENT_BLOCKS)) {
        return this.#disk + (core.getU32(record + EXTENT_DATA) + page - first) * PAGE_SIZE;
      }
      next = core.getU32(record + EXTENT_NEXT);
    }
    return 0;
  }

  /** Bytes [from, from + length) of a file, fewer at its end. */
  read(file: FileInfo, from = 0, length = file.size): Uint8Array {
    const end = Math.min(file.size, from + length);
    const out = new Uint8Array(Math.max(0, end - from));
    const cached = this.cached(file.ino);
    for (let at = from; at < end; ) {
      const page = Math.floor(at / PAGE_SIZE);
      const offset = at % PAGE_SIZE;
      const count = Math.min(PAGE_SIZE - offset, end - at);
      const pfn = cached.get(page);
      const base = pfn !== undefined ? RAM_BASE + pfn * PAGE_SIZE : this.#block(file.ino, page);
      if (base !== 0) {
        out.set(this.#core.bytes.subarray(base + offset, base + offset + count), at - from);
      }
      at += count;
    }
    return out;
  }

  /** The entries of a directory, "." and ".." included, in its order. */
  entries(directory: FileInfo): Entry[] {
    const bytes = this.read(directory);
    const view = new DataView(bytes.buffer);
    const decoder = new TextDecoder();
    const found: Entry[] = [];
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = view.getUint16(at + 4, true);
      if (length < 8) break;
      const ino = view.getUint32(at, true);
      const name = bytes.subarray(at + 8, at + 8 + (bytes[at + 6] as number));
      if (ino !== 0) found.push({ name: decoder.decode(name), ino });
      at += length;
    }
    return found;
  }

  /** The target of a symbolic link. */
  target(link: FileInfo): string {
    return new TextDecoder().decode(this.read(link));
  }

  /**
   * The file that an absolute path names, links followed.
   *
   * @returns null when there is none
   */
  lookup(path: string, links = 0): FileInfo | null {
    let here = this.info(DISK_ROOT_INO);
    const parts = path.split("/").filter((part) => part !== "");
    for (const [i, part] of parts.entries()) {
      if (!here || here.type !== S_IFDIR) return null;
      const ino = this.entries(here).find(({ name }) => name === part)?.ino;
      const next = ino === undefined ? null : this.info(ino);
      if (next?.type === S_IFLNK) {
        if (links >= MAX_LINKS) return null;
        const target = this.target(next);
        const before = target.startsWith("/") ? "" : parts.slice(0, i).join("/");
        return this.lookup([before, target, ...parts.slice(i + 1)].join("/"), links + 1);
      }
      here = next;
    }
    return here;
  }

  /** Every path of a file, for those who have its number only. */
  paths(): Map<number, string> {
    const paths = new Map<number, string>();
    const walk = (ino: number, path: string) => {
      const file = this.info(ino);
      if (!file || paths.has(ino)) return;
      paths.set(ino, path || "/");
      if (file.type !== S_IFDIR) return;
      for (const { name, ino: child } of this.entries(file)) {
        if (name !== "." && name !== "..") walk(child, `${path}/${name}`);
      }
    };
    walk(DISK_ROOT_INO, "");
    return paths;
  }
}

/** "drwxr-xr-x" */
export function modeText(mode: number): string {
  const type = { [S_IFDIR]: "d", [S_IFLNK]: "l", 8192: "c", 24576: "b", 4096: "p" }[mode & S_IFMT];
  const bits = [..."rwxrwxrwx"].map((c, i) => (mode & (0o400 >> i) ? c : "-"));
  const special = (at: number, bit: number, on: string) => {
    if (mode & bit) bits[at] = bits[at] === "-" ? on.toUpperCase() : on;
  };
  special(2, 0o4000, "s");
  special(5, 0o2000, "s");
  special(8, 0o1000, "t");
  return (type ?? "-") + bits.join("");
}
