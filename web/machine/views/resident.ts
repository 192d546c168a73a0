// The saved images of resident executables, and what the programs that began as copies of them
// still share with them: page by page, from the page tables.
import {
  FILE_NAME,
  INODE_INO,
  MM_EXE_FILE,
  MM_PGD,
  MM_PGTABLES,
  MM_RESIDENT,
  MM_RSS_ANON,
  MM_RSS_FILE,
  MM_SWAPENTS,
  PG,
  RESIDENT_BASE,
  RESIDENT_COUNT,
  RESIDENT_MAX,
  RESIDENT_SIZE_OF,
  TaskState,
  VR_ENTRY_ADDR,
  VR_EXECS,
  VR_ID,
  VR_PID,
  VR_SERIAL,
  VR_STALE,
  VR_VMSPACE,
  VR_VNODE,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { frame } from "./frames.ts";
import { leafPte, ptePfn } from "./page-tables.ts";
import { type Vma, type Task, tasks, vmas } from "./tasks.ts";

/**
 * Where a page is, for one address space. "absent": nowhere; a fault finds it in its file, or makes
 * it. "file": the page cache's own frame. "private": a frame that is no file's. "swap": its slot.
 */
export type Whereabouts = "absent" | "file" | "private" | "swap";

export interface ResidentPage {
  /** From the start of its area. */
  index: number;
  saved: Whereabouts;
  /** Frame, or slot of the swap area; 0 when it is absent. */
  at: number;
  /** In the order of ResidentImage.copies. "shared": the image's very frame or slot. */
  copies: ("shared" | Whereabouts)[];
}

export interface ResidentArea {
  vma: Vma;
  /** Pages the area is long; of them those that the image or a copy has somewhere. */
  length: number;
  pages: ResidentPage[];
}

export interface ResidentImage {
  id: number;
  serial: number;
  /** Inode number, and the name it was started by (without its directory). */
  ino: number;
  name: string;
  entry: bigint;
  /** Who registered it. */
  pid: number;
  execs: number;
  /** A file it was made of has changed; its pages were taken when memory was out. */
  changed: boolean;
  emptied: boolean;
  /** Address of its mm_struct. */
  mm: number;
  /** Pages: in memory and of its own, of files, in swap, of page tables. */
  anon: number;
  file: number;
  swapped: number;
  tables: number;
  /** Living processes that began as a copy of it, and their children that have not execed since. */
  copies: Task[];
}

function whereabouts(core: Core, pte: bigint): { saved: Whereabouts; at: number } {
  if (pte === 0n) return { saved: "absent", at: 0 };
  // Neither V nor G: a swap entry, its slot from bit 12 on.
  if ((pte & 0x21n) === 0n) return { saved: "swap", at: Number(pte >> 12n) };
  const at = ptePfn(pte);
  return { saved: frame(core, at).flags & PG.anon ? "private" : "file", at };
}

/** Every image, in the order of registration. */
export function residentImages(core: Core): ResidentImage[] {
  const found: ResidentImage[] = [];
  const living = tasks(core).filter(({ mm, state }) => mm !== 0 && state !== TaskState.dead);
  const count = Math.min(core.getU32(RESIDENT_COUNT), RESIDENT_MAX);
  for (let i = 1; i <= count; i++) {
    const at = RESIDENT_BASE + i * RESIDENT_SIZE_OF;
    const mm = core.getU32(at + VR_VMSPACE);
    const serial = core.getU32(at + VR_SERIAL);
    const stale = core.getU32(at + VR_STALE);
    const exe = core.getU32(mm + MM_EXE_FILE);
    const name = core.bytes.slice(exe + FILE_NAME, exe + FILE_NAME + 80);
    found.push({
      id: core.getU32(at + VR_ID),
      serial,
      ino: core.getU32(core.getU32(at + VR_VNODE) + INODE_INO),
      name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
      entry: core.getU64(at + VR_ENTRY_ADDR),
      pid: core.getU32(at + VR_PID),
      execs: core.getU32(at + VR_EXECS),
      changed: (stale & 1) !== 0,
      emptied: (stale & 2) !== 0,
      mm,
      anon: core.getU32(mm + MM_RSS_ANON),
      file: core.getU32(mm + MM_RSS_FILE),
      swapped: core.getU32(mm + MM_SWAPENTS),
      tables: core.getU32(mm + MM_PGTABLES),
      copies: living.filter((task) => core.getU32(task.mm + MM_RESIDENT) === serial),
    });
  }
  return found;
}

/** The image's areas, lowest first, and where each page of them is, here and in the copies. */
export function residentAreas(core: Core, image: ResidentImage): ResidentArea[] {
  const root = core.getU32(image.mm + MM_PGD);
  const roots = image.copies.map(({ mm }) => core.getU32(mm + MM_PGD));
  return vmas(core, image.mm).map((vma) => {
    const length = Number((vma.end - vma.start) >> 12n);
    const pages: ResidentPage[] = [];
    for (let index = 0; index < length; index++) {
      const va = vma.start + (BigInt(index) << 12n);
      const own = whereabouts(core, leafPte(core, root, va));
      const copies = roots.map((copy) => {
        const { saved, at } = whereabouts(core, leafPte(core, copy, va));
        const same = saved !== "absent" && saved === own.saved && at === own.at;
        return same ? "shared" : saved;
      });
      if (own.saved === "absent" && copies.every((copy) => copy === "absent")) continue;
      pages.push({ index, ...own, copies });
    }
    return { vma, length, pages };
  });
}

/** Pages of a copy by what became of them. @param copy its place in image.copies */
export function residentCounts(areas: readonly ResidentArea[], copy: number) {
  const counts = { shared: 0, copied: 0, file: 0 };
  for (const { pages } of areas) {
    for (const page of pages) {
      const now = page.copies[copy];
      const own = page.saved === "private" || page.saved === "swap";
      if (now === "shared" && own) counts.shared++;
      else if (now === "private" || now === "swap") counts.copied++;
      else if (now === "file" || now === "shared") counts.file++;
    }
  }
  return counts;
}
