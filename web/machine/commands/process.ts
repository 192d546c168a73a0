// Commands about processes and what they have mapped, named and laid out as their models: ps, pmap,
// kill of procps and util-linux, smaps of /proc, vtop and ptov of crash.
import {
  ActKind,
  Conf,
  FRAMES,
  MM_RSS_ANON,
  MM_RSS_FILE,
  MM_RSS_SHMEM,
  MM_TOTAL_VM,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  TASK_PARENT,
  TASK_PID,
  TASK_RUN_INSTRET,
  TASK_WAIT_KIND,
  TaskState,
  VM,
  WaitKind,
} from "../../../assembly/abi.ts";
import { errnoName, signalName } from "../format.ts";
import type { Core } from "../core.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import * as views from "../views.ts";
import { addressOf } from "./address.ts";
import type { Command } from "./index.ts";
import { atMost, countOf, required, result, type Session } from "./session.ts";

/** Takes "-p PID" out of the words. */
export function takePid(args: readonly Word[]): { pid: Word | null; rest: Word[] } {
  const at = args.findIndex(({ text }) => text === "-p" || /^-p\d+$/.test(text));
  if (at < 0) return { pid: null, rest: [...args] };
  const flag = args[at] as Word;
  const joined = flag.text.length > 2;
  const pid = joined ? { ...flag, text: flag.text.slice(2) } : args[at + 1];
  if (!pid) throw new CommandError("-p takes a process number", flag.column);
  return { pid, rest: [...args.slice(0, at), ...args.slice(at + (joined ? 1 : 2))] };
}

/** The process that -p names, or the running one. */
export function taskOf(session: Session, pid: Word | null): views.Task {
  const { core } = session.running;
  if (!pid) {
    const task = views.currentTask(core);
    if (!task) throw new CommandError("no process runs now");
    return task;
  }
  const number = countOf(pid);
  const task = views.tasks(core).find((one) => one.pid === number);
  if (!task) throw new CommandError(`there is no process ${number}`, pid.column);
  return task;
}

/** The same with an address space. */
export function mappedTask(session: Session, pid: Word | null): views.Task & { root: number } {
  const task = taskOf(session, pid);
  if (task.mm === 0) throw new CommandError(`process ${task.pid} has no address space`);
  return { ...task, root: views.mm(session.running.core, task.mm).pgd };
}

/** The letter that ps shows: R S D T Z. */
function stateLetter(state: TaskState): string {
  return { 1: "R", 2: "Z", 3: "S", 4: "D", 5: "T" }[state as number] ?? "?";
}

const WCHAN: Partial<Record<WaitKind, string>> = {
  [WaitKind.child]: "do_wait",
  [WaitKind.vfork]: "vfork",
  [WaitKind.pipe]: "pipe",
  [WaitKind.timer]: "hrtime",
  [WaitKind.signal]: "sigsus",
  [WaitKind.disk]: "folio",
  [WaitKind.poll]: "poll",
  [WaitKind.futex]: "futex",
  [WaitKind.kthread]: "kthrea",
};

/** Pages an address space has in memory. */
function rssOf(core: Core, mm: number): number {
  const at = (offset: number) => core.getU32(mm + offset);
  return at(MM_RSS_FILE) + at(MM_RSS_ANON) + at(MM_RSS_SHMEM);
}

