// Random calls of mmap, munmap, mprotect, mremap, madvise, mincore and brk, with touches between
// them: a real Linux 6.12 answered each of them the same. acts.tsv has a line a sequence: how long
// what it wrote was, the FNV-1a hash of it (every call's answer), and how the process ended.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { directory, file } from "../../web/machine/mkfs.ts";
import { acting, data, randomActs } from "./acts.ts";
import { Linux, loadCore } from "./linux.ts";

function fnv(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text, "latin1")) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1099511628211n);
  }
  return hash.toString(16);
}

test("random memory calls answer as on Linux", { timeout: 120_000 }, () => {
  const machine = new Linux(loadCore(inject("core")));
  const expected = readFileSync(join(inject("root"), "tests/kernel/acts.tsv"), "utf8");
  const sequences = randomActs(6121);
  for (const [n, line] of expected.trim().split("\n").entries()) {
    const acts = sequences.next().value;
    const root = directory({ acts: file(acting(acts), 0o755), data: file(data, 0o644) });
    machine.boot({ root, path: "/acts" });
    const { stdout, verdict } = machine.run({ limit: 1e6 });
    const answered = `${stdout.length}:${fnv(stdout)}\t${verdict}`;
    expect(answered, `sequence ${n}: ${JSON.stringify(acts)}`).toBe(line);
  }
});
