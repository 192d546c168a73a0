// pagewalk sim: a recorded string of references against replacement policies.
import { closeSync, openSync, readSync } from "node:fs";
import { POLICIES, type PolicyInfo, policyNamed } from "../web/machine/policies.ts";
import { MOST_FRAMES, type RunResult, Simulator } from "../web/machine/sim/simulator.ts";
import { TraceError, TraceReader } from "../web/machine/sim/trace-reader.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import { loadSimulator } from "./host.ts";
import { hostError, parseOptions, UsageError } from "./usage.ts";

const OPTIONS = {
  policy: { type: "string", short: "p", default: "linux" },
  frames: { type: "string", short: "n" },
  json: { type: "boolean" },
  "page-size": { type: "string", default: "4096" },
  radix: { type: "string" },
  unit: { type: "string" },
  tick: { type: "string" },
  tau: { type: "string" },
  bits: { type: "string" },
  seed: { type: "string" },
} as const;

/** More frame counts than these in one command are a slip. */
const MOST_RUNS = 1000;
const PIECE = 1 << 20;

/** A whole number between two others, from an option. */
function whole(name: string, text: unknown, least: number, most: number): number {
  const value = /^\d+$/.test(String(text)) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    const range = `a whole number from ${least} to ${most}`;
    throw new UsageError(`--${name} ${escapeName(String(text))}: give ${range}`);
  }
  return value;
}

/** "3", "3,4,8" or "1-8", as numbers. */
function frameCounts(text: unknown): number[] {
  if (text === undefined) throw new UsageError("how many frames? (--frames N)");
  const counts = String(text)
    .split(",")
    .flatMap((part) => {
      const [first, last = first] = part.split("-");
      const from = whole("frames", first, 1, MOST_FRAMES);
      const to = whole("frames", last, from, MOST_FRAMES);
      if (to - from >= MOST_RUNS) throw new UsageError(`--frames ${part}: too many at once`);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
  return counts;
}

function policies(text: string): PolicyInfo[] {
  if (text === "all") return [...POLICIES];
  return text.split(",").map((name) => {
    const info = policyNamed(name);
    if (info) return info;
    const names = POLICIES.map((one) => one.name).join(", ");
    throw new UsageError(`there is no policy "${escapeName(name)}": all, ${names}`);
  });
}

function pageShift(text: unknown): number {
  const size = whole("page-size", text, 2, 1 << 30);
  if ((size & (size - 1)) !== 0) throw new UsageError(`--page-size ${size}: give a power of two`);
  return Math.log2(size);
}

/** Reads a trace, a piece at a time; "-" is standard input. */
function readTrace(path: string, reader: TraceReader): void {
  const fd = path === "-" ? 0 : open(path);
  try {
    const piece = new Uint8Array(PIECE);
    for (;;) {
      const got = read(fd, piece, path);
      if (got === 0) break;
      reader.push(piece.subarray(0, got));
    }
    reader.end();
  } catch (error) {
    if (error instanceof TraceError || error instanceof RangeError) {
      throw new UsageError(error.message);
    }
    throw error;
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw new UsageError(hostError(path, error));
  }
}

function read(fd: number, into: Uint8Array, path: string): number {
  for (;;) {
    try {
      return readSync(fd, into);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw new UsageError(hostError(path, error));
      // A terminal or a pipe without data yet: wait a little.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

const number = (value: number) => value.toLocaleString("en");
const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(2)} %`;

function json(simulator: Simulator, { name }: PolicyInfo, result: RunResult): string {
  const { frames, references, faults, hits, evictions, writebacks } = result;
  return `${JSON.stringify({
    policy: name,
    frames,
    references,
    pages: simulator.pages,
    faults,
    hits,
    hit_ratio: references === 0 ? 0 : hits / references,
    evictions,
    writebacks,
  })}\n`;
}

function row(cells: readonly string[]): string {
  const widths = [15, 7, 12, 10, 12, 12];
  const padded = cells.map((cell, i) =>
    i === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[i] as number),
  );
  return `${padded.join(" ").trimEnd()}\n`;
}

/** `pagewalk sim` */
export async function sim(args: string[]): Promise<number> {
  const { values, rest } = parseOptions(args, OPTIONS);
  const [path, ...more] = rest;
  if (path === undefined) throw new UsageError("which trace? (a file, or - for standard input)");
  if (more.length > 0) throw new UsageError("sim takes one trace; options come before it");
  const chosen = policies(String(values.policy));
  const counts = frameCounts(values.frames);
  const optional = (name: string, least: number, most: number) =>
    values[name] === undefined ? {} : { [name]: whole(name, values[name], least, most) };
  const options = {
    ...optional("tick", 1, 2 ** 31),
    ...optional("tau", 1, 2 ** 31),
    ...optional("bits", 1, 8),
    ...optional("seed", 0, 2 ** 53 - 1),
  };
  const { radix, unit } = values;
  if (radix !== undefined && radix !== "10" && radix !== "16") {
    throw new UsageError("--radix: 10 or 16");
  }
  if (unit !== undefined && unit !== "page" && unit !== "address") {
    throw new UsageError("--unit: page or address");
  }
  const shift = pageShift(values["page-size"]);
  const simulator = new Simulator(await loadSimulator());
  const name = path === "-" ? "standard input" : escapeName(path);
  const reader = new TraceReader((words, nr) => simulator.add(words, nr), {
    name,
    pageShift: shift,
    ...(radix === undefined ? {} : { radix: Number(radix) as 10 | 16 }),
    ...(unit === undefined ? {} : { unit }),
  });
  readTrace(path, reader);
  const { references, pages, writes } = simulator;
  if (references === 0) throw new UsageError(`${name}: there is no reference in it`);
  if (!values.json) {
    const written = writes === 0 ? "" : `, ${share(writes, references)} writes`;
    process.stdout.write(`${name}: ${number(references)} references to ${number(pages)} pages`);
    process.stdout.write(`${written}\n\n`);
    process.stdout.write(
      row(["policy", "frames", "faults", "hit rate", "evictions", "written back"]),
    );
  }
  for (const info of chosen) {
    for (const frames of counts) {
      const result = simulator.run({ policy: info.number, frames, ...options });
      const { faults, hits, evictions, writebacks } = result;
      const counted = [faults, evictions, writebacks].map(number) as [string, string, string];
      const line = [info.name, number(frames), counted[0], share(hits, references)];
      const text = values.json
        ? json(simulator, info, result)
        : row([...line, counted[1], counted[2]]);
      process.stdout.write(text);
    }
  }
  return 0;
}
