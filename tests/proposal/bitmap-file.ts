// ELF files with predictive bitmaps, right ones and broken ones; a small program that touches the
// pages it is told to; and what a machine that has run one knows.
import {
  CLOCK_PS,
  DISK_PAGES,
  DISK_SEEKS,
  Ev,
  HART_SCAUSE,
  type PbitmapDefect,
  PG,
  PbitmapRefusal,
} from "../../assembly/abi.ts";
import { Files } from "../../web/machine/views/files.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import * as elf from "../kernel/elf-writer.ts";
import type { End, Linux } from "../kernel/linux.ts";

export const PAGE = 4096;
export const SHT_PRESENT_BITMAP = 0x6ffffc18;
export const PT_PAGE_BITMAP = 0x65504249;
const PF_PLEASE_LOAD_SHDRS = 8;

/** A bitmap as it is put into a file; what is given besides vaddr and bits breaks it. */
export interface Bitmap {
  vaddr: number | bigint;
  bits: Uint8Array;
  /** Where the header says that it is, and how long. */
  offset?: number | bigint;
  size?: number | bigint;
}

export interface Headers {
  /** Empty section headers before the bitmaps' own. */
  before?: number;
  entsize?: number;
  shnum?: number;
  /** Where e_shoff points. */
  shoff?: number | bigint;
  /** Without the flag in PT_GNU_STACK. */
  unasked?: boolean;
}

const pad = (n: number, to: number) => Math.ceil(n / to) * to;

/** The file with a section a bitmap behind it, in place of the sections that it had. */
export function withBitmaps(
  bytes: Uint8Array,
  bitmaps: readonly Bitmap[],
  { before = 1, entsize = 64, shnum, shoff, unasked = false }: Headers = {},
): Uint8Array {
  const offsets: number[] = [];
  let end = pad(bytes.length, 8);
  for (const { bits } of bitmaps) {
    offsets.push(end);
    end = pad(end + bits.length, 8);
  }
  const table = end;
  const out = new Uint8Array(table + 64 * (before + bitmaps.length));
  const view = new DataView(out.buffer);
  out.set(bytes);
  bitmaps.forEach(({ vaddr, bits, offset, size }, i) => {
    out.set(bits, offsets[i] as number);
    const at = table + 64 * (before + i);
    view.setUint32(at + 4, SHT_PRESENT_BITMAP, true);
    view.setBigUint64(at + 16, BigInt.asUintN(64, BigInt(vaddr)), true);
    view.setBigUint64(at + 24, BigInt.asUintN(64, BigInt(offset ?? (offsets[i] as number))), true);
    view.setBigUint64(at + 32, BigInt.asUintN(64, BigInt(size ?? bits.length)), true);
  });
  view.setBigUint64(40, BigInt.asUintN(64, BigInt(shoff ?? table)), true);
  view.setUint16(58, entsize, true);
  view.setUint16(60, shnum ?? before + bitmaps.length, true);
  view.setUint16(62, 0, true);
  for (const at of phdrs(out, elf.PT_GNU_STACK)) {
    const flags = view.getUint32(at + 4, true);
    view.setUint32(at + 4, unasked ? flags : flags | PF_PLEASE_LOAD_SHDRS, true);
  }
  return out;
}

/** Where the program headers of a type are. */
export function phdrs(bytes: Uint8Array, type: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const table = Number(view.getBigUint64(32, true));
  return Array.from({ length: view.getUint16(56, true) }, (_, i) => table + 56 * i).filter(
    (at) => view.getUint32(at, true) === type,
  );
}

/** Bits by their numbers. */
export function bitsOf(pages: readonly number[], bytes: number): Uint8Array {
  const bits = new Uint8Array(bytes);
  for (const page of pages) (bits[page >> 3] as number) |= 1 << (page & 7);
  return bits;
}

/** Numbers of the bits that are 1. */
export function pagesOf(bits: Uint8Array): number[] {
  const pages: number[] = [];
  bits.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) pages.push(8 * i + bit);
  });
  return pages;
}

/** Segments of the program below, by page of the file and by address. */
export const TEXT = 0x11000;
export const RODATA = 0x20000;
export const RODATA_PAGES = 64;
export const DATA = 0x80000;
export const DATA_PAGES = 8;
const RODATA_AT = 2 * PAGE;
const DATA_AT = (2 + RODATA_PAGES) * PAGE;

