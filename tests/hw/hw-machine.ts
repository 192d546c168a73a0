// The processor without a kernel, for tests: assembly/hw compiled on its own (hw-shim.ts), RAM,
// page tables that the test writes, and the few system calls that a static program needs.
//
//   const module = await compileHw();                      once a test file
//   const m = new HwMachine(module, { tlbEntries: 16 });   empty RAM, an empty address space
//   m.map(va, R | W)                    a cleared page there, with A and D set; => its frame
//   m.setPte(va, pte, level)            any entry; tables are made as needed; fences va
//   m.poke(va, bytes), m.peek(va, n)    through the tables, whatever their permissions
//   m.assemble(va, words)               32-bit (number) and 16-bit ("c" + hex) instructions
//   m.x(i), m.setX(i, v), m.f(i), m.setF(i, v), m.pc, m.setPc(v)
//   m.fflags, m.frm, m.instret, m.accesses, m.misses, m.trap     (bigint or number)
//   m.step(n)                           n instructions; => true if all ran, false on a trap
//   m.load(elf, argv), m.runProgram()   a static ELF and its system calls, to the exit
//   m.hw                                the exports of hw-shim.ts; m.view: a DataView of memory
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CONF_BASE,
  Conf,
  HART_F,
  HART_FFLAGS,
  HART_FRM,
  HART_INSTRET,
  HART_PC,
  HART_RESERVATION,
  HART_SATP,
  HART_SCAUSE,
  HART_SEPC,
  HART_STVAL,
  HART_X,
  RAM_BASE,
  RUN_FLAGS,
  RunFlag,
  TLB_ACCESSES,
  TLB_MISSES,
  TlbPolicy,
} from "../../assembly/abi.ts";
import { filesBelow, root, whenChanged } from "../../tools/fresh.mjs";

/** PTE bits. */
export const V = 1n;
export const R = 2n;
export const W = 4n;
export const X = 8n;
export const U = 16n;
export const G = 32n;
export const A = 64n;
export const D = 128n;

export interface HwExports {
  memory: WebAssembly.Memory;
  hart_run(stopInstret: bigint): number;
  translate(va: bigint, access: number, supervisor: boolean): number;
  walk_leaf(satp: bigint, va: bigint): bigint;
  frame_written(pfn: number): void;
  frame_dropped(pfn: number): void;
  sfence_vma(va: bigint, asid: number): void;
  sfence_vma_asid(asid: number): void;
  sfence_vma_all(): void;
  tlb_reset(): void;
  private_flush_all(): void;
  private_flush_writes(): void;
  code_flush_all(): void;
  time_csr(): bigint;
  cycle_csr(): bigint;
}

export interface HwOptions {
  ramFrames?: number;
  tlbEntries?: number;
  tlbWays?: number;
  tlbPolicy?: TlbPolicy;
  asid?: number;
  /** Every access through the modelled TLB (RunFlag.SlowPath). */
  slowPath?: boolean;
}

/**
 * Compiles hw-shim.ts if something it is made of has changed.
 *
 * @returns the module, which any number of HwMachines can share.
 * @throws what the generator or asc says.
 */
