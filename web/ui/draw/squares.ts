// The one square: a 4 KiB page, the same everywhere. Hue, glyph and word of each state, and how
// it is painted on a canvas.
import type { PageState } from "../../machine/types.ts";

/** Words for the legend and for screen readers, in the legend's order. */
export const WORDS: Record<PageState, string> = {
  absent: "absent",
  file: "file",
  "file-dirty": "file, dirty",
  cached: "cached",
  anon: "anonymous",
  zero: "zero page",
  table: "page table",
  kernel: "kernel",
  free: "free",
};

/** The tokens a canvas needs, read from the style sheet. */
export type Palette = Record<
  | "file"
  | "anon"
  | "table"
  | "kernel"
  | "zero"
  | "zeroMark"
  | "absent"
  | "free"
  | "cached"
  | "cachedLine"
  | "mark"
  | "now"
  | "chosen"
  | "background",
  string
>;

/** What `paintSquare` draws on. */
export type Brush = Pick<
  CanvasRenderingContext2D,
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "fillRect"
  | "strokeRect"
  | "clearRect"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "closePath"
  | "fill"
  | "stroke"
  | "arc"
>;

/**
 * Paints one page.
 *
 * @param x left edge in CSS pixels.
 * @param y top edge.
 * @param side length of the edge; glyphs are left out below 8 pixels.
 */
export function paintSquare(
  g: Brush,
  x: number,
  y: number,
  side: number,
  state: PageState,
  colour: Palette,
): void {
  const glyph = side >= 8;
  const solid = (fill: string) => {
    g.fillStyle = fill;
    g.fillRect(x, y, side, side);
  };
  const hollow = (line: string) => {
    g.strokeStyle = line;
    g.lineWidth = 1;
    g.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
  };
  switch (state) {
    case "absent":
      hollow(colour.absent);
      return;
    case "free":
      hollow(colour.free);
      return;
    case "file":
      solid(colour.file);
      return;
    case "file-dirty": {
      // A corner cut: somebody has written on this sheet.
      const cut = Math.max(3, side * 0.5);
      g.fillStyle = colour.file;
      g.beginPath();
      g.moveTo(x, y);
      g.lineTo(x + side - cut, y);
      g.lineTo(x + side, y + cut);
      g.lineTo(x + side, y + side);
      g.lineTo(x, y + side);
      g.closePath();
      g.fill();
      return;
    }
    case "cached":
      solid(colour.cached);
      hollow(colour.cachedLine);
      return;
    case "anon":
      solid(colour.anon);
      if (glyph) {
        const hole = Math.round(side * 0.36);
        const at = Math.round((side - hole) / 2);
        g.fillStyle = colour.mark;
        g.fillRect(x + at, y + at, hole, hole);
      }
      return;
    case "zero":
      solid(colour.zero);
      hollow(colour.zeroMark);
      g.fillStyle = colour.zeroMark;
      g.beginPath();
      g.arc(x + side / 2, y + side / 2, Math.max(1, side * 0.17), 0, 2 * Math.PI);
      g.fill();
      return;
    case "table":
      solid(colour.table);
      if (glyph) {
        g.fillStyle = colour.mark;
        for (const part of [0.3, 0.62]) {
          g.fillRect(x + 2, y + Math.round(side * part), side - 4, 1);
        }
      }
      return;
    case "kernel":
      solid(colour.kernel);
  }
}

/** How many cells fit in a row, and how large they are. */
export interface CellGrid {
  columns: number;
  rows: number;
  /** Distance from one cell to the next, CSS pixels. */
  pitch: number;
  /** Edge of the square. */
  side: number;
}

const gap = (pitch: number): number => (pitch >= 10 ? 2 : 1);

/**
 * Lays `count` cells out in rows.
 *
 * @param pitches distances to try, largest first; the last one is taken when none fits.
 * @param height room there is; infinite: the first pitch is taken.
 */
export function layOut(count: number, width: number, height: number, pitches: number[]): CellGrid {
  let grid: CellGrid = { columns: 1, rows: 0, pitch: 1, side: 1 };
  for (const pitch of pitches) {
    // Rows of a multiple of eight, so that a place can be counted out.
    const fitting = Math.max(1, Math.floor(width / pitch));
    const columns = fitting > 16 ? fitting - (fitting % 8) : fitting;
    grid = { columns, rows: Math.ceil(count / columns), pitch, side: pitch - gap(pitch) };
    if (grid.rows * pitch <= height) break;
  }
  return grid;
}
