// The law of time travel with bitmaps: also in the lines that prefetch and in those that record.
import { describe, expect, test } from "vitest";
import { MARK_COUNT } from "../../assembly/abi.ts";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { withBits } from "../../web/machine/elf/pbitmap.ts";
import { bitsFromWords } from "../../web/machine/elf/pbitmap-text.ts";
import { pageBitmaps } from "../../web/machine/elf/pbitmap.ts";
import { Core } from "../../web/machine/core.ts";
import { directory, file } from "../../web/machine/mkfs.ts";
import { coreModule, programBytes, start } from "../machine/programs.ts";

describe("a position reached by travelling is the position reached by running", () => {
  test.each([
    ["at once"],
    ["in the background", "vm.pbitmap_background=1"],
    ["recorded before the end", "vm.pbitmap_window_ms=30", "vm.pbitmap_record=accessed"],
  ])("when pages are prefetched %s", { timeout: 60_000 }, async (_how, ...more) => {
    const empty = addBitmaps(programBytes("sort"));
    const words = pageBitmaps(empty).bitmaps.map((_, i) => `${i}:all`);
    const bytes = withBits(empty, bitsFromWords(pageBitmaps(empty), words));
    const request = { root: directory({ sort: file(bytes, 0o777) }) };
    const options = { settings: ["ram=2", "vm.pbitmap_enabled=1", ...more], request };
    const args = ["50"];
    const machine = await start("sort", args, options);
    await machine.run();
    const end = machine.instret;
    const exit = machine.core.getNumber(MARK_COUNT);
    // Between instructions, and in the lines of execve, of the last faults, and of the exit.
    const goals = Array.from({ length: 12 }, (_, i) => ({
      instret: Math.floor((end * i) / 12),
      mark: 0,
    }));
    const faults = machine.history.faultCount;
    const stays = [0, end, machine.history.fault(faults - 1)?.instret ?? 0];
    for (const instret of stays) {
      await machine.seek({ instret, mark: 1 });
      const lines = instret === end ? exit : ((await machine.marksHere()) ?? 0);
      expect(lines).toBeGreaterThan(10);
      for (let i = 1; i <= 12; i++) goals.push({ instret, mark: Math.ceil((lines * i) / 13) });
    }
    goals.reverse();
    const travelled = [];
    for (const goal of goals) {
      const { position } = await machine.seek(goal);
      travelled.push({ goal: position, hash: machine.hash() });
    }
    expect(travelled.length).toBeGreaterThan(20);
    const core = new Core(await coreModule());
    const fresh = async () => start("sort", args, { ...options, travel: false, core });
    let runner = await fresh();
    travelled.sort((a, b) => a.goal.instret - b.goal.instret || a.goal.mark - b.goal.mark);
    for (const { goal, hash } of travelled) {
      if (runner.insideKernel) runner = await fresh();
      await runner.seek(goal);
      expect({ goal, hash: runner.hash() }).toEqual({ goal, hash });
    }
  });
});
