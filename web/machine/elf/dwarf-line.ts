// Which line of C an address comes from: the line number programs of .debug_line, versions 2 to 5
// (DWARF 5 section 6.2, DWARF 4 section 6.2), of linked files.
//
// A line number program is bytecode for a small machine whose registers are address, file, line
// and column; some instructions add a row to a table. Each instruction takes at least a byte and
// adds at most a row, so all this is linear in the size of the file. What is malformed ends its
// own unit with a note; rows of other units stay.

import { type ElfFile, findSection, PT_LOAD, SHF_COMPRESSED, sectionBytes } from "./elf.ts";

/** From `address` on, up to the next row's, code comes from this line. */
export interface LineRow {
  address: bigint;
  /** Path as in the file: absolute when it has a directory that is. A byte string. */
  file: string;
  /** From 1; 0 for code of no line. */
  line: number;
  /** From 1; 0 when not told. */
  column: number;
  /** Whether this is a good place for a breakpoint. */
  isStmt: boolean;
  /** The first address after the code of a sequence; its line says nothing. */
  endSequence: boolean;
}

export interface LineTable {
  /** In order of address. Where two sequences touch, the end stands before the start. */
  rows: LineRow[];
  /** What could not be read, in words. */
  notes: string[];
}

const DW_LNS_COPY = 1;
const DW_LNS_ADVANCE_PC = 2;
const DW_LNS_ADVANCE_LINE = 3;
const DW_LNS_SET_FILE = 4;
const DW_LNS_SET_COLUMN = 5;
const DW_LNS_NEGATE_STMT = 6;
const DW_LNS_SET_BASIC_BLOCK = 7;
const DW_LNS_CONST_ADD_PC = 8;
const DW_LNS_FIXED_ADVANCE_PC = 9;
const DW_LNS_SET_PROLOGUE_END = 10;
const DW_LNS_SET_EPILOGUE_BEGIN = 11;
const DW_LNS_SET_ISA = 12;
const DW_LNE_END_SEQUENCE = 1;
const DW_LNE_SET_ADDRESS = 2;
const DW_LNE_DEFINE_FILE = 3;

const DW_LNCT_PATH = 1;
const DW_LNCT_DIRECTORY_INDEX = 2;

const DW_FORM_DATA2 = 0x05;
const DW_FORM_DATA4 = 0x06;
const DW_FORM_DATA8 = 0x07;
const DW_FORM_STRING = 0x08;
const DW_FORM_BLOCK = 0x09;
const DW_FORM_DATA1 = 0x0b;
const DW_FORM_STRP = 0x0e;
const DW_FORM_UDATA = 0x0f;
const DW_FORM_DATA16 = 0x1e;
const DW_FORM_LINE_STRP = 0x1f;

/** Longest name kept. */
const MAX_NAME = 512;
const MAX_NOTES = 64;
/** Most rows kept: a row takes a byte of the file and a hundred of memory. */
const MAX_ROWS = 2_000_000;

/** Ends the unit that is being read; caught by `lineTable`, never seen outside. */
class Malformed extends Error {}

/** Reads one piece of a section, from `at` to `end`. */
class Cursor {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, littleEndian: boolean, at: number, end: number) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  #take(length: number): number {
    if (length > this.end - this.at) throw new Malformed("it is cut short");
    const at = this.at;
    this.at += length;
    return at;
  }

  skip(length: number): void {
    this.#take(length);
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.littleEndian);
  }

  /** An offset or length: 4 or 8 bytes. Larger than any file is the same as 2^53. */
  offset(is64: boolean): number {
    return is64 ? Number(this.u64()) : this.u32();
  }

  /** Unsigned LEB128 (DWARF 5 section 7.6), modulo 2^64. */
  uleb(): bigint {
    return BigInt.asUintN(64, this.#leb(false));
  }

  /** Signed LEB128. */
  sleb(): bigint {
    return BigInt.asIntN(64, this.#leb(true));
  }

  /** An unsigned LEB128 that is a count, index or length; past 2^53 it is inexact, and no less. */
  count(): number {
    return Number(this.uleb());
  }

  #leb(signed: boolean): bigint {
    // Nearly all take one byte.
    let byte = this.u8();
    if (byte < 0x80) return BigInt(signed && byte >= 0x40 ? byte - 0x80 : byte);
    let value = BigInt(byte & 0x7f);
    let shift = 7n;
    do {
      byte = this.u8();
      // Bytes that only pad are allowed; past 64 bits they do not count.
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte >= 0x80);
    if (signed && (byte & 0x40) !== 0 && shift < 64n) value -= 1n << shift;
    return value;
  }

  /** Text up to a NUL, which is taken, too. */
  string(): string {
    let stop = this.at;
    while (stop < this.end && this.bytes[stop] !== 0) stop++;
    if (stop === this.end) throw new Malformed("a name does not end");
    const text = textOf(this.bytes, this.at, stop);
    this.at = stop + 1;
    return text;
  }
}

