// Commands that look and change nothing.
import { Conf, PG } from "../../../assembly/abi.ts";
import { readelf } from "../elf/readelf.ts";
import { count, plural } from "../format.ts";
import { frameInfo, kernelStack, snapshot } from "../snapshot.ts";
import { escapeName, TerminalFilter } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import type { Walk } from "../types.ts";
import * as views from "../views.ts";
import { addressOf } from "./address.ts";
import type { Command } from "./index.ts";
import { mappedTask, takePid } from "./process.ts";
import { atMost, countOf, cut, required, result, type Session } from "./session.ts";
import { escapeLines } from "./start.ts";

/** The walk, one level a line. */
export function walkText(walk: Walk): string {
  const lines = walk.levels.map((level) => {
    const what = !level.valid
      ? "not valid"
      : level.leaf
        ? `page in frame ${level.pfn}  ${level.flags}`
        : `table in frame ${level.pfn}`;
    return `  level ${level.level}  frame ${level.tablePfn} [${level.index}]  ${level.pte}  ${what}`;
  });
  const end = walk.ok ? `${walk.outcome}: ${walk.pa}` : walk.outcome;
  return [`${walk.va}, root table in frame ${walk.satpPfn}`, ...lines, `  ${end}`].join("\n");
}

function frames(session: Session, word: Word | undefined): string {
  const machine = session.running;
  const { core } = machine;
  const total = core.conf(Conf.ram_frames);
  if (word) {
    const pfn = Number(addressOf(session, word));
    if (pfn >= total) throw new CommandError(`there are only ${count(total)} frames`, word.column);
    const info = frameInfo(machine, pfn);
    const { flags } = views.frame(core, pfn);
    const names = Object.entries(PG).filter(([, bit]) => typeof bit === "number" && flags & bit);
    return [
      `frame ${pfn}: ${info.owner}`,
      `  physical address ${views.hex(BigInt(pfn) << 12n)}`,
      `  refcount ${info.refcount}, mapcount ${info.mapcount}`,
      `  flags ${names.map(([name]) => name).join(" ") || "none"}`,
    ].join("\n");
  }
  const grid = views.frameGrid(core);
  const totals = new Map<string, number>();
  for (const cell of grid.cells) {
    const state = grid.states[cell] as string;
    totals.set(state, (totals.get(state) ?? 0) + 1);
  }
  const rows = [...totals].map(([state, n]) => `  ${state.padEnd(12)} ${count(n).padStart(10)}`);
  return [`${count(total)} frames of 4 KiB`, ...rows].join("\n");
}

const UNITS: Record<string, number> = { b: 1, h: 2, w: 4, g: 8 };

/** gdb's x: /NFU. */
function examine(session: Session, words: Word[]): string {
  const { pid, rest: args } = takePid(words);
  const format = args[0]?.text.startsWith("/") ? args[0] : undefined;
  const rest = format ? args.slice(1) : args;
  atMost(rest, 1);
  const match = /^\/(\d*)([xduocs]?)([bhwg]?)$/.exec(format?.text ?? "/");
  if (!match)
    throw new CommandError(
      "the format is /NFU: a count, one of xduocs, one of bhwg",
      format?.column,
    );
  const n = match[1] ? Number(match[1]) : 1;
  const kind = match[2] || "x";
  const unit = UNITS[match[3] || (kind === "c" || kind === "s" ? "b" : "w")] as number;
  if (n < 1 || n > 4096) throw new CommandError("a count of 1 to 4096", format?.column);
  const va = addressOf(session, required(rest, 0, "the address"));
  const { core } = session.running;
  const { root } = mappedTask(session, pid);
  if (kind === "s") {
    const bytes = views.readMemory(core, root, va, 4096);
    const end = bytes.indexOf(0);
    const text = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
    return `${views.hex(va)}:  "${escapeName(text)}"`;
  }
  const bytes = views.readMemory(core, root, va, n * unit);
  const perLine = kind === "c" || unit === 1 ? 8 : unit === 8 ? 2 : 4;
  const lines: string[] = [];
  const whole = Math.floor(bytes.length / unit);
  for (let i = 0; i < whole; i += perLine) {
    const cells: string[] = [];
    for (let k = i; k < Math.min(i + perLine, whole); k++) {
      cells.push(cell(bytes.subarray(k * unit, (k + 1) * unit), kind));
    }
    lines.push(`${views.hex(va + BigInt(i * unit))}:  ${cells.join("  ")}`);
  }
  if (whole < n) lines.push(`${views.hex(va + BigInt(whole * unit))}: nothing is mapped there`);
  return lines.join("\n");
}

