// The law of time travel: whatever way a position is reached, the machine is the same there.
import { describe, expect, test } from "vitest";
import { Core } from "../../web/machine/core.ts";
import type { Position } from "../../web/machine/types.ts";
import * as views from "../../web/machine/views.ts";
import { acting } from "../kernel/acts.ts";
import { files, randomFileActs } from "../kernel/file-acts.ts";
import { coreModule, samples, start } from "./programs.ts";

const LONG = (process.env.PAGEWALK_LONG ?? "0") !== "0";
const POSITIONS = LONG ? 1000 : 50;
/** Programs for measuring run too long to be run again for each position. */
const MAX_INSTRUCTIONS = LONG ? 2e8 : 2e7;
const SETTINGS = ["ram=24"];

/** mulberry32: the same positions in every run. */
function random(seed: number): (below: number) => number {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const runs = samples().flatMap(({ name, runs }) => {
  const [run] = name.startsWith("bench/") ? runs.filter(({ args }) => args.length > 0) : runs;
  return run ? [{ name, args: run.args, stdin: run.stdin }] : [];
});

describe("a position reached by travelling is the position reached by running", () => {
  test.each(runs)(
    "$name $args",
    { timeout: LONG ? 3_600_000 : 120_000 },
    async ({ name, args, stdin }) => {
      const input = new TextEncoder().encode(stdin ?? "");
      const options = { settings: SETTINGS, request: { input } };
      const machine = await start(name, args, options);
      await machine.run(MAX_INSTRUCTIONS);
      const end = machine.instret;
      const faults = machine.history.faultCount;
      const pick = random(0x9e3779b9);

      const goals: Position[] = [];
      for (let i = 0; i < POSITIONS; i++) {
        const goal = { instret: pick(end + 1), mark: 0 };
        const fault = i % 2 === 1 ? machine.history.fault(pick(faults)) : undefined;
        if (fault) {
          await machine.seek({ instret: fault.instret, mark: fault.mark + 1 });
          const lines = (await machine.marksHere()) ?? 0;
          goal.instret = fault.instret;
          goal.mark = 1 + pick(lines);
        }
        goals.push(goal);
      }
      const travelled: string[] = [];
      for (const goal of goals) {
        const { reason, position } = await machine.seek(goal);
        expect([reason, position]).toEqual(["reached", goal]);
        travelled.push(machine.hash());
      }

      const core = new Core(await coreModule());
      const fresh = async () => start(name, args, { ...options, travel: false, core });
      let runner = await fresh();
      const inOrder = goals
        .map((goal, i) => ({ goal, hash: travelled[i] }))
        .sort((a, b) => a.goal.instret - b.goal.instret || a.goal.mark - b.goal.mark);
      for (const { goal, hash } of inOrder) {
        // What stopped inside the kernel cannot run on: the next position needs a new run.
        if (runner.insideKernel) runner = await fresh();
        await runner.seek(goal);
        expect({ goal, hash: runner.hash() }).toEqual({ goal, hash });
      }
    },
  );
});

test("seek(b), seek(a), seek(b) gives the state of b twice, in the middle of a fault too", async () => {
  const machine = await start("sort", [], { settings: SETTINGS });
  await machine.run();
  const pick = random(7);
  for (let i = 0; i < 20; i++) {
    const fault = machine.history.fault(pick(machine.history.faultCount));
    const b = { instret: fault?.instret ?? 0, mark: (fault?.mark ?? 0) + 1 + pick(40) };
    const a = { instret: pick(b.instret + 1), mark: 0 };
    await machine.seek(b);
    const before = machine.hash();
    await machine.seek(a);
    await machine.seek(b);
    expect(machine.hash()).toBe(before);
  }
});

test("a program's faults begin where the hart traps, and the log knows the line", async () => {
  const machine = await start("pages", ["random", "64"], { settings: SETTINGS });
  const found: Position[] = [];
  for (;;) {
    const { reason, position } = await machine.nextFault();
    if (reason !== "reached") break;
    found.push(position);
  }
  const told = found.map((_, n) => {
    const { instret = -1, mark = -1 } = machine.history.fault(n) ?? {};
    return { instret, mark: mark + 1 };
  });
  expect(machine.history.faultCount).toBe(found.length);
  expect(found).toEqual(told);
  expect(found.length).toBeGreaterThan(60);
});

test("forwards line by line and backwards line by line pass the same positions", async () => {
  const machine = await start("hello", [], { settings: SETTINGS });
  await machine.seek({ instret: 13, mark: 0 });
  const there: string[] = [];
  for (let i = 0; i < 200; i++) {
    await machine.stepLine();
    there.push(`${machine.instret}:${machine.position.mark} ${machine.markId} ${machine.hash()}`);
  }
  const back: string[] = [];
  for (let i = 0; i < 200; i++) {
    back.push(`${machine.instret}:${machine.position.mark} ${machine.markId} ${machine.hash()}`);
    await machine.backLine();
  }
  // Forwards, the return to user mode is a step of its own; backwards, lines follow lines.
  const lines = there.filter((one) => !one.includes(" 0 "));
  expect(back.filter((one) => !one.includes(" 0 ")).slice(0, lines.length)).toEqual(
    lines.reverse(),
  );
});

test("a disk that was written is as it was at every position", { timeout: 120_000 }, async () => {
  const sequences = randomFileActs(11);
  const core = new Core(await coreModule());
  for (let n = 0; n < 3; n++) {
    const bytes = acting(sequences.next().value, files);
    const options = { settings: [...SETTINGS, "uid=0", "gid=0", "disk_free=1"], bytes };
    const machine = await start("acts", [], options);
    // A checkpoint is a copy of what differs: many of them, so that most seeks pass several.
    for (let at = 0; at < 1e6; at += 97) {
      const { position } = await machine.seek({ instret: at, mark: 0 });
      machine.checkpoints.take({ ...position, pending: false }, at);
      if (position.instret < at) break;
    }
    await machine.run();
    const end = machine.instret;
    const last = machine.hash();
    const writes = views.disk(machine.core).pagesWritten;
    const pick = random(n + 1);
    const found: { at: number; hash: string }[] = [];
    for (let i = 0; i < 20; i++) {
      const at = pick(end + 1);
      await machine.seek({ instret: at, mark: 0 });
      found.push({ at, hash: machine.hash() });
    }
    await machine.seek({ instret: end, mark: 0 });
    await machine.run();
    expect(machine.hash()).toBe(last);
    expect(views.disk(machine.core).pagesWritten).toBe(writes);
    const runner = await start("acts", [], { ...options, travel: false, core });
    for (const { at, hash } of found.sort((a, b) => a.at - b.at)) {
      await runner.seek({ instret: at, mark: 0 });
      expect({ at, hash: runner.hash() }).toEqual({ at, hash });
    }
  }
});
