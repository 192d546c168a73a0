import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAME_META, META_DIRTY, PAGE_SIZE, RAM_BASE, STATE_BASE } from "../../assembly/abi.ts";
import { Checkpoints, type Place } from "../../web/machine/checkpoints.ts";

const FRAMES = 37; // not a multiple of 4
const STATE = 3 * PAGE_SIZE + 100;

/** A deterministic machine: step n changes a few words of state and RAM that depend on n alone. */
class Toy {
  readonly bytes = new Uint8Array(RAM_BASE + FRAMES * PAGE_SIZE);
  readonly #words = new Uint32Array(this.bytes.buffer);
  instret = 0;

  checkpoint(): void {
    this.bytes.fill(0, FRAME_META, FRAME_META + FRAMES);
  }
  restored(): void {
    this.instret = this.#words[STATE_BASE >> 2] as number;
  }
  step(): void {
    const n = ++this.instret;
    this.#words[STATE_BASE >> 2] = n;
    this.#state(100 + ((n * 7) % 1900), n);
    // A page that is again and again what it was.
    this.#state(2 * 1024 + 100, (n >> 2) & 1);
    // Frames are written, some back to what they held a while ago, some to zeros.
    this.#ram((n * 13) % FRAMES, (n * 31) % 1024, n % 5);
    if (n % 11 === 0) this.#ram(n % 3, 5, (n / 11) % 2);
  }
  #state(word: number, value: number): void {
    this.#words[(STATE_BASE >> 2) + word] = value;
  }
  #ram(pfn: number, word: number, value: number): void {
    this.#words[((RAM_BASE + pfn * PAGE_SIZE) >> 2) + word] = value;
    this.bytes[FRAME_META + pfn] = (this.bytes[FRAME_META + pfn] as number) | META_DIRTY;
  }
  run(to: number): void {
    while (this.instret < to) this.step();
  }
  /** All that a checkpoint must bring back. */
  memory(): string {
    const state = this.bytes.slice(STATE_BASE, STATE_BASE + STATE);
    return Buffer.concat([state, this.bytes.slice(RAM_BASE)]).toString("latin1");
  }
}

const at = (instret: number, mark = 0, pending = false): Place => ({ instret, mark, pending });

function machine(options = {}) {
  const toy = new Toy();
  const checkpoints = new Checkpoints(toy, { frames: FRAMES, stateSize: STATE, ...options });
  checkpoints.take(at(0), 0);
  /** Memory by position, from a run that never went back. */
  const truth = (() => {
    const fresh = new Toy();
    const seen = [fresh.memory()];
    return (n: number) => {
      while (seen.length <= n) {
        fresh.step();
        seen.push(fresh.memory());
      }
      return seen[n];
    };
  })();
  return { toy, checkpoints, truth };
}

type Op = { op: "seek" | "forget" | "run"; n: number; take: boolean };
const operation: fc.Arbitrary<Op> = fc.record({
  op: fc.constantFrom("seek" as const, "seek" as const, "run" as const, "forget" as const),
  n: fc.nat(60),
  take: fc.boolean(),
});

describe("whatever was taken, thinned, restored and run in between", () => {
  test.each([
    ["without limits", {}],
    ["with room for seven checkpoints", { maxCount: 7 }],
    ["with room for hardly any page", { maxBytes: 40 * PAGE_SIZE }],
  ])("memory is what a fresh run has there, %s", (_, options) => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 5, maxLength: 60 }), (operations) => {
        const { toy, checkpoints, truth } = machine(options);
        for (const { op, n, take } of operations) {
          if (op === "forget") {
            const one = checkpoints.list[n % checkpoints.list.length];
            if (one) checkpoints.remove(one);
          } else if (op === "run") toy.run(toy.instret + (n % 9));
          else {
            const nearest = checkpoints.before(at(n));
            if (nearest && !(toy.instret <= n && nearest.instret <= toy.instret)) {
              checkpoints.restore(nearest);
              expect(toy.memory() === truth(nearest.instret)).toBe(true);
            }
            toy.run(n);
          }
          if (take) checkpoints.take(at(toy.instret), toy.instret);
          expect(toy.memory() === truth(toy.instret)).toBe(true);
        }
        for (const one of [...checkpoints.list].reverse()) {
          checkpoints.restore(one);
          expect(toy.memory() === truth(one.instret)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("the nearest checkpoint before a position never lies behind it", () => {
  const { toy, checkpoints } = machine();
  toy.run(5);
  checkpoints.take(at(5, 3, true), 5);
  expect(checkpoints.before(at(5, 2))?.instret).toBe(0);
  expect(checkpoints.before(at(5, 3))?.instret).toBe(0);
  expect(checkpoints.before(at(5, 4))?.instret).toBe(5);
});

test("pages that did not change are shared, not copied", () => {
  const { toy, checkpoints } = machine();
  const before = checkpoints.bytes;
  toy.run(1);
  checkpoints.take(at(1), 1);
  const [a, b] = checkpoints.list;
  expect(a?.state.filter((page, i) => page === b?.state[i]).length).toBeGreaterThan(0);
  expect(checkpoints.bytes - before).toBeLessThan(5 * PAGE_SIZE);
});

test("limits hold, and what is left gets sparser into the past", () => {
  const { toy, checkpoints } = machine({ maxCount: 20 });
  for (let n = 1; n <= 4000; n++) {
    toy.run(n);
    checkpoints.take(at(n), n);
  }
  const gaps = checkpoints.list
    .slice(1)
    .map((one, i) => one.work - (checkpoints.list[i]?.work ?? 0));
  expect(checkpoints.list.length).toBe(20);
  expect(gaps[gaps.length - 1]).toBeLessThan(100);
  expect(Math.max(...gaps.slice(0, 8))).toBeGreaterThan(400);
});

test("all memory is given back when all checkpoints but the first are forgotten", () => {
  const { toy, checkpoints } = machine();
  const before = checkpoints.bytes;
  for (let n = 1; n <= 40; n++) {
    toy.run(n);
    checkpoints.take(at(n), n);
  }
  checkpoints.restore(checkpoints.list[0] as (typeof checkpoints.list)[0]);
  for (const one of checkpoints.list.slice(1)) checkpoints.remove(one);
  expect(checkpoints.bytes).toBe(before);
});
