// Frames of memory, the page cache, and what the pages of an area are.
import {
  ANON_VMA_RB_ROOT,
  AVC_RB_NEXT,
  AVC_VMA,
  BOOT_ERRNO,
  Conf,
  FRAMES,
  MM_PGD,
  NR_FREE,
  PAGE_FLAGS,
  PAGE_INDEX,
  PAGE_MAPCOUNT,
  PAGE_MAPPING,
  PAGE_REFCOUNT,
  PAGE_SIZE_OF,
  PG,
  VM,
  VMA_MM,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { FrameGrid, PageState } from "../types.ts";
import { leafPte, pte, ptePfn } from "./page-tables.ts";
import { type Vma, vma } from "./tasks.ts";

/** Two spare bits of a PTE are the kernel's: bit 8 marks the zero page (kernel/pgtable.ts). */
const PTE_SPECIAL = 0x100n;

export interface Frame {
  pfn: number;
  flags: number;
  refcount: number;
  mapcount: number;
  /** Address of the inode, of the anon_vma, or (page tables) of the mm_struct. */
  mapping: number;
  index: number;
}

export function frame(core: Core, pfn: number): Frame {
  const at = FRAMES + pfn * PAGE_SIZE_OF;
  const flags = core.getU32(at + PAGE_FLAGS);
  return {
    pfn,
    flags,
    refcount: core.getI32(at + PAGE_REFCOUNT),
    // Of a free frame the word may be MAP_NOZERO's tag (views/provenance.ts).
    mapcount: flags & PG.free ? 0 : core.getI32(at + PAGE_MAPCOUNT),
    mapping: core.getU32(at + PAGE_MAPPING),
    index: core.getNumber(at + PAGE_INDEX),
  };
}

/**
 * Where an anonymous frame is mapped: the address spaces (mm_struct) and addresses whose page
 * tables hold it now, as the kernel's reverse map finds them.
 */
export function anonMappings(core: Core, frame: Frame): { mm: number; va: bigint }[] {
  const found: { mm: number; va: bigint }[] = [];
  if (frame.mapcount === 0) return found;
  let avc = core.getU32(frame.mapping + ANON_VMA_RB_ROOT);
  for (; avc !== 0; avc = core.getU32(avc + AVC_RB_NEXT)) {
    const area = core.getU32(avc + AVC_VMA);
    const { start, end, pgoff } = vma(core, area);
    const va = start + (BigInt(frame.index - pgoff) << 12n);
    if (va < start || va >= end) continue;
    const mm = core.getU32(area + VMA_MM);
    const entry = leafPte(core, core.getU32(mm + MM_PGD), va);
    if ((entry & 33n) !== 0n && ptePfn(entry) === frame.pfn) found.push({ mm, va });
  }
  return found;
}

const FRAME_STATES: PageState[] = [
  ...(["free", "kernel", "table", "zero", "file", "file-dirty", "anon"] as const),
];

function frameState(flags: number, refcount: number): number {
  if (flags & PG.free) return 0;
  if (flags & PG.table) return 2;
  if (flags & PG.zero) return 3;
  if (flags & PG.pagecache) return flags & PG.dirty ? 5 : 4;
  if (flags & PG.anon) return 6;
  return flags === 0 && refcount === 0 ? 0 : 1;
}

export function stateOfFrame(core: Core, pfn: number): PageState {
  const { flags, refcount } = frame(core, pfn);
  return FRAME_STATES[frameState(flags, refcount)] as PageState;
}

/** Frames of RAM, and how many of them are free. */
export function memory(core: Core): { total: number; free: number } {
  return { total: core.conf(Conf.ram_frames), free: core.getU32(NR_FREE) };
}

/** One cell a frame. */
export function frameGrid(core: Core): FrameGrid {
  const total = core.conf(Conf.ram_frames);
  const cells = new Uint8Array(total);
  const { words } = core;
  for (let pfn = 0; pfn < total; pfn++) {
    const at = (FRAMES + pfn * PAGE_SIZE_OF) >> 2;
    cells[pfn] = frameState(words[at] as number, words[at + (PAGE_REFCOUNT >> 2)] as number);
  }
  return { total, free: core.getU32(NR_FREE), cells, states: FRAME_STATES };
}

/** Pages of the page cache: frames by page of the file, by address of the inode. */
export function pageCache(core: Core): Map<number, Map<number, number>> {
  const cache = new Map<number, Map<number, number>>();
  const total = core.conf(Conf.ram_frames);
  const { words } = core;
  for (let pfn = 0; pfn < total; pfn++) {
    const at = FRAMES + pfn * PAGE_SIZE_OF;
    const flags = words[at >> 2] as number;
    if (!(flags & PG.pagecache) || flags & PG.free) continue;
    const inode = words[(at + PAGE_MAPPING) >> 2] as number;
    let pages = cache.get(inode);
    if (!pages) {
      pages = new Map();
      cache.set(inode, pages);
    }
    pages.set(core.getNumber(at + PAGE_INDEX), pfn);
  }
  return cache;
}

/**
 * What a page of an address space is.
 *
 * @param entry its level-0 PTE
 */
export function stateOfPte(core: Core, entry: bigint): PageState {
  // A page without any permission keeps its frame and says so with G (PROT_NONE).
  if ((entry & 33n) === 0n) return "absent";
  if (entry & PTE_SPECIAL) return "zero";
  const pfn = ptePfn(entry);
  return pfn < core.conf(Conf.ram_frames) ? stateOfFrame(core, pfn) : "absent";
}

/** States of the first `limit` pages of an area, and how many are present in all of it. */
export function pagesOf(
  core: Core,
  root: number,
  area: Vma,
  cached: Map<number, number> | undefined,
  limit: number,
): { cells: PageState[]; present: number } {
  const pages = Number((area.end - area.start) >> 12n);
  const cells: PageState[] = [];
  let present = 0;
  for (let i = 0; i < pages; ) {
    const va = area.start + (BigInt(i) << 12n);
    const table = tableOf(core, root, va);
    // To the end of this level-0 table: where it is missing, so are all its pages.
    const until = Math.min(pages, i + 512 - Number((va >> 12n) & 511n));
    for (; i < until; i++) {
      const index = Number((area.start >> 12n) & 511n) + i;
      const entry = table === 0 ? 0n : pte(core, table, index & 511);
      const kind = stateOfPte(core, entry);
      const state = kind === "anon" && area.flags & VM.SCRATCH ? "scratch" : kind;
      if (state !== "absent") present++;
      if (cells.length >= limit) {
        if (table === 0) i = until - 1;
        continue;
      }
      cells.push(state === "absent" && cached?.has(area.pgoff + i) ? "cached" : state);
    }
  }
  return { cells, present };
}

/** The level-0 entries of an area that are not 0. */
export function* ptes(
  core: Core,
  root: number,
  area: { start: bigint; end: bigint },
): Generator<{ va: bigint; entry: bigint }> {
  for (let va = area.start; va < area.end; ) {
    const table = tableOf(core, root, va);
    // To the end of this level-0 table.
    const next = (va | 0x1fffffn) + 1n;
    const until = next < area.end ? next : area.end;
    if (table === 0) {
      va = until;
      continue;
    }
    for (; va < until; va += 4096n) {
      const entry = pte(core, table, Number((va >> 12n) & 511n));
      if (entry !== 0n) yield { va, entry };
    }
  }
}

/** Frame of the level-0 table for `va`, 0 when there is none. */
function tableOf(core: Core, root: number, va: bigint): number {
  const frames = core.conf(Conf.ram_frames);
  let table = root;
  for (let level = 2; level > 0; level--) {
    if (table <= 0 || table >= frames) return 0;
    const entry = pte(core, table, Number((va >> BigInt(12 + 9 * level)) & 511n));
    if (!(entry & 1n) || entry & 14n) return 0;
    table = ptePfn(entry);
  }
  return table < frames ? table : 0;
}

/** errno of a boot execve that was refused, 0 otherwise. */
export function bootErrno(core: Core): number {
  return core.getI32(BOOT_ERRNO);
}
