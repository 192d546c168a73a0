// The address space: every area, every page of it one square.
import { html, nothing, type PropertyValues } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { Snapshot, VmaView } from "../../machine/types.ts";
import type { CellEvent, PageCells } from "../cells.ts";
import { groupBare, groupHex, pageAddress, pageOf } from "../draw/address.ts";
import { vmaOf } from "../draw/links.ts";
import { Pane } from "../pane.ts";
import { refresh, touch } from "../session.ts";
import { chosen, frameWords, moved, places, pointed, process, snapshot } from "../state.ts";

/** What web/machine/processes.ts says of a kernel thread without work. */
const IDLE_THREAD = "waits for work";

interface Menu {
  vpn: number;
  /** In the window, CSS pixels. */
  x: number;
  y: number;
}

export class SpacePane extends Pane {
  static override properties = { menu: { state: true } };
  declare menu: Menu | null;
  #from: PageCells | null = null;

  constructor() {
    super();
    this.menu = null;
  }

  override render() {
    const now = snapshot.value;
    const shown = now?.processes.find(({ pid }) => pid === now.shownPid);
    const who = shown?.name ? `${shown.name}, pid ${shown.pid}` : (now?.program ?? "");
    return html`<section class="space-pane" aria-labelledby="space-title">
      <h2 id="space-title">Address space <span>${who}</span>${now ? this.#detail(now) : nothing}</h2>
      ${now ? this.#processes(now) : nothing}
      <div class="scroll" tabindex="-1">
        ${
          now && now.vmas.length > 0
            ? now.vmas.map((vma) => this.#row(now, vma))
            : html`<p class="empty">${
                now?.halted
                  ? "The process has ended, and its address space with it."
                  : "Nothing is mapped yet: exec has not come so far."
              }</p>`
        }
      </div>
      ${now ? this.#menu(now) : nothing}
    </section>`;
  }

  /** Whose address space: the running process's, or always the same one's. */
  #processes(now: Snapshot) {
    const fixed = process.value === now.shownPid ? process.value : null;
    // A kernel thread is worth a word only while it does something.
    const listed = now.processes.filter(({ doing }) => doing !== IDLE_THREAD);
    if (listed.length < 2) return nothing;
    const choose = (pid: number | null) => {
      process.value = pid;
      refresh();
    };
    return html`<div class="processes" role="group" aria-label="Whose address space is shown">
      <button
        aria-pressed=${fixed === null}
        title="Follow whichever process runs"
        @click=${() => choose(null)}
      >
        the running one
      </button>
      ${listed.map(
        ({ pid, name, doing, current, mapped }) => html`<button
          class=${current ? "current" : ""}
          aria-pressed=${fixed === pid}
          ?disabled=${!mapped}
          title=${`${name}, pid ${pid}: ${doing}`}
          @click=${() => choose(pid)}
        >
          <b>${pid}</b> ${name} <span>${doing}</span>
        </button>`,
      )}
    </div>`;
  }

  #row(now: Snapshot, vma: VmaView) {
    const current = now.walk ? pageOf(now.walk.va) - vma.startPage : -1;
    const change = moved.value;
    const rings = [...(places.value?.vpns ?? [])].map((vpn) => vpn - vma.startPage);
    const left = vma.pages - vma.cells.length;
    const name = vma.name || "anonymous";
    return html`<div class="vma">
      <code title=${`${vma.start} to ${vma.end}, ${vma.present} of ${vma.pages} pages present`}
        ><span class="at">${groupBare(vma.start)}</span> ${vma.perms} <b>${name}</b></code
      >
      <page-cells
        id=${`vma-${vma.startPage}`}
        .states=${vma.cells}
        .rings=${{ now: current >= 0 ? current : undefined, chosen: rings }}
        .moved=${change.kind === "space" ? change.vpn - vma.startPage : -1}
        .describe=${(i: number) => `${name} page ${groupHex(pageAddress(vma.startPage + i))}`}
        label=${`Pages of ${name} ${vma.perms}`}
        @point=${(event: CellEvent) => {
          pointed.value =
            event.detail < 0 ? null : { kind: "virtual", vpn: vma.startPage + event.detail };
        }}
        @pick=${(event: CellEvent) => {
          chosen.value = { kind: "virtual", vpn: vma.startPage + event.detail };
          if (now.mode === "touch") {
            this.#openMenu(event.currentTarget as PageCells, vma, event.detail);
          }
        }}
      ></page-cells>
      ${left > 0 ? html`<span class="more">and ${left.toLocaleString("en")} more pages</span>` : nothing}
    </div>`;
  }

  /** Where the page that is pointed at or chosen lives; in touch mode, what to do there. */
  #detail(now: Snapshot) {
    const all = places.value;
    if (!all) return nothing;
    const vpn = all.vpns.values().next().value;
    const pfn = all.pfns.values().next().value;
    const lba = all.lbas.values().next().value;
    const file = all.files.values().next().value;
    const words: unknown[] = [];
    if (vpn !== undefined) words.push(html`<code>${groupHex(pageAddress(vpn))}</code>`);
    if (file !== undefined) {
      const [ino, page] = file.split(":").map(Number);
      words.push(`${now.cache.find((f) => f.ino === ino)?.name ?? "file"} page ${page}`);
    } else if (vpn !== undefined) words.push(vmaOf(now, vpn)?.name || "not mapped");
    if (pfn !== undefined) words.push(`frame ${pfn}`);
    if (lba !== undefined) words.push(`block ${lba.toLocaleString("en")}`);
    // A frame that is no page of this address space or of a file: say what holds it.
    if (vpn === undefined && file === undefined) words.push(frameWords.value);
    return html`<span class="detail">${words.map((word, i) => html`${i > 0 ? " · " : ""}${word}`)}</span>`;
  }

  /** Which access to make at a page, beside the page: in touch mode the reader is the CPU. */
  #menu(now: Snapshot) {
    const { menu } = this;
    if (!menu || now.mode !== "touch") return nothing;
    const va = pageAddress(menu.vpn);
    return html`<div
      class="touch"
      role="group"
      aria-label=${`Touch ${groupHex(va)}`}
      style=${styleMap({ left: `${menu.x}px`, top: `${menu.y}px` })}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === "Escape") this.#close();
      }}
      @focusout=${(event: FocusEvent) => {
        if (!(event.relatedTarget as Element | null)?.closest(".touch")) this.menu = null;
      }}
    >
      <code>${groupHex(va)}</code>
      ${ACCESSES.map(
        ([access, word]) => html`<button
          @click=${() => {
            this.#close();
            touch(va, access);
          }}
        >
          ${word}
        </button>`,
      )}
    </div>`;
  }

  #openMenu(field: PageCells, vma: VmaView, index: number): void {
    const box = field.cellBox(index);
    const canvas = field.querySelector("canvas")?.getBoundingClientRect();
    if (!box || !canvas) return;
    this.#from = field;
    this.menu = {
      vpn: vma.startPage + index,
      x: Math.max(4, Math.min(canvas.left + box.x - 8, innerWidth - 330)),
      y: Math.min(canvas.top + box.y + box.side + 6, innerHeight - 44),
    };
  }

  #close(): void {
    this.menu = null;
    this.#from?.querySelector<HTMLElement>(".cells")?.focus();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("menu") && this.menu) {
      this.querySelector<HTMLElement>(".touch button")?.focus();
    }
  }
}

const ACCESSES = [
  ["r", "Read"],
  ["w", "Write"],
  ["x", "Execute"],
] as const;

customElements.define("pw-space", SpacePane);
