// An ELF file as it is, for looking at. It accepts every machine, class and byte order, and it
// never trusts a number in the file: a count is used only up to what the file can hold, a table
// index only after a range check, and every loop runs over bytes that are there. What looks wrong
// is not an error but a note beside the data, since a malformed file is what one wants to look at.
//
// This is a second reader beside the kernel's loader on purpose. The loader decides what runs and
// reads only what Linux reads; this one describes the whole file. Field names are those of the ELF
// specification (System V gABI), without their prefixes.
//
// Text from a file becomes a byte string: one character (U+0000..U+00ff) a byte, unfiltered.

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_TLS = 7;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_HASH = 5;
export const SHT_DYNAMIC = 6;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_GROUP = 17;
export const SHT_SYMTAB_SHNDX = 18;
export const SHT_RELR = 19;

export const SHF_COMPRESSED = 0x800n;

/** e_phnum of a file with more program headers than 16 bits can count. */
export const PN_XNUM = 0xffff;
/** Section index that says: the real index stands elsewhere. */
export const SHN_XINDEX = 0xffff;
/** First of the section indices with a meaning of their own. */
export const SHN_LORESERVE = 0xff00;

/** How many notes are kept; a file of garbage has one for each header. */
const MAX_NOTES = 256;
/** Longest section name kept, so that many headers naming one long string stay cheap. */
const MAX_NAME = 256;

/** Something in the file that a correct file does not have. */
export interface ElfNote {
  /** Where in the file the field is, in bytes. */
  offset: number;
  /** Its name in the specification, with an index: "e_phnum", "phdr[2].p_filesz". */
  field: string;
  /** What it holds. */
  value: bigint;
  /** What is wrong with it. */
  message: string;
}

export interface ElfHeader {
  /** The first 16 bytes. */
  ident: Uint8Array;
  type: number;
  machine: number;
  version: number;
  entry: bigint;
  phoff: bigint;
  shoff: bigint;
  flags: number;
  ehsize: number;
  phentsize: number;
  /** As stored; `ElfFile.programHeaderCount` is the number meant. */
  phnum: number;
  shentsize: number;
  shnum: number;
  shstrndx: number;
}

export interface ProgramHeader {
  /** Where this header stands in the file. */
  at: number;
  type: number;
  flags: number;
  offset: bigint;
  vaddr: bigint;
  paddr: bigint;
  filesz: bigint;
  memsz: bigint;
  align: bigint;
}

export interface SectionHeader {
  /** Where this header stands in the file. */
  at: number;
  /** From the section header string table, at most 256 bytes; empty when there is none. */
  name: string;
  /** sh_name: the offset of the name in that table. */
  nameOffset: number;
  type: number;
  flags: bigint;
  addr: bigint;
  offset: bigint;
  size: bigint;
  link: number;
  info: number;
  addralign: bigint;
  entsize: bigint;
}

export interface ElfFile {
  kind: "elf";
  bytes: Uint8Array;
  is64: boolean;
  littleEndian: boolean;
  header: ElfHeader;
  /** Only those that the file holds completely. */
  programHeaders: ProgramHeader[];
  sections: SectionHeader[];
  /** How many program headers the file says it has, extended numbering resolved. */
  programHeaderCount: number;
  /** How many section headers the file says it has, extended numbering resolved. */
  sectionCount: number;
  /** Index of the section header string table, extended numbering resolved; 0 for none. */
  stringTableIndex: number;
  /** What is malformed, at most 256. */
  notes: ElfNote[];
  /** How many more notes there would be. */
  notesLeftOut: number;
}

/** The bytes are not an ELF file, or too few to say anything about it. */
export interface ElfRefusal {
  kind: "refusal";
  reason: "too-short" | "not-elf";
  message: string;
}

/** Bounds-checked fields of a file. Reading past the end gives 0; callers check first. */
export class ElfReader {
  readonly bytes: Uint8Array;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  readonly #view: DataView;

  /** Anything but ELFCLASS64 is read as 32-bit and anything but ELFDATA2MSB as little-endian. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.is64 = bytes[4] === 2;
    this.littleEndian = bytes[5] !== 2;
  }

  get size(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0;
  }

  u16(at: number): number {
    return this.holds(at, 2) ? this.#view.getUint16(at, this.littleEndian) : 0;
  }

  u32(at: number): number {
    return this.holds(at, 4) ? this.#view.getUint32(at, this.littleEndian) : 0;
  }

  u64(at: number): bigint {
    return this.holds(at, 8) ? this.#view.getBigUint64(at, this.littleEndian) : 0n;
  }

  /** An address, offset or size: 32 or 64 bits, as the class says. */
  word(at: number): bigint {
    return this.is64 ? this.u64(at) : BigInt(this.u32(at));
  }

