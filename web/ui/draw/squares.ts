// The one square: a 4 KiB page, the same everywhere. Hue, glyph and word of each state, and how
// it is painted on a canvas.
import {
  MARK_BIT,
  MARK_FOREIGN,
  MARK_MAJOR,
  MARK_MINOR,
  MARK_SHARED,
  MARK_USED,
  type PageState,
} from "../../machine/types.ts";

/** Words for the legend and for screen readers, in the legend's order. */
export const WORDS: Record<PageState, string> = {
  absent: "absent",
  file: "file",
  "file-dirty": "file, dirty",
  cached: "cached",
  scratch: "scratch",
  anon: "anonymous",
  zero: "zero page",
  table: "page table",
  kernel: "kernel",
  free: "free",
  swap: "in swap",
};

/** The same of owners' squares, where they say it without knowing the owner. */
export const LOOK_WORDS: Record<Look, string> = {
  ...WORDS,
  owner0: "tagged",
  owner1: "tagged",
  owner2: "tagged",
  owner3: "tagged",
  owner4: "tagged",
  owner5: "tagged",
  other: "another owner",
  nobody: "free, no tag",
  blank: "free, zeros",
  used: "in use",
};

/**
 * Whose a frame was, where that is what is shown: hatched in one of six ways. "other" stands for all
 * owners beyond; "nobody" for a free frame without a tag, "blank" for one full of zeros; "used" for
 * one that is in use.
 */
export type OwnerLook = `owner${0 | 1 | 2 | 3 | 4 | 5}` | "other" | "nobody" | "blank" | "used";
export type Look = PageState | OwnerLook;

/** Ways to tell owners apart. */
export const OWNER_LOOKS = 6;

const isState = (look: Look): look is PageState => look in WORDS;

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
  | "swap"
  | "cached"
  | "cachedLine"
  | "scratch"
  | "owner0"
  | "owner1"
  | "owner2"
  | "owner3"
  | "owner4"
  | "owner5"
  | "fatal"
  | "used"
  | "mark"
  | "now"
  | "chosen"
  | "background"
  | "text"
  | "font"
  | "seek"
  | "ground"
  | "ink",
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
  | "setLineDash"
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
  look: Look,
  colour: Palette,
): void {
  if (!isState(look)) {
    paintOwner(g, x, y, side, look, colour);
    return;
  }
  const state = look;
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
    case "swap":
      hollow(colour.swap);
      if (glyph) {
        // A bar across: its contents are elsewhere.
        g.fillStyle = colour.swap;
        g.fillRect(x + 2, y + Math.round(side / 2) - 1, side - 4, 2);
      }
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
      return;
    case "scratch":
      solid(colour.scratch);
      if (!glyph) return;
      g.strokeStyle = colour.mark;
      g.lineWidth = 1;
      g.setLineDash([2, 2]);
      g.strokeRect(x + 1.5, y + 1.5, side - 3, side - 3);
      g.setLineDash([]);
  }
}

/** Lines of each owner's hatching, in parts of the square: x1, y1, x2, y2. */
const HATCHES: readonly (readonly [number, number, number, number])[][] = [
  // Root: a cross.
  [
    [0.2, 0.2, 0.8, 0.8],
    [0.8, 0.2, 0.2, 0.8],
  ],
  // Rising.
  [
    [0.05, 0.6, 0.6, 0.05],
    [0.4, 0.95, 0.95, 0.4],
  ],
  // Falling.
  [
    [0.4, 0.05, 0.95, 0.6],
    [0.05, 0.4, 0.6, 0.95],
  ],
  // Level.
  [
    [0.1, 0.33, 0.9, 0.33],
    [0.1, 0.67, 0.9, 0.67],
  ],
  // Upright.
  [
    [0.33, 0.1, 0.33, 0.9],
    [0.67, 0.1, 0.67, 0.9],
  ],
  // A plus.
  [
    [0.5, 0.15, 0.5, 0.85],
    [0.15, 0.5, 0.85, 0.5],
  ],
];

