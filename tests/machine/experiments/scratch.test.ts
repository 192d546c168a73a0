import { beforeAll, describe, expect, test } from "vitest";
import { experimentWords } from "../../../web/machine/experiments/arguments.ts";
import {
  type ExperimentHost,
  type ExperimentResult,
  type ResultRow,
  runExperiment,
} from "../../../web/machine/experiments/index.ts";
import { experimentHost } from "../programs.ts";

let host: ExperimentHost;
beforeAll(async () => {
  host = await experimentHost();
});

const run = (words: string): Promise<ExperimentResult> =>
  runExperiment(host, experimentWords(["scratch", ...words.split(" ").filter(Boolean)]).request);
const rowsOf = ({ rows }: ExperimentResult, name: string) =>
  rows.filter((row) => row.name === name);
const rowOf = (result: ExperimentResult, name: string): ResultRow => {
  const [row] = rowsOf(result, name);
  if (!row) throw new Error(`no row ${name}`);
  return row;
};
const numbers = (rows: ResultRow[], key: string) => rows.map((row) => Number(row[key]));

/** Of each library, and of each page with the default density; rounds of the experiment. */
const [PAGES, SLOTS, ROUNDS] = [32, 32 * 16, 4];

describe("private copies of text", () => {
  let result: ExperimentResult;
  beforeAll(async () => {
    result = await run("--rivals scratch,got,dontneed");
  });

  test("go to swap once for every process that has them fixed up (Isaacson 2004)", () => {
    const all = rowsOf(result, "private");
    const without = rowsOf(result, "scratch");
    expect(numbers(all, "processes")).toEqual([1, 2, 4, 8, 16]);
    for (const [n, row] of all.entries()) {
      const text = Number(row.swap_writes) - Number(without[n]?.swap_writes);
      const each = text / (PAGES * Number(row.processes));
      // Which of the other pages go with them differs a little from rival to rival.
      expect(each).toBeGreaterThan(0.8);
      expect(each).toBeLessThan(2);
    }
    const [sixteen] = numbers(all.slice(-1), "swap_writes");
    const [other] = numbers(without.slice(-1), "swap_writes");
    expect(((sixteen ?? 0) - (other ?? 0)) / (PAGES * 16)).toBeCloseTo(1, 0);
  });

  test("are fixed up once and never again, and what is dropped anew each time", () => {
    for (const row of rowsOf(result, "private")) {
      expect(row.text_fixups).toBe(Number(row.processes) * SLOTS);
    }
    for (const row of rowsOf(result, "dontneed")) {
      expect(row.text_fixups).toBe(Number(row.processes) * SLOTS * ROUNDS);
    }
    for (const row of rowsOf(result, "scratch")) {
      expect(row.text_fixups).toBeGreaterThan(Number(row.processes) * SLOTS);
      expect(row.text_fixups).toBeLessThanOrEqual(Number(row.processes) * SLOTS * ROUNDS);
    }
    expect(numbers(rowsOf(result, "got"), "text_fixups")).toEqual([0, 0, 0, 0, 0]);
  });

  test("cost the time of their swapping, which grows with the processes", () => {
    const ratios = numbers(rowsOf(result, "scratch"), "ratio");
    for (const ratio of ratios) expect(ratio).toBeLessThan(1);
    expect(ratios.at(-1)).toBeLessThan(ratios[0] as number);
  });

  test("the instructions given for the resolver are those that the machine has run more", () => {
    const [kept, dropped] = [rowsOf(result, "private"), rowsOf(result, "dontneed")];
    for (const [n, row] of dropped.entries()) {
      const base = kept[n] as ResultRow;
      const said = Number(row.resolver_instructions) - Number(base.resolver_instructions);
      const run = Number(row.instructions) - Number(base.instructions);
      expect(Math.abs(said / run - 1)).toBeLessThan(0.02);
    }
  });

  test("every page that is read comes from swap or from a file", () => {
    for (const row of result.rows) {
      expect(Number(row.swap_reads) + Number(row.file_reads)).toBe(row.pages_read);
      expect(row.swap_writes).toBe(row.pages_written);
    }
  });

  test("the answer says Isaacson's words with the number of pages", () => {
    expect(result.answer[0]).toMatch(
      /^16 fixups a page, 16 processes: private copies send \d+ pages of text to swap, .* MAP_SCRATCH none\./,
    );
  });
});

describe("rivals that write no text", () => {
  test("a table bound at once is not bound again, and one in the file never", async () => {
    const result = await run("--processes 4 --rivals got,eager,prelink");
    expect(rowOf(result, "got").table_fixups).toBeGreaterThan(4 * 200);
    for (const name of ["eager", "prelink"]) expect(rowOf(result, name).fixups).toBe(0);
    expect(rowOf(result, "eager").resolver_instructions).toBeGreaterThan(0);
    expect(rowOf(result, "prelink").resolver_instructions).toBe(0);
  });
});

describe("without swap", () => {
  test("private copies leave no room, and scratch copies make it as long as it lasts", async () => {
    const result = await run("--processes 1,16 --rivals no-swap,scratch-no-swap");
    expect(result.rows.map(({ name, processes }) => [name, processes])).toEqual([
      ["private", 1],
      ["scratch-no-swap", 1],
      ["private", 16],
    ]);
    expect(result.rows[1]).toMatchObject({ swap_writes: 0, swap_reads: 0 });
    expect(result.absent).toEqual([
      {
        name: "no-swap",
        reason: "memory was out, and a process was killed (processes 1; processes 16)",
      },
      {
        name: "scratch-no-swap",
        reason: "memory was out, and a process was killed (processes 16)",
      },
    ]);
  });
});

describe("the crossover", () => {
  test("is where no page of a disk with an arm can be, and some of flash could", async () => {
    const result = await run("--processes 4 --rivals scratch --era desktop2004,ssd2008,nvme2020");
    const [arm, ...flash] = numbers(rowsOf(result, "scratch"), "break_even");
    // A page has room for 512 slots, and for nothing else then.
    expect(arm).toBeGreaterThan(10 * 512);
    for (const at of flash) {
      expect(at).toBeGreaterThan(64);
      expect(at).toBeLessThan(512);
    }
  });

  test("more fixups on a page are worth less", async () => {
    const result = await run("--processes 4 --rivals scratch --density all --era nvme2020");
    const fixups = numbers(rowsOf(result, "scratch"), "text_fixups");
    const [few, some, many] = fixups as [number, number, number];
    expect([some / few, many / some]).toEqual([4, 4]);
    const instructions = numbers(rowsOf(result, "scratch"), "resolver_instructions");
    expect(instructions).toEqual([...instructions].sort((a, b) => a - b));
  });
});

describe("what makes no sense is refused in one sentence:", () => {
  test.each([
    ["--processes 3", /^--processes: "3" is none of 1, 2, 4, 8, 16, all$/],
    ["--density 5", /^--density: "5" is none of 4, 16, 64, all$/],
    ["--program sort", /^the experiment scratch has a program of its own$/],
    ["--workload compile", /^there is no option --workload of scratch; nozero has it$/],
  ])("experiment scratch %s", async (words, sentence) => {
    await expect((async () => run(words))()).rejects.toThrow(sentence);
  });
});
