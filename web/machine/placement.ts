// Where files lie on the simulated disk: each gets runs of blocks (extents) with the address that
// the head must go to. The rules are those of ext2's block groups, see mkfs.ts.

export class MkfsError extends Error {}

/** How a file's blocks lie on the disk: as cp leaves them, or as ld does (see `linked`). */
export type Layout = "copied" | "linked";

/** A run of blocks of a file: from page `page` on, at disk address `lba`. */
export interface Extent {
  page: number;
  blocks: number;
  lba: number;
}

/** ext2 with 4 KiB blocks: one bitmap block covers 32768 blocks. */
const BLOCKS_PER_GROUP = 32768;

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
export class Placement {
  readonly #lbas: number;
  /** By directory: where its next file may begin. */
  readonly #next = new Map<string, number>();
  /** What is given out, sorted by start; none overlap. */
  readonly #used: { start: number; end: number }[] = [];

  constructor(lbas: number) {
    this.#lbas = lbas;
  }

  /**
   * Extents for a file of `blocks` blocks.
   *
   * @param path the first of its names
   * @param own whether it is a directory, which begins a group of its own
   * @throws MkfsError when there is no room.
   */
  place(path: string, own: boolean, blocks: number, layout: Layout): Extent[] {
    if (blocks === 0) return [];
    const folder = own ? path : path.slice(0, path.lastIndexOf("/")) || "/";
    const next = random(hash(path));
    // Other files have come and gone: half a megabyte to eight between two of ours.
    const gap = own ? 0 : 128 + Math.floor(next() * 1920);
    const room = layout === "linked" ? blocks * 4 : blocks;
    const start = this.#take((this.#next.get(folder) ?? this.#group(folder)) + gap, room);
    this.#next.set(folder, start + room);
    if (layout === "copied") return [{ page: 0, blocks, lba: start }];
    return linked(blocks, start, room, next);
  }

  /**
   * Takes places that are given out already.
   *
   * @throws MkfsError when two of them overlap, or one is not on the disk.
   */
  reserve(extents: readonly Extent[]): void {
    for (const { lba, blocks } of extents) this.#used.push({ start: lba, end: lba + blocks });
    this.#used.sort((a, b) => a.start - b.start);
    let last = 0;
    for (const { start, end } of this.#used) {
      if (start < last || end > this.#lbas) {
        throw new MkfsError(`block ${start} of the simulated disk cannot be kept for a file`);
      }
      last = end;
    }
  }

  /**
   * Extents for a file that has some: pages that they leave out get the first room behind them.
   *
   * @param kept reserved; in any order
   */
  complete(kept: readonly Extent[], blocks: number): Extent[] {
    const extents = kept.slice().sort((a, b) => a.page - b.page);
    const gaps: { page: number; blocks: number }[] = [];
    let page = 0;
    for (const one of [...extents, { page: blocks, blocks: 0 }]) {
      if (one.page > page) gaps.push({ page, blocks: one.page - page });
      page = one.page + one.blocks;
    }
    let behind = Math.max(...kept.map((one) => one.lba + one.blocks));
    for (const gap of gaps) {
      const lba = this.#take(behind, gap.blocks);
      const before = extents.find((one) => one.page + one.blocks === gap.page);
      if (before && before.lba + before.blocks === lba) before.blocks += gap.blocks;
      else extents.push({ ...gap, lba });
      behind = lba + gap.blocks;
    }
    return extents.sort((a, b) => a.page - b.page);
  }

  /** Addresses of free blocks, in order: `wanted` of them, fewer when the disk is smaller. */
  takeFree(wanted: number): number[] {
    const lbas: number[] = [];
    let at = this.#group("/tmp");
    if (this.#free(at, wanted) === null) at = 0;
    for (const { start, end } of [...this.#used, { start: this.#lbas, end: this.#lbas }]) {
      for (; at < start && lbas.length < wanted; at++) lbas.push(at);
      at = Math.max(at, end);
    }
    return lbas;
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
