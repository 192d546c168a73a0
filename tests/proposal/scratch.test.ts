import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Conf, VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-scratch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
let program = file(new Uint8Array(0));

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "scratch");
  const source = join(root, "tests/guests/scratch.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, source], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = file(readFileSync(path), 0o755);
});

/** Page n begins with n. */
const DATA_PAGES = 64;
const data = new Uint8Array(DATA_PAGES * 4096);
for (let n = 0; n < DATA_PAGES; n++) data[n * 4096] = n;

type Settings = Partial<Record<keyof typeof Conf, number>>;
const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);

/** Runs the steps, sweeping at every kernel entry. @returns what was printed, by lines */
function run(steps: string[], conf: Settings = {}): string[] {
  const tree = directory();
  place(tree, "/scratch", program);
  place(tree, "/data", file(data, 0o666));
  const settings = { ram_frames: 512, vm_scratch_enabled: 1, vm_overcommit_memory: 1, ...conf };
  machine.boot({ root: tree, path: "/scratch", argv: ["/scratch", ...steps], conf: settings });
  const wrong: string[] = [];
  const sweep = () => {
    if (machine.started && wrong.length === 0) wrong.push(...violations(machine.core));
  };
  const end = machine.run({ limit: 100_000_000, between: sweep });
  sweep();
  expect(wrong).toEqual([]);
  expect(end).toMatchObject({ verdict: "exit 0", stderr: "" });
  return end.stdout.trimEnd().split("\n");
}

describe.skipIf(needs(GCC))("a scratch mapping", () => {
  test("goes back to its file when memory is short, and never to swap", () => {
    const steps = ["map a 32 8000002 3", "fill a 0 32", "look a 0 32", "hog 600", "look a 0 32"];
    const lines = run(steps);
    expect(lines).toEqual(["map", "#".repeat(32), "hog: 0 wrong", ".".repeat(32)]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(32);
    expect(counted(VmEvent.SCRATCH_REREAD)).toBe(32);
    // Without the switch the flag means nothing: swap keeps what was written.
    const off = run(steps, { vm_scratch_enabled: 0 });
    expect(off).toEqual(["map", "#".repeat(32), "hog: 0 wrong", "#".repeat(32)]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(0);
  });
});
