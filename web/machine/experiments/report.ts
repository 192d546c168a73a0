// An experiment's result as text: JSON, CSV, Markdown, and the table of the terminal.
import { count, duration } from "../format.ts";
import type { Column, Experiment, ExperimentResult, ResultRow, TimeNs } from "./types.ts";

const COUNTS = [
  ["majflt", "major"],
  ["minflt", "minor"],
  ["disk_reads", "reads"],
  ["pages_read", "pages"],
  ["pages_unused", "unused"],
  ["seeks", "seeks"],
  ["kernel_entries", "entries"],
] as const;
const TIMES = ["total", "disk", "exception", "kernel", "memory", "user"] as const;
const CONDITIONS = ["era", "layout", "start"] as const;

/** Columns of conditions that the rows differ in. */
function conditions(
  { rows }: ExperimentResult,
  { axes = [] }: Experiment,
): { key: string; title: string; left: boolean }[] {
  const differ = (key: string) => rows.some((row) => row[key] !== rows[0]?.[key]);
  return [
    ...axes
      .filter(({ key }) => differ(key))
      .map(({ key, title, numeric = false }) => ({ key, title, left: !numeric })),
    ...CONDITIONS.filter((key) => rows.some((row) => row[key] !== undefined)).map((key) => ({
      ...{ key, title: key, left: true },
    })),
  ];
}

/** A figure of a column in the table. */
function cellText(value: unknown, unit: Column["unit"]): string {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return "";
  if (unit === "percent") return `${value.toFixed(1)} %`;
  if (unit === "duration") return value ? duration(value) : "0";
  return Number.isInteger(value) ? count(value) : String(value);
}

/** One object, on one line. */
export function resultJson(result: ExperimentResult): string {
  return `${JSON.stringify(result)}\n`;
}

function csvCell(value: unknown): string {
  const text = value === undefined || value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180, a line a row; times in nanoseconds. */
export function resultCsv(result: ExperimentResult): string {
  const keys = new Set<string>();
  const idle = result.rows.some(({ time_ns }) => time_ns.idle !== undefined);
  const cells = result.rows.map((row) => {
    const cell = new Map<string, unknown>();
    for (const [key, value] of Object.entries(row)) {
      if (key === "time_ns") {
        const parts = [...TIMES, ...(idle ? (["idle"] as const) : [])];
        for (const part of parts) cell.set(`${key}_${part}`, row.time_ns[part] ?? 0);
      } else if (typeof value === "object") {
        for (const [part, n] of Object.entries(value)) cell.set(`${key}_${part}`, n);
      } else {
        cell.set(key, value);
      }
    }
    for (const key of cell.keys()) keys.add(key);
    return cell;
  });
  const lines = cells.map((cell) => [...keys].map((key) => csvCell(cell.get(key))).join(","));
  return `${[[...keys].map(csvCell).join(","), ...lines].join("\r\n")}\r\n`;
}

/** What both tables show: a heading and, row by row, its text. */
function columns(
  result: ExperimentResult,
  experiment: Experiment,
): { title: string; left?: boolean; text(row: ResultRow): string }[] {
  const idle = result.rows.some(({ time_ns }) => time_ns.idle !== undefined);
  const times: (keyof TimeNs)[] = [...TIMES, ...(idle ? (["idle"] as const) : [])];
  return [
    ...conditions(result, experiment).map(({ key, title, left }) => ({
      ...{ title, left },
      text: (row: ResultRow) => String(row[key] ?? ""),
    })),
    { title: "rival", left: true, text: (row) => row.title },
    ...COUNTS.map(([key, title]) => ({ title, text: (row: ResultRow) => count(row[key]) })),
    ...times.map((part) => ({
      title: part === "total" ? "time" : part,
      text: ({ time_ns }: ResultRow) => (time_ns[part] ? duration(time_ns[part] ?? 0) : "0"),
    })),
    { title: "ratio", text: (row) => row.ratio.toFixed(2) },
    ...experiment.columns.map(({ key, title, unit }) => ({
      title,
      text: (row: ResultRow) => cellText(row[key], unit),
    })),
  ];
}

/** "perl5, cold, copied, desktop2004, 1 run" */
export function caption({ program, start, layout, era, runs }: ExperimentResult): string {
  const times = runs === 1 ? "1 run" : `${count(runs)} runs, summed`;
  const several = (value: string, what: string) => (value === "all" ? `all ${what}` : value);
  return [
    program,
    start === "all" ? "cold and warm" : start,
    layout === "all" ? "copied and linked" : `as ${layout}`,
    several(era, "eras"),
    times,
  ].join(", ");
}

function notes(result: ExperimentResult): string[] {
  const absent = result.absent.map(({ name, reason }) => `not measured: ${name}: ${reason}`);
  return [...result.answer, ...absent];
}

/** A block of rows that were measured under the same conditions, and what those are. */
interface Block {
  title: string;
  rows: ResultRow[];
}

/** Rows by conditions. */
export function blocks(result: ExperimentResult, experiment: Experiment): Block[] {
  const keys = conditions(result, experiment);
  const found = new Map<string, ResultRow[]>();
  for (const row of result.rows) {
    const words = keys.map(({ key, title, left }) => `${left ? "" : `${title} `}${row[key] ?? ""}`);
    const title = words.join(", ");
    found.set(title, [...(found.get(title) ?? []), row]);
  }
  return [...found].map(([title, rows]) => ({ title, rows }));
}

/** What a profiler would show: shares of the whole, a column a rival, the baseline's largest first. */
export interface Profile {
  title: string;
  names: string[];
  symbols: { name: string; shares: string[] }[];
}

/** A profile a block of rows; none where the experiment makes none. */
export function profiles(result: ExperimentResult, experiment: Experiment): Profile[] {
  return blocks(result, experiment).flatMap(({ title, rows }) => {
    const base = rows.find(({ name }) => name === result.baseline)?.profile_ns;
    if (!base) return [];
    const share = ({ profile_ns = {}, time_ns }: ResultRow, symbol: string) =>
      (100 * (profile_ns[symbol] ?? 0)) / time_ns.total;
    const used = Object.keys(base).filter((key) => rows.some((row) => share(row, key) >= 0.05));
    const symbols = used.toSorted((a, b) => (base[b] ?? 0) - (base[a] ?? 0));
    return [
      {
        title,
        names: rows.map((row) => row.title),
        symbols: symbols.map((name) => ({
          name,
          shares: rows.map((row) => share(row, name).toFixed(1)),
        })),
      },
    ];
  });
}

function profileMarkdown({ title, names, symbols }: Profile): string[] {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    "",
    `Profile${title ? ` (${title})` : ""}, per cent of the time:`,
    "",
    line(["where", ...names]),
    line([":--", ...names.map(() => "--:")]),
    ...symbols.map(({ name, shares }) => line([name, ...shares])),
  ];
}

