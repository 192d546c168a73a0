// MAP_NOZERO measured: how many pages need not be cleared, and what that saves, for workloads like
// those that Davide Libenzi named in 2007.
import { count, duration } from "../format.ts";
import type {
  Axis,
  AxisNames,
  CommandLine,
  Derivation,
  Experiment,
  ExperimentResult,
  Plan,
  ResultRow,
  Rival,
  Work,
} from "./types.ts";
import { profile, settingsNamed } from "./work.ts";

/** A program as it is measured, and how it is told not to want zeros. */
interface Workload {
  title: string;
  program: string;
  args: readonly string[];
  /** More arguments of the same, for MAP_NOZERO. */
  nozero: readonly string[];
  /** The option that says how often; null: `again` starts it so often. */
  times: string | null;
  operations: number;
  /** What Libenzi wrote, per cent: of throughput gained, or of time saved. */
  libenzi?: { what: "throughput" | "time"; from: number; to: number };
}

const EBIZZY = {
  ...{ program: "ebizzy", nozero: ["-N"], times: "-i", operations: 20 },
  libenzi: { what: "throughput", from: 10, to: 15 },
} as const;
const WORKLOADS: Readonly<Record<string, Workload>> = {
  "ebizzy-m": {
    ...EBIZZY,
    title: "ebizzy -m, every copy mapped",
    args: ["-m"],
  },
  "ebizzy-M": {
    ...EBIZZY,
    title: "ebizzy -M, copies in the heap",
    args: ["-M"],
  },
  "ebizzy-keep": {
    ...{ program: "ebizzy", args: [], nozero: ["-N"], times: "-i", operations: 20 },
    title: "ebizzy, a heap that keeps what it has",
  },
  compile: {
    title: "compile, many short processes",
    ...{ program: "compile", args: ["/run.c"], nozero: [], times: null, operations: 1 },
    libenzi: { what: "time", from: 2.5, to: 3 },
  },
  malloc: {
    title: "nzmalloc-test, blocks of all sizes",
    ...{ program: "nzmalloc-test", args: [], nozero: ["-N"], times: "-n", operations: 1 },
  },
  sparse: {
    title: "ebizzy -m -T, a byte of each page",
    ...{ program: "ebizzy", args: ["-m", "-T"], nozero: ["-N"], times: "-i", operations: 100 },
  },
};

const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  none: [],
  light: ["noise", "-s", "64", "-p", "2000"],
  heavy: ["noise", "-s", "512"],
};

/** The users who run it, all in one control group, and somebody else, in another. */
const [USER, GROUP] = [1000, 1];
const NEIGHBOUR = "2000:2";

const AXES: readonly Axis[] = [
  {
    ...{ key: "workload", title: "workload", about: "what is run", isProgram: true },
    values: Object.entries(WORKLOADS).map(([name, { title }]) => ({ name, title })),
    initial: Object.keys(WORKLOADS),
  },
  {
    ...{ key: "noise", title: "neighbour", about: "how busy a process of another user is" },
    values: [
      { name: "none", title: "no neighbour" },
      { name: "light", title: "a light neighbour" },
      { name: "heavy", title: "a heavy neighbour" },
    ],
    initial: ["none"],
  },
  {
    ...{ key: "users", title: "users", about: "how many run it at the same time", numeric: true },
    values: ["1", "2", "4"].map((name) => ({ name, title: name })),
    initial: ["1"],
  },
];

/** All side by side, each as its user, until the first of them has ended. */
function sideBySide(line: CommandLine, { users, noise }: AxisNames): CommandLine {
  const all = Array.from({ length: Number(users) }, (_, n) => [`${USER + n}:${GROUP}`, ...line]);
  const neighbour = NEIGHBOURS[noise ?? "none"] ?? [];
  if (neighbour.length > 0) all.push([NEIGHBOUR, ...neighbour]);
  return ["/bin/mix", ...all.flatMap((one, n) => (n === 0 ? one : ["--", ...one]))];
}

function work(axes: AxisNames): Work {
  const users = Number(axes.users);
  const around = (line: CommandLine) => sideBySide(line, axes);
  const load = WORKLOADS[axes.workload ?? ""];
  if (!load) return { program: "", args: [], operations: users, around };
  const { program, args, times, operations } = load;
  return {
    ...{ program, args, operations: users * operations, around },
    ...(times === null
      ? {}
      : {
          repeat: (line: CommandLine, n: number) => [...line, times, String(n * operations)],
        }),
  };
}

