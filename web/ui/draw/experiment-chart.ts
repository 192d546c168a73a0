// An experiment's rows as a table's columns and a chart's bars.
import type {
  Axis as WorkAxis,
  Chart,
  Column,
  ResultRow,
} from "../../machine/experiments/types.ts";

/** What simulated time goes to, in the order of the bars: a hue, a pattern and a word each. */
export const PARTS = [
  { key: "disk", word: "disk", token: "--time-disk" },
  { key: "exception", word: "exceptions", token: "--time-exception" },
  { key: "kernel", word: "kernel", token: "--time-kernel" },
  { key: "memory", word: "memory", token: "--time-memory" },
  { key: "user", word: "program", token: "--time-user" },
  { key: "idle", word: "idle", token: "--time-idle" },
] as const;
export type Part = (typeof PARTS)[number]["key"];

const partOf = (row: ResultRow, part: Part): number => row.time_ns[part] ?? 0;

/** The parts that any of the rows has. */
export const partsOf = (rows: readonly ResultRow[]): (typeof PARTS)[number][] =>
  PARTS.filter(({ key }) => key !== "idle" || rows.some((row) => partOf(row, key) > 0));

/** Three digits and the unit that fits: "1.23 s", "12.3 ms", "456 µs". */
export function duration(ns: number): string {
  for (const [size, unit] of [
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
  ] as const) {
    if (ns < size * 0.9995) continue;
    const value = ns / size;
    const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return `${Number(value.toFixed(digits)).toLocaleString("en", { minimumFractionDigits: digits })} ${unit}`;
  }
  return `${ns} ns`;
}

/** A column of the table. */
export interface TableColumn {
  key: string;
  title: string;
  /** What it counts, for a tooltip. */
  about: string;
  /** Numbers stand to the right. */
  left: boolean;
  value(row: ResultRow): number | string;
  text(row: ResultRow): string;
}

const COUNTS: [keyof ResultRow & string, string, string][] = [
  ["majflt", "major", "faults that waited for the disk"],
  ["minflt", "minor", "faults that found their page in memory"],
  ["disk_reads", "reads", "requests that the disk served"],
  ["pages_read", "pages", "pages that they brought"],
  ["pages_unused", "unused", "pages that were brought and never used"],
  ["seeks", "seeks", "times the head had to go somewhere else"],
  ["kernel_entries", "entries", "times the kernel was entered"],
];
const CONDITIONS = ["era", "layout", "start"] as const;

const CONDITION_WORDS: Record<string, string> = {
  laptop2004: "2004 laptop disk",
  desktop2004: "2004 desktop disk",
  server2007: "2007 server disk",
  desktop2008: "2008 desktop disk",
  ssd2008: "2008 SSD",
  nvme2020: "2020 NVMe",
  copied: "as copied",
  linked: "as linked",
};

/** An era, a layout or a start in words. */
export const conditionWords = (name: string): string => CONDITION_WORDS[name] ?? name;

/** A value of an axis in words. */
export const axisWords = ({ values }: WorkAxis, value: unknown): string =>
  values.find(({ name }) => name === String(value))?.title ?? String(value ?? "");

/** The axes that the rows differ in. */
const axesOf = (rows: readonly ResultRow[], axes: readonly WorkAxis[]): WorkAxis[] =>
  axes.filter(({ key }) => rows.some((row) => row[key] !== rows[0]?.[key]));

/** A number of a column, with its unit. */
export function figure(value: number, unit: Column["unit"] | Chart["unit"]): string {
  if (unit === "percent") return `${value.toFixed(1)} %`;
  if (unit === "duration") return value > 0 ? duration(value) : "0";
  if (unit === "ratio") return value.toFixed(2);
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}

/** The columns of a result's table; conditions only where the rows have several. */
export function tableColumns(
  rows: readonly ResultRow[],
  extra: readonly Column[],
  axes: readonly WorkAxis[] = [],
): TableColumn[] {
  const number = (row: ResultRow, key: string): number => {
    const value = row[key];
    return typeof value === "number" ? value : 0;
  };
  const plain = (value: unknown): string =>
    typeof value === "number"
      ? value.toLocaleString("en", { maximumFractionDigits: 3 })
      : String(value ?? "");
  return [
    ...axesOf(rows, axes).map((axis) => ({
      ...{ key: axis.key, title: axis.title, about: axis.about, left: axis.numeric !== true },
      value: (row: ResultRow) =>
        axis.numeric ? number(row, axis.key) : String(row[axis.key] ?? ""),
      text: (row: ResultRow) => axisWords(axis, row[axis.key]),
    })),
    ...CONDITIONS.filter((key) => rows.some((row) => row[key] !== undefined)).map((key) => ({
      ...{ key, title: key, about: `the ${key} it was measured under`, left: true },
      value: (row: ResultRow) => row[key] ?? "",
      text: (row: ResultRow) => conditionWords(row[key] ?? ""),
    })),
    {
      ...{ key: "name", title: "rival", about: "how the pages come into memory", left: true },
      value: (row) => row.title,
      text: (row) => row.title,
    },
    {
      ...{ key: "total", title: "time", about: "simulated time, all in all", left: false },
      value: (row) => row.time_ns.total,
      text: (row) => duration(row.time_ns.total),
    },
    {
      ...{ key: "ratio", title: "ratio", about: "of its time to the baseline’s", left: false },
      value: (row) => row.ratio,
      text: (row) => row.ratio.toFixed(2),
    },
    ...COUNTS.map(([key, title, about]) => ({
      ...{ key, title, about, left: false },
      value: (row: ResultRow) => number(row, key),
      text: (row: ResultRow) => plain(row[key]),
    })),
    ...partsOf(rows).map(({ key, word }) => ({
      ...{ key: `time_${key}`, title: word, about: `simulated time: ${word}`, left: false },
      value: (row: ResultRow) => partOf(row, key),
      text: (row: ResultRow) => (partOf(row, key) > 0 ? duration(partOf(row, key)) : "0"),
    })),
    ...extra.map(({ key, title, unit }) => ({
      ...{ key, title, about: title, left: false },
      value: (row: ResultRow) => (typeof row[key] === "string" ? row[key] : number(row, key)),
      text: (row: ResultRow) => {
        const value = row[key];
        return unit && typeof value === "number" ? figure(value, unit) : plain(value);
      },
    })),
  ];
}

