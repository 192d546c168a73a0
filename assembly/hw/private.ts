// What the processor derives and may forget at any time: nothing here is state, and
// nothing here may change a count, a register or a byte that the reader can see.
//
//   Private caches: three direct-mapped arrays from page to linear memory, one each for
//   reads, writes and fetches. Entry (16 bytes): u64 tag, u32 value, u32 unused.
//
//     tag    the page's virtual address, or -1: as a tag is compared with the address
//            less its low 12 bits but *including* those that alignment wants clear, one
//            comparison refuses another page, a misaligned access and an empty entry
//     value  R, W: what to add to the virtual address (mod 2^32); X: decoded code
//
//   Invariant: an entry exists only while the modelled TLB holds the page with the
//   permission (W: and the D bit), for the address space that is running. So a hit here
//   *is* a hit there, and need not be looked up to be counted. Entries are of the pages
//   of PRIVATE_SATP; leaving out an entry is always right.
//
//   Write entries exist only for frames that are marked META_DIRTY and have no decoded
//   code. So the first write after a checkpoint, and every write to code, are seen.
//
//   Decoded code: a pool of blocks, one a frame that was executed. See decode.ts for
//   the records. FRAME_CODE leads from frame to block, the block's last word back.
import {
  Access,
  CODE_BASE,
  CODE_END,
  CONF_BASE,
  Conf,
  FRAME_CODE,
  FRAME_META,
  HART_WATCH,
  MAX_FRAMES,
  META_CODE,
  META_WRITABLE,
  PRIVATE_BASE,
  RAM_BASE,
  RUN_FLAGS,
  RUN_PRIVATE_FILLS,
  RunFlag,
  WATCH_LIST,
  WATCH_NR,
  WATCH_SIZE,
} from "../abi";
import { cache_access, cache_is_on } from "./cache";

/** Entries of each private cache: a power of two. */
export const PRIVATE_NR: usize = 1024;
const PRIVATE_SIZE: usize = PRIVATE_NR << 4;
export const PRIVATE_R: usize = PRIVATE_BASE;
export const PRIVATE_W: usize = PRIVATE_R + PRIVATE_SIZE;
export const PRIVATE_X: usize = PRIVATE_W + PRIVATE_SIZE;

/**
 * The walker's memory of tables: PATHS entries of u64 va >> 21 (or -1), u32 frame of
 * the level-0 table for it, u32 PTE_G if a pointer on the way was global.
 * Paging-structure caches of real walkers are like it. It holds for PATHS_SATP and is
 * cleared by every fence.
 */
export const PATHS: usize = PRIVATE_BASE + 0x40000;
export const PATHS_NR: usize = 64;

const WORDS: usize = PRIVATE_BASE + 0x80000;
/** u64: the satp whose pages the private caches hold; 0 before the first run. */
export const PRIVATE_SATP: usize = WORDS;
/** u32: 1 while accesses may fill the private caches. */
export const PRIVATE_ON: usize = WORDS + 8;
/** u32 each: sets - 1, ways and replacement of the modelled TLB, from CONF. */
export const TLB_SET_MASK: usize = WORDS + 12;
export const TLB_WAYS: usize = WORDS + 16;
export const TLB_POLICY: usize = WORDS + 20;
/** u32: 1 when the modelled TLB may hold pieces of a superpage. */
export const TLB_SUPERPAGES: usize = WORDS + 24;
/** u32: blocks of the pool in use. */
const CODE_NR: usize = WORDS + 28;
/** u64: the satp that PATHS holds tables of. */
export const PATHS_SATP: usize = WORDS + 48;
/** u64: HART_INSTRET when the interpreter's loop began. */
export const RUN_INSTRET: usize = WORDS + 32;
/** i64: what its count began at. */
export const RUN_BEGIN_N: usize = WORDS + 40;
/** One record that makes the loop look the pc up. */
export const ENTER_RECORD: usize = WORDS + 64;
/** A record for an instruction that lies in two pages, and its end (three records). */
export const STRADDLE_RECORD: usize = WORDS + 128;
/** u32: the bits of that instruction. */
export const STRADDLE_BITS: usize = WORDS + 160;
/** Record for code that is decoded without being kept. */
export const SPARE_RECORD: usize = WORDS + 192;

