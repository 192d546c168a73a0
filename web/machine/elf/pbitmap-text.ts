// Page bitmaps as people write and read them: ranges of pages, drawings, and traces of faults, the
// input of the tool that Drepper wanted apart from the kernel.

import { escapeName } from "../terminal-filter.ts";
import { PT_LOAD } from "./elf.ts";
import {
  bit,
  countBits,
  filePages,
  MOST_SECTIONS,
  PAGE,
  type PageBitmap,
  type PageBitmaps,
  PbitmapError,
  pageOf,
  permissions,
  SHT_PRESENT_BITMAP,
  setBit,
} from "./pbitmap.ts";

/** Pages in a row of a drawing, and most rows of it: beyond, one letter stands for several. */
const ROW = 64;
const MOST_ROWS = 32;

/** "0-3,7", or "none". */
export function rangesOf(bits: Uint8Array, pages: number): string {
  const ranges: string[] = [];
  for (let page = 0; page < pages; page++) {
    if (!bit(bits, page)) continue;
    const first = page;
    while (page + 1 < pages && bit(bits, page + 1)) page++;
    ranges.push(first === page ? `${first}` : `${first}-${page}`);
  }
  return ranges.join(",") || "none";
}

/**
 * Bits of the pages that a text names: "0-3,7,9-" (to the last), "all" or "none".
 *
 * @throws PbitmapError for anything else, and for pages that the bitmap does not have.
 */
export function parseRanges(text: string, { pages, size }: PageBitmap): Uint8Array {
  const bits = new Uint8Array(size);
  if (text === "none") return bits;
  for (const part of text === "all" ? ["0-"] : text.split(",")) {
    const [, from, dash, to] = /^(\d{1,12})(-?)(\d{0,12})$/.exec(part) ?? [];
    if (from === undefined || (dash === "" && to !== "")) {
      throw new PbitmapError(`"${escapeName(part)}" is no page and no range, such as 3 or 5-8`);
    }
    const first = Number(from);
    const last = to ? Number(to) : dash ? pages - 1 : first;
    if (last >= pages || first >= Math.max(pages, 1)) {
      throw new PbitmapError(`"${part}": the bitmap has pages 0 to ${pages - 1}`);
    }
    if (first > last && to) throw new PbitmapError(`"${part}" begins behind its end`);
    for (let page = first; page <= last; page++) setBit(bits, page);
  }
  return bits;
}

/**
 * New bits for a file from words such as "0-3,7" (a file with one bitmap), "1:0-3,7" (its bitmap 1),
 * "all" and "none" (each). Bitmaps that no word names keep theirs.
 *
 * @throws PbitmapError
 */
export function bitsFromWords(
  { bitmaps }: PageBitmaps,
  words: readonly string[],
): Map<PageBitmap, Uint8Array> {
  const changes = new Map<PageBitmap, Uint8Array>();
  for (const word of words) {
    const [, index, ranges] = /^(\d{1,6}):(.*)$/.exec(word) ?? [undefined, undefined, word];
    const whole = ranges === "all" || ranges === "none";
    if (index === undefined && bitmaps.length !== 1 && !whole) {
      const last = bitmaps.length - 1;
      throw new PbitmapError(
        `"${escapeName(word)}": which bitmap? 0 to ${last}, as 0:${escapeName(word)}`,
      );
    }
    const chosen = index === undefined ? bitmaps : bitmaps.slice(Number(index), Number(index) + 1);
    if (chosen.length === 0) {
      throw new PbitmapError(`"${escapeName(word)}": there are ${bitmaps.length} bitmaps`);
    }
    for (const bitmap of chosen) changes.set(bitmap, parseRanges(ranges as string, bitmap));
  }
  return changes;
}

// ----------------------------------------------------------------------------------- traces ----

/** Which pages of a program were used. */
export interface PageTrace {
  /** Addresses in memory. */
  addresses: bigint[];
  /** Pages of the file: offset / 4096. */
  filePages: number[];
  /** Starts of areas that map the file, where the trace tells them: they give the load bias away. */
  areas: bigint[];
}

/** What a trace made of a file's bitmaps. */
export interface Traced {
  changes: Map<PageBitmap, Uint8Array>;
  /** Entries of the trace that are in a bitmap, and the others: libraries, stack, heap. */
  used: number;
  outside: number;
  /** What was taken off the addresses. */
  base: bigint;
}

/**
 * A trace as text, an entry a line: 0x... is an address, a decimal number a page of the file (its
 * offset / 4096), `{"va": "0x...", "vma": {...}}` a line of `pagewalk faults --json`; what follows
 * a blank, and a line that begins with #, is passed over.
 *
 * @param file name of the program, to know its areas by; lines of other areas are left out
 * @throws PbitmapError naming the line that is nothing of this.
 */
