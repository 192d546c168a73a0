// Machine: a booted core as a reader moves in it, forwards and back: by lines, instructions, faults,
// system calls. How it gets there is engine.ts.
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
  Conf,
  HART_IN_KERNEL,
  HART_SCAUSE,
  MARK_BREAKS,
  MARK_BREAKS_NR,
  MARK_COUNT,
  MARK_ENTRY,
  MARK_INSTRET,
  RunFlag,
  RunMode,
  StopReason,
  SYSTEM_STATE,
  TOUCH_BASE,
  TOUCH_MAX,
  TOUCH_NR,
} from "../../assembly/abi.ts";
import type { BootRequest } from "./boot.ts";
import { type Checkpoint, type Checkpoints, compare, type Place } from "./checkpoints.ts";
import { type Core, CoreError } from "./core.ts";
import {
  type Breakpoint,
  Engine,
  first,
  type MachineOptions,
  type Outcome,
  place,
  U64_NEVER,
  WATCHDOG,
} from "./engine.ts";
import type { History, Output, RawFault, Tally } from "./events.ts";
import type { Marks, MarksMap } from "./marks.ts";
import type { Position } from "./types.ts";

export type { BootRequest } from "./boot.ts";
export {
  type Breakpoint,
  type MachineOptions,
  nextTask,
  type Outcome,
  type Progress,
} from "./engine.ts";

const SCAUSE_ECALL = 8;

