// Dillon's table of January 2004: what a dynamic program costs to start again and again, and what
// is left of that when its image is kept after relocation.
import { count, duration } from "../format.ts";
import { directory, place } from "../mkfs.ts";
import type { CommandLine, Experiment, ExperimentResult, ResultRow, Rival, Shop } from "./types.ts";

/** Seconds for 1,000 execs, as he gave them on 2004-01-20. */
const DILLON: Readonly<Record<string, number>> = {
  dynamic: 5.61,
  prebound: 3.9,
  resident: 3.08,
  static: 1.28,
};
const PRELINKED = "/prelinked";
const OURS = "/lib/ld-pagewalk.so.1";

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** Why a rival of our dynamic linker cannot be measured, or null. */
function needsOurs({ files }: Shop): string | null {
  if (files.some(({ path }) => path.endsWith(OURS.slice(OURS.lastIndexOf("/"))))) return null;
  return `the program is not linked by ${OURS}`;
}

const dillon = (name: string) => (): Record<string, number> => {
  const seconds = DILLON[name];
  if (seconds === undefined) return {};
  const ratio = seconds / (DILLON.dynamic as number);
  return { dillon_s: seconds, dillon_ratio: Number(ratio.toFixed(2)) };
};

const resident = (program: CommandLine) => (line: CommandLine) => [
  "/bin/resident",
  program[0] as string,
  "--",
  ...line,
];

const RIVALS: readonly Rival[] = [
  {
    name: "dynamic",
    title: "Dynamic, lazily bound",
    about:
      "The dynamic linker maps the libraries and relocates them; functions at their first call.",
    plan: () => ({ extra: dillon("dynamic") }),
  },
  {
    name: "bind-now",
    title: "Dynamic, bound at once",
    about: "LD_BIND_NOW: every function is looked up at the start, whether it is called or not.",
    plan: () => ({ env: ["LD_BIND_NOW=1"] }),
  },
  {
    name: "prebound",
    title: "Prebound",
    about:
      "Dodd's prebinding (2003): what each symbol was found to be is kept in a file, and checked; " +
      "every relocation is still written in every start.",
    plan: (shop) =>
      needsOurs(shop) ?? {
        prepare: (disk) => place(disk, "/var/db/prebind", directory()),
        training: [{ env: ["LD_PREBIND_REGISTER=1"] }],
        extra: dillon("prebound"),
      },
  },
  {
    name: "prelinked",
    title: "Prelinked",
    about:
      "Jelinek's prelink (2003): every library has an address of its own and lies relocated in its " +
      "file, so that a start has nothing to write.",
    plan: (shop) =>
      needsOurs(shop) ?? {
        prepare: (disk) => place(disk, PRELINKED, directory()),
        training: [{ env: [`LD_PRELINK=${PRELINKED}`] }],
        command: ([path = "", ...args]) => [`${PRELINKED}/${nameOf(path)}`, ...args],
      },
  },
  {
    name: "resident",
    title: "Resident",
    about:
      "Dillon's resident executables: the image is kept after relocation, and every start copies " +
      "it. Functions not yet called are bound in each run.",
    plan: (shop) =>
      needsOurs(shop) ??
      onlyWarm(shop) ?? {
        settings: { "vm.resident_enabled": 1 },
        around: resident(shop.program),
        extra: dillon("resident"),
      },
  },
  {
    name: "resident-now",
    title: "Resident, bound at once",
    about: "The same, with every function bound before the image is kept.",
    plan: (shop) =>
      needsOurs(shop) ??
      onlyWarm(shop) ?? {
        settings: { "vm.resident_enabled": 1 },
        env: ["LD_BIND_NOW=1"],
        around: resident(shop.program),
      },
  },
  {
    name: "static",
    title: "Static",
    about: "The same source with its libraries linked in: nothing is left to be done at a start.",
    plan: ({ program: [, ...args], twin }) => {
      if (twin === null) return "the program is not there linked statically";
      return { command: () => [twin, ...args], extra: dillon("static") };
    },
  },
];

function onlyWarm({ conditions }: Shop): string | null {
  return conditions.start === "warm" ? null : "an image is in memory: its starts are warm ones";
}

