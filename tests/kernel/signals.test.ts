// Signals: tests/guests/signals.c has printed signals.linux.txt on a riscv64 Linux 6.12 (Debian's
// 6.12.107+deb13, built with `riscv64-linux-gnu-gcc -static -O1`); here it prints the same.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Ev } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const recorded = readFileSync(join(root, "tests/guests/signals.linux.txt"), "utf8");
const lines = recorded.trimEnd().split("\n");

describe.skipIf(needs(GCC))("signals, as a program on Linux sees them", () => {
  let folder = "";
  const machine = new Linux(loadCore(inject("core")));
  let printed: string[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-signals-"));
    const path = join(folder, "signals");
    const from = join(root, "tests/guests/signals.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    const tree = directory();
    place(tree, "/signals", file(readFileSync(path), 0o755));
    machine.boot({ root: tree, path: "/signals" });
    printed = machine.run({ limit: 1e9 }).stdout.split("\n");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(lines.map((line) => [line.slice(0, line.indexOf(":")), line]))("%s", (title, line) => {
    expect(printed.find((other) => other.startsWith(`${title}:`))).toBe(line);
  });

  test("the program ends by the signal it sends itself last", () => {
    expect(printed.length).toBe(lines.length + 1);
    expect(machine.end().signal).toBe(15);
  });

  test("every handler that returns is one rt_sigreturn, and each is logged", () => {
    const handlers = machine.events.filter(({ kind }) => kind === Ev.Handler);
    const returns = machine.events.filter(
      ({ kind, a }) => kind === Ev.Syscall && (a & 0xffffffffn) === 139n,
    );
    // Seven leave by siglongjmp or _exit; one returns in the parent and in the child that it has
    // made; two more calls of rt_sigreturn are made by hand.
    expect(handlers.length).toBe(93);
    expect(returns.length).toBe(93 - 7 + 1 + 2);
  });
});
