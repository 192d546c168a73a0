// What must hold of the kernel's memory whenever it is not running: the letters and numbers are
// those of one list, F frames, P page tables, T the TLB, V areas, C the page cache, S swap, K copy
// on write. A sweep looks at the whole machine, from linear memory alone, and is made to run after
// every event: it reads words, keeps its tables, and makes a sentence only of what is wrong.
//
// Some of the list follow from others. P10, that the hardware's walk is the software's, is T1: each
// entry of the TLB came from a walk of the hardware and is compared with ours. T4, no entry where
// nothing is mapped any more, is T1 as well. S5 and S6, no slot outlives its users and none leaks when
// swap is full, are S1 and S2, which hold after every event.
import * as abi from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";

// Local names: an imported one is looked up each time it is used.
const {
  ANON_VMA_RB_ROOT,
  AVC_ANON_VMA,
  AVC_RB_NEXT,
  AVC_SAME_VMA,
  AVC_VMA,
  Conf,
  CURRENT,
  DISK_NR_UNDER_WAY,
  DISK_QUEUED,
  DISK_UNDER_WAY,
  FILE_COUNT,
  FILE_INODE,
  FILE_KIND,
  FILE_SIZE_OF,
  FILES,
  FileKind,
  FRAMES,
  FREE_HEAD,
  HART_SATP,
  DISK_EXTENT_SIZE,
  EXTENT_BLOCKS,
  EXTENT_DATA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  INODE_COUNT,
  INODE_EXTENT,
  INODE_I_MMAP,
  INODE_KIND,
  LAZYFREE_BATCH,
  XA_USED,
  XA_VALUES_AT,
  XA_VALUE_SIZE,
  INODE_PRIVATE,
  InodeKind,
  INODE_NRPAGES,
  INODE_SIZE,
  INODE_SIZE_OF,
  INODES,
  MM_ARG_END,
  MM_ARG_START,
  MM_ASID,
  MM_BRK,
  MM_ENV_END,
  MM_ENV_START,
  MM_EXE_FILE,
  MM_PBITMAPS,
  NR_PBITMAPS,
  PBITMAP_FILE,
  PBITMAP_NEXT,
  PBITMAP_SIZE_OF,
  PBITMAPS,
  MM_MAP_COUNT,
  MM_MMAP,
  MM_PGD,
  MM_PGTABLES,
  MM_RSS_ANON,
  MM_RSS_FILE,
  MM_RSS_SHMEM,
  MM_SIZE_OF,
  MM_START_BRK,
  MM_SWAPENTS,
  MM_TOTAL_VM,
  MM_USERS,
  NOZERO_NEWEST,
  NOZERO_OLDEST,
  NR_FILE_DIRTY,
  TLB_MISSES,
  TLB_ACCESSES,
  MMS,
  NR_FILES,
  NR_FREE,
  NR_INODES,
  NR_KERNEL,
  NR_MMS,
  NR_PIPES,
  NR_SWAPCACHE,
  NR_TASKS,
  PAGE_FLAGS,
  PAGE_HASH,
  PAGE_HASH_NEXT,
  PAGE_HASH_NR,
  PAGE_INDEX,
  PAGE_LRU,
  PAGE_LRU_PREV,
  PAGE_PRIVATE,
  PAGE_LRU_NEXT,
  PAGE_MAPCOUNT,
  PAGE_MAPPING,
  PAGE_REFCOUNT,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  PIPE_SIZE_OF,
  PIPES,
  POLICY_LISTS,
  POLICY_NR_LISTS,
  PROPOSAL_HOOKS,
  ProposalHook,
  POLICY_RESIDENT,
  RAM_BASE,
  RESIDENT_BASE,
  RESIDENT_COUNT,
  RESIDENT_MAX,
  RESIDENT_SIZE_OF,
  SB_EXTENT_BLOCK,
  SWAP_INUSE,
  SWAP_MAP_AT,
  SWAP_MAX,
  SWAP_SLOT_SIZE,
  TASK_FDS,
  TASK_MM,
  TASK_NR_FDS,
  TASK_SIZE_OF,
  TASK_STATE,
  TASKS,
  TaskState,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  VM,
  VM_COMMITTED,
  VMA_ANON_CHAIN,
  VMA_ANON_VMA,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_I_MMAP,
  VMA_MM,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_PREV,
  VMA_START,
  VR_VMSPACE,
  VR_VNODE,
  ZERO_PFN,
} = abi;

const TASK_SIZE = 0x4000000000;
// Bits of a PTE.
const V = 1;
const R = 2;
const W = 4;
const X = 8;
const U = 16;
const G = 32;
const D = 128;
const SPECIAL = 256;
/** Bits 63..54, seen in the upper word: reserved, or of extensions this machine lacks. */
const RESERVED = 0xffc00000;
/** Words of a struct page, and of its fields. */
const FRAMES_AT = FRAMES >> 2;
const RAM_AT = RAM_BASE >> 2;
const PAGE_WORDS = PAGE_SIZE_OF >> 2;
const TABLE_WORDS = PAGE_SIZE >> 2;
const NEXT_WORD = PAGE_LRU_NEXT >> 2;
const LRU_PREV = PAGE_LRU_PREV >> 2;
const HASH_NEXT = PAGE_HASH_NEXT >> 2;
const SIZE = PAGE_SIZE;
const ANON = PG.anon;
const FREE = PG.free;
const TABLE = PG.table;
const CACHED = PG.pagecache;
const RESERVED_PAGE = PG.reserved;
const EXCLUSIVE = PG.anon_exclusive;
const DIRTY = PG.dirty;
const UPTODATE = PG.uptodate;
const LOCKED = PG.locked;
const SWAPCACHE = PG.swapcache;
const SWAPBACKED = PG.swapbacked;
/** Off the policy's lists for a reason: locked in memory, or about to go. */
const OFF_LISTS = PG.unevictable | PG.mlocked | PG.reclaim;
const OF_SHMEM = InodeKind.shmem;
const OF_DISK = InodeKind.disk;
const ZEROS = new Uint8Array(SIZE);
const VM_READ = VM.READ;
const VM_WRITE = VM.WRITE;
const VM_EXEC = VM.EXEC;
const VM_SHARED = VM.SHARED;
const VM_MAYWRITE = VM.MAYWRITE;
const VM_PFNMAP = VM.PFNMAP;
const VM_KERNEL = VM.DONTEXPAND;
const VM_SCRATCH = VM.SCRATCH;
const FLAGS = PAGE_FLAGS >> 2;
const REFS = PAGE_REFCOUNT >> 2;
const MAPS = PAGE_MAPCOUNT >> 2;
const MAPPING = PAGE_MAPPING >> 2;
/** What uses a frame, besides PTEs: at most one of these. */
enum Use {
  none = 0,
  free,
  table,
  cache,
  kernel,
  pipe,
}
const USES = ["nothing", "the free list", "a page table", "the page cache", "the kernel", "a pipe"];
const PARTS = [
  [MM_START_BRK, MM_BRK, "heap"],
  [MM_ARG_START, MM_ARG_END, "list of arguments"],
  [MM_ARG_END, MM_ENV_START, "gap before the environment"],
  [MM_ENV_START, MM_ENV_END, "environment"],
] as const;
/** More areas than one address space of a test has. */
const AREAS = 4096;

