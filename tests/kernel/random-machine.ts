// A machine that is driven event by event: each event is one true user-mode instruction (an ECALL, a
// load, a store, or one fetched from an address of choice) of whichever process has the hart. The
// program is nothing but these instructions; the registers are given from outside. After each event
// every invariant is looked at, and every page of every process is compared with a model's.
import * as abi from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";
import { directory, file } from "../../web/machine/mkfs.ts";
import { a0, a1, addi, code, ecall, jal, ld, sd, text, writeElf, zero } from "./elf-writer.ts";
import { Sweeper } from "./invariants.ts";
import { Linux } from "./linux.ts";
import {
  type Area,
  EXEC,
  PAGE,
  READ,
  Space,
  Store,
  Verdict,
  WRITE,
  ZEROS,
} from "./random-model.ts";

// Local names: an imported one is looked up each time it is used.
const {
  Conf,
  CURRENT,
  Ev,
  FaultKind,
  FILE_INODE,
  FRAMES,
  HART_INSTRET,
  HART_PC,
  HART_X,
  INODE_INO,
  LOG_BASE,
  LOG_NR,
  LOG_RECORD,
  LOG_SEQ,
  MM_BRK,
  MM_MMAP,
  MM_SIZE_OF,
  MMS,
  NR_MMS,
  NR_TASKS,
  PAGE_FLAGS,
  PAGE_SIZE_OF,
  PG,
  RAM_BASE,
  RUN_STOP_INSTRET,
  StopReason,
  TASK_EXIT_SIGNAL,
  TASK_MM,
  TASK_PID,
  TASK_REGS,
  TASK_RESTARTED,
  TASK_SI_ADDR,
  TASK_SI_CODE,
  TASK_SIZE_OF,
  TASK_STATE,
  TASKS,
  TaskState,
  VM,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_START,
  ZERO_PFN,
} = abi;

/** [system call or one of the numbers below, ...arguments] */
export type Op = readonly number[];
export const LOAD = 1000; // [, va]: eight bytes
export const STORE = 1001; // [, va, tag]: cell(tag)
export const FETCH = 1002; // [, va]: one instruction
export const DROP_CACHES = 1003; // by the host
const TOUCHES = [LOAD, STORE, FETCH];

export const SYS = {
  dup: 23,
  openat: 56,
  close: 57,
  pread64: 67,
  exit_group: 94,
  sched_yield: 124,
  brk: 214,
  munmap: 215,
  mremap: 216,
  clone: 220,
  execve: 221,
  mmap: 222,
  mprotect: 226,
  mincore: 232,
  madvise: 233,
  wait4: 260,
} as const;

/** The settings a run may choose. */
export type Settings = Partial<Record<keyof typeof Conf, number>>;

// The program. Each instruction of use is followed by ones that do nothing for ever.
const TEXT = 0x401000;
const idle = [addi(zero, zero, 0), jal(zero, -4)];
const [PAD, ECALL, LD, SD] = [TEXT, TEXT + 16, TEXT + 32, TEXT + 48];
const gadgets = code(
  ...[...idle, 0, 0],
  ...[ecall, ...idle, 0],
  ...[ld(a0, a0, 0), ...idle, 0],
  ...[sd(a1, a0, 0), ...idle, 0],
);
/** Strings at its start, results in its second page; what it holds is not followed. */
export const SCRATCH = 0x402000;
export const DATA0 = SCRATCH;
export const DATA1 = SCRATCH + 16;
export const PROGRAM = SCRATCH + 32;
export const ARGV = SCRATCH + 64;
export const RESULTS = SCRATCH + 0x1000;
const strings = new Uint8Array(0x1000);
strings.set(text("/data0"), 0);
strings.set(text("/data1"), 16);
strings.set(text("/prog"), 32);
new DataView(strings.buffer).setBigUint64(64, BigInt(PROGRAM), true);
const program = writeElf({
  entry: PAD,
  size: 0x3000,
  phdrs: [
    { flags: 5, offset: 0x1000, vaddr: TEXT, filesz: 0x100, memsz: 0x100, align: PAGE },
    { flags: 6, offset: 0x2000, vaddr: SCRATCH, filesz: 0x1000, memsz: 0x4000, align: PAGE },
  ],
  contents: [
    [0x1000, gadgets],
    [0x2000, strings],
  ],
});

/**
 * Eight bytes that no other tag gives, and that can be executed: `addi a0, zero, tag % 2048`, then
 * the tag.
 */