function ps(session: Session): string {
  const { core } = session.running;
  const rows = views
    .tasks(core)
    .sort((a, b) => a.pid - b.pid)
    .map((task) => {
      const parent = core.getU32(task.address + TASK_PARENT);
      const waits = task.state === TaskState.interruptible || task.state === 4;
      const kind = core.getU32(task.address + TASK_WAIT_KIND) as WaitKind;
      const rate = views.RATES[views.eraName(core) as keyof typeof views.RATES].insn;
      const seconds = (core.getNumber(task.address + TASK_RUN_INSTRET) * rate) / 1e12;
      const vsz = task.mm === 0 ? 0 : core.getNumber(task.mm + MM_TOTAL_VM) * 4;
      const thread = task.mm === 0 && task.state !== TaskState.dead;
      const name = thread ? `[${escapeName(task.name)}]` : escapeName(task.name);
      return [
        String(task.pid).padStart(7),
        String(parent === 0 ? 0 : core.getU32(parent + TASK_PID)).padStart(7),
        String(task.uid).padStart(5),
        stateLetter(task.state).padEnd(4),
        String(vsz).padStart(6),
        String(task.mm === 0 ? 0 : rssOf(core, task.mm) * 4).padStart(5),
        String(task.minflt).padStart(6),
        String(task.majflt).padStart(6),
        (waits ? (WCHAN[kind] ?? "-") : "-").padEnd(6),
        clockText(seconds),
        task.state === TaskState.dead ? `${name} <defunct>` : name,
      ].join(" ");
    });
  const head = "    PID    PPID   UID STAT    VSZ   RSS  MINFL  MAJFL WCHAN      TIME COMMAND";
  return [head, ...rows].join("\n");
}

