import { beforeAll, describe, expect, test } from "vitest";
import { experimentWords } from "../../../web/machine/experiments/arguments.ts";
import {
  type ExperimentHost,
  type ExperimentResult,
  experimentNamed,
  type ResultRow,
  runExperiment,
} from "../../../web/machine/experiments/index.ts";
import { resultCsv, resultMarkdown, resultText } from "../../../web/machine/experiments/report.ts";
import { experimentHost } from "../programs.ts";

let host: ExperimentHost;
beforeAll(async () => {
  host = await experimentHost();
});

const run = (words: string): Promise<ExperimentResult> =>
  runExperiment(host, experimentWords(["nozero", ...words.split(" ")]).request);
/** Without a cache, which is quick, and has the eras' prices of clearing. */
const quick = (words: string) => run(`--set cache_warmth=0 ${words}`);
const rowsOf = ({ rows }: ExperimentResult, name: string) =>
  rows.filter((row) => row.name === name);
const rowOf = (result: ExperimentResult, name: string): ResultRow => {
  const [row] = rowsOf(result, name);
  if (!row) throw new Error(`no row ${name}`);
  return row;
};
const numbers = (rows: ResultRow[], key: string) => rows.map((row) => Number(row[key]));

describe("a user who is alone", () => {
  test("gets back every page of his copies, and saves the price of each clear", async () => {
    const result = await quick("--workload ebizzy-m --rivals v2");
    const [off, v2] = [rowOf(result, "off"), rowOf(result, "v2")];
    // 20 copies of 512 KiB.
    expect(off).toMatchObject({ clears: 20 * 128, clears_avoided: 0, hit_rate: 0, gain: 0 });
    expect(v2).toMatchObject({ clears: 0, clears_avoided: 20 * 128, hit_rate: 100 });
    // 0.9 microseconds a page in 2007.
    expect(off.time_ns.memory - v2.time_ns.memory).toBe(20 * 128 * 900);
    // The programs' own part is the same but for a word more to read on the command line.
    expect(Math.abs(off.time_ns.user / v2.time_ns.user - 1)).toBeLessThan(1e-4);
    expect(off.minflt).toBe(v2.minflt);
  });

  test("saves the most where he touches the least of a page", async () => {
    const result = await quick("--workload ebizzy-m,sparse --rivals v2");
    const [full, sparse] = numbers(rowsOf(result, "off"), "clear_share");
    expect(sparse).toBeGreaterThan(full as number);
  });

  test("and short processes: one gets what the others have left, and not by process", async () => {
    const result = await quick("--workload compile --rivals v2,task");
    expect(rowOf(result, "v2").hit_rate).toBeGreaterThan(80);
    expect(rowOf(result, "task").hit_rate).toBeLessThan(10);
  });
});

describe("what is not cleared is missed later, or is not", () => {
  /** Nanoseconds of clearing that v2 saves, and of cache misses that it has instead. */
  const moved = (result: ExperimentResult) => {
    const [off, v2] = [rowOf(result, "off"), rowOf(result, "v2")];
    return {
      saved: Number(off.clear_ns) - Number(v2.clear_ns),
      back: Number(v2.miss_ns) - Number(off.miss_ns),
    };
  };

  test("more than half of it, by who writes all of more than the cache holds (Lameter)", async () => {
    // 2 MiB in a cache of 1 MiB. Lines that come one after the other are what clearing costs
    // beyond its price in the cache: 1 of 1.4 microseconds a page.
    const { saved, back } = moved(await run("--program noise --rivals v2 -- -N -s 512 -n 2"));
    expect(saved).toBeGreaterThan(0);
    expect(back / saved).toBeGreaterThan(0.5);
    expect(back / saved).toBeLessThan(1);
  });

  test("by none that touches a word of each page: all of it is saved", async () => {
    const result = await run("--program ebizzy --rivals v2 -- -m -T -n 1 -i 40");
    const { saved, back } = moved(result);
    expect(saved).toBeGreaterThan(0);
    expect(back / saved).toBeLessThan(0.05);
  });

  test("and without a model of the cache nothing is said of misses", async () => {
    const [without, modelled] = [
      await quick("--workload sparse --rivals v2"),
      await run("--workload sparse --rivals v2"),
    ];
    expect(rowOf(without, "v2").miss_ns).toBeUndefined();
    expect(without.answer.join()).not.toContain("cache misses");
    expect(modelled.answer.join()).toContain("comes back as cache misses");
  });

  test("and clearing itself is cheaper where the lines are there already", async () => {
    const warm = rowOf(await run("--workload sparse --rivals v2"), "off");
    const average = rowOf(await quick("--workload sparse --rivals v2"), "off");
    expect(warm.clears).toBe(average.clears);
    expect(warm.clear_ns).toBeLessThan(Number(average.clear_ns));
  });
});