/** How a table is sorted; null: as the experiment lists its rows. */
export type Sorting = { key: string; down: boolean } | null;

/** The rows in the order asked for; equal ones stay in theirs. */
export function sorted(
  rows: readonly ResultRow[],
  columns: readonly TableColumn[],
  by: Sorting,
): ResultRow[] {
  const column = columns.find(({ key }) => key === by?.key);
  if (!by || !column) return [...rows];
  const sign = by.down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * String(x).localeCompare(String(y), "en");
  });
}

/** One bar: where each part of it begins and how wide it is, in per cent of the width. */
export interface Bar {
  row: ResultRow;
  width: number;
  parts: { key: Part; word: string; token: string; x: number; width: number; ns: number }[];
}

export interface Axis {
  log: boolean;
  /** What the left and the right edge stand for, nanoseconds. */
  from: number;
  to: number;
  ticks: { x: number; text: string }[];
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
export function round(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least * 0.9999) ?? 10 * power;
}

/**
 * The axis for these times.
 *
 * @param log in powers of ten, beginning at the one below the shortest; otherwise from 0.
 */
export function axisOf(rows: readonly ResultRow[], log: boolean): Axis {
  const totals = rows.map((row) => row.time_ns.total).filter((ns) => ns > 0);
  const most = Math.max(1, ...totals);
  if (!log) {
    const step = round(most / 5);
    const to = Math.ceil(most / step - 1e-9) * step;
    const ticks = Array.from({ length: Math.round(to / step) + 1 }, (_, i) => ({
      x: (100 * i * step) / to,
      text: i === 0 ? "0" : duration(i * step),
    }));
    return { log, from: 0, to, ticks };
  }
  const low = Math.floor(Math.log10(Math.min(...totals, most)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => ({
    x: (100 * i) / (high - low),
    text: duration(10 ** (low + i)),
  }));
  return { log, from: 10 ** low, to: 10 ** high, ticks };
}

/**
 * Lays bars out. On a logarithmic axis the length is that of the total; the parts, which cannot be
 * added up there, divide it by their shares.
 */
export function barsOf(rows: readonly ResultRow[], axis: Axis): Bar[] {
  const place = (ns: number): number => {
    if (!axis.log) return (100 * ns) / axis.to;
    if (ns <= axis.from) return 0;
    return (100 * Math.log10(ns / axis.from)) / Math.log10(axis.to / axis.from);
  };
  return rows.map((row) => {
    const { total } = row.time_ns;
    // A bar that can be seen, even of the shortest time.
    const width = Math.max(place(total), 0.4);
    let x = 0;
    const parts = PARTS.map(({ key, word, token }) => {
      const ns = partOf(row, key);
      const share = total > 0 ? (width * ns) / total : 0;
      const part = { key, word, token, x, width: share, ns };
      x += share;
      return part;
    });
    return { row, width, parts: parts.filter(({ ns }) => ns > 0) };
  });
}

/** The conditions of a row in words, as far as the rows differ in them. */
export function conditionsOf(rows: readonly ResultRow[], axes: readonly WorkAxis[]) {
  const differing = axesOf(rows, axes);
  return (row: ResultRow): string =>
    [
      ...differing.map((axis) => {
        const words = axisWords(axis, row[axis.key]);
        return axis.numeric ? `${axis.title}: ${words}` : words;
      }),
      ...CONDITIONS.flatMap((key) => row[key] ?? []).map(conditionWords),
    ].join(", ");
}

/** Rows measured under the same conditions stand together. */
export function groups(
  rows: readonly ResultRow[],
  axes: readonly WorkAxis[] = [],
): { title: string; rows: ResultRow[] }[] {
  const words = conditionsOf(rows, axes);
  const found: { title: string; rows: ResultRow[] }[] = [];
  for (const row of rows) {
    const title = words(row);
    const group = found.find((one) => one.title === title);
    if (group) group.rows.push(row);
    else found.push({ title, rows: [row] });
  }
  return found;
}
