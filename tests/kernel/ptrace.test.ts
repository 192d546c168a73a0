// ptrace: the program tests/guests/ptrace.c has printed ptrace.linux.txt, as root, on a riscv64
// Linux 6.12 (Debian's 6.12.107+deb13; built with `riscv64-linux-gnu-gcc -static -O1`); here it
// prints the same, line by line.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { directory, file } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { type End, Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-ptrace-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (text: string) => text.trimEnd().split("\n");
const recorded = lines(readFileSync(join(root, "tests/guests/ptrace.linux.txt"), "utf8"));

const machine = new Linux(loadCore(inject("core")));
function run(conf = {}): { printed: string[]; end: End } {
  const path = join(folder, "ptrace");
  const flags = ["-static", "-O1", "-o", path, join(root, "tests/guests/ptrace.c")];
  expect(spawnSync(GCC, flags, { encoding: "utf8" }).stderr).toBe("");
  const tree = directory({
    ptrace: file(readFileSync(path), 0o755),
    tmp: directory({}, 0o777),
  });
  machine.boot({ root: tree, path: "/ptrace", conf: { uid: 0, gid: 0, ...conf } });
  const end = machine.run({ limit: 1e9 });
  return { printed: lines(end.stdout), end };
}

describe.skipIf(needs(GCC))("a traced process and its tracer, as on Linux", () => {
  let ours: ReturnType<typeof run>;
  beforeAll(() => {
    ours = run();
  });
  test.each(recorded.map((line, n) => [line.slice(0, line.indexOf(": ")), n, line] as const))(
    "%s",
    (_title, n, line) => {
      expect(ours.printed[n]).toBe(line);
    },
  );

  test("nothing else is printed, and it exits with 0", () => {
    expect(ours.printed.length).toBe(recorded.length);
    expect(ours.end.verdict).toBe("exit 0");
  });

  test("stops and their reports are the same when every turn is short", () => {
    expect(run({ sched_quantum: 5000 }).printed).toEqual(recorded);
  });
});
