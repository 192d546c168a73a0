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

const fileOf = (s: Snapshot, vma: VmaView): CacheFile | undefined =>
  vma.name && !vma.name.startsWith("[") ? s.cache.find((f) => f.name === vma.name) : undefined;

/** What the machine answered when it was asked about a page. */
export interface Answer {
  pfn?: number;
  vpn?: number;
  file?: { name: string; page: number };
  /** Of a frame: how often it is held and mapped. */
  words?: string;
}

/** Reads what `vtop ADDR` and `frames PFN` print. */
export function readAnswer(text: string, pid: number): Answer {
  const answer: Answer = {};
  const physical = /is at physical 0x([\da-f]+)/.exec(text);
  if (physical) answer.pfn = Number(BigInt(`0x${physical[1]}`) >> 12n);
  const owner = /^frame (\d+): (.*)$/m.exec(text);
  if (!owner) return answer;
  const [, pfn, whose = ""] = owner;
  answer.pfn = Number(pfn);
  answer.words = whose;
  const counts = /refcount (-?\d+), mapcount (-?\d+)/.exec(text);
  if (counts && Number(counts[1]) > 0) answer.words += `, mapped ${counts[2]}×`;
  const anonymous = /^pid (\d+), 0x([\da-f]+)$/.exec(whose);
  if (anonymous && Number(anonymous[1]) === pid) {
    answer.vpn = Number(BigInt(`0x${anonymous[2]}`) >> 12n);
  }
  const file = /^(.*), page (\d+)$/.exec(whose);
  if (file) answer.file = { name: file[1] as string, page: Number(file[2]) };
  return answer;
}

/** The frames known to hold pages of this address space: pairs of page and frame. */
function* translations(s: Snapshot): Generator<[number, number]> {
  for (const entry of s.tlb.entries) if (entry.valid) yield [entry.vpn, entry.pfn];
  const leaf = s.walk?.levels.find((l) => l.level === 0);
  if (s.walk && leaf) {
    const base = Number(BigInt(s.walk.va) >> 21n) * 512;
    for (const row of leaf.rows) if (row.valid && row.leaf) yield [base + row.index, row.pfn];
  }
}

/** A private page that was written is no longer the file's: it has left the file's places. */
const isFiles = (vma: VmaView, vpn: number): boolean => {
  const state = vma.cells[vpn - vma.startPage];
  return state !== "anon" && state !== "zero";
};

/**
 * Finds every place a page is in.
 *
 * @param answer what the machine said of this page, when it was asked.
 * @returns the places known, the one pointed at among them.
 */
export function placesOf(s: Snapshot, ref: PageRef, answer: Answer = {}): Places {
  const places: Places = { vpns: new Set(), pfns: new Set(), files: new Set(), lbas: new Set() };
  const pairs = [...translations(s)];
  const addFile = (file: CacheFile, page: number) => {
    places.files.add(fileKey(file.ino, page));
    const lba = file.lbas[page];
    if (lba !== undefined && lba >= 0) places.lbas.add(lba);
  };
  const addMapped = (vpn: number) => {
    places.vpns.add(vpn);
    for (const [v, pfn] of pairs) if (v === vpn) places.pfns.add(pfn);
  };
  const addMappings = (file: CacheFile, page: number) => {
    addFile(file, page);
    for (const vma of s.vmas) {
      const vpn = vma.startPage + page - vma.pgoff;
      const inside = page >= vma.pgoff && vpn < vma.startPage + vma.pages;
      if (vma.name === file.name && inside && isFiles(vma, vpn)) addMapped(vpn);
    }
  };
  const addVirtual = (vpn: number) => {
    addMapped(vpn);
    const vma = vmaOf(s, vpn);
    const file = vma && fileOf(s, vma);
    if (!vma || !file || !isFiles(vma, vpn)) return;
    const page = vma.pgoff + vpn - vma.startPage;
    if (page < file.pages) addFile(file, page);
  };
  const named = (name: string) => s.cache.find((file) => file.name === name);

  if (ref.kind === "virtual") addVirtual(ref.vpn);
  if (ref.kind === "file") {
    const file = s.cache.find((f) => f.ino === ref.ino);
    if (file) addMappings(file, ref.page);
  }
  if (ref.kind === "frame") {
    places.pfns.add(ref.pfn);
    for (const [vpn, pfn] of pairs) if (pfn === ref.pfn) addVirtual(vpn);
  }
  if (answer.pfn !== undefined) places.pfns.add(answer.pfn);
  if (answer.vpn !== undefined) addVirtual(answer.vpn);
  const file = answer.file && named(answer.file.name);
  if (file && answer.file) addMappings(file, answer.file.page);
  return places;
}
