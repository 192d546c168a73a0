// The vDSO: glibc finds it, and the clock is read without a system call.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Ev, MM_VDSO, MMS } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const root = inject("root");
const GCC = "riscv64-linux-gnu-gcc";
const machine = new Linux(loadCore(inject("core")));

describe.skipIf(needs(GCC))("the vDSO", () => {
  let folder = "";
  let program = Buffer.alloc(0);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-vdso-"));
    const path = join(folder, "vdso-clock");
    const from = join(root, "tests/guests/vdso-clock.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    program = readFileSync(path);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function boot(): void {
    const tree = directory();
    place(tree, "/vdso-clock", file(program, 0o755));
    machine.boot({ root: tree, path: "/vdso-clock", conf: { vm_fault_around_bytes: 4096 } });
  }

  test("tells the time that the system call tells", () => {
    boot();
    const { stdout, verdict } = machine.run({ limit: 1e8 });
    expect(stdout.split("\n")).toEqual([
      "0 1",
      "1 1",
      "7 1",
      "day 1",
      "res 0 1",
      "bad -1",
      "vdso 1",
      "",
    ]);
    expect(verdict).toBe("exit 0");
  });

  test("enters the kernel for the clocks that the program asked it about, no others", () => {
    boot();
    machine.run({ limit: 1e8 });
    const calls = machine.events.filter(({ kind }) => kind === Ev.Syscall);
    const clocks = calls.filter(({ a }) => (a & 0xffffffffn) === 113n).map(({ b }) => Number(b));
    expect(clocks).toEqual([0, 1, 7, 12345]);
    const others = calls
      .map(({ a }) => Number(a & 0xffffffffn))
      .filter((nr) => [114, 169].includes(nr));
    expect(others).toEqual([]);
  });

  test("is one page after two of data, and each comes by one fault", () => {
    boot();
    const { faults } = machine.faults(1e8);
    const base = machine.core.getNumber(MMS + MM_VDSO);
    const near = faults.filter(({ va }) => va >= base - 8192 && va < base + 4096);
    expect(near.map(({ access, va }) => [access, Math.floor((va - base) / 4096)])).toEqual([
      ["R", 0],
      ["R", -2],
    ]);
  });
});
