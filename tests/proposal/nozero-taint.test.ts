// Byte-level taint: whose byte is it that a load returns? See tests/guests/nz-taint.c for how a
// byte says so, and taint-machine.ts for the second opinion.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { NozeroDefect, NozeroList, NozeroOwner, NozeroTag } from "../../assembly/abi.ts";
import { buildSeeded } from "../../tools/seeded-bugs.mjs";
import { SEEDED_BUGS } from "../../tools/seeded-bugs-table.mjs";
import { loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { Mix, type Plan, TaintMachine } from "./taint-machine.ts";

const GCC = "riscv64-linux-gnu-gcc";
const FLAGS = [
  ...["-O2", "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-no-pie"],
  ...["-fno-stack-protector", "-fno-tree-loop-distribute-patterns", "-msmall-data-limit=0"],
  ...["-Wl,--no-relax", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,norelro"],
];
const folder = mkdtempSync(join(tmpdir(), "pagewalk-taint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function build(): Uint8Array {
  const path = join(folder, "nz-taint");
  const from = join(inject("root"), "tests/guests/nz-taint.c");
  const { stderr } = spawnSync(GCC, [...FLAGS, "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  return readFileSync(path);
}

/** The ways in which the tag is kept and frames are given out, that are meant to be safe. */
const VARIANTS: NonNullable<Plan["conf"]>[] = [
  {},
  { vm_nozero_list: NozeroList.owner_aware },
  { vm_nozero_tag: NozeroTag.field },
  {},
  { vm_nozero_owner: NozeroOwner.task },
];
/** Steps that a defect has for being found. */
const SHORT = { loads: 5_000_000, steps: 10_000 };

describe.skipIf(needs(GCC))("whose bytes a program can load", () => {
  let machine: TaintMachine;
  let program: Uint8Array;
  beforeAll(() => {
    program = build();
    machine = new TaintMachine(loadCore(inject("core")), program);
  });

  test("10 million loads among users, set-user-id programs, tracers, forks and swap show nobody else's", {
    timeout: 300_000,
  }, () => {
    const total = {
      loads: 0,
      bytes: 0,
      avoided: 0,
      swappedOut: 0,
      setuids: 0,
      attaches: 0,
      forks: 0,
    };
    for (let seed = 0; seed < 20; seed++) {
      const conf = VARIANTS[seed % VARIANTS.length] as NonNullable<Plan["conf"]>;
      const outcome = machine.run({ seed, loads: 500_500, conf, look: 2_000_000 });
      expect(outcome.leak).toBe(null);
      expect(outcome.seen, `seed ${seed}`).toEqual([]);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += outcome[key];
    }
    // It was not for want of opportunities.
    expect(total.loads).toBeGreaterThan(10_000_000);
    expect(total.bytes).toBeGreaterThan(100_000_000);
    expect(total.avoided).toBeGreaterThan(5_000);
    expect(total.swappedOut).toBeGreaterThan(500);
    expect(Math.min(total.setuids, total.attaches, total.forks)).toBeGreaterThan(150);
  });

  const SEEDS = Array.from({ length: 8 }, (_, i) => 100 + i);

  test("before the fix (setuid_race), another user's bytes are found in under 10,000 steps", () => {
    for (const seed of SEEDS) {
      const { leak, leakStep } = machine.run({
        seed,
        ...SHORT,
        conf: { vm_nozero_defects: NozeroDefect.setuid_race },
      });
      expect(leak, `seed ${seed}`).toMatch(
        /, (user 100[123]'s|root's|program \/exec-only's|file .*'s), at/,
      );
      expect(leakStep).toBeLessThan(10_000);
    }
  });

  test("before the fix, frames with somebody else's bytes wait under a user's tag", () => {
    for (const seed of SEEDS) {
      const conf = { vm_nozero_defects: NozeroDefect.setuid_race };
      const { seen } = machine.run({ seed, ...SHORT, conf, look: 50_000 });
      expect(seen.join("\n"), `seed ${seed}`).toMatch(/^(a free frame tagged with user|process)/);
    }
  });

  test("when users own files' pages (owns_files), a file its owner may not read is found in under 10,000 steps", () => {
    for (const seed of SEEDS) {
      const conf = { vm_nozero_defects: NozeroDefect.owns_files };
      const mix = Mix.noSetuid | Mix.files;
      const { leak, leakStep } = machine.run({ seed, ...SHORT, conf, mix });
      expect(leak, `seed ${seed}`).toMatch(/, file \/unreadable-[012]'s, at/);
      expect(leakStep).toBeLessThan(10_000);
    }
  });

  test("when control groups own memory (2012), a task that was moved finds another user's bytes in under 10,000 steps", () => {
    let users = 0;
    for (const seed of SEEDS) {
      const conf = { vm_nozero_owner: NozeroOwner.memcg };
      const mix = Mix.groups | Mix.moves | Mix.noSetuid | Mix.noUnreadable;
      const { leak, leakStep } = machine.run({ seed, ...SHORT, conf, mix });
      expect(leak, `seed ${seed}`).not.toBe(null);
      expect(leakStep).toBeLessThan(10_000);
      if (/, (user 100[123]|root)'s, at/.test(leak as string)) users++;
    }
    // Or first a page of a file: they are charged to groups, too.
    expect(users).toBeGreaterThan(0);
  });

  test("with MAP_NOZERO off, mmap's flag and brk2 give nobody anything", () => {
    const conf = { vm_nozero_enabled: 0 };
    const { leak, seen, avoided, misses } = machine.run({
      seed: 1,
      ...SHORT,
      conf,
      look: 2_000_000,
    });
    expect([leak, seen, avoided, misses]).toEqual([null, [], 0, 0]);
  });

  test("a run is the same again: a seed is all that is needed to find a leak again", () => {
    const plan = { seed: 100, ...SHORT, conf: { vm_nozero_defects: NozeroDefect.setuid_race } };
    expect(machine.run(plan)).toEqual(machine.run(plan));
  });

  describe("random loads find a kernel in which", () => {
    let seeded: TaintMachine;
    beforeAll(async () => {
      seeded = new TaintMachine(loadCore(await buildSeeded()), program);
    }, 300_000);

    test("nothing is wrong to be right", () => {
      const { leak, seen } = seeded.run({ seed: 1, loads: 200_000, look: 2_000_000 });
      expect([leak, seen]).toEqual([null, []]);
    });

    const bugs = SEEDED_BUGS.map((bug, i) => [i + 1, bug.name, bug.breaks] as const);
    test.each(bugs.filter(([, , breaks]) => breaks.includes("taint")))(
      "%i: %s",
      { timeout: 120_000 },
      (n) => {
        let steps = 0;
        for (let seed = 1; steps < 50_000; seed++) {
          const { leak, ...outcome } = seeded.run({ seed, ...SHORT, seeded: n });
          if (leak !== null) return;
          steps += outcome.steps;
        }
        expect.fail(`nothing noticed it in ${steps} steps`);
      },
    );
  });
});
