import { expect, test } from "vitest";
import { diskPaths } from "../../web/machine/disk-tree.ts";
import { namer } from "../../web/machine/snapshot.ts";
import { acting, type Act, TABLE } from "../kernel/acts.ts";
import { start } from "./programs.ts";

const AT_FDCWD = -100;
const names: [at: number, text: string][] = [
  [0x2c00, "/tmp/made"],
  [0x2c20, "/tmp/made/file"],
  [0x2c40, "/tmp/renamed"],
  [0x2c60, "/gone"],
];
const [made, file, renamed, gone] = names.map(([at]) => TABLE + at) as [
  number,
  number,
  number,
  number,
];
const acts: Act[] = [
  [34, AT_FDCWD, made, 0o755],
  [56, AT_FDCWD, file, 0x42, 0o644],
  [64, 3, TABLE, 5000],
  [276, AT_FDCWD, file, AT_FDCWD, renamed, 0],
  [56, AT_FDCWD, gone, 0x42, 0o644],
  [35, AT_FDCWD, gone, 0],
];

test("paths are those of the disk as it is: made, renamed, removed", async () => {
  const bytes = acting(acts, { acts: [], strings: names });
  const options = { settings: ["uid=0", "gid=0"], bytes };
  const machine = await start("acts", [], options);
  const before = new Set(diskPaths(machine.core).values());
  for (const path of machine.inodes.keys()) expect(before).toContain(path);
  expect(before.size).toBe(machine.inodes.size);
  await machine.run();
  const after = diskPaths(machine.core);
  const fresh = [...after].filter(([, path]) => !before.has(path));
  expect(fresh.map(([, path]) => path).sort()).toEqual(["/tmp/made", "/tmp/renamed"]);
  const path = namer(machine).path;
  for (const [ino, name] of fresh) expect(path(ino)).toBe(name);
  expect(path(99_999)).toBe("inode 99999");
});