export interface Sparse {
  /** Pages of the read-only segment that are read, in this order. */
  reads?: readonly number[];
  /** Pages of the data segment that are written. */
  writes?: readonly number[];
  /** Position independent: linked at 0. */
  pie?: boolean;
  /** PT_PAGE_BITMAP headers, with these bits in the first page. */
  phdrBits?: readonly Bitmap[];
  /** Further program headers. */
  extra?: readonly elf.Phdr[];
  /** Instructions before the reads. */
  first?: readonly number[];
  /** Instructions before the exit. */
  code?: readonly number[];
  /** C strings in the first page of the read-only segment, at STRINGS and every 64 bytes on. */
  strings?: readonly string[];
}

/** Where the strings are: behind the byte that is read of their page. */
export const STRINGS = RODATA + 64;

/** reg = value, below 2^31; two instructions. */
export function li(reg: number, value: number): number[] {
  const high = (value + 0x800) >>> 12;
  return [elf.lui(reg, high), elf.addi(reg, reg, (value << 20) >> 20)];
}

/** A system call. */
export function syscall(nr: number, ...args: number[]): number[] {
  return [...args.flatMap((value, i) => li(elf.a0 + i, value)), ...li(elf.a7, nr), elf.ecall];
}

/** bnez reg, pc + offset */
export const bnez = (reg: number, offset: number) =>
  (((offset & 0x1000) << 19) |
    ((offset & 0x7e0) << 20) |
    (reg << 15) |
    (1 << 12) |
    ((offset & 0x1e) << 7) |
    ((offset & 0x800) >> 4) |
    0x63) >>>
  0;

/** Reads the byte at an address. */
export const touch = (vaddr: number) => [...li(elf.t0, vaddr), elf.lbu(elf.t1, elf.t0, 8)];

/** Two instructions each, as many times as asked for. */
export const spin = (times: number) => [
  ...li(elf.t0, times),
  elf.addi(elf.t0, elf.t0, -1),
  bnez(elf.t0, -4),
];

/** t0 = the address of `vaddr` of a program whose code begins at `TEXT`, here `at`. */
function address(vaddr: number, at: number, pie: boolean): number[] {
  if (!pie) return li(elf.t0, vaddr);
  const distance = vaddr - at;
  return [
    elf.auipc(elf.t0, ((distance + 0x800) >> 12) & 0xfffff),
    elf.addi(elf.t0, elf.t0, (distance << 20) >> 20),
  ];
}

/** A program of three segments that exits with the sum of the bytes that it has read. */
export function sparse({
  reads = [],
  writes = [],
  pie = false,
  phdrBits = [],
  extra = [],
  first = [],
  code = [],
  strings = [],
}: Sparse): Uint8Array {
  const words: number[] = [...first, elf.addi(elf.a0, elf.zero, 0)];
  const add = elf.addi(0, 0, 0);
  for (const page of reads) {
    words.push(...address(RODATA + page * PAGE, TEXT + 4 * words.length, pie));
    words.push(elf.lbu(elf.t1, elf.t0, 8), (0x33 | (10 << 7) | (10 << 15) | (6 << 20)) >>> 0, add);
  }
  for (const page of writes) {
    words.push(...address(DATA + page * PAGE, TEXT + 4 * words.length, pie));
    words.push(elf.sb(elf.a0, elf.t0, 16));
  }
  words.push(...code, ...elf.exitA0);
  const size = DATA_AT + DATA_PAGES * PAGE;
  const rodata = Uint8Array.from(
    { length: RODATA_PAGES * PAGE },
    (_, i) => (i * 7 + (i >> 12)) & 255,
  );
  strings.forEach((string, i) => {
    rodata.set(elf.text(string), STRINGS - RODATA + 64 * i);
  });
  const data = Uint8Array.from({ length: DATA_PAGES * PAGE }, (_, i) => (i * 3 + (i >> 12)) & 255);
  const headers: elf.Phdr[] = [
    load(elf.R | elf.X, PAGE, TEXT, 4 * words.length),
    load(elf.R, RODATA_AT, RODATA, RODATA_PAGES * PAGE),
    load(elf.R | elf.W, DATA_AT, DATA, DATA_PAGES * PAGE),
    { type: elf.PT_GNU_STACK, flags: elf.R | elf.W },
    ...extra,
  ];
  const contents: [number, Uint8Array][] = [
    [PAGE, elf.code(...words)],
    [RODATA_AT, rodata],
    [DATA_AT, data],
  ];
  let at = pad(64 + 56 * (headers.length + phdrBits.length), 8);
  for (const { vaddr, bits, offset, size: bytes } of phdrBits) {
    headers.push({
      type: PT_PAGE_BITMAP,
      flags: elf.R,
      vaddr,
      offset: offset ?? at,
      filesz: bytes ?? bits.length,
    });
    contents.push([at, bits]);
    at = pad(at + bits.length, 8);
  }
  return elf.writeElf({ type: pie ? 3 : 2, entry: TEXT, phdrs: headers, contents, size });
}

