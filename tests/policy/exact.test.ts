// Policies that are defined by every access, in the kernel: the reader is the CPU and touches pages
// of a stack that is larger than memory; a plain model knows every touch, and says of each page that
// goes to swap whether it was the one that had to go.
import { describe, expect, test } from "vitest";
import { Access, Ev, HART_WATCH } from "../../assembly/abi.ts";
import { start } from "../machine/programs.ts";

const TOP = 0x3ffffff;
const PAGES = 400;
const TOUCHES = 4000;

/** Stack pages, some far more often than others; the same in every run. */
function pages(): number[] {
  let seed = 12345;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) / 2 ** 24;
  };
  return Array.from({ length: TOUCHES }, () => TOP - Math.floor(PAGES * random() ** 2));
}

interface Use {
  last: number;
  count: number;
}

/** Runs the touches. @returns how many evictions `wrong` was asked of. */
async function watch(
  policy: string,
  wrong: (resident: Map<number, Use>, page: number) => string | null,
): Promise<number> {
  const machine = await start("hello", [], {
    settings: ["ram=1", "swap=8", `policy=${policy}`, "vm.page-cluster=0"],
    request: { mode: "touch" },
    travel: false,
  });
  await machine.run(0);
  const resident = new Map<number, Use>();
  let asked = 0;
  for (const [time, page] of pages().entries()) {
    const before = machine.logSeq;
    // A page that is only read is the zero page, or leaves without being written.
    await machine.touch(BigInt(page) << 12n, Access.Write);
    for (const { kind, b } of machine.history.events(before, machine.logSeq)) {
      if (kind !== Ev.SwapOut) continue;
      const out = Number(b >> 32n);
      // The strings of execve lie in the top page; it counts from when it was touched.
      if (!resident.has(out)) continue;
      expect(wrong(resident, out), `at touch ${time}`).toBeNull();
      resident.delete(out);
      asked++;
    }
    const use = resident.get(page);
    resident.set(page, { last: time, count: (use?.count ?? 0) + 1 });
  }
  return asked;
}

describe("in the kernel, told of every access, the page that goes is", () => {
  test("under lru the one used longest ago", async () => {
    const asked = await watch("lru", (resident, page) => {
      const older = [...resident].find(([, { last }]) => last < (resident.get(page) as Use).last);
      return older ? `page ${page} went before ${older[0]}, which was used earlier` : null;
    });
    expect(asked).toBeGreaterThan(500);
  });

  test("under lfu one that was used least often", async () => {
    const asked = await watch("lfu", (resident, page) => {
      const rarer = [...resident].find(
        ([, { count }]) => count < (resident.get(page) as Use).count,
      );
      return rarer ? `page ${page} went before ${rarer[0]}, which was used less often` : null;
    });
    expect(asked).toBeGreaterThan(500);
  });
});

test("only a policy that is defined by every access makes the hart note them down", async () => {
  for (const [policy, watched] of [
    ["linux", 0],
    ["clock", 0],
    ["lru", 1],
    ["arc", 1],
  ] as const) {
    const machine = await start("hello", [], { settings: [`policy=${policy}`], travel: false });
    await machine.run(10);
    expect(machine.core.getU32(HART_WATCH), policy).toBe(watched);
  }
});
