// /proc/PID/pagemap: a word of 64 bits for every page of the address space.
//
//   63 62 61 60     57 56 55 54                                   0
//  +--+--+--+---------+--+--+--------------------------------------+
//  |P |S |F |    0    |X | 0|  frame number, or swap type and slot |
//  +--+--+--+---------+--+--+--------------------------------------+
//   P present   S in swap   F of a file, or shared   X mapped here alone
//
//   A  present: the frame
//   B  swapped out: type in bits 4..0, slot above
//   C  neither: 0
//
// /proc/kpagecount and kpageflags have a word a frame of the machine: how many entries
// map it, and what it is.
//
// Which frame it is only root is told (the number has helped attackers).
//
// In Linux: fs/proc/task_mmu.c pagemap_read(), pte_to_pagemap_entry(), its format in
// Documentation/admin-guide/mm/pagemap.rst (6.12).
// Left out: the soft-dirty bit (55) is 0, as on any riscv; the ioctl PAGEMAP_SCAN.
import { CONF_BASE, Conf, PAGE_SIZE, PG, SEQ_BUF } from "../abi";
import { EFAULT, EINVAL, ESRCH } from "./errno";
import { mem_map, mm_struct, page } from "./mm_types";
import { TASK_SIZE, pte_offset, pte_pfn, pte_present, pte_special } from "./pgtable";
import { proc_task } from "./procfs";
import { current_is_root } from "./sched";
import { pte_to_swp_offset } from "./swapops";
import { copy_to_user } from "./uaccess";

const PM_ENTRY_BYTES: u64 = 8;
const PM_MMAP_EXCLUSIVE: u64 = 1 << 56;
const PM_FILE: u64 = 1 << 61;
const PM_SWAP: u64 = 1 << 62;
const PM_PRESENT: u64 = 1 << 63;

/** read(2) of pagemap: whole words from byte `pos` on. => bytes or negative errno. */
export function pagemap_read(ino: u32, buf: u64, count: u64, pos: u64): i64 {
  const task = proc_task(ino);
  if (task == null) return -ESRCH;
  if (((pos | count) & (PM_ENTRY_BYTES - 1)) != 0) return -EINVAL;
  const mm = task.mm;
  if (mm == null) return 0;
  let vpn = pos / PM_ENTRY_BYTES;
  let done: u64 = 0;
  while (done < count && vpn < TASK_SIZE >> 12) {
    let filled: u64 = 0;
    const room = min<u64>(PAGE_SIZE, count - done);
    for (; filled < room && vpn < TASK_SIZE >> 12; vpn++) {
      store<u64>(SEQ_BUF + <usize>filled, pagemap_entry(mm, vpn << 12));
      filled += PM_ENTRY_BYTES;
    }
    if (copy_to_user(buf + done, SEQ_BUF, filled) != 0) return -EFAULT;
    done += filled;
  }
  return <i64>done;
}

/** The word of one page. */
// @nomark
function pagemap_entry(mm: mm_struct, va: u64): u64 {
  const at = pte_offset(mm, va);
  const pte = at == 0 ? 0 : load<u64>(at);
  // C: nothing is there
  if (pte == 0) return 0;
  // B: in the one swap area there is, type 0
  if (!pte_present(pte)) {
    const slot = current_is_root() ? <u64>pte_to_swp_offset(pte) << 5 : 0;
    return PM_SWAP | slot;
  }
  // A: the frame; of the zero page and the like nobody keeps count
  const pfn = pte_pfn(pte);
  let word = PM_PRESENT;
  if (current_is_root()) word |= pfn;
  if (pte_special(pte)) return word;
  const p = mem_map(pfn);
  if ((p.flags & PG.anon) == 0) word |= PM_FILE;
  if (p.mapcount == 1) word |= PM_MMAP_EXCLUSIVE;
  return word;
}

/** read(2) of kpagecount, or of kpageflags. => bytes or negative errno. */
export function kpage_read(flags: bool, buf: u64, count: u64, pos: u64): i64 {
  if (((pos | count) & (PM_ENTRY_BYTES - 1)) != 0) return -EINVAL;
  const frames = load<u64>(CONF_BASE + Conf.ram_frames * 8);
  let pfn = pos / PM_ENTRY_BYTES;
  let done: u64 = 0;
  while (done < count && pfn < frames) {
    let filled: u64 = 0;
    const room = min<u64>(PAGE_SIZE, count - done);
    for (; filled < room && pfn < frames; pfn++) {
      const p = mem_map(<u32>pfn);
      const word = flags ? stable_page_flags(p) : <u64>max<i32>(p.mapcount, 0);
      store<u64>(SEQ_BUF + <usize>filled, word);
      filled += PM_ENTRY_BYTES;
    }
    if (copy_to_user(buf + done, SEQ_BUF, filled) != 0) return -EFAULT;
    done += filled;
  }
  return <i64>done;
}

/** Linux's numbers for what a frame is (include/uapi/linux/kernel-page-flags.h). */
// @nomark
function stable_page_flags(p: page): u64 {
  let word: u64 = 0;
  if (p.flags & PG.locked) word |= 1;
  if (p.flags & PG.referenced) word |= 1 << 2;
  if (p.flags & PG.uptodate) word |= 1 << 3;
  if (p.flags & PG.dirty) word |= 1 << 4;
  if (p.lru != 0) word |= 1 << 5;
  if (p.flags & PG.active) word |= 1 << 6;
  if (p.flags & PG.writeback) word |= 1 << 8;
  if (p.flags & PG.reclaim) word |= 1 << 9;
  if (p.flags & PG.free) word |= 1 << 10;
  if (p.mapcount > 0) word |= 1 << 11;
  if (p.flags & PG.anon) word |= 1 << 12;
  if (p.flags & PG.swapcache) word |= 1 << 13;
  if (p.flags & PG.swapbacked) word |= 1 << 14;
  if (p.flags & PG.unevictable) word |= 1 << 18;
  if (p.flags & PG.zero) word |= 1 << 24;
  if (p.flags & PG.table) word |= 1 << 26;
  return word;
}