export function cell(tag: number): Uint8Array {
  const low = ((tag % 2048) << 20) | (a0 << 7) | 0x13;
  return new Uint8Array(new Uint32Array([low, tag]).buffer);
}

/** A file full of cells. */
function cells(bytes: number, first: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes / 8) * 8);
  for (let at = 0; at < out.length; at += 8) out.set(cell(first + at / 8), at);
  return out.subarray(0, bytes);
}

const POISON = new Uint8Array(PAGE).fill(0xa5);
const SIGKILL = 9;

interface Process {
  pid: number;
  /** Address of its task_struct. */
  task: number;
  space: Space;
  /** A system call that waits. */
  waiting: Op | undefined;
}

const hex = (n: number) => `0x${n.toString(16)}`;

export class RandomMachine {
  readonly linux: Linux;
  readonly sweeper: Sweeper;
  readonly stores = new Map<number, Store>();
  /** Living processes by the address of their task_struct. */
  readonly processes = new Map<number, Process>();
  /** Kernel entries and accesses so far, over all runs. */
  events = 0;
  /** What the last system call answered. */
  answer = 0;
  wrong: string[] = [];
  ended = false;
  readonly #core: Core;
  #memory: Buffer;
  #poisoned = new Uint8Array(0);
  readonly #readOnly = new Set<number>();
  readonly #spaces: (Space | undefined)[] = [];
  #logged = 0;

  constructor(module: WebAssembly.Module) {
    this.linux = new Linux(module);
    this.#core = this.linux.core;
    this.#memory = Buffer.from(this.#core.bytes.buffer);
    this.sweeper = new Sweeper(this.#core);
  }

  get core(): Core {
    return this.#core;
  }

  /** Powers on with `settings`, up to the program's first instruction. */
  boot(settings: Settings): void {
    const data = [cells(5 * PAGE + 776, 1_000_000), cells(9 * PAGE, 2_000_000)];
    this.linux.boot({
      root: directory({
        prog: file(program, 0o755),
        data0: file(data[0] as Uint8Array, 0o666),
        data1: file(data[1] as Uint8Array, 0o666),
      }),
      path: "/prog",
      conf: settings,
    });
    this.#memory = Buffer.from(this.#core.bytes.buffer);
    this.#poisoned = new Uint8Array(this.#core.conf(Conf.ram_frames));
    this.processes.clear();
    this.stores.clear();
    this.wrong = [];
    this.ended = false;
    const inodes = this.linux.inodes;
    const bytes: Record<string, Uint8Array | undefined> = {
      "/prog": program,
      "/data0": data[0],
      "/data1": data[1],
    };
    for (const [path, ino] of inodes) {
      const content = bytes[path];
      if (content) this.stores.set(ino, new Store(ino, content));
    }
    this.#run();
    const task = this.#core.getU32(CURRENT);
    const pid = this.#core.getU32(task + TASK_PID);
    this.processes.set(task, { pid, task, space: new Space(), waiting: undefined });
    this.#look();
    this.#readOnly.clear();
    for (const [fd, path, mode] of DESCRIPTORS) {
      this.step([SYS.openat, -100, path, mode, 0]);
      if (mode === 0) this.#readOnly.add(fd);
      if (this.answer !== fd) throw new Error(`openat answered ${this.answer}, not ${fd}`);
    }
  }

  /** The process that has the hart. */
  get current(): Process {
    const process = this.processes.get(this.#core.getU32(CURRENT));
    if (!process) throw new Error("the hart belongs to nobody the model knows");
    return process;
  }

  /** One event. @returns what is wrong after it: nothing, it is hoped. */
  step(op: Op): string[] {
    this.events++;
    const core = this.#core;
    this.#logged = core.getU32(LOG_SEQ);
    if (op[0] === DROP_CACHES) {
      core.dropCaches();
      this.#look();
      return this.wrong;
    }
    const me = this.current;
    if (me.waiting) return this.#again();
    const verdict = this.#verdict(me.space, op);
    const start = this.#inject(op);
    this.#run();
    if (this.wrong.length > 0) return this.wrong;
    this.#outcome(me, op, start, verdict);
    for (const process of this.processes.values()) {
      if (process.waiting && process !== me) this.#waited(process);
    }
    if (!this.ended) this.#look();
    return this.wrong;
  }

  /** It has the hart back and makes its call again: nothing is asked of it. */
  #again(): string[] {
    this.#run();
    if (this.wrong.length > 0) return this.wrong;
    for (const process of this.processes.values()) if (process.waiting) this.#waited(process);
    if (!this.ended) this.#look();
    return this.wrong;
  }

  // ------------------------------------------------------------------------- the hart

  /** Sets the registers for an event. @returns the address of its instruction */
  #inject(op: Op): number {
    const core = this.#core;
    const [nr, first, second] = op as [number, number, number];
    let pc = ECALL;
    if (nr === LOAD) pc = LD;
    else if (nr === STORE) pc = SD;
    else if (nr === FETCH) pc = first;
    if (nr === STORE) {
      core.bytes.set(cell(second), HART_X + a1 * 8);
      core.setNumber(HART_X + a0 * 8, first);
    } else if (TOUCHES.includes(nr)) {
      core.setNumber(HART_X + a0 * 8, first);
    } else {
      for (let i = 0; i < 6; i++) this.#setSigned(HART_X + (a0 + i) * 8, op[i + 1] ?? 0);
      core.setNumber(HART_X + 17 * 8, nr);
    }
    core.setNumber(HART_PC, pc);
    return pc;
  }