/** "00:00:07" */
function clockText(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** What smaps tells of an area, in bytes; see assembly/kernel/task_mmu.ts for the rules. */
export interface AreaStats {
  rss: number;
  pss: number;
  pssDirty: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  referenced: number;
  anonymous: number;
  swap: number;
  locked: number;
}

/** Counts the pages of an area. */
export function areaStats(core: Core, root: number, area: views.Vma): AreaStats {
  const s: AreaStats = {
    ...{ rss: 0, pss: 0, pssDirty: 0, sharedClean: 0, sharedDirty: 0, privateClean: 0 },
    ...{ privateDirty: 0, referenced: 0, anonymous: 0, swap: 0, locked: 0 },
  };
  if (area.flags & VM.PFNMAP) return s;
  for (const { entry } of views.ptes(core, root, area)) {
    if ((entry & 33n) === 0n) {
      // A valid bit of 0 and something else: it is in the swap area.
      s.swap += PAGE_SIZE;
      continue;
    }
    if (entry & 0x100n) continue;
    const page = views.frame(core, Number((entry >> 10n) & 0xfffffffffffn));
    const dirty = (entry & 128n) !== 0n || (page.flags & PG.dirty) !== 0;
    const alone = page.refcount === 1 || page.mapcount < 2;
    const share = alone ? PAGE_SIZE : PAGE_SIZE / page.mapcount;
    s.rss += PAGE_SIZE;
    s.pss += share;
    if (dirty) s.pssDirty += share;
    if (area.flags & VM.LOCKED) s.locked += share;
    if ((entry & 64n) !== 0n || page.flags & PG.referenced) s.referenced += PAGE_SIZE;
    if (page.flags & PG.anon) s.anonymous += PAGE_SIZE;
    if (alone) s[dirty ? "privateDirty" : "privateClean"] += PAGE_SIZE;
    else s[dirty ? "sharedDirty" : "sharedClean"] += PAGE_SIZE;
  }
  return s;
}

const kib = (bytes: number) => Math.floor(bytes / 1024);

/** "r-x--", as pmap prints it. */
function pmapMode(flags: number): string {
  const bit = (mask: number, char: string) => (flags & mask ? char : "-");
  return `${bit(VM.READ, "r")}${bit(VM.WRITE, "w")}${bit(VM.EXEC, "x")}${bit(VM.SHARED, "s")}-`;
}

function pmap(session: Session, args: Word[]): string {
  const { pid, rest } = takePid(args);
  const extended = rest.some(({ text }) => text === "-x");
  const others = rest.filter(({ text }) => text !== "-x");
  atMost(others, 1);
  const task = mappedTask(session, pid ?? others[0] ?? null);
  const { core } = session.running;
  const rows: string[] = [];
  const total = { size: 0, rss: 0, dirty: 0 };
  for (const area of views.vmas(core, task.mm)) {
    const size = kib(Number(area.end - area.start));
    const stats = areaStats(core, task.root, area);
    const dirty = kib(stats.sharedDirty + stats.privateDirty);
    const name = escapeName(session.areaName(area, task.mm));
    const start = area.start.toString(16).padStart(16, "0");
    const short = name.startsWith("/") ? name.slice(name.lastIndexOf("/") + 1) : name;
    const shown = { "[stack]": "  [ stack ]", "": "  [ anon ]", "[heap]": "  [ anon ]" }[name];
    const mapping = shown ?? (name.startsWith("[") ? `  [ ${name.slice(1, -1)} ]` : short);
    total.size += size;
    total.rss += kib(stats.rss);
    total.dirty += dirty;
    rows.push(
      extended
        ? `${start} ${String(size).padStart(7)} ${String(kib(stats.rss)).padStart(7)} ${String(dirty).padStart(7)} ${pmapMode(area.flags)} ${mapping}`
        : `${start} ${`${size}K`.padStart(6)} ${pmapMode(area.flags)} ${mapping}`,
    );
  }
  const head = `${task.pid}:   ${escapeName(task.name)}`;
  if (!extended) return [head, ...rows, ` total ${`${total.size}K`.padStart(16)}`].join("\n");
  const line = "---------------- ------- ------- ------- ";
  const sums = [total.size, total.rss, total.dirty].map((n) => String(n).padStart(7)).join(" ");
  const titles = "Address           Kbytes     RSS   Dirty Mode  Mapping";
  return [head, titles, ...rows, line, `total kB         ${sums}`].join("\n");
}

function smaps(session: Session, args: Word[]): string {
  const { pid, rest } = takePid(args);
  atMost(rest, 1);
  const task = mappedTask(session, pid);
  const { core } = session.running;
  const at = rest[0] ? addressOf(session, rest[0]) : null;
  const areas = views
    .vmas(core, task.mm)
    .filter(({ start, end }) => at === null || (start <= at && at < end));
  if (areas.length === 0) throw new CommandError("no area holds that address", rest[0]?.column);
  return areas
    .map((area) => {
      const s = areaStats(core, task.root, area);
      const row = (name: string, bytes: number) =>
        `${`${name}:`.padEnd(16)}${String(kib(bytes)).padStart(8)} kB`;
      const flags = Object.entries(VM)
        .filter(([, bit]) => typeof bit === "number" && area.flags & bit)
        .map(([name]) => name.toLowerCase());
      return [
        `${area.start.toString(16).padStart(8, "0")}-${area.end.toString(16).padStart(8, "0")} ${views.perms(area.flags)} ${escapeName(session.areaName(area, task.mm))}`,
        row("Size", Number(area.end - area.start)),
        row("Rss", s.rss),
        row("Pss", s.pss),
        row("Pss_Dirty", s.pssDirty),
        row("Shared_Clean", s.sharedClean),
        row("Shared_Dirty", s.sharedDirty),
        row("Private_Clean", s.privateClean),
        row("Private_Dirty", s.privateDirty),
        row("Referenced", s.referenced),
        row("Anonymous", s.anonymous),
        row("Swap", s.swap),
        row("Locked", s.locked),
        `VmFlags: ${flags.join(" ")}`,
      ].join("\n");
    })
    .join("\n");
}

/** Where a frame is mapped: every process and address. */
export function mappers(session: Session, pfn: number) {
  const { core } = session.running;
  const found: { task: views.Task; area: views.Vma; va: bigint; entry: bigint }[] = [];
  for (const task of views.tasks(core)) {
    if (task.mm === 0) continue;
    const { pgd } = views.mm(core, task.mm);
    for (const area of views.vmas(core, task.mm)) {
      for (const { va, entry } of views.ptes(core, pgd, area)) {
        const present = (entry & 33n) !== 0n;
        if (present && Number((entry >> 10n) & 0xfffffffffffn) === pfn) {
          found.push({ task, area, va, entry });
        }
      }
    }
  }
  return found;
}

function frameOf(session: Session, word: Word, physical: boolean): { pfn: number; offset: bigint } {
  const value = addressOf(session, word);
  const pfn = Number(physical ? value >> 12n : value);
  const total = session.running.core.conf(Conf.ram_frames);
  if (pfn >= total) throw new CommandError(`there are only ${total} frames`, word.column);
  return { pfn, offset: physical ? value & 4095n : 0n };
}

function rmap(session: Session, word: Word, physical: boolean): string {
  const { pfn, offset } = frameOf(session, word, physical);
  const { core } = session.running;
  const page = views.frame(core, pfn);
  const rows = mappers(session, pfn).map(({ task, area, va, entry }) => {
    const name = escapeName(session.areaName(area, task.mm)) || "anonymous";
    return `  pid ${String(task.pid).padEnd(5)} ${views.hex(va + offset).padEnd(14)} ${views.pteFlags(entry).padEnd(7)} ${views.perms(area.flags)} ${name}`;
  });
  const counts = `refcount ${page.refcount}, mapcount ${page.mapcount}`;
  const at = physical ? `physical ${views.hex((BigInt(pfn) << 12n) + offset)}, ` : "";
  const flags = core.getU32(FRAMES + pfn * PAGE_SIZE_OF);
  const zero = flags & PG.zero ? ", the zero page: nobody counts who maps it" : "";
  const head = `${at}frame ${pfn}: ${counts}${zero}`;
  return [head, ...(rows.length > 0 ? rows : ["  no page table has it"])].join("\n");
}

function signalNumber(word: Word): number {
  const text = word.text.replace(/^-/, "").toUpperCase();
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.startsWith("SIG") ? text : `SIG${text}`;
  for (let n = 1; n < 32; n++) if (signalName(n) === name) return n;
  throw new CommandError(`there is no signal "${escapeName(word.text)}"`, word.column);
}

/** Says how an act ended. */
export function actText(answer: number | null, done: string): { text: string; status: number } {
  if (answer === null) {
    return { text: "It is done as soon as this kernel entry is over.", status: 0 };
  }
  if (answer < 0) return { text: `refused: ${errnoName(-answer)}`, status: 1 };
  return { text: done, status: 0 };
}

export const PROCESS_COMMANDS: Command[] = [
  {
    name: "ps",
    usage: "ps",
    help: `Lists the processes. STAT is R running or ready, S sleeping, D waiting for the disk, T stopped,
Z ended and not yet asked for by its parent; sizes are KiB.`,
    async run(session, args) {
      atMost(args, 0);
      return result(ps(session));
    },
  },
  {
    name: "pmap",
    usage: "pmap [-x] [-p PID]    vmmap [-x] [-p PID]",
    help: "Lists the areas of an address space, as pmap does; -x: with what of each is in memory, KiB.",
    run: async (session, args) => result(pmap(session, args)),
  },
  {
    name: "smaps",
    usage: "smaps [-p PID] [ADDR]",
    help: "What of each area (or of the one that holds ADDR) is in memory: shared or private, clean or\ndirty, used, swapped out. Pss counts a page that n processes map for an n-th part.",
    run: async (session, args) => result(smaps(session, args)),
  },
  {
    name: "rmap",
    usage: "rmap PFN",
    help: "Who maps a frame: every process, address and page table entry.",
    async run(session, args) {
      atMost(args, 1);
      return result(rmap(session, required(args, 0, "the frame"), false));
    },
  },
  {
    name: "ptov",
    usage: "ptov PADDR",
    help: "Translates a physical address to the virtual ones that mean it now: the reverse of vtop.",
    async run(session, args) {
      atMost(args, 1);
      return result(rmap(session, required(args, 0, "the physical address"), true));
    },
  },
  {
    name: "kill",
    usage: "kill [-SIGNAL] PID",
    help: `Sends a signal (SIGTERM) to a process, as root. It is part of the history: going back and
forward over this place sends it again.`,
    async run(session, args) {
      const flag = args[0]?.text.startsWith("-") ? args[0] : null;
      const rest = flag ? args.slice(1) : args;
      atMost(rest, 1);
      const signal = flag ? signalNumber(flag) : 15;
      const pid = countOf(required(rest, 0, "the process number"));
      const answer = await session.act(ActKind.kill, pid, signal);
      const { text, status } = actText(answer, `${signalName(signal)} sent to ${pid}`);
      return result(text, true, status);
    },
  },
];
