// /proc/meminfo: where the machine's memory went, and the counts it is made of.
//
//   every frame:   free | kernel | page table | anonymous | of a file (the page cache)
//                                                  |             |
//                                            on an LRU list: active, inactive
//
// The counts are taken by looking at every struct page once. Linux keeps them up to
// date as pages come and go; asked, both say the same.
//
// In Linux: fs/proc/meminfo.c, mm/page_alloc.c si_mem_available() (6.12).
// The counts by list are those of Linux's own policy; others have lists of their own.
// Left out: what does not exist here is printed as 0: slabs, huge pages, zswap.
import {
  CONF_BASE,
  Conf,
  PAGE_SIZE,
  PG,
  POLICY_NR,
  Policy,
  SEQ_BUF,
  VM_COMMITTED,
  WMARK_HIGH,
  WMARK_LOW,
} from "../abi";
import { mem_map } from "./mm_types";
import { nr_free_pages, totalram_pages } from "./page_alloc";
import {
  seq_file,
  seq_put_kb,
  seq_puts,
} from "./seq_file";
import { get_nr_swap_pages, total_swap_pages } from "./swapfile";
import { vm_commit_limit } from "./util";

/** What count_pages finds, in pages; the names are those of /proc/vmstat. */
@unmanaged
export class page_counts {
  anon!: u64;
  file!: u64;
  mapped!: u64;
  dirty!: u64;
  writeback!: u64;
  shmem!: u64;
  tables!: u64;
  swapcached!: u64;
  mlocked!: u64;
  /** LRU lists: inactive and active anon, inactive and active file, unevictable. */
  lru0!: u64;
  lru1!: u64;
  lru2!: u64;
  lru3!: u64;
  lru4!: u64;
}

/** The counts, taken now. */
// @nomark
export function count_pages(): page_counts {
  const n = changetype<page_counts>(SEQ_BUF + PAGE_SIZE + 0x600);
  memory.fill(changetype<usize>(n), 0, offsetof<page_counts>());
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  for (let pfn: u32 = 0; pfn < frames; pfn++) {
    const p = mem_map(pfn);
    const flags = p.flags;
    if (flags & (PG.free | PG.reserved)) continue;
    if (flags & PG.table) n.tables++;
    if (flags & PG.dirty && flags & PG.pagecache) n.dirty++;
    if (flags & PG.writeback) n.writeback++;
    if (flags & PG.mlocked) n.mlocked++;
    if (flags & PG.unevictable) n.lru4++;
    if (flags & PG.swapcache) {
      n.swapcached++;
      n.file++;
    }
    if (flags & PG.anon && p.mapcount > 0) n.anon++;
    if (flags & PG.pagecache) {
      n.file++;
      if (flags & PG.swapbacked) n.shmem++;
      if (p.mapcount > 0) n.mapped++;
    }
    if (p.lru != 0 && p.lru <= 4 && load<u32>(POLICY_NR) == Policy.linux) {
      const at = changetype<usize>(n) + offsetof<page_counts>("lru0");
      const list = at + (<usize>(p.lru - 1) << 3);
      store<u64>(list, load<u64>(list) + 1);
    }
  }
  return n;
}

/** Pages that could be had without swapping: free ones, and most of the page cache. */
// @nomark
function si_mem_available(n: page_counts): u64 {
  const cache = n.lru2 + n.lru3;
  const kept = min<u64>(cache / 2, load<u32>(WMARK_LOW));
  const free = <i64>nr_free_pages() - load<u32>(WMARK_HIGH);
  return max<i64>(free + <i64>(cache - kept), 0);
}

// @nomark
function put_pages(m: seq_file, name: string, pages: u64): void {
  seq_put_kb(m, name, pages << 12);
}

/** The one record of meminfo. */
// @nomark
export function meminfo_proc_show(m: seq_file): bool {
  if (m.index != 0) return false;
  const n = count_pages();
  put_pages(m, "MemTotal:       ", totalram_pages());
  put_pages(m, "MemFree:        ", nr_free_pages());
  put_pages(m, "MemAvailable:   ", si_mem_available(n));
  put_pages(m, "Buffers:        ", 0);
  put_pages(m, "Cached:         ", n.file - n.swapcached);
  put_pages(m, "SwapCached:     ", n.swapcached);
  put_pages(m, "Active:         ", n.lru1 + n.lru3);
  put_pages(m, "Inactive:       ", n.lru0 + n.lru2);
  put_pages(m, "Active(anon):   ", n.lru1);
  put_pages(m, "Inactive(anon): ", n.lru0);
  put_pages(m, "Active(file):   ", n.lru3);
  put_pages(m, "Inactive(file): ", n.lru2);
  put_pages(m, "Unevictable:    ", n.lru4);
  put_pages(m, "Mlocked:        ", n.mlocked);
  put_pages(m, "SwapTotal:      ", total_swap_pages());
  put_pages(m, "SwapFree:       ", get_nr_swap_pages());
  seq_puts(m, "Zswap:                 0 kB\nZswapped:              0 kB\n");
  put_pages(m, "Dirty:          ", n.dirty);
  put_pages(m, "Writeback:      ", n.writeback);
  put_pages(m, "AnonPages:      ", n.anon);
  put_pages(m, "Mapped:         ", n.mapped);
  put_pages(m, "Shmem:          ", n.shmem);
  seq_puts(m, "KReclaimable:          0 kB\nSlab:                  0 kB\n");
  seq_puts(m, "SReclaimable:          0 kB\nSUnreclaim:            0 kB\n");
  seq_puts(m, "KernelStack:           0 kB\n");
  put_pages(m, "PageTables:     ", n.tables);
  seq_puts(m, "SecPageTables:         0 kB\nNFS_Unstable:          0 kB\n");
  seq_puts(m, "Bounce:                0 kB\nWritebackTmp:          0 kB\n");
  put_pages(m, "CommitLimit:    ", vm_commit_limit());
  put_pages(m, "Committed_AS:   ", load<u64>(VM_COMMITTED));
  seq_puts(m, "VmallocTotal:   67108864 kB\nVmallocUsed:           0 kB\n");
  seq_puts(m, "VmallocChunk:          0 kB\nPercpu:                0 kB\n");
  seq_puts(m, "AnonHugePages:         0 kB\nShmemHugePages:        0 kB\n");
  seq_puts(m, "ShmemPmdMapped:        0 kB\nFileHugePages:         0 kB\n");
  seq_puts(m, "FilePmdMapped:         0 kB\nHugePages_Total:       0\n");
  seq_puts(m, "HugePages_Free:        0\nHugePages_Rsvd:        0\n");
  seq_puts(m, "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
  seq_puts(m, "Hugetlb:               0 kB\n");
  return true;
}
