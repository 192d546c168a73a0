// The sample programs as public/programs/index.json lists them, and what must lie on the disk
// beside one of them: its libraries, its scripts, the programs it is asked to start.
import { neededBy } from "./elf/needed.ts";

/** One program of the index. */
export interface SampleEntry {
  name: string;
  /** Under public/programs. */
  file?: string;
  /** Files under public/programs that must be on the disk, in whose order they are wanted. */
  needs?: string[];
  /** How its author runs it. */
  runs?: { args: string[]; exit?: number; stdin?: string }[];
  /** It starts other programs, which its arguments name. */
  launches?: boolean;
}

/** public/programs/index.json */
export interface SampleIndex {
  programs: SampleEntry[];
  libraries?: { file: string; needs?: string[] }[];
}

/** A file of public/programs and its place on the disk. */
export interface SampleFile {
  file: string;
  path: string;
  mode: number;
}

const fileOf = ({ name, file }: SampleEntry): string => file ?? name;

/** Where a file of public/programs lies on the disk: /bin/again, /lib/x.so.1, /hello, /int. */
export function diskPath(file: string): string {
  return /^(bin|lib|home)\//.test(file) ? `/${file}` : `/${file.slice(file.lastIndexOf("/") + 1)}`;
}

/** The program of this name, or the one that lies at this path on the disk. */
export function sampleNamed(index: SampleIndex, name: string): SampleEntry | undefined {
  const { programs } = index;
  const named = programs.find((one) => one.name === name);
  return named ?? programs.find((one) => diskPath(fileOf(one)) === name);
}

/** What a boot is about to start. */
export interface Start {
  /** As the reader wrote it. */
  name: string;
  /** The program itself. */
  bytes: Uint8Array;
  args: readonly string[];
  env: readonly string[];
}

/** Libraries are recognised by the last part of their path, as LD_PRELOAD may write it. */
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** LD_PRELOAD's libraries: names or paths, between colons or spaces. */
function preloaded(env: readonly string[]): string[] {
  const value = env.find((one) => one.startsWith("LD_PRELOAD="));
  return value ? value.slice("LD_PRELOAD=".length).split(/[ :]+/).filter(Boolean) : [];
}

/**
 * What must be on the disk for a program to run, apart from itself.
 *
 * A sample says so in the index. Any other ELF file, a reader's own or a changed sample, names its
 * interpreter and libraries; those that are ours come with what they need in turn. Of a program
 * that launches others, every argument that names a sample puts that one into /bin.
 *
 * @returns each file once, in the order in which it is wanted.
 */
export function furniture(index: SampleIndex, { name, bytes, args, env }: Start): SampleFile[] {
  const found = new Map<string, SampleFile>();
  const add = (file: string, path = diskPath(file)) => {
    if (!found.has(path))
      found.set(path, { file, path, mode: file.startsWith("home/") ? 0o644 : 0o755 });
  };
  const addLibrary = (library: string) => {
    const entry = index.libraries?.find(({ file }) => nameOf(file) === nameOf(library));
    for (const file of entry ? [entry.file, ...(entry.needs ?? [])] : []) add(file);
  };
  const { interpreter, libraries } = neededBy(bytes);
  for (const library of [interpreter, ...libraries, ...preloaded(env)]) addLibrary(library);
  const entry = sampleNamed(index, name);
  for (const file of entry?.needs ?? []) add(file);
  for (const arg of entry?.launches ? args : []) {
    const launched = sampleNamed(index, arg);
    if (!launched) continue;
    add(fileOf(launched), arg.includes("/") ? arg : `/bin/${arg}`);
    for (const file of launched.needs ?? []) add(file);
  }
  return [...found.values()];
}