export class Machine {
  readonly request: BootRequest;
  readonly breakpoints: Breakpoint[] = [];
  readonly #engine: Engine;
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
    this.request = request;
    this.#engine = new Engine(source, request, marks, options);
  }

  // ------------------------------------------------------------------ where it is ----

  get core(): Core {
    return this.#engine.core;
  }
  get marks(): Marks {
    return this.#engine.marks;
  }
  get history(): History {
    return this.#engine.history;
  }
  get output(): Output {
    return this.#engine.output;
  }
  get checkpoints(): Checkpoints {
    return this.#engine.checkpoints;
  }
  /** Inode numbers by path, as mkfs gave them. */
  get inodes(): ReadonlyMap<string, number> {
    return this.#engine.inodes;
  }
  /** Retired instructions since boot. */
  get instret(): number {
    return this.#engine.instret;
  }
  get position(): Position {
    return this.#engine.position;
  }
  /** Before a kernel line; otherwise in user mode, at the end, or not begun. */
  get insideKernel(): boolean {
    return this.#engine.inside;
  }
  /** Every task has exited. */
  get halted(): boolean {
    return this.#engine.halted;
  }
  /** Depth of the kernel call stack, 0 outside the kernel. */
  get depth(): number {
    return this.#engine.depth;
  }
  /** Id of the mark the machine stands before, 0 outside the kernel. */
  get markId(): number {
    return this.#engine.markId;
  }
  /** Sequence number of the next event at this position. */
  get logSeq(): number {
    return this.#engine.logSeq;
  }
  get outputPosition(): number {
    return this.#engine.outputPosition;
  }

  /** Hash of the whole machine, as 16 hex digits. */
  hash(): string {
    return this.#engine.hash();
  }

  /** Asks the movement in progress to end at the next slice (some 20 ms). */
  stop(): void {
    this.#engine.stop();
  }

  // ---------------------------------------------------------------------- movements ----

  /**
   * Goes to a position, either way. A position that does not exist takes the machine to the
   * next one that does (reason "absent", or "end").
   */
  async seek(target: Position): Promise<Outcome> {
    this.#engine.begin();
    return this.#engine.seek(target);
  }

  /** Runs to the end, a breakpoint, or until stop(). */
  async run(limit = U64_NEVER): Promise<Outcome> {
    this.#engine.begin();
    const kernel = this.breakpoints.filter(({ marks }) => marks);
    const from = this.#engine.place;
    const stops = this.breakpoints.filter(({ instret }) => (instret ?? -1) > from.instret);
    const first = Math.min(limit, ...stops.map(({ instret }) => instret as number));
    const wanted = (id: number) => kernel.find(({ marks }) => marks?.has(id));
    const outcome =
      kernel.length > 0
        ? await this.#untilMark(new Set(kernel.flatMap(({ marks }) => [...(marks ?? [])])), first)
        : await this.#engine.toInstret(first);
    if (outcome.reason !== "reached") return outcome;
    const hit = this.#engine.inside
      ? wanted(this.markId)
      : stops.find(({ instret }) => instret === this.instret);
    return hit ? { ...outcome, reason: "break", breakpoint: hit } : outcome;
  }

  /** To the first kernel line of the next fault. */
  async nextFault(): Promise<Outcome> {
    this.#engine.begin();
    const from = this.#engine.place;
    const known = this.#faultAfter(from);
    if (known) return this.#engine.seek(first(known));
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
    this.#engine.begin();
    const here = this.#engine.place;
    const begun = this.history.tally.faults;
    for (let n = Math.min(begun, this.history.faultCount - 1); n >= 0 && n >= begun - 2; n--) {
      const fault = this.history.fault(n);
      if (fault && done(fault) && compare(place(first(fault)), here) < 0) {
        return this.#engine.seek(first(fault));
      }
    }
    return this.#searchBack(here, ({ faults }) => faults, RunFlag.BeforeFault);
  }

  /** To the first kernel line of fault `n` of the run, running on when it is not yet known. */
  async toFault(n: number): Promise<Outcome> {
    this.#engine.begin();
    const known = this.history.fault(n);
    if (known && done(known)) return this.#engine.seek(first(known));
    // Beyond what is kept: on from the last checkpoint before it.
    const list = this.checkpoints.list.filter(({ tally }) => tally.faults <= n);
    const start = list[list.length - 1];
    if (start && (this.#engine.inside || this.history.tally.faults < start.tally.faults)) {
      this.#engine.restore(start);
    }
    for (;;) {
      const outcome = await this.nextFault();
      if (outcome.reason !== "reached" || this.faultIndex() >= n) return outcome;
    }
  }

  /** To the first kernel line of the next system call. */
  async nextSyscall(): Promise<Outcome> {
    this.#engine.begin();
    return this.#nextEntry(this.#engine.place, RunFlag.BeforeEntry, () => this.#ecall());
  }

  /**
   * Runs on, asking at every entry into the kernel, with its trap pending.
   *
   * @param visit true to stop there, at the first kernel line
   */
  async entries(visit: () => boolean): Promise<Outcome> {
    this.#engine.begin();
    await this.#engine.resume({ ...this.#engine.place, pending: false });
    for (;;) {
      const reason = await this.#engine.forward(U64_NEVER, RunFlag.BeforeEntry);
      if (reason !== StopReason.Fault && reason !== StopReason.Entry)
        return this.#engine.ended(reason);
      if (!visit()) continue;
      const { instret, mark } = this.#engine.place;
      return this.#engine.toMark(place({ instret, mark: mark + 1 }));
    }
  }

  /** To the first kernel line of the system call before this position. */
  async previousSyscall(): Promise<Outcome> {
    this.#engine.begin();
    const count = ({ syscalls }: Tally) => syscalls;
    return this.#searchBack(this.#engine.place, count, RunFlag.BeforeEntry, () => this.#ecall());
  }

  /** One kernel line on; in user mode to the first line of the next kernel entry. */
  async stepLine(): Promise<Outcome> {
    this.#engine.begin();
    const { instret, mark } = this.#engine.place;
    if (this.#engine.inside || (instret === 0 && mark === 0)) {
      return this.#engine.seek({ instret, mark: mark + 1 });
    }
    const from = this.#engine.place;
    const act = this.#nextAct();
    const found = await this.#nextEntry(from, RunFlag.BeforeEntry, () => true);
    // An act is an entry that no trap announces.
    if (!act || compare(place(act), from) <= 0 || compare(place(act), this.#engine.place) >= 0)
      return found;
    return this.#engine.seek(act);
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
    this.#engine.begin();
    const here = this.#engine.place;
    if (here.mark > 1) return this.#engine.seek({ instret: here.instret, mark: here.mark - 1 });
    const found = await this.#searchBack(here, ({ entries }) => entries, RunFlag.BeforeEntry);
    if (found.reason !== "reached") return found;
    const lines = await this.marksHere();
    return this.#engine.seek({ instret: found.position.instret, mark: lines ?? 1 });
  }

  /** One instruction on: before the one after the next to retire. */
  async stepInstruction(n = 1): Promise<Outcome> {
    this.#engine.begin();
    return this.#engine.toInstret(this.instret + n);
  }

  /** Before the instruction that retired last; out of the kernel, before its trap. */
  async backInstruction(n = 1): Promise<Outcome> {
    this.#engine.begin();
    const { instret, mark } = this.#engine.place;
    const steps = mark > 0 ? n - 1 : n;
    if (instret === 0 && mark === 0) return this.#engine.outcome("none");
    return this.#engine.seek({ instret: Math.max(0, instret - steps), mark: 0 });
  }

  /** One step back as a reader means it: a line in the kernel, an instruction outside. */
  async back(): Promise<Outcome> {
    this.#engine.begin();
    const { instret, mark } = this.#engine.place;
    if (mark > 0) return this.#engine.seek({ instret, mark: mark - 1 });
    return this.backInstruction();
  }

  /**
   * Line by line until `wanted` holds of a kernel line or the kernel is left.
   *
   * @param wanted asked at each line, with memory being the state before it
   */
  async linesUntil(wanted: () => boolean): Promise<Outcome> {
    this.#engine.begin();
    for (;;) {
      const { instret, mark } = this.#engine.place;
      const outcome = await this.#engine.seek({ instret, mark: mark + 1 });
      if (outcome.reason !== "reached" || !this.#engine.inside || wanted()) return outcome;
      if (await this.#engine.breathe(null)) return this.#engine.outcome("stopped");
    }
  }

  /** The next kernel line of a lower or equal depth. */
  nextLine(): Promise<Outcome> {
    if (!this.#engine.inside) return this.stepLine();
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
    this.#engine.begin();
    return this.#untilMark(ids, U64_NEVER);
  }

  /**
   * Where in this kernel entry the machine stands: line `line` (from 1) of `lines`. null outside
   * the kernel.
   */
  async entryLines(): Promise<{ line: number; lines: number } | null> {
    if (!this.#engine.inside || !this.#engine.travel) return null;
    const here = this.#engine.place;
    const first = this.core.getNumber(MARK_ENTRY);
    const key = `${here.instret}:${first}`;
    let last = this.#entryEnds.get(key);
    if (last === undefined) {
      await this.#engine.resume({ ...here, pending: false });
      // Each stop is before an entry: this one has ended at the first count past the place.
      while (this.core.getNumber(MARK_COUNT) <= here.mark || !this.#at(here.instret)) {
        const until = here.instret + 1;
        const reason = this.#engine.run(until, RunFlag.BeforeEntry, WATCHDOG, RunFlag.HoldLog);
        if (reason === StopReason.Target || reason === StopReason.Halt) break;
      }
      // The last count is the return to user mode.
      last = this.core.getNumber(MARK_COUNT) - 1;
      this.#entryEnds.set(key, last);
      await this.#engine.seek(here);
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
    const here = this.#engine.place;
    const known = this.#marksHere.get(here.instret);
    if (known !== undefined) return known;
    if (here.mark === 0 || !this.#engine.travel) return null;
    const inside = this.#engine.inside;
    await this.#engine.resume({ ...here, pending: false });
    this.#engine.run(here.instret + 1, 0, WATCHDOG, RunFlag.HoldLog);
    while (this.instret === here.instret && !this.halted) {
      const reason = this.#engine.run(here.instret + 1, 0, WATCHDOG, RunFlag.HoldLog);
      if (reason === StopReason.Act) continue;
      if (reason !== StopReason.Output && reason !== StopReason.Log) break;
    }
    // The last count is the return to user mode, or the end.
    const count = this.core.getNumber(MARK_COUNT);
    const ran = this.core.getNumber(MARK_INSTRET) === here.instret;
    const lines = ran ? count - 1 : null;
    if (lines !== null) this.#marksHere.set(here.instret, lines);
    if (inside) await this.#engine.seek(here);
    else await this.#engine.seek({ instret: here.instret, mark: here.mark });
    return lines;
  }

  // -------------------------------------------------------------- faults, breakpoints ----

  /** Which fault of the run (from 0) this position is inside of or the first line of, or -1. */
  faultIndex(): number {
    if (!this.#engine.inside) return -1;
    const here = this.#engine.place;
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
    this.#engine.input.give(bytes, end);
  }

  /**
   * Makes one access as the CPU (touch mode). In the past it begins another future.
   *
   * @returns where the access has been made, its fault handled
   */
  async touch(va: bigint, access: Access): Promise<Outcome> {
    this.#engine.begin();
    const { core } = this;
    if (core.conf(Conf.mode) !== RunMode.Touch) throw new RangeError("this machine runs a program");
    const nr = this.#engine.inside || this.#engine.place.mark > 0 ? this.instret : this.instret;
    if (nr >= TOUCH_MAX) throw new RangeError(`no more than ${TOUCH_MAX} touches`);
    await this.#engine.resume({ instret: nr, mark: 0, pending: false });
    if (nr < core.getU32(TOUCH_NR)) this.#forgetFuture();
    core.setU64(TOUCH_BASE + 16 * nr, va);
    core.setU32(TOUCH_BASE + 16 * nr + 8, access);
    core.setU32(TOUCH_BASE + 16 * nr + 12, 0);
    core.setU32(TOUCH_NR, nr + 1);
    return this.#engine.toInstret(nr + 1);
  }

  /**
   * Does what an administrator would, here: in user mode at once, inside the kernel as soon as
   * this entry is over. It is part of the history from now on. In the past it begins another
   * future.
   *
   * @returns the kernel's answer (0 or a negative errno); null when it is yet to be done
   */
  async act(kind: ActKind, a: number, b: number): Promise<number | null> {
    this.#engine.begin();
    const { core } = this;
    if (this.halted) throw new RangeError("every process has ended");
    const here = this.#engine.place;
    const later = this.#engine.inside || core.getU32(SYSTEM_STATE) !== 1;
    if (!later) await this.#engine.resume({ ...here, pending: false });
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
      const reason = this.#engine.guarded(here.instret + 1, 0);
      if (reason !== StopReason.Output && reason !== StopReason.Log) break;
    }
    return core.getU32(ACT_DONE) > done ? core.getI32(at + ACT_ANSWER) : null;
  }

  #forgetFuture(): void {
    const here = this.#engine.place;
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

  // ------------------------------------------------------------------------ the engine ----

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
    await this.#engine.resume({ ...from, pending: false });
    for (;;) {
      const reason = await this.#engine.forward(U64_NEVER, flag);
      const found = earlier();
      if (found && compare(place(found), this.#engine.place) <= 0) return this.#engine.seek(found);
      if (reason !== StopReason.Fault && reason !== StopReason.Entry)
        return this.#engine.ended(reason);
      const { instret, mark } = this.#engine.place;
      const line = { instret, mark: mark + 1 };
      if (compare(place(line), from) > 0 && wanted()) {
        return this.#engine.toMark(place(line));
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
      this.#engine.restore(start);
      if (this.#engine.place.pending) found = this.#candidate(here, wanted);
      for (;;) {
        const reason = await this.#engine.forward(Math.min(end.instret + 1, U64_NEVER), flag);
        if (reason === "stopped") return this.#engine.outcome("stopped");
        if (reason !== StopReason.Fault && reason !== StopReason.Entry) break;
        if (compare(this.#engine.place, end) >= 0) break;
        found = this.#candidate(here, wanted) ?? found;
      }
      if (found) return this.#engine.seek({ instret: found.instret, mark: found.mark + 1 });
      end = start;
      entries = before;
    }
    await this.#engine.seek(here);
    return this.#engine.outcome("none");
  }

  #candidate(here: Place, wanted: () => boolean): Place | null {
    const at = this.#engine.place;
    const line = place({ instret: at.instret, mark: at.mark + 1 });
    return compare(line, here) < 0 && wanted() ? at : null;
  }

  /**
   * The next place where a mark of `ids` is passed, or the instruction `limit`. The rest of the
   * entry the machine stands in goes line by line, since it cannot run on from there; after that
   * the core itself stops, at full speed.
   */
  async #untilMark(ids: ReadonlySet<number>, limit: number): Promise<Outcome> {
    while (this.#engine.inside) {
      const { instret, mark } = this.#engine.place;
      const outcome = await this.#engine.seek({ instret, mark: mark + 1 });
      if (outcome.reason !== "reached") return outcome;
      if (this.#engine.inside && ids.has(this.markId)) return outcome;
      if (await this.#engine.breathe(null)) return this.#engine.outcome("stopped");
    }
    const mark = (on: number) => {
      for (const id of ids) if (id < MARK_BREAKS_NR) this.core.setU8(MARK_BREAKS + id, on);
    };
    mark(1);
    try {
      const reason = await this.#engine.forward(limit);
      return reason === StopReason.Target
        ? this.#engine.outcome("reached")
        : this.#engine.ended(reason);
    } catch (error) {
      const trapped = error instanceof CoreError && error.cause instanceof WebAssembly.RuntimeError;
      this.#engine.inside = trapped && this.core.getU32(HART_IN_KERNEL) !== 0;
      if (this.#engine.inside && ids.has(this.markId)) return this.#engine.outcome("reached");
      throw error;
    } finally {
      mark(0);
    }
  }
}

function done(fault: RawFault): boolean {
  return fault.kind !== 0;
}
