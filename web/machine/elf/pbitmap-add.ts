// Adds page bitmaps to ELF files and takes them out again. Nothing that was in the file moves: what
// is new goes behind its end, or into zeros behind the program headers, and the few fields that
// have to change are kept in an undo record, so that `clearBitmaps` gives the old bytes back.
//
//   section form, from the file's old end on, each part at a multiple of 8:
//     bits          one section ".pbitmap" a segment, all 0
//     undo          section ".pbitmap.undo": old size, ELF header, flags of PT_GNU_STACK
//     names         .shstrtab as it was, and the two names
//     sections      the table as it was, and the new headers behind it
//
//   program header form, from the end of the program headers on:
//     headers       one PT_PAGE_BITMAP a segment
//     bits          all 0
//     undo          old size of the PT_LOAD that the headers are in

import {
  type ElfFile,
  PT_DYNAMIC,
  PT_LOAD,
  PT_PHDR,
  type ProgramHeader,
  SHT_DYNAMIC,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_STRTAB,
  type SectionHeader,
} from "./elf.ts";
import {
  checkedElf,
  filePages,
  isText,
  MOST_SECTIONS,
  PAGE,
  PF_PLEASE_LOAD_SHDRS,
  type PageBitmap,
  PbitmapError,
  PT_GNU_STACK,
  PT_PAGE_BITMAP,
  pageBitmaps,
  pageOf,
  SHT_PRESENT_BITMAP,
} from "./pbitmap.ts";

/** What `addBitmaps` adds. */
export interface AddOptions {
  /** A bitmap for each PT_LOAD with pages of the file, or for those with instructions. */
  segments?: "all" | "text";
  /** Drepper's form instead of Kleen's. */
  phdr?: boolean;
  /** Earlier runs that a kernel may remember behind the bits (vm.pbitmap_update=age). */
  history?: number;
}

const NAME = ".pbitmap";
const UNDO_NAME = ".pbitmap.undo";
/** "PBUNDO" and the version, 1. */
const MAGIC = 0x314f_444e_5542_50n;
/** Magic, size of the file, ELF header, number and flags of PT_GNU_STACK. */
const UNDO_SIZE = 8 + 8 + 64 + 4 + 4;
/** Magic, number of headers, number of the PT_LOAD, its p_filesz and p_memsz. */
const PHDR_UNDO_SIZE = 8 + 4 + 4 + 8 + 8;
const NO_SEGMENT = 0xffffffff;
const SHF_WRITE_ALLOC = 3n;
const SHF_ALLOC = 2n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;

const align8 = (at: number) => (at + 7) & ~7;

/** Most runs that a kernel remembers. */
export const MOST_HISTORY = 15;

/** Bytes for the bits of a segment, and for those of as many runs before. */
const bytesFor = (segment: ProgramHeader, history: number) =>
  Math.ceil(filePages(segment) / 8) * (1 + history);

/**
 * The file with a bitmap for each of its segments, no bit set.
 *
 * @throws PbitmapError when it has one, has no room for one, or is malformed.
 */
export function addBitmaps(bytes: Uint8Array, options: AddOptions = {}): Uint8Array {
  const { elf, bitmaps } = pageBitmaps(bytes);
  if (bitmaps.length > 0) throw new PbitmapError("the file has a bitmap already");
  if (elf.sections.some(({ name }) => name === UNDO_NAME)) {
    throw new PbitmapError(`the file has a section ${UNDO_NAME}, but no bitmap`);
  }
  const described = elf.programHeaders.filter(
    (segment) =>
      segment.type === PT_LOAD &&
      filePages(segment) > 0 &&
      (options.segments !== "text" || isText(segment)),
  );
  if (described.length === 0) {
    const which = options.segments === "text" ? "PT_LOAD segment with instructions" : "PT_LOAD";
    throw new PbitmapError(`the file has no ${which} that has pages of it`);
  }
  const { history = 0 } = options;
  return options.phdr ? addHeaders(elf, described, history) : addSections(elf, described, history);
}

/**
 * The file as it was before `addBitmaps`, byte for byte.
 *
 * @throws PbitmapError when it has no bitmap, or one that was not added so, or was changed since in
 *   a way that the undo record does not know of.
 */
