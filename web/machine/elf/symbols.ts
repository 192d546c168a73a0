// Which function or object an address belongs to, from .symtab (or .dynsym when a file has been
// stripped of it). Names are byte strings, unfiltered, as in elf.ts.

import {
  type ElfFile,
  ElfReader,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_DYNSYM,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  type SectionHeader,
  sectionBytes,
} from "./elf.ts";

const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_GLOBAL = 1;
const STB_WEAK = 2;

/** Longest symbol name kept; C++ has longer ones, which are cut. */
const MAX_NAME = 512;

export interface ElfSymbol {
  name: string;
  value: bigint;
  /** 0 for labels in assembly without .size. */
  size: bigint;
  /** STT_*: 0 nothing said, 1 object, 2 function. */
  type: number;
  /** STB_*: 0 local, 1 global, 2 weak. */
  binding: number;
  /** Index of its section, extended numbering resolved; 0 for undefined ones. */
  section: number;
}

/** A symbol and how far into it an address is. */
export interface SymbolHit {
  symbol: ElfSymbol;
  offset: bigint;
}

export interface SymbolTable {
  /** All of the table, in its order, the empty first one left out. */
  symbols: ElfSymbol[];
  /** What could not be read, in words. */
  notes: string[];
  /** The innermost function or object at an address of the file (before relocation). */
  symbolAt(address: bigint): SymbolHit | undefined;
  /** The first symbol of that name that has a section. */
  find(name: string): ElfSymbol | undefined;
}

/**
 * Reads a file's symbol table, in time n log n.
 *
 * @returns an empty table, with a note, for a file without one.
 */
export function symbolTable(elf: ElfFile): SymbolTable {
  const notes: string[] = [];
  const symbols = readSymbols(elf, notes);
  const map = new AddressMap(elf, symbols);
  const byName = new Map<string, ElfSymbol>();
  for (const symbol of symbols) {
    if (symbol.section !== 0 && !byName.has(symbol.name)) byName.set(symbol.name, symbol);
  }
  return {
    symbols,
    notes,
    symbolAt: (address) => map.at(address),
    find: (name) => byName.get(name),
  };
}

function readSymbols(elf: ElfFile, notes: string[]): ElfSymbol[] {
  const table =
    elf.sections.find((section) => section.type === SHT_SYMTAB) ??
    elf.sections.find((section) => section.type === SHT_DYNSYM);
  if (table === undefined) {
    notes.push("the file has no symbol table");
    return [];
  }
  const data = sectionBytes(elf, table);
  if (BigInt(data.length) !== table.size) notes.push("the symbol table passes the file's end");
  const reader = new ElfReader(elf.bytes);
  const entrySize = elf.is64 ? 24 : 16;
  const start = Number(table.offset);
  const count = Math.floor(data.length / entrySize);
  const names = elf.sections[table.link];
  const strings = names === undefined ? undefined : sectionBytes(elf, names);
  if (strings === undefined || strings.length === 0) notes.push("the symbols have no names");
  const extended = sectionIndices(elf, elf.sections.indexOf(table));
  const nameAt = new Names(reader, elf, names);
  const symbols: ElfSymbol[] = [];
  for (let index = 1; index < count; index++) {
    const at = start + index * entrySize;
    const info = reader.u8(at + (elf.is64 ? 4 : 12));
    let section = reader.u16(at + (elf.is64 ? 6 : 14));
    if (section === SHN_XINDEX && extended !== undefined) {
      section = reader.holds(extended + 4 * index, 4) ? reader.u32(extended + 4 * index) : 0;
    }
    symbols.push({
      name: nameAt.read(reader.u32(at)),
      value: elf.is64 ? reader.u64(at + 8) : reader.word(at + 4),
      size: elf.is64 ? reader.u64(at + 16) : reader.word(at + 8),
      type: info & 0xf,
      binding: info >>> 4,
      section,
    });
  }
  if (nameAt.exhausted) notes.push("the symbols' names overlap too much; some are left out");
  return symbols;
}

/** Reads names within a budget: many symbols may share the tail of one long string. */
class Names {
  readonly #reader: ElfReader;
  readonly #start: number;
  readonly #size: number;
  #budget: number;
  exhausted = false;

