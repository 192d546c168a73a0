// The one sentence: what is happening at this position and why, made from the machine's state.
import { Access, FaultKind, PG, TaskState, VM } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import { count, duration, refusal, faultKind, plural, siCodeName, signalName } from "./format.ts";
import * as views from "./views.ts";

/** A fault as the reader meets it: in progress here, or the last one. */
export interface FaultHere {
  va: bigint;
  access: Access;
  supervisor: boolean;
  pc: bigint;
  /** How it will end or has ended; none when this is not known. */
  kind: FaultKind;
  costPs: number;
  inProgress: boolean;
}

/** What the sentence is made of. */
export interface Scene {
  core: Core;
  insideKernel: boolean;
  halted: boolean;
  touch: boolean;
  /** (0, 0): nothing has run. */
  atBoot: boolean;
  program: string;
  instret: number;
  timeNs: number;
  diskNs: number;
  /** Where it stands: "do_page_fault, line 12 of 39". */
  kernelPlace: string;
  fault: FaultHere | null;
  faultCount: number;
  /** errno of an execve that was refused at boot, 0 otherwise. */
  bootErrno: number;
  /** ecall number and name, inside a system call. */
  syscall: string | null;
  /** The kernel's functions that are being executed, the outermost first. */
  functions: readonly string[];
  /** The signal that is being delivered or sent, 0 when none is. */
  signal: number;
  /** The instruction's place in the program: "main+8 (hello.c:12)". */
  symbol: string;
  /** Address of the mm_struct in question, 0 when there is none. */
  mm: number;
  path(ino: number): string;
}

const VERB = {
  [Access.Read]: "reads",
  [Access.Write]: "writes",
  [Access.Fetch]: "fetches an instruction at",
};
const YOURS = {
  [Access.Read]: "read",
  [Access.Write]: "write",
  [Access.Fetch]: "fetch an instruction at",
};

/** @returns one or two sentences of plain text */
export function sentence(scene: Scene): string {
  if (scene.bootErrno !== 0) {
    return `execve refused ${scene.program}: ${refusal(scene.bootErrno)}. Nothing of it ran.`;
  }
  if (scene.halted) return ending(scene);
  if (scene.atBoot) {
    return scene.touch
      ? `Nothing has run yet. The kernel is about to map ${scene.program}; then you are the CPU.`
      : `Nothing has run yet: the kernel is about to start ${scene.program} with execve.`;
  }
  if (scene.insideKernel) {
    if (scene.functions[0] === "do_act") {
      return `An administrator acts from outside, between two instructions. The kernel is in ${scene.kernelPlace}.`;
    }
    const way = wayBack(scene);
    if (way) return way;
    if (scene.fault?.inProgress) return faulting(scene, scene.fault);
    if (scene.syscall) {
      const { name } = who(scene);
      return `${name} asked the kernel for ${scene.syscall}. The kernel is in ${scene.kernelPlace}.`;
    }
    const task = views.currentTask(scene.core);
    if (!task || scene.instret === 0) {
      return `The kernel is starting ${scene.program}: ${scene.kernelPlace}.`;
    }
    return `The kernel is in ${scene.kernelPlace}.`;
  }
  return running(scene);
}

/** What the kernel does besides serving a fault or a call: mostly on the way to user mode. */
function wayBack(scene: Scene): string | null {
  const { functions } = scene;
  const innermost = (name: string) => functions.lastIndexOf(name);
  // Its own stores to the program's stack may fault: that is a story of its own.
  if (innermost("do_page_fault") > 0) return null;
  const { name } = who(scene);
  const signal = scene.signal === 0 ? "a signal" : signalName(scene.signal);
  const place = `The kernel is in ${scene.kernelPlace}.`;
  if (innermost("handle_signal") >= 0) {
    return `${name} has a handler for ${signal}. Its registers go onto its stack, so that the handler can run and return as if nothing had been. ${place}`;
  }
  if (innermost("do_group_exit") >= 0) return `${signal} ends ${name}. ${place}`;
  if (innermost("do_signal_stop") >= 0) return `${signal} stops ${name}. ${place}`;
  if (innermost("do_signal") >= 0) {
    return `Before ${name} goes on it has ${signal} to deal with. ${place}`;
  }
  if (innermost("schedule") >= 0) return `Whose turn is it? ${place}`;
  if (innermost("do_irq") >= 0) {
    return `The timer has interrupted ${name}: somebody else may be waiting for a turn, or for the time. ${place}`;
  }
  if (innermost("sys_rt_sigreturn") >= 0) {
    return `${name} returns from its signal handler: all registers come back from the frame on its stack. ${place}`;
  }
  return null;
}

