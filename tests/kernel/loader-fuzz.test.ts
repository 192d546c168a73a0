import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { fuzzSeeds } from "./fuzz-seeds.ts";
import { loadCore } from "./linux.ts";
import { LoaderFuzz } from "./loader-fuzz.ts";

// PAGEWALK_LONG=1 asks for the ten million of which this is a share.
const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
const EXECUTIONS = long ? 10_000_000 : 800_000;
const SEED = 20261120;

test("no header makes execve trap, run on, or leave anything behind", {
  timeout: 1_800_000,
}, () => {
  const { seeds, fixed } = fuzzSeeds();
  for (const name of ["hello", "hello-pie"]) {
    seeds[name] = readFileSync(join(inject("root"), "public/programs", name));
  }
  const fuzz = new LoaderFuzz(loadCore(inject("core")), seeds, fixed, SEED);
  const report = fuzz.run(EXECUTIONS);
  if (long) console.log(report);
  // Every way to end was taken, or the mutations miss half of the loader.
  const signals = ["signal 4 1", "signal 7 2", "signal 11 1", "signal 11 2", "signal 11 128"];
  expect(Object.keys(report.ends).sort()).toEqual(["errno", "exit", "shot", ...signals].sort());
  expect(report.mostMarks).toBeLessThan(200_000);
});
