// The disk as a strip: files where they lie, the head, the last transfer. All in percent.
import type { DiskView } from "../../machine/types.ts";

export interface DiskStrip {
  extents: { x: number; width: number; name: string }[];
  last: { x: number; width: number } | null;
  chosen: number[];
  /** Names of the largest files; `x` is the middle of the text. */
  labels: { x: number; text: string }[];
  head: number;
}

/** Room that one letter of a label takes on a narrow screen. */
const LETTER = 2.4;

/**
 * Lays the disk out from 0 to 100.
 *
 * @param lbas blocks somebody points at.
 */
export function diskStrip(disk: DiskView, lbas: Set<number>): DiskStrip {
  const scale = 100 / Math.max(1, disk.lbas);
  const at = (lba: number) => Math.round(lba * scale * 100) / 100;
  const wide = (blocks: number) => Math.max(0.6, at(blocks));
  const extents = disk.extents.map((e) => ({ x: at(e.lba), width: wide(e.blocks), name: e.name }));
  // Names go under the largest extents, where they do not meet.
  const labels: DiskStrip["labels"] = [];
  const taken: [number, number][] = [];
  for (const extent of extents.toSorted((a, b) => b.width - a.width)) {
    const half = (extent.name.length * LETTER) / 2;
    const middle = Math.min(Math.max(half, extent.x + extent.width / 2), 100 - half);
    const meets = taken.some(([a, b]) => middle - half < b && middle + half > a);
    if (meets || middle < half || labels.some((label) => label.text === extent.name)) continue;
    taken.push([middle - half, middle + half]);
    labels.push({ x: middle, text: extent.name });
  }
  return {
    extents,
    last: disk.lastNr > 0 ? { x: at(disk.lastLba), width: wide(disk.lastNr) } : null,
    chosen: [...lbas].map(at),
    labels,
    head: at(disk.head),
  };
}
