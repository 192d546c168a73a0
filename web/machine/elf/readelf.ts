// The text that GNU readelf 2.40 prints with -W and any of -h, -l, -S, byte for byte: standard
// output, standard error and exit status. A reader can compare what the page shows with the tool
// in his own terminal, and so does the test of this file.
//
// It reads the file the way readelf does rather than through parseElf: it keeps going where a
// strict reader would stop, strides over tables by the structure's size and not by e_phentsize,
// repairs a wrong sh_entsize before printing it, and prints every name in full. Two bounds are its
// own: the size of the output and the work for the section to segment mapping, both of which a
// file of 1 MiB could drive to gigabytes and hours.
//
// Text is a byte string (one character a byte), as readelf prints in the C locale: a hostile name
// comes through as readelf shows it, so the caller filters it for its terminal.

import {
  byteString,
  type ElfHeader,
  ElfReader,
  hasElfMagic,
  PN_XNUM,
  type ProgramHeader,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
  PT_TLS,
  type SectionHeader,
  SHN_XINDEX,
  SHT_DYNAMIC,
  SHT_DYNSYM,
  SHT_GROUP,
  SHT_HASH,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
  SHT_RELR,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
} from "./elf.ts";
import { machineFlags } from "./elf-flags.ts";
import { EM, machineName, OSABI, osAbiName } from "./elf-machines.ts";
import {
  isGnuMbind,
  keyToFlags,
  sectionFlags,
  sectionTypeName,
  segmentTypeName,
  type Target,
} from "./elf-types.ts";

/** What to print: readelf's -h, -l and -S. */
export interface ReadelfOptions {
  header?: boolean;
  segments?: boolean;
  sections?: boolean;
  /** The file's name as given to readelf; it stands in two error messages. */
  name?: string;
}

export interface ReadelfResult {
  stdout: string;
  stderr: string;
  /** 0, or 1 where readelf exits with failure. */
  status: number;
}

/** Most characters of standard output, and of standard error. */
const MAX_OUTPUT = 8 << 20;
/** Most pairs of a segment and a section that are compared for the mapping. */
const MAX_PAIRS = 4_000_000;

const SHT_LOOS = 0x60000000;
const SHT_GNU_LIBLIST = 0x6ffffff7;
const SHT_GNU_VERDEF = 0x6ffffffd;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const SHT_GNU_HASH = 0x6ffffff6;
const SHF_ALLOC = 0x2n;
const SHF_INFO_LINK = 0x40n;
const SHF_TLS = 0x400n;
const SHF_GNU_MBIND = 0x1000000n;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_GNU_EH_FRAME = 0x6474e550;
const PT_GNU_STACK = 0x6474e551;
const PT_GNU_RELRO = 0x6474e552;
const PT_GNU_SFRAME = 0x6474e554;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const DT_SYMINSZ = 0x6ffffdfen;
const DT_SYMINENT = 0x6ffffdffn;
const DT_SYMINFO = 0x6ffffeffn;
const DT_FLAGS_1 = 0x6ffffffbn;
const DF_1_PIE = 0x08000000n;

/** C's arithmetic on uint64_t. */
function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** C's "%#lx": no prefix on 0. */
function sharpHex(value: bigint): string {
  return value === 0n ? "0" : `0x${value.toString(16)}`;
}