/** Where a small square has its notch, in parts of the way from left to right and down. */
const NOTCHES: readonly (readonly [number, number])[] = [
  [0.5, 0.5],
  [0, 0],
  [1, 1],
  [1, 0],
  [0, 1],
  [0.5, 0],
];

/** A frame by its owner: filled in the owner's colour, with lines in the owner's direction. */
function paintOwner(
  g: Brush,
  x: number,
  y: number,
  side: number,
  look: OwnerLook,
  colour: Palette,
): void {
  if (look === "used") {
    g.fillStyle = colour.used;
    g.fillRect(x, y, side, side);
    return;
  }
  if (look === "nobody" || look === "blank") {
    g.strokeStyle = colour.absent;
    g.lineWidth = 1;
    g.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    return;
  }
  const nr = look === "other" ? -1 : Number(look.slice(5));
  g.fillStyle = look === "other" ? colour.seek : colour[look];
  g.fillRect(x, y, side, side);
  if (side < 7) {
    // No room for lines: a notch, at a place of the owner's own.
    const notch = NOTCHES[nr];
    const edge = Math.max(1, Math.round(side / 3));
    g.fillStyle = colour.mark;
    if (notch) g.fillRect(x + notch[0] * (side - edge), y + notch[1] * (side - edge), edge, edge);
    return;
  }
  g.strokeStyle = colour.mark;
  g.lineWidth = side >= 11 ? 1.5 : 1;
  g.beginPath();
  for (const [x1, y1, x2, y2] of HATCHES[nr] ?? []) {
    g.moveTo(x + x1 * side, y + y1 * side);
    g.lineTo(x + x2 * side, y + y2 * side);
  }
  g.stroke();
}

/**
 * Paints what else is to be said of a page: its bit as a line below it, a fault that waited for it
 * as a tick from above, thin for a minor one, thick for a major one; a shared one has a double edge,
 * one that is in use an edge; a red cross where another's data can be read.
 *
 * @param mark MARK_BIT and the others, added up.
 */
export function paintMarks(
  g: Brush,
  x: number,
  y: number,
  side: number,
  mark: number,
  colour: Palette,
): void {
  if (mark & MARK_USED) {
    g.strokeStyle = colour.ink;
    g.lineWidth = 1.5;
    g.strokeRect(x + 0.25, y + 0.25, side - 0.5, side - 0.5);
  }
  if (mark & MARK_FOREIGN) {
    // On a ground of its own, so that it is seen on any colour.
    for (const [line, width] of [
      [colour.background, 5],
      [colour.fatal, 2],
    ] as const) {
      g.strokeStyle = line;
      g.lineWidth = width;
      g.beginPath();
      g.moveTo(x - 1, y - 1);
      g.lineTo(x + side + 1, y + side + 1);
      g.moveTo(x + side + 1, y - 1);
      g.lineTo(x - 1, y + side + 1);
      g.stroke();
    }
  }
  if (mark & MARK_SHARED) {
    g.strokeStyle = colour.mark;
    g.lineWidth = 1;
    g.strokeRect(x + 2, y + 2, side - 4, side - 4);
  }
  g.fillStyle = colour.ink;
  if (mark & MARK_BIT) g.fillRect(x, y + side + 1, side, 2);
  if (mark & (MARK_MINOR | MARK_MAJOR)) {
    const wide = mark & MARK_MAJOR ? 3.5 : 1.5;
    g.fillRect(x + (side - wide) / 2, y - 2, wide, side * 0.5 + 2);
  }
}

/** A stretch of a field of cells: drawn one by one, or folded into one long mark. */
export interface Segment {
  /** Index of its first cell, and how many there are. */
  from: number;
  count: number;
  /** What all of them are, when folded. */
  folded: Look | null;
  /** Place of its first cell, counted along the rows. */
  slot: number;
}