/** A page table as it was, and its entries in use. */
interface Filled {
  bytes: Uint8Array;
  at: Int16Array;
  count: number;
}

const hex = (n: number) => `0x${n.toString(16)}`;

/** A mapped page, as the last sweep found it. */
export interface Leaf {
  /** Address of the mm_struct. */
  mm: number;
  va: number;
  pfn: number;
  /** Low ten bits of the PTE. */
  bits: number;
}

/** Sweeps one machine again and again. */
export class Sweeper {
  readonly #core: Core;
  #w: Uint32Array;
  #memory: Buffer;
  readonly #tablesSeen = new Map<number, Filled>();
  #frames = 0;
  /** By frame: PTEs that count it, and what else uses it. */
  #mapped = new Int32Array(0);
  #use = new Uint8Array(0);
  #fileMapped = new Uint8Array(0);
  #anonMapped = new Uint8Array(0);
  /** By struct file: who holds it. */
  readonly #holders = new Int32Array(NR_FILES);
  #bitmapsListed = 0;
  // The areas of the address space at hand.
  readonly #vma = new Int32Array(AREAS);
  readonly #start = new Float64Array(AREAS);
  readonly #end = new Float64Array(AREAS);
  readonly #flags = new Int32Array(AREAS);
  #areas = 0;
  #at = 0;
  #mm = 0;
  #tables = 0;
  #anon = 0;
  #file = 0;
  #shmem = 0;
  #swapents = 0;
  /** By slot of the swap area: page-table entries that name it. */
  #slots = new Int32Array(0);
  /** By frame: requests of the disk under way that hold it. */
  #requests = new Uint8Array(0);
  /** Pages that are in swap, as the last sweep found them. */
  swaps: { mm: number; va: number; offset: number }[] = [];
  /** Chains that areas have, by anon_vma. */
  readonly #families = new Map<number, number>();
  /** Pages of the disk's files that are dirty. */
  #dirty = 0;
  #promised = 0;
  #fileAreas = 0;
  #zero = 0;
  #wrong: string[] = [];

