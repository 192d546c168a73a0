import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { Machine } from "../../web/machine/machine.ts";
import { Marks } from "../../web/machine/marks.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { defaultSettings } from "../../web/machine/settings.ts";

let wasm: WebAssembly.Module;
let marks: Marks;

function boot(program: string, ...args: string[]): Machine {
  const root = directory();
  const bytes = readFileSync(`${inject("root")}/public/programs/${program}`);
  place(root, "/program", file(new Uint8Array(bytes)));
  const argv = ["/program", ...args];
  const request = { root, path: "/program", argv, env: [], settings: defaultSettings() };
  return new Machine(wasm, request, marks);
}

/** Ids of all marks of a kernel function, and its first. */
function marksOf(name: string): { all: Set<number>; first: number } {
  const map = JSON.parse(readFileSync(inject("marks"), "utf8"));
  const fn = 1 + map.functions.findIndex((f: { name: string }) => f.name === name);
  const ids = map.marks.flatMap((mark: { function: number }, i: number) =>
    mark.function === fn ? [i + 1] : [],
  );
  return { all: new Set<number>(ids), first: ids[0] };
}

describe("stopping at a kernel function", () => {
  beforeAll(async () => {
    wasm = await WebAssembly.compile(readFileSync(inject("core")));
    marks = new Marks(JSON.parse(readFileSync(inject("marks"), "utf8")));
  });

  test("lands on its first line, which seek finds again with the same state", async () => {
    const machine = boot("bench/touch", "64", "20");
    const { first } = marksOf("do_anonymous_page");
    for (let n = 0; n < 30; n++) {
      const outcome = await machine.untilMarks(new Set([first]));
      expect(outcome.reason).toBe("reached");
      expect(machine.markId).toBe(first);
    }
    const there = machine.position;
    const hash = machine.hash();
    await machine.seek({ instret: 3, mark: 0 });
    await machine.seek(there);
    expect(machine.hash()).toBe(hash);
    const fresh = boot("bench/touch", "64", "20");
    await fresh.seek(there);
    expect(fresh.hash()).toBe(hash);
  });

  test("goes on to the next line of the same function when every line is asked for", async () => {
    const machine = boot("hello");
    const { all, first } = marksOf("handle_page_fault");
    await machine.untilMarks(all);
    expect(machine.markId).toBe(first);
    const { mark } = machine.position;
    await machine.untilMarks(all);
    expect(machine.position.mark).toBeGreaterThan(mark);
    expect(all.has(machine.markId)).toBe(true);
  });

  test("that is never called, the program comes to its end", async () => {
    const machine = boot("hello");
    const outcome = await machine.untilMarks(marksOf("do_shared_fault").all);
    expect(outcome.reason).toBe("end");
    expect(machine.halted).toBe(true);
  });

  test("leaves no stop behind: the run after it is not stopped", async () => {
    const machine = boot("hello");
    await machine.untilMarks(marksOf("do_wp_page").all);
    expect((await machine.run()).reason).toBe("end");
  });
});
