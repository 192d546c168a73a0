// The source with the current line lit, the values of variables beside the lines that set them,
// and the call stack above. Inside the kernel it is the kernel's source, in user mode the
// program's.
import { html, nothing } from "lit";
import type { KernelFrame, Snapshot, SourceLine } from "../../machine/types.ts";
import { type Hint, hintsOf } from "../draw/hints.ts";
import { highlight } from "../draw/highlight.ts";
import { arrive, Pane } from "../pane.ts";
import { shortName, sourceText } from "../sources.ts";
import { frameShown, moved, narrow, phase, snapshot } from "../state.ts";
import type { Editor } from "../editor.ts";

interface Place {
  at: SourceLine;
  /** The innermost frame: the line is about to run; an outer one: it waits for its call. */
  innermost: boolean;
  kernel: boolean;
  frame: KernelFrame | null;
}

/** What the pane shows for a snapshot and the frame the reader chose. */
export function placeOf(now: Snapshot, shownFrame: number | null): Place | null {
  const { stack } = now.kernel;
  if (!now.user && stack.length > 0) {
    const index = shownFrame ?? stack.length - 1;
    const frame = stack[index] ?? stack.at(-1);
    const innermost = index >= stack.length - 1;
    const at = innermost ? (now.kernel.at ?? frame?.at) : frame?.at;
    return at && frame ? { at, innermost, kernel: true, frame } : null;
  }
  const source = now.guest?.source;
  if (source) {
    const at = { file: source.file, line: source.line, endLine: source.line };
    return { at, innermost: true, kernel: false, frame: null };
  }
  return null;
}

export class SourcePane extends Pane {
  static override properties = {
    text: { state: true },
    file: { state: true },
    editor: { state: true },
  };
  /** The text of `file`; null when the page does not have it. */
  declare text: string | null;
  declare file: string;
  declare editor: Editor | null;

  constructor() {
    super();
    this.text = null;
    this.file = "";
    this.editor = null;
  }

