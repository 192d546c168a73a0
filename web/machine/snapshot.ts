// The machine at one position as plain data (types.ts): what the page draws, what --json prints.
import {
  Access,
  BOOT_ERRNO,
  FaultKind,
  FRAMES,
  HART_SCAUSE,
  HART_STVAL,
  MARK_FRAME_SIZE,
  MARK_FRAMES,
  MARK_NR_FRAMES,
  PAGE_PRIVATE,
  PAGE_SIZE_OF,
  PG,
  TaskState,
  VM,
} from "../../assembly/abi.ts";
import { diskPaths } from "./disk-tree.ts";
import type { OutputPiece, RawFault } from "./events.ts";
import { accessLetter, faultKind, type Namer, signalName, variableText } from "./format.ts";
import type { LoadedCode } from "./loaded-code.ts";
import type { Machine } from "./machine.ts";
import { processes } from "./processes.ts";
import { type FaultHere, sentence } from "./sentence.ts";
import { syscallText } from "./syscalls.ts";
import { TerminalFilter } from "./terminal-filter.ts";
import type {
  CacheFile,
  DiskView,
  FaultRecord,
  FrameInfo,
  GuestView,
  KernelFrame,
  PageState,
  Snapshot,
  SourceLine,
  Variable,
  VmaView,
  Walk,
} from "./types.ts";
import * as views from "./views.ts";

/** Cells drawn of one area or file; longer ones are cut. */
const MAX_CELLS = 1024;
/** Files whose extents are listed. */
const MAX_FILES = 256;
const SCAUSE_ECALL = 8;
const FAULT_ACCESS: Record<number, Access> = {
  12: Access.Fetch,
  13: Access.Read,
  15: Access.Write,
};

/** Says a machine's inode numbers as paths. */
export function namer(machine: Machine): Namer {
  const paths = pathsOf(machine);
  return {
    core: machine.core,
    marks: machine.marks,
    path: (ino) => paths.get(ino) ?? madePath(machine, ino) ?? `inode ${ino}`,
  };
}

/** Paths of the files that programs made, as of a position: read when asked for. */
const MADE = new WeakMap<Machine, { at: string; paths: Map<number, string> }>();

function madePath(machine: Machine, ino: number): string | undefined {
  const { instret, mark } = machine.position;
  const at = `${instret}:${mark}`;
  let known = MADE.get(machine);
  if (known?.at !== at) {
    known = { at, paths: diskPaths(machine.core) };
    MADE.set(machine, known);
  }
  return known.paths.get(ino);
}

const PATHS = new WeakMap<Machine, Map<number, string>>();

function pathsOf(machine: Machine): Map<number, string> {
  let paths = PATHS.get(machine);
  if (!paths) {
    paths = new Map([...machine.inodes].map(([path, ino]) => [ino, path]));
    PATHS.set(machine, paths);
  }
  return paths;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}

/**
 * What the page shows at the machine's position.
 *
 * @param at a page table walk is shown of this address instead of the fault's or the pc
 * @param marksHere, entry see Snapshot; Machine.marksHere() and entryLines() find them out
 */
export function snapshot(
  machine: Machine,
  options: {
    at?: bigint;
    marksHere?: number | null;
    entry?: Snapshot["entry"];
    /** Names and lines for the program counter. */
    code?: LoadedCode | null;
    /** Whose address space to show; without it, or when it has none, the running process's. */
    pid?: number;
  } = {},
): Snapshot {
  const { core } = machine;
  const { position, insideKernel, halted } = machine;
  const { timeNs, split } = views.clock(core);
  const task = views.currentTask(core);
  const stack = kernelStack(machine);
  const last = faultHere(machine);
  const mm = task?.mm || mmOnStack(machine);
  const shown = views.tasks(core).find(({ pid, mm }) => pid === options.pid && mm !== 0);
  const root = mm !== 0 ? views.mm(core, mm).pgd : 0;
  const faultCount = machine.history.tally.faults;
  const exited = halted ? (views.tasks(core)[0] ?? null) : task;
  const guest = exited ? guestView(machine, exited, options.code ?? null) : null;
  const touch = machine.request.mode === "touch";
  const bootErrno = core.getI32(BOOT_ERRNO);
  const paths = namer(machine);
  return {
    position,
    user: !insideKernel,
    marksHere: options.marksHere ?? null,
    entry: options.entry ?? null,
    timeNs,
    timeSplit: split,
    instret: position.instret,
    minflt: exited?.minflt ?? 0,
    majflt: exited?.majflt ?? 0,
    tlb: views.tlb(core),
    kernel: { stack, at: stack[stack.length - 1]?.at ?? null },
    fault: last && {
      va: views.hex(last.va),
      access: accessLetter(last.access),
      mode: last.supervisor ? "S" : "U",
      kind: faultKind(last.kind),
      inProgress: last.inProgress,
    },
    walk: root === 0 ? null : walkOf(machine, root, last, options.at),
    processes: processes(core),
    shownPid: shown?.pid ?? task?.pid ?? 0,
    vmas: vmaViews(machine, shown?.mm ?? mm),
    frames: views.frameGrid(core),
    cache: cacheFiles(machine),
    disk: diskView(machine),
    guest,
    sentence: sentence({
      core,
      insideKernel,
      halted,
      touch,
      atBoot: position.instret === 0 && position.mark === 0,
      program: machine.request.argv[0] ?? machine.request.path,
      instret: position.instret,
      timeNs,
      diskNs: split.disk,
      kernelPlace: placeText(stack, options.entry ?? null),
      fault: last,
      faultCount,
      bootErrno,
      syscall:
        insideKernel && core.getNumber(HART_SCAUSE) === SCAUSE_ECALL ? syscallText(core) : null,
      functions: stack.map((frame) => frame.function),
      signal: signalOnStack(stack),
      symbol: guest?.symbol ?? "",
      mm,
      path: (ino) => baseName(paths.path(ino)),
    }),
    ...lastOutput(machine),
    halted,
    mode: touch ? "touch" : "guest",
    program: machine.request.argv[0] ?? machine.request.path,
    era: views.eraName(core),
    faultIndex: machine.faultIndex(),
    faultCount,
  };
}

