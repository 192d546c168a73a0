// Commands that start machines and feed them.
import { Access, BOOT_ERRNO, Conf, TLB_MISSES } from "../../../assembly/abi.ts";
import { parseElf } from "../elf/elf.ts";
import { readelf } from "../elf/readelf.ts";
import { refusal } from "../format.ts";
import { changeSetting, SETTINGS, settingKeys, settingsFault, showSetting } from "../settings.ts";
import { snapshot } from "../snapshot.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import type { CommandResult } from "../types.ts";
import { addressOf } from "./address.ts";
import type { Command } from "./index.ts";
import { atMost, required, result, type Session, where } from "./session.ts";

const ACCESSES: Record<string, Access> = { r: Access.Read, w: Access.Write, x: Access.Fetch };

/** The kernel's answer to a file it does not map, beside what the file says of itself. */
async function load(session: Session, name: string): Promise<CommandResult> {
  const machine = await session.boot(name, [], { mode: "touch" });
  const outcome = await machine.run();
  const errno = machine.core.getI32(BOOT_ERRNO);
  if (errno === 0) {
    const answer = await where(session, outcome);
    return { ...answer, status: 0 };
  }
  const bytes = session.program?.bytes ?? new Uint8Array(0);
  const shown = readelf(bytes, { header: true, segments: true, name: escapeName(name) });
  const text = [shown.stdout, shown.stderr].filter(Boolean).join("\n");
  const verdict = `execve refuses ${escapeName(name)}: ${refusal(errno)}`;
  return result(`${escapeLines(text)}\n${verdict}`, true, 1);
}

/** Tool output line by line through the escaper. */
export function escapeLines(text: string): string {
  return text
    .split("\n")
    .map((line) => escapeName(line, 4096))
    .join("\n");
}

async function touch(session: Session, va: bigint, access: Access): Promise<CommandResult> {
  const machine = session.running;
  if (machine.core.conf(Conf.mode) === 0) {
    throw new CommandError("here the program is the CPU: load FILE makes you the CPU");
  }
  if (machine.halted) {
    throw new CommandError("the process is dead; back goes to before the access that killed it");
  }
  const misses = machine.core.getNumber(TLB_MISSES);
  const faults = machine.history.tally.faults;
  const outcome = await machine.touch(va, access);
  const missed = machine.core.getNumber(TLB_MISSES) - misses;
  const taken = machine.history.tally.faults - faults;
  const name = { [Access.Read]: "read", [Access.Write]: "write", [Access.Fetch]: "fetch" }[access];
  const how =
    taken > 0
      ? Array.from({ length: taken }, (_, i) => machine.history.fault(faults + i)?.kind ?? 0)
          .map((kind) => `${snapshotKind(kind)} fault`)
          .join(", ")
      : missed > 0
        ? "TLB miss, the walk found it"
        : "TLB hit";
  const end = outcome.reason === "end" ? `\n${snapshot(machine).sentence}` : "";
  return result(`${name} 0x${va.toString(16)}: ${how}${end}`, true, end ? 1 : 0);
}

function snapshotKind(kind: number): string {
  const names = ["", "minor", "major", "anon", "zero", "cow", "reuse", "spurious", "stack"];
  return names[kind] ?? ["SIGSEGV", "SIGBUS", "OOM"][kind - 9] ?? "";
}

async function touchFile(session: Session, name: Word): Promise<CommandResult> {
  const bytes = await session.host.readFile(name.text);
  if (!bytes) throw new CommandError(`there is no file "${escapeName(name.text)}"`, name.column);
  const lines: string[] = [];
  let status = 0;
  for (const [i, line] of new TextDecoder().decode(bytes).split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim().split(/\s+/).filter(Boolean);
    if (words.length === 0) continue;
    const [address = "", letter = "r"] = words;
    const access = ACCESSES[letter.toLowerCase()];
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(address) || access === undefined || words.length > 2) {
      throw new CommandError(`line ${i + 1} of ${escapeName(name.text)} is not ADDR r|w|x`);
    }
    const answer = await touch(session, BigInt(address), access);
    lines.push(answer.text);
    status = answer.status;
    if (status !== 0) break;
  }
  return result(lines.join("\n"), true, status);
}

const EM_RISCV = 243;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PAGE = 4096n;

/** "ELF64, RISC-V, static, entry 0x11000, 3 segments of 3 pages" */
function describe(bytes: Uint8Array): string {
  const elf = parseElf(bytes);
  if (elf.kind !== "elf") return `${bytes.length.toLocaleString("en")} bytes, not an ELF file`;
  const { header, programHeaders } = elf;
  const loads = programHeaders.filter(({ type }) => type === PT_LOAD);
  const pages = loads.reduce((sum, { vaddr, memsz }) => {
    return sum + Number(((vaddr % PAGE) + memsz + PAGE - 1n) / PAGE);
  }, 0);
  const linked = programHeaders.some(({ type }) => type === PT_INTERP) ? "dynamic" : "static";
  return [
    header.ident[4] === 2 ? "ELF64" : "ELF32",
    header.machine === EM_RISCV ? "RISC-V" : `machine ${header.machine}`,
    linked,
    `entry 0x${header.entry.toString(16)}`,
    `${loads.length} segments, ${pages.toLocaleString("en")} pages`,
  ].join(", ");
}