/** C's "%N.Nlx". */
function padHex(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/**
 * Prints a file as `readelf -W` does.
 *
 * @param bytes the whole file, of any kind.
 * @param options which parts; with none, readelf only checks the file.
 * @returns byte strings. Archives are refused: they hold files, they are none.
 */
export function readelf(bytes: Uint8Array, options: ReadelfOptions): ReadelfResult {
  return new Readelf(bytes, options).run();
}

class Readelf {
  readonly #reader: ElfReader;
  readonly #options: ReadelfOptions;
  readonly #fileSize: bigint;
  #out: string[] = [];
  #outLength = 0;
  #err: string[] = [];
  #errLength = 0;
  #cut = false;

  #header!: ElfHeader;
  #target!: Target;
  #phnum = 0;
  #shnum = 0;
  #shstrndx = 0;
  #programHeaders: ProgramHeader[] | undefined;
  #sections: SectionHeader[] | undefined;
  #strings: Uint8Array | undefined;
  /** Section names as shown, by offset: many headers may share one. */
  readonly #shownNames = new Map<number, string>();
  /** SHT_SYMTAB_SHNDX sections by the symbol table they belong to. */
  readonly #symtabIndices = new Map<number, SectionHeader[]>();
  #dynamicSymbolsRead = false;
  #dynamicStringsRead = false;
  /** 0: not looked for; 1: there is none (readelf's way of saying so). */
  #dynamicSize = 0n;
  #dynamicAddr = 0n;
  #dynamic: { tag: bigint; value: bigint }[] | undefined;

  constructor(bytes: Uint8Array, options: ReadelfOptions) {
    this.#reader = new ElfReader(bytes);
    this.#options = options;
    this.#fileSize = BigInt(bytes.length);
  }

  run(): ReadelfResult {
    let ok = this.#processFile();
    if (this.#cut) ok = false;
    return { stdout: this.#out.join(""), stderr: this.#err.join(""), status: ok ? 0 : 1 };
  }

  #print(text: string): void {
    if (this.#outLength + text.length > MAX_OUTPUT) {
      if (!this.#cut) {
        this.#cut = true;
        this.#err.push(`readelf: Error: output cut at ${MAX_OUTPUT} characters\n`);
      }
      this.#outLength = MAX_OUTPUT;
      return;
    }
    this.#outLength += text.length;
    this.#out.push(text);
  }

  #complain(text: string): void {
    if (this.#errLength + text.length > MAX_OUTPUT) return;
    this.#errLength += text.length;
    this.#err.push(text);
  }

  #error(message: string): void {
    this.#complain(`readelf: Error: ${message}`);
  }

  #warn(message: string): void {
    this.#complain(`readelf: Warning: ${message}`);
  }

  /**
   * Whether `amount` bytes at `offset` can be had; complains as readelf does when not.
   *
   * @param reason what they are for; none to say nothing.
   */
  #canRead(offset: bigint, amount: bigint, reason?: string): boolean {
    if (amount === 0n) return false;
    if (amount === u64(-1n)) {
      if (reason !== undefined) {
        this.#error(`Size overflow prevents reading ${amount} elements of size 1 for ${reason}\n`);
      }
      return false;
    }
    if (this.#reader.holdsRange(offset, amount)) return true;
    if (reason !== undefined) {
      this.#error(`Reading ${amount} bytes extends past end of file for ${reason}\n`);
    }
    return false;
  }

  #processFile(): boolean {
    const { bytes } = this.#reader;
    const name = this.#options.name ?? "file";
    if (bytes.length < 8) {
      this.#error(`${name}: Failed to read file's magic number\n`);
      return false;
    }
    const magic = byteString(bytes.subarray(0, 8));
    if (magic === "!<arch>\n" || magic === "!<thin>\n") {
      this.#error(`${name}: is an archive; take a member out of it\n`);
      return false;
    }
    if (bytes.length < 16 || bytes.length < this.#reader.headerSize) {
      this.#error(`${name}: Failed to read file header\n`);
      return false;
    }
    this.#header = this.#reader.header();
    this.#target = { machine: this.#header.machine, osAbi: this.#header.ident[7]! };
    this.#phnum = this.#header.phnum;
    this.#shnum = this.#header.shnum;
    this.#shstrndx = this.#header.shstrndx;
    // Section header 0 may hold counts that the header has no room for.
    this.#readSections(true);
    if (!this.#processHeader()) return false;
    this.#sections = undefined;
    this.#processSections();
    this.#processSegments();
    return this.#processDynamic();
  }

  #processHeader(): boolean {
    const { ident } = this.#header;
    if (!hasElfMagic(this.#reader.bytes)) {
      const magic = byteString(ident.subarray(0, 4));
      if (magic === "BC\xc0\xde") {
        this.#error("This is a LLVM bitcode file - try using llvm-bcanalyzer\n");
      } else if (magic === "go o") {
        this.#error("This is a GO binary file - try using 'go tool objdump' or 'go tool nm'\n");
      } else {
        this.#error("Not an ELF file - it has the wrong magic bytes at the start\n");
      }
      return false;
    }
    if (this.#options.header) this.#printHeader();
    const zero = this.#sections?.[0];
    if (zero !== undefined) {
      if (this.#phnum === PN_XNUM && zero.info !== 0) {
        this.#programHeaders = undefined;
        this.#phnum = zero.info;
      }
      if (this.#shnum === 0) this.#shnum = Number(BigInt.asUintN(32, zero.size));
      if (this.#shstrndx === SHN_XINDEX) this.#shstrndx = zero.link;
      if (this.#shstrndx >= this.#shnum) this.#shstrndx = 0;
    }
    return true;
  }

  #printHeader(): void {
    const header = this.#header;
    const { ident } = header;
    const row = (label: string, value: string | number) =>
      this.#print(`  ${`${label}:`.padEnd(35)}${value}\n`);
    const pairs = Array.from(ident, (byte) => `${byte.toString(16).padStart(2, "0")} `).join("");
    this.#print(`ELF Header:\n  Magic:   ${pairs}\n`);
    row("Class", ["none", "ELF32", "ELF64"][ident[4]!] ?? `<unknown: ${ident[4]!.toString(16)}>`);
    const encodings = ["none", "2's complement, little endian", "2's complement, big endian"];
    row("Data", encodings[ident[5]!] ?? `<unknown: ${ident[5]!.toString(16)}>`);
    const current = ident[6] === 1 ? " (current)" : ident[6] !== 0 ? " <unknown>" : "";
    row("Version", `${ident[6]}${current}`);
    row("OS/ABI", osAbiName(ident[7]!, header.machine));
    row("ABI Version", ident[8]!);
    row("Type", this.#fileType());
    row("Machine", machineName(header.machine));
    row("Version", `0x${header.version.toString(16)}`);
    row("Entry point address", `0x${header.entry.toString(16)}`);
    row("Start of program headers", `${BigInt.asIntN(64, header.phoff)} (bytes into file)`);
    row("Start of section headers", `${BigInt.asIntN(64, header.shoff)} (bytes into file)`);
    const flags = machineFlags(header.flags, header.machine, ident);
    row("Flags", `0x${header.flags.toString(16)}${flags}`);
    row("Size of this header", `${header.ehsize} (bytes)`);
    row("Size of program headers", `${header.phentsize} (bytes)`);
    const zero = this.#sections?.[0];
    const more = zero !== undefined && this.#phnum === PN_XNUM && zero.info !== 0;
    row("Number of program headers", `${this.#phnum}${more ? ` (${zero.info})` : ""}`);
    row("Size of section headers", `${header.shentsize} (bytes)`);
    let count = `${this.#shnum}`;
    if (zero !== undefined && this.#shnum === 0) {
      this.#shnum = Number(BigInt.asUintN(32, zero.size));
      count += ` (${this.#shnum})`;
    }
    row("Number of section headers", count);
    let index = `${this.#shstrndx}`;
    if (zero !== undefined && this.#shstrndx === SHN_XINDEX) {
      this.#shstrndx = zero.link;
      index += ` (${this.#shstrndx})`;
    }
    if (this.#shstrndx !== 0 && this.#shstrndx >= this.#shnum) {
      this.#shstrndx = 0;
      index += " <corrupt: out of range>";
    }
    row("Section header string table index", index);
  }

  #fileType(): string {
    const { type } = this.#header;
    switch (type) {
      case 0:
        return "NONE (None)";
      case 1:
        return "REL (Relocatable file)";
      case ET_EXEC:
        return "EXEC (Executable file)";
      case ET_DYN:
        return this.#isPie()
          ? "DYN (Position-Independent Executable file)"
          : "DYN (Shared object file)";
      case 4:
        return "CORE (Core file)";
      default: {
        const hex = type.toString(16);
        if (type >= 0xff00) return `Processor Specific: (${hex})`;
        if (type >= 0xfe00) return `OS Specific: (${hex})`;
        return `<unknown>: ${hex}`;
      }
    }
  }

  #isPie(): boolean {
    if (this.#dynamicSize === 0n) this.#locateDynamic();
    if (this.#dynamicSize <= 1n || !this.#readDynamic()) return false;
    const flags = this.#dynamic!.find((entry) => entry.tag === DT_FLAGS_1);
    return flags !== undefined && (flags.value & DF_1_PIE) !== 0n;
  }

  #locateDynamic(): void {
    let addr = 0n;
    let size = 0n;
    if (this.#phnum !== 0 && this.#readProgramHeaders()) {
      const segment = this.#programHeaders!.find((one) => one.type === PT_DYNAMIC);
      if (segment !== undefined) {
        addr = segment.offset;
        size = segment.filesz;
        const section = this.#findSection(".dynamic");
        if (section !== undefined) {
          const empty = section.size === 0n || section.type === SHT_NOBITS;
          addr = empty ? 0n : section.offset;
          size = empty ? 0n : section.size;
        }
        if (!this.#reader.holdsRange(addr, size)) {
          addr = 0n;
          size = 0n;
        }
      }
    }
    this.#dynamicAddr = addr;
    this.#dynamicSize = size === 0n ? 1n : size;
  }

  #readDynamic(): boolean {
    if (this.#dynamic !== undefined) return true;
    const size = this.#dynamicSize;
    if (!this.#canRead(this.#dynamicAddr, size, "dynamic section")) return false;
    const word = this.#reader.is64 ? 8 : 4;
    const start = Number(this.#dynamicAddr);
    const count = Math.floor(Number(size) / (2 * word));
    const entries: { tag: bigint; value: bigint }[] = [];
    for (let index = 0; index < count; index++) {
      const at = start + index * 2 * word;
      const tag = this.#reader.word(at);
      entries.push({ tag, value: this.#reader.word(at + word) });
      if (tag === 0n) break;
    }
    this.#dynamic = entries;
    return true;
  }

  #readProgramHeaders(): boolean {
    if (this.#programHeaders !== undefined) return true;
    const reader = this.#reader;
    const count = this.#phnum;
    const size = this.#header.phentsize;
    const own = reader.programHeaderSize;
    if (count * own >= reader.size) {
      const shown = sharpHex(BigInt(count));
      this.#error(`Too many program headers - ${shown} - the file is not that big\n`);
      return false;
    }
    if (size === 0 || count === 0) return false;
    if (size < own) {
      this.#error(
        "The e_phentsize field in the ELF header is less than the size of an ELF program header\n",
      );
      return false;
    }
    if (size > own) {
      this.#warn(
        "The e_phentsize field in the ELF header is larger than the size of an ELF program header\n",
      );
    }
    const { phoff } = this.#header;
    if (!this.#canRead(phoff, BigInt(size) * BigInt(count), "program headers")) return false;
    this.#programHeaders = Array.from({ length: count }, (_, index) =>
      reader.programHeader(Number(phoff) + index * own),
    );
    return true;
  }

  /** @param probe only header 0, without complaints. */
  #readSections(probe: boolean): boolean {
    if (this.#sections !== undefined) return true;
    const reader = this.#reader;
    const { shoff, shentsize: size } = this.#header;
    const count = probe ? 1 : this.#shnum;
    const own = reader.sectionHeaderSize;
    if (size === 0 || count === 0 || shoff === 0n) return false;
    if (size < own) {
      if (!probe) {
        this.#error(
          "The e_shentsize field in the ELF header is less than the size of an ELF section header\n",
        );
      }
      return false;
    }
    if (!probe && size > own) {
      this.#warn(
        "The e_shentsize field in the ELF header is larger than the size of an ELF section header\n",
      );
    }
    const reason = probe ? undefined : "section headers";
    if (!this.#canRead(shoff, BigInt(size) * BigInt(count), reason)) return false;
    this.#sections = Array.from({ length: count }, (_, index) => {
      const section = reader.sectionHeader(Number(shoff) + index * own);
      if (!probe && section.link > count) {
        this.#warn(`Section ${index} has an out of range sh_link value of ${section.link}\n`);
      }
      if (!probe && (section.flags & SHF_INFO_LINK) !== 0n && section.info > count) {
        this.#warn(`Section ${index} has an out of range sh_info value of ${section.info}\n`);
      }
      return section;
    });
    return true;
  }

  /** At most `limit` bytes of a section's name, or what readelf calls it when it has none. */
  #nameBytes(section: SectionHeader, limit: number): Uint8Array | string {
    if (this.#strings === undefined) return "<no-strings>";
    if (section.nameOffset >= this.#strings.length) return "<corrupt>";
    const rest = this.#strings.subarray(section.nameOffset, section.nameOffset + limit);
    const end = rest.indexOf(0);
    return end < 0 ? rest : rest.subarray(0, end);
  }

  #findSection(name: string): SectionHeader | undefined {
    return this.#sections?.find((section) => this.#isNamed(section, name));
  }

  #isNamed(section: SectionHeader, name: string): boolean {
    const bytes = this.#nameBytes(section, name.length + 1);
    return typeof bytes !== "string" && bytes.length === name.length && byteString(bytes) === name;
  }

  /** A name as the section table shows it: control characters as ^X, all else as it is. */
  #symbolName(section: SectionHeader): string {
    const bytes = this.#nameBytes(section, MAX_OUTPUT + 1);
    if (typeof bytes === "string") return bytes;
    return byteString(bytes).replace(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      /[\x00-\x1f\x7f]/g,
      (control) => `^${String.fromCharCode(control.charCodeAt(0) + 0x40)}`,
    );
  }

  /** A name as the mapping and messages show it: at most 256 characters, all of them ASCII. */
  #printableName(section: SectionHeader): string {
    const known = this.#shownNames.get(section.nameOffset);
    if (known !== undefined) return known;
    const bytes = this.#nameBytes(section, 257);
    if (typeof bytes === "string") return bytes;
    let text = "";
    for (const byte of bytes) {
      let shown: string;
      if (byte < 0x20 || byte === 0x7f) shown = `^${String.fromCharCode(byte + 0x40)}`;
      else if (byte < 0x7f) shown = String.fromCharCode(byte);
      else shown = `<${byte.toString(16).toUpperCase()}>`;
      if (text.length + shown.length > 256) break;
      text += shown;
    }
    this.#shownNames.set(section.nameOffset, text);
    return text;
  }

  #processSections(): void {
    const { shoff } = this.#header;
    const { sections: wanted, header: withHeader } = this.#options;
    if (this.#shnum === 0) {
      if (shoff !== 0n) {
        this.#warn(
          "possibly corrupt ELF file header - it has a non-zero section header offset, but no section headers\n",
        );
      } else if (wanted) {
        this.#print("\nThere are no sections in this file.\n");
      }
      return;
    }
    if (wanted && !withHeader) {
      const are = this.#shnum === 1 ? "is" : "are";
      const headers = this.#shnum === 1 ? "header" : "headers";
      this.#print(
        `There ${are} ${this.#shnum | 0} section ${headers}, starting at offset ${sharpHex(shoff)}:\n`,
      );
    }
    if (!this.#readSections(false)) return;
    const sections = this.#sections!;
    const names = this.#shstrndx === 0 ? undefined : sections[this.#shstrndx];
    if (names !== undefined && this.#canRead(names.offset, names.size, "string table")) {
      this.#strings = this.#reader.bytes.subarray(
        Number(names.offset),
        Number(names.offset + names.size),
      );
    }
    sections.forEach((section, index) => {
      this.#checkSection(section, index);
    });
    if (!wanted) return;
    this.#print(sections.length > 1 ? "\nSection Headers:\n" : "\nSection Header:\n");
    this.#print(
      this.#reader.is64
        ? "  [Nr] Name              Type            Address          Off    Size   ES Flg Lk Inf Al\n"
        : "  [Nr] Name              Type            Addr     Off    Size   ES Flg Lk Inf Al\n",
    );
    for (const [index, section] of sections.entries()) {
      if (this.#cut) return;
      this.#checkLinks(section, index);
      this.#printSection(section, index);
    }
    this.#print(keyToFlags(this.#target));
  }

  /** Repairs a wrong sh_entsize, which is then printed repaired, and reads what readelf reads. */
  #checkSection(section: SectionHeader, index: number): void {
    const expect = (size32: bigint, size64: bigint) => {
      const wanted = this.#reader.is64 ? size64 : size32;
      if (section.entsize === wanted) return;
      this.#error(`Section ${index} has invalid sh_entsize of ${section.entsize.toString(16)}\n`);
      this.#error(
        `(Using the expected size of ${wanted.toString(16)} for the rest of this dump)\n`,
      );
      section.entsize = wanted;
    };
    switch (section.type) {
      case SHT_DYNSYM:
        if (this.#dynamicSymbolsRead) {
          this.#error("File contains multiple dynamic symbol tables\n");
          break;
        }
        expect(16n, 24n);
        this.#dynamicSymbolsRead = this.#canReadSymbols(section, index);
        break;
      case SHT_STRTAB:
        if (!this.#isNamed(section, ".dynstr")) break;
        if (this.#dynamicStringsRead) {
          this.#error("File contains multiple dynamic string tables\n");
          break;
        }
        this.#dynamicStringsRead = this.#canRead(section.offset, section.size, "dynamic strings");
        break;
      case SHT_SYMTAB_SHNDX: {
        const others = this.#symtabIndices.get(section.link);
        if (others === undefined) this.#symtabIndices.set(section.link, [section]);
        else others.push(section);
        break;
      }
      case SHT_SYMTAB:
        expect(16n, 24n);
        break;
      case SHT_GROUP:
        expect(4n, 4n);
        break;
      case SHT_REL:
        expect(8n, 16n);
        break;
      case SHT_RELA:
        expect(12n, 24n);
        break;
      case SHT_RELR:
        expect(4n, 8n);
        break;
    }
  }

  /** Whether a symbol table would be read without an error; complains of what is wrong with it. */
  #canReadSymbols(section: SectionHeader, index: number): boolean {
    const { size, entsize } = section;
    if (size === 0n) return false;
    const name = () => this.#printableName(section);
    if (entsize > size) {
      this.#error(`Section ${name()} has an invalid sh_entsize of ${sharpHex(entsize)}\n`);
      return false;
    }
    if (size > this.#fileSize) {
      this.#error(`Section ${name()} has an invalid sh_size of ${sharpHex(size)}\n`);
      return false;
    }
    const count = size / entsize;
    if (!this.#canRead(section.offset, size, "symbols")) return false;
    let found = false;
    for (const indices of (this.#symtabIndices.get(index) ?? []).toReversed()) {
      if (found) {
        this.#error(
          "Multiple symbol table index sections associated with the same symbol section\n",
        );
      }
      found = true;
      if (!this.#canRead(indices.offset, indices.size, "symbol table section indices")) {
        return false;
      }
      if (indices.size / 4n < count) {
        this.#error(
          `Index section ${this.#printableName(indices)} has an sh_size of ${sharpHex(indices.size)} - expected ${sharpHex(size)}\n`,
        );
        return false;
      }
    }
    return true;
  }

  /** Complains of fields of a section header that cannot be right. */
  #checkLinks(section: SectionHeader, index: number): void {
    const sections = this.#sections!;
    const count = this.#shnum;
    const { type, link, info } = section;
    const at = `[${String(index).padStart(2)}]: `;
    const dynamicFile = this.#header.type === ET_EXEC || this.#header.type === ET_DYN;
    const linked = link === 0 || link >= count ? undefined : sections[link]!.type;
    switch (type) {
      case SHT_REL:
      case SHT_RELA:
      case SHT_SYMTAB_SHNDX:
      case SHT_GROUP:
      case SHT_HASH:
      case SHT_GNU_HASH:
      case SHT_GNU_VERSYM:
        if ((type === SHT_REL || type === SHT_RELA) && link === 0 && dynamicFile) break;
        if (linked !== SHT_SYMTAB && linked !== SHT_DYNSYM) {
          this.#warn(`${at}Link field (${link}) should index a symtab section.\n`);
        }
        break;
      case SHT_DYNAMIC:
      case SHT_SYMTAB:
      case SHT_DYNSYM:
      case SHT_GNU_VERNEED:
      case SHT_GNU_VERDEF:
      case SHT_GNU_LIBLIST:
        if (linked !== SHT_STRTAB) {
          this.#warn(`${at}Link field (${link}) should index a string section.\n`);
        }
        break;
      case 14:
      case 15:
      case 16:
        if (link !== 0) this.#warn(`${at}Unexpected value (${link}) in link field.\n`);
        break;
    }
    const unexpected = `${at}Unexpected value (${info}) in info field.\n`;
    switch (type) {
      case SHT_REL:
      case SHT_RELA: {
        if (info === 0 && dynamicFile) break;
        const target = info === 0 || info >= count ? undefined : sections[info]!.type;
        const relocatable =
          target !== undefined &&
          (target >= SHT_LOOS || [SHT_PROGBITS, SHT_NOBITS, SHT_NOTE, 14, 15, 16].includes(target));
        if (!relocatable) {
          this.#warn(`${at}Info field (${info}) should index a relocatable section.\n`);
        }
        break;
      }
      case SHT_DYNAMIC:
      case SHT_HASH:
      case SHT_SYMTAB_SHNDX:
      case 14:
      case 15:
      case 16:
        if (info !== 0) this.#warn(unexpected);
        break;
      case SHT_GROUP:
      case SHT_SYMTAB:
      case SHT_DYNSYM:
      case SHT_NOBITS:
        break;
      default:
        if ((section.flags & SHF_INFO_LINK) !== 0n) {
          // The missing line end is readelf's.
          if (info < 1 || info >= count) {
            this.#warn(`${at}Expected link to another section in info field`);
          }
        } else if (type < SHT_LOOS && (section.flags & SHF_GNU_MBIND) === 0n && info !== 0) {
          this.#warn(unexpected);
        }
    }
    if (
      section.size > this.#fileSize &&
      type !== SHT_NOBITS &&
      type !== SHT_NULL &&
      type < SHT_LOOS
    ) {
      this.#warn(`Size of section ${index} is larger than the entire file!\n`);
    }
  }

  #printSection(section: SectionHeader, index: number): void {
    const { link, info } = section;
    const name = this.#symbolName(section).padEnd(17);
    const type = sectionTypeName(section.type, this.#target).padEnd(15);
    const addr = padHex(section.addr, this.#reader.is64 ? 16 : 8);
    const offset = padHex(section.offset, 6);
    const size = padHex(section.size, 6);
    const entsize = padHex(section.entsize, 2);
    const flags = sectionFlags(section.flags, this.#target).padStart(3);
    const numbers = `${String(link).padStart(2)} ${String(info).padStart(3)}`;
    const align = String(section.addralign).padStart(2);
    this.#print(
      `  [${String(index).padStart(2)}] ${name} ${type} ${addr} ${offset} ${size} ${entsize} ${flags} ${numbers} ${align}\n`,
    );
    if (this.#reader.is64 || link < this.#shnum) return;
    // Two special values of Solaris, on its machines only.
    const solaris: number[] = [
      EM.I386,
      EM.IAMCU,
      EM.X86_64,
      EM.L1OM,
      EM.K1OM,
      EM.OLD_SPARCV9,
      EM.SPARC32PLUS,
      EM.SPARCV9,
      EM.SPARC,
    ];
    const special = link === 0xff00 || link === 0xff01;
    if (special && solaris.includes(this.#target.machine)) return;
    this.#warn(
      `section ${index}: sh_link value of ${link} is larger than the number of sections\n`,
    );
  }

  #processSegments(): void {
    const { phoff, entry } = this.#header;
    const { segments: wanted, header: withHeader } = this.#options;
    if (this.#phnum === 0) {
      if (phoff !== 0n) {
        this.#warn(
          "possibly corrupt ELF header - it has a non-zero program header offset, but no program headers\n",
        );
      } else if (wanted) {
        this.#print("\nThere are no program headers in this file.\n");
      }
      this.#dynamicAddr = 0n;
      this.#dynamicSize = 1n;
      return;
    }
    if (wanted && !withHeader) {
      this.#print(`\nElf file type is ${this.#fileType()}\n`);
      this.#print(`Entry point 0x${entry.toString(16)}\n`);
      const are = this.#phnum === 1 ? "is" : "are";
      const headers = this.#phnum === 1 ? "header" : "headers";
      this.#print(
        `There ${are} ${this.#phnum | 0} program ${headers}, starting at offset ${phoff}\n`,
      );
    }
    if (!this.#readProgramHeaders()) {
      this.#dynamicAddr = 0n;
      this.#dynamicSize = 1n;
      return;
    }
    if (wanted) {
      this.#print("\nProgram Headers:\n");
      this.#print(
        this.#reader.is64
          ? "  Type           Offset   VirtAddr           PhysAddr           FileSiz  MemSiz   Flg Align\n"
          : "  Type           Offset   VirtAddr   PhysAddr   FileSiz MemSiz  Flg Align\n",
      );
    }
    const dynamic = { addr: 0n, size: 0n };
    let loadSeen = false;
    for (const [index, segment] of this.#programHeaders!.entries()) {
      if (wanted) this.#printSegment(segment);
      switch (segment.type) {
        case PT_LOAD:
          if (segment.memsz < segment.filesz) {
            this.#error("the segment's file size is larger than its memory size\n");
          }
          loadSeen = true;
          break;
        case PT_PHDR:
          if (index > 0 && loadSeen) {
            this.#error("the PHDR segment must occur before any LOAD segment\n");
          }
          if (this.#target.machine !== EM.PARISC && !this.#coveredByLoad(segment)) {
            this.#error("the PHDR segment is not covered by a LOAD segment\n");
          }
          break;
        case PT_DYNAMIC:
          this.#findDynamic(segment, dynamic);
          break;
        case PT_INTERP:
          this.#printInterpreter(segment);
          break;
      }
    }
    if (wanted && this.#sections !== undefined && this.#strings !== undefined) this.#printMapping();
    this.#dynamicAddr = dynamic.addr;
    this.#dynamicSize = dynamic.size === 0n ? 1n : dynamic.size;
  }

  #printSegment(segment: ProgramHeader): void {
    const { flags } = segment;
    const is64 = this.#reader.is64;
    const type = segmentTypeName(segment.type, this.#target).slice(0, 14).padEnd(14);
    const offset = padHex(segment.offset, 6);
    const vaddr = padHex(segment.vaddr, is64 ? 16 : 8);
    const paddr = padHex(segment.paddr, is64 ? 16 : 8);
    const filesz = padHex(segment.filesz, is64 ? 6 : 5);
    const memsz = padHex(segment.memsz, is64 ? 6 : 5);
    const rwe = `${flags & 4 ? "R" : " "}${flags & 2 ? "W" : " "}${flags & 1 ? "E" : " "}`;
    const align = sharpHex(segment.align);
    this.#print(
      `  ${type} 0x${offset} 0x${vaddr} 0x${paddr} 0x${filesz} 0x${memsz} ${rwe} ${align}\n`,
    );
  }

  /** Not the first header: readelf does not look at it, as PT_PHDR comes first. */
  #coveredByLoad(segment: ProgramHeader): boolean {
    const end = u64(segment.offset + segment.filesz);
    const last = u64(segment.vaddr + segment.filesz);
    const loads = this.#loads();
    return loads.some(
      (load) =>
        load.offset <= segment.offset &&
        u64(load.offset + load.filesz) >= end &&
        load.vaddr <= segment.vaddr &&
        u64(load.vaddr + load.filesz) >= last,
    );
  }

  #loadList: ProgramHeader[] | undefined;
  #coverChecks = 0;

  /** PT_LOAD headers but the first header; none once many PT_PHDRs have asked. */
  #loads(): ProgramHeader[] {
    this.#loadList ??= this.#programHeaders!.slice(1).filter((one) => one.type === PT_LOAD);
    this.#coverChecks += this.#loadList.length;
    return this.#coverChecks > MAX_PAIRS ? [] : this.#loadList;
  }

  #dynamicSection: { section: SectionHeader | undefined } | undefined;

  #findDynamic(segment: ProgramHeader, dynamic: { addr: bigint; size: bigint }): void {
    if (dynamic.addr !== 0n) this.#error("more than one dynamic segment\n");
    dynamic.addr = segment.offset;
    dynamic.size = segment.filesz;
    if (this.#sections !== undefined) {
      this.#dynamicSection ??= { section: this.#findSection(".dynamic") };
      const { section } = this.#dynamicSection;
      if (section === undefined || section.size === 0n) {
        const vms = this.#target.machine === EM.IA_64 && this.#target.osAbi === OSABI.OPENVMS;
        if (!vms) this.#error("no .dynamic section in the dynamic segment\n");
        return;
      }
      if (section.type === SHT_NOBITS) {
        dynamic.addr = 0n;
        dynamic.size = 0n;
        return;
      }
      dynamic.addr = section.offset;
      dynamic.size = section.size;
    }
    if (!this.#reader.holdsRange(dynamic.addr, dynamic.size)) {
      this.#error("the dynamic segment offset + size exceeds the size of the file\n");
      dynamic.addr = 0n;
      dynamic.size = 0n;
    }
  }

  #printInterpreter(segment: ProgramHeader): void {
    const { offset, filesz } = segment;
    if (filesz === 0n || offset >= this.#fileSize || !this.#reader.holdsRange(offset, filesz)) {
      this.#error("Unable to find program interpreter name\n");
      return;
    }
    if (!this.#options.segments) return;
    const room = MAX_OUTPUT - this.#outLength;
    const name = this.#reader.text(Number(offset), Number(offset + filesz), room + 1);
    this.#print(`      [Requesting program interpreter: ${name}]\n`);
  }

  #printMapping(): void {
    this.#print("\n Section to Segment mapping:\n  Segment Sections...\n");
    const sections = this.#sections!.slice(1);
    const segments = this.#programHeaders!;
    let pairs = 0;
    for (const [index, segment] of segments.entries()) {
      pairs += sections.length;
      if (pairs > MAX_PAIRS) {
        this.#cut = true;
        this.#complain(
          `readelf: Error: mapping cut after ${index} of ${segments.length} segments\n`,
        );
        return;
      }
      if (this.#cut) return;
      this.#print(`   ${String(index).padStart(2, "0")}     `);
      for (const section of sections) {
        if (!isTbss(section, segment) && inSegment(section, segment)) {
          this.#print(`${this.#printableName(section)} `);
        }
      }
      this.#print("\n");
    }
  }

  /** Reads the dynamic section as readelf does without -d: only what is wrong with it shows. */
  #processDynamic(): boolean {
    if (this.#dynamicSize <= 1n) return true;
    if (!this.#readDynamic()) return false;
    const entries = this.#dynamic!;
    if (!this.#dynamicStringsRead) this.#findDynamicStrings(entries);
    let size = 0n;
    let offset = 0n;
    for (const { tag, value } of entries) {
      if (tag === DT_SYMINENT && value !== 4n) {
        this.#error(`Bad value (${BigInt.asIntN(32, value)}) for SYMINENT entry\n`);
      } else if (tag === DT_SYMINSZ) {
        size = value;
      } else if (tag === DT_SYMINFO) {
        offset = this.#offsetOf(value, size);
      }
    }
    if (offset === 0n || size === 0n) return true;
    return this.#canRead(offset, size, "symbol information");
  }

  #findDynamicStrings(entries: { tag: bigint; value: bigint }[]): void {
    let table = 0n;
    let size = 0n;
    for (const { tag, value } of entries) {
      if (tag === DT_STRTAB) table = value;
      if (tag === DT_STRSZ) size = value;
      if (table === 0n || size === 0n) continue;
      const offset = this.#offsetOf(table, size);
      if (!this.#canRead(offset, size, "dynamic string table")) {
        this.#error("Corrupt DT_STRTAB dynamic entry\n");
      }
      return;
    }
  }

  #offsetSteps = 0;

  /** The file offset of a virtual address; the address itself when no PT_LOAD has it. */
  #offsetOf(vma: bigint, size: bigint): bigint {
    this.#offsetSteps += this.#programHeaders?.length ?? 0;
    if (this.#offsetSteps > MAX_PAIRS) return vma;
    if (!this.#readProgramHeaders()) {
      this.#warn("Cannot interpret virtual addresses without program headers.\n");
      return vma;
    }
    for (const segment of this.#programHeaders!) {
      if (segment.type !== PT_LOAD) continue;
      const start = segment.vaddr & u64(-segment.align);
      if (vma >= start && u64(vma + size) <= u64(segment.vaddr + segment.filesz)) {
        return u64(vma - segment.vaddr + segment.offset);
      }
    }
    this.#warn(`Virtual address ${sharpHex(vma)} not located in any PT_LOAD segment.\n`);
    return vma;
  }
}

