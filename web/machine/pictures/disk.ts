// The head's way over the disk: every block the disk gave or took, in the order it happened, and
// the same blocks in the order of their offsets.
import { Conf, DISK_QUEUE_NR, Ev, SB_LBAS, RAM_BASE, PAGE_SIZE } from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { DISK_COSTS, sweep } from "../disk-model.ts";
import type { Machine } from "../machine.ts";
import { namer } from "../snapshot.ts";
import type { DiskPicture, DiskRequest, DiskTour } from "../types.ts";
import * as views from "../views.ts";

/** Requests that go to the page: more cannot be told apart there. */
const MAX_REQUESTS = 4000;

const LOW = 0xffffffffn;

interface Lies {
  ino: number;
  page: number;
  lba: number;
  blocks: number;
}

/** Which page of which file lies at each block, by the extents as they are now. */
class Ground {
  readonly #extents: Lies[] = [];

  constructor(core: Core) {
    // Inode numbers are small and dense: as many as mkfs made, and those made since.
    for (let ino = 1, missing = 0; missing < 4096; ino++) {
      const file = views.diskFile(core, ino);
      missing = file ? 0 : missing + 1;
      for (const { page, lba, blocks } of file?.extents ?? []) {
        this.#extents.push({ ino, page, lba, blocks });
      }
    }
    this.#extents.sort((a, b) => a.lba - b.lba);
  }

  at(lba: number): { ino: number; page: number } {
    let low = 0;
    let high = this.#extents.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const extent = this.#extents[middle] as Lies;
      const { ino, page, lba: start, blocks } = extent;
      if (lba < start) high = middle - 1;
      else if (lba >= start + blocks) low = middle + 1;
      else return { ino, page: page + lba - start };
    }
    return { ino: 0, page: 0 };
  }
}

/** Faults that are over, by the numbers of their first and last event, in order. */
function* faultSpans(machine: Machine): Generator<{ n: number; from: number; to: number }> {
  for (let n = 0; n < machine.history.faultCount; n++) {
    const fault = machine.history.fault(n);
    if (fault && fault.endSeq !== 0) yield { n, from: fault.seq, to: fault.endSeq };
  }
}

function tour(requests: DiskRequest[]): DiskTour {
  const sum = (of: (r: DiskRequest) => number) => requests.reduce((n, r) => n + of(r), 0);
  return {
    requests,
    ns: sum(({ ns }) => ns),
    seeks: sum(({ fresh }) => Number(fresh)),
    travelled: sum(({ distance }) => distance),
  };
}

/** Every block of the log, oldest first, and how many before them the log has not kept. */
function requestsOf(machine: Machine): { requests: DiskRequest[]; before: number } {
  const { history, core, logSeq } = machine;
  const events = history
    .events(0, history.seen)
    .filter(({ kind }) => kind === Ev.DiskRead || kind === Ev.DiskWrite);
  const { pages, pagesWritten } = views.disk(core);
  const before = pages + pagesWritten - events.filter(({ seq }) => seq < logSeq).length;
  const ground = new Ground(core);
  const spans = faultSpans(machine);
  let span = spans.next();
  const requests = events.map(({ seq, kind, a, b, c }, i): DiskRequest => {
    while (!span.done && span.value.to < seq) span = spans.next();
    const lba = Number(a & LOW);
    const distance = Number(b);
    return {
      lba,
      distance,
      // hw/disk.ts: a block is a request of its own where the head had to move, or was the first.
      fresh: distance !== 0 || (i === 0 && before === 0),
      ns: Number(c) / 1000,
      write: kind === Ev.DiskWrite,
      ...ground.at(lba),
      fault: !span.done && span.value.from < seq ? span.value.n : -1,
    };
  });
  return { requests, before };
}

/** The blocks that were read, each once, in batches as a prefetch by offset would queue them. */
function batches(requests: readonly DiskRequest[]): DiskRequest[][] {
  const files = new Map<number, Map<number, DiskRequest>>();
  for (const request of requests) {
    if (request.write) continue;
    let blocks = files.get(request.ino);
    if (!blocks) {
      blocks = new Map();
      files.set(request.ino, blocks);
    }
    if (!blocks.has(request.lba)) blocks.set(request.lba, request);
  }
  const found: DiskRequest[][] = [];
  for (const blocks of files.values()) {
    const sorted = [...blocks.values()].sort((a, b) => a.page - b.page);
    for (let i = 0; i < sorted.length; i += DISK_QUEUE_NR) {
      found.push(sorted.slice(i, i + DISK_QUEUE_NR));
    }
  }
  return found;
}

/** What was made of which events: the log only changes at its end. */
const MADE = new WeakMap<Machine, { seen: number; picture: DiskPicture }>();

/**
 * The whole known run's requests; Snapshot.disk's `pages` and `pagesWritten` together count those
 * that had been served at a position.
 */
export function diskPicture(machine: Machine): DiskPicture {
  const known = MADE.get(machine);
  if (known?.seen === machine.history.seen) return known.picture;
  const { core } = machine;
  const lbas = core.getU32(RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE + SB_LBAS);
  const costs = DISK_COSTS[views.eraName(core) as keyof typeof DISK_COSTS];
  const { requests, before } = requestsOf(machine);
  const kept = requests.slice(0, MAX_REQUESTS);
  const served = sweep(costs, lbas, batches(kept), 0, false);
  const inos = new Set(kept.map(({ ino }) => ino).filter((ino) => ino > 0));
  const { path } = namer(machine);
  const picture: DiskPicture = {
    lbas,
    armless: costs.seek === 0,
    happened: tour(kept),
    ordered: tour(
      served.map(({ request, distance, fresh, ns }) => ({ ...request, distance, fresh, ns })),
    ),
    before,
    after: requests.length - kept.length,
    names: Object.fromEntries([...inos].map((ino) => [ino, path(ino)])),
  };
  MADE.set(machine, { seen: machine.history.seen, picture });
  return picture;
}
