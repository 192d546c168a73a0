// What a run has cost: the counters that experiments compare.
import { describe, expect, test } from "vitest";
import { clock, eraName } from "../../web/machine/views/clock.ts";
import { measure, type Measure, pagesUnused } from "../../web/machine/views/measure.ts";
import { samples, start } from "./programs.ts";

async function run(name: string, args: string[], settings: string[]): Promise<Measure> {
  const machine = await start(name, args, { settings, travel: false });
  expect((await machine.run()).reason).toBe("end");
  return measure(machine.core);
}

const sum = (values: object) => Object.values(values).reduce((a: number, b: number) => a + b, 0);
const quick = samples().filter(({ name, runs: [run] }) => {
  return run?.exit === 0 && run.stdin === undefined && !name.startsWith("bench/");
});

describe("pages read and never used", () => {
  // hello has three pages: execve reads the headers in the first, the second is executed, the
  // third is loaded from and copied for a store.
  test("hello uses all three pages of its file, however they were read", async () => {
    for (const read_ahead of [0, 128]) {
      const found = await run("hello", [], ["vm.old_prefault=1", `vm.read_ahead_kb=${read_ahead}`]);
      expect(found).toMatchObject({ pagesRead: 3, pagesUnused: 0, pagesWritten: 0 });
    }
  });

  test.each(quick.map(({ name, runs }) => [name, runs[0]?.args ?? []] as const))(
    "%s uses the same pages whatever is read and mapped around them",
    async (name, args) => {
      const used = new Set<number>();
      for (const around of [4096, 65536]) {
        for (const ahead of [0, 128, 1024]) {
          const found = await run(name, args, [
            "vm.old_prefault=1",
            `vm.fault_around_bytes=${around}`,
            `vm.read_ahead_kb=${ahead}`,
          ]);
          used.add(found.pagesRead - found.pagesUnused);
          if (ahead === 0 && around === 4096) expect(found.pagesUnused).toBe(0);
        }
      }
      expect(used.size, [...used].join(" ")).toBe(1);
    },
  );

  test("one that a program still has mapped is used once its A bit is set", async () => {
    const machine = await start("hello", [], { settings: ["vm.old_prefault=1"] });
    await machine.run(1);
    expect(pagesUnused(machine.core)).toBe(1);
    await machine.run(14);
    expect(pagesUnused(machine.core)).toBe(0);
  });
});

describe("time", () => {
  test.each(["laptop2004", "desktop2004", "server2007", "desktop2008", "ssd2008", "nvme2020"])(
    "its parts add up to the clock's total (%s)",
    async (era) => {
      const machine = await start("fork", [], { settings: [`era=${era}`], travel: false });
      await machine.run();
      expect(eraName(machine.core)).toBe(era);
      const { timePs } = measure(machine.core);
      expect(sum(timePs) / 1000).toBeCloseTo(clock(machine.core).timeNs, 3);
      expect(timePs.disk).toBeGreaterThan(0);
      expect(timePs.user).toBeGreaterThan(0);
    },
  );
});

test("a kernel entry is the start, a fault, a system call or an interrupt", async () => {
  const machine = await start("hello", [], { travel: false });
  await machine.run();
  const traps = { faults: 0, calls: 0 };
  for (let n = 0; n < machine.history.faultCount; n++)
    if (machine.history.fault(n)?.trap) traps.faults++;
  traps.calls = machine.history.tally.syscalls;
  expect(traps.calls).toBe(2); // write, exit_group
  expect(measure(machine.core).kernelEntries).toBe(1 + traps.faults + traps.calls);
});

test("every fault is a minor or a major one", async () => {
  const settings = ["vm.read_ahead_kb=0"];
  const machine = await start("hello", [], { settings, travel: false });
  await machine.run();
  const { minflt, majflt } = measure(machine.core);
  expect({ minflt, majflt }).toEqual({
    minflt: machine.history.faultCount - majflt,
    majflt,
  });
  expect(majflt).toBe(2); // its headers are read by execve, the other two pages by faults
});
