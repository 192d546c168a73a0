// An experiment's columns as lines over an axis, and as bars.
import type { Axis, Chart, ResultRow } from "../../machine/experiments/types.ts";
import {
  axisWords,
  conditionsOf,
  conditionWords,
  figure,
  groups,
  round,
} from "./experiment-chart.ts";

const numberAt = (row: ResultRow, key: string): number | null => {
  const value = row[key];
  return typeof value === "number" ? value : null;
};

/** A line of a chart: its points in per cent of the width and, from below, of the height. */
export interface Line {
  title: string;
  points: { x: number; y: number; over: string; value: number; text: string }[];
}

/** A chart of lines, laid out. */
export interface LineChart {
  title: string;
  xTitle: string;
  /** What is the same for all of its points. */
  subtitle: string;
  lines: Line[];
  claim: Line | null;
  ticks: { x: { at: number; text: string }[]; y: { at: number; text: string }[] };
}

/** The smallest round number of steps that reaches `most`. */
function steps(most: number): { to: number; step: number } {
  if (most <= 0) return { to: 1, step: 1 };
  const step = round(most / 4);
  return { to: Math.ceil(most / step - 1e-9) * step, step };
}

/** Eras as an axis: those that the rows have, in their order. */
function eraAxis(rows: readonly ResultRow[]): Axis {
  const names = [...new Set(rows.flatMap(({ era }) => era ?? []))];
  return {
    ...{ key: "era", title: "era", about: "whose costs the clock counts", initial: names },
    values: names.map((name) => ({ name, title: conditionWords(name) })),
  };
}

/** A row without some of its conditions. */
const without = (row: ResultRow, keys: readonly string[]): ResultRow =>
  Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key))) as ResultRow;

/** Items in groups, each by what a function says of it. */
function grouped<T>(items: readonly T[], by: (item: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(by(item), [...(found.get(by(item)) ?? []), item]);
  return [...found];
}

/**
 * A picture of a column over an axis, for each set of the other conditions one; none where there
 * is nothing to be joined by a line. Values of the axis stand at equal distances: they double.
 */
export function lineCharts(
  rows: readonly ResultRow[],
  chart: Chart,
  axes: readonly Axis[],
): LineChart[] {
  const { key, over = "", by = "", rivals } = chart;
  const shown = rows.filter((row) => {
    return (!rivals || rivals.includes(row.name)) && numberAt(row, key) !== null;
  });
  const all = [...axes, eraAxis(shown)];
  const axis = all.find((one) => one.key === over);
  if (!axis) return [];
  const drawn = [over, by];
  const rest = shown.map((row) => without(row, drawn));
  const words = conditionsOf(
    rest,
    axes.filter((one) => !drawn.includes(one.key)),
  );
  const lines = all.find((one) => one.key === by);
  const titleOf = (row: ResultRow) => {
    if (!lines || row[by] === undefined) return row.title;
    const value = axisWords(lines, row[by]);
    return lines.numeric ? `${value} ${lines.title}` : value;
  };
  const groups = grouped(shown, (row) => words(without(row, drawn)));
  return groups.flatMap(([subtitle, group]) => {
    const found = laidOut(group, axis, chart, titleOf);
    return found ? [{ ...found, subtitle }] : [];
  });
}

/** One chart; null where there is nothing to be joined. */
function laidOut(
  rows: readonly ResultRow[],
  axis: Axis,
  { title, key, unit, claim }: Chart,
  titleOf: (row: ResultRow) => string,
): LineChart | null {
  const has = (row: ResultRow, name: string) => String(row[axis.key]) === name;
  const values = axis.values.filter(({ name }) => rows.some((row) => has(row, name)));
  if (values.length < 2) return null;
  const promised = claim?.(rows) ?? null;
  const claimed = promised ? values.map(({ name }) => promised.at(Number(name))) : [];
  const { to, step } = steps(Math.max(...claimed, ...rows.map((row) => numberAt(row, key) ?? 0)));
  const line = (words: string, value: (name: string) => number | null): Line => ({
    title: words,
    points: values.flatMap(({ name, title: text }, n) => {
      const y = value(name);
      if (y === null) return [];
      const x = (100 * n) / (values.length - 1);
      return [{ x, y: (100 * y) / to, over: text, value: y, text: figure(y, unit) }];
    }),
  });
  const ticks = {
    x: values.map(({ name, title }, n) => ({
      at: (100 * n) / (values.length - 1),
      // Names are short, but those of eras are no words.
      text: axis.key === "era" ? title : name,
    })),
    y: Array.from({ length: Math.round(to / step) + 1 }, (_, n) => ({
      at: (100 * n * step) / to,
      text: unit === "duration" && n === 0 ? "0" : figure(n * step, unit),
    })),
  };
  const lines = grouped(rows, titleOf).map(([words, own]) =>
    line(words, (name) => {
      const row = own.find((one) => has(one, name));
      return row ? numberAt(row, key) : null;
    }),
  );
  return {
    ...{ title, subtitle: "", xTitle: axis.title, lines, ticks },
    claim: promised ? line(promised.title, (name) => promised.at(Number(name))) : null,
  };
}

/** A bar a row of one column, in per cent of the longest. */
export interface FigureBar {
  row: ResultRow;
  width: number;
  text: string;
}

/** A chart of bars, laid out; empty where no row has the column. */
export function figureBars(
  rows: readonly ResultRow[],
  { key, unit, rivals }: Chart,
  axes: readonly Axis[] = [],
): { title: string; bars: FigureBar[] }[] {
  const shown = rows.filter((row) => {
    return (!rivals || rivals.includes(row.name)) && numberAt(row, key) !== null;
  });
  const most = Math.max(1e-9, ...shown.map((row) => numberAt(row, key) ?? 0));
  return groups(shown, axes).map((group) => ({
    title: group.title,
    bars: group.rows.map((row) => {
      const value = numberAt(row, key) ?? 0;
      return { row, width: Math.max(0, (100 * value) / most), text: figure(value, unit) };
    }),
  }));
}
