// Writes small RISC-V ELF files, right ones and broken ones: every field can be set to anything.

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_GNU_STACK = 0x6474e551;
export const X = 1;
export const W = 2;
export const R = 4;

/** A program header; what is not given is 0. */
export interface Phdr {
  type?: number;
  flags?: number;
  offset?: bigint | number;
  vaddr?: bigint | number;
  filesz?: bigint | number;
  memsz?: bigint | number;
  align?: bigint | number;
}

/** A file: header fields, program headers, and bytes at offsets. */
export interface ElfFile {
  ident?: Record<number, number>;
  type?: number;
  machine?: number;
  version?: number;
  entry?: bigint | number;
  phoff?: bigint | number;
  shoff?: bigint | number;
  flags?: number;
  ehsize?: number;
  phentsize?: number;
  phnum?: number;
  phdrs: Phdr[];
  /** Where the table is written, when that is not phoff. */
  tableAt?: number;
  contents?: [offset: number, bytes: Uint8Array][];
  /** Length of the file; everything else is 0. */
  size: number;
  /** Fills what no contents cover, behind the headers. */
  fill?: number;
}

const u64 = (value: bigint | number | undefined) => BigInt.asUintN(64, BigInt(value ?? 0));

/** The bytes of the file. */
export function writeElf(elf: ElfFile): Uint8Array {
  const room = new Uint8Array(Math.max(elf.size, 0x20000));
  const view = new DataView(room.buffer);
  const tableAt = elf.tableAt ?? Number(elf.phoff ?? 64);
  if (elf.fill) room.fill(elf.fill, 0x1000);
  room.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  for (const [at, value] of Object.entries(elf.ident ?? {})) room[Number(at)] = value;
  view.setUint16(16, elf.type ?? 2, true);
  view.setUint16(18, elf.machine ?? 243, true);
  view.setUint32(20, elf.version ?? 1, true);
  view.setBigUint64(24, u64(elf.entry), true);
  view.setBigUint64(32, u64(elf.phoff ?? 64), true);
  view.setBigUint64(40, u64(elf.shoff), true);
  view.setUint32(48, elf.flags ?? 0, true);
  view.setUint16(52, elf.ehsize ?? 64, true);
  view.setUint16(54, elf.phentsize ?? 56, true);
  view.setUint16(56, elf.phnum ?? elf.phdrs.length, true);
  elf.phdrs.forEach((phdr, i) => {
    const at = tableAt + i * 56;
    if (at + 56 > room.length) return;
    view.setUint32(at, phdr.type ?? PT_LOAD, true);
    view.setUint32(at + 4, phdr.flags ?? R | X, true);
    view.setBigUint64(at + 8, u64(phdr.offset), true);
    view.setBigUint64(at + 16, u64(phdr.vaddr), true);
    view.setBigUint64(at + 24, u64(phdr.vaddr), true);
    view.setBigUint64(at + 32, u64(phdr.filesz), true);
    view.setBigUint64(at + 40, u64(phdr.memsz), true);
    view.setBigUint64(at + 48, u64(phdr.align), true);
  });
  for (const [at, bytes] of elf.contents ?? []) room.set(bytes, at);
  return room.slice(0, elf.size);
}

/** Instructions as bytes. */
export function code(...words: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** A C string as bytes. */
export function text(string: string): Uint8Array {
  return new TextEncoder().encode(`${string}\0`);
}

// Registers by their ABI names, and the instructions the programs here are made of.
export const zero = 0;
export const sp = 2;
export const t0 = 5;
export const t1 = 6;
export const t2 = 7;
export const a0 = 10;
export const a1 = 11;
export const a2 = 12;
export const a3 = 13;
export const a4 = 14;
export const a5 = 15;
export const a7 = 17;

const itype = (opcode: number, funct3: number, rd: number, rs1: number, imm: number) =>
  (((imm & 0xfff) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
export const addi = (rd: number, rs1: number, imm: number) => itype(0x13, 0, rd, rs1, imm);
export const andi = (rd: number, rs1: number, imm: number) => itype(0x13, 7, rd, rs1, imm);
export const slli = (rd: number, rs1: number, n: number) => itype(0x13, 1, rd, rs1, n);
export const srli = (rd: number, rs1: number, n: number) => itype(0x13, 5, rd, rs1, n);
export const lbu = (rd: number, rs1: number, imm: number) => itype(0x03, 4, rd, rs1, imm);
export const lb = (rd: number, rs1: number, imm: number) => itype(0x03, 0, rd, rs1, imm);
export const ld = (rd: number, rs1: number, imm: number) => itype(0x03, 3, rd, rs1, imm);
export const jalr = (rd: number, rs1: number, imm: number) => itype(0x67, 0, rd, rs1, imm);
export const or = (rd: number, rs1: number, rs2: number) =>
  ((rs2 << 20) | (rs1 << 15) | (6 << 12) | (rd << 7) | 0x33) >>> 0;
const stype = (funct3: number, rs2: number, rs1: number, imm: number) =>
  ((((imm >> 5) & 0x7f) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (funct3 << 12) |
    ((imm & 31) << 7) |
    0x23) >>>
  0;
export const sb = (rs2: number, rs1: number, imm: number) => stype(0, rs2, rs1, imm);
export const sd = (rs2: number, rs1: number, imm: number) => stype(3, rs2, rs1, imm);
export const sw = (rs2: number, rs1: number, imm: number) => stype(2, rs2, rs1, imm);
export const lui = (rd: number, imm20: number) =>
  (((imm20 & 0xfffff) << 12) | (rd << 7) | 0x37) >>> 0;
export const auipc = (rd: number, imm20: number) =>
  (((imm20 & 0xfffff) << 12) | (rd << 7) | 0x17) >>> 0;
/** jal rd, pc + offset, less than 4 KiB away */
export const jal = (rd: number, offset: number) =>
  (((offset & 0x100000) << 11) |
    ((offset & 0x7fe) << 20) |
    ((offset & 0x800) << 9) |
    (offset & 0xff000) |
    (rd << 7) |
    0x6f) >>>
  0;
export const ecall = 0x73;

/** exit(a0) */
export const exitA0 = [addi(a7, zero, 93), ecall];
/** exit(status) */
export const exit = (status: number) => [addi(a0, zero, status), ...exitA0];
/** exit(the byte at a page-aligned address below 2^31, plus offset) */
export const exitByteAt = (page: number, offset = 0) => [
  lui(t0, page >>> 12),
  lbu(a0, t0, offset),
  ...exitA0,
];
