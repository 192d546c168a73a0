// A library of guest/fixups as a test sees it: its slots and their table, without the linker's help.
import { readFileSync } from "node:fs";

interface Section {
  name: string;
  type: number;
  address: number;
  offset: number;
  size: number;
  link: number;
}

export interface Slot {
  /** Offset in the file, which is the address too: text is in the first segment. */
  at: number;
  /** Function that it is to lead to. */
  name: string;
  /** Where its line in the table is. */
  entry: number;
}

const SHT_RELA = 4;

/** Values of a file's symbols, local ones included. */
export function symbolsOf(path: string): Map<string, number> {
  return new Library(path).symbols;
}

export class Library {
  readonly bytes: Buffer;
  readonly #sections: Section[];
  readonly symbols = new Map<string, number>();
  /** Functions it calls that are other libraries'. */
  readonly undefinedFunctions: string[] = [];

  constructor(path: string) {
    const b = readFileSync(path);
    this.bytes = b;
    const [offset, count, names] = [
      Number(b.readBigUInt64LE(40)),
      b.readUInt16LE(60),
      b.readUInt16LE(62),
    ];
    const headers = Array.from({ length: count }, (_, i) => offset + 64 * i);
    const number = (at: number) => Number(b.readBigUInt64LE(at));
    const nameTable = number(headers[names]! + 24);
    this.#sections = headers.map((at) => ({
      name: this.#text(nameTable + b.readUInt32LE(at)),
      type: b.readUInt32LE(at + 4),
      address: number(at + 16),
      offset: number(at + 24),
      size: number(at + 32),
      link: b.readUInt32LE(at + 40),
    }));
    this.#readSymbols(".symtab", (name, value) => this.symbols.set(name, value));
    this.#readSymbols(".dynsym", (name, _, section) => {
      if (section === 0 && name) this.undefinedFunctions.push(name);
    });
  }

  #text(at: number): string {
    return this.bytes.toString("latin1", at, this.bytes.indexOf(0, at));
  }

  #section(name: string): Section {
    const found = this.#sections.find((one) => one.name === name);
    if (!found) throw new Error(`no section ${name}`);
    return found;
  }

  #readSymbols(section: string, each: (name: string, value: number, in_: number) => void): void {
    const { offset, size, link } = this.#section(section);
    const strings = this.#sections[link]!.offset;
    for (let at = offset; at < offset + size; at += 24) {
      const name = this.#text(strings + this.bytes.readUInt32LE(at));
      each(name, Number(this.bytes.readBigUInt64LE(at + 8)), this.bytes.readUInt16LE(at + 6));
    }
  }

  /** Entries of all its relocation tables. */
  get relocations(): number {
    const tables = this.#sections.filter(({ type }) => type === SHT_RELA);
    return tables.reduce((sum, { size }) => sum + size / 24, 0);
  }

  /** The table's lines, in order. */
  slots(): Slot[] {
    const { offset, size } = this.#section(".fixups");
    return Array.from({ length: size / 8 }, (_, i) => {
      const entry = offset + 8 * i;
      const name = entry + 4 + this.bytes.readInt32LE(entry + 4);
      return { at: entry + this.bytes.readInt32LE(entry), name: this.#text(name), entry };
    });
  }

  /** Where the names' texts are. */
  names(): { name: number }[] {
    return this.slots().map(({ entry }) => ({
      name: entry + 4 + this.bytes.readInt32LE(entry + 4),
    }));
  }

  /** The instruction at an address, which must be a `jal`. */
  jump(at: number): { register: number; to: number } {
    const bits = this.bytes.readUInt32LE(at);
    if ((bits & 0x7f) !== 0x6f) throw new Error(`no jal at ${at.toString(16)}`);
    const distance =
      ((bits >> 31) << 20) |
      (bits & 0xff000) |
      (((bits >>> 20) & 1) << 11) |
      (((bits >>> 21) & 0x3ff) << 1);
    return { register: (bits >>> 7) & 31, to: at + distance };
  }

  /** Each `jal ra` in its text to one of those addresses. */
  callsTo(addresses: ReadonlySet<number>): { from: number; to: number }[] {
    const { offset, size } = this.#section(".text");
    const found: { from: number; to: number }[] = [];
    for (let at = offset; at + 4 <= offset + size; at += 2) {
      if ((this.bytes.readUInt32LE(at) & 0xfff) !== 0xef) continue;
      const { to } = this.jump(at);
      if (addresses.has(to)) found.push({ from: at, to });
    }
    return found;
  }

  #noteAt(part: number): number {
    const { offset } = this.#section(".note.pagewalk.fixups");
    return offset + 12 + 12 + 4 * part; // header, "Pagewalk", the parts
  }

  /** A distance in the note that tells of the slots. */
  note(part: number): number {
    return this.bytes.readInt32LE(this.#noteAt(part));
  }

  setNote(part: number, value: number): void {
    this.bytes.writeInt32LE(value, this.#noteAt(part));
  }

  /** Writes a distance into the file. */
  set(at: number, value: number): void {
    this.bytes.writeInt32LE(value, at);
  }
}
