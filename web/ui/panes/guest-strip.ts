// The guest program: where its own source stands, and its registers when asked for.
import { html, nothing } from "lit";
import type { GuestView } from "../../machine/types.ts";
import { groupHex } from "../draw/address.ts";
import { Pane } from "../pane.ts";
import { sourceText } from "../sources.ts";
import { snapshot } from "../state.ts";

const ending = (exit: NonNullable<GuestView["exit"]>): string =>
  exit.signal
    ? `ended by ${exit.signal} at ${groupHex(exit.addr)}`
    : `exited with status ${exit.status ?? 0}`;

export class GuestStrip extends Pane {
  /** The text of the file that the program's line is in. */
  #file = "";
  #lines: string[] = [];

  async #load(file: string): Promise<void> {
    this.#file = file;
    this.#lines = [];
    const text = await sourceText(file);
    if (this.#file !== file) return;
    this.#lines = text?.split("\n") ?? [];
    this.requestUpdate();
  }

  override render() {
    const guest = snapshot.value?.guest;
    if (!guest)
      return html`<section class="guest" aria-label="The program"><p class="empty">No program is running.</p></section>`;
    const { source } = guest;
    if (source && source.file !== this.#file) this.#load(source.file);
    const text = source?.text || (source && this.#lines[source.line - 1]) || "";
    return html`<section class="guest" aria-label="The program">
      <details>
        <summary>
          <span class="where"
            >${source ? `${source.file.replace(/^.*\//, "")}:${source.line}` : guest.name}</span
          >
          <code class="text"
            >${
              guest.exit
                ? ending(guest.exit)
                : source
                  ? text.trim() || guest.symbol
                  : html`${guest.symbol || "no source line"}
                    ${guest.insn ? html`<span class="insn">instruction ${guest.insn}</span>` : nothing}`
            }</code
          >
          <code class="pc" title="program counter">${groupHex(guest.pc)}</code>
        </summary>
        ${
          guest.regs.length > 0
            ? html`<dl class="regs">
                ${guest.regs.map(
                  (reg) => html`<div><dt>${reg.name}</dt><dd>${short(reg.value)}</dd></div>`,
                )}
              </dl>`
            : nothing
        }
      </details>
    </section>`;
  }
}

const short = (value: string): string => groupHex(value).slice(2);

customElements.define("pw-guest", GuestStrip);
