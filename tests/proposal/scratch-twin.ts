// Two machines in step: the one runs undisturbed, the other begins as its copy at any instruction,
// has its scratch pages dropped there, and runs on until it is again where the first one was.
//
// A machine's memory outside RAM is some megabytes, of which one run changes little: only the blocks
// that ever change are copied. That they are all is checked at the end: every other block is still
// as it was when the program started, in both machines.
import {
  ACTS_BASE,
  ACTS_NR,
  ACT_ANSWER,
  ACT_DONE,
  ACT_INSTRET,
  ACT_KIND,
  ACT_MARK,
  ACT_SIZE,
  ActKind,
  CURRENT,
  Conf,
  FRAME_META,
  HART_F,
  HART_FFLAGS,
  HART_INSTRET,
  HART_PC,
  HART_SCAUSE,
  HART_X,
  LOG_BASE,
  MARK_COUNT,
  MARK_INSTRET,
  META_DIRTY,
  MM_PGD,
  OUT_BASE,
  OUT_POS,
  PAGE_SIZE,
  PG,
  RAM_BASE,
  RUN_BASE,
  RUN_FLAGS,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  STATE_BASE,
  StopReason,
  SYSTEM_STATE,
  TASK_MM,
} from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";
import { frame, vmas } from "../../web/machine/views.ts";

const BLOCK = 1024;
const A7 = HART_X + 17 * 8;
const WRITE = 64n;

/** What a program is at a place: nothing else can decide what it does from there on. */
export interface Place {
  registers: Buffer;
  /** Its own pages, by address. */
  pages: Map<bigint, Buffer>;
  output: Buffer;
}

const buffer = (core: Core, at: number, length: number) =>
  Buffer.from(core.bytes.buffer as ArrayBuffer, at, length);

/** The processor as the program sees it, and the pages that are the program's own. */
export function place(core: Core): Place {
  const pages = new Map<bigint, Buffer>();
  const mm = core.getU32(core.getU32(CURRENT) + TASK_MM);
  for (const { va, pfn } of ownPages(core, mm)) {
    pages.set(va, Buffer.from(buffer(core, RAM_BASE + pfn * PAGE_SIZE, PAGE_SIZE)));
  }
  const registers = [
    buffer(core, HART_X, 256),
    buffer(core, HART_F, 256),
    buffer(core, HART_PC, 8),
    buffer(core, HART_FFLAGS, 8),
  ];
  return { registers: Buffer.concat(registers), pages, output: Buffer.from(output(core)) };
}

function output(core: Core): Buffer {
  return buffer(core, OUT_BASE, core.getU32(OUT_POS));
}

/** Anonymous pages that are mapped in [start, end) of every area. */
function* ownPages(core: Core, mm: number): Generator<{ va: bigint; pfn: number }> {
  const { words } = core;
  const table = (pfn: number, i: number) => words[((RAM_BASE + pfn * PAGE_SIZE) >> 2) + i * 2]!;
  const root = core.getU32(mm + MM_PGD);
  for (const { start, end } of vmas(core, mm)) {
    for (let va = Number(start); va < Number(end); va += PAGE_SIZE) {
      const page = va / PAGE_SIZE;
      const two = table(root, (page / 2 ** 18) & 511);
      const one = two & 1 ? table(two >>> 10, (page >>> 9) & 511) : 0;
      const leaf = one & 1 ? table(one >>> 10, page & 511) : 0;
      if (!(leaf & 1)) continue;
      const pfn = leaf >>> 10;
      if (frame(core, pfn).flags & PG.anon) yield { va: BigInt(va), pfn };
    }
  }
}

/** Is the program there now? */
export function isAt(core: Core, there: Place): boolean {
  const now = place(core);
  if (!now.registers.equals(there.registers)) return false;
  if (now.pages.size !== there.pages.size) return false;
  for (const [va, bytes] of there.pages) {
    if (!now.pages.get(va)?.equals(bytes)) return false;
  }
  return true;
}

/** How a machine came to rest. */
export type Stop = "write" | "end" | "limit" | "target";

/** Runs to the next system call `write`, the end, or so many instructions. */
export function toNextWrite(core: Core, limit: number): Stop {
  core.setU32(RUN_FLAGS, RunFlag.BeforeEntry);
  core.setNumber(RUN_STOP_INSTRET, limit);
  for (;;) {
    const reason = core.run();
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    if (reason === StopReason.Halt) return "end";
    if (reason === StopReason.Target) return "limit";
    if (reason === StopReason.Act || reason === StopReason.Output) continue;
    if (reason !== StopReason.Entry) throw new Error(`run() returned ${StopReason[reason]}`);
    const write = core.getU32(SYSTEM_STATE) === 1 && core.getNumber(HART_SCAUSE) === 8;
    if (write && core.getU64(A7) === WRITE) return "write";
  }
}

/** When a scratch page is to be dropped, and which: that of an address, or null for all. */
export interface Drop {
  instret: number;
  /** Kernel lines after which, at that instruction. */
  mark: number;
  va: number | null;
}

