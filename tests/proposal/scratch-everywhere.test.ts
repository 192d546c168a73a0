// A program with text fixups does not notice when its pages are dropped: between any two
// instructions, and under any schedule.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  Conf,
  HART_INSTRET,
  HART_PC,
  LOG_SEQ,
  OUT_BASE,
  OUT_POS,
  PAGE_SIZE,
  Policy,
  RAM_BASE,
  RUN_FLAGS,
  RUN_LOG_READ,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  StopReason,
  SWAP_INUSE,
  SWAP_TOUCHED,
  TASKS,
  TASK_EXIT_CODE,
  TASK_EXIT_SIGNAL,
  VM_EVENTS,
  VmEvent,
} from "../../assembly/abi.ts";
import { Core } from "../../web/machine/core.ts";
import { directory, file, place as put } from "../../web/machine/mkfs.ts";
import { scratchAreas } from "../../web/machine/views.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import {
  dropHere,
  dropped,
  giveDrops,
  isAt,
  momentsHere,
  type Place,
  place,
  toNextWrite,
  Twins,
} from "./scratch-twin.ts";

const GCC = "riscv64-linux-gnu-gcc";
const BARE = ["-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O1"];
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-fixups-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const module = loadCore(inject("core"));
const machine = new Linux(module);
const SCRATCH = "8000002";
/** In every page of slots, behind a number. */
const MARK = Buffer.from([0x57, 0xd1, 0x4e, 0x7c, 0x4a, 0x5c]);
let program = new Uint8Array(0);

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "text-fixups");
  const source = join(root, "tests/guests/text-fixups.c");
  const { stderr } = spawnSync(GCC, [...BARE, "-o", path, source], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = readFileSync(path);
});

type Settings = Partial<Record<keyof typeof Conf, number>>;

function boot(args: string[], conf: Settings = {}): void {
  const tree = directory();
  put(tree, "/text-fixups", file(program, 0o755));
  machine.boot({
    root: tree,
    path: "/text-fixups",
    argv: ["/text-fixups", ...args],
    conf: { ram_frames: 96, swap_blocks: 64, vm_scratch_enabled: 1, ...conf },
  });
}

/** Runs to before instruction `to`. */
function goTo(core: Core, to: number): void {
  core.setU32(RUN_FLAGS, 0);
  core.setNumber(RUN_STOP_INSTRET, to);
  for (;;) {
    const reason = core.run();
    if (reason === StopReason.Target) return;
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    if (reason === StopReason.Halt) return;
    if (reason !== StopReason.Output && reason !== StopReason.Act) {
      throw new Error(`run() returned ${StopReason[reason]} before ${to}`);
    }
  }
}

const ended = (core: Core) => [
  core.getI32(TASKS + TASK_EXIT_CODE),
  core.getU32(TASKS + TASK_EXIT_SIGNAL),
];
const said = (core: Core) =>
  Buffer.from(core.bytes.slice(OUT_BASE, OUT_BASE + core.getU32(OUT_POS)));

interface Report {
  /** Instructions of the run. */
  instructions: number;
  /** Times that pages were dropped, and pages. */
  drops: number;
  pages: number;
  /** Places at which a drop changed what the program wrote, or how it ended. */
  changed: { instret: number; pc: number }[];
}

/**
 * Runs the program once for each of its instructions, with all its scratch pages dropped before that
 * one: until it is where the undisturbed one was at the same write, or to its end.
 *
 * @param most places that may change before it gives up
 */
