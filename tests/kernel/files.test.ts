// The filesystem: what programs printed on a riscv64 Linux 6.12 (Debian's 6.12.107+deb13, ext4 with
// blocks of 4 KiB, started as root in a directory of their own, built with
// `riscv64-linux-gnu-gcc -w -O1 -static`), they print here. After each, the disk is in order.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Ev } from "../../assembly/abi.ts";
import { directory, file, type MkfsOptions } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { acting } from "./acts.ts";
import { files, filesAsUser, randomFileActs } from "./file-acts.ts";
import { fsck } from "./fsck.ts";
import { violations } from "./invariants.ts";
import { Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const machine = new Linux(loadCore(inject("core")));
const AS_ROOT = { uid: 0, gid: 0 };

describe.skipIf(needs(GCC))("files, as a program on Linux sees them", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-files-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(source: string, disk?: MkfsOptions, frames = 16384): string {
    const path = join(folder, source);
    const from = join(root, "tests/guests", `${source}.c`);
    const flags = ["-w", "-O1", "-static", "-o", path, from];
    const { stderr } = spawnSync(GCC, flags, { encoding: "utf8" });
    expect(stderr).toBe("");
    const tree = directory({ prog: file(readFileSync(path), 0o755) });
    const argv = ["/prog", "/here"];
    const conf = { ...AS_ROOT, ram_frames: frames };
    machine.boot({ root: tree, path: "/prog", argv, conf, ...(disk ? { disk } : {}) });
    const { stdout, verdict } = machine.run({ limit: 1e9 });
    expect(`${stdout.slice(0, 200)}${verdict}`.endsWith("exit 0"), stdout).toBe(true);
    expect([...fsck(machine.core), ...violations(machine.core)]).toEqual([]);
    return stdout;
  }
  const recorded = (source: string) =>
    readFileSync(join(root, "tests/guests", `${source}.linux.txt`), "utf8").split("\n");

  test("six hundred calls with their errors: names, links, permissions, times, descriptors", () => {
    const lines = recorded("files");
    expect(lines.length).toBeGreaterThan(600);
    expect(run("files").split("\n")).toEqual(lines);
  });

  test("pages in memory, mappings of shrinking files, faults after msync, running programs", () => {
    expect(run("file-cache").split("\n")).toEqual(recorded("file-cache"));
    const written = machine.events.filter(({ kind }) => kind === Ev.DiskWrite).length;
    expect(written).toBeGreaterThan(50);
  });

  test.each([1024, 640])(
    "four processes that write in %i frames of memory find what they wrote",
    (frames) => {
      expect(run("file-stress", { freeBlocks: 4096 }, frames)).toBe("failed 0\n");
    },
  );

  test("a full disk refuses what needs a block, and gives every block and inode back", () => {
    expect(run("disk-full", { freeBlocks: 300, freeInodes: 200 }).trimEnd().split("\n")).toEqual([
      "filled to the last block 1: ENOSPC",
      "a write over two pages, one of them there: 4004",
      "no block for a directory: ENOSPC",
      "none for a link's target: ENOSPC",
      "an empty file needs none: 1",
      "its first byte does: ENOSPC",
      "nor by fallocate: ENOSPC",
      "a page that has a block is written: done",
      "a store to a hole: SIGBUS 2",
      "it still reads as zeros: 0",
      "blocks of the hole: 8",
      "an open file keeps its blocks: 0 free",
      "closed, they are back: 1",
      "now the store goes through: 1",
      "all blocks are back: 1, all inodes: 1",
      "as many files as inodes 1: ENOSPC",
      "nor a directory: ENOSPC",
      "nor one without a name: ENOSPC",
      "the directory keeps its blocks: 0",
      "removed: 1",
    ]);
  });
});

/** MD5 of what the program of each sequence wrote on Linux, and how it ended. */
const answers = (name: string) =>
  readFileSync(join(root, "tests/kernel", name), "utf8")
    .trim()
    .split("\n");

test.each([
  ["root", "file-acts.tsv", files, randomFileActs(6122)],
  ["a user among files of root", "file-acts-user.tsv", filesAsUser, randomFileActs(6123, true)],
] as const)(
  "random calls on files by %s answer as on Linux and leave the disk in order",
  { timeout: 120_000 },
  (_who, name, setting, sequences) => {
    for (const [n, line] of answers(name).entries()) {
      const acts = file(acting(sequences.next().value, setting), 0o755);
      const conf = { ...AS_ROOT, ram_frames: 2048 };
      machine.boot({ root: directory({ acts }), path: "/acts", conf });
      const { stdout, verdict } = machine.run({ limit: 1e6 });
      const md5 = createHash("md5").update(Buffer.from(stdout, "latin1")).digest("hex");
      expect(`${md5}\t${verdict}`, `sequence ${n}`).toBe(line);
      expect(fsck(machine.core), `sequence ${n}`).toEqual([]);
    }
  },
);

test("the disk is in order at every entry into the kernel", { timeout: 120_000 }, () => {
  const sequences = randomFileActs(77);
  for (let n = 0; n < 12; n++) {
    const acts = file(acting(sequences.next().value, files), 0o755);
    const disk = { freeBlocks: 40, freeInodes: 12 };
    const conf = { ...AS_ROOT, ram_frames: 512 };
    machine.boot({ root: directory({ acts }), path: "/acts", conf, disk });
    const wrong: string[] = [];
    machine.run({
      limit: 1e6,
      between: () => {
        if (wrong.length === 0) wrong.push(...fsck(machine.core));
      },
    });
    expect(wrong, `sequence ${n}`).toEqual([]);
  }
});

test("a check of the disk sees a lost block, a wrong link count, a page that was not written", () => {
  const acts = file(acting([[56, -100, 0x802c00, 0x42, 0o644]], files), 0o755);
  const spoil = (change: (core: Linux["core"], disk: number) => void) => {
    machine.boot({ root: directory({ acts }), path: "/acts", conf: AS_ROOT });
    machine.run({ limit: 1e6 });
    expect(fsck(machine.core)).toEqual([]);
    change(machine.core, machine.disk);
    return fsck(machine.core).map((line) => line.slice(0, 2));
  };
  const free = (core: Linux["core"], disk: number, at: number) =>
    core.setU32(disk + at, core.getU32(disk + at) - 1);
  expect(spoil((core, disk) => free(core, disk, 44))).toEqual(["D3"]);
  expect(
    spoil((core, disk) => {
      const inodes = disk + core.getU32(disk + 12) * 4096;
      core.setU32(inodes + 10 * 128 + 12, 7);
    }),
  ).toContain("D5");
  expect(
    spoil((core) => {
      const pfn = machine.cachedFrame();
      core.setU8(machine.frame(pfn) + 100, core.getU8(machine.frame(pfn) + 100) ^ 1);
    }),
  ).toEqual(["C4"]);
});