describe("others in the same machine", () => {
  test("a neighbour lowers the hit rate, unless the allocator looks for one's own", async () => {
    const result = await quick("--workload ebizzy-m --noise all --rivals v2,owner-aware");
    const [none, light, heavy] = numbers(rowsOf(result, "v2"), "hit_rate") as [number, ...number[]];
    expect(none).toBe(100);
    expect(light).toBeLessThan(none);
    expect(heavy).toBeLessThan(light as number);
    expect(numbers(rowsOf(result, "owner-aware"), "hit_rate")).toEqual([100, 100, 100]);
  });

  test("so it does by control group, whose users share what they have had (2012)", async () => {
    const words = "--workload ebizzy-m --users 1,2 --noise none,heavy --rivals memcg";
    const rows = rowsOf(await quick(words), "memcg");
    const rates = Object.fromEntries(
      rows.map(({ noise, users, hit_rate }) => [`${noise} ${users}`, Number(hit_rate)]),
    );
    expect(rates).toMatchObject({ "none 1": 100, "none 2": 100 });
    expect(rates["heavy 1"]).toBeLessThan(100);
    expect(rates["heavy 2"]).toBeLessThan(100);
  });

  test("a heap that keeps what it has asks for no pages: there is nothing to save", async () => {
    const result = await quick("--workload ebizzy-M,ebizzy-keep --rivals v2");
    const [given, kept] = rowsOf(result, "off");
    expect(kept?.clears).toBe(0);
    expect(given?.clears).toBeGreaterThan(0);
  });

  test("so does each user more who runs the same", async () => {
    const result = await quick("--workload ebizzy-m --users all --rivals v2,owner-aware");
    const rates = numbers(rowsOf(result, "v2"), "hit_rate");
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
    expect(new Set(rates).size).toBe(3);
    expect(numbers(rowsOf(result, "owner-aware"), "hit_rate")).toEqual([100, 100, 100]);
    expect(rowsOf(result, "v2").map(({ users }) => users)).toEqual([1, 2, 4]);
  });
});

describe("the profile", () => {
  let result: ExperimentResult;
  const nozero = experimentNamed("nozero");
  beforeAll(async () => {
    result = await quick("--workload ebizzy-m,compile --rivals v2");
  });

  test("is all of the time, and clear_page in it the share of the table", () => {
    for (const { profile_ns = {}, time_ns, clear_ns, clear_share } of result.rows) {
      const all = Object.values(profile_ns).reduce((a, b) => a + b, 0);
      // Each part is rounded to nanoseconds.
      expect(Math.abs(all - time_ns.total)).toBeLessThanOrEqual(10);
      expect(profile_ns.clear_page).toBe(clear_ns);
      const share = (100 * (clear_ns as number)) / time_ns.total;
      expect(clear_share).toBeCloseTo(share, 2);
    }
  });

  test("tells a system call's path from a fault's by what both are known to cost", async () => {
    for (const { profile_ns = {}, minflt, majflt } of result.rows) {
      // 0.7 microseconds a fault in 2007; execve's own faults are none of the program's.
      expect(profile_ns.do_page_fault).toBe((minflt + majflt) * 700);
    }
  });

  test("stands below the table, once for each workload, and in the columns of the CSV", () => {
    const md = resultMarkdown(result, nozero);
    expect(md.match(/^Profile \(.*\), per cent of the time:$/gm)).toHaveLength(2);
    expect(md).toMatch(/^\| clear_page \| [\d.]+ \| 0\.0 \|$/m);
    expect(resultText(result, nozero)).toMatch(/^clear_page +[\d.]+ +0\.0$/m);
    const lines = resultCsv(result).trimEnd().split("\r\n");
    expect(lines[0]).toContain("profile_ns_clear_page");
    const widths = lines.map((line) => line.replaceAll(/"[^"]*"/g, "").split(",").length);
    expect(new Set(widths).size).toBe(1);
  });
});

test("Libenzi's figures stand beside ours, where he gave any", async () => {
  const result = await quick("--rivals v2");
  const his = rowsOf(result, "v2").map(({ workload, libenzi }) => [workload, libenzi]);
  expect(his).toEqual([
    ...[
      ["ebizzy-m", "10..15"],
      ["ebizzy-M", "10..15"],
      ["ebizzy-keep", undefined],
    ],
    ...[
      ["compile", "2.5..3"],
      ["malloc", undefined],
      ["sparse", undefined],
    ],
  ]);
  expect(result.answer.filter((line) => line.includes("Libenzi"))).toHaveLength(3);
});

test("a program of the reader's own takes the workloads' place", async () => {
  const result = await quick("--program ebizzy --rivals v2 --noise none,heavy -- -m -i 5");
  expect(result.program).toBe("ebizzy -m -i 5");
  expect(result.rows.map(({ workload, noise }) => [workload, noise])).toEqual([
    ...[
      ["ebizzy -m -i 5", "none"],
      ["ebizzy -m -i 5", "none"],
    ],
    ...[
      ["ebizzy -m -i 5", "heavy"],
      ["ebizzy -m -i 5", "heavy"],
    ],
  ]);
});

test("one that is called like a workload is not taken for it", async () => {
  const result = await quick("--program compile --rivals v2");
  const [off, v2] = [rowOf(result, "off"), rowOf(result, "v2")];
  expect(off.workload).toBe("compile (yours)");
  expect(v2.libenzi).toBeUndefined();
});

describe("what makes no sense is refused in one sentence:", () => {
  test.each([
    ["--workload make", /^--workload: "make" is none of ebizzy-m, .*, all$/],
    ["--noise loud", /^--noise: "loud" is none of none, light, heavy, all$/],
    ["--users 3", /^--users: "3" is none of 1, 2, 4, all$/],
    ["--program sort --workload compile", /^--program or --workload: one of them$/],
    ["-- 5", /^arguments behind -- need --program$/],
  ])("experiment nozero %s", async (words, sentence) => {
    await expect((async () => run(words))()).rejects.toThrow(sentence);
  });

  test("an option of another experiment is named with the one that has it", () => {
    expect(() => experimentWords(["pbitmap", "--users", "2"])).toThrow(
      "there is no option --users of pbitmap; nozero has it",
    );
  });
});
