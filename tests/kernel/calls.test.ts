// System calls about processes, pipes, descriptors, limits and time: tests/guests/calls.c has
// printed calls.linux.txt on a riscv64 Linux 6.12 (Debian's 6.12.107+deb13, built with
// `riscv64-linux-gnu-gcc -w -static -O1`, run by root); here it prints the same.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";

describe.skipIf(needs(GCC))("system calls answer as on Linux", () => {
  test("processes, pipes, descriptors, limits and time", () => {
    const folder = mkdtempSync(join(tmpdir(), "pagewalk-calls-"));
    try {
      const source = join(inject("root"), "tests/guests/calls.c");
      const path = join(folder, "calls");
      const { stderr } = spawnSync(GCC, ["-w", "-static", "-O1", "-o", path, source]);
      expect(stderr.toString()).toBe("");
      const tree = directory();
      place(tree, "/calls", file(readFileSync(path), 0o755));
      const machine = new Linux(loadCore(inject("core")));
      machine.boot({ root: tree, path: "/calls", conf: { uid: 0, gid: 0 } });
      const end = machine.run({ limit: 1e9 });
      const recorded = join(inject("root"), "tests/guests/calls.linux.txt");
      expect(end.stdout.split("\n")).toEqual(readFileSync(recorded, "utf8").split("\n"));
      expect(end.verdict).toBe("exit 0");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