/** Rows that were measured under the same conditions as a baseline's row. */
function blocks({ rows, baseline }: ExperimentResult): ResultRow[][] {
  return rows
    .filter(({ name }) => name === baseline)
    .map((base) =>
      rows.filter(
        (row) => row.era === base.era && row.layout === base.layout && row.start === base.start,
      ),
    );
}

const each = (row: ResultRow, key: string, runs: number) => Number(row[key]) / runs;

/** Whether his order holds, and what each rival saves, or still pays, a run. */
function explain(rows: readonly ResultRow[], runs: number, era: string): string[] {
  const his = rows.filter(({ name }) => DILLON[name] !== undefined);
  const base = his.find(({ name }) => name === "dynamic");
  if (!base || his.length < 2) return [];
  const times = [...his].sort((a, b) => b.time_ns.total - a.time_ns.total);
  const order = [...his].sort((a, b) => (DILLON[b.name] ?? 0) - (DILLON[a.name] ?? 0));
  const kept = order.every((row, i) => row === times[i]);
  const ratios = order.map((row) => {
    const wanted = ((DILLON[row.name] ?? 0) / (DILLON.dynamic ?? 1)).toFixed(2);
    return `${row.title.toLowerCase()} ${row.ratio.toFixed(2)} (his ${wanted})`;
  });
  const head = kept ? "Dillon's order holds" : "Dillon's order does not hold here";
  const lines = [`${era}: ${head}: ${ratios.join(", ")}.`];
  for (const row of order) {
    if (row === base) continue;
    const per = (one: ResultRow) => ({
      instructions: Math.round(each(one, "instructions", runs)),
      faults: Math.round(each(one, "minflt", runs)),
      time: one.time_ns.total / runs,
      user: one.time_ns.user / runs,
    });
    const [ours, plain] = [per(row), per(base)];
    const rest = (one: { time: number; user: number }) => duration(one.time - one.user);
    lines.push(
      `${row.title}: ${count(ours.instructions)} instructions and ${count(ours.faults)} faults a ` +
        `start against ${count(plain.instructions)} and ${count(plain.faults)}; ` +
        `user time ${duration(ours.user)} against ${duration(plain.user)}, the kernel's and ` +
        `memory's ${rest(ours)} against ${rest(plain)}.`,
    );
  }
  return [...lines, ...gap(rows, runs)];
}

/** What a resident start still pays that a static one does not. */
function gap(rows: readonly ResultRow[], runs: number): string[] {
  const [kept, bound, fixed] = ["resident", "resident-now", "static"].map((name) =>
    rows.find((row) => row.name === name),
  );
  if (!kept || !bound || !fixed) return [];
  const more = (a: ResultRow, b: ResultRow, key: string) =>
    count(Math.round(each(a, key, runs) - each(b, key, runs)));
  const kernel = ({ time_ns }: ResultRow) => (time_ns.total - time_ns.user) / runs;
  return [
    `What separates resident from static: ${more(kept, bound, "instructions")} instructions a ` +
      `start bind functions again that were bound in every start before; and ` +
      `${more(bound, fixed, "minflt")} more faults copy pages of the image that are written, and ` +
      `map those that are not: ${duration(kernel(bound) - kernel(fixed))} of the kernel's and ` +
      `memory's time.`,
  ];
}

export const RESIDENT: Experiment = {
  name: "resident",
  title: "Resident executables and their rivals",
  about:
    "1,000 starts of a program that is in memory: what dynamic linking costs, and Dillon's " +
    "resident executables (2004) against prebinding, prelinking and a static program.",
  program: "perl5",
  args: ["-e", "print 1"],
  runs: 1000,
  start: "warm",
  surveys: true,
  baseline: "dynamic",
  rivals: RIVALS,
  columns: [
    { key: "instructions", title: "instructions" },
    { key: "dillon_s", title: "Dillon, s" },
    { key: "dillon_ratio", title: "his ratio" },
  ],
  answer: (result) =>
    blocks(result).flatMap((rows) => {
      return explain(rows, result.runs, rows[0]?.era ?? result.era);
    }),
};
