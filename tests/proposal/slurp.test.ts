// Reading a file whole when it is mapped: Kleen's mmap_full_slurp.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { DISK_PAGES, DISK_SEEKS, Ev } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Linux, loadCore } from "../kernel/linux.ts";

const machine = new Linux(loadCore(inject("core")));
const programs = join(inject("root"), "public/programs");

function run(program: string, conf: Record<string, number>) {
  const bytes = readFileSync(join(programs, program));
  const tree = directory();
  place(tree, `/${program}`, file(bytes, 0o755));
  machine.boot({ root: tree, path: `/${program}`, conf });
  const end = machine.run({ limit: 1e8 });
  const { core } = machine;
  return {
    ...end,
    pages: core.getNumber(DISK_PAGES),
    seeks: core.getNumber(DISK_SEEKS),
    filePages: Math.ceil(bytes.length / 4096),
    events: machine.events.map(({ kind, a, b, c }) => `${Ev[kind]} ${a} ${b} ${c}`),
  };
}

describe("mmap_full_slurp", () => {
  test("reads every page that is mapped, and changes nothing that is printed", () => {
    const plain = run("hello", { vm_read_ahead_kb: 0 });
    const slurped = run("hello", { vm_read_ahead_kb: 0, vm_mmap_full_slurp: 1 });
    expect(slurped.stdout).toBe(plain.stdout);
    expect(slurped.verdict).toBe(plain.verdict);
    expect(slurped.pages).toBeGreaterThanOrEqual(plain.pages);
    expect(slurped.pages).toBeLessThanOrEqual(slurped.filePages);
    expect(slurped.seeks).toBeLessThanOrEqual(plain.seeks);
  });

  test("reads in batches of ra_max_pinned, the same pages", () => {
    const whole = run("hello", { vm_mmap_full_slurp: 1, vm_read_ahead_kb: 0 });
    const small = run("hello", {
      vm_mmap_full_slurp: 1,
      vm_read_ahead_kb: 0,
      vm_ra_max_pinned: 4096,
    });
    expect(small.pages).toBe(whole.pages);
    expect(small.stdout).toBe(whole.stdout);
  });
});