export function parseTrace(text: string, file: string): PageTrace {
  const trace: PageTrace = { addresses: [], filePages: [], areas: [] };
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    const [word = ""] = trimmed.split(/\s/, 1);
    if (word === "" || word.startsWith("#")) continue;
    if (word.startsWith("{")) jsonLine(trimmed, index + 1, file, trace);
    else if (/^0x[0-9a-f]{1,16}$/i.test(word)) trace.addresses.push(BigInt(word));
    else if (/^\d{1,12}$/.test(word)) trace.filePages.push(Number(word));
    else {
      const shown = escapeName(word.slice(0, 40));
      throw new PbitmapError(
        `line ${index + 1} of the trace, "${shown}", is neither an address (0x...) nor a page`,
      );
    }
  }
  return trace;
}

function jsonLine(line: string, n: number, file: string, trace: PageTrace): void {
  const hex = /^0x[0-9a-f]{1,16}$/i;
  let entry: { va?: unknown; vma?: { start?: unknown; name?: unknown } | null };
  try {
    entry = JSON.parse(line);
  } catch {
    throw new PbitmapError(`line ${n} of the trace begins with { and is no JSON`);
  }
  const { va, vma } = entry ?? {};
  if (typeof va !== "string" || !hex.test(va)) {
    throw new PbitmapError(`line ${n} of the trace has no address "va"`);
  }
  if (vma === undefined) trace.addresses.push(BigInt(va));
  if (!vma || vma.name !== file || typeof vma.start !== "string" || !hex.test(vma.start)) return;
  trace.addresses.push(BigInt(va));
  trace.areas.push(BigInt(vma.start));
}

/**
 * Sets the bits of the pages that a trace names.
 *
 * @param keep leaves bits set that are
 * @param base what the kernel added to the file's addresses; found out where the trace tells areas
 * @throws PbitmapError when no entry of the trace is in the file.
 */
export function bitsFromTrace(
  found: PageBitmaps,
  trace: PageTrace,
  { keep = false, base }: { keep?: boolean; base?: bigint | undefined } = {},
): Traced {
  const { bitmaps } = found;
  const bias = base ?? loadBias(found, trace);
  const changes = new Map<PageBitmap, Uint8Array>();
  for (const bitmap of bitmaps) {
    changes.set(bitmap, keep ? new Uint8Array(bitmap.bits) : new Uint8Array(bitmap.size));
  }
  let used = 0;
  const mark = (page: (bitmap: PageBitmap) => number) => {
    let inside = false;
    for (const bitmap of bitmaps) {
      const number = page(bitmap);
      if (number < 0 || number >= bitmap.pages) continue;
      setBit(changes.get(bitmap)!, number);
      inside = true;
    }
    if (inside) used++;
  };
  for (const address of trace.addresses) {
    mark(({ addr }) => Number((pageOf(address - bias) - addr) / PAGE));
  }
  for (const page of trace.filePages) mark(({ filePage }) => page - filePage);
  const outside = trace.addresses.length + trace.filePages.length - used;
  if (used === 0) {
    const hint = base === undefined ? "; where was the file loaded? --base ADDRESS" : "";
    throw new PbitmapError(
      `none of the ${outside} entries of the trace is in a page that has a bit${hint}`,
    );
  }
  return { changes, used, outside, base: bias };
}

/** The bias under which most areas begin where a segment does; 0 where the trace has no areas. */
function loadBias({ elf }: PageBitmaps, { areas }: PageTrace): bigint {
  const starts = elf.programHeaders
    .filter((one) => one.type === PT_LOAD && filePages(one) > 0)
    .map(({ vaddr }) => pageOf(vaddr));
  const distinct = [...new Set(areas)];
  let best = { bias: 0n, fit: 0 };
  for (const area of distinct.slice(0, 64)) {
    for (const start of starts) {
      const bias = area - start;
      const fit = distinct.filter((one) => starts.includes(one - bias)).length;
      if (fit > best.fit || (fit === best.fit && bias === 0n)) best = { bias, fit };
    }
  }
  return best.bias;
}

// --------------------------------------------------------------------------------- drawings ----

/** Rows of ROW letters each, with the number of the first page before each when there are more. */
function draw(pages: number, letter: (first: number, count: number) => string): string[] {
  let each = 1;
  while (pages > each * ROW * MOST_ROWS) each *= 2;
  const rows: string[] = [];
  const width = String(pages).length;
  for (let row = 0; row < pages; row += each * ROW) {
    let text = "";
    for (let page = row; page < Math.min(row + each * ROW, pages); page += each) {
      text += letter(page, Math.min(each, pages - page));
    }
    rows.push(pages > each * ROW ? `${String(row).padStart(width)} ${text}` : text);
  }
  if (each > 1) rows.push(`(a letter is ${each} pages: # all, + some, . none)`);
  return rows;
}

