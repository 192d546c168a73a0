// The address in question cut into its indices, the three tables they select from, and the TLB.
import { html, nothing } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { Snapshot, WalkLevel } from "../../machine/types.ts";
import { addressParts, groupHex, pageAddress, pageOf } from "../draw/address.ts";
import { arrive, Pane } from "../pane.ts";
import { chosen, moved, narrow, places, pointed, snapshot } from "../state.ts";

const LETTERS = "RWXUGAD";
const ACCESS = { R: "read", W: "write", X: "fetch", "": "" };
/** Rows of a table that are shown: the entry and its neighbours. */
const ROWS = { wide: 5, narrow: 3 };

/** The rows around the index, `count` of them where there are so many. */
export function rowsAround<T extends { index: number }>(
  rows: readonly T[],
  index: number,
  count: number,
): T[] {
  const at = Math.max(
    0,
    rows.findIndex((row) => row.index === index),
  );
  const from = Math.max(0, Math.min(at - Math.floor((count - 1) / 2), rows.length - count));
  return rows.slice(from, from + count);
}

export class WalkPane extends Pane {
  override render() {
    const now = snapshot.value;
    const walk = now?.walk;
    return html`<section class="walk-pane" aria-labelledby="walk-title">
      <h2 id="walk-title">
        Address
        <span>${walk ? html`<code>${groupHex(walk.va)}</code> ${ACCESS[walk.access]}` : "none yet"}</span>
      </h2>
      ${now && walk ? this.#walk(now) : html`<p class="empty">There is no page table now.</p>`}
    </section>`;
  }