/** MAP_NOZERO as these settings have it, asked for by the program's malloc and by itself. */
const on =
  (settings: Readonly<Record<string, string | number>>) =>
  ({ conditions }: { conditions: { axes: AxisNames } }): Plan | string => {
    const values = settingsNamed({ "vm.nozero_enabled": 1, ...settings });
    if (typeof values === "string") return values;
    const more = WORKLOADS[conditions.axes.workload ?? ""]?.nozero ?? [];
    return {
      settings: values,
      env: ["MALLOC_NOZERO=1"],
      command: (line) => [...line, ...more],
    };
  };

const RIVALS: readonly Rival[] = [
  {
    name: "off",
    title: "Every page cleared",
    about:
      "Linux, then and now: a page of anonymous memory is cleared when it is first written to.",
    plan: () => ({}),
  },
  {
    name: "v1",
    title: "MAP_NOZERO v1",
    about:
      "Libenzi's first version: a page goes uncleared to the user who had it, whose id stands in a " +
      "new field of struct page. That field has to be had for every frame.",
    plan: on({ "vm.nozero_tag": "field" }),
  },
  {
    name: "v2",
    title: "MAP_NOZERO v2",
    about:
      "His second: the id stands in the map count, which nobody needs while a frame is free. Which " +
      "frame one gets is left to chance: the one that was freed last.",
    plan: on({ "vm.nozero_tag": "mapcount" }),
  },
  {
    name: "owner-aware",
    title: "Owner-aware list",
    about:
      "What the idea would have needed: an allocator that looks for a frame of one's own first.",
    plan: on({ "vm.nozero_tag": "mapcount", "vm.nozero_list": "owner_aware" }),
  },
  {
    name: "memcg",
    title: "By control group (2012)",
    about:
      "Sharma's variant: a page stays uncleared within a control group, whoever's it was there.",
    plan: on({ "vm.nozero_tag": "mapcount", "vm.nozero_owner": "memcg" }),
  },
  {
    name: "task",
    title: "By process",
    about:
      "Kamezawa's wish of 2012: a process gets back what it has itself given up, nothing else.",
    plan: on({ "vm.nozero_tag": "mapcount", "vm.nozero_owner": "task" }),
  },
];

const share = (part: number, whole: number) =>
  whole > 0 ? Number(((100 * part) / whole).toFixed(2)) : 0;

/** "10..15" */
const claimed = ({ libenzi }: Workload): string =>
  libenzi ? `${libenzi.from}..${libenzi.to}` : "";

/** Per cent: of throughput where his figure is one, otherwise of time. */
function gainOf(row: ResultRow, base: ResultRow, load: Workload | undefined): number {
  const [ours, theirs] = [row.time_ns.total, base.time_ns.total];
  const ratio = load?.libenzi?.what === "throughput" ? theirs / ours - 1 : 1 - ours / theirs;
  return Number((100 * ratio).toFixed(2));
}

function derive(
  row: ResultRow,
  base: ResultRow,
  { costs, era, axes, operations, settings }: Derivation,
): Partial<ResultRow> {
  const load = WORKLOADS[axes.workload ?? ""];
  const { clear, miss } = costs.timePs;
  const asked = costs.clearsAvoided + costs.nozeroMisses;
  return {
    clears: costs.clears,
    clears_avoided: costs.clearsAvoided,
    hit_rate: share(costs.clearsAvoided, asked),
    clear_share: share(clear / 1000, row.time_ns.total),
    clear_ns: Math.round(clear / 1000),
    ...(settings.cache_warmth ? { miss_ns: Math.round(miss / 1000) } : {}),
    ...(operations === null
      ? {}
      : { ns_per_operation: Math.round(row.time_ns.total / operations) }),
    gain: gainOf(row, base, load),
    ...(load?.libenzi && row !== base ? { libenzi: claimed(load) } : {}),
    profile_ns: profile(costs, era),
  };
}

/** Rows that were measured under the same conditions as a baseline's row, that one first. */
function blocks({ rows, baseline }: ExperimentResult): { base: ResultRow; others: ResultRow[] }[] {
  const keys = ["workload", "noise", "users", "era", "layout", "start"];
  return rows
    .filter(({ name }) => name === baseline)
    .map((base) => ({
      base,
      others: rows.filter((row) => row !== base && keys.every((key) => row[key] === base[key])),
    }));
}

const titleOf = (key: string, name: unknown) =>
  AXES.find((axis) => axis.key === key)?.values.find((one) => one.name === name)?.title ??
  String(name);

