// pagewalk pbitmap: page bitmaps in ELF files of this computer.
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { PbitmapError } from "../web/machine/elf/pbitmap.ts";
import { answer, parsePbitmap, type PbitmapCommand } from "../web/machine/elf/pbitmap-command.ts";
import { type PageTrace, parseTrace } from "../web/machine/elf/pbitmap-text.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import { sample } from "./host.ts";
import { hostError, readHostFile, UsageError } from "./usage.ts";

/** A host file, or a sample where nothing is to be written over it. */
function input(path: string, { action, output }: PbitmapCommand): Uint8Array {
  const reads = action === "show" || action === "diff" || output !== undefined;
  const bytes = reads && !existsSync(path) ? sample(path) : null;
  return bytes ?? readHostFile(path);
}

/**
 * Replaces a file as a whole, or leaves it alone: whoever has it open, or maps it, keeps the old
 * one. A new file gets the old one's permissions.
 *
 * @param like the file whose permissions it gets
 */
function replaceFile(path: string, bytes: Uint8Array, like: string): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const name = `.${basename(target)}.${randomBytes(6).toString("hex")}`;
  const temporary = join(dirname(target), name);
  try {
    const fd = openSync(temporary, "wx", 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const from = existsSync(target) ? target : like;
    chmodSync(temporary, existsSync(from) ? statSync(from).mode & 0o7777 : 0o755);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw new UsageError(`${escapeName(path)}: not allowed to write it`);
    }
    throw new UsageError(hostError(path, error));
  }
}

function traceOf({ fromTrace, fromFaults }: PbitmapCommand, file: string): PageTrace | undefined {
  if (fromFaults) {
    throw new UsageError(
      "--from-faults is the terminal's; here: pagewalk faults --json PROGRAM | pagewalk pbitmap set PROGRAM --from-trace -",
    );
  }
  if (fromTrace === undefined) return undefined;
  const bytes = fromTrace === "-" ? readFileSync(0) : readHostFile(fromTrace);
  return parseTrace(bytes.toString("utf8"), basename(file));
}

/** `pagewalk pbitmap`; diff ends with 1 when the files differ, show when there is no bitmap. */
export async function pbitmap(args: string[]): Promise<number> {
  let named = "";
  try {
    const command = parsePbitmap(args);
    const [path = "", second] = command.files;
    if (command.action === "diff" && second === undefined) {
      throw new UsageError("pbitmap diff: which second file?");
    }
    const bytes = input(path, command);
    const other = second === undefined ? undefined : input(second, command);
    const trace = traceOf(command, path);
    named = second === undefined ? `${escapeName(path)}: ` : "";
    const { text, file, status } = answer(command, basename(path), bytes, { trace, other });
    if (file) replaceFile(command.output ?? path, file, path);
    if (text) process.stdout.write(`${text}\n`);
    return status;
  } catch (error) {
    if (error instanceof PbitmapError) throw new UsageError(named + error.message);
    throw error;
  }
}
