import { beforeAll, describe, expect, test } from "vitest";
import { experimentWords } from "../../../web/machine/experiments/arguments.ts";
import {
  type ExperimentHost,
  type ExperimentRequest,
  type ExperimentResult,
  ExperimentStopped,
  eraNames,
  experimentNamed,
  type ResultRow,
  runExperiment,
} from "../../../web/machine/experiments/index.ts";
import {
  resultCsv,
  resultJson,
  resultMarkdown,
  resultText,
} from "../../../web/machine/experiments/report.ts";
import { duration } from "../../../web/machine/format.ts";
import { experimentHost } from "../programs.ts";

let host: ExperimentHost;
beforeAll(async () => {
  host = await experimentHost();
});

const run = (words: string): Promise<ExperimentResult> =>
  runExperiment(host, experimentWords(words.split(" ").filter(Boolean)).request);
const row = (result: ExperimentResult, name: string): ResultRow => {
  const found = result.rows.find((one) => one.name === name);
  if (!found) throw new Error(`no row ${name}`);
  return found;
};

describe("the arithmetic of a table", () => {
  // hello is a file of three pages that lies in one piece. execve reads its headers in page 0.
  // Then it executes page 1, and loads from and stores to page 2: that is two pages to be read,
  // a copy, and two pages of stack before; and two system calls.
  test("hello reads its three pages, one request each way", async () => {
    const result = await run("pbitmap --program hello --rivals demand,read-around");
    expect(row(result, "demand")).toMatchObject({
      ...{ majflt: 2, minflt: 2, pages_read: 3, pages_unused: 0, kernel_entries: 6 },
      ...{ seeks: 1, disk_reads: 1, pages_written: 0 },
    });
    expect(row(result, "read-around")).toMatchObject({
      ...{ majflt: 0, minflt: 4, pages_read: 3, pages_unused: 0, kernel_entries: 6 },
      ...{ seeks: 1, disk_reads: 1, ratio: 1 },
    });
  });

  test("a seek, half a turn, a command and three pages are what hello waits for", async () => {
    const result = await run("pbitmap --program hello --rivals read-around --era ssd2008");
    // 69 microseconds a command, 16 a page; no arm, nothing turns.
    expect(row(result, "read-around").time_ns.disk).toBe(69_000 + 3 * 16_000);
  });

  test("the parts of a time add up to its total, to the nanosecond", async () => {
    const { rows } = await run(
      "pbitmap --program sort-dynamic --era all --layout all -- 300",
    ).catch(() => run("pbitmap --program sort --era all --layout all -- 300"));
    for (const { time_ns } of rows) {
      const { total, ...parts } = time_ns;
      expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(total);
    }
  });

  test("every rival uses the same pages, and the ratio is to the baseline's time", async () => {
    const plain = "demand,no-fault-around,read-around-512,read-around-8192,slurp";
    const result = await run(`pbitmap --program cow --rivals ${plain}`);
    const used = result.rows.map(({ pages_read, pages_unused }) => pages_read - pages_unused);
    expect(new Set(used).size).toBe(1);
    const base = row(result, result.baseline);
    for (const one of result.rows) {
      expect(one.ratio).toBeCloseTo(one.time_ns.total / base.time_ns.total, 3);
    }
  });

  test("a warm start reads nothing, and three cost three times one", async () => {
    const once = await run("pbitmap --program hello --warm --rivals read-around");
    const thrice = await run("pbitmap --program hello --warm --rivals read-around --runs 3");
    expect(row(once, "read-around")).toMatchObject({ pages_read: 0, seeks: 0, majflt: 0 });
    expect(row(once, "read-around").time_ns.disk).toBe(0);
    const [a, b] = [row(once, "read-around"), row(thrice, "read-around")];
    expect(b.kernel_entries).toBe(3 * a.kernel_entries);
    expect(b.minflt).toBe(3 * a.minflt);
  });

  test("cold runs follow each other on the same disk, each with nothing in memory", async () => {
    const once = await run("pbitmap --program sort --rivals read-around --layout linked -- 300");
    const twice = await run(
      "pbitmap --program sort --rivals read-around --layout linked --runs 2 -- 300",
    );
    const [a, b] = [row(once, "read-around"), row(twice, "read-around")];
    expect(b.pages_read).toBe(2 * a.pages_read);
    // Both are rounded to nanoseconds.
    expect(Math.abs(b.time_ns.disk - 2 * a.time_ns.disk)).toBeLessThanOrEqual(1);
  });
});

