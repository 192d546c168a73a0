// Commands about the machine's memory and its knobs: free, vmstat, sysctl, drop_caches, fincore.
import {
  ActKind,
  CONF_BASE,
  CURRENT,
  Conf,
  DISK_PAGES,
  DISK_PAGES_WRITTEN,
  NR_FREE,
  NR_KERNEL,
  NR_SWITCHES,
  PG,
  TASK_CGROUP,
  TaskState,
  VM_COMMITTED,
  VmEvent,
  VmKnob,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { count, duration, plural } from "../format.ts";
import { SETTINGS } from "../settings.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import * as views from "../views.ts";
import { Files, S_IFREG } from "../views/files.ts";
import type { Command } from "./index.ts";
import { atMost, countOf, required, result, type Session } from "./session.ts";
import { actText } from "./process.ts";

/** Frames by what they hold. */
function memoryCounts(core: Core) {
  const counts = { file: 0, dirty: 0, anon: 0, tables: 0 };
  const total = core.conf(Conf.ram_frames);
  for (let pfn = 0; pfn < total; pfn++) {
    const { flags } = views.frame(core, pfn);
    if (flags & (PG.free | PG.reserved)) continue;
    if (flags & PG.table) counts.tables++;
    if (flags & PG.pagecache) {
      counts.file++;
      if (flags & PG.dirty) counts.dirty++;
    } else if (flags & PG.anon) counts.anon++;
  }
  const frames = total - core.getU32(NR_KERNEL);
  return { ...counts, total: frames, free: core.getU32(NR_FREE) };
}

function free(session: Session, args: Word[]): string {
  const commit = args.some(({ text }) => text === "-v");
  atMost(
    args.filter(({ text }) => text !== "-v"),
    0,
  );
  const { core } = session.running;
  const { total, free: unused, file } = memoryCounts(core);
  const available = unused + file - Math.floor(file / 2);
  const cells = (pages: number[]) => pages.map((n) => String(n * 4).padStart(11)).join(" ");
  const row = (label: string, pages: number[]) => `${label.padEnd(9)}${cells(pages)}`;
  const swap = session.swapPages();
  const lines = [
    "               total        used        free      shared  buff/cache   available",
    row("Mem:", [total, total - available, unused, 0, file, available]),
    row("Swap:", [swap.total, swap.used, swap.total - swap.used]),
  ];
  if (commit) {
    const limit = Math.floor((total * core.conf(Conf.vm_overcommit_ratio)) / 100);
    const promised = core.getNumber(VM_COMMITTED);
    lines.push(row("Comm:", [limit, promised, limit - promised]));
  }
  return lines.join("\n");
}

/** vmstat's one line: averages since boot. */
function vmstatLine(session: Session): string {
  const { core } = session.running;
  const { timeNs, split } = views.clock(core);
  const seconds = Math.max(timeNs / 1e9, 1e-9);
  const { free: unused, file } = memoryCounts(core);
  const swap = session.swapPages();
  const tasks = views.tasks(core);
  const inState = (state: TaskState) => tasks.filter((task) => task.state === state).length;
  const per = (n: number) => Math.round(n / seconds);
  const kernel = split.exception + split.kernel + split.memory;
  const idle = views.idleNs(core);
  const user = timeNs - kernel - split.disk - idle;
  const percent = (ns: number) => Math.round((100 * ns) / Math.max(timeNs, 1));
  const events = (event: VmEvent) => views.vmEvent(core, event);
  const entries = events(VmEvent.PGFAULT) + events(VmEvent.SYSCALL);
  const cell = (n: number, width: number) => String(n).padStart(width);
  const row = [
    cell(inState(TaskState.running), 2),
    cell(inState(TaskState.uninterruptible), 2),
    ...[swap.used * 4, unused * 4, 0, file * 4].map((n) => cell(n, 6)),
    ...[events(VmEvent.PSWPIN), events(VmEvent.PSWPOUT)].map((n) => cell(per(n * 4), 4)),
    ...[core.getNumber(DISK_PAGES), core.getNumber(DISK_PAGES_WRITTEN)].map((n) =>
      cell(per(n * 4), 5),
    ),
    ...[entries, core.getNumber(NR_SWITCHES)].map((n) => cell(per(n), 4)),
    ...[user, kernel, idle, split.disk, 0].map((ns) => cell(percent(ns), 2)),
  ].join(" ");
  return [
    "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----",
    " r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st",
    row,
  ].join("\n");
}

/** vmstat -s: every counter. */
function vmstatCounters(session: Session): string {
  const { core } = session.running;
  const { timeNs, split } = views.clock(core);
  const { reads, pages, seeks, writes, pagesWritten } = views.disk(core);
  const events = Object.entries(VmEvent)
    .filter((pair): pair is [string, number] => typeof pair[1] === "number")
    .map(
      ([name, event]) =>
        `  ${name.toLowerCase().padEnd(28)} ${count(views.vmEvent(core, event)).padStart(14)}`,
    );
  const { hits, misses } = views.tlb(core);
  const times = Object.entries(split).map(([name, ns]) => `${name} ${duration(ns)}`);
  return [
    ...events,
    `  tlb hits                     ${count(hits).padStart(14)}`,
    `  tlb misses                   ${count(misses).padStart(14)}`,
    `  disk reads   ${plural(reads, "request")}, ${plural(pages, "page")}, ${plural(seeks, "seek")}`,
    `  disk writes  ${plural(writes, "request")}, ${plural(pagesWritten, "page")}`,
    `  time         ${duration(timeNs)} (${times.join(", ")})`,
  ].join("\n");
}

/** The knobs of the kernel, by their sysctl name; null when it can only be written. */
function knobs(session: Session): Map<string, number | null> {
  const { core } = session.running;
  const found = new Map<string, number | null>();
  for (const name of Object.keys(VmKnob).filter((key) => Number.isNaN(Number(key)))) {
    const key = knobName(name);
    const setting = SETTINGS[key];
    if (name === "nozero_cgroup") {
      // It is the running process's own.
      const task = core.getU32(CURRENT);
      found.set(key, task === 0 ? 0 : core.getU32(task + TASK_CGROUP));
      continue;
    }
    found.set(key, setting?.conf != null ? core.getNumber(CONF_BASE + 8 * setting.conf) : null);
  }
  return found;
}

/** Linux's name of a knob: page-cluster has a hyphen. */
function knobName(name: string): string {
  return `vm.${name === "page_cluster" ? "page-cluster" : name}`;
}

function knobNumber(name: string): number | undefined {
  const key = name.replace(/^vm\./, "").replace("page-cluster", "page_cluster");
  const value = (VmKnob as Record<string, unknown>)[key];
  return name.startsWith("vm.") && typeof value === "number" ? value : undefined;
}

async function sysctl(session: Session, args: Word[]) {
  const words = args.filter(({ text }) => text !== "-w" && text !== "-a");
  const all = knobs(session);
  const line = (name: string) =>
    name === "vm.resident"
      ? `${name} = ${plural(views.residentImages(session.running.core).length, "image")} (see: resident)`
      : `${name} = ${all.get(name) ?? "(can only be written)"}`;
  if (words.length === 0) return result([...all.keys()].map(line).join("\n"));
  const lines: string[] = [];
  let status = 0;
  let moved = false;
  for (const word of words) {
    const [, name = "", value] = /^([^=]+?)\s*(?:=\s*(.*))?$/.exec(word.text) ?? [];
    const key = name.replaceAll("/", ".");
    if (!all.has(key)) {
      throw new CommandError(`there is no knob "${escapeName(name)}" (see: sysctl)`, word.column);
    }
    if (value === undefined) lines.push(line(key));
    else {
      const answer = await setKnob(session, key, { ...word, text: value });
      lines.push(answer.text);
      status ||= answer.status;
      moved = true;
    }
  }
  return result(lines.join("\n"), moved, status);
}

async function setKnob(session: Session, key: string, value: Word) {
  const match = /^(-?\d+)([KMG])?$/.exec(value.text.trim());
  if (!match) throw new CommandError(`${key} is a number`, value.column);
  const unit = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2] ?? ""] ?? 1;
  const wanted = Number(match[1]) * unit;
  const answer = await session.act(ActKind.sysctl, knobNumber(key) as number, wanted);
  return actText(answer, `${key} = ${wanted}`);
}