  #walk(now: Snapshot) {
    const walk = now.walk;
    if (!walk) return nothing;
    const last = walk.levels.at(-1);
    return html`<div class="address">
        ${addressParts(walk.va).map(
          (part) => html`<div class="part" data-part=${part.part}>
            <code>${part.bits}</code><span>${part.label}</span>
          </div>`,
        )}
      </div>
      <div class="tables">
        <div class="satp">
          <span class="caption">satp</span>
          <span class="box"><code>Sv39</code><br /><code>→ ${walk.satpPfn}</code></span>
          ${link(0)}
        </div>
        ${([2, 1, 0] as const).map((level) =>
          this.#table(
            level,
            walk.levels.find((l) => l.level === level),
            level === last?.level && !walk.ok,
            walk.va,
          ),
        )}
        <div class="found">
          <span class="caption outcome"
            >${walk.ok ? "physical address" : html`stops: <b>${walk.outcome}</b>`}</span
          >
          ${walk.ok && walk.pa ? html`<code class="pa">${groupHex(walk.pa)}</code>` : nothing}
          ${this.#tlb(now)}
        </div>
      </div>`;
  }

  #table(level: 2 | 1 | 0, found: WalkLevel | undefined, stops: boolean, va: string) {
    if (!found) {
      return html`<div class="table away" data-level=${level}>
        <span class="caption">level ${level}</span>
        <p class="empty">not reached</p>
      </div>`;
    }
    const rows = rowsAround(found.rows, found.index, narrow.value ? ROWS.narrow : ROWS.wide);
    const at = rows.findIndex((row) => row.index === found.index);
    const chosenPfns = places.value?.pfns;
    // Pages of the last table, for ringing them elsewhere.
    const base = level === 0 ? Number(BigInt(va) >> 21n) * 512 : -1;
    return html`<div class="table" data-level=${level} style=${styleMap({ "--lit": String(at) })}>
      <span class="caption"
        >level ${level} <span class="of">in frame ${found.tablePfn}</span></span
      >
      <div class="rows" @keydown=${walkRows}>
        ${rows.map((row) => {
          const lit = row.index === found.index;
          const className = [
            "row",
            lit ? "lit" : "",
            lit && stops ? "stops" : "",
            row.valid && row.leaf && chosenPfns?.has(row.pfn) ? "chosen" : "",
          ].join(" ");
          const ref =
            base >= 0
              ? ({ kind: "virtual", vpn: base + row.index } as const)
              : ({ kind: "frame", pfn: row.pfn } as const);
          return html`<button
            class=${className}
            tabindex=${lit ? 0 : -1}
            title=${`entry ${row.index}: ${row.pte}`}
            aria-label=${`entry ${row.index}, ${
              row.valid ? `frame ${row.pfn}, ${row.flags || "pointer"}` : "not valid"
            }${lit ? ", selected by the address" : ""}`}
            @click=${() => {
              if (row.valid || base >= 0) chosen.value = ref;
            }}
            @pointerenter=${() => {
              pointed.value = row.valid || base >= 0 ? ref : null;
            }}
            @pointerleave=${() => {
              pointed.value = null;
            }}
          >
            <span class="index">${row.index}</span>
            <span class="pfn">${row.valid ? `→ ${row.pfn}` : lit ? "not valid" : "·"}</span>
            ${
              row.valid
                ? html`<span class="flags"
                    >${
                      row.leaf
                        ? [...LETTERS].map((letter) =>
                            row.flags.includes(letter) ? html`<b>${letter}</b>` : html`<i>·</i>`,
                          )
                        : html`<span class="of">table</span>`
                    }</span
                  >`
                : nothing
            }
          </button>`;
        })}
      </div>
      <code class="pte" title="the entry itself">${groupPte(found.pte)}</code>
      ${found.valid && !found.leaf ? link(at) : nothing}
    </div>`;
  }

  #tlb(now: Snapshot) {
    const { tlb } = now;
    const vpn = now.walk ? pageOf(now.walk.va) : -1;
    const valid = tlb.entries.filter((entry) => entry.valid);
    const shown = valid.slice().sort((a, b) => Number(b.vpn === vpn) - Number(a.vpn === vpn));
    const rings = places.value?.vpns;
    return html`<div class="tlb">
      <span class="caption"
        >TLB <span class="of">${few(tlb.hits)} hit${tlb.hits === 1 ? "" : "s"} · ${few(tlb.misses)} miss${tlb.misses === 1 ? "" : "es"}</span></span
      >
      <div class="rows" tabindex="0" role="group" aria-label="TLB entries" @keydown=${walkRows}>
        ${
          shown.length === 0
            ? html`<p class="empty">empty</p>`
            : shown.map(
                (entry) => html`<button
                  class=${["row", entry.vpn === vpn ? "lit" : "", rings?.has(entry.vpn) ? "chosen" : ""].join(" ")}
                  data-vpn=${entry.vpn}
                  tabindex="-1"
                  title=${`page ${groupHex(pageAddress(entry.vpn))}, set ${entry.set}, way ${entry.way}, address space ${entry.asid}`}
                  @click=${() => {
                    chosen.value = { kind: "virtual", vpn: entry.vpn };
                  }}
                  @pointerenter=${() => {
                    pointed.value = { kind: "virtual", vpn: entry.vpn };
                  }}
                  @pointerleave=${() => {
                    pointed.value = null;
                  }}
                >
                  <span class="index"><span class="of">0x</span>${entry.vpn.toString(16)}</span>
                  <span class="pfn">→ ${entry.pfn}</span>
                  <span class="flags">${entry.flags}</span>
                </button>`,
              )
        }
      </div>
    </div>`;
  }

  #last: unknown;

  protected override updated(): void {
    const change = moved.value;
    if (change === this.#last) return;
    this.#last = change;
    if (change.kind === "pte" || change.kind === "level") {
      arrive(this.querySelector(`.table[data-level="${change.level}"] .row.lit`));
    }
    if (change.kind === "tlb") arrive(this.querySelector(`.tlb [data-vpn="${change.vpn}"]`));
    if (change.kind === "address") arrive(this.querySelector(".address"));
  }
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact" });
/** A count in little room: "3.1K". */
const few = (n: number): string => COMPACT.format(n);

/** One tab stop a table: inside it, up and down walk from row to row. */
function walkRows(event: KeyboardEvent): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const box = event.currentTarget as HTMLElement;
  if (!step) return;
  const rows = [...box.querySelectorAll<HTMLElement>(".row")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
  event.preventDefault();
}

/** A line from a lit row (or from satp) to the table that it names. */
const link = (row: number) =>
  html`<svg class="link" aria-hidden="true" viewBox="0 0 20 110">
    <path d=${`M0 ${29 + 18 * row} C 13 ${29 + 18 * row}, 5 10, 18 10`} />
  </svg>`;

const groupPte = (pte: string): string => {
  const digits = pte.replace(/^0x/, "").padStart(16, "0");
  return digits.replace(/(.{4})(?=.)/g, "$1 ");
};

customElements.define("pw-walk", WalkPane);