function profileText({ title, names, symbols }: Profile): string[] {
  const width = Math.max(...symbols.map(({ name }) => name.length), 5);
  const cell = (text: string, i: number) => text.padStart(Math.max(names[i]?.length ?? 0, 6));
  return [
    "",
    `Profile${title ? ` (${title})` : ""}, per cent of the time:`,
    ["where".padEnd(width), ...names.map(cell)].join("  "),
    ...symbols.map(({ name, shares }) => [name.padEnd(width), ...shares.map(cell)].join("  ")),
  ];
}

/** A GitHub-flavoured table with its caption and the answer. */
export function resultMarkdown(result: ExperimentResult, experiment: Experiment): string {
  const shown = columns(result, experiment);
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    `**${experiment.title}**: ${caption(result)}`,
    "",
    line(shown.map(({ title }) => title)),
    line(shown.map(({ left }) => (left ? ":--" : "--:"))),
    ...result.rows.map((row) => {
      return line(shown.map(({ text }) => text(row).replaceAll("|", "\\|")));
    }),
    ...profiles(result, experiment).flatMap(profileMarkdown),
    "",
    ...notes(result).map((note) => `- ${note}`),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

/** Columns padded for a fixed-width font; a blank line between two sets of conditions. */
export function resultText(result: ExperimentResult, experiment: Experiment): string {
  const shown = columns(result, experiment);
  const cells = result.rows.map((row) => shown.map(({ text }) => text(row)));
  const width = shown.map(({ title }, i) => {
    return Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0));
  });
  const line = (row: string[]) =>
    row
      .map((cell, i) =>
        shown[i]?.left ? cell.padEnd(width[i] ?? 0) : cell.padStart(width[i] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const keys = conditions(result, experiment).map(({ key }) => key);
  const same = (a: ResultRow, b: ResultRow) => keys.every((key) => a[key] === b[key]);
  const body = result.rows.flatMap((row, i) => {
    const before = result.rows[i - 1];
    const text = line(cells[i] ?? []);
    return before && !same(before, row) ? ["", text] : [text];
  });
  const head = [
    `${experiment.title}: ${caption(result)}`,
    "",
    line(shown.map(({ title }) => title)),
  ];
  const profile = profiles(result, experiment).flatMap(profileText);
  return [...head, ...body, ...profile, "", ...notes(result)].join("\n").trimEnd();
}
