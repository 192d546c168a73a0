// The head's way over the disk as a drawing: time to the right, the place on the disk downwards.
// The vertical axis shows only where blocks were asked for; what lies between is cut out.
import type { DiskRequest } from "../../machine/types.ts";

/** A stretch of the disk that is drawn, and where. */
export interface Band {
  from: number;
  /** Its last block. */
  to: number;
  top: number;
  height: number;
}

/** Blocks without a request, from which on the axis is cut. */
const CUT = 512;
const MOST_BANDS = 12;
/** Room between two bands, and least height of one. */
const GAP = 9;
const LEAST = 12;

/**
 * Cuts the disk into the stretches that were asked for.
 *
 * @param lbas blocks, in any order.
 * @param height room for all bands, CSS pixels.
 * @returns from the lowest block on; the height of a band grows with the root of its length.
 */
export function bandsOf(lbas: readonly number[], height: number): Band[] {
  const sorted = [...new Set(lbas)].sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const gaps = sorted
    .map((lba, i) => ({ i, gap: i === 0 ? 0 : lba - (sorted[i - 1] as number) }))
    .filter(({ gap }) => gap > CUT)
    .sort((a, b) => b.gap - a.gap)
    .slice(0, MOST_BANDS - 1)
    .map(({ i }) => i)
    .sort((a, b) => a - b);
  const starts = [0, ...gaps];
  const spans = starts.map((start, k) => ({
    from: sorted[start] as number,
    to: sorted[(starts[k + 1] ?? sorted.length) - 1] as number,
  }));
  // Many bands in little room: nothing of them may lie below the edge.
  const gap = Math.min(GAP, (0.3 * height) / spans.length);
  const least = Math.min(LEAST, (0.5 * height) / spans.length);
  const weight = ({ from, to }: { from: number; to: number }) => Math.sqrt(to - from + 1);
  const total = spans.reduce((n, span) => n + weight(span), 0);
  const spare = Math.max(0, height - gap * (spans.length - 1) - least * spans.length);
  let top = 0;
  return spans.map((span) => {
    const band = { ...span, top, height: least + (spare * weight(span)) / total };
    top += band.height + gap;
    return band;
  });
}

/** Where a block stands, CSS pixels from the top: the middle of its row. */
export function yOf(bands: readonly Band[], lba: number): number {
  const band = bands.findLast(({ from }) => lba >= from) ?? bands[0];
  if (!band) return 0;
  const blocks = band.to - band.from + 1;
  const at = Math.min(Math.max(lba - band.from, 0), blocks);
  return band.top + (band.height * (at + 0.5)) / (blocks + 1);
}

/** One request on the way: the movement from (x0, y0) to (x1, y1), then the transfer to x2. */
export interface Leg {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  x2: number;
}

/**
 * Lays a tour out.
 *
 * @param ns what the whole width stands for, nanoseconds.
 */
export function legsOf(
  requests: readonly DiskRequest[],
  bands: readonly Band[],
  width: number,
  ns: number,
): Leg[] {
  const scale = width / Math.max(1, ns);
  // A block that goes on where the last one ended costs its transfer alone.
  const transfer = requests.find(({ fresh }) => !fresh)?.ns ?? 0;
  let time = 0;
  let y = requests[0] ? yOf(bands, requests[0].lba) : 0;
  return requests.map(({ lba, ns: cost, fresh }) => {
    const x0 = time * scale;
    time += cost;
    const x2 = time * scale;
    const leg = { x0, y0: y, x1: fresh ? Math.max(x0, x2 - transfer * scale) : x0, y1: 0, x2 };
    leg.y1 = yOf(bands, lba);
    y = yOf(bands, lba + 1);
    return leg;
  });
}

/** Index of the request whose square is nearest to a place, -1 when none is within `reach`. */
export function nearest(legs: readonly Leg[], x: number, y: number, reach = 12): number {
  let best = -1;
  let least = reach * reach;
  legs.forEach(({ x2, y1 }, i) => {
    const d = (x2 - x) ** 2 + (y1 - y) ** 2;
    if (d <= least) {
      least = d;
      best = i;
    }
  });
  return best;
}