/** About as many bytes of output as go with a snapshot. */
const OUTPUT_SHOWN = 16384;

/** The end of the guest's output: a guest may write without end, a reader sees one screen. */
function lastOutput(machine: Machine): Pick<Snapshot, "output" | "outputFrom"> {
  const pieces = machine.output.upTo(machine.outputPosition);
  let first = pieces.length;
  for (let room = OUTPUT_SHOWN; first > 0 && room > 0; first--) {
    room -= (pieces[first - 1] as OutputPiece).bytes.length;
  }
  const filter = new TerminalFilter();
  return {
    output: pieces
      .slice(first)
      .map(({ fd, bytes, end }) => ({ fd, text: filter.write(bytes), end })),
    outputFrom: pieces[first - 1]?.end ?? 0,
  };
}

/** The innermost variable that holds a signal's number. */
function signalOnStack(stack: KernelFrame[]): number {
  for (const { variables } of [...stack].reverse()) {
    const found = variables.find(({ name }) => name === "signo");
    if (found) return Number(found.raw.replace(/\s/g, ""));
  }
  return 0;
}

function placeText(stack: KernelFrame[], entry: Snapshot["entry"]): string {
  const top = stack[stack.length - 1];
  const line = entry ? `line ${entry.line} of ${entry.lines}` : "";
  return [top?.function, line].filter(Boolean).join(", ");
}

// ------------------------------------------------------------------------------ faults ----

/** The fault in progress at this position, else the last one before it. */
export function faultHere(machine: Machine): FaultHere | null {
  const { core, history, logSeq } = machine;
  const index = history.tally.faults - 1;
  const last = history.fault(index);
  const over = last !== undefined && last.endSeq !== 0 && last.endSeq < logSeq;
  const access = FAULT_ACCESS[core.getNumber(HART_SCAUSE)];
  if (last && !over && machine.insideKernel) {
    // What kind of access it is stands in the log at the fault's end only.
    const begun = last.endSeq === 0 && access !== undefined ? { ...last, access } : last;
    return ofRecord(begun, true);
  }
  if (machine.insideKernel && access !== undefined && machine.instret + machine.position.mark > 0) {
    // The first and the last lines of the trap lie outside the fault's own events.
    const here = machine.position;
    const of = (one: RawFault | undefined) =>
      one !== undefined && one.instret === here.instret && one.mark < here.mark && !one.supervisor;
    if (of(last)) return ofRecord(last as RawFault, true);
    const next = history.fault(index + 1);
    if (of(next)) return ofRecord(next as RawFault, true);
    if (machine.markId !== 0 && core.getU32(BOOT_ERRNO) === 0 && views.pc(core) !== 0n) {
      const [va, pc] = [core.getU64(HART_STVAL), views.pc(core)];
      const kind = FaultKind.none;
      return { va, access, supervisor: false, pc, kind, costPs: 0, inProgress: true };
    }
  }
  return last ? ofRecord(last, false) : null;
}

function ofRecord(fault: RawFault, inProgress: boolean): FaultHere {
  const { va, access, supervisor, pc, kind, costPs } = fault;
  return { va, access, supervisor, pc, kind, costPs, inProgress };
}

