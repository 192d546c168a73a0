// Compiles small kernels given as text with the real asc, the real transform and the real
// assembly/{abi,mark}.ts, and plays them mark by mark.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import * as abi from "../../assembly/abi.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Slot {
  name: string;
  type: string;
  kind: "this" | "param" | "local";
  occurrence: number;
  line: number;
  endLine: number;
}
export interface Map {
  version: number;
  files: { path: string; sha256: string }[];
  functions: {
    name: string;
    file: number;
    line: number;
    returnType: string;
    slots: Slot[];
    unrecorded?: string[];
  }[];
  marks: {
    file: number;
    function: number;
    kind: string;
    line: number;
    column: number;
    endLine: number;
    endColumn: number;
  }[];
  constants: Record<string, Record<string, string>>;
}

export interface Compiled {
  wasm: Uint8Array<ArrayBuffer>;
  mapText: string | undefined;
  map: Map;
  /** Everything asc wrote, by path. */
  written: Record<string, string | Uint8Array>;
}

/** What asc printed when it refused a program. */
export class Refused extends Error {}

/**
 * Compiles `files`, by path, with assembly/index.ts as the entry.
 *
 * @param options `marks: false` leaves the transform out; `level` is asc's optimize level.
 * @throws Refused with asc's diagnostics.
 */
export async function compile(
  files: Record<string, string>,
  { marks = true, level = 3 } = {},
): Promise<Compiled> {
  const written: Record<string, string | Uint8Array> = {};
  const shared = ["assembly/abi.ts", "assembly/mark.ts"];
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      ...["assembly/index.ts", "--config", "none.json", "--baseDir", root, "-o", "core.wasm"],
      ...["--runtime", "stub", "--use", "abort=", "--memoryBase", "1024"],
      ...["--initialMemory", "256", "--optimizeLevel", String(level)],
      ...(marks ? ["--transform", `${root}tools/marks.mjs`] : []),
    ],
    {
      stdout: asc.createMemoryStream(),
      stderr,
      readFile: (name) =>
        files[name] ?? (shared.includes(name) ? readFileSync(root + name, "utf8") : null),
      writeFile: (name, contents) => {
        written[name] = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Refused(stderr.toString());
  const mapText = written["build/marks.json"] as string | undefined;
  const map = mapText === undefined ? undefined : JSON.parse(mapText);
  return { wasm: written["core.wasm"] as Uint8Array<ArrayBuffer>, mapText, map, written };
}

/** A kernel of one file whose `run` is exported, with `marks_begin` beside it. */
export function kernel(text: string, exported = "run"): Record<string, string> {
  return {
    "assembly/kernel/k.ts": text,
    "assembly/index.ts": `export { ${exported} } from "./kernel/k";\nexport { marks_begin } from "./mark";`,
  };
}

/** An address outside everything that mark.ts writes, for the fixtures to store at. */
export const DATA = 0xe0_0000;

export interface Frame {
  function: string;
  line: number;
  kind: string;
  vars: Record<string, bigint>;
}
export interface Stop {
  count: number;
  depth: number;
  line: number;
  endLine: number;
  column: number;
  kind: string;
  stack: Frame[];
  vars: Record<string, bigint>;
  /** A copy of the memory from DATA on. */
  data: DataView;
}
export interface Loaded {
  exports: Exports;
  memory: DataView;
}

type Value = number | bigint;
type Exports = Record<string, (...args: Value[]) => Value> & { memory: WebAssembly.Memory };

/** A fresh instance of a compiled program. */
export function load({ wasm }: Compiled): Loaded {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {});
  const typed = exports as unknown as Exports;
  return { exports: typed, memory: new DataView(typed.memory.buffer) };
}

/** The call stack that memory shows: outermost first, variables that are set by name#occurrence. */
export function stackOf(map: Map, memory: DataView): Frame[] {
  const depth = memory.getUint32(abi.MARK_DEPTH, true);
  const frames: Frame[] = [];
  for (let d = 1; d <= Math.min(depth, abi.MARK_NR_FRAMES); d++) {
    const at = abi.MARK_FRAMES + (d & (abi.MARK_NR_FRAMES - 1)) * abi.MARK_FRAME_SIZE;
    const fn = map.functions[memory.getUint32(at, true) - 1];
    const mark = map.marks[memory.getUint32(at + 4, true) - 1];
    const set = memory.getBigUint64(at + 8, true);
    if (!fn) throw new Error(`frame ${d} names no function`);
    const vars: Record<string, bigint> = {};
    for (const [i, slot] of fn.slots.entries()) {
      const name = slot.occurrence > 1 ? `${slot.name}#${slot.occurrence}` : slot.name;
      if ((set >> BigInt(i)) & 1n) vars[name] = memory.getBigInt64(at + 16 + 8 * i, true);
    }
    frames.push({ function: fn.name, line: mark?.line ?? 0, kind: mark?.kind ?? "", vars });
  }
  return frames;
}

/** Runs a fresh instance to mark `count` of `run(...args)`; undefined when it returned before. */
export function stopAt(
  { exports, memory }: Loaded,
  map: Map,
  count: number,
  args: Value[] = [],
): Stop | undefined {
  memory.setBigUint64(abi.MARK_STOP, BigInt(count), true);
  try {
    exports.run?.(...args);
    return undefined;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    if (memory.getBigUint64(abi.MARK_COUNT, true) !== BigInt(count)) throw error;
  }
  const stack = stackOf(map, memory);
  const depth = memory.getUint32(abi.MARK_DEPTH, true);
  const frame = abi.MARK_FRAMES + (depth & (abi.MARK_NR_FRAMES - 1)) * abi.MARK_FRAME_SIZE;
  const mark = map.marks[memory.getUint32(frame + 4, true) - 1];
  const top = stack.at(-1);
  if (!mark || !top) throw new Error("stopped outside every function");
  const { line, endLine, column, kind } = mark;
  const data = new DataView(memory.buffer.slice(DATA, DATA + 4096));
  return { count, depth, line, endLine, column, kind, stack, vars: top.vars, data };
}

/** Every stop of `run(...args)`, in order. */
export function trace(compiled: Compiled, args: Value[] = []): Stop[] {
  const stops: Stop[] = [];
  const loaded = load(compiled);
  const bytes = new Uint8Array(loaded.memory.buffer);
  const fresh = bytes.slice();
  for (let count = 1; count <= 500; count++) {
    const stop = stopAt(loaded, compiled.map, count, args);
    if (!stop) return stops;
    stops.push(stop);
    bytes.set(fresh);
  }
  throw new Error("the fixture does not end");
}

/** "kind@line" of each stop, "line" alone for a plain statement. */
export const lines = (stops: Stop[]): string[] =>
  stops.map(({ kind, line }) => (kind === "statement" ? `${line}` : `${kind}@${line}`));
