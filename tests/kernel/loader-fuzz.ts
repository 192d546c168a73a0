// Mutated program headers through execve, as many as there is time for. Each is one boot of a tiny
// machine; after it nothing may be left but the page cache, and the core may never trap.
//
// A full reset() clears megabytes, so between two boots only what a boot touches is cleared; now
// and then the same file is run after a full reset() too, and must end the same way.
import {
  BOOT_BASE,
  BOOT_ERRNO,
  DI_SIZE,
  DISK_INODE_SIZE,
  FILES,
  FILE_SIZE_OF,
  FRAMES,
  HART_BASE,
  HART_PENDING,
  HART_SCAUSE,
  INODES,
  INODE_NRPAGES,
  INODE_SIZE_OF,
  KERNEL_BASE,
  MARK_COUNT,
  MARK_STOP,
  MMS,
  MM_SIZE_OF,
  NR_FREE,
  NR_KERNEL,
  NR_MMS,
  NR_VMAS_USED,
  PAGE_HASH,
  PAGE_HASH_NR,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  RAM_BASE,
  RUN_STOP_INSTRET,
  SB_INODE_BLOCK,
  StopReason,
  TASKS,
  TASK_EXIT_CODE,
  TASK_EXIT_SIGNAL,
  TASK_SIZE_OF,
  TASK_SI_ADDR,
  TASK_SI_CODE,
  VMA_FREE,
  VM_COMMITTED,
  VMAS,
} from "../../assembly/abi.ts";
import { directory, file, mkfs } from "../../web/machine/mkfs.ts";
import { Linux } from "./linux.ts";

const FRAMES_NR = 256;
/** Instructions a program may run before it is shot. */
const INSTRET_MAX = 400;
/** Lines of the kernel's source after which one execve must have ended. */
const MARKS_MAX = 2_000_000;
/** An execve that takes longer is tried again, to tell a slow file from a paused host. */
const NOTICEABLE_MS = 1;
const FILES_USED = 16;
const INODES_USED = 64;
const ILLEGAL_INSTRUCTION = 2;

const TASK_SIZE = 0x40_0000_0000n;
const EHDR: [offset: number, bytes: number][] = [
  [4, 1],
  [5, 1],
  [6, 1],
  [16, 2],
  [18, 2],
  [20, 4],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 4],
  [52, 2],
  [54, 2],
  [56, 2],
];
const PHDR: [offset: number, bytes: number][] = [
  [0, 4],
  [4, 4],
  [8, 8],
  [16, 8],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 8],
];

/** What a run of the fuzzer found. */
export interface Report {
  executions: number;
  /** By kind of end: errno, exit, killed, signal, shot. */
  ends: Record<string, number>;
  /** Milliseconds of the slowest file at its best, and most kernel lines in one. */
  slowest: number;
  mostMarks: number;
  seconds: number;
}

interface Seed {
  /** Where its bytes are in memory, and where its size is. */
  at: number;
  sizeAt: number;
  bytes: Uint8Array;
}

export class LoaderFuzz {
  readonly #linux: Linux;
  readonly #names: string[];
  readonly #seeds: Seed[] = [];
  readonly #view: DataView;
  #random: number;

  /**
   * @param seeds files to mutate, by name; interpreters are named /NAME in them
   * @param fixed files that stay as they are
   */
  constructor(
    module: WebAssembly.Module,
    seeds: Record<string, Uint8Array>,
    fixed: Record<string, Uint8Array>,
    seed: number,
  ) {
    this.#random = seed | 1;
    this.#linux = new Linux(module);
    this.#names = Object.keys(seeds);
    const root = directory();
    for (const [name, bytes] of Object.entries({ ...seeds, ...fixed })) {
      root.entries.set(name, file(bytes.slice(), 0o755));
    }
    const { inodes } = mkfs(root);
    const conf = { ram_frames: FRAMES_NR, vm_read_ahead_kb: 0 };
    this.#linux.boot({ root, path: `/${this.#names[0]}`, conf });
    const { core } = this.#linux;
    this.#view = new DataView(core.bytes.buffer);
    const disk = RAM_BASE + FRAMES_NR * PAGE_SIZE;
    const table = disk + core.getU32(disk + SB_INODE_BLOCK) * PAGE_SIZE;
    const memory = Buffer.from(core.bytes.buffer, disk);
    for (const name of this.#names) {
      const bytes = seeds[name] as Uint8Array;
      const sizeAt = table + ((inodes.get(`/${name}`) as number) - 1) * DISK_INODE_SIZE + DI_SIZE;
      const at = memory.indexOf(bytes);
      if (at < 0 || at % PAGE_SIZE !== 0)
        throw new Error(`${name} is not on the disk as it should`);
      this.#seeds.push({ at: disk + at, bytes: bytes.slice(), sizeAt });
    }
  }

