// poll and select, beside QEMU.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";
import { qemu } from "../qemu.ts";

const GCC = "riscv64-linux-gnu-gcc";
const folder = mkdtempSync(join(tmpdir(), "pagewalk-poll-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(needs(GCC, "qemu-riscv64"))("poll and select", () => {
  test("say of pipes what Linux says, and wait for them and for the clock", () => {
    const path = join(folder, "poll");
    const from = join(inject("root"), "tests/guests/poll.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    const linux = qemu([path], { encoding: "latin1" });
    const tree = directory();
    place(tree, "/poll", file(readFileSync(path), 0o755));
    const machine = new Linux(loadCore(inject("core")));
    machine.boot({ root: tree, path: "/poll" });
    const ours = machine.run({ limit: 1e9 });
    expect(linux.stdout.split("\n").length).toBe(16);
    expect(ours.stdout).toBe(linux.stdout);
    expect(ours.verdict).toBe("exit 0");
  });
});
