// The bench of the trace simulator: ten million references with Zipf's law, played by our core, by a
// plain Map in TypeScript, and by the lists of OSTEP's paging-policy.py, in turn, in one sitting. All
// must count the same faults.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { policyNamed } from "../../web/machine/policies.ts";
import { Simulator } from "../../web/machine/sim/simulator.ts";

const REFERENCES = 10_000_000;
const PAGES = 65_536;
const SKEW = 0.9;
const FRAMES = [655, 6553, 26214];
/** The lists are searched from end to end: more than these would take minutes. */
const OSTEP_REFERENCES = 100_000;
const POLICIES = ["fifo", "clock", "lru"] as const;
type Name = (typeof POLICIES)[number];

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Page numbers by Zipf's law: the k-th most popular has a share of k^-SKEW; seeded. */
function zipf(): Uint32Array {
  const sums = new Float64Array(PAGES);
  let sum = 0;
  for (let k = 0; k < PAGES; k++) {
    sum += (k + 1) ** -SKEW;
    sums[k] = sum;
  }
  let state = 1;
  const random = () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Uint32Array.from({ length: REFERENCES }, () => {
    const wanted = random() * sum;
    let low = 0;
    let high = PAGES - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    // Scattered over an address space, as a program's pages are.
    return Math.imul(low + 1, 0x9e3779b1) >>> 4;
  });
}

/** LRU as JavaScript has it: a Map remembers the order of insertion. => faults */
function mapLru(trace: Uint32Array, frames: number): number {
  const memory = new Map<number, true>();
  let faults = 0;
  for (const page of trace) {
    if (memory.delete(page)) {
      memory.set(page, true);
      continue;
    }
    faults++;
    if (memory.size === frames) memory.delete(memory.keys().next().value as number);
    memory.set(page, true);
  }
  return faults;
}

/**
 * paging-policy.py's way: memory is a list that is searched for each reference; CLOCK draws pages at
 * random against use counts. => faults
 */
function ostep(trace: Uint32Array, frames: number, policy: Name): number {
  const memory: number[] = [];
  const uses = new Map<number, number>();
  let faults = 0;
  for (const page of trace) {
    const at = memory.indexOf(page);
    if (at >= 0) {
      if (policy === "lru") {
        memory.splice(at, 1);
        memory.push(page);
      }
    } else {
      faults++;
      if (memory.length === frames) {
        if (policy === "clock") {
          for (;;) {
            const i = Math.floor(Math.random() * frames);
            const candidate = memory[i] as number;
            const count = uses.get(candidate) as number;
            if (count === 0) {
              memory.splice(i, 1);
              uses.delete(candidate);
              break;
            }
            uses.set(candidate, count - 1);
          }
        } else memory.shift();
      }
      memory.push(page);
    }
    if (policy === "clock") uses.set(page, Math.min((uses.get(page) ?? 0) + 1, 2));
  }
  return faults;
}

/** Milliseconds, and what the work gave. */
function timed<T>(work: () => T): { ms: number; value: T } {
  const began = performance.now();
  const value = work();
  return { ms: performance.now() - began, value };
}

function same(what: string, ours: number, theirs: number): void {
  if (ours !== theirs) throw new Error(`${what}: we count ${ours} faults, not ${theirs}`);
}

/** Prints references per second and ratios. */
export function benchPolicies(root: string, rounds: number): void {
  const trace = zipf();
  const words = new Uint32Array(2 * trace.length);
  for (const [i, page] of trace.entries()) {
    words[2 * i] = page << 1;
    words[2 * i + 1] = page >>> 31;
  }
  const module = new WebAssembly.Module(readFileSync(join(root, "build/sim.wasm")));
  const whole = new Simulator(module);
  const loads: number[] = [];
  for (let round = 0; round < rounds; round++) {
    whole.clear();
    loads.push(timed(() => whole.add(words, trace.length)).ms);
  }
  const part = new Simulator(module);
  part.add(words, OSTEP_REFERENCES);
  const start = trace.subarray(0, OSTEP_REFERENCES);
  const rate = (references: number, ms: number) => references / ms / 1000;
  const load = rate(REFERENCES, median(loads));
  console.log(
    `\npolicies   10 million references, Zipf ${SKEW} over 65,536 pages; millions of references` +
      `\n           a second (${load.toFixed(0)} to name the pages, once for all runs of a trace)\n`,
  );
  console.log("policy   frames   ours   with naming    Map   ratio   OSTEP lists    ratio");
  for (const frames of FRAMES) {
    for (const name of POLICIES) {
      const policy = policyNamed(name)?.number ?? 0;
      const times = { ours: [] as number[], map: [] as number[], ostep: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        const run = timed(() => whole.run({ policy, frames }));
        times.ours.push(run.ms);
        if (name === "lru") {
          const map = timed(() => mapLru(trace, frames));
          same(`LRU, ${frames} frames`, run.value.faults, map.value);
          times.map.push(map.ms);
        }
        const lists = timed(() => ostep(start, frames, name));
        times.ostep.push(lists.ms);
        // Its CLOCK is not the textbook's (its author says so): other faults.
        if (name === "clock") continue;
        same(`${name}, ${frames} frames`, part.run({ policy, frames }).faults, lists.value);
      }
      const ours = rate(REFERENCES, median(times.ours));
      const named = rate(REFERENCES, median(times.ours) + median(loads));
      const map = name === "lru" ? rate(REFERENCES, median(times.map)) : null;
      const lists = rate(OSTEP_REFERENCES, median(times.ostep));
      const cells = [
        name.padEnd(6),
        String(frames).padStart(8),
        ours.toFixed(0).padStart(6),
        named.toFixed(0).padStart(13),
        (map?.toFixed(1) ?? "-").padStart(6),
        (map ? `${(ours / map).toFixed(1)}x` : "-").padStart(7),
        lists.toFixed(2).padStart(13),
        `${(ours / lists).toFixed(0)}x`.padStart(8),
      ];
      console.log(cells.join(" "));
    }
  }
}
