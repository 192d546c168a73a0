// One page lives in several places: an address space, a frame, the page cache, the disk, the
// TLB. Given one of them, find the others.
import type { CacheFile, Snapshot, VmaView } from "../../machine/types.ts";

/** A page, named from where somebody pointed at it. */
export type PageRef =
  | { kind: "virtual"; vpn: number }
  | { kind: "frame"; pfn: number }
  | { kind: "file"; ino: number; page: number };

/** Everywhere a page lives. */
export interface Places {
  vpns: Set<number>;
  pfns: Set<number>;
  /** "ino:page" */
  files: Set<string>;
  lbas: Set<number>;
}

export const fileKey = (ino: number, page: number): string => `${ino}:${page}`;

/** The area that holds a page, if any. */
export const vmaOf = (s: Snapshot, vpn: number): VmaView | undefined =>
  s.vmas.find((v) => vpn >= v.startPage && vpn < v.startPage + v.pages);

/** The frame of each page, where the host says it: -1 or nothing when there is none. */
const pfnsOf = (owner: object): number[] => (owner as { pfns?: number[] }).pfns ?? [];

const fileOf = (s: Snapshot, vma: VmaView): CacheFile | undefined =>
  vma.name && !vma.name.startsWith("[") ? s.cache.find((f) => f.name === vma.name) : undefined;

/** The frames known to hold pages of this address space: pairs of page and frame. */
function* translations(s: Snapshot): Generator<[number, number]> {
  for (const vma of s.vmas) {
    for (const [i, pfn] of pfnsOf(vma).entries()) {
      if (pfn >= 0) yield [vma.startPage + i, pfn];
    }
  }
  for (const entry of s.tlb.entries) if (entry.valid) yield [entry.vpn, entry.pfn];
  const leaf = s.walk?.levels.find((l) => l.level === 0);
  if (s.walk && leaf) {
    const base = Number(BigInt(s.walk.va) >> 21n) * 512;
    for (const row of leaf.rows) if (row.valid && row.leaf) yield [base + row.index, row.pfn];
  }
}

/**
 * Finds every place a page is in.
 *
 * @returns the places known from this snapshot, the one pointed at among them.
 */
export function placesOf(s: Snapshot, ref: PageRef): Places {
  const places: Places = { vpns: new Set(), pfns: new Set(), files: new Set(), lbas: new Set() };
  const pairs = [...translations(s)];
  const addFile = (file: CacheFile, page: number) => {
    places.files.add(fileKey(file.ino, page));
    const lba = file.lbas[page];
    if (lba !== undefined && lba >= 0) places.lbas.add(lba);
    const pfn = pfnsOf(file)[page];
    if (pfn !== undefined && pfn >= 0) places.pfns.add(pfn);
  };
  const addVirtual = (vpn: number) => {
    places.vpns.add(vpn);
    for (const [v, pfn] of pairs) if (v === vpn) places.pfns.add(pfn);
    const vma = vmaOf(s, vpn);
    const file = vma && fileOf(s, vma);
    if (!vma || !file) return;
    const page = vma.pgoff + vpn - vma.startPage;
    // A private page that was written is no longer the file's: it has left these places.
    const state = vma.cells[vpn - vma.startPage];
    if (page < file.pages && state !== "anon" && state !== "zero") addFile(file, page);
  };
  if (ref.kind === "virtual") addVirtual(ref.vpn);
  if (ref.kind === "file") {
    const file = s.cache.find((f) => f.ino === ref.ino);
    if (file) addFile(file, ref.page);
    for (const vma of s.vmas) {
      const vpn = vma.startPage + ref.page - vma.pgoff;
      const inside = ref.page >= vma.pgoff && vpn < vma.startPage + vma.pages;
      const state = vma.cells[vpn - vma.startPage];
      if (file && vma.name === file.name && inside && state !== "anon" && state !== "zero") {
        places.vpns.add(vpn);
        for (const [v, pfn] of pairs) if (v === vpn) places.pfns.add(pfn);
      }
    }
  }
  if (ref.kind === "frame") {
    places.pfns.add(ref.pfn);
    for (const [vpn, pfn] of pairs) if (pfn === ref.pfn) addVirtual(vpn);
    for (const file of s.cache) {
      const page = pfnsOf(file).indexOf(ref.pfn);
      if (page >= 0) addFile(file, page);
    }
  }
  return places;
}
