// What a program's memory must hold, by a simple model of its own: areas are intervals, a page is
// its 4096 bytes, never changed in place, so that fork and the page cache share them by sharing a
// reference. It knows nothing of frames, page tables, or of when a page is in memory.

export const PAGE = 4096;
/** A page nobody wrote. */
export const ZEROS = new Uint8Array(PAGE);

export const READ = 1;
export const WRITE = 2;
export const EXEC = 4;

/** Pages that several areas may show: a file, or shared anonymous memory. */
export class Store {
  /** Inode number; 0 for anonymous memory. */
  readonly ino: number;
  size: number;
  readonly #pages: (Uint8Array | undefined)[] = [];

  constructor(ino: number, data: Uint8Array | number) {
    this.ino = ino;
    this.size = typeof data === "number" ? data : data.length;
    if (typeof data === "number") return;
    for (let at = 0; at < data.length; at += PAGE) {
      const page = new Uint8Array(PAGE);
      page.set(data.subarray(at, at + PAGE));
      this.#pages[at / PAGE] = page;
    }
  }

  get pages(): number {
    return Math.ceil(this.size / PAGE);
  }
  page(index: number): Uint8Array {
    return this.#pages[index] ?? ZEROS;
  }
  setPage(index: number, page: Uint8Array): void {
    this.#pages[index] = page;
  }
  /** Bytes that a write has put there. */
  write(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const offset = (at + done) % PAGE;
      const count = Math.min(PAGE - offset, bytes.length - done);
      const index = Math.floor((at + done) / PAGE);
      this.setPage(index, edited(this.page(index), offset, bytes.subarray(done), count));
      done += count;
    }
    this.size = Math.max(this.size, at + bytes.length);
  }
  /** Does `page` hold the file's end, so that what is behind it in memory is nobody's? */
  endsIn(index: number): boolean {
    return this.ino !== 0 && this.size % PAGE !== 0 && index === Math.floor(this.size / PAGE);
  }
  /** ftruncate: what is cut off is gone, and the rest of the last page is zeros. */
  truncate(size: number): void {
    if (size < this.size) {
      this.#pages.length = Math.min(this.#pages.length, Math.ceil(size / PAGE));
      const last = this.#pages[Math.floor(size / PAGE)];
      if (last && size % PAGE !== 0) {
        this.#pages[Math.floor(size / PAGE)] = edited(
          last,
          size % PAGE,
          ZEROS,
          PAGE - (size % PAGE),
        );
      }
    }
    this.size = size;
  }
}

/** A copy of `page` with `count` bytes of `from` at `offset`. */
export function edited(page: Uint8Array, offset: number, from: Uint8Array, count: number) {
  const copy = new Uint8Array(page);
  copy.set(from.subarray(0, count), offset);
  return copy;
}

/** One area; addresses in pages. Immutable. */
export interface Area {
  start: number;
  end: number;
  prot: number;
  shared: boolean;
  store: Store | undefined;
  /** Page of the store at `start`. */
  offset: number;
  grows: boolean;
  /** Not for the child of a fork; or for it only empty. */
  dontCopy: boolean;
  wipe: boolean;
  /** The kernel's own (vDSO), or scratch: what it holds is not followed. */
  wild: boolean;
  /** May not be made writable: a shared mapping of a file opened for reading. */
  readOnly: boolean;
}

export enum Verdict {
  ok = 0,
  noArea = 1,
  denied = 2,
  pastEnd = 3,
}

/** An address space. */
export class Space {
  areas: Area[] = [];
  /** Pages of its own: of private areas, by virtual page number. */
  readonly own = new Map<number, Uint8Array>();
  /** Pages that MADV_FREE allowed to become zeros. */
  readonly lazy = new Set<number>();
  /** The next look takes its areas and pages from the machine: after execve. */
  adopt = true;
  brk = 0;
  /** The kernel has taken its pages: it will not run again. */
  reaped = false;

  find(page: number): Area | undefined {
    for (const area of this.areas)
      if (area.end > page) return area.start <= page ? area : undefined;
    return undefined;
  }

  /** What the page holds. */
  content(page: number, area: Area): Uint8Array {
    if (!area.shared) {
      const own = this.own.get(page);
      if (own) return own;
    }
    return area.store ? area.store.page(area.offset + page - area.start) : ZEROS;
  }

  /** What an access to one page must come to. */
  verdict(page: number, access: number): Verdict {
    const area = this.find(page);
    if (!area) return Verdict.noArea;
    // A page that may be written may be read.
    const needs = access === READ ? READ | WRITE : access;
    if ((area.prot & needs) === 0) return Verdict.denied;
    if (area.store && area.offset + page - area.start >= area.store.pages) {
      return Verdict.pastEnd;
    }
    return Verdict.ok;
  }

  /** Is every byte of [va, va + length) there for that access? */
  allows(va: number, length: number, access: number): boolean {
    const last = Math.floor((va + length - 1) / PAGE);
    for (let page = Math.floor(va / PAGE); page <= last; page++) {
      if (this.verdict(page, access) !== Verdict.ok) return false;
    }
    return true;
  }

