// Scratch pages dropped on demand, between any two instructions: memory need not be
// short for somebody to see what a program does when it is.
//
//   A  one page, by its address in the running process
//   B  every scratch page of every process
//
// What reclaim would leave, this leaves too: pages that are locked in memory, and those
// that the disk is at.
//
// In Linux: nowhere. (echo 1 > /proc/sys/vm/drop_caches takes the clean ones.)
// Left out: nothing.
import { CONF_BASE, Conf, PG, ScratchWhy, VM } from "../abi";
import { EINVAL, ENOMEM } from "../kernel/errno";
import { mem_map } from "../kernel/mm_types";
import { pte_offset, pte_pfn, pte_present, pte_special } from "../kernel/pgtable";
import { the_walk } from "../kernel/rmap";
import { current } from "../kernel/sched";
import { is_pinned } from "../kernel/shrink_folio";
import { find_vma } from "../kernel/vma";
import { is_scratch, scratch_drop } from "./scratch";

/**
 * => pages dropped; -ENOMEM: nothing is mapped at `va`, -EINVAL: no scratch mapping is.
 */
export function scratch_act(va: u64, all: bool): i64 {
  if (all) return drop_all(); // B
  const mm = current().mm;
  if (mm == null) return -EINVAL;
  // A
  const vma = find_vma(mm, va);
  if (vma == null || vma.vm_start > va) return -ENOMEM;
  if ((vma.vm_flags & VM.SCRATCH) == 0) return -EINVAL;
  const slot = pte_offset(mm, va);
  if (slot == 0) return 0;
  const pte = load<u64>(slot);
  if (!pte_present(pte) || pte_special(pte)) return 0;
  return drop_frame(pte_pfn(pte)) ? 1 : 0;
}

/** B: => pages dropped */
function drop_all(): i64 {
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  let dropped: i64 = 0;
  for (let pfn = next_anon(0, frames); pfn < frames; ) {
    if (drop_frame(pfn)) dropped++;
    pfn = next_anon(pfn + 1, frames);
  }
  return dropped;
}

/** => the first frame from `pfn` on that holds a mapped anonymous page, or `frames`. */
// @nomark
function next_anon(pfn: u32, frames: u32): u32 {
  while (pfn < frames) {
    const p = mem_map(pfn);
    if ((p.flags & PG.anon) != 0 && p.mapcount > 0) break;
    pfn++;
  }
  return pfn;
}

/** => was it a scratch page, and is gone? */
function drop_frame(pfn: u32): bool {
  const p = mem_map(pfn);
  if ((p.flags & (PG.locked | PG.writeback | PG.mlocked)) != 0) return false;
  if (is_pinned(p) || !is_scratch(pfn)) return false;
  if (the_walk().vm_flags & VM.LOCKED) return false;
  scratch_drop(pfn, ScratchWhy.act);
  return true;
}