export function clearBitmaps(bytes: Uint8Array): Uint8Array {
  const { elf, bitmaps } = pageBitmaps(bytes);
  if (bitmaps.length === 0) throw new PbitmapError("the file has no bitmap");
  const before = bitmaps.some(({ form }) => form === "phdr")
    ? withoutHeaders(elf, bitmaps)
    : withoutSections(elf);
  // Adding the same again must give this file, but for the bits: else it was changed since.
  const { elf: old } = pageBitmaps(before);
  const addresses = new Set(bitmaps.map(({ addr }) => addr));
  const described = old.programHeaders.filter(
    (one) => one.type === PT_LOAD && filePages(one) > 0 && addresses.has(pageOf(one.vaddr)),
  );
  const phdr = bitmaps[0]!.form === "phdr";
  const [first] = described;
  const history = first ? Math.max(0, Math.floor(bitmaps[0]!.size / bytesFor(first, 0)) - 1) : 0;
  const again = phdr ? addHeaders(old, described, history) : addSections(old, described, history);
  const now = new Uint8Array(bytes);
  for (const { offset, size } of bitmaps) now.fill(0, offset, offset + size);
  const differs = firstDifference(now, again);
  if (differs !== -1) {
    const message = "the file was changed since the bitmap was added, its old bytes are lost";
    throw new PbitmapError(message, differs);
  }
  return before;
}

/** Index of the first byte that two files do not share, or -1. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return a.length === b.length ? -1 : length;
}

// ------------------------------------------------------------------------- section headers ----

/** A section header that is not in the file yet. */
type NewSection = Omit<SectionHeader, "at" | "name" | "nameOffset"> & { name: string };

function newSection(name: string, type: number, offset: number, size: number): NewSection {
  const sizes = { offset: BigInt(offset), size: BigInt(size) };
  const rest = { flags: 0n, addr: 0n, link: 0, info: 0, addralign: 1n, entsize: 0n };
  return { name, type, ...sizes, ...rest };
}

function addSections(elf: ElfFile, described: ProgramHeader[], history: number): Uint8Array {
  const { bytes, programHeaders, sections } = elf;
  const stack = programHeaders.findIndex(({ type }) => type === PT_GNU_STACK);
  if (stack === -1) {
    throw new PbitmapError(
      "the file has no PT_GNU_STACK header, whose flag 0x8 tells the kernel of bitmaps: link it with -z noexecstack, or try --phdr",
    );
  }
  const added = sections.length === 0 ? sectionsOfNone(elf) : [];
  let at = align8(bytes.length);
  for (const segment of described) {
    const section = newSection(NAME, SHT_PRESENT_BITMAP, at, bytesFor(segment, history));
    added.push({ ...section, addr: pageOf(segment.vaddr) });
    at = align8(at + bytesFor(segment, history));
  }
  const undoAt = at;
  added.push(newSection(UNDO_NAME, SHT_PROGBITS, at, UNDO_SIZE));
  at = align8(at + UNDO_SIZE);
  const names = new Names(elf, added);
  const namesAt = at;
  if (!names.moves) added.push(newSection(".shstrtab", SHT_STRTAB, at, names.bytes.length));
  at = align8(at + names.bytes.length);
  const count = Math.max(sections.length, 1) + added.length;
  if (count >= MOST_SECTIONS) {
    const message = `with the bitmaps it would have ${count} section headers, and kernels that know bitmaps read fewer than ${MOST_SECTIONS}`;
    throw new PbitmapError(message, 60);
  }
  const file = new Uint8Array(at + 64 * count);
  file.set(bytes);
  const view = new DataView(file.buffer);
  writeUndo(view, undoAt, elf, stack);
  file.set(names.bytes, namesAt);
  for (const [index, section] of sections.entries()) {
    file.set(bytes.subarray(section.at, section.at + 64), at + 64 * index);
  }
  if (names.moves) {
    const moved = at + 64 * elf.stringTableIndex;
    view.setBigUint64(moved + 24, BigInt(namesAt), true);
    view.setBigUint64(moved + 32, BigInt(names.bytes.length), true);
  }
  const first = count - added.length;
  for (const [index, section] of added.entries()) {
    writeSection(view, at + 64 * (first + index), section, names.at(section.name));
  }
  view.setBigUint64(40, BigInt(at), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, count, true);
  view.setUint16(62, names.moves ? elf.stringTableIndex : count - 1, true);
  const flagsAt = programHeaders[stack]!.at + 4;
  view.setUint32(flagsAt, view.getUint32(flagsAt, true) | PF_PLEASE_LOAD_SHDRS, true);
  return file;
}

