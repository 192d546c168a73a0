// Faults at the start of a program: what reads its pages, in which order, and how many of them.
import { duration } from "../format.ts";
import type { Experiment, ExperimentResult, ResultRow, Rival } from "./types.ts";

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** Rivals of 2.6 and of today that take no proposal, only a setting. */
const PLAIN: readonly Rival[] = [
  {
    name: "demand",
    title: "No read-around",
    about:
      "A page is read when it is touched, and no other: one request, and one exception, a page. " +
      "Nobody's kernel did that in 2008; it is what a bitmap is too easily compared with.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 0 } }),
  },
  {
    name: "read-around",
    title: "128 KiB read-around",
    about:
      "The honest baseline: a major fault reads the 32 pages around it, and maps those of 16 " +
      "that are in memory (Linux since 2.6, and 3.15).",
    plan: () => ({}),
  },
  {
    name: "no-fault-around",
    title: "128 KiB, no fault-around",
    about: "The same without mapping the neighbours: each page takes an exception of its own.",
    plan: () => ({ settings: { "vm.fault_around_bytes": 4096 } }),
  },
  {
    name: "read-around-512",
    title: "512 KiB read-around",
    about: "read_ahead_kb four times as large.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 512 } }),
  },
  {
    name: "read-around-8192",
    title: "8 MiB read-around",
    about:
      "Morton's cheap test: make /sys/block/sda/queue/read_ahead_kb huge, and see whether " +
      "anything is left to gain.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 8192 } }),
  },
  {
    name: "slurp",
    title: "Read it all",
    about: "vm.mmap_full_slurp: whatever is mapped is read whole, in the order of the file.",
    plan: () => ({ settings: { "vm.mmap_full_slurp": 1 } }),
  },
];

/** Rows of one rival and of the baseline, pair by pair under the same conditions. */
function pairs(result: ExperimentResult, name: string): [ResultRow, ResultRow][] {
  const same = (a: ResultRow, b: ResultRow) =>
    a.era === b.era && a.layout === b.layout && a.start === b.start;
  return result.rows
    .filter((row) => row.name === name)
    .flatMap((row) => {
      const base = result.rows.find((one) => one.name === result.baseline && same(one, row));
      return base ? [[row, base] as [ResultRow, ResultRow]] : [];
    });
}

/** The rival that is quickest under the conditions of a baseline's row. */
function best(result: ExperimentResult, base: ResultRow): ResultRow {
  const alike = result.rows.filter((row) => {
    return row.era === base.era && row.layout === base.layout && row.start === base.start;
  });
  return alike.reduce((a, b) => (b.time_ns.total < a.time_ns.total ? b : a));
}

/** What the six eras say to "solid-state disks are going to put a lot of code out of a job". */
function answer(result: ExperimentResult): string[] {
  const lines = pairs(result, result.baseline).map(([base]) => {
    const winner = best(result, base);
    const where = [base.era ?? result.era, base.layout, base.start].filter(Boolean).join(", ");
    const saved = base.time_ns.total - winner.time_ns.total;
    const disk = percent(base.time_ns.disk / base.time_ns.total);
    const start = `${where}: ${base.title} takes ${duration(base.time_ns.total)}, ${disk} of it disk`;
    if (winner === base) return `${start}; no rival is quicker.`;
    const share = percent(saved / base.time_ns.total);
    return `${start}; ${winner.title} saves ${duration(saved)} (${share}).`;
  });
  return lines;
}

export const PBITMAP: Experiment = {
  name: "pbitmap",
  title: "Predictive bitmaps and their rivals",
  about:
    "One start of a program: how its pages come from the disk. Kleen's bitmaps (2008) against " +
    "reading ahead, reading everything, and doing it in user space.",
  program: "perl5",
  runs: 1,
  start: "cold",
  baseline: "read-around",
  rivals: PLAIN,
  columns: [],
  answer,
};
