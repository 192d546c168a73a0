// Checkpoints: copies of the machine at positions of its past, so that any position is a short
// replay away.
//
// The machine is deterministic, so all checkpoints lie on one line of history, in order:
//
//     c0 ------- c1 ------- c2 -- c3 - c4          newest at the right
//
// A checkpoint holds STATE as 4 KiB pages, sharing each page with its neighbour when equal, and
// of RAM only the frames that differ from the checkpoint before it. A frame's content at c is its
// version at the latest checkpoint up to c that has one, else what it was at power-on: zeros, or a
// block of the disk as it was made. A block of the disk counts as a frame behind those of RAM: it
// lies there, and its dirty bit does too.
//
// Memory always derives from one of them, the base: it is the base plus the frames whose
// META_DIRTY bit the core has set since. So a restore copies the frames on the way from base to
// goal, and no others.
import { FRAME_META, META_DIRTY, PAGE_SIZE, RAM_BASE, STATE_BASE } from "../../assembly/abi.ts";

import type { Tally } from "./events.ts";

/** A place in history; see Position in types.ts. */
export interface Place {
  instret: number;
  mark: number;
  /** A trap waits there for the kernel: good to go on from, not to be looked at. */
  pending: boolean;
}

/** A copy of 4 KiB, shared by all checkpoints in which they are the same. */
export interface Page {
  readonly bytes: Uint8Array;
  holders: number;
}

export interface Checkpoint extends Place {
  /** How far the machine had to run to get here, in units of a guest instruction. */
  work: number;
  /** What else belongs to the place, kept for whoever took it. */
  readonly tally: Tally;
  /** Pages of STATE. */
  readonly state: Page[];
  /** Frames that differ from the checkpoint before. */
  readonly frames: Map<number, Page>;
}

/** What checkpoints need of the core. */
export interface Target {
  readonly bytes: Uint8Array;
  checkpoint(): void;
  restored(): void;
}

export interface CheckpointOptions {
  /** Frames of RAM. */
  frames: number;
  /** Blocks of the disk, and what a block held at power-on; none when left out. */
  blocks?: number;
  original?(block: number): Uint8Array;
  /** Bytes of STATE; what follows it up to a page's end is constant. */
  stateSize: number;
  /** Most bytes that all checkpoints may hold; the two ends are kept in any case. */
  maxBytes?: number;
  /** Most checkpoints. */
  maxCount?: number;
}

/** Negative when a lies before b. A pending trap lies behind its position. */
export function compare(a: Place, b: Place): number {
  return a.instret - b.instret || a.mark - b.mark || Number(a.pending) - Number(b.pending);
}

/** Bookkeeping of one checkpoint beside its pages. */
const OVERHEAD = 512;
/** RAM at power-on. It has a holder that never lets go, as has every first version. */
const ZEROS: Page = { bytes: new Uint8Array(PAGE_SIZE), holders: 1 };
const NO_TALLY: Tally = { faults: 0, syscalls: 0, entries: 0 };

const PAGES_A_SLAB = 256;

/**
 * Pages of memory to keep copies in. Thousands are taken and given back at each checkpoint, which
 * as buffers of their own would cost more than the copying.
 */
class PagePool {
  readonly #free: Page[] = [];
  /** Pages with holders. */
  used = 0;

  /** A copy, held once. */
  copy(from: Uint8Array): Page {
    if (this.#free.length === 0) {
      const slab = new ArrayBuffer(PAGES_A_SLAB * PAGE_SIZE);
      for (let i = PAGES_A_SLAB - 1; i >= 0; i--) {
        this.#free.push({ bytes: new Uint8Array(slab, i * PAGE_SIZE, PAGE_SIZE), holders: 0 });
      }
    }
    const page = this.#free.pop() as Page;
    page.bytes.set(from);
    page.holders = 1;
    this.used++;
    return page;
  }
  hold(page: Page): Page {
    page.holders++;
    return page;
  }
  release(page: Page): void {
    if (--page.holders > 0) return;
    this.used--;
    this.#free.push(page);
  }
}

