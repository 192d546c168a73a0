// What must hold of the disk's filesystem, and of the page cache over it, whenever the kernel is
// not running. It reads the image as the records of abi.ts say, knowing nothing of the kernel.
import {
  CONF_BASE,
  Conf,
  DI_BLOCKS,
  DI_EXTENT,
  DI_MODE,
  DI_NLINK,
  DI_NR_EXTENTS,
  DI_SIZE,
  DISK_EXTENT_SIZE,
  DISK_INODE_SIZE,
  DISK_ROOT_INO,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_LBA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  FRAMES,
  INODE_COUNT,
  INODE_INO,
  INODE_KIND,
  INODE_NLINK,
  INODE_SIZE_OF,
  INODES,
  InodeKind,
  NR_FILE_DIRTY,
  NR_FILE_PAGES,
  NR_INODES,
  PAGE_FLAGS,
  PAGE_INDEX,
  PAGE_MAPPING,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  RAM_BASE,
  SB_BLOCK_BITMAP,
  SB_BLOCKS,
  SB_DATA_BLOCK,
  SB_EXTENT_BLOCK,
  SB_EXTENT_FREE,
  SB_EXTENTS_USED,
  SB_FREE_BLOCKS,
  SB_FREE_INODES,
  SB_INODE_BITMAP,
  SB_INODE_BLOCK,
  SB_INODES,
  SB_LBA_BLOCK,
} from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";

const [S_IFMT, S_IFDIR] = [0o170000, 0o040000];

interface Extent {
  page: number;
  blocks: number;
  lba: number;
  data: number;
}
interface Inode {
  ino: number;
  mode: number;
  nlink: number;
  size: number;
  blocks: number;
  extents: Extent[];
}

