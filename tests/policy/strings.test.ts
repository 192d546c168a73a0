import { describe, expect, test } from "vitest";
import { POLICIES } from "../../web/machine/policies.ts";
import { restate } from "./restated.ts";
import { outcome, play, references, simulatorOf } from "./simulate.ts";
import { NR_PUBLISHED, PUBLISHED, PUBLISHED_PAGES } from "./strings.ts";

const SETTINGS = { tick: 4, tau: 8, bits: 2, seed: 1 };

describe("published strings have the faults that their authors count", () => {
  for (const { source, pages, counts } of PUBLISHED) {
    test.each(counts)(`%s with %i frames takes %i (${source})`, (policy, frames, faults) => {
      expect(play(simulatorOf(references(pages)), policy, frames).faults).toBe(faults);
    });
  }
});

describe("published examples end with the pages in memory that their authors show", () => {
  test.each(PUBLISHED_PAGES)("$policy with $frames frames ($source)", (example) => {
    const { resident } = outcome(references(example.pages), example.policy, example.frames);
    expect(resident).toEqual(example.resident);
  });
});

describe("what has been published, a policy", () => {
  const strings: Record<string, Set<string>> = {};
  const add = (policy: string, pages: string) => {
    strings[policy] ??= new Set();
    strings[policy].add(pages);
  };
  for (const { counts, pages, unopened = [] } of PUBLISHED) {
    for (const [policy] of counts) if (!unopened.includes(policy)) add(policy, pages);
  }
  for (const { policy, pages } of PUBLISHED_PAGES) add(policy, pages);

  test("is as many different strings as strings.ts says", () => {
    const sizes = Object.entries(strings).map(([policy, { size }]) => [policy, size]);
    expect(Object.fromEntries(sizes)).toEqual(NR_PUBLISHED);
  });

  test.each(["fifo", "lru", "opt", "clock"])("%s: ten strings and more", (policy) => {
    expect(strings[policy]?.size).toBeGreaterThanOrEqual(10);
  });
});

describe("published strings under every policy, as its description restated", () => {
  const short = PUBLISHED.filter(({ pages }) => pages.length < 300);

  test("there are ten and more of them", () => {
    expect(short.length).toBeGreaterThanOrEqual(10);
  });

  test.each(POLICIES.map(({ name }) => name))("%s, with one to seven frames", (name) => {
    for (const { pages } of short) {
      const string = references(pages);
      for (let frames = 1; frames <= 7; frames++) {
        const expected = restate(name, string, frames, SETTINGS);
        const { faults } = outcome(string, name, frames, SETTINGS);
        expect(faults, `${pages}, ${frames} frames`).toBe(expected.faults);
      }
    }
  });
});

/**
 * Worked by hand from each policy's description: the string ("*" is a write), the frames, the
 * settings, and the pages in memory at the end. The steps are in the comments.
 */
const BY_HAND = [
  // Memory fills with 1 2 3, all used. 4: the hand clears 1 2 3 and is at 1 again: 1 goes. 2 is used.
  // 5: the hand spares 2, clearing it, and takes 3.
  ["clock", "1 2 3 4 2 5", 3, {}, [2, 4, 5], 5],
  // Counts 1:3 2:1 3:1. 4: the hand takes one off each until 2 is at zero: 2 goes.
  ["nbit-clock", "1 1 1 2 3 4", 3, { bits: 2 }, [1, 3, 4], 4],
  // 4: all are used, so the second round clears them; then 2 is the first that is clean.
  ["enhanced-clock", "1* 2 3* 4", 3, {}, [1, 3, 4], 4],
  // The tick after four references clears all; 1 is used again; of 2 (written) and 3, 3 goes.
  ["nru", "1 2* 3 3 1 4", 3, { tick: 4 }, [1, 2, 4], 4],
  // Ticks after 1 2 3 and after 1 2 1: registers 1: 11, 2: 11, 3: 01: 3 goes.
  ["aging", "1 2 3 1 2 1 4", 3, { tick: 3 }, [1, 2, 4], 4],
  // 1 used three times, 2 twice, 3 once: 3 goes.
  ["lfu", "1 1 2 1 3 2 4", 3, {}, [1, 2, 4], 4],
  // 4 puts out 3, used last; 1 is used; 5 puts out 1.
  ["mru", "1 2 3 4 1 5", 3, {}, [2, 4, 5], 5],
  // A loop of four in three frames: 4 puts out 3, 1 and 2 hit, 3 puts out 2, 4 hits.
  ["mru", "1 2 3 4 1 2 3 4", 3, {}, [1, 3, 4], 5],
  // No tick comes before 4: all are found used, none is written, so the first goes.
  ["ws", "1 2 3 1 1 1 4", 3, { tick: 100, tau: 3 }, [2, 3, 4], 4],
  // Ticks after 3 and 6: 2 and 3 were last seen at 3, 1 at 6. At time 8, 8 - 3 > 4: 2 goes.
  ["ws", "1 2 3 1 1 1 1 1 4", 3, { tick: 3, tau: 4 }, [1, 3, 4], 4],
  // 4 at time 3: all used, stamped 3; clean ones: 1 is the first. 2 is written.
  ["wsclock", "1 2* 3 4", 3, { tau: 2 }, [2, 3, 4], 4],
  // Kin 1, Kout 2. 5: A1in gives 1, and A1out remembers it. 1: A1in gives 2; 1 is known and goes
  // to Am. 6: A1in, with 3 4 5, gives 3.
  ["2q", "1 2 3 4 5 1 6", 4, {}, [1, 4, 5, 6], 7],
  // 1 used twice is in T2; 2 3 4 pass through T1 (c = 3): 4 puts out 2.
  ["arc", "1 1 2 3 4", 3, {}, [1, 3, 4], 4],
  // 1 is visited. 4: the hand clears 1 and takes 2, and stays before 3. 5: takes 3. 6: takes 4, for
  // the hand has not come around to 1.
  ["sieve", "1 2 3 1 4 5 6", 3, {}, [1, 5, 6], 6],
  // S has 1 2 3 (a tenth of 3 is at least 1). 1 was used twice more: 4 sends 1 to M and 2 away.
  ["s3fifo", "1 2 3 1 1 4", 3, {}, [1, 3, 4], 4],
  // 4 puts 1 out of S, into G. 1 comes back: 2 goes, 1 is known and goes to M, where 5 and 6, which
  // put 3 and 4 out of S, leave it alone.
  ["s3fifo", "1 2 3 4 1 5 6", 3, {}, [1, 5, 6], 7],
  // All new pages are youngest; aging at 4 clears them, and 1 is the coldest of the oldest.
  ["mglru", "1 2 3 4", 3, {}, [2, 3, 4], 4],
  // 4: each page was used once, so all go around once and are marked; then 1 goes.
  ["linux", "1 2 3 4", 3, {}, [2, 3, 4], 4],
  // 1 comes back after one eviction (its own): distance 1, no active pages: inactive.
  ["linux", "1 2 3 4 1", 3, {}, [1, 3, 4], 5],
] as const;

describe("short strings worked by hand", () => {
  test.each(BY_HAND)("%s on %s with %i frames", (name, text, frames, settings, pages, faults) => {
    const result = outcome(references(text), name, frames, settings);
    expect(result.resident).toEqual(pages);
    expect(result.faults).toBe(faults);
  });
});
