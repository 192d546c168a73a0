import { describe, expect, it } from "vitest";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { bit, countBits, pageBitmaps } from "../../web/machine/elf/pbitmap.ts";
import { bitmapPicture } from "../../web/machine/pictures/bitmap.ts";
import { type BitmapPicture, MARK_BIT, MARK_MAJOR, MARK_MINOR } from "../../web/machine/types.ts";
import { Files } from "../../web/machine/views/files.ts";
import { programBytes, start } from "./programs.ts";

const SETTINGS = ["ram=16", "vm.read_ahead_kb=0", "vm.fault_around_bytes=4096"];
/** Root's run, for the file is root's: who may not write it leaves no record in it. */
const ON = [...SETTINGS, "vm.pbitmap_enabled=1", "vm.old_prefault=1", "uid=0"];

/** Pages of the file with any of these marks. */
const marked = ({ segments }: BitmapPicture, mask: number): number[] =>
  segments.flatMap(({ first, marks }) =>
    [...marks].flatMap((mark, i) => (mark & mask ? [first + i] : [])),
  );
const statesOf = ({ segments }: BitmapPicture): string[] => segments.flatMap(({ cells }) => cells);

describe("the bitmap's picture", () => {
  it("of a program without a bitmap tells which of its pages were faulted, and how", async () => {
    const machine = await start("cow", [], { settings: SETTINGS });
    await machine.run();
    const picture = bitmapPicture(machine);
    expect(picture).toMatchObject({ enabled: false, file: { path: "/cow", problem: "" } });
    expect(marked(picture, MARK_BIT)).toEqual([]);
    expect(marked(picture, MARK_MAJOR)).toEqual([1, 2, 3]);
    // The headers were read by the kernel before the first fault.
    expect(marked(picture, MARK_MINOR | MARK_MAJOR)).toEqual([0, 1, 2, 3]);
  });

  it("covers every page of the file once, those of no segment too", async () => {
    const bytes = addBitmaps(programBytes("cow"));
    const machine = await start("cow", [], { settings: SETTINGS, bytes });
    const { segments } = bitmapPicture(machine);
    const pages = segments.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, i) => first + i),
    );
    expect(pages).toEqual(Array.from({ length: Math.ceil(bytes.length / 4096) }, (_, i) => i));
  });

  it("has the bits that the kernel wrote into the file when the program ended", async () => {
    const bytes = addBitmaps(programBytes("cow"));
    const machine = await start("cow", [], { settings: ON, bytes });
    expect(marked(bitmapPicture(machine), MARK_BIT)).toEqual([]);
    await machine.run();
    const picture = bitmapPicture(machine);
    const files = new Files(machine.core);
    const info = files.lookup("/cow");
    if (!info) throw new Error("no /cow");
    const now = pageBitmaps(files.read(info)).bitmaps;
    const set = now.reduce((n, bitmap) => n + countBits(bitmap), 0);
    expect(set).toBeGreaterThan(0);
    expect(picture.enabled).toBe(true);
    for (const { filePage, pages, bits } of now) {
      for (let i = 0; i < pages; i++) {
        const shown = marked(picture, MARK_BIT).includes(filePage + i);
        if (bit(bits, i)) expect(shown).toBe(true);
      }
    }
  });

  it("shows what was fetched by the bitmap as not yet used, until it is", async () => {
    const bytes = addBitmaps(programBytes("cow"));
    const first = await start("cow", [], { settings: ON, bytes });
    await first.run();
    const files = new Files(first.core);
    const info = files.lookup("/cow");
    if (!info) throw new Error("no /cow");
    const recorded = files.read(info);

    const machine = await start("cow", [], { settings: ON, bytes: recorded });
    await machine.seek({ instret: 1, mark: 0 });
    const begun = bitmapPicture(machine);
    expect(statesOf(begun)).toContain("cached");
    expect(begun.areas.flatMap(({ cells }) => cells)).toContain("cached");
    await machine.run();
    const ended = bitmapPicture(machine);
    expect(marked(ended, MARK_MAJOR)).toEqual([]);
  });

  it("says why the bitmaps of a damaged file cannot be read", async () => {
    const bytes = addBitmaps(programBytes("cow"));
    // The first section header's e_shentsize: no such size.
    bytes[58] = 63;
    const machine = await start("cow", [], { settings: ON, bytes });
    expect(bitmapPicture(machine).file?.problem).toMatch(/e_shentsize is 63, not 64/);
  });
});
