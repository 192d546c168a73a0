// Typed views of the machine's memory: plain functions that read, nothing that writes. All
// offsets come from assembly/abi.ts.
import {
  ANON_VMA_RB_ROOT,
  AVC_RB_NEXT,
  AVC_VMA,
  BOOT_ERRNO,
  CLOCK_PS,
  CLOCK_SPLIT,
  CONF_BASE,
  CURRENT,
  Conf,
  CostKind,
  DISK_EXTENT_SIZE,
  DISK_HEAD,
  DISK_INODE_SIZE,
  DISK_LAST_LBA,
  DISK_LAST_NR,
  DISK_PAGES,
  DISK_PAGES_WRITTEN,
  DISK_READS,
  DISK_SEEKS,
  DI_EXTENT,
  DI_MODE,
  DI_NR_EXTENTS,
  DI_SIZE,
  DISK_WRITES,
  Era,
  EXTENT_BLOCKS,
  EXTENT_LBA,
  EXTENT_NEXT,
  EXTENT_PAGE,
  FILE_INODE,
  FRAMES,
  HART_INSTRET,
  HART_PC,
  HART_SATP,
  HART_X,
  INODE_INO,
  INODE_SIZE,
  MM_ASID,
  MM_BRK,
  MM_MMAP,
  MM_PGD,
  MM_START_BRK,
  MM_START_STACK,
  NR_FREE,
  NR_TASKS,
  PAGE_FLAGS,
  PAGE_INDEX,
  PAGE_MAPCOUNT,
  PAGE_MAPPING,
  PAGE_REFCOUNT,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  RAM_BASE,
  SB_EXTENT_BLOCK,
  SB_INODES,
  SB_INODE_BLOCK,
  SB_LBAS,
  TASKS,
  TASK_COMM,
  TASK_EXIT_CODE,
  TASK_EXIT_SIGNAL,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TASK_MM,
  TASK_PID,
  TASK_SIZE_OF,
  TASK_SI_ADDR,
  TASK_SI_CODE,
  TASK_STATE,
  TASK_UID,
  TLB_ACCESSES,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  TLB_MISSES,
  TaskState,
  VM,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_MM,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_START,
  VM_EVENTS,
  type VmEvent,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { FrameGrid, PageState, TlbEntry, Walk, WalkLevel } from "./types.ts";

/** Two spare bits of a PTE are the kernel's: bit 8 marks the zero page (kernel/pgtable.ts). */
const PTE_SPECIAL = 0x100n;
const S_IFMT = 0xf000;
const S_IFDIR = 0x4000;
const S_IFREG = 0x8000;
/** A vma that belongs to /dev/zero or to nothing still ends in a finite list. */
const MAX_VMAS = 65536;

/** "0x1f" */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

// ------------------------------------------------------------------------- processor ----

export const REGISTERS = [
  ...["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"],
  ...["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"],
  ...["s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"],
];

export function pc(core: Core): bigint {
  return core.getU64(HART_PC);
}

/** x0..x31 by number. */
export function register(core: Core, n: number): bigint {
  return core.getU64(HART_X + 8 * n);
}

/** Frame of the page table that satp names, or 0 when translation is off. */
export function satpPfn(core: Core): number {
  const satp = core.getU64(HART_SATP);
  return satp >> 60n === 8n ? Number(satp & 0xfffffffffffn) : 0;
}

/** hits, misses and the valid entries of the modelled TLB. */
export function tlb(core: Core): {
  hits: number;
  misses: number;
  entries: TlbEntry[];
  size: number;
  ways: number;
  policy: string;
} {
  const size = core.conf(Conf.tlb_entries);
  const ways = core.conf(Conf.tlb_ways);
  const entries: TlbEntry[] = [];
  for (let i = 0; i < size; i++) {
    const tag = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE);
    const pte = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE + 8);
    entries.push({
      set: Math.floor(i / ways),
      way: i % ways,
      valid: tag >> 63n === 1n,
      vpn: Number(tag & 0x7ffffffn),
      asid: Number((tag >> 27n) & 0xffffn),
      pfn: Number((pte >> 10n) & 0xfffffffffffn),
      flags: pteFlags(pte),
    });
  }
  const misses = core.getNumber(TLB_MISSES);
  const policy = ["round-robin", "random", "LRU"][core.conf(Conf.tlb_policy)] ?? "";
  return { hits: core.getNumber(TLB_ACCESSES) - misses, misses, entries, size, ways, policy };
}

