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
  const plain = new Set<string>();
  const idle = result.rows.some(({ time_ns }) => time_ns.idle !== undefined);
  for (const row of result.rows) for (const key of Object.keys(row)) plain.add(key);
  const keys = [...plain].flatMap((key) => {
    if (key !== "time_ns") return [key];
    return [...TIMES, ...(idle ? ["idle"] : [])].map((part) => `time_ns_${part}`);
  });
  const cell = (row: ResultRow, key: string) => {
    const part = /^time_ns_(.*)$/.exec(key)?.[1] as keyof TimeNs | undefined;
    return csvCell(part ? (row.time_ns[part] ?? 0) : row[key]);
  };
  const lines = result.rows.map((row) => keys.map((key) => cell(row, key)).join(","));
  return `${[keys.join(","), ...lines].join("\r\n")}\r\n`;
}

/** What both tables show: a heading and, row by row, its text. */
function columns(
  result: ExperimentResult,
  extra: readonly Column[],
): { title: string; left?: boolean; text(row: ResultRow): string }[] {
  const idle = result.rows.some(({ time_ns }) => time_ns.idle !== undefined);
  const times: (keyof TimeNs)[] = [...TIMES, ...(idle ? (["idle"] as const) : [])];
  return [
    ...CONDITIONS.filter((key) => result.rows.some((row) => row[key] !== undefined)).map((key) => ({
      title: key,
      left: true,
      text: (row: ResultRow) => row[key] ?? "",
    })),
    { title: "rival", left: true, text: (row) => row.title },
    ...COUNTS.map(([key, title]) => ({ title, text: (row: ResultRow) => count(row[key]) })),
    ...times.map((part) => ({
      title: part === "total" ? "time" : part,
      text: ({ time_ns }: ResultRow) => (time_ns[part] ? duration(time_ns[part] ?? 0) : "0"),
    })),
    { title: "ratio", text: (row) => row.ratio.toFixed(2) },
    ...extra.map(({ key, title }) => ({
      title,
      text: (row: ResultRow) => {
        const value = row[key];
        if (typeof value === "number")
          return Number.isInteger(value) ? count(value) : String(value);
        return typeof value === "string" ? value : "";
      },
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

/** A GitHub-flavoured table with its caption and the answer. */
export function resultMarkdown(result: ExperimentResult, experiment: Experiment): string {
  const shown = columns(result, experiment.columns);
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    `**${experiment.title}**: ${caption(result)}`,
    "",
    line(shown.map(({ title }) => title)),
    line(shown.map(({ left }) => (left ? ":--" : "--:"))),
    ...result.rows.map((row) => {
      return line(shown.map(({ text }) => text(row).replaceAll("|", "\\|")));
    }),
    "",
    ...notes(result).map((note) => `- ${note}`),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

/** Columns padded for a fixed-width font; a blank line between two sets of conditions. */
export function resultText(result: ExperimentResult, experiment: Experiment): string {
  const shown = columns(result, experiment.columns);
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
  const same = (a: ResultRow, b: ResultRow) => CONDITIONS.every((key) => a[key] === b[key]);
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
  return [...head, ...body, "", ...notes(result)].join("\n").trimEnd();
}