/**
 * u32: accesses in WATCH_LIST, since whoever runs the hart last took them. One
 * instruction makes at most four: it and its data may each lie in two pages.
 */
const WATCHED: usize = WORDS + 224;
/** u32: 1 while accesses are noted down: HART_WATCH or RunFlag.Watch. */
export const WATCHING: usize = WORDS + 228;
/** Instructions that a watched hart may run until its accesses are taken. */
export const WATCH_SLICE: u64 = WATCH_NR / 4;

/** Decides whether accesses are noted down. */
export function watch_begin(): bool {
  const on = load<u32>(HART_WATCH) != 0
    || (load<u32>(RUN_FLAGS) & RunFlag.Watch) != 0;
  store<u32>(WATCHING, on ? 1 : 0);
  return on;
}

/** Notes an access. */
export function watch_access(va: u64, access: i32, pfn: u32): void {
  if (access != Access.Fetch && cache_is_on()) cache_access(pfn, <u32>va & 4095, 1);
  const nr = load<u32>(WATCHED);
  assert(nr < <u32>WATCH_NR);
  const p = WATCH_LIST + <usize>nr * WATCH_SIZE;
  store<u64>(p, va | (<u64>access << 62));
  store<u32>(p, pfn, 8);
  store<u32>(WATCHED, nr + 1);
}

/** Ends the list. @returns how many accesses it has */
export function watch_take(): u32 {
  const nr = load<u32>(WATCHED);
  store<u32>(WATCHED, 0);
  return nr;
}

/** Records of a page, 8 bytes for each halfword, then the end record and the frame. */
const CODE_RECORDS: usize = 16384;
const CODE_STRIDE: usize = CODE_RECORDS + 64;
const CODE_PFN: usize = CODE_RECORDS + 8;
const CODE_MAX: u32 = <u32>((<usize>CODE_END - <usize>CODE_BASE) / CODE_STRIDE);

/** Offset in each private cache of the entry for `va`'s page. */
export function private_index(va: u64): usize {
  return (<usize>(va >> 12) & (PRIVATE_NR - 1)) << 4;
}

/** Makes `va`'s page an entry of the cache at `cache`; `value` as above. */
export function private_fill(cache: usize, va: u64, value: u32): void {
  const entry = cache + private_index(va);
  store<u64>(entry, va & ~(<u64>0xfff));
  store<u32>(entry, value, 8);
  store<u32>(RUN_PRIVATE_FILLS, load<u32>(RUN_PRIVATE_FILLS) + 1);
}

/** Forgets `page` (its virtual address) for reads and writes. */
export function private_drop_data(page: u64): void {
  const entry = private_index(page);
  drop_tag(entry + PRIVATE_R, page);
  drop_tag(entry + PRIVATE_W, page);
}

/** Forgets `page` for fetches. */
export function private_drop_code(page: u64): void {
  drop_tag(private_index(page) + PRIVATE_X, page);
}

/** Makes the tag at `entry` -1 if it is `page`; without a branch, as it is a coin toss.
 * */
function drop_tag(entry: usize, page: u64): void {
  const tag = load<u64>(entry);
  const differs = tag ^ page;
  store<u64>(entry, tag | ~<u64>(<i64>(differs | (0 - differs)) >> 63));
}

/** Forgets every page: another address space, or state that came from elsewhere. */
export function private_flush_all(): void {
  memory.fill(PRIVATE_R, 0xff, 3 * PRIVATE_SIZE);
  paths_flush();
  store<u32>(TLB_SUPERPAGES, 1);
}

/** Forgets the tables that walks went through. */
export function paths_flush(): void {
  memory.fill(PATHS, 0xff, PATHS_NR << 4);
}

/** Address of the entry of PATHS for `va`. */
export function path_entry(va: u64): usize {
  return PATHS + ((<usize>(va >> 21) & (PATHS_NR - 1)) << 4);
}

/**
 * Forgets every page in the write cache, so that the next write to each marks its frame
 * META_DIRTY again. For checkpoints: clear bit META_DIRTY alone of the bytes at
 * FRAME_META, the others describe the decoded code.
 */
export function private_flush_writes(): void {
  memory.fill(PRIVATE_W, 0xff, PRIVATE_SIZE);
}

