// The sample programs as the tests start them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { Session } from "../../web/machine/commands/index.ts";
import type { ExperimentHost } from "../../web/machine/experiments/index.ts";
import { Machine, type MachineOptions, type BootRequest } from "../../web/machine/machine.ts";
import type { Core } from "../../web/machine/core.ts";
import { Marks } from "../../web/machine/marks.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { changeSetting, defaultSettings } from "../../web/machine/settings.ts";

export interface SampleRun {
  args: string[];
  exit?: number;
  signal?: string;
  stdout: string;
  stdin?: string;
}
export interface Sample {
  name: string;
  file: string;
  needs?: string[];
  runs: SampleRun[];
}

/** public/programs/index.json */
export function samples(): Sample[] {
  const index = join(inject("root"), "public/programs/index.json");
  return JSON.parse(readFileSync(index, "utf8")).programs;
}

export function programBytes(name: string): Uint8Array {
  const entry = samples().find((one) => one.name === name);
  return readFileSync(join(inject("root"), "public/programs", entry?.file ?? name));
}

let compiled: Promise<WebAssembly.Module> | null = null;
let marks: Marks | null = null;

export function coreModule(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(readFileSync(inject("core")));
  return compiled;
}

export function marksMap(): Marks {
  marks ??= new Marks(JSON.parse(readFileSync(inject("marks"), "utf8")));
  return marks;
}

/** Where experiments find their programs: those of public/programs, as the page does. */
export async function experimentHost(): Promise<ExperimentHost> {
  const programs = join(inject("root"), "public/programs");
  return {
    module: await coreModule(),
    samples: async () => JSON.parse(readFileSync(join(programs, "index.json"), "utf8")),
    sampleFile: async (path) => readFileSync(join(programs, path)),
  };
}

/** A terminal with all that the page's has: its programs, and their disk. */
export async function pageSession(): Promise<Session> {
  return new Session({
    ...(await experimentHost()),
    marks: marksMap().map,
    readFile: async (name) =>
      samples().some((one) => one.name === name) ? programBytes(name) : null,
    fileNames: () => samples().map(({ name }) => name),
  });
}

export interface StartOptions extends MachineOptions {
  settings?: string[];
  request?: Partial<BootRequest>;
  /** Instead of a sample's. */
  bytes?: Uint8Array;
  /** To use again, which is quicker. */
  core?: Core;
}

/** A machine with a sample program, at 0. */
export async function start(
  name: string,
  args: string[] = [],
  options: StartOptions = {},
): Promise<Machine> {
  const settings = defaultSettings();
  for (const assignment of options.settings ?? []) changeSetting(settings, assignment);
  const base = name.slice(name.lastIndexOf("/") + 1);
  const root = directory({ [base]: file(options.bytes ?? programBytes(name)) });
  for (const needed of samples().find((one) => one.name === name)?.needs ?? [])
    place(root, `/${needed}`, file(readFileSync(join(inject("root"), "public/programs", needed))));
  const request: BootRequest = {
    root,
    path: `/${base}`,
    argv: [name, ...args],
    env: [],
    settings,
    ...options.request,
  };
  const source = options.core ?? (await coreModule());
  return new Machine(source, request, marksMap(), options);
}
