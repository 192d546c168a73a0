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
  /** Requests of a batch that it works on at the same time; 1 with an arm. */
  channels: number;
}

const US = 1000;

const costs = (
  seek: number,
  track: number,
  halfTurn: number,
  transfer: number,
  command: number,
  channels = 1,
): DiskCosts => ({ seek, track, halfTurn, transfer, command, channels });

export const DISK_COSTS: Record<keyof typeof Era, DiskCosts> = {
  laptop2004: costs(12500 * US, 2000 * US, 7100 * US, 136 * US, 200 * US),
  desktop2004: costs(8500 * US, 1000 * US, 4160 * US, 71 * US, 150 * US),
  server2007: costs(8000 * US, 800 * US, 4160 * US, 55 * US, 100 * US),
  desktop2008: costs(8500 * US, 900 * US, 4160 * US, 43 * US, 100 * US),
  ssd2008: costs(0, 0, 0, 16 * US, 69 * US, 10),
  nvme2020: costs(0, 0, 0, 1200, 41 * US, 32),
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
 * Prices the blocks of one batch, in the order in which they are served, as hw/disk.ts does
 * (arm_ps, flash_ps). With an arm a block costs the same whatever batch it is in.
 */
export class Batch {
  readonly #costs: DiskCosts;
  readonly #lbas: number;
  /** Of flash: when the last page came; the channel at work; when each is idle again. */
  #done = 0;
  #channel = -1;
  readonly #idle: number[];

  /** @param lbas size of the disk */
  constructor(costs: DiskCosts, lbas: number) {
    this.#costs = costs;
    this.#lbas = lbas;
    this.#idle = Array.from({ length: costs.channels }, () => 0);
  }

  /**
   * The next block.
   *
   * @param distance blocks from the head to it
   * @param fresh false where it goes on from the block before
   * @param above it lies above the head: where that is sooner, the blocks between pass below it
   * @returns nanoseconds from the end of the block before it
   */
  next(distance: number, fresh: boolean, above: boolean): number {
    return this.#costs.channels > 1 ? this.#flash(fresh) : this.#arm(distance, fresh, above);
  }

  /** The time of a seek grows with the root of the distance; 15/8 makes the mean come true. */
  #arm(distance: number, fresh: boolean, above: boolean): number {
    const { transfer, command, seek, track, halfTurn } = this.#costs;
    if (!fresh) return transfer;
    const share = Math.sqrt(distance / this.#lbas) * 1.875;
    // The core counts whole picoseconds.
    const far = Math.floor((seek - track) * 1000 * share) / 1000;
    const moved = track + far + halfTurn;
    return transfer + command + (above ? Math.min(moved, distance * transfer) : moved);
  }

  /** Commands overlap, one a channel; the pages come one after the other. */
  #flash(fresh: boolean): number {
    const { transfer, command } = this.#costs;
    const before = this.#done;
    let begin = before;
    if (fresh || this.#channel < 0) {
      this.#channel = this.#idle.indexOf(Math.min(...this.#idle));
      begin = Math.max(begin, (this.#idle[this.#channel] as number) + command);
    }
    this.#done = begin + transfer;
    this.#idle[this.#channel] = this.#done;
    return this.#done - before;
  }
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
    const price = new Batch(c, lbas);
    const above = batch.filter(({ lba }) => lba >= from);
    const below = batch.filter(({ lba }) => lba < from);
    const upward = (a: T, b: T) => a.lba - b.lba;
    for (const request of [...above.sort(upward), ...below.sort(upward)]) {
      const distance = Math.abs(request.lba - at);
      const fresh = distance !== 0 || !going;
      const ns = price.next(distance, fresh, request.lba >= at);
      served.push({ request, distance, fresh, ns });
      at = request.lba + 1;
      going = true;
    }
  }
  return served;
}
