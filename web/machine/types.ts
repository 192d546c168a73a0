// What the host side says about the machine: plain data, made in the worker (or in Node)
// from linear memory, sent to the page as it is. The page draws these and nothing else.

/**
 * A place in the machine's history. `instret` counts retired guest instructions since
 * boot; `mark` counts the kernel's source lines executed since the last of them (0: the
 * kernel has not run here). One past the last mark means: the kernel has returned.
 */
export interface Position {
  instret: number;
  mark: number;
}

/** A line of kernel source, from the mark transform's map. `line` counts from 1. */
export interface SourceLine {
  file: string;
  line: number;
  endLine: number;
}

export interface Variable {
  name: string;
  /** Declared type as written ("u64", "vm_area_struct", ""). */
  type: string;
  /** The raw 64 bits, as hex with 0x. */
  raw: string;
  /** For a reader: "pfn 57", "hello page 3", "VM_READ | VM_EXEC", "0x0001 0168". */
  text: string;
  /** Line where its value was last set, when known. */
  line?: number;
}

/** One function of the kernel's call stack, outermost first in `Snapshot.kernel.stack`. */
export interface KernelFrame {
  function: string;
  at: SourceLine;
  variables: Variable[];
}

/** One level of the three-level walk. */
export interface WalkLevel {
  level: 2 | 1 | 0;
  /** Frame that holds the table. */
  tablePfn: number;
  /** The nine index bits. */
  index: number;
  /** The entry as hex (16 digits with 0x) and decoded. */
  pte: string;
  valid: boolean;
  leaf: boolean;
  pfn: number;
  /** Subset of "RWXUGAD" in that order, "V" left out. */
  flags: string;
  /** Some neighbours for the picture: index, pte hex, valid, pfn, flags. */
  rows: { index: number; pte: string; valid: boolean; leaf: boolean; pfn: number; flags: string }[];
}

export interface Walk {
  va: string;
  /** What is being done there, when the machine is doing it. */
  access: "R" | "W" | "X" | "";
  satpPfn: number;
  levels: WalkLevel[];
  /** "page", "not valid at level 1", "no write permission", "not canonical" ... */
  outcome: string;
  ok: boolean;
  pa?: string;
}

export interface TlbEntry {
  set: number;
  way: number;
  valid: boolean;
  vpn: number;
  asid: number;
  pfn: number;
  flags: string;
}

/** What one 4 KiB page of an address space, a file or memory is: colour, glyph, word. */
export type PageState =
  | "absent" // not mapped: hollow
  | "file" // page cache, clean: blue
  | "file-dirty" // blue, corner cut
  | "anon" // orange
  | "zero" // the shared zero page: white with a dot
  | "table" // page table: purple
  | "kernel" // grey
  | "free" // hollow grey
  | "swap" // on the swap area: brown, hollow
  | "cached" // in the page cache but not mapped here: pale blue outline
  | "scratch"; // a private copy in a MAP_SCRATCH mapping, which may be dropped: green, dashed edge

export interface VmaView {
  start: string;
  end: string;
  startPage: number; // virtual page number
  pages: number;
  /** "r-xp" as in /proc/PID/maps */
  perms: string;
  /** "hello", "[heap]", "[stack]", "" */
  name: string;
  pgoff: number;
  /** State of each page; long vmas are cut after `cells.length` pages. */
  cells: PageState[];
  /** Number of pages present in the page table. */
  present: number;
}

export interface FrameGrid {
  total: number;
  free: number;
  /** One per frame: index into `states`. */
  cells: Uint8Array;
  states: PageState[];
}

export interface FrameInfo {
  pfn: number;
  state: PageState;
  refcount: number;
  mapcount: number;
  /** "hello, page 3", "pid 1, 0x3fff fff0 00", "level 0 table", "kernel" */
  owner: string;
}

/** One fault of the history, for the timeline and `faults`. */
export interface FaultRecord {
  n: number;
  instret: number;
  /** Position of its first kernel line is { instret, mark: mark + 1 }. */
  mark: number;
  pid: number;
  pc: string;
  va: string;
  access: "R" | "W" | "X";
  mode: "U" | "S";
  /** See FaultKind in assembly/abi.ts: minor major anon zero cow reuse spurious stack sigsegv sigbus oom kept. */
  kind: string;
  vma: { start: string; end: string; perms: string; name: string } | null;
  pfn: number | null;
  blocks: number;
  costNs: number;
}

