// What the commands of the command line share: their errors, their options, their output.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { escapeName, TerminalFilter } from "../web/machine/terminal-filter.ts";

/** The command was asked for something impossible: one sentence, exit status 2. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Ours, and from the program on the guest's. */
export interface Split {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  rest: string[];
}

/**
 * Parses the options before the first word that is none; that word and all behind it are left
 * alone, whatever they look like.
 *
 * @throws UsageError for an unknown option or a missing value.
 */
export function parseOptions(args: string[], options: Options): Split {
  const config = { args, options, allowPositionals: true, strict: false, tokens: true } as const;
  const { tokens } = parseArgs(config);
  const program = tokens.find(({ kind }) => kind === "positional");
  const end = tokens.find(({ kind }) => kind === "option-terminator");
  const at = program?.index ?? args.length;
  const ours = args.slice(0, end && end.index < at ? end.index : at);
  try {
    return { values: parseArgs({ args: ours, options }).values, rest: args.slice(at) };
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split(". ");
    throw new UsageError(sentence.replace(/\.$/, "").replace(/^./, (c) => c.toLowerCase()));
  }
}

/**
 * A file of the host, whole.
 *
 * @throws UsageError when it cannot be read.
 */
export function readHostFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(hostError(path, error));
  }
}

/** "no such file: x" and the like, from an error of node:fs. */
export function hostError(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const name = escapeName(path);
  if (code === "ENOENT" || code === "ENOTDIR") return `${name}: no such file`;
  if (code === "EACCES" || code === "EPERM") return `${name}: not allowed to read it`;
  if (code === "EISDIR") return `${name} is a directory`;
  return `${name}: ${code ?? (error as Error).message}`;
}

/** Fills `into` from a host file; a file that shrank meanwhile leaves zeros. */
export function readInto(path: string, into: Uint8Array): void {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (let at = 0; at < Math.min(size, into.length); ) {
      const got = readSync(fd, into, at, into.length - at, at);
      if (got === 0) break;
      at += got;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Where guest output goes: as it is into files and pipes, filtered onto a terminal.
 *
 * @returns write, and end to be called when the guest has ended
 */
export function guestStream(stream: NodeJS.WriteStream): {
  write(bytes: Uint8Array): void;
  end(): void;
} {
  if (!stream.isTTY) return { write: (bytes) => void stream.write(bytes), end: () => {} };
  const filter = new TerminalFilter(() => ({ columns: stream.columns, rows: stream.rows }));
  let used = false;
  return {
    write(bytes) {
      used = true;
      stream.write(filter.write(bytes));
    },
    end() {
      if (used) stream.write(filter.end());
    },
  };
}
