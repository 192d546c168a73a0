// An image is what the files were when they were loaded. What if one of them changes?
//
//   program   write        refused while an image runs it (ETXTBSY), as for a process
//             rename       another file has the name now, and no image; the old one's
//                          stays, held for ever, and nothing will start from it
//   library   write        nobody refuses. Pages that were relocated are old in the
//                          image, the others come from the file and are new: a mixture
//             truncate     takes the relocated pages too, as those of every private
//                          mapping: what comes from the file again is not relocated,
//                          and a copy dies of its first pointer
//             rename       the image has the old library, and a fresh start the new one
//
//   A  as it was (NO_CHECK)   nothing is noticed: who changes a file must unregister
//   B  as it should be        a file of an image that is written, truncated, renamed or
//                             replaced makes the image stale: it is never copied again,
//                             and goes at the next exec, register or unregister
//
// Times of change cannot tell: they go on in steps of 4 ms, and a file may change twice
// in one. So the change itself is noticed; and where a shared mapping could write
// unseen, its pages are made read-only once, so that the next store faults.
//
//   C  memory is out          an image is work that can be done again, a process is
//                             not: the largest image is emptied before anybody is
//                             killed. As it was (NO_OOM), a process is killed
//
// In Linux: nothing. C is like mm/oom_kill.c __oom_reap_task_mm().
// Left out: directories on the way to a file that are renamed.
import { VM } from "../abi";
import { file_at } from "../kernel/file_table";
import { next_cached_page } from "../kernel/filemap";
import { inode, inode_at } from "../kernel/fs";
import { NO_PAGE, mem_map, mm_struct } from "../kernel/mm_types";
import { oom_reap_task_mm } from "../kernel/oom_kill";
import { page_mkclean } from "../kernel/rmap";
import {
  Drop,
  NO_CHECK,
  NO_OOM,
  as_it_was,
  nr_resident,
  resident_at,
  resident_drop,
  vmresident,
  vr_mm,
} from "./resident";

/** Bits of vr_stale: a file has changed; its pages were taken for memory. */
const STALE_FILE: u32 = 1;
const STALE_OOM: u32 = 2;
const LAST_PAGE: u64 = 0xffffffff;

/** B, C: images that must not be copied any more go. Only where no image is in use. */
export function resident_reap(): void {
  for (let i: u32 = 0; i < nr_resident(); ) {
    const vr = resident_at(i);
    if (vr.vr_stale & STALE_OOM) resident_drop(i, Drop.oom);
    else if (vr.vr_stale != 0 && !as_it_was(NO_CHECK)) resident_drop(i, Drop.stale);
    else i++;
  }
}

// @nomark
function vma_inode(file: u32): inode {
  return inode_at(file_at(file).f_inode);
}

/** Does the image map the file, or run it? */
// @nomark
function is_made_of(vr: vmresident, node: inode): bool {
  const wanted = <u32>changetype<usize>(node);
  if (vr.vr_vnode == wanted) return true;
  for (let vma = vr_mm(vr).mmap; vma != null; vma = vma!.vm_next) {
    if (vma.vm_file != 0 && file_at(vma.vm_file).f_inode == wanted) return true;
  }
  return false;
}

/** A, B: the file changes. It is only noted: somebody may be using an image's pages. */
export function resident_file_changed(node: inode): void {
  for (let i: u32 = 0; i < nr_resident(); i++) {
    const vr = resident_at(i);
    if (is_made_of(vr, node)) vr.vr_stale |= STALE_FILE;
  }
}

/** B: from now on every store to one of the image's files is noticed. */
export function resident_watch(vr: vmresident): void {
  for (let vma = vr_mm(vr).mmap; vma != null; vma = vma!.vm_next) {
    if (vma.vm_file != 0) write_protect(vma_inode(vma.vm_file));
  }
}

/** Shared mappings of the file, if there are any, become clean and read-only. */
function write_protect(node: inode): void {
  let shared = false;
  for (let vma = node.i_mmap; vma != null; vma = vma!.i_mmap_next) {
    if ((vma.vm_flags & VM.SHARED) != 0) shared = true;
  }
  if (!shared) return;
  let pfn = next_cached_page(node, 0, LAST_PAGE);
  while (pfn != NO_PAGE) {
    page_mkclean(pfn);
    pfn = next_cached_page(node, mem_map(pfn).index + 1, LAST_PAGE);
  }
}

/** Pages that an image alone keeps: what emptying it can give. */
// @nomark
function vr_pages(mm: mm_struct): u32 {
  return mm.rss_anon + mm.swapents;
}

/** C: the largest image that is not being copied is emptied. => was there one? */
export function resident_out_of_memory(): bool {
  if (as_it_was(NO_OOM)) return false;
  let chosen: vmresident | null = null;
  for (let i: u32 = 0; i < nr_resident(); i++) {
    const vr = resident_at(i);
    if (vr.vr_refs != 0 || (vr.vr_stale & STALE_OOM) != 0) continue;
    if (chosen == null || vr_pages(vr_mm(vr)) > vr_pages(vr_mm(chosen))) chosen = vr;
  }
  if (chosen == null) return false;
  chosen.vr_stale |= STALE_OOM;
  oom_reap_task_mm(vr_mm(chosen));
  return true;
}

/** vm.resident_enabled became 0: every image goes. */
export function resident_disable(): void {
  while (nr_resident() > 0) resident_drop(0, Drop.disabled);
}
