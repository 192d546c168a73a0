// The law of time travel where memory is short: pages go to the disk and come back, and the disk's
// blocks are part of the state like the frames.
import { describe, expect, test } from "vitest";
import { SWAP_TOUCHED, VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { Core } from "../../web/machine/core.ts";
import { coreModule, start } from "./programs.ts";

const PAGES = ["random", "500"];

describe("a position reached by travelling is the position reached by running", () => {
  test.each(["linux", "fifo", "arc", "random", "mglru"])(
    "in a program that thrashes, under %s",
    { timeout: 120_000 },
    async (policy) => {
      const options = { settings: ["ram=1", `policy=${policy}`] };
      const machine = await start("pages", PAGES, options);
      await machine.run();
      expect(machine.core.getNumber(VM_EVENTS + 8 * VmEvent.PSWPIN)).toBeGreaterThan(20);
      expect(machine.core.getU32(SWAP_TOUCHED)).toBeGreaterThan(100);
      const end = machine.instret;
      const faults = machine.history.faultCount;

      // Backwards, between instructions and in the middle of faults that reclaim.
      const goals = [];
      for (let i = 15; i >= 0; i--) {
        goals.push({ instret: Math.floor((end * i) / 16), mark: 0 });
        const fault = machine.history.fault(Math.floor((faults * i) / 16));
        if (!fault) continue;
        await machine.seek({ instret: fault.instret, mark: fault.mark + 1 });
        const lines = (await machine.marksHere()) ?? 1;
        goals.push({ instret: fault.instret, mark: Math.max(1, Math.floor(lines / 2)) });
      }
      const travelled = [];
      for (const goal of goals) {
        const { reason, position } = await machine.seek(goal);
        expect([reason, position]).toEqual(["reached", goal]);
        travelled.push({ goal, hash: machine.hash() });
      }

      const core = new Core(await coreModule());
      const fresh = async () => start("pages", PAGES, { ...options, travel: false, core });
      let runner = await fresh();
      travelled.sort((a, b) => a.goal.instret - b.goal.instret || a.goal.mark - b.goal.mark);
      for (const { goal, hash } of travelled) {
        if (runner.insideKernel) runner = await fresh();
        await runner.seek(goal);
        expect({ goal, hash: runner.hash() }).toEqual({ goal, hash });
      }
    },
  );
});