export interface CacheFile {
  ino: number;
  name: string;
  pages: number;
  /** State of each page: "file", "file-dirty" when cached, else "absent". */
  cells: PageState[];
  /** Disk block of each page (lba), -1 for a hole. */
  lbas: number[];
}

export interface DiskView {
  head: number;
  lbas: number;
  reads: number;
  pages: number;
  seeks: number;
  writes: number;
  pagesWritten: number;
  lastLba: number;
  lastNr: number;
  extents: { name: string; lba: number; blocks: number }[];
}

export interface GuestView {
  pid: number;
  name: string;
  pc: string;
  /** Disassembly-free: the raw instruction bits when readable. */
  insn: string;
  /** C line of the pc from the ELF's line table. */
  source: { file: string; line: number; text: string } | null;
  symbol: string;
  regs: { name: string; value: string }[];
  /** null while running; else how it ended. */
  exit: { status: number | null; signal: string | null; code: number; addr: string } | null;
}

/** A process, as the page lists it. */
export interface ProcessView {
  pid: number;
  /** The parent's pid, 0 when it has none. */
  parent: number;
  name: string;
  /** "runs", "ready", "waits for a pipe", "ended" ... */
  doing: string;
  /** It has the hart. */
  current: boolean;
  /** It has an address space that can be looked at. */
  mapped: boolean;
}

export interface Snapshot {
  position: Position;
  /** True in user mode, false inside the kernel. */
  user: boolean;
  /** Kernel lines in the entry (entries) at this instret, once known, for "line 22 of 39". */
  marksHere: number | null;
  /** Line of this kernel entry and how many it has; null outside the kernel. */
  entry: { line: number; lines: number } | null;
  timeNs: number;
  timeSplit: { disk: number; exception: number; kernel: number; memory: number; user: number };
  instret: number;
  minflt: number;
  majflt: number;
  tlb: {
    hits: number;
    misses: number;
    entries: TlbEntry[];
    size: number;
    ways: number;
    policy: string;
  };
  kernel: { stack: KernelFrame[]; at: SourceLine | null };
  /** The fault in progress, or the last one. */
  fault: {
    va: string;
    access: "R" | "W" | "X";
    mode: "U" | "S";
    kind: string;
    inProgress: boolean;
  } | null;
  /** Walk of the address in question (the fault's, or the one asked for). */
  walk: Walk | null;
  processes: ProcessView[];
  /** Whose address space `vmas` is; 0 when it is nobody's yet. */
  shownPid: number;
  vmas: VmaView[];
  frames: FrameGrid;
  cache: CacheFile[];
  disk: DiskView;
  guest: GuestView | null;
  /** The one sentence: what is happening and why. */
  sentence: string;
  /**
   * The last of the guest's output up to this position, a record a write, fit for a terminal:
   * what could steer one is gone. `end` counts the bytes of all records up to and with this one.
   */
  output: { fd: number; text: string; end: number }[];
  /** The records before `output` ended here; 0: there are none. */
  outputFrom: number;
  halted: boolean;
  mode: "guest" | "touch";
  program: string;
  era: string;
  /** Where a newly reached fault sits in the list of faults (0-based), or -1. */
  faultIndex: number;
  faultCount: number;
}

/** The answer to a command line. */
export interface CommandResult {
  /** Lines for the terminal; already escaped, may hold SGR colour. */
  text: string;
  /** 0 fine, 1 the machine said no, 2 bad command. */
  status: number;
  /** The position changed: ask for a snapshot. */
  moved: boolean;
}

/** One block that the disk gave or took. */
export interface DiskRequest {
  lba: number;
  /** Blocks the head moved to get there; 0: it stood there. */
  distance: number;
  /** It began a request of its own, with a command and whatever way the head had. */
  fresh: boolean;
  ns: number;
  write: boolean;
  /** Whose page it is; ino 0 where it is no file's (swap, a file that is gone). */
  ino: number;
  page: number;
  /** Number of the fault (from 0) that waited for it, -1 for exec, a system call or the kernel. */
  fault: number;
}

/** The same blocks in an order: what the pane draws one track of. */
export interface DiskTour {
  requests: DiskRequest[];
  ns: number;
  seeks: number;
  /** Blocks over which the head travelled. */
  travelled: number;
}

