// Page bitmaps in ELF files: which pages of the file the next run will want, one bit a page, for
// the kernel to read before the program's first instruction. Two places for them were proposed on
// linux-mm in March 2008:
//
//   in the section headers (Andi Kleen)            behind the program headers (Ulrich Drepper)
//
//   +--------------------+                         +--------------------+
//   | ELF header         |                         | ELF header         |
//   | program headers    | GNU_STACK: flag 0x8     | program headers    | PT_PAGE_BITMAP
//   | text, data         |                         | bits               | same page: no seek
//   +--------------------+ the file's old end      | text, data         |
//   | bits               |                         +--------------------+
//   | section headers    | SHT_PRESENT_BITMAP
//   +--------------------+ one more seek
//
// Kleen's can be added to any program that is already linked; Drepper wanted the linker to leave
// room, so here it is only for files whose first page has some. The bits are raw: bit 0 is the
// page of sh_addr (or p_vaddr), bit i is bit i % 8 of byte i / 8.
//
// This file reads bitmaps and changes bits; pbitmap-add.ts makes room for them and gives it back.

import {
  type ElfFile,
  parseElf,
  type ProgramHeader,
  PT_LOAD,
  SHT_NOBITS,
  SHT_NULL,
  type SectionHeader,
} from "./elf.ts";

/** SHT_LOPROC - 1000, "made up" in the posting: not in the processor's range at all. */
export const SHT_PRESENT_BITMAP = 0x6ffffc18;
/** p_flags of PT_GNU_STACK: read this file's section headers at exec. */
export const PF_PLEASE_LOAD_SHDRS = 0x8;
/** A number nobody has. The posting's, PT_GNU_STACK + 1, is PT_GNU_RELRO. */
export const PT_PAGE_BITMAP = 0x65504249;
export const PT_GNU_STACK = 0x6474e551;
/** With this many section headers or more, the kernel does not look: they would not fit a page. */
export const MOST_SECTIONS = 64;

/** No kernel reads more program headers than fit 64 KiB. */
const MOST_SEGMENTS = 1170;

export const PAGE = 4096n;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
const ET_EXEC = 2;
const ET_DYN = 3;

