import { describe, expect, it } from "vitest";
import type { DiskRequest } from "../../web/machine/types.ts";
import { bandsOf, legsOf, nearest, yOf } from "../../web/ui/draw/head-track.ts";

const request = (lba: number, fresh: boolean, ns: number): DiskRequest => ({
  ...{ lba, fresh, ns, distance: 0, write: false, ino: 1, page: 0, fault: -1 },
});

describe("the axis of the disk", () => {
  it("shows the stretches that were asked for, and cuts out what lies between", () => {
    const bands = bandsOf([5_000_000, 100, 110, 5_000_040, 90], 200);
    expect(bands.map(({ from, to }) => [from, to])).toEqual([
      [90, 110],
      [5_000_000, 5_000_040],
    ]);
  });

  it("fills its height, the bands in order and apart from each other", () => {
    const bands = bandsOf([3, 10_000, 10_900, 40_000, 90_000], 150);
    for (let i = 1; i < bands.length; i++) {
      const [a, b] = [bands[i - 1], bands[i]] as [(typeof bands)[0], (typeof bands)[0]];
      expect(b.top).toBeGreaterThan(a.top + a.height);
    }
    const last = bands.at(-1);
    expect((last?.top ?? 0) + (last?.height ?? 0)).toBeCloseTo(150, 6);
  });

  it("stays inside its height, however little that is for so many stretches", () => {
    const lbas = Array.from({ length: 12 }, (_, i) => i * 7000);
    for (const height of [20, 60, 90]) {
      const last = bandsOf(lbas, height).at(-1);
      expect((last?.top ?? 0) + (last?.height ?? 0)).toBeCloseTo(height, 6);
    }
  });

  it("keeps the order of the blocks, however many stretches there are", () => {
    const lbas = Array.from({ length: 40 }, (_, i) => i * 7000);
    const bands = bandsOf(lbas, 300);
    expect(bands.length).toBeLessThanOrEqual(12);
    const ys = lbas.map((lba) => yOf(bands, lba));
    expect(ys).toEqual([...ys].sort((a, b) => a - b));
    expect(new Set(ys).size).toBe(lbas.length);
  });

  it("of a disk nobody asked is empty", () => {
    expect(bandsOf([], 100)).toEqual([]);
    expect(yOf([], 5)).toBe(0);
  });
});

describe("the way of the head", () => {
  const requests = [request(10, true, 800), request(11, false, 100), request(40, true, 1100)];
  const bands = bandsOf(
    requests.map(({ lba }) => lba),
    100,
  );
  const legs = legsOf(requests, bands, 200, 2000);

  it("is as long as the time that the disk worked", () => {
    expect(legs.map(({ x2 }) => x2)).toEqual([80, 90, 200]);
  });

  it("moves before it transfers, and only for a request of its own", () => {
    const moves = legs.map(({ x0, x1 }) => x1 - x0);
    expect(moves[0]).toBeCloseTo(70, 6);
    expect(moves[1]).toBe(0);
    expect(moves[2]).toBeCloseTo(100, 6);
  });

  it("leads from where the last transfer ended to the block asked for", () => {
    expect(legs[2]?.y0).toBeCloseTo(yOf(bands, 12), 6);
    expect(legs[2]?.y1).toBeCloseTo(yOf(bands, 40), 6);
  });

  it("is pointed at square by square", () => {
    const [, second] = legs;
    expect(nearest(legs, second?.x2 ?? 0, second?.y1 ?? 0)).toBe(1);
    expect(nearest(legs, 150, 0, 5)).toBe(-1);
  });
});