/** .tbss takes no room in any segment but PT_TLS. */
function isTbss(section: SectionHeader, segment: ProgramHeader): boolean {
  return (section.flags & SHF_TLS) !== 0n && section.type === SHT_NOBITS && segment.type !== PT_TLS;
}

/**
 * Whether a section lies in a segment, as ELF_SECTION_IN_SEGMENT_STRICT of binutils' include/elf/
 * internal.h has it: an empty section at the end of a segment is not in it.
 */
function inSegment(section: SectionHeader, segment: ProgramHeader): boolean {
  const { type } = segment;
  const tls = (section.flags & SHF_TLS) !== 0n;
  const alloc = (section.flags & SHF_ALLOC) !== 0n;
  const nobits = section.type === SHT_NOBITS;
  if (tls) {
    if (type !== PT_TLS && type !== PT_GNU_RELRO && type !== PT_LOAD) return false;
  } else if (type === PT_TLS || type === PT_PHDR) {
    return false;
  }
  if (!alloc && onlyAlloc(type)) return false;
  const { size } = section;
  // Distances wrap at 64 bits, so that a start before the segment is a huge one.
  const inFile = u64(section.offset - segment.offset);
  const inMemory = u64(section.addr - segment.vaddr);
  if (!nobits) {
    if (section.offset < segment.offset || inFile > u64(segment.filesz - 1n)) return false;
    if (u64(inFile + size) > segment.filesz) return false;
  }
  if (alloc) {
    if (section.addr < segment.vaddr || inMemory > u64(segment.memsz - 1n)) return false;
    if (u64(inMemory + size) > segment.memsz) return false;
  }
  if ((type !== PT_DYNAMIC && type !== PT_NOTE) || size !== 0n || segment.memsz === 0n) return true;
  const insideFile = nobits || (section.offset > segment.offset && inFile < segment.filesz);
  const insideMemory = !alloc || (section.addr > segment.vaddr && inMemory < segment.memsz);
  return insideFile && insideMemory;
}

/** Segment types that hold only SHF_ALLOC sections. */
function onlyAlloc(type: number): boolean {
  return (
    type === PT_LOAD ||
    type === PT_DYNAMIC ||
    type === PT_GNU_EH_FRAME ||
    type === PT_GNU_STACK ||
    type === PT_GNU_RELRO ||
    type === PT_GNU_SFRAME ||
    isGnuMbind(type)
  );
}