/** The head's way over the disk, so far and to come. */
export interface DiskPicture {
  lbas: number;
  /** The era's disk has no arm: every request costs the same. */
  armless: boolean;
  /** As it happened, in the whole known run. */
  happened: DiskTour;
  /** The same blocks, each once, file by file in ascending offset. */
  ordered: DiskTour;
  /** Blocks before the first of `happened`, and after its last, that are not kept. */
  before: number;
  after: number;
  /** Paths by inode number, of the files in `happened`. */
  names: Record<number, string>;
}

/** What a pane draws beyond the snapshot, made when it is asked for. */
export interface Pictures {
  disk: DiskPicture;
  bitmap: BitmapPicture;
  resident: ResidentPicture;
  frames: FramesPicture;
  nozero: NozeroPicture;
  scratch: ScratchPicture;
}

/** Whose picture: of a process, of a file, of a saved image. */
export interface PictureOf {
  pid?: number | undefined;
  ino?: number | undefined;
  image?: number | undefined;
  /** Virtual page number. */
  vpn?: number | undefined;
}

/** Names of the views beyond the first screen: links carry them, so they do not change. */
export const VIEWS = ["disk", "bitmap", "resident", "nozero", "scratch", "experiment"] as const;
export type View = (typeof VIEWS)[number];

/** Marks of a page, added up: its bit is set; a fault waited for it, without or with the disk. */
export const MARK_BIT = 1;
export const MARK_MINOR = 2;
export const MARK_MAJOR = 4;

/** Consecutive pages of a file. */
export interface BitmapStretch {
  /** Of a segment its permissions, as readelf has them; "" where no segment lies. */
  name: string;
  /** Number of its first page in the file, and how many pages it is long. */
  first: number;
  count: number;
  /** "absent"; "cached": in memory and not used yet; else in memory and used. */
  cells: PageState[];
  /** MARK_BIT and the others, a byte a cell. */
  marks: Uint8Array;
  /** Where the bitmap that speaks of it was found. */
  form: "section" | "phdr" | null;
}

export interface BitmapFile {
  ino: number;
  path: string;
  /** Bytes. */
  size: number;
  /** PT_GNU_STACK asks the kernel to read the section headers. */
  asked: boolean;
  /** Why its bitmaps cannot be read, "" when they can. */
  problem: string;
}

export interface BitmapPicture {
  /** Whose pages are shown. */
  pid: number;
  /** vm.pbitmap_enabled. */
  enabled: boolean;
  /**
   * Pages that are mapped before they are touched begin with A set (vm.old_prefault is 0), so
   * nothing tells whether they were used.
   */
  aheadIsUsed: boolean;
  /** The files that the process has mapped, the program first. */
  files: { ino: number; path: string }[];
  file: BitmapFile | null;
  segments: BitmapStretch[];
  /** The same pages as the address space has them. */
  areas: {
    startPage: number;
    start: string;
    perms: string;
    pages: number;
    cells: PageState[];
    marks: Uint8Array;
  }[];
}

/** The image's own page, and a copy of it has the same frame. */
export const MARK_SHARED = 8;
/** The frame is in use, among others that are free. */
export const MARK_USED = 16;
/** Somebody else's data can be read in it. */
export const MARK_FOREIGN = 32;

/** Pages of an area in one address space. */
export interface ResidentRow {
  cells: PageState[];
  /** MARK_SHARED, a byte a cell. */
  marks: Uint8Array;
  /** Frame of each, 0 where there is none. */
  pfns: Uint32Array;
}

export interface ResidentPicture {
  /** vm.resident_enabled. */
  enabled: boolean;
  images: {
    id: number;
    path: string;
    /** Programs that began as copies of it. */
    execs: number;
    /** A file it was made of has changed; its pages were taken when memory was out. */
    changed: boolean;
    emptied: boolean;
    /** Pages of its own in memory, pages of files, pages in swap, page tables. */
    own: number;
    file: number;
    swapped: number;
    tables: number;
  }[];
  /** Number of the image that `copies` and `areas` are of, 0 when there is none. */
  shown: number;
  /** Living copies: pages shared with the image, made their own, and of files. */
  copies: { pid: number; name: string; shared: number; copied: number; file: number }[];
  areas: {
    startPage: number;
    start: string;
    perms: string;
    /** Path of the file, "" for anonymous memory. */
    name: string;
    pages: number;
    saved: ResidentRow;
    /** In the order of `copies`. */
    copies: ResidentRow[];
  }[];
}

/** Whom an owner tag names: vm.nozero_owner. */
export type OwnerKind = "uid" | "memcg" | "task";

