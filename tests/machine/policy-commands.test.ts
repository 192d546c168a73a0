import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { type Command, COMMANDS, execute, Session } from "../../web/machine/commands/index.ts";
import { POLICIES } from "../../web/machine/policies.ts";

let session: Session;
beforeAll(async () => {
  const simulator = readFileSync(join(dirname(inject("core")), "sim.wasm"));
  const traces: Record<string, string> = { trace: "0x1000 R\n0x2000 W\n", bad: "1\nx\n" };
  session = new Session({
    module: await WebAssembly.compile(readFileSync(inject("core"))),
    simulator: () => WebAssembly.compile(simulator),
    readFile: async (name) =>
      Object.hasOwn(traces, name) ? new TextEncoder().encode(traces[name]) : null,
    fileNames: () => Object.keys(traces),
  });
});

const rows = (text: string) => text.split("\n").map((line) => line.trim().split(/ +/));

describe("sim", () => {
  test("counts the faults of a string that is typed: Belady's anomaly", async () => {
    const { text, status } = await execute(session, "sim fifo 3-4 1 2 3 4 1 2 5 1 2 3 4 5");
    expect(status).toBe(0);
    expect(rows(text).map((cells) => cells.slice(0, 3))).toEqual(
      expect.arrayContaining([
        ["fifo", "3", "9"],
        ["fifo", "4", "10"],
      ]),
    );
  });

  test("-s shows what each reference meets and what the frames hold then", async () => {
    const { text } = await execute(session, "sim -s lru 2 1,2,1,3");
    expect(rows(text)).toEqual(
      expect.arrayContaining([
        ["1", "1", "fault", "1", "-"],
        ["2", "2", "fault", "1", "2"],
        ["3", "1", "1", "2"],
        ["4", "3", "fault", "1", "3", "2", "goes"],
      ]),
    );
  });

  test("reads a trace that the host has", async () => {
    const { text } = await execute(session, "sim fifo 1 trace");
    expect(text).toContain("2 references to 2 pages, 50.00 % writes");
  });

  test.each([
    ["sim", "the policy is missing"],
    ["sim fifo", "the number of frames is missing"],
    ["sim fifo 3", "the trace, or its page numbers, is missing"],
    ["sim best 3 1 2", 'there is no policy "best"'],
    ["sim fifo 0 1 2", "frames: 0: give a whole number"],
    ["sim fifo 3 nowhere", 'there is no trace "nowhere"'],
    ["sim fifo 3 bad", 'bad: line 2: "x" is not a reference'],
    ["sim -s fifo 33 1 2", "steps are shown with 32 frames at most"],
  ])("%s: %s", async (line, sentence) => {
    const { text, status } = await execute(session, line);
    expect(status).toBe(2);
    expect(text).toContain(sentence);
  });
});

test("help policy names every policy", () => {
  const { help } = COMMANDS.find(({ name }) => name === "policy") as Command;
  for (const { name } of POLICIES) expect(help).toContain(`  ${name} `);
});