/** The first faults of the run that are over, at most `limit`. */
export function faultList(machine: Machine, limit = 16384): FaultRecord[] {
  const { history } = machine;
  const found: FaultRecord[] = [];
  for (let n = 0; n < Math.min(history.faultCount, limit); n++) {
    const fault = history.fault(n);
    if (fault && fault.kind !== FaultKind.none) found.push(faultRecord(machine, fault));
  }
  return found;
}

/** A fault of the log in its printed form. */
export function faultRecord(machine: Machine, fault: RawFault): FaultRecord {
  const { vma } = fault;
  const none = fault.pfn === 0;
  return {
    n: fault.n,
    instret: fault.instret,
    mark: fault.mark,
    pid: fault.pid,
    pc: views.hex(fault.pc),
    va: views.hex(fault.va),
    access: accessLetter(fault.access),
    mode: fault.supervisor ? "S" : "U",
    kind: faultKind(fault.kind),
    vma: vma && {
      start: views.hex(vma.start),
      end: views.hex(vma.end),
      perms: views.perms(vma.flags),
      name: areaName(vma.flags, vma.ino === 0 ? "" : baseName(namer(machine).path(vma.ino))),
    },
    pfn: none ? null : fault.pfn,
    blocks: fault.blocks,
    costNs: fault.costPs / 1000,
  };
}

function areaName(flags: number, file: string): string {
  if (flags & VM.DONTEXPAND) return flags & VM.PFNMAP ? "[vvar]" : "[vdso]";
  return file || (flags & VM.GROWSDOWN ? "[stack]" : "");
}

// --------------------------------------------------------------------- kernel call stack ----

/** The address space that execve is building, which is nobody's yet: from its variables. */
function mmOnStack(machine: Machine): number {
  const { core, marks, depth } = machine;
  for (let d = Math.min(depth, MARK_NR_FRAMES); d > 0; d--) {
    const frame = MARK_FRAMES + (d & (MARK_NR_FRAMES - 1)) * MARK_FRAME_SIZE;
    const slots = marks.function(core.getU32(frame))?.slots ?? [];
    const i = slots.findIndex(({ type }) => /^mm_struct\b/.test(type));
    if (i < 0 || !((core.getU64(frame + 8) >> BigInt(i)) & 1n)) continue;
    const mm = core.getU32(frame + 16 + 8 * i);
    if (mm !== 0 && views.mm(core, mm).pgd !== 0) return mm;
  }
  return 0;
}

/** The kernel's functions that are active here, outermost first. */
export function kernelStack(machine: Machine): KernelFrame[] {
  const { core, marks, depth } = machine;
  const names = namer(machine);
  const stack: KernelFrame[] = [];
  for (let d = 1; d <= Math.min(depth, MARK_NR_FRAMES); d++) {
    const frame = MARK_FRAMES + (d & (MARK_NR_FRAMES - 1)) * MARK_FRAME_SIZE;
    const fn = marks.function(core.getU32(frame));
    const mark = marks.mark(core.getU32(frame + 4));
    if (!fn) continue;
    const at: SourceLine = mark
      ? { file: marks.path(mark.file), line: mark.line, endLine: mark.endLine }
      : { file: marks.path(fn.file), line: fn.line, endLine: fn.line };
    const set = core.getU64(frame + 8);
    const variables: Variable[] = [];
    fn.slots.forEach((slot, i) => {
      const known = (set >> BigInt(i)) & 1n;
      if (!known || (slot.kind === "local" && (at.line < slot.line || at.line > slot.endLine)))
        return;
      const raw = core.getU64(frame + 16 + 8 * i);
      const text = variableText(names, slot, raw);
      variables.push({
        name: slot.name,
        type: slot.type,
        raw: views.hex(raw),
        text,
        line: slot.line,
      });
    });
    stack.push({ function: fn.name, at, variables });
  }
  return stack;
}

// -------------------------------------------------------------------- memory, files, disk ----

function walkOf(machine: Machine, root: number, last: FaultHere | null, asked?: bigint): Walk {
  const { core } = machine;
  if (asked !== undefined) return views.walk(core, root, asked, "");
  if (last && (last.inProgress || machine.position.mark > 0)) {
    return views.walk(core, root, last.va, accessLetter(last.access));
  }
  return views.walk(core, root, views.pc(core), "X");
}

/** The areas of an address space, each with the state of its pages. */
export function vmaViews(machine: Machine, mm: number): VmaView[] {
  const { core } = machine;
  if (mm === 0) return [];
  const cache = views.pageCache(core);
  const { pgd, startBrk, brk } = views.mm(core, mm);
  const { path } = namer(machine);
  return views.vmas(core, mm).map((area) => {
    const heap = area.ino === 0 && area.start <= brk && area.end >= startBrk && brk > startBrk;
    const file = area.shmem ? "shared memory" : area.ino === 0 ? "" : baseName(path(area.ino));
    return {
      start: views.hex(area.start),
      end: views.hex(area.end),
      startPage: Number(area.start >> 12n),
      pages: Number((area.end - area.start) >> 12n),
      perms: views.perms(area.flags),
      name: areaName(area.flags, file || (heap ? "[heap]" : "")),
      pgoff: area.pgoff,
      ...views.pagesOf(core, pgd, area, cache.get(area.inode), MAX_CELLS),
    };
  });
}

