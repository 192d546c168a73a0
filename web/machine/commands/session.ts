// What the commands act on: at most one machine, the settings of the next one, and the host that
// has the files. The terminal, `pagewalk sh`, scenes and the page's buttons all hold a Session.
import { type ActKind, SWAP_FLAGS, SWAP_INUSE, SWAP_MAX, VM } from "../../../assembly/abi.ts";
import { Core } from "../core.ts";
import { count } from "../format.ts";
import { LoadedCode } from "../loaded-code.ts";
import { type BootRequest, Machine, type MachineOptions, type Outcome } from "../machine.ts";
import { cloneTree } from "../kept-disk.ts";
import { Marks, type MarksMap } from "../marks.ts";
import { type DirectoryNode, directory, file, find, place } from "../mkfs.ts";
import { defaultSettings, type Settings } from "../settings.ts";
import { diskPath, furniture, type SampleIndex, sampleNamed } from "../samples.ts";
import { namer, snapshot } from "../snapshot.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import type { CommandResult, Snapshot } from "../types.ts";
import * as views from "../views.ts";

/** What a session needs of the world around it. */
export interface Host {
  module: WebAssembly.Module;
  /** sim.wasm, the trace simulator; asked for when it is first used. */
  simulator?(): Promise<WebAssembly.Module>;
  marks?: MarksMap | undefined;
  /** A file that the reader may name: a sample program, a dropped file, a file of the host. */
  readFile(name: string): Promise<Uint8Array | null>;
  /** Names that readFile knows, for completion. */
  fileNames(): readonly string[];
  /** The sample programs: what lies on the disk beside one of them. */
  samples?(): Promise<SampleIndex>;
  /** A file of public/programs. */
  sampleFile?(file: string): Promise<Uint8Array>;
  /** The disk to begin with; the program is added to it. */
  root?(): DirectoryNode;
  /** Text of a kernel source file, as it was compiled. */
  source?(path: string): Promise<string | null>;
  options?: MachineOptions;
}

export class Session {
  readonly host: Host;
  readonly marks: Marks;
  settings: Settings = defaultSettings();
  env: string[] = [];
  machine: Machine | null = null;
  /** The disk as a program left it, for the next one (keep); null for the host's. */
  kept: DirectoryNode | null = null;
  /** What cp and rm changed on the disk, in their order. */
  readonly diskEdits: ((root: DirectoryNode) => void)[] = [];
  /** The program's bytes, and names for what it has mapped, once something was booted. */
  program: { name: string; bytes: Uint8Array; code: LoadedCode } | null = null;
  #core: Core | null = null;
  #abort: AbortController | null = null;

  constructor(host: Host) {
    this.host = host;
    this.marks = new Marks(host.marks);
  }

  /** @throws CommandError when nothing was started yet. */
  get running(): Machine {
    if (!this.machine) throw new CommandError("no program yet: start one with exec PROGRAM");
    return this.machine;
  }

  /**
   * The disk that the next exec starts with, built anew: the one that was kept, or the host's, and
   * what cp, rm and pbitmap changed.
   */
  diskRoot(): DirectoryNode {
    const root = this.kept ? cloneTree(this.kept) : (this.host.root?.() ?? directory());
    for (const change of this.diskEdits) change(root);
    return root;
  }

  /** Pages of the swap area, and how many of them are in use. */
  swapPages(): { total: number; used: number } {
    const { core } = this.running;
    if (core.getU32(SWAP_FLAGS) === 0) return { total: 0, used: 0 };
    return { total: core.getU32(SWAP_MAX) - 1, used: core.getU32(SWAP_INUSE) };
  }

  /** Asks the command in progress to end soon. */
  stop(): void {
    this.#abort?.abort();
    this.machine?.stop();
  }

