// pagewalk sh: a file of the terminal's commands.
import { readFileSync } from "node:fs";
import { execute, type Host, Session } from "../web/machine/commands/index.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import {
  hostTree,
  inCheckout,
  loadCore,
  loadMarks,
  loadSimulator,
  MACHINE_OPTIONS,
  machineOptions,
  sample,
  sampleFile,
  sampleIndex,
  sampleNames,
} from "./host.ts";
import { parseOptions, readHostFile, UsageError } from "./usage.ts";

async function script(name: string): Promise<string> {
  if (name !== "-") return readHostFile(name).toString("utf8");
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("utf8");
}

/** Kernel sources lie beside the build in a checkout. */
async function source(path: string): Promise<string | null> {
  try {
    return readFileSync(inCheckout(path), "utf8");
  } catch {
    return null;
  }
}

async function readFile(name: string): Promise<Uint8Array | null> {
  try {
    return readFileSync(name);
  } catch {
    return sample(name);
  }
}

/** `pagewalk sh` */
export async function sh(args: string[]): Promise<number> {
  const options = machineOptions(args);
  const [name, ...more] = options.rest;
  if (name === undefined || more.length > 0) throw new UsageError("sh takes one script, or -");
  const { values } = parseOptions(args, MACHINE_OPTIONS);
  const root = values.root as string | undefined;
  const uid = options.settings.values.uid as number;
  const host: Host = {
    module: await loadCore(),
    simulator: loadSimulator,
    marks: loadMarks(),
    readFile,
    samples: async () => sampleIndex(),
    sampleFile: async (file) => sampleFile(file),
    fileNames: sampleNames,
    source,
    ...(root === undefined ? {} : { root: () => hostTree(root, uid, () => {}) }),
  };
  const session = new Session(host);
  session.settings = options.settings;
  session.env = options.env;
  const interrupt = () => session.stop();
  process.on("SIGINT", interrupt);
  try {
    for (const [i, line] of (await script(name)).split("\n").entries()) {
      const answer = await execute(session, line);
      if (options.json) {
        if (line.trim() !== "") process.stdout.write(`${JSON.stringify({ line, ...answer })}\n`);
      } else if (answer.status === 2) {
        process.stderr.write(`pagewalk: ${escapeName(name)}:${i + 1}: ${answer.text}\n`);
      } else if (answer.text) process.stdout.write(`${answer.text}\n`);
      if (answer.status !== 0) return answer.status;
    }
    return 0;
  } finally {
    process.off("SIGINT", interrupt);
  }
}
