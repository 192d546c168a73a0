// The scratch mappings of a process, and the life of one of their pages: the file's copy, words
// patched one by one, the drop, the file's copy again.
import {
  ACTS_BASE,
  ACT_DONE,
  ACT_INSTRET,
  ACT_MARK,
  ACT_SIZE,
  Conf,
  Ev,
  MM_ASID,
  MM_PGD,
  PAGE_SIZE,
  RAM_BASE,
  VM,
  VmEvent,
} from "../../../assembly/abi.ts";
import { DISK_COSTS } from "../disk-model.ts";
import type { Event } from "../events.ts";
import type { Machine } from "../machine.ts";
import { namer } from "../snapshot.ts";
import type {
  PageState,
  PictureOf,
  Position,
  ScratchMoment,
  ScratchPicture,
  ScratchWord,
} from "../types.ts";
import { Files } from "../views/files.ts";
import * as views from "../views.ts";

/** Pages drawn of one area; longer ones are cut. */
const MAX_CELLS = 2048;
/** Moments of a page's life that are shown, the newest. */
const MAX_LIFE = 12;
/** Longest stretch that is run again to find the order in which words landed, instructions. */
const MAX_REPLAY = 20_000_000;

const PTE_W = 4n;
/** V, or G of a page that keeps its frame without any permission. */
const PTE_THERE = 33n;
const ASID_SHIFT = 48n;
const VA_MASK = (1n << ASID_SHIFT) - 1n;

/** A page of the address space, found again at any position. */
interface Page {
  /** Address of the mm_struct. */
  mm: number;
  asid: number;
  va: bigint;
  ino: number;
  filePage: number;
}

/** What happened to a page, and where in the history. */
interface Moment extends Position {
  what: ScratchMoment["what"];
  seq: number;
}

/** Events of the address space's pages, oldest first. */
function pageEvents(machine: Machine, asid: number): { event: Event; va: bigint }[] {
  const { history, logSeq } = machine;
  const kinds: ReadonlySet<Ev> = new Set([Ev.SetPte, Ev.ScratchDrop, Ev.ScratchReread]);
  return history
    .events(0, logSeq)
    .filter(({ kind, a }) => kinds.has(kind) && Number(a >> ASID_SHIFT) === asid)
    .map((event) => ({ event, va: event.a & VA_MASK }));
}

