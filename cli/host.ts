// The host side of a run: where the core and the sample programs lie, what goes on the disk.
import { existsSync, fstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MarksMap } from "../web/machine/marks.ts";
import type { BootRequest } from "../web/machine/machine.ts";
import {
  type DirectoryNode,
  directory,
  file,
  find,
  place,
  type TreeNode,
} from "../web/machine/mkfs.ts";
import { diskPath, furniture, type SampleIndex, sampleNamed } from "../web/machine/samples.ts";
import { changeSetting, defaultSettings, type Settings } from "../web/machine/settings.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import {
  hostError,
  parseOptions,
  readHostFile,
  readInto,
  type Split,
  UsageError,
} from "./usage.ts";

// The bundle lies in build/, beside the core.
const build = dirname(fileURLToPath(import.meta.url));
const checkout = join(build, "..");
const programs = join(checkout, "public", "programs");

/** A file of the checkout that this build belongs to. */
export function inCheckout(...path: string[]): string {
  return join(checkout, ...path);
}

/** core.wasm, compiled. */
export async function loadCore(): Promise<WebAssembly.Module> {
  const coreFile = join(build, "core.wasm");
  if (!existsSync(coreFile)) throw new Error("core.wasm is missing: run node tools/build-core.mjs");
  return WebAssembly.compile(readFileSync(coreFile));
}

/** sim.wasm, compiled: the trace simulator. */
export async function loadSimulator(): Promise<WebAssembly.Module> {
  const file = join(build, "sim.wasm");
  if (!existsSync(file)) throw new Error("sim.wasm is missing: run node tools/build-core.mjs");
  return WebAssembly.compile(readFileSync(file));
}

/** marks.json, or nothing when the core was built without. */
export function loadMarks(): MarksMap | undefined {
  const marksFile = join(build, "marks.json");
  return existsSync(marksFile) ? JSON.parse(readFileSync(marksFile, "utf8")) : undefined;
}

/** The sample programs and their libraries. */
export function sampleIndex(): SampleIndex {
  const index = join(programs, "index.json");
  return existsSync(index) ? JSON.parse(readFileSync(index, "utf8")) : { programs: [] };
}

/** A file of public/programs. */
export function sampleFile(file: string): Buffer {
  return readFileSync(join(programs, file));
}

/** The names of the sample programs. */
export function sampleNames(): string[] {
  return sampleIndex().programs.map(({ name }) => name);
}

/** A sample program's bytes, or null when there is none of this name or path on the disk. */
export function sample(name: string): Buffer | null {
  const entry = sampleNamed(sampleIndex(), name);
  return entry ? sampleFile(entry.file ?? entry.name) : null;
}

/**
 * A folder of the host as a tree for mkfs. Files are read when the disk is written. Sockets,
 * devices and what cannot be read are left out with a note.
 *
 * @param uid owner in the guest of what the host's user owns; root stays root.
 */
export function hostTree(path: string, uid: number, note: (text: string) => void): DirectoryNode {
  const self = process.getuid?.() ?? -1;
  const owned = (owner: number) => (owner === self && self !== 0 ? uid : owner);
  const build = (at: string): DirectoryNode => {
    const folder = directory();
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const child = join(at, entry.name);
      try {
        const node = nodeOf(child, entry);
        if (node) folder.entries.set(entry.name, node);
        else note(`${escapeName(child)}: not a file, directory or link; left out`);
      } catch (error) {
        note(`${hostError(child, error)}; left out`);
      }
    }
    return folder;
  };
  const nodeOf = (child: string, entry: import("node:fs").Dirent): TreeNode | null => {
    if (entry.isSymbolicLink()) return { kind: "symlink", target: readlinkSync(child) };
    if (!entry.isFile() && !entry.isDirectory()) return null;
    const { size, mode, uid: owner, gid, mtimeMs } = statSync(child);
    const kept = {
      mode: mode & 0o7777,
      uid: owned(owner),
      gid: owner === self && self !== 0 ? uid : gid,
      mtime: Math.max(0, Math.floor(mtimeMs / 1000)),
    };
    if (entry.isDirectory()) return { ...build(child), ...kept };
    const data = { size, read: (into: Uint8Array) => readInto(child, into) };
    return { kind: "file", data, ...kept };
  };
  try {
    return build(path);
  } catch (error) {
    throw new UsageError(hostError(path, error));
  }
}

/** The options of every command that starts a machine. */
export const MACHINE_OPTIONS = {
  ram: { type: "string" },
  era: { type: "string" },
  root: { type: "string" },
  set: { type: "string", multiple: true },
  env: { type: "string", multiple: true },
  uid: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
} as const;

/** What these options say. */
export interface HostOptions {
  settings: Settings;
  env: string[];
  root: DirectoryNode;
  /** --root was given. */
  hasRoot: boolean;
  limit: number | undefined;
  json: boolean;
  rest: string[];
}

