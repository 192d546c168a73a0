import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import {
  CURRENT,
  HART_INSTRET,
  OUT_POS,
  RUN_FLAGS,
  RUN_HASH,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RunFlag,
  StopReason,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TLB_ACCESSES,
  TLB_MISSES,
} from "../../assembly/abi.ts";
import { Machine } from "../../web/machine/machine.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { changeSetting, defaultSettings } from "../../web/machine/settings.ts";

interface Catalogue {
  programs: { name: string; file: string; needs?: string[]; runs: { args: string[] }[] }[];
}

const folder = join(inject("root"), "public/programs");
const { programs }: Catalogue = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
/** The benches at a size that the slow path can do. */
const SMALL: Record<string, string[]> = { "bench/touch": ["64", "4"] };
/** What is linked at start is the same code in every run of it. */
const runs = programs.flatMap(({ name, file: path, needs = [], runs }) =>
  name.startsWith("bench/")
    ? [{ name, path, needs, args: SMALL[name] ?? ["1"] }]
    : runs
        .slice(0, needs.length > 0 ? 1 : undefined)
        .map(({ args }) => ({ name, path, needs, args })),
);
const TLBS = [
  ["tlb_entries=1024", "tlb_ways=4"],
  ["tlb_entries=8", "tlb_ways=8"],
  ["tlb_entries=4", "tlb_ways=2", "tlb_policy=random"],
];
const LIMIT = 12_000_000;

/** Runs to the end, or to LIMIT, and reports every count and the hash of all state. */
function counts(module: WebAssembly.Module, run: (typeof runs)[0], tlb: string[], flags: number) {
  const root = directory();
  const put = (at: string, path: string) =>
    place(root, at, file(new Uint8Array(readFileSync(join(folder, path)))));
  put("/program", run.path);
  for (const needed of run.needs) put(`/${needed}`, needed);
  const settings = defaultSettings();
  for (const setting of tlb) changeSetting(settings, setting);
  const argv = ["/program", ...run.args];
  const request = { root, path: "/program", argv, env: [], settings };
  const { core } = new Machine(module, request, undefined, { travel: false });
  core.setU32(RUN_FLAGS, flags);
  core.setNumber(RUN_STOP_INSTRET, LIMIT);
  while (core.run() === StopReason.Output) core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
  const task = core.getU32(CURRENT);
  return {
    instructions: core.getNumber(HART_INSTRET),
    accesses: core.getNumber(TLB_ACCESSES),
    misses: core.getNumber(TLB_MISSES),
    minor: core.getNumber(task + TASK_MIN_FLT),
    major: core.getNumber(task + TASK_MAJ_FLT),
    hash: core.hash(RUN_HASH),
  };
}

test.each(runs)("$name $args counts the same with the fast path on and off", async (run) => {
  const module = await WebAssembly.compile(readFileSync(inject("core")));
  for (const tlb of TLBS) {
    const fast = counts(module, run, tlb, 0);
    expect(fast.instructions).toBeGreaterThan(0);
    expect(counts(module, run, tlb, RunFlag.SlowPath)).toEqual(fast);
  }
});