  /** Whether `length` bytes at `at` are in the file. */
  holds(at: number, length: number): boolean {
    return at >= 0 && length >= 0 && at <= this.size && length <= this.size - at;
  }

  /** The same for fields of a file, which may be any 64-bit number. */
  holdsRange(offset: bigint, length: bigint): boolean {
    const size = BigInt(this.size);
    return offset <= size && length <= size - offset;
  }

  get headerSize(): number {
    return this.is64 ? 64 : 52;
  }

  get programHeaderSize(): number {
    return this.is64 ? 56 : 32;
  }

  get sectionHeaderSize(): number {
    return this.is64 ? 64 : 40;
  }

  /** @returns the ELF header; the file must be at least `headerSize` bytes. */
  header(): ElfHeader {
    const word = this.is64 ? 8 : 4;
    const flagsAt = 24 + 3 * word;
    return {
      ident: this.bytes.slice(0, 16),
      type: this.u16(16),
      machine: this.u16(18),
      version: this.u32(20),
      entry: this.word(24),
      phoff: this.word(24 + word),
      shoff: this.word(24 + 2 * word),
      flags: this.u32(flagsAt),
      ehsize: this.u16(flagsAt + 4),
      phentsize: this.u16(flagsAt + 6),
      phnum: this.u16(flagsAt + 8),
      shentsize: this.u16(flagsAt + 10),
      shnum: this.u16(flagsAt + 12),
      shstrndx: this.u16(flagsAt + 14),
    };
  }

  programHeader(at: number): ProgramHeader {
    if (this.is64) {
      return {
        at,
        type: this.u32(at),
        flags: this.u32(at + 4),
        offset: this.u64(at + 8),
        vaddr: this.u64(at + 16),
        paddr: this.u64(at + 24),
        filesz: this.u64(at + 32),
        memsz: this.u64(at + 40),
        align: this.u64(at + 48),
      };
    }
    return {
      at,
      type: this.u32(at),
      offset: this.word(at + 4),
      vaddr: this.word(at + 8),
      paddr: this.word(at + 12),
      filesz: this.word(at + 16),
      memsz: this.word(at + 20),
      flags: this.u32(at + 24),
      align: this.word(at + 28),
    };
  }

  /** A section header; its `name` is left empty. */
  sectionHeader(at: number): SectionHeader {
    const word = this.is64 ? 8 : 4;
    const linkAt = at + 8 + 4 * word;
    return {
      at,
      name: "",
      nameOffset: this.u32(at),
      type: this.u32(at + 4),
      flags: this.word(at + 8),
      addr: this.word(at + 8 + word),
      offset: this.word(at + 8 + 2 * word),
      size: this.word(at + 8 + 3 * word),
      link: this.u32(linkAt),
      info: this.u32(linkAt + 4),
      addralign: this.word(linkAt + 8),
      entsize: this.word(linkAt + 8 + word),
    };
  }

  /**
   * The bytes at `at` up to a NUL, `end`, or `limit` bytes, as a byte string.
   *
   * @param end file offset that the text may not pass; the file's end when larger.
   */
  text(at: number, end: number, limit: number): string {
    const stop = Math.min(end, this.size, at + limit);
    let length = 0;
    while (at + length < stop && this.bytes[at + length] !== 0) length++;
    return byteString(this.bytes.subarray(at, at + length));
  }
}