  #setSigned(at: number, value: number): void {
    this.#core.setU32(at, value >>> 0);
    this.#core.setU32(at + 4, Math.floor(value / 4294967296) >>> 0);
  }

  #run(): void {
    const core = this.#core;
    core.setNumber(RUN_STOP_INSTRET, core.getNumber(HART_INSTRET) + 1);
    for (;;) {
      let reason: number;
      try {
        reason = core.run();
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        const where = /assembly\/\S+/.exec(error.stack ?? "")?.[0] ?? "?";
        this.wrong.push(`assert: the kernel stopped itself in ${where}: ${error.message}`);
        this.ended = true;
        return;
      }
      if (reason === StopReason.Target) return;
      if (reason === StopReason.Halt || reason === StopReason.Idle) {
        this.ended = true;
        return;
      }
      if (reason !== StopReason.Output) throw new Error(`run() returned ${StopReason[reason]}`);
    }
  }

  /** Address of a register of a process: of the hart, or where they are kept. 0 is the pc. */
  #register(process: Process, x: number): number {
    if (this.#core.getU32(CURRENT) !== process.task) return process.task + TASK_REGS + x * 8;
    return x === 0 ? HART_PC : HART_X + x * 8;
  }

  #result(process: Process): number {
    const at = this.#register(process, a0);
    return this.#core.getI32(at + 4) * 4294967296 + this.#core.getU32(at);
  }

  // ------------------------------------------------------------------------- what became of it

  #bad(sentence: string): void {
    this.wrong.push(sentence);
  }

  /** What an access must come to; system calls are always taken. */
  #verdict(space: Space, op: Op): Verdict {
    const [nr, va] = op as [number, number];
    const needs = nr === LOAD ? READ : nr === STORE ? WRITE : nr === FETCH ? EXEC : 0;
    if (needs === 0) return Verdict.ok;
    const last = va + (nr === FETCH ? 3 : 7);
    const first = space.verdict(Math.floor(va / PAGE), needs);
    return first || space.verdict(Math.floor(last / PAGE), needs);
  }

  #outcome(me: Process, op: Op, start: number, verdict: Verdict): void {
    const core = this.#core;
    const state = core.getU32(me.task + TASK_STATE);
    const gone = state === TaskState.unused || state === TaskState.dead;
    if (gone || core.getU32(me.task + TASK_PID) !== me.pid) {
      this.processes.delete(me.task);
      if (op[0] !== SYS.exit_group) this.#killed(me, op, verdict);
      return;
    }
    const pc = core.getNumber(this.#register(me, 0));
    if (pc === start) {
      // It waits, or lost its turn before it began.
      if (core.getU32(me.task + TASK_RESTARTED) !== 0) me.waiting = op;
      else core.setNumber(this.#register(me, 0), PAD);
      return;
    }
    this.#done(me, op, verdict);
  }

  /** A call that waited may have its answer now. */
  #waited(process: Process): void {
    const core = this.#core;
    const op = process.waiting as Op;
    const state = core.getU32(process.task + TASK_STATE);
    if (state === TaskState.unused || state === TaskState.dead) return;
    if (core.getU32(process.task + TASK_RESTARTED) !== 0) return;
    process.waiting = undefined;
    this.#done(process, op, Verdict.ok);
  }

  /** The event went through. */
  #done(me: Process, op: Op, verdict: Verdict): void {
    const answer = this.#result(me);
    this.answer = answer;
    if (TOUCHES.includes(op[0] as number)) this.#touched(me, op, verdict);
    else this.#answered(me, op, answer);
    this.#core.setNumber(this.#register(me, 0), PAD);
  }

  #touched(me: Process, op: Op, verdict: Verdict): void {
    const [nr, va, tag] = op as [number, number, number];
    const what = `${nr === LOAD ? "a load" : nr === STORE ? "a store" : "a fetch"} at ${hex(va)}`;
    if (verdict !== Verdict.ok) {
      this.#bad(`K2: ${what} of process ${me.pid} went through`);
      return;
    }
    if (nr === STORE) {
      me.space.write(va, cell(tag));
      return;
    }
    const expected = Buffer.from(me.space.read(va, 8));
    const at = this.#register(me, a0);
    if (nr === LOAD) {
      if (this.#memory.compare(expected, 0, 8, at, at + 8) !== 0) {
        const got = this.#memory.subarray(at, at + 8).toString("hex");
        this.#bad(`K2: ${what} of process ${me.pid} gave ${got}, not ${expected.toString("hex")}`);
      }
      return;
    }
    const immediate = expected.readInt32LE(0) >> 20;
    if (this.#result(me) !== immediate) {
      this.#bad(`K2: ${what} of process ${me.pid} ran another instruction`);
    }
  }

  /** A signal ended it. */
  #killed(me: Process, op: Op, verdict: Verdict): void {
    const core = this.#core;
    const signal = core.getU32(me.task + TASK_EXIT_SIGNAL);
    const what = `${JSON.stringify(op)} of process ${me.pid}`;
    if (signal === SIGKILL && this.#outOfMemory()) return;
    const [nr, va] = op as [number, number];
    if (!TOUCHES.includes(nr)) {
      this.#bad(`K2: ${what} ended in signal ${signal}`);
      return;
    }
    const expected = verdict === Verdict.pastEnd ? 7 : 11;
    const content = me.space.read(va, 4);
    if (nr === FETCH && verdict === Verdict.ok && (content[0] as number) === 0 && signal === 4)
      return;
    if (verdict === Verdict.ok || signal !== expected) {
      this.#bad(`K2: ${what} ended in signal ${signal}, the model says ${verdict}`);
      return;
    }
    const code = verdict === Verdict.denied ? 2 : verdict === Verdict.noArea ? 1 : 2;
    const [si, at] = [core.getI32(me.task + TASK_SI_CODE), core.getNumber(me.task + TASK_SI_ADDR)];
    const straddles = va % PAGE > PAGE - 8;
    if (si !== code || (!straddles && at !== va)) {
      this.#bad(`K2: ${what} ended with si_code ${si}, si_addr ${hex(at)}`);
    }
  }

  /** Did the kernel run out of memory in this event? */
  #outOfMemory(): boolean {
    return this.#logHas(Ev.FaultDone, (_, how) => ((how >>> 16) & 0xff) === FaultKind.oom);
  }

  /** Has this event logged one of that kind? `is` is given the low word of a, the high one of b. */
  #logHas(kind: number, is: (a: number, b: number) => boolean): boolean {
    const core = this.#core;
    const end = core.getU32(LOG_SEQ);
    for (let seq = Math.max(this.#logged, end - LOG_NR); seq < end; seq++) {
      const at = LOG_BASE + (seq % LOG_NR) * LOG_RECORD;
      if (core.getU32(at + 4) !== kind) continue;
      if (is(core.getU32(at + 8), core.getU32(at + 20))) return true;
    }
    return false;
  }

  // ------------------------------------------------------------------------- system calls

  /** Does to the model what the call has done, and says what it should not have answered. */
  #answered(me: Process, op: Op, answer: number): void {
    const [nr, a, b, c, d] = op as [number, number, number, number, number];
    const { space } = me;
    const page = Math.floor(a / PAGE);
    const pages = Math.ceil(b / PAGE);
    switch (nr) {
      case SYS.mmap:
        if (answer >= 0) this.#mapped(space, op, Math.floor(answer / PAGE), pages);
        return;
      case SYS.munmap:
        if (answer === 0) space.unmap(page, page + pages);
        return;
      case SYS.mprotect:
        this.#protected(space, page, page + pages, c, answer);
        return;
      case SYS.madvise:
        if (answer === 0 || answer === -12) this.#advised(space, page, page + pages, c);
        else if (c === 4) this.#resync(space, this.#mmOf(me));
        return;
      case SYS.brk:
        this.#broke(space, a, answer);
        return;
      case SYS.mremap: {
        const newPages = Math.ceil(c / PAGE);
        if (answer < 0) {
          if (d & 2) this.#resync(space, this.#mmOf(me));
          return;
        }
        this.#remapped(space, page, pages, Math.floor(answer / PAGE), newPages);
        return;
      }
      case SYS.clone:
        if (answer > 0) this.#forked(me, a, answer);
        return;
      case SYS.execve:
        if (answer >= 0) me.space = new Space();
        return;
      case SYS.pread64:
        this.#read(me, a, b, c, d, answer);
        return;
    }
  }

  #mmOf(process: Process): number {
    return this.#core.getU32(process.task + TASK_MM);
  }

  #mapped(space: Space, op: Op, start: number, pages: number): void {
    const [, hint, , prot, flags, fd, offset] = op as number[] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const fixed = (flags & 0x100010) !== 0;
    if (fixed && start !== hint / PAGE) this.#bad(`V1: MAP_FIXED at ${hex(hint)} went elsewhere`);
    const free = space.isFree(start, start + pages);
    if (!free && (flags & 0x10) === 0) {
      this.#bad(`V1: mmap gave ${hex(start * PAGE)}, where something is`);
    }
    space.unmap(start, start + pages);
    const anonymous = (flags & 0x20) !== 0;
    const shared = (flags & 3) !== 2;
    const store = anonymous ? (shared ? new Store(0, 0) : undefined) : this.#opened(fd);
    space.map({
      start,
      end: start + pages,
      prot: prot & 7,
      shared,
      store,
      offset: anonymous ? 0 : offset / PAGE,
      grows: false,
      dontCopy: false,
      wild: false,
      readOnly: shared && this.#readOnly.has(fd),
    });
  }

  /** What the descriptors are of: the generator opens them so. */
  #opened(fd: number): Store | undefined {
    const ino = this.linux.inodes.get(fd === FD_DATA1 ? "/data1" : "/data0") as number;
    return this.stores.get(ino);
  }

  #protected(space: Space, start: number, end: number, prot: number, answer: number): void {
    let stop = space.hole(start, end);
    const denied = space.areas.find(
      (x) => x.readOnly && prot & WRITE && x.end > start && x.start < end,
    );
    if (denied && denied.start < stop) stop = Math.max(start, denied.start);
    const expected =
      stop === end ? 0 : denied && stop === Math.max(start, denied.start) ? -13 : -12;
    if (answer === expected) {
      space.change(start, stop, (area) => ({ ...area, prot: prot & 7 }));
      return;
    }
    // Too many promises, or no memory: what was done before that is done.
    if (answer === -12) {
      for (const process of this.processes.values()) {
        if (process.space === space) this.#resync(space, this.#mmOf(process));
      }
    } else if (answer !== -22) {
      this.#bad(`V6: mprotect of page ${hex(start)} answered ${answer}, not ${expected}`);
    }
  }

  #advised(space: Space, start: number, end: number, advice: number): void {
    if (advice === 4) {
      for (const page of [...space.own.keys()]) {
        if (page >= start && page < end && space.find(page)) space.drop(page, page + 1);
      }
    } else if (advice === 10 || advice === 11) {
      space.change(start, end, (area) => ({ ...area, dontCopy: advice === 10 }));
    } else if (advice === 8) {
      for (const page of space.own.keys()) {
        const area = space.find(page);
        if (page >= start && page < end && area && !area.store) space.lazy.add(page);
      }
    }
  }

  #broke(space: Space, wanted: number, answer: number): void {
    const [before, after] = [Math.ceil(space.brk / PAGE), Math.ceil(answer / PAGE)];
    if (answer !== wanted && answer !== space.brk) {
      this.#bad(`V5: brk(${hex(wanted)}) from ${hex(space.brk)} answered ${hex(answer)}`);
    }
    space.brk = answer;
    if (after < before) space.unmap(after, before);
    if (after <= before) return;
    if (!space.isFree(before, after)) this.#bad(`V5: brk to ${hex(answer)} over something`);
    space.map({
      start: before,
      end: after,
      prot: READ | WRITE,
      shared: false,
      store: undefined,
      offset: 0,
      grows: false,
      dontCopy: false,
      wild: false,
      readOnly: false,
    });
  }

  #remapped(space: Space, page: number, pages: number, to: number, newPages: number): void {
    if (to !== page) {
      space.move(page, pages, to, newPages);
      return;
    }
    if (newPages < pages) {
      space.unmap(page + newPages, page + pages);
      return;
    }
    if (newPages === pages) return;
    const area = space.find(page + pages - 1) as Area;
    if (!space.isFree(page + pages, page + newPages)) {
      this.#bad(`V1: mremap at page ${hex(page)} grew over something`);
    }
    const offset = area.offset + page + pages - area.start;
    space.map({ ...area, start: page + pages, end: page + newPages, offset });
  }

  #forked(me: Process, flags: number, pid: number): void {
    for (let i = 0; i < NR_TASKS; i++) {
      const task = TASKS + i * TASK_SIZE_OF;
      if (this.#core.getU32(task + TASK_PID) !== pid || this.processes.has(task)) continue;
      const space = flags & 0x100 ? me.space : me.space.fork();
      this.processes.set(task, { pid, task, space, waiting: undefined });
      return;
    }
  }

  #read(me: Process, fd: number, to: number, count: number, from: number, answer: number): void {
    const store = this.#opened(fd) as Store;
    const there = Math.max(0, Math.min(count, store.size - from));
    if (answer < 0) {
      if (there > 0 && me.space.allows(to, there, WRITE) && answer !== -12) {
        this.#bad(`K2: pread64 to ${hex(to)} answered ${answer}`);
      }
      return;
    }
    if (answer > there) {
      this.#bad(`K2: pread64 gave ${answer} bytes of ${there}`);
      return;
    }
    if (answer < there && me.space.allows(to, there, WRITE)) {
      this.#bad(`K2: pread64 gave ${answer} bytes, not ${there}`);
    }
    if (to >= SCRATCH && to < SCRATCH + 0x4000) return;
    const bytes = new Uint8Array(answer);
    for (let done = 0; done < answer; ) {
      const offset = (from + done) % PAGE;
      const chunk = Math.min(PAGE - offset, answer - done);
      const page = store.page(Math.floor((from + done) / PAGE));
      bytes.set(page.subarray(offset, offset + chunk), done);
      done += chunk;
    }
    if (answer > 0) me.space.write(to, bytes);
  }

  // ------------------------------------------------------------------------- looking

  /** Sweeps, and compares the machine with the model. */
  #look(): void {
    const wrong = this.sweeper.sweep();
    if (wrong.length > 0) this.wrong.push(...wrong);
    this.#lookAtTasks();
    this.#spaces.length = 0;
    for (const process of this.processes.values()) {
      const mm = this.#mmOf(process);
      const { space } = process;
      if (space.adopt) this.#adopt(space, mm);
      else if (this.#spaces[(mm - MMS) / MM_SIZE_OF] !== space) this.#compareAreas(process, mm);
      this.#spaces[(mm - MMS) / MM_SIZE_OF] = space;
    }
    this.#lookAtPages();
    this.#lookAtFree();
  }

  /** Living tasks are those of the model. */
  #lookAtTasks(): void {
    const core = this.#core;
    for (let i = 0; i < NR_TASKS; i++) {
      const task = TASKS + i * TASK_SIZE_OF;
      const state = core.getU32(task + TASK_STATE);
      const lives = state !== TaskState.unused && state !== TaskState.dead;
      const known = this.processes.get(task);
      if (lives && core.getU32(task + TASK_MM) !== 0 && !known) {
        this.#bad(`K: a process that nobody made, in slot ${i}`);
      }
      if (!lives && known) {
        this.processes.delete(task);
        if (!this.#outOfMemory()) this.#bad(`K: process ${known.pid} is gone, and did not end`);
      }
    }
  }

  /** Walks the areas of `mm`. */
  *#vmas(mm: number): Generator<{ start: number; end: number; flags: number; vma: number }> {
    const core = this.#core;
    for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
      const start = core.getNumber(vma + VMA_START) / PAGE;
      const end = core.getNumber(vma + VMA_END) / PAGE;
      yield { start, end, flags: core.getU32(vma + VMA_FLAGS), vma };
    }
  }

  /** A new program: its areas are taken as they are. */
  #adopt(space: Space, mm: number): void {
    this.#resync(space, mm);
    space.brk = this.#core.getNumber(mm + MM_BRK);
  }

  /** The areas as the machine has them. */
  #resync(space: Space, mm: number): void {
    const core = this.#core;
    const before = space.areas;
    space.areas = [];
    for (const { start, end, flags, vma } of this.#vmas(mm)) {
      const at = core.getU32(vma + VMA_FILE);
      const ino = at === 0 ? 0 : core.getU32(core.getU32(at + FILE_INODE) + INODE_INO);
      const old = before.find((area) => area.start < end && area.end > start);
      const scratch = start * PAGE < SCRATCH + 0x4000 && end * PAGE > SCRATCH;
      space.areas.push({
        start,
        end,
        prot: flags & 7,
        shared: (flags & (VM.SHARED | VM.MAYSHARE)) !== 0,
        store: this.stores.get(ino) ?? old?.store,
        offset: core.getNumber(vma + VMA_PGOFF),
        grows: (flags & VM.GROWSDOWN) !== 0,
        dontCopy: (flags & VM.DONTCOPY) !== 0,
        wild: scratch || (flags & VM.DONTEXPAND) !== 0,
        readOnly: (flags & (VM.MAYSHARE | VM.MAYWRITE)) === VM.MAYSHARE,
      });
    }
    for (const page of [...space.own.keys()]) if (!space.find(page)) space.own.delete(page);
  }

  /** Each address has the same area in the machine and in the model, however they are cut. */
  #compareAreas(process: Process, mm: number): void {
    const core = this.#core;
    const { areas } = process.space;
    let i = 0;
    let [at, seen] = [0, 0];
    for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
      const start = core.getNumber(vma + VMA_START) / PAGE;
      const end = core.getNumber(vma + VMA_END) / PAGE;
      const flags = core.getU32(vma + VMA_FLAGS);
      for (at = start; at < end; ) {
        while (i < areas.length && (areas[i] as Area).end <= at) i++;
        const area = areas[i];
        if (!area || area.start > at || (flags & 7) !== area.prot) {
          this.#bad(
            `V: page ${hex(at)} of process ${process.pid} is in an area (flags ${hex(flags)}) that it should not be in`,
          );
          return;
        }
        const fileAt = core.getU32(vma + VMA_FILE);
        const ino = fileAt === 0 ? 0 : core.getU32(core.getU32(fileAt + FILE_INODE) + INODE_INO);
        const offset = core.getNumber(vma + VMA_PGOFF) + at - start;
        const theirs = area.store?.ino ?? 0;
        if (theirs !== 0 && (ino !== theirs || offset !== area.offset + at - area.start)) {
          this.#bad(`V4: page ${hex(at)} of process ${process.pid} is of another place`);
          return;
        }
        const next = Math.min(end, area.end);
        seen += next - at;
        at = next;
      }
    }
    const all = areas.reduce((n, area) => n + area.end - area.start, 0);
    if (all !== seen) {
      this.#bad(`V: process ${process.pid} has ${seen} pages of areas, the model ${all}`);
    }
  }

  readonly #pagesSeen = new Int32Array(NR_MMS);

  /** Every page that is in memory holds what the model says, and none of the model's is lost. */
  #lookAtPages(): void {
    const { sweeper } = this;
    const core = this.#core;
    const zero = core.getU32(ZERO_PFN);
    this.#pagesSeen.fill(0);
    let [lastMm, area] = [0, undefined as Area | undefined];
    for (let i = 0; i < sweeper.leaves; i++) {
      const mm = ((sweeper.leafMm[i] as number) - MMS) / MM_SIZE_OF;
      const space = this.#spaces[mm];
      if (!space) continue;
      const page = (sweeper.leafVa[i] as number) / PAGE;
      const pfn = sweeper.leafPfn[i] as number;
      if (mm !== lastMm || !area || page < area.start || page >= area.end) area = space.find(page);
      lastMm = mm;
      if (!area) continue;
      const anon = (core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS) & PG.anon) !== 0;
      if (area.wild) {
        if (space.own.has(page)) this.#pagesSeen[mm] = (this.#pagesSeen[mm] as number) + 1;
        continue;
      }
      const own = area.shared ? undefined : space.own.get(page);
      const at = RAM_BASE + pfn * PAGE;
      if (space.adopt && anon) {
        space.own.set(page, core.bytes.slice(at, at + PAGE));
      } else {
        const expected =
          own ?? (area.store ? area.store.page(area.offset + page - area.start) : ZEROS);
        if (this.#memory.compare(expected, 0, PAGE, at, at + PAGE) !== 0) {
          this.#differs(page, pfn, expected);
        }
        // A private copy that nobody has written yet: the file may change under it from now on.
        if (anon && !own && area.store) space.own.set(page, expected);
      }
      if (anon || (own && pfn === zero)) {
        this.#pagesSeen[mm] = (this.#pagesSeen[mm] as number) + (space.own.has(page) ? 1 : 0);
      }
    }
    this.#lookAtSwapped();
    for (let mm = 0; mm < NR_MMS; mm++) {
      const space = this.#spaces[mm];
      if (!space) continue;
      space.adopt = false;
      if (space.own.size !== this.#pagesSeen[mm]) this.#lost(mm, space);
    }
  }

  /** S3: a page in swap, too, holds what the model says. */
  #lookAtSwapped(): void {
    for (const { mm: at, va, slot } of this.sweeper.swapped) {
      const mm = (at - MMS) / MM_SIZE_OF;
      const space = this.#spaces[mm];
      const page = va / PAGE;
      const area = space?.find(page);
      if (!space || !area) continue;
      const bytes = this.sweeper.swapSlotAt(slot);
      const own = space.own.get(page);
      if (space.adopt) {
        space.own.set(page, this.#core.bytes.slice(bytes, bytes + PAGE));
      } else if (!area.wild) {
        const expected =
          own ?? (area.store ? area.store.page(area.offset + page - area.start) : ZEROS);
        if (this.#memory.compare(expected, 0, PAGE, bytes, bytes + PAGE) !== 0) {
          this.#bad(`S3: page ${hex(page)}, in slot ${slot}, does not hold what was written`);
        }
        if (!own && area.store) space.own.set(page, expected);
      }
      if (space.own.has(page)) this.#pagesSeen[mm] = (this.#pagesSeen[mm] as number) + 1;
    }
  }

  #differs(page: number, pfn: number, expected: Uint8Array): void {
    const at = RAM_BASE + pfn * PAGE;
    let i = 0;
    while (i < PAGE && this.#core.getU8(at + i) === expected[i]) i++;
    const found = [...this.#core.bytes.subarray(at + i, at + i + 8)];
    this.#bad(
      `K2: page ${hex(page)}, in frame ${hex(pfn)}, holds ${found} at byte ${i}, not ${[...expected.subarray(i, i + 8)]}`,
    );
  }

  /** A page that was written is not there any more. */
  #lost(mm: number, space: Space): void {
    const { sweeper } = this;
    const there = new Set<number>();
    for (const { mm: at, va } of sweeper.swapped) {
      if ((at - MMS) / MM_SIZE_OF === mm) there.add(va / PAGE);
    }
    for (let i = 0; i < sweeper.leaves; i++) {
      if (((sweeper.leafMm[i] as number) - MMS) / MM_SIZE_OF !== mm) continue;
      const flags = FRAMES + (sweeper.leafPfn[i] as number) * PAGE_SIZE_OF + PAGE_FLAGS;
      if (this.#core.getU32(flags) & PG.anon) there.add((sweeper.leafVa[i] as number) / PAGE);
    }
    for (const page of space.own.keys()) {
      if (!there.has(page)) this.#bad(`K2: page ${hex(page)} of ASID ${mm + 1} has lost its frame`);
    }
  }

  /** F7, F10: nobody writes to a free frame, or to the page of zeros. */
  #lookAtFree(): void {
    const core = this.#core;
    const memory = this.#memory;
    for (let pfn = 1; pfn < this.#poisoned.length; pfn++) {
      const at = RAM_BASE + pfn * PAGE;
      if ((core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS) & PG.free) === 0) {
        this.#poisoned[pfn] = 0;
      } else if (this.#poisoned[pfn] === 0) {
        memory.fill(0xa5, at, at + PAGE);
        this.#poisoned[pfn] = 1;
      } else if (memory.compare(POISON, 0, PAGE, at, at + PAGE) !== 0) {
        // Unless it was somebody's for a moment.
        if (!this.#logHas(Ev.PageAlloc, (a) => a === pfn)) {
          this.#bad(`F7: the free frame ${hex(pfn)} was written`);
        }
        this.#poisoned[pfn] = 0;
      }
    }
    const zeros = RAM_BASE + core.getU32(ZERO_PFN) * PAGE;
    if (memory.compare(ZEROS, 0, PAGE, zeros, zeros + PAGE) !== 0) {
      this.#bad("F10: the page of zeros was written");
    }
  }
}

/** Descriptors that every process has: /data0 for both, /data0 for reading, /data1. */
export const FD_DATA0 = 3;
export const FD_READ_ONLY = 4;
export const FD_DATA1 = 5;
// For writing only once files can be written.
const DESCRIPTORS = [
  [FD_DATA0, DATA0, 0],
  [FD_READ_ONLY, DATA0, 0],
  [FD_DATA1, DATA1, 0],
] as const;