  // Every counted or special leaf of the last sweep, in parallel arrays: see Leaf.
  leaves = 0;
  leafMm = new Int32Array(1024);
  leafVa = new Float64Array(1024);
  leafPfn = new Int32Array(1024);
  leafBits = new Int32Array(1024);
  /** Off where a write may fail: what is lost then is neither dirty nor on the disk. */
  comparesDisk = true;
  /** Addresses at which areas that mean the same may meet: see MREMAP_DONTUNMAP. */
  readonly apart = new Set<number>();
  /** Sweeps made. */
  sweeps = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#w = core.words;
    this.#memory = Buffer.from(core.words.buffer);
  }

  /** @returns a line for each thing that is wrong; call it while no kernel code runs. */
  sweep(): string[] {
    this.#begin();
    for (let i = 0; i < NR_MMS; i++) {
      const mm = MMS + i * MM_SIZE_OF;
      if (this.#w[(mm + MM_USERS) >> 2] !== 0) this.#addressSpace(mm);
    }
    this.#tasks();
    this.#cache();
    this.#pipes();
    this.#underWay();
    this.#lists();
    this.#everyFrame();
    this.#swap();
    this.#files();
    this.#everyBitmap();
    this.#anonVmas();
    this.#tlb();
    const promised = this.#core.getNumber(VM_COMMITTED);
    if (promised !== this.#promised) {
      this.#bad(`V2: ${promised} pages are promised, the areas ask for ${this.#promised}`);
    }
    return this.#wrong;
  }

  #bad(sentence: string): void {
    // A broken table can be wrong in a thousand places; the first ones say it.
    if (this.#wrong.length < 20) this.#wrong.push(sentence);
  }

  #begin(): void {
    const core = this.#core;
    this.sweeps++;
    this.#dirty = 0;
    if (this.#w !== core.words) {
      this.#w = core.words;
      this.#memory = Buffer.from(core.words.buffer);
    }
    this.#frames = core.conf(Conf.ram_frames);
    if (this.#use.length !== this.#frames) {
      this.#mapped = new Int32Array(this.#frames);
      this.#use = new Uint8Array(this.#frames);
      this.#fileMapped = new Uint8Array(this.#frames);
      this.#anonMapped = new Uint8Array(this.#frames);
      this.#requests = new Uint8Array(this.#frames);
      this.#listed = new Uint8Array(this.#frames);
    }
    this.#mapped.fill(0);
    this.#use.fill(Use.none);
    this.#fileMapped.fill(0);
    this.#anonMapped.fill(0);
    this.#requests.fill(0);
    this.#listed.fill(0);
    const slots = core.getU32(SWAP_MAX);
    if (this.#slots.length !== slots) this.#slots = new Int32Array(slots);
    this.#slots.fill(0);
    this.swaps = [];
    this.#holders.fill(0);
    this.#bitmapsListed = 0;
    this.#zero = core.getU32(ZERO_PFN);
    this.#promised = 0;
    this.#families.clear();
    this.#fileAreas = 0;
    this.leaves = 0;
    this.#wrong = [];
  }

  /** A u64 below 2^53 at a byte address. */
  #number(at: number): number {
    const w = this.#w;
    return (w[at >> 2] as number) + (w[(at + 4) >> 2] as number) * 4294967296;
  }

  /** Notes what uses a frame; two uses are one too many. */
  #claim(pfn: number, use: Use): boolean {
    if (pfn <= 0 || pfn >= this.#frames) {
      this.#bad(`P1: ${USES[use]} has frame ${hex(pfn)}, of ${this.#frames}`);
      return false;
    }
    const before = this.#use[pfn] as Use;
    if (before !== Use.none) {
      this.#bad(`F2: frame ${hex(pfn)} is used by ${USES[before]} and by ${USES[use]}`);
      return false;
    }
    this.#use[pfn] = use;
    return true;
  }

  #page(pfn: number, field: number): number {
    return this.#w[FRAMES_AT + pfn * PAGE_WORDS + field] as number;
  }

  // ------------------------------------------------------------------ V, P: one address space

  #addressSpace(mm: number): void {
    const w = this.#w;
    this.#mm = mm;
    this.#list(mm);
    this.#at = 0;
    this.#tables = 0;
    this.#anon = 0;
    this.#file = 0;
    this.#shmem = 0;
    this.#swapents = 0;
    const asid = w[(mm + MM_ASID) >> 2];
    const pgd = w[(mm + MM_PGD) >> 2] as number;
    if (this.#claim(pgd, Use.table)) this.#table(pgd, 2, 0);
    const counted = w[(mm + MM_PGTABLES) >> 2];
    if (counted !== this.#tables) {
      this.#bad(`P7: mm.pgtables is ${counted}, the tree of ASID ${asid} has ${this.#tables}`);
    }
    this.#counted(mm, MM_RSS_ANON, this.#anon, "rss_anon");
    this.#counted(mm, MM_RSS_FILE, this.#file, "rss_file");
    this.#counted(mm, MM_RSS_SHMEM, this.#shmem, "rss_shmem");
    this.#counted(mm, MM_SWAPENTS, this.#swapents, "swapents");
  }

  #counted(mm: number, field: number, has: number, name: string): void {
    const says = this.#w[(mm + field) >> 2];
    if (says === has) return;
    const asid = this.#w[(mm + MM_ASID) >> 2];
    this.#bad(`P9: ${name} of ASID ${asid} is ${says}, its page tables have ${has}`);
  }

  /** V1 to V5 of the list of areas; what the leaves are compared with is kept. */
  #list(mm: number): void {
    const w = this.#w;
    this.#parts(mm);
    const lowest = this.#core.conf(Conf.uid) === 0 ? 0 : this.#core.conf(Conf.vm_mmap_min_addr);
    let [n, pages, before, end] = [0, 0, 0, 0];
    for (let vma = w[(mm + MM_MMAP) >> 2] as number; vma !== 0; ) {
      const from = this.#number(vma + VMA_START);
      const to = this.#number(vma + VMA_END);
      const flags = w[(vma + VMA_FLAGS) >> 2] as number;
      const name = () => `the area at ${hex(from)}`;
      if (w[(vma + VMA_PREV) >> 2] !== before) this.#bad(`V1: ${name()} has another before it`);
      if (w[(vma + VMA_MM) >> 2] !== mm) this.#bad(`V1: ${name()} says it is of another mm`);
      if (from < end) this.#bad(`V1: ${name()} begins below the end of the one before`);
      if (from >= to || to > TASK_SIZE) this.#bad(`V1: ${name()} ends at ${hex(to)}`);
      if (from < lowest) this.#bad(`V1: ${name()} begins below mmap_min_addr`);
      if (from % SIZE || to % SIZE) this.#bad(`V1: ${name()} is off a page boundary`);
      const pgoff = this.#number(vma + VMA_PGOFF);
      if (!(pgoff + (to - from) / SIZE <= 2 ** 52)) this.#bad(`V4: ${name()} wraps its file`);
      if (before !== 0) this.#merged(mm, before, vma);
      const file = w[(vma + VMA_FILE) >> 2] as number;
      if (file !== 0) this.#hold(file, name);
      if (file !== 0) this.#fileAreas++;
      this.#chains(vma);
      pages += (to - from) / SIZE;
      if (flags & VM.ACCOUNT) this.#promised += (to - from) / SIZE;
      this.#vma[n] = vma;
      this.#start[n] = from;
      this.#end[n] = to;
      this.#flags[n] = flags;
      before = vma;
      end = to;
      vma = w[(vma + VMA_NEXT) >> 2] as number;
      if (++n === AREAS) {
        this.#bad("V1: the list of areas is a circle, or too long");
        return;
      }
    }
    this.#areas = n;
    const [count, total] = [w[(mm + MM_MAP_COUNT) >> 2], this.#number(mm + MM_TOTAL_VM)];
    if (count !== n) this.#bad(`V2: map_count is ${count}, the list has ${n} areas`);
    if (total !== pages) this.#bad(`V2: total_vm is ${total}, the areas have ${pages} pages`);
    this.#bitmaps(mm);
    const exe = w[(mm + MM_EXE_FILE) >> 2] as number;
    if (exe !== 0) this.#hold(exe, () => "exe_file");
  }

  /** V5: the parts of the program that mm_struct tells of lie in order. */
  #parts(mm: number): void {
    for (const [low, high, name] of PARTS) {
      const [from, to] = [this.#number(mm + low), this.#number(mm + high)];
      if (from > to || to > TASK_SIZE) {
        this.#bad(`V5: the ${name} goes from ${hex(from)} to ${hex(to)}`);
      }
    }
  }

  /** V3: neighbours that mean the same are one area, but for those never joined. */
  #merged(mm: number, a: number, b: number): void {
    const w = this.#w;
    const from = this.#number(b + VMA_START);
    if (this.#number(a + VMA_END) !== from) return;
    const flags = w[(a + VMA_FLAGS) >> 2] as number;
    if (w[(b + VMA_FLAGS) >> 2] !== flags) return;
    const file = w[(a + VMA_FILE) >> 2] as number;
    if (w[(b + VMA_FILE) >> 2] !== file) return;
    // Linux joins no area without pages of its own to one with some, before 6.15.
    if (w[(a + VMA_ANON_VMA) >> 2] !== 0 || w[(b + VMA_ANON_VMA) >> 2] !== 0) return;
    // The kernel's own pages, stacks that met, and the heap, which begins beside the bss. And
    // what fork has wiped: areas of different anon_vmas, which now have none.
    if (flags & (VM_KERNEL | VM.GROWSDOWN | VM.WIPEONFORK)) return;
    if (from === this.#number(mm + MM_START_BRK) || this.apart.has(from)) return;
    const pages = (from - this.#number(a + VMA_START)) / SIZE;
    if (this.#number(a + VMA_PGOFF) + pages !== this.#number(b + VMA_PGOFF)) return;
    this.#bad(`V3: the areas that meet at ${hex(from)} mean the same`);
  }

  /** P2, P7: the table of `level` in frame `pfn`, which maps addresses from `base` on. */
  #table(pfn: number, level: number, base: number): void {
    const w = this.#w;
    this.#tables++;
    if ((this.#page(pfn, FLAGS) & TABLE) === 0) {
      this.#bad(`P7: frame ${hex(pfn)} is used as a page table and is not one`);
    }
    if (this.#page(pfn, MAPPING) !== this.#mm) {
      this.#bad(`P7: the page table in frame ${hex(pfn)} says it is of another mm`);
    }
    const span = SIZE * 512 ** level;
    const first = RAM_AT + pfn * TABLE_WORDS;
    const used = this.#filled(pfn);
    for (let k = 0; k < used.count; k++) {
      const i = used.at[k] as number;
      const low = w[first + 2 * i] as number;
      const high = w[first + 2 * i + 1] as number;
      const va = base + i * span;
      const next = ((low >>> 10) | (high << 22)) >>> 0;
      if (level === 0 && (low & (V | G)) === 0) this.#swapped(va, low, high);
      else if (high & RESERVED || high >>> 10 !== 0) {
        this.#bad(`P2: the entry of ${hex(va)} has bits set that are reserved, or no RAM`);
      } else if (level === 0) this.#leaf(va, low & 0x3ff, next);
      else if ((low & 0x3ff) !== V) {
        this.#bad(`P2: the entry of ${hex(va)} at level ${level} is no bare pointer`);
      } else if (this.#claim(next, Use.table)) this.#table(next, level - 1, va);
    }
  }

  /** Which entries of a table are not zero: looked for again only when its bytes changed. */
  #filled(pfn: number): Filled {
    const at = RAM_AT * 4 + pfn * SIZE;
    let known = this.#tablesSeen.get(pfn);
    if (!known) {
      known = { bytes: new Uint8Array(SIZE), at: new Int16Array(512), count: 0 };
      this.#tablesSeen.set(pfn, known);
    }
    if (this.#memory.compare(known.bytes, 0, SIZE, at, at + SIZE) === 0) return known;
    this.#memory.copy(known.bytes, 0, at, at + SIZE);
    const w = this.#w;
    const first = at >> 2;
    known.count = 0;
    for (let i = 0; i < 512; i++) {
      if (w[first + 2 * i] === 0 && w[first + 2 * i + 1] === 0) continue;
      known.at[known.count++] = i;
    }
    return known;
  }

  /** P2, P3, P8: an entry of level 0 with neither V nor G that is not zero: a page in swap. */
  #swapped(va: number, low: number, high: number): void {
    const offset = ((low >>> 12) | (high << 20)) >>> 0;
    if ((low & 0xfbf) !== 0 || high >>> 12 !== 0) {
      this.#bad(`P2: the entry of ${hex(va)} means nothing: ${hex(high)} ${hex(low)}`);
      return;
    }
    const area = this.#areaOf(va);
    if (area < 0) return;
    const vm = this.#flags[area] as number;
    if (vm & (VM_SHARED | VM_KERNEL)) {
      this.#bad(`P3: ${hex(va)} is in swap, and in an area without pages of its own`);
    }
    if (vm & VM_SCRATCH) this.#bad(`S4: a scratch mapping has ${hex(va)} in slot ${offset}`);
    if (offset === 0 || offset >= this.#slots.length) {
      this.#bad(`P8: ${hex(va)} is in slot ${offset}, of ${this.#slots.length}`);
      return;
    }
    this.#swapents++;
    this.#slots[offset] = (this.#slots[offset] as number) + 1;
    this.swaps.push({ mm: this.#mm, va, offset });
  }

  /** The area that holds `va`, which grows from call to call; -1: none does. */
  #areaOf(va: number): number {
    while (this.#at < this.#areas && (this.#end[this.#at] as number) <= va) this.#at++;
    if (this.#at < this.#areas && (this.#start[this.#at] as number) <= va) return this.#at;
    this.#bad(`P3: ${hex(va)} is mapped, and in no area`);
    return -1;
  }

  /** P1 to P6, P9: one entry of level 0 that is not zero. */
  #leaf(va: number, bits: number, pfn: number): void {
    if (this.#areaOf(va) < 0) return;
    if (pfn >= this.#frames) {
      this.#bad(`P1: ${hex(va)} maps frame ${hex(pfn)}`);
      return;
    }
    const vm = this.#flags[this.#at] as number;
    const flags = this.#page(pfn, FLAGS);
    const what = () => `${hex(va)} -> frame ${hex(pfn)}, bits ${hex(bits)}, area ${hex(vm)}`;
    if (flags & FREE) this.#bad(`P1: a free frame is mapped: ${what()}`);
    if (bits & V) {
      if ((bits & U) === 0) this.#bad(`P6: a page of a program without U: ${what()}`);
      if (bits & G) this.#bad(`P6: a page of a program with G: ${what()}`);
      if ((bits & (R | W | X)) === 0) this.#bad(`P2: a pointer at level 0: ${what()}`);
    } else if ((bits & (G | R | W | X)) !== G) {
      this.#bad(`P2: an entry without V that means nothing: ${what()}`);
    }
    if (bits & W && !(bits & R)) this.#bad(`P2: W without R: ${what()}`);
    const allowed =
      (vm & (VM_READ | VM_WRITE) ? R : 0) | (vm & VM_WRITE ? W : 0) | (vm & VM_EXEC ? X : 0);
    if (bits & (R | W | X) & ~allowed) this.#bad(`P3: more than the area allows: ${what()}`);
    // Not "D, so A": fork and aging clear A and keep D.
    if (bits & D && !(vm & VM_MAYWRITE)) this.#bad(`P5: dirty, and never writable: ${what()}`);
    const bare = pfn === this.#zero || (vm & VM_PFNMAP) !== 0;
    if (bare !== ((bits & SPECIAL) !== 0)) this.#bad(`P1: special and counted: ${what()}`);
    if (bits & W && !(vm & VM_SHARED)) {
      if (bare) this.#bad(`P4: the zero page is writable: ${what()}`);
      else if (!(flags & ANON)) this.#bad(`P4: the cache's page is writable: ${what()}`);
      else if (this.#page(pfn, MAPS) !== 1) {
        this.#bad(`P4: a page of ${this.#page(pfn, MAPS)} mappings is writable: ${what()}`);
      } else if (!(flags & EXCLUSIVE)) this.#bad(`P4: others may have it: ${what()}`);
    }
    this.#note(va, pfn, bits);
    if (bare) return;
    if (bits & D && !(vm & VM_SHARED) && !(flags & ANON)) {
      this.#bad(`C4: a private mapping has written to the cache's page: ${what()}`);
    }
    this.#mapped[pfn] = (this.#mapped[pfn] as number) + 1;
    const vma = this.#vma[this.#at] as number;
    const index = this.#number(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
    const linear = this.#number(vma + VMA_PGOFF) + (va - (this.#start[this.#at] as number)) / SIZE;
    if (flags & ANON) {
      this.#anon++;
      this.#anonMapped[pfn] = 1;
      const ofFile = this.#w[(vma + VMA_FILE) >> 2] !== 0;
      if (ofFile && !(vm & VM_SCRATCH) && !(flags & SWAPBACKED)) {
        this.#bad(`S4: it may be dropped, and is in no scratch mapping: ${what()}`);
      }
      if (index !== linear) this.#bad(`F8: it is page ${index}, not ${linear}: ${what()}`);
      this.#known(pfn, vma, what);
      return;
    }
    this.#fileMapped[pfn] = 1;
    if (vm & VM_KERNEL) {
      this.#file++;
      if (!(flags & RESERVED_PAGE)) this.#bad(`P3: the vDSO is not the kernel's: ${what()}`);
      return;
    }
    const file = this.#w[(vma + VMA_FILE) >> 2] as number;
    const inode = file === 0 ? 0 : (this.#w[(file + FILE_INODE) >> 2] as number);
    if (inode !== 0 && this.#w[(inode + INODE_KIND) >> 2] === OF_SHMEM) this.#shmem++;
    else this.#file++;
    const ofDisk = inode !== 0 && this.#w[(inode + INODE_KIND) >> 2] === OF_DISK;
    if (ofDisk && bits & W && !(flags & DIRTY)) {
      this.#bad(`C6: a page that can be written unnoticed is not dirty: ${what()}`);
    }
    if (inode === 0 || this.#page(pfn, MAPPING) !== inode || index !== linear) {
      this.#bad(`C2: it maps page ${index} of another file or place, not ${linear}: ${what()}`);
    } else if (index >= this.#pages(inode)) {
      this.#bad(`C3: a page past the end of its file is mapped: ${what()}`);
    }
  }

  /** F8: whoever looks for the mappings of an anonymous page must find this area. */
  #known(pfn: number, vma: number, what: () => string): void {
    const w = this.#w;
    const anonVma = this.#page(pfn, MAPPING);
    let avc = w[(anonVma + ANON_VMA_RB_ROOT) >> 2] as number;
    for (let n = 0; avc !== 0 && n < 256; n++) {
      if (w[(avc + AVC_VMA) >> 2] === vma) return;
      avc = w[(avc + AVC_RB_NEXT) >> 2] as number;
    }
    this.#bad(`F8: the page's anon_vma does not know the area: ${what()}`);
  }

  #note(va: number, pfn: number, bits: number): void {
    if (this.leaves === this.leafVa.length) {
      const twice = <T extends Int32Array | Float64Array>(old: T, fresh: T): T => {
        fresh.set(old);
        return fresh;
      };
      const size = 2 * this.leaves;
      this.leafMm = twice(this.leafMm, new Int32Array(size));
      this.leafVa = twice(this.leafVa, new Float64Array(size));
      this.leafPfn = twice(this.leafPfn, new Int32Array(size));
      this.leafBits = twice(this.leafBits, new Int32Array(size));
    }
    this.leafMm[this.leaves] = this.#mm;
    this.leafVa[this.leaves] = va;
    this.leafPfn[this.leaves] = pfn;
    this.leafBits[this.leaves++] = bits;
  }

  /** One leaf of the last sweep. */
  leaf(i: number): Leaf {
    const [mm, va] = [this.leafMm[i] as number, this.leafVa[i] as number];
    return { mm, va, pfn: this.leafPfn[i] as number, bits: this.leafBits[i] as number };
  }

  /** F8: an anon_vma lists the areas that have it in their chains, and no others. */
  #anonVmas(): void {
    const w = this.#w;
    for (const anonVma of this.#families.keys()) {
      let avc = w[(anonVma + ANON_VMA_RB_ROOT) >> 2] as number;
      for (let left = this.#families.get(anonVma) as number; ; left--) {
        if ((avc === 0) !== (left === 0)) {
          this.#bad(`F8: the anon_vma at ${hex(anonVma)} lists areas that do not know it`);
        }
        if (avc === 0 || left === 0) break;
        avc = w[(avc + AVC_RB_NEXT) >> 2] as number;
      }
    }
  }

  /** Counts the chains of an area by their anon_vma. */
  #chains(vma: number): void {
    const w = this.#w;
    let avc = w[(vma + VMA_ANON_CHAIN) >> 2] as number;
    for (let n = 0; avc !== 0 && n < 64; n++) {
      const anonVma = w[(avc + AVC_ANON_VMA) >> 2] as number;
      if (w[(avc + AVC_VMA) >> 2] !== vma) {
        this.#bad(`F8: the area at ${hex(vma)} has a chain of another area`);
        return;
      }
      this.#families.set(anonVma, (this.#families.get(anonVma) ?? 0) + 1);
      avc = w[(avc + AVC_SAME_VMA) >> 2] as number;
    }
  }

  // --------------------------------------------------------------- V4: who holds which file

  /** The predictive bitmaps that the address space will be recorded in hold their files. */
  #bitmaps(mm: number): void {
    const w = this.#w;
    for (let at = w[(mm + MM_PBITMAPS) >> 2] as number; at !== 0; ) {
      if (at < PBITMAPS || at >= PBITMAPS + NR_PBITMAPS * PBITMAP_SIZE_OF) {
        this.#bad(`V4: an address space has a bitmap at ${hex(at)}`);
        return;
      }
      this.#bitmapsListed++;
      if (this.#bitmapsListed > NR_PBITMAPS) return;
      this.#hold(w[(at + PBITMAP_FILE) >> 2] as number, () => `the bitmap at ${hex(at)}`);
      at = w[(at + PBITMAP_NEXT) >> 2] as number;
    }
  }

  #hold(file: number, who: () => string): void {
    const i = (file - FILES) / FILE_SIZE_OF;
    if (!(Number.isInteger(i) && i >= 0 && i < NR_FILES)) {
      this.#bad(`V4: ${who()} holds a file at ${hex(file)}`);
      return;
    }
    this.#holders[i] = (this.#holders[i] as number) + 1;
  }

  /** T3: tasks and their address spaces; their descriptors hold files. */
  #tasks(): void {
    const w = this.#w;
    const users = this.#imageUsers();
    for (let i = 0; i < NR_TASKS; i++) {
      const task = TASKS + i * TASK_SIZE_OF;
      const state = w[(task + TASK_STATE) >> 2];
      if (state === TaskState.unused || state === TaskState.dead) continue;
      const own = w[(task + TASK_MM) >> 2] as number;
      if (own !== 0) users.set(own, (users.get(own) ?? 0) + 1);
      const fds = (task + TASK_FDS) >> 2;
      for (let fd = 0; fd < TASK_NR_FDS; fd++) {
        const file = w[fds + fd] as number;
        if (file !== 0) this.#hold(file, () => `descriptor ${fd}`);
      }
    }
    for (let i = 0; i < NR_MMS; i++) {
      const at = MMS + i * MM_SIZE_OF;
      const [says, has] = [w[(at + MM_USERS) >> 2], users.get(at) ?? 0];
      if (says !== has) this.#bad(`V6: mm ${i} counts ${says} users, and has ${has}`);
    }
    const now = w[CURRENT >> 2] as number;
    const mm = now === 0 ? 0 : (w[(now + TASK_MM) >> 2] as number);
    if (mm === 0) return;
    const [low, high] = [w[HART_SATP >> 2] as number, w[(HART_SATP >> 2) + 1] as number];
    const asid = (high >>> 12) & 0xffff;
    if (low !== w[(mm + MM_PGD) >> 2] || asid !== w[(mm + MM_ASID) >> 2]) {
      this.#bad(`T3: satp has ASID ${asid}, which is not the running task's`);
    }
  }

  /**
   * V6, K4: saved images (resident executables) use an mm each that no task has, and that nothing
   * can write to, for it is what later programs begin with.
   */
  #imageUsers(): Map<number, number> {
    const w = this.#w;
    const users = new Map<number, number>();
    const nr = w[RESIDENT_COUNT >> 2] as number;
    if (nr > RESIDENT_MAX) this.#bad(`V6: ${nr} saved images`);
    for (let i = 1; i <= Math.min(nr, RESIDENT_MAX); i++) {
      const vr = RESIDENT_BASE + i * RESIDENT_SIZE_OF;
      const mm = w[(vr + VR_VMSPACE) >> 2] as number;
      users.set(mm, (users.get(mm) ?? 0) + 1);
      const exe = w[(mm + MM_EXE_FILE) >> 2] as number;
      if (exe === 0 || w[(exe + FILE_INODE) >> 2] !== w[(vr + VR_VNODE) >> 2]) {
        this.#bad(`V6: image ${i} does not hold its program's file`);
      }
    }
    if (users.size === 0) return users;
    for (let i = 0; i < this.leaves; i++) {
      if (this.leafBits[i]! & W && users.has(this.leafMm[i]!)) {
        this.#bad(`K4: an image has a writable page at ${hex(this.leafVa[i]!)}`);
      }
    }
    return users;
  }

  /** Every open file is held as often as it says, and inodes by files at least as often. */
  #files(): void {
    const w = this.#w;
    for (let i = 0; i < NR_FILES; i++) {
      const at = FILES + i * FILE_SIZE_OF;
      const count = w[(at + FILE_COUNT) >> 2];
      if (count !== this.#holders[i]) {
        this.#bad(`V4: file ${i} counts ${count} holders, and has ${this.#holders[i]}`);
      }
      if (count === 0) continue;
      const kind = w[(at + FILE_KIND) >> 2];
      if (kind !== FileKind.regular && kind !== FileKind.directory) continue;
      const inode = w[(at + FILE_INODE) >> 2] as number;
      if (inode !== 0 && w[(inode + INODE_COUNT) >> 2] === 0) {
        this.#bad(`V4: file ${i} is of an inode that nobody holds`);
      }
    }
  }

  /** V4: a bitmap that holds a file is some address space's. */
  #everyBitmap(): void {
    let used = 0;
    for (let i = 0; i < NR_PBITMAPS; i++) {
      if (this.#w[(PBITMAPS + i * PBITMAP_SIZE_OF + PBITMAP_FILE) >> 2] !== 0) used++;
    }
    if (used !== this.#bitmapsListed) {
      this.#bad(`V4: ${used} bitmaps are in use, the address spaces have ${this.#bitmapsListed}`);
    }
  }

  // ------------------------------------------------------------------------ C: the page cache

  /** Pages of an inode, its last one perhaps partly. */
  #pages(inode: number): number {
    return Math.ceil(this.#number(inode + INODE_SIZE) / SIZE);
  }

  /** The hash as it was, and its buckets in use. */
  readonly #buckets = new Uint8Array(PAGE_HASH_NR * 4);
  #used: number[] = [];
  readonly #cachedOf = new Int32Array(NR_INODES);

  #cache(): void {
    const w = this.#w;
    this.#cachedOf.fill(0);
    const at = PAGE_HASH;
    const end = PAGE_HASH + PAGE_HASH_NR * 4;
    if (this.#memory.compare(this.#buckets, 0, end - at, at, end) !== 0) {
      this.#memory.copy(this.#buckets, 0, at, end);
      this.#used = [];
      for (let i = 0; i < PAGE_HASH_NR; i++) if (w[(at >> 2) + i] !== 0) this.#used.push(i);
    }
    for (const i of this.#used) {
      let pfn = w[(at >> 2) + i] as number;
      for (; pfn !== 0; pfn = this.#page(pfn, HASH_NEXT)) {
        if (!this.#claim(pfn, Use.cache)) break;
        this.#cached(pfn);
      }
    }
    for (let i = 0; i < NR_INODES; i++) {
      const node = INODES + i * INODE_SIZE_OF;
      const says = w[(node + INODE_NRPAGES) >> 2];
      const has = this.#cachedOf[i];
      // Most are nobody's. One with areas all the same leaves #fileAreas too high.
      if (says === 0 && has === 0 && w[(node + INODE_COUNT) >> 2] === 0) continue;
      // Shared memory is promised at once, whoever maps it.
      if (w[(node + INODE_KIND) >> 2] === OF_SHMEM && w[(node + INODE_COUNT) >> 2] !== 0) {
        this.#promised += w[(node + INODE_PRIVATE) >> 2] as number;
      }
      if (says !== has) this.#bad(`C2: nrpages of inode ${i} is ${says}, ${has} are cached`);
      let vma = w[(node + INODE_I_MMAP) >> 2] as number;
      for (; vma !== 0; this.#fileAreas--) {
        const file = w[(vma + VMA_FILE) >> 2] as number;
        if (this.#fileAreas === 0 || file === 0 || w[(file + FILE_INODE) >> 2] !== node) {
          this.#bad(`V4: i_mmap of inode ${i} has an area that is not of it`);
          break;
        }
        vma = w[(vma + VMA_I_MMAP) >> 2] as number;
      }
    }
    if (this.#fileAreas !== 0) this.#bad("V4: an area of a file is not on its i_mmap");
  }

  #cached(pfn: number): void {
    const inode = this.#page(pfn, MAPPING);
    const i = (inode - INODES) / INODE_SIZE_OF;
    if (!(Number.isInteger(i) && i >= 0 && i < NR_INODES)) {
      this.#bad(`C2: the cached frame ${hex(pfn)} is of no inode`);
      return;
    }
    this.#cachedOf[i] = (this.#cachedOf[i] as number) + 1;
    if ((this.#page(pfn, FLAGS) & CACHED) === 0) {
      this.#bad(`C2: frame ${hex(pfn)} is in the cache and does not say so`);
    }
    const index = this.#number(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
    if (index >= this.#pages(inode)) {
      this.#bad(`C3: page ${index} of inode ${i} is cached, past its end, in frame ${hex(pfn)}`);
    }
    const ofDisk = this.#w[(inode + INODE_KIND) >> 2] === OF_DISK;
    if (ofDisk && this.#page(pfn, FLAGS) & DIRTY) this.#dirty++;
    if (this.#clean(pfn)) this.#asOnDisk(pfn, inode, index);
    // One frame a page: whoever looks it up must find this very one.
    const found = this.#lookUp(inode, index, pfn);
    if (found !== pfn) this.#bad(`C2: page ${index} of inode ${i} is in two frames`);
  }

  /** Is the page as the disk has it, as far as the kernel says? */
  #clean(pfn: number): boolean {
    return (this.#page(pfn, FLAGS) & (DIRTY | UPTODATE | LOCKED)) === UPTODATE;
  }

  /** C1: a clean page holds what its block holds; a hole holds zeros. */
  #asOnDisk(pfn: number, inode: number, index: number): void {
    const w = this.#w;
    if (!this.comparesDisk || w[(inode + INODE_KIND) >> 2] !== OF_DISK) return;
    const disk = RAM_BASE + this.#frames * SIZE;
    const records = disk + (w[(disk + SB_EXTENT_BLOCK) >> 2] as number) * SIZE - DISK_EXTENT_SIZE;
    const at = RAM_BASE + pfn * SIZE;
    for (let nr = w[(inode + INODE_EXTENT) >> 2] as number; nr !== 0; ) {
      const extent = (records + nr * DISK_EXTENT_SIZE) >> 2;
      const into = index - (w[extent + (EXTENT_PAGE >> 2)] as number);
      if (into >= 0 && into < (w[extent + (EXTENT_BLOCKS >> 2)] as number)) {
        const block = disk + ((w[extent + (EXTENT_DATA >> 2)] as number) + into) * SIZE;
        if (this.#memory.compare(this.#memory, block, block + SIZE, at, at + SIZE) !== 0) {
          this.#bad(`C1: page ${index} of inode ${hex(inode)} is clean, and not as on the disk`);
        }
        return;
      }
      nr = w[extent + (EXTENT_NEXT >> 2)] as number;
    }
    if (this.#memory.compare(ZEROS, 0, SIZE, at, at + SIZE) !== 0) {
      this.#bad(`C1: page ${index} of inode ${hex(inode)} is a hole, and not zeros`);
    }
  }

  /** The first frame of the chain that `pfn` is on which holds that page. */
  #lookUp(inode: number, index: number, pfn: number): number {
    // Frames of one chain are neighbours of the walk above, so only later ones are looked at.
    let next = this.#page(pfn, HASH_NEXT);
    for (let n = 0; next !== 0 && n < this.#frames; n++) {
      const same = this.#page(next, MAPPING) === inode;
      if (same && this.#number(FRAMES + next * PAGE_SIZE_OF + PAGE_INDEX) === index) return next;
      next = this.#page(next, HASH_NEXT);
    }
    return pfn;
  }

  #pipes(): void {
    const w = this.#w;
    for (let i = 0; i < NR_PIPES; i++) {
      const at = (PIPES + i * PIPE_SIZE_OF) >> 2;
      if (w[at] === 0) continue;
      for (let slot = 0; slot < 16; slot++) {
        const pfn = w[at + 16 + slot] as number;
        if (pfn !== 0) this.#claim(pfn, Use.pipe);
      }
    }
  }

  // --------------------------------------------------------- what is on its way, C5, and swap

  /** Requests under way hold their pages; none is left waiting in the queue. */
  #underWay(): void {
    const w = this.#w;
    for (let i = 0; i < (w[DISK_NR_UNDER_WAY >> 2] as number); i++) {
      const pfn = w[(DISK_UNDER_WAY + i * 16) >> 2] as number;
      this.#requests[pfn] = (this.#requests[pfn] as number) + 1;
    }
    // What waits in the batch of MADV_FREE is held by it.
    for (let i = w[LAZYFREE_BATCH >> 2] as number; i > 0; i--) {
      const pfn = w[(LAZYFREE_BATCH >> 2) + i] as number;
      this.#requests[pfn] = (this.#requests[pfn] as number) + 1;
    }
    const queued = w[DISK_QUEUED >> 2];
    if (queued !== 0) this.#bad(`C1: ${queued} requests were never given to the disk`);
  }

  /** By frame: the list of the replacement policy that it is on, plus 1. */
  #listed = new Uint8Array(0);

  /** C5: every list is a ring of as many pages as it says, and no page is on two. */
  #lists(): void {
    const w = this.#w;
    let all = 0;
    for (let lru = 0; lru < POLICY_NR_LISTS; lru++) {
      const coldest = w[(POLICY_LISTS + lru * 8) >> 2] as number;
      const count = w[(POLICY_LISTS + lru * 8 + 4) >> 2] as number;
      all += count;
      let pfn = coldest;
      for (let n = 0; n < count; n++) {
        if (pfn === 0 || pfn >= this.#frames || this.#listed[pfn] !== 0) {
          this.#bad(`C5: list ${lru} has ${n} pages, and counts ${count}`);
          break;
        }
        this.#listed[pfn] = lru + 1;
        pfn = this.#page(pfn, LRU_PREV);
      }
      if (count > 0 ? pfn !== coldest : coldest !== 0) {
        this.#bad(`C5: list ${lru} of ${count} pages is no ring of so many`);
      }
    }
    const resident = w[POLICY_RESIDENT >> 2];
    if (resident !== all) this.#bad(`C5: ${resident} pages are resident, the lists have ${all}`);
  }

  /** S1, S2: a slot is used by those entries that name it, and by its page in memory. */
  #swap(): void {
    const w = this.#w;
    // Shared memory's pages are named by their inode's places, not by entries.
    const values = (w[XA_VALUES_AT >> 2] as number) >> 2;
    for (let i = w[XA_USED >> 2] as number; i > 0; i--) {
      const at = values + (i * XA_VALUE_SIZE) / 4;
      const mapping = w[at] as number;
      const value = w[at + 2] as number;
      if (mapping === 0 || value >>> 31 !== 0) continue;
      this.#slots[value] = (this.#slots[value] as number) + 1;
    }
    let [used, cached] = [0, 0];
    for (let offset = 1; offset < this.#slots.length; offset++) {
      const at = ((w[SWAP_MAP_AT >> 2] as number) + offset * SWAP_SLOT_SIZE) >> 2;
      const record = w[at] as number;
      const count = record & 0xffff;
      if (count !== this.#slots[offset]) {
        this.#bad(
          `S1: slot ${offset} counts ${count} users, ${this.#slots[offset]} entries name it`,
        );
      }
      if (record === 0) continue;
      used++;
      if (record >>> 16 === 0) continue;
      cached++;
      const pfn = w[at + 1] as number;
      const own = pfn < this.#frames && (this.#page(pfn, FLAGS) & SWAPCACHE) !== 0;
      if (!own || this.#page(pfn, PAGE_PRIVATE >> 2) !== offset) {
        this.#bad(`S1: the page of slot ${offset} is not in frame ${hex(pfn)}`);
      }
    }
    const dirty = w[NR_FILE_DIRTY >> 2];
    if (dirty !== this.#dirty) {
      this.#bad(`C6: ${dirty} pages are counted as dirty, ${this.#dirty} are`);
    }
    const says = this.#slots.length === 0 ? 0 : w[SWAP_INUSE >> 2];
    if (says !== used) this.#bad(`S2: ${says} slots are in use, the map has ${used}`);
    let frames = 0;
    for (let pfn = 0; pfn < this.#frames; pfn++) {
      if (this.#page(pfn, FLAGS) & SWAPCACHE) frames++;
    }
    if (frames !== cached || w[NR_SWAPCACHE >> 2] !== cached) {
      this.#bad(`S1: ${cached} slots have their page in memory, ${frames} frames say so`);
    }
  }

  // ---------------------------------------------------------------------------- F: frames

  get #nozero(): boolean {
    return ((this.#w[PROPOSAL_HOOKS >> 2] as number) & ProposalHook.nozero) !== 0;
  }

  #everyFrame(): void {
    const w = this.#w;
    let free = 0;
    for (let pfn = w[FREE_HEAD >> 2] as number; pfn !== 0; free++) {
      if (!this.#claim(pfn, Use.free)) break;
      pfn = this.#page(pfn, NEXT_WORD);
    }
    // Of MAP_NOZERO's list, those with a tag lie apart.
    let before = 0;
    for (let pfn = w[NOZERO_NEWEST >> 2] as number; pfn !== 0; free++) {
      if (!this.#claim(pfn, Use.free)) break;
      if (this.#page(pfn, LRU_PREV) !== before) this.#bad(`F2: ${hex(pfn)} is linked wrongly`);
      before = pfn;
      pfn = this.#page(pfn, NEXT_WORD);
    }
    if (w[NOZERO_OLDEST >> 2] !== before) this.#bad("F2: the oldest tagged frame is another");
    const says = w[NR_FREE >> 2];
    if (says !== free) this.#bad(`F2: nr_free is ${says}, the free list has ${free} frames`);
    const kernel = w[NR_KERNEL >> 2] as number;
    for (let pfn = 0; pfn < this.#frames; pfn++) this.#frame(pfn, pfn < kernel);
  }

  /** F1 to F6, F8: what one struct page says, and who really has the frame. */
  #frame(pfn: number, kernel: boolean): void {
    const flags = this.#page(pfn, FLAGS);
    const refs = this.#page(pfn, REFS) | 0;
    const maps = this.#page(pfn, MAPS) | 0;
    const mapped = this.#mapped[pfn] as number;
    let use = this.#use[pfn] as Use;
    const frame = () => `frame ${hex(pfn)} (flags ${hex(flags)}, ${USES[use]})`;
    if (kernel || pfn === this.#zero) {
      if (use !== Use.none) this.#bad(`F2: ${frame()} is the kernel's`);
      if (!(flags & RESERVED_PAGE)) this.#bad(`F8: ${frame()} is not kept for the kernel`);
      use = Use.kernel;
    }
    // While a frame is free, MAP_NOZERO keeps its tag there.
    const tagged = use === Use.free && this.#nozero;
    if (maps !== mapped && !tagged) {
      this.#bad(`F5: ${frame()} counts ${maps} mappings, and ${mapped} PTEs map it`);
    }
    if (use === Use.free) {
      if (flags !== FREE) this.#bad(`F3: a free frame still has flags: ${frame()}`);
      if (refs !== 0) this.#bad(`F3: a free frame has ${refs} references: ${frame()}`);
      return;
    }
    if (flags & FREE) {
      this.#bad(`F2: free, and not on the free list: ${frame()}`);
      return;
    }
    if (flags & ANON && use !== Use.none) this.#bad(`F6: anonymous as well: ${frame()}`);
    if (this.#anonMapped[pfn] && this.#fileMapped[pfn]) {
      this.#bad(`F6: mapped as anonymous and as a file's: ${frame()}`);
    }
    if (flags & EXCLUSIVE && maps > 1) this.#bad(`K1: exclusive, with ${maps} users: ${frame()}`);
    const swapcache = flags & SWAPCACHE ? 1 : 0;
    if (flags & ANON && swapcache && !(flags & SWAPBACKED)) {
      this.#bad(`S4: nothing for swap, and has a slot: ${frame()}`);
    }
    const owned = (use === Use.none ? 0 : 1) + swapcache + (this.#requests[pfn] as number);
    // What is being read or written stays until that is done, even if its file is gone.
    const held = owned > 0 || (flags & ANON && mapped > 0);
    if (use === Use.none && !held) {
      this.#bad(`F8: nobody has ${frame()}, with ${refs} references: it is lost`);
      return;
    }
    this.#onList(pfn, flags, use, frame);
    if ((flags & CACHED) !== 0 && use !== Use.cache) {
      this.#bad(`C2: ${frame()} says it is in the page cache`);
    }
    if ((flags & TABLE) !== 0 && use !== Use.table) {
      this.#bad(`P7: ${frame()} is a page table that no tree has`);
    }
    if (refs !== owned + mapped) {
      this.#bad(`F4: ${frame()} counts ${refs} references, and has ${owned + mapped}`);
    }
  }

  /** C5: what could be reclaimed is on one list of the policy, and nothing else is. */
  #onList(pfn: number, flags: number, use: Use, frame: () => string): void {
    const lru = (this.#page(pfn, PAGE_LRU >> 2) >>> ((PAGE_LRU & 3) * 8)) & 0xff;
    if (lru !== this.#listed[pfn]) {
      this.#bad(
        `C5: ${frame()} says it is on list ${lru - 1}, and is on ${this.#listed[pfn]! - 1}`,
      );
    }
    const could = use === Use.cache || (flags & (ANON | SWAPCACHE)) !== 0;
    const goes = !could && this.#requests[pfn] !== 0;
    if (lru !== 0 && !could && !goes)
      this.#bad(`C5: ${frame()} is nothing to reclaim, and on a list`);
    if (lru === 0 && could && (flags & OFF_LISTS) === 0) {
      this.#bad(`C5: ${frame()} is on no list, and would never be reclaimed`);
    }
  }

  // ------------------------------------------------------------------------- T: the TLB

  /** T1, T2: the TLB holds nothing that the page tables do not say. */
  #tlb(): void {
    const w = this.#w;
    const entries = this.#core.conf(Conf.tlb_entries);
    let valid = 0;
    for (let i = 0; i < entries; i++) {
      const at = (TLB_BASE + i * TLB_ENTRY_SIZE) >> 2;
      const low = w[at] as number;
      const high = w[at + 1] as number;
      if (high >>> 31 === 0) continue;
      valid++;
      const vpn = low & 0x7ffffff;
      const asid = ((low >>> 27) | (high << 5)) & 0xffff;
      const pteLow = w[at + 2] as number;
      const pteHigh = w[at + 3] as number;
      const slot = this.#slot(asid, vpn);
      const what = () => `the TLB's entry for page ${hex(vpn)} of ASID ${asid}`;
      const bits = slot === 0 ? 0 : (w[slot] as number);
      if ((bits & V) === 0) {
        this.#bad(`T1: ${what()} has no valid PTE behind it`);
      } else if (bits >>> 10 !== pteLow >>> 10 || w[slot + 1] !== pteHigh) {
        this.#bad(`T1: ${what()} leads to frame ${hex(pteLow >>> 10)}, not ${hex(bits >>> 10)}`);
      } else if (pteLow & (R | W | X | U | D) & ~bits) {
        this.#bad(`T2: ${what()} allows ${hex(pteLow & 0xff)}, its PTE ${hex(bits & 0xff)}`);
      }
    }
    const [accesses, misses] = [
      this.#core.getNumber(TLB_ACCESSES),
      this.#core.getNumber(TLB_MISSES),
    ];
    if (misses > accesses) this.#bad(`T5: ${misses} misses in ${accesses} accesses`);
    if (valid > misses) this.#bad(`T5: ${valid} entries after ${misses} walks`);
  }

  /** Word of the level-0 entry of page `vpn`, or 0. */
  #slot(asid: number, vpn: number): number {
    const w = this.#w;
    for (let i = 0; i < NR_MMS; i++) {
      const mm = (MMS + i * MM_SIZE_OF) >> 2;
      if (w[mm + (MM_USERS >> 2)] === 0 || w[mm + (MM_ASID >> 2)] !== asid) continue;
      let pfn = w[mm + (MM_PGD >> 2)] as number;
      for (let level = 2; pfn < this.#frames; level--) {
        const slot = ((RAM_BASE + pfn * SIZE) >> 2) + ((vpn >>> (9 * level)) & 511) * 2;
        if (level === 0) return slot;
        const low = w[slot] as number;
        if ((low & V) === 0) return 0;
        pfn = low >>> 10;
      }
    }
    return 0;
  }
}

/** @returns a line for each invariant that does not hold; call it while no kernel code runs. */
export function violations(core: Core): string[] {
  return new Sweeper(core).sweep();
}
