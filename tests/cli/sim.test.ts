import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { POLICIES } from "../../web/machine/policies.ts";

const folder = mkdtempSync(join(tmpdir(), "pagewalk-sim-"));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
put("belady", "1 2 3 4 1 2 5 1 2 3 4 5\n");
put("access", "0x1000 R\n0x2000 W\n0x3000 R\n0x1fff W\n0x4000 R\n");
put("lackey", "==1== Lackey\nI  1000,4\n S 1ffe,4\n L 3000,8\n M 4000,4\n");
put("ostep", "VA 0x00003229 (decimal: 12841) --> VALID\nVA 0x00001369 (decimal: 4969)\n");
put("bad", "0x1000 R\n\n0x2000 Q\n");
put("empty", "# nothing\n");

function sim(args: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [inject("cli"), "sim", ...args], {
    cwd: folder,
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const records = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("sim counts a trace's faults", () => {
  test("as one JSON object", () => {
    const { status, stdout } = sim(["--policy", "fifo", "--frames", "3", "--json", "belady"]);
    expect(status).toBe(0);
    expect(records(stdout)).toEqual([
      {
        policy: "fifo",
        frames: 3,
        references: 12,
        pages: 5,
        faults: 9,
        hits: 3,
        hit_ratio: 0.25,
        evictions: 6,
        writebacks: 0,
      },
    ]);
  });

  test("as a table, for several policies and sizes: Belady's anomaly", () => {
    const { stdout } = sim(["--policy", "fifo,lru", "--frames", "3-4", "belady"]);
    expect(stdout).toContain("belady: 12 references to 5 pages\n");
    const rows = stdout.split("\n").map((line) => line.trim().split(/ +/).slice(0, 3));
    expect(rows).toContainEqual(["fifo", "3", "9"]);
    expect(rows).toContainEqual(["fifo", "4", "10"]);
    expect(rows).toContainEqual(["lru", "3", "10"]);
    expect(rows).toContainEqual(["lru", "4", "8"]);
  });

  test("under all policies, none below opt", () => {
    const found = records(sim(["--policy", "all", "--frames", "3", "--json", "belady"]).stdout);
    expect(found.map(({ policy }) => policy)).toEqual(POLICIES.map(({ name }) => name));
    const least = found.find(({ policy }) => policy === "opt").faults;
    expect(least).toBe(7);
    for (const { faults } of found) expect(faults).toBeGreaterThanOrEqual(least);
  });

  test("from standard input", () => {
    const input = "7,0,1,2,0,3,0,4,2,3,0,3,2,1,2,0,1,7,0,1";
    const [found] = records(sim(["--policy", "opt", "--frames", "3", "--json", "-"], input).stdout);
    expect(found.faults).toBe(9);
  });

  test.each([
    // 3 puts out 1, clean; 1, now written, puts out 2, dirty; 4 puts out 3.
    ["access", { references: 5, pages: 4, faults: 5, writebacks: 1 }],
    // I 1; S 1 and 2; L 3; M is a load and a store of 4.
    ["lackey", { references: 6, pages: 4, faults: 4, writebacks: 2 }],
    ["ostep", { references: 2, pages: 2, faults: 2, writebacks: 0 }],
  ])("of the form %s", (name, expected) => {
    const [found] = records(sim(["--policy", "fifo", "--frames", "2", "--json", name]).stdout);
    expect(found).toMatchObject(expected);
  });

  test("the same seed chooses the same, another one otherwise", () => {
    const input = Array.from({ length: 3000 }, (_, i) => (i * i * 7919) % 101).join(" ");
    const run = (seed: string) =>
      sim(["--policy", "random", "--frames", "20", "--seed", seed, "--json", "-"], input).stdout;
    expect(run("1")).toBe(run("1"));
    expect(run("1")).not.toBe(run("2"));
  });
});

describe("what makes no sense is said in one sentence, status 2", () => {
  test.each([
    [["--frames", "3"], "which trace? (a file, or - for standard input)"],
    [["--policy", "fifo", "belady"], "how many frames? (--frames N)"],
    [
      ["--policy", "best", "--frames", "3", "belady"],
      'there is no policy "best": all, linux, fifo',
    ],
    [["--frames", "0", "belady"], "--frames 0: give a whole number from 1 to 262143"],
    [["--frames", "3.5", "belady"], "--frames 3.5: give"],
    [["--frames", "5-3", "belady"], "--frames 3: give a whole number from 5"],
    [["--frames", "3", "--page-size", "1000", "belady"], "--page-size 1000: give a power of two"],
    [["--frames", "3", "nowhere"], "nowhere: no such file"],
    [["--frames", "3", "."], ". is a directory"],
    [["--frames", "3", "bad"], 'bad: line 3: "0x2000 Q" is not a reference like "ADDRESS R"'],
    [["--frames", "3", "empty"], "empty: there is no reference in it"],
    [["--frames", "3", "belady", "ostep"], "sim takes one trace"],
    [["--frams", "3", "belady"], "unknown option"],
  ])("%j", (args, sentence) => {
    const { status, stdout, stderr } = sim(args);
    expect(stderr).toMatch(/^pagewalk: [^\n]+\n$/);
    expect(stderr).toContain(sentence);
    expect(status).toBe(2);
    expect(stdout).toBe("");
  });
});
