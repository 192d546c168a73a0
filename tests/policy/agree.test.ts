import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { POLICIES } from "../../web/machine/policies.ts";
import { type Reference, RESTATED, restate } from "./restated.ts";
import { outcome, play, simulatorOf } from "./simulate.ts";

/** Strings of several characters: uniform, a hot set, a loop, and phases of these. */
const page = (limit: number) => fc.nat({ max: limit - 1 });
const phase = fc.oneof(
  fc.array(page(24), { minLength: 1, maxLength: 60 }),
  fc
    .array(fc.tuple(page(4), page(40), fc.boolean()), { minLength: 1, maxLength: 80 })
    .map((list) => list.map(([hot, cold, isHot]) => (isHot ? hot : cold))),
  fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), page(10))
    .map(([length, times, from]) =>
      Array.from({ length: length * times }, (_, i) => from + (i % length)),
    ),
);
const pages = fc.array(phase, { minLength: 1, maxLength: 4 }).map((list) => list.flat());
const string: fc.Arbitrary<Reference[]> = pages.chain((list) =>
  fc
    .array(fc.boolean(), { minLength: list.length, maxLength: list.length })
    .map((writes) => list.map((one, i) => [one, writes[i] as boolean] as const)),
);
const frames = fc.integer({ min: 1, max: 24 });
const settings = fc.record({
  tick: fc.integer({ min: 1, max: 40 }),
  tau: fc.integer({ min: 0, max: 60 }),
  bits: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
});

describe("a policy and its source's description, restated, choose alike on any string", () => {
  test.each(Object.keys(RESTATED))("%s: the same faults, writes and resident pages", (name) => {
    fc.assert(
      fc.property(string, frames, settings, (list, nr, how) => {
        expect(outcome(list, name, nr, how)).toEqual(restate(name, list, nr, how));
      }),
      { numRuns: 150, seed: 3 },
    );
  });

  test("opt: the same faults (which of two pages never used again goes is free)", () => {
    fc.assert(
      fc.property(string, frames, settings, (list, nr, how) => {
        expect(outcome(list, "opt", nr, how).faults).toBe(restate("opt", list, nr, how).faults);
      }),
      { numRuns: 150, seed: 3 },
    );
  });

  test("no policy is left out", () => {
    const names = POLICIES.map(({ name }) => name).filter((name) => name !== "opt");
    expect(Object.keys(RESTATED).sort()).toEqual(names.sort());
  });
});

describe("laws of all policies", () => {
  const names = POLICIES.map(({ name }) => name);

  test.each(names)(
    "%s never has more pages than frames, and never fewer faults than opt",
    (name) => {
      fc.assert(
        fc.property(string, frames, settings, (list, nr, how) => {
          const simulator = simulatorOf(list);
          const least = play(simulator, "opt", nr, how).faults;
          const result = play(simulator, name, nr, how);
          expect(result.faults).toBeGreaterThanOrEqual(least);
          expect(result.faults).toBeGreaterThanOrEqual(simulator.pages);
          expect(result.faults - result.evictions).toBe(Math.min(nr, simulator.pages));
          expect(simulator.resident.length).toBe(Math.min(nr, simulator.pages));
          expect(new Set(simulator.resident).size).toBe(simulator.resident.length);
        }),
        { numRuns: 100, seed: 5 },
      );
    },
  );

  test.each(names)("%s does the same again in the same simulator", (name) => {
    fc.assert(
      fc.property(string, frames, settings, fc.constantFrom(...names), (list, nr, how, other) => {
        const simulator = simulatorOf(list);
        const first = play(simulator, name, nr, how);
        const { resident } = simulator;
        play(simulator, other, nr + 1, how);
        expect(play(simulator, name, nr, how)).toEqual(first);
        expect(simulator.resident).toEqual(resident);
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  test.each(["lru", "opt", "mru", "lfu"])(
    "%s: as many frames as pages fault once a page",
    (name) => {
      fc.assert(
        fc.property(string, (list) => {
          const simulator = simulatorOf(list);
          expect(play(simulator, name, simulator.pages).faults).toBe(simulator.pages);
        }),
        { numRuns: 50, seed: 9 },
      );
    },
  );

  test("LRU is a stack algorithm: what n frames hold, n + 1 hold, at every reference", () => {
    fc.assert(
      fc.property(string, frames, (list, nr) => {
        const simulator = simulatorOf(list);
        const held = (count: number) => {
          const sets: number[][] = [];
          const onReference = () => sets.push(simulator.resident);
          simulator.run({ policy: LRU, frames: count, onReference });
          return sets;
        };
        const more = held(nr + 1);
        for (const [i, fewer] of held(nr).entries()) {
          expect(more[i]).toEqual(expect.arrayContaining(fewer));
        }
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  test("FIFO is none: the same law is refuted by Belady's string", () => {
    const simulator = simulatorOf(BELADY);
    expect(play(simulator, "fifo", 4).faults).toBeGreaterThan(play(simulator, "fifo", 3).faults);
  });

  test("a one-bit counter makes the n-bit clock the clock", () => {
    fc.assert(
      fc.property(string, frames, (list, nr) => {
        expect(outcome(list, "nbit-clock", nr, { bits: 1 })).toEqual(outcome(list, "clock", nr));
      }),
      { numRuns: 100, seed: 13 },
    );
  });
});

const LRU = POLICIES.findIndex(({ name }) => name === "lru");
const BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5].map((one) => [one, false] as const);
