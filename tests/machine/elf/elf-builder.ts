// Small ELF files made for tests, of either class and byte order.

export interface MadeSegment {
  type: number;
  flags?: number;
  offset?: bigint;
  vaddr?: bigint;
  paddr?: bigint;
  filesz?: bigint;
  memsz?: bigint;
  align?: bigint;
}

export interface MadeSection {
  /** Where in the string table the name is. */
  name?: number;
  type: number;
  flags?: bigint;
  addr?: bigint;
  offset?: bigint;
  size?: bigint;
  link?: number;
  info?: number;
  addralign?: bigint;
  entsize?: bigint;
}

export interface MadeElf {
  is64?: boolean;
  littleEndian?: boolean;
  osAbi?: number;
  abiVersion?: number;
  type?: number;
  machine?: number;
  flags?: number;
  entry?: bigint;
  segments?: MadeSegment[];
  /** Header 0 must be given, too. */
  sections?: MadeSection[];
  shstrndx?: number;
  /** In place of the true counts. */
  phnum?: number;
  shnum?: number;
  /** Put at `dataOffset` of the file. */
  data?: Uint8Array;
  /** At least the end of the headers; the file is made long enough. */
  dataOffset?: number;
}

/** Program headers right after the ELF header, section headers right after those. */
export function makeElf(made: MadeElf): Uint8Array {
  const is64 = made.is64 ?? true;
  const little = made.littleEndian ?? true;
  const segments = made.segments ?? [];
  const sections = made.sections ?? [];
  const [ehsize, phentsize, shentsize] = is64 ? [64, 56, 64] : [52, 32, 40];
  const phoff = segments.length === 0 ? 0 : ehsize;
  const afterSegments = ehsize + segments.length * phentsize;
  const shoff = sections.length === 0 ? 0 : afterSegments;
  const headersEnd = afterSegments + sections.length * shentsize;
  const dataOffset = made.dataOffset ?? headersEnd;
  const data = made.data ?? new Uint8Array(0);
  const bytes = new Uint8Array(Math.max(headersEnd, dataOffset + data.length));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const u16 = (value: number) => {
    view.setUint16(at, value, little);
    at += 2;
  };
  const u32 = (value: number) => {
    view.setUint32(at, value, little);
    at += 4;
  };
  const word = (value: bigint | undefined) => {
    if (is64) view.setBigUint64(at, value ?? 0n, little);
    else view.setUint32(at, Number(BigInt.asUintN(32, value ?? 0n)), little);
    at += is64 ? 8 : 4;
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, little ? 1 : 2, 1]);
  bytes[7] = made.osAbi ?? 0;
  bytes[8] = made.abiVersion ?? 0;
  at = 16;
  u16(made.type ?? 2);
  u16(made.machine ?? 243);
  u32(1);
  word(made.entry);
  word(BigInt(phoff));
  word(BigInt(shoff));
  u32(made.flags ?? 0);
  u16(ehsize);
  u16(phentsize);
  u16(made.phnum ?? segments.length);
  u16(shentsize);
  u16(made.shnum ?? sections.length);
  u16(made.shstrndx ?? 0);
  for (const segment of segments) {
    u32(segment.type);
    if (is64) u32(segment.flags ?? 0);
    word(segment.offset);
    word(segment.vaddr);
    word(segment.paddr);
    word(segment.filesz);
    word(segment.memsz);
    if (!is64) u32(segment.flags ?? 0);
    word(segment.align);
  }
  for (const section of sections) {
    u32(section.name ?? 0);
    u32(section.type);
    word(section.flags);
    word(section.addr);
    word(section.offset);
    word(section.size);
    u32(section.link ?? 0);
    u32(section.info ?? 0);
    word(section.addralign);
    word(section.entsize);
  }
  bytes.set(data, dataOffset);
  return bytes;
}

/** Numbers that look random and are the same in every run. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, `sides`. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 0x100000000) * sides);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)]!;
  }
}

const EXTREMES = [
  0n,
  1n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
  0xfffffffffffff000n,
];

/** A copy with one to four fields of its headers changed, or cut short. */
export function mutate(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const is64 = copy[4] === 2;
  const little = copy[5] !== 2;
  const phoff = is64 ? Number(view.getBigUint64(32, little)) : view.getUint32(28, little);
  const shoff = is64 ? Number(view.getBigUint64(40, little)) : view.getUint32(32, little);
  for (let count = 1 + dice.roll(4); count > 0; count--) {
    const region = dice.roll(10);
    let start = 0;
    let length = is64 ? 64 : 52;
    if (region < 3 && phoff !== 0) [start, length] = [phoff, (is64 ? 56 : 32) * 12];
    else if (region < 7 && shoff !== 0) [start, length] = [shoff, (is64 ? 64 : 40) * 40];
    else if (region === 7 && shoff > 600) [start, length] = [shoff - 600, 600];
    const step = dice.pick([1, 2, 4, 8]);
    const at = start + Math.floor(dice.roll(length) / step) * step;
    if (at + 8 > copy.length) continue;
    const value = dice.pick([...EXTREMES, BigInt(copy.length), BigInt(dice.roll(100))]);
    switch (dice.roll(5)) {
      case 0:
        copy[at]! ^= 1 << dice.roll(8);
        break;
      case 1:
        copy[at] = dice.roll(256);
        break;
      case 2:
        view.setUint16(at, Number(value & 0xffffn), little);
        break;
      case 3:
        view.setUint32(at, Number(value & 0xffffffffn), little);
        break;
      default:
        view.setBigUint64(at, value, little);
    }
  }
  return dice.roll(20) === 0 ? copy.slice(0, dice.roll(copy.length)) : copy;
}