async function dropCaches(session: Session, args: Word[]) {
  atMost(args, 1);
  const what = args[0] ? countOf(args[0]) : 1;
  const before = memoryCounts(session.running.core).file;
  const answer = await session.act(ActKind.sysctl, VmKnob.drop_caches, what);
  const dropped = before - memoryCounts(session.running.core).file;
  const { text, status } = actText(answer, `${plural(dropped, "page")} dropped`);
  return result(text, true, status);
}

function fincore(session: Session, args: Word[]): string {
  const files = new Files(session.running.core);
  const rows = [required(args, 0, "the file"), ...args.slice(1)].map((word) => {
    const file = files.lookup(word.text);
    if (!file) throw new CommandError(`there is no file "${escapeName(word.text)}"`, word.column);
    if (file.type !== S_IFREG) {
      throw new CommandError(`"${escapeName(word.text)}" is no regular file`, word.column);
    }
    const pages = files.cached(file.ino).size;
    const cells = [size(pages * 4096).padStart(4), String(pages).padStart(5)];
    return `${cells.join(" ")} ${size(file.size).padStart(4)} ${escapeName(word.text)}`;
  });
  return [" RES PAGES SIZE FILE", ...rows].join("\n");
}

/** "64K", "1.2M", as util-linux prints sizes. */
function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    unit++;
  }
  const text = value < 10 && unit > 0 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
  return text + ["B", "K", "M", "G"][unit];
}