/** Whether the TLB holds a translation of `va` for the current address space. */
export function inTlb(core: Core, va: bigint): boolean {
  const asid = (core.getU64(HART_SATP) >> 44n) & 0xffffn;
  const size = core.conf(Conf.tlb_entries);
  const vpn = (va >> 12n) & 0x7ffffffn;
  for (let i = 0; i < size; i++) {
    const tag = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE);
    if (tag >> 63n !== 1n) continue;
    const shift = 9n * ((tag >> 43n) & 3n);
    if ((tag & 0x7ffffffn) >> shift !== vpn >> shift) continue;
    const global = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE + 8) & 32n;
    if (global || ((tag >> 27n) & 0xffffn) === asid) return true;
  }
  return false;
}

// ----------------------------------------------------------------------- page tables ----

const FLAG_BITS: [bigint, string][] = [
  [2n, "R"],
  [4n, "W"],
  [8n, "X"],
  [16n, "U"],
  [32n, "G"],
  [64n, "A"],
  [128n, "D"],
];

/** Subset of "RWXUGAD". */
export function pteFlags(pte: bigint): string {
  return FLAG_BITS.map(([bit, name]) => (pte & bit ? name : "")).join("");
}

export function pteText(pte: bigint): string {
  return `0x${pte.toString(16).padStart(16, "0")}`;
}

function pte(core: Core, table: number, index: number): bigint {
  return core.getU64(RAM_BASE + table * PAGE_SIZE + index * 8);
}

function ptePfn(entry: bigint): number {
  return Number((entry >> 10n) & 0xfffffffffffn);
}

/** How many rows above and below the entry a table is drawn with. */
const NEIGHBOURS = 3;

/**
 * The three-level walk as the hardware would make it now, without making it: nothing is counted
 * and no bit set.
 *
 * @param root frame of the root table
 * @param access what is to be done there; "" asks for no permission
 */
export function walk(core: Core, root: number, va: bigint, access: Walk["access"]): Walk {
  const result: Walk = { va: hex(va), access, satpPfn: root, levels: [], outcome: "", ok: false };
  if (BigInt.asIntN(39, va) !== BigInt.asIntN(64, va)) {
    return { ...result, outcome: "not canonical: bits 63 to 39 must equal bit 38" };
  }
  const frames = core.conf(Conf.ram_frames);
  let table = root;
  for (const level of [2, 1, 0] as const) {
    if (table <= 0 || table >= frames) return { ...result, outcome: "no page table" };
    const index = Number((va >> BigInt(12 + 9 * level)) & 511n);
    const entry = pte(core, table, index);
    const leaf = (entry & 14n) !== 0n;
    result.levels.push(levelOf(core, level, table, index));
    if ((entry & 1n) === 0n) return { ...result, outcome: `not valid at level ${level}` };
    if (leaf) return leafOf(result, entry, level, va, access);
    table = ptePfn(entry);
  }
  return { ...result, outcome: "a pointer at level 0, where only pages may be" };
}

function levelOf(core: Core, level: 2 | 1 | 0, table: number, index: number): WalkLevel {
  const row = (i: number) => {
    const entry = pte(core, table, i);
    const valid = (entry & 1n) !== 0n;
    const leaf = valid && (entry & 14n) !== 0n;
    const flags = pteFlags(entry);
    return { index: i, pte: pteText(entry), valid, leaf, pfn: ptePfn(entry), flags };
  };
  const first = Math.max(0, Math.min(511 - 2 * NEIGHBOURS, index - NEIGHBOURS));
  const rows = Array.from({ length: 2 * NEIGHBOURS + 1 }, (_, i) => row(first + i));
  return { level, tablePfn: table, ...row(index), rows };
}

function leafOf(
  result: Walk,
  entry: bigint,
  level: number,
  va: bigint,
  access: Walk["access"],
): Walk {
  const page = level === 0 ? "page" : level === 1 ? "2 MiB page" : "1 GiB page";
  const low = (1n << BigInt(12 + 9 * level)) - 1n;
  if ((BigInt(ptePfn(entry)) << 12n) & low) return { ...result, outcome: `misaligned ${page}` };
  const pa = hex(((BigInt(ptePfn(entry)) << 12n) & ~low) | (va & low));
  const needed = { R: 2n, W: 4n, X: 8n, "": 0n }[access];
  const name = { R: "read", W: "write", X: "execute", "": "" }[access];
  if (needed && !(entry & needed)) return { ...result, pa, outcome: `no ${name} permission` };
  if (!(entry & 16n)) return { ...result, pa, outcome: "not a user page" };
  return { ...result, pa, ok: true, outcome: page };
}

