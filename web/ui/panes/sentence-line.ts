// The one sentence: what is happening and why. Also what a screen reader hears.
import { html, nothing, type TemplateResult } from "lit";
import { groupHex } from "../draw/address.ts";
import { Pane } from "../pane.ts";
import { boot } from "../session.ts";
import { failure, phase, snapshot } from "../state.ts";

const PIECES =
  /(0x[\da-f]{4}(?: [\da-f]{4})+|0x[\da-f]+)|\b((?:major|minor|copy-on-write|anonymous|stack|zero-page) fault|SIG[A-Z]+)\b/gi;

/** Addresses in the fixed-width face and grouped; the kind of fault stressed. */
export function sentenceParts(text: string): TemplateResult[] {
  const parts: TemplateResult[] = [];
  let at = 0;
  for (const match of text.matchAll(PIECES)) {
    parts.push(html`${text.slice(at, match.index)}`);
    const [whole, hex] = match;
    if (!hex) parts.push(html`<strong>${whole}</strong>`);
    else parts.push(html`<code>${hex.length > 6 ? groupHex(hex) : hex}</code>`);
    at = match.index + whole.length;
  }
  parts.push(html`${text.slice(at)}`);
  return parts;
}

export class SentenceLine extends Pane {
  override render() {
    if (phase.value === "dead") {
      return html`<div class="sentence dead" role="alert">
        <p>
          The machine has stopped working: ${failure.value || "its worker ended without a word"}.
          ${snapshot.value ? "Only its place in the run is lost." : nothing}
        </p>
        <button class="primary" @click=${() => boot()}>Start it again</button>
      </div>`;
    }
    const now = snapshot.value;
    return html`<div class="sentence">
      <p aria-live="polite" aria-atomic="true">
        ${now ? sentenceParts(now.sentence) : "Starting the machine, and hello on it …"}
      </p>
    </div>`;
  }

  /** A sentence that does not fit its two lines is set smaller; the lines keep their room. */
  #fit = (): void => {
    const box = this.querySelector(".sentence");
    const text = box?.firstElementChild;
    if (!box || !text || box.classList.contains("dead")) return;
    box.classList.remove("long");
    box.classList.toggle("long", text.clientHeight > box.clientHeight - 6);
  };

  protected override updated(): void {
    this.#fit();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("resize", this.#fit);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("resize", this.#fit);
  }
}

customElements.define("pw-sentence", SentenceLine);
