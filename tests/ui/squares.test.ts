import { describe, expect, it } from "vitest";
import type { PageState } from "../../web/machine/types.ts";
import { atSlot, foldCells, layOut, segmentOf } from "../../web/ui/draw/squares.ts";

const memory = (used: number, total: number): PageState[] =>
  Array.from({ length: total }, (_, i) => (i < used ? "file" : "free"));

describe("a field of pages", () => {
  it("folds a long run of free frames, and nothing else", () => {
    const segments = foldCells(memory(70, 1024), []);
    expect(segments.map(({ from, count, folded }) => [from, count, folded])).toEqual([
      [0, 128, null],
      [128, 896, "free"],
    ]);
  });

  it("does not fold one group alone, a stack of 33 pages, or pages that hold something", () => {
    expect(foldCells(memory(64, 128), []).every((s) => s.folded === null)).toBe(true);
    expect(foldCells(memory(0, 33), []).every((s) => s.folded === null)).toBe(true);
    expect(foldCells(memory(1024, 1024), []).every((s) => s.folded === null)).toBe(true);
  });

  it("keeps the group of a ringed page open", () => {
    const segments = foldCells(memory(0, 1024), [500]);
    const open = segments.filter((s) => s.folded === null);
    expect(open.map(({ from, count }) => [from, count])).toEqual([[448, 64]]);
  });

  it("covers every page exactly once", () => {
    const states = memory(200, 5000);
    states[3000] = "anon";
    const segments = foldCells(states, [77]);
    let next = 0;
    for (const { from, count } of segments) {
      expect(from).toBe(next);
      next = from + count;
    }
    expect(next).toBe(5000);
  });

  it("finds the page again at the place where it was drawn", () => {
    const states = memory(200, 5000);
    states[3000] = "anon";
    const grid = layOut(foldCells(states, []), 500, Number.POSITIVE_INFINITY, [13]);
    for (const index of [0, 63, 199, 3000, 3007]) {
      const segment = segmentOf(grid, index);
      expect(segment?.folded, `page ${index}`).toBeNull();
      expect(atSlot(grid, (segment?.slot ?? 0) + index - (segment?.from ?? 0))).toEqual({ index });
    }
    const folded = grid.segments.find((s) => s.folded);
    expect(folded && atSlot(grid, folded.slot)).toEqual({ fold: folded });
    expect((folded?.slot ?? 0) % grid.columns).toBeLessThanOrEqual(grid.columns - grid.foldSlots);
  });

  it("takes smaller squares until all of it fits", () => {
    const all = [{ from: 0, count: 1000, folded: null, slot: 0 }];
    const grid = layOut(all, 400, 150, [13, 9, 7, 5]);
    expect(grid.rows * grid.pitch).toBeLessThanOrEqual(150);
    expect(grid.pitch).toBe(7);
    expect(layOut(all, 400, 10, [13, 9, 7, 5]).pitch).toBe(5);
  });
});