/** The level-0 entry of a page, 0n when a table is missing. */
export function leafPte(core: Core, root: number, va: bigint): bigint {
  let table = root;
  const frames = core.conf(Conf.ram_frames);
  for (let level = 2; level >= 0; level--) {
    if (table <= 0 || table >= frames) return 0n;
    const entry = pte(core, table, Number((va >> BigInt(12 + 9 * level)) & 511n));
    if (level === 0) return entry;
    if (!(entry & 1n)) return 0n;
    table = ptePfn(entry);
  }
  return 0n;
}

/**
 * Reads guest memory through an address space.
 *
 * @returns the bytes up to the first page that is not there, at most `length`
 */
export function readMemory(core: Core, root: number, va: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = va + BigInt(done);
    const entry = leafPte(core, root, at);
    const pfn = ptePfn(entry);
    if (!(entry & 1n) || pfn >= core.conf(Conf.ram_frames)) break;
    const offset = Number(at & 4095n);
    const count = Math.min(PAGE_SIZE - offset, length - done);
    const from = RAM_BASE + pfn * PAGE_SIZE + offset;
    out.set(core.bytes.subarray(from, from + count), done);
    done += count;
  }
  return out.subarray(0, done);
}

// ------------------------------------------------------------------- tasks and areas ----

export interface Task {
  address: number;
  pid: number;
  state: TaskState;
  name: string;
  /** Address of its mm_struct, 0 when it has none. */
  mm: number;
  exitCode: number;
  exitSignal: number;
  siCode: number;
  siAddr: bigint;
  uid: number;
  minflt: number;
  majflt: number;
}

function task(core: Core, address: number): Task {
  const comm = core.bytes.slice(address + TASK_COMM, address + TASK_COMM + 16);
  const end = comm.indexOf(0);
  return {
    address,
    pid: core.getU32(address + TASK_PID),
    state: core.getU32(address + TASK_STATE),
    name: new TextDecoder().decode(comm.subarray(0, end < 0 ? 16 : end)),
    mm: core.getU32(address + TASK_MM),
    exitCode: core.getI32(address + TASK_EXIT_CODE),
    exitSignal: core.getU32(address + TASK_EXIT_SIGNAL),
    siCode: core.getI32(address + TASK_SI_CODE),
    siAddr: core.getU64(address + TASK_SI_ADDR),
    uid: core.getU32(address + TASK_UID),
    minflt: core.getNumber(address + TASK_MIN_FLT),
    majflt: core.getNumber(address + TASK_MAJ_FLT),
  };
}

/** Every task_struct in use, by address. */
export function tasks(core: Core): Task[] {
  const found: Task[] = [];
  for (let i = 0; i < NR_TASKS; i++) {
    const address = TASKS + i * TASK_SIZE_OF;
    if (core.getU32(address + TASK_STATE) !== TaskState.unused) found.push(task(core, address));
  }
  return found;
}

/** The running task, or the first one when none runs (before boot, at the end). */
export function currentTask(core: Core): Task | null {
  const address = core.getU32(CURRENT);
  return address !== 0 ? task(core, address) : (tasks(core)[0] ?? null);
}

export interface Vma {
  address: number;
  start: bigint;
  end: bigint;
  /** Page of the file at start; of an anonymous area, its virtual page number. */
  pgoff: number;
  flags: number;
  /** Inode number, 0 for anonymous memory. */
  ino: number;
  /** Address of the inode in core, 0 for anonymous memory. */
  inode: number;
}

function vma(core: Core, address: number): Vma {
  const file = core.getU32(address + VMA_FILE);
  const inode = file === 0 ? 0 : core.getU32(file + FILE_INODE);
  return {
    address,
    start: core.getU64(address + VMA_START),
    end: core.getU64(address + VMA_END),
    pgoff: core.getNumber(address + VMA_PGOFF),
    flags: core.getU32(address + VMA_FLAGS),
    ino: inode === 0 ? 0 : core.getU32(inode + INODE_INO),
    inode,
  };
}