/** The files that have pages in the page cache. */
export function cacheFiles(machine: Machine): CacheFile[] {
  const { core } = machine;
  const { path } = namer(machine);
  return [...views.pageCache(core)].map(([inode, pages]) => {
    const ino = views.inodeNumber(core, inode);
    const total = Math.ceil(views.inodeSize(core, inode) / 4096);
    const file = views.diskFile(core, ino);
    const shown = Math.min(total, MAX_CELLS);
    const state = (index: number): PageState => {
      const pfn = pages.get(index);
      return pfn === undefined ? "absent" : views.stateOfFrame(core, pfn);
    };
    return {
      ino,
      name: baseName(path(ino)),
      pages: total,
      cells: Array.from({ length: shown }, (_, i) => state(i)),
      lbas: Array.from({ length: shown }, (_, i) => (file ? views.lbaOf(file, i) : -1)),
    };
  });
}

function diskView(machine: Machine): DiskView {
  const { core } = machine;
  const extents = [...machine.inodes].slice(0, MAX_FILES).flatMap(([path, ino]) => {
    const file = views.diskFile(core, ino);
    if (!file?.regular) return [];
    return file.extents.map(({ lba, blocks }) => ({ name: baseName(path), lba, blocks }));
  });
  return { ...views.disk(core), extents };
}

/** One frame of memory in words. */
export function frameInfo(machine: Machine, pfn: number): FrameInfo {
  const { core } = machine;
  const frame = views.frame(core, pfn);
  const state = views.stateOfFrame(core, pfn);
  return {
    pfn,
    state,
    refcount: frame.refcount,
    mapcount: frame.mapcount,
    owner: owner(machine, frame),
  };
}

function owner(machine: Machine, frame: views.Frame): string {
  const { core } = machine;
  if (frame.flags & PG.free) return "free";
  if (frame.flags & PG.zero) return "the shared zero page";
  if (frame.flags & PG.pagecache) {
    const path = namer(machine).path(views.inodeNumber(core, frame.mapping));
    return `${baseName(path)}, page ${frame.index}`;
  }
  if (frame.flags & PG.table) {
    const whose = mmOwner(core, frame.mapping);
    const level = core.getU32(FRAMES + frame.pfn * PAGE_SIZE_OF + PAGE_PRIVATE);
    return `page table of ${whose}, level ${level}`;
  }
  if (frame.flags & PG.anon) return anonOwner(core, frame);
  return frame.refcount > 0 || frame.flags & PG.reserved ? "kernel" : "free";
}

/** Whose address space it is: a process's, or a saved image's. */
function mmOwner(core: Machine["core"], mm: number): string {
  const task = views.tasks(core).find((one) => one.mm !== 0 && one.mm === mm);
  if (task) return `pid ${task.pid}`;
  const image = views.residentImages(core).find((one) => one.mm === mm);
  return image ? `image ${image.id}` : "nobody";
}

/** "pid 1, 0x1000": the first mapping, and how many there are besides. */
function anonOwner(core: Machine["core"], frame: views.Frame): string {
  const [first, ...others] = views.anonMappings(core, frame);
  if (!first) return "nobody";
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${mmOwner(core, first.mm)}, ${views.hex(first.va)}${more}`;
}

// ------------------------------------------------------------------------------- guest ----

function guestView(machine: Machine, task: views.Task, code: LoadedCode | null): GuestView {
  const { core } = machine;
  const pc = views.pc(core);
  const root = task.mm === 0 ? 0 : views.mm(core, task.mm).pgd;
  const bytes = root === 0 ? new Uint8Array(0) : views.readMemory(core, root, pc, 4);
  const compressed = bytes.length >= 2 && ((bytes[0] as number) & 3) !== 3;
  const insn = [...bytes.subarray(0, compressed ? 2 : 4)].reverse();
  const dead = task.state === TaskState.dead;
  const killed = task.exitSignal !== 0;
  return {
    pid: task.pid,
    name: task.name,
    pc: views.hex(pc),
    insn: insn.map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    ...(code?.at(pc) ?? { symbol: "", source: null }),
    regs: views.REGISTERS.map((name, i) => ({ name, value: views.hex(views.register(core, i)) })),
    exit: dead
      ? {
          status: killed ? null : task.exitCode,
          signal: killed ? signalName(task.exitSignal) : null,
          code: task.siCode,
          addr: views.hex(task.siAddr),
        }
      : null,
  };
}