  constructor(reader: ElfReader, elf: ElfFile, section: SectionHeader | undefined) {
    this.#reader = reader;
    this.#start = section === undefined ? 0 : Number(section.offset);
    this.#size = section === undefined ? 0 : sectionBytes(elf, section).length;
    this.#budget = 4 * elf.bytes.length;
  }

  read(offset: number): string {
    if (offset >= this.#size) return "";
    if (this.#budget <= 0) {
      this.exhausted = true;
      return "";
    }
    const name = this.#reader.text(this.#start + offset, this.#start + this.#size, MAX_NAME);
    this.#budget -= name.length;
    return name;
  }
}

/** File offset of the table with the section indices that do not fit 16 bits. */
function sectionIndices(elf: ElfFile, tableIndex: number): number | undefined {
  const section = elf.sections.find(
    (one) => one.type === SHT_SYMTAB_SHNDX && one.link === tableIndex,
  );
  if (section === undefined || sectionBytes(elf, section).length === 0) return undefined;
  return Number(section.offset);
}

/** From each start on, up to the next, addresses belong to `owner`. */
interface Span {
  start: bigint;
  owner: ElfSymbol | undefined;
}

interface Open {
  symbol: ElfSymbol;
  end: bigint;
}

class AddressMap {
  readonly #spans: Span[] = [];

  constructor(elf: ElfFile, symbols: ElfSymbol[]) {
    // In a relocatable file values are offsets in sections, not addresses.
    if (elf.header.type === 1) return;
    const placed = symbols.filter((symbol) => hasAddress(elf, symbol));
    placed.sort(
      (a, b) => compare(a.value, b.value) || compare(b.size, a.size) || rank(b) - rank(a),
    );
    const open: Open[] = [];
    const close = (upTo: bigint | undefined) => {
      for (;;) {
        const top = open.at(-1);
        if (top === undefined || (upTo !== undefined && top.end > upTo)) return;
        open.pop();
        // An outer symbol that ends before the inner one is over, too.
        while (open.length > 0 && open.at(-1)!.end <= top.end) open.pop();
        this.#begin(top.end, open.at(-1)?.symbol);
      }
    };
    for (const symbol of placed) {
      close(symbol.value);
      const top = open.at(-1);
      const end = symbol.value + symbol.size;
      if (symbol.size === 0n) {
        // A label inside a function is not a function.
        if (top !== undefined && top.symbol.size !== 0n) continue;
        if (top !== undefined && top.symbol.value === symbol.value) continue;
        if (top !== undefined) open.pop();
        open.push({ symbol, end: sectionEnd(elf, symbol) });
      } else {
        // A second name for the same bytes: the better one came first.
        if (top !== undefined && top.symbol.value === symbol.value && top.end === end) continue;
        // A label without a size lasts until something with one begins.
        if (top !== undefined && top.symbol.size === 0n) open.pop();
        open.push({ symbol, end });
      }
      this.#begin(symbol.value, symbol);
    }
    close(undefined);
  }

  #begin(start: bigint, owner: ElfSymbol | undefined): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && last.start >= start) last.owner = owner;
    else this.#spans.push({ start, owner });
  }

  at(address: bigint): SymbolHit | undefined {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const symbol = this.#spans[low - 1]?.owner;
    return symbol === undefined ? undefined : { symbol, offset: address - symbol.value };
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of two names for the same bytes, the one people know: functions first, then global ones. */
function rank(symbol: ElfSymbol): number {
  const known = symbol.type === STT_NOTYPE ? 0 : 4;
  if (symbol.binding === STB_GLOBAL) return known + 2;
  return symbol.binding === STB_WEAK ? known + 1 : known;
}

function hasAddress(elf: ElfFile, symbol: ElfSymbol): boolean {
  const { type, name, section } = symbol;
  if (section === 0 || section >= elf.sections.length) return false;
  if (section >= SHN_LORESERVE && elf.sections.length <= SHN_LORESERVE) return false;
  if (type !== STT_NOTYPE && type !== STT_OBJECT && type !== STT_FUNC && type !== STT_GNU_IFUNC) {
    return false;
  }
  // Mapping symbols ($x, $d) and the assembler's own labels are no one's names.
  return name !== "" && !name.startsWith("$") && !name.startsWith(".L");
}

function sectionEnd(elf: ElfFile, symbol: ElfSymbol): bigint {
  const section = elf.sections[symbol.section]!;
  const end = section.addr + section.size;
  return end > symbol.value ? end : symbol.value + 1n;
}
