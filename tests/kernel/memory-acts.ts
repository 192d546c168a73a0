// More random calls of the memory manager than acts.ts has: every kind of advice, locks, msync,
// shared memory, mremap in all its ways. Nothing is touched but by system calls, which answer EFAULT
// where a touch would kill, and the process's count of minor faults is asked for again and again.
import { ARENA, type Act, READ, type Setting, TABLE, TABLE_SIZE } from "./acts.ts";

/** Where getrusage writes, and its ru_minflt. */
const SCRATCH = 0x30000000;
const MINFLT = SCRATCH + 64;
/** clock_getres writes 16 bytes, faccessat reads a string. */
const PUT = 114;
const GET = 48;

const PATH_AT = 0x2f00;

/** Memory to work on, and descriptor 3: a file of zeros, all of it in the page cache. */
export const setting: Setting = {
  acts: [
    [222, ARENA, 24 * 4096, 3, 0x32, -1, 0],
    [56, -100, TABLE + PATH_AT, 2, 0],
    [67, 3, ARENA, 65536, 0],
  ],
  strings: [[PATH_AT, "/data"]],
};

/** Sequences of acts, the same for the same seed. */
export function* memoryActs(seed: number): Generator<Act[], never> {
  let state = seed | 1;
  const below = (n: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  const pick = (...values: number[]) => values[below(values.length)] as number;
  const page = () => ARENA + below(40) * 4096;
  const length = () => (1 + below(12)) * 4096;
  const one: Act = [165, 0, SCRATCH];
  const faults: Act[] = [one, [READ, MINFLT]];
  const anonymous = [0x22, 0x32, 0x32, 0x21, 0x31, 0x31, 0x8031, 0x8032, 0x2032, 0x20032, 0x4031];
  const ofFile = [0x11, 0x11, 0x12, 0x12, 0x8011, 0x8012, 0x13, 0x2011];
  const advice = [0, 1, 2, 3, 4, 4, 4, 8, 8, 10, 11, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25, 5];
  const act = (): Act[] => {
    switch (below(22)) {
      case 0:
      case 1:
        return [[222, page(), length(), pick(3, 3, 3, 1, 0, 7), pick(...anonymous), -1, 0]];
      case 2:
        return [[222, page(), length(), pick(3, 1, 3), pick(...ofFile), 3, below(4) * 4096]];
      case 3:
        return [[215, page(), length()]];
      case 4:
      case 5:
        return [[226, page(), length(), pick(0, 1, 3, 3, 3, 4, 7)]];
      case 6:
      case 7:
      case 8:
        return [[233, page(), length(), pick(...advice)]];
      case 9:
      case 10: {
        const old = below(9) === 0 ? 0 : length();
        const size = below(3) === 0 ? old : length();
        return [[216, page(), old, size, pick(0, 1, 1, 3, 3, 5, 7), page()]];
      }
      case 11:
        return [[pick(228, 229), page(), length()]];
      case 12:
        return [[284, page(), length(), pick(0, 1, 1, 2)]];
      case 13:
        return [[227, page(), length(), pick(1, 4, 4, 2, 6, 5)]];
      case 14:
        return [[232, page(), length(), TABLE + 0x2800 + below(64) * 16]];
      case 15:
        return faults;
      case 16:
      case 17:
      case 18:
        return [[GET, -100, page(), 0]];
      default:
        return [[PUT, 1, page()]];
    }
  };
  for (;;) {
    const first: Act[] = [[222, SCRATCH, 4096, 3, 0x32, -1, 0], one, ...faults];
    const acts = [...first, ...Array.from({ length: 20 + below(90) }, act).flat(), ...faults];
    // The last 40 records of the table hold mincore's answers and the path.
    yield acts.slice(0, (TABLE_SIZE - 0x800) / 64 - 8);
  }
}

/** The answers, with the counts of faults as differences from the first one asked for. */
export function answers(acts: readonly Act[], table: Uint8Array): string {
  const before = setting.acts.length;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const minflt = (i: number) => view.getInt8((before + i) * 64 + 56);
  const isCount = ([nr, at]: Act) => nr === READ && at === MINFLT;
  const first = minflt(acts.findIndex(isCount));
  return acts
    .map((act, i) =>
      isCount(act) ? (minflt(i) - first) & 255 : view.getBigInt64((before + i) * 64 + 56, true),
    )
    .concat([...table.subarray(0x2800, 0x2d00)])
    .join(" ");
}
