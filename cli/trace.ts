// pagewalk trace: the accesses of a real program, one a line, for pagewalk sim: every policy, OPT
// too, then answers for the same string of references.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { MemoryAccess } from "../web/machine/engine.ts";
import { inputIsNull, machineOptions } from "./host.ts";
import { boot, lastWords, runToEnd, statusOf } from "./run.ts";
import { UsageError } from "./usage.ts";

const PAGE = 12n;
/** Lines are written in pieces of about this many characters. */
const PIECE = 1 << 16;

/** What `pagewalk trace` takes before the machine's options. */
interface TraceOptions {
  output: string | null;
  all: boolean;
  rest: string[];
}

function ownOptions(args: string[]): TraceOptions {
  const options: TraceOptions = { output: null, all: false, rest: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === "-o" || arg === "--output") {
      const file = args[++i];
      if (file === undefined) throw new UsageError(`${arg}: which file?`);
      options.output = file;
    } else if (arg === "--all") options.all = true;
    else return { ...options, rest: args.slice(i) };
  }
  return options;
}

/**
 * `pagewalk trace`. The guest's own output goes to its /dev/null. Without --all a reference to the
 * page of the one before it is left out, unless it is the first write to it in that row: no policy
 * here can tell the difference by its faults, but for those that count uses.
 */
export async function trace(args: string[]): Promise<number> {
  const { output, all, rest } = ownOptions(args);
  const options = machineOptions(rest, [`null_streams=${inputIsNull() ? 7 : 6}`]);
  const out: Writable = output === null ? process.stdout : createWriteStream(output);
  let failed: Error | null = null;
  if (output !== null) {
    out.on("error", (error) => {
      failed = error;
    });
  }
  let lines = "";
  let page = -1n;
  let written = false;
  let references = 0;
  const flush = () => {
    out.write(lines);
    lines = "";
  };
  const onAccess = ({ pid, va, kind }: MemoryAccess) => {
    if (pid !== 1) return;
    const write = kind === "write";
    if (!all && va >> PAGE === page && (written || !write)) return;
    written = write || (va >> PAGE === page && written);
    page = va >> PAGE;
    references++;
    lines += `0x${va.toString(16)} ${write ? "W" : "R"}\n`;
    if (lines.length > PIECE) flush();
  };
  const settings = { travel: false, maxEvents: 1024, maxFaults: 0, onAccess };
  const machine = await boot(options, settings);
  const outcome = await runToEnd(machine, options.limit);
  flush();
  if (output !== null) {
    out.end();
    if (!failed) await once(out, "close");
    if (failed) throw new UsageError(`cannot write ${output}: ${(failed as Error).message}`);
    process.stderr.write(`${references} references to ${output}\n`);
  }
  const words = lastWords(machine, outcome);
  if (words) process.stderr.write(`pagewalk: ${words}\n`);
  return statusOf(machine, outcome);
}