/**
 * @param args the command's arguments
 * @param before settings that the command makes itself, and the arguments may change
 * @throws UsageError
 */
export function machineOptions(args: string[], before: string[] = []): HostOptions {
  const { values, rest }: Split = parseOptions(args, MACHINE_OPTIONS);
  const settings = defaultSettings();
  const change = (assignment: string) => {
    try {
      changeSetting(settings, assignment);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  };
  for (const assignment of before) change(assignment);
  for (const key of ["ram", "era", "uid"] as const) {
    if (typeof values[key] === "string") change(`${key}=${values[key]}`);
  }
  if (typeof values.uid === "string") change(`gid=${values.uid}`);
  for (const assignment of (values.set ?? []) as string[]) change(assignment);
  const env = (values.env ?? []) as string[];
  for (const one of env) {
    if (!/^[^=]+=/.test(one)) throw new UsageError(`--env ${escapeName(one)} is not NAME=VALUE`);
  }
  const note = (text: string) => process.stderr.write(`pagewalk: ${text}\n`);
  const uid = settings.values.uid as number;
  const hasRoot = typeof values.root === "string";
  const root = hasRoot ? hostTree(values.root as string, uid, note) : directory();
  return {
    settings,
    env,
    root,
    hasRoot,
    limit: limitOf(values.limit as string | undefined),
    json: values.json === true,
    rest,
  };
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll("_", ""));
  if (!/^[0-9_]+(e[0-9]+)?$/.test(text) || !Number.isSafeInteger(value)) {
    throw new UsageError(`--limit is a number of instructions, not "${escapeName(text)}"`);
  }
  return value;
}

/**
 * Finds the program: on the disk that --root gave, else a file of the host, else a sample.
 *
 * @returns its path on the simulated disk; a file that was not there has been put there
 * @throws UsageError when there is none.
 */
export function placeProgram(root: DirectoryNode, program: string, elfOnly: boolean): string {
  const path = program.startsWith("/") ? program : `/${program}`;
  if (existsOn(root, path)) return path;
  const bytes = hostProgram(program);
  const elf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  if (!elf && elfOnly) throw new UsageError(`${escapeName(program)} is not an ELF file`);
  const entry = existsSync(program) ? undefined : sampleNamed(sampleIndex(), program);
  const name = entry ? diskPath(entry.file ?? entry.name) : `/${basename(program)}`;
  place(root, name, file(bytes, 0o755));
  return name;
}

/** Puts on the disk what a program needs and is not there: libraries of ours, for one. */
export function placeBeside(
  root: DirectoryNode,
  start: { name: string; path: string; args: readonly string[]; env: readonly string[] },
): void {
  const node = find(root, start.path);
  if (node?.kind !== "file") return;
  const bytes = node.data instanceof Uint8Array ? node.data : new Uint8Array(node.data.size);
  if (!(node.data instanceof Uint8Array)) node.data.read(bytes);
  for (const { file: from, path, mode } of furniture(sampleIndex(), { ...start, bytes })) {
    if (!existsOn(root, path)) place(root, path, file(sampleFile(from), mode));
  }
}

function hostProgram(program: string): Uint8Array {
  if (!existsSync(program)) {
    const bytes = sample(program);
    if (bytes) return bytes;
  }
  return readHostFile(program);
}

/** Whether a path leads to something on the disk; links on the way count as something. */
function existsOn(root: DirectoryNode, path: string): boolean {
  const there = find(root, path);
  if (there) return there !== root;
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const node = find(root, path.slice(0, at));
    if (node) return node.kind === "symlink";
  }
  return false;
}

/** A boot request for PROGRAM [ARG...] as these options want it. */
export function bootRequest(options: HostOptions, elfOnly: boolean): BootRequest {
  const [program, ...args] = options.rest;
  if (program === undefined) throw new UsageError("which program? (pagewalk help)");
  const path = placeProgram(options.root, program, elfOnly);
  const { root, env, settings } = options;
  placeBeside(root, { name: program, path, args, env });
  const input = inputAtHand();
  const request = { root, path, argv: [program, ...args], env, settings };
  return input ? { ...request, input } : { ...request, inputOpen: true };
}

/** Is there nothing to be read from standard input, because it is /dev/null? */
export function inputIsNull(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isCharacterDevice() && stdin.rdev === statSync("/dev/null").rdev;
  } catch {
    return true;
  }
}

/** Standard input when it is a file, or nothing: then it need not be asked for while it runs. */
function inputAtHand(): Uint8Array | null {
  try {
    if (fstatSync(0).isFile()) return readFileSync(0);
    return inputIsNull() ? new Uint8Array(0) : null;
  } catch {
    return new Uint8Array(0);
  }
}