export class Checkpoints {
  readonly #core: Target;
  readonly #pool = new PagePool();
  /** Frames and blocks. */
  readonly #frames: number;
  readonly #ramFrames: number;
  readonly #original: CheckpointOptions["original"];
  /** Of the blocks that were written, what they held at first. */
  readonly #firsts = new Map<number, Page>();
  readonly #statePages: number;
  readonly #maxBytes: number;
  readonly #maxCount: number;
  /** In order of position. */
  readonly #list: Checkpoint[] = [];
  /** Of each frame, the checkpoints that hold a version of it, in order of position. */
  readonly #versions = new Map<number, Checkpoint[]>();
  #base: Checkpoint | null = null;

  constructor(core: Target, options: CheckpointOptions) {
    this.#core = core;
    this.#ramFrames = options.frames;
    this.#frames = options.frames + (options.blocks ?? 0);
    this.#original = options.original;
    this.#statePages = Math.ceil(options.stateSize / PAGE_SIZE);
    this.#maxBytes = options.maxBytes ?? 256 * 2 ** 20;
    this.#maxCount = options.maxCount ?? 1000;
  }

  /** In order of position. */
  get list(): readonly Checkpoint[] {
    return this.#list;
  }
  /** Bytes held by all of them. */
  get bytes(): number {
    return this.#pool.used * PAGE_SIZE + this.#list.length * OVERHEAD;
  }

