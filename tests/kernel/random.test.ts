import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { loadCore } from "./linux.ts";
import { RandomMachine } from "./random-machine.ts";
import { printed, type Recording, randomRun, replay, shrink } from "./random-runs.ts";

// With PAGEWALK_LONG ten million; a failure says its seed, and PAGEWALK_SEED begins there.
const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
const EVENTS = Number(process.env.PAGEWALK_EVENTS ?? (long ? 10_000_000 : 1_000_000));
const FIRST = Number(process.env.PAGEWALK_SEED ?? 1);
const regressions: (Recording & { broke: string })[] = JSON.parse(
  readFileSync(join(inject("root"), "tests/kernel/random-regressions.json"), "utf8"),
);
/** Events of one machine. */
const RUN = 1500;

const machine = new RandomMachine(loadCore(inject("core")));

describe("random programs", () => {
  test(`break no invariant and lose no byte in ${EVENTS} events`, { timeout: 7_200_000 }, () => {
    let events = 0;
    for (let seed = FIRST; events < EVENTS; seed++) {
      const run = randomRun(machine, seed, RUN);
      if (run.wrong.length > 0) throw new Error(`seed ${seed}: ${printed(shrink(machine, run))}`);
      events += run.ops.length;
    }
    expect(machine.sweeper.sweeps).toBeGreaterThanOrEqual(events);
  });

  test.each(regressions.map((run, i) => [`number ${i + 1}: ${run.broke}`, run] as const))(
    "once broke an invariant, and do not now: %s",
    (_, run) => {
      expect(replay(machine, run).wrong).toEqual([]);
    },
  );
});
