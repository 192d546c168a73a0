// OPT: the page whose next use lies farthest ahead goes. Nothing can take fewer faults
// on the same references; and nothing can know, but for a recording that is played
// again. It is what the others are measured against.
//
//   heap     [ pfn ] [ pfn ] [ pfn ] ...      parent at i, children at 2i+1 and 2i+2;
//              ^ farthest next use            none is used later than its parent
//   place    place[pfn] = where in the heap
//
//   an access moves its page up: its next use is now later than it was
//
// A page never used again counts as used at the end of time. Among equals any choice
// is as good.
//
// Sources: Belady 1966 (MIN), as in fifo.ts; Mattson et al. 1970 (OPT).
// In Linux: impossible.
// Left out: nothing.
import { POLICY_HIST_AT, POLICY_MAX_PFN, POLICY_VARS } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";
import { next_use } from "./accessors";
import { lruvec_add_page } from "./lruvec";

const RESIDENT: u32 = 0;
/** u32: pages in the heap. */
const HEAP_NR: usize = POLICY_VARS;

// @nomark
function heap(i: u32): usize {
  return <usize>load<u32>(POLICY_HIST_AT) + (<usize>i << 2);
}

// @nomark
function place(pfn: u32): usize {
  return heap(load<u32>(POLICY_MAX_PFN) + pfn);
}

// @nomark
function put(i: u32, pfn: u32): void {
  store<u32>(heap(i), pfn);
  store<u32>(place(pfn), i);
}

/** Moves the page at `i` up to where its parent is used no earlier. */
function sift_up(i: u32): void {
  const pfn = load<u32>(heap(i));
  const when = mem_map(pfn).stamp;
  while (i > 0) {
    const up = (i - 1) >> 1;
    const other = load<u32>(heap(up));
    if (mem_map(other).stamp >= when) break;
    put(i, other);
    i = up;
  }
  put(i, pfn);
}

/** Moves the page at `i` down to where no child is used later. */
function sift_down(i: u32): void {
  const nr = load<u32>(HEAP_NR);
  const pfn = load<u32>(heap(i));
  const when = mem_map(pfn).stamp;
  while (true) {
    let child = i * 2 + 1;
    if (child >= nr) break;
    let other = load<u32>(heap(child));
    if (child + 1 < nr) {
      const right = load<u32>(heap(child + 1));
      if (mem_map(right).stamp > mem_map(other).stamp) {
        child++;
        other = right;
      }
    }
    if (mem_map(other).stamp <= when) break;
    put(i, other);
    i = child;
  }
  put(i, pfn);
}

/** A page came, with its first use. */
export function opt_insert(pfn: u32): void {
  lruvec_add_page(RESIDENT, pfn);
  mem_map(pfn).stamp = next_use(pfn);
  const nr = load<u32>(HEAP_NR);
  store<u32>(HEAP_NR, nr + 1);
  put(nr, pfn);
  sift_up(nr);
}

/** A page was used: its next use is another now. */
export function opt_access(pfn: u32): void {
  mem_map(pfn).stamp = next_use(pfn);
  const i = load<u32>(place(pfn));
  sift_up(i);
  sift_down(load<u32>(place(pfn)));
}

/** A page goes. The last of the heap takes its place. */
export function opt_remove(pfn: u32): void {
  const nr = load<u32>(HEAP_NR) - 1;
  const i = load<u32>(place(pfn));
  const last = load<u32>(heap(nr));
  store<u32>(HEAP_NR, nr);
  if (last == pfn) return;
  put(i, last);
  sift_up(i);
  sift_down(load<u32>(place(last)));
}

/** A refused victim is asked for again last: as if it were used at once. */
export function opt_keep(pfn: u32): void {
  mem_map(pfn).stamp = 0;
  sift_down(load<u32>(place(pfn)));
}

/** => the page used farthest ahead, or NO_PAGE. */
export function opt_victim(): u32 {
  return load<u32>(HEAP_NR) == 0 ? NO_PAGE : load<u32>(heap(0));
}