class Fsck {
  readonly wrong: string[] = [];
  readonly #core: Core;
  readonly #disk: number;
  readonly #inodes = new Map<number, Inode>();
  /** Names of each inode, "." and ".." included. */
  readonly #names = new Map<number, number>();
  readonly #reached = new Set<number>();
  #records = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#disk = RAM_BASE + core.getNumber(CONF_BASE + 8 * Conf.ram_frames) * PAGE_SIZE;
    const used = this.#readInodes();
    this.#bitmaps(used);
    this.#walk(DISK_ROOT_INO, DISK_ROOT_INO, "/");
    this.#links();
    this.#freeRecords();
    this.#cache();
  }

  #check(holds: boolean, ...what: unknown[]): void {
    if (!holds) this.wrong.push(what.join(" "));
  }
  #sb(at: number): number {
    return this.#core.getU32(this.#disk + at);
  }
  #block(nr: number): number {
    return this.#disk + nr * PAGE_SIZE;
  }
  #bit(bitmap: number, nr: number): boolean {
    return ((this.#core.getU8(this.#block(this.#sb(bitmap)) + (nr >> 3)) >> (nr & 7)) & 1) === 1;
  }

  /** D1, D2: extents in order, inside the disk, none twice. @returns blocks in use */
  #readInodes(): Set<number> {
    const core = this.#core;
    const used = new Set<number>();
    const lbas = this.#block(this.#sb(SB_LBA_BLOCK));
    for (let ino = 1; ino <= this.#sb(SB_INODES); ino++) {
      const at = this.#block(this.#sb(SB_INODE_BLOCK)) + (ino - 1) * DISK_INODE_SIZE;
      const mode = core.getU32(at + DI_MODE);
      if (mode === 0) continue;
      const extents: Extent[] = [];
      let next = core.getU32(at + DI_EXTENT);
      let end = 0;
      for (; next !== 0 && extents.length <= this.#sb(SB_BLOCKS); this.#records++) {
        const record = this.#block(this.#sb(SB_EXTENT_BLOCK)) + (next - 1) * DISK_EXTENT_SIZE;
        const [page, blocks, lba, data] = [EXTENT_PAGE, EXTENT_BLOCKS, EXTENT_LBA, EXTENT_DATA].map(
          (field) => core.getU32(record + field),
        ) as [number, number, number, number];
        this.#check(page >= end && blocks > 0, "D1 extents of inode", ino, "at page", page);
        end = page + blocks;
        for (let i = 0; i < blocks; i++) {
          const inside = data + i >= this.#sb(SB_DATA_BLOCK) && data + i < this.#sb(SB_BLOCKS);
          this.#check(inside && !used.has(data + i), "D2 block", data + i, "of inode", ino);
          this.#check(core.getU32(lbas + 4 * (data + i)) === lba + i, "D2 lba of", data + i);
          used.add(data + i);
        }
        extents.push({ page, blocks, lba, data });
        next = core.getU32(record + EXTENT_NEXT);
      }
      const sum = extents.reduce((total, { blocks }) => total + blocks, 0);
      const blocks = core.getU32(at + DI_BLOCKS);
      this.#check(extents.length === core.getU32(at + DI_NR_EXTENTS), "D1 extents of inode", ino);
      this.#check(sum === blocks, "D1 blocks of inode", ino, sum, blocks);
      const [nlink, size] = [core.getU32(at + DI_NLINK), core.getNumber(at + DI_SIZE)];
      this.#inodes.set(ino, { ino, mode, nlink, size, blocks, extents });
    }
    return used;
  }

  /** D3: what is in use is marked, and nothing else is. */
  #bitmaps(used: Set<number>): void {
    let free = 0;
    for (let block = 0; block < this.#sb(SB_BLOCKS); block++) {
      const wanted = block < this.#sb(SB_DATA_BLOCK) || used.has(block);
      const marked = this.#bit(SB_BLOCK_BITMAP, block);
      this.#check(marked === wanted, wanted ? "D3 unmarked block" : "D3 leaked block", block);
      if (!marked) free++;
    }
    this.#check(free === this.#sb(SB_FREE_BLOCKS), "D3 free blocks", free);
    free = 0;
    for (let ino = 1; ino <= this.#sb(SB_INODES); ino++) {
      const marked = this.#bit(SB_INODE_BITMAP, ino - 1);
      const wanted = ino <= 10 || this.#inodes.has(ino);
      this.#check(marked === wanted, wanted ? "D3 unmarked inode" : "D3 leaked inode", ino);
      if (!marked) free++;
    }
    this.#check(free === this.#sb(SB_FREE_INODES), "D3 free inodes", free);
  }

  /** D4: entries fill their blocks, and lead to inodes that exist. */
  #walk(ino: number, parent: number, path: string): void {
    const core = this.#core;
    const dir = this.#inodes.get(ino);
    if (!dir || this.#reached.has(ino)) {
      this.#check(false, "D4 directory", path, ino);
      return;
    }
    this.#reached.add(ino);
    const names = new Set<string>();
    const below: [number, string][] = [];
    for (const { page, blocks, data } of dir.extents) {
      for (let i = 0; i < blocks && (page + i) * PAGE_SIZE < dir.size; i++) {
        let at = 0;
        while (at < PAGE_SIZE) {
          const entry = this.#block(data + i) + at;
          const length = core.getU16(entry + 4);
          const bytes = core.getU8(entry + 6);
          const child = core.getU32(entry);
          const ok = length >= 8 + bytes && length % 4 === 0 && at + length <= PAGE_SIZE;
          this.#check(ok || child === 0, "D4 entry in", path, at);
          if (length < 8) break;
          at += length;
          if (child === 0) continue;
          const name = Buffer.from(core.bytes.subarray(entry + 8, entry + 8 + bytes)).toString();
          this.#check(!names.has(name), "D4 twice:", path, name);
          names.add(name);
          this.#names.set(child, (this.#names.get(child) ?? 0) + 1);
          const found = this.#inodes.get(child);
          this.#check(found !== undefined, "D4 no inode:", path, name);
          if (name === ".") this.#check(child === ino, "D4 . of", path);
          else if (name === "..") this.#check(child === parent, "D4 .. of", path);
          else if (found && (found.mode & S_IFMT) === S_IFDIR) below.push([child, name]);
          else this.#reached.add(child);
        }
      }
    }
    this.#check(names.has(".") && names.has(".."), "D4 no . or .. in", path);
    for (const [child, name] of below) this.#walk(child, ino, `${path}${name}/`);
  }

  /** D5: as many links as names; without a name only while somebody uses it. */
  #links(): void {
    const core = this.#core;
    const inUse = new Set<number>();
    for (let i = 0; i < NR_INODES; i++) {
      const node = INODES + i * INODE_SIZE_OF;
      if (core.getU32(node + INODE_KIND) !== InodeKind.disk) continue;
      if (core.getU32(node + INODE_COUNT) > 0) inUse.add(core.getU32(node + INODE_INO));
      const known = this.#inodes.get(core.getU32(node + INODE_INO));
      const same = core.getU32(node + INODE_NLINK) === known?.nlink;
      if (known) this.#check(same, "D5 in-core inode", known.ino);
    }
    for (const { ino, nlink } of this.#inodes.values()) {
      this.#check((this.#names.get(ino) ?? 0) === nlink || nlink === 0, "D5 nlink of", ino, nlink);
      if (nlink === 0) this.#check(inUse.has(ino), "D5 nobody's inode", ino);
      else this.#check(this.#reached.has(ino), "D5 unreachable inode", ino);
    }
  }

  /** D6: every extent record is of a file or free. */
  #freeRecords(): void {
    let free = 0;
    const table = this.#block(this.#sb(SB_EXTENT_BLOCK));
    for (let nr = this.#sb(SB_EXTENT_FREE); nr !== 0 && free < 1e6; free++) {
      nr = this.#core.getU32(table + (nr - 1) * DISK_EXTENT_SIZE + EXTENT_NEXT);
    }
    this.#check(free + this.#records === this.#sb(SB_EXTENTS_USED), "D6 extent records", free);
  }

  /** C4: a clean page of the cache is what the disk holds; C5: the counts of pages. */
  #cache(): void {
    const core = this.#core;
    const frames = core.getNumber(CONF_BASE + 8 * Conf.ram_frames);
    let [pages, dirty] = [0, 0];
    for (let pfn = 0; pfn < frames; pfn++) {
      const flags = core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS);
      if ((flags & PG.pagecache) === 0) continue;
      pages++;
      const node = core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_MAPPING);
      if (core.getU32(node + INODE_KIND) !== InodeKind.disk) continue;
      if (flags & PG.dirty) dirty++;
      const inode = this.#inodes.get(core.getU32(node + INODE_INO));
      const index = core.getNumber(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
      const extent = inode?.extents.find((e) => index >= e.page && index < e.page + e.blocks);
      const at = RAM_BASE + pfn * PAGE_SIZE;
      const page = Buffer.from(core.bytes.buffer, at, PAGE_SIZE);
      this.#check(inode !== undefined, "C4 page of no file", pfn);
      if (flags & PG.dirty) {
        this.#check(extent !== undefined, "C4 a dirty page without a block", pfn, index);
        continue;
      }
      const block = extent
        ? Buffer.from(core.bytes.buffer, this.#block(extent.data + index - extent.page), PAGE_SIZE)
        : Buffer.alloc(PAGE_SIZE);
      this.#check(page.equals(block), "C4 clean page of inode", inode?.ino, "index", index);
    }
    this.#check(pages === core.getU32(NR_FILE_PAGES), "C5 file pages", pages);
    this.#check(dirty === core.getU32(NR_FILE_DIRTY), "C5 dirty pages", dirty);
  }
}

/** @returns a line for each thing that does not hold; call it while no kernel code runs. */
export function fsck(core: Core): string[] {
  return new Fsck(core).wrong;
}