const files = (session: Session, n: number) => (n === 0 ? [...session.host.fileNames()] : []);

export const STARTS: Command[] = [
  {
    name: "exec",
    usage: "exec PROGRAM [ARG...]",
    help: "Starts the machine with a program; it is at 0, before the first execve.",
    complete: files,
    async run(session, args) {
      const name = required(args, 0, "the program").text;
      await session.boot(
        name,
        args.slice(1).map(({ text }) => text),
      );
      const here = await where(session);
      const about = session.program
        ? `${escapeName(name)}: ${describe(session.program.bytes)}\n`
        : "";
      return { ...here, text: about + here.text };
    },
  },
  {
    name: "load",
    usage: "load FILE",
    help: "Maps a 64-bit little-endian ELF file without running it: you are the CPU (see touch).",
    complete: files,
    async run(session, args) {
      atMost(args, 1);
      return load(session, required(args, 0, "the file").text);
    },
  },
  {
    name: "touch",
    usage: "touch ADDR r|w|x    touch FILE",
    help: "Makes one access as the CPU, or those that a file lists, one a line.",
    complete: (session, n) => (n === 0 ? [...session.host.fileNames()] : ["r", "w", "x"]),
    async run(session, args) {
      atMost(args, 2);
      const [where, how] = [required(args, 0, "the address"), args[1]];
      if (!how && !/^[$\d]/.test(where.text)) return touchFile(session, where);
      const letter = required(args, 1, "r, w or x");
      const access = ACCESSES[letter.text.toLowerCase()];
      if (access === undefined) {
        throw new CommandError(`"${escapeName(letter.text)}" is not r, w or x`, letter.column);
      }
      return touch(session, addressOf(session, where), access);
    },
  },
  {
    name: "set",
    usage: "set [KEY=VALUE...]",
    help: `Changes settings of the next exec. Alone: lists them.\n${settingsHelp()}`,
    complete: () => settingKeys().map((key) => `${key}=`),
    async run(session, args) {
      if (args.length === 0) {
        const lines = settingKeys().map((key) => `  ${showSetting(session.settings, key)}`);
        return result(lines.join("\n"));
      }
      const changed = structuredClone(session.settings);
      for (const word of args) {
        try {
          changeSetting(changed, word.text);
        } catch (error) {
          throw new CommandError(escapeName((error as Error).message), word.column);
        }
      }
      const fault = settingsFault(changed);
      if (fault) throw new CommandError(fault);
      session.settings = changed;
      const keys = args.map(({ text }) => text.slice(0, text.indexOf("=")));
      const lines = keys.map((key) => showSetting(changed, key));
      return result(`${lines.join("\n")}\n(from the next exec on)`);
    },
  },
  {
    name: "era",
    usage: "era [NAME]",
    help: "Whose costs the clock counts, from the next exec on.",
    complete: () => Object.keys(SETTINGS.era?.names ?? {}),
    async run(session, args) {
      atMost(args, 1);
      const word = args[0];
      try {
        if (word) changeSetting(session.settings, `era=${word.text}`);
      } catch (error) {
        throw new CommandError(escapeName((error as Error).message), word?.column);
      }
      return result(showSetting(session.settings, "era"));
    },
  },
  {
    name: "env",
    usage: "env [NAME=VALUE...]",
    help: "The environment of the next exec; it is empty until you say. env - empties it.",
    async run(session, args) {
      for (const word of args) {
        const name = /^([^=]+)=/.exec(word.text)?.[1];
        if (word.text === "-") session.env = [];
        else if (name === undefined) {
          throw new CommandError(`"${escapeName(word.text)}" is not NAME=VALUE`, word.column);
        } else {
          session.env = session.env.filter((one) => !one.startsWith(`${name}=`));
          session.env.push(word.text);
        }
      }
      return result(session.env.map((one) => escapeName(one)).join("\n") || "empty");
    },
  },
  {
    name: "input",
    usage: "input [TEXT...]",
    help: "Gives the program a line of standard input. Alone: there will be no more.",
    async run(session, args) {
      const machine = session.running;
      const line = args.map(({ text }) => text).join(" ");
      const bytes = new TextEncoder().encode(args.length === 0 ? "" : `${line}\n`);
      try {
        machine.giveInput(bytes, args.length === 0);
      } catch (error) {
        throw new CommandError((error as Error).message);
      }
      return result("");
    },
  },
  {
    name: "program",
    usage: "program",
    help: "Says which program the machine runs, and which there are.",
    async run(session, args) {
      atMost(args, 0);
      const { machine } = session;
      const now = machine ? machine.request.argv.map((arg) => escapeName(arg)).join(" ") : "none";
      const names = session.host.fileNames().map((name) => escapeName(name));
      return result(`running: ${now}\nthere are: ${names.join(" ")}`);
    },
  },
];

/** One line a setting. */
function settingsHelp(): string {
  const lines = Object.entries(SETTINGS).map(([key, { about, names }]) => {
    const choice = names ? `: ${Object.keys(names).join(", ")}` : "";
    return `  ${key.padEnd(24)} ${about}${choice}`;
  });
  lines.push(`  ${"layout".padEnd(24)} how files lie on the disk: copied, linked`);
  return lines.join("\n");
}
