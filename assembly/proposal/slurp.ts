// Read it all: a file that is mapped is read whole, at once, in the order of the file.
//
//   mmap of pages 10 .. 300     |10 ........ 137|138 ....... 265|266 .. 300|
//                                 one batch of ra_max_pinned bytes, then the next;
//                                 pages that are in memory already are not read
//
//   never more than half of what is free or could be free soon
//
// What a disk with an arm gives for one seek is much more than a page. Whoever reads
// everything pays few seeks, and for pages that nobody will use.
//
// Proposed: Andi Kleen, linux-mm, 18 March 2008, [8/8] "Add mmap_full_slurp support",
// "mainly for comparison"; and [3/8], which made the batch a sysctl.
// In Linux: mm/readahead.c force_page_cache_readahead(), max_sane_readahead() (2.6.25).
// Left out: nothing that can be seen here.
import { Conf, FileKind, NR_FILE_PAGES } from "../abi";
import { file, file_at } from "../kernel/file_table";
import { page_cache_queue } from "../kernel/filemap";
import { inode_at, inode_pages } from "../kernel/fs";
import { NO_PAGE } from "../kernel/mm_types";
import { nr_free_pages } from "../kernel/page_alloc";
import { blk_drain } from "../kernel/page_io";
import { proposal_conf } from "./proposal";

/** Pages of one batch: vm.ra_max_pinned, but at least one. */
// @nomark
export function ra_max_pinned(): u64 {
  return max<u64>(1, proposal_conf(Conf.vm_ra_max_pinned) >> 12);
}

/** At most half of the frames that are free or hold pages of files. */
// @nomark
export function max_sane_readahead(nr: u64): u32 {
  return <u32>min<u64>(nr, (nr_free_pages() + load<u32>(NR_FILE_PAGES)) / 2);
}

/** Reads the pages of `file` from `pgoff` on that `len` bytes of a mapping show. */
export function slurp_mapping(file: u32, len: u64, pgoff: u64): void {
  const f = file_at(file);
  if (f.f_kind != FileKind.regular) return;
  const nr = max_sane_readahead(len >> 12);
  read_pages(f, pgoff, min<u64>(pgoff + nr, inode_pages(inode_at(f.f_inode))));
}

/** Reads those of the pages from..end - 1 that are not in memory, batch by batch. */
function read_pages(f: file, from: u64, end: u64): void {
  const batch = ra_max_pinned();
  for (let start = from; start < end; start += batch) {
    const stop = min<u64>(end, start + batch);
    for (let index = start; index < stop; index++) {
      if (page_cache_queue(f.f_inode, index, false) == NO_PAGE) break;
    }
    blk_drain();
  }
}
