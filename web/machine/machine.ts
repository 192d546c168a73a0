// Machine: a booted core, and travel in its time. Every movement is a seek: restore a checkpoint,
// run forwards. Positions inside the kernel are reached by trapping out of it; such a state is
// only to be looked at, so going on from there restores again.
import {
  ACTS_BASE,
  ACTS_MAX,
  ACTS_NR,
  ACT_ANSWER,
  ACT_DONE,
  ACT_INSTRET,
  ACT_KIND,
  ACT_MARK,
  ACT_SIZE,
  type Access,
  type ActKind,
  CURRENT,
  Conf,
  FILE_KIND,
  FileKind,
  HART_IN_KERNEL,
  HART_INSTRET,
  HART_PENDING,
  HART_SCAUSE,
  INPUT_BASE,
  INPUT_EOF,
  INPUT_NR,
  INPUT_POS,
  INPUT_SIZE,
  LOG_SEQ,
  MARK_BREAKS,
  MARK_BREAKS_NR,
  MARK_COUNT,
  MARK_ENTRY,
  MARK_DEPTH,
  MARK_FRAMES,
  MARK_FRAME_SIZE,
  MARK_INSTRET,
  MARK_STOP,
  OUT_POS,
  PAGE_SIZE,
  RAM_BASE,
  RUN_FLAGS,
  RUN_HASH,
  RUN_LOG_READ,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  RunMode,
  StopReason,
  SYSTEM_STATE,
  TASK_FDS,
  TASK_NR_FDS,
  TOUCH_BASE,
  TOUCH_MAX,
  TOUCH_NR,
} from "../../assembly/abi.ts";
import { type Checkpoint, Checkpoints, compare, type Place } from "./checkpoints.ts";
import { Core, CoreError } from "./core.ts";
import { History, type HistoryOptions, Output, type RawFault, type Tally } from "./events.ts";
import { Marks, type MarksMap } from "./marks.ts";
import { type DirectoryNode, mkfs } from "./mkfs.ts";
import { SETTINGS, type Settings, settingsFault } from "./settings.ts";
import type { Position } from "./types.ts";
import { register } from "./views.ts";

/** What a machine is given before it starts. */
export interface BootRequest {
  /** The disk: "/" and everything below. */
  root: DirectoryNode;
  /** The program on that disk, absolute. */
  path: string;
  argv: readonly string[];
  /** "NAME=value" each. */
  env: readonly string[];
  settings: Settings;
  /** guest: run the program; touch: map it, and the reader is the CPU. */
  mode?: "guest" | "touch";
  /** Standard input. Without `inputOpen` it ends there. */
  input?: Uint8Array;
  /** More standard input may follow (giveInput). */
  inputOpen?: boolean;
}

/** How a movement ended. */
export interface Outcome {
  /**
   * reached: at the wanted place. end: every task has exited. stopped: stop() was called.
   * input: the guest waits for standard input, or no touch is left. idle: every process waits
   * for something that cannot come any more. absent: the position does
   * not exist; the machine is at the next one that does. none: nothing lies that way.
   */
  reason: "reached" | "end" | "stopped" | "input" | "idle" | "absent" | "none" | "break";
  position: Position;
  /** The breakpoint, with reason "break". */
  breakpoint?: Breakpoint;
}

/** A place to stop at: kernel marks by id (a function's first, or a line's), or an instruction. */
export interface Breakpoint {
  n: number;
  /** As the reader wrote it. */
  text: string;
  marks?: ReadonlySet<number>;
  instret?: number;
}

/** Reports of a long movement, at most one a slice. */
export interface Progress {
  instret: number;
  /** Where it goes, when known. */
  target: number | null;
}

export interface MachineOptions extends HistoryOptions {
  /** Most bytes that checkpoints may hold. */
  maxCheckpointBytes?: number;
  /** false: only forwards (the command line's `run`). */
  travel?: boolean;
  onProgress?: (progress: Progress) => void;
  /** Awaited between slices, so that messages and signals get through. */
  pause?: () => Promise<void>;
  /** Milliseconds between two pauses. */
  slice?: number;
}

const U64_NEVER = 2 ** 52;
const SCAUSE_ECALL = 8;
const SYS_READ = 63n;
const SYS_READV = 65n;
/** Kernel lines of one entry after which the simulator must be looping. */
const WATCHDOG = 2_000_000_000;
/** A replay this long (in instructions) is not worth a checkpoint. */
const SHORT = 1 << 14;
/** How far before a goal checkpoints are left, so that going on backwards is quick. */
const WAYPOINTS = [1 << 24, 1 << 21, 1 << 18, 1 << 14];
/** An event stands for about this many instructions of kernel work. */
const WORK_PER_EVENT = 20;
/** Running time between checkpoints, and most of it that checkpoints may take. */
const INTERVAL_MS = 20;
const INTERVAL_PER_COST = 10;

/** Lets other tasks of the event loop run; unlike setTimeout it is not held back by 4 ms. */
export function nextTask(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => void };
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

