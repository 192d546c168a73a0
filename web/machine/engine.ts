// Travel in the time of a booted core. Every movement is a seek: restore a checkpoint, run forwards.
// Positions inside the kernel are reached by trapping out of it; such a state is only to be looked
// at, so going on from there restores again.
import {
  Conf,
  HART_INSTRET,
  HART_PENDING,
  LOG_SEQ,
  MARK_COUNT,
  MARK_DEPTH,
  MARK_FRAMES,
  MARK_FRAME_SIZE,
  MARK_INSTRET,
  MARK_STOP,
  OUT_POS,
  PAGE_SIZE,
  RUN_FLAGS,
  RUN_HASH,
  RUN_LOG_READ,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  StopReason,
  SYSTEM_STATE,
  CURRENT,
  TASK_PID,
  RUN_WATCHED,
  WATCH_LIST,
  WATCH_SIZE,
} from "../../assembly/abi.ts";
import { type BootRequest, prepareBoot } from "./boot.ts";
import { type Checkpoint, Checkpoints, compare, type Place } from "./checkpoints.ts";
import { Core, CoreError } from "./core.ts";
import { History, type HistoryOptions, Output, type RawFault } from "./events.ts";
import { GuestInput } from "./guest-input.ts";
import { Marks, type MarksMap } from "./marks.ts";
import type { Position } from "./types.ts";

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

/** One access: a fetch, load or store. `pid` is whose it was. */
export interface MemoryAccess {
  pid: number;
  va: bigint;
  kind: "read" | "write" | "fetch";
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
  /** Told of every access of the program in user mode, in order. The machine is slower for it. */
  onAccess?: (access: MemoryAccess) => void;
}

/** In the order of Access. */
const ACCESS_KINDS = ["read", "write", "fetch"] as const;
const VA_BITS = (1n << 62n) - 1n;
export const U64_NEVER = 2 ** 52;
/** Kernel lines of one entry after which the simulator must be looping. */
export const WATCHDOG = 2_000_000_000;
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

/**
 * A booted core that can be taken to any position of its run, and what it has told so far. All
 * movement is in here; which movement a reader means is Machine's.
 */
export class Engine {
  readonly core: Core;
  readonly marks: Marks;
  readonly history: History;
  readonly output: Output;
  readonly checkpoints: Checkpoints;
  readonly input: GuestInput;
  /** Inode numbers by path, as mkfs gave them. */
  readonly inodes: ReadonlyMap<string, number>;
  /** false: only forwards. */
  readonly travel: boolean;
  /** Memory is the state before a kernel line: a trap left it, it cannot run on. */
  inside = false;
  readonly #options: MachineOptions;
  #stopAsked = false;
  /** Instructions a slice, adapted to the speed of this host and this guest. */
  #slice = 20_000;
  #pausedAt = 0;
  /** Running time since the last checkpoint, and what that one took, ms. */
  #sinceTake = 0;
  #takeCost = 0;