export async function compileHw(): Promise<WebAssembly.Module> {
  const output = "build/hw-shim.wasm";
  const isGenerator = (path: string) => /^tools\/(gen-interp\.mjs|isa\/)/.test(path);
  await whenChanged({
    name: "hw-shim",
    inputs: () => [
      "assembly/abi.ts",
      "assembly/log.ts",
      "tests/hw/hw-shim.ts",
      ...filesBelow("assembly/hw", (path) => path.endsWith(".ts")),
      ...filesBelow("tools", isGenerator),
    ],
    outputs: [output],
    work() {
      const node = (...args: string[]) =>
        execFileSync(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
      node("tools/gen-interp.mjs");
      const options = ["-O3", "--runtime", "stub", "--use", "abort=", "--memoryBase", "4096"];
      const none = ["--config", "none"];
      const entry = "tests/hw/hw-shim.ts";
      node("node_modules/assemblyscript/bin/asc.js", entry, ...none, ...options, "-o", output);
    },
  });
  return new WebAssembly.Module(readFileSync(join(root, output)));
}

const PAGE = 4096;
const STACK_TOP = 0x3ffffff000n;
const MMAP_BASE = 0x2000000000n;
const ENOSYS = 38n;

/** A processor, RAM and one address space. */
export class HwMachine {
  readonly hw: HwExports;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly frames: number;
  /** What a program wrote to its standard output and standard error. */
  output = "";
  /** Its exit status, once it has exited. */
  exitCode: number | undefined;
  #free = 0;
  #root: number;
  #asid: number;
  #brk = 0n;
  #mmap = MMAP_BASE;

  constructor(module: WebAssembly.Module, options: HwOptions = {}) {
    this.frames = options.ramFrames ?? 1024;
    this.hw = new WebAssembly.Instance(module).exports as unknown as HwExports;
    const need = RAM_BASE + this.frames * PAGE - this.hw.memory.buffer.byteLength;
    if (need > 0) this.hw.memory.grow(Math.ceil(need / 65536));
    this.view = new DataView(this.hw.memory.buffer);
    this.bytes = new Uint8Array(this.hw.memory.buffer);
    this.configure(Conf.ram_frames, this.frames);
    this.configure(Conf.tlb_entries, options.tlbEntries ?? 64);
    this.configure(Conf.tlb_ways, options.tlbWays ?? 4);
    this.configure(Conf.tlb_policy, options.tlbPolicy ?? TlbPolicy.RoundRobin);
    this.configure(Conf.seed, 1);
    this.view.setUint32(RUN_FLAGS, options.slowPath ? RunFlag.SlowPath : 0, true);
    this.view.setBigInt64(HART_RESERVATION, -1n, true);
    this.hw.tlb_reset();
    this.#asid = options.asid ?? 1;
    this.#root = this.allocate();
    this.#setSatp();
  }

  configure(setting: Conf, value: number): void {
    this.view.setBigUint64(CONF_BASE + setting * 8, BigInt(value), true);
  }

  #u64 = (at: number) => this.view.getBigUint64(at, true);

  x(i: number): bigint {
    return this.#u64(HART_X + i * 8);
  }

  setX(i: number, value: bigint): void {
    if (i !== 0) this.view.setBigUint64(HART_X + i * 8, BigInt.asUintN(64, value), true);
  }

  f(i: number): bigint {
    return this.#u64(HART_F + i * 8);
  }

  setF(i: number, value: bigint): void {
    this.view.setBigUint64(HART_F + i * 8, BigInt.asUintN(64, value), true);
  }

  get pc(): bigint {
    return this.#u64(HART_PC);
  }

  setPc(value: bigint): void {
    this.view.setBigUint64(HART_PC, BigInt.asUintN(64, value), true);
  }

  get fflags(): number {
    return this.view.getUint32(HART_FFLAGS, true);
  }

  set fflags(value: number) {
    this.view.setUint32(HART_FFLAGS, value, true);
  }

  get frm(): number {
    return this.view.getUint32(HART_FRM, true);
  }

  set frm(value: number) {
    this.view.setUint32(HART_FRM, value, true);
  }

  get instret(): bigint {
    return this.#u64(HART_INSTRET);
  }

  get accesses(): bigint {
    return this.#u64(TLB_ACCESSES);
  }

  get misses(): bigint {
    return this.#u64(TLB_MISSES);
  }

  get satp(): bigint {
    return this.#u64(HART_SATP);
  }

  /** The last trap. */
  get trap(): { cause: number; value: bigint; pc: bigint } {
    const cause = Number(this.#u64(HART_SCAUSE));
    return { cause, value: this.#u64(HART_STVAL), pc: this.#u64(HART_SEPC) };
  }

  /** Gives a cleared frame. */
  allocate(): number {
    if (this.#free === this.frames) throw new Error("out of frames");
    return this.#free++;
  }

  /** Linear-memory address of a frame. */
  address(pfn: number): number {
    return RAM_BASE + pfn * PAGE;
  }

  #setSatp(): void {
    const satp = (8n << 60n) | (BigInt(this.#asid) << 44n) | BigInt(this.#root);
    this.view.setBigUint64(HART_SATP, satp, true);
  }

  /** Goes to another address space: a new, empty one unless `root` is given. => its root */
  switchTo(asid: number, root = this.allocate()): number {
    this.#asid = asid;
    this.#root = root;
    this.#setSatp();
    return root;
  }

  /** Address of the PTE for `va` at `level`, making the tables above it. */
  pteAddress(va: bigint, level = 0): number {
    let table = this.#root;
    for (let l = 2; ; l--) {
      const index = Number((va >> BigInt(12 + 9 * l)) & 511n);
      const at = this.address(table) + index * 8;
      if (l === level) return at;
      const pte = this.#u64(at);
      if (pte & V) {
        table = Number(pte >> 10n);
      } else {
        const next = this.allocate();
        this.view.setBigUint64(at, (BigInt(next) << 10n) | V, true);
        table = next;
      }
    }
  }

  setPte(va: bigint, pte: bigint, level = 0): void {
    this.view.setBigUint64(this.pteAddress(va, level), pte, true);
    this.hw.sfence_vma(va, this.#asid);
  }

  pte(va: bigint, level = 0): bigint {
    return this.#u64(this.pteAddress(va, level));
  }

  /** Maps a page. @param flags PTE bits besides V, U, A and D. => the frame */
  map(va: bigint, flags: bigint, pfn = this.allocate()): number {
    this.setPte(va, (BigInt(pfn) << 10n) | V | U | A | D | flags);
    return pfn;
  }

  mapRange(start: bigint, end: bigint, flags: bigint): void {
    for (let va = start & ~0xfffn; va < end; va += 4096n) {
      if (!(this.pte(va) & V)) this.map(va, flags);
      else this.setPte(va, this.pte(va) | flags);
    }
  }

  /** Linear-memory address of a mapped byte, for the test's own eyes. */
  #host(va: bigint): number {
    const pte = this.hw.walk_leaf(this.satp, va);
    if (pte === 0n) throw new Error(`not mapped: 0x${va.toString(16)}`);
    const level = BigInt.asUintN(64, pte) >> 62n;
    const low = (1n << (12n + 9n * level)) - 1n;
    const base = ((pte >> 10n) & 0xfffffffffffn) << 12n;
    return RAM_BASE + Number((base & ~low) | (va & low));
  }

  peek(va: bigint, size: number): Uint8Array {
    return Uint8Array.from({ length: size }, (_, i) => this.bytes[this.#host(va + BigInt(i))]!);
  }

  peek64(va: bigint): bigint {
    return new DataView(this.peek(va, 8).buffer).getBigUint64(0, true);
  }

  poke(va: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = this.#host(va + BigInt(done));
      const size = Math.min(bytes.length - done, PAGE - (at % PAGE));
      this.bytes.set(bytes.subarray(done, done + size), at);
      this.hw.frame_written((at - RAM_BASE) >> 12);
      done += size;
    }
  }

  poke64(va: bigint, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    this.poke(va, bytes);
  }

  /** Writes instructions: 32-bit ones as numbers, compressed ones as "c0001". => the end */
  assemble(va: bigint, instructions: (number | string)[]): bigint {
    const bytes = instructions.flatMap((insn) => {
      const bits = typeof insn === "string" ? Number.parseInt(insn.slice(1), 16) : insn;
      const low = [bits & 255, (bits >>> 8) & 255];
      return typeof insn === "string" ? low : [...low, (bits >>> 16) & 255, bits >>> 24];
    });
    this.poke(va, Uint8Array.from(bytes));
    return va + BigInt(bytes.length);
  }

  /** Runs `n` instructions. @returns false if a trap came first */
  step(n: number | bigint = 1): boolean {
    return this.hw.hart_run(this.instret + BigInt(n)) === 0;
  }

  /** Loads a static, fixed-address ELF and makes its stack. */
  load(elf: Uint8Array, argv: string[] = ["program"]): void {
    const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
    const entry = view.getBigUint64(24, true);
    const phoff = Number(view.getBigUint64(32, true));
    const phnum = view.getUint16(56, true);
    let phdr = 0n;
    for (let i = 0; i < phnum; i++) {
      const at = phoff + i * 56;
      if (view.getUint32(at, true) !== 1) continue;
      const bits = view.getUint32(at + 4, true);
      const flags = (bits & 1 ? X : 0n) | (bits & 2 ? W | R : 0n) | (bits & 4 ? R : 0n);
      const [offset, va, , fileSize, size] = [8, 16, 24, 32, 40].map((o) =>
        view.getBigUint64(at + o, true),
      ) as [bigint, bigint, bigint, bigint, bigint];
      this.mapRange(va, va + size, flags);
      this.poke(va, elf.subarray(Number(offset), Number(offset + fileSize)));
      if (offset === 0n) phdr = va + BigInt(phoff);
      if (va + size > this.#brk) this.#brk = (va + size + 0xfffn) & ~0xfffn;
    }
    this.mapRange(STACK_TOP - 0x100000n, STACK_TOP, R | W);
    let at = STACK_TOP - 64n;
    const strings = argv.map((text) => {
      const bytes = new TextEncoder().encode(`${text}\0`);
      at -= BigInt(bytes.length);
      this.poke(at, bytes);
      return at;
    });
    const random = STACK_TOP - 32n;
    const auxv = [
      ...[3n, phdr, 4n, 56n, 5n, BigInt(phnum), 6n, 4096n, 9n, entry],
      ...[11n, 0n, 12n, 0n, 13n, 0n, 14n, 0n, 16n, 0x112dn, 23n, 0n, 25n, random, 0n, 0n],
    ];
    const words = [BigInt(argv.length), ...strings, 0n, 0n, ...auxv];
    at = (at - BigInt(words.length * 8)) & ~15n;
    words.forEach((word, i) => {
      this.poke64(at + BigInt(i * 8), word);
    });
    this.setX(2, at);
    this.setPc(entry);
  }

  /** Runs to the exit. @throws on a trap that is no system call. @returns the exit status */
  runProgram(slice = 1n << 24n): number {
    while (this.exitCode === undefined) {
      if (this.hw.hart_run(this.instret + slice) === 0) continue;
      const { cause, value, pc } = this.trap;
      if (cause !== 8) {
        throw new Error(`cause ${cause} at 0x${pc.toString(16)}, value 0x${value.toString(16)}`);
      }
      this.#systemCall();
      this.setPc(pc + 4n);
    }
    return this.exitCode;
  }

  #systemCall(): void {
    const [a0, a1, a2] = [this.x(10), this.x(11), this.x(12)];
    const text = (va: bigint, size: bigint) =>
      Buffer.from(this.peek(va, Number(size))).toString("latin1");
    let result = 0n;
    switch (Number(this.x(17))) {
      case 64: // write
        this.output += text(a1, a2);
        result = a2;
        break;
      case 66: // writev
        for (let i = 0n; i < a2; i++) {
          const size = this.peek64(a1 + i * 16n + 8n);
          this.output += text(this.peek64(a1 + i * 16n), size);
          result += size;
        }
        break;
      case 93: // exit
      case 94: // exit_group
        this.exitCode = Number(a0 & 255n);
        break;
      case 96: // set_tid_address
        result = 1n;
        break;
      case 99: // set_robust_list
      case 226: // mprotect
      case 215: // munmap
        break;
      case 214: // brk
        if (a0 > this.#brk) {
          this.mapRange(this.#brk, a0, R | W);
          this.#brk = (a0 + 0xfffn) & ~0xfffn;
        }
        result = a0 === 0n ? this.#brk : a0;
        break;
      case 222: // mmap
        result = this.#mmap;
        this.#mmap += (a1 + 0xfffn) & ~0xfffn;
        this.mapRange(result, this.#mmap, R | W);
        break;
      default:
        result = -ENOSYS;
    }
    this.setX(10, result);
  }
}
