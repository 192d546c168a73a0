// Command lines: words, quotes, comments. The same rules hold in the terminal, in a script
// for `pagewalk sh`, in a scene, and in a permalink.

/** One word of a command line. Columns count from 1. */
export interface Word {
  text: string;
  column: number;
  /** It had quotes, so it is never an option or a keyword by accident. */
  quoted: boolean;
}

/** A command line that cannot be understood. `column` counts from 1, 0 when it has no place. */
export class CommandError extends Error {
  readonly column: number;

  constructor(message: string, column = 0) {
    super(message);
    this.name = "CommandError";
    this.column = column;
  }
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", "\\": "\\", '"': '"' };

/**
 * Splits a line into words, as a shell would without expansions: 'single' quotes take all as
 * it stands, "double" quotes know \n \t \\ \", a backslash outside takes the next character
 * as it stands, and # at the start of a word begins a comment.
 *
 * @param line one line; a line break in it is a blank.
 * @throws CommandError with the column of a quote that is not closed, or of a lone backslash.
 */
export function tokenize(line: string): Word[] {
  const words: Word[] = [];
  let word: Word | null = null;
  const open = (at: number): Word => {
    word ??= { text: "", column: at + 1, quoted: false };
    return word;
  };
  const close = () => {
    if (word) words.push(word);
    word = null;
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (/\s/.test(char)) close();
    else if (char === "#" && !word) break;
    else if (char === "'" || char === '"') at = quoted(line, at, open(at));
    else if (char === "\\") {
      if (at + 1 === line.length) {
        throw new CommandError("a backslash at the end of the line", at + 1);
      }
      open(at).text += line[++at];
    } else open(at).text += char;
  }
  close();
  return words;
}

/** Adds the quoted part that begins at `start` to `word`; returns where its end quote is. */
function quoted(line: string, start: number, word: Word): number {
  const quote = line[start];
  word.quoted = true;
  for (let at = start + 1; at < line.length; at++) {
    const char = line[at] as string;
    if (char === quote) return at;
    if (char === "\\" && quote === '"' && at + 1 < line.length) {
      const next = line[++at] as string;
      word.text += ESCAPES[next] ?? `\\${next}`;
    } else word.text += char;
  }
  throw new CommandError(`this ${quote} is never closed`, start + 1);
}

/** Puts a text in quotes when tokenize() would not give it back as one word. */
export function quote(text: string): string {
  if (/^[^\s'"\\#][^\s'"\\]*$/.test(text)) return text;
  if (!/[\n\t"]/.test(text) && !text.includes("\\")) return `"${text}"`;
  if (!text.includes("'")) return `'${text}'`;
  const escaped = text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t");
  return `"${escaped}"`;
}
