// V5: how far a stack may grow, and what keeps clear of one. A stack grows down to what is touched
// below it, but not past RLIMIT_STACK, and not into the guard gap above the area before it; mmap and
// brk leave the gap free. MAP_FIXED may fill it, and so may an area that grows where it is.
import type { Area, Space } from "./random-model.ts";

/** All in pages. */
export interface StackLimits {
  gap: number;
  rlimit: number;
  lowest: number;
}

const hex = (page: number) => `page 0x${page.toString(16)}`;

/** The last area that ends at or below `page`. */
function before(space: Space, page: number): Area | undefined {
  return space.areas.findLast((area) => area.end <= page);
}

/** The area that would grow if `page`, which is in none, were touched. */
export function stackAbove(space: Space, page: number): Area | undefined {
  const area = space.areas.find(({ end }) => end > page);
  return area?.grows && area.start > page ? area : undefined;
}

/** Where the growing areas end that follow each other from `area` on. */
function joinedEnd(space: Space, area: Area): number {
  let { end } = area;
  for (const next of space.areas) if (next.grows && next.start === end) end = next.end;
  return end;
}

/** What forbids a stack that ends at `end` to begin at `start`; undefined: nothing does. */
export function forbids(
  space: Space,
  start: number,
  end: number,
  { gap, rlimit, lowest }: StackLimits,
): string | undefined {
  if (start < lowest) return "mmap_min_addr";
  if (end - start > rlimit) return `RLIMIT_STACK of ${rlimit} pages`;
  const prev = before(space, start);
  if (!prev || prev.grows || prev.prot === 0) return undefined;
  return start - prev.end < gap ? `the guard gap of ${gap} pages` : undefined;
}

/** Must the touch of `page` have made a stack grow? Far ones may not be promised the memory. */
export function mustGrow(space: Space, page: number, limits: StackLimits): boolean {
  const area = stackAbove(space, page);
  if (!area || area.start - page > 8) return false;
  return forbids(space, page, joinedEnd(space, area), limits) === undefined;
}

/**
 * A new area ends at `end`, at a place that the kernel chose.
 *
 * @param spare pages that must be free besides the gap
 * @returns what is wrong about it
 */
export function inGuardGap(
  space: Space,
  end: number,
  { gap }: StackLimits,
  spare = 0,
): string | undefined {
  const next = space.areas.find((area) => area.start >= end);
  if (!next?.grows || next.start - end >= gap + spare) return undefined;
  return `V5: the kernel put something up to ${hex(end)}, a stack begins at ${hex(next.start)}`;
}
