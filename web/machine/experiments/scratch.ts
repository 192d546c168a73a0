// MAP_SCRATCH measured: N processes with a library that is fixed up in its text, idle in turns
// while something else needs the memory; what becomes of their copies of its pages.
import { count, duration } from "../format.ts";
import { directory, place } from "../mkfs.ts";
import { RATES } from "../views/clock.ts";
import type {
  Axis,
  AxisNames,
  Chart,
  Control,
  Controls,
  Derivation,
  Experiment,
  ExperimentResult,
  Plan,
  ResultRow,
  Rival,
  Work,
} from "./types.ts";
import { settingsNamed } from "./work.ts";

/** Pages of text that each of the libraries has: guest/fixups/gen.mjs. */
const TEXT_PAGES = 32;
/** MiB of memory, and how much of it the other program goes through. */
const RAM = 8;
const HOG_KBYTES = 7424;
const ROUNDS = 4;
const PRELINKED = "/prelinked";

const AXES: readonly Axis[] = [
  {
    ...{ key: "processes", title: "processes", about: "how many have the library", numeric: true },
    values: ["1", "2", "4", "8", "16"].map((name) => ({ name, title: name })),
    initial: ["1", "2", "4", "8", "16"],
  },
  {
    ...{
      key: "density",
      title: "fixups a page",
      about: "fixups on each page of text",
      numeric: true,
    },
    values: ["4", "16", "64"].map((name) => ({ name, title: name })),
    initial: ["16"],
  },
];

function work({ processes, density }: AxisNames): Work {
  return {
    program: density === "16" ? "fixups" : `fixups-${density}`,
    args: ["-x", "-n", String(processes), "-r", String(ROUNDS), "-i", String(HOG_KBYTES)],
    env: ["LD_FIXUPS_STATISTICS=1"],
  };
}

/** The library's other build, or the same without the flag: nothing the kernel knows of. */
const bound =
  (how: string, more: Omit<Plan, "env"> = {}) =>
  (): Plan => ({
    ...more,
    env: [`LD_FIXUPS=${how}`],
  });

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

const RIVALS: readonly Rival[] = [
  {
    name: "private",
    title: "Private, with swap",
    about:
      "What everybody had: a page of text that was fixed up is a private copy, and goes to swap " +
      "like any other memory. Each process has its own.",
    plan: bound("private"),
  },
  {
    name: "scratch",
    title: "MAP_SCRATCH",
    about:
      "Isaacson's proposal: the copy is thrown away, the next touch reads the file, and the first " +
      "call through each slot fixes it up again.",
    plan: () => {
      const settings = settingsNamed({ "vm.scratch_enabled": 1 });
      return typeof settings === "string" ? settings : { settings, env: ["LD_FIXUPS=scratch"] };
    },
  },
  {
    name: "dontneed",
    title: "madvise(DONTNEED) by hand",
    about:
      "The same from user space, today: the program throws its copies away before it goes idle, " +
      "whether memory is short or not.",
    plan: bound("dontneed"),
  },
  {
    name: "no-swap",
    title: "Private, no swap",
    about: "Copies that nobody can write anywhere stay where they are; somebody else goes short.",
    plan: bound("private", { settings: { swap: 0 }, fragile: true }),
  },
  {
    name: "scratch-no-swap",
    title: "MAP_SCRATCH, no swap",
    about: "Copies that can be thrown away need no swap: what is left there is everything else.",
    plan: () => {
      const settings = settingsNamed({ "vm.scratch_enabled": 1, swap: 0 });
      if (typeof settings === "string") return settings;
      return { settings, env: ["LD_FIXUPS=scratch"], fragile: true };
    },
  },
  {
    name: "got",
    title: "GOT, lazily bound",
    about:
      "The fixups in a table of data, which calls go through: text is never written and all " +
      "processes share it. What ELF has always done.",
    plan: bound("got"),
  },
  {
    name: "eager",
    title: "GOT, bound at once",
    about: "LD_BIND_NOW: the table is filled when the program starts.",
    plan: bound("eager"),
  },
  {
    name: "prelink",
    title: "Prelinked",
    about: "The table is filled in the file: nothing is written at all, for an address of its own.",
    plan: bound("prelink", {
      prepare: (disk) => place(disk, PRELINKED, directory()),
      training: [{ env: [`LD_PRELINK=${PRELINKED}`] }],
      command: ([path = "", ...args]) => [`${PRELINKED}/${nameOf(path)}`, ...args],
    }),
  },
];