/** The areas as swapon --show prints them. */
function swapText(session: Session): string {
  const { total, used } = session.swapPages();
  if (total === 0) return "";
  const row = [
    "/dev/swap",
    "partition",
    size(total * 4096).padStart(4),
    size(used * 4096).padStart(4),
    "  -2",
  ];
  return `NAME      TYPE      SIZE USED PRIO\n${row.join(" ")}`;
}

async function swapAct(session: Session, kind: ActKind.swapon | ActKind.swapoff) {
  const { used } = session.swapPages();
  const answer = await session.act(kind, 0, 0);
  const done =
    kind === ActKind.swapon
      ? "the swap area is in use"
      : `the swap area is out of use: ${plural(used, "page")} came back`;
  const { text, status } = actText(answer, done);
  return result(text, true, status);
}

export const MEMORY_COMMANDS: Command[] = [
  {
    name: "swapon",
    usage: "swapon [-a]",
    help: "Shows the swap area and how much of it is used; -a takes it into use. It is part of the history,\nlike sysctl. set swap=MIB says how large it is, for the next exec.",
    async run(session, args) {
      atMost(args, 1);
      if (!args[0]) return result(swapText(session) || "no swap area is in use");
      if (args[0].text !== "-a") throw new CommandError("swapon takes -a", args[0].column);
      return swapAct(session, ActKind.swapon);
    },
  },
  {
    name: "swapoff",
    usage: "swapoff [-a]",
    help: "Takes the swap area out of use: every page in it comes back, if there is room.",
    async run(session, args) {
      atMost(args, 1);
      return swapAct(session, ActKind.swapoff);
    },
  },
  {
    name: "free",
    usage: "free [-v]",
    help: "How much memory is used and free, KiB; -v: and how much was promised.",
    run: async (session, args) => result(free(session, args)),
  },
  {
    name: "vmstat",
    usage: "vmstat [-s]",
    help: "The averages since boot in one line, as vmstat prints them; -s: every counter.",
    async run(session, args) {
      atMost(args, 1);
      if (!args[0]) return result(vmstatLine(session));
      if (args[0].text !== "-s") throw new CommandError("vmstat takes -s", args[0].column);
      return result(vmstatCounters(session));
    },
  },
  {
    name: "sysctl",
    usage: "sysctl [NAME | NAME=VALUE ...]",
    help: `Reads or sets the running kernel's knobs: sysctl vm.fault_around_bytes=4096. Setting one is part
of the history: going back and forward over this place sets it again. \`set\` is for the next exec.`,
    complete: (session) => (session.machine ? [...knobs(session).keys()] : []),
    run: sysctl,
  },
  {
    name: "drop_caches",
    usage: "drop_caches [1|2|3]",
    help: "Drops the clean pages of the page cache that nobody maps, as writing to /proc/sys/vm/drop_caches\ndoes. It is part of the history, like sysctl.",
    run: dropCaches,
  },
  {
    name: "fincore",
    usage: "fincore FILE ...",
    help: "How much of a file on the simulated disk is in the page cache.",
    run: async (session, args) => result(fincore(session, args)),
  },
];
