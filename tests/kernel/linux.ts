// A machine for the tests of the kernel: boots one program from a tree of files, runs it to its
// end, and says how that end would look to a parent under Linux.
import { readFileSync } from "node:fs";
import {
  BOOT_ERRNO,
  Conf,
  Ev,
  FRAMES,
  HART_INSTRET,
  HART_PENDING,
  HART_SCAUSE,
  HART_STVAL,
  LOG_BASE,
  LOG_NR,
  LOG_RECORD,
  LOG_SEQ,
  MARK_COUNT,
  OUT_BASE,
  OUT_POS,
  OUT_SIZE,
  PAGE_FLAGS,
  PAGE_SIZE,
  PG,
  RAM_BASE,
  RUN_FLAGS,
  RUN_LOG_READ,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  StopReason,
  TASKS,
  TASK_EXIT_CODE,
  TASK_EXIT_SIGNAL,
  TASK_MIN_FLT,
  TASK_SI_ADDR,
  TASK_SI_CODE,
} from "../../assembly/abi.ts";
import { Core } from "../../web/machine/core.ts";
import { type DirectoryNode, type MkfsOptions, mkfs } from "../../web/machine/mkfs.ts";

/** What a test gives; the rest is Linux's default. */
export interface Boot {
  root: DirectoryNode;
  path: string;
  argv?: string[];
  env?: string[];
  conf?: Partial<Record<keyof typeof Conf, number>>;
  disk?: MkfsOptions;
}

/** One record of the event log. */
export interface Event {
  kind: Ev;
  a: bigint;
  b: bigint;
  c: bigint;
}

/** A page fault as the processor reports it: scause and stval. */
export interface Fault {
  access: "X" | "R" | "W";
  va: number;
}

/** How a process ended. */
export interface End {
  /** As in tests/fixtures/elf-corpus/verdicts.tsv. */
  verdict: string;
  status: number;
  /** Signal number, 0 for none. */
  signal: number;
  stdout: string;
  stderr: string;
}

const DEFAULTS: Partial<Record<keyof typeof Conf, number>> = {
  ram_frames: 16384,
  tlb_entries: 32,
  tlb_ways: 32,
  uid: 65534,
  gid: 65534,
  seed: 1,
  vm_fault_around_bytes: 65536,
  vm_read_ahead_kb: 128,
  vm_mmap_min_addr: 65536,
  vm_overcommit_ratio: 50,
  vm_dirty_background_ratio: 10,
  vm_max_map_count: 65530,
  rlimit_stack: 8 << 20,
  stack_guard_gap: 256,
  epoch: 1104537600,
  sched_quantum: 100000,
  swap_blocks: 2048,
  vm_swappiness: 60,
  vm_page_cluster: 3,
  vm_watermark_scale_factor: 10,
  vm_pbitmap_early_fault: 1,
  vm_ra_max_pinned: 2 << 20,
};

const ERRNO: Record<number, string> = {
  2: "ENOENT",
  5: "EIO",
  7: "E2BIG",
  8: "ENOEXEC",
  12: "ENOMEM",
  13: "EACCES",
  20: "ENOTDIR",
  22: "EINVAL",
  36: "ENAMETOOLONG",
  40: "ELOOP",
  80: "ELIBBAD",
};
const SIGNAL: Record<number, string> = {
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
};
/** More than any test here causes. */
const EVENTS_MAX = 4_000_000;
const NEVER = Number.MAX_SAFE_INTEGER;
const NO_EXEC = -1n & 0xffffffffffffffffn;

/** Compiles a core. @param path of core.wasm */
export function loadCore(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}

/** One core; boot() may be called again and again. */
export class Linux {
  readonly core: Core;
  /** Of the disk: inode numbers by path. */
  inodes: ReadonlyMap<string, number> = new Map();
  #events: Event[] = [];
  #seen = 0;
  #output: [number, Uint8Array][] = [];
  #writeDisk: () => void = () => {};

  constructor(module: WebAssembly.Module) {
    this.core = new Core(module);
  }