const STATISTICS =
  /2:fixups of process \d+: (\d+) in text by (\d+) resolver runs, (\d+) in tables\n/g;

/** What the linker says of itself, added up over the processes. */
function read(text: string) {
  const figures = { text_fixups: 0, table_fixups: 0 };
  const output = text.replaceAll(STATISTICS, (_, inText, _runs, inTables) => {
    figures.text_fixups += Number(inText);
    figures.table_fixups += Number(inTables);
    return "";
  });
  return { output, figures };
}

const fixupsOf = ({ text_fixups = 0, table_fixups = 0 }: Readonly<Record<string, number>>) =>
  text_fixups + table_fixups;
const instructionsOf = (control: Control | undefined) => control?.costs.instructions ?? 0;

/**
 * Instructions of one run of the resolver, on average over the library: what the first round
 * costs beyond starting the program and beyond the second round, which has everything bound.
 */
function eachRun([none, once, twice]: readonly Control[] = []): number {
  if (!none || !once || !twice) return 0;
  const first = instructionsOf(once) - instructionsOf(none);
  const later = instructionsOf(twice) - instructionsOf(once);
  const runs = fixupsOf(once.figures) - fixupsOf(none.figures);
  return runs > 0 ? (first - later) / runs : 0;
}

/** Instructions of all runs of the resolver, those that a start does included. */
function resolving({ name }: ResultRow, fixups: number, processes: number, by: Controls): number {
  if (name === "prelink") return 0;
  if (name === "eager") {
    // The controls are two starts each: of the program, and of its one process.
    const start = (instructionsOf(by.eager?.[0]) - instructionsOf(by.got?.[0])) / 2;
    return Math.round(start * (1 + processes));
  }
  return Math.round(fixups * eachRun(name === "got" ? by.got : by.private));
}

function derive(
  row: ResultRow,
  base: ResultRow,
  { costs, era, axes, controls }: Derivation,
): Partial<ResultRow> {
  const fixups = number(row, "text_fixups") + number(row, "table_fixups");
  const instructions = resolving(row, fixups, Number(axes.processes), controls);
  const found = {
    swap_writes: costs.swapOuts,
    swap_reads: costs.swapIns,
    file_reads: costs.pagesRead - costs.swapIns,
    fixups,
    resolver_instructions: instructions,
  };
  if (row.name !== "scratch") return found;
  const again = number(row, "text_fixups") - number(base, "text_fixups");
  if (again <= 0) return found;
  // What the page costs besides has been paid for in both; only fixups grow with their number.
  const each = (eachRun(controls.private) * RATES[era as keyof typeof RATES].insn) / 1000;
  const saved = base.time_ns.total - row.time_ns.total;
  const pages = again / Number(axes.density);
  return { ...found, break_even: Math.round(Number(axes.density) + saved / (pages * each)) };
}

const number = (row: ResultRow, key: string) => Number(row[key] ?? 0);

/** What Isaacson wrote of private pages: they are written once for every process that has them. */
function onceEach(rows: readonly ResultRow[]): { title: string; at(x: number): number } | null {
  const without = rows.filter(({ name }) => name === "scratch");
  if (without.length === 0) return null;
  const others = new Map(
    without.map((row) => [number(row, "processes"), number(row, "swap_writes")]),
  );
  return {
    title: `Isaacson: the ${TEXT_PAGES} pages once for every process`,
    at: (n) => (others.get(n) ?? 0) + TEXT_PAGES * n,
  };
}

/** Rows of the same era, of both sizes the same, by rival. */
function blocks({ rows }: ExperimentResult): Map<string, ResultRow>[] {
  const found = new Map<string, Map<string, ResultRow>>();
  for (const row of rows) {
    const key = [row.era, row.layout, row.start, row.density, row.processes].join(" ");
    const block = found.get(key) ?? new Map<string, ResultRow>();
    block.set(row.name, row);
    found.set(key, block);
  }
  return [...found.values()];
}

