// Random calls of madvise, mlock, msync, mremap and their like, with the faults they cause counted:
// a real Linux 6.12 answered each of them the same. memory-acts.tsv has a line a sequence, the begin
// of the SHA-256 of all its answers. They were recorded as root, in a chroot on ext4 whose /data is
// 64 KiB of zeros, with fault_around_bytes 65536.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { directory, file } from "../../web/machine/mkfs.ts";
import { acting } from "./acts.ts";
import { Linux, loadCore } from "./linux.ts";
import { answers, memoryActs, setting } from "./memory-acts.ts";

test("random advice, locks and moves answer as on Linux", { timeout: 120_000 }, () => {
  const machine = new Linux(loadCore(inject("core")));
  const expected = readFileSync(join(inject("root"), "tests/kernel/memory-acts.tsv"), "utf8");
  const sequences = memoryActs(777);
  for (const [n, line] of expected.trim().split("\n").entries()) {
    const acts = sequences.next().value;
    const data = file(new Uint8Array(65536), 0o644);
    const root = directory({ acts: file(acting(acts, setting), 0o755), data });
    machine.boot({ root, path: "/acts", conf: { uid: 0, gid: 0 } });
    const { stdout, verdict } = machine.run({ limit: 1e7 });
    expect(verdict, `sequence ${n}`).toBe("exit 0");
    const answered = answers(acts, Buffer.from(stdout, "latin1"));
    const hash = createHash("sha256").update(answered).digest("hex").slice(0, 16);
    expect(hash, `sequence ${n}: ${JSON.stringify(acts)}: ${answered}`).toBe(line);
  }
});
