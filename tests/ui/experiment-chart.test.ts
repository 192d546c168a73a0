import { describe, expect, it } from "vitest";
import type { ResultRow } from "../../web/machine/experiments/types.ts";
import {
  axisOf,
  barsOf,
  duration,
  groups,
  partsOf,
  sorted,
  tableColumns,
} from "../../web/ui/draw/experiment-chart.ts";

const row = (
  name: string,
  disk: number,
  user: number,
  more: Partial<ResultRow> = {},
): ResultRow => ({
  ...{ name, title: name.toUpperCase(), minflt: 1, majflt: 2, disk_reads: 3, pages_read: 4 },
  ...{ pages_unused: 0, seeks: 6, kernel_entries: 7, ratio: 1 },
  time_ns: { total: disk + user, disk, exception: 0, kernel: 0, memory: 0, user },
  ...more,
});
const rows = [row("a", 9_000_000, 1_000_000), row("b", 100_000, 1_000_000), row("c", 0, 40_000)];

describe("the chart of an experiment", () => {
  it("adds the parts of a time up to its total, from 0", () => {
    const axis = axisOf(rows, false);
    expect(axis).toMatchObject({ from: 0, to: 10_000_000 });
    const [a, b] = barsOf(rows, axis);
    expect(a?.width).toBeCloseTo(100, 6);
    expect(a?.parts.map(({ key, x, width }) => [key, x, width])).toEqual([
      ["disk", 0, 90],
      ["user", 90, 10],
    ]);
    expect(b?.width).toBeCloseTo(11, 6);
  });

  it("gives a power of ten the same length everywhere on the other axis", () => {
    const axis = axisOf(rows, true);
    expect([axis.from, axis.to]).toEqual([10_000, 10_000_000]);
    expect(axis.ticks.map(({ text }) => text)).toEqual(["10.0 µs", "100 µs", "1.00 ms", "10.0 ms"]);
    const [a, , c] = barsOf(rows, axis);
    expect(a?.width).toBeCloseTo(100, 6);
    expect(a?.parts[0]?.width).toBeCloseTo(90, 6);
    expect(c?.width).toBeCloseTo((100 * Math.log10(4)) / 3, 6);
  });

  it("has ticks from one edge to the other, whatever the times", () => {
    for (const total of [1, 7, 999, 12_345, 5e9, 3.2e11]) {
      for (const log of [false, true]) {
        const { ticks, to } = axisOf([row("x", total, 0)], log);
        expect(to).toBeGreaterThanOrEqual(total);
        expect(ticks[0]?.x).toBe(0);
        expect(ticks.at(-1)?.x).toBeCloseTo(100, 6);
        expect(ticks.length).toBeLessThanOrEqual(12);
      }
    }
  });

  it("shows idle time only where there is some", () => {
    expect(partsOf(rows).map(({ key }) => key)).not.toContain("idle");
    const idle = row("d", 1, 1);
    idle.time_ns.idle = 5;
    expect(partsOf([...rows, idle]).map(({ key }) => key)).toContain("idle");
  });

  it("stands rows of the same conditions together", () => {
    const two = [
      row("a", 1, 1, { era: "ssd2008", layout: "linked" }),
      row("b", 1, 1, { era: "ssd2008", layout: "linked" }),
      row("a", 1, 1, { era: "nvme2020", layout: "linked" }),
    ];
    expect(groups(two).map(({ title, rows: all }) => [title, all.length])).toEqual([
      ["2008 SSD, as linked", 2],
      ["2020 NVMe, as linked", 1],
    ]);
  });
});

describe("the table of an experiment", () => {
  const columns = tableColumns(rows, [{ key: "relocations", title: "relocations" }]);

  it("has conditions only where the rows differ in them, and the experiment's own columns", () => {
    const keys = columns.map(({ key }) => key);
    expect(keys.slice(0, 3)).toEqual(["name", "total", "ratio"]);
    expect(keys.at(-1)).toBe("relocations");
    const eras = tableColumns([row("a", 1, 1, { era: "ssd2008" })], []);
    expect(eras[0]?.key).toBe("era");
  });

  it("sorts numbers as numbers, words as words, and as the experiment has them without a wish", () => {
    const names = (by: Parameters<typeof sorted>[2]) =>
      sorted(rows, columns, by).map(({ name }) => name);
    expect(names(null)).toEqual(["a", "b", "c"]);
    expect(names({ key: "total", down: false })).toEqual(["c", "b", "a"]);
    expect(names({ key: "name", down: true })).toEqual(["c", "b", "a"]);
    expect(names({ key: "majflt", down: true })).toEqual(["a", "b", "c"]);
  });

  it("says times with three digits and their unit", () => {
    expect([0, 999, 1000, 12_345, 999_960, 5_614_000_000].map(duration)).toEqual([
      ...["0 ns", "999 ns", "1.00 µs", "12.3 µs", "1.00 ms", "5.61 s"],
    ]);
  });
});
