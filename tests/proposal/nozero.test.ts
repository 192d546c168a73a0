// MAP_NOZERO: the kernel's side, with a program that says what is in the pages it was given.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Conf, VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { directory, type FileNode, file, place } from "../../web/machine/mkfs.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-nozero-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
let program = file(new Uint8Array(0));

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "nozero");
  const from = join(root, "tests/guests/nozero.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = file(readFileSync(path), 0o755);
});

type Settings = Partial<Record<keyof typeof Conf, number>>;

/** Runs the lists of steps as root. @returns what was printed, by lines */
function run(lists: string[], conf: Settings = {}, files: Record<string, FileNode> = {}) {
  const tree = directory();
  place(tree, "/nozero", program);
  place(tree, "/setuid", { ...program, mode: 0o4755, uid: 0 });
  for (const [path, node] of Object.entries(files)) place(tree, path, node);
  machine.boot({
    root: tree,
    path: "/nozero",
    argv: ["/nozero", ...lists],
    conf: { uid: 0, gid: 0, vm_nozero_enabled: 1, ...conf },
  });
  const wrong: string[] = [];
  const sweep = () => {
    if (machine.started && wrong.length === 0) wrong.push(...violations(machine.core));
  };
  const end = machine.run({ limit: 100_000_000, between: sweep });
  wrong.push(...violations(machine.core));
  expect(wrong).toEqual([]);
  expect(end.verdict).toBe("exit 0");
  return end.stdout.trimEnd().split("\n");
}
const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);

describe.skipIf(needs(GCC))("a write to memory mapped with MAP_NOZERO", () => {
  test("gets the frame that the process gave back, as it is", () => {
    expect(run(["as 1000;fill A 8;look 8"])).toEqual(["look AAAAAAAA"]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(8);
  });

  test("gets a cleared one when another user gave it back", () => {
    expect(run(["as 1000;fill A 8", "as 2000;look 8"])).toEqual(["look ........"]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(0);
    expect(counted(VmEvent.NOZERO_MISS)).toBe(8);
  });
});