function dropEverywhere(patch: string, rounds: number, most: number): Report {
  boot([SCRATCH, patch, `${rounds}`, "1"]);
  const { core } = machine;
  // What it does undisturbed.
  goTo(core, 1);
  const places = new Map<number, Place>();
  while (toNextWrite(core, 1e7) === "write") places.set(core.getU32(OUT_POS), place(core));
  const whole = said(core);
  const end = ended(core).join();
  const last = core.getNumber(HART_INSTRET);
  machine.reset();
  goTo(core, 1);
  const twins = new Twins(core, new Core(module));
  const { second } = twins;
  let report: Report = { instructions: last, drops: 0, pages: 0, changed: [] };

  const survives = (): boolean => {
    const limit = second.getNumber(HART_INSTRET) + 20_000;
    for (;;) {
      const stop = toNextWrite(second, limit);
      const so = said(second);
      if (stop === "limit" || !whole.subarray(0, so.length).equals(so)) return false;
      if (stop === "end") return so.equals(whole) && ended(second).join() === end;
      const there = places.get(so.length);
      if (there && isAt(second, there)) return true;
    }
  };
  const dropAt = (mark: number) => {
    dropHere(second, mark);
    const fine = survives();
    report.drops++;
    report.pages += dropped(second);
    const instret = core.getNumber(HART_INSTRET);
    if (!fine) report.changed.push({ instret, pc: core.getNumber(HART_PC) });
  };
  // Which blocks of memory a run changes, by a sample; the rest is checked on the way.
  for (let at = 1; at < last; at += Math.ceil(last / 40)) {
    goTo(core, at);
    twins.copyAll();
    dropHere(second, 0);
    survives();
    twins.learn();
  }
  const pass = (): boolean => {
    machine.reset();
    goTo(core, 1);
    twins.copyAll();
    report = { instructions: last, drops: 0, pages: 0, changed: [] };
    for (let at = 1; at < last && report.changed.length < most; at++) {
      goTo(core, at);
      twins.copy(true);
      for (const mark of momentsHere(second)) {
        twins.copy(true);
        dropAt(mark);
      }
      if (at % 500 === 0 && twins.forgotten() > 0) return false;
    }
    return twins.forgotten() === 0;
  };
  while (!pass());
  return report;
}

/** Pages of the swap area, used or not any more, that hold a page of the program's slots. */
function slotsInSwap(core: Core): number {
  const from = RAM_BASE + (core.conf(Conf.ram_frames) + core.conf(Conf.disk_blocks)) * PAGE_SIZE;
  const length = core.getU32(SWAP_TOUCHED) * PAGE_SIZE;
  const area = Buffer.from(core.bytes.buffer as ArrayBuffer, from, length);
  let found = 0;
  for (let at = area.indexOf(MARK); at >= 0; at = area.indexOf(MARK, at + 1)) found++;
  return found;
}

/** Numbers, the same for the same seed. */
function random(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 2654435761) >>> 0) | 1;
  const next = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let i = 0; i < 8; i++) next(2);
  return next;
}

const PROCESSES = 8;

interface Schedules {
  runs: number;
  /** Runs whose output or end was another. */
  changed: number;
  drops: number;
  rereads: number;
  /** Pages written to swap by all runs, and runs with a page of slots among them. */
  swapped: number;
  slotsSwapped: number;
}
const none = (): Schedules => ({
  runs: 0,
  changed: 0,
  drops: 0,
  rereads: 0,
  swapped: 0,
  slotsSwapped: 0,
});

/**
 * Runs eight processes again and again on one machine whose memory is short, under a policy of the
 * seed's, each time with another time slice and with pages dropped at other times.
 *
 * @param until ends it early
 */
function schedule(
  flags: string,
  patch: string,
  seed: number,
  runs: number,
  until = (_: Schedules) => false,
): Schedules {
  const args = [flags, patch, "2", `${PROCESSES}`];
  boot(args, { ram_frames: 512 });
  const { core } = machine;
  toNextWrite(core, 1e7);
  const fixtext = Number(scratchAreas(core)[0]?.vma.start ?? 0);
  goTo(core, 1e9);
  const wanted = [said(core).toString("hex"), ended(core).join()].join();
  const length = core.getNumber(HART_INSTRET);
  const below = random(seed);
  boot(args, { ram_frames: 92 + below(40), policy: seed % Policy.opt });
  goTo(core, 1);
  const twins = new Twins(core, new Core(module));
  const { second } = twins;

  const one = (run: number, sum: Schedules) => {
    const some = random(seed * 100_003 + run);
    second.setConf(Conf.sched_quantum, 60 + some(1 << (4 + some(9))));
    const times = Array.from({ length: some(16) }, () => 1 + some(length));
    const drops = times
      .sort((a, b) => a - b)
      .map((instret) => ({
        instret,
        mark: 0,
        va: some(3) === 0 ? fixtext + some(4) * PAGE_SIZE : null,
      }));
    giveDrops(second, drops);
    const stop = toEnd(second, length * 20, run % 50 === 0);
    const so = [said(second).toString("hex"), ended(second).join()].join();
    if (stop !== "end" || so !== wanted) sum.changed++;
    else expect(second.getU32(SWAP_INUSE)).toBe(0);
    sum.runs++;
    sum.drops += second.getNumber(VM_EVENTS + 8 * VmEvent.SCRATCH_DROP);
    sum.rereads += second.getNumber(VM_EVENTS + 8 * VmEvent.SCRATCH_REREAD);
    sum.swapped += second.getNumber(VM_EVENTS + 8 * VmEvent.PSWPOUT);
    if (slotsInSwap(second) > 0) sum.slotsSwapped++;
  };
  const sum = none();
  while (sum.runs < runs && !until(sum)) {
    twins.copy(false);
    one(sum.runs, sum);
  }
  return sum;
}

