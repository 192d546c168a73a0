// Columns of an experiment as lines over an axis, and as bars.
import { describe, expect, it } from "vitest";
import type { Axis, Chart, ResultRow } from "../../web/machine/experiments/types.ts";
import { figureBars, lineCharts } from "../../web/ui/draw/line-chart.ts";

const AXES: Axis[] = [
  {
    ...{ key: "processes", title: "processes", about: "how many", numeric: true },
    values: ["1", "2", "4"].map((name) => ({ name, title: name })),
    initial: ["1", "2", "4"],
  },
  {
    ...{ key: "noise", title: "neighbour", about: "how busy it is" },
    values: ["none", "heavy"].map((name) => ({ name, title: `${name} at all` })),
    initial: ["none"],
  },
];
const CHART: Chart = {
  ...{ kind: "lines", title: "Written", key: "swap_writes", unit: "count", over: "processes" },
};

const row = (name: string, processes: number, swap_writes: number, more = {}): ResultRow => ({
  ...{ name, title: name.toUpperCase(), processes, swap_writes, noise: "none" },
  ...{ minflt: 0, majflt: 0, disk_reads: 0, pages_read: 0, pages_unused: 0 },
  ...{ seeks: 0, kernel_entries: 0, ratio: 1 },
  time_ns: { total: 1, disk: 1, exception: 0, kernel: 0, memory: 0, user: 0 },
  ...more,
});
const rows = [
  ...[row("a", 1, 30), row("b", 1, 0), row("a", 2, 60), row("b", 2, 0), row("a", 4, 120)],
];

describe("a chart of lines", () => {
  it("has a line a rival and a point a value, from 0, its values at equal distances", () => {
    const [chart] = lineCharts(rows, CHART, AXES);
    expect(chart?.lines.map(({ title, points }) => [title, points.length])).toEqual([
      ["A", 3],
      ["B", 2],
    ]);
    const [a] = chart?.lines ?? [];
    expect(a?.points.map(({ x }) => x)).toEqual([0, 50, 100]);
    const [low, , high] = a?.points ?? [];
    expect(high?.y).toBeCloseTo(4 * (low?.y ?? 0), 6);
    expect(chart?.ticks.x.map(({ text }) => text)).toEqual(["1", "2", "4"]);
    expect(chart?.ticks.y[0]).toEqual({ at: 0, text: "0" });
    expect(chart?.ticks.y.at(-1)?.at).toBeCloseTo(100, 6);
  });

  it("draws a claim beside them, and leaves room for it", () => {
    const claim = () => ({ title: "once each", at: (n: number) => 100 * n });
    const [chart] = lineCharts(rows, { ...CHART, claim }, AXES);
    expect(chart?.claim?.title).toBe("once each");
    expect(chart?.claim?.points.map(({ value }) => value)).toEqual([100, 200, 400]);
    for (const { y } of chart?.claim?.points ?? []) expect(y).toBeLessThanOrEqual(100);
  });

  it("has only the rivals that it is to show", () => {
    const [chart] = lineCharts(rows, { ...CHART, rivals: ["b"] }, AXES);
    expect(chart?.lines.map(({ title }) => title)).toEqual(["B"]);
  });

  it("is drawn for each set of the other conditions, named by them", () => {
    const more = rows.map((one) => ({ ...one, noise: "heavy" }));
    const charts = lineCharts([...rows, ...more], CHART, AXES);
    expect(charts.map(({ subtitle }) => subtitle)).toEqual(["none at all", "heavy at all"]);
  });

  it("may have a line an era instead of one a rival", () => {
    const eras = ["desktop2004", "ssd2008"].flatMap((era) => rows.map((one) => ({ ...one, era })));
    const [chart, none] = lineCharts(eras, { ...CHART, by: "era", rivals: ["a"] }, AXES);
    expect(chart?.lines.map(({ title }) => title)).toEqual(["2004 desktop disk", "2008 SSD"]);
    expect(none).toBeUndefined();
  });

  it("is not drawn where there is one value only: a point is no line", () => {
    expect(lineCharts([row("a", 1, 30), row("b", 1, 2)], CHART, AXES)).toEqual([]);
  });

  it("finds round numbers for its edge, whatever the largest value", () => {
    for (const most of [0, 1, 3, 7, 999, 12_345]) {
      const [chart] = lineCharts([row("a", 1, 0), row("a", 2, most)], CHART, AXES);
      for (const { y } of chart?.lines[0]?.points ?? []) expect(y).toBeLessThanOrEqual(100 + 1e-6);
      expect(chart?.ticks.y.length).toBeLessThanOrEqual(7);
    }
  });
});

describe("a chart of bars", () => {
  const chart: Chart = { kind: "bars", title: "Share", key: "clear_share", unit: "percent" };

  it("has a bar a row that has the column, the longest over the whole width", () => {
    const some = [row("a", 1, 0, { clear_share: 40 }), row("b", 1, 0, { clear_share: 10 })];
    const [group] = figureBars([...some, row("c", 1, 0)], chart, AXES);
    expect(group?.bars.map(({ width, text }) => [width, text])).toEqual([
      [100, "40.0 %"],
      [25, "10.0 %"],
    ]);
  });

  it("has bars to the right only: what is below 0 has none, and says so in its number", () => {
    const some = [row("a", 1, 0, { clear_share: 5 }), row("b", 1, 0, { clear_share: -5 })];
    const [group] = figureBars(some, chart, AXES);
    expect(group?.bars[1]).toMatchObject({ width: 0, text: "-5.0 %" });
  });

  it("stands together by the conditions that rows differ in", () => {
    const two = ["none", "heavy"].map((noise) => row("a", 1, 0, { clear_share: 1, noise }));
    expect(figureBars(two, chart, AXES).map(({ title }) => title)).toEqual([
      "none at all",
      "heavy at all",
    ]);
  });
});
