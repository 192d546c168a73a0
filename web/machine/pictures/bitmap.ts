// The page bitmaps of the program and its libraries beside what became of the pages: bit by bit
// over the file, segment by segment, and over the address space.
import {
  CONF_BASE,
  Conf,
  FaultKind,
  FILE_INODE,
  FRAMES,
  INODE_INO,
  MM_EXE_FILE,
  PAGE_SIZE_OF,
  PAGE_UNUSED,
  PbitmapRecord,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import {
  bit,
  type PageBitmap,
  PbitmapError,
  pageBitmaps,
  pageOf,
  permissions,
} from "../elf/pbitmap.ts";
import { parseElf, PT_LOAD, type ProgramHeader } from "../elf/elf.ts";
import type { Machine } from "../machine.ts";
import { namer } from "../snapshot.ts";
import type { BitmapFile, BitmapPicture, BitmapStretch, PageState, PictureOf } from "../types.ts";
import { MARK_BIT, MARK_MAJOR, MARK_MINOR } from "../types.ts";
import { type FileInfo, Files } from "../views/files.ts";
import * as views from "../views.ts";

/** Pages drawn of one stretch; longer ones are cut. */
const MAX_CELLS = 4096;
const PTE_A = 0x40n;

/** What became of the pages of one file, by page of the file. */
interface Pages {
  /** Frames that hold them. */
  cached: Map<number, number>;
  /** Mapped, and touched since: the A bit of an entry says so. */
  used: Set<number>;
  /** 1: waited for by a minor fault, 2: by a major one. */
  faulted: Map<number, 1 | 2>;
}

/** The process whose pages are shown: the one asked for, or the running one. */
function shownTask(core: Core, pid: number | undefined): views.Task | null {
  const named = views.tasks(core).find((task) => task.pid === pid && task.mm !== 0);
  return named ?? views.currentTask(core);
}

/** Pages of a file that an address space has touched, by the A bits of its page table. */
function usedPages(core: Core, mm: number, ino: number): Set<number> {
  const used = new Set<number>();
  if (mm === 0) return used;
  const { pgd } = views.mm(core, mm);
  for (const area of views.vmas(core, mm)) {
    if (area.ino !== ino) continue;
    for (const { va, entry } of views.ptes(core, pgd, area)) {
      if (entry & PTE_A) used.add(area.pgoff + Number((va - area.start) >> 12n));
    }
  }
  return used;
}

/**
 * Pages of a file that a process's faults were about, up to the machine's position. The log has
 * the area's first address; which page of the file that is, its segments tell: of all distances
 * between a segment and an area of its length, the file's load bias is the one that most faults
 * agree on.
 */
function faultedPages(
  machine: Machine,
  pid: number,
  ino: number,
  segments: readonly ProgramHeader[],
): Pages["faulted"] {
  const { history, logSeq } = machine;
  const hits: { va: bigint; major: boolean }[] = [];
  const votes = new Map<bigint, number>();
  for (let n = 0; n < history.faultCount; n++) {
    const fault = history.fault(n);
    if (!fault || fault.seq >= logSeq) break;
    if (fault.pid !== pid || !fault.trap || fault.vma?.ino !== ino) continue;
    // A copy on write has the page already: no prefetch would spare it.
    const { kind, blocks } = fault;
    if (kind !== FaultKind.minor && kind !== FaultKind.major && blocks === 0) continue;
    hits.push({ va: fault.va, major: fault.blocks > 0 });
    for (const { vaddr } of segments) {
      const bias = fault.vma.start - pageOf(vaddr);
      votes.set(bias, (votes.get(bias) ?? 0) + 1);
    }
  }
  const faulted: Pages["faulted"] = new Map();
  const [bias] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [0n];
  for (const { va, major } of hits) {
    const segment = segments.find(({ vaddr, filesz }) => {
      const start = pageOf(vaddr) + bias;
      return va >= start && va < vaddr + filesz + bias;
    });
    if (!segment) continue;
    const page = Number((va - pageOf(segment.vaddr) - bias) >> 12n) + Number(segment.offset >> 12n);
    faulted.set(page, major || faulted.get(page) === 2 ? 2 : 1);
  }
  return faulted;
}

/** Somebody has used the page since it was read: the kernel saw it, or an A bit says so. */
function isUsed(core: Core, { cached, used, faulted }: Pages, page: number): boolean {
  if (used.has(page) || faulted.has(page)) return true;
  const pfn = cached.get(page);
  return pfn !== undefined && core.getU8(FRAMES + pfn * PAGE_SIZE_OF + PAGE_UNUSED) === 0;
}

/** A page of the file: in memory and used, in memory and not yet, or neither. */
function fileState(core: Core, { cached, used, faulted }: Pages, page: number): PageState {
  const pfn = cached.get(page);
  if (pfn === undefined) return "absent";
  return isUsed(core, { cached, used, faulted }, page) ? views.stateOfFrame(core, pfn) : "cached";
}

const faultMark = (how: 1 | 2 | undefined): number =>
  how === 2 ? MARK_MAJOR : how === 1 ? MARK_MINOR : 0;

/** The bit of a page of the file, false where no bitmap speaks of it. */
const isSet = (bitmaps: readonly PageBitmap[], page: number): boolean =>
  bitmaps.some(({ filePage, pages, bits }) => {
    const at = page - filePage;
    return at >= 0 && at < pages && bit(bits, at);
  });

function stretch(
  core: Core,
  name: string,
  first: number,
  count: number,
  pages: Pages,
  bitmaps: readonly PageBitmap[],
): BitmapStretch {
  const shown = Math.min(count, MAX_CELLS);
  const marks = new Uint8Array(shown);
  const cells = Array.from({ length: shown }, (_, i) => {
    const set = isSet(bitmaps, first + i);
    marks[i] = (set ? MARK_BIT : 0) | faultMark(pages.faulted.get(first + i));
    return fileState(core, pages, first + i);
  });
  const speaks = bitmaps.find(
    ({ filePage, pages: n }) => filePage < first + count && filePage + n > first,
  );
  return { name, first, count, cells, marks, form: speaks?.form ?? null };
}

/** The pages of the file, segment by segment, then what no segment maps. */
function overFile(
  core: Core,
  size: number,
  segments: readonly ProgramHeader[],
  pages: Pages,
  bitmaps: readonly PageBitmap[],
): BitmapStretch[] {
  const total = Math.ceil(size / 4096);
  const found: BitmapStretch[] = [];
  let next = 0;
  const rest = (to: number) => {
    if (to > next) found.push(stretch(core, "", next, to - next, pages, bitmaps));
    next = Math.max(next, to);
  };
  for (const segment of segments) {
    const first = Number(segment.offset >> 12n);
    const last = Number((segment.offset + segment.filesz + 4095n) >> 12n);
    rest(Math.min(first, total));
    // Two segments may lie in one page of the file: it belongs to the first.
    const from = Math.max(first, next);
    if (last <= from) continue;
    found.push(stretch(core, permissions(segment), from, last - from, pages, bitmaps));
    next = last;
  }
  rest(total);
  return found;
}

/** The areas of an address space that map the file. */
function overSpace(
  core: Core,
  mm: number,
  ino: number,
  pages: Pages,
  bitmaps: readonly PageBitmap[],
): BitmapPicture["areas"] {
  if (mm === 0) return [];
  const { pgd } = views.mm(core, mm);
  return views
    .vmas(core, mm)
    .filter((area) => area.ino === ino)
    .map((area) => {
      const { cells } = views.pagesOf(core, pgd, area, pages.cached, MAX_CELLS);
      const marks = new Uint8Array(cells.length);
      const states = cells.map((state, i): PageState => {
        const page = area.pgoff + i;
        marks[i] = (isSet(bitmaps, page) ? MARK_BIT : 0) | faultMark(pages.faulted.get(page));
        return state === "file" && !isUsed(core, pages, page) ? "cached" : state;
      });
      return {
        startPage: Number(area.start >> 12n),
        start: views.hex(area.start),
        perms: views.perms(area.flags),
        pages: Number((area.end - area.start) >> 12n),
        cells: states,
        marks,
      };
    });
}

/** Inode numbers of the files an address space maps, the program first. */
function mappedFiles(core: Core, mm: number): number[] {
  if (mm === 0) return [];
  const exe = core.getU32(mm + MM_EXE_FILE);
  const program = exe === 0 ? 0 : core.getU32(core.getU32(exe + FILE_INODE) + INODE_INO);
  const mapped = views.vmas(core, mm).filter(({ inode, shmem }) => inode !== 0 && !shmem);
  return [...new Set([program, ...mapped.map(({ ino }) => ino)])].filter((ino) => ino !== 0);
}

function describe(
  core: Core,
  files: Files,
  info: FileInfo,
): { file: Omit<BitmapFile, "ino" | "path">; segments: ProgramHeader[]; bitmaps: PageBitmap[] } {
  const bytes = files.read(info);
  const elf = parseElf(bytes);
  const segments =
    elf.kind === "refusal"
      ? []
      : elf.programHeaders.filter(({ type, filesz }) => type === PT_LOAD && filesz > 0n);
  try {
    const { bitmaps, asked } = pageBitmaps(bytes);
    const file = { size: info.size, asked, problem: "" };
    return { file, segments, bitmaps };
  } catch (error) {
    if (!(error instanceof PbitmapError)) throw error;
    return {
      file: { size: info.size, asked: false, problem: error.message },
      segments,
      bitmaps: [],
    };
  }
}

/**
 * What the bitmaps say, and what happened.
 *
 * @param pid whose address space; without it the running process's
 * @param ino which of its files; without it the program
 */
export function bitmapPicture(machine: Machine, { pid, ino }: PictureOf = {}): BitmapPicture {
  const { core } = machine;
  const files = new Files(core);
  const task = shownTask(core, pid);
  const mapped = mappedFiles(core, task?.mm ?? 0);
  const program = machine.inodes.get(machine.request.path) ?? 0;
  const choice = mapped.length > 0 ? mapped : [program].filter((one) => one !== 0);
  const chosen = choice.find((one) => one === ino) ?? choice[0] ?? 0;
  const { path } = namer(machine);
  const info = files.info(chosen);
  const setting = (which: Conf) => core.getNumber(CONF_BASE + 8 * which);
  const base = {
    pid: task?.pid ?? 0,
    enabled: setting(Conf.vm_pbitmap_enabled) !== 0,
    aheadIsUsed:
      setting(Conf.vm_old_prefault) === 0 &&
      setting(Conf.vm_pbitmap_early_fault) !== 0 &&
      setting(Conf.vm_pbitmap_record) !== PbitmapRecord.accessed,
    files: choice.map((one) => ({ ino: one, path: path(one) })),
  };
  if (!info) return { ...base, file: null, segments: [], areas: [] };
  const { file, segments, bitmaps } = describe(core, files, info);
  const pages: Pages = {
    cached: files.cached(chosen),
    used: usedPages(core, task?.mm ?? 0, chosen),
    faulted: faultedPages(machine, task?.pid ?? 0, chosen, segments),
  };
  return {
    ...base,
    file: { ino: chosen, path: path(chosen), ...file },
    segments: overFile(core, info.size, segments, pages, bitmaps),
    areas: overSpace(core, task?.mm ?? 0, chosen, pages, bitmaps),
  };
}