/** Gives the machine its next acts, in the order of their times. */
export function giveDrops(core: Core, drops: readonly Drop[]): void {
  let at = ACTS_BASE + ACT_SIZE * core.getU32(ACT_DONE);
  for (const { instret, mark, va } of drops) {
    core.setNumber(at + ACT_INSTRET, instret);
    core.setNumber(at + ACT_MARK, mark);
    core.setU32(at + ACT_KIND, ActKind.scratch_drop);
    core.setU32(at + ACT_ANSWER, 0);
    core.setNumber(at + 24, va ?? 0);
    core.setNumber(at + 32, va === null ? 1 : 0);
    at += ACT_SIZE;
  }
  core.setU32(ACTS_NR, core.getU32(ACT_DONE) + drops.length);
}

/** Drops every scratch page where the machine stands, as soon as it runs on. */
export function dropHere(core: Core, mark: number): void {
  giveDrops(core, [{ instret: core.getNumber(HART_INSTRET), mark, va: null }]);
}

/** Pages that the last act dropped. */
export function dropped(core: Core): number {
  const done = core.getU32(ACT_DONE);
  return done === 0 ? 0 : core.getI32(ACTS_BASE + ACT_SIZE * (done - 1) + ACT_ANSWER);
}

/**
 * The moments in user mode before the next instruction retires, by kernel lines executed since the
 * last one did: one before each attempt at it. The machine is run over it.
 */
export function momentsHere(core: Core): number[] {
  const here = core.getNumber(HART_INSTRET);
  const moments = [0];
  core.setU32(RUN_FLAGS, RunFlag.BeforeEntry);
  core.setNumber(RUN_STOP_INSTRET, here + 1);
  for (;;) {
    const reason = core.run();
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    const lines = core.getNumber(MARK_INSTRET) === here ? core.getNumber(MARK_COUNT) : 0;
    if (lines > 0 && !moments.includes(lines)) moments.push(lines);
    if (reason !== StopReason.Entry && reason !== StopReason.Output) return moments;
  }
}

/** The undisturbed machine and its copy. */
export class Twins {
  readonly first: Core;
  readonly second: Core;
  readonly #pages: number;
  /** Blocks of STATE that a run changes, and what all of them were. */
  readonly #changing = new Set<number>();
  #ranges: [from: number, to: number][] = [];
  readonly #initial: Buffer;
  readonly #size: number;

  /** @param first is booted and has started its program; `second` has as much memory. */
  constructor(first: Core, second: Core) {
    this.first = first;
    this.second = second;
    this.#size = first.conf(Conf.state_size);
    this.#pages =
      first.conf(Conf.ram_frames) + first.conf(Conf.disk_blocks) + first.conf(Conf.swap_blocks);
    this.#initial = Buffer.from(buffer(first, STATE_BASE, this.#size));
    second.prepare(
      first.conf(Conf.ram_frames),
      first.conf(Conf.disk_blocks) + first.conf(Conf.swap_blocks),
    );
    this.copyAll();
  }

  /** Everything. */
  copyAll(): void {
    const { first, second } = this;
    buffer(first, RUN_BASE, LOG_BASE - RUN_BASE).copy(second.bytes, RUN_BASE);
    buffer(first, RAM_BASE, this.#pages * PAGE_SIZE).copy(second.bytes, RAM_BASE);
    second.restored();
    first.checkpoint();
    second.checkpoint();
  }

  /** Notes which blocks have changed since the start, in either machine. */
  learn(): void {
    for (const core of [this.first, this.second]) {
      const state = buffer(core, STATE_BASE, this.#size);
      for (let at = 0; at < this.#size; at += BLOCK) {
        const end = Math.min(at + BLOCK, this.#size);
        if (state.compare(this.#initial, at, end, at, end) !== 0) this.#changing.add(at);
      }
    }
    this.#ranges = [];
    for (const at of [...this.#changing].sort((a, b) => a - b)) {
      const last = this.#ranges.at(-1);
      if (last && last[1] === STATE_BASE + at) last[1] += BLOCK;
      else this.#ranges.push([STATE_BASE + at, STATE_BASE + at + BLOCK]);
    }
  }

  /**
   * The second machine is where the first one is.
   *
   * @param changing copies no more of the state than the blocks that learn() has found; forgotten()
   *   says whether that was all
   */
  copy(changing: boolean): void {
    const { first, second } = this;
    const [a, b] = [first.bytes, second.bytes];
    const whole: [number, number] = [STATE_BASE, STATE_BASE + this.#size];
    for (const [from, to] of changing ? this.#ranges : [whole]) b.set(a.subarray(from, to), from);
    for (let page = 0; page < this.#pages; page++) {
      const meta = FRAME_META + page;
      if ((((a[meta] as number) | (b[meta] as number)) & META_DIRTY) === 0) continue;
      const at = RAM_BASE + page * PAGE_SIZE;
      b.set(a.subarray(at, at + PAGE_SIZE), at);
    }
    b.set(a.subarray(OUT_BASE, OUT_BASE + first.getU32(OUT_POS)), OUT_BASE);
    second.setU32(RUN_OUT_READ, first.getU32(OUT_POS));
    second.setU32(ACTS_NR, second.getU32(ACT_DONE));
    second.restored();
    first.checkpoint();
    second.checkpoint();
  }

  /** @returns blocks that have changed although they were not copied: there must be none */
  forgotten(): number {
    const before = this.#changing.size;
    this.learn();
    return this.#changing.size - before;
  }
}