/**
 * The dynamic section of a file that was stripped of all section headers: once a file has some,
 * readelf looks for the dynamic segment among them and nowhere else.
 */
function sectionsOfNone(elf: ElfFile): NewSection[] {
  const dynamic = elf.programHeaders.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic || dynamic.filesz === 0n) return [];
  const view = new DataView(elf.bytes.buffer, elf.bytes.byteOffset, elf.bytes.byteLength);
  const tags = new Map<bigint, bigint>();
  const end = dynamic.offset + dynamic.filesz;
  for (let at = dynamic.offset; at + 16n <= end && at + 16n <= view.byteLength; at += 16n) {
    const tag = view.getBigUint64(Number(at), true);
    if (tag === 0n) break;
    tags.set(tag, view.getBigUint64(Number(at) + 8, true));
  }
  const [table = 0n, size = 0n] = [tags.get(DT_STRTAB), tags.get(DT_STRSZ)];
  const holder = elf.programHeaders.find(
    ({ type, vaddr, filesz }) =>
      type === PT_LOAD && table >= vaddr && size <= filesz && table - vaddr <= filesz - size,
  );
  if (!holder || size === 0n) return [];
  const strings: NewSection = {
    ...newSection(".dynstr", SHT_STRTAB, Number(table - holder.vaddr + holder.offset), 0),
    size,
    addr: table,
    flags: SHF_ALLOC,
  };
  return [
    strings,
    {
      ...newSection(".dynamic", SHT_DYNAMIC, 0, 0),
      offset: dynamic.offset,
      size: dynamic.filesz,
      addr: dynamic.vaddr,
      flags: SHF_WRITE_ALLOC,
      link: 1,
      addralign: 8n,
      entsize: 16n,
    },
  ];
}

/** The section names: those there are, and those of the sections to add. */
class Names {
  readonly bytes: Uint8Array;
  /** The file's own string table is moved; otherwise there is to be a new one. */
  readonly moves: boolean;
  readonly #places = new Map<string, number>();

  constructor(elf: ElfFile, added: readonly NewSection[]) {
    const table = elf.stringTableIndex === 0 ? undefined : elf.sections[elf.stringTableIndex];
    const old = table ? stringTable(elf, table) : Uint8Array.of(0);
    // A table that is in memory, too, has to stay where it is.
    this.moves = table !== undefined && (table.flags & SHF_ALLOC) === 0n;
    // The last string of a table that does not end with a NUL would run into the next.
    const gap = old.at(-1) === 0 ? 0 : 1;
    const wanted = new Set(added.map(({ name }) => name));
    if (!this.moves) wanted.add(".shstrtab");
    let text = "";
    for (const name of wanted) {
      this.#places.set(name, old.length + gap + text.length);
      text += `${name}\0`;
    }
    this.bytes = new Uint8Array(old.length + gap + text.length);
    this.bytes.set(old);
    this.bytes.set(new TextEncoder().encode(text), old.length + gap);
  }

  at(name: string): number {
    return this.#places.get(name)!;
  }
}

function stringTable({ bytes }: ElfFile, { type, offset, size, at }: SectionHeader): Uint8Array {
  if (type !== SHT_STRTAB) {
    throw new PbitmapError("the section names are not in a string table", at + 4);
  }
  const length = BigInt(bytes.length);
  if (offset > length || size > length - offset) {
    throw new PbitmapError("the section names pass the end of the file", at + 24);
  }
  return size === 0n
    ? Uint8Array.of(0)
    : bytes.subarray(Number(offset), Number(offset) + Number(size));
}

function writeSection(view: DataView, at: number, section: NewSection, name: number): void {
  view.setUint32(at, name, true);
  view.setUint32(at + 4, section.type, true);
  view.setBigUint64(at + 8, section.flags, true);
  view.setBigUint64(at + 16, section.addr, true);
  view.setBigUint64(at + 24, section.offset, true);
  view.setBigUint64(at + 32, section.size, true);
  view.setUint32(at + 40, section.link, true);
  view.setUint32(at + 44, section.info, true);
  view.setBigUint64(at + 48, section.addralign, true);
  view.setBigUint64(at + 56, section.entsize, true);
}

