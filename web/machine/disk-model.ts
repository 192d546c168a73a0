// What a request costs the simulated disk, outside the core: for the question "and if the same
// blocks had been read in another order?". The rules and the figures are those of hw/disk.ts and
// hw/clock.ts; a test holds them to every request of a run.
import type { Era } from "../../assembly/abi.ts";

/** Prices of one era, nanoseconds. */
export interface DiskCosts {
  command: number;
  /** Mean of all distances; 0: nothing moves. */
  seek: number;
  /** To the next track, and with it the least that a movement costs. */
  track: number;
  halfTurn: number;
  transfer: number;
}

const US = 1000;

const costs = (
  seek: number,
  track: number,
  halfTurn: number,
  transfer: number,
  command: number,
): DiskCosts => ({ seek, track, halfTurn, transfer, command });

export const DISK_COSTS: Record<keyof typeof Era, DiskCosts> = {
  laptop2004: costs(12500 * US, 2000 * US, 7100 * US, 136 * US, 200 * US),
  desktop2004: costs(8500 * US, 1000 * US, 4160 * US, 71 * US, 150 * US),
  server2007: costs(8000 * US, 800 * US, 4160 * US, 55 * US, 100 * US),
  desktop2008: costs(8500 * US, 900 * US, 4160 * US, 43 * US, 100 * US),
  ssd2008: costs(0, 0, 0, 16 * US, 69 * US),
  nvme2020: costs(0, 0, 0, 1200, 41 * US),
};

/** One served block. */
export interface Served<T> {
  request: T;
  /** Blocks the head moved. */
  distance: number;
  /** It does not begin where the last one ended: a request of its own, with its seek. */
  fresh: boolean;
  ns: number;
}

/**
 * What one block costs.
 *
 * @param distance blocks from the head to it
 * @param fresh false where the transfer before it goes on
 * @param lbas size of the disk
 * @param above it lies above the head: where that is sooner, the blocks between pass below it
 * @returns nanoseconds, as hw/disk.ts computes them (seek_ps: the time grows with the root of the
 *   distance, and 15/8 makes the mean over a disk come true)
 */
export function blockNs(
  c: DiskCosts,
  distance: number,
  fresh: boolean,
  lbas: number,
  above: boolean,
): number {
  if (!fresh) return c.transfer;
  const share = Math.sqrt(distance / lbas) * 1.875;
  // The core counts whole picoseconds.
  const far = Math.floor((c.seek - c.track) * 1000 * share) / 1000;
  const move = c.seek === 0 ? 0 : c.track + far;
  const moved = move + c.halfTurn;
  return c.transfer + c.command + (above ? Math.min(moved, distance * c.transfer) : moved);
}

/**
 * Serves batches of requests, each batch in one upward sweep from where the head stands, then
 * from its lowest block again (C-LOOK).
 *
 * @param head where the head stands before
 * @param begun false: nothing has been transferred yet, so the first block is a request of its own
 */
export function sweep<T extends { lba: number }>(
  c: DiskCosts,
  lbas: number,
  batches: readonly (readonly T[])[],
  head: number,
  begun: boolean,
): Served<T>[] {
  const served: Served<T>[] = [];
  let at = head;
  let going = begun;
  for (const batch of batches) {
    const from = at;
    const above = batch.filter(({ lba }) => lba >= from);
    const below = batch.filter(({ lba }) => lba < from);
    const upward = (a: T, b: T) => a.lba - b.lba;
    for (const request of [...above.sort(upward), ...below.sort(upward)]) {
      const distance = Math.abs(request.lba - at);
      const fresh = distance !== 0 || !going;
      const ns = blockNs(c, distance, fresh, lbas, request.lba >= at);
      served.push({ request, distance, fresh, ns });
      at = request.lba + 1;
      going = true;
    }
  }
  return served;
}
