// Strings of references played by the simulator's core.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { policyNamed } from "../../web/machine/policies.ts";
import { type RunResult, Simulator } from "../../web/machine/sim/simulator.ts";
import type { Outcome, Reference, Settings } from "./restated.ts";

let simulator: Simulator | undefined;

/** The simulator, holding this string and no other. */
export function simulatorOf(string: readonly Reference[]): Simulator {
  simulator ??= new Simulator(
    new WebAssembly.Module(readFileSync(join(dirname(inject("core")), "sim.wasm"))),
  );
  simulator.clear();
  const words = Uint32Array.from(string.flatMap(([page, write]) => [page * 2 + Number(write), 0]));
  simulator.add(words, string.length);
  return simulator;
}

export function play(
  simulator: Simulator,
  name: string,
  frames: number,
  settings: Partial<Settings> = {},
): RunResult {
  const policy = policyNamed(name)?.number;
  if (policy === undefined) throw new Error(name);
  return simulator.run({ policy, frames, ...settings });
}

/** What restate() answers, from the core. */
export function outcome(
  string: readonly Reference[],
  name: string,
  frames: number,
  settings: Partial<Settings> = {},
): Outcome {
  const simulator = simulatorOf(string);
  const { faults, writebacks } = play(simulator, name, frames, settings);
  const names = [...new Set(string.map(([page]) => page))];
  const resident = simulator.resident.map((id) => names[id] as number).sort((a, b) => a - b);
  return { faults, writebacks, resident };
}

/** "7 0 1*": pages, those with a star written. */
export function references(text: string): Reference[] {
  return (text.match(/\d+\*?/g) ?? []).map((word) => [
    Number.parseInt(word, 10),
    word.endsWith("*"),
  ]);
}
