// Values of variables at the ends of the lines that set them.
import type { KernelFrame } from "../../machine/types.ts";

export interface Hint {
  line: number;
  name: string;
  text: string;
}

/** Longest value shown beside a line; the whole of it is in `bt`. */
const LONGEST = 40;

/** The variables of a function that have a value and a line, in the order of the lines. */
export function hintsOf(frame: KernelFrame | null): Hint[] {
  if (!frame) return [];
  return frame.variables
    .filter((v) => v.line !== undefined && v.text !== "")
    .map((v) => ({
      line: v.line as number,
      name: v.name,
      text: v.text.length > LONGEST ? `${v.text.slice(0, LONGEST - 1)}…` : v.text,
    }))
    .sort((a, b) => a.line - b.line);
}
