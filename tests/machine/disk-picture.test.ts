import { describe, expect, it } from "vitest";
import { Batch, DISK_COSTS, sweep } from "../../web/machine/disk-model.ts";
import { diskPicture } from "../../web/machine/pictures/disk.ts";
import type { DiskRequest } from "../../web/machine/types.ts";
import { snapshot } from "../../web/machine/snapshot.ts";
import { start } from "./programs.ts";

const SETTINGS = ["ram=16", "vm.read_ahead_kb=0", "vm.fault_around_bytes=4096"];
const ERAS = Object.keys(DISK_COSTS) as (keyof typeof DISK_COSTS)[];

describe("the disk's picture", () => {
  /** Blocks asked for together: by one fault, or one at a time. */
  function batchesOf(requests: readonly DiskRequest[], oneByOne: boolean): DiskRequest[][] {
    const batches: DiskRequest[][] = [];
    for (const request of requests) {
      const last = batches.at(-1);
      if (!oneByOne && last?.[0]?.fault === request.fault) last.push(request);
      else batches.push([request]);
    }
    return batches;
  }

  it.each(ERAS)("prices every request of a run as the disk of %s did", async (era) => {
    for (const layout of ["linked", "copied"]) {
      for (const settings of [["ram=16"], SETTINGS]) {
        const machine = await start("cow", [], {
          settings: [...settings, `era=${era}`, `layout=${layout}`],
        });
        await machine.run();
        const { happened, lbas } = diskPicture(machine);
        expect(happened.requests.length).toBeGreaterThan(3);
        let head = 0;
        for (const batch of batchesOf(happened.requests, settings === SETTINGS)) {
          const price = new Batch(DISK_COSTS[era], lbas);
          for (const { lba, distance, fresh, ns } of batch) {
            expect(ns).toBeCloseTo(price.next(distance, fresh, lba >= head), 4);
            head = lba + 1;
          }
        }
      }
    }
  });

  it("lets blocks of the same track pass below the head rather than seek beyond them", () => {
    const costs = DISK_COSTS.desktop2004;
    const { command, transfer, track, halfTurn } = costs;
    const ns = (distance: number, above: boolean) =>
      new Batch(costs, 1e7).next(distance, true, above);
    expect(ns(3, true)).toBe(command + 3 * transfer + transfer);
    // Backwards, or far away, the arm moves and half a turn is lost.
    expect(ns(3, false)).toBeGreaterThan(track + halfTurn);
    expect(ns(1000, true)).toBe(ns(1000, false));
  });

  it("has as many blocks and seeks as the disk counted, wherever in the run it is asked", async () => {
    const machine = await start("cow", [], { settings: SETTINGS });
    await machine.run();
    const { disk } = snapshot(machine);
    const whole = diskPicture(machine);
    expect(whole.happened.requests.length).toBe(disk.pages + disk.pagesWritten);
    expect(whole.happened.seeks).toBe(disk.seeks);
    expect(whole.before).toBe(0);
    await machine.seek({ instret: 0, mark: 0 });
    expect(diskPicture(machine)).toEqual(whole);
  });

  it("tells the page of the file, and the fault that waited for it", async () => {
    const machine = await start("hello", [], { settings: SETTINGS });
    await machine.run();
    const { happened, names } = diskPicture(machine);
    const pages = happened.requests.map(({ ino, page }) => `${names[ino]} ${page}`);
    expect(pages).toEqual(["/hello 0", "/hello 1", "/hello 2"]);
    const waited = happened.requests.map(({ fault }) => machine.history.fault(fault)?.blocks ?? 0);
    // The kernel reads the ELF header by itself; the other pages are faults'.
    expect(waited).toEqual([0, 1, 1]);
  });
});

describe("the same blocks in offset order", () => {
  it("are read once each, in ascending offset where the file lies in one piece", async () => {
    const machine = await start("cow", [], { settings: [...SETTINGS, "layout=copied"] });
    await machine.run();
    const { happened, ordered } = diskPicture(machine);
    const pages = ordered.requests.map(({ page }) => page);
    expect(pages).toEqual(
      [...new Set(happened.requests.map(({ page }) => page))].sort((a, b) => a - b),
    );
    expect(ordered.seeks).toBeLessThanOrEqual(happened.seeks);
    expect(ordered.ns).toBeLessThanOrEqual(happened.ns);
  });

  it("overlap their commands on flash, a channel each, and come one after the other", () => {
    const costs = DISK_COSTS.ssd2008;
    const far = Array.from({ length: 12 }, (_, i) => ({ lba: 100 * i }));
    const ns = sweep(costs, 10_000, [far], 0, false).map((one) => one.ns);
    expect(ns[0]).toBe(costs.command + costs.transfer);
    // Ten channels have begun at once, so nine pages come without another wait.
    expect(ns.slice(1, 10)).toEqual(Array.from({ length: 9 }, () => costs.transfer));
    expect(ns.reduce((a, b) => a + b)).toBeLessThan(3 * costs.command + 12 * costs.transfer);
  });

  it("go upward from the head and then from the lowest block, batch by batch", () => {
    const costs = DISK_COSTS.desktop2004;
    const lbas = [50, 7, 51, 300, 2];
    const batch = lbas.map((lba) => ({ lba }));
    const served = sweep(costs, 1000, [batch, [{ lba: 3 }]], 40, true);
    expect(served.map(({ request }) => request.lba)).toEqual([50, 51, 300, 2, 7, 3]);
    expect(served.map(({ fresh }) => fresh)).toEqual([true, false, true, true, true, true]);
    expect(served.map(({ distance }) => distance)).toEqual([10, 0, 248, 299, 4, 5]);
  });
});
