import { beforeAll, describe, expect, test } from "vitest";
import { buildSeeded } from "../../tools/seeded-bugs.mjs";
import { SEEDED_BUGS } from "../../tools/seeded-bugs-table.mjs";
import { loadCore } from "./linux.ts";
import { RandomMachine } from "./random-machine.ts";
import { label, randomRun } from "./random-runs.ts";

/** Events within which each bug must be noticed. */
const EVENTS = 100_000;

describe("random programs find a kernel in which", () => {
  let machine: RandomMachine;
  beforeAll(async () => {
    machine = new RandomMachine(loadCore(await buildSeeded()));
  }, 300_000);

  test("nothing is wrong to be right", () => {
    machine.seeded = 0;
    expect(randomRun(machine, 1, 1500).wrong).toEqual([]);
  });

  // Whose bytes they are is another test's question: tests/proposal/nozero-taint.test.ts.
  const bugs = SEEDED_BUGS.map((bug, i) => [i + 1, bug.name, bug.breaks] as const);
  test.each(bugs.filter(([, , breaks]) => !breaks.includes("taint")))(
    "%i: %s",
    { timeout: 120_000 },
    (n, _, breaks) => {
      machine.seeded = n;
      let events = 0;
      for (let seed = 1; events < EVENTS; seed++) {
        const run = randomRun(machine, seed, 1500);
        events += run.ops.length;
        if (run.wrong.length === 0) continue;
        expect(breaks, run.wrong.join("\n")).toContain(label(run.wrong));
        return;
      }
      expect.fail(`nothing noticed it in ${events} events`);
    },
  );
});
