// Disks that outlive their machine.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { keptDisk, settledDisk } from "../../web/machine/kept-disk.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { type DirectoryNode, directory, file, find, mkfs, place } from "../../web/machine/mkfs.ts";
import { defaultSettings } from "../../web/machine/settings.ts";
import { diskFile } from "../../web/machine/views/disk.ts";
import { Files } from "../../web/machine/views/files.ts";
import { measure } from "../../web/machine/views/measure.ts";
import { acting } from "../kernel/acts.ts";
import { files, randomFileActs } from "../kernel/file-acts.ts";
import { programBytes, start } from "./programs.ts";

/** Everything a program could find out about the files, and where they lie, by path. */
function contents({ core }: Machine): Map<string, unknown> {
  const disk = new Files(core);
  return new Map(
    [...disk.paths()].map(([ino, path]) => {
      const info = disk.info(ino);
      if (!info) throw new Error(path);
      const { mode, uid, gid, nlink, size, mtime } = info;
      const entries =
        mode >> 12 === 4
          ? disk
              .entries(info)
              .map(({ name }) => name)
              .sort()
          : [];
      const bytes =
        mode >> 12 === 4 ? "" : createHash("sha1").update(disk.read(info)).digest("hex");
      return [path, { ino, mode, uid, gid, nlink, size, mtime, entries, bytes }];
    }),
  );
}

/** Where every block of every regular file lies: "path page lba". */
function places({ core }: Machine): string[] {
  return [...new Files(core).paths()].flatMap(([ino, path]) => {
    const { regular, extents } = diskFile(core, ino) ?? { regular: false, extents: [] };
    if (!regular || !path.startsWith("/home")) return [];
    return extents.flatMap(({ page, blocks, lba }) => {
      return Array.from({ length: blocks }, (_, i) => `${path} ${page + i} ${lba + i}`);
    });
  });
}

/** What the acts have made. */
function inHome(all: Map<string, unknown>): [string, unknown][] {
  return [...all].filter(([path]) => path.startsWith("/home")).sort();
}

const settings = ["uid=0", "gid=0"];

describe("a kept disk", () => {
  test.each([1, 2, 3, 4, 5, 6])(
    "has what random calls wrote, still dirty in memory, where it was written (seed %i)",
    async (seed) => {
      const sequences = randomFileActs(seed);
      const acts = Array.from({ length: 4 }, () => sequences.next().value ?? []).flat();
      const bytes = acting(acts.slice(0, 150), files);
      const first = await start("prog", [], { bytes, settings, travel: false });
      expect((await first.run()).reason).toBe("end");
      const after = contents(first);
      expect(inHome(after).length, "the acts made files").toBeGreaterThan(1);
      const root = keptDisk(first.core, first.request.root);
      const second = await start("prog", [], {
        settings,
        request: { root },
        bytes,
        travel: false,
      });
      expect(inHome(contents(second))).toEqual(inHome(after));
      // What was a hole has blocks now; nothing else has moved.
      expect(places(second)).toEqual(expect.arrayContaining(places(first)));
    },
  );

  test("shares the contents of files that nobody wrote to", async () => {
    const machine = await start("hello", [], { travel: false });
    await machine.run();
    const kept = keptDisk(machine.core, machine.request.root);
    const [old, now] = [machine.request.root, kept].map((root) => find(root, "/hello"));
    expect(now).toMatchObject({ kind: "file", mode: 0o755 });
    expect(now?.kind === "file" && old?.kind === "file" && now.data === old.data).toBe(true);
  });

  test("starts the same program at the same cost, to the last picosecond", async () => {
    for (const layout of ["copied", "linked"] as const) {
      const options = { settings: [`layout=${layout}`], travel: false };
      const first = await start("sort", ["200"], options);
      await first.run();
      const before = measure(first.core);
      const root = keptDisk(first.core, first.request.root);
      const again = await start("sort", ["200"], { ...options, request: { root } });
      await again.run();
      expect(measure(again.core)).toEqual(before);
    }
  });
});

describe("a settled disk", () => {
  const tree = (): DirectoryNode => {
    const root = directory();
    place(root, "/bin/a", file(new Uint8Array(50_000).fill(1)));
    place(root, "/bin/b", file(programBytes("sort")));
    place(root, "/lib/c", file(new Uint8Array(90_000).fill(2)));
    return root;
  };

  test.each(["copied", "linked"] as const)("lies as mkfs would lay it (%s)", (layout) => {
    const settled = settledDisk(tree(), { ...defaultSettings(), layout });
    const [wanted, found] = [mkfs(tree(), { layout }), mkfs(settled, { layout: "copied" })];
    expect(Object.fromEntries(found.extents)).toEqual(Object.fromEntries(wanted.extents));
  });

  test("lets a file grow behind its last block and leaves every other one alone", () => {
    const settled = settledDisk(tree(), { ...defaultSettings(), layout: "linked" });
    const before = mkfs(settled).extents;
    const a = find(settled, "/bin/a");
    if (a?.kind !== "file") throw new Error("no file");
    a.data = new Uint8Array(60_000).fill(3);
    const after = mkfs(settled).extents;
    const old = before.get("/bin/a") ?? [];
    const grown = after.get("/bin/a") ?? [];
    expect(grown.slice(0, old.length - 1)).toEqual(old.slice(0, -1));
    expect(grown.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(15);
    const tail = grown.at(-1);
    expect(Math.min(...old.map(({ lba }) => lba))).toBeLessThan(tail?.lba ?? 0);
    for (const [path, extents] of before)
      if (path !== "/bin/a") expect(after.get(path)).toEqual(extents);
  });
});
