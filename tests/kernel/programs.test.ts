// Whole programs: their page faults in Linux's order, and glibc's own start-up code.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { MM_VDSO, MMS } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { type End, type Fault, Linux, loadCore } from "./linux.ts";
import { qemu } from "../qemu.ts";

const root = inject("root");
const programs = join(root, "public/programs");

interface Recorded {
  program: string;
  args: string[];
  loaded: string;
  faults: string[];
}
interface Run {
  args: string[];
  exit?: number;
  signal?: string;
  stdout: string;
}

const machine = new Linux(loadCore(inject("core")));

function boot(program: string, args: string[], conf = {}): void {
  const tree = directory();
  const needed = index.programs.find((one) => one.file === program)?.needs ?? [];
  for (const name of [program, ...needed])
    place(tree, `/${name}`, file(readFileSync(join(programs, name)), 0o755));
  const path = `/${program}`;
  machine.boot({ root: tree, path, argv: [path, ...args], env: ["LC_ALL=C", "HOME=/"], conf });
}

const { runs }: { runs: Recorded[] } = JSON.parse(
  readFileSync(join(root, "tests/guests/linux-faults.json"), "utf8"),
);

/** SHA-256 of the file from byte 64 to the end of the last PT_LOAD. */
function loaded(program: string): string {
  const bytes = readFileSync(join(programs, program));
  let end = 64;
  for (let i = 0; i < bytes.readUInt16LE(56); i++) {
    const phdr = Number(bytes.readBigUInt64LE(32)) + i * 56;
    if (bytes.readUInt32LE(phdr) !== 1) continue;
    const last = bytes.readBigUInt64LE(phdr + 8) + bytes.readBigUInt64LE(phdr + 32);
    end = Math.max(end, Number(last));
  }
  return createHash("sha256").update(bytes.subarray(64, end)).digest("hex");
}

/**
 * On the stack the page is what counts: the offset depends on the environment. So it does in the
 * vDSO, for Linux's is another one.
 */
function shown({ access, va }: Fault): string {
  const page = va - (va % 4096);
  const vdso = machine.core.getNumber(MMS + MM_VDSO);
  return `${access} 0x${(va >= 0x3fff000000 || page === vdso ? page : va).toString(16)}`;
}

describe("page faults from exec to exit come as on Linux", () => {
  test.each(runs.map((run) => [[run.program, ...run.args].join(" "), run] as const))(
    "%s",
    (_name, run) => {
      expect(loaded(run.program), "record the faults again: the program has changed").toBe(
        run.loaded,
      );
      boot(run.program, run.args, { vm_fault_around_bytes: 4096 });
      const { faults } = machine.faults(1e9);
      const recorded = run.faults.map((line) => {
        const [access, va] = line.split(" ") as [Fault["access"], string];
        return shown({ access, va: Number(va) });
      });
      expect(faults.map(shown)).toEqual(recorded);
    },
  );
});

const index: { programs: { file: string; needs?: string[]; runs: Run[] }[] } = JSON.parse(
  readFileSync(join(programs, "index.json"), "utf8"),
);
const samples = index.programs.flatMap((program) =>
  program.runs
    // The benchmarks at full length run for seconds; each has a short run as well.
    .filter(({ args }) => !program.file.startsWith("bench/") || args.length > 0)
    .map((run) => [[program.file, ...run.args].join(" "), program.file, run] as const),
);

describe("a sample prints and ends as under QEMU", () => {
  test.each(samples)("%s", (_name, program, run) => {
    boot(program, run.args);
    const end = machine.run({ limit: 1e9 });
    expect(end.stdout).toBe(run.stdout);
    if (run.signal) expect(end.verdict).toContain(run.signal);
    else expect(end.verdict).toBe(`exit ${run.exit}`);
  });
});

describe.skipIf(needs("riscv64-linux-gnu-gcc", "qemu-riscv64"))("glibc starts unmodified", () => {
  const sysroot = "/usr/riscv64-linux-gnu";
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-glibc-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(source: string, linked: string[]): { ours: End; qemu: ReturnType<typeof qemuRun> } {
    const path = join(folder, source);
    const from = join(root, "tests/guests", `${source}.c`);
    const flags = [...linked, "-O1", "-o", path, from, "-lm"];
    const gcc = spawnSync("riscv64-linux-gnu-gcc", flags, { encoding: "utf8" });
    expect(gcc.stderr).toBe("");
    const tree = directory();
    place(tree, `/${source}`, file(readFileSync(path), 0o755));
    if (linked.length === 0) {
      for (const name of ["ld-linux-riscv64-lp64d.so.1", "libc.so.6", "libm.so.6"]) {
        place(tree, `/lib/${name}`, file(readFileSync(join(sysroot, "lib", name)), 0o755));
      }
    }
    machine.boot({ root: tree, path: `/${source}`, argv: [path, "one", "two"] });
    return { ours: machine.run({ limit: 1e9 }), qemu: qemuRun(path) };
  }
  const qemuRun = (path: string) =>
    qemu(["-L", sysroot, path, "one", "two"], { encoding: "latin1" });

  test.each([
    ["glibc-hello", "static", ["-static"]],
    ["glibc-mixed", "static", ["-static"]],
    ["processes", "static", ["-static"]],
    ["glibc-hello", "dynamic", []],
    ["glibc-mixed", "dynamic", []],
  ])("%s, %s", (source, _kind, linked) => {
    const { ours, qemu } = run(source, linked);
    expect(ours.stdout).toBe(qemu.stdout);
    expect(ours.stderr).toBe(qemu.stderr);
    expect(ours.verdict).toBe(`exit ${qemu.status}`);
  });
});
