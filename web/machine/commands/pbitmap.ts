// pbitmap in the terminal: bitmaps of files of the simulated disk. show looks at the disk as it is
// now, with what the kernel recorded when a program ended; add, clear and set prepare the disk of
// the next exec, as cp does.
import { PbitmapError } from "../elf/pbitmap.ts";
import { ACTIONS, answer, parsePbitmap, type PbitmapCommand } from "../elf/pbitmap-command.ts";
import { type PageTrace, parseTrace } from "../elf/pbitmap-text.ts";
import { type FileNode, file as fileNode, find, place } from "../mkfs.ts";
import { diskPath, sampleNamed } from "../samples.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError } from "../tokenize.ts";
import type { CommandResult } from "../types.ts";
import { Files, S_IFREG } from "../views/files.ts";
import { absolute, editDisk } from "./disk-files.ts";
import type { Command } from "./index.ts";
import { result, type Session } from "./session.ts";

/** A program that is not on the disk yet, and where exec would put it. */
interface Found {
  path: string;
  bytes: Uint8Array;
  node: FileNode | null;
}

function bytesOf({ data }: FileNode): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const bytes = new Uint8Array(data.size);
  data.read(bytes);
  return bytes;
}

/** A file of the disk that the next exec starts with, or one that the host would add to it. */
async function fileOfNext(session: Session, name: string): Promise<Found> {
  const root = session.diskRoot();
  const node = find(root, absolute(name));
  if (node && node.kind !== "file") {
    throw new CommandError(`"${escapeName(name)}" is not a file but a ${node.kind}`);
  }
  if (node) {
    return { path: absolute(name), bytes: bytesOf(node), node };
  }
  const found = await fileOfHost(session, name);
  // It may have been changed already where the host would put it.
  const there = find(root, found.path);
  return there?.kind === "file" ? { path: found.path, bytes: bytesOf(there), node: there } : found;
}

/** A program or library that the host would put on the disk, and its place there. */
async function fileOfHost({ host }: Session, name: string): Promise<Found> {
  const index = (await host.samples?.()) ?? { programs: [] };
  const sample = sampleNamed(index, name);
  const library = index.libraries?.find(({ file }) => diskPath(file) === absolute(name));
  const published = sample ? (sample.file ?? sample.name) : library?.file;
  if (published !== undefined && host.sampleFile) {
    const bytes = await host.sampleFile(published);
    return { path: diskPath(published), bytes, node: null };
  }
  // "/hello" is where exec puts the host's "hello".
  const bytes = await host.readFile(name.replace(/^\/([^/]+)$/, "$1"));
  if (!bytes) throw new CommandError(`there is no file "${escapeName(name)}"`);
  return { path: `/${name.slice(name.lastIndexOf("/") + 1)}`, bytes, node: null };
}

/** A file of the machine's disk as it is now; null when there is no machine or no such file. */
async function fileOfNow(
  { machine, host }: Session,
  name: string,
): Promise<{ ino: number; bytes: Uint8Array } | null> {
  if (!machine) return null;
  const files = new Files(machine.core);
  const sample = sampleNamed((await host.samples?.()) ?? { programs: [] }, name);
  const paths = [absolute(name), `/${name.slice(name.lastIndexOf("/") + 1)}`];
  if (sample) paths.push(diskPath(sample.file ?? sample.name));
  for (const path of paths) {
    const info = files.lookup(path);
    if (info?.type === S_IFREG) return { ino: info.ino, bytes: files.read(info, 0, info.size) };
  }
  return null;
}

/** The faults that the log has on pages of a file. */
async function faultsOn(session: Session, name: string): Promise<PageTrace> {
  const ino = (await fileOfNow(session, name))?.ino;
  if (ino === undefined) {
    throw new CommandError(`no program ran here that could have "${escapeName(name)}" mapped`);
  }
  const { history } = session.running;
  const trace: PageTrace = { addresses: [], filePages: [], areas: [] };
  for (let n = 0; n < history.tally.faults; n++) {
    const fault = history.fault(n);
    if (fault?.vma?.ino !== ino) continue;
    trace.addresses.push(fault.va);
    trace.areas.push(fault.vma.start);
  }
  if (trace.addresses.length === 0) {
    throw new CommandError(`no fault of this run was on a page of "${escapeName(name)}"`);
  }
  return trace;
}