function among(bits: Uint8Array, first: number, count: number): number {
  let set = 0;
  for (let page = first; page < first + count; page++) if (bit(bits, page)) set++;
  return set;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${Math.round((1000 * part) / whole) / 10}%`;
}

const plural = (n: number, what: string) =>
  `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

function title(found: PageBitmaps, bitmap: PageBitmap): string {
  const segment = bitmap.segment === null ? undefined : found.elf.programHeaders[bitmap.segment];
  const of = segment ? `segment ${bitmap.segment}, ${permissions(segment)}` : "no segment";
  return `${of}, from 0x${bitmap.addr.toString(16)}`;
}

const isBitmap = ({ type }: { type: number }) => type === SHT_PRESENT_BITMAP;

/** Bitmaps of a file as text: what they describe, their pages as ranges and as a drawing. */
export function showBitmaps(found: PageBitmaps, name: string): string {
  const { bitmaps, asked, elf } = found;
  if (elf.sectionCount >= MOST_SECTIONS && elf.sections.some(isBitmap)) {
    return `${name}: ${elf.sectionCount} section headers; the kernel reads fewer than ${MOST_SECTIONS}, so it sees no bitmap`;
  }
  if (bitmaps.length === 0) return `${name}: no bitmap`;
  const sections = bitmaps.some(({ form }) => form === "section");
  const where = sections ? "in the section headers" : "behind the program headers";
  const lines = [`${name}: ${plural(bitmaps.length, "bitmap")} ${where}`];
  if (sections && !asked) lines.push("PT_GNU_STACK lacks flag 0x8: the kernel will not look");
  let [set, all] = [0, 0];
  for (const [index, bitmap] of bitmaps.entries()) {
    const { bits, pages } = bitmap;
    const count = countBits(bitmap);
    set += count;
    all += pages;
    const numbers = `${count} of ${plural(pages, "page")} (${percent(count, pages)})`;
    lines.push(`${index}: ${title(found, bitmap)}: ${numbers}: ${rangesOf(bits, pages)}`);
    const rows = draw(pages, (first, length) => {
      const some = among(bits, first, length);
      return some === 0 ? "." : some === length ? "#" : "+";
    });
    for (const row of rows) lines.push(`   ${row}`);
  }
  if (bitmaps.length > 1) lines.push(`${set} of ${plural(all, "page")} (${percent(set, all)})`);
  return lines.join("\n");
}

/** The same for programs. */
export function bitmapsAsJson({ elf, bitmaps, asked }: PageBitmaps): object {
  return {
    asked,
    sections: elf.sectionCount,
    bitmaps: bitmaps.map((bitmap) => ({
      form: bitmap.form,
      segment: bitmap.segment,
      addr: `0x${bitmap.addr.toString(16)}`,
      offset: bitmap.offset,
      bytes: bitmap.size,
      file_page: bitmap.filePage,
      pages: bitmap.pages,
      set: countBits(bitmap),
      ranges: rangesOf(bitmap.bits, bitmap.pages),
    })),
  };
}

/**
 * How the bitmaps of two files differ, as text.
 *
 * @throws PbitmapError when they do not describe the same pages, so that there is nothing to compare.
 */
export function diffBitmaps(
  one: PageBitmaps,
  other: PageBitmaps,
): { text: string; differ: boolean } {
  if (one.bitmaps.length === 0 || other.bitmaps.length === 0) {
    const which = one.bitmaps.length === 0 ? "first" : "second";
    throw new PbitmapError(`the ${which} file has no bitmap`);
  }
  const lines: string[] = [];
  for (const [index, a] of one.bitmaps.entries()) {
    const b = other.bitmaps[index];
    if (one.bitmaps.length !== other.bitmaps.length || !b || a.addr !== b.addr) {
      throw new PbitmapError("the files have bitmaps of different segments");
    }
    const pages = Math.max(a.pages, b.pages);
    const [left, right, both] = [0, 1, 2].map(() => new Uint8Array(Math.ceil(pages / 8)));
    for (let page = 0; page < pages; page++) {
      const [inA, inB] = [page < a.pages && bit(a.bits, page), page < b.pages && bit(b.bits, page)];
      if (inA || inB) setBit(inA && inB ? both! : inA ? left! : right!, page);
    }
    const ranges = [left!, right!].map((bits) => rangesOf(bits, pages));
    if (ranges.every((text) => text === "none")) continue;
    lines.push(`${index}: ${title(one, a)}`);
    lines.push(`   < only in the first:  ${ranges[0]}`, `   > only in the second: ${ranges[1]}`);
    const rows = draw(pages, (first, length) => {
      const [l, r] = [among(left!, first, length), among(right!, first, length)];
      if (l > 0 || r > 0) return l > 0 && r > 0 ? "x" : l > 0 ? "<" : ">";
      return among(both!, first, length) > 0 ? "#" : ".";
    });
    lines.push(...rows.filter((row) => !row.startsWith("(")).map((row) => `   ${row}`));
  }
  return { text: lines.join("\n") || "the bitmaps are equal", differ: lines.length > 0 };
}
