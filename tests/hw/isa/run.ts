// Runs one ELF twice: by this simulator's processor and by qemu-riscv64.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RAM_BASE } from "../../../assembly/abi.ts";
import { HwMachine, type HwOptions } from "../hw-machine.ts";

export interface Result {
  /** What the program wrote. */
  output: Buffer;
  /** Exit status, or what ended it instead. */
  status: number | string;
}

/** Counts that must not depend on how the program was run. */
export interface Counts {
  instret: bigint;
  accesses: bigint;
  misses: bigint;
}

const ECALL = 8;
const MAX_OUTPUT = 1 << 30;

/**
 * Runs a static ELF that only writes and exits.
 *
 * @param options.slice instructions between stops, given the number of those already run.
 * @param options.inspect is shown the machine at the end.
 */
export function simulate(
  module: WebAssembly.Module,
  elf: Uint8Array,
  options: HwOptions & {
    slice?: (instret: bigint) => bigint;
    inspect?: (machine: HwMachine) => void;
  } = {},
): Result & Counts {
  const machine = new HwMachine(module, { ramFrames: 4096, ...options });
  machine.load(elf);
  const slice = options.slice ?? (() => 1n << 30n);
  const chunks: Buffer[] = [];
  const ended = (status: number | string) => {
    const { instret, accesses, misses } = machine;
    options.inspect?.(machine);
    return { output: Buffer.concat(chunks), status, instret, accesses, misses };
  };
  for (;;) {
    const stop = machine.instret + slice(machine.instret);
    if (machine.step(stop - machine.instret)) {
      if (machine.instret !== stop) return ended(`stopped at ${machine.instret}, not ${stop}`);
      if (stop > 1n << 32n) return ended("runs for ever");
      continue;
    }
    const { cause, value, pc } = machine.trap;
    const [a0, a1, a2, call] = [10, 11, 12, 17].map((i) => machine.x(i));
    if (cause !== ECALL || (call !== 64n && call !== 93n)) {
      return ended(`cause ${cause} at 0x${pc.toString(16)}, value 0x${value.toString(16)}`);
    }
    if (call === 93n) return ended(Number(a0! & 255n));
    for (let done = 0n; done < a2!; ) {
      const va = a1! + done;
      const left = a2! - done;
      const inPage = 4096n - (va & 0xfffn);
      const size = left < inPage ? left : inPage;
      const ppn = (machine.hw.walk_leaf(machine.satp, va) >> 10n) & 0xfffffffffffn;
      const at = RAM_BASE + Number((ppn << 12n) | (va & 0xfffn));
      chunks.push(Buffer.from(machine.bytes.slice(at, at + Number(size))));
      done += size;
    }
    machine.setX(10, a2!);
    machine.setPc(pc + 4n);
  }
}

/** Runs an ELF under qemu-riscv64. */
export async function emulate(elf: Uint8Array): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "isa-"));
  const file = join(directory, "guest");
  writeFileSync(file, elf, { mode: 0o755 });
  try {
    return await new Promise((resolve, reject) => {
      const options = { encoding: "buffer", maxBuffer: MAX_OUTPUT, timeout: 120_000 } as const;
      const child = execFile("qemu-riscv64", [file], options, (error, output) => {
        if (child.exitCode === null && !child.signalCode) reject(error);
        else resolve({ output, status: child.exitCode ?? `${child.signalCode}` });
      });
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
