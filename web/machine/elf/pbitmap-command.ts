// The words of a `pbitmap` command, for the command line and the terminal: the same options with
// the same meaning; only where files come from and go to differs.
import { escapeName } from "../terminal-filter.ts";
import { type AddOptions, addBitmaps, clearBitmaps, MOST_HISTORY } from "./pbitmap-add.ts";
import { PbitmapError, pageBitmaps, withBits } from "./pbitmap.ts";
import {
  bitmapsAsJson,
  bitsFromTrace,
  bitsFromWords,
  diffBitmaps,
  type PageTrace,
  showBitmaps,
} from "./pbitmap-text.ts";

export const ACTIONS = ["add", "show", "clear", "set", "diff"] as const;
export type Action = (typeof ACTIONS)[number];

/** A `pbitmap` command, understood. */
export interface PbitmapCommand {
  action: Action;
  /** One, or two for diff (one is enough in the terminal). */
  files: string[];
  /** Words of set. */
  ranges: string[];
  segments: "all" | "text";
  phdr: boolean;
  history: number;
  json: boolean;
  /** set: bits that are set stay so. */
  keep: boolean;
  base: bigint | undefined;
  output: string | undefined;
  fromTrace: string | undefined;
  fromFaults: boolean;
}

const FLAGS: Record<string, readonly Action[]> = {
  "--segments": ["add"],
  "--phdr": ["add"],
  "--history": ["add"],
  "--json": ["show"],
  "--or": ["set"],
  "--base": ["set"],
  "--from-trace": ["set"],
  "--from-faults": ["set"],
  "-o": ["add", "clear", "set"],
};
const WITH_VALUE = new Set(["--segments", "--history", "--base", "--from-trace", "-o"]);

/**
 * Understands the words behind `pbitmap`.
 *
 * @throws PbitmapError with one sentence for what makes no sense.
 */
export function parsePbitmap(args: readonly string[]): PbitmapCommand {
  const [name = "", ...rest] = args;
  const action = ACTIONS.find((one) => one === name);
  if (!action) {
    const what = name === "" ? "pbitmap what?" : `pbitmap does not know "${escapeName(name)}":`;
    throw new PbitmapError(`${what} ${ACTIONS.join(", ")}`);
  }
  const values = new Map<string, string>();
  const words: string[] = [];
  let options = true;
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string;
    if (options && word === "--") options = false;
    else if (!options || !word.startsWith("-") || word === "-") words.push(word);
    else {
      const [flag = "", ...value] = word.startsWith("--") ? word.split("=") : [word];
      if (!Object.hasOwn(FLAGS, flag) || !FLAGS[flag]?.includes(action)) {
        throw new PbitmapError(`pbitmap ${action} has no option "${escapeName(flag)}"`);
      }
      if (!WITH_VALUE.has(flag)) {
        if (value.length > 0) throw new PbitmapError(`${flag} takes no value`);
        values.set(flag, "");
      } else {
        const text = value.length > 0 ? value.join("=") : rest[++i];
        if (text === undefined || text === "") throw new PbitmapError(`${flag} needs a value`);
        values.set(flag, text);
      }
    }
  }
  return understood(action, words, values);
}

function understood(action: Action, words: string[], values: Map<string, string>): PbitmapCommand {
  const segments = values.get("--segments") ?? "all";
  if (segments !== "all" && segments !== "text") {
    throw new PbitmapError(`--segments is all or text, not "${escapeName(segments)}"`);
  }
  const history = values.get("--history") ?? "0";
  if (!/^\d{1,2}$/.test(history) || Number(history) > MOST_HISTORY) {
    const most = `a number of runs, at most ${MOST_HISTORY}`;
    throw new PbitmapError(`--history is ${most}, not "${escapeName(history)}"`);
  }
  const base = values.get("--base");
  if (base !== undefined && !/^0x[0-9a-f]{1,16}$/i.test(base)) {
    throw new PbitmapError(`--base is an address (0x...), not "${escapeName(base)}"`);
  }
  const traced = values.has("--from-trace") || values.has("--from-faults");
  if (values.has("--from-trace") && values.has("--from-faults")) {
    throw new PbitmapError("--from-trace or --from-faults, not both");
  }
  if ((values.has("--or") || base !== undefined) && !traced) {
    throw new PbitmapError("--or and --base belong to --from-trace");
  }
  const [file, ...more] = words;
  if (file === undefined) throw new PbitmapError(`pbitmap ${action}: which file?`);
  const ranges = action === "set" ? more : [];
  const files = action === "set" ? [file] : words;
  if (files.length > (action === "diff" ? 2 : 1)) {
    throw new PbitmapError(`"${escapeName(files.at(-1) as string)}" is too much here`);
  }
  if (action === "set" && traced === ranges.length > 0) {
    throw new PbitmapError(
      traced ? "pages or a trace, not both" : "pbitmap set: which pages? 0-3,7, all or none",
    );
  }
  return {
    action,
    files,
    ranges,
    segments,
    phdr: values.has("--phdr"),
    history: Number(history),
    json: values.has("--json"),
    keep: values.has("--or"),
    base: base === undefined ? undefined : BigInt(base),
    output: values.get("-o"),
    fromTrace: values.get("--from-trace"),
    fromFaults: values.has("--from-faults"),
  };
}

/** What a command gives: text to print, a file to write, the exit status. */
export interface Answer {
  text: string;
  file?: Uint8Array;
  status: number;
}

/**
 * Does what a command says to a file's bytes.
 *
 * @param name of the file, for its text
 * @param trace what set --from-... is fed with
 * @param other the second file of diff
 * @throws PbitmapError
 */
export function answer(
  command: PbitmapCommand,
  name: string,
  bytes: Uint8Array,
  { trace, other }: { trace?: PageTrace | undefined; other?: Uint8Array | undefined } = {},
): Answer {
  const { action } = command;
  if (action === "add") {
    const { segments, phdr, history } = command;
    const options: AddOptions = { segments, phdr, history };
    return { text: "", file: addBitmaps(bytes, options), status: 0 };
  }
  if (action === "clear") return { text: "", file: clearBitmaps(bytes), status: 0 };
  const found = pageBitmaps(bytes);
  if (action === "show") {
    const text = command.json
      ? JSON.stringify(bitmapsAsJson(found))
      : showBitmaps(found, escapeName(name));
    return { text, status: found.bitmaps.length === 0 ? 1 : 0 };
  }
  if (action === "diff") {
    const { text, differ } = diffBitmaps(found, pageBitmaps(other as Uint8Array));
    return { text, status: differ ? 1 : 0 };
  }
  if (found.bitmaps.length === 0) throw new PbitmapError("the file has no bitmap; add one first");
  if (!trace)
    return { text: "", file: withBits(bytes, bitsFromWords(found, command.ranges)), status: 0 };
  const { changes, used, outside, base } = bitsFromTrace(found, trace, command);
  const off = base === 0n ? "" : `, loaded 0x${base.toString(16)} up`;
  const text = `${used} of ${used + outside} entries are in the file${off}`;
  return { text, file: withBits(bytes, changes), status: 0 };
}
