// pagewalk sim: a recorded string of references against replacement policies.
import { closeSync, openSync, readSync } from "node:fs";
import type { PolicyInfo } from "../web/machine/policies.ts";
import {
  frameCounts,
  policiesNamed,
  stepLines,
  TABLE_HEAD,
  tableRow,
  traceText,
  whole,
} from "../web/machine/sim/report.ts";
import { type RunResult, Simulator } from "../web/machine/sim/simulator.ts";
import { TraceError, TraceReader } from "../web/machine/sim/trace-reader.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import { loadSimulator } from "./host.ts";
import { hostError, parseOptions, UsageError } from "./usage.ts";

const OPTIONS = {
  policy: { type: "string", short: "p", default: "linux" },
  frames: { type: "string", short: "n" },
  json: { type: "boolean" },
  steps: { type: "boolean" },
  "page-size": { type: "string", default: "4096" },
  radix: { type: "string" },
  unit: { type: "string" },
  tick: { type: "string" },
  tau: { type: "string" },
  bits: { type: "string" },
  seed: { type: "string" },
} as const;

const PIECE = 1 << 20;

/** Runs what throws a RangeError for what the user wrote. */
function checked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function pageShift(text: unknown): number {
  const size = whole("--page-size", String(text), 2, 1 << 30);
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

/** `pagewalk sim` */
export async function sim(args: string[]): Promise<number> {
  const { values, rest } = parseOptions(args, OPTIONS);
  const [path, ...more] = rest;
  if (path === undefined) throw new UsageError("which trace? (a file, or - for standard input)");
  if (more.length > 0) throw new UsageError("sim takes one trace; options come before it");
  const { frames, radix, unit, json: asJson, steps } = values;
  const chosen = checked(() => policiesNamed(String(values.policy)));
  if (frames === undefined) throw new UsageError("how many frames? (--frames N)");
  const sizes = checked(() => frameCounts("--frames", String(frames)));
  const optional = (name: string, least: number, most: number) => {
    const text = values[name];
    if (text === undefined) return {};
    return { [name]: checked(() => whole(`--${name}`, String(text), least, most)) };
  };
  const options = {
    ...optional("tick", 1, 2 ** 31),
    ...optional("tau", 0, 2 ** 31),
    ...optional("bits", 1, 8),
    ...optional("seed", 0, Number.MAX_SAFE_INTEGER),
  };
  if (radix !== undefined && radix !== "10" && radix !== "16") {
    throw new UsageError("--radix: 10 or 16");
  }
  if (unit !== undefined && unit !== "page" && unit !== "address") {
    throw new UsageError("--unit: page or address");
  }
  const shift = checked(() => pageShift(values["page-size"]));
  const simulator = new Simulator(await loadSimulator());
  const name = path === "-" ? "standard input" : escapeName(path);
  const reader = new TraceReader((words, nr) => simulator.add(words, nr), {
    name,
    pageShift: shift,
    ...(radix === undefined ? {} : { radix: Number(radix) as 10 | 16 }),
    ...(unit === undefined ? {} : { unit }),
  });
  readTrace(path, reader);
  if (simulator.references === 0) throw new UsageError(`${name}: there is no reference in it`);
  if (steps) {
    const [policy, ...others] = chosen;
    const [size, ...more] = sizes;
    if (!policy || !size || others.length + more.length > 0 || asJson) {
      throw new UsageError("--steps shows one policy with one number of frames, without --json");
    }
    const run = { policy: policy.number, frames: size, ...options };
    const lines = checked(() => stepLines(simulator, run));
    process.stdout.write(`${lines.join("\n")}\n\n`);
  }
  if (!asJson) process.stdout.write(`${name}: ${traceText(simulator)}\n\n${TABLE_HEAD}\n`);
  for (const info of chosen) {
    for (const size of sizes) {
      const result = simulator.run({ policy: info.number, frames: size, ...options });
      const line = asJson ? json(simulator, info, result) : `${tableRow(info, result)}\n`;
      process.stdout.write(line);
    }
  }
  return 0;
}
