// Random: any page goes. It needs no bits and no lists, it has no worst case that a
// program could run into by habit, and it is the measure of what thinking is worth.
//
//   a number below the number of frames  -->  is a page in that frame?  no: draw again
//
// The generator is seeded, and its state is part of the machine: the same run chooses
// the same pages again.
//
// Sources: Belady 1966, as in fifo.ts (RAND); the generator is SplitMix64: Steele, Lea,
// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
// In Linux: not used for pages.
// Left out: nothing.
import { POLICY_MAX_PFN, POLICY_RANDOM, POLICY_RESIDENT } from "../abi";
import { NO_PAGE } from "../kernel/mm_types";
import { lru_newer, lru_to_page, lruvec_add_page, page_on_lru } from "./lruvec";

const PAGES: u32 = 0;
/** With so many misses in a row, few frames hold a page: look along from the last. */
const TRIES: u32 = 1000;

/** A page came. */
// @nomark
export function random_insert(pfn: u32): void {
  lruvec_add_page(PAGES, pfn);
}

/** => 32 random bits. */
// @nomark
function next_random(): u32 {
  const state = load<u64>(POLICY_RANDOM) + 0x9e3779b97f4a7c15;
  store<u64>(POLICY_RANDOM, state);
  let z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return <u32>((z ^ (z >> 31)) >> 32);
}

/** => a number below `limit`, each as likely (to one part in 2^32 / limit). */
// @nomark
function random_below(limit: u32): u32 {
  return <u32>((<u64>next_random() * limit) >> 32);
}

/** => any resident page, or NO_PAGE. */
export function random_victim(): u32 {
  if (load<u32>(POLICY_RESIDENT) == 0) return NO_PAGE;
  for (let tries: u32 = 0; tries < TRIES; tries++) {
    const pfn = random_below(load<u32>(POLICY_MAX_PFN));
    if (page_on_lru(pfn)) return pfn;
  }
  // Hardly any frame holds a page: walk the list instead.
  let pfn = lru_to_page(PAGES);
  for (let n = random_below(load<u32>(POLICY_RESIDENT)); n > 0; n--) {
    pfn = lru_newer(pfn);
  }
  return pfn;
}