/** How a field of cells is laid out. */
export interface CellGrid {
  columns: number;
  rows: number;
  /** Distance from one cell to the next, CSS pixels. */
  pitch: number;
  /** Edge of the square. */
  side: number;
  segments: Segment[];
  /** Places that a folded stretch takes. */
  foldSlots: number;
}

/** Cells are folded in whole groups of this many, so that folds stay where they are. */
const GROUP = 64;
const FOLDABLE: ReadonlySet<Look> = new Set([
  "free",
  "absent",
  "kernel",
  "nobody",
  "blank",
  "used",
]);
/** Width of a folded stretch, CSS pixels: room for "16,320 free". */
const FOLD_WIDTH = 108;

const gap = (pitch: number): number => (pitch >= 10 ? 2 : 1);

/**
 * Finds long stretches of nothing to see.
 *
 * @param keep cells that must stay visible.
 * @returns all cells in order; stretches of at least two groups that hold nothing but one of
 *   free, absent, kernel, nobody's and in use are folded. The slots are not yet set.
 */
export function foldCells(states: ArrayLike<Look>, keep: Iterable<number>): Segment[] {
  const kept = new Set([...keep].map((index) => Math.floor(index / GROUP)));
  const segments: Segment[] = [];
  const add = (from: number, count: number, folded: Look | null) => {
    const last = segments.at(-1);
    if (last && last.folded === folded) last.count += count;
    else segments.push({ from, count, folded, slot: 0 });
  };
  const uniform = (from: number): Look | null => {
    const state = states[from] as Look;
    if (!FOLDABLE.has(state) || kept.has(from / GROUP) || from + GROUP > states.length) return null;
    for (let i = from + 1; i < from + GROUP; i++) if (states[i] !== state) return null;
    return state;
  };
  for (let from = 0; from < states.length; from += GROUP) {
    const state = uniform(from);
    const long = state && (uniform(from + GROUP) === state || segments.at(-1)?.folded === state);
    add(from, Math.min(GROUP, states.length - from), long ? state : null);
  }
  return segments;
}

/**
 * Lays cells out in rows.
 *
 * @param segments from `foldCells`; their slots are set.
 * @param pitches distances to try, largest first; the last one is taken when none fits.
 * @param height room there is; infinite: the first pitch is taken.
 */
export function layOut(
  segments: Segment[],
  width: number,
  height: number,
  pitches: number[],
): CellGrid {
  let grid: CellGrid | undefined;
  for (const pitch of pitches) {
    const fitting = Math.max(1, Math.floor(width / pitch));
    // Rows of a multiple of eight, where there are many, so that a place can be counted out.
    const counted = pitches.length > 1 && fitting > 16;
    const columns = counted ? fitting - (fitting % 8) : fitting;
    const foldSlots = Math.min(columns, Math.ceil(FOLD_WIDTH / pitch));
    let slot = 0;
    for (const segment of segments) {
      if (segment.folded && (slot % columns) + foldSlots > columns) {
        slot += columns - (slot % columns);
      }
      segment.slot = slot;
      slot += segment.folded ? foldSlots : segment.count;
    }
    const rows = Math.ceil(slot / columns);
    grid = { columns, rows, pitch, side: pitch - gap(pitch), segments, foldSlots };
    if (rows * pitch <= height) break;
  }
  return grid ?? { columns: 1, rows: 0, pitch: 1, side: 1, segments, foldSlots: 1 };
}

/** The stretch that holds a cell. */
export function segmentOf(grid: CellGrid, index: number): Segment | undefined {
  return grid.segments.find((s) => index >= s.from && index < s.from + s.count);
}

/** What stands at a place: a cell, a folded stretch, or nothing. */
export function atSlot(grid: CellGrid, slot: number): { index: number } | { fold: Segment } | null {
  for (const s of grid.segments) {
    if (slot < s.slot) return null;
    if (s.folded) {
      if (slot < s.slot + grid.foldSlots) return { fold: s };
    } else if (slot < s.slot + s.count) return { index: s.from + slot - s.slot };
  }
  return null;
}
