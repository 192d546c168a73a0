// The room for views that are asked for: one at a time, chosen by tabs.
import { html, nothing } from "lit";
import type { View } from "../../machine/types.ts";
import { Pane } from "../pane.ts";
import { narrow, view, viewsOpen } from "../state.ts";

const VIEWS: [View, string][] = [
  ["disk", "Disk head"],
  ["bitmap", "Bitmap"],
  ["resident", "Resident"],
  ["nozero", "No zero"],
  ["scratch", "Scratch"],
  ["experiment", "Experiment"],
];

export class ViewsPane extends Pane {
  override render() {
    return html`<div class="view-bar">
        <div class="tabs" role="tablist" aria-label="Views" data-arrows @keydown=${this.#key}>
          ${VIEWS.map(
            ([name, label]) => html`<button
              role="tab"
              id=${`view-${name}`}
              aria-controls="view"
              aria-selected=${view.value === name}
              tabindex=${view.value === name ? 0 : -1}
              @click=${() => {
                view.value = name;
              }}
            >
              ${label}
            </button>`,
          )}
        </div>
        ${
          narrow.value
            ? nothing
            : html`<button
                class="quiet"
                title="Back to the walk and the frames (V)"
                aria-keyshortcuts="V"
                @click=${() => {
                  viewsOpen.value = false;
                }}
              >
                Close <kbd aria-hidden="true">V</kbd>
              </button>`
        }
      </div>
      <div id="view" role="tabpanel" aria-labelledby=${`view-${view.value}`}>${this.#view()}</div>`;
  }

  #view() {
    switch (view.value) {
      case "disk":
        return html`<pw-head></pw-head>`;
      case "bitmap":
        return html`<pw-bitmap></pw-bitmap>`;
      case "resident":
        return html`<pw-resident></pw-resident>`;
      case "nozero":
        return html`<pw-nozero></pw-nozero>`;
      case "scratch":
        return html`<pw-scratch></pw-scratch>`;
      case "experiment":
        return html`<pw-experiment></pw-experiment>`;
    }
  }

  #key = async (event: KeyboardEvent): Promise<void> => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = VIEWS.findIndex(([name]) => name === view.value);
    view.value = (VIEWS[(at + step + VIEWS.length) % VIEWS.length] as [View, string])[0];
    await this.updateComplete;
    this.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  };
}

customElements.define("pw-views", ViewsPane);
