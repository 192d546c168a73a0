// poll and select: tests/guests/poll.c has printed poll.linux.txt on a riscv64 Linux 6.12 (Debian's
// 6.12.107+deb13; built with `riscv64-linux-gnu-gcc -static -O1`); here it prints the same.
// QEMU's user mode will not do: it passes on how many descriptors whoever started it had open.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const folder = mkdtempSync(join(tmpdir(), "pagewalk-poll-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(needs(GCC))("poll and select", () => {
  test("say of pipes what Linux says, and wait for them and for the clock", () => {
    const path = join(folder, "poll");
    const from = join(inject("root"), "tests/guests/poll.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    const tree = directory();
    place(tree, "/poll", file(readFileSync(path), 0o755));
    const machine = new Linux(loadCore(inject("core")));
    machine.boot({ root: tree, path: "/poll" });
    const ours = machine.run({ limit: 1e9 });
    const linux = join(inject("root"), "tests/guests/poll.linux.txt");
    expect(ours.stdout).toBe(readFileSync(linux, "utf8"));
    expect(ours.verdict).toBe("exit 0");
  });
});
