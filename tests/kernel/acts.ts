// Programs that call the memory manager at random and write down what it answered. A program is a
// loop over a table of acts: a system call with its arguments, or a touch of a byte.
import {
  addi,
  code,
  ecall,
  jalr,
  lb,
  ld,
  lui,
  sb,
  sd,
  t0,
  t1,
  writeElf,
  zero,
} from "./elf-writer.ts";

/** Where the table is in the program's memory, and how long it is. */
export const TABLE = 0x800000;
export const TABLE_SIZE = 0x3000;
/** Where most of the calls go. */
export const ARENA = 0x10000000;
/** "System call numbers" of the touches. */
export const READ = 1000;
export const WRITE = 1001;
const PATH_AT = 0x2f00;
const S0 = 8;
const A0 = 10;
const A7 = 17;

/** A system call's number and arguments, or a touch and its address. */
export type Act = [nr: number, ...args: number[]];

/** beq rs1, rs2, forward by `to` bytes */
const beq = (rs1: number, rs2: number, to: number) =>
  (((to >> 5) & 0x3f) << 25) | (rs2 << 20) | (rs1 << 15) | (((to >> 1) & 15) << 8) | 0x63;

const LOOP = 0x401004;
/** Back to the loop's begin, whose address is below 2^31. */
const again = [lui(t0, LOOP >>> 12), jalr(zero, t0, LOOP & 0xfff)];
const interpreter = code(
  lui(S0, TABLE >>> 12),
  ...[A7, 10, 11, 12, 13, 14, 15].map((reg, i) => ld(reg, S0, 8 * i)),
  addi(S0, S0, 64),
  addi(t0, zero, READ),
  beq(A7, t0, 28),
  addi(t0, zero, WRITE),
  beq(A7, t0, 36),
  ecall,
  sd(A0, S0, -8),
  ...again,
  // a read
  lb(t1, A0, 0),
  sd(t1, S0, -8),
  ...again,
  // a write
  sb(A7, A0, 0),
  ...again,
);

/** The file that sequences map: /data, five pages and some bytes. */
export const data = Uint8Array.from({ length: 4096 * 5 + 777 }, (_, i) => i * 7 + (i >> 8));

/** What a program does before its acts, and the strings behind its table. */
export interface Setting {
  acts: readonly Act[];
  strings: readonly [at: number, text: string][];
}
const MEMORY: Setting = {
  acts: [
    // So that touches mostly succeed; and descriptor 3.
    [222, ARENA, 24 * 4096, 3, 0x32, -1, 0],
    [56, -100, TABLE + PATH_AT, 0, 0],
  ],
  strings: [[PATH_AT, "/data"]],
};

/** A program that does `acts`, then writes the table, with the answers in it, to its output. */
export function acting(acts: readonly Act[], setting: Setting = MEMORY): Uint8Array {
  const table = new Uint8Array(TABLE_SIZE);
  const view = new DataView(table.buffer);
  const all: Act[] = [...setting.acts, ...acts, [64, 1, TABLE, TABLE_SIZE], [93, 0]];
  all.forEach((act, i) => {
    act.forEach((word, k) => {
      view.setBigUint64(i * 64 + k * 8, BigInt.asUintN(64, BigInt(word)), true);
    });
  });
  for (const [at, text] of setting.strings) table.set(new TextEncoder().encode(`${text}\0`), at);
  const size = { filesz: TABLE_SIZE, memsz: TABLE_SIZE };
  return writeElf({
    entry: 0x401000,
    size: 0x2000 + TABLE_SIZE,
    phdrs: [
      { flags: 5, offset: 0x1000, vaddr: 0x401000, filesz: 0x100, memsz: 0x100, align: 4096 },
      { flags: 6, offset: 0x2000, vaddr: TABLE, ...size, align: 4096 },
    ],
    contents: [
      [0x1000, interpreter],
      [0x2000, table],
    ],
  });
}

/** Sequences of acts, the same for the same seed. */
export function* randomActs(seed: number): Generator<Act[], never> {
  let state = seed | 1;
  const below = (n: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  const pick = (...values: number[]) => values[below(values.length)] as number;
  const page = () => ARENA + below(40) * 4096;
  const length = () => (below(8) === 0 ? below(40000) : (1 + below(12)) * 4096);
  /** Mostly `usual`, one time in `n` something else. */
  const mostly = (n: number, usual: () => number, else_: () => number) =>
    below(n) === 0 ? else_() : usual();
  const lengthOr0 = () => mostly(10, length, () => 0);
  const odd = () => page() + 7;
  const edges = [0, 1, 0x1000, 0x3fffffe000, 0x3ff7fff000, TABLE];
  const anonymous = [0x22, 0x22, 0x32, 0x32, 0x100022, 0x8022, 0x8032, 0x122, 0x20, 0x4022];
  const ofFile = [2, 0x12, 1, 0x8012, 3, 0, 0x102, 0x100002, 0x11];
  const act = (): Act => {
    switch (below(14)) {
      case 0:
      case 1: {
        const at = mostly(6, page, () => pick(...edges));
        return [222, at, length(), below(8), pick(...anonymous), -1, 0];
      }
      case 2:
      case 3: {
        const at = mostly(6, page, () => 0);
        const off = pick(0, 4096, 8192, 0x5000, 0x100000, 100);
        return [222, at, length(), below(8), pick(...ofFile), pick(3, 3, 3, 3, 0, 9), off];
      }
      case 4:
        return [215, mostly(8, page, () => pick(odd(), 0, 0x4000000000)), lengthOr0()];
      case 5:
      case 6:
        return [
          226,
          mostly(10, page, odd),
          lengthOr0(),
          mostly(
            12,
            () => below(8),
            () => below(20),
          ),
        ];
      case 7: {
        const heap = () => TABLE + 0x4000 + below(60) * 1024;
        return [214, mostly(4, heap, () => pick(0, -1, 0x4000000000, TABLE, ARENA + 0x100000))];
      }
      case 8:
        return [233, mostly(9, page, odd), lengthOr0(), pick(0, 1, 2, 4, 4, 4)];
      case 9:
      case 10: {
        const at = mostly(9, page, () => pick(odd(), TABLE, 0x3ffffe0000));
        return [216, at, length(), lengthOr0(), pick(0, 1, 1, 1, 3, 3, 2), page()];
      }
      case 11: {
        const vec = mostly(
          9,
          () => TABLE + 0x2800 + below(64) * 16,
          () => 0x50000000,
        );
        return [232, page(), length(), vec];
      }
      case 12:
        return [pick(READ, WRITE), ARENA + below(16) * 4096];
      default:
        return [214, 0];
    }
  };
  for (;;) yield Array.from({ length: 5 + below(45) }, act);
}
