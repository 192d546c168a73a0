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
import { Before, refusals } from "./refusals.ts";
import { forbids, inGuardGap, mustGrow, type StackLimits, stackAbove } from "./stack-rules.ts";

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
  MM_PGD,
  MM_SIZE_OF,
  MMS,
  NR_FREE,
  NR_MMS,
  WMARK_HIGH,
  WMARK_MIN,
  NR_TASKS,
  PAGE_FLAGS,
  PAGE_REFCOUNT,
  PAGE_SIZE_OF,
  PG,
  VM_EVENTS,
  VmEvent,
  SWAP_MAP_AT,
  SWAP_SLOT_SIZE,
  RAM_BASE,
  RUN_LOG_READ,
  RUN_SEEDED,
  RUN_STOP_INSTRET,
  StopReason,
  TASK_EXIT_SIGNAL,
  TASK_MM,
  TASK_PID,
  TASK_REGS,
  TASK_RESTARTED,
  TASK_RLIMITS,
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
export const REFUSED = 1004; // [, n]: one of the calls that must be refused
const TOUCHES = [LOAD, STORE, FETCH];

export const SYS = {
  dup: 23,
  ftruncate: 46,
  openat: 56,
  close: 57,
  pread64: 67,
  pwrite64: 68,
  sync: 81,
  fsync: 82,
  exit_group: 94,
  sched_yield: 124,
  kill: 129,
  sigaltstack: 132,
  rt_sigaction: 134,
  rt_sigreturn: 139,
  brk: 214,
  munmap: 215,
  mremap: 216,
  clone: 220,
  execve: 221,
  mmap: 222,
  fadvise64: 223,
  mprotect: 226,
  msync: 227,
  mlock: 228,
  munlock: 229,
  mincore: 232,
  madvise: 233,
  wait4: 260,
} as const;

/** After these a stack may begin lower because it is another one; they touch nothing below one. */
const MAKES_STACKS: number[] = [SYS.execve, SYS.mmap, SYS.mremap];

/** fork(2). */
export const FORK: Op = [SYS.clone, 17, 0, 0, 0, 0];

/** The settings a run may choose. */
export type Settings = Partial<Record<keyof typeof Conf, number>>;

