// The order of the test files: long ones first, so that at the end no single file runs while the
// other processor has nothing to do. Vitest's own order knows how long a file took the last time,
// which on a fresh checkout is nothing, and then goes by size: a few lines that make a million
// random events come last.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** About a quarter of a minute and more; the browser's apart from each other. */
const HEAVY = [
  "tests/e2e/workbench.test.ts",
  "tests/kernel/random.test.ts",
  "tests/guest/build.test.ts",
  "tests/e2e/views.test.ts",
  "tests/machine/measure.test.ts",
  "tests/machine/time-travel.test.ts",
  "tests/kernel/loader-fuzz.test.ts",
  "tests/proposal/pbitmap-random.test.ts",
  "tests/hw/isa/lockstep.test.ts",
  "tests/hw/isa/directed.test.ts",
  "tests/e2e/docs.test.ts",
  "tests/machine/paths.test.ts",
  "tests/cli/cli.test.ts",
  "tests/machine/elf/readelf.test.ts",
  "tests/debian/programs.test.ts",
  "tests/guest/prefetch.test.ts",
  "tests/kernel/oracles.test.ts",
  "tests/machine/checkpoints.test.ts",
  "tests/hw/interp.test.ts",
  "tests/kernel/bugs.test.ts",
  "tests/machine/experiments/experiments.test.ts",
  "tests/e2e/experiments.test.ts",
  "tests/machine/experiments/nozero.test.ts",
  "tests/kernel/reclaim.test.ts",
  "tests/machine/elf/pbitmap.test.ts",
];

const rank = ({ moduleId }: TestSpecification): number => {
  const i = HEAVY.findIndex((path) => moduleId.endsWith(`/${path}`));
  return i < 0 ? HEAVY.length : i;
};

export class HeavyFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