/** "ebizzy -m, every copy mapped; a heavy neighbour; 2 users" */
function where({ workload, noise, users, era }: ResultRow): string {
  return [
    titleOf("workload", workload),
    ...(noise === "none" ? [] : [titleOf("noise", noise)]),
    ...(users === 1 ? [] : [`${users} users`]),
    ...(era ? [era] : []),
  ].join("; ");
}

const percent = (value: unknown) => `${Number(value).toFixed(1)} %`;

/** Whether what is not cleared is paid for later: Lameter's and Torvalds's argument of 2004. */
function shifted(base: ResultRow, row: ResultRow): string {
  if (row.miss_ns === undefined) return "";
  const saved = Number(base.clear_ns) - Number(row.clear_ns);
  const back = Number(row.miss_ns) - Number(base.miss_ns);
  if (saved <= 0) return "";
  if (back <= 0)
    return ` Nothing of the ${duration(saved)} of clearing comes back as cache misses.`;
  const part = percent((100 * back) / saved);
  return ` Of ${duration(saved)} of clearing ${part} come back as cache misses (${duration(back)}).`;
}

/** "gains 12.6 %", "loses 0.5 %" */
function gained(row: ResultRow): string {
  const gain = Number(row.gain);
  return `${gain < 0 ? "loses" : "gains"} ${percent(Math.abs(gain))}`;
}

function explain({ base, others }: { base: ResultRow; others: ResultRow[] }): string[] {
  const shown = others.find(({ name }) => name === "v2") ?? others[0];
  if (!shown) return [];
  if (Number(base.clears) === 0) {
    return [
      `${where(base)}: it asks the kernel for no page, so there is nothing to clear or to save.`,
    ];
  }
  const { libenzi } = WORKLOADS[String(base.workload)] ?? {};
  const of = libenzi?.what === "throughput" ? "throughput" : "time";
  const his = libenzi ? ` (Libenzi: ${libenzi.from} to ${libenzi.to} %)` : "";
  const lines = [
    `${where(base)}: clear_page takes ${percent(base.clear_share)} of the time. ${shown.title} ` +
      `avoids ${count(Number(shown.clears_avoided))} of ${count(Number(base.clears))} clears and ` +
      `${gained(shown)} of ${of}${his}.${shifted(base, shown)}`,
  ];
  const best = others.reduce((a, b) => (b.time_ns.total < a.time_ns.total ? b : a), shown);
  if (best !== shown && Number(best.gain) > 0 && best.gain !== shown.gain) {
    lines.push(
      `${where(base)}: ${best.title} ${gained(best)}: of the pages asked for ` +
        `${percent(best.hit_rate)} need no clearing, not ${percent(shown.hit_rate)}.`,
    );
  }
  return lines;
}

export const NOZERO: Experiment = {
  name: "nozero",
  title: "MAP_NOZERO and its rivals",
  about:
    "Pages that need not be cleared: Libenzi's MAP_NOZERO (2007), its replay of 2012 and an " +
    "allocator that helps it, against clearing every page.",
  program: "ebizzy",
  args: [],
  runs: 1,
  start: "warm",
  era: "server2007",
  baseline: "off",
  rivals: RIVALS,
  axes: AXES,
  work,
  tools: ["mix", "noise"],
  // Without a cache nothing that is not cleared could be paid for later.
  settings: { cache_warmth: 1 },
  columns: [
    { key: "clears", title: "clears" },
    { key: "clears_avoided", title: "avoided" },
    { key: "hit_rate", title: "hit rate", unit: "percent" },
    { key: "clear_share", title: "clear share", unit: "percent" },
    { key: "clear_ns", title: "clearing", unit: "duration" },
    { key: "miss_ns", title: "cache misses", unit: "duration" },
    { key: "ns_per_operation", title: "an operation", unit: "duration" },
    { key: "gain", title: "gain", unit: "percent" },
    { key: "libenzi", title: "Libenzi, %" },
  ],
  derive,
  charts: [
    {
      ...{ kind: "bars", title: "Share of clear_page in the time", key: "clear_share" },
      unit: "percent",
    },
    { kind: "bars", title: "Gain over clearing every page", key: "gain", unit: "percent" },
    {
      ...{ kind: "lines", title: "Pages asked for that need no clearing", key: "hit_rate" },
      ...{ unit: "percent", over: "noise", rivals: ["v1", "v2", "owner-aware", "memcg", "task"] },
    },
    {
      ...{ kind: "lines", title: "Pages asked for that need no clearing", key: "hit_rate" },
      ...{ unit: "percent", over: "users", rivals: ["v1", "v2", "owner-aware", "memcg", "task"] },
    },
  ],
  answer: (result) => blocks(result).flatMap(explain),
};