/** The areas of an address space, lowest first. @param mm address of the mm_struct */
export function vmas(core: Core, mm: number): Vma[] {
  const found: Vma[] = [];
  if (mm === 0) return found;
  let at = core.getU32(mm + MM_MMAP);
  for (; at !== 0 && found.length < MAX_VMAS; at = core.getU32(at + VMA_NEXT)) {
    found.push(vma(core, at));
  }
  return found;
}

/** A vm_area_struct by its address (a kernel variable). */
export function vmaAt(core: Core, address: number): Vma {
  return vma(core, address);
}

/** "r-xp", as in /proc/PID/maps. */
export function perms(flags: number): string {
  const bit = (mask: number, char: string) => (flags & mask ? char : "-");
  const shared = flags & VM.SHARED ? "s" : "p";
  return bit(VM.READ, "r") + bit(VM.WRITE, "w") + bit(VM.EXEC, "x") + shared;
}

/** Addresses of an mm_struct that name areas and its page table. */
export function mm(core: Core, address: number) {
  const get = (offset: number) => core.getU64(address + offset);
  return {
    pgd: core.getU32(address + MM_PGD),
    asid: core.getU32(address + MM_ASID),
    startBrk: get(MM_START_BRK),
    brk: get(MM_BRK),
    startStack: get(MM_START_STACK),
  };
}

// ------------------------------------------------------------------- frames and files ----

export interface Frame {
  pfn: number;
  flags: number;
  refcount: number;
  mapcount: number;
  /** Address of the inode, of the anon_vma, or (page tables) of the mm_struct. */
  mapping: number;
  index: number;
}

export function frame(core: Core, pfn: number): Frame {
  const at = FRAMES + pfn * PAGE_SIZE_OF;
  return {
    pfn,
    flags: core.getU32(at + PAGE_FLAGS),
    refcount: core.getI32(at + PAGE_REFCOUNT),
    mapcount: core.getI32(at + PAGE_MAPCOUNT),
    mapping: core.getU32(at + PAGE_MAPPING),
    index: core.getNumber(at + PAGE_INDEX),
  };
}

/**
 * Where an anonymous frame is mapped: the address spaces (mm_struct) and addresses whose page
 * tables hold it now, as the kernel's reverse map finds them.
 */
export function anonMappings(core: Core, frame: Frame): { mm: number; va: bigint }[] {
  const found: { mm: number; va: bigint }[] = [];
  if (frame.mapcount === 0) return found;
  let avc = core.getU32(frame.mapping + ANON_VMA_RB_ROOT);
  for (; avc !== 0; avc = core.getU32(avc + AVC_RB_NEXT)) {
    const area = core.getU32(avc + AVC_VMA);
    const { start, end, pgoff } = vma(core, area);
    const va = start + (BigInt(frame.index - pgoff) << 12n);
    if (va < start || va >= end) continue;
    const mm = core.getU32(area + VMA_MM);
    const entry = leafPte(core, core.getU32(mm + MM_PGD), va);
    if ((entry & 33n) !== 0n && ptePfn(entry) === frame.pfn) found.push({ mm, va });
  }
  return found;
}

const FRAME_STATES: PageState[] = [
  ...(["free", "kernel", "table", "zero", "file", "file-dirty", "anon"] as const),
];

function frameState(flags: number, refcount: number): number {
  if (flags & PG.free) return 0;
  if (flags & PG.table) return 2;
  if (flags & PG.zero) return 3;
  if (flags & PG.pagecache) return flags & PG.dirty ? 5 : 4;
  if (flags & PG.anon) return 6;
  return flags === 0 && refcount === 0 ? 0 : 1;
}

export function stateOfFrame(core: Core, pfn: number): PageState {
  const { flags, refcount } = frame(core, pfn);
  return FRAME_STATES[frameState(flags, refcount)] as PageState;
}

/** Frames of RAM, and how many of them are free. */
export function memory(core: Core): { total: number; free: number } {
  return { total: core.conf(Conf.ram_frames), free: core.getU32(NR_FREE) };
}

/** One cell a frame. */
export function frameGrid(core: Core): FrameGrid {
  const total = core.conf(Conf.ram_frames);
  const cells = new Uint8Array(total);
  const { words } = core;
  for (let pfn = 0; pfn < total; pfn++) {
    const at = (FRAMES + pfn * PAGE_SIZE_OF) >> 2;
    cells[pfn] = frameState(words[at] as number, words[at + (PAGE_REFCOUNT >> 2)] as number);
  }
  return { total, free: core.getU32(NR_FREE), cells, states: FRAME_STATES };
}