describe("rivals that something prepares", () => {
  test("a bitmap that one run records is what the next one reads, and nothing else", async () => {
    const result = await run("pbitmap --program sort-dynamic --rivals pbitmap-accessed -- 300");
    const bitmap = row(result, "pbitmap-accessed");
    const base = row(result, "read-around");
    expect(bitmap.majflt).toBe(0);
    expect(bitmap.bits_set).toBeGreaterThan(8);
    expect(bitmap.pages_unused).toBeLessThan(base.pages_unused);
    expect(bitmap.kernel_entries).toBeLessThan(base.kernel_entries);
  });

  test("Morton's launcher reads what its training run wrote down", async () => {
    const result = await run("pbitmap --program sort-dynamic --rivals morton,demand -- 300");
    expect(row(result, "morton").majflt).toBeLessThan(row(result, "demand").majflt);
  });

  test("what cannot be had is told with its reason, and the others are measured", async () => {
    const result = await run("pbitmap --program sort --rivals morton,slurp -- 300");
    expect(result.absent).toEqual([{ name: "morton", reason: "a static program loads no hook" }]);
    expect(result.rows.map(({ name }) => name)).toEqual(["read-around", "slurp"]);
  });

  test("a resident start runs fewer of the linker's instructions, and reads nothing", async () => {
    const result = await run("resident --program sort-dynamic --runs 5 -- 300");
    const [plain, kept] = [row(result, "dynamic"), row(result, "resident")];
    expect(kept.instructions).toBeLessThan(plain.instructions as number);
    expect(kept.minflt).toBeLessThan(plain.minflt);
    expect([plain, kept].map(({ pages_read }) => pages_read)).toEqual([0, 0]);
    expect(kept).toMatchObject({ dillon_s: 3.08, dillon_ratio: 0.55 });
    expect(plain).toMatchObject({ dillon_s: 5.61, dillon_ratio: 1, ratio: 1 });
    expect(result.answer[0]).toMatch(/^desktop2004: Dillon's order /);
  });

  test.each([["perl5 -- -e 1"], ["perl5 -- /home/words.pl"], ["desk -- 12"]])(
    "Dillon's four rows keep his order: %s",
    async (program) => {
      const four = ["dynamic", "prebound", "resident", "static"];
      const result = await run(`resident --runs 2 --rivals ${four} --program ${program}`);
      const times = four.map((name) => row(result, name).time_ns.total);
      expect(times).toEqual([...times].sort((a, b) => b - a));
      expect(result.answer[0]).toMatch(/^desktop2004: Dillon's order holds: /);
    },
  );

  test("five starts of a resident program cost five times what one does", async () => {
    const once = row(await run("resident --program hello-dynamic --runs 1"), "resident");
    const often = row(await run("resident --program hello-dynamic --runs 5"), "resident");
    expect(often.instructions).toBe(5 * (once.instructions as number));
    expect(often.minflt).toBe(5 * once.minflt);
  });
});

describe("the same request gives the same result, to the last digit", () => {
  test.each([
    "pbitmap --program hello --era all --layout all",
    "pbitmap --program fork --runs 2 --cold --warm",
    "pbitmap --program sort-dynamic --layout linked -- 100",
    "resident --program hello-dynamic --runs 3",
    "nozero --workload sparse --noise light --users 2",
    "scratch --processes 2 --rivals scratch,got",
  ])("%s", async (words) => {
    expect(resultJson(await run(words))).toBe(resultJson(await run(words)));
  });
});

describe("a result as text", () => {
  let result: ExperimentResult;
  const pbitmap = experimentNamed("pbitmap");
  beforeAll(async () => {
    result = await run("pbitmap --program hello --era nvme2020,laptop2004");
  });

  test("JSON has the keys that every experiment has", () => {
    const json = JSON.parse(resultJson(result));
    expect(json).toMatchObject({
      experiment: "pbitmap",
      program: "hello",
      era: "all",
      baseline: "read-around",
    });
    for (const one of json.rows) {
      expect(Object.keys(one)).toEqual(
        expect.arrayContaining([
          ...["name", "minflt", "majflt", "disk_reads", "pages_read", "pages_unused", "seeks"],
          ...["kernel_entries", "time_ns", "ratio"],
        ]),
      );
      expect(Object.keys(one.time_ns)).toEqual([
        ...["total", "disk", "exception", "kernel", "memory", "user"],
      ]);
    }
    // The eras in the order of time, whatever the order of the words.
    expect(new Set(json.rows.map(({ era }: { era: string }) => era))).toEqual(
      new Set(["laptop2004", "nvme2020"]),
    );
    expect(json.rows[0].era).toBe("laptop2004");
  });

  test("CSV has a line a row and as many cells in each as in its head", () => {
    const lines = resultCsv(result).trimEnd().split("\r\n");
    expect(lines).toHaveLength(1 + result.rows.length);
    const cells = lines.map((line) => line.replaceAll(/"[^"]*"/g, "").split(",").length);
    expect(new Set(cells).size).toBe(1);
    expect(lines[0]).toContain("time_ns_total,time_ns_disk");
  });

  test("Markdown is a table of equal rows, the text lines up its columns", () => {
    const md = resultMarkdown(result, pbitmap)
      .split("\n")
      .filter((line) => line.startsWith("|"));
    expect(md).toHaveLength(2 + result.rows.length);
    expect(new Set(md.map((line) => line.split("|").length)).size).toBe(1);
    const text = resultText(result, pbitmap).split("\n");
    expect(text[0]).toBe(
      "Predictive bitmaps and their rivals: hello, cold, as copied, all eras, 1 run",
    );
  });

  test("the answer has a sentence for each baseline, with its figures", () => {
    expect(result.answer).toHaveLength(3);
    expect(result.answer[0]).toMatch(/^laptop2004: 128 KiB read-around takes [\d.]+ ms, \d+ % /);
    const [old, now] = ["laptop2004", "nvme2020"].map((era) => {
      const rows = result.rows.filter((one) => one.era === era);
      const learned = rows.filter(({ name }) =>
        /^(pbitmap(?!-(other|or|and|age|as-posted)))/.test(name),
      );
      const base = rows.find(({ name }) => name === "read-around");
      return (base?.time_ns.total ?? 0) - Math.min(...learned.map(({ time_ns }) => time_ns.total));
    }) as [number, number];
    expect(result.answer[2]).toContain("are going to put a lot of code out of a job");
    for (const ns of [old, now]) {
      const what = `${ns < 0 ? "loses" : "saves"} ${duration(Math.abs(ns))}`;
      expect(result.answer[2]).toContain(what);
    }
  });
});

describe("a request that makes no sense is refused in one sentence:", () => {
  test.each([
    ["", /^which experiment\? There are: pbitmap/],
    ["pbitmaps", /^there is no experiment "pbitmaps"; there are: pbitmap/],
    ["pbitmap --era 2030", /^--era: "2030" is none of laptop2004, .*, all$/],
    ["pbitmap --runs 0", /^the number of runs is from 1 to 100000, not 0$/],
    ["pbitmap --runs x", /^--runs is a number from 1 to 100000, not "x"$/],
    ["pbitmap --layout scattered", /^--layout: "scattered" is none of copied, linked, all$/],
    ["pbitmap --rivals slurp,slurf", /^--rivals: "slurf" is none of demand, /],
    ["pbitmap --json --md", /^--json or --md: one of them$/],
    ["pbitmap --program", /^--program needs a value$/],
    ["pbitmap --faster", /^there is no option --faster$/],
    ["pbitmap hello", /^there is no option hello; the program's arguments come behind --$/],
    ["pbitmap --set swap", /^"swap" is not KEY=VALUE$/],
    ["pbitmap --set era=ssd2008", /^--set era: say --era$/],
    ["pbitmap --env PATH", /^--env PATH is not NAME=VALUE$/],
    ["pbitmap --program no-such", /^there is no program "no-such"$/],
    ["pbitmap --program null", /^\/?null was killed by SIGSEGV$/],
    ["pbitmap --program again", /^\/bin\/again ended with status 2$/],
    ["pbitmap --program hello --set tlb_ways=5", /^tlb_entries=32 cannot be divided/],
  ])("experiment %s", async (words, sentence) => {
    const asked = async () => run(words);
    await expect(asked()).rejects.toThrow(sentence);
    await expect(asked()).rejects.toMatchObject({ message: expect.not.stringContaining("\n") });
  });
});

test("an experiment tells how far it is, and stops when it is asked to", async () => {
  const request: ExperimentRequest = { experiment: "pbitmap", program: "hello" };
  const told: number[] = [];
  const rows: string[] = [];
  await runExperiment(host, request, {
    onProgress: ({ done, rows }) => told.push(done / rows),
    onRow: ({ name }) => rows.push(name),
  });
  expect(told.at(-1)).toBe(1);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(rows[0]).toBe("read-around"); // all others are compared with it
  const abort = new AbortController();
  const stopped = runExperiment(host, request, {
    signal: abort.signal,
    onRow: () => abort.abort(),
  });
  await expect(stopped).rejects.toThrow(ExperimentStopped);
});

test("all six eras are there, the oldest first", () => {
  expect(eraNames()).toEqual([
    ...["laptop2004", "desktop2004", "server2007", "desktop2008", "ssd2008", "nvme2020"],
  ]);
});