  /** Index of the last checkpoint at or before a place, -1 when there is none. */
  index(place: Place): number {
    return lastUpTo(this.#list, place);
  }

  /** The last checkpoint from which `place` can be reached by running forwards. */
  before(place: Place): Checkpoint | null {
    return this.#list[this.index(place)] ?? null;
  }

  /**
   * Copies the machine as it is. Where there is a checkpoint already, only the dirty bits start
   * anew.
   *
   * @param place where the machine is; it must not be inside the kernel.
   * @param work see Checkpoint.work
   */
  take(place: Place, work: number, tally: Tally = NO_TALLY): Checkpoint {
    const at = this.index(place) + 1;
    const previous = this.#list[at - 1];
    const dirty = this.#dirty();
    if (previous && compare(previous, place) === 0) {
      this.#base = previous;
      this.#core.checkpoint();
      return previous;
    }
    const next = this.#list[at];
    const { instret, mark, pending } = place;
    const state = this.#copyState(previous, next);
    const frames = new Map<number, Page>();
    const taken: Checkpoint = { instret, mark, pending, work, tally: { ...tally }, state, frames };
    for (const pfn of dirty) {
      const now = this.#frame(pfn);
      const older = previous ? this.#version(pfn, previous) : this.#first(pfn);
      if (equal(now, older.bytes)) continue;
      // The next checkpoint relied on the version before: from now on it needs its own.
      if (next && !next.frames.has(pfn)) this.#add(next, pfn, this.#pool.hold(older));
      this.#add(taken, pfn, this.#pool.copy(now));
    }
    this.#list.splice(at, 0, taken);
    this.#base = taken;
    this.#core.checkpoint();
    this.#thin(taken);
    return taken;
  }

  /** Makes the machine what it was at a checkpoint of this list. */
  restore(goal: Checkpoint): void {
    const base = this.#base;
    if (!base) throw new Error("nothing was ever taken");
    const bytes = this.#core.bytes;
    const touched = new Set(this.#dirty());
    const [from, to] = compare(base, goal) < 0 ? [base, goal] : [goal, base];
    for (let i = this.index(from) + 1; i <= this.index(to); i++) {
      for (const pfn of (this.#list[i] as Checkpoint).frames.keys()) touched.add(pfn);
    }
    for (const pfn of touched) {
      bytes.set(this.#version(pfn, goal).bytes, RAM_BASE + pfn * PAGE_SIZE);
    }
    goal.state.forEach((page, i) => {
      bytes.set(page.bytes, STATE_BASE + i * PAGE_SIZE);
    });
    this.#base = goal;
    this.#core.restored();
    this.#core.checkpoint();
  }

  /** Forgets a checkpoint; its frames pass to the next one. Not the first, not the base. */
  remove(gone: Checkpoint): void {
    const at = this.#list.indexOf(gone);
    if (at <= 0 || gone === this.#base) return;
    const next = this.#list[at + 1];
    for (const [pfn, page] of gone.frames) {
      const list = this.#versions.get(pfn) as Checkpoint[];
      const i = list.indexOf(gone);
      if (next && !next.frames.has(pfn)) {
        next.frames.set(pfn, page);
        list[i] = next;
        continue;
      }
      list.splice(i, 1);
      if (list.length === 0) this.#versions.delete(pfn);
      this.#pool.release(page);
    }
    for (const page of gone.state) this.#pool.release(page);
    this.#list.splice(at, 1);
  }

  #dirty(): number[] {
    const found: number[] = [];
    const { bytes } = this.#core;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + FRAME_META, this.#frames >> 2);
    const mask = META_DIRTY * 0x01010101;
    for (let i = 0; i < words.length; i++) {
      const word = words[i] as number;
      if ((word & mask) === 0) continue;
      for (let byte = 0; byte < 4; byte++) {
        if (word & (META_DIRTY << (8 * byte))) found.push(4 * i + byte);
      }
    }
    for (let pfn = this.#frames & ~3; pfn < this.#frames; pfn++) {
      if ((bytes[FRAME_META + pfn] as number) & META_DIRTY) found.push(pfn);
    }
    return found;
  }

  #frame(pfn: number): Uint8Array {
    const at = RAM_BASE + pfn * PAGE_SIZE;
    return this.#core.bytes.subarray(at, at + PAGE_SIZE);
  }

  #version(pfn: number, at: Checkpoint): Page {
    const list = this.#versions.get(pfn);
    const holder = list?.[lastUpTo(list, at)];
    return holder?.frames.get(pfn) ?? this.#first(pfn);
  }

  /** A frame at power-on. */
  #first(pfn: number): Page {
    if (pfn < this.#ramFrames || !this.#original) return ZEROS;
    let page = this.#firsts.get(pfn);
    if (!page) {
      page = { bytes: this.#original(pfn - this.#ramFrames), holders: 1 };
      this.#firsts.set(pfn, page);
    }
    return page;
  }

  #add(checkpoint: Checkpoint, pfn: number, page: Page): void {
    checkpoint.frames.set(pfn, page);
    const list = this.#versions.get(pfn);
    if (list) list.splice(lastUpTo(list, checkpoint) + 1, 0, checkpoint);
    else this.#versions.set(pfn, [checkpoint]);
  }

  #copyState(previous: Checkpoint | undefined, next: Checkpoint | undefined): Page[] {
    const { bytes } = this.#core;
    const pages: Page[] = [];
    for (let i = 0; i < this.#statePages; i++) {
      const at = STATE_BASE + i * PAGE_SIZE;
      const now = bytes.subarray(at, at + PAGE_SIZE);
      const older = previous?.state[i];
      const newer = next?.state[i];
      if (older && equal(now, older.bytes)) pages.push(this.#pool.hold(older));
      else if (newer && newer !== older && equal(now, newer.bytes))
        pages.push(this.#pool.hold(newer));
      else pages.push(this.#pool.copy(now));
    }
    return pages;
  }

  /**
   * Forgets checkpoints until the limits hold: those whose loss makes the replay longest only by
   * little, measured against their distance from where the reader is. So they get exponentially
   * sparser into the past, and stay dense around the present.
   */
  #thin(present: Checkpoint): void {
    while (this.bytes > this.#maxBytes || this.#list.length > this.#maxCount) {
      let best: Checkpoint | null = null;
      let least = Number.POSITIVE_INFINITY;
      for (let i = 1; i + 1 < this.#list.length; i++) {
        const here = this.#list[i] as Checkpoint;
        if (here === this.#base) continue;
        const gap = (this.#list[i + 1] as Checkpoint).work - (this.#list[i - 1] as Checkpoint).work;
        const score = (gap + 1) / (Math.abs(present.work - here.work) + 1000);
        if (score < least) {
          least = score;
          best = here;
        }
      }
      if (!best) return;
      this.remove(best);
    }
  }
}

function lastUpTo(list: readonly Place[], place: Place): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle] as Place, place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Whether two pages hold the same bytes. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  const x = new Uint32Array(a.buffer, a.byteOffset, PAGE_SIZE / 4);
  const y = new Uint32Array(b.buffer, b.byteOffset, PAGE_SIZE / 4);
  for (let i = 0; i < PAGE_SIZE / 4; i++) if (x[i] !== y[i]) return false;
  return true;
}