  /** Boots, see Machine. */
  constructor(
    source: WebAssembly.Module | Core,
    request: BootRequest,
    marks: MarksMap | Marks | undefined,
    options: MachineOptions,
  ) {
    this.#options = options;
    this.travel = options.travel ?? true;
    this.marks = marks instanceof Marks ? marks : new Marks(marks);
    this.core = source instanceof Core ? source : new Core(source);
    const { core } = this;
    const { disk, frames, blocks } = prepareBoot(core, request);
    this.inodes = disk.inodes;
    const first = request.input ?? new Uint8Array(0);
    this.input = new GuestInput(core, first, request.inputOpen ?? false);
    core.reset();
    this.history = new History(core, { ...options, linesBeforeSample: sampleLines(this.marks) });
    this.output = new Output(core);
    const maxBytes = options.maxCheckpointBytes;
    this.checkpoints = new Checkpoints(core, {
      frames,
      blocks,
      original: (block) => (block < disk.blocks ? disk.original(block) : new Uint8Array(PAGE_SIZE)),
      stateSize: core.conf(Conf.state_size),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
    this.input.grant();
    if (this.travel) this.#take();
  }

  // ------------------------------------------------------------------ where it is ----

  /** Retired instructions since boot. */
  get instret(): number {
    return this.core.getNumber(HART_INSTRET);
  }
  get place(): Place {
    const instret = this.instret;
    const fresh = this.core.getNumber(MARK_INSTRET) === instret;
    const mark = fresh ? this.core.getNumber(MARK_COUNT) : 0;
    return { instret, mark, pending: this.core.getU32(HART_PENDING) !== 0 };
  }
  get position(): Position {
    const { instret, mark } = this.place;
    return { instret, mark };
  }
  /** Every task has exited. */
  get halted(): boolean {
    return !this.inside && this.core.getU32(SYSTEM_STATE) === 2;
  }
  /** Depth of the kernel call stack, 0 outside the kernel. */
  get depth(): number {
    return this.inside ? this.core.getU32(MARK_DEPTH) : 0;
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

  // ------------------------------------------------------------------------ movement ----

  /** Before each movement. */
  begin(): void {
    this.#stopAsked = false;
    this.#pausedAt = performance.now();
  }

  /** A movement that ended here, for this reason. */
  outcome(reason: Outcome["reason"]): Outcome {
    return { reason, position: this.position };
  }

  /** Distance from boot in instructions, kernel work counted in. */
  #work(): number {
    return this.instret + WORK_PER_EVENT * this.logSeq;
  }

  #take(): Checkpoint {
    const begin = performance.now();
    const taken = this.checkpoints.take(this.place, this.#work(), this.history.tally);
    this.#takeCost = performance.now() - begin;
    this.#sinceTake = 0;
    return taken;
  }

  /** To the place of a checkpoint. */
  restore(checkpoint: Checkpoint): void {
    this.checkpoints.restore(checkpoint);
    this.history.tally = { ...checkpoint.tally };
    this.inside = false;
    this.#sinceTake = 0;
    this.input.grant();
  }

  /**
   * Makes memory a state that can run on to `goal` (at or before it): the present one when it
   * can and no checkpoint is much nearer, else the nearest checkpoint.
   */
  async resume(goal: Place): Promise<void> {
    const here = this.place;
    // From a pending trap its own position cannot be had back.
    const live = !this.inside && compare(here, goal) <= 0;
    if (!this.travel) {
      if (!live) throw new CoreError("this machine only goes forwards");
      return;
    }
    const nearest = this.checkpoints.before(goal);
    if (live && (!nearest || nearest.work - this.#work() < SHORT)) return;
    if (!nearest) throw new CoreError("no checkpoint at boot");
    this.restore(nearest);
  }

  /** One call of the core's run(); collects what it wrote. Throws on a trap. */
  run(stop: number, flags: number, markStop: number, hold: number): StopReason {
    const { core } = this;
    core.setNumber(RUN_STOP_INSTRET, stop);
    const seq = core.getU32(LOG_SEQ);
    core.setU32(RUN_LOG_READ, seq);
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    core.setNumber(MARK_STOP, markStop);
    try {
      for (;;) {
        // As long as input may be missing, every entry is looked at before the kernel sees it.
        const gate = this.input.mayWait ? RunFlag.BeforeEntry : 0;
        const watch = this.#options.onAccess ? RunFlag.Watch : 0;
        core.setU32(RUN_FLAGS, flags | hold | gate | watch);
        if (gate !== 0 && this.input.waits() && !this.input.grantNext()) return StopReason.Input;
        const reason = core.run();
        if (watch !== 0) this.#tellAccesses();
        if (reason === StopReason.Watch) continue;
        if (reason !== StopReason.Entry && reason !== StopReason.Fault) return reason;
        if (gate !== 0 && this.input.waits() && !this.input.grantNext()) return StopReason.Input;
        if (flags & RunFlag.BeforeEntry || reason === StopReason.Fault) return reason;
      }
    } finally {
      core.setNumber(MARK_STOP, 0);
      this.history.collect(seq);
      this.output.collect();
    }
  }

  #tellAccesses(): void {
    const { core } = this;
    const current = core.getU32(CURRENT);
    const pid = current === 0 ? 0 : core.getU32(current + TASK_PID);
    const end = WATCH_LIST + core.getU32(RUN_WATCHED) * WATCH_SIZE;
    for (let at = WATCH_LIST; at < end; at += WATCH_SIZE) {
      const word = core.getU64(at);
      this.#options.onAccess?.({
        pid,
        va: word & VA_BITS,
        kind: ACCESS_KINDS[Number(word >> 62n)] as MemoryAccess["kind"],
      });
    }
  }

  /**
   * Runs to before instruction `to`, or until a wanted trap is pending, in slices.
   *
   * @param flags RunFlag.BeforeFault or BeforeEntry, or 0
   */
  async forward(to: number, flags = 0): Promise<StopReason | "stopped"> {
    for (;;) {
      const from = this.instret;
      const stop = Math.min(to, from + this.#slice);
      const begin = performance.now();
      const reason = this.guarded(stop, flags);
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
      if (this.travel && this.#sinceTake > interval) this.#take();
      if (!(await this.breathe(to))) continue;
      // A trap that waits for the kernel is not a place to stop at: it is served first. A guest
      // that only writes is found waiting after every slice.
      while (this.place.pending) {
        const served = this.guarded(this.instret + 1, flags);
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

  /** run(), in which a trap is a bug. */
  guarded(stop: number, flags: number): StopReason {
    try {
      return this.run(stop, flags, WATCHDOG, RunFlag.HoldLog);
    } catch (error) {
      throw this.#bug(error);
    }
  }

  /** Between slices: reports, lets others run. @returns whether to stop. */
  async breathe(to: number | null): Promise<boolean> {
    if (performance.now() - this.#pausedAt > (this.#options.slice ?? 14)) {
      const target = to !== null && to < U64_NEVER ? to : null;
      this.#options.onProgress?.({ instret: this.instret, target });
      await (this.#options.pause ?? nextTask)();
      this.#pausedAt = performance.now();
    }
    return this.#stopAsked;
  }

  /** To before instruction `to`. */
  async toInstret(to: number): Promise<Outcome> {
    return this.seek({ instret: to, mark: 0 });
  }

  /** To a position, either way; see Machine.seek. */
  async seek(target: Position): Promise<Outcome> {
    const goal = place(target);
    if (!this.inside || compare(this.place, goal) !== 0) await this.resume(goal);
    else return this.outcome("reached");
    if (this.travel && target.instret < U64_NEVER) {
      const from = this.instret;
      for (const distance of WAYPOINTS) {
        const point = target.instret - distance;
        if (point < from + SHORT) continue;
        if ((await this.forward(point)) !== StopReason.Target) break;
        this.#take();
      }
    }
    if (this.instret < target.instret) {
      const reason = await this.forward(target.instret);
      if (reason !== StopReason.Target) return this.ended(reason);
    }
    return target.mark === 0 ? this.outcome("reached") : this.toMark(goal);
  }

  /** What it means to a reader that run() came back for `reason`. */
  async ended(reason: StopReason | "stopped"): Promise<Outcome> {
    if (reason === "stopped") return this.outcome("stopped");
    if (reason === StopReason.Halt) return this.outcome("end");
    if (reason === StopReason.Idle) return this.outcome("idle");
    if (reason === StopReason.Input) {
      const { instret, mark, pending } = this.place;
      // Before the call that waits, not in the middle of its trap.
      if (pending && this.travel) {
        const before = place({ instret, mark });
        this.restore(this.checkpoints.before(before) as Checkpoint);
        await this.forward(instret);
        if (mark > 0) await this.toMark(before);
      }
      return this.outcome("input");
    }
    throw new CoreError(`run() stopped for ${StopReason[reason]} without being asked to`);
  }

  /** From (instret, less) to (instret, mark): into the kernel, or just out of it again. */
  async toMark(goal: Place): Promise<Outcome> {
    if (compare(this.place, goal) === 0) return this.outcome("reached");
    if (this.travel) {
      const base = this.checkpoints.before(this.place);
      if (!base || this.#work() - base.work > SHORT) this.#take();
    }
    for (;;) {
      let reason: StopReason;
      try {
        reason = this.run(goal.instret + 1, 0, goal.mark, RunFlag.HoldLog);
      } catch (error) {
        if (!this.#trappedAt(goal, error)) throw this.#bug(error);
        this.inside = true;
        return this.outcome("reached");
      }
      if (reason === StopReason.Output || reason === StopReason.Log) continue;
      if (reason === StopReason.Act) continue;
      if (reason === StopReason.Mark) return this.outcome(this.halted ? "end" : "reached");
      if (reason === StopReason.Target) return this.outcome("absent");
      return this.ended(reason);
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

export function place({ instret, mark }: Position): Place {
  return { instret, mark, pending: false };
}

/** The first kernel line of a fault. */
export function first(fault: RawFault): Position {
  return { instret: fault.instret, mark: fault.mark + 1 };
}