/**
 * What bytes of a frame that nobody has written since it was handed out still hold: assembly/abi.ts
 * has the same numbers as Holds. From HOLDS_OWNER on: an owner's data, the owner's id plus 3.
 */
export const HOLDS_ZERO = 0;
export const HOLDS_KERNEL = 1;
export const HOLDS_FILE = 2;
export const HOLDS_OWNER = 3;

/** Frames by what MAP_NOZERO knows of them, a number a frame. */
export interface FramesPicture {
  /** vm.nozero_enabled: otherwise nobody keeps the record, and the arrays are empty. */
  enabled: boolean;
  owner: OwnerKind;
  /** 1: on the free list. */
  free: Uint8Array;
  /** 0: no owner, else its id plus 1. */
  tags: Uint32Array;
  /** HOLDS_ZERO and the others. */
  holds: Uint32Array;
  /** 1: mapped by a process that is not the owner of what is left in it. */
  foreign: Uint8Array;
}

/** Pages that were made by writes to an area with MAP_NOZERO, one after the other, all alike. */
export interface NozeroFault {
  pages: number;
  /** Of the first of them. */
  instret: number;
  mark: number;
  pid: number;
  name: string;
  va: string;
  pfn: number;
  /** Tag of the owner that asked, and the one found on the frame. */
  asked: number;
  found: number;
  cleared: boolean;
}

/** A field of struct page. */
export interface StructField {
  name: string;
  offset: number;
  size: number;
  text: string;
  /** The owner tag is kept here. */
  tag: boolean;
}

export interface NozeroPicture {
  enabled: boolean;
  /** vm.nozero_tag: where the tag is kept. */
  storage: "field" | "mapcount";
  owner: OwnerKind;
  /** vm.nozero_list */
  list: "lifo" | "owner_aware";
  /** Names of the defects that are on. */
  defects: string[];
  /** Pages for users that were cleared, and that were not. */
  cleared: number;
  avoided: number;
  free: {
    total: number;
    /** Free frames by tag, the largest group first; tag 0: none. */
    groups: { tag: number; frames: number }[];
    /** The beginning of the list: the frame to be handed out next is the first. */
    head: { pfn: number; tag: number; holds: number }[];
  };
  /** The last ones, newest first. */
  faults: NozeroFault[];
  /** Pages that are mapped and hold what others left: by reader and by whose data it is. */
  readable: { pid: number; name: string; reader: number; holds: number; pfn: number; va: string }[];
  /** Of all pages that were not cleared and are mapped now, those of the same owner. */
  own: number;
  struct: {
    /** The frame that is shown: the next to be handed out. */
    pfn: number;
    fields: StructField[];
    /** Bytes that the kernel sets aside for each frame, and without the new field. */
    bytes: number;
    plain: number;
    /** Frames there are, and frames that all of struct page takes: as it is, and without. */
    frames: number;
    taken: number;
    takenPlain: number;
  };
}

/** What became of a page of a MAP_SCRATCH mapping, one after the other. */
export interface ScratchMoment {
  what: "read" | "mapped" | "copied" | "dropped" | "now";
  instret: number;
  mark: number;
  /** Words that had come to differ from the file when it ended. */
  words: number;
}

export interface ScratchWord {
  /** 0 to 511, from the start of the page. */
  index: number;
  /** 1 for the first that came to differ from the file; 0: not known. */
  order: number;
  file: string;
  memory: string;
}

export interface ScratchPicture {
  enabled: boolean;
  pid: number;
  name: string;
  /** SCRATCH_DROP and SCRATCH_REREAD: of all processes, since boot. */
  drops: number;
  rereads: number;
  areas: {
    startPage: number;
    start: string;
    perms: string;
    path: string;
    pages: number;
    /** Page of the file at its start. */
    firstPage: number;
    cells: PageState[];
    /** Times each page was dropped, as far as the log goes back. */
    drops: Uint32Array;
  }[];
  /** The page that is looked at. */
  page: {
    vpn: number;
    va: string;
    path: string;
    filePage: number;
    /** Where it is now. */
    state: PageState;
    pfn: number;
    /** Words of it that differ from the file. */
    words: ScratchWord[];
    /** The order they landed in was found. */
    ordered: boolean;
    life: ScratchMoment[];
    drops: number;
  } | null;
  /** The same drops, had the pages gone to swap: in this era's own disk. */
  swap: { writes: number; reads: number; ns: number };
}
