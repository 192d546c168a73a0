// The address space: every area, every page of it one square.
import { html, nothing } from "lit";
import type { Snapshot, VmaView } from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { groupBare, groupHex, pageAddress, pageOf } from "../draw/address.ts";
import { vmaOf } from "../draw/links.ts";
import { Pane } from "../pane.ts";
import { touch } from "../session.ts";
import { chosen, moved, places, pointed, snapshot } from "../state.ts";

export class SpacePane extends Pane {
  override render() {
    const now = snapshot.value;
    const who = now?.guest ? `${now.guest.name}, pid ${now.guest.pid}` : (now?.program ?? "");
    return html`<section class="space-pane" aria-labelledby="space-title">
      <h2 id="space-title">Address space <span>${who}</span>${now ? this.#detail(now) : nothing}</h2>
      <div class="scroll" tabindex="-1">
        ${
          now && now.vmas.length > 0
            ? now.vmas.map((vma) => this.#row(now, vma))
            : html`<p class="empty">Nothing is mapped yet: exec has not run.</p>`
        }
      </div>
    </section>`;
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
    if (lba !== undefined) words.push(`block ${lba}`);
    const canTouch = now.mode === "touch" && vpn !== undefined && !pointed.value;
    return html`<span class="detail">
      ${words.map((word, i) => html`${i > 0 ? " · " : ""}${word}`)}
      ${
        canTouch
          ? (["r", "w", "x"] as const).map(
              (access) =>
                html`<button
                  class="touch"
                  @click=${() => touch(pageAddress(vpn), access)}
                >
                  ${{ r: "read", w: "write", x: "execute" }[access]}
                </button>`,
            )
          : nothing
      }
    </span>`;
  }
}

customElements.define("pw-space", SpacePane);