  #next(below: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % below;
  }

  #value(): bigint {
    const bit = 1n << BigInt(this.#next(64));
    switch (this.#next(12)) {
      case 0:
        return 0n;
      case 1:
        return BigInt(this.#next(8));
      case 2:
        return -BigInt(1 + this.#next(8192));
      case 3:
        return bit;
      case 4:
        return bit - 1n;
      case 5:
        return bit + BigInt(this.#next(4096));
      case 6:
        return TASK_SIZE - BigInt(this.#next(64)) * 4096n;
      case 7:
        return TASK_SIZE - BigInt(this.#next(0x40000));
      case 8:
        return BigInt(this.#next(1 << 24));
      case 9:
        return BigInt(this.#next(32)) * 4096n;
      case 10:
        return 0x400000n + BigInt(this.#next(64)) * 4096n;
      default:
        return (BigInt(this.#next(2 ** 32)) << 32n) | BigInt(this.#next(2 ** 32));
    }
  }

  #put(at: number, bytes: number, value: bigint): void {
    const v = this.#view;
    if (bytes === 8) v.setBigUint64(at, BigInt.asUintN(64, value), true);
    else if (bytes === 4) v.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    else if (bytes === 2) v.setUint16(at, Number(BigInt.asUintN(16, value)), true);
    else v.setUint8(at, Number(BigInt.asUintN(8, value)));
  }

  /** Changes the file at `at`. */
  #mutate(at: number, size: number, sizeAt: number): void {
    const table = at + 64;
    const phnum = Math.max(1, Math.min(16, this.#view.getUint16(at + 56, true)));
    const phdr = () => table + this.#next(phnum) * 56;
    for (let n = 1 + this.#next(4); n > 0; n--) {
      const kind = this.#next(16);
      if (kind < 3) {
        const [offset, bytes] = EHDR[this.#next(EHDR.length)] as [number, number];
        this.#put(at + offset, bytes, this.#value());
      } else if (kind < 10) {
        const [offset, bytes] = PHDR[this.#next(PHDR.length)] as [number, number];
        this.#put(phdr() + offset, bytes, this.#value());
      } else if (kind < 11) {
        this.#put(
          phdr(),
          4,
          BigInt([0, 1, 2, 3, 6, 0x6474e551, 0x70000003][this.#next(7)] as number),
        );
      } else if (kind < 12) {
        this.#put(phdr() + 4, 4, BigInt(this.#next(8)));
      } else if (kind < 13) {
        const from = phdr();
        this.#linux.core.bytes.copyWithin(phdr(), from, from + 56);
      } else if (kind < 14) {
        const offset = (PHDR[2 + this.#next(6)] as [number, number])[0];
        const p = phdr() + offset;
        const delta = BigInt(this.#next(8192) - 4096);
        this.#put(p, 8, this.#view.getBigUint64(p, true) + delta);
      } else if (kind < 15) {
        this.#view.setUint8(at + this.#next(64 + phnum * 56), this.#next(256));
      } else {
        this.#put(sizeAt, 8, BigInt(this.#next(size + 1)));
      }
    }
  }

  /** Puts a new mutant on the disk. => which seed it is of */
  #prepare(): number {
    const i = this.#next(this.#seeds.length);
    const { at, bytes, sizeAt } = this.#seeds[i] as Seed;
    this.#linux.core.bytes.set(bytes, at);
    this.#linux.core.setNumber(sizeAt, bytes.length);
    this.#mutate(at, bytes.length, sizeAt);
    return i;
  }

  /** The files that run() would execute: to put them to a real Linux. */
  mutants(count: number): Uint8Array[] {
    const { core } = this.#linux;
    return Array.from({ length: count }, () => {
      const { at, sizeAt } = this.#seeds[this.#prepare()] as Seed;
      return core.bytes.slice(at, at + core.getNumber(sizeAt));
    });
  }

  /** Clears what a boot of this machine touches. */
  #reset(): void {
    const { bytes } = this.#linux.core;
    const vmas = this.#linux.core.getU32(NR_VMAS_USED);
    bytes.fill(0, HART_BASE, KERNEL_BASE + 0x3000);
    bytes.fill(0, TASKS, TASKS + TASK_SIZE_OF);
    bytes.fill(0, MMS, MMS + MM_SIZE_OF);
    bytes.fill(0, FILES, FILES + FILES_USED * FILE_SIZE_OF);
    bytes.fill(0, INODES, INODES + INODES_USED * INODE_SIZE_OF);
    bytes.fill(0, VMAS, VMAS + vmas * 64);
    bytes.fill(0, PAGE_HASH, PAGE_HASH + PAGE_HASH_NR * 4);
    bytes.fill(0, FRAMES, FRAMES + FRAMES_NR * PAGE_SIZE_OF);
  }

  /** Boots and runs to the end; a program that goes on and on is shot. => how it ended */
  #run(): string {
    const { core } = this.#linux;
    core.setNumber(RUN_STOP_INSTRET, INSTRET_MAX);
    core.setNumber(MARK_STOP, MARKS_MAX);
    let shot = false;
    for (;;) {
      const reason = core.run();
      if (reason === StopReason.Halt) break;
      if (reason !== StopReason.Target) throw new Error(`run() returned ${StopReason[reason]}`);
      shot = true;
      core.setNumber(HART_SCAUSE, ILLEGAL_INSTRUCTION);
      core.setU32(HART_PENDING, 1);
    }
    const errno = core.getI32(BOOT_ERRNO);
    if (errno !== 0) return `errno ${errno}`;
    if (shot) return "shot";
    const signal = core.getU32(TASKS + TASK_EXIT_SIGNAL);
    if (signal === 0) return `exit ${core.getI32(TASKS + TASK_EXIT_CODE)}`;
    const code = core.getI32(TASKS + TASK_SI_CODE);
    return `signal ${signal} ${code} ${core.getU64(TASKS + TASK_SI_ADDR).toString(16)}`;
  }

  /** What must hold when every process is gone. => what does not */
  #leaks(): string[] {
    const { core } = this.#linux;
    const wrong: string[] = [];
    let cached = 0;
    for (let i = 0; i < INODES_USED; i++) {
      const at = INODES + i * INODE_SIZE_OF;
      cached += core.getU32(at + INODE_NRPAGES);
      if (core.getU32(at + 4) !== 0) wrong.push(`inode ${core.getU32(at)} is still in use`);
    }
    const frames = core.getU32(NR_FREE) + cached + core.getU32(NR_KERNEL) + 1;
    if (frames !== FRAMES_NR) wrong.push(`${FRAMES_NR - frames} frames are lost`);
    if (core.getNumber(VM_COMMITTED) !== 0) wrong.push(`${core.getNumber(VM_COMMITTED)} promised`);
    for (let i = 0; i < FILES_USED; i++) {
      if (core.getU32(FILES + i * FILE_SIZE_OF) !== 0) wrong.push(`file ${i} is still open`);
    }
    for (let i = 0; i < NR_MMS; i++) {
      if (core.getU32(MMS + i * MM_SIZE_OF) !== 0) wrong.push(`mm ${i} is still in use`);
    }
    let free = 0;
    for (let p = core.getU32(VMA_FREE); p !== 0 && free < 99; p = core.getU32(p)) free++;
    if (free !== core.getU32(NR_VMAS_USED)) wrong.push(`${free} areas are free again`);
    return wrong;
  }

  /**
   * @param executions how many files
   * @param check compares every so many with a run after a full reset
   * @throws when the core traps, a process leaves something behind, or the two ways differ; the
   *   message has the file in base64.
   */
  run(executions: number, check = 4096): Report {
    const { core } = this.#linux;
    const report: Report = { executions, ends: {}, slowest: 0, mostMarks: 0, seconds: 0 };
    const begin = performance.now();
    const encoder = new TextEncoder();
    const boots = this.#names.map((name) => encoder.encode(`/${name}\0${name}\0`));
    for (let n = 0; n < executions; n++) {
      const i = this.#prepare();
      const { at, sizeAt } = this.#seeds[i] as Seed;
      const boot = boots[i] as Uint8Array;
      core.setU32(BOOT_BASE, 1);
      core.setU32(BOOT_BASE + 4, 0);
      core.setU32(BOOT_BASE + 8, boot.length);
      core.bytes.set(boot, BOOT_BASE + 12);
      const fail = (why: unknown): never => {
        const mutant = Buffer.from(core.bytes.subarray(at, at + core.getNumber(sizeAt)));
        const text = why instanceof Error ? (why.stack ?? why.message) : String(why);
        throw new Error(`${text}\n${this.#names[i]} ${n}: ${mutant.toString("base64")}`);
      };
      this.#reset();
      let end = "";
      let ms = Number.POSITIVE_INFINITY;
      try {
        // The host may pause at any time: only a file that is slow every time is slow.
        for (let tries = 0; tries < 5 && ms > NOTICEABLE_MS; tries++) {
          if (tries > 0) this.#reset();
          const began = performance.now();
          end = this.#run();
          ms = Math.min(ms, performance.now() - began);
        }
      } catch (error) {
        fail(error);
      }
      report.slowest = Math.max(report.slowest, ms);
      const marks = core.getNumber(MARK_COUNT);
      if (marks > report.mostMarks) report.mostMarks = marks;
      const leaks = this.#leaks();
      if (leaks.length > 0) fail(leaks.join("; "));
      const kind = /^exit/.test(end) ? "exit" : end.replace(/ [0-9a-f]+$/, "");
      report.ends[kind] = (report.ends[kind] ?? 0) + 1;
      if (n % check === 0) {
        this.#linux.reset(true);
        const again = this.#run();
        if (again !== end) fail(`${end}, but after a full reset ${again}`);
      }
    }
    report.seconds = (performance.now() - begin) / 1000;
    return report;
  }
}
