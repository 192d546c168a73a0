// The top line: which program, which machine, open a file, theme, help.
import { html, nothing } from "lit";
import { toggleViews } from "../controls.ts";
import { Pane } from "../pane.ts";
import { open, start } from "../session.ts";
import { helpOpen, pickerOpen, programs, snapshot, theme, viewsOpen } from "../state.ts";
import { nextTheme } from "../theme.ts";

/** Whose costs the clock counts, in words. */
const ERAS: Record<string, string> = {
  laptop2004: "2004 laptop disk",
  desktop2004: "2004 desktop disk",
  server2007: "2007 server disk",
  desktop2008: "2008 desktop disk",
  ssd2008: "2008 SSD",
  nvme2020: "2020 NVMe",
};

/** What stands between backquotes is code. */
const withCode = (text: string) =>
  text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));

export class HeaderBar extends Pane {
  override render() {
    const now = snapshot.value;
    return html`<header>
      <h1>Pagewalk</h1>
      <button
        class="quiet"
        data-program
        aria-haspopup="dialog"
        aria-expanded=${pickerOpen.value}
        @click=${() => {
          pickerOpen.value = !pickerOpen.value;
        }}
      >
        <b>${now?.program || "program"}</b> <span aria-hidden="true">▾</span>
        <span class="hidden">Choose a program</span>
      </button>
      <span class="machine">${
        now
          ? `${now.frames.total.toLocaleString("en")} frames · TLB ${now.tlb.size} · ${ERAS[now.era] ?? now.era}${
              now.mode === "touch" ? " · you are the CPU" : ""
            }`
          : nothing
      }</span>
      <span class="grow"></span>
      <button
        class="quiet views-button"
        aria-pressed=${viewsOpen.value}
        aria-keyshortcuts="V"
        title="More views of the machine (V)"
        @click=${toggleViews}
      >
        Views <kbd aria-hidden="true">V</kbd>
      </button>
      <label class="quiet file"
        >Open<span class="wide"> a file</span>…<input type="file" @change=${this.#onFile} aria-label="Open a program file"
      /></label>
      <button class="quiet" data-theme-button @click=${nextTheme}>Theme<span class="wide">: ${theme.value}</span></button>
      <a class="quiet docs-link" href="./docs/index.html">Docs</a>
      <button
        class="quiet"
        @click=${() => {
          helpOpen.value = true;
        }}
      >
        Help <kbd>?</kbd>
      </button>
      ${pickerOpen.value ? this.#picker() : nothing}
    </header>`;
  }

  #picker() {
    return html`<div
      class="picker"
      role="dialog"
      aria-label="Programs"
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === "Escape") this.#close();
      }}
    >
      <ul>
        ${programs.value.map(
          (program) => html`<li>
            <button
              data-name=${program.name}
              @click=${() => this.#start(program.name, program.runs?.[0]?.args)}
            >
              <b>${program.title ?? program.name}</b> <code>${program.name}</code>
              ${program.description ? html`<span>${withCode(program.description)}</span>` : nothing}
            </button>
            ${
              (program.runs?.length ?? 0) > 1
                ? html`<p>
                    ${program.runs
                      ?.filter((run) => run.args.length > 0)
                      .map(
                        (run) => html`<button @click=${() => this.#start(program.name, run.args)}>
                          <code>${run.args.join(" ")}</code>
                        </button>`,
                      )}
                  </p>`
                : nothing
            }
          </li>`,
        )}
      </ul>
      <p>
        Or drop a 64-bit ELF file anywhere on the page. A RISC-V program is run; any other is mapped
        without being run, and you choose the accesses.
      </p>
    </div>`;
  }

  #start(name: string, args: readonly string[] = []): void {
    this.#close();
    start(name, args);
  }

  #close(): void {
    pickerOpen.value = false;
    this.querySelector<HTMLElement>("[data-program]")?.focus();
  }

  #wasOpen = false;

  protected override updated(): void {
    const open = pickerOpen.value;
    if (open && !this.#wasOpen) this.querySelector<HTMLElement>(".picker button")?.focus();
    this.#wasOpen = open;
  }

  #outside = (event: Event): void => {
    const at = event.target as HTMLElement;
    if (!this.querySelector(".picker")?.contains(at) && !at.closest?.("[data-program]")) {
      pickerOpen.value = false;
    }
  };

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#outside);
    document.addEventListener("focusin", this.#outside);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#outside);
    document.removeEventListener("focusin", this.#outside);
  }

  #onFile = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (file) await open(file);
  };
}

customElements.define("pw-header", HeaderBar);
