// Programs that make calls on files at random and write down what was answered: as acts.ts, with
// paths.
import { type Act, ARENA, READ, type Setting, TABLE, WRITE } from "./acts.ts";

const PATHS = [
  ...["a", "b", "c", "d", "e", "d/a", "d/b", "d/e", "d/e/a", "e/b", "a/x", "none/x"],
  ...["d/", "a/", ".", "..", "./a", "d/../b", "d/.", "l", "l/a", "d/l", "e/../d/e/../a", ""],
];
/** The paths, behind one another at the end of the program's table. */
const strings: [at: number, text: string][] = [];
for (const path of PATHS) {
  const [at, text] = strings.at(-1) ?? [0x2bff, ""];
  strings.push([at + text.length + 1, path]);
}
const AT_FDCWD = -100;
/** Two pages that calls read into and write from. */
const BUFFER = ARENA;
/** Where files are mapped. */
const MAPPED = ARENA + 0x10000;

/** The name of the directory they work in. */
const HOME = 0x2f80;

/** What every sequence begins with: memory for its buffers, a directory for its files. */
export const files: Setting = {
  acts: [
    [222, ARENA, 8 * 4096, 3, 0x32, -1, 0],
    [166, 0o22],
    [34, AT_FDCWD, TABLE + HOME, 0o755],
    [49, TABLE + HOME],
  ],
  strings: [...strings, [HOME, "home"]],
};

const path = (text: string) => TABLE + (strings.find(([, name]) => name === text)?.[0] ?? 0);

/** The same for a user who is not root, among files of root: a sticky directory, a closed one. */
export const filesAsUser: Setting = {
  acts: [
    [222, ARENA, 8 * 4096, 3, 0x32, -1, 0],
    [166, 0],
    [34, AT_FDCWD, TABLE + HOME, 0o777],
    [49, TABLE + HOME],
    [34, AT_FDCWD, path("d"), 0o1777],
    [34, AT_FDCWD, path("e"), 0o755],
    [33, AT_FDCWD, path("a"), 0o644, 0],
    [33, AT_FDCWD, path("d/a"), 0o666, 0],
    [33, AT_FDCWD, path("d/b"), 0o600, 0],
    [33, AT_FDCWD, path("e/b"), 0o4777, 0],
    [34, AT_FDCWD, path("d/e"), 0o700],
    [36, path("a"), AT_FDCWD, path("d/l")],
    [166, 0o22],
    [144, 65534],
    [146, 65534],
  ],
  strings: [...strings, [HOME, "home"]],
};

/**
 * Sequences of calls on files, the same for the same seed.
 *
 * @param rights also calls that change permissions and owners
 */
export function* randomFileActs(seed: number, rights = false): Generator<Act[], never> {
  let state = seed | 1;
  const below = (n: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  const pick = (...values: number[]) => values[below(values.length)] as number;
  const any = () => TABLE + (strings[below(strings.length)] as [number, string])[0];
  const usual = () =>
    TABLE + (strings[below(below(3) ? 10 : strings.length)] as [number, string])[0];
  const fd = () => pick(3, 3, 3, 4, 4, 5, 6, 7, 20);
  const dirfd = () => pick(AT_FDCWD, AT_FDCWD, AT_FDCWD, AT_FDCWD, AT_FDCWD, 3, 4);
  const size = () => pick(0, 1, 10, 100, 4095, 4096, 4097, 8000);
  const offset = () => pick(0, 0, 0, 1, 100, 4095, 4096, 5000, 8192, 40960, 100000);
  const buffer = () => (below(20) === 0 ? 0x50000000 : BUFFER + below(64));
  const access = () => pick(0, 1, 2, 2, 2);
  const more = () =>
    pick(0, 0, 0x40, 0x40, 0x40, 0xc0, 0x240, 0x200, 0x440, 0x400, 0x10000, 0x20000, 0x200000);
  const modes = () => pick(0, 0o111, 0o222, 0o400, 0o444, 0o600, 0o644, 0o755, 0o1777, 0o6755);
  const act = (): Act => {
    if (rights && below(5) === 0) {
      switch (below(4)) {
        case 0:
          return [52, fd(), modes()];
        case 1:
          return [54, AT_FDCWD, usual(), pick(-1, 65534, 0), pick(-1, 65534, 1), pick(0, 0x100)];
        case 2:
          return [88, AT_FDCWD, usual(), 0, pick(0, 0x100)];
        default:
          return [53, AT_FDCWD, usual(), modes()];
      }
    }
    switch (below(36)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return [56, dirfd(), usual(), access() | more(), pick(0o644, 0o600, 0o777, 0o444)];
      case 5:
        return [57, fd()];
      case 6:
      case 7:
        return [63, fd(), buffer(), size()];
      case 8:
      case 9:
      case 10:
        return [64, fd(), buffer(), size()];
      case 11:
        return [67, fd(), buffer(), size(), offset()];
      case 12:
      case 13:
        return [68, fd(), buffer(), size(), offset()];
      case 14:
        return [62, fd(), pick(0, 10, 4096, -1, -5000, 20000), pick(0, 1, 2, 0, 1, 2, 9)];
      case 15:
        return [46, fd(), pick(0, 1, 4096, 5000, 20000, -1)];
      case 16:
      case 17:
        return [34, dirfd(), usual(), pick(0o755, 0o700, 0o1777)];
      case 18:
        return [35, dirfd(), usual(), pick(0, 0, 0, 0x200, 0x200, 1)];
      case 19:
        return [35, AT_FDCWD, any(), pick(0, 0x200)];
      case 20:
      case 21:
      case 22:
        return [276, dirfd(), usual(), dirfd(), usual(), pick(0, 0, 0, 0, 1, 2, 3)];
      case 23:
        return [37, AT_FDCWD, usual(), AT_FDCWD, usual(), pick(0, 0, 0x400, 1)];
      case 24:
        return [36, any(), dirfd(), usual()];
      case 25:
        return [78, dirfd(), usual(), BUFFER, pick(0, 1, 100)];
      case 26:
        return [48, dirfd(), any(), pick(0, 1, 2, 4, 7, 8)];
      case 27:
        return [45, usual(), pick(0, 10, 4096, 9000, -1)];
      case 28:
        return [pick(23, 24), fd(), pick(3, 5, 20), pick(0, 0x80000, 5)];
      case 29:
        return [25, fd(), pick(1, 2, 3, 4, 1030), pick(0, 1, 0x400)];
      case 30:
        return [79, dirfd(), any(), BUFFER + 4096, pick(0, 0x100, 0x1000, 0x8000)];
      case 31:
        return [47, fd(), pick(0, 0, 1), offset(), pick(0, 1, 4096, 10000)];
      case 32:
        return [pick(82, 83), fd()];
      case 33:
        return [
          222,
          MAPPED + below(2) * 0x10000,
          3 * 4096,
          pick(1, 3),
          pick(0x11, 0x11, 0x12),
          fd(),
          0,
        ];
      case 34:
        return below(2) ? [285, fd(), 0, fd(), 0, size(), 0] : [71, fd(), fd(), 0, size()];
      default:
        return below(3)
          ? [pick(READ, READ, WRITE), BUFFER + below(4096)]
          : [227, MAPPED, 4096, pick(0, 1, 4)];
    }
  };
  for (;;) yield Array.from({ length: 20 + below(100) }, act);
}