/** Pages of the page cache: frames by page of the file, by address of the inode. */
export function pageCache(core: Core): Map<number, Map<number, number>> {
  const cache = new Map<number, Map<number, number>>();
  const total = core.conf(Conf.ram_frames);
  const { words } = core;
  for (let pfn = 0; pfn < total; pfn++) {
    const at = FRAMES + pfn * PAGE_SIZE_OF;
    const flags = words[at >> 2] as number;
    if (!(flags & PG.pagecache) || flags & PG.free) continue;
    const inode = words[(at + PAGE_MAPPING) >> 2] as number;
    let pages = cache.get(inode);
    if (!pages) {
      pages = new Map();
      cache.set(inode, pages);
    }
    pages.set(core.getNumber(at + PAGE_INDEX), pfn);
  }
  return cache;
}

/**
 * What a page of an address space is.
 *
 * @param entry its level-0 PTE
 */
export function stateOfPte(core: Core, entry: bigint): PageState {
  // A page without any permission keeps its frame and says so with G (PROT_NONE).
  if ((entry & 33n) === 0n) return "absent";
  if (entry & PTE_SPECIAL) return "zero";
  const pfn = ptePfn(entry);
  return pfn < core.conf(Conf.ram_frames) ? stateOfFrame(core, pfn) : "absent";
}

/** States of the first `limit` pages of an area, and how many are present in all of it. */
export function pagesOf(
  core: Core,
  root: number,
  area: Vma,
  cached: Map<number, number> | undefined,
  limit: number,
): { cells: PageState[]; present: number } {
  const pages = Number((area.end - area.start) >> 12n);
  const cells: PageState[] = [];
  let present = 0;
  for (let i = 0; i < pages; ) {
    const va = area.start + (BigInt(i) << 12n);
    const table = tableOf(core, root, va);
    // To the end of this level-0 table: where it is missing, so are all its pages.
    const until = Math.min(pages, i + 512 - Number((va >> 12n) & 511n));
    for (; i < until; i++) {
      const index = Number((area.start >> 12n) & 511n) + i;
      const entry = table === 0 ? 0n : pte(core, table, index & 511);
      const state = stateOfPte(core, entry);
      if (state !== "absent") present++;
      if (cells.length >= limit) {
        if (table === 0) i = until - 1;
        continue;
      }
      cells.push(state === "absent" && cached?.has(area.pgoff + i) ? "cached" : state);
    }
  }
  return { cells, present };
}

/** The level-0 entries of an area that are not 0. */
export function* ptes(
  core: Core,
  root: number,
  area: { start: bigint; end: bigint },
): Generator<{ va: bigint; entry: bigint }> {
  for (let va = area.start; va < area.end; ) {
    const table = tableOf(core, root, va);
    // To the end of this level-0 table.
    const next = (va | 0x1fffffn) + 1n;
    const until = next < area.end ? next : area.end;
    if (table === 0) {
      va = until;
      continue;
    }
    for (; va < until; va += 4096n) {
      const entry = pte(core, table, Number((va >> 12n) & 511n));
      if (entry !== 0n) yield { va, entry };
    }
  }
}

/** Frame of the level-0 table for `va`, 0 when there is none. */
function tableOf(core: Core, root: number, va: bigint): number {
  const frames = core.conf(Conf.ram_frames);
  let table = root;
  for (let level = 2; level > 0; level--) {
    if (table <= 0 || table >= frames) return 0;
    const entry = pte(core, table, Number((va >> BigInt(12 + 9 * level)) & 511n));
    if (!(entry & 1n) || entry & 14n) return 0;
    table = ptePfn(entry);
  }
  return table < frames ? table : 0;
}

/** errno of a boot execve that was refused, 0 otherwise. */
export function bootErrno(core: Core): number {
  return core.getI32(BOOT_ERRNO);
}

// ------------------------------------------------------------------------------ disk ----

function diskBase(core: Core): number {
  return RAM_BASE + core.conf(Conf.ram_frames) * PAGE_SIZE;
}

export interface DiskFile {
  ino: number;
  mode: number;
  regular: boolean;
  directory: boolean;
  size: number;
  /** First page, blocks, lba. */
  extents: { page: number; blocks: number; lba: number }[];
}

