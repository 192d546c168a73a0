// The model of the data cache: what clearing a page, and not clearing it, costs later.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { CACHE_TAGS } from "../../assembly/abi.ts";
import { Core } from "../../web/machine/core.ts";
import { eraNames } from "../../web/machine/experiments/index.ts";
import { type Measure, measure, warmLines } from "../../web/machine/views.ts";
import { needs } from "../needs.ts";
import { coreModule, start } from "./programs.ts";

const eras = eraNames();
const GCC = "riscv64-linux-gnu-gcc";
const NOZERO = 0x04000000;
const folder = mkdtempSync(join(tmpdir(), "pagewalk-cache-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let touch: Uint8Array;

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "touch");
  const from = join(inject("root"), "tests/guests/touch.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  touch = readFileSync(path);
});

/** The machine after `touch ROUNDS PAGES LINES FLAGS`; `more` settings. */
async function touched(args: number[], ...more: string[]) {
  const settings = ["era=server2007", "vm.nozero_enabled=1", ...more];
  const core = new Core(await coreModule());
  const machine = await start("touch", args.map(String), {
    bytes: touch,
    settings,
    core,
    travel: false,
  });
  await machine.run();
  return machine.core;
}
const touching = async (args: number[], ...more: string[]) => measure(await touched(args, ...more));
const WARMTH = "cache_warmth=1";
/** Clearing, and the misses of the program. */
const both = ({ timePs }: Measure) => timePs.clear + timePs.miss;

describe("without the model", () => {
  test("nothing is missed, and clearing a page costs the same each time", async () => {
    const machine = await start("cow");
    await machine.run();
    const { timePs, cacheMisses, clears } = measure(machine.core);
    expect([timePs.miss, cacheMisses, machine.core.getU32(CACHE_TAGS)]).toEqual([0, 0, 0]);
    expect(timePs.clear).toBeGreaterThan(0);
    expect(timePs.clear % clears).toBe(0);
  });
});

describe("with it", () => {
  test.each(["cow", "sort", "fork", "handler"])("%s does the same, in other time", async (name) => {
    const runs = [];
    for (const settings of [[], [WARMTH]]) {
      const machine = await start(name, [], { settings });
      const output = await machine.run();
      const { timePs, cacheMisses, cacheStreamed, ...counts } = measure(machine.core);
      runs.push({ output, counts, faults: machine.history.faultCount });
      if (settings.length === 0) continue;
      expect(cacheMisses).toBeGreaterThan(cacheStreamed);
      expect(timePs.miss).toBeGreaterThan(0);
    }
    expect(runs[0]).toEqual(runs[1]);
  });

  test("a miss costs the way to memory, and in a stream what a stream takes", async () => {
    const machine = await start("sort", ["2000"], { settings: [WARMTH, "era=server2007"] });
    await machine.run();
    const { timePs, cacheMisses, cacheStreamed } = measure(machine.core);
    const price = (cacheMisses - cacheStreamed) * 75_000 + cacheStreamed * 15_625;
    expect(timePs.miss).toBe(price);
  });

  test("a position reached by travelling is the position reached by running", async () => {
    const settings = [WARMTH, "vm.nozero_enabled=1"];
    const machine = await start("sort", ["200"], { settings });
    await machine.run();
    const end = machine.instret;
    const goals = [0.9, 0.2, 0.7, 0.4, 0.5].map((part) => Math.floor(end * part));
    const hashes = new Map<number, unknown>();
    for (const instret of goals) {
      await machine.seek({ instret, mark: 0 });
      hashes.set(instret, machine.hash());
    }
    const core = new Core(await coreModule());
    const runner = await start("sort", ["200"], { settings, travel: false, core });
    for (const instret of goals.toSorted((a, b) => a - b)) {
      await runner.seek({ instret, mark: 0 });
      expect(runner.hash()).toEqual(hashes.get(instret));
    }
  });
});

describe.skipIf(needs(GCC))("a page that is not cleared", () => {
  const SMALL = 64; // pages: 256 KiB, a quarter of the cache
  const BIG = 2048; // 8 MiB, eight times the cache

  test("is in the cache as it was left: nothing to pay later, if it fits", async () => {
    const cleared = await touching([20, SMALL, 64, 0], WARMTH);
    const kept = await touching([20, SMALL, 64, NOZERO], WARMTH);
    expect(kept.clearsAvoided).toBeGreaterThan(19 * SMALL - 1);
    expect(kept.cacheMisses - cleared.cacheMisses).toBeLessThan(2 * SMALL * 64);
    expect(both(kept)).toBeLessThan(both(cleared) / 3);
  });

  test("if it does not fit, each line that is touched is missed instead", async () => {
    const cleared = await touching([4, BIG, 64, 0], WARMTH);
    const kept = await touching([4, BIG, 64, NOZERO], WARMTH);
    // The frames freed last come first: an eighth of them is what the cache holds.
    const missed = kept.cacheMisses - cleared.cacheMisses;
    expect(missed / (3 * BIG * 64)).toBeCloseTo(7 / 8, 2);
    // The cost is shifted, but for the stores of zeros themselves.
    const avoided = kept.clearsAvoided * 400_000;
    const saved = both(cleared) - both(kept);
    expect(saved).toBeLessThan(avoided);
    expect(kept.timePs.miss).toBeGreaterThan(2 * cleared.timePs.miss);
  });

  test("pays most where few of its lines are touched", async () => {
    const gain: number[] = [];
    for (const lines of [1, 8, 64]) {
      const cleared = await touching([4, BIG, lines, 0], WARMTH);
      const kept = await touching([4, BIG, lines, NOZERO], WARMTH);
      gain.push(1 - both(kept) / both(cleared));
    }
    expect(gain).toEqual(gain.toSorted((a, b) => b - a));
    expect(gain[0]).toBeGreaterThan(0.6);
  });
});

test.skipIf(needs(GCC)).each(eras)("in %s no line is in the cache twice", async (era) => {
  const core = await touched([1, 2048, 64, 0], WARMTH, `era=${era}`);
  const warm = warmLines(core) as Uint8Array;
  const total = warm.reduce((sum, lines) => sum + lines, 0);
  expect([16384, 65536]).toContain(total); // it is full
  expect(Math.max(...warm)).toBe(64);
  const tags = core.getU32(CACHE_TAGS) >> 2;
  expect(new Set(core.words.subarray(tags, tags + total)).size).toBe(total);
  expect(warmLines(await touched([1, 8, 1, 0], `era=${era}`))).toBeNull();
});
