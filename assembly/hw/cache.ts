// What is in the data cache: whether it pays to clear a page depends on it. Clearing
// fetches the page's 64 lines, which the program then finds there; a page that nobody
// cleared has in the cache what was used of it lately, and each other line is a miss
// when the program comes to it. That is what Lameter, van de Ven and Torvalds held
// against clearing beforehand (2004): it only shifts the cost.
//
//   line   64 bytes, numbered by physical address: frame * 64 + 0..63
//   set    line modulo sets:  [ newest | ... | oldest ]     a u32 a way: line + 1, or 0
//
//   A  an access of the program to a line that is there      free; it is the newest
//   B  to one that is not: the oldest of its set goes
//        the line after one that was missed lately           what a stream takes a line
//        any other                                           a whole way to memory
//   C  the kernel clears or copies a page: its lines come too. With the model on the
//      price of clearing depends on how many were there, between hot and cold.
//
// It is a model of the simulator's, off by default (the setting cache_warmth), and
// simple: one level, physical, least recently used, writes allocate, eight streams, no
// line across a page. Without it, clearing costs what it costs on the average.
//
// Sources. Sizes: Pentium M (Banias) and Pentium 4 (Prescott) 1 MiB in 8 ways, Opteron
// 1 MiB a core in 16, Core 2 4 MiB in 16, EPYC (Milan) 32 MiB for 8 cores: 4 MiB.
// Clearing hot and cold: 2007 0.4 and 1.4 us, an estimate; 47 and 175 ns measured on an
// EPYC; the others by the eras' prices, which lie halfway. A stream takes (cold - hot)
// / 64 a line. The way to memory: 70 to 120 ns, estimates of their class.
// Left out: instructions, the kernel's own data, page tables, the first level, what the
// disk's transfers push out, several misses at once. The price of an instruction counts
// the usual misses already: what is charged here is too much of them, not too little.
import {
  CACHE_MISSES,
  CACHE_STREAMED,
  CACHE_STREAMS,
  CACHE_TAGS,
  CONF_BASE,
  Conf,
  CostKind,
  Era,
  HART_WATCH,
  WatchFor,
} from "../abi";
import { charge } from "./clock";

const LINES_A_PAGE: u32 = 64;
const STREAMS: u32 = 8;

// @nomark
function era(): Era {
  return <Era>load<u32>(CONF_BASE + Conf.era * 8);
}

/** Lines that the era's cache has. */
export function cache_lines(): u32 {
  switch (era()) {
    case Era.laptop2004:
    case Era.desktop2004:
    case Era.server2007: return 16384;
    default: return 65536;
  }
}

/** Lines of one set. */
function cache_ways(): u32 {
  switch (era()) {
    case Era.laptop2004:
    case Era.desktop2004: return 8;
    default: return 16;
  }
}

/** Picoseconds to clear a page whose lines are all there. */
function clear_hot(): u64 {
  switch (era()) {
    case Era.laptop2004: return 900000;
    case Era.server2007: return 400000;
    case Era.desktop2008:
    case Era.ssd2008: return 300000;
    case Era.nvme2020: return 47000;
    default: return 600000; // 2004 desktop
  }
}

/** Picoseconds for a line of a stream. */
function line_streamed(): u64 {
  switch (era()) {
    case Era.laptop2004: return 34375;
    case Era.server2007: return 15625;
    case Era.desktop2008:
    case Era.ssd2008: return 9375;
    case Era.nvme2020: return 2000;
    default: return 25000; // 2004 desktop
  }
}

/** Picoseconds for a line by itself. */
function line_alone(): u64 {
  switch (era()) {
    case Era.laptop2004: return 120000;
    case Era.server2007: return 75000;
    case Era.desktop2008:
    case Era.ssd2008: return 70000;
    case Era.nvme2020: return 100000;
    default: return 110000; // 2004 desktop
  }
}

/** Is the model on? */
export function cache_is_on(): bool {
  return (load<u32>(HART_WATCH) & WatchFor.cache) != 0;
}

/** Bytes of state that it needs. */
export function cache_size(): usize {
  return <usize>cache_lines() << 2;
}

/** A, B: makes `line` the newest of its set. @returns whether it was there */
function use_line(line: u32): bool {
  const ways = cache_ways();
  const set = line & (cache_lines() / ways - 1);
  const first = <usize>load<u32>(CACHE_TAGS) + (<usize>(set * ways) << 2);
  const last = first + (<usize>(ways - 1) << 2);
  let at = first;
  while (at < last && load<u32>(at) != line + 1) at += 4;
  const hit = load<u32>(at) == line + 1;
  memory.copy(first + 4, first, at - first);
  store<u32>(first, line + 1);
  return hit;
}

/** Does `line` follow one that was missed lately? Then it is its stream's latest. */
function in_stream(line: u32): bool {
  const next = load<u32>(CACHE_STREAMS);
  for (let i: u32 = 0; i < STREAMS; i++) {
    const at = CACHE_STREAMS + 4 + (<usize>i << 2);
    if (load<u32>(at) != line) continue;
    store<u32>(at, line + 1);
    return (line & (LINES_A_PAGE - 1)) != 0;
  }
  store<u32>(CACHE_STREAMS + 4 + (<usize>next << 2), line + 1);
  store<u32>(CACHE_STREAMS, (next + 1) % STREAMS);
  return false;
}

// @nomark
function count(counter: usize): void {
  store<u64>(counter, load<u64>(counter) + 1);
}

/** B: a line that was not there. */
function miss(line: u32): void {
  count(CACHE_MISSES);
  if (in_stream(line)) {
    count(CACHE_STREAMED);
    charge(CostKind.Miss, line_streamed());
  } else {
    charge(CostKind.Miss, line_alone());
  }
}

/** The program, or the kernel for it, uses bytes [from, from + len) of frame `pfn`. */
export function cache_access(pfn: u32, from: u32, len: u32): void {
  const last = (from + len - 1) >> 6;
  for (let i = from >> 6; i <= last; i++) {
    const line = pfn * LINES_A_PAGE + i;
    if (!use_line(line)) miss(line);
  }
}

/** C: all of frame `pfn` goes through the cache. @returns lines that were not there */
export function cache_page(pfn: u32): u32 {
  let missing: u32 = 0;
  for (let i: u32 = 0; i < LINES_A_PAGE; i++) {
    if (!use_line(pfn * LINES_A_PAGE + i)) missing++;
  }
  return missing;
}

/** C: what clearing a page costs of which `missing` lines were not there. */
export function cost_of_clear(missing: u32): u64 {
  return clear_hot() + <u64>missing * line_streamed();
}
