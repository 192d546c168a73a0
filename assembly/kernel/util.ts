// Overcommit: how much memory may be promised before anybody touches it.
//
//   0 heuristic  only a single request that exceeds memory and swap is refused
//   1 always     nothing is refused
//   2 never      the sum of promises may not pass overcommit_ratio percent of memory
//                and all of swap
//
// In Linux: mm/util.c, __vm_enough_memory() (6.12).
// Left out: the reserve for root, huge pages.
import { CONF_BASE, Conf, VM_COMMITTED } from "../abi";
import { totalram_pages } from "./page_alloc";
import { total_swap_pages } from "./swapfile";

/** What overcommit_memory=2 promises at most, in pages. */
// @nomark
export function vm_commit_limit(): u64 {
  const ratio = load<u64>(CONF_BASE + Conf.vm_overcommit_ratio * 8);
  return (<u64>totalram_pages() * ratio) / 100;
}

/** May `pages` more be promised? */
export function vm_enough_memory(pages: u64): bool {
  const mode = load<u64>(CONF_BASE + Conf.vm_overcommit_memory * 8);
  if (mode == 1) return true;
  const total: u64 = totalram_pages();
  const swap: u64 = total_swap_pages();
  if (mode == 0) return pages <= total + swap;
  const ratio = load<u64>(CONF_BASE + Conf.vm_overcommit_ratio * 8);
  return load<u64>(VM_COMMITTED) + pages <= (total * ratio) / 100 + swap;
}

// @nomark
export function vm_acct_memory(pages: u64): void {
  store<u64>(VM_COMMITTED, load<u64>(VM_COMMITTED) + pages);
}

// @nomark
export function vm_unacct_memory(pages: u64): void {
  store<u64>(VM_COMMITTED, load<u64>(VM_COMMITTED) - pages);
}