/** An inode as it is on the disk, or null when there is none of this number. */
export function diskFile(core: Core, ino: number): DiskFile | null {
  const base = diskBase(core);
  if (ino < 1 || ino > core.getU32(base + SB_INODES)) return null;
  const at = base + core.getU32(base + SB_INODE_BLOCK) * PAGE_SIZE + (ino - 1) * DISK_INODE_SIZE;
  const mode = core.getU32(at + DI_MODE);
  if (mode === 0) return null;
  const table = base + core.getU32(base + SB_EXTENT_BLOCK) * PAGE_SIZE;
  let next = core.getU32(at + DI_EXTENT);
  const extents = Array.from({ length: core.getU32(at + DI_NR_EXTENTS) }, () => {
    const record = table + (next - 1) * DISK_EXTENT_SIZE;
    next = core.getU32(record + EXTENT_NEXT);
    return {
      page: core.getU32(record + EXTENT_PAGE),
      blocks: core.getU32(record + EXTENT_BLOCKS),
      lba: core.getU32(record + EXTENT_LBA),
    };
  });
  return {
    ino,
    mode,
    regular: (mode & S_IFMT) === S_IFREG,
    directory: (mode & S_IFMT) === S_IFDIR,
    size: core.getNumber(at + DI_SIZE),
    extents,
  };
}

/** Where page `index` of a file lies on the disk, -1 in a hole. */
export function lbaOf(file: DiskFile, index: number): number {
  const extent = file.extents.find(({ page, blocks }) => index >= page && index < page + blocks);
  return extent ? extent.lba + index - extent.page : -1;
}

export function disk(core: Core) {
  return {
    head: core.getU32(DISK_HEAD),
    lbas: core.getU32(diskBase(core) + SB_LBAS),
    reads: core.getNumber(DISK_READS),
    pages: core.getNumber(DISK_PAGES),
    seeks: core.getNumber(DISK_SEEKS),
    writes: core.getNumber(DISK_WRITES),
    pagesWritten: core.getNumber(DISK_PAGES_WRITTEN),
    lastLba: core.getU32(DISK_LAST_LBA),
    lastNr: core.getU32(DISK_LAST_NR),
  };
}

/** Size of a file in core. @param inode address of the struct inode */
export function inodeSize(core: Core, inode: number): number {
  return core.getNumber(inode + INODE_SIZE);
}

export function inodeNumber(core: Core, inode: number): number {
  return core.getU32(inode + INODE_INO);
}

// -------------------------------------------------------------------- clock, counters ----

export function eraName(core: Core): string {
  return Era[core.getNumber(CONF_BASE + 8 * Conf.era)] ?? "?";
}

/** A counter of /proc/vmstat. */
export function vmEvent(core: Core, event: VmEvent): number {
  return core.getNumber(VM_EVENTS + 8 * event);
}

/** Picoseconds of an instruction and of a TLB walk, by era: those two hw/clock.ts never adds up. */
export const RATES: Record<keyof typeof Era, { insn: number; walk: number }> = {
  laptop2004: { insn: 900, walk: 60_000 },
  desktop2004: { insn: 417, walk: 45_000 },
  server2007: { insn: 455, walk: 40_000 },
  desktop2008: { insn: 313, walk: 30_000 },
  ssd2008: { insn: 313, walk: 30_000 },
  nvme2020: { insn: 125, walk: 12_000 },
};

/** Nanoseconds since boot in which nobody could run. */
export function idleNs(core: Core): number {
  return core.getNumber(CLOCK_SPLIT + 8 * CostKind.Idle) / 1000;
}

/** Nanoseconds since boot and what they were spent on. */
export function clock(core: Core) {
  const { insn, walk } = RATES[eraName(core) as keyof typeof Era];
  const of = (kind: CostKind) => core.getNumber(CLOCK_SPLIT + 8 * kind) / 1000;
  const user = (core.getNumber(HART_INSTRET) * insn) / 1000;
  const walks = (core.getNumber(TLB_MISSES) * walk) / 1000;
  return {
    timeNs: core.getNumber(CLOCK_PS) / 1000 + user + walks,
    split: {
      disk: of(CostKind.Disk),
      exception: of(CostKind.Exception),
      kernel: of(CostKind.Kernel),
      memory: of(CostKind.Memory) + walks,
      user,
    },
  };
}