function cell(bytes: Uint8Array, kind: string): string {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  const bits = 8 * bytes.length;
  if (kind === "d") return String(BigInt.asIntN(bits, value));
  if (kind === "u") return String(value);
  if (kind === "o") return `0${value.toString(8)}`;
  if (kind === "c") {
    return value >= 32n && value < 127n
      ? `'${String.fromCharCode(Number(value))}'`
      : `\\x${value.toString(16).padStart(2, "0")}`;
  }
  return `0x${value.toString(16).padStart(bits / 4, "0")}`;
}

function registers(session: Session): string {
  const { core } = session.running;
  const cells = views.REGISTERS.map((name, i) => {
    const value = views.hex(views.register(core, i));
    return `${name.padEnd(4)} ${value.padEnd(18)}`;
  });
  const lines = [`pc   ${views.hex(views.pc(core))}`];
  for (let i = 0; i < 32; i += 4)
    lines.push(
      cells
        .slice(i, i + 4)
        .join(" ")
        .trimEnd(),
    );
  return lines.join("\n");
}

function tlb(session: Session): string {
  const { entries, hits, misses, size, ways, policy } = views.tlb(session.running.core);
  const valid = entries.filter((entry) => entry.valid);
  const rows = valid.map(({ set, way, vpn, asid, pfn, flags }) => {
    const page = views.hex(BigInt(vpn) << 12n).padStart(12);
    return `  set ${String(set).padStart(3)} way ${String(way).padStart(2)}  ${page} -> frame ${String(pfn).padEnd(6)} ${flags.padEnd(7)} asid ${asid}`;
  });
  const head = `${plural(size, "entry", "entries")}, ${plural(ways, "way")}, ${policy}: ${count(hits)} hits, ${count(misses)} misses`;
  return [head, cut(rows, 128) || "  empty"].join("\n");
}

function backtrace(session: Session): string {
  const stack = kernelStack(session.running);
  if (stack.length === 0) return "the kernel is not running";
  return stack
    .map(({ function: name, at, variables }, i) => {
      const head = `#${stack.length - 1 - i}  ${name}  ${at.file}:${at.line}`;
      const rows = variables.map(
        (v) => `      ${v.name}${v.type ? `: ${v.type}` : ""} = ${v.text}`,
      );
      return [head, ...rows].join("\n");
    })
    .reverse()
    .join("\n");
}

async function list(session: Session, word: Word | undefined): Promise<string> {
  const { kernel } = snapshot(session.running);
  const match = word && /^(.+):(\d+)$/.exec(word.text);
  const file = match ? session.marks.fileNamed(match[1] as string) : -1;
  if (word && file < 0) throw new CommandError("list takes FILE:LINE of the kernel", word.column);
  const path = word ? session.marks.path(file) : kernel.at?.file;
  const line = word ? Number((match as RegExpExecArray)[2]) : (kernel.at?.line ?? 0);
  if (!path) return listGuest(session);
  const text = await session.host.source?.(path);
  if (!text) return `${path}:${line} (its text is not here)`;
  const lines = text.split("\n");
  const first = Math.max(1, line - 5);
  const shown = lines.slice(first - 1, line + 5);
  return shown
    .map((one, i) => `${first + i === line ? ">" : " "}${String(first + i).padStart(4)}  ${one}`)
    .join("\n");
}

function listGuest(session: Session): string {
  const pc = views.pc(session.running.core);
  const at = session.program?.code.at(pc).source;
  if (!at) return `${views.hex(pc)}: no source line is known`;
  return `${at.file}:${at.line}`;
}

