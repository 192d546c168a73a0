// What stands between a guest's bytes and a terminal. A terminal is a program that its input
// commands: it can be made to answer (the answer is then typed into the guest), to change its
// title, to switch screens 10^5 times, to swallow all later text. Guests may colour their text
// and move the cursor; everything else they send is taken out.
//
// And what stands between a hostile name (a file, a symbol, a path) and our own text.

/** How large the screen is; cursor moves are clamped to it. */
export interface ScreenSize {
  columns: number;
  rows: number;
}

/** Longest CSI sequence that is looked at: SGR with a few colours. */
const MAX_CSI = 64;

enum At {
  Text,
  Escape,
  /** ESC and intermediate bytes (0x20..0x2f): a final byte ends it. */
  Intermediate,
  Csi,
  /** OSC, DCS, APC, PM, SOS: dropped up to BEL, ST, CAN or SUB. */
  String,
  /** ESC inside a control string: ST when a backslash follows. */
  StringEscape,
}

/**
 * Lets printable UTF-8, BEL BS TAB LF CR, SGR, cursor moves and erasing through; all else is
 * dropped: OSC, DCS, APC, PM, SOS, C1, private modes, queries, resets. Malformed UTF-8 becomes
 * U+FFFD. One filter for each stream, since a sequence may be cut anywhere.
 */
export class TerminalFilter {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #size: () => ScreenSize;
  #at = At.Text;
  #csi = "";

  /** @param size asked at each cursor move, so that a resized terminal is respected. */
  constructor(size: () => ScreenSize = () => ({ columns: 80, rows: 24 })) {
    this.#size = size;
  }

  /** Takes the next bytes of the guest's output; returns what the terminal may have. */
  write(bytes: Uint8Array): string {
    return this.#filter(this.#decoder.decode(bytes, { stream: true }));
  }

  /**
   * Ends the stream, as on process exit: a sequence that was begun is forgotten, so it cannot
   * swallow what comes next, and colours are reset.
   */
  end(): string {
    const rest = this.#filter(this.#decoder.decode());
    this.#at = At.Text;
    this.#csi = "";
    return `${rest}\x1b[0m`;
  }

  #filter(text: string): string {
    let out = "";
    let from = 0; // start of plain text that is not copied yet
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (this.#at === At.Text) {
        if (code >= 0x20 && (code < 0x7f || code > 0x9f)) continue;
        if (code >= 7 && code <= 13 && code !== 11 && code !== 12) continue;
        out += text.slice(from, i);
      } else {
        out += this.#control(code, text[i] as string);
        from = i + 1;
        continue;
      }
      from = i + 1;
      if (code === 0x1b) this.#at = At.Escape;
      else if (code === 0x9b) this.#begin(At.Csi);
      else if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) {
        this.#at = At.String;
      }
    }
    return this.#at === At.Text ? out + text.slice(from) : out;
  }

  #begin(at: At): void {
    this.#at = at;
    this.#csi = "";
  }

  /** One code unit inside a sequence; returns what comes out for it. */
  #control(code: number, char: string): string {
    if (code === 0x18 || code === 0x1a || code === 0x9c) {
      this.#at = At.Text;
      return "";
    }
    switch (this.#at) {
      case At.Escape:
        if (char === "[") this.#begin(At.Csi);
        else if (/[\]PX^_]/.test(char)) this.#at = At.String;
        else if (code >= 0x20 && code <= 0x2f) this.#at = At.Intermediate;
        else if (code !== 0x1b) this.#at = At.Text;
        return "";
      case At.Intermediate:
        if (code === 0x1b) this.#at = At.Escape;
        else if (code >= 0x30) this.#at = At.Text;
        return "";
      case At.Csi:
        return this.#parameter(code, char);
      case At.String:
        if (code === 0x1b) this.#at = At.StringEscape;
        else if (code === 7) this.#at = At.Text;
        return "";
      default:
        // Inside a control string only ESC \ ends it; another ESC x begins a new sequence.
        this.#at = At.Escape;
        return char === "\\" ? this.#control(0x18, "") : this.#control(code, char);
    }
  }

  #parameter(code: number, char: string): string {
    if (code === 0x1b) this.#at = At.Escape;
    else if (code < 0x20) return code >= 8 && code <= 13 && code !== 11 && code !== 12 ? char : "";
    else if (code < 0x40) {
      if (this.#csi.length <= MAX_CSI) this.#csi += char;
    } else {
      this.#at = At.Text;
      if (code < 0x7f) return sequence(this.#csi, char, this.#size());
    }
    return "";
  }
}

