// The law of time travel with MAP_NOZERO: the tags and the records of what is left in frames come
// back with the machine, and so does what a program sees that its frames still held.
import { describe, expect, test } from "vitest";
import { PAGE_PROVENANCE, VmEvent } from "../../assembly/abi.ts";
import { Core } from "../../web/machine/core.ts";
import { vmEvent } from "../../web/machine/views.ts";
import { coreModule, start } from "../machine/programs.ts";

describe("a position reached by travelling is the position reached by running", () => {
  test.each([
    ["tag in the map count"],
    ["tag in a field", "vm.nozero_tag=field"],
    ["tag by group", "vm.nozero_owner=memcg"],
    ["frames found by their owner", "vm.nozero_list=owner_aware"],
  ])("%s", { timeout: 60_000 }, async (_how, ...more) => {
    const options = { settings: ["ram=4", "vm.nozero_enabled=1", ...more] };
    const machine = await start("smiffy", ["-n", "3", "-p", "0"], options);
    await machine.run();
    expect(machine.core.getU32(PAGE_PROVENANCE)).not.toBe(0);
    expect(vmEvent(machine.core, VmEvent.CLEAR_AVOIDED)).toBeGreaterThan(100);
    const end = machine.instret;
    const goals = Array.from({ length: 16 }, (_, i) => Math.floor((end * (i + 1)) / 17));
    const travelled: { instret: number; mark: number; hash: bigint | string }[] = [];
    for (const instret of [...goals].reverse()) {
      for (const mark of [0, 9]) {
        const { position } = await machine.seek({ instret, mark });
        travelled.push({ ...position, hash: machine.hash() });
      }
    }
    const core = new Core(await coreModule());
    const fresh = async () =>
      start("smiffy", ["-n", "3", "-p", "0"], { ...options, travel: false, core });
    let runner = await fresh();
    travelled.sort((a, b) => a.instret - b.instret || a.mark - b.mark);
    for (const { instret, mark, hash } of travelled) {
      if (runner.insideKernel) runner = await fresh();
      await runner.seek({ instret, mark });
      expect({ instret, mark, hash: runner.hash() }).toEqual({ instret, mark, hash });
    }
  });
});
