// The dialogue with the machine: first as plain text, then as a terminal.
import { html, nothing } from "lit";
import { Pane } from "../pane.ts";
import { said } from "../state.ts";

export class TerminalPane extends Pane {
  static override properties = { ready: { state: true } };
  declare ready: boolean;
  #close: (() => void) | undefined;

  constructor() {
    super();
    this.ready = false;
  }

  override render() {
    return html`<section class="terminal-pane" aria-label="Terminal">
      <div class="terminal-home"></div>
      ${
        this.ready
          ? nothing
          : html`<pre class="transcript" tabindex="0">${said.value
              .slice(-60)
              .map(({ kind, text }) =>
                kind === "command" ? `pagewalk ${text}\n` : `${text.replace(/\n$/, "")}\n`,
              )}</pre>`
      }
    </section>`;
  }

  protected override firstUpdated(): void {
    requestIdleCallback?.(() => this.#open(), { timeout: 1500 }) ??
      setTimeout(() => this.#open(), 300);
  }

  async #open(): Promise<void> {
    const { openTerminal } = await import("../terminal.ts");
    const home = this.querySelector<HTMLElement>(".terminal-home");
    if (!home || this.#close || !this.isConnected) return;
    this.ready = true;
    await this.updateComplete;
    this.#close = openTerminal(home, () => {
      document.querySelector<HTMLElement>('[data-control="step"]')?.focus();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close?.();
    this.#close = undefined;
  }
}

customElements.define("pw-terminal", TerminalPane);
