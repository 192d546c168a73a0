import { describe, expect, test } from "vitest";
import type { MemoryAccess } from "../../web/machine/engine.ts";
import { start } from "./programs.ts";

async function record(name: string, args: string[], settings: string[] = []) {
  const accesses: MemoryAccess[] = [];
  const onAccess = (access: MemoryAccess) => accesses.push(access);
  const machine = await start(name, args, { settings, travel: false, onAccess });
  await machine.run();
  return { machine, accesses };
}

describe("a program whose accesses are noted down", () => {
  test.each([
    ["hello", [], []],
    ["fork", [], []],
    ["bench/touch", ["600", "2"], ["ram=2"]],
    ["bench/touch", ["600", "2"], ["ram=2", "policy=lru"]],
  ] as const)("does what it does otherwise: %s %j %j", async (name, args, settings) => {
    const { machine, accesses } = await record(name, [...args], [...settings]);
    const alone = await start(name, [...args], { settings: [...settings], travel: false });
    await alone.run();
    expect(machine.hash()).toBe(alone.hash());
    // Each retired instruction was fetched.
    const fetches = accesses.filter(({ kind }) => kind === "fetch");
    expect(fetches.length).toBeGreaterThanOrEqual(machine.instret);
  });

  test("is seen to fetch in the order of its code, and to write where it stores", async () => {
    const { machine, accesses } = await record("hello", []);
    expect(machine.halted).toBe(true);
    expect(accesses.every(({ pid }) => pid === 1)).toBe(true);
    const [first] = accesses;
    expect(first).toEqual({ pid: 1, va: 0x11000n, kind: "fetch" });
    // _start saves a register on the stack, and main writes its line's first letter.
    const stores = accesses.filter(({ kind }) => kind === "write");
    expect(stores.map(({ va }) => va >> 12n)).toEqual([0x3ffffffn, 0x12n]);
  });

  test("is told apart from another process", async () => {
    const { accesses } = await record("fork", []);
    expect([...new Set(accesses.map(({ pid }) => pid))].sort()).toEqual([1, 3]);
  });
});
