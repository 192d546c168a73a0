import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { FRAMES, PAGE_SIZE_OF, PG, RAM_BASE, VM_COMMITTED } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { acting, data, randomActs } from "./acts.ts";
import { violations } from "./invariants.ts";
import { Linux, loadCore } from "./linux.ts";

const machine = new Linux(loadCore(inject("core")));
const programs = join(inject("root"), "public/programs");

/** Runs to the end and sweeps before every kernel entry. */
function sweep(): { verdict: string; sweeps: number } {
  let sweeps = 0;
  const between = () => {
    if (!machine.started) return;
    sweeps++;
    expect(violations(machine.core)).toEqual([]);
  };
  const { verdict } = machine.run({ between, limit: 100_000_000 });
  expect(violations(machine.core)).toEqual([]);
  return { verdict, sweeps };
}

describe("every invariant holds at every kernel entry of", () => {
  test.each([
    ["hello"],
    ["hello-pie"],
    ["pages", "random", "64"],
    ["bss-heap"],
    ["stack", "100"],
    ["rodata"],
    ["null"],
    ["sort"],
    ["cow"],
    ["residency"],
  ])("%s", (program, ...args) => {
    const root = directory();
    place(root, `/${program}`, file(readFileSync(join(programs, program)), 0o755));
    const conf = { ram_frames: 2048 };
    machine.boot({ root, path: `/${program}`, argv: [program, ...args], conf });
    const { sweeps } = sweep();
    expect(sweeps).toBeGreaterThan(1);
  });
});

test("every invariant holds after every step of random memory calls", { timeout: 600_000 }, () => {
  const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
  const sequences = randomActs(20261120);
  let steps = 0;
  for (let n = long ? 20_000 : 300; n > 0; n--) {
    const root = directory({
      acts: file(acting(sequences.next().value), 0o755),
      data: file(data, 0o644),
    });
    // So little memory that some of them run out of it.
    const conf = { ram_frames: n % 3 === 0 ? 64 : 256, vm_fault_around_bytes: 16384 };
    machine.boot({ root, path: "/acts", conf });
    steps += sweep().sweeps;
    expect(machine.core.getNumber(VM_COMMITTED)).toBe(0);
  }
  expect(steps).toBeGreaterThan(5000);
});

test("a sweep sees a wrong count, a writable page of the cache, a lost frame", () => {
  const root = directory({ hello: file(readFileSync(join(programs, "hello")), 0o755) });
  machine.boot({ root, path: "/hello", conf: { ram_frames: 256 } });
  const { core } = machine;
  let tried = 0;
  const between = () => {
    if (tried > 0 || machine.instret < 10) return;
    tried++;
    for (let pfn = 0; pfn < 256; pfn++) {
      const at = FRAMES + pfn * PAGE_SIZE_OF + 4;
      const before = core.getU32(at);
      core.setU32(at, before + 1);
      expect(violations(core), `refcount of frame ${pfn}`).not.toEqual([]);
      core.setU32(at, before);
    }
    let leaves = 0;
    for (let at = RAM_BASE; at < RAM_BASE + 256 * 4096; at += 8) {
      const pte = core.getU64(at);
      const flags = core.getU32(FRAMES + Math.floor((at - RAM_BASE) / 4096) * PAGE_SIZE_OF);
      // A user page of code, which the program cannot write.
      if ((flags & PG.table) === 0 || (pte & 0xffc00000000003ffn) !== 0x5bn) continue;
      leaves++;
      core.setU64(at, pte | 4n);
      expect(violations(core)).not.toEqual([]);
      core.setU64(at, pte);
    }
    expect(leaves).toBeGreaterThan(0);
    expect(violations(core)).toEqual([]);
  };
  machine.run({ between });
  expect(tried).toBe(1);
});
