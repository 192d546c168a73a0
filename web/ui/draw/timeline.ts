// The faults of a run along a line: where each tick stands, and back from a place to a position.
import type { FaultRecord, Position } from "../../machine/types.ts";

/** How a fault is drawn: a hue, a glyph and a word. */
export type TickShape = "thin" | "thick" | "fork" | "cross";

export interface TickKind {
  shape: TickShape;
  /** Token that colours it. */
  token: string;
  word: string;
}

const KINDS: Record<string, TickKind> = {
  minor: { shape: "thin", token: "--page-file", word: "minor" },
  major: { shape: "thick", token: "--page-file", word: "major" },
  anon: { shape: "thin", token: "--page-anon", word: "anonymous" },
  kept: { shape: "thin", token: "--page-anon", word: "anonymous, not cleared" },
  zero: { shape: "thin", token: "--line-strong", word: "zero page" },
  stack: { shape: "thin", token: "--page-anon", word: "stack grows" },
  cow: { shape: "fork", token: "--page-anon", word: "copy on write" },
  reuse: { shape: "fork", token: "--line-strong", word: "reuse" },
  spurious: { shape: "thin", token: "--line-strong", word: "spurious" },
  sigsegv: { shape: "cross", token: "--fatal", word: "SIGSEGV" },
  sigbus: { shape: "cross", token: "--fatal", word: "SIGBUS" },
  oom: { shape: "cross", token: "--fatal", word: "out of memory" },
};

/** Hue, glyph and word of a kind of fault; an unknown kind is a thin grey tick with its name. */
export const tickKind = (kind: string): TickKind =>
  KINDS[kind] ?? { shape: "thin", token: "--line-strong", word: kind };

export interface Tick {
  x: number;
  /** Index into the list of faults. */
  index: number;
}

export interface Timeline {
  ticks: Tick[];
  /** So many that each is drawn thin. */
  crowded: boolean;
  /** Where an instruction count stands; `faultIndex` decides among faults at one count. */
  xOf: (position: Position) => number;
  /** The position at a place: a fault's first line when one is within `reach` pixels. */
  positionAt: (x: number, reach?: number) => Position;
}

/** Part of the width that may go into keeping faults apart; the rest is in proportion to time. */
const SPREAD = 0.4;
/** Below this distance ticks are drawn thin. */
const CROWDED = 3;
/** Least distance of two ticks that are drawn, CSS pixels. */
const CLOSEST = 0.7;

/** The first kernel line of a fault. */
export const faultStart = (fault: FaultRecord): Position => ({
  instret: fault.instret,
  mark: fault.mark + 1,
});

/**
 * Spreads faults over a line: in proportion to retired instructions, but never closer than a
 * tick can be seen (so that the eleven faults of instruction 0 do not hide each other).
 *
 * @param end instruction count at the right edge, at least 1.
 * @param width length in CSS pixels.
 */
export function layTimeline(faults: FaultRecord[], end: number, width: number): Timeline {
  const wanted = faults.length > 0 ? Math.min(9, (width * SPREAD) / faults.length) : 0;
  const spare = width - wanted * (faults.length + 1);
  // Each fault pushes all that follows it to the right by the room that its tick needs.
  const xs = faults.map(
    (fault, i) => wanted * (i + 1) + (spare * fault.instret) / Math.max(1, end),
  );
  const knots = [
    { x: 0, at: 0, mark: 0 },
    ...faults.map((fault, i) => ({ x: xs[i] as number, at: fault.instret, mark: fault.mark + 1 })),
    { x: width, at: Math.max(end, faults.at(-1)?.instret ?? 0), mark: 1e9 },
  ];
  const before = (a: { at: number; mark: number }, instret: number, mark: number) =>
    a.at < instret || (a.at === instret && a.mark <= mark);

  const xOf = ({ instret, mark }: Position): number => {
    let low = 0;
    let high = knots.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (before(knots[middle] as (typeof knots)[0], instret, mark)) low = middle;
      else high = middle - 1;
    }
    const a = knots[low] as (typeof knots)[0];
    const b = knots[low + 1];
    if (!b) return width;
    const span = b.at - a.at;
    if (span > 0) return a.x + ((b.x - a.x) * (instret - a.at)) / span;
    // Between two faults of one instruction: lines of the kernel are the only measure.
    const part = b.mark < 1e9 ? (mark - a.mark) / Math.max(1, b.mark - a.mark) : 0;
    return a.x + (b.x - a.x) * Math.min(1, Math.max(0, part));
  };

  const positionAt = (x: number, reach = 4): Position => {
    let best = -1;
    let distance = reach + 1;
    for (let i = 0; i < xs.length; i++) {
      const d = Math.abs((xs[i] as number) - x);
      if (d < distance) {
        distance = d;
        best = i;
      }
    }
    if (best >= 0) return faultStart(faults[best] as FaultRecord);
    let k = 0;
    while (k + 1 < knots.length && (knots[k + 1] as (typeof knots)[0]).x <= x) k++;
    const a = knots[k] as (typeof knots)[0];
    const b = knots[Math.min(k + 1, knots.length - 1)] as (typeof knots)[0];
    const span = b.x - a.x;
    const part = span > 0 ? Math.min(1, Math.max(0, (x - a.x) / span)) : 0;
    return { instret: Math.round(a.at + (b.at - a.at) * part), mark: 0 };
  };

  // Of thousands, those are left out that would stand on the tick before.
  let last = Number.NEGATIVE_INFINITY;
  const ticks = xs
    .map((x, index) => ({ x, index }))
    .filter(({ x, index }) => {
      const fatal = tickKind(faults[index]?.kind ?? "").shape === "cross";
      if (x - last < CLOSEST && !fatal) return false;
      last = x;
      return true;
    });
  return { ticks, crowded: faults.length > 0 && wanted < CROWDED, xOf, positionAt };
}
