// The one table of commands: terminal, `pagewalk sh`, scenes, permalinks and the page's buttons.
import { escapeName } from "../terminal-filter.ts";
import { CommandError, tokenize, type Word } from "../tokenize.ts";
import type { CommandResult } from "../types.ts";
import { DISK_COMMANDS } from "./disk-files.ts";
import { EXPERIMENT_COMMANDS } from "./experiment.ts";
import { LOOKS } from "./look.ts";
import { MEMORY_COMMANDS } from "./memory.ts";
import { MOVES } from "./move.ts";
import { PBITMAP_COMMANDS } from "./pbitmap.ts";
import { POLICY_COMMANDS } from "./policy.ts";
import { PROCESS_COMMANDS } from "./process.ts";
import { RESIDENT_COMMANDS } from "./resident.ts";
import { SCRATCH_COMMANDS } from "./scratch.ts";
import { result, type Session } from "./session.ts";
import { STARTS } from "./start.ts";
import { TRACE_COMMANDS } from "./trace.ts";

export { type Host, Session } from "./session.ts";

export interface Command {
  name: string;
  usage: string;
  help: string;
  /** What may stand at argument `n` (from 0). */
  complete?(session: Session, n: number): string[];
  /** @throws CommandError for arguments that make no sense. */
  run(session: Session, args: Word[]): Promise<CommandResult>;
}

const HELP: Command = {
  name: "help",
  usage: "help [COMMAND]",
  help: "Explains a command, or lists them all.",
  complete: (_, n) => (n === 0 ? COMMANDS.map(({ name }) => name) : []),
  async run(_, args) {
    const word = args[0];
    if (!word) return result(summary());
    const text = helpText(word.text);
    if (text === null) throw unknown(word);
    return result(text);
  },
};

/** In the order in which `help` lists them. */
export const COMMANDS: readonly Command[] = [
  ...STARTS,
  ...MOVES,
  ...LOOKS,
  ...PROCESS_COMMANDS,
  ...MEMORY_COMMANDS,
  ...TRACE_COMMANDS,
  ...DISK_COMMANDS,
  ...PBITMAP_COMMANDS,
  ...POLICY_COMMANDS,
  ...RESIDENT_COMMANDS,
  ...SCRATCH_COMMANDS,
  ...EXPERIMENT_COMMANDS,
  HELP,
];

/** Short forms that gdb users type. */
const ALIASES: Record<string, string> = {
  c: "continue",
  s: "step",
  n: "next",
  si: "stepi",
  b: "back",
  u: "until",
  l: "list",
  where: "position",
  backtrace: "bt",
  run: "exec",
  faults: "fault",
  frame: "frames",
  vmmap: "pmap",
};

function summary(): string {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.split("    ")[0]?.length ?? 0));
  return COMMANDS.map(({ usage, help }) => {
    const [first = ""] = usage.split("    ");
    return `  ${first.padEnd(width)}  ${help.split("\n")[0]}`;
  }).join("\n");
}

/** The command of a name or alias. */
export function commandNamed(name: string): Command | undefined {
  const wanted = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return COMMANDS.find((command) => command.name === wanted);
}

/** Usage and explanation, or null when there is no such command. */
export function helpText(name: string): string | null {
  const command = commandNamed(name);
  return command ? `${command.usage}\n${command.help}` : null;
}

function unknown(word: Word): CommandError {
  const near = COMMANDS.find(({ name }) => distance(name, word.text) <= 2);
  const hint = near ? `; did you mean ${near.name}?` : "";
  return new CommandError(`there is no command "${escapeName(word.text)}"${hint}`, word.column);
}

/** Edit distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * Runs one command line.
 *
 * @returns status 2 and a sentence with the column for a line that makes no sense; an empty line
 *   does nothing.
 */
export async function execute(session: Session, line: string): Promise<CommandResult> {
  try {
    const [name, ...args] = tokenize(line);
    if (!name) return result("");
    const command = commandNamed(name.text);
    if (!command) throw unknown(name);
    return await command.run(session, args);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const at = error.column > 0 ? ` (column ${error.column})` : "";
    return result(`${error.message}${at}`, false, 2);
  }
}

/**
 * What could stand where the cursor is.
 *
 * @param line up to the cursor
 * @returns where the word to be completed begins (from 0), and the candidates that begin so
 */
export function complete(session: Session, line: string): { from: number; candidates: string[] } {
  const from = line.search(/\S*$/);
  const prefix = line.slice(from);
  let words: Word[];
  try {
    words = tokenize(line.slice(0, from));
  } catch {
    return { from, candidates: [] };
  }
  const [name] = words;
  const all = name
    ? (commandNamed(name.text)?.complete?.(session, words.length - 1) ?? [])
    : COMMANDS.map((command) => command.name);
  return { from, candidates: all.filter((one) => one.startsWith(prefix)).sort() };
}