/** What the most processes have cost, and what Isaacson said of them. */
function claim(result: ExperimentResult): string[] {
  const most = Math.max(...result.rows.map((row) => number(row, "processes")));
  return blocks(result).flatMap((block) => {
    const [kept, dropped] = [block.get("private"), block.get("scratch")];
    if (!kept || !dropped || number(kept, "processes") !== most) return [];
    const text = number(kept, "swap_writes") - number(dropped, "swap_writes");
    const times = (text / (TEXT_PAGES * most)).toFixed(2);
    const era = kept.era ? `${kept.era}, ` : "";
    const fixups = number(dropped, "fixups") - number(kept, "fixups");
    const instructions =
      number(dropped, "resolver_instructions") - number(kept, "resolver_instructions");
    return [
      `${era}${kept.density} fixups a page, ${most} processes: private copies send ` +
        `${count(text)} pages of text to swap, each process's page ${times} times ` +
        `("once for every process that has it fixed up"); MAP_SCRATCH none. It fixes ` +
        `${count(fixups)} slots up again for it, ${count(instructions)} instructions.`,
      `${era}${kept.density} fixups a page, ${most} processes: ${duration(dropped.time_ns.total)} ` +
        `with MAP_SCRATCH, ${duration(kept.time_ns.total)} with private copies (${dropped.ratio.toFixed(2)}).`,
    ];
  });
}

/** From how many fixups a page on dropping is dearer than swap, in each era. */
function crossover(result: ExperimentResult): string[] {
  const dropped = result.rows.filter((row) => row.break_even !== undefined);
  const eras = [...new Set(dropped.map(({ era }) => era ?? result.era))];
  return eras.map((era) => {
    const own = dropped.filter((row) => (row.era ?? result.era) === era);
    const at = own.map((row) => number(row, "break_even"));
    const [low, high] = [Math.min(...at), Math.max(...at)];
    const from = low === high ? count(low) : `${count(low)} to ${count(high)}`;
    const dearer = own.filter(({ ratio }) => ratio > 1);
    const measured = [...new Set(own.map((row) => number(row, "density")))].join(", ");
    const here =
      dearer.length === 0
        ? `with ${measured} it is never dearer`
        : `it is dearer with ${dearer.map((row) => `${row.processes} x ${row.density}`).join(", ")}`;
    return `${era}: dropping a page is dearer than swap from ${from} fixups on it on; ${here}.`;
  });
}

const CHARTS: readonly Chart[] = [
  {
    ...{ kind: "lines", title: "Pages written to swap", key: "swap_writes", unit: "count" },
    ...{ over: "processes", claim: onceEach },
  },
  {
    ...{ kind: "lines", title: "Time of MAP_SCRATCH to that of swap", key: "ratio", unit: "ratio" },
    ...{ over: "processes", by: "era", rivals: ["scratch"] },
    claim: () => ({ title: "as dear as swap", at: () => 1 }),
  },
  {
    ...{ kind: "lines", title: "Time of MAP_SCRATCH to that of swap", key: "ratio", unit: "ratio" },
    ...{ over: "density", by: "era", rivals: ["scratch"] },
    claim: () => ({ title: "as dear as swap", at: () => 1 }),
  },
  {
    ...{ kind: "lines", title: "Fixups on a page from which on swap is cheaper" },
    ...{ key: "break_even", unit: "count", over: "era", by: "processes", rivals: ["scratch"] },
  },
];

export const SCRATCH: Experiment = {
  name: "scratch",
  title: "MAP_SCRATCH and its rivals",
  about:
    "A library fixed up in its text, in N processes that are idle while memory is short: " +
    "Isaacson's MAP_SCRATCH (2004) against swap, tables, and doing it by hand.",
  program: "fixups",
  args: [],
  runs: 1,
  start: "cold",
  baseline: "private",
  rivals: RIVALS,
  axes: AXES,
  work,
  settings: { ram: RAM },
  controls: {
    axes: ["density"],
    rivals: ["private", "got", "eager"],
    args: ["0", "1", "2"].map((rounds) => ["-x", "-n", "1", "-r", rounds]),
  },
  columns: [
    { key: "swap_writes", title: "to swap" },
    { key: "swap_reads", title: "from swap" },
    { key: "file_reads", title: "from files" },
    { key: "fixups", title: "fixups" },
    { key: "resolver_instructions", title: "resolver" },
    { key: "break_even", title: "break-even" },
  ],
  read,
  derive,
  charts: CHARTS,
  answer: (result) => [...claim(result), ...crossover(result)],
};