/** The CSI sequence when it is allowed, with its parameters clamped, else "". */
function sequence(parameters: string, final: string, size: ScreenSize): string {
  if (parameters.length > MAX_CSI || !/^[0-9;:]*$/.test(parameters)) return "";
  if (final === "m") return `\x1b[${parameters}m`;
  if (parameters.includes(":")) return "";
  const values = parameters === "" ? [] : parameters.split(";").map(Number);
  const { columns, rows } = size;
  const clamp = (value: number, limit: number) => Math.min(Math.max(value, 1), limit);
  if (/[ABEFd]/.test(final)) return `\x1b[${clamp(values[0] ?? 1, rows)}${final}`;
  if (/[CDG`]/.test(final)) return `\x1b[${clamp(values[0] ?? 1, columns)}${final}`;
  if (/[Hf]/.test(final)) {
    return `\x1b[${clamp(values[0] ?? 1, rows)};${clamp(values[1] ?? 1, columns)}H`;
  }
  // 3J would also take the scrollback, which holds the reader's own commands.
  if (/[JK]/.test(final) && values.length < 2 && (values[0] ?? 0) <= 2) {
    return `\x1b[${values[0] ?? 0}${final}`;
  }
  return "";
}

const REPLY =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b\[[?>=]?[\d;]*\$?[cnRyt]|\x1b\[[IO]|\x1b\[<[\d;]*[Mm]|\x1b[P\]_^X][^\x07\x1b]*(?:\x07|\x1b\\)?/g;

/**
 * Takes out what terminals type by themselves (answers to queries, focus and mouse reports),
 * so that it is not fed to the guest as if the reader had typed it.
 *
 * @param typed what the terminal's onData gave.
 */
export function withoutReplies(typed: string): string {
  return typed.replace(REPLY, "");
}

/**
 * Lets so many bytes a second through to a terminal and drops the rest, counting it. The
 * caller owns the clock, so that tests do not wait.
 */
export class OutputCredit {
  readonly #rate: number;
  #credit: number;
  #last: number | null = null;
  /** Bytes dropped so far. */
  dropped = 0;

  /** @param rate bytes a second, and the most that can be saved up. */
  constructor(rate = 1 << 20) {
    this.#rate = rate;
    this.#credit = rate;
  }

  /**
   * @param bytes what the guest wrote.
   * @param now milliseconds of any clock that only goes forward.
   * @returns the part of it that may be shown.
   */
  take(bytes: Uint8Array, now: number): Uint8Array {
    const since = this.#last === null ? 0 : Math.max(0, now - this.#last);
    this.#last = now;
    this.#credit = Math.min(this.#rate, this.#credit + (since * this.#rate) / 1000);
    const allowed = Math.min(bytes.length, Math.floor(this.#credit));
    this.#credit -= allowed;
    this.dropped += bytes.length - allowed;
    return allowed === bytes.length ? bytes : bytes.subarray(0, allowed);
  }
}

/** Ranges of characters that are invisible or turn text around. */
const HIDDEN = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe0fff],
] as const;

/**
 * A name from outside (a path, a symbol, an ELF string) as one harmless line: controls as
 * \x1b, bidirectional and invisible characters as <U+202E>, cut at `limit` characters.
 */
export function escapeName(name: string, limit = 256): string {
  let out = "";
  let length = 0;
  for (const char of name) {
    if (length++ === limit) return `${out}…`;
    const code = char.codePointAt(0) as number;
    const hex = code.toString(16);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) out += `\\x${hex.padStart(2, "0")}`;
    else if (HIDDEN.some(([low, high]) => code >= low && code <= high)) {
      out += `<U+${hex.toUpperCase().padStart(4, "0")}>`;
    } else if (code >= 0xd800 && code <= 0xdfff) out += "\ufffd";
    else out += char;
  }
  return out;
}