/** Forgets the writes that go to frame `pfn`, whatever the page they go through. */
function drop_writes_to(pfn: u32): void {
  const frame = <u32>RAM_BASE + (pfn << 12);
  for (let i: usize = 0; i < PRIVATE_SIZE; i += 16) {
    const entry = PRIVATE_W + i;
    const page = load<u64>(entry);
    if (<i64>page == -1) continue;
    if (<u32>page + load<u32>(entry, 8) == frame) store<i64>(entry, -1);
  }
  const meta = FRAME_META + <usize>pfn;
  store<u8>(meta, load<u8>(meta) & ~META_WRITABLE);
}

// ------------------------------------------------------------------ decoded code ----

/**
 * The decoded code of frame `pfn`, cleared if the frame had none.
 * @param end the record that stands behind a page's last
 * @returns address of the record of the frame's first halfword
 */
export function code_block(pfn: u32, end: u64): usize {
  const slot = FRAME_CODE + (<usize>pfn << 1);
  let number = <u32>load<u16>(slot);
  if (number == 0) {
    if (load<u32>(CODE_NR) == CODE_MAX) code_flush_all();
    number = load<u32>(CODE_NR) + 1;
    store<u32>(CODE_NR, number);
    store<u16>(slot, <u16>number);
    const block = CODE_BASE + <usize>(number - 1) * CODE_STRIDE;
    memory.fill(block, 0, CODE_RECORDS);
    store<u64>(block, end, CODE_RECORDS);
    store<u32>(block, pfn, CODE_PFN);
  }
  return CODE_BASE + <usize>(number - 1) * CODE_STRIDE;
}

/** Start of the block that `record` lies in. */
export function code_block_of(record: usize): usize {
  return record - (record - CODE_BASE) % CODE_STRIDE;
}

/** The frame whose code is decoded in `block`. */
export function code_block_pfn(block: usize): u32 {
  return load<u32>(block, CODE_PFN);
}

/** Says that frame `pfn` has a decoded record from now on: its writes must be seen. */
export function code_begin(pfn: u32): void {
  const meta = FRAME_META + <usize>pfn;
  const bits = <u32>load<u8>(meta);
  if (bits & META_CODE) return;
  if (bits & META_WRITABLE) drop_writes_to(pfn);
  store<u8>(meta, load<u8>(meta) | META_CODE);
}

/** Forgets the decoded code of frame `pfn`. The block stays the frame's. */
export function code_drop(pfn: u32): void {
  const meta = FRAME_META + <usize>pfn;
  if ((load<u8>(meta) & META_CODE) == 0) return;
  store<u8>(meta, load<u8>(meta) & ~META_CODE);
  const number = <usize>load<u16>(FRAME_CODE + (<usize>pfn << 1));
  if (number == 0) return;
  memory.fill(CODE_BASE + (number - 1) * CODE_STRIDE, 0, CODE_RECORDS);
}

/**
 * Forgets what was decoded from bytes [offset, offset + size) of frame `pfn`. A record
 * stands for one instruction or a pair, so it may begin up to six bytes earlier. Of
 * these only the op is forgotten: one may be the second half of a pair that begins
 * still earlier, is not changed, and reads its operands there.
 */
export function code_drop_bytes(pfn: u32, offset: u32, size: u32): void {
  const number = <usize>load<u16>(FRAME_CODE + (<usize>pfn << 1));
  if (number == 0) return;
  const block = CODE_BASE + (number - 1) * CODE_STRIDE;
  const first = offset < 6 ? 0 : ((offset - 6) >> 1) << 3;
  const changed = (offset >> 1) << 3;
  const last = ((offset + size - 1) >> 1) << 3;
  for (let at: u32 = first; at < changed; at += 8) store<u16>(block + at, 0);
  memory.fill(block + changed, 0, last - changed + 8);
}

/** Forgets all decoded code: the pool is full, or RAM came from elsewhere. */
export function code_flush_all(): void {
  store<u32>(CODE_NR, 0);
  memory.fill(FRAME_CODE, 0, MAX_FRAMES << 1);
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  for (let pfn: u32 = 0; pfn < frames; pfn++) {
    const meta = FRAME_META + <usize>pfn;
    store<u8>(meta, load<u8>(meta) & ~META_CODE);
  }
  memory.fill(PRIVATE_X, 0xff, PRIVATE_SIZE);
}
