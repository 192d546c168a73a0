// Restartable sequences; the answers are those of Linux 6.12 to the same program.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const folder = mkdtempSync(join(tmpdir(), "pagewalk-rseq-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(needs(GCC))("rseq", () => {
  test("aborts a sequence that another process came into, and says what Linux says", () => {
    const path = join(folder, "rseq");
    const from = join(inject("root"), "tests/guests/rseq.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    const tree = directory();
    place(tree, "/rseq", file(readFileSync(path), 0o755));
    const machine = new Linux(loadCore(inject("core")));
    // glibc would register one of its own.
    const env = ["GLIBC_TUNABLES=glibc.pthread.rseq=0"];
    machine.boot({ root: tree, path: "/rseq", env });
    const { stdout, verdict } = machine.run({ limit: 1e8 });
    expect(stdout.trimEnd().split("\n")).toEqual([
      "too short: Invalid argument",
      "not aligned: Invalid argument",
      "unknown flag: Invalid argument",
      "nothing registered: Invalid argument",
      "register: 0",
      "on processor 0, 0",
      "again: Device or resource busy",
      "another signature: Operation not permitted",
      "aborted, rseq_cs is cleared",
      "unregister, another signature: Operation not permitted",
      "unregister: 0",
      "on processor -1",
    ]);
    expect(verdict).toBe("exit 0");
  });
});