function who(scene: Scene): { name: string; verbs: typeof VERB } {
  if (scene.touch) return { name: "You, the CPU,", verbs: YOURS };
  const task = views.currentTask(scene.core);
  return { name: task ? `${task.name} (pid ${task.pid})` : scene.program, verbs: VERB };
}

function ending(scene: Scene): string {
  const [task] = views.tasks(scene.core).filter(({ state }) => state === TaskState.dead);
  const done = scene.touch
    ? plural(scene.instret, "access", "accesses")
    : plural(scene.instret, "instruction");
  const after = `after ${done} and ${plural(scene.faultCount, "page fault")}`;
  const disk = scene.diskNs > 0 ? `, ${duration(scene.diskNs)} of them waiting for the disk` : "";
  const took = `It took ${duration(scene.timeNs)}${disk}.`;
  if (!task) return `Everything has ended ${after}. ${took}`;
  if (task.exitSignal !== 0) {
    const code = siCodeName(task.exitSignal, task.siCode);
    const where = task.siAddr !== 0n || /MAPERR|ACCERR|ADRERR/.test(code);
    const at = where ? ` at ${views.hex(task.siAddr)}` : "";
    return `${task.name} was killed by ${signalName(task.exitSignal)} (${code}${at}) ${after}. ${took}`;
  }
  return `${task.name} has exited with status ${task.exitCode} ${after}. ${took}`;
}

function running(scene: Scene): string {
  const at = views.pc(scene.core);
  if (scene.touch) {
    return (
      `You are the CPU: the instructions of ${scene.program} are not run. ` +
      `${plural(scene.instret, "access", "accesses")} made, ` +
      `${plural(scene.faultCount, "page fault")} so far. Touch an address to make the next one.`
    );
  }
  const { name } = who(scene);
  const place = scene.symbol ? `${views.hex(at)}, ${scene.symbol}` : views.hex(at);
  const translated = views.inTlb(scene.core, at)
    ? "the TLB holds the translation"
    : mapped(scene.core, at)
      ? "the TLB will miss and walk the page table"
      : "its page is not mapped, so it will fault";
  return (
    `${name} runs in user mode at ${place}: ${translated}. ` +
    `${plural(scene.instret, "instruction")} done, ${plural(scene.faultCount, "page fault")} so far.`
  );
}

function mapped(core: Core, va: bigint): boolean {
  return (views.leafPte(core, views.satpPfn(core), va) & 1n) !== 0n;
}

/** Someone touched a page and the hardware said no. */
function faulting(scene: Scene, fault: FaultHere): string {
  const { core } = scene;
  const task = views.currentTask(core);
  const starting = task?.mm === 0;
  const whose = starting
    ? `The kernel, laying out the stack of ${scene.program},`
    : `The kernel, on behalf of ${task?.name || scene.program},`;
  const { name, verbs } = fault.supervisor ? { name: whose, verbs: VERB } : who(scene);
  const areas = views.vmas(core, scene.mm);
  const area = areas.find(({ start, end }) => fault.va >= start && fault.va < end) ?? null;
  const root = scene.mm !== 0 ? views.mm(core, scene.mm).pgd : 0;
  const entry = views.leafPte(core, root, fault.va);
  const does = `${name} ${verbs[fault.access]} ${views.hex(fault.va)}${placeOf(scene, area, fault.va)}`;
  const said = pteSays(core, entry, fault);
  const why = reason(scene, fault, area, areas, entry);
  const cost = fault.costPs > 0 ? ` This one costs ${duration(fault.costPs / 1000)}.` : "";
  return [`${does}.`, said, why].filter(Boolean).join(" ") + cost;
}

function placeOf(scene: Scene, area: views.Vma | null, va: bigint): string {
  if (!area) return ", where no area is";
  const page = Number((va - area.start) >> 12n);
  if (area.ino !== 0) {
    return `, in page ${area.pgoff + page} of ${scene.path(area.ino)} (mapped ${views.perms(area.flags)})`;
  }
  if (area.flags & VM.GROWSDOWN) return `, in the stack (${views.perms(area.flags)})`;
  return `, in anonymous memory (${views.perms(area.flags)})`;
}