  override render() {
    const now = snapshot.value;
    const place = now ? placeOf(now, frameShown.value) : null;
    if (place && place.at.file !== this.file) this.#load(place.at.file);
    const shown = place?.at.file === this.file && this.text !== null;
    return html`<section class="source-pane" aria-label="Source">
      <nav class="stack" aria-label="Call stack of the kernel">${this.#stack(now, place)}</nav>
      <div class="editor-home" ?hidden=${!shown || !this.editor}></div>
      ${
        shown && !this.editor && place
          ? this.#plain(place)
          : shown
            ? nothing
            : html`<div class="source-empty"><p class="empty">${this.#why(now, place)}</p></div>`
      }
    </section>`;
  }

  #why(now: Snapshot | null, place: Place | null): string {
    if (!now) return phase.value === "dead" ? "" : "The machine is starting.";
    if (place && this.file !== place.at.file) return "";
    if (now.guest?.exit) return "The program has ended. Step back, or start another.";
    if (now.mode === "touch" && now.user) {
      return "You are the CPU: the instructions of this file are not run. Choose a page in the address space, then read, write or execute there; the kernel's lines appear here.";
    }
    const line = now.guest?.source?.text.trim();
    if (line) return line;
    return now.user
      ? "The program runs its own instructions. It carries no line table, so there is no source to show; the next kernel line appears here."
      : "No kernel line is running.";
  }

  #stack(now: Snapshot | null, place: Place | null) {
    if (!now) return nothing;
    const stack = now.user ? [] : now.kernel.stack;
    const shown = frameShown.value ?? stack.length - 1;
    return html`<ol>
        ${
          stack.length === 0
            ? html`<li><span class="dim">${now.mode === "touch" ? "your turn" : now.user ? `user mode${now.guest?.symbol ? ` › ${now.guest.symbol}` : ""}` : "kernel"}</span></li>`
            : stack.map(
                (frame, i) => html`<li>
                  <button
                    aria-current=${i === shown ? "true" : "false"}
                    title=${`${shortName(frame.at.file)}:${frame.at.line}`}
                    @click=${() => {
                      frameShown.value = i === stack.length - 1 ? null : i;
                    }}
                  >
                    ${frame.function}
                  </button>
                </li>`,
              )
        }
      </ol>
      <span class="file">${place ? `${shortName(place.at.file)}:${place.at.line}` : ""}</span>`;
  }

  /** The text without the editor: the first drawing, and small screens. */
  #plain(place: Place) {
    const hints = new Map<number, Hint[]>();
    for (const hint of hintsOf(place.frame)) {
      hints.set(hint.line, [...(hints.get(hint.line) ?? []), hint]);
    }
    let inComment = false;
    return html`<pre class="source-text" tabindex="0" data-arrows-vertical aria-label=${`Source of ${shortName(this.file)}`}><code>${(
      this.text ?? ""
    )
      .split("\n")
      .map((line, i) => {
        const number = i + 1;
        const { tokens, inComment: next } = highlight(line, inComment);
        inComment = next;
        const lit = number >= place.at.line && number <= place.at.endLine;
        const className = `line${lit ? (place.innermost ? " lit" : " waits") : ""}`;
        return html`<span class=${className} data-line=${number}
          ><span class="number">${number}</span><span class="content"
            >${tokens.map((token) =>
              token.kind === "plain"
                ? token.text
                : html`<span class=${`t-${token.kind}`}>${token.text}</span>`,
            )}</span
          >${
            hints.has(number)
              ? html`<span class="value">${hints
                  .get(number)
                  ?.map((h) => `${h.name} = ${h.text}`)
                  .join("  ")}</span>`
              : nothing
          }</span
        >`;
      })}</code></pre>`;
  }

  async #load(file: string): Promise<void> {
    this.file = file;
    this.text = null;
    const text = await sourceText(file);
    if (this.file === file) {
      this.text = text;
      this.editor?.setText(file, text ?? "");
    }
  }

  #shownAt = "";

  protected override updated(): void {
    const now = snapshot.value;
    const place = now ? placeOf(now, frameShown.value) : null;
    if (!place || this.text === null || place.at.file !== this.file) return;
    const key = `${place.at.file}:${place.at.line}:${place.innermost}:${moved.value === this.#lastMoved}`;
    if (this.editor) {
      this.editor.show(
        place.at,
        place.innermost,
        hintsOf(place.frame),
        moved.value.kind === "line" && moved.value !== this.#lastMoved,
      );
    } else {
      const line = this.querySelector<HTMLElement>(`[data-line="${place.at.line}"]`);
      const box = this.querySelector<HTMLElement>(".source-text");
      if (line && box) scrollTo(box, line);
      if (moved.value.kind === "line" && key !== this.#shownAt) arrive(line);
    }
    this.#shownAt = key;
    this.#lastMoved = moved.value;
    const trail = this.querySelector(".stack ol");
    if (trail) trail.scrollLeft = trail.scrollWidth;
    if (!this.#asked && !narrow.value) {
      this.#asked = true;
      const open = () => this.#openEditor();
      if ("requestIdleCallback" in window) requestIdleCallback(open, { timeout: 2000 });
      else setTimeout(open, 400);
    }
  }

  #lastMoved: unknown;
  #asked = false;

  async #openEditor(): Promise<void> {
    const { openEditor } = await import("../editor.ts").catch(() => ({ openEditor: null }));
    const home = this.querySelector<HTMLElement>(".editor-home");
    if (!openEditor || !home || this.editor || !this.isConnected || narrow.value) return;
    const editor = openEditor(home);
    if (this.text !== null) editor.setText(this.file, this.text);
    this.editor = editor;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.editor?.dispose();
    this.editor = null;
    this.#asked = false;
  }
}

/** Brings a line into the middle of its box when it is not well inside; never scrolls the page. */
function scrollTo(box: HTMLElement, line: HTMLElement): void {
  const top = line.offsetTop;
  const margin = line.offsetHeight * 3;
  if (top < box.scrollTop + margin || top > box.scrollTop + box.clientHeight - 2 * margin) {
    box.scrollTop = top - box.clientHeight * (narrow.value ? 0.2 : 0.4);
  }
}

customElements.define("pw-source", SourcePane);