async function traceOf(session: Session, command: PbitmapCommand): Promise<PageTrace | undefined> {
  const [name = ""] = command.files;
  if (command.fromFaults) return faultsOn(session, name);
  if (command.fromTrace === undefined) return undefined;
  const bytes = await session.host.readFile(command.fromTrace);
  if (!bytes) throw new CommandError(`there is no file "${escapeName(command.fromTrace)}"`);
  return parseTrace(new TextDecoder().decode(bytes), name.slice(name.lastIndexOf("/") + 1));
}

async function look(session: Session, command: PbitmapCommand): Promise<CommandResult> {
  const [name = "", second] = command.files;
  const now = async (one: string) =>
    (await fileOfNow(session, one))?.bytes ?? (await fileOfNext(session, one)).bytes;
  if (command.action === "show") {
    const { text, status } = answer(command, name, await now(name));
    return result(text, false, status);
  }
  // With one file: the disk that the program was started with against what became of it.
  const first = second === undefined ? (await fileOfNext(session, name)).bytes : await now(name);
  const other = await now(second ?? name);
  const { text, status } = answer(command, name, first, { other });
  return result(text, false, status);
}

async function pbitmap(session: Session, args: string[]): Promise<CommandResult> {
  const command = parsePbitmap(args);
  if (command.action === "show" || command.action === "diff") return look(session, command);
  const [name = ""] = command.files;
  const { path, bytes, node } = await fileOfNext(session, name);
  const trace = await traceOf(session, command);
  const { text, file } = answer(command, name, bytes, { trace });
  const to = command.output === undefined ? path : absolute(command.output);
  const changed = { ...(node ?? fileNode(bytes, 0o755)), data: file as Uint8Array };
  editDisk(session, (root) => place(root, to, changed));
  return result(text);
}

/** What else may stand behind the action. */
const OPTIONS = [
  "--segments",
  "--phdr",
  "--json",
  "--from-faults",
  "--from-trace",
  "--or",
  "all",
  "none",
];

export const PBITMAP_COMMANDS: Command[] = [
  {
    name: "pbitmap",
    usage: "pbitmap add|show|clear|set|diff FILE    pbitmap set FILE PAGES|--from-faults",
    help: `Page bitmaps of ELF files: which pages the kernel reads before the program's first instruction.
  add [--segments text] [--phdr] FILE   adds one, empty: to each segment, or those with instructions;
                                        in the section headers, or behind the program headers;
                                        --history N: with room for N runs (vm.pbitmap_update=age)
  show [--json] FILE                    draws it as it is on the disk now, what was recorded included
  clear FILE                            gives back the file's old bytes
  set FILE 0-3,7|5-|all|none            sets the bits of these pages; 1:0-3 those of bitmap 1
  set [--or] FILE --from-faults         those that this run faulted on; --or keeps the others
  set [--or] FILE --from-trace TRACE    those that a trace names, one a line: 0x... an address, a
                                        number a page of the file
  diff FILE [FILE]                      which pages only one of two has; with one FILE: the disk that
                                        the next exec starts with against the disk as it is now
FILE is a path on the disk or a program of the host. add, clear and set (-o FILE: to another file)
prepare the disk of the next exec; see cp.`,
    complete: (session, n) => (n === 0 ? [...ACTIONS] : [...session.host.fileNames(), ...OPTIONS]),
    async run(session, args) {
      try {
        return await pbitmap(
          session,
          args.map(({ text }) => text),
        );
      } catch (error) {
        if (error instanceof PbitmapError) throw new CommandError(error.message);
        throw error;
      }
    },
  },
];
