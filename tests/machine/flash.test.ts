import { expect, test } from "vitest";
import * as views from "../../web/machine/views.ts";
import { start } from "./programs.ts";

/** Nanoseconds. */
const COMMAND = 69e3;
const PAGE = 16e3;
const CHANNELS = 10;

async function run(era: string, settings: string[]) {
  const machine = await start("perl5-static", ["-e", "print sqrt(2), length('abc')"], {
    settings: [`era=${era}`, "layout=linked", "vm.fault_around_bytes=4096", ...settings],
    travel: false,
  });
  await machine.run();
  const { reads, pages } = views.disk(machine.core);
  return { reads, pages, ns: views.clock(machine.core).split.disk };
}

test("flash that is asked for one page at a time answers one command after the other", async () => {
  const { reads, pages, ns } = await run("ssd2008", ["vm.read_ahead_kb=0"]);
  expect(reads).toBeGreaterThan(20);
  expect(ns).toBeGreaterThanOrEqual(reads * COMMAND + pages * PAGE);
});

test("flash overlaps the commands of a batch, as many as it has channels", async () => {
  const { reads, pages, ns } = await run("ssd2008", ["vm.mmap_full_slurp=1"]);
  expect(reads).toBeGreaterThan(20);
  // No batch is done before its commands, ten at a time, and its pages, one by one.
  expect(ns).toBeGreaterThanOrEqual(Math.max((reads / CHANNELS) * COMMAND, pages * PAGE));
  expect(ns).toBeLessThan((reads * COMMAND) / 2 + pages * PAGE);
});
