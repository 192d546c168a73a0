import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ActKind, Ev } from "../../assembly/abi.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { scratchPicture } from "../../web/machine/pictures/scratch.ts";
import { needs } from "../needs.ts";
import { start } from "./programs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const folder = mkdtempSync(join(tmpdir(), "pagewalk-scratch-picture-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let program = new Uint8Array(0);

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "patcher");
  const source = join(inject("root"), "tests/guests/patcher.c");
  const made = spawnSync(GCC, ["-static", "-O1", "-o", path, source], { encoding: "utf8" });
  expect(made.stderr).toBe("");
  program = new Uint8Array(readFileSync(path));
});

/** Words that tests/guests/patcher.c stores into page 1 of its file, in this order. */
const ORDER = [300, 7, 511, 8, 0, 42];

async function boot(): Promise<Machine> {
  const root = directory();
  place(root, "/patcher", file(program, 0o755));
  place(root, "/data", file(new Uint8Array(3 * 4096), 0o666));
  const request = { root, path: "/patcher", argv: ["patcher"] };
  return start("cow", [], { settings: ["vm.scratch_enabled=1", "ram=8"], request });
}

const calls = (machine: Machine) =>
  machine.history
    .events(0, machine.logSeq)
    .filter(({ kind, a }) => kind === Ev.SyscallDone && (a & 0xffffffffn) === 999n).length;

/** To where the program has made its mark (system call 999) so many times. */
async function toMark(machine: Machine, n: number): Promise<void> {
  while (!machine.halted && calls(machine) < n) await machine.stepInstruction(50);
  expect(calls(machine)).toBe(n);
}

const mapping = async (machine: Machine) => {
  const { areas, page } = await scratchPicture(machine);
  const vpn = (areas[0]?.startPage ?? 0) + 1;
  return page?.vpn === vpn ? scratchPicture(machine) : scratchPicture(machine, { vpn });
};

describe.skipIf(needs(GCC))("the picture of a scratch page", () => {
  it("has the words that differ from the file in the order in which they landed", async () => {
    const machine = await boot();
    await toMark(machine, 1);
    const { page } = await mapping(machine);
    expect(page?.ordered).toBe(true);
    expect(page?.words.map(({ index }) => index)).toEqual([...ORDER].sort((a, b) => a - b));
    const landed = [...(page?.words ?? [])].sort((a, b) => a.order - b.order);
    expect(landed.map(({ index }) => index)).toEqual(ORDER);
    expect(landed[0]).toMatchObject({ file: "00000000 00000000", memory: "0000012c 5c5a7c4e" });
    expect(page?.state).toBe("scratch");
  });

  it("leaves the machine where it was, to the last byte", async () => {
    const machine = await boot();
    await toMark(machine, 1);
    await machine.stepLine();
    const before = { hash: machine.hash(), position: machine.position };
    await mapping(machine);
    expect({ hash: machine.hash(), position: machine.position }).toEqual(before);
  });

  it("tells a life: the file's copy, a copy of its own, the drop, the file's again", async () => {
    const machine = await boot();
    await toMark(machine, 1);
    const at = machine.instret;
    expect(await machine.act(ActKind.scratch_drop, 0, 1)).toBe(1);
    const dropped = await mapping(machine);
    expect(dropped.page?.life.map(({ what }) => what)).toEqual([
      "mapped",
      "copied",
      "dropped",
      "now",
    ]);
    expect(dropped.page?.life.map(({ words }) => words)).toEqual([0, ORDER.length, 0, 0]);
    expect(dropped.page?.life[2]?.instret).toBe(at);
    expect(dropped).toMatchObject({ drops: 1, rereads: 0, swap: { writes: 1, reads: 0 } });
    expect(dropped.page?.words).toEqual([]);
    await toMark(machine, 2);
    const again = await mapping(machine);
    expect(again.page?.life.map(({ what }) => what).slice(2)).toEqual([
      "dropped",
      "read",
      "copied",
      "now",
    ]);
    expect(again).toMatchObject({ drops: 1, rereads: 1, swap: { writes: 1, reads: 1 } });
    expect([...(again.areas[0]?.drops ?? [])]).toEqual([0, 1, 0]);
    expect(again.page?.words.map(({ index }) => index)).toEqual([42]);
  });

  it("costs nothing of swap, and says what swap would have cost on the era's disk", async () => {
    const machine = await boot();
    await toMark(machine, 1);
    await machine.act(ActKind.scratch_drop, 0, 1);
    await toMark(machine, 2);
    const { swap } = await mapping(machine);
    const events = machine.history.events(0, machine.logSeq);
    expect(events.some(({ kind }) => kind === Ev.SwapOut)).toBe(false);
    // Two transfers of one page, each with its way: more than two turns of a plate.
    expect(swap.ns).toBeGreaterThan(2 * 4e6);
  });
});
