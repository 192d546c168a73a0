// An experiment's columns as lines over an axis, and as bars.
import type { Axis, Chart, ResultRow } from "../../machine/experiments/types.ts";
import { conditionsOf, conditionWords, figure, groups, round } from "./experiment-chart.ts";

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

/**
 * A picture of a column over an axis, for each set of the other conditions one; none where there
 * is nothing to be joined by a line. Values of the axis stand at equal distances: they double.
 */
export function lineCharts(
  rows: readonly ResultRow[],
  { title, key, over = "", by, rivals, unit, claim }: Chart,
  axes: readonly Axis[],
): LineChart[] {
  const axis = axes.find((one) => one.key === over);
  if (!axis) return [];
  const shown = rows.filter((row) => {
    return (!rivals || rivals.includes(row.name)) && numberAt(row, key) !== null;
  });
  const others = axes.filter((one) => one !== axis);
  const apart = conditionsOf(
    by === "era" ? shown.map(({ era: _, ...row }) => row as ResultRow) : shown,
    others,
  );
  const found = new Map<string, ResultRow[]>();
  for (const row of shown) {
    const { era: _, ...rest } = row;
    const words = apart((by === "era" ? rest : row) as ResultRow);
    found.set(words, [...(found.get(words) ?? []), row]);
  }
  return [...found].flatMap(([subtitle, group]) => {
    const names = axis.values.filter(({ name }) => group.some((row) => String(row[over]) === name));
    if (names.length < 2) return [];
    const at = (n: number) => (100 * n) / (names.length - 1);
    const promised = claim?.(group) ?? null;
    const values = group.map((row) => numberAt(row, key) ?? 0);
    const top = Math.max(
      ...values,
      ...(promised ? names.map(({ name }) => promised.at(+name)) : []),
    );
    const { to, step } = steps(top);
    const line = (words: string, value: (name: string) => number | null): Line => ({
      title: words,
      points: names.flatMap(({ name, title: text }, n) => {
        const y = value(name);
        if (y === null) return [];
        return [{ x: at(n), y: (100 * y) / to, over: text, value: y, text: figure(y, unit) }];
      }),
    });
    const titles = new Map<string, ResultRow[]>();
    for (const row of group) {
      const words = by === "era" ? conditionWords(row.era ?? "") : row.title;
      titles.set(words, [...(titles.get(words) ?? []), row]);
    }
    return [
      {
        ...{ title, subtitle, xTitle: axis.title },
        lines: [...titles].map(([words, own]) =>
          line(words, (name) => {
            const row = own.find((one) => String(one[over]) === name);
            return row ? numberAt(row, key) : null;
          }),
        ),
        claim: promised ? line(promised.title, (name) => promised.at(Number(name))) : null,
        ticks: {
          x: names.map(({ title: text }, n) => ({ at: at(n), text })),
          y: Array.from({ length: Math.round(to / step) + 1 }, (_, n) => ({
            at: (100 * n * step) / to,
            text: unit === "duration" && n === 0 ? "0" : figure(n * step, unit),
          })),
        },
      },
    ];
  });
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