function writeUndo(view: DataView, at: number, { bytes, programHeaders }: ElfFile, stack: number) {
  view.setBigUint64(at, MAGIC, true);
  view.setBigUint64(at + 8, BigInt(bytes.length), true);
  new Uint8Array(view.buffer).set(bytes.subarray(0, 64), at + 16);
  view.setUint32(at + 80, stack, true);
  view.setUint32(at + 84, programHeaders[stack]!.flags, true);
}

function withoutSections(elf: ElfFile): Uint8Array {
  const { bytes, programHeaders } = elf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const undo = elf.sections.find(({ name }) => name === UNDO_NAME);
  const at = Number(undo?.offset ?? 0n);
  if (undo?.size !== BigInt(UNDO_SIZE) || at + UNDO_SIZE > bytes.length) {
    throw new PbitmapError(
      `only bitmaps that pbitmap add made can be taken out; pbitmap set FILE none empties this one`,
    );
  }
  const size = view.getBigUint64(at + 8, true);
  const stack = programHeaders[view.getUint32(at + 80, true)];
  if (view.getBigUint64(at, true) !== MAGIC) {
    throw new PbitmapError(`${UNDO_NAME} does not hold what pbitmap add puts there`, at);
  }
  if (size > BigInt(at) || size < 64n || !stack || stack.at + 56 > Number(size)) {
    const message = "the file was written anew since the bitmap was added (strip does that)";
    throw new PbitmapError(`${message}: its old bytes are lost`, at + 8);
  }
  const file = new Uint8Array(bytes.subarray(0, Number(size)));
  file.set(bytes.subarray(at + 16, at + 80));
  new DataView(file.buffer).setUint32(stack.at + 4, view.getUint32(at + 84, true), true);
  return file;
}

// ------------------------------------------------------------------------- program headers ----

function addHeaders(elf: ElfFile, described: ProgramHeader[], history: number): Uint8Array {
  const { bytes, header, programHeaders } = elf;
  const start = Number(header.phoff) + 56 * programHeaders.length;
  const bitsAt = start + 56 * described.length;
  const bitsSize = described.reduce((sum, segment) => sum + bytesFor(segment, history), 0);
  const undoAt = align8(bitsAt + bitsSize);
  const end = undoAt + PHDR_UNDO_SIZE;
  const room = freeUpTo(elf, start);
  if (end > room.end) {
    const free = Math.max(room.end - start, 0);
    const message = `${end - start} bytes are needed behind the program headers, up to ${room.what} there are ${free}; a linker that knew of bitmaps would leave room (GNU ld: -Wl,--section-start=.interp=ADDRESS)`;
    throw new PbitmapError(message, start);
  }
  const used = bytes.subarray(start, end).findIndex((byte) => byte !== 0);
  if (used !== -1) {
    throw new PbitmapError("what follows the program headers is not zeros", start + used);
  }
  const holder = programHeaders.findIndex(
    ({ type, offset, filesz }) =>
      type === PT_LOAD && offset <= header.phoff && offset + filesz >= BigInt(start),
  );
  const file = new Uint8Array(bytes);
  const view = new DataView(file.buffer);
  let at = bitsAt;
  for (const [index, segment] of described.entries()) {
    const size = bytesFor(segment, history);
    writePhdr(view, start + 56 * index, pageOf(segment.vaddr), at, size);
    at += size;
  }
  view.setUint16(56, programHeaders.length + described.length, true);
  for (const { type, at: place, filesz, memsz } of programHeaders) {
    if (type !== PT_PHDR) continue;
    view.setBigUint64(place + 32, filesz + 56n * BigInt(described.length), true);
    view.setBigUint64(place + 40, memsz + 56n * BigInt(described.length), true);
  }
  const load = programHeaders[holder];
  view.setBigUint64(undoAt, MAGIC, true);
  view.setUint32(undoAt + 8, described.length, true);
  view.setUint32(undoAt + 12, load ? holder : NO_SEGMENT, true);
  view.setBigUint64(undoAt + 16, load?.filesz ?? 0n, true);
  view.setBigUint64(undoAt + 24, load?.memsz ?? 0n, true);
  if (load) growTo(view, load, BigInt(end));
  return file;
}

