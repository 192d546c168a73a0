// The scratch mappings of every process, and what there is of each page: from the page tables, and
// from the kernel's memory of what it dropped.
import {
  MM_ASID,
  MM_PGD,
  PG,
  SCRATCH_DROPPED,
  SCRATCH_SETS,
  SCRATCH_WAYS,
  TaskState,
  VM,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { frame } from "./frames.ts";
import { leafPte, ptePfn } from "./page-tables.ts";
import { type Task, tasks, type Vma, vmas } from "./tasks.ts";

/**
 * "absent": nobody has touched it. "clean": the page cache's own frame. "written": a copy, which
 * memory that is short may take. "dropped": it was taken, and not touched since.
 */
export type ScratchState = "absent" | "clean" | "written" | "dropped";

export interface ScratchPage {
  /** From the start of its area. */
  index: number;
  va: bigint;
  state: ScratchState;
  /** Its frame, 0 when it has none. */
  pfn: number;
}

export interface ScratchArea {
  task: Task;
  vma: Vma;
  /** All of them, in order. */
  pages: ScratchPage[];
}

/** Pages dropped and not back: keys as the kernel keeps them. */
function droppedPages(core: Core): Set<number> {
  const keys = new Set<number>();
  for (let i = 0; i < SCRATCH_SETS * SCRATCH_WAYS; i++) {
    const key = core.getU32(SCRATCH_DROPPED + 4 * i);
    if (key !== 0) keys.add(key);
  }
  return keys;
}

/** The scratch mappings of every living process, by process and address. */
export function scratchAreas(core: Core): ScratchArea[] {
  const found: ScratchArea[] = [];
  let dropped: Set<number> | null = null;
  for (const task of tasks(core)) {
    if (task.mm === 0 || task.state === TaskState.dead) continue;
    const root = core.getU32(task.mm + MM_PGD);
    const space = (core.getU32(task.mm + MM_ASID) - 1) * 2 ** 26;
    for (const vma of vmas(core, task.mm)) {
      if ((vma.flags & VM.SCRATCH) === 0) continue;
      dropped ??= droppedPages(core);
      const pages: ScratchPage[] = [];
      for (let va = vma.start; va < vma.end; va += 4096n) {
        const pte = leafPte(core, root, va);
        const pfn = pte === 0n ? 0 : ptePfn(pte);
        const written = pfn !== 0 && (frame(core, pfn).flags & PG.anon) !== 0;
        let state: ScratchState = written ? "written" : "clean";
        if (pfn === 0) state = dropped.has(space + Number(va >> 12n)) ? "dropped" : "absent";
        pages.push({ index: pages.length, va, state, pfn });
      }
      found.push({ task, vma, pages });
    }
  }
  return found;
}