/** One character a byte. */
export function byteString(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

/** Whether the first four bytes are those of an ELF file. */
export function hasElfMagic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Collects notes up to a bound. */
class Notes {
  readonly list: ElfNote[] = [];
  leftOut = 0;

  add(offset: number, field: string, value: bigint | number, message: string): void {
    if (this.list.length >= MAX_NOTES) this.leftOut++;
    else this.list.push({ offset, field, value: BigInt(value), message });
  }
}

/**
 * Reads headers of an ELF file of any machine, class and byte order. Takes time and memory linear
 * in the size of the file, whatever it holds, and throws nothing.
 *
 * @param bytes the whole file; kept, not copied.
 */
export function parseElf(bytes: Uint8Array): ElfFile | ElfRefusal {
  if (bytes.length >= 4 && !hasElfMagic(bytes)) {
    return { kind: "refusal", reason: "not-elf", message: "it does not start with 7f 45 4c 46" };
  }
  const reader = new ElfReader(bytes);
  if (bytes.length < 16 || bytes.length < reader.headerSize) {
    const wanted = bytes.length < 16 ? 52 : reader.headerSize;
    const message = `it has ${bytes.length} bytes; an ELF header has ${wanted}`;
    return { kind: "refusal", reason: "too-short", message };
  }
  const notes = new Notes();
  const header = reader.header();
  noteHeader(reader, header, notes);

  // Extended numbering: three counts that do not fit their 16 bits stand in section header 0.
  const first = readTable(reader, header.shoff, header.shentsize, reader.sectionHeaderSize, 1);
  const zero = first.length === 1 ? reader.sectionHeader(first[0]!) : undefined;
  let sectionCount = header.shnum;
  if (header.shnum === 0 && zero !== undefined)
    sectionCount = Number(BigInt.asUintN(32, zero.size));
  let programHeaderCount = header.phnum;
  if (header.phnum === PN_XNUM && zero !== undefined && zero.info !== 0) {
    programHeaderCount = zero.info;
  }
  let stringTableIndex = header.shstrndx;
  if (header.shstrndx === SHN_XINDEX && zero !== undefined) stringTableIndex = zero.link;

  const programHeaders = readTable(
    reader,
    header.phoff,
    header.phentsize,
    reader.programHeaderSize,
    programHeaderCount,
  ).map((at) => reader.programHeader(at));
  if (programHeaders.length < programHeaderCount) {
    const message = `${programHeaderCount} program headers of ${header.phentsize} bytes at ${header.phoff} do not fit in the file of ${bytes.length}`;
    notes.add(fieldAt(reader, "phnum"), "e_phnum", header.phnum, message);
  }
  const sections = readTable(
    reader,
    header.shoff,
    header.shentsize,
    reader.sectionHeaderSize,
    sectionCount,
  ).map((at) => reader.sectionHeader(at));
  if (sections.length < sectionCount) {
    const message = `${sectionCount} section headers of ${header.shentsize} bytes at ${header.shoff} do not fit in the file of ${bytes.length}`;
    notes.add(fieldAt(reader, "shnum"), "e_shnum", header.shnum, message);
  }
  if (stringTableIndex !== 0 && stringTableIndex >= sections.length) {
    const message = `section ${stringTableIndex} is to hold the section names; there are ${sections.length}`;
    notes.add(fieldAt(reader, "shstrndx"), "e_shstrndx", header.shstrndx, message);
    stringTableIndex = 0;
  }
  nameSections(reader, sections, stringTableIndex, notes);
  noteProgramHeaders(reader, programHeaders, notes);
  noteSections(reader, sections, notes);
  return {
    kind: "elf",
    bytes,
    is64: reader.is64,
    littleEndian: reader.littleEndian,
    header,
    programHeaders,
    sections,
    programHeaderCount,
    sectionCount,
    stringTableIndex,
    notes: notes.list,
    notesLeftOut: notes.leftOut,
  };
}

/**
 * The bytes of a section.
 *
 * @returns a view into the file; empty for SHT_NOBITS and for a section that is not wholly in it.
 */
export function sectionBytes(elf: ElfFile, section: SectionHeader): Uint8Array {
  const { offset, size } = section;
  const all = BigInt(elf.bytes.length);
  if (section.type === SHT_NOBITS || offset > all || size > all - offset) return new Uint8Array(0);
  return elf.bytes.subarray(Number(offset), Number(offset + size));
}

/** The first section of that name. */
export function findSection(elf: ElfFile, name: string): SectionHeader | undefined {
  return elf.sections.find((section) => section.name === name);
}

/**
 * File offsets of a table's entries, as many of `count` as the file holds. An entry size under
 * that of the structure makes the table unreadable; a larger one is a stride (gABI: e_phentsize).
 */
function readTable(
  reader: ElfReader,
  offset: bigint,
  entrySize: number,
  structSize: number,
  count: number,
): number[] {
  if (offset === 0n || entrySize < structSize || offset > BigInt(reader.size)) return [];
  const start = Number(offset);
  // The last entry needs the structure, not the stride.
  const room = reader.size - start - structSize;
  const held = room < 0 ? 0 : Math.min(count, Math.floor(room / entrySize) + 1);
  return Array.from({ length: held }, (_, index) => start + index * entrySize);
}

const HALF_FIELDS = ["ehsize", "phentsize", "phnum", "shentsize", "shnum", "shstrndx"] as const;

/** File offset of one of the header's last six fields. */
function fieldAt(reader: ElfReader, field: (typeof HALF_FIELDS)[number]): number {
  return reader.headerSize - 12 + 2 * HALF_FIELDS.indexOf(field);
}

function noteHeader(reader: ElfReader, header: ElfHeader, notes: Notes): void {
  const { ident } = header;
  const note = (at: number, field: string, value: bigint | number, message: string) =>
    notes.add(at, field, value, message);
  if (ident[4] !== 1 && ident[4] !== 2) {
    note(4, "EI_CLASS", ident[4]!, "neither ELFCLASS32 (1) nor ELFCLASS64 (2); read as 32-bit");
  }
  if (ident[5] !== 1 && ident[5] !== 2) {
    note(5, "EI_DATA", ident[5]!, "neither little- (1) nor big-endian (2); read as little-endian");
  }
  if (ident[6] !== 1) note(6, "EI_VERSION", ident[6]!, "not EV_CURRENT (1)");
  if (header.version !== 1) note(20, "e_version", header.version, "not EV_CURRENT (1)");
  const { ehsize, phentsize, shentsize } = header;
  if (ehsize !== reader.headerSize) {
    const message = `the ELF header of this class has ${reader.headerSize} bytes`;
    note(fieldAt(reader, "ehsize"), "e_ehsize", ehsize, message);
  }
  if (phentsize !== reader.programHeaderSize && (header.phnum !== 0 || phentsize !== 0)) {
    const message = `a program header of this class has ${reader.programHeaderSize} bytes`;
    note(fieldAt(reader, "phentsize"), "e_phentsize", phentsize, message);
  }
  if (shentsize !== reader.sectionHeaderSize && (header.shnum !== 0 || shentsize !== 0)) {
    const message = `a section header of this class has ${reader.sectionHeaderSize} bytes`;
    note(fieldAt(reader, "shentsize"), "e_shentsize", shentsize, message);
  }
  const word = reader.is64 ? 8 : 4;
  if (header.phnum === 0 && header.phoff !== 0n) {
    note(24 + word, "e_phoff", header.phoff, "an offset, but no program headers");
  }
  if (header.phnum !== 0 && header.phoff === 0n) {
    note(24 + word, "e_phoff", 0, "program headers, but no offset");
  }
  if (header.shnum !== 0 && header.shoff === 0n) {
    note(24 + 2 * word, "e_shoff", 0, "section headers, but no offset");
  }
}

function nameSections(
  reader: ElfReader,
  sections: SectionHeader[],
  tableIndex: number,
  notes: Notes,
): void {
  const table = tableIndex === 0 ? undefined : sections[tableIndex];
  if (table === undefined) return;
  const field = `shdr[${tableIndex}]`;
  if (table.type !== SHT_STRTAB) {
    const message = "the section header string table is not of type SHT_STRTAB (3)";
    notes.add(table.at + 4, `${field}.sh_type`, table.type, message);
  }
  if (table.type === SHT_NOBITS || !reader.holdsRange(table.offset, table.size)) return;
  const start = Number(table.offset);
  const size = Number(table.size);
  if (size > 0 && reader.u8(start + size - 1) !== 0) {
    const message = "the string table does not end with a NUL";
    notes.add(start + size - 1, field, reader.u8(start + size - 1), message);
  }
  sections.forEach((section, index) => {
    if (section.nameOffset < size) {
      section.name = reader.text(start + section.nameOffset, start + size, MAX_NAME);
    } else {
      const message = `the name is outside the string table of ${size} bytes`;
      notes.add(section.at, `shdr[${index}].sh_name`, section.nameOffset, message);
    }
  });
}

const TWO_64 = 1n << 64n;

function noteProgramHeaders(reader: ElfReader, headers: ProgramHeader[], notes: Notes): void {
  const end = reader.is64 ? TWO_64 : 1n << 32n;
  const word = reader.is64 ? 8 : 4;
  // Where the fields stand after p_type (and p_flags, which ELF64 moved forward).
  const base = reader.is64 ? 8 : 4;
  let previousLoad: ProgramHeader | undefined;
  let interpreters = 0;
  headers.forEach((segment, index) => {
    const note = (slot: number, name: string, value: bigint, message: string) =>
      notes.add(segment.at + base + slot * word, `phdr[${index}].${name}`, value, message);
    const { type, offset, vaddr, filesz, memsz, align } = segment;
    if (type === 0) return;
    if (filesz !== 0n && !reader.holdsRange(offset, filesz)) {
      note(3, "p_filesz", filesz, `${filesz} bytes at ${offset} pass the end of the file`);
    }
    if (type === PT_LOAD) {
      if (filesz > memsz) note(3, "p_filesz", filesz, "larger than p_memsz");
      if (vaddr + memsz > end)
        note(4, "p_memsz", memsz, "the segment wraps round the address space");
      if ((align & (align - 1n)) !== 0n && align !== 0n) {
        note(5, "p_align", align, "not a power of two");
      } else if (align > 1n && vaddr % align !== offset % align) {
        note(1, "p_vaddr", vaddr, `not congruent to p_offset modulo p_align (${align})`);
      }
      if (previousLoad !== undefined) {
        if (vaddr < previousLoad.vaddr) {
          note(1, "p_vaddr", vaddr, "PT_LOAD segments are not in ascending order");
        } else if (vaddr < previousLoad.vaddr + previousLoad.memsz) {
          note(1, "p_vaddr", vaddr, "overlaps the PT_LOAD segment before it");
        }
      }
      previousLoad = segment;
    } else if (type === PT_INTERP) {
      if (++interpreters === 2) note(0, "p_offset", offset, "a second PT_INTERP");
      if (filesz === 0n) note(3, "p_filesz", filesz, "the interpreter's name is empty");
      else if (reader.holdsRange(offset, filesz) && reader.u8(Number(offset + filesz) - 1) !== 0) {
        note(3, "p_filesz", filesz, "the interpreter's name does not end with a NUL");
      }
    } else if (type === PT_PHDR && previousLoad !== undefined) {
      note(1, "p_vaddr", vaddr, "PT_PHDR comes after a PT_LOAD");
    }
  });
}

/** Entry size that tables of fixed-size entries must have, by type: 32-bit, 64-bit. */
const ENTRY_SIZES = new Map<number, readonly [bigint, bigint]>([
  [SHT_SYMTAB, [16n, 24n]],
  [SHT_DYNSYM, [16n, 24n]],
  [SHT_RELA, [12n, 24n]],
  [SHT_REL, [8n, 16n]],
  [SHT_DYNAMIC, [8n, 16n]],
]);

function noteSections(reader: ElfReader, sections: SectionHeader[], notes: Notes): void {
  const word = reader.is64 ? 8 : 4;
  sections.forEach((section, index) => {
    const note = (at: number, name: string, value: bigint | number, message: string) =>
      notes.add(section.at + at, `shdr[${index}].${name}`, value, message);
    const { type, offset, size, link, info, flags, entsize, addralign } = section;
    // Section 0 is SHT_NULL; with extended numbering its fields are counts.
    if (type === SHT_NULL) return;
    if (type !== SHT_NOBITS && !reader.holdsRange(offset, size)) {
      note(8 + 3 * word, "sh_size", size, `${size} bytes at ${offset} pass the end of the file`);
    }
    if (link !== 0 && link >= sections.length) {
      note(8 + 4 * word, "sh_link", link, `there are ${sections.length} sections`);
    }
    if ((flags & 0x40n) !== 0n && info >= sections.length) {
      note(12 + 4 * word, "sh_info", info, `there are ${sections.length} sections`);
    }
    if ((addralign & (addralign - 1n)) !== 0n && addralign !== 0n) {
      note(16 + 4 * word, "sh_addralign", addralign, "not a power of two");
    }
    const wanted = ENTRY_SIZES.get(type)?.[reader.is64 ? 1 : 0];
    if (wanted !== undefined && entsize !== wanted) {
      note(16 + 5 * word, "sh_entsize", entsize, `an entry of this table has ${wanted} bytes`);
    } else if (wanted !== undefined && size % wanted !== 0n) {
      note(8 + 3 * word, "sh_size", size, `not a multiple of sh_entsize (${wanted})`);
    }
  });
}
