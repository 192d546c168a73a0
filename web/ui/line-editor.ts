// A line of input as a terminal edits it: cursor, history, completion. Pure, but for `complete`.

/** What a key did to the line. */
export type Edit =
  /** Draw the line again. */
  | "changed"
  /** Enter: `text` is the command. */
  | "enter"
  /** Control-C: give the line up. */
  | "cancel"
  /** Control-L. */
  | "clear"
  /** Tab: ask for completions. */
  | "complete"
  | "none";

const WORD = /\S+\s*$/;

export class LineEditor {
  text = "";
  /** Index into `text`. */
  cursor = 0;
  #history: string[] = [];
  /** Index into the history; its length: the line being written. */
  #at = 0;
  #draft = "";

  /** Puts a new text on the line, cursor at its end. */
  set(text: string): void {
    this.text = text;
    this.cursor = text.length;
  }

  /** Remembers a command and starts an empty line. */
  commit(): string {
    const line = this.text;
    if (line.trim() && this.#history.at(-1) !== line) this.#history.push(line);
    this.#at = this.#history.length;
    this.#draft = "";
    this.set("");
    return line;
  }

  #recall(step: -1 | 1): Edit {
    const to = this.#at + step;
    if (to < 0 || to > this.#history.length) return "none";
    if (this.#at === this.#history.length) this.#draft = this.text;
    this.#at = to;
    this.set(this.#history[to] ?? this.#draft);
    return "changed";
  }

  #cut(from: number, to: number): Edit {
    if (from >= to) return "none";
    this.text = this.text.slice(0, from) + this.text.slice(to);
    this.cursor = from;
    return "changed";
  }

  #go(to: number): Edit {
    this.cursor = Math.min(Math.max(to, 0), this.text.length);
    return "changed";
  }

  /** Takes what a terminal sends for one key, or pasted text without line ends. */
  key(data: string): Edit {
    const { text, cursor } = this;
    switch (data) {
      case "\r":
      case "\n":
        return "enter";
      case "\t":
        return "complete";
      case "\x03":
        this.set("");
        this.#at = this.#history.length;
        return "cancel";
      case "\x0c":
        return "clear";
      case "\x7f":
      case "\b":
        return this.#cut(cursor - 1 < 0 ? cursor : cursor - 1, cursor);
      case "\x1b[3~":
      case "\x04":
        return this.#cut(cursor, Math.min(cursor + 1, text.length));
      case "\x15":
        return this.#cut(0, cursor);
      case "\x0b": {
        const edit = this.#cut(cursor, text.length);
        return edit;
      }
      case "\x17":
        return this.#cut(cursor - (WORD.exec(text.slice(0, cursor))?.[0].length ?? 0), cursor);
      case "\x1b[D":
      case "\x02":
        return this.#go(cursor - 1);
      case "\x1b[C":
      case "\x06":
        return this.#go(cursor + 1);
      case "\x1b[H":
      case "\x1bOH":
      case "\x01":
        return this.#go(0);
      case "\x1b[F":
      case "\x1bOF":
      case "\x05":
        return this.#go(text.length);
      case "\x1b[A":
      case "\x10":
        return this.#recall(-1);
      case "\x1b[B":
      case "\x0e":
        return this.#recall(1);
    }
    // Anything else that starts with a control character is a key without a meaning here.
    if (data.charCodeAt(0) < 32) return "none";
    this.text = text.slice(0, cursor) + data + text.slice(cursor);
    this.cursor = cursor + data.length;
    return "changed";
  }

  /**
   * Completes the word before the cursor as far as all candidates agree.
   *
   * @returns the candidates to show, none when the word was completed or nothing fits.
   */
  completeWith(candidates: readonly string[]): string[] {
    const before = this.text.slice(0, this.cursor);
    const word = /\S*$/.exec(before)?.[0] ?? "";
    const fitting = candidates.filter((candidate) => candidate.startsWith(word));
    const first = fitting[0];
    if (first === undefined) return [];
    let common = first;
    for (const other of fitting) {
      while (!other.startsWith(common)) common = common.slice(0, -1);
    }
    const ending = fitting.length === 1 ? " " : "";
    const added = common.slice(word.length) + ending;
    if (added) this.key(added);
    return fitting.length > 1 && common.length === word.length ? fitting : [];
  }
}
