// The page: which pane stands where.
import { html, nothing } from "lit";
import { Pane } from "./pane.ts";
import { open } from "./session.ts";
import { narrow, type Tab, tab, viewShown } from "./state.ts";

const TABS: [Tab, string][] = [
  ["source", "Source"],
  ["terminal", "Terminal"],
  ["memory", "Memory"],
  ["storage", "Disk"],
  ["views", "Views"],
];

export class Workbench extends Pane {
  static override properties = { dropping: { state: true } };
  declare dropping: boolean;

  constructor() {
    super();
    this.dropping = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("dragover", this.#over);
    addEventListener("dragleave", this.#leave);
    addEventListener("drop", this.#drop);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("dragover", this.#over);
    removeEventListener("dragleave", this.#leave);
    removeEventListener("drop", this.#drop);
  }

  override render() {
    const one = narrow.value;
    const away = (name: Tab) => one && tab.value !== name;
    const viewing = viewShown.value !== null;
    // Tables and charts take all the room; beside the other views memory and disk stay.
    const whole = viewShown.value === "experiment" && !one;
    const right = ["right", ...(viewing && !one ? ["viewing"] : []), ...(whole ? ["whole"] : [])];
    return html`<pw-header></pw-header>
      <section class="bar" aria-label="Controls"><pw-controls></pw-controls></section>
      <pw-sentence></pw-sentence>
      <main>
        <div class="left">
          ${one ? html`<pw-walk></pw-walk>${this.#tabs()}` : nothing}
          <pw-source ?hidden=${away("source")}></pw-source>
          <pw-guest ?hidden=${away("source")}></pw-guest>
          <pw-terminal ?hidden=${away("terminal")}></pw-terminal>
        </div>
        <div class=${right.join(" ")}>
          ${one || viewing ? nothing : html`<pw-walk></pw-walk>`}
          ${viewing ? html`<pw-views></pw-views>` : nothing}
          <pw-space ?hidden=${away("memory") || whole}></pw-space>
          <pw-frames ?hidden=${away("memory") || (viewing && !one)}></pw-frames>
          <pw-storage ?hidden=${away("storage") || whole}></pw-storage>
        </div>
      </main>
      <footer><pw-timeline></pw-timeline></footer>
      <pw-refusal></pw-refusal>
      <pw-help></pw-help>
      ${
        this.dropping
          ? html`<div class="drop" role="status">
              <p>
                Let go to open the file.
                <span>RISC-V programs run; other 64-bit programs are mapped, and you are the CPU.</span>
              </p>
            </div>`
          : nothing
      }`;
  }

  #tabs() {
    return html`<div class="tabs" role="tablist" aria-label="Panes" data-arrows @keydown=${this.#tabKey}>
      ${TABS.map(
        ([name, label]) => html`<button
          role="tab"
          aria-selected=${tab.value === name}
          tabindex=${tab.value === name ? 0 : -1}
          @click=${() => {
            tab.value = name;
          }}
        >
          ${label}
        </button>`,
      )}
    </div>`;
  }

  #tabKey = async (event: KeyboardEvent): Promise<void> => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = TABS.findIndex(([name]) => name === tab.value);
    tab.value = (TABS[(at + step + TABS.length) % TABS.length] as [Tab, string])[0];
    await this.updateComplete;
    this.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  };

  #over = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.dropping = true;
  };

  #leave = (event: DragEvent): void => {
    if (!event.relatedTarget) this.dropping = false;
  };

  #drop = (event: DragEvent): void => {
    const file = event.dataTransfer?.files[0];
    this.dropping = false;
    if (!file) return;
    event.preventDefault();
    open(file);
  };
}

customElements.define("pw-workbench", Workbench);
