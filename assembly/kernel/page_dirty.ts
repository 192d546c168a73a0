// Which pages are dirty, and how many: the mark itself. What is done about them is in
// page_writeback.ts.
//
//   PG.dirty   the page was written, and what stands behind it (a file's block, swap)
//              does not have that yet
//
//   The pages of the disk's files are counted (nr_dirty in /proc/vmstat), for they can
//   be written back. Anonymous pages and those of shared memory are not.
//
// In Linux: mm/page-writeback.c folio_mark_dirty(), folio_cancel_dirty() (6.12).
// Left out: counts by device and by memory cgroup, the inode's list of dirty inodes.
import { INODE_KIND, InodeKind, NR_FILE_DIRTY, PG } from "../abi";
import { mem_map } from "./mm_types";
import { folio_mark_used } from "./vmstat";

/** Is the mapping an inode of the disk's filesystem? */
// @nomark
function is_of_disk(mapping: u32): bool {
  return load<u32>(mapping, INODE_KIND) == InodeKind.disk;
}

/** Pages of files of the disk that must be written back. */
// @nomark
export function nr_dirty_pages(): u32 {
  return load<u32>(NR_FILE_DIRTY);
}

/** The page of a file was written: its block on the disk is out of date. */
// @nomark
export function folio_mark_dirty(pfn: u32): void {
  const p = mem_map(folio_mark_used(pfn));
  if (p.flags & PG.dirty) return;
  p.flags |= PG.dirty;
  if ((p.flags & PG.pagecache) == 0) return;
  if (!is_of_disk(p.mapping)) return;
  store<u32>(NR_FILE_DIRTY, load<u32>(NR_FILE_DIRTY) + 1);
}

/** The page need not be written (any more). */
// @nomark
export function folio_cancel_dirty(pfn: u32): void {
  const p = mem_map(pfn);
  if ((p.flags & PG.dirty) == 0) return;
  p.flags &= ~PG.dirty;
  if ((p.flags & PG.pagecache) == 0) return;
  if (!is_of_disk(p.mapping)) return;
  store<u32>(NR_FILE_DIRTY, load<u32>(NR_FILE_DIRTY) - 1);
}