  /** Does work that stop() ends through a signal. */
  async stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      return await work(abort.signal);
    } finally {
      this.#abort = null;
    }
  }

  /**
   * Starts a machine with a program; it is at 0:0.
   *
   * @param name as the reader wrote it: a path on the disk, or a file the host knows
   * @throws CommandError when there is no such file, or the machine cannot be built.
   */
  async boot(
    name: string,
    args: readonly string[],
    extra: Partial<Pick<BootRequest, "mode" | "input" | "inputOpen">> = {},
  ): Promise<Machine> {
    const root = this.diskRoot();
    const index = (await this.host.samples?.()) ?? { programs: [] };
    const sample = sampleNamed(index, name);
    const path = sample
      ? diskPath(sample.file ?? sample.name)
      : name.startsWith("/")
        ? name
        : `/${name.slice(name.lastIndexOf("/") + 1)}`;
    const named = name.startsWith("/") ? name : `/${name}`;
    // A sample may have been changed where it lies (pbitmap, cp).
    const there = find(root, named) ? named : path;
    const onDisk = find(root, there);
    let bytes: Uint8Array | null = null;
    if (onDisk?.kind === "file") {
      if (onDisk.data instanceof Uint8Array) bytes = onDisk.data;
      else {
        bytes = new Uint8Array(onDisk.data.size);
        onDisk.data.read(bytes);
      }
    } else {
      bytes = await this.host.readFile(name);
      if (!bytes && sample) bytes = await this.host.readFile(sample.name);
      if (!bytes) throw new CommandError(`there is no program "${escapeName(name)}"`);
      place(root, path, file(bytes, 0o755));
    }
    for (const beside of furniture(index, { name, bytes, args, env: this.env })) {
      if (find(root, beside.path) || !this.host.sampleFile) continue;
      place(root, beside.path, file(await this.host.sampleFile(beside.file), beside.mode));
    }
    const request: BootRequest = {
      root,
      path: there,
      argv: [name, ...args],
      env: this.env,
      settings: structuredClone(this.settings),
      inputOpen: true,
      ...extra,
    };
    const core = this.#core ?? new Core(this.host.module);
    this.#core = null;
    try {
      this.machine = new Machine(core, request, this.marks, this.host.options);
    } catch (error) {
      this.machine = null;
      if (error instanceof WebAssembly.RuntimeError) throw error;
      throw new CommandError((error as Error).message);
    }
    this.#core = core;
    this.program = { name, bytes, code: new LoadedCode(this.machine) };
    return this.machine;
  }

  /** The machine as the page draws it. */
  async snapshot({ at, pid }: { at?: bigint; pid?: number } = {}): Promise<Snapshot> {
    const machine = this.running;
    const marksHere = await machine.marksHere();
    const entry = await machine.entryLines();
    return snapshot(machine, {
      marksHere,
      entry,
      code: this.program?.code ?? null,
      ...(at === undefined ? {} : { at }),
      ...(pid === undefined ? {} : { pid }),
    });
  }

  /**
   * Does what an administrator would, at this place of the history.
   *
   * @returns the kernel's answer, or null when it is yet to be done
   * @throws CommandError when nothing runs that it could be done to
   */
  async act(kind: ActKind, a: number, b: number): Promise<number | null> {
    try {
      return await this.running.act(kind, a, b);
    } catch (error) {
      if (error instanceof RangeError) throw new CommandError(error.message);
      throw error;
    }
  }

  /** What an area is, as /proc/PID/maps names it: a path, "[heap]", or nothing. */
  areaName(area: views.Vma, mm: number): string {
    if (area.shmem) return "/dev/zero (deleted)";
    if (area.inode !== 0 && area.ino !== 0) return this.path(area.ino);
    if (area.flags & VM.PFNMAP) return "[vvar]";
    if (area.flags & VM.DONTEXPAND) return "[vdso]";
    const { startBrk, brk, startStack } = views.mm(this.running.core, mm);
    if (area.start < brk && area.end > startBrk) return "[heap]";
    return area.start <= startStack && area.end >= startStack ? "[stack]" : "";
  }

  /** Path of an inode. */
  path(ino: number): string {
    return escapeName(namer(this.running).path(ino));
  }
}

/** Text that a command prints, status 0 unless said otherwise. */
export function result(text: string, moved = false, status = 0): CommandResult {
  return { text, status, moved };
}

/** "15:1" */
export function positionText({ instret, mark }: { instret: number; mark: number }): string {
  return mark === 0 ? String(instret) : `${instret}:${mark}`;
}

/** Where the machine is now and what happens there: what every movement answers. */
export async function where(session: Session, outcome?: Outcome): Promise<CommandResult> {
  const machine = session.running;
  const shot = await session.snapshot();
  const lines: string[] = [];
  const { at, stack } = shot.kernel;
  const top = stack[stack.length - 1];
  const of = shot.entry ? `  (line ${shot.entry.line} of ${shot.entry.lines})` : "";
  const line =
    at && top ? `  ${top.function}  ${at.file.replace(/^assembly\//, "")}:${at.line}${of}` : "";
  lines.push(`${positionText(shot.position)}${line}`);
  if (at && session.host.source) {
    const text = (await session.host.source(at.file))?.split("\n")[at.line - 1];
    if (text) lines.push(`  ${String(at.line).padStart(4)}  ${text.trim()}`);
  }
  lines.push(shot.sentence);
  const note = outcome && NOTES[outcome.reason]?.(machine, outcome);
  if (note) lines.unshift(note);
  const refused = outcome?.reason === "none" || outcome?.reason === "absent";
  return result(lines.join("\n"), true, refused ? 1 : 0);
}

const NOTES: Partial<Record<Outcome["reason"], (machine: Machine, outcome: Outcome) => string>> = {
  absent: () => "There is no such position: this is the next one that exists.",
  none: () => "There is nothing that way.",
  stopped: () => "Stopped.",
  idle: () => "Every process waits for another one: nothing can ever happen here again.",
  break: (_, { breakpoint }) => `Breakpoint ${breakpoint?.n}: ${breakpoint?.text}`,
  input: (machine) =>
    machine.request.mode === "touch"
      ? "No touch is left: touch ADDR r|w|x makes one."
      : "The program waits for standard input: input TEXT gives it a line, input alone ends it.",
};

/** A count, such as the N of `step N`. */
export function countOf(word: Word | undefined, initial = 1): number {
  if (!word) return initial;
  const value = Number(word.text.replaceAll(",", "").replaceAll("_", ""));
  if (!/^[\d,_]+$/.test(word.text) || !Number.isSafeInteger(value)) {
    throw new CommandError(`"${escapeName(word.text)}" is not a number`, word.column);
  }
  return value;
}

/** No more words than a command takes. */
export function atMost(args: readonly Word[], n: number): void {
  const extra = args[n];
  if (extra) throw new CommandError(`"${escapeName(extra.text)}" is too much here`, extra.column);
}

export function required(args: readonly Word[], n: number, what: string): Word {
  const word = args[n];
  if (!word) throw new CommandError(`${what} is missing`);
  return word;
}

/** "3 of 12" style counts for lists that are cut. */
export function cut(lines: string[], most: number): string {
  if (lines.length <= most) return lines.join("\n");
  return [...lines.slice(0, most), `... and ${count(lines.length - most)} more`].join("\n");
}