// The program. Each instruction of use is followed by ones that do nothing for ever.
const TEXT = 0x401000;
const idle = [addi(zero, zero, 0), jal(zero, -4)];
const [PAD, ECALL, LD, SD, HANDLER] = [TEXT, TEXT + 16, TEXT + 32, TEXT + 48, TEXT + 64];
const gadgets = code(
  ...[...idle, 0, 0],
  ...[ecall, ...idle, 0],
  ...[ld(a0, a0, 0), ...idle, 0],
  ...[sd(a1, a0, 0), ...idle, 0],
  ...[...idle, 0, 0],
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
strings.set(text("/text"), 48);
/** Calls that are always refused. */
export const REFUSALS = refusals(SCRATCH);
/** Of these Linux may have done a part, or a stack has grown to what could then not be used. */
const IN_PART: number[] = [
  SYS.mprotect,
  SYS.madvise,
  SYS.mlock,
  SYS.mremap,
  SYS.pread64,
  SYS.pwrite64,
];
/** struct sigaction of the handler, and the stack it runs on. */
export const SIGACTION = SCRATCH + 128;
export const SIGSTACK = SCRATCH + 160;
const STACK = SCRATCH + 0x2000;
const STACK_SIZE = 0x2000;
/** Where the stack pointer is while no handler runs. */
const SP = SCRATCH + 0x1ff0;
const SA_FLAGS = 0x4 | 0x8000000 | 0x40000000; // SIGINFO, ONSTACK, NODEFER
const words: [number, number][] = [
  [ARGV, PROGRAM],
  [SIGACTION, HANDLER],
  [SIGACTION + 8, SA_FLAGS],
  [SIGSTACK, STACK],
  [SIGSTACK + 16, STACK_SIZE],
];
for (const [at, word] of words) {
  new DataView(strings.buffer).setBigUint64(at - SCRATCH, BigInt(word), true);
}
const ENOMEM = 12;
const RLIMIT_STACK = 3;
const [SIGILL, SIGBUS, SIGKILL, SIGUSR1, SIGSEGV] = [4, 7, 9, 10, 11];
/** Of struct rt_sigframe: si_code, si_addr, and the pc of the saved registers. */
const FRAME = { code: 8, addr: 16, pc: 128 + 176 };
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

/** Of /data0 and /data1, before they are written to. */
const FILES = [cells(5 * PAGE + 776, 1_000_000), cells(9 * PAGE, 2_000_000)] as const;

const POISON = new Uint8Array(PAGE).fill(0xa5);

interface Process {
  pid: number;
  /** Address of its task_struct. */
  task: number;
  space: Space;
  /** A system call that waits. */
  waiting: Op | undefined;
  /** A handler runs, and this is its frame; 0 when none does. */
  frame: number;
  /** It was sent SIGKILL. */
  doomed: boolean;
  /** Signals that it has a handler for. */
  handlers: Set<number>;
}

const named = (op: Op) => JSON.stringify(op[0] === REFUSED ? REFUSALS[op[1] as number] : op);
const hex = (n: number) => `0x${n.toString(16)}`;

/** What a store found: a page that only its process has, and how much was swapped out so far. */
interface Alone {
  pfn: number;
  swappedOut: number;
}

export class RandomMachine {
  /** nr_free before this event. */
  #freeBefore = 0;
  /** Of the store that is under way. */
  #alone: Alone | null = null;
  readonly linux: Linux;
  /** Which seeded bug is at work; 0 for none. */
  seeded = 0;
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
    this.#before = new Before(this.#core);
  }

  get core(): Core {
    return this.#core;
  }

  /** Powers on with `settings`, up to the program's first instruction. */
  boot(settings: Settings): void {
    this.linux.boot({
      root: directory({
        prog: file(program, 0o755),
        text: file(text("no program"), 0o755),
        data0: file(FILES[0], 0o666),
        data1: file(FILES[1], 0o666),
      }),
      path: "/prog",
      conf: settings,
    });
    this.#core.setU32(RUN_SEEDED, this.seeded);
    this.#limits = {
      gap: this.#core.conf(Conf.stack_guard_gap),
      rlimit: 0,
      lowest: this.#core.conf(Conf.vm_mmap_min_addr) / PAGE,
    };
    this.#memory = Buffer.from(this.#core.bytes.buffer);
    this.#poisoned = new Uint8Array(this.#core.conf(Conf.ram_frames));
    this.processes.clear();
    this.stores.clear();
    this.sweeper.apart.clear();
    this.#kills = 0;
    this.wrong = [];
    this.ended = false;
    const inodes = this.linux.inodes;
    const bytes: Record<string, Uint8Array | undefined> = {
      "/prog": program,
      "/data0": FILES[0],
      "/data1": FILES[1],
    };
    for (const [path, ino] of inodes) {
      const content = bytes[path];
      if (content) this.stores.set(ino, new Store(ino, content));
    }
    this.#run();
    const task = this.#core.getU32(CURRENT);
    const pid = this.#core.getU32(task + TASK_PID);
    this.processes.set(task, {
      pid,
      task,
      space: new Space(),
      waiting: undefined,
      frame: 0,
      doomed: false,
      handlers: new Set(),
    });
    if (!this.ended) this.#look();
    this.#readOnly.clear();
    for (const [fd, path, mode] of DESCRIPTORS) {
      if (mode === 0) this.#readOnly.add(fd);
      this.#prologue([SYS.openat, -100, path, mode, 0], fd);
    }
    this.#install();
  }

  /** The handler of the signals that a fault raises; execve forgets it. */
  #install(): void {
    this.#prologue([SYS.sigaltstack, SIGSTACK, 0], 0);
    for (const signo of [SIGILL, SIGBUS, SIGUSR1, SIGSEGV]) {
      this.#prologue([SYS.rt_sigaction, signo, SIGACTION, 0, 8], 0);
    }
  }

  #prologue(op: Op, answer: number): void {
    if (this.wrong.length > 0 || this.ended) return;
    this.step(op);
    if (this.answer !== answer) this.#bad(`boot: ${op} answered ${this.answer}`);
  }

  /** The process that has the hart. */
  get current(): Process {
    const process = this.processes.get(this.#core.getU32(CURRENT));
    if (!process) throw new Error("the hart belongs to nobody the model knows");
    return process;
  }

  readonly #before: Before;
  /** Who made the call of this event, while nothing else was asked of it. */
  #caller: Process | undefined;

  /** One event. @returns what is wrong after it: nothing, it is hoped. */
  step(op: Op): string[] {
    this.events++;
    const core = this.#core;
    this.#logged = core.getU32(LOG_SEQ);
    this.#freeBefore = core.getU32(NR_FREE);
    // More events than half the ring has room for are too many for one step.
    core.setU32(RUN_LOG_READ, this.#logged);
    if (op[0] === DROP_CACHES) {
      core.dropCaches();
      this.#look();
      return this.wrong;
    }
    const me = this.current;
    if (me.waiting) return this.#again(me);
    if (op[0] === SYS.rt_sigreturn) {
      // It would go back to where it was, and fault again.
      const pc = this.address(me, me.frame + FRAME.pc);
      if (me.frame === 0 || pc === 0) return this.wrong;
      core.setNumber(pc, PAD);
    }
    const verdict = this.#verdict(me.space, op);
    const call = !TOUCHES.includes(op[0] as number);
    if (call) this.#before.take(me.task, op[0] === REFUSED);
    this.#caller = call ? me : undefined;
    const start = this.#inject(op[0] === REFUSED ? (REFUSALS[op[1] as number] as Op) : op);
    this.#run();
    if (this.wrong.length > 0) return this.wrong;
    this.#killings();
    this.#outcome(me, op, start, verdict);
    for (const process of this.processes.values()) {
      if (process.waiting && process !== me) this.#waited(process);
    }
    this.#reserve();
    if (!this.ended) this.#look();
    return this.wrong;
  }

  /** It has the hart back and makes its call again: nothing is asked of it. */
  #again(me: Process): string[] {
    this.#caller = undefined;
    this.#run();
    if (this.wrong.length > 0) return this.wrong;
    this.#killings();
    const makes = MAKES_STACKS.includes(me.waiting?.[0] as number);
    if (!makes && this.#mmOf(me) !== 0) this.#grown(me);
    for (const process of this.processes.values()) if (process.waiting) this.#waited(process);
    this.#reserve();
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
    this.#alone = nr === STORE ? this.#onlyUser(first) : null;
    if (nr === STORE) {
      core.bytes.set(cell(second), HART_X + a1 * 8);
      core.setNumber(HART_X + a0 * 8, first);
    } else if (TOUCHES.includes(nr)) {
      core.setNumber(HART_X + a0 * 8, first);
    } else {
      for (let i = 0; i < 6; i++) this.#setSigned(HART_X + (a0 + i) * 8, op[i + 1] ?? 0);
      core.setNumber(HART_X + 17 * 8, nr);
    }
    // Frames of signals go where nobody looks, on a stack of their own or on this one.
    if (nr !== SYS.rt_sigreturn) core.setNumber(HART_X + 16, SP);
    core.setNumber(HART_PC, pc);
    return pc;
  }

  /** The frame of the running process's private page at `va`, when nobody else has it. */
  #onlyUser(va: number): Alone | null {
    const core = this.#core;
    const me = this.processes.get(core.getU32(CURRENT));
    const at = me ? this.address(me, va) : 0;
    if (at === 0) return null;
    const pfn = Math.floor((at - RAM_BASE) / PAGE);
    const page = FRAMES + pfn * PAGE_SIZE_OF;
    const flags = core.getU32(page + PAGE_FLAGS);
    const alone = core.getU32(page + PAGE_REFCOUNT) === 1;
    if (!(flags & PG.anon) || flags & PG.swapcache || !alone) return null;
    return { pfn, swappedOut: this.#swappedOut() };
  }

  #swappedOut(): number {
    return this.#core.getNumber(VM_EVENTS + VmEvent.PSWPOUT * 8);
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
      if (reason === StopReason.Log) {
        this.wrong.push(...this.sweeper.sweep());
        this.#bad("assert: the kernel goes round in circles");
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
      if (op[0] === SYS.clone) this.#orphan(me);
      // Who shares its memory has the stack as it grew.
      const heir = [...this.processes.values()].find(({ space }) => space === me.space);
      if (heir) this.#grown(heir);
      if (verdict === Verdict.noArea) verdict = this.#verdict(me.space, op);
      if (op[0] !== SYS.exit_group && !me.doomed) this.#killed(me, op, verdict);
      return;
    }
    const pc = core.getNumber(this.#register(me, 0));
    me.frame = 0;
    if (pc >= HANDLER && pc < HANDLER + 12) {
      this.#signalled(me, op, verdict);
      return;
    }
    if (pc === start) {
      // It waits, or lost its turn before it began.
      this.#grown(me);
      if (core.getU32(me.task + TASK_RESTARTED) !== 0) me.waiting = op;
      else core.setNumber(this.#register(me, 0), PAD);
      return;
    }
    this.#done(me, op, verdict);
  }

  #kills = 0;

  /** Whom the kernel has chosen to die for want of memory: what it had may be gone already. */
  #killings(): void {
    const kills = this.#core.getU32(VM_EVENTS + VmEvent.OOM_KILL * 8);
    if (kills === this.#kills) return;
    this.#kills = kills;
    for (const process of this.processes.values()) {
      if (!this.#logHas(Ev.OomKill, (pid) => pid === process.pid)) continue;
      process.space.reaped = true;
      for (const other of this.processes.values()) {
        if (other.space === process.space) other.doomed = true;
      }
    }
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
    if (!MAKES_STACKS.includes(op[0] as number) || answer < 0) this.#grown(me);
    if (TOUCHES.includes(op[0] as number)) this.#touched(me, op, verdict);
    else this.#answered(me, op, answer);
    if (me === this.#caller && answer < 0) this.#asBefore(op, answer);
    this.#core.setNumber(this.#register(me, 0), PAD);
  }

  /** V6: the call was refused, and has changed nothing. */
  #asBefore(op: Op, answer: number): void {
    if (this.#logHas(Ev.OomKill, () => true)) return;
    const changed = this.#before.changed(!IN_PART.includes(op[0] as number));
    if (changed) this.#bad(`V6: ${named(op)} answered ${answer}, and changed ${changed}`);
  }

  #touched(me: Process, op: Op, verdict: Verdict): void {
    const [nr, va, tag] = op as [number, number, number];
    if (verdict === Verdict.noArea) verdict = this.#verdict(me.space, op);
    const what = `${nr === LOAD ? "a load" : nr === STORE ? "a store" : "a fetch"} at ${hex(va)}`;
    if (verdict !== Verdict.ok) {
      this.#bad(`K2: ${what} of process ${me.pid} went through`);
      return;
    }
    if (nr === STORE) {
      me.space.write(va, cell(tag));
      this.#reused(me, va, what);
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

  /** K3: who has a page alone keeps its frame when it writes. */
  #reused(me: Process, va: number, what: string): void {
    const alone = this.#alone;
    const at = this.address(me, va);
    // A page that was out in the meantime comes back where there is room.
    if (!alone || at === 0 || alone.swappedOut !== this.#swappedOut()) return;
    const pfn = Math.floor((at - RAM_BASE) / PAGE);
    if (pfn !== alone.pfn) {
      this.#bad(
        `K3: ${what} of process ${me.pid} copied frame ${hex(alone.pfn)}, which it had alone`,
      );
    }
  }

  /** A signal ended it. */
  #killed(me: Process, op: Op, verdict: Verdict): void {
    const core = this.#core;
    const signal = core.getU32(me.task + TASK_EXIT_SIGNAL);
    const what = `${JSON.stringify(op)} of process ${me.pid}`;
    if (op[0] === SYS.kill && signal === op[2] && !me.handlers.has(signal)) return;
    if (signal === SIGKILL && this.#outOfMemory()) return;
    // Past the point of no return, and no memory for the new program.
    if (op[0] === SYS.execve && this.#logHas(Ev.Exec, (_, __, errno) => errno === ENOMEM)) return;
    const [nr, va] = op as [number, number];
    if (!TOUCHES.includes(nr)) {
      this.#bad(`K2: ${what} ended in signal ${signal}`);
      return;
    }
    const expected = verdict === Verdict.pastEnd ? SIGBUS : SIGSEGV;
    const content = me.space.read(va, 4);
    if (me.handlers.has(signal)) {
      if (!this.#outOfMemory()) this.#bad(`K2: ${what} died of signal ${signal} that it handles`);
      return;
    }
    if (nr === FETCH && verdict === Verdict.ok && (content[0] as number) === 0 && signal === 4)
      return;
    if (verdict === Verdict.ok || signal !== expected) {
      this.#bad(`K2: ${what} ended in signal ${signal}, the model says ${verdict}`);
      return;
    }
    const [code, at] = [
      core.getI32(me.task + TASK_SI_CODE),
      core.getNumber(me.task + TASK_SI_ADDR),
    ];
    // The stack may have grown to where it was then not allowed; its areas are gone.
    const grew = code === 2 && stackAbove(me.space, Math.floor(va / PAGE)) !== undefined;
    this.#checkInfo(what, va, grew ? Verdict.denied : verdict, code, at);
    this.#refusedToGrow(me, va, grew ? Verdict.denied : verdict);
  }

  /** V5: there was nothing there, and a stack above it could have grown to it. */
  #refusedToGrow(me: Process, va: number, verdict: Verdict): void {
    if (verdict !== Verdict.noArea || this.#outOfMemory()) return;
    // The second of two pages, perhaps.
    const page = Math.floor(me.space.find(Math.floor(va / PAGE)) ? (va + 7) / PAGE : va / PAGE);
    if (mustGrow(me.space, page, this.#stackLimits(me))) {
      this.#bad(`V5: the stack of process ${me.pid} did not grow down to page ${hex(page)}`);
    }
  }

  /** A handler runs: was the signal the right one? */
  #signalled(me: Process, op: Op, verdict: Verdict): void {
    const signo = this.#result(me);
    const sp = this.#core.getNumber(this.#register(me, 2));
    const what = `${JSON.stringify(op)} of process ${me.pid}`;
    me.frame = sp;
    if (op[0] === SYS.kill && signo === op[2]) return;
    const [nr, va] = op as [number, number];
    this.#grown(me);
    if (verdict === Verdict.noArea) verdict = this.#verdict(me.space, op);
    const zeros = nr === FETCH && verdict === Verdict.ok && me.space.read(va, 1)[0] === 0;
    const expected = zeros ? SIGILL : verdict === Verdict.pastEnd ? SIGBUS : SIGSEGV;
    if (!TOUCHES.includes(nr) || (verdict === Verdict.ok && !zeros) || signo !== expected) {
      this.#bad(`K2: ${what} raised signal ${signo}, the model says ${verdict}`);
      return;
    }
    this.#refusedToGrow(me, va, verdict);
    const frame = this.address(me, sp);
    if (frame === 0) return;
    const code = this.#core.getI32(frame + FRAME.code);
    const at = this.#core.getNumber(frame + FRAME.addr);
    this.#checkInfo(what, va, verdict, code, at);
  }

  /** si_code and si_addr of a fault. */
  #checkInfo(what: string, va: number, verdict: Verdict, code: number, at: number): void {
    // SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR, ILL_ILLOPC
    const expected = [1, 1, 2, 2][verdict];
    const straddles = va % PAGE > PAGE - 8;
    if (code !== expected || (!straddles && at !== va)) {
      this.#bad(`K2: ${what} gave si_code ${code}, si_addr ${hex(at)}`);
    }
  }

  /** Where a byte of a process lies in linear memory, by its page tables; 0: not in memory. */
  address(process: Process, va: number): number {
    const core = this.#core;
    let pfn = core.getU32(this.#mmOf(process) + MM_PGD);
    for (let level = 2; level >= 0; level--) {
      const at = RAM_BASE + pfn * PAGE + (Math.floor(va / (PAGE * 512 ** level)) % 512) * 8;
      const low = core.getU32(at);
      if ((low & 1) === 0) return 0;
      pfn = low >>> 10;
    }
    return RAM_BASE + pfn * PAGE + (va % PAGE);
  }

  /** Did the kernel run out of memory in this event? */
  #outOfMemory(): boolean {
    if (this.#logHas(Ev.OomKill, () => true)) return true;
    if (this.#core.getU32(NR_FREE) <= this.#core.getU32(WMARK_HIGH)) return true;
    return this.#logHas(Ev.FaultDone, (_, how) => ((how >>> 16) & 0xff) === FaultKind.oom);
  }

  /** Has this event logged one of that kind? `is` is given the low word of a, both of b. */
  #logHas(kind: number, is: (a: number, high: number, low: number) => boolean): boolean {
    const core = this.#core;
    const end = core.getU32(LOG_SEQ);
    for (let seq = Math.max(this.#logged, end - LOG_NR); seq < end; seq++) {
      const at = LOG_BASE + (seq % LOG_NR) * LOG_RECORD;
      if (core.getU32(at + 4) !== kind) continue;
      if (is(core.getU32(at + 8), core.getU32(at + 20), core.getU32(at + 16))) return true;
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
        else this.#resync(space, this.#mmOf(me)); // areas before the one that refused
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
        this.#remapped(space, [page, pages], [Math.floor(answer / PAGE), newPages], d);
        return;
      }
      case SYS.clone:
        if (answer > 0) this.#forked(me, a, answer);
        return;
      case SYS.execve:
        if (answer < 0) return;
        me.space = new Space();
        me.handlers.clear();
        return;
      case SYS.rt_sigaction:
        if (answer === 0 && b === SIGACTION) me.handlers.add(a);
        return;
      case SYS.kill:
        for (const process of this.processes.values()) {
          if (process.pid === a && b === SIGKILL) process.doomed = true;
        }
        return;
      case REFUSED:
        if (answer >= 0) this.#bad(`V6: ${named(op)} was not refused, but answered ${answer}`);
        return;
      case SYS.ftruncate:
        if (answer === 0) this.#truncated(a, b);
        else if (!this.#readOnly.has(a)) this.#bad(`V6: ftruncate answered ${answer}`);
        return;
      case SYS.pwrite64:
        this.#wrote(me, op, answer);
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
    const chosen = flags & 0x100010 ? undefined : inGuardGap(space, start + pages, this.#limits);
    if (chosen) this.#bad(chosen);
    space.unmap(start, start + pages);
    const anonymous = (flags & 0x20) !== 0;
    const shared = (flags & 3) !== 2;
    const store = anonymous ? (shared ? new Store(0, pages * PAGE) : undefined) : this.#opened(fd);
    space.map({
      start,
      end: start + pages,
      prot: prot & 7,
      shared,
      store,
      offset: anonymous ? 0 : offset / PAGE,
      grows: (flags & 0x100) !== 0,
      dontCopy: false,
      wipe: false,
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
    } else if (advice === 18 || advice === 19) {
      space.change(start, end, (area) => ({ ...area, wipe: advice === 18 }));
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
    const near = inGuardGap(space, after, this.#limits, 1);
    if (near) this.#bad(near);
    space.map({
      start: before,
      end: after,
      prot: READ | WRITE,
      shared: false,
      store: undefined,
      offset: 0,
      grows: false,
      dontCopy: false,
      wipe: false,
      wild: false,
      readOnly: false,
    });
  }

  #remapped(space: Space, old: [number, number], now: [number, number], flags: number): void {
    const [[page, pages], [to, newPages]] = [old, now];
    const [fixed, keep] = [(flags & 2) !== 0, (flags & 4) !== 0];
    if (to !== page) {
      const chosen = fixed ? undefined : inGuardGap(space, to + newPages, this.#limits);
      if (chosen) this.#bad(chosen);
      // What it leaves behind has lost its anon_vma, and is not joined again (nor in Linux).
      if (keep) this.sweeper.apart.add(page * PAGE).add((page + pages) * PAGE);
      space.move(page, pages, to, newPages, keep);
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

  /** Who forked was killed in the same event: is there a child nobody has been told of? */
  #orphan(me: Process): void {
    for (let i = 0; i < NR_TASKS; i++) {
      const task = TASKS + i * TASK_SIZE_OF;
      const state = this.#core.getU32(task + TASK_STATE);
      if (state === TaskState.unused || state === TaskState.dead) continue;
      const pid = this.#core.getU32(task + TASK_PID);
      if (pid > me.pid && !this.processes.has(task)) this.#forked(me, 0, pid);
    }
  }

  #forked(me: Process, flags: number, pid: number): void {
    for (let i = 0; i < NR_TASKS; i++) {
      const task = TASKS + i * TASK_SIZE_OF;
      const before = this.processes.get(task);
      if (this.#core.getU32(task + TASK_PID) !== pid || before?.pid === pid) continue;
      // Somebody died in the same event, and left the slot.
      if (before) this.#gone(before);
      const space = flags & 0x100 ? me.space : me.space.fork();
      this.processes.set(task, {
        pid,
        task,
        space,
        waiting: undefined,
        frame: 0,
        doomed: false,
        handlers: new Set(me.handlers),
      });
      // It may have been chosen to die while it was made.
      this.#kills = -1;
      this.#killings();
      return;
    }
  }

  #read(me: Process, fd: number, to: number, count: number, from: number, answer: number): void {
    const store = this.#opened(fd) as Store;
    const there = Math.max(0, Math.min(count, store.size - from));
    if (answer < 0) {
      if (there > 0 && me.space.allows(to, there, WRITE) && !this.#outOfMemory()) {
        this.#bad(`K2: pread64 to ${hex(to)} answered ${answer}`);
      }
      return;
    }
    if (answer > there) {
      this.#bad(`K2: pread64 gave ${answer} bytes of ${there}`);
      return;
    }
    if (answer < there && me.space.allows(to, there, WRITE) && !this.#outOfMemory()) {
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

  #truncated(fd: number, size: number): void {
    const store = this.#opened(fd) as Store;
    const shorter = size < store.size;
    store.truncate(size);
    if (!shorter) return;
    for (const { space } of this.processes.values()) space.truncated(store);
  }

  /** As the kernel does it: a page of the file at a time, each read before it is written. */
  #wrote(me: Process, op: Op, answer: number): void {
    const [, fd, from, count, to] = op as [number, number, number, number, number];
    const store = this.#opened(fd) as Store;
    const readable = me.space.allows(from, count, READ);
    if (answer < 0) {
      const excused = [-12, -28].includes(answer) || this.#readOnly.has(fd);
      if (readable && !excused) this.#bad(`K2: pwrite64 answered ${answer}`);
      return;
    }
    if (answer < count && readable && !this.#logHas(Ev.FaultDone, () => true)) {
      this.#bad(`K2: pwrite64 wrote ${answer} bytes of ${count}`);
    }
    for (let done = 0; done < answer; ) {
      const chunk = Math.min(PAGE - ((to + done) % PAGE), answer - done);
      store.write(to + done, me.space.read(from + done, chunk));
      done += chunk;
    }
  }

  // ------------------------------------------------------------------------- looking

  /** Sweeps, and compares the machine with the model. */
  /** F9: the last frames, below `min`, are for those who die and for reclaim itself. */
  #reserve(): void {
    const core = this.#core;
    const min = core.getU32(WMARK_MIN);
    const dying = [...this.processes.values()].some(({ doomed }) => doomed);
    const least = dying || this.#logHas(Ev.OomKill, () => true) ? Math.floor(min / 2) : min;
    let free = this.#freeBefore;
    const end = core.getU32(LOG_SEQ);
    for (let seq = Math.max(this.#logged, end - LOG_NR); seq < end; seq++) {
      const at = LOG_BASE + (seq % LOG_NR) * LOG_RECORD;
      const kind = core.getU32(at + 4);
      if (kind === Ev.PageFree) free++;
      if (kind !== Ev.PageAlloc) continue;
      if (free <= least && core.getU32(at + 16) & PG.anon) {
        this.#bad(`F9: a private page was given when ${free} frames were free, min is ${min}`);
        return;
      }
      free--;
    }
    if (end - this.#logged < LOG_NR && free !== core.getU32(NR_FREE)) {
      this.#bad(`F9: the log leaves ${free} frames free, nr_free is ${core.getU32(NR_FREE)}`);
    }
  }

  #look(): void {
    const wrong = this.sweeper.sweep();
    if (wrong.length > 0) this.wrong.push(...wrong);
    this.#lookAtTasks();
    this.#spaces.length = 0;
    for (const process of this.processes.values()) {
      const mm = this.#mmOf(process);
      const { space } = process;
      if (space.adopt) this.#adopt(space, mm);
      else if (space.reaped) continue;
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
      if (!lives && known) this.#gone(known);
    }
  }

  #gone(process: Process): void {
    this.processes.delete(process.task);
    this.#cutShort(process);
    if (!process.doomed && !this.#outOfMemory()) {
      this.#bad(`K: process ${process.pid} is gone, and did not end`);
    }
  }

  /** It died while it read: whoever shares its memory has what was read by then. */
  #cutShort(process: Process): void {
    const [nr, , to, count] = (process.waiting ?? []) as [number, number, number, number];
    const heir = [...this.processes.values()].find(({ space }) => space === process.space);
    if (nr !== SYS.pread64 || !heir) return;
    for (let page = Math.floor(to / PAGE); page * PAGE < to + count; page++) {
      const at = this.address(heir, page * PAGE);
      if (at !== 0) heir.space.own.set(page, this.#core.bytes.slice(at, at + PAGE));
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

  /** Of this run, for a process of which nothing else is known. */
  #limits: StackLimits = { gap: 0, rlimit: 0, lowest: 0 };

  #stackLimits(process: Process): StackLimits {
    const soft = process.task + TASK_RLIMITS + RLIMIT_STACK * 16;
    return { ...this.#limits, rlimit: Math.floor(this.#core.getNumber(soft) / PAGE) };
  }

  /** A stack may have grown down to what was touched; the kernel says how far. */
  #grown(process: Process): void {
    const { space } = process;
    if (space.adopt || space.reaped) return;
    for (const { start, end, flags } of this.#vmas(this.#mmOf(process))) {
      if ((flags & VM.GROWSDOWN) === 0) continue;
      const area = stackAbove(space, start);
      if (!area || area.start >= end) continue;
      const forbidden = forbids(space, start, end, this.#stackLimits(process));
      if (forbidden) {
        this.#bad(`V5: a stack grew down to page ${hex(start)} in spite of ${forbidden}`);
      }
      space.areas[space.areas.indexOf(area)] = { ...area, start };
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
        wipe: (flags & VM.WIPEONFORK) !== 0,
        wild: scratch || (flags & VM.DONTEXPAND) !== 0,
        readOnly: (flags & (VM.MAYSHARE | VM.MAYWRITE)) === VM.MAYSHARE,
      });
    }
    for (const page of [...space.own.keys()]) if (!space.find(page)) space.own.delete(page);
  }

  /** Each address has the same area in the machine and in the model, however they are cut. */
  #compareAreas(process: Process, mm: number): void {
    const core = this.#core;
    const { areas, brk } = process.space;
    if (core.getNumber(mm + MM_BRK) !== brk) {
      this.#bad(`V5: the heap of process ${process.pid} does not end at ${hex(brk)}`);
    }
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
    const unsure = this.#beingRead();
    this.#unsure = unsure;
    for (let i = 0; i < sweeper.leaves; i++) {
      const mm = ((sweeper.leafMm[i] as number) - MMS) / MM_SIZE_OF;
      const space = this.#spaces[mm];
      if (!space) continue;
      const page = (sweeper.leafVa[i] as number) / PAGE;
      const pfn = sweeper.leafPfn[i] as number;
      if (mm !== lastMm || !area || page < area.start || page >= area.end) area = space.find(page);
      lastMm = mm;
      if (!area || (unsure.length > 0 && unsure.includes(`${mm} ${page}`))) continue;
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
    for (const { mm, va, offset } of sweeper.swaps) this.#lookAtSlot(mm, va / PAGE, offset);
    for (let mm = 0; mm < NR_MMS; mm++) {
      const space = this.#spaces[mm];
      if (!space) continue;
      space.adopt = false;
      if (space.own.size !== this.#pagesSeen[mm]) this.#lost(mm, space);
    }
  }

  #unsure: string[] = [];

  /** Pages that a read is about to fill, some of whose bytes are there already. */
  #beingRead(): string[] {
    const pages: string[] = [];
    for (const process of this.processes.values()) {
      const [nr, , to, count] = (process.waiting ?? []) as [number, number, number, number];
      if (nr !== SYS.pread64) continue;
      const mm = (this.#mmOf(process) - MMS) / MM_SIZE_OF;
      for (let page = Math.floor(to / PAGE); page * PAGE < to + count; page++) {
        pages.push(`${mm} ${page}`);
        if (process.space.own.has(page)) this.#pagesSeen[mm] = (this.#pagesSeen[mm] as number) + 1;
      }
    }
    return pages;
  }

  /** S3: a page in swap holds what it held, in memory or in its slot. */
  #lookAtSlot(mm: number, page: number, offset: number): void {
    const core = this.#core;
    const i = (mm - MMS) / MM_SIZE_OF;
    const space = this.#spaces[i];
    const area = space?.find(page);
    if (!space || !area) return;
    const own = space.own.get(page);
    if (this.#unsure.includes(`${i} ${page}`)) return;
    if (own) this.#pagesSeen[i] = (this.#pagesSeen[i] as number) + 1;
    if (area.wild) return;
    const record = core.getU32(SWAP_MAP_AT) + offset * SWAP_SLOT_SIZE;
    // In the cache, unless it could not be read into it.
    let pfn = this.inSwapCache(offset) ? core.getU32(record + 4) : 0;
    const flags = core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS);
    if (pfn === 0 || (flags & PG.uptodate) === 0) {
      pfn = core.conf(Conf.ram_frames) + core.conf(Conf.disk_blocks) + offset;
    }
    const at = RAM_BASE + pfn * PAGE;
    if (space.adopt) {
      space.own.set(page, core.bytes.slice(at, at + PAGE));
      this.#pagesSeen[i] = (this.#pagesSeen[i] as number) + 1;
      return;
    }
    const expected = own ?? space.content(page, area);
    if (this.#memory.compare(expected, 0, PAGE, at, at + PAGE) !== 0) {
      this.#differs(page, pfn, expected);
    }
    if (!own && area.store) {
      space.own.set(page, expected);
      this.#pagesSeen[i] = (this.#pagesSeen[i] as number) + 1;
    }
  }

  /** Is the page of a swap slot in memory as well? */
  inSwapCache(offset: number): boolean {
    const core = this.#core;
    return core.getU32(core.getU32(SWAP_MAP_AT) + offset * SWAP_SLOT_SIZE) >>> 16 !== 0;
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
    for (let i = 0; i < sweeper.leaves; i++) {
      if (((sweeper.leafMm[i] as number) - MMS) / MM_SIZE_OF !== mm) continue;
      const flags = FRAMES + (sweeper.leafPfn[i] as number) * PAGE_SIZE_OF + PAGE_FLAGS;
      if (this.#core.getU32(flags) & PG.anon) there.add((sweeper.leafVa[i] as number) / PAGE);
    }
    for (const swap of sweeper.swaps) {
      if ((swap.mm - MMS) / MM_SIZE_OF === mm) there.add(swap.va / PAGE);
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
const DESCRIPTORS = [
  [FD_DATA0, DATA0, 2],
  [FD_READ_ONLY, DATA0, 0],
  [FD_DATA1, DATA1, 2],
] as const;