/** The file or the request makes no sense; one sentence, with the place in the file if any. */
export class PbitmapError extends Error {
  /** Where in the file, in bytes; undefined when it is not about a place. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at offset 0x${offset.toString(16)})`);
    this.name = "PbitmapError";
    this.offset = offset;
  }
}

/** One bitmap of a file. */
export interface PageBitmap {
  form: "section" | "phdr";
  /** Of its section header or program header, in the file's table. */
  header: number;
  /** The address of page 0, as the file has it: without the load bias of a position-independent. */
  addr: bigint;
  /** Where the bits lie in the file, and how many bytes they are. */
  offset: number;
  size: number;
  /** Index in the program header table of the PT_LOAD it describes; null when there is none. */
  segment: number | null;
  /** Page of the file that bit 0 stands for: its offset / 4096. Meaningless without a segment. */
  filePage: number;
  /** How many bits mean something: pages of the segment that the file has, if there are bits. */
  pages: number;
  /** The bytes as they are in the file, a view. */
  bits: Uint8Array;
}

/** What a file has of bitmaps. */
export interface PageBitmaps {
  elf: ElfFile;
  bitmaps: PageBitmap[];
  /** PT_GNU_STACK has PF_PLEASE_LOAD_SHDRS, so the kernel looks at sections at all. */
  asked: boolean;
}

/** First address of the page that `address` is in. */
export function pageOf(address: bigint): bigint {
  return address & ~(PAGE - 1n);
}

/** How many pages of the file a PT_LOAD maps. */
export function filePages({ vaddr, filesz }: ProgramHeader): number {
  if (filesz === 0n) return 0;
  return Number((vaddr + filesz + PAGE - 1n - pageOf(vaddr)) / PAGE);
}

/** "R E", as readelf prints it. */
export function permissions({ flags }: ProgramHeader): string {
  const letter = (bit: number, is: string) => (flags & bit ? is : " ");
  return letter(PF_R, "R") + letter(PF_W, "W") + letter(PF_X, "E");
}

export function isText({ flags }: ProgramHeader): boolean {
  return (flags & PF_X) !== 0;
}

/**
 * An ELF file that a bitmap could be in: 64-bit, little-endian, linked, its tables whole.
 *
 * @throws PbitmapError saying what is not so, and where.
 */
export function checkedElf(bytes: Uint8Array): ElfFile {
  const elf = parseElf(bytes);
  if (elf.kind === "refusal") throw new PbitmapError(`not an ELF file: ${elf.message}`, 0);
  const { header, programHeaders, sections } = elf;
  if (header.ident[4] !== 2) throw new PbitmapError("not a 64-bit ELF file", 4);
  if (header.ident[5] !== 1) throw new PbitmapError("not a little-endian ELF file", 5);
  if (header.type !== ET_EXEC && header.type !== ET_DYN) {
    const what = header.type === 1 ? "a relocatable file: link it first" : `type ${header.type}`;
    throw new PbitmapError(`neither a program nor a shared library (${what})`, 16);
  }
  if (header.phnum === 0 || header.phoff === 0n) {
    throw new PbitmapError("the file has no program headers", 56);
  }
  if (header.phentsize !== 56) {
    throw new PbitmapError(`e_phentsize is ${header.phentsize}, not 56`, 54);
  }
  if (header.phnum > MOST_SEGMENTS) {
    throw new PbitmapError(`${header.phnum} program headers; Linux takes ${MOST_SEGMENTS}`, 56);
  }
  if (programHeaders.length < elf.programHeaderCount) {
    throw new PbitmapError("the program headers pass the end of the file", 32);
  }
  if (elf.sectionCount > 0 && header.shentsize !== 64) {
    throw new PbitmapError(`e_shentsize is ${header.shentsize}, not 64`, 58);
  }
  if (sections.length < elf.sectionCount) {
    throw new PbitmapError("the section headers pass the end of the file", 40);
  }
  for (const [index, segment] of programHeaders.entries()) checkSegment(elf, segment, index);
  return elf;
}

function checkSegment(elf: ElfFile, segment: ProgramHeader, index: number): void {
  const { type, offset, vaddr, filesz, memsz, at } = segment;
  if (type !== PT_LOAD || filesz === 0n) return;
  const size = BigInt(elf.bytes.length);
  if (offset > size || filesz > size - offset) {
    throw new PbitmapError(`segment ${index} passes the end of the file`, at + 32);
  }
  if (filesz > memsz) throw new PbitmapError(`segment ${index}: p_filesz > p_memsz`, at + 32);
  if (vaddr % PAGE !== offset % PAGE) {
    const message = `segment ${index}: p_vaddr and p_offset lie differently in their pages`;
    throw new PbitmapError(message, at + 16);
  }
  if (vaddr + memsz >= 1n << 64n) {
    throw new PbitmapError(`segment ${index} passes the end of the address space`, at + 40);
  }
}

/**
 * All bitmaps of a file, those of both forms; in a file with so many section headers that the
 * kernel does not read them, only those of program headers.
 *
 * @throws PbitmapError when the file, or a bitmap in it, is malformed.
 */
export function pageBitmaps(bytes: Uint8Array): PageBitmaps {
  const elf = checkedElf(bytes);
  const bitmaps: PageBitmap[] = [];
  elf.programHeaders.forEach((header, index) => {
    if (header.type !== PT_PAGE_BITMAP) return;
    bitmaps.push(bitmapAt(elf, "phdr", index, header.vaddr, header.offset, header.filesz));
  });
  elf.sections.forEach((section: SectionHeader, index) => {
    if (section.type !== SHT_PRESENT_BITMAP || elf.sectionCount >= MOST_SECTIONS) return;
    bitmaps.push(bitmapAt(elf, "section", index, section.addr, section.offset, section.size));
  });
  const stack = elf.programHeaders.find(({ type }) => type === PT_GNU_STACK);
  const asked = stack !== undefined && (stack.flags & PF_PLEASE_LOAD_SHDRS) !== 0;
  return { elf, bitmaps, asked };
}

function bitmapAt(
  elf: ElfFile,
  form: PageBitmap["form"],
  header: number,
  vaddr: bigint,
  offset: bigint,
  size: bigint,
): PageBitmap {
  const length = BigInt(elf.bytes.length);
  if (offset > length || size > length - offset) {
    const table = form === "section" ? elf.sections : elf.programHeaders;
    const place = table[header]!.at + (form === "section" ? 24 : 8);
    throw new PbitmapError(`the bits of ${form} ${header} pass the end of the file`, place);
  }
  if (form === "phdr" && offset + size > PAGE) {
    const place = elf.programHeaders[header]!.at + 8;
    throw new PbitmapError(`the bits of phdr ${header} are not in the file's first page`, place);
  }
  for (const [start, end, what] of occupied(elf, form)) {
    if (size === 0n || offset >= end || offset + size <= start) continue;
    throw new PbitmapError(`the bits of ${form} ${header} lie on ${what}`, Number(offset));
  }
  const addr = pageOf(vaddr);
  const bits = elf.bytes.subarray(Number(offset), Number(offset + size));
  const segment = elf.programHeaders.findIndex((one) => {
    const { type, vaddr: start, filesz } = one;
    if (type !== PT_LOAD || filesz === 0n) return false;
    return addr >= pageOf(start) && addr < start + filesz;
  });
  const found = elf.programHeaders[segment];
  const before = found ? Number((addr - pageOf(found.vaddr)) / PAGE) : 0;
  return {
    form,
    header,
    addr,
    offset: Number(offset),
    size: bits.length,
    segment: found ? segment : null,
    filePage: found ? Number(found.offset / PAGE) + before : 0,
    pages: found ? Math.min(8 * bits.length, filePages(found) - before) : 0,
    bits,
  };
}

/**
 * What bits may not lie on, as they are written to: headers, and for bits in the section headers'
 * care the segments and other sections. The kernel has the same rules.
 */
function occupied(
  { header, programHeaders, sections }: ElfFile,
  form: PageBitmap["form"],
): [bigint, bigint, string][] {
  const { phoff, shoff } = header;
  const list: [bigint, bigint, string][] = [
    [0n, 64n, "the ELF header"],
    [phoff, phoff + 56n * BigInt(programHeaders.length), "the program headers"],
    [shoff, shoff + 64n * BigInt(sections.length), "the section headers"],
  ];
  if (form === "phdr") return list;
  programHeaders.forEach(({ type, offset, filesz }, index) => {
    if (type === PT_LOAD) list.push([offset, offset + filesz, `segment ${index}`]);
  });
  sections.forEach(({ type, offset, size, name }, index) => {
    if (type === SHT_NULL || type === SHT_NOBITS || type === SHT_PRESENT_BITMAP) return;
    list.push([offset, offset + size, name === "" ? `section ${index}` : `section ${name}`]);
  });
  return list;
}

export function bit(bits: Uint8Array, page: number): boolean {
  return ((bits[page >>> 3] ?? 0) & (1 << (page & 7))) !== 0;
}

export function setBit(bits: Uint8Array, page: number): void {
  bits[page >>> 3]! |= 1 << (page & 7);
}

/** How many of a bitmap's pages are set. */
export function countBits({ bits, pages }: Pick<PageBitmap, "bits" | "pages">): number {
  let count = 0;
  for (let page = 0; page < pages; page++) if (bit(bits, page)) count++;
  return count;
}

/**
 * The file with other bits.
 *
 * @param changes bits by bitmap; what they hold past the last page is left out.
 */
export function withBits(
  bytes: Uint8Array,
  changes: ReadonlyMap<PageBitmap, Uint8Array>,
): Uint8Array {
  const changed = new Uint8Array(bytes);
  for (const [{ offset, size, pages }, bits] of changes) {
    const clean = new Uint8Array(size);
    for (let page = 0; page < pages; page++) if (bit(bits, page)) setBit(clean, page);
    changed.set(clean, offset);
  }
  return changed;
}