export class Machine {
  readonly core: Core;
  readonly marks: Marks;
  readonly history: History;
  readonly output: Output;
  readonly checkpoints: Checkpoints;
  readonly request: BootRequest;
  /** Inode numbers by path, as mkfs gave them. */
  readonly inodes: ReadonlyMap<string, number>;
  readonly breakpoints: Breakpoint[] = [];
  readonly #options: MachineOptions;
  readonly #travel: boolean;
  /** Memory is the state before a kernel line: a trap left it, it cannot run on. */
  #inside = false;
  #stopAsked = false;
  /** Instructions a slice, adapted to the speed of this host and this guest. */
  #slice = 20_000;
  #pausedAt = 0;
  /** Running time since the last checkpoint, and what that one took, ms. */
  #sinceTake = 0;
  #takeCost = 0;
  /** Bytes of input granted so far at each level; see #grant. */
  readonly #grants: number[];
  #inputEnded: boolean;
  #level = 0;
  readonly #marksHere = new Map<number, number>();
  /** Last line of a kernel entry, by "instret:lines before it". */
  readonly #entryEnds = new Map<string, number>();
  #nextBreakpoint = 1;

  /**
   * Builds the disk and boots: the machine is at (0, 0), the first execve not begun.
   *
   * @param source a compiled core.wasm, or a core to use again.
   * @throws RangeError when settings or arguments are impossible, MkfsError for an impossible
   *   disk, CoreError when the core or its memory fails.
   */
  constructor(
    source: WebAssembly.Module | Core,
    request: BootRequest,
    marks?: MarksMap | Marks,
    options: MachineOptions = {},
  ) {
    const fault = settingsFault(request.settings);
    if (fault) throw new RangeError(fault);
    this.request = request;
    this.#options = options;
    this.#travel = options.travel ?? true;
    this.marks = marks instanceof Marks ? marks : new Marks(marks);
    this.core = source instanceof Core ? source : new Core(source);
    const { core } = this;
    const { values, layout } = request.settings;
    const disk = mkfs(request.root, {
      layout,
      mtime: values.epoch ?? 0,
      freeBlocks: (values.disk_free as number) * 256,
      freeInodes: values.disk_inodes as number,
    });
    this.inodes = disk.inodes;
    const frames = (values.ram as number) * 256;
    const swap = (values.swap as number) * 256;
    core.prepare(frames, disk.blocks + swap);
    for (const [key, { conf }] of Object.entries(SETTINGS)) {
      if (conf !== null) core.setConf(conf, values[key] ?? 0);
    }
    core.setConf(Conf.ram_frames, frames);
    core.setConf(Conf.disk_blocks, disk.blocks);
    core.setConf(Conf.swap_blocks, swap);
    core.setConf(Conf.mode, request.mode === "touch" ? RunMode.Touch : RunMode.Guest);
    const at = RAM_BASE + frames * PAGE_SIZE;
    disk.write(core.bytes.subarray(at, at + disk.blocks * PAGE_SIZE));
    core.writeBoot(request.path, request.argv, request.env);
    const input = request.input ?? new Uint8Array(0);
    core.writeInput(input);
    this.#grants = [input.length];
    this.#inputEnded = !request.inputOpen;
    core.reset();
    this.history = new History(core, { ...options, linesBeforeSample: sampleLines(this.marks) });
    this.output = new Output(core);
    const maxBytes = options.maxCheckpointBytes;
    this.checkpoints = new Checkpoints(core, {
      frames,
      blocks: disk.blocks + swap,
      original: (block) => (block < disk.blocks ? disk.original(block) : new Uint8Array(PAGE_SIZE)),
      stateSize: core.conf(Conf.state_size),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
    this.#grant();
    if (this.#travel) this.#take();
  }

  // ------------------------------------------------------------------ where it is ----

  /** Retired instructions since boot. */
  get instret(): number {
    return this.core.getNumber(HART_INSTRET);
  }
  get #place(): Place {
    const instret = this.instret;
    const fresh = this.core.getNumber(MARK_INSTRET) === instret;
    const mark = fresh ? this.core.getNumber(MARK_COUNT) : 0;
    return { instret, mark, pending: this.core.getU32(HART_PENDING) !== 0 };
  }
  get position(): Position {
    const { instret, mark } = this.#place;
    return { instret, mark };
  }
  /** Before a kernel line; otherwise in user mode, at the end, or not begun. */
  get insideKernel(): boolean {
    return this.#inside;
  }
  /** Every task has exited. */
  get halted(): boolean {
    return !this.#inside && this.core.getU32(SYSTEM_STATE) === 2;
  }
  /** Depth of the kernel call stack, 0 outside the kernel. */
  get depth(): number {
    return this.#inside ? this.core.getU32(MARK_DEPTH) : 0;
  }
  /** Id of the mark the machine stands before, 0 outside the kernel. */
  get markId(): number {
    const { depth } = this;
    return depth === 0 ? 0 : this.core.getU32(MARK_FRAMES + (depth & 31) * MARK_FRAME_SIZE + 4);
  }
  /** Sequence number of the next event at this position. */
  get logSeq(): number {
    return this.core.getU32(LOG_SEQ);
  }
  get outputPosition(): number {
    return this.core.getU32(OUT_POS);
  }

  /** Hash of the whole machine, as 16 hex digits. */
  hash(): string {
    return this.core.hash(RUN_HASH).toString(16).padStart(16, "0");
  }

  /** Asks the movement in progress to end at the next slice (some 20 ms). */
  stop(): void {
    this.#stopAsked = true;
  }

  // ---------------------------------------------------------------------- movements ----

  /**
   * Goes to a position, either way. A position that does not exist takes the machine to the
   * next one that does (reason "absent", or "end").
   */
  async seek(target: Position): Promise<Outcome> {
    this.#begin();
    return this.#seek(target);
  }

  /** Runs to the end, a breakpoint, or until stop(). */
  async run(limit = U64_NEVER): Promise<Outcome> {
    this.#begin();
    const kernel = this.breakpoints.filter(({ marks }) => marks);
    const from = this.#place;
    const stops = this.breakpoints.filter(({ instret }) => (instret ?? -1) > from.instret);
    const first = Math.min(limit, ...stops.map(({ instret }) => instret as number));
    const wanted = (id: number) => kernel.find(({ marks }) => marks?.has(id));
    const outcome =
      kernel.length > 0
        ? await this.#untilMark(new Set(kernel.flatMap(({ marks }) => [...(marks ?? [])])), first)
        : await this.#toInstret(first);
    if (outcome.reason !== "reached") return outcome;
    const hit = this.#inside
      ? wanted(this.markId)
      : stops.find(({ instret }) => instret === this.instret);
    return hit ? { ...outcome, reason: "break", breakpoint: hit } : outcome;
  }

  /** To the first kernel line of the next fault. */
  async nextFault(): Promise<Outcome> {
    this.#begin();
    const from = this.#place;
    const known = this.#faultAfter(from);
    if (known) return this.#seek(first(known));
    const outcome = await this.#nextEntry(
      from,
      RunFlag.BeforeFault,
      () => true,
      () => {
        // A fault of the kernel on user memory, inside a system call, shows in the log alone.
        const fault = this.#faultAfter(from);
        return fault ? first(fault) : null;
      },
    );
    return outcome;
  }

  /** To the first kernel line of the fault before this position. */
  async previousFault(): Promise<Outcome> {
    this.#begin();
    const here = this.#place;
    const begun = this.history.tally.faults;
    for (let n = Math.min(begun, this.history.faultCount - 1); n >= 0 && n >= begun - 2; n--) {
      const fault = this.history.fault(n);
      if (fault && done(fault) && compare(place(first(fault)), here) < 0) {
        return this.#seek(first(fault));
      }
    }
    return this.#searchBack(here, ({ faults }) => faults, RunFlag.BeforeFault);
  }

  /** To the first kernel line of fault `n` of the run, running on when it is not yet known. */
  async toFault(n: number): Promise<Outcome> {
    this.#begin();
    const known = this.history.fault(n);
    if (known && done(known)) return this.#seek(first(known));
    // Beyond what is kept: on from the last checkpoint before it.
    const list = this.checkpoints.list.filter(({ tally }) => tally.faults <= n);
    const start = list[list.length - 1];
    if (start && (this.#inside || this.history.tally.faults < start.tally.faults)) {
      this.#restore(start);
    }
    for (;;) {
      const outcome = await this.nextFault();
      if (outcome.reason !== "reached" || this.faultIndex() >= n) return outcome;
    }
  }

  /** To the first kernel line of the next system call. */
  async nextSyscall(): Promise<Outcome> {
    this.#begin();
    return this.#nextEntry(this.#place, RunFlag.BeforeEntry, () => this.#ecall());
  }

  /**
   * Runs on, asking at every entry into the kernel, with its trap pending.
   *
   * @param visit true to stop there, at the first kernel line
   */
  async entries(visit: () => boolean): Promise<Outcome> {
    this.#begin();
    await this.#resume({ ...this.#place, pending: false });
    for (;;) {
      const reason = await this.#forward(U64_NEVER, RunFlag.BeforeEntry);
      if (reason !== StopReason.Fault && reason !== StopReason.Entry) return this.#ended(reason);
      if (!visit()) continue;
      const { instret, mark } = this.#place;
      return this.#toMark(place({ instret, mark: mark + 1 }));
    }
  }

  /** To the first kernel line of the system call before this position. */
  async previousSyscall(): Promise<Outcome> {
    this.#begin();
    const count = ({ syscalls }: Tally) => syscalls;
    return this.#searchBack(this.#place, count, RunFlag.BeforeEntry, () => this.#ecall());
  }

  /** One kernel line on; in user mode to the first line of the next kernel entry. */
  async stepLine(): Promise<Outcome> {
    this.#begin();
    const { instret, mark } = this.#place;
    if (this.#inside || (instret === 0 && mark === 0)) {
      return this.#seek({ instret, mark: mark + 1 });
    }
    const from = this.#place;
    const act = this.#nextAct();
    const found = await this.#nextEntry(from, RunFlag.BeforeEntry, () => true);
    // An act is an entry that no trap announces.
    if (!act || compare(place(act), from) <= 0 || compare(place(act), this.#place) >= 0)
      return found;
    return this.#seek(act);
  }

  /** The first kernel line of the act that comes next, if one does. */
  #nextAct(): Position | null {
    const { core } = this;
    const done = core.getU32(ACT_DONE);
    if (done >= core.getU32(ACTS_NR)) return null;
    const at = ACTS_BASE + ACT_SIZE * done;
    const mark = core.getNumber(at + ACT_MARK) + 1;
    return { instret: core.getNumber(at + ACT_INSTRET), mark };
  }

  /** To the kernel line before this position, over any stretch of user mode. */
  async backLine(): Promise<Outcome> {
    this.#begin();
    const here = this.#place;
    if (here.mark > 1) return this.#seek({ instret: here.instret, mark: here.mark - 1 });
    const found = await this.#searchBack(here, ({ entries }) => entries, RunFlag.BeforeEntry);
    if (found.reason !== "reached") return found;
    const lines = await this.marksHere();
    return this.#seek({ instret: found.position.instret, mark: lines ?? 1 });
  }

  /** One instruction on: before the one after the next to retire. */
  async stepInstruction(n = 1): Promise<Outcome> {
    this.#begin();
    return this.#toInstret(this.instret + n);
  }

  /** Before the instruction that retired last; out of the kernel, before its trap. */
  async backInstruction(n = 1): Promise<Outcome> {
    this.#begin();
    const { instret, mark } = this.#place;
    const steps = mark > 0 ? n - 1 : n;
    if (instret === 0 && mark === 0) return this.#outcome("none");
    return this.#seek({ instret: Math.max(0, instret - steps), mark: 0 });
  }

  /** One step back as a reader means it: a line in the kernel, an instruction outside. */
  async back(): Promise<Outcome> {
    this.#begin();
    const { instret, mark } = this.#place;
    if (mark > 0) return this.#seek({ instret, mark: mark - 1 });
    return this.backInstruction();
  }

  /**
   * Line by line until `wanted` holds of a kernel line or the kernel is left.
   *
   * @param wanted asked at each line, with memory being the state before it
   */
  async linesUntil(wanted: () => boolean): Promise<Outcome> {
    this.#begin();
    for (;;) {
      const { instret, mark } = this.#place;
      const outcome = await this.#seek({ instret, mark: mark + 1 });
      if (outcome.reason !== "reached" || !this.#inside || wanted()) return outcome;
      if (await this.#breathe(null)) return this.#outcome("stopped");
    }
  }

  /** The next kernel line of a lower or equal depth. */
  nextLine(): Promise<Outcome> {
    if (!this.#inside) return this.stepLine();
    const { depth } = this;
    return this.linesUntil(() => this.depth <= depth);
  }

  /** To where this kernel function has returned. */
  finish(): Promise<Outcome> {
    const { depth } = this;
    return this.linesUntil(() => this.depth < depth);
  }

  /** The next time one of these marks is reached. */
  async untilMarks(ids: ReadonlySet<number>): Promise<Outcome> {
    this.#begin();
    return this.#untilMark(ids, U64_NEVER);
  }

  /**
   * Where in this kernel entry the machine stands: line `line` (from 1) of `lines`. null outside
   * the kernel.
   */
  async entryLines(): Promise<{ line: number; lines: number } | null> {
    if (!this.#inside || !this.#travel) return null;
    const here = this.#place;
    const first = this.core.getNumber(MARK_ENTRY);
    const key = `${here.instret}:${first}`;
    let last = this.#entryEnds.get(key);
    if (last === undefined) {
      await this.#resume({ ...here, pending: false });
      // Each stop is before an entry: this one has ended at the first count past the place.
      while (this.core.getNumber(MARK_COUNT) <= here.mark || !this.#at(here.instret)) {
        const until = here.instret + 1;
        const reason = this.#run(until, RunFlag.BeforeEntry, WATCHDOG, RunFlag.HoldLog);
        if (reason === StopReason.Target || reason === StopReason.Halt) break;
      }
      // The last count is the return to user mode.
      last = this.core.getNumber(MARK_COUNT) - 1;
      this.#entryEnds.set(key, last);
      await this.#seek(here);
    }
    return { line: here.mark - first, lines: last - first };
  }
  /** MARK_COUNT counts the lines of this instruction. */
  #at(instret: number): boolean {
    return this.core.getNumber(MARK_INSTRET) === instret;
  }
  /**
   * How many kernel lines were executed at this instret before its instruction retired; null
   * when the kernel never ran here.
   */
  async marksHere(): Promise<number | null> {
    const here = this.#place;
    const known = this.#marksHere.get(here.instret);
    if (known !== undefined) return known;
    if (here.mark === 0 || !this.#travel) return null;
    const inside = this.#inside;
    await this.#resume({ ...here, pending: false });
    this.#run(here.instret + 1, 0, WATCHDOG, RunFlag.HoldLog);
    while (this.instret === here.instret && !this.halted) {
      const reason = this.#run(here.instret + 1, 0, WATCHDOG, RunFlag.HoldLog);
      if (reason === StopReason.Act) continue;
      if (reason !== StopReason.Output && reason !== StopReason.Log) break;
    }
    // The last count is the return to user mode, or the end.
    const count = this.core.getNumber(MARK_COUNT);
    const ran = this.core.getNumber(MARK_INSTRET) === here.instret;
    const lines = ran ? count - 1 : null;
    if (lines !== null) this.#marksHere.set(here.instret, lines);
    if (inside) await this.#seek(here);
    else await this.#seek({ instret: here.instret, mark: here.mark });
    return lines;
  }

  // -------------------------------------------------------------- faults, breakpoints ----

  /** Which fault of the run (from 0) this position is inside of or the first line of, or -1. */
  faultIndex(): number {
    if (!this.#inside) return -1;
    const here = this.#place;
    const begun = this.history.tally.faults;
    for (const n of [begun, begun - 1]) {
      const fault = this.history.fault(n);
      if (!fault || fault.instret !== here.instret) continue;
      // One that is not over has not told its line, but has begun.
      if (done(fault) ? fault.mark < here.mark : n < begun) return n;
    }
    // Not kept: the count alone tells.
    return begun > this.history.faultCount ? begun - 1 : -1;
  }

  addBreakpoint(
    text: string,
    where: { marks?: ReadonlySet<number>; instret?: number },
  ): Breakpoint {
    const breakpoint = { n: this.#nextBreakpoint++, text, ...where };
    this.breakpoints.push(breakpoint);
    return breakpoint;
  }

  /** @returns whether there was one of this number. */
  removeBreakpoint(n: number): boolean {
    const at = this.breakpoints.findIndex((one) => one.n === n);
    if (at >= 0) this.breakpoints.splice(at, 1);
    return at >= 0;
  }

  // -------------------------------------------------------------------------- inputs ----

  /** The guest may have these bytes of standard input as soon as it waits for some. */
  giveInput(bytes: Uint8Array, end = false): void {
    const start = this.#grants[this.#grants.length - 1] as number;
    if (this.#inputEnded) throw new RangeError("standard input has ended");
    if (start + bytes.length > INPUT_SIZE) throw new RangeError("standard input is full (1 MiB)");
    this.core.bytes.set(bytes, INPUT_BASE + start);
    this.#grants.push(start + bytes.length);
    this.#inputEnded = end;
  }

  /**
   * Makes one access as the CPU (touch mode). In the past it begins another future.
   *
   * @returns where the access has been made, its fault handled
   */
  async touch(va: bigint, access: Access): Promise<Outcome> {
    this.#begin();
    const { core } = this;
    if (core.conf(Conf.mode) !== RunMode.Touch) throw new RangeError("this machine runs a program");
    const nr = this.#inside || this.#place.mark > 0 ? this.instret : this.instret;
    if (nr >= TOUCH_MAX) throw new RangeError(`no more than ${TOUCH_MAX} touches`);
    await this.#resume({ instret: nr, mark: 0, pending: false });
    if (nr < core.getU32(TOUCH_NR)) this.#forgetFuture();
    core.setU64(TOUCH_BASE + 16 * nr, va);
    core.setU32(TOUCH_BASE + 16 * nr + 8, access);
    core.setU32(TOUCH_BASE + 16 * nr + 12, 0);
    core.setU32(TOUCH_NR, nr + 1);
    return this.#toInstret(nr + 1);
  }

  /**
   * Does what an administrator would, here: in user mode at once, inside the kernel as soon as
   * this entry is over. It is part of the history from now on. In the past it begins another
   * future.
   *
   * @returns the kernel's answer (0 or a negative errno); null when it is yet to be done
   */
  async act(kind: ActKind, a: number, b: number): Promise<number | null> {
    this.#begin();
    const { core } = this;
    if (this.halted) throw new RangeError("every process has ended");
    const here = this.#place;
    const later = this.#inside || core.getU32(SYSTEM_STATE) !== 1;
    if (!later) await this.#resume({ ...here, pending: false });
    const done = core.getU32(ACT_DONE);
    if (done >= ACTS_MAX) throw new RangeError(`no more than ${ACTS_MAX} acts`);
    this.#forgetFuture();
    const at = ACTS_BASE + ACT_SIZE * done;
    core.setNumber(at + ACT_INSTRET, here.instret);
    core.setNumber(at + ACT_MARK, here.mark);
    core.setU32(at + ACT_KIND, kind);
    core.setU32(at + ACT_ANSWER, 0);
    core.setU64(at + 24, BigInt(a));
    core.setU64(at + 32, BigInt.asUintN(64, BigInt(b)));
    core.setU32(ACTS_NR, done + 1);
    if (later) return null;
    while (core.getU32(ACT_DONE) === done) {
      const reason = this.#guarded(here.instret + 1, 0);
      if (reason !== StopReason.Output && reason !== StopReason.Log) break;
    }
    return core.getU32(ACT_DONE) > done ? core.getI32(at + ACT_ANSWER) : null;
  }

  #forgetFuture(): void {
    const here = this.#place;
    this.core.setU32(ACTS_NR, this.core.getU32(ACT_DONE));
    for (const one of [...this.checkpoints.list]) {
      if (compare(one, here) > 0) this.checkpoints.remove(one);
    }
    this.history.forget(this.logSeq);
    this.output.forget(this.outputPosition);
    this.#entryEnds.clear();
    for (const instret of [...this.#marksHere.keys()]) {
      if (instret >= here.instret) this.#marksHere.delete(instret);
    }
  }

  /**
   * What the guest may read by now. Input that arrives later than the guest asks is granted when
   * it waits, and only then, so a replay reads the same pieces at the same places.
   */
  #grant(): void {
    const taken = this.core.getU32(INPUT_POS);
    this.#level = this.#grants.findIndex((end) => end >= taken);
    this.#setInput();
  }

  /** Some read may still have to wait: not all input was granted, or more may come. */
  get #mayWait(): boolean {
    return this.#level < this.#grants.length - 1 || !this.#inputEnded;
  }

  /** A trap is pending that reads from the console, and all that was granted is read. */
  #waits(): boolean {
    const { core } = this;
    if (core.getU32(HART_PENDING) === 0 || !this.#ecall()) return false;
    const call = register(core, 17);
    const fd = register(core, 10);
    const current = core.getU32(CURRENT);
    if ((call !== SYS_READ && call !== SYS_READV) || fd >= BigInt(TASK_NR_FDS) || current === 0) {
      return false;
    }
    const file = core.getU32(current + TASK_FDS + 4 * Number(fd));
    const console = file !== 0 && core.getU32(file + FILE_KIND) === FileKind.console;
    return console && core.getU32(INPUT_POS) === core.getU32(INPUT_NR) && this.#mayWait;
  }

  /** @returns false when there is nothing more to grant yet. */
  #grantNext(): boolean {
    while (this.#level < this.#grants.length - 1) {
      this.#level++;
      this.#setInput();
      const more = this.core.getU32(INPUT_NR) > this.core.getU32(INPUT_POS);
      if (more || this.core.getU32(INPUT_EOF) !== 0) return true;
    }
    return false;
  }

  #setInput(): void {
    const last = this.#level === this.#grants.length - 1;
    this.core.setU32(INPUT_NR, this.#grants[this.#level] as number);
    this.core.setU32(INPUT_EOF, last && this.#inputEnded ? 1 : 0);
  }

  // ------------------------------------------------------------------------ the engine ----

  #begin(): void {
    this.#stopAsked = false;
    this.#pausedAt = performance.now();
  }

  #outcome(reason: Outcome["reason"]): Outcome {
    return { reason, position: this.position };
  }

  /** Distance from boot in instructions, kernel work counted in. */
  #work(): number {
    return this.instret + WORK_PER_EVENT * this.logSeq;
  }

  #take(): Checkpoint {
    const begin = performance.now();
    const taken = this.checkpoints.take(this.#place, this.#work(), this.history.tally);
    this.#takeCost = performance.now() - begin;
    this.#sinceTake = 0;
    return taken;
  }

  #restore(checkpoint: Checkpoint): void {
    this.checkpoints.restore(checkpoint);
    this.history.tally = { ...checkpoint.tally };
    this.#inside = false;
    this.#sinceTake = 0;
    this.#grant();
  }

  /**
   * Makes memory a state that can run on to `goal` (at or before it): the present one when it
   * can and no checkpoint is much nearer, else the nearest checkpoint.
   */
  async #resume(goal: Place): Promise<void> {
    const here = this.#place;
    // From a pending trap its own position cannot be had back.
    const live = !this.#inside && compare(here, goal) <= 0;
    if (!this.#travel) {
      if (!live) throw new CoreError("this machine only goes forwards");
      return;
    }
    const nearest = this.checkpoints.before(goal);
    if (live && (!nearest || nearest.work - this.#work() < SHORT)) return;
    if (!nearest) throw new CoreError("no checkpoint at boot");
    this.#restore(nearest);
  }

  /** One call of the core's run(); collects what it wrote. Throws on a trap. */
  #run(stop: number, flags: number, markStop: number, hold: number): StopReason {
    const { core } = this;
    core.setNumber(RUN_STOP_INSTRET, stop);
    const seq = core.getU32(LOG_SEQ);
    core.setU32(RUN_LOG_READ, seq);
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    core.setNumber(MARK_STOP, markStop);
    try {
      for (;;) {
        // As long as input may be missing, every entry is looked at before the kernel sees it.
        const gate = this.#mayWait ? RunFlag.BeforeEntry : 0;
        core.setU32(RUN_FLAGS, flags | hold | gate);
        if (gate !== 0 && this.#waits() && !this.#grantNext()) return StopReason.Input;
        const reason = core.run();
        if (reason !== StopReason.Entry && reason !== StopReason.Fault) return reason;
        if (gate !== 0 && this.#waits() && !this.#grantNext()) return StopReason.Input;
        if (flags & RunFlag.BeforeEntry || reason === StopReason.Fault) return reason;
      }
    } finally {
      core.setNumber(MARK_STOP, 0);
      this.history.collect(seq);
      this.output.collect();
    }
  }

  /**
   * Runs to before instruction `to`, or until a wanted trap is pending, in slices.
   *
   * @param flags RunFlag.BeforeFault or BeforeEntry, or 0
   */
  async #forward(to: number, flags = 0): Promise<StopReason | "stopped"> {
    for (;;) {
      const from = this.instret;
      const stop = Math.min(to, from + this.#slice);
      const begin = performance.now();
      const reason = this.#guarded(stop, flags);
      const now = performance.now();
      this.#sinceTake += now - begin;
      const between =
        reason === StopReason.Output ||
        reason === StopReason.Log ||
        reason === StopReason.Act ||
        (reason === StopReason.Target && stop < to);
      if (!between) return reason;
      this.#adapt(this.instret - from, now - begin);
      const interval = Math.max(INTERVAL_MS, INTERVAL_PER_COST * this.#takeCost);
      if (this.#travel && this.#sinceTake > interval) this.#take();
      if (!(await this.#breathe(to))) continue;
      // A trap that waits for the kernel is not a place to stop at: it is served first. A guest
      // that only writes is found waiting after every slice.
      while (this.#place.pending) {
        const served = this.#guarded(this.instret + 1, flags);
        if (served === StopReason.Target) break;
        const go = [StopReason.Output, StopReason.Log, StopReason.Act];
        if (!go.includes(served)) return served;
      }
      return "stopped";
    }
  }

  /** Makes a slice as long as what takes some 6 ms. */
  #adapt(instructions: number, ms: number): void {
    const rate = instructions / Math.max(ms, 0.01);
    const wanted = Math.min(4 * this.#slice, Math.max(0.25 * this.#slice, 6 * rate));
    this.#slice = Math.min(1e8, Math.max(1000, Math.floor(wanted)));
  }

  #guarded(stop: number, flags: number): StopReason {
    try {
      return this.#run(stop, flags, WATCHDOG, RunFlag.HoldLog);
    } catch (error) {
      throw this.#bug(error);
    }
  }

  /** Between slices: reports, lets others run. @returns whether to stop. */
  async #breathe(to: number | null): Promise<boolean> {
    if (performance.now() - this.#pausedAt > (this.#options.slice ?? 14)) {
      const target = to !== null && to < U64_NEVER ? to : null;
      this.#options.onProgress?.({ instret: this.instret, target });
      await (this.#options.pause ?? nextTask)();
      this.#pausedAt = performance.now();
    }
    return this.#stopAsked;
  }

  async #toInstret(to: number): Promise<Outcome> {
    return this.#seek({ instret: to, mark: 0 });
  }

  async #seek(target: Position): Promise<Outcome> {
    const goal = place(target);
    if (!this.#inside || compare(this.#place, goal) !== 0) await this.#resume(goal);
    else return this.#outcome("reached");
    if (this.#travel && target.instret < U64_NEVER) {
      const from = this.instret;
      for (const distance of WAYPOINTS) {
        const point = target.instret - distance;
        if (point < from + SHORT) continue;
        if ((await this.#forward(point)) !== StopReason.Target) break;
        this.#take();
      }
    }
    if (this.instret < target.instret) {
      const reason = await this.#forward(target.instret);
      if (reason !== StopReason.Target) return this.#ended(reason);
    }
    return target.mark === 0 ? this.#outcome("reached") : this.#toMark(goal);
  }

  async #ended(reason: StopReason | "stopped"): Promise<Outcome> {
    if (reason === "stopped") return this.#outcome("stopped");
    if (reason === StopReason.Halt) return this.#outcome("end");
    if (reason === StopReason.Idle) return this.#outcome("idle");
    if (reason === StopReason.Input) {
      const { instret, mark, pending } = this.#place;
      // Before the call that waits, not in the middle of its trap.
      if (pending && this.#travel) {
        const before = place({ instret, mark });
        this.#restore(this.checkpoints.before(before) as Checkpoint);
        await this.#forward(instret);
        if (mark > 0) await this.#toMark(before);
      }
      return this.#outcome("input");
    }
    throw new CoreError(`run() stopped for ${StopReason[reason]} without being asked to`);
  }

  /** From (instret, less) to (instret, mark): into the kernel, or just out of it again. */
  async #toMark(goal: Place): Promise<Outcome> {
    if (compare(this.#place, goal) === 0) return this.#outcome("reached");
    if (this.#travel) {
      const base = this.checkpoints.before(this.#place);
      if (!base || this.#work() - base.work > SHORT) this.#take();
    }
    for (;;) {
      let reason: StopReason;
      try {
        reason = this.#run(goal.instret + 1, 0, goal.mark, RunFlag.HoldLog);
      } catch (error) {
        if (!this.#trappedAt(goal, error)) throw this.#bug(error);
        this.#inside = true;
        return this.#outcome("reached");
      }
      if (reason === StopReason.Output || reason === StopReason.Log) continue;
      if (reason === StopReason.Act) continue;
      if (reason === StopReason.Mark) return this.#outcome(this.halted ? "end" : "reached");
      if (reason === StopReason.Target) return this.#outcome("absent");
      return this.#ended(reason);
    }
  }

  #trappedAt(goal: Place, error: unknown): boolean {
    return (
      error instanceof WebAssembly.RuntimeError &&
      this.instret === goal.instret &&
      this.core.getNumber(MARK_COUNT) === goal.mark
    );
  }

  /** A trap that nobody asked for: the simulator is wrong; say where. */
  #bug(error: unknown): unknown {
    if (!(error instanceof WebAssembly.RuntimeError)) return error;
    const stack: string[] = [];
    const depth = this.core.getU32(MARK_DEPTH);
    for (let d = depth; d > 0 && d > depth - 31; d--) {
      const frame = MARK_FRAMES + (d & 31) * MARK_FRAME_SIZE;
      const fn = this.marks.function(this.core.getU32(frame));
      const mark = this.marks.mark(this.core.getU32(frame + 4));
      if (fn) stack.push(`${fn.name} (${this.marks.path(fn.file)}:${mark?.line ?? fn.line})`);
    }
    const { instret, mark } = this.position;
    const where = `at instruction ${instret}, kernel line ${mark}`;
    return new CoreError(
      `the simulator failed ${where}: ${error.message}${stack.map((s) => `\n  in ${s}`).join("")}`,
      { cause: error },
    );
  }

  #ecall(): boolean {
    return this.core.getNumber(HART_SCAUSE) === SCAUSE_ECALL;
  }

  /** The first fault of the log whose first line lies behind a place, when it is known. */
  #faultAfter(from: Place): RawFault | null {
    for (let n = Math.max(0, this.history.tally.faults - 1); n < this.history.faultCount; n++) {
      const fault = this.history.fault(n) as RawFault;
      if (!done(fault)) return null;
      if (compare(place(first(fault)), from) > 0) return fault;
    }
    return null;
  }

  /**
   * The first kernel line of the next entry behind `from` that is wanted.
   *
   * @param wanted asked with the trap pending
   * @param earlier a place that turned up meanwhile and counts as found when it lies first
   */
  async #nextEntry(
    from: Place,
    flag: RunFlag,
    wanted: () => boolean,
    earlier: () => Position | null = () => null,
  ): Promise<Outcome> {
    await this.#resume({ ...from, pending: false });
    for (;;) {
      const reason = await this.#forward(U64_NEVER, flag);
      const found = earlier();
      if (found && compare(place(found), this.#place) <= 0) return this.#seek(found);
      if (reason !== StopReason.Fault && reason !== StopReason.Entry) return this.#ended(reason);
      const { instret, mark } = this.#place;
      const line = { instret, mark: mark + 1 };
      if (compare(place(line), from) > 0 && wanted()) {
        return this.#toMark(place(line));
      }
    }
  }

  /**
   * The first kernel line of the last wanted entry before `here`.
   *
   * @param count how many such entries a tally counts: stretches between checkpoints without any
   *   are not run again
   */
  async #searchBack(
    here: Place,
    count: (tally: Tally) => number,
    flag: RunFlag,
    wanted: () => boolean = () => true,
  ): Promise<Outcome> {
    const list = [...this.checkpoints.list];
    let end: Place = here;
    let entries = count(this.history.tally);
    for (let i = this.checkpoints.index({ ...here, pending: false }); i >= 0; i--) {
      const start = list[i] as Checkpoint;
      const before = count(start.tally);
      // The execve of the boot is an entry that no trap announces.
      if (before === entries && i > 0) {
        end = start;
        continue;
      }
      let found: Place | null = null;
      this.#restore(start);
      if (this.#place.pending) found = this.#candidate(here, wanted);
      for (;;) {
        const reason = await this.#forward(Math.min(end.instret + 1, U64_NEVER), flag);
        if (reason === "stopped") return this.#outcome("stopped");
        if (reason !== StopReason.Fault && reason !== StopReason.Entry) break;
        if (compare(this.#place, end) >= 0) break;
        found = this.#candidate(here, wanted) ?? found;
      }
      if (found) return this.#seek({ instret: found.instret, mark: found.mark + 1 });
      end = start;
      entries = before;
    }
    await this.#seek(here);
    return this.#outcome("none");
  }

  #candidate(here: Place, wanted: () => boolean): Place | null {
    const at = this.#place;
    const line = place({ instret: at.instret, mark: at.mark + 1 });
    return compare(line, here) < 0 && wanted() ? at : null;
  }

  /**
   * The next place where a mark of `ids` is passed, or the instruction `limit`. The rest of the
   * entry the machine stands in goes line by line, since it cannot run on from there; after that
   * the core itself stops, at full speed.
   */
  async #untilMark(ids: ReadonlySet<number>, limit: number): Promise<Outcome> {
    while (this.#inside) {
      const { instret, mark } = this.#place;
      const outcome = await this.#seek({ instret, mark: mark + 1 });
      if (outcome.reason !== "reached") return outcome;
      if (this.#inside && ids.has(this.markId)) return outcome;
      if (await this.#breathe(null)) return this.#outcome("stopped");
    }
    const mark = (on: number) => {
      for (const id of ids) if (id < MARK_BREAKS_NR) this.core.setU8(MARK_BREAKS + id, on);
    };
    mark(1);
    try {
      const reason = await this.#forward(limit);
      return reason === StopReason.Target ? this.#outcome("reached") : this.#ended(reason);
    } catch (error) {
      const trapped = error instanceof CoreError && error.cause instanceof WebAssembly.RuntimeError;
      this.#inside = trapped && this.core.getU32(HART_IN_KERNEL) !== 0;
      if (this.#inside && ids.has(this.markId)) return this.#outcome("reached");
      throw error;
    } finally {
      mark(0);
    }
  }
}

/** See HistoryOptions.linesBeforeSample. */
function sampleLines(marks: Marks) {
  const kernel = marks.linesTo("do_page_fault", "mark");
  // do_trap: up to pc, then its switch and the case that calls do_page_fault.
  return {
    user: kernel + marks.linesTo("do_trap", "pc") + 2,
    kernel,
    exec: marks.linesTo("faultin_page", "mark"),
  };
}

function place({ instret, mark }: Position): Place {
  return { instret, mark, pending: false };
}

/** The first kernel line of a fault. */
function first(fault: RawFault): Position {
  return { instret: fault.instret, mark: fault.mark + 1 };
}

function done(fault: RawFault): boolean {
  return fault.kind !== 0;
}