function pteSays(core: Core, entry: bigint, fault: FaultHere): string {
  const needed = { [Access.Read]: 2n, [Access.Write]: 4n, [Access.Fetch]: 8n }[fault.access];
  const pfn = (entry >> 10n) & 0xfffffffffffn;
  if (!(entry & 1n)) {
    return entry === 0n
      ? "The TLB has no translation and the walk ends at an entry that is not valid."
      : "The page is mapped with no permission at all (PROT_NONE).";
  }
  if (entry & needed) return `Its PTE now maps frame ${pfn}: on return the access goes through.`;
  const what = { [Access.Read]: "reading", [Access.Write]: "writing", [Access.Fetch]: "execution" };
  const frame = entry & 0x100n ? "the shared zero page" : `frame ${pfn}`;
  return `Its PTE maps ${frame}, but does not allow ${what[fault.access]}.`;
}

/** Which kind of fault this is, from the area, the PTE and the page cache as they are now. */
function reason(
  scene: Scene,
  fault: FaultHere,
  area: views.Vma | null,
  areas: views.Vma[],
  entry: bigint,
): string {
  const { core } = scene;
  if (!area) {
    const above = areas.find(({ start }) => start > fault.va);
    if (above && above.flags & VM.GROWSDOWN && fault.kind !== FaultKind.sigsegv) {
      return "The next area up is a stack, and it may grow down to here.";
    }
    return "No area covers it: SIGSEGV, SEGV_MAPERR.";
  }
  const need = {
    [Access.Read]: VM.READ | VM.WRITE,
    [Access.Write]: VM.WRITE,
    [Access.Fetch]: VM.EXEC,
  };
  if (!(area.flags & need[fault.access])) return "The area forbids it: SIGSEGV, SEGV_ACCERR.";
  const write = fault.access === Access.Write;
  if (entry & 1n) return presentReason(core, fault, entry, write);
  if (area.ino === 0) {
    const uncleared = write && (area.flags & VM.NOZERO) !== 0;
    if (uncleared && fault.kind !== FaultKind.anon) {
      return fault.kind === FaultKind.kept
        ? "Nothing was ever written there: it gets a frame as its own user had left it, uncleared."
        : "Nothing was ever written there: it gets a frame, cleared unless its own user had it last.";
    }
    return write
      ? "Nothing was ever written there: it gets a cleared frame of its own."
      : "Nothing was ever written there: it gets the shared zero page, read only.";
  }
  const index = area.pgoff + Number((fault.va - area.start) >> 12n);
  const pages = Math.ceil(views.inodeSize(core, area.inode) / 4096);
  const name = scene.path(area.ino);
  if (index >= pages) return `${name} has only ${plural(pages, "page")}: SIGBUS, BUS_ADRERR.`;
  const pfn = views.pageCache(core).get(area.inode)?.get(index);
  const copy = write && !(area.flags & VM.SHARED);
  if (pfn === undefined || fault.kind === FaultKind.major) {
    const file = views.diskFile(core, area.ino);
    const lba = file ? views.lbaOf(file, index) : -1;
    const there = lba >= 0 ? ` at block ${count(lba)}` : "";
    return `Page ${index} of ${name} is not in the page cache: a major fault, the disk must read it${there}.`;
  }
  if (copy)
    return `The page cache has it in frame ${pfn}, but the area is private: a write gets a copy.`;
  return `The page cache has it in frame ${pfn}: a minor fault, only the PTE is missing.`;
}

function presentReason(core: Core, fault: FaultHere, entry: bigint, write: boolean): string {
  const needed = { [Access.Read]: 2n, [Access.Write]: 4n, [Access.Fetch]: 8n }[fault.access];
  if (entry & needed) {
    return fault.kind === FaultKind.none
      ? ""
      : `It was a ${KINDS[faultKind(fault.kind)] ?? "fault"}.`;
  }
  if (!write) return "The area allows it, so the entry is made to.";
  if (entry & 0x100n) return "The first write: it gets a cleared frame of its own.";
  const frame = views.frame(core, Number((entry >> 10n) & 0xfffffffffffn));
  if (!(frame.flags & PG.anon)) {
    return "The frame belongs to the file, and this area's changes are private: copy on write.";
  }
  return frame.mapcount > 1
    ? `${frame.mapcount} page tables share the frame: copy on write.`
    : "Nobody else has the frame: it is made writable without a copy.";
}

const KINDS: Record<string, string> = {
  minor: "minor fault: the page was in the page cache",
  major: "major fault: the page came from the disk",
  anon: "first write: a cleared frame",
  kept: "first write: a frame as its user had left it",
  zero: "first read: the shared zero page",
  cow: "copy on write",
  reuse: "write to a frame nobody else has",
  spurious: "spurious fault: nothing was missing any more",
  stack: "fault that grew the stack",
  sigsegv: "fatal fault",
  sigbus: "fatal fault",
  oom: "fatal fault: no memory was left",
};
