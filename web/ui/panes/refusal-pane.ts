// A file that could not be mapped: what it is, and why not. Or a link that was not followed.
import { html, nothing } from "lit";
import { Pane } from "../pane.ts";
import { restore } from "../session.ts";
import { refusal } from "../state.ts";

const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes of the terminal
  text.replace(/\x1b\[[\d;]*m/g, "");

export class RefusalPane extends Pane {
  override render() {
    const file = refusal.value;
    if (!file) return nothing;
    return html`<dialog class="refusal" aria-labelledby="refusal-title" @close=${this.#close}>
      <h2 id="refusal-title">${file.title}</h2>
      <p class="verdict">${plain(file.verdict)}</p>
      ${file.contents ? html`<pre tabindex="0">${plain(file.contents)}</pre>` : nothing}
      <form method="dialog"><button class="primary" autofocus>Back to the machine</button></form>
    </dialog>`;
  }

  protected override updated(): void {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  #close = (): void => {
    const restores = refusal.value?.restores;
    refusal.value = null;
    if (restores) restore();
  };
}

customElements.define("pw-refusal", RefusalPane);