/** Runs to the end. @param sweeps looks whether all invariants hold, after every act */
function toEnd(core: Core, limit: number, sweeps: boolean): "end" | "limit" {
  core.setU32(RUN_FLAGS, RunFlag.HoldLog);
  core.setNumber(RUN_STOP_INSTRET, limit);
  // Nor may it log without end: where memory is too short for eight, none gets on.
  for (let logs = 0; logs < 20; ) {
    core.setU32(RUN_LOG_READ, core.getU32(LOG_SEQ));
    const reason = core.run();
    core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    if (reason === StopReason.Halt) return "end";
    if (reason === StopReason.Target) return "limit";
    if (reason === StopReason.Log) logs++;
    else if (reason === StopReason.Act && sweeps) expect(violations(core)).toEqual([]);
    else if (reason !== StopReason.Act && reason !== StopReason.Output) {
      throw new Error(`run() returned ${StopReason[reason]}`);
    }
  }
  return "limit";
}

describe.skipIf(needs(GCC))("a program with text fixups", () => {
  // Long enough that pages are dropped before each of 50,000 instructions.
  const ROUNDS = 120;

  test("writes the same wherever its pages are dropped", { timeout: 600_000 }, () => {
    const { instructions, drops, pages, changed } = dropEverywhere("one", ROUNDS, 1);
    expect(instructions).toBeGreaterThan(50_000);
    // At each of them once, and where it faults or calls, once after each time.
    expect(drops).toBeGreaterThanOrEqual(instructions - 1);
    expect(pages).toBeGreaterThan(3 * instructions);
    expect(changed).toEqual([]);
  });

  test("that patches in two stores is torn by a drop between them, and only there", () => {
    expect(dropEverywhere("two", ROUNDS, 1).changed).toHaveLength(1);
    const { changed } = dropEverywhere("two", 3, 1000);
    // Eight slots; the second store of the only place that patches.
    expect(changed).toHaveLength(8);
    expect(new Set(changed.map(({ pc }) => pc)).size).toBe(1);
  });

  test("that remembers elsewhere what it has fixed never ends after a drop", () => {
    expect(dropEverywhere("flag", ROUNDS, 1).changed).toHaveLength(1);
  });

  test("that counts in its pages loses what it has counted", () => {
    expect(dropEverywhere("count", ROUNDS, 1).changed).toHaveLength(1);
  });
});

describe.skipIf(needs(GCC))("eight processes with text fixups, when memory is short", () => {
  test("write the same in 10,000 schedules, and no slot of theirs is in swap", {
    timeout: 600_000,
  }, () => {
    const all = none();
    for (let group = 0; group < 20; group++) {
      const one = schedule(SCRATCH, "one", 1 + group, 500);
      for (const key of Object.keys(all) as (keyof Schedules)[]) all[key] += one[key];
    }
    expect(all).toMatchObject({ runs: 10_000, changed: 0, slotsSwapped: 0 });
    expect(all.drops).toBeGreaterThan(100_000);
    expect(all.rereads).toBeGreaterThan(100_000);
    expect(all.swapped).toBeGreaterThan(1000);
  });

  test("have their slots in swap when their mappings are ordinary ones", () => {
    let found = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { changed, drops, slotsSwapped } = schedule("2", "one", seed, 20);
      expect({ changed, drops }).toEqual({ changed: 0, drops: 0 });
      found += slotsSwapped;
    }
    expect(found).toBeGreaterThan(0);
  });

  test("do not when they patch in two stores", { timeout: 600_000 }, () => {
    const { changed } = schedule(SCRATCH, "two", 3, 5000, ({ changed }) => changed > 0);
    expect(changed).toBeGreaterThan(0);
  });
});
