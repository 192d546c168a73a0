// Names and lines for the addresses of a running program, from its ELF file.
import { lineAt, type LineTable, lineTable } from "./elf/dwarf-line.ts";
import { type ElfFile, parseElf, PT_LOAD } from "./elf/elf.ts";
import { type SymbolTable, symbolTable } from "./elf/symbols.ts";
import { escapeName } from "./terminal-filter.ts";

/** Looks addresses up; `bias` is how far from its own addresses a program was loaded. */
export class ProgramSymbols {
  readonly #elf: ElfFile;
  #symbols: SymbolTable | null = null;
  #lines: LineTable | null = null;
  /** Address, in the file, of the page that is mapped first. */
  readonly lowest: bigint;

  private constructor(elf: ElfFile) {
    this.#elf = elf;
    const loads = elf.programHeaders.filter(({ type }) => type === PT_LOAD);
    const first = loads.reduce((low, { vaddr }) => (vaddr < low ? vaddr : low), 1n << 63n);
    this.lowest = loads.length > 0 ? first & ~4095n : 0n;
  }

  /** @returns null for what is no ELF file. */
  static of(bytes: Uint8Array): ProgramSymbols | null {
    const elf = parseElf(bytes);
    return elf.kind === "elf" ? new ProgramSymbols(elf) : null;
  }

  /** "main+8", "" when no symbol covers it. Harmless text. */
  symbol(address: bigint, bias: bigint): string {
    this.#symbols ??= symbolTable(this.#elf);
    const hit = this.#symbols.symbolAt(address - bias);
    if (!hit) return "";
    const name = escapeName(hit.symbol.name);
    return hit.offset === 0n ? name : `${name}+${hit.offset}`;
  }

  /** The source line of an address. */
  line(address: bigint, bias: bigint): { file: string; line: number; text: string } | null {
    this.#lines ??= lineTable(this.#elf);
    const row = lineAt(this.#lines, address - bias);
    return row && row.line > 0 ? { file: escapeName(row.file), line: row.line, text: "" } : null;
  }

  /** The address of a symbol as loaded, or null. */
  find(name: string, bias: bigint): bigint | null {
    this.#symbols ??= symbolTable(this.#elf);
    const symbol = this.#symbols.find(name);
    return symbol ? symbol.value + bias : null;
  }
}