  /** Writes bytes that the machine is known to have written. */
  write(va: number, bytes: Uint8Array): void {
    // Both pages of a store are there before it writes: one may be a copy of the other as it was.
    const last = Math.floor((va + bytes.length - 1) / PAGE);
    for (let page = Math.floor(va / PAGE); page <= last; page++) {
      const area = this.find(page);
      if (area?.store && !area.shared && !this.own.has(page)) {
        this.own.set(page, this.content(page, area));
      }
    }
    for (let done = 0; done < bytes.length; ) {
      const page = Math.floor((va + done) / PAGE);
      const offset = (va + done) % PAGE;
      const count = Math.min(PAGE - offset, bytes.length - done);
      const area = this.find(page);
      if (!area) throw new Error(`the model has nothing at page 0x${page.toString(16)}`);
      const now = edited(this.content(page, area), offset, bytes.subarray(done), count);
      if (area.shared && area.store) area.store.setPage(area.offset + page - area.start, now);
      else this.own.set(page, now);
      this.lazy.delete(page);
      done += count;
    }
  }

  /** Bytes as the model has them. */
  read(va: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const page = Math.floor((va + done) / PAGE);
      const offset = (va + done) % PAGE;
      const count = Math.min(PAGE - offset, length - done);
      const area = this.find(page);
      if (area) out.set(this.content(page, area).subarray(offset, offset + count), done);
      done += count;
    }
    return out;
  }

  /** Makes `page` an area's first page if it lies inside of one. */
  #cut(page: number): void {
    const i = this.areas.findIndex((area) => area.start < page && page < area.end);
    if (i < 0) return;
    const area = this.areas[i] as Area;
    const upper = { ...area, start: page, offset: area.offset + page - area.start };
    this.areas.splice(i, 1, { ...area, end: page }, upper);
  }

  /** Changes the areas of [start, end); they are cut at its ends first. */
  change(start: number, end: number, to: (area: Area) => Area): void {
    this.#cut(start);
    this.#cut(end);
    this.areas = this.areas.map((a) => (a.start >= start && a.end <= end ? to(a) : a));
  }

  /** Forgets [start, end). */
  unmap(start: number, end: number): void {
    this.#cut(start);
    this.#cut(end);
    this.areas = this.areas.filter((area) => area.end <= start || area.start >= end);
    this.drop(start, end);
  }

  /** Its own pages of [start, end) are gone; what is under them shows again. */
  drop(start: number, end: number): void {
    if (end - start < this.own.size) {
      for (let page = start; page < end; page++) this.own.delete(page);
    } else {
      for (const page of [...this.own.keys()])
        if (page >= start && page < end) this.own.delete(page);
    }
    for (const page of [...this.lazy]) if (page >= start && page < end) this.lazy.delete(page);
  }

  /** A file became shorter: private copies of what it lost go as well. */
  truncated(store: Store): void {
    for (const area of this.areas) {
      if (area.store !== store) continue;
      const kept = area.start + Math.max(0, store.pages - area.offset);
      if (kept < area.end) this.drop(Math.max(kept, area.start), area.end);
    }
  }

  /** A new area where nothing is. */
  map(area: Area): void {
    this.areas.push(area);
    this.areas.sort((a, b) => a.start - b.start);
  }

  /** Where the first hole of [start, end) begins; `end` when there is none. */
  hole(start: number, end: number): number {
    let at = start;
    for (const area of this.areas) {
      if (area.end <= at) continue;
      if (at >= end || area.start > at) break;
      at = area.end;
    }
    return Math.min(at, end);
  }

  isFree(start: number, end: number): boolean {
    return !this.areas.some((area) => area.start < end && area.end > start);
  }

  /** What fork gives the child. */
  fork(): Space {
    const child = new Space();
    child.adopt = this.adopt;
    child.brk = this.brk;
    child.areas = this.areas.filter((area) => !area.dontCopy);
    for (const [page, bytes] of this.own) {
      const area = this.find(page);
      if (!area?.dontCopy && !area?.wipe) child.own.set(page, bytes);
    }
    for (const page of this.lazy) child.lazy.add(page);
    return child;
  }

  /** mremap: [from, from + pages) now lies at `to`, its pages with it; `keep` the old area. */
  move(from: number, pages: number, to: number, newPages: number, keep: boolean): void {
    this.#cut(from);
    this.#cut(from + pages);
    const area = this.find(from);
    if (!area) throw new Error("the model has nothing to move");
    const moved = [...this.own].filter(([page]) => page >= from && page < from + pages);
    const lazy = [...this.lazy].filter((page) => page >= from && page < from + pages);
    this.unmap(from, from + pages);
    this.unmap(to, to + newPages);
    this.map({ ...area, start: to, end: to + newPages });
    if (keep) this.map({ ...area, start: from, end: from + pages });
    for (const [page, bytes] of moved) {
      if (page - from < newPages) this.own.set(page - from + to, bytes);
    }
    for (const page of lazy) this.lazy.add(page - from + to);
  }
}