async function readelfCommand(session: Session, args: Word[]) {
  const names = args.filter(({ text }) => !text.startsWith("-"));
  const letters = args.flatMap(({ text }) => (text.startsWith("-") ? [...text.slice(1)] : []));
  atMost(names, 1);
  const wrong = letters.find((letter) => !/[hlSeW]/.test(letter));
  if (wrong) throw new CommandError(`readelf has no option -${wrong} here: -hlS`);
  const has = (letter: string) => letters.includes(letter) || letters.includes("e");
  const shown = letters.filter((letter) => letter !== "W");
  if (shown.length === 0)
    throw new CommandError("what to show? -h header, -l segments, -S sections");
  const bytes = names[0] ? await session.host.readFile(names[0].text) : session.program?.bytes;
  if (!bytes)
    throw new CommandError(
      names[0] ? `there is no file "${escapeName(names[0].text)}"` : "which file?",
    );
  const name = names[0]?.text ?? session.program?.name ?? "";
  const printed = readelf(bytes, {
    header: has("h"),
    segments: has("l"),
    sections: has("S"),
    name,
  });
  const text = [printed.stdout, printed.stderr].filter(Boolean).join("\n");
  return result(escapeLines(text.replace(/\n$/, "")), false, printed.status === 0 ? 0 : 1);
}

/** A command without arguments that prints a text. */
const shows = (name: string, help: string, text: (session: Session) => string): Command => ({
  name,
  usage: name,
  help,
  async run(session, args) {
    atMost(args, 0);
    return result(text(session));
  },
});

export const LOOKS: Command[] = [
  {
    name: "pagewalk",
    usage: "pagewalk [-p PID] ADDR",
    help: "Walks the page table as the hardware would, level by level.",
    async run(session, args) {
      const { pid, rest } = takePid(args);
      atMost(rest, 1);
      const va = addressOf(session, required(rest, 0, "the address"));
      const { root } = mappedTask(session, pid);
      return result(walkText(views.walk(session.running.core, root, va, "")));
    },
  },
  {
    name: "vtop",
    usage: "vtop [-p PID] ADDR",
    help: "Translates a virtual address to a physical one.",
    async run(session, args) {
      const { pid, rest } = takePid(args);
      atMost(rest, 1);
      const va = addressOf(session, required(rest, 0, "the address"));
      const { root } = mappedTask(session, pid);
      const walk = views.walk(session.running.core, root, va, "");
      if (!walk.ok) return result(`${walk.va}: ${walk.outcome}`, false, 1);
      const tlbHas = views.inTlb(session.running.core, va) ? "in the TLB" : "not in the TLB";
      return result(`${walk.va} is at physical ${walk.pa} (${tlbHas})`);
    },
  },
  {
    name: "frames",
    usage: "frames [PFN]",
    help: "What memory is used for, or everything about one frame.",
    async run(session, args) {
      atMost(args, 1);
      return result(frames(session, args[0]));
    },
  },
  {
    name: "x",
    usage: "x [-p PID] [/NFU] ADDR",
    help: "Examines the program's memory as gdb does: N values, F of x d u o c s, U of b h w g.",
    async run(session, args) {
      return result(examine(session, args));
    },
  },
  shows("regs", "Prints the registers.", registers),
  shows("tlb", "Lists the valid entries of the TLB and its counters.", tlb),
  shows("bt", "Prints the kernel's call stack with the variables that are set.", backtrace),
  {
    name: "output",
    usage: "output",
    help: "Prints what the program has written so far.",
    async run(session, args) {
      atMost(args, 0);
      const machine = session.running;
      const filter = new TerminalFilter();
      const pieces = machine.output.upTo(machine.outputPosition);
      const text = pieces.map(({ bytes }) => filter.write(bytes)).join("");
      return result(text.replace(/\n$/, "") || "nothing so far");
    },
  },
  {
    name: "list",
    usage: "list [FILE:LINE]",
    help: "Prints the kernel's source around this line.",
    async run(session, args) {
      atMost(args, 1);
      return result(await list(session, args[0]));
    },
  },
  {
    name: "readelf",
    usage: "readelf -hlS [FILE]",
    help: "Shows an ELF file's header, segments and sections as GNU readelf -W does.",
    complete: (session) => [...session.host.fileNames()],
    run: (session, args) => readelfCommand(session, args),
  },
  {
    name: "checkpoints",
    usage: "checkpoints",
    help: "Says how many copies of the past are kept, and their memory.",
    async run(session, args) {
      atMost(args, 0);
      const { checkpoints } = session.running;
      const n = countOf(undefined, checkpoints.list.length);
      return result(
        `${plural(n, "checkpoint")}, ${count(Math.round(checkpoints.bytes / 1024))} KiB`,
      );
    },
  },
];
