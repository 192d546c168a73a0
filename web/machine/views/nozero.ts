// What MAP_NOZERO knows of each frame: whose it was, what is left in it, who took it; and the free
// list in its order.
import {
  Conf,
  FRAMES,
  FREE_HEAD,
  Holds,
  NOZERO_OLDEST,
  NozeroOwner,
  NozeroTag,
  PAGE_FLAGS,
  PAGE_LRU_NEXT,
  PAGE_LRU_PREV,
  PAGE_MAPCOUNT,
  PAGE_PROVENANCE,
  PAGE_SIZE_OF,
  PG,
  PROVENANCE_HOLDS,
  PROVENANCE_SIZE,
  PROVENANCE_TAG,
  PROVENANCE_USER,
  TaskState,
  VM,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { ptes } from "./frames.ts";
import { ptePfn } from "./page-tables.ts";
import { mm, type Task, tasks, vmas } from "./tasks.ts";

/** V, or G of a page that keeps its frame without any permission. */
const PTE_THERE = 33n;

export interface FrameRecord {
  pfn: number;
  free: boolean;
  /** Owner tag of a free frame: 0 none, else the owner's id plus 1. 0 while it is in use. */
  tag: number;
  /** Holds.zero, .kernel, .file, or a uid plus Holds.uid. */
  holds: number;
  /** uid plus 1 of whoever took the frame last, 0 nobody. */
  user: number;
}

/** Whether the machine keeps a record of each frame: it was started with the proposal on. */
export const hasRecords = (core: Core): boolean => core.getU32(PAGE_PROVENANCE) !== 0;

/** The tag is in a field of its own, not in the map count. */
export const tagHasField = (core: Core): boolean =>
  core.conf(Conf.vm_nozero_tag) === NozeroTag.field ||
  core.conf(Conf.vm_nozero_owner) === NozeroOwner.memcg;

/** What is known of a frame. @param pfn any frame, when `hasRecords` */
export function frameRecord(core: Core, pfn: number): FrameRecord {
  const page = FRAMES + pfn * PAGE_SIZE_OF;
  const record = core.getU32(PAGE_PROVENANCE) + pfn * PROVENANCE_SIZE;
  const free = (core.getU32(page + PAGE_FLAGS) & PG.free) !== 0;
  const tag = tagHasField(core)
    ? core.getU32(record + PROVENANCE_TAG)
    : core.getU32(page + PAGE_MAPCOUNT);
  return {
    pfn,
    free,
    tag: free ? tag : 0,
    holds: core.getU32(record + PROVENANCE_HOLDS),
    user: core.getU32(record + PROVENANCE_USER),
  };
}

/** A page of a MAP_NOZERO area in which something is left. */
export interface Leftover extends FrameRecord {
  task: Task;
  va: bigint;
  /** It is the reader's own: who took the frame is who left it. */
  own: boolean;
}

/** Pages of MAP_NOZERO areas that were not cleared, by process and address. */
export function leftovers(core: Core): Leftover[] {
  const found: Leftover[] = [];
  if (!hasRecords(core)) return found;
  for (const task of tasks(core)) {
    if (task.mm === 0 || task.state === TaskState.dead) continue;
    const { pgd } = mm(core, task.mm);
    for (const area of vmas(core, task.mm)) {
      if ((area.flags & VM.NOZERO) === 0) continue;
      for (const { va, entry } of ptes(core, pgd, area)) {
        const pfn = entry & PTE_THERE ? ptePfn(entry) : 0;
        if (pfn === 0 || (core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS) & PG.anon) === 0)
          continue;
        const one = frameRecord(core, pfn);
        if (one.holds === Holds.zero) continue;
        const own = one.holds >= Holds.uid && one.holds - Holds.uid === one.user - 1;
        found.push({ ...one, task, va, own });
      }
    }
  }
  return found;
}

/**
 * Free frames in the order in which somebody without a tag of his own would get them: the free
 * list; behind it, where owners have lists of their own, the tagged ones, the oldest first.
 *
 * @param limit at most so many
 */
export function freeList(core: Core, limit: number): number[] {
  const found: number[] = [];
  const follow = (first: number, link: number) => {
    for (let pfn = first; pfn !== 0 && found.length < limit; ) {
      found.push(pfn);
      pfn = core.getU32(FRAMES + pfn * PAGE_SIZE_OF + link);
    }
  };
  follow(core.getU32(FREE_HEAD), PAGE_LRU_NEXT);
  follow(core.getU32(NOZERO_OLDEST), PAGE_LRU_PREV);
  return found;
}
