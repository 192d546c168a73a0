// What `pagewalk sim` and the terminal's `sim` have in common: how policies and sizes are written,
// and how the answers look.
import { count } from "../format.ts";
import { POLICIES, type PolicyInfo, policyNamed } from "../policies.ts";
import { escapeName } from "../terminal-filter.ts";
import { MOST_FRAMES, type RunOptions, type RunResult, type Simulator } from "./simulator.ts";

/** More sizes than these in one command are a slip. */
const MOST_SIZES = 1000;

/**
 * A whole number in a range.
 *
 * @throws RangeError with one sentence.
 */
export function whole(what: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = `a whole number from ${least} to ${most}`;
  throw new RangeError(`${what} ${escapeName(text)}: give ${range}`);
}

/**
 * The sizes in "3", "3,4,8" or "1-8".
 *
 * @throws RangeError with one sentence.
 */
export function frameCounts(what: string, text: string): number[] {
  const sizes = text.split(",").flatMap((part) => {
    const [first = "", last = first] = part.split("-", 2);
    const from = whole(what, first, 1, MOST_FRAMES);
    const to = whole(what, last, from, MOST_FRAMES);
    if (to - from >= MOST_SIZES) throw new RangeError(`${what} ${part}: too many at once`);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return sizes;
}

/**
 * The policies in "all" or "fifo,lru".
 *
 * @throws RangeError with one sentence that lists them.
 */
export function policiesNamed(text: string): PolicyInfo[] {
  if (text === "all") return [...POLICIES];
  return text.split(",").map((name) => {
    const info = policyNamed(name);
    if (info) return info;
    const names = POLICIES.map((one) => one.name).join(", ");
    throw new RangeError(`there is no policy "${escapeName(name)}": all, ${names}`);
  });
}

const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(2)} %`;

/** "12 references to 5 pages, 40.00 % writes" */
export function traceText({ references, pages, writes }: Simulator): string {
  const written = writes === 0 ? "" : `, ${percent(writes, references)} writes`;
  return `${count(references)} references to ${count(pages)} pages${written}`;
}

function row(cells: readonly string[]): string {
  const [first = "", ...rest] = cells;
  const widths = [7, 12, 10, 12, 12];
  return [first.padEnd(15), ...rest.map((cell, i) => cell.padStart(widths[i] ?? 0))].join(" ");
}

/** The heading of a table of results. */
export const TABLE_HEAD = row([
  "policy",
  "frames",
  "faults",
  "hit rate",
  "evictions",
  "written back",
]);

/** One line of it. */
export function tableRow({ name }: PolicyInfo, result: RunResult): string {
  const { frames, references, faults, hits, evictions, writebacks } = result;
  const counts = [evictions, writebacks].map(count);
  return row([name, count(frames), count(faults), percent(hits, references), ...counts]);
}

/** The longest run that is shown step by step. */
export const MOST_STEPS = 1000;
export const MOST_STEP_FRAMES = 32;

/**
 * One run, a line for each reference: what it met, and what every frame holds then.
 *
 * @throws RangeError when that would be too much to read.
 */
export function stepLines(simulator: Simulator, options: RunOptions): string[] {
  const { references } = simulator;
  if (references > MOST_STEPS) {
    throw new RangeError(
      `${count(references)} references: steps are shown of ${MOST_STEPS} at most`,
    );
  }
  if (options.frames > MOST_STEP_FRAMES) {
    throw new RangeError(`steps are shown with ${MOST_STEP_FRAMES} frames at most`);
  }
  const names = simulator.pageNumbers();
  const width = Math.max(2, ...names.map((name) => name.length));
  const lines = [`${"n".padStart(5)}  ${"page".padEnd(width + 2)}${"".padEnd(7)}frames`];
  let before: number[] = [];
  simulator.run({
    ...options,
    onReference: (n, { id, write }) => {
      const after = simulator.resident;
      const fault = !before.includes(id);
      const gone = before.find((one) => !after.includes(one));
      const cells = Array.from({ length: options.frames }, (_, i) => {
        const owner = after[i];
        return (owner === undefined ? "-" : (names[owner] as string)).padStart(width);
      });
      const left = gone === undefined ? "" : `   ${names[gone]} goes`;
      const page = `${names[id]}${write ? "*" : ""}`.padEnd(width + 2);
      const what = (fault ? "fault" : "").padEnd(7);
      lines.push(`${String(n + 1).padStart(5)}  ${page}${what}${cells.join(" ")}${left}`);
      before = after;
    },
  });
  return lines;
}
