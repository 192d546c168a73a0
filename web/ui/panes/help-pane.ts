// Keys, and what the page is.
import { html, nothing } from "lit";
import { COMMANDS } from "../controls.ts";
import { Pane } from "../pane.ts";
import { helpOpen } from "../state.ts";

export class HelpPane extends Pane {
  override render() {
    if (!helpOpen.value) return nothing;
    return html`<dialog class="help" aria-labelledby="help-title" @close=${this.#close}>
      <h2 id="help-title">Watching a page fault</h2>
      <p>
        A real Linux program runs on a small RISC-V machine in this page. When it touches memory
        that is not there, the kernel’s own source is walked line by line, forwards and backwards,
        and everything beside it is the true state of the machine at that line. Point at a page
        anywhere and it is ringed everywhere it lives.
      </p>
      <dl>
        ${Object.values(COMMANDS)
          .filter((command) => command !== COMMANDS.stop)
          .map(
            (command) =>
              html`<div><dt><kbd>${command.hint}</kbd></dt><dd>${command.says}</dd></div>`,
          )}
        <div><dt><kbd>G</kbd></dt><dd>Next size of a step</dd></div>
        <div><dt><kbd>V</kbd></dt><dd>More views: disk head, bitmaps, resident images, uncleared frames, scratch pages, experiments</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>Out of the terminal, back to the controls</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>This help</dd></div>
      </dl>
      <p>
        Every button is a command; the terminal shows it and takes more of them. Type
        <code>help</code> there. How it works, what it leaves out and what was proposed to make
        faults cheaper is in <a href="./docs/index.html">the docs</a>.
      </p>
      <form method="dialog"><button class="primary" autofocus>Close</button></form>
    </dialog>`;
  }

  protected override updated(): void {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  #close = (): void => {
    helpOpen.value = false;
  };
}

customElements.define("pw-help", HelpPane);
