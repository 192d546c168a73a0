import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { residentPicture } from "../../web/machine/pictures/resident.ts";
import { MARK_SHARED, type ResidentRow } from "../../web/machine/types.ts";
import { residentImages } from "../../web/machine/views.ts";
import { start } from "./programs.ts";

const FILES = [
  ...["bin/resident", "bin/again", "bin/hello-dynamic", "bin/sort-dynamic"],
  ...["lib/ld-pagewalk.so.1", "lib/libc-pagewalk.so.1"],
];
const SETTINGS = ["uid=0", "gid=0", "vm.resident_enabled=1", "ram=8"];

/** Two images are made, then the second program runs three times. */
async function boot(): Promise<Machine> {
  const root = directory();
  const programs = join(inject("root"), "public/programs");
  for (const path of FILES)
    place(root, `/${path}`, file(readFileSync(join(programs, path)), 0o755));
  const words = ["hello-dynamic", "sort-dynamic", "--", "again", "3", "sort-dynamic", "300"];
  const request = { root, path: "/bin/resident", argv: ["resident", ...words] };
  return start("resident", [], { settings: SETTINGS, request });
}

/** To a place where a copy of the second image lives and has run a while. */
async function toCopy(machine: Machine): Promise<void> {
  const copies = () => residentImages(machine.core)[1]?.copies.length ?? 0;
  while (!machine.halted && copies() === 0) await machine.stepInstruction(500);
  await machine.stepInstruction(3000);
  expect(copies()).toBe(1);
}

const count = (rows: readonly ResidentRow[], of: (row: ResidentRow, i: number) => boolean) =>
  rows.reduce((n, row) => n + row.cells.filter((_, i) => of(row, i)).length, 0);
const isShared = ({ marks }: ResidentRow, i: number) => ((marks[i] ?? 0) & MARK_SHARED) !== 0;

describe("the picture of saved images", () => {
  it("marks as shared the frames that image and copy both have, and no page of a file", async () => {
    const machine = await boot();
    await toCopy(machine);
    const { areas, copies, images, shown } = residentPicture(machine);
    expect(images.map(({ path }) => path)).toEqual(["/bin/hello-dynamic", "/bin/sort-dynamic"]);
    expect(shown).toBe(images[1]?.id);
    const copy = areas.map((area) => area.copies[0] as ResidentRow);
    const saved = areas.map((area) => area.saved);
    expect(count(copy, isShared)).toBe(copies[0]?.shared);
    expect(copies[0]?.shared).toBeGreaterThan(0);
    for (const [k, row] of copy.entries()) {
      row.cells.forEach((state, i) => {
        const same = row.pfns[i] === saved[k]?.pfns[i];
        if (isShared(row, i)) expect([state, same]).toEqual(["anon", true]);
        else if (state === "anon") expect(same).toBe(false);
      });
    }
    const copied = (row: ResidentRow, i: number) => row.cells[i] === "anon" && !isShared(row, i);
    expect(count(copy, copied)).toBe(copies[0]?.copied);
  });

  it("shows fewer shared pages the longer a copy has run, never more", async () => {
    const machine = await boot();
    await toCopy(machine);
    let before = residentPicture(machine).copies[0];
    for (let i = 0; i < 20; i++) {
      await machine.stepInstruction(1000);
      const now = residentPicture(machine).copies[0];
      if (!now || now.pid !== before?.pid) break;
      expect(now.shared).toBeLessThanOrEqual(before.shared);
      expect(now.shared + now.copied).toBeGreaterThanOrEqual(before.shared + before.copied);
      before = now;
    }
  });

  it("is of the image that is asked for, and says so when there is none", async () => {
    const machine = await boot();
    expect(residentPicture(machine)).toMatchObject({
      enabled: true,
      images: [],
      shown: 0,
      areas: [],
    });
    await toCopy(machine);
    const first = residentPicture(machine).images[0];
    const picture = residentPicture(machine, { image: first?.id });
    expect(picture).toMatchObject({ shown: first?.id, copies: [] });
    expect(picture.areas.length).toBeGreaterThan(3);
    expect(
      count(
        picture.areas.map(({ saved }) => saved),
        isShared,
      ),
    ).toBe(0);
  });
});