/** The segment that has the program headers is to have the new ones, too, and the bits. */
function growTo(view: DataView, load: ProgramHeader, end: bigint): void {
  const size = end - load.offset;
  if (size <= load.filesz) return;
  if (load.memsz > load.filesz) {
    const message = "the segment of the program headers ends in zeros that are not in the file";
    throw new PbitmapError(message, load.at + 40);
  }
  view.setBigUint64(load.at + 32, size, true);
  view.setBigUint64(load.at + 40, size, true);
}

function writePhdr(view: DataView, at: number, vaddr: bigint, offset: number, size: number): void {
  view.setUint32(at, PT_PAGE_BITMAP, true);
  view.setUint32(at + 4, 4, true);
  view.setBigUint64(at + 8, BigInt(offset), true);
  view.setBigUint64(at + 16, vaddr, true);
  view.setBigUint64(at + 24, vaddr, true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setBigUint64(at + 40, BigInt(size), true);
  view.setBigUint64(at + 48, 1n, true);
}

/** Up to where nothing of the file is known to be, from the end of the program headers on. */
function freeUpTo(elf: ElfFile, start: number): { end: number; what: string } {
  const { bytes, header, programHeaders, sections } = elf;
  let [end, what] = [Number(PAGE), "the end of the first page"];
  const taken = (from: bigint, size: bigint, name: string) => {
    if (size === 0n || from + size <= BigInt(start) || from >= BigInt(end)) return;
    end = Number(from);
    what = name;
  };
  taken(BigInt(bytes.length), 1n, "the end of the file");
  taken(header.shoff, 64n * BigInt(sections.length), "the section headers");
  for (const { type, offset, size, name } of sections) {
    if (type !== SHT_NULL && type !== SHT_NOBITS) taken(offset, size, name || "a section");
  }
  programHeaders.forEach(({ type, offset, filesz }, index) => {
    // What is in a segment besides headers only the section headers can say.
    const holder = type === PT_LOAD && sections.length > 0 && offset <= header.phoff;
    if (type !== PT_PHDR && !holder) taken(offset, filesz, `segment ${index}`);
  });
  return { end, what };
}

function withoutHeaders(elf: ElfFile, bitmaps: PageBitmap[]): Uint8Array {
  const { bytes, header, programHeaders } = elf;
  const count = bitmaps.filter(({ form }) => form === "phdr").length;
  const kept = programHeaders.length - count;
  const start = Number(header.phoff) + 56 * kept;
  const last = Math.max(...bitmaps.map(({ offset, size }) => offset + size));
  const undoAt = align8(last);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const known =
    count === bitmaps.length &&
    undoAt + PHDR_UNDO_SIZE <= bytes.length &&
    undoAt >= start + 56 * count &&
    view.getBigUint64(undoAt, true) === MAGIC &&
    view.getUint32(undoAt + 8, true) === count;
  if (!known) {
    throw new PbitmapError(
      "only bitmaps that pbitmap add made can be taken out; pbitmap set FILE none empties this one",
    );
  }
  const file = new Uint8Array(bytes);
  const out = new DataView(file.buffer);
  file.fill(0, start, undoAt + PHDR_UNDO_SIZE);
  out.setUint16(56, kept, true);
  const shrunk = 56n * BigInt(count);
  for (const { type, at, filesz, memsz } of programHeaders.slice(0, kept)) {
    if (type !== PT_PHDR) continue;
    out.setBigUint64(at + 32, filesz - shrunk, true);
    out.setBigUint64(at + 40, memsz - shrunk, true);
  }
  const load = view.getUint32(undoAt + 12, true);
  if (load !== NO_SEGMENT) {
    const place = programHeaders[load];
    if (!place || load >= kept) {
      throw new PbitmapError("the undo record names a segment that is not there", undoAt + 12);
    }
    out.setBigUint64(place.at + 32, view.getBigUint64(undoAt + 16, true), true);
    out.setBigUint64(place.at + 40, view.getBigUint64(undoAt + 24, true), true);
  }
  checkedElf(file);
  return file;
}
