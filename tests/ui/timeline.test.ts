import { describe, expect, it } from "vitest";
import type { FaultRecord } from "../../web/machine/types.ts";
import { faultStart, layTimeline, tickKind } from "../../web/ui/draw/timeline.ts";

const fault = (n: number, instret: number, mark = 0): FaultRecord => ({
  ...{ n, instret, mark, pid: 1, pc: "0x0", va: "0x0", access: "R", mode: "U" },
  ...{ kind: "minor", vma: null, pfn: null, blocks: 0, costNs: 0 },
});

describe("the timeline", () => {
  const faults = [fault(1, 0, 30), fault(2, 0, 90), fault(3, 500), fault(4, 90_000)];
  const line = layTimeline(faults, 100_000, 1000);

  it("keeps the faults apart and in order, however close in time", () => {
    const xs = line.ticks.map((tick) => tick.x);
    for (let i = 1; i < xs.length; i++) {
      expect((xs[i] as number) - (xs[i - 1] as number)).toBeGreaterThanOrEqual(8);
    }
  });

  it("leads from the place of a fault to its first kernel line", () => {
    for (const { x, index } of line.ticks) {
      expect(line.positionAt(x)).toEqual(faultStart(faults[index] as FaultRecord));
    }
  });

  it("puts the playhead on the tick of the fault it has reached", () => {
    for (const { x, index } of line.ticks) {
      expect(line.xOf(faultStart(faults[index] as FaultRecord))).toBeCloseTo(x, 6);
    }
  });

  it("moves the playhead to the right, never back, as the run goes on", () => {
    let last = -1;
    for (const position of [
      { instret: 0, mark: 0 },
      { instret: 0, mark: 10 },
      { instret: 0, mark: 31 },
      { instret: 0, mark: 60 },
      { instret: 0, mark: 91 },
      { instret: 20, mark: 0 },
      { instret: 500, mark: 0 },
      { instret: 500, mark: 1 },
      { instret: 40_000, mark: 0 },
      { instret: 100_000, mark: 0 },
    ]) {
      const x = line.xOf(position);
      expect(x, `${position.instret}:${position.mark}`).toBeGreaterThanOrEqual(last);
      expect(x).toBeLessThanOrEqual(1000);
      last = x;
    }
  });

  it("leads from a place between two faults to an instruction between them", () => {
    const [, , c, d] = line.ticks.map((tick) => tick.x) as [number, number, number, number];
    const { instret, mark } = line.positionAt((c + d) / 2);
    expect(mark).toBe(0);
    expect(instret).toBeGreaterThan(500);
    expect(instret).toBeLessThan(90_000);
  });

  it("bears a run without faults and one with thousands", () => {
    expect(layTimeline([], 1, 100).positionAt(50)).toEqual({ instret: 1, mark: 0 });
    const many = Array.from({ length: 5000 }, (_, i) => fault(i + 1, i * 10));
    const { ticks } = layTimeline(many, 50_000, 1000);
    expect(Math.max(...ticks.map((tick) => tick.x))).toBeLessThanOrEqual(1000);
    expect(ticks.length).toBeGreaterThan(500);
    expect(ticks.length).toBeLessThan(1500);
  });

  it("tells kinds apart by shape, not by hue alone", () => {
    expect(tickKind("major").shape).not.toBe(tickKind("minor").shape);
    expect(tickKind("cow").shape).toBe("fork");
    expect(tickKind("sigsegv").shape).toBe("cross");
    expect(tickKind("something new").word).toBe("something new");
  });
});