  /** Makes the disk and powers on; nothing has run. */
  boot({ root, path, argv = [path], env = [], conf, disk }: Boot): void {
    const { core } = this;
    const image = mkfs(root, disk);
    this.inodes = image.inodes;
    const settings = { ...DEFAULTS, ...conf };
    const frames = settings.ram_frames as number;
    core.prepare(frames, image.blocks + (settings.swap_blocks as number));
    for (const [key, value] of Object.entries(settings)) {
      core.setConf(Conf[key as keyof typeof Conf], value as number);
    }
    core.setConf(Conf.disk_blocks, image.blocks);
    const at = RAM_BASE + frames * PAGE_SIZE;
    this.#writeDisk = () => {
      const into = core.bytes.subarray(at, at + image.blocks * PAGE_SIZE);
      into.fill(0);
      image.write(into);
    };
    core.writeBoot(path, argv, env);
    this.reset();
  }

  /**
   * Powers on again with the same request.
   *
   * @param keepDisk with what was written to it since; else it is as it was first
   */
  reset(keepDisk = false): void {
    const { core } = this;
    if (!keepDisk) this.#writeDisk();
    core.reset();
    core.setU32(RUN_FLAGS, RunFlag.HoldLog);
    core.setU32(RUN_LOG_READ, 0);
    core.setU32(RUN_OUT_READ, 0);
    core.setNumber(RUN_STOP_INSTRET, NEVER);
    this.#events = [];
    this.#seen = 0;
    this.#output = [];
  }

  /** Everything logged so far. */
  get events(): readonly Event[] {
    this.#drain();
    return this.#events;
  }

  #drain(): void {
    const { core } = this;
    const end = core.getU32(LOG_SEQ);
    for (; this.#seen < end; this.#seen++) {
      const at = LOG_BASE + (this.#seen % LOG_NR) * LOG_RECORD;
      this.#events.push({
        kind: core.getU32(at + 4),
        a: core.getU64(at + 8),
        b: core.getU64(at + 16),
        c: core.getU64(at + 24),
      });
    }
    core.setU32(RUN_LOG_READ, end);
    let read = core.getU32(RUN_OUT_READ);
    const written = core.getU32(OUT_POS);
    const byte = (at: number) => core.getU8(OUT_BASE + (at % OUT_SIZE));
    while (read !== written) {
      const fd = byte(read);
      const length = byte(read + 1) | (byte(read + 2) << 8) | (byte(read + 3) << 16);
      const bytes = Uint8Array.from({ length }, (_, i) => byte(read + 4 + i));
      this.#output.push([fd, bytes]);
      read = (read + 4 + length) >>> 0;
    }
    core.setU32(RUN_OUT_READ, written);
  }

  /**
   * Runs until every process has ended.
   *
   * @param between called before each kernel entry, with the trap pending.
   * @param limit instructions after which it gives up
   */
  run({ between, limit = NEVER }: { between?: () => void; limit?: number } = {}): End {
    const { core } = this;
    core.setNumber(RUN_STOP_INSTRET, limit);
    core.setU32(RUN_FLAGS, RunFlag.HoldLog | (between ? RunFlag.BeforeEntry : 0));
    for (;;) {
      const reason = core.run();
      this.#drain();
      if (this.#events.length > EVENTS_MAX) throw new Error("the kernel goes round in circles");
      if (reason === StopReason.Entry) between?.();
      else if (reason === StopReason.Halt) break;
      else if (reason === StopReason.Target) throw new Error(`still running after ${limit}`);
      else if (reason !== StopReason.Log && reason !== StopReason.Output) {
        throw new Error(`run() returned ${StopReason[reason]}`);
      }
    }
    return this.end();
  }

  /** The page faults of user mode, in order: run() with a note of each pending trap. */
  faults(limit?: number): { end: End; faults: Fault[] } {
    const { core } = this;
    const faults: Fault[] = [];
    const names: Record<number, Fault["access"]> = { 12: "X", 13: "R", 15: "W" };
    const between = () => {
      const access = names[core.getNumber(HART_SCAUSE)];
      if (this.started && access) faults.push({ access, va: core.getNumber(HART_STVAL) });
    };
    const end = this.run({ between, ...(limit === undefined ? {} : { limit }) });
    return { end, faults };
  }

  /** Has the boot execve been done? */
  get started(): boolean {
    return this.#events.some(({ kind }) => kind === Ev.Exec);
  }

  /** How process 1 ended. */
  end(): End {
    const { core } = this;
    const status = core.getI32(TASKS + TASK_EXIT_CODE);
    const signal = core.getU32(TASKS + TASK_EXIT_SIGNAL);
    const text = (wanted: number) =>
      Buffer.concat(this.#output.filter(([fd]) => fd === wanted).map(([, b]) => b)).toString(
        "latin1",
      );
    return {
      verdict: this.#verdict(status, signal),
      status,
      signal,
      stdout: text(1),
      stderr: text(2),
    };
  }

  #verdict(status: number, signal: number): string {
    const { core } = this;
    const errno = core.getI32(BOOT_ERRNO);
    if (errno !== 0) return `errno ${ERRNO[errno] ?? errno}`;
    if (signal === 0) return `exit ${status}`;
    const name = SIGNAL[signal] ?? `signal ${signal}`;
    const last = this.#events.filter(({ kind }) => kind === Ev.Exec).at(-1);
    if (last && last.b !== 0n && last.b !== NO_EXEC) return `exec-killed ${name}`;
    const code = core.getI32(TASKS + TASK_SI_CODE);
    return `ran-then ${name} code=${code} addr=0x${core.getU64(TASKS + TASK_SI_ADDR).toString(16)}`;
  }

  get minorFaults(): number {
    return this.core.getNumber(TASKS + TASK_MIN_FLT);
  }
  get instret(): number {
    return this.core.getNumber(HART_INSTRET);
  }
  get pending(): boolean {
    return this.core.getU32(HART_PENDING) !== 0;
  }
  get marks(): number {
    return this.core.getNumber(MARK_COUNT);
  }
  /** Address of the disk image. */
  get disk(): number {
    return RAM_BASE + this.core.conf(Conf.ram_frames) * PAGE_SIZE;
  }
  /** Address of a frame. */
  frame(pfn: number): number {
    return RAM_BASE + pfn * PAGE_SIZE;
  }
  /** The first frame that holds a clean page of a file. */
  cachedFrame(): number {
    for (let pfn = 0; ; pfn++) {
      const flags = this.core.getU32(this.page(pfn) + PAGE_FLAGS);
      if ((flags & (PG.pagecache | PG.dirty)) === PG.pagecache) return pfn;
    }
  }
  /** Address of the struct page of a frame. */
  page(pfn: number): number {
    return FRAMES + pfn * 48;
  }
}