/** Where in the history an event lies: its act, or the last fault that began before it. */
class Places {
  readonly #machine: Machine;
  readonly #acts: Event[];

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#acts = machine.history.events(0, machine.logSeq).filter(({ kind }) => kind === Ev.Act);
  }

  of(seq: number, what: ScratchMoment["what"]): Position {
    const { core, history } = this.#machine;
    if (what === "dropped") {
      // An act's event follows what it did; a fault between them says that something else dropped.
      const nr = this.#acts.findIndex((act) => act.seq > seq);
      const between = history.events(seq, this.#acts[nr]?.seq ?? 0);
      if (nr >= 0 && between.every(({ kind }) => kind !== Ev.FaultEnter && kind !== Ev.Syscall)) {
        const at = ACTS_BASE + ACT_SIZE * (core.getU32(ACT_DONE) - this.#acts.length + nr);
        const mark = core.getNumber(at + ACT_MARK);
        return { instret: core.getNumber(at + ACT_INSTRET), mark };
      }
    }
    let low = 0;
    let high = history.faultCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((history.fault(middle)?.seq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    const fault = history.fault(low);
    return fault ? { instret: fault.instret, mark: fault.mark + 1 } : { instret: 0, mark: 0 };
  }
}

/** A page's life from its events. */
function momentsOf(events: { event: Event; va: bigint }[], va: bigint, places: Places): Moment[] {
  const found: Moment[] = [];
  const add = (what: Moment["what"], seq: number) => {
    const at = places.of(seq, what);
    const last = found.at(-1);
    // Found again in the file, and mapped: one moment. And a clean page comes and goes unnoticed.
    if (what === "mapped" && (last?.what === "read" || last?.what === "mapped")) return;
    const same = what === "read" && last?.instret === at.instret;
    if (same && last?.what === "mapped") {
      last.what = "read";
      return;
    }
    // A write that found it again: the file's page was read, and copied at once.
    if (same && last?.what === "copied") found.splice(-1, 0, { what, seq, ...at });
    else found.push({ what, seq, ...at });
  };
  for (const { event, va: where } of events) {
    if (where !== va) continue;
    const { kind, seq, b: before, c: after } = event;
    if (kind === Ev.ScratchDrop) add("dropped", seq);
    else if (kind === Ev.ScratchReread) add("read", seq);
    else if (after & PTE_THERE) {
      const moved = before >> 10n !== after >> 10n || !(before & PTE_THERE);
      // A page of a private mapping may be written only when it is a copy.
      if (moved) add(after & PTE_W ? "copied" : "mapped", seq);
    }
  }
  return found;
}

/** The page as the machine has it now: its frame, 0 when it is not mapped. */
function frameOf(machine: Machine, { mm, va }: Page): number {
  const { core } = machine;
  const entry = views.leafPte(core, core.getU32(mm + MM_PGD), va);
  return entry & PTE_THERE ? views.ptePfn(entry) : 0;
}

/** The file's own words of the page. */
function fileWords(machine: Machine, { ino, filePage }: Page): DataView {
  const files = new Files(machine.core);
  const info = files.info(ino);
  const page = new Uint8Array(PAGE_SIZE);
  if (info) page.set(files.read(info, filePage * PAGE_SIZE, PAGE_SIZE));
  return new DataView(page.buffer);
}

/** Numbers of the 8-byte words that differ from the file here and now. */
function differing(machine: Machine, page: Page, file: DataView): number[] {
  const pfn = frameOf(machine, page);
  if (pfn === 0) return [];
  const found: number[] = [];
  for (let i = 0; i < PAGE_SIZE / 8; i++) {
    const now = machine.core.getU64(RAM_BASE + pfn * PAGE_SIZE + 8 * i);
    if (now !== file.getBigUint64(8 * i, true)) found.push(i);
  }
  return found;
}

/** When words were first seen to differ, found so far: from one copy of a page on. */
interface Landings {
  /** Numbers of words in the order they landed. */
  order: number[];
  /** Up to here everything is known. */
  until: number;
}

/** What was found out about the past of a machine; another future has other keys. */
interface Known {
  landings: Map<string, Landings>;
  words: Map<string, number>;
}
const KNOWN = new WeakMap<Machine, Known>();

function known(machine: Machine): Known {
  let all = KNOWN.get(machine);
  if (!all) {
    all = { landings: new Map(), words: new Map() };
    KNOWN.set(machine, all);
  }
  return all;
}

const keyOf = (machine: Machine, { asid, va }: Page, { seq, instret }: Moment): string =>
  [asid, va, seq, instret, machine.core.getU32(ACT_DONE)].join(":");

/**
 * The order in which words of a copy came to differ from the file. The log does not tell of
 * stores, so the stretch since the copy was made is run again, halved until one word is left.
 * The machine is where it was afterwards.
 */
async function landings(
  machine: Machine,
  page: Page,
  file: DataView,
  copied: Moment,
): Promise<number[] | null> {
  const here = machine.position;
  const now = differing(machine, page, file);
  const all = known(machine).landings;
  const key = keyOf(machine, page, copied);
  const found = all.get(key) ?? { order: [], until: copied.instret };
  all.set(key, found);
  const fresh = now.filter((word) => !found.order.includes(word));
  if (fresh.length > 0) {
    if (here.instret - found.until > MAX_REPLAY) return null;
    let stopped = false;
    const at = async (instret: number, of: readonly number[]) => {
      const { reason } = await machine.seek({ instret, mark: 0 });
      stopped ||= reason === "stopped";
      const there = new Set(differing(machine, page, file));
      return of.filter((word) => there.has(word));
    };
    const split = async (from: number, to: number, words: number[]): Promise<void> => {
      if (stopped || words.length < 2 || to - from < 2) {
        found.order.push(...words);
        return;
      }
      const middle = Math.floor((from + to) / 2);
      const early = await at(middle, words);
      await split(from, middle, early);
      await split(
        middle,
        to,
        words.filter((word) => !early.includes(word)),
      );
    };
    await split(found.until, here.instret, fresh);
    found.until = here.instret;
    await machine.seek(here);
    if (stopped) {
      // The reader would not wait: what was found so far may be of other places.
      all.delete(key);
      return null;
    }
  }
  return found.order.filter((word) => now.includes(word));
}

/** How many words differed from the file when a copy was dropped. */
async function wordsBefore(
  machine: Machine,
  page: Page,
  file: DataView,
  dropped: Moment,
): Promise<number> {
  const all = known(machine).words;
  const key = keyOf(machine, page, dropped);
  let count = all.get(key);
  if (count === undefined) {
    const { reason } = await machine.seek({ instret: dropped.instret, mark: 0 });
    count = differing(machine, page, file).length;
    if (reason !== "stopped") all.set(key, count);
  }
  return count;
}

/** The last moments of a life, each copy with the words that had landed when it ended. */
async function lifeOf(
  machine: Machine,
  page: Page,
  file: DataView,
  moments: Moment[],
): Promise<ScratchMoment[]> {
  const here = machine.position;
  const life: ScratchMoment[] = [];
  for (const moment of moments.slice(-MAX_LIFE)) {
    const { what, instret, mark } = moment;
    const last = life.at(-1);
    if (what === "dropped" && last?.what === "copied") {
      last.words = await wordsBefore(machine, page, file, moment);
    }
    life.push({ what, instret, mark, words: 0 });
  }
  await machine.seek(here);
  const { instret, mark } = here;
  return [...life, { what: "now", instret, mark, words: differing(machine, page, file).length }];
}

/** Two instructions, in the order in which they stand in memory. */
const hexWord = (view: DataView, word: number): string =>
  [0, 4].map((at) => hexHalf(view.getUint32(8 * word + at, true))).join(" ");

const hexHalf = (half: number): string => half.toString(16).padStart(8, "0");

/** Words that differ, in the order they landed where that was found. */
function wordsOf(
  machine: Machine,
  pfn: number,
  file: DataView,
  page: Page,
  order: readonly number[] | null,
): ScratchWord[] {
  const { core } = machine;
  const memory = new DataView(core.bytes.buffer, RAM_BASE + pfn * PAGE_SIZE, PAGE_SIZE);
  return differing(machine, page, file).map((index) => ({
    index,
    order: (order?.indexOf(index) ?? -1) + 1,
    file: hexWord(file, index),
    memory: hexWord(memory, index),
  }));
}

/** What as many drops would have cost as writes to swap and reads from there, one by one. */
function swapInstead(machine: Machine, writes: number, reads: number): ScratchPicture["swap"] {
  const { command, seek, halfTurn, transfer } =
    DISK_COSTS[views.eraName(machine.core) as keyof typeof DISK_COSTS];
  return { writes, reads, ns: (writes + reads) * (command + seek + halfTurn + transfer) };
}

/**
 * The process's scratch mappings, and one page of them.
 *
 * @param pid whose; without it the running process's
 * @param vpn which page; without it the last that anything happened to
 */
export async function scratchPicture(
  machine: Machine,
  { pid, vpn }: PictureOf = {},
): Promise<ScratchPicture> {
  const { core } = machine;
  const named = views.tasks(core).find((task) => task.pid === pid && task.mm !== 0);
  const task = named ?? views.currentTask(core);
  const mm = task?.mm ?? 0;
  const drops = views.vmEvent(core, VmEvent.SCRATCH_DROP);
  const rereads = views.vmEvent(core, VmEvent.SCRATCH_REREAD);
  const picture: ScratchPicture = {
    enabled: core.conf(Conf.vm_scratch_enabled) !== 0,
    pid: task?.pid ?? 0,
    name: task?.name ?? "",
    drops,
    rereads,
    areas: [],
    page: null,
    swap: swapInstead(machine, drops, rereads),
  };
  const mapped = views.vmas(core, mm).filter(({ flags }) => flags & VM.SCRATCH);
  if (mapped.length === 0) return picture;
  const asid = core.getU32(mm + MM_ASID);
  const events = pageEvents(machine, asid);
  const { path } = namer(machine);
  const cache = views.pageCache(core);
  const { pgd } = views.mm(core, mm);
  picture.areas = mapped.map((area) => {
    const { cells } = views.pagesOf(core, pgd, area, cache.get(area.inode), MAX_CELLS);
    const counts = new Uint32Array(cells.length);
    for (const { event, va } of events) {
      const at = Number((va - area.start) >> 12n);
      if (event.kind === Ev.ScratchDrop && at >= 0 && at < counts.length) {
        counts[at] = (counts[at] ?? 0) + 1;
      }
    }
    return {
      startPage: Number(area.start >> 12n),
      start: views.hex(area.start),
      perms: views.perms(area.flags),
      path: path(area.ino),
      pages: Number((area.end - area.start) >> 12n),
      firstPage: area.pgoff,
      cells,
      drops: counts,
    };
  });
  const inside = (va: bigint) => mapped.find(({ start, end }) => va >= start && va < end);
  const wanted = vpn === undefined ? null : BigInt(vpn) << 12n;
  const last = events.findLast(({ event: { kind, c }, va }) => {
    const touched = kind !== Ev.SetPte || (c & PTE_THERE && c & PTE_W);
    return touched && inside(va);
  });
  const va = wanted !== null && inside(wanted) ? wanted : (last?.va ?? mapped[0]?.start ?? 0n);
  const area = inside(va);
  if (!area) return picture;
  const at = Number((va - area.start) >> 12n);
  const page: Page = { mm, asid, va, ino: area.ino, filePage: area.pgoff + at };
  const file = fileWords(machine, page);
  const moments = momentsOf(events, va, new Places(machine));
  const copied = moments.findLast(({ what }) => what === "copied" || what === "dropped");
  const order = copied?.what === "copied" ? await landings(machine, page, file, copied) : null;
  const life = await lifeOf(machine, page, file, moments);
  const pfn = frameOf(machine, page);
  const shown = picture.areas.find(({ startPage }) => startPage === Number(area.start >> 12n));
  picture.page = {
    vpn: Number(va >> 12n),
    va: views.hex(va),
    path: path(area.ino),
    filePage: page.filePage,
    state: (shown?.cells[at] ?? "absent") as PageState,
    pfn,
    words: wordsOf(machine, pfn, file, page, order),
    ordered: order !== null,
    life,
    drops: shown?.drops[at] ?? 0,
  };
  return picture;
}