function load(flags: number, offset: number, vaddr: number, bytes: number): elf.Phdr {
  return { flags, offset, vaddr, filesz: bytes, memsz: bytes, align: PAGE };
}

/** How a run went. */
export interface Ran extends End {
  /** The program's file as it is afterwards. */
  file: Uint8Array;
  mtime: bigint;
  diskPages: number;
  seeks: number;
  /** Simulated, but for instructions and TLB walks: what Conf.era has prices for; ps. */
  time: number;
  /** Exceptions for a page: 12, 13, 15. */
  faults: number;
  events: { kind: Ev; a: bigint; b: bigint; c: bigint }[];
}

export type Conf = Record<string, number>;

/** What else is on the disk, and how the program is. */
export interface Kept {
  mode?: number;
  mtime?: number;
  files?: Record<string, Uint8Array>;
}

/** Boots the program as /program with other files, and runs it to its end. */
export function run(
  machine: Linux,
  bytes: Uint8Array,
  conf: Conf = {},
  { mode = 0o777, mtime = 0, files = {} }: Kept = {},
): Ran {
  const root = directory();
  for (const [path, other] of Object.entries(files)) place(root, path, file(other, 0o777));
  place(root, "/program", { ...file(bytes, mode), mtime });
  machine.boot({
    root,
    path: "/program",
    // Kleen's own settings, and none of the kernels that came later: no pages but those asked for.
    conf: {
      vm_pbitmap_enabled: 1,
      vm_read_ahead_kb: 0,
      vm_fault_around_bytes: PAGE,
      ram_frames: 2048,
      swap_blocks: 0,
      ...conf,
    },
  });
  let faults = 0;
  const { core } = machine;
  const between = () => {
    const cause = core.getNumber(HART_SCAUSE);
    if (machine.started && (cause === 12 || cause === 13 || cause === 15)) faults++;
  };
  const end = machine.run({ between, limit: 1e9 });
  return {
    ...end,
    ...fileOf(machine, "/program"),
    diskPages: core.getNumber(DISK_PAGES),
    seeks: core.getNumber(DISK_SEEKS),
    time: core.getNumber(CLOCK_PS),
    faults,
    events: [...machine.events],
  };
}

/** A file as it is now, dirty pages in memory included. */
export function fileOf(machine: Linux, path: string): { file: Uint8Array; mtime: bigint } {
  const files = new Files(machine.core);
  const info = files.lookup(path);
  if (!info) throw new Error(`${path} is gone`);
  return { file: files.read(info), mtime: info.mtime };
}

/** The bytes of bitmap `i` of a file that withBitmaps made. */
export function recorded(bytes: Uint8Array, i = 0): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const table = Number(view.getBigUint64(40, true));
  let n = 0;
  for (let s = 0; s < view.getUint16(60, true); s++) {
    const at = table + 64 * s;
    if (view.getUint32(at + 4, true) !== SHT_PRESENT_BITMAP || n++ !== i) continue;
    const offset = Number(view.getBigUint64(at + 24, true));
    return bytes.slice(offset, offset + Number(view.getBigUint64(at + 32, true)));
  }
  throw new Error(`there is no bitmap ${i}`);
}

/** Pages of the file that were taken for a bitmap, by the address that it tells of, in order. */
export function prefetched({ events }: Ran, vaddr: number): number[] {
  const from = events.findIndex(({ kind, a }) => kind === Ev.PbitmapLoad && a === BigInt(vaddr));
  if (from < 0) throw new Error(`no bitmap for 0x${vaddr.toString(16)} was loaded`);
  const to = events.findIndex(({ kind }, i) => i > from && kind === Ev.PbitmapPrefetch);
  return events
    .slice(from, to)
    .filter(({ kind, b }) => kind === Ev.PageAlloc && (b & BigInt(PG.uptodate)) !== 0n)
    .map(({ c }) => Number(c >> 32n));
}

/** Why bitmaps were refused, in order. */
export function refusals({ events }: Ran): string[] {
  return events
    .filter(({ kind }) => kind === Ev.PbitmapIgnored)
    .map(({ b }) => PbitmapRefusal[Number(b >> 32n)] as string);
}

/** Settings that turn one defect on. */
export function posted(...defects: PbitmapDefect[]): Conf {
  return { vm_pbitmap_as_posted: defects.reduce((sum, bit) => sum | bit, 0) };
}
