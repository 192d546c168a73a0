// A resident program's saved image beside its living copies: which of its pages each still
// shares, and which it has made its own.
import { Conf, MM_PGD, VM } from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { Machine } from "../machine.ts";
import { namer } from "../snapshot.ts";
import {
  MARK_SHARED,
  type PageState,
  type PictureOf,
  type ResidentPicture,
  type ResidentRow,
} from "../types.ts";
import * as views from "../views.ts";

/** Pages drawn of one area; longer ones are cut. */
const MAX_CELLS = 1024;

const STATES: Record<views.Whereabouts, PageState> = {
  absent: "absent",
  file: "file",
  private: "anon",
  swap: "swap",
};

const emptyRow = (pages: number): ResidentRow => ({
  cells: Array.from({ length: pages }, () => "absent"),
  marks: new Uint8Array(pages),
  pfns: new Uint32Array(pages),
});

/** The frame that an address space has at a page, 0 when there is none. */
function frameAt(core: Core, mm: number, va: bigint): number {
  const entry = views.leafPte(core, core.getU32(mm + MM_PGD), va);
  return entry & 33n ? views.ptePfn(entry) : 0;
}

function areaPicture(
  core: Core,
  image: views.ResidentImage,
  { vma, length, pages }: views.ResidentArea,
  name: string,
): ResidentPicture["areas"][0] {
  const shown = Math.min(length, MAX_CELLS);
  const saved = emptyRow(shown);
  const copies = image.copies.map(() => emptyRow(shown));
  for (const page of pages) {
    const { index } = page;
    if (index >= shown) continue;
    const va = vma.start + (BigInt(index) << 12n);
    const own = page.saved === "private" || page.saved === "swap";
    saved.cells[index] = STATES[page.saved];
    saved.pfns[index] = frameAt(core, image.mm, va);
    for (const [i, row] of copies.entries()) {
      const now = page.copies[i] ?? "absent";
      const shared = now === "shared";
      row.cells[index] = STATES[shared ? page.saved : now];
      row.pfns[index] = frameAt(core, image.copies[i]?.mm ?? 0, va);
      // The page cache's frames are everybody's: only the image's own can be shared or copied.
      if (!shared || !own) continue;
      row.marks[index] = MARK_SHARED;
      saved.marks[index] = MARK_SHARED;
    }
  }
  return {
    startPage: Number(vma.start >> 12n),
    start: views.hex(vma.start),
    perms: views.perms(vma.flags),
    name,
    pages: length,
    saved,
    copies,
  };
}

/**
 * The images there are, and one of them page by page.
 *
 * @param image its number; without it, or when there is none of it, the last registered
 */
export function residentPicture(
  machine: Machine,
  { image: wanted }: PictureOf = {},
): ResidentPicture {
  const { core } = machine;
  const { path } = namer(machine);
  const images = views.residentImages(core);
  const shown = images.find(({ id }) => id === wanted) ?? images.at(-1);
  const areas = shown
    ? views
        .residentAreas(core, shown)
        .filter(({ vma, pages }) => pages.length > 0 && (vma.flags & VM.PFNMAP) === 0)
    : [];
  return {
    enabled: core.conf(Conf.vm_resident_enabled) !== 0,
    images: images.map(({ id, ino, execs, changed, emptied, anon, file, swapped, tables }) => ({
      ...{ id, execs, changed, emptied, file, swapped, tables },
      own: anon,
      path: path(ino),
    })),
    shown: shown?.id ?? 0,
    copies:
      shown?.copies.map(({ pid, name }, i) => ({
        pid,
        name,
        ...views.residentCounts(areas, i),
      })) ?? [],
    areas: shown
      ? areas.map((area) =>
          areaPicture(core, shown, area, area.vma.ino === 0 ? "" : path(area.vma.ino)),
        )
      : [],
  };
}