function textOf(bytes: Uint8Array, start: number, stop: number): string {
  return String.fromCharCode(...bytes.subarray(start, Math.min(stop, start + MAX_NAME)));
}

/** A string section; reads names within a budget, as many offsets may share a long string. */
class Strings {
  readonly #bytes: Uint8Array;
  readonly #known = new Map<number, string>();
  #budget: number;

  constructor(bytes: Uint8Array, budget: number) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  at(offset: number): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.#bytes.length) throw new Malformed("a name is outside its string section");
    if (this.#budget <= 0) throw new Malformed("its names overlap too much");
    let stop = offset;
    const limit = Math.min(this.#bytes.length, offset + MAX_NAME);
    while (stop < limit && this.#bytes[stop] !== 0) stop++;
    const text = textOf(this.#bytes, offset, stop);
    this.#budget -= text.length + 1;
    this.#known.set(offset, text);
    return text;
  }
}

/** The header of a unit's line number program, as far as running it needs it. */
interface Program {
  minimumInstruction: bigint;
  defaultIsStmt: boolean;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Number of LEB128 operands of each standard opcode; [0] is unused. */
  operands: number[];
  /** Paths by file number, as the program counts them. */
  files: string[];
  directories: string[];
}

/**
 * Reads the whole of .debug_line.
 *
 * @returns rows of every unit that could be read; sequences that lie in no PT_LOAD segment (code
 * that the linker dropped) are left out.
 */
export function lineTable(elf: ElfFile): LineTable {
  const notes: string[] = [];
  const note = (text: string) => {
    if (notes.length < MAX_NOTES) notes.push(text);
  };
  const section = findSection(elf, ".debug_line");
  if (section === undefined) {
    return { rows: [], notes: ["the file has no .debug_line; it was not compiled with -g"] };
  }
  if ((section.flags & SHF_COMPRESSED) !== 0n) {
    return { rows: [], notes: [".debug_line is compressed"] };
  }
  if (elf.header.type === 1) {
    return { rows: [], notes: ["a relocatable file has no addresses yet; link it first"] };
  }
  const bytes = sectionBytes(elf, section);
  if (BigInt(bytes.length) !== section.size) note(".debug_line passes the file's end");
  const budget = 4 * elf.bytes.length;
  const stringsOf = (name: string) => {
    const found = findSection(elf, name);
    const usable = found !== undefined && (found.flags & SHF_COMPRESSED) === 0n;
    return new Strings(usable ? sectionBytes(elf, found) : new Uint8Array(0), budget);
  };
  const strings = { line: stringsOf(".debug_line_str"), other: stringsOf(".debug_str") };
  const loaded = new Ranges(elf);
  const sequences: LineRow[][] = [];
  let room = MAX_ROWS;
  let at = 0;
  while (at < bytes.length) {
    const unitAt = at;
    try {
      const cursor = new Cursor(bytes, elf.littleEndian, at, bytes.length);
      // Until the length is known there is no next unit to go to.
      at = bytes.length;
      let length = cursor.u32();
      const is64 = length === 0xffffffff;
      if (is64) length = Number(cursor.u64());
      if (length > cursor.end - cursor.at) {
        note(`the unit at ${unitAt} of .debug_line is longer than the section`);
      } else {
        cursor.end = cursor.at + length;
        at = cursor.end;
      }
      const program = readHeader(cursor, is64, strings);
      run(cursor, program, elf.is64, (rows) => {
        if (rows.length > room) throw new Malformed(`there are more than ${MAX_ROWS} rows`);
        if (!loaded.has(rows[0]!.address)) return;
        room -= rows.length;
        sequences.push(rows);
      });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      note(`the unit at ${unitAt} of .debug_line: ${error.message}`);
    }
  }
  return { rows: inOrder(sequences), notes };
}

/**
 * The row for an address.
 *
 * @returns undefined where there is no code with a known line.
 */
export function lineAt(table: LineTable, address: bigint): LineRow | undefined {
  const { rows } = table;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  const row = rows[low - 1];
  return row === undefined || row.endSequence ? undefined : row;
}

/** The addresses that PT_LOAD segments cover; all addresses for a file without segments. */
class Ranges {
  readonly #starts: bigint[] = [];
  readonly #ends: bigint[] = [];

  constructor(elf: ElfFile) {
    const loads = elf.programHeaders
      .filter((segment) => segment.type === PT_LOAD)
      .sort((a, b) => (a.vaddr < b.vaddr ? -1 : a.vaddr > b.vaddr ? 1 : 0));
    for (const { vaddr, memsz } of loads) {
      const end = vaddr + memsz;
      const last = this.#ends.length - 1;
      if (last >= 0 && vaddr <= this.#ends[last]!) {
        if (end > this.#ends[last]!) this.#ends[last] = end;
      } else {
        this.#starts.push(vaddr);
        this.#ends.push(end);
      }
    }
  }

  has(address: bigint): boolean {
    if (this.#starts.length === 0) return true;
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.#ends[low - 1]!;
  }
}

function inOrder(sequences: LineRow[][]): LineRow[] {
  const rows = sequences.flat();
  // The sort is stable: rows of one address stay in the order the compiler gave them.
  return rows.sort((a, b) => {
    if (a.address !== b.address) return a.address < b.address ? -1 : 1;
    return Number(b.endSequence) - Number(a.endSequence);
  });
}

function readHeader(
  cursor: Cursor,
  is64: boolean,
  strings: { line: Strings; other: Strings },
): Program {
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new Malformed(`version ${version} is not known`);
  if (version >= 5) {
    cursor.skip(1); // address_size: DW_LNE_set_address has its own length
    if (cursor.u8() !== 0) throw new Malformed("segment selectors are not known");
  }
  const headerLength = cursor.offset(is64);
  const programAt = cursor.at + headerLength;
  if (programAt > cursor.end) throw new Malformed("its header is longer than it");
  const minimumInstruction = BigInt(cursor.u8());
  // maximum_operations_per_instruction is above 1 for VLIW machines only.
  if (version >= 4 && cursor.u8() > 1) throw new Malformed("VLIW code is not known");
  const defaultIsStmt = cursor.u8() !== 0;
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  if (lineRange === 0) throw new Malformed("line_range is 0");
  const opcodeBase = cursor.u8();
  const operands = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operands.push(cursor.u8());
  const tables = version >= 5 ? readTables5(cursor, is64, strings) : readTables4(cursor);
  cursor.at = programAt;
  return {
    minimumInstruction,
    defaultIsStmt,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    ...tables,
  };
}

/** Directories and files up to version 4: lists that end with an empty name, counted from 1. */
function readTables4(cursor: Cursor): { directories: string[]; files: string[] } {
  // Directory 0 is that of the compilation, which only .debug_info tells.
  const directories = [""];
  for (let name = cursor.string(); name !== ""; name = cursor.string()) directories.push(name);
  const files = [""];
  for (let name = cursor.string(); name !== ""; name = cursor.string()) {
    files.push(join(directories[cursor.count()] ?? "", name));
    cursor.uleb(); // time of last change
    cursor.uleb(); // length in bytes
  }
  return { directories, files };
}

/** Directories and files of version 5: tables whose columns are described first, from 0. */
function readTables5(
  cursor: Cursor,
  is64: boolean,
  strings: { line: Strings; other: Strings },
): { directories: string[]; files: string[] } {
  const directories: string[] = [];
  for (const entry of readEntries(cursor, is64, strings)) {
    // Directory 0 is that of the compilation; the others may be relative to it.
    directories.push(join(directories[0] ?? "", entry.path));
  }
  const files: string[] = [];
  for (const entry of readEntries(cursor, is64, strings)) {
    files.push(join(directories[entry.directory] ?? "", entry.path));
  }
  return { directories, files };
}

interface Entry {
  path: string;
  directory: number;
}

function readEntries(
  cursor: Cursor,
  is64: boolean,
  strings: { line: Strings; other: Strings },
): Entry[] {
  const columns = cursor.u8();
  const formats: { content: number; form: number }[] = [];
  for (let index = 0; index < columns; index++) {
    formats.push({ content: cursor.count(), form: cursor.count() });
  }
  const count = cursor.count();
  // Entries without a column would take no bytes, and so have no bound.
  if (columns === 0 && count !== 0) throw new Malformed("its file table has no columns");
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    const entry = { path: "", directory: 0 };
    for (const { content, form } of formats) {
      const value = readForm(cursor, form, is64, strings);
      if (content === DW_LNCT_PATH && typeof value === "string") entry.path = value;
      if (content === DW_LNCT_DIRECTORY_INDEX && typeof value === "number") entry.directory = value;
    }
    entries.push(entry);
  }
  return entries;
}

/** One attribute; every form that is known takes at least a byte. */
function readForm(
  cursor: Cursor,
  form: number,
  is64: boolean,
  strings: { line: Strings; other: Strings },
): string | number | undefined {
  switch (form) {
    case DW_FORM_STRING:
      return cursor.string();
    case DW_FORM_LINE_STRP:
      return strings.line.at(cursor.offset(is64));
    case DW_FORM_STRP:
      return strings.other.at(cursor.offset(is64));
    case DW_FORM_UDATA:
      return cursor.count();
    case DW_FORM_DATA1:
      return cursor.u8();
    case DW_FORM_DATA2:
      return cursor.u16();
    case DW_FORM_DATA4:
      return cursor.u32();
    case DW_FORM_DATA8:
      return Number(cursor.u64());
    case DW_FORM_DATA16:
      cursor.skip(16);
      return undefined;
    case DW_FORM_BLOCK:
      cursor.skip(cursor.count());
      return undefined;
    default:
      throw new Malformed(`form ${form} of its file table is not known`);
  }
}

function join(directory: string, name: string): string {
  if (directory === "" || name.startsWith("/")) return name;
  return name === "" ? directory : `${directory}/${name}`;
}

/** Runs a line number program (DWARF 5 section 6.2.5), handing out each sequence as it ends. */
function run(
  cursor: Cursor,
  program: Program,
  is64: boolean,
  emit: (sequence: LineRow[]) => void,
): void {
  const { minimumInstruction, lineBase, lineRange, opcodeBase, files } = program;
  const bits = is64 ? 64 : 32;
  let rows: LineRow[] = [];
  let address = 0n;
  let file = 1;
  let line = 1;
  let column = 0;
  let isStmt = program.defaultIsStmt;
  const advance = (operations: bigint) => {
    address = BigInt.asUintN(bits, address + operations * minimumInstruction);
  };
  const addLine = (lines: number) => {
    // Unsigned in every reader; a file that goes below 0 is malformed, not dangerous.
    line = (line + lines) >>> 0;
  };
  const append = (endSequence: boolean) => {
    if (rows.length >= MAX_ROWS) throw new Malformed(`there are more than ${MAX_ROWS} rows`);
    rows.push({ address, file: files[file] ?? "", line, column, isStmt, endSequence });
  };
  const reset = () => {
    rows = [];
    address = 0n;
    file = 1;
    line = 1;
    column = 0;
    isStmt = program.defaultIsStmt;
  };
  while (cursor.at < cursor.end) {
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const special = opcode - opcodeBase;
      advance(BigInt(Math.floor(special / lineRange)));
      addLine(lineBase + (special % lineRange));
      append(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const length = cursor.count();
        if (length > cursor.end - cursor.at) throw new Malformed("an instruction is cut short");
        const next = cursor.at + length;
        if (length === 0) break;
        const extended = cursor.u8();
        if (extended === DW_LNE_END_SEQUENCE) {
          append(true);
          emit(rows);
          reset();
        } else if (extended === DW_LNE_SET_ADDRESS) {
          if (length === 9) address = cursor.u64();
          else if (length === 5) address = BigInt(cursor.u32());
          else throw new Malformed(`an address of ${length - 1} bytes`);
        } else if (extended === DW_LNE_DEFINE_FILE) {
          const name = cursor.string();
          files.push(join(program.directories[cursor.count()] ?? "", name));
        }
        cursor.at = next;
        break;
      }
      case DW_LNS_COPY:
        append(false);
        break;
      case DW_LNS_ADVANCE_PC:
        advance(cursor.uleb());
        break;
      case DW_LNS_ADVANCE_LINE:
        addLine(Number(BigInt.asIntN(32, cursor.sleb())));
        break;
      case DW_LNS_SET_FILE:
        file = cursor.count();
        break;
      case DW_LNS_SET_COLUMN:
        column = cursor.count();
        break;
      case DW_LNS_NEGATE_STMT:
        isStmt = !isStmt;
        break;
      case DW_LNS_CONST_ADD_PC:
        advance(BigInt(Math.floor((255 - opcodeBase) / lineRange)));
        break;
      case DW_LNS_FIXED_ADVANCE_PC:
        // Not scaled: what an assembler can write before the linker has relaxed the code.
        address = BigInt.asUintN(bits, address + BigInt(cursor.u16()));
        break;
      case DW_LNS_SET_BASIC_BLOCK:
      case DW_LNS_SET_PROLOGUE_END:
      case DW_LNS_SET_EPILOGUE_BEGIN:
        break;
      case DW_LNS_SET_ISA:
        cursor.uleb();
        break;
      default:
        for (let operand = program.operands[opcode]!; operand > 0; operand--) cursor.uleb();
    }
  }
  if (rows.length > 0) throw new Malformed("its last sequence does not end");
}
