// With every proposal off the kernel is plain Linux: whatever their other settings say, no event
// differs; and a program without bitmaps runs alike with them on.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { CLOCK_PS, Ev, PROPOSAL_HOOKS } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import type { Conf } from "./bitmap-file.ts";

const machine = new Linux(loadCore(inject("core")));
const { core } = machine;
const programs = join(inject("root"), "public/programs");

/**
 * The log of a run: every fault, frame, entry and request, and the time it took.
 *
 * @param lines whether the number of kernel lines before a fault counts
 */
function story(program: string, args: string[], conf: Conf, lines = true) {
  const root = directory();
  place(root, `/${program}`, file(readFileSync(join(programs, program)), 0o777));
  const path = `/${program}`;
  machine.boot({ root, path, argv: [path, ...args], conf: { ram_frames: 2048, ...conf } });
  const { verdict, stdout } = machine.run({ limit: 1e9 });
  const hooks = core.getU32(PROPOSAL_HOOKS);
  const log = createHash("sha1");
  for (const { kind, a, b, c } of machine.events) {
    const counted = kind === Ev.FaultDone && !lines ? a >> 32n : a;
    log.update(`${Ev[kind]} ${counted} ${b} ${c}\n`);
  }
  const [events, ps] = [machine.events.length, core.getNumber(CLOCK_PS)];
  return { verdict, stdout, hooks, events, ps, log: log.digest("hex") };
}

const runs: [string, ...string[]][] = [
  ["hello"],
  ["hello-pie"],
  ["cow"],
  ["fork"],
  ["pipe"],
  ["sort"],
  ["bss-heap"],
  ["handler"],
];

const SUBORDINATE: Conf[] = [
  { vm_pbitmap_early_fault: 0 },
  { vm_pbitmap_record: 1, vm_pbitmap_update: 3, vm_pbitmap_update_interval: 7 },
  { vm_pbitmap_window_ms: 1, vm_pbitmap_background: 1, vm_pbitmap_libraries: 1 },
  { vm_pbitmap_as_posted: 1023, vm_ra_max_pinned: 4096 },
  { vm_nozero_tag: 1, vm_nozero_owner: 1, vm_nozero_defects: 3, vm_nozero_list: 1 },
];

describe("with every proposal off", () => {
  test.each(runs)("%s runs as if there were none", (program, ...args) => {
    const plain = story(program, args, {});
    expect(plain.events).toBeGreaterThan(20);
    expect(plain.hooks).toBe(0);
    for (const conf of SUBORDINATE) expect(story(program, args, conf)).toEqual(plain);
  });
});

describe("with predictive bitmaps on", () => {
  test.each(runs)("%s, which has none, runs the same", (program, ...args) => {
    // It is looked for one: that takes lines of the kernel, but nothing else.
    const plain = story(program, args, {}, false);
    const { hooks, ...rest } = story(program, args, { vm_pbitmap_enabled: 1 }, false);
    expect(hooks).not.toBe(0);
    expect({ ...rest, hooks: 0 }).toEqual(plain);
  });
});

describe("with a bitmap madvise that nobody calls", () => {
  test.each(runs)("%s runs the same", (program, ...args) => {
    const plain = story(program, args, {});
    const { hooks, ...rest } = story(program, args, { vm_madvise_bitmap: 1 });
    expect(hooks).not.toBe(0);
    expect({ ...rest, hooks: 0 }).toEqual(plain);
  });
});

describe("with MAP_NOZERO that nobody asks for", () => {
  test.each(runs)("%s runs the same, wherever the tag is", (program, ...args) => {
    const plain = story(program, args, {});
    const { hooks, ...rest } = story(program, args, { vm_nozero_enabled: 1 });
    expect(hooks).not.toBe(0);
    expect({ ...rest, hooks: 0 }).toEqual(plain);
    expect(story(program, args, { vm_nozero_enabled: 1, vm_nozero_owner: 2 })).toEqual({
      ...rest,
      hooks,
    });
  });
});
